//! The channel against a hub on a real TLS port, with a real store and a machine that writes down what it is given.

mod commands;
mod entries;
mod trust;

use super::*;
use crate::identity::DeviceIdentity;
use crate::machine::simulated::SimulatedMachine;
use crate::recorder::{Recorder, SYSTEM};
use crate::site_kit::{HubAddress, HubKit};
use crate::sync::{RoomLink, SyncState, Uplink, UplinkParts};
use crate::test_center::{HubKeys, START_MS, TestCenter, TestHub};
use crate::upstream::{SiteUpstream, SiteUpstreamParts};
use crate::view::Refused;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::room::epoch::{EpochSeen, Heard};
use fengjuan_core::room::post::{Inbox, Incoming, Mark};
use fengjuan_store::{Database, Projection};
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::room::{Beat, Epoch, RoomCommand, SmallPicture};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;

/// A machine in small: the inbox and the epoch that every terminal has, and a note of what was done.
#[derive(Default)]
struct Side {
    state: Mutex<SideState>,
}

#[derive(Default)]
struct SideState {
    seen: EpochSeen,
    inbox: Inbox,
    done: Vec<u64>,
    keys: Vec<(String, u32, [u8; 32])>,
    looks: u32,
    lost: u32,
    pictures: Vec<SmallPicture>,
    /// So many tries to write a command down fail.
    full: u32,
}

impl RoomSide for Side {
    fn standing(&self) -> Standing {
        Standing {
            mark: self.state.lock().unwrap().inbox.mark(),
            unlocked: Vec::new(),
        }
    }

    fn epoch(&self, epoch: &Epoch, hub: &HubDelegation) -> Result<(), Refused> {
        let mut state = self.state.lock().unwrap();
        let station = Hash32(*hub.device.as_bytes());
        let code = match state.seen.hear(epoch.epoch, &station) {
            Heard::Same => return Ok(()),
            Heard::Higher => {
                state.seen.raise(epoch.epoch, station);
                state.inbox.raise(epoch.epoch);
                return Ok(());
            }
            Heard::Lower { .. } => "epoch.lower",
            Heard::Rival { .. } => "epoch.rival",
        };
        Err(crate::refusal::refused(code))
    }

    fn command(&self, command: &RoomCommand, _: Hash32) -> Taken {
        let mut state = self.state.lock().unwrap();
        if state.full > 0 {
            state.full -= 1;
            let code = "store.full".to_owned();
            return Taken::NotNow { code };
        }
        let id = command.command.command_id;
        match state.inbox.look(command.epoch, command.no, &id) {
            Incoming::Next => {
                state.done.push(command.no);
                Taken::Acknowledged(state.inbox.take(id, None))
            }
            Incoming::Known { refusal } => Taken::Acknowledged(state.inbox.take(id, refusal)),
            Incoming::Again(acknowledgement) => Taken::Acknowledged(acknowledgement),
            Incoming::AskFrom { no } => Taken::AskFrom { no },
            Incoming::Stale { .. } | Incoming::Unraised { .. } => {
                let code = "epoch.lower".to_owned();
                Taken::NotObeyed { code }
            }
        }
    }

    fn keys(&self, keys: OpenedKeys) {
        let seed = keys.keys.draw_seed;
        let opened = (keys.sitting_no, keys.version, seed);
        self.state.lock().unwrap().keys.push(opened);
    }

    fn beat(&self) -> Beat {
        Beat {
            exam_ms: Some(START_MS),
            ledger_size: 0,
            held: Vec::new(),
            unlocked: Vec::new(),
            seat: None,
            unsent: 0,
            storage: None,
            camera: None,
            pulling: None,
            failed_checks: None,
        }
    }

    fn pictures(&self, after: u64) -> Vec<(u64, SmallPicture)> {
        let state = self.state.lock().unwrap();
        let numbered = (1..).zip(state.pictures.iter().cloned());
        numbered.filter(|(no, _)| *no > after).collect()
    }

    fn look(&self) {
        self.state.lock().unwrap().looks += 1;
    }

    fn hub_lost(&self) {
        self.state.lock().unwrap().lost += 1;
    }
}

/// A terminal behind a hub, approved.
struct Terminal {
    dir: tempfile::TempDir,
    database: Database,
    identity: Arc<DeviceIdentity>,
    recorder: Recorder,
    uplink: Uplink<SiteUpstream>,
    side: Arc<Side>,
    channel: Option<Channel>,
}

