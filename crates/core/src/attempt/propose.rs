//! From an input to the events that it means.

use super::record::{check, outages_from, running};
use super::staff;
use super::{Answer, Attempt, AttemptError, Effect, Input};
use crate::event::{Event, HandInKind, OutageCause};
use crate::plan::ExamMs;

pub(super) fn propose(
    attempt: &Attempt,
    input: Input,
    now: ExamMs,
) -> Result<Vec<Effect>, AttemptError> {
    let reopens = matches!(input, Input::Reopen { .. });
    if !reopens {
        running(attempt)?;
    }
    let by_candidate = matches!(
        input,
        Input::Choose { .. } | Input::Flag { .. } | Input::Show { .. } | Input::HandIn
    );
    if by_candidate && let Some(cause) = attempt.suspended() {
        return Err(AttemptError::Suspended { cause });
    }
    let effects = effects_of(attempt, input, now)?;
    for effect in &effects {
        if let Effect::Record(event) = effect {
            check(attempt, event, now)?;
        }
    }
    Ok(effects)
}

fn effects_of(attempt: &Attempt, input: Input, now: ExamMs) -> Result<Vec<Effect>, AttemptError> {
    Ok(match input {
        Input::Choose { position, chosen } => {
            let answer = Answer {
                chosen,
                ..attempt.answer(position)
            };
            save(attempt, position, answer, now)?
        }
        Input::Flag { position, on } => {
            let answer = Answer {
                flagged: on,
                ..attempt.answer(position)
            };
            save(attempt, position, answer, now)?
        }
        Input::Show { position } => show(attempt, position),
        Input::HandIn => hand_in(attempt, HandInKind::Own, None, now),
        Input::ForceHandIn { staff_id, reason } => {
            hand_in(attempt, HandInKind::Forced, Some((staff_id, reason)), now)
        }
        Input::SittingEnded { staff_id, reason } => {
            sitting_ended(attempt, (staff_id, reason), now)?
        }
        Input::OutageFound {
            cause,
            from_ms,
            to_ms,
        } => outage(attempt, cause, from_ms, to_ms),
        Input::StorageBack => storage_back(attempt, now),
        input @ (Input::StaffSuspend { .. }
        | Input::StaffResume { .. }
        | Input::Remove { .. }
        | Input::Reopen { .. }) => staff::propose(attempt, input, now)?,
        input => time(attempt, input),
    })
}

/// What moves the end.
fn time(attempt: &Attempt, input: Input) -> Vec<Effect> {
    match input {
        Input::OutageDecided {
            outage_no,
            credit_ms,
            cause,
            staff_id,
            reason,
        } => {
            let decided = Event::OutageDecided {
                outage_no,
                credit_ms,
                cause,
                staff_id,
                reason,
            };
            moved(decided, credit_ms)
        }
        Input::Credit {
            credit_ms,
            by,
            reason,
            order,
        } => moved(
            Event::TimeCredited {
                credit_ms,
                by,
                reason,
                order,
            },
            credit_ms,
        ),
        Input::Postpone { by_ms, order } => {
            let sitting_no = attempt.plan.sitting_no.clone();
            moved(
                Event::Postponed {
                    sitting_no,
                    by_ms,
                    order,
                },
                by_ms,
            )
        }
        _ => Vec::new(),
    }
}

fn show(attempt: &Attempt, position: u32) -> Vec<Effect> {
    let mut effects = vec![Effect::Show { position }];
    if attempt.shown != Some(position) {
        effects.insert(0, Effect::Record(Event::QuestionShown { position }));
    }
    effects
}

fn sitting_ended(
    attempt: &Attempt,
    by: (String, String),
    now: ExamMs,
) -> Result<Vec<Effect>, AttemptError> {
    if let Some(outage) = attempt.undecided() {
        return Err(AttemptError::OutageUndecided {
            outage_no: outage.outage_no,
        });
    }
    if attempt.paused_since.is_some() {
        let cause = OutageCause::Staff;
        return Err(AttemptError::Suspended { cause });
    }
    Ok(hand_in(attempt, HandInKind::Forced, Some(by), now))
}

fn save(
    attempt: &Attempt,
    position: u32,
    answer: Answer,
    now: ExamMs,
) -> Result<Vec<Effect>, AttemptError> {
    let Answer {
        chosen, flagged, ..
    } = answer;
    let event = Event::AnswerSaved {
        position,
        chosen,
        flagged,
    };
    // A repeated click is refused where the first would be, and otherwise is durable already.
    check(attempt, &event, now)?;
    let before = attempt.answer(position);
    let unchanged = before.chosen == chosen && before.flagged == flagged;
    Ok(if unchanged {
        Vec::new()
    } else {
        vec![Effect::Record(event)]
    })
}

fn moved(event: Event, by_ms: i64) -> Vec<Effect> {
    let mut effects = vec![Effect::Record(event)];
    if by_ms != 0 {
        effects.push(Effect::EndsMoved { by_ms });
    }
    effects
}

pub(super) fn hand_in(
    attempt: &Attempt,
    kind: HandInKind,
    by: Option<(String, String)>,
    now: ExamMs,
) -> Vec<Effect> {
    let counts = attempt.counts();
    let (staff_id, reason) = by.unzip();
    let event = Event::HandedIn {
        kind,
        answered: counts.answered,
        unanswered: counts.unanswered,
        at_ms: now,
        staff_id,
        reason,
    };
    vec![Effect::Record(event), Effect::HandedIn { kind }]
}

/// An outage counts from where the last one ended, so that no moment is credited twice. One of which nothing remains
/// leaves no record, unless the clock is in doubt and the seat must wait.
///
/// While staff have the seat stand still, that suspension counts whatever else happens in it; only what must be recorded
/// is, and then from the suspension on.
fn outage(attempt: &Attempt, cause: OutageCause, from_ms: ExamMs, to_ms: ExamMs) -> Vec<Effect> {
    if attempt.paused_since.is_some() && cause != OutageCause::Clock {
        return Vec::new();
    }
    let from_ms = standing_from(attempt, from_ms);
    let to_ms = if cause == OutageCause::Clock {
        to_ms.max(from_ms)
    } else {
        to_ms
    };
    let nothing_lost = to_ms <= from_ms || from_ms >= attempt.limit_ms();
    if nothing_lost && cause != OutageCause::Clock {
        return Vec::new();
    }
    vec![Effect::Record(outage_event(attempt, cause, from_ms, to_ms))]
}

/// A failure of storage ends with a record even where no time was lost, because the record is what ends it.
fn storage_back(attempt: &Attempt, now: ExamMs) -> Vec<Effect> {
    let Some(stalled_ms) = attempt.stalled_since else {
        return Vec::new();
    };
    let from_ms = standing_from(attempt, stalled_ms);
    let event = outage_event(attempt, OutageCause::Storage, from_ms, now.max(from_ms));
    vec![Effect::Record(event)]
}

fn standing_from(attempt: &Attempt, from_ms: ExamMs) -> ExamMs {
    let paused_ms = attempt.paused_since.unwrap_or(from_ms);
    from_ms.min(paused_ms).max(outages_from(attempt))
}

pub(super) fn outage_event(
    attempt: &Attempt,
    cause: OutageCause,
    from_ms: ExamMs,
    to_ms: ExamMs,
) -> Event {
    let outage_no = attempt.outages.len() as u32 + 1;
    let proposed_ms = (to_ms - from_ms).min(attempt.plan.outage_credit_cap_ms);
    Event::OutageRecorded {
        outage_no,
        cause,
        from_ms,
        to_ms,
        proposed_ms,
    }
}
