//! Who may act at the station.

use crate::plan::{PASSWORD, SITTING};
use crate::stage::{Fake, Stage, second};
use fengjuan_core::event::Event;
use fengjuan_hub::view::action::{ActionScope, SecondPerson, StationAction};
use fengjuan_hub::view::tabs::StaffRow;
use fengjuan_hub::view::{StationScreen, StationTab};
use fengjuan_wire::entry::Entry;

fn log_in(staff_id: &str, password: &str) -> StationAction {
    StationAction::LogIn {
        staff_id: staff_id.to_owned(),
        password: password.to_owned(),
    }
}

fn row(stage: &Stage, staff_id: &str) -> StaffRow {
    let staff = stage.view().log.staff;
    let found = staff
        .into_iter()
        .find(|row| row.person.staff_id == staff_id);
    found.unwrap()
}

#[test]
fn before_anybody_has_logged_in_there_is_only_the_log_in() {
    let stage = Stage::open();
    let page = stage.station().page();
    let StationScreen::LogIn(log_in_view) = page.screen else {
        panic!("{:?}", page.screen);
    };
    let ids: Vec<&str> = log_in_view
        .staff
        .iter()
        .map(|one| one.staff_id.as_str())
        .collect();
    assert_eq!(ids, ["P1", "P2", "E1", "H1", "A1"]);
    assert_eq!(
        stage.refused(StationAction::Start {}),
        "station.not_logged_in"
    );
    assert_eq!(
        stage.refused(StationAction::Pull {}),
        "station.not_logged_in"
    );
    assert_eq!(stage.refused(log_in("X", PASSWORD)), "staff.unknown");
    let view = stage.log_in("P1");
    assert_eq!(view.user.unwrap().staff_id, "P1");
    stage.station().act(StationAction::LogOut {});
    assert!(matches!(
        stage.station().page().screen,
        StationScreen::LogIn(_)
    ));
}

#[test]
fn a_machine_is_let_in_by_two_people_of_whom_one_looks_after_machines() {
    let stage = Stage::open();
    let fake = Fake::new(1);
    let hub_knows = || stage.station().hub().devices().get(&fake.device);
    fake.ask(&stage);
    let approve = |second: SecondPerson| StationAction::ApproveDevice {
        device: fake.device.hex(),
        seat_no: Some(1),
        second,
    };
    assert_eq!(
        stage.refused(approve(second("P2"))),
        "station.not_logged_in"
    );
    let asking = stage.log_in("E1").devices.asking;
    assert_eq!(asking.len(), 1);
    assert_eq!(asking[0].fingerprint, hub_knows().unwrap().fingerprint());
    assert_eq!(stage.refused(approve(second("P2"))), "room.role");
    stage.log_in("P1");
    assert_eq!(stage.refused(approve(second("P1"))), "room.same_person");
    let wrong = SecondPerson {
        staff_id: "P2".to_owned(),
        password: "falsch".to_owned(),
    };
    assert_eq!(stage.refused(approve(wrong)), "staff.second_wrong");
    assert!(hub_knows().unwrap().certificate.is_none());
    let view = stage.done(approve(second("P2")));
    assert!(view.devices.asking.is_empty());
    assert_eq!(view.devices.known[0].seat_no, Some(1));
    assert_eq!(view.devices.next_seat_no, 2);
    assert_eq!(hub_knows().unwrap().decided_by, "P1+P2");
    assert_eq!(stage.refused(approve(second("P2"))), "station.number_taken");
}

