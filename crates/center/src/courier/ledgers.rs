//! Ledger entries by hand. Over the line the sender has proven its key; on a stick only the device's checkpoint speaks
//! for the entries. So nothing is taken over, and no fork is held against a device, before a checkpoint that the device
//! has signed covers every entry of a run, down to the ledger's beginning or to what is held.

use super::Imported;
use super::import::Stop;
use super::stick::Folder;
use crate::CenterError;
use crate::device::{self, Device, DeviceState};
use crate::server::{Center, entries};
use fengjuan_envelope::merkle::{self, Frontier};
use fengjuan_envelope::note;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_serve::Refused;
use fengjuan_serve::entries::incoming;
use fengjuan_store::replica::Replica;
use fengjuan_store::{LedgerReader, StoreError};
use fengjuan_wire::Hash32;
use fengjuan_wire::courier::ENTRIES;
use fengjuan_wire::upstream::{EntriesReply, EntriesRequest, LARGEST_BODY_BYTES};
use rusqlite::{Connection, TransactionBehavior};
use std::collections::{BTreeMap, BTreeSet};

/// What is kept of a file between its two readings: the leaves, not the entries.
struct Piece {
    file: Hash32,
    from: u64,
    leaves: Vec<merkle::Hash>,
    checkpoint: Option<String>,
}

impl Piece {
    fn end(&self) -> u64 {
        self.from.saturating_add(self.leaves.len() as u64)
    }

    /// All of it is held already, as after an earlier import of the same stick.
    fn is_in(&self, held: &[merkle::Hash]) -> bool {
        let (Ok(from), Ok(end)) = (usize::try_from(self.from), usize::try_from(self.end())) else {
            return false;
        };
        held.get(from..end) == Some(self.leaves.as_slice())
    }
}

pub(super) fn import(
    center: &Center,
    entries: &Folder,
    receipts: &Folder,
    done: &mut Imported,
) -> Result<(), CenterError> {
    let mut ledgers: BTreeMap<[u8; 16], Vec<Piece>> = BTreeMap::new();
    for file in entries.hashes()? {
        match read(entries, &file).and_then(|(id, request)| Ok((id, piece(file, &id, &request)?))) {
            Ok((id, piece)) => ledgers.entry(id).or_default().push(piece),
            Err(code) => done.refuse(ENTRIES, &file, code),
        }
    }
    for (id, mut pieces) in ledgers {
        pieces.sort_by_key(|piece| (piece.end(), piece.from, piece.file));
        let mut taken = BTreeSet::new();
        let mut refused = BTreeSet::new();
        for last in pieces.iter().filter(|piece| piece.checkpoint.is_some()) {
            match run(center, entries, &id, &pieces, last) {
                Ok(answer) => {
                    taken.extend(answer.files);
                    done.new_entries += answer.new;
                    if let Some(note) = answer.cosigned {
                        done.cosigned += 1;
                        done.answer(receipts, note.as_bytes())?;
                    }
                }
                Err(Stop::File(code)) => {
                    refused.insert(last.file);
                    done.refuse(ENTRIES, &last.file, code);
                }
                Err(Stop::Center(error)) => return Err(error),
            }
        }
        let held = leaves_held(&center.database(), &id)?;
        for piece in &pieces {
            let settled = taken.contains(&piece.file) || refused.contains(&piece.file);
            if !settled && !piece.is_in(&held) {
                done.refuse(ENTRIES, &piece.file, "entries.not_covered");
            }
        }
    }
    Ok(())
}

fn read(entries: &Folder, file: &Hash32) -> Result<([u8; 16], EntriesRequest), &'static str> {
    let bytes = entries.read(file, LARGEST_BODY_BYTES as u64)?;
    let request: EntriesRequest =
        fengjuan_envelope::cbor::from_slice(&bytes).map_err(|_| "upstream.malformed")?;
    let id = request
        .ledger_id
        .as_slice()
        .try_into()
        .map_err(|_| "entries.ledger_id")?;
    Ok((id, request))
}

fn piece(file: Hash32, id: &[u8; 16], request: &EntriesRequest) -> Result<Piece, &'static str> {
    incoming(id, request).map_err(|refused| refused.code())?;
    let leaves = request.entries.iter();
    Ok(Piece {
        file,
        from: request.from_seq,
        leaves: leaves.map(|entry| merkle::leaf_hash(entry)).collect(),
        checkpoint: request.checkpoint.clone(),
    })
}

/// What became of one covered run of files.
struct Answer {
    files: Vec<Hash32>,
    new: u64,
    cosigned: Option<String>,
}

