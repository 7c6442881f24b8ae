//! A terminal: its ledger and its last tick survive, everything else is folded from them.

use crate::network::Entry;
use crate::plan::{attempt_id, attempt_plan, ledger_id, ticket};
use crate::world::SITTING;
use fengjuan_core::attempt::{Attempt, AttemptState, Effect, Input};
use fengjuan_core::clock::{ExamClock, Tick};
use fengjuan_core::event::{Event, Hash32, OutageCause};
use fengjuan_core::item::OptionSet;
use fengjuan_core::room::contact::Life;
use fengjuan_core::room::epoch::EpochSeen;
use fengjuan_core::room::fence::Fence;
use fengjuan_core::room::lease::carries;
use fengjuan_core::room::post::Inbox;
use std::collections::{BTreeMap, BTreeSet};

mod commands;
mod program;
mod talk;

pub use program::Program;

const SILENCE_MS: i64 = 15_000;

pub struct Terminal {
    pub no: usize,
    // Durable.
    pub ledger: Vec<Entry>,
    tick: Option<Tick>,
    pub boots: u8,
    pub runs: u8,
    pub booted_ms: i64,
    pub wall_error_ms: i64,
    // While it runs.
    pub program: Option<Program>,
    pub down_until: i64,
}

impl Terminal {
    pub fn new(no: usize, now: i64) -> Terminal {
        Terminal {
            no,
            ledger: Vec::new(),
            tick: None,
            boots: 1,
            runs: 0,
            booted_ms: now - 60_000,
            wall_error_ms: 0,
            program: None,
            down_until: now,
        }
    }

    pub fn boot_ms(&self, now: i64) -> i64 {
        now - self.booted_ms
    }

    pub fn life(&self) -> Life {
        Life {
            boot_id: [self.boots; 16],
            run_id: [self.runs; 16],
        }
    }

    pub fn exam_now(&self, now: i64) -> i64 {
        let program = self.program.as_ref().unwrap();
        program.clock.now(self.boot_ms(now))
    }

    /// The program starts: everything that it knows comes from the ledger.
    pub fn launch(&mut self, now: i64) {
        self.runs = self.runs.wrapping_add(1);
        let (boot_ms, wall_ms) = (self.boot_ms(now), now + self.wall_error_ms);
        let tick = self.tick;
        let (clock, found) = ExamClock::resume(tick.as_ref(), [self.boots; 16], boot_ms, wall_ms);
        let mut program = Program {
            clock,
            inbox: Inbox::default(),
            epoch: EpochSeen::default(),
            fences: BTreeMap::new(),
            starts_ms: None,
            sits: None,
            attempt: None,
            wants: None,
            carry: Vec::new(),
            ledger_id: ledger_id(self.no),
            taken: Vec::new(),
            folded: 0,
            hub: 0,
            heard_ms: now,
            stored: 0,
            lost_from: tick.map(|tick| tick.exam_ms),
            bundles: BTreeSet::new(),
            receipted: BTreeSet::new(),
        };
        for entry in &self.ledger {
            program.fold(entry);
        }
        // With a lease that carries on others' entries there is no attempt before all of them are here.
        self.program = Some(program);
        if self.may_write() {
            self.rebuild(&[]);
        }
        if let Some(tick) = tick
            && self.program.as_ref().unwrap().attempt.is_some()
        {
            let ends_ms = self
                .program
                .as_ref()
                .unwrap()
                .attempt
                .as_ref()
                .unwrap()
                .ends_ms();
            let cause = match (found.same_boot, found.doubt_for(ends_ms)) {
                (true, _) => OutageCause::Crash,
                (false, Some(_)) => OutageCause::Clock,
                (false, None) => OutageCause::Power,
            };
            let outage = Input::OutageFound {
                cause,
                from_ms: tick.exam_ms,
                to_ms: found.now_ms,
            };
            let _ = self.input(outage, now);
        }
        self.persist_tick(now);
    }

    fn persist_tick(&mut self, now: i64) {
        let (boot_ms, wall_ms) = (self.boot_ms(now), now + self.wall_error_ms);
        let program = self.program.as_ref().unwrap();
        self.tick = Some(program.clock.tick(boot_ms, wall_ms));
    }

    /// The attempt of whoever sits here, from what was carried on and from this ledger.
    fn rebuild(&mut self, carried: &[(u64, u64, Entry)]) {
        let Some(candidate) = self.program.as_ref().unwrap().sits else {
            return;
        };
        let attempt = attempt_id(candidate);
        let mut history = carried.to_vec();
        history.extend(self.own_history(&attempt));
        history.sort_by_key(|(lease, seq, _)| (*lease, *seq));
        let program = self.program.as_mut().unwrap();
        let taken = history
            .iter()
            .filter_map(|(_, _, entry)| match &entry.event {
                Event::CommandTaken {
                    command_id,
                    refusal,
                    ..
                } => Some((*command_id, refusal.clone())),
                _ => None,
            });
        program.inbox.go_on([], taken);
        let started = history.iter().find_map(|(_, _, entry)| match &entry.event {
            Event::AttemptStarted { started_ms, .. } => Some(*started_ms),
            _ => None,
        });
        if let Some(started_ms) = started {
            let events = history
                .iter()
                .map(|(_, _, entry)| (&entry.event, entry.exam_ms));
            let plan = attempt_plan(candidate, started_ms);
            program.attempt = Some(Attempt::replay(plan, events).unwrap());
        }
    }

