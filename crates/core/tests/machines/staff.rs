use super::attempt::*;
use fengjuan_core::attempt::*;
use fengjuan_core::event::{Event, HandInKind, OutageCause};
use fengjuan_core::seat::SeatState;

fn suspend() -> Input {
    Input::StaffSuspend {
        staff_id: "P1".to_owned(),
        reason: "火警".to_owned(),
    }
}
fn resume() -> Input {
    Input::StaffResume {
        staff_id: "P1".to_owned(),
    }
}
fn remove() -> Input {
    Input::Remove {
        staff_id: "P1".to_owned(),
        second: "P2".to_owned(),
        reason: "使用手机".to_owned(),
    }
}
fn reopen(score_shown: bool) -> Input {
    Input::Reopen {
        staff_id: "P1".to_owned(),
        second: "H1".to_owned(),
        reason: "误点".to_owned(),
        order: None,
        score_shown,
    }
}

#[test]
fn a_suspension_is_an_outage_of_its_length() {
    let mut attempt = started();
    let at_ms = START + 10 * MINUTE;
    run(&mut attempt, suspend(), at_ms).unwrap();
    let cause = OutageCause::Staff;
    assert_eq!(attempt.state(), AttemptState::Suspended { cause });
    let refused = Err(AttemptError::Suspended { cause });
    assert_eq!(run(&mut attempt, choose(1, &[1]), at_ms + 1), refused);
    assert_eq!(run(&mut attempt, Input::HandIn, at_ms + 1), refused);
    assert_eq!(run(&mut attempt, suspend(), at_ms + 1), refused);
    let ended = Input::SittingEnded {
        staff_id: "P1".to_owned(),
        reason: "考试结束".to_owned(),
    };
    assert_eq!(run(&mut attempt, ended, at_ms + 1), refused);
    run(&mut attempt, resume(), at_ms + 4 * MINUTE).unwrap();
    assert_eq!(attempt.state(), AttemptState::Answering);
    let outage = attempt.undecided().unwrap();
    assert_eq!((outage.cause, outage.proposed_ms), (cause, 4 * MINUTE));
    assert_eq!(attempt.limit_ms(), END + 4 * MINUTE);
    assert_eq!(
        run(&mut attempt, resume(), at_ms + 5 * MINUTE),
        Err(AttemptError::NotSuspended)
    );
}

#[test]
fn nobody_is_handed_in_while_suspended() {
    let mut attempt = started();
    run(&mut attempt, suspend(), END - MINUTE).unwrap();
    let hands_in = |effects: &[Effect]| {
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::HandedIn { .. }))
    };
    assert!(!hands_in(&attempt.tick(END + 5 * MINUTE)));
    let time_up = Event::HandedIn {
        kind: HandInKind::TimeUp,
        answered: 0,
        unanswered: 4,
        at_ms: END + MINUTE,
        staff_id: None,
        reason: None,
    };
    assert!(attempt.commit(&time_up, END + MINUTE).is_err());
    run(&mut attempt, resume(), END + 6 * MINUTE).unwrap();
    assert_eq!(attempt.provisional_ms(), 7 * MINUTE);
    run(&mut attempt, decide(1, 7 * MINUTE), END + 6 * MINUTE).unwrap();
    assert!(run(&mut attempt, choose(1, &[1]), END + 7 * MINUTE - 1).is_ok());
    assert!(hands_in(&attempt.tick(END + 7 * MINUTE)));
}

/// A power cut, a slow disk or a doubtful clock inside a suspension take nothing off it, and nothing is counted twice.
#[test]
fn what_happens_inside_a_suspension_does_not_shorten_it() {
    for cause in [OutageCause::Power, OutageCause::Clock, OutageCause::Storage] {
        let mut attempt = started();
        run(&mut attempt, suspend(), START + MINUTE).unwrap();
        let (from_ms, to_ms) = (START + 2 * MINUTE, START + 4 * MINUTE);
        if cause == OutageCause::Storage {
            attempt.storage_failed(from_ms);
            run(&mut attempt, Input::StorageBack, to_ms).unwrap();
        } else {
            run(&mut attempt, outage(cause, from_ms, to_ms), to_ms).unwrap();
        }
        run(&mut attempt, resume(), START + 6 * MINUTE).unwrap();
        assert_eq!(attempt.provisional_ms(), 5 * MINUTE, "{cause:?}");
    }
}

