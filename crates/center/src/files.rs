//! Files that survive a power cut, and files that only their owner may read.

use crate::CenterError;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Makes a folder that only its owner may enter; parents too.
pub fn make_private_folder(path: &Path) -> Result<(), CenterError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(CenterError::io(path))?;
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(CenterError::io(path))
}

/// Takes a file from the sight of everybody but its owner.
pub fn make_private(path: &Path) -> Result<(), CenterError> {
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(CenterError::io(path))
}

/// Writes a file that must not exist yet, readable by its owner only, durable before it returns.
pub fn write_private_new(path: &Path, bytes: &[u8]) -> Result<(), CenterError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(CenterError::io(path))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(CenterError::io(path))?;
    sync_parent(path)
}

/// Puts a whole file in place of whatever was there: written beside it, made durable, then renamed.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), CenterError> {
    // A name of this process's own, so that two commands at once do not write into each other's file.
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = Path::new(&beside);
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(CenterError::io(beside)(error));
        }
        _ => {}
    }
    // A new file: no link that somebody has laid there is written through.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(beside)
        .map_err(CenterError::io(beside))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Best effort: what is half written is of no use.
        let _ = fs::remove_file(beside);
        return Err(CenterError::io(beside)(error));
    }
    rename_durably(beside, path)
}

/// Renames within one folder tree and makes the new name durable.
pub fn rename_durably(from: &Path, to: &Path) -> Result<(), CenterError> {
    fs::rename(from, to).map_err(CenterError::io(to))?;
    sync_parent(to)
}

fn sync_parent(path: &Path) -> Result<(), CenterError> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    // The parent of a bare name is the empty path, which means here.
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(CenterError::io(parent))
}

/// A name that can safely be part of a file name, a URL and a signed document.
pub fn check_name(what: &'static str, name: &str) -> Result<(), CenterError> {
    if is_name(name) {
        Ok(())
    } else {
        Err(CenterError::BadName { what })
    }
}

/// 1 to 40 ASCII letters, digits, `-` or `_`.
pub fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
