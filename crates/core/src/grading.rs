//! Grading: from a paper, the answer keys and the answers to points. Points are counted in half points, so that
//! no fraction ever occurs.

use crate::draw::{Paper, Slot};
use crate::item::{AnswerKeys, ItemIndexEntry, OptionSet};
use crate::plan::{Blueprint, BlueprintPart, ItemType, PartialCredit, ScoreRelease};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one paper earned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    /// In half points: 80 points are 160.
    pub total_half_points: u32,
    /// The same by item type, in the order in which the types first appear on the paper.
    pub by_type: Vec<TypeScore>,
    /// `total_half_points` reaches the blueprint's pass mark.
    pub passed: bool,
}

/// One item type's share of a grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct TypeScore {
    pub item_type: ItemType,
    /// Questions of this type on the paper.
    pub questions: u32,
    /// Of these, with at least one option chosen.
    pub answered: u32,
    /// Of these, with exactly the right options.
    pub right: u32,
    pub half_points: u32,
}

/// Why a paper cannot be graded: its parts do not belong together, or an answer is one that no terminal accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GradeError {
    #[error("position {position} is not on the paper")]
    NoSuchPosition { position: u32 },
    #[error("position {position} has no such option")]
    NoSuchOption { position: u32 },
    #[error("position {position} takes one option")]
    OneOptionOnly { position: u32 },
    #[error("item {item} is not in the index, has no key, or a key that it cannot have")]
    BadItem { item: u32 },
    #[error("part {part} is not in the blueprint, or of another type")]
    BadPart { part: u32 },
}

impl GradeError {
    pub fn code(&self) -> &'static str {
        match self {
            GradeError::NoSuchPosition { .. } => "grade.no_such_position",
            GradeError::NoSuchOption { .. } => "grade.no_such_option",
            GradeError::OneOptionOnly { .. } => "grade.one_option_only",
            GradeError::BadItem { .. } => "grade.bad_item",
            GradeError::BadPart { .. } => "grade.bad_part",
        }
    }
}

/// Grades one paper. `answers` holds option sets in bank order by position (from 0); a missing or empty one earns
/// nothing.
///
/// # Errors
/// [`GradeError`]; never a partial grade.
pub fn grade(
    paper: &Paper,
    index: &[ItemIndexEntry],
    blueprint: &Blueprint,
    keys: &AnswerKeys,
    answers: &BTreeMap<u32, OptionSet>,
) -> Result<Grade, GradeError> {
    if let Some(position) = answers
        .keys()
        .find(|position| **position as usize >= paper.slots.len())
    {
        return Err(GradeError::NoSuchPosition {
            position: *position,
        });
    }
    let mut grade = Grade {
        total_half_points: 0,
        by_type: Vec::new(),
        passed: false,
    };
    for (position, slot) in (0u32..).zip(&paper.slots) {
        let (entry, part, key) = parts_of(slot, index, blueprint, keys)?;
        let chosen = answers.get(&position).copied().unwrap_or_default();
        check_answer(position, entry, chosen)?;
        let earned = half_points(part, key, chosen);
        let row = type_row(&mut grade.by_type, entry.item_type);
        row.questions += 1;
        row.answered += u32::from(!chosen.is_empty());
        row.right += u32::from(chosen == key);
        row.half_points = row.half_points.saturating_add(earned);
        grade.total_half_points = grade.total_half_points.saturating_add(earned);
    }
    grade.passed = grade.total_half_points >= blueprint.pass_mark_half_points;
    Ok(grade)
}

/// What one answer earns, in half points. A wrong option earns nothing; partial credit is for multiple choice alone.
pub fn half_points(part: &BlueprintPart, key: OptionSet, chosen: OptionSet) -> u32 {
    if chosen == key {
        return part.half_points_each;
    }
    if chosen.is_empty() || !chosen.is_subset_of(key) || part.item_type != ItemType::MultipleChoice
    {
        return 0;
    }
    match part.partial_credit {
        PartialCredit::None => 0,
        PartialCredit::HalfIfSubset => part.half_points_each / 2,
        PartialCredit::PerRightOption => part.half_points_each / key.len() * chosen.len(),
    }
}

/// Whether a candidate may see the score now.
pub fn score_shown(release: ScoreRelease, handed_in: bool, sitting_ended: bool) -> bool {
    match release {
        ScoreRelease::Never => false,
        ScoreRelease::AtHandIn => handed_in,
        ScoreRelease::AtSittingEnd => handed_in && sitting_ended,
    }
}

fn parts_of<'a>(
    slot: &Slot,
    index: &'a [ItemIndexEntry],
    blueprint: &'a Blueprint,
    keys: &AnswerKeys,
) -> Result<(&'a ItemIndexEntry, &'a BlueprintPart, OptionSet), GradeError> {
    let bad_item = GradeError::BadItem { item: slot.item };
    let bad_part = GradeError::BadPart { part: slot.part };
    let entry = index.get(slot.item as usize).ok_or(bad_item)?;
    let part = blueprint.parts.get(slot.part as usize).ok_or(bad_part)?;
    let key = keys.keys.get(slot.item as usize).copied().ok_or(bad_item)?;
    if part.item_type != entry.item_type {
        return Err(bad_part);
    }
    let single = entry.item_type != ItemType::MultipleChoice;
    if key.is_empty() || !within(key, entry.options) || (single && key.len() != 1) {
        return Err(bad_item);
    }
    Ok((entry, part, key))
}

fn check_answer(
    position: u32,
    entry: &ItemIndexEntry,
    chosen: OptionSet,
) -> Result<(), GradeError> {
    if !within(chosen, entry.options) {
        return Err(GradeError::NoSuchOption { position });
    }
    if entry.item_type != ItemType::MultipleChoice && chosen.len() > 1 {
        return Err(GradeError::OneOptionOnly { position });
    }
    Ok(())
}

pub(crate) fn within(set: OptionSet, options: u8) -> bool {
    options >= 8 || set.0 >> options == 0
}

fn type_row(rows: &mut Vec<TypeScore>, item_type: ItemType) -> &mut TypeScore {
    let place = rows
        .iter()
        .position(|row| row.item_type == item_type)
        .unwrap_or_else(|| {
            rows.push(TypeScore {
                item_type,
                questions: 0,
                answered: 0,
                right: 0,
                half_points: 0,
            });
            rows.len() - 1
        });
    &mut rows[place]
}
