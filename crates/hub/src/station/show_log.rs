//! Records: decisions with how many machines have answered, who may log in, and what waits for the center.

use super::books::Book;
use super::log::{Row, What};
use super::show_panel::{in_seconds, told_event};
use super::snapshot::Snapshot;
use super::{State, Station};
use crate::view::StationTab;
use crate::view::action::Phone;
use crate::view::tabs::{AwaitedRow, LogRow, LogView, StaffRow};
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::room::Device;
use fengjuan_core::room::command::{Command, CommandBody, Scope};
use fengjuan_core::room::rules::Deed;
use fengjuan_core::room::station::Awaited;
use fengjuan_device::refusal::{With, notice};
use fengjuan_device::staff::name;
use fengjuan_device::view::{Notice, Tone};

impl Station {
    pub(super) fn log_view(&self, state: &State, room: &Snapshot, book: Option<&Book>) -> LogView {
        let looked = state.desk.tab == StationTab::Log;
        let waiting = room.awaited.iter();
        let waiting = waiting.map(|(no, one)| awaited(state, *no, one, None));
        let ordered = room.ordered.iter().rev();
        let ordered =
            ordered.map(|(no, one, order)| awaited(state, *no, one, Some(order_no(state, order))));
        let rows = state.log.rows.iter().rev().filter(|_| looked);
        LogView {
            rows: rows.map(|row| self.log_row(state, room, row)).collect(),
            ledger_size: state.log.size,
            staff: staff(state, room, book),
            awaited: waiting.chain(ordered).collect(),
        }
    }

    fn log_row(&self, state: &State, room: &Snapshot, row: &Row) -> LogRow {
        let notice = match &row.what {
            What::Event(event) => self.log_event(state, room, event),
            What::Command(command) => told_command(state, room, command),
        };
        LogRow {
            at_ms: row.at_ms,
            by: state.named_person(&row.staff_id),
            notice,
            acknowledged: (row.told > 0).then_some((row.answered, row.told)),
        }
    }

    fn log_event(&self, state: &State, room: &Snapshot, event: &Event) -> Notice {
        let mut said = told_event(event);
        let (device, second) = machine_of(event);
        let named = match event {
            // It may be forgotten by now.
            Event::MachineRefused { name, .. } | Event::MachineMayAskAgain { name, .. } => {
                Some(name.clone())
            }
            _ => device.map(|device| self.device_name(room, &device)),
        };
        if let Some(name) = named {
            said.code = match second {
                Some(_) => "event.device_two".to_owned(),
                None => "event.device".to_owned(),
            };
            said = said.with("device", name);
        }
        if let Some(second) = second {
            said = said.with("second", state.named(second).name);
        }
        let staff_id = match event {
            Event::LogInFailed { staff_id, .. }
            | Event::LockoutReleased { staff_id, .. }
            | Event::IdleLocked { staff_id } => staff_id,
            Event::AskingForgotten { machines, .. } => {
                "event.machines".clone_into(&mut said.code);
                return said.with("count", machines);
            }
            _ => return said,
        };
        "event.staff".clone_into(&mut said.code);
        said.with("staff", state.named(staff_id).name)
    }
}

/// The machine that an event is about, and who confirmed it besides.
fn machine_of(event: &Event) -> (Option<Device>, Option<&str>) {
    match event {
        Event::MachineListed { device, second, .. }
        | Event::MachineOutOfUse { device, second, .. }
        | Event::MachineBackInUse { device, second, .. }
        | Event::MachineRevoked { device, second, .. } => {
            let second = Some(second.as_str()).filter(|second| !second.is_empty());
            (Some(*device), second)
        }
        Event::MachineMoved { device, .. }
        | Event::OutageProposed { device, .. }
        | Event::MachineRefused { device, .. }
        | Event::MachineMayAskAgain { device, .. } => (Some(*device), None),
        _ => (None, None),
    }
}

