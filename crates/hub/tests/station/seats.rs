//! Machines that fall silent, and candidates who move.

use crate::plan::SITTING;
use crate::stage::{Fake, Stage, second};
use fengjuan_core::event::PictureUse;
use fengjuan_core::room::command::CommandBody;
use fengjuan_hub::view::action::{ActionScope, StationAction};
use fengjuan_hub::view::room::{MachineState, TileAlertKind, TileState};
use fengjuan_hub::view::seat::{SeatDeed, SeatDeedName};
use fengjuan_wire::room::SmallPicture;

fn running() -> (Stage, Vec<Fake>, Fake) {
    let stage = Stage::open();
    let (mut fakes, mut spare) = stage.furnished();
    stage.unlock(&mut fakes);
    spare.obey(&stage);
    stage.running(&mut fakes);
    spare.obey(&stage);
    let all: Vec<&Fake> = fakes.iter().chain([&spare]).collect();
    stage.pass(5, &all);
    (stage, fakes, spare)
}

fn codes(stage: &Stage) -> Vec<String> {
    let alerts = stage.alerts();
    alerts.into_iter().map(|row| row.notice.code).collect()
}

fn names(deeds: &[SeatDeed]) -> Vec<SeatDeedName> {
    deeds.iter().map(|deed| deed.deed).collect()
}

#[test]
fn one_silent_seat_is_out_of_contact_and_its_candidate_goes_on() {
    let (stage, fakes, spare) = running();
    let heard: Vec<&Fake> = fakes[1..].iter().chain([&spare]).collect();
    stage.pass(40, &heard);
    assert_eq!(codes(&stage), ["alert.out_of_contact"]);
    assert_eq!(stage.alerts()[0].seats, [1]);
    let tile = stage.tile(1);
    assert_eq!(tile.machine, MachineState::OutOfContact);
    assert_eq!(tile.state, TileState::Answering);
    assert_eq!(tile.alert.unwrap().kind, TileAlertKind::OutOfContact);
    assert_eq!(stage.tile(2).alert, None);
    let panel = stage.panel(1);
    assert_eq!(panel.trouble.unwrap().notice.code, "trouble.out_of_contact");
    // No push to swap: what a person does most comes first.
    assert_eq!(names(&panel.actions)[0], SeatDeedName::Credit);
    fakes[0].beat(&stage);
    stage.settle();
    stage.settle();
    assert_eq!(codes(&stage), Vec::<String>::new());
    assert_eq!(stage.tile(1).machine, MachineState::InContact);
}

#[test]
fn many_silent_seats_at_once_are_one_alert() {
    let (stage, fakes, spare) = running();
    stage.pass(60, &[&fakes[0], &spare]);
    assert_eq!(codes(&stage), ["alert.many_out_of_contact"]);
    let alert = &stage.alerts()[0];
    assert_eq!(alert.seats, [2, 3, 4, 5, 6]);
    assert_eq!(alert.notice.args["count"], "5");
    assert_eq!(stage.view().room.counts.attention, 5);
}

#[test]
fn a_candidate_moves_to_a_spare_and_back() {
    let (stage, mut fakes, mut spare) = running();
    let swap = |to: &Fake| StationAction::Swap {
        seat_no: 1,
        device: to.device.hex(),
        reason: "显示器坏了".to_owned(),
    };
    assert_eq!(stage.refused(swap(&fakes[1])), "room.machine_taken");
    let offered = stage.panel(1).spares;
    assert_eq!(offered.len(), 1);
    assert_eq!(offered[0].device, spare.device.hex());
    stage.done(swap(&spare));
    fakes[0].obey(&stage);
    spare.obey(&stage);
    stage.settle();
    let fenced = |body: &CommandBody| matches!(body, CommandBody::Fence { .. });
    assert!(fakes[0].told.iter().any(fenced), "{:?}", fakes[0].told);
    let leased = |body: &CommandBody| matches!(body, CommandBody::Lease { .. });
    assert!(spare.told.iter().any(leased), "{:?}", spare.told);
    let panel = stage.panel(1);
    assert_eq!(panel.device_name.as_deref(), Some("T07"));
    assert_eq!(panel.state, TileState::Answering);
    assert!(names(&panel.actions).contains(&SeatDeedName::UndoSwap));
    let undo = |staff_id| StationAction::UndoSwap {
        seat_no: 1,
        reason: "换错了".to_owned(),
        second: second(staff_id),
    };
    assert_eq!(stage.refused(undo("E1")), "room.second_role");
    stage.done(undo("P2"));
    assert_eq!(stage.panel(1).device_name.as_deref(), Some("T01"));
}

