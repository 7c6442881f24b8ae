//! Who sits where: each seat number with its machine and its candidate of the sitting that is looked at.

use super::State;
use super::books::{Book, Entrant};
use super::snapshot::Snapshot;
use super::trails::{PicturesLeft, Told};
use crate::room::Seen;
use crate::view::room::{MachineState, Progress, TileState};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::Device;
use fengjuan_core::room::contact::Contact;
use fengjuan_core::room::lease::AttemptId;
use fengjuan_core::room::seating::Use;
use fengjuan_core::seat::SeatState;
use fengjuan_wire::room::SeatBeat;
use std::collections::{BTreeMap, BTreeSet};

/// One seat of the room.
pub(super) struct Seat<'a> {
    pub seat_no: u32,
    pub device: Option<Device>,
    pub entrant: Option<&'a Entrant>,
    pub told: Told,
    pub progress: Progress,
}

impl Seat<'_> {
    pub fn attempt(&self) -> Option<AttemptId> {
        self.entrant.map(|one| one.attempt)
    }

    pub fn machine(&self, room: &Snapshot) -> MachineState {
        self.device
            .map_or(MachineState::None, |device| machine_state(room, &device))
    }

    pub fn seen<'r>(&self, room: &'r Snapshot) -> Option<&'r Seen> {
        room.seen.get(&self.device?)
    }

    /// What is wrong with the camera of the machine while this candidate sits at it.
    pub fn camera_fault(&self, room: &Snapshot) -> Option<String> {
        self.beat(room)?;
        self.seen(room)?.beat.as_ref()?.camera.clone()
    }

    /// What the machine says of this candidate.
    pub fn beat<'r>(&self, room: &'r Snapshot) -> Option<&'r SeatBeat> {
        let beat = self.seen(room)?.beat.as_ref()?.seat.as_ref()?;
        let here = beat.attempt_id.as_slice() == self.attempt()?.as_slice();
        here.then_some(beat)
    }

    pub fn state(&self, room: &Snapshot, late_ms: Option<ExamMs>) -> TileState {
        if self.entrant.is_none() {
            return TileState::Empty;
        }
        let told = self.told.state.unwrap_or(TileState::Expected);
        let beat = self.beat(room);
        let said = beat.map(|beat| of_beat(beat.state));
        // The ledgers are never ahead of the machine, and a machine that says nothing is what they say.
        let state = match said {
            Some(said) if rank(said) > rank(told) => said,
            _ => told,
        };
        let suspended = self.told.suspended_by_staff || beat.is_some_and(|beat| beat.suspended);
        match state {
            TileState::Answering if suspended => TileState::Suspended,
            TileState::Expected if late_ms.is_some_and(|late_ms| room.now > late_ms) => {
                TileState::Absent
            }
            state => state,
        }
    }

    /// Since when the candidate waits for a member of staff to compare person, ID and ticket.
    pub fn waits_for_staff(&self, room: &Snapshot) -> Option<ExamMs> {
        let pictured_ms = self.told.pictured_ms?;
        (self.state(room, None) == TileState::CheckedIn).then_some(pictured_ms)
    }

    pub fn answered(&self, room: &Snapshot) -> Option<u32> {
        let handed_in = self.told.handed_in.map(|(_, answered)| answered);
        handed_in.or_else(|| {
            let started = self.told.started_ms.is_some();
            let beat = self.beat(room).filter(|_| started);
            beat.map(|beat| beat.answered)
        })
    }

    pub fn ends_ms(&self, room: &Snapshot) -> Option<ExamMs> {
        let beat = self.beat(room).and_then(|beat| beat.ends_ms);
        beat.or(self.told.ends_ms)
    }
}

/// How far in the day; a later one is never taken back by an older word.
fn rank(state: TileState) -> u8 {
    match state {
        TileState::Empty => 0,
        TileState::Expected => 1,
        TileState::Arrived => 2,
        TileState::CheckedIn => 3,
        TileState::Confirmed => 4,
        TileState::Waiting => 5,
        TileState::Answering | TileState::Suspended => 6,
        TileState::HandedIn => 7,
        TileState::Absent | TileState::ArrivedNotSeated => 8,
        TileState::NotAdmitted | TileState::LateRefused | TileState::Removed => 9,
    }
}

