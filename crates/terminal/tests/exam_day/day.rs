//! Days on which nothing breaks.

use crate::center::*;
use crate::evidence::*;
use crate::room::*;
use fengjuan_core::event::{Event, HandInKind, PictureUse};
use fengjuan_core::plan::*;
use fengjuan_core::roster::TextSize;
use fengjuan_core::snapshot;
use fengjuan_terminal::view::action::*;
use fengjuan_terminal::view::candidate::*;
use fengjuan_terminal::view::desk::{CandidateRow, SeatState, Step, StepState, UnlockState};
use fengjuan_terminal::view::{Refused, Screen};
use fengjuan_wire::bundle::Outcome as SeatOutcome;

/// Answers so that every question is right; the bank's right options are known by their texts.
fn answer_all(room: &Room) {
    let count = exam(room.view()).sheet.len() as u32;
    for position in 0..count {
        let question = exam(room.does(CandidateAction::Show { position })).question;
        let right =
            |option: &OptionView| option.text.ends_with("-0") || option.text.ends_with("-1");
        let multiple = question.item_type == ItemType::MultipleChoice;
        let options = (0u8..).zip(&question.options);
        let right: Vec<u8> = options
            .filter(|(_, option)| right(option))
            .map(|(place, _)| place)
            .collect();
        let first = question
            .options
            .iter()
            .position(|option| option.text.ends_with("-0"))
            .unwrap() as u8;
        let clicks = if multiple { right } else { vec![first] };
        for option in clicks {
            let saved = exam(ok(room.choose(position, option))).question;
            assert!(saved.saved && saved.options[option as usize].chosen);
        }
    }
}

#[test]
fn a_whole_day_of_one_candidate() {
    let room = Room::new();
    assert!(matches!(
        room.screen(),
        Screen::Standby(StandbyView {
            entry: EntryState::Open,
            ..
        })
    ));
    let first = room.sit("S1-01");
    assert_eq!((first.sheet.len(), first.question.position), (12, 0));
    assert_eq!(first.ends_ms, START_MS + 120 * MINUTE);
    let kinds: Vec<(ItemType, u32)> = first
        .sections
        .iter()
        .map(|s| (s.item_type, s.count))
        .collect();
    assert_eq!(
        kinds,
        [
            (ItemType::TrueFalse, 6),
            (ItemType::SingleChoice, 4),
            (ItemType::MultipleChoice, 2)
        ]
    );
    answer_all(&room);
    room.does(CandidateAction::Flag {
        position: 3,
        on: true,
    });
    room.pass(15 * MINUTE);
    room.until("snapshots", |_| (pictures(&room).len() > 1).then_some(()));
    let small = room.terminal().small_pictures(0);
    assert_eq!(small.first().unwrap().1.usage, PictureUse::CheckIn);
    assert_eq!(small.last().unwrap().1.usage, PictureUse::Snapshot);
    assert!(small.iter().all(|(_, picture)| picture.is_sound()));
    let last = small.last().unwrap().0;
    assert!(room.terminal().small_pictures(last).is_empty());
    let check = match room.does(CandidateAction::CheckHandIn {}).screen {
        Screen::HandInCheck(check) => check,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (
            check.counts.answered,
            check.unanswered.len(),
            check.flagged.clone()
        ),
        (12, 0, vec![3])
    );
    assert_eq!(
        refused(room.candidate(CandidateAction::HandIn {})),
        "seat.out_of_order"
    );
    room.does(CandidateAction::ConfirmHandIn {});
    let done = handed_in(room.does(CandidateAction::HandIn {}));
    assert_eq!(
        (done.kind, done.answered, done.sealed, done.receipted),
        (HandInKind::Own, 12, true, false)
    );
    let score = done.score.unwrap();
    assert_eq!(
        (score.half_points, score.full_half_points, score.passed),
        (28, 28, true)
    );
    let view = room.does(CandidateAction::Done {});
    assert!(matches!(view.screen, Screen::Standby(_)));

    let bundle = bundles(&room).pop().unwrap();
    assert_eq!(
        bundle.outcome,
        SeatOutcome::Attempted {
            site_half_points: Some(28)
        }
    );
    let attempt = replay(&room, &room.issued[0], &bundle);
    assert_eq!(attempt.counts().answered, 12);
    assert!(attempt.answer(3).flagged);
    let taken = pictures(&room);
    assert_eq!(
        taken
            .iter()
            .filter(|p| p.usage == PictureUse::CheckIn)
            .count(),
        1
    );
    assert_eq!(
        bundle.pictures.len(),
        taken.len(),
        "the bundle names every picture"
    );
    for picture in &taken {
        assert!(
            bundle
                .pictures
                .iter()
                .any(|reference| reference.salted == picture.salted_hash())
        );
    }
}

