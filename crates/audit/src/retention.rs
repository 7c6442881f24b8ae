//! How far back the logs go. It reports and never deletes: no code of this project deletes an entry.

use crate::error::ArchiveError;
use crate::export::with_ledgers;
use crate::format::hex;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::Path;

/// Years that logs must be kept.
pub const YEARS: i64 = 3;
/// Three years with a leap day.
const KEPT_MS: i64 = (YEARS * 365 + 1) * 24 * 3_600_000;

/// One ledger's age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerAge {
    /// Hex.
    pub ledger: String,
    pub device: String,
    /// What the ledger says that it holds.
    pub size: u64,
    /// Entries that are there.
    pub entries: u64,
    /// Wall clock of the first and the last entry, milliseconds since 1970 UTC.
    pub oldest_ms: Option<i64>,
    pub newest_ms: Option<i64>,
    /// From its first entry on, without a gap.
    pub whole: bool,
    /// It goes back three years or more. A younger ledger that is whole has lost nothing.
    pub three_years: bool,
}

/// Looks at every ledger of a center's home or a terminal's data directory. `now_ms` is the wall clock.
///
/// # Errors
/// [`ArchiveError`].
pub fn report(folder: &Path, now_ms: i64) -> Result<Vec<LedgerAge>, ArchiveError> {
    with_ledgers(folder, |ledgers, infos| {
        let mut ages = Vec::new();
        for info in infos {
            let mut age = LedgerAge {
                ledger: hex(&info.ledger_id),
                device: info.identity.device.clone(),
                size: info.size,
                entries: 0,
                oldest_ms: None,
                newest_ms: None,
                whole: true,
                three_years: false,
            };
            ledgers.each_entry(&info.ledger_id, 0, &mut |entry| {
                age.whole &= entry.seq == age.entries;
                age.entries += 1;
                age.oldest_ms.get_or_insert(entry.wall_ms);
                age.newest_ms = Some(entry.wall_ms);
                ControlFlow::Continue(())
            })?;
            age.whole &= age.entries >= age.size;
            age.three_years = age
                .oldest_ms
                .is_some_and(|oldest| now_ms.saturating_sub(oldest) >= KEPT_MS);
            ages.push(age);
        }
        Ok(ages)
    })
}
