//! A party's own process: opens what the shipped program opens, does what the lines say, and ends with its input.

use super::world::{WorldClock, WorldMachine};
use super::{Answer, Ask, Role, Start};
use anyhow::{Context, bail};
use fengjuan_camera::PatternSource;
use fengjuan_device::machine::Machine;
use fengjuan_hub::{Config as HubConfig, station};
use fengjuan_terminal::controller::{Config, DisplayPort, Ports};
use fengjuan_terminal::front;
use fengjuan_terminal::view::Outcome;
use std::io::{BufRead, Write};
use std::net::TcpListener;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::Runtime;

/// As often as the app looks at its clocks.
const TICK: Duration = Duration::from_millis(250);

struct NoDisplays;

impl DisplayPort for NoDisplays {
    fn sizes(&self) -> Option<Vec<(u32, u32)>> {
        None
    }
}

/// # Errors
/// Whatever keeps it from opening, and lines that are none.
pub fn run(argument: &str) -> anyhow::Result<()> {
    let start: Start = serde_json::from_str(argument)?;
    tracing_subscriber::fmt()
        .with_env_filter("info")
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let clock = WorldClock::at(start.clock.clone());
    let machine = Arc::new(WorldMachine::new(clock.clone(), start.boot)?);
    match &start.role {
        Role::Center { listen } => {
            let home = fengjuan_center::Home::open(&start.data)?;
            let listener = TcpListener::bind(listen)?;
            WORLD.set(clock).ok().context("one world")?;
            let served = fengjuan_center::server::serve_by(home, listener, None, world_ms);
            let _running = runtime.block_on(served)?;
            say(&Answer::Ready)?;
            for _ in std::io::stdin().lock().lines() {}
            Ok(())
        }
        Role::Station {
            kit,
            listen,
            name,
            standby,
        } => {
            let config = HubConfig {
                data_dir: start.data.clone(),
                site_kit: Some(kit.clone()),
                listen: *listen,
                hub_name: name.clone(),
                standby: *standby,
            };
            let ports = station::Ports {
                machine,
                camera: Arc::new(PatternSource::new()),
                displays: Arc::new(|| None),
            };
            let _in_runtime = runtime.enter();
            let front = Arc::new(station::Front::open(config, &ports, runtime.handle()));
            let ticking = front.clone();
            go_on(move || ticking.tick());
            obey(|ask| at_station(&front, ask))?;
            front.shutdown();
            Ok(())
        }
        Role::Terminal { kit } => {
            let config = Config {
                data_dir: start.data.clone(),
                site_kit: Some(kit.clone()),
                seat_no: None,
            };
            let front = terminal(config, machine, &runtime);
            let ticking = front.clone();
            go_on(move || ticking.tick());
            obey(|ask| at_terminal(&front, ask))?;
            front.shutdown();
            Ok(())
        }
    }
}

static WORLD: OnceLock<WorldClock> = OnceLock::new();

fn world_ms() -> i64 {
    WORLD.get().map_or(0, WorldClock::wall_ms)
}

fn terminal(config: Config, machine: Arc<dyn Machine>, runtime: &Runtime) -> Arc<front::Front> {
    let pattern = Arc::new(PatternSource::new());
    let ports = Ports {
        machine,
        camera: pattern.clone(),
        pattern,
        displays: Arc::new(NoDisplays),
    };
    let _in_runtime = runtime.enter();
    Arc::new(front::Front::open(config, ports, runtime.handle()))
}

/// Until the process ends.
fn go_on(tick: impl Fn() + Send + 'static) {
    std::thread::spawn(move || {
        loop {
            tick();
            std::thread::park_timeout(TICK);
        }
    });
}

fn say(answer: &Answer) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, answer)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

fn obey(carry_out: impl Fn(Ask) -> anyhow::Result<Answer>) -> anyhow::Result<()> {
    say(&Answer::Ready)?;
    for line in std::io::stdin().lock().lines() {
        say(&carry_out(serde_json::from_str(&line?)?)?)?;
    }
    Ok(())
}

fn at_station(front: &station::Front, ask: Ask) -> anyhow::Result<Answer> {
    let outcome = match ask {
        Ask::Station(action) => front.act(action),
        Ask::Look => fengjuan_hub::view::StationOutcome {
            page: front.page(),
            refused: None,
        },
        _ => bail!("nobody does this at a station"),
    };
    Ok(Answer::Station(Box::new(outcome)))
}

fn at_terminal(front: &front::Front, ask: Ask) -> anyhow::Result<Answer> {
    let outcome = match ask {
        Ask::Candidate(action) => front.candidate(action),
        Ask::Seat(action) => front.seat(action),
        Ask::Desk(action) => front.desk(action),
        Ask::Look => Outcome {
            view: front.view(),
            refused: None,
        },
        Ask::Station(_) => bail!("nobody does this at a terminal"),
    };
    Ok(Answer::Terminal(Box::new(outcome)))
}
