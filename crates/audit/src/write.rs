//! Writing an archive. Entries stream from the ledger reader for the checkpoints, for the entries and for the index,
//! each time anew, so that memory does not grow with them.

use crate::error::ArchiveError;
use crate::format::{
    self, FORMAT, ForkRecord, LONGEST_RUN, LedgerHead, Manifest, MemberRecord, ObjectRecord, RUN,
    Scope, Source,
};
use crate::index::IndexLines;
use crate::tar::TarWriter;
use crate::thin::{self, Checkpoints, Thinning};
use crate::verify::Signers;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_envelope::{cbor, cose, merkle};
use fengjuan_store::{LedgerInfo, LedgerReader, StoredEntry};
use fengjuan_wire::Hash32;
use fengjuan_wire::directory::{DeviceCertificate, KeyDirectory};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Seek, Write};
use std::ops::ControlFlow;

/// Everything beside the ledgers, as exact bytes where it is signed.
#[derive(Clone, Debug)]
pub struct Content {
    pub source: Source,
    pub scope: Scope,
    /// Wall clock, milliseconds since 1970 UTC.
    pub made_ms: i64,
    /// COSE_Sign1 key directory.
    pub directory: Vec<u8>,
    /// COSE_Sign1 device certificates.
    pub devices: Vec<Vec<u8>>,
    /// COSE_Sign1 sittings.
    pub sittings: Vec<Vec<u8>>,
    /// COSE_Sign1 orders.
    pub orders: Vec<Vec<u8>>,
    /// COSE_Sign1 roll of the witness.
    pub roll: Option<Vec<u8>>,
    pub objects: Vec<ObjectRecord>,
    /// COSE_Sign1 [`crate::ReceiptList`] of these very objects.
    pub receipts: Option<Vec<u8>>,
    /// COSE_Sign1 `fengjuan_wire::report::EquipmentReport`, of those that shown entries name.
    pub reports: Vec<Vec<u8>>,
    pub checkpoints: Checkpoints,
    pub forks: Vec<ForkRecord>,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub ledgers: u64,
    /// Entries in those ledgers.
    pub entries: u64,
    /// Entries shown in full; the others are leaf hashes.
    pub shown: u64,
    /// Checkpoints, and those that were left out.
    pub checkpoints: u64,
    pub checkpoints_left_out: u64,
}

/// Which entries are shown.
pub type Keep<'a> = &'a dyn Fn(&LedgerInfo, &StoredEntry) -> bool;

/// Writes an archive of the `selected` ledgers. Entries beyond a ledger's `size` are left out, so that a device may
/// go on writing meanwhile. Bytes are written as they are found: judging them is the verifier's.
///
/// # Errors
/// [`ArchiveError`]; what was written until then is not an archive.
pub fn write_archive<W: Write + Seek>(
    out: W,
    content: &Content,
    ledgers: &dyn LedgerReader,
    selected: &[LedgerInfo],
    keep: Keep<'_>,
) -> Result<Written, ArchiveError> {
    let mut selected = selected.to_vec();
    selected.sort_by_key(|info| info.ledger_id);
    let names = device_names(&content.devices);
    let heads: Vec<LedgerHead> = selected.iter().map(|info| head(info, &names)).collect();
    let keys = key_directory(content);
    let mut writer = Writer {
        tar: TarWriter::new(out),
        members: Vec::new(),
        thinned_by: keys.filter(|_| content.checkpoints == Checkpoints::Few),
    };
    writer.small(format::MARK, format!("{FORMAT}\n").as_bytes())?;
    writer.small(format::DIRECTORY, &content.directory)?;
    writer.records(format::DEVICES, as_they_are(&content.devices))?;
    writer.records(format::SITTINGS, as_they_are(&content.sittings))?;
    writer.records(format::ORDERS, as_they_are(&content.orders))?;
    writer.records(format::OBJECTS, encoded(&content.objects))?;
    if let Some(receipts) = &content.receipts {
        writer.small(format::RECEIPTS, receipts)?;
    }
    writer.records(format::REPORTS, as_they_are(&content.reports))?;
    writer.records(format::FORKS, encoded(&content.forks))?;
    if let Some(roll) = &content.roll {
        writer.small(format::ROLL, roll)?;
    }
    let mut written = Written::default();
    for (info, head) in selected.iter().zip(&heads) {
        writer.ledger(ledgers, info, head, keep, &mut written)?;
    }
    writer.index(ledgers, &selected, &heads, keep)?;
    writer.manifest(content)?;
    writer.tar.finish()?;
    Ok(written)
}

type Record<'r> = Result<Cow<'r, [u8]>, ArchiveError>;