fn staff(state: &State, room: &Snapshot, book: Option<&Book>) -> Vec<StaffRow> {
    let everyone = state.books.everyone(book.map(Book::number));
    let row = |person: &fengjuan_core::plan::Staff| {
        let id = &person.staff_id;
        let tries = state.desk.tries.get(id);
        StaffRow {
            person: name(person),
            logged_in: state
                .desk
                .user
                .as_ref()
                .is_some_and(|user| user.staff_id == *id),
            locked_until_ms: tries.and_then(|tries| tries.locked_out(room.now)),
        }
    };
    everyone.into_iter().map(row).collect()
}

fn told_command(state: &State, room: &Snapshot, command: &Command) -> Notice {
    let mut said = notice(&format!("command.{}", command.body.name()), Tone::Blue);
    if !command.reason.is_empty() {
        said = said.with("reason", &command.reason);
    }
    let span = match &command.body {
        CommandBody::Credit { credit_ms, .. } | CommandBody::DecideOutage { credit_ms, .. } => {
            Some(*credit_ms)
        }
        CommandBody::Postpone { by_ms, .. } => Some(*by_ms),
        _ => None,
    };
    if let Some(ms) = span {
        said = said.with("seconds", in_seconds(ms));
    }
    match &command.body {
        CommandBody::Arrive { ticket_hash, .. }
        | CommandBody::ConfirmPerson { ticket_hash, .. }
        | CommandBody::RefusePerson { ticket_hash, .. }
        | CommandBody::LateEntry { ticket_hash, .. } => who(state, said, Some(ticket_hash)),
        CommandBody::Suspend { scope }
        | CommandBody::Resume { scope }
        | CommandBody::Credit { scope, .. } => match scope {
            Scope::ClassGroup { class_no, .. } => said.with("class", class_no),
            Scope::Room { .. } => said,
            Scope::Attempt { attempt } => who(state, said, ticket_of(room, attempt).as_ref()),
        },
        body => match body.attempt() {
            Some(attempt) => who(state, said, ticket_of(room, &attempt).as_ref()),
            None => said,
        },
    }
}

fn ticket_of(room: &Snapshot, attempt: &[u8; 16]) -> Option<Hash32> {
    room.attempts.get(attempt)?.standing.ticket_hash
}

fn who(state: &State, said: Notice, ticket: Option<&Hash32>) -> Notice {
    let mut books = state.books.books.iter();
    let one = ticket.and_then(|ticket| books.find_map(|book| book.by_hash(ticket)));
    match one {
        Some(one) => said.with("name", &one.candidate.name),
        None => said,
    }
}

/// The number that the center gave it; the beginning of its hash where it is not held here.
fn order_no(state: &State, order: &Hash32) -> String {
    let mut held = state.books.orders.iter();
    held.find(|received| received.hash == *order).map_or_else(
        || order.hex()[..8].to_owned(),
        |received| received.order.order_no.clone(),
    )
}

fn awaited(state: &State, awaited_no: u64, one: &Awaited, order_no: Option<String>) -> AwaitedRow {
    let code = match one.deed {
        Deed::Postpone => "awaited.postpone",
        Deed::CreditMany => "awaited.credit_many",
        Deed::LateEntry => "awaited.late_entry",
        _ => "awaited.reopen",
    };
    let tone = if order_no.is_some() {
        Tone::Green
    } else {
        Tone::Amber
    };
    let mut said = notice(code, tone);
    let ticket = one.concern.strip_prefix("ticket:");
    said = who(state, said, ticket.and_then(Hash32::from_hex).as_ref());
    let class = one.concern.strip_prefix("class:");
    if let Some((_, class)) = class.and_then(|class| class.split_once('/')) {
        said = said.with("class", class);
    }
    AwaitedRow {
        awaited_no,
        notice: said,
        by: state.named_person(&one.staff_id),
        second: one.second.as_deref().map(|second| state.named(second)),
        reason: one.reason.clone(),
        phone: one.phone.clone().map(|phone| Phone {
            who: phone.who,
            when_ms: phone.when_ms,
            number: phone.number,
        }),
        order_no,
    }
}
