//! What the center lets a hub do (委托): a room's management station that speaks the upstream protocol to its terminals.
//! The center's issuer signs it; a terminal trusts a hub through nothing else.

use crate::{Signed, WireError};
use fengjuan_core::plan::ExamMs;
use fengjuan_envelope::hpke::KemPublic;
use fengjuan_envelope::sign::PublicKey;
use serde::{Deserialize, Serialize};

/// One key for each usage, as at the center: none may sign what another is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubDelegation {
    pub center_id: String,
    pub site: String,
    /// The only room that it may run; none: any room of the site.
    pub room_no: Option<String>,
    pub hub_name: String,
    /// The hub's own device key: its TLS server, its client key at the center, its ledger.
    pub device: PublicKey,
    pub kem: KemPublic,
    /// Signs grants, device certificates, commands, leases and epochs of its room.
    pub issuer: PublicKey,
    /// Cosigns its terminals' checkpoints.
    pub witness: PublicKey,
    /// Signs time, and receipts that say "at hub".
    pub receipt: PublicKey,
    pub issued_ms: ExamMs,
    /// Not trusted from this moment on, by the exam clock.
    pub not_after_ms: ExamMs,
}

impl Signed for HubDelegation {
    const USAGE: &'static str = "fengjuan/delegation/1";
}

/// What a hub sends about its keys when it is enrolled, each proven by the TLS key that sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubKeys {
    pub issuer: PublicKey,
    pub witness: PublicKey,
    pub receipt: PublicKey,
}

impl HubDelegation {
    /// Verified under the center's issuer, for this center and site, and not expired.
    ///
    /// # Errors
    /// [`WireError::Signature`], [`WireError::Malformed`]; [`WireError::Mismatch`] for another center or site;
    /// [`WireError::Expired`].
    pub fn trusted(
        issuer: &PublicKey,
        center_id: &str,
        site: &str,
        now: ExamMs,
        bytes: &[u8],
    ) -> Result<HubDelegation, WireError> {
        let delegation = HubDelegation::verify(issuer, bytes)?;
        if delegation.center_id != center_id {
            return Err(WireError::Mismatch("center"));
        }
        if delegation.site != site {
            return Err(WireError::Mismatch("site"));
        }
        if now >= delegation.not_after_ms {
            return Err(WireError::Expired("delegation"));
        }
        Ok(delegation)
    }

    /// May this hub run the room?
    pub fn covers_room(&self, room_no: &str) -> bool {
        self.room_no.as_deref().is_none_or(|own| own == room_no)
    }

    /// Name of this hub's witness in signed notes: one for each hub, so that two hubs' lines are told apart.
    pub fn witness_name(&self) -> String {
        let device = self.device.to_hex();
        format!("{}/hub/{}", self.center_id, &device[..16])
    }
}