fn encoded<T: serde::Serialize>(values: &[T]) -> impl Iterator<Item = Record<'_>> {
    values
        .iter()
        .map(|value| Ok(Cow::Owned(cbor::to_vec(value)?)))
}

fn as_they_are(values: &[Vec<u8>]) -> impl Iterator<Item = Record<'_>> {
    values.iter().map(|value| Ok(Cow::Borrowed(&value[..])))
}

/// What stands before a record in a `.rec` member.
pub(crate) fn length_of(name: &str, record: &[u8]) -> Result<[u8; 4], ArchiveError> {
    u32::try_from(record.len())
        .ok()
        .filter(|length| *length as usize <= format::LARGEST_RECORD)
        .map(u32::to_be_bytes)
        .ok_or_else(|| ArchiveError::TooLarge(format!("a record of {name}")))
}

/// The keys as the directory has them; verifying it is the verifier's.
fn key_directory(content: &Content) -> Option<KeyDirectory> {
    let (_, _, payload) = cose::peek_payload(&content.directory).ok()?;
    cbor::from_slice(&payload).ok()
}

/// Names by key as the certificates have them; the verifier believes no others.
fn device_names(certificates: &[Vec<u8>]) -> HashMap<PublicKey, String> {
    let read = |bytes: &Vec<u8>| {
        let (_, _, payload) = cose::peek_payload(bytes).ok()?;
        let certificate: DeviceCertificate = cbor::from_slice(&payload).ok()?;
        Some((certificate.sign, certificate.device_name))
    };
    certificates.iter().filter_map(read).collect()
}

fn head(info: &LedgerInfo, names: &HashMap<PublicKey, String>) -> LedgerHead {
    let device = PublicKey::from_bytes(info.identity.device_key);
    let name = names.get(&device).unwrap_or(&info.identity.device);
    LedgerHead {
        ledger_id: info.ledger_id,
        device,
        device_name: name.clone(),
        origin: info.identity.origin.clone(),
        size: info.size,
        root: Hash32(info.root),
        checkpoints_left_out: 0,
    }
}

struct Writer<W: Write + Seek> {
    tar: TarWriter<W>,
    members: Vec<MemberRecord>,
    /// The keys by which checkpoints are judged that need not be written; none where all are.
    thinned_by: Option<KeyDirectory>,
}

impl<W: Write + Seek> Writer<W> {
    fn begin(&mut self, name: &str, hashed: bool) -> Result<(), ArchiveError> {
        self.members.push(MemberRecord {
            name: name.to_owned(),
            bytes: 0,
            sha256: None,
        });
        self.tar.begin(name, hashed)
    }

    fn end(&mut self) -> Result<(), ArchiveError> {
        let member = self.tar.end()?;
        if let Some(record) = self.members.last_mut() {
            record.bytes = member.bytes;
            record.sha256 = member.sha256.map(|hash| format::hex(&hash));
        }
        Ok(())
    }

    fn small(&mut self, name: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.begin(name, true)?;
        self.tar.write(bytes)?;
        self.end()
    }

