//! What follows from what the terminals have said, without anybody asking: first leases, fences, outages, alerts.

use super::draft::Draft;
use super::facts::ClaimFact;
use super::{Actor, Station, concern, ends, missed, swap};
use crate::event::{Event, OutageCause};
use crate::plan::ExamMs;
use crate::room::Device;
use crate::room::alert::{Alert, OutageRef};
use crate::room::command::{Command, CommandBody};
use crate::room::contact::MANY_SEATS;
use crate::room::epoch::Role;
use crate::room::lease::{ALL, AttemptId, CarryPoint, LEASES_OF_AN_EPOCH, LeaseCause, LeaseGiven};
use crate::room::seating::Use;
use crate::room::station::standing::AttemptStanding;
use std::collections::{BTreeMap, BTreeSet};

/// The center is away when it has not answered for this long.
pub const CENTER_AWAY_MS: i64 = 5 * 60_000;

/// Alerts about machines that nobody has listed; more of them would say nothing more.
pub const MOST_STRANGERS: usize = 50;

/// A device that was refused and has not tried again for this long has gone; the next time is another matter.
pub const STRANGER_GONE_MS: i64 = 2 * 60_000;

impl Station {
    /// Machines that work should be heard from now on; call it about once a second, and [`Station::due`] after it.
    pub fn tick(&mut self, now: ExamMs) {
        let working: Vec<Device> = self.recorded.seating.working().collect();
        for device in working {
            self.facts.watch.expect(device, now);
        }
        self.facts.center_ms.get_or_insert(now);
        self.facts.watch.tick(now);
    }

    /// Events that are due now, to be recorded together and committed. Asked again without that, it gives the same.
    pub fn due(&self, ids: &mut dyn FnMut() -> [u8; 16], now: ExamMs) -> Vec<Event> {
        let commanding = self.recorded.standing.commanding().is_some();
        let stopped = matches!(self.recorded.standing.role(), Role::Stopped { .. });
        if !commanding && !stopped {
            return Vec::new();
        }
        let system = Actor::system();
        let mut draft = Draft::new(self, &system, ids, now);
        if commanding {
            leases(&mut draft);
            persons(&mut draft);
            unheard_swaps(&mut draft);
            concern::catch_up(&mut draft);
            for back in &self.facts.returned {
                draft.record(Event::OutageProposed {
                    device: back.device,
                    cause: back.cause,
                    from_ms: back.from_ms,
                    to_ms: back.to_ms,
                });
            }
        }
        let alerts = self.alerts().due(&self.is_the_case(now));
        draft.events.extend(alerts);
        draft.events
    }

