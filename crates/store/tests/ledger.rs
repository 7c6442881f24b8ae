//! What the ledger promises on a healthy disk.
#![allow(clippy::unwrap_used)]

mod harness;

use fengjuan_envelope::merkle::{leaf_hash, root_of, verify_consistency, verify_inclusion};
use fengjuan_envelope::note::{self, Checkpoint};
use fengjuan_envelope::sha256;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_store::{
    Change, Database, EncodeEntry, LedgerIdentity, LedgerReader, OwnLedger, Place, Projection,
    StoreError,
};
use harness::{TestEntry, bytes_of};
use std::ops::ControlFlow;

#[test]
fn entries_get_their_places_and_make_the_root() {
    let dir = tempfile::tempdir().unwrap();
    let (database, opened) = Database::open(dir.path()).unwrap();
    assert!(opened.created && opened.reserve && opened.entries == 0);
    let writer = database.writer();
    let (one, two) = ([1; 16], [2; 16]);
    let attempts = [None, Some(one), Some(two), Some(one), None, Some(one)];
    let wanted = [0, 0, 0, 1, 0, 2];
    for (seq, (attempt, attempt_seq)) in attempts.iter().zip(wanted).enumerate() {
        let appended = writer
            .append(TestEntry::of(seq as u64, *attempt), Vec::new())
            .unwrap();
        assert_eq!(
            (appended.seq, appended.attempt_seq),
            (seq as u64, attempt_seq)
        );
    }
    let reader = database.reader().unwrap();
    let entries = reader.entries(0, 100).unwrap();
    let leaves: Vec<_> = entries
        .iter()
        .map(|entry| leaf_hash(&entry.bytes))
        .collect();
    assert_eq!(reader.root().unwrap(), root_of(&leaves));
    let of_one = reader.entries_of_attempt(&one).unwrap();
    assert_eq!(
        of_one.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        [1, 3, 5]
    );
    for (seq, entry) in entries.iter().enumerate() {
        let place = Place {
            ledger_id: opened.ledger_id,
            seq: seq as u64,
            attempt_seq: wanted[seq],
        };
        assert_eq!(entry.bytes, bytes_of(&place, seq as u64));
    }
    let (new, root) = (reader.size().unwrap(), reader.root().unwrap());
    for seq in 0..new {
        let proof = reader.inclusion_proof(seq, new).unwrap();
        verify_inclusion(&leaves[seq as usize], seq, new, &proof, &root).unwrap();
        let old = reader.root_at(seq).unwrap();
        verify_consistency(
            seq,
            &old,
            new,
            &root,
            &reader.consistency_proof(seq, new).unwrap(),
        )
        .unwrap();
    }
    assert_eq!(
        reader.inclusion_proof(6, 7),
        Err(StoreError::BeyondEnd { asked: 7, size: 6 })
    );
    reader.integrity_check().unwrap();
}

#[test]
fn reopening_finds_everything_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let attempt = Some([7; 16]);
    let (database, first) = Database::open(dir.path()).unwrap();
    for number in 0..10 {
        let state = Projection::put("attempt", *b"current", vec![number as u8]);
        database
            .writer()
            .append(TestEntry::of(number, attempt), vec![state])
            .unwrap();
    }
    let root = database.reader().unwrap().root().unwrap();
    drop(database);
    let (database, again) = Database::open(dir.path()).unwrap();
    assert_eq!(
        (again.created, again.entries, again.root),
        (false, 10, root)
    );
    assert_eq!(again.ledger_id, first.ledger_id);
    let appended = database
        .writer()
        .append(TestEntry::of(10, attempt), Vec::new())
        .unwrap();
    assert_eq!((appended.seq, appended.attempt_seq), (10, 10));
    let reader = database.reader().unwrap();
    assert_eq!(reader.get("attempt", b"current").unwrap(), Some(vec![9]));
    database
        .writer()
        .put(vec![Projection::remove("attempt", *b"current")])
        .unwrap();
    assert_eq!(reader.scan("attempt").unwrap(), Vec::new());
}

struct Refuses;
impl EncodeEntry for Refuses {
    fn encode(&self, _: &Place) -> Result<Vec<u8>, String> {
        Err("no key".to_owned())
    }
    fn kind(&self) -> &str {
        "test"
    }
    fn class(&self) -> u8 {
        0
    }
    fn attempt(&self) -> Option<[u8; 16]> {
        None
    }
    fn exam_ms(&self) -> Option<i64> {
        None
    }
    fn wall_ms(&self) -> i64 {
        0
    }
}

