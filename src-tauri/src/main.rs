//! The desktop app: one kiosk window over a terminal. Thin on purpose: windows, commands and pictures; what happens
//! is decided in `fengjuan-terminal`.
#![cfg_attr(test, allow(clippy::unwrap_used))]
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod commands;
mod options;
mod page;
mod pictures;
mod window;

use anyhow::Context;
use fengjuan_device::machine::RealMachine;
use fengjuan_terminal::controller::Ports;
use fengjuan_terminal::front::Front;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tauri::{Manager, RunEvent};

/// How often the terminal looks at its clocks.
const TICK: Duration = Duration::from_millis(250);

fn main() -> anyhow::Result<()> {
    fengjuan_device::equipment::forbid_core_dumps();
    let options = options::Options::from_args()?;
    log_to(options.data_dir())?;
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a cryptography provider is installed already"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let ports = Ports {
        machine: Arc::new(RealMachine::new().context("reading the machine's clocks")?),
        camera: Arc::new(fengjuan_camera::Webcam),
        pattern: Arc::new(fengjuan_camera::PatternSource::new()),
        displays: Arc::new(window::Displays),
    };
    let (config, handle) = (options.config(), runtime.handle().clone());
    // The window layer takes as long to come up as the database, so each has a thread.
    let opening = std::thread::spawn(move || {
        let _in_runtime = handle.enter();
        Arc::new(Front::open(config, ports, &handle))
    });
    let _in_runtime = runtime.enter();
    run(options, opening, &runtime)
}

/// What happened is in the ledger; this log is for whoever mends the program. Personal data and paper never reach it:
/// only codes and counts are traced.
fn log_to(data_dir: &std::path::Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(data_dir)
        .with_context(|| format!("creating {}", data_dir.display()))?;
    let path = data_dir.join("program.log");
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path);
    let file = file.with_context(|| format!("opening {}", path.display()))?;
    tracing_subscriber::fmt()
        .with_env_filter("fengjuan=info,fengjuan_terminal=info,warn")
        .with_ansi(false)
        .with_writer(std::sync::Mutex::new(file))
        .init();
    // Where a panic happened is worth a line; what it said may hold what it was looking at.
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(
            at = panic.location().map(ToString::to_string),
            "a thread panicked"
        );
    }));
    Ok(())
}

fn run(
    options: options::Options,
    opening: JoinHandle<Arc<Front>>,
    runtime: &tokio::runtime::Runtime,
) -> anyhow::Result<()> {
    let handle = runtime.handle().clone();
    let app = tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![
            commands::view,
            commands::candidate,
            commands::seat,
            commands::desk,
            commands::code_group,
            commands::painted,
        ])
        .register_asynchronous_uri_scheme_protocol("paper", |context, request, responder| {
            let terminal = context.app_handle().state::<Arc<Front>>();
            responder.respond(pictures::respond(&terminal, &request));
        })
        .setup(move |app| {
            let terminal = opening
                .join()
                .map_err(|_| "the terminal could not be opened")?;
            app.manage(Arc::clone(&terminal));
            handle.spawn(tick(Arc::clone(&terminal)));
            let page = Arc::new(page::Page::new(options));
            app.manage(Arc::clone(&page));
            window::open(app.handle(), &page)?;
            let looked_after = page::keep(app.handle().clone(), page, Arc::clone(&terminal));
            handle.spawn(looked_after);
            commands::push_views(app.handle().clone(), terminal);
            Ok(())
        })
        .on_window_event(window::observe)
        .build(tauri::generate_context!())
        .context("opening the window")?;
    // The window layer ends the process itself; this is the last that it calls.
    app.run(|app, event| match event {
        // Between two windows the program has none, and goes on.
        RunEvent::ExitRequested {
            code: None, api, ..
        } => {
            let page = app.try_state::<Arc<page::Page>>();
            if page.is_some_and(|page| page.is_renewing()) {
                api.prevent_exit();
            }
        }
        RunEvent::Exit => {
            if let Some(terminal) = app.try_state::<Arc<Front>>() {
                terminal.shutdown();
            }
        }
        _ => {}
    });
    Ok(())
}

async fn tick(terminal: Arc<Front>) {
    let mut every = tokio::time::interval(TICK);
    loop {
        every.tick().await;
        let terminal = Arc::clone(&terminal);
        // A tick may write to the disk; a slow disk must not stall the runtime.
        if tokio::task::spawn_blocking(move || terminal.tick())
            .await
            .is_err()
        {
            tracing::error!("a tick failed");
        }
    }
}
