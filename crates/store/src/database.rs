use crate::change::{Hash, LedgerId};
use crate::engine::Engine;
use crate::error::StoreError;
use crate::reader::Reader;
use crate::rows::Head;
use crate::sum::{self, Columns, Sum};
use crate::writer::{self, Writer};
use crate::{OLDEST_SQLITE, objects, schema};
use fengjuan_envelope::merkle::{self, Frontier};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

const FILE: &str = "fengjuan.db";
const RESERVE_BYTES: u64 = 16 * 1024 * 1024;
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// One data directory: its lock, its database `fengjuan.db`, its objects and its writer thread. Dropping it stops
/// the writer (what was queued is still answered) and gives the directory free.
pub struct Database {
    dir: PathBuf,
    writer: Writer,
    thread: Option<std::thread::JoinHandle<()>>,
    // Released last: fields drop in their order, and the lock must outlive the writer.
    _lock: File,
}

/// A migration that was done at open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    pub from: u32,
    pub to: u32,
    /// The copy made by the online backup API before anything was changed.
    pub backup: PathBuf,
}

/// What was found at open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub schema: u32,
    /// What SQLite's `integrity_check` said (always `ok`: anything else is [`StoreError::Corrupted`]); the tree was
    /// rebuilt from the entries' bytes besides, and every row compared with its checksum, since SQLite keeps none of its pages.
    pub integrity: String,
    pub entries: u64,
    pub root: Hash,
    pub ledger_id: LedgerId,
    pub created: bool,
    pub migrated: Option<Migrated>,
    /// False where the disk has no room for the reserve file.
    pub reserve: bool,
}

impl Database {
    /// Takes the directory's lock, checks the database whole, migrates it where it is older, and starts the
    /// writer. Makes directory and database where there is no trace of either.
    ///
    /// # Errors
    /// [`StoreError::AlreadyRunning`], [`StoreError::Corrupted`] (the file stays as it is),
    /// [`StoreError::NewerSchema`], [`StoreError::Migration`], [`StoreError::NotDurable`], storage errors.
    pub fn open(dir: &Path) -> Result<(Database, Opened), StoreError> {
        Self::open_with(dir, schema::MIGRATIONS)
    }

    pub(crate) fn open_with(
        dir: &Path,
        migrations: &[&str],
    ) -> Result<(Database, Opened), StoreError> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(StoreError::SqliteTooOld {
                found: rusqlite::version().to_owned(),
            });
        }
        std::fs::create_dir_all(dir)?;
        let lock = take_lock(dir)?;
        match Self::open_locked(dir, migrations, &lock) {
            // An exam that was going on when the disk filled has to be resumed: that is what the reserve is for.
            Err(StoreError::Full) if remove_reserve(dir)? => {
                Self::open_locked(dir, migrations, &lock)
            }
            other => other,
        }
    }

    fn open_locked(
        dir: &Path,
        migrations: &[&str],
        lock: &File,
    ) -> Result<(Database, Opened), StoreError> {
        let lock = lock.try_clone()?;
        let file = dir.join(FILE);
        let created = !file.try_exists()?;
        if created {
            create(dir, &file, migrations)?;
        }
        let at = |error: StoreError| error.at_open(&file);
        let mut conn = open_checked(&file).map_err(at)?;
        let migrated = bring_up(&conn, dir, &file, migrations).map_err(at)?;
        let (head, frontier) = check_tree(&conn, &file).map_err(at)?;
        check_state(&conn, &file).map_err(at)?;
        let objects = dir.join("objects");
        std::fs::create_dir_all(&objects)?;
        objects::sweep_parts(&objects)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        schema::assert_durable(&conn).map_err(at)?;
        schema::guard(&mut conn)?;
        let opened = Opened {
            schema: schema::newest(migrations),
            integrity: "ok".to_owned(),
            entries: head.size,
            root: head.root,
            ledger_id: head.ledger_id,
            created,
            migrated,
            reserve: fill_reserve(dir).unwrap_or(false),
        };
        let engine = Engine::new(conn, file, head.ledger_id, frontier);
        let (writer, thread) = writer::start(engine, objects)?;
        Ok((
            Database {
                dir: dir.to_owned(),
                writer,
                thread: Some(thread),
                _lock: lock,
            },
            opened,
        ))
    }

    /// The handle through which everything is written. Clones share the one writer thread.
    pub fn writer(&self) -> Writer {
        self.writer.clone()
    }

    /// A reader on a connection of its own; it sees what is committed. One per thread.
    ///
    /// # Errors
    /// Storage errors.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Reader::open(&self.dir.join(FILE), self.dir.join("objects"))
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A reader of a directory that this process does not own, for an auditor: takes no lock, migrates nothing and
    /// writes nothing. The device's own program may go on writing.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`], [`StoreError::Corrupted`], storage errors.
    pub fn read_only(dir: &Path) -> Result<Reader, StoreError> {
        let file = dir.join(FILE);
        if !file.try_exists()? {
            return Err(StoreError::corrupted(&file, "there is no database"));
        }
        let reader = Reader::open(&file, dir.join("objects"))?;
        let found = schema::version(reader.connection()).map_err(|error| error.at_open(&file))?;
        let known = schema::newest(schema::MIGRATIONS);
        if found > known {
            return Err(StoreError::NewerSchema { found, known });
        }
        Ok(reader)
    }

    /// Gives the reserve's space free, so that the exam can be finished on a full disk. True if there was one.
    ///
    /// # Errors
    /// Storage errors.
    pub fn release_reserve(&self) -> Result<bool, StoreError> {
        remove_reserve(&self.dir)
    }

    /// Writes the reserve again after the disk was freed. False where there is still no room.
    ///
    /// # Errors
    /// Storage errors other than a full disk.
    pub fn restore_reserve(&self) -> Result<bool, StoreError> {
        fill_reserve(&self.dir)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.writer.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the ledger's writer thread had panicked");
        }
    }
}

