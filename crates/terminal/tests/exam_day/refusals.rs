//! Everything that is refused, each with its own code.

use crate::center::*;
use crate::evidence::*;
use crate::room::*;
use fengjuan_camera::CameraFault;
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_envelope::code::Code;
use fengjuan_terminal::view::Screen;
use fengjuan_terminal::view::action::*;
use fengjuan_terminal::view::candidate::*;
use fengjuan_terminal::view::desk::UnlockState;
use std::sync::Arc;

fn try_code(room: &Room, groups: Vec<String>) -> String {
    refused(room.desk(DeskAction::Unlock {
        groups,
        second: None,
    }))
}

fn identify(room: &Room, number: &str) -> Option<String> {
    ok(room.candidate(CandidateAction::Begin {}));
    let outcome = room.candidate(CandidateAction::Identify {
        number: number.into(),
    });
    ok(room.candidate(CandidateAction::Leave {}));
    outcome.refused.map(|refused| refused.code)
}

#[test]
fn a_wrong_code_is_counted_slowed_and_recorded_over_a_restart() {
    let mut room = Room::new();
    room.log_in(PROCTOR);
    let wrong = || Code::generate().unwrap().to_groups().to_vec();
    assert_eq!(try_code(&room, wrong()), "unlock.wrong_code");
    assert_eq!(try_code(&room, room.issued[0].groups()), "unlock.slowed");
    room.pass(5_000);
    assert_eq!(try_code(&room, wrong()), "unlock.wrong_code");
    room.restart();
    room.log_in(PROCTOR);
    assert_eq!(try_code(&room, room.issued[0].groups()), "unlock.slowed");
    let desk = desk_of(room.view());
    assert_eq!(desk.unlock.wrong_so_far, 2);
    assert_eq!(desk.unlock.refused.unwrap().code, "unlock.slowed");
    room.pass(10_000);
    let desk = desk_of(ok(room.desk(DeskAction::Unlock {
        groups: room.issued[0].groups(),
        second: None,
    })));
    assert_eq!(
        (desk.unlock.state, desk.unlock.wrong_so_far),
        (UnlockState::Unlocked, 0)
    );
    assert_eq!(count(&room, "app.code_refused"), 2);
}

#[test]
fn a_mistyped_group_is_told_and_not_counted() {
    let room = Room::new();
    room.log_in(PROCTOR);
    let mut groups = room.issued[0].groups();
    groups.swap(1, 2);
    let outcome = room.desk(DeskAction::Unlock {
        groups,
        second: None,
    });
    let refused = outcome.refused.unwrap();
    assert_eq!(
        (refused.code.as_str(), refused.args["group"].as_str()),
        ("unlock.not_complete_group", "2")
    );
    assert_eq!(count(&room, "app.code_refused"), 0);
}

#[test]
fn unlocking_is_refused_for_its_own_reason_each_time() {
    let mut room = Room::empty();
    room.issue("S1", |_| {});
    room.issue("S2", |sitting| sitting.start_ms += 300 * MINUTE);
    room.open();
    room.log_in(PROCTOR);
    assert_eq!(
        try_code(&room, room.issued[1].groups()),
        "unlock.other_sitting"
    );
    room.pass(5_000);
    ok(room.desk(DeskAction::Select {
        sitting_no: "S2".into(),
    }));
    assert_eq!(try_code(&room, room.issued[1].groups()), "unlock.too_early");
    ok(room.desk(DeskAction::Select {
        sitting_no: "S1".into(),
    }));
    let set = |room: &Room, edit: &dyn Fn(&mut fengjuan_device::papers::HeldPapers)| {
        let mut held = room.issued[0].held.clone();
        edit(&mut held);
        room.outward.set_held(vec![Arc::new(held)]);
        room.pass(2_000);
    };
    set(&room, &|held| held.grant = None);
    assert_eq!(try_code(&room, room.issued[0].groups()), "unlock.no_grant");
    let other = tempfile::tempdir().unwrap();
    let other = DeviceIdentity::open(other.path()).unwrap();
    let foreign = room
        .center
        .issue(&room.data.join("packages"), &other, "S9", |_| {})
        .held
        .grant;
    set(&room, &|held| held.grant = foreign.clone());
    assert_eq!(try_code(&room, room.issued[0].groups()), "unlock.no_grant");
    set(&room, &|held| held.superseded = true);
    let path = room.issued[0].held.packages[0].path.clone();
    set(&room, &|_| {});
    let bytes = std::fs::read(&path).unwrap();
    let mut damaged = bytes.clone();
    // The index is the first message after the header.
    let header = u32::from_be_bytes(bytes[8..12].try_into().unwrap()) as usize;
    damaged[12 + header + 40] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    assert_eq!(
        try_code(&room, room.issued[0].groups()),
        "unlock.damaged_package"
    );
    let hash = room.issued[0].held.packages[0].hash;
    assert_eq!(
        *room.outward.damaged.lock().unwrap(),
        [hash],
        "and is to be brought again"
    );
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(
        try_code(&room, room.issued[0].groups()),
        "unlock.damaged_package"
    );
    std::fs::write(&path, &bytes).unwrap();
    room.log_out();
    room.pass_to(START_MS + 400 * MINUTE);
    room.log_in(PROCTOR);
    assert_eq!(try_code(&room, room.issued[0].groups()), "unlock.over");
}

