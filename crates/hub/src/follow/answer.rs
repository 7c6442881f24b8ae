//! The asked side: who asks, what it lacks, and what is said of epochs.

use super::FollowError;
use crate::core::Core;
use crate::peers::Told;
use axum::http::StatusCode;
use fengjuan_core::event::Hash32;
use fengjuan_core::room::Device;
use fengjuan_device::sync::checkpoint;
use fengjuan_envelope::cbor;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_serve::Refused;
use fengjuan_store::{
    LedgerId, LedgerReader, Reader, ReplicaReader, StoreError, StoredCheckpoint, StoredEntry,
};
use fengjuan_wire::follow::{
    FollowReply, FollowRequest, FollowedTerminal, HeldLedger, Holds, LedgerNews, News, ObjectNews,
};
use serde_bytes::ByteBuf;
use std::collections::{BTreeMap, BTreeSet};

/// In one answer, of all ledgers together.
const MOST_BYTES: usize = 1024 * 1024;
const MOST_ENTRIES: usize = 2_000;
const MOST_OBJECTS: usize = 64;
/// Entries of this hub's own ledger that may lie behind its last checkpoint before it makes another for a follower.
const UNSIGNED: u64 = 200;

/// Answers another hub. Blocks on the disk.
pub(crate) fn answer(
    core: &Core,
    sign: &PublicKey,
    request: &FollowRequest,
) -> Result<FollowReply, Refused> {
    let now = core.recorder.exam_now();
    let own = core.delegation.in_force(now).map_err(Refused::forbidden)?;
    let theirs = core
        .peers
        .trusted(&own.delegation, &request.delegation, now)
        .map_err(Refused::forbidden)?;
    if theirs.device != *sign {
        return Err(Refused::forbidden("hub.delegation_not_the_key"));
    }
    let device = Hash32(*sign.as_bytes());
    let kept = core
        .peers
        .keep(theirs.clone(), &request.delegation, core.recorder.writer());
    if kept.map_err(|error| core.storage(&error))? {
        core.room.know_hub(device);
        tracing::info!(hub = theirs.hub_name, "another hub of this room");
    }
    let epoch = match &request.epoch {
        None => None,
        Some(bytes) => {
            let epoch = core.peers.epoch_of(&theirs, bytes);
            Some(epoch.map_err(Refused::forbidden)?.epoch)
        }
    };
    core.peers.says(&device, epoch);
    if let Some(epoch) = epoch {
        super::heard(core, epoch, device).map_err(|error| fault(&error))?;
    }
    let raised = core.room.raised();
    let epoch = match &raised {
        None => None,
        Some(raised) => {
            let signed = core.signed_epoch(raised);
            Some(ByteBuf::from(
                signed.map_err(|error| Refused::fault(&error))?,
            ))
        }
    };
    let news = match &request.holds {
        Some(holds) if raised.is_some() => Some(news(core, &device, holds)?),
        _ => None,
    };
    Ok(FollowReply { epoch, news })
}

fn fault(error: &FollowError) -> Refused {
    tracing::error!(code = error.code(), %error, "what another hub says was not recorded");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Refused::new(status, fengjuan_serve::FAULT, "")
}

fn news(core: &Core, whom: &Device, holds: &Holds) -> Result<News, Refused> {
    let now_ms = core.recorder.machine().boot_ms();
    core.peers.asked(whom, holds, now_ms);
    let ledgers = ledgers(core, whom, holds).map_err(|error| core.storage(&error))?;
    let (objects, more_objects) = core.received.after(holds.objects, MOST_OBJECTS);
    let terminals = core.devices.decided();
    let list = list_hash(&terminals);
    let same = holds.terminals == Some(list);
    let more = ledgers.more || more_objects;
    let told = Told {
        ledgers: ledgers.ends,
        objects: objects.last().map_or(holds.objects, |(last, _)| *last),
        whole: !more,
    };
    core.peers.told(whom, told, now_ms);
    let objects = objects.into_iter().map(|(position, object)| ObjectNews {
        position,
        object: object.hash,
        bytes: object.bytes,
        device: PublicKey::from_bytes(object.device.0),
    });
    let hubs = core.peers.delegations(&ledgers.hubs).into_iter();
    Ok(News {
        hubs: hubs.map(ByteBuf::from).collect(),
        ledgers: ledgers.news,
        objects: objects.collect(),
        terminals: (!same).then_some(terminals),
        offer: offer_hash(core, whom),
        more,
    })
}

/// Stands for a list of terminals.
pub(super) fn list_hash(terminals: &[FollowedTerminal]) -> Hash32 {
    let bytes = cbor::to_vec(&terminals.to_vec()).unwrap_or_default();
    fengjuan_wire::hash(&bytes)
}

/// Stands for everything that a follower may fetch besides.
fn offer_hash(core: &Core, whom: &Device) -> Hash32 {
    let offer = crate::server::offered(core, whom);
    let orders = core.orders.read();
    let orders = orders.unwrap_or_else(std::sync::PoisonError::into_inner);
    let orders: Vec<Hash32> = orders.iter().map(|one| fengjuan_wire::hash(one)).collect();
    let bytes = cbor::to_vec(&(offer, orders)).unwrap_or_default();
    fengjuan_wire::hash(&bytes)
}

