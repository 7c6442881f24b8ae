//! What may stand in Rust code: no shortcut past an error, no clock in the machines, no word for people in the
//! libraries, and nothing that deletes evidence.

use crate::source::{Source, closing, sources};
use crate::text::{has_chinese, has_word};
use crate::{Offence, nobody_breaks};

#[track_caller]
fn nowhere(rule: &str, finds: fn(&Source) -> Vec<Offence>) {
    nobody_breaks(rule, sources().iter().flat_map(finds).collect());
}

/// How many offenders a rule finds in `rust` if it stood at `path`.
fn found(finds: fn(&Source) -> Vec<Offence>, path: &str, rust: &str) -> usize {
    finds(&Source::new(path, rust)).len()
}

/// `expect` may stand where its sentence is the proof that the world cannot bring it about.
fn shortcuts(source: &Source) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (line, code) in source.product_lines() {
        if code.contains(".unwrap()") || code.contains(".unwrap_err()") {
            offences.push(Offence::at(&source.path, line, "unwrap"));
        }
        if has_word(code, "panic!") || has_word(code, "dbg!") {
            offences.push(Offence::at(&source.path, line, code.trim()));
        }
    }
    let code = &source.parts.code;
    for (at, call) in code.match_indices(".expect(") {
        let arguments = &code[at + call.len() - 1..];
        let arguments = &arguments[..closing(arguments, '(', ')').unwrap_or(arguments.len())];
        let line = code[..at].matches('\n').count() + 1;
        // A method of ours with the same name takes more than a sentence.
        if source.is_test(line) || arguments.trim_end_matches([',', ' ', '\n']).contains(',') {
            continue;
        }
        let lines = line..=line + arguments.matches('\n').count();
        let mut near = source
            .parts
            .literals
            .iter()
            .filter(|piece| lines.contains(&piece.line));
        if !near.any(|sentence| sentence.text.split_whitespace().count() >= 4) {
            offences.push(Offence::at(&source.path, line, "expect without a proof"));
        }
    }
    offences
}

#[test]
fn errors_are_answered() {
    nowhere(
        "What the world can influence is answered, never unwrapped.",
        shortcuts,
    );
    let path = "crates/core/src/a.rs";
    assert_eq!(
        found(
            shortcuts,
            path,
            "fn a() { b().unwrap(); c().expect(\"a c\"); }"
        ),
        2
    );
    assert_eq!(
        found(
            shortcuts,
            path,
            "fn a() { c().expect(\"a key has 32 bytes\"); }"
        ),
        0
    );
    assert_eq!(
        found(shortcuts, path, "#[test]\nfn a() { b().unwrap(); }"),
        0
    );
}

fn unproven_unsafe(source: &Source) -> Vec<Offence> {
    let is_comment = |line: usize| source.parts.comments.iter().any(|piece| piece.line == line);
    let unsafe_lines = source.lines().filter(|(_, code)| {
        has_word(code, "unsafe") && (code.contains("unsafe {") || code.contains("unsafe impl"))
    });
    unsafe_lines
        .filter(|(line, _)| !(line.saturating_sub(8)..=line + 1).any(is_comment))
        .map(|(line, _)| Offence::at(&source.path, line, "unsafe without its proof beside it"))
        .collect()
}

#[test]
fn unsafe_code_says_why_it_holds() {
    nowhere(
        "Beside unsafe code stands the proof that it holds.",
        unproven_unsafe,
    );
    assert_eq!(
        found(
            unproven_unsafe,
            "crates/store/src/a.rs",
            "fn a() { unsafe { b() } }"
        ),
        1
    );
}

const CLOCKS: [&str; 6] = [
    "SystemTime::now",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "clock_gettime",
    "thread::sleep",
];

fn clocks(source: &Source) -> Vec<Offence> {
    if !source.is_in("crates/core")
        && !source.is_in("crates/envelope")
        && !source.is_in("crates/wire")
    {
        return Vec::new();
    }
    let lines = source.product_lines();
    lines
        .filter_map(|(line, code)| {
            let clock = CLOCKS.iter().find(|clock| code.contains(**clock))?;
            Some(Offence::at(&source.path, line, clock))
        })
        .collect()
}

#[test]
fn the_machines_have_no_clock() {
    nowhere("Time is handed to core, envelope and wire.", clocks);
    assert_eq!(
        found(clocks, "crates/core/src/a.rs", "fn a() { Utc::now(); }"),
        1
    );
}

