//! Kills, power cuts, sleeps and clocks that jump.

use crate::center::*;
use crate::evidence::*;
use crate::room::*;
use fengjuan_camera::CameraFault;
use fengjuan_core::event::{Event, HandInKind, OutageCause};
use fengjuan_core::plan::AnswerRelease;
use fengjuan_core::roster::TextSize;
use fengjuan_device::machine::Machine;
use fengjuan_terminal::view::Screen;
use fengjuan_terminal::view::action::*;
use fengjuan_terminal::view::desk::{CandidateRow, OutageRow, SeatState, UnlockState};

/// A small generator with a printed seed (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        println!("seed {seed}");
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
    pub fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as u32 % n
    }
}

fn seeds() -> std::ops::Range<u64> {
    let count = std::env::var("FJ_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok());
    1..1 + count.unwrap_or(3)
}

fn decide(ticket_no: &str, outage_no: u32, credit_ms: i64) -> DeskAction {
    DeskAction::DecideOutage {
        ticket_no: ticket_no.into(),
        outage_no,
        credit_ms,
        reason: "设备故障".into(),
    }
}

fn outages(room: &Room) -> Vec<OutageRow> {
    let view = desk_of(room.log_in(PROCTOR));
    room.log_out();
    view.sitting.unwrap().outages
}

#[test]
fn every_acknowledged_answer_is_there_after_a_stop_at_any_moment() {
    for seed in seeds() {
        let mut dice = Dice::new(seed);
        let mut room = Room::new();
        room.sit("S1-01");
        for _ in 0..4 {
            for _ in 0..dice.below(12) {
                let position = dice.below(12);
                match dice.below(4) {
                    0 => drop(room.candidate(CandidateAction::Show { position })),
                    1 => drop(room.candidate(CandidateAction::Flag {
                        position,
                        on: dice.below(2) == 0,
                    })),
                    _ => drop(room.choose(position, dice.below(2) as u8)),
                }
                room.pass(i64::from(dice.below(3)) * 1_000);
            }
            let before = room.standing();
            if dice.below(2) == 0 {
                room.kill();
                room.machine.reboot(i64::from(dice.below(90)) * 1_000);
            } else {
                room.kill();
                room.machine.advance(i64::from(dice.below(90)) * 1_000);
            }
            room.open();
            match room.screen() {
                Screen::Suspended(suspended) => assert!(suspended.needs_code),
                other => panic!("seed {seed}: {other:?}"),
            }
            assert_eq!(
                refused(room.choose(0, 0)),
                "attempt.not_started",
                "seed {seed}"
            );
            room.unlock();
            assert_eq!(room.standing(), before, "seed {seed}");
        }
        room.hand_in();
        let bundle = bundles(&room).pop().unwrap();
        replay(&room, &room.issued[0], &bundle);
    }
}

#[test]
fn stops_before_the_exam_lead_back_to_the_same_step() {
    let mut room = Room::new();
    room.does(CandidateAction::Begin {});
    room.does(CandidateAction::Identify {
        number: "S1-01".into(),
    });
    room.restart();
    assert!(matches!(room.screen(), Screen::Person(_)));
    room.does(CandidateAction::TakePicture {});
    room.until("a picture", |view| {
        matches!(view.screen, Screen::StaffConfirm(_)).then_some(())
    });
    room.restart();
    match room.screen() {
        Screen::StaffConfirm(confirm) => {
            assert_eq!(confirm.picture_url, None, "sealed, and gone from memory")
        }
        other => panic!("{other:?}"),
    }
    ok(room.confirm());
    room.restart();
    assert!(matches!(room.screen(), Screen::Rules(_)));
    room.does(CandidateAction::AgreeRules {});
    room.restart();
    assert!(matches!(room.screen(), Screen::Tutorial(_)));
    room.does(CandidateAction::TutorialDone { skipped: false });
    room.restart();
    assert!(matches!(room.screen(), Screen::Waiting(_)));
    assert_eq!(
        desk_of(room.log_in(PROCTOR)).unlock.state,
        UnlockState::Ready
    );
    room.log_out();
    room.unlock();
    room.pass_to(START_MS);
    exam(room.start());
}

#[test]
fn a_power_cut_is_measured_offered_and_credited() {
    let mut room = Room::new();
    room.sit("S1-01");
    ok(room.choose(2, 1));
    room.pass_to(START_MS + 30 * MINUTE);
    room.kill();
    room.machine.reboot(4 * MINUTE);
    room.open();
    room.pass(MINUTE);
    // Only the code ends it: the minute until then belongs to the outage.
    room.restart();
    room.pass(MINUTE);
    let view = room.unlock();
    assert_eq!(exam(view).ends_ms, START_MS + 120 * MINUTE);
    let rows = outages(&room);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].cause, rows[0].decided_ms),
        (OutageCause::Power, None)
    );
    assert!(
        (rows[0].proposed_ms - 6 * MINUTE).abs() < 2_000,
        "{}",
        rows[0].proposed_ms
    );
    room.log_in(PROCTOR);
    let too_much = room.desk(decide("S1-01", 1, 31 * MINUTE));
    assert_eq!(refused(too_much), "attempt.credit_out_of_range");
    ok(room.desk(decide("S1-01", 1, rows[0].proposed_ms)));
    assert_eq!(
        refused(room.desk(decide("S1-01", 1, 0))),
        "attempt.no_such_outage"
    );
    let exam = exam(room.log_out());
    assert_eq!(exam.ends_ms, START_MS + 120 * MINUTE + rows[0].proposed_ms);
}

