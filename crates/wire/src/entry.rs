//! Ledger entries: a clear header and a body. The encoding is one CBOR array of fixed places in deterministic
//! form (RFC 8949 §4.2.1), written and read by hand, because a verifier reads a million of them a second.
//!
//! `[1, ledger id, seq, class, kind, attempt | null, attempt seq, lease, actor, boot id, boot ms, exam ms | null,
//! wall ms, sealed, body]`. The Merkle leaf is the RFC 6962 leaf hash of these bytes.

use crate::WireError;
use fengjuan_core::event::{Event, event_kind};
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::{cbor, kdf, seal};

const FORMAT: u64 = 1;
const PLACES: u64 = 15;
/// Sealed bodies are padded to a multiple of this, so that their length does not tell the answer.
const PADDING: usize = 64;

/// The header's facts that the writer knows before the ledger gives the entry its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub attempt: Option<[u8; 16]>,
    pub lease: u64,
    /// `system`, `candidate`, `staff:<id>` or `center`.
    pub actor: String,
    pub boot_id: [u8; 16],
    pub boot_ms: i64,
    pub exam_ms: Option<i64>,
    pub wall_ms: i64,
}

/// An entry as read; borrows from the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub ledger_id: [u8; 16],
    pub seq: u64,
    pub class: u8,
    pub kind: &'a str,
    pub attempt: Option<[u8; 16]>,
    pub attempt_seq: u64,
    pub lease: u64,
    pub actor: &'a str,
    pub boot_id: [u8; 16],
    pub boot_ms: i64,
    pub exam_ms: Option<i64>,
    pub wall_ms: i64,
    pub sealed: bool,
    pub body: &'a [u8],
    /// The encoded header without its body: the context of a sealed body.
    header: &'a [u8],
}

/// Key of one attempt's answers: HKDF(paper key, attempt id).
pub fn attempt_key(paper_key: &SecretKey, attempt_id: &[u8; 16]) -> SecretKey {
    kdf::hkdf(
        paper_key,
        b"",
        &[b"fengjuan/attempt/1".as_slice(), attempt_id],
    )
}

/// Encodes an event at its place. Events whose catalogue row says `sealed` need the attempt's key.
pub fn encode(
    ledger_id: &[u8; 16],
    seq: u64,
    attempt_seq: u64,
    stamp: &Stamp,
    event: &Event,
    key: Option<&SecretKey>,
) -> Result<Vec<u8>, WireError> {
    let mut out = Vec::with_capacity(320);
    put_head(&mut out, 4, PLACES);
    put_head(&mut out, 0, FORMAT);
    put_bytes(&mut out, ledger_id);
    put_head(&mut out, 0, seq);
    put_head(&mut out, 0, event.class() as u64);
    put_text(&mut out, event.kind());
    match &stamp.attempt {
        Some(id) => put_bytes(&mut out, id),
        None => out.push(0xf6),
    }
    put_head(&mut out, 0, attempt_seq);
    put_head(&mut out, 0, stamp.lease);
    put_text(&mut out, &stamp.actor);
    put_bytes(&mut out, &stamp.boot_id);
    put_int(&mut out, stamp.boot_ms);
    match stamp.exam_ms {
        Some(ms) => put_int(&mut out, ms),
        None => out.push(0xf6),
    }
    put_int(&mut out, stamp.wall_ms);
    out.push(if event.sealed() { 0xf5 } else { 0xf4 });
    let plain = cbor::to_vec(event)?;
    let body = if event.sealed() {
        let key = key.ok_or(WireError::Damaged("a sealed event needs the attempt's key"))?;
        seal::seal(key, &out, &padded(&plain))?
    } else {
        plain
    };
    put_bytes(&mut out, &body);
    Ok(out)
}

