//! The tree of one ledger, and the roots of it that the device and the witness vouched for.

use super::checkpoint::Signers;
use super::documents::Documents;
use super::finding::{Detail, Finding, Refusal, Wrong};
use super::layout::{self, Layout, LedgerMembers, refuse_sorting};
use crate::format::{LedgerHead, hex};
use crate::sorted::{Sorted, Sorter};
use fengjuan_envelope::merkle::{Frontier, Hash};

/// Size, voucher, root.
const WIDTH: usize = 8 + 1 + 32;

/// Roots that somebody vouched for, by size.
#[derive(Default)]
pub(super) struct Roots(Sorter<WIDTH>);

/// Whose root it is, and what is wrong where the tree has another.
const VOUCHERS: [Wrong; 3] = [
    Wrong::CheckpointRootDiffers,
    Wrong::RootNotRolled,
    Wrong::RootDiffers,
];
const CHECKPOINT: u8 = 0;
const ROLL: u8 = 1;
const HEAD: u8 = 2;

impl Roots {
    fn add(&mut self, size: u64, by: u8, root: &Hash) -> Result<(), Refusal> {
        let mut record = [0; WIDTH];
        record[..8].copy_from_slice(&size.to_be_bytes());
        record[8] = by;
        record[9..].copy_from_slice(root);
        self.0.push(record).map_err(refuse_sorting)
    }
}

/// A root that somebody vouched for.
struct Vouched {
    size: u64,
    root: Hash,
    by: Wrong,
}

fn next(roots: &mut Sorted<WIDTH>) -> Result<Option<Vouched>, Refusal> {
    let record = roots.next().map_err(refuse_sorting)?;
    Ok(record.map(|record| {
        let (mut size, mut root) = ([0; 8], [0; 32]);
        size.copy_from_slice(&record[..8]);
        root.copy_from_slice(&record[9..]);
        Vouched {
            size: u64::from_be_bytes(size),
            root,
            by: VOUCHERS[usize::from(record[8])],
        }
    }))
}

/// What the checkpoints and the roll say of a ledger.
#[derive(Default)]
pub(super) struct Vouchers {
    pub(super) roots: Roots,
    pub(super) witnessed: u64,
    pub(super) witnessed_at: Option<u64>,
    pub(super) signed: u64,
    pub(super) checkpoints: u64,
}

pub(super) fn vouchers(
    layout: &Layout<'_>,
    documents: &Documents,
    members: &LedgerMembers,
    head: &LedgerHead,
) -> Result<Vouchers, Refusal> {
    let mut all = Vouchers::default();
    let name = &members.checkpoints.name;
    let device = documents.devices.get(&head.device);
    let hubs = device.map_or_else(Vec::new, |device| documents.hubs.witnesses(&device.site));
    let signers = Signers {
        origin: &head.origin,
        device: &head.device,
        witness_name: &documents.directory.witness_name(),
        witness: &documents.directory.witness,
        hubs: &hubs,
    };
    layout::each_record(layout.source, &members.checkpoints, |bytes| {
        let verified = signers
            .read(bytes)
            .map_err(|refusal| refusal.section(name))?;
        let size = verified.checkpoint.size;
        all.checkpoints += 1;
        all.signed = all.signed.max(size);
        if let Some(at) = verified.cosigned {
            // When the largest one was cosigned, and not the last time that any was.
            if size > all.witnessed {
                all.witnessed_at = None;
            }
            if size >= all.witnessed {
                all.witnessed = size;
                all.witnessed_at = all.witnessed_at.max(Some(at));
            }
        }
        all.roots.add(size, CHECKPOINT, &verified.checkpoint.root)
    })?;
    let rolled = documents.roll.iter().flat_map(|roll| &roll.ledgers);
    for line in rolled.filter(|line| line.ledger_id[..] == head.ledger_id[..]) {
        if line.device != head.device {
            let refusal = Finding::new(Wrong::LedgerForeign).section(&members.head.name);
            return Err(refusal.differs(line.device.to_hex(), head.device.to_hex()));
        }
        all.witnessed = all.witnessed.max(line.size);
        all.roots.add(line.size, ROLL, &line.root.0)?;
    }
    all.roots.add(head.size, HEAD, &head.root.0)?;
    Ok(all)
}

/// The tree as it grows, compared with every root that somebody vouched for.
pub(super) struct Tree {
    frontier: Frontier,
    roots: Sorted<WIDTH>,
    /// The next root to compare, and its size.
    vouched: Option<Vouched>,
    next: u64,
    /// Size of the last root that was right.
    good: u64,
}

impl Tree {
    pub(super) fn new(roots: Roots) -> Result<Tree, Refusal> {
        let mut tree = Tree {
            frontier: Frontier::new(),
            roots: roots.0.sorted().map_err(refuse_sorting)?,
            vouched: None,
            next: 0,
            good: 0,
        };
        tree.advance()?;
        tree.compare()?;
        Ok(tree)
    }

    fn advance(&mut self) -> Result<(), Refusal> {
        self.vouched = next(&mut self.roots)?;
        self.next = self.vouched.as_ref().map_or(u64::MAX, |root| root.size);
        Ok(())
    }

    #[inline]
    pub(super) fn append(&mut self, leaf: Hash) -> Result<(), Refusal> {
        self.frontier.append(leaf);
        if self.frontier.size == self.next {
            self.compare()
        } else {
            Ok(())
        }
    }

    #[cold]
    fn compare(&mut self) -> Result<(), Refusal> {
        while let Some(vouched) = &self.vouched
            && vouched.size == self.frontier.size
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
            self.advance()?;
        }
        Ok(())
    }

    /// No root may be left over: each would be of entries that are not here.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        let size = self.frontier.size;
        match self.vouched {
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