impl Terminal {
    fn new(center: &TestCenter, hubs: &[&TestHub]) -> Terminal {
        Self::with(center, hubs, |_| {})
    }

    fn with(center: &TestCenter, hubs: &[&TestHub], change: impl FnOnce(&mut HubKit)) -> Terminal {
        let dir = tempfile::tempdir().unwrap();
        let (database, _) = Database::open(dir.path()).unwrap();
        let machine = Arc::new(SimulatedMachine::new(START_MS));
        let reader = database.reader().unwrap();
        let (recorder, _) = Recorder::start(database.writer(), &reader, machine).unwrap();
        let identity = Arc::new(DeviceIdentity::open(dir.path()).unwrap());
        let certificate =
            Projection::put("enrolment", b"certificate", center.certificate(&identity));
        recorder.writer().put(vec![certificate]).unwrap();
        let address = |hub: &&TestHub| HubAddress {
            url: hub.url.clone(),
            fingerprint: None,
        };
        let mut hub_kit = HubKit {
            addresses: hubs.iter().map(address).collect(),
            delegation: None,
        };
        change(&mut hub_kit);
        let mut kit = center.kit("https://127.0.0.1:1");
        kit.hub = Some(hub_kit);
        let upstream = SiteUpstream::new(SiteUpstreamParts {
            kit: kit.clone(),
            identity: identity.clone(),
            recorder: recorder.clone(),
            data_dir: dir.path().to_owned(),
        })
        .unwrap();
        let parts = UplinkParts {
            upstream,
            kit,
            identity: identity.clone(),
            recorder: recorder.clone(),
            reader,
            data_dir: dir.path().to_owned(),
        };
        let (uplink, _) = Uplink::new(parts).unwrap();
        Terminal {
            dir,
            database,
            identity,
            recorder,
            uplink,
            side: Arc::default(),
            channel: None,
        }
    }

    fn connect(&mut self) {
        self.connect_with(session::SILENCE);
    }

    fn connect_with(&mut self, silence: Duration) {
        let parts = ChannelParts {
            uplink: self.uplink.clone(),
            identity: self.identity.clone(),
            recorder: self.recorder.clone(),
            side: self.side.clone(),
        };
        let spawned = Channel::spawn_with(parts, silence, &Handle::current());
        self.channel = spawned.unwrap();
    }

    async fn connected(center: &TestCenter, hub: &TestHub) -> Terminal {
        let mut terminal = Terminal::new(center, &[hub]);
        terminal.connect();
        terminal.room(RoomLink::is_on).await;
        terminal
    }

    /// Waits for what the screens see of the channel.
    async fn room(&self, wanted: impl Fn(&RoomLink) -> bool) {
        self.until(|state| state.room.as_ref().is_some_and(&wanted))
            .await;
    }

    async fn refused(&self, wanted: &str) {
        self.room(|room| matches!(room, RoomLink::Refused { code } if code == wanted))
            .await;
    }

    async fn away(&self, wanted: &str) {
        self.room(|room| matches!(room, RoomLink::Away { code, .. } if code == wanted))
            .await;
    }

    async fn until(&self, wanted: impl FnMut(&SyncState) -> bool) {
        let mut state = self.uplink.state();
        let waited = tokio::time::timeout(Duration::from_secs(30), state.wait_for(wanted));
        let found = waited.await.map(|found| drop(found.unwrap()));
        let room = self.uplink.state().borrow().room.clone();
        assert!(found.is_ok(), "never so; the room is {room:?}");
    }

    fn side(&self) -> std::sync::MutexGuard<'_, SideState> {
        self.side.state.lock().unwrap()
    }

    /// Writes an entry in the way of an answer: the caller waits until it is durable.
    async fn answer(&self, number: i64) {
        let recorder = self.recorder.clone();
        let event = Event::FocusBack { after_ms: number };
        let written = tokio::task::spawn_blocking(move || recorder.record(SYSTEM, event));
        written.await.unwrap().unwrap();
    }

    fn entries(&self) -> Vec<Vec<u8>> {
        let entries = self.database.reader().unwrap().entries(0, 100_000).unwrap();
        entries.into_iter().map(|entry| entry.bytes).collect()
    }
}

async fn delegated() -> (TestCenter, TestHub) {
    let center = TestCenter::new();
    let hub = TestHub::start(&center, HubKeys::new()).await;
    (center, hub)
}
