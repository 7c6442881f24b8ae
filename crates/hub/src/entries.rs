//! Terminals' ledgers: taken into the replicas, witnessed, and told to the station; answered once durable.

use crate::core::Core;
use crate::devices::Terminal;
use axum::http::StatusCode;
use fengjuan_core::event::Hash32;
use fengjuan_core::room::Device;
use fengjuan_core::room::station::Fact;
use fengjuan_serve::entries::{incoming, ledger_id};
use fengjuan_serve::{Refused, hex16};
use fengjuan_store::replica::{AppendOutcome, CheckpointOutcome};
use fengjuan_store::{AppendRequest, LedgerId, LedgerIdentity, StoreError, Taken};
use fengjuan_wire::upstream::{AttemptEntries, EntriesReply, EntriesRequest};
use serde_bytes::ByteBuf;
use std::sync::Arc;

/// Takes what a terminal sends of its own ledger, whether by the channel or by a call.
pub(crate) async fn take(
    core: &Arc<Core>,
    terminal: &Arc<Terminal>,
    request: EntriesRequest,
) -> Result<EntriesReply, Refused> {
    let ledger = ledger_id(&request)?;
    if request.device.is_some_and(|device| device != terminal.sign) {
        return Err(Refused::forbidden("hub.unknown_device"));
    }
    let incoming = incoming(&ledger, &request)?;
    let append = AppendRequest {
        ledger_id: ledger,
        identity: LedgerIdentity {
            device: terminal.name.clone(),
            device_key: *terminal.sign.as_bytes(),
            origin: core.kit.directory.ledger_origin(&ledger),
        },
        from_seq: request.from_seq,
        entries: incoming,
        checkpoint: request.checkpoint,
        now_ms: core.recorder.exam_now(),
    };
    let taken = core.replicas.append_async(append).await;
    let taken = taken.map_err(|error| refusal(core, error))?;
    core.trouble("store.full", false);
    told(
        core,
        terminal.device(),
        &ledger,
        request.from_seq,
        request.entries,
        &taken,
    )
    .await?;
    Ok(reply(&taken))
}

fn refusal(core: &Core, error: StoreError) -> Refused {
    match error {
        StoreError::LedgerTaken => Refused::forbidden("entries.ledger_of_another_device"),
        StoreError::Checkpoint { detail } => Refused::bad("entries.checkpoint", detail),
        error => core.storage(&error),
    }
}

/// The station hears what is durable.
pub(crate) async fn told(
    core: &Arc<Core>,
    device: Device,
    ledger: &LedgerId,
    from: u64,
    entries: Vec<ByteBuf>,
    taken: &Taken,
) -> Result<(), Refused> {
    let room = &core.room;
    if taken.registered.new && !taken.registered.others_of_device.is_empty() {
        tracing::warn!(device = device.hex(), "another ledger of the same device");
        room.observe(&Fact::WentBack { device });
    }
    match &taken.outcome {
        AppendOutcome::Appended { size, .. } => {
            if !room.fed(device, ledger, from, &entries, *size) {
                let ledger = *ledger;
                let caught_up = move |core: &Core| {
                    let done = core.room.catch_up(device, &ledger);
                    done.map_err(|error| core.storage(&error))
                };
                core.off_thread(caught_up).await?;
            }
        }
        AppendOutcome::Fork { seq, .. } => room.observe(&Fact::Fork {
            device,
            at_seq: *seq,
        }),
        AppendOutcome::Gap { .. } => {}
    }
    match &taken.checkpoint {
        Some(CheckpointOutcome::Fork { size, .. }) => room.observe(&Fact::Fork {
            device,
            at_seq: *size,
        }),
        Some(CheckpointOutcome::RolledBack { .. }) => room.observe(&Fact::WentBack { device }),
        _ => {}
    }
    Ok(())
}

fn reply(taken: &Taken) -> EntriesReply {
    let size = match &taken.outcome {
        AppendOutcome::Gap { have } => return EntriesReply::Gap { have: *have },
        AppendOutcome::Fork { seq, mine, .. } => {
            return EntriesReply::Fork {
                at_seq: *seq,
                held: Hash32(*mine),
            };
        }
        AppendOutcome::Appended { size, .. } => *size,
    };
    match &taken.checkpoint {
        Some(CheckpointOutcome::Fork { size, mine, .. }) => EntriesReply::Fork {
            at_seq: *size,
            held: Hash32(*mine),
        },
        Some(CheckpointOutcome::Cosigned { note, .. }) => EntriesReply::Stored {
            size,
            cosigned: Some(note.clone()),
        },
        _ => EntriesReply::Stored {
            size,
            cosigned: None,
        },
    }
}

/// Everything that is here of an attempt, for the terminal that holds its lease, and nobody else. Blocks on the disk.
pub(crate) fn of_attempt(
    core: &Core,
    terminal: &Terminal,
    id: &str,
) -> Result<AttemptEntries, Refused> {
    let attempt = hex16(id).ok_or_else(|| Refused::bad("attempt.bad_id", "32 hex digits"))?;
    let holder = core.room.read(|station| {
        let last = station.leases().last(&attempt);
        last.map(|lease| lease.device)
    });
    if holder != Some(terminal.device()) {
        return Err(Refused::new(
            StatusCode::FORBIDDEN,
            "attempt.no_lease",
            "another terminal holds the attempt, or nobody",
        ));
    }
    let found = core
        .replica_readers
        .read(|reader| reader.entries_of_attempt(&attempt))
        .map_err(|error| core.storage(&error))?;
    let entries = found
        .into_iter()
        .map(|(_, entry)| ByteBuf::from(entry.bytes));
    Ok(AttemptEntries {
        entries: entries.collect(),
    })
}
