//! How much one caller, and all of them together, may ask of the server. Far above what a terminal does; a broken or
//! taken-over one cannot take the server from the others.

use fengjuan_envelope::sign::PublicKey;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many connections a server has open at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of all callers together, handshakes included.
    pub connections: usize,
    pub of_one_key: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 512,
            of_one_key: 16,
        }
    }
}

/// Requests of one device: this many at once, and then this many a second. Parts of uploads are requests.
const BURST: f64 = 2000.0;
const A_SECOND: f64 = 200.0;

/// The places for connections.
pub(crate) struct Slots {
    all: Arc<Semaphore>,
    of_one_key: u32,
    by_key: Mutex<HashMap<[u8; 32], u32>>,
}

/// One connection's place, free again when it is dropped.
pub struct Slot {
    slots: Arc<Slots>,
    key: [u8; 32],
    _one_of_all: OwnedSemaphorePermit,
}

impl Slots {
    pub fn of(limits: Limits) -> Arc<Slots> {
        Arc::new(Slots {
            all: Arc::new(Semaphore::new(limits.connections)),
            of_one_key: limits.of_one_key,
            by_key: Mutex::default(),
        })
    }

    /// A place before anything is known of the caller; none where all are taken.
    pub fn one_of_all(&self) -> Option<OwnedSemaphorePermit> {
        self.all.clone().try_acquire_owned().ok()
    }

    /// Keeps the place for a caller that has proven its key, unless that key has too many already.
    pub fn keep(self: &Arc<Slots>, permit: OwnedSemaphorePermit, key: &PublicKey) -> Option<Slot> {
        let key = *key.as_bytes();
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let open = by_key.entry(key).or_insert(0);
        if *open >= self.of_one_key {
            return None;
        }
        *open += 1;
        drop(by_key);
        Some(Slot {
            slots: self.clone(),
            key,
            _one_of_all: permit,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut by_key = self
            .slots
            .by_key
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = by_key.get_mut(&self.key) {
            *open -= 1;
            if *open == 0 {
                by_key.remove(&self.key);
            }
        }
    }
}

/// Requests of approved devices: as many entries as there are of those.
#[derive(Default)]
pub struct Rates {
    by_key: Mutex<HashMap<[u8; 32], Bucket>>,
}

struct Bucket {
    left: f64,
    at: Instant,
}

impl Rates {
    /// Counts a request. False where this device must slow down.
    pub fn allows(&self, key: &PublicKey, now: Instant) -> bool {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = by_key.entry(*key.as_bytes()).or_insert(Bucket {
            left: BURST,
            at: now,
        });
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + passed * A_SECOND).min(BURST);
        bucket.at = now;
        if bucket.left < 1.0 {
            return false;
        }
        bucket.left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_device_that_asks_without_end_is_slowed_and_the_others_are_not() {
        let (rates, now) = (Rates::default(), Instant::now());
        let (busy, calm) = (
            PublicKey::from_bytes([1; 32]),
            PublicKey::from_bytes([2; 32]),
        );
        let allowed = (0..5000).filter(|_| rates.allows(&busy, now)).count();
        assert_eq!(allowed, 2000);
        assert!(rates.allows(&calm, now));
        let later = now + Duration::from_secs(1);
        let allowed = (0..5000).filter(|_| rates.allows(&busy, later)).count();
        assert_eq!(allowed, 200);
        // A clock that stands still or goes back gives nothing.
        assert!(!rates.allows(&busy, now));
    }

    #[test]
    fn places_are_bounded_together_and_by_key_and_come_back() {
        let slots = Slots::of(Limits {
            connections: 20,
            of_one_key: 16,
        });
        let (one, other) = (
            PublicKey::from_bytes([1; 32]),
            PublicKey::from_bytes([2; 32]),
        );
        let take = |key| slots.keep(slots.one_of_all()?, key);
        let mut held: Vec<Slot> = std::iter::from_fn(|| take(&one)).collect();
        assert_eq!(held.len(), 16);
        held.extend(std::iter::from_fn(|| take(&other)));
        assert_eq!(held.len(), 20);
        assert!(slots.one_of_all().is_none());
        held.remove(0);
        assert!(take(&one).is_some());
        drop(held);
        assert!(slots.by_key.lock().unwrap().is_empty());
        assert_eq!(slots.all.available_permits(), 20);
    }
}
