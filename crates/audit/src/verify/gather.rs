//! What entries say that other entries, documents or objects must agree with. It is written down as it comes and
//! judged when every ledger has been read; memory is bounded by ledgers and sittings, not by entries, attempts or
//! pictures.

use super::attempts::{self, Attempts, Seeds};
use super::documents::Documents;
use super::finding::{Detail, Finding, NotProven, Refusal, Wrong};
use super::layout::Layout;
use super::objects::{self, Count, Objects};
use crate::format::{LedgerHead, hex};
use fengjuan_core::event::{Event, Hash32, PictureUse};
use fengjuan_core::room::lease::{LeaseCause, LeaseGiven};
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::sitting::SittingDocument;
use std::collections::HashMap;

/// Where an event stands.
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) attempt: Option<[u8; 16]>,
    /// Under which it is written; 0 where there is no attempt.
    pub(crate) lease: u64,
}

/// A ledger's number in the archive and a place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) ledger: u32,
    pub(super) seq: u64,
}

/// Where an entry of an attempt stands, and under which lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Under {
    pub(super) at: At,
    pub(super) lease: u64,
}

/// The ledgers of an archive, for whoever names a place or a device.
pub(super) struct Places {
    ledgers: Vec<(String, String, PublicKey)>,
    /// The first ledger of each device.
    devices: HashMap<PublicKey, u32>,
    numbers: HashMap<[u8; 16], u32>,
}

impl Places {
    fn new(heads: &[LedgerHead]) -> Places {
        let mut devices = HashMap::new();
        for (number, head) in (0..).zip(heads) {
            devices.entry(head.device).or_insert(number);
        }
        let named =
            |head: &LedgerHead| (hex(&head.ledger_id), head.device_name.clone(), head.device);
        Places {
            ledgers: heads.iter().map(named).collect(),
            devices,
            numbers: heads.iter().map(|head| head.ledger_id).zip(0..).collect(),
        }
    }

    /// The number of a ledger; ledgers that are not in the archive share one.
    fn ledger_number(&self, ledger_id: &[u8; 16]) -> u32 {
        self.numbers.get(ledger_id).copied().unwrap_or(u32::MAX)
    }

    /// A number of the device; devices without a ledger here share one.
    pub(super) fn number_of(&self, device: &PublicKey) -> u32 {
        self.devices.get(device).copied().unwrap_or(u32::MAX)
    }

    /// The number of a ledger's device.
    pub(super) fn device_of(&self, ledger: u32) -> Option<u32> {
        let (_, _, device) = self.ledgers.get(ledger as usize)?;
        self.devices.get(device).copied()
    }

    pub(super) fn refuse(&self, wrong: Wrong, at: At) -> Refusal {
        let mut refusal = Finding::new(wrong).seq(at.seq);
        if let Some((ledger, device, _)) = self.ledgers.get(at.ledger as usize) {
            refusal.ledger = Some(ledger.clone());
            refusal.device = Some(device.clone());
        }
        refusal
    }
}

pub(crate) struct Gathered<'d> {
    documents: &'d Documents,
    places: Places,
    /// Number of the ledger that is being read.
    ledger: u32,
    attempts: Attempts,
    objects: Objects,
    seeds: Seeds,
    forks_seen: u64,
}

/// What came out of the judgement of attempts and objects.
#[derive(Default)]
pub(crate) struct Judged {
    pub(crate) attempts: u64,
    pub(crate) snapshots_due: u64,
    pub(crate) snapshots_failed: u64,
    pub(crate) objects: u64,
    pub(crate) receipts: u64,
    pub(crate) receipts_listed: bool,
    pub(crate) reports: u64,
    pub(crate) not_proven: Vec<NotProven>,
}