#[test]
fn what_can_be_done_with_a_seat_depends_on_where_its_candidate_is() {
    let (stage, mut fakes, _spare) = running();
    let possible = |seat_no| names(&stage.panel(seat_no).actions);
    use SeatDeedName::*;
    let answering = [Credit, Suspend, Swap, ForceHandIn, Remove, MoveNumber];
    assert_eq!(possible(1), answering);
    let panel = stage.panel(1);
    assert!(
        panel.actions.iter().all(|deed| deed.blocked_by.is_none()),
        "{panel:?}"
    );
    let remove = panel
        .actions
        .iter()
        .find(|deed| deed.deed == Remove)
        .unwrap();
    assert!(remove.second && remove.reason);
    fakes[0].hand_in(&stage);
    assert_eq!(possible(1), [Reopen, OutOfUse, MoveNumber]);
    assert!(stage.panel(1).progress.handed_in);
    stage.done(StationAction::Suspend {
        scope: ActionScope::Class {
            class_no: "C2".to_owned(),
        },
        reason: "消防演练".to_owned(),
    });
    let told = |fake: &Fake| {
        let mut told = fake.told.iter();
        told.any(|body| matches!(body, CommandBody::Suspend { .. }))
    };
    fakes.iter_mut().for_each(|fake| fake.obey(&stage));
    assert!(
        fakes.iter().all(told),
        "whoever is not of the class group does nothing"
    );
}

#[test]
fn a_dead_machine_is_put_out_of_use_and_its_number_moves() {
    let stage = Stage::open();
    let (fakes, spare) = stage.furnished();
    let out = |staff_id| StationAction::OutOfUse {
        device: fakes[2].device.hex(),
        reason: "主板坏".to_owned(),
        second: second(staff_id),
    };
    stage.log_in("A1");
    assert_eq!(stage.refused(out("E1")), "room.second_role");
    let view = stage.done(out("H1"));
    assert_eq!(view.seating.working_machines, 6);
    assert_eq!(stage.tile(3).machine, MachineState::None);
    stage.done(StationAction::MoveNumber {
        seat_no: 3,
        device: spare.device.hex(),
        reason: "三号机坏".to_owned(),
    });
    let tile = stage.tile(3);
    assert_eq!(tile.machine, MachineState::InContact);
    assert_eq!(tile.device_name.as_deref(), Some("T07"));
    stage.log_in("P1");
    stage.done(StationAction::BackInUse {
        device: fakes[2].device.hex(),
        reason: "修好了".to_owned(),
        second: second("P2"),
    });
    assert_eq!(stage.view().room.counts.spare, 1);
}

#[test]
fn a_photo_is_served_to_whoever_is_logged_in_and_nothing_else_is() {
    let stage = Stage::open();
    let path = {
        stage.furnished();
        stage.panel(1).candidate.unwrap().photo.unwrap()
    };
    let (kind, bytes) = stage.station().resource(&path).unwrap();
    assert_eq!((kind, bytes.len()), ("image/jpeg", 9));
    for odd in ["", "/photo", "/photo/Z1/00", "/media/1", "/photo/Z2/../x"] {
        assert!(stage.station().resource(odd).is_none(), "{odd}");
    }
    stage.station().act(StationAction::LogOut {});
    assert!(stage.station().resource(&path).is_none());
}

