//! The witness of a whole room: many devices share a transaction, and none suffers from another.
#![allow(clippy::unwrap_used)]

mod harness;

use fengjuan_envelope::merkle::leaf_hash;
use fengjuan_envelope::note;
use fengjuan_store::replica::{AppendOutcome, CheckpointOutcome, ForkKind};
use fengjuan_store::{
    AppendRequest, LedgerReader, Replicas, StoreError, Taken, replica::Registered,
};
use harness::device::{Device, WITNESS, open, root, witness_key};
use harness::{Scratch, memory_dir};
use rusqlite::Connection;
use std::sync::mpsc;

fn device(number: u64, entries: usize) -> Device {
    let mut device = Device::new(number);
    device.write(entries);
    device
}

/// Queues all of it before the first answer is waited for, so that requests share transactions.
fn together(
    replicas: &Replicas,
    requests: impl IntoIterator<Item = AppendRequest>,
    then: impl FnOnce(),
) -> Vec<Result<Taken, StoreError>> {
    let writer = replicas.writer();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let queued: Vec<_> = requests
        .into_iter()
        .map(|request| writer.append_async(request))
        .collect();
    then();
    queued
        .into_iter()
        .map(|answer| runtime.block_on(answer))
        .collect()
}

fn appended(device: &Device, size: usize, new: u64) -> AppendOutcome {
    AppendOutcome::Appended {
        size: size as u64,
        root: root(&device.entries[..size]),
        new,
    }
}

#[test]
fn what_is_sent_twice_early_or_late_is_held_once() {
    let dir = memory_dir();
    let device = device(1, 20);
    {
        let replicas = open(dir.path()).unwrap();
        assert!(replicas.opened().created && replicas.opened().reserve);
        let append = |places: std::ops::Range<usize>| {
            replicas.writer().append(device.request(places)).unwrap()
        };
        let first = append(5..9);
        assert_eq!(first.outcome, AppendOutcome::Gap { have: 0 });
        assert!(first.registered.new, "a gap makes the ledger known");
        for (places, size, new) in [(0..5, 5, 5), (0..5, 5, 0), (3..9, 9, 4), (0..2, 9, 0)] {
            let taken = append(places);
            assert_eq!(taken.outcome, appended(&device, size, new));
            assert!(!taken.registered.new);
        }
        assert_eq!(append(10..20).outcome, AppendOutcome::Gap { have: 9 });
    }
    // A program that was started anew goes on where it was.
    let replicas = open(dir.path()).unwrap();
    let opened = replicas.opened();
    assert_eq!(
        (opened.created, opened.ledgers, opened.entries),
        (false, 1, 9)
    );
    let taken = replicas.writer().append(device.request(7..20)).unwrap();
    assert_eq!(taken.outcome, appended(&device, 20, 11));
    let reader = replicas.reader().unwrap();
    let held = reader.entries_since(&device.ledger_id, 18, 100).unwrap();
    assert_eq!(held.len(), 2);
    assert_eq!(held[1].bytes, device.entries[19].bytes);
    assert_eq!(
        reader.entries_since(&device.ledger_id, 3, 4).unwrap().len(),
        4
    );
    assert_eq!(
        reader.entries_of_attempt(&device.attempt()).unwrap().len(),
        20
    );
    let sizes = reader.attempt_sizes(&device.attempt()).unwrap();
    assert_eq!(
        (sizes[0].entries, sizes[0].last_attempt_seq, sizes[0].size),
        (20, 19, 20)
    );
    reader.replica().check(&device.ledger_id).unwrap();
    assert_eq!(reader.ledgers().unwrap().len(), 1);
    assert_eq!(reader.size(&[0; 16]), Err(StoreError::UnknownLedger));
}

