//! Hubs: what the center has delegated, and the devices that are known by a hub's word only. Delegations lie among the
//! device certificates.

use super::finding::{Detail, Finding, Refusal, Wrong};
use super::layout::{self, Layout};
use fengjuan_core::plan::ExamMs;
use fengjuan_envelope::cose;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::Signed;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::{DeviceCertificate, KeyDirectory};
use std::collections::{HashMap, HashSet};

/// The delegations of an archive, verified, and whom they speak for.
#[derive(Default)]
pub(crate) struct Hubs {
    delegations: Vec<HubDelegation>,
    /// Devices that no certificate of the center names, with the issuer of the hub that vouches for them.
    vouched: HashMap<PublicKey, PublicKey>,
}

/// A hub's witness: its name in signed notes, and its key.
pub(crate) type HubWitness = (String, PublicKey);

pub(super) fn is_delegation(record: &[u8]) -> bool {
    cose::peek_payload(record).is_ok_and(|(usage, _, _)| usage == HubDelegation::USAGE)
}

impl Hubs {
    /// Every delegation of the archive. They are needed before the certificates, wherever they stand among them.
    pub(super) fn read(layout: &Layout<'_>, directory: &KeyDirectory) -> Result<Hubs, Refusal> {
        let mut hubs = Hubs::default();
        layout::each_record(layout.source, &layout.devices, |bytes| {
            if !is_delegation(bytes) {
                return Ok(());
            }
            let refusal = || Finding::new(Wrong::DelegationInvalid).section(&layout.devices.name);
            let delegation = HubDelegation::verify(&directory.issuer, bytes)
                .map_err(|error| refusal().found(error))?;
            if delegation.center_id != directory.center_id {
                return Err(refusal().differs(&directory.center_id, &delegation.center_id));
            }
            hubs.delegations.push(delegation);
            Ok(())
        })?;
        Ok(hubs)
    }

    /// A certificate that the center has not signed: it must be a hub's, for the hub's site, and given while the hub
    /// might. One delegation under which all of this is so is enough.
    pub(super) fn certificate(
        &mut self,
        section: &str,
        bytes: &[u8],
    ) -> Result<DeviceCertificate, Refusal> {
        let refusal = |wrong| Finding::new(wrong).section(section);
        let mut named = None;
        for delegation in &self.delegations {
            let Ok(certificate) = DeviceCertificate::verify(&delegation.issuer, bytes) else {
                continue;
            };
            let fits = certificate.site == delegation.site
                && certificate.approved_ms < delegation.not_after_ms;
            if fits {
                self.vouched.insert(certificate.sign, delegation.issuer);
                return Ok(certificate);
            }
            named = Some((certificate.device_name, delegation.hub_name.clone()));
        }
        Err(match named {
            Some((device, hub)) => refusal(Wrong::VoucherInvalid).differs(hub, device),
            None => refusal(Wrong::CertificateInvalid),
        })
    }

    /// Whether this device is a hub that the center has delegated: only such a one gives leases.
    pub(super) fn is_hub(&self, device: &PublicKey) -> bool {
        let mut own = self.delegations.iter();
        own.any(|delegation| delegation.device == *device)
    }

    /// How many devices are known by a hub's word only.
    pub(super) fn vouched(&self) -> u64 {
        self.vouched.len() as u64
    }

    /// Whether an attempt that began at `at` in a room may stand in this device's ledger: always where the center knows
    /// the device itself, else where its hub might run the room then.
    pub(super) fn covers(&self, device: &PublicKey, room_no: &str, at: ExamMs) -> bool {
        let Some(issuer) = self.vouched.get(device) else {
            return true;
        };
        let mut own = self.delegations.iter();
        own.any(|delegation| {
            delegation.issuer == *issuer
                && delegation.covers_room(room_no)
                && at < delegation.not_after_ms
        })
    }

    /// The witnesses that may have cosigned for a site's devices, each once.
    pub(super) fn witnesses(&self, site: &str) -> Vec<HubWitness> {
        let mut seen = HashSet::new();
        let of_site = self.delegations.iter().filter(|hub| hub.site == site);
        of_site
            .filter(|hub| seen.insert((hub.device, hub.witness)))
            .map(|hub| (hub.witness_name(), hub.witness))
            .collect()
    }
}
