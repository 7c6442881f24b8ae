use crate::error::StoreError;
use fengjuan_envelope::merkle;
use std::collections::HashMap;

/// SHA-256.
pub type Hash = merkle::Hash;
/// The random name of one device database's ledger.
pub type LedgerId = [u8; 16];

/// Where an entry goes. Assigned inside the transaction, so the encoder learns it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub ledger_id: LedgerId,
    /// Counts from 0, without gaps.
    pub seq: u64,
    /// Counts the entries of the same attempt in this ledger, from 0; 0 for entries of no attempt.
    pub attempt_seq: u64,
}

/// One entry to append. `encode` may be called more than once (with the same or another place) and must give
/// bytes that hold that place; only the bytes of the last call are stored.
pub trait EncodeEntry: Send {
    /// # Errors
    /// A refusal, in English and without secrets, for the log; the request is then answered with
    /// [`StoreError::Encode`] and takes no place.
    fn encode(&self, place: &Place) -> Result<Vec<u8>, String>;
    /// The stable name of the kind of event.
    fn kind(&self) -> &str;
    fn class(&self) -> u8;
    fn attempt(&self) -> Option<[u8; 16]>;
    /// Exam clock, milliseconds; none where no exam clock runs.
    fn exam_ms(&self) -> Option<i64>;
    /// Wall clock, milliseconds since 1970.
    fn wall_ms(&self) -> i64;
}

/// A change to the small key/value state, written in the same transaction as the entries that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    Put {
        ns: &'static str,
        key: Vec<u8>,
        value: Vec<u8>,
    },
    Remove {
        ns: &'static str,
        key: Vec<u8>,
    },
}

impl Projection {
    pub fn put(ns: &'static str, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self::Put {
            ns,
            key: key.into(),
            value: value.into(),
        }
    }
    pub fn remove(ns: &'static str, key: impl Into<Vec<u8>>) -> Self {
        Self::Remove {
            ns,
            key: key.into(),
        }
    }
}

/// An object whose file is durable already, to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewObject {
    pub kind: String,
    pub hash: Hash,
    pub size: u64,
}

/// A receipt for a registered object. A later receipt (the center's after a hub's) takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReceipt {
    pub hash: Hash,
    pub receipt: Vec<u8>,
}

/// Everything that one transaction changes: all of it is durable, or none.
#[derive(Default)]
pub struct Change {
    pub entries: Vec<Box<dyn EncodeEntry>>,
    pub projections: Vec<Projection>,
    pub(crate) object: Option<NewObject>,
    pub receipt: Option<NewReceipt>,
}

impl Change {
    pub fn entry(mut self, entry: Box<dyn EncodeEntry>) -> Self {
        self.entries.push(entry);
        self
    }
    pub fn project(mut self, projection: Projection) -> Self {
        self.projections.push(projection);
        self
    }
    pub fn receipt(mut self, hash: Hash, receipt: Vec<u8>) -> Self {
        self.receipt = Some(NewReceipt { hash, receipt });
        self
    }
}

/// Where a durable entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub seq: u64,
    pub attempt_seq: u64,
    /// RFC 6962 leaf hash of the stored bytes.
    pub leaf: Hash,
}

/// An entry that has been given its place and encoded, before any of it is written.
pub(crate) struct Ready {
    pub place: Place,
    pub bytes: Vec<u8>,
    pub leaf: Hash,
}

/// Encodes all entries of a change at consecutive places from `seq`. `next` gives the attempt's next number as
/// the transaction sees it.
pub(crate) fn encode_all(
    entries: &[Box<dyn EncodeEntry>],
    ledger_id: LedgerId,
    seq: u64,
    mut next: impl FnMut(&[u8; 16]) -> Result<u64, StoreError>,
) -> Result<Vec<Ready>, StoreError> {
    let mut used: HashMap<[u8; 16], u64> = HashMap::new();
    let mut ready = Vec::with_capacity(entries.len());
    for (entry, seq) in entries.iter().zip(seq..) {
        let attempt_seq = match entry.attempt() {
            None => 0,
            Some(attempt) => {
                let number = match used.get(&attempt) {
                    Some(last) => last + 1,
                    None => next(&attempt)?,
                };
                used.insert(attempt, number);
                number
            }
        };
        let place = Place {
            ledger_id,
            seq,
            attempt_seq,
        };
        // A panic in a caller's encoder must not take the writer thread of the whole terminal with it.
        let bytes = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| entry.encode(&place)))
            .unwrap_or_else(|_| Err("the encoder panicked".to_owned()))
            .map_err(|detail| StoreError::Encode { detail })?;
        let leaf = merkle::leaf_hash(&bytes);
        ready.push(Ready { place, bytes, leaf });
    }
    Ok(ready)
}
