//! House rules as tests: which way dependencies point, how long files and functions are, and what may stand in the
//! sources, the page, and the programs that leave this house. Each rule prints every offender as `file:line`.
#![allow(clippy::unwrap_used)]

mod app;
mod dependencies;
mod errors;
mod layout;
mod licences;
mod metadata;
mod page;
mod safety;
mod source;
mod text;

use std::fmt;
use std::path::Path;

/// One place that breaks a rule.
pub struct Offence {
    place: String,
    what: String,
}

impl Offence {
    pub fn at(file: &Path, line: usize, what: impl fmt::Display) -> Offence {
        Offence {
            place: format!("{}:{line}", file.display()),
            what: what.to_string(),
        }
    }

    pub fn of(place: impl fmt::Display, what: impl fmt::Display) -> Offence {
        Offence {
            place: place.to_string(),
            what: what.to_string(),
        }
    }
}

/// Fails with every offender, or passes with none.
#[track_caller]
pub fn nobody_breaks(rule: &str, offences: Vec<Offence>) {
    let lines: Vec<String> = offences
        .iter()
        .map(|offence| format!("  {}: {}", offence.place, offence.what))
        .collect();
    assert!(lines.is_empty(), "{rule}\n{}", lines.join("\n"));
}

/// The project's root folder.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
