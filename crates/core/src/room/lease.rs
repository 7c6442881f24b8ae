//! On which terminal an attempt is writable (租约), and which of its entries are answers.
//!
//! Lease 1 belongs to the terminal where the candidate identified first. A swap gives the next lease to another
//! terminal, together with its *carry points*: for every earlier lease, how much of that ledger goes on. What lies
//! beyond them is evidence, never an answer. Every entry names its lease in its header, so the center and the verifier
//! judge it by the same [`LeaseChain::counts`] without asking anybody.
//!
//! What a terminal does with a lease that it is given:
//! 1. It refuses it (`lease.machine_taken`) while somebody else's attempt goes on there, and where
//!    [`super::fence::Fence::may_take`] says so (`lease.stale`).
//! 2. Once it is written down, it does nothing about the attempt, and takes no other command, before all that is carried
//!    on is there: its own part from its own ledger, the rest from the station. The history is all of it in the order of
//!    [`LeaseChain::place`], and the time since its last entry is an outage.
//! 3. Its inbox learns the commands that this history shows as taken, and forgets those about the attempt that it took
//!    itself beyond the carry points. So that a ledger can tell, a command that goes along with the attempt is written as
//!    taken under the attempt's own header where the terminal may write the attempt, and under none elsewhere.
//! 4. A command about one attempt that it does not hold is refused (`lease.none`, `lease.fenced`). A decision for many
//!    that concerns nobody there is done, and changes nothing.

use super::Device;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An attempt's id.
pub type AttemptId = [u8; 16];

/// The leases that the stations of one epoch give are numbered from the epoch times this, so that no two stations ever
/// give the same one. Lease 1 is of none: a terminal takes it by itself.
pub const LEASES_OF_AN_EPOCH: u64 = 1 << 32;

/// A carry point with this size carries on all of its lease.
pub const ALL: u64 = u64::MAX;

/// How much of an earlier lease goes on: the entries of this attempt under `lease` in this ledger whose sequence number
/// is below `size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarryPoint {
    pub lease: u64,
    #[serde(with = "crate::bytes")]
    pub ledger_id: [u8; 16],
    pub size: u64,
}

/// Whether these carry points carry on the entry at `seq` of `ledger_id`, written under `lease`.
pub fn carries(carry: &[CarryPoint], lease: u64, ledger_id: &[u8; 16], seq: u64) -> bool {
    carry
        .iter()
        .any(|point| point.lease == lease && point.ledger_id == *ledger_id && seq < point.size)
}

/// The next lease that the station of this epoch gives.
fn next(epoch: u64, last: u64, beyond: u64) -> u64 {
    let first = epoch.saturating_mul(LEASES_OF_AN_EPOCH);
    first.max(last).max(beyond).saturating_add(1)
}

/// Why a lease was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseCause {
    /// The candidate identified there first.
    Identified,
    /// 换机续考.
    Swap,
    /// The way back of a wrong swap.
    WayBack,
    /// Another station gave it, and this one learned of it from the terminal that took it.
    Learned,
}

/// One lease as the station's ledger holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseGiven {
    #[serde(with = "crate::bytes")]
    pub attempt: AttemptId,
    /// 1, or a number of the epoch in which it was given.
    pub lease: u64,
    /// The epoch of the station that gave it.
    pub epoch: u64,
    pub device: Device,
    #[serde(with = "crate::bytes")]
    pub ledger_id: [u8; 16],
    /// One for each earlier lease, in the order of their numbers.
    pub carry: Vec<CarryPoint>,
    pub cause: LeaseCause,
}

/// What an entry of an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Part of the attempt.
    Answer,
    /// Kept, shown, and never graded.
    Evidence,
}

/// Why a lease is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    #[error("lease {lease} does not follow lease {last}")]
    OutOfOrder { lease: u64, last: u64 },
    #[error("the carry points do not name every earlier lease, in order")]
    CarryMalformed,
    #[error("nobody has identified for this attempt")]
    NoLease,
    #[error("the device holds the attempt already")]
    HoldsAlready,
    #[error("the way back leads only to the terminal before the last swap")]
    NoWayBack,
    #[error("the spare has answers by now, so this is another swap")]
    SpareHasAnswers,
}

impl LeaseError {
    pub fn code(&self) -> &'static str {
        match self {
            LeaseError::OutOfOrder { .. } => "lease.out_of_order",
            LeaseError::CarryMalformed => "lease.carry_malformed",
            LeaseError::NoLease => "lease.none",
            LeaseError::HoldsAlready => "lease.holds_already",
            LeaseError::NoWayBack => "lease.no_way_back",
            LeaseError::SpareHasAnswers => "lease.spare_has_answers",
        }
    }
}

/// All leases of one attempt, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseChain {
    given: Vec<LeaseGiven>,
}

