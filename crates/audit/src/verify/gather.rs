//! What entries say that other entries, documents or objects must agree with. Memory is bounded by attempts and
//! pictures, not by entries.

use super::documents::Documents;
use super::finding::{Detail, Finding, NotProven, Refusal, Wrong};
use crate::format::{LedgerHead, hex};
use crate::index::beijing;
use fengjuan_core::event::{Event, Hash32, PictureUse};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::snapshot::{self, ScheduleOf};
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::sitting::SittingDocument;
use std::collections::{BTreeMap, HashMap, HashSet};

/// No attempt lasts longer; a ledger that says so would have the verifier compute moments for ever.
const LONGEST_ATTEMPT_MS: i64 = 7 * 24 * 3_600_000;

/// Where an event stands.
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) attempt: Option<[u8; 16]>,
}

/// A ledger's name and a place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    ledger: usize,
    seq: u64,
}

struct Started {
    at: At,
    sitting_no: String,
    class_no: String,
    package: Hash32,
    started_ms: ExamMs,
}

#[derive(Default)]
struct Attempt {
    started: Option<Started>,
    outages: Vec<(ExamMs, ExamMs)>,
    taken: HashSet<ExamMs>,
    failed: HashSet<ExamMs>,
    /// The first hand-in: between it and a reopening by order nothing is due, and after it nothing is judged.
    handed_in: Option<ExamMs>,
    partial: bool,
}

struct Seed {
    at: At,
    sitting_no: String,
    seed: [u8; 32],
}

#[derive(Default)]
pub(crate) struct Gathered {
    ledgers: Vec<(String, String, PublicKey)>,
    attempts: BTreeMap<[u8; 16], Attempt>,
    seeds: Vec<Seed>,
    /// Bundles by hash, with the ledger that names them.
    bundles: HashMap<Hash32, At>,
    /// Pictures and reports that a ledger names.
    named: HashSet<Hash32>,
    /// Receipts that a device verified: of which object, and their own hash.
    receipted: HashMap<Hash32, (At, Hash32)>,
    orders: HashSet<Hash32>,
    forks_seen: u64,
}

/// What came out of the judgement of attempts and objects.
#[derive(Default)]
pub(crate) struct Judged {
    pub(crate) attempts: u64,
    pub(crate) snapshots_due: u64,
    pub(crate) snapshots_failed: u64,
    pub(crate) not_proven: Vec<NotProven>,
}

impl Gathered {
    pub(crate) fn ledger(&mut self, head: &LedgerHead) {
        self.ledgers
            .push((hex(&head.ledger_id), head.device_name.clone(), head.device));
    }

    pub(crate) fn is_partial(&mut self, attempt: &[u8; 16]) {
        self.attempts.entry(*attempt).or_default().partial = true;
    }

    pub(crate) fn event(&mut self, place: Place, event: &Event) -> Result<(), Refusal> {
        let at = At {
            ledger: self.ledgers.len().saturating_sub(1),
            seq: place.seq,
        };
        match event {
            Event::SeedRevealed { sitting_no, seed } => {
                self.seeds.push(Seed {
                    at,
                    sitting_no: sitting_no.clone(),
                    seed: seed.0,
                });
            }
            Event::Receipted { hash, receipt } => {
                self.receipted.entry(*hash).or_insert((at, *receipt));
            }
            Event::EquipmentChecked { report, .. } => {
                self.named.insert(*report);
            }
            Event::ForkSeen { .. } => self.forks_seen += 1,
            Event::OrderReceived { order, .. }
            | Event::Postponed {
                order: Some(order), ..
            }
            | Event::TimeCredited {
                order: Some(order), ..
            } => {
                self.orders.insert(*order);
            }
            _ => {}
        }
        match place.attempt {
            Some(attempt) => self.of_attempt(at, attempt, event),
            None => Ok(()),
        }
    }

