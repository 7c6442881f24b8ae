//! A terminal: its ledger and its last tick survive, everything else is folded from them.

use crate::network::{Entry, Message};
use crate::world::{SITTING, attempt_id, attempt_plan, device, ledger_id, ticket};
use fengjuan_core::attempt::{Attempt, AttemptState, Effect, Input};
use fengjuan_core::clock::{ExamClock, Tick};
use fengjuan_core::event::{Event, Hash32, OutageCause};
use fengjuan_core::item::OptionSet;
use fengjuan_core::room::command::{Command, CommandBody, Scope};
use fengjuan_core::room::contact::Life;
use fengjuan_core::room::epoch::{EpochSeen, Heard};
use fengjuan_core::room::fence::Fence;
use fengjuan_core::room::lease::CarryPoint;
use fengjuan_core::room::post::{Inbox, Incoming, Numbered};
use std::collections::{BTreeMap, BTreeSet};

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

/// What dies with the program.
pub struct Program {
    pub clock: ExamClock,
    pub inbox: Inbox,
    pub epoch: EpochSeen,
    pub fences: BTreeMap<[u8; 16], Fence>,
    /// What the room has been told to begin.
    pub starts_ms: Option<i64>,
    /// The candidate who sits here.
    pub sits: Option<usize>,
    pub attempt: Option<Attempt>,
    /// The lease whose carried entries are not here yet.
    pub wants: Option<([u8; 16], u64)>,
    /// What that lease carries on.
    carry: Vec<CarryPoint>,
    ledger_id: [u8; 16],
    /// Commands about each attempt that were taken here, with their places.
    taken: Vec<([u8; 16], u64, u64, [u8; 16])>,
    /// Entries of the ledger that were folded.
    folded: u64,
    /// Which hub it talks to, and when that one last answered.
    pub hub: usize,
    pub heard_ms: i64,
    /// Entries that this hub has said are durable there.
    pub stored: u64,
    /// The last tick of the program before.
    lost_from: Option<i64>,
    pub bundles: BTreeSet<Hash32>,
    pub receipted: BTreeSet<Hash32>,
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
        for (_, _, entry) in &history {
            if let Event::CommandTaken {
                command_id,
                refusal,
                ..
            } = &entry.event
            {
                program.inbox.learn(*command_id, refusal.clone());
            }
        }
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
            let carried = program.carry.iter().any(|point| {
                point.lease == entry.lease
                    && point.ledger_id == ledger_id(self.no)
                    && *seq < point.size
            });
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

    /// What it says to its hub.
    pub fn says(&mut self, now: i64) -> Vec<Message> {
        let (terminal, life, size) = (self.no, self.life(), self.ledger.len() as u64);
        let boot_ms = self.boot_ms(now);
        let program = self.program.as_mut().unwrap();
        if now - program.heard_ms > SILENCE_MS {
            (program.hub, program.heard_ms, program.stored) = (1 - program.hub, now, 0);
        }
        let mut says = vec![Message::Beat {
            terminal,
            life,
            size,
            mark: program.inbox.mark(),
            obeyed: program.epoch.station(),
        }];
        let from = program.stored;
        let to = size.min(from + 50);
        says.push(Message::Entries {
            terminal,
            from,
            entries: self.ledger[from as usize..to as usize].to_vec(),
        });
        for hash in program.bundles.difference(&program.receipted) {
            let hash = *hash;
            says.push(Message::Bundle { terminal, hash });
        }
        if let Some((attempt, lease)) = program.wants {
            says.push(Message::ReadBack {
                terminal,
                attempt,
                lease,
                carry: program.carry.clone(),
            });
        }
        says.push(Message::AskTime {
            terminal,
            sent_boot_ms: boot_ms,
        });
        says
    }

