//! Encryption to a public key: HPKE (RFC 9180) in Base mode with DHKEM(P-256, HKDF-SHA256),
//! HKDF-SHA256 and ChaCha20Poly1305. Every message has its own ephemeral key. Base mode says
//! nothing about the sender: whoever must be known signs.

use std::convert::Infallible;
use std::fmt;

use ::hpke::aead::ChaCha20Poly1305;
use ::hpke::kdf::HkdfSha256;
use ::hpke::kem::DhP256HkdfSha256;
use ::hpke::rand_core::{TryCryptoRng, TryRng};
use ::hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open,
    single_shot_seal_with_rng,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use zeroize::Zeroizing;

use crate::byte_string;
use crate::random::{RandomError, random_bytes};
use crate::secret::{SecretBytes, SecretKey};

type Suite = DhP256HkdfSha256;

const ENCAPSULATED: usize = 65;
const TAG: usize = 16;

/// Bytes that [`seal_to`] adds: the encapsulated key and the tag.
pub const OVERHEAD: usize = ENCAPSULATED + TAG;

/// Why nothing was sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HpkeError {
    /// The bytes are not a P-256 private key (1 to the group order, 32 bytes).
    #[error("not a P-256 private key")]
    BadSecret,
    /// The bytes are not an uncompressed point of P-256 (65 bytes).
    #[error("not a P-256 public key")]
    BadPublic,
    /// Too short, or its encapsulated key is not a point of the curve.
    #[error("not an HPKE message")]
    Malformed,
    /// Sealed to another key, with another info or aad, or changed.
    #[error("the message does not open with this key")]
    Unopened,
    /// Sealing failed.
    #[error("the message could not be sealed")]
    Unsealed,
    /// No random ephemeral key could be had.
    #[error("no random ephemeral key")]
    Random(#[from] RandomError),
}

impl HpkeError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadSecret => "hpke.bad_secret",
            Self::BadPublic => "hpke.bad_public",
            Self::Malformed => "hpke.malformed",
            Self::Unopened => "hpke.unopened",
            Self::Unsealed => "hpke.unsealed",
            Self::Random(_) => "random.unavailable",
        }
    }
}

/// A P-256 public key as an uncompressed SEC 1 point; always a valid point of the curve.
/// In CBOR a byte string of 65 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KemPublic([u8; 65]);

impl KemPublic {
    /// Checks that `bytes` is a point of the curve, uncompressed.
    ///
    /// # Errors
    /// [`HpkeError::BadPublic`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HpkeError> {
        let exact: [u8; 65] = bytes.try_into().map_err(|_| HpkeError::BadPublic)?;
        <Suite as Kem>::PublicKey::from_bytes(bytes).map_err(|_| HpkeError::BadPublic)?;
        Ok(Self(exact))
    }

    /// The point.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 65] {
        &self.0
    }

    fn of(key: &<Suite as Kem>::PublicKey) -> Self {
        let mut bytes = [0; 65];
        key.write_exact(&mut bytes);
        Self(bytes)
    }
}

impl fmt::Debug for KemPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "KemPublic({})",
            data_encoding::HEXLOWER.encode(&self.0[1..9])
        )
    }
}

impl Serialize for KemPublic {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        byte_string::serialize(&self.0, to)
    }
}

impl<'de> Deserialize<'de> for KemPublic {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes: [u8; 65] = byte_string::deserialize(from)?;
        Self::from_bytes(&bytes).map_err(D::Error::custom)
    }
}

/// A P-256 private key, erased on drop.
#[derive(Clone)]
pub struct KemSecret {
    scalar: SecretKey,
    public: KemPublic,
}

