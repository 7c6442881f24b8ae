//! Signed objects: COSE_Sign1 (RFC 9052 §4.2) over Ed25519, tagged 18, in deterministic CBOR.
//!
//! The protected header holds exactly three parameters: algorithm EdDSA, content type (the *usage*:
//! what the payload is), and key id. The unprotected header is empty. A verifier names the usage
//! that it expects, so that an object signed as one thing never passes for another.

use ciborium::Value;

use crate::cbor::{self, CborError};
use crate::sign::{PublicKey, SigningKey};

/// The head of tag 18, COSE_Sign1. It stands before the object and not inside the CBOR subset.
const TAG_SIGN1: u8 = 0xd2;
const ALGORITHM: i64 = 1;
const CONTENT_TYPE: i64 = 3;
const KEY_ID: i64 = 4;
const EDDSA: i64 = -8;
const LONGEST_USAGE: usize = 100;

/// Why an object was not signed or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoseError {
    /// Not deterministic CBOR.
    #[error("the signed object is not deterministic CBOR")]
    Cbor(#[from] CborError),
    /// Not a COSE_Sign1 with exactly the expected headers.
    #[error("not a signed object of the expected form")]
    Shape,
    /// Signed with an algorithm other than EdDSA.
    #[error("signed with another algorithm")]
    Algorithm,
    /// The object is for another usage.
    #[error("the signed object is for another usage")]
    Usage,
    /// Signed by another key.
    #[error("signed by another key")]
    KeyId,
    /// The signature does not verify.
    #[error("the signature is not valid")]
    Signature,
}

impl CoseError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Cbor(_) => "cose.cbor",
            Self::Shape => "cose.shape",
            Self::Algorithm => "cose.algorithm",
            Self::Usage => "cose.usage",
            Self::KeyId => "cose.key_id",
            Self::Signature => "cose.signature",
        }
    }
}

/// Signs `payload` as a `usage`: 1 to 100 visible ASCII characters, by RFC 9052 §3.1 of the form
/// of a media type.
///
/// # Errors
/// [`CoseError::Usage`] when the usage is not of that form.
pub fn sign1(key: &SigningKey, usage: &str, payload: &[u8]) -> Result<Vec<u8>, CoseError> {
    if !usage_is_valid(usage) {
        return Err(CoseError::Usage);
    }
    let protected = protected_header(usage, key.public().key_id())?;
    let signature = key.sign(&to_be_signed(&protected, payload)?);
    let parts = vec![
        Value::Bytes(protected),
        Value::Map(Vec::new()),
        Value::Bytes(payload.to_vec()),
        Value::Bytes(signature.to_vec()),
    ];
    let mut object = vec![TAG_SIGN1];
    object.append(&mut cbor::to_vec(&Value::Array(parts))?);
    Ok(object)
}

/// The payload of `bytes`, if `key` signed it as a `usage`.
///
/// # Errors
/// Says which of the conditions failed; the signature is looked at last.
pub fn verify1(key: &PublicKey, usage: &str, bytes: &[u8]) -> Result<Vec<u8>, CoseError> {
    let object = Sign1::read(bytes)?;
    if object.usage != usage {
        return Err(CoseError::Usage);
    }
    if object.key_id != key.key_id() {
        return Err(CoseError::KeyId);
    }
    key.verify(
        &to_be_signed(&object.protected, &object.payload)?,
        &object.signature,
    )
    .map_err(|_| CoseError::Signature)?;
    Ok(object.payload)
}

/// Usage, key id and payload of an object that nobody has verified: good for choosing a key, and
/// for nothing else.
///
/// # Errors
/// When the bytes have not the form of a signed object.
pub fn peek_payload(bytes: &[u8]) -> Result<(String, [u8; 8], Vec<u8>), CoseError> {
    let object = Sign1::read(bytes)?;
    Ok((object.usage, object.key_id, object.payload))
}

struct Sign1 {
    protected: Vec<u8>,
    usage: String,
    key_id: [u8; 8],
    payload: Vec<u8>,
    signature: [u8; 64],
}

impl Sign1 {
    fn read(bytes: &[u8]) -> Result<Self, CoseError> {
        let [TAG_SIGN1, untagged @ ..] = bytes else {
            return Err(CoseError::Shape);
        };
        let Value::Array(parts) = cbor::from_slice(untagged)? else {
            return Err(CoseError::Shape);
        };
        let parts: [Value; 4] = parts.try_into().map_err(|_| CoseError::Shape)?;
        let [
            Value::Bytes(protected),
            Value::Map(unprotected),
            Value::Bytes(payload),
            Value::Bytes(signature),
        ] = parts
        else {
            return Err(CoseError::Shape);
        };
        if !unprotected.is_empty() {
            return Err(CoseError::Shape);
        }
        let signature = signature.try_into().map_err(|_| CoseError::Shape)?;
        let (usage, key_id) = read_protected(&protected)?;
        Ok(Self {
            protected,
            usage,
            key_id,
            payload,
            signature,
        })
    }
}

fn read_protected(protected: &[u8]) -> Result<(String, [u8; 8]), CoseError> {
    let Value::Map(entries) = cbor::from_slice(protected)? else {
        return Err(CoseError::Shape);
    };
    // Deterministic encoding sorts the labels, so that their order here is known.
    let entries: [(Value, Value); 3] = entries.try_into().map_err(|_| CoseError::Shape)?;
    let [
        (algorithm_label, algorithm),
        (type_label, usage),
        (id_label, key_id),
    ] = entries;
    let labels = [algorithm_label, type_label, id_label];
    if labels != [ALGORITHM, CONTENT_TYPE, KEY_ID].map(Value::from) {
        return Err(CoseError::Shape);
    }
    if algorithm != Value::from(EDDSA) {
        return Err(CoseError::Algorithm);
    }
    let (Value::Text(usage), Value::Bytes(key_id)) = (usage, key_id) else {
        return Err(CoseError::Shape);
    };
    if !usage_is_valid(&usage) {
        return Err(CoseError::Usage);
    }
    Ok((usage, key_id.try_into().map_err(|_| CoseError::Shape)?))
}

fn protected_header(usage: &str, key_id: [u8; 8]) -> Result<Vec<u8>, CoseError> {
    let entries = vec![
        (Value::from(ALGORITHM), Value::from(EDDSA)),
        (Value::from(CONTENT_TYPE), Value::from(usage)),
        (Value::from(KEY_ID), Value::Bytes(key_id.to_vec())),
    ];
    Ok(cbor::to_vec(&Value::Map(entries))?)
}

/// Sig_structure of RFC 9052 §4.4, with no external data.
fn to_be_signed(protected: &[u8], payload: &[u8]) -> Result<Vec<u8>, CoseError> {
    let parts = vec![
        Value::from("Signature1"),
        Value::Bytes(protected.to_vec()),
        Value::Bytes(Vec::new()),
        Value::Bytes(payload.to_vec()),
    ];
    Ok(cbor::to_vec(&Value::Array(parts))?)
}

fn usage_is_valid(usage: &str) -> bool {
    (1..=LONGEST_USAGE).contains(&usage.len()) && usage.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
#[path = "cose_tests.rs"]
mod tests;
