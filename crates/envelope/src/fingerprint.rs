//! Eighty-bit fingerprints that two people compare aloud.

use crate::crockford;
use crate::digest::Sha256Stream;

/// The first 80 bits of SHA-256 over `parts`, each preceded by its length (64-bit big-endian), in
/// Crockford symbols: `XXXX-XXXX-XXXX-XXXX`.
#[must_use]
pub fn fingerprint(parts: &[&[u8]]) -> String {
    let mut stream = Sha256Stream::new();
    for part in parts {
        stream.update(&(part.len() as u64).to_be_bytes());
        stream.update(part);
    }
    let digest = stream.finish();
    let mut head = [0; 10];
    head.copy_from_slice(&digest[..10]);
    let mut text = String::with_capacity(19);
    for (i, value) in crockford::split(&head).into_iter().enumerate() {
        if i > 0 && i % 4 == 0 {
            text.push('-');
        }
        text.push(crockford::symbol(value));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_and_boundaries() {
        let text = fingerprint(&[b"signing key", b"kem key"]);
        assert_eq!(text.len(), 19);
        assert!(text.split('-').all(|group| group.len() == 4));
        assert_ne!(text, fingerprint(&[b"signing keyk", b"em key"]));
        assert_ne!(text, fingerprint(&[b"signing key", b"kem key", b""]));
    }

    #[test]
    fn known_value() {
        // SHA-256 of eight zero bytes starts af5570f5a1810b7af78c.
        assert_eq!(fingerprint(&[b""]), "NXAQ-1XD1-G45Q-NXWC");
    }
}
