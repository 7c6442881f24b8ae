use super::*;
use fengjuan_core::room::command::{Authority, PhoneApproval, Scope};
use fengjuan_core::room::rules::{Deed, NotAllowed};
use fengjuan_core::room::seating::SeatingError;
use fengjuan_core::room::station::{START_LEAD_MS, Step};

fn start() -> Action {
    Action::Start {
        sitting_no: "S".to_owned(),
    }
}

fn postpone(authority: Authority) -> Action {
    Action::Postpone {
        sitting_no: "S".to_owned(),
        by_ms: 10 * MINUTE,
        authority,
    }
}

fn end(class_no: Option<&str>, forced: bool) -> Action {
    Action::End {
        sitting_no: "S".to_owned(),
        class_no: class_no.map(str::to_owned),
        forced,
    }
}

fn unlocked() -> Action {
    Action::Unlocked {
        sitting_no: "S".to_owned(),
        version: 1,
    }
}

#[test]
fn a_sitting_goes_its_way() {
    let mut desk = Desk::open();
    let step = |desk: &Desk, now: i64| desk.station.step("S", now).0;
    let opens_ms = START - 30 * MINUTE;
    assert_eq!(step(&desk, opens_ms - 1), Step::Held);
    let early = desk.ask(unlocked(), &two(), opens_ms - 1);
    assert_eq!(early, Err(RoomError::EntryNotOpen { opens_ms }));
    assert_eq!(step(&desk, opens_ms), Step::EntryOpen);
    assert_eq!(
        desk.ask(start(), &two(), START),
        Err(RoomError::NotUnlocked)
    );
    desk.ask(unlocked(), &two(), opens_ms).unwrap();
    desk.publish("S");
    let planned_ms = START;
    let (unlocked, blocks) = desk.station.step("S", START - 1);
    assert_eq!(unlocked, Step::Unlocked);
    assert_eq!(blocks, [RoomError::TooEarly { planned_ms }]);
    let early = desk.ask(start(), &two(), START - 1);
    assert_eq!(early, Err(RoomError::TooEarly { planned_ms }));
    let limit_ms = START + 20 * MINUTE;
    let late = desk.ask(start(), &two(), limit_ms + 1);
    assert_eq!(late, Err(RoomError::TooLate { limit_ms }));
    // No terminal would begin after the limit, even where the click was before it.
    let late = desk.ask(start(), &two(), limit_ms - START_LEAD_MS + 1);
    assert_eq!(late, Err(RoomError::TooLate { limit_ms }));
    let events = desk.ask(start(), &two(), START).unwrap();
    let body = CommandBody::Start {
        sitting_no: "S".to_owned(),
        planned_ms,
        at_ms: START + START_LEAD_MS,
    };
    let to_all: Vec<(u8, CommandBody)> = (1..=3).map(|number| (number, body.clone())).collect();
    assert_eq!(commands(&events), to_all, "the spare too");
    assert_eq!(step(&desk, START), Step::Running);
    let again = desk.ask(start(), &two(), START);
    assert_eq!(again, Err(RoomError::AlreadyStarted));
    desk.ask(end(None, false), &two(), START + MINUTE).unwrap();
    assert_eq!(step(&desk, START), Step::Ended);
    let submitted = Action::Submitted {
        sitting_no: "S".to_owned(),
    };
    desk.ask(submitted, &two(), START).unwrap();
    assert_eq!(step(&desk, START), Step::Submitted);
}

