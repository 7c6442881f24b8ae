//! Becoming known to the center: two people compare the fingerprint, one approves it there.

use super::{Upstream, UpstreamError};
use crate::identity::DeviceIdentity;
use crate::recorder::{Recorder, SYSTEM};
use crate::site_kit::SiteKit;
use fengjuan_core::event::Event;
use fengjuan_store::{Projection, Reader, StoreError};
use fengjuan_wire::Signed;
use fengjuan_wire::directory::DeviceCertificate;
use fengjuan_wire::upstream::{EnrolReply, EnrolRequest};

const NS: &str = "enrolment";
const CERTIFICATE: &[u8] = b"certificate";

/// Where a device stands with its center.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enrolment {
    Pending,
    Refused { code: String },
    Approved(Box<DeviceCertificate>),
}

/// The certificate that the center gave this device, verified again; `None` where there is none that fits the keys.
///
/// # Errors
/// Storage errors.
pub fn certificate(
    reader: &Reader,
    kit: &SiteKit,
    identity: &DeviceIdentity,
) -> Result<Option<DeviceCertificate>, StoreError> {
    let bytes = reader.get(NS, CERTIFICATE)?;
    Ok(bytes.and_then(|bytes| verified(&bytes, kit, identity)))
}

fn verified(bytes: &[u8], kit: &SiteKit, identity: &DeviceIdentity) -> Option<DeviceCertificate> {
    let certificate = DeviceCertificate::verify(&kit.directory.device_ca, bytes).ok()?;
    let mine = certificate.sign == identity.public()
        && certificate.kem == identity.kem_public()
        && certificate.site == kit.site;
    mine.then_some(certificate)
}

/// Asks to be enrolled, or how it stands. Asked again at every start, so that the center sees one key on two machines.
///
/// # Errors
/// [`UpstreamError`]; a certificate for other keys or of another signer is [`UpstreamError::NotAuthentic`].
pub async fn enrol<U: Upstream>(
    upstream: &U,
    recorder: &Recorder,
    kit: &SiteKit,
    identity: &DeviceIdentity,
    device_name: &str,
    known: bool,
) -> Result<Enrolment, UpstreamError> {
    let request = EnrolRequest {
        device_name: device_name.to_owned(),
        site: kit.site.clone(),
        sign: identity.public(),
        kem: identity.kem_public(),
        machine: crate::machine::machine_hash(kit.root.as_bytes()),
        hub: None,
    };
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
            let certificate =
                verified(&bytes, kit, identity).ok_or_else(|| UpstreamError::NotAuthentic {
                    detail: "device certificate".to_owned(),
                })?;
            if !known {
                let event = Event::Enrolled {
                    device: certificate.device_name.clone(),
                    fingerprint: identity.fingerprint(),
                };
                let keep = Projection::put(NS, CERTIFICATE, bytes);
                recorder
                    .record_with(SYSTEM, None, event, vec![keep])
                    .map_err(|error| UpstreamError::Storage {
                        detail: error.to_string(),
                        full: error == StoreError::Full,
                    })?;
            }
            Ok(Enrolment::Approved(Box::new(certificate)))
        }
    }
}