#[test]
fn what_a_role_may_not_do_is_refused_and_changes_nothing() {
    let stage = Stage::open();
    let (mut fakes, _) = stage.furnished();
    stage.unlock(&mut fakes);
    stage.running(&mut fakes);
    let size = || stage.station().hub().reader().unwrap().size().unwrap();
    let scope = || ActionScope::Seat { seat_no: 1 };
    let reason = || "断电".to_owned();
    let deeds = || {
        vec![
            StationAction::Unlock {
                groups: stage.code.clone(),
                second: None,
            },
            StationAction::Start {},
            StationAction::Suspend {
                scope: scope(),
                reason: reason(),
            },
            StationAction::Credit {
                scope: scope(),
                minutes: 5,
                reason: reason(),
                phone: None,
                second: None,
            },
            StationAction::ForceHandIn {
                seat_no: 1,
                reason: reason(),
            },
            StationAction::End {
                class_no: None,
                forced: true,
                reason: reason(),
            },
        ]
    };
    for staff_id in ["E1", "H1", "A1"] {
        stage.log_in(staff_id);
        let before = size();
        for deed in deeds() {
            assert_eq!(stage.refused(deed), "room.role", "{staff_id}");
        }
        assert_eq!(size(), before, "nothing is recorded of it");
    }
    assert_eq!(
        stage.refused(StationAction::Pull {}),
        "station.not_allowed",
        "papers are the proctor's"
    );
}

#[test]
fn a_second_person_and_a_reason_are_asked_for_where_the_rules_say_so() {
    let stage = Stage::open();
    let (mut fakes, _) = stage.furnished();
    stage.unlock(&mut fakes);
    stage.running(&mut fakes);
    let credit = |scope, reason: &str, second| StationAction::Credit {
        scope,
        minutes: 10,
        reason: reason.to_owned(),
        phone: None,
        second,
    };
    let one = || ActionScope::Seat { seat_no: 1 };
    assert_eq!(
        stage.refused(credit(one(), " ", None)),
        "room.reason_needed"
    );
    stage.done(credit(one(), "鼠标坏了", None));
    let room = || ActionScope::Room {};
    assert_eq!(
        stage.refused(credit(room(), "停电", None)),
        "room.second_needed"
    );
    let of_staff = Some(second("E1"));
    assert_eq!(
        stage.refused(credit(room(), "停电", of_staff)),
        "room.second_role"
    );
    let view = stage.done(credit(room(), "停电", Some(second("H1"))));
    let awaited = &view.log.awaited;
    assert_eq!(awaited.len(), 1, "it stands until the center's order");
    assert_eq!(awaited[0].notice.code, "awaited.credit_many");
    assert_eq!(awaited[0].second.as_ref().unwrap().staff_id, "H1");
    let remove = StationAction::Remove {
        seat_no: 2,
        reason: "夹带".to_owned(),
        second: second("P1"),
    };
    assert_eq!(stage.refused(remove), "room.same_person");
}

#[test]
fn wrong_passwords_lock_out_for_everybody_to_see_and_another_person_releases_it() {
    let mut stage = Stage::open();
    stage.log_in("H1");
    let codes: Vec<String> = (0..6)
        .map(|_| {
            // Slowing grows with every wrong one; the sixth locks out.
            stage.machine.advance(6 * 60_000);
            stage.refused(log_in("P1", "falsch"))
        })
        .collect();
    assert_eq!(codes[..5], ["staff.wrong_password"; 5].map(str::to_owned));
    assert_eq!(codes[5], "staff.locked_out");
    assert_eq!(stage.refused(log_in("P1", PASSWORD)), "staff.locked_out");
    stage.settle();
    stage.restart();
    stage.log_in("H1");
    let alert = |stage: &Stage| {
        let alerts = stage.view().alerts;
        alerts.iter().any(|row| row.notice.code == "alert.lockout")
    };
    assert!(alert(&stage), "also after the program began again");
    assert!(row(&stage, "P1").locked_until_ms.is_some());
    let release = |staff_id: &str, reason: &str| StationAction::ReleaseLockout {
        staff_id: "P1".to_owned(),
        reason: reason.to_owned(),
        second: second(staff_id),
    };
    assert_eq!(stage.refused(release("P1", "记错了")), "room.same_person");
    assert_eq!(stage.refused(release("E1", "记错了")), "room.second_role");
    assert_eq!(stage.refused(release("H1", " ")), "room.reason_needed");
    stage.done(release("H1", "记错了"));
    stage.settle();
    assert!(!alert(&stage));
    assert_eq!(
        stage.refused(release("H1", "再一次")),
        "staff.not_locked_out"
    );
    stage.log_in("P1");
}

