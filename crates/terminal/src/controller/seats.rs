//! What the ledger says of every candidate at this terminal. Built by replay at open and kept by the same function
//! while events are recorded, so that memory and ledger cannot disagree.

use crate::snapshots::Snapshots;
use crate::view::desk::SeatState as RowState;
use fengjuan_core::attempt::Outage;
use fengjuan_core::event::{Event, HandInKind, Hash32, PictureUse};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::fence::{Fence, Fenced};
use fengjuan_core::seat::{Seat, SeatRefusal, SeatRules, SeatState};
use fengjuan_store::StoredEntry;
use fengjuan_wire::WireError;
use fengjuan_wire::bundle::PictureRef;
use fengjuan_wire::entry::Entry;

/// How an attempt began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    pub package: Hash32,
    pub started_ms: ExamMs,
    /// Before credits.
    pub ends_ms: ExamMs,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    pub kind: HandInKind,
    pub answered: u32,
    pub unanswered: u32,
    pub at_ms: ExamMs,
}

/// One candidate's record at this terminal.
#[derive(Clone, Debug)]
pub struct SeatRecord {
    pub attempt_id: [u8; 16],
    pub seat: Seat,
    /// The last arrival that staff stamped, as recorded.
    arrived: Option<Event>,
    pub pictures: Vec<PictureRef>,
    /// The check-in picture is the labelled pattern.
    pub pattern: bool,
    /// A camera has taken a picture of this candidate.
    pub real_picture: bool,
    pub begun: Option<Begun>,
    /// Credits and postponements since the begin.
    pub credited_ms: i64,
    /// Orders of the center and decisions of the room that moved this attempt's end, wherever it was written then.
    pub moved_by: Vec<Hash32>,
    pub outages: Vec<Outage>,
    pub ended: Option<Ended>,
    pub snapshots: Snapshots,
    pub bundle: Option<Hash32>,
    pub bundles: u32,
    /// 责令离场: what the attempt is worth is to be decided.
    pub removed: bool,
    /// Since when another terminal holds the attempt.
    pub fenced_ms: Option<ExamMs>,
    fence: Fence,
    rules: SeatRules,
}

impl SeatRecord {
    pub fn new(attempt_id: [u8; 16], rules: SeatRules) -> SeatRecord {
        SeatRecord {
            attempt_id,
            seat: Seat::new(rules.clone()),
            arrived: None,
            pictures: Vec::new(),
            pattern: false,
            real_picture: false,
            begun: None,
            credited_ms: 0,
            moved_by: Vec::new(),
            outages: Vec::new(),
            ended: None,
            snapshots: Snapshots::default(),
            bundle: None,
            bundles: 0,
            removed: false,
            fenced_ms: None,
            fence: Fence::default(),
            rules,
        }
    }

    /// The record that stored entries make. Sealed ones concern the attempt alone and are passed over.
    ///
    /// # Errors
    /// Entries that cannot be read.
    pub fn replay(
        attempt_id: [u8; 16],
        rules: SeatRules,
        entries: &[StoredEntry],
    ) -> Result<SeatRecord, WireError> {
        let mut events = Vec::new();
        for stored in entries {
            let entry = Entry::decode(&stored.bytes)?;
            if !entry.sealed {
                events.push((entry.event(None)?, entry.exam_ms.unwrap_or_default()));
            }
        }
        let mut record = SeatRecord::new(attempt_id, rules);
        record.seat = Seat::new(rules_then(&record.rules, &events));
        for (event, now) in &events {
            if let Err(refusal) = record.apply(event, *now) {
                tracing::error!(
                    code = refusal.code(),
                    kind = event.kind(),
                    "an entry does not follow the others"
                );
            }
        }
        Ok(record)
    }

