//! The seat map.

use super::books::{Book, planned_start};
use super::seats::Seat;
use super::snapshot::Snapshot;
use super::{State, Station};
use crate::view::room::*;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::seating::Use;
use std::collections::BTreeMap;

/// A map of up to this many columns can be read without scrolling.
const MOST_COLUMNS: u32 = 12;

impl Station {
    pub(super) fn room_view(
        &self,
        state: &State,
        room: &Snapshot,
        book: Option<&Book>,
        seats: &BTreeMap<u32, Seat<'_>>,
    ) -> RoomView {
        let late_ms = book.map(|book| late_limit(room, book));
        let mut tiles: Vec<SeatTile> = seats
            .values()
            .map(|seat| self.tile(state, room, book, seat, late_ms))
            .collect();
        tiles.extend(spares(room));
        let counts = count(&tiles);
        let here = |tile: &&SeatTile| is_here(tile.state);
        let present = tiles.iter().filter(here).count();
        let open = state.desk.open_seat.and_then(|seat_no| seats.get(&seat_no));
        RoomView {
            columns: columns(tiles.len()),
            counts,
            classes: book.map(classes).unwrap_or_default(),
            expected: book.map_or(0, Book::candidates),
            present: u32::try_from(present).unwrap_or(u32::MAX),
            filter: state.desk.filter,
            panel: open.map(|seat| self.panel(state, room, book, seat, late_ms)),
            tiles,
        }
    }

    fn tile(
        &self,
        state: &State,
        room: &Snapshot,
        book: Option<&Book>,
        seat: &Seat<'_>,
        late_ms: Option<ExamMs>,
    ) -> SeatTile {
        let troubles = self.troubles(state, room, book, seat);
        let device_name = seat.device.map(|device| room.name_of(&device));
        let pictures = super::pictures::seen(&self.hub, room, seat);
        SeatTile {
            seat_no: seat.seat_no,
            machine: seat.machine(room),
            device_name,
            name: seat.entrant.map(|one| one.candidate.name.clone()),
            class_no: seat.entrant.map(|one| one.candidate.class_no.clone()),
            state: seat.state(room, late_ms),
            answered: seat.answered(room),
            questions: seat.entrant.map(|one| one.questions),
            ends_ms: seat.ends_ms(room),
            credited_min: u32::try_from(seat.told.credit_ms / 60_000).unwrap_or(0),
            handed_in_ms: seat.told.handed_in.map(|(at_ms, _)| at_ms),
            picture: pictures.into_iter().next().map(|picture| picture.path),
            alert: troubles.into_iter().next().map(|(alert, _)| alert),
            progress: seat.progress,
        }
    }
}

pub(super) fn late_limit(room: &Snapshot, book: &Book) -> ExamMs {
    let sitting = book.sitting();
    let postponed_ms = room
        .days
        .get(book.number())
        .map_or(0, |day| day.track.postponed_ms);
    planned_start(sitting, postponed_ms) + i64::from(sitting.entry.late_limit_min) * 60_000
}

fn classes(book: &Book) -> Vec<RoomClass> {
    let groups = book.sitting().class_groups.iter();
    groups
        .map(|group| RoomClass {
            class_no: group.class_no.clone(),
            name: group.name.clone(),
        })
        .collect()
}

/// Spare machines without a number, behind the seats.
fn spares(room: &Snapshot) -> Vec<SeatTile> {
    let machines = room.seating.machines().iter();
    let spare = machines.filter(|(_, one)| one.purpose == Use::Spare && one.seat_no.is_none());
    let tile = |(_, machine): (_, &fengjuan_core::room::seating::Machine)| SeatTile {
        seat_no: 0,
        machine: MachineState::Spare,
        device_name: Some(machine.name.clone()),
        name: None,
        class_no: None,
        state: TileState::Empty,
        answered: None,
        questions: None,
        ends_ms: None,
        credited_min: 0,
        handed_in_ms: None,
        picture: None,
        alert: None,
        progress: Progress::default(),
    };
    spare.map(tile).collect()
}

fn is_here(state: TileState) -> bool {
    !matches!(
        state,
        TileState::Empty
            | TileState::Expected
            | TileState::Absent
            | TileState::NotAdmitted
            | TileState::LateRefused
    )
}

fn columns(tiles: usize) -> u32 {
    let tiles = u32::try_from(tiles).unwrap_or(u32::MAX);
    // As wide as a room is, rather than square.
    let mut columns = 1;
    while columns < MOST_COLUMNS && columns * columns * 5 < tiles.saturating_mul(8) {
        columns += 1;
    }
    columns
}

fn count(tiles: &[SeatTile]) -> SeatCounts {
    let of = |fits: &dyn Fn(&SeatTile) -> bool| {
        let count = tiles.iter().filter(|tile| fits(tile)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    SeatCounts {
        all: of(&|_| true),
        attention: of(&|tile| tile.alert.is_some()),
        answering: of(&|tile| tile.state == TileState::Answering),
        suspended: of(&|tile| tile.state == TileState::Suspended),
        handed_in: of(&|tile| matches!(tile.state, TileState::HandedIn | TileState::Removed)),
        absent: of(&|tile| {
            matches!(
                tile.state,
                TileState::Absent
                    | TileState::ArrivedNotSeated
                    | TileState::NotAdmitted
                    | TileState::LateRefused
            )
        }),
        spare: of(&|tile| tile.machine == MachineState::Spare),
    }
}
