//! After a power cut of the room: one decision credits every outage its own time.

use super::act::Ahead;
use super::books::Book;
use super::refusal::of;
use super::snapshot::Snapshot;
use super::{State, Station};
use fengjuan_core::event::OutageCause;
use fengjuan_core::room::alert::{Alert, OutageRef};
use fengjuan_core::room::command::CommandBody;
use fengjuan_core::room::station::{Action, Actor, RoomError};
use fengjuan_device::recorder::staff;
use fengjuan_device::refusal::{Answer, refused};

impl Station {
    pub(super) fn decide_outages(
        &self,
        book: Option<&Book>,
        alert_no: u64,
        cause: Option<OutageCause>,
        actor: &Actor,
    ) -> Answer {
        let book = book.ok_or_else(|| refused("station.no_sitting"))?;
        let bodies = {
            let mut state = self.state();
            state.refresh(&self.hub);
            let room = Snapshot::take(&self.hub, &state.books.books.clone());
            decisions(&state, &room, book, alert_no, cause)
        };
        if bodies.is_empty() {
            return Err(refused("room.unknown_alert"));
        }
        let by = staff(&actor.person.staff_id);
        let decided = self
            .hub
            .room()
            .decide(&by, Vec::new(), |station, ids, now| {
                let mut ahead = Ahead::of(station);
                for body in bodies {
                    let action = Action::Tell { body };
                    match ahead.take(|station| station.propose(&action, actor, ids, now)) {
                        // Whoever has handed in meanwhile needs no time any more.
                        Ok(()) | Err(RoomError::HandedIn) => {}
                        Err(refusal) => return Err(refusal),
                    }
                }
                Ok(ahead.events)
            });
        decided.map(drop).map_err(of)
    }
}

/// Each outage of the alert that is still undecided, in this sitting, with what it proposes.
fn decisions(
    state: &State,
    room: &Snapshot,
    book: &Book,
    alert_no: u64,
    cause: Option<OutageCause>,
) -> Vec<CommandBody> {
    let alert = room.alerts.iter().find(|open| open.alert_no == alert_no);
    let Some(Alert::ManyOutages { outages }) = alert.map(|open| &open.alert) else {
        return Vec::new();
    };
    let decision = |named: &OutageRef| {
        let mut people = book.people.iter();
        let one = people.find(|one| one.attempt == named.attempt)?;
        let told = state.told(room, one);
        let mut open = told.outages.iter();
        let outage = open.find(|outage| outage.outage_no == named.outage_no)?;
        Some(CommandBody::DecideOutage {
            attempt: named.attempt,
            outage_no: named.outage_no,
            credit_ms: outage.proposed_ms,
            cause: Some(cause.unwrap_or(outage.cause)),
        })
    };
    outages.iter().filter_map(decision).collect()
}
