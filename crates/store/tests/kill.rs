//! Kill −9 at random moments: every acknowledged entry is there afterwards, and the ledger goes on. `FJ_SEEDS`
//! sets the number of kills.
#![allow(clippy::unwrap_used)]

mod harness;

use fengjuan_store::{Database, Projection};
use harness::{Dice, TestEntry, cases};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

const CHILD_DIR: &str = "FJ_TEST_KILL_DIR";

/// The process that is killed: prints every place after its acknowledgement.
#[test]
#[ignore = "run by killing_the_program_loses_nothing_acknowledged"]
fn appends_until_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else {
        return;
    };
    let (database, _) = Database::open(Path::new(&dir)).unwrap();
    let (writer, mut out) = (database.writer(), std::io::stdout());
    for number in 0.. {
        let state = Projection::put("s", *b"n", u64::to_be_bytes(number));
        let appended = writer
            .append(TestEntry::of(number, Some([1; 16])), vec![state])
            .unwrap();
        writeln!(out, "acknowledged {} {:?}", appended.seq, appended.leaf).unwrap();
    }
}

#[test]
fn killing_the_program_loses_nothing_acknowledged() {
    let (seed, kills) = (0x5EED_0002, cases(50));
    println!("seed {seed:#x}, {kills} kills");
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(seed);
    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "appends_until_killed",
                "--nocapture",
                "--ignored",
            ])
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let after = 1 + dice.below(60);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        while seen < after {
            let line = lines.next().expect("the program ended by itself").unwrap();
            seen += usize::from(note(&line, &mut acknowledged));
        }
        // A part of a millisecond puts the kill anywhere between two acknowledgements.
        let spins = dice.below(200_000);
        (0..spins).for_each(|turn| {
            std::hint::black_box(turn);
        });
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            note(&line, &mut acknowledged);
        }
        let (database, opened) = Database::open(dir.path()).unwrap();
        let entries = database.reader().unwrap().entries(0, usize::MAX).unwrap();
        assert_eq!(entries.len() as u64, opened.entries);
        for (seq, leaf) in &acknowledged {
            let found = entries
                .get(*seq as usize)
                .map(|entry| format!("{:?}", entry.leaf));
            assert_eq!(
                found.as_deref(),
                Some(leaf.as_str()),
                "kill {kill}: entry {seq} is lost"
            );
        }
    }
    println!("{} acknowledged entries, none lost", acknowledged.len());
    assert!(acknowledged.len() >= kills);
}

/// True for a whole line of an acknowledgement.
fn note(line: &str, acknowledged: &mut Vec<(u64, String)>) -> bool {
    let parts = line
        .strip_prefix("acknowledged ")
        .and_then(|rest| rest.split_once(' '));
    let Some((seq, leaf)) = parts.filter(|(_, leaf)| leaf.ends_with(']')) else {
        return false;
    };
    acknowledged.push((seq.parse().unwrap(), leaf.to_owned()));
    true
}
