use super::{bank, blueprint, cases, part, seed};
use fengjuan_core::draw::{DrawError, Paper, ShortageReason, check_blueprint, draw};
use fengjuan_core::item::{ItemIndexEntry, OptionSet};
use fengjuan_core::plan::{Blueprint, ItemType};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the blueprint asks of a paper, judged without the draw's own code.
fn invariant_paper_fits(paper: &Paper, index: &[ItemIndexEntry], blueprint: &Blueprint) {
    let items: BTreeSet<u32> = paper.slots.iter().map(|slot| slot.item).collect();
    assert_eq!(items.len(), paper.slots.len(), "no item twice");
    let parts: Vec<u32> = paper.slots.iter().map(|slot| slot.part).collect();
    assert!(parts.is_sorted(), "parts in order");
    for (number, part) in blueprint.parts.iter().enumerate() {
        let slots: Vec<_> = paper
            .slots
            .iter()
            .filter(|slot| slot.part as usize == number)
            .collect();
        assert_eq!(slots.len() as u32, part.count);
        let entries: Vec<&ItemIndexEntry> = slots
            .iter()
            .map(|slot| &index[slot.item as usize])
            .collect();
        assert!(entries.iter().all(
            |entry| entry.item_type == part.item_type && entry.case_no.is_some() == part.cases
        ));
        for quota in &part.at_least {
            let of_point = entries
                .iter()
                .filter(|entry| entry.knowledge_point == quota.knowledge_point);
            assert!(
                of_point.count() as u32 >= quota.count,
                "quota {}",
                quota.knowledge_point
            );
        }
        invariant_cases_are_whole(&entries, index);
    }
    for slot in &paper.slots {
        let entry = &index[slot.item as usize];
        let straight: Vec<u8> = (0..entry.options).collect();
        let mut sorted = slot.option_order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, straight, "every option once");
        let may_shuffle = entry.shuffle && entry.item_type != ItemType::TrueFalse;
        assert!(
            may_shuffle || slot.option_order == straight,
            "order kept where the bank wants it"
        );
    }
}

fn invariant_cases_are_whole(entries: &[&ItemIndexEntry], index: &[ItemIndexEntry]) {
    let mut runs: Vec<(&str, Vec<&str>)> = Vec::new();
    for entry in entries {
        let Some(case) = entry.case_no.as_deref() else {
            continue;
        };
        match runs.last_mut() {
            Some((last, items)) if *last == case => items.push(&entry.item_no),
            _ => runs.push((case, vec![&entry.item_no])),
        }
    }
    for (case, items) in &runs {
        let whole = index
            .iter()
            .filter(|entry| entry.case_no.as_deref() == Some(case));
        let whole: Vec<&str> = whole.map(|entry| entry.item_no.as_str()).collect();
        assert_eq!(
            *items, whole,
            "case {case} is whole, together and in bank order"
        );
    }
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn every_candidate_gets_a_fitting_paper(seed: [u8; 32], ticket in "[0-9]{1,12}", attempt_no in 1u32..4) {
        let (index, blueprint) = (bank(), blueprint());
        let paper = draw(&index, &blueprint, &seed, "S", &ticket, attempt_no).unwrap();
        invariant_paper_fits(&paper, &index, &blueprint);
        prop_assert_eq!(&paper, &draw(&index, &blueprint, &seed, "S", &ticket, attempt_no).unwrap());
    }

    /// Whatever the blueprint: either the check names a shortage, or the draw succeeds.
    #[test]
    fn check_and_draw_agree(
        seed: [u8; 32],
        counts in prop::collection::vec((0u32..20, 0u32..12, 0u32..12, 0usize..3, any::<bool>()), 1..5),
    ) {
        let index = bank();
        let types = [ItemType::TrueFalse, ItemType::SingleChoice, ItemType::MultipleChoice];
        let parts = counts.iter().map(|(count, a, b, kind, cases)| {
            part(types[*kind], *count, *cases, &[("K1", *a), ("K2", *b / 2), ("K1", *b / 3)])
        });
        let blueprint = Blueprint { parts: parts.collect(), pass_mark_half_points: 0 };
        match (check_blueprint(&index, &blueprint), draw(&index, &blueprint, &seed, "S", "T", 1)) {
            (Ok(()), Ok(paper)) => invariant_paper_fits(&paper, &index, &blueprint),
            (Err(shortages), Err(DrawError::Short(same))) => prop_assert_eq!(shortages, same),
            (check, drawn) => prop_assert!(false, "{:?} but {:?}", check, drawn.is_ok()),
        }
    }
}