    /// What the silence of a device was, where it is over and the ledger does not say so yet.
    pub fn returned(&self) -> impl Iterator<Item = (Device, OutageCause)> + '_ {
        let returned = self.facts.returned.iter();
        returned.map(|back| (back.device, back.cause))
    }

    fn is_the_case(&self, now: ExamMs) -> Vec<Alert> {
        let facts = &self.facts;
        let mut alerts = Vec::new();
        if let Role::Stopped { heard } = self.recorded.standing.role() {
            alerts.push(Alert::StationStopped { epoch: heard });
        }
        let fork = |(device, at_seq): (&Device, &u64)| Alert::Fork {
            device: *device,
            at_seq: *at_seq,
        };
        alerts.extend(facts.forks.iter().map(fork));
        let went_back = |device: &Device| Alert::WentBack { device: *device };
        alerts.extend(facts.went_back.iter().map(went_back));
        alerts.extend(self.strangers(now));
        let lately = |seen_ms: &ExamMs| now.saturating_sub(*seen_ms) < STRANGER_GONE_MS;
        let floods = facts.floods.iter().filter(|(_, seen_ms)| lately(seen_ms));
        alerts.extend(floods.map(|(device, _)| Alert::Flood { device: *device }));
        self.machines_at_fault(&mut alerts);
        self.silences(&mut alerts);
        self.attempts_at_fault(&mut alerts);
        let lockout = |staff_id: &String| Alert::Lockout {
            staff_id: staff_id.clone(),
        };
        alerts.extend(facts.lockouts.iter().map(lockout));
        let since_ms = facts.center_ms.unwrap_or(now);
        if now.saturating_sub(since_ms) > CENTER_AWAY_MS {
            alerts.push(Alert::CenterAway { since_ms });
        }
        alerts
    }

    /// Every listed machine that was refused lately, and of all others so many as say something.
    fn strangers(&self, now: ExamMs) -> Vec<Alert> {
        let lately = |seen_ms: &ExamMs| now.saturating_sub(*seen_ms) < STRANGER_GONE_MS;
        let strangers = self.facts.strangers.iter();
        let strangers = strangers.filter(|(_, seen_ms)| lately(seen_ms));
        let alerts = strangers.map(|((device, code), _)| Alert::Stranger {
            device: *device,
            code: code.clone(),
        });
        let listed = |alert: &Alert| {
            let device = alert.device();
            device.is_some_and(|device| self.seating().machine(&device).is_some())
        };
        let (mut alerts, unlisted): (Vec<_>, Vec<_>) = alerts.partition(listed);
        let open: Vec<&Alert> = self
            .alerts()
            .worst_first()
            .iter()
            .map(|open| &open.alert)
            .collect();
        let of_strangers =
            |alert: &&&Alert| matches!(alert, Alert::Stranger { .. }) && !listed(alert);
        let shown = open.iter().filter(of_strangers).count();
        let (known, new): (Vec<_>, Vec<_>) = unlisted
            .into_iter()
            .partition(|alert| open.contains(&alert));
        alerts.extend(known);
        alerts.extend(new.into_iter().take(MOST_STRANGERS.saturating_sub(shown)));
        alerts
    }

    fn machines_at_fault(&self, alerts: &mut Vec<Alert>) {
        for (device, facts) in &self.facts.devices {
            let device = *device;
            if let Some(code) = facts.storage.clone() {
                alerts.push(Alert::Storage { device, code });
            }
            if let Some(code) = facts.camera.clone() {
                alerts.push(Alert::Camera { device, code });
            }
        }
        for (place, issued) in self.recorded.issued.iter().enumerate() {
            // A machine that is not concerned by what everybody was told has refused nothing.
            if let Some(Some(code)) = &issued.outcome
                && code != ends::ENDED_THERE
                && !missed::done_since(self, place)
            {
                alerts.push(Alert::Refused {
                    device: issued.device,
                    command_id: issued.command.command_id,
                    command: issued.command.body.name().to_owned(),
                    code: code.clone(),
                });
            }
        }
    }

    fn silences(&self, alerts: &mut Vec<Alert>) {
        let many = self.facts.watch.many();
        if !many.is_empty() {
            alerts.push(Alert::ManyOutOfContact {
                devices: many.into_iter().collect(),
            });
        }
        let alone = |device| Alert::OutOfContact { device };
        alerts.extend(self.facts.watch.alone().into_iter().map(alone));
    }

    fn attempts_at_fault(&self, alerts: &mut Vec<Alert>) {
        let mut outages = Vec::new();
        for (attempt, facts) in &self.facts.attempts {
            let Some(chain) = self.leases().chain(attempt) else {
                continue;
            };
            let Some(last) = chain.last() else { continue };
            for claim in &facts.claims {
                let other = claim.device;
                let held = chain
                    .given()
                    .iter()
                    .any(|one| one.device == other && one.ledger_id == claim.ledger_id);
                if !held {
                    alerts.push(Alert::TwoTerminals {
                        attempt: *attempt,
                        holder: last.device,
                        other,
                    });
                }
            }
            if self.facts.nobody_holds(attempt, last) {
                alerts.push(Alert::NobodyHolds { attempt: *attempt });
            }
            let standing = self.attempt(attempt).unwrap_or_default();
            alerts.extend(self.other_seat(attempt, last, &standing));
            if standing.answering {
                let undecided = |outage_no| OutageRef {
                    attempt: *attempt,
                    outage_no,
                };
                outages.extend(standing.undecided.into_iter().map(undecided));
            }
        }
        let single = |outage: &OutageRef| Alert::OutageUndecided {
            attempt: outage.attempt,
            outage_no: outage.outage_no,
        };
        alerts.extend(outages.iter().map(single));
        if outages.len() >= MANY_SEATS {
            alerts.push(Alert::ManyOutages { outages });
        }
    }
}

impl Station {
    /// Where the candidate signed in, and nobody has moved them since. A spare shows no number.
    fn other_seat(
        &self,
        attempt: &AttemptId,
        last: &LeaseGiven,
        standing: &AttemptStanding,
    ) -> Option<Alert> {
        let seating = self.seating();
        let sitting_no = &standing.sitting_no;
        if last.cause != LeaseCause::Identified
            || standing.handed_in
            || !seating.is_published(sitting_no)
        {
            return None;
        }
        let seat_no = seating.seat_of(sitting_no, &standing.ticket_hash?)?;
        let machine = seating.machine(&last.device);
        let spare = machine.is_some_and(|machine| machine.purpose == Use::Spare);
        let elsewhere = spare || standing.identified_at != Some(seat_no);
        elsewhere.then_some(Alert::OtherSeat {
            attempt: *attempt,
            device: last.device,
            seat_no,
        })
    }
}