#[test]
fn a_machine_without_papers_at_the_start_is_started_when_it_has_them() {
    let stage = Stage::open();
    let (mut fakes, spare) = stage.furnished();
    fakes[1].has_papers = false;
    stage.unlock(&mut fakes);
    stage.done(StationAction::Arrive {
        ticket_no: crate::plan::ticket_no(1),
    });
    fakes[1].obey(&stage);
    for fake in fakes.iter_mut().filter(|fake| fake.has_papers) {
        fake.check_in(&stage);
    }
    stage.pass(20 * 60, &fakes.iter().chain([&spare]).collect::<Vec<_>>());
    stage.log_in("P1");
    let started = stage.done(StationAction::Start {});
    fakes.iter_mut().for_each(|fake| fake.obey(&stage));
    stage.settle();
    let at_ms = started.sittings[0].steps[2].at_ms;
    assert_eq!(codes(&stage), ["alert.refused", "alert.refused"]);
    let tile = stage.tile(2);
    assert_eq!(tile.alert.unwrap().kind, TileAlertKind::NotStarted);
    let panel = stage.panel(2);
    let said = panel.trouble.unwrap().notice;
    assert_eq!(said.code, "trouble.not_started");
    assert_eq!(said.args["cause"], "room.other_sitting");
    let deed = |panel: &fengjuan_hub::view::seat::SeatPanel| {
        let start = |deed: &&SeatDeed| deed.deed == SeatDeedName::StartSeat;
        panel.actions.iter().find(start).cloned()
    };
    let again = || StationAction::StartSeat { seat_no: 2 };
    let blocked = deed(&stage.panel(2)).unwrap().blocked_by.unwrap();
    assert_eq!(blocked.code, "station.papers_missing");
    assert_eq!(stage.refused(again()), "station.papers_missing");
    let others = StationAction::StartSeat { seat_no: 1 };
    assert_eq!(stage.refused(others), "room.already_started");

    fakes[1].has_papers = true;
    fakes[1].beat(&stage);
    fakes[1].check_in(&stage);
    assert_eq!(deed(&stage.panel(2)).unwrap().blocked_by, None);
    fakes[1].told.clear();
    stage.done(again());
    assert_eq!(
        stage.refused(again()),
        "room.already_started",
        "it is on its way"
    );
    fakes[1].obey(&stage);
    stage.settle();
    let [
        CommandBody::Arrive { .. },
        CommandBody::Start {
            planned_ms,
            at_ms: again_ms,
            ..
        },
    ] = fakes[1].told.as_slice()
    else {
        panic!("{:?}", fakes[1].told);
    };
    assert_eq!(
        (*planned_ms, Some(*again_ms)),
        (crate::plan::START_MS, at_ms)
    );
    assert_eq!(stage.tile(2).state, TileState::Answering);
    assert_eq!((stage.tile(2).alert, deed(&stage.panel(2))), (None, None));
    assert_eq!(codes(&stage), Vec::<String>::new());
}

#[test]
fn a_machine_that_is_heard_after_the_start_is_told_of_it() {
    let stage = Stage::open();
    let (mut fakes, _spare) = stage.furnished();
    stage.unlock(&mut fakes);
    let mut off = fakes.pop().unwrap();
    stage.running(&mut fakes);
    off.connect(&stage);
    let new = stage.admit(8, None);
    for fake in [&off, &new] {
        let started = |body: &&CommandBody| matches!(body, CommandBody::Start { .. });
        assert_eq!(
            fake.told.iter().filter(started).count(),
            1,
            "{:?}",
            fake.told
        );
    }
}

