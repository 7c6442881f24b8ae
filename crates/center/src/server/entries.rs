//! Replicating and witnessing ledgers, and reading an attempt back.

use super::center::Center;
use super::hubs;
use crate::CenterError;
use crate::alert::{self, AlertKind};
use crate::device::{self, Device};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use fengjuan_core::event::Event;
use fengjuan_envelope::note;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_serve::entries::{incoming, ledger_id};
use fengjuan_serve::{Cbor, Refused, hex16, read};
use fengjuan_store::replica::{self, AppendOutcome, CheckpointOutcome, Incoming, Replica};
use fengjuan_store::{LedgerIdentity, LedgerReader, StoreError, StoredEntry};
use fengjuan_wire::Hash32;
use fengjuan_wire::entry::Entry;
use fengjuan_wire::upstream::{AttemptEntries, EntriesReply, EntriesRequest};
use rusqlite::{Connection, TransactionBehavior, params};
use serde_bytes::ByteBuf;
use std::sync::Arc;
use std::time::Instant;

pub(super) async fn append(
    State(center): State<Arc<Center>>,
    Extension(device): Extension<Arc<Device>>,
    body: Bytes,
) -> Result<Cbor<EntriesReply>, Refused> {
    let arrived = Instant::now();
    let request: EntriesRequest = read(&body)?;
    let ledger_id = ledger_id(&request)?;
    let incoming = incoming(&ledger_id, &request)?;
    center
        .with_database(move |center, conn| {
            let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let owner = hubs::owner(center, &change, &device, &request)?;
            let reply = take(center, &change, &owner, &ledger_id, &request, &incoming)?;
            if let (EntriesReply::Stored { size, .. }, Some(text)) = (&reply, &request.checkpoint) {
                let stated = stated(center, &owner, &ledger_id, text)?;
                // What a hub brings may be older than what the terminal has sent itself, or another hub: a prefix of it. But
                // it is never less than the same hub has brought before.
                let (reach, of) = if owner.sign == device.sign {
                    (*size, String::new())
                } else {
                    let brought = center.brought(&ledger_id, &device.sign, stated);
                    (brought, format!(", brought by {}", device.name))
                };
                let by = (ledger_id, device.sign);
                if stated >= reach {
                    center.head_reached(by, arrived);
                } else if !center.outrun(&by, arrived) {
                    let detail = format!("{stated} of {reach} entries{of}");
                    let (sign, now_ms) = (&owner.sign, center.now_ms());
                    alert::record(&change, sign, AlertKind::RolledBack, &detail, now_ms)?;
                }
            }
            // Committed before it is answered; a fork is kept as evidence too.
            change.commit()?;
            Ok(Cbor(reply))
        })
        .await
}

/// How long the device says that its ledger is, by its own signature. On the line it says so at the beginning of every
/// run of its program, and whenever it has written something. A stick may lie for days, and says nothing of the kind.
fn stated(
    center: &Center,
    device: &Device,
    ledger_id: &[u8; 16],
    checkpoint: &str,
) -> Result<u64, Refused> {
    let origin = center.home.directory().ledger_origin(ledger_id);
    let verified = note::verify(checkpoint, &origin, &device.sign, None);
    let verified =
        verified.map_err(|error| Refused::bad("entries.checkpoint", error.to_string()))?;
    Ok(verified.checkpoint.size)
}

/// Registers the ledger, takes over the entries and, where the checkpoint is the replica's own head, cosigns it. Inside
/// the caller's transaction, whose commit goes before the answer.
pub(crate) fn take(
    center: &Center,
    conn: &Connection,
    device: &Device,
    ledger_id: &[u8; 16],
    request: &EntriesRequest,
    incoming: &[Incoming],
) -> Result<EntriesReply, Refused> {
    let now_ms = center.now_ms();
    let identity = LedgerIdentity {
        device: device.name.clone(),
        device_key: *device.sign.as_bytes(),
        origin: center.home.directory().ledger_origin(ledger_id),
    };
    let registered = match replica::register(conn, ledger_id, &identity, now_ms) {
        Err(StoreError::LedgerTaken) => {
            return Err(Refused::forbidden("entries.ledger_of_another_device"));
        }
        other => other?,
    };
    if registered.new && !registered.others_of_device.is_empty() {
        alert::record(
            conn,
            &device.sign,
            AlertKind::SecondLedger,
            &device.name,
            now_ms,
        )?;
    }
    match replica::append(conn, ledger_id, request.from_seq, incoming, now_ms)? {
        AppendOutcome::Gap { have } => Ok(EntriesReply::Gap { have }),
        AppendOutcome::Fork { seq, mine, .. } => {
            tracing::warn!(device = device.name, seq, "fork");
            alert::record(
                conn,
                &device.sign,
                AlertKind::Fork,
                &format!("entry {seq}"),
                now_ms,
            )?;
            Ok(EntriesReply::Fork {
                at_seq: seq,
                held: Hash32(mine),
            })
        }
        AppendOutcome::Appended { size, new, .. } => {
            let first = request
                .entries
                .len()
                .saturating_sub(usize::try_from(new).unwrap_or(0));
            let unheard = request.entries.get(first..).unwrap_or_default();
            hubs::alerts_told(center, conn, device, unheard, now_ms)?;
            let checkpoint = request.checkpoint.as_deref();
            witness(center, conn, device, ledger_id, checkpoint, size)
        }
    }
}

