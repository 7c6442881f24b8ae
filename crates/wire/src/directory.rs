//! The key directory: the offline root certifies each key of the center for one usage, and nothing else.

use crate::{Signed, WireError};
use fengjuan_envelope::hpke::KemPublic;
use fengjuan_envelope::sign::PublicKey;
use serde::{Deserialize, Serialize};

/// Signed by the root; carried in the site kit, in archives and by `GET /v1/directory`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyDirectory {
    /// Short ASCII name of the center, e.g. `jining`; part of the witness's key name.
    pub center_id: String,
    pub center_name: String,
    /// Rises with every new directory; the highest one that verifies is used.
    pub serial: u64,
    pub made_ms: i64,
    /// Signs sittings, packages, grants and orders.
    pub issuer: PublicKey,
    /// Seals code slips.
    pub release: KemPublic,
    /// Signs device certificates.
    pub device_ca: PublicKey,
    /// The only key that the center's TLS certificate may hold.
    pub tls_server: PublicKey,
    /// Cosigns checkpoints and signs the roll.
    pub witness: PublicKey,
    /// Signs receipts and time.
    pub receipt: PublicKey,
}

impl Signed for KeyDirectory {
    const USAGE: &'static str = "fengjuan/directory/1";
}

impl KeyDirectory {
    /// Name of the witness in signed notes.
    pub fn witness_name(&self) -> String {
        format!("{}/witness", self.center_id)
    }

    /// First line of a device ledger's checkpoints, and the name of the device's key in them.
    pub fn ledger_origin(&self, ledger_id: &[u8; 16]) -> String {
        let hex: String = ledger_id.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}/ledger/{hex}", self.center_id)
    }
}

/// A device that two people approved by its fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceCertificate {
    pub device_name: String,
    pub site: String,
    pub sign: PublicKey,
    pub kem: KemPublic,
    pub approved_ms: i64,
    pub approved_by: String,
}

impl Signed for DeviceCertificate {
    const USAGE: &'static str = "fengjuan/device/1";
}

/// 80 bits over both device keys, in four Crockford groups; compared by two people on two screens.
pub fn device_fingerprint(sign: &PublicKey, kem: &KemPublic) -> String {
    fengjuan_envelope::fingerprint::fingerprint(&[sign.as_bytes(), kem.as_bytes()])
}

/// Text of the root's public file: `fengjuan-root-1 <64 hex digits>`.
pub fn root_to_text(root: &PublicKey) -> String {
    format!(
        "fengjuan-root-1 {}\n",
        crate::Hash32(*root.as_bytes()).hex()
    )
}

/// Reads a root's public file.
pub fn root_from_text(text: &str) -> Result<PublicKey, WireError> {
    let hex = text
        .trim()
        .strip_prefix("fengjuan-root-1 ")
        .ok_or(WireError::Damaged("root public key file"))?;
    let key = crate::Hash32::from_hex(hex).ok_or(WireError::Damaged("root public key file"))?;
    Ok(PublicKey::from_bytes(key.0))
}
