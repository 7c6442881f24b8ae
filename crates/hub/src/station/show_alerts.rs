//! Alerts, worst first.

use super::seats::Seat;
use super::snapshot::Snapshot;
use super::{State, Station};
use crate::view::{Acknowledged, AlertRow};
use fengjuan_core::room::Device;
use fengjuan_core::room::alert::{Alert, Open, OutageRef, Severity};
use fengjuan_core::room::lease::AttemptId;
use fengjuan_device::refusal::{With, notice};
use fengjuan_device::staff::name;
use fengjuan_device::view::{Notice, StaffName, Tone};
use std::collections::BTreeMap;

impl Station {
    pub(super) fn alerts(
        &self,
        state: &State,
        room: &Snapshot,
        seats: &BTreeMap<u32, Seat<'_>>,
    ) -> Vec<AlertRow> {
        let row = |open: &Open| {
            let moments = state.log.alerts.get(&open.alert_no);
            let since_ms = moments.map_or(room.now, |(raised_ms, _)| *raised_ms);
            let at_ms = moments.and_then(|(_, at_ms)| *at_ms).unwrap_or(since_ms);
            let acknowledged = open.acknowledged.clone();
            AlertRow {
                alert_no: open.alert_no,
                notice: self.said(state, room, seats, &open.alert),
                since_ms,
                seats: concerned(room, &open.alert),
                acknowledged: acknowledged.map(|(staff_id, note)| Acknowledged {
                    by: state.named(&staff_id),
                    at_ms,
                    note,
                }),
            }
        };
        room.alerts.iter().map(row).collect()
    }

    fn said(
        &self,
        state: &State,
        room: &Snapshot,
        seats: &BTreeMap<u32, Seat<'_>>,
        alert: &Alert,
    ) -> Notice {
        let tone = match alert.severity() {
            Severity::Harm => Tone::Red,
            Severity::Attention => Tone::Amber,
            Severity::Note => Tone::Blue,
        };
        let mut said = notice(alert.code(), tone);
        if let Some(device) = alert.device() {
            said = said.with("device", self.device_name(room, &device));
            if let Some(seat_no) = room.number_of(&device) {
                said = said.with("seat", seat_no);
            }
        }
        if let Some(attempt) = attempt_of(alert) {
            let sits = |seat: &&Seat<'_>| seat.attempt() == Some(attempt);
            if let Some(seat) = seats.values().find(sits) {
                said = said.with("seat", seat.seat_no);
                if let Some(one) = seat.entrant {
                    said = said.with("name", &one.candidate.name);
                }
            }
        }
        match alert {
            Alert::Stranger { code, .. }
            | Alert::Storage { code, .. }
            | Alert::Camera { code, .. } => said.with("cause", code),
            Alert::Refused { command, code, .. } => {
                said.with("command", command).with("cause", code)
            }
            Alert::TwoTerminals { holder, .. } => {
                said.with("other", self.device_name(room, holder))
            }
            Alert::OtherSeat { seat_no, .. } => said.with("dealt", seat_no),
            Alert::StationStopped { epoch } => said.with("epoch", epoch),
            Alert::ManyOutages { outages } => said.with("count", outages.len()),
            Alert::ManyOutOfContact { devices } => said.with("count", devices.len()),
            Alert::Lockout { staff_id } => said.with("staff", state.named(staff_id).name),
            Alert::CenterAway { since_ms } => said.with("since_ms", since_ms),
            _ => said,
        }
    }

    /// As the room lists it, else as it called itself, else the beginning of its key.
    pub(super) fn device_name(&self, room: &Snapshot, device: &Device) -> String {
        if let Some(machine) = room.seating.machine(device) {
            return machine.name.clone();
        }
        let known = self.hub.devices().get(device);
        known.map_or_else(|| device.hex()[..8].to_owned(), |known| known.name.clone())
    }
}

impl State {
    /// A person's name; the id where nobody is known by it.
    pub(super) fn named(&self, staff_id: &str) -> StaffName {
        let known = self.books.person(self.desk.sitting_no.as_deref(), staff_id);
        known.map_or_else(
            || StaffName {
                staff_id: staff_id.to_owned(),
                name: staff_id.to_owned(),
                role: fengjuan_core::plan::Role::Inspector,
            },
            name,
        )
    }

    /// None for the program itself.
    pub(super) fn named_person(&self, staff_id: &str) -> Option<StaffName> {
        (!staff_id.is_empty()).then(|| self.named(staff_id))
    }
}

fn attempt_of(alert: &Alert) -> Option<AttemptId> {
    match alert {
        Alert::TwoTerminals { attempt, .. }
        | Alert::OtherSeat { attempt, .. }
        | Alert::NobodyHolds { attempt }
        | Alert::OutageUndecided { attempt, .. } => Some(*attempt),
        _ => None,
    }
}

/// The seats that an alert is about.
fn concerned(room: &Snapshot, alert: &Alert) -> Vec<u32> {
    let devices: Vec<Device> = match alert {
        Alert::ManyOutOfContact { devices } => devices.clone(),
        Alert::ManyOutages { outages } => {
            let holder = |outage: &OutageRef| room.holder(&outage.attempt);
            outages.iter().filter_map(holder).collect()
        }
        Alert::OutageUndecided { attempt, .. } | Alert::NobodyHolds { attempt } => {
            room.holder(attempt).into_iter().collect()
        }
        Alert::TwoTerminals { holder, other, .. } => vec![*holder, *other],
        alert => alert.device().into_iter().collect(),
    };
    let numbers = devices.iter().filter_map(|device| room.number_of(device));
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
