//! Becoming known to the upstream: two people compare the fingerprint, one approves it there.

use super::{Upstream, UpstreamError};
use crate::identity::DeviceIdentity;
use crate::recorder::{Recorder, SYSTEM};
use crate::site_kit::SiteKit;
use fengjuan_core::event::Event;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_store::{Projection, Reader, StoreError};
use fengjuan_wire::Signed;
use fengjuan_wire::directory::DeviceCertificate;
use fengjuan_wire::upstream::{EnrolReply, EnrolRequest};

pub(crate) const NS: &str = "enrolment";
const CERTIFICATE: &[u8] = b"certificate";

/// Where a device stands with its upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enrolment {
    /// The request lies on a stick; no answer has come yet.
    Carried,
    Pending,
    Refused {
        code: String,
    },
    Approved(Box<DeviceCertificate>),
}

/// The certificate that one of `signers` gave this device, verified again; `None` where there is none that fits the
/// keys.
///
/// # Errors
/// Storage errors.
pub fn certificate(
    reader: &Reader,
    signers: &[PublicKey],
    site: &str,
    identity: &DeviceIdentity,
) -> Result<Option<DeviceCertificate>, StoreError> {
    let bytes = reader.get(NS, CERTIFICATE)?;
    Ok(bytes.and_then(|bytes| verified(&bytes, signers, site, identity)))
}

fn verified(
    bytes: &[u8],
    signers: &[PublicKey],
    site: &str,
    identity: &DeviceIdentity,
) -> Option<DeviceCertificate> {
    let mut signed = signers
        .iter()
        .map(|signer| DeviceCertificate::verify(signer, bytes));
    let certificate = signed.find_map(Result::ok)?;
    let mine = certificate.sign == identity.public()
        && certificate.kem == identity.kem_public()
        && certificate.site == site;
    mine.then_some(certificate)
}

/// What this device asks for, by whichever way it goes.
pub(crate) fn request<U: Upstream>(
    upstream: &U,
    kit: &SiteKit,
    identity: &DeviceIdentity,
    device_name: &str,
) -> EnrolRequest {
    EnrolRequest {
        device_name: device_name.to_owned(),
        site: kit.site.clone(),
        sign: identity.public(),
        kem: identity.kem_public(),
        machine: crate::machine::machine_hash(kit.root.as_bytes()),
        hub: upstream.hub_keys(),
    }
}

/// Keeps a certificate that was verified, and writes into the ledger that there is one.
pub(crate) fn keep(
    recorder: &Recorder,
    identity: &DeviceIdentity,
    certificate: &DeviceCertificate,
    bytes: Vec<u8>,
) -> Result<(), StoreError> {
    let event = Event::Enrolled {
        device: certificate.device_name.clone(),
        fingerprint: identity.fingerprint(),
    };
    let keep = Projection::put(NS, CERTIFICATE, bytes);
    recorder.record_with(SYSTEM, None, event, vec![keep])?;
    Ok(())
}

/// Asks to be enrolled, or how it stands. Asked again at every start, so that the upstream sees one key on two machines.
/// `recorded`: this upstream's certificate is in the ledger already.
///
/// # Errors
/// [`UpstreamError`]; a certificate for other keys or of another signer is [`UpstreamError::NotAuthentic`].
pub async fn enrol<U: Upstream>(
    upstream: &U,
    recorder: &Recorder,
    kit: &SiteKit,
    identity: &DeviceIdentity,
    device_name: &str,
    recorded: bool,
) -> Result<Enrolment, UpstreamError> {
    let request = request(upstream, kit, identity, device_name);
    match upstream.enrol(&request).await? {
        EnrolReply::Pending { fingerprint } if fingerprint != identity.fingerprint() => {
            // The center has heard other keys than these: somebody stands in between.
            Err(UpstreamError::NotAuthentic {
                detail: "another fingerprint".to_owned(),
            })
        }
        EnrolReply::Pending { .. } => Ok(Enrolment::Pending),
        EnrolReply::Refused { code } => Ok(Enrolment::Refused { code }),
        EnrolReply::Approved { certificate: bytes } => {
            let signers: Vec<_> = upstream
                .authority()
                .iter()
                .map(|by| by.certificates)
                .collect();
            let certificate = verified(&bytes, &signers, &kit.site, identity);
            let certificate = certificate.ok_or_else(|| UpstreamError::NotAuthentic {
                detail: "device certificate".to_owned(),
            })?;
            if !recorded {
                keep(recorder, identity, &certificate, bytes).map_err(|error| {
                    UpstreamError::Storage {
                        detail: error.to_string(),
                        full: error == StoreError::Full,
                    }
                })?;
            }
            Ok(Enrolment::Approved(Box::new(certificate)))
        }
    }
}
