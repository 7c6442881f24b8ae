//! What a room goes through on a bad day, on real processes: no power, no switch, no center, a dead terminal, and two
//! terminals that claim one candidate. Minutes and hours pass in the world of the parties.
#![allow(clippy::unwrap_used)]

use anyhow::{Context, ensure};
use fengjuan_hub::view::action::StationAction;
use fengjuan_hub::view::room::{MachineState, TileAlertKind};
use fengjuan_hub::view::seat::PanelOutage;
use fengjuan_hub::view::{CopyState, OtherStation, StationStanding};
use fengjuan_terminal::view::Screen;
use fengjuan_terminal::view::action::CandidateAction;
use fengjuan_tests::party::day::{Kills, Step, tile};
use fengjuan_tests::party::folder::Folder;
use fengjuan_tests::party::room::Room;
use fengjuan_tests::party::switch::Carries;
use fengjuan_tests::party::{Ask, invariants};
use fengjuan_tests::plan::{self, AnswerBook, Terms};

const MINUTE_MS: i64 = 60_000;

/// A room in which two candidates have answered three questions each; the third machine is the spare.
fn answering(folder: &std::path::Path, minutes: u32) -> anyhow::Result<(Room, AnswerBook)> {
    answering_in(Room::open(folder)?, minutes)
}

fn answering_in(mut room: Room, minutes: u32) -> anyhow::Result<(Room, AnswerBook)> {
    let book = plan::answer_book()?;
    let terms = Terms {
        minutes: (minutes, minutes),
        snapshots_s: 600,
        ..Terms::soon(1)
    };
    room.issue(&terms, &plan::four_candidates()[..2])?;
    room.step(&mut Kills::none(), Step::Pull, Room::pull)?;
    room.enrol_machines()?;
    room.publish()?;
    room.unlock()?;
    room.enter()?;
    room.start()?;
    room.answer_some(3, &book)?;
    Ok((room, book))
}

/// To the end of the day, and everything that must hold.
fn over(mut room: Room, book: &AnswerBook) -> anyhow::Result<()> {
    for sitter in 0..room.sitters.len() {
        if !matches!(room.screen(sitter)?, Screen::HandedIn(_)) {
            room.hand_in(sitter, book)?;
        }
    }
    room.uploaded()?;
    room.end()?;
    room.settle()?;
    room.close()?;
    invariants::check(&room)
}

fn alerts(room: &mut Room) -> anyhow::Result<Vec<String>> {
    let rows = room.proctor()?.alerts.into_iter();
    Ok(rows.map(|row| row.notice.code).collect())
}

fn until_alert(room: &mut Room, code: &str, on: bool) -> anyhow::Result<()> {
    room.until(code, |room| {
        let there = alerts(room)?.iter().any(|one| one == code);
        Ok((there == on).then_some(()))
    })
}

/// The outage that waits for a decision at a seat.
fn undecided(room: &mut Room, seat_no: u32) -> anyhow::Result<PanelOutage> {
    room.until("an outage that waits for a decision", |room| {
        let open = StationAction::OpenSeat {
            seat_no: Some(seat_no),
        };
        room.act(open)?;
        let view = room.proctor()?;
        let waits = |kind: TileAlertKind| kind == TileAlertKind::OutageUndecided;
        let alert = tile(&view, seat_no)?.alert.as_ref();
        if !alert.is_some_and(|alert| waits(alert.kind)) {
            return Ok(None);
        }
        let panel = view.room.panel.context("a panel")?;
        Ok(panel.trouble.and_then(|trouble| trouble.outage))
    })
}

fn decide(
    room: &mut Room,
    seat_no: u32,
    outage: &PanelOutage,
    credit_ms: i64,
) -> anyhow::Result<()> {
    let decide = StationAction::DecideOutage {
        seat_no,
        outage_no: outage.outage_no,
        credit_ms,
        cause: outage.cause,
        reason: "停电".to_owned(),
    };
    room.achieve_on_page("the decision", &decide, |view| {
        tile(view, seat_no).is_ok_and(|tile| {
            let alert = tile.alert.as_ref();
            alert.is_none_or(|alert| alert.kind != TileAlertKind::OutageUndecided)
        })
    })
}

