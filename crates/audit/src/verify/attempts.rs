//! What entries say of attempts, wherever they stand: an attempt may go on in another device's ledger. The facts are
//! sorted by attempt, so that one attempt at a time is judged. Where it has moved, its leases say which entries are
//! part of it; the others are evidence and make no fact.

use super::finding::{Detail, NotProven, Refusal, Wrong};
use super::gather::{At, Judged, Places, Under};
use super::layout::refuse_sorting;
use crate::format::hex;
use crate::index::beijing;
use crate::sorted::{Sorter, ordered, unordered};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::lease::{CarryPoint, Counted, LeaseChain};
use fengjuan_core::snapshot::{self, Due, ScheduleOf};
use fengjuan_wire::sitting::SittingDocument;
use std::collections::HashMap;
use std::iter::Peekable;

/// No attempt lasts longer; a ledger that says so would have the verifier compute moments for ever.
const LONGEST_ATTEMPT_MS: i64 = 7 * 24 * 3_600_000;

/// Snapshot seeds by their hashes.
pub(super) type Seeds = HashMap<[u8; 32], [u8; 32]>;

/// One thing that an entry says of its attempt.
pub(super) enum Fact {
    /// Entries of it are hidden.
    Partial,
    /// From the package of the sitting with this number in the archive.
    Started {
        document: u32,
        started_ms: ExamMs,
    },
    HandedIn(ExamMs),
    Outage(ExamMs, ExamMs),
    /// A snapshot that was due then.
    Taken(ExamMs),
    Failed(ExamMs),
    /// The attempt goes on in this ledger under this lease.
    LeaseTaken(u64, i64),
    /// A station gave this lease to the ledger with this number.
    LeaseGiven {
        lease: u64,
        holder: u32,
        carry: i64,
    },
    /// One of the carry points of the lease `by`.
    CarriedOn {
        by: u64,
        ledger: u32,
        lease: u64,
        size: u64,
    },
}

// Leases first: they say which of the others count.
const LEASE: u8 = 0;
const CARRIED: u8 = 1;
const GIVEN: u8 = 2;
const PARTIAL: u8 = 3;
const STARTED: u8 = 4;
const HANDED_IN: u8 = 5;
const OUTAGE: u8 = 6;
const SNAPSHOT: u8 = 7;

const TAKEN: u32 = 0;
const FAILED: u32 = 1;

/// Attempt, kind of fact, time, ledger, place, another time, number of the document; lease, ledger and place of the entry.
const WIDTH: usize = 16 + 1 + 8 + 4 + 8 + 8 + 4 + 8 + 4 + 8;

/// Snapshots come after everything that their moments are computed from, by their moments, pictures before failures.
fn record(id: &[u8; 16], under: Under, fact: &Fact) -> [u8; WIDTH] {
    let at = under.at;
    let (kind, key, ledger, seq, value, document) = match fact {
        Fact::LeaseTaken(lease, carry) => (LEASE, *lease as i64, at.ledger, at.seq, *carry, 0),
        Fact::LeaseGiven {
            lease,
            holder,
            carry,
        } => (GIVEN, *lease as i64, *holder, at.seq, *carry, 0),
        Fact::CarriedOn {
            by,
            ledger,
            lease,
            size,
        } => (CARRIED, *by as i64, *ledger, *size, *lease as i64, 0),
        Fact::Partial => (PARTIAL, 0, 0, 0, 0, 0),
        Fact::Started {
            document,
            started_ms,
        } => (STARTED, 0, at.ledger, at.seq, *started_ms, *document),
        Fact::HandedIn(at_ms) => (HANDED_IN, 0, at.ledger, at.seq, *at_ms, 0),
        Fact::Outage(from_ms, to_ms) => (OUTAGE, *from_ms, at.ledger, at.seq, *to_ms, 0),
        Fact::Taken(due_ms) => (SNAPSHOT, *due_ms, TAKEN, 0, 0, 0),
        Fact::Failed(due_ms) => (SNAPSHOT, *due_ms, FAILED, 0, 0, 0),
    };
    let mut bytes = [0; WIDTH];
    bytes[..16].copy_from_slice(id);
    bytes[16] = kind;
    bytes[17..25].copy_from_slice(&ordered(key));
    bytes[25..29].copy_from_slice(&ledger.to_be_bytes());
    bytes[29..37].copy_from_slice(&seq.to_be_bytes());
    bytes[37..45].copy_from_slice(&ordered(value));
    bytes[45..49].copy_from_slice(&document.to_be_bytes());
    bytes[49..57].copy_from_slice(&under.lease.to_be_bytes());
    bytes[57..61].copy_from_slice(&at.ledger.to_be_bytes());
    bytes[61..].copy_from_slice(&at.seq.to_be_bytes());
    bytes
}