#[test]
fn time_that_is_up_waits_for_the_decision_about_an_outage() {
    let mut room = Room::new();
    room.sit("S1-01");
    room.pass_to(START_MS + 110 * MINUTE);
    room.kill();
    room.machine.advance(5 * MINUTE);
    room.open();
    room.unlock();
    room.pass_to(START_MS + 120 * MINUTE + 1_000);
    let held = exam(room.view());
    assert!(held.held_open);
    ok(room.choose(1, 0));
    room.pass_to(START_MS + 126 * MINUTE);
    assert_eq!(refused(room.choose(1, 1)), "attempt.time_up");
    exam(room.view());
    room.log_in(PROCTOR);
    assert_eq!(
        refused(room.desk(DeskAction::EndSitting {
            reason: "到时".into()
        })),
        "attempt.outage_undecided"
    );
    ok(room.desk(decide("S1-01", 1, 0)));
    room.log_out();
    room.pass(500);
    let end = handed_in(room.view());
    assert_eq!((end.kind, end.answered), (HandInKind::TimeUp, 1));
    let bundle = bundles(&room).pop().unwrap();
    replay(&room, &room.issued[0], &bundle);
}

#[test]
fn a_stop_beyond_the_end_loses_nothing_and_hands_nobody_in_unseen() {
    let mut room = Room::new();
    room.sit("S1-01");
    ok(room.choose(0, 1));
    room.pass_to(START_MS + 100 * MINUTE);
    room.kill();
    room.machine.advance(60 * MINUTE);
    room.open();
    room.pass(MINUTE);
    assert!(
        matches!(room.screen(), Screen::Suspended(_)),
        "an answer sheet that nobody can read is not handed in"
    );
    room.log_in(PROCTOR);
    assert_eq!(
        refused(room.desk(DeskAction::EndSitting { reason: "x".into() })),
        "sitting.open_attempt_locked"
    );
    ok(room.desk(DeskAction::Unlock {
        groups: room.issued[0].groups(),
        second: None,
    }));
    let row: CandidateRow = desk_of(room.log_in(PROCTOR))
        .sitting
        .unwrap()
        .candidates
        .remove(0);
    assert_eq!((row.state, row.answered), (SeatState::Answering, Some(1)));
    let proposed = outages_row(&room).proposed_ms;
    assert_eq!(proposed, 30 * MINUTE, "capped by the plan");
    ok(room.desk(decide("S1-01", 1, proposed)));
    room.log_out();
    room.pass(1_000);
    assert_eq!(handed_in(room.view()).kind, HandInKind::TimeUp);
}