    pub fn hear(&mut self, message: Message, now: i64) -> Option<Message> {
        let boot_ms = self.boot_ms(now);
        let terminal = self.no;
        let size = self.ledger.len() as u64;
        let program = self.program.as_mut()?;
        match message {
            Message::Epoch { epoch, hub } => {
                match program.epoch.hear(epoch, &device(100 + hub)) {
                    Heard::Same if program.hub == hub => program.heard_ms = now,
                    Heard::Higher => {
                        let station = device(100 + hub);
                        (program.hub, program.heard_ms, program.stored) = (hub, now, 0);
                        self.write(None, vec![Event::EpochObeyed { epoch, station }], now);
                    }
                    _ => {}
                }
                None
            }
            Message::Command { hub, numbered } => self.command(hub, &numbered, now),
            Message::Stored { hub, size: stored } => {
                if hub == program.hub {
                    program.stored = stored.min(size);
                }
                None
            }
            Message::Receipt { hash } => {
                if program.bundles.contains(&hash) && !program.receipted.contains(&hash) {
                    let receipt = Hash32([9; 32]);
                    self.write(None, vec![Event::Receipted { hash, receipt }], now);
                }
                None
            }
            Message::Carried {
                attempt,
                lease,
                entries,
            } => {
                if program.wants == Some((attempt, lease)) {
                    program.wants = None;
                    self.rebuild(&entries);
                    self.device_outage(&entries, now);
                }
                None
            }
            Message::Time {
                exam_ms,
                sent_boot_ms,
            } => {
                let _ = program.clock.anchor(exam_ms, sent_boot_ms, boot_ms);
                None
            }
            _ => panic!("terminal {terminal} heard {message:?}"),
        }
    }

    /// From the last moment that was carried on until now nobody could answer. Where this machine had taken the
    /// attempt over already and has restarted since, it is from its own last tick.
    fn device_outage(&mut self, carried: &[(u64, u64, Entry)], now: i64) {
        let program = self.program.as_ref().unwrap();
        if program.attempt.is_none() {
            return;
        }
        let sits = program.sits.map(attempt_id);
        let held = sits
            .and_then(|attempt| program.fences.get(&attempt))
            .map(Fence::held);
        let outage = |entry: &Entry| {
            let device = matches!(
                entry.event,
                Event::OutageRecorded {
                    cause: OutageCause::Device,
                    ..
                }
            );
            device && entry.attempt == sits && Some(entry.lease) == held
        };
        let here_before = self.ledger.iter().any(outage);
        let from_ms = match (here_before, program.lost_from) {
            (true, Some(tick_ms)) => Some(tick_ms),
            _ => carried.iter().map(|(_, _, entry)| entry.exam_ms).max(),
        };
        if let Some(from_ms) = from_ms {
            let outage = Input::OutageFound {
                cause: OutageCause::Device,
                from_ms,
                to_ms: self.exam_now(now),
            };
            let _ = self.input(outage, now);
        }
    }

    fn command(&mut self, hub: usize, one: &Numbered, now: i64) -> Option<Message> {
        let program = self.program.as_ref()?;
        if program.epoch.station() != Some(device(100 + hub)) {
            return None;
        }
        let id = one.command.command_id;
        let how = match program.inbox.look(one.epoch, one.no, &id) {
            // Nothing about an attempt before all of it is here.
            Incoming::Next if program.wants.is_some() && !is_lease(&one.command.body) => {
                return None;
            }
            Incoming::Next => {
                let (events, refusal) = match self.obey(&one.command, now) {
                    Ok(events) => (events, None),
                    Err(code) => (Vec::new(), Some(code.to_owned())),
                };
                self.take(one, events, refusal, now)
            }
            Incoming::Known { refusal } => self.take(one, Vec::new(), refusal, now),
            Incoming::Again(how) => how,
            Incoming::AskFrom { .. } | Incoming::Stale { .. } | Incoming::Unraised { .. } => {
                return None;
            }
        };
        Some(Message::Acknowledge {
            terminal: self.no,
            how,
        })
    }

    fn take(
        &mut self,
        one: &Numbered,
        events: Vec<Event>,
        refusal: Option<String>,
        now: i64,
    ) -> fengjuan_core::room::post::Acknowledgement {
        let taken = Event::CommandTaken {
            epoch: one.epoch,
            no: one.no,
            command_id: one.command.command_id,
            command: Hash32([3; 32]),
            refusal: refusal.clone(),
        };
        let about_lease = is_lease(&one.command.body);
        if about_lease && !events.is_empty() {
            let attempt = one.command.body.attempt();
            self.write(attempt, events, now);
            self.write(None, vec![taken], now);
            let program = self.program.as_mut().unwrap();
            if attempt == program.sits.map(attempt_id) {
                program.attempt = None;
            }
        } else {
            let about_attempt = self.about_attempt(&one.command.body);
            self.carry_out(events, Some((about_attempt, taken)), now);
        }
        fengjuan_core::room::post::Acknowledgement {
            epoch: one.epoch,
            no: one.no,
            refusal,
        }
    }

