use super::attempt::*;
use super::set;
use fengjuan_core::attempt::*;
use fengjuan_core::event::{Event, HandInKind, OutageCause};

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
        reason: "考试结束".to_owned(),
    };
    assert_eq!(
        run(&mut attempt, ended.clone(), END),
        Err(AttemptError::OutageUndecided { outage_no: 1 })
    );
    run(&mut attempt, decide(1, 0), END).unwrap();
    run(&mut attempt, decide(2, 0), END).unwrap();
    let effects = run(&mut attempt, ended, END).unwrap();
    let told = effects.iter().any(|effect| match effect {
        Effect::Record(Event::HandedIn { reason, .. }) => reason.as_deref() == Some("考试结束"),
        _ => false,
    });
    assert!(told, "the proctor's own reason: {effects:?}");
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
        decision: None,
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
            decision: None,
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
                order: None,
                decision: None,
            },
            START
        )
        .is_err()
    );
}