#[test]
fn a_late_code_moves_the_whole_sitting() {
    let mut desk = Desk::open();
    let alone = desk.ask(postpone(Authority::Site {}), &two(), START);
    assert_eq!(alone, Err(NotAllowed::OrderNeeded.into()));
    let phone = PhoneApproval {
        who: "李".to_owned(),
        when_ms: START,
        number: "0537-1".to_owned(),
    };
    let pending = Authority::Pending {
        phone: Some(phone.clone()),
    };
    let single = desk.ask(postpone(pending.clone()), &one("密码未到"), START);
    assert_eq!(single, Err(NotAllowed::SecondNeeded.into()));
    let events = desk.ask(postpone(pending), &two(), START).unwrap();
    assert_eq!(commands(&events).len(), 3);
    let (awaited_no, awaited) = desk.station.awaited().next().unwrap();
    assert_eq!((*awaited_no, awaited.deed), (1, Deed::Postpone));
    assert_eq!(
        (awaited.concern.as_str(), &awaited.phone),
        ("room:S", &Some(phone))
    );
    let arrived = Action::OrderArrived {
        awaited_no: 1,
        order: TICKET,
    };
    desk.ask(arrived.clone(), &two(), START).unwrap();
    assert_eq!(desk.station.awaited().count(), 0);
    let again = desk.ask(arrived, &two(), START);
    assert_eq!(again, Err(RoomError::UnknownAwaited));
    desk.ask(unlocked(), &two(), START).unwrap();
    desk.publish("S");
    let planned_ms = START + 10 * MINUTE;
    let early = desk.ask(start(), &two(), planned_ms - 1);
    assert_eq!(early, Err(RoomError::TooEarly { planned_ms }));
    // A machine that is listed now hears of it too.
    let list = Action::List {
        device: device(9),
        name: "PC-9".to_owned(),
        spare: true,
    };
    let events = desk.ask(list, &two(), START).unwrap();
    let told = commands(&events);
    assert!(matches!(told[..], [(9, CommandBody::Postpone { by_ms, .. })] if by_ms == 10 * MINUTE));
    desk.ask(start(), &two(), planned_ms).unwrap();
    let order = Authority::Order { order: TICKET };
    let late = desk.ask(postpone(order), &two(), planned_ms);
    assert_eq!(late, Err(RoomError::AlreadyStarted));
}

#[test]
fn nobody_is_ended_while_answering_unless_forced_with_a_reason() {
    let mut desk = Desk::running();
    let answering = RoomError::SomebodyAnswers { answering: 1 };
    assert_eq!(
        desk.ask(end(None, false), &one(""), START),
        Err(answering.clone())
    );
    assert_eq!(
        desk.ask(end(Some("C"), false), &one(""), START),
        Err(answering)
    );
    assert_eq!(
        desk.ask(end(Some("X"), false), &one(""), START),
        Err(RoomError::UnknownClass)
    );
    desk.ask(end(Some("D"), false), &one(""), START).unwrap();
    let again = desk.ask(end(Some("D"), false), &one(""), START);
    assert_eq!(again, Err(RoomError::AlreadyEnded));
    let unsaid = desk.ask(end(None, true), &one(" "), START);
    assert_eq!(unsaid, Err(NotAllowed::ReasonNeeded.into()));
    desk.ask(end(None, true), &one("疏散"), START).unwrap();
    let again = desk.ask(end(Some("C"), false), &one(""), START);
    assert_eq!(again, Err(RoomError::AlreadyEnded));
    let body = CommandBody::Reopen {
        attempt: ATTEMPT,
        authority: Authority::Pending { phone: None },
    };
    let reopen = desk.ask(Action::Tell { body }, &two(), START);
    assert_eq!(reopen, Err(RoomError::AlreadyEnded), "the keys are gone");
}

#[test]
fn an_end_that_was_refused_is_given_again_where_it_was_and_nowhere_else() {
    let mut desk = Desk::running();
    let started = desk.station.waiting_from(&device(2), 1).len();
    assert!(started > 0);
    for number in 1..=3 {
        desk.answer(number, None);
    }
    desk.ask(end(None, true), &one("疏散"), START).unwrap();
    assert_eq!(desk.station.step("S", START).0, Step::Running);
    desk.answer(1, Some("attempt.outage_undecided"));
    desk.answer(2, Some("sitting.already_ended"));
    desk.answer(3, None);
    desk.due(START);
    let alerts = desk.station.alerts().worst_first();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert!(!desk.station.is_over("S"));
    let answering = RoomError::SomebodyAnswers { answering: 1 };
    let plain = desk.ask(end(None, false), &one(""), START);
    assert_eq!(plain, Err(answering.clone()));
    let events = desk.ask(end(None, true), &one("疏散"), START).unwrap();
    assert!(matches!(
        commands(&events)[..],
        [(1, CommandBody::End { forced: true, .. })]
    ));
    // It is on its way: nobody need say it a third time, and the room is not over before it has come.
    let again = desk.ask(end(None, true), &one("疏散"), START);
    assert_eq!(again, Err(RoomError::AlreadyEnded));
    assert_eq!(
        desk.station.step("S", START),
        (Step::Running, vec![answering])
    );
    desk.answer(1, None);
    desk.entry(1, 1, handed_in());
    desk.due(START);
    assert_eq!(desk.station.step("S", START).0, Step::Ended);
    assert!(desk.station.is_over("S"));
    assert!(desk.station.alerts().worst_first().is_empty());
}

