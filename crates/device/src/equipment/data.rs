use super::measured::{bytes, fail, not_measured, pass, warn};
use crate::papers::Papers;
use crate::view::{Check, CheckRow, HeldState};
use fengjuan_store::{Reader, StoreError};

/// SQLite's own check, the tree rebuilt from every entry, and the files of the sealed objects.
pub(super) fn database(reader: &Reader) -> CheckRow {
    const LIMIT: &str = "ok";
    let check = Check::Database;
    let sqlite = fengjuan_store::sqlite_version();
    match reader
        .integrity_check()
        .and_then(|verdict| Ok((verdict, reader.size()?, reader.damaged_objects()?)))
    {
        Ok((verdict, size, damaged)) if damaged.is_empty() => pass(
            check,
            format!("{verdict} · SQLite {sqlite} · {size}"),
            LIMIT,
        ),
        Ok((_, _, damaged)) => fail(
            check,
            damaged.len().to_string(),
            LIMIT,
            "check.database.objects_damaged",
        ),
        Err(error @ StoreError::Corrupted { .. }) => {
            fail(check, error.code(), LIMIT, "check.database.damaged")
        }
        Err(_) => not_measured(check, "check.database.unreadable"),
    }
}

/// Every byte of every package.
pub(super) fn packages(papers: &Papers) -> CheckRow {
    const LIMIT: &str = "SHA-256, Ed25519";
    let check = Check::Packages;
    let Ok(found) = papers.verify_held() else {
        return not_measured(check, "check.packages.unreadable");
    };
    let held = papers.held();
    if held.is_empty() {
        return warn(check, "0", LIMIT, "check.packages.none_held");
    }
    let size: u64 = held
        .iter()
        .flat_map(|held| &held.packages)
        .map(|package| package.bytes)
        .sum();
    let good = found
        .iter()
        .filter(|(_, _, state)| *state == HeldState::Held)
        .count();
    let value = format!("{good}/{} · {}", found.len(), bytes(size));
    if good < found.len() {
        fail(check, value, LIMIT, "check.packages.damaged")
    } else if held
        .iter()
        .any(|held| held.grant.is_none() && !held.superseded)
    {
        warn(check, value, LIMIT, "check.packages.no_grant")
    } else {
        pass(check, value, LIMIT)
    }
}