/// Carry points in a few bytes, to be compared.
pub(super) fn digest(carry: &[CarryPoint]) -> i64 {
    let mut bytes = Vec::new();
    for point in carry {
        bytes.extend(point.lease.to_be_bytes());
        bytes.extend(point.ledger_id);
        bytes.extend(point.size.to_be_bytes());
    }
    let mut first = [0; 8];
    first.copy_from_slice(&fengjuan_envelope::sha256(&bytes)[..8]);
    i64::from_be_bytes(first)
}

/// A record, taken apart.
struct Told {
    id: [u8; 16],
    kind: u8,
    key: i64,
    at: At,
    value: i64,
    document: u32,
    under: Under,
}

fn told(bytes: &[u8; WIDTH]) -> Told {
    fn part<const N: usize>(bytes: &[u8; WIDTH], from: usize) -> [u8; N] {
        let mut part = [0; N];
        part.copy_from_slice(&bytes[from..from + N]);
        part
    }
    Told {
        id: part(bytes, 0),
        kind: bytes[16],
        key: unordered(part(bytes, 17)),
        at: At {
            ledger: u32::from_be_bytes(part(bytes, 25)),
            seq: u64::from_be_bytes(part(bytes, 29)),
        },
        value: unordered(part(bytes, 37)),
        document: u32::from_be_bytes(part(bytes, 45)),
        under: Under {
            lease: u64::from_be_bytes(part(bytes, 49)),
            at: At {
                ledger: u32::from_be_bytes(part(bytes, 57)),
                seq: u64::from_be_bytes(part(bytes, 61)),
            },
        },
    }
}

#[derive(Default)]
pub(super) struct Attempts(Sorter<WIDTH>);

impl Attempts {
    pub(super) fn add(&mut self, id: &[u8; 16], under: Under, fact: &Fact) -> Result<(), Refusal> {
        self.0.push(record(id, under, fact)).map_err(refuse_sorting)
    }

    /// Judges every attempt and refuses the one that is wrong first.
    pub(super) fn judge(
        self,
        sittings: &[SittingDocument],
        seeds: &Seeds,
        places: &Places,
        judged: &mut Judged,
    ) -> Result<(), Refusal> {
        let mut judging = Judging {
            sittings,
            seeds,
            places,
            judged,
            open: 0,
            ungiven: 0,
            unrevealed: 0,
            first: None,
        };
        let mut sorted = self.0.sorted().map_err(refuse_sorting)?;
        let mut attempt = Attempt::default();
        while let Some(bytes) = sorted.next().map_err(refuse_sorting)? {
            let told = told(&bytes);
            if told.id != attempt.id {
                judging.finish(std::mem::take(&mut attempt));
                attempt.id = told.id;
            }
            judging.fact(&mut attempt, &told);
        }
        judging.finish(attempt);
        let (open, unrevealed, first) = (judging.open, judging.unrevealed, judging.first);
        let ungiven = judging.ungiven;
        if let Some((_, refusal)) = first {
            return Err(refusal);
        }
        if open > 0 {
            judged
                .not_proven
                .push(NotProven::AttemptsOpen { attempts: open });
        }
        if ungiven > 0 {
            let count = ungiven;
            judged.not_proven.push(NotProven::LeasesUngiven { count });
        }
        if unrevealed > 0 {
            judged.not_proven.push(NotProven::SnapshotSeed {
                attempts: unrevealed,
            });
        }
        Ok(())
    }
}

