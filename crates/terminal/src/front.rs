//! What the app opens: a terminal, or the one screen that says why it cannot run. In both cases there is a view.

use crate::controller::{Config, Parts, Ports, Side, Terminal, WindowEvent};
use crate::outward::{OutwardParts, OutwardSide};
use crate::sealing::DeviceKeys;
use crate::view::action::{CandidateAction, DeskAction, SeatAction};
use crate::view::desk::CodeGroupView;
use crate::view::{
    BrokenView, ClockTrust, ClockView, DeviceView, LinkState, Outcome, Refused, Screen, View,
};
use fengjuan_device::equipment;
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::recorder::{self, Recorder};
use fengjuan_device::site_kit::SiteKit;
use fengjuan_device::sync::{ReceivedOrder, held_orders};
use fengjuan_store::{Database, Opened, StoreError};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

/// A terminal, or why there is none. The database file is never touched in the second case.
pub enum Front {
    Running(Arc<Terminal>),
    Broken(Box<Broken>),
}

/// The screen of a terminal that cannot run.
pub struct Broken {
    view: View,
    /// Keeps the page's subscription open.
    changes: watch::Sender<u64>,
}

/// Why a terminal could not be opened: a stable code, and facts for the sentence.
struct Trouble {
    code: String,
    args: BTreeMap<String, String>,
}

impl Front {
    /// Opens the data directory and everything that a terminal is made of. Never fails: trouble is a screen.
    pub fn open(config: Config, ports: Ports, runtime: &Handle) -> Front {
        let (machine, data_dir) = (ports.machine.clone(), config.data_dir.clone());
        match open(config, ports, runtime) {
            Ok(terminal) => Front::Running(terminal),
            Err(trouble) => {
                tracing::error!(code = trouble.code, "the terminal cannot run");
                let clock = ClockView {
                    exam_ms: machine.wall_ms(),
                    utc_offset_min: machine.utc_offset_min(),
                    trust: ClockTrust::Unverified,
                };
                Front::Broken(Box::new(Broken::new(trouble, clock, &data_dir)))
            }
        }
    }

    pub fn view(&self) -> View {
        match self {
            Front::Running(terminal) => terminal.view(),
            Front::Broken(broken) => broken.view.clone(),
        }
    }

    /// Tells of every change that is not an action's own, by the view's revision.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        match self {
            Front::Running(terminal) => terminal.subscribe(),
            Front::Broken(broken) => broken.changes.subscribe(),
        }
    }

    pub fn candidate(&self, action: CandidateAction) -> Outcome {
        match self {
            Front::Running(terminal) => terminal.candidate(action),
            Front::Broken(broken) => broken.refuse(),
        }
    }

    pub fn seat(&self, action: SeatAction) -> Outcome {
        match self {
            Front::Running(terminal) => terminal.seat(action),
            Front::Broken(broken) => broken.refuse(),
        }
    }

    pub fn desk(&self, action: DeskAction) -> Outcome {
        match self {
            Front::Running(terminal) => terminal.desk(action),
            Front::Broken(broken) => broken.refuse(),
        }
    }

    pub fn code_group(&self, index: usize, typed: &str) -> CodeGroupView {
        fengjuan_device::unlock::code_group(index, typed)
    }

    /// To be called about four times a second.
    pub fn tick(&self) {
        if let Front::Running(terminal) = self {
            terminal.tick();
        }
    }

    /// A picture of the present screen.
    pub fn resource(&self, path: &str) -> Option<(&'static str, Vec<u8>)> {
        match self {
            Front::Running(terminal) => terminal.resource(path),
            Front::Broken(_) => None,
        }
    }

    pub fn window_event(&self, event: WindowEvent) {
        if let Front::Running(terminal) = self {
            terminal.window_event(event);
        }
    }

    /// Whether closing the window would leave nobody without a seat.
    pub fn may_close(&self) -> bool {
        match self {
            Front::Running(terminal) => terminal.may_close(),
            Front::Broken(_) => true,
        }
    }

    /// Whether the program is to be started again, as it was started.
    pub fn begins_anew(&self) -> bool {
        match self {
            Front::Running(terminal) => terminal.begins_anew(),
            Front::Broken(_) => false,
        }
    }

    pub fn shutdown(&self) {
        if let Front::Running(terminal) = self {
            terminal.shutdown();
        }
    }
}