#[test]
fn every_due_snapshot_has_a_record_and_the_seed_is_revealed_when_nobody_at_the_site_can_still_run()
{
    let room = Room::with(|sitting| {
        sitting.snapshots = SnapshotPolicy {
            mean_interval_s: 60,
            least_gap_s: 20,
        };
    });
    room.sit("S1-01");
    for _ in 0..200 {
        room.machine.advance(3_000);
        room.terminal().tick();
        std::thread::yield_now();
    }
    let handed = room.hand_in();
    assert_eq!(
        count(&room, "app.seed_revealed"),
        0,
        "an attempt could still run"
    );
    room.log_in(PROCTOR);
    ok(room.desk(DeskAction::EndSitting {
        reason: "考试结束".into(),
    }));
    assert_eq!(count(&room, "app.seed_revealed"), 0, "a neighbour may run");
    room.pass_to(SEED_DUE_MS + MINUTE);
    let events = events(&room);
    let seed = events.iter().find_map(|(event, ..)| match event {
        Event::SeedRevealed { seed, .. } => Some(*seed),
        _ => None,
    });
    let seed = seed.expect("revealed");
    assert_eq!(
        fengjuan_wire::hash(&seed.0),
        room.issued[0].held.document.snapshot_seed_hash
    );
    let bundle = bundles(&room).pop().unwrap();
    let attempt_id: [u8; 16] = bundle.attempt_id.as_slice().try_into().unwrap();
    let of = snapshot::ScheduleOf {
        seed: &seed.0,
        sitting_no: "S1",
        attempt_id: &attempt_id,
        started_ms: START_MS,
        policy: room.issued[0].sitting().snapshots,
    };
    let due = snapshot::due(&of, handed.at_ms, &[]);
    assert!(due.len() >= 5);
    for due in due {
        let recorded = events.iter().any(|(event, ..)| match event {
            Event::PictureTaken { due_ms, .. } | Event::PictureFailed { due_ms, .. } => {
                *due_ms == Some(due.due_ms)
            }
            _ => false,
        });
        assert!(recorded, "no record of the snapshot due at {}", due.due_ms);
    }
}

#[test]
fn two_candidates_after_one_another_keep_the_common_end() {
    let room = Room::new();
    room.log_in(STAFF);
    ok(room.desk(DeskAction::StampArrival {
        ticket_no: "S1-02".into(),
    }));
    room.log_out();
    room.sit("S1-01");
    room.pass(20 * MINUTE);
    room.hand_in();
    room.does(CandidateAction::Done {});
    // The arrival stamp is in time, though the late limit has passed.
    room.wait_in_room("S1-02");
    let second = exam(room.start());
    assert_eq!(second.ends_ms, START_MS + 120 * MINUTE);
    assert_eq!(second.text_size, TextSize::Large);
    assert_eq!(second.counts.answered, 0);
    room.pass_to(START_MS + 120 * MINUTE + 1);
    let end = handed_in(room.view());
    assert_eq!((end.kind, end.unanswered), (HandInKind::TimeUp, 12));
    assert_eq!(bundles(&room).len(), 2);
    assert_eq!(refused_identify(&room, "S1-01"), "seat.taken");
    room.does(CandidateAction::Done {});
    assert_eq!(count(&room, "exam.sitting_started"), 1);
}

pub fn refused_identify(room: &Room, number: &str) -> String {
    let begun = room.candidate(CandidateAction::Begin {});
    if let Some(Refused { code, .. }) = begun.refused {
        return code;
    }
    refused(room.candidate(CandidateAction::Identify {
        number: number.into(),
    }))
}

