//! The machines of the exam, one by one.
#![allow(clippy::unwrap_used)]

mod attempt;
mod clock;
mod draw;
mod grading;
mod outage;
mod replay;
mod seat;
mod snapshot;
mod staff;
mod start;
mod vectors;

use fengjuan_core::item::{ItemIndexEntry, OptionSet};
use fengjuan_core::plan::{Blueprint, BlueprintPart, ItemType, KnowledgeQuota, PartialCredit};
use proptest::test_runner::Config;

/// A fixed number of cases; a failure prints its input and no file is written.
/// `usual`, or `FENGJUAN_CASES` where a campaign asks for more.
fn asked(usual: u32) -> u32 {
    let asked = std::env::var("FENGJUAN_CASES").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(usual)
}

fn cases(number: u32) -> Config {
    Config {
        cases: number,
        failure_persistence: None,
        ..Config::default()
    }
}

fn entry(
    item_type: ItemType,
    options: u8,
    shuffle: bool,
    point: usize,
    case: Option<&str>,
) -> ItemIndexEntry {
    ItemIndexEntry {
        item_no: String::new(),
        item_type,
        options,
        shuffle,
        knowledge_point: format!("K{}", point % 3),
        case_no: case.map(str::to_owned),
        bank_points: 1,
        media: Vec::new(),
    }
}

/// 30 true/false, 30 single, 12 multiple, and cases of 2, 3, 3 and 4 single items; knowledge points K0, K1, K2.
fn bank() -> Vec<ItemIndexEntry> {
    let mut bank: Vec<ItemIndexEntry> = (0..30)
        .map(|i| entry(ItemType::TrueFalse, 2, false, i, None))
        .collect();
    bank.extend((0..30).map(|i| entry(ItemType::SingleChoice, 4, i % 5 != 0, i, None)));
    bank.extend((0..12).map(|i| entry(ItemType::MultipleChoice, 5, true, i, None)));
    for (case, size) in [("C1", 2), ("C2", 3), ("C3", 3), ("C4", 4)] {
        bank.extend((0..size).map(|i| entry(ItemType::SingleChoice, 4, true, i, Some(case))));
    }
    for (place, entry) in bank.iter_mut().enumerate() {
        entry.item_no = format!("T{place:04}");
    }
    bank
}

fn part(item_type: ItemType, count: u32, cases: bool, at_least: &[(&str, u32)]) -> BlueprintPart {
    let quota = |(point, count): &(&str, u32)| KnowledgeQuota {
        knowledge_point: (*point).to_owned(),
        count: *count,
    };
    BlueprintPart {
        item_type,
        count,
        half_points_each: 2,
        partial_credit: PartialCredit::None,
        cases,
        at_least: at_least.iter().map(quota).collect(),
    }
}

fn blueprint() -> Blueprint {
    Blueprint {
        parts: vec![
            part(ItemType::TrueFalse, 10, false, &[("K1", 4)]),
            part(ItemType::SingleChoice, 8, false, &[("K0", 2), ("K2", 3)]),
            part(ItemType::MultipleChoice, 4, false, &[]),
            part(ItemType::SingleChoice, 7, true, &[("K2", 2)]),
        ],
        pass_mark_half_points: 46,
    }
}

fn set(options: &[u8]) -> OptionSet {
    options
        .iter()
        .fold(OptionSet::EMPTY, |set, option| set.toggled(*option))
}

fn seed() -> [u8; 32] {
    std::array::from_fn(|i| i as u8)
}
