//! The attempt (作答): one candidate's exam as a machine. Nothing changes before it is durable: [`Attempt::propose`]
//! says what an input means, the caller writes every [`Effect::Record`] with `now` as the entry's exam time, and then
//! calls [`Attempt::commit`] with the same event and the same `now` — or drops it, where the disk refused. The center
//! and the verifier run the same `commit` over a ledger ([`Attempt::replay`]), so a terminal can do nothing that they
//! would not accept.
//!
//! Time: the attempt ends at the class group's end plus credits and postponements ([`Attempt::ends_ms`]). The clock
//! runs on in an outage; each outage opens a provisional credit of its measured length, at most the plan's cap, and
//! until all are decided nobody is handed in automatically. Answers are accepted until [`Attempt::limit_ms`], which
//! adds the undecided provisional credits: whoever lost five minutes may use those five while the proctor decides,
//! and nobody ever answers for longer than the plan allows. A refused credit ends the attempt at the next tick; what
//! was saved stays saved.
//!
//! Positions count from 0; option sets are in bank order.

mod rules;

use crate::draw::Paper;
use crate::event::{Event, HandInKind, Hash32, OutageCause};
use crate::item::{ItemIndexEntry, OptionSet};
use crate::plan::{ClassGroup, ExamMs, ItemType, Sitting};
use crate::roster::Accommodation;
use crate::start::TerminalStart;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::collections::BTreeMap;

/// The candidate is told once each when this many minutes remain.
pub const WARNINGS_MIN: [u32; 2] = [10, 5];

/// What one attempt may do, fixed at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptPlan {
    pub attempt_id: [u8; 16],
    pub sitting_no: String,
    pub class_no: String,
    /// One for each question of the paper, in its order.
    pub questions: Vec<Question>,
    /// When this candidate began.
    pub started_ms: ExamMs,
    /// The class group's end on this terminal with the candidate's extra minutes, before credits.
    pub ends_ms: ExamMs,
    /// Own hand-in before this is refused.
    pub earliest_leave_ms: ExamMs,
    /// Most that one outage, or one credit without an order, may add.
    pub outage_credit_cap_ms: i64,
}

/// The shape of one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    pub item_type: ItemType,
    pub options: u8,
}

/// What can happen to an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The candidate's whole choice for a question, in bank order (the caller toggles). Empty clears it.
    Choose {
        position: u32,
        chosen: OptionSet,
    },
    Flag {
        position: u32,
        on: bool,
    },
    Show {
        position: u32,
    },
    HandIn,
    /// By a member of staff, with a reason; possible at any time.
    ForceHandIn {
        staff_id: String,
        reason: String,
    },
    /// The proctor ends the sitting. Refused while an outage is undecided.
    SittingEnded {
        staff_id: String,
    },
    /// The seat stood still from the last known moment until now (or until `to_ms`).
    OutageFound {
        cause: OutageCause,
        from_ms: ExamMs,
        to_ms: ExamMs,
    },
    /// The proctor's decision; a credit of 0 refuses.
    OutageDecided {
        outage_no: u32,
        credit_ms: i64,
        staff_id: String,
        reason: String,
    },
    /// 补时 beside any outage. More than the plan's cap needs an order.
    Credit {
        credit_ms: i64,
        by: String,
        reason: String,
        order: Option<Hash32>,
    },
    /// The whole sitting moves.
    Postpone {
        by_ms: i64,
        order: Option<Hash32>,
    },
    /// Storage works again after [`Attempt::storage_failed`].
    StorageBack,
}

/// What the caller must do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write this durably and then [`Attempt::commit`] it. Where that fails, drop the effects that follow.
    Record(Event),
    /// Show this question.
    Show { position: u32 },
    /// Announce that this many minutes remain.
    WarnMinutes(u32),
    /// The end moved: tell the candidate.
    EndsMoved { by_ms: i64 },
    /// The attempt is over: seal it.
    HandedIn { kind: HandInKind },
}

/// Where the attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    Answering,
    /// Storage refuses writes, or the clock is in doubt until the proctor decides.
    Suspended {
        cause: OutageCause,
    },
    HandedIn {
        kind: HandInKind,
        #[ts(type = "number")]
        at_ms: ExamMs,
    },
}

