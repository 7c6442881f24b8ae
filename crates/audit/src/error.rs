//! What can keep an archive from being written.

use fengjuan_envelope::cbor;
use fengjuan_store::StoreError;
use fengjuan_wire::WireError;

/// Why no archive was written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("file: {0}")]
    Io(#[from] std::io::Error),
    #[error("store: {0}")]
    Store(#[from] StoreError),
    #[error("encoding: {0}")]
    Wire(#[from] WireError),
    #[error("encoding: {0}")]
    Cbor(#[from] cbor::CborError),
    #[error("encoding: {0}")]
    Json(#[from] serde_json::Error),
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("{0} does not fit into an archive")]
    TooLarge(String),
    #[error("{0} is neither a center's home nor a terminal's data directory")]
    UnknownFolder(String),
    #[error("no signed sitting {0} here")]
    UnknownSitting(String),
    #[error("{0} is of a terminal that no center has approved")]
    NotEnrolled(String),
    #[error("{0} exists already")]
    Exists(String),
    #[error("key file {0} is not usable")]
    KeyFile(String),
}

impl ArchiveError {
    /// Stable name that the command line maps to words.
    pub fn code(&self) -> &'static str {
        match self {
            ArchiveError::Io(_) => "archive.io",
            ArchiveError::Store(error) => error.code(),
            ArchiveError::Wire(error) => error.code(),
            ArchiveError::Cbor(_) | ArchiveError::Json(_) => "archive.encoding",
            ArchiveError::Database(_) => "archive.database",
            ArchiveError::TooLarge(_) => "archive.too_large",
            ArchiveError::UnknownFolder(_) => "archive.unknown_folder",
            ArchiveError::UnknownSitting(_) => "archive.unknown_sitting",
            ArchiveError::NotEnrolled(_) => "archive.not_enrolled",
            ArchiveError::Exists(_) => "archive.exists",
            ArchiveError::KeyFile(_) => "archive.key_file",
        }
    }
}
