//! Reading an archive at places: the verifier follows the ledgers and the index at the same time, and holds a
//! buffer of each, never a whole section.

use std::fs::File;
use std::io;

/// Bytes that can be read at any place.
pub trait ReadAt {
    /// # Errors
    /// As the file system has it.
    fn size(&self) -> io::Result<u64>;

    /// Reads at most `buffer.len()` bytes from `offset` on; 0 only at the end.
    ///
    /// # Errors
    /// As the file system has it.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buffer, offset)
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.get(offset..))
            .unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

const BUFFER: usize = 256 * 1024;

/// Why a section could not be read on.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The section ends before what was announced.
    Short,
    Io(io::Error),
}

/// One section, read forward.
pub(crate) struct Section<'a> {
    source: &'a dyn ReadAt,
    /// Where the buffer's end lies in the archive.
    next: u64,
    end: u64,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
}

impl<'a> Section<'a> {
    pub(crate) fn new(source: &'a dyn ReadAt, start: u64, length: u64) -> Self {
        Self {
            source,
            next: start,
            end: start + length,
            buffer: Vec::new(),
            from: 0,
            to: 0,
        }
    }

    /// Bytes that have not been taken.
    pub(crate) fn left(&self) -> u64 {
        self.end - self.next + (self.to - self.from) as u64
    }

    /// The next `count` bytes.
    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> Result<&[u8], ReadError> {
        if self.to - self.from < count {
            self.fill(count)?;
        }
        let start = self.from;
        self.from += count;
        Ok(&self.buffer[start..start + count])
    }

    #[cold]
    fn fill(&mut self, count: usize) -> Result<(), ReadError> {
        if self.left() < count as u64 {
            return Err(ReadError::Short);
        }
        self.buffer.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        let wanted = count.max(BUFFER);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        while self.to < count {
            let room = (self.buffer.len() - self.to) as u64;
            let room = usize::try_from(room.min(self.end - self.next)).unwrap_or(usize::MAX);
            let read = self
                .source
                .read_at(self.next, &mut self.buffer[self.to..self.to + room])
                .map_err(ReadError::Io)?;
            if read == 0 {
                return Err(ReadError::Short);
            }
            self.to += read;
            self.next += read as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_gives_its_bytes_in_any_portions_and_not_one_more() {
        let bytes: Vec<u8> = (0..700_000u32).map(|n| (n % 251) as u8).collect();
        let mut section = Section::new(&bytes, 3, 600_000);
        let mut taken = Vec::new();
        for count in (1..).step_by(977) {
            let count = count.min(section.left() as usize);
            taken.extend_from_slice(section.take(count).unwrap());
            if section.left() == 0 {
                break;
            }
        }
        assert_eq!(taken, bytes[3..600_003]);
        assert!(matches!(section.take(1), Err(ReadError::Short)));
        let mut beyond = Section::new(&bytes, 699_990, 20);
        assert!(matches!(beyond.take(20), Err(ReadError::Short)));
    }
}
