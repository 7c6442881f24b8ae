//! The delegation (委托) that lets this hub act for the center: fetched, verified, kept, and shown to terminals.

use crate::keys::Keyring;
use fengjuan_core::plan::ExamMs;
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::site_kit::SiteKit;
use fengjuan_device::sync::carried_delegations;
use fengjuan_store::{Projection, Reader, StoreError, Writer};
use fengjuan_wire::WireError;
use fengjuan_wire::delegation::HubDelegation;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

const NS: &str = "hub";
const KEY: &[u8] = b"delegation";

/// A delegation that verified when it came.
#[derive(Debug, PartialEq, Eq)]
pub struct Delegated {
    pub delegation: HubDelegation,
    /// As the center signed it.
    pub bytes: Vec<u8>,
}

/// Why what the center sent is not this hub's delegation.
#[derive(Debug, thiserror::Error)]
pub enum DelegationRefused {
    #[error(transparent)]
    Wire(#[from] WireError),
    /// It names other keys than this hub's.
    #[error("the delegation is for other keys")]
    OtherKeys,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DelegationRefused {
    pub fn code(&self) -> &'static str {
        match self {
            DelegationRefused::Wire(WireError::Expired(_)) => "hub.delegation_expired",
            DelegationRefused::Wire(WireError::Mismatch(_)) => "hub.delegation_other_site",
            DelegationRefused::Wire(cause) => cause.code(),
            DelegationRefused::OtherKeys => "hub.delegation_other_keys",
            DelegationRefused::Store(cause) => cause.code(),
        }
    }
}

/// This hub's delegation.
pub struct Delegations {
    kit: SiteKit,
    identity: Arc<DeviceIdentity>,
    keys: Arc<Keyring>,
    held: RwLock<Option<Arc<Delegated>>>,
}

impl Delegations {
    /// The one that is kept, verified again; none where there is none that is still good.
    ///
    /// # Errors
    /// Storage errors.
    pub fn open(
        reader: &Reader,
        kit: SiteKit,
        identity: Arc<DeviceIdentity>,
        keys: Arc<Keyring>,
        now: ExamMs,
    ) -> Result<Delegations, StoreError> {
        let delegations = Delegations {
            kit,
            identity,
            keys,
            held: RwLock::default(),
        };
        if let Some(bytes) = reader.get(NS, KEY)? {
            match delegations.verified(&bytes, now) {
                Ok(held) => delegations.hold(Some(held)),
                Err(error) => {
                    tracing::error!(code = error.code(), %error, "the kept delegation is not good")
                }
            }
        }
        Ok(delegations)
    }

    /// The delegation, where there is one.
    pub fn held(&self) -> Option<Arc<Delegated>> {
        self.held
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The delegation, where it is in force at this moment.
    ///
    /// # Errors
    /// The refusal's code.
    pub fn in_force(&self, now: ExamMs) -> Result<Arc<Delegated>, &'static str> {
        match self.held() {
            None => Err("hub.no_delegation"),
            Some(held) if now >= held.delegation.not_after_ms => Err("hub.delegation_expired"),
            Some(held) => Ok(held),
        }
    }

    /// Takes what the center sent. True where it is another one than before.
    ///
    /// # Errors
    /// [`DelegationRefused`]; what was held stays.
    pub fn take(
        &self,
        bytes: &[u8],
        now: ExamMs,
        writer: &Writer,
    ) -> Result<bool, DelegationRefused> {
        if self.held().is_some_and(|held| held.bytes == bytes) {
            return Ok(false);
        }
        let held = self.verified(bytes, now)?;
        writer.put(vec![Projection::put(NS, KEY, bytes)])?;
        self.hold(Some(held));
        Ok(true)
    }

    /// Takes it from a stick, where there is a newer one than is held: an old stick takes nothing back. What does not
    /// verify is logged and left.
    pub fn take_carried(&self, folder: &Path, now: ExamMs, writer: &Writer) {
        let carried = carried_delegations(folder).unwrap_or_else(|error| {
            tracing::warn!(%error, "the stick's delegations cannot be read");
            Vec::new()
        });
        for bytes in carried {
            let issued_ms = |held: &Delegated| held.delegation.issued_ms;
            let held_ms = self.held().map(|held| issued_ms(&held));
            let taken = match self.verified(&bytes, now) {
                Ok(new) if held_ms.is_some_and(|held| held >= issued_ms(&new)) => continue,
                Ok(_) => self.take(&bytes, now, writer),
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                tracing::warn!(code = error.code(), %error, "a delegation on the stick left alone");
            }
        }
    }

    /// The center has withdrawn it. True where one was held.
    ///
    /// # Errors
    /// Storage errors.
    pub fn withdrawn(&self, writer: &Writer) -> Result<bool, StoreError> {
        if self.held().is_none() {
            return Ok(false);
        }
        writer.put(vec![Projection::remove(NS, KEY)])?;
        self.hold(None);
        Ok(true)
    }

    fn hold(&self, held: Option<Delegated>) {
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = held.map(Arc::new);
    }

    fn verified(&self, bytes: &[u8], now: ExamMs) -> Result<Delegated, DelegationRefused> {
        let SiteKit {
            directory, site, ..
        } = &self.kit;
        let delegation =
            HubDelegation::trusted(&directory.issuer, &directory.center_id, site, now, bytes)?;
        let keys = self.keys.public();
        let mine = delegation.device == self.identity.public()
            && delegation.kem == self.identity.kem_public()
            && delegation.issuer == keys.issuer
            && delegation.witness == keys.witness
            && delegation.receipt == keys.receipt;
        if !mine {
            return Err(DelegationRefused::OtherKeys);
        }
        Ok(Delegated {
            delegation,
            bytes: bytes.to_vec(),
        })
    }
}

/// Name of this hub's witness in signed notes: as [`HubDelegation::witness_name`], before there is a delegation.
pub fn witness_name(kit: &SiteKit, identity: &DeviceIdentity) -> String {
    let device = identity.public().to_hex();
    format!("{}/hub/{}", kit.directory.center_id, &device[..16])
}
