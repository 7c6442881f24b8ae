use super::start::sitting;
use fengjuan_core::draw::ticket_hash;
use fengjuan_core::event::{Event, HandInKind, Hash32, PictureUse};
use fengjuan_core::seat::{Seat, SeatRefusal, SeatRules, SeatState};

const MINUTE: i64 = 60_000;
const START: i64 = 1_000 * MINUTE;
const LIMIT: i64 = START + 15 * MINUTE;
const HASH: Hash32 = Hash32([7; 32]);

fn seat() -> Seat {
    Seat::new(SeatRules::of(&sitting()))
}
fn staff() -> String {
    "P1".to_owned()
}
fn identified() -> Event {
    Event::Identified {
        sitting_no: "S".to_owned(),
        ticket_hash: ticket_hash("S", "T"),
        seat_no: 1,
    }
}
fn arrived(arrival_ms: i64) -> Event {
    Event::Arrived {
        sitting_no: "S".to_owned(),
        ticket_hash: ticket_hash("S", "T"),
        arrival_ms,
        staff_id: staff(),
    }
}
fn picture() -> Event {
    Event::PictureTaken {
        usage: PictureUse::CheckIn,
        hash: HASH,
        salted: HASH,
        pattern: false,
        due_ms: None,
    }
}
fn confirmed(contraband_clear: bool) -> Event {
    Event::PersonConfirmed {
        staff_id: staff(),
        id_document: true,
        person: true,
        ticket: true,
        contraband_clear,
    }
}
fn started() -> Event {
    let (sitting_no, class_no) = ("S".to_owned(), "C".to_owned());
    Event::AttemptStarted {
        sitting_no,
        class_no,
        package: HASH,
        paper: HASH,
        started_ms: START,
        ends_ms: START,
    }
}
fn handed_in() -> Event {
    let kind = HandInKind::Own;
    Event::HandedIn {
        kind,
        answered: 0,
        unanswered: 0,
        at_ms: START,
        staff_id: None,
        reason: None,
    }
}
fn late_refused(arrival_ms: i64) -> Event {
    Event::LateRefused {
        arrival_ms,
        limit_ms: LIMIT,
        staff_id: staff(),
    }
}
fn absent() -> Event {
    Event::Absent {
        sitting_no: "S".to_owned(),
        ticket_hash: ticket_hash("S", "T"),
    }
}

/// The way of a person for whom nothing goes wrong.
fn day() -> Vec<(Event, i64, SeatState)> {
    let bundle = Hash32([9; 32]);
    vec![
        (identified(), START - 20 * MINUTE, SeatState::Identified),
        (picture(), START - 19 * MINUTE, SeatState::Pictured),
        (confirmed(true), START - 18 * MINUTE, SeatState::Confirmed),
        (
            Event::RulesAgreed {},
            START - 17 * MINUTE,
            SeatState::Tutorial,
        ),
        (
            Event::TutorialDone { skipped: false },
            START - 10 * MINUTE,
            SeatState::Waiting,
        ),
        (started(), START, SeatState::Answering),
        (handed_in(), START + 90 * MINUTE, SeatState::HandedIn),
        (
            Event::BundleSealed {
                bundle_no: 1,
                hash: bundle,
            },
            START + 91 * MINUTE,
            SeatState::Sealed,
        ),
        (
            Event::Receipted {
                hash: HASH,
                receipt: HASH,
            },
            START + 92 * MINUTE,
            SeatState::Sealed,
        ),
        (
            Event::Receipted {
                hash: bundle,
                receipt: HASH,
            },
            START + 93 * MINUTE,
            SeatState::Receipted,
        ),
    ]
}

/// A person in front of the questions.
pub fn answering() -> Seat {
    let mut seat = seat();
    for (event, now, _) in &day()[..6] {
        seat.apply(event, *now).unwrap();
    }
    seat
}

#[test]
fn the_whole_way() {
    let mut seat = seat();
    for (event, now, state) in day() {
        assert_eq!(seat.next(&event, now), Ok(state));
        assert_eq!(seat.apply(&event, now), Ok(state));
    }
}

