//! What the station decides while a terminal starts again: the attempt is there, its papers are still closed.

use crate::center::*;
use crate::evidence;
use crate::room::*;
use crate::station::*;
use fengjuan_core::event::{Event, HandInKind, OutageCause};
use fengjuan_core::room::command::{CommandBody, Scope};
use fengjuan_terminal::view::Screen;

/// Somebody answers, and the machine starts again without its keys.
fn locked() -> (Room, Station) {
    let mut room = Room::new();
    room.sit("S1-01");
    ok(room.choose(0, 0));
    let station = Station::over(&room);
    room.restart();
    assert!(matches!(room.screen(), Screen::Suspended(view) if view.needs_code));
    (room, station)
}

fn keys(room: &Room) {
    let keys = room.issued[0].sitting_keys();
    room.terminal().keys("S1", 1, &keys).unwrap();
}

fn one() -> Scope {
    Scope::Attempt {
        attempt: attempt("S1-01"),
    }
}

fn class(class_no: &str) -> Scope {
    Scope::ClassGroup {
        sitting_no: "S1".into(),
        class_no: class_no.into(),
    }
}

fn by_staff(room: &Room) -> bool {
    matches!(room.screen(), Screen::Suspended(view) if view.cause == OutageCause::Staff && !view.needs_code)
}

#[test]
fn who_was_suspended_while_the_machine_restarted_stays_suspended() {
    for scope in [one(), whole_room(), class("C1")] {
        let (mut room, mut station) = locked();
        station.tells(
            &room,
            CommandBody::Suspend {
                scope: scope.clone(),
            },
        );
        // It is not forgotten by another stop before the keys.
        room.restart();
        keys(&room);
        assert!(by_staff(&room), "{scope:?}: {:?}", room.screen());
        assert_eq!(refused(room.choose(1, 0)), "attempt.suspended");
        assert_eq!(evidence::count(&room, "exam.suspended"), 1);
        station.tells(&room, CommandBody::Resume { scope });
        ok(room.choose(1, 0));
    }
}

#[test]
fn who_was_suspended_and_resumed_meanwhile_goes_on() {
    let (room, mut station) = locked();
    let scope = whole_room();
    station.tells(
        &room,
        CommandBody::Suspend {
            scope: whole_room(),
        },
    );
    station.tells(&room, CommandBody::Resume { scope });
    keys(&room);
    ok(room.choose(1, 0));
    assert_eq!(evidence::count(&room, "exam.resumed"), 1);
}

#[test]
fn another_class_group_is_not_meant() {
    let (room, mut station) = locked();
    station.tells(&room, CommandBody::Suspend { scope: class("C2") });
    keys(&room);
    ok(room.choose(1, 0));
    assert_eq!(evidence::count(&room, "exam.suspended"), 0);
}

#[test]
fn whoever_is_told_to_leave_or_handed_in_meanwhile_sees_no_question_again() {
    let attempt = attempt("S1-01");
    let bodies = [
        ("exam.removed", CommandBody::Remove { attempt }),
        ("exam.handed_in", CommandBody::ForceHandIn { attempt }),
    ];
    for (kind, body) in bodies {
        let (mut room, mut station) = locked();
        let command = station.command(&room, body);
        let answer = acknowledged(give(&room, &command));
        assert_eq!(answer.refusal, None, "{kind}");
        assert_eq!(evidence::count(&room, kind), 0, "needs the papers");
        room.restart();
        assert_eq!(acknowledged(give(&room, &command)), answer);
        keys(&room);
        assert!(matches!(room.screen(), Screen::HandedIn(_)), "{kind}");
        assert_eq!(evidence::count(&room, kind), 1);
        let bundles = evidence::bundles(&room);
        assert_eq!(bundles.len(), 1, "{kind}");
        room.restart();
        room.pass(2_000);
        assert_eq!(evidence::count(&room, kind), 1, "once");
    }
}

#[test]
fn the_forced_end_reaches_whoever_is_locked_and_the_plain_one_waits() {
    for class_no in [None, Some("C1".to_owned())] {
        let (room, mut station) = locked();
        let end = |forced| CommandBody::End {
            sitting_no: "S1".into(),
            class_no: class_no.clone(),
            forced,
        };
        let refusal = station.tell(&room, end(false));
        assert_eq!(refusal.as_deref(), Some("room.somebody_answers"));
        station.tells(&room, end(true));
        assert!(matches!(room.screen(), Screen::Suspended(_)));
        keys(&room);
        assert!(matches!(room.screen(), Screen::HandedIn(_)));
        assert_eq!(evidence::bundles(&room).len(), 1);
        let handed_in = evidence::events(&room).into_iter();
        let kinds: Vec<HandInKind> = handed_in
            .filter_map(|(event, ..)| match event {
                Event::HandedIn { kind, .. } => Some(kind),
                _ => None,
            })
            .collect();
        assert_eq!(kinds, [HandInKind::Forced]);
    }
}

/// The ledger says that it was taken and waits, and later that it was done; the station reads both.
#[test]
fn the_ledger_says_when_a_command_waited_and_when_it_was_done() {
    let (room, mut station) = locked();
    station.tells(&room, CommandBody::Suspend { scope: one() });
    keys(&room);
    let taken = evidence::events(&room).into_iter();
    let outcomes: Vec<Option<String>> = taken
        .filter_map(|(event, ..)| match event {
            Event::CommandTaken { refusal, .. } => Some(refusal),
            _ => None,
        })
        .collect();
    let waits = Some("sitting.open_attempt_locked".to_owned());
    assert_eq!(outcomes, [waits, None]);
}

#[test]
fn an_outage_that_is_decided_while_the_papers_are_closed_is_credited_with_them() {
    let (mut room, mut station) = locked();
    room.pass(4 * MINUTE);
    keys(&room);
    let before = exam(room.view()).ends_ms;
    room.restart();
    let body = CommandBody::DecideOutage {
        attempt: attempt("S1-01"),
        outage_no: 1,
        credit_ms: 2 * MINUTE,
        cause: Some(OutageCause::Power),
    };
    station.tells(&room, body);
    keys(&room);
    assert_eq!(exam(room.view()).ends_ms, before + 2 * MINUTE);
}

/// The station's keys are no way around the end with credits.
#[test]
fn keys_that_come_after_the_end_open_nothing() {
    let mut room = Room::new();
    room.unlock();
    room.restart();
    let station_keys = room.issued[0].sitting_keys();
    room.pass_to(START_MS + 24 * 60 * MINUTE);
    let refused = room.terminal().keys("S1", 1, &station_keys).unwrap_err();
    assert_eq!(refused.code, "unlock.over");
    assert_eq!(evidence::count(&room, "app.unlocked"), 1);
}