#[test]
fn the_last_pictures_of_a_seat_are_shown_in_memory_alone_and_gone_with_the_sitting() {
    let (stage, mut fakes, mut spare) = running();
    let jpeg = |mark: u8| vec![0xff, 0xd8, 0xff, mark, 0x5e, 0xc2, 0x1d, 0x77];
    let saw = |by: &Fake, of: &Fake, usage, taken_ms, jpeg| {
        stage.station().hub().take_picture(
            &by.device,
            SmallPicture {
                sitting_no: SITTING.to_owned(),
                attempt_id: of.attempt().to_vec(),
                usage,
                taken_ms,
                pattern: false,
                jpeg,
            },
        )
    };
    assert_eq!(
        (stage.tile(1).picture, stage.panel(1).pictures),
        (None, vec![])
    );
    assert!(saw(&fakes[0], &fakes[0], PictureUse::CheckIn, 1, jpeg(1)));
    assert!(saw(&fakes[0], &fakes[0], PictureUse::Snapshot, 2, jpeg(2)));
    stage.settle();
    let panel = stage.panel(1);
    let shown: Vec<_> = panel
        .pictures
        .iter()
        .map(|one| (one.usage, one.taken_ms))
        .collect();
    assert_eq!(shown, [(PictureUse::Snapshot, 2), (PictureUse::CheckIn, 1)]);
    let path = panel.pictures[0].path.clone();
    assert_eq!(stage.tile(1).picture.as_ref(), Some(&path));
    let served = stage.station().resource(&path).unwrap();
    assert_eq!(served, ("image/jpeg", jpeg(2)));
    assert!(stage.station().resource("/seen/77").is_none());
    // Another machine's word about this candidate counts only once the candidate sits there.
    assert!(saw(&spare, &fakes[0], PictureUse::Snapshot, 3, jpeg(3)));
    stage.settle();
    assert_eq!(stage.panel(1).pictures.len(), 2);
    stage.done(StationAction::Swap {
        seat_no: 1,
        device: spare.device.hex(),
        reason: "显示器坏了".to_owned(),
    });
    fakes[0].obey(&stage);
    spare.obey(&stage);
    stage.settle();
    let times: Vec<i64> = stage
        .panel(1)
        .pictures
        .iter()
        .map(|one| one.taken_ms)
        .collect();
    assert_eq!(times, [3, 2, 1]);
    for lie in [vec![0; 8], [jpeg(4), vec![0; 12 * 1024]].concat()] {
        assert!(!saw(&fakes[0], &fakes[0], PictureUse::Snapshot, 4, lie));
    }
    let written = files_with(stage.dir.path(), &jpeg(2));
    assert_eq!(written, Vec::<std::path::PathBuf>::new(), "never on a disk");
    stage.station().act(StationAction::LogOut {});
    assert!(
        stage.station().resource(&path).is_none(),
        "nobody has logged in"
    );
    stage.log_in("P1");
    stage.done(StationAction::End {
        class_no: None,
        forced: true,
        reason: "机构要求".to_owned(),
    });
    stage.settle();
    until_gone(&stage, &path);
    assert_eq!(
        (stage.tile(1).picture, stage.panel(1).pictures),
        (None, vec![])
    );
    let late = saw(&fakes[0], &fakes[0], PictureUse::Snapshot, 9, jpeg(9));
    assert!(
        late && stage.panel(1).pictures.is_empty(),
        "nothing is kept after the end"
    );
}

/// The hub's own clerk forgets them at its next second.
fn until_gone(stage: &Stage, path: &str) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while stage.station().resource(path).is_some() {
        assert!(std::time::Instant::now() < deadline, "still there");
        std::thread::yield_now();
    }
}

fn files_with(folder: &std::path::Path, bytes: &[u8]) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, bytes));
        } else if let Ok(content) = std::fs::read(&path)
            && content.windows(bytes.len()).any(|window| window == bytes)
        {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_machine_at_another_address_is_let_in_by_a_person_with_a_reason() {
    let stage = Stage::open();
    let (mut fakes, _spare) = stage.furnished();
    let devices = stage.station().hub().devices();
    let elsewhere = std::net::IpAddr::from([10, 0, 9, 9]);
    let (key, device) = (fakes[0].key(), fakes[0].device.hex());
    let row = || {
        let rows = stage.view().devices.known;
        rows.into_iter().find(|row| row.device == device).unwrap()
    };
    let accept = |reason: &str| StationAction::AcceptAddress {
        device: device.clone(),
        reason: reason.to_owned(),
    };
    assert_eq!(stage.refused(accept("换了网卡")), "station.same_address");
    assert_eq!(
        devices.judge(&key, elsewhere).unwrap_err(),
        "upstream.other_address"
    );
    stage.station().hub().room().touch();
    stage.settle();
    assert_eq!(row().asks_from.as_deref(), Some("10.0.9.9"));
    assert_eq!(row().note.unwrap().code, "machine.other_address");
    assert_eq!(stage.refused(accept("")), "room.reason_needed");
    stage.done(accept("换了网卡"));
    assert!(devices.judge(&key, elsewhere).is_ok());
    assert_eq!(
        (row().address.as_str(), row().asks_from),
        ("10.0.9.9", None)
    );

    // A new equipment report is one command, and not while somebody answers there.
    let check = || StationAction::CheckMachine {
        device: device.clone(),
    };
    stage.done(check());
    fakes[0].connect(&stage);
    let asked = |body: &CommandBody| matches!(body, CommandBody::CheckEquipment {});
    assert!(fakes[0].told.iter().any(asked));
    fakes[0].check_in(&stage);
    assert_eq!(stage.refused(check()), "room.machine_taken");
}
