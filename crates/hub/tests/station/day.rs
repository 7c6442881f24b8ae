//! A sitting from the papers to its end.

use crate::plan::{MINUTE_MS, PEOPLE, START_MS};
use crate::stage::{Fake, Stage, second};
use fengjuan_core::event::{Event, Hash32, OutageCause, PictureUse};
use fengjuan_core::room::command::CommandBody;
use fengjuan_hub::view::action::{Phone, StationAction};
use fengjuan_hub::view::room::{SeatTile, TileState};
use fengjuan_hub::view::tabs::StationUnlock;
use fengjuan_hub::view::{NextAction, SittingStepName, StationTab, StationView, TrackState};

fn blocked(view: &StationView) -> Option<&str> {
    view.next.blocked_by.as_ref().map(|said| said.code.as_str())
}

fn states(view: &StationView) -> Vec<TileState> {
    let seats = view.room.tiles.iter().filter(|tile| tile.seat_no > 0);
    seats.map(|tile: &SeatTile| tile.state).collect()
}

#[test]
fn the_day_goes_from_step_to_step_and_says_what_blocks_the_next_one() {
    let stage = Stage::open();
    let view = stage.log_in("P1");
    assert_eq!(view.next.action, NextAction::PublishSeats);
    assert_eq!(blocked(&view), Some("seating.too_few_machines"));
    assert_eq!(
        stage.refused(StationAction::PublishSeats {}),
        "seating.too_few_machines"
    );
    let (mut fakes, _spare) = stage.furnished();
    let view = stage.view();
    assert_eq!(view.next.action, NextAction::Unlock);
    assert_eq!(blocked(&view), None, "entry is open");
    assert!(view.seating.published_ms.is_some() && !view.seating.random);
    let door: Vec<(Option<u32>, &str)> = view
        .seating
        .door_list
        .iter()
        .map(|row| (row.seat_no, row.name.as_str()))
        .collect();
    assert_eq!(door[0], (Some(1), PEOPLE[0]));
    assert!(view.seating.door_list[0].masked_ticket.starts_with("*****"));
    assert_eq!(
        stage.refused(StationAction::PublishSeats {}),
        "seating.published"
    );
    assert_eq!(stage.refused(StationAction::Start {}), "room.not_unlocked");
    stage.unlock(&mut fakes);
    let view = stage.view();
    assert_eq!(view.unlock.state, StationUnlock::Unlocked);
    assert_eq!((view.unlock.opened, view.unlock.terminals), (6, 7));
    assert_eq!(view.next.action, NextAction::Start);
    assert_eq!(blocked(&view), Some("room.too_early"));
    assert_eq!(stage.refused(StationAction::Start {}), "room.too_early");
    assert_eq!(states(&view), [TileState::Expected; 6]);
}

#[test]
fn everybody_is_told_the_same_moment_of_the_first_question() {
    let stage = Stage::open();
    let (mut fakes, _) = stage.furnished();
    stage.unlock(&mut fakes);
    stage.running(&mut fakes);
    let starts: Vec<(i64, i64)> = fakes
        .iter()
        .flat_map(|fake| &fake.told)
        .filter_map(|body| match body {
            CommandBody::Start {
                planned_ms, at_ms, ..
            } => Some((*planned_ms, *at_ms)),
            _ => None,
        })
        .collect();
    assert_eq!(starts.len(), 6);
    assert!(starts.iter().all(|start| *start == starts[0]), "{starts:?}");
    assert_eq!(starts[0].0, START_MS);
    let now = stage.station().hub().room().now();
    assert!(starts[0].1 > now, "a moment that nobody has missed");
    let view = stage.view();
    assert_eq!(states(&view), [TileState::Answering; 6]);
    assert_eq!(view.room.counts.answering, 6);
    assert_eq!(view.next.action, NextAction::End);
    assert_eq!(blocked(&view), Some("room.somebody_answers"));
    let start = &view.sittings[0].steps[2];
    assert_eq!(start.step, SittingStepName::Start);
    assert_eq!(
        (start.state, start.at_ms),
        (TrackState::Done, Some(starts[0].1))
    );
    assert_eq!(
        stage.refused(StationAction::Start {}),
        "room.already_started"
    );
    let log = stage.done(StationAction::Tab {
        tab: StationTab::Log,
    });
    let start = log
        .log
        .rows
        .iter()
        .find(|row| row.notice.code == "command.start");
    // Six have taken it; the spare was told as well and has not answered.
    assert_eq!(start.unwrap().acknowledged, Some((6, 7)));
}

