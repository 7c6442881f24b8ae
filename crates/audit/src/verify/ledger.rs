//! One ledger, entry by entry: every entry is read whole, stands at its place, fits the catalogue, and is a leaf of
//! the tree whose roots the device and the witness signed.

use super::documents::Documents;
use super::finding::{Detail, Finding, LedgerSummary, Refusal, Wrong};
use super::gather::{Gathered, Place};
use super::index::IndexCheck;
use super::layout::{self, Layout, LedgerMembers, refuse_read};
use crate::entries::{Entries, Piece, PieceError};
use crate::format::{self, LedgerHead, hex};
use crate::index::Kinds;
use fengjuan_core::event::CATALOGUE;
use fengjuan_envelope::merkle::{Frontier, Hash};
use fengjuan_envelope::note;
use fengjuan_wire::entry::Entry;
use std::collections::{HashMap, HashSet};

/// Entries are stamped before they wait for the writer, so that one may stand after another that was stamped a
/// little later. No wait is longer than this.
const LONGEST_WAIT_MS: i64 = 60_000;

/// Reads a ledger's head and whose it is.
pub(crate) fn read_head(
    layout: &Layout<'_>,
    documents: &Documents,
    members: &LedgerMembers,
) -> Result<LedgerHead, Refusal> {
    let name = &members.head.name;
    let refusal = |wrong| Finding::new(wrong).section(name);
    let bytes = layout::small(layout.source, &members.head)?;
    let head: LedgerHead = fengjuan_envelope::cbor::from_slice(&bytes)
        .map_err(|error| refusal(Wrong::LedgerMalformed).found(error))?;
    if *name != format!("{}/ledger.cbor", format::ledger_folder(&head.ledger_id)) {
        return Err(refusal(Wrong::LedgerForeign).found(hex(&head.ledger_id)));
    }
    let origin = documents.directory.ledger_origin(&head.ledger_id);
    if head.origin != origin {
        return Err(refusal(Wrong::LedgerForeign).differs(origin, &head.origin));
    }
    match documents.devices.get(&head.device) {
        None => Err(refusal(Wrong::DeviceNotCertified).found(head.device.to_hex())),
        Some(certificate) if certificate.device_name != head.device_name => {
            Err(refusal(Wrong::LedgerForeign).differs(&certificate.device_name, &head.device_name))
        }
        Some(_) => Ok(head),
    }
}

/// A root that somebody vouched for.
struct Vouched {
    size: u64,
    root: Hash,
    by: Wrong,
}

/// What the checkpoints and the roll say of a ledger.
struct Vouchers {
    /// By size.
    roots: Vec<Vouched>,
    witnessed: u64,
    witnessed_at: Option<u64>,
    signed: u64,
    checkpoints: u64,
}

fn vouchers(
    layout: &Layout<'_>,
    documents: &Documents,
    members: &LedgerMembers,
    head: &LedgerHead,
) -> Result<Vouchers, Refusal> {
    let mut all = Vouchers {
        roots: Vec::new(),
        witnessed: 0,
        witnessed_at: None,
        signed: 0,
        checkpoints: 0,
    };
    let name = &members.checkpoints.name;
    let witness_name = documents.directory.witness_name();
    layout::each_record(layout.source, &members.checkpoints, |bytes| {
        let refusal = |wrong| {
            Finding::new(wrong)
                .section(name)
                .found(format!("checkpoint {}", all.checkpoints))
        };
        let text = std::str::from_utf8(bytes).map_err(|_| refusal(Wrong::CheckpointInvalid))?;
        // The first line says whose log it is; a foreign one is named as that and not as badly signed.
        let origin = text.lines().next().unwrap_or_default();
        if origin != head.origin {
            return Err(refusal(Wrong::CheckpointForeign).differs(&head.origin, origin));
        }
        let witness = (witness_name.as_str(), &documents.directory.witness);
        let verified = note::verify(text, &head.origin, &head.device, Some(witness))
            .map_err(|error| refusal(Wrong::CheckpointInvalid).differs(&head.origin, error))?;
        let signatures = text
            .lines()
            .filter(|line| line.starts_with('\u{2014}'))
            .count();
        let known = 1 + usize::from(verified.cosigned.is_some());
        if signatures != known || !verified.checkpoint.extension.is_empty() {
            return Err(refusal(Wrong::CheckpointInvalid).differs(known, signatures));
        }
        let (size, root) = (verified.checkpoint.size, verified.checkpoint.root);
        all.checkpoints += 1;
        all.signed = all.signed.max(size);
        if verified.cosigned.is_some() && size >= all.witnessed {
            all.witnessed = size;
            all.witnessed_at = all.witnessed_at.max(verified.cosigned);
        }
        all.roots.push(Vouched {
            size,
            root,
            by: Wrong::CheckpointRootDiffers,
        });
        Ok(())
    })?;
    let rolled = documents.roll.iter().flat_map(|roll| &roll.ledgers);
    for line in rolled.filter(|line| line.ledger_id[..] == head.ledger_id[..]) {
        if line.device != head.device {
            let refusal = Finding::new(Wrong::LedgerForeign).section(&members.head.name);
            return Err(refusal.differs(line.device.to_hex(), head.device.to_hex()));
        }
        all.witnessed = all.witnessed.max(line.size);
        all.roots.push(Vouched {
            size: line.size,
            root: line.root.0,
            by: Wrong::RootNotRolled,
        });
    }
    all.roots.push(Vouched {
        size: head.size,
        root: head.root.0,
        by: Wrong::RootDiffers,
    });
    all.roots.sort_by_key(|vouched| vouched.size);
    Ok(all)
}

