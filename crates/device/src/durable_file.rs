//! Files that are either wholly there or not there, whatever happens to the power.

use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Makes the names in a folder durable.
///
/// # Errors
/// I/O errors.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Writes a file beside its place, makes it durable and moves it there, over what was there before.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = part_of(path);
    let mut file = File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    put_in_place(&part, path)
}

/// Moves a durable file to its name and makes the name durable.
pub(crate) fn put_in_place(part: &Path, path: &Path) -> io::Result<()> {
    std::fs::rename(part, path)?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Makes a file that only its owner can read. Fails where there is one already.
pub fn create_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = part_of(path);
    // A part that an interrupted start left holds a key that nobody has used.
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    // A link, unlike a rename, never replaces a key that another start has made in between.
    std::fs::hard_link(&part, path)?;
    std::fs::remove_file(&part)?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Why a secret file is not trusted.
#[derive(Debug)]
pub enum SecretFileError {
    Io(io::Error),
    /// Others may read or write it.
    Open {
        mode: u32,
    },
    /// It belongs to somebody else.
    Foreign {
        owner: u32,
    },
}

/// Reads at most `limit` bytes of a file that must belong to this user and be readable by nobody else. A symbolic
/// link is refused.
pub fn read_secret(
    path: &Path,
    limit: u64,
) -> Result<fengjuan_envelope::secret::SecretBytes, SecretFileError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())
        .map_err(|error| SecretFileError::Io(error.into()))?;
    let file = File::from(file);
    let facts = file.metadata().map_err(SecretFileError::Io)?;
    if facts.uid() != rustix::process::geteuid().as_raw() {
        return Err(SecretFileError::Foreign { owner: facts.uid() });
    }
    if facts.mode() & 0o077 != 0 {
        return Err(SecretFileError::Open {
            mode: facts.mode() & 0o777,
        });
    }
    let mut bytes = Vec::with_capacity(limit as usize + 1);
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(SecretFileError::Io)?;
    Ok(fengjuan_envelope::secret::SecretBytes::new(bytes))
}

/// Reads a file that must not be larger than `limit`.
///
/// # Errors
/// I/O errors; a larger file is one.
pub fn read_small(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "larger than it may be",
        ));
    }
    Ok(bytes)
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}
