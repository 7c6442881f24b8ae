use crate::change::{Hash, LedgerId};
use crate::error::StoreError;
use crate::reader::Reader;
use crate::rows::{StoredCheckpoint, StoredEntry, clamp};
use rusqlite::Connection;
use std::ops::ControlFlow;

/// Whose ledger it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerIdentity {
    pub device: String,
    /// The device's Ed25519 public key.
    pub device_key: [u8; 32],
    /// The first line of its checkpoints, and the name of its key in them.
    pub origin: String,
}

/// One ledger that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerInfo {
    pub ledger_id: LedgerId,
    pub identity: LedgerIdentity,
    pub size: u64,
    pub root: Hash,
}

/// What the archive writer reads from: a device's own ledger, or a witness's replicas.
pub trait LedgerReader {
    /// # Errors
    /// Storage errors and [`StoreError::Corrupted`], here and below.
    fn ledgers(&self) -> Result<Vec<LedgerInfo>, StoreError>;

    /// Hands entries over in their order from `from` on, one at a time, until `each` breaks; memory stays flat.
    ///
    /// # Errors
    /// [`StoreError::UnknownLedger`] and as above.
    fn each_entry(
        &self,
        ledger: &LedgerId,
        from: u64,
        each: &mut dyn FnMut(StoredEntry) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// All checkpoints, oldest first.
    ///
    /// # Errors
    /// [`StoreError::UnknownLedger`] and as above.
    fn checkpoints(&self, ledger: &LedgerId) -> Result<Vec<StoredCheckpoint>, StoreError>;
}

/// A device's own ledger together with the identity that its checkpoints carry.
pub struct OwnLedger<'a> {
    reader: &'a Reader,
    identity: LedgerIdentity,
}

impl<'a> OwnLedger<'a> {
    pub fn new(reader: &'a Reader, identity: LedgerIdentity) -> Self {
        Self { reader, identity }
    }

    fn is_mine(&self, ledger: &LedgerId) -> Result<(), StoreError> {
        match self.reader.head()?.ledger_id == *ledger {
            true => Ok(()),
            false => Err(StoreError::UnknownLedger),
        }
    }
}

impl LedgerReader for OwnLedger<'_> {
    fn ledgers(&self) -> Result<Vec<LedgerInfo>, StoreError> {
        let head = self.reader.head()?;
        let (ledger_id, size, root) = (head.ledger_id, head.size, head.root);
        Ok(vec![LedgerInfo {
            ledger_id,
            identity: self.identity.clone(),
            size,
            root,
        }])
    }

    fn each_entry(
        &self,
        ledger: &LedgerId,
        from: u64,
        each: &mut dyn FnMut(StoredEntry) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.is_mine(ledger)?;
        let sql = format!(
            "SELECT {} FROM entries WHERE seq >= ?1 ORDER BY seq",
            StoredEntry::COLUMNS
        );
        stream(self.reader.connection(), &sql, [clamp(from)], each)
    }

    fn checkpoints(&self, ledger: &LedgerId) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.is_mine(ledger)?;
        self.reader.checkpoints()
    }
}

pub(crate) fn stream(
    conn: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    each: &mut dyn FnMut(StoredEntry) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        if each(StoredEntry::read(row)?).is_break() {
            break;
        }
    }
    Ok(())
}
