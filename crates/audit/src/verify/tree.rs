//! The tree of one ledger, and the roots of it that the device and the witness vouched for.

use super::documents::Documents;
use super::finding::{Detail, Finding, Refusal, Wrong};
use super::layout::{self, Layout, LedgerMembers};
use crate::format::{LedgerHead, hex};
use fengjuan_envelope::merkle::{Frontier, Hash};
use fengjuan_envelope::note;

/// A root that somebody vouched for.
pub(super) struct Vouched {
    size: u64,
    root: Hash,
    by: Wrong,
}

/// What the checkpoints and the roll say of a ledger.
pub(super) struct Vouchers {
    /// By size.
    pub(super) roots: Vec<Vouched>,
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
pub(super) struct Tree {
    frontier: Frontier,
    roots: std::iter::Peekable<std::vec::IntoIter<Vouched>>,
    /// Size of the next root to compare.
    next: u64,
    /// Size of the last root that was right.
    good: u64,
}

impl Tree {
    pub(super) fn new(roots: Vec<Vouched>) -> Result<Tree, Refusal> {
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
    pub(super) fn finish(mut self) -> Result<(), Refusal> {
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
