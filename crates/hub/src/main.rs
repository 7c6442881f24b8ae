//! `fengjuan-hub`: a hub without its page. It serves until it is told to stop, and takes nothing else: decisions are
//! made at the station.

use clap::Parser;
use fengjuan_device::machine::RealMachine;
use fengjuan_hub::{Config, Hub};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The hub of a room, without its page.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Data directory.
    #[arg(long)]
    data: PathBuf,
    /// Site kit to be taken over; without it the one of the data directory.
    #[arg(long)]
    kit: Option<PathBuf>,
    /// Where terminals connect.
    #[arg(long)]
    listen: SocketAddr,
    /// Name under which to ask for enrolment at the center.
    #[arg(long, default_value = "")]
    name: String,
    /// Run the room only when somebody takes over.
    #[arg(long)]
    standby: bool,
}

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed("hub.runtime", &error),
    };
    let machine = match RealMachine::new() {
        Ok(machine) => Arc::new(machine),
        Err(error) => return failed(error.code(), &error),
    };
    let config = Config {
        data_dir: arguments.data,
        site_kit: arguments.kit,
        listen: arguments.listen,
        hub_name: arguments.name,
        standby: arguments.standby,
    };
    let hub = match Hub::open(&config, machine, runtime.handle()) {
        Ok(hub) => hub,
        Err(error) => return failed(error.code(), &error),
    };
    match hub.address() {
        Some(address) => println!("serving {address} {}", hub.identity().fingerprint()),
        None => println!("not serving {}", hub.trouble().join(" ")),
    }
    runtime.block_on(async move {
        stop_signal().await;
        hub.stop().await;
    });
    ExitCode::SUCCESS
}

async fn stop_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn failed(code: &str, error: &dyn std::error::Error) -> ExitCode {
    eprintln!("{code}: {error}");
    ExitCode::FAILURE
}