#[test]
fn the_end_is_refused_while_somebody_answers_unless_it_is_forced_with_a_reason() {
    let stage = Stage::open();
    let (mut fakes, _) = stage.furnished();
    stage.unlock(&mut fakes);
    stage.running(&mut fakes);
    let end = |class_no: Option<&str>, forced, reason: &str| StationAction::End {
        class_no: class_no.map(str::to_owned),
        forced,
        reason: reason.to_owned(),
    };
    assert_eq!(stage.refused(end(None, false, "")), "room.somebody_answers");
    assert_eq!(stage.refused(end(None, true, "")), "room.reason_needed");
    // The second class group is done before the first.
    fakes[4].hand_in(&stage);
    fakes[5].hand_in(&stage);
    assert_eq!(
        stage.refused(end(Some("C1"), false, "")),
        "room.somebody_answers"
    );
    stage.done(end(Some("C2"), false, ""));
    assert_eq!(
        stage.refused(end(Some("C2"), false, "")),
        "room.already_ended"
    );
    fakes[..3].iter_mut().for_each(|fake| fake.hand_in(&stage));
    assert_eq!(stage.refused(end(None, false, "")), "room.somebody_answers");
    let view = stage.done(end(None, true, "机构要求"));
    // Ordered is not ended: somebody answers until the machine has done it.
    assert_eq!(view.next.action, NextAction::End);
    assert_eq!(blocked(&view), Some("room.somebody_answers"));
    assert_eq!(view.sittings[0].steps[4].step, SittingStepName::End);
    assert_ne!(view.sittings[0].steps[4].state, TrackState::Done);
    assert_eq!(stage.refused(StationAction::Submit {}), "station.not_ended");
    fakes[3].obey(&stage);
    let told = fakes[3].told.last().unwrap();
    assert!(
        matches!(told, CommandBody::End { forced: true, .. }),
        "{told:?}"
    );
    fakes[3].hand_in(&stage);
    let view = stage.view();
    assert_eq!(view.next.action, NextAction::Submit);
    assert_eq!(blocked(&view), Some("room.not_submitted"));
    assert_eq!(
        stage.refused(StationAction::Submit {}),
        "room.not_submitted"
    );
}

#[test]
fn whoever_came_and_never_began_is_not_waited_for() {
    let stage = Stage::open();
    let (mut fakes, _) = stage.furnished();
    stage.unlock(&mut fakes);
    stage.running(&mut fakes[..5]);
    // Identified and confirmed, and the machine never began.
    fakes[5].check_in(&stage);
    fakes[..5].iter_mut().for_each(|fake| fake.hand_in(&stage));
    let view = stage.done(StationAction::End {
        class_no: None,
        forced: false,
        reason: String::new(),
    });
    assert_eq!(view.next.action, NextAction::Submit);
    let waiting = |stage: &Stage| {
        let blocked = stage.view().next.blocked_by.unwrap();
        blocked.args["waiting"].clone()
    };
    assert_eq!(waiting(&stage), "5");
    // Pictures are waited for all the same, until the center has them or the machine is given up.
    let hash = Hash32([9; 32]);
    let picture = |hash| Event::PictureTaken {
        usage: PictureUse::CheckIn,
        hash,
        salted: hash,
        pattern: false,
        due_ms: None,
    };
    fakes[5].write(&stage, &[picture(hash)]);
    assert_eq!(waiting(&stage), "6");
    let receipted = Event::Receipted {
        hash,
        receipt: Hash32([8; 32]),
    };
    fakes[5].write(&stage, &[receipted]);
    assert_eq!(waiting(&stage), "5");
    fakes[5].write(&stage, &[picture(Hash32([7; 32]))]);
    assert_eq!(waiting(&stage), "6");
    stage.done(StationAction::OutOfUse {
        device: fakes[5].device.hex(),
        reason: "硬盘坏".to_owned(),
        second: second("P2"),
    });
    assert_eq!(waiting(&stage), "5");
}

