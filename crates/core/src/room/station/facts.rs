//! What the terminals have said: their replicas entry by entry, and their heartbeats.

use super::due::STRANGER_GONE_MS;
use super::standing::{AttemptStanding, decides};
use crate::event::Event;
use crate::plan::ExamMs;
use crate::room::Device;
use crate::room::contact::{Back, Life, Watch};
use crate::room::lease::{
    AttemptId, CarryPoint, Counted, LEASES_OF_AN_EPOCH, LeaseBook, LeaseGiven, Replica,
};
use std::collections::{BTreeMap, BTreeSet};

/// Something that the station learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A terminal was heard: when it connects, and with every heartbeat.
    Heard {
        device: Device,
        life: Life,
        ledger_id: [u8; 16],
        /// Entries that it says it holds.
        ledger_size: u64,
        /// Codes of what is wrong there.
        storage: Option<String>,
        camera: Option<String>,
    },
    /// The next entry of a replica; in order, without gaps, each once. Sealed bodies stay sealed.
    Entry {
        device: Device,
        ledger_id: [u8; 16],
        seq: u64,
        lease: u64,
        attempt: Option<AttemptId>,
        note: Note,
    },
    Fork {
        device: Device,
        at_seq: u64,
    },
    WentBack {
        device: Device,
    },
    Stranger {
        device: Device,
        code: String,
    },
    /// It sends so much that it is held back.
    Flood {
        device: Device,
    },
    /// The center answered.
    CenterHeard {},
    Lockout {
        staff_id: String,
        on: bool,
    },
}

/// What an entry says, as far as a station may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Its body is in clear.
    Clear(Box<Event>),
    /// An answer was saved; the kind in the header says so, and no more.
    Answer,
    /// Sealed, and no answer.
    Sealed,
}

/// Something of an attempt that decides where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    lease: u64,
    ledger_id: [u8; 16],
    seq: u64,
    event: Event,
}

/// A terminal where the candidate identified, or that took a lease which perhaps another station gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClaimFact {
    pub(super) device: Device,
    pub(super) ledger_id: [u8; 16],
    /// 1 where the candidate identified.
    pub(super) lease: u64,
    pub(super) carry: Vec<CarryPoint>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AttemptFacts {
    steps: Vec<Step>,
    /// By lease and ledger, where an answer was saved; ascending.
    answers: BTreeMap<(u64, [u8; 16]), Vec<u64>>,
    /// Who says that the attempt is there, in the order in which the station learned of it.
    pub(super) claims: Vec<ClaimFact>,
    /// The highest lease that a terminal was fenced for, by ledger.
    pub(super) fenced: BTreeMap<[u8; 16], u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) attempt: Option<AttemptId>,
    pub(super) lease: u64,
    pub(super) seq: u64,
    pub(super) refused: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LedgerFacts {
    pub(super) size: u64,
    /// Where each command was taken: for what attempt and under which lease, and at which place.
    pub(super) taken: BTreeMap<[u8; 16], Vec<Taken>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DeviceFacts {
    pub(super) ledger_id: [u8; 16],
    pub(super) says_size: u64,
    pub(super) storage: Option<String>,
    pub(super) camera: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) watch: Watch,
    pub(super) returned: Vec<Back>,
    pub(super) devices: BTreeMap<Device, DeviceFacts>,
    pub(super) ledgers: BTreeMap<[u8; 16], LedgerFacts>,
    pub(super) attempts: BTreeMap<AttemptId, AttemptFacts>,
    pub(super) forks: BTreeMap<Device, u64>,
    pub(super) went_back: BTreeSet<Device>,
    /// Who was refused, with the code, and when last.
    pub(super) strangers: BTreeMap<(Device, String), ExamMs>,
    /// Who was held back, and when that was told last.
    pub(super) floods: BTreeMap<Device, ExamMs>,
    pub(super) lockouts: BTreeSet<String>,
    pub(super) center_ms: Option<ExamMs>,
}

