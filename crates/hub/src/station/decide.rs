//! What a person asks for, in the words of the room's machine: which sitting, whose attempt, which machine.

use super::books::{Book, Entrant};
use super::seats;
use super::snapshot::Snapshot;
use crate::view::action::{ActionScope, Phone, SecondPerson, StationAction};
use crate::view::seat::SeatDeedName;
use fengjuan_core::event::{Hash32, OutageCause};
use fengjuan_core::room::Device;
use fengjuan_core::room::command::{Authority, CommandBody, PhoneApproval, Scope};
use fengjuan_core::room::lease::AttemptId;
use fengjuan_core::room::rules::{Deed, Rule, rule_of};
use fengjuan_core::room::station::Action;
use fengjuan_device::refusal::{Answer, With, refused};
use fengjuan_wire::room::UnlockedSitting;

/// What is to be done.
pub(super) enum Wish {
    /// One action of the room's machine.
    Act(Action),
    /// From as far as the one before was followed.
    TakeOver,
    /// Number the machines, deal the seats, and lock them.
    Publish,
    Approve {
        device: Device,
        seat_no: Option<u32>,
    },
    /// Every outage of an alert gets its own time.
    Outages {
        alert_no: u64,
        cause: Option<OutageCause>,
    },
    /// Turned away.
    Refuse {
        device: Device,
    },
    LetAskAgain {
        device: Device,
    },
    ForgetAsking,
    /// Not let in any more.
    Revoke {
        device: Device,
    },
    /// It speaks from another address now.
    AcceptAddress {
        device: Device,
    },
    Submit,
}

/// Reason and second person of an action, taken out of it.
pub(super) fn with(action: &mut StationAction) -> (String, Option<SecondPerson>) {
    use StationAction::*;
    let (reason, second) = match action {
        RevokeDevice { reason, second, .. }
        | OutOfUse { reason, second, .. }
        | BackInUse { reason, second, .. }
        | LateEntry { reason, second, .. }
        | UndoSwap { reason, second, .. }
        | Remove { reason, second, .. }
        | Reopen { reason, second, .. } => (Some(reason), Some(second)),
        ApproveDevice { second, .. } => (None, Some(second)),
        Postpone { reason, second, .. }
        | Credit { reason, second, .. }
        | TakeOver { reason, second } => {
            return (trimmed(reason), second.take());
        }
        AcknowledgeAlert { note, .. } => (Some(note), None),
        RefuseDevice { reason, .. }
        | LetAskAgain { reason, .. }
        | MoveNumber { reason, .. }
        | AcceptAddress { reason, .. }
        | End { reason, .. }
        | NotAdmitted { reason, .. }
        | Suspend { reason, .. }
        | Resume { reason, .. }
        | DecideOutage { reason, .. }
        | DecideOutages { reason, .. }
        | Swap { reason, .. }
        | ForceHandIn { reason, .. }
        | PatternCamera { reason } => (Some(reason), None),
        _ => (None, None),
    };
    let reason = reason.map(trimmed).unwrap_or_default();
    (reason, second.map(std::mem::take))
}

fn trimmed(reason: &mut String) -> String {
    std::mem::take(reason).trim().to_owned()
}

/// Whether it is about the sitting that is worked on, in which only its own staff may act.
pub(super) fn is_of_sitting(action: &StationAction) -> bool {
    use StationAction::*;
    !matches!(
        action,
        AcknowledgeAlert { .. }
            | TakeOver { .. }
            | ApproveDevice { .. }
            | RefuseDevice { .. }
            | LetAskAgain { .. }
            | ForgetAsking {}
            | RevokeDevice { .. }
            | OutOfUse { .. }
            | BackInUse { .. }
            | AcceptAddress { .. }
            | CheckMachine { .. }
            | MoveNumber { .. }
    )
}

/// The rule of a deed at a seat.
pub(super) fn rules_of(deed: SeatDeedName) -> &'static Rule {
    rule_of(match deed {
        SeatDeedName::StartSeat => Deed::Start,
        SeatDeedName::Arrive => Deed::Arrive,
        SeatDeedName::Confirm => Deed::ConfirmPerson,
        SeatDeedName::NotAdmitted => Deed::RefusePerson,
        SeatDeedName::LateEntry => Deed::LateEntry,
        SeatDeedName::Credit => Deed::CreditOne,
        SeatDeedName::DecideOutage => Deed::DecideOutage,
        SeatDeedName::Suspend => Deed::SuspendOne,
        SeatDeedName::Resume => Deed::Resume,
        SeatDeedName::Swap => Deed::Swap,
        SeatDeedName::UndoSwap => Deed::UndoSwap,
        SeatDeedName::Remove => Deed::Remove,
        SeatDeedName::ForceHandIn => Deed::ForceHandIn,
        SeatDeedName::Reopen => Deed::Reopen,
        SeatDeedName::OutOfUse => Deed::OutOfUse,
        SeatDeedName::MoveNumber => Deed::MoveSeat,
    })
}

