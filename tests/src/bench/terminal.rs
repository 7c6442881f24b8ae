//! What a terminal is to its hub: ledger, uplink, papers and channel, as the app has them, without screens.

use anyhow::Context;
use fengjuan_core::event::{Event, Hash32, PictureUse};
use fengjuan_core::item::OptionSet;
use fengjuan_core::room::Device;
use fengjuan_core::room::command::CommandBody;
use fengjuan_core::room::epoch::{EpochSeen, Heard};
use fengjuan_core::room::post::{Inbox, Incoming};
use fengjuan_device::channel::{Channel, ChannelParts, OpenedKeys, RoomSide, Standing, Taken};
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::machine::RealMachine;
use fengjuan_device::papers::Papers;
use fengjuan_device::recorder::{AttemptContext, CANDIDATE, Recorder, SYSTEM};
use fengjuan_device::refusal::refused;
use fengjuan_device::site_kit::SiteKit;
use fengjuan_device::sync::{RoomLink, SyncTask, Uplink, UplinkParts};
use fengjuan_device::upstream::{SiteUpstream, SiteUpstreamParts};
use fengjuan_device::view::Refused;
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_store::{Change, Database};
use fengjuan_wire::bundle::{ObjectKind, ObjectPlace, Picture, seal_object};
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::room::{Beat, Epoch, RoomCommand, UnlockedSitting};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// What a camera's picture is when it is sealed.
const PICTURE_BYTES: usize = 40_000;
/// Longer than this an answer must not be away from the hub: it counts as an error.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Terminal {
    pub uplink: Uplink<SiteUpstream>,
    pub papers: Papers,
    pub side: Arc<Side>,
    identity: Arc<DeviceIdentity>,
    recorder: Recorder,
    attempt: AttemptContext,
    pictures: Mutex<u64>,
    running: Mutex<Option<(Option<Channel>, SyncTask)>>,
    /// Closes last.
    _database: Database,
}

impl Terminal {
    /// Opens a new terminal's data directory; it asks to be let in as soon as it runs.
    pub fn open(dir: &Path, kit: &Path, name: &str) -> anyhow::Result<Terminal> {
        std::fs::create_dir_all(dir)?;
        let kit = SiteKit::adopt(dir, Some(kit))?;
        let (database, _) = Database::open(dir)?;
        let machine = Arc::new(RealMachine::new()?);
        let (recorder, _) = Recorder::start(database.writer(), &database.reader()?, machine)?;
        let identity = Arc::new(DeviceIdentity::open(dir)?);
        let upstream = SiteUpstream::new(SiteUpstreamParts {
            kit: kit.clone(),
            identity: identity.clone(),
            recorder: recorder.clone(),
            data_dir: dir.to_owned(),
        })?;
        let (uplink, _) = Uplink::new(UplinkParts {
            upstream,
            kit: kit.clone(),
            identity: identity.clone(),
            recorder: recorder.clone(),
            reader: database.reader()?,
            data_dir: dir.to_owned(),
        })?;
        uplink.ask_to_enrol(name)?;
        let reader = database.reader()?;
        let papers = Papers::open(dir, kit, identity.clone(), recorder.clone(), reader)?;
        let attempt = AttemptContext {
            id: fengjuan_envelope::random_bytes()?,
            lease: 1,
            key: SecretKey::from_bytes([3; 32]),
        };
        Ok(Terminal {
            side: Arc::new(Side::of(recorder.clone())),
            uplink,
            papers,
            identity,
            recorder,
            attempt,
            pictures: Mutex::new(0),
            running: Mutex::new(None),
            _database: database,
        })
    }

    /// The line is there.
    pub fn connect(&self, runtime: &Handle) -> anyhow::Result<()> {
        let parts = ChannelParts {
            uplink: self.uplink.clone(),
            identity: self.identity.clone(),
            recorder: self.recorder.clone(),
            side: self.side.clone(),
        };
        let channel = Channel::spawn(parts, runtime)?;
        *lock(&self.running) = Some((channel, self.uplink.spawn(runtime)));
        Ok(())
    }

    pub fn disconnect(&self) {
        *lock(&self.running) = None;
    }

    pub fn device(&self) -> Device {
        Hash32(*self.identity.public().as_bytes())
    }

    /// The hub has taken it in, and holds all that it wrote so far.
    pub async fn settled(&self) -> anyhow::Result<()> {
        let mut sizes = self.recorder.writer().sizes();
        let size = *sizes.borrow_and_update();
        let mut state = self.uplink.state();
        let on = state.wait_for(|state| {
            state.room.as_ref().is_some_and(RoomLink::is_on) && state.replicated >= size
        });
        let on = tokio::time::timeout(Duration::from_secs(180), on).await;
        on.context("the channel never came")?.context("a state")?;
        Ok(())
    }

    /// Writes an answer, as the candidate's click does; gives how many entries there are then.
    fn answer(&self, number: u32) -> anyhow::Result<u64> {
        let event = Event::AnswerSaved {
            position: number % 100,
            chosen: OptionSet::single((number % 4) as u8),
            flagged: false,
        };
        let attempt = Some(&self.attempt);
        let appended = self
            .recorder
            .record_with(CANDIDATE, attempt, event, Vec::new())?;
        Ok(appended.seq + 1)
    }