impl Facts {
    pub(super) fn observe(&mut self, fact: &Fact, now: ExamMs) {
        match fact {
            Fact::Heard { .. } => self.heard(fact, now),
            Fact::Entry { .. } => self.entry(fact),
            Fact::Fork { device, at_seq } => {
                self.forks.entry(*device).or_insert(*at_seq);
            }
            Fact::WentBack { device } => {
                self.went_back.insert(*device);
            }
            Fact::Stranger { device, code } => {
                let lately = |seen_ms: &ExamMs| now.saturating_sub(*seen_ms) < STRANGER_GONE_MS;
                self.strangers.retain(|_, seen_ms| lately(seen_ms));
                self.strangers.insert((*device, code.clone()), now);
            }
            Fact::Flood { device } => {
                self.floods.insert(*device, now);
            }
            Fact::CenterHeard {} => self.center_ms = Some(now),
            Fact::Lockout { staff_id, on: true } => {
                self.lockouts.insert(staff_id.clone());
            }
            Fact::Lockout { staff_id, .. } => {
                self.lockouts.remove(staff_id);
            }
        }
    }

    /// What the ledger settles.
    pub(super) fn commit(&mut self, event: &Event) {
        match event {
            Event::OutageProposed {
                device, from_ms, ..
            } => self
                .returned
                .retain(|back| back.device != *device || back.from_ms != *from_ms),
            Event::MachineOutOfUse { device, .. } => self.watch.forget(device),
            _ => {}
        }
    }

    fn heard(&mut self, fact: &Fact, now: ExamMs) {
        let Fact::Heard {
            device,
            life,
            ledger_id,
            ledger_size,
            storage,
            camera,
        } = fact
        else {
            return;
        };
        self.returned.extend(self.watch.heard(*device, *life, now));
        let facts = DeviceFacts {
            ledger_id: *ledger_id,
            says_size: *ledger_size,
            storage: storage.clone(),
            camera: camera.clone(),
        };
        self.devices.insert(*device, facts);
    }

    fn entry(&mut self, fact: &Fact) {
        let Fact::Entry {
            device,
            ledger_id,
            seq,
            lease,
            attempt,
            note,
        } = fact
        else {
            return;
        };
        let ledger = self.ledgers.entry(*ledger_id).or_insert(LedgerFacts {
            size: 0,
            taken: BTreeMap::new(),
        });
        if *seq != ledger.size {
            return;
        }
        ledger.size += 1;
        if let Note::Clear(event) = note
            && let Event::CommandTaken {
                command_id,
                refusal,
                ..
            } = event.as_ref()
        {
            let taken = Taken {
                attempt: *attempt,
                lease: *lease,
                seq: *seq,
                refused: refusal.is_some(),
            };
            ledger.taken.entry(*command_id).or_default().push(taken);
        }
        let Some(attempt) = attempt else { return };
        let facts = self.attempts.entry(*attempt).or_default();
        match note {
            Note::Answer => {
                let answers = facts.answers.entry((*lease, *ledger_id)).or_default();
                answers.push(*seq);
            }
            Note::Clear(event) if decides(event) => {
                facts.claim(event, *device, *ledger_id);
                if let Event::Fenced { lease, .. } = event.as_ref() {
                    let fenced = facts.fenced.entry(*ledger_id).or_default();
                    *fenced = (*fenced).max(*lease);
                }
                facts.steps.push(Step {
                    lease: *lease,
                    ledger_id: *ledger_id,
                    seq: *seq,
                    event: event.as_ref().clone(),
                });
            }
            Note::Clear(_) | Note::Sealed => {}
        }
    }

    /// How much of a ledger is here.
    pub(super) fn replica(&self, ledger_id: &[u8; 16]) -> Replica {
        Replica {
            ledger_id: *ledger_id,
            size: self.ledgers.get(ledger_id).map_or(0, |ledger| ledger.size),
        }
    }

