//! A makeup beside a running sitting: each machine hears of its own.

use super::*;
use std::collections::BTreeMap;

const OTHER: Hash32 = Hash32([9; 32]);

/// S runs at machine 1; M is dealt to number 2; 3 is a spare.
fn beside() -> Desk {
    let mut desk = Desk::open();
    let mut makeup = sitting();
    makeup.sitting_no = "M".to_owned();
    makeup.start_ms = START + 10 * MINUTE;
    makeup.makeup_of = Some("S".to_owned());
    desk.station.hold(&makeup, 1);
    let held = Action::Held {
        sitting_no: "M".to_owned(),
        version: 1,
    };
    desk.ask(held, &two(), START - 30 * MINUTE).unwrap();
    for (number, roster) in [("S", (TICKET, 1)), ("M", (OTHER, 2))] {
        let deal = Action::DealByRoster {
            sitting_no: number.to_owned(),
            roster: BTreeMap::from([roster]),
        };
        desk.ask(deal, &two(), START - 30 * MINUTE).unwrap();
    }
    for number in ["S", "M"] {
        let unlocked = Action::Unlocked {
            sitting_no: number.to_owned(),
            version: 1,
        };
        desk.ask(unlocked, &two(), START - MINUTE).unwrap();
        desk.publish(number);
    }
    desk
}

fn start(sitting_no: &str) -> Action {
    Action::Start {
        sitting_no: sitting_no.to_owned(),
    }
}

fn end(sitting_no: &str) -> Action {
    Action::End {
        sitting_no: sitting_no.to_owned(),
        class_no: None,
        forced: false,
    }
}

fn told(events: &[Event]) -> Vec<u8> {
    let mut told: Vec<u8> = commands(events).iter().map(|(number, _)| *number).collect();
    told.sort_unstable();
    told
}

const OPENED: [&str; 2] = ["M", "S"];

#[test]
fn each_machine_is_told_of_its_own_sitting() {
    let mut desk = beside();
    let events = desk.ask(start("S"), &two(), START).unwrap();
    assert_eq!(told(&events), [1, 3], "the spare is free for any");
    let pattern = Action::Tell {
        body: CommandBody::PatternCamera {
            sitting_no: "M".to_owned(),
        },
    };
    let events = desk.ask(pattern, &one("摄像头坏"), START).unwrap();
    assert_eq!(told(&events), [2, 3]);
    let now = START + 10 * MINUTE;
    let events = desk.ask(start("M"), &two(), now).unwrap();
    assert_eq!(told(&events), [2, 3]);
    assert!(
        told(&desk.due(now)).is_empty(),
        "nobody has missed anything"
    );
    let events = desk.ask(end("M"), &one(""), now).unwrap();
    assert_eq!(told(&events), [2, 3]);
    assert!(desk.station.is_over("M") && !desk.station.is_over("S"));
}

#[test]
fn each_machine_gets_the_keys_of_one_sitting_and_keeps_them() {
    let mut desk = beside();
    let keys = |desk: &Desk, number: u8, sits_in: Option<&str>, now: i64| {
        let station = &desk.station;
        station
            .keys_for(&device(number), sits_in, &OPENED, now)
            .map(str::to_owned)
    };
    let is = |sitting_no: &str| Some(sitting_no.to_owned());
    assert_eq!(keys(&desk, 1, None, START), is("S"));
    assert_eq!(keys(&desk, 2, None, START), is("M"));
    assert_eq!(keys(&desk, 3, None, START), is("S"), "the nearest");
    assert_eq!(keys(&desk, 3, None, START + 9 * MINUTE), is("M"));
    // Who sits somewhere decides, by the machine's word or by the attempt that it holds.
    assert_eq!(keys(&desk, 1, Some("M"), START), is("M"));
    desk.identified(3);
    desk.due(START);
    assert_eq!(keys(&desk, 3, None, START + 9 * MINUTE), is("S"));
    let only = desk.station.keys_for(&device(3), None, &["M"], START);
    assert_eq!(only, None, "not those of another");
    let out = Action::OutOfUse { device: device(2) };
    desk.ask(out, &two(), START).unwrap();
    assert_eq!(keys(&desk, 2, None, START), None, "out of use");
}

#[test]
fn a_machine_that_was_busy_hears_of_the_other_sitting_when_it_is_free() {
    let mut desk = beside();
    desk.ask(start("S"), &two(), START).unwrap();
    // The candidate of S sits at the machine whose number is dealt in M.
    desk.identified(2);
    desk.entry(2, 1, begun());
    desk.due(START);
    let now = START + 10 * MINUTE;
    let events = desk.ask(start("M"), &two(), now).unwrap();
    assert_eq!(told(&events), [3]);
    assert!(told(&desk.due(now)).is_empty());
    desk.entry(2, 1, handed_in());
    let events = desk.due(now + MINUTE);
    let missed = commands(&events);
    assert!(
        matches!(&missed[..], [(2, CommandBody::Start { sitting_no, .. })] if sitting_no == "M"),
        "{missed:?}"
    );
}
