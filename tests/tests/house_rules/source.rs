//! The Rust files of the workspace: which of their lines are test code, and where their functions begin and end.

use crate::root;
use crate::text::{Parts, has_word, is_word, take_apart};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One Rust file.
pub struct Source {
    /// From the project's root, such as `crates/core/src/draw.rs`.
    pub path: PathBuf,
    pub parts: Parts,
    /// For each line whether it only runs in tests.
    test_lines: Vec<bool>,
}

/// A function with a body: the lines (from 1) of its `fn` and of its last brace.
pub struct Function {
    pub name: String,
    pub first: usize,
    pub last: usize,
    pub body: String,
}

impl Source {
    pub fn new(path: impl Into<PathBuf>, text: &str) -> Source {
        let path = path.into();
        let parts = take_apart(text);
        let mut test_lines = vec![is_test_path(&path); text.lines().count() + 1];
        if parts.code.contains("#![cfg(test)]") {
            test_lines.fill(true);
        }
        for (first, last) in marked_as_test(&parts.code) {
            let last = last.min(test_lines.len());
            test_lines[first - 1..last].fill(true);
        }
        Source {
            path,
            parts,
            test_lines,
        }
    }

    pub fn is_test(&self, line: usize) -> bool {
        self.test_lines.get(line - 1).is_some_and(|test| *test)
    }

    pub fn is_all_test(&self) -> bool {
        self.test_lines.iter().all(|test| *test)
    }

    pub fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    /// Lines of code outside tests, each with its number.
    pub fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(|(line, _)| !self.is_test(*line))
    }

    /// Lines of code, comments and literals blanked.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.parts
            .code
            .lines()
            .enumerate()
            .map(|(at, text)| (at + 1, text))
    }

    pub fn functions(&self) -> Vec<Function> {
        let code = &self.parts.code;
        let mut found = Vec::new();
        for (at, _) in code.match_indices("fn ") {
            if code[..at].ends_with(is_word) {
                continue;
            }
            let name: String = code[at + 3..].chars().take_while(|c| is_word(*c)).collect();
            if name.is_empty() {
                continue;
            }
            if let Some((_, close)) = block_after(code, at) {
                found.push(Function {
                    name,
                    first: line_of(code, at),
                    last: line_of(code, close),
                    body: code[at..close + 1].to_owned(),
                });
            }
        }
        found
    }
}

/// Every Rust file of the workspace.
pub fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    for folder in ["crates", "src-tauri", "tests"] {
        collect(&root().join(folder), &["rs"], &mut files);
    }
    let mut found: Vec<Source> = files
        .iter()
        .map(|file| Source::new(relative(file), &std::fs::read_to_string(file).unwrap()))
        .collect();
    assert!(found.len() > 100, "only {} sources found", found.len());
    let tests: BTreeSet<PathBuf> = found.iter().flat_map(test_modules).collect();
    for source in &mut found {
        let stem = source.path.with_extension("");
        if tests
            .iter()
            .any(|module| stem == *module || stem.starts_with(module))
        {
            source.test_lines.fill(true);
        }
    }
    found
}

/// Files under `folder` with one of the endings, in order; what was built or fetched is left out.
pub fn collect(folder: &Path, endings: &[&str], into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() {
            if !["target", "node_modules", "dist", "dev-dist", "gen"].contains(&name.as_ref()) {
                collect(&path, endings, into);
            }
        } else if path
            .extension()
            .is_some_and(|e| endings.iter().any(|known| e == *known))
        {
            into.push(path);
        }
    }
}

pub fn relative(file: &Path) -> PathBuf {
    file.strip_prefix(root()).unwrap().to_owned()
}

/// The journeys' crate is test code as a whole; so is what Cargo takes for tests.
fn is_test_path(path: &Path) -> bool {
    path.starts_with("tests")
        || path
            .iter()
            .any(|part| part == "tests" || part == "examples")
}

/// Modules that a file declares for tests only, as paths without an ending.
fn test_modules(source: &Source) -> Vec<PathBuf> {
    let stem = source.path.file_stem().unwrap();
    let folder = if ["lib", "main", "mod"].iter().any(|root| stem == *root) {
        source.path.parent().unwrap().to_owned()
    } else {
        source.path.with_extension("")
    };
    let beside = source.path.parent().unwrap();
    let named = |line: usize| {
        let mut literals = source.parts.literals.iter();
        literals.find(|literal| literal.line + 1 == line && literal.text.ends_with(".rs"))
    };
    let declared = source.lines().filter(|(line, _)| source.is_test(*line));
    declared
        .filter_map(|(line, text)| {
            Some((line, text.trim().strip_suffix(';')?.split("mod ").nth(1)?))
        })
        .map(|(line, name)| match named(line) {
            Some(path) => beside.join(&path.text).with_extension(""),
            None => folder.join(name.trim()),
        })
        .collect()
}

/// Spans of lines that an attribute marks as test code.
fn marked_as_test(code: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    for (at, _) in code.match_indices("#[") {
        let Some(length) = closing(&code[at + 1..], '[', ']') else {
            continue;
        };
        let attribute = &code[at + 2..at + 1 + length];
        let is_test = attribute == "test"
            || attribute.starts_with("tokio::test")
            || attribute.starts_with("cfg(")
                && has_word(attribute, "test")
                && !attribute.contains("not(");
        if is_test {
            let after = at + 2 + length;
            let end = block_after(code, after).map_or_else(
                || after + code[after..].find(';').unwrap_or(0),
                |(_, close)| close,
            );
            spans.push((line_of(code, at), line_of(code, end)));
        }
    }
    spans
}

/// The next block's braces, unless the item ends before it has one.
fn block_after(code: &str, from: usize) -> Option<(usize, usize)> {
    let mut depth = 0i32;
    for (at, character) in code[from..].char_indices() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ';' if depth == 0 => return None,
            '{' if depth == 0 => {
                let open = from + at;
                return closing(&code[open..], '{', '}').map(|length| (open, open + length));
            }
            _ => {}
        }
    }
    None
}

/// Where the bracket that `code` starts with is closed.
pub fn closing(code: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0i32;
    for (at, character) in code.char_indices() {
        if character == open {
            depth += 1;
        } else if character == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

#[test]
fn test_code_and_functions_are_found() {
    let rust = "fn a(x: [u8; 2]) -> fn(u8) {\n  b();\n}\n#[cfg(test)]\nmod tests {\n  #[test]\n  fn c() {}\n}\n\
                #[cfg(test)]\nmod far;\nfn d();\n#[cfg(not(test))]\nfn e() {}\n";
    let source = Source::new("crates/core/src/x.rs", rust);
    let tests: Vec<usize> = (1..=13).filter(|line| source.is_test(*line)).collect();
    assert_eq!(tests, [4, 5, 6, 7, 8, 9, 10]);
    let functions = source.functions();
    let functions: Vec<_> = functions
        .iter()
        .map(|f| (f.name.as_str(), f.first, f.last))
        .collect();
    assert_eq!(functions, [("a", 1, 3), ("c", 7, 7), ("e", 13, 13)]);
    assert_eq!(test_modules(&source), [Path::new("crates/core/src/x/far")]);
    let named = "#[cfg(test)]\n#[path = \"x_tests.rs\"]\nmod tests;\n";
    let named = Source::new("crates/core/src/x.rs", named);
    assert_eq!(test_modules(&named), [Path::new("crates/core/src/x_tests")]);
}