    /// Entries of this ledger that count for its holder: those under its last lease, and those carried on.
    fn own_history(&self, attempt: &[u8; 16]) -> Vec<(u64, u64, Entry)> {
        let program = self.program.as_ref().unwrap();
        let held = program.fences.get(attempt).map_or(0, Fence::held);
        let own = (0u64..).zip(&self.ledger);
        let counts = |(seq, entry): &(u64, &Entry)| {
            let own = ledger_id(self.no);
            let carried = carries(&program.carry, entry.lease, &own, *seq);
            entry.attempt == Some(*attempt) && (entry.lease == held || carried)
        };
        own.filter(counts)
            .map(|(seq, entry)| (entry.lease, seq, entry.clone()))
            .collect()
    }

    /// One transaction.
    fn write(&mut self, attempt: Option<[u8; 16]>, events: Vec<Event>, now: i64) {
        let exam_ms = self.exam_now(now);
        let program = self.program.as_mut().unwrap();
        for event in events {
            // The entry that takes a lease is the first under it.
            let lease = match (&event, attempt) {
                (Event::LeaseTaken { lease, .. }, _) => *lease,
                (_, Some(attempt)) => program.fences.entry(attempt).or_default().held(),
                (_, None) => 0,
            };
            let entry = Entry {
                lease,
                attempt,
                event,
                exam_ms,
            };
            program.fold(&entry);
            self.ledger.push(entry);
        }
    }

    /// Whether whoever sits here may go on.
    pub fn may_write(&self) -> bool {
        let Some(program) = &self.program else {
            return false;
        };
        let fence = program
            .sits
            .and_then(|one| program.fences.get(&attempt_id(one)));
        program.wants.is_none() && fence.is_some_and(|fence| fence.may_write().is_ok())
    }

    pub fn input(&mut self, input: Input, now: i64) -> Result<Vec<u64>, &'static str> {
        let events = self.means(input, now)?;
        let from = self.ledger.len() as u64;
        self.carry_out(events, None, now);
        Ok((from..self.ledger.len() as u64).collect())
    }

    fn means(&mut self, input: Input, now: i64) -> Result<Vec<Event>, &'static str> {
        if !self.may_write() {
            return Err("lease.fenced");
        }
        let exam_ms = self.exam_now(now);
        let program = self.program.as_ref().unwrap();
        let attempt = program.attempt.as_ref().ok_or("attempt.not_started")?;
        let effects = attempt
            .propose(input, exam_ms)
            .map_err(|error| error.code())?;
        Ok(recorded(effects))
    }

    /// The attempt's events and what goes with them, in one transaction, then the machine.
    fn carry_out(&mut self, events: Vec<Event>, along: Option<(bool, Event)>, now: i64) {
        let exam_ms = self.exam_now(now);
        let candidate = self.program.as_ref().unwrap().sits;
        let attempt = candidate.map(attempt_id);
        self.write(attempt, events.clone(), now);
        if let Some((about_attempt, taken)) = along {
            let attempt = attempt.filter(|_| about_attempt);
            self.write(attempt, vec![taken], now);
        }
        let program = self.program.as_mut().unwrap();
        let mut over = false;
        if let Some(machine) = &mut program.attempt {
            let before = matches!(machine.state(), AttemptState::HandedIn { .. });
            for event in &events {
                machine.commit(event, exam_ms).unwrap();
            }
            over = !before && matches!(machine.state(), AttemptState::HandedIn { .. });
        }
        if over {
            let bundle_no = program.bundles.len() as u32 + 1;
            let mut hash = [bundle_no as u8; 32];
            hash[0] = self.no as u8;
            let sealed = Event::BundleSealed {
                bundle_no,
                hash: Hash32(hash),
            };
            self.write(attempt, vec![sealed], now);
        }
    }

    /// Somebody types this candidate's ticket here.
    pub fn identify(&mut self, candidate: usize, now: i64) {
        let program = self.program.as_mut().unwrap();
        if program.sits.is_some() {
            return;
        }
        program.sits = Some(candidate);
        let fence = program.fences.entry(attempt_id(candidate)).or_default();
        fence.identified();
        let event = Event::Identified {
            sitting_no: SITTING.to_owned(),
            ticket_hash: ticket(candidate),
            seat_no: self.no as u32,
        };
        self.write(Some(attempt_id(candidate)), vec![event], now);
    }

    /// A click. Gives the place of the entry, once it is durable.
    pub fn answer(&mut self, position: u32, chosen: OptionSet, now: i64) -> Option<u64> {
        let input = Input::Choose { position, chosen };
        let places = self.input(input, now).ok()?;
        places.first().copied()
    }

    /// About once a second.
    pub fn pass(&mut self, now: i64) {
        let exam_ms = self.exam_now(now);
        let program = self.program.as_mut().unwrap();
        let begins = program.starts_ms.is_some_and(|at_ms| exam_ms >= at_ms);
        let (sits, has) = (program.sits, program.attempt.is_some());
        if let (Some(candidate), true, false) = (sits, begins && self.may_write(), has) {
            let plan = attempt_plan(candidate, exam_ms);
            let event = plan.started_event(Hash32([1; 32]), Hash32([2; 32]));
            let program = self.program.as_mut().unwrap();
            program.attempt = Some(Attempt::start(plan));
            self.carry_out(vec![event], None, now);
        }
        if self.may_write()
            && let Some(attempt) = &mut self.program.as_mut().unwrap().attempt
        {
            let events = recorded(attempt.tick(exam_ms));
            if !events.is_empty() {
                self.carry_out(events, None, now);
            }
        }
        self.persist_tick(now);
    }
}

fn recorded(effects: Vec<Effect>) -> Vec<Event> {
    let event = |effect| match effect {
        Effect::Record(event) => Some(event),
        _ => None,
    };
    effects.into_iter().filter_map(event).collect()
}
