//! What a witness holds and signs: idempotent, forks recorded, rolled-back and cloned databases seen.
#![allow(clippy::unwrap_used)]

use fengjuan_envelope::merkle::{leaf_hash, root_of, verify_consistency, verify_inclusion};
use fengjuan_envelope::note::{self, Checkpoint};
use fengjuan_envelope::sign::SigningKey;
use fengjuan_store::replica::{
    self, AppendOutcome, CheckpointOutcome, ForkKind, Incoming, Replica,
};
use fengjuan_store::{LedgerIdentity, LedgerReader, StoreError};
use rusqlite::Connection;
use std::ops::ControlFlow;

const LEDGER: [u8; 16] = [1; 16];
const ORIGIN: &str = "site/terminal-1";

fn device() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

fn identity() -> LedgerIdentity {
    LedgerIdentity {
        device: "1".into(),
        device_key: *device().public().as_bytes(),
        origin: ORIGIN.into(),
    }
}

fn witness() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    replica::install(&conn).unwrap();
    replica::install(&conn).unwrap();
    assert!(
        replica::register(&conn, &LEDGER, &identity(), 1)
            .unwrap()
            .new
    );
    conn
}

fn entries(branch: u8, places: std::ops::Range<u64>) -> Vec<Incoming> {
    let one = |seq: u64| Incoming {
        bytes: format!("branch {branch} entry {seq}").into_bytes(),
        class: 3,
        kind: "answer".into(),
        attempt: Some([branch; 16]),
        attempt_seq: seq,
        exam_ms: None,
        wall_ms: 5,
    };
    places.map(one).collect()
}

fn root(of: &[Incoming]) -> [u8; 32] {
    root_of(
        &of.iter()
            .map(|entry| leaf_hash(&entry.bytes))
            .collect::<Vec<_>>(),
    )
}

fn signed(of: &[Incoming], key: &SigningKey, origin: &str) -> String {
    let (size, root) = (of.len() as u64, root(of));
    note::sign_checkpoint(
        &Checkpoint {
            origin: origin.into(),
            size,
            root,
            extension: Vec::new(),
        },
        ORIGIN,
        key,
    )
}

fn cosign(conn: &Connection, text: &str) -> Result<CheckpointOutcome, StoreError> {
    let key = SigningKey::from_seed(&[9; 32]);
    replica::cosign_checkpoint(conn, &LEDGER, text, 10, |note| {
        note::cosign(note, "center/witness", &key, 1_700_000_000).map_err(|error| error.to_string())
    })
}

#[test]
fn batches_are_taken_over_once_whatever_their_order_and_overlap() {
    let conn = witness();
    let all = entries(0, 0..20);
    let append = |from: usize, to: usize| {
        replica::append(&conn, &LEDGER, from as u64, &all[from..to], 2).unwrap()
    };
    assert_eq!(append(5, 9), AppendOutcome::Gap { have: 0 });
    for (from, to, size, new) in [
        (0, 5, 5, 5),
        (0, 5, 5, 0),
        (3, 9, 9, 4),
        (0, 2, 9, 0),
        (9, 20, 20, 11),
        (0, 20, 20, 0),
    ] {
        let wanted = AppendOutcome::Appended {
            size,
            root: root(&all[..size as usize]),
            new,
        };
        assert_eq!(append(from, to), wanted);
    }
    assert_eq!(
        append(20, 20),
        AppendOutcome::Appended {
            size: 20,
            root: root(&all),
            new: 0
        }
    );
    let replica = Replica::new(&conn);
    replica.check(&LEDGER).unwrap();
    let held: Vec<_> = replica
        .entries(&LEDGER, 0, 100)
        .unwrap()
        .into_iter()
        .map(|entry| entry.bytes)
        .collect();
    assert_eq!(
        held,
        all.iter()
            .map(|entry| entry.bytes.clone())
            .collect::<Vec<_>>()
    );
    assert_eq!(replica.entries(&LEDGER, 18, 1).unwrap().len(), 1);
    assert_eq!(replica.entries_of_attempt(&[0; 16]).unwrap().len(), 20);
    let whole = root(&all);
    for old in 0..=20 {
        let proof = replica.consistency_proof(&LEDGER, old, 20).unwrap();
        verify_consistency(old, &root(&all[..old as usize]), 20, &whole, &proof).unwrap();
    }
    let proof = replica.inclusion_proof(&LEDGER, 4, 20).unwrap();
    verify_inclusion(&leaf_hash(&all[4].bytes), 4, 20, &proof, &whole).unwrap();
    assert_eq!(
        replica.inclusion_proof(&LEDGER, 4, 21),
        Err(StoreError::BeyondEnd {
            asked: 21,
            size: 20
        })
    );
    assert_eq!(
        replica::append(&conn, &[8; 16], 0, &all, 2),
        Err(StoreError::UnknownLedger)
    );
}

