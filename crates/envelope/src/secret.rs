//! Secrets that are erased when dropped and, as far as the system allows, never swapped or dumped.

use std::fmt;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::digest::equal_in_constant_time;
use crate::random::{RandomError, random_bytes};

const SLOT: usize = 32;
const PAGE: usize = 4096;

/// One page of key slots. Pages live as long as the process, because unlocking one page of memory
/// unlocks it for every secret in it: slots are reused, pages are not given back.
#[repr(C, align(4096))]
struct Page([[u8; SLOT]; PAGE / SLOT]);

struct Slot {
    bytes: &'static mut [u8; SLOT],
    locked: bool,
}

static FREE: Mutex<Vec<Slot>> = Mutex::new(Vec::new());

fn take_slot() -> Slot {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(slot) = free.pop() {
        return slot;
    }
    let page = Box::leak(Box::new(Page([[0; SLOT]; PAGE / SLOT])));
    let locked = lock_page(page);
    let mut slots = page.0.iter_mut().map(|bytes| Slot { bytes, locked });
    let first = slots.next().expect("a page has at least one slot");
    free.extend(slots);
    first
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn lock_page(page: &mut Page) -> bool {
    use rustix::mm::{Advice, madvise, mlock};
    let start = std::ptr::from_mut(page).cast();
    // SAFETY: `start` is the address of a live, page-aligned allocation of exactly PAGE bytes which
    // is never freed. Neither call reads or changes its contents: one pins it in memory, the other
    // leaves it out of core dumps.
    unsafe {
        let _ = madvise(start, PAGE, Advice::LinuxDontDump);
        mlock(start, PAGE).is_ok()
    }
}

#[cfg(not(target_os = "linux"))]
fn lock_page(_page: &mut Page) -> bool {
    false
}

/// A 32-byte symmetric key or seed. Erased on drop; its memory is locked where the system's limit
/// allows ([`SecretKey::locked`]). `Debug` shows nothing of it, comparison takes constant time.
pub struct SecretKey(Option<Slot>);

impl SecretKey {
    /// A fresh key from the operating system's generator.
    ///
    /// # Errors
    /// [`RandomError`] when the generator fails.
    pub fn random() -> Result<Self, RandomError> {
        Ok(Self::from_bytes(random_bytes()?))
    }

    /// Takes over `bytes`. The caller's own copy, if it kept one, is the caller's to erase.
    #[must_use]
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let slot = take_slot();
        slot.bytes.copy_from_slice(&bytes);
        bytes.zeroize();
        Self(Some(slot))
    }

    /// The key itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.slot().bytes
    }

    /// Whether the system keeps this key out of swap. `false` means that the limit on locked
    /// memory was reached; the key works all the same.
    #[must_use]
    pub fn locked(&self) -> bool {
        self.slot().locked
    }

    fn slot(&self) -> &Slot {
        self.0.as_ref().expect("the slot leaves only in drop")
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.bytes.zeroize();
            FREE.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(slot);
        }
    }
}

impl ZeroizeOnDrop for SecretKey {}

impl Clone for SecretKey {
    fn clone(&self) -> Self {
        Self::from_bytes(*self.as_bytes())
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        equal_in_constant_time(self.as_bytes(), other.as_bytes())
    }
}

impl Eq for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// Secret bytes of any length (an opened section, a question), erased on drop. They are not locked
/// in memory: the limit is far smaller than a paper, and swap is refused before an exam instead.
#[derive(Clone, Default, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes over `bytes`.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for SecretBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for SecretBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_slot_is_blank_and_used_again() {
        for round in 0..400u32 {
            let keys: Vec<_> = (0..200)
                .map(|_| SecretKey::from_bytes([round as u8 | 1; 32]))
                .collect();
            assert!(
                keys.iter()
                    .all(|key| key.as_bytes() == &[round as u8 | 1; 32])
            );
        }
        let free = FREE.lock().unwrap();
        assert!(free.iter().all(|slot| slot.bytes == &[0; 32]));
        // Other tests of this process may hold a few keys of their own.
        assert!(free.len() < 2000, "slots leak: {}", free.len());
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(
            format!("{:?}", SecretKey::from_bytes([0x41; 32])),
            "SecretKey(..)"
        );
        assert_eq!(
            format!("{:?}", SecretBytes::new(b"AAAA".to_vec())),
            "SecretBytes(4 bytes)"
        );
    }

    #[test]
    fn copies_are_equal_and_independent() {
        let key = SecretKey::random().unwrap();
        let copy = key.clone();
        let bytes = *key.as_bytes();
        drop(key);
        assert_eq!(copy.as_bytes(), &bytes);
        assert_ne!(copy, SecretKey::random().unwrap());
    }
}