/// What an action means in the room as it stands.
pub(super) fn wish(room: &Snapshot, book: Option<&Book>, action: &StationAction) -> Answer<Wish> {
    use StationAction::*;
    let action = match action {
        TakeOver { .. } => return Ok(Wish::TakeOver),
        AcknowledgeAlert { alert_no, .. } => Action::AcknowledgeAlert {
            alert_no: *alert_no,
        },
        ApproveDevice {
            device, seat_no, ..
        } => {
            let (device, seat_no) = (hex(device)?, *seat_no);
            return Ok(Wish::Approve { device, seat_no });
        }
        RefuseDevice { device, .. } => {
            let device = hex(device)?;
            return Ok(Wish::Refuse { device });
        }
        LetAskAgain { device, .. } => {
            let device = hex(device)?;
            return Ok(Wish::LetAskAgain { device });
        }
        ForgetAsking {} => return Ok(Wish::ForgetAsking),
        RevokeDevice { device, .. } => {
            let device = hex(device)?;
            return Ok(Wish::Revoke { device });
        }
        OutOfUse { device, .. } => Action::OutOfUse {
            device: hex(device)?,
        },
        BackInUse { device, .. } => Action::BackInUse {
            device: hex(device)?,
        },
        AcceptAddress { device, .. } => {
            return Ok(Wish::AcceptAddress {
                device: hex(device)?,
            });
        }
        CheckMachine { device } => Action::CheckMachine {
            device: hex(device)?,
        },
        MoveNumber {
            seat_no, device, ..
        } => Action::MoveSeat {
            seat_no: *seat_no,
            to: hex(device)?,
        },
        PublishSeats {} => return Ok(Wish::Publish),
        Submit {} => return Ok(Wish::Submit),
        DecideOutages {
            alert_no, cause, ..
        } => {
            return Ok(Wish::Outages {
                alert_no: *alert_no,
                cause: *cause,
            });
        }
        other => {
            let book = book.ok_or_else(|| refused("station.no_sitting"))?;
            return in_sitting(room, book, other);
        }
    };
    Ok(Wish::Act(action))
}

fn in_sitting(room: &Snapshot, book: &Book, action: &StationAction) -> Answer<Wish> {
    use StationAction::*;
    let sitting_no = book.number().to_owned();
    let attempt = |seat_no: &u32| attempt_at(room, book, *seat_no);
    let action = match action {
        Start {} => Action::Start { sitting_no },
        StartSeat { seat_no } => Action::StartAgain {
            sitting_no,
            device: with_papers(room, book, *seat_no)?,
        },
        Postpone { minutes, phone, .. } => Action::Postpone {
            sitting_no,
            by_ms: i64::from(*minutes) * 60_000,
            authority: pending(phone),
        },
        End {
            class_no, forced, ..
        } => Action::End {
            sitting_no,
            class_no: class_no.clone(),
            forced: *forced,
        },
        Swap {
            seat_no, device, ..
        } => Action::Swap {
            attempt: attempt(seat_no)?,
            to: hex(device)?,
        },
        UndoSwap { seat_no, .. } => Action::UndoSwap {
            attempt: attempt(seat_no)?,
        },
        other => Action::Tell {
            body: command(room, book, other)?,
        },
    };
    Ok(Wish::Act(action))
}