/// The tree as it grows, compared with every root that somebody vouched for.
struct Tree {
    frontier: Frontier,
    roots: std::iter::Peekable<std::vec::IntoIter<Vouched>>,
    /// Size of the next root to compare.
    next: u64,
    /// Size of the last root that was right.
    good: u64,
}

impl Tree {
    fn new(roots: Vec<Vouched>) -> Result<Tree, Refusal> {
        let mut roots = roots.into_iter().peekable();
        let next = roots.peek().map_or(u64::MAX, |vouched| vouched.size);
        let mut tree = Tree {
            frontier: Frontier::new(),
            roots,
            next,
            good: 0,
        };
        tree.compare()?;
        Ok(tree)
    }

    #[inline]
    fn append(&mut self, leaf: Hash) -> Result<(), Refusal> {
        self.frontier.append(leaf);
        if self.frontier.size == self.next {
            self.compare()
        } else {
            Ok(())
        }
    }

    #[cold]
    fn compare(&mut self) -> Result<(), Refusal> {
        while let Some(vouched) = self
            .roots
            .next_if(|vouched| vouched.size == self.frontier.size)
        {
            let root = self.frontier.root();
            if root != vouched.root {
                let refusal = Finding::new(vouched.by).seq(self.good);
                return Err(refusal.differs(
                    format!("{} @{}", hex(&vouched.root), vouched.size),
                    format!("{} @{}", hex(&root), vouched.size),
                ));
            }
            self.good = vouched.size;
        }
        self.next = self.roots.peek().map_or(u64::MAX, |vouched| vouched.size);
        Ok(())
    }

    /// No root may be left over: each would be of entries that are not here.
    fn finish(mut self) -> Result<(), Refusal> {
        let size = self.frontier.size;
        match self.roots.next() {
            None => Ok(()),
            Some(vouched) => {
                let wrong = match vouched.by {
                    Wrong::RootNotRolled => Wrong::ShorterThanRoll,
                    Wrong::CheckpointRootDiffers => Wrong::CheckpointBeyondEnd,
                    _ => Wrong::SizeDiffers,
                };
                Err(Finding::new(wrong).seq(size).differs(vouched.size, size))
            }
        }
    }
}

/// Where an attempt's numbering stands in this ledger.
struct Numbering {
    next: u64,
    /// Hidden entries of the ledger when it was last seen.
    hidden: u64,
}

/// Judges the headers in their order.
struct Order {
    ledger_id: [u8; 16],
    kinds: Kinds,
    seq: u64,
    hidden: u64,
    boot: Option<[u8; 16]>,
    latest_boot_ms: i64,
    boots: HashSet<[u8; 16]>,
    /// Numbers in `numberings`.
    attempts: HashMap<[u8; 16], usize>,
    numberings: Vec<Numbering>,
    last: Option<([u8; 16], usize)>,
}

