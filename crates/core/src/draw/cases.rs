//! Cases are drawn whole, so filling a part exactly is a small knapsack: solved exactly, never by luck.

use super::supply::{strictest_quotas, well_formed};
use crate::item::ItemIndexEntry;
use crate::plan::{BlueprintPart, ItemType};
use std::collections::BTreeMap;

/// Above this many table cells a blueprint is refused instead of searched (8 MB of cells).
const MOST_CELLS: usize = 8 << 20;

/// Why no selection of whole cases fills a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoFilling {
    Impossible,
    TooLarge,
}

/// The cases all of whose items have this type, each as its items' places in index order, ordered by first item.
pub(super) fn whole_cases(index: &[ItemIndexEntry], item_type: ItemType) -> Vec<Vec<u32>> {
    let mut by_case: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (place, entry) in index.iter().enumerate() {
        if let Some(case_no) = &entry.case_no {
            by_case.entry(case_no).or_default().push(place as u32);
        }
    }
    let fits = |place: &u32| {
        let entry = &index[*place as usize];
        entry.item_type == item_type && well_formed(entry)
    };
    let mut whole: Vec<Vec<u32>> = by_case
        .into_values()
        .filter(|items| items.iter().all(fits))
        .collect();
    whole.sort();
    whole
}

/// Goes through the pool in its order and takes every case after which an exact filling is still possible.
pub(super) fn fill(
    index: &[ItemIndexEntry],
    part: &BlueprintPart,
    pool: &[Vec<u32>],
) -> Result<Vec<Vec<u32>>, NoFilling> {
    let table = Table::new(index, part, pool)?;
    let mut needs = table.start();
    if !table.possible(0, needs) {
        return Err(NoFilling::Impossible);
    }
    let mut taken = Vec::new();
    for (number, case) in pool.iter().enumerate() {
        if let Some(after) = table
            .after(number, needs)
            .filter(|after| table.possible(number + 1, *after))
        {
            needs = after;
            taken.push(case.clone());
        }
    }
    Ok(taken)
}

/// `reach[i][state]`: whether the cases from `i` on can bring `state` to nothing wanted. A state is a number in
/// mixed radix: the items still wanted, and what each quota still lacks.
struct Table {
    radix: Vec<usize>,
    /// What every case takes from each digit.
    worth: Vec<Vec<usize>>,
    states: usize,
    reach: Vec<bool>,
}

impl Table {
    fn new(
        index: &[ItemIndexEntry],
        part: &BlueprintPart,
        pool: &[Vec<u32>],
    ) -> Result<Table, NoFilling> {
        let quotas = strictest_quotas(part);
        let mut radix = vec![part.count as usize + 1];
        radix.extend(quotas.values().map(|count| *count as usize + 1));
        let cells = |states: usize| {
            states
                .checked_mul(pool.len() + 1)
                .filter(|cells| *cells <= MOST_CELLS)
        };
        let states = radix
            .iter()
            .try_fold(1usize, |product, r| product.checked_mul(*r))
            .ok_or(NoFilling::TooLarge)?;
        let cells = cells(states).ok_or(NoFilling::TooLarge)?;
        let worth = pool.iter().map(|case| {
            let of_point = |point: &str| {
                case.iter()
                    .filter(|i| index[**i as usize].knowledge_point == point)
                    .count()
            };
            std::iter::once(case.len())
                .chain(quotas.keys().map(|point| of_point(point)))
                .collect()
        });
        let mut table = Table {
            radix,
            worth: worth.collect(),
            states,
            reach: vec![false; cells],
        };
        table.reach[pool.len() * states] = true;
        for number in (0..pool.len()).rev() {
            for state in 0..states {
                let skipped = table.possible(number + 1, state);
                let taken = table
                    .after(number, state)
                    .is_some_and(|after| table.possible(number + 1, after));
                table.reach[number * states + state] = skipped || taken;
            }
        }
        Ok(table)
    }

    fn start(&self) -> usize {
        self.states - 1
    }

    fn possible(&self, from: usize, state: usize) -> bool {
        self.reach[from * self.states + state]
    }

    /// The state after taking a case; `None` where it has more items than are still wanted.
    fn after(&self, number: usize, state: usize) -> Option<usize> {
        let mut rest = state;
        let mut place = 1;
        let mut after = 0;
        for (digit, (radix, worth)) in self.radix.iter().zip(&self.worth[number]).enumerate() {
            let wanted = rest % radix;
            rest /= radix;
            let left = if digit == 0 {
                wanted.checked_sub(*worth)?
            } else {
                wanted.saturating_sub(*worth)
            };
            after += left * place;
            place *= radix;
        }
        Some(after)
    }
}