#[derive(Default)]
struct Ledgers {
    news: Vec<LedgerNews>,
    /// How much of each the follower holds with them.
    ends: Vec<(LedgerId, u64)>,
    /// Other hubs whose ledgers are among them.
    hubs: BTreeSet<Device>,
    more: bool,
    bytes: usize,
    entries: usize,
}

/// What the follower holds of one ledger, and whose it is.
struct Lacks {
    device: Device,
    device_name: String,
    ledger_id: LedgerId,
    size: u64,
    checkpoint: u64,
}

/// This hub's own ledger first: without it the others say little.
fn ledgers(core: &Core, whom: &Device, holds: &Holds) -> Result<Ledgers, StoreError> {
    let held: BTreeMap<&[u8], &HeldLedger> = holds
        .ledgers
        .iter()
        .map(|one| (one.ledger_id.as_slice(), one))
        .collect();
    let lacks = |device: Device, device_name: &str, ledger_id: LedgerId| {
        let held = held.get(ledger_id.as_slice());
        Lacks {
            device,
            device_name: device_name.to_owned(),
            ledger_id,
            size: held.map_or(0, |held| held.size),
            checkpoint: held.map_or(0, |held| held.checkpoint),
        }
    };
    let mut found = Ledgers::default();
    core.own_readers.read(|reader| {
        let ledger = reader.head()?.ledger_id;
        found.own(core, reader, lacks(core.room.me(), "", ledger))
    })?;
    let hubs = core.peers.devices();
    core.replica_readers.read(|reader| {
        for line in reader.roll()? {
            let device = Hash32(line.identity.device_key);
            if device == *whom {
                continue;
            }
            let lacks = lacks(device, &line.identity.device, line.ledger_id);
            let signed = line.cosigned.map_or(0, |(size, _)| size);
            if hubs.contains(&device) {
                found.hubs.insert(device);
            }
            found.replica(reader, lacks, line.size, signed)?;
        }
        Ok(())
    })?;
    Ok(found)
}

impl Ledgers {
    fn own(&mut self, core: &Core, reader: &Reader, lacks: Lacks) -> Result<(), StoreError> {
        let size = reader.size()?;
        let mut last = reader.latest_checkpoint()?;
        if last.as_ref().map_or(0, |last| last.size) + UNSIGNED <= size {
            let (recorder, directory) = (&core.recorder, &core.kit.directory);
            let made = checkpoint(recorder, directory, &core.identity, &lacks.ledger_id);
            last = Some(made?);
        }
        let signed = last.as_ref().map_or(0, |last| last.size);
        let size = size.max(signed);
        let entries = |from, most| reader.entries(from, most);
        self.add(lacks, size, signed, entries, |_| {
            Ok(last.into_iter().collect())
        })
    }

    fn replica(
        &mut self,
        reader: &ReplicaReader,
        lacks: Lacks,
        size: u64,
        signed: u64,
    ) -> Result<(), StoreError> {
        let id = lacks.ledger_id;
        let entries = |from, most| reader.entries_since(&id, from, most);
        self.add(lacks, size, signed, entries, |id| reader.checkpoints(id))
    }

    fn add(
        &mut self,
        lacks: Lacks,
        size: u64,
        signed: u64,
        entries: impl FnOnce(u64, usize) -> Result<Vec<StoredEntry>, StoreError>,
        checkpoints: impl FnOnce(&LedgerId) -> Result<Vec<StoredCheckpoint>, StoreError>,
    ) -> Result<(), StoreError> {
        let from = lacks.size;
        if size <= from && signed <= lacks.checkpoint {
            self.ends.push((lacks.ledger_id, size));
            return Ok(());
        }
        if self.bytes >= MOST_BYTES || self.entries >= MOST_ENTRIES {
            self.more = true;
            return Ok(());
        }
        let mut taken = Vec::new();
        for entry in entries(from, MOST_ENTRIES - self.entries)? {
            if self.bytes >= MOST_BYTES {
                break;
            }
            self.bytes += entry.bytes.len();
            taken.push(ByteBuf::from(entry.bytes));
        }
        self.entries += taken.len();
        let end = from + taken.len() as u64;
        self.more |= end < size;
        self.ends.push((lacks.ledger_id, end));
        let fits = |one: &StoredCheckpoint| one.size > lacks.checkpoint && one.size <= end;
        let checkpoint = match signed > lacks.checkpoint {
            true => checkpoints(&lacks.ledger_id)?
                .into_iter()
                .filter(fits)
                .max_by_key(|one| one.size),
            false => None,
        };
        if taken.is_empty() && checkpoint.is_none() {
            return Ok(());
        }
        self.news.push(LedgerNews {
            device: PublicKey::from_bytes(lacks.device.0),
            device_name: lacks.device_name,
            ledger_id: lacks.ledger_id.to_vec(),
            from_seq: from,
            entries: taken,
            checkpoint: checkpoint.map(|one| one.note),
        });
        Ok(())
    }
}
