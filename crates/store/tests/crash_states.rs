//! Crash states rebuilt from recorded writes and syncs: whatever the disk kept of the writes since the last sync,
//! sector by sector, nothing that was acknowledged is lost and the tree is whole. `FJ_SEEDS` sets the number.
#![allow(clippy::unwrap_used)]

mod harness;

use fengjuan_store::{Database, LedgerReader as _, Projection};
use harness::device::{self, Device};
use harness::vfs::{self, Event};
use harness::{Dice, Scratch, TestEntry, cases, memory_dir};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;

const SECTOR: usize = 512;

/// One file on the simulated disk.
#[derive(Clone, Default)]
struct Disk {
    durable: Vec<u8>,
    /// Writes and truncations since the last sync.
    pending: Vec<Event>,
}

fn put(content: &mut Vec<u8>, at: usize, data: &[u8]) {
    if content.len() < at + data.len() {
        content.resize(at + data.len(), 0);
    }
    content[at..at + data.len()].copy_from_slice(data);
}

impl Disk {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Sync { .. } => {
                for event in std::mem::take(&mut self.pending) {
                    match event {
                        Event::Write { at, data, .. } => put(&mut self.durable, at, &data),
                        Event::Truncate { size, .. } => self.durable.resize(size, 0),
                        _ => {}
                    }
                }
            }
            other => self.pending.push(other.clone()),
        }
    }

    /// What a power cut leaves. `keep` of 4: 0 nothing of what is pending, 4 all of it, else each sector by itself.
    fn crash(&self, dice: &mut Dice, keep: usize) -> Vec<u8> {
        let mut left = self.durable.clone();
        let kept = |dice: &mut Dice| keep == 4 || dice.below(4) < keep;
        for event in &self.pending {
            match event {
                Event::Truncate { size, .. } if kept(dice) => left.resize(*size, 0),
                Event::Write { at, data, .. } => {
                    let mut from = 0;
                    while from < data.len() {
                        // Sectors are counted from the file's beginning, not from the write's.
                        let to = data.len().min(from + SECTOR - (at + from) % SECTOR);
                        if kept(dice) {
                            put(&mut left, at + from, &data[from..to]);
                        }
                        from = to;
                    }
                }
                _ => {}
            }
        }
        left
    }
}

/// What was recorded: the files at the beginning, and everything that happened to them.
struct Recording {
    base: BTreeMap<String, Disk>,
    events: Vec<Event>,
}

fn base_of(dir: &Path, file: &str) -> BTreeMap<String, Disk> {
    let names = [file.to_owned(), format!("{file}-wal")];
    let read = |name: String| {
        let durable = std::fs::read(dir.join(&name)).unwrap_or_default();
        (
            name,
            Disk {
                durable,
                pending: Vec::new(),
            },
        )
    };
    names.into_iter().map(read).collect()
}

/// Visits `count` crash states in the order of their moments. `visit` gets the files of the crashed disk and what
/// had been acknowledged by then.
fn each_crash(
    recording: &Recording,
    count: usize,
    seed: u64,
    mut visit: impl FnMut(&BTreeMap<String, Vec<u8>>, &[(u64, [u8; 32])]),
) {
    let mut dice = Dice(seed);
    // Half of the moments lie anywhere, half around the writes that carry the WAL into the database.
    let is_database = |event: &Event| match event {
        Event::Write { file, .. } | Event::Truncate { file, .. } | Event::Sync { file } => {
            !file.ends_with("-wal")
        }
        Event::Acknowledged { .. } => false,
    };
    let events = &recording.events;
    let near: Vec<usize> = (0..events.len())
        .filter(|at| is_database(&events[*at]))
        .collect();
    let mut moments: Vec<usize> = (0..count)
        .map(|turn| match near.is_empty() || turn % 2 == 0 {
            true => dice.below(events.len() + 1),
            false => (near[dice.below(near.len())] + dice.below(16)).min(events.len()),
        })
        .collect();
    moments.sort_unstable();
    let (mut disks, mut acknowledged, mut at) = (recording.base.clone(), Vec::new(), 0);
    for moment in moments {
        for event in &recording.events[at..moment] {
            match event {
                Event::Acknowledged { seq, leaf } => acknowledged.push((*seq, *leaf)),
                Event::Write { file, .. } | Event::Truncate { file, .. } | Event::Sync { file } => {
                    disks.entry(file.clone()).or_default().take(event);
                }
            }
        }
        at = moment;
        let keep = dice.below(5);
        let files = disks
            .iter()
            .map(|(name, disk)| (name.clone(), disk.crash(&mut dice, keep)))
            .collect();
        visit(&files, &acknowledged);
    }
}

