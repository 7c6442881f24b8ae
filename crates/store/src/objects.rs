//! Files of small sealed objects (pictures, bundles) under `objects/`, named by their hash.

use crate::change::Hash;
use crate::error::StoreError;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

static PART: AtomicU64 = AtomicU64::new(0);

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    Ok(File::open(dir)?.sync_all()?)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Where the object's file is.
pub(crate) fn path(objects: &Path, hash: &Hash) -> PathBuf {
    objects.join(hex(hash))
}

/// Writes the file so that it is either wholly there or not there, and durable when this returns.
pub(crate) fn write(objects: &Path, hash: &Hash, bytes: &[u8]) -> Result<(), StoreError> {
    if fengjuan_envelope::sha256(bytes) != *hash {
        return Err(StoreError::HashMismatch);
    }
    let number = PART.fetch_add(1, Ordering::Relaxed);
    let part = objects.join(format!("{}.{number}.part", hex(hash)));
    let written = (|| -> Result<(), StoreError> {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&part, path(objects, hash))?;
        sync_dir(objects)
    })();
    if written.is_err() {
        // Best effort: what remains is removed at the next open.
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// Reads an object back and checks it against its hash.
pub(crate) fn read(objects: &Path, hash: &Hash) -> Result<Vec<u8>, StoreError> {
    let path = path(objects, hash);
    match std::fs::read(&path) {
        Ok(bytes) if fengjuan_envelope::sha256(&bytes) == *hash => Ok(bytes),
        Ok(_) => Err(StoreError::ObjectDamaged { path }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(StoreError::ObjectDamaged { path })
        }
        Err(error) => Err(error.into()),
    }
}

/// Removes what an interrupted write left; such a file was never registered or acknowledged.
pub(crate) fn sweep_parts(objects: &Path) -> Result<(), StoreError> {
    for item in std::fs::read_dir(objects)? {
        let path = item?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "part")
        {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}
