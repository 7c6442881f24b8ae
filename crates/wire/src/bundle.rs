//! Sealed objects on their way up: pictures, and the bundle of an attempt. Each is signed by the device,
//! encrypted under a fresh key to the sitting's results key, and addressed by the hash of its bytes.

use crate::{Hash32, Signed, WireError};
use fengjuan_core::event::PictureUse;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::lease::CarryPoint;
use fengjuan_envelope::hpke::{self, KemPublic, KemSecret};
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_envelope::{cbor, cose, seal};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The outside of a sealed object: what a courier or a hub may know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedObject {
    pub suite: String,
    pub kind: ObjectKind,
    pub site: String,
    pub sitting_no: String,
    pub version: u32,
    pub device: PublicKey,
    /// HPKE(results key) around the fresh key of this object.
    #[serde(with = "serde_bytes")]
    pub wrapped_key: Vec<u8>,
    /// `seal(fresh key, context, COSE_Sign1(device))`.
    #[serde(with = "serde_bytes")]
    pub sealed: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    Bundle,
    Picture,
}

/// An attempt, or a seat that ended without one, as the center receives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    pub site: String,
    pub sitting_no: String,
    pub version: u32,
    pub class_no: String,
    /// Package that the attempt was drawn from.
    pub package: Hash32,
    #[serde(with = "serde_bytes")]
    pub attempt_id: Vec<u8>,
    pub attempt_no: u32,
    pub ticket_no: String,
    /// Fencing number of the seat that wrote it; 1 in direct mode.
    pub lease: u64,
    /// 1, then n+1 for each addition.
    pub bundle_no: u32,
    #[serde(with = "serde_bytes")]
    pub ledger_id: Vec<u8>,
    /// Every entry of the attempt in this ledger, exactly as stored.
    pub entries: Vec<ByteBuf>,
    /// One for each earlier lease, in their order, where the attempt has moved here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<Carried>,
    /// Signed note that covers the last of them.
    pub checkpoint: String,
    pub pictures: Vec<PictureRef>,
    pub outcome: Outcome,
    pub sealed_ms: ExamMs,
}

/// An earlier lease of the attempt, and what goes on from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    pub point: CarryPoint,
    /// The attempt's entries under that lease below the carry point, exactly as stored there; none where that was in the
    /// bundle's own ledger, whose entries are all in the bundle.
    pub entries: Vec<ByteBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    Attempted {
        site_half_points: Option<u32>,
    },
    /// Never came.
    Absent {},
    /// Staff stamped the arrival, and nobody ever sat down.
    ArrivedNotSeated {},
    NotAdmitted {},
    LateRefused {},
}

/// A picture's place in the ledger: the leaf holds the salted hash, so the picture can be erased lawfully.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureRef {
    pub object: Hash32,
    pub salted: Hash32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    #[serde(with = "serde_bytes")]
    pub attempt_id: Vec<u8>,
    pub usage: PictureUse,
    pub taken_ms: ExamMs,
    pub due_ms: Option<ExamMs>,
    pub pattern: bool,
    #[serde(with = "serde_bytes")]
    pub salt: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub jpeg: Vec<u8>,
}

impl Signed for Bundle {
    const USAGE: &'static str = "fengjuan/bundle/1";
}
impl Signed for Picture {
    const USAGE: &'static str = "fengjuan/picture/1";
}

impl Picture {
    /// SHA-256(salt ‖ jpeg): what the ledger's leaf holds.
    pub fn salted_hash(&self) -> Hash32 {
        let mut joined = self.salt.clone();
        joined.extend_from_slice(&self.jpeg);
        crate::hash(&joined)
    }
}

/// Where a sealed object belongs; part of its encryption context.
#[derive(Clone, Debug)]
pub struct ObjectPlace {
    pub kind: ObjectKind,
    pub site: String,
    pub sitting_no: String,
    pub version: u32,
}

const KEY_INFO: &[u8] = b"fengjuan/object-key/1";

fn context(place: &ObjectPlace, device: &PublicKey) -> Result<Vec<u8>, WireError> {
    let parts = (
        crate::SUITE,
        place.kind,
        &place.site,
        &place.sitting_no,
        place.version,
        device,
    );
    Ok(fengjuan_envelope::sha256(&cbor::to_vec(&parts)?).to_vec())
}

/// Signs, encrypts and encodes; returns the object's bytes and its address.
pub fn seal_object<T: Signed>(
    content: &T,
    place: &ObjectPlace,
    device: &SigningKey,
    results: &KemPublic,
) -> Result<(Hash32, Vec<u8>), WireError> {
    let signer = device.public();
    let context = context(place, &signer)?;
    let key = SecretKey::random()?;
    let object = SealedObject {
        suite: crate::SUITE.to_owned(),
        kind: place.kind,
        site: place.site.clone(),
        sitting_no: place.sitting_no.clone(),
        version: place.version,
        device: signer,
        wrapped_key: hpke::seal_to(results, KEY_INFO, &context, key.as_bytes())?,
        sealed: seal::seal(&key, &context, &content.sign(device)?)?,
    };
    let bytes = cbor::to_vec(&object)?;
    Ok((crate::hash(&bytes), bytes))
}

impl SealedObject {
    pub fn from_bytes(bytes: &[u8]) -> Result<SealedObject, WireError> {
        let object: SealedObject = cbor::from_slice(bytes)?;
        if object.suite != crate::SUITE {
            return Err(WireError::Unsupported(object.suite));
        }
        Ok(object)
    }

    /// Decrypts and verifies the sender. The caller still checks that `device` is one that it knows.
    pub fn open<T: Signed>(&self, results: &KemSecret) -> Result<T, WireError> {
        let place = ObjectPlace {
            kind: self.kind,
            site: self.site.clone(),
            sitting_no: self.sitting_no.clone(),
            version: self.version,
        };
        let context = context(&place, &self.device)?;
        let key = hpke::open_from(results, KEY_INFO, &context, &self.wrapped_key)?;
        let key: [u8; 32] = key
            .as_ref()
            .try_into()
            .map_err(|_| WireError::Damaged("object key"))?;
        let signed = seal::open(&SecretKey::from_bytes(key), &context, &self.sealed)?;
        let payload = cose::verify1(&self.device, T::USAGE, &signed)?;
        Ok(cbor::from_slice(&payload)?)
    }
}

/// "Synced" means this, verified, and nothing less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub object: Hash32,
    pub bytes: u64,
    pub received_ms: i64,
    /// Position in the receiver's own log of received objects.
    pub position: u64,
    pub receiver: String,
}

impl Signed for Receipt {
    const USAGE: &'static str = "fengjuan/receipt/1";
}
