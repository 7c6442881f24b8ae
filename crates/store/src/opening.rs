//! How a database file is made, locked, checked and brought up to date; the same rules for every kind of database.

use crate::error::StoreError;
use crate::{OLDEST_SQLITE, objects, schema};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

const RESERVE_BYTES: u64 = 16 * 1024 * 1024;
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// A migration that was done at open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    pub from: u32,
    pub to: u32,
    /// The copy made by the online backup API before anything was changed.
    pub backup: PathBuf,
}

/// One kind of database: the names of its files in a data directory, its mark and its migrations.
#[derive(Clone, Copy)]
pub(crate) struct Kind<'a> {
    pub file: &'static str,
    pub lock: &'static str,
    /// Space that is given free to finish the exam on a full disk.
    pub reserve: &'static str,
    /// The beginning of its backups' names.
    pub stem: &'static str,
    pub application_id: u32,
    /// A database of schema `n` has the first `n` of them.
    pub migrations: &'a [&'a str],
}

/// What [`Kind::open`] found.
pub(crate) struct Found {
    pub conn: Connection,
    pub created: bool,
    pub migrated: Option<Migrated>,
}

impl Kind<'_> {
    pub(crate) fn schema(&self) -> u32 {
        schema::newest(self.migrations)
    }

    /// Makes the directory where there is none, and keeps all others out of this database of it.
    pub(crate) fn lock(&self, dir: &Path) -> Result<File, StoreError> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(StoreError::SqliteTooOld {
                found: rusqlite::version().to_owned(),
            });
        }
        std::fs::create_dir_all(dir)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join(self.lock))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(StoreError::AlreadyRunning {
                dir: dir.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Opens the database of a locked directory, checks it and migrates it where it is older; makes it where there is
    /// no trace of one (`in_use`: the caller sees one). `first` writes what a new database begins with; `check`
    /// tells damage, and runs before anything is changed and again at the end.
    pub(crate) fn open(
        &self,
        dir: &Path,
        in_use: bool,
        first: impl FnOnce(&Connection) -> Result<(), StoreError>,
        check: impl Fn(&Connection) -> Result<(), StoreError>,
    ) -> Result<Found, StoreError> {
        let file = dir.join(self.file);
        let created = !file.try_exists()?;
        if created {
            self.create(dir, &file, in_use, first)?;
        }
        let at = |error: StoreError| error.at_open(&file);
        let mut conn = self.open_checked(&file).map_err(at)?;
        let migrated = self.bring_up(&conn, dir, &file, &check).map_err(at)?;
        check(&conn).map_err(at)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        schema::assert_durable(&conn).map_err(at)?;
        schema::guard(&mut conn)?;
        Ok(Found {
            conn,
            created,
            migrated,
        })
    }

    /// Makes a new database under another name and gives it its own only when it is whole and durable, so that a
    /// file that is empty or half made is always damage and never taken for a new one.
    fn create(
        &self,
        dir: &Path,
        file: &Path,
        in_use: bool,
        first: impl FnOnce(&Connection) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if in_use || dir.join(format!("{}-wal", self.file)).exists() || self.has_backup(dir) {
            return Err(StoreError::corrupted(
                file,
                "the database file is missing from a directory that was in use",
            ));
        }
        let making = dir.join(format!("{}.new", self.file));
        for rest in ["", "-wal", "-shm", "-journal"] {
            match std::fs::remove_file(dir.join(format!("{}.new{rest}", self.file))) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error.into());
                }
                _ => {}
            }
        }
        {
            let conn = Connection::open(&making)?;
            schema::harden(&conn)?;
            conn.pragma_update(None, "application_id", self.application_id)?;
            schema::assert_durable(&conn)?;
            schema::migrate(&conn, self.migrations)?;
            first(&conn)?;
            conn.close().map_err(|(_, error)| error)?;
        }
        File::open(&making)?.sync_all()?;
        std::fs::rename(&making, file)?;
        objects::sync_dir(dir)?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            objects::sync_dir(parent)?;
        }
        Ok(())
    }

    /// True where a database of this kind was migrated here once.
    fn has_backup(&self, dir: &Path) -> bool {
        let of_this_kind = |item: std::io::Result<std::fs::DirEntry>| {
            item.is_ok_and(|item| item.file_name().to_string_lossy().starts_with(self.stem))
        };
        dir.join("backups")
            .read_dir()
            .is_ok_and(|mut items| items.any(of_this_kind))
    }

    /// Opens an existing file and checks it without writing to it: SQLite would delete the WAL of a database that was
    /// cut to nothing, and would checkpoint into a damaged one when it closes.
    fn open_checked(&self, file: &Path) -> Result<Connection, StoreError> {
        let mut header = [0_u8; 100];
        let mut raw = File::open(file)?;
        if let Err(error) = raw.read_exact(&mut header) {
            return Err(match error.kind() {
                std::io::ErrorKind::UnexpectedEof => {
                    StoreError::corrupted(file, "shorter than its header")
                }
                _ => error.into(),
            });
        }
        drop(raw);
        if &header[..16] != SQLITE_MAGIC {
            return Err(StoreError::corrupted(file, "not an SQLite database"));
        }
        if !header[18..20]
            .iter()
            .all(|version| matches!(version, 1 | 2))
        {
            return Err(StoreError::corrupted(file, "no known file format"));
        }
        if header[68..72] != self.application_id.to_be_bytes() {
            return Err(StoreError::corrupted(file, "not this program's database"));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(file, flags)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        schema::harden(&conn)?;
        let verdict: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(StoreError::corrupted(file, verdict));
        }
        Ok(conn)
    }

    fn bring_up(
        &self,
        conn: &Connection,
        dir: &Path,
        file: &Path,
        check: impl Fn(&Connection) -> Result<(), StoreError>,
    ) -> Result<Option<Migrated>, StoreError> {
        let (found, known) = (schema::version(conn)?, self.schema());
        if found > known {
            return Err(StoreError::NewerSchema { found, known });
        }
        if found == 0 {
            return Err(StoreError::corrupted(file, "the schema number is missing"));
        }
        if found == known {
            return Ok(None);
        }
        // A damaged ledger is told before it is changed, not after.
        check(conn)?;
        let backup = schema::backup_path(dir, self.stem, found)?;
        schema::back_up(conn, &backup)?;
        schema::assert_durable(conn)?;
        schema::migrate(conn, self.migrations)?;
        Ok(Some(Migrated {
            from: found,
            to: known,
            backup,
        }))
    }

    /// A connection that only reads. The file's own program may go on writing.
    pub(crate) fn open_reader(&self, file: &Path) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(file, flags)
            .map_err(|error| StoreError::from(error).at(file))?;
        schema::harden(&conn)?;
        conn.pragma_update(None, "query_only", true)?;
        schema::guard(&mut conn)?;
        Ok(conn)
    }

    /// As [`Kind::open_reader`], in a directory that this process does not own.
    pub(crate) fn open_foreign(&self, dir: &Path) -> Result<Connection, StoreError> {
        let file = dir.join(self.file);
        if !file.try_exists()? {
            return Err(StoreError::corrupted(&file, "there is no database"));
        }
        let conn = self.open_reader(&file)?;
        let found = schema::version(&conn).map_err(|error| error.at_open(&file))?;
        let known = self.schema();
        if found > known {
            return Err(StoreError::NewerSchema { found, known });
        }
        Ok(conn)
    }

    /// True if there was a reserve file.
    pub(crate) fn remove_reserve(&self, dir: &Path) -> Result<bool, StoreError> {
        match std::fs::remove_file(dir.join(self.reserve)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the reserve really (a hole would reserve nothing). `Ok(false)` where the disk has no room.
    pub(crate) fn fill_reserve(&self, dir: &Path) -> Result<bool, StoreError> {
        let path = dir.join(self.reserve);
        if std::fs::metadata(&path).is_ok_and(|found| found.len() == RESERVE_BYTES) {
            return Ok(true);
        }
        let written = (|| -> Result<(), StoreError> {
            let mut file = File::create(&path)?;
            let block = vec![0xA5_u8; 1 << 20];
            for _ in 0..RESERVE_BYTES / (1 << 20) {
                file.write_all(&block)?;
            }
            Ok(file.sync_all()?)
        })();
        match written {
            Ok(()) => Ok(true),
            Err(error) => {
                let _ = std::fs::remove_file(&path);
                if error == StoreError::Full {
                    Ok(false)
                } else {
                    Err(error)
                }
            }
        }
    }
}
