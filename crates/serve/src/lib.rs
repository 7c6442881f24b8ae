//! The server's side of the upstream protocol ([`fengjuan_wire::upstream`]), as the center and a room's hub both need it:
//! mutual TLS 1.3 with keys instead of authorities, how much one caller may ask, refusals, files in ranges, uploads in
//! parts, and entries as they arrive. Who may do what is decided by whoever uses it.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod entries;
mod file_body;
mod listen;
mod pace;
pub mod parts;
mod ranges;
mod refusal;
mod tls;

pub use listen::{Running, listen, log_and_limit};
pub use pace::{Limits, Rates};
pub use ranges::send;
pub use refusal::{Cbor, FAULT, Refused, read, signed};
pub use tls::{Peer, PeerAcceptor, PeerAddress, TlsError, server_config};

use fengjuan_wire::Hash32;

/// 16 bytes as 32 hex digits: nonces, attempts, ledgers.
pub fn hex16(text: &str) -> Option<[u8; 16]> {
    let wide = Hash32::from_hex(&format!("{text:0<64}")).filter(|_| text.len() == 32)?;
    let mut out = [0; 16];
    out.copy_from_slice(&wide.0[..16]);
    Some(out)
}

/// The hash in a path.
///
/// # Errors
/// 400 `upstream.bad_hash`.
pub fn hash_of(text: &str) -> Result<Hash32, Refused> {
    Hash32::from_hex(text).ok_or_else(|| Refused::bad("upstream.bad_hash", "64 hex digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces() {
        assert_eq!(
            hex16("000102030405060708090a0b0c0d0e0f"),
            Some(std::array::from_fn(|i| i as u8))
        );
        assert_eq!(hex16("00"), None);
        assert_eq!(hex16(&"0".repeat(64)), None);
        assert_eq!(hex16(&"g".repeat(32)), None);
    }
}
