//! The management station (考场管理机) as a machine: what its own ledger says, and what the terminals have told it.
//!
//! A person's action is asked of [`Station::propose`], which gives the events to record; record all of them in one
//! transaction and [`Station::commit`] each, or drop them where the disk refuses. A [`Event::CommandIssued`] that is
//! durable is sent to its terminal. What terminals say goes into [`Station::observe`], and what follows from it comes
//! out of [`Station::due`], again as events to record first.
//!
//! Replaying the ledger through [`Station::commit`], and the replicas through [`Station::observe`], gives the same
//! station. A standby does so with what it follows, through [`Station::follow`], and goes on from there when it
//! takes over; [`Event::EpochRaised`] says how far that was.

mod action;
mod concern;
mod draft;
mod due;
mod ends;
mod facts;
mod fold;
mod missed;
mod propose;
mod standing;
mod swap;
mod tell;
mod terms;
mod track;

use super::Device;
use super::alert::AlertBook;
use super::epoch::{Standing, Stands};
use super::lease::{AttemptId, LeaseBook};
use super::post::{Acknowledgement, Mark, Numbered, Outbox, PostError, Settled};
use super::seating::Seating;
use crate::event::{Event, Hash32};
use crate::plan::{ExamMs, Sitting};
use crate::room::command::Authority;
pub use action::{Action, Actor};
pub use facts::{Fact, Note};
pub use fold::{Awaited, Issued};
pub use standing::AttemptStanding;
use std::collections::BTreeMap;
pub use terms::RoomError;
pub use track::{SittingTerms, Step, Track};

/// The question that is on everybody's screen appears this long after the order to start, so that every terminal has
/// heard of it.
pub const START_LEAD_MS: i64 = 3_000;

/// The station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Station {
    /// From the ledger alone.
    recorded: fold::Recorded,
    /// From the signed sittings that are held.
    terms: BTreeMap<String, SittingTerms>,
    /// From the terminals: given again by replicas and heartbeats after a restart.
    facts: facts::Facts,
}

/// What the ledger of a station says; comparable, so that a replay can be checked.
pub type Recorded = fold::Recorded;

impl Station {
    /// A station that has run nothing yet.
    pub fn new(me: Device) -> Station {
        Station {
            recorded: fold::Recorded::new(me),
            terms: BTreeMap::new(),
            facts: facts::Facts::default(),
        }
    }

    /// A signed sitting is held here, with so many candidates on its roster.
    pub fn hold(&mut self, sitting: &Sitting, candidates: u32) {
        let terms = SittingTerms::of(sitting, candidates);
        self.terms.insert(sitting.sitting_no.clone(), terms);
    }

    /// Takes over an event that is durable in this station's own ledger.
    pub fn commit(&mut self, event: &Event) {
        self.recorded.commit(event);
        self.facts.commit(event);
    }

    /// Takes over an event of the ledger that this station follows. Nothing in it makes this station command, not even
    /// an epoch that was once its own.
    pub fn follow(&mut self, event: &Event) {
        self.recorded.follow(event);
        self.facts.commit(event);
    }

    /// An epoch that this device knows of from before, by its own ledger or a document: it takes over only above it.
    pub fn has_heard(&mut self, epoch: u64) {
        self.recorded.standing.follow(epoch);
    }

    /// Takes over what a terminal said. Ask [`Station::due`] what follows.
    pub fn observe(&mut self, fact: &Fact, now: ExamMs) {
        self.facts.observe(fact, now);
    }

    /// Somebody says that this epoch is run by that station. Gives the event to record where that is news: it stops
    /// this one, where it must.
    pub fn hear_epoch(&self, epoch: u64, station: Option<Device>) -> Option<Event> {
        let mut standing = self.recorded.standing;
        let news = epoch > standing.heard();
        let down = standing.hear(epoch, station.as_ref()) == Stands::Down;
        (down || news).then_some(Event::StoodDown { epoch, station })
    }

    /// What to send to a terminal that connects with this mark.
    ///
    /// # Errors
    /// [`PostError`]: it obeys another station, or its disk went back in time.
    pub fn hello(&self, device: &Device, mark: Mark) -> Result<Vec<Numbered>, PostError> {
        match self.recorded.outboxes.get(device) {
            Some(outbox) => outbox.after(mark),
            None => Outbox::new(self.recorded.standing.heard()).after(mark),
        }
    }

    /// What to send again from this number on.
    pub fn waiting_from(&self, device: &Device, no: u64) -> Vec<Numbered> {
        let outbox = self.recorded.outboxes.get(device);
        outbox.map(|outbox| outbox.from(no)).unwrap_or_default()
    }