impl LeaseChain {
    /// The chain of leases that any number of stations gave; of a whole room, those of its [`super::lineage`]. Where two went on from one place, each unheard by the
    /// other, the one of the higher epoch stands, and what follows on the other falls with it.
    pub fn of(mut given: Vec<LeaseGiven>) -> LeaseChain {
        given.sort_by_key(|one| (one.epoch, one.lease));
        let mut chain = LeaseChain::default();
        for one in given {
            // What does not go on from the chain so far stays outside it: its entries are evidence.
            let Some(keep) = chain.goes_on_from(&one) else {
                continue;
            };
            let next = chain.given.get(keep);
            let beats = next.is_none_or(|next| next.epoch < one.epoch);
            if beats || chain.only_claimed(keep, &one) {
                chain.given.truncate(keep);
                chain.given.push(one);
            }
        }
        chain
    }

    /// The chain as far as a lease with its carry points tells of it, without who held the earlier ones.
    ///
    /// # Errors
    /// [`LeaseError::CarryMalformed`] where the carry points are not one for each earlier lease, in their order.
    pub fn of_carry(
        attempt: AttemptId,
        lease: u64,
        ledger_id: [u8; 16],
        carry: &[CarryPoint],
    ) -> Result<LeaseChain, LeaseError> {
        let one = |lease: u64, ledger_id: [u8; 16], carry: &[CarryPoint]| LeaseGiven {
            attempt,
            lease,
            epoch: 0,
            device: crate::event::Hash32([0; 32]),
            ledger_id,
            carry: carry.to_vec(),
            cause: LeaseCause::Swap,
        };
        let mut chain = LeaseChain::default();
        for (place, point) in carry.iter().enumerate() {
            let earlier = one(point.lease, point.ledger_id, &carry[..place]);
            chain.add(earlier).map_err(|_| LeaseError::CarryMalformed)?;
        }
        chain
            .add(one(lease, ledger_id, carry))
            .map_err(|_| LeaseError::CarryMalformed)?;
        Ok(chain)
    }

    /// The next lease. Its number is higher than the last one's, and its carry points name every lease so far; they may
    /// name others too, which another station gave unheard.
    ///
    /// # Errors
    /// [`LeaseError::OutOfOrder`], [`LeaseError::CarryMalformed`]; nothing changes.
    pub fn add(&mut self, one: LeaseGiven) -> Result<(), LeaseError> {
        let last = self.last().map_or(0, |last| last.lease);
        if one.lease <= last {
            return Err(LeaseError::OutOfOrder {
                lease: one.lease,
                last,
            });
        }
        let keep = self.goes_on_from(&one).ok_or(LeaseError::CarryMalformed)?;
        if keep < self.given.len() && !self.only_claimed(keep, &one) {
            return Err(LeaseError::CarryMalformed);
        }
        self.given.truncate(keep);
        self.given.push(one);
        Ok(())
    }

    /// Where there is nothing but a first claim, a lease that a station gave without knowing of it stands above it.
    fn only_claimed(&self, keep: usize, one: &LeaseGiven) -> bool {
        let claimed = |first: &LeaseGiven| first.cause == LeaseCause::Identified;
        keep == 0 && one.lease > 1 && matches!(self.given.as_slice(), [first] if claimed(first))
    }

    /// After how many leases of this chain a lease goes on: its carry points name them all. None where they are not in
    /// order.
    fn goes_on_from(&self, one: &LeaseGiven) -> Option<usize> {
        let numbers = one.carry.iter().map(|point| point.lease);
        let rising = numbers
            .chain([one.lease])
            .is_sorted_by(|one, next| one < next);
        let named = |earlier: &&LeaseGiven| {
            one.carry
                .iter()
                .any(|point| point.lease == earlier.lease && point.ledger_id == earlier.ledger_id)
        };
        rising.then(|| self.given.iter().take_while(named).count())
    }

    pub fn given(&self) -> &[LeaseGiven] {
        &self.given
    }

    /// The lease in force.
    pub fn last(&self) -> Option<&LeaseGiven> {
        self.given.last()
    }

    /// Every machine that held it, in order.
    pub fn devices(&self) -> impl Iterator<Item = Device> {
        self.given.iter().map(|one| one.device)
    }

    /// Whether the entry of this attempt at `seq` of `ledger_id`, written under `lease`, is an answer.
    ///
    /// Under the last lease everything of its own ledger is; under an earlier one what the last lease carries on.
    pub fn counts(&self, lease: u64, ledger_id: &[u8; 16], seq: u64) -> Counted {
        let Some(last) = self.last() else {
            return Counted::Evidence;
        };
        let of_holder = last.lease == lease && last.ledger_id == *ledger_id;
        if of_holder || carries(&last.carry, lease, ledger_id, seq) {
            Counted::Answer
        } else {
            Counted::Evidence
        }
    }
}

impl LeaseChain {
    /// The place of an entry in the attempt's one history: to replay an attempt from several ledgers, keep what has a
    /// place and sort by it.
    pub fn place(&self, lease: u64, ledger_id: &[u8; 16], seq: u64) -> Option<(u64, u64)> {
        let counts = self.counts(lease, ledger_id, seq) == Counted::Answer;
        counts.then_some((lease, seq))
    }
}

/// What the station finds when a terminal says that a candidate identified there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody holds the attempt: record lease 1 for it.
    Free,
    /// This terminal holds it.
    Holder { lease: u64 },
    /// Another terminal does, or did: fence this one.
    Held { lease: u64, holder: Device },
}

