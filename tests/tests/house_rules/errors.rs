//! Every error of a library has a closed, stable code that the page and the command lines turn into words.

use crate::source::{Source, closing, sources};
use crate::text::is_word;
use crate::{Offence, nobody_breaks};
use std::collections::BTreeSet;

/// Public enums that derive `Error`, with the line of their name.
fn error_enums(source: &Source) -> Vec<(usize, String)> {
    let code = &source.parts.code;
    let mut found = Vec::new();
    for (at, _) in code.match_indices("pub enum ") {
        let line = code[..at].matches('\n').count() + 1;
        // The attributes are what stands between the item before and this one.
        let before = code[..at].rfind(['}', ';', '{']).map_or(0, |end| end + 1);
        let derives = code[before..at].split("#[derive(").skip(1);
        let is_error = derives
            .filter_map(|list| list.split(')').next())
            .flat_map(|list| list.split(','))
            .any(|name| matches!(name.trim(), "Error" | "thiserror::Error"));
        if is_error && !source.is_test(line) {
            let name = code[at + 9..].chars().take_while(|c| is_word(*c)).collect();
            found.push((line, name));
        }
    }
    found
}

/// Types whose own `impl` offers `code()`.
fn types_with_a_code(source: &Source) -> BTreeSet<String> {
    let code = &source.parts.code;
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("impl ") {
        let name: String = code[at + 5..].chars().take_while(|c| is_word(*c)).collect();
        let open = at + code[at..].find('{').unwrap_or(0);
        let length = closing(&code[open..], '{', '}').unwrap_or(0);
        if code[open..open + length].contains("pub fn code(") {
            found.insert(name);
        }
    }
    found
}

fn crate_of(source: &Source) -> String {
    let parts: Vec<_> = source
        .path
        .iter()
        .take(2)
        .map(|part| part.to_string_lossy())
        .collect();
    parts.join("/")
}

#[test]
fn every_error_of_a_library_has_a_code() {
    let sources = sources();
    let coded: BTreeSet<(String, String)> = sources
        .iter()
        .flat_map(|source| {
            types_with_a_code(source)
                .into_iter()
                .map(|name| (crate_of(source), name))
        })
        .collect();
    let (mut offences, mut count) = (Vec::new(), 0);
    for source in sources.iter().filter(|source| source.is_in("crates")) {
        for (line, name) in error_enums(source) {
            count += 1;
            if !coded.contains(&(crate_of(source), name.clone())) {
                offences.push(Offence::at(
                    &source.path,
                    line,
                    format!("{name} has no code()"),
                ));
            }
        }
    }
    assert!(count > 8, "only {count} errors found");
    nobody_breaks("Every error has a stable code.", offences);
}

#[test]
fn errors_and_codes_are_found() {
    let rust = "struct A;\n#[derive(Debug, thiserror::Error)]\n#[non_exhaustive]\npub enum B { C }\n\
                #[derive(Debug)]\npub enum D {}\nimpl B {\n  pub fn code(&self) {}\n}\n";
    let source = Source::new("crates/core/src/a.rs", rust);
    assert_eq!(error_enums(&source), [(4, "B".to_owned())]);
    assert_eq!(types_with_a_code(&source), BTreeSet::from(["B".to_owned()]));
}