#[test]
fn the_time_of_class_group_and_candidate_ends_the_attempt() {
    let room = Room::new();
    let started = room.sit("S1-04");
    // 60 minutes of the class group and 10 of the candidate.
    assert_eq!(started.ends_ms, START_MS + 70 * MINUTE);
    room.pass_to(START_MS + 60 * MINUTE + 1_000);
    assert_eq!(exam(room.view()).warn_minutes, Some(10));
    room.pass(MINUTE);
    assert_eq!(exam(room.view()).warn_minutes, None);
    room.pass_to(START_MS + 65 * MINUTE + 1_000);
    assert_eq!(exam(room.view()).warn_minutes, Some(5));
    ok(room.choose(0, 0));
    room.pass_to(START_MS + 70 * MINUTE - 1_000);
    exam(room.view());
    room.pass(1_500);
    let end = handed_in(room.view());
    assert_eq!((end.kind, end.answered), (HandInKind::TimeUp, 1));
}

#[test]
fn a_late_start_moves_the_end_of_this_terminal_and_is_in_the_ledger() {
    let room = Room::new();
    room.unlock();
    room.wait_in_room("S1-01");
    room.pass_to(START_MS + 10 * MINUTE);
    let late = exam(room.start());
    assert_eq!(late.ends_ms, START_MS + 130 * MINUTE);
    let started = events(&room)
        .into_iter()
        .find_map(|(event, ..)| match event {
            Event::SittingStarted {
                planned_ms,
                started_ms,
                ..
            } => Some(started_ms - planned_ms),
            _ => None,
        });
    assert_eq!(started, Some(10 * MINUTE));
}

#[test]
fn who_comes_late_after_the_terminal_started_keeps_its_end() {
    let room = Room::new();
    room.unlock();
    room.pass_to(START_MS);
    let view = room.start();
    assert!(matches!(view.screen, Screen::Standby(_)));
    room.pass_to(START_MS + 8 * MINUTE);
    room.wait_in_room("S1-01");
    assert_eq!(exam(room.start()).ends_ms, START_MS + 120 * MINUTE);
}