impl Order {
    fn new(ledger_id: [u8; 16]) -> Order {
        Order {
            ledger_id,
            kinds: Kinds::default(),
            seq: 0,
            hidden: 0,
            boot: None,
            latest_boot_ms: i64::MIN,
            boots: HashSet::new(),
            attempts: HashMap::new(),
            numberings: Vec::new(),
            last: None,
        }
    }

    /// The entry's row number in the catalogue, and whether entries of its attempt are hidden before it.
    #[inline]
    fn judge(&mut self, entry: &Entry<'_>) -> Result<(usize, bool), Refusal> {
        if entry.ledger_id != self.ledger_id {
            return Err(Finding::new(Wrong::EntryForeign)
                .differs(hex(&self.ledger_id), hex(&entry.ledger_id)));
        }
        if entry.seq != self.seq {
            return Err(Finding::new(Wrong::SeqBroken).differs(self.seq, entry.seq));
        }
        let kind = self
            .kinds
            .find(entry.kind)
            .ok_or_else(|| Finding::new(Wrong::KindUnknown).found(entry.kind))?;
        let row = &CATALOGUE[kind];
        if row.class as u8 != entry.class
            || row.sealed != entry.sealed
            || (entry.sealed && entry.attempt.is_none())
        {
            return Err(Finding::new(Wrong::NotAsCatalogued).found(entry.kind));
        }
        if !is_actor(entry.actor) {
            return Err(Finding::new(Wrong::ActorUnknown).found(entry.actor));
        }
        self.time(entry)?;
        Ok((kind, self.number(entry)?))
    }

    #[inline]
    fn time(&mut self, entry: &Entry<'_>) -> Result<(), Refusal> {
        if self.boot != Some(entry.boot_id) {
            if !self.boots.insert(entry.boot_id) {
                return Err(Finding::new(Wrong::BootReturned).found(hex(&entry.boot_id)));
            }
            (self.boot, self.latest_boot_ms) = (Some(entry.boot_id), entry.boot_ms);
        }
        if entry.boot_ms < self.latest_boot_ms.saturating_sub(LONGEST_WAIT_MS) {
            let refusal = Finding::new(Wrong::TimeBack);
            return Err(refusal.differs(format!("≥ {}", self.latest_boot_ms), entry.boot_ms));
        }
        self.latest_boot_ms = self.latest_boot_ms.max(entry.boot_ms);
        Ok(())
    }

    #[inline]
    fn number(&mut self, entry: &Entry<'_>) -> Result<bool, Refusal> {
        let broken = |expected: u64| {
            Finding::new(Wrong::AttemptSeqBroken).differs(expected, entry.attempt_seq)
        };
        let Some(attempt) = entry.attempt else {
            return if entry.attempt_seq == 0 {
                Ok(false)
            } else {
                Err(broken(0))
            };
        };
        let number = match self.last {
            // Neighbours are mostly of one attempt.
            Some((last, number)) if last == attempt => number,
            _ => {
                let new = self.numberings.len();
                let number = *self.attempts.entry(attempt).or_insert(new);
                if number == new {
                    self.numberings.push(Numbering { next: 0, hidden: 0 });
                }
                self.last = Some((attempt, number));
                number
            }
        };
        let numbering = &mut self.numberings[number];
        // Entries that an archive of a range leaves out may account for a gap, but only for as many.
        let room = self.hidden - numbering.hidden;
        let gap = entry
            .attempt_seq
            .checked_sub(numbering.next)
            .filter(|gap| *gap <= room);
        let gap = gap.ok_or_else(|| broken(numbering.next))?;
        *numbering = Numbering {
            next: entry.attempt_seq.saturating_add(1),
            hidden: self.hidden,
        };
        Ok(gap > 0)
    }
}

fn is_actor(actor: &str) -> bool {
    match actor {
        "system" | "candidate" | "center" => true,
        _ => actor
            .strip_prefix("staff:")
            .is_some_and(|id| !id.is_empty()),
    }
}