    fn of_attempt(&mut self, at: At, id: [u8; 16], event: &Event) -> Result<(), Refusal> {
        if let Event::BundleSealed { hash, .. } = event {
            self.bundles.entry(*hash).or_insert(at);
            return Ok(());
        }
        let attempt = self.attempts.entry(id).or_default();
        match event {
            Event::AttemptStarted {
                sitting_no,
                class_no,
                package,
                started_ms,
                ..
            } => {
                if attempt.started.is_some() {
                    return Err(Finding::new(Wrong::AttemptStartedTwice).found(hex(&id)));
                }
                attempt.started = Some(Started {
                    at,
                    sitting_no: sitting_no.clone(),
                    class_no: class_no.clone(),
                    package: *package,
                    started_ms: *started_ms,
                });
            }
            Event::OutageRecorded { from_ms, to_ms, .. } => {
                attempt.outages.push((*from_ms, *to_ms))
            }
            Event::HandedIn { at_ms, .. } => {
                attempt.handed_in.get_or_insert(*at_ms);
            }
            Event::PictureTaken {
                usage,
                hash,
                due_ms,
                ..
            } => {
                self.named.insert(*hash);
                if let (PictureUse::Snapshot, Some(due_ms)) = (usage, due_ms) {
                    attempt.taken.insert(*due_ms);
                }
            }
            Event::PictureFailed {
                usage: PictureUse::Snapshot,
                due_ms: Some(due_ms),
                ..
            } => {
                attempt.failed.insert(*due_ms);
            }
            _ => {}
        }
        Ok(())
    }

    fn refuse(&self, wrong: Wrong, at: At) -> Refusal {
        let mut refusal = Finding::new(wrong).seq(at.seq);
        if let Some((ledger, device, _)) = self.ledgers.get(at.ledger) {
            refusal.ledger = Some(ledger.clone());
            refusal.device = Some(device.clone());
        }
        refusal
    }

    /// Everything that needs all ledgers. `whole` is true where no entry is hidden.
    pub(crate) fn judge(&self, documents: &Documents, whole: bool) -> Result<Judged, Refusal> {
        let mut judged = Judged::default();
        self.judge_attempts(documents, &mut judged)?;
        self.judge_objects(documents, whole, &mut judged)?;
        let missing = self.orders.difference(&documents.orders).count() as u64;
        if missing > 0 {
            judged
                .not_proven
                .push(NotProven::OrdersMissing { count: missing });
        }
        if self.forks_seen > 0 {
            judged.not_proven.push(NotProven::ForksSeenByDevices {
                count: self.forks_seen,
            });
        }
        Ok(judged)
    }

    /// The revealed seeds by their hashes; each must be one that a signed sitting committed to.
    fn seeds(&self, documents: &Documents) -> Result<HashMap<[u8; 32], [u8; 32]>, Refusal> {
        let mut seeds = HashMap::new();
        for revealed in &self.seeds {
            let of_sitting =
                |document: &&SittingDocument| document.sitting.sitting_no == revealed.sitting_no;
            let mut committed = documents.sittings.iter().filter(of_sitting).peekable();
            let Some(first) = committed.peek() else {
                return Err(self
                    .refuse(Wrong::SittingMissing, revealed.at)
                    .differs(&revealed.sitting_no, "—"));
            };
            let expected = first.snapshot_seed_hash;
            let hash = fengjuan_envelope::sha256(&revealed.seed);
            if !committed.any(|document| document.snapshot_seed_hash.0 == hash) {
                return Err(self
                    .refuse(Wrong::SeedWrong, revealed.at)
                    .differs(expected.hex(), hex(&hash)));
            }
            seeds.insert(hash, revealed.seed);
        }
        Ok(seeds)
    }

    fn judge_attempts(&self, documents: &Documents, judged: &mut Judged) -> Result<(), Refusal> {
        let seeds = self.seeds(documents)?;
        let (mut open, mut unrevealed) = (0, 0);
        let mut started: Vec<(&[u8; 16], &Attempt, &Started)> = self
            .attempts
            .iter()
            .filter_map(|(id, attempt)| Some((id, attempt, attempt.started.as_ref()?)))
            .collect();
        started.sort_by_key(|(_, _, started)| started.at);
        for (id, attempt, start) in started {
            judged.attempts += 1;
            let document = self.document(documents, start)?;
            let policy = document.sitting.snapshots;
            let Some(handed_in) = attempt.handed_in.filter(|_| !attempt.partial) else {
                open += 1;
                continue;
            };
            let lasted = handed_in.checked_sub(start.started_ms);
            if !lasted.is_some_and(|ms| (0..=LONGEST_ATTEMPT_MS).contains(&ms)) {
                return Err(self
                    .refuse(Wrong::AttemptTooLong, start.at)
                    .differs(start.started_ms, handed_in));
            }
            if policy.mean_interval_s == 0 {
                continue;
            }
            let Some(seed) = seeds.get(&document.snapshot_seed_hash.0) else {
                unrevealed += 1;
                continue;
            };
            let of = ScheduleOf {
                seed,
                sitting_no: &start.sitting_no,
                attempt_id: id,
                started_ms: start.started_ms,
                policy,
            };
            for due in snapshot::due(&of, handed_in, &attempt.outages) {
                judged.snapshots_due += 1;
                if attempt.taken.contains(&due.due_ms) {
                    continue;
                }
                if !attempt.failed.contains(&due.due_ms) {
                    let refusal = self.refuse(Wrong::SnapshotMissing, start.at);
                    return Err(
                        refusal.differs(format!("{} {}", hex(id), beijing(due.due_ms)), "—")
                    );
                }
                judged.snapshots_failed += 1;
            }
        }
        if open > 0 {
            judged
                .not_proven
                .push(NotProven::AttemptsOpen { attempts: open });
        }
        if unrevealed > 0 {
            judged.not_proven.push(NotProven::SnapshotSeed {
                attempts: unrevealed,
            });
        }
        Ok(())
    }