impl<'a> Entry<'a> {
    /// Reads one entry and refuses whatever is not exactly in the written form.
    pub fn decode(bytes: &'a [u8]) -> Result<Entry<'a>, WireError> {
        let mut reader = Reader { bytes, at: 0 };
        reader.expect(4, PLACES)?;
        reader.expect(0, FORMAT)?;
        let ledger_id = reader.id()?;
        let seq = reader.uint()?;
        let class = u8::try_from(reader.uint()?).map_err(|_| DAMAGED)?;
        let kind = reader.text()?;
        let attempt = if reader.null() {
            None
        } else {
            Some(reader.id()?)
        };
        let attempt_seq = reader.uint()?;
        let lease = reader.uint()?;
        let actor = reader.text()?;
        let boot_id = reader.id()?;
        let boot_ms = reader.int()?;
        let exam_ms = if reader.null() {
            None
        } else {
            Some(reader.int()?)
        };
        let wall_ms = reader.int()?;
        let sealed = reader.boolean()?;
        let header = &bytes[..reader.at];
        let body = reader.bytes()?;
        if reader.at != bytes.len() {
            return Err(DAMAGED);
        }
        Ok(Entry {
            ledger_id,
            seq,
            class,
            kind,
            attempt,
            attempt_seq,
            lease,
            actor,
            boot_id,
            boot_ms,
            exam_ms,
            wall_ms,
            sealed,
            body,
            header,
        })
    }

    /// The event; `key` is the attempt's key and is needed for sealed ones only. The body must be the very kind
    /// that the header names.
    pub fn event(&self, key: Option<&SecretKey>) -> Result<Event, WireError> {
        let row =
            event_kind(self.kind).ok_or_else(|| WireError::Unsupported(self.kind.to_owned()))?;
        if row.sealed != self.sealed || row.class as u8 != self.class {
            return Err(WireError::Damaged("the header does not fit the catalogue"));
        }
        let event: Event = if self.sealed {
            let key = key.ok_or(WireError::Damaged("a sealed event needs the attempt's key"))?;
            let plain = seal::open(key, self.header, self.body)?;
            cbor::from_slice(unpadded(&plain)?)?
        } else {
            cbor::from_slice(self.body)?
        };
        if event.kind() != self.kind {
            return Err(WireError::Damaged(
                "the body is of another kind than the header says",
            ));
        }
        Ok(event)
    }
}

const DAMAGED: WireError = WireError::Damaged("entry");

fn padded(plain: &[u8]) -> Vec<u8> {
    let mut out = plain.to_vec();
    out.push(0x80);
    let rest = (PADDING - out.len() % PADDING) % PADDING;
    out.resize(out.len() + rest, 0);
    out
}

fn unpadded(plain: &[u8]) -> Result<&[u8], WireError> {
    let end = plain.iter().rposition(|byte| *byte != 0).ok_or(DAMAGED)?;
    let canonical = plain.len().is_multiple_of(PADDING) && plain.len() - end <= PADDING;
    if plain[end] != 0x80 || !canonical {
        return Err(DAMAGED);
    }
    Ok(&plain[..end])
}

fn put_head(out: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    match value {
        0..=23 => out.push(major | value as u8),
        24..=0xff => out.extend_from_slice(&[major | 24, value as u8]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&(value as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&(value as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

fn put_int(out: &mut Vec<u8>, value: i64) {
    if value >= 0 {
        put_head(out, 0, value as u64)
    } else {
        put_head(out, 1, !value as u64)
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_head(out, 2, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_head(out, 3, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    #[inline]
    fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let end = self.at.checked_add(count).ok_or(DAMAGED)?;
        let slice = self.bytes.get(self.at..end).ok_or(DAMAGED)?;
        self.at = end;
        Ok(slice)
    }

    /// One head in its shortest form; longer forms of the same number are refused.
    #[inline]
    fn head(&mut self) -> Result<(u8, u64), WireError> {
        let first = self.take(1)?[0];
        let (major, low) = (first >> 5, first & 31);
        let (value, least) = match low {
            0..=23 => (u64::from(low), 0),
            24 => (u64::from(self.take(1)?[0]), 24),
            25 => (
                self.take(2)?
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
                0x100,
            ),
            26 => (
                self.take(4)?
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
                0x1_0000,
            ),
            27 => (
                self.take(8)?
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
                0x1_0000_0000,
            ),
            _ => return Err(DAMAGED),
        };
        if value < least {
            Err(DAMAGED)
        } else {
            Ok((major, value))
        }
    }

    #[inline]
    fn expect(&mut self, major: u8, value: u64) -> Result<(), WireError> {
        if self.head()? == (major, value) {
            Ok(())
        } else {
            Err(WireError::Unsupported("entry format".to_owned()))
        }
    }

    #[inline]
    fn uint(&mut self) -> Result<u64, WireError> {
        match self.head()? {
            (0, value) => Ok(value),
            _ => Err(DAMAGED),
        }
    }

    #[inline]
    fn int(&mut self) -> Result<i64, WireError> {
        match self.head()? {
            (0, value) => i64::try_from(value).map_err(|_| DAMAGED),
            (1, value) => i64::try_from(value)
                .map(|value| !value)
                .map_err(|_| DAMAGED),
            _ => Err(DAMAGED),
        }
    }

    #[inline]
    fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        match self.head()? {
            (2, length) => self.take(usize::try_from(length).map_err(|_| DAMAGED)?),
            _ => Err(DAMAGED),
        }
    }

    #[inline]
    fn text(&mut self) -> Result<&'a str, WireError> {
        match self.head()? {
            (3, length) => {
                let bytes = self.take(usize::try_from(length).map_err(|_| DAMAGED)?)?;
                std::str::from_utf8(bytes).map_err(|_| DAMAGED)
            }
            _ => Err(DAMAGED),
        }
    }

    #[inline]
    fn id(&mut self) -> Result<[u8; 16], WireError> {
        self.bytes()?.try_into().map_err(|_| DAMAGED)
    }

    #[inline]
    fn null(&mut self) -> bool {
        let found = self.bytes.get(self.at) == Some(&0xf6);
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn boolean(&mut self) -> Result<bool, WireError> {
        match self.take(1)?[0] {
            0xf4 => Ok(false),
            0xf5 => Ok(true),
            _ => Err(DAMAGED),
        }
    }
}
