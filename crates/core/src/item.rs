//! Items (试题), cases (案例) and their answer keys. Text and key are separate types, because the key travels in
//! a section of its own that the site cannot open.

use crate::plan::ItemType;
use serde::{Deserialize, Serialize};

/// What the draw needs to know of an item, and no word of it. Position in the index is the item's number in the
/// package (`ItemIndexEntry` k describes the k-th encrypted item).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemIndexEntry {
    /// The bank's own number, unique in the bank, e.g. `LV0001`.
    pub item_no: String,
    pub item_type: ItemType,
    pub options: u8,
    /// False for true/false items and where the bank says "do not shuffle".
    pub shuffle: bool,
    pub knowledge_point: String,
    /// Items of one case share this and are drawn together, in bank order.
    pub case_no: Option<String>,
    pub bank_points: u32,
    /// Numbers of the package's encrypted pictures that the item and its options use.
    pub media: Vec<u32>,
}

/// The words of one item, as encrypted in the package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    pub item_no: String,
    pub item_type: ItemType,
    pub stem: String,
    /// Number of the picture in the package.
    pub stem_media: Option<u32>,
    pub options: Vec<ItemOption>,
    /// The shared text, where the item belongs to a case.
    pub case_text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemOption {
    pub text: String,
    pub media: Option<u32>,
}

/// A set of options of one item in bank order: bit k is option k. True/false: bit 0 is 对, bit 1 is 错.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OptionSet(pub u8);

impl OptionSet {
    pub const EMPTY: OptionSet = OptionSet(0);
    pub fn single(option: u8) -> OptionSet {
        OptionSet(1u8.checked_shl(u32::from(option)).unwrap_or(0))
    }
    pub fn contains(self, option: u8) -> bool {
        self.0 & Self::single(option).0 != 0
    }
    pub fn toggled(self, option: u8) -> OptionSet {
        OptionSet(self.0 ^ Self::single(option).0)
    }
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
    pub fn len(self) -> u32 {
        self.0.count_ones()
    }
    pub fn is_subset_of(self, other: OptionSet) -> bool {
        self.0 & !other.0 == 0
    }
}

/// The right options of every item of a package, in the order of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerKeys {
    pub keys: Vec<OptionSet>,
}
