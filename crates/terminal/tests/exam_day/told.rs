//! What the room was told goes along with an attempt that moves: time and commands count once, wherever it goes on.

use crate::center::*;
use crate::evidence;
use crate::room::*;
use crate::station::*;
use crate::swap::{Replica, TICKET, fence, lease};
use fengjuan_core::room::command::{Authority, CommandBody, Scope};
use fengjuan_core::room::lease::CarryPoint;
use fengjuan_store::Database;
use fengjuan_terminal::view::Screen;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::order::{CreditScope, Order, OrderKind};

fn credit(scope: Scope, minutes: i64) -> CommandBody {
    CommandBody::Credit {
        scope,
        credit_ms: minutes * MINUTE,
        authority: Authority::Pending { phone: None },
    }
}

fn this_attempt() -> Scope {
    Scope::Attempt {
        attempt: attempt(TICKET),
    }
}

fn start() -> CommandBody {
    CommandBody::Start {
        sitting_no: "S1".into(),
        planned_ms: START_MS,
        at_ms: START_MS,
    }
}

fn postpone(minutes: i64) -> CommandBody {
    CommandBody::Postpone {
        sitting_no: "S1".into(),
        by_ms: minutes * MINUTE,
        authority: Authority::Pending { phone: None },
    }
}

fn ends_ms(room: &Room) -> i64 {
    exam(room.view()).ends_ms
}

/// Opens the papers at a spare.
fn spare_of(old: &Room) -> Room {
    let spare = old.beside();
    let keys = old.issued[0].sitting_keys();
    spare.terminal().keys("S1", 1, &keys).unwrap();
    spare
}

/// A terminal that somebody leaves for another one: what is held of it goes on there.
fn moves(from: &[&Room], to: &Room, station: &mut Station, number: u64) {
    let replicas: Vec<Replica> = from.iter().map(|room| Replica::of(room)).collect();
    let entries = replicas.iter().flat_map(|one| one.entries.clone());
    *to.outward.replicas.lock().unwrap() = Some(entries.collect());
    let carry: Vec<CarryPoint> = (1..).zip(&replicas).map(|(n, one)| one.carry(n)).collect();
    station.tells(to, lease(number, carry));
}

#[test]
fn time_for_the_room_is_not_given_again_where_the_attempt_goes_on() {
    let old = Room::new();
    old.sit(TICKET);
    let spare = spare_of(&old);
    let mut to_old = Station::over(&old);
    let mut to_spare = Station::over(&spare).with_ids_from(50);
    let before = ends_ms(&old);
    // Every machine that works is told, each by a command of its own.
    to_old.tells(&old, credit(whole_room(), 5));
    to_spare.tells(&spare, credit(whole_room(), 5));
    to_old.tells(&old, credit(whole_room(), 3));
    to_spare.tells(&spare, credit(whole_room(), 3));
    assert_eq!(ends_ms(&old), before + 8 * MINUTE);
    moves(&[&old], &spare, &mut to_spare, 2);
    assert_eq!(ends_ms(&spare), before + 8 * MINUTE);
    // What the old one was given and did not take comes along once more, under its own id.
    to_spare.tells(&spare, credit(whole_room(), 5));
    assert_eq!(ends_ms(&spare), before + 8 * MINUTE);
}

#[test]
fn time_given_before_the_begin_counts_once_on_the_machine_after() {
    let old = Room::new();
    old.unlock();
    old.wait_in_room(TICKET);
    let spare = spare_of(&old);
    let (mut to_old, mut to_spare) = (Station::over(&old), Station::over(&spare).with_ids_from(50));
    for (station, room) in [(&mut to_old, &old), (&mut to_spare, &spare)] {
        station.tells(room, start());
        station.tells(room, credit(whole_room(), 5));
    }
    old.pass_to(START_MS);
    assert_eq!(ends_ms(&old), START_MS + 125 * MINUTE);
    spare.pass_to(START_MS);
    moves(&[&old], &spare, &mut to_spare, 2);
    assert_eq!(ends_ms(&spare), START_MS + 125 * MINUTE);
}

