//! A center, a hub and terminals, each with its own data directory.

use crate::center::Center;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::plan::Role;
use fengjuan_core::room::Device;
use fengjuan_core::room::epoch::{EpochSeen, Heard};
use fengjuan_core::room::post::{Inbox, Incoming};
use fengjuan_core::room::rules::Person;
use fengjuan_core::room::station::Actor;
use fengjuan_device::channel::{Channel, ChannelParts, OpenedKeys, RoomSide, Standing, Taken};
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::machine::RealMachine;
use fengjuan_device::papers::Papers;
use fengjuan_device::recorder::{CANDIDATE, Recorder};
use fengjuan_device::refusal::refused;
use fengjuan_device::site_kit::SiteKit;
use fengjuan_device::sync::{RoomLink, SyncTask, Uplink, UplinkParts};
use fengjuan_device::upstream::{SiteUpstream, SiteUpstreamParts};
use fengjuan_device::view::Refused;
use fengjuan_hub::{Config, Hub};
use fengjuan_store::{Database, Replicas};
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::room::{Beat, Epoch, RoomCommand, UnlockedSitting};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Polls until it is so; fails loudly after long.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(60), "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub fn proctor() -> Actor {
    let person = |staff_id: &str| Person {
        staff_id: staff_id.to_owned(),
        role: Role::Proctor,
    };
    Actor {
        person: person("S1"),
        second: Some(person("S2")),
        reason: "因故".to_owned(),
    }
}

pub struct Stage {
    pub dir: tempfile::TempDir,
    pub center: Center,
    data: PathBuf,
    hub: Option<Hub>,
    pub address: SocketAddr,
    standby: Option<Hub>,
    /// Where the second hub serves, once there is one.
    second: Option<SocketAddr>,
}

impl Stage {
    /// A center and a hub that is delegated and serves.
    pub async fn open() -> Stage {
        let mut stage = Stage::unopened();
        stage.start().await;
        let hub = stage.hub();
        until("the delegation is here", || hub.delegation().is_some()).await;
        stage
    }

    pub fn unopened() -> Stage {
        let dir = tempfile::tempdir().unwrap();
        Stage {
            center: Center::new(),
            hub: None,
            address: "127.0.0.1:0".parse().unwrap(),
            standby: None,
            second: None,
            data: dir.path().join("hub"),
            dir,
        }
    }

    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// The hub's data directory is there.
    pub fn hub_on(&mut self, dir: &Path) {
        self.data = dir.to_owned();
    }

    pub async fn start(&mut self) {
        let hub = self.opened().await;
        self.address = hub.address().expect("the hub serves");
        self.hub = Some(hub);
    }

    /// The hub's program begins, whether it can serve or not.
    pub async fn opened(&self) -> Hub {
        self.opened_as("H1", self.data(), self.address).await
    }

    /// A second hub of the room is delegated and serves, as a standby.
    pub async fn start_standby(&mut self) {
        let any = "127.0.0.1:0".parse().unwrap();
        let at = self.second.unwrap_or(any);
        let hub = self.opened_as("H2", self.dir.path().join("standby"), at);
        let hub = hub.await;
        self.second = hub.address();
        until("its delegation is here", || hub.delegation().is_some()).await;
        self.standby = Some(hub);
    }

    pub fn standby(&self) -> &Hub {
        self.standby.as_ref().unwrap()
    }

    /// A hub's program ends without a word.
    pub async fn kill(&mut self, standby: bool) {
        let hub = match standby {
            true => self.standby.take(),
            false => self.hub.take(),
        };
        tokio::task::spawn_blocking(move || drop(hub))
            .await
            .unwrap();
    }

    /// The hubs as kits name them.
    pub fn hubs(&self) -> Vec<SocketAddr> {
        std::iter::once(self.address).chain(self.second).collect()
    }

    async fn opened_as(&self, name: &str, data_dir: PathBuf, listen: SocketAddr) -> Hub {
        let kit = self.dir.path().join(format!("{name}-kit"));
        self.center.write_kit(&kit, &self.hubs());
        let config = Config {
            data_dir,
            site_kit: Some(kit),
            listen,
            hub_name: name.to_owned(),
            standby: name != "H1",
        };
        let machine = Arc::new(RealMachine::new().unwrap());
        let handle = Handle::current();
        let opened = tokio::task::spawn_blocking(move || Hub::open(&config, machine, &handle));
        opened.await.unwrap().unwrap()
    }

