//! The desktop app: one window over a terminal, or over the room's management station. Thin on purpose: windows, commands
//! and pictures; what happens is decided in `fengjuan-terminal` and `fengjuan-hub`.
#![cfg_attr(test, allow(clippy::unwrap_used))]
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod commands;
mod options;
mod page;
mod pictures;
mod role;
mod window;

use anyhow::Context;
use fengjuan_device::machine::RealMachine;
use fengjuan_hub::{Config as HubConfig, station};
use fengjuan_terminal::controller::{Config, DisplayPort, Ports};
use fengjuan_terminal::front::Front;
use role::Role;
use std::os::unix::process::CommandExt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tauri::{Manager, RunEvent};
use tokio::runtime::Handle;

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
    let machine = Arc::new(RealMachine::new().context("reading the machine's clocks")?);
    let handle = runtime.handle().clone();
    // The window layer takes as long to come up as the database, so each has a thread.
    let opening = if options.station {
        let config = options.hub_config();
        std::thread::spawn(move || open_station(config, machine, &handle))
    } else {
        let config = options.config();
        std::thread::spawn(move || open_terminal(config, machine, &handle))
    };
    let _in_runtime = runtime.enter();
    run(options, opening, &runtime)
}

fn open_terminal(config: Config, machine: Arc<RealMachine>, runtime: &Handle) -> Role {
    let ports = Ports {
        machine,
        camera: Arc::new(fengjuan_camera::Webcam),
        pattern: Arc::new(fengjuan_camera::PatternSource::new()),
        displays: Arc::new(window::Displays),
    };
    let _in_runtime = runtime.enter();
    Role::Terminal(Arc::new(Front::open(config, ports, runtime)))
}

fn open_station(config: HubConfig, machine: Arc<RealMachine>, runtime: &Handle) -> Role {
    let ports = station::Ports {
        machine,
        camera: Arc::new(fengjuan_camera::Webcam),
        displays: Arc::new(|| window::Displays.sizes()),
    };
    let _in_runtime = runtime.enter();
    Role::Station(Arc::new(station::Front::open(config, &ports, runtime)))
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
        .with_env_filter("fengjuan=info,fengjuan_terminal=info,fengjuan_hub=info,warn")
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
    opening: JoinHandle<Role>,
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
            commands::role,
            commands::station_page,
            commands::station_action,
        ])
        .register_asynchronous_uri_scheme_protocol("paper", |context, request, responder| {
            let role = context.app_handle().state::<Role>();
            responder.respond(pictures::respond(&role, &request));
        })
        .setup(move |app| {
            let role = opening
                .join()
                .map_err(|_| "what this program is for could not be opened")?;
            match &role {
                Role::Terminal(terminal) => app.manage(Arc::clone(terminal)),
                Role::Station(station) => app.manage(Arc::clone(station)),
            };
            app.manage(role.clone());
            handle.spawn(tick(app.handle().clone(), role.clone()));
            let page = Arc::new(page::Page::new(options));
            app.manage(Arc::clone(&page));
            window::open(app.handle(), &page)?;
            handle.spawn(page::keep(app.handle().clone(), page, role.clone()));
            commands::push(app.handle().clone(), &role);
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
            if let Some(role) = app.try_state::<Role>() {
                role.shutdown();
                if role.begins_anew() {
                    begin_anew();
                }
            }
        }
        _ => {}
    });
    Ok(())
}

/// Becomes this program anew, as it was started. The process stays the same one, so the data directory is free when it is
/// opened again, and whoever watches over the process sees it go on.
fn begin_anew() {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return tracing::error!(%error, "where this program is cannot be told"),
    };
    let error = std::process::Command::new(program)
        .args(std::env::args_os().skip(1))
        .exec();
    tracing::error!(%error, "this program could not begin anew");
}

async fn tick(app: tauri::AppHandle, role: Role) {
    let mut every = tokio::time::interval(TICK);
    loop {
        every.tick().await;
        if role.begins_anew() {
            app.exit(0);
            return;
        }
        let role = role.clone();
        // A tick may write to the disk; a slow disk must not stall the runtime.
        if tokio::task::spawn_blocking(move || role.tick())
            .await
            .is_err()
        {
            tracing::error!("a tick failed");
        }
    }
}