    /// The signed sitting whose package the attempt was drawn from.
    fn document<'d>(
        &self,
        documents: &'d Documents,
        start: &Started,
    ) -> Result<&'d SittingDocument, Refusal> {
        let of_sitting =
            |document: &&SittingDocument| document.sitting.sitting_no == start.sitting_no;
        let mut candidates = documents.sittings.iter().filter(of_sitting).peekable();
        if candidates.peek().is_none() {
            return Err(self
                .refuse(Wrong::SittingMissing, start.at)
                .differs(&start.sitting_no, "—"));
        }
        let has_package = |document: &&SittingDocument| {
            let mut packages = document.packages.iter();
            packages
                .any(|package| package.class_no == start.class_no && package.hash == start.package)
        };
        candidates.find(has_package).ok_or_else(|| {
            self.refuse(Wrong::PackageUnknown, start.at)
                .differs(&start.sitting_no, start.package.hex())
        })
    }

    /// What a device holds a receipt for is here, with that very receipt.
    fn judge_receipts(&self, documents: &Documents) -> Result<(), Refusal> {
        let mut receipted: Vec<_> = self.receipted.iter().collect();
        receipted.sort_by_key(|(_, (at, _))| *at);
        for (hash, (at, receipt)) in receipted {
            let Some(object) = documents.objects.get(hash) else {
                return Err(self
                    .refuse(Wrong::ObjectMissing, *at)
                    .differs(hash.hex(), "—"));
            };
            let held = object
                .receipt
                .as_ref()
                .map(|bytes| fengjuan_wire::hash(bytes));
            if held != Some(*receipt) {
                let held = held.map_or_else(|| "—".to_owned(), |held| held.hex());
                return Err(self
                    .refuse(Wrong::ReceiptInvalid, *at)
                    .differs(receipt.hex(), held));
            }
        }
        Ok(())
    }

    fn judge_objects(
        &self,
        documents: &Documents,
        whole: bool,
        judged: &mut Judged,
    ) -> Result<(), Refusal> {
        let objects = &documents.objects;
        let mut unnamed = 0;
        let mut strangers: HashMap<PublicKey, Hash32> = HashMap::new();
        for (hash, object) in objects {
            if object.kind == "bundle" && !self.bundles.contains_key(hash) {
                unnamed += 1;
                let first = strangers.entry(object.device).or_insert(*hash);
                *first = (*first).min(*hash);
            } else if object.kind == "picture" && !self.named.contains(hash) {
                unnamed += 1;
            }
        }
        let mut missing: Vec<(&Hash32, &At)> = self
            .bundles
            .iter()
            .filter(|(hash, _)| !objects.contains_key(hash))
            .collect();
        missing.sort_by_key(|(_, at)| **at);
        if whole {
            for (hash, at) in &missing {
                let device = self.ledgers.get(at.ledger).map(|(_, _, device)| device);
                if let Some(other) = device.and_then(|device| strangers.get(device)) {
                    return Err(self
                        .refuse(Wrong::BundleDiffers, **at)
                        .differs(hash.hex(), other.hex()));
                }
            }
            self.judge_receipts(documents)?;
        }
        let unreceipted = objects
            .values()
            .filter(|object| object.receipt.is_none())
            .count() as u64;
        for (count, what) in [
            (
                missing.len() as u64,
                NotProven::BundlesMissing {
                    count: missing.len() as u64,
                },
            ),
            (unnamed, NotProven::ObjectsUnnamed { count: unnamed }),
            (unreceipted, NotProven::Unreceipted { count: unreceipted }),
        ] {
            if count > 0 {
                judged.not_proven.push(what);
            }
        }
        Ok(())
    }
}
