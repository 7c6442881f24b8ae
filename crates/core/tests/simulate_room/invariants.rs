//! What must hold, whatever happens.

use crate::network::{Entry, Record};
use crate::plan::{attempt_id, attempt_plan, device, ledger_id};
use crate::terminal::Terminal;
use crate::world::{ENDS, World};
use fengjuan_core::attempt::{Attempt, AttemptState};
use fengjuan_core::clock::MOST_ROUND_TRIP_MS;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::room::command::CommandBody;
use fengjuan_core::room::lease::{Counted, LeaseChain};
use std::collections::{BTreeMap, BTreeSet};

pub fn while_it_goes_on(world: &World) {
    for terminal in &world.terminals {
        invariant_time_moves_only_by_decisions(world, terminal);
    }
    if world.now % 30_000 < 1_000 {
        invariant_one_station_for_each_epoch(world);
        for terminal in &world.terminals {
            invariant_commands_are_taken_in_order_and_once(terminal);
        }
    }
}

/// Gives how many acknowledged answers a swap has left behind.
pub fn at_the_end(world: &World) -> u64 {
    let commanding: Vec<usize> = (0..2)
        .filter(|hub| world.hubs[*hub].commanding().is_some())
        .collect();
    assert_eq!(commanding.len(), 1, "one station runs the room");
    let hub = commanding[0];
    invariant_everything_written_is_at_the_center(world);
    invariant_every_bundle_is_at_the_center_once(world);
    invariant_one_lease_for_each_attempt(world);
    let left = invariant_no_acknowledged_answer_lost(world);
    invariant_every_decision_counts_once(world, hub);
    invariant_nothing_waits(world, hub);
    left
}

/// The end of an attempt moves by recorded decisions and by nothing else; and where the clock is right, so is what is
/// left of the time.
fn invariant_time_moves_only_by_decisions(world: &World, terminal: &Terminal) {
    let Some(program) = &terminal.program else {
        return;
    };
    let Some(attempt) = &program.attempt else {
        return;
    };
    if !terminal.may_write() {
        return;
    }
    let exam_ms = terminal.exam_now(world.now);
    if program.clock.is_anchored() && attempt.state() == AttemptState::Answering {
        let shown_ms = attempt.remaining_ms(exam_ms);
        let due_ms = (attempt.ends_ms() - world.now).max(0);
        // An anchor may be off by half of the longest round trip that it accepts, and the stations by their own skew.
        let most_ms = MOST_ROUND_TRIP_MS / 2 + 800;
        let off_ms = (shown_ms - due_ms).abs();
        assert!(off_ms <= most_ms, "{shown_ms} and {due_ms}");
    }
    assert!(attempt.ends_ms() >= ENDS);
}

/// Of one epoch every terminal has heard of one station at most.
fn invariant_one_station_for_each_epoch(world: &World) {
    for terminal in &world.terminals {
        let mut obeyed = 0;
        for entry in &terminal.ledger {
            match &entry.event {
                Event::EpochObeyed { epoch, .. } => {
                    assert!(
                        *epoch > obeyed,
                        "never back, and never another of one number"
                    );
                    obeyed = *epoch;
                }
                Event::CommandTaken { epoch, .. } => assert_eq!(*epoch, obeyed),
                _ => {}
            }
        }
    }
}

fn invariant_commands_are_taken_in_order_and_once(terminal: &Terminal) {
    let mut last = (0, 0);
    for entry in &terminal.ledger {
        if let Event::CommandTaken { epoch, no, .. } = &entry.event {
            let next = if *epoch == last.0 { last.1 + 1 } else { 1 };
            assert_eq!(*no, next);
            last = (*epoch, *no);
        }
    }
}

fn invariant_everything_written_is_at_the_center(world: &World) {
    for terminal in &world.terminals {
        let there = world.center.get(&ledger_id(terminal.no));
        let there = there.map_or(&[][..], Vec::as_slice);
        assert_eq!(
            there,
            terminal.ledger.as_slice(),
            "terminal {}",
            terminal.no
        );
    }
}

fn invariant_every_bundle_is_at_the_center_once(world: &World) {
    let mut sealed: BTreeSet<Hash32> = BTreeSet::new();
    for terminal in &world.terminals {
        for entry in &terminal.ledger {
            if let Event::BundleSealed { hash, .. } = &entry.event {
                assert!(sealed.insert(*hash), "no bundle is sealed twice");
            }
        }
        let program = terminal.program.as_ref().unwrap();
        assert_eq!(
            program.bundles, program.receipted,
            "terminal {}",
            terminal.no
        );
    }
    let there: BTreeSet<Hash32> = world.center_bundles.keys().copied().collect();
    assert_eq!(there, sealed);
    assert!(world.center_bundles.values().all(|times| *times == 1));
}

fn chain_of(world: &World, candidate: usize) -> LeaseChain {
    let attempt = attempt_id(candidate);
    let leases = world.leases();
    LeaseChain::of(
        leases
            .into_iter()
            .filter(|one| one.attempt == attempt)
            .collect(),
    )
}

