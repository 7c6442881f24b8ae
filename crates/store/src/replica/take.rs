use super::checkpoint::cosign_of;
use super::{AppendOutcome, CheckpointOutcome, Held, Incoming, Registered, admit, append_to};
use crate::change::LedgerId;
use crate::error::StoreError;
use crate::ledger_reader::LedgerIdentity;
use rusqlite::Connection;

/// What a device sent of its ledger at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendRequest {
    pub ledger_id: LedgerId,
    /// Whose the ledger is, as the caller knows it from the connection, never from the request.
    pub identity: LedgerIdentity,
    pub from_seq: u64,
    pub entries: Vec<Incoming>,
    /// The device's signed note over a size that is held once the entries are.
    pub checkpoint: Option<String>,
    /// Wall clock, milliseconds since 1970.
    pub now_ms: i64,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub registered: Registered,
    pub outcome: AppendOutcome,
    /// None where there was no checkpoint, or where the entries were not all taken over.
    pub checkpoint: Option<CheckpointOutcome>,
}

/// Registers the ledger, takes over the entries and, where the checkpoint deserves it, cosigns it. `known` is the
/// ledger as it is held now; the answer's first part is how it is held afterwards. An error leaves the caller to undo
/// what was written.
pub(crate) fn take(
    conn: &Connection,
    known: Option<Held>,
    request: &AppendRequest,
    cosign: impl FnOnce(&str) -> Result<String, String>,
) -> Result<(Held, Taken), StoreError> {
    let (ledger_id, identity) = (&request.ledger_id, &request.identity);
    let (mut held, registered) = admit(conn, known, ledger_id, identity, request.now_ms)?;
    let keep = request.checkpoint.as_deref().and_then(size_named_by);
    let (from, entries) = (request.from_seq, &request.entries);
    let outcome = append_to(conn, &mut held, from, entries, request.now_ms, keep)?;
    let checkpoint = match (&outcome, &request.checkpoint) {
        (AppendOutcome::Appended { .. }, Some(text)) => {
            Some(cosign_of(conn, &mut held, text, request.now_ms, cosign)?)
        }
        _ => None,
    };
    let taken = Taken {
        registered,
        outcome,
        checkpoint,
    };
    Ok((held, taken))
}

/// The size in a note that is not verified yet: good enough to say which tree will be asked for.
fn size_named_by(note: &str) -> Option<u64> {
    note.lines().nth(1)?.parse().ok()
}
