//! Events in the making: what one action or one finding records together.

use super::{Actor, Station, concern};
use crate::event::Event;
use crate::plan::ExamMs;
use crate::room::Device;
use crate::room::command::{Command, CommandBody};
use crate::room::lease::{AttemptId, LeaseGiven};
use crate::room::post::Outbox;
use std::collections::BTreeMap;

/// A source of random ids, handed in.
pub(super) type Ids<'a> = &'a mut dyn FnMut() -> [u8; 16];

pub(super) struct Draft<'a> {
    pub(super) station: &'a Station,
    pub(super) actor: &'a Actor,
    pub(super) now: ExamMs,
    epoch: u64,
    ids: Ids<'a>,
    next_no: BTreeMap<Device, u64>,
    pub(super) events: Vec<Event>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        station: &'a Station,
        actor: &'a Actor,
        ids: Ids<'a>,
        now: ExamMs,
    ) -> Draft<'a> {
        Draft {
            station,
            actor,
            now,
            epoch: station.recorded.standing.heard(),
            ids,
            next_no: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    pub(super) fn record(&mut self, event: Event) {
        self.events.push(event);
    }

    /// A new command to one device, by this actor and for this reason.
    pub(super) fn tell(&mut self, device: Device, body: CommandBody) {
        let command = Command {
            command_id: (self.ids)(),
            issued_ms: self.now,
            by: self.actor.staff_id(),
            second: self.actor.second_id(),
            reason: self.actor.reason.clone(),
            body,
        };
        self.give(device, command);
    }

    /// The same to every machine that works: who is not concerned does nothing, and a spare is ready for it.
    pub(super) fn tell_all(&mut self, body: &CommandBody) {
        let working: Vec<Device> = self.station.seating().working().collect();
        for device in working {
            self.tell(device, body.clone());
        }
    }

    /// The same to every machine that belongs to this sitting, and to those that are free for any.
    pub(super) fn tell_sitting(&mut self, sitting_no: &str, body: &CommandBody) {
        let station = self.station;
        let working = station.seating().working();
        let meant = working.filter(|device| concern::concerned(station, device, sitting_no));
        for device in meant.collect::<Vec<Device>>() {
            self.tell(device, body.clone());
        }
    }

    /// What others were told, to one who was not, as a command of its own: the same decision of the same
    /// moment, in the same person's name, so that its time is not given twice.
    pub(super) fn again(&mut self, device: Device, told: &Command) {
        let command = Command {
            command_id: (self.ids)(),
            ..told.clone()
        };
        self.give(device, command);
    }

    /// A command that exists already, to this device.
    pub(super) fn give(&mut self, device: Device, command: Command) {
        let outbox = self.station.recorded.outboxes.get(&device);
        let first = outbox.map_or(1, Outbox::next_no);
        let no = self.next_no.entry(device).or_insert(first);
        let event = Event::CommandIssued {
            device,
            epoch: self.epoch,
            no: *no,
            command: Box::new(command),
        };
        *no += 1;
        self.events.push(event);
    }

    pub(super) fn lease(&mut self, given: LeaseGiven) {
        self.events.push(Event::LeaseGiven { given });
    }

    /// Whether a lease of this attempt is among the events.
    pub(super) fn gives(&self, attempt: &AttemptId) -> bool {
        let of_it = |event: &Event| matches!(event, Event::LeaseGiven { given } if given.attempt == *attempt);
        self.events.iter().any(of_it)
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }
}
