//! The seat (考位): one person's way through a sitting, from standby to the receipt. Its inputs are the events that
//! the terminal is about to record, so the same machine runs live and over a ledger: ask [`Seat::next`], record,
//! then [`Seat::apply`].
//!
//! A seat object is one visit: whoever sits down next, or "that is not me", gets a new one.

use crate::event::{Event, Hash32, PictureUse};
use crate::plan::{ExamMs, Sitting};
use serde::{Deserialize, Serialize};

/// Where the person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum SeatState {
    /// Nobody sits here.
    Standby,
    /// A ticket or ID number was typed; next the camera.
    Identified,
    /// The check-in picture is taken, or its absence decided; next a staff member.
    Pictured,
    /// A staff member has confirmed the person; next the rules.
    Confirmed,
    /// Rules agreed to; next the tutorial.
    Tutorial,
    /// Waiting for the start.
    Waiting,
    Answering,
    HandedIn,
    /// The bundle is sealed and durable.
    Sealed,
    /// The center has it.
    Receipted,
    NotAdmitted,
    LateRefused,
    /// Never came.
    Absent,
    /// Staff stamped the arrival, in time, and nobody ever sat down.
    ArrivedNotSeated,
}

/// When this sitting lets people in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatRules {
    pub sitting_no: String,
    pub entry_opens_ms: ExamMs,
    /// The planned start with postponements.
    pub start_ms: ExamMs,
    /// The last arrival stamp that may enter.
    pub late_limit_ms: ExamMs,
    /// An order of the center allows this candidate to be late.
    pub late_allowed: bool,
}

/// Why the next step is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeatRefusal {
    #[error("entry opens at {opens_ms}")]
    EntryNotOpen { opens_ms: ExamMs },
    #[error("arrived at {arrival_ms}, after {limit_ms}")]
    Late {
        arrival_ms: ExamMs,
        limit_ms: ExamMs,
    },
    #[error("arrived at {arrival_ms}, which is not late")]
    NotLate { arrival_ms: ExamMs },
    #[error("an arrival cannot be stamped ahead of time")]
    ArrivalAhead,
    #[error("the event names another person or sitting")]
    AnotherPerson,
    #[error("the person has not been confirmed by staff")]
    Unconfirmed,
    #[error("ID, person, ticket and contraband check must all be confirmed")]
    ConfirmationIncomplete,
    #[error("the start is at {start_ms}")]
    NotStarted { start_ms: ExamMs },
    #[error("entry is possible until {limit_ms}, so nobody is absent yet")]
    NotAbsentYet { limit_ms: ExamMs },
    #[error("arrived at {arrival_ms}, so not absent")]
    HasArrived { arrival_ms: ExamMs },
    #[error("no such arrival was stamped")]
    NoSuchArrival,
    #[error("not possible in state {state:?}")]
    OutOfOrder { state: SeatState },
}

impl SeatRefusal {
    pub fn code(&self) -> &'static str {
        match self {
            SeatRefusal::EntryNotOpen { .. } => "seat.entry_not_open",
            SeatRefusal::Late { .. } => "seat.late",
            SeatRefusal::NotLate { .. } => "seat.not_late",
            SeatRefusal::ArrivalAhead => "seat.arrival_ahead",
            SeatRefusal::AnotherPerson => "seat.another_person",
            SeatRefusal::Unconfirmed => "seat.unconfirmed",
            SeatRefusal::ConfirmationIncomplete => "seat.confirmation_incomplete",
            SeatRefusal::NotStarted { .. } => "seat.not_started",
            SeatRefusal::NotAbsentYet { .. } => "seat.not_absent_yet",
            SeatRefusal::HasArrived { .. } => "seat.has_arrived",
            SeatRefusal::NoSuchArrival => "seat.no_such_arrival",
            SeatRefusal::OutOfOrder { .. } => "seat.out_of_order",
        }
    }
}

/// One person's visit to a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    rules: SeatRules,
    state: SeatState,
    ticket: Option<Hash32>,
    arrival_ms: Option<ExamMs>,
    bundle: Option<Hash32>,
}

impl SeatRules {
    /// The rules of a sitting as signed; postponements follow as events.
    pub fn of(sitting: &Sitting) -> SeatRules {
        SeatRules {
            sitting_no: sitting.sitting_no.clone(),
            entry_opens_ms: sitting.entry_opens_ms(),
            start_ms: sitting.start_ms,
            late_limit_ms: sitting.start_ms + i64::from(sitting.entry.late_limit_min) * 60_000,
            late_allowed: false,
        }
    }
}

impl Seat {
    pub fn new(rules: SeatRules) -> Seat {
        Seat {
            rules,
            state: SeatState::Standby,
            ticket: None,
            arrival_ms: None,
            bundle: None,
        }
    }

