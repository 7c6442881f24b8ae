//! Enrolment by stick: what TLS proves on the line, a signature proves here.

use crate::upstream::EnrolRequest;
use crate::{Signed, WireError};
use fengjuan_envelope::cbor;
use fengjuan_envelope::cose::{self, CoseError};
use fengjuan_envelope::sign::PublicKey;
use serde::{Deserialize, Serialize};

/// A device's request to be enrolled, signed by the key that it names. It says no time, so that a device which writes
/// it twice writes the same file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarriedRequest {
    /// The key that is to certify the device, by the asker's key directory: a request to one center is none to another.
    pub certifier: PublicKey,
    pub request: EnrolRequest,
}

impl Signed for CarriedRequest {
    const USAGE: &'static str = "fengjuan/enrol-request/1";
}

impl CarriedRequest {
    /// A request that the device which it names has signed.
    ///
    /// # Errors
    /// [`WireError::Signature`], [`WireError::Malformed`].
    pub fn open(bytes: &[u8]) -> Result<CarriedRequest, WireError> {
        let (usage, _, payload) = cose::peek_payload(bytes)?;
        if usage != Self::USAGE {
            return Err(CoseError::Usage.into());
        }
        let named: CarriedRequest = cbor::from_slice(&payload)?;
        Self::verify(&named.request.sign, bytes)
    }
}

/// The center has taken a device out of use: signed by the key that certifies devices. No certificate from before counts
/// for whoever has read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceRevocation {
    pub site: String,
    pub device: PublicKey,
    pub revoked_ms: i64,
}

impl Signed for DeviceRevocation {
    const USAGE: &'static str = "fengjuan/device-revoked/1";
}