/// Verifies a ledger whole. What other ledgers and documents must agree with goes into `gathered`.
pub(crate) fn verify(
    layout: &Layout<'_>,
    documents: &Documents,
    members: &LedgerMembers,
    head: &LedgerHead,
    gathered: &mut Gathered,
    index: &mut IndexCheck<'_>,
) -> Result<LedgerSummary, Refusal> {
    let named = |mut refusal: Refusal| {
        refusal.ledger = Some(hex(&head.ledger_id));
        refusal.device = Some(head.device_name.clone());
        refusal
    };
    let vouchers = vouchers(layout, documents, members, head).map_err(named)?;
    let site = documents
        .devices
        .get(&head.device)
        .map_or_else(String::new, |device| device.site.clone());
    let mut summary = LedgerSummary {
        ledger: hex(&head.ledger_id),
        device: head.device_name.clone(),
        site,
        size: head.size,
        shown: 0,
        witnessed: vouchers.witnessed,
        witnessed_at: vouchers.witnessed_at,
        signed: vouchers.signed.max(vouchers.witnessed),
        checkpoints: vouchers.checkpoints,
        first_ms: None,
        last_ms: None,
    };
    index.ledger(head);
    gathered.ledger(head);
    let reading = Reading {
        order: Order::new(head.ledger_id),
        tree: Tree::new(vouchers.roots).map_err(named)?,
        gathered,
        index,
        summary: &mut summary,
    };
    entries(layout, members, head, reading).map_err(named)?;
    Ok(summary)
}

/// Everything that one ledger's entries pass through.
struct Reading<'v, 'a> {
    order: Order,
    tree: Tree,
    gathered: &'v mut Gathered,
    index: &'v mut IndexCheck<'a>,
    summary: &'v mut LedgerSummary,
}

fn entries(
    layout: &Layout<'_>,
    members: &LedgerMembers,
    head: &LedgerHead,
    mut reading: Reading<'_, '_>,
) -> Result<(), Refusal> {
    let name = &members.entries.name;
    let named = |mut refusal: Refusal, seq: Option<u64>| {
        refusal.section.get_or_insert_with(|| name.clone());
        refusal.seq = refusal.seq.or(seq);
        refusal
    };
    let mut pieces = Entries::new(layout.source, &members.entries);
    loop {
        let seq = reading.order.seq;
        let piece = pieces.next().map_err(|error| match error {
            PieceError::Read(error) => named(refuse_read(error, name), Some(seq)),
            PieceError::Malformed(length) => named(
                Finding::new(Wrong::EntryUnreadable).found(length),
                Some(seq),
            ),
        })?;
        match piece {
            None => break,
            Some(Piece::Record(record)) => reading
                .record(record)
                .map_err(|refusal| named(refusal, Some(seq)))?,
            Some(Piece::Hidden(leaves)) => reading
                .hidden(leaves)
                .map_err(|refusal| named(refusal, None))?,
        }
    }
    let size = reading.order.seq;
    if size > head.size {
        return Err(named(
            Finding::new(Wrong::SizeDiffers).differs(head.size, size),
            Some(head.size),
        ));
    }
    reading
        .tree
        .finish()
        .map_err(|refusal| named(refusal, None))
}

impl Reading<'_, '_> {
    fn hidden(&mut self, leaves: &[Hash]) -> Result<(), Refusal> {
        for leaf in leaves {
            self.tree.append(*leaf)?;
        }
        self.order.seq += leaves.len() as u64;
        self.order.hidden += leaves.len() as u64;
        Ok(())
    }

    #[inline]
    fn record(&mut self, record: &[u8]) -> Result<(), Refusal> {
        let seq = self.order.seq;
        let entry = Entry::decode(&record[1..])
            .map_err(|error| Finding::new(Wrong::EntryUnreadable).found(error))?;
        let (kind, hidden_before) = self.order.judge(&entry)?;
        let event = if entry.sealed {
            None
        } else {
            let event = entry.event(None);
            Some(event.map_err(|error| Finding::new(Wrong::BodyUnreadable).found(error))?)
        };
        if let Some(attempt) = &entry.attempt
            && hidden_before
        {
            self.gathered.is_partial(attempt);
        }
        if let Some(event) = &event {
            self.gathered.event(
                Place {
                    seq,
                    attempt: entry.attempt,
                },
                event,
            )?;
        }
        // A record begins with the prefix of a leaf, so that its plain hash is the leaf's.
        self.tree.append(fengjuan_envelope::sha256(record))?;
        self.index.line(&entry, kind, event.as_ref())?;
        self.summary.first_ms.get_or_insert(entry.wall_ms);
        self.summary.last_ms = Some(entry.wall_ms);
        self.summary.shown += 1;
        self.order.seq += 1;
        Ok(())
    }
}
