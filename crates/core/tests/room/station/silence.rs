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
