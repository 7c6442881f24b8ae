//! Commands that a person asks for as they are, each to the machines that it concerns.

use super::draft::Draft;
use super::{RoomError, track};
use crate::event::{Event, Hash32};
use crate::room::command::{Authority, CommandBody, Scope};
use crate::room::rules::{authorised, deed};

/// No credit or postponement, whoever orders it, is longer.
pub(super) const MOST_MOVE_MS: i64 = 24 * 60 * 60_000;

/// A command that a person asks for as it is.
pub(super) fn tell(draft: &mut Draft, body: &CommandBody) -> Result<(), RoomError> {
    match body {
        CommandBody::Credit {
            scope,
            credit_ms,
            authority,
        } => {
            let cap_ms = track::terms_of(draft.station, &sitting_of(draft, scope)?)?.credit_cap_ms;
            let most_ms = match authority {
                Authority::Order { .. } => MOST_MOVE_MS,
                Authority::Site {} | Authority::Pending { .. } => cap_ms,
            };
            time_within(*credit_ms, most_ms)?;
            await_order(draft, body)?;
            to_scope(draft, scope, body)
        }
        CommandBody::Suspend { scope } | CommandBody::Resume { scope } => {
            to_scope(draft, scope, body)
        }
        CommandBody::Reopen { attempt, .. } => {
            let standing = draft.station.attempt(attempt);
            let standing = standing.ok_or(RoomError::UnknownAttempt)?;
            // The keys of a sitting that has ended are gone everywhere.
            if draft.station.track(&standing.sitting_no).ended {
                return Err(RoomError::AlreadyEnded);
            }
            if !standing.handed_in {
                return Err(RoomError::NotHandedIn);
            }
            await_order(draft, body)?;
            to_holder(draft, attempt, body)
        }
        CommandBody::Remove { attempt }
        | CommandBody::ForceHandIn { attempt }
        | CommandBody::DecideOutage { attempt, .. } => {
            let standing = draft.station.attempt(attempt);
            if standing.ok_or(RoomError::UnknownAttempt)?.handed_in {
                return Err(RoomError::HandedIn);
            }
            to_holder(draft, attempt, body)
        }
        CommandBody::LateEntry {
            sitting_no,
            ticket_hash,
            ..
        } => {
            await_order(draft, body)?;
            to_person(draft, sitting_no, ticket_hash, body)
        }
        CommandBody::Arrive {
            sitting_no,
            ticket_hash,
            ..
        }
        | CommandBody::ConfirmPerson {
            sitting_no,
            ticket_hash,
            ..
        }
        | CommandBody::RefusePerson {
            sitting_no,
            ticket_hash,
        } => to_person(draft, sitting_no, ticket_hash, body),
        CommandBody::PatternCamera { sitting_no } => {
            track::terms_of(draft.station, sitting_no)?;
            draft.tell_sitting(sitting_no, body);
            Ok(())
        }
        _ => Err(RoomError::NotDirect),
    }
}

fn to_scope(draft: &mut Draft, scope: &Scope, body: &CommandBody) -> Result<(), RoomError> {
    match scope {
        Scope::Attempt { attempt } => {
            let standing = draft.station.attempt(attempt);
            if standing.ok_or(RoomError::UnknownAttempt)?.handed_in {
                return Err(RoomError::HandedIn);
            }
            to_holder(draft, attempt, body)
        }
        Scope::ClassGroup {
            sitting_no,
            class_no,
        } => {
            let terms = track::terms_of(draft.station, sitting_no)?;
            if !terms.classes.contains(class_no) {
                return Err(RoomError::UnknownClass);
            }
            draft.tell_all(body);
            Ok(())
        }
        Scope::Room { sitting_no } => {
            track::terms_of(draft.station, sitting_no)?;
            draft.tell_all(body);
            Ok(())
        }
    }
}

fn to_holder(draft: &mut Draft, attempt: &[u8; 16], body: &CommandBody) -> Result<(), RoomError> {
    let last = draft.station.leases().last(attempt);
    let device = last.ok_or(RoomError::UnknownAttempt)?.device;
    draft.tell(device, body.clone());
    Ok(())
}

/// To where the person is: the machine that holds the attempt, else that of the dealt seat, else every machine.
fn to_person(
    draft: &mut Draft,
    sitting_no: &str,
    ticket_hash: &Hash32,
    body: &CommandBody,
) -> Result<(), RoomError> {
    let station = draft.station;
    track::terms_of(station, sitting_no)?;
    let theirs = |attempt: &&[u8; 16]| {
        station.attempt(attempt).is_some_and(|standing| {
            standing.sitting_no == sitting_no && standing.ticket_hash == Some(*ticket_hash)
        })
    };
    let attempt = station.attempts().find(theirs);
    let holder = attempt.and_then(|attempt| station.leases().last(attempt));
    let seat = station.seating().seat_of(sitting_no, ticket_hash);
    let dealt = seat.and_then(|seat_no| station.seating().at(seat_no));
    match holder.map(|last| last.device).or(dealt) {
        Some(device) => draft.tell(device, body.clone()),
        None => draft.tell_all(body),
    }
    Ok(())
}

/// What only the center may decide stands as pending until its order is here.
pub(super) fn await_order(draft: &mut Draft, body: &CommandBody) -> Result<(), RoomError> {
    let (Some(deed), Some(authority)) = (deed(body), body.authority()) else {
        return Ok(());
    };
    authorised(deed, authority)?;
    if let Authority::Pending { phone } = authority {
        let event = Event::OrderAwaited {
            awaited_no: draft.station.recorded.awaited_given + 1,
            deed,
            concern: concern(body),
            phone: phone.clone(),
            staff_id: draft.actor.staff_id(),
            second: draft.actor.second_id(),
            reason: draft.actor.reason.clone(),
        };
        draft.record(event);
    }
    Ok(())
}

pub(super) fn concern(body: &CommandBody) -> String {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    match body {
        CommandBody::Credit {
            scope:
                Scope::ClassGroup {
                    sitting_no,
                    class_no,
                },
            ..
        } => format!("class:{sitting_no}/{class_no}"),
        CommandBody::Credit {
            scope: Scope::Room { sitting_no },
            ..
        }
        | CommandBody::Postpone { sitting_no, .. } => format!("room:{sitting_no}"),
        CommandBody::LateEntry { ticket_hash, .. } => format!("ticket:{}", ticket_hash.hex()),
        other => match other.attempt() {
            Some(attempt) => format!("attempt:{}", hex(&attempt)),
            None => String::new(),
        },
    }
}

fn sitting_of(draft: &Draft, scope: &Scope) -> Result<String, RoomError> {
    match scope {
        Scope::ClassGroup { sitting_no, .. } | Scope::Room { sitting_no } => Ok(sitting_no.clone()),
        Scope::Attempt { attempt } => {
            let standing = draft.station.attempt(attempt);
            Ok(standing.ok_or(RoomError::UnknownAttempt)?.sitting_no)
        }
    }
}

pub(super) fn time_within(ms: i64, most_ms: i64) -> Result<(), RoomError> {
    if (1..=most_ms).contains(&ms) {
        Ok(())
    } else {
        Err(RoomError::TimeOutOfRange { most_ms })
    }
}
