//! How long files and functions are, what they are called, and that nothing in them waits to be written.

use crate::source::{Source, collect, relative, sources};
use crate::text::{has_word, is_word};
use crate::{Offence, nobody_breaks, root};
use std::path::{Path, PathBuf};

const FILE: usize = 400;
const TEST_FILE: usize = 700;
const FUNCTION: usize = 70;

/// Lines that hold more than blanks, comments or one name of a list: what is explained well, or is a plain table, is
/// not punished for it.
fn lines_of_code(code: &str) -> usize {
    let is_name = |line: &str| {
        line.strip_suffix(',')
            .is_some_and(|name| name.chars().all(is_word))
    };
    let lines = code.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !is_name(line))
        .count()
}

/// Files with their lines of code, and whether they are test code.
fn every_file() -> Vec<(PathBuf, usize, bool)> {
    let mut files: Vec<_> = sources()
        .into_iter()
        .map(|source| {
            let test = source.is_all_test();
            (source.path, lines_of_code(&source.parts.code), test)
        })
        .collect();
    let mut page = Vec::new();
    collect(&root().join("ui"), &["ts", "vue", "js"], &mut page);
    for file in page {
        let lines = lines_of_code(&std::fs::read_to_string(&file).unwrap());
        let path = relative(&file);
        let test = path.starts_with("ui/tests") || path.starts_with("ui/dev");
        files.push((path, lines, test));
    }
    files
}

#[test]
fn files_fit_a_reader() {
    let too_long = every_file().into_iter().filter_map(|(path, lines, test)| {
        let limit = if test { TEST_FILE } else { FILE };
        (lines > limit).then(|| Offence::at(&path, limit + 1, format!("{lines} lines, of {limit}")))
    });
    nobody_breaks(
        "Files are short enough to be read whole.",
        too_long.collect(),
    );
}

/// A table of words is as long as it has rows, which `rustfmt` spreads over many lines.
fn long_functions(source: &Source) -> Vec<Offence> {
    if source.path.ends_with("words.rs") {
        return Vec::new();
    }
    let functions = source.functions().into_iter();
    functions
        .filter(|function| !source.is_test(function.first))
        .map(|function| (lines_of_code(&function.body), function))
        .filter(|(lines, _)| *lines > FUNCTION)
        .map(|(lines, function)| {
            let what = format!("fn {} has {lines} lines, of {FUNCTION}", function.name);
            Offence::at(&source.path, function.first, what)
        })
        .collect()
}

#[test]
fn functions_fit_a_screen() {
    let all = sources().iter().flat_map(long_functions).collect();
    nobody_breaks("A function fits on a screen.", all);

    let long = format!("fn a() {{\n{}}}\n", "b();\n".repeat(FUNCTION));
    assert_eq!(
        long_functions(&Source::new("crates/core/src/a.rs", &long)).len(),
        1
    );
}

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 9] = [
    "util", "utils", "helper", "helpers", "manager", "common", "misc", "stuff", "lib_old",
];

#[test]
fn names_say_what_is_inside() {
    let offences = every_file().into_iter().filter_map(|(path, _, _)| {
        let stem = path.with_extension("");
        let empty = stem.iter().any(|part| {
            let part = part.to_string_lossy();
            EMPTY_NAMES.contains(&part.as_ref()) || part.ends_with("_old") || part.ends_with("_new")
        });
        empty.then(|| Offence::at(&path, 1, "a name that fits everything"))
    });
    nobody_breaks(
        "Folders and files are named for what they hold.",
        offences.collect(),
    );
}

/// Marks of work left undone; spelled in two halves, or this file would break its own rule.
fn unfinished(path: &Path, text: &str) -> Vec<Offence> {
    let marks = [
        "TO\0DO",
        "FIX\0ME",
        "XX\0X",
        "HA\0CK",
        "to\0do!",
        "unimple\0mented!",
    ];
    let marks = marks.map(|mark| mark.replace('\0', ""));
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(at, line)| {
            let mark = marks.iter().find(|mark| has_word(line, mark))?;
            Some(Offence::at(path, at + 1, mark))
        })
        .collect()
}

#[test]
fn nothing_is_left_to_be_done() {
    let mut files = Vec::new();
    for folder in ["crates", "src-tauri", "tests", "ui", "scripts", "fixtures"] {
        collect(
            &root().join(folder),
            &["rs", "ts", "vue", "js", "css", "py", "toml", "md", "html"],
            &mut files,
        );
    }
    let offences = files.iter().flat_map(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        unfinished(&relative(file), &text)
    });
    nobody_breaks(
        "What is not done is in the tracker, not in the text.",
        offences.collect(),
    );

    let mark = ["TO", "DO"].concat();
    assert_eq!(
        unfinished(Path::new("a.rs"), &format!("// {mark}: later")).len(),
        1
    );
}

#[test]
fn every_crate_has_the_workspace_lints() {
    let mut manifests = Vec::new();
    for folder in ["crates", "src-tauri", "tests"] {
        collect(&root().join(folder), &["toml"], &mut manifests);
    }
    manifests.retain(|file| file.ends_with("Cargo.toml"));
    assert!(manifests.len() > 8);
    let offences = manifests.iter().filter_map(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        let missing = !text.contains("[lints]\nworkspace = true");
        missing.then(|| Offence::at(&relative(file), 1, "no [lints] workspace = true"))
    });
    nobody_breaks("One set of lints holds everywhere.", offences.collect());
}
