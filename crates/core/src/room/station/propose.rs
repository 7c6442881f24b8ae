//! From what a person asks to the events that it means.

use super::draft::Draft;
use super::{Action, Actor, RoomError, Station, ends, missed, swap, tell, track};
use crate::choice::Choice;
use crate::event::{Event, Hash32};
use crate::plan::ExamMs;
use crate::room::Device;
use crate::room::command::{Authority, CommandBody};
use crate::room::rules::{Deed, allowed};
use crate::room::seating::SeatingError;
use std::collections::BTreeSet;

impl Station {
    /// What this action means now: events to record together, in this order. Nothing changes.
    ///
    /// # Errors
    /// [`RoomError`] where it is refused.
    pub fn propose(
        &self,
        action: &Action,
        actor: &Actor,
        ids: &mut dyn FnMut() -> [u8; 16],
        now: ExamMs,
    ) -> Result<Vec<Event>, RoomError> {
        let follows = matches!(action, Action::TakeOver { .. });
        let takes_over = follows || matches!(action, Action::TakeOverAlone {});
        let commanding = self.recorded.standing.commanding().is_some();
        if takes_over && commanding {
            return Err(RoomError::Commanding);
        }
        if !takes_over && !commanding {
            return Err(RoomError::NotCommanding);
        }
        // The first station of a room takes over from nobody; the program itself may do that.
        let first = follows && self.recorded.standing.heard() == 0;
        if let Some(deed) = action.deed().filter(|_| !first) {
            let second = actor.second.as_ref();
            allowed(deed, &actor.person, second, &actor.reason)?;
        }
        let mut draft = Draft::new(self, actor, ids, now);
        match action {
            Action::Tell { body } => tell::tell(&mut draft, body)?,
            Action::Swap { attempt, to } => swap::swap(&mut draft, *attempt, *to)?,
            Action::UndoSwap { attempt } => swap::undo(&mut draft, *attempt)?,
            Action::Start { .. }
            | Action::Postpone { .. }
            | Action::Ordered { .. }
            | Action::End { .. } => {
                sitting(&mut draft, action)?;
            }
            Action::StartAgain { sitting_no, device } => {
                missed::start_again(&mut draft, sitting_no, *device)?;
            }
            Action::List { .. }
            | Action::NumberMachines {}
            | Action::DealByRoster { .. }
            | Action::PublishSeats { .. }
            | Action::MoveSeat { .. }
            | Action::OutOfUse { .. }
            | Action::BackInUse { .. }
            | Action::MoveAddress { .. }
            | Action::CheckMachine { .. } => machines(&mut draft, action)?,
            Action::Refuse { .. }
            | Action::LetAskAgain { .. }
            | Action::ForgetAsking { .. }
            | Action::Revoke { .. } => admission(&mut draft, action)?,
            _ => book(&mut draft, action)?,
        }
        Ok(draft.events)
    }

    /// Deals the seats at random; see [`super::super::seating::Seating::deal_at_random`].
    ///
    /// # Errors
    /// As [`Station::propose`].
    pub fn deal_at_random(
        &self,
        sitting_no: &str,
        tickets: &BTreeSet<Hash32>,
        actor: &Actor,
        choice: &mut Choice,
    ) -> Result<Vec<Event>, RoomError> {
        if self.recorded.standing.commanding().is_none() {
            return Err(RoomError::NotCommanding);
        }
        allowed(
            Deed::AssignSeats,
            &actor.person,
            actor.second.as_ref(),
            &actor.reason,
        )?;
        Ok(self.seating().deal_at_random(sitting_no, tickets, choice)?)
    }
}

