//! Days on which the center has a say: orders, postponements, late entry.

use crate::center::*;
use crate::day::refused_identify;
use crate::evidence::*;
use crate::room::*;
use fengjuan_terminal::view::Screen;
use fengjuan_terminal::view::action::*;
use fengjuan_wire::bundle::Outcome as SeatOutcome;
use fengjuan_wire::order::{CreditScope, Order, OrderKind};

#[test]
fn late_by_the_stamp_is_late_refused_and_an_order_lets_in() {
    let mut room = Room::new();
    room.unlock();
    room.pass_to(START_MS);
    room.start();
    room.pass_to(START_MS + 15 * MINUTE + 1_000);
    assert_eq!(refused_identify(&room, "S1-01"), "checkin.late");
    room.does(CandidateAction::Leave {});
    room.log_in(STAFF);
    let stamp = |ticket_no: &str| DeskAction::StampArrival {
        ticket_no: ticket_no.into(),
    };
    assert_eq!(refused(room.desk(stamp("S1-02"))), "checkin.late");
    assert_eq!(bundles(&room)[0].outcome, SeatOutcome::LateRefused {});
    room.log_out();
    let order = Order {
        order_no: "O1".into(),
        site: SITE.into(),
        sitting_no: "S1".into(),
        issued_ms: 0,
        kind: OrderKind::LateEntry {
            ticket_no: "S1-01".into(),
        },
        reason: "列车晚点".into(),
        approved_by: "王".into(),
    };
    room.terminal()
        .carry_out(&order, fengjuan_wire::hash(b"O1"))
        .unwrap();
    room.wait_in_room("S1-01");
    assert_eq!(exam(room.start()).ends_ms, START_MS + 120 * MINUTE);
    room.restart();
    assert!(matches!(room.screen(), Screen::Suspended(_)));
}

#[test]
fn orders_are_carried_out_once_now_or_at_the_start_or_after_a_stop() {
    let mut room = Room::new();
    let credit = |number: &str, scope: CreditScope| Order {
        order_no: number.into(),
        site: SITE.into(),
        sitting_no: "S1".into(),
        issued_ms: 0,
        kind: OrderKind::Credit {
            scope,
            credit_ms: 5 * MINUTE,
        },
        reason: "停电".into(),
        approved_by: "王".into(),
    };
    let carry = |room: &Room, order: &Order| {
        let hash = fengjuan_wire::hash(order.order_no.as_bytes());
        room.terminal().carry_out(order, hash).unwrap();
    };
    carry(&room, &credit("O1", CreditScope::Room {}));
    let ends = room.sit("S1-01").ends_ms;
    assert_eq!(exam(room.view()).ends_ms, START_MS + 125 * MINUTE, "{ends}");
    for _ in 0..2 {
        carry(
            &room,
            &credit(
                "O2",
                CreditScope::ClassGroup {
                    class_no: "C1".into(),
                },
            ),
        );
    }
    carry(
        &room,
        &credit(
            "O3",
            CreditScope::ClassGroup {
                class_no: "C2".into(),
            },
        ),
    );
    assert_eq!(exam(room.view()).ends_ms, START_MS + 130 * MINUTE);
    room.restart();
    carry(
        &room,
        &credit(
            "O2",
            CreditScope::ClassGroup {
                class_no: "C1".into(),
            },
        ),
    );
    carry(
        &room,
        &credit(
            "O4",
            CreditScope::Candidate {
                ticket_no: "S1-01".into(),
            },
        ),
    );
    room.unlock();
    assert_eq!(exam(room.view()).ends_ms, START_MS + 135 * MINUTE);
    assert_eq!(count(&room, "exam.time_credited"), 3);
}

#[test]
fn a_postponement_moves_start_late_limit_and_end_together() {
    let mut room = Room::new();
    let order = Order {
        order_no: "O1".into(),
        site: SITE.into(),
        sitting_no: "S1".into(),
        issued_ms: 0,
        kind: OrderKind::Postpone { by_ms: 30 * MINUTE },
        reason: "授权密码未到".into(),
        approved_by: "王".into(),
    };
    room.unlock();
    room.wait_in_room("S1-01");
    room.terminal()
        .carry_out(&order, fengjuan_wire::hash(b"O1"))
        .unwrap();
    room.restart();
    room.terminal()
        .carry_out(&order, fengjuan_wire::hash(b"O1"))
        .unwrap();
    room.unlock();
    match room.screen() {
        Screen::Waiting(waiting) => assert_eq!(waiting.start_ms, START_MS + 30 * MINUTE),
        other => panic!("{other:?}"),
    }
    room.pass_to(START_MS + 29 * MINUTE);
    room.log_in(PROCTOR);
    assert_eq!(refused(room.desk(DeskAction::Start {})), "start.too_early");
    room.pass(MINUTE);
    assert_eq!(
        exam(ok(room.desk(DeskAction::Start {}))).ends_ms,
        START_MS + 150 * MINUTE
    );
}

#[test]
fn whoever_was_refused_as_late_and_let_in_by_order_gets_a_bundle_of_the_attempt() {
    let room = Room::new();
    room.unlock();
    room.pass_to(START_MS);
    room.start();
    room.pass_to(START_MS + 16 * MINUTE);
    room.log_in(STAFF);
    let stamp = DeskAction::StampArrival {
        ticket_no: "S1-01".into(),
    };
    assert_eq!(refused(room.desk(stamp)), "checkin.late");
    room.log_out();
    let order = Order {
        order_no: "O1".into(),
        site: SITE.into(),
        sitting_no: "S1".into(),
        issued_ms: 0,
        kind: OrderKind::LateEntry {
            ticket_no: "S1-01".into(),
        },
        reason: "列车晚点".into(),
        approved_by: "王".into(),
    };
    room.terminal()
        .carry_out(&order, fengjuan_wire::hash(b"O1"))
        .unwrap();
    room.wait_in_room("S1-01");
    room.start();
    assert!(room.hand_in().sealed);
    let bundles = bundles(&room);
    let mut numbers: Vec<u32> = bundles.iter().map(|bundle| bundle.bundle_no).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
}
