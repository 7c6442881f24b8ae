//! A grant lets one device open one sitting: HPKE(device) around the keys wrapped under Argon2id(code). Both the
//! device's key and the code are needed; there is no verifier of the code but decryption.

use crate::{Hash32, Signed, WireError};
use fengjuan_envelope::hpke::{self, KemPublic, KemSecret};
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_envelope::{cbor, seal};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    pub site: String,
    pub sitting_no: String,
    pub version: u32,
    pub device: PublicKey,
    /// HPKE(device KEM key) around `seal(Argon2id(code), SittingKeys)`.
    #[serde(with = "serde_bytes")]
    pub locked_keys: Vec<u8>,
    /// HPKE(device KEM key) around [`RosterKeys`]: the day before, without the code.
    #[serde(with = "serde_bytes")]
    pub roster_keys: Vec<u8>,
}

impl Signed for Grant {
    const USAGE: &'static str = "fengjuan/grant/1";
}

/// Everything that a code opens. Lives in memory only.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct SittingKeys {
    #[serde(with = "fengjuan_envelope::byte_string")]
    pub snapshot_seed: [u8; 32],
    #[serde(with = "fengjuan_envelope::byte_string")]
    pub draw_seed: [u8; 32],
    pub packages: Vec<PackageKeys>,
}

#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct PackageKeys {
    pub class_no: String,
    /// Opens index, items and pictures, and derives the attempt keys.
    #[serde(with = "fengjuan_envelope::byte_string")]
    pub paper_key: [u8; 32],
    /// Present only where the plan releases answers on site.
    #[serde(with = "optional_key")]
    pub answers_key: Option<[u8; 32]>,
}

/// A key as a byte string, or null.
mod optional_key {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Key(#[serde(with = "fengjuan_envelope::byte_string")] [u8; 32]);

    pub fn serialize<S: Serializer>(key: &Option<[u8; 32]>, to: S) -> Result<S::Ok, S::Error> {
        key.map(Key).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<[u8; 32]>, D::Error> {
        Ok(Option::<Key>::deserialize(from)?.map(|key| key.0))
    }
}

/// Opens the roster sections of every class group of the sitting.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct RosterKeys {
    pub keys: Vec<RosterKey>,
}

#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct RosterKey {
    pub class_no: String,
    #[serde(with = "fengjuan_envelope::byte_string")]
    pub key: [u8; 32],
}

const LOCKED_INFO: &[u8] = b"fengjuan/locked-keys/1";
const ROSTER_INFO: &[u8] = b"fengjuan/roster-keys/1";

/// What every wrap of a sitting's keys is bound to.
pub fn sitting_context(site: &str, sitting_no: &str, version: u32) -> Result<Vec<u8>, WireError> {
    let context = cbor::to_vec(&(crate::SUITE, "sitting", site, sitting_no, version))?;
    Ok(fengjuan_envelope::sha256(&context).to_vec())
}

/// The center's half: wraps the keys under the code once, for all devices.
pub fn lock_keys(
    keys: &SittingKeys,
    code_key: &SecretKey,
    context: &[u8],
) -> Result<Vec<u8>, WireError> {
    let mut plain = cbor::to_vec(keys)?;
    let locked = seal::seal(code_key, context, &plain);
    plain.zeroize();
    Ok(locked?)
}

/// Re-wraps the locked blob for one device; whoever does this need not know the code.
pub fn grant_locked(
    locked: &[u8],
    device: &KemPublic,
    context: &[u8],
) -> Result<Vec<u8>, WireError> {
    Ok(hpke::seal_to(device, LOCKED_INFO, context, locked)?)
}

pub fn grant_roster(
    keys: &RosterKeys,
    device: &KemPublic,
    context: &[u8],
) -> Result<Vec<u8>, WireError> {
    let mut plain = cbor::to_vec(keys)?;
    let sealed = hpke::seal_to(device, ROSTER_INFO, context, &plain);
    plain.zeroize();
    Ok(sealed?)
}

impl Grant {
    fn context(&self) -> Result<Vec<u8>, WireError> {
        sitting_context(&self.site, &self.sitting_no, self.version)
    }

    /// Takes the device's layer off; what is left still needs the code.
    pub fn locked(&self, device: &KemSecret) -> Result<Vec<u8>, WireError> {
        Ok(hpke::open_from(device, LOCKED_INFO, &self.context()?, &self.locked_keys)?.to_vec())
    }

    /// Opens the keys with Argon2id(code). A wrong code is `WireError::Seal(SealError::WrongKey)`.
    pub fn unlock(
        &self,
        device: &KemSecret,
        code_key: &SecretKey,
    ) -> Result<SittingKeys, WireError> {
        let plain = seal::open(code_key, &self.context()?, &self.locked(device)?)?;
        Ok(cbor::from_slice(&plain)?)
    }

    pub fn roster(&self, device: &KemSecret) -> Result<RosterKeys, WireError> {
        let plain = hpke::open_from(device, ROSTER_INFO, &self.context()?, &self.roster_keys)?;
        Ok(cbor::from_slice(&plain)?)
    }
}

/// The center's copy of a sitting's code, sealed to the release key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeSlip {
    pub sitting_no: String,
    pub version: u32,
    #[serde(with = "serde_bytes")]
    pub sealed: Vec<u8>,
}

/// Hash by which a grant is offered and fetched.
pub fn grant_hash(bytes: &[u8]) -> Hash32 {
    crate::hash(bytes)
}
