use super::BankItem;
use super::rows::{REQUIRED, RowReader};
use crate::fault::{Faults, Reason};
use crate::picture::PictureSource;
use crate::{CenterError, files, sheet};
use fengjuan_envelope::cbor;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::collections::BTreeMap;
use std::path::Path;

/// What an import took over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    pub bank: String,
    pub revision: u32,
    pub items: u32,
    pub pictures: u32,
    /// Items of the file whose number the bank already had; their earlier words stay as an earlier revision.
    pub replaced: u32,
    /// Items of the whole bank afterwards.
    pub total: u32,
}

/// Imports a bank from .xlsx or .csv. `pictures` is a folder or a zip; without it, `pictures` or `pictures.zip` beside
/// the file. Items of known numbers are replaced by a new revision, others stay.
///
/// # Errors
/// [`CenterError::Faults`] with every fault of the file; then nothing was taken over.
pub fn import(
    conn: &mut Connection,
    file: &Path,
    bank: &str,
    pictures: Option<&Path>,
    now_ms: i64,
) -> Result<Imported, CenterError> {
    files::check_name("bank", bank)?;
    let mut faults = Faults::default();
    let mut source = open_pictures(file, pictures, &mut faults);
    let nothing = Reason::new("bank.no_items", "没有试题", "no items");
    let table = sheet::read(file, REQUIRED, nothing, &mut faults);
    let Some(table) = table else {
        return Err(CenterError::Faults(faults));
    };
    let mut reader = RowReader::new(&table, &mut source);
    let mut items = Vec::new();
    for row in &table.rows {
        if let Some(item) = reader.read(row) {
            items.push((row, item));
        }
    }
    share_case_texts(&table, &mut reader, &mut items);
    faults.list.append(&mut reader.faults.list);
    if !faults.none() {
        faults.sort();
        return Err(CenterError::Faults(faults));
    }
    let pictures = std::mem::take(&mut reader.pictures);
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (hash, bytes) in &pictures {
        change.execute(
            "INSERT INTO pictures (hash, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![hash.0, bytes],
        )?;
    }
    let items: Vec<BankItem> = items.into_iter().map(|(_, item)| item).collect();
    let imported = save(&change, bank, &items, pictures.len() as u32, now_ms)?;
    change.commit()?;
    Ok(imported)
}

fn open_pictures(file: &Path, given: Option<&Path>, faults: &mut Faults) -> PictureSource {
    let beside = ["pictures", "pictures.zip"].map(|name| file.with_file_name(name));
    let path = given.or_else(|| {
        beside
            .iter()
            .find(|path| path.exists())
            .map(|path| path.as_path())
    });
    let Some(path) = path else {
        return PictureSource::None;
    };
    PictureSource::open(path).unwrap_or_else(|reason| {
        faults.add(&path.to_string_lossy(), None, "", reason);
        PictureSource::None
    })
}

/// Gives a case's text to all of its items. The text stands once, on any row of the case.
fn share_case_texts(
    table: &sheet::Table,
    reader: &mut RowReader<'_>,
    items: &mut [(&sheet::Row, BankItem)],
) {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    // Rows with other faults count too, so that one mistake is not reported twice.
    for row in &table.rows {
        let (case, text) = (table.cell(row, "案例号"), table.cell(row, "案例文字"));
        if case.is_empty() || text.is_empty() {
            continue;
        }
        if texts.contains_key(case) {
            let reason = Reason::new(
                "bank.case_two_texts",
                "这个案例已有案例文字",
                "a second text for the case",
            );
            reader.fault(row, "案例文字", reason);
        } else {
            texts.insert(case.to_owned(), text.to_owned());
        }
    }
    let mut reported: Vec<String> = Vec::new();
    for (row, item) in items {
        let Some(case) = &item.case_no else { continue };
        item.case_text = texts.get(case).cloned();
        if item.case_text.is_none() && !reported.contains(case) {
            let reason = Reason::new(
                "bank.case_without_text",
                "案例没有案例文字",
                "case without a text",
            );
            reader.fault(row, "案例文字", reason);
            reported.push(case.clone());
        }
    }
}

fn save(
    change: &Transaction<'_>,
    bank: &str,
    items: &[BankItem],
    pictures: u32,
    now_ms: i64,
) -> Result<Imported, CenterError> {
    let revision: u32 = change.query_row(
        "SELECT coalesce(max(revision), 0) + 1 FROM bank_revisions WHERE bank = ?1",
        [bank],
        |row| row.get(0),
    )?;
    change.execute(
        "INSERT INTO bank_revisions (bank, revision, imported_ms, items) VALUES (?1, ?2, ?3, ?4)",
        params![bank, revision, now_ms, items.len()],
    )?;
    let next: u32 = change.query_row(
        "SELECT coalesce(max(place), 0) + 1 FROM bank_items WHERE bank = ?1",
        [bank],
        |row| row.get(0),
    )?;
    let mut replaced = 0;
    for (place, item) in (next..).zip(items) {
        let held: Option<u32> = change.query_row(
            "SELECT max(place) FROM bank_items WHERE bank = ?1 AND item_no = ?2",
            [bank, &item.item_no],
            |row| row.get(0),
        )?;
        replaced += u32::from(held.is_some());
        change.execute(
            "INSERT INTO bank_items (bank, item_no, revision, place, data) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![bank, item.item_no, revision, held.unwrap_or(place), cbor::to_vec(item)?],
        )?;
    }
    let total: u32 = change.query_row(
        "SELECT count(DISTINCT item_no) FROM bank_items WHERE bank = ?1",
        [bank],
        |row| row.get(0),
    )?;
    Ok(Imported {
        bank: bank.to_owned(),
        revision,
        items: items.len() as u32,
        pictures,
        replaced,
        total,
    })
}
