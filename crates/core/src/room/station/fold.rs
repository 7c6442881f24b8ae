//! What the station's ledger says, event by event.

use super::{Track, tell};
use crate::event::{Event, Hash32};
use crate::room::Device;
use crate::room::alert::AlertBook;
use crate::room::command::{Authority, Command, CommandBody, PhoneApproval};
use crate::room::epoch::Standing;
use crate::room::lease::{AttemptId, LeaseBook};
use crate::room::post::{Outbox, Settled};
use crate::room::rules::Deed;
use crate::room::seating::Seating;
use std::collections::BTreeMap;

/// A command that was given, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    pub device: Device,
    pub command: Command,
    /// None: not acknowledged; the inner one is the refusal.
    pub outcome: Option<Option<String>>,
}

/// A decision that stands and waits for the center's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    pub deed: Deed,
    /// `room:<sitting>`, `class:<sitting>/<class>`, `attempt:<hex>`, `ticket:<hex>`.
    pub concern: String,
    /// How much time it gives, where it is about time and any machine was told.
    pub ms: Option<i64>,
    pub phone: Option<PhoneApproval>,
    pub staff_id: String,
    pub second: Option<String>,
    pub reason: String,
}

/// The state that a ledger gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub(super) standing: Standing,
    pub(super) seating: Seating,
    pub(super) leases: LeaseBook,
    pub(super) alerts: AlertBook,
    pub(super) tracks: BTreeMap<String, Track>,
    pub(super) outboxes: BTreeMap<Device, Outbox>,
    /// Every command, in the order in which they were given.
    pub(super) issued: Vec<Issued>,
    /// For every lease, how many commands had been given before it.
    pub(super) issued_before: BTreeMap<(AttemptId, u64), usize>,
    pub(super) awaited: BTreeMap<u64, Awaited>,
    pub(super) awaited_given: u64,
    /// Decisions whose order has come, with its hash.
    pub(super) ordered: BTreeMap<u64, (Awaited, Hash32)>,
}

impl Recorded {
    pub(super) fn new(me: Device) -> Recorded {
        Recorded {
            standing: Standing::standby(me),
            seating: Seating::default(),
            leases: LeaseBook::default(),
            alerts: AlertBook::default(),
            tracks: BTreeMap::new(),
            outboxes: BTreeMap::new(),
            issued: Vec::new(),
            issued_before: BTreeMap::new(),
            awaited: BTreeMap::new(),
            awaited_given: 0,
            ordered: BTreeMap::new(),
        }
    }

    pub(super) fn follow(&mut self, event: &Event) {
        match event {
            Event::EpochRaised { epoch, .. } => {
                self.standing.follow(*epoch);
                self.give_again(*epoch);
            }
            Event::StoodDown { epoch, .. } => self.standing.follow(*epoch),
            event => self.commit(event),
        }
    }

    pub(super) fn commit(&mut self, event: &Event) {
        self.seating.commit(event);
        self.alerts.commit(event);
        self.commit_track(event);
        match event {
            Event::EpochRaised { epoch, station, .. } => self.raise(*epoch, *station),
            Event::StoodDown { epoch, station } => {
                self.standing.hear(*epoch, station.as_ref());
            }
            Event::CommandIssued {
                device,
                epoch,
                command,
                ..
            } => self.issue(*device, *epoch, command),
            Event::CommandAcknowledged {
                device,
                epoch,
                no,
                refusal,
            } => self.acknowledge(device, *epoch, *no, refusal),
            Event::LeaseGiven { given } => {
                let place = (given.attempt, given.lease);
                if self.leases.add(given.clone()).is_ok() {
                    self.issued_before.insert(place, self.issued.len());
                }
            }
            Event::OrderMatched { awaited_no, order } => {
                if let Some(awaited) = self.awaited.remove(awaited_no) {
                    self.ordered.insert(*awaited_no, (awaited, *order));
                }
            }
            Event::OrderAwaited {
                awaited_no,
                deed,
                concern,
                phone,
                staff_id,
                second,
                reason,
            } => {
                self.awaited_given = self.awaited_given.max(*awaited_no);
                let awaited = Awaited {
                    deed: *deed,
                    concern: concern.clone(),
                    ms: None,
                    phone: phone.clone(),
                    staff_id: staff_id.clone(),
                    second: second.clone(),
                    reason: reason.clone(),
                };
                self.awaited.insert(*awaited_no, awaited);
            }
            _ => {}
        }
    }

