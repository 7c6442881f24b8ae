//! 换机续考 and its way back. The spare gets the lease, and after it every command about the attempt that the old
//! machine did not take within what is carried on: a credit that died with a machine is not lost.

use super::draft::Draft;
use super::{AttemptStanding, RoomError};
use crate::event::Event;
use crate::room::Device;
use crate::room::command::{Command, CommandBody};
use crate::room::lease::{AttemptId, CarryPoint, LeaseError, LeaseGiven, carries};
use crate::room::seating::{SeatingError, Use};

pub(super) fn swap(draft: &mut Draft, attempt: AttemptId, to: Device) -> Result<(), RoomError> {
    let station = draft.station;
    let standing = station.attempt(&attempt).ok_or(RoomError::UnknownAttempt)?;
    if standing.handed_in {
        return Err(RoomError::HandedIn);
    }
    let (book, facts) = (station.leases(), &station.facts);
    let last = book.last(&attempt).ok_or(RoomError::UnknownAttempt)?;
    if last.device != to {
        free_machine(draft, &to)?;
    } else if !facts.nobody_holds(&attempt, last) {
        return Err(LeaseError::HoldsAlready.into());
    }
    let there = facts.devices.get(&to).ok_or(RoomError::MachineUnheard)?;
    let from = facts.replica(&last.ledger_id);
    let beyond = facts.highest_lease(&attempt, draft.epoch());
    let given = book.swap(attempt, from, to, there.ledger_id, draft.epoch(), beyond)?;
    let lease = CommandBody::Lease {
        attempt,
        lease: given.lease,
        carry: given.carry.clone(),
    };
    move_on(draft, &standing, last.clone(), given, lease);
    Ok(())
}

pub(super) fn undo(draft: &mut Draft, attempt: AttemptId) -> Result<(), RoomError> {
    let station = draft.station;
    let standing = station.attempt(&attempt).ok_or(RoomError::UnknownAttempt)?;
    let (book, facts) = (station.leases(), &station.facts);
    let chain = book.chain(&attempt).ok_or(RoomError::UnknownAttempt)?;
    let [.., before, last] = chain.given() else {
        return Err(LeaseError::NoWayBack.into());
    };
    facts
        .devices
        .get(&before.device)
        .ok_or(RoomError::MachineUnheard)?;
    let answered = facts.has_answers(&attempt, last.lease, &last.ledger_id);
    let beyond = facts.highest_lease(&attempt, draft.epoch());
    let given = book.way_back(attempt, answered, draft.epoch(), beyond)?;
    let lease = CommandBody::Unfence {
        attempt,
        lease: given.lease,
        carry: given.carry.clone(),
    };
    move_on(draft, &standing, last.clone(), given, lease);
    Ok(())
}

fn free_machine(draft: &Draft, to: &Device) -> Result<(), RoomError> {
    let station = draft.station;
    let machine = station.seating().machine(to);
    let machine = machine.ok_or(SeatingError::UnknownMachine)?;
    if machine.purpose == Use::OutOfUse {
        return Err(SeatingError::OutOfUse.into());
    }
    if holds_running(draft, to) {
        return Err(RoomError::MachineTaken);
    }
    Ok(())
}

/// Whether somebody's attempt, not handed in, is at this machine.
pub(super) fn holds_running(draft: &Draft, device: &Device) -> bool {
    let station = draft.station;
    station.leases().chains().any(|(attempt, chain)| {
        let here = chain.last().is_some_and(|last| last.device == *device);
        // Who came and never began is gone with the end.
        let runs = |standing: &AttemptStanding| {
            let began = standing.started || !station.track(&standing.sitting_no).ended;
            began && !standing.handed_in
        };
        here && station.attempt(attempt).as_ref().is_some_and(runs)
    })
}