#[test]
fn an_attempt_that_moved_is_told_by_ledger() {
    let dir = memory_dir();
    let replicas = open(dir.path()).unwrap();
    let (old, mut spare) = (device(1, 8), device(2, 3));
    for entry in &mut spare.entries {
        entry.attempt = Some(old.attempt());
    }
    spare.entries[0].attempt = None;
    for request in [old.request(0..8), spare.request(0..3)] {
        replicas.writer().append(request).unwrap();
    }
    let reader = replicas.reader().unwrap();
    let sizes: Vec<_> = reader
        .attempt_sizes(&old.attempt())
        .unwrap()
        .into_iter()
        .map(|held| {
            (
                held.ledger_id,
                held.entries,
                held.last_attempt_seq,
                held.size,
            )
        })
        .collect();
    assert_eq!(
        sizes,
        [(old.ledger_id, 8, 7, 8), (spare.ledger_id, 2, 2, 3)]
    );
    assert!(reader.attempt_sizes(&[5; 16]).unwrap().is_empty());
}

/// Everything that a request can be refused for, in one queue with those of healthy devices.
#[test]
fn one_bad_request_harms_none_beside_it() {
    let dir = memory_dir();
    // The first cosigning lasts until everything is queued.
    let (queued, all_queued) = mpsc::channel::<()>();
    let replicas = Replicas::open(dir.path(), move |_, _| {
        all_queued.recv().map_err(|error| error.to_string())?;
        Ok("cosigned".to_owned())
    })
    .unwrap();
    let (forked, good, slow) = (device(1, 12), device(2, 10), device(9, 1));
    replicas.writer().append(forked.request(0..10)).unwrap();
    let mut first = slow.request(0..1);
    first.checkpoint = Some(slow.note(1));
    let first = replicas.writer().append_async(first);
    let before = replicas.transactions();

    let mut fork = forked.request(6..12);
    fork.entries[2] = forked.entry(8, 1);
    let stranger = AppendRequest {
        ledger_id: good.ledger_id,
        ..device(3, 2).request(0..2)
    };
    let mut unsigned = device(4, 3).request(0..3);
    unsigned.checkpoint = Some(device(5, 3).note(3));
    let mut endless = device(6, 3).request(0..3);
    endless.entries[1].attempt_seq = u64::MAX;
    let mut behind = device(7, 6).request(0..4);
    behind.checkpoint = Some(device(7, 6).note(6));
    let requests = [
        good.request(0..4),
        fork,
        good.request(4..6),
        stranger,
        unsigned,
        endless,
        good.request(6..10),
        behind,
    ];
    let answers = together(&replicas, requests, || queued.send(()).unwrap());
    drop(first);
    assert!(replicas.transactions() <= before + 2, "they did not share");

    let outcome = |at: usize| answers[at].as_ref().unwrap().outcome.clone();
    assert_eq!(outcome(0), appended(&good, 4, 4));
    assert!(matches!(outcome(1), AppendOutcome::Fork { seq: 8, .. }));
    assert_eq!(outcome(2), appended(&good, 6, 2));
    assert_eq!(answers[3], Err(StoreError::LedgerTaken));
    assert_eq!(answers[4].as_ref().unwrap_err().code(), "store.checkpoint");
    assert_eq!(answers[5].as_ref().unwrap_err().code(), "store.sqlite");
    assert_eq!(outcome(6), appended(&good, 10, 4));
    assert_eq!(
        answers[7].as_ref().unwrap().checkpoint,
        Some(CheckpointOutcome::Behind { have: 4 })
    );

    let reader = replicas.reader().unwrap();
    let forks = reader.forks().unwrap();
    assert_eq!(forks.len(), 1, "the evidence is kept");
    assert_eq!(
        (forks[0].kind, forks[0].mine, forks[0].theirs),
        (
            ForkKind::Entry,
            leaf_hash(&forked.entries[8].bytes),
            leaf_hash(&forked.entry(8, 1).bytes)
        )
    );
    let sizes: Vec<_> = reader
        .roll()
        .unwrap()
        .iter()
        .map(|line| line.size)
        .collect();
    assert_eq!(sizes, [10, 10, 4, 1], "a refused request leaves no ledger");
    // What was refused can be sent rightly, with nothing remembered of the refusal.
    let taken = replicas
        .writer()
        .append(device(6, 3).request(0..3))
        .unwrap();
    assert_eq!(
        (taken.outcome, taken.registered.new),
        (appended(&device(6, 3), 3, 3), true)
    );
    for ledger in reader.ledgers().unwrap() {
        reader.replica().check(&ledger.ledger_id).unwrap();
    }
}