/// A test may only sleep between two looks at what it waits for, and must give up some time.
fn sleeps(source: &Source) -> Vec<Offence> {
    let functions = source.functions();
    let sleeping = source.lines().filter(|(line, code)| {
        source.is_test(*line) && (code.contains("thread::sleep(") || code.contains("time::sleep("))
    });
    sleeping
        .filter(|(line, _)| {
            let inside = functions
                .iter()
                .filter(|f| f.first <= *line && *line <= f.last);
            !inside
                .max_by_key(|function| function.first)
                .is_some_and(|function| {
                    let body = &function.body;
                    let looks =
                        has_word(body, "loop") || has_word(body, "while") || has_word(body, "for");
                    let gives_up = ["elapsed()", "Instant::now()", "timeout", "deadline"];
                    looks && gives_up.iter().any(|word| body.contains(word))
                })
        })
        .map(|(line, code)| Offence::at(&source.path, line, code.trim()))
        .collect()
}

#[test]
fn tests_wait_for_conditions() {
    nowhere(
        "A test waits for a condition, with an end, and never for a fixed time.",
        sleeps,
    );
    let fixed = "fn a() { std::thread::sleep(SECOND); }";
    assert_eq!(found(sleeps, "tests/src/a.rs", fixed), 1);
}

/// Tables whose rows are no evidence and may go.
const MAY_GO: [&str; 2] = ["state", "sittings"];

fn deletions(source: &Source) -> Vec<Offence> {
    let literals = source
        .parts
        .literals
        .iter()
        .filter(|piece| !source.is_test(piece.line));
    let mut offences = Vec::new();
    for literal in literals {
        let words: Vec<&str> = literal.text.split_whitespace().collect();
        for pair in words.windows(3) {
            let verb = [pair[0].to_uppercase(), pair[1].to_uppercase()].join(" ");
            let table = pair[2].trim_matches(|c: char| !crate::text::is_word(c));
            let removes = ["DELETE FROM", "DROP TABLE", "OR REPLACE", "REPLACE INTO"];
            if removes.contains(&verb.as_str()) && !MAY_GO.contains(&table) {
                offences.push(Offence::at(&source.path, literal.line, pair.join(" ")));
            }
        }
    }
    offences
}

#[test]
fn nothing_deletes_evidence() {
    nowhere(
        "No code path deletes or replaces an entry, an object or a checkpoint.",
        deletions,
    );
    let sql = "fn a() { run(\"DELETE FROM entries WHERE seq = 1\"); run(\"DELETE FROM state WHERE 1\"); }";
    assert_eq!(found(deletions, "crates/store/src/a.rs", sql), 1);
}

/// Tables whose purpose is words for people: events, the spelling of codes, the checks of the equipment report and its
/// print, the label in a test picture.
const WORD_TABLES: [&str; 5] = [
    "crates/core/src/event.rs",
    "crates/envelope/src/code/spelling.rs",
    "crates/device/src/equipment/report.rs",
    "crates/wire/src/report.rs",
    "crates/camera/src/pattern.rs",
];

/// Words of the file formats themselves: item types as banks and exports write them.
const FORMAT_WORDS: [&str; 3] = ["判断", "单选", "多选"];

fn stray_words(source: &Source) -> Vec<Offence> {
    let library = [
        "core", "envelope", "wire", "store", "camera", "serve", "device", "terminal",
    ];
    let library = library
        .iter()
        .any(|name| source.is_in(&format!("crates/{name}")));
    if !library
        || WORD_TABLES
            .iter()
            .any(|table| source.path.as_os_str() == *table)
    {
        return Vec::new();
    }
    let literals = source
        .parts
        .literals
        .iter()
        .filter(|piece| !source.is_test(piece.line));
    literals
        .filter(|literal| {
            has_chinese(&literal.text) && !FORMAT_WORDS.contains(&literal.text.as_str())
        })
        .map(|literal| Offence::at(&source.path, literal.line, &literal.text))
        .collect()
}

#[test]
fn words_for_people_stay_in_their_tables() {
    nowhere(
        "Libraries speak in codes; the page and the command lines have the words.",
        stray_words,
    );
    assert_eq!(
        found(
            stray_words,
            "crates/wire/src/a.rs",
            "fn a() { b(\"错误\"); }"
        ),
        1
    );
}

fn silent_ignores(source: &Source) -> Vec<Offence> {
    let lines = source
        .lines()
        .filter(|(_, code)| code.contains("#[ignore]"));
    lines
        .map(|(line, _)| Offence::at(&source.path, line, "an ignored test says who runs it"))
        .collect()
}

#[test]
fn ignored_tests_say_who_runs_them() {
    nowhere("An ignored test says who runs it.", silent_ignores);
}
