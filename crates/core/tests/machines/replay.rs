use super::attempt::*;
use super::{asked, cases, set};
use fengjuan_core::attempt::*;
use fengjuan_core::event::{Event, HandInKind, OutageCause};
use fengjuan_core::item::OptionSet;
use proptest::prelude::*;

#[test]
fn the_question_on_the_screen_survives() {
    let mut attempt = started();
    assert_eq!(
        run(&mut attempt, Input::Show { position: 0 }, START)
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        run(&mut attempt, Input::Show { position: 0 }, START).unwrap(),
        [Effect::Show { position: 0 }]
    );
    let events = [
        (plan().started_event(HASH, HASH), START),
        (Event::QuestionShown { position: 3 }, START + 1),
        (
            Event::AnswerSaved {
                position: 3,
                chosen: set(&[1, 2]),
                flagged: true,
            },
            START + 2,
        ),
    ];
    let replayed = Attempt::replay(plan(), events).unwrap();
    assert_eq!(
        (replayed.current(), replayed.answer(3).chosen),
        (3, set(&[1, 2]))
    );
}

fn start() -> (Event, i64) {
    (plan().started_event(HASH, HASH), START)
}

fn answer(chosen: OptionSet, now: i64) -> (Event, i64) {
    (
        Event::AnswerSaved {
            position: 1,
            chosen,
            flagged: false,
        },
        now,
    )
}

fn handed_in(kind: HandInKind, answered: u32, at_ms: i64) -> (Event, i64) {
    let unanswered = 4 - answered;
    (
        Event::HandedIn {
            kind,
            answered,
            unanswered,
            at_ms,
            staff_id: None,
            reason: None,
        },
        at_ms,
    )
}

fn recorded(from_ms: i64, to_ms: i64, proposed_ms: i64) -> (Event, i64) {
    let cause = OutageCause::Power;
    (
        Event::OutageRecorded {
            outage_no: 1,
            cause,
            from_ms,
            to_ms,
            proposed_ms,
        },
        START + MINUTE,
    )
}

/// The last event of the record is the one that no terminal can have written.
fn refused(events: &[(Event, i64)], cause: AttemptError) {
    let place = events.len() - 1;
    let replayed = Attempt::replay(plan(), events.iter().map(|(event, now)| (event, *now)));
    assert_eq!(replayed, Err(ReplayError { place, cause }));
}

#[test]
fn replay_refuses_impossible_starts_and_answers() {
    let mut longer = plan();
    longer.ends_ms += MINUTE;
    refused(&[answer(set(&[1]), START)], AttemptError::NotStarted);
    refused(
        &[(longer.started_event(HASH, HASH), START)],
        AttemptError::PlanMismatch,
    );
    refused(&[start(), start()], AttemptError::PlanMismatch);
    refused(
        &[start(), answer(set(&[1]), END)],
        AttemptError::TimeUp { limit_ms: END },
    );
    refused(
        &[start(), answer(set(&[5]), START)],
        AttemptError::NoSuchOption { position: 1 },
    );
}

#[test]
fn replay_refuses_impossible_hand_ins() {
    let until_ms = START + 30 * MINUTE;
    refused(
        &[start(), handed_in(HandInKind::Own, 0, START)],
        AttemptError::TooEarly { until_ms },
    );
    refused(
        &[start(), handed_in(HandInKind::Own, 1, END - 1)],
        AttemptError::HandInMalformed,
    );
    refused(
        &[start(), handed_in(HandInKind::TimeUp, 0, END - 1)],
        AttemptError::NotOver,
    );
    refused(
        &[start(), handed_in(HandInKind::Forced, 0, END - 1)],
        AttemptError::ReasonMissing,
    );
    let after = [
        start(),
        handed_in(HandInKind::TimeUp, 0, END),
        answer(set(&[1]), START + 1),
    ];
    refused(&after, AttemptError::AlreadyHandedIn);
    let pending = recorded(START, START + MINUTE, MINUTE);
    let undecided = [
        start(),
        pending,
        handed_in(HandInKind::TimeUp, 0, END + 9 * MINUTE),
    ];
    refused(&undecided, AttemptError::OutageUndecided { outage_no: 1 });
}

#[test]
fn replay_refuses_impossible_outages() {
    let table = [
        recorded(START, START + MINUTE, 2 * MINUTE),
        recorded(START - MINUTE, START + MINUTE, 2 * MINUTE),
        recorded(START + MINUTE, START, 0),
        recorded(START, START, 0),
        recorded(i64::MIN, i64::MAX, 0),
    ];
    for outage in table {
        refused(&[start(), outage], AttemptError::OutageMalformed);
    }
}

