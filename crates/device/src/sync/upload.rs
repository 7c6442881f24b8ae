//! Sealed objects on their way up, in parts. Green is the center's verified receipt and nothing less. A hub's receipt
//! says that the object is safe there; it is kept beside, and the center's is asked for until it is here.

use super::{SyncError, Uplink};
use crate::recorder::SYSTEM;
use crate::upstream::{Upstream, UpstreamError};
use fengjuan_core::event::Event;
use fengjuan_store::{ObjectRow, Projection, StoreError};
use fengjuan_wire::bundle::Receipt;
use fengjuan_wire::upstream::{UPLOAD_PART_BYTES, UploadState};
use fengjuan_wire::{Hash32, Signed};
use std::collections::BTreeSet;

/// Answers in a row that do not move on before the upload is given up for this time.
const MOST_STANDSTILLS: u32 = 3;

/// Hub's receipts, by object.
const AT_HUB: &str = "receipts_at_hub";
/// Objects at the hub are asked about this often, and at once when the hub says that something is new.
const ASK_EVERY_MS: i64 = 120_000;
/// A hub passes objects on oldest first: after so many that are not at the center, the others are not either.
const MOST_WAITING: u32 = 3;

impl<U: Upstream> Uplink<U> {
    /// Sends every object that neither the center nor the hub holds, oldest first, and asks for the center's receipts
    /// of those at the hub. An object that is refused does not hold back the next.
    ///
    /// # Errors
    /// The first [`SyncError`]; a lost line ends the round.
    pub async fn upload_unsent(&self) -> Result<(), SyncError> {
        let (mut first, mut waiting) = (None, 0);
        let asks = self.asks_for_receipts();
        for object in self.read(|reader| reader.unsent_objects())? {
            let hash = Hash32(object.hash);
            let at_hub = self.inner.state.borrow().at_hub.contains(&hash);
            if at_hub && (!asks || waiting >= MOST_WAITING) {
                continue;
            }
            let sent = match at_hub {
                true => self.ask_for_receipt(&object).await,
                false => self.upload(&object).await.map(|()| true),
            };
            match sent {
                Ok(moved) => {
                    waiting += u32::from(!moved);
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

    fn asks_for_receipts(&self) -> bool {
        let now = self.boot_ms();
        let mut run = self.run();
        let due = run
            .asked_boot_ms
            .is_none_or(|last| now.saturating_sub(last) >= ASK_EVERY_MS);
        if due || run.looks {
            run.asked_boot_ms = Some(now);
            run.looks = false;
            return true;
        }
        false
    }

    /// True where the center's receipt is here now.
    async fn ask_for_receipt(&self, object: &ObjectRow) -> Result<bool, SyncError> {
        let hash = Hash32(object.hash);
        let state = self.inner.upstream.upload_state(&hash).await?;
        match &state.receipt {
            Some(receipt) => self.take_receipt_for(&hash, object.size, receipt),
            // The hub has lost it.
            None => self.upload(object).await.map(|()| false),
        }
    }

    async fn upload(&self, object: &ObjectRow) -> Result<(), SyncError> {
        let hash = Hash32(object.hash);
        let bytes = self.read(|reader| reader.object_bytes(&object.hash))?;
        let upstream = &self.inner.upstream;
        let mut state = upstream.upload_state(&hash).await?;
        let mut standstills = 0;
        loop {
            if let Some(receipt) = &state.receipt {
                return self.take_receipt_for(&hash, object.size, receipt).map(drop);
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

    /// True for the center's own receipt.
    fn take_receipt_for(&self, hash: &Hash32, size: u64, bytes: &[u8]) -> Result<bool, SyncError> {
        let (receipt, signer) = self.verify_receipt(bytes)?;
        if receipt.object != *hash || receipt.bytes != size {
            return Err(SyncError::Receipt {
                detail: "for another object".to_owned(),
            });
        }
        self.keep_receipt(hash, bytes, signer)?;
        Ok(signer == Signer::Center)
    }

    /// The verified signer decides what a receipt says.
    fn verify_receipt(&self, bytes: &[u8]) -> Result<(Receipt, Signer), SyncError> {
        let mut detail = String::new();
        for authority in self.authorities() {
            let signer = match authority.hub {
                Some(_) => Signer::Hub,
                None => Signer::Center,
            };
            match Receipt::verify(&authority.receipt, bytes) {
                Ok(receipt) => return Ok((receipt, signer)),
                Err(error) => detail = error.to_string(),
            }
        }
        Err(SyncError::Receipt { detail })
    }

    fn keep_receipt(&self, hash: &Hash32, bytes: &[u8], signer: Signer) -> Result<(), SyncError> {
        let held = self.read(|reader| reader.get(AT_HUB, &hash.0))?;
        if signer == Signer::Hub && held.as_deref() == Some(bytes) {
            return Ok(());
        }
        let recorder = &self.inner.recorder;
        let (hash, receipt) = (*hash, fengjuan_wire::hash(bytes));
        let event = match signer {
            Signer::Center => Event::Receipted { hash, receipt },
            Signer::Hub => Event::ReceiptedByHub { hash, receipt },
        };
        let entry = recorder.entry(SYSTEM, None, event);
        match signer {
            Signer::Center => {
                let writer = recorder.writer();
                writer.set_receipt(hash.0, bytes.to_vec(), Some(entry))?;
            }
            Signer::Hub => {
                let keep = Projection::put(AT_HUB, hash.0, bytes);
                recorder.writer().append(entry, vec![keep])?;
            }
        }
        self.run().nudged = true;
        Ok(())
    }

    /// Which of these objects the hub that is spoken to holds, by its verified receipts.
    pub(super) fn at_hub(&self, unsent: &[ObjectRow]) -> Result<BTreeSet<Hash32>, StoreError> {
        let Some(hub) = self.hub() else {
            return Ok(BTreeSet::new());
        };
        let known = self.inner.state.borrow().at_hub.clone();
        let mut found = BTreeSet::new();
        for object in unsent {
            let hash = Hash32(object.hash);
            let holds = known.contains(&hash)
                || self
                    .read(|reader| reader.get(AT_HUB, &hash.0))?
                    .and_then(|bytes| Receipt::verify(&hub.receipt, &bytes).ok())
                    .is_some_and(|receipt| receipt.object == hash);
            if holds {
                found.insert(hash);
            }
        }
        Ok(found)
    }

    /// A receipt that came by hand. False where it says nothing new, or is not for an object of this machine.
    pub(super) fn take_loose_receipt(&self, bytes: &[u8]) -> Result<bool, SyncError> {
        let (receipt, signer) = self.verify_receipt(bytes)?;
        match self.read(|reader| reader.object(&receipt.object.0))? {
            Some(object) if object.receipt.is_none() && signer == Signer::Center => {
                self.take_receipt_for(&receipt.object, object.size, bytes)
            }
            _ => Ok(false),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Signer {
    Center,
    Hub,
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