/// Takes over the run that `last` ends and its checkpoint covers.
fn run(
    center: &Center,
    entries: &Folder,
    id: &[u8; 16],
    pieces: &[Piece],
    last: &Piece,
) -> Result<Answer, Stop> {
    let conn = &mut *center.database();
    let note = last.checkpoint.as_deref().unwrap_or_default();
    let (device, head) = signer(center, conn, id, note)?;
    if head.size != last.end() {
        return Err(Stop::File("entries.checkpoint"));
    }
    let files = covered(conn, id, pieces, last, &head)?;
    let change = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(CenterError::from)?;
    let before = held(&change, id)?;
    let mut cosigned = None;
    for file in &files {
        // The bytes are read again, and are the same: the name is their hash.
        let (_, request) = read(entries, file).map_err(Stop::File)?;
        let arrived = incoming(id, &request).map_err(of_line)?;
        match entries::take(center, &change, &device, id, &request, &arrived).map_err(of_line)? {
            EntriesReply::Stored { cosigned: note, .. } => cosigned = note,
            EntriesReply::Gap { .. } => return Err(Stop::File("entries.not_covered")),
            EntriesReply::Fork { .. } => {
                // What the device has signed twice is evidence, and stays.
                change.commit().map_err(CenterError::from)?;
                return Err(Stop::File("entries.fork"));
            }
        }
    }
    let new = held(&change, id)? - before;
    change.commit().map_err(CenterError::from)?;
    Ok(Answer {
        files,
        new,
        cosigned,
    })
}

fn of_line(refused: Refused) -> Stop {
    match refused.fault_code() {
        Some(code) => Stop::Center(CenterError::AtFault(code)),
        None => Stop::File(refused.code()),
    }
}

/// The approved device whose signature is on the checkpoint: the one that the ledger is known under, else any.
fn signer(
    center: &Center,
    conn: &Connection,
    id: &[u8; 16],
    text: &str,
) -> Result<(Device, note::Checkpoint), Stop> {
    let origin = center.home().directory().ledger_origin(id);
    let ledgers = Replica::new(conn).ledgers().map_err(CenterError::from)?;
    let known = ledgers.iter().find(|ledger| ledger.ledger_id == *id);
    let known = known.map(|ledger| PublicKey::from_bytes(ledger.identity.device_key));
    for device in device::list(conn)? {
        if known.is_some_and(|key| key != device.sign) {
            continue;
        }
        let Ok(verified) = note::verify(text, &origin, &device.sign, None) else {
            continue;
        };
        if verified.checkpoint.origin != origin {
            break;
        }
        return match device.state {
            DeviceState::Approved | DeviceState::Vouched => Ok((device, verified.checkpoint)),
            DeviceState::Pending => Err(Stop::File("upstream.device_pending")),
            DeviceState::Revoked => Err(Stop::File("upstream.device_revoked")),
        };
    }
    Err(Stop::File("entries.checkpoint"))
}

/// The files of the run, first to last: as few as make, with what is held before them, the root that was signed.
fn covered(
    conn: &Connection,
    id: &[u8; 16],
    pieces: &[Piece],
    last: &Piece,
    head: &note::Checkpoint,
) -> Result<Vec<Hash32>, Stop> {
    let held = leaves_held(conn, id)?;
    let mut files = vec![last];
    loop {
        let first = files[files.len() - 1];
        let prefix = usize::try_from(first.from)
            .ok()
            .and_then(|from| held.get(..from));
        if let Some(prefix) = prefix {
            let mut tree = Frontier::new();
            tree.extend(prefix.iter().copied());
            let run = files.iter().rev();
            tree.extend(run.flat_map(|piece| piece.leaves.iter().copied()));
            if tree.root() == head.root {
                return Ok(files.iter().rev().map(|piece| piece.file).collect());
            }
        }
        // What is held parts from this run, or ends before it: the stick must show what comes before.
        let before = pieces.iter().find(|piece| {
            piece.end() == first.from && piece.from < first.from && piece.checkpoint.is_none()
        });
        match before {
            Some(piece) => files.push(piece),
            None => return Err(Stop::File("entries.not_covered")),
        }
    }
}

fn leaves_held(conn: &Connection, id: &[u8; 16]) -> Result<Vec<merkle::Hash>, CenterError> {
    let size = held(conn, id)?;
    if size == 0 {
        return Ok(Vec::new());
    }
    Ok(Replica::new(conn).leaves(id, size)?)
}

fn held(conn: &Connection, id: &[u8; 16]) -> Result<u64, CenterError> {
    match Replica::new(conn).frontier(id) {
        Ok(frontier) => Ok(frontier.size),
        Err(StoreError::UnknownLedger) => Ok(0),
        Err(error) => Err(error.into()),
    }
}
