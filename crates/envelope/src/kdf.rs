//! Keys from codes, passwords and other keys: Argon2id (RFC 9106) and HKDF-SHA-256 (RFC 5869).

use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64_NOPAD;
use ring::hkdf as ring_hkdf;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::digest::equal_in_constant_time;
use crate::random::{RandomError, random_bytes};
use crate::secret::SecretKey;

mod memory;
mod password;

pub use password::{hash_password, verify_password};

/// Why no key was derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KdfError {
    /// The parameters are weaker than this product issues, or would exhaust the machine.
    #[error("the key derivation parameters are out of bounds")]
    Params,
    /// The memory that the parameters ask for could not be had.
    #[error("not enough memory for the key derivation")]
    OutOfMemory,
    /// The input or the verifier is not of the right form.
    #[error("not a password verifier that this program writes")]
    Malformed,
    /// No random salt could be had.
    #[error("no random salt")]
    Random(#[from] RandomError),
}

impl KdfError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Params => "kdf.params",
            Self::OutOfMemory => "kdf.out_of_memory",
            Self::Malformed => "kdf.malformed",
            Self::Random(_) => "random.unavailable",
        }
    }
}

/// Cost of Argon2id: memory in KiB, passes, lanes.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Argon2Params {
    /// Memory, KiB.
    pub m_kib: u32,
    /// Passes.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

impl Argon2Params {
    /// For authorization codes: the second recommended option of RFC 9106 §4 (64 MiB, 3 passes,
    /// 4 lanes).
    pub const CODE: Self = Self {
        m_kib: 65_536,
        t: 3,
        p: 4,
    };
    /// For staff passwords at the terminal: 19 MiB, 2 passes, 1 lane.
    pub const PASSWORD: Self = Self {
        m_kib: 19_456,
        t: 2,
        p: 1,
    };

    /// Neither below `floor` nor beyond what a terminal of 4 GB can spare.
    fn within(self, floor: Self) -> Result<Self, KdfError> {
        let fits = (floor.m_kib..=262_144).contains(&self.m_kib)
            && (floor.t..=16).contains(&self.t)
            && (floor.p..=16).contains(&self.p);
        if fits {
            Ok(self)
        } else {
            Err(KdfError::Params)
        }
    }
}

/// The key of an authorization code: Argon2id (RFC 9106), version 0x13, 32 bytes. The salt is
/// random and unique to the sitting. `params` come from a file, so they are bounded: at least
/// [`Argon2Params::CODE`], at most 256 MiB, 16 passes, 16 lanes.
///
/// # Errors
/// [`KdfError::Params`], [`KdfError::OutOfMemory`].
pub fn derive(code: &[u8], salt: &[u8; 16], params: Argon2Params) -> Result<SecretKey, KdfError> {
    argon2id(code, salt, params.within(Argon2Params::CODE)?)
}

/// HKDF-SHA-256 (RFC 5869): extract with `salt`, then expand to 32 bytes. Each part of `info` is
/// preceded by its length (32-bit big-endian), so that different lists of parts never run together
/// into the same info.
#[must_use]
pub fn hkdf(ikm: &SecretKey, salt: &[u8], info: &[&[u8]]) -> SecretKey {
    let mut joined = Vec::with_capacity(info.iter().map(|part| part.len() + 4).sum());
    for part in info {
        let length = u32::try_from(part.len()).expect("an info part is a label or an id");
        joined.extend_from_slice(&length.to_be_bytes());
        joined.extend_from_slice(part);
    }
    let mut key = Zeroizing::new([0; 32]);
    hkdf_sha256(ikm.as_bytes(), salt, &joined, key.as_mut());
    SecretKey::from_bytes(*key)
}

struct Length(usize);

impl ring_hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn hkdf_sha256(ikm: &[u8], salt: &[u8], info: &[u8], out: &mut [u8]) {
    ring_hkdf::Salt::new(ring_hkdf::HKDF_SHA256, salt)
        .extract(ikm)
        .expand(&[info], Length(out.len()))
        .and_then(|okm| okm.fill(out))
        .expect("the output is within HKDF-SHA-256's 8,160 bytes");
}

fn argon2id(secret: &[u8], salt: &[u8], params: Argon2Params) -> Result<SecretKey, KdfError> {
    let params =
        Params::new(params.m_kib, params.t, params.p, Some(32)).map_err(|_| KdfError::Params)?;
    let mut memory = memory::Memory::take(params.block_count())?;
    let mut key = Zeroizing::new([0; 32]);
    let outcome = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(secret, salt, key.as_mut(), memory.blocks());
    outcome.map_err(|_| KdfError::Malformed)?;
    Ok(SecretKey::from_bytes(*key))
}

#[cfg(test)]
#[path = "kdf_tests.rs"]
mod tests;
