//! The archive's members: all that must be there, in their order, and nothing else.

use super::finding::{Detail, Finding, Refusal, Wrong};
use crate::format::{self, FORMAT, Manifest};
use crate::source::{ReadAt, ReadError, Section};
use crate::tar::{self, Found, TarError};
use crate::write::manifest_hash_line;
use fengjuan_envelope::Sha256Stream;
use std::io;

/// Bytes that are hashed at once.
const PORTION: u64 = 64 * 1024;

/// One ledger's members.
pub(crate) struct LedgerMembers {
    pub(crate) head: Found,
    pub(crate) checkpoints: Found,
    pub(crate) entries: Found,
}

pub(crate) struct Layout<'a> {
    pub(crate) source: &'a dyn ReadAt,
    pub(crate) manifest: Manifest,
    pub(crate) directory: Found,
    pub(crate) devices: Found,
    pub(crate) sittings: Found,
    pub(crate) orders: Found,
    pub(crate) objects: Found,
    pub(crate) receipts: Option<Found>,
    pub(crate) reports: Found,
    pub(crate) forks: Found,
    pub(crate) roll: Option<Found>,
    pub(crate) ledgers: Vec<LedgerMembers>,
    pub(crate) index: Found,
}

impl Layout<'_> {
    /// The hash of a member in hex, as it was compared with the manifest's.
    pub(crate) fn hash_of(&self, name: &str) -> Option<String> {
        let mut members = self.manifest.members.iter();
        members.find(|member| member.name == name)?.sha256.clone()
    }
}

pub(crate) fn refuse_read(error: ReadError, section: &str) -> Refusal {
    match error {
        ReadError::Short => Finding::new(Wrong::Truncated).section(section),
        ReadError::Io(error) => Finding::new(Wrong::Unreadable)
            .section(section)
            .found(error),
    }
}

fn refuse_tar(error: TarError) -> Refusal {
    match error {
        TarError::Io(error) => Finding::new(Wrong::Unreadable).found(error),
        TarError::Short(name) => Finding::new(Wrong::Truncated).section(&name),
        TarError::Header(0) => Finding::new(Wrong::NotAnArchive),
        TarError::Header(at) => Finding::new(Wrong::HeaderDamaged).found(format!("offset {at}")),
        TarError::Padding(name) => Finding::new(Wrong::PaddingNotZero).section(&name),
        TarError::Trailing(at) => Finding::new(Wrong::TrailingBytes).found(format!("offset {at}")),
    }
}

/// Takes the members one after another.
struct Members {
    all: std::iter::Peekable<std::vec::IntoIter<Found>>,
}

impl Members {
    fn next(&mut self, name: &str) -> Result<Found, Refusal> {
        match self.all.next_if(|found| found.name == name) {
            Some(found) => Ok(found),
            None => Err(self.missing(name)),
        }
    }

    /// What stands there instead is either nothing that belongs into an archive, or comes too early.
    fn missing(&mut self, name: &str) -> Refusal {
        match self.all.peek() {
            Some(other) if !is_known(&other.name) => Finding::new(Wrong::SectionUnknown)
                .section(&other.name)
                .differs(name, &other.name),
            Some(other) => Finding::new(Wrong::SectionMissing)
                .section(name)
                .differs(name, &other.name),
            None => Finding::new(Wrong::SectionMissing)
                .section(name)
                .differs(name, "—"),
        }
    }
}

fn is_known(name: &str) -> bool {
    let fixed = [
        format::MARK,
        format::DIRECTORY,
        format::DEVICES,
        format::SITTINGS,
        format::ORDERS,
        format::OBJECTS,
        format::RECEIPTS,
        format::REPORTS,
        format::FORKS,
        format::ROLL,
        format::INDEX,
        format::MANIFEST,
        format::MANIFEST_HASH,
    ];
    fixed.contains(&name) || ledger_part(name).is_some()
}

/// Folder and part of a ledger's member.
fn ledger_part(name: &str) -> Option<(&str, &str)> {
    let (folder, part) = name.rsplit_once('/')?;
    let id = folder.strip_prefix("ledgers/")?;
    let hex = id.len() == 32
        && id
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let known = matches!(part, "ledger.cbor" | "checkpoints.rec" | "entries.rec");
    (hex && known).then_some((folder, part))
}

