//! The `serve` command: structured logs, a port file for scripts, and a graceful stop.

use fengjuan_center::{CenterError, Home, files, server};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};

pub fn serve(
    home: Home,
    listen: SocketAddr,
    port_file: Option<&Path>,
    health: Option<SocketAddr>,
) -> Result<(), CenterError> {
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let bound = |address: SocketAddr| {
        TcpListener::bind(address).map_err(|source| CenterError::Io {
            path: address.to_string().into(),
            source,
        })
    };
    let (listener, health) = (bound(listen)?, health.map(bound).transpose()?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|source| CenterError::Io {
        path: "runtime".into(),
        source,
    })?;
    runtime.block_on(async {
        let signals = |source| CenterError::Io {
            path: "signals".into(),
            source,
        };
        let mut terminated = signal(SignalKind::terminate()).map_err(signals)?;
        let running = server::serve(home, listener, health).await?;
        println!("https://{}", running.address);
        if let Some(path) = port_file {
            files::replace(path, format!("{}\n", running.address).as_bytes())?;
        }
        tokio::select! {
            _ = terminated.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("stopping");
        running.stop().await;
        Ok(())
    })
}
