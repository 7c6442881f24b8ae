//! The draw (组卷): from the package's index, the blueprint and the draw seed to one candidate's paper. The
//! terminal and the center draw the same paper; without the seed nobody can foresee it.

mod cases;
mod supply;

use crate::choice::{Choice, length_prefixed};
use crate::event::Hash32;
use crate::item::{ItemIndexEntry, OptionSet};
use crate::plan::{Blueprint, ItemType};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
pub use supply::{Shortage, ShortageReason, check_blueprint};

/// One candidate's paper: the questions in the order of the screen. Positions count from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    pub slots: Vec<Slot>,
}

/// One question of a paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// The item's place in the package's index.
    pub item: u32,
    /// The blueprint's part that it was drawn for, counted from 0.
    pub part: u32,
    /// `option_order[s]` is the bank's option shown at screen place `s`.
    pub option_order: Vec<u8>,
}

/// Why no paper could be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// The package cannot fill the blueprint. The center refuses such a plan, so here the package is broken.
    #[error("the blueprint cannot be filled: {0:?}")]
    Short(Vec<Shortage>),
}

impl DrawError {
    pub fn code(&self) -> &'static str {
        match self {
            DrawError::Short(_) => "draw.short",
        }
    }
}

/// Draws one candidate's paper.
///
/// The stream is [`Choice`] over `["draw/1", sitting_no, ticket_no, u32be(attempt_no)]` and is read in this order:
/// 1. for every part that is not of cases, for every quota in order: a sample of what the quota still lacks, out
///    of the unused items of that knowledge point, in index order;
/// 2. for every part in order: parts of single items sample what they still lack out of all their unused items in
///    index order, and then shuffle all their items; parts of cases shuffle the cases (in the order of their first
///    item) and take each in turn that leaves an exact filling possible; a case's items stay in index order;
/// 3. for every question in the paper's order: a shuffle of its options, where the item allows it. True/false is
///    never shuffled.
///
/// # Errors
/// [`DrawError::Short`] where [`check_blueprint`] finds anything.
pub fn draw(
    index: &[ItemIndexEntry],
    blueprint: &Blueprint,
    seed: &[u8; 32],
    sitting_no: &str,
    ticket_no: &str,
    attempt_no: u32,
) -> Result<Paper, DrawError> {
    check_blueprint(index, blueprint).map_err(DrawError::Short)?;
    let attempt = attempt_no.to_be_bytes();
    let mut choice = Choice::new(
        seed,
        &[
            b"draw/1",
            sitting_no.as_bytes(),
            ticket_no.as_bytes(),
            &attempt,
        ],
    );
    let mut used = vec![false; index.len()];
    let mut chosen: Vec<Vec<u32>> = vec![Vec::new(); blueprint.parts.len()];
    draw_quotas(index, blueprint, &mut choice, &mut used, &mut chosen);
    draw_rest(index, blueprint, &mut choice, &mut used, &mut chosen);
    let mut slots = Vec::new();
    for (part, items) in chosen.into_iter().enumerate() {
        for item in items {
            let option_order = option_order(&index[item as usize], &mut choice);
            slots.push(Slot {
                item,
                part: part as u32,
                option_order,
            });
        }
    }
    Ok(Paper { slots })
}

fn draw_quotas(
    index: &[ItemIndexEntry],
    blueprint: &Blueprint,
    choice: &mut Choice,
    used: &mut [bool],
    chosen: &mut [Vec<u32>],
) {
    for (part, picked) in blueprint
        .parts
        .iter()
        .zip(chosen.iter_mut())
        .filter(|(part, _)| !part.cases)
    {
        for quota in &part.at_least {
            let of_point =
                |item: &u32| index[*item as usize].knowledge_point == quota.knowledge_point;
            let have = picked.iter().filter(|item| of_point(item)).count() as u32;
            let pool: Vec<u32> = supply::eligible(index, part)
                .filter(|i| !used[*i as usize])
                .filter(of_point)
                .collect();
            take(
                choice,
                &pool,
                quota.count.saturating_sub(have),
                used,
                picked,
            );
        }
    }
}