impl KemSecret {
    /// A fresh key pair: DeriveKeyPair (RFC 9180 §7.1.3) over 32 random bytes.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn generate() -> Result<Self, RandomError> {
        let ikm = Zeroizing::new(random_bytes::<32>()?);
        Ok(Self::derive(ikm.as_ref()))
    }

    /// Reads a 32-byte scalar, as [`KemSecret::to_bytes`] writes it.
    ///
    /// # Errors
    /// [`HpkeError::BadSecret`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HpkeError> {
        let private =
            <Suite as Kem>::PrivateKey::from_bytes(bytes).map_err(|_| HpkeError::BadSecret)?;
        let public = Suite::sk_to_pk(&private);
        Ok(Self::of(&private, &public))
    }

    /// The scalar, for an owner-only file.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.scalar.as_bytes())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> KemPublic {
        self.public
    }

    fn derive(ikm: &[u8]) -> Self {
        let (private, public) = Suite::derive_keypair(ikm);
        Self::of(&private, &public)
    }

    fn of(private: &<Suite as Kem>::PrivateKey, public: &<Suite as Kem>::PublicKey) -> Self {
        let mut scalar = Zeroizing::new([0; 32]);
        private.write_exact(scalar.as_mut());
        Self {
            scalar: SecretKey::from_bytes(*scalar),
            public: KemPublic::of(public),
        }
    }
}

impl fmt::Debug for KemSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KemSecret(of {:?})", self.public)
    }
}

/// SealBase (RFC 9180 §6.1): the encapsulated key (65 bytes) followed by the ciphertext.
///
/// # Errors
/// [`HpkeError::Random`], or [`HpkeError::Unsealed`] should the primitive refuse.
pub fn seal_to(
    to: &KemPublic,
    info: &[u8],
    aad: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, HpkeError> {
    let ephemeral = Zeroizing::new(random_bytes::<32>()?);
    seal_with_ephemeral(to, info, aad, plain, &ephemeral)
}

/// OpenBase (RFC 9180 §6.1) of what [`seal_to`] made with the same `info` and `aad`.
///
/// # Errors
/// [`HpkeError::Malformed`] or [`HpkeError::Unopened`].
pub fn open_from(
    secret: &KemSecret,
    info: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<SecretBytes, HpkeError> {
    if sealed.len() < OVERHEAD {
        return Err(HpkeError::Malformed);
    }
    let (encapsulated, ciphertext) = sealed.split_at(ENCAPSULATED);
    let encapsulated =
        <Suite as Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| HpkeError::Malformed)?;
    let private = <Suite as Kem>::PrivateKey::from_bytes(secret.scalar.as_bytes())
        .map_err(|_| HpkeError::BadSecret)?;
    single_shot_open::<ChaCha20Poly1305, HkdfSha256, Suite>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        info,
        ciphertext,
        aad,
    )
    .map(SecretBytes::new)
    .map_err(|_| HpkeError::Unopened)
}

fn seal_with_ephemeral(
    to: &KemPublic,
    info: &[u8],
    aad: &[u8],
    plain: &[u8],
    ikm: &[u8; 32],
) -> Result<Vec<u8>, HpkeError> {
    let to = <Suite as Kem>::PublicKey::from_bytes(&to.0).map_err(|_| HpkeError::BadPublic)?;
    let mut once = OneDraw {
        ikm: Zeroizing::new(*ikm),
        drawn: false,
        exhausted: false,
    };
    let (encapsulated, ciphertext) =
        single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Suite>(
            &OpModeS::Base,
            &to,
            info,
            plain,
            aad,
            &mut once,
        )
        .map_err(|_| HpkeError::Unsealed)?;
    if once.exhausted || !once.drawn {
        return Err(HpkeError::Unsealed);
    }
    let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
    sealed.extend_from_slice(&encapsulated.to_bytes());
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed)
}

/// Hands the ephemeral key material, drawn beforehand, to a library that would panic where the
/// generator fails. It can be asked exactly once; anything else spoils the message.
struct OneDraw {
    ikm: Zeroizing<[u8; 32]>,
    drawn: bool,
    exhausted: bool,
}

impl TryRng for OneDraw {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.exhausted = true;
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.exhausted = true;
        Ok(0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        if self.drawn || out.len() != self.ikm.len() {
            self.exhausted = true;
        } else {
            out.copy_from_slice(self.ikm.as_ref());
            self.drawn = true;
        }
        Ok(())
    }
}

impl TryCryptoRng for OneDraw {}

#[cfg(test)]
#[path = "hpke_tests.rs"]
mod tests;
