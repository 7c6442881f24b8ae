//! A room without a line to the center: what a hub brings by hand ([`fengjuan_wire::courier`]). Its terminals'
//! objects lie in its own store and are exported with its own; their ledgers and certificates are added here. Whatever is on
//! a stick is verified as what comes over the line, and everything may be repeated.

use crate::center::ToCenter;
use crate::core::Core;
use fengjuan_device::durable_file;
use fengjuan_device::papers::{courier_root, objects_in, put_object};
use fengjuan_device::sync::{SyncError, Uplink};
use fengjuan_envelope::sign::PublicKey;
use fengjuan_envelope::{cbor, note};
use fengjuan_store::replica::RollLine;
use fengjuan_store::{LedgerReader, ReplicaReader, StoreError};
use fengjuan_wire::WireError;
use fengjuan_wire::courier::{DEVICES, ENTRIES, RECEIPTS};
use fengjuan_wire::upstream::EntriesRequest;
use serde_bytes::ByteBuf;
use std::io;
use std::path::Path;
use std::sync::Arc;

const MOST_ENTRIES: usize = 500;
const MOST_BYTES: usize = 1024 * 1024;
const LARGEST_ANSWER: u64 = 64 * 1024;

/// The hub's way by hand.
#[derive(Clone)]
pub struct Courier {
    pub(crate) core: Arc<Core>,
    pub(crate) uplink: Uplink<ToCenter>,
}

impl Courier {
    /// Writes what the center does not have: sealed objects, the hub's own ledger and those of its terminals up to their own
    /// last checkpoints, and its terminals' certificates. Returns how many files were new. Blocks on the disk.
    ///
    /// # Errors
    /// [`SyncError::Folder`], storage errors.
    pub fn export(&self, folder: &Path) -> Result<usize, SyncError> {
        let mut written = self.uplink.export_up(folder)?;
        let root = courier_root(folder);
        let (devices, entries) = (root.join(DEVICES), root.join(ENTRIES));
        std::fs::create_dir_all(&devices)?;
        std::fs::create_dir_all(&entries)?;
        for terminal in self.core.devices.certified() {
            if let Some(certificate) = &terminal.certificate {
                written += put_object(&devices, certificate)?;
            }
        }
        let readers = &self.core.replica_readers;
        let (roll, behind) = readers.read(|reader| Ok((reader.roll()?, reader.to_forward()?)))?;
        for line in roll {
            let mut not_whole = behind.iter();
            let forwarded = not_whole.find(|one| one.ledger_id == line.ledger_id);
            let Some(forwarded) = forwarded else {
                // The center has all of it by the line.
                continue;
            };
            let requests = readers.read(|reader| run(reader, &line, forwarded.forwarded))?;
            for request in requests {
                let bytes = cbor::to_vec(&request).map_err(|error| SyncError::Folder {
                    detail: WireError::from(error).to_string(),
                })?;
                written += put_object(&entries, &bytes)?;
            }
        }
        durable_file::sync_dir(&root)?;
        Ok(written)
    }

    /// Takes the witness's word that the center has the ledgers of this hub's terminals. What answers for the hub itself
    /// is taken as at any machine ([`fengjuan_device::stick`]). Returns how many were taken. Blocks on the disk.
    ///
    /// # Errors
    /// [`SyncError::Folder`], storage errors; what does not verify is left.
    pub fn take_answers(&self, folder: &Path) -> Result<usize, SyncError> {
        let mut taken = 0;
        let files = match objects_in(&courier_root(folder).join(RECEIPTS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(taken),
            other => other?,
        };
        let readers = &self.core.replica_readers;
        let (roll, behind) = readers.read(|reader| Ok((reader.roll()?, reader.to_forward()?)))?;
        for (_, path) in files {
            let bytes = durable_file::read_small(&path, LARGEST_ANSWER)?;
            let Ok(text) = std::str::from_utf8(&bytes) else {
                continue;
            };
            for line in &roll {
                let mut not_whole = behind.iter();
                let forwarded = not_whole.find(|one| one.ledger_id == line.ledger_id);
                let Some(size) = self.witnessed(line, text)? else {
                    continue;
                };
                if forwarded.is_some_and(|one| one.forwarded < size) {
                    self.core.replicas.forwarded(line.ledger_id, size)?;
                    taken += 1;
                }
            }
        }
        self.core.room.touch();
        Ok(taken)
    }

    /// How much of a terminal's ledger the center's witness has, by a note that the terminal signed and this hub holds.
    fn witnessed(&self, line: &RollLine, text: &str) -> Result<Option<u64>, SyncError> {
        let directory = &self.core.kit.directory;
        let device = PublicKey::from_bytes(line.identity.device_key);
        let origin = directory.ledger_origin(&line.ledger_id);
        let name = directory.witness_name();
        let witness = Some((name.as_str(), &directory.witness));
        let Ok(note) = note::verify(text, &origin, &device, witness) else {
            return Ok(None);
        };
        let head = note.checkpoint;
        if note.cosigned.is_none() || head.origin != origin {
            return Ok(None);
        }
        let readers = &self.core.replica_readers;
        let held = readers.read(|reader| reader.checkpoints(&line.ledger_id))?;
        let same = held
            .iter()
            .any(|one| one.size == head.size && one.root == head.root);
        Ok(same.then_some(head.size))
    }
}

/// The entries of a ledger up to the device's last checkpoint, which goes with the last of them.
fn run(
    reader: &ReplicaReader,
    line: &RollLine,
    mut from: u64,
) -> Result<Vec<EntriesRequest>, StoreError> {
    let last = reader.checkpoints(&line.ledger_id)?.into_iter();
    let Some(checkpoint) = last.max_by_key(|one| one.size) else {
        return Ok(Vec::new());
    };
    let mut requests = Vec::new();
    while from < checkpoint.size {
        let (mut bytes, mut entries) = (0, Vec::new());
        for entry in reader.entries_since(&line.ledger_id, from, MOST_ENTRIES)? {
            bytes += entry.bytes.len();
            let full = bytes > MOST_BYTES && !entries.is_empty();
            if full || entry.seq >= checkpoint.size {
                break;
            }
            entries.push(ByteBuf::from(entry.bytes));
        }
        if entries.is_empty() {
            break;
        }
        let end = from + entries.len() as u64;
        requests.push(EntriesRequest {
            ledger_id: line.ledger_id.to_vec(),
            from_seq: from,
            entries,
            checkpoint: (end == checkpoint.size).then(|| checkpoint.note.clone()),
            device: None,
        });
        from = end;
    }
    Ok(requests)
}
