//! Four hundred ledgers at once against a model that is a list for each: whatever is sent, in whatever company, the
//! answer is the model's. `FJ_SEEDS` sets the number of seeds.
#![allow(clippy::unwrap_used)]

mod harness;

use fengjuan_envelope::merkle::leaf_hash;
use fengjuan_store::replica::{AppendOutcome, CheckpointOutcome, Incoming};
use fengjuan_store::{AppendRequest, LedgerReader as _, Replicas, StoreError, Taken};
use harness::device::{Device, open, root};
use harness::{Dice, Scratch, cases};
use std::collections::BTreeSet;

const LEDGERS: usize = 400;
const ROUNDS: usize = 40;

/// One device, and what a witness must hold of it.
struct Seat {
    device: Device,
    held: usize,
    known: bool,
    cosigned: BTreeSet<usize>,
    /// Each pair of leaves once.
    forks: BTreeSet<(bool, u64, [u8; 32])>,
}

/// What has to be answered.
#[derive(Debug, PartialEq)]
enum Wanted {
    Taken(AppendOutcome, Option<Cosigning>),
    Refused(&'static str),
}

#[derive(Debug, PartialEq)]
enum Cosigning {
    Cosigned(u64),
    Behind(u64),
    RolledBack(u64),
    Fork(u64),
}

fn seen(answer: &Result<Taken, StoreError>) -> Wanted {
    let taken = match answer {
        Err(error) => return Wanted::Refused(error.code()),
        Ok(taken) => taken,
    };
    let cosigning = taken.checkpoint.as_ref().map(|outcome| match outcome {
        CheckpointOutcome::Cosigned { size, .. } => Cosigning::Cosigned(*size),
        CheckpointOutcome::Behind { have } => Cosigning::Behind(*have),
        CheckpointOutcome::RolledBack { cosigned } => Cosigning::RolledBack(*cosigned),
        CheckpointOutcome::Fork { size, .. } => Cosigning::Fork(*size),
    });
    Wanted::Taken(taken.outcome.clone(), cosigning)
}

impl Seat {
    fn new(number: u64) -> Self {
        Self {
            device: Device::new(number),
            held: 0,
            known: false,
            cosigned: BTreeSet::new(),
            forks: BTreeSet::new(),
        }
    }

    /// A request of some kind, and the answer that it has to get.
    fn draw(&mut self, dice: &mut Dice) -> (AppendRequest, Wanted) {
        self.device.write(dice.below(4));
        let all = self.device.entries.len();
        let from = match dice.below(6) {
            0 => dice.below(all + 1),
            1 => (self.held + 1 + dice.below(3)).min(all),
            _ => self.held,
        };
        let mut request = self.device.request(from..all);
        if dice.chance(20) && !request.entries.is_empty() {
            let at = dice.below(request.entries.len());
            request.entries[at] = self.device.entry((from + at) as u64, 1);
        }
        if dice.chance(15) {
            // A stranger's key; of a ledger that nobody knows, it would be the first.
            request.identity.device_key = [3; 32];
        }
        let size = dice.below(all + 1);
        match dice.below(10) {
            0..3 => request.checkpoint = Some(self.device.note(size)),
            3 => request.checkpoint = Some(self.other_truth().note(all)),
            4 => request.checkpoint = Some("not a note".to_owned()),
            _ => {}
        }
        if !self.known && request.identity.device_key == [3; 32] {
            request.identity = self.device.identity();
        }
        let wanted = self.expect(&request);
        (request, wanted)
    }

    /// The same device with another last entry.
    fn other_truth(&self) -> Device {
        let mut other = Device {
            key: self.device.key.clone(),
            origin: self.device.origin.clone(),
            ..Device::new(0)
        };
        other.entries = self.device.entries.clone();
        if let Some(last) = other.entries.last_mut() {
            last.bytes[0] ^= 1;
        }
        other
    }

