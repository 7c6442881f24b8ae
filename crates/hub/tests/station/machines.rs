//! Machines that are let in, turned away, and taken off the list again.

use crate::stage::{Fake, Stage, second};
use fengjuan_core::event::Event;
use fengjuan_hub::devices::Admission;
use fengjuan_hub::view::StationTab;
use fengjuan_hub::view::action::StationAction;
use fengjuan_wire::entry::Entry;

/// What the station's ledger says, from its beginning.
pub fn ledger(stage: &Stage) -> Vec<(String, Event)> {
    let reader = stage.station().hub().reader().unwrap();
    let entries = reader.entries(0, 100_000).unwrap();
    let event = |stored: &fengjuan_store::StoredEntry| {
        let entry = Entry::decode(&stored.bytes).unwrap();
        Some((entry.actor.to_owned(), entry.event(None).ok()?))
    };
    entries.iter().filter_map(event).collect()
}

fn asks(stage: &Stage, number: u8) -> Fake {
    let fake = Fake::new(number);
    fake.ask(stage);
    stage.station().hub().room().touch();
    stage.settle();
    fake
}

fn refuse(fake: &Fake) -> StationAction {
    StationAction::RefuseDevice {
        device: fake.device.hex(),
        reason: "指纹不一样".to_owned(),
    }
}

fn revoke(fake: &Fake, staff_id: &str) -> StationAction {
    StationAction::RevokeDevice {
        device: fake.device.hex(),
        reason: "机器丢失".to_owned(),
        second: second(staff_id),
    }
}

#[test]
fn one_person_turns_a_machine_away_and_takes_that_back() {
    let mut stage = Stage::open();
    stage.log_in("P1");
    let fake = asks(&stage, 1);
    let view = stage.done(refuse(&fake));
    assert!(view.devices.asking.is_empty() && view.devices.known.is_empty());
    let refused = &view.devices.refused[0];
    assert_eq!(refused.device, fake.device.hex());
    assert_eq!(refused.by.staff_id, "P1");
    assert_eq!(stage.refused(refuse(&fake)), "device.refused");
    // Also over a restart, and asking again changes nothing.
    stage.restart();
    let fake_again = |stage: &Stage| {
        fake.ask(stage);
        stage.station().hub().room().touch();
        stage.settle();
        stage.view().devices
    };
    stage.log_in("P1");
    assert!(fake_again(&stage).asking.is_empty());
    let again = || StationAction::LetAskAgain {
        device: fake.device.hex(),
        reason: "拒绝错了".to_owned(),
    };
    assert!(stage.done(again()).devices.refused.is_empty());
    assert_eq!(stage.refused(again()), "device.unknown");
    assert_eq!(fake_again(&stage).asking.len(), 1);
    let told = ledger(&stage);
    let is = |wanted: &Event| told.iter().any(|(_, event)| event == wanted);
    let name = || "T01".to_owned();
    assert!(is(&Event::MachineRefused {
        device: fake.device,
        name: name(),
        staff_id: "P1".to_owned(),
        reason: "指纹不一样".to_owned(),
    }));
    assert!(is(&Event::MachineMayAskAgain {
        device: fake.device,
        name: name(),
        staff_id: "P1".to_owned(),
        reason: "拒绝错了".to_owned(),
    }));
}