    pub fn state(&self) -> SeatState {
        self.state
    }

    pub fn rules(&self) -> &SeatRules {
        &self.rules
    }

    /// The stamp that decides lateness: staff's where there is one, else the moment of identification.
    pub fn arrival_ms(&self) -> Option<ExamMs> {
        self.arrival_ms
    }

    /// The center's order to let this candidate in late has been verified.
    pub fn allow_late(&mut self) {
        self.rules.late_allowed = true;
    }

    /// The state after this event, or why it may not be recorded. Events that are none of the seat's business leave
    /// the state as it is.
    ///
    /// # Errors
    /// [`SeatRefusal`]; nothing changes.
    pub fn next(&self, event: &Event, now: ExamMs) -> Result<SeatState, SeatRefusal> {
        use SeatState::*;
        match event {
            Event::Arrived {
                sitting_no,
                ticket_hash,
                arrival_ms,
                ..
            } => {
                self.same_person(sitting_no, ticket_hash)?;
                self.arrival(*arrival_ms, now)
            }
            Event::Identified {
                sitting_no,
                ticket_hash,
                ..
            } => {
                self.in_state(&[Standby])?;
                self.same_person(sitting_no, ticket_hash)?;
                self.entry_open(now)?;
                self.in_time(now)?;
                Ok(Identified)
            }
            Event::PictureTaken {
                usage: PictureUse::CheckIn,
                ..
            }
            | Event::PictureSkipped { .. } => {
                self.in_state(&[Identified, Pictured])?;
                Ok(Pictured)
            }
            Event::PersonConfirmed { .. } => self.confirmation(event, now),
            Event::NotAdmitted { .. } => {
                self.in_state(&[Identified, Pictured, Confirmed, Tutorial, Waiting])?;
                Ok(NotAdmitted)
            }
            Event::LateRefused { arrival_ms, .. } => self.late_refused(*arrival_ms, now),
            Event::Absent {
                sitting_no,
                ticket_hash,
            } => {
                self.same_person(sitting_no, ticket_hash)?;
                match self.arrival_ms {
                    Some(arrival_ms) => Err(SeatRefusal::HasArrived { arrival_ms }),
                    None => self.entry_over(now, Absent),
                }
            }
            Event::ArrivedNotSeated {
                sitting_no,
                ticket_hash,
                arrival_ms,
            } => {
                self.same_person(sitting_no, ticket_hash)?;
                if self.arrival_ms != Some(*arrival_ms) {
                    return Err(SeatRefusal::NoSuchArrival);
                }
                self.entry_over(now, ArrivedNotSeated)
            }
            Event::RulesAgreed {} => self.step(Confirmed, Tutorial),
            Event::TutorialDone { .. } => self.step(Tutorial, Waiting),
            Event::AttemptStarted { sitting_no, .. } => self.attempt_started(sitting_no, now),
            Event::HandedIn { .. } | Event::Removed { .. } => self.step(Answering, HandedIn),
            Event::Reopened { .. } => {
                self.in_state(&[HandedIn, Sealed, Receipted])?;
                Ok(Answering)
            }
            Event::BundleSealed { .. } => match self.state {
                // A seat that ended without an attempt is sealed too, and stays what it is.
                NotAdmitted | LateRefused | Absent | ArrivedNotSeated => Ok(self.state),
                _ => {
                    self.in_state(&[HandedIn, Sealed, Receipted])?;
                    Ok(Sealed)
                }
            },
            Event::Receipted { hash, .. } if self.bundle == Some(*hash) => {
                self.in_state(&[Sealed, Receipted])?;
                Ok(Receipted)
            }
            _ => Ok(self.state),
        }
    }

    /// Takes over a recorded event, with the exam time of its header.
    ///
    /// # Errors
    /// As [`Seat::next`]; a ledger that holds such an event is wrong.
    pub fn apply(&mut self, event: &Event, now: ExamMs) -> Result<SeatState, SeatRefusal> {
        let state = self.next(event, now)?;
        match event {
            Event::Arrived {
                ticket_hash,
                arrival_ms,
                ..
            } => {
                self.ticket = Some(*ticket_hash);
                self.arrival_ms = Some(*arrival_ms);
            }
            Event::Identified { ticket_hash, .. } => {
                self.ticket = Some(*ticket_hash);
                self.arrival_ms.get_or_insert(now);
            }
            Event::BundleSealed { hash, .. } => self.bundle = Some(*hash),
            // An older bundle's receipt says nothing of what follows.
            Event::Reopened { .. } => self.bundle = None,
            Event::LateEntryAllowed {
                sitting_no,
                ticket_hash,
                ..
            } if self.same_person(sitting_no, ticket_hash).is_ok() => {
                self.rules.late_allowed = true
            }
            Event::Postponed {
                sitting_no, by_ms, ..
            } if *sitting_no == self.rules.sitting_no => {
                self.rules.start_ms = self.rules.start_ms.saturating_add(*by_ms);
                self.rules.late_limit_ms = self.rules.late_limit_ms.saturating_add(*by_ms);
            }
            _ => {}
        }
        self.state = state;
        Ok(state)
    }

