//! The room's station: each command once, whatever is lost on the way, and what each does at the terminal.

use crate::center::*;
use crate::evidence;
use crate::room::*;
use fengjuan_core::draw;
use fengjuan_core::event::{Event, Hash32, OutageCause};
use fengjuan_core::room::command::{Authority, Command, CommandBody, Scope};
use fengjuan_core::room::post::Acknowledgement;
use fengjuan_device::channel::Taken;
use fengjuan_device::sync::RoomLink;
use fengjuan_terminal::view::Screen;
use fengjuan_terminal::view::action::*;
use fengjuan_terminal::view::candidate::EntryState;
use fengjuan_wire::order::{CreditScope, Order, OrderKind};
use fengjuan_wire::room::{Epoch, RoomCommand};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A station that numbers its commands for one terminal.
pub struct Station {
    pub epoch: u64,
    no: u64,
    ids: u8,
}

impl Station {
    /// Heard by the terminal, under epoch 1.
    pub fn over(room: &Room) -> Station {
        Station::raised(room, 1)
    }

    pub fn raised(room: &Room, epoch: u64) -> Station {
        let document = epoch_of(epoch, 7);
        room.terminal().epoch(&document).unwrap();
        Station {
            epoch,
            no: 0,
            ids: (epoch as u8) * 100,
        }
    }

    pub fn command(&mut self, room: &Room, body: CommandBody) -> RoomCommand {
        self.ids += 1;
        self.no += 1;
        RoomCommand {
            site: SITE.into(),
            device: room.identity.public(),
            epoch: self.epoch,
            no: self.no,
            command: Command {
                command_id: [self.ids; 16],
                issued_ms: START_MS,
                by: PROCTOR.0.into(),
                second: Some(STAFF.0.into()),
                reason: "理由".into(),
                body,
            },
        }
    }

    /// Gives a command; the refusal, if it was refused for good.
    #[track_caller]
    pub fn tell(&mut self, room: &Room, body: CommandBody) -> Option<String> {
        let command = self.command(room, body);
        acknowledged(give(room, &command)).refusal
    }

    #[track_caller]
    pub fn tells(&mut self, room: &Room, body: CommandBody) {
        assert_eq!(self.tell(room, body), None);
    }
}

fn epoch_of(epoch: u64, hub: u8) -> Epoch {
    Epoch {
        site: SITE.into(),
        room_no: "1".into(),
        epoch,
        hub: fengjuan_envelope::sign::SigningKey::from_seed(&[hub; 32]).public(),
        raised_ms: 0,
        raised_by: String::new(),
    }
}

pub fn give(room: &Room, command: &RoomCommand) -> Taken {
    let hash = fengjuan_wire::hash(&[command.no as u8]);
    room.terminal().command(command, hash)
}

#[track_caller]
pub fn acknowledged(taken: Taken) -> Acknowledgement {
    match taken {
        Taken::Acknowledged(acknowledgement) => acknowledgement,
        other => panic!("not taken: {other:?}"),
    }
}

pub fn attempt(ticket_no: &str) -> [u8; 16] {
    draw::attempt_id("S1", ticket_no, 1)
}

fn ticket(ticket_no: &str) -> Hash32 {
    draw::ticket_hash("S1", ticket_no)
}

pub fn whole_room() -> Scope {
    Scope::Room {
        sitting_no: "S1".into(),
    }
}

fn start_at(at_ms: i64) -> CommandBody {
    CommandBody::Start {
        sitting_no: "S1".into(),
        planned_ms: START_MS,
        at_ms,
    }
}

fn credit(scope: Scope, minutes: i64, authority: Authority) -> CommandBody {
    CommandBody::Credit {
        scope,
        credit_ms: minutes * MINUTE,
        authority,
    }
}

fn end(forced: bool) -> CommandBody {
    CommandBody::End {
        sitting_no: "S1".into(),
        class_no: None,
        forced,
    }
}

fn ends_ms(room: &Room) -> i64 {
    exam(room.view()).ends_ms
}

