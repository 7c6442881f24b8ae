//! The outer form of a signed note: text, an empty line, signature lines.

use data_encoding::BASE64;

use super::NoteError;

const LARGEST: usize = 64 * 1024;
const MOST_SIGNATURES: usize = 64;
const MARK: &str = "\u{2014} ";

/// A note taken apart; `text` includes its last newline.
pub(super) struct Note<'a> {
    pub(super) text: &'a str,
    pub(super) signatures: Vec<Signature>,
}

/// One signature line.
pub(super) struct Signature {
    pub(super) name: String,
    pub(super) key_hash: u32,
    pub(super) bytes: Vec<u8>,
}

impl<'a> Note<'a> {
    pub(super) fn read(note: &'a str) -> Result<Self, NoteError> {
        Self::split(note).ok_or(NoteError::Malformed)
    }

    fn split(note: &'a str) -> Option<Self> {
        if note.len() > LARGEST || note.chars().any(|c| c < ' ' && c != '\n') {
            return None;
        }
        let end_of_text = note.rfind("\n\n")? + 1;
        let (text, rest) = note.split_at(end_of_text);
        let lines = rest.strip_prefix('\n')?.strip_suffix('\n')?;
        let signatures: Vec<_> = lines
            .split('\n')
            .map(Signature::from_line)
            .collect::<Option<_>>()?;
        (signatures.len() <= MOST_SIGNATURES).then_some(Self { text, signatures })
    }

    pub(super) fn by(&self, name: &str, key_hash: u32) -> impl Iterator<Item = &Signature> {
        self.signatures
            .iter()
            .filter(move |signature| signature.is_by(name, key_hash))
    }

    pub(super) fn to_text(&self) -> String {
        let lines: String = self.signatures.iter().map(Signature::to_line).collect();
        format!("{}\n{lines}", self.text)
    }
}

impl Signature {
    fn from_line(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(MARK)?.split_once(' ')?;
        let decoded = BASE64.decode(encoded.as_bytes()).ok()?;
        let (key_hash, bytes) = decoded.split_first_chunk()?;
        let signature = Self {
            name: name.to_owned(),
            key_hash: u32::from_be_bytes(*key_hash),
            bytes: bytes.to_vec(),
        };
        (is_key_name(name) && !bytes.is_empty()).then_some(signature)
    }

    pub(super) fn to_line(&self) -> String {
        let mut bytes = self.key_hash.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.bytes);
        format!("{MARK}{} {}\n", self.name, BASE64.encode(&bytes))
    }

    pub(super) fn is_by(&self, name: &str, key_hash: u32) -> bool {
        self.name == name && self.key_hash == key_hash
    }
}

/// Whether signed-note allows `name` as a key name.
pub(super) fn is_key_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|c| c.is_whitespace() || c == '+' || c < ' ')
}
