//! The page keeps what the window's content policy promises: nothing inline, nothing remote, nothing kept.

use crate::source::{collect, relative};
use crate::{Offence, nobody_breaks, root};
use std::path::Path;

/// What a file of the page must not hold, and why.
const BANNED: [(&str, &str); 14] = [
    (
        " style=\"",
        "the content policy refuses inline styles: use a token",
    ),
    ("v-html", "text is never taken for markup"),
    ("innerHTML", "text is never taken for markup"),
    ("outerHTML", "text is never taken for markup"),
    ("insertAdjacentHTML", "text is never taken for markup"),
    ("eval(", "the content policy refuses it"),
    ("new Function(", "the content policy refuses it"),
    ("javascript:", "the content policy refuses it"),
    ("localStorage", "nothing of a candidate stays in the window"),
    (
        "sessionStorage",
        "nothing of a candidate stays in the window",
    ),
    ("indexedDB", "nothing of a candidate stays in the window"),
    (
        "document.cookie",
        "nothing of a candidate stays in the window",
    ),
    ("http://", "no remote content"),
    ("https://", "no remote content"),
];

fn banned(path: &Path, text: &str) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let found = BANNED.iter().filter(|(word, _)| line.contains(word));
        offences
            .extend(found.map(|(word, why)| Offence::at(path, at + 1, format!("{word} ({why})"))));
        if line.contains("<script") && !line.contains(" src=") && path.ends_with("index.html") {
            offences.push(Offence::at(path, at + 1, "an inline script"));
        }
    }
    offences
}

#[test]
fn nothing_inline_remote_or_kept() {
    let mut files = vec![root().join("ui/index.html")];
    collect(&root().join("ui/src"), &["ts", "vue", "css"], &mut files);
    assert!(files.len() > 30);
    let offences = files.iter().flat_map(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        banned(&relative(file), &text)
    });
    nobody_breaks(
        "The page holds nothing inline, remote or kept.",
        offences.collect(),
    );
    assert_eq!(
        banned(
            Path::new("a.vue"),
            "<p style=\"color: red\">\n<i v-html=\"x\">"
        )
        .len(),
        2
    );
    assert_eq!(
        banned(Path::new("index.html"), "<script>a()</script>").len(),
        1
    );
}

/// What the build made of it is what runs.
#[test]
fn the_built_page_is_as_strict() {
    let built = root().join("ui/dist/index.html");
    let text = std::fs::read_to_string(&built).unwrap_or_else(|_| panic!("the page is not built"));
    let mut offences = banned(&relative(&built), &text);
    let mut scripts = Vec::new();
    collect(&root().join("ui/dist/assets"), &["js"], &mut scripts);
    assert!(!scripts.is_empty());
    for script in scripts {
        let text = std::fs::read_to_string(&script).unwrap();
        for word in ["new Function(", "sourceMappingURL", "localStorage"] {
            if text.contains(word) {
                offences.push(Offence::at(&relative(&script), 1, word));
            }
        }
    }
    nobody_breaks("The built page is as strict as its sources.", offences);
}

/// A colour or a size of type is named once, in the tokens.
#[test]
fn colours_are_tokens() {
    let mut files = Vec::new();
    collect(&root().join("ui/src"), &["vue", "css"], &mut files);
    let offences = files
        .iter()
        .filter(|file| !file.ends_with("tokens.css"))
        .flat_map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            let path = relative(file);
            let lines = text
                .lines()
                .enumerate()
                .filter(|(_, line)| has_colour(line));
            let found = lines.map(|(at, line)| Offence::at(&path, at + 1, line.trim()));
            found.collect::<Vec<_>>()
        });
    nobody_breaks("Colours come from the tokens.", offences.collect());
    assert!(
        has_colour("color: #1f2a37;") && has_colour("color: rgb(0 0 0)") && !has_colour("#app {")
    );
}

fn has_colour(line: &str) -> bool {
    let value = line.split_once(':').map_or("", |(_, value)| value);
    let hex = value.split('#').skip(1).any(|after| {
        let digits = after.chars().take_while(char::is_ascii_hexdigit).count();
        matches!(digits, 3 | 4 | 6 | 8)
            && !after[digits..].starts_with(|c: char| c.is_alphanumeric())
    });
    let function = ["rgb(", "rgba(", "hsl(", "oklch("]
        .iter()
        .any(|name| value.contains(name));
    (hex || function) && value.trim_end().ends_with([';', ')'])
}