#[test]
fn a_superseded_version_says_so() {
    let mut room = Room::new();
    let mut old = room.issued[0].held.clone();
    old.superseded = true;
    room.outward.set_held(vec![Arc::new(old)]);
    room.restart();
    assert!(matches!(
        room.screen(),
        Screen::Standby(StandbyView {
            entry: EntryState::NothingHeld,
            ..
        })
    ));
    let newer = room.center.issue(
        &room.data.join("packages"),
        &room.identity,
        "S1",
        |sitting| sitting.version = 2,
    );
    let mut held = room.outward.held.lock().unwrap().clone();
    held.push(Arc::new(newer.held.clone()));
    room.outward.set_held(held);
    room.pass(2_000);
    room.log_in(PROCTOR);
    // The old slip opens the old version only, which is no longer sat.
    assert_eq!(
        try_code(&room, room.issued[0].groups()),
        "unlock.superseded"
    );
    room.pass(5_000);
    ok(room.desk(DeskAction::Unlock {
        groups: newer.groups(),
        second: None,
    }));
}

#[test]
fn a_version_that_has_just_come_counts_before_the_next_tick() {
    let room = Room::new();
    room.pass(2_000);
    room.log_in(PROCTOR);
    let newer = room.center.issue(
        &room.data.join("packages"),
        &room.identity,
        "S1",
        |sitting| sitting.version = 2,
    );
    let mut old = room.issued[0].held.clone();
    old.superseded = true;
    room.outward
        .set_held(vec![Arc::new(old), Arc::new(newer.held.clone())]);
    assert_eq!(
        try_code(&room, room.issued[0].groups()),
        "unlock.superseded"
    );
}

#[test]
fn an_attempt_in_progress_is_not_disturbed_by_a_new_version() {
    let mut room = Room::new();
    room.sit("S1-01");
    ok(room.choose(0, 0));
    let before = room.standing();
    let newer = room.center.issue(
        &room.data.join("packages"),
        &room.identity,
        "S1",
        |sitting| sitting.version = 2,
    );
    let mut old = room.issued[0].held.clone();
    old.superseded = true;
    room.outward
        .set_held(vec![Arc::new(old), Arc::new(newer.held)]);
    room.pass(5_000);
    assert_eq!(room.standing(), before);
    room.restart();
    room.unlock();
    assert_eq!(room.standing(), before);
}

#[test]
fn numbers_that_lead_nowhere_say_why() {
    let mut room = Room::empty();
    room.seat_no = Some(1);
    room.issue("S1", |_| {});
    room.issue("S2", |sitting| sitting.start_ms += 300 * MINUTE);
    room.open();
    assert_eq!(identify(&room, "99"), Some("checkin.unknown_number".into()));
    assert_eq!(identify(&room, "S1-02"), Some("checkin.other_seat".into()));
    assert_eq!(
        identify(&room, "S2-01"),
        Some("checkin.other_sitting".into())
    );
    assert_eq!(identify(&room, "37080219800101121x"), None);
    assert_eq!(identify(&room, "Ｓ１－０１"), None);
    let early = {
        let mut room = Room::empty();
        room.issue("S1", |sitting| sitting.start_ms += 60 * MINUTE);
        room.open();
        refused(room.candidate(CandidateAction::Begin {}))
    };
    assert_eq!(early, "checkin.entry_not_open");
    let empty = {
        let mut room = Room::empty();
        room.open();
        refused(room.candidate(CandidateAction::Begin {}))
    };
    assert_eq!(empty, "checkin.nothing_held");
}