fn take_lock(dir: &Path) -> Result<File, StoreError> {
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::AlreadyRunning {
            dir: dir.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Makes a new database under another name and gives it its own only when it is whole and durable, so that a
/// `fengjuan.db` that is empty or half made is always damage and never taken for a new one.
fn create(dir: &Path, file: &Path, migrations: &[&str]) -> Result<(), StoreError> {
    let objects = dir.join("objects");
    let left = [dir.join(format!("{FILE}-wal")), dir.join("backups")]
        .iter()
        .any(|path| path.exists())
        || objects
            .read_dir()
            .is_ok_and(|mut items| items.next().is_some());
    if left {
        return Err(StoreError::corrupted(
            file,
            "the database file is missing from a directory that was in use",
        ));
    }
    let making = dir.join(format!("{FILE}.new"));
    for rest in ["", "-wal", "-shm", "-journal"] {
        match std::fs::remove_file(dir.join(format!("{FILE}.new{rest}"))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    let ledger_id: LedgerId =
        fengjuan_envelope::random_bytes::<16>().map_err(|error| StoreError::Io {
            detail: error.to_string(),
        })?;
    {
        let conn = Connection::open(&making)?;
        schema::harden(&conn)?;
        conn.pragma_update(None, "application_id", schema::APPLICATION_ID)?;
        schema::assert_durable(&conn)?;
        schema::migrate(&conn, migrations)?;
        conn.execute(
            "INSERT INTO head (id, ledger_id, size, root, sum) VALUES (1, ?1, 0, ?2, ?3)",
            (ledger_id, merkle::empty_root(), sum::of_ledger(&ledger_id)),
        )?;
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

/// Opens an existing file and checks it without writing to it: SQLite would delete the WAL of a database that was
/// cut to nothing, and would checkpoint into a damaged one when it closes.
fn open_checked(file: &Path) -> Result<Connection, StoreError> {
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
    if header[68..72] != schema::APPLICATION_ID.to_be_bytes() {
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
    conn: &Connection,
    dir: &Path,
    file: &Path,
    migrations: &[&str],
) -> Result<Option<Migrated>, StoreError> {
    let (found, known) = (schema::version(conn)?, schema::newest(migrations));
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
    check_tree(conn, file)?;
    let backup = schema::backup_path(dir, found)?;
    schema::back_up(conn, &backup)?;
    schema::assert_durable(conn)?;
    schema::migrate(conn, migrations)?;
    Ok(Some(Migrated {
        from: found,
        to: known,
        backup,
    }))
}

/// Rebuilds the tree from the stored bytes and compares it with the stored leaves and head.
pub(crate) fn check_tree(conn: &Connection, file: &Path) -> Result<(Head, Frontier), StoreError> {
    let head = Head::read(conn)?;
    let mut frontier = Frontier::default();
    let mut statement = conn.prepare(
        "SELECT seq, bytes, sum, class, kind, attempt, attempt_seq, exam_ms, wall_ms, leaf \
         FROM entries ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let columns = Columns::read(row, 3)?;
        let leaf = columns.leaf;
        let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        if u64::try_from(seq) != Ok(frontier.size) {
            return Err(StoreError::corrupted(
                file,
                format!("entry {} is missing", frontier.size),
            ));
        }
        if merkle::leaf_hash(bytes) != leaf || row.get::<_, Sum>(2)? != columns.sum() {
            return Err(StoreError::corrupted(
                file,
                format!("entry {seq} is not what was written"),
            ));
        }
        frontier.append(leaf);
    }
    if frontier.size != head.size || frontier.root() != head.root {
        let detail = format!(
            "the entries ({}) do not make the ledger's head ({})",
            frontier.size, head.size
        );
        return Err(StoreError::corrupted(file, detail));
    }
    Ok((head, frontier))
}

/// Compares every row of the small state with its checksum.
pub(crate) fn check_state(conn: &Connection, file: &Path) -> Result<(), StoreError> {
    let mut statement = conn.prepare("SELECT ns, key, value, sum FROM state")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (ns, key) = (row.get_ref(0)?.as_str(), row.get_ref(1)?.as_blob());
        let value = row.get_ref(2)?.as_blob();
        let (Ok(ns), Ok(key), Ok(value)) = (ns, key, value) else {
            return Err(StoreError::corrupted(
                file,
                "a row of the state has another type",
            ));
        };
        if row.get::<_, Sum>(3)? != sum::of_state(ns, key, value) {
            return Err(StoreError::corrupted(
                file,
                format!("the state in {ns} is not what was written"),
            ));
        }
    }
    Ok(())
}

/// True if there was a reserve file.
fn remove_reserve(dir: &Path) -> Result<bool, StoreError> {
    match std::fs::remove_file(dir.join("reserve")) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Writes `reserve` really (a hole would reserve nothing). `Ok(false)` where the disk has no room.
fn fill_reserve(dir: &Path) -> Result<bool, StoreError> {
    let path = dir.join("reserve");
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
