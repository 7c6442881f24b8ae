//! One terminal's ledger as it grows: real entries, a real tree, checkpoints that device and witness signed.

use fengjuan_core::event::Event;
use fengjuan_envelope::merkle::{self, Frontier};
use fengjuan_envelope::note::{self, Checkpoint};
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_store::{LedgerIdentity, LedgerInfo, StoredCheckpoint};
use fengjuan_wire::entry::{Stamp, encode};
use std::collections::HashMap;

/// A candidate's attempt: its id, and the key of its sealed entries.
pub struct Attempt {
    pub id: [u8; 16],
    pub key: SecretKey,
}

/// When a terminal signs a checkpoint and has it cosigned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Density {
    /// With the first entry after this time.
    Seconds(u32),
    EveryEntry,
}

/// One terminal's ledger; the entries lie back to back.
pub struct Ledger {
    pub id: [u8; 16],
    pub identity: LedgerIdentity,
    pub key: SigningKey,
    pub tree: Frontier,
    pub bytes: Vec<u8>,
    pub ends: Vec<usize>,
    pub checkpoints: Vec<StoredCheckpoint>,
    pub boot_id: [u8; 16],
    pub now_ms: i64,
    pub booted_ms: i64,
    pub attempt_seqs: HashMap<[u8; 16], u64>,
    pub density: Density,
    /// When the last checkpoint was signed.
    pub signed_ms: i64,
    pub witness: (String, SigningKey),
}

impl Ledger {
    pub fn size(&self) -> u64 {
        self.ends.len() as u64
    }

    pub fn push(
        &mut self,
        actor: &str,
        attempt: Option<&Attempt>,
        event: &Event,
    ) -> anyhow::Result<()> {
        let id = attempt.map(|attempt| attempt.id);
        let attempt_seq = id.map_or(0, |id| {
            let next = self.attempt_seqs.entry(id).or_default();
            *next += 1;
            *next - 1
        });
        let stamp = Stamp {
            attempt: id,
            lease: u64::from(id.is_some()),
            actor: actor.to_owned(),
            boot_id: self.boot_id,
            boot_ms: self.now_ms - self.booted_ms,
            exam_ms: Some(self.now_ms),
            wall_ms: self.now_ms + 40,
        };
        let key = attempt.map(|attempt| &attempt.key);
        let entry = encode(&self.id, self.size(), attempt_seq, &stamp, event, key)?;
        self.tree.append(merkle::leaf_hash(&entry));
        self.bytes.extend_from_slice(&entry);
        self.ends.push(self.bytes.len());
        let due = match self.density {
            Density::Seconds(seconds) => self.now_ms - self.signed_ms >= i64::from(seconds) * 1000,
            Density::EveryEntry => true,
        };
        if due {
            self.checkpoint()?;
        }
        Ok(())
    }

    pub fn checkpoint(&mut self) -> anyhow::Result<()> {
        let checkpoint = Checkpoint {
            origin: self.identity.origin.clone(),
            size: self.size(),
            root: self.tree.root(),
            extension: Vec::new(),
        };
        let signed = note::sign_checkpoint(&checkpoint, &self.identity.origin, &self.key);
        let seconds = u64::try_from(self.now_ms / 1000)?;
        let cosigned = note::cosign(&signed, &self.witness.0, &self.witness.1, seconds)?;
        self.signed_ms = self.now_ms;
        self.checkpoints.push(StoredCheckpoint {
            size: checkpoint.size,
            root: checkpoint.root,
            // Nobody reads the device's own note where there is a cosigned one.
            note: String::new(),
            cosigned: Some(cosigned),
        });
        Ok(())
    }

    pub fn entry(&self, seq: usize) -> &[u8] {
        let from = seq.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[from..self.ends[seq]]
    }

    pub fn info(&self) -> LedgerInfo {
        LedgerInfo {
            ledger_id: self.id,
            identity: self.identity.clone(),
            size: self.size(),
            root: self.tree.root(),
        }
    }
}
