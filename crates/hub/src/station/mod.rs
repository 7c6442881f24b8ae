//! The station's controller: what the app's page talks to. An action of a person is checked (who, which role, whom they
//! have beside them), recorded with everything that it means, taken over, and answered with the page after it. Rust
//! decides the screen.
//!
//! No question, answer or score passes here: of the terminals' ledgers only what is in clear is read.

mod act;
mod books;
mod decide;
mod front;
mod log;
mod orders;
mod others;
mod outages;
mod people;
mod pictures;
mod refusal;
mod seats;
mod setup;
mod show;
mod show_alerts;
mod show_day;
mod show_log;
mod show_panel;
mod show_room;
mod show_tabs;
mod snapshot;
mod tick;
mod trails;
mod trouble;

pub use front::Front;

use crate::hub::Hub;
use crate::view::room::SeatFilter;
use crate::view::{StationOutcome, StationPage, StationTab};
use books::Books;
use fengjuan_camera::CameraSource;
use fengjuan_core::event::Hash32;
use fengjuan_core::plan::ExamMs;
use fengjuan_device::equipment::{DisplaySizes, Equipment, EquipmentParts, note_boot};
use fengjuan_device::machine::Machine;
use fengjuan_device::refusal::Answer;
use fengjuan_device::sync::{held_order_bytes, held_orders};
use fengjuan_device::view::{CodeGroupView, PullState, Refused, StaffName};
use fengjuan_store::{Reader, ReplicaReader, StoreError};
use log::Log;
use people::Tries;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use trails::Trails;

/// Whoever does nothing for this long has to log in again.
const IDLE_LOCK_MS: i64 = 5 * 60_000;

/// What the station uses of its machine.
#[derive(Clone)]
pub struct Ports {
    pub machine: Arc<dyn Machine>,
    /// Only asked by the equipment check.
    pub camera: Arc<dyn CameraSource>,
    pub displays: DisplaySizes,
}

/// A running station. Every function may be called from any thread; logging in, second persons and the code take as
/// long as Argon2id does.
pub struct Station {
    hub: Hub,
    equipment: Equipment,
    state: Mutex<State>,
    work: Arc<Mutex<Work>>,
    revision: watch::Sender<u64>,
}

/// What acts in the background came to.
#[derive(Default)]
struct Work {
    /// Of a courier's stick; the line's is the hub's.
    courier: Option<PullState>,
    /// Where the request to be enrolled was written.
    written_to: Option<String>,
}

/// What the page is made from, beside the room itself.
struct State {
    desk: Desk,
    books: Books,
    log: Log,
    trails: Trails,
    /// Bundles with the center's receipt.
    at_center: BTreeSet<Hash32>,
    own: Reader,
    replicas: ReplicaReader,
    revision: u64,
    shown: Option<Shown>,
}

/// The page as it was made last, and from what.
struct Shown {
    page: StationPage,
    room: u64,
    boot_ms: i64,
}

/// Who is there, and what they look at. Nothing of it is durable but wrong passwords.
struct Desk {
    user: Option<StaffName>,
    /// Somebody was logged in for too long without doing anything.
    locked: bool,
    touched_boot_ms: i64,
    tab: StationTab,
    sitting_no: Option<String>,
    filter: SeatFilter,
    open_seat: Option<u32>,
    unlock_refused: Option<Refused>,
    tries: BTreeMap<String, Tries>,
}

impl Station {
    /// A station over a running hub.
    ///
    /// # Errors
    /// Storage errors.
    pub fn over(hub: Hub, data_dir: PathBuf, ports: &Ports) -> Result<Station, StoreError> {
        let own = hub.reader()?;
        let tries = people::read_tries(&own)?;
        if let Err(error) = note_boot(&data_dir, ports.machine.as_ref()) {
            // The check that data survives a reboot will have nothing to go by, and says so.
            tracing::warn!(%error, "this boot could not be noted");
        }
        let equipment = Equipment::new(EquipmentParts {
            data_dir,
            recorder: hub.recorder().clone(),
            reader: hub.reader()?,
            identity: hub.identity().clone(),
            device_name: hub.asked_as()?.unwrap_or_default(),
            site: hub.kit().site.clone(),
            papers: hub.papers().clone(),
            camera: ports.camera.clone(),
            displays: ports.displays.clone(),
            sync: hub.sync(),
            public_addresses: hub.kit().internet_probes.clone(),
        });
        let now = hub.room().now();
        people::tell_lockouts(&hub, &tries, now);
        let desk = Desk {
            user: None,
            locked: false,
            touched_boot_ms: ports.machine.boot_ms(),
            tab: StationTab::Room,
            sitting_no: None,
            filter: SeatFilter::All,
            open_seat: None,
            unlock_refused: None,
            tries,
        };
        let replicas = hub.replicas()?;
        let state = State {
            desk,
            books: Books::default(),
            log: Log::default(),
            trails: Trails::default(),
            at_center: BTreeSet::new(),
            own,
            replicas,
            revision: 0,
            shown: None,
        };
        Ok(Station {
            hub,
            equipment,
            state: Mutex::new(state),
            work: Arc::default(),
            revision: watch::channel(0).0,
        })
    }

