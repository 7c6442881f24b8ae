//! What only staff do to an attempt: suspend and resume, tell to leave, open a mistaken hand-in again.

use super::propose::outage_event;
use super::record::{counted, named, outages_from, running};
use super::{Attempt, AttemptError, Effect, Input};
use crate::event::{Event, HandInKind, OutageCause};
use crate::plan::ExamMs;

/// What only staff do to an attempt.
pub(super) fn propose(
    attempt: &Attempt,
    input: Input,
    now: ExamMs,
) -> Result<Vec<Effect>, AttemptError> {
    let counts = attempt.counts();
    Ok(match input {
        Input::StaffSuspend { staff_id, reason } => {
            vec![Effect::Record(Event::SuspendedByStaff { staff_id, reason })]
        }
        Input::StaffResume { staff_id } => resume(attempt, staff_id, now),
        Input::Remove {
            staff_id,
            second,
            reason,
        } => {
            let event = Event::Removed {
                staff_id,
                second,
                reason,
                answered: counts.answered,
                unanswered: counts.unanswered,
                at_ms: now,
            };
            let kind = HandInKind::Forced;
            vec![Effect::Record(event), Effect::HandedIn { kind }]
        }
        Input::Reopen {
            score_shown: true, ..
        } => return Err(AttemptError::ScoreShown),
        Input::Reopen {
            staff_id,
            second,
            reason,
            order,
            ..
        } => {
            let event = Event::Reopened {
                staff_id,
                second,
                reason,
                order,
            };
            vec![Effect::Record(event), Effect::Reopened {}]
        }
        _ => Vec::new(),
    })
}

/// The outage first: should the second record be lost, the seat still stands still, and the next resume goes on from
/// where the recorded outage ended.
fn resume(attempt: &Attempt, staff_id: String, now: ExamMs) -> Vec<Effect> {
    let resumed = Effect::Record(Event::ResumedByStaff { staff_id });
    let since_ms = attempt.paused_since.unwrap_or(now);
    let from_ms = since_ms.max(outages_from(attempt));
    if from_ms >= now || from_ms >= attempt.limit_ms() {
        return vec![resumed];
    }
    let outage = outage_event(attempt, OutageCause::Staff, from_ms, now);
    vec![Effect::Record(outage), resumed]
}

/// What only staff record.
pub(super) fn check(attempt: &Attempt, event: &Event, now: ExamMs) -> Result<(), AttemptError> {
    match event {
        Event::SuspendedByStaff { staff_id, reason } => {
            running(attempt)?;
            not_paused(attempt)?;
            named(staff_id, reason)
        }
        Event::ResumedByStaff { staff_id } => {
            running(attempt)?;
            named(staff_id, staff_id)?;
            not_paused(attempt).map_or(Ok(()), |()| Err(AttemptError::NotSuspended))
        }
        Event::Removed {
            staff_id,
            second,
            reason,
            answered,
            unanswered,
            at_ms,
        } => {
            running(attempt)?;
            named(staff_id, reason)?;
            named(second, reason)?;
            counted(attempt, *answered, *unanswered, *at_ms == now)
        }
        Event::Reopened {
            staff_id,
            second,
            reason,
            ..
        } => {
            named(staff_id, reason)?;
            named(second, reason)?;
            check_reopen(attempt, now)
        }
        _ => Ok(()),
    }
}

/// The end stays where it was, so there must be something left of the time.
fn check_reopen(attempt: &Attempt, now: ExamMs) -> Result<(), AttemptError> {
    if attempt.removed {
        return Err(AttemptError::Removed);
    }
    if attempt.handed_in.is_none() {
        return Err(AttemptError::NotHandedIn);
    }
    let limit_ms = attempt.limit_ms();
    if now < limit_ms {
        Ok(())
    } else {
        Err(AttemptError::TimeUp { limit_ms })
    }
}

pub(super) fn not_paused(attempt: &Attempt) -> Result<(), AttemptError> {
    let cause = OutageCause::Staff;
    match attempt.paused_since {
        Some(_) => Err(AttemptError::Suspended { cause }),
        None => Ok(()),
    }
}