/// What is only written down.
fn book(draft: &mut Draft, action: &Action) -> Result<(), RoomError> {
    let (station, staff_id) = (draft.station, draft.actor.staff_id());
    let reason = draft.actor.reason.clone();
    let event = match action {
        Action::TakeOver { followed } => Event::EpochRaised {
            epoch: station
                .standing()
                .next_epoch()
                .ok_or(RoomError::Commanding)?,
            station: station.standing().me(),
            staff_id,
            reason,
            followed: *followed,
        },
        Action::TakeOverAlone {} => Event::EpochRaised {
            epoch: station
                .standing()
                .lone_epoch()
                .ok_or(RoomError::Commanding)?,
            station: station.standing().me(),
            staff_id,
            reason,
            followed: None,
        },
        Action::Held {
            sitting_no,
            version,
        } => Event::SittingHeld {
            sitting_no: sitting_no.clone(),
            version: *version,
        },
        Action::Unlocked {
            sitting_no,
            version,
        } => {
            track::may_unlock(station, sitting_no, draft.now)?;
            let second = track::other_half(station, sitting_no, draft.actor)?;
            Event::Unlocked {
                sitting_no: sitting_no.clone(),
                version: *version,
                staff_id,
                second,
            }
        }
        Action::Submitted { sitting_no } => Event::SittingSubmitted {
            sitting_no: sitting_no.clone(),
        },
        Action::OrderArrived { awaited_no, order } => {
            let known = station.recorded.awaited.contains_key(awaited_no);
            let matched = Event::OrderMatched {
                awaited_no: *awaited_no,
                order: *order,
            };
            known.then_some(matched).ok_or(RoomError::UnknownAwaited)?
        }
        Action::AcknowledgeAlert { alert_no } => {
            let open = station.alerts().get(*alert_no);
            open.ok_or(RoomError::UnknownAlert)?;
            Event::AlertAcknowledged {
                alert_no: *alert_no,
                staff_id,
                note: reason,
            }
        }
        _ => return Err(RoomError::NotDirect),
    };
    draft.record(event);
    Ok(())
}

fn machines(draft: &mut Draft, action: &Action) -> Result<(), RoomError> {
    let (seating, actor) = (draft.station.seating(), draft.actor);
    let (staff_id, second) = (actor.staff_id(), actor.second_id().unwrap_or_default());
    match action {
        Action::List {
            device,
            name,
            spare,
        } => list(draft, *device, name, *spare),
        Action::NumberMachines {} => {
            for event in seating.number_machines(&staff_id) {
                seat_number(draft, event);
            }
        }
        Action::DealByRoster { sitting_no, roster } => {
            let dealt = seating.deal_by_roster(sitting_no, roster)?;
            draft.events.extend(dealt);
        }
        Action::PublishSeats { sitting_no } => {
            let terms = track::terms_of(draft.station, sitting_no)?;
            seating.enough_for(terms.candidates)?;
            let event = seating.publish(sitting_no, &staff_id)?;
            let mut published = seating.clone();
            published.commit(&event);
            draft.record(event);
            if let Some(dealt) = published.published_deal(sitting_no) {
                let sitting_no = sitting_no.clone();
                draft.tell_all(&CommandBody::Seats { sitting_no, dealt });
            }
        }
        Action::MoveSeat { seat_no, to } => {
            let event = seating.assign(*seat_no, *to, &staff_id, &actor.reason)?;
            if let Some(before) = seating.at(*seat_no) {
                draft.tell(before, CommandBody::SeatNumber { seat_no: None });
            }
            seat_number(draft, event);
        }
        Action::OutOfUse { device } => out_of_use(draft, *device)?,
        Action::BackInUse { device } => {
            let event = seating.put_back(*device, &staff_id, &second, &actor.reason)?;
            draft.record(event);
            missed::catch_up(draft, *device);
        }
        Action::MoveAddress { device, address } => {
            seating
                .machine(device)
                .ok_or(SeatingError::UnknownMachine)?;
            draft.record(Event::MachineMoved {
                device: *device,
                address: address.clone(),
                staff_id,
                reason: actor.reason.clone(),
            });
        }
        Action::CheckMachine { device } => {
            if swap::holds_running(draft, device) {
                return Err(RoomError::MachineTaken);
            }
            let working = seating.working().any(|one| one == *device);
            working.then_some(()).ok_or(SeatingError::OutOfUse)?;
            draft.tell(*device, CommandBody::CheckEquipment {});
        }
        _ => return Err(RoomError::NotDirect),
    }
    Ok(())
}

fn out_of_use(draft: &mut Draft, device: Device) -> Result<(), RoomError> {
    if swap::holds_running(draft, &device) {
        return Err(RoomError::MachineTaken);
    }
    let (seating, actor) = (draft.station.seating(), draft.actor);
    let (staff_id, second) = (actor.staff_id(), actor.second_id().unwrap_or_default());
    let event = seating.put_out_of_use(device, &staff_id, &second, &actor.reason)?;
    draft.record(event);
    draft.tell(device, CommandBody::SeatNumber { seat_no: None });
    Ok(())
}