#[test]
fn a_plain_end_is_forced_where_somebody_still_answers() {
    let mut desk = Desk::open();
    desk.ask(unlocked(), &two(), START - MINUTE).unwrap();
    desk.publish("S");
    desk.ask(start(), &two(), START).unwrap();
    desk.ask(end(None, false), &one(""), START).unwrap();
    assert_eq!(desk.station.step("S", START).0, Step::Ended);
    // Somebody had begun whom this station had not heard of.
    desk.identified(2);
    desk.entry(2, 1, begun());
    desk.due(START);
    assert_eq!(desk.station.step("S", START).0, Step::Running);
    let events = desk.ask(end(None, true), &one("疏散"), START).unwrap();
    assert!(matches!(
        commands(&events)[..],
        [(2, CommandBody::End { forced: true, .. })]
    ));
}

#[test]
fn time_for_many_waits_for_the_center() {
    let mut desk = Desk::running();
    let credit = |scope: Scope, credit_ms: i64, authority: Authority| Action::Tell {
        body: CommandBody::Credit {
            scope,
            credit_ms,
            authority,
        },
    };
    let room = || Scope::Room {
        sitting_no: "S".to_owned(),
    };
    let attempt = Scope::Attempt { attempt: ATTEMPT };
    let events = desk
        .ask(
            credit(attempt.clone(), MINUTE, Authority::Site {}),
            &one("鼠标"),
            START,
        )
        .unwrap();
    assert_eq!(commands(&events).len(), 1, "to its machine alone");
    let silent = desk.ask(credit(attempt, MINUTE, Authority::Site {}), &one(""), START);
    assert_eq!(silent, Err(NotAllowed::ReasonNeeded.into()));
    let alone = desk.ask(credit(room(), MINUTE, Authority::Site {}), &two(), START);
    assert_eq!(alone, Err(NotAllowed::OrderNeeded.into()));
    let pending = || Authority::Pending { phone: None };
    let most_ms = 30 * MINUTE;
    let long = desk.ask(credit(room(), most_ms + 1, pending()), &two(), START);
    assert_eq!(long, Err(RoomError::TimeOutOfRange { most_ms }));
    let events = desk
        .ask(credit(room(), MINUTE, pending()), &two(), START)
        .unwrap();
    assert_eq!(commands(&events).len(), 3);
    let class = Scope::ClassGroup {
        sitting_no: "S".to_owned(),
        class_no: "C".to_owned(),
    };
    let order = Authority::Order { order: TICKET };
    desk.ask(credit(class, 45 * MINUTE, order), &two(), START)
        .unwrap();
    assert_eq!(
        desk.station.awaited().count(),
        1,
        "only the one without an order"
    );
}

#[test]
fn what_the_software_asks_nobody_may_ask() {
    let mut desk = Desk::running();
    let lease = CommandBody::Lease {
        attempt: ATTEMPT,
        lease: 9,
        carry: Vec::new(),
    };
    let tell = desk.ask(Action::Tell { body: lease }, &two(), START);
    assert_eq!(tell, Err(RoomError::NotDirect));
    let reopen = CommandBody::Reopen {
        attempt: ATTEMPT,
        authority: Authority::Pending { phone: None },
    };
    let tell = desk.ask(Action::Tell { body: reopen }, &two(), START);
    assert_eq!(tell, Err(RoomError::NotHandedIn));
    let unknown = CommandBody::ForceHandIn { attempt: [1; 16] };
    let tell = desk.ask(Action::Tell { body: unknown }, &two(), START);
    assert_eq!(tell, Err(RoomError::UnknownAttempt));
}

#[test]
fn a_replay_gives_the_same_station() {
    let desk = Desk::running();
    let mut again = Station::new(device(100));
    for event in &desk.ledger {
        again.commit(event);
    }
    assert_eq!(again.recorded(), desk.station.recorded());
}