/// Finds the members and checks what the manifest says of them.
pub(crate) fn read(source: &dyn ReadAt) -> Result<Layout<'_>, Refusal> {
    let all = tar::members(source).map_err(refuse_tar)?;
    let listed = all.clone();
    let mut members = Members {
        all: all.into_iter().peekable(),
    };
    let mark = members.next(format::MARK)?;
    if small(source, &mark)? != format!("{FORMAT}\n").as_bytes() {
        return Err(Finding::new(Wrong::NotAnArchive).section(format::MARK));
    }
    let directory = members.next(format::DIRECTORY)?;
    let devices = members.next(format::DEVICES)?;
    let sittings = members.next(format::SITTINGS)?;
    let orders = members.next(format::ORDERS)?;
    let objects = members.next(format::OBJECTS)?;
    let receipts = members.all.next_if(|found| found.name == format::RECEIPTS);
    let reports = members.next(format::REPORTS)?;
    let forks = members.next(format::FORKS)?;
    let roll = members.all.next_if(|found| found.name == format::ROLL);
    let mut ledgers: Vec<LedgerMembers> = Vec::new();
    while let Some(folder) = members
        .all
        .peek()
        .and_then(|found| ledger_part(&found.name))
        .map(|(folder, _)| folder.to_owned())
    {
        let head = members.next(&format!("{folder}/ledger.cbor"))?;
        if ledgers
            .last()
            .is_some_and(|last| last.head.name >= head.name)
        {
            return Err(Finding::new(Wrong::LedgerTwice).section(&head.name));
        }
        ledgers.push(LedgerMembers {
            head,
            checkpoints: members.next(&format!("{folder}/checkpoints.rec"))?,
            entries: members.next(&format!("{folder}/entries.rec"))?,
        });
    }
    let index = members.next(format::INDEX)?;
    let manifest = members.next(format::MANIFEST)?;
    let manifest_hash = members.next(format::MANIFEST_HASH)?;
    if let Some(other) = members.all.next() {
        return Err(Finding::new(Wrong::SectionUnknown).section(&other.name));
    }
    let manifest = read_manifest(source, &manifest, &manifest_hash)?;
    check_members(source, &manifest, &listed)?;
    Ok(Layout {
        source,
        manifest,
        directory,
        devices,
        sittings,
        orders,
        objects,
        receipts,
        reports,
        forks,
        roll,
        ledgers,
        index,
    })
}

fn read_manifest(source: &dyn ReadAt, json: &Found, hash: &Found) -> Result<Manifest, Refusal> {
    let bytes = small(source, json)?;
    if small(source, hash)? != manifest_hash_line(&bytes).as_bytes() {
        return Err(Finding::new(Wrong::ManifestChanged).section(format::MANIFEST));
    }
    let malformed = |found: String| {
        Finding::new(Wrong::ManifestMalformed)
            .section(format::MANIFEST)
            .found(found)
    };
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(malformed(manifest.format));
    }
    Ok(manifest)
}

/// Every member before the manifest is listed as it is. Entries and index have better guards than a hash here.
fn check_members(
    source: &dyn ReadAt,
    manifest: &Manifest,
    members: &[Found],
) -> Result<(), Refusal> {
    let listed = &members[..members.len().saturating_sub(2)];
    if manifest.members.len() != listed.len() {
        let refusal = Finding::new(Wrong::ManifestMismatch).section(format::MANIFEST);
        return Err(refusal.differs(manifest.members.len(), listed.len()));
    }
    for (record, found) in manifest.members.iter().zip(listed) {
        let refusal = |wrong| Finding::new(wrong).section(&found.name);
        if record.name != found.name {
            return Err(refusal(Wrong::ManifestMismatch).differs(&record.name, &found.name));
        }
        if record.bytes != found.bytes {
            return Err(refusal(Wrong::ManifestMismatch).differs(record.bytes, found.bytes));
        }
        let guarded = found.name == format::INDEX || found.name.ends_with("/entries.rec");
        match &record.sha256 {
            None if guarded => {}
            Some(expected) if !guarded => {
                let is = format::hex(&hashed(source, found)?);
                if is != *expected {
                    return Err(refusal(Wrong::SectionChanged).differs(expected, is));
                }
            }
            _ => return Err(refusal(Wrong::ManifestMismatch)),
        }
    }
    Ok(())
}

/// The hash of a member, without holding it.
fn hashed(source: &dyn ReadAt, found: &Found) -> Result<[u8; 32], Refusal> {
    let mut section = Section::new(source, found.start, found.bytes);
    let mut hash = Sha256Stream::new();
    while section.left() > 0 {
        let portion = section.left().min(PORTION) as usize;
        let bytes = section
            .take(portion)
            .map_err(|error| refuse_read(error, &found.name))?;
        hash.update(bytes);
    }
    Ok(hash.finish())
}

/// Facts that did not fit into memory could not be sorted on disk.
pub(crate) fn refuse_sorting(error: io::Error) -> Refusal {
    Finding::new(Wrong::Unreadable).found(format!("temporary file: {error}"))
}

/// A whole member.
pub(crate) fn small(source: &dyn ReadAt, found: &Found) -> Result<Vec<u8>, Refusal> {
    if found.bytes > format::LARGEST_SMALL {
        return Err(Finding::new(Wrong::SectionMalformed)
            .section(&found.name)
            .found(found.bytes));
    }
    let mut section = Section::new(source, found.start, found.bytes);
    let bytes = section.take(found.bytes as usize);
    bytes
        .map(<[u8]>::to_vec)
        .map_err(|error| refuse_read(error, &found.name))
}

/// The records of a member, one after another.
pub(crate) fn each_record(
    source: &dyn ReadAt,
    found: &Found,
    mut action: impl FnMut(&[u8]) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let malformed = || Finding::new(Wrong::SectionMalformed).section(&found.name);
    let mut section = Section::new(source, found.start, found.bytes);
    while section.left() > 0 {
        let head = section.take(4).map_err(|_| malformed())?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        if length > format::LARGEST_RECORD || length as u64 > section.left() {
            return Err(malformed());
        }
        let record = section
            .take(length)
            .map_err(|error| refuse_read(error, &found.name))?;
        action(record)?;
    }
    Ok(())
}
