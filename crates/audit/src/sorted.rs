//! Sorting more facts than memory should hold. What the verifier has to compare across ledgers, documents and objects
//! is written down as records of one width while it reads, and comes back in order: what belongs together follows
//! each other. A run that fills its buffer goes, sorted, to an unnamed temporary file, and the runs are merged.

use crate::source::ReadAt;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Write};

/// Bytes that are held in memory, while records come in and again while they go out.
const HELD: usize = 512 * 1024;
/// Least bytes of a run that are read at once.
const LEAST_READ: usize = 2 * 1024;

/// Takes records in any order. They are compared as bytes, from the first on.
pub(crate) struct Sorter<const N: usize> {
    records: Vec<[u8; N]>,
    most: usize,
    spilled: Option<File>,
    /// Length in bytes of each run in the file.
    runs: Vec<u64>,
}

impl<const N: usize> Default for Sorter<N> {
    fn default() -> Self {
        Self::holding(HELD)
    }
}

impl<const N: usize> Sorter<N> {
    fn holding(bytes: usize) -> Self {
        let most = (bytes / N).max(1);
        Self {
            records: Vec::new(),
            most,
            spilled: None,
            runs: Vec::new(),
        }
    }

    /// # Errors
    /// As the temporary folder has it.
    pub(crate) fn push(&mut self, record: [u8; N]) -> io::Result<()> {
        if self.records.capacity() == 0 {
            // At once, so that growing never holds two copies; untouched pages cost nothing.
            self.records.reserve_exact(self.most);
        }
        self.records.push(record);
        if self.records.len() == self.most {
            self.spill()?;
        }
        Ok(())
    }

    #[cold]
    fn spill(&mut self) -> io::Result<()> {
        self.records.sort_unstable();
        let file = match &mut self.spilled {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let bytes = self.records.as_flattened();
        file.write_all(bytes)?;
        self.runs.push(bytes.len() as u64);
        self.records.clear();
        Ok(())
    }

    /// All records, in order.
    ///
    /// # Errors
    /// As the temporary folder has it.
    pub(crate) fn sorted(mut self) -> io::Result<Sorted<N>> {
        if self.spilled.is_some() && !self.records.is_empty() {
            self.spill()?;
        }
        let Some(file) = self.spilled else {
            self.records.sort_unstable();
            return Ok(Sorted::Held(self.records.into_iter()));
        };
        drop(self.records);
        let share = (HELD / self.runs.len()).max(LEAST_READ);
        let records = (share / N).max(1);
        let mut merge = Merge {
            file,
            runs: Vec::with_capacity(self.runs.len()),
            next: BinaryHeap::with_capacity(self.runs.len()),
        };
        let mut from = 0;
        for bytes in self.runs {
            let end = from + bytes;
            merge.runs.push(Run {
                from,
                end,
                buffer: vec![0; records * N],
                at: 0,
                filled: 0,
            });
            from = end;
        }
        for number in 0..merge.runs.len() {
            merge.advance(number)?;
        }
        Ok(Sorted::Merged(merge))
    }
}

/// Records in order.
pub(crate) enum Sorted<const N: usize> {
    Held(std::vec::IntoIter<[u8; N]>),
    Merged(Merge<N>),
}

impl<const N: usize> Sorted<N> {
    /// # Errors
    /// As the temporary folder has it.
    pub(crate) fn next(&mut self) -> io::Result<Option<[u8; N]>> {
        match self {
            Sorted::Held(records) => Ok(records.next()),
            Sorted::Merged(merge) => merge.next(),
        }
    }
}

/// The runs of a file as one.
pub(crate) struct Merge<const N: usize> {
    file: File,
    runs: Vec<Run>,
    /// The least record of every run that has one left.
    next: BinaryHeap<Reverse<([u8; N], usize)>>,
}

struct Run {
    /// What has not been read of it lies from here to there in the file.
    from: u64,
    end: u64,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
}

impl<const N: usize> Merge<N> {
    fn next(&mut self) -> io::Result<Option<[u8; N]>> {
        let Some(Reverse((record, number))) = self.next.pop() else {
            return Ok(None);
        };
        self.advance(number)?;
        Ok(Some(record))
    }

    fn advance(&mut self, number: usize) -> io::Result<()> {
        let run = &mut self.runs[number];
        if run.at == run.filled {
            run.fill(&self.file)?;
        }
        if let Some(record) = run.buffer[run.at..run.filled].first_chunk() {
            self.next.push(Reverse((*record, number)));
            run.at += N;
        }
        Ok(())
    }
}

impl Run {
    fn fill(&mut self, file: &File) -> io::Result<()> {
        let left = usize::try_from(self.end - self.from).unwrap_or(usize::MAX);
        let wanted = self.buffer.len().min(left);
        (self.at, self.filled) = (0, 0);
        while self.filled < wanted {
            let read = file.read_at(self.from, &mut self.buffer[self.filled..wanted])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.filled += read;
            self.from += read as u64;
        }
        Ok(())
    }
}

/// Puts numbers into a record so that bytes compare as the numbers do.
pub(crate) fn ordered(value: i64) -> [u8; 8] {
    (value ^ i64::MIN).to_be_bytes()
}

/// What [`ordered`] put there.
pub(crate) fn unordered(bytes: [u8; 8]) -> i64 {
    i64::from_be_bytes(bytes) ^ i64::MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<const N: usize>(mut sorted: Sorted<N>) -> Vec<[u8; N]> {
        let mut found = Vec::new();
        while let Some(record) = sorted.next().unwrap() {
            found.push(record);
        }
        found
    }

    /// A stream that a seed gives again.
    fn record(number: u64) -> [u8; 12] {
        let mut bytes = [0; 12];
        let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 7;
        bytes[..8].copy_from_slice(&(mixed % 5_000).to_be_bytes());
        bytes[8..].copy_from_slice(&(mixed as u32).to_be_bytes());
        bytes
    }

    #[test]
    fn records_come_back_in_order_whether_they_fit_or_not() {
        for (count, held) in [(0, 96), (1, 96), (8, 96), (7_919, 96), (7_919, 1 << 20)] {
            let mut sorter = Sorter::holding(held);
            let mut expected: Vec<[u8; 12]> = (0..count).map(record).collect();
            expected
                .iter()
                .for_each(|record| sorter.push(*record).unwrap());
            expected.sort_unstable();
            assert!(sorter.records.len() <= held / 12);
            assert!(all(sorter.sorted().unwrap()) == expected, "{count} {held}");
        }
    }

    #[test]
    fn numbers_keep_their_order_as_bytes() {
        let numbers = [i64::MIN, -2, -1, 0, 1, 1_795_136_400_000, i64::MAX];
        assert!(numbers.is_sorted_by_key(|number| ordered(*number)));
        assert_eq!(numbers.map(|number| unordered(ordered(number))), numbers);
    }
}
