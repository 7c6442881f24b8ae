//! What the terminals' ledgers say of each candidate, in clear: no answer, no question, no score. Read as the replicas
//! grow.

use crate::received::Whereabouts;
use crate::view::room::TileState;
use fengjuan_core::event::{Event, Hash32, OutageCause, PictureUse};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::Device;
use fengjuan_core::room::lease::{AttemptId, LeaseChain};
use fengjuan_store::{LedgerId, LedgerReader, ReplicaReader, StoreError};
use fengjuan_wire::entry::Entry;
use std::collections::{BTreeMap, BTreeSet};

const SLICE: usize = 1_000;

/// One entry of an attempt that a person may see.
pub(super) struct Mark {
    lease: u64,
    ledger_id: LedgerId,
    seq: u64,
    pub at_ms: ExamMs,
    pub event: Event,
}

/// All attempts of which anything is here.
#[derive(Default)]
pub(super) struct Trails {
    read: BTreeMap<LedgerId, u64>,
    marks: BTreeMap<AttemptId, Vec<Mark>>,
    /// Pictures that were taken and of which the center has not said that it has them.
    pictures: BTreeMap<AttemptId, BTreeMap<Hash32, Waiting>>,
    /// By the machines' own word, whichever way it went there.
    receipted: BTreeSet<Hash32>,
}

/// A picture on its way to the center.
#[derive(Clone, Copy)]
struct Waiting {
    device: Device,
    here: bool,
}

/// Pictures of one attempt that are not at the center.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PicturesLeft {
    /// Still at a machine.
    pub away: u32,
    /// Here.
    pub here: u32,
}

/// An outage as the terminal recorded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outage {
    pub outage_no: u32,
    pub cause: OutageCause,
    pub from_ms: ExamMs,
    pub to_ms: ExamMs,
    pub proposed_ms: i64,
}

/// Where a candidate stands by the ledgers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub state: Option<TileState>,
    pub arrival_ms: Option<ExamMs>,
    /// Since when the camera is done, and a member of staff is waited for.
    pub pictured_ms: Option<ExamMs>,
    pub started_ms: Option<ExamMs>,
    pub ends_ms: Option<ExamMs>,
    pub credit_ms: i64,
    pub handed_in: Option<(ExamMs, u32)>,
    /// Not decided yet.
    pub outages: Vec<Outage>,
    pub suspended_by_staff: bool,
    pub bundle: Option<Hash32>,
}