/// What is known of the ledger of a terminal, for a carry point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replica {
    pub ledger_id: [u8; 16],
    /// Entries that are here, from the first on without a gap.
    pub size: u64,
}

/// The station's book: every attempt's leases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaseBook {
    chains: BTreeMap<AttemptId, LeaseChain>,
}

impl LeaseBook {
    pub fn chain(&self, attempt: &AttemptId) -> Option<&LeaseChain> {
        self.chains.get(attempt)
    }

    pub fn chains(&self) -> impl Iterator<Item = (&AttemptId, &LeaseChain)> {
        self.chains.iter()
    }

    /// The lease in force.
    pub fn last(&self, attempt: &AttemptId) -> Option<&LeaseGiven> {
        self.chains.get(attempt)?.last()
    }

    /// Takes over a lease that is durable.
    ///
    /// # Errors
    /// As [`LeaseChain::add`].
    pub fn add(&mut self, one: LeaseGiven) -> Result<(), LeaseError> {
        self.chains.entry(one.attempt).or_default().add(one)
    }

    /// The candidate identified at this terminal.
    pub fn claim(&self, attempt: &AttemptId, device: &Device, ledger_id: &[u8; 16]) -> Claim {
        match self.last(attempt) {
            None => Claim::Free,
            Some(last) if last.device == *device && last.ledger_id == *ledger_id => {
                Claim::Holder { lease: last.lease }
            }
            Some(last) => Claim::Held {
                lease: last.lease,
                holder: last.device,
            },
        }
    }

    /// Lease 1, for the terminal that claims a free attempt.
    ///
    /// # Errors
    /// [`LeaseError::HoldsAlready`] where somebody holds it.
    pub fn first(
        &self,
        attempt: AttemptId,
        device: Device,
        ledger_id: [u8; 16],
        epoch: u64,
    ) -> Result<LeaseGiven, LeaseError> {
        if self.last(&attempt).is_some() {
            return Err(LeaseError::HoldsAlready);
        }
        Ok(LeaseGiven {
            attempt,
            lease: 1,
            epoch,
            device,
            ledger_id,
            carry: Vec::new(),
            cause: LeaseCause::Identified,
        })
    }

    /// 换机续考: the next lease for the spare. What earlier leases carry on stays as it was fixed; the last one carries
    /// on what is here of its ledger (`from`), and so does all of that ledger that a way back had carried on.
    /// `beyond`: the highest lease that any terminal has spoken of; the new one is higher.
    ///
    /// # Errors
    /// [`LeaseError::NoLease`].
    pub fn swap(
        &self,
        attempt: AttemptId,
        from: Replica,
        to: Device,
        to_ledger: [u8; 16],
        epoch: u64,
        beyond: u64,
    ) -> Result<LeaseGiven, LeaseError> {
        let last = self.last(&attempt).ok_or(LeaseError::NoLease)?;
        let here = if from.ledger_id == last.ledger_id {
            from.size
        } else {
            0
        };
        let mut carry = last.carry.clone();
        for point in &mut carry {
            if point.ledger_id == last.ledger_id && point.size == ALL {
                point.size = here;
            }
        }
        carry.push(CarryPoint {
            lease: last.lease,
            ledger_id: last.ledger_id,
            size: here,
        });
        Ok(LeaseGiven {
            attempt,
            lease: next(epoch, last.lease, beyond),
            epoch,
            device: to,
            ledger_id: to_ledger,
            carry,
            cause: LeaseCause::Swap,
        })
    }

    /// The way back of a wrong swap: the terminal before it gets the next lease, and everything that it wrote while it
    /// was thought dead counts, whether it is here already or not. `spare_answered`: the spare has written answers, as
    /// far as is known; then what happened is no wrong swap.
    ///
    /// # Errors
    /// [`LeaseError::NoLease`], [`LeaseError::NoWayBack`], [`LeaseError::SpareHasAnswers`].
    pub fn way_back(
        &self,
        attempt: AttemptId,
        spare_answered: bool,
        epoch: u64,
        beyond: u64,
    ) -> Result<LeaseGiven, LeaseError> {
        let chain = self.chain(&attempt).ok_or(LeaseError::NoLease)?;
        let (before, last) = match chain.given() {
            [.., before, last] if matches!(last.cause, LeaseCause::Swap | LeaseCause::Learned) => {
                (before, last)
            }
            _ => return Err(LeaseError::NoWayBack),
        };
        if spare_answered {
            return Err(LeaseError::SpareHasAnswers);
        }
        let mut carry = before.carry.clone();
        carry.push(CarryPoint {
            lease: before.lease,
            ledger_id: before.ledger_id,
            size: ALL,
        });
        carry.push(CarryPoint {
            lease: last.lease,
            ledger_id: last.ledger_id,
            size: 0,
        });
        Ok(LeaseGiven {
            attempt,
            lease: next(epoch, last.lease, beyond),
            epoch,
            device: before.device,
            ledger_id: before.ledger_id,
            carry,
            cause: LeaseCause::WayBack,
        })
    }
}
