//! When random snapshots (抓拍) are due. The moments come from a seed that nobody at the site can foresee; when it
//! is revealed, the verifier computes them again.
//!
//! The stream is [`Choice`] over `["snapshot/1", sitting_no, attempt_id]`. The first moment follows the attempt's
//! start, each other one its predecessor, by `least_gap + below(2 × (mean − least_gap) + 1)` milliseconds, so that
//! the mean distance is `mean` (exactly `least_gap` where the mean is not larger). The stream goes on: time that
//! is credited later takes its moments from the same stream, and no earlier moment moves.
//!
//! A moment that falls into an outage `[from, to)` is due at the outage's end; several in one outage are one. Nothing
//! is due from the hand-in on.

use crate::choice::Choice;
use crate::plan::{ExamMs, SnapshotPolicy};

/// One attempt has no more moments than this, a day of one each second: an end that a broken device claims must not
/// keep a verifier busy.
pub const MOST_MOMENTS: usize = 86_400;

/// One attempt's moments, one after another, up to [`MOST_MOMENTS`]. Empty where the policy wants none.
pub struct Schedule {
    choice: Choice,
    last_ms: ExamMs,
    least_ms: u32,
    spread_ms: u32,
    left: usize,
}

/// Where one attempt's moments come from.
#[derive(Clone, Copy)]
pub struct ScheduleOf<'a> {
    pub seed: &'a [u8; 32],
    pub sitting_no: &'a str,
    pub attempt_id: &'a [u8; 16],
    pub started_ms: ExamMs,
    pub policy: SnapshotPolicy,
}

/// One snapshot that must exist, as a picture or as a recorded failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The moment in the schedule.
    pub planned_ms: ExamMs,
    /// When it is due: the same, or the end of the outage that it fell into. This is `due_ms` of the event.
    pub due_ms: ExamMs,
}

impl Schedule {
    pub fn new(of: &ScheduleOf<'_>) -> Schedule {
        let least_ms = of.policy.least_gap_s.saturating_mul(1000).max(1000);
        let mean_ms = of.policy.mean_interval_s.saturating_mul(1000);
        Schedule {
            choice: Choice::new(
                of.seed,
                &[b"snapshot/1", of.sitting_no.as_bytes(), of.attempt_id],
            ),
            last_ms: of.started_ms,
            least_ms,
            spread_ms: mean_ms.saturating_sub(least_ms).saturating_mul(2),
            left: if of.policy.mean_interval_s == 0 {
                0
            } else {
                MOST_MOMENTS
            },
        }
    }
}

impl Iterator for Schedule {
    type Item = ExamMs;

    fn next(&mut self) -> Option<ExamMs> {
        self.left = self.left.checked_sub(1)?;
        let gap_ms = i64::from(self.least_ms)
            + i64::from(self.choice.below(self.spread_ms.saturating_add(1)));
        self.last_ms = self.last_ms.checked_add(gap_ms)?;
        Some(self.last_ms)
    }
}

/// The moments before `ends_ms` in order.
pub fn schedule(
    seed: &[u8; 32],
    sitting_no: &str,
    attempt_id: &[u8; 16],
    started_ms: ExamMs,
    ends_ms: ExamMs,
    policy: SnapshotPolicy,
) -> Vec<ExamMs> {
    let of = ScheduleOf {
        seed,
        sitting_no,
        attempt_id,
        started_ms,
        policy,
    };
    Schedule::new(&of)
        .take_while(|moment| *moment < ends_ms)
        .collect()
}

/// The snapshots due before `until_ms` (now, or the hand-in) with the outages `[from, to)` of the attempt so far. The
/// terminal asks it what to take, the verifier what must have been taken.
pub fn due(of: &ScheduleOf<'_>, until_ms: ExamMs, outages: &[(ExamMs, ExamMs)]) -> Vec<Due> {
    let mut all: Vec<Due> = Vec::new();
    for planned_ms in Schedule::new(of).take_while(|moment| *moment < until_ms) {
        let mut due_ms = planned_ms;
        // An outage can end where the next begins; each pass leaves one behind, so this ends.
        while let Some((_, to_ms)) = outages
            .iter()
            .find(|(from_ms, to_ms)| (*from_ms..*to_ms).contains(&due_ms))
        {
            due_ms = *to_ms;
        }
        if due_ms < until_ms && all.last().is_none_or(|last| last.due_ms < due_ms) {
            all.push(Due { planned_ms, due_ms });
        }
    }
    all
}