    fn about_attempt(&self, body: &CommandBody) -> bool {
        let program = self.program.as_ref().unwrap();
        let Some(attempt) = program.sits.map(attempt_id) else {
            return false;
        };
        let fence = program.fences.get(&attempt).copied().unwrap_or_default();
        let concerned = body.attempt().is_none_or(|one| one == attempt);
        body.goes_along() && concerned && fence.may_write().is_ok()
    }

    /// The events that a command means here.
    fn obey(&mut self, command: &Command, now: i64) -> Result<Vec<Event>, &'static str> {
        let (staff_id, reason) = (command.by.clone(), format!("{:?}", command.command_id));
        let program = self.program.as_ref().unwrap();
        let here = program.sits.map(attempt_id);
        let about = command.body.attempt();
        if !is_lease(&command.body) && about.is_some() && about != here {
            return Err("lease.none");
        }
        let fence = |attempt| program.fences.get(&attempt).copied().unwrap_or_default();
        let input = match &command.body {
            CommandBody::Start {
                sitting_no,
                planned_ms,
                at_ms,
            } => {
                return Ok(vec![Event::SittingStarted {
                    sitting_no: sitting_no.clone(),
                    staff_id,
                    planned_ms: *planned_ms,
                    started_ms: *at_ms,
                }]);
            }
            CommandBody::Lease {
                attempt,
                lease,
                carry,
            }
            | CommandBody::Unfence {
                attempt,
                lease,
                carry,
            } => {
                if self.taken_by_another(attempt) {
                    return Err("lease.machine_taken");
                }
                return if fence(*attempt).may_take(*lease) {
                    Ok(vec![lease_taken(*attempt, *lease, carry)])
                } else {
                    Err("lease.stale")
                };
            }
            CommandBody::Fence {
                attempt,
                lease,
                holder,
            } => {
                let fenced = Event::Fenced {
                    attempt: *attempt,
                    lease: *lease,
                    holder: *holder,
                };
                let news = fence(*attempt).may_fence(*lease);
                return Ok(if news { vec![fenced] } else { Vec::new() });
            }
            CommandBody::Credit {
                scope, credit_ms, ..
            } => {
                if !scope.is_one() && !self.concerned(scope) {
                    return Ok(Vec::new());
                }
                Input::Credit {
                    credit_ms: *credit_ms,
                    by: staff_id,
                    reason,
                    order: None,
                }
            }
            CommandBody::Suspend { .. } => Input::StaffSuspend { staff_id, reason },
            CommandBody::Resume { .. } => Input::StaffResume { staff_id },
            CommandBody::ForceHandIn { .. } => Input::ForceHandIn { staff_id, reason },
            CommandBody::DecideOutage {
                outage_no,
                credit_ms,
                ..
            } => Input::OutageDecided {
                outage_no: *outage_no,
                credit_ms: *credit_ms,
                staff_id,
                reason,
            },
            CommandBody::End { .. } if !self.may_write() => return Ok(Vec::new()),
            CommandBody::End { .. } => Input::ForceHandIn { staff_id, reason },
            _ => return Ok(Vec::new()),
        };
        let events = self.means(input, now);
        let everybody = matches!(command.body, CommandBody::End { .. });
        if everybody {
            Ok(events.unwrap_or_default())
        } else {
            events
        }
    }

    /// Somebody else sits here whose attempt goes on.
    fn taken_by_another(&self, attempt: &[u8; 16]) -> bool {
        let program = self.program.as_ref().unwrap();
        let other = program
            .sits
            .map(attempt_id)
            .filter(|other| other != attempt);
        let fence = other.and_then(|other| program.fences.get(&other));
        let over = program
            .attempt
            .as_ref()
            .is_some_and(|attempt| matches!(attempt.state(), AttemptState::HandedIn { .. }));
        fence.is_some_and(|fence| fence.may_write().is_ok()) && !over
    }

    /// A decision for many concerns whoever answers here.
    fn concerned(&self, scope: &Scope) -> bool {
        let program = self.program.as_ref().unwrap();
        let Some(candidate) = program.sits.filter(|_| self.may_write()) else {
            return false;
        };
        let answering = program
            .attempt
            .as_ref()
            .is_some_and(|attempt| !matches!(attempt.state(), AttemptState::HandedIn { .. }));
        answering && scope.holds(&attempt_id(candidate), SITTING, "C")
    }
}

