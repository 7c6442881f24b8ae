//! What happened in one attempt, in order. Without the attempt's key it shows when, not what.

mod outline;

use crate::entries::{Entries, Piece};
use crate::facts;
use crate::format::{LedgerHead, hex};
use crate::index::Kinds;
use crate::source::ReadAt;
use crate::verify::{self, Finding, Layout, Verdict, VerifyOptions};
use fengjuan_core::event::{CATALOGUE, Event, EventClass, EventKind};
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::entry::Entry;
use serde::Serialize;
use std::collections::BTreeMap;

/// Which attempt. Everything that is set must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Hex of the attempt's id, or its beginning.
    pub attempt: Option<String>,
    /// Hex of the hashed ticket, or its beginning.
    pub ticket_hash: Option<String>,
    pub seat_no: Option<u32>,
    pub sitting_no: Option<String>,
}

/// What stands behind a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Under a root that the witness cosigned.
    Witnessed,
    /// Under a root that the device signed.
    Signed,
    /// After the ledger's last signed checkpoint.
    Unsigned,
    /// The archive is red: nothing is proven.
    Unverified,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    pub device: String,
    /// Hex.
    pub ledger: String,
    pub seq: u64,
    /// None where the entry is of the machine and not of the attempt.
    pub attempt_seq: Option<u64>,
    pub exam_ms: Option<i64>,
    pub wall_ms: i64,
    pub kind: String,
    pub zh: &'static str,
    pub en: &'static str,
    pub actor: String,
    /// None where the entry is sealed and no key opened it.
    pub facts: Option<String>,
    pub proof: Proof,
}

/// What became of a snapshot that was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotState {
    Taken,
    Failed,
    Missing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DueSnapshot {
    pub planned_ms: i64,
    pub due_ms: i64,
    pub state: SnapshotState,
}

/// The attempt in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outline {
    pub sitting_no: Option<String>,
    pub class_no: Option<String>,
    pub seat_no: Option<u32>,
    pub started_ms: Option<i64>,
    /// The end that was set at the start, before credits.
    pub planned_end_ms: Option<i64>,
    /// Credits and postponements together.
    pub credited_ms: i64,
    pub outages: u64,
    pub outage_ms: i64,
    pub handed_in_ms: Option<i64>,
    /// Sealed entries that the given key did not open.
    pub unopened: u64,
}

/// One attempt.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// Hex.
    pub attempt: String,
    pub green: bool,
    pub outline: Outline,
    pub rows: Vec<Row>,
    /// None where the seed is not revealed, or the attempt has not ended.
    pub snapshots: Option<Vec<DueSnapshot>>,
    #[serde(skip)]
    pub finding: Option<Finding>,
}

/// Why there is no timeline.
#[derive(Debug)]
pub enum TimelineError {
    /// The archive is so damaged that nothing can be read from it.
    Red(Box<Finding>),
    /// No attempt fits.
    NotFound,
    /// Several fit: their ids in hex.
    Ambiguous(Vec<String>),
}

/// Verifies the archive and gathers one attempt. A red archive is still read as far as it goes, and every row then
/// says that it is not verified.
///
/// # Errors
/// [`TimelineError`].
pub fn timeline(
    archive: &dyn ReadAt,
    root: &PublicKey,
    query: &Query,
    key: Option<&SecretKey>,
) -> Result<Timeline, TimelineError> {
    let verdict = verify::verify(archive, root, &VerifyOptions::default());
    let (layout, documents) = verify::opened(archive, root).map_err(TimelineError::Red)?;
    let heads = verify::heads(&layout, &documents).map_err(TimelineError::Red)?;
    let attempt = find(&layout, &heads, query)?;
    let mut gathering = Gathering {
        verdict: &verdict,
        key,
        attempt,
        events: Vec::new(),
        rows: Vec::new(),
        unopened: 0,
        kinds: Kinds::default(),
    };
    for (number, head) in heads.iter().enumerate() {
        let span = span(&layout, number, &attempt);
        if let Some((first, last)) = span {
            each(&layout, number, |entry| {
                gathering.entry(head, entry, first, last)
            });
        }
    }
    let Gathering {
        events,
        mut rows,
        unopened,
        ..
    } = gathering;
    // Within a ledger the order is the ledger's; between ledgers it is the exam clock's.
    if rows.iter().any(|row| row.ledger != rows[0].ledger) {
        rows.sort_by_key(|row| row.exam_ms.unwrap_or(row.wall_ms));
    }
    let mut outline = outline::outline(&events);
    outline.unopened = unopened;
    let snapshots = outline::snapshots(&layout, &heads, &documents, &attempt, &events, &outline);
    let (green, finding) = match verdict {
        Verdict::Green(_) => (true, None),
        Verdict::Red(finding) => (false, Some(*finding)),
    };
    Ok(Timeline {
        attempt: hex(&attempt),
        green,
        outline,
        rows,
        snapshots,
        finding,
    })
}

/// Every readable entry of a ledger; in a red archive the reading ends where it must.
fn each(layout: &Layout<'_>, number: usize, mut action: impl FnMut(&Entry<'_>)) {
    let mut pieces = Entries::new(layout.source, &layout.ledgers[number].entries);
    while let Ok(Some(piece)) = pieces.next() {
        if let Piece::Record(record) = piece
            && let Ok(entry) = Entry::decode(&record[1..])
        {
            action(&entry);
        }
    }
}