/// One saved answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub chosen: OptionSet,
    pub flagged: bool,
    /// Exam time of the last change.
    pub saved_ms: ExamMs,
}

/// One recorded outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Counted from 1.
    pub outage_no: u32,
    pub cause: OutageCause,
    pub from_ms: ExamMs,
    pub to_ms: ExamMs,
    /// The provisional credit.
    pub proposed_ms: i64,
    /// The proctor's credit; `None` is undecided.
    pub decided_ms: Option<i64>,
}

/// The numbers of the check screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
pub struct Counts {
    pub questions: u32,
    pub answered: u32,
    pub unanswered: u32,
    pub flagged: u32,
}

/// Why an input is refused, or a recorded event is one that no terminal may record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttemptError {
    #[error("the attempt has not been started")]
    NotStarted,
    #[error("the attempt is handed in")]
    AlreadyHandedIn,
    #[error("the seat is suspended: {cause:?}")]
    Suspended { cause: OutageCause },
    #[error("time was up at {limit_ms}")]
    TimeUp { limit_ms: ExamMs },
    #[error("no hand-in before {until_ms}")]
    TooEarly { until_ms: ExamMs },
    #[error("position {position} is not on the paper")]
    NoSuchPosition { position: u32 },
    #[error("position {position} has no such option")]
    NoSuchOption { position: u32 },
    #[error("position {position} takes one option")]
    OneOptionOnly { position: u32 },
    #[error("a name and a reason are needed")]
    ReasonMissing,
    #[error("the credit must be within 0 and {most_ms} ms")]
    CreditOutOfRange { most_ms: i64 },
    #[error("outage {outage_no} does not exist or is decided")]
    NoSuchOutage { outage_no: u32 },
    #[error("outage {outage_no} is undecided")]
    OutageUndecided { outage_no: u32 },
    #[error("the outage's number, span or proposal is not what this attempt's history gives")]
    OutageMalformed,
    #[error("time is not up")]
    NotOver,
    #[error("the counts or the moment of the hand-in are not those of this attempt")]
    HandInMalformed,
    #[error("the start is not that of the plan")]
    PlanMismatch,
}

impl AttemptError {
    pub fn code(&self) -> &'static str {
        match self {
            AttemptError::NotStarted => "attempt.not_started",
            AttemptError::AlreadyHandedIn => "attempt.already_handed_in",
            AttemptError::Suspended { .. } => "attempt.suspended",
            AttemptError::TimeUp { .. } => "attempt.time_up",
            AttemptError::TooEarly { .. } => "attempt.too_early",
            AttemptError::NoSuchPosition { .. } => "attempt.no_such_position",
            AttemptError::NoSuchOption { .. } => "attempt.no_such_option",
            AttemptError::OneOptionOnly { .. } => "attempt.one_option_only",
            AttemptError::ReasonMissing => "attempt.reason_missing",
            AttemptError::CreditOutOfRange { .. } => "attempt.credit_out_of_range",
            AttemptError::NoSuchOutage { .. } => "attempt.no_such_outage",
            AttemptError::OutageUndecided { .. } => "attempt.outage_undecided",
            AttemptError::OutageMalformed => "attempt.outage_malformed",
            AttemptError::NotOver => "attempt.not_over",
            AttemptError::HandInMalformed => "attempt.hand_in_malformed",
            AttemptError::PlanMismatch => "attempt.plan_mismatch",
        }
    }
}

/// A ledger that this attempt cannot have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {place} of the attempt cannot have been recorded")]
pub struct ReplayError {
    /// The event's place among those handed in, from 0.
    pub place: usize,
    #[source]
    pub cause: AttemptError,
}

impl ReplayError {
    pub fn code(&self) -> &'static str {
        self.cause.code()
    }
}

/// One candidate's attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    plan: AttemptPlan,
    started: bool,
    ends_ms: ExamMs,
    earliest_leave_ms: ExamMs,
    shown: Option<u32>,
    answers: BTreeMap<u32, Answer>,
    outages: Vec<Outage>,
    handed_in: Option<(HandInKind, ExamMs)>,
    /// Storage has refused writes since then. Not in the ledger, for want of storage.
    stalled_since: Option<ExamMs>,
    warned: [bool; WARNINGS_MIN.len()],
}