impl<'d> Gathered<'d> {
    /// Takes up the objects that lie in the archive.
    pub(crate) fn new(
        layout: &Layout<'_>,
        documents: &'d Documents,
        heads: &[LedgerHead],
    ) -> Result<Gathered<'d>, Refusal> {
        let mut gathered = Gathered {
            documents,
            places: Places::new(heads),
            ledger: 0,
            attempts: Attempts::default(),
            objects: Objects::default(),
            seeds: Seeds::new(),
            forks_seen: 0,
        };
        let (objects, places) = (&mut gathered.objects, &gathered.places);
        objects.read(layout, documents, places)?;
        objects.read_reports(layout, documents, places)?;
        Ok(gathered)
    }

    /// What follows is of the ledger with this number.
    pub(crate) fn ledger(&mut self, number: u32) {
        self.ledger = number;
    }

    pub(crate) fn is_partial(&mut self, attempt: &[u8; 16], seq: u64) -> Result<(), Refusal> {
        let under = Under {
            at: self.at(seq),
            lease: 0,
        };
        self.attempts.add(attempt, under, &attempts::Fact::Partial)
    }

    fn at(&self, seq: u64) -> At {
        At {
            ledger: self.ledger,
            seq,
        }
    }

    pub(crate) fn event(&mut self, place: Place, event: &Event) -> Result<(), Refusal> {
        let at = self.at(place.seq);
        match event {
            Event::SeedRevealed { sitting_no, seed } => self.seed(sitting_no, &seed.0)?,
            Event::Receipted { hash, receipt } => {
                let fact = objects::Fact::Receipted(at, *receipt);
                self.objects.add(hash, &fact)?;
            }
            Event::EquipmentChecked { report, .. } => {
                self.objects.add(report, &objects::Fact::Report(at))?;
            }
            Event::ForkSeen { .. } => self.forks_seen += 1,
            Event::LeaseGiven { given } => self.lease_given(at, given)?,
            Event::OrderReceived { order, .. }
            | Event::Postponed {
                order: Some(order), ..
            }
            | Event::TimeCredited {
                order: Some(order), ..
            } => self.objects.add(order, &objects::Fact::Order)?,
            _ => {}
        }
        match &place.attempt {
            Some(attempt) => {
                let lease = place.lease;
                self.of_attempt(Under { at, lease }, attempt, event)
            }
            None => Ok(()),
        }
    }

    /// What a station wrote of a lease. One that it only learned of from a terminal proves nothing.
    fn lease_given(&mut self, at: At, given: &LeaseGiven) -> Result<(), Refusal> {
        let of_ledger = self.places.ledgers.get(self.ledger as usize);
        let by_hub = of_ledger.is_some_and(|(_, _, device)| self.documents.hubs.is_hub(device));
        if !by_hub || given.lease <= 1 || given.cause == LeaseCause::Learned {
            return Ok(());
        }
        let fact = attempts::Fact::LeaseGiven {
            lease: given.lease,
            holder: self.places.ledger_number(&given.ledger_id),
            carry: attempts::digest(&given.carry),
        };
        let under = Under { at, lease: 0 };
        self.attempts.add(&given.attempt, under, &fact)
    }

    fn of_attempt(&mut self, under: Under, id: &[u8; 16], event: &Event) -> Result<(), Refusal> {
        let at = under.at;
        let fact = match event {
            Event::LeaseTaken { lease, carry, .. } => {
                let taken = attempts::Fact::LeaseTaken(*lease, attempts::digest(carry));
                self.attempts.add(id, under, &taken)?;
                for point in carry {
                    let carried = attempts::Fact::CarriedOn {
                        by: *lease,
                        ledger: self.places.ledger_number(&point.ledger_id),
                        lease: point.lease,
                        size: point.size,
                    };
                    self.attempts.add(id, under, &carried)?;
                }
                return Ok(());
            }
            Event::BundleSealed { hash, .. } => {
                return self.objects.add(hash, &objects::Fact::Bundle(at));
            }
            Event::AttemptStarted {
                sitting_no,
                class_no,
                package,
                started_ms,
                ..
            } => {
                let document = self.document(sitting_no, class_no, package)?;
                self.covered(document, *started_ms)?;
                attempts::Fact::Started {
                    document,
                    started_ms: *started_ms,
                }
            }
            Event::OutageRecorded { from_ms, to_ms, .. } => {
                attempts::Fact::Outage(*from_ms, *to_ms)
            }
            Event::HandedIn { at_ms, .. } => attempts::Fact::HandedIn(*at_ms),
            Event::PictureTaken {
                usage,
                hash,
                due_ms,
                ..
            } => {
                self.objects.add(hash, &objects::Fact::Named)?;
                match (usage, due_ms) {
                    (PictureUse::Snapshot, Some(due_ms)) => attempts::Fact::Taken(*due_ms),
                    _ => return Ok(()),
                }
            }
            Event::PictureFailed {
                usage: PictureUse::Snapshot,
                due_ms: Some(due_ms),
                ..
            } => attempts::Fact::Failed(*due_ms),
            _ => return Ok(()),
        };
        self.attempts.add(id, under, &fact)
    }

    /// An attempt at a device that only a hub vouches for must be one that the hub might run.
    fn covered(&self, document: u32, started_ms: i64) -> Result<(), Refusal> {
        let of_ledger = self.places.ledgers.get(self.ledger as usize);
        let sitting = self.documents.sittings.get(document as usize);
        let (Some((_, _, device)), Some(document)) = (of_ledger, sitting) else {
            return Ok(());
        };
        let room_no = &document.sitting.room_no;
        if self.documents.hubs.covers(device, room_no, started_ms) {
            return Ok(());
        }
        Err(Finding::new(Wrong::BeyondDelegation).found(room_no))
    }

    /// A revealed seed must be one that a signed sitting committed to.
    fn seed(&mut self, sitting_no: &str, seed: &[u8; 32]) -> Result<(), Refusal> {
        let hash = fengjuan_envelope::sha256(seed);
        let mut committed = self.documents.sittings_of(sitting_no).peekable();
        let Some((_, first)) = committed.peek() else {
            return Err(Finding::new(Wrong::SittingMissing).differs(sitting_no, "—"));
        };
        let expected = first.snapshot_seed_hash;
        if !committed.any(|(_, document)| document.snapshot_seed_hash.0 == hash) {
            return Err(Finding::new(Wrong::SeedWrong).differs(expected.hex(), hex(&hash)));
        }
        self.seeds.insert(hash, *seed);
        Ok(())
    }

    /// The number of the signed sitting whose package an attempt was drawn from.
    fn document(&self, sitting_no: &str, class_no: &str, package: &Hash32) -> Result<u32, Refusal> {
        let mut candidates = self.documents.sittings_of(sitting_no).peekable();
        if candidates.peek().is_none() {
            return Err(Finding::new(Wrong::SittingMissing).differs(sitting_no, "—"));
        }
        let has_package = |document: &SittingDocument| {
            let mut packages = document.packages.iter();
            packages.any(|held| held.class_no == class_no && held.hash == *package)
        };
        let found = candidates.find(|(_, document)| has_package(document));
        found
            .map(|(number, _)| number)
            .ok_or_else(|| Finding::new(Wrong::PackageUnknown).differs(sitting_no, package.hex()))
    }

    /// Everything that needs all ledgers. `whole` is true where no entry is hidden.
    pub(crate) fn judge(self, whole: bool) -> Result<Judged, Refusal> {
        let Count {
            objects,
            receipts,
            reports,
            listed,
        } = self.objects.count;
        let mut judged = Judged {
            objects,
            receipts,
            receipts_listed: listed,
            reports,
            ..Judged::default()
        };
        let (documents, places) = (self.documents, &self.places);
        self.attempts
            .judge(&documents.sittings, &self.seeds, places, &mut judged)?;
        self.objects.judge(documents, places, whole, &mut judged)?;
        if self.forks_seen > 0 {
            judged.not_proven.push(NotProven::ForksSeenByDevices {
                count: self.forks_seen,
            });
        }
        Ok(judged)
    }
}
