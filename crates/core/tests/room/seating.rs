use super::device;
use fengjuan_core::choice::Choice;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::room::seating::{Seating, SeatingError, Use};
use std::collections::{BTreeMap, BTreeSet};

fn commit(seating: &mut Seating, events: Vec<Event>) {
    for event in &events {
        seating.commit(event);
    }
}

/// Machines 1 to 4 with numbers, 5 as a spare.
fn room() -> Seating {
    let mut seating = Seating::default();
    for number in [3, 1, 2, 4, 5] {
        seating.commit(&Event::MachineListed {
            device: device(number),
            name: format!("PC-{number}"),
            spare: number == 5,
            second: String::new(),
        });
    }
    let events = seating.number_machines("S1");
    commit(&mut seating, events);
    seating
}

fn tickets(number: u8) -> BTreeSet<Hash32> {
    (0..number).map(|one| Hash32([one; 32])).collect()
}

#[test]
fn numbers_follow_the_names() {
    let seating = room();
    for number in 1..=4 {
        assert_eq!(seating.at(u32::from(number)), Some(device(number)));
    }
    assert_eq!(seating.at(5), None);
    assert!(seating.number_machines("S1").is_empty());
}

#[test]
fn a_dead_machine_gives_its_number_to_another() {
    let mut seating = room();
    let out =
        |seating: &Seating, number| seating.put_out_of_use(device(number), "P1", "H1", "不通电");
    let event = out(&seating, 2).unwrap();
    seating.commit(&event);
    assert_eq!(out(&seating, 2), Err(SeatingError::OutOfUse));
    assert_eq!(out(&seating, 9), Err(SeatingError::UnknownMachine));
    assert_eq!(seating.at(2), None);
    let to_seated = seating.assign(2, device(3), "P1", "停用");
    assert_eq!(to_seated, Err(SeatingError::HasSeat { seat_no: 3 }));
    let to_dead = seating.assign(2, device(2), "P1", "停用");
    assert_eq!(to_dead, Err(SeatingError::OutOfUse));
    let event = seating.assign(2, device(5), "P1", "停用").unwrap();
    seating.commit(&event);
    assert_eq!(seating.at(2), Some(device(5)));
    assert_eq!(seating.machine(&device(5)).unwrap().purpose, Use::Seat);
    let event = seating.put_back(device(2), "P1", "H1", "修好").unwrap();
    seating.commit(&event);
    assert_eq!(seating.machine(&device(2)).unwrap().purpose, Use::Spare);
    let again = seating.put_back(device(2), "P1", "H1", "修好");
    assert_eq!(again, Err(SeatingError::InUse));
}

#[test]
fn only_too_few_machines_block() {
    let mut seating = room();
    assert_eq!(seating.enough_for(5), Ok(()), "a spare is a machine");
    let event = seating.put_out_of_use(device(1), "P1", "H1", "坏").unwrap();
    seating.commit(&event);
    assert_eq!(seating.enough_for(4), Ok(()));
    let short = SeatingError::TooFewMachines {
        working: 4,
        candidates: 5,
    };
    assert_eq!(seating.enough_for(5), Err(short));
}

#[test]
fn a_deal_is_locked_once_published() {
    let mut seating = room();
    let roster: BTreeMap<Hash32, u32> = [(Hash32([1; 32]), 2), (Hash32([2; 32]), 4)].into();
    let events = seating.deal_by_roster("S", &roster).unwrap();
    commit(&mut seating, events);
    let event = seating.publish("S", "P1").unwrap();
    seating.commit(&event);
    assert_eq!(seating.seat_of("S", &Hash32([1; 32])), Some(2));
    assert!(seating.is_published("S"));
    assert_eq!(
        seating.deal_by_roster("S", &roster),
        Err(SeatingError::Published)
    );
    assert_eq!(seating.publish("S", "P1"), Err(SeatingError::Published));
    // A dead machine moves the number, not the candidate.
    let event = seating.put_out_of_use(device(2), "P1", "H1", "坏").unwrap();
    seating.commit(&event);
    let event = seating.assign(2, device(5), "P1", "停用").unwrap();
    seating.commit(&event);
    assert_eq!(seating.seat_of("S", &Hash32([1; 32])), Some(2));
    // Another sitting is dealt by itself, and nobody twice.
    let twice: BTreeMap<Hash32, u32> = [(Hash32([1; 32]), 2), (Hash32([2; 32]), 2)].into();
    assert_eq!(
        seating.deal_by_roster("T", &twice),
        Err(SeatingError::DealtTwice { seat_no: 2 })
    );
    let nowhere: BTreeMap<Hash32, u32> = [(Hash32([1; 32]), 9)].into();
    let events = seating.deal_by_roster("T", &nowhere).unwrap();
    commit(&mut seating, events);
    assert_eq!(
        seating.publish("T", "P1"),
        Err(SeatingError::NoMachine { seat_no: 9 })
    );
}

#[test]
fn a_random_deal_is_the_seed_s_alone() {
    let seating = room();
    let deal = |seed: u8| {
        let mut choice = Choice::new(&[seed; 32], &[b"seats/1", b"S"]);
        seating
            .deal_at_random("S", &tickets(4), &mut choice)
            .unwrap()
    };
    assert_eq!(deal(1), deal(1));
    let different: BTreeSet<String> = (0..20).map(|seed| format!("{:?}", deal(seed))).collect();
    assert!(different.len() > 5, "{}", different.len());
    let seat = |event: &Event| match event {
        Event::SeatDealt { seat_no, .. } => *seat_no,
        _ => 0,
    };
    let seats: BTreeSet<u32> = deal(3).iter().map(seat).collect();
    assert_eq!(seats, [1, 2, 3, 4].into());
    let mut choice = Choice::new(&[1; 32], &[b"seats/1", b"S"]);
    let short = seating.deal_at_random("S", &tickets(5), &mut choice);
    assert!(matches!(short, Err(SeatingError::TooFewMachines { .. })));
}
