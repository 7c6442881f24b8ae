use super::find;
use crate::change::{Hash, LedgerId};
use crate::error::StoreError;
use crate::ledger_reader::{LedgerIdentity, LedgerInfo, LedgerReader, stream};
use crate::rows::{StoredCheckpoint, StoredEntry, clamp};
use fengjuan_envelope::merkle;
use rusqlite::{Connection, params};
use std::ops::ControlFlow;
use std::path::Path;

/// Where a ledger and its replica part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForkKind {
    Entry,
    Checkpoint,
}

/// A recorded fork: two truths of one device, which only a rolled-back or cloned database can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    pub ledger_id: LedgerId,
    pub device: String,
    pub kind: ForkKind,
    /// The entry's place, or the checkpoint's size.
    pub seq: u64,
    /// The leaf (or root) that came first and is held.
    pub mine: Hash,
    pub theirs: Hash,
    /// The entry or the note that did not fit.
    pub bytes: Vec<u8>,
    pub at_ms: i64,
}

/// One ledger in the witness's roll: what an archive must be able to show of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollLine {
    pub ledger_id: LedgerId,
    pub identity: LedgerIdentity,
    /// The replica.
    pub size: u64,
    pub root: Hash,
    /// The largest cosigned checkpoint, if any.
    pub cosigned: Option<(u64, Hash)>,
    pub forks: u64,
}

/// What one ledger holds of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptSize {
    pub ledger_id: LedgerId,
    /// How many of the replica's entries are of the attempt.
    pub entries: u64,
    /// The largest number that the device gave an entry of the attempt. Devices count from 0 without gaps, so that a
    /// whole replica has one entry more than this.
    pub last_attempt_seq: u64,
    /// The replica as a whole: the carry point, if this ledger's device is put out of use now.
    pub size: u64,
}

/// The replicas on a connection of the caller's.
pub struct Replica<'a> {
    conn: &'a Connection,
}

impl<'a> Replica<'a> {
    pub fn new(conn: &'a Connection) -> Self {
        Self { conn }
    }

    /// The replica's size and root.
    ///
    /// # Errors
    /// [`StoreError::UnknownLedger`], storage errors.
    pub fn frontier(&self, ledger: &LedgerId) -> Result<merkle::Frontier, StoreError> {
        Ok(find(self.conn, ledger)?
            .ok_or(StoreError::UnknownLedger)?
            .frontier)
    }

