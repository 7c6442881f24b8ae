use super::*;
use fengjuan_core::room::alert::{Alert, Severity};

#[test]
fn a_silence_is_told_and_ends_with_its_likely_cause() {
    let mut desk = Desk::open();
    let now = START;
    for number in 1..=3 {
        desk.hear(number, 1, 1, now);
    }
    desk.due(now);
    for second in 1..=30 {
        for number in 2..=3 {
            desk.hear(number, 1, 1, now + second * 1_000);
        }
        desk.due(now + second * 1_000);
    }
    let alone = Alert::OutOfContact { device: device(1) };
    assert_eq!(desk.station.alerts().worst_first()[0].alert, alone);
    desk.hear(1, 2, 2, now + 31_000);
    let events = desk.due(now + 31_000);
    let proposed = Event::OutageProposed {
        device: device(1),
        cause: OutageCause::Power,
        from_ms: now,
        to_ms: now + 31_000,
    };
    assert!(events.contains(&proposed), "{events:?}");
    assert!(desk.station.alerts().worst_first().is_empty());
}

#[test]
fn the_worst_comes_first_and_what_was_seen_to_last() {
    let mut desk = Desk::running();
    desk.entry(1, 1, outage(1));
    let stranger = Fact::Stranger {
        device: device(66),
        code: "enrol.unknown".to_owned(),
    };
    desk.station.observe(&stranger, START);
    desk.due(START);
    let codes = |desk: &Desk| -> Vec<&'static str> {
        let open = desk.station.alerts().worst_first();
        open.iter().map(|open| open.alert.code()).collect()
    };
    assert_eq!(codes(&desk), ["alert.stranger", "alert.outage_undecided"]);
    let worst = desk.station.alerts().worst_first()[0];
    assert_eq!(worst.alert.severity(), Severity::Harm);
    let acknowledge = Action::AcknowledgeAlert {
        alert_no: worst.alert_no,
    };
    desk.ask(acknowledge, &one("维修人员的电脑"), START)
        .unwrap();
    assert_eq!(codes(&desk), ["alert.outage_undecided", "alert.stranger"]);
    let decided = Event::OutageDecided {
        outage_no: 1,
        credit_ms: 0,
        cause: None,
        staff_id: "P1".to_owned(),
        reason: "无".to_owned(),
    };
    desk.entry(1, 1, Note::Clear(Box::new(decided)));
    desk.due(START);
    assert_eq!(codes(&desk), ["alert.stranger"]);
}

#[test]
fn a_refused_command_is_an_alert() {
    let mut desk = Desk::running();
    desk.acknowledge(2, 1, Some("seat.late"));
    desk.due(START);
    let alerts = desk.station.alerts().worst_first();
    assert!(matches!(&alerts[0].alert, Alert::Refused { code, .. } if code == "seat.late"));
}

fn stranger(desk: &mut Desk, now: i64) {
    let fact = Fact::Stranger {
        device: device(2),
        code: "upstream.other_address".to_owned(),
    };
    desk.station.observe(&fact, now);
}

fn acknowledge(desk: &mut Desk, now: i64) {
    let alert_no = desk.station.alerts().worst_first()[0].alert_no;
    let action = Action::AcknowledgeAlert { alert_no };
    desk.ask(action, &one("已查看"), now).unwrap();
}

fn open(desk: &Desk) -> Vec<(u64, bool)> {
    let open = desk.station.alerts().worst_first();
    open.iter()
        .map(|open| (open.alert_no, open.acknowledged.is_some()))
        .collect()
}

fn strangers(desk: &Desk) -> Vec<(u64, bool)> {
    let open = desk.station.alerts().worst_first();
    let strangers = open
        .iter()
        .filter(|open| matches!(open.alert, Alert::Stranger { .. }));
    strangers
        .map(|open| (open.alert_no, open.acknowledged.is_some()))
        .collect()
}

