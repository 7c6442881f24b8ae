//! Cryptography and formats that carry an exam, with no exam words in them.
//!
//! Every function names the specification that it follows and the rule that keeps its keys
//! unique. Primitives come from `ring`, `hpke` and `argon2`; this crate adds the framing, the
//! deterministic encoding, the tree hashing and the typed refusals.
//!
//! | module | what | specification |
//! | --- | --- | --- |
//! | [`cbor`] | deterministic encoding, strict decoding | RFC 8949 §4.2.1 |
//! | [`seal`] | bulk encryption under a shared key | C2SP chunked-encryption |
//! | [`hpke`] | encryption to a public key | RFC 9180 |
//! | [`sign`], [`cose`] | signatures and signed objects | RFC 8032, RFC 9052 |
//! | [`code`], [`kdf`] | authorization codes and keys from them | Crockford base 32, RFC 9106, RFC 5869 |
//! | [`merkle`], [`note`] | append-only tree and its checkpoints | RFC 6962, C2SP signed-note, tlog-checkpoint, tlog-cosignature |
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod byte_string;
pub mod cbor;
pub mod code;
pub mod cose;
mod crockford;
mod digest;
pub mod fingerprint;
pub mod hpke;
pub mod kdf;
pub mod merkle;
pub mod note;
mod random;
pub mod seal;
pub mod secret;
pub mod sign;

pub use digest::{Sha256Stream, sha256};
pub use random::{RandomError, random_bytes};

/// Cases of a property test: `usual`, or `FENGJUAN_CASES` where a campaign asks for more.
#[cfg(test)]
fn cases(usual: u32) -> proptest::test_runner::Config {
    let asked = std::env::var("FENGJUAN_CASES")
        .ok()
        .and_then(|count| count.parse().ok());
    proptest::test_runner::Config::with_cases(asked.unwrap_or(usual))
}