    /// Saves an answer and waits for the hub. Gives the milliseconds of the commit here, and from there to the hub's
    /// acknowledgement.
    pub async fn saved(self: &Arc<Terminal>, number: u32) -> anyhow::Result<(f64, f64)> {
        let me = self.clone();
        let begun = Instant::now();
        let written = tokio::task::spawn_blocking(move || {
            let size = me.answer(number)?;
            Ok::<_, anyhow::Error>((size, Instant::now()))
        });
        let (size, committed) = written.await??;
        let mut state = self.uplink.state();
        let held = state.wait_for(|state| state.replicated >= size);
        let held = tokio::time::timeout(PATIENCE, held).await;
        let held = held.context("no acknowledgement")?;
        held.context("the uplink ended")?;
        let millis = |span: Duration| span.as_secs_f64() * 1000.0;
        Ok((
            millis(committed.duration_since(begun)),
            millis(committed.elapsed()),
        ))
    }

    /// Seals a picture and keeps it, as a snapshot does. It goes to the hub by itself.
    pub fn snapshot(&self) -> anyhow::Result<()> {
        let mut number = lock(&self.pictures);
        *number += 1;
        let picture = Picture {
            attempt_id: self.attempt.id.to_vec(),
            usage: PictureUse::Snapshot,
            taken_ms: self.recorder.exam_now(),
            due_ms: None,
            pattern: true,
            salt: fengjuan_envelope::random_bytes::<16>()?.to_vec(),
            jpeg: vec![7; PICTURE_BYTES],
        };
        let place = ObjectPlace {
            kind: ObjectKind::Picture,
            site: crate::center::SITE.to_owned(),
            sitting_no: super::exam::SITTING.to_owned(),
            version: 1,
        };
        // Nobody opens it: to the hub it is closed anyway.
        let results = KemSecret::generate()?.public();
        let (hash, bytes) = seal_object(&picture, &place, &self.identity.sign, &results)?;
        let sealed = Event::BundleSealed {
            bundle_no: u32::try_from(*number)?,
            hash,
        };
        let change = Change::default().entry(self.recorder.entry(SYSTEM, None, sealed));
        self.recorder
            .store_object("picture", hash.0, &bytes, change)?;
        self.uplink.nudge();
        Ok(())
    }

    /// The channel is lost, or something could not be sent.
    pub fn is_in_trouble(&self) -> bool {
        let state = self.uplink.state();
        let state = state.borrow();
        let on = state.room.as_ref().is_some_and(RoomLink::is_on);
        !on || !state.failures.is_empty() || state.forked_at.is_some()
    }

    /// The exam time here.
    pub fn exam_now(&self) -> i64 {
        self.recorder.exam_now()
    }

    /// It has compared its clock with the hub's.
    pub fn is_anchored(&self) -> bool {
        self.uplink.state().borrow().clock_offset_ms.is_some()
    }
}

/// The inbox and the epoch that every terminal has, and when what is measured came.
pub struct Side {
    recorder: Recorder,
    state: Mutex<SideState>,
}

#[derive(Default)]
struct SideState {
    seen: EpochSeen,
    inbox: Inbox,
    unlocked: Vec<UnlockedSitting>,
    keys_at: Option<Instant>,
    starts_ms: Option<i64>,
}

impl Side {
    fn of(recorder: Recorder) -> Side {
        let state = Mutex::default();
        Side { recorder, state }
    }

    /// When keys came.
    pub fn keys_at(&self) -> Option<Instant> {
        lock(&self.state).keys_at
    }

    /// The start that the station named, on the exam clock.
    pub fn starts_ms(&self) -> Option<i64> {
        lock(&self.state).starts_ms
    }
}

impl RoomSide for Side {
    fn standing(&self) -> Standing {
        let state = lock(&self.state);
        Standing {
            mark: state.inbox.mark(),
            unlocked: state.unlocked.clone(),
        }
    }

    fn epoch(&self, epoch: &Epoch, hub: &HubDelegation) -> Result<(), Refused> {
        let mut state = lock(&self.state);
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
        let mut state = lock(&self.state);
        let id = command.command.command_id;
        match state.inbox.look(command.epoch, command.no, &id) {
            Incoming::Next => {
                if let CommandBody::Start { at_ms, .. } = command.command.body {
                    state.starts_ms = Some(at_ms);
                }
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
        let mut state = lock(&self.state);
        state.keys_at.get_or_insert_with(Instant::now);
        state.unlocked.push(UnlockedSitting {
            sitting_no: keys.sitting_no.clone(),
            version: keys.version,
        });
    }

    fn beat(&self) -> Beat {
        Beat {
            exam_ms: Some(self.recorder.exam_now()),
            ledger_size: *self.recorder.writer().sizes().borrow(),
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

    fn look(&self) {}

    fn hub_lost(&self) {}
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