/// No step of the way can be taken at any other place of it, except where a picture or a bundle may be repeated.
#[test]
fn no_step_can_be_skipped_or_repeated() {
    let way = day();
    for taken in 0..way.len() {
        let mut seat = seat();
        for (event, now, _) in &way[..taken] {
            seat.apply(event, *now).unwrap();
        }
        for (other, (event, ..)) in way.iter().enumerate() {
            let repeatable = matches!(
                event,
                Event::PictureTaken { .. } | Event::BundleSealed { .. }
            );
            let receipt = matches!(event, Event::Receipted { .. });
            if other != taken && !repeatable && !receipt {
                let before = seat.clone();
                assert!(
                    seat.apply(event, START + MINUTE).is_err(),
                    "{event:?} after {taken} steps"
                );
                assert_eq!(seat, before);
            }
        }
    }
}

#[test]
fn lateness_is_judged_by_the_arrival_stamp() {
    let opens_ms = START - 30 * MINUTE;
    assert_eq!(
        seat().next(&identified(), opens_ms - 1),
        Err(SeatRefusal::EntryNotOpen { opens_ms })
    );
    assert_eq!(
        seat().next(&arrived(opens_ms - 1), opens_ms),
        Err(SeatRefusal::EntryNotOpen { opens_ms })
    );
    assert_eq!(
        seat().next(&arrived(START + 1), START),
        Err(SeatRefusal::ArrivalAhead)
    );
    assert!(seat().apply(&identified(), LIMIT).is_ok());
    let late = SeatRefusal::Late {
        arrival_ms: LIMIT + 1,
        limit_ms: LIMIT,
    };
    assert_eq!(seat().apply(&identified(), LIMIT + 1), Err(late));

    // In the queue in time, at the machine after the limit.
    let mut queued = seat();
    queued.apply(&arrived(LIMIT), LIMIT).unwrap();
    assert_eq!(
        queued.apply(&identified(), LIMIT + 5 * MINUTE),
        Ok(SeatState::Identified)
    );
    queued.apply(&picture(), LIMIT + 6 * MINUTE).unwrap();
    assert_eq!(
        queued.apply(&confirmed(true), LIMIT + 7 * MINUTE),
        Ok(SeatState::Confirmed)
    );

    // Stamped late: refused, unless the center orders otherwise.
    let mut stamped = seat();
    stamped.apply(&arrived(LIMIT + 1), LIMIT + 1).unwrap();
    assert_eq!(stamped.apply(&identified(), LIMIT + 2), Err(late));
    assert_eq!(
        stamped.next(&late_refused(LIMIT + 1), LIMIT + 3),
        Ok(SeatState::LateRefused)
    );
    let in_time = SeatRefusal::NotLate { arrival_ms: LIMIT };
    assert_eq!(stamped.next(&late_refused(LIMIT), LIMIT + 3), Err(in_time));
    stamped.allow_late();
    assert!(stamped.next(&late_refused(LIMIT + 1), LIMIT + 3).is_err());
    assert_eq!(
        stamped.apply(&identified(), LIMIT + 3),
        Ok(SeatState::Identified)
    );
}

#[test]
fn absent_is_who_never_came() {
    assert_eq!(
        seat().next(&absent(), LIMIT),
        Err(SeatRefusal::NotAbsentYet { limit_ms: LIMIT })
    );
    assert_eq!(seat().next(&absent(), LIMIT + 1), Ok(SeatState::Absent));
    let mut came = seat();
    came.apply(&identified(), START).unwrap();
    assert!(came.next(&absent(), LIMIT + 1).is_err());
    let not_admitted = Event::NotAdmitted {
        staff_id: staff(),
        reason: "证件不符".to_owned(),
    };
    assert!(seat().next(&not_admitted, START).is_err());
    assert_eq!(came.apply(&not_admitted, START), Ok(SeatState::NotAdmitted));
    assert!(came.next(&picture(), START).is_err());
}

