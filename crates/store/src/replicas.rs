//! The replicas of a witness that serves many devices at once: a database of its own, with a writer thread that makes
//! the requests of many devices durable together.
//!
//! It keeps the tables of [`crate::replica`] by the same functions, and by the same rules as [`crate::Database`]: WAL
//! with `synchronous=FULL`, asserted at open; one program at a time; a damaged or newer file is refused and stays as it
//! is; no answer before `COMMIT`.

mod engine;
mod reader;
mod writer;

pub use reader::{Forwarding, ReplicaReader};
pub use writer::ReplicaWriter;

use crate::error::StoreError;
use crate::opening::{Kind, Migrated};
use crate::replica::{self, Replica};
use crate::{LedgerReader as _, group};
use engine::Engine;
use rusqlite::Connection;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The tables that every witness has, and what this one has besides.
const MIGRATIONS: &[&str] = &[concat!(
    include_str!("../migrations/replica.sql"),
    "INSERT INTO replica_schema (version) VALUES (1);\n",
    include_str!("../migrations/V1__replicas.sql"),
)];

const KIND: Kind<'static> = Kind {
    file: "replicas.sqlite",
    lock: "replicas.lock",
    reserve: "replicas.reserve",
    stem: "replicas-",
    // "FJRP"
    application_id: 0x464A_5250,
    migrations: MIGRATIONS,
};

/// How many pages the log grows to before SQLite carries them into the file, which costs the answers of that moment a
/// second flush. Every device writes to pages of its own, the same ones again and again: in a longer log more of them
/// are carried together.
const LOG_PAGES: u32 = 4000;

/// Adds the witness's line to a note that deserves it. The number is the request's wall clock in milliseconds.
pub(crate) type Cosigner = Box<dyn Fn(&str, i64) -> Result<String, String> + Send>;

/// The database `replicas.sqlite` of a directory, which may hold a [`crate::Database`] too. Dropping it stops the
/// writer (what was queued is still answered) and gives the file free.
pub struct Replicas {
    dir: PathBuf,
    opened: ReplicasOpened,
    writer: ReplicaWriter,
    transactions: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
    // Released last: fields drop in their order, and the lock must outlive the writer.
    _lock: File,
}

/// What was found at open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicasOpened {
    pub schema: u32,
    pub ledgers: u64,
    /// Over all ledgers; each tree was rebuilt from its entries' bytes.
    pub entries: u64,
    pub created: bool,
    pub migrated: Option<Migrated>,
    /// False where the disk has no room for the reserve file.
    pub reserve: bool,
}

impl Replicas {
    /// Takes the file's lock, checks the database whole, migrates it where it is older, and starts the writer. Makes
    /// directory and database where there is no trace of the latter. `cosign` adds the witness's line to a note
    /// ([`fengjuan_envelope::note::cosign`]) at the given wall clock (milliseconds); it runs in the writer thread, and
    /// only for checkpoints that deserve it.
    ///
    /// # Errors
    /// [`StoreError::AlreadyRunning`], [`StoreError::Corrupted`] (the file stays as it is),
    /// [`StoreError::NewerSchema`], [`StoreError::Migration`], [`StoreError::NotDurable`], storage errors.
    pub fn open(
        dir: &Path,
        cosign: impl Fn(&str, i64) -> Result<String, String> + Send + 'static,
    ) -> Result<Replicas, StoreError> {
        let lock = KIND.lock(dir)?;
        let found = match Self::find(dir) {
            // A witness that went down on a full disk has to come back: that is what the reserve is for.
            Err(StoreError::Full) if KIND.remove_reserve(dir)? => Self::find(dir),
            other => other,
        };
        let (conn, opened) = found?;
        let transactions = Arc::new(AtomicU64::new(0));
        let cosign: Cosigner = Box::new(cosign);
        let engine = Engine::new(conn, dir.join(KIND.file), cosign, transactions.clone());
        let (queue, thread) = group::start(engine, "replica-writer")?;
        Ok(Replicas {
            dir: dir.to_owned(),
            opened,
            writer: ReplicaWriter::new(queue),
            transactions,
            thread: Some(thread),
            _lock: lock,
        })
    }

    fn find(dir: &Path) -> Result<(Connection, ReplicasOpened), StoreError> {
        let found = KIND.open(dir, false, |_| Ok(()), check)?;
        found
            .conn
            .pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        let ledgers = Replica::new(&found.conn).ledgers()?;
        let opened = ReplicasOpened {
            schema: KIND.schema(),
            ledgers: ledgers.len() as u64,
            entries: ledgers.iter().map(|ledger| ledger.size).sum(),
            created: found.created,
            migrated: found.migrated,
            reserve: KIND.fill_reserve(dir).unwrap_or(false),
        };
        Ok((found.conn, opened))
    }

    /// What was found at open.
    pub fn opened(&self) -> &ReplicasOpened {
        &self.opened
    }

    /// The handle through which everything is written. Clones share the one writer thread.
    pub fn writer(&self) -> ReplicaWriter {
        self.writer.clone()
    }

    /// A reader on a connection of its own; it sees what is committed. One per thread.
    ///
    /// # Errors
    /// Storage errors.
    pub fn reader(&self) -> Result<ReplicaReader, StoreError> {
        let file = self.dir.join(KIND.file);
        Ok(ReplicaReader::new(KIND.open_reader(&file)?, file))
    }

    /// A reader of a directory that this process does not own: takes no lock, migrates nothing and writes nothing.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`], [`StoreError::Corrupted`], storage errors.
    pub fn read_only(dir: &Path) -> Result<ReplicaReader, StoreError> {
        Ok(ReplicaReader::new(
            KIND.open_foreign(dir)?,
            dir.join(KIND.file),
        ))
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many transactions were committed since the opening: with the number of answers, how well requests share
    /// them.
    pub fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// Gives the reserve's space free, so that the exam can be finished on a full disk. True if there was one.
    ///
    /// # Errors
    /// Storage errors.
    pub fn release_reserve(&self) -> Result<bool, StoreError> {
        KIND.remove_reserve(&self.dir)
    }

    /// Writes the reserve again after the disk was freed. False where there is still no room.
    ///
    /// # Errors
    /// Storage errors other than a full disk.
    pub fn restore_reserve(&self) -> Result<bool, StoreError> {
        KIND.fill_reserve(&self.dir)
    }
}

impl Drop for Replicas {
    fn drop(&mut self) {
        self.writer.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the replicas' writer thread had panicked");
        }
    }
}

/// Rebuilds every replica's tree.
fn check(conn: &Connection) -> Result<(), StoreError> {
    replica::check_version(conn)?;
    let replicas = Replica::new(conn);
    for ledger in replicas.ledgers()? {
        replicas.check(&ledger.ledger_id)?;
    }
    Ok(())
}
