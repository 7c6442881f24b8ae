//! The center's database: SQLite in WAL mode with `synchronous=FULL`. Migrations go forward only; a newer database is
//! refused; nothing is ever reset.

use crate::{CenterError, files};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/V1__center.sql"),
    include_str!("../migrations/V2__halves_and_orders.sql"),
    include_str!("../migrations/V3__hubs.sql"),
    include_str!("../migrations/V4__revoked_by_hubs.sql"),
];
/// Marks the file as a center's, so that no other database is taken for one.
const APPLICATION_ID: i32 = 0x464a_4343;

pub(crate) fn create(path: &Path) -> Result<(), CenterError> {
    // SQLite takes over an empty file with the rights that it has, and gives them to its journal files.
    files::write_private_new(path, b"")?;
    let conn = Connection::open(path)?;
    conn.pragma_update(None, "application_id", APPLICATION_ID)?;
    drop(conn);
    open(path).map(|_| ())
}

/// Opens and, where needed, migrates.
pub fn open(path: &Path) -> Result<Connection, CenterError> {
    // A database that is missing is not made anew: an empty one would look like a center without anything.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(20))?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "recursive_triggers", true)?;
    let full: i64 = conn.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    let id: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if mode != "wal" || full != 2 || id != APPLICATION_ID {
        return Err(CenterError::Damaged(
            "the database is not a center's, or not in its durable mode",
        ));
    }
    migrate(&mut conn, path)?;
    fengjuan_store::replica::install(&conn)?;
    Ok(conn)
}

fn migrate(conn: &mut Connection, path: &Path) -> Result<(), CenterError> {
    let version =
        |conn: &Connection| conn.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0));
    let known = MIGRATIONS.len() as u32;
    let found = version(conn)?;
    if found > known {
        return Err(CenterError::NewerDatabase { found, known });
    }
    if found == known {
        return Ok(());
    }
    if found > 0 {
        let copy = path.with_extension(format!("v{found}.db"));
        files::replace(&copy, b"")?;
        conn.backup("main", &copy, None::<fn(rusqlite::backup::Progress)>)?;
    }
    let change = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)?;
    for step in version(&change)?..known {
        change.execute_batch(MIGRATIONS[step as usize])?;
        change.pragma_update(None, "user_version", step + 1)?;
    }
    change.commit()?;
    Ok(())
}
