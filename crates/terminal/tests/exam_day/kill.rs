//! kill −9 for real: a child process answers and says which answers were acknowledged; it is killed at a seeded moment,
//! and another process finds every one of them.

use crate::center::*;
use crate::outage::Dice;
use crate::room::*;
use fengjuan_terminal::view::Screen;
use fengjuan_terminal::view::action::*;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const CHILD: &str = "FJ_TEST_KILLED_CHILD";

fn unlock(room: &Room, groups: &[String]) {
    room.log_in(PROCTOR);
    ok(room.desk(DeskAction::Unlock {
        groups: groups.to_vec(),
        second: None,
    }));
}

/// What the child is told: where, when, with which code, and its seed.
fn child_argument(room: &Room, file: &std::path::Path, wall_ms: i64, seed: u64) -> String {
    let place = [file.to_str().unwrap(), room.data.to_str().unwrap()].join("|");
    format!(
        "{place}|{wall_ms}|{seed}|{}",
        room.issued[0].groups().join(" ")
    )
}

#[test]
#[ignore = "run by no_acknowledged_answer_is_lost_by_a_kill"]
fn answers_until_it_is_killed() {
    let Ok(argument) = std::env::var(CHILD) else {
        return;
    };
    let parts: Vec<&str> = argument.split('|').collect();
    let groups: Vec<String> = parts[4].split(' ').map(str::to_owned).collect();
    let mut room = Room::take_over(
        parts[0].as_ref(),
        PathBuf::from(parts[1]),
        parts[2].parse().unwrap(),
    );
    room.open();
    unlock(&room, &groups);
    let mut dice = Dice::new(parts[3].parse().unwrap());
    let mut out = std::io::stdout();
    loop {
        let (position, option) = (dice.below(12), dice.below(2) as u8);
        let question = exam(room.does(CandidateAction::Show { position })).question;
        writeln!(out, "\ntry {position}").unwrap();
        let after = exam(ok(room.choose(position, option))).question;
        let chosen: Vec<String> = after
            .options
            .iter()
            .filter(|option| option.chosen)
            .map(|option| option.text.rsplit('-').next().unwrap().to_owned())
            .collect();
        assert_eq!(question.position, position);
        writeln!(out, "\nack {position} {}", chosen.join(",")).unwrap();
        room.machine.advance(50);
        room.terminal().tick();
    }
}

/// What a candidate sees chosen at a position, by the bank's options.
fn chosen(room: &Room, position: u32) -> String {
    let question = exam(room.does(CandidateAction::Show { position })).question;
    let chosen = question.options.iter().filter(|option| option.chosen);
    let options: Vec<&str> = chosen
        .map(|option| option.text.rsplit('-').next().unwrap())
        .collect();
    options.join(",")
}

#[test]
fn no_acknowledged_answer_is_lost_by_a_kill() {
    let rounds: u64 = std::env::var("FJ_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(6);
    let mut first = Room::new();
    first.sit("S1-01");
    let file = first.dir.path().join("handover");
    first.save(&file);
    first.kill();
    let groups = first.issued[0].groups();
    let mut known = vec![String::new(); 12];
    let mut acknowledged = 0;
    let mut wall_ms = START_MS + 2_000;
    for seed in 1..=rounds {
        let mut dice = Dice::new(seed);
        wall_ms += 3_000;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "kill::answers_until_it_is_killed",
                "--nocapture",
                "--ignored",
            ])
            .env(CHILD, child_argument(&first, &file, wall_ms, seed))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let stop_after = 1 + dice.below(60);
        let mut seen = 0;
        let mut open = None;
        let read = |line: &str, known: &mut Vec<String>, open: &mut Option<usize>| {
            let words: Vec<&str> = line.trim().split(' ').collect();
            match words.as_slice() {
                ["try", position] => {
                    *open = Some(position.parse().unwrap());
                    false
                }
                ["ack", position, rest @ ..] => {
                    known[position.parse::<usize>().unwrap()] = rest.join("");
                    *open = None;
                    true
                }
                _ => false,
            }
        };
        for line in lines.by_ref() {
            seen += u32::from(read(&line.unwrap(), &mut known, &mut open));
            if seen == stop_after {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // Whatever was acknowledged between the last line that was read and the kill.
        for line in lines.map_while(Result::ok) {
            seen += u32::from(read(&line, &mut known, &mut open));
        }
        assert!(seen >= stop_after, "seed {seed}: the child ended by itself");
        acknowledged += seen;
        wall_ms += 3_000;
        let mut after = Room::take_over(&file, first.data.clone(), wall_ms);
        after.open();
        assert!(
            matches!(after.screen(), Screen::Suspended(_)),
            "seed {seed}"
        );
        unlock(&after, &groups);
        for (position, known) in known.iter_mut().enumerate() {
            let found = chosen(&after, position as u32);
            // The click that was on its way may have become durable without its acknowledgement.
            if open == Some(position) {
                *known = found;
            } else {
                assert_eq!(found, *known, "seed {seed}, position {position}");
            }
        }
        after.kill();
    }
    println!("{acknowledged} acknowledged answers over {rounds} kills, none lost");
}