#[test]
fn checkpoints_are_cosigned_with_the_entries_they_cover() {
    let dir = memory_dir();
    let replicas = open(dir.path()).unwrap();
    let device = device(1, 40);
    let send = |places: std::ops::Range<usize>, note: String| {
        let request = AppendRequest {
            checkpoint: Some(note),
            ..device.request(places)
        };
        replicas.writer().append(request).map(|it| it.checkpoint)
    };
    // In the middle of a batch, at its end, repeated, late, and rolled back.
    let Ok(Some(CheckpointOutcome::Cosigned { size: 7, note, .. })) = send(0..12, device.note(7))
    else {
        panic!()
    };
    let verified = note::verify(
        &note,
        &device.origin,
        &device.key.public(),
        Some((WITNESS, &witness_key().public())),
    );
    assert_eq!(verified.unwrap().cosigned, Some(1_700_000_000));
    for (places, size) in [(12..20, 20), (20..30, 23), (30..40, 38)] {
        let cosigned = send(places, device.note(size)).unwrap();
        assert!(
            matches!(cosigned, Some(CheckpointOutcome::Cosigned { size: at, .. }) if at == size as u64)
        );
    }
    let again = send(0..3, device.note(7)).unwrap();
    assert!(
        matches!(again, Some(CheckpointOutcome::Cosigned { note: again, .. }) if again == note)
    );
    assert_eq!(
        send(40..40, device.note(30)).unwrap(),
        Some(CheckpointOutcome::RolledBack { cosigned: 38 })
    );
    // A checkpoint over another truth, with entries that agree.
    let mut other = Device::new(1);
    other.write(38);
    other.entries.push(other.entry(38, 1));
    let forked = send(40..40, other.note(39)).unwrap();
    assert!(matches!(
        forked,
        Some(CheckpointOutcome::Fork { size: 39, .. })
    ));
    let reader = replicas.reader().unwrap();
    assert_eq!(reader.checkpoints(&device.ledger_id).unwrap().len(), 4);
    assert_eq!(reader.forks().unwrap()[0].kind, ForkKind::Checkpoint);
    assert_eq!(
        reader.roll().unwrap()[0].cosigned,
        Some((38, root(&device.entries[..38])))
    );
}

#[test]
fn a_cosigner_that_refuses_or_panics_stops_its_own_request_only() {
    let dir = memory_dir();
    let replicas = Replicas::open(dir.path(), |text, _| match text.contains("terminal-1\n") {
        true => Err("the key is locked".to_owned()),
        false => panic!("no key"),
    })
    .unwrap();
    for number in [1, 2] {
        let device = device(number, 4);
        let mut request = device.request(0..4);
        request.checkpoint = Some(device.note(4));
        assert_eq!(
            replicas.writer().append(request).unwrap_err().code(),
            "store.sign"
        );
        let taken = replicas.writer().append(device.request(0..4)).unwrap();
        assert_eq!(taken.outcome, appended(&device, 4, 4));
    }
}

#[test]
fn a_device_with_two_ledgers_is_seen() {
    let dir = memory_dir();
    let replicas = open(dir.path()).unwrap();
    let first = device(1, 1);
    replicas.writer().append(first.request(0..1)).unwrap();
    let second = AppendRequest {
        ledger_id: [2; 16],
        ..first.request(0..1)
    };
    let registered = replicas.writer().append(second).unwrap().registered;
    assert_eq!(
        registered,
        Registered {
            new: true,
            others_of_device: vec![first.ledger_id]
        }
    );
    let again = replicas.writer().append(first.request(0..1)).unwrap();
    assert_eq!(
        again.registered,
        Registered {
            new: false,
            others_of_device: vec![[2; 16]]
        }
    );
}

