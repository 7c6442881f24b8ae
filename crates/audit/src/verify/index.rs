//! The index is made again and compared byte by byte.

use super::finding::{Detail, Finding, Refusal, Wrong};
use super::layout::{Layout, refuse_read};
use crate::format::{self, LedgerHead};
use crate::index::IndexLines;
use crate::source::Section;
use fengjuan_core::event::Event;
use fengjuan_wire::entry::Entry;

const PORTION: usize = 64 * 1024;

pub(crate) struct IndexCheck<'a> {
    section: Section<'a>,
    lines: IndexLines,
    expected: Vec<u8>,
    compared: u64,
}

impl<'a> IndexCheck<'a> {
    pub(crate) fn new(layout: &Layout<'a>) -> Self {
        Self {
            section: Section::new(layout.source, layout.index.start, layout.index.bytes),
            lines: IndexLines::default(),
            expected: IndexLines::heading(),
            compared: 0,
        }
    }

    pub(crate) fn ledger(&mut self, head: &LedgerHead) {
        self.lines.ledger(head);
    }

    #[inline]
    pub(crate) fn line(
        &mut self,
        entry: &Entry<'_>,
        kind: usize,
        event: Option<&Event>,
    ) -> Result<(), Refusal> {
        self.lines.line(&mut self.expected, entry, kind, event);
        if self.expected.len() >= PORTION {
            self.compare()
        } else {
            Ok(())
        }
    }

    fn compare(&mut self) -> Result<(), Refusal> {
        let length = self.expected.len();
        if (length as u64) > self.section.left() {
            return Err(self.differs(self.section.left() as usize));
        }
        let found = self
            .section
            .take(length)
            .map_err(|error| refuse_read(error, format::INDEX))?;
        if found != self.expected {
            let same = found
                .iter()
                .zip(&self.expected)
                .take_while(|(a, b)| a == b)
                .count();
            return Err(self.differs(same));
        }
        self.compared += length as u64;
        self.expected.clear();
        Ok(())
    }

    fn differs(&self, same: usize) -> Refusal {
        let at = self.compared + same as u64;
        Finding::new(Wrong::IndexMismatch)
            .section(format::INDEX)
            .found(format!("byte {at}"))
    }

    pub(crate) fn finish(mut self) -> Result<(), Refusal> {
        self.compare()?;
        if self.section.left() > 0 {
            Err(self.differs(0))
        } else {
            Ok(())
        }
    }
}