impl AttemptPlan {
    /// The plan of one candidate's attempt on a started terminal. `now` is when the candidate begins.
    pub fn new(
        attempt_id: [u8; 16],
        sitting: &Sitting,
        class_group: &ClassGroup,
        accommodation: &Accommodation,
        terminal: &TerminalStart,
        questions: Vec<Question>,
        now: ExamMs,
    ) -> AttemptPlan {
        AttemptPlan {
            attempt_id,
            sitting_no: sitting.sitting_no.clone(),
            class_no: class_group.class_no.clone(),
            questions,
            started_ms: now,
            ends_ms: terminal.ends_ms(class_group, accommodation),
            earliest_leave_ms: terminal.earliest_leave_ms(sitting),
            outage_credit_cap_ms: i64::from(sitting.outage_credit_cap_min) * 60_000,
        }
    }

    /// The event that starts this attempt; the first to be recorded.
    pub fn started_event(&self, package: Hash32, paper: Hash32) -> Event {
        Event::AttemptStarted {
            sitting_no: self.sitting_no.clone(),
            class_no: self.class_no.clone(),
            package,
            paper,
            started_ms: self.started_ms,
            ends_ms: self.ends_ms,
        }
    }
}

impl Question {
    /// The questions of a paper; `None` where it names an item that the index lacks.
    pub fn of_paper(paper: &Paper, index: &[ItemIndexEntry]) -> Option<Vec<Question>> {
        let question = |entry: &ItemIndexEntry| Question {
            item_type: entry.item_type,
            options: entry.options,
        };
        paper
            .slots
            .iter()
            .map(|slot| index.get(slot.item as usize).map(question))
            .collect()
    }
}

impl Attempt {
    /// A new attempt. Its first committed event is [`AttemptPlan::started_event`].
    pub fn start(plan: AttemptPlan) -> Attempt {
        Attempt {
            started: false,
            ends_ms: plan.ends_ms,
            earliest_leave_ms: plan.earliest_leave_ms,
            shown: None,
            answers: BTreeMap::new(),
            outages: Vec::new(),
            handed_in: None,
            stalled_since: None,
            warned: [false; WARNINGS_MIN.len()],
            plan,
        }
    }

    /// The attempt that a ledger's events make, each with the exam time of its header. Warnings that fell due before
    /// the last event are not given again.
    ///
    /// # Errors
    /// [`ReplayError`] at the first event that the machine would not have recorded.
    pub fn replay<E: Borrow<Event>>(
        plan: AttemptPlan,
        events: impl IntoIterator<Item = (E, ExamMs)>,
    ) -> Result<Attempt, ReplayError> {
        let mut attempt = Attempt::start(plan);
        let mut last_ms = ExamMs::MIN;
        for (place, (event, now)) in events.into_iter().enumerate() {
            attempt
                .commit(event.borrow(), now)
                .map_err(|cause| ReplayError { place, cause })?;
            last_ms = now;
        }
        if attempt.started {
            attempt.due_warnings(last_ms);
        }
        Ok(attempt)
    }

    /// What this input means now. Nothing changes.
    ///
    /// # Errors
    /// [`AttemptError`] where it is refused.
    pub fn propose(&self, input: Input, now: ExamMs) -> Result<Vec<Effect>, AttemptError> {
        rules::propose(self, input, now)
    }

    /// Takes over an event that is durable, with the exam time of its header. Events that are none of the attempt's
    /// business change nothing.
    ///
    /// # Errors
    /// [`AttemptError`] where the machine would not have proposed it; nothing changes.
    pub fn commit(&mut self, event: &Event, now: ExamMs) -> Result<(), AttemptError> {
        rules::check(self, event, now)?;
        rules::apply(self, event, now);
        Ok(())
    }

