//! Fixed-size byte arrays as CBOR byte strings, and as lower-case hex where the format is text.
//!
//! Use with `#[serde(with = "fengjuan_envelope::byte_string")]` on a `[u8; N]` field.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};

/// Writes `bytes` as one byte string.
///
/// # Errors
/// Whatever the serializer reports.
pub fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], to: S) -> Result<S::Ok, S::Error> {
    if to.is_human_readable() {
        to.serialize_str(&HEXLOWER.encode(bytes))
    } else {
        to.serialize_bytes(bytes)
    }
}

/// Reads a byte string of exactly `N` bytes.
///
/// # Errors
/// When the input is not a byte string (or, in text formats, not lower-case hex) of that length.
pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
    from: D,
) -> Result<[u8; N], D::Error> {
    if from.is_human_readable() {
        from.deserialize_str(Exactly::<N>)
    } else {
        from.deserialize_bytes(Exactly::<N>)
    }
}

struct Exactly<const N: usize>;

impl<'de, const N: usize> Visitor<'de> for Exactly<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a byte string of {N} bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        bytes
            .try_into()
            .map_err(|_| E::invalid_length(bytes.len(), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let bytes = HEXLOWER
            .decode(text.as_bytes())
            .map_err(|_| E::custom("not lower-case hex"))?;
        self.visit_bytes(&bytes)
    }

    // An array of integers is another encoding of the same bytes, and one value has one encoding.
    fn visit_seq<A: SeqAccess<'de>>(self, _seq: A) -> Result<Self::Value, A::Error> {
        Err(A::Error::custom("an array where a byte string is required"))
    }
}
