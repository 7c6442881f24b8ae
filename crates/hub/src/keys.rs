//! The hub's further keys, one for each usage, in an owner-only file beside the device's own.

use fengjuan_device::durable_file::{self, SecretFileError};
use fengjuan_device::identity::{put_secret_hex, secret_hex};
use fengjuan_envelope::RandomError;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_wire::delegation::HubKeys;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const FILE: &str = "hub.key";
const HEADER: &str = "fengjuan-hub-1";

/// What the delegation certifies beside the device's key.
pub struct Keyring {
    /// Signs grants, device certificates, commands, keys and epochs.
    pub issuer: SigningKey,
    /// Cosigns its terminals' checkpoints.
    pub witness: SigningKey,
    /// Signs receipts "at hub" and time.
    pub receipt: SigningKey,
}

/// Why a hub has no usable keys. Nothing is ever replaced: a hub with new keys needs a new delegation.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("{} may be read by others (mode {mode:o})", path.display())]
    OpenToOthers { path: PathBuf, mode: u32 },
    #[error("{} belongs to user {owner}", path.display())]
    Foreign { path: PathBuf, owner: u32 },
    #[error("{} is not a hub key file", path.display())]
    Damaged { path: PathBuf },
    #[error("hub key file: {0}")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl KeysError {
    pub fn code(&self) -> &'static str {
        match self {
            KeysError::OpenToOthers { .. } => "identity.open_to_others",
            KeysError::Foreign { .. } => "identity.foreign",
            KeysError::Damaged { .. } => "identity.damaged",
            KeysError::Io(_) => "identity.io",
            KeysError::Random(_) => "identity.random",
        }
    }
}

impl Keyring {
    /// The hub's keys from its data directory; made there where there are none.
    ///
    /// # Errors
    /// [`KeysError`]; an existing file is never changed.
    pub fn open(data_dir: &Path) -> Result<Keyring, KeysError> {
        let path = data_dir.join(FILE);
        if path.symlink_metadata().is_err() {
            std::fs::create_dir_all(data_dir)?;
            let made = Keyring {
                issuer: SigningKey::generate()?,
                witness: SigningKey::generate()?,
                receipt: SigningKey::generate()?,
            };
            durable_file::create_secret(&path, made.to_text().as_bytes())?;
        }
        let bytes = durable_file::read_secret(&path, 1024).map_err(|error| match error {
            SecretFileError::Io(error) => KeysError::Io(error),
            SecretFileError::Open { mode } => KeysError::OpenToOthers {
                path: path.clone(),
                mode,
            },
            SecretFileError::Foreign { owner } => KeysError::Foreign {
                path: path.clone(),
                owner,
            },
        })?;
        Self::from_text(&bytes).ok_or(KeysError::Damaged { path })
    }

    /// What the center is told when the hub enrols.
    pub fn public(&self) -> HubKeys {
        HubKeys {
            issuer: self.issuer.public(),
            witness: self.witness.public(),
            receipt: self.receipt.public(),
        }
    }

    fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(240));
        text.push_str(HEADER);
        for key in [&self.issuer, &self.witness, &self.receipt] {
            text.push(' ');
            put_secret_hex(&mut text, &key.seed());
        }
        text.push('\n');
        text
    }

    fn from_text(bytes: &[u8]) -> Option<Keyring> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut words = text.strip_suffix('\n')?.split(' ');
        if words.next()? != HEADER {
            return None;
        }
        let mut key = || Some(SigningKey::from_seed(&*secret_hex(words.next()?)?));
        let (issuer, witness, receipt) = (key()?, key()?, key()?);
        if words.next().is_some() {
            return None;
        }
        Some(Keyring {
            issuer,
            witness,
            receipt,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn keys_are_made_once_for_their_owner_only_and_stay() {
        let dir = tempfile::tempdir().unwrap();
        let first = Keyring::open(dir.path()).unwrap();
        let file = dir.path().join(FILE);
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Keyring::open(dir.path()).unwrap();
        assert_eq!(first.public(), again.public());
        let HubKeys {
            issuer,
            witness,
            receipt,
        } = first.public();
        assert!(issuer != witness && witness != receipt && issuer != receipt);
    }

    #[test]
    fn what_others_may_read_or_is_damaged_is_refused_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        Keyring::open(dir.path()).unwrap();
        let file = dir.path().join(FILE);
        let whole = std::fs::read(&file).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = Keyring::open(dir.path()).err().unwrap();
        assert_eq!(refused.code(), "identity.open_to_others");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&file, &whole[..whole.len() - 9]).unwrap();
        let refused = Keyring::open(dir.path()).err().unwrap();
        assert_eq!(refused.code(), "identity.damaged");
        assert_eq!(std::fs::read(&file).unwrap(), &whole[..whole.len() - 9]);
    }
}