    /// To be called about once a second: warnings, and the automatic hand-in as a proposal.
    pub fn tick(&mut self, now: ExamMs) -> Vec<Effect> {
        if !self.started || self.handed_in.is_some() {
            return Vec::new();
        }
        let over =
            now >= self.limit_ms() && self.undecided().is_none() && self.stalled_since.is_none();
        if over {
            return rules::hand_in(self, HandInKind::TimeUp, None, now);
        }
        self.due_warnings(now)
            .map(Effect::WarnMinutes)
            .into_iter()
            .collect()
    }

    /// Storage refused a write: the seat is suspended until [`Input::StorageBack`] has been recorded.
    pub fn storage_failed(&mut self, now: ExamMs) {
        if self.handed_in.is_none() {
            self.stalled_since.get_or_insert(now);
        }
    }

    pub fn plan(&self) -> &AttemptPlan {
        &self.plan
    }

    pub fn state(&self) -> AttemptState {
        if let Some((kind, at_ms)) = self.handed_in {
            return AttemptState::HandedIn { kind, at_ms };
        }
        match self.suspended() {
            Some(cause) => AttemptState::Suspended { cause },
            None => AttemptState::Answering,
        }
    }

    /// The end with credits and postponements.
    pub fn ends_ms(&self) -> ExamMs {
        self.ends_ms
    }

    /// Until when answers are accepted: the end plus the undecided provisional credits.
    pub fn limit_ms(&self) -> ExamMs {
        self.ends_ms + self.provisional_ms()
    }

    /// The sum of the undecided provisional credits.
    pub fn provisional_ms(&self) -> i64 {
        self.outages
            .iter()
            .filter(|outage| outage.decided_ms.is_none())
            .map(|outage| outage.proposed_ms)
            .sum()
    }

    /// What the candidate's clock shows: until the end, without provisional credits, never negative.
    pub fn remaining_ms(&self, now: ExamMs) -> i64 {
        self.ends_ms.saturating_sub(now).max(0)
    }

    pub fn earliest_leave_ms(&self) -> ExamMs {
        self.earliest_leave_ms
    }

    /// The question on the screen.
    pub fn current(&self) -> u32 {
        self.shown.unwrap_or(0)
    }

    pub fn answer(&self, position: u32) -> Answer {
        self.answers.get(&position).copied().unwrap_or_default()
    }

    /// Every answer or flag ever saved, by position; an empty set is an answer taken back.
    pub fn answers(&self) -> &BTreeMap<u32, Answer> {
        &self.answers
    }

    /// The option sets alone, for grading.
    pub fn chosen(&self) -> BTreeMap<u32, OptionSet> {
        self.answers
            .iter()
            .map(|(position, answer)| (*position, answer.chosen))
            .collect()
    }

    pub fn outages(&self) -> &[Outage] {
        &self.outages
    }

    /// The first outage that waits for the proctor.
    pub fn undecided(&self) -> Option<&Outage> {
        self.outages
            .iter()
            .find(|outage| outage.decided_ms.is_none())
    }

    pub fn counts(&self) -> Counts {
        let questions = self.plan.questions.len() as u32;
        let answered = self
            .answers
            .values()
            .filter(|answer| !answer.chosen.is_empty())
            .count() as u32;
        let flagged = self
            .answers
            .values()
            .filter(|answer| answer.flagged)
            .count() as u32;
        Counts {
            questions,
            answered,
            unanswered: questions - answered,
            flagged,
        }
    }

    fn suspended(&self) -> Option<OutageCause> {
        let doubt =
            |outage: &&Outage| outage.cause == OutageCause::Clock && outage.decided_ms.is_none();
        let stalled = self.stalled_since.map(|_| OutageCause::Storage);
        stalled.or_else(|| self.outages.iter().find(doubt).map(|outage| outage.cause))
    }

    /// Marks every warning that is due and tells the most urgent one that was not given yet.
    fn due_warnings(&mut self, now: ExamMs) -> Option<u32> {
        let remaining_ms = self.remaining_ms(now);
        let mut due = None;
        for (warned, minutes) in self.warned.iter_mut().zip(WARNINGS_MIN) {
            if remaining_ms <= i64::from(minutes) * 60_000 && !*warned {
                *warned = true;
                due = Some(minutes);
            }
        }
        due
    }
}