fn find(
    layout: &Layout<'_>,
    heads: &[LedgerHead],
    query: &Query,
) -> Result<[u8; 16], TimelineError> {
    #[derive(Default)]
    struct Candidate {
        ticket: bool,
        seat: bool,
        sitting: bool,
    }
    let starts = |text: &str, wanted: &Option<String>| {
        wanted
            .as_ref()
            .is_none_or(|wanted| text.starts_with(&wanted.to_lowercase()))
    };
    let mut all: BTreeMap<[u8; 16], Candidate> = BTreeMap::new();
    for number in 0..heads.len() {
        each(layout, number, |entry| {
            let Some(attempt) = entry.attempt else { return };
            if !starts(&hex(&attempt), &query.attempt) {
                return;
            }
            let candidate = all.entry(attempt).or_default();
            let identified = entry.kind == "exam.identified"
                || entry.kind == "exam.absent"
                || entry.kind == "exam.arrived_not_seated"
                || entry.kind == "exam.arrived";
            let Some(event) = identified.then(|| entry.event(None).ok()).flatten() else {
                return;
            };
            if let Some(hash) = facts::ticket_hash(&event) {
                candidate.ticket |= starts(&hash.hex(), &query.ticket_hash);
            }
            if let Event::Identified {
                sitting_no,
                seat_no,
                ..
            } = &event
            {
                candidate.seat |= query.seat_no == Some(*seat_no);
                candidate.sitting |= query.sitting_no.as_ref() == Some(sitting_no);
            }
        });
    }
    let fits = |candidate: &Candidate| {
        (query.ticket_hash.is_none() || candidate.ticket)
            && (query.seat_no.is_none() || candidate.seat)
            && (query.sitting_no.is_none() || candidate.sitting)
    };
    let found: Vec<[u8; 16]> = all
        .iter()
        .filter(|(_, candidate)| fits(candidate))
        .map(|(id, _)| *id)
        .collect();
    match found.as_slice() {
        [] => Err(TimelineError::NotFound),
        [one] => Ok(*one),
        several => Err(TimelineError::Ambiguous(
            several.iter().map(|id| hex(id)).collect(),
        )),
    }
}

/// First and last place of the attempt in a ledger.
fn span(layout: &Layout<'_>, number: usize, attempt: &[u8; 16]) -> Option<(u64, u64)> {
    let mut span: Option<(u64, u64)> = None;
    each(layout, number, |entry| {
        if entry.attempt == Some(*attempt) {
            let first = span.map_or(entry.seq, |(first, _)| first);
            span = Some((first, entry.seq));
        }
    });
    span
}

struct Gathering<'a> {
    verdict: &'a Verdict,
    key: Option<&'a SecretKey>,
    attempt: [u8; 16],
    events: Vec<Event>,
    rows: Vec<Row>,
    unopened: u64,
    kinds: Kinds,
}

impl Gathering<'_> {
    fn entry(&mut self, head: &LedgerHead, entry: &Entry<'_>, first: u64, last: u64) {
        let Some(row) = self.kinds.find(entry.kind).map(|kind| &CATALOGUE[kind]) else {
            return;
        };
        let mine = entry.attempt == Some(self.attempt);
        let machine =
            entry.attempt.is_none() && (first..=last).contains(&entry.seq) && is_context(row);
        if !mine && !machine {
            return;
        }
        let event = entry.event(if entry.sealed { self.key } else { None }).ok();
        if entry.sealed && event.is_none() {
            self.unopened += 1;
        }
        self.rows.push(Row {
            device: head.device_name.clone(),
            ledger: hex(&head.ledger_id),
            seq: entry.seq,
            attempt_seq: mine.then_some(entry.attempt_seq),
            exam_ms: entry.exam_ms,
            wall_ms: entry.wall_ms,
            kind: entry.kind.to_owned(),
            zh: row.zh,
            en: row.en,
            actor: entry.actor.to_owned(),
            facts: event.as_ref().map(|event| {
                let mut text = String::new();
                facts::write(event, &mut text);
                text
            }),
            proof: self.proof(head, entry.seq),
        });
        if mine {
            self.events.extend(event);
        }
    }

    fn proof(&self, head: &LedgerHead, seq: u64) -> Proof {
        let Verdict::Green(summary) = self.verdict else {
            return Proof::Unverified;
        };
        let id = hex(&head.ledger_id);
        match summary.ledgers.iter().find(|ledger| ledger.ledger == id) {
            Some(ledger) if seq < ledger.witnessed => Proof::Witnessed,
            Some(ledger) if seq < ledger.signed => Proof::Signed,
            _ => Proof::Unsigned,
        }
    }
}

/// Events of the machine that an attempt's reader wants to see between its own.
fn is_context(row: &EventKind) -> bool {
    matches!(row.class, EventClass::System | EventClass::Exam)
        || matches!(
            row.kind,
            "app.unlocked" | "app.code_refused" | "app.order_received"
        )
}