#[test]
fn a_standby_follows_and_takes_over_what_waits() {
    let mut desk = Desk::running();
    desk.acknowledge(1, 1, None);
    let mut standby = Desk::new();
    standby.station = Station::new(device(101));
    standby.station.hold(&sitting(), 2);
    for event in &desk.ledger {
        standby.station.follow(event);
    }
    assert_eq!(
        standby.ask(start(), &two(), START),
        Err(RoomError::NotCommanding)
    );
    standby
        .ask(Action::TakeOver { followed: None }, &two(), START)
        .unwrap();
    assert_eq!(standby.station.standing().commanding(), Some(2));
    let waiting = |desk: &Desk, number| desk.station.waiting_from(&device(number), 1);
    let before = waiting(&desk, 1);
    let after = waiting(&standby, 1);
    assert_eq!(before.len(), after.len());
    for (place, (old, new)) in (1u64..).zip(before.iter().zip(&after)) {
        assert_eq!((new.epoch, new.no), (2, place));
        assert_eq!(new.command, old.command);
    }
    // The first one hears of it, and stops.
    let event = desk.station.hear_epoch(2, Some(device(101))).unwrap();
    desk.write(&[event]);
    assert_eq!(
        desk.ask(end(None, true), &two(), START),
        Err(RoomError::NotCommanding)
    );
    assert_eq!(desk.station.hear_epoch(2, Some(device(101))), None);
    // It follows what the other does now; its own old epoch in there does not make it command again.
    let mut again = Station::new(device(100));
    again.has_heard(2);
    for event in desk.ledger.iter().chain(&standby.ledger) {
        again.follow(event);
    }
    assert_eq!(again.standing().commanding(), None);
    assert_eq!(again.standing().next_epoch(), Some(3));
}

#[test]
fn a_machine_that_refused_the_start_gets_it_again_with_the_moments_of_the_room() {
    let mut desk = Desk::open();
    let again = |number: u8| Action::StartAgain {
        sitting_no: "S".to_owned(),
        device: device(number),
    };
    (1..=3).for_each(|number| desk.answer(number, None));
    desk.ask(unlocked(), &two(), START).unwrap();
    desk.publish("S");
    let early = desk.ask(again(2), &one(""), START);
    assert_eq!(early, Err(RoomError::NotStarted));
    let arrive = CommandBody::Arrive {
        sitting_no: "S".to_owned(),
        ticket_hash: TICKET,
        arrival_ms: START,
    };
    let told = Action::Tell {
        body: arrive.clone(),
    };
    desk.ask(told, &one(""), START).unwrap();
    desk.ask(start(), &two(), START).unwrap();
    let body = CommandBody::Start {
        sitting_no: "S".to_owned(),
        planned_ms: START,
        at_ms: START + START_LEAD_MS,
    };
    let waits = desk.ask(again(2), &one(""), START);
    assert_eq!(
        waits,
        Err(RoomError::AlreadyStarted),
        "it has said nothing yet"
    );
    desk.answer(1, None);
    desk.answer(2, Some("room.other_sitting"));
    assert_eq!(desk.station.start_refused("S", &device(1)), None);
    let refused = desk.station.start_refused("S", &device(2));
    assert_eq!(refused, Some("room.other_sitting"));
    desk.ask(end(Some("D"), false), &one(""), START + MINUTE)
        .unwrap();
    desk.answer(2, Some("room.other_sitting"));
    let events = desk.ask(again(2), &one(""), START + 2 * MINUTE).unwrap();
    let told: Vec<CommandBody> = commands(&events)
        .into_iter()
        .map(|(_, body)| body)
        .collect();
    let ended = CommandBody::End {
        sitting_no: "S".to_owned(),
        class_no: Some("D".to_owned()),
        forced: false,
    };
    assert_eq!(
        told,
        [arrive, body, ended],
        "who is there, the start, and what is over"
    );
    desk.answer(2, None);
    assert_eq!(desk.station.start_refused("S", &device(2)), None);
    let done = desk.ask(again(2), &one(""), START + 3 * MINUTE);
    assert_eq!(done, Err(RoomError::AlreadyStarted));
    desk.due(START + 3 * MINUTE);
    let alerts = desk.station.alerts().worst_first();
    assert!(
        alerts
            .iter()
            .all(|open| open.alert.code() != "alert.refused")
    );
}

