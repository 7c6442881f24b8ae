//! The headers of one ledger, in their order.

use super::finding::{Detail, Finding, Refusal, Wrong};
use crate::format::hex;
use crate::index::Kinds;
use fengjuan_core::event::CATALOGUE;
use fengjuan_wire::entry::Entry;
use std::collections::{HashMap, HashSet};

/// Entries are stamped before they wait for the writer, so that one may stand after another that was stamped a
/// little later. No wait is longer than this.
const LONGEST_WAIT_MS: i64 = 60_000;

/// Where an attempt's numbering stands in this ledger.
struct Numbering {
    next: u64,
    /// Hidden entries of the ledger when it was last seen.
    hidden: u64,
}

/// Judges the headers in their order.
pub(super) struct Order {
    ledger_id: [u8; 16],
    kinds: Kinds,
    pub(super) seq: u64,
    pub(super) hidden: u64,
    boot: Option<[u8; 16]>,
    latest_boot_ms: i64,
    boots: HashSet<[u8; 16]>,
    /// Numbers in `numberings`.
    attempts: HashMap<[u8; 16], usize>,
    numberings: Vec<Numbering>,
    last: Option<([u8; 16], usize)>,
}

impl Order {
    pub(super) fn new(ledger_id: [u8; 16]) -> Order {
        Order {
            ledger_id,
            kinds: Kinds::default(),
            seq: 0,
            hidden: 0,
            boot: None,
            latest_boot_ms: i64::MIN,
            boots: HashSet::new(),
            attempts: HashMap::new(),
            numberings: Vec::new(),
            last: None,
        }
    }

    /// The entry's row number in the catalogue, and whether entries of its attempt are hidden before it.
    #[inline]
    pub(super) fn judge(&mut self, entry: &Entry<'_>) -> Result<(usize, bool), Refusal> {
        if entry.ledger_id != self.ledger_id {
            return Err(Finding::new(Wrong::EntryForeign)
                .differs(hex(&self.ledger_id), hex(&entry.ledger_id)));
        }
        if entry.seq != self.seq {
            return Err(Finding::new(Wrong::SeqBroken).differs(self.seq, entry.seq));
        }
        let kind = self
            .kinds
            .find(entry.kind)
            .ok_or_else(|| Finding::new(Wrong::KindUnknown).found(entry.kind))?;
        let row = &CATALOGUE[kind];
        if row.class as u8 != entry.class
            || row.sealed != entry.sealed
            || (entry.sealed && entry.attempt.is_none())
        {
            return Err(Finding::new(Wrong::NotAsCatalogued).found(entry.kind));
        }
        if !is_actor(entry.actor) {
            return Err(Finding::new(Wrong::ActorUnknown).found(entry.actor));
        }
        self.time(entry)?;
        Ok((kind, self.number(entry)?))
    }

    #[inline]
    fn time(&mut self, entry: &Entry<'_>) -> Result<(), Refusal> {
        if self.boot != Some(entry.boot_id) {
            if !self.boots.insert(entry.boot_id) {
                return Err(Finding::new(Wrong::BootReturned).found(hex(&entry.boot_id)));
            }
            (self.boot, self.latest_boot_ms) = (Some(entry.boot_id), entry.boot_ms);
        }
        if entry.boot_ms < self.latest_boot_ms.saturating_sub(LONGEST_WAIT_MS) {
            let refusal = Finding::new(Wrong::TimeBack);
            return Err(refusal.differs(format!("≥ {}", self.latest_boot_ms), entry.boot_ms));
        }
        self.latest_boot_ms = self.latest_boot_ms.max(entry.boot_ms);
        Ok(())
    }

    #[inline]
    fn number(&mut self, entry: &Entry<'_>) -> Result<bool, Refusal> {
        let broken = |expected: u64| {
            Finding::new(Wrong::AttemptSeqBroken).differs(expected, entry.attempt_seq)
        };
        let Some(attempt) = entry.attempt else {
            return if entry.attempt_seq == 0 {
                Ok(false)
            } else {
                Err(broken(0))
            };
        };
        let number = match self.last {
            // Neighbours are mostly of one attempt.
            Some((last, number)) if last == attempt => number,
            _ => {
                let new = self.numberings.len();
                let number = *self.attempts.entry(attempt).or_insert(new);
                if number == new {
                    self.numberings.push(Numbering { next: 0, hidden: 0 });
                }
                self.last = Some((attempt, number));
                number
            }
        };
        let numbering = &mut self.numberings[number];
        // Entries that an archive of a range leaves out may account for a gap, but only for as many.
        let room = self.hidden - numbering.hidden;
        let gap = entry
            .attempt_seq
            .checked_sub(numbering.next)
            .filter(|gap| *gap <= room);
        let gap = gap.ok_or_else(|| broken(numbering.next))?;
        *numbering = Numbering {
            next: entry.attempt_seq.saturating_add(1),
            hidden: self.hidden,
        };
        Ok(gap > 0)
    }
}

fn is_actor(actor: &str) -> bool {
    match actor {
        "system" | "candidate" | "center" | "station" => true,
        _ => actor
            .strip_prefix("staff:")
            .is_some_and(|id| !id.is_empty()),
    }
}
