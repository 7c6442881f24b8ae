//! Making an archive of a folder: a center's home or a terminal's data directory. The folder is only read; the
//! programs that own it may go on working.

mod center;
mod terminal;

use crate::error::ArchiveError;
use crate::format::{Scope, Source};
use crate::write::{Content, Written, write_archive};
use fengjuan_core::event::Event;
use fengjuan_envelope::{cbor, cose};
use fengjuan_store::{LedgerInfo, LedgerReader, StoredEntry};
use fengjuan_wire::entry::Entry;
use fengjuan_wire::sitting::SittingDocument;
use fengjuan_wire::{Hash32, Signed};
use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

const DAY_MS: i64 = 24 * 3_600_000;

/// What kind of folder it is.
///
/// # Errors
/// [`ArchiveError::UnknownFolder`].
pub fn source_of(folder: &Path) -> Result<Source, ArchiveError> {
    if folder.join("center.db").exists() {
        Ok(Source::Center)
    } else if folder.join("fengjuan.db").exists() {
        Ok(Source::Terminal)
    } else {
        Err(ArchiveError::UnknownFolder(folder.display().to_string()))
    }
}

/// Writes an archive of `folder` to the new file `out`. `now_ms` is the wall clock, milliseconds since 1970 UTC.
///
/// # Errors
/// [`ArchiveError`]; then there is no such file.
pub fn export(
    folder: &Path,
    out: &Path,
    scope: &Scope,
    now_ms: i64,
) -> Result<Written, ArchiveError> {
    if out.exists() {
        return Err(ArchiveError::Exists(out.display().to_string()));
    }
    let part = part_of(out);
    let file = File::create(&part)?;
    let written = match source_of(folder)? {
        Source::Center => center::export(folder, &file, scope, now_ms),
        Source::Terminal => terminal::export(folder, &file, scope, now_ms),
    };
    let written = written.and_then(|written| {
        file.sync_all()?;
        fs::rename(&part, out)?;
        Ok(written)
    });
    if written.is_err() {
        // What was begun is worth nothing; the refusal that is returned says why.
        let _ = fs::remove_file(&part);
    }
    written
}

/// Hands every ledger of `folder` over.
///
/// # Errors
/// [`ArchiveError`].
pub fn with_ledgers<T>(
    folder: &Path,
    action: impl FnOnce(&dyn LedgerReader, &[LedgerInfo]) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    match source_of(folder)? {
        Source::Center => center::with_ledgers(folder, action),
        Source::Terminal => terminal::with_ledgers(folder, action),
    }
}

fn part_of(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    out.with_file_name(name)
}

/// The documents' bytes that are signed for `usage`, without repetition, in a fixed order.
fn signed_for(usage: &str, candidates: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let is_one =
        |bytes: &Vec<u8>| cose::peek_payload(bytes).is_ok_and(|(found, _, _)| found == usage);
    let mut all: Vec<Vec<u8>> = candidates.into_iter().filter(is_one).collect();
    all.sort();
    all.dedup();
    all
}

fn sitting_of(bytes: &[u8]) -> Option<SittingDocument> {
    let (usage, _, payload) = cose::peek_payload(bytes).ok()?;
    (usage == SittingDocument::USAGE).then(|| cbor::from_slice(&payload).ok())?
}

/// What a scope keeps, once the documents and ledgers are known.
struct Window {
    from_ms: i64,
    to_ms: i64,
    attempts: HashSet<[u8; 16]>,
    site: Option<String>,
}