#[test]
fn hub_and_terminals_lose_power_for_six_minutes() {
    let folder = Folder::new().unwrap();
    let (mut room, book) = answering(folder.path(), 60).unwrap();
    room.power_cut(6 * MINUTE_MS).unwrap();
    for sitter in 0..2 {
        let screen = room.screen(sitter).unwrap();
        assert!(
            matches!(&screen, Screen::Suspended(view) if view.needs_code),
            "no question without the code: {screen:?}"
        );
    }
    // The code, typed once, opens everything again; nobody's time has grown or shrunk by itself.
    room.keys_everywhere().unwrap();
    room.look_over(0).unwrap();
    room.look_over(1).unwrap();
    let outage = undecided(&mut room, 1).unwrap();
    let about_six = 6 * MINUTE_MS..8 * MINUTE_MS;
    assert!(about_six.contains(&outage.proposed_ms), "{outage:?}");
    decide(&mut room, 1, &outage, outage.proposed_ms).unwrap();
    room.credited(0, outage.proposed_ms).unwrap();
    let outage = undecided(&mut room, 2).unwrap();
    decide(&mut room, 2, &outage, 0).unwrap();
    // One machine alone loses its program, and then its power, while the room goes on.
    room.kill_machine(1);
    room.switch_on(1).unwrap();
    room.look_over(1).unwrap();
    room.answer_some(2, &book).unwrap();
    over(room, &book).unwrap();
}

#[test]
fn the_switch_dies_for_ten_minutes() {
    let folder = Folder::new().unwrap();
    let (mut room, book) = answering(folder.path(), 60).unwrap();
    for carries in [Carries::Nothing, Carries::Cut] {
        room.station.switch.set(carries);
        for _ in 0..5 {
            room.clock.pass(2 * MINUTE_MS).unwrap();
            // Nobody at a seat notices.
            room.answer_some(1, &book).unwrap();
        }
        until_alert(&mut room, "alert.many_out_of_contact", true).unwrap();
        let view = room.proctor().unwrap();
        for seat_no in [1, 2] {
            let machine = tile(&view, seat_no).unwrap().machine;
            assert_eq!(machine, MachineState::OutOfContact, "{carries:?}");
        }
        room.station.switch.set(Carries::Everything);
        until_alert(&mut room, "alert.many_out_of_contact", false).unwrap();
        for sitter in 0..2 {
            room.replicated(sitter).unwrap();
            room.look_over(sitter).unwrap();
        }
    }
    over(room, &book).unwrap();
}

#[test]
fn the_center_is_away_for_two_hours() {
    let folder = Folder::new().unwrap();
    let (mut room, book) = answering(folder.path(), 240).unwrap();
    room.line.set(Carries::Nothing);
    for step in 0..24 {
        room.clock.pass(5 * MINUTE_MS).unwrap();
        if step % 8 == 0 {
            room.answer_some(1, &book).unwrap();
        }
        room.until("everybody is heard", |room| {
            let view = room.proctor()?;
            let heard = view.room.tiles.iter();
            let mut heard = heard.filter(|tile| tile.seat_no > 0);
            let all = heard.all(|tile| tile.machine == MachineState::InContact);
            Ok(all.then_some(()))
        })
        .unwrap();
    }
    until_alert(&mut room, "alert.center_away", true).unwrap();
    room.hand_in(0, &book).unwrap();
    room.until("it is at the hub", |room| {
        let progress = tile(&room.proctor()?, 1)?.progress;
        ensure!(!progress.at_center, "a receipt that nobody gave");
        Ok(progress.at_hub.then_some(()))
    })
    .unwrap();
    room.line.set(Carries::Everything);
    until_alert(&mut room, "alert.center_away", false).unwrap();
    over(room, &book).unwrap();
}

