use crate::change::LedgerId;
use crate::error::StoreError;
use crate::ledger_reader::{LedgerInfo, LedgerReader};
use crate::replica::{AttemptSize, Fork, Replica, RollLine};
use crate::rows::{StoredCheckpoint, StoredEntry};
use fengjuan_envelope::merkle::Frontier;
use rusqlite::{Connection, OptionalExtension};
use std::ops::ControlFlow;
use std::path::PathBuf;

/// How far a ledger has come on its way up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarding {
    pub ledger_id: LedgerId,
    /// The replica's size.
    pub held: u64,
    /// What the witness above holds, as it said last.
    pub forwarded: u64,
}

/// Reads on a connection of its own. `Send`, not `Sync`. All errors are storage errors, [`StoreError::Corrupted`], and
/// [`StoreError::UnknownLedger`] where a ledger is named. While a reading lasts the log grows: read in slices.
pub struct ReplicaReader {
    conn: Connection,
    file: PathBuf,
}

impl ReplicaReader {
    pub(super) fn new(conn: Connection, file: PathBuf) -> Self {
        Self { conn, file }
    }

    /// All that can be read of replicas anywhere, such as proofs.
    pub fn replica(&self) -> Replica<'_> {
        Replica::new(&self.conn)
    }

    fn ask<T>(
        &self,
        question: impl FnOnce(Replica<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        question(self.replica()).map_err(|error| error.at(&self.file))
    }

    /// At most `limit` entries from `seq` on.
    ///
    /// # Errors
    /// See [`ReplicaReader`], here and below.
    pub fn entries_since(
        &self,
        ledger: &LedgerId,
        seq: u64,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.ask(|replica| replica.entries(ledger, seq, limit))
    }

    /// All entries of an attempt, over every ledger that it ran on, by ledger and place.
    ///
    /// # Errors
    /// See [`ReplicaReader`].
    pub fn entries_of_attempt(
        &self,
        attempt: &[u8; 16],
    ) -> Result<Vec<(LedgerId, StoredEntry)>, StoreError> {
        self.ask(|replica| replica.entries_of_attempt(attempt))
    }

    /// How much of an attempt each ledger holds.
    ///
    /// # Errors
    /// See [`ReplicaReader`].
    pub fn attempt_sizes(&self, attempt: &[u8; 16]) -> Result<Vec<AttemptSize>, StoreError> {
        self.ask(|replica| replica.attempt_sizes(attempt))
    }

    /// The replica's size and tree.
    ///
    /// # Errors
    /// See [`ReplicaReader`].
    pub fn frontier(&self, ledger: &LedgerId) -> Result<Frontier, StoreError> {
        self.ask(|replica| replica.frontier(ledger))
    }

    /// How many entries of a ledger are held.
    ///
    /// # Errors
    /// See [`ReplicaReader`].
    pub fn size(&self, ledger: &LedgerId) -> Result<u64, StoreError> {
        Ok(self.frontier(ledger)?.size)
    }

    /// Every known ledger with what the witness vouches for.
    ///
    /// # Errors
    /// See [`ReplicaReader`].
    pub fn roll(&self) -> Result<Vec<RollLine>, StoreError> {
        self.ask(|replica| replica.roll())
    }

    /// All recorded forks, oldest first.
    ///
    /// # Errors
    /// See [`ReplicaReader`].
    pub fn forks(&self) -> Result<Vec<Fork>, StoreError> {
        self.ask(|replica| replica.forks())
    }

    /// How much of a ledger the witness above holds, as it said last; 0 before it said anything.
    ///
    /// # Errors
    /// See [`ReplicaReader`].
    pub fn forwarded(&self, ledger: &LedgerId) -> Result<u64, StoreError> {
        let sql = "SELECT ifnull(f.size, 0) FROM replica_ledgers l \
                   LEFT JOIN replica_forwarded f ON f.ledger = l.no WHERE l.ledger_id = ?1";
        let read = || {
            let mut statement = self.conn.prepare_cached(sql)?;
            statement.query_row([ledger], |row| row.get(0)).optional()
        };
        read()
            .map_err(|error| StoreError::from(error).at(&self.file))?
            .ok_or(StoreError::UnknownLedger)
    }

    /// The ledgers of which more is held here than above, in the order in which they were registered.
    ///
    /// # Errors
    /// See [`ReplicaReader`].
    pub fn to_forward(&self) -> Result<Vec<Forwarding>, StoreError> {
        let sql = "SELECT l.ledger_id, l.size, ifnull(f.size, 0) FROM replica_ledgers l \
                   LEFT JOIN replica_forwarded f ON f.ledger = l.no \
                   WHERE l.size > ifnull(f.size, 0) ORDER BY l.no";
        let read = || {
            let mut statement = self.conn.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                Ok(Forwarding {
                    ledger_id: row.get(0)?,
                    held: row.get(1)?,
                    forwarded: row.get(2)?,
                })
            })?;
            rows.collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| StoreError::from(error).at(&self.file))
    }
}

impl LedgerReader for ReplicaReader {
    fn ledgers(&self) -> Result<Vec<LedgerInfo>, StoreError> {
        self.ask(|replica| replica.ledgers())
    }

    fn each_entry(
        &self,
        ledger: &LedgerId,
        from: u64,
        each: &mut dyn FnMut(StoredEntry) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.ask(|replica| replica.each_entry(ledger, from, each))
    }

    fn checkpoints(&self, ledger: &LedgerId) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.ask(|replica| replica.checkpoints(ledger))
    }
}