    /// The program ends.
    pub async fn stop(&mut self) {
        self.hub.take().unwrap().stop().await;
    }

    pub fn hub(&self) -> &Hub {
        self.hub.as_ref().unwrap()
    }

    /// A terminal that is approved and connected.
    pub async fn terminal(&self, name: &str) -> Terminal {
        let terminal = Terminal::open(
            &self.dir.path().join(name),
            &self.center,
            &self.hubs(),
            name,
        );
        self.admit(&terminal).await;
        terminal.welcomed().await;
        let device = terminal.device();
        until("the line is open", || {
            self.hub().room().lines().is_connected(&device)
        })
        .await;
        terminal
    }

    pub async fn admit(&self, terminal: &Terminal) {
        let (hub, device) = (self.hub(), terminal.device());
        until("it asks", || hub.devices().get(&device).is_some()).await;
        hub.devices()
            .approve(hub.room(), &device, false, &proctor())
            .unwrap();
    }

    /// How much of a terminal's ledger is durable at the hub.
    pub fn replicated(&self, terminal: &Terminal) -> u64 {
        let replicas = self.hub().replicas().unwrap();
        replicas.size(&terminal.ledger).unwrap_or(0)
    }

    /// How much of it is durable in the hub's folder, with no hub running.
    pub fn replicated_in(dir: &Path, terminal: &Terminal) -> u64 {
        let replicas = Replicas::read_only(dir).unwrap();
        replicas.size(&terminal.ledger).unwrap_or(0)
    }
}

/// The device half of a terminal: ledger, uplink, papers, channel.
pub struct Terminal {
    pub identity: Arc<DeviceIdentity>,
    pub recorder: Recorder,
    pub uplink: Uplink<SiteUpstream>,
    pub papers: Papers,
    pub side: Arc<Side>,
    pub ledger: [u8; 16],
    pub database: Database,
    channel: Option<Channel>,
    _sync: SyncTask,
}

impl Terminal {
    pub fn open(dir: &Path, center: &Center, hubs: &[SocketAddr], name: &str) -> Terminal {
        let kit_dir = dir.join("given");
        center.write_kit(&kit_dir, hubs);
        let kit = SiteKit::adopt(dir, Some(&kit_dir)).unwrap();
        let (database, opened) = Database::open(dir).unwrap();
        let machine = Arc::new(RealMachine::new().unwrap());
        let reader = || database.reader().unwrap();
        let (recorder, _) = Recorder::start(database.writer(), &reader(), machine).unwrap();
        let identity = Arc::new(DeviceIdentity::open(dir).unwrap());
        let upstream = SiteUpstream::new(SiteUpstreamParts {
            kit: kit.clone(),
            identity: identity.clone(),
            recorder: recorder.clone(),
            data_dir: dir.to_owned(),
        });
        let (uplink, _) = Uplink::new(UplinkParts {
            upstream: upstream.unwrap(),
            kit: kit.clone(),
            identity: identity.clone(),
            recorder: recorder.clone(),
            reader: reader(),
            data_dir: dir.to_owned(),
        })
        .unwrap();
        uplink.ask_to_enrol(name).unwrap();
        let papers = Papers::open(dir, kit, identity.clone(), recorder.clone(), reader()).unwrap();
        let side: Arc<Side> = Arc::default();
        let mut terminal = Terminal {
            _sync: uplink.spawn(&Handle::current()),
            ledger: opened.ledger_id,
            identity,
            recorder,
            uplink,
            papers,
            side,
            database,
            channel: None,
        };
        terminal.connect();
        terminal
    }

    pub fn connect(&mut self) {
        let parts = ChannelParts {
            uplink: self.uplink.clone(),
            identity: self.identity.clone(),
            recorder: self.recorder.clone(),
            side: self.side.clone(),
        };
        self.channel = Channel::spawn(parts, &Handle::current()).unwrap();
    }

    /// The network cable is pulled.
    pub fn disconnect(&mut self) {
        self.channel = None;
    }

    pub fn device(&self) -> Device {
        Hash32(*self.identity.public().as_bytes())
    }

    /// The hub has taken it in, and it obeys the hub.
    pub async fn welcomed(&self) {
        let state = self.uplink.state();
        let is_on = |room: &RoomLink| room.is_on();
        until("the channel is on", || {
            state.borrow().room.as_ref().is_some_and(is_on)
        })
        .await;
    }

