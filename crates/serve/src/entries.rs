//! Ledger entries as a device sends them, before they are stored.

use crate::Refused;
use axum::http::StatusCode;
use fengjuan_store::replica::Incoming;
use fengjuan_wire::entry::Entry;
use fengjuan_wire::upstream::EntriesRequest;

const MOST_ENTRIES: usize = 20_000;

/// The ledger that a request is about.
///
/// # Errors
/// 400 `entries.ledger_id`.
pub fn ledger_id(request: &EntriesRequest) -> Result<[u8; 16], Refused> {
    let id = request.ledger_id.as_slice().try_into();
    id.map_err(|_| Refused::bad("entries.ledger_id", "16 bytes"))
}

/// Each entry must be one, and name this ledger and its place in it.
///
/// # Errors
/// 413 `entries.too_many`, 400 `entries.malformed`.
pub fn incoming(ledger_id: &[u8; 16], request: &EntriesRequest) -> Result<Vec<Incoming>, Refused> {
    if request.entries.len() > MOST_ENTRIES {
        return Err(Refused::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "entries.too_many",
            "20,000 at most",
        ));
    }
    let mut all = Vec::with_capacity(request.entries.len());
    for (offset, bytes) in request.entries.iter().enumerate() {
        let wrong =
            |detail: &str| Refused::bad("entries.malformed", format!("entry {offset}: {detail}"));
        let entry = Entry::decode(bytes).map_err(|_| wrong("not an entry"))?;
        if entry.ledger_id != *ledger_id
            || request.from_seq.checked_add(offset as u64) != Some(entry.seq)
        {
            return Err(wrong("of another ledger or place"));
        }
        all.push(Incoming {
            bytes: bytes.to_vec(),
            class: entry.class,
            kind: entry.kind.to_owned(),
            attempt: entry.attempt,
            attempt_seq: entry.attempt_seq,
            exam_ms: entry.exam_ms,
            wall_ms: entry.wall_ms,
        });
    }
    Ok(all)
}