#[test]
fn a_rolled_back_device_that_goes_on_is_a_recorded_fork() {
    let conn = witness();
    let first = entries(0, 0..10);
    replica::append(&conn, &LEDGER, 0, &first, 2).unwrap();
    // The database was set back to six entries and went on in another way.
    let mut other = entries(0, 0..6);
    other.extend(entries(1, 6..12));
    for _ in 0..2 {
        let outcome = replica::append(&conn, &LEDGER, 4, &other[4..], 3).unwrap();
        let (mine, theirs) = (leaf_hash(&first[6].bytes), leaf_hash(&other[6].bytes));
        assert_eq!(
            outcome,
            AppendOutcome::Fork {
                seq: 6,
                mine,
                theirs
            }
        );
    }
    let replica = Replica::new(&conn);
    let forks = replica.forks().unwrap();
    assert_eq!(forks.len(), 1, "the same fork is recorded once");
    assert_eq!(
        (forks[0].kind, forks[0].seq, &forks[0].bytes),
        (ForkKind::Entry, 6, &other[6].bytes)
    );
    assert_eq!(replica.frontier(&LEDGER).unwrap().root(), root(&first));
    let refused = cosign(&conn, &signed(&other[..8], &device(), ORIGIN)).unwrap();
    assert!(
        matches!(refused, CheckpointOutcome::Fork { size: 8, .. }),
        "{refused:?}"
    );
    assert_eq!(replica.forks().unwrap().len(), 2);
    assert_eq!(replica.roll().unwrap()[0].forks, 2);
    assert!(replica.checkpoints(&LEDGER).unwrap().is_empty());
}

#[test]
fn only_the_replica_s_own_root_is_cosigned_and_never_a_smaller_one_afterwards() {
    let conn = witness();
    let all = entries(0, 0..10);
    replica::append(&conn, &LEDGER, 0, &all[..8], 2).unwrap();
    let five = signed(&all[..5], &device(), ORIGIN);
    let Ok(CheckpointOutcome::Cosigned { size: 5, note, .. }) = cosign(&conn, &five) else {
        panic!()
    };
    let by = SigningKey::from_seed(&[9; 32]).public();
    let verified = note::verify(
        &note,
        ORIGIN,
        &device().public(),
        Some(("center/witness", &by)),
    )
    .unwrap();
    assert_eq!(verified.cosigned, Some(1_700_000_000));
    assert_eq!(
        cosign(&conn, &signed(&all, &device(), ORIGIN)),
        Ok(CheckpointOutcome::Behind { have: 8 })
    );
    let eight = signed(&all[..8], &device(), ORIGIN);
    assert!(matches!(
        cosign(&conn, &eight),
        Ok(CheckpointOutcome::Cosigned { size: 8, .. })
    ));
    let six = signed(&all[..6], &device(), ORIGIN);
    assert_eq!(
        cosign(&conn, &six),
        Ok(CheckpointOutcome::RolledBack { cosigned: 8 })
    );
    let again = cosign(&conn, &five).unwrap();
    assert!(
        matches!(again, CheckpointOutcome::Cosigned { note: again, .. } if again == note),
        "sent twice"
    );
    let replica = Replica::new(&conn);
    assert_eq!(replica.checkpoints(&LEDGER).unwrap().len(), 2);
    assert_eq!(
        replica.roll().unwrap()[0].cosigned,
        Some((8, root(&all[..8])))
    );
}

