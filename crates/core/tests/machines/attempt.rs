use super::set;
use fengjuan_core::attempt::*;
use fengjuan_core::event::{Event, HandInKind, Hash32, OutageCause};
use fengjuan_core::item::OptionSet;
use fengjuan_core::plan::ItemType;

const MINUTE: i64 = 60_000;
const START: i64 = 1_000 * MINUTE;
const END: i64 = START + 60 * MINUTE;
const HASH: Hash32 = Hash32([7; 32]);

pub fn plan() -> AttemptPlan {
    let question = |item_type, options| Question { item_type, options };
    AttemptPlan {
        attempt_id: [1; 16],
        sitting_no: "S".to_owned(),
        class_no: "C".to_owned(),
        questions: vec![
            question(ItemType::TrueFalse, 2),
            question(ItemType::SingleChoice, 4),
            question(ItemType::MultipleChoice, 5),
            question(ItemType::MultipleChoice, 8),
        ],
        started_ms: START,
        ends_ms: END,
        earliest_leave_ms: START + 30 * MINUTE,
        outage_credit_cap_ms: 30 * MINUTE,
    }
}

fn started() -> Attempt {
    let mut attempt = Attempt::start(plan());
    attempt
        .commit(&plan().started_event(HASH, HASH), START)
        .unwrap();
    attempt
}

/// Proposes and takes over; what a terminal with a working disk does.
fn run(attempt: &mut Attempt, input: Input, now: i64) -> Result<Vec<Effect>, AttemptError> {
    let effects = attempt.propose(input, now)?;
    for effect in &effects {
        if let Effect::Record(event) = effect {
            attempt.commit(event, now).unwrap();
        }
    }
    Ok(effects)
}

fn outage(cause: OutageCause, from_ms: i64, to_ms: i64) -> Input {
    Input::OutageFound {
        cause,
        from_ms,
        to_ms,
    }
}
fn decide(outage_no: u32, credit_ms: i64) -> Input {
    Input::OutageDecided {
        outage_no,
        credit_ms,
        staff_id: "P1".to_owned(),
        reason: "停电".to_owned(),
    }
}
fn choose(position: u32, options: &[u8]) -> Input {
    Input::Choose {
        position,
        chosen: set(options),
    }
}

#[test]
fn a_choice_replaces_and_the_empty_set_takes_it_back() {
    let mut attempt = started();
    run(&mut attempt, choose(1, &[0]), START).unwrap();
    run(&mut attempt, choose(1, &[3]), START + 1).unwrap();
    run(
        &mut attempt,
        Input::Flag {
            position: 1,
            on: true,
        },
        START + 2,
    )
    .unwrap();
    let expected = Answer {
        chosen: set(&[3]),
        flagged: true,
        saved_ms: START + 2,
    };
    assert_eq!(attempt.answer(1), expected);
    assert_eq!(
        run(&mut attempt, choose(1, &[3]), START + 3),
        Ok(Vec::new()),
        "durable already"
    );
    run(&mut attempt, choose(2, &[0, 4]), START + 3).unwrap();
    assert_eq!(
        attempt.counts(),
        Counts {
            questions: 4,
            answered: 2,
            unanswered: 2,
            flagged: 1
        }
    );
    run(&mut attempt, choose(1, &[]), START + 4).unwrap();
    assert_eq!(
        attempt.counts(),
        Counts {
            questions: 4,
            answered: 1,
            unanswered: 3,
            flagged: 1
        }
    );
}

#[test]
fn impossible_choices_are_refused() {
    let mut attempt = started();
    assert_eq!(
        run(&mut attempt, choose(0, &[2]), START),
        Err(AttemptError::NoSuchOption { position: 0 })
    );
    assert_eq!(
        run(&mut attempt, choose(0, &[0, 1]), START),
        Err(AttemptError::OneOptionOnly { position: 0 })
    );
    assert_eq!(
        run(&mut attempt, choose(1, &[0, 1]), START),
        Err(AttemptError::OneOptionOnly { position: 1 })
    );
    assert_eq!(
        run(&mut attempt, choose(4, &[0]), START),
        Err(AttemptError::NoSuchPosition { position: 4 })
    );
    let shown = run(&mut attempt, Input::Show { position: 4 }, START);
    assert_eq!(shown, Err(AttemptError::NoSuchPosition { position: 4 }));
    let whole = Input::Choose {
        position: 3,
        chosen: OptionSet(0xff),
    };
    assert!(run(&mut attempt, whole, START).is_ok());
}