fn command(room: &Snapshot, book: &Book, action: &StationAction) -> Answer<CommandBody> {
    use StationAction::*;
    let sitting_no = book.number().to_owned();
    let attempt = |seat_no: &u32| attempt_at(room, book, *seat_no);
    Ok(match action {
        Arrive { ticket_no } => CommandBody::Arrive {
            sitting_no,
            ticket_hash: ticket(book, ticket_no)?,
            arrival_ms: room.now,
        },
        Confirm {
            ticket_no,
            id_document,
            person,
            ticket: has_ticket,
            contraband_clear,
        } => CommandBody::ConfirmPerson {
            sitting_no,
            ticket_hash: ticket(book, ticket_no)?,
            id_document: *id_document,
            person: *person,
            ticket: *has_ticket,
            contraband_clear: *contraband_clear,
        },
        NotAdmitted { ticket_no, .. } => CommandBody::RefusePerson {
            sitting_no,
            ticket_hash: ticket(book, ticket_no)?,
        },
        LateEntry {
            ticket_no, phone, ..
        } => CommandBody::LateEntry {
            sitting_no,
            ticket_hash: ticket(book, ticket_no)?,
            authority: pending(phone),
        },
        Suspend { scope, .. } => CommandBody::Suspend {
            scope: to_scope(room, book, scope)?,
        },
        Resume { scope, .. } => CommandBody::Resume {
            scope: to_scope(room, book, scope)?,
        },
        Credit {
            scope,
            minutes,
            phone,
            ..
        } => {
            let scope = to_scope(room, book, scope)?;
            let authority = match scope.is_one() {
                true => Authority::Site {},
                false => pending(phone),
            };
            CommandBody::Credit {
                scope,
                credit_ms: i64::from(*minutes) * 60_000,
                authority,
            }
        }
        DecideOutage {
            seat_no,
            outage_no,
            credit_ms,
            cause,
            ..
        } => CommandBody::DecideOutage {
            attempt: attempt(seat_no)?,
            outage_no: *outage_no,
            credit_ms: *credit_ms,
            cause: Some(*cause),
        },
        Remove { seat_no, .. } => CommandBody::Remove {
            attempt: attempt(seat_no)?,
        },
        ForceHandIn { seat_no, .. } => CommandBody::ForceHandIn {
            attempt: attempt(seat_no)?,
        },
        Reopen { seat_no, phone, .. } => CommandBody::Reopen {
            attempt: attempt(seat_no)?,
            authority: pending(phone),
        },
        PatternCamera { .. } => CommandBody::PatternCamera { sitting_no },
        _ => return Err(refused("room.not_direct")),
    })
}

fn to_scope(room: &Snapshot, book: &Book, scope: &ActionScope) -> Answer<Scope> {
    let sitting_no = book.number().to_owned();
    Ok(match scope {
        ActionScope::Seat { seat_no } => Scope::Attempt {
            attempt: attempt_at(room, book, *seat_no)?,
        },
        ActionScope::Class { class_no } => Scope::ClassGroup {
            sitting_no,
            class_no: class_no.clone(),
        },
        ActionScope::Room {} => Scope::Room { sitting_no },
    })
}

/// The machine of a seat, unless it says that it has no papers of this sitting: it would refuse again.
fn with_papers(room: &Snapshot, book: &Book, seat_no: u32) -> Answer<Device> {
    let device = room.seating.at(seat_no);
    let device = device.ok_or_else(|| refused("seating.no_machine").with("seat_no", seat_no))?;
    let beat = room.seen.get(&device).and_then(|seen| seen.beat.as_ref());
    let key = &book.held.key;
    let lacks = beat.is_some_and(|beat| {
        let has =
            |one: &UnlockedSitting| one.sitting_no == key.sitting_no && one.version == key.version;
        !beat.held.iter().any(has)
    });
    match lacks {
        true => Err(refused("station.papers_missing")),
        false => Ok(device),
    }
}

fn attempt_at(room: &Snapshot, book: &Book, seat_no: u32) -> Answer<AttemptId> {
    let one = seats::at(room, book, seat_no);
    let attempt = one.map(|one: &Entrant| one.attempt);
    attempt.ok_or_else(|| refused("station.nobody_here"))
}

fn ticket(book: &Book, ticket_no: &str) -> Answer<Hash32> {
    let one = book.by_ticket(ticket_no);
    one.map(|one| one.ticket)
        .ok_or_else(|| refused("station.unknown_ticket"))
}

fn hex(device: &str) -> Answer<Device> {
    Hash32::from_hex(device).ok_or_else(|| refused("station.unknown_device"))
}

/// It stands until the center's order, with the phone call where there was one.
fn pending(phone: &Option<Phone>) -> Authority {
    let phone = phone.clone().map(|phone| PhoneApproval {
        who: phone.who,
        when_ms: phone.when_ms,
        number: phone.number,
    });
    Authority::Pending { phone }
}
