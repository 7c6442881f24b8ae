use super::attempt::*;
use super::{cases, set};
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

/// A ledger that no terminal can have written is refused at the first event that shows it.
#[test]
fn replay_refuses_what_could_not_have_been_recorded() {
    let start = (plan().started_event(HASH, HASH), START);
    let answer = |chosen, now| {
        (
            Event::AnswerSaved {
                position: 1,
                chosen,
                flagged: false,
            },
            now,
        )
    };
    let handed_in = |kind, answered, now| {
        let event = Event::HandedIn {
            kind,
            answered,
            unanswered: 4 - answered,
            at_ms: now,
            staff_id: None,
            reason: None,
        };
        (event, now)
    };
    let recorded = |from_ms, to_ms, proposed_ms| {
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
    };
    let mut longer = plan();
    longer.ends_ms += MINUTE;
    let late = AttemptError::TimeUp { limit_ms: END };
    let early = AttemptError::TooEarly {
        until_ms: START + 30 * MINUTE,
    };
    let table = [
        (vec![answer(set(&[1]), START)], 0, AttemptError::NotStarted),
        (
            vec![(longer.started_event(HASH, HASH), START)],
            0,
            AttemptError::PlanMismatch,
        ),
        (
            vec![start.clone(), start.clone()],
            1,
            AttemptError::PlanMismatch,
        ),
        (vec![start.clone(), answer(set(&[1]), END)], 1, late),
        (
            vec![start.clone(), answer(set(&[5]), START)],
            1,
            AttemptError::NoSuchOption { position: 1 },
        ),
        (
            vec![start.clone(), handed_in(HandInKind::Own, 0, START)],
            1,
            early,
        ),
        (
            vec![start.clone(), handed_in(HandInKind::Own, 1, END - 1)],
            1,
            AttemptError::HandInMalformed,
        ),
        (
            vec![start.clone(), handed_in(HandInKind::TimeUp, 0, END - 1)],
            1,
            AttemptError::NotOver,
        ),
        (
            vec![start.clone(), handed_in(HandInKind::Forced, 0, END - 1)],
            1,
            AttemptError::ReasonMissing,
        ),
        (
            vec![
                start.clone(),
                handed_in(HandInKind::TimeUp, 0, END),
                answer(set(&[1]), START + 1),
            ],
            2,
            AttemptError::AlreadyHandedIn,
        ),
        (
            vec![start.clone(), recorded(START, START + MINUTE, 2 * MINUTE)],
            1,
            AttemptError::OutageMalformed,
        ),
        (
            vec![
                start.clone(),
                recorded(START - MINUTE, START + MINUTE, 2 * MINUTE),
            ],
            1,
            AttemptError::OutageMalformed,
        ),
        (
            vec![start.clone(), recorded(START + MINUTE, START, 0)],
            1,
            AttemptError::OutageMalformed,
        ),
        (
            vec![start.clone(), recorded(i64::MIN, i64::MAX, 0)],
            1,
            AttemptError::OutageMalformed,
        ),
        (
            vec![
                start.clone(),
                recorded(START, START + MINUTE, MINUTE),
                handed_in(HandInKind::TimeUp, 0, END + 9 * MINUTE),
            ],
            2,
            AttemptError::OutageUndecided { outage_no: 1 },
        ),
    ];
    for (events, place, cause) in table {
        assert_eq!(
            Attempt::replay(plan(), events),
            Err(ReplayError { place, cause })
        );
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

/// Events with any numbers in them, as a broken or hostile device may send.
fn anything() -> impl Strategy<Value = Event> {
    let (text, cause) = (
        || "[ P]{0,2}",
        || prop_oneof![Just(OutageCause::Power), Just(OutageCause::Clock)],
    );
    let kind = prop_oneof![
        Just(HandInKind::Own),
        Just(HandInKind::TimeUp),
        Just(HandInKind::Forced)
    ];
    prop_oneof![
        (0u32..6, any::<u8>()).prop_map(|(position, chosen)| Event::AnswerSaved {
            position,
            chosen: OptionSet(chosen),
            flagged: true
        }),
        (0u32..6).prop_map(|position| Event::QuestionShown { position }),
        (0u32..4, cause(), extreme(), extreme(), extreme()).prop_map(
            |(outage_no, cause, from_ms, to_ms, proposed_ms)| {
                Event::OutageRecorded {
                    outage_no,
                    cause,
                    from_ms,
                    to_ms,
                    proposed_ms,
                }
            }
        ),
        (1u32..3, cause(), START..END, 0..40 * MINUTE).prop_map(
            |(outage_no, cause, from_ms, length_ms)| {
                let proposed_ms = length_ms.min(30 * MINUTE);
                Event::OutageRecorded {
                    outage_no,
                    cause,
                    from_ms,
                    to_ms: from_ms + length_ms,
                    proposed_ms,
                }
            }
        ),
        (0u32..4, extreme(), text()).prop_map(|(outage_no, credit_ms, reason)| {
            Event::OutageDecided {
                outage_no,
                credit_ms,
                staff_id: "P1".to_owned(),
                reason,
            }
        }),
        (extreme(), text(), any::<bool>()).prop_map(|(credit_ms, by, order)| {
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
        (kind, extreme()).prop_map(|(kind, at_ms)| Event::HandedIn {
            kind,
            answered: 0,
            unanswered: 4,
            at_ms,
            staff_id: None,
            reason: None
        }),
    ]
}

proptest! {
    #![proptest_config(cases(2_000))]

    /// Whatever is fed to it, the machine refuses or takes over; it does not panic, and a refusal changes nothing.
    #[test]
    fn anything_can_be_fed_to_it(events in prop::collection::vec((anything(), extreme()), 0..12), ends_ms in extreme()) {
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
    let handed_in = |at_ms| Event::HandedIn {
        kind: HandInKind::Own,
        answered: 0,
        unanswered: 4,
        at_ms,
        staff_id: None,
        reason: None,
    };
    let now = START + 40 * MINUTE;
    let events = [
        postponed(START - MINUTE),
        (plan().started_event(HASH, HASH), START),
        postponed(START + MINUTE),
        (handed_in(now), now),
        postponed(now + MINUTE),
    ];
    let attempt = Attempt::replay(plan(), events).unwrap();
    assert_eq!(attempt.ends_ms(), END + MINUTE);
}