    /// Takes over an event that is, or is about to be, durable.
    ///
    /// # Errors
    /// [`SeatRefusal`]; nothing changes.
    pub fn apply(&mut self, event: &Event, now: ExamMs) -> Result<(), SeatRefusal> {
        let new_visit =
            matches!(event, Event::Identified { .. }) && self.seat.state() != SeatState::Standby;
        if new_visit && !self.finished() {
            let mut seat = Seat::new(self.rules.clone());
            if let Some(arrived) = &self.arrived {
                seat.apply(arrived, now)?;
            }
            seat.apply(event, now)?;
            self.seat = seat;
            // What was sealed before (late, refused) is no bundle of this visit; its number stays taken.
            self.bundle = None;
        } else {
            self.seat.apply(event, now)?;
        }
        match event {
            Event::Arrived { .. } => self.arrived = Some(event.clone()),
            Event::Identified { .. } => self.fence.identified(),
            Event::LeaseTaken { lease, .. } => {
                self.fence.take(*lease);
                self.fenced_ms = None;
            }
            Event::Fenced { lease, .. } => {
                self.fence.fence(*lease);
                self.fenced_ms = self.fence.may_write().is_err().then_some(now);
            }
            Event::PictureTaken {
                usage,
                hash,
                salted,
                pattern,
                ..
            } => {
                self.pictures.push(PictureRef {
                    object: *hash,
                    salted: *salted,
                });
                self.real_picture |= !*pattern;
                if *usage == PictureUse::CheckIn {
                    self.pattern = *pattern;
                }
            }
            Event::AttemptStarted {
                package,
                started_ms,
                ends_ms,
                ..
            } => {
                self.begun = Some(Begun {
                    package: *package,
                    started_ms: *started_ms,
                    ends_ms: *ends_ms,
                });
            }
            Event::BundleSealed { hash, bundle_no } => {
                self.bundle = Some(*hash);
                self.bundles = *bundle_no;
            }
            _ => self.apply_to_attempt(event),
        }
        self.snapshots.apply(event);
        Ok(())
    }

    fn apply_to_attempt(&mut self, event: &Event) {
        match event {
            Event::OutageRecorded {
                outage_no,
                cause,
                from_ms,
                to_ms,
                proposed_ms,
            } => {
                self.outages.push(Outage {
                    outage_no: *outage_no,
                    cause: *cause,
                    from_ms: *from_ms,
                    to_ms: *to_ms,
                    proposed_ms: *proposed_ms,
                    decided_ms: None,
                });
            }
            Event::OutageDecided {
                outage_no,
                credit_ms,
                ..
            } => {
                self.credited_ms += credit_ms;
                let outages = self.outages.iter_mut();
                for outage in outages.filter(|outage| outage.outage_no == *outage_no) {
                    outage.decided_ms = Some(*credit_ms);
                }
            }
            Event::TimeCredited {
                credit_ms: ms,
                order,
                decision,
                ..
            }
            | Event::Postponed {
                by_ms: ms,
                order,
                decision,
                ..
            } => {
                self.credited_ms += ms;
                self.moved_by.extend(order);
                self.moved_by.extend(decision);
            }
            Event::HandedIn {
                kind,
                answered,
                unanswered,
                at_ms,
                ..
            } => {
                self.ended = Some(Ended {
                    kind: *kind,
                    answered: *answered,
                    unanswered: *unanswered,
                    at_ms: *at_ms,
                });
            }
            Event::Removed {
                answered,
                unanswered,
                at_ms,
                ..
            } => {
                self.ended = Some(Ended {
                    kind: HandInKind::Forced,
                    answered: *answered,
                    unanswered: *unanswered,
                    at_ms: *at_ms,
                });
                self.removed = true;
            }
            Event::Reopened { .. } => {
                self.ended = None;
                self.bundle = None;
            }
            _ => {}
        }
    }

    /// The lease for the header of this event's entry.
    ///
    /// # Errors
    /// [`Fenced::Elsewhere`]: the attempt is read-only here.
    pub fn lease_for(&self, event: &Event) -> Result<u64, Fenced> {
        match event {
            Event::LeaseTaken { lease, .. } => Ok(*lease),
            Event::Fenced { .. } => Ok(self.lease()),
            _ => match self.fence.may_write() {
                Err(fenced @ Fenced::Elsewhere { .. }) => Err(fenced),
                // Before anybody identified here: an arrival, an absence.
                Err(Fenced::NoLease) | Ok(_) => Ok(self.lease()),
            },
        }
    }

