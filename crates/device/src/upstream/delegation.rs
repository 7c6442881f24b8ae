//! A hub's delegation on its way into trust: from the kit, from the hub itself, or as it was kept.

use super::UpstreamError;
use crate::durable_file;
use crate::site_kit::{HubAddress, SiteKit};
use fengjuan_core::plan::ExamMs;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::{Signed, WireError};
use std::path::{Path, PathBuf};

const LARGEST: u64 = 64 * 1024;

/// Why whoever answers at a hub's address is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelegationError {
    #[error("it shows no delegation")]
    Missing,
    #[error("the center did not sign its delegation")]
    False,
    #[error("its delegation is for another site")]
    OtherSite,
    /// By the exam clock of this machine.
    #[error("its delegation has expired")]
    Expired,
    #[error("its delegation names another key than the one that it proved")]
    NotTheKey,
    #[error("it is another hub than the one whose fingerprint was given")]
    OtherHub,
}

impl DelegationError {
    pub fn code(&self) -> &'static str {
        match self {
            DelegationError::Missing => "hub.delegation_missing",
            DelegationError::False => "hub.delegation_false",
            DelegationError::OtherSite => "hub.delegation_other_site",
            DelegationError::Expired => "hub.delegation_expired",
            DelegationError::NotTheKey => "hub.delegation_not_the_key",
            DelegationError::OtherHub => "hub.other_hub",
        }
    }
}

/// Verified for this site and moment, and for the hub that was meant.
pub(super) fn trusted(
    kit: &SiteKit,
    address: &HubAddress,
    now: ExamMs,
    bytes: &[u8],
) -> Result<HubDelegation, DelegationError> {
    let directory = &kit.directory;
    let (issuer, center) = (&directory.issuer, &directory.center_id);
    let delegation = HubDelegation::trusted(issuer, center, &kit.site, now, bytes);
    let delegation = delegation.map_err(|error| match error {
        WireError::Mismatch(_) => DelegationError::OtherSite,
        WireError::Expired(_) => DelegationError::Expired,
        _ => DelegationError::False,
    })?;
    match address.is_of(&delegation) {
        true => Ok(delegation),
        false => Err(DelegationError::OtherHub),
    }
}

/// As [`trusted`], for what somebody who proved `server` has sent.
pub(super) fn trusted_of(
    kit: &SiteKit,
    address: &HubAddress,
    now: ExamMs,
    bytes: &[u8],
    server: Option<PublicKey>,
) -> Result<HubDelegation, DelegationError> {
    let delegation = trusted(kit, address, now, bytes)?;
    match server == Some(delegation.device) {
        true => Ok(delegation),
        false => Err(DelegationError::NotTheKey),
    }
}

/// The delegations that this machine has trusted, one file for each address.
pub(super) struct Kept {
    dir: PathBuf,
}

impl Kept {
    pub(super) fn new(data_dir: &Path) -> Kept {
        Kept {
            dir: data_dir.join("hub"),
        }
    }

    fn path(&self, address: &HubAddress) -> PathBuf {
        let name = fengjuan_wire::hash(address.url.as_bytes()).hex();
        self.dir.join(format!("{}.cose", &name[..16]))
    }

    pub(super) fn read(&self, address: &HubAddress) -> Option<Vec<u8>> {
        durable_file::read_small(&self.path(address), LARGEST).ok()
    }

    pub(super) fn write(&self, address: &HubAddress, bytes: &[u8]) -> Result<(), UpstreamError> {
        std::fs::create_dir_all(&self.dir)
            .and_then(|()| durable_file::replace(&self.path(address), bytes))
            .map_err(|error| UpstreamError::storage(&error))
    }

    /// Who has signed certificates for this site as a hub: every delegation that the center ever signed for it and
    /// that is kept here, expired ones too, since an approval stands.
    pub(super) fn certifiers(&self, kit: &SiteKit, given: Option<&[u8]>) -> Vec<PublicKey> {
        let files = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let kept = files.filter_map(|file| durable_file::read_small(&file.path(), LARGEST).ok());
        let all = kept.chain(given.map(<[u8]>::to_vec));
        let signed =
            all.filter_map(|bytes| HubDelegation::verify(&kit.directory.issuer, &bytes).ok());
        signed
            .filter(|hub| hub.site == kit.site)
            .map(|hub| hub.issuer)
            .collect()
    }
}
