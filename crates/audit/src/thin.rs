//! Which checkpoints go into an archive. A terminal signs one about every half minute, and a witness cosigns it: two
//! signatures for a few entries. A verifier has to check each of them, and learns nothing from most: the tree proves
//! every earlier root by the last one. So the writer leaves out what it has verified whole itself, and keeps whatever
//! is wrong in any way.

use crate::verify::Signers;
use fengjuan_envelope::merkle::{self, Frontier, Hash};
use fengjuan_store::StoredEntry;
use std::collections::BTreeSet;

/// How many checkpoints of a ledger an archive holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checkpoints {
    /// Of those that are right one for every thousand entries, or 16 where that is more, and every one that is not
    /// right. First of all the first and the last, the last that was cosigned, and those around what is shown; then
    /// those that follow an unlocking, a hand-in, a start or an end of the program; then others, evenly.
    #[default]
    Few,
    All,
}

/// A list of so many is written whole.
pub(crate) const FEW: usize = 16;
/// Where a ledger is long, one checkpoint stands for so many entries: its two signatures are then less than a tenth of
/// what a verifier does.
const ENTRIES_EACH: u64 = 1000;

/// After these somebody may ask for a signature of that moment.
const TURNS: [&str; 4] = [
    "app.unlocked",
    "exam.handed_in",
    "system.started",
    "system.stopped",
];

/// A checkpoint whose signatures are right.
struct Signed {
    /// Its number among the notes.
    number: usize,
    size: u64,
    root: Hash,
    cosigned: Option<u64>,
    /// It is the first after a turn, or after the border of what is shown.
    turn: bool,
}

/// Chooses among one ledger's checkpoints while its entries go by.
pub(crate) struct Thinning {
    notes: usize,
    /// By size; those before `next` have been compared.
    signed: Vec<Signed>,
    next: usize,
    tree: Frontier,
    /// The best of each size whose root is right, in their order.
    right: Vec<Signed>,
    /// Numbers of the others that are right.
    repeated: Vec<usize>,
    turn: bool,
    /// Places of the first and the last entry that is shown.
    shown: Option<(u64, u64)>,
}

impl Thinning {
    pub(crate) fn new(notes: &[Vec<u8>], signers: &Signers<'_>) -> Thinning {
        let read = |(number, note): (usize, &Vec<u8>)| {
            let verified = signers.read(note).ok()?;
            Some(Signed {
                number,
                size: verified.checkpoint.size,
                root: verified.checkpoint.root,
                cosigned: verified.cosigned,
                turn: false,
            })
        };
        let mut signed: Vec<Signed> = notes.iter().enumerate().filter_map(read).collect();
        signed.sort_by_key(|checkpoint| checkpoint.size);
        let mut thinning = Thinning {
            notes: notes.len(),
            signed,
            next: 0,
            tree: Frontier::new(),
            right: Vec::new(),
            repeated: Vec::new(),
            turn: false,
            shown: None,
        };
        thinning.compare();
        thinning
    }

    /// The next entry of the ledger, and whether the archive shows it.
    pub(crate) fn entry(&mut self, entry: &StoredEntry, shown: bool) {
        let seq = self.tree.size;
        let continues = self.shown.is_some_and(|(_, last)| last + 1 == seq);
        self.turn |= TURNS.contains(&entry.kind.as_str()) || shown != continues;
        if shown {
            self.shown = Some((self.shown.map_or(seq, |(first, _)| first), seq));
        }
        self.tree.append(merkle::leaf_hash(&entry.bytes));
        self.compare();
    }

    fn compare(&mut self) {
        while let Some(checkpoint) = self.signed.get_mut(self.next)
            && checkpoint.size == self.tree.size
        {
            self.next += 1;
            if checkpoint.root != self.tree.root() {
                continue;
            }
            let mut right = Signed {
                turn: std::mem::take(&mut self.turn),
                ..*checkpoint
            };
            let same = self.right.pop_if(|last| last.size == right.size);
            if let Some(mut other) = same {
                right.turn |= other.turn;
                if right.cosigned < other.cosigned {
                    other.turn = right.turn;
                    std::mem::swap(&mut right, &mut other);
                }
                self.repeated.push(other.number);
            }
            self.right.push(right);
        }
    }

    /// For every note, in their order, whether it is kept.
    pub(crate) fn kept(self) -> Vec<bool> {
        let chosen = self.chosen();
        let mut kept = vec![true; self.notes];
        for (place, checkpoint) in self.right.iter().enumerate() {
            kept[checkpoint.number] = chosen.contains(&place);
        }
        for number in self.repeated {
            kept[number] = false;
        }
        kept
    }

    /// Places among the right ones.
    fn chosen(&self) -> BTreeSet<usize> {
        let right = &self.right;
        let Some(last) = right.len().checked_sub(1) else {
            return BTreeSet::new();
        };
        let cosigned = |from: usize| {
            let mut rest = right[from..].iter();
            Some(from + rest.position(|checkpoint| checkpoint.cosigned.is_some())?)
        };
        let mut chosen = BTreeSet::from([0, last]);
        chosen.extend(
            right
                .iter()
                .rposition(|checkpoint| checkpoint.cosigned.is_some()),
        );
        if let Some((first, last)) = self.shown {
            let before = right.partition_point(|checkpoint| checkpoint.size <= first);
            let over = right.partition_point(|checkpoint| checkpoint.size <= last);
            chosen.extend(before.checked_sub(1));
            chosen.extend((over < right.len()).then_some(over));
            chosen.extend(cosigned(over));
        }
        let most = FEW.max((self.tree.size / ENTRIES_EACH) as usize);
        for turn in [true, false] {
            let pool: Vec<usize> = (0..right.len())
                .filter(|place| (right[*place].turn || !turn) && !chosen.contains(place))
                .collect();
            let room = most.saturating_sub(chosen.len());
            chosen.extend(even(&pool, room));
        }
        chosen
    }
}

/// At most `most` of the pool, evenly.
fn even(pool: &[usize], most: usize) -> impl Iterator<Item = usize> {
    let count = most.min(pool.len());
    (0..count).map(move |number| pool[(2 * number + 1) * pool.len() / (2 * count)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_thinned_evenly_and_a_small_one_is_taken_whole() {
        let pool: Vec<usize> = (0..100).collect();
        let picked: Vec<usize> = even(&pool, 4).collect();
        assert_eq!(picked, [12, 37, 62, 87]);
        assert_eq!(even(&pool[..3], 4).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(even(&pool[..0], 4).count() + even(&pool, 0).count(), 0);
        assert_eq!(even(&pool, 99).collect::<BTreeSet<_>>().len(), 99);
    }
}
