//! Following another station's ledger, and taking over from it.

use super::course::{Course, Sources, of_room, slice};
use super::{Ids, Room, RoomRefusal, State, feed, lock, name_of};
use fengjuan_core::event::Event;
use fengjuan_core::room::Device;
use fengjuan_core::room::lineage::{Raise, Stretch};
use fengjuan_core::room::station::{Action, Actor, RoomError};
use fengjuan_store::{LedgerId, StoreError};

/// An entry's place, and its event where it is about the room.
type News = (u64, Option<Event>);

impl Room {
    /// This station.
    pub fn me(&self) -> Device {
        self.read(|station| station.standing().me())
    }

    /// Which parts of which ledgers make the history here.
    pub fn course(&self) -> Course {
        self.state().course.clone()
    }

    /// A device that is a hub: its ledger is no terminal's.
    pub fn know_hub(&self, device: Device) {
        self.state_mut().hubs.insert(device);
    }

    /// More of another station's ledger is durable here. Where it runs the room, what it has decided is told to this
    /// station; one that commands itself follows nobody.
    ///
    /// # Errors
    /// Storage errors.
    pub fn followed(&self, ledger: &LedgerId) -> Result<(), RoomRefusal> {
        let _deciding = lock(&self.inner.deciding);
        let (course, commanding) = {
            let state = self.state();
            let commanding = state.station.standing().commanding().is_some();
            (state.course.clone(), commanding)
        };
        if commanding {
            return Ok(());
        }
        let looked = course.looked.get(ledger).copied().unwrap_or(0);
        let news = self.news(&course.own, ledger, looked)?;
        let Some(last) = news.last().map(|(seq, _)| *seq) else {
            return Ok(());
        };
        let raises = |(seq, event): &News| {
            let raise = event.as_ref().and_then(|event| Raise::of(*seq, event));
            raise.is_some()
        };
        if news.iter().any(raises) {
            self.tell_anew(course.version + 1)?;
        } else {
            let mut state = self.state_mut();
            state.course.looked.insert(*ledger, last + 1);
            let mine = state.course.followed();
            if mine.is_some_and(|mine| mine.ledger_id == *ledger) {
                for (_, event) in &news {
                    event.iter().for_each(|event| state.station.follow(event));
                }
                state.course.told = last + 1;
            }
        }
        self.touch();
        Ok(())
    }

    /// The entries of a ledger from a place on, with the events that are about the room.
    fn news(&self, own: &LedgerId, ledger: &LedgerId, from: u64) -> Result<Vec<News>, StoreError> {
        let (reader, replicas) = (lock(&self.inner.own), lock(&self.inner.replicas));
        let stretch = Stretch {
            ledger_id: *ledger,
            from,
            to: None,
        };
        let (mut from, mut news) = (from, Vec::new());
        loop {
            let entries = slice(&reader, &replicas, own, &stretch, from)?;
            let Some(last) = entries.last() else {
                return Ok(news);
            };
            from = last.seq + 1;
            for stored in &entries {
                let event = of_room(stored)?.map(|(event, _)| event);
                news.push((stored.seq, event));
            }
        }
    }

    /// Under the room's `deciding`.
    fn tell_anew(&self, version: u64) -> Result<(), StoreError> {
        let (me, hubs, held) = {
            let state = self.state();
            let me = state.station.standing().me();
            (me, state.hubs.clone(), state.held.clone())
        };
        let state = {
            let (own, replicas) = (lock(&self.inner.own), lock(&self.inner.replicas));
            let sources = Sources {
                own: &own,
                replicas: &replicas,
                hubs: &hubs,
            };
            let told = sources.tell(me, version)?;
            let mut state = State::told(told, hubs.clone());
            feed::all(&mut state, &replicas, self.now())?;
            state
        };
        let mut now = self.state_mut();
        *now = state;
        for (sitting, candidates) in held.values() {
            now.station.hold(sitting, *candidates);
        }
        now.held = held;
        drop(now);
        self.inner.lines.close_all();
        Ok(())
    }

    /// This station runs the room from now on, from as far as it has followed whoever ran it before. One that has never
    /// reached another, and has not run the room itself, knows nothing of its history: it raises its epoch far above what
    /// it has heard of, and only where two people say so.
    ///
    /// # Errors
    /// [`RoomRefusal`]; `room.never_followed` where the second person is missing for that.
    pub fn take_over(&self, actor: &Actor) -> Result<Vec<Event>, RoomRefusal> {
        let _deciding = lock(&self.inner.deciding);
        let now = self.now();
        let mut ids = Ids::default();
        let events = {
            let state = self.state();
            let followed = state.course.followed();
            let alone = state.course.is_alone();
            if alone && actor.second.is_none() {
                return Err(RoomError::NeverFollowed.into());
            }
            let action = match alone {
                true => Action::TakeOverAlone {},
                false => Action::TakeOver { followed },
            };
            state
                .station
                .propose(&action, actor, &mut || ids.next(), now)?
        };
        self.record(&name_of(actor), events, Vec::new())
    }
}