#[test]
fn unlocked_papers_show_nothing_before_the_start() {
    let room = Room::new();
    room.unlock();
    room.wait_in_room("S1-01");
    match room.screen() {
        Screen::Waiting(waiting) => {
            assert!(waiting.unlocked && !waiting.overdue && waiting.minutes == 120)
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(refused(room.choose(0, 0)), "attempt.not_started");
    assert!(room.terminal().resource("/media/0").is_none());
}

#[test]
fn pictures_are_served_only_while_their_screen_is_shown() {
    let room = Room::new();
    assert!(room.terminal().resource("/photo").is_none());
    room.does(CandidateAction::Begin {});
    assert!(
        room.terminal().resource("/photo").is_none(),
        "nothing personal before identification"
    );
    room.does(CandidateAction::Leave {});
    room.unlock();
    room.identify("S1-01");
    assert_eq!(
        room.terminal().resource("/photo?r=3").unwrap().0,
        "image/png"
    );
    assert_eq!(
        room.terminal().resource("/checkin").unwrap().0,
        "image/jpeg"
    );
    ok(room.confirm());
    assert!(room.terminal().resource("/checkin").is_none());
    room.does(CandidateAction::AgreeRules {});
    room.does(CandidateAction::TutorialDone { skipped: false });
    room.pass_to(START_MS);
    room.start();
    assert_eq!(room.terminal().resource("/media/0").unwrap().1, picture());
    assert!(room.terminal().resource("/media/1").is_none());
    room.does(CandidateAction::CheckHandIn {});
    assert!(room.terminal().resource("/media/0").is_none());
    room.does(CandidateAction::BackToExam {});
    room.seat(SeatAction::OpenDesk {});
    assert!(room.terminal().resource("/media/0").is_none());
}

#[test]
fn not_admitted_is_told_apart_and_sealed() {
    let room = Room::new();
    room.identify("S1-03");
    let action = |reason: &str| SeatAction::NotAdmitted {
        staff_id: STAFF.0.into(),
        password: STAFF.1.into(),
        reason: reason.into(),
    };
    assert_eq!(refused(room.seat(action(" "))), "attempt.reason_missing");
    let view = ok(room.seat(action("证件与本人不符")));
    assert!(matches!(
        view.screen,
        Screen::NotSitting(NotSittingView {
            outcome: NotSittingOutcome::NotAdmitted,
            ..
        })
    ));
    assert_eq!(bundles(&room)[0].outcome, SeatOutcome::NotAdmitted {});
    room.does(CandidateAction::Done {});
    assert_eq!(refused_identify(&room, "S1-03"), "checkin.not_admitted");
}

#[test]
fn the_desk_shows_the_sitting_and_ends_it_with_its_absentees() {
    let mut room = Room::empty();
    room.issue("S1", |_| {});
    room.seat_no = Some(2);
    room.open();
    room.unlock();
    let view = room.log_in(PROCTOR);
    let desk = desk_of(view);
    assert_eq!(desk.unlock.state, UnlockState::Unlocked);
    let sitting = desk.sitting.unwrap();
    let rows: Vec<&CandidateRow> = sitting.candidates.iter().collect();
    assert_eq!(rows.len(), 1, "only who belongs to this seat");
    assert_eq!(sitting.start_blocked_by.unwrap().code, "start.too_early");
    assert_eq!(refused(room.desk(DeskAction::Start {})), "start.too_early");
    room.log_out();
    room.pass_to(START_MS + 16 * MINUTE);
    room.start();
    room.log_in(PROCTOR);
    assert_eq!(
        refused(room.desk(DeskAction::EndSitting { reason: "".into() })),
        "attempt.reason_missing"
    );
    let desk = desk_of(ok(room.desk(DeskAction::EndSitting {
        reason: "结束".into(),
    })));
    assert_eq!(desk.sitting.unwrap().candidates[0].state, SeatState::Absent);
    assert!(desk.track.iter().any(|step| step.state == StepState::Done));
    assert_eq!(bundles(&room)[0].outcome, SeatOutcome::Absent {});
}

#[test]
fn the_day_counts_the_code_as_typed_only_while_the_papers_are_open() {
    let mut room = Room::new();
    room.sit("S1-01");
    let unlock_step = |room: &Room| {
        let desk = desk_of(room.log_in(PROCTOR));
        room.log_out();
        let state = |step| {
            desk.track
                .iter()
                .find(|each| each.step == step)
                .map(|each| each.state)
        };
        (desk.unlock.state, state(Step::Unlock), state(Step::Start))
    };
    let (current, done) = (Some(StepState::Current), Some(StepState::Done));
    assert_eq!(unlock_step(&room), (UnlockState::Unlocked, done, done));
    room.kill();
    room.open();
    assert_eq!(
        unlock_step(&room),
        (UnlockState::NeededAgain, current, done)
    );
    room.unlock();
    assert_eq!(unlock_step(&room), (UnlockState::Unlocked, done, done));
}

#[test]
fn scores_show_when_the_plan_says() {
    let hidden = Room::with(|sitting| sitting.score_release = ScoreRelease::Never);
    hidden.sit("S1-01");
    assert_eq!(hidden.hand_in().score, None);
    let center_only = Room::with(|sitting| sitting.answer_release = AnswerRelease::AtCenter);
    center_only.sit("S1-01");
    assert_eq!(center_only.hand_in().score, None);
    assert_eq!(count(&center_only, "exam.site_graded"), 0);
    let at_end = Room::with(|sitting| sitting.score_release = ScoreRelease::AtSittingEnd);
    at_end.sit("S1-01");
    assert_eq!(at_end.hand_in().score, None);
    at_end.log_in(PROCTOR);
    ok(at_end.desk(DeskAction::EndSitting {
        reason: "结束".into(),
    }));
    let score = handed_in(at_end.log_out()).score.unwrap();
    assert!(!score.passed);
}

#[test]
fn focus_and_displays_are_events() {
    use fengjuan_terminal::controller::WindowEvent::*;
    let room = Room::new();
    let terminal = room.terminal();
    terminal.window_event(FocusLost);
    terminal.window_event(FocusLost);
    room.pass(2_000);
    terminal.window_event(FocusBack);
    terminal.window_event(FocusBack);
    terminal.window_event(Displays(2));
    let after = events(&room)
        .into_iter()
        .find_map(|(event, ..)| match event {
            Event::FocusBack { after_ms } => Some(after_ms),
            _ => None,
        });
    assert_eq!(after, Some(2_000));
    assert_eq!(count(&room, "system.focus_lost"), 1);
    assert_eq!(count(&room, "system.displays_changed"), 1);
}

#[test]
fn two_persons_open_a_sitting_together() {
    const OTHER: &str = "P9";
    let room = Room::with(|sitting| {
        sitting.two_person_code = true;
        let mut other = sitting.staff_member(PROCTOR.0).unwrap().clone();
        other.staff_id = OTHER.to_owned();
        sitting.staff.push(other);
    });
    room.log_in(PROCTOR);
    let desk = desk_of(room.view());
    let others: Vec<String> = desk
        .unlock
        .second_person
        .into_iter()
        .map(|person| person.staff_id)
        .collect();
    assert_eq!(others, [OTHER], "only who may unlock");
    let groups = room.issued[0].groups();
    let unlock = |groups: &[String], second: Option<(&str, &str)>| {
        room.desk(DeskAction::Unlock {
            groups: groups.to_vec(),
            second: second.map(|(staff_id, password)| SecondPerson {
                staff_id: staff_id.to_owned(),
                password: password.to_owned(),
            }),
        })
    };
    let both = Some((OTHER, PROCTOR.1));
    assert_eq!(refused(unlock(&groups, None)), "unlock.second_needed");
    let same = unlock(&groups, Some(PROCTOR));
    assert_eq!(refused(same), "unlock.same_person");
    let helper = unlock(&groups, Some(STAFF));
    assert_eq!(refused(helper), "unlock.second_role");
    let wrong = unlock(&groups, Some((OTHER, "falsch")));
    assert_eq!(refused(wrong), "unlock.second_wrong");
    assert_eq!(count(&room, "app.log_in_failed"), 1, "it is recorded");
    assert_eq!(
        refused(unlock(&groups[..4], both)),
        "unlock.not_complete_group"
    );
    ok(unlock(&groups, both));
    let opened = events(&room)
        .into_iter()
        .find_map(|(event, ..)| match event {
            Event::Unlocked {
                staff_id, second, ..
            } => Some((staff_id, second)),
            _ => None,
        });
    let both = (PROCTOR.0.to_owned(), Some(OTHER.to_owned()));
    assert_eq!(opened, Some(both));
}

#[test]
fn the_next_sitting_follows_when_one_is_ended() {
    let mut room = Room::empty();
    room.issue("S1", |_| {});
    room.issue("S2", |sitting| sitting.start_ms += 180 * MINUTE);
    room.open();
    room.sit("S1-01");
    room.hand_in();
    room.does(CandidateAction::Done {});
    room.log_in(PROCTOR);
    ok(room.desk(DeskAction::EndSitting {
        reason: "结束".into(),
    }));
    room.log_out();
    room.pass(2_000);
    match room.screen() {
        Screen::Standby(standby) => assert_eq!(standby.start_ms, Some(START_MS + 180 * MINUTE)),
        other => panic!("{other:?}"),
    }
    room.pass_to(START_MS + 170 * MINUTE);
    room.log_in(PROCTOR);
    let first = room.desk(DeskAction::Unlock {
        groups: room.issued[0].groups(),
        second: None,
    });
    assert_eq!(refused(first), "unlock.other_sitting");
    room.pass(5_000);
    ok(room.desk(DeskAction::Unlock {
        groups: room.issued[1].groups(),
        second: None,
    }));
    room.log_out();
    room.wait_in_room("S2-03");
    room.pass_to(START_MS + 180 * MINUTE);
    assert_eq!(exam(room.start()).ends_ms, START_MS + 240 * MINUTE);
    room.hand_in();
    assert_eq!(bundles(&room).len(), 2);
    assert_eq!(count(&room, "app.seed_revealed"), 0);
    room.pass_to(SEED_DUE_MS + MINUTE);
    assert_eq!(
        count(&room, "app.seed_revealed"),
        1,
        "that of the first sitting, while the second is worked on"
    );
}

/// 60 minutes of delayed start, 120 of the class group, 10 of one candidate and 30 of an outage after the plan's start.
const SEED_DUE_MS: i64 = START_MS + 220 * MINUTE;

fn end(room: &Room) {
    room.log_in(PROCTOR);
    ok(room.desk(DeskAction::EndSitting {
        reason: "考试结束".into(),
    }));
    room.log_out();
}

#[test]
fn a_terminal_that_ends_early_keeps_the_seed_from_a_neighbour_that_still_runs() {
    let early = Room::new();
    early.sit("S1-01");
    early.hand_in();
    early.does(CandidateAction::Done {});
    end(&early);
    let late = Room::new();
    late.unlock();
    late.wait_in_room("S1-01");
    late.pass_to(START_MS + 60 * MINUTE);
    let ends_ms = exam(late.start()).ends_ms;
    late.pass_to(ends_ms - 1_000);
    exam(late.view());
    early.pass_to(ends_ms - 1_000);
    assert_eq!(count(&early, "app.seed_revealed"), 0);
    late.pass(2_000);
    handed_in(late.view());
    late.does(CandidateAction::Done {});
    end(&late);
    for room in [&early, &late] {
        room.pass_to(SEED_DUE_MS - MINUTE);
        assert_eq!(count(room, "app.seed_revealed"), 0);
        room.pass(2 * MINUTE);
        assert_eq!(count(room, "app.seed_revealed"), 1);
    }
}

#[test]
fn a_terminal_that_was_switched_off_reveals_the_seed_at_its_next_start() {
    let mut room = Room::new();
    room.sit("S1-01");
    room.hand_in();
    room.does(CandidateAction::Done {});
    end(&room);
    room.restart();
    room.pass(MINUTE);
    assert_eq!(count(&room, "app.seed_revealed"), 0);
    room.kill();
    room.machine.reboot(24 * 60 * MINUTE);
    room.open();
    room.pass(2_000);
    let revealed = events(&room)
        .into_iter()
        .find_map(|(event, ..)| match event {
            Event::SeedRevealed { seed, .. } => Some(seed),
            _ => None,
        });
    let seed = revealed.expect("revealed without the code");
    assert_eq!(
        fengjuan_wire::hash(&seed.0),
        room.issued[0].held.document.snapshot_seed_hash
    );
    room.restart();
    room.pass(2_000);
    assert_eq!(count(&room, "app.seed_revealed"), 1, "once");
}

#[test]
fn the_checkpoint_in_a_bundle_covers_all_of_its_entries() {
    use fengjuan_envelope::{merkle, note};
    let room = Room::new();
    room.sit("S1-01");
    ok(room.choose(0, 0));
    room.hand_in();
    let bundle = bundles(&room).pop().unwrap();
    let ledger_id: [u8; 16] = bundle.ledger_id.as_slice().try_into().unwrap();
    let origin = room.center.directory.ledger_origin(&ledger_id);
    let verified =
        note::verify(&bundle.checkpoint, &origin, &room.identity.public(), None).unwrap();
    let reader = fengjuan_store::Database::read_only(&room.data).unwrap();
    assert_eq!(
        reader.root_at(verified.checkpoint.size).unwrap(),
        verified.checkpoint.root
    );
    for bytes in &bundle.entries {
        let entry = fengjuan_wire::entry::Entry::decode(bytes).unwrap();
        assert!(entry.seq < verified.checkpoint.size);
        let stored = reader.entry(entry.seq).unwrap().unwrap();
        assert_eq!(stored.leaf, merkle::leaf_hash(bytes), "exactly as stored");
    }
}

/// From the click to the answer of the controller, the view included, beside a bare durable entry in the same run. Only
/// prints what a benchmark measures on a quiet machine; the limit is what no disk excuses.
#[test]
fn an_answer_is_acknowledged_within_the_frame() {
    fn micros(rounds: u32, mut act: impl FnMut(u32)) -> (u128, u128) {
        let mut taken: Vec<u128> = (0..rounds)
            .map(|round| {
                let began = std::time::Instant::now();
                act(round);
                began.elapsed().as_micros()
            })
            .collect();
        taken.sort_unstable();
        (taken[taken.len() / 2], taken[taken.len() * 99 / 100])
    }
    let room = Room::new();
    room.sit("S1-01");
    let recorder = room.recorder();
    let bare = micros(300, |_| {
        recorder.record("system", Event::FocusLost {}).unwrap();
    });
    let view = micros(300, |_| drop(room.view()));
    let answer = micros(300, |round| {
        ok(room.choose(round % 12, (round / 12 % 2) as u8));
    });
    println!("answer.entry p50 {} us p99 {} us", bare.0, bare.1);
    println!("answer.view p50 {} us p99 {} us", view.0, view.1);
    println!("answer.controller p50 {} us p99 {} us", answer.0, answer.1);
    assert!(answer.0 < 50_000);
}