    /// Whether answers under this lease are here.
    pub(super) fn has_answers(
        &self,
        attempt: &AttemptId,
        lease: u64,
        ledger_id: &[u8; 16],
    ) -> bool {
        let facts = self.attempts.get(attempt);
        facts.is_some_and(|facts| facts.answers.contains_key(&(lease, *ledger_id)))
    }

    /// The highest lease that any terminal has spoken of, among those that a station up to this epoch can have given.
    pub(super) fn highest_lease(&self, attempt: &AttemptId, epoch: u64) -> u64 {
        let beyond = epoch.saturating_add(1).saturating_mul(LEASES_OF_AN_EPOCH);
        let Some(facts) = self.attempts.get(attempt) else {
            return 0;
        };
        let claimed = facts.claims.iter().map(|claim| claim.lease);
        let fenced = facts.fenced.values().copied();
        let leases = claimed.chain(fenced).filter(|lease| *lease < beyond);
        leases.max().unwrap_or(0)
    }

    /// The machine that should hold the attempt was told that it does not.
    pub(super) fn nobody_holds(&self, attempt: &AttemptId, last: &LeaseGiven) -> bool {
        let Some(facts) = self.attempts.get(attempt) else {
            return false;
        };
        let fenced = facts.fenced.get(&last.ledger_id);
        // Or it holds one that does not fit the others.
        let other =
            |claim: &ClaimFact| claim.ledger_id == last.ledger_id && claim.lease > last.lease;
        fenced.is_some_and(|fenced| *fenced >= last.lease) || facts.claims.iter().any(other)
    }

    /// Whether answers under an earlier lease are here beyond what this lease carries on of it.
    pub(super) fn went_on(&self, attempt: &AttemptId, before: u64, carry: &[CarryPoint]) -> bool {
        let Some(point) = carry.iter().find(|point| point.lease == before) else {
            return false;
        };
        let answers = self.attempts.get(attempt);
        let answers = answers.and_then(|facts| facts.answers.get(&(before, point.ledger_id)));
        answers.is_some_and(|seqs| seqs.iter().any(|seq| *seq >= point.size))
    }

    /// The attempt by those of its entries that count, in the order of its leases.
    pub(super) fn standing(
        &self,
        attempt: &AttemptId,
        leases: &LeaseBook,
    ) -> Option<AttemptStanding> {
        let facts = self.attempts.get(attempt)?;
        let chain = leases.chain(attempt);
        let place = |step: &Step| match chain {
            Some(chain) => chain.place(step.lease, &step.ledger_id, step.seq),
            None => Some((step.lease, step.seq)),
        };
        let mut steps: Vec<((u64, u64), &Step)> = facts
            .steps
            .iter()
            .filter_map(|step| Some((place(step)?, step)))
            .collect();
        steps.sort_by_key(|(place, _)| *place);
        let mut standing = AttemptStanding::default();
        for (_, step) in steps {
            standing.apply(&step.event);
        }
        standing.answering = standing.started && !standing.handed_in;
        for ((lease, ledger_id), seqs) in &facts.answers {
            let counts = |seq: &u64| match chain {
                Some(chain) => chain.counts(*lease, ledger_id, *seq) == Counted::Answer,
                None => true,
            };
            // Of one lease's entries a first stretch counts.
            standing.answers += seqs.partition_point(counts) as u32;
        }
        Some(standing)
    }
}

impl AttemptFacts {
    fn claim(&mut self, event: &Event, device: Device, ledger_id: [u8; 16]) {
        let (lease, carry) = match event {
            Event::Identified { .. } => (1, Vec::new()),
            Event::LeaseTaken { lease, carry, .. } => (*lease, carry.clone()),
            _ => return,
        };
        let claim = ClaimFact {
            device,
            ledger_id,
            lease,
            carry,
        };
        if !self.claims.contains(&claim) {
            self.claims.push(claim);
        }
    }
}
