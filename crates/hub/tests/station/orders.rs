//! What stands until the center's order comes, and what stands on one.

use crate::plan::{MINUTE_MS, ticket_no};
use crate::stage::{Fake, Stage, second};
use fengjuan_core::room::command::{Authority, CommandBody};
use fengjuan_hub::view::action::{ActionScope, StationAction};
use fengjuan_hub::view::tabs::AwaitedRow;
use fengjuan_wire::order::{CreditScope, OrderKind};

fn running() -> (Stage, Vec<Fake>) {
    let stage = Stage::open();
    let (mut fakes, _spare) = stage.furnished();
    stage.unlock(&mut fakes);
    stage.running(&mut fakes);
    (stage, fakes)
}

fn class() -> ActionScope {
    ActionScope::Class {
        class_no: "C1".to_owned(),
    }
}

fn credit(scope: ActionScope, minutes: u32) -> StationAction {
    StationAction::Credit {
        scope,
        minutes,
        reason: "停电".to_owned(),
        phone: None,
        second: Some(second("H1")),
    }
}

fn ordered(scope: CreditScope, minutes: i64) -> OrderKind {
    let credit_ms = minutes * MINUTE_MS;
    OrderKind::Credit { scope, credit_ms }
}

fn rows(stage: &Stage) -> Vec<(String, Option<String>)> {
    let rows = stage.view().log.awaited;
    let row = |row: AwaitedRow| (row.notice.code, row.order_no);
    rows.into_iter().map(row).collect()
}

fn row(code: &str, order_no: Option<&str>) -> (String, Option<String>) {
    (code.to_owned(), order_no.map(str::to_owned))
}

#[test]
fn a_decision_waits_for_its_order_and_one_order_answers_one_decision() {
    let (stage, mut fakes) = running();
    stage.done(credit(ActionScope::Room {}, 5));
    stage.done(credit(class(), 5));
    stage.done(credit(ActionScope::Room {}, 5));
    let waits = row("awaited.credit_many", None);
    assert_eq!(rows(&stage), [waits.clone(), waits.clone(), waits.clone()]);
    let other = CreditScope::ClassGroup {
        class_no: "C2".to_owned(),
    };
    stage.order("O1", ordered(other, 5));
    assert_eq!(rows(&stage).len(), 3);
    assert!(
        rows(&stage).iter().all(|row| row.1.is_none()),
        "of another class"
    );
    stage.order("O2", ordered(CreditScope::Room {}, 5));
    let first = row("awaited.credit_many", Some("O2"));
    assert_eq!(rows(&stage), [waits.clone(), waits, first]);
    // Nothing more is sent for it: the terminals hear of the order by themselves.
    fakes[0].obey(&stage);
    let credits = |body: &&CommandBody| matches!(body, CommandBody::Credit { .. });
    assert_eq!(fakes[0].told.iter().filter(credits).count(), 3);
}

#[test]
fn a_hand_in_that_is_opened_again_waits_for_its_own_order() {
    let (stage, mut fakes) = running();
    fakes[1].hand_in(&stage);
    let reopen = |seat_no| StationAction::Reopen {
        seat_no,
        reason: "误交".to_owned(),
        phone: None,
        second: second("H1"),
    };
    assert_eq!(stage.refused(reopen(1)), "room.not_handed_in");
    stage.done(reopen(2));
    let order = |place| OrderKind::Reopen {
        ticket_no: ticket_no(place),
    };
    stage.order("O1", order(0));
    assert_eq!(rows(&stage), [row("awaited.reopen", None)]);
    stage.order("O2", order(1));
    assert_eq!(rows(&stage), [row("awaited.reopen", Some("O2"))]);
}

#[test]
fn what_was_ordered_before_it_is_done_stands_on_the_order_at_once() {
    let (stage, mut fakes) = running();
    stage.order("O1", ordered(CreditScope::Room {}, 5));
    stage.done(credit(ActionScope::Room {}, 10));
    stage.done(credit(ActionScope::Room {}, 5));
    fakes[0].obey(&stage);
    let authorities = fakes[0].told.iter().filter_map(|body| match body {
        CommandBody::Credit { authority, .. } => Some(authority),
        _ => None,
    });
    let by_order = |authority: &Authority| matches!(authority, Authority::Order { .. });
    let by_order: Vec<bool> = authorities.map(by_order).collect();
    assert_eq!(by_order.len(), 2);
    assert!(!by_order[0], "ten minutes are not what was ordered");
}
