use crate::change::Hash;
use crate::error::StoreError;
use crate::rows::{Head, KeyValue, ObjectRow, StoredCheckpoint, StoredEntry, clamp};
use crate::sum::{self, Sum};
use crate::{objects, schema};
use fengjuan_envelope::merkle;
use rusqlite::{Connection, Row};
use std::path::{Path, PathBuf};

/// Reads on a connection of its own. `Send`, not `Sync`.
pub struct Reader {
    conn: Connection,
    file: PathBuf,
    objects: PathBuf,
}

impl Reader {
    pub(crate) fn new(conn: Connection, file: PathBuf, objects: PathBuf) -> Reader {
        Reader {
            conn,
            file,
            objects,
        }
    }

    fn rows<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let run = || -> rusqlite::Result<Vec<T>> {
            self.conn
                .prepare_cached(sql)?
                .query_map(params, read)?
                .collect()
        };
        run().map_err(|error| StoreError::from(error).at(&self.file))
    }

    /// One value of the small state.
    ///
    /// # Errors
    /// Like all functions here: storage errors, and [`StoreError::Corrupted`].
    pub fn get(&self, ns: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT key, value, sum FROM state WHERE ns = ?1 AND key = ?2";
        let found = self.state(ns, sql, (ns, key))?;
        Ok(found.into_iter().next().map(|(_, value)| value))
    }

    /// All of a namespace, ordered by key.
    ///
    /// # Errors
    /// See [`Reader::get`].
    pub fn scan(&self, ns: &str) -> Result<Vec<KeyValue>, StoreError> {
        self.state(
            ns,
            "SELECT key, value, sum FROM state WHERE ns = ?1 ORDER BY key",
            [ns],
        )
    }

    fn state(
        &self,
        ns: &str,
        sql: &str,
        params: impl rusqlite::Params,
    ) -> Result<Vec<KeyValue>, StoreError> {
        let found = self.rows(sql, params, |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        let checked = |(key, value, sum): (Vec<u8>, Vec<u8>, Sum)| match sum
            == sum::of_state(ns, &key, &value)
        {
            true => Ok((key, value)),
            false => Err(StoreError::corrupted(
                &self.file,
                format!("the state in {ns} is not what was written"),
            )),
        };
        found.into_iter().map(checked).collect()
    }

    /// Every value of the small state, whatever its name: an auditor looks for signed documents in it.
    ///
    /// # Errors
    /// See [`Reader::get`].
    pub fn all_values(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.rows("SELECT value FROM state ORDER BY ns, key", [], |row| {
            row.get(0)
        })
    }

    /// # Errors
    /// See [`Reader::get`].
    pub fn head(&self) -> Result<Head, StoreError> {
        Head::read(&self.conn).map_err(|error| error.at(&self.file))
    }

    /// # Errors
    /// See [`Reader::get`].
    pub fn size(&self) -> Result<u64, StoreError> {
        Ok(self.head()?.size)
    }

    /// # Errors
    /// See [`Reader::get`].
    pub fn root(&self) -> Result<Hash, StoreError> {
        Ok(self.head()?.root)
    }

    /// At most `limit` entries, from `from` on.
    ///
    /// # Errors
    /// See [`Reader::get`].
    pub fn entries(&self, from: u64, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        let sql = format!(
            "SELECT {} FROM entries WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
            StoredEntry::COLUMNS
        );
        self.rows(&sql, (clamp(from), clamp(limit as u64)), StoredEntry::read)
    }

    /// # Errors
    /// See [`Reader::get`].
    pub fn entry(&self, seq: u64) -> Result<Option<StoredEntry>, StoreError> {
        Ok(self
            .entries(seq, 1)?
            .into_iter()
            .find(|entry| entry.seq == seq))
    }

    /// All entries of an attempt in this ledger, in their order.
    ///
    /// # Errors
    /// See [`Reader::get`].
    pub fn entries_of_attempt(&self, attempt: &[u8; 16]) -> Result<Vec<StoredEntry>, StoreError> {
        let sql = format!(
            "SELECT {} FROM entries WHERE attempt = ?1 ORDER BY attempt_seq, seq",
            StoredEntry::COLUMNS
        );
        self.rows(&sql, [attempt], StoredEntry::read)
    }

    /// All signed checkpoints, oldest first.
    ///
    /// # Errors
    /// See [`Reader::get`].
    pub fn checkpoints(&self) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.rows(
            "SELECT size, root, note, cosigned FROM checkpoints ORDER BY id",
            [],
            StoredCheckpoint::read,
        )
    }

    /// # Errors
    /// See [`Reader::get`].
    pub fn latest_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        let sql = "SELECT size, root, note, cosigned FROM checkpoints ORDER BY id DESC LIMIT 1";
        Ok(self
            .rows(sql, [], StoredCheckpoint::read)?
            .into_iter()
            .next())
    }

    /// The largest checkpoint that a witness has cosigned.
    ///
    /// # Errors
    /// See [`Reader::get`].
    pub fn latest_cosigned(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        let sql = "SELECT size, root, note, cosigned FROM checkpoints WHERE cosigned IS NOT NULL \
                   ORDER BY size DESC, id DESC LIMIT 1";
        Ok(self
            .rows(sql, [], StoredCheckpoint::read)?
            .into_iter()
            .next())
    }

    /// Objects without a receipt, oldest first.
    ///
    /// # Errors
    /// See [`Reader::get`].
    pub fn unsent_objects(&self) -> Result<Vec<ObjectRow>, StoreError> {
        let sql = "SELECT hash, kind, size, seq, receipt FROM objects WHERE receipt IS NULL ORDER BY rowid";
        self.rows(sql, [], ObjectRow::read)
    }

    /// All objects, the unsent first.
    ///
    /// # Errors
    /// See [`Reader::get`].
    pub fn objects(&self) -> Result<Vec<ObjectRow>, StoreError> {
        let sql = "SELECT hash, kind, size, seq, receipt FROM objects ORDER BY receipt IS NOT NULL, rowid";
        self.rows(sql, [], ObjectRow::read)
    }

    /// # Errors
    /// See [`Reader::get`].
    pub fn object(&self, hash: &Hash) -> Result<Option<ObjectRow>, StoreError> {
        let sql = "SELECT hash, kind, size, seq, receipt FROM objects WHERE hash = ?1";
        Ok(self.rows(sql, [hash], ObjectRow::read)?.into_iter().next())
    }

    /// A registered object's bytes, checked against the hash.
    ///
    /// # Errors
    /// [`StoreError::UnknownObject`], [`StoreError::ObjectDamaged`], and see [`Reader::get`].
    pub fn object_bytes(&self, hash: &Hash) -> Result<Vec<u8>, StoreError> {
        match self.object(hash)? {
            Some(_) => objects::read(&self.objects, hash),
            None => Err(StoreError::UnknownObject),
        }
    }

    /// The registered objects whose files are missing or of another length, for the equipment check.
    ///
    /// # Errors
    /// See [`Reader::get`].
    pub fn damaged_objects(&self) -> Result<Vec<Hash>, StoreError> {
        let rows = self.objects()?;
        let damaged = |row: &ObjectRow| {
            !std::fs::metadata(objects::path(&self.objects, &row.hash))
                .is_ok_and(|file| file.len() == row.size)
        };
        Ok(rows
            .into_iter()
            .filter(damaged)
            .map(|row| row.hash)
            .collect())
    }

    /// The first `size` leaf hashes.
    fn leaves(&self, size: u64) -> Result<Vec<Hash>, StoreError> {
        let leaves = self.rows(
            "SELECT leaf FROM entries WHERE seq < ?1 ORDER BY seq",
            [clamp(size)],
            |row| row.get(0),
        )?;
        match leaves.len() as u64 == size {
            true => Ok(leaves),
            false => Err(StoreError::BeyondEnd {
                asked: size,
                size: leaves.len() as u64,
            }),
        }
    }

    /// RFC 6962 §2.1.1: that entry `seq` is in the tree of `size` entries.
    ///
    /// # Errors
    /// [`StoreError::BeyondEnd`], and see [`Reader::get`].
    pub fn inclusion_proof(&self, seq: u64, size: u64) -> Result<Vec<Hash>, StoreError> {
        if seq >= size {
            return Err(StoreError::BeyondEnd { asked: seq, size });
        }
        Ok(merkle::inclusion_proof(&self.leaves(size)?, seq))
    }

    /// RFC 6962 §2.1.2: that the tree of `new` entries begins with that of `old`.
    ///
    /// # Errors
    /// [`StoreError::BeyondEnd`], and see [`Reader::get`].
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
        if old > new {
            return Err(StoreError::BeyondEnd {
                asked: old,
                size: new,
            });
        }
        Ok(merkle::consistency_proof(&self.leaves(new)?, old))
    }

    /// The root of the first `size` entries.
    ///
    /// # Errors
    /// [`StoreError::BeyondEnd`], and see [`Reader::get`].
    pub fn root_at(&self, size: u64) -> Result<Hash, StoreError> {
        Ok(merkle::root_of(&self.leaves(size)?))
    }

    /// SQLite's whole `integrity_check` and the tree rebuilt from the entries. `Ok` holds SQLite's verdict.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`], and storage errors.
    pub fn integrity_check(&self) -> Result<String, StoreError> {
        let verdict: Vec<String> = self.rows("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        let verdict = verdict.into_iter().next().unwrap_or_default();
        if verdict != "ok" {
            return Err(StoreError::corrupted(&self.file, verdict));
        }
        // One snapshot, or the writer could move the head between the two reads.
        let snapshot = self.conn.unchecked_transaction()?;
        let at = |error: StoreError| error.at(&self.file);
        crate::database::check_tree(&snapshot, &self.file).map_err(at)?;
        crate::database::check_state(&snapshot, &self.file).map_err(at)?;
        Ok(verdict)
    }

    /// Copies the database by the online backup API; never copy the file.
    ///
    /// # Errors
    /// Storage errors.
    pub fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        schema::back_up(&self.conn, to)
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.conn
    }
}