#[test]
fn a_clone_is_an_alert_until_somebody_has_seen_to_it_and_again_when_it_comes_again() {
    let mut desk = Desk::open();
    stranger(&mut desk, START);
    desk.hear(2, 1, 1, START);
    desk.due(START);
    assert_eq!(strangers(&desk), [(1, false)]);
    // The real machine goes on being heard, and the clone is gone.
    for minute in 1..=10 {
        for number in 1..=3 {
            desk.hear(number, 1, 1, START + minute * MINUTE);
        }
        desk.due(START + minute * MINUTE);
    }
    assert_eq!(strangers(&desk), [(1, false)]);
    let now = START + 10 * MINUTE;
    stranger(&mut desk, now);
    acknowledge(&mut desk, now);
    desk.due(now + 1_000);
    assert_eq!(strangers(&desk), [(1, true)], "the same time");
    for number in 1..=3 {
        desk.hear(number, 1, 1, now + 2 * MINUTE);
    }
    desk.due(now + 2 * MINUTE);
    assert_eq!(strangers(&desk), []);
    stranger(&mut desk, now + 3 * MINUTE);
    for number in 1..=3 {
        desk.hear(number, 1, 1, now + 3 * MINUTE);
    }
    desk.due(now + 3 * MINUTE);
    assert!(
        matches!(strangers(&desk)[..], [(2.., false)]),
        "another one"
    );
}

/// Ten machines beside the three, all heard.
fn crowd(now: i64) -> Desk {
    let mut desk = Desk::open();
    for number in 4..=13 {
        let list = Action::List {
            device: device(number),
            name: format!("PC-{number}"),
            spare: false,
        };
        desk.ask(list, &two(), now).unwrap();
    }
    for number in 1..=13 {
        desk.hear(number, 1, 1, now);
    }
    desk
}

fn silent(desk: &Desk) -> Vec<Vec<u8>> {
    let open = desk.station.alerts().worst_first();
    let many = open.iter().filter_map(|open| match &open.alert {
        Alert::ManyOutOfContact { devices } => {
            Some(devices.iter().map(|device| device.0[0]).collect())
        }
        _ => None,
    });
    many.collect()
}

/// Everybody but these is heard for so long.
fn without(desk: &mut Desk, silent: &[u8], from_ms: i64, seconds: i64) {
    for second in 1..=seconds {
        let now = from_ms + second * 1_000;
        for number in (1..=13).filter(|number| !silent.contains(number)) {
            desk.hear(number, 1, 1, now);
        }
        desk.due(now);
    }
}

#[test]
fn a_silence_of_many_grows_and_the_next_one_is_another_alert() {
    let mut desk = crowd(START);
    // Four fall silent, and three more some seconds later.
    without(&mut desk, &[1, 2, 3, 4], START, 5);
    without(&mut desk, &[1, 2, 3, 4, 5, 6, 7], START + 5_000, 11);
    assert_eq!(silent(&desk), [vec![1, 2, 3, 4]]);
    without(&mut desk, &[1, 2, 3, 4, 5, 6, 7], START + 16_000, 10);
    assert_eq!(silent(&desk), [vec![1, 2, 3, 4, 5, 6, 7]]);
    assert_eq!(open(&desk).len(), 1);
    let now = START + 26_000;
    acknowledge(&mut desk, now);
    // The second switch dies while the first is still dark.
    let all: Vec<u8> = (1..=12).collect();
    without(&mut desk, &all, now, 40);
    assert_eq!(
        silent(&desk),
        [vec![8, 9, 10, 11, 12], vec![1, 2, 3, 4, 5, 6, 7]]
    );
    assert_eq!(open(&desk), [(2, false), (1, true)]);
    // Of what was seen to, only who is still silent is left; whoever falls silent anew is news.
    let now = now + 40_000;
    without(&mut desk, &[1], now, 5);
    assert_eq!(open(&desk), [(1, true)]);
    assert_eq!(silent(&desk), [vec![1]]);
    without(&mut desk, &[1, 2, 3, 4, 5], now + 5_000, 40);
    assert_eq!(silent(&desk), [vec![2, 3, 4, 5], vec![1]]);
    without(&mut desk, &[], now + 45_000, 2);
    assert_eq!(silent(&desk), Vec::<Vec<u8>>::new());
}

