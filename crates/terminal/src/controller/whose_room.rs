//! Whose room it is: a hub that the center has delegated for one room is heard about that room's sittings, and no other.

use super::state::State;
use super::terminal::Terminal;
use fengjuan_core::room::command::{CommandBody, Scope};
use fengjuan_device::refusal::{Answer, refused};
use fengjuan_wire::delegation::HubDelegation;

const OTHER_ROOM: &str = "hub.other_room";

impl Terminal {
    /// The hub that speaks from now on, by its verified delegation.
    pub fn speaks(&self, hub: &HubDelegation) {
        self.change(|state| state.speaks = Some(hub.clone()));
    }
}

impl State {
    /// Whether the hub that speaks may run this sitting's room. A sitting that is not held here is judged when it is.
    ///
    /// # Errors
    /// `hub.other_room`.
    pub(super) fn of_its_room(&self, sitting_no: &str) -> Answer {
        let Some(hub) = &self.speaks else {
            return Ok(());
        };
        let held = self.shared.outward.held();
        let other = held
            .iter()
            .map(|held| &held.document.sitting)
            .any(|sitting| sitting.sitting_no == sitting_no && !hub.covers_room(&sitting.room_no));
        match other {
            true => Err(refused(OTHER_ROOM)),
            false => Ok(()),
        }
    }

    /// Turns to what a command is about, where the hub that speaks may run that room.
    ///
    /// # Errors
    /// `hub.other_room`, or why it cannot be turned to.
    pub(super) fn face_its_room(&mut self, body: &CommandBody) -> Answer {
        if let Some(sitting_no) = sitting_of(body) {
            self.of_its_room(sitting_no)?;
            return self.face(body);
        }
        self.face(body)?;
        match (&self.active, body.attempt()) {
            (Some(active), Some(_)) => self.of_its_room(active.sitting_no()),
            _ => Ok(()),
        }
    }
}

fn sitting_of(body: &CommandBody) -> Option<&str> {
    match body {
        CommandBody::Arrive { sitting_no, .. }
        | CommandBody::ConfirmPerson { sitting_no, .. }
        | CommandBody::RefusePerson { sitting_no, .. }
        | CommandBody::Start { sitting_no, .. }
        | CommandBody::Postpone { sitting_no, .. }
        | CommandBody::LateEntry { sitting_no, .. }
        | CommandBody::End { sitting_no, .. }
        | CommandBody::PatternCamera { sitting_no } => Some(sitting_no),
        CommandBody::Suspend { scope }
        | CommandBody::Resume { scope }
        | CommandBody::Credit { scope, .. } => match scope {
            Scope::ClassGroup { sitting_no, .. } | Scope::Room { sitting_no } => Some(sitting_no),
            Scope::Attempt { .. } => None,
        },
        _ => None,
    }
}
