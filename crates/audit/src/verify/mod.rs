//! The verifier. It believes nothing but the center's public root: every byte of an archive is signed by a key that
//! the root certifies, is a leaf of a tree whose root is so signed, or is made again and compared. Whatever it does
//! not know is red.

mod attempts;
mod checkpoint;
mod documents;
mod finding;
mod gather;
mod hubs;
mod index;
mod layout;
mod ledger;
mod objects;
mod order;
mod tree;

pub(crate) use checkpoint::Signers;
pub(crate) use documents::Documents;
pub(crate) use finding::Refusal;
pub use finding::{Finding, LedgerSummary, NotProven, RollSummary, Summary, Verdict, Wrong};
pub(crate) use layout::Layout;
pub(crate) use objects::check_receipt;

use crate::format::LedgerHead;
use crate::source::ReadAt;
use fengjuan_envelope::sign::PublicKey;
use finding::Detail;
use std::collections::HashSet;

/// How strict to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyOptions {
    /// Entries without a witness, and an archive without its roll, are red.
    pub require_witness: bool,
}

/// Verifies an archive. Memory does not grow with entries, attempts or objects, only a little with ledgers and sittings;
/// what has to be compared across ledgers is sorted in unnamed temporary files.
pub fn verify(archive: &dyn ReadAt, root: &PublicKey, options: &VerifyOptions) -> Verdict {
    match run(archive, root, options) {
        Ok(summary) => Verdict::Green(Box::new(summary)),
        Err(finding) => Verdict::Red(finding),
    }
}

/// Members and documents of an archive, verified; the ledgers are not.
pub(crate) fn opened<'a>(
    archive: &'a dyn ReadAt,
    root: &PublicKey,
) -> Result<(Layout<'a>, Documents), Refusal> {
    let layout = layout::read(archive)?;
    let documents = documents::read(&layout, root)?;
    Ok((layout, documents))
}

/// The heads of an archive's ledgers, in the order of the layout.
pub(crate) fn heads(
    layout: &Layout<'_>,
    documents: &Documents,
) -> Result<Vec<LedgerHead>, Refusal> {
    layout
        .ledgers
        .iter()
        .map(|members| ledger::read_head(layout, documents, members))
        .collect()
}

fn run(
    archive: &dyn ReadAt,
    root: &PublicKey,
    options: &VerifyOptions,
) -> Result<Summary, Refusal> {
    let (layout, documents) = opened(archive, root)?;
    let heads = heads(&layout, &documents)?;
    documents.all_rolled_are_here(&heads)?;
    let mut gathered = gather::Gathered::new(&layout, &documents, &heads)?;
    let mut index = index::IndexCheck::new(&layout);
    let mut ledgers = Vec::with_capacity(heads.len());
    for ((members, head), number) in layout.ledgers.iter().zip(&heads).zip(0..) {
        gathered.ledger(number);
        ledgers.push(ledger::verify(
            &layout,
            &documents,
            members,
            head,
            &mut gathered,
            &mut index,
        )?);
    }
    index.finish()?;
    let hidden: u64 = ledgers
        .iter()
        .map(|ledger| ledger.size - ledger.shown)
        .sum();
    if hidden > 0 && layout.manifest.scope.is_everything() {
        let refusal = Finding::new(Wrong::EntriesHidden).section(crate::format::MANIFEST);
        return Err(refusal.differs(0, hidden));
    }
    let judged = gathered.judge(hidden == 0)?;
    documents.no_forks()?;
    if options.require_witness {
        witnessed(&documents, &ledgers)?;
    }
    let mut not_proven = witness_gaps(&documents, &ledgers);
    let silent = silent_devices(&documents, &heads);
    if silent > 0 {
        not_proven.push(NotProven::SilentDevices { count: silent });
    }
    if hidden > 0 {
        not_proven.push(NotProven::HiddenEntries { count: hidden });
    }
    not_proven.extend(judged.not_proven);
    Ok(Summary {
        center_id: documents.directory.center_id.clone(),
        center_name: documents.directory.center_name.clone(),
        source: layout.manifest.source,
        scope: layout.manifest.scope.clone(),
        made_ms: layout.manifest.made_ms,
        devices: documents.devices.len() as u64,
        sittings: sittings(&documents),
        orders: documents.orders.len() as u64,
        entries: ledgers.iter().map(|ledger| ledger.size).sum(),
        shown: ledgers.iter().map(|ledger| ledger.shown).sum(),
        attempts: judged.attempts,
        snapshots_due: judged.snapshots_due,
        snapshots_failed: judged.snapshots_failed,
        objects: judged.objects,
        receipts: judged.receipts,
        receipts_listed: judged.receipts_listed,
        reports: judged.reports,
        roll: documents.roll.as_ref().map(|roll| RollSummary {
            made_ms: roll.made_ms,
            site: roll.site.clone(),
            sitting_no: roll.sitting_no.clone(),
            ledgers: roll.ledgers.len() as u64,
        }),
        ledgers,
        not_proven,
    })
}

/// Approved devices of which the archive has no ledger.
fn silent_devices(documents: &Documents, heads: &[LedgerHead]) -> u64 {
    let heard: HashSet<_> = heads.iter().map(|head| head.device).collect();
    let silent = documents.devices.keys().filter(|key| !heard.contains(key));
    silent.count() as u64
}

fn sittings(documents: &Documents) -> Vec<String> {
    let mut numbers: Vec<String> = documents
        .sittings
        .iter()
        .map(|document| document.sitting.sitting_no.clone())
        .collect();
    numbers.sort();
    numbers.dedup();
    numbers
}

fn witnessed(documents: &Documents, ledgers: &[LedgerSummary]) -> Result<(), Refusal> {
    if documents.roll.is_none() {
        return Err(Finding::new(Wrong::NoRoll).section(crate::format::ROLL));
    }
    match ledgers.iter().find(|ledger| ledger.witnessed < ledger.size) {
        None => Ok(()),
        Some(ledger) => {
            let mut refusal = Finding::new(Wrong::Unwitnessed).seq(ledger.witnessed);
            refusal.ledger = Some(ledger.ledger.clone());
            refusal.device = Some(ledger.device.clone());
            Err(refusal.differs(ledger.size, ledger.witnessed))
        }
    }
}

fn witness_gaps(documents: &Documents, ledgers: &[LedgerSummary]) -> Vec<NotProven> {
    let mut gaps = Vec::new();
    if documents.roll.is_none() {
        gaps.push(NotProven::Devices);
    }
    let by_hubs = documents.hubs.vouched();
    if by_hubs > 0 {
        gaps.push(NotProven::ByHubsOnly { count: by_hubs });
    }
    let tails = |upto: fn(&LedgerSummary) -> u64| {
        let tails = ledgers
            .iter()
            .map(|ledger| ledger.size - upto(ledger))
            .filter(|count| *count > 0);
        tails.fold((0, 0), |(count, ledgers), tail| (count + tail, ledgers + 1))
    };
    let (count, in_ledgers) = tails(|ledger| ledger.witnessed);
    if count > 0 {
        gaps.push(NotProven::UnwitnessedEntries {
            count,
            ledgers: in_ledgers,
        });
    }
    let (count, in_ledgers) = tails(|ledger| ledger.signed);
    if count > 0 {
        gaps.push(NotProven::UnsignedEntries {
            count,
            ledgers: in_ledgers,
        });
    }
    gaps
}