fn invariant_one_lease_for_each_attempt(world: &World) {
    for candidate in 0..world.candidates {
        let attempt = attempt_id(candidate);
        let chain = chain_of(world, candidate);
        let writers: Vec<usize> = world
            .terminals
            .iter()
            .filter(|terminal| {
                let program = terminal.program.as_ref().unwrap();
                let fence = program.fences.get(&attempt).copied().unwrap_or_default();
                fence.may_write().is_ok()
            })
            .map(|terminal| terminal.no)
            .collect();
        match chain.last() {
            Some(last) => {
                let holder: Vec<usize> = vec![usize::from(last.device.0[0])];
                // Who is done needs no machine, and may have been refused one.
                let done = replay(world, candidate).is_some_and(|attempt| is_over(&attempt));
                if done && writers.is_empty() {
                    continue;
                }
                assert_eq!(
                    writers,
                    holder,
                    "candidate {candidate}: {}",
                    story(world, candidate)
                );
            }
            None => assert!(writers.is_empty(), "candidate {candidate}: {writers:?}"),
        }
    }
}

fn is_over(attempt: &Attempt) -> bool {
    matches!(attempt.state(), AttemptState::HandedIn { .. })
}

/// The entries of an attempt that are answers, in their order, as the center finds them.
fn history(world: &World, candidate: usize) -> Vec<Entry> {
    let (attempt, chain) = (attempt_id(candidate), chain_of(world, candidate));
    let mut placed = Vec::new();
    for (ledger_id, entries) in &world.center {
        for (seq, entry) in (0u64..).zip(entries) {
            if entry.attempt == Some(attempt)
                && let Some(place) = chain.place(entry.lease, ledger_id, seq)
            {
                placed.push((place, entry.clone()));
            }
        }
    }
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, entry)| entry).collect()
}

fn replay(world: &World, candidate: usize) -> Option<Attempt> {
    let history = history(world, candidate);
    let started_ms = history.iter().find_map(|entry| match &entry.event {
        Event::AttemptStarted { started_ms, .. } => Some(*started_ms),
        _ => None,
    })?;
    let events = history.iter().map(|entry| (&entry.event, entry.exam_ms));
    let replayed = Attempt::replay(attempt_plan(candidate, started_ms), events);
    let replayed = replayed.unwrap_or_else(|error| {
        let cause = error.cause;
        let story = story(world, candidate);
        panic!(
            "candidate {candidate}: {cause:?} at {:?}: {story}",
            history[error.place]
        )
    });
    Some(replayed)
}

/// What was acknowledged is an answer, unless a swap left it behind; and what a swap leaves behind had not come to the
/// station that made it. The machine in front of the candidate knows the same answers as the center.
fn invariant_no_acknowledged_answer_lost(world: &World) -> u64 {
    let mut evidence = 0;
    for candidate in 0..world.candidates {
        let chain = chain_of(world, candidate);
        let Some(last) = chain.last() else {
            continue;
        };
        let holder = &world.terminals[usize::from(last.device.0[0])];
        let program = holder.program.as_ref().unwrap();
        let live = program.attempt.as_ref();
        let replayed = replay(world, candidate);
        // Who is done may have made room for another, or be nowhere any more.
        if program.sits == Some(candidate) && holder.may_write() {
            assert_eq!(
                live.map(Attempt::answers),
                replayed.as_ref().map(Attempt::answers),
                "candidate {candidate}: {}",
                story(world, candidate)
            );
            assert_eq!(
                live.map(Attempt::ends_ms),
                replayed.as_ref().map(Attempt::ends_ms)
            );
        }
        if let Some(attempt) = &replayed {
            let over = is_over(attempt);
            assert!(over, "candidate {candidate}: {:?}", attempt.state());
        }
        for one in world
            .acknowledged
            .iter()
            .filter(|one| one.candidate == candidate)
        {
            let entry = &world.terminals[one.terminal].ledger[one.seq as usize];
            let ledger = ledger_id(one.terminal);
            if chain.counts(entry.lease, &ledger, one.seq) == Counted::Evidence {
                evidence += 1;
                let left = left_behind(world, candidate, one.terminal, one.seq);
                assert!(
                    left,
                    "candidate {candidate}: {one:?} {}",
                    story(world, candidate)
                );
            }
        }
    }
    evidence
}

