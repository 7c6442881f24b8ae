use crate::change::{Hash, LedgerId};
use crate::error::StoreError;
use crate::{objects, schema};
use fengjuan_envelope::merkle;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use std::path::{Path, PathBuf};

/// One key of the small state with its value.
pub type KeyValue = (Vec<u8>, Vec<u8>);

/// The ledger's committed size and root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub ledger_id: LedgerId,
    pub size: u64,
    pub root: Hash,
}

impl Head {
    pub(crate) fn read(conn: &Connection) -> Result<Head, StoreError> {
        let mut statement =
            conn.prepare_cached("SELECT ledger_id, size, root FROM head WHERE id = 1")?;
        let head = statement
            .query_row([], |row| {
                Ok(Head {
                    ledger_id: row.get(0)?,
                    size: row.get(1)?,
                    root: row.get(2)?,
                })
            })
            .optional()?;
        head.ok_or_else(|| StoreError::corrupted(Path::new(""), "the ledger has no head"))
    }
}

/// One stored entry, with the columns that its encoder named. The bytes are the evidence; the columns are an
/// index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    pub seq: u64,
    pub class: u8,
    pub kind: String,
    pub attempt: Option<[u8; 16]>,
    pub attempt_seq: u64,
    pub exam_ms: Option<i64>,
    pub wall_ms: i64,
    /// RFC 6962 leaf hash of `bytes`.
    pub leaf: Hash,
    pub bytes: Vec<u8>,
}

impl StoredEntry {
    /// The columns that [`StoredEntry::read`] expects, in their order.
    pub(crate) const COLUMNS: &str =
        "seq, class, kind, attempt, attempt_seq, exam_ms, wall_ms, leaf, bytes";

    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
        Ok(StoredEntry {
            seq: row.get(0)?,
            class: row.get(1)?,
            kind: row.get(2)?,
            attempt: row.get(3)?,
            attempt_seq: row.get(4)?,
            exam_ms: row.get(5)?,
            wall_ms: row.get(6)?,
            leaf: row.get(7)?,
            bytes: row.get(8)?,
        })
    }
}

/// A signed checkpoint, with the witness's cosignature once it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    pub size: u64,
    pub root: Hash,
    /// C2SP signed note by the device.
    pub note: String,
    /// The same note with the witness's line.
    pub cosigned: Option<String>,
}

impl StoredCheckpoint {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<StoredCheckpoint> {
        Ok(StoredCheckpoint {
            size: row.get(0)?,
            root: row.get(1)?,
            note: row.get(2)?,
            cosigned: row.get(3)?,
        })
    }
}

/// A registered object. Without a receipt it is "not sent".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRow {
    pub hash: Hash,
    pub kind: String,
    pub size: u64,
    /// The entry that was written with it.
    pub seq: Option<u64>,
    pub receipt: Option<Vec<u8>>,
}

impl ObjectRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<ObjectRow> {
        Ok(ObjectRow {
            hash: row.get(0)?,
            kind: row.get(1)?,
            size: row.get(2)?,
            seq: row.get(3)?,
            receipt: row.get(4)?,
        })
    }
}

/// Reads on a connection of its own. `Send`, not `Sync`.
pub struct Reader {
    conn: Connection,
    file: PathBuf,
    objects: PathBuf,
}

impl Reader {
    pub(crate) fn open(file: &Path, objects: PathBuf) -> Result<Reader, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(file, flags)
            .map_err(|error| StoreError::from(error).at(file))?;
        schema::harden(&conn)?;
        conn.pragma_update(None, "query_only", true)?;
        schema::guard(&mut conn)?;
        Ok(Reader {
            conn,
            file: file.to_owned(),
            objects,
        })
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
        let found = self.rows(
            "SELECT value FROM state WHERE ns = ?1 AND key = ?2",
            (ns, key),
            |row| row.get(0),
        )?;
        Ok(found.into_iter().next())
    }

    /// All of a namespace, ordered by key.
    ///
    /// # Errors
    /// See [`Reader::get`].
    pub fn scan(&self, ns: &str) -> Result<Vec<KeyValue>, StoreError> {
        self.rows(
            "SELECT key, value FROM state WHERE ns = ?1 ORDER BY key",
            [ns],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
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
        crate::database::check_tree(&snapshot, &self.file).map_err(|error| error.at(&self.file))?;
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

/// SQLite's integers are signed; nothing is stored beyond them.
pub(crate) fn clamp(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
