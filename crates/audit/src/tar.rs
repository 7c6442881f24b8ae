//! The container: POSIX ustar (IEEE 1003.1-2001, pax "ustar interchange format"), so that any tar program can take
//! the index out. Every header has one possible form here: regular file, mode 644, owner 0, time 0.

use crate::error::ArchiveError;
use crate::source::ReadAt;
use fengjuan_envelope::Sha256Stream;
use std::io::{self, Seek, SeekFrom, Write};

pub(crate) const BLOCK: u64 = 512;
/// What eleven octal digits hold: 8 GiB less one byte.
const LARGEST: u64 = (1 << 33) - 1;
const LONGEST_NAME: usize = 99;

/// The one header of a file of this name and size; `None` where the format cannot hold them.
fn header(name: &str, size: u64) -> Option<[u8; 512]> {
    if name.is_empty() || name.len() > LONGEST_NAME || size > LARGEST {
        return None;
    }
    let mut block = [0u8; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[136..147].copy_from_slice(b"00000000000");
    block[148..156].copy_from_slice(b"        ");
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[329..337].copy_from_slice(b"0000000\0");
    block[337..345].copy_from_slice(b"0000000\0");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(block)
}

/// Writes members whose sizes are known only when they are whole.
pub(crate) struct TarWriter<W: Write + Seek> {
    out: io::BufWriter<W>,
    /// Where the open member's header lies, its name, and the bytes so far.
    open: Option<(u64, String, u64)>,
    hash: Option<Sha256Stream>,
}

/// A finished member.
pub(crate) struct Member {
    pub(crate) bytes: u64,
    pub(crate) sha256: Option<[u8; 32]>,
}

impl<W: Write + Seek> TarWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out: io::BufWriter::with_capacity(1 << 20, out),
            open: None,
            hash: None,
        }
    }

    pub(crate) fn begin(&mut self, name: &str, hashed: bool) -> Result<(), ArchiveError> {
        header(name, 0).ok_or_else(|| ArchiveError::TooLarge(name.to_owned()))?;
        let at = self.out.stream_position()?;
        self.out.write_all(&[0; 512])?;
        self.open = Some((at, name.to_owned(), 0));
        self.hash = hashed.then(Sha256Stream::new);
        Ok(())
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        if let Some((_, _, size)) = &mut self.open {
            *size += bytes.len() as u64;
        }
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        Ok(self.out.write_all(bytes)?)
    }

    pub(crate) fn end(&mut self) -> Result<Member, ArchiveError> {
        let (at, name, bytes) = self.open.take().unwrap_or_default();
        let padding = (BLOCK - bytes % BLOCK) % BLOCK;
        self.out.write_all(&[0; 512][..padding as usize])?;
        let end = self.out.stream_position()?;
        self.out.seek(SeekFrom::Start(at))?;
        let header = header(&name, bytes).ok_or(ArchiveError::TooLarge(name))?;
        self.out.write_all(&header)?;
        self.out.seek(SeekFrom::Start(end))?;
        let sha256 = self.hash.take().map(Sha256Stream::finish);
        Ok(Member { bytes, sha256 })
    }

    pub(crate) fn finish(mut self) -> Result<W, ArchiveError> {
        self.out.write_all(&[0; 1024])?;
        self.out.flush()?;
        self.out
            .into_inner()
            .map_err(|error| ArchiveError::Io(error.into_error()))
    }
}

/// Where a member's content lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) start: u64,
    pub(crate) bytes: u64,
}

/// Why a file is not a container that this program wrote.
#[derive(Debug)]
pub(crate) enum TarError {
    Io(io::Error),
    /// It ends inside a member, or without its end mark; the name of the member.
    Short(String),
    /// A header that is not the one of its name and size; the offset.
    Header(u64),
    /// Filling that is not zero; the member before it.
    Padding(String),
    /// Bytes after the end mark.
    Trailing(u64),
}

/// All members, in their order.
pub(crate) fn members(source: &dyn ReadAt) -> Result<Vec<Found>, TarError> {
    let total = source.size().map_err(TarError::Io)?;
    let mut all: Vec<Found> = Vec::new();
    let mut at = 0;
    let mut block = [0u8; 512];
    let last = |all: &[Found]| {
        all.last()
            .map_or_else(String::new, |found| found.name.clone())
    };
    loop {
        if !exactly(source, at, &mut block).map_err(TarError::Io)? {
            return Err(TarError::Short(last(&all)));
        }
        if block == [0; 512] {
            break;
        }
        let (name, bytes) = read_header(&block).ok_or(TarError::Header(at))?;
        let (start, padded) = (at + BLOCK, bytes.next_multiple_of(BLOCK));
        if total.saturating_sub(start) < padded {
            return Err(TarError::Short(name));
        }
        let filling = &mut block[..(padded - bytes) as usize];
        let whole = exactly(source, start + bytes, filling).map_err(TarError::Io)?;
        if !whole || filling.iter().any(|byte| *byte != 0) {
            return Err(TarError::Padding(name));
        }
        at = start + padded;
        all.push(Found { name, start, bytes });
    }
    let second = exactly(source, at + BLOCK, &mut block).map_err(TarError::Io)?;
    if !second {
        return Err(TarError::Short(last(&all)));
    }
    if block != [0; 512] || total != at + 2 * BLOCK {
        return Err(TarError::Trailing(at + BLOCK));
    }
    Ok(all)
}

fn read_header(block: &[u8; 512]) -> Option<(String, u64)> {
    let end = block[..100].iter().position(|byte| *byte == 0)?;
    let name = std::str::from_utf8(&block[..end]).ok()?;
    let digits = std::str::from_utf8(&block[124..135]).ok()?;
    let size = u64::from_str_radix(digits, 8).ok()?;
    (header(name, size)? == *block).then(|| (name.to_owned(), size))
}

/// Fills the buffer, or says that the source is too short.
fn exactly(source: &dyn ReadAt, offset: u64, mut buffer: &mut [u8]) -> io::Result<bool> {
    let mut at = offset;
    while !buffer.is_empty() {
        let read = source.read_at(at, buffer)?;
        if read == 0 {
            return Ok(false);
        }
        at += read as u64;
        buffer = &mut buffer[read..];
    }
    Ok(true)
}