    fn expect(&mut self, request: &AppendRequest) -> Wanted {
        if request.identity != self.device.identity() {
            return Wanted::Refused("store.ledger_taken");
        }
        let from = request.from_seq as usize;
        if from > self.held {
            self.known = true;
            let have = self.held as u64;
            return Wanted::Taken(AppendOutcome::Gap { have }, None);
        }
        // The model takes no entry over that is not the device's own: it would not be a fork yet.
        let branch = |entry: &Incoming, at: usize| *entry != self.device.entries[from + at];
        let strange = request
            .entries
            .iter()
            .enumerate()
            .position(|(at, entry)| branch(entry, at))
            .map(|at| from + at);
        match strange {
            Some(seq) if seq < self.held => {
                self.known = true;
                let (mine, theirs) = (
                    leaf_hash(&self.device.entries[seq].bytes),
                    leaf_hash(&request.entries[seq - from].bytes),
                );
                let seq = seq as u64;
                self.forks.insert((true, seq, theirs));
                return Wanted::Taken(AppendOutcome::Fork { seq, mine, theirs }, None);
            }
            // The first truth that is seen stays, so from now on it is the device's.
            Some(seq) => self.device.entries[seq] = request.entries[seq - from].clone(),
            None => {}
        }
        let before = self.held;
        let held = before.max(from + request.entries.len());
        let outcome = AppendOutcome::Appended {
            size: held as u64,
            root: root(&self.device.entries[..held]),
            new: (held - before) as u64,
        };
        let cosigning = match &request.checkpoint {
            None => None,
            Some(note) if note == "not a note" => return Wanted::Refused("store.checkpoint"),
            Some(note) => Some(self.cosigning(note, held)),
        };
        (self.held, self.known) = (held, true);
        Wanted::Taken(outcome, cosigning)
    }

    fn cosigning(&mut self, note: &str, held: usize) -> Cosigning {
        let named: usize = note.lines().nth(1).unwrap().parse().unwrap();
        if named > held {
            return Cosigning::Behind(held as u64);
        }
        let largest = self.cosigned.last().copied();
        if note != self.device.note(named) {
            let theirs = fengjuan_envelope::sha256(note.as_bytes());
            self.forks.insert((false, named as u64, theirs));
            return Cosigning::Fork(named as u64);
        }
        match largest {
            _ if self.cosigned.contains(&named) => Cosigning::Cosigned(named as u64),
            Some(largest) if named < largest => Cosigning::RolledBack(largest as u64),
            _ => {
                self.cosigned.insert(named);
                Cosigning::Cosigned(named as u64)
            }
        }
    }
}

fn invariant_the_replicas_are_the_model(replicas: &Replicas, seats: &[Seat]) {
    let reader = replicas.reader().unwrap();
    let known: Vec<_> = seats.iter().filter(|seat| seat.known).collect();
    assert_eq!(reader.ledgers().unwrap().len(), known.len());
    for seat in &known {
        let ledger = &seat.device.ledger_id;
        reader.replica().check(ledger).unwrap();
        let held = reader.entries_since(ledger, 0, usize::MAX).unwrap();
        assert_eq!(held.len(), seat.held);
        for (held, written) in held.iter().zip(&seat.device.entries) {
            assert_eq!(held.bytes, written.bytes);
        }
        let cosigned: Vec<_> = reader.checkpoints(ledger).unwrap();
        assert_eq!(cosigned.len(), seat.cosigned.len());
        let sizes = reader.attempt_sizes(&seat.device.attempt()).unwrap();
        assert_eq!(
            sizes.first().map_or(0, |size| size.entries),
            seat.held as u64
        );
    }
    let forks: usize = seats.iter().map(|seat| seat.forks.len()).sum();
    assert_eq!(reader.forks().unwrap().len(), forks);
    assert!(forks > 0, "no fork was ever drawn");
}

#[test]
fn four_hundred_ledgers_in_any_order_are_as_the_model_says() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let scratch = Scratch::new();
    for seed in 0..cases(3) as u64 {
        println!("seed {seed}");
        let mut dice = Dice(seed);
        let dir = scratch.dir();
        let mut replicas = open(dir.path()).unwrap();
        let mut seats: Vec<_> = (0..LEDGERS as u64).map(Seat::new).collect();
        for round in 0..ROUNDS {
            let burst = 1 + dice.below(300);
            let mut queued = Vec::with_capacity(burst);
            for _ in 0..burst {
                let seat = dice.below(LEDGERS);
                let (request, wanted) = seats[seat].draw(&mut dice);
                queued.push((seat, wanted, replicas.writer().append_async(request)));
            }
            for (seat, wanted, answer) in queued {
                let answer = runtime.block_on(answer);
                assert_eq!(seen(&answer), wanted, "seed {seed}, round {round}, {seat}");
            }
            if dice.chance(10) {
                drop(replicas);
                replicas = open(dir.path()).unwrap();
            }
        }
        invariant_the_replicas_are_the_model(&replicas, &seats);
    }
}