fn extreme() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        Just(0),
        START..END + 90 * MINUTE,
        any::<i64>()
    ]
}

/// What a candidate does, with any numbers in it, as a broken or hostile device may send.
fn any_answer() -> impl Strategy<Value = Event> {
    let kind = prop_oneof![
        Just(HandInKind::Own),
        Just(HandInKind::TimeUp),
        Just(HandInKind::Forced)
    ];
    prop_oneof![
        (0u32..6, any::<u8>()).prop_map(|(position, chosen)| {
            let chosen = OptionSet(chosen);
            Event::AnswerSaved {
                position,
                chosen,
                flagged: true,
            }
        }),
        (0u32..6).prop_map(|position| Event::QuestionShown { position }),
        (kind, extreme()).prop_map(|(kind, at_ms)| handed_in(kind, 0, at_ms).0),
    ]
}

/// What moves the end, with any numbers in it; a part of the outages is right.
fn any_move() -> impl Strategy<Value = Event> {
    let cause = || prop_oneof![Just(OutageCause::Power), Just(OutageCause::Clock)];
    let reason = || "[ P]{0,2}";
    prop_oneof![
        (0u32..4, cause(), extreme(), extreme(), extreme()).prop_map(
            |(outage_no, cause, from_ms, to_ms, proposed_ms)| Event::OutageRecorded {
                outage_no,
                cause,
                from_ms,
                to_ms,
                proposed_ms
            }
        ),
        (START..END, 0..40 * MINUTE).prop_map(|(from_ms, length_ms)| recorded(
            from_ms,
            from_ms + length_ms,
            length_ms.min(30 * MINUTE)
        )
        .0),
        (0u32..4, extreme(), reason()).prop_map(|(outage_no, credit_ms, reason)| {
            Event::OutageDecided {
                outage_no,
                credit_ms,
                cause: None,
                staff_id: "P1".to_owned(),
                reason,
            }
        }),
        (extreme(), reason(), any::<bool>()).prop_map(|(credit_ms, by, order)| {
            let order = order.then_some(HASH);
            Event::TimeCredited {
                credit_ms,
                by,
                reason: "r".to_owned(),
                order,
            }
        }),
        extreme().prop_map(|by_ms| Event::Postponed {
            sitting_no: "S".to_owned(),
            by_ms,
            order: None
        }),
    ]
}

proptest! {
    #![proptest_config(cases(asked(2_000)))]

    /// Whatever is fed to it, the machine refuses or takes over; it does not panic, and a refusal changes nothing.
    #[test]
    fn anything_can_be_fed_to_it(events in prop::collection::vec((prop_oneof![any_answer(), any_move()], extreme()), 0..12), ends_ms in extreme()) {
        let mut odd = plan();
        odd.ends_ms = ends_ms;
        for plan in [plan(), odd] {
            let mut attempt = Attempt::start(plan.clone());
            let mut kept = vec![(plan.started_event(HASH, HASH), START)];
            attempt.commit(&kept[0].0, START).unwrap();
            for (event, now) in &events {
                let before = attempt.clone();
                match attempt.commit(event, *now) {
                    Ok(()) => kept.push((event.clone(), *now)),
                    Err(_) => prop_assert_eq!(&before, &attempt),
                }
                let _ = (attempt.remaining_ms(*now), attempt.limit_ms(), attempt.counts(), attempt.tick(*now));
            }
            let replayed = Attempt::replay(plan, kept).unwrap();
            prop_assert_eq!(replayed.ends_ms(), attempt.ends_ms());
            prop_assert_eq!(replayed.answers(), attempt.answers());
        }
    }
}

/// A postponement concerns whoever is still sitting, and is no fault in anybody else's record.
#[test]
fn a_postponement_before_and_after_the_attempt_changes_nothing() {
    let postponed = |now| {
        (
            Event::Postponed {
                sitting_no: "S".to_owned(),
                by_ms: MINUTE,
                order: None,
            },
            now,
        )
    };
    let now = START + 40 * MINUTE;
    let events = [
        postponed(START - MINUTE),
        (plan().started_event(HASH, HASH), START),
        postponed(START + MINUTE),
        handed_in(HandInKind::Own, 0, now),
        postponed(now + MINUTE),
    ];
    let attempt = Attempt::replay(plan(), events).unwrap();
    assert_eq!(attempt.ends_ms(), END + MINUTE);
}