impl Program {
    fn own_point(&self, lease: u64) -> Option<&CarryPoint> {
        let own = |point: &&CarryPoint| point.lease == lease && point.ledger_id == self.ledger_id;
        self.carry.iter().find(own)
    }

    /// Commands about this attempt that were taken here beyond what is carried on have had no effect.
    fn forget(&mut self, attempt: &[u8; 16]) {
        for (about, lease, seq, command_id) in &self.taken {
            let point = self.own_point(*lease);
            let carried = point.is_some_and(|point| *seq < point.size);
            if about == attempt && !carried {
                self.inbox.forget(command_id);
            }
        }
        // One that was taken twice may have had its effect in the other place.
        for (about, lease, seq, command_id) in &self.taken {
            let point = self.own_point(*lease);
            let carried = point.is_some_and(|point| *seq < point.size);
            if about == attempt && carried {
                self.inbox.learn(*command_id, None);
            }
        }
    }

    /// What one durable entry of the own ledger means.
    fn fold(&mut self, entry: &Entry) {
        self.folded += 1;
        match &entry.event {
            Event::EpochObeyed { epoch, station } => {
                self.epoch.raise(*epoch, *station);
                self.inbox.raise(*epoch);
                self.hub = usize::from(station.0[0]) - 100;
            }
            Event::CommandTaken {
                command_id,
                refusal,
                ..
            } => {
                self.inbox.take(*command_id, refusal.clone());
                if let Some(attempt) = entry.attempt {
                    let place = self.folded - 1;
                    self.taken.push((attempt, entry.lease, place, *command_id));
                }
            }
            Event::Identified { .. } => {
                let attempt = entry.attempt.unwrap();
                self.fences.entry(attempt).or_default().identified();
                self.sits = Some(candidate_of(&attempt));
            }
            Event::LeaseTaken {
                attempt,
                lease,
                carry,
            } => {
                self.fences.entry(*attempt).or_default().take(*lease);
                self.sits = Some(candidate_of(attempt));
                self.wants = Some((*attempt, *lease));
                self.carry = carry.clone();
                self.forget(attempt);
            }
            Event::Fenced { attempt, lease, .. } => {
                self.fences.entry(*attempt).or_default().fence(*lease);
                if self.wants.is_some_and(|(wanted, _)| wanted == *attempt) {
                    self.wants = None;
                }
            }
            Event::SittingStarted { started_ms, .. } => self.starts_ms = Some(*started_ms),
            Event::BundleSealed { hash, .. } => {
                self.bundles.insert(*hash);
            }
            Event::Receipted { hash, .. } => {
                self.receipted.insert(*hash);
            }
            _ => {}
        }
    }
}

fn recorded(effects: Vec<Effect>) -> Vec<Event> {
    let event = |effect| match effect {
        Effect::Record(event) => Some(event),
        _ => None,
    };
    effects.into_iter().filter_map(event).collect()
}

fn is_lease(body: &CommandBody) -> bool {
    matches!(
        body,
        CommandBody::Lease { .. } | CommandBody::Unfence { .. } | CommandBody::Fence { .. }
    )
}

fn lease_taken(attempt: [u8; 16], lease: u64, carry: &[CarryPoint]) -> Event {
    Event::LeaseTaken {
        attempt,
        lease,
        carry: carry.to_vec(),
    }
}

fn candidate_of(attempt: &[u8; 16]) -> usize {
    usize::from(attempt[0])
}
