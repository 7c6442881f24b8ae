//! `fengjuan-center`: the exam center's command line.

mod cli;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(cli::arguments::Arguments::parse())
}
