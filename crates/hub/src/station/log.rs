//! What the room's history says for people to read: decisions with their commands, moments of the day, and when each
//! alert began. Read as the ledger grows.

use crate::room::{Course, slice};
use fengjuan_core::event::Event;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::Device;
use fengjuan_core::room::command::{Command, CommandBody};
use fengjuan_store::{Reader, ReplicaReader, StoreError, StoredEntry};
use fengjuan_wire::entry::Entry;
use std::collections::{BTreeMap, VecDeque};

/// Rows that are kept for the page; the ledger has all of them.
const MOST_ROWS: usize = 400;

/// What a row is about.
pub(super) enum What {
    Event(Event),
    /// The same order to one or more machines.
    Command(Box<Command>),
}

pub(super) struct Row {
    pub at_ms: ExamMs,
    pub staff_id: String,
    pub what: What,
    /// Machines that were told, and that have answered.
    pub told: u32,
    pub answered: u32,
}

/// Moments of one sitting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moments {
    pub held_ms: Option<ExamMs>,
    pub published_ms: Option<ExamMs>,
    pub unlocked_ms: Option<ExamMs>,
    pub ended_ms: Option<ExamMs>,
    pub submitted_ms: Option<ExamMs>,
}

#[derive(Default)]
pub(super) struct Log {
    pub size: u64,
    /// Which course of the history this was read from, and which stretch of it is read now.
    version: u64,
    stretch: usize,
    /// Oldest first.
    pub rows: VecDeque<Row>,
    dropped: usize,
    /// Which row a command that waits belongs to.
    sent: BTreeMap<(Device, u64, u64), usize>,
    /// When an alert was raised, and acknowledged.
    pub alerts: BTreeMap<u64, (ExamMs, Option<ExamMs>)>,
    pub sittings: BTreeMap<String, Moments>,
    pub wrong: WrongTries,
}

/// What was tried in vain since it last went well, and when last, at whichever station ran the room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WrongTries {
    /// By staff id.
    pub passwords: BTreeMap<String, (u32, ExamMs)>,
    /// By sitting.
    pub codes: BTreeMap<String, (u32, ExamMs)>,
}

impl WrongTries {
    fn take(&mut self, event: &Event, at_ms: ExamMs) {
        match event {
            Event::LogInFailed { staff_id, .. } => {
                let tries = self.passwords.entry(staff_id.clone()).or_default();
                *tries = (tries.0.saturating_add(1), at_ms);
            }
            Event::LoggedIn { staff_id } | Event::LockoutReleased { staff_id, .. } => {
                self.passwords.remove(staff_id);
            }
            Event::CodeRefused {
                sitting_no,
                wrong_so_far,
                ..
            } => {
                let tries = (*wrong_so_far, at_ms);
                self.codes.insert(sitting_no.clone(), tries);
            }
            Event::Unlocked { sitting_no, .. } => {
                self.codes.remove(sitting_no);
            }
            _ => {}
        }
    }
}

impl Log {
    /// Reads what has grown of the room's history: this station's own ledger, or the one that it follows.
    pub fn refresh(
        &mut self,
        own: &Reader,
        replicas: &ReplicaReader,
        course: &Course,
    ) -> Result<(), StoreError> {
        if self.version != course.version {
            *self = Log {
                version: course.version,
                ..Log::default()
            };
        }
        while let Some(stretch) = course.stretches.get(self.stretch) {
            let from = self.size.max(stretch.from);
            let entries = slice(own, replicas, &course.own, stretch, from)?;
            match entries.last() {
                Some(last) => self.size = last.seq + 1,
                None if stretch.to.is_none() => return Ok(()),
                None => {
                    self.stretch += 1;
                    self.size = 0;
                }
            }
            for stored in &entries {
                self.take(stored);
            }
        }
        Ok(())
    }

    fn take(&mut self, stored: &StoredEntry) {
        let Ok(entry) = Entry::decode(&stored.bytes) else {
            return;
        };
        let Ok(event) = entry.event(None) else {
            return;
        };
        let at_ms = entry.exam_ms.unwrap_or(entry.wall_ms);
        let staff_id = entry.actor.strip_prefix("staff:").unwrap_or_default();
        match event {
            Event::CommandIssued {
                device,
                epoch,
                no,
                command,
            } => self.issued((device, epoch, no), command, at_ms),
            Event::CommandAcknowledged {
                device, epoch, no, ..
            } => {
                let row = self.sent.remove(&(device, epoch, no));
                let row = row.and_then(|row| row.checked_sub(self.dropped));
                if let Some(row) = row.and_then(|row| self.rows.get_mut(row)) {
                    row.answered += 1;
                }
            }
            event => {
                self.moment(&event, at_ms);
                self.wrong.take(&event, at_ms);
                if worth_a_row(&event) {
                    let what = What::Event(event);
                    self.row(at_ms, staff_id.to_owned(), what, 0);
                }
            }
        }
    }