#[test]
fn unsigned_foreign_and_garbled_checkpoints_are_refused() {
    let conn = witness();
    let all = entries(0, 0..4);
    replica::append(&conn, &LEDGER, 0, &all, 2).unwrap();
    let good = signed(&all, &device(), ORIGIN);
    let stranger = SigningKey::from_seed(&[8; 32]);
    for bad in [
        signed(&all, &stranger, ORIGIN),
        signed(&all, &device(), "site/terminal-2"),
        good.replacen("\n4\n", "\n3\n", 1),
        good[..good.len() - 9].to_owned(),
        String::new(),
    ] {
        assert_eq!(
            cosign(&conn, &bad).unwrap_err().code(),
            "store.checkpoint",
            "{bad:?}"
        );
    }
    let failed = replica::cosign_checkpoint(&conn, &LEDGER, &good, 1, |_| Err("locked".to_owned()));
    assert_eq!(failed.unwrap_err().code(), "store.sign");
    assert!(Replica::new(&conn).checkpoints(&LEDGER).unwrap().is_empty());
}

#[test]
fn one_key_with_two_ledgers_and_one_ledger_with_two_keys_are_seen() {
    let conn = witness();
    assert!(
        !replica::register(&conn, &LEDGER, &identity(), 1)
            .unwrap()
            .new
    );
    let second = replica::register(&conn, &[2; 16], &identity(), 2).unwrap();
    assert_eq!((second.new, second.others_of_device), (true, vec![LEDGER]));
    let stranger = LedgerIdentity {
        device_key: [3; 32],
        ..identity()
    };
    assert_eq!(
        replica::register(&conn, &LEDGER, &stranger, 3),
        Err(StoreError::LedgerTaken)
    );
    assert_eq!(Replica::new(&conn).ledgers().unwrap().len(), 2);
}

#[test]
fn a_batch_that_is_rolled_back_leaves_nothing() {
    let mut conn = witness();
    let all = entries(0, 0..6);
    let transaction = conn.transaction().unwrap();
    replica::append(&transaction, &LEDGER, 0, &all, 2).unwrap();
    drop(transaction);
    assert_eq!(
        replica::append(&conn, &LEDGER, 0, &all[..0], 2).unwrap(),
        AppendOutcome::Appended {
            size: 0,
            root: fengjuan_envelope::merkle::empty_root(),
            new: 0
        }
    );
}

#[test]
fn entries_stream_and_the_tables_are_only_added_to() {
    let conn = witness();
    replica::append(&conn, &LEDGER, 0, &entries(0, 0..6), 2).unwrap();
    let mut seen = 0;
    let stop = &mut |_| {
        seen += 1;
        if seen == 4 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    Replica::new(&conn).each_entry(&LEDGER, 1, stop).unwrap();
    assert_eq!(seen, 4);
    conn.pragma_update(None, "recursive_triggers", false)
        .unwrap();
    for sql in [
        "DELETE FROM replica_entries",
        "UPDATE replica_entries SET bytes = x'00'",
        "REPLACE INTO replica_entries SELECT ledger, 2, class, kind, attempt, attempt_seq, exam_ms, wall_ms, leaf, \
         bytes FROM replica_entries WHERE seq = 3",
        "DELETE FROM replica_ledgers",
        "UPDATE replica_ledgers SET size = 1",
        "REPLACE INTO replica_ledgers SELECT * FROM replica_ledgers",
    ] {
        let error = StoreError::from(conn.execute(sql, []).unwrap_err());
        assert_eq!(error.code(), "store.guarded", "{sql}: {error}");
    }
    conn.execute("INSERT INTO replica_schema VALUES (9)", [])
        .unwrap();
    assert_eq!(
        replica::install(&conn),
        Err(StoreError::NewerSchema { found: 9, known: 1 })
    );
}
