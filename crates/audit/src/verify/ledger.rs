//! One ledger, entry by entry: every entry is read whole, stands at its place, fits the catalogue, and is a leaf of
//! the tree whose roots the device and the witness signed.

use super::documents::Documents;
use super::finding::{Detail, Finding, LedgerSummary, Refusal, Wrong};
use super::gather::{Gathered, Place};
use super::index::IndexCheck;
use super::layout::{self, Layout, LedgerMembers, refuse_read};
use super::order::Order;
use super::tree::{Tree, vouchers};
use crate::entries::{Entries, Piece, PieceError};
use crate::format::{self, LedgerHead, hex};
use fengjuan_envelope::merkle::Hash;
use fengjuan_wire::entry::Entry;

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

/// Verifies a ledger whole. What other ledgers and documents must agree with goes into `gathered`.
pub(crate) fn verify(
    layout: &Layout<'_>,
    documents: &Documents,
    members: &LedgerMembers,
    head: &LedgerHead,
    gathered: &mut Gathered<'_>,
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
        checkpoints_left_out: head.checkpoints_left_out,
        first_ms: None,
        last_ms: None,
    };
    index.ledger(head);
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
struct Reading<'v, 'a, 'd> {
    order: Order,
    tree: Tree,
    gathered: &'v mut Gathered<'d>,
    index: &'v mut IndexCheck<'a>,
    summary: &'v mut LedgerSummary,
}

fn entries(
    layout: &Layout<'_>,
    members: &LedgerMembers,
    head: &LedgerHead,
    mut reading: Reading<'_, '_, '_>,
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

impl Reading<'_, '_, '_> {
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
            self.gathered.is_partial(attempt, seq)?;
        }
        if let Some(event) = &event {
            self.gathered.event(
                Place {
                    seq,
                    attempt: entry.attempt,
                    lease: entry.lease,
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
