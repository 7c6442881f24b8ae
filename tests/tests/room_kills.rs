//! The hub is killed (kill −9) in every step of a room's day, in the middle of whatever is done there. At the end the
//! center has everything once, with every answer that a screen said is saved.
#![allow(clippy::unwrap_used)]

use fengjuan_tests::party::day::{Kills, STEPS, Step};
use fengjuan_tests::party::folder::Folder;
use fengjuan_tests::party::invariants;
use fengjuan_tests::party::room::Room;
use fengjuan_tests::party::switch::Carries;
use fengjuan_tests::plan::{self, AnswerBook, Terms};

/// How many days are played.
fn days() -> u64 {
    let seeds = std::env::var("FJ_SEEDS").ok();
    seeds.and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn play(folder: &std::path::Path, seed: u64, steps: &[Step]) -> anyhow::Result<()> {
    let mut kills = Kills::of(steps, seed);
    let book: AnswerBook = plan::answer_book()?;
    let mut room = Room::open(folder)?;
    let people = &plan::four_candidates()[..2];
    room.issue(&Terms::soon(1), people)?;
    room.step(&mut kills, Step::Pull, Room::pull)?;
    room.step(&mut kills, Step::Enrolment, Room::enrol_machines)?;
    room.step(&mut kills, Step::Seats, Room::publish)?;
    room.step(&mut kills, Step::Unlock, Room::unlock)?;
    room.step(&mut kills, Step::Entry, Room::enter)?;
    room.step(&mut kills, Step::Start, Room::start)?;
    room.step(&mut kills, Step::Answering, |room| {
        room.answer_some(4, &book)
    })?;
    room.replicated(0)?;
    room.kill_machine(0);
    room.step(&mut kills, Step::Swap, |room| room.swap(0, 2))?;
    room.step(&mut kills, Step::Credit, |room| room.credit(1, 3))?;
    room.line.set(Carries::Cut);
    room.step(&mut kills, Step::HandIn, |room| {
        room.hand_in(0, &book)?;
        room.hand_in(1, &book)
    })?;
    room.line.set(Carries::Everything);
    room.step(&mut kills, Step::Upload, Room::uploaded)?;
    room.step(&mut kills, Step::End, Room::end)?;
    room.settle()?;
    room.close()?;
    invariants::check(&room)
}

#[test]
fn a_hub_that_is_killed_in_every_step_of_the_day_loses_nothing() {
    for seed in 1..=days() {
        println!("seed {seed}");
        let folder = Folder::new().unwrap();
        play(folder.path(), seed, &STEPS).unwrap();
    }
}
