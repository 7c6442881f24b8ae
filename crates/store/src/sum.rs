//! Checksums of rows, since SQLite keeps none of its pages. They find accidents; against a person stands the tree.

use crate::change::{Hash, LedgerId};
use rusqlite::Row;

/// The first eight bytes of SHA-256 over the length-prefixed parts.
pub(crate) type Sum = [u8; 8];

fn sum(parts: &[&[u8]]) -> Sum {
    let mut text = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part);
    }
    let hash = fengjuan_envelope::sha256(&text);
    let mut sum = Sum::default();
    sum.copy_from_slice(&hash[..8]);
    sum
}

/// Over a row of the small state.
pub(crate) fn of_state(ns: &str, key: &[u8], value: &[u8]) -> Sum {
    sum(&[ns.as_bytes(), key, value])
}

/// Over a ledger's id.
pub(crate) fn of_ledger(ledger_id: &LedgerId) -> Sum {
    sum(&[b"ledger", ledger_id])
}

/// The columns of an entry beside its bytes.
pub(crate) struct Columns<'a> {
    pub class: u8,
    pub kind: &'a str,
    pub attempt: Option<[u8; 16]>,
    pub attempt_seq: u64,
    pub exam_ms: Option<i64>,
    pub wall_ms: i64,
    pub leaf: Hash,
}

impl Columns<'_> {
    pub(crate) fn sum(&self) -> Sum {
        let attempt = self
            .attempt
            .map_or_else(Vec::new, |attempt| attempt.to_vec());
        let exam = self
            .exam_ms
            .map_or_else(Vec::new, |ms| ms.to_be_bytes().to_vec());
        sum(&[
            &[self.class],
            self.kind.as_bytes(),
            &attempt,
            &self.attempt_seq.to_be_bytes(),
            &exam,
            &self.wall_ms.to_be_bytes(),
            &self.leaf,
        ])
    }

    /// Reads `class, kind, attempt, attempt_seq, exam_ms, wall_ms, leaf` from the row's column `first` on.
    pub(crate) fn read<'a>(row: &'a Row<'_>, first: usize) -> rusqlite::Result<Columns<'a>> {
        Ok(Columns {
            class: row.get(first)?,
            kind: row.get_ref(first + 1)?.as_str()?,
            attempt: row.get(first + 2)?,
            attempt_seq: row.get(first + 3)?,
            exam_ms: row.get(first + 4)?,
            wall_ms: row.get(first + 5)?,
            leaf: row.get(first + 6)?,
        })
    }
}