#[test]
fn two_terminals_claim_one_candidate_and_one_has_the_attempt() {
    let folder = Folder::new().unwrap();
    let (mut room, book) = answering(folder.path(), 60).unwrap();
    let spare = 2;
    let number = room.sitters[0].person.ticket_no.clone();
    // Out of the hub's sight, where nothing at the machine itself speaks against it.
    room.station.switch.set(Carries::Cut);
    for action in [
        CandidateAction::Begin {},
        CandidateAction::Identify { number },
    ] {
        room.does(spare, &Ask::Candidate(action)).unwrap();
    }
    room.station.switch.set(Carries::Everything);
    until_alert(&mut room, "alert.two_terminals", true).unwrap();
    room.until("the second one stops", |room| {
        let screen = room.view(spare)?.screen;
        Ok(matches!(screen, Screen::Suspended(view) if view.moved_away).then_some(()))
    })
    .unwrap();
    for action in [
        CandidateAction::TakePicture {},
        CandidateAction::AgreeRules {},
    ] {
        let answer = room.ask(spare, &Ask::Candidate(action)).unwrap();
        assert!(answer.refused.is_some(), "{:?}", answer.view.screen);
    }
    room.look_over(0).unwrap();
    over(room, &book).unwrap();
}

#[test]
fn what_was_on_the_wire_and_is_said_again_does_nothing() {
    let folder = Folder::new().unwrap();
    let (mut room, book) = answering(folder.path(), 60).unwrap();
    // From the next hello on everything is kept, a command among it.
    room.station.switch.set(Carries::Cut);
    room.station.switch.keep();
    room.station.switch.set(Carries::Everything);
    room.credit(0, 3).unwrap();
    room.answer_some(1, &book).unwrap();
    for sitter in 0..2 {
        room.replicated(sitter).unwrap();
    }
    room.station.switch.set(Carries::Replays);
    room.until("everything was said again", |room| {
        Ok((room.station.switch.replayed() >= 12).then_some(()))
    })
    .unwrap();
    room.station.switch.set(Carries::Everything);
    room.answer_some(1, &book).unwrap();
    for sitter in 0..2 {
        room.replicated(sitter).unwrap();
        room.look_over(sitter).unwrap();
    }
    over(room, &book).unwrap();
}

#[test]
fn a_station_dies_and_its_standby_runs_the_room() {
    let folder = Folder::new().unwrap();
    let room = Room::open_with_standby(folder.path()).unwrap();
    let (mut room, book) = answering_in(room, 60).unwrap();
    room.credit(0, 3).unwrap();
    room.until("the copy is current", |room| {
        let others = room.page()?.station.others;
        let current = |one: &OtherStation| !one.commands && one.copy == CopyState::Current;
        Ok(others.iter().any(current).then_some(()))
    })
    .unwrap();
    // Killed while people answer, who go on.
    room.station.computer.party = None;
    room.answer_some(1, &book).unwrap();

    room.trade_places();
    let early = room.act(StationAction::OpenSeat { seat_no: Some(1) });
    assert_eq!(early.unwrap().as_deref(), Some(""), "it may be looked at");
    let take_over = StationAction::TakeOver {
        reason: "第一台管理机坏了".to_owned(),
        second: None,
    };
    room.achieve("the other station", &take_over, |room| {
        Ok(room.page()?.station.standing == StationStanding::Commanding)
    })
    .unwrap();
    assert_eq!(room.page().unwrap().station.epoch, 2);
    room.keys_everywhere().unwrap();
    for sitter in 0..2 {
        room.replicated(sitter).unwrap();
        room.look_over(sitter).unwrap();
    }
    room.credit(1, 2).unwrap();
    room.answer_some(1, &book).unwrap();

    // The first one comes back, hears of it, and commands nobody.
    room.trade_places();
    room.switch_on_station().unwrap();
    room.until("the first one stops", |room| {
        let standing = room.page()?.station.standing;
        Ok((standing == StationStanding::Stopped).then_some(()))
    })
    .unwrap();
    room.proctor().unwrap();
    let end = StationAction::End {
        class_no: None,
        forced: true,
        reason: "结束".to_owned(),
    };
    let refused = room.act(end).unwrap();
    assert_eq!(refused.as_deref(), Some("room.not_commanding"));
    room.trade_places();
    over(room, &book).unwrap();
}
