//! One sitting's day at the station (场次进程): held, entry open, unlocked, running, ended, submitted.

use super::{Actor, RoomError, Station, ends, missed};
use crate::plan::{ExamMs, Sitting};
use crate::room::rules::{Deed, NotAllowed, rule_of};
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
    /// Two persons have one half of the code each.
    pub two_person_code: bool,
    /// The minutes of the class group that sits longest.
    pub longest_ms: i64,
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
            two_person_code: sitting.two_person_code,
            longest_ms: sitting
                .class_groups
                .iter()
                .map(|class| i64::from(class.minutes) * MINUTE_MS)
                .max()
                .unwrap_or(0),
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
    /// The newest version that is held was unlocked; one that has come since is not.
    pub fn is_unlocked(&self) -> bool {
        self.unlocked.is_some() && self.unlocked >= self.held
    }

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
    if !track.is_unlocked() {
        return Err(RoomError::NotUnlocked);
    }
    room_is_ready(station, terms)?;
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

/// Everybody knows where to sit, and there are machines enough to sit at.
fn room_is_ready(station: &Station, terms: &SittingTerms) -> Result<(), RoomError> {
    if !station.seating().is_published(&terms.sitting_no) {
        return Err(RoomError::SeatsNotPublished);
    }
    Ok(station.seating().enough_for(terms.candidates)?)
}

/// The end with credits has come: nobody answers any more, and nobody can begin.
pub(super) fn unlock_over(station: &Station, sitting_no: &str, now: ExamMs) -> bool {
    let Ok(terms) = terms_of(station, sitting_no) else {
        return false;
    };
    let track = station.track(sitting_no);
    let latest_ms = terms
        .start_ms
        .saturating_add(track.postponed_ms)
        .saturating_add(terms.start_delay_limit_ms);
    let begins_ms = track.started.map_or(latest_ms, |(_, at_ms)| at_ms);
    let ends_ms = begins_ms
        .saturating_add(terms.longest_ms)
        .saturating_add(missed::credited_to_many_ms(station, sitting_no));
    // Whoever has a credit of their own, or an outage that waits for a decision, answers on after it.
    let passed = now >= ends_ms && station.answering(sitting_no, None) == 0;
    passed || station.is_over(sitting_no)
}

/// Papers may be unlocked from entry opening until the end with credits.
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
    } else if unlock_over(station, sitting_no, now) {
        Err(RoomError::UnlockOver)
    } else {
        Ok(())
    }
}

/// Who has the other half of the code, where two persons have one each: somebody else, who may unlock as well.
pub(super) fn other_half(
    station: &Station,
    sitting_no: &str,
    actor: &Actor,
) -> Result<Option<String>, RoomError> {
    if !terms_of(station, sitting_no)?.two_person_code {
        return Ok(None);
    }
    let second = actor.second.as_ref().ok_or(NotAllowed::SecondNeeded)?;
    if second.staff_id == actor.person.staff_id {
        return Err(NotAllowed::SamePerson.into());
    }
    if !rule_of(Deed::Unlock).may.contains(&second.role) {
        return Err(NotAllowed::SecondRole.into());
    }
    Ok(Some(second.staff_id.clone()))
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
    if track.is_unlocked() {
        let blocks = block(may_start(station, sitting_no, now).map(|_| ()));
        return (Step::Unlocked, blocks);
    }
    let step = match track.held {
        None => Step::Awaited,
        Some(_) if now < terms.entry_opens_ms => Step::Held,
        Some(_) => Step::EntryOpen,
    };
    (step, block(may_unlock(station, sitting_no, now)))
}