#[test]
fn a_command_is_done_once_and_acknowledged_again() {
    let room = Room::new();
    room.sit("S1-01");
    let mut station = Station::over(&room);
    let before = ends_ms(&room);
    let first = station.command(&room, credit(whole_room(), 5, Authority::Site {}));
    let second = station.command(&room, credit(whole_room(), 3, Authority::Site {}));
    assert_eq!(give(&room, &second), Taken::AskFrom { no: 1 });
    let answer = acknowledged(give(&room, &first));
    assert_eq!((answer.no, answer.refusal.clone()), (1, None));
    assert_eq!(acknowledged(give(&room, &first)), answer);
    acknowledged(give(&room, &second));
    assert_eq!(acknowledged(give(&room, &first)), answer);
    assert_eq!(ends_ms(&room), before + 8 * MINUTE);
    assert_eq!(evidence::count(&room, "exam.time_credited"), 2);
    assert_eq!(evidence::count(&room, "app.command_taken"), 2);
    let credited = evidence::events(&room);
    let credited = credited
        .iter()
        .find(|(event, ..)| matches!(event, Event::TimeCredited { .. }));
    assert_eq!(credited.unwrap().1, "staff:P1");
}

#[test]
fn a_refusal_is_final_and_leaves_nothing_behind() {
    let mut room = Room::new();
    room.sit("S1-01");
    let mut station = Station::over(&room);
    let body = CommandBody::ForceHandIn {
        attempt: attempt("S1-02"),
    };
    let command = station.command(&room, body);
    let answer = acknowledged(give(&room, &command));
    assert_eq!(answer.refusal.as_deref(), Some("attempt.not_started"));
    room.restart();
    assert_eq!(acknowledged(give(&room, &command)), answer);
    assert_eq!(evidence::count(&room, "exam.handed_in"), 0);
    assert_eq!(evidence::count(&room, "app.command_taken"), 1);
}

#[test]
fn another_station_is_obeyed_only_with_a_higher_epoch() {
    let mut room = Room::new();
    room.sit("S1-01");
    let mut old = Station::over(&room);
    let before = ends_ms(&room);
    let done = old.command(&room, credit(whole_room(), 5, Authority::Site {}));
    acknowledged(give(&room, &done));
    let rival = room.terminal().epoch(&epoch_of(1, 8)).unwrap_err();
    assert_eq!(rival.code, "epoch.rival");
    let unheard = RoomCommand {
        epoch: 2,
        no: 1,
        ..done.clone()
    };
    assert!(matches!(give(&room, &unheard), Taken::NotObeyed { .. }));
    room.terminal().epoch(&epoch_of(2, 8)).unwrap();
    let late = old.command(&room, credit(whole_room(), 7, Authority::Site {}));
    assert!(matches!(give(&room, &late), Taken::NotObeyed { .. }));
    // The new station gives the old one's command again, under its own number: nothing is done twice.
    assert_eq!(acknowledged(give(&room, &unheard)).refusal, None);
    assert_eq!(ends_ms(&room), before + 5 * MINUTE);
    room.restart();
    let lower = room.terminal().epoch(&epoch_of(1, 7)).unwrap_err();
    assert_eq!(lower.code, "epoch.lower");
    assert_eq!(room.terminal().standing().mark.taken, 1);
    assert_eq!(evidence::count(&room, "app.epoch_obeyed"), 2);
}

/// Whatever moment a command is interrupted at, it comes again and is done exactly once.
#[test]
fn a_kill_at_any_moment_of_a_command_leaves_it_done_once() {
    let credit = credit(whole_room(), 5, Authority::Site {});
    let remove = CommandBody::Remove {
        attempt: attempt("S1-01"),
    };
    let bodies = [
        ("exam.time_credited", credit),
        ("exam.removed", remove),
        ("exam.sitting_ended", end(true)),
    ];
    for (kind, body) in bodies {
        let mut looks = 0;
        loop {
            let mut room = Room::new();
            room.sit("S1-01");
            ok(room.choose(0, 0));
            let mut station = Station::over(&room);
            let command = station.command(&room, body.clone());
            room.fuse.arm(looks);
            let done = catch_unwind(AssertUnwindSafe(|| give(&room, &command)));
            room.fuse.disarm();
            let whole = done.is_ok();
            room.restart();
            // What was handed in a moment before waits for the code with its score.
            let waits = match room.screen() {
                Screen::Suspended(_) => true,
                Screen::HandedIn(view) => view.needs_code,
                _ => false,
            };
            if waits {
                room.unlock();
            }
            assert_eq!(acknowledged(give(&room, &command)).refusal, None, "{looks}");
            assert_eq!(evidence::count(&room, kind), 1, "{kind} at look {looks}");
            assert_eq!(evidence::count(&room, "app.command_taken"), 1);
            if kind != "exam.time_credited" {
                room.pass(2_000);
                assert_eq!(evidence::bundles(&room).len(), 1, "{kind} at look {looks}");
            }
            if whole {
                break;
            }
            looks += 1;
        }
        assert!(looks > 1, "{kind} was never interrupted");
    }
}