#[test]
fn after_a_power_cut_of_the_room_one_alert_names_all_outages() {
    let mut desk = Desk::running();
    for (place, seat) in [(1u8, 21u8), (2, 22), (3, 23)] {
        let attempt = [seat; 16];
        for note in [
            Note::Clear(Box::new(Event::Identified {
                sitting_no: "S".to_owned(),
                ticket_hash: Hash32([seat; 32]),
                seat_no: u32::from(place),
            })),
            begun(),
            outage(1),
        ] {
            let seq = desk.station.replica_size(&ledger(place));
            let entry = Fact::Entry {
                device: device(place),
                ledger_id: ledger(place),
                seq,
                lease: 1,
                attempt: Some(attempt),
                note,
            };
            desk.station.observe(&entry, START);
        }
        desk.due(START);
        let many = desk.station.alerts().worst_first();
        let many = many
            .iter()
            .filter(|open| matches!(open.alert, Alert::ManyOutages { .. }));
        assert_eq!(many.count(), usize::from(place >= 3), "after {place}");
    }
    desk.entry(1, 1, outage(1));
    desk.due(START);
    let named = |desk: &Desk| -> usize {
        let open = desk.station.alerts().worst_first();
        open.iter()
            .find_map(|open| match &open.alert {
                Alert::ManyOutages { outages } => Some(outages.len()),
                _ => None,
            })
            .unwrap_or(0)
    };
    assert_eq!(named(&desk), 4, "it grows");
    let decided = Event::OutageDecided {
        outage_no: 1,
        credit_ms: 0,
        cause: Some(OutageCause::Power),
        staff_id: "P1".to_owned(),
        reason: "停电".to_owned(),
    };
    desk.entry(1, 1, Note::Clear(Box::new(decided)));
    desk.due(START);
    assert_eq!(named(&desk), 3, "what is decided is decided");
}

#[test]
fn many_unknown_keys_are_so_many_alerts_and_a_listed_machine_is_one_more() {
    let mut desk = Desk::open();
    let unknown = |number: u8| Fact::Stranger {
        device: device(number),
        code: "upstream.unknown_device".to_owned(),
    };
    for number in 101..=200 {
        desk.station.observe(&unknown(number), START);
    }
    desk.due(START);
    assert_eq!(strangers(&desk).len(), 50);
    stranger(&mut desk, START);
    desk.due(START);
    assert_eq!(strangers(&desk).len(), 51);
    // What was seen makes place for the next.
    let later = START + 10 * MINUTE;
    for _ in 0..51 {
        acknowledge(&mut desk, later);
    }
    desk.due(later);
    assert!(strangers(&desk).is_empty());
    desk.station.observe(&unknown(201), later);
    desk.due(later);
    assert_eq!(strangers(&desk).len(), 1);
}

#[test]
fn whoever_signs_in_at_another_seat_than_the_published_one_is_an_alert() {
    let sits = |number: u8, published: bool| {
        let mut desk = Desk::open();
        let now = START - 20 * MINUTE;
        let roster = Action::DealByRoster {
            sitting_no: "S".to_owned(),
            roster: [(TICKET, 1)].into(),
        };
        desk.ask(roster, &two(), now).unwrap();
        if published {
            let publish = Action::PublishSeats {
                sitting_no: "S".to_owned(),
            };
            desk.ask(publish, &two(), now).unwrap();
        }
        desk.identified(number);
        desk.due(now);
        desk
    };
    let alerts = |desk: &Desk| {
        let open = desk.station.alerts().worst_first();
        let other = open.iter().filter_map(|open| match open.alert {
            Alert::OtherSeat {
                device, seat_no, ..
            } => Some((device, seat_no)),
            _ => None,
        });
        other.collect::<Vec<_>>()
    };
    assert!(alerts(&sits(1, true)).is_empty());
    assert!(alerts(&sits(2, false)).is_empty());
    let mut desk = sits(2, true);
    assert_eq!(alerts(&desk), [(device(2), 1)]);
    // A spare shows no number, and says the one that the candidate was dealt.
    let mut spare = Desk::open();
    let now = START - 20 * MINUTE;
    let roster = Action::DealByRoster {
        sitting_no: "S".to_owned(),
        roster: [(TICKET, 1)].into(),
    };
    spare.ask(roster, &two(), now).unwrap();
    let publish = Action::PublishSeats {
        sitting_no: "S".to_owned(),
    };
    spare.ask(publish, &two(), now).unwrap();
    let event = Event::Identified {
        sitting_no: "S".to_owned(),
        ticket_hash: TICKET,
        seat_no: 1,
    };
    spare.entry(3, 1, Note::Clear(Box::new(event)));
    spare.due(now);
    assert_eq!(alerts(&spare), [(device(3), 1)]);
    // With the hand-in it is over.
    desk.entry(2, 1, begun());
    desk.entry(2, 1, handed_in());
    desk.due(START);
    assert!(alerts(&desk).is_empty());
}
