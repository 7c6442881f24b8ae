//! Faults of imported files. An import reads everything, reports every fault with its place, and takes nothing over
//! while there is one.

use std::fmt;

/// One thing that is wrong, where, in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// File or sheet.
    pub sheet: String,
    /// Counted from 1, the header included; none where the whole file is meant.
    pub row: Option<u32>,
    /// Column header, or the key of a TOML file; empty where a whole row is meant.
    pub column: String,
    pub reason: Reason,
}

/// Why: a stable code and the words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub code: &'static str,
    pub zh: String,
    pub en: String,
}

impl Reason {
    pub fn new(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Reason {
        Reason {
            code,
            zh: zh.into(),
            en: en.into(),
        }
    }
}

/// Every fault of one import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    pub list: Vec<Fault>,
}

impl Faults {
    pub fn add(&mut self, sheet: &str, row: Option<u32>, column: &str, reason: Reason) {
        self.list.push(Fault {
            sheet: sheet.to_owned(),
            row,
            column: column.to_owned(),
            reason,
        });
    }

    pub fn none(&self) -> bool {
        self.list.is_empty()
    }

    /// By file and row, in the order in which a person mends them.
    pub fn sort(&mut self) {
        self.list
            .sort_by(|a, b| (&a.sheet, a.row).cmp(&(&b.sheet, b.row)));
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.list {
            let row = fault.row.map(|row| row.to_string()).unwrap_or_default();
            writeln!(
                f,
                "{}\t{row}\t{}\t{}",
                fault.sheet, fault.column, fault.reason.en
            )?;
        }
        Ok(())
    }
}