#[test]
fn an_approved_machine_is_taken_off_the_list_by_two_people_alone() {
    let stage = Stage::open();
    let (fakes, _) = stage.furnished();
    let device = fakes[1].device;
    let admission = || {
        let devices = stage.station().hub().devices();
        devices.get(&device).unwrap().admission
    };
    // The wish to turn an asking machine away, which one person may have, does nothing to it.
    assert_eq!(stage.refused(refuse(&fakes[1])), "device.approved");
    assert_eq!(stage.refused(revoke(&fakes[1], "P1")), "room.same_person");
    assert_eq!(stage.refused(revoke(&fakes[1], "E1")), "room.second_role");
    assert_eq!(admission(), Admission::Approved);
    let view = stage.done(revoke(&fakes[1], "H1"));
    assert_eq!(admission(), Admission::Revoked);
    let row = view.devices.known.iter();
    let mut row = row.filter(|row| row.device == device.hex());
    assert!(row.next().unwrap().revoked);
    assert_eq!(stage.refused(revoke(&fakes[1], "H1")), "device.revoked");
    let back = StationAction::BackInUse {
        device: device.hex(),
        reason: "找到了".to_owned(),
        second: second("H1"),
    };
    assert_eq!(stage.refused(back), "seating.revoked");
    let revoked = Event::MachineRevoked {
        device,
        staff_id: "P1".to_owned(),
        second: "H1".to_owned(),
        reason: "机器丢失".to_owned(),
    };
    let told = ledger(&stage);
    assert!(told.contains(&("staff:P1".to_owned(), revoked)));
    // Who let it in was two people, and the ledger names both.
    let listed = told.iter().find_map(|(actor, event)| match event {
        Event::MachineListed {
            device: listed,
            second,
            ..
        } if *listed == device => Some((actor.as_str(), second.as_str())),
        _ => None,
    });
    assert_eq!(listed, Some(("staff:P1", "P2")));
}

#[test]
fn taking_a_machine_off_the_list_that_is_out_of_use_is_recorded_too() {
    let stage = Stage::open();
    let (fakes, _) = stage.furnished();
    let device = fakes[2].device;
    stage.done(StationAction::OutOfUse {
        device: device.hex(),
        reason: "主板坏".to_owned(),
        second: second("H1"),
    });
    stage.done(revoke(&fakes[2], "P2"));
    let told = ledger(&stage);
    let revoked = told.iter().any(|(_, event)| {
        matches!(event, Event::MachineRevoked { device: one, second, .. } if *one == device && second == "P2")
    });
    assert!(revoked);
}

#[test]
fn requests_are_cleared_by_one_person_and_whoever_is_there_asks_again() {
    let stage = Stage::open();
    stage.log_in("P1");
    let fakes = [asks(&stage, 1), asks(&stage, 2)];
    assert_eq!(stage.view().devices.asking.len(), 2);
    let view = stage.done(StationAction::ForgetAsking {});
    assert!(view.devices.asking.is_empty());
    let cleared = Event::AskingForgotten {
        machines: 2,
        staff_id: "P1".to_owned(),
    };
    assert!(ledger(&stage).contains(&("staff:P1".to_owned(), cleared)));
    fakes[0].ask(&stage);
    stage.station().hub().room().touch();
    stage.settle();
    assert_eq!(stage.view().devices.asking.len(), 1);
}

#[test]
fn the_page_tells_who_leaves_it_and_how() {
    let stage = Stage::open();
    stage.log_in("P1");
    stage.done(StationAction::Tab {
        tab: StationTab::Log,
    });
    let out = stage.station().act(StationAction::LogOut {});
    assert_eq!(out.refused, None);
    stage.log_in("P1");
    // Somebody else sits down without the first one logging out.
    stage.log_in("P2");
    stage.machine.advance(5 * 60_000);
    stage.settle();
    let told = ledger(&stage);
    let left: Vec<(&str, &Event)> = told
        .iter()
        .filter(|(_, event)| matches!(event, Event::LoggedOut { .. } | Event::IdleLocked { .. }))
        .map(|(actor, event)| (actor.as_str(), event))
        .collect();
    let out = Event::LoggedOut {
        staff_id: "P1".to_owned(),
    };
    let idle = Event::IdleLocked {
        staff_id: "P2".to_owned(),
    };
    assert_eq!(
        left,
        [("staff:P1", &out), ("staff:P2", &out), ("system", &idle)]
    );
    let rows = stage.view().log.rows;
    let row = &rows[0].notice;
    assert_eq!(row.code, "event.staff");
    assert_eq!(row.args["kind"], "app.idle_locked");
}
