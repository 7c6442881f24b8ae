//! A device's ledger in memory.

use crate::day::Device;
use fengjuan_center::Home;
use fengjuan_core::event::Event;
use fengjuan_envelope::merkle::{self, Frontier};
use fengjuan_envelope::note::{self, Checkpoint};
use fengjuan_envelope::secret::SecretKey;
use fengjuan_wire::entry::{Stamp, encode};
use fengjuan_wire::upstream::EntriesRequest;
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

pub struct Ledger {
    pub id: [u8; 16],
    pub entries: Vec<Vec<u8>>,
    pub attempts: Vec<Option<[u8; 16]>>,
    /// Under which entries of attempts are written.
    pub lease: u64,
    attempt_seqs: BTreeMap<[u8; 16], u64>,
    origin: String,
}

impl Ledger {
    pub fn new(home: &Home, id: u8) -> Ledger {
        let id = [id; 16];
        let origin = home.directory().ledger_origin(&id);
        Ledger {
            id,
            entries: Vec::new(),
            attempts: Vec::new(),
            lease: 1,
            attempt_seqs: BTreeMap::new(),
            origin,
        }
    }

    pub fn add(
        &mut self,
        attempt: Option<[u8; 16]>,
        event: &Event,
        exam_ms: i64,
        key: Option<&SecretKey>,
    ) {
        let attempt_seq = attempt.map_or(0, |id| {
            let next = self.attempt_seqs.entry(id).or_insert(0);
            *next += 1;
            *next - 1
        });
        let stamp = Stamp {
            attempt,
            lease: self.lease,
            actor: "system".to_owned(),
            boot_id: [7; 16],
            boot_ms: exam_ms % 1_000_000,
            exam_ms: Some(exam_ms),
            wall_ms: exam_ms,
        };
        let seq = self.entries.len() as u64;
        self.entries
            .push(encode(&self.id, seq, attempt_seq, &stamp, event, key).unwrap());
        self.attempts.push(attempt);
    }

    pub fn of_attempt(&self, attempt: &[u8; 16]) -> Vec<ByteBuf> {
        let own = self
            .entries
            .iter()
            .zip(&self.attempts)
            .filter(|(_, id)| **id == Some(*attempt));
        own.map(|(bytes, _)| ByteBuf::from(bytes.clone())).collect()
    }

    pub fn checkpoint(&self, device: &Device, size: usize) -> String {
        let mut frontier = Frontier::new();
        frontier.extend(
            self.entries[..size]
                .iter()
                .map(|bytes| merkle::leaf_hash(bytes)),
        );
        let head = Checkpoint {
            origin: self.origin.clone(),
            size: size as u64,
            root: frontier.root(),
            extension: Vec::new(),
        };
        note::sign_checkpoint(&head, &self.origin, &device.sign)
    }

    /// Everything from `from` on, with a checkpoint over all of it.
    pub fn request(&self, device: &Device, from: usize) -> EntriesRequest {
        EntriesRequest {
            ledger_id: self.id.to_vec(),
            from_seq: from as u64,
            entries: self.entries[from..]
                .iter()
                .cloned()
                .map(ByteBuf::from)
                .collect(),
            checkpoint: Some(self.checkpoint(device, self.entries.len())),
            device: None,
        }
    }
}
