//! Sealed objects on their way up, in parts. Green is a verified receipt and nothing less.

use super::{SyncError, Uplink};
use crate::recorder::SYSTEM;
use crate::upstream::{Upstream, UpstreamError};
use fengjuan_core::event::Event;
use fengjuan_store::ObjectRow;
use fengjuan_wire::bundle::Receipt;
use fengjuan_wire::upstream::{UPLOAD_PART_BYTES, UploadState};
use fengjuan_wire::{Hash32, Signed};

/// Answers in a row that do not move on before the upload is given up for this time.
const MOST_STANDSTILLS: u32 = 3;

impl<U: Upstream> Uplink<U> {
    /// Sends every object without a receipt, oldest first. An object that is refused does not hold back the next.
    ///
    /// # Errors
    /// The first [`SyncError`]; a lost line ends the round.
    pub async fn upload_unsent(&self) -> Result<(), SyncError> {
        let unsent = self.read(|reader| reader.unsent_objects())?;
        let mut first = None;
        for object in unsent {
            let hash = Hash32(object.hash);
            match self.upload(&object).await {
                Ok(()) => {
                    self.inner
                        .state
                        .send_modify(|state| drop(state.failures.remove(&hash)));
                    self.look()?;
                }
                Err(error) => {
                    tracing::warn!(object = %hash.hex(), code = error.code(), %error, "object not sent");
                    let code = error.code().to_owned();
                    self.inner
                        .state
                        .send_modify(|state| drop(state.failures.insert(hash, code)));
                    if error.is_link() {
                        return Err(error);
                    }
                    first.get_or_insert(error);
                }
            }
        }
        first.map_or(Ok(()), Err)
    }

    async fn upload(&self, object: &ObjectRow) -> Result<(), SyncError> {
        let hash = Hash32(object.hash);
        let bytes = self.read(|reader| reader.object_bytes(&object.hash))?;
        let upstream = &self.inner.upstream;
        let mut state = upstream.upload_state(&hash).await?;
        let mut standstills = 0;
        loop {
            if let Some(receipt) = &state.receipt {
                return self.take_receipt_for(&hash, object.size, receipt);
            }
            let at = start(&state, bytes.len())?;
            let part = bytes[at..bytes.len().min(at + UPLOAD_PART_BYTES)].to_vec();
            state = upstream
                .upload_part(&hash, at as u64, bytes.len() as u64, part)
                .await?;
            standstills = if state.offset > at as u64 {
                0
            } else {
                standstills + 1
            };
            if standstills >= MOST_STANDSTILLS {
                return Err(UpstreamError::malformed("the upload does not move on").into());
            }
        }
    }

    fn take_receipt_for(&self, hash: &Hash32, size: u64, bytes: &[u8]) -> Result<(), SyncError> {
        let receipt =
            Receipt::verify(&self.inner.kit.directory.receipt, bytes).map_err(|error| {
                SyncError::Receipt {
                    detail: error.to_string(),
                }
            })?;
        if receipt.object != *hash || receipt.bytes != size {
            return Err(SyncError::Receipt {
                detail: "for another object".to_owned(),
            });
        }
        self.keep_receipt(hash, bytes)
    }

    fn keep_receipt(&self, hash: &Hash32, bytes: &[u8]) -> Result<(), SyncError> {
        let recorder = &self.inner.recorder;
        let event = Event::Receipted {
            hash: *hash,
            receipt: fengjuan_wire::hash(bytes),
        };
        let entry = recorder.entry(SYSTEM, None, event);
        recorder
            .writer()
            .set_receipt(hash.0, bytes.to_vec(), Some(entry))?;
        self.run().nudged = true;
        Ok(())
    }

    /// A receipt that came by hand. False where the object has one already or is not of this terminal.
    pub(super) fn take_loose_receipt(&self, bytes: &[u8]) -> Result<bool, SyncError> {
        let receipt =
            Receipt::verify(&self.inner.kit.directory.receipt, bytes).map_err(|error| {
                SyncError::Receipt {
                    detail: error.to_string(),
                }
            })?;
        match self.read(|reader| reader.object(&receipt.object.0))? {
            Some(object) if object.receipt.is_none() => {
                self.take_receipt_for(&receipt.object, object.size, bytes)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// Where the next part begins. An upstream that holds all bytes and gives no receipt, or more bytes than there are,
/// holds something else.
fn start(state: &UploadState, total: usize) -> Result<usize, UpstreamError> {
    match usize::try_from(state.offset) {
        Ok(at) if at < total => Ok(at),
        _ => Err(UpstreamError::malformed(
            "an offset beyond the object, and no receipt",
        )),
    }
}