    fn commit_track(&mut self, event: &Event) {
        let Some(sitting_no) = sitting_of(event) else {
            return;
        };
        let track = self.tracks.entry(sitting_no.to_owned()).or_default();
        match event {
            Event::SittingHeld { version, .. } => track.held = Some(*version),
            Event::Unlocked { version, .. } => track.unlocked = Some(*version),
            Event::RoomStarted {
                planned_ms, at_ms, ..
            } => track.started = Some((*planned_ms, *at_ms)),
            Event::RoomPostponed { by_ms, .. } => {
                track.postponed_ms = track.postponed_ms.saturating_add(*by_ms);
            }
            Event::RoomEnded {
                class_no: Some(class_no),
                ..
            } => {
                track.ended_classes.insert(class_no.clone());
            }
            Event::RoomEnded { class_no: None, .. } => track.ended = true,
            Event::SittingSubmitted { .. } => track.submitted = true,
            _ => {}
        }
    }

    fn raise(&mut self, epoch: u64, station: Device) {
        if station == self.standing.me() {
            self.standing.raise(epoch);
        } else {
            self.standing.hear(epoch, Some(&station));
        }
        self.give_again(epoch);
    }

    /// The commands that wait are given again by whoever runs the room now, under new numbers.
    fn give_again(&mut self, epoch: u64) {
        for outbox in self.outboxes.values_mut() {
            if outbox.epoch() < epoch {
                *outbox = outbox.clone().raised(epoch);
            }
        }
    }

    fn issue(&mut self, device: Device, epoch: u64, command: &Command) {
        self.note_amount(&command.body);
        let outbox = self.outboxes.entry(device);
        outbox
            .or_insert_with(|| Outbox::new(epoch))
            .push(command.clone());
        self.issued.push(Issued {
            device,
            command: command.clone(),
            outcome: None,
        });
    }

    /// The command that follows on a decision says how much that was.
    fn note_amount(&mut self, body: &CommandBody) {
        let ms = match body {
            CommandBody::Credit { credit_ms, .. } => *credit_ms,
            CommandBody::Postpone { by_ms, .. } => *by_ms,
            _ => return,
        };
        let last = self.awaited.values_mut().next_back();
        let its = last.filter(|last| last.ms.is_none() && last.concern == tell::concern(body));
        if let Some(awaited) = its.filter(|_| body.authority().is_some_and(Authority::is_pending)) {
            awaited.ms = Some(ms);
        }
    }

    fn acknowledge(&mut self, device: &Device, epoch: u64, no: u64, refusal: &Option<String>) {
        let Some(outbox) = self.outboxes.get_mut(device) else {
            return;
        };
        let Settled::First { command } = outbox.acknowledged(epoch, no) else {
            return;
        };
        let it = |one: &&mut Issued| {
            one.device == *device && one.command.command_id == command.command_id
        };
        if let Some(issued) = self.issued.iter_mut().rev().find(it) {
            issued.outcome = Some(refusal.clone());
        }
    }
}

fn sitting_of(event: &Event) -> Option<&str> {
    match event {
        Event::SittingHeld { sitting_no, .. }
        | Event::Unlocked { sitting_no, .. }
        | Event::RoomStarted { sitting_no, .. }
        | Event::RoomPostponed { sitting_no, .. }
        | Event::RoomEnded { sitting_no, .. }
        | Event::SittingSubmitted { sitting_no } => Some(sitting_no),
        _ => None,
    }
}
