//! A damaged, foreign or newer database is refused by a typed error and stays as it was found; triggers and the
//! authorizer stop accidents.
#![allow(clippy::unwrap_used)]

mod harness;

use fengjuan_store::{Database, Projection, StoreError};
use harness::{Dice, Scratch, TestEntry, cases};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// A closed database with some entries.
fn filled(dir: &Path, entries: u64) -> PathBuf {
    let (database, _) = Database::open(dir).unwrap();
    for number in 0..entries {
        let state = Projection::put("s", number.to_be_bytes(), vec![3; 40]);
        database
            .writer()
            .append(TestEntry::of(number, Some([1; 16])), vec![state])
            .unwrap();
    }
    dir.join("fengjuan.db")
}

fn error_of(dir: &Path) -> Option<StoreError> {
    Database::open(dir).err()
}

/// Damages the file, expects the refusal, and the file exactly as it was damaged.
fn refused(dir: &Path, file: &Path, damaged: &[u8]) {
    std::fs::write(file, damaged).unwrap();
    let error = error_of(dir);
    assert_eq!(
        error.as_ref().map(StoreError::code),
        Some("store.corrupted"),
        "{error:?}"
    );
    assert!(matches!(error, Some(StoreError::Corrupted { path, .. }) if path == *file));
    assert!(
        std::fs::read(file).unwrap() == damaged,
        "the damaged file was changed"
    );
}

#[test]
fn cut_foreign_and_overwritten_files_are_refused_and_kept() {
    let scratch = Scratch::new();
    let dir = scratch.dir();
    let file = filled(dir.path(), 200);
    let whole = std::fs::read(&file).unwrap();
    refused(dir.path(), &file, b"");
    refused(dir.path(), &file, &whole[..60]);
    refused(dir.path(), &file, &whole[..4096]);
    refused(dir.path(), &file, &whole[..whole.len() / 2]);
    refused(dir.path(), &file, &vec![0; whole.len()]);
    refused(
        dir.path(),
        &file,
        "not a database at all. ".repeat(500).as_bytes(),
    );
    for page in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0x5A);
        refused(dir.path(), &file, &damaged);
    }
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(error_of(dir.path()), None, "the whole file opens again");
}

#[test]
fn a_wal_beside_an_emptied_database_is_kept_too() {
    let scratch = Scratch::new();
    let dir = scratch.dir();
    let file = filled(dir.path(), 3);
    let wal = dir.path().join("fengjuan.db-wal");
    std::fs::write(&wal, b"what is left of a log").unwrap();
    refused(dir.path(), &file, b"");
    assert_eq!(std::fs::read(&wal).unwrap(), b"what is left of a log");
}

/// SQLite keeps no checksums: a flipped bit in an entry is found by the tree, at every start.
#[test]
fn every_flipped_bit_in_an_entry_is_found() {
    let scratch = Scratch::new();
    let dir = scratch.dir();
    let file = filled(dir.path(), 60);
    let entries = {
        let (database, _) = Database::open(dir.path()).unwrap();
        database.reader().unwrap().entries(0, 100).unwrap()
    };
    let whole = std::fs::read(&file).unwrap();
    let seed = 0x5EED_0003;
    println!("seed {seed:#x}");
    let mut dice = Dice(seed);
    for _ in 0..cases(60) {
        let entry = &entries[dice.below(entries.len())];
        let part = if dice.chance(4) {
            &entry.leaf[..]
        } else {
            &entry.bytes[..]
        };
        let (byte, bit) = (dice.below(part.len()), 1 << dice.below(8));
        let mut damaged = whole.clone();
        // Unused space may hold stale copies of the row; the live one is among them.
        for at in 0..=whole.len() - part.len() {
            if whole[at..].starts_with(part) {
                damaged[at + byte] ^= bit;
            }
        }
        assert!(damaged != whole);
        refused(dir.path(), &file, &damaged);
    }
}

/// Any flipped byte is either refused, or changed nothing that a reader is told; nothing panics.
#[test]
fn a_flip_anywhere_never_changes_the_ledger_unseen() {
    let scratch = Scratch::new();
    let dir = scratch.dir();
    let file = filled(dir.path(), 60);
    let said = |database: &Database| {
        let reader = database.reader().unwrap();
        let by_attempt = reader.entries_of_attempt(&[1; 16]).unwrap();
        (
            reader.head().unwrap(),
            reader.entries(0, 100).unwrap(),
            by_attempt,
            reader.scan("s").unwrap(),
        )
    };
    let (whole, before) = {
        let (database, _) = Database::open(dir.path()).unwrap();
        (std::fs::read(&file).unwrap(), said(&database))
    };
    let seed = 0x5EED_0004;
    println!("seed {seed:#x}");
    let (mut dice, mut found) = (Dice(seed), 0);
    let count = cases(200);
    for _ in 0..count {
        let mut damaged = whole.clone();
        let limit = if dice.chance(3) { 4096 } else { damaged.len() };
        let at = dice.below(limit);
        damaged[at] ^= 1 << dice.below(8);
        std::fs::write(&file, &damaged).unwrap();
        match Database::open(dir.path()) {
            Ok((database, _)) => assert!(said(&database) == before, "byte {at}"),
            Err(error) => {
                found += 1;
                assert!(
                    matches!(
                        error,
                        StoreError::Corrupted { .. }
                            | StoreError::NewerSchema { .. }
                            | StoreError::Io { .. }
                    ),
                    "byte {at}: {error:?}"
                );
                assert!(
                    std::fs::read(&file).unwrap() == damaged,
                    "byte {at}: the damaged file was changed"
                );
            }
        }
        for rest in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(dir.path().join(format!("fengjuan.db{rest}")));
        }
    }
    println!("{found} of {count} flips refused; the others hit unused bytes");
}

