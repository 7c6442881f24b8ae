use super::{Held, find, record_fork};
use crate::change::{Hash, LedgerId};
use crate::error::StoreError;
use crate::rows::clamp;
use fengjuan_envelope::note;
use fengjuan_envelope::sign::PublicKey;
use rusqlite::{Connection, OptionalExtension, params};

/// What became of a device's checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointOutcome {
    /// It is the replica's own root at that size; `note` carries the witness's line and is stored. The same
    /// checkpoint sent again gets the stored note.
    Cosigned { size: u64, root: Hash, note: String },
    /// The replica is shorter: send the entries from `have` on first.
    Behind { have: u64 },
    /// The replica has another root at that size. Recorded, and not cosigned.
    Fork { size: u64, mine: Hash, theirs: Hash },
    /// A larger checkpoint of this ledger was cosigned before: the device was rolled back, or repeats itself.
    RolledBack { cosigned: u64 },
}

/// Verifies a device's checkpoint against the replica, has it cosigned and keeps it. `cosign` adds the witness's
/// line to the note ([`note::cosign`]); it is called only where the checkpoint deserves it. `now_ms`: wall clock.
///
/// # Errors
/// [`StoreError::UnknownLedger`]; [`StoreError::Checkpoint`] where the note, its origin or the device's signature
/// is wrong; [`StoreError::Sign`]; storage errors.
pub fn cosign_checkpoint(
    conn: &Connection,
    ledger_id: &LedgerId,
    text: &str,
    now_ms: i64,
    cosign: impl FnOnce(&str) -> Result<String, String>,
) -> Result<CheckpointOutcome, StoreError> {
    let mut ledger = find(conn, ledger_id)?.ok_or(StoreError::UnknownLedger)?;
    cosign_of(conn, &mut ledger, text, now_ms, cosign)
}

/// As [`cosign_checkpoint`], of a ledger that was found.
pub(crate) fn cosign_of(
    conn: &Connection,
    ledger: &mut Held,
    text: &str,
    now_ms: i64,
    cosign: impl FnOnce(&str) -> Result<String, String>,
) -> Result<CheckpointOutcome, StoreError> {
    let (origin, key) = (
        &ledger.identity.origin,
        PublicKey::from_bytes(ledger.identity.device_key),
    );
    let verified =
        note::verify(text, origin, &key, None).map_err(|error| StoreError::Checkpoint {
            detail: error.to_string(),
        })?;
    if verified.checkpoint.origin != *origin {
        return Err(StoreError::Checkpoint {
            detail: "of another origin".to_owned(),
        });
    }
    let (size, theirs) = (verified.checkpoint.size, verified.checkpoint.root);
    if let Some(note) = held_note(conn, ledger.no, size, text)? {
        return Ok(CheckpointOutcome::Cosigned {
            size,
            root: theirs,
            note,
        });
    }
    let Some(tree) = ledger.tree_at(conn, size)? else {
        return Ok(CheckpointOutcome::Behind {
            have: ledger.frontier.size,
        });
    };
    let mine = tree.root();
    if mine != theirs {
        record_fork(
            conn,
            ledger.no,
            "checkpoint",
            size,
            &mine,
            &theirs,
            text.as_bytes(),
            now_ms,
        )?;
        return Ok(CheckpointOutcome::Fork { size, mine, theirs });
    }
    let sql = "SELECT max(size) FROM replica_checkpoints WHERE ledger = ?1";
    let largest: Option<u64> = conn
        .prepare_cached(sql)?
        .query_row([ledger.no], |row| row.get(0))?;
    if let Some(cosigned) = largest.filter(|largest| size < *largest) {
        return Ok(CheckpointOutcome::RolledBack { cosigned });
    }
    let note = cosign(text).map_err(|detail| StoreError::Sign { detail })?;
    conn.prepare_cached(
        "INSERT INTO replica_checkpoints (ledger, size, root, note, cosigned, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![ledger.no, size, mine, text, note, now_ms])?;
    ledger.earlier = tree;
    Ok(CheckpointOutcome::Cosigned {
        size,
        root: mine,
        note,
    })
}

/// The cosigned note of a checkpoint that was cosigned before: its root was the replica's then, and entries never change.
fn held_note(
    conn: &Connection,
    ledger: i64,
    size: u64,
    text: &str,
) -> Result<Option<String>, StoreError> {
    let sql =
        "SELECT cosigned FROM replica_checkpoints WHERE ledger = ?1 AND size = ?2 AND note = ?3";
    Ok(conn
        .prepare_cached(sql)?
        .query_row(params![ledger, clamp(size), text], |row| row.get(0))
        .optional()?)
}