#[test]
fn candidates_differ() {
    let (index, blueprint) = (bank(), blueprint());
    let hash = |ticket: u32| {
        draw(&index, &blueprint, &seed(), "S", &ticket.to_string(), 1)
            .unwrap()
            .hash()
            .0
    };
    let papers: BTreeSet<[u8; 32]> = (0..500).map(hash).collect();
    assert_eq!(papers.len(), 500);
}

/// 3,000 papers of 8 out of 30: each item is expected 800 times without quotas, with a deviation of 24.
#[test]
fn items_and_options_are_drawn_evenly() {
    let index = bank();
    let parts = vec![part(ItemType::SingleChoice, 8, false, &[])];
    let blueprint = Blueprint {
        parts,
        pass_mark_half_points: 0,
    };
    let mut times: BTreeMap<u32, u32> = BTreeMap::new();
    let mut first_option = [0u32; 4];
    for ticket in 0..3000 {
        let paper = draw(&index, &blueprint, &seed(), "S", &ticket.to_string(), 1).unwrap();
        for slot in &paper.slots {
            *times.entry(slot.item).or_default() += 1;
            if index[slot.item as usize].shuffle {
                first_option[usize::from(slot.option_order[0])] += 1;
            }
        }
    }
    assert_eq!(times.len(), 30);
    assert!(
        times.values().all(|times| (680..=920).contains(times)),
        "{times:?}"
    );
    // 19,200 shuffled questions on average: 4,800 each, with a deviation of 60.
    assert!(
        first_option
            .iter()
            .all(|times| (4_450..=5_150).contains(times)),
        "{first_option:?}"
    );
}

#[test]
fn shortages_name_part_and_quota() {
    let reasons = |parts: Vec<_>| -> Vec<(u32, ShortageReason, u32, u32)> {
        let blueprint = Blueprint {
            parts,
            pass_mark_half_points: 0,
        };
        let shortages = check_blueprint(&bank(), &blueprint).unwrap_err();
        shortages
            .iter()
            .map(|s| (s.part, s.reason, s.wanted, s.available))
            .collect()
    };
    let multiple = ItemType::MultipleChoice;
    let single = ItemType::SingleChoice;
    assert_eq!(
        reasons(vec![part(multiple, 13, false, &[])]),
        [(0, ShortageReason::Items, 13, 12)]
    );
    let two = vec![part(multiple, 8, false, &[]), part(multiple, 5, false, &[])];
    assert_eq!(reasons(two), [(1, ShortageReason::Items, 13, 12)]);
    let points = vec![part(multiple, 5, false, &[("K1", 5)])];
    assert_eq!(reasons(points), [(0, ShortageReason::KnowledgePoint, 5, 4)]);
    let quotas = vec![part(single, 3, false, &[("K1", 2), ("K2", 2)])];
    assert_eq!(
        reasons(quotas),
        [(0, ShortageReason::QuotasExceedPart, 4, 3)]
    );
    assert_eq!(
        reasons(vec![part(single, 11, true, &[])]),
        [(0, ShortageReason::CaseSizes, 11, 12)]
    );
    assert_eq!(
        reasons(vec![part(single, 13, true, &[])]),
        [(0, ShortageReason::Items, 13, 12)]
    );
    let repeated = vec![part(single, 2, true, &[]), part(single, 3, true, &[])];
    assert_eq!(
        reasons(repeated),
        [(1, ShortageReason::CasePartRepeated, 3, 0)]
    );
    assert_eq!(
        reasons(vec![part(multiple, 2, true, &[])]),
        [(0, ShortageReason::Items, 2, 0)]
    );
}

#[test]
fn a_part_of_any_size_is_answered_without_searching_for_ever() {
    let huge = part(ItemType::SingleChoice, u32::MAX, true, &[("K1", u32::MAX)]);
    let blueprint = Blueprint {
        parts: vec![huge],
        pass_mark_half_points: 0,
    };
    let shortages = check_blueprint(&bank(), &blueprint).unwrap_err();
    assert_eq!(shortages[0].reason, ShortageReason::TooManyCombinations);
}

#[test]
fn screen_and_bank_agree() {
    let index = bank();
    let paper = draw(&index, &blueprint(), &seed(), "S", "T", 1).unwrap();
    for (position, slot) in (0u32..).zip(&paper.slots) {
        for place in 0..index[slot.item as usize].options {
            let option = paper.screen_to_bank(position, place).unwrap();
            let shown = paper
                .screen_set(position, OptionSet::single(option))
                .unwrap();
            assert_eq!(shown, OptionSet::single(place));
        }
        assert_eq!(
            paper.screen_to_bank(position, index[slot.item as usize].options),
            None
        );
    }
    assert_eq!(paper.screen_to_bank(paper.slots.len() as u32, 0), None);
}
