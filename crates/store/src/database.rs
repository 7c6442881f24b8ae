use crate::change::{Hash, LedgerId};
use crate::engine::Engine;
use crate::error::StoreError;
use crate::opening::{Kind, Migrated};
use crate::reader::Reader;
use crate::rows::Head;
use crate::sum::{self, Columns, Sum};
use crate::writer::Writer;
use crate::{group, objects, schema};
use fengjuan_envelope::merkle::{self, Frontier};
use rusqlite::Connection;
use std::cell::RefCell;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The kind of database that every device has, with the given migrations.
const fn kind<'a>(migrations: &'a [&'a str]) -> Kind<'a> {
    Kind {
        file: "fengjuan.db",
        lock: "lock",
        reserve: "reserve",
        stem: "fengjuan-",
        application_id: schema::APPLICATION_ID,
        migrations,
    }
}

const KIND: Kind<'static> = kind(schema::MIGRATIONS);

/// One data directory: its lock, its database `fengjuan.db`, its objects and its writer thread. Dropping it stops
/// the writer (what was queued is still answered) and gives the directory free.
pub struct Database {
    dir: PathBuf,
    writer: Writer,
    thread: Option<std::thread::JoinHandle<()>>,
    // Released last: fields drop in their order, and the lock must outlive the writer.
    _lock: File,
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
        let kind = kind(migrations);
        let lock = kind.lock(dir)?;
        match Self::open_locked(dir, kind, &lock) {
            // An exam that was going on when the disk filled has to be resumed: that is what the reserve is for.
            Err(StoreError::Full) if kind.remove_reserve(dir)? => {
                Self::open_locked(dir, kind, &lock)
            }
            other => other,
        }
    }

    fn open_locked(
        dir: &Path,
        kind: Kind<'_>,
        lock: &File,
    ) -> Result<(Database, Opened), StoreError> {
        let lock = lock.try_clone()?;
        let objects = dir.join("objects");
        let in_use = objects
            .read_dir()
            .is_ok_and(|mut items| items.next().is_some());
        let file = dir.join(kind.file);
        let tree = RefCell::new(None);
        let found = kind.open(dir, in_use, name_ledger, |conn| {
            tree.replace(Some(check_tree(conn, &file)?));
            check_state(conn, &file)
        })?;
        let (head, frontier) = tree
            .into_inner()
            .ok_or_else(|| StoreError::corrupted(&file, "the ledger was not checked"))?;
        std::fs::create_dir_all(&objects)?;
        objects::sweep_parts(&objects)?;
        let opened = Opened {
            schema: kind.schema(),
            integrity: "ok".to_owned(),
            entries: head.size,
            root: head.root,
            ledger_id: head.ledger_id,
            created: found.created,
            migrated: found.migrated,
            reserve: kind.fill_reserve(dir).unwrap_or(false),
        };
        let engine = Engine::new(found.conn, file, head.ledger_id, frontier);
        let sizes = engine.sizes();
        let (queue, thread) = group::start(engine, "ledger-writer")?;
        Ok((
            Database {
                dir: dir.to_owned(),
                writer: Writer::new(queue, objects, sizes),
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
        let file = self.dir.join(KIND.file);
        let conn = KIND.open_reader(&file)?;
        Ok(Reader::new(conn, file, self.dir.join("objects")))
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
        let conn = KIND.open_foreign(dir)?;
        Ok(Reader::new(conn, dir.join(KIND.file), dir.join("objects")))
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

/// Gives a new database its ledger.
fn name_ledger(conn: &Connection) -> Result<(), StoreError> {
    let ledger_id: LedgerId =
        fengjuan_envelope::random_bytes::<16>().map_err(|error| StoreError::Io {
            detail: error.to_string(),
        })?;
    conn.execute(
        "INSERT INTO head (id, ledger_id, size, root, sum) VALUES (1, ?1, 0, ?2, ?3)",
        (ledger_id, merkle::empty_root(), sum::of_ledger(&ledger_id)),
    )?;
    Ok(())
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