#[test]
fn a_missing_database_is_not_taken_for_a_new_one() {
    let scratch = Scratch::new();
    let dir = scratch.dir();
    let file = filled(dir.path(), 3);
    let picture = b"sealed picture";
    let (database, _) = Database::open(dir.path()).unwrap();
    let hash = fengjuan_envelope::sha256(picture);
    database
        .writer()
        .put_object("picture", hash, picture, fengjuan_store::Change::default())
        .unwrap();
    drop(database);
    std::fs::rename(&file, dir.path().join("elsewhere")).unwrap();
    assert_eq!(
        error_of(dir.path()).map(|error| error.code()),
        Some("store.corrupted")
    );
    assert!(!file.exists(), "a database was made in its place");
}

#[test]
fn a_newer_database_is_refused_and_kept() {
    let scratch = Scratch::new();
    let dir = scratch.dir();
    let file = filled(dir.path(), 3);
    let conn = Connection::open(&file).unwrap();
    conn.pragma_update(None, "user_version", 7).unwrap();
    drop(conn);
    let before = std::fs::read(&file).unwrap();
    assert_eq!(
        error_of(dir.path()),
        Some(StoreError::NewerSchema { found: 7, known: 1 })
    );
    assert!(std::fs::read(&file).unwrap() == before);
}

/// On any connection, also one that is not ours and has recursive triggers off.
#[test]
fn triggers_stop_changes_from_any_connection() {
    let scratch = Scratch::new();
    let dir = scratch.dir();
    let file = filled(dir.path(), 5);
    let conn = Connection::open(&file).unwrap();
    let insert = "INTO entries (seq, class, kind, attempt_seq, wall_ms, leaf, bytes, sum) VALUES";
    let statements = [
        "DELETE FROM entries".to_owned(),
        "DELETE FROM entries WHERE seq = 4".to_owned(),
        "UPDATE entries SET bytes = x'00' WHERE seq = 1".to_owned(),
        "UPDATE entries SET seq = 9 WHERE seq = 1".to_owned(),
        format!("INSERT OR REPLACE {insert} (2, 0, 'x', 0, 0, zeroblob(32), x'00', zeroblob(8))"),
        format!("REPLACE {insert} (4, 0, 'x', 0, 0, zeroblob(32), x'00', zeroblob(8))"),
        format!("INSERT OR IGNORE {insert} (9, 0, 'x', 0, 0, zeroblob(32), x'00', zeroblob(8))"),
        "UPDATE OR REPLACE entries SET seq = 3 WHERE seq = 4".to_owned(),
        "DELETE FROM head".to_owned(),
        "UPDATE head SET size = 1".to_owned(),
        "UPDATE head SET ledger_id = zeroblob(16)".to_owned(),
        "REPLACE INTO head VALUES (1, zeroblob(16), 0, zeroblob(32), zeroblob(8))".to_owned(),
    ];
    for sql in statements {
        let error = StoreError::from(conn.execute(&sql, []).unwrap_err());
        assert_eq!(error.code(), "store.guarded", "{sql}: {error}");
    }
    conn.execute_batch(
        "INSERT INTO objects (hash, kind, size) VALUES (zeroblob(32), 'picture', 3);
         INSERT INTO checkpoints (size, root, note) VALUES (1, zeroblob(32), 'note');",
    )
    .unwrap();
    for sql in [
        "DELETE FROM objects",
        "UPDATE objects SET size = 4",
        "UPDATE objects SET receipt = NULL",
        "REPLACE INTO objects (hash, kind, size) VALUES (zeroblob(32), 'other', 3)",
        "DELETE FROM checkpoints",
        "UPDATE checkpoints SET note = 'other'",
        "REPLACE INTO checkpoints (id, size, root, note) VALUES (1, 2, zeroblob(32), 'other')",
    ] {
        let error = StoreError::from(conn.execute(sql, []).unwrap_err());
        assert_eq!(error.code(), "store.guarded", "{sql}: {error}");
    }
    drop(conn);
    assert_eq!(error_of(dir.path()), None);
}

/// Somebody with the file can drop triggers; rows that were added or removed do not fit the head.
#[test]
fn rows_added_or_removed_behind_the_program_are_found() {
    for sql in [
        "INSERT INTO entries (seq, class, kind, attempt_seq, wall_ms, leaf, bytes, sum)
         SELECT 5, class, kind, attempt_seq, wall_ms, leaf, bytes, sum FROM entries WHERE seq = 4",
        "DROP TRIGGER entries_no_delete; DELETE FROM entries WHERE seq = 4",
        "DROP TRIGGER entries_no_delete; DELETE FROM entries WHERE seq = 2",
        "DROP TRIGGER entries_no_delete; DELETE FROM entries",
    ] {
        let scratch = Scratch::new();
        let dir = scratch.dir();
        let file = filled(dir.path(), 5);
        Connection::open(&file).unwrap().execute_batch(sql).unwrap();
        let error = error_of(dir.path());
        assert_eq!(
            error.map(|error| error.code()),
            Some("store.corrupted"),
            "{sql}"
        );
    }
}