    /// Something that the candidate did.
    pub fn record(&self) -> u64 {
        let event = Event::RulesAgreed {};
        self.recorder.record(CANDIDATE, event).unwrap().seq + 1
    }

    pub fn replicated(&self) -> u64 {
        self.uplink.state().borrow().replicated
    }
}

/// A machine in small: the inbox and the epoch that every terminal has, and a note of what was done.
#[derive(Default)]
pub struct Side {
    state: Mutex<SideState>,
}

#[derive(Default)]
struct SideState {
    seen: EpochSeen,
    inbox: Inbox,
    done: Vec<[u8; 16]>,
    heard: u32,
    keys: Vec<(UnlockedSitting, [u8; 32])>,
    looks: u32,
}

impl Side {
    /// Commands that it did, in order.
    pub fn done(&self) -> Vec<[u8; 16]> {
        self.state.lock().unwrap().done.clone()
    }

    /// Commands that came, done before or not.
    pub fn heard(&self) -> u32 {
        self.state.lock().unwrap().heard
    }

    /// Draw seeds of the sittings whose keys came.
    pub fn keys(&self) -> Vec<(String, [u8; 32])> {
        let state = self.state.lock().unwrap();
        let keys = state.keys.iter();
        keys.map(|(key, seed)| (key.sitting_no.clone(), *seed))
            .collect()
    }

    pub fn looks(&self) -> u32 {
        self.state.lock().unwrap().looks
    }

    pub fn epoch(&self) -> u64 {
        self.state.lock().unwrap().seen.epoch()
    }

    /// The program starts anew: what is in memory alone is gone.
    pub fn forget_keys(&self) {
        self.state.lock().unwrap().keys.clear();
    }
}

impl RoomSide for Side {
    fn standing(&self) -> Standing {
        let state = self.state.lock().unwrap();
        Standing {
            mark: state.inbox.mark(),
            unlocked: state.keys.iter().map(|(key, _)| key.clone()).collect(),
        }
    }

    fn epoch(&self, epoch: &Epoch, hub: &HubDelegation) -> Result<(), Refused> {
        let mut state = self.state.lock().unwrap();
        let station = Hash32(*hub.device.as_bytes());
        match state.seen.hear(epoch.epoch, &station) {
            Heard::Same => Ok(()),
            Heard::Higher => {
                state.seen.raise(epoch.epoch, station);
                state.inbox.raise(epoch.epoch);
                Ok(())
            }
            Heard::Lower { .. } | Heard::Rival { .. } => Err(refused("epoch.lower")),
        }
    }

    fn command(&self, command: &RoomCommand, _: Hash32) -> Taken {
        let mut state = self.state.lock().unwrap();
        state.heard += 1;
        let id = command.command.command_id;
        match state.inbox.look(command.epoch, command.no, &id) {
            Incoming::Next => {
                state.done.push(id);
                Taken::Acknowledged(state.inbox.take(id, None))
            }
            Incoming::Known { refusal } => Taken::Acknowledged(state.inbox.take(id, refusal)),
            Incoming::Again(known) => Taken::Acknowledged(known),
            Incoming::AskFrom { no } => Taken::AskFrom { no },
            Incoming::Stale { .. } | Incoming::Unraised { .. } => Taken::NotObeyed {
                code: "epoch.lower".to_owned(),
            },
        }
    }

    fn keys(&self, keys: OpenedKeys) {
        let key = UnlockedSitting {
            sitting_no: keys.sitting_no.clone(),
            version: keys.version,
        };
        // As a terminal does: what a heartbeat that left before them brings once more is the same keys.
        let held = &mut self.state.lock().unwrap().keys;
        held.retain(|(known, _)| *known != key);
        held.push((key, keys.keys.draw_seed));
    }

    fn beat(&self) -> Beat {
        Beat {
            exam_ms: None,
            ledger_size: 0,
            held: Vec::new(),
            unlocked: self.standing().unlocked,
            seat: None,
            unsent: 0,
            storage: None,
            camera: None,
            pulling: None,
            failed_checks: None,
        }
    }

    fn look(&self) {
        self.state.lock().unwrap().looks += 1;
    }

    fn hub_lost(&self) {}
}