fn witness(
    center: &Center,
    conn: &Connection,
    device: &Device,
    ledger_id: &[u8; 16],
    checkpoint: Option<&str>,
    size: u64,
) -> Result<EntriesReply, Refused> {
    let Some(checkpoint) = checkpoint else {
        return Ok(EntriesReply::Stored {
            size,
            cosigned: None,
        });
    };
    let now_ms = center.now_ms();
    let name = center.home.directory().witness_name();
    let cosign = |text: &str| {
        let seconds = u64::try_from(now_ms / 1000).unwrap_or(0);
        note::cosign(text, &name, &center.witness, seconds).map_err(|error| error.to_string())
    };
    match replica::cosign_checkpoint(conn, ledger_id, checkpoint, now_ms, cosign) {
        Ok(CheckpointOutcome::Cosigned { note, .. }) => Ok(EntriesReply::Stored {
            size,
            cosigned: Some(note),
        }),
        Ok(CheckpointOutcome::Behind { .. } | CheckpointOutcome::RolledBack { .. }) => {
            Ok(EntriesReply::Stored {
                size,
                cosigned: None,
            })
        }
        Ok(CheckpointOutcome::Fork { size, mine, .. }) => {
            tracing::warn!(device = device.name, size, "fork by checkpoint");
            alert::record(
                conn,
                &device.sign,
                AlertKind::Fork,
                &format!("checkpoint {size}"),
                now_ms,
            )?;
            Ok(EntriesReply::Fork {
                at_seq: size,
                held: Hash32(mine),
            })
        }
        Err(StoreError::Checkpoint { detail }) => Err(Refused::bad("entries.checkpoint", detail)),
        Err(error) => Err(error.into()),
    }
}

/// For a device of the same site that holds a grant of the attempt's sitting: what it gets is ciphertext without the
/// code. While the attempt is open, only for the device that holds its highest lease. Each reading is recorded.
pub(super) async fn of_attempt(
    State(center): State<Arc<Center>>,
    Extension(device): Extension<Arc<Device>>,
    Path(id): Path<String>,
) -> Result<Cbor<AttemptEntries>, Refused> {
    let attempt = hex16(&id).ok_or_else(|| Refused::bad("attempt.bad_id", "32 hex digits"))?;
    center
        .with_database(move |center, conn| {
            let replica = Replica::new(conn);
            let found = replica.entries_of_attempt(&attempt)?;
            for ledger in replica.ledgers()? {
                let here = found.iter().any(|(id, _)| *id == ledger.ledger_id);
                let writer = device::find(conn, &PublicKey::from_bytes(ledger.identity.device_key))?;
                if here && writer.is_none_or(|writer| writer.site != device.site) {
                    return Err(Refused::forbidden("attempt.of_another_site"));
                }
            }
            if !found.is_empty() {
                let entries = found.iter().filter_map(|(_, entry)| Entry::decode(&entry.bytes).ok());
                let sitting_no = { entries }.find_map(|entry| hubs::sitting_of(&entry));
                match sitting_no {
                    Some(sitting_no) if granted(conn, &device, &sitting_no)? => {
                        hubs::may_read(center, conn, &device, &sitting_no)?;
                    }
                    _ => return Err(Refused::forbidden("attempt.no_grant")),
                }
            }
            if let Some(holder) = open_at(&found) {
                let ledgers = replica.ledgers()?;
                let held_by = ledgers.iter().find(|ledger| ledger.ledger_id == holder);
                if held_by.is_none_or(|held| held.identity.device_key != *device.sign.as_bytes()) {
                    return Err(Refused::forbidden("attempt.open_elsewhere"));
                }
            }
            let sql = "INSERT INTO attempt_reads (attempt, device, entries, at_ms) VALUES (?1, ?2, ?3, ?4)";
            conn.execute(sql, params![attempt, device.sign.as_bytes(), found.len(), center.now_ms()])?;
            let entries = found.into_iter().map(|(_, entry)| ByteBuf::from(entry.bytes)).collect();
            Ok(Cbor(AttemptEntries { entries }))
        })
        .await
}

/// The ledger that holds the attempt's highest lease, while the attempt is begun there and not handed in. A start is the
/// first lease; of two ledgers with the same one the later start counts.
fn open_at(
    entries: &[(fengjuan_store::LedgerId, StoredEntry)],
) -> Option<fengjuan_store::LedgerId> {
    let events = || {
        entries.iter().filter_map(|(ledger, stored)| {
            let event = Entry::decode(&stored.bytes).ok()?.event(None).ok()?;
            Some((*ledger, event))
        })
    };
    let leases = events().filter_map(|(ledger, event)| match event {
        Event::AttemptStarted { started_ms, .. } => Some((1, started_ms, ledger)),
        Event::LeaseTaken { lease, .. } => Some((lease, i64::MAX, ledger)),
        _ => None,
    });
    let (_, _, holder) = leases.max()?;
    let mut open = true;
    for (_, event) in events().filter(|(ledger, _)| *ledger == holder) {
        match event {
            Event::HandedIn { .. } | Event::Removed { .. } => open = false,
            Event::Reopened { .. } => open = true,
            _ => {}
        }
    }
    open.then_some(holder)
}

fn granted(conn: &Connection, device: &Device, sitting_no: &str) -> Result<bool, CenterError> {
    let sql =
        "SELECT count(*) FROM objects WHERE kind = 'grant' AND sitting_no = ?1 AND device = ?2";
    let grants: u32 = conn.query_row(sql, params![sitting_no, device.sign.as_bytes()], |row| {
        row.get(0)
    })?;
    Ok(grants > 0)
}
