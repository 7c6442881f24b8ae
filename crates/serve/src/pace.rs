//! How much one caller, and all of them together, may ask of the server. Far above what a terminal does; a broken or
//! taken-over one cannot take the server from the others.

use fengjuan_envelope::sign::PublicKey;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many connections a server has open at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of all callers together, handshakes included.
    pub connections: usize,
    pub of_one_key: u32,
    /// Of one address, whatever keys it shows, and before it has shown any.
    pub of_one_address: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 512,
            of_one_key: 16,
            of_one_address: 384,
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
    of_one_address: u32,
    by_key: Mutex<HashMap<[u8; 32], u32>>,
    by_address: Mutex<HashMap<IpAddr, u32>>,
}

/// A place before anything is known of the caller but where it calls from, free again when it is dropped.
pub struct Place {
    slots: Arc<Slots>,
    address: IpAddr,
    _one_of_all: OwnedSemaphorePermit,
}

/// One connection's place, free again when it is dropped.
pub struct Slot {
    slots: Arc<Slots>,
    key: [u8; 32],
    _place: Place,
}

impl Slots {
    pub fn of(limits: Limits) -> Arc<Slots> {
        Arc::new(Slots {
            all: Arc::new(Semaphore::new(limits.connections)),
            of_one_key: limits.of_one_key,
            of_one_address: limits.of_one_address,
            by_key: Mutex::default(),
            by_address: Mutex::default(),
        })
    }

    /// A place for a caller from this address; none where all are taken, or this address has too many already.
    pub fn one_of_all(self: &Arc<Slots>, address: IpAddr) -> Option<Place> {
        let permit = self.all.clone().try_acquire_owned().ok()?;
        let one_more = more(&self.by_address, address, self.of_one_address);
        one_more.then(|| Place {
            slots: self.clone(),
            address,
            _one_of_all: permit,
        })
    }

    /// Keeps the place for a caller that has proven its key, unless that key has too many already.
    pub fn keep(self: &Arc<Slots>, place: Place, key: &PublicKey) -> Option<Slot> {
        let key = *key.as_bytes();
        more(&self.by_key, key, self.of_one_key).then(|| Slot {
            slots: self.clone(),
            key,
            _place: place,
        })
    }
}

/// One more of these, unless there are as many as may be.
fn more<K: Eq + Hash>(open: &Mutex<HashMap<K, u32>>, of: K, most: u32) -> bool {
    let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
    let count = open.entry(of).or_insert(0);
    let more = *count < most;
    *count += u32::from(more);
    more
}

fn less<K: Eq + Hash>(open: &Mutex<HashMap<K, u32>>, of: &K) {
    let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(count) = open.get_mut(of) {
        *count -= 1;
        if *count == 0 {
            open.remove(of);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        less(&self.slots.by_address, &self.address);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        less(&self.slots.by_key, &self.key);
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
            of_one_address: 20,
        });
        let here = IpAddr::from([10, 0, 0, 1]);
        let (one, other) = (
            PublicKey::from_bytes([1; 32]),
            PublicKey::from_bytes([2; 32]),
        );
        let take = |key| slots.keep(slots.one_of_all(here)?, key);
        let mut held: Vec<Slot> = std::iter::from_fn(|| take(&one)).collect();
        assert_eq!(held.len(), 16);
        held.extend(std::iter::from_fn(|| take(&other)));
        assert_eq!(held.len(), 20);
        assert!(slots.one_of_all(here).is_none());
        held.remove(0);
        assert!(take(&one).is_some());
        drop(held);
        assert!(slots.by_key.lock().unwrap().is_empty());
        assert!(slots.by_address.lock().unwrap().is_empty());
        assert_eq!(slots.all.available_permits(), 20);
    }

    #[test]
    fn one_address_leaves_places_for_the_others_before_it_has_shown_any_key() {
        let slots = Slots::of(Limits {
            connections: 20,
            of_one_key: 16,
            of_one_address: 8,
        });
        let (busy, calm) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let held: Vec<Place> = std::iter::from_fn(|| slots.one_of_all(busy)).collect();
        assert_eq!(held.len(), 8);
        assert!(slots.one_of_all(calm).is_some());
        drop(held);
        assert!(slots.one_of_all(busy).is_some());
    }
}
