//! Item banks (题库): imported from spreadsheets, kept by revision.

mod import;
mod rows;
mod shortage;

pub use import::{Imported, import};
pub(crate) use shortage::shortage_reason;

use crate::CenterError;
use fengjuan_core::item::{AnswerKeys, Item, ItemIndexEntry, ItemOption, OptionSet};
use fengjuan_core::plan::ItemType;
use fengjuan_envelope::cbor;
use fengjuan_wire::Hash32;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One item as the bank keeps it, with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankItem {
    pub item_no: String,
    pub item_type: ItemType,
    pub stem: String,
    pub stem_picture: Option<Hash32>,
    pub options: Vec<BankOption>,
    pub right: OptionSet,
    pub points: u32,
    pub knowledge_point: String,
    pub difficulty: String,
    pub keep_order: bool,
    pub case_no: Option<String>,
    pub case_text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankOption {
    pub text: String,
    pub picture: Option<Hash32>,
}

/// A bank in the shape of a package: index, words, keys and pictures, each numbered alike.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    pub index: Vec<ItemIndexEntry>,
    pub items: Vec<Item>,
    pub keys: AnswerKeysOf,
    pub media: Vec<Vec<u8>>,
}

/// The answer keys while a pool grows.
pub type AnswerKeysOf = Vec<OptionSet>;

impl Pool {
    pub fn answers(&self) -> AnswerKeys {
        AnswerKeys {
            keys: self.keys.clone(),
        }
    }
}

/// The current items of a bank, in bank order; empty where there is no such bank.
pub fn items(conn: &Connection, bank: &str) -> Result<Vec<BankItem>, CenterError> {
    let mut statement = conn.prepare(
        "SELECT data FROM bank_items AS a WHERE bank = ?1 AND revision = \
         (SELECT max(revision) FROM bank_items WHERE bank = a.bank AND item_no = a.item_no) \
         ORDER BY place, item_no",
    )?;
    let rows = statement.query_map([bank], |row| row.get::<_, Vec<u8>>(0))?;
    rows.map(|data| Ok(cbor::from_slice(&data?)?)).collect()
}

/// What the draw needs to know of a bank, without its words.
pub fn index(items: &[BankItem]) -> Vec<ItemIndexEntry> {
    items
        .iter()
        .map(|item| index_entry(item, &mut |_| 0))
        .collect()
}

/// The whole bank for a package, its pictures included.
pub fn pool(conn: &Connection, bank: &str) -> Result<Pool, CenterError> {
    let mut pool = Pool::default();
    let mut numbers: BTreeMap<Hash32, u32> = BTreeMap::new();
    for item in items(conn, bank)? {
        let mut number = |hash: Hash32| {
            let next = numbers.len() as u32;
            *numbers.entry(hash).or_insert(next)
        };
        pool.index.push(index_entry(&item, &mut number));
        pool.items.push(words(&item, &mut number));
        pool.keys.push(item.right);
    }
    let mut by_number: Vec<(u32, Hash32)> = numbers
        .into_iter()
        .map(|(hash, number)| (number, hash))
        .collect();
    by_number.sort();
    for (_, hash) in by_number {
        let sql = "SELECT bytes FROM pictures WHERE hash = ?1";
        pool.media
            .push(conn.query_row(sql, [hash.0], |row| row.get(0))?);
    }
    Ok(pool)
}

fn index_entry(item: &BankItem, number: &mut impl FnMut(Hash32) -> u32) -> ItemIndexEntry {
    let pictures = item
        .stem_picture
        .into_iter()
        .chain(item.options.iter().filter_map(|option| option.picture));
    let mut media: Vec<u32> = pictures.map(number).collect();
    media.sort_unstable();
    media.dedup();
    ItemIndexEntry {
        item_no: item.item_no.clone(),
        item_type: item.item_type,
        options: item.options.len() as u8,
        shuffle: !item.keep_order && item.item_type != ItemType::TrueFalse,
        knowledge_point: item.knowledge_point.clone(),
        case_no: item.case_no.clone(),
        bank_points: item.points,
        media,
    }
}

fn words(item: &BankItem, number: &mut impl FnMut(Hash32) -> u32) -> Item {
    Item {
        item_no: item.item_no.clone(),
        item_type: item.item_type,
        stem: item.stem.clone(),
        stem_media: item.stem_picture.map(&mut *number),
        options: item
            .options
            .iter()
            .map(|option| ItemOption {
                text: option.text.clone(),
                media: option.picture.map(&mut *number),
            })
            .collect(),
        case_text: item.case_text.clone(),
    }
}
