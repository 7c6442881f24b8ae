//! What an attempt permits. `propose` turns inputs into events, `check` judges an event against the attempt, and
//! `apply` takes it over; live use and replay share the last two, so that neither can be laxer.

use super::{Answer, Attempt, AttemptError, Effect, Input, Outage};
use crate::event::{Event, HandInKind, OutageCause};
use crate::grading::within;
use crate::item::OptionSet;
use crate::plan::{ExamMs, ItemType};

/// No credit or postponement, whoever orders it, is longer.
const MOST_MOVE_MS: i64 = 24 * 60 * 60_000;

pub(super) fn propose(
    attempt: &Attempt,
    input: Input,
    now: ExamMs,
) -> Result<Vec<Effect>, AttemptError> {
    running(attempt)?;
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
        Input::Choose { position, chosen } => save(
            attempt,
            position,
            Answer {
                chosen,
                ..attempt.answer(position)
            },
            now,
        )?,
        Input::Flag { position, on } => save(
            attempt,
            position,
            Answer {
                flagged: on,
                ..attempt.answer(position)
            },
            now,
        )?,
        Input::Show { position } if attempt.shown == Some(position) => {
            vec![Effect::Show { position }]
        }
        Input::Show { position } => {
            vec![
                Effect::Record(Event::QuestionShown { position }),
                Effect::Show { position },
            ]
        }
        Input::HandIn => hand_in(attempt, HandInKind::Own, None, now),
        Input::ForceHandIn { staff_id, reason } => {
            hand_in(attempt, HandInKind::Forced, Some((staff_id, reason)), now)
        }
        Input::SittingEnded { staff_id } => {
            if let Some(outage) = attempt.undecided() {
                return Err(AttemptError::OutageUndecided {
                    outage_no: outage.outage_no,
                });
            }
            hand_in(
                attempt,
                HandInKind::Forced,
                Some((staff_id, "sitting_ended".to_owned())),
                now,
            )
        }
        Input::OutageFound {
            cause,
            from_ms,
            to_ms,
        } => outage(attempt, cause, from_ms, to_ms),
        Input::OutageDecided {
            outage_no,
            credit_ms,
            staff_id,
            reason,
        } => {
            let decided = Event::OutageDecided {
                outage_no,
                credit_ms,
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
        Input::StorageBack => match attempt.stalled_since {
            Some(from_ms) => storage_outage(attempt, from_ms, now),
            None => Vec::new(),
        },
    })
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
fn outage(attempt: &Attempt, cause: OutageCause, from_ms: ExamMs, to_ms: ExamMs) -> Vec<Effect> {
    let from_ms = from_ms.max(outages_from(attempt));
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
fn storage_outage(attempt: &Attempt, from_ms: ExamMs, now: ExamMs) -> Vec<Effect> {
    let from_ms = from_ms.max(outages_from(attempt));
    vec![Effect::Record(outage_event(
        attempt,
        OutageCause::Storage,
        from_ms,
        now.max(from_ms),
    ))]
}

fn outage_event(attempt: &Attempt, cause: OutageCause, from_ms: ExamMs, to_ms: ExamMs) -> Event {
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

fn outages_from(attempt: &Attempt) -> ExamMs {
    attempt
        .outages
        .iter()
        .map(|outage| outage.to_ms)
        .fold(attempt.plan.started_ms, ExamMs::max)
}

fn running(attempt: &Attempt) -> Result<(), AttemptError> {
    if !attempt.started {
        return Err(AttemptError::NotStarted);
    }
    if attempt.handed_in.is_some() {
        Err(AttemptError::AlreadyHandedIn)
    } else {
        Ok(())
    }
}

/// Whether this event may be recorded at this moment. Suspension by storage is not judged here: it is no part of
/// the record.
pub(super) fn check(attempt: &Attempt, event: &Event, now: ExamMs) -> Result<(), AttemptError> {
    match event {
        Event::AttemptStarted {
            sitting_no,
            class_no,
            started_ms,
            ends_ms,
            ..
        } => {
            let plan = &attempt.plan;
            let same = *sitting_no == plan.sitting_no && *class_no == plan.class_no;
            let same_time = *started_ms == plan.started_ms && *ends_ms == plan.ends_ms;
            if same && same_time && !attempt.started {
                Ok(())
            } else {
                Err(AttemptError::PlanMismatch)
            }
        }
        Event::QuestionShown { position } => {
            answering(attempt, now)?;
            question(attempt, *position).map(|_| ())
        }
        Event::AnswerSaved {
            position, chosen, ..
        } => {
            answering(attempt, now)?;
            check_choice(attempt, *position, *chosen)
        }
        Event::OutageRecorded {
            outage_no,
            cause,
            from_ms,
            to_ms,
            proposed_ms,
        } => {
            running(attempt)?;
            let length_ms = to_ms
                .checked_sub(*from_ms)
                .ok_or(AttemptError::OutageMalformed)?;
            let right = *outage_no as usize == attempt.outages.len() + 1
                && *from_ms >= outages_from(attempt)
                && length_ms >= 0
                && (length_ms > 0 || matches!(cause, OutageCause::Clock | OutageCause::Storage))
                && *proposed_ms == length_ms.min(attempt.plan.outage_credit_cap_ms);
            if right {
                Ok(())
            } else {
                Err(AttemptError::OutageMalformed)
            }
        }
        Event::OutageDecided {
            outage_no,
            credit_ms,
            staff_id,
            reason,
        } => {
            running(attempt)?;
            named(staff_id, reason)?;
            let undecided =
                |outage: &&Outage| outage.outage_no == *outage_no && outage.decided_ms.is_none();
            let outage = attempt.outages.iter().find(undecided);
            let outage = outage.ok_or(AttemptError::NoSuchOutage {
                outage_no: *outage_no,
            })?;
            within_credit(*credit_ms, 0, most_credit(attempt, outage))
        }
        Event::TimeCredited {
            credit_ms,
            by,
            reason,
            order,
        } => {
            running(attempt)?;
            named(by, reason)?;
            let most_ms = if order.is_some() {
                MOST_MOVE_MS
            } else {
                attempt.plan.outage_credit_cap_ms
            };
            within_credit(*credit_ms, 1, most_ms)
        }
        Event::Postponed {
            sitting_no, by_ms, ..
        } if *sitting_no == attempt.plan.sitting_no => {
            running(attempt)?;
            within_credit(*by_ms, 1, MOST_MOVE_MS)
        }
        Event::HandedIn { .. } => check_hand_in(attempt, event, now),
        _ => Ok(()),
    }
}

/// A clock in doubt has not measured its outage, and the seat stood still until the decision: there the plan's cap
/// is the limit, everywhere else the measured length.
fn most_credit(attempt: &Attempt, outage: &Outage) -> i64 {
    if outage.cause == OutageCause::Clock {
        attempt.plan.outage_credit_cap_ms
    } else {
        outage.proposed_ms
    }
}

fn within_credit(credit_ms: i64, least_ms: i64, most_ms: i64) -> Result<(), AttemptError> {
    let right = (least_ms..=most_ms).contains(&credit_ms);
    if right {
        Ok(())
    } else {
        Err(AttemptError::CreditOutOfRange { most_ms })
    }
}

fn named(who: &str, reason: &str) -> Result<(), AttemptError> {
    let missing = who.trim().is_empty() || reason.trim().is_empty();
    if missing {
        Err(AttemptError::ReasonMissing)
    } else {
        Ok(())
    }
}

fn answering(attempt: &Attempt, now: ExamMs) -> Result<(), AttemptError> {
    running(attempt)?;
    clock_trusted(attempt)?;
    let limit_ms = attempt.limit_ms();
    if now < limit_ms {
        Ok(())
    } else {
        Err(AttemptError::TimeUp { limit_ms })
    }
}

fn clock_trusted(attempt: &Attempt) -> Result<(), AttemptError> {
    let cause = OutageCause::Clock;
    let doubtful = attempt
        .outages
        .iter()
        .any(|outage| outage.cause == cause && outage.decided_ms.is_none());
    if doubtful {
        Err(AttemptError::Suspended { cause })
    } else {
        Ok(())
    }
}

fn question(attempt: &Attempt, position: u32) -> Result<super::Question, AttemptError> {
    attempt
        .plan
        .questions
        .get(position as usize)
        .copied()
        .ok_or(AttemptError::NoSuchPosition { position })
}

fn check_choice(attempt: &Attempt, position: u32, chosen: OptionSet) -> Result<(), AttemptError> {
    let question = question(attempt, position)?;
    if !within(chosen, question.options) {
        return Err(AttemptError::NoSuchOption { position });
    }
    if question.item_type != ItemType::MultipleChoice && chosen.len() > 1 {
        return Err(AttemptError::OneOptionOnly { position });
    }
    Ok(())
}

fn check_hand_in(attempt: &Attempt, event: &Event, now: ExamMs) -> Result<(), AttemptError> {
    let Event::HandedIn {
        kind,
        answered,
        unanswered,
        at_ms,
        staff_id,
        reason,
    } = event
    else {
        return Ok(());
    };
    running(attempt)?;
    let counts = attempt.counts();
    if counts.answered != *answered || counts.unanswered != *unanswered || *at_ms != now {
        return Err(AttemptError::HandInMalformed);
    }
    match kind {
        HandInKind::Own => {
            clock_trusted(attempt)?;
            let until_ms = attempt.earliest_leave_ms;
            if now < until_ms {
                Err(AttemptError::TooEarly { until_ms })
            } else {
                Ok(())
            }
        }
        HandInKind::TimeUp => match attempt.undecided() {
            Some(outage) => Err(AttemptError::OutageUndecided {
                outage_no: outage.outage_no,
            }),
            None if now < attempt.ends_ms => Err(AttemptError::NotOver),
            None => Ok(()),
        },
        HandInKind::Forced => named(
            staff_id.as_deref().unwrap_or(""),
            reason.as_deref().unwrap_or(""),
        ),
    }
}

/// Takes over a checked event.
pub(super) fn apply(attempt: &mut Attempt, event: &Event, now: ExamMs) {
    match event {
        Event::AttemptStarted { .. } => attempt.started = true,
        Event::QuestionShown { position } => attempt.shown = Some(*position),
        Event::AnswerSaved {
            position,
            chosen,
            flagged,
        } => {
            attempt.answers.insert(
                *position,
                Answer {
                    chosen: *chosen,
                    flagged: *flagged,
                    saved_ms: now,
                },
            );
        }
        Event::OutageRecorded {
            outage_no,
            cause,
            from_ms,
            to_ms,
            proposed_ms,
        } => {
            if *cause == OutageCause::Storage {
                attempt.stalled_since = None;
            }
            attempt.outages.push(Outage {
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
            attempt.ends_ms += credit_ms;
            if let Some(outage) = attempt
                .outages
                .iter_mut()
                .find(|outage| outage.outage_no == *outage_no)
            {
                outage.decided_ms = Some(*credit_ms);
            }
        }
        Event::TimeCredited { credit_ms, .. } => attempt.ends_ms += credit_ms,
        Event::Postponed {
            sitting_no, by_ms, ..
        } if *sitting_no == attempt.plan.sitting_no => {
            attempt.ends_ms += by_ms;
            attempt.earliest_leave_ms += by_ms;
        }
        Event::HandedIn { kind, at_ms, .. } => {
            attempt.handed_in = Some((*kind, *at_ms));
            attempt.stalled_since = None;
        }
        _ => {}
    }
}
