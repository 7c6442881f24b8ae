//! Keys by role. Each lies in a folder of its own under `keys/`, readable by its owner only, so that roles can be
//! moved to other accounts or machines one by one. A key file is one header line, `fengjuan-key-1 <role> <type>`,
//! and the 32 raw bytes.

use crate::{CenterError, files};
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_wire::Signed;
use fengjuan_wire::directory::KeyDirectory;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What a key may be used for, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    /// Certifies the others; belongs on a machine of its own.
    Root,
    /// Signs sittings, packages, grants and orders.
    Issuer,
    /// Opens code slips.
    Release,
    /// Signs device certificates.
    DeviceCa,
    /// The server's TLS identity.
    Tls,
    /// Cosigns checkpoints and signs rolls.
    Witness,
    /// Signs receipts and time.
    Receipt,
}

const ALL: [KeyRole; 7] = [
    KeyRole::Root,
    KeyRole::Issuer,
    KeyRole::Release,
    KeyRole::DeviceCa,
    KeyRole::Tls,
    KeyRole::Witness,
    KeyRole::Receipt,
];

impl KeyRole {
    pub fn name(self) -> &'static str {
        match self {
            KeyRole::Root => "root",
            KeyRole::Issuer => "issuer",
            KeyRole::Release => "release",
            KeyRole::DeviceCa => "device-ca",
            KeyRole::Tls => "tls",
            KeyRole::Witness => "witness",
            KeyRole::Receipt => "receipt",
        }
    }
}

/// Longer than any key file is.
const LONGEST_FILE: u64 = 4096;

/// The key folders of one home.
#[derive(Clone, Debug)]
pub struct KeyFiles {
    folder: PathBuf,
}

impl KeyFiles {
    pub fn new(home: &Path) -> KeyFiles {
        KeyFiles {
            folder: home.join("keys"),
        }
    }

    /// Makes every role's key and returns the signed directory.
    pub(crate) fn create(
        &self,
        center_id: &str,
        center_name: &str,
        now_ms: i64,
    ) -> Result<Vec<u8>, CenterError> {
        for role in ALL {
            if role == KeyRole::Release {
                self.write(role.name(), "p256", &KemSecret::generate()?.to_bytes())?;
            } else {
                self.write(role.name(), "ed25519", &SigningKey::generate()?.seed())?;
            }
        }
        let directory = KeyDirectory {
            center_id: center_id.to_owned(),
            center_name: center_name.to_owned(),
            serial: 1,
            made_ms: now_ms,
            issuer: self.signing(KeyRole::Issuer)?.public(),
            release: self.release()?.public(),
            device_ca: self.signing(KeyRole::DeviceCa)?.public(),
            tls_server: self.signing(KeyRole::Tls)?.public(),
            witness: self.signing(KeyRole::Witness)?.public(),
            receipt: self.signing(KeyRole::Receipt)?.public(),
        };
        Ok(directory.sign(&self.signing(KeyRole::Root)?)?)
    }

    /// A role's signing key. The release role has none.
    pub fn signing(&self, role: KeyRole) -> Result<SigningKey, CenterError> {
        Ok(SigningKey::from_seed(&*self.read(role.name(), "ed25519")?))
    }

    /// Opens code slips.
    pub fn release(&self) -> Result<KemSecret, CenterError> {
        self.kem(KeyRole::Release.name())
    }

    /// The results key of a sitting: one for all versions, made with the first.
    pub fn results(&self, sitting_no: &str) -> Result<KemSecret, CenterError> {
        files::check_name("sitting number", sitting_no)?;
        self.kem(&format!("results/{sitting_no}"))
    }

    pub(crate) fn results_or_new(&self, sitting_no: &str) -> Result<KemSecret, CenterError> {
        files::check_name("sitting number", sitting_no)?;
        let role = format!("results/{sitting_no}");
        if !self.path(&role).exists() {
            self.write(&role, "p256", &KemSecret::generate()?.to_bytes())?;
        }
        self.kem(&role)
    }

    fn path(&self, role: &str) -> PathBuf {
        self.folder.join(role).join("key")
    }

    fn kem(&self, role: &str) -> Result<KemSecret, CenterError> {
        KemSecret::from_bytes(self.read(role, "p256")?.as_ref()).map_err(|_| CenterError::KeyFile {
            path: self.path(role),
            detail: "not a P-256 key",
        })
    }

    fn write(&self, role: &str, kind: &str, key: &[u8; 32]) -> Result<(), CenterError> {
        let path = self.path(role);
        if let Some(folder) = path.parent() {
            files::make_private_folder(folder)?;
        }
        let mut bytes = Zeroizing::new(header(role, kind).into_bytes());
        bytes.extend_from_slice(key);
        files::write_private_new(&path, &bytes)
    }

    fn read(&self, role: &str, kind: &str) -> Result<Zeroizing<[u8; 32]>, CenterError> {
        let path = self.path(role);
        let bad = |detail| CenterError::KeyFile {
            path: path.clone(),
            detail,
        };
        // Looked at and read through one handle, so that it is the same file.
        let file = File::open(&path).map_err(CenterError::io(&path))?;
        let facts = file.metadata().map_err(CenterError::io(&path))?;
        let mode = facts.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(bad(
                "others may read it; make it readable by its owner only (chmod 600)",
            ));
        }
        // Room for all of it at once: a buffer that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_FILE as usize));
        file.take(LONGEST_FILE)
            .read_to_end(&mut bytes)
            .map_err(CenterError::io(&path))?;
        let key = bytes
            .strip_prefix(header(role, kind).as_bytes())
            .ok_or_else(|| bad("not the key of this role"))?;
        Ok(Zeroizing::new(
            key.try_into().map_err(|_| bad("not 32 bytes"))?,
        ))
    }
}

fn header(role: &str, kind: &str) -> String {
    let role = role.split('/').next().unwrap_or(role);
    format!("fengjuan-key-1 {role} {kind}\n")
}

/// Reads the signed directory of a home and verifies it.
pub(crate) fn verified_directory(
    root: &PublicKey,
    bytes: &[u8],
) -> Result<KeyDirectory, CenterError> {
    Ok(KeyDirectory::verify(root, bytes)?)
}
