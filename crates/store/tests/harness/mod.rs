//! What the store's tests share: entries whose bytes tell their place, and a small seeded generator.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses a part"
)]

pub mod device;
pub mod vfs;

use fengjuan_store::{EncodeEntry, Place};

/// An entry that carries a number.
pub struct TestEntry {
    number: u64,
    attempt: Option<[u8; 16]>,
}

impl TestEntry {
    pub fn of(number: u64, attempt: Option<[u8; 16]>) -> Box<Self> {
        Box::new(Self { number, attempt })
    }
}

/// The bytes of a test entry; about as long as a sealed answer.
pub fn bytes_of(place: &Place, number: u64) -> Vec<u8> {
    let mut bytes = place.ledger_id.to_vec();
    bytes.extend(place.seq.to_be_bytes());
    bytes.extend(place.attempt_seq.to_be_bytes());
    bytes.extend(number.to_be_bytes());
    bytes.resize(300 + (number % 97) as usize, number as u8);
    bytes
}

impl EncodeEntry for TestEntry {
    fn encode(&self, place: &Place) -> Result<Vec<u8>, String> {
        Ok(bytes_of(place, self.number))
    }
    fn kind(&self) -> &str {
        "test"
    }
    fn class(&self) -> u8 {
        3
    }
    fn attempt(&self) -> Option<[u8; 16]> {
        self.attempt
    }
    fn exam_ms(&self) -> Option<i64> {
        Some(self.number as i64)
    }
    fn wall_ms(&self) -> i64 {
        self.number as i64
    }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// Below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit as u64) as usize
    }
    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

/// How many cases a seeded test runs: `FJ_SEEDS` widens the fixed slice.
pub fn cases(fixed: usize) -> usize {
    std::env::var("FJ_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(fixed)
}

/// A directory in memory where the system has one: some tests build databases by the thousand.
pub fn memory_dir() -> tempfile::TempDir {
    let shm = std::path::Path::new("/dev/shm");
    if shm.is_dir() {
        tempfile::tempdir_in(shm).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// Many data directories that share one reserve file, or each would write its own 16 MiB.
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    pub fn new() -> Self {
        let place = memory_dir();
        std::fs::write(place.path().join("reserve"), vec![0; 16 << 20]).unwrap();
        Self(place)
    }

    pub fn dir(&self) -> tempfile::TempDir {
        let dir = tempfile::tempdir_in(self.0.path()).unwrap();
        for name in ["reserve", "replicas.reserve"] {
            std::fs::hard_link(self.0.path().join("reserve"), dir.path().join(name)).unwrap();
        }
        dir
    }
}