#[test]
fn nothing_changes_before_it_is_committed() {
    let attempt = started();
    let before = attempt.clone();
    let effects = attempt.propose(choose(1, &[2]), START).unwrap();
    assert_eq!(
        effects,
        [Effect::Record(Event::AnswerSaved {
            position: 1,
            chosen: set(&[2]),
            flagged: false
        })]
    );
    assert_eq!(attempt, before);
}

#[test]
fn time_up_hands_in_once_and_late_answers_are_refused() {
    let mut attempt = started();
    run(&mut attempt, choose(1, &[2]), END - 1).unwrap();
    assert_eq!(
        run(&mut attempt, choose(1, &[3]), END),
        Err(AttemptError::TimeUp { limit_ms: END })
    );
    let effects = attempt.tick(END);
    let Effect::Record(event) = &effects[0] else {
        panic!("{effects:?}")
    };
    attempt.commit(event, END).unwrap();
    assert_eq!(
        attempt.state(),
        AttemptState::HandedIn {
            kind: HandInKind::TimeUp,
            at_ms: END
        }
    );
    assert!(attempt.tick(END + 1).is_empty());
    assert_eq!(
        run(&mut attempt, choose(1, &[3]), END),
        Err(AttemptError::AlreadyHandedIn)
    );
    assert_eq!(
        run(&mut attempt, Input::HandIn, END),
        Err(AttemptError::AlreadyHandedIn)
    );
}

#[test]
fn own_hand_in_waits_for_the_earliest_leave() {
    let mut attempt = started();
    let until_ms = START + 30 * MINUTE;
    assert_eq!(
        run(&mut attempt, Input::HandIn, until_ms - 1),
        Err(AttemptError::TooEarly { until_ms })
    );
    let effects = run(&mut attempt, Input::HandIn, until_ms).unwrap();
    assert_eq!(
        effects[1],
        Effect::HandedIn {
            kind: HandInKind::Own
        }
    );
    let mut forced = started();
    let by = |reason: &str| Input::ForceHandIn {
        staff_id: "P1".to_owned(),
        reason: reason.to_owned(),
    };
    assert_eq!(
        run(&mut forced, by("  "), START),
        Err(AttemptError::ReasonMissing)
    );
    assert!(run(&mut forced, by("责令离场"), START).is_ok());
}

#[test]
fn warnings_come_once_each() {
    let mut attempt = started();
    assert!(attempt.tick(END - 10 * MINUTE - 1).is_empty());
    assert_eq!(attempt.tick(END - 10 * MINUTE), [Effect::WarnMinutes(10)]);
    assert!(attempt.tick(END - 9 * MINUTE).is_empty());
    run(
        &mut attempt,
        Input::Credit {
            credit_ms: MINUTE,
            by: "P1".to_owned(),
            reason: "鼠标".to_owned(),
            order: None,
        },
        END - 9 * MINUTE,
    )
    .unwrap();
    assert!(attempt.tick(END - 9 * MINUTE).is_empty());
    assert_eq!(attempt.tick(END - MINUTE), [Effect::WarnMinutes(5)]);
    let mut slept = started();
    assert_eq!(slept.tick(END - MINUTE), [Effect::WarnMinutes(5)]);
    assert!(slept.tick(END - MINUTE + 1).is_empty());
}