#[test]
fn a_suspension_survives_a_restart() {
    let mut attempt = started();
    run(&mut attempt, suspend(), START + MINUTE).unwrap();
    let suspended = Event::SuspendedByStaff {
        staff_id: "P1".to_owned(),
        reason: "火警".to_owned(),
    };
    let record = [
        (plan().started_event(HASH, HASH), START),
        (suspended, START + MINUTE),
    ];
    assert_eq!(Attempt::replay(plan(), record).unwrap(), attempt);
}

#[test]
fn who_is_told_to_leave_is_done() {
    let mut attempt = started();
    run(&mut attempt, choose(1, &[2]), START).unwrap();
    let nameless = Input::Remove {
        staff_id: "P1".to_owned(),
        second: " ".to_owned(),
        reason: "使用手机".to_owned(),
    };
    assert_eq!(
        run(&mut attempt, nameless, START + 1),
        Err(AttemptError::ReasonMissing)
    );
    run(&mut attempt, suspend(), START + 1).unwrap();
    let effects = run(&mut attempt, remove(), START + 2).unwrap();
    let kind = HandInKind::Forced;
    assert_eq!(effects[1], Effect::HandedIn { kind });
    assert!(attempt.is_removed());
    assert_eq!(attempt.counts().answered, 1);
    assert_eq!(
        run(&mut attempt, reopen(false), START + 3),
        Err(AttemptError::Removed)
    );
    assert_eq!(
        run(&mut attempt, remove(), START + 3),
        Err(AttemptError::AlreadyHandedIn)
    );
}

#[test]
fn a_mistaken_hand_in_goes_on_with_the_same_end() {
    let mut attempt = started();
    assert_eq!(
        run(&mut attempt, reopen(false), START),
        Err(AttemptError::NotHandedIn)
    );
    run(&mut attempt, choose(1, &[2]), START).unwrap();
    run(&mut attempt, Input::HandIn, START + 40 * MINUTE).unwrap();
    assert_eq!(
        run(&mut attempt, reopen(true), START + 41 * MINUTE),
        Err(AttemptError::ScoreShown)
    );
    let limit_ms = END;
    assert_eq!(
        run(&mut attempt, reopen(false), END),
        Err(AttemptError::TimeUp { limit_ms })
    );
    run(&mut attempt, reopen(false), START + 45 * MINUTE).unwrap();
    assert_eq!(attempt.state(), AttemptState::Answering);
    assert_eq!((attempt.ends_ms(), attempt.counts().answered), (END, 1));
    run(&mut attempt, choose(2, &[0, 1]), START + 46 * MINUTE).unwrap();
    run(&mut attempt, Input::HandIn, START + 50 * MINUTE).unwrap();
    assert_eq!(attempt.counts().answered, 2);
}

#[test]
fn the_seat_follows() {
    let removed = Event::Removed {
        staff_id: "P1".to_owned(),
        second: "P2".to_owned(),
        reason: "使用手机".to_owned(),
        answered: 0,
        unanswered: 0,
        at_ms: 0,
    };
    let reopened = Event::Reopened {
        staff_id: "P1".to_owned(),
        second: "H1".to_owned(),
        reason: "误点".to_owned(),
        order: None,
    };
    let mut seat = super::seat::answering();
    assert!(seat.next(&reopened, 0).is_err());
    assert_eq!(seat.apply(&removed, 0), Ok(SeatState::HandedIn));
    assert_eq!(seat.apply(&reopened, 0), Ok(SeatState::Answering));
}
