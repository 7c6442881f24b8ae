//! Migrations and the guards on every connection.
//!
//! Migrations are our own thirty lines over `user_version`: the ready-made runner keeps its history in a table
//! whose damaged rows make it panic, on the very path where a damaged file has to be a typed error.

use crate::error::StoreError;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use std::path::{Path, PathBuf};

/// Marks the file as ours: "FJLD".
pub(crate) const APPLICATION_ID: u32 = 0x464A_4C44;

/// The migrations in their order; a database of schema `n` has the first `n` of them.
pub(crate) const MIGRATIONS: &[&str] = &[include_str!("../migrations/V1__ledger.sql")];

/// Tables of which nothing is ever deleted.
const KEPT: [&str; 9] = [
    "entries",
    "objects",
    "checkpoints",
    "head",
    "replica_ledgers",
    "replica_entries",
    "replica_checkpoints",
    "replica_forks",
    "replica_forwarded",
];

/// The schema number of a database.
pub(crate) fn version(conn: &Connection) -> Result<u32, StoreError> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// The number of the newest schema in `migrations`.
pub(crate) fn newest(migrations: &[&str]) -> u32 {
    u32::try_from(migrations.len()).unwrap_or(u32::MAX)
}

/// Applies what is missing, all in one transaction or not at all.
pub(crate) fn migrate(conn: &Connection, migrations: &[&str]) -> Result<(), StoreError> {
    let from = version(conn)?;
    let failed = |error: rusqlite::Error| match StoreError::from(error) {
        error if error.is_storage() => error,
        error => StoreError::Migration {
            detail: error.to_string(),
        },
    };
    let transaction = conn.unchecked_transaction()?;
    for sql in migrations.iter().skip(from as usize) {
        transaction.execute_batch(sql).map_err(failed)?;
    }
    transaction
        .pragma_update(None, "user_version", newest(migrations))
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Copies the database as readers see it, by the online backup API, and makes the copy durable.
pub(crate) fn back_up(conn: &Connection, to: &Path) -> Result<(), StoreError> {
    {
        let mut copy = Connection::open(to)?;
        let backup = rusqlite::backup::Backup::new(conn, &mut copy)?;
        backup.run_to_completion(1024, std::time::Duration::ZERO, None)?;
        drop(backup);
        copy.close().map_err(|(_, error)| error)?;
    }
    std::fs::File::open(to)?.sync_all()?;
    if let Some(dir) = to.parent() {
        crate::objects::sync_dir(dir)?;
    }
    Ok(())
}

/// A name for a backup that is not taken yet.
pub(crate) fn backup_path(dir: &Path, stem: &str, from: u32) -> Result<PathBuf, StoreError> {
    let backups = dir.join("backups");
    std::fs::create_dir_all(&backups)?;
    for number in 0..10_000_u32 {
        let path = backups.join(format!("{stem}schema{from}-{number}.db"));
        if !path.try_exists()? {
            return Ok(path);
        }
    }
    Err(StoreError::Migration {
        detail: "no free name for a backup".to_owned(),
    })
}

/// Sets what every connection of this crate has: durable, and closed to accidents.
pub(crate) fn harden(conn: &Connection) -> Result<(), StoreError> {
    conn.busy_timeout(std::time::Duration::from_secs(10))?;
    conn.set_prepared_statement_cache_capacity(64);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.pragma_update(None, "recursive_triggers", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    // Temporary tables in memory: nothing readable may reach a temporary directory.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

/// Switches on WAL and `synchronous=FULL` and reads both back.
pub(crate) fn assert_durable(conn: &Connection) -> Result<(), StoreError> {
    conn.pragma_update(None, "synchronous", "FULL")?;
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    let level: i64 = conn.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    if mode != "wal" || level != 2 {
        return Err(StoreError::NotDurable {
            detail: format!("journal_mode={mode} synchronous={level}"),
        });
    }
    Ok(())
}

/// Refuses, on this connection, every statement that deletes or changes what is kept, or alters the schema.
pub(crate) fn guard(conn: &mut Connection) -> Result<(), StoreError> {
    conn.authorizer(Some(allow))?;
    Ok(())
}

fn allow(context: AuthContext<'_>) -> Authorization {
    let refused = match context.action {
        AuthAction::Delete { table_name } => {
            KEPT.contains(&table_name) || table_name.starts_with("sqlite_")
        }
        AuthAction::Update {
            table_name,
            column_name,
        } => match table_name {
            "entries" | "replica_entries" | "replica_checkpoints" | "replica_forks" => true,
            "replica_ledgers" => !matches!(column_name, "size" | "root" | "edge"),
            "replica_forwarded" => column_name != "size",
            "objects" => column_name != "receipt",
            "checkpoints" => column_name != "cosigned",
            "head" => !matches!(column_name, "size" | "root"),
            _ => false,
        },
        AuthAction::DropTable { .. }
        | AuthAction::DropTrigger { .. }
        | AuthAction::DropIndex { .. }
        | AuthAction::DropView { .. }
        | AuthAction::AlterTable { .. }
        | AuthAction::CreateTrigger { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::Attach { .. } => true,
        AuthAction::Pragma {
            pragma_name,
            pragma_value: Some(_),
        } => matches!(
            pragma_name,
            "recursive_triggers"
                | "synchronous"
                | "journal_mode"
                | "writable_schema"
                | "user_version"
        ),
        _ => false,
    };
    if refused {
        Authorization::Deny
    } else {
        Authorization::Allow
    }
}

#[cfg(test)]
mod tests {
    use crate::{Database, Migrated, StoreError, schema};

    const NEXT: &str =
        "CREATE TABLE seats (no INTEGER PRIMARY KEY) STRICT; INSERT INTO seats VALUES (12);";

    fn older() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let (database, _) = Database::open(dir.path()).unwrap();
        database
            .writer()
            .put(vec![crate::Projection::put("a", *b"k", *b"v")])
            .unwrap();
        dir
    }

    #[test]
    fn an_older_database_is_copied_and_brought_up() {
        let dir = older();
        let (database, opened) =
            Database::open_with(dir.path(), &[schema::MIGRATIONS[0], NEXT]).unwrap();
        let Some(Migrated {
            from: 1,
            to: 2,
            backup,
        }) = opened.migrated
        else {
            panic!("not migrated")
        };
        let reader = database.reader().unwrap();
        assert_eq!(reader.get("a", b"k").unwrap(), Some(b"v".to_vec()));
        let seat: i64 = reader
            .connection()
            .query_row("SELECT no FROM seats", [], |row| row.get(0))
            .unwrap();
        assert_eq!(seat, 12);
        drop((reader, database));
        // The copy is the database as it was, and opens by itself.
        let place = tempfile::tempdir().unwrap();
        std::fs::copy(backup, place.path().join("fengjuan.db")).unwrap();
        let (database, copy) = Database::open(place.path()).unwrap();
        assert_eq!((copy.schema, copy.ledger_id), (1, opened.ledger_id));
        assert_eq!(
            database.reader().unwrap().get("a", b"k").unwrap(),
            Some(b"v".to_vec())
        );
        let older_program = Database::open(dir.path()).map(drop);
        assert_eq!(
            older_program,
            Err(StoreError::NewerSchema { found: 2, known: 1 })
        );
    }

    #[test]
    fn a_failed_migration_changes_nothing() {
        let dir = older();
        let broken = format!("{NEXT} INSERT INTO nowhere VALUES (1);");
        let migrations = [schema::MIGRATIONS[0], NEXT, &broken];
        let failed = Database::open_with(dir.path(), &migrations).map(drop);
        assert_eq!(failed.unwrap_err().code(), "store.migration");
        let (database, opened) = Database::open(dir.path()).unwrap();
        assert_eq!((opened.schema, opened.migrated), (1, None));
        assert_eq!(
            database.reader().unwrap().get("a", b"k").unwrap(),
            Some(b"v".to_vec())
        );
    }

    #[test]
    fn our_own_connections_refuse_what_nobody_should_do() {
        let dir = older();
        let (database, _) = Database::open(dir.path()).unwrap();
        let reader = database.reader().unwrap();
        for sql in [
            "DELETE FROM entries",
            "DROP TABLE entries",
            "DROP TRIGGER entries_no_delete",
            "ALTER TABLE entries RENAME TO gone",
            "PRAGMA recursive_triggers = OFF",
            "ATTACH ':memory:' AS other",
            "UPDATE entries SET bytes = x'00'",
        ] {
            let error = StoreError::from(reader.connection().execute_batch(sql).unwrap_err());
            assert_eq!(error.code(), "store.guarded", "{sql}: {error}");
        }
    }
}
