//! Other devices' ledgers as a witness keeps them, in tables of the caller's own SQLite database.
//!
//! The functions that write want to run inside a transaction of the caller's, committed before anything is
//! answered. Two rules make the witness worth something: the first leaf seen at a place stays, a different one is
//! a recorded fork; and a checkpoint is cosigned only where it is the replica's own root at that size, and never
//! after a larger one, since that would let a rolled-back device show a fresh signature.

mod checkpoint;
mod held;
mod read;
mod take;

pub use checkpoint::{CheckpointOutcome, cosign_checkpoint};
pub(crate) use held::{Held, find};
pub use read::{AttemptSize, Fork, ForkKind, Replica, RollLine};
pub(crate) use take::take;
pub use take::{AppendRequest, Taken};

use crate::change::{Hash, LedgerId};
use crate::error::StoreError;
use crate::ledger_reader::LedgerIdentity;
use fengjuan_envelope::merkle;
use rusqlite::{Connection, params};

const VERSION: u32 = 1;

/// Makes the tables where they are missing.
///
/// # Errors
/// [`StoreError::NewerSchema`], and storage errors.
pub fn install(conn: &Connection) -> Result<(), StoreError> {
    conn.pragma_update(None, "recursive_triggers", true)?;
    check_version(conn)?;
    conn.execute_batch(include_str!("../migrations/replica.sql"))?;
    conn.execute(
        "INSERT INTO replica_schema (version) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM replica_schema)",
        [VERSION],
    )?;
    Ok(())
}

/// Refuses tables of a newer program.
pub(crate) fn check_version(conn: &Connection) -> Result<(), StoreError> {
    let known = conn
        .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'replica_schema'")?
        .exists([])?;
    if known {
        let found: Option<u32> =
            conn.query_row("SELECT max(version) FROM replica_schema", [], |row| {
                row.get(0)
            })?;
        if let Some(found) = found.filter(|found| *found > VERSION) {
            return Err(StoreError::NewerSchema {
                found,
                known: VERSION,
            });
        }
    }
    Ok(())
}

/// What registering a ledger showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// False where it was registered before.
    pub new: bool,
    /// Other ledgers of the same device key: a database that was lost or replaced, or a cloned machine. To be
    /// shown to a person whenever it is not empty.
    pub others_of_device: Vec<LedgerId>,
}

/// Makes a ledger known, once. `now_ms` is the wall clock.
///
/// # Errors
/// [`StoreError::LedgerTaken`] where the ledger is known under another key or origin; storage errors.
pub fn register(
    conn: &Connection,
    ledger_id: &LedgerId,
    identity: &LedgerIdentity,
    now_ms: i64,
) -> Result<Registered, StoreError> {
    let known = find(conn, ledger_id)?;
    Ok(admit(conn, known, ledger_id, identity, now_ms)?.1)
}

/// As [`register`], with what is held of the ledger already.
pub(crate) fn admit(
    conn: &Connection,
    known: Option<Held>,
    ledger_id: &LedgerId,
    identity: &LedgerIdentity,
    now_ms: i64,
) -> Result<(Held, Registered), StoreError> {
    let new = known.is_none();
    let held = match known {
        Some(held) if held.belongs_to(identity) => held,
        Some(_) => return Err(StoreError::LedgerTaken),
        None => {
            conn.prepare_cached(
                "INSERT INTO replica_ledgers (ledger_id, device, device_key, origin, added_ms, size, root, edge) \
                 VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, x'')",
            )?
            .execute(params![
                ledger_id,
                identity.device,
                identity.device_key,
                identity.origin,
                now_ms,
                merkle::empty_root()
            ])?;
            Held::empty(conn.last_insert_rowid(), identity.clone())
        }
    };
    let sql = "SELECT ledger_id FROM replica_ledgers WHERE device_key = ?1 AND ledger_id <> ?2 ORDER BY no";
    let others_of_device = conn
        .prepare_cached(sql)?
        .query_map(params![identity.device_key, ledger_id], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let registered = Registered {
        new,
        others_of_device,
    };
    Ok((held, registered))
}

/// An entry that a device sent, with the columns that the caller read from it. Its place is `from_seq` plus its
/// position: the caller has checked that the bytes name that place and that ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    pub bytes: Vec<u8>,
    pub class: u8,
    pub kind: String,
    pub attempt: Option<[u8; 16]>,
    pub attempt_seq: u64,
    pub exam_ms: Option<i64>,
    pub wall_ms: i64,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// All of it is held. `size` and `root` are the replica's; `new` counts what was not held before. A device
    /// whose own ledger is smaller than `size` has been rolled back.
    Appended { size: u64, root: Hash, new: u64 },
    /// Another leaf is held at `seq`. What came before it in the batch is held; from `seq` on nothing was taken
    /// over. The fork is recorded.
    Fork { seq: u64, mine: Hash, theirs: Hash },
    /// The batch begins beyond what is held; send from `have` on.
    Gap { have: u64 },
}

