//! The room's station ([`fengjuan_core::room::station`]) over this hub's own ledger: what a person decides, and what
//! follows from what the terminals say, is recorded in one transaction, then taken over, then sent.
//!
//! All functions that record block until it is durable: not for an async thread. Whatever fails to be recorded has not
//! happened.

mod act;
mod clerk;
mod course;
mod feed;
mod follow;
mod hear;
mod lines;
mod seen;

pub use course::{Course, slice};
pub use lines::{Line, Lines, Outgoing};
pub use seen::Seen;

use fengjuan_core::event::Event;
use fengjuan_core::plan::{ExamMs, Sitting};
use fengjuan_core::room::Device;
use fengjuan_core::room::post::{Acknowledgement, Numbered, PostError};
use fengjuan_core::room::station::{Actor, RoomError, Station};
use fengjuan_device::recorder::{Recorder, SYSTEM, staff};
use fengjuan_envelope::RandomError;
use fengjuan_store::{Change, LedgerId, Projection, Reader, ReplicaReader, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::{Notify, watch};

/// The room. Clones share it.
#[derive(Clone)]
pub struct Room {
    inner: Arc<Inner>,
}

struct Inner {
    recorder: Recorder,
    lines: Lines,
    /// Held from a proposal until it is durable and taken over, so that every decision is made on the last one.
    deciding: Mutex<()>,
    state: RwLock<State>,
    acknowledgements: Mutex<Vec<(Device, Acknowledgement)>>,
    /// Taken before `replicas`, where both are.
    own: Mutex<Reader>,
    replicas: Mutex<ReplicaReader>,
    /// Something was learned from which something may follow.
    soon: Notify,
    revision: watch::Sender<u64>,
}

struct State {
    station: Station,
    course: Course,
    /// Other stations, whose ledgers are no terminals'.
    hubs: BTreeSet<Device>,
    /// How far each replica was told to the station.
    fed: BTreeMap<LedgerId, Fed>,
    seen: BTreeMap<Device, Seen>,
    /// The newest held version of each sitting, and how many people are on its roster.
    held: BTreeMap<String, (Sitting, u32)>,
    raised: Option<Raised>,
}

#[derive(Clone, Copy, Debug)]
struct Fed {
    device: Device,
    size: u64,
}

/// How this station came to run the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    pub epoch: u64,
    pub at_ms: ExamMs,
    /// Staff id; empty in the first epoch.
    pub by: String,
}

/// Why something was not done. Nothing was recorded then.
#[derive(Debug, thiserror::Error)]
pub enum RoomRefusal {
    #[error(transparent)]
    Room(#[from] RoomError),
    #[error(transparent)]
    Post(#[from] PostError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl RoomRefusal {
    pub fn code(&self) -> &'static str {
        match self {
            RoomRefusal::Room(cause) => cause.code(),
            RoomRefusal::Post(cause) => cause.code(),
            RoomRefusal::Store(cause) => cause.code(),
            RoomRefusal::Random(_) => "room.random",
        }
    }
}

/// Random ids, handed to the station; a source that fails is found out afterwards.
#[derive(Default)]
struct Ids {
    failed: Option<RandomError>,
}

impl Ids {
    fn next(&mut self) -> [u8; 16] {
        fengjuan_envelope::random_bytes().unwrap_or_else(|error| {
            self.failed = Some(error);
            [0; 16]
        })
    }
}

impl Room {
    /// The room as this hub's ledger and the replicas give it. `hubs` are the devices among those of the replicas that
    /// are hubs themselves.
    ///
    /// # Errors
    /// Storage errors; [`StoreError::Corrupted`] where an entry of the room cannot be read.
    pub fn open(
        recorder: Recorder,
        own: Reader,
        replicas: ReplicaReader,
        me: Device,
        hubs: BTreeSet<Device>,
    ) -> Result<Room, StoreError> {
        let sources = course::Sources {
            own: &own,
            replicas: &replicas,
            hubs: &hubs,
        };
        let told = sources.tell(me, 1)?;
        let mut state = State::told(told, hubs.clone());
        feed::all(&mut state, &replicas, recorder.exam_now())?;
        let (revision, _) = watch::channel(1);
        Ok(Room {
            inner: Arc::new(Inner {
                recorder,
                lines: Lines::default(),
                deciding: Mutex::default(),
                state: RwLock::new(state),
                acknowledgements: Mutex::default(),
                own: Mutex::new(own),
                replicas: Mutex::new(replicas),
                soon: Notify::new(),
                revision,
            }),
        })
    }

