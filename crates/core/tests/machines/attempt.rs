use super::set;
use fengjuan_core::attempt::*;
use fengjuan_core::event::{Event, HandInKind, Hash32, OutageCause};
use fengjuan_core::item::OptionSet;
use fengjuan_core::plan::ItemType;

pub const MINUTE: i64 = 60_000;
pub const START: i64 = 1_000 * MINUTE;
pub const END: i64 = START + 60 * MINUTE;
pub const HASH: Hash32 = Hash32([7; 32]);

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

pub fn started() -> Attempt {
    let mut attempt = Attempt::start(plan());
    attempt
        .commit(&plan().started_event(HASH, HASH), START)
        .unwrap();
    attempt
}

/// Proposes and takes over; what a terminal with a working disk does.
pub fn run(attempt: &mut Attempt, input: Input, now: i64) -> Result<Vec<Effect>, AttemptError> {
    let effects = attempt.propose(input, now)?;
    for effect in &effects {
        if let Effect::Record(event) = effect {
            attempt.commit(event, now).unwrap();
        }
    }
    Ok(effects)
}

pub fn outage(cause: OutageCause, from_ms: i64, to_ms: i64) -> Input {
    Input::OutageFound {
        cause,
        from_ms,
        to_ms,
    }
}
pub fn decide(outage_no: u32, credit_ms: i64) -> Input {
    Input::OutageDecided {
        outage_no,
        credit_ms,
        cause: None,
        staff_id: "P1".to_owned(),
        reason: "停电".to_owned(),
    }
}
pub fn choose(position: u32, options: &[u8]) -> Input {
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
