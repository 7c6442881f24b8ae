//! Messages and file formats, versioned by their usage names. Everything signed is COSE_Sign1 over deterministic
//! CBOR; checkpoints are C2SP signed notes. Each type says what it binds, so that a piece of one sitting cannot
//! be passed off as a piece of another.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bundle;
pub mod courier;
pub mod delegation;
pub mod directory;
pub mod enrolment;
pub mod entry;
pub mod follow;
pub mod grant;
pub mod order;
pub mod package;
pub mod report;
pub mod room;
pub mod sitting;
pub mod upstream;

use fengjuan_envelope::cose::CoseError;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_envelope::{cbor, cose};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use fengjuan_core::event::Hash32;

/// The suite of every sealed object, so that another one (SM2/SM3/SM4) can take its place by name.
pub const SUITE: &str = "FJ1-P256-CHACHA-AES256GCM-HKDF512-ED25519";

/// What a document's signature or shape can get wrong.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("not a valid message: {0}")]
    Malformed(#[from] cbor::CborError),
    #[error("signature refused: {0}")]
    Signature(#[from] CoseError),
    #[error("the key directory holds no key for {0}")]
    NoKey(&'static str),
    #[error("unsupported format or suite {0}")]
    Unsupported(String),
    #[error("belongs to another {0}")]
    Mismatch(&'static str),
    #[error("the {0} has expired")]
    Expired(&'static str),
    #[error("decryption refused: {0}")]
    Seal(#[from] fengjuan_envelope::seal::SealError),
    #[error("key decryption refused: {0}")]
    Hpke(#[from] fengjuan_envelope::hpke::HpkeError),
    #[error("truncated or damaged: {0}")]
    Damaged(&'static str),
    #[error("file: {0}")]
    Io(#[from] std::io::Error),
    #[error("no randomness: {0}")]
    Random(#[from] fengjuan_envelope::RandomError),
}

impl WireError {
    /// Stable name that the screens map to words.
    pub fn code(&self) -> &'static str {
        match self {
            WireError::Malformed(_) => "wire.malformed",
            WireError::Signature(_) => "wire.signature",
            WireError::NoKey(_) => "wire.no_key",
            WireError::Unsupported(_) => "wire.unsupported",
            WireError::Mismatch(_) => "wire.mismatch",
            WireError::Expired(_) => "wire.expired",
            WireError::Seal(_) | WireError::Hpke(_) => "wire.sealed",
            WireError::Damaged(_) => "wire.damaged",
            WireError::Io(_) => "wire.io",
            WireError::Random(_) => "wire.random",
        }
    }
}

/// A document that names the usage under which it is signed. A key may sign only usages that the directory
/// (or the document that certifies it) gives to it.
pub trait Signed: Serialize + DeserializeOwned {
    const USAGE: &'static str;

    fn sign(&self, key: &SigningKey) -> Result<Vec<u8>, WireError> {
        Ok(cose::sign1(key, Self::USAGE, &cbor::to_vec(self)?)?)
    }
    fn verify(key: &PublicKey, bytes: &[u8]) -> Result<Self, WireError> {
        Ok(cbor::from_slice(&cose::verify1(key, Self::USAGE, bytes)?)?)
    }
}

/// SHA-256 as the type that messages carry.
pub fn hash(bytes: &[u8]) -> Hash32 {
    Hash32(fengjuan_envelope::sha256(bytes))
}
