//! An attempt that moved between terminals (换机续考): its entries stand in several ledgers, and the leases alone say which
//! of them are answers. What the terminal says of its lease is held against what the room's stations gave.

use super::incoming::Received;
use super::ledger::Leaf;
use super::{Anomaly, Desk};
use crate::CenterError;
use crate::hub::{self, Standing};
use fengjuan_core::event::Event;
use fengjuan_core::room::lease::{CarryPoint, LeaseChain, LeaseGiven};
use fengjuan_envelope::merkle;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_store::LedgerReader;
use fengjuan_store::replica::Replica;
use fengjuan_wire::entry::Entry;
use std::ops::ControlFlow;

impl Desk<'_> {
    /// The leases of a bundle's attempt, as the bundle tells them; none where they make no chain.
    pub(super) fn chain_of(&mut self, received: &Received) -> Option<LeaseChain> {
        let bundle = &received.bundle;
        let carry: Vec<CarryPoint> = bundle.carried.iter().map(|one| one.point).collect();
        let attempt = bundle.attempt_id.as_slice().try_into().ok()?;
        let ledger_id = bundle.ledger_id.as_slice().try_into().ok()?;
        let chain = LeaseChain::of_carry(attempt, bundle.lease, ledger_id, &carry);
        if chain.is_err() {
            self.severe(received, "results.lease", format!("{}", bundle.lease));
        }
        chain.ok()
    }

    /// Whether the stations gave the lease that the bundle was sealed under, and with the same carry points. Where no
    /// station's ledger is here, nobody says otherwise.
    pub(super) fn check_lease(&mut self, received: &Received) -> Result<(), CenterError> {
        let bundle = &received.bundle;
        let given: Vec<LeaseGiven> = self
            .leases_given()?
            .iter()
            .filter(|given| given.attempt.as_slice() == bundle.attempt_id)
            .cloned()
            .collect();
        let chain = LeaseChain::of(given);
        let Some(last) = chain.last() else {
            if bundle.lease > 1 {
                self.note(
                    received,
                    "results.lease_ungiven",
                    format!("{}", bundle.lease),
                );
            }
            return Ok(());
        };
        let carry = bundle.carried.iter().map(|one| one.point);
        let same = last.lease == bundle.lease
            && last.ledger_id.as_slice() == bundle.ledger_id
            && last.carry.iter().copied().eq(carry);
        if !same {
            let detail = format!("{} / {}", bundle.lease, last.lease);
            self.severe(received, "results.lease_differs", detail);
        } else if bundle.lease > 1 {
            // How many machines it has left.
            self.note(received, "results.moved", bundle.carried.len().to_string());
        }
        Ok(())
    }

    /// Every lease in the stations' replicated ledgers, read once.
    fn leases_given(&mut self) -> Result<Vec<LeaseGiven>, CenterError> {
        if let Some(given) = &self.leases {
            return Ok(given.clone());
        }
        let replica = Replica::new(self.conn);
        let mut given = Vec::new();
        let hubs: Vec<PublicKey> = hub::list(self.home, self.conn)?
            .iter()
            .filter(|hub| !matches!(hub.standing, Standing::Undelegated))
            .map(|hub| hub.device.sign)
            .collect();
        let of_hub = |key: &[u8; 32]| hubs.contains(&PublicKey::from_bytes(*key));
        for ledger in replica.ledgers()? {
            // Any device may write what it likes into its own ledger; only a delegated one gives leases.
            if !of_hub(&ledger.identity.device_key) {
                continue;
            }
            replica.each_entry(&ledger.ledger_id, 0, &mut |stored| {
                if stored.kind == "room.lease_given"
                    && let Ok(entry) = Entry::decode(&stored.bytes)
                    && let Ok(Event::LeaseGiven { given: one }) = entry.event(None)
                {
                    given.push(one);
                }
                ControlFlow::Continue(())
            })?;
        }
        self.leases = Some(given.clone());
        Ok(given)
    }

    /// What a bundle brings of other ledgers is what those terminals wrote, and all of it below the carry points.
    pub(super) fn check_carried(
        &mut self,
        received: &Received,
    ) -> Result<Vec<Vec<u8>>, CenterError> {
        let Ok(attempt) = <[u8; 16]>::try_from(received.bundle.attempt_id.as_slice()) else {
            return Ok(Vec::new());
        };
        let held = Replica::new(self.conn).entries_of_attempt(&attempt)?;
        let mut right = Vec::new();
        for carried in &received.bundle.carried {
            let point = carried.point;
            if point.ledger_id.as_slice() == received.bundle.ledger_id {
                continue;
            }
            let mut leaves: Vec<Leaf> = Vec::new();
            for (place, bytes) in carried.entries.iter().enumerate() {
                let entry = Entry::decode(bytes).ok().filter(|entry| {
                    let own = entry.ledger_id == point.ledger_id && entry.lease == point.lease;
                    own && entry.attempt == Some(attempt) && entry.seq < point.size
                });
                let Some(entry) = entry else {
                    self.severe(received, "results.entry_foreign", format!("{place}"));
                    continue;
                };
                if leaves
                    .last()
                    .is_some_and(|(before, _)| *before >= entry.seq)
                {
                    self.severe(received, "results.entries_gap", format!("{place}"));
                }
                leaves.push((entry.seq, merkle::leaf_hash(bytes)));
                right.push(bytes.to_vec());
            }
            let of_lease: Vec<Leaf> = held
                .iter()
                .filter(|(ledger, entry)| *ledger == point.ledger_id && entry.seq < point.size)
                .filter(|(_, entry)| {
                    Entry::decode(&entry.bytes).is_ok_and(|entry| entry.lease == point.lease)
                })
                .map(|(_, entry)| (entry.seq, entry.leaf))
                .collect();
            self.compare_carried(received, &leaves, &of_lease);
        }
        Ok(right)
    }

    fn compare_carried(&mut self, received: &Received, brought: &[Leaf], held: &[Leaf]) {
        if held.is_empty() {
            if !brought.is_empty() {
                self.note(received, "results.not_replicated", "");
            }
            return;
        }
        if held.iter().any(|leaf| !brought.contains(leaf)) {
            self.severe(received, "results.entries_left_out", "");
        }
        let last = held.iter().map(|(seq, _)| *seq).max();
        let unknown = |leaf: &&Leaf| !held.contains(leaf) && Some(leaf.0) <= last;
        if brought.iter().any(|leaf| unknown(&leaf)) {
            self.severe(received, "results.ledger_differs", "");
        }
    }

    /// The devices whose objects may belong to this bundle: its own, and those that held the attempt before.
    pub(super) fn devices_of(&self, received: &Received) -> Result<Vec<PublicKey>, CenterError> {
        let mut devices = vec![received.device.sign];
        let carried = &received.bundle.carried;
        if carried.is_empty() {
            return Ok(devices);
        }
        for ledger in Replica::new(self.conn).ledgers()? {
            let before = |point: CarryPoint| point.ledger_id == ledger.ledger_id;
            if carried.iter().any(|one| before(one.point)) {
                devices.push(PublicKey::from_bytes(ledger.identity.device_key));
            }
        }
        Ok(devices)
    }

    /// A bundle of a terminal whose lease was carried on: evidence beside the bundle that counts.
    pub(super) fn is_earlier_lease(chosen: &Received, other: &Received) -> bool {
        let mut carried = chosen.bundle.carried.iter();
        other.bundle.lease < chosen.bundle.lease
            && carried.any(|one| one.point.ledger_id.as_slice() == other.bundle.ledger_id)
    }

    pub(super) fn report_earlier(&mut self, ticket_no: &str, other: &Received) {
        let anomaly = Anomaly::note("results.fenced_bundle").ticket(ticket_no);
        self.report(anomaly.device(&other.device.name));
    }
}