/// Takes over a batch of entries that begins at `from_seq`; idempotent by (ledger, seq, leaf).
///
/// # Errors
/// [`StoreError::UnknownLedger`], storage errors.
pub fn append(
    conn: &Connection,
    ledger_id: &LedgerId,
    from_seq: u64,
    entries: &[Incoming],
    now_ms: i64,
) -> Result<AppendOutcome, StoreError> {
    let mut ledger = find(conn, ledger_id)?.ok_or(StoreError::UnknownLedger)?;
    append_to(conn, &mut ledger, from_seq, entries, now_ms, None)
}

/// As [`append`], to a ledger that was found. On the way, `ledger` remembers its tree of `keep` entries.
pub(crate) fn append_to(
    conn: &Connection,
    ledger: &mut Held,
    from_seq: u64,
    entries: &[Incoming],
    now_ms: i64,
    keep: Option<u64>,
) -> Result<AppendOutcome, StoreError> {
    let have = ledger.frontier.size;
    if from_seq > have {
        return Ok(AppendOutcome::Gap { have });
    }
    let mut fork = None;
    for (entry, seq) in entries.iter().zip(from_seq..) {
        let theirs = merkle::leaf_hash(&entry.bytes);
        if seq < have {
            let mine = leaf_at(conn, ledger.no, seq)?;
            if mine != theirs {
                record_fork(
                    conn,
                    ledger.no,
                    "entry",
                    seq,
                    &mine,
                    &theirs,
                    &entry.bytes,
                    now_ms,
                )?;
                fork = Some(AppendOutcome::Fork { seq, mine, theirs });
                break;
            }
            continue;
        }
        insert(conn, ledger.no, seq, &theirs, entry)?;
        ledger.frontier.append(theirs);
        if keep == Some(ledger.frontier.size) {
            ledger.earlier = ledger.frontier.clone();
        }
    }
    let (size, root) = (ledger.frontier.size, ledger.frontier.root());
    if size > have {
        conn.prepare_cached(
            "UPDATE replica_ledgers SET size = ?2, root = ?3, edge = ?4 WHERE no = ?1",
        )?
        .execute(params![
            ledger.no,
            size,
            root,
            ledger.frontier.roots().concat()
        ])?;
    }
    Ok(fork.unwrap_or(AppendOutcome::Appended {
        size,
        root,
        new: size - have,
    }))
}

fn insert(
    conn: &Connection,
    ledger: i64,
    seq: u64,
    leaf: &Hash,
    entry: &Incoming,
) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO replica_entries \
         (ledger, seq, class, kind, attempt, attempt_seq, exam_ms, wall_ms, leaf, bytes) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        ledger,
        seq,
        entry.class,
        entry.kind,
        entry.attempt,
        entry.attempt_seq,
        entry.exam_ms,
        entry.wall_ms,
        leaf,
        entry.bytes,
    ])?;
    Ok(())
}

fn leaf_at(conn: &Connection, ledger: i64, seq: u64) -> Result<Hash, StoreError> {
    let sql = "SELECT leaf FROM replica_entries WHERE ledger = ?1 AND seq = ?2";
    Ok(conn
        .prepare_cached(sql)?
        .query_row(params![ledger, seq], |row| row.get(0))?)
}

/// Keeps the evidence of a fork, once for each pair of leaves.
#[expect(
    clippy::too_many_arguments,
    reason = "one row of a table, written in two places"
)]
fn record_fork(
    conn: &Connection,
    ledger: i64,
    what: &str,
    seq: u64,
    mine: &Hash,
    theirs: &Hash,
    bytes: &[u8],
    now_ms: i64,
) -> Result<(), StoreError> {
    conn.prepare_cached(
        "INSERT INTO replica_forks (ledger, what, seq, mine, theirs, bytes, at_ms) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM replica_forks \
         WHERE ledger = ?1 AND what = ?2 AND seq = ?3 AND mine = ?4 AND theirs = ?5)",
    )?
    .execute(params![ledger, what, seq, mine, theirs, bytes, now_ms])?;
    Ok(())
}