#[test]
fn the_published_seats_are_told_to_every_machine_and_to_one_that_comes_later() {
    let mut desk = Desk::open();
    let deal = Action::DealByRoster {
        sitting_no: "S".to_owned(),
        roster: [(TICKET, 2)].into(),
    };
    let before = desk.ask(deal, &two(), START - MINUTE).unwrap();
    assert_eq!(commands(&before), [], "nothing is told before it is locked");
    let publish = Action::PublishSeats {
        sitting_no: "S".to_owned(),
    };
    let events = desk.ask(publish, &two(), START - MINUTE).unwrap();
    let body = CommandBody::Seats {
        sitting_no: "S".to_owned(),
        dealt: vec![(TICKET, 2)],
    };
    let to_all: Vec<(u8, CommandBody)> = (1..=3).map(|number| (number, body.clone())).collect();
    assert_eq!(commands(&events), to_all);
    let list = Action::List {
        device: device(9),
        name: "PC-9".to_owned(),
        spare: true,
    };
    let events = desk.ask(list, &two(), START).unwrap();
    assert_eq!(commands(&events), [(9, body)]);
}

#[test]
fn a_machine_that_comes_late_hears_of_all_that_holds_for_the_room() {
    let mut desk = Desk::running();
    let room = || Scope::Room {
        sitting_no: "S".to_owned(),
    };
    let tell = |body: CommandBody| Action::Tell { body };
    let class = Scope::ClassGroup {
        sitting_no: "S".to_owned(),
        class_no: "D".to_owned(),
    };
    let pending = Authority::Pending { phone: None };
    let credit = |scope: Scope| CommandBody::Credit {
        scope,
        credit_ms: MINUTE,
        authority: pending.clone(),
    };
    let pattern = CommandBody::PatternCamera {
        sitting_no: "S".to_owned(),
    };
    let suspend = |scope: Scope| CommandBody::Suspend { scope };
    let over = CommandBody::Resume { scope: room() };
    let holds = [
        credit(room()),
        credit(class.clone()),
        pattern,
        suspend(class),
    ];
    for body in [suspend(room()), over].iter().chain(&holds) {
        desk.ask(tell(body.clone()), &two(), START).unwrap();
    }
    let list = Action::List {
        device: device(4),
        name: "PC-4".to_owned(),
        spare: true,
    };
    let events = desk.ask(list, &two(), START + MINUTE).unwrap();
    let told = commands(&events);
    for body in &holds {
        let times = told.iter().filter(|one| **one == (4, body.clone())).count();
        assert_eq!(times, 1, "{body:?}");
    }
    let suspended = told
        .iter()
        .filter(|(_, body)| *body == suspend(room()))
        .count();
    assert_eq!(suspended, 0, "that is over");
    // The same decision, by the same person and of the same moment.
    let others = desk.station.commands_of(&device(2));
    let others: Vec<_> = others.map(|one| one.command.clone()).collect();
    let late = desk.station.commands_of(&device(4));
    let late: Vec<_> = late.map(|one| one.command.clone()).collect();
    let late = late.iter().find(|one| one.body == holds[0]).unwrap();
    let same = others.iter().find(|one| one.body == holds[0]).unwrap();
    assert_ne!(late.command_id, same.command_id);
    assert_eq!(
        (late.issued_ms, &late.by, &late.reason),
        (same.issued_ms, &same.by, &same.reason)
    );
}

