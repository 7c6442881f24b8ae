//! What a bank has and a blueprint wants: the check that the center makes before it issues, and that every draw
//! repeats.

use super::cases;
use crate::item::ItemIndexEntry;
use crate::plan::{Blueprint, BlueprintPart, ItemType};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One thing that the bank lacks or the blueprint cannot mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// The part, counted from 0.
    pub part: u32,
    /// The quota's knowledge point, where the shortage is one of a quota.
    pub knowledge_point: Option<String>,
    /// Items wanted, together with what earlier parts want of the same supply.
    pub wanted: u32,
    /// Items that there are.
    pub available: u32,
    pub reason: ShortageReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum ShortageReason {
    /// Fewer items of the type than wanted.
    Items,
    /// Fewer items of the knowledge point than wanted.
    KnowledgePoint,
    /// The part's quotas add up to more than the part.
    QuotasExceedPart,
    /// No selection of whole cases has exactly the wanted number of items and meets the quotas.
    CaseSizes,
    /// A second part of cases of the same type: a blueprint may have one.
    CasePartRepeated,
    /// So many cases and quotas that an exact filling cannot be searched.
    TooManyCombinations,
}

impl ShortageReason {
    pub fn code(self) -> &'static str {
        match self {
            ShortageReason::Items => "blueprint.items",
            ShortageReason::KnowledgePoint => "blueprint.knowledge_point",
            ShortageReason::QuotasExceedPart => "blueprint.quotas_exceed_part",
            ShortageReason::CaseSizes => "blueprint.case_sizes",
            ShortageReason::CasePartRepeated => "blueprint.case_part_repeated",
            ShortageReason::TooManyCombinations => "blueprint.too_many_combinations",
        }
    }
}

/// What the bank lacks for this blueprint, by part and quota; `Ok` means that every draw succeeds.
///
/// # Errors
/// All shortages, in the order of the parts.
pub fn check_blueprint(
    index: &[ItemIndexEntry],
    blueprint: &Blueprint,
) -> Result<(), Vec<Shortage>> {
    let mut shortages = Vec::new();
    let mut wanted = Wanted::default();
    for (number, part) in (0u32..).zip(&blueprint.parts) {
        if part.cases {
            if !wanted.cases.insert(part.item_type) {
                let reason = ShortageReason::CasePartRepeated;
                shortages.push(short(number, None, part.count, 0, reason));
            }
            shortages.extend(check_cases(index, part, number));
        } else {
            check_singles(index, part, number, &mut wanted, &mut shortages);
        }
    }
    if shortages.is_empty() {
        Ok(())
    } else {
        Err(shortages)
    }
}

/// What the parts so far want of each supply.
#[derive(Default)]
struct Wanted<'a> {
    of_type: BTreeMap<ItemType, u32>,
    of_point: BTreeMap<(ItemType, &'a str), u32>,
    cases: BTreeSet<ItemType>,
}

/// Single items: since all quotas are drawn before anything else, it is enough that each supply covers what all
/// parts together want of it.
fn check_singles<'a>(
    index: &[ItemIndexEntry],
    part: &'a BlueprintPart,
    number: u32,
    wanted: &mut Wanted<'a>,
    shortages: &mut Vec<Shortage>,
) {
    let quotas = strictest_quotas(part);
    let quota_sum = quotas
        .values()
        .fold(0u32, |sum, count| sum.saturating_add(*count));
    if quota_sum > part.count {
        shortages.push(short(
            number,
            None,
            quota_sum,
            part.count,
            ShortageReason::QuotasExceedPart,
        ));
    }
    let of_type = wanted.of_type.entry(part.item_type).or_default();
    *of_type = of_type.saturating_add(part.count);
    let available = eligible(index, part).count() as u32;
    if *of_type > available {
        shortages.push(short(
            number,
            None,
            *of_type,
            available,
            ShortageReason::Items,
        ));
    }
    for (point, count) in quotas {
        let of_point = wanted.of_point.entry((part.item_type, point)).or_default();
        *of_point = of_point.saturating_add(count);
        let fits = |place: &u32| index[*place as usize].knowledge_point == point;
        let available = eligible(index, part).filter(fits).count() as u32;
        if *of_point > available {
            let reason = ShortageReason::KnowledgePoint;
            shortages.push(short(
                number,
                Some(point.to_owned()),
                *of_point,
                available,
                reason,
            ));
        }
    }
}

fn check_cases(index: &[ItemIndexEntry], part: &BlueprintPart, number: u32) -> Option<Shortage> {
    let pool = cases::whole_cases(index, part.item_type);
    let available = pool.iter().map(|case| case.len() as u32).sum();
    let reason = match cases::fill(index, part, &pool) {
        Ok(_) => return None,
        Err(cases::NoFilling::Impossible) if available < part.count => ShortageReason::Items,
        Err(cases::NoFilling::Impossible) => ShortageReason::CaseSizes,
        Err(cases::NoFilling::TooLarge) => ShortageReason::TooManyCombinations,
    };
    Some(short(number, None, part.count, available, reason))
}

fn short(
    part: u32,
    knowledge_point: Option<String>,
    wanted: u32,
    available: u32,
    reason: ShortageReason,
) -> Shortage {
    Shortage {
        part,
        knowledge_point,
        wanted,
        available,
        reason,
    }
}

/// A knowledge point named twice in one part counts once, with the larger number.
pub(super) fn strictest_quotas(part: &BlueprintPart) -> BTreeMap<&str, u32> {
    let mut quotas: BTreeMap<&str, u32> = BTreeMap::new();
    for quota in &part.at_least {
        let count = quotas.entry(quota.knowledge_point.as_str()).or_default();
        *count = (*count).max(quota.count);
    }
    quotas
}

/// The places in the index that a part of single items may draw from, in index order.
pub(super) fn eligible<'a>(
    index: &'a [ItemIndexEntry],
    part: &'a BlueprintPart,
) -> impl Iterator<Item = u32> + 'a {
    let fits = |entry: &ItemIndexEntry| {
        entry.case_no.is_none() && entry.item_type == part.item_type && well_formed(entry)
    };
    index
        .iter()
        .enumerate()
        .filter(move |(_, entry)| fits(entry))
        .map(|(place, _)| place as u32)
}

/// An item with fewer than two options or more than an [`OptionSet`](crate::item::OptionSet) holds is never drawn.
pub(super) fn well_formed(entry: &ItemIndexEntry) -> bool {
    match entry.item_type {
        ItemType::TrueFalse => entry.options == 2,
        ItemType::SingleChoice | ItemType::MultipleChoice => (2..=8).contains(&entry.options),
    }
}
