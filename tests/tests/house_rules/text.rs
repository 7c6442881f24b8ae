//! Rust text with its comments and literals taken apart, so that a rule about code is not broken by a comment about
//! that rule. Not a parser: lines and braces are all that the rules need.

/// A string literal or a comment, with the line on which it starts (from 1).
pub struct Piece {
    pub line: usize,
    pub text: String,
}

/// The same text three times: code with everything else blanked (lines kept), the literals, and the comments.
#[derive(Default)]
pub struct Parts {
    pub code: String,
    pub literals: Vec<Piece>,
    pub comments: Vec<Piece>,
}

struct Scanner<'a> {
    rest: &'a [char],
    line: usize,
    parts: Parts,
}

/// Takes `rust` apart.
pub fn take_apart(rust: &str) -> Parts {
    let chars: Vec<char> = rust.chars().collect();
    let mut scanner = Scanner {
        rest: &chars,
        line: 1,
        parts: Parts::default(),
    };
    while !scanner.rest.is_empty() {
        scanner.step();
    }
    scanner.parts
}

impl Scanner<'_> {
    fn step(&mut self) {
        let after_word = self.parts.code.ends_with(is_word);
        match self.rest {
            ['/', '/', ..] => {
                let length = until(self.rest, |rest| rest[0] == '\n');
                self.comment(length);
            }
            ['/', '*', ..] => self.comment(block_comment(self.rest)),
            ['"', ..] => self.literal(1, 0),
            ['r', '#' | '"', ..] if !after_word => self.raw(1),
            ['b', '"', ..] if !after_word => self.literal(2, 0),
            ['b', 'r', '#' | '"', ..] if !after_word => self.raw(2),
            ['\'', '\\', ..] => {
                let length = 2 + until(&self.rest[3..], |rest| rest[0] == '\'') + 2;
                self.blank(length);
            }
            ['\'', _, '\'', ..] => self.blank(3),
            _ => self.keep(1),
        }
    }

    /// `r` or `br` at the start; a raw identifier such as `r#type` is code.
    fn raw(&mut self, prefix: usize) {
        let hashes = until(&self.rest[prefix..], |rest| rest[0] != '#');
        if self.rest.get(prefix + hashes) == Some(&'"') {
            self.literal(prefix + hashes + 1, hashes);
        } else {
            self.keep(prefix);
        }
    }

    /// `opening` characters come before the content; a raw literal ends with its hashes.
    fn literal(&mut self, opening: usize, hashes: usize) {
        let raw = hashes > 0 || self.rest[..opening].contains(&'r');
        let body = &self.rest[opening..];
        let mut length = 0;
        while length < body.len() {
            if !raw && body[length] == '\\' {
                length += 2;
                continue;
            }
            let closing = &body[length + 1..];
            if body[length] == '"' && closing.iter().take_while(|c| **c == '#').count() >= hashes {
                break;
            }
            length += 1;
        }
        let length = length.min(body.len());
        let text = body[..length].iter().collect();
        let line = self.line;
        self.parts.literals.push(Piece { line, text });
        self.parts.code.push('"');
        self.blank(opening + length);
        let closing = (1 + hashes).min(self.rest.len());
        self.parts.code.push('"');
        self.blank(closing);
    }

    fn comment(&mut self, length: usize) {
        let text = self.rest[..length].iter().collect();
        let line = self.line;
        self.parts.comments.push(Piece { line, text });
        self.blank(length);
    }

    fn keep(&mut self, length: usize) {
        for character in &self.rest[..length] {
            self.line += usize::from(*character == '\n');
            self.parts.code.push(*character);
        }
        self.rest = &self.rest[length..];
    }

    fn blank(&mut self, length: usize) {
        for character in &self.rest[..length] {
            if *character == '\n' {
                self.line += 1;
                self.parts.code.push('\n');
            }
        }
        self.parts.code.push(' ');
        self.rest = &self.rest[length..];
    }
}

fn until(rest: &[char], ends: impl Fn(&[char]) -> bool) -> usize {
    (0..rest.len())
        .find(|at| ends(&rest[*at..]))
        .unwrap_or(rest.len())
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

pub fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Whether `text` holds `word` with no letter, digit or underscore beside it.
pub fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word)
    })
}

pub fn has_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{3400}'..='\u{9fff}').contains(&c))
}

#[test]
fn comments_literals_and_lifetimes_are_told_apart() {
    let rust = r##"
let a = "in // text"; // said "so"
let b = r#"raw " text"#; /* a /* nested */ one */ let c = 'x'; let d = '\'';
fn e<'a>(f: &'a str) { b"bytes"; r#type }
"##;
    let parts = take_apart(rust);
    let literals: Vec<&str> = parts.literals.iter().map(|p| p.text.as_str()).collect();
    assert_eq!(literals, ["in // text", "raw \" text", "bytes"]);
    let comments: Vec<usize> = parts.comments.iter().map(|p| p.line).collect();
    assert_eq!(comments, [2, 3]);
    assert!(!parts.code.contains("raw") && !parts.code.contains("nested"));
    assert!(parts.code.contains("fn e<'a>(f: &'a str) {") && parts.code.contains("r#type"));
    assert_eq!(parts.code.lines().count(), rust.lines().count());
}