#[test]
fn time_that_only_the_spare_was_told_of_is_given_there() {
    let old = Room::new();
    old.sit(TICKET);
    let spare = spare_of(&old);
    let mut to_spare = Station::over(&spare);
    let before = ends_ms(&old);
    to_spare.tells(&spare, credit(whole_room(), 5));
    moves(&[&old], &spare, &mut to_spare, 2);
    assert_eq!(ends_ms(&spare), before + 5 * MINUTE);
}

#[test]
fn a_command_done_before_a_second_swap_is_known_after_it() {
    let old = Room::new();
    old.sit(TICKET);
    let (second, third) = (spare_of(&old), spare_of(&old));
    let mut to_second = Station::over(&second);
    moves(&[&old], &second, &mut to_second, 2);
    let before = ends_ms(&second);
    let credit = to_second.command(&second, credit(this_attempt(), 5));
    let suspend = to_second.command(
        &second,
        CommandBody::Suspend {
            scope: this_attempt(),
        },
    );
    let resume = to_second.command(
        &second,
        CommandBody::Resume {
            scope: this_attempt(),
        },
    );
    for command in [&credit, &suspend, &resume] {
        assert_eq!(acknowledged(give(&second, command)).refusal, None);
    }
    // The ledger tells it under the attempt's own header.
    let reader = Database::read_only(&second.data).unwrap();
    let entries = reader.entries_of_attempt(&attempt(TICKET)).unwrap();
    let taken = entries
        .iter()
        .filter(|one| one.kind == "app.command_taken")
        .count();
    assert_eq!(taken, 3);
    let mut to_third = Station::over(&third).with_ids_from(50);
    moves(&[&old, &second], &third, &mut to_third, 3);
    assert_eq!(ends_ms(&third), before + 5 * MINUTE);
    for command in [&credit, &suspend, &resume] {
        let again = to_third.again(&third, command.command.clone());
        assert_eq!(acknowledged(give(&third, &again)).refusal, None);
    }
    assert_eq!(ends_ms(&third), before + 5 * MINUTE);
    assert!(matches!(third.screen(), Screen::Exam(_)));
    assert_eq!(evidence::count(&third, "exam.suspended"), 0);
    assert_eq!(evidence::count(&third, "exam.time_credited"), 0);
}

#[test]
fn a_command_that_is_not_carried_on_is_done_again_on_the_way_back() {
    let old = Room::new();
    old.sit(TICKET);
    let replica = Replica::of(&old);
    let mut to_old = Station::over(&old);
    let before = ends_ms(&old);
    // They reached the machine, and its word of that never reached the station.
    let more = to_old.command(&old, credit(this_attempt(), 5));
    let scope = this_attempt();
    let suspend = to_old.command(&old, CommandBody::Suspend { scope });
    for command in [&more, &suspend] {
        assert_eq!(acknowledged(give(&old, command)).refusal, None);
    }
    to_old.tells(&old, fence(2));
    *old.outward.replicas.lock().unwrap() = Some(replica.entries.clone());
    to_old.tells(&old, lease(3, vec![replica.carry(1)]));
    // Time is kept by the machine; a suspension that is not carried on has not happened.
    assert_eq!(ends_ms(&old), before + 5 * MINUTE);
    for command in [more, suspend] {
        let again = to_old.again(&old, command.command);
        assert_eq!(acknowledged(give(&old, &again)).refusal, None);
    }
    assert!(matches!(old.screen(), Screen::Suspended(_)));
    let scope = this_attempt();
    to_old.tells(&old, CommandBody::Resume { scope });
    assert_eq!(ends_ms(&old), before + 5 * MINUTE);
}

fn ordered(number: &str, kind: OrderKind) -> Order {
    Order {
        order_no: number.into(),
        site: SITE.into(),
        sitting_no: "S1".into(),
        issued_ms: 0,
        kind,
        reason: "停电".into(),
        approved_by: "王".into(),
    }
}