/// The first who identified gets lease 1. A lease that another station gave, unheard here, is taken over where it
/// follows on those that are known. Everybody else who claims the attempt is fenced, once for each lease.
fn leases(draft: &mut Draft) {
    let (book, facts) = (draft.station.leases(), &draft.station.facts);
    let of_own_epoch = draft.epoch().saturating_mul(LEASES_OF_AN_EPOCH);
    for (attempt, claimed) in &facts.attempts {
        let chain = book.chain(attempt).cloned().unwrap_or_default();
        let mut grown = chain.clone();
        // Somebody whom another station has fenced comes last.
        let fenced = |claim: &&ClaimFact| {
            let fenced = claimed.fenced.get(&claim.ledger_id);
            fenced.is_some_and(|fenced| *fenced >= claim.lease)
        };
        let (after, before): (Vec<&ClaimFact>, Vec<&ClaimFact>) =
            claimed.claims.iter().partition(fenced);
        // The leases of this station's own epoch are in its own ledger: whoever speaks of another one made it up, and is
        // fenced with everybody else who does not hold the attempt.
        let ordinary = |claim: &&ClaimFact| {
            claim.lease == 1 || (LEASES_OF_AN_EPOCH..of_own_epoch).contains(&claim.lease)
        };
        for claim in before.into_iter().chain(after).filter(ordinary) {
            let given = LeaseGiven {
                attempt: *attempt,
                lease: claim.lease,
                epoch: draft.epoch(),
                device: claim.device,
                ledger_id: claim.ledger_id,
                carry: claim.carry.clone(),
                cause: match claim.lease {
                    1 => LeaseCause::Identified,
                    _ => LeaseCause::Learned,
                },
            };
            if grown.add(given.clone()).is_ok() {
                swap::learn(draft, chain.last(), given);
                // What follows on it is looked at next time, with this one written down.
                break;
            }
        }
        let Some(last) = grown.last() else { continue };
        let mut seen = BTreeSet::new();
        for claim in &claimed.claims {
            let holder = claim.device == last.device && claim.ledger_id == last.ledger_id;
            if !holder && seen.insert(claim.device) {
                let theirs = claimed.claims.iter();
                let theirs = theirs.filter(|one| one.device == claim.device);
                let highest = theirs.map(|one| one.lease).max().unwrap_or(0);
                let lease = last.lease.max(highest);
                fence(draft, attempt, claim.device, lease, last.device);
            }
        }
    }
}

/// A swap that another station made, unheard here, while this one saw the candidate go on where it was: that goes on,
/// unless there are answers at the new place too. Then the swap stands, and people decide.
fn unheard_swaps(draft: &mut Draft) {
    let (book, facts) = (draft.station.leases(), &draft.station.facts);
    for (attempt, chain) in book.chains() {
        let [.., before, last] = chain.given() else {
            continue;
        };
        let way_back = |point: &CarryPoint| point.ledger_id == last.ledger_id && point.size == ALL;
        let unheard = last.cause == LeaseCause::Learned
            && !last.carry.iter().any(way_back)
            && !draft.gives(attempt);
        let stayed = facts.went_on(attempt, before.lease, &last.carry);
        let moved = facts.has_answers(attempt, last.lease, &last.ledger_id);
        if unheard && stayed && !moved {
            // Where it cannot be undone now, it is tried again with whatever is heard next.
            let _ = swap::undo(draft, *attempt);
        }
    }
}

fn fence(draft: &mut Draft, attempt: &AttemptId, device: Device, lease: u64, holder: Device) {
    if device == holder || told(draft, attempt, &device, lease) {
        return;
    }
    let attempt = *attempt;
    draft.tell(
        device,
        CommandBody::Fence {
            attempt,
            lease,
            holder,
        },
    );
}

fn told(draft: &Draft, attempt: &AttemptId, device: &Device, lease: u64) -> bool {
    let fences: BTreeMap<AttemptId, u64> = draft
        .station
        .commands_of(device)
        .filter_map(|issued| match issued.command.body {
            CommandBody::Fence { attempt, lease, .. } => Some((attempt, lease)),
            _ => None,
        })
        .collect();
    fences.get(attempt).is_some_and(|known| *known >= lease)
}

/// Whoever was stamped or let in late, and sat down at another machine than the one that was told, is told of there.
fn persons(draft: &mut Draft) {
    let station = draft.station;
    for (attempt, chain) in station.leases().chains() {
        let (Some(last), Some(standing)) = (chain.last(), station.attempt(attempt)) else {
            continue;
        };
        if standing.started {
            continue;
        }
        let theirs = |body: &CommandBody| match body {
            CommandBody::Arrive {
                sitting_no,
                ticket_hash,
                ..
            }
            | CommandBody::LateEntry {
                sitting_no,
                ticket_hash,
                ..
            } => *sitting_no == standing.sitting_no && standing.ticket_hash == Some(*ticket_hash),
            _ => false,
        };
        let told: Vec<&CommandBody> = station
            .commands_of(&last.device)
            .map(|one| &one.command.body)
            .collect();
        let mut missed: Vec<&Command> = Vec::new();
        for one in station.recorded.issued.iter().map(|one| &one.command) {
            let again = missed.iter().any(|known| known.body == one.body);
            if theirs(&one.body) && !told.contains(&&one.body) && !again {
                missed.push(one);
            }
        }
        for command in missed {
            draft.give(last.device, command.clone());
        }
    }
}
