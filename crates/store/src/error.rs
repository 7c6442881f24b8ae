use std::path::{Path, PathBuf};

/// Why the store could not do what it was asked. `Display` is for logs; screens go by [`StoreError::code`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another program holds the lock on this data directory.
    #[error("another program is using {}", dir.display())]
    AlreadyRunning { dir: PathBuf },
    /// The database is damaged or missing. The file was left as it was found.
    #[error("database {} is damaged: {detail}", path.display())]
    Corrupted { path: PathBuf, detail: String },
    /// The database was written by a newer program.
    #[error("database schema {found} is newer than this program's {known}")]
    NewerSchema { found: u32, known: u32 },
    /// A migration failed; the database is as it was before.
    #[error("migration failed: {detail}")]
    Migration { detail: String },
    /// The SQLite library has a known corruption bug.
    #[error("SQLite {found} is too old")]
    SqliteTooOld { found: String },
    /// WAL or `synchronous=FULL` is not in force, so nothing could be acknowledged honestly.
    #[error("durable mode is not in force: {detail}")]
    NotDurable { detail: String },
    /// The disk (or quota) is full. Nothing of the request was written.
    #[error("the disk is full")]
    Full,
    /// The storage refused a read or write. Nothing of the request was acknowledged.
    #[error("storage failed: {detail}")]
    Io { detail: String },
    /// The caller's encoder refused.
    #[error("entry could not be encoded: {detail}")]
    Encode { detail: String },
    /// The caller's signer or cosigner refused.
    #[error("checkpoint could not be signed: {detail}")]
    Sign { detail: String },
    /// A checkpoint's text or signature does not verify.
    #[error("checkpoint refused: {detail}")]
    Checkpoint { detail: String },
    /// An object's bytes are not what its hash says.
    #[error("object does not have the hash that it was given")]
    HashMismatch,
    /// A registered object's file is missing or damaged.
    #[error("object file {} is missing or damaged", path.display())]
    ObjectDamaged { path: PathBuf },
    /// No such object is registered.
    #[error("no such object")]
    UnknownObject,
    /// No checkpoint here has the body of the cosigned note.
    #[error("no such checkpoint")]
    UnknownCheckpoint,
    /// No such ledger is registered.
    #[error("no such ledger")]
    UnknownLedger,
    /// The ledger is registered for another device or name.
    #[error("the ledger belongs to another device")]
    LedgerTaken,
    /// A proof was asked for a place or size that the ledger has not reached.
    #[error("beyond the end of the ledger (asked {asked}, size {size})")]
    BeyondEnd { asked: u64, size: u64 },
    /// A trigger or the authorizer stopped a statement.
    #[error("guarded: {detail}")]
    Guarded { detail: String },
    /// The writer has stopped.
    #[error("the store is closed")]
    Closed,
    /// Anything else that SQLite says.
    #[error("database error: {detail}")]
    Sqlite { detail: String },
}

impl StoreError {
    /// A stable name for the words on the screen.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyRunning { .. } => "store.already_running",
            Self::Corrupted { .. } => "store.corrupted",
            Self::NewerSchema { .. } => "store.newer_schema",
            Self::Migration { .. } => "store.migration",
            Self::SqliteTooOld { .. } => "store.sqlite_too_old",
            Self::NotDurable { .. } => "store.not_durable",
            Self::Full => "store.full",
            Self::Io { .. } => "store.io",
            Self::Encode { .. } => "store.encode",
            Self::Sign { .. } => "store.sign",
            Self::Checkpoint { .. } => "store.checkpoint",
            Self::HashMismatch => "store.hash_mismatch",
            Self::ObjectDamaged { .. } => "store.object_damaged",
            Self::UnknownObject => "store.unknown_object",
            Self::UnknownCheckpoint => "store.unknown_checkpoint",
            Self::UnknownLedger => "store.unknown_ledger",
            Self::LedgerTaken => "store.ledger_taken",
            Self::BeyondEnd { .. } => "store.beyond_end",
            Self::Guarded { .. } => "store.guarded",
            Self::Closed => "store.closed",
            Self::Sqlite { .. } => "store.sqlite",
        }
    }

    /// True where trying again later can help: the disk may be freed or come back.
    pub fn is_storage(&self) -> bool {
        matches!(self, Self::Full | Self::Io { .. })
    }

    pub(crate) fn corrupted(path: &Path, detail: impl Into<String>) -> Self {
        Self::Corrupted {
            path: path.to_owned(),
            detail: detail.into(),
        }
    }

    /// At open, whatever SQLite cannot make sense of is damage: nothing but the file speaks there.
    pub(crate) fn at_open(self, file: &Path) -> Self {
        match self {
            Self::Sqlite { detail } => Self::corrupted(file, detail),
            other => other.at(file),
        }
    }

    /// Names the damaged file where the library error could not.
    pub(crate) fn at(self, file: &Path) -> Self {
        match self {
            Self::Corrupted { path, detail } if path.as_os_str().is_empty() => Self::Corrupted {
                path: file.to_owned(),
                detail,
            },
            other => other,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as E;
        let detail = error.to_string();
        let rusqlite::Error::SqliteFailure(failure, _) = &error else {
            return match error {
                // A column of another type or length than the schema allows: the file is not what we wrote.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..) => Self::Corrupted {
                    path: PathBuf::new(),
                    detail,
                },
                _ => Self::Sqlite { detail },
            };
        };
        match failure.code {
            E::DiskFull => Self::Full,
            // The unix layer reports a shared-memory file that cannot grow with a code of its own.
            _ if failure.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => Self::Full,
            E::DatabaseCorrupt | E::NotADatabase => Self::Corrupted {
                path: PathBuf::new(),
                detail,
            },
            E::SystemIoFailure | E::CannotOpen | E::ReadOnly => Self::Io { detail },
            // Another program holds the file; it may let go.
            E::DatabaseBusy | E::DatabaseLocked => Self::Io { detail },
            E::ConstraintViolation | E::AuthorizationForStatementDenied => Self::Guarded { detail },
            _ => Self::Sqlite { detail },
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io {
                detail: error.to_string(),
            },
        }
    }
}
