//! Starting a terminal in direct mode, where no hub starts the whole room: when the proctor may, and what a late
//! start does to the end.

use crate::plan::{ClassGroup, ExamMs, Sitting};
use crate::roster::Accommodation;
use serde::{Deserialize, Serialize};

const MINUTE_MS: i64 = 60_000;

/// A terminal's start of a sitting. It is recorded as `exam.sitting_started`; a difference between the two moments is
/// a deviation that the center lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalStart {
    /// The sitting's start with postponements.
    pub planned_ms: ExamMs,
    pub started_ms: ExamMs,
}

/// Why the terminal may not be started now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartRefusal {
    #[error("the sitting starts at {planned_ms}")]
    TooEarly { planned_ms: ExamMs },
    #[error("the last moment for a start was {limit_ms}")]
    TooLate { limit_ms: ExamMs },
}

impl StartRefusal {
    pub fn code(&self) -> &'static str {
        match self {
            StartRefusal::TooEarly { .. } => "start.too_early",
            StartRefusal::TooLate { .. } => "start.too_late",
        }
    }
}

/// May the proctor start this terminal now? `postponed_ms` is the sum of the sitting's postponements.
///
/// # Errors
/// [`StartRefusal`] outside `planned ..= planned + start_delay_limit`.
pub fn start_terminal(
    sitting: &Sitting,
    postponed_ms: i64,
    now: ExamMs,
) -> Result<TerminalStart, StartRefusal> {
    let planned_ms = sitting.start_ms + postponed_ms;
    let limit_ms = planned_ms + i64::from(sitting.entry.start_delay_limit_min) * MINUTE_MS;
    if now < planned_ms {
        return Err(StartRefusal::TooEarly { planned_ms });
    }
    if now > limit_ms {
        return Err(StartRefusal::TooLate { limit_ms });
    }
    Ok(TerminalStart {
        planned_ms,
        started_ms: now,
    })
}

impl TerminalStart {
    /// How far the start, and with it the end, was moved. More than 0 is a deviation.
    pub fn moved_ms(&self) -> i64 {
        self.started_ms.saturating_sub(self.planned_ms)
    }

    /// When a candidate of this class group ends: the group's minutes and the candidate's extra ones after the
    /// terminal's start. A candidate who sits down later keeps it.
    pub fn ends_ms(&self, class_group: &ClassGroup, accommodation: &Accommodation) -> ExamMs {
        self.started_ms
            .saturating_add(i64::from(class_group.minutes_for(accommodation)) * MINUTE_MS)
    }

    /// Nobody hands in of their own accord before this.
    pub fn earliest_leave_ms(&self, sitting: &Sitting) -> ExamMs {
        self.started_ms
            .saturating_add(i64::from(sitting.entry.earliest_leave_min) * MINUTE_MS)
    }
}
