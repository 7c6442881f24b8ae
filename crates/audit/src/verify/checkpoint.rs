//! One checkpoint of a ledger, judged alone. The writer judges with the same eyes what it may leave out.

use super::finding::{Detail, Finding, Refusal, Wrong};
use super::hubs::HubWitness;
use fengjuan_envelope::note::{self, Verified};
use fengjuan_envelope::sign::PublicKey;

/// Whose signatures a checkpoint of a ledger may carry.
pub(crate) struct Signers<'s> {
    /// First line of the ledger's checkpoints, and the name of its device's key.
    pub(crate) origin: &'s str,
    pub(crate) device: &'s PublicKey,
    pub(crate) witness_name: &'s str,
    pub(crate) witness: &'s PublicKey,
    /// Hubs may add their lines; they are checked, and do not make the ledger a witnessed one.
    pub(crate) hubs: &'s [HubWitness],
}

impl Signers<'_> {
    /// Size and root that the device signed, and when the witness cosigned them. Signatures of others are not allowed.
    pub(crate) fn read(&self, bytes: &[u8]) -> Result<Verified, Refusal> {
        let invalid = || Finding::new(Wrong::CheckpointInvalid);
        let text = std::str::from_utf8(bytes).map_err(|error| invalid().found(error))?;
        // The first line says whose log it is; a foreign one is named as that and not as badly signed.
        let origin = text.lines().next().unwrap_or_default();
        if origin != self.origin {
            return Err(Finding::new(Wrong::CheckpointForeign).differs(self.origin, origin));
        }
        let witness = (self.witness_name, self.witness);
        let verified = note::verify(text, self.origin, self.device, Some(witness))
            .map_err(|error| invalid().differs(self.origin, error))?;
        let signatures = text
            .lines()
            .filter(|line| line.starts_with('\u{2014}'))
            .count();
        let mut known = 1 + usize::from(verified.cosigned.is_some());
        for (name, key) in self.hubs {
            let by_hub = note::verify(text, self.origin, self.device, Some((name, key)))
                .map_err(|error| invalid().differs(name, error))?;
            known += usize::from(by_hub.cosigned.is_some());
        }
        if signatures != known || !verified.checkpoint.extension.is_empty() {
            return Err(invalid().differs(known, signatures));
        }
        Ok(verified)
    }
}