impl Trails {
    /// Reads what was replicated since the last time.
    pub fn refresh(&mut self, replicas: &ReplicaReader) -> Result<(), StoreError> {
        for ledger in replicas.ledgers()? {
            let mut read = self.read.get(&ledger.ledger_id).copied().unwrap_or(0);
            while read < ledger.size {
                let entries = replicas.entries_since(&ledger.ledger_id, read, SLICE)?;
                let Some(last) = entries.last() else { break };
                read = last.seq + 1;
                self.read.insert(ledger.ledger_id, read);
                let device = Hash32(ledger.identity.device_key);
                for stored in &entries {
                    self.take(device, stored.attempt, &stored.bytes);
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, device: Device, attempt: Option<AttemptId>, bytes: &[u8]) {
        let Some(mark) = mark(bytes) else { return };
        if let Event::Receipted { hash, .. } = mark.event {
            self.receipted.insert(hash);
        }
        let Some(attempt) = attempt else { return };
        if let Event::PictureTaken { hash, .. } = mark.event {
            let waiting = Waiting {
                device,
                here: false,
            };
            let pictures = self.pictures.entry(attempt).or_default();
            pictures.insert(hash, waiting);
        }
        if shown(&mark.event) {
            self.marks.entry(attempt).or_default().push(mark);
        }
    }

    /// How far the pictures have come since the last time.
    pub fn pictures_moved(&mut self, whereabouts: impl Fn(&Hash32) -> Whereabouts) {
        let receipted = &self.receipted;
        self.pictures.retain(|_, pictures| {
            pictures.retain(|hash, waiting| match whereabouts(hash) {
                Whereabouts::AtCenter => false,
                Whereabouts::Here => {
                    waiting.here = true;
                    true
                }
                Whereabouts::Missing => !receipted.contains(hash),
            });
            !pictures.is_empty()
        });
    }

    /// Pictures that the center lacks. What a machine still holds that works no more is not waited for.
    pub fn pictures_left(
        &self,
        attempt: &AttemptId,
        works: impl Fn(&Device) -> bool,
    ) -> PicturesLeft {
        let mut left = PicturesLeft::default();
        for waiting in self.pictures.get(attempt).into_iter().flatten() {
            match waiting.1 {
                Waiting { here: true, .. } => left.here += 1,
                Waiting { device, .. } => left.away += u32::from(works(device)),
            }
        }
        left
    }

    /// The entries of an attempt that count, in the order of its leases.
    pub fn of(&self, attempt: &AttemptId, chain: Option<&LeaseChain>) -> Vec<&Mark> {
        let Some(marks) = self.marks.get(attempt) else {
            return Vec::new();
        };
        let place = |mark: &Mark| match chain {
            // What a terminal wrote before anybody sat down is under no lease.
            Some(chain) if mark.lease > 0 => chain.place(mark.lease, &mark.ledger_id, mark.seq),
            _ => Some((mark.lease, mark.seq)),
        };
        let mut counted: Vec<((u64, u64), &Mark)> = marks
            .iter()
            .filter_map(|mark| Some((place(mark)?, mark)))
            .collect();
        counted.sort_by_key(|(place, _)| *place);
        counted.into_iter().map(|(_, mark)| mark).collect()
    }
}

fn mark(bytes: &[u8]) -> Option<Mark> {
    let entry = Entry::decode(bytes).ok()?;
    if entry.sealed {
        return None;
    }
    Some(Mark {
        lease: entry.lease,
        ledger_id: entry.ledger_id,
        seq: entry.seq,
        at_ms: entry.exam_ms.unwrap_or(entry.wall_ms),
        event: entry.event(None).ok()?,
    })
}

/// What belongs into a seat's history.
fn shown(event: &Event) -> bool {
    match event {
        Event::PictureTaken { usage, .. } | Event::PictureFailed { usage, .. } => {
            *usage == PictureUse::CheckIn
        }
        Event::Arrived { .. }
        | Event::Identified { .. }
        | Event::PictureSkipped { .. }
        | Event::PersonConfirmed { .. }
        | Event::NotAdmitted { .. }
        | Event::LateRefused { .. }
        | Event::LateEntryAllowed { .. }
        | Event::Absent { .. }
        | Event::ArrivedNotSeated { .. }
        | Event::RulesAgreed { .. }
        | Event::TutorialDone { .. }
        | Event::AttemptStarted { .. }
        | Event::OutageRecorded { .. }
        | Event::OutageDecided { .. }
        | Event::TimeCredited { .. }
        | Event::Postponed { .. }
        | Event::SuspendedByStaff { .. }
        | Event::ResumedByStaff { .. }
        | Event::HandedIn { .. }
        | Event::Removed { .. }
        | Event::Reopened { .. }
        | Event::LeaseTaken { .. }
        | Event::Fenced { .. }
        | Event::BundleSealed { .. } => true,
        _ => false,
    }
}

impl Told {
    pub fn by(marks: &[&Mark]) -> Told {
        let mut told = Told::default();
        for mark in marks {
            told.person(mark);
            told.attempt(mark);
        }
        told
    }

    /// From the door to the start.
    fn person(&mut self, mark: &Mark) {
        let state = match &mark.event {
            Event::Arrived { arrival_ms, .. } => {
                self.arrival_ms = Some(*arrival_ms);
                match self.state {
                    None => TileState::Arrived,
                    Some(state) => state,
                }
            }
            Event::Identified { .. } => {
                self.arrival_ms.get_or_insert(mark.at_ms);
                TileState::CheckedIn
            }
            Event::PictureTaken { .. } | Event::PictureSkipped { .. } => {
                self.pictured_ms = Some(mark.at_ms);
                return;
            }
            Event::PersonConfirmed { .. } => TileState::Confirmed,
            Event::TutorialDone { .. } => TileState::Waiting,
            Event::NotAdmitted { .. } => TileState::NotAdmitted,
            Event::LateRefused { .. } => TileState::LateRefused,
            // Every machine notes who never sat down at it; only where nobody did it is said of the person.
            Event::Absent { .. } if self.state.is_none() => TileState::Absent,
            Event::ArrivedNotSeated { .. } if self.state == Some(TileState::Arrived) => {
                TileState::ArrivedNotSeated
            }
            _ => return,
        };
        self.state = Some(state);
    }

    fn attempt(&mut self, mark: &Mark) {
        match &mark.event {
            Event::AttemptStarted {
                started_ms,
                ends_ms,
                ..
            } => {
                self.state = Some(TileState::Answering);
                self.started_ms = Some(*started_ms);
                self.ends_ms = Some(*ends_ms);
            }
            Event::TimeCredited { credit_ms, .. } => self.credit(*credit_ms),
            Event::OutageRecorded {
                outage_no,
                cause,
                from_ms,
                to_ms,
                proposed_ms,
            } => self.outages.push(Outage {
                outage_no: *outage_no,
                cause: *cause,
                from_ms: *from_ms,
                to_ms: *to_ms,
                proposed_ms: *proposed_ms,
            }),
            Event::OutageDecided {
                outage_no,
                credit_ms,
                ..
            } => {
                self.outages.retain(|outage| outage.outage_no != *outage_no);
                self.credit(*credit_ms);
            }
            Event::SuspendedByStaff { .. } => self.suspended_by_staff = true,
            Event::ResumedByStaff { .. } => self.suspended_by_staff = false,
            Event::HandedIn {
                answered, at_ms, ..
            } => {
                self.state = Some(TileState::HandedIn);
                self.handed_in = Some((*at_ms, *answered));
            }
            Event::Removed {
                answered, at_ms, ..
            } => {
                self.state = Some(TileState::Removed);
                self.handed_in = Some((*at_ms, *answered));
            }
            Event::Reopened { .. } => {
                self.state = Some(TileState::Answering);
                self.handed_in = None;
                self.bundle = None;
            }
            Event::BundleSealed { hash, .. } => self.bundle = Some(*hash),
            _ => {}
        }
    }

    /// Whether this person's machine seals something for the center.
    pub fn leaves_a_bundle(&self) -> bool {
        let state = matches!(
            self.state,
            Some(
                TileState::NotAdmitted
                    | TileState::LateRefused
                    | TileState::Absent
                    | TileState::ArrivedNotSeated
            )
        );
        state || self.started_ms.is_some() || self.bundle.is_some()
    }

    fn credit(&mut self, credit_ms: i64) {
        self.credit_ms = self.credit_ms.saturating_add(credit_ms);
        self.ends_ms = self
            .ends_ms
            .map(|ends_ms| ends_ms.saturating_add(credit_ms));
    }
}