    /// Looks at the station. Brief: whoever records waits meanwhile.
    pub fn read<T>(&self, look: impl FnOnce(&Station) -> T) -> T {
        look(&self.state().station)
    }

    /// The terminals as they were heard last.
    pub fn seen(&self) -> BTreeMap<Device, Seen> {
        self.state().seen.clone()
    }

    /// The open channels.
    pub fn lines(&self) -> &Lines {
        &self.inner.lines
    }

    pub fn recorder(&self) -> &Recorder {
        &self.inner.recorder
    }

    /// The exam clock of this moment.
    pub fn now(&self) -> ExamMs {
        self.inner.recorder.exam_now()
    }

    /// Rises with every change of the station or of what terminals say.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.revision.subscribe()
    }

    /// Something else that the page shows has changed.
    pub fn touch(&self) {
        self.inner.revision.send_modify(|revision| *revision += 1);
    }

    /// How this station came to run the room; none where it does not.
    pub fn raised(&self) -> Option<Raised> {
        let state = self.state();
        let commanding = state.station.standing().commanding()?;
        let raised = state.raised.clone();
        raised.filter(|raised| raised.epoch == commanding)
    }

    /// Records what `propose` gives, in one transaction, takes it over, and sends the commands in it.
    ///
    /// # Errors
    /// What `propose` refuses, and storage errors.
    pub fn decide(
        &self,
        actor: &str,
        projections: Vec<Projection>,
        propose: impl FnOnce(
            &Station,
            &mut dyn FnMut() -> [u8; 16],
            ExamMs,
        ) -> Result<Vec<Event>, RoomError>,
    ) -> Result<Vec<Event>, RoomRefusal> {
        let _deciding = lock(&self.inner.deciding);
        let now = self.now();
        let mut ids = Ids::default();
        let events = propose(&self.state().station, &mut || ids.next(), now)?;
        if let Some(failed) = ids.failed {
            return Err(failed.into());
        }
        self.record(actor, events, projections)
    }

    /// Under [`Inner::deciding`].
    fn record(
        &self,
        actor: &str,
        events: Vec<Event>,
        projections: Vec<Projection>,
    ) -> Result<Vec<Event>, RoomRefusal> {
        if events.is_empty() && projections.is_empty() {
            return Ok(events);
        }
        let recorder = &self.inner.recorder;
        let mut change = events.iter().fold(Change::default(), |change, event| {
            change.entry(recorder.entry(actor, None, event.clone()))
        });
        change.projections = projections;
        let places = recorder.writer().commit(change)?;
        let now = self.now();
        {
            let mut state = self.state_mut();
            for (event, place) in events.iter().zip(&places) {
                state.commit(event, place.seq, now);
            }
        }
        self.send(&events);
        self.touch();
        Ok(events)
    }

    fn send(&self, events: &[Event]) {
        let stands =
            |event: &Event| matches!(event, Event::EpochRaised { .. } | Event::StoodDown { .. });
        if events.iter().any(stands) {
            // Whoever connects again hears the epoch first, and then everything that waits.
            self.inner.lines.close_all();
            return;
        }
        for event in events {
            if let Event::CommandIssued {
                device,
                epoch,
                no,
                command,
            } = event
            {
                let numbered = Numbered {
                    epoch: *epoch,
                    no: *no,
                    command: (**command).clone(),
                };
                let sent = Outgoing::Command(Box::new(numbered));
                self.inner.lines.send(device, sent);
            }
        }
    }

    /// Waits until something may be due.
    pub async fn until_soon(&self) {
        self.inner.soon.notified().await;
    }

    fn soon(&self) {
        self.inner.soon.notify_one();
        self.touch();
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.inner
            .state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.inner
            .state
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn told(told: course::Told, hubs: BTreeSet<Device>) -> State {
        State {
            station: told.station,
            course: told.course,
            hubs,
            fed: BTreeMap::new(),
            seen: BTreeMap::new(),
            held: BTreeMap::new(),
            raised: told.raised,
        }
    }

    fn commit(&mut self, event: &Event, seq: u64, at_ms: ExamMs) {
        course::commit(&mut self.station, &mut self.raised, event, at_ms);
        if let Event::EpochRaised { followed, .. } = event {
            self.course.raised(seq, *followed);
        }
    }
}

fn name_of(actor: &Actor) -> String {
    match actor.person.staff_id.as_str() {
        "" => SYSTEM.to_owned(),
        staff_id => staff(staff_id),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