impl Window {
    /// A sitting's window is from a day before its entry opens to a day after its last end, and everything of its
    /// attempts whenever it was written.
    fn of(
        scope: &Scope,
        sittings: &[Vec<u8>],
        ledgers: &dyn LedgerReader,
        infos: &[LedgerInfo],
    ) -> Result<Window, ArchiveError> {
        let mut window = Window {
            from_ms: scope.from_ms.unwrap_or(i64::MIN),
            to_ms: scope.to_ms.unwrap_or(i64::MAX),
            attempts: HashSet::new(),
            site: None,
        };
        let Some(sitting_no) = &scope.sitting_no else {
            return Ok(window);
        };
        let versions: Vec<SittingDocument> = sittings
            .iter()
            .filter_map(|bytes| sitting_of(bytes))
            .filter(|document| document.sitting.sitting_no == *sitting_no)
            .collect();
        let opens = versions
            .iter()
            .map(|document| document.sitting.entry_opens_ms())
            .min();
        let ends = versions
            .iter()
            .map(|document| document.sitting.last_end_ms())
            .max();
        let (Some(opens), Some(ends)) = (opens, ends) else {
            return Err(ArchiveError::UnknownSitting(sitting_no.clone()));
        };
        window.from_ms = window.from_ms.max(opens.saturating_sub(DAY_MS));
        window.to_ms = window.to_ms.min(ends.saturating_add(DAY_MS));
        window.site = versions.first().map(|document| document.site.clone());
        for info in infos {
            ledgers.each_entry(&info.ledger_id, 0, &mut |stored| {
                window
                    .attempts
                    .extend(attempt_of_sitting(&stored, sitting_no));
                ControlFlow::Continue(())
            })?;
        }
        Ok(window)
    }

    fn keeps(&self, stored: &StoredEntry) -> bool {
        let at_ms = stored.exam_ms.unwrap_or(stored.wall_ms);
        let of_attempt = stored
            .attempt
            .is_some_and(|attempt| self.attempts.contains(&attempt));
        (self.from_ms..self.to_ms).contains(&at_ms) || of_attempt
    }
}

/// The attempt of an entry that names the sitting.
fn attempt_of_sitting(stored: &StoredEntry, sitting_no: &str) -> Option<[u8; 16]> {
    stored.attempt?;
    let entry = Entry::decode(&stored.bytes)
        .ok()
        .filter(|entry| !entry.sealed)?;
    let named = match entry.event(None).ok()? {
        Event::Arrived { sitting_no, .. }
        | Event::Identified { sitting_no, .. }
        | Event::Absent { sitting_no, .. }
        | Event::ArrivedNotSeated { sitting_no, .. }
        | Event::AttemptStarted { sitting_no, .. } => sitting_no,
        _ => return None,
    };
    (named == sitting_no).then_some(entry.attempt)?
}

/// The equipment reports that the shown entries name, from a folder of files named by their hashes. One that is not there,
/// or not what was named, is left out: the verifier says how many are missing.
fn reports(
    ledgers: &dyn LedgerReader,
    infos: &[LedgerInfo],
    window: &Window,
    folder: &Path,
) -> Result<Vec<Vec<u8>>, ArchiveError> {
    const LARGEST: u64 = 1 << 20;
    let mut named = BTreeSet::new();
    for info in infos {
        ledgers.each_entry(&info.ledger_id, 0, &mut |stored| {
            if stored.seq >= info.size {
                return ControlFlow::Break(());
            }
            if stored.kind == "app.equipment_checked" && window.keeps(&stored) {
                named.extend(report_of(&stored));
            }
            ControlFlow::Continue(())
        })?;
    }
    let mut found = Vec::new();
    for hash in named {
        let path = folder.join(Hash32(hash).hex());
        let small = fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() <= LARGEST);
        if !small {
            continue;
        }
        let bytes = fs::read(&path)?;
        if fengjuan_wire::hash(&bytes).0 == hash {
            found.push(bytes);
        }
    }
    Ok(found)
}

fn report_of(stored: &StoredEntry) -> Option<[u8; 32]> {
    match Entry::decode(&stored.bytes).ok()?.event(None).ok()? {
        Event::EquipmentChecked { report, .. } => Some(report.0),
        _ => None,
    }
}

/// Writes what the scope keeps.
fn write(
    out: &File,
    content: &Content,
    ledgers: &dyn LedgerReader,
    infos: &[LedgerInfo],
    window: &Window,
) -> Result<Written, ArchiveError> {
    write_archive(out, content, ledgers, infos, &|_, stored| {
        window.keeps(stored)
    })
}
