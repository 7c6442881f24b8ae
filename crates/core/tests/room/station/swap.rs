use super::*;
use fengjuan_core::room::alert::Alert;
use fengjuan_core::room::command::{Authority, Scope};
use fengjuan_core::room::lease::{CarryPoint, Claim, LEASES_OF_AN_EPOCH, LeaseCause, LeaseError};
use fengjuan_core::room::rules::NotAllowed;

/// The number of the n-th lease, all given in the first epoch.
fn nth(n: u64) -> u64 {
    if n == 1 {
        1
    } else {
        LEASES_OF_AN_EPOCH + n - 1
    }
}

fn swap(to: u8) -> Action {
    Action::Swap {
        attempt: ATTEMPT,
        to: device(to),
    }
}

fn credit(credit_ms: i64) -> Action {
    Action::Tell {
        body: CommandBody::Credit {
            scope: Scope::Attempt { attempt: ATTEMPT },
            credit_ms,
            authority: Authority::Site {},
        },
    }
}

fn issued(events: &[Event]) -> Command {
    let command = events.iter().find_map(|event| match event {
        Event::CommandIssued { command, .. } => Some(command.as_ref().clone()),
        _ => None,
    });
    command.unwrap()
}

#[test]
fn the_candidate_goes_on_at_the_spare_with_what_was_owed() {
    let mut desk = Desk::running();
    let there = issued(&desk.ask(credit(1_000), &one("鼠标"), START).unwrap());
    let lost = issued(&desk.ask(credit(2_000), &one("鼠标"), START).unwrap());
    desk.taken(1, 1, &there);
    desk.entry(1, 1, Note::Answer);
    let silent = desk.ask(swap(3), &one(""), START);
    assert_eq!(silent, Err(NotAllowed::ReasonNeeded.into()));
    let events = desk.ask(swap(3), &one("黑屏"), START).unwrap();
    let given = desk.station.leases().last(&ATTEMPT).unwrap().clone();
    assert_eq!((given.lease, given.cause), (nth(2), LeaseCause::Swap));
    assert_eq!(given.carry[0].size, 4, "all that is here of machine 1");
    let told = commands(&events);
    assert!(matches!(told[0], (3, CommandBody::Lease { lease, .. }) if lease == nth(2)));
    assert!(matches!(told[1], (1, CommandBody::Fence { lease, .. }) if lease == nth(2)));
    assert_eq!(
        told[2],
        (3, lost.body.clone()),
        "the first one is carried on"
    );
    assert_eq!(told[3], (3, CommandBody::SeatNumber { seat_no: Some(1) }));
    assert_eq!(told[4], (1, CommandBody::SeatNumber { seat_no: None }));
    let again = desk
        .station
        .commands_of(&device(3))
        .find(|one| one.command == lost);
    assert!(again.is_some(), "under its own id");
    assert_eq!(desk.station.seating().at(1), Some(device(3)));
    assert_eq!(
        desk.station
            .leases()
            .claim(&ATTEMPT, &device(1), &ledger(1)),
        Claim::Held {
            lease: nth(2),
            holder: device(3)
        }
    );
    // What machine 1 wrote unheard does not count.
    desk.entry(1, 1, Note::Answer);
    assert_eq!(desk.station.attempt(&ATTEMPT).unwrap().answers, 1);
    desk.entry(3, nth(2), Note::Answer);
    assert_eq!(desk.station.attempt(&ATTEMPT).unwrap().answers, 2);
}

#[test]
fn no_swap_to_a_machine_that_cannot_take_it() {
    let mut desk = Desk::running();
    let refused = |desk: &mut Desk, to| desk.ask(swap(to), &one("黑屏"), START).unwrap_err();
    assert_eq!(refused(&mut desk, 1), LeaseError::HoldsAlready.into());
    assert_eq!(refused(&mut desk, 9).code(), "seating.unknown_machine");
    let list = Action::List {
        device: device(9),
        name: "PC-9".to_owned(),
        spare: true,
    };
    desk.ask(list, &two(), START).unwrap();
    assert_eq!(refused(&mut desk, 9), RoomError::MachineUnheard);
    let out = Action::OutOfUse { device: device(3) };
    desk.ask(out, &two(), START).unwrap();
    assert_eq!(refused(&mut desk, 3).code(), "seating.out_of_use");
    let taken = desk.ask(Action::OutOfUse { device: device(1) }, &two(), START);
    assert_eq!(
        taken,
        Err(RoomError::MachineTaken),
        "somebody answers there"
    );
    let handed_in = Event::HandedIn {
        kind: fengjuan_core::event::HandInKind::Own,
        answered: 0,
        unanswered: 0,
        at_ms: START,
        staff_id: None,
        reason: None,
    };
    desk.entry(1, 1, Note::Clear(Box::new(handed_in)));
    assert_eq!(refused(&mut desk, 2), RoomError::HandedIn);
}

