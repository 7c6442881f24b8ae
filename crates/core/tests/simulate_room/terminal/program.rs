//! What a terminal's program knows, folded from the ledger.

use crate::network::Entry;
use fengjuan_core::attempt::Attempt;
use fengjuan_core::clock::ExamClock;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::room::epoch::EpochSeen;
use fengjuan_core::room::fence::Fence;
use fengjuan_core::room::lease::{CarryPoint, carries};
use fengjuan_core::room::post::Inbox;
use std::collections::{BTreeMap, BTreeSet};

/// A command that was taken under an attempt's header.
pub struct Taken {
    attempt: [u8; 16],
    lease: u64,
    seq: u64,
    command_id: [u8; 16],
    refusal: Option<String>,
}

/// What dies with the program.
pub struct Program {
    pub clock: ExamClock,
    pub inbox: Inbox,
    pub epoch: EpochSeen,
    pub fences: BTreeMap<[u8; 16], Fence>,
    /// What the room has been told to begin.
    pub starts_ms: Option<i64>,
    /// The candidate who sits here.
    pub sits: Option<usize>,
    pub attempt: Option<Attempt>,
    /// The lease whose carried entries are not here yet.
    pub wants: Option<([u8; 16], u64)>,
    /// What that lease carries on.
    pub(super) carry: Vec<CarryPoint>,
    pub(super) ledger_id: [u8; 16],
    /// Commands about each attempt that were taken here, with their places.
    pub(super) taken: Vec<Taken>,
    /// Entries of the ledger that were folded.
    pub(super) folded: u64,
    /// Which hub it talks to, and when that one last answered.
    pub hub: usize,
    pub heard_ms: i64,
    /// Entries that this hub has said are durable there.
    pub stored: u64,
    /// The last tick of the program before.
    pub(super) lost_from: Option<i64>,
    pub bundles: BTreeSet<Hash32>,
    pub receipted: BTreeSet<Hash32>,
}

impl Program {
    /// What the lease means for the commands about this attempt that were taken here.
    fn go_on(&mut self, attempt: &[u8; 16]) {
        let of_it = self.taken.iter().filter(|one| one.attempt == *attempt);
        let (carried, beyond): (Vec<&Taken>, Vec<&Taken>) =
            of_it.partition(|one| carries(&self.carry, one.lease, &self.ledger_id, one.seq));
        let beyond: Vec<[u8; 16]> = beyond.iter().map(|one| one.command_id).collect();
        let carried = carried.into_iter();
        let history: Vec<_> = carried
            .map(|one| (one.command_id, one.refusal.clone()))
            .collect();
        self.inbox.go_on(beyond, history);
    }

    /// What one durable entry of the own ledger means.
    pub(super) fn fold(&mut self, entry: &Entry) {
        self.folded += 1;
        match &entry.event {
            Event::EpochObeyed { epoch, station } => {
                self.epoch.raise(*epoch, *station);
                self.inbox.raise(*epoch);
                self.hub = usize::from(station.0[0]) - 100;
            }
            Event::CommandTaken {
                command_id,
                refusal,
                ..
            } => {
                self.inbox.take(*command_id, refusal.clone());
                if let Some(attempt) = entry.attempt {
                    self.taken.push(Taken {
                        attempt,
                        lease: entry.lease,
                        seq: self.folded - 1,
                        command_id: *command_id,
                        refusal: refusal.clone(),
                    });
                }
            }
            Event::Identified { .. } => {
                let attempt = entry.attempt.unwrap();
                self.fences.entry(attempt).or_default().identified();
                self.sits = Some(candidate_of(&attempt));
            }
            Event::LeaseTaken {
                attempt,
                lease,
                carry,
            } => {
                self.fences.entry(*attempt).or_default().take(*lease);
                self.sits = Some(candidate_of(attempt));
                self.wants = Some((*attempt, *lease));
                self.carry = carry.clone();
                self.go_on(attempt);
            }
            Event::Fenced { attempt, lease, .. } => {
                self.fences.entry(*attempt).or_default().fence(*lease);
                if self.wants.is_some_and(|(wanted, _)| wanted == *attempt) {
                    self.wants = None;
                }
            }
            Event::SittingStarted { started_ms, .. } => self.starts_ms = Some(*started_ms),
            Event::BundleSealed { hash, .. } => {
                self.bundles.insert(*hash);
            }
            Event::Receipted { hash, .. } => {
                self.receipted.insert(*hash);
            }
            _ => {}
        }
    }
}

fn candidate_of(attempt: &[u8; 16]) -> usize {
    usize::from(attempt[0])
}
