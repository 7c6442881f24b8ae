//! Up and back by hand: sealed objects in `up`, ledger entries in `entries`, and in `receipts` what the center gave for
//! them (receipts, and cosigned checkpoints as text).

use super::replicate::MOST_BYTES;
use super::{SyncError, Uplink};
use crate::durable_file;
use crate::papers::{courier_root, objects_in, put_object};
use crate::upstream::Upstream;
use fengjuan_envelope::cbor;
use fengjuan_wire::WireError;
use fengjuan_wire::courier::{ENTRIES, RECEIPTS, UP};
use std::path::Path;

const LARGEST_ANSWER: u64 = 64 * 1024;

impl<U: Upstream> Uplink<U> {
    /// Writes every unsent object, and the entries that no witness has seen with a checkpoint over them. They stay
    /// "not sent". Returns how many files were new.
    ///
    /// # Errors
    /// [`SyncError::Folder`], storage errors.
    pub fn export_up(&self, folder: &Path) -> Result<usize, SyncError> {
        let root = courier_root(folder);
        let (up, entries) = (root.join(UP), root.join(ENTRIES));
        std::fs::create_dir_all(&up)?;
        std::fs::create_dir_all(&entries)?;
        let mut written = 0;
        for object in self.read(|reader| reader.unsent_objects())? {
            let bytes = self.read(|reader| reader.object_bytes(&object.hash))?;
            written += put_object(&up, &bytes)?;
        }
        let witnessed = self.read(|reader| reader.latest_cosigned())?;
        let mut from = witnessed
            .and_then(|stored| self.witnessed(&stored))
            .map_or(0, |(size, _)| size);
        let checkpoint = self.checkpoint()?;
        while from < checkpoint.size {
            let request = self.request(from, Some(&checkpoint), MOST_BYTES)?;
            if request.entries.is_empty() {
                break;
            }
            from += request.entries.len() as u64;
            let bytes = cbor::to_vec(&request).map_err(|error| SyncError::Folder {
                detail: WireError::from(error).to_string(),
            })?;
            written += put_object(&entries, &bytes)?;
        }
        durable_file::sync_dir(&root)?;
        self.look()?;
        Ok(written)
    }

    /// Takes the center's answers. Returns how many were taken; those for other terminals are left alone.
    ///
    /// # Errors
    /// [`SyncError::Folder`], storage errors; what does not verify is logged and left.
    pub fn import_receipts(&self, folder: &Path) -> Result<usize, SyncError> {
        let dir = courier_root(folder).join(RECEIPTS);
        let files = match objects_in(&dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            other => other?,
        };
        let mut taken = 0;
        for (_, path) in files {
            let bytes = durable_file::read_small(&path, LARGEST_ANSWER)?;
            let answer = match std::str::from_utf8(&bytes) {
                Ok(text) => self.take_cosigned(text).map(|_| true),
                Err(_) => self.take_loose_receipt(&bytes),
            };
            match answer {
                Ok(new) => taken += usize::from(new),
                Err(error @ SyncError::Store(_)) => return Err(error),
                Err(error) => {
                    tracing::warn!(code = error.code(), %error, "receipt on the stick left alone")
                }
            }
        }
        self.look()?;
        Ok(taken)
    }
}