#[test]
fn a_wrong_swap_has_a_way_back() {
    let mut desk = Desk::running();
    let undo = Action::UndoSwap { attempt: ATTEMPT };
    let none = desk.ask(undo.clone(), &two(), START);
    assert_eq!(none, Err(LeaseError::NoWayBack.into()));
    desk.ask(swap(3), &one("黑屏"), START).unwrap();
    let meanwhile = issued(&desk.ask(credit(3_000), &one("换机"), START).unwrap());
    let single = desk.ask(undo.clone(), &one("屏幕亮着"), START);
    assert_eq!(single, Err(NotAllowed::SecondNeeded.into()));
    desk.entry(1, 1, Note::Answer);
    let events = desk.ask(undo.clone(), &two(), START).unwrap();
    let told = commands(&events);
    assert!(matches!(
        told[0],
        (1, CommandBody::Unfence { lease, .. }) if lease == nth(3)
    ));
    assert!(matches!(told[1], (3, CommandBody::Fence { lease, .. }) if lease == nth(3)));
    assert_eq!(told[2], (1, meanwhile.body));
    assert_eq!(desk.station.attempt(&ATTEMPT).unwrap().answers, 1);
    // Once somebody has answered at the spare, it was no wrong swap.
    desk.ask(swap(3), &one("黑屏"), START).unwrap();
    desk.entry(3, nth(4), Note::Answer);
    let late = desk.ask(undo, &two(), START);
    assert_eq!(late, Err(LeaseError::SpareHasAnswers.into()));
}

#[test]
fn of_two_who_claim_one_seat_the_second_is_fenced() {
    let mut desk = Desk::open();
    desk.identified(2);
    desk.identified(1);
    let events = desk.due(START);
    assert_eq!(
        desk.station.leases().last(&ATTEMPT).unwrap().device,
        device(2)
    );
    assert!(matches!(
        commands(&events)[..],
        [(1, CommandBody::Fence { lease: 1, .. })]
    ));
    let alert = Alert::TwoTerminals {
        attempt: ATTEMPT,
        holder: device(2),
        other: device(1),
    };
    let alerts = desk.station.alerts().worst_first();
    assert_eq!(alerts[0].alert, alert);
    let no = alerts[0].alert_no;
    let acknowledge = Action::AcknowledgeAlert { alert_no: no };
    desk.ask(acknowledge, &one("看错证号"), START).unwrap();
    let open = desk.station.alerts().get(no).unwrap();
    assert_eq!(
        open.acknowledged,
        Some(("P1".to_owned(), "看错证号".to_owned()))
    );
    let unknown = Action::AcknowledgeAlert { alert_no: 99 };
    assert_eq!(
        desk.ask(unknown, &one("看错"), START),
        Err(RoomError::UnknownAlert)
    );
}

#[test]
fn who_sits_elsewhere_than_told_is_told_of_there() {
    let mut desk = Desk::open();
    let dealt = Action::DealByRoster {
        sitting_no: "S".to_owned(),
        roster: [(TICKET, 1)].into(),
    };
    desk.ask(dealt, &two(), START).unwrap();
    let arrive = CommandBody::Arrive {
        sitting_no: "S".to_owned(),
        ticket_hash: TICKET,
        arrival_ms: START,
    };
    let body = arrive.clone();
    let events = desk.ask(Action::Tell { body }, &one(""), START).unwrap();
    assert_eq!(commands(&events), [(1, arrive.clone())]);
    desk.identified(2);
    desk.due(START);
    let told = desk.station.commands_of(&device(2));
    assert_eq!(told.filter(|one| one.command.body == arrive).count(), 1);
}

/// The room after a second station, in whose name this one speaks, has taken over.
fn taken_over() -> Desk {
    let mut desk = Desk::running();
    desk.write(&[Event::EpochRaised {
        epoch: 2,
        station: device(100),
        staff_id: "P1".to_owned(),
        reason: "查明".to_owned(),
        followed: None,
    }]);
    desk
}

/// Machine 3 took a lease that this station has not heard of, with so much of machine 1's ledger.
fn unheard(desk: &mut Desk, size: u64) {
    let carry = vec![CarryPoint {
        lease: 1,
        ledger_id: ledger(1),
        size,
    }];
    let taken = Event::LeaseTaken {
        attempt: ATTEMPT,
        lease: nth(2),
        carry,
    };
    desk.entry(3, nth(2), Note::Clear(Box::new(taken)));
}

