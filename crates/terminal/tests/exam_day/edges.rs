//! What happens at the edges of a day: displays, absences, and people who never begin.

use crate::center::*;
use crate::evidence::*;
use crate::room::*;
use fengjuan_core::event::Event;
use fengjuan_terminal::view::Screen;
use fengjuan_terminal::view::action::*;
use fengjuan_terminal::view::desk::SeatState;
use fengjuan_wire::bundle::Outcome as SeatOutcome;
use std::sync::atomic::Ordering;

#[test]
fn a_display_that_comes_or_goes_is_seen_without_being_told() {
    let room = Room::new();
    let set = |count| {
        room.displays.0.store(count, Ordering::Relaxed);
        room.pass(5_000);
    };
    set(1);
    assert_eq!(
        count(&room, "system.displays_changed"),
        0,
        "the first count is no change"
    );
    set(2);
    set(0);
    set(2);
    set(1);
    let seen: Vec<u32> = events(&room)
        .into_iter()
        .filter_map(|(event, ..)| match event {
            Event::DisplaysChanged { count } => Some(count),
            _ => None,
        })
        .collect();
    assert_eq!(
        seen,
        [2, 1],
        "a window layer that cannot tell says nothing new"
    );
}

#[test]
fn an_absence_that_storage_did_not_take_is_sealed_later() {
    let mut room = Room::empty();
    room.issue("S1", |_| {});
    room.seat_no = Some(2);
    room.open();
    room.unlock();
    room.pass_to(START_MS + 16 * MINUTE);
    room.log_in(PROCTOR);
    // Objects cannot be written while their folder is a file.
    let (objects, aside) = (room.data.join("objects"), room.data.join("aside"));
    std::fs::rename(&objects, &aside).unwrap();
    std::fs::write(&objects, b"").unwrap();
    let ticket_no = "S1-02".to_owned();
    refused(room.desk(DeskAction::MarkAbsent { ticket_no }));
    assert_eq!(count(&room, "exam.absent"), 1);
    std::fs::remove_file(&objects).unwrap();
    std::fs::rename(&aside, &objects).unwrap();
    room.pass(10_000);
    assert_eq!(bundles(&room)[0].outcome, SeatOutcome::Absent {});
}

#[test]
fn whoever_arrived_and_never_sat_down_is_told_apart_from_the_absent() {
    let mut room = Room::empty();
    room.issue("S1", |_| {});
    room.seat_no = Some(2);
    room.open();
    room.unlock();
    room.pass_to(START_MS - 10 * MINUTE);
    room.log_in(STAFF);
    let ticket_no = || "S1-02".to_owned();
    ok(room.desk(DeskAction::StampArrival {
        ticket_no: ticket_no(),
    }));
    assert_eq!(
        refused(room.desk(DeskAction::MarkAbsent {
            ticket_no: ticket_no()
        })),
        "seat.not_absent_yet"
    );
    room.log_out();
    room.pass_to(START_MS + 16 * MINUTE);
    room.start();
    room.log_in(PROCTOR);
    let desk = desk_of(ok(room.desk(DeskAction::EndSitting {
        reason: "结束".into(),
    })));
    let row = desk.sitting.unwrap().candidates.remove(0);
    assert_eq!(row.state, SeatState::ArrivedNotSeated);
    assert_eq!(row.arrival_ms, Some(START_MS - 10 * MINUTE));
    assert_eq!(count(&room, "exam.absent"), 0);
    assert_eq!(count(&room, "exam.arrived_not_seated"), 1);
    assert_eq!(bundles(&room)[0].outcome, SeatOutcome::ArrivedNotSeated {});
    // The same after a restart, from the ledger alone.
    room.restart();
    let desk = desk_of(room.log_in(PROCTOR));
    let row = desk.sitting.unwrap().candidates.remove(0);
    assert_eq!(row.state, SeatState::ArrivedNotSeated);
}

#[test]
fn the_window_closes_over_whoever_was_refused_and_not_over_whoever_sits() {
    let room = Room::new();
    assert!(room.terminal().may_close(), "nobody is here");
    room.unlock();
    room.identify("S1-01");
    assert!(!room.terminal().may_close());
    room.pass_to(START_MS + 15 * MINUTE + 1_000);
    room.log_in(STAFF);
    let ticket_no = "S1-01".to_owned();
    assert_eq!(
        refused(room.desk(DeskAction::StampArrival { ticket_no })),
        "checkin.late"
    );
    room.log_out();
    assert!(matches!(room.screen(), Screen::NotSitting(_)));
    assert!(room.terminal().may_close());
}

#[test]
fn whoever_came_and_never_began_does_not_keep_the_seat() {
    let mut room = Room::empty();
    room.issue("S1", |_| {});
    room.issue("S2", |sitting| sitting.start_ms += 180 * MINUTE);
    room.open();
    room.unlock();
    room.wait_in_room("S1-01");
    room.log_in(PROCTOR);
    let may_end = |room: &Room| desk_of(room.view()).sitting.unwrap().may_end;
    assert!(!may_end(&room), "it can still be started");
    room.log_out();
    room.pass_to(START_MS + 61 * MINUTE);
    room.log_in(PROCTOR);
    assert_eq!(refused(room.desk(DeskAction::Start {})), "start.too_late");
    assert!(may_end(&room));
    ok(room.desk(DeskAction::EndSitting {
        reason: "考生离场".into(),
    }));
    room.log_out();
    room.pass(2_000);
    match room.screen() {
        Screen::Standby(standby) => assert_eq!(standby.start_ms, Some(START_MS + 180 * MINUTE)),
        other => panic!("{other:?}"),
    }
    assert!(
        bundles(&room).is_empty(),
        "there is no attempt to be sealed"
    );
}
