//! `party START`: one party of a room whose time a test moves; what it is, is said in `fengjuan_tests::party`.

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let start = std::env::args().nth(1).context("how to start")?;
    fengjuan_tests::party::program::run(&start)
}
