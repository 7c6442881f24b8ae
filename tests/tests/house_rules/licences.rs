//! Licences of everything that is linked or used to build, after SPDX expressions.

use crate::metadata::Workspace;
use crate::{Offence, nobody_breaks, root};

/// Licences that need no more than their notice, and file-level copyleft of unchanged files.
const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an expression can be met with allowed licences. `/` is the old way to write OR; AND binds closer.
fn is_allowed(expression: &str) -> bool {
    let expression = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = expression.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_of(&mut rest) == Some(true) && rest.is_empty()
}

fn any_of(rest: &mut &[&str]) -> Option<bool> {
    let mut met = all_of(rest)?;
    while let ["OR", after @ ..] = *rest {
        *rest = after;
        met |= all_of(rest)?;
    }
    Some(met)
}

fn all_of(rest: &mut &[&str]) -> Option<bool> {
    let mut met = one(rest)?;
    while let ["AND", after @ ..] = *rest {
        *rest = after;
        met &= one(rest)?;
    }
    Some(met)
}

/// `None` where the expression is broken off.
fn one(rest: &mut &[&str]) -> Option<bool> {
    match *rest {
        ["(", after @ ..] => {
            *rest = after;
            let met = any_of(rest)?;
            let [")", after @ ..] = *rest else {
                return None;
            };
            *rest = after;
            Some(met)
        }
        [name, "WITH", exception, after @ ..] => {
            *rest = after;
            Some(ALLOWED.contains(&format!("{name} WITH {exception}").as_str()))
        }
        [name, after @ ..] => {
            *rest = after;
            Some(ALLOWED.contains(name))
        }
        [] => None,
    }
}

#[test]
fn licences_are_known_and_allowed() {
    let offences = Workspace::read().0.into_values().filter_map(|package| {
        let licence = package.licence.as_deref().unwrap_or("no licence");
        let place = format!("{} {}", package.name, package.version);
        (!is_allowed(licence)).then(|| Offence::of(place, licence))
    });
    nobody_breaks(
        "Every package has a licence that is allowed here.",
        offences.collect(),
    );
}

#[test]
fn expressions_are_read_as_spdx_says() {
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "(MIT OR GPL-3.0) AND ISC",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed(good), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "MIT OR",
        "(MIT",
        "MIT AND (GPL-3.0 OR AGPL-3.0)",
    ] {
        assert!(!is_allowed(bad), "{bad}");
    }
}

/// `cargo deny` reads the same lists where somebody has it.
#[test]
fn the_deny_file_says_the_same() {
    let deny = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    for licence in ALLOWED {
        assert!(
            deny.contains(&format!("\"{licence}\"")),
            "deny.toml lacks {licence}"
        );
    }
}