fn of_beat(state: SeatState) -> TileState {
    match state {
        SeatState::Standby => TileState::Expected,
        SeatState::Identified | SeatState::Pictured => TileState::CheckedIn,
        SeatState::Confirmed | SeatState::Tutorial => TileState::Confirmed,
        SeatState::Waiting => TileState::Waiting,
        SeatState::Answering => TileState::Answering,
        SeatState::HandedIn | SeatState::Sealed | SeatState::Receipted => TileState::HandedIn,
        SeatState::NotAdmitted => TileState::NotAdmitted,
        SeatState::LateRefused => TileState::LateRefused,
        SeatState::Absent => TileState::Absent,
        SeatState::ArrivedNotSeated => TileState::ArrivedNotSeated,
    }
}

pub(super) fn machine_state(room: &Snapshot, device: &Device) -> MachineState {
    let machine = room.seating.machine(device);
    match machine.map(|machine| (machine.purpose, machine.seat_no)) {
        None => MachineState::None,
        Some((Use::OutOfUse, _)) => MachineState::OutOfUse,
        Some((Use::Spare, None)) => MachineState::Spare,
        Some(_) => match room.contacts.get(device) {
            Some(Contact::InContact) => MachineState::InContact,
            _ => MachineState::OutOfContact,
        },
    }
}

/// Where a candidate sits: at the machine that holds the attempt, else where the deal or the roster says.
fn number_of(room: &Snapshot, book: &Book, one: &Entrant) -> Option<u32> {
    let holder = room.holder(&one.attempt);
    let here = holder.and_then(|device| room.number_of(&device));
    let dealt = room.seating.seat_of(book.number(), &one.ticket);
    let roster = Some(one.candidate.seat_no).filter(|seat_no| *seat_no > 0);
    here.or(dealt).or(roster)
}

/// The candidate at a seat: who sits there goes before whom the list expects there.
pub(super) fn at<'a>(room: &Snapshot, book: &'a Book, seat_no: u32) -> Option<&'a Entrant> {
    let here = |one: &&Entrant| number_of(room, book, one) == Some(seat_no);
    let sits = |one: &&Entrant| room.holder(&one.attempt).is_some();
    let mut sitting = book.people.iter().filter(here);
    let expected = sitting.clone().next();
    sitting.find(sits).or(expected)
}

impl State {
    /// Every seat of the room: those that machines show, and those that candidates were given.
    pub(super) fn seats<'a>(
        &mut self,
        room: &Snapshot,
        book: Option<&'a Book>,
    ) -> BTreeMap<u32, Seat<'a>> {
        let mut people: BTreeMap<u32, &Entrant> = BTreeMap::new();
        if let Some(book) = book {
            for one in &book.people {
                let Some(seat_no) = number_of(room, book, one) else {
                    continue;
                };
                // Whoever sits there goes before whom the list expects there.
                let sits = room.holder(&one.attempt).is_some();
                if sits || !people.contains_key(&seat_no) {
                    people.insert(seat_no, one);
                }
            }
        }
        let numbers: BTreeSet<u32> = room
            .seating
            .seats()
            .keys()
            .chain(people.keys())
            .copied()
            .collect();
        let seat = |seat_no: u32| {
            let entrant = people.get(&seat_no).copied();
            let told = entrant.map(|one| self.told(room, one)).unwrap_or_default();
            let seat = Seat {
                seat_no,
                device: room.seating.at(seat_no),
                entrant,
                progress: entrant.map_or_else(Progress::default, |one| {
                    self.progress(room, &one.attempt, &told)
                }),
                told,
            };
            (seat_no, seat)
        };
        numbers.into_iter().map(seat).collect()
    }

    pub(super) fn told(&self, room: &Snapshot, one: &Entrant) -> Told {
        let chain = room.attempts.get(&one.attempt).map(|known| &known.chain);
        let chain = chain.filter(|chain| chain.last().is_some());
        Told::by(&self.trails.of(&one.attempt, chain))
    }

    /// The center has everything of somebody once it has the bundle and every picture.
    pub(super) fn progress(
        &mut self,
        room: &Snapshot,
        attempt: &AttemptId,
        told: &Told,
    ) -> Progress {
        let works = |device: &Device| {
            let machine = room.seating.machine(device);
            machine.is_some_and(|machine| machine.purpose != Use::OutOfUse)
        };
        let left = self.trails.pictures_left(attempt, works);
        let bundle = told.bundle;
        let bundle_there = bundle.is_some_and(|bundle| self.is_at_center(&bundle));
        let bundle_here = bundle_there || bundle.is_some_and(|bundle| self.is_here(&bundle));
        Progress {
            handed_in: told.handed_in.is_some(),
            sealed: bundle.is_some(),
            at_hub: bundle_here && left.away == 0,
            at_center: bundle_there && left == PicturesLeft::default(),
            pictures_left: left.away + left.here,
        }
    }
}
