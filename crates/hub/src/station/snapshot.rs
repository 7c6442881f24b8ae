//! The room at one moment, taken out of the station's machine in one look, so that whoever records does not wait for
//! a page.

use super::books::Book;
use crate::hub::Hub;
use crate::room::Seen;
use fengjuan_core::event::Hash32;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::Device;
use fengjuan_core::room::alert::Open;
use fengjuan_core::room::contact::Contact;
use fengjuan_core::room::epoch::Role;
use fengjuan_core::room::lease::{AttemptId, LeaseChain};
use fengjuan_core::room::seating::Seating;
use fengjuan_core::room::station::{AttemptStanding, Awaited, RoomError, Station, Step, Track};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One sitting as the station's machine has it.
pub(super) struct Day {
    pub track: Track,
    pub step: Step,
    pub blocked: Vec<RoomError>,
    pub answering: u32,
    /// Nothing of it is unlocked any more.
    pub unlock_over: bool,
    /// Machines that refused the start, with the code.
    pub unstarted: BTreeMap<Device, String>,
}

/// One attempt.
pub(super) struct Attempt {
    pub standing: AttemptStanding,
    pub chain: LeaseChain,
}

pub(super) struct Snapshot {
    pub now: ExamMs,
    pub role: Role,
    pub epoch: u64,
    pub seating: Seating,
    pub alerts: Vec<Open>,
    pub awaited: Vec<(u64, Awaited)>,
    pub ordered: Vec<(u64, Awaited, Hash32)>,
    pub days: BTreeMap<String, Day>,
    pub attempts: BTreeMap<AttemptId, Attempt>,
    pub contacts: BTreeMap<Device, Contact>,
    pub seen: BTreeMap<Device, Seen>,
}

fn unstarted(station: &Station, sitting_no: &str) -> BTreeMap<Device, String> {
    let refused = |device: Device| {
        let code = station.start_refused(sitting_no, &device)?;
        Some((device, code.to_owned()))
    };
    station.seating().working().filter_map(refused).collect()
}

impl Snapshot {
    pub fn take(hub: &Hub, books: &[Arc<Book>]) -> Snapshot {
        let now = hub.room().now();
        let seen = hub.room().seen();
        hub.room().read(|station| {
            let seating = station.seating().clone();
            let contacts = seating.machines().keys();
            let contacts = contacts.map(|device| (*device, station.contact(device)));
            let attempts = station.attempts().filter_map(|attempt| {
                let standing = station.attempt(attempt)?;
                let chain = station.leases().chain(attempt).cloned();
                let chain = chain.unwrap_or_default();
                Some((*attempt, Attempt { standing, chain }))
            });
            let day = |book: &Arc<Book>| {
                let (step, blocked) = station.step(book.number(), now);
                let day = Day {
                    track: station.track(book.number()),
                    step,
                    blocked,
                    answering: station.answering(book.number(), None),
                    unlock_over: station.unlock_over(book.number(), now),
                    unstarted: unstarted(station, book.number()),
                };
                (book.number().to_owned(), day)
            };
            let (awaited, ordered) = (station.awaited(), station.ordered());
            let worst = station.alerts().worst_first();
            Snapshot {
                now,
                role: station.standing().role(),
                epoch: station.standing().heard(),
                alerts: worst.into_iter().cloned().collect(),
                awaited: awaited.map(|(no, one)| (*no, one.clone())).collect(),
                ordered: ordered
                    .map(|(no, (one, order))| (*no, one.clone(), *order))
                    .collect(),
                days: books.iter().map(day).collect(),
                attempts: attempts.collect(),
                contacts: contacts.collect(),
                seating,
                seen,
            }
        })
    }

    /// The machine that holds an attempt.
    pub fn holder(&self, attempt: &AttemptId) -> Option<Device> {
        let last = self.attempts.get(attempt)?.chain.last()?;
        Some(last.device)
    }

    /// The number that a machine shows.
    pub fn number_of(&self, device: &Device) -> Option<u32> {
        self.seating.machine(device)?.seat_no
    }

    pub fn name_of(&self, device: &Device) -> String {
        let machine = self.seating.machine(device);
        machine.map_or_else(String::new, |machine| machine.name.clone())
    }

    /// An attempt at this machine that is not handed in.
    pub fn running_at(&self, device: &Device) -> Option<&AttemptId> {
        let here = |(_, attempt): &(&AttemptId, &Attempt)| {
            let holds = attempt.chain.last().map(|last| last.device) == Some(*device);
            holds && !attempt.standing.handed_in
        };
        self.attempts.iter().find(here).map(|(attempt, _)| attempt)
    }

    pub fn in_contact(&self, device: &Device) -> bool {
        self.contacts.get(device) == Some(&Contact::InContact)
    }
}
