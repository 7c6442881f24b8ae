//! What events of a running attempt say.

use super::{Wrote, cause_name, clock, options, ordered, seconds, short};
use fengjuan_core::event::{Event, HandInKind};
use std::fmt::Write;

pub(super) fn beginning(event: &Event, out: &mut String) -> Wrote {
    Some(match event {
        Event::SittingStarted {
            sitting_no,
            staff_id,
            planned_ms,
            started_ms,
        } => {
            write!(
                out,
                "{sitting_no} {} → {} {staff_id}",
                clock(*planned_ms),
                clock(*started_ms)
            )
        }
        Event::AttemptStarted {
            sitting_no,
            class_no,
            paper,
            started_ms,
            ends_ms,
            ..
        } => {
            let (from, to) = (clock(*started_ms), clock(*ends_ms));
            write!(
                out,
                "{sitting_no} {class_no} {from} → {to} {}",
                short(paper)
            )
        }
        Event::QuestionShown { position } => write!(out, "{}", u64::from(*position) + 1),
        Event::AnswerSaved {
            position,
            chosen,
            flagged,
        } => {
            let flag = if *flagged { " ⚑" } else { "" };
            write!(
                out,
                "{}: {}{flag}",
                u64::from(*position) + 1,
                options(*chosen)
            )
        }
        _ => return None,
    })
}

pub(super) fn interrupted(event: &Event, out: &mut String) -> Wrote {
    Some(match event {
        Event::OutageRecorded {
            outage_no,
            cause,
            from_ms,
            to_ms,
            proposed_ms,
        } => {
            let (from, to, cause) = (clock(*from_ms), clock(*to_ms), cause_name(*cause));
            write!(
                out,
                "#{outage_no} {cause} {from} – {to} {}",
                seconds(*proposed_ms)
            )
        }
        Event::OutageDecided {
            outage_no,
            credit_ms,
            staff_id,
            reason,
            ..
        } => {
            write!(
                out,
                "#{outage_no} {} {staff_id} {reason}",
                seconds(*credit_ms)
            )
        }
        Event::TimeCredited {
            credit_ms,
            by,
            reason,
            order,
        } => {
            write!(
                out,
                "Δ {} {by} {reason}{}",
                seconds(*credit_ms),
                ordered(order)
            )
        }
        Event::Postponed {
            sitting_no,
            by_ms,
            order,
        } => {
            write!(out, "{sitting_no} {}{}", seconds(*by_ms), ordered(order))
        }
        _ => return None,
    })
}

pub(super) fn ending(event: &Event, out: &mut String) -> Wrote {
    Some(match event {
        Event::HandedIn {
            kind,
            answered,
            unanswered,
            at_ms,
            staff_id,
            reason,
        } => {
            let kind = match kind {
                HandInKind::Own => "own",
                HandInKind::TimeUp => "time_up",
                HandInKind::Forced => "forced",
            };
            let by = staff_id
                .iter()
                .chain(reason)
                .fold(String::new(), |all, part| all + " " + part);
            write!(
                out,
                "{kind} {} {answered}/{}{by}",
                clock(*at_ms),
                u64::from(*answered) + u64::from(*unanswered)
            )
        }
        Event::SiteGraded {
            half_points,
            passed,
        } => {
            write!(
                out,
                "{}.{} passed={passed}",
                half_points / 2,
                half_points % 2 * 5
            )
        }
        Event::BundleSealed { bundle_no, hash } => write!(out, "№{bundle_no} {}", short(hash)),
        Event::SittingEnded {
            sitting_no,
            staff_id,
            reason,
        } => write!(out, "{sitting_no} {staff_id} {reason}"),
        _ => return None,
    })
}
