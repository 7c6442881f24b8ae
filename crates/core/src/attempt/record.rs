//! What may stand in an attempt's record. `check` judges an event against the attempt so far and `apply` takes it
//! over; live use and replay share both, so that neither can be laxer.

use super::staff::{self, not_paused};
use super::{Answer, Attempt, AttemptError, Outage, Question};
use crate::event::{Event, HandInKind, OutageCause};
use crate::grading::within;
use crate::item::OptionSet;
use crate::plan::{ExamMs, ItemType};

/// No credit or postponement, whoever orders it, is longer.
const MOST_MOVE_MS: i64 = 24 * 60 * 60_000;

/// Whether this event may be recorded at this moment. Suspension by storage is not judged here: it is no part of
/// the record.
pub(super) fn check(attempt: &Attempt, event: &Event, now: ExamMs) -> Result<(), AttemptError> {
    match event {
        Event::AttemptStarted { .. } => check_start(attempt, event),
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
        Event::HandedIn { .. } => check_hand_in(attempt, event, now),
        Event::OutageRecorded { .. } => check_outage(attempt, event),
        Event::OutageDecided {
            outage_no,
            credit_ms,
            staff_id,
            reason,
            ..
        } => {
            named(staff_id, reason)?;
            check_decision(attempt, *outage_no, *credit_ms)
        }
        Event::TimeCredited {
            credit_ms,
            by,
            reason,
            order,
        } => {
            running(attempt)?;
            named(by, reason)?;
            let cap_ms = attempt.plan.outage_credit_cap_ms;
            within_credit(
                *credit_ms,
                1,
                if order.is_some() {
                    MOST_MOVE_MS
                } else {
                    cap_ms
                },
            )
        }
        Event::Postponed {
            sitting_no, by_ms, ..
        } if concerns(attempt, sitting_no) => within_credit(*by_ms, 1, MOST_MOVE_MS),
        _ => staff::check(attempt, event, now),
    }
}

pub(super) fn counted(
    attempt: &Attempt,
    answered: u32,
    unanswered: u32,
    at_now: bool,
) -> Result<(), AttemptError> {
    let counts = attempt.counts();
    let right = counts.answered == answered && counts.unanswered == unanswered && at_now;
    if right {
        Ok(())
    } else {
        Err(AttemptError::HandInMalformed)
    }
}

fn check_start(attempt: &Attempt, event: &Event) -> Result<(), AttemptError> {
    let Event::AttemptStarted {
        sitting_no,
        class_no,
        started_ms,
        ends_ms,
        ..
    } = event
    else {
        return Ok(());
    };
    let plan = &attempt.plan;
    let same = *sitting_no == plan.sitting_no && *class_no == plan.class_no;
    let same_time = *started_ms == plan.started_ms && *ends_ms == plan.ends_ms;
    if same && same_time && !attempt.started {
        Ok(())
    } else {
        Err(AttemptError::PlanMismatch)
    }
}

fn check_outage(attempt: &Attempt, event: &Event) -> Result<(), AttemptError> {
    let Event::OutageRecorded {
        outage_no,
        cause,
        from_ms,
        to_ms,
        proposed_ms,
    } = event
    else {
        return Ok(());
    };
    running(attempt)?;
    let length_ms = to_ms
        .checked_sub(*from_ms)
        .ok_or(AttemptError::OutageMalformed)?;
    let may_be_empty = matches!(cause, OutageCause::Clock | OutageCause::Storage);
    let right = *outage_no as usize == attempt.outages.len() + 1
        && *from_ms >= outages_from(attempt)
        && (length_ms > 0 || length_ms == 0 && may_be_empty)
        && *proposed_ms == length_ms.min(attempt.plan.outage_credit_cap_ms);
    if right {
        Ok(())
    } else {
        Err(AttemptError::OutageMalformed)
    }
}

fn check_decision(attempt: &Attempt, outage_no: u32, credit_ms: i64) -> Result<(), AttemptError> {
    running(attempt)?;
    let undecided = |outage: &&Outage| outage.outage_no == outage_no && outage.decided_ms.is_none();
    let outage = attempt.outages.iter().find(undecided);
    let outage = outage.ok_or(AttemptError::NoSuchOutage { outage_no })?;
    within_credit(credit_ms, 0, most_credit(attempt, outage))
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

pub(super) fn named(who: &str, reason: &str) -> Result<(), AttemptError> {
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
    not_paused(attempt)?;
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

fn question(attempt: &Attempt, position: u32) -> Result<Question, AttemptError> {
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
    counted(attempt, *answered, *unanswered, *at_ms == now)?;
    match kind {
        HandInKind::Own => {
            clock_trusted(attempt)?;
            not_paused(attempt)?;
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
            None => not_paused(attempt),
        },
        HandInKind::Forced => named(
            staff_id.as_deref().unwrap_or(""),
            reason.as_deref().unwrap_or(""),
        ),
    }
}

/// A postponement is the sitting's: one before the start is in the plan already, one after the hand-in is for others.
fn concerns(attempt: &Attempt, sitting_no: &str) -> bool {
    *sitting_no == attempt.plan.sitting_no && running(attempt).is_ok()
}

fn move_end(attempt: &mut Attempt, by_ms: i64) {
    attempt.ends_ms = attempt.ends_ms.saturating_add(by_ms);
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
            move_end(attempt, *credit_ms);
            if let Some(outage) = attempt
                .outages
                .iter_mut()
                .find(|outage| outage.outage_no == *outage_no)
            {
                outage.decided_ms = Some(*credit_ms);
            }
        }
        Event::TimeCredited { credit_ms, .. } => move_end(attempt, *credit_ms),
        Event::Postponed {
            sitting_no, by_ms, ..
        } if concerns(attempt, sitting_no) => {
            move_end(attempt, *by_ms);
            attempt.earliest_leave_ms = attempt.earliest_leave_ms.saturating_add(*by_ms);
        }
        Event::HandedIn { kind, at_ms, .. } => {
            hand_in(attempt, *kind, *at_ms);
        }
        Event::Removed { at_ms, .. } => {
            hand_in(attempt, HandInKind::Forced, *at_ms);
            attempt.removed = true;
        }
        Event::Reopened { .. } => attempt.handed_in = None,
        Event::SuspendedByStaff { .. } => attempt.paused_since = Some(now),
        Event::ResumedByStaff { .. } => attempt.paused_since = None,
        _ => {}
    }
}

fn hand_in(attempt: &mut Attempt, kind: HandInKind, at_ms: ExamMs) {
    attempt.handed_in = Some((kind, at_ms));
    attempt.stalled_since = None;
    attempt.paused_since = None;
}

pub(super) fn outages_from(attempt: &Attempt) -> ExamMs {
    attempt
        .outages
        .iter()
        .map(|outage| outage.to_ms)
        .fold(attempt.plan.started_ms, ExamMs::max)
}

pub(super) fn running(attempt: &Attempt) -> Result<(), AttemptError> {
    if !attempt.started {
        return Err(AttemptError::NotStarted);
    }
    if attempt.handed_in.is_some() {
        Err(AttemptError::AlreadyHandedIn)
    } else {
        Ok(())
    }
}
