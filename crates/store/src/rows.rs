//! The rows that readers give, and how they are read.

use crate::change::{Hash, LedgerId};
use crate::error::StoreError;
use crate::sum::{self, Sum};
use rusqlite::{Connection, OptionalExtension, Row};
use std::path::Path;

/// One key of the small state with its value.
pub type KeyValue = (Vec<u8>, Vec<u8>);

/// The ledger's committed size and root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub ledger_id: LedgerId,
    pub size: u64,
    pub root: Hash,
}

impl Head {
    pub(crate) fn read(conn: &Connection) -> Result<Head, StoreError> {
        let sql = "SELECT ledger_id, size, root, sum FROM head WHERE id = 1";
        let read = |row: &Row<'_>| {
            let head = Head {
                ledger_id: row.get(0)?,
                size: row.get(1)?,
                root: row.get(2)?,
            };
            Ok((head, row.get::<_, Sum>(3)?))
        };
        let damaged = |detail| StoreError::corrupted(Path::new(""), detail);
        match conn.prepare_cached(sql)?.query_row([], read).optional()? {
            Some((head, sum)) if sum == sum::of_ledger(&head.ledger_id) => Ok(head),
            Some(_) => Err(damaged("the ledger's id is not what was written")),
            None => Err(damaged("the ledger has no head")),
        }
    }
}

/// One stored entry, with the columns that its encoder named. The bytes are the evidence; the columns are an
/// index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    pub seq: u64,
    pub class: u8,
    pub kind: String,
    pub attempt: Option<[u8; 16]>,
    pub attempt_seq: u64,
    pub exam_ms: Option<i64>,
    pub wall_ms: i64,
    /// RFC 6962 leaf hash of `bytes`.
    pub leaf: Hash,
    pub bytes: Vec<u8>,
}

impl StoredEntry {
    /// The columns that [`StoredEntry::read`] expects, in their order.
    pub(crate) const COLUMNS: &str =
        "seq, class, kind, attempt, attempt_seq, exam_ms, wall_ms, leaf, bytes";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
        Ok(StoredEntry {
            seq: row.get(0)?,
            class: row.get(1)?,
            kind: row.get(2)?,
            attempt: row.get(3)?,
            attempt_seq: row.get(4)?,
            exam_ms: row.get(5)?,
            wall_ms: row.get(6)?,
            leaf: row.get(7)?,
            bytes: row.get(8)?,
        })
    }
}

/// A signed checkpoint, with the witness's cosignature once it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    pub size: u64,
    pub root: Hash,
    /// C2SP signed note by the device.
    pub note: String,
    /// The same note with the witness's line.
    pub cosigned: Option<String>,
}

impl StoredCheckpoint {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<StoredCheckpoint> {
        Ok(StoredCheckpoint {
            size: row.get(0)?,
            root: row.get(1)?,
            note: row.get(2)?,
            cosigned: row.get(3)?,
        })
    }
}

/// A registered object. Without a receipt it is "not sent".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRow {
    pub hash: Hash,
    pub kind: String,
    pub size: u64,
    /// The entry that was written with it.
    pub seq: Option<u64>,
    pub receipt: Option<Vec<u8>>,
}

impl ObjectRow {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<ObjectRow> {
        Ok(ObjectRow {
            hash: row.get(0)?,
            kind: row.get(1)?,
            size: row.get(2)?,
            seq: row.get(3)?,
            receipt: row.get(4)?,
        })
    }
}

/// SQLite's integers are signed; nothing is stored beyond them.
pub(crate) fn clamp(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
