use super::{bank, blueprint, cases, part, set};
use fengjuan_core::draw::{Paper, draw};
use fengjuan_core::grading::{GradeError, grade, half_points, score_shown};
use fengjuan_core::item::{AnswerKeys, ItemIndexEntry, OptionSet};
use fengjuan_core::plan::{ItemType, PartialCredit, ScoreRelease};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn keys(index: &[ItemIndexEntry]) -> AnswerKeys {
    let key = |(place, entry): (usize, &ItemIndexEntry)| match entry.item_type {
        ItemType::MultipleChoice => set(&[0, 2, 4]),
        _ => OptionSet::single((place % usize::from(entry.options)) as u8),
    };
    AnswerKeys {
        keys: index.iter().enumerate().map(key).collect(),
    }
}

fn right_answers(paper: &Paper, keys: &AnswerKeys) -> BTreeMap<u32, OptionSet> {
    (0u32..)
        .zip(&paper.slots)
        .map(|(position, slot)| (position, keys.keys[slot.item as usize]))
        .collect()
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn right_answers_earn_everything_and_none_earn_nothing(seed: [u8; 32], ticket in "[0-9]{4}") {
        let (index, blueprint) = (bank(), blueprint());
        let keys = keys(&index);
        let paper = draw(&index, &blueprint, &seed, "S", &ticket, 1).unwrap();
        let full = grade(&paper, &index, &blueprint, &keys, &right_answers(&paper, &keys)).unwrap();
        prop_assert_eq!(full.total_half_points, 58);
        prop_assert!(full.passed && full.by_type.iter().all(|row| row.right == row.questions));
        let none = grade(&paper, &index, &blueprint, &keys, &BTreeMap::new()).unwrap();
        prop_assert_eq!(none.total_half_points, 0);
        prop_assert!(!none.passed && none.by_type.iter().all(|row| row.answered == 0 && row.right == 0));
    }

    /// Each wrong answer costs exactly its item, and the rows add up to the total.
    #[test]
    fn each_mistake_costs_its_item(seed: [u8; 32], wrong in prop::collection::btree_set(0u32..29, 0..29)) {
        let (index, blueprint) = (bank(), blueprint());
        let keys = keys(&index);
        let paper = draw(&index, &blueprint, &seed, "S", "T", 1).unwrap();
        let mut answers = right_answers(&paper, &keys);
        for position in &wrong {
            let right = answers[position];
            let other = (0..2).map(OptionSet::single).find(|option| *option != right && !option.is_subset_of(right));
            answers.insert(*position, other.unwrap_or_default());
        }
        let grade = grade(&paper, &index, &blueprint, &keys, &answers).unwrap();
        prop_assert_eq!(grade.total_half_points, 2 * (29 - wrong.len() as u32));
        prop_assert_eq!(grade.by_type.iter().map(|row| row.half_points).sum::<u32>(), grade.total_half_points);
        prop_assert_eq!(grade.by_type.iter().map(|row| row.questions).sum::<u32>(), 29);
        prop_assert_eq!(grade.passed, wrong.len() <= 6);
    }
}

/// Worked by hand: value in half points, right options, chosen options, then none / half if subset / per right option.
#[test]
fn partial_credit_by_hand() {
    type Row<'a> = (u32, &'a [u8], &'a [u8], [u32; 3]);
    let table: [Row; 11] = [
        (4, &[0, 1], &[0, 1], [4, 4, 4]),
        (4, &[0, 1], &[0], [0, 2, 2]),
        (4, &[0, 1], &[0, 2], [0, 0, 0]),
        (4, &[0, 1], &[0, 1, 2], [0, 0, 0]),
        (4, &[0, 1], &[], [0, 0, 0]),
        (4, &[0, 1, 3], &[0, 3], [0, 2, 2]),
        (6, &[0, 1, 3], &[0, 3], [0, 3, 4]),
        (3, &[0, 1, 2, 3], &[0, 1, 2], [0, 1, 0]),
        (5, &[0, 1], &[1], [0, 2, 2]),
        (1, &[0, 1], &[1], [0, 0, 0]),
        (2, &[2], &[2], [2, 2, 2]),
    ];
    for (value, key, chosen, expected) in table {
        let rules = [
            PartialCredit::None,
            PartialCredit::HalfIfSubset,
            PartialCredit::PerRightOption,
        ];
        for (rule, expected) in rules.into_iter().zip(expected) {
            let mut part = part(ItemType::MultipleChoice, 1, false, &[]);
            (part.half_points_each, part.partial_credit) = (value, rule);
            assert_eq!(
                half_points(&part, set(key), set(chosen)),
                expected,
                "{value} {key:?} {chosen:?} {rule:?}"
            );
        }
    }
}

#[test]
fn impossible_answers_and_keys_are_refused() {
    let (index, blueprint) = (bank(), blueprint());
    let keys = keys(&index);
    let paper = draw(&index, &blueprint, &super::seed(), "S", "T", 1).unwrap();
    let with = |position, chosen| {
        grade(
            &paper,
            &index,
            &blueprint,
            &keys,
            &BTreeMap::from([(position, chosen)]),
        )
    };
    assert_eq!(
        with(29, set(&[0])),
        Err(GradeError::NoSuchPosition { position: 29 })
    );
    assert_eq!(
        with(0, set(&[2])),
        Err(GradeError::NoSuchOption { position: 0 })
    );
    assert_eq!(
        with(12, set(&[0, 1])),
        Err(GradeError::OneOptionOnly { position: 12 })
    );
    let item = paper.slots[0].item;
    let mut bad = keys.clone();
    for key in [OptionSet::EMPTY, set(&[0, 1]), set(&[7])] {
        bad.keys[item as usize] = key;
        assert_eq!(
            grade(&paper, &index, &blueprint, &bad, &BTreeMap::new()),
            Err(GradeError::BadItem { item })
        );
    }
    bad.keys.truncate(item as usize);
    assert!(grade(&paper, &index, &blueprint, &bad, &BTreeMap::new()).is_err());
}

#[test]
fn scores_show_when_the_plan_says() {
    assert!(!score_shown(ScoreRelease::Never, true, true));
    assert!(
        score_shown(ScoreRelease::AtHandIn, true, false)
            && !score_shown(ScoreRelease::AtHandIn, false, true)
    );
    assert!(
        score_shown(ScoreRelease::AtSittingEnd, true, true)
            && !score_shown(ScoreRelease::AtSittingEnd, true, false)
    );
}