    /// At most `limit` entries from `from` on.
    ///
    /// # Errors
    /// [`StoreError::UnknownLedger`], storage errors.
    pub fn entries(
        &self,
        ledger: &LedgerId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let mut entries = Vec::new();
        if limit > 0 {
            self.each_entry(ledger, from, &mut |entry| {
                entries.push(entry);
                if entries.len() < limit {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
        }
        Ok(entries)
    }

    /// All entries of an attempt, over every ledger that it ran on, by ledger and place.
    ///
    /// # Errors
    /// Storage errors.
    pub fn entries_of_attempt(
        &self,
        attempt: &[u8; 16],
    ) -> Result<Vec<(LedgerId, StoredEntry)>, StoreError> {
        let sql = "SELECT e.seq, e.class, e.kind, e.attempt, e.attempt_seq, e.exam_ms, e.wall_ms, e.leaf, e.bytes, \
                   l.ledger_id FROM replica_entries e JOIN replica_ledgers l ON l.no = e.ledger \
                   WHERE e.attempt = ?1 ORDER BY e.ledger, e.seq";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows =
            statement.query_map([attempt], |row| Ok((row.get(9)?, StoredEntry::read(row)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All entries of one kind, over every ledger, by ledger and place.
    ///
    /// # Errors
    /// Storage errors.
    pub fn entries_of_kind(&self, kind: &str) -> Result<Vec<(LedgerId, StoredEntry)>, StoreError> {
        let sql = "SELECT e.seq, e.class, e.kind, e.attempt, e.attempt_seq, e.exam_ms, e.wall_ms, e.leaf, e.bytes, \
                   l.ledger_id FROM replica_entries e JOIN replica_ledgers l ON l.no = e.ledger \
                   WHERE e.kind = ?1 ORDER BY e.ledger, e.seq";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([kind], |row| Ok((row.get(9)?, StoredEntry::read(row)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How much of an attempt each ledger holds that it ran on, in the order in which the ledgers were registered.
    /// Read from the index alone.
    ///
    /// # Errors
    /// Storage errors.
    pub fn attempt_sizes(&self, attempt: &[u8; 16]) -> Result<Vec<AttemptSize>, StoreError> {
        let sql = "SELECT l.ledger_id, count(*), max(e.attempt_seq), l.size \
                   FROM replica_entries e JOIN replica_ledgers l ON l.no = e.ledger \
                   WHERE e.attempt = ?1 GROUP BY e.ledger ORDER BY e.ledger";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([attempt], |row| {
            Ok(AttemptSize {
                ledger_id: row.get(0)?,
                entries: row.get(1)?,
                last_attempt_seq: row.get(2)?,
                size: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All recorded forks, oldest first.
    ///
    /// # Errors
    /// Storage errors.
    pub fn forks(&self) -> Result<Vec<Fork>, StoreError> {
        let sql = "SELECT l.ledger_id, l.device, f.what, f.seq, f.mine, f.theirs, f.bytes, f.at_ms \
                   FROM replica_forks f JOIN replica_ledgers l ON l.no = f.ledger ORDER BY f.id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            let what: String = row.get(2)?;
            Ok(Fork {
                ledger_id: row.get(0)?,
                device: row.get(1)?,
                kind: if what == "entry" {
                    ForkKind::Entry
                } else {
                    ForkKind::Checkpoint
                },
                seq: row.get(3)?,
                mine: row.get(4)?,
                theirs: row.get(5)?,
                bytes: row.get(6)?,
                at_ms: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Every known ledger with what the witness vouches for, to be signed by the caller.
    ///
    /// # Errors
    /// Storage errors.
    pub fn roll(&self) -> Result<Vec<RollLine>, StoreError> {
        let sql = "SELECT l.ledger_id, l.device, l.device_key, l.origin, l.size, l.root, \
                   (SELECT count(*) FROM replica_forks f WHERE f.ledger = l.no), c.size, c.root \
                   FROM replica_ledgers l LEFT JOIN replica_checkpoints c ON c.id = \
                   (SELECT id FROM replica_checkpoints WHERE ledger = l.no ORDER BY size DESC, id DESC LIMIT 1) \
                   ORDER BY l.ledger_id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            let cosigned: Option<u64> = row.get(7)?;
            Ok(RollLine {
                ledger_id: row.get(0)?,
                identity: LedgerIdentity {
                    device: row.get(1)?,
                    device_key: row.get(2)?,
                    origin: row.get(3)?,
                },
                size: row.get(4)?,
                root: row.get(5)?,
                cosigned: match cosigned {
                    Some(size) => Some((size, row.get(8)?)),
                    None => None,
                },
                forks: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// RFC 6962 §2.1.2: that the tree of `new` entries begins with that of `old`.
    ///
    /// # Errors
    /// [`StoreError::UnknownLedger`], [`StoreError::BeyondEnd`], storage errors.
    pub fn consistency_proof(
        &self,
        ledger: &LedgerId,
        old: u64,
        new: u64,
    ) -> Result<Vec<Hash>, StoreError> {
        let leaves = self.leaves(ledger, new)?;
        if old > new {
            return Err(StoreError::BeyondEnd {
                asked: old,
                size: new,
            });
        }
        Ok(merkle::consistency_proof(&leaves, old))
    }

    /// RFC 6962 §2.1.1: that entry `seq` is in the tree of `size` entries.
    ///
    /// # Errors
    /// As [`Replica::consistency_proof`].
    pub fn inclusion_proof(
        &self,
        ledger: &LedgerId,
        seq: u64,
        size: u64,
    ) -> Result<Vec<Hash>, StoreError> {
        let leaves = self.leaves(ledger, size)?;
        if seq >= size {
            return Err(StoreError::BeyondEnd { asked: seq, size });
        }
        Ok(merkle::inclusion_proof(&leaves, seq))
    }

    /// Rebuilds a replica's tree from its entries' bytes.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`], [`StoreError::UnknownLedger`], storage errors.
    pub fn check(&self, ledger: &LedgerId) -> Result<(), StoreError> {
        let held = self.frontier(ledger)?;
        let mut rebuilt = merkle::Frontier::default();
        let mut wrong = None;
        self.each_entry(ledger, 0, &mut |entry| {
            let leaf = merkle::leaf_hash(&entry.bytes);
            if entry.seq != rebuilt.size || leaf != entry.leaf {
                wrong = Some(rebuilt.size);
                return ControlFlow::Break(());
            }
            rebuilt.append(leaf);
            ControlFlow::Continue(())
        })?;
        match wrong {
            Some(seq) => Err(StoreError::corrupted(
                Path::new(""),
                format!("replicated entry {seq} is damaged"),
            )),
            None if rebuilt.root() != held.root() || rebuilt.size != held.size => Err(
                StoreError::corrupted(Path::new(""), "a replica's entries do not make its root"),
            ),
            None => Ok(()),
        }
    }

    /// The leaf hashes of the first `size` entries.
    ///
    /// # Errors
    /// [`StoreError::UnknownLedger`], [`StoreError::BeyondEnd`], storage errors.
    pub fn leaves(&self, ledger: &LedgerId, size: u64) -> Result<Vec<Hash>, StoreError> {
        let ledger = find(self.conn, ledger)?.ok_or(StoreError::UnknownLedger)?;
        if size > ledger.frontier.size {
            return Err(StoreError::BeyondEnd {
                asked: size,
                size: ledger.frontier.size,
            });
        }
        let sql = "SELECT leaf FROM replica_entries WHERE ledger = ?1 AND seq < ?2 ORDER BY seq";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map(params![ledger.no, clamp(size)], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl LedgerReader for Replica<'_> {
    fn ledgers(&self) -> Result<Vec<LedgerInfo>, StoreError> {
        let info = |line: RollLine| LedgerInfo {
            ledger_id: line.ledger_id,
            identity: line.identity,
            size: line.size,
            root: line.root,
        };
        Ok(self.roll()?.into_iter().map(info).collect())
    }

    fn each_entry(
        &self,
        ledger: &LedgerId,
        from: u64,
        each: &mut dyn FnMut(StoredEntry) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let ledger = find(self.conn, ledger)?.ok_or(StoreError::UnknownLedger)?;
        let sql = format!(
            "SELECT {} FROM replica_entries WHERE ledger = ?1 AND seq >= ?2 ORDER BY seq",
            StoredEntry::COLUMNS
        );
        stream(self.conn, &sql, params![ledger.no, clamp(from)], each)
    }

    fn checkpoints(&self, ledger: &LedgerId) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let ledger = find(self.conn, ledger)?.ok_or(StoreError::UnknownLedger)?;
        let sql = "SELECT size, root, note, cosigned FROM replica_checkpoints WHERE ledger = ?1 ORDER BY id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([ledger.no], StoredCheckpoint::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