#[test]
fn a_lockout_ends_by_itself() {
    let stage = Stage::open();
    for _ in 0..6 {
        stage.machine.advance(6 * 60_000);
        stage.refused(log_in("P2", "falsch"));
    }
    stage.log_in("P1");
    stage.machine.advance(14 * 60_000);
    assert_eq!(stage.refused(log_in("P2", PASSWORD)), "staff.locked_out");
    stage.machine.advance(60_000);
    stage.log_in("P2");
    stage.settle();
    stage.settle();
    assert!(stage.alerts().is_empty());
}

#[test]
fn an_idle_page_acts_on_nothing_and_hides_nothing() {
    let stage = Stage::open();
    let (fakes, _) = stage.furnished();
    stage.done(StationAction::Tab {
        tab: StationTab::Room,
    });
    stage.machine.advance(299_000);
    stage.settle();
    assert!(stage.view().user.is_some());
    stage.machine.advance(1_000);
    stage.settle();
    let page = stage.station().page();
    assert!(page.station.idle_locked && page.station.people.is_empty());
    // The terminals have said nothing for as long: the alert is there all the same.
    stage.pass(40, &[]);
    let view = stage.view();
    assert!(view.user.is_none() && !view.alerts.is_empty());
    assert_eq!(view.room.tiles.len(), fakes.len() + 1);
    let note = StationAction::AcknowledgeAlert {
        alert_no: view.alerts[0].alert_no,
        note: "去看".to_owned(),
    };
    assert_eq!(stage.refused(note.clone()), "station.not_logged_in");
    let tab = StationTab::Log;
    assert_eq!(stage.done(StationAction::Tab { tab }).tab, StationTab::Log);
    stage.log_in("E1");
    let alerts = stage.done(note).alerts;
    let acknowledged = alerts.iter().filter_map(|row| row.acknowledged.as_ref());
    let notes: Vec<(&str, &str)> = acknowledged
        .map(|one| (one.by.staff_id.as_str(), one.note.as_str()))
        .collect();
    assert_eq!(notes, [("E1", "去看")]);
}

/// Whoever is logged in has one half, and somebody else the other.
#[test]
fn a_code_of_two_halves_is_typed_by_two_people_who_may_unlock() {
    let stage = Stage::of_two_codes();
    stage.log_in("P1");
    let unlock = |second: Option<SecondPerson>| StationAction::Unlock {
        groups: stage.code.clone(),
        second,
    };
    assert_eq!(stage.code.len(), 8);
    assert_eq!(stage.refused(unlock(None)), "room.second_needed");
    assert_eq!(
        stage.view().unlock.refused.unwrap().code,
        "room.second_needed"
    );
    assert_eq!(
        stage.refused(unlock(Some(second("P1")))),
        "room.same_person"
    );
    assert_eq!(
        stage.refused(unlock(Some(second("H1")))),
        "room.second_role",
        "a site head may countersign, and not unlock"
    );
    let wrong = SecondPerson {
        staff_id: "P2".to_owned(),
        password: "falsch".to_owned(),
    };
    assert_eq!(stage.refused(unlock(Some(wrong))), "staff.second_wrong");
    let failed = Event::LogInFailed {
        staff_id: "P2".to_owned(),
        cause: "staff.wrong_password".to_owned(),
    };
    assert_eq!(recorded(&stage, "app.log_in_failed"), [failed]);
    assert!(stage.station().hub().unlocks().opened().is_empty());
    let half = StationAction::Unlock {
        groups: stage.code[..4].to_vec(),
        second: Some(second("P2")),
    };
    assert_eq!(stage.refused(half), "unlock.not_complete_group");
    stage.done(unlock(Some(second("P2"))));
    let both = Event::Unlocked {
        sitting_no: SITTING.to_owned(),
        version: 1,
        staff_id: "P1".to_owned(),
        second: Some("P2".to_owned()),
    };
    assert_eq!(recorded(&stage, "app.unlocked"), [both]);
}

/// What the station's own ledger says of one kind.
fn recorded(stage: &Stage, kind: &str) -> Vec<Event> {
    let reader = stage.station().hub().reader().unwrap();
    let entries = reader.entries(0, 10_000).unwrap();
    let of_kind = entries.iter().filter(|stored| stored.kind == kind);
    let read = of_kind.map(|stored| Entry::decode(&stored.bytes).unwrap().event(None).unwrap());
    read.collect()
}
