//! One sitting's day at the station (场次进程): held, entry open, unlocked, running, ended, submitted.

use super::{RoomError, Station, ends};
use crate::plan::{ExamMs, Sitting};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const MINUTE_MS: i64 = 60_000;

/// What the signed sitting says that the station needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SittingTerms {
    pub sitting_no: String,
    pub start_ms: ExamMs,
    pub entry_opens_ms: ExamMs,
    pub start_delay_limit_ms: i64,
    pub classes: Vec<String>,
    pub candidates: u32,
    /// Most that one credit without an order may add.
    pub credit_cap_ms: i64,
}

impl SittingTerms {
    pub fn of(sitting: &Sitting, candidates: u32) -> SittingTerms {
        let classes = sitting.class_groups.iter();
        SittingTerms {
            sitting_no: sitting.sitting_no.clone(),
            start_ms: sitting.start_ms,
            entry_opens_ms: sitting.entry_opens_ms(),
            start_delay_limit_ms: i64::from(sitting.entry.start_delay_limit_min) * MINUTE_MS,
            classes: classes.map(|class| class.class_no.clone()).collect(),
            candidates,
            credit_cap_ms: i64::from(sitting.outage_credit_cap_min) * MINUTE_MS,
        }
    }
}

/// What the ledger says of a sitting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// The version that is held.
    pub held: Option<u32>,
    pub unlocked: Option<u32>,
    /// The sum of its postponements.
    pub postponed_ms: i64,
    /// The planned start with postponements, and the moment of the first question.
    pub started: Option<(ExamMs, ExamMs)>,
    /// Class groups of which the end was ordered by itself.
    pub ended_classes: BTreeSet<String>,
    /// The end of all was ordered. Whether it has come is [`Station::is_over`].
    pub ended: bool,
    pub submitted: bool,
}

/// Where a sitting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Nothing is here yet.
    Awaited,
    Held,
    EntryOpen,
    Unlocked,
    Running,
    Ended,
    Submitted,
}

impl Track {
    pub fn has_ended(&self, class_no: Option<&str>) -> bool {
        self.ended || class_no.is_some_and(|class| self.ended_classes.contains(class))
    }
}

/// May the sitting be started now? Gives the planned start and the moment of the first question.
pub(super) fn may_start(
    station: &Station,
    sitting_no: &str,
    now: ExamMs,
) -> Result<(ExamMs, ExamMs), RoomError> {
    let (terms, track) = (terms_of(station, sitting_no)?, station.track(sitting_no));
    if track.started.is_some() {
        return Err(RoomError::AlreadyStarted);
    }
    if track.unlocked.is_none() {
        return Err(RoomError::NotUnlocked);
    }
    let planned_ms = terms.start_ms.saturating_add(track.postponed_ms);
    let limit_ms = planned_ms.saturating_add(terms.start_delay_limit_ms);
    if now < planned_ms {
        return Err(RoomError::TooEarly { planned_ms });
    }
    // The terminals judge the moment of the first question, not that of the click.
    let at_ms = now.saturating_add(super::START_LEAD_MS);
    if at_ms > limit_ms {
        return Err(RoomError::TooLate { limit_ms });
    }
    Ok((planned_ms, at_ms))
}

/// Papers may be unlocked from entry opening on.
pub(super) fn may_unlock(
    station: &Station,
    sitting_no: &str,
    now: ExamMs,
) -> Result<(), RoomError> {
    let (terms, track) = (terms_of(station, sitting_no)?, station.track(sitting_no));
    let opens_ms = terms.entry_opens_ms;
    if track.held.is_none() {
        Err(RoomError::NotHeld)
    } else if now < opens_ms {
        Err(RoomError::EntryNotOpen { opens_ms })
    } else {
        Ok(())
    }
}

pub(super) fn may_end(
    station: &Station,
    sitting_no: &str,
    class_no: Option<&str>,
    forced: bool,
) -> Result<(), RoomError> {
    let (terms, track) = (terms_of(station, sitting_no)?, station.track(sitting_no));
    let known = |class: &str| terms.classes.iter().any(|one| one == class);
    if class_no.is_some_and(|class| !known(class)) {
        return Err(RoomError::UnknownClass);
    }
    if track.started.is_none() {
        return Err(RoomError::NotStarted);
    }
    let again = track.has_ended(class_no);
    if again && ends::still_open(station, sitting_no, class_no).is_empty() {
        return Err(RoomError::AlreadyEnded);
    }
    let answering = station.answering(sitting_no, class_no);
    if answering > 0 && !forced {
        return Err(RoomError::SomebodyAnswers { answering });
    }
    Ok(())
}

pub(super) fn terms_of<'a>(
    station: &'a Station,
    sitting_no: &str,
) -> Result<&'a SittingTerms, RoomError> {
    station.terms.get(sitting_no).ok_or(RoomError::NotHeld)
}

/// The steps are the sitting's own: a sitting whose results wait never blocks the next one.
pub(super) fn step(station: &Station, sitting_no: &str, now: ExamMs) -> (Step, Vec<RoomError>) {
    let track = station.track(sitting_no);
    let Ok(terms) = terms_of(station, sitting_no) else {
        return (Step::Awaited, vec![RoomError::NotHeld]);
    };
    let block = |result: Result<(), RoomError>| result.err().into_iter().collect::<Vec<_>>();
    if track.submitted {
        return (Step::Submitted, Vec::new());
    }
    if station.is_over(sitting_no) {
        return (Step::Ended, vec![RoomError::NotSubmitted]);
    }
    if track.started.is_some() {
        let blocks = match may_end(station, sitting_no, None, false) {
            // Everybody who must has been told; what is left is that they do it.
            Err(RoomError::AlreadyEnded) => vec![RoomError::SomebodyAnswers {
                answering: station.answering(sitting_no, None),
            }],
            may => block(may),
        };
        return (Step::Running, blocks);
    }
    if track.unlocked.is_some() {
        let mut blocks = block(may_start(station, sitting_no, now).map(|_| ()));
        let enough = station.seating().enough_for(terms.candidates);
        blocks.extend(enough.err().map(RoomError::Seating));
        return (Step::Unlocked, blocks);
    }
    let step = match track.held {
        None => Step::Awaited,
        Some(_) if now < terms.entry_opens_ms => Step::Held,
        Some(_) => Step::EntryOpen,
    };
    (step, block(may_unlock(station, sitting_no, now)))
}
