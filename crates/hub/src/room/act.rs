//! What is asked of the room: by the program itself, or by a person.

use super::{Room, RoomRefusal, name_of};
use fengjuan_core::choice::Choice;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::room::epoch::Standing;
use fengjuan_core::room::station::{Action, Actor, Station};
use fengjuan_device::recorder::SYSTEM;
use fengjuan_store::Projection;
use std::collections::BTreeSet;

impl Room {
    /// The first station of a room runs it from the beginning; one that has heard of another, or was stopped, does not.
    /// True where it did that now.
    ///
    /// # Errors
    /// Storage errors.
    pub fn begin(&self) -> Result<bool, RoomRefusal> {
        let first = |station: &Station| {
            let standing: &Standing = station.standing();
            let never = standing.commanding().is_none() && standing.heard() == 0;
            let event = Event::EpochRaised {
                epoch: 1,
                station: standing.me(),
                staff_id: String::new(),
                reason: String::new(),
                followed: None,
            };
            Ok(never.then_some(event).into_iter().collect())
        };
        let events = self.decide(SYSTEM, Vec::new(), |station, _, _| first(station))?;
        Ok(!events.is_empty())
    }

    /// What a person asks, or the program itself ([`Actor::system`]): recorded, taken over and sent. Gives the events.
    ///
    /// # Errors
    /// [`RoomRefusal`].
    pub fn act(&self, action: &Action, actor: &Actor) -> Result<Vec<Event>, RoomRefusal> {
        self.act_with(action, actor, Vec::new(), Vec::new())
    }

    /// As [`Room::act`], with more events and changes of the small state in the same transaction.
    ///
    /// # Errors
    /// [`RoomRefusal`].
    pub fn act_with(
        &self,
        action: &Action,
        actor: &Actor,
        also: Vec<Event>,
        projections: Vec<Projection>,
    ) -> Result<Vec<Event>, RoomRefusal> {
        self.decide(&name_of(actor), projections, |station, ids, now| {
            let mut events = also;
            events.extend(station.propose(action, actor, ids, now)?);
            Ok(events)
        })
    }

    /// Deals a sitting's seats at random; see [`Station::deal_at_random`].
    ///
    /// # Errors
    /// [`RoomRefusal`].
    pub fn deal_at_random(
        &self,
        sitting_no: &str,
        tickets: &BTreeSet<Hash32>,
        actor: &Actor,
        choice: &mut Choice,
    ) -> Result<Vec<Event>, RoomRefusal> {
        self.decide(&name_of(actor), Vec::new(), |station, _, _| {
            station.deal_at_random(sitting_no, tickets, actor, choice)
        })
    }
}