/// The lease, the fence, what is owed, and the number on the screen.
fn move_on(
    draft: &mut Draft,
    standing: &AttemptStanding,
    old: LeaseGiven,
    given: LeaseGiven,
    lease: CommandBody,
) {
    let owed = owed(draft, standing, &old, &given.carry);
    let (attempt, number, to) = (given.attempt, given.lease, given.device);
    draft.lease(given);
    draft.tell(to, lease);
    if old.device != to {
        let fence = CommandBody::Fence {
            attempt,
            lease: number,
            holder: to,
        };
        draft.tell(old.device, fence);
    }
    for command in owed {
        draft.give(to, command);
    }
    let seat_no = draft.station.seating().machine(&old.device);
    let moves = |seat_no: &u32| draft.station.seating().at(*seat_no) != Some(to);
    if let Some(seat_no) = seat_no.and_then(|machine| machine.seat_no).filter(moves) {
        draft.record(Event::SeatAssigned {
            seat_no,
            device: Some(to),
            staff_id: draft.actor.staff_id(),
            reason: draft.actor.reason.clone(),
        });
        draft.tell(
            to,
            CommandBody::SeatNumber {
                seat_no: Some(seat_no),
            },
        );
        draft.tell(old.device, CommandBody::SeatNumber { seat_no: None });
    }
}

/// A lease that is there already: what the machine before it was told meanwhile goes along.
pub(super) fn learn(draft: &mut Draft, old: Option<&LeaseGiven>, given: LeaseGiven) {
    let standing = draft.station.attempt(&given.attempt);
    let owed = match (old, standing) {
        (Some(old), Some(standing)) => owed(draft, &standing, old, &given.carry),
        _ => Vec::new(),
    };
    let to = given.device;
    draft.lease(given);
    for command in owed {
        draft.give(to, command);
    }
}

/// The commands about this attempt that the machine that is left was given while it held the attempt, and that it did
/// not take within what is carried on.
fn owed(
    draft: &Draft,
    standing: &AttemptStanding,
    old: &LeaseGiven,
    carry: &[CarryPoint],
) -> Vec<Command> {
    let recorded = &draft.station.recorded;
    // What came before the first lease was recorded may have been about the attempt as well.
    let from = match old.lease {
        1 => 0,
        lease => recorded
            .issued_before
            .get(&(old.attempt, lease))
            .copied()
            .unwrap_or(0),
    };
    let ledger = draft.station.facts.ledgers.get(&old.ledger_id);
    let carried = |command: &Command| {
        let taken = ledger.and_then(|ledger| ledger.taken.get(&command.command_id));
        let taken = taken.map(Vec::as_slice).unwrap_or_default();
        taken.iter().any(|taken| {
            // What was told to many and done before anybody sat there concerned nobody, and is settled with all that
            // came before. What was refused there, or done while the machine had the lease and did not take it, or is
            // about this very attempt and is kept there for later, is not.
            let named = command.body.attempt().is_some();
            let lease = match taken.attempt {
                Some(attempt) if attempt == old.attempt => taken.lease,
                _ if taken.refused || old.lease > 1 || named => return false,
                _ => old.lease,
            };
            carries(carry, lease, &old.ledger_id, taken.seq)
        })
    };
    let given = recorded.issued.iter().skip(from);
    given
        .filter(|one| one.device == old.device)
        .map(|one| &one.command)
        .filter(|command| follows(&command.body, &old.attempt, standing) && !carried(command))
        .cloned()
        .collect()
}

/// Whether a command goes along with the attempt. A decision on an outage does not: its number is that of the machine
/// that recorded it.
fn follows(body: &CommandBody, attempt: &AttemptId, standing: &AttemptStanding) -> bool {
    let class_no = standing.class_no.as_deref().unwrap_or_default();
    let sitting = |sitting_no: &String| *sitting_no == standing.sitting_no;
    if !body.goes_along() {
        return false;
    }
    match body {
        CommandBody::Suspend { scope }
        | CommandBody::Resume { scope }
        | CommandBody::Credit { scope, .. } => scope.holds(attempt, &standing.sitting_no, class_no),
        CommandBody::Remove { attempt: one }
        | CommandBody::ForceHandIn { attempt: one }
        | CommandBody::Reopen { attempt: one, .. } => one == attempt,
        CommandBody::End {
            sitting_no,
            class_no: class,
            ..
        } => sitting(sitting_no) && class.as_deref().is_none_or(|class| class == class_no),
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
        }
        | CommandBody::LateEntry {
            sitting_no,
            ticket_hash,
            ..
        } => sitting(sitting_no) && standing.ticket_hash == Some(*ticket_hash),
        _ => false,
    }
}