impl Broken {
    fn new(trouble: Trouble, clock: ClockView, data_dir: &Path) -> Broken {
        let mut args = trouble.args;
        args.insert("folder".to_owned(), data_dir.display().to_string());
        let view = View {
            revision: 1,
            screen: Screen::Broken(BrokenView {
                code: trouble.code,
                args,
            }),
            clock,
            device: DeviceView {
                device_name: String::new(),
                site: String::new(),
                room_name: String::new(),
                seat_no: None,
                link: LinkState::Offline,
                unsent: 0,
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            banner: None,
        };
        Broken {
            view,
            changes: watch::channel(1).0,
        }
    }

    fn refuse(&self) -> Outcome {
        let Screen::Broken(broken) = &self.view.screen else {
            unreachable!("a broken front has no other screen")
        };
        Outcome {
            view: self.view.clone(),
            refused: Some(Refused {
                code: broken.code.clone(),
                args: broken.args.clone(),
            }),
        }
    }
}

fn trouble(code: &str, detail: impl std::fmt::Display) -> Trouble {
    Trouble {
        code: code.to_owned(),
        args: BTreeMap::from([("detail".to_owned(), detail.to_string())]),
    }
}

fn open(config: Config, ports: Ports, runtime: &Handle) -> Result<Arc<Terminal>, Trouble> {
    // The database comes first: its lock keeps a second program out of everything else.
    let (database, opened) = open_database(&config.data_dir).map_err(|e| trouble(e.code(), &e))?;
    let kit = SiteKit::adopt(&config.data_dir, config.site_kit.as_deref())
        .map_err(|e| trouble(e.code(), &e))?;
    if let Err(error) = equipment::note_boot(&config.data_dir, ports.machine.as_ref()) {
        // The check that data survives a reboot will have nothing to go by, and says so.
        tracing::warn!(%error, "this boot could not be noted");
    }
    let identity = DeviceIdentity::open(&config.data_dir).map_err(|e| trouble(e.code(), &e))?;
    let identity = Arc::new(identity);
    let reader = database.reader().map_err(|e| trouble(e.code(), &e))?;
    let last_tick = recorder::last_tick(&reader).map_err(|e| trouble(e.code(), &e))?;
    let (recorder, resumption) = Recorder::start(database.writer(), &reader, ports.machine.clone())
        .map_err(|e| trouble(e.code(), &e))?;
    let orders_before = held_orders(&reader, &kit).map_err(|e| trouble(e.code(), &e))?;
    let keys = DeviceKeys {
        sign: identity.sign.clone(),
        kem: identity.kem.clone(),
        issuer: kit.directory.issuer,
    };
    let parts = OutwardParts {
        data_dir: config.data_dir.clone(),
        kit,
        identity,
        recorder: recorder.clone(),
        ports: ports.clone(),
        runtime: runtime.clone(),
    };
    let (outward, orders) =
        OutwardSide::start(parts, || database.reader()).map_err(|e| trouble(e.code(), &e))?;
    let outward = Arc::new(outward);
    let terminal = Terminal::assemble(Parts {
        config,
        ports,
        keys,
        database,
        opened,
        recorder,
        resumption,
        last_tick,
        outward: outward.clone(),
    })
    .map_err(|e| trouble(e.code(), &e))?;
    carry_out(&terminal, orders_before, orders, runtime);
    outward.join_room(Arc::new(Side(Arc::downgrade(&terminal))));
    Ok(terminal)
}

/// How long the lock of a program that has just been killed may outlive it: a process that it was starting at that moment
/// still holds its files until it has become another program.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_AGAIN: Duration = Duration::from_millis(50);

/// Opens the database; a second program is told so only after the lock has stayed taken for a while.
fn open_database(dir: &Path) -> Result<(Database, Opened), StoreError> {
    let began = Instant::now();
    loop {
        match Database::open(dir) {
            Err(StoreError::AlreadyRunning { .. }) if began.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(LOCK_AGAIN);
            }
            other => return other,
        }
    }
}

/// How long an order that could not be carried out yet (its sitting is not held, the disk refuses) waits.
const ORDER_AGAIN: Duration = Duration::from_secs(5);

/// Orders of earlier runs first, then each one as it comes.
fn carry_out(
    terminal: &Arc<Terminal>,
    before: Vec<ReceivedOrder>,
    mut orders: mpsc::UnboundedReceiver<ReceivedOrder>,
    runtime: &Handle,
) {
    let terminal = Arc::downgrade(terminal);
    runtime.spawn(async move {
        let mut waiting = before;
        loop {
            let Some(terminal) = terminal.upgrade() else {
                return;
            };
            waiting.retain(|ReceivedOrder { hash, order }| {
                let refusal = terminal.carry_out(order, *hash).err();
                if let Some(refusal) = &refusal {
                    tracing::debug!(code = refusal.code, order.order_no, "order waits");
                }
                refusal.is_some()
            });
            drop(terminal);
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => waiting.push(order),
                    None => return,
                },
                () = tokio::time::sleep(ORDER_AGAIN), if !waiting.is_empty() => {}
            }
        }
    });
}
