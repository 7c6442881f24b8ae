//! What must hold, whatever happens.

use super::world::{Program, QUESTIONS, START, World, plan};
use fengjuan_core::attempt::Attempt;
use fengjuan_core::event::{Event, HandInKind, OutageCause};
use fengjuan_core::item::OptionSet;
use std::collections::BTreeMap;

/// Every acknowledged answer is in the machine, and nothing else is.
pub fn invariant_no_acknowledged_answer_lost(world: &World, attempt: &Attempt) {
    let held = |(position, answer): (&u32, &fengjuan_core::attempt::Answer)| {
        (*position, (answer.chosen, answer.flagged))
    };
    let held: BTreeMap<u32, (OptionSet, bool)> = attempt.answers().iter().map(held).collect();
    assert_eq!(held, world.acknowledged);
}

/// The record alone gives the same attempt.
pub fn invariant_replay_is_the_live_attempt(world: &World, attempt: &Attempt) {
    let replayed = Attempt::replay(
        plan(),
        world.ledger.iter().map(|(event, now)| (event, *now)),
    )
    .unwrap();
    assert_eq!(replayed.answers(), attempt.answers());
    assert_eq!(replayed.outages(), attempt.outages());
    assert_eq!(replayed.counts(), attempt.counts());
    assert_eq!(
        (replayed.current(), replayed.ends_ms()),
        (attempt.current(), attempt.ends_ms())
    );
    assert_eq!(
        (replayed.limit_ms(), replayed.earliest_leave_ms()),
        (attempt.limit_ms(), attempt.earliest_leave_ms())
    );
}

pub fn end_by_the_record<'a>(events: impl Iterator<Item = &'a (Event, i64)>) -> i64 {
    let moved = |(event, _): &(Event, i64)| match event {
        Event::OutageDecided { credit_ms, .. } | Event::TimeCredited { credit_ms, .. } => {
            *credit_ms
        }
        Event::Postponed { by_ms, .. } => *by_ms,
        _ => 0,
    };
    plan().ends_ms + events.map(moved).sum::<i64>()
}

/// The end moves by recorded decisions and by nothing else, and where the clock has had no reason to be wrong, the
/// remaining time is the true one to a second.
pub fn invariant_time_moves_only_by_decisions(world: &World, program: &Program) {
    let end_ms = end_by_the_record(world.ledger.iter());
    assert_eq!(program.attempt.ends_ms(), end_ms);
    if world.clock_right {
        let now = program.clock.now(world.boot_ms());
        let shown_ms = program.attempt.remaining_ms(now);
        let true_ms = (end_ms - world.true_ms).max(0);
        assert!(
            (shown_ms - true_ms).abs() <= 1_000,
            "shown {shown_ms}, true {true_ms}"
        );
    }
}

/// Nobody is handed in automatically before the end, or while an outage waits for its decision.
pub fn invariant_no_automatic_hand_in_while_undecided(world: &World) {
    let time_up = |(event, _): &(Event, i64)| {
        matches!(
            event,
            Event::HandedIn {
                kind: HandInKind::TimeUp,
                ..
            }
        )
    };
    let Some(place) = world.ledger.iter().position(time_up) else {
        return;
    };
    let before = &world.ledger[..place];
    let opened = before
        .iter()
        .filter(|(event, _)| matches!(event, Event::OutageRecorded { .. }))
        .count();
    let decided = before
        .iter()
        .filter(|(event, _)| matches!(event, Event::OutageDecided { .. }))
        .count();
    assert_eq!(opened, decided);
    assert!(world.ledger[place].1 >= end_by_the_record(before.iter()));
}

/// Nothing of the attempt follows the hand-in but its reopening, and then another.
pub fn invariant_the_hand_in_is_the_last_word(world: &World) {
    for (place, (event, _)) in world.ledger.iter().enumerate() {
        if matches!(event, Event::HandedIn { .. }) {
            let next = world.ledger.get(place + 1).map(|(event, _)| event);
            assert!(matches!(next, None | Some(Event::Reopened { .. })));
        }
    }
}

/// Who uses a provisional credit still does not answer for longer than plan and decisions give: the span up to the
/// last answer, less its outages, fits into them. (A doubtful clock measures no outage, so its runs are left out.)
pub fn invariant_nobody_answers_for_longer(world: &World) {
    let clock = |(event, _): &(Event, i64)| {
        matches!(
            event,
            Event::OutageRecorded {
                cause: OutageCause::Clock,
                ..
            }
        )
    };
    let answered = |(event, _): &(Event, i64)| matches!(event, Event::AnswerSaved { .. });
    let Some(last) = world.ledger.iter().rposition(answered) else {
        return;
    };
    if world.ledger.iter().any(clock) {
        return;
    }
    let (mut lost_ms, mut given_ms) = (0, plan().ends_ms - START);
    for (event, _) in &world.ledger[..last] {
        match event {
            Event::OutageRecorded { from_ms, to_ms, .. } => lost_ms += to_ms - from_ms,
            Event::TimeCredited { credit_ms, .. } => given_ms += credit_ms,
            Event::Postponed { by_ms, .. } => given_ms += by_ms,
            _ => {}
        }
    }
    assert!(world.ledger[last].1 - START - lost_ms <= given_ms);
}

pub fn invariant_totals_are_consistent(attempt: &Attempt) {
    let counts = attempt.counts();
    assert_eq!(counts.answered + counts.unanswered, QUESTIONS);
    assert!(counts.flagged <= QUESTIONS);
    assert!(attempt.limit_ms() >= attempt.ends_ms());
    assert_eq!(
        attempt.provisional_ms() > 0,
        attempt.limit_ms() > attempt.ends_ms()
    );
}

pub fn invariant_each_warning_once(program: &Program) {
    let mut seen = program.warnings.clone();
    seen.dedup();
    assert_eq!(seen, program.warnings);
    assert!(
        program
            .warnings
            .iter()
            .all(|minutes| [10, 5].contains(minutes))
            && program.warnings.len() <= 2
    );
}