    fn records<'r>(
        &mut self,
        name: &str,
        records: impl Iterator<Item = Record<'r>>,
    ) -> Result<(), ArchiveError> {
        self.begin(name, true)?;
        for record in records {
            let record = record?;
            self.tar.write(&length_of(name, &record)?)?;
            self.tar.write(&record)?;
        }
        self.end()
    }

    fn ledger(
        &mut self,
        ledgers: &dyn LedgerReader,
        info: &LedgerInfo,
        head: &LedgerHead,
        keep: Keep<'_>,
        written: &mut Written,
    ) -> Result<(), ArchiveError> {
        let folder = format::ledger_folder(&info.ledger_id);
        let mut notes: Vec<Vec<u8>> = ledgers
            .checkpoints(&info.ledger_id)?
            .into_iter()
            .filter(|checkpoint| checkpoint.size <= info.size)
            // The cosigned note is the device's own with one line more.
            .map(|checkpoint| checkpoint.cosigned.unwrap_or(checkpoint.note).into_bytes())
            .collect();
        let left_out = self.thin(ledgers, info, head, keep, &mut notes)?;
        let head = LedgerHead {
            checkpoints_left_out: left_out,
            ..head.clone()
        };
        self.small(&format!("{folder}/ledger.cbor"), &cbor::to_vec(&head)?)?;
        self.records(&format!("{folder}/checkpoints.rec"), as_they_are(&notes))?;
        written.checkpoints += notes.len() as u64;
        written.checkpoints_left_out += left_out;
        self.begin(&format!("{folder}/entries.rec"), false)?;
        let mut run: Vec<u8> = Vec::new();
        let mut shown = 0;
        each(ledgers, info, &mut |entry| {
            if !keep(info, entry) {
                run.extend_from_slice(&merkle::leaf_hash(&entry.bytes));
                return if run.len() == LONGEST_RUN * 32 {
                    put_run(&mut self.tar, &mut run)
                } else {
                    Ok(())
                };
            }
            put_run(&mut self.tar, &mut run)?;
            shown += 1;
            let length = entry.bytes.len() + 1;
            if length > format::LARGEST_ENTRY {
                return Err(ArchiveError::TooLarge(format!("entry {}", entry.seq)));
            }
            self.tar.write(&(length as u32).to_be_bytes())?;
            self.tar.write(&[format::LEAF])?;
            self.tar.write(&entry.bytes)
        })?;
        put_run(&mut self.tar, &mut run)?;
        written.ledgers += 1;
        written.entries += info.size;
        written.shown += shown;
        self.end()
    }

    /// Takes checkpoints out that need not be written, and says how many.
    fn thin(
        &self,
        ledgers: &dyn LedgerReader,
        info: &LedgerInfo,
        head: &LedgerHead,
        keep: Keep<'_>,
        notes: &mut Vec<Vec<u8>>,
    ) -> Result<u64, ArchiveError> {
        let Some(keys) = self.thinned_by.as_ref().filter(|_| notes.len() > thin::FEW) else {
            return Ok(0);
        };
        let signers = Signers {
            origin: &head.origin,
            device: &head.device,
            witness_name: &keys.witness_name(),
            witness: &keys.witness,
            // What a hub has cosigned is written whole.
            hubs: &[],
        };
        let mut thinning = Thinning::new(notes, &signers);
        each(ledgers, info, &mut |entry| {
            thinning.entry(entry, keep(info, entry));
            Ok(())
        })?;
        let before = notes.len();
        let mut kept = thinning.kept().into_iter();
        notes.retain(|_| kept.next().unwrap_or(true));
        Ok((before - notes.len()) as u64)
    }

    fn index(
        &mut self,
        ledgers: &dyn LedgerReader,
        selected: &[LedgerInfo],
        heads: &[LedgerHead],
        keep: Keep<'_>,
    ) -> Result<(), ArchiveError> {
        self.begin(format::INDEX, false)?;
        let mut lines = IndexLines::default();
        let mut line = IndexLines::heading();
        self.tar.write(&line)?;
        for (info, head) in selected.iter().zip(heads) {
            lines.ledger(head);
            each(ledgers, info, &mut |entry| {
                if !keep(info, entry) {
                    return Ok(());
                }
                line.clear();
                lines.stored(&mut line, &entry.bytes);
                self.tar.write(&line)
            })?;
        }
        self.end()
    }

    fn manifest(&mut self, content: &Content) -> Result<(), ArchiveError> {
        let center_id = key_directory(content).map(|directory| directory.center_id);
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            made_ms: content.made_ms,
            made_by: concat!("fengjuan-audit ", env!("CARGO_PKG_VERSION")).to_owned(),
            source: content.source,
            center_id: center_id.unwrap_or_default(),
            scope: content.scope.clone(),
            members: self.members.clone(),
        };
        let mut json = serde_json::to_vec_pretty(&manifest)?;
        json.push(b'\n');
        self.small(format::MANIFEST, &json)?;
        let line = manifest_hash_line(&json);
        self.small(format::MANIFEST_HASH, line.as_bytes())
    }
}

/// What `sha256sum manifest.json` prints.
pub(crate) fn manifest_hash_line(json: &[u8]) -> String {
    let hash = fengjuan_envelope::sha256(json);
    format!("{}  {}\n", format::hex(&hash), format::MANIFEST)
}

fn put_run<W: Write + Seek>(tar: &mut TarWriter<W>, run: &mut Vec<u8>) -> Result<(), ArchiveError> {
    if run.is_empty() {
        return Ok(());
    }
    let mark = RUN | (run.len() / 32) as u32;
    tar.write(&mark.to_be_bytes())?;
    tar.write(run)?;
    run.clear();
    Ok(())
}

/// Entries of a ledger up to the size that is being archived.
fn each(
    ledgers: &dyn LedgerReader,
    info: &LedgerInfo,
    action: &mut dyn FnMut(&StoredEntry) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut failed = Ok(());
    ledgers.each_entry(&info.ledger_id, 0, &mut |entry| {
        if entry.seq >= info.size {
            return ControlFlow::Break(());
        }
        failed = action(&entry);
        if failed.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    failed
}