fn write_files(dir: &Path, files: &BTreeMap<String, Vec<u8>>) {
    for (name, content) in files {
        std::fs::write(dir.join(name), content).unwrap();
    }
}

fn record_ledger(dir: &Path, seed: u64) -> Recording {
    let (database, _) = Database::open(dir).unwrap();
    let writer = database.writer();
    let first = writer
        .append(TestEntry::of(0, Some([1; 16])), Vec::new())
        .unwrap();
    let base = base_of(dir, "fengjuan.db");
    vfs::start_recording();
    vfs::note(Event::Acknowledged {
        seq: first.seq,
        leaf: first.leaf,
    });
    let mut dice = Dice(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut number = 1_u64;
    // Enough for SQLite to carry the WAL into the database several times.
    while number < 2_500 {
        let burst = 1 + dice.below(4) as u64;
        let queued: Vec<_> = (number..number + burst)
            .map(|n| {
                let state = Projection::put("count", *b"n", n.to_be_bytes());
                writer.append_async(TestEntry::of(n, Some([1 + (n % 3) as u8; 16])), vec![state])
            })
            .collect();
        number += burst;
        for answer in queued {
            let appended = runtime.block_on(answer).unwrap();
            vfs::note(Event::Acknowledged {
                seq: appended.seq,
                leaf: appended.leaf,
            });
        }
    }
    Recording {
        base,
        events: vfs::stop_recording(),
    }
}

fn invariant_nothing_acknowledged_is_lost(dir: &Path, acknowledged: &[(u64, [u8; 32])]) {
    let (database, opened) = Database::open(dir).unwrap();
    let reader = database.reader().unwrap();
    let entries = reader.entries(0, usize::MAX).unwrap();
    assert!(
        entries.len() >= acknowledged.len(),
        "{} of {} left",
        entries.len(),
        acknowledged.len()
    );
    // At most one burst was under way.
    assert!(entries.len() <= acknowledged.len() + 4);
    for (seq, leaf) in acknowledged {
        assert_eq!(entries[*seq as usize].leaf, *leaf, "entry {seq} changed");
    }
    assert_eq!(opened.entries, entries.len() as u64);
    if entries.len() > 1 {
        let count = reader.get("count", b"n").unwrap().unwrap();
        assert_eq!(
            count,
            (opened.entries - 1).to_be_bytes(),
            "entry and state parted"
        );
    }
    reader.integrity_check().unwrap();
    database
        .writer()
        .append(TestEntry::of(1, None), Vec::new())
        .unwrap();
}

#[test]
fn no_crash_state_loses_an_acknowledged_entry() {
    let _alone = vfs::install();
    let seed = 0x5EED_0001;
    let count = cases(300);
    let dir = tempfile::tempdir().unwrap();
    let recording = record_ledger(dir.path(), seed);
    let count_of = |wanted: fn(&Event) -> bool| {
        recording
            .events
            .iter()
            .filter(|event| wanted(event))
            .count()
    };
    let writes = count_of(|event| matches!(event, Event::Write { .. }));
    let into_database =
        count_of(|event| matches!(event, Event::Sync { file } if file == "fengjuan.db"));
    println!("seed {seed:#x}: {count} states of {writes} writes, {into_database} checkpoints");
    assert!(into_database >= 2, "the recording holds no checkpoint");
    let scratch = Scratch::new();
    each_crash(&recording, count, seed, |files, acknowledged| {
        let state = scratch.dir();
        write_files(state.path(), files);
        invariant_nothing_acknowledged_is_lost(state.path(), acknowledged);
    });
}

const SEATS: u64 = 6;

/// A witness's acknowledgement as a number: the seat, the size that is held, and whether that was cosigned.
fn witnessed(seat: usize, size: usize, cosigned: bool) -> Event {
    let seq = u64::from(cosigned) << 63 | (seat as u64) << 32 | size as u64;
    Event::Acknowledged { seq, leaf: [0; 32] }
}

fn record_witness(dir: &Path, seed: u64) -> Recording {
    let replicas = device::open(dir).unwrap();
    let writer = replicas.writer();
    let mut seats: Vec<_> = (0..SEATS).map(Device::new).collect();
    let base = base_of(dir, "replicas.sqlite");
    vfs::start_recording();
    let mut dice = Dice(seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    // Enough for SQLite to carry the WAL into the database several times.
    for _ in 0..1_500 {
        let mut queued = Vec::new();
        for _ in 0..1 + dice.below(4) {
            let number = dice.below(SEATS as usize);
            let seat = &mut seats[number];
            let from = seat.entries.len();
            seat.write(1 + dice.below(3));
            let size = seat.entries.len();
            let mut request = seat.request(from..size);
            let cosigned = dice.chance(4);
            request.checkpoint = cosigned.then(|| seat.note(size));
            let done = witnessed(number, size, cosigned);
            queued.push((done, writer.append_async(request)));
        }
        for (done, answer) in queued {
            runtime.block_on(answer).unwrap();
            vfs::note(done);
        }
    }
    Recording {
        base,
        events: vfs::stop_recording(),
    }
}

fn invariant_nothing_witnessed_is_lost(dir: &Path, acknowledged: &[(u64, [u8; 32])]) {
    let replicas = device::open(dir).unwrap();
    let reader = replicas.reader().unwrap();
    let mut held = [(0_u64, 0_u64); SEATS as usize];
    for (seq, _) in acknowledged {
        let (size, cosigned) = &mut held[(*seq >> 32 & 0xFF) as usize];
        *size = seq & 0xFFFF_FFFF;
        if seq >> 63 == 1 {
            *cosigned = *size;
        }
    }
    for (number, (size, cosigned)) in held.into_iter().enumerate() {
        let mut seat = Device::new(number as u64);
        let ledger = &seat.ledger_id;
        let entries = reader
            .entries_since(ledger, 0, usize::MAX)
            .unwrap_or_default();
        // At most one burst was under way.
        let left = entries.len() as u64;
        assert!(
            (size..=size + 12).contains(&left),
            "{left} left of {size} of seat {number}"
        );
        for entry in &entries {
            assert_eq!(entry.bytes, seat.entry(entry.seq, 0).bytes);
        }
        let largest = reader.checkpoints(ledger).unwrap_or_default();
        let largest = largest.iter().map(|checkpoint| checkpoint.size).max();
        assert!(
            largest.unwrap_or(0) >= cosigned,
            "a cosignature of seat {number} is forgotten"
        );
        seat.write(entries.len() + 1);
        let next = seat.request(entries.len()..entries.len() + 1);
        replicas.writer().append(next).unwrap();
    }
}

#[test]
fn no_crash_state_loses_what_a_witness_acknowledged() {
    let _alone = vfs::install();
    let seed = 0x5EED_0011;
    let count = cases(150);
    let dir = tempfile::tempdir().unwrap();
    let recording = record_witness(dir.path(), seed);
    let is_carried =
        |event: &&Event| matches!(event, Event::Sync { file } if file == "replicas.sqlite");
    let carried = recording.events.iter().filter(is_carried).count();
    println!("seed {seed:#x}: {count} states, {carried} checkpoints");
    assert!(carried >= 2, "the recording holds no checkpoint");
    let scratch = Scratch::new();
    each_crash(&recording, count, seed, |files, acknowledged| {
        let state = scratch.dir();
        write_files(state.path(), files);
        invariant_nothing_witnessed_is_lost(state.path(), acknowledged);
    });
}

/// The same machinery over a bare table with `synchronous=NORMAL` has to find losses: it is able to fail.
#[test]
fn the_simulation_finds_what_weaker_settings_lose() {
    let _alone = vfs::install();
    let dir = tempfile::tempdir().unwrap();
    let conn = Connection::open(dir.path().join("weak.db")).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB);
         PRAGMA wal_checkpoint(TRUNCATE);",
    )
    .unwrap();
    let base = base_of(dir.path(), "weak.db");
    vfs::start_recording();
    for n in 0..200_u64 {
        conn.execute("INSERT INTO t VALUES (?1, zeroblob(300))", [n])
            .unwrap();
        vfs::note(Event::Acknowledged {
            seq: n,
            leaf: [0; 32],
        });
    }
    let recording = Recording {
        base,
        events: vfs::stop_recording(),
    };
    let (mut lost, place) = (0, memory_dir());
    each_crash(&recording, 50, 7, |files, acknowledged| {
        let state = tempfile::tempdir_in(place.path()).unwrap();
        write_files(state.path(), files);
        let conn = Connection::open(state.path().join("weak.db")).unwrap();
        let left: usize = conn
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap_or(0);
        lost += usize::from(left < acknowledged.len());
    });
    println!("{lost} of 50 states lost acknowledged rows");
    assert!(lost > 10);
}