#[test]
fn everybody_begins_at_the_moment_that_the_station_named() {
    let room = Room::new();
    room.unlock();
    room.wait_in_room("S1-01");
    let mut station = Station::over(&room);
    let at_ms = START_MS + 30_000;
    station.tells(&room, start_at(at_ms));
    let Screen::Waiting(waiting) = room.screen() else {
        panic!("not waiting");
    };
    assert_eq!(waiting.start_ms, at_ms);
    room.pass_to(at_ms - 250);
    assert!(matches!(room.screen(), Screen::Waiting(_)));
    room.pass_to(at_ms);
    assert_eq!(ends_ms(&room), at_ms + 120 * MINUTE);
    assert_eq!(
        station.tell(&room, start_at(at_ms)).as_deref(),
        Some("room.already_started")
    );
}

#[test]
fn who_comes_late_begins_when_ready_with_the_same_end_even_after_a_restart() {
    let mut room = Room::new();
    let mut station = Station::over(&room);
    station.tells(&room, start_at(START_MS));
    room.restart();
    room.pass_to(START_MS + 5 * MINUTE);
    room.unlock();
    room.wait_in_room("S1-01");
    room.pass(250);
    assert_eq!(ends_ms(&room), START_MS + 120 * MINUTE);
}

#[test]
fn a_postponement_moves_a_start_that_is_still_ahead() {
    let room = Room::new();
    room.unlock();
    room.wait_in_room("S1-01");
    let mut station = Station::over(&room);
    station.tells(&room, start_at(START_MS));
    let body = CommandBody::Postpone {
        sitting_no: "S1".into(),
        by_ms: 10 * MINUTE,
        authority: Authority::Pending { phone: None },
    };
    station.tells(&room, body);
    room.pass_to(START_MS + 9 * MINUTE);
    assert!(matches!(room.screen(), Screen::Waiting(_)));
    room.pass_to(START_MS + 10 * MINUTE);
    assert_eq!(ends_ms(&room), START_MS + 130 * MINUTE);
    // The center's order for it comes a day later, as it were.
    let order = order("O1", OrderKind::Postpone { by_ms: 10 * MINUTE });
    let hash = fengjuan_wire::hash(b"O1");
    room.terminal().carry_out(&order, hash).unwrap();
    assert_eq!(ends_ms(&room), START_MS + 130 * MINUTE);
    assert_eq!(evidence::count(&room, "exam.postponed"), 1);
}

fn order(order_no: &str, kind: OrderKind) -> Order {
    Order {
        order_no: order_no.into(),
        site: SITE.into(),
        sitting_no: "S1".into(),
        issued_ms: 0,
        kind,
        reason: "停电".into(),
        approved_by: "王".into(),
    }
}

#[test]
fn time_that_stands_until_its_order_comes_is_not_given_twice() {
    let mut room = Room::new();
    room.sit("S1-01");
    let mut station = Station::over(&room);
    let before = ends_ms(&room);
    let pending = Authority::Pending { phone: None };
    station.tells(&room, credit(whole_room(), 5, pending));
    let ordered = |number: &str, minutes: i64| {
        let scope = CreditScope::Room {};
        let credit_ms = minutes * MINUTE;
        order(number, OrderKind::Credit { scope, credit_ms })
    };
    let hash = |number: &str| fengjuan_wire::hash(number.as_bytes());
    let carry = |room: &Room, number: &str, minutes: i64| {
        let order = ordered(number, minutes);
        room.terminal().carry_out(&order, hash(number)).unwrap();
    };
    carry(&room, "O1", 5);
    assert_eq!(ends_ms(&room), before + 5 * MINUTE);
    room.restart();
    room.unlock();
    carry(&room, "O1", 5);
    assert_eq!(ends_ms(&room), before + 5 * MINUTE);
    // One that nobody has waited for counts, whichever way it comes first.
    carry(&room, "O2", 4);
    let by_order = Authority::Order { order: hash("O2") };
    station.tells(&room, credit(whole_room(), 4, by_order));
    assert_eq!(ends_ms(&room), before + 9 * MINUTE);
    let by_order = Authority::Order { order: hash("O3") };
    station.tells(&room, credit(whole_room(), 2, by_order));
    carry(&room, "O3", 2);
    assert_eq!(ends_ms(&room), before + 11 * MINUTE);
}

