use super::{Inner, SyncError, Uplink};
use crate::identity::DeviceIdentity;
use crate::recorder::Recorder;
use crate::upstream::Upstream;
use fengjuan_envelope::note::{self, Checkpoint};
use fengjuan_store::{StoreError, StoredCheckpoint};
use fengjuan_wire::directory::KeyDirectory;
use std::sync::Arc;

/// Signs the ledger's present size and root (C2SP tlog-checkpoint) and keeps the note.
///
/// # Errors
/// Storage errors.
pub fn checkpoint(
    recorder: &Recorder,
    directory: &KeyDirectory,
    identity: &Arc<DeviceIdentity>,
    ledger_id: &[u8; 16],
) -> Result<StoredCheckpoint, StoreError> {
    let origin = directory.ledger_origin(ledger_id);
    let identity = identity.clone();
    recorder.writer().checkpoint(move |size, root| {
        let head = Checkpoint {
            origin: origin.clone(),
            size,
            root: *root,
            extension: Vec::new(),
        };
        Ok(note::sign_checkpoint(&head, &origin, &identity.sign))
    })
}

impl<U: Upstream> Uplink<U> {
    /// Signs the ledger's head now.
    ///
    /// # Errors
    /// Storage errors.
    pub fn checkpoint(&self) -> Result<StoredCheckpoint, StoreError> {
        let Inner {
            recorder,
            kit,
            identity,
            ledger_id,
            ..
        } = &*self.inner;
        checkpoint(recorder, &kit.directory, identity, ledger_id)
    }

    /// Verifies a cosigned note of this ledger and keeps it.
    pub(super) fn take_cosigned(&self, text: &str) -> Result<u64, SyncError> {
        let (checkpoint, _) = self.verify_cosigned(text)?;
        match self.inner.recorder.writer().store_cosigned(text) {
            Ok(()) => Ok(checkpoint.size),
            Err(StoreError::UnknownCheckpoint) => Err(SyncError::Cosignature {
                detail: "of a checkpoint that this ledger never made".to_owned(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// By the center's witness, or by that of the upstream that is spoken to.
    fn verify_cosigned(&self, text: &str) -> Result<(Checkpoint, u64), SyncError> {
        let origin = self
            .inner
            .kit
            .directory
            .ledger_origin(&self.inner.ledger_id);
        let mut detail = "absent, or of another ledger".to_owned();
        for authority in self.authorities() {
            let witness = Some((authority.witness_name.as_str(), &authority.witness));
            match note::verify(text, &origin, &self.inner.identity.public(), witness) {
                Ok(verified) if verified.checkpoint.origin == origin => {
                    if let Some(seconds) = verified.cosigned {
                        return Ok((verified.checkpoint, seconds));
                    }
                }
                Ok(_) => {}
                Err(error) => detail = error.to_string(),
            }
        }
        Err(SyncError::Cosignature { detail })
    }

    /// Size and witness's time in seconds of a stored cosigned checkpoint, verified again.
    pub(super) fn witnessed(&self, stored: &StoredCheckpoint) -> Option<(u64, i64)> {
        let (checkpoint, seconds) = self.verify_cosigned(stored.cosigned.as_ref()?).ok()?;
        Some((checkpoint.size, i64::try_from(seconds).ok()?))
    }
}
