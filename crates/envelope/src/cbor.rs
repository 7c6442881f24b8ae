//! Deterministic CBOR (RFC 8949 §4.2.1): one value, one encoding.
//!
//! Writing sorts map keys by the bytes of their encoding and uses the shortest form of every
//! length, integer and float. Reading first walks the bytes without building anything and refuses
//! whatever this module would not have written, so that a signature or a hash covers exactly one
//! meaning and hostile input costs no memory. Tags (and with them integers beyond 64 bits) and
//! simple values other than true, false and null are outside the subset.
//!
//! What a type tolerates stays the type's own choice: signed types say `deny_unknown_fields`, and an
//! `Option` field may be null or left out.

use ciborium::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

mod float;
mod read;
mod strict;

/// Deepest nesting of arrays and maps that is written or read.
pub const MAX_DEPTH: usize = 48;

/// Why a value was not written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The input ends inside an item.
    #[error("the input ends early, at byte {at}")]
    Truncated { at: usize },
    /// Bytes follow the item.
    #[error("bytes follow the item, at byte {at}")]
    Trailing { at: usize },
    /// Well formed, but not the one deterministic encoding: a longer form than needed, an
    /// indefinite length, keys unsorted or repeated, a float that fits a shorter one.
    #[error("not deterministic CBOR, at byte {at}")]
    NotCanonical { at: usize },
    /// A reserved initial byte, a tag, an unsupported simple value, or text that is not UTF-8.
    #[error("not CBOR of the subset in use, at byte {at}")]
    Malformed { at: usize },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested too deeply")]
    TooDeep,
    /// The value has a map with one key twice, or something that CBOR cannot hold.
    #[error("the value cannot be written: {0}")]
    Unwritable(String),
    /// Deterministic CBOR, but not of the wanted type.
    #[error("not of the expected shape: {0}")]
    Shape(String),
}

impl CborError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "cbor.truncated",
            Self::Trailing { .. } => "cbor.trailing",
            Self::NotCanonical { .. } => "cbor.not_canonical",
            Self::Malformed { .. } => "cbor.malformed",
            Self::TooDeep => "cbor.too_deep",
            Self::Unwritable(_) => "cbor.unwritable",
            Self::Shape(_) => "cbor.shape",
        }
    }
}

/// The deterministic encoding of `value`.
///
/// # Errors
/// [`CborError::Unwritable`] or [`CborError::TooDeep`].
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CborError> {
    let value = Value::serialized(&value).map_err(|e| CborError::Unwritable(e.to_string()))?;
    let mut out = Vec::with_capacity(128);
    write(&value, &mut out, 0)?;
    Ok(out)
}

/// Reads one item that fills `bytes` and is deterministic CBOR.
///
/// # Errors
/// The first thing that is wrong; never panics, whatever the bytes.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CborError> {
    strict::check(bytes)?;
    T::deserialize(&mut read::Reader::new(bytes))
}

fn write(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), CborError> {
    if depth > MAX_DEPTH {
        return Err(CborError::TooDeep);
    }
    match value {
        Value::Integer(integer) => write_integer((*integer).into(), out)?,
        Value::Bytes(bytes) => {
            write_head(2, bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        Value::Text(text) => {
            write_head(3, text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            write_head(4, items.len() as u64, out);
            for item in items {
                write(item, out, depth + 1)?;
            }
        }
        Value::Map(entries) => write_map(entries, out, depth)?,
        Value::Tag(..) => {
            return Err(CborError::Unwritable(
                "a tag, or an integer beyond 64 bits".to_owned(),
            ));
        }
        Value::Bool(false) => out.push(0xf4),
        Value::Bool(true) => out.push(0xf5),
        Value::Null => out.push(0xf6),
        Value::Float(number) => float::write(*number, out),
        _ => {
            return Err(CborError::Unwritable(
                "an item of an unknown kind".to_owned(),
            ));
        }
    }
    Ok(())
}

fn write_integer(integer: i128, out: &mut Vec<u8>) -> Result<(), CborError> {
    let (major, argument) = if integer < 0 {
        (1, -1 - integer)
    } else {
        (0, integer)
    };
    let argument = u64::try_from(argument)
        .map_err(|_| CborError::Unwritable("an integer beyond 64 bits".to_owned()))?;
    write_head(major, argument, out);
    Ok(())
}

fn write_head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    if argument < 24 {
        out.push(major | argument as u8);
    } else if let Ok(short) = u8::try_from(argument) {
        out.extend_from_slice(&[major | 24, short]);
    } else if let Ok(short) = u16::try_from(argument) {
        out.push(major | 25);
        out.extend_from_slice(&short.to_be_bytes());
    } else if let Ok(short) = u32::try_from(argument) {
        out.push(major | 26);
        out.extend_from_slice(&short.to_be_bytes());
    } else {
        out.push(major | 27);
        out.extend_from_slice(&argument.to_be_bytes());
    }
}

/// Writes the entries where they stand and reorders the bytes only if they were not in order.
fn write_map(entries: &[(Value, Value)], out: &mut Vec<u8>, depth: usize) -> Result<(), CborError> {
    write_head(5, entries.len() as u64, out);
    let start = out.len();
    let mut spans = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let key_start = out.len();
        write(key, out, depth + 1)?;
        let key_end = out.len();
        write(value, out, depth + 1)?;
        spans.push((key_start, key_end, out.len()));
    }
    if spans
        .windows(2)
        .all(|pair| out[pair[0].0..pair[0].1] < out[pair[1].0..pair[1].1])
    {
        return Ok(());
    }
    spans.sort_by(|a, b| out[a.0..a.1].cmp(&out[b.0..b.1]));
    if spans
        .windows(2)
        .any(|pair| out[pair[0].0..pair[0].1] == out[pair[1].0..pair[1].1])
    {
        return Err(CborError::Unwritable("a map has one key twice".to_owned()));
    }
    let sorted: Vec<u8> = spans
        .iter()
        .flat_map(|(from, _, to)| out[*from..*to].iter().copied())
        .collect();
    out.truncate(start);
    out.extend_from_slice(&sorted);
    Ok(())
}

#[cfg(test)]
#[path = "cbor_tests.rs"]
mod tests;