#[test]
fn an_outage_holds_the_hand_in_and_a_credit_gives_its_time_back() {
    let mut attempt = started();
    run(
        &mut attempt,
        outage(OutageCause::Power, END - 10 * MINUTE, END - 4 * MINUTE),
        END - 4 * MINUTE,
    )
    .unwrap();
    assert_eq!(
        (attempt.ends_ms(), attempt.provisional_ms()),
        (END, 6 * MINUTE)
    );
    assert_eq!(
        attempt.remaining_ms(END - 4 * MINUTE),
        4 * MINUTE,
        "the clock ran on"
    );
    assert!(
        attempt
            .tick(END + 20 * MINUTE)
            .iter()
            .all(|effect| matches!(effect, Effect::WarnMinutes(_)))
    );
    assert!(
        run(&mut attempt, choose(1, &[1]), END + 6 * MINUTE - 1).is_ok(),
        "its own six minutes"
    );
    let limit_ms = END + 6 * MINUTE;
    assert_eq!(
        run(&mut attempt, choose(1, &[2]), limit_ms),
        Err(AttemptError::TimeUp { limit_ms })
    );
    let most_ms = 6 * MINUTE;
    assert_eq!(
        run(&mut attempt, decide(1, most_ms + 1), END),
        Err(AttemptError::CreditOutOfRange { most_ms })
    );
    assert_eq!(
        run(&mut attempt, decide(2, 0), END),
        Err(AttemptError::NoSuchOutage { outage_no: 2 })
    );
    let effects = run(&mut attempt, decide(1, 6 * MINUTE), END + MINUTE).unwrap();
    assert_eq!(effects[1], Effect::EndsMoved { by_ms: 6 * MINUTE });
    assert_eq!(
        (attempt.ends_ms(), attempt.provisional_ms()),
        (END + 6 * MINUTE, 0)
    );
    assert!(
        run(&mut attempt, decide(1, 0), END).is_err(),
        "decided once"
    );
    assert_eq!(
        attempt.tick(END + 6 * MINUTE).last(),
        Some(&Effect::HandedIn {
            kind: HandInKind::TimeUp
        })
    );
}

#[test]
fn a_refused_credit_ends_the_attempt_at_the_next_tick() {
    let mut attempt = started();
    run(
        &mut attempt,
        outage(OutageCause::Crash, END - 3 * MINUTE, END - MINUTE),
        END - MINUTE,
    )
    .unwrap();
    run(&mut attempt, choose(1, &[1]), END + 1).unwrap();
    run(&mut attempt, decide(1, 0), END + MINUTE).unwrap();
    assert_eq!(
        attempt.tick(END + MINUTE).last(),
        Some(&Effect::HandedIn {
            kind: HandInKind::TimeUp
        })
    );
    assert_eq!(attempt.answer(1).chosen, set(&[1]));
}

#[test]
fn outages_are_capped_and_never_counted_twice() {
    let mut attempt = started();
    run(
        &mut attempt,
        outage(OutageCause::Power, START, START + 40 * MINUTE),
        START + 40 * MINUTE,
    )
    .unwrap();
    assert_eq!(attempt.outages()[0].proposed_ms, 30 * MINUTE);
    let inside = outage(OutageCause::Crash, START + MINUTE, START + 39 * MINUTE);
    assert_eq!(
        run(&mut attempt, inside, START + 41 * MINUTE),
        Ok(Vec::new())
    );
    let overlapping = outage(
        OutageCause::Suspend,
        START + 30 * MINUTE,
        START + 42 * MINUTE,
    );
    run(&mut attempt, overlapping, START + 42 * MINUTE).unwrap();
    assert_eq!(attempt.outages()[1].from_ms, START + 40 * MINUTE);
    assert_eq!(attempt.provisional_ms(), 32 * MINUTE);
    let ended = Input::SittingEnded {
        staff_id: "P1".to_owned(),
    };
    assert_eq!(
        run(&mut attempt, ended.clone(), END),
        Err(AttemptError::OutageUndecided { outage_no: 1 })
    );
    run(&mut attempt, decide(1, 0), END).unwrap();
    run(&mut attempt, decide(2, 0), END).unwrap();
    assert!(run(&mut attempt, ended, END).is_ok());
}

