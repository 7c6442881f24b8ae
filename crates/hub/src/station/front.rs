//! What the app opens: a station, or the one screen that says why it cannot run. In both cases there is a page.

use super::{Ports, Station};
use crate::hub::{Config, Hub};
use crate::view::action::StationAction;
use crate::view::{StationFacts, StationOutcome, StationPage, StationScreen, StationStanding};
use fengjuan_device::view::{BrokenView, ClockTrust, ClockView, CodeGroupView, LinkState, Refused};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// A station, or why there is none. The database file is never touched in the second case.
pub enum Front {
    Running(Arc<Station>),
    Broken(Box<Broken>),
}

/// The screen of a station that cannot run.
pub struct Broken {
    page: StationPage,
    /// Keeps the page's subscription open.
    changes: watch::Sender<u64>,
}

impl Front {
    /// Opens the data directory, the hub and the station. Never fails: trouble is a screen.
    pub fn open(config: Config, ports: &Ports, runtime: &Handle) -> Front {
        let opened = Hub::open(&config, ports.machine.clone(), runtime)
            .map_err(|error| (error.code().to_owned(), error.to_string()))
            .and_then(|hub| {
                let station = Station::over(hub, config.data_dir.clone(), ports);
                station.map_err(|error| (error.code().to_owned(), error.to_string()))
            });
        match opened {
            Ok(station) => Front::Running(Arc::new(station)),
            Err((code, detail)) => {
                tracing::error!(code, "the station cannot run");
                let folder = config.data_dir.display().to_string();
                let args = [("detail", detail), ("folder", folder)];
                let args = args.map(|(key, value)| (key.to_owned(), value));
                let clock = ClockView {
                    exam_ms: ports.machine.wall_ms(),
                    utc_offset_min: ports.machine.utc_offset_min(),
                    trust: ClockTrust::Unverified,
                };
                let broken = BrokenView {
                    code,
                    args: BTreeMap::from(args),
                };
                Front::Broken(Box::new(Broken::new(broken, clock)))
            }
        }
    }

    pub fn page(&self) -> StationPage {
        match self {
            Front::Running(station) => station.page(),
            Front::Broken(broken) => broken.page.clone(),
        }
    }

    /// Tells of every change that is not an action's own, by the page's revision.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        match self {
            Front::Running(station) => station.subscribe(),
            Front::Broken(broken) => broken.changes.subscribe(),
        }
    }

    pub fn act(&self, action: StationAction) -> StationOutcome {
        match self {
            Front::Running(station) => station.act(action),
            Front::Broken(broken) => broken.refuse(),
        }
    }

    pub fn code_group(&self, index: usize, typed: &str) -> CodeGroupView {
        fengjuan_device::unlock::code_group(index, typed)
    }

    /// To be called about four times a second.
    pub fn tick(&self) {
        if let Front::Running(station) = self {
            station.tick();
        }
    }

    /// A picture of the page.
    pub fn resource(&self, path: &str) -> Option<(&'static str, Vec<u8>)> {
        match self {
            Front::Running(station) => station.resource(path),
            Front::Broken(_) => None,
        }
    }

    /// Whether closing the window would leave nobody alone: no sitting runs.
    pub fn may_close(&self) -> bool {
        match self {
            Front::Running(station) => station.may_close(),
            Front::Broken(_) => true,
        }
    }

    pub fn shutdown(&self) {
        if let Front::Running(station) = self {
            station.shutdown();
        }
    }
}

impl Broken {
    fn new(broken: BrokenView, clock: ClockView) -> Broken {
        let page = StationPage {
            revision: 1,
            clock,
            station: StationFacts {
                hub_name: String::new(),
                site: String::new(),
                room_name: String::new(),
                plan_name: String::new(),
                standing: StationStanding::Standby,
                epoch: 0,
                others: Vec::new(),
                never_followed: false,
                center: LinkState::Offline,
                unsent: 0,
                terminals_heard: 0,
                terminals_known: 0,
                witnessed_ms: None,
                people: Vec::new(),
                idle_locked: false,
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            screen: StationScreen::Broken(broken),
            banner: None,
        };
        Broken {
            page,
            changes: watch::channel(1).0,
        }
    }

    fn refuse(&self) -> StationOutcome {
        let StationScreen::Broken(broken) = &self.page.screen else {
            unreachable!("a broken front has no other screen")
        };
        StationOutcome {
            page: self.page.clone(),
            refused: Some(Refused {
                code: broken.code.clone(),
                args: broken.args.clone(),
            }),
        }
    }
}