#[test]
fn time_for_the_room_reaches_who_begins_later_and_who_stands_still() {
    let mut room = Room::new();
    let mut station = Station::over(&room);
    room.unlock();
    station.tells(&room, start_at(START_MS));
    station.tells(
        &room,
        credit(whole_room(), 5, Authority::Pending { phone: None }),
    );
    room.wait_in_room("S1-01");
    room.pass_to(START_MS);
    assert_eq!(ends_ms(&room), START_MS + 125 * MINUTE);
    room.restart();
    let to_one = Scope::Attempt {
        attempt: attempt("S1-01"),
    };
    station.tells(&room, credit(to_one, 2, Authority::Site {}));
    room.unlock();
    assert_eq!(ends_ms(&room), START_MS + 127 * MINUTE);
    room.restart();
    room.unlock();
    assert_eq!(ends_ms(&room), START_MS + 127 * MINUTE);
}

#[test]
fn a_suspended_seat_shows_no_question_and_takes_no_answer() {
    let room = Room::new();
    room.sit("S1-01");
    let mut station = Station::over(&room);
    let scope = Scope::Attempt {
        attempt: attempt("S1-01"),
    };
    station.tells(
        &room,
        CommandBody::Suspend {
            scope: scope.clone(),
        },
    );
    let Screen::Suspended(suspended) = room.screen() else {
        panic!("goes on: {:?}", room.screen());
    };
    assert_eq!(suspended.cause, OutageCause::Staff);
    assert!(!suspended.needs_code && !suspended.moved_away);
    assert!(room.terminal().resource("media/0").is_none());
    assert_eq!(refused(room.choose(0, 0)), "attempt.suspended");
    assert!(room.terminal().beat().seat.unwrap().suspended);
    room.pass(3 * MINUTE);
    station.tells(&room, CommandBody::Resume { scope });
    ok(room.choose(0, 0));
    let body = CommandBody::DecideOutage {
        attempt: attempt("S1-01"),
        outage_no: 1,
        credit_ms: 3 * MINUTE,
        cause: None,
    };
    station.tells(&room, body);
    assert_eq!(ends_ms(&room), START_MS + 123 * MINUTE);
}

#[test]
fn the_station_confirms_a_person_and_opens_the_papers() {
    let room = Room::new();
    let mut station = Station::over(&room);
    let arrive = CommandBody::Arrive {
        sitting_no: "S1".into(),
        ticket_hash: ticket("S1-01"),
        arrival_ms: room.view().clock.exam_ms,
    };
    station.tells(&room, arrive);
    let confirm = |person| CommandBody::ConfirmPerson {
        sitting_no: "S1".into(),
        ticket_hash: ticket("S1-01"),
        id_document: true,
        person,
        ticket: true,
        contraband_clear: true,
    };
    let nobody = station.tell(&room, confirm(true));
    assert_eq!(nobody.as_deref(), Some("seat.nobody_here"));
    room.identify("S1-01");
    let incomplete = station.tell(&room, confirm(false));
    assert_eq!(incomplete.as_deref(), Some("seat.confirmation_incomplete"));
    station.tells(&room, confirm(true));
    assert!(matches!(room.screen(), Screen::Rules(_)));
    let keys = room.issued[0].sitting_keys();
    room.terminal().keys("S1", 1, &keys).unwrap();
    room.terminal().keys("S1", 1, &keys).unwrap();
    assert_eq!(evidence::count(&room, "app.unlocked"), 1);
    assert_eq!(room.terminal().standing().unlocked.len(), 1);
    let unlocked = evidence::events(&room);
    let unlocked = unlocked
        .iter()
        .find(|(event, ..)| matches!(event, Event::Unlocked { .. }));
    assert_eq!(unlocked.unwrap().1, "station");
}

#[test]
fn the_stations_keys_take_an_interrupted_attempt_up_again() {
    let mut room = Room::new();
    room.sit("S1-01");
    ok(room.choose(0, 0));
    let before = room.standing();
    room.restart();
    assert!(matches!(room.screen(), Screen::Suspended(_)));
    let keys = room.issued[0].sitting_keys();
    room.terminal().keys("S1", 1, &keys).unwrap();
    assert_eq!(room.standing(), before);
}

