//! The site's score over a stop of the program: nothing readable of it on the disk, and nothing of it lost.

use crate::center::*;
use crate::evidence::*;
use crate::room::*;
use fengjuan_store::Database;
use fengjuan_terminal::view::Screen;
use fengjuan_terminal::view::action::*;
use fengjuan_terminal::view::candidate::*;
use fengjuan_terminal::view::desk::UnlockState;
use fengjuan_wire::bundle::Outcome as SeatOutcome;
use fengjuan_wire::entry::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Somebody who has answered every second question and is asked whether to hand in.
fn about_to_hand_in() -> Room {
    let room = Room::with(|sitting| sitting.snapshots.mean_interval_s = 0);
    room.sit("S1-01");
    for position in (0..12).step_by(2) {
        let question = exam(room.does(CandidateAction::Show { position })).question;
        let mut options = question.options.iter();
        let right = options.position(|option| option.text.ends_with("-0"));
        ok(room.choose(position, right.unwrap() as u8));
    }
    room.does(CandidateAction::CheckHandIn {});
    room.does(CandidateAction::ConfirmHandIn {});
    room
}

/// What the candidate reads, without what the network and the moment of a second try change.
fn result(view: &HandedInView) -> (u32, u32, bool, bool, Option<ScoreView>) {
    (
        view.answered,
        view.unanswered,
        view.sealed,
        view.needs_code,
        view.score.clone(),
    )
}

fn kinds(room: &Room) -> [usize; 3] {
    ["exam.handed_in", "exam.site_graded", "exam.bundle_sealed"].map(|kind| count(room, kind))
}

fn stated(room: &Room) -> Vec<Option<u32>> {
    let of = |outcome| match outcome {
        SeatOutcome::Attempted { site_half_points } => site_half_points,
        other => panic!("{other:?}"),
    };
    bundles(room)
        .into_iter()
        .map(|bundle| of(bundle.outcome))
        .collect()
}

#[test]
fn a_kill_anywhere_between_hand_in_and_done_loses_neither_result_nor_score() {
    let expected = result(&handed_in(
        about_to_hand_in().does(CandidateAction::HandIn {}),
    ));
    let points = expected.4.as_ref().unwrap().half_points;
    assert!(points > 0 && expected.2 && !expected.3, "{expected:?}");
    let mut met = std::collections::BTreeSet::new();
    for looks in 0.. {
        let mut room = about_to_hand_in();
        room.fuse.arm(looks);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            room.candidate(CandidateAction::HandIn {})
        }));
        room.fuse.disarm();
        room.kill();
        let on_disk = kinds(&room);
        met.insert(on_disk);
        room.open();
        let found = match room.screen() {
            Screen::Suspended(_) => {
                assert_eq!(on_disk, [0, 0, 0], "after {looks} looks");
                room.unlock();
                room.hand_in()
            }
            Screen::HandedIn(before) => {
                assert_eq!((on_disk[0], before.needs_code), (1, true));
                assert_eq!(
                    (before.score, before.sealed),
                    (None, on_disk[2] == 1),
                    "locked until the code is back"
                );
                handed_in(room.unlock())
            }
            other => panic!("after {looks} looks: {other:?}"),
        };
        assert_eq!(result(&found), expected, "after {looks} looks");
        assert_eq!(kinds(&room), [1, 1, 1], "after {looks} looks");
        assert_eq!(stated(&room), [Some(points)], "after {looks} looks");
        // Once more, with everything written: the same again, and nothing is written twice.
        room.restart();
        assert!(handed_in(room.view()).needs_code);
        assert_eq!(result(&handed_in(room.unlock())), expected);
        room.does(CandidateAction::Done {});
        assert!(matches!(room.screen(), Screen::Standby(_)));
        assert_eq!(kinds(&room), [1, 1, 1], "after {looks} looks");
        if ended.is_ok() {
            println!("killed at {looks} points, {} states of the disk", met.len());
            break;
        }
    }
    let every = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]];
    assert!(every.iter().all(|state| met.contains(state)), "{met:?}");
}

/// Stopped between the hand-in and the grading.
fn ungraded() -> Room {
    for looks in 0.. {
        let mut room = about_to_hand_in();
        room.fuse.arm(looks);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            room.candidate(CandidateAction::HandIn {})
        }));
        room.fuse.disarm();
        assert!(ended.is_err(), "the hand-in was never met alone");
        room.kill();
        if kinds(&room) == [1, 0, 0] {
            room.open();
            return room;
        }
    }
    unreachable!()
}

#[test]
fn a_locked_score_keeps_the_sitting_open_but_the_answers_do_not_wait_for_ever() {
    let room = ungraded();
    let desk = desk_of(room.log_in(PROCTOR));
    assert_eq!(desk.unlock.state, UnlockState::NeededAgain);
    let end = DeskAction::EndSitting {
        reason: "时间到".into(),
    };
    assert_eq!(
        refused(room.desk(end.clone())),
        "sitting.open_attempt_locked"
    );
    room.log_out();
    room.pass(59 * MINUTE);
    assert_eq!(kinds(&room), [1, 0, 0]);
    room.pass(2 * MINUTE);
    assert_eq!(kinds(&room), [1, 0, 1], "sealed without the code");
    assert_eq!(stated(&room), [None]);
    // The code still brings the result; what is sealed is not added to.
    let done = handed_in(room.unlock());
    assert!(done.score.is_some() && !done.needs_code);
    assert_eq!(kinds(&room), [1, 0, 1]);
    room.log_in(PROCTOR);
    ok(room.desk(end));
}

#[test]
fn the_recorded_score_is_sealed() {
    let room = about_to_hand_in();
    room.does(CandidateAction::HandIn {});
    let reader = Database::read_only(&room.data).unwrap();
    let entries = reader.entries(0, usize::MAX / 2).unwrap();
    let mut graded = entries
        .iter()
        .filter(|entry| entry.kind == "exam.site_graded");
    let stored = graded.next().unwrap();
    let entry = Entry::decode(&stored.bytes).unwrap();
    assert!(entry.sealed && entry.event(None).is_err());
    assert!(graded.next().is_none());
}