/// A lease was given away from this machine before this entry had come to the station that gave it, or the machine
/// never held one.
fn left_behind(world: &World, candidate: usize, terminal: usize, seq: u64) -> bool {
    let attempt = attempt_id(candidate);
    let chain = chain_of(world, candidate);
    let entry = &world.terminals[terminal].ledger[seq as usize];
    let Some(last) = chain.last() else {
        return true;
    };
    // The last lease's carry points name every lease before it, also those that its station never heard of.
    let mut leases: Vec<(u64, [u8; 16])> = Vec::new();
    leases.extend(
        last.carry
            .iter()
            .map(|point| (point.lease, point.ledger_id)),
    );
    leases.push((last.lease, last.ledger_id));
    let own = (entry.lease, ledger_id(terminal));
    let Some(place) = leases.iter().position(|one| *one == own) else {
        return true;
    };
    let Some((next, _)) = leases.get(place + 1) else {
        return false;
    };
    // The journals of every station, to see what was there when the next lease was given.
    let journals = world.hubs.iter().flat_map(|hub| {
        let archived = hub.archive.iter().map(Vec::as_slice);
        archived.chain(std::iter::once(hub.journal.as_slice()))
    });
    for journal in journals {
        let given = journal.iter().position(|record| {
            matches!(record, Record::Own(Event::LeaseGiven { given })
                if given.attempt == attempt && given.lease == *next)
        });
        let here = journal.iter().position(|record| {
            matches!(record, Record::Entry { ledger_id: ledger, seq: at, .. }
                if *ledger == ledger_id(terminal) && *at == seq)
        });
        if let (Some(given), Some(here)) = (given, here)
            && here < given
            && adopted(journal, given)
        {
            return false;
        }
    }
    true
}

/// Whether this station itself decided on this lease, by a command to its holder that follows at once.
fn adopted(journal: &[Record], given: usize) -> bool {
    matches!(
        journal.get(given + 1),
        Some(Record::Own(Event::CommandIssued { command, .. }))
            if matches!(command.body, CommandBody::Lease { .. })
    )
}

/// A credit that the station in command gave, and that no terminal refused, is in the attempt's history, once.
fn invariant_every_decision_counts_once(world: &World, hub: usize) {
    let station = &world.hubs[hub].station;
    for candidate in 0..world.candidates {
        let chain = chain_of(world, candidate);
        if chain.last().is_none() {
            continue;
        }
        let mut credited: BTreeMap<String, u32> = BTreeMap::new();
        let mut sum_ms = 0;
        for entry in history(world, candidate) {
            match &entry.event {
                Event::TimeCredited {
                    reason, credit_ms, ..
                } => {
                    *credited.entry(reason.clone()).or_default() += 1;
                    sum_ms += credit_ms;
                }
                Event::OutageDecided { credit_ms, .. } => sum_ms += credit_ms,
                _ => {}
            }
        }
        assert!(credited.values().all(|times| *times == 1), "{credited:?}");
        if let Some(attempt) = replay(world, candidate) {
            assert_eq!(attempt.ends_ms(), ENDS + sum_ms);
        }
        // One that went along with the attempt counts as it went at the last machine.
        let mut last_outcome = BTreeMap::new();
        for issued in station.commands() {
            let about = issued.command.body.attempt() == Some(attempt_id(candidate));
            if about && matches!(issued.command.body, CommandBody::Credit { .. }) {
                last_outcome.insert(issued.command.command_id, issued.outcome.clone());
            }
        }
        for (id, outcome) in last_outcome {
            let id = format!("{id:?}");
            let there = credited.contains_key(&id);
            let story = || story(world, candidate);
            assert!(
                there || outcome != Some(None),
                "candidate {candidate}: {id} is missing: {}",
                story()
            );
        }
    }
}

/// Everybody has everything that was commanded.
fn invariant_nothing_waits(world: &World, hub: usize) {
    let station = &world.hubs[hub].station;
    for terminal in &world.terminals {
        let waiting = station.waiting_from(&device(terminal.no), 1);
        assert!(waiting.is_empty(), "terminal {}: {waiting:?}", terminal.no);
    }
}

/// Everything that was written about an attempt's leases, for whoever looks into a failure.
fn story(world: &World, candidate: usize) -> String {
    let attempt = attempt_id(candidate);
    let mut lines = vec![String::new()];
    for hub in &world.hubs {
        let archived = hub.archive.iter().map(Vec::as_slice);
        for journal in archived.chain(std::iter::once(hub.journal.as_slice())) {
            lines.push(format!("hub {}:", hub.no));
            for record in journal {
                let (Record::Own(event) | Record::Followed(event)) = record else {
                    continue;
                };
                let about = match event {
                    Event::EpochRaised { .. } | Event::StoodDown { .. } => true,
                    Event::LeaseGiven { given } => given.attempt == attempt,
                    Event::CommandIssued { command, .. } => command.body.attempt() == Some(attempt),
                    _ => false,
                };
                lines.extend(about.then(|| format!("  {event:?}")));
            }
        }
    }
    for terminal in &world.terminals {
        lines.push(format!("terminal {}:", terminal.no));
        for (seq, entry) in terminal.ledger.iter().enumerate() {
            let about = entry.attempt.is_none_or(|one| one == attempt);
            lines.extend(about.then(|| format!("  {seq} {} {:?}", entry.lease, entry.event)));
        }
    }
    lines.join("\n")
}