#[test]
fn a_person_who_is_refused_or_told_to_leave_does_not_sit() {
    let room = Room::new();
    let mut station = Station::over(&room);
    room.identify("S1-02");
    let body = CommandBody::RefusePerson {
        sitting_no: "S1".into(),
        ticket_hash: ticket("S1-02"),
    };
    station.tells(&room, body);
    assert!(matches!(room.screen(), Screen::NotSitting(_)));
    room.does(CandidateAction::Done {});
    room.sit("S1-01");
    let body = CommandBody::Remove {
        attempt: attempt("S1-01"),
    };
    station.tells(&room, body);
    let left = handed_in(room.view());
    assert_eq!(left.score, None);
    let body = CommandBody::Reopen {
        attempt: attempt("S1-01"),
        authority: Authority::Pending { phone: None },
    };
    assert_eq!(
        station.tell(&room, body).as_deref(),
        Some("attempt.removed")
    );
    assert!(matches!(room.screen(), Screen::HandedIn(_)));
}

#[test]
fn a_mistaken_hand_in_goes_on_with_the_same_end() {
    let room = Room::with(|sitting| {
        sitting.score_release = fengjuan_core::plan::ScoreRelease::AtSittingEnd;
    });
    room.sit("S1-01");
    ok(room.choose(0, 0));
    let ends = ends_ms(&room);
    room.hand_in();
    let mut station = Station::over(&room);
    let body = CommandBody::Reopen {
        attempt: attempt("S1-01"),
        authority: Authority::Pending { phone: None },
    };
    station.tells(&room, body);
    assert_eq!(ends_ms(&room), ends);
    ok(room.choose(1, 0));
    room.hand_in();
    let bundles = evidence::bundles(&room);
    let numbers: Vec<u32> = bundles.iter().map(|bundle| bundle.bundle_no).collect();
    assert_eq!(numbers.iter().max(), Some(&2));
    let last = bundles.iter().find(|bundle| bundle.bundle_no == 2).unwrap();
    let attempt = evidence::replay(&room, &room.issued[0], last);
    assert_eq!(attempt.counts().answered, 2);
}

#[test]
fn a_score_that_was_seen_closes_the_attempt_for_good() {
    let mut room = Room::new();
    room.sit("S1-01");
    assert!(room.hand_in().score.is_some());
    let mut station = Station::over(&room);
    let body = || CommandBody::Reopen {
        attempt: attempt("S1-01"),
        authority: Authority::Pending { phone: None },
    };
    let shown = Some("attempt.score_shown");
    assert_eq!(station.tell(&room, body()).as_deref(), shown);
    assert!(matches!(room.screen(), Screen::HandedIn(_)));
    room.restart();
    room.unlock();
    assert_eq!(station.tell(&room, body()).as_deref(), shown);
    // Whoever has left has seen it all the same.
    room.does(CandidateAction::Done {});
    assert_eq!(station.tell(&room, body()).as_deref(), shown);
    assert!(matches!(room.screen(), Screen::Standby(_)));
}

#[test]
fn an_order_to_reopen_is_kept_and_two_people_of_the_site_act_on_it() {
    let room = Room::with(|sitting| {
        sitting.score_release = fengjuan_core::plan::ScoreRelease::Never;
    });
    room.sit("S1-01");
    room.hand_in();
    let order = Order {
        order_no: "O1".into(),
        site: SITE.into(),
        sitting_no: "S1".into(),
        issued_ms: 0,
        kind: OrderKind::Reopen {
            ticket_no: "S1-01".into(),
        },
        reason: "误交".into(),
        approved_by: "王".into(),
    };
    let hash = fengjuan_wire::hash(b"O1");
    room.terminal().carry_out(&order, hash).unwrap();
    assert!(
        matches!(room.screen(), Screen::HandedIn(_)),
        "nobody of the site has acted"
    );
    let mut station = Station::over(&room);
    let body = CommandBody::Reopen {
        attempt: attempt("S1-01"),
        authority: Authority::Order { order: hash },
    };
    station.tells(&room, body);
    exam(room.view());
    let by_order =
        |event: &Event| matches!(event, Event::Reopened { order, .. } if *order == Some(hash));
    assert!(
        evidence::events(&room)
            .iter()
            .any(|(event, ..)| by_order(event))
    );
    // The order comes once more, by the line or on a stick: nothing is done twice.
    room.terminal().carry_out(&order, hash).unwrap();
    assert_eq!(evidence::count(&room, "exam.reopened"), 1);
}