#[test]
fn a_refused_change_takes_no_place_and_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let (database, _) = Database::open(dir.path()).unwrap();
    let writer = database.writer();
    let change = Change::default()
        .entry(TestEntry::of(0, None))
        .entry(Box::new(Refuses))
        .project(Projection::put("a", *b"b", *b"c"));
    assert_eq!(writer.commit(change).unwrap_err().code(), "store.encode");
    assert_eq!(
        writer
            .append(TestEntry::of(0, None), Vec::new())
            .unwrap()
            .seq,
        0
    );
    let reader = database.reader().unwrap();
    assert_eq!(
        (reader.size().unwrap(), reader.get("a", b"b").unwrap()),
        (1, None)
    );
}

#[test]
fn many_threads_share_the_writer_without_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let (database, _) = Database::open(dir.path()).unwrap();
    let mut seqs: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8_u8)
            .map(|thread| {
                let writer = database.writer();
                scope.spawn(move || {
                    (0..50)
                        .map(|number| {
                            let entry = TestEntry::of(number, Some([thread; 16]));
                            let appended = writer.append(entry, Vec::new()).unwrap();
                            assert_eq!(appended.attempt_seq, number);
                            appended.seq
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    seqs.sort_unstable();
    assert_eq!(seqs, (0..400).collect::<Vec<_>>());
    database.reader().unwrap().integrity_check().unwrap();
}

#[tokio::test]
async fn queued_appends_are_acknowledged_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let (database, _) = Database::open(dir.path()).unwrap();
    let writer = database.writer();
    let queued: Vec<_> = (0..50)
        .map(|n| writer.append_async(TestEntry::of(n, None), Vec::new()))
        .collect();
    for (wanted, acknowledged) in queued.into_iter().enumerate() {
        assert_eq!(acknowledged.await.unwrap().seq, wanted as u64);
    }
    drop(database);
    let late = writer
        .append_async(TestEntry::of(9, None), Vec::new())
        .await;
    assert_eq!(late, Err(StoreError::Closed));
}

#[test]
fn objects_are_unsent_until_receipted_and_are_never_stored_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (database, _) = Database::open(dir.path()).unwrap();
    let (writer, reader) = (database.writer(), database.reader().unwrap());
    let bytes = b"sealed".repeat(1000);
    let hash = sha256(&bytes);
    let with = || {
        Change::default()
            .entry(TestEntry::of(1, None))
            .project(Projection::put("o", hash, *b"1"))
    };
    assert_eq!(
        writer.put_object("picture", [9; 32], &bytes, with()),
        Err(StoreError::HashMismatch)
    );
    assert_eq!(reader.size().unwrap(), 0);
    let first = writer
        .put_object("picture", hash, &bytes, with())
        .unwrap()
        .unwrap();
    assert_eq!(first[0].seq, 0);
    assert_eq!(
        writer.put_object("picture", hash, &bytes, with()).unwrap(),
        None
    );
    assert_eq!(reader.size().unwrap(), 1);
    assert_eq!(reader.unsent_objects().unwrap().len(), 1);
    assert_eq!(reader.object_bytes(&hash).unwrap(), bytes);
    let unknown = writer.set_receipt([3; 32], vec![1], Some(TestEntry::of(2, None)));
    assert_eq!(unknown, Err(StoreError::UnknownObject));
    writer
        .set_receipt(hash, b"hub".to_vec(), Some(TestEntry::of(2, None)))
        .unwrap();
    writer.set_receipt(hash, b"center".to_vec(), None).unwrap();
    assert!(reader.unsent_objects().unwrap().is_empty());
    let row = reader.object(&hash).unwrap().unwrap();
    assert_eq!(
        (row.seq, row.receipt.as_deref()),
        (Some(0), Some(&b"center"[..]))
    );
    assert!(reader.damaged_objects().unwrap().is_empty());
    let file = std::fs::read_dir(dir.path().join("objects"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut damaged = std::fs::read(&file).unwrap();
    damaged[5] ^= 1;
    std::fs::write(&file, &damaged).unwrap();
    assert_eq!(
        reader.object_bytes(&hash).unwrap_err().code(),
        "store.object_damaged"
    );
    std::fs::write(&file, &damaged[1..]).unwrap();
    assert_eq!(reader.damaged_objects().unwrap(), [hash]);
}

#[test]
fn checkpoints_are_signed_over_what_is_committed_and_get_their_cosignature() {
    let dir = tempfile::tempdir().unwrap();
    let (database, _) = Database::open(dir.path()).unwrap();
    let (writer, reader) = (database.writer(), database.reader().unwrap());
    let (device, witness) = (
        SigningKey::from_seed(&[1; 32]),
        SigningKey::from_seed(&[2; 32]),
    );
    let sign = |size: u64, root: &[u8; 32]| {
        let checkpoint = Checkpoint {
            origin: "site/terminal-1".into(),
            size,
            root: *root,
            extension: Vec::new(),
        };
        Ok(note::sign_checkpoint(
            &checkpoint,
            "site/terminal-1",
            &SigningKey::from_seed(&[1; 32]),
        ))
    };
    writer.append(TestEntry::of(0, None), Vec::new()).unwrap();
    let first = writer.checkpoint(sign).unwrap();
    assert_eq!((first.size, first.root), (1, reader.root().unwrap()));
    assert_eq!(writer.checkpoint(sign).unwrap(), first);
    assert_eq!(reader.checkpoints().unwrap().len(), 1);
    let failed = writer.checkpoint(|_, _| Err("locked".to_owned()));
    assert_eq!(failed.unwrap_err().code(), "store.sign");
    let cosigned = note::cosign(&first.note, "center/witness", &witness, 1_700_000_000).unwrap();
    writer.store_cosigned(&cosigned).unwrap();
    let latest = reader.latest_cosigned().unwrap().unwrap();
    let both = latest.cosigned.unwrap();
    let verified = note::verify(
        &both,
        "site/terminal-1",
        &device.public(),
        Some(("center/witness", &witness.public())),
    );
    assert_eq!(verified.unwrap().cosigned, Some(1_700_000_000));
    let foreign = both.replacen("\n1\n", "\n2\n", 1);
    assert_eq!(
        writer.store_cosigned(&foreign),
        Err(StoreError::UnknownCheckpoint)
    );
    assert_eq!(
        writer.store_cosigned("nothing"),
        Err(StoreError::UnknownCheckpoint)
    );
}

#[test]
fn two_programs_cannot_use_one_directory() {
    let dir = tempfile::tempdir().unwrap();
    let first = Database::open(dir.path()).unwrap();
    let second = Database::open(dir.path()).map(|_| ());
    assert_eq!(
        second,
        Err(StoreError::AlreadyRunning {
            dir: dir.path().to_owned()
        })
    );
    drop(first);
    Database::open(dir.path()).map(drop).unwrap();
}

#[test]
fn the_own_ledger_streams_for_the_archive() {
    let dir = tempfile::tempdir().unwrap();
    let (database, opened) = Database::open(dir.path()).unwrap();
    for number in 0..20 {
        database
            .writer()
            .append(TestEntry::of(number, None), Vec::new())
            .unwrap();
    }
    let reader = database.reader().unwrap();
    let identity = LedgerIdentity {
        device: "1".into(),
        device_key: [0; 32],
        origin: "site/1".into(),
    };
    let ledger = OwnLedger::new(&reader, identity);
    assert_eq!(ledger.ledgers().unwrap()[0].size, 20);
    let mut seen = Vec::new();
    ledger
        .each_entry(&opened.ledger_id, 15, &mut |entry| {
            seen.push(entry.seq);
            if seen.len() < 3 {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })
        .unwrap();
    assert_eq!(seen, [15, 16, 17]);
    let unknown = ledger.each_entry(&[0; 16], 0, &mut |_| ControlFlow::Continue(()));
    assert_eq!(unknown, Err(StoreError::UnknownLedger));
}

#[test]
fn the_reserve_is_really_written_and_can_be_released() {
    use std::os::unix::fs::MetadataExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (database, _) = Database::open(dir.path()).unwrap();
    let blocks = std::fs::metadata(dir.path().join("reserve"))
        .unwrap()
        .blocks()
        * 512;
    assert!(blocks >= 16 << 20, "only {blocks} bytes are allocated");
    assert!(database.release_reserve().unwrap());
    assert!(!database.release_reserve().unwrap());
    assert!(database.restore_reserve().unwrap());
}