fn outages_row(room: &Room) -> OutageRow {
    desk_of(room.view()).sitting.unwrap().outages.remove(0)
}

#[test]
fn wall_clock_jumps_change_no_remaining_time_and_are_recorded() {
    for by_ms in [
        60 * MINUTE,
        -60 * MINUTE,
        24 * 60 * MINUTE,
        -24 * 60 * MINUTE,
    ] {
        let room = Room::new();
        room.sit("S1-01");
        let remaining = |room: &Room| {
            let view = room.view();
            let now = view.clock.exam_ms;
            exam(view).ends_ms - now
        };
        let before = remaining(&room);
        room.machine.set_wall(room.machine.wall_ms() + by_ms);
        room.pass(10_000);
        assert!(
            (before - 10_000 - remaining(&room)).abs() <= 1_000,
            "{by_ms}"
        );
        assert_eq!(count(&room, "system.wall_clock_jumped"), 1, "{by_ms}");
    }
}

#[test]
fn a_sleep_is_an_outage_and_the_clock_ran_on() {
    let room = Room::new();
    room.sit("S1-01");
    room.pass(1_000);
    room.machine.suspend(10 * MINUTE);
    room.terminal().tick();
    let view = room.view();
    assert_eq!(view.clock.exam_ms, START_MS + 10 * MINUTE + 1_000);
    assert_eq!(exam(view).ends_ms, START_MS + 120 * MINUTE);
    let rows = outages(&room);
    assert_eq!(
        (rows[0].cause, rows[0].proposed_ms),
        (OutageCause::Suspend, 10 * MINUTE)
    );
}