#[test]
fn the_end_for_all_waits_for_whoever_answers_unless_it_is_forced() {
    let room = Room::new();
    room.sit("S1-01");
    let mut station = Station::over(&room);
    assert_eq!(
        station.tell(&room, end(false)).as_deref(),
        Some("room.somebody_answers")
    );
    let of_class = |class_no: &str| CommandBody::End {
        sitting_no: "S1".into(),
        class_no: Some(class_no.into()),
        forced: false,
    };
    station.tells(&room, of_class("C2"));
    exam(room.view());
    let undecided = CommandBody::Suspend {
        scope: whole_room(),
    };
    station.tells(&room, undecided);
    station.tells(&room, end(true));
    assert!(matches!(room.screen(), Screen::HandedIn(_)));
    assert_eq!(evidence::bundles(&room).len(), 1);
    assert_eq!(evidence::count(&room, "exam.sitting_ended"), 1);
}

#[test]
fn the_seat_number_is_the_stations_word() {
    let mut room = Room::new();
    let mut station = Station::over(&room);
    let body = CommandBody::SeatNumber { seat_no: Some(2) };
    station.tells(&room, body);
    room.restart();
    assert_eq!(room.view().device.seat_no, Some(2));
    room.does(CandidateAction::Begin {});
    let number = "S1-01".to_owned();
    let outcome = room.candidate(CandidateAction::Identify { number });
    assert_eq!(refused(outcome), "checkin.other_seat");
    station.tells(&room, CommandBody::SeatNumber { seat_no: None });
    let number = "S1-01".to_owned();
    room.does(CandidateAction::Identify { number });
}

#[test]
fn a_machine_without_a_number_is_a_spare_one_while_its_station_is_heard() {
    let room = Room::new();
    let entry = || match room.screen() {
        Screen::Standby(standby) => standby.entry,
        other => panic!("no standby but {other:?}"),
    };
    assert_eq!(entry(), EntryState::Open, "direct mode has no station");
    *room.outward.link.lock().unwrap() = Some(RoomLink::On);
    assert_eq!(entry(), EntryState::Spare);
    let mut station = Station::over(&room);
    station.tells(&room, CommandBody::SeatNumber { seat_no: Some(2) });
    assert_eq!(entry(), EntryState::Open);
}

#[test]
fn while_the_hub_is_heard_the_whole_room_is_the_stations_and_away_it_is_said_calmly() {
    let room = Room::new();
    room.sit("S1-01");
    let end = || DeskAction::EndSitting {
        reason: "结束".into(),
    };
    *room.outward.link.lock().unwrap() = Some(RoomLink::On);
    room.log_in(PROCTOR);
    assert_eq!(refused(room.desk(end())), "desk.station_decides");
    room.log_out();
    assert_eq!(room.view().banner, None);
    *room.outward.link.lock().unwrap() = Some(RoomLink::Away {
        since_boot_ms: 0,
        code: "channel.silent".into(),
    });
    assert_eq!(room.view().banner.unwrap().code, "banner.hub_away");
    ok(room.choose(0, 0));
    room.log_in(PROCTOR);
    ok(room.desk(end()));
}

#[test]
fn a_start_before_the_papers_is_refused_and_another_one_after_them_is_obeyed() {
    let mut room = Room::empty();
    room.open();
    let mut station = Station::over(&room);
    let first = station.command(&room, start_at(START_MS));
    let answer = acknowledged(give(&room, &first));
    assert_eq!(answer.refusal.as_deref(), Some("room.other_sitting"));
    room.pass_to(START_MS + 5 * MINUTE);
    room.issue("S1", |_| {});
    room.pass(1_000);
    room.unlock();
    room.wait_in_room("S1-01");
    assert_eq!(acknowledged(give(&room, &first)), answer, "for good");
    room.pass(1_000);
    assert!(matches!(room.screen(), Screen::Waiting(_)));
    station.tells(&room, start_at(START_MS));
    room.pass(250);
    assert_eq!(ends_ms(&room), START_MS + 120 * MINUTE);
}
