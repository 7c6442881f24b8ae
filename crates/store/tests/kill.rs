//! Kill −9 at random moments: every acknowledged entry is there afterwards, and the ledger goes on. `FJ_SEEDS`
//! sets the number of kills.
#![allow(clippy::unwrap_used)]

mod harness;

use fengjuan_store::{Database, Projection};
use harness::device::{self, Device};
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
        let test = "appends_until_killed";
        for line in lines_until_killed(test, dir.path(), &mut dice, |line| line.ends_with(']')) {
            let (seq, leaf) = line.split_once(' ').unwrap();
            acknowledged.push((seq.parse().unwrap(), leaf.to_owned()));
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

/// Runs an ignored test of this file in a process of its own, kills it at some moment, and gives what it had
/// acknowledged: its lines that begin so and are `whole`.
fn lines_until_killed(
    test: &str,
    dir: &Path,
    dice: &mut Dice,
    whole: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--ignored"])
        .env(CHILD_DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let after = 1 + dice.below(60);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = Vec::new();
    let mut note = |line: String| {
        if let Some(rest) = line
            .strip_prefix("acknowledged ")
            .filter(|line| whole(line))
        {
            seen.push(rest.to_owned());
        }
        seen.len()
    };
    while note(lines.next().expect("the program ended by itself").unwrap()) < after {}
    // A part of a millisecond puts the kill anywhere between two acknowledgements.
    let spins = dice.below(200_000);
    (0..spins).for_each(|turn| {
        std::hint::black_box(turn);
    });
    child.kill().unwrap();
    child.wait().unwrap();
    lines.map_while(Result::ok).for_each(|line| {
        note(line);
    });
    seen
}

const SEATS: u64 = 8;

/// The witness that is killed: entries of several devices share its transactions.
#[test]
#[ignore = "run by killing_the_witness_loses_nothing_acknowledged"]
fn witnesses_until_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else {
        return;
    };
    let replicas = device::open(Path::new(&dir)).unwrap();
    let (writer, reader) = (replicas.writer(), replicas.reader().unwrap());
    let mut seats: Vec<_> = (0..SEATS)
        .map(|number| {
            let mut seat = Device::new(number);
            seat.write(reader.size(&seat.ledger_id).unwrap_or(0) as usize);
            seat
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut out = std::io::stdout();
    loop {
        let mut queued = Vec::new();
        for (number, seat) in seats.iter_mut().enumerate() {
            let from = seat.entries.len();
            seat.write(1);
            let mut request = seat.request(from..from + 1);
            request.checkpoint = (from % 10 == 0).then(|| seat.note(from + 1));
            queued.push((number, from, writer.append_async(request)));
        }
        for (number, seq, answer) in queued {
            runtime.block_on(answer).unwrap();
            writeln!(out, "acknowledged {number} {seq}.").unwrap();
        }
    }
}

#[test]
fn killing_the_witness_loses_nothing_acknowledged() {
    let (seed, kills) = (0x5EED_0012, cases(40));
    println!("seed {seed:#x}, {kills} kills");
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(seed);
    let (mut held, mut acknowledged) = ([0_u64; SEATS as usize], 0);
    for kill in 0..kills {
        let test = "witnesses_until_killed";
        for line in lines_until_killed(test, dir.path(), &mut dice, |line| line.ends_with('.')) {
            let (number, seq) = line.trim_end_matches('.').split_once(' ').unwrap();
            let held = &mut held[number.parse::<usize>().unwrap()];
            *held = (*held).max(seq.parse::<u64>().unwrap() + 1);
            acknowledged += 1;
        }
        let replicas = device::open(dir.path()).unwrap();
        let reader = replicas.reader().unwrap();
        for (number, held) in held.iter().enumerate() {
            let seat = Device::new(number as u64);
            let entries = reader
                .entries_since(&seat.ledger_id, 0, usize::MAX)
                .unwrap_or_default();
            assert!(entries.len() as u64 >= *held, "kill {kill}: seat {number}");
            for entry in entries {
                assert_eq!(entry.bytes, seat.entry(entry.seq, 0).bytes);
            }
        }
    }
    println!("{acknowledged} acknowledged entries, none lost");
    assert!(acknowledged >= kills);
}