    fn issued(&mut self, place: (Device, u64, u64), command: Box<Command>, at_ms: ExamMs) {
        let same = |row: &Row| match &row.what {
            What::Command(known) => {
                (known.issued_ms, &known.by, &known.body)
                    == (command.issued_ms, &command.by, &command.body)
            }
            What::Event(_) => false,
        };
        // Only what follows directly was said in one breath.
        if let Some(row) = self.rows.back_mut().filter(|row| same(row)) {
            row.told += 1;
        } else if worth_telling(&command.body) {
            let by = command.by.clone();
            self.row(at_ms, by, What::Command(command), 1);
        } else {
            return;
        }
        let row = self.dropped + self.rows.len() - 1;
        self.sent.insert(place, row);
    }

    fn row(&mut self, at_ms: ExamMs, staff_id: String, what: What, told: u32) {
        self.rows.push_back(Row {
            at_ms,
            staff_id,
            what,
            told,
            answered: 0,
        });
        if self.rows.len() > MOST_ROWS {
            self.rows.pop_front();
            self.dropped += 1;
        }
    }

    fn moment(&mut self, event: &Event, at_ms: ExamMs) {
        match event {
            Event::AlertRaised { alert_no, .. } => {
                self.alerts.insert(*alert_no, (at_ms, None));
            }
            Event::AlertAcknowledged { alert_no, .. } => {
                if let Some((_, acknowledged)) = self.alerts.get_mut(alert_no) {
                    *acknowledged = Some(at_ms);
                }
            }
            Event::AlertOver { alert_no } => {
                self.alerts.remove(alert_no);
            }
            Event::SittingHeld { sitting_no, .. } => self.of(sitting_no).held_ms = Some(at_ms),
            Event::SeatsPublished { sitting_no, .. } => {
                self.of(sitting_no).published_ms = Some(at_ms);
            }
            Event::Unlocked { sitting_no, .. } => self.of(sitting_no).unlocked_ms = Some(at_ms),
            Event::RoomEnded {
                sitting_no,
                class_no: None,
                ..
            } => self.of(sitting_no).ended_ms = Some(at_ms),
            Event::SittingSubmitted { sitting_no } => {
                self.of(sitting_no).submitted_ms = Some(at_ms);
            }
            _ => {}
        }
    }

    fn of(&mut self, sitting_no: &str) -> &mut Moments {
        self.sittings.entry(sitting_no.to_owned()).or_default()
    }

    pub fn moments(&self, sitting_no: &str) -> Moments {
        self.sittings.get(sitting_no).copied().unwrap_or_default()
    }
}

/// Decisions, log-ins and what the room must remember; not what the program ticks.
fn worth_a_row(event: &Event) -> bool {
    matches!(
        event,
        Event::LoggedIn { .. }
            | Event::LogInFailed { .. }
            | Event::LockoutReleased { .. }
            | Event::CodeRefused { .. }
            | Event::Unlocked { .. }
            | Event::OrderReceived { .. }
            | Event::EquipmentChecked { .. }
            | Event::EpochRaised { .. }
            | Event::StoodDown { .. }
            | Event::LoggedOut { .. }
            | Event::IdleLocked { .. }
            | Event::MachineListed { .. }
            | Event::MachineRefused { .. }
            | Event::MachineMayAskAgain { .. }
            | Event::AskingForgotten { .. }
            | Event::MachineRevoked { .. }
            | Event::MachineOutOfUse { .. }
            | Event::MachineBackInUse { .. }
            | Event::MachineMoved { .. }
            | Event::SeatsPublished { .. }
            | Event::SittingHeld { .. }
            | Event::RoomStarted { .. }
            | Event::RoomPostponed { .. }
            | Event::RoomEnded { .. }
            | Event::SittingSubmitted { .. }
            | Event::OrderAwaited { .. }
            | Event::OrderMatched { .. }
            | Event::OutageProposed { .. }
            | Event::AlertAcknowledged { .. }
    )
}

/// What is part of another decision has no row of its own.
fn worth_telling(body: &CommandBody) -> bool {
    !matches!(
        body,
        CommandBody::Fence { .. } | CommandBody::SeatNumber { .. } | CommandBody::Seats { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_in_vain_is_counted_until_it_goes_well() {
        let mut wrong = WrongTries::default();
        let failed = |staff_id: &str| Event::LogInFailed {
            staff_id: staff_id.to_owned(),
            cause: "staff.wrong_password".to_owned(),
        };
        for at_ms in 1..=3 {
            wrong.take(&failed("P1"), at_ms);
            wrong.take(&failed("P2"), at_ms);
        }
        let refused = Event::CodeRefused {
            sitting_no: "S".to_owned(),
            cause: "unlock.wrong_code".to_owned(),
            wrong_so_far: 2,
        };
        wrong.take(&refused, 4);
        let in_again = Event::LoggedIn {
            staff_id: "P2".to_owned(),
        };
        wrong.take(&in_again, 5);
        let expected = WrongTries {
            passwords: [("P1".to_owned(), (3, 3))].into(),
            codes: [("S".to_owned(), (2, 4))].into(),
        };
        assert_eq!(wrong, expected);
    }
}