#[test]
fn only_named_staff_with_the_right_password_confirm() {
    let room = Room::new();
    room.identify("S1-01");
    let confirm = |(staff_id, password): (&str, &str), clear| {
        room.seat(SeatAction::ConfirmPerson {
            staff_id: staff_id.into(),
            password: password.into(),
            id_document: true,
            person: true,
            ticket: true,
            contraband_clear: clear,
        })
    };
    assert_eq!(refused(confirm(("X9", "x"), true)), "staff.unknown");
    assert_eq!(refused(confirm(ADMIN, true)), "staff.role");
    assert_eq!(
        refused(confirm(STAFF, false)),
        "seat.confirmation_incomplete"
    );
    for _ in 0..3 {
        assert_eq!(
            refused(confirm((STAFF.0, "guess"), true)),
            "staff.wrong_password"
        );
    }
    assert_eq!(refused(confirm(STAFF, true)), "staff.slowed");
    room.pass(5_000);
    ok(confirm(STAFF, true));
    assert_eq!(count(&room, "app.log_in_failed"), 3);
    assert_eq!(count(&room, "exam.person_confirmed"), 1);
}

#[test]
fn unconfirmed_does_not_start() {
    let room = Room::new();
    room.unlock();
    room.identify("S1-01");
    room.pass_to(START_MS);
    let view = room.start();
    assert!(
        matches!(view.screen, Screen::StaffConfirm(_)),
        "the terminal started, the seat did not"
    );
    room.log_in(PROCTOR);
    assert_eq!(
        refused(room.desk(DeskAction::Start {})),
        "start.nobody_waits"
    );
}

#[test]
fn the_desk_knows_roles_and_locks_itself() {
    let room = Room::new();
    assert_eq!(
        refused(room.desk(DeskAction::Start {})),
        "desk.not_logged_in"
    );
    room.log_in(ADMIN);
    for action in [
        DeskAction::Start {},
        DeskAction::Unlock {
            groups: room.issued[0].groups(),
            second: None,
        },
        DeskAction::EndSitting { reason: "x".into() },
        DeskAction::StampArrival {
            ticket_no: "S1-01".into(),
        },
        DeskAction::Pull {},
    ] {
        assert_eq!(refused(room.desk(action)), "desk.not_allowed");
    }
    ok(room.desk(DeskAction::CheckEquipment {}));
    room.log_out();
    room.log_in(STAFF);
    assert_eq!(refused(room.desk(DeskAction::Start {})), "desk.not_allowed");
    ok(room.desk(DeskAction::StampArrival {
        ticket_no: "S1-01".into(),
    }));
    assert_eq!(
        refused(room.desk(DeskAction::StampArrival {
            ticket_no: "S1-01".into()
        })),
        "seat.already_stamped"
    );
    assert_eq!(
        refused(room.desk(DeskAction::MarkAbsent {
            ticket_no: "S1-02".into()
        })),
        "seat.not_absent_yet"
    );
    room.pass(4 * MINUTE);
    ok(room.desk(DeskAction::Tab {
        tab: fengjuan_terminal::view::desk::DeskTab::Records,
    }));
    room.pass(5 * MINUTE);
    assert!(matches!(room.screen(), Screen::Standby(_)));
    assert_eq!(
        refused(room.desk(DeskAction::SyncNow {})),
        "desk.not_logged_in"
    );
}

#[test]
fn leaving_early_and_handing_in_twice_are_refused() {
    let room = Room::with(|sitting| sitting.entry.earliest_leave_min = 30);
    room.sit("S1-01");
    room.does(CandidateAction::CheckHandIn {});
    room.does(CandidateAction::ConfirmHandIn {});
    assert_eq!(
        refused(room.candidate(CandidateAction::HandIn {})),
        "attempt.too_early"
    );
    room.does(CandidateAction::BackToExam {});
    assert_eq!(refused(room.choose(99, 0)), "attempt.no_such_option");
    assert_eq!(refused(room.choose(0, 7)), "attempt.no_such_option");
    room.pass_to(START_MS + 30 * MINUTE);
    room.hand_in();
    assert!(room.candidate(CandidateAction::HandIn {}).refused.is_some());
    assert_eq!(refused(room.choose(0, 0)), "attempt.not_started");
    assert_eq!(bundles(&room).len(), 1);
}

#[test]
fn a_start_after_the_limit_is_refused() {
    let room = Room::new();
    room.unlock();
    room.wait_in_room("S1-01");
    room.pass_to(START_MS + 61 * MINUTE);
    room.log_in(PROCTOR);
    assert_eq!(refused(room.desk(DeskAction::Start {})), "start.too_late");
}

