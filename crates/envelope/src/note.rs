//! Checkpoints of a log as text: C2SP signed-note, tlog-checkpoint and tlog-cosignature
//! (`cosignature/v1`).

use data_encoding::BASE64;

use crate::digest::sha256;
use crate::sign::{PublicKey, SigningKey};

mod text;

use text::{Note, Signature};

/// Signature type of a plain Ed25519 note signature.
pub const TYPE_ED25519: u8 = 0x01;
/// Signature type of a timestamped Ed25519 cosignature.
pub const TYPE_COSIGNATURE: u8 = 0x04;

const LATEST: u64 = i64::MAX as u64;

/// Why a note was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a signed note, or larger than this program reads.
    #[error("not a signed note")]
    Malformed,
    /// A signed note whose text is not a checkpoint.
    #[error("not a checkpoint")]
    NotACheckpoint,
    /// A key name that is empty or holds a space or a plus sign.
    #[error("not a key name")]
    KeyName,
    /// A time beyond what a cosignature can carry.
    #[error("the time is out of range")]
    Time,
    /// The log's own signature is absent.
    #[error("the log's signature is missing")]
    Unsigned,
    /// The log's own signature does not verify.
    #[error("the log's signature is not valid")]
    Signature,
    /// The witness's cosignature is there and does not verify.
    #[error("the witness's cosignature is not valid")]
    Cosignature,
}

impl NoteError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "note.malformed",
            Self::NotACheckpoint => "note.not_a_checkpoint",
            Self::KeyName => "note.key_name",
            Self::Time => "note.time",
            Self::Unsigned => "note.unsigned",
            Self::Signature => "note.signature",
            Self::Cosignature => "note.cosignature",
        }
    }
}

/// The head of a log: who, how many leaves, which root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity, one line, not empty.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root hash at that size.
    pub root: [u8; 32],
    /// Further lines, none of them empty.
    pub extension: Vec<String>,
}

impl Checkpoint {
    /// The note text: origin, size, root in base 64, extension lines, each ended by a newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            BASE64.encode(&self.root)
        );
        for line in &self.extension {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Reads [`Checkpoint::to_text`], and nothing that it would not write.
    ///
    /// # Errors
    /// [`NoteError::NotACheckpoint`].
    pub fn from_text(text: &str) -> Result<Self, NoteError> {
        Self::read(text).ok_or(NoteError::NotACheckpoint)
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let checkpoint = Self {
            origin: lines.next()?.to_owned(),
            size: lines.next()?.parse().ok()?,
            root: BASE64
                .decode(lines.next()?.as_bytes())
                .ok()?
                .try_into()
                .ok()?,
            extension: lines.map(str::to_owned).collect(),
        };
        let blank =
            checkpoint.origin.is_empty() || checkpoint.extension.iter().any(String::is_empty);
        let control = text.chars().any(|c| c < ' ' && c != '\n');
        // Comparing with what would be written refuses leading zeros and plus signs in the size.
        (!blank && !control && checkpoint.to_text() == text).then_some(checkpoint)
    }
}

/// A checkpoint whose log signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// When the witness cosigned it (Unix seconds, by the witness's clock); `None` where no
    /// cosignature of that witness is on the note, or no witness was asked for.
    pub cosigned: Option<u64>,
}

/// The key id: the first four bytes of SHA-256 over name, newline, signature type and public key.
#[must_use]
pub fn key_hash(name: &str, key_type: u8, public: &[u8]) -> u32 {
    let mut input = Vec::with_capacity(name.len() + 2 + public.len());
    input.extend_from_slice(name.as_bytes());
    input.extend_from_slice(&[b'\n', key_type]);
    input.extend_from_slice(public);
    let hash = sha256(&input);
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

/// A signed note of `checkpoint` under `name`. A checkpoint or name that the formats do not allow
/// (see [`Checkpoint`] and [`NoteError::KeyName`]) gives a note that [`verify`] refuses.
#[must_use]
pub fn sign_checkpoint(checkpoint: &Checkpoint, name: &str, key: &SigningKey) -> String {
    let text = checkpoint.to_text();
    let signature = Signature {
        name: name.to_owned(),
        key_hash: key_hash(name, TYPE_ED25519, key.public().as_bytes()),
        bytes: key.sign(text.as_bytes()).to_vec(),
    };
    format!("{text}\n{}", signature.to_line())
}

/// Adds a `cosignature/v1` by `name` to a note, in place of an earlier one by the same key. It does
/// not look at the other signatures, nor at whether the log only grew: the witness does both first.
///
/// # Errors
/// When the note is not a checkpoint, or name or time do not fit the format.
pub fn cosign(
    note: &str,
    name: &str,
    key: &SigningKey,
    unix_seconds: u64,
) -> Result<String, NoteError> {
    if !text::is_key_name(name) {
        return Err(NoteError::KeyName);
    }
    if unix_seconds > LATEST {
        return Err(NoteError::Time);
    }
    let mut note = Note::read(note)?;
    Checkpoint::from_text(note.text)?;
    let key_hash = key_hash(name, TYPE_COSIGNATURE, key.public().as_bytes());
    note.signatures
        .retain(|signature| !signature.is_by(name, key_hash));
    let mut bytes = unix_seconds.to_be_bytes().to_vec();
    bytes.extend_from_slice(&key.sign(cosigned_message(unix_seconds, note.text).as_bytes()));
    note.signatures.push(Signature {
        name: name.to_owned(),
        key_hash,
        bytes,
    });
    Ok(note.to_text())
}

/// Checks a note: the log's signature by (`name`, `key`) must be there and hold, and so must every
/// cosignature by the witness that is there. Signatures by others are ignored, as signed-note asks.
/// Whether the origin is the expected one is the caller's to compare.
///
/// # Errors
/// [`NoteError`].
pub fn verify(
    note: &str,
    name: &str,
    key: &PublicKey,
    witness: Option<(&str, &PublicKey)>,
) -> Result<Verified, NoteError> {
    let note = Note::read(note)?;
    let checkpoint = Checkpoint::from_text(note.text)?;
    let by_log: Vec<_> = note
        .by(name, key_hash(name, TYPE_ED25519, key.as_bytes()))
        .collect();
    if by_log.is_empty() {
        return Err(NoteError::Unsigned);
    }
    for signature in by_log {
        key.verify(note.text.as_bytes(), &signature.bytes)
            .map_err(|_| NoteError::Signature)?;
    }
    let cosigned = match witness {
        Some((name, key)) => verify_cosignatures(&note, name, key)?,
        None => None,
    };
    Ok(Verified {
        checkpoint,
        cosigned,
    })
}

fn verify_cosignatures(note: &Note, name: &str, key: &PublicKey) -> Result<Option<u64>, NoteError> {
    let mut latest = None;
    for signature in note.by(name, key_hash(name, TYPE_COSIGNATURE, key.as_bytes())) {
        let (time, bytes) = signature
            .bytes
            .split_first_chunk()
            .ok_or(NoteError::Cosignature)?;
        let time = u64::from_be_bytes(*time);
        let message = cosigned_message(time, note.text);
        if time > LATEST || key.verify(message.as_bytes(), bytes).is_err() {
            return Err(NoteError::Cosignature);
        }
        latest = latest.max(Some(time));
    }
    Ok(latest)
}

fn cosigned_message(unix_seconds: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {unix_seconds}\n{text}")
}

#[cfg(test)]
#[path = "note_tests.rs"]
mod tests;
