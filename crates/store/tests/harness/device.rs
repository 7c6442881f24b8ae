//! A device as its witness sees it: a key, a ledger, and what it sends of it.

use fengjuan_envelope::merkle::{leaf_hash, root_of};
use fengjuan_envelope::note::{self, Checkpoint};
use fengjuan_envelope::sign::SigningKey;
use fengjuan_store::replica::Incoming;
use fengjuan_store::{AppendRequest, LedgerId, LedgerIdentity, Replicas, StoreError};
use std::path::Path;

pub const WITNESS: &str = "hub/witness";

pub fn witness_key() -> SigningKey {
    SigningKey::from_seed(&[9; 32])
}

/// Opens the replicas of a witness with a key of its own.
pub fn open(dir: &Path) -> Result<Replicas, StoreError> {
    let key = witness_key();
    Replicas::open(dir, move |text, now_ms| {
        let seconds = u64::try_from(now_ms / 1000).unwrap_or(0);
        note::cosign(text, WITNESS, &key, seconds).map_err(|error| error.to_string())
    })
}

pub struct Device {
    pub key: SigningKey,
    pub ledger_id: LedgerId,
    pub origin: String,
    /// What the device wrote so far.
    pub entries: Vec<Incoming>,
}

impl Device {
    pub fn new(number: u64) -> Self {
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&number.to_be_bytes());
        let mut ledger_id = [1; 16];
        ledger_id[..8].copy_from_slice(&number.to_be_bytes());
        Self {
            key: SigningKey::from_seed(&seed),
            ledger_id,
            origin: format!("site/terminal-{number}"),
            entries: Vec::new(),
        }
    }

    pub fn attempt(&self) -> [u8; 16] {
        self.ledger_id
    }

    pub fn identity(&self) -> LedgerIdentity {
        LedgerIdentity {
            device: self.origin.clone(),
            device_key: *self.key.public().as_bytes(),
            origin: self.origin.clone(),
        }
    }

    /// An entry of this device; another `branch` is another truth.
    pub fn entry(&self, seq: u64, branch: u8) -> Incoming {
        let mut bytes = self.ledger_id.to_vec();
        bytes.extend(seq.to_be_bytes());
        bytes.push(branch);
        bytes.resize(300 + (seq % 97) as usize, branch);
        Incoming {
            bytes,
            class: 3,
            kind: "answer_saved".into(),
            attempt: Some(self.attempt()),
            attempt_seq: seq,
            exam_ms: None,
            wall_ms: seq as i64,
        }
    }

    pub fn write(&mut self, count: usize) {
        for _ in 0..count {
            self.entries.push(self.entry(self.entries.len() as u64, 0));
        }
    }

    /// A request with the entries of `places`, as the device has them.
    pub fn request(&self, places: std::ops::Range<usize>) -> AppendRequest {
        AppendRequest {
            ledger_id: self.ledger_id,
            identity: self.identity(),
            from_seq: places.start as u64,
            entries: self.entries[places].to_vec(),
            checkpoint: None,
            now_ms: 1_700_000_000_000,
        }
    }

    /// The device's signed note over its first `size` entries.
    pub fn note(&self, size: usize) -> String {
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size: size as u64,
            root: root(&self.entries[..size]),
            extension: Vec::new(),
        };
        note::sign_checkpoint(&checkpoint, &self.origin, &self.key)
    }
}

pub fn root(of: &[Incoming]) -> [u8; 32] {
    let leaves: Vec<_> = of.iter().map(|entry| leaf_hash(&entry.bytes)).collect();
    root_of(&leaves)
}