    /// The hub below, for tests and benchmarks.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Everything that the window shows now.
    pub fn page(&self) -> StationPage {
        let mut state = self.state();
        self.make(&mut state)
    }

    /// Tells of every change that is not an action's own, by its revision; ask for the page then.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// One group of the code while it is typed; nothing is kept of it.
    pub fn code_group(&self, index: usize, typed: &str) -> CodeGroupView {
        fengjuan_device::unlock::code_group(index, typed)
    }

    /// The answer carries the page, so nobody is told of it a second time.
    fn outcome(&self, answer: Answer) -> StationOutcome {
        StationOutcome {
            page: self.page(),
            refused: answer.err(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in one action must not take the room's page away.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> ExamMs {
        self.hub.room().now()
    }

    fn boot_ms(&self) -> i64 {
        self.hub.recorder().machine().boot_ms()
    }

    /// Whether no sitting runs here.
    pub fn may_close(&self) -> bool {
        let books = self.state().books.books.clone();
        self.hub.room().read(|station| {
            let runs = |book: &Arc<books::Book>| {
                let track = station.track(book.number());
                track.started.is_some() && !track.ended
            };
            station.standing().commanding().is_none() || !books.iter().any(runs)
        })
    }

    /// An orderly stop: recorded, with a last checkpoint. The station must not be used after it.
    pub fn shutdown(&self) {
        let stopped = fengjuan_core::event::Event::Stopped {};
        let recorded = self
            .hub
            .recorder()
            .record(fengjuan_device::recorder::SYSTEM, stopped);
        if let Err(error) = recorded {
            tracing::warn!(code = error.code(), "the stop was not recorded");
        }
        if let Err(error) = self.hub.uplink().checkpoint() {
            tracing::warn!(code = error.code(), "no checkpoint at the stop");
        }
    }
}

impl State {
    /// Reads what has grown since the last time. Trouble with reading shows what was known before.
    fn refresh(&mut self, hub: &Hub) {
        let course = hub.room().course();
        if let Err(error) = self.log.refresh(&self.own, &self.replicas, &course) {
            tracing::error!(code = error.code(), "the room's history cannot be read");
        }
        if let Err(error) = self.trails.refresh(&self.replicas) {
            tracing::error!(code = error.code(), "the replicas cannot be read");
        }
        self.trails.pictures_moved(|hash| hub.whereabouts(hash));
        let orders = held_order_bytes(&self.own).map_or(0, |orders| orders.len());
        let revision = (hub.papers().revision(), orders);
        let (own, kit) = (&self.own, hub.kit());
        let orders = || held_orders(own, kit).unwrap_or_default();
        self.books.refresh(hub.papers(), revision, orders);
    }

    /// The sitting that the page works on.
    fn selected(&self, hub: &Hub) -> Option<Arc<books::Book>> {
        let over = |book: &books::Book| {
            let track = hub.room().read(|station| station.track(book.number()));
            track.ended
        };
        let chosen = self.desk.sitting_no.as_deref();
        self.books.selected(chosen, over).cloned()
    }

    /// Whether the center has receipted this bundle.
    fn is_at_center(&mut self, bundle: &Hash32) -> bool {
        if self.at_center.contains(bundle) {
            return true;
        }
        let row = self.own.object(&bundle.0);
        let receipted = matches!(row, Ok(Some(row)) if row.receipt.is_some());
        if receipted {
            self.at_center.insert(*bundle);
        }
        receipted
    }

    /// Whether this bundle is here.
    fn is_here(&self, bundle: &Hash32) -> bool {
        matches!(self.own.object(&bundle.0), Ok(Some(_)))
    }
}
