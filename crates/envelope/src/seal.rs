//! Encryption under a shared key: C2SP `chunked-encryption@v1`, instantiated with SHA-512 and
//! AES-256-GCM.
//!
//! Layout: 24-byte random salt, 32-byte commitment, then AES-256-GCM ciphertexts of 16 KiB chunks,
//! the last of which is always shorter (and may be empty). Key, base nonce and commitment come from
//! HKDF-Expand over the input key, the salt and the caller's context, so that every message has a
//! key of its own and the input key may be used for any number of messages. The chunk number is
//! XORed into the nonce: a dropped, doubled, swapped or appended chunk does not open. The
//! commitment binds a ciphertext to one key and one context.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf;
use zeroize::Zeroizing;

use crate::digest::equal_in_constant_time;
use crate::random::{RandomError, random_bytes};
use crate::secret::{SecretBytes, SecretKey};

const LABEL: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";
const SALT: usize = 24;
const COMMITMENT: usize = 32;
const PREFIX: usize = SALT + COMMITMENT;
const TAG: usize = 16;

/// Plaintext bytes in every chunk but the last.
pub const CHUNK: usize = 16 * 1024;

/// Bytes that sealing adds to a message shorter than one chunk. Every further chunk adds 16.
pub const OVERHEAD_FIRST: usize = PREFIX + TAG;

/// Why a message was not sealed or opened. Nothing of the plaintext is ever returned with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The commitment belongs to another key or another context (or the salt was changed).
    #[error("the message was sealed under another key or for another context")]
    WrongKey,
    /// Key and context are right, the ciphertext is not what was sealed: changed, shortened,
    /// extended or reordered; or too short to hold even an empty message.
    #[error("the sealed message is damaged")]
    Corrupt,
    /// No random salt could be had.
    #[error("no random salt")]
    Random(#[from] RandomError),
}

impl SealError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongKey => "seal.wrong_key",
            Self::Corrupt => "seal.corrupt",
            Self::Random(_) => "random.unavailable",
        }
    }
}

/// Length in bytes of the sealed form of `plain_len` bytes.
#[must_use]
pub fn sealed_len(plain_len: usize) -> usize {
    PREFIX + plain_len + (plain_len / CHUNK + 1) * TAG
}

/// Length in bytes of what a sealed message of `sealed_len` bytes holds, or `None` where no message
/// has that length.
#[must_use]
pub fn plain_len(sealed_len: usize) -> Option<usize> {
    let body = sealed_len.checked_sub(PREFIX)?;
    let last = (body % (CHUNK + TAG)).checked_sub(TAG)?;
    Some(body / (CHUNK + TAG) * CHUNK + last)
}

/// Seals `plain` under `key`. `context` is not stored: the reader must know it.
///
/// # Errors
/// [`SealError::Random`] only.
pub fn seal(key: &SecretKey, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let salt = random_bytes()?;
    seal_with_salt(key, context, plain, &salt)
}

/// Opens what [`seal`] made under the same key and context.
///
/// # Errors
/// [`SealError::WrongKey`] before anything is decrypted; [`SealError::Corrupt`] otherwise.
pub fn open(key: &SecretKey, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, SealError> {
    let plain_len = plain_len(sealed.len()).ok_or(SealError::Corrupt)?;
    let (salt, rest) = sealed
        .split_first_chunk::<SALT>()
        .ok_or(SealError::Corrupt)?;
    let (commitment, body) = rest
        .split_first_chunk::<COMMITMENT>()
        .ok_or(SealError::Corrupt)?;
    let message = Message::derive(key, context, salt);
    if !equal_in_constant_time(&message.commitment, commitment) {
        return Err(SealError::WrongKey);
    }
    let mut plain = SecretBytes::new(Vec::with_capacity(plain_len + TAG));
    // `chunks` of an exact multiple would leave out an empty last chunk, but that chunk still has
    // its tag, and `plain_len` refused every length at which it is missing.
    for (number, chunk) in body.chunks(CHUNK + TAG).enumerate() {
        let out = plain.buffer();
        let start = out.len();
        out.extend_from_slice(chunk);
        let opened = message
            .aead
            .open_in_place(message.nonce(number), Aad::empty(), &mut out[start..])
            .map_err(|_| SealError::Corrupt)?
            .len();
        out.truncate(start + opened);
    }
    Ok(plain)
}

/// The salt must never repeat for a key, so it is not the caller's to choose.
fn seal_with_salt(
    key: &SecretKey,
    context: &[u8],
    plain: &[u8],
    salt: &[u8; SALT],
) -> Result<Vec<u8>, SealError> {
    let message = Message::derive(key, context, salt);
    let mut sealed = Vec::with_capacity(sealed_len(plain.len()));
    sealed.extend_from_slice(salt);
    sealed.extend_from_slice(&message.commitment);
    let mut rest = plain;
    for number in 0.. {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK));
        rest = after;
        let start = sealed.len();
        sealed.extend_from_slice(chunk);
        let tag = message
            .aead
            .seal_in_place_separate_tag(message.nonce(number), Aad::empty(), &mut sealed[start..])
            .map_err(|_| SealError::Corrupt)?;
        sealed.extend_from_slice(tag.as_ref());
        if chunk.len() < CHUNK {
            break;
        }
    }
    Ok(sealed)
}

/// What HKDF-Expand gives for one salt and context.
struct Message {
    aead: LessSafeKey,
    base_nonce: [u8; 12],
    commitment: [u8; COMMITMENT],
}

struct Material;

impl hkdf::KeyType for Material {
    fn len(&self) -> usize {
        32 + 12 + COMMITMENT
    }
}

impl Message {
    fn derive(key: &SecretKey, context: &[u8], salt: &[u8; SALT]) -> Self {
        let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA512, key.as_bytes());
        let info = [LABEL, salt, context];
        let mut material = Zeroizing::new([0; 32 + 12 + COMMITMENT]);
        prk.expand(&info, Material)
            .and_then(|okm| okm.fill(material.as_mut()))
            .expect("76 bytes is within HKDF-SHA-512's 16,320");
        let unbound = UnboundKey::new(&AES_256_GCM, &material[..32]).expect("the key has 32 bytes");
        let mut base_nonce = [0; 12];
        base_nonce.copy_from_slice(&material[32..44]);
        let mut commitment = [0; COMMITMENT];
        commitment.copy_from_slice(&material[44..]);
        Self {
            aead: LessSafeKey::new(unbound),
            base_nonce,
            commitment,
        }
    }

    /// The specification's limit of 2^38 chunks (4 PiB) is beyond any slice.
    fn nonce(&self, number: usize) -> Nonce {
        let mut nonce = self.base_nonce;
        for (byte, counter) in nonce[4..].iter_mut().zip((number as u64).to_be_bytes()) {
            *byte ^= counter;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