#[test]
fn after_a_power_cut_all_outages_are_decided_at_once_each_with_its_own_time() {
    let stage = Stage::open();
    let (mut fakes, _) = stage.furnished();
    stage.unlock(&mut fakes);
    stage.running(&mut fakes);
    for (place, fake) in fakes.iter_mut().enumerate() {
        let lost_ms = (place as i64 + 1) * MINUTE_MS;
        let outage = Event::OutageRecorded {
            outage_no: 1,
            cause: OutageCause::Power,
            from_ms: START_MS,
            to_ms: START_MS + lost_ms,
            proposed_ms: lost_ms,
        };
        fake.write(&stage, &[outage]);
    }
    let alerts = stage.alerts();
    let many = alerts
        .iter()
        .find(|row| row.notice.code == "alert.many_outages")
        .unwrap();
    assert_eq!(many.seats, [1, 2, 3, 4, 5, 6]);
    let one = StationAction::DecideOutage {
        seat_no: 1,
        outage_no: 1,
        credit_ms: 0,
        cause: OutageCause::CandidateLeft,
        reason: "离座".to_owned(),
    };
    stage.done(one);
    let decided = |fake: &mut Fake, stage: &Stage| {
        fake.obey(stage);
        let told = fake.told.iter().rev().find_map(|body| match body {
            CommandBody::DecideOutage {
                credit_ms, cause, ..
            } => Some((*credit_ms, *cause)),
            _ => None,
        });
        let (credit_ms, cause) = told.unwrap();
        let event = Event::OutageDecided {
            outage_no: 1,
            credit_ms,
            cause,
            staff_id: "P1".to_owned(),
            reason: "停电".to_owned(),
        };
        fake.write(stage, &[event]);
        (credit_ms, cause)
    };
    let left = (0, Some(OutageCause::CandidateLeft));
    assert_eq!(decided(&mut fakes[0], &stage), left);
    let all = |alert_no, reason: &str| StationAction::DecideOutages {
        alert_no,
        cause: None,
        reason: reason.to_owned(),
    };
    assert_eq!(stage.refused(all(many.alert_no, " ")), "room.reason_needed");
    assert_eq!(stage.refused(all(99, "停电")), "room.unknown_alert");
    stage.done(all(many.alert_no, "全场停电"));
    for (place, fake) in fakes.iter_mut().enumerate().skip(1) {
        let own_ms = (place as i64 + 1) * MINUTE_MS;
        let credited = (own_ms, Some(OutageCause::Power));
        assert_eq!(decided(fake, &stage), credited);
    }
    let undecided = stage.alerts().into_iter();
    let undecided = undecided.filter(|row| row.notice.code.contains("outage"));
    assert_eq!(undecided.count(), 0);
}

#[test]
fn a_late_code_postpones_the_sitting_with_two_people_and_a_phone_call() {
    let stage = Stage::open();
    let (mut fakes, _) = stage.furnished();
    let heard: Vec<&_> = fakes.iter().collect();
    stage.pass(60 * 60, &heard);
    stage.log_in("P1");
    stage.unlock(&mut fakes);
    assert_eq!(stage.refused(StationAction::Start {}), "room.too_late");
    let postpone = |second| StationAction::Postpone {
        minutes: 40,
        reason: "密码晚到".to_owned(),
        phone: Some(Phone {
            who: "考试机构值班".to_owned(),
            when_ms: START_MS,
            number: "0537-1234567".to_owned(),
        }),
        second,
    };
    assert_eq!(stage.refused(postpone(None)), "room.second_needed");
    let view = stage.done(postpone(Some(second("H1"))));
    assert_eq!(view.sittings[0].postponed_ms, 40 * MINUTE_MS);
    let awaited = &view.log.awaited[0];
    assert_eq!(awaited.notice.code, "awaited.postpone");
    assert_eq!(awaited.phone.as_ref().unwrap().number, "0537-1234567");
    stage.done(StationAction::Start {});
}

#[test]
fn a_station_that_begins_again_shows_the_same_room() {
    let mut stage = Stage::open();
    let (mut fakes, mut spare) = stage.furnished();
    stage.unlock(&mut fakes);
    stage.running(&mut fakes);
    fakes[1].hand_in(&stage);
    let all: Vec<&_> = fakes.iter().chain([&spare]).collect();
    stage.pass(3, &all);
    spare.obey(&stage);
    stage.settle();
    let (before, alerts) = (stage.view(), stage.alerts());
    stage.restart();
    // Running: seen without anybody's name, but touched by nobody.
    assert_eq!(
        stage.refused(StationAction::Submit {}),
        "station.not_logged_in"
    );
    let view = stage.log_in("P1");
    assert_eq!(view.next.action, NextAction::Unlock, "keys are in no file");
    assert_eq!(view.unlock.state, StationUnlock::NeededAgain);
    for fake in fakes.iter_mut().chain([&mut spare]) {
        fake.connect(&stage);
    }
    let groups = stage.code.clone();
    stage.done(StationAction::Unlock {
        groups,
        second: None,
    });
    stage.settle();
    let after = stage.view();
    assert_eq!(after.room, before.room);
    assert_eq!(stage.alerts(), alerts);
    assert_eq!(after.next, before.next);
    assert_eq!(after.seating, before.seating);
    assert_eq!(after.sittings[0].steps[2..], before.sittings[0].steps[2..]);
}

#[test]
fn a_station_marks_its_boots_so_that_its_check_can_see_a_restore_card() {
    let stage = Stage::open();
    let marks = stage.dir.path().join("hub/boots");
    assert_eq!(std::fs::read_to_string(marks).unwrap().lines().count(), 1);
}
