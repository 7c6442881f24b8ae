//! An attempt in numbers, and what became of the snapshots that were due.

use super::{DueSnapshot, Outline, SnapshotState, each};
use crate::format::LedgerHead;
use crate::verify::{Documents, Layout};
use fengjuan_core::event::{Event, PictureUse};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::snapshot::{self, ScheduleOf};
use std::collections::BTreeSet;

pub(super) fn outline(events: &[Event]) -> Outline {
    let mut outline = Outline::default();
    for event in events {
        match event {
            Event::Identified {
                seat_no,
                sitting_no,
                ..
            } => {
                outline.seat_no = Some(*seat_no);
                outline.sitting_no = Some(sitting_no.clone());
            }
            Event::AttemptStarted {
                sitting_no,
                class_no,
                started_ms,
                ends_ms,
                ..
            } => {
                outline.sitting_no = Some(sitting_no.clone());
                outline.class_no = Some(class_no.clone());
                (outline.started_ms, outline.planned_end_ms) = (Some(*started_ms), Some(*ends_ms));
            }
            Event::OutageRecorded { from_ms, to_ms, .. } => {
                outline.outages += 1;
                outline.outage_ms = outline
                    .outage_ms
                    .saturating_add(to_ms.saturating_sub(*from_ms));
            }
            Event::OutageDecided { credit_ms, .. } | Event::TimeCredited { credit_ms, .. } => {
                outline.credited_ms = outline.credited_ms.saturating_add(*credit_ms);
            }
            Event::Postponed { by_ms, .. } => {
                outline.credited_ms = outline.credited_ms.saturating_add(*by_ms);
            }
            Event::HandedIn { at_ms, .. } => {
                outline.handed_in_ms.get_or_insert(*at_ms);
            }
            _ => {}
        }
    }
    outline
}

pub(super) fn snapshots(
    layout: &Layout<'_>,
    heads: &[LedgerHead],
    documents: &Documents,
    attempt: &[u8; 16],
    events: &[Event],
    outline: &Outline,
) -> Option<Vec<DueSnapshot>> {
    let (sitting_no, started_ms) = (outline.sitting_no.as_ref()?, outline.started_ms?);
    let handed_in = outline.handed_in_ms?;
    if handed_in.checked_sub(started_ms)? > 7 * 24 * 3_600_000 {
        return None;
    }
    let package = events.iter().find_map(|event| match event {
        Event::AttemptStarted { package, .. } => Some(*package),
        _ => None,
    })?;
    let document = documents.sittings.iter().find(|document| {
        document.sitting.sitting_no == *sitting_no
            && document.packages.iter().any(|p| p.hash == package)
    })?;
    let revealed = revealed_seeds(layout, heads);
    let seed = revealed
        .iter()
        .find(|seed| fengjuan_envelope::sha256(*seed) == document.snapshot_seed_hash.0)?;
    let told = told(events);
    let policy = document.sitting.snapshots;
    let of = ScheduleOf {
        seed,
        sitting_no,
        attempt_id: attempt,
        started_ms,
        policy,
    };
    let state = |due_ms: ExamMs| match (told.taken.contains(&due_ms), told.failed.contains(&due_ms))
    {
        (true, _) => SnapshotState::Taken,
        (false, true) => SnapshotState::Failed,
        (false, false) => SnapshotState::Missing,
    };
    let due = snapshot::due(&of, handed_in, &told.outages).into_iter();
    Some(
        due.map(|due| DueSnapshot {
            planned_ms: due.planned_ms,
            due_ms: due.due_ms,
            state: state(due.due_ms),
        })
        .collect(),
    )
}

/// Snapshot seeds that any ledger of the archive reveals.
fn revealed_seeds(layout: &Layout<'_>, heads: &[LedgerHead]) -> BTreeSet<[u8; 32]> {
    let mut revealed = BTreeSet::new();
    for number in 0..heads.len() {
        each(layout, number, |entry| {
            if entry.kind == "app.seed_revealed"
                && let Ok(Event::SeedRevealed { seed, .. }) = entry.event(None)
            {
                revealed.insert(seed.0);
            }
        });
    }
    revealed
}

/// What the attempt's events say of its snapshots, by the moments that were due, and of its outages.
#[derive(Default)]
struct Told {
    taken: BTreeSet<ExamMs>,
    failed: BTreeSet<ExamMs>,
    outages: Vec<(ExamMs, ExamMs)>,
}

fn told(events: &[Event]) -> Told {
    let mut told = Told::default();
    for event in events {
        match event {
            Event::PictureTaken {
                usage: PictureUse::Snapshot,
                due_ms: Some(due_ms),
                ..
            } => {
                told.taken.insert(*due_ms);
            }
            Event::PictureFailed {
                usage: PictureUse::Snapshot,
                due_ms: Some(due_ms),
                ..
            } => {
                told.failed.insert(*due_ms);
            }
            Event::OutageRecorded { from_ms, to_ms, .. } => {
                told.outages.push((*from_ms, *to_ms));
            }
            _ => {}
        }
    }
    told
}