fn holder(desk: &Desk) -> (u8, LeaseCause) {
    let last = desk.station.leases().last(&ATTEMPT).unwrap();
    (last.device.0[0], last.cause)
}

#[test]
fn a_swap_by_another_station_is_learned() {
    let mut desk = taken_over();
    unheard(&mut desk, 2);
    let owed = issued(&desk.ask(credit(5_000), &one("换机"), START).unwrap());
    let events = desk.due(START);
    assert_eq!(holder(&desk), (3, LeaseCause::Learned));
    let told = commands(&events);
    assert!(told.contains(&(3, owed.body)), "{told:?}");
    let fenced =
        |(to, body): &(u8, CommandBody)| *to == 1 && matches!(body, CommandBody::Fence { .. });
    assert!(told.iter().any(fenced));
}

#[test]
fn where_the_candidate_stayed_an_unheard_swap_is_undone() {
    let mut desk = taken_over();
    desk.entry(1, 1, Note::Answer);
    unheard(&mut desk, 2);
    desk.due(START);
    assert_eq!(holder(&desk), (1, LeaseCause::WayBack));
    assert_eq!(desk.station.attempt(&ATTEMPT).unwrap().answers, 1);
    // With answers at both it stands, and people decide.
    let mut desk = taken_over();
    desk.entry(1, 1, Note::Answer);
    unheard(&mut desk, 2);
    desk.entry(3, nth(2), Note::Answer);
    desk.due(START);
    assert_eq!(holder(&desk), (3, LeaseCause::Learned));
}

#[test]
fn an_attempt_that_nobody_holds_can_be_given_again() {
    let mut desk = Desk::running();
    let fenced = Event::Fenced {
        attempt: ATTEMPT,
        lease: nth(2),
        holder: device(9),
    };
    desk.entry(1, 1, Note::Clear(Box::new(fenced)));
    desk.due(START);
    let alerts = desk.station.alerts().worst_first();
    assert_eq!(alerts[0].alert, Alert::NobodyHolds { attempt: ATTEMPT });
    desk.ask(swap(1), &one("原机继续"), START).unwrap();
    let last = desk.station.leases().last(&ATTEMPT).unwrap();
    assert_eq!((last.device, last.lease), (device(1), nth(2) + 1));
    desk.due(START);
    assert!(desk.station.alerts().worst_first().is_empty());
}

#[test]
fn time_for_this_attempt_that_a_machine_only_kept_is_owed_to_the_next() {
    let mut desk = Desk::running();
    let kept = issued(&desk.ask(credit(1_000), &one("鼠标"), START).unwrap());
    // Done there, and in the ledger under no attempt: its papers were not open, so nobody has had the time yet.
    let taken = Event::CommandTaken {
        epoch: 1,
        no: 1,
        command_id: kept.command_id,
        command: TICKET,
        refusal: None,
    };
    let seq = desk.station.replica_size(&ledger(1));
    let entry = Fact::Entry {
        device: device(1),
        ledger_id: ledger(1),
        seq,
        lease: 0,
        attempt: None,
        note: Note::Clear(Box::new(taken)),
    };
    desk.station.observe(&entry, START);
    let events = desk.ask(swap(3), &one("黑屏"), START).unwrap();
    assert!(commands(&events).contains(&(3, kept.body)));
}

/// What a terminal says of a lease gives it nothing: this station has given none, or it would be in its ledger.
#[test]
fn a_lease_that_no_station_gave_moves_no_attempt() {
    for made_up in [2, nth(2), nth(900), u64::MAX] {
        let mut desk = Desk::running();
        let taken = Event::LeaseTaken {
            attempt: ATTEMPT,
            lease: made_up,
            carry: Vec::new(),
        };
        desk.entry(3, made_up, Note::Clear(Box::new(taken)));
        let events = desk.due(START);
        assert_eq!(holder(&desk), (1, LeaseCause::Identified), "{made_up}");
        let told = commands(&events);
        let fences = told
            .iter()
            .filter(|(_, body)| matches!(body, CommandBody::Fence { .. }));
        assert!({ fences }.all(|(to, _)| *to == 3), "{told:?}");
        let two = Alert::TwoTerminals {
            attempt: ATTEMPT,
            holder: device(1),
            other: device(3),
        };
        let open = desk.station.alerts().worst_first();
        assert!(open.iter().any(|open| open.alert == two));
        // And the room's own numbers go on as ever.
        desk.ask(swap(2), &one("换机"), START).unwrap();
        let given = desk.station.leases().last(&ATTEMPT).unwrap();
        assert_eq!(given.device, device(2));
        assert!(given.lease < 2 * LEASES_OF_AN_EPOCH, "{}", given.lease);
    }
}