    /// The lease under which this terminal writes the attempt, or last did.
    pub fn lease(&self) -> u64 {
        self.fence.held().max(1)
    }

    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Another terminal holds the attempt.
    pub fn is_fenced(&self) -> bool {
        matches!(self.fence.may_write(), Err(Fenced::Elsewhere { .. }))
    }

    /// The sitting moves. An open attempt has a record of its own of that.
    pub fn postpone(&mut self, by_ms: i64) {
        self.rules.start_ms += by_ms;
        self.rules.late_limit_ms += by_ms;
        if self.open() {
            return;
        }
        let moved = Event::Postponed {
            sitting_no: self.rules.sitting_no.clone(),
            by_ms,
            order: None,
            decision: None,
        };
        // A postponement is never refused by a seat.
        let _ = self.seat.apply(&moved, 0);
    }

    /// The center lets this candidate in late.
    pub fn allow_late(&mut self) {
        self.rules.late_allowed = true;
        self.seat.allow_late();
    }

    /// When staff stamped the arrival, and who.
    pub fn stamped(&self) -> Option<(ExamMs, &str)> {
        match &self.arrived {
            Some(Event::Arrived {
                arrival_ms,
                staff_id,
                ..
            }) => Some((*arrival_ms, staff_id)),
            _ => None,
        }
    }

    pub fn rules(&self) -> &SeatRules {
        &self.rules
    }

    /// The person is done here: nobody sits down under this ticket again.
    pub fn finished(&self) -> bool {
        use SeatState::*;
        matches!(
            self.seat.state(),
            HandedIn | Sealed | Receipted | NotAdmitted | Absent | ArrivedNotSeated
        )
    }

    /// An attempt has begun, is not handed in, and is this terminal's to go on with.
    pub fn open(&self) -> bool {
        self.begun.is_some() && self.ended.is_none() && !self.is_fenced()
    }

    /// End with what was credited since.
    pub fn ends_ms(&self) -> Option<ExamMs> {
        self.begun.map(|begun| begun.ends_ms + self.credited_ms)
    }

    /// What the proctor's list says. `receipted` is whether the center has the bundle, `suspended` whether the open
    /// attempt stands still.
    pub fn row_state(&self, receipted: bool, suspended: bool) -> RowState {
        match self.seat.state() {
            SeatState::Standby if self.arrived.is_some() => RowState::Arrived,
            SeatState::Standby => RowState::Expected,
            SeatState::Identified | SeatState::Pictured => RowState::CheckedIn,
            SeatState::Confirmed | SeatState::Tutorial => RowState::Confirmed,
            SeatState::Waiting => RowState::Waiting,
            SeatState::Answering if suspended => RowState::Suspended,
            SeatState::Answering => RowState::Answering,
            SeatState::HandedIn => RowState::HandedIn,
            SeatState::Sealed | SeatState::Receipted if receipted => RowState::Receipted,
            SeatState::Sealed | SeatState::Receipted => RowState::Sealed,
            SeatState::NotAdmitted => RowState::NotAdmitted,
            SeatState::LateRefused => RowState::LateRefused,
            SeatState::Absent => RowState::Absent,
            SeatState::ArrivedNotSeated => RowState::ArrivedNotSeated,
        }
    }
}

/// The rules as they were when the seat began. Today's know every postponement, also those that came while the attempt
/// ran, which its own entries bring again, and those that came while it stood still, which no entry names yet.
fn rules_then(rules: &SeatRules, events: &[(Event, ExamMs)]) -> SeatRules {
    let mut then = rules.clone();
    for (event, now) in events {
        match event {
            Event::Postponed { by_ms, .. } => then.start_ms -= by_ms,
            Event::AttemptStarted { .. } => then.start_ms = then.start_ms.min(*now),
            _ => {}
        }
    }
    then
}
