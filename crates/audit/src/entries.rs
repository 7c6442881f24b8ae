//! `entries.rec`, piece by piece.

use crate::format::{LARGEST_ENTRY, LEAF, LONGEST_RUN, RUN};
use crate::source::{ReadAt, ReadError, Section};
use crate::tar::Found;
use fengjuan_envelope::merkle::Hash;

/// What stands at one or more places of a ledger.
pub(crate) enum Piece<'s> {
    /// A shown entry's record: the leaf's prefix and the entry.
    Record(&'s [u8]),
    /// Leaf hashes of entries that are not shown.
    Hidden(&'s [Hash]),
}

/// Why the next piece cannot be had.
pub(crate) enum PieceError {
    Read(ReadError),
    /// A length that no writer writes, or a record that is no leaf.
    Malformed(usize),
}

impl From<ReadError> for PieceError {
    fn from(error: ReadError) -> Self {
        PieceError::Read(error)
    }
}

pub(crate) struct Entries<'a>(Section<'a>);

impl<'a> Entries<'a> {
    pub(crate) fn new(source: &'a dyn ReadAt, member: &Found) -> Self {
        Self(Section::new(source, member.start, member.bytes))
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Piece<'_>>, PieceError> {
        if self.0.left() == 0 {
            return Ok(None);
        }
        let mark = self.0.take(4)?;
        let mark = u32::from_be_bytes([mark[0], mark[1], mark[2], mark[3]]);
        let length = (mark & !RUN) as usize;
        if mark & RUN != 0 {
            if length == 0 || length > LONGEST_RUN {
                return Err(PieceError::Malformed(length));
            }
            return Ok(Some(Piece::Hidden(self.0.take(length * 32)?.as_chunks().0)));
        }
        if length > LARGEST_ENTRY {
            return Err(PieceError::Malformed(length));
        }
        let record = self.0.take(length)?;
        match record.first() {
            Some(&LEAF) => Ok(Some(Piece::Record(record))),
            _ => Err(PieceError::Malformed(length)),
        }
    }
}
