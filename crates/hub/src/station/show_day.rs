//! The day: the room's steps, each sitting's track, and the next step as one button with what blocks it.

use super::books::{Book, planned_start};
use super::refusal::{beforehand, of_room};
use super::seats::Seat;
use super::snapshot::{Day, Snapshot};
use super::{State, Station};
use crate::view::{
    DayStep, NextAction, NextStep, RoomStep, SittingStep, SittingStepName, SittingTrack, TrackState,
};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::station::Step;
use fengjuan_device::refusal::{With, notice};
use fengjuan_device::view::{Notice, Tone};
use std::collections::BTreeMap;

impl Station {
    pub(super) fn day(&self, state: &State, room: &Snapshot, book: Option<&Book>) -> Vec<DayStep> {
        let moments = book.map(|book| state.log.moments(book.number()));
        let moments = moments.unwrap_or_default();
        let checked = self.equipment.view().checked_ms;
        let checked = checked.and_then(|text| text.parse().ok());
        let published = book.is_some_and(|book| room.seating.is_published(book.number()));
        let steps = [
            (RoomStep::Pull, book.is_some(), moments.held_ms),
            (RoomStep::Check, checked.is_some(), checked),
            (RoomStep::Seats, published, moments.published_ms),
        ];
        let mut current = true;
        let step = |(step, done, at_ms): (RoomStep, bool, Option<ExamMs>)| {
            let state = match (done, current) {
                (true, _) => TrackState::Done,
                (false, true) => TrackState::Current,
                (false, false) => TrackState::Ahead,
            };
            current = current && done;
            let at_ms = at_ms.filter(|_| done);
            DayStep { step, state, at_ms }
        };
        steps.into_iter().map(step).collect()
    }

    pub(super) fn track(&self, state: &State, room: &Snapshot, book: &Book) -> SittingTrack {
        let sitting = book.sitting();
        let day = room.days.get(book.number());
        let postponed_ms = day.map_or(0, |day| day.track.postponed_ms);
        SittingTrack {
            sitting_no: book.number().to_owned(),
            makeup: sitting.makeup_of.is_some(),
            start_ms: sitting.start_ms,
            postponed_ms,
            steps: day.map_or_else(Vec::new, |day| steps(state, room, book, day)),
        }
    }

    pub(super) fn next_step(
        &self,
        state: &mut State,
        room: &Snapshot,
        book: Option<&Book>,
        seats: &BTreeMap<u32, Seat<'_>>,
    ) -> NextStep {
        let step = |action, blocked_by, note| NextStep {
            action,
            blocked_by,
            note,
        };
        let Some((book, day)) = book.and_then(|book| Some((book, room.days.get(book.number())?)))
        else {
            return step(NextAction::Pull, None, None);
        };
        let blocked = day.blocked.first();
        let blocked = blocked.map(|error| beforehand(of_room(error)));
        let published = room.seating.is_published(book.number());
        if !published && day.step < Step::Running {
            let enough = room.seating.enough_for(book.candidates());
            let blocked = enough.err().map(|error| beforehand(of_room(&error.into())));
            return step(NextAction::PublishSeats, blocked, None);
        }
        if self.code_needed_again(room, book) {
            let note = notice("next.code_again", Tone::Amber);
            return step(NextAction::Unlock, None, Some(note));
        }
        match day.step {
            Step::Awaited | Step::Held | Step::EntryOpen => step(NextAction::Unlock, blocked, None),
            Step::Unlocked => step(NextAction::Start, blocked, None),
            Step::Running => step(NextAction::End, blocked, ends_by_itself(room, seats)),
            Step::Ended => {
                let waiting = self.not_at_center(state, room, book);
                let note = notice("next.unsent", Tone::Blue).with("waiting", waiting);
                let blocked = (waiting > 0)
                    .then(|| notice("room.not_submitted", Tone::Amber).with("waiting", waiting));
                step(NextAction::Submit, blocked, Some(note))
            }
            Step::Submitted => step(NextAction::Nothing, None, None),
        }
    }

    /// The sitting was unlocked, this station has started anew, and its terminals may need the keys.
    pub(super) fn code_needed_again(&self, room: &Snapshot, book: &Book) -> bool {
        let Some(day) = room.days.get(book.number()) else {
            return false;
        };
        day.track.unlocked.is_some() && !day.unlock_over && !self.is_open(book)
    }

    pub(super) fn is_open(&self, book: &Book) -> bool {
        self.hub.unlocks().opened().contains(&book.held.key)
    }

    /// Candidates of a sitting who have begun, or were turned away, or never came, and of whom the center has no bundle
    /// yet; and whoever was pictured, and has a picture that is not there. Whoever came and never began leaves no bundle.
    pub(super) fn not_at_center(&self, state: &mut State, room: &Snapshot, book: &Book) -> u32 {
        let waits = |one: &super::books::Entrant| {
            let told = state.told(room, one);
            let progress = state.progress(room, &one.attempt, &told);
            progress.pictures_left > 0 || told.leaves_a_bundle() && !progress.at_center
        };
        let waiting = book.people.iter().map(waits).filter(|waits| *waits);
        u32::try_from(waiting.count()).unwrap_or(u32::MAX)
    }
}

/// When the last one's time is up.
fn ends_by_itself(room: &Snapshot, seats: &BTreeMap<u32, Seat<'_>>) -> Option<Notice> {
    let ends = seats
        .values()
        .filter(|seat| seat.told.handed_in.is_none())
        .filter_map(|seat| seat.ends_ms(room));
    let last = ends.max()?;
    Some(notice("next.ends_by_itself", Tone::Blue).with("ends_ms", last))
}

fn steps(state: &State, room: &Snapshot, book: &Book, day: &Day) -> Vec<SittingStep> {
    let (sitting, track) = (book.sitting(), &day.track);
    let moments = state.log.moments(book.number());
    let start_ms = planned_start(sitting, track.postponed_ms);
    let late_ms = start_ms + i64::from(sitting.entry.late_limit_min) * 60_000;
    let opens_ms = sitting.entry_opens_ms();
    let state = |done: bool, current: bool| match (done, current) {
        (true, _) => TrackState::Done,
        (false, true) => TrackState::Current,
        (false, false) => TrackState::Ahead,
    };
    let (open, started) = (room.now >= opens_ms, track.started.is_some());
    let ended = day.step >= Step::Ended;
    let entry_over = room.now > late_ms || track.ended;
    let unlocked = track.is_unlocked();
    let step = |step, state, at_ms| SittingStep { step, state, at_ms };
    vec![
        // Entry runs on beside the others until the late limit.
        step(
            SittingStepName::Entry,
            state(entry_over, open),
            Some(opens_ms),
        ),
        step(
            SittingStepName::Unlock,
            state(unlocked, open),
            moments.unlocked_ms,
        ),
        step(
            SittingStepName::Start,
            state(started, unlocked),
            Some(track.started.map_or(start_ms, |(_, at_ms)| at_ms)),
        ),
        step(SittingStepName::Running, state(ended, started), None),
        step(
            SittingStepName::End,
            state(ended, started && day.answering == 0),
            moments.ended_ms,
        ),
        step(
            SittingStepName::Submit,
            state(track.submitted, ended),
            moments.submitted_ms,
        ),
    ]
}