#[test]
fn papers_are_unlocked_until_the_end_with_credits_and_no_longer() {
    let ends_ms = START + START_LEAD_MS + 120 * MINUTE;
    let over = Err(RoomError::UnlockOver);
    // Nobody was started: as late as the last could have begun.
    let mut desk = Desk::open();
    let latest_ms = START + 20 * MINUTE + 120 * MINUTE;
    assert_eq!(desk.ask(unlocked(), &two(), latest_ms), over);
    assert!(desk.ask(unlocked(), &two(), latest_ms - 1).is_ok());
    // Somebody answers on: by a credit of their own, or because a decision is waited for.
    let mut desk = Desk::running();
    assert!(!desk.station.unlock_over("S", ends_ms + 60 * MINUTE));
    assert!(desk.ask(unlocked(), &two(), ends_ms).is_ok());
    desk.entry(1, 1, handed_in());
    assert!(!desk.station.unlock_over("S", ends_ms - 1));
    assert!(desk.station.unlock_over("S", ends_ms));
    assert_eq!(desk.ask(unlocked(), &two(), ends_ms), over);
    // What everybody was given counts for whoever may still begin.
    let credit = Action::Tell {
        body: CommandBody::Credit {
            scope: Scope::Room {
                sitting_no: "S".to_owned(),
            },
            credit_ms: 10 * MINUTE,
            authority: Authority::Pending { phone: None },
        },
    };
    desk.ask(credit, &two(), ends_ms - MINUTE).unwrap();
    assert!(!desk.station.unlock_over("S", ends_ms + 10 * MINUTE - 1));
    assert!(desk.station.unlock_over("S", ends_ms + 10 * MINUTE));
    // The proctor's end comes before it.
    let mut desk = Desk::running();
    desk.entry(1, 1, handed_in());
    desk.ask(end(None, false), &two(), START + MINUTE).unwrap();
    assert!(desk.station.unlock_over("S", START + 2 * MINUTE));
}

#[test]
fn a_sitting_starts_where_the_seats_are_published_and_the_machines_enough() {
    let mut desk = Desk::open();
    desk.ask(unlocked(), &two(), START - 20 * MINUTE).unwrap();
    let unpublished = RoomError::SeatsNotPublished;
    assert_eq!(
        desk.station.step("S", START),
        (Step::Unlocked, vec![unpublished.clone()])
    );
    assert_eq!(desk.ask(start(), &two(), START), Err(unpublished));
    desk.publish("S");
    for number in [2, 3] {
        let out = Action::OutOfUse {
            device: device(number),
        };
        desk.ask(out, &two(), START - MINUTE).unwrap();
    }
    let too_few = RoomError::Seating(SeatingError::TooFewMachines {
        working: 1,
        candidates: 2,
    });
    assert_eq!(desk.ask(start(), &two(), START), Err(too_few));
    let back = Action::BackInUse { device: device(2) };
    desk.ask(back, &two(), START).unwrap();
    desk.ask(start(), &two(), START).unwrap();
}

/// The version that was opened is not the one that is sat any more.
#[test]
fn a_version_that_has_come_since_the_code_wants_the_code_again() {
    let mut desk = Desk::open();
    desk.publish("S");
    desk.ask(unlocked(), &two(), START - 20 * MINUTE).unwrap();
    let newer = |action: fn(String, u32) -> Action| action("S".to_owned(), 2);
    let held = newer(|sitting_no, version| Action::Held {
        sitting_no,
        version,
    });
    desk.ask(held, &two(), START - 10 * MINUTE).unwrap();
    assert_eq!(desk.station.step("S", START).0, Step::EntryOpen);
    assert_eq!(
        desk.ask(start(), &two(), START),
        Err(RoomError::NotUnlocked)
    );
    let opened = newer(|sitting_no, version| Action::Unlocked {
        sitting_no,
        version,
    });
    desk.ask(opened, &two(), START - 5 * MINUTE).unwrap();
    desk.ask(start(), &two(), START).unwrap();
}

#[test]
fn the_halves_of_a_code_belong_to_two_people_who_may_unlock() {
    let mut desk = Desk::open();
    let mut two_codes = sitting();
    two_codes.two_person_code = true;
    desk.station.hold(&two_codes, 2);
    let with = |staff_id: &str, role| Actor {
        second: Some(person(staff_id, role)),
        ..one("")
    };
    let now = START - 20 * MINUTE;
    let mut ask = |actor: Actor| {
        desk.ask(unlocked(), &actor, now)
            .map(|mut events| events.remove(0))
    };
    let refused = |why: NotAllowed| Err(RoomError::NotAllowed(why));
    assert_eq!(ask(one("")), refused(NotAllowed::SecondNeeded));
    let same = with("P1", Role::Proctor);
    assert_eq!(ask(same), refused(NotAllowed::SamePerson));
    let head = with("H1", Role::SiteHead);
    assert_eq!(ask(head), refused(NotAllowed::SecondRole));
    let both = Event::Unlocked {
        sitting_no: "S".to_owned(),
        version: 1,
        staff_id: "P1".to_owned(),
        second: Some("P2".to_owned()),
    };
    assert_eq!(ask(with("P2", Role::Proctor)), Ok(both));
}