#[test]
fn what_has_gone_up_is_remembered_for_each_ledger() {
    let dir = memory_dir();
    let (first, second) = (device(1, 6), device(2, 4));
    {
        let replicas = open(dir.path()).unwrap();
        let writer = replicas.writer();
        writer.append(first.request(0..6)).unwrap();
        writer.append(second.request(0..4)).unwrap();
        assert_eq!(
            replicas
                .reader()
                .unwrap()
                .forwarded(&first.ledger_id)
                .unwrap(),
            0
        );
        writer.forwarded(first.ledger_id, 6).unwrap();
        writer.forwarded(second.ledger_id, 3).unwrap();
        assert_eq!(writer.forwarded([0; 16], 1), Err(StoreError::UnknownLedger));
    }
    let replicas = open(dir.path()).unwrap();
    let reader = replicas.reader().unwrap();
    let left = || -> Vec<_> {
        let left = reader.to_forward().unwrap().into_iter();
        left.map(|way| (way.ledger_id, way.held, way.forwarded))
            .collect()
    };
    assert_eq!(left(), [(second.ledger_id, 4, 3)]);
    // The witness above was restored from a backup, and says less.
    replicas.writer().forwarded(first.ledger_id, 2).unwrap();
    assert_eq!(left(), [(first.ledger_id, 6, 2), (second.ledger_id, 4, 3)]);
    assert_eq!(reader.forwarded(&[0; 16]), Err(StoreError::UnknownLedger));
}

#[test]
fn one_program_at_a_time_beside_the_program_s_own_ledger() {
    let dir = memory_dir();
    let (ledger, _) = fengjuan_store::Database::open(dir.path()).unwrap();
    let replicas = open(dir.path()).unwrap();
    assert_eq!(
        open(dir.path()).map(drop).unwrap_err().code(),
        "store.already_running"
    );
    replicas
        .writer()
        .append(device(1, 3).request(0..3))
        .unwrap();
    let foreign = Replicas::read_only(dir.path()).unwrap();
    assert_eq!(foreign.ledgers().unwrap()[0].size, 3);
    let late = replicas.writer();
    drop((replicas, ledger));
    assert_eq!(
        late.append(device(1, 3).request(0..3)),
        Err(StoreError::Closed)
    );
    open(dir.path()).unwrap();
}

#[test]
fn damaged_foreign_newer_and_missing_files_are_refused_and_kept() {
    let scratch = Scratch::new();
    let dir = scratch.dir();
    let file = dir.path().join("replicas.sqlite");
    {
        let replicas = open(dir.path()).unwrap();
        let devices: Vec<_> = (0..30).map(|number| device(number, 8)).collect();
        together(
            &replicas,
            devices.iter().map(|device| device.request(0..8)),
            || {},
        );
    }
    let whole = std::fs::read(&file).unwrap();
    let refused = |damaged: &[u8], code: &str| {
        std::fs::write(&file, damaged).unwrap();
        let error = open(dir.path()).map(drop).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(std::fs::read(&file).unwrap() == damaged, "it was changed");
    };
    refused(b"", "store.corrupted");
    refused(&whole[..whole.len() / 2], "store.corrupted");
    for page in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0x5A);
        refused(&damaged, "store.corrupted");
    }
    // One bit in an entry: SQLite does not see it, the tree does.
    let entry = device(17, 8).entry(5, 0).bytes;
    let at = whole
        .windows(entry.len())
        .position(|part| part == entry)
        .unwrap();
    let mut damaged = whole.clone();
    damaged[at + 200] ^= 4;
    refused(&damaged, "store.corrupted");

    std::fs::write(&file, &whole).unwrap();
    let edit = |sql: &str| {
        let conn = Connection::open(&file).unwrap();
        conn.execute_batch(sql).unwrap();
        conn.close().unwrap();
        std::fs::read(&file).unwrap()
    };
    let newer = edit("PRAGMA user_version = 2");
    refused(&newer, "store.newer_schema");
    assert_eq!(
        Replicas::read_only(dir.path()).map(drop),
        Err(StoreError::NewerSchema { found: 2, known: 1 })
    );
    let newer = edit("PRAGMA user_version = 1; INSERT INTO replica_schema VALUES (9)");
    refused(&newer, "store.newer_schema");
    let foreign = edit("PRAGMA application_id = 7");
    refused(&foreign, "store.corrupted");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(dir.path().join("replicas.sqlite-wal"), b"left").unwrap();
    assert_eq!(
        open(dir.path()).map(drop).unwrap_err().code(),
        "store.corrupted"
    );
    std::fs::remove_file(dir.path().join("replicas.sqlite-wal")).unwrap();
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(open(dir.path()).unwrap().opened().entries, 240);
}
