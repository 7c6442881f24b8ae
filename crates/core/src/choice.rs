//! Deterministic choice: from a secret seed and a context to unbiased numbers, the same on every machine and in
//! every version.
//!
//! The stream is HKDF-SHA-256 (RFC 5869). `PRK = HKDF-Extract(salt = "fengjuan/choice/1", IKM = seed)`. Block
//! `b` (counted from 0) is `HKDF-Expand(PRK, info ‖ u32be(b), 1024)`, where `info` is every part of the context
//! in order, each preceded by its length in bytes as a big-endian `u32`. The stream is block 0, block 1, and so
//! on, read as big-endian `u32` words.

use ring::hkdf;
use zeroize::Zeroize;

const SALT: &[u8] = b"fengjuan/choice/1";
const BLOCK: usize = 1024;

/// A stream of unbiased choices. One seed and context give one stream.
pub struct Choice {
    prk: hkdf::Prk,
    info: Vec<u8>,
    next_block: u32,
    block: [u8; BLOCK],
    used: usize,
}

struct BlockLength;

impl hkdf::KeyType for BlockLength {
    fn len(&self) -> usize {
        BLOCK
    }
}

impl Choice {
    /// Starts the stream of this seed and context. The parts are length-prefixed, so `["a", "bc"]` and
    /// `["ab", "c"]` are different streams.
    pub fn new(seed: &[u8; 32], info: &[&[u8]]) -> Choice {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(seed);
        Choice {
            prk,
            info: length_prefixed(info),
            next_block: 0,
            block: [0; BLOCK],
            used: BLOCK,
        }
    }

    /// A number in `0..n`, every one equally likely: words at or above the largest multiple of `n` that fits in
    /// 2³² are rejected. `n` of 0 or 1 gives 0 and takes nothing from the stream.
    pub fn below(&mut self, n: u32) -> u32 {
        if n <= 1 {
            return 0;
        }
        let fair = (1u64 << 32) / u64::from(n) * u64::from(n);
        loop {
            let word = self.word();
            if u64::from(word) < fair {
                return word % n;
            }
        }
    }

    /// Fisher–Yates from the last place down to the second: place `i` is exchanged with place `below(i + 1)`.
    pub fn shuffle<T>(&mut self, slice: &mut [T]) {
        for i in (1..slice.len()).rev() {
            let j = self.below(i as u32 + 1) as usize;
            slice.swap(i, j);
        }
    }

    /// `k` different numbers of `0..n` in the order in which they were drawn (all `n` where `k` is larger): place
    /// `i` is exchanged with place `i + below(n - i)`, from the first place on.
    pub fn sample(&mut self, k: u32, n: u32) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..n).collect();
        let k = k.min(n);
        for i in 0..k {
            let j = i + self.below(n - i);
            numbers.swap(i as usize, j as usize);
        }
        numbers.truncate(k as usize);
        numbers
    }

    fn word(&mut self) -> u32 {
        if self.used == BLOCK {
            self.fill();
        }
        let mut word = [0u8; 4];
        word.copy_from_slice(&self.block[self.used..self.used + 4]);
        self.used += 4;
        u32::from_be_bytes(word)
    }

    fn fill(&mut self) {
        let counter = self.next_block.to_be_bytes();
        let info: [&[u8]; 2] = [&self.info, &counter];
        // HKDF refuses only outputs longer than 255 digests, and 1,024 bytes are 32.
        self.prk
            .expand(&info, BlockLength)
            .and_then(|okm| okm.fill(&mut self.block))
            .expect("32 digests are within HKDF's 255");
        self.next_block += 1;
        self.used = 0;
    }
}

impl Drop for Choice {
    fn drop(&mut self) {
        self.block.zeroize();
    }
}

/// Every part preceded by its length in bytes (big-endian `u32`).
pub(crate) fn length_prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u32).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}
