//! Ed25519 signatures (RFC 8032).

use std::fmt;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::byte_string;
use crate::digest::sha256;
use crate::random::RandomError;
use crate::secret::{SecretBytes, SecretKey};

/// The signature is not by this key over this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not valid")]
pub struct SignatureError;

impl SignatureError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "signature.invalid"
    }
}

/// An Ed25519 private key. The seed is erased on drop; the expanded key lives in `ring`, which does
/// not promise to erase it.
#[derive(Clone)]
pub struct SigningKey {
    seed: SecretKey,
    pair: Arc<Ed25519KeyPair>,
    public: PublicKey,
}

impl SigningKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn generate() -> Result<Self, RandomError> {
        Ok(Self::from_secret(SecretKey::random()?))
    }

    /// The key of a 32-byte seed (RFC 8032 §5.1.5).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::from_secret(SecretKey::from_bytes(*seed))
    }

    /// The seed, for an owner-only file.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.seed.as_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut out = [0; 64];
        out.copy_from_slice(self.pair.sign(message).as_ref());
        out
    }

    /// The key as PKCS #8 version 2 (RFC 5958, RFC 8410), DER, for a certificate or a TLS stack.
    #[must_use]
    pub fn to_pkcs8_der(&self) -> SecretBytes {
        const BEFORE_SEED: [u8; 16] = [
            0x30, 0x51, 2, 1, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
        ];
        const BEFORE_PUBLIC: [u8; 3] = [0x81, 0x21, 0];
        let mut der = Vec::with_capacity(83);
        der.extend_from_slice(&BEFORE_SEED);
        der.extend_from_slice(self.seed.as_bytes());
        der.extend_from_slice(&BEFORE_PUBLIC);
        der.extend_from_slice(&self.public.0);
        SecretBytes::new(der)
    }

    fn from_secret(seed: SecretKey) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_bytes())
            .expect("every 32-byte string is an Ed25519 seed");
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        Self {
            seed,
            pair: Arc::new(pair),
            public: PublicKey(public),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {:?})", self.public)
    }
}

/// An Ed25519 public key. In CBOR a byte string of 32 bytes, in text lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicKey(#[serde(with = "byte_string")] [u8; 32]);

impl PublicKey {
    /// Takes 32 bytes as they are; bytes that are no key fail every verification.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Lower-case hex, 64 characters.
    #[must_use]
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }

    /// Reads [`PublicKey::to_hex`].
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// Checks `signature` (64 bytes) over `message`.
    ///
    /// # Errors
    /// [`SignatureError`], whatever the reason.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(message, signature)
            .map_err(|_| SignatureError)
    }

    /// A short name for choosing a key: the first 8 bytes of its SHA-256. It proves nothing.
    #[must_use]
    pub fn key_id(&self) -> [u8; 8] {
        let mut id = [0; 8];
        id.copy_from_slice(&sha256(&self.0)[..8]);
        id
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.to_hex())
    }
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