fn draw_rest(
    index: &[ItemIndexEntry],
    blueprint: &Blueprint,
    choice: &mut Choice,
    used: &mut [bool],
    chosen: &mut [Vec<u32>],
) {
    for (part, picked) in blueprint.parts.iter().zip(chosen.iter_mut()) {
        if part.cases {
            let mut pool = cases::whole_cases(index, part.item_type);
            choice.shuffle(&mut pool);
            // `check_blueprint` has found an exact filling, and whether there is one does not depend on the order.
            picked.extend(
                cases::fill(index, part, &pool)
                    .unwrap_or_default()
                    .into_iter()
                    .flatten(),
            );
            continue;
        }
        let pool: Vec<u32> = supply::eligible(index, part)
            .filter(|i| !used[*i as usize])
            .collect();
        let missing = part.count.saturating_sub(picked.len() as u32);
        take(choice, &pool, missing, used, picked);
        choice.shuffle(picked);
    }
}

fn take(choice: &mut Choice, pool: &[u32], count: u32, used: &mut [bool], picked: &mut Vec<u32>) {
    for place in choice.sample(count, pool.len() as u32) {
        let item = pool[place as usize];
        used[item as usize] = true;
        picked.push(item);
    }
}

fn option_order(entry: &ItemIndexEntry, choice: &mut Choice) -> Vec<u8> {
    let mut order: Vec<u8> = (0..entry.options).collect();
    if entry.shuffle && entry.item_type != ItemType::TrueFalse {
        choice.shuffle(&mut order);
    }
    order
}

impl Paper {
    /// SHA-256 over `"fengjuan/paper/1" ‖ u32be(questions)` and, for every question, `u32be(item) ‖ u32be(part) ‖
    /// u8(options) ‖` the option order, one byte each.
    pub fn hash(&self) -> Hash32 {
        let mut bytes = b"fengjuan/paper/1".to_vec();
        bytes.extend_from_slice(&(self.slots.len() as u32).to_be_bytes());
        for slot in &self.slots {
            bytes.extend_from_slice(&slot.item.to_be_bytes());
            bytes.extend_from_slice(&slot.part.to_be_bytes());
            bytes.push(slot.option_order.len() as u8);
            bytes.extend_from_slice(&slot.option_order);
        }
        sha256(&bytes)
    }

    /// The bank's option behind a place on the screen; `None` outside the paper or the question's options.
    pub fn screen_to_bank(&self, position: u32, screen_option: u8) -> Option<u8> {
        self.slots
            .get(position as usize)?
            .option_order
            .get(usize::from(screen_option))
            .copied()
    }

    /// A set in bank order as it looks on the screen (bit `s` is screen place `s`).
    pub fn screen_set(&self, position: u32, bank: OptionSet) -> Option<OptionSet> {
        let order = &self.slots.get(position as usize)?.option_order;
        let shown = order
            .iter()
            .enumerate()
            .filter(|(_, option)| bank.contains(**option));
        Some(OptionSet(shown.fold(0, |set, (place, _)| {
            set | OptionSet::single(place as u8).0
        })))
    }
}

/// The attempt's name everywhere: the first 16 bytes of SHA-256 over `"fengjuan/attempt/1"`, the sitting, the
/// ticket and `u32be(attempt_no)`, each length-prefixed.
pub fn attempt_id(sitting_no: &str, ticket_no: &str, attempt_no: u32) -> [u8; 16] {
    let number = attempt_no.to_be_bytes();
    let parts: [&[u8]; 4] = [
        b"fengjuan/attempt/1",
        sitting_no.as_bytes(),
        ticket_no.as_bytes(),
        &number,
    ];
    let mut id = [0u8; 16];
    id.copy_from_slice(&sha256(&length_prefixed(&parts)).0[..16]);
    id
}

/// What a clear ledger entry says of a ticket: SHA-256 over `"fengjuan/ticket/1"`, the sitting and the ticket, each
/// length-prefixed. It hides nothing from who can guess ticket numbers.
pub fn ticket_hash(sitting_no: &str, ticket_no: &str) -> Hash32 {
    sha256(&length_prefixed(&[
        b"fengjuan/ticket/1",
        sitting_no.as_bytes(),
        ticket_no.as_bytes(),
    ]))
}

fn sha256(bytes: &[u8]) -> Hash32 {
    let mut hash = [0u8; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    Hash32(hash)
}
