//! Who this device is: a signing key and a KEM key, made at the first start and kept in an owner-only file. The file
//! is all that protects them until hardware does; the equipment report says so.

use crate::durable_file::{self, SecretFileError};
use fengjuan_envelope::RandomError;
use fengjuan_envelope::hpke::{KemPublic, KemSecret};
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_wire::directory::device_fingerprint;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const FILE: &str = "device.key";
const HEADER: &str = "fengjuan-device-1";

/// The keys of a device.
pub struct DeviceIdentity {
    pub sign: SigningKey,
    pub kem: KemSecret,
}

/// Why a device has no usable keys. Nothing is ever replaced: a device with new keys is another device.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("{} may be read by others (mode {mode:o})", path.display())]
    OpenToOthers { path: PathBuf, mode: u32 },
    #[error("{} belongs to user {owner}", path.display())]
    Foreign { path: PathBuf, owner: u32 },
    #[error("{} is not a device key file", path.display())]
    Damaged { path: PathBuf },
    #[error("device key file: {0}")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl IdentityError {
    pub fn code(&self) -> &'static str {
        match self {
            IdentityError::OpenToOthers { .. } => "identity.open_to_others",
            IdentityError::Foreign { .. } => "identity.foreign",
            IdentityError::Damaged { .. } => "identity.damaged",
            IdentityError::Io(_) => "identity.io",
            IdentityError::Random(_) => "identity.random",
        }
    }
}

impl DeviceIdentity {
    /// The device's keys from its data directory; made there where there are none.
    ///
    /// # Errors
    /// [`IdentityError`]; an existing file is never changed.
    pub fn open(data_dir: &Path) -> Result<DeviceIdentity, IdentityError> {
        let path = data_dir.join(FILE);
        if path.symlink_metadata().is_err() {
            std::fs::create_dir_all(data_dir)?;
            let made = DeviceIdentity {
                sign: SigningKey::generate()?,
                kem: KemSecret::generate()?,
            };
            durable_file::create_secret(&path, made.to_text().as_bytes())?;
        }
        Self::read(&path)
    }

    fn read(path: &Path) -> Result<DeviceIdentity, IdentityError> {
        let bytes = durable_file::read_secret(path, 1024).map_err(|error| match error {
            SecretFileError::Io(error) => IdentityError::Io(error),
            SecretFileError::Open { mode } => IdentityError::OpenToOthers {
                path: path.to_owned(),
                mode,
            },
            SecretFileError::Foreign { owner } => IdentityError::Foreign {
                path: path.to_owned(),
                owner,
            },
        })?;
        Self::from_text(&bytes).ok_or_else(|| IdentityError::Damaged {
            path: path.to_owned(),
        })
    }

    fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(160));
        text.push_str(HEADER);
        for key in [self.sign.seed(), self.kem.to_bytes()] {
            text.push(' ');
            put_secret_hex(&mut text, &key);
        }
        text.push('\n');
        text
    }

    fn from_text(bytes: &[u8]) -> Option<DeviceIdentity> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut words = text.strip_suffix('\n')?.split(' ');
        if words.next()? != HEADER {
            return None;
        }
        let (seed, kem) = (secret_hex(words.next()?)?, secret_hex(words.next()?)?);
        if words.next().is_some() {
            return None;
        }
        Some(DeviceIdentity {
            sign: SigningKey::from_seed(&seed),
            kem: KemSecret::from_bytes(kem.as_slice()).ok()?,
        })
    }

    pub fn public(&self) -> PublicKey {
        self.sign.public()
    }

    pub fn kem_public(&self) -> KemPublic {
        self.kem.public()
    }

    /// Four Crockford groups over both keys; two people compare them on two screens.
    pub fn fingerprint(&self) -> String {
        device_fingerprint(&self.public(), &self.kem_public())
    }
}

/// Writes a key into the text of a key file, without a copy elsewhere where there is room.
pub fn put_secret_hex(text: &mut String, key: &[u8; 32]) {
    for byte in key {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
}

/// Reads what [`put_secret_hex`] wrote: 64 hex digits.
pub fn secret_hex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    let mut key = Zeroizing::new([0u8; 32]);
    for (slot, pair) in key.iter_mut().zip(bytes.chunks(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *slot = (high * 16 + low) as u8;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn keys_are_made_once_for_their_owner_only_and_stay() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let first = DeviceIdentity::open(&data).unwrap();
        let file = data.join(FILE);
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let again = DeviceIdentity::open(&data).unwrap();
        assert_eq!(first.fingerprint(), again.fingerprint());
        assert_eq!(
            std::fs::read_dir(&data).unwrap().count(),
            1,
            "no part is left"
        );
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        DeviceIdentity::open(dir.path()).unwrap();
        let file = dir.path().join(FILE);
        let before = std::fs::read(&file).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o666] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let refused = DeviceIdentity::open(dir.path()).err().unwrap();
            assert_eq!(refused.code(), "identity.open_to_others");
        }
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }

    #[test]
    fn a_damaged_file_is_refused_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        DeviceIdentity::open(dir.path()).unwrap();
        let file = dir.path().join(FILE);
        let whole = std::fs::read(&file).unwrap();
        for bad in [
            &whole[..whole.len() - 2],
            &b""[..],
            &b"fengjuan-device-1 00 11\n"[..],
        ] {
            std::fs::write(&file, bad).unwrap();
            let refused = DeviceIdentity::open(dir.path()).err().unwrap();
            assert_eq!(refused.code(), "identity.damaged");
            assert_eq!(std::fs::read(&file).unwrap(), bad);
        }
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = dir.path().join("elsewhere");
        DeviceIdentity::open(&elsewhere).unwrap();
        let data = dir.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::os::unix::fs::symlink(elsewhere.join(FILE), data.join(FILE)).unwrap();
        assert_eq!(
            DeviceIdentity::open(&data).err().unwrap().code(),
            "identity.io"
        );
    }
}