/// Who is let in, other than by being listed.
fn admission(draft: &mut Draft, action: &Action) -> Result<(), RoomError> {
    let (seating, actor) = (draft.station.seating(), draft.actor);
    let (staff_id, reason) = (actor.staff_id(), actor.reason.clone());
    let event = match action {
        Action::Refuse { device, name } => Event::MachineRefused {
            device: *device,
            name: name.clone(),
            staff_id,
            reason,
        },
        Action::LetAskAgain { device, name } => Event::MachineMayAskAgain {
            device: *device,
            name: name.clone(),
            staff_id,
            reason,
        },
        Action::ForgetAsking { machines } => Event::AskingForgotten {
            machines: *machines,
            staff_id,
        },
        Action::Revoke { device } => {
            let working = seating.working().any(|one| one == *device);
            if working {
                out_of_use(draft, *device)?;
            }
            Event::MachineRevoked {
                device: *device,
                staff_id,
                second: actor.second_id().unwrap_or_default(),
                reason,
            }
        }
        _ => return Err(RoomError::NotDirect),
    };
    draft.record(event);
    Ok(())
}

fn list(draft: &mut Draft, device: Device, name: &str, spare: bool) {
    draft.record(Event::MachineListed {
        device,
        name: name.to_owned(),
        spare,
        second: draft.actor.second_id().unwrap_or_default(),
    });
    missed::catch_up(draft, device);
}

fn seat_number(draft: &mut Draft, event: Event) {
    if let Event::SeatAssigned {
        seat_no,
        device: Some(device),
        ..
    } = &event
    {
        let (device, seat_no) = (*device, Some(*seat_no));
        draft.record(event);
        draft.tell(device, CommandBody::SeatNumber { seat_no });
    }
}

/// What concerns a whole sitting.
fn sitting(draft: &mut Draft, action: &Action) -> Result<(), RoomError> {
    let (station, actor) = (draft.station, draft.actor);
    let (staff_id, reason) = (actor.staff_id(), actor.reason.clone());
    match action.clone() {
        Action::Start { sitting_no } => {
            let (planned_ms, at_ms) = track::may_start(station, &sitting_no, draft.now)?;
            draft.record(Event::RoomStarted {
                sitting_no: sitting_no.clone(),
                planned_ms,
                at_ms,
                staff_id,
            });
            let body = CommandBody::Start {
                sitting_no: sitting_no.clone(),
                planned_ms,
                at_ms,
            };
            draft.tell_sitting(&sitting_no, &body);
        }
        Action::Postpone {
            sitting_no,
            by_ms,
            authority,
        } => postpone(draft, sitting_no, by_ms, authority)?,
        Action::Ordered {
            sitting_no,
            by_ms,
            order,
        } => postpone(draft, sitting_no, by_ms, Authority::Order { order })?,
        Action::End {
            sitting_no,
            class_no,
            forced,
        } => {
            let class = class_no.as_deref();
            track::may_end(station, &sitting_no, class, forced)?;
            let again = station.track(&sitting_no).has_ended(class);
            let left = ends::still_open(station, &sitting_no, class);
            draft.record(Event::RoomEnded {
                sitting_no: sitting_no.clone(),
                class_no: class_no.clone(),
                forced,
                staff_id,
                reason,
            });
            let body = CommandBody::End {
                sitting_no: sitting_no.clone(),
                class_no,
                forced,
            };
            if again {
                for device in left {
                    draft.tell(device, body.clone());
                }
            } else {
                draft.tell_sitting(&sitting_no, &body);
            }
        }
        _ => return Err(RoomError::NotDirect),
    }
    Ok(())
}

fn postpone(
    draft: &mut Draft,
    sitting_no: String,
    by_ms: i64,
    authority: Authority,
) -> Result<(), RoomError> {
    let station = draft.station;
    track::terms_of(station, &sitting_no)?;
    if station.track(&sitting_no).started.is_some() {
        return Err(RoomError::AlreadyStarted);
    }
    tell::time_within(by_ms, tell::MOST_MOVE_MS)?;
    let body = CommandBody::Postpone {
        sitting_no: sitting_no.clone(),
        by_ms,
        authority: authority.clone(),
    };
    tell::await_order(draft, &body)?;
    draft.record(Event::RoomPostponed {
        sitting_no,
        by_ms,
        authority,
        staff_id: draft.actor.staff_id(),
        second: draft.actor.second_id(),
        reason: draft.actor.reason.clone(),
    });
    draft.tell_all(&body);
    Ok(())
}