    fn arrival(&self, arrival_ms: ExamMs, now: ExamMs) -> Result<SeatState, SeatRefusal> {
        self.in_state(&[
            SeatState::Standby,
            SeatState::Identified,
            SeatState::Pictured,
        ])?;
        if arrival_ms > now {
            return Err(SeatRefusal::ArrivalAhead);
        }
        self.entry_open(arrival_ms)?;
        Ok(self.state)
    }

    fn confirmation(&self, event: &Event, now: ExamMs) -> Result<SeatState, SeatRefusal> {
        let Event::PersonConfirmed {
            id_document,
            person,
            ticket,
            contraband_clear,
            ..
        } = event
        else {
            return Ok(self.state);
        };
        self.in_state(&[SeatState::Pictured])?;
        self.in_time(now)?;
        let complete = *id_document && *person && *ticket && *contraband_clear;
        if complete {
            Ok(SeatState::Confirmed)
        } else {
            Err(SeatRefusal::ConfirmationIncomplete)
        }
    }

    /// Nobody sat down here, and nobody may any more.
    fn entry_over(&self, now: ExamMs, outcome: SeatState) -> Result<SeatState, SeatRefusal> {
        self.in_state(&[SeatState::Standby])?;
        let limit_ms = self.rules.late_limit_ms;
        if now > limit_ms {
            Ok(outcome)
        } else {
            Err(SeatRefusal::NotAbsentYet { limit_ms })
        }
    }

    fn late_refused(&self, arrival_ms: ExamMs, now: ExamMs) -> Result<SeatState, SeatRefusal> {
        self.in_state(&[
            SeatState::Standby,
            SeatState::Identified,
            SeatState::Pictured,
        ])?;
        if arrival_ms > now {
            return Err(SeatRefusal::ArrivalAhead);
        }
        let in_time = arrival_ms <= self.rules.late_limit_ms || self.rules.late_allowed;
        if in_time {
            Err(SeatRefusal::NotLate { arrival_ms })
        } else {
            Ok(SeatState::LateRefused)
        }
    }

    fn attempt_started(&self, sitting_no: &str, now: ExamMs) -> Result<SeatState, SeatRefusal> {
        use SeatState::*;
        if sitting_no != self.rules.sitting_no {
            return Err(SeatRefusal::AnotherPerson);
        }
        match self.state {
            Standby | Identified | Pictured => Err(SeatRefusal::Unconfirmed),
            Waiting if now < self.rules.start_ms => Err(SeatRefusal::NotStarted {
                start_ms: self.rules.start_ms,
            }),
            Waiting => Ok(Answering),
            state => Err(SeatRefusal::OutOfOrder { state }),
        }
    }

    fn entry_open(&self, at_ms: ExamMs) -> Result<(), SeatRefusal> {
        let opens_ms = self.rules.entry_opens_ms;
        if at_ms < opens_ms {
            Err(SeatRefusal::EntryNotOpen { opens_ms })
        } else {
            Ok(())
        }
    }

    fn in_time(&self, now: ExamMs) -> Result<(), SeatRefusal> {
        let arrival_ms = self.arrival_ms.unwrap_or(now);
        let limit_ms = self.rules.late_limit_ms;
        let late = arrival_ms > limit_ms && !self.rules.late_allowed;
        if late {
            Err(SeatRefusal::Late {
                arrival_ms,
                limit_ms,
            })
        } else {
            Ok(())
        }
    }

    fn same_person(&self, sitting_no: &str, ticket_hash: &Hash32) -> Result<(), SeatRefusal> {
        let same = sitting_no == self.rules.sitting_no
            && self.ticket.is_none_or(|ticket| ticket == *ticket_hash);
        if same {
            Ok(())
        } else {
            Err(SeatRefusal::AnotherPerson)
        }
    }

    fn in_state(&self, allowed: &[SeatState]) -> Result<(), SeatRefusal> {
        if allowed.contains(&self.state) {
            Ok(())
        } else {
            Err(SeatRefusal::OutOfOrder { state: self.state })
        }
    }

    fn step(&self, from: SeatState, to: SeatState) -> Result<SeatState, SeatRefusal> {
        self.in_state(&[from])?;
        Ok(to)
    }
}
