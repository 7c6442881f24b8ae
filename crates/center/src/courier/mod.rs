//! The courier's folder at the center ([`fengjuan_wire::courier`]): what the line carries, on a stick, in both
//! directions. Nothing on a stick is trusted for lying there, nothing is ever deleted from one, and everything may be
//! repeated.

mod devices;
mod enrolling;
mod export;
mod import;
mod ledgers;
mod stick;

pub use export::{Exported, export};
pub use import::import;

use fengjuan_wire::courier::FOLDER;
use std::path::{Path, PathBuf};

/// What an import took, and what it did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Sealed objects that are receipted now, and how many of them were not before.
    pub objects: usize,
    pub new_objects: usize,
    /// Terminals that a hub vouches for.
    pub devices: usize,
    /// Ledger entries that were not held before.
    pub new_entries: u64,
    /// Checkpoints that carry the witness's line now.
    pub cosigned: usize,
    /// Files that were not in `receipts` before.
    pub answers: usize,
    /// Devices that ask to be enrolled, new or not.
    pub asked: Vec<Asked>,
    pub refused: Vec<NotTaken>,
}

/// A device whose request was on the stick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub name: String,
    pub site: String,
    /// Compared by two people before anybody approves it.
    pub fingerprint: String,
    /// Approved before; else it waits.
    pub approved: bool,
}

/// A file that was left where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotTaken {
    /// Folder and name, as `up/<hash>`.
    pub file: String,
    /// Stable name such as `courier.hash`, or the code that the line would have answered with.
    pub code: &'static str,
}

/// The courier's folder in `folder`, or `folder` itself where it is one.
fn root_of(folder: &Path) -> PathBuf {
    if folder.file_name().is_some_and(|name| name == FOLDER) {
        folder.to_owned()
    } else {
        folder.join(FOLDER)
    }
}
