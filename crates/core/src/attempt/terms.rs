//! The words of an attempt: its plan, what can happen to it, what follows, and why something is refused.

use crate::draw::Paper;
use crate::event::{Event, HandInKind, Hash32, OutageCause};
use crate::item::{ItemIndexEntry, OptionSet};
use crate::plan::{ClassGroup, ExamMs, ItemType, Sitting};
use crate::roster::Accommodation;
use crate::start::TerminalStart;
use serde::{Deserialize, Serialize};

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
        reason: String,
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
        /// What it was by the proctor's word, where that was asked.
        cause: Option<OutageCause>,
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
    /// Staff make the seat stand still; no answer is accepted until [`Input::StaffResume`].
    StaffSuspend {
        staff_id: String,
        reason: String,
    },
    StaffResume {
        staff_id: String,
    },
    /// 责令离场, by two persons.
    Remove {
        staff_id: String,
        second: String,
        reason: String,
    },
    /// A mistaken hand-in is opened again by two persons, with the same end. `score_shown`: somebody may have seen one.
    Reopen {
        staff_id: String,
        second: String,
        reason: String,
        order: Option<Hash32>,
        score_shown: bool,
    },
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
    /// The attempt goes on after a mistaken hand-in.
    Reopened {},
}

/// Where the attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    Answering,
    /// Storage refuses writes, the clock is in doubt until the proctor decides, or staff made the seat stand still.
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
    #[error("staff have not suspended the seat")]
    NotSuspended,
    #[error("the attempt is not handed in")]
    NotHandedIn,
    #[error("the candidate was told to leave; only the center decides what follows")]
    Removed,
    #[error("a score may have been seen")]
    ScoreShown,
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
            AttemptError::NotSuspended => "attempt.not_suspended",
            AttemptError::NotHandedIn => "attempt.not_handed_in",
            AttemptError::Removed => "attempt.removed",
            AttemptError::ScoreShown => "attempt.score_shown",
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