#[test]
fn a_missing_camera_needs_a_decision_that_is_recorded() {
    let room = Room::new();
    *room.camera.fault.lock().unwrap() = Some(CameraFault::NotFound);
    room.does(CandidateAction::Begin {});
    let view = room.does(CandidateAction::Identify {
        number: "S1-01".into(),
    });
    match view.screen {
        Screen::Person(person) => assert_eq!(
            person.camera,
            CameraView::Fault {
                code: "camera.not_found".into()
            }
        ),
        other => panic!("{other:?}"),
    }
    room.does(CandidateAction::TakePicture {});
    room.until("the fault", |view| match &view.screen {
        Screen::Person(person) => (!person.taking).then_some(()),
        _ => None,
    });
    assert_eq!(count(&room, "exam.picture_failed"), 1);
    let view = room.does(CandidateAction::CameraTrouble {});
    assert!(matches!(
        view.screen,
        Screen::StaffConfirm(StaffConfirmView {
            why: ConfirmReason::CameraTrouble,
            ..
        })
    ));
    assert_eq!(refused(room.confirm()), "seat.out_of_order");
    let without = |(staff_id, password): (&str, &str)| SeatAction::WithoutPicture {
        staff_id: staff_id.into(),
        password: password.into(),
        reason: "摄像头损坏".into(),
    };
    assert_eq!(refused(room.seat(without(STAFF))), "staff.role");
    ok(room.seat(without(PROCTOR)));
    ok(room.confirm());
    assert_eq!(count(&room, "exam.picture_skipped"), 1);
}

#[test]
fn the_pattern_is_used_only_after_a_proctor_allowed_it_and_is_labelled() {
    let room = Room::new();
    *room.camera.fault.lock().unwrap() = Some(CameraFault::NotFound);
    room.log_in(PROCTOR);
    ok(room.desk(DeskAction::AllowPatternCamera {
        reason: "演示".into(),
    }));
    room.log_out();
    room.identify("S1-01");
    match room.screen() {
        Screen::StaffConfirm(confirm) => assert!(confirm.pattern),
        other => panic!("{other:?}"),
    }
    assert!(pictures(&room)[0].pattern);
    assert_eq!(count(&room, "exam.pattern_camera_allowed"), 1);
    let retake = ok(room.seat(SeatAction::RetakePicture {}));
    assert!(matches!(
        retake.screen,
        Screen::Person(PersonView {
            camera: CameraView::Pattern {},
            ..
        })
    ));
}

#[test]
fn not_me_leads_back_to_standby_and_the_right_person_sits_down() {
    let room = Room::new();
    room.does(CandidateAction::Begin {});
    room.does(CandidateAction::Identify {
        number: "S1-02".into(),
    });
    let view = room.does(CandidateAction::NotMe {});
    assert!(matches!(
        view.screen,
        Screen::StaffConfirm(StaffConfirmView {
            why: ConfirmReason::CandidateSaysNotMe,
            ..
        })
    ));
    room.does(CandidateAction::Leave {});
    room.wait_in_room("S1-01");
    assert_eq!(
        refused(room.candidate(CandidateAction::Leave {})),
        "seat.out_of_order"
    );
}

#[test]
fn packages_that_belong_elsewhere_open_nothing() {
    let mut room = Room::new();
    let dir = room.data.join("packages");
    let newer = room
        .center
        .issue(&dir, &room.identity, "S1", |sitting| sitting.version = 2);
    let other = room.center.issue(&dir, &room.identity, "S8", |_| {});
    room.log_in(PROCTOR);
    let path = |issued: &Issued, class: usize| issued.held.packages[class].path.clone();
    let mine = path(&room.issued[0], 0);
    let right = std::fs::read(&mine).unwrap();
    for wrong in [path(&newer, 0), path(&other, 0), path(&room.issued[0], 1)] {
        std::fs::copy(&wrong, &mine).unwrap();
        assert_eq!(
            try_code(&room, room.issued[0].groups()),
            "unlock.damaged_package"
        );
    }
    std::fs::write(&mine, &right).unwrap();
    assert_eq!(count(&room, "app.unlocked"), 0);
    ok(room.desk(DeskAction::Unlock {
        groups: room.issued[0].groups(),
        second: None,
    }));
    room.kill();
}

#[test]
fn the_staffs_corner_pressed_by_mistake_gives_the_exam_back() {
    let room = Room::new();
    room.sit("S1-01");
    let view = ok(room.seat(SeatAction::OpenDesk {}));
    assert!(matches!(view.screen, Screen::LogIn(_)));
    assert_eq!(refused(room.choose(0, 0)), "seat.staff_at_work");
    assert_eq!(
        refused(room.desk(DeskAction::Start {})),
        "desk.not_logged_in"
    );
    exam(room.log_out());
    ok(room.seat(SeatAction::OpenDesk {}));
    room.pass(MINUTE);
    exam(room.view());
    room.log_in(PROCTOR);
    // Nobody takes over a desk that was left open by going back to the log-in.
    ok(room.seat(SeatAction::OpenDesk {}));
    assert_eq!(
        refused(room.desk(DeskAction::EndSitting { reason: "x".into() })),
        "desk.not_logged_in"
    );
}