struct Started {
    at: At,
    document: u32,
    started_ms: ExamMs,
}

/// One attempt, as far as it has been told.
#[derive(Default)]
struct Attempt {
    id: [u8; 16],
    leases: Leases,
    partial: bool,
    started: Option<Started>,
    /// The first hand-in: between it and a reopening by order nothing is due, and after it nothing is judged.
    handed_in: Option<ExamMs>,
    outages: Vec<(ExamMs, ExamMs)>,
    /// Snapshots that were due and of which nothing has been told; none before all is known that they depend on.
    due: Option<Peekable<std::vec::IntoIter<Due>>>,
}

/// A ledger's number, in the place of its id.
fn numbered(ledger: u32) -> [u8; 16] {
    u128::from(ledger).to_be_bytes()
}

/// The highest lease that a terminal took, with what it carries on. None: the attempt never moved.
#[derive(Default)]
struct Leases {
    last: Option<(u64, u32)>,
    carry: Vec<CarryPoint>,
    chain: Option<LeaseChain>,
    /// Every lease above the first that a terminal took: where, and the digest of its carry points.
    taken: Vec<(u64, At, i64)>,
    /// What the stations gave: lease, number of the ledger, digest.
    given: Vec<(u64, u32, i64)>,
}

impl Leases {
    fn taken(&mut self, told: &Told) {
        self.taken.push((told.key as u64, told.at, told.value));
        self.last = Some((told.key as u64, told.at.ledger));
    }

    fn carried(&mut self, told: &Told) {
        if self.last.is_some_and(|(lease, _)| lease == told.key as u64) {
            self.carry.push(CarryPoint {
                lease: told.value as u64,
                ledger_id: numbered(told.at.ledger),
                size: told.at.seq,
            });
        }
    }

    /// Whether an entry is part of the attempt.
    fn count(&mut self, id: &[u8; 16], under: Under) -> bool {
        let Some((lease, holder)) = self.last else {
            return true;
        };
        let carry = &mut self.carry;
        let chain = self.chain.get_or_insert_with(|| {
            carry.sort_by_key(|point| point.lease);
            LeaseChain::of_carry(*id, lease, numbered(holder), carry).unwrap_or_default()
        });
        chain.counts(under.lease, &numbered(under.at.ledger), under.at.seq) == Counted::Answer
    }
}

struct Judging<'j> {
    sittings: &'j [SittingDocument],
    seeds: &'j Seeds,
    places: &'j Places,
    judged: &'j mut Judged,
    open: u64,
    ungiven: u64,
    unrevealed: u64,
    /// What is wrong first, by its place in the archive.
    first: Option<(At, Refusal)>,
}

