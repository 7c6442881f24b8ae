//! The device's durable memory: one append-only ledger, the small state derived from it, and the register of
//! sealed objects, in one SQLite database per data directory; and the [`replica`] of other devices' ledgers
//! that a witness keeps in a database of its own.
//!
//! Entries are opaque bytes here: the crate knows nothing of exams, and encrypts nothing.
//!
//! What holds, and is tested:
//! - an acknowledgement is given after `COMMIT` in WAL mode with `synchronous=FULL`, which is asserted at open;
//! - one writer thread per database assigns places, so that `seq` has no gaps and a refused write takes none;
//! - no statement of this crate deletes an entry, a checkpoint or an object, and triggers and an authorizer stop
//!   accidents. What an attacker with the file does is shown by the tree and its witnesses, not by triggers;
//! - a damaged or newer database is a typed error, and its file is left as it is.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod change;
mod database;
mod engine;
mod error;
mod group;
mod ledger_reader;
mod objects;
mod opening;
mod reader;
pub mod replica;
mod replicas;
mod rows;
mod schema;
mod sum;
mod writer;

pub use change::{
    Appended, Change, EncodeEntry, Hash, LedgerId, NewObject, NewReceipt, Place, Projection,
};
pub use database::{Database, Opened};
pub use error::StoreError;
pub use ledger_reader::{LedgerIdentity, LedgerInfo, LedgerReader, OwnLedger};
pub use opening::Migrated;
pub use reader::Reader;
pub use replica::{AppendRequest, AttemptSize, Taken};
pub use replicas::{Forwarding, ReplicaReader, ReplicaWriter, Replicas, ReplicasOpened};
pub use rows::{Head, KeyValue, ObjectRow, StoredCheckpoint, StoredEntry};
pub use writer::Writer;

/// The oldest SQLite without the WAL-reset corruption bug (3.51.3), as `sqlite3_libversion_number` gives it.
pub const OLDEST_SQLITE: i32 = 3_051_003;

/// The SQLite library compiled into this program, such as `3.54.1`.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