#[test]
fn a_reboot_into_a_wrong_clock_asks_the_proctor_and_hands_nobody_in() {
    let mut room = Room::new();
    room.sit("S1-01");
    ok(room.choose(4, 0));
    let before = room.standing();
    room.pass(5_000);
    room.kill();
    // The RTC came up a day ahead.
    room.machine.reboot(24 * 60 * MINUTE);
    room.open();
    room.log_in(PROCTOR);
    let view = ok(room.desk(DeskAction::Unlock {
        groups: room.issued[0].groups(),
        second: None,
    }));
    assert_eq!(
        desk_of(view).sitting.unwrap().outages[0].cause,
        OutageCause::Clock
    );
    room.log_out();
    match room.screen() {
        Screen::Suspended(suspended) => {
            assert_eq!(
                (suspended.cause, suspended.needs_code),
                (OutageCause::Clock, false)
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(refused(room.choose(4, 1)), "attempt.suspended");
    room.pass(MINUTE);
    assert!(matches!(room.screen(), Screen::Suspended(_)));
    room.log_in(PROCTOR);
    ok(room.desk(decide("S1-01", 1, 30 * MINUTE)));
    room.log_out();
    room.pass(500);
    // By this clock the time is over, but it was a proctor who looked.
    assert_eq!(handed_in(room.view()).answered, 1);
    assert_eq!(before.1.iter().filter(|cell| cell.answered).count(), 1);
}

#[test]
fn a_camera_lost_in_the_exam_is_told_retried_and_never_waited_for() {
    let room = Room::with(|sitting| {
        sitting.snapshots = fengjuan_core::plan::SnapshotPolicy {
            mean_interval_s: 60,
            least_gap_s: 30,
        };
    });
    room.sit("S1-01");
    *room.camera.fault.lock().unwrap() = Some(CameraFault::Unplugged);
    room.pass(5 * MINUTE);
    room.until("a failure", |_| {
        (count(&room, "exam.picture_failed") > 0).then_some(())
    });
    room.until("the banner", |view| {
        let banner = view.banner.as_ref()?;
        (banner.code == "banner.camera_lost" && banner.args["cause"] == "camera.unplugged")
            .then_some(())
    });
    ok(room.choose(0, 0));
    *room.camera.fault.lock().unwrap() = None;
    let taken = || pictures(&room).len();
    let before = taken();
    room.until("a picture again", |_| {
        room.pass(10_000);
        (taken() > before).then_some(())
    });
    room.until("no banner", |view| view.banner.is_none().then_some(()));
}

#[test]
fn a_camera_that_is_pulled_out_is_never_replaced_by_the_pattern() {
    for fault in [CameraFault::Unplugged, CameraFault::NotFound] {
        let mut room = Room::with(|sitting| {
            sitting.pattern_camera_allowed = true;
            sitting.snapshots = fengjuan_core::plan::SnapshotPolicy {
                mean_interval_s: 60,
                least_gap_s: 30,
            };
        });
        room.sit("S1-01");
        *room.camera.fault.lock().unwrap() = Some(fault.clone());
        let failed = |room: &Room, from: usize| {
            room.until("a failure", |_| {
                room.pass(10_000);
                (count(room, "exam.picture_failed") > from).then_some(())
            });
        };
        failed(&room, 0);
        // Nor after a restart: the ledger knows whose picture was taken.
        let before = count(&room, "exam.picture_failed");
        room.restart();
        room.unlock();
        failed(&room, before);
        assert!(pictures(&room).iter().all(|picture| !picture.pattern));
        *room.camera.fault.lock().unwrap() = None;
        let taken = pictures(&room).len();
        room.until("a picture again", |_| {
            room.pass(10_000);
            (pictures(&room).len() > taken).then_some(())
        });
        let cause = events(&room)
            .into_iter()
            .find_map(|(event, ..)| match event {
                Event::PictureFailed { cause, .. } => Some(cause),
                _ => None,
            });
        assert_eq!(cause.as_deref(), Some(fault.code()));
    }
}

#[test]
fn a_camera_that_is_there_and_fails_is_a_fault_though_the_plan_allows_the_pattern() {
    let room = Room::with(|sitting| sitting.pattern_camera_allowed = true);
    *room.camera.fault.lock().unwrap() = Some(CameraFault::Busy);
    room.does(CandidateAction::Begin {});
    room.does(CandidateAction::Identify {
        number: "S1-01".into(),
    });
    room.does(CandidateAction::TakePicture {});
    room.until("a failure", |_| {
        (count(&room, "exam.picture_failed") > 0).then_some(())
    });
    assert!(pictures(&room).is_empty());
}

#[test]
fn a_forced_hand_in_names_who_and_why_and_shows_no_score() {
    let room = Room::new();
    room.sit("S1-01");
    ok(room.choose(0, 0));
    room.log_in(PROCTOR);
    let force = |reason: &str| DeskAction::ForceHandIn {
        ticket_no: "S1-01".into(),
        reason: reason.into(),
    };
    assert_eq!(refused(room.desk(force(""))), "attempt.reason_missing");
    let end = handed_in(ok(room.desk(force("作弊责令离场"))));
    assert_eq!((end.kind, end.score.clone()), (HandInKind::Forced, None));
    let named = events(&room)
        .into_iter()
        .any(|(event, actor, _)| match event {
            Event::HandedIn {
                staff_id, reason, ..
            } => actor == "staff:P1" && staff_id.as_deref() == Some("P1") && reason.is_some(),
            _ => false,
        });
    assert!(named);
}

#[test]
fn credit_beside_an_outage_needs_a_reason_and_keeps_to_the_cap() {
    let room = Room::new();
    room.sit("S1-01");
    room.log_in(PROCTOR);
    let credit = |minutes, reason: &str| DeskAction::CreditTime {
        ticket_no: "S1-01".into(),
        minutes,
        reason: reason.into(),
    };
    assert_eq!(refused(room.desk(credit(5, ""))), "attempt.reason_missing");
    assert_eq!(
        refused(room.desk(credit(31, "鼠标更换"))),
        "attempt.credit_out_of_range"
    );
    ok(room.desk(credit(5, "鼠标更换")));
    let view = room.log_out();
    assert_eq!(view.banner.clone().unwrap().code, "banner.time_credited");
    assert_eq!(exam(view).ends_ms, START_MS + 125 * MINUTE);
}

#[test]
fn a_stop_between_hand_in_and_seal_is_made_good_at_the_next_start() {
    let at_center = stopped_before_the_seal(AnswerRelease::AtCenter);
    assert!(handed_in(at_center.view()).sealed);
    assert_eq!(bundles(&at_center).len(), 1);
    // The site's score is sealed under the attempt key: it takes the code.
    let on_site = stopped_before_the_seal(AnswerRelease::OnSite);
    assert!(!handed_in(on_site.view()).sealed);
    let done = handed_in(on_site.unlock());
    assert!(done.sealed && done.score.is_some());
    assert_eq!(bundles(&on_site).len(), 1);
}

fn stopped_before_the_seal(answer_release: AnswerRelease) -> Room {
    let mut room = Room::with(|sitting| sitting.answer_release = answer_release);
    room.sit("S1-01");
    // Objects cannot be written while their folder is a file.
    let objects = room.data.join("objects");
    let aside = room.data.join("aside");
    std::fs::rename(&objects, &aside).unwrap();
    std::fs::write(&objects, b"").unwrap();
    assert!(!room.hand_in().sealed);
    room.kill();
    std::fs::remove_file(&objects).unwrap();
    std::fs::rename(&aside, &objects).unwrap();
    room.open();
    room
}

#[test]
fn a_clock_that_is_corrected_far_forward_in_the_exam_hands_nobody_in() {
    let room = Room::new();
    room.sit("S1-01");
    ok(room.choose(0, 0));
    room.pass(MINUTE);
    let boot_ms = room.machine.boot_ms();
    let recorder = room.recorder();
    let center_ms = recorder.exam_now() + 3 * 60 * MINUTE;
    recorder
        .clock()
        .anchor(center_ms, boot_ms, boot_ms)
        .unwrap();
    room.pass(2_000);
    match room.screen() {
        Screen::Suspended(suspended) => assert_eq!(suspended.cause, OutageCause::Clock),
        other => panic!("{other:?}"),
    }
    // The center orders the time that the clock took.
    let order = fengjuan_wire::order::Order {
        order_no: "O1".into(),
        site: SITE.into(),
        sitting_no: "S1".into(),
        issued_ms: 0,
        kind: fengjuan_wire::order::OrderKind::Credit {
            scope: fengjuan_wire::order::CreditScope::Room {},
            credit_ms: 3 * 60 * MINUTE,
        },
        reason: "考试机时钟不准".into(),
        approved_by: "王".into(),
    };
    room.terminal()
        .carry_out(&order, fengjuan_wire::hash(b"O1"))
        .unwrap();
    room.log_in(PROCTOR);
    ok(room.desk(decide("S1-01", 1, 0)));
    let view = room.log_out();
    let now = view.clock.exam_ms;
    let left = exam(view).ends_ms - now;
    assert!((118 * MINUTE..=119 * MINUTE).contains(&left), "{left}");
}

#[test]
fn the_chosen_text_size_survives_a_restart() {
    let mut room = Room::new();
    room.sit("S1-01");
    room.does(CandidateAction::TextSize {
        size: TextSize::Largest,
    });
    room.restart();
    room.unlock();
    assert_eq!(exam(room.view()).text_size, TextSize::Largest);
}