#[test]
fn a_doubtful_clock_suspends_until_the_proctor_decides() {
    let mut attempt = started();
    let now = END + 50 * MINUTE;
    run(
        &mut attempt,
        outage(OutageCause::Clock, START + 10 * MINUTE, now),
        now,
    )
    .unwrap();
    let cause = OutageCause::Clock;
    assert_eq!(attempt.state(), AttemptState::Suspended { cause });
    assert_eq!(
        run(&mut attempt, choose(1, &[1]), START),
        Err(AttemptError::Suspended { cause })
    );
    assert_eq!(
        run(&mut attempt, Input::HandIn, now),
        Err(AttemptError::Suspended { cause })
    );
    assert!(
        attempt
            .tick(now + 600 * MINUTE)
            .iter()
            .all(|effect| matches!(effect, Effect::WarnMinutes(_)))
    );
    // The clock is anchored again: only five minutes had passed. The proctor credits what was lost in all.
    run(&mut attempt, decide(1, 8 * MINUTE), START + 15 * MINUTE).unwrap();
    assert_eq!(attempt.state(), AttemptState::Answering);
    assert!(run(&mut attempt, choose(1, &[1]), START + 16 * MINUTE).is_ok());
}

#[test]
fn storage_suspends_and_its_return_is_an_outage() {
    let mut attempt = started();
    attempt.storage_failed(START + MINUTE);
    attempt.storage_failed(START + 2 * MINUTE);
    let cause = OutageCause::Storage;
    assert_eq!(attempt.state(), AttemptState::Suspended { cause });
    assert_eq!(
        run(&mut attempt, choose(1, &[1]), START + 2 * MINUTE),
        Err(AttemptError::Suspended { cause })
    );
    assert!(
        !attempt
            .tick(END + MINUTE)
            .iter()
            .any(|effect| matches!(effect, Effect::Record(_)))
    );
    run(&mut attempt, Input::StorageBack, START + 4 * MINUTE).unwrap();
    assert_eq!(attempt.state(), AttemptState::Answering);
    assert_eq!(attempt.provisional_ms(), 3 * MINUTE);
    assert_eq!(
        run(&mut attempt, Input::StorageBack, START + 5 * MINUTE),
        Ok(Vec::new())
    );
    // A failure so short that no time was lost must end as well.
    attempt.storage_failed(START + 6 * MINUTE);
    run(&mut attempt, Input::StorageBack, START + 6 * MINUTE).unwrap();
    assert_eq!(attempt.state(), AttemptState::Answering);
}

#[test]
fn credits_need_a_reason_and_beyond_the_cap_an_order() {
    let mut attempt = started();
    let credit = |credit_ms, reason: &str, order| Input::Credit {
        credit_ms,
        by: "P1".to_owned(),
        reason: reason.to_owned(),
        order,
    };
    assert_eq!(
        run(&mut attempt, credit(MINUTE, "", None), START),
        Err(AttemptError::ReasonMissing)
    );
    let most_ms = 30 * MINUTE;
    let refused = Err(AttemptError::CreditOutOfRange { most_ms });
    assert_eq!(run(&mut attempt, credit(0, "r", None), START), refused);
    assert_eq!(
        run(&mut attempt, credit(most_ms + 1, "r", None), START),
        refused
    );
    assert!(run(&mut attempt, credit(most_ms + 1, "r", Some(HASH)), START).is_ok());
    assert_eq!(attempt.ends_ms(), END + most_ms + 1);
    run(
        &mut attempt,
        Input::Postpone {
            by_ms: 5 * MINUTE,
            order: None,
        },
        START,
    )
    .unwrap();
    assert_eq!(attempt.ends_ms(), END + most_ms + 1 + 5 * MINUTE);
    assert_eq!(attempt.earliest_leave_ms(), START + 35 * MINUTE);
    assert!(
        run(
            &mut attempt,
            Input::Postpone {
                by_ms: -1,
                order: None
            },
            START
        )
        .is_err()
    );
}

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