#[test]
fn whoever_arrived_and_never_sat_down_is_not_absent() {
    let arrival_ms = START - MINUTE;
    let not_seated = |arrival_ms| Event::ArrivedNotSeated {
        sitting_no: "S".to_owned(),
        ticket_hash: ticket_hash("S", "T"),
        arrival_ms,
    };
    let mut stamped = seat();
    assert_eq!(
        stamped.next(&not_seated(arrival_ms), LIMIT + 1),
        Err(SeatRefusal::NoSuchArrival)
    );
    stamped.apply(&arrived(arrival_ms), arrival_ms).unwrap();
    assert_eq!(
        stamped.next(&absent(), LIMIT + 1),
        Err(SeatRefusal::HasArrived { arrival_ms })
    );
    assert_eq!(
        stamped.next(&not_seated(arrival_ms), LIMIT),
        Err(SeatRefusal::NotAbsentYet { limit_ms: LIMIT })
    );
    assert_eq!(
        stamped.next(&not_seated(arrival_ms - 1), LIMIT + 1),
        Err(SeatRefusal::NoSuchArrival)
    );
    let mut seated = stamped.clone();
    seated.apply(&identified(), START).unwrap();
    assert!(seated.next(&not_seated(arrival_ms), LIMIT + 1).is_err());
    assert_eq!(
        stamped.apply(&not_seated(arrival_ms), LIMIT + 1),
        Ok(SeatState::ArrivedNotSeated)
    );
    assert!(stamped.next(&identified(), LIMIT + 2).is_err());
    let sealed = Event::BundleSealed {
        bundle_no: 1,
        hash: Hash32([9; 32]),
    };
    assert_eq!(
        stamped.apply(&sealed, LIMIT + 2),
        Ok(SeatState::ArrivedNotSeated)
    );
}

#[test]
fn nobody_starts_unconfirmed_or_early() {
    let mut seat = seat();
    seat.apply(&identified(), START).unwrap();
    assert_eq!(seat.next(&started(), START), Err(SeatRefusal::Unconfirmed));
    assert_eq!(
        seat.next(&confirmed(true), START),
        Err(SeatRefusal::OutOfOrder {
            state: SeatState::Identified
        })
    );
    seat.apply(&picture(), START).unwrap();
    assert_eq!(
        seat.next(&confirmed(false), START),
        Err(SeatRefusal::ConfirmationIncomplete)
    );
    assert_eq!(seat.next(&started(), START), Err(SeatRefusal::Unconfirmed));
    let mut waiting = self::seat();
    for (event, now, _) in &day()[..5] {
        waiting.apply(event, *now).unwrap();
    }
    let postponed = Event::Postponed {
        sitting_no: "S".to_owned(),
        by_ms: 10 * MINUTE,
        order: None,
        decision: None,
    };
    waiting.apply(&postponed, START - MINUTE).unwrap();
    let start_ms = START + 10 * MINUTE;
    assert_eq!(
        waiting.next(&started(), START),
        Err(SeatRefusal::NotStarted { start_ms })
    );
    assert_eq!(waiting.next(&started(), start_ms), Ok(SeatState::Answering));
    assert_eq!(waiting.rules().late_limit_ms, LIMIT + 10 * MINUTE);
}

#[test]
fn one_visit_is_one_person() {
    let mut seat = seat();
    seat.apply(&arrived(START), START).unwrap();
    let other = Event::Identified {
        sitting_no: "S".to_owned(),
        ticket_hash: ticket_hash("S", "U"),
        seat_no: 1,
    };
    assert_eq!(seat.next(&other, START), Err(SeatRefusal::AnotherPerson));
    let elsewhere = Event::Identified {
        sitting_no: "X".to_owned(),
        ticket_hash: ticket_hash("S", "T"),
        seat_no: 1,
    };
    assert_eq!(
        seat.next(&elsewhere, START),
        Err(SeatRefusal::AnotherPerson)
    );
}