impl Judging<'_> {
    fn refuse(&mut self, at: At, refusal: Refusal) {
        if self.first.as_ref().is_none_or(|(first, _)| at < *first) {
            self.first = Some((at, refusal));
        }
    }

    fn fact(&mut self, attempt: &mut Attempt, told: &Told) {
        let about_leases = matches!(told.kind, LEASE | CARRIED | GIVEN | PARTIAL);
        if !about_leases && !attempt.leases.count(&attempt.id, told.under) {
            return;
        }
        match told.kind {
            LEASE => attempt.leases.taken(told),
            CARRIED => attempt.leases.carried(told),
            GIVEN => {
                let given = (told.key as u64, told.at.ledger, told.value);
                attempt.leases.given.push(given);
            }
            PARTIAL => attempt.partial = true,
            STARTED if attempt.started.is_some() => {
                let refusal = self.places.refuse(Wrong::AttemptStartedTwice, told.at);
                self.refuse(told.at, refusal.found(hex(&attempt.id)));
            }
            STARTED => {
                attempt.started = Some(Started {
                    at: told.at,
                    document: told.document,
                    started_ms: told.value,
                });
            }
            HANDED_IN => {
                attempt.handed_in.get_or_insert(told.value);
            }
            OUTAGE => attempt.outages.push((told.key, told.value)),
            _ => self.snapshot(attempt, told),
        }
    }

    fn snapshot(&mut self, attempt: &mut Attempt, told: &Told) {
        self.missing_before(attempt, told.key);
        let Some(due) = &mut attempt.due else { return };
        // A picture stands before failures of the same moment, which then find that nothing is due any more.
        let of_moment = due.next_if(|due| due.due_ms == told.key);
        if of_moment.is_some() && told.at.ledger == FAILED {
            self.judged.snapshots_failed += 1;
        }
    }

    /// Whatever was due before `ms` and has not been told of by now is missing.
    fn missing_before(&mut self, attempt: &mut Attempt, ms: ExamMs) {
        if attempt.due.is_none() {
            attempt.due = Some(self.schedule(attempt).into_iter().peekable());
        }
        let (Some(due), Some(start)) = (&mut attempt.due, &attempt.started) else {
            return;
        };
        while let Some(missing) = due.next_if(|due| due.due_ms < ms) {
            let refusal = self.places.refuse(Wrong::SnapshotMissing, start.at);
            let what = format!("{} {}", hex(&attempt.id), beijing(missing.due_ms));
            self.refuse(start.at, refusal.differs(what, "—"));
        }
    }

    /// The snapshots that were due, where that can be known.
    fn schedule(&mut self, attempt: &Attempt) -> Vec<Due> {
        let Some(start) = &attempt.started else {
            return Vec::new();
        };
        self.judged.attempts += 1;
        let Some(handed_in) = attempt.handed_in.filter(|_| !attempt.partial) else {
            self.open += 1;
            return Vec::new();
        };
        let lasted = handed_in.checked_sub(start.started_ms);
        if !lasted.is_some_and(|ms| (0..=LONGEST_ATTEMPT_MS).contains(&ms)) {
            let refusal = self.places.refuse(Wrong::AttemptTooLong, start.at);
            self.refuse(start.at, refusal.differs(start.started_ms, handed_in));
            return Vec::new();
        }
        let Some(document) = self.sittings.get(start.document as usize) else {
            return Vec::new();
        };
        let policy = document.sitting.snapshots;
        if policy.mean_interval_s == 0 {
            return Vec::new();
        }
        let Some(seed) = self.seeds.get(&document.snapshot_seed_hash.0) else {
            self.unrevealed += 1;
            return Vec::new();
        };
        let of = ScheduleOf {
            seed,
            sitting_no: &document.sitting.sitting_no,
            attempt_id: &attempt.id,
            started_ms: start.started_ms,
            policy,
        };
        let due = snapshot::due(&of, handed_in, &attempt.outages);
        self.judged.snapshots_due += due.len() as u64;
        due
    }

    fn finish(&mut self, mut attempt: Attempt) {
        self.missing_before(&mut attempt, ExamMs::MAX);
        self.leases(&attempt);
    }

    /// A terminal may say of itself that it holds an attempt; what the room's stations gave is held against it. Where no
    /// station's ledger tells of the lease, nobody contradicts, and nothing is proven.
    fn leases(&mut self, attempt: &Attempt) {
        let Leases { taken, given, .. } = &attempt.leases;
        for (lease, at, carry) in taken {
            let mut of_lease = given.iter().filter(|(one, ..)| one == lease).peekable();
            if of_lease.peek().is_none() {
                self.ungiven += 1;
            } else if of_lease.any(|(_, holder, with)| *holder != at.ledger || with != carry) {
                let refusal = self.places.refuse(Wrong::LeaseContradicts, *at);
                let what = format!("{} {lease}", hex(&attempt.id));
                self.refuse(*at, refusal.found(what));
            }
        }
    }
}