#[test]
fn an_order_that_comes_before_its_decision_is_not_done_twice() {
    let room = Room::new();
    room.sit(TICKET);
    let mut station = Station::over(&room);
    let before = ends_ms(&room);
    let carry_out = |number: &str, kind: OrderKind| {
        let hash = fengjuan_wire::hash(number.as_bytes());
        room.terminal()
            .carry_out(&ordered(number, kind), hash)
            .unwrap();
    };
    carry_out("O1", OrderKind::Postpone { by_ms: 10 * MINUTE });
    station.tells(&room, postpone(10));
    assert_eq!(ends_ms(&room), before + 10 * MINUTE);
    // Another one is another matter.
    station.tells(&room, postpone(4));
    assert_eq!(ends_ms(&room), before + 14 * MINUTE);
    let scope = CreditScope::Room {};
    let credit_ms = 5 * MINUTE;
    carry_out("O2", OrderKind::Credit { scope, credit_ms });
    station.tells(&room, credit(whole_room(), 5));
    assert_eq!(ends_ms(&room), before + 19 * MINUTE);
    station.tells(&room, credit(whole_room(), 5));
    assert_eq!(ends_ms(&room), before + 24 * MINUTE);
}

#[test]
fn an_order_that_the_station_has_taken_answers_none_of_its_decisions() {
    let room = Room::new();
    room.sit(TICKET);
    let mut station = Station::over(&room);
    let before = ends_ms(&room);
    let hash = fengjuan_wire::hash(b"O1");
    let order = ordered("O1", OrderKind::Postpone { by_ms: 10 * MINUTE });
    room.terminal().carry_out(&order, hash).unwrap();
    let taken = CommandBody::Postpone {
        sitting_no: "S1".into(),
        by_ms: 10 * MINUTE,
        authority: Authority::Order { order: hash },
    };
    station.tells(&room, taken);
    station.tells(&room, postpone(10));
    assert_eq!(ends_ms(&room), before + 20 * MINUTE);
}

#[test]
fn an_attempt_that_was_moved_is_read_back_as_it_was() {
    for by_station in [false, true] {
        let mut room = Room::new();
        room.sit(TICKET);
        ok(room.choose(0, 0));
        let before = ends_ms(&room);
        if by_station {
            Station::over(&room).tells(&room, postpone(10));
        } else {
            let order = ordered("O1", OrderKind::Postpone { by_ms: 10 * MINUTE });
            let hash = fengjuan_wire::hash(b"O1");
            room.terminal().carry_out(&order, hash).unwrap();
        }
        assert_eq!(ends_ms(&room), before + 10 * MINUTE);
        let standing = room.standing();
        room.restart();
        room.unlock();
        assert_eq!(room.standing(), standing, "by the station: {by_station}");
        assert_eq!(ends_ms(&room), before + 10 * MINUTE);
    }
}

#[test]
fn an_attempt_that_is_moved_while_it_stands_still_is_read_back_too() {
    let mut room = Room::new();
    room.sit(TICKET);
    ok(room.choose(0, 0));
    let before = ends_ms(&room);
    room.restart();
    let order = ordered("O1", OrderKind::Postpone { by_ms: 10 * MINUTE });
    let hash = fengjuan_wire::hash(b"O1");
    room.terminal().carry_out(&order, hash).unwrap();
    room.restart();
    room.unlock();
    assert_eq!(ends_ms(&room), before + 10 * MINUTE);
    room.restart();
    room.unlock();
    assert_eq!(ends_ms(&room), before + 10 * MINUTE);
}

fn hub_of(room: &Room, room_no: &str) -> HubDelegation {
    let key = room.identity.public();
    HubDelegation {
        center_id: String::new(),
        site: SITE.into(),
        room_no: Some(room_no.into()),
        hub_name: String::new(),
        device: key,
        kem: room.identity.kem_public(),
        issuer: key,
        witness: key,
        receipt: key,
        issued_ms: 0,
        not_after_ms: i64::MAX,
    }
}

#[test]
fn a_hub_of_another_room_is_not_heard_about_this_one() {
    let room = Room::new();
    let mut station = Station::over(&room);
    let keys = room.issued[0].sitting_keys();
    let other = Some("hub.other_room");
    room.terminal().speaks(&hub_of(&room, "2"));
    let refused = room.terminal().keys("S1", 1, &keys).unwrap_err();
    assert_eq!(Some(refused.code.as_str()), other);
    assert_eq!(station.tell(&room, start()).as_deref(), other);
    let all = credit(whole_room(), 5);
    assert_eq!(station.tell(&room, all.clone()).as_deref(), other);
    assert_eq!(room.terminal().standing().unlocked.len(), 0);
    room.terminal().speaks(&hub_of(&room, "1"));
    room.terminal().keys("S1", 1, &keys).unwrap();
    station.tells(&room, start());
    station.tells(&room, all);
}