    /// A terminal acknowledged a command: the event to record, unless that is known.
    pub fn acknowledged(&self, device: &Device, how: &Acknowledgement) -> Option<Event> {
        let mut outbox = self.recorded.outboxes.get(device)?.clone();
        let first = matches!(
            outbox.acknowledged(how.epoch, how.no),
            Settled::First { .. }
        );
        first.then(|| Event::CommandAcknowledged {
            device: *device,
            epoch: how.epoch,
            no: how.no,
            refusal: how.refusal.clone(),
        })
    }

    /// What the ledger alone says.
    pub fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    pub fn standing(&self) -> &Standing {
        &self.recorded.standing
    }

    pub fn seating(&self) -> &Seating {
        &self.recorded.seating
    }

    pub fn leases(&self) -> &LeaseBook {
        &self.recorded.leases
    }

    pub fn alerts(&self) -> &AlertBook {
        &self.recorded.alerts
    }

    /// Decisions that wait for the center's order.
    pub fn awaited(&self) -> impl Iterator<Item = (&u64, &Awaited)> {
        self.recorded.awaited.iter()
    }

    /// Decisions that stood as pending and have their order, with its hash.
    pub fn ordered(&self) -> impl Iterator<Item = (&u64, &(Awaited, Hash32))> {
        self.recorded.ordered.iter()
    }

    /// Whether the center's order is spoken for: by a decision that waited for it, or by a command that was given on it.
    pub fn is_spoken_for(&self, order: &Hash32) -> bool {
        let on_it = |issued: &Issued| {
            let authority = issued.command.body.authority();
            authority.and_then(Authority::order) == Some(*order)
        };
        self.ordered().any(|(_, (_, known))| known == order)
            || self.recorded.issued.iter().any(on_it)
    }

    /// Whether a terminal is heard.
    pub fn contact(&self, device: &Device) -> super::contact::Contact {
        self.facts.watch.contact(device)
    }

    /// How many entries of a ledger have been observed; the next one to observe.
    pub fn replica_size(&self, ledger_id: &[u8; 16]) -> u64 {
        self.facts.replica(ledger_id).size
    }

    /// Where an attempt stands, by everything that is here of it.
    pub fn attempt(&self, attempt: &AttemptId) -> Option<AttemptStanding> {
        self.facts.standing(attempt, &self.recorded.leases)
    }

    /// Attempts that anybody has claimed.
    pub fn attempts(&self) -> impl Iterator<Item = &AttemptId> {
        self.facts.attempts.keys()
    }

    /// Commands that a device was given, in order, with what came of them.
    pub fn commands_of(&self, device: &Device) -> impl Iterator<Item = &Issued> + use<'_> {
        let device = *device;
        self.recorded
            .issued
            .iter()
            .filter(move |one| one.device == device)
    }

    /// All commands, in the order in which they were given.
    pub fn commands(&self) -> &[Issued] {
        &self.recorded.issued
    }

    /// The code with which this machine refused the start of a running sitting, where it was not started since.
    pub fn start_refused(&self, sitting_no: &str, device: &Device) -> Option<&str> {
        missed::start_refused(self, sitting_no, device)
    }

    /// The day of one sitting.
    pub fn track(&self, sitting_no: &str) -> Track {
        let recorded = self.recorded.tracks.get(sitting_no).cloned();
        recorded.unwrap_or_default()
    }

    /// Where a sitting is now, and what blocks its next step (codes).
    pub fn step(&self, sitting_no: &str, now: ExamMs) -> (Step, Vec<RoomError>) {
        track::step(self, sitting_no, now)
    }

    /// The end of this sitting was ordered, and has come at every machine: nobody answers, and none has refused it.
    pub fn is_over(&self, sitting_no: &str) -> bool {
        self.track(sitting_no).ended
            && self.answering(sitting_no, None) == 0
            && ends::still_open(self, sitting_no, None).is_empty()
    }

    /// Nothing of this sitting is unlocked any more, and keys are forgotten: the end with credits has come.
    pub fn unlock_over(&self, sitting_no: &str, now: ExamMs) -> bool {
        track::unlock_over(self, sitting_no, now)
    }

    /// How many candidates of this sitting (of one class group, or of all) are answering.
    pub fn answering(&self, sitting_no: &str, class_no: Option<&str>) -> u32 {
        let concerned = |standing: &AttemptStanding| {
            standing.answering
                && standing.sitting_no == sitting_no
                && class_no.is_none_or(|class| standing.class_no.as_deref() == Some(class))
        };
        let standing = self.attempts().filter_map(|attempt| self.attempt(attempt));
        standing.filter(concerned).count() as u32
    }
}
