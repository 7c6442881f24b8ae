//! Refusals of the station with the numbers that belong into their sentences.

use crate::devices::DeviceRefusal;
use crate::room::RoomRefusal;
use fengjuan_core::room::seating::SeatingError;
use fengjuan_core::room::station::RoomError;
use fengjuan_device::refusal::{With, notice, refused};
use fengjuan_device::view::{Notice, Refused, Tone};

pub(super) fn of_room(error: &RoomError) -> Refused {
    let refusal = refused(error.code());
    match error {
        RoomError::EntryNotOpen { opens_ms } => refusal.with("opens_ms", opens_ms),
        RoomError::TooEarly { planned_ms } => refusal.with("planned_ms", planned_ms),
        RoomError::TooLate { limit_ms } => refusal.with("limit_ms", limit_ms),
        RoomError::SomebodyAnswers { answering } => refusal.with("answering", answering),
        RoomError::TimeOutOfRange { most_ms } => refusal.with("most_minutes", most_ms / 60_000),
        RoomError::Seating(SeatingError::HasSeat { seat_no })
        | RoomError::Seating(SeatingError::DealtTwice { seat_no })
        | RoomError::Seating(SeatingError::NoMachine { seat_no }) => {
            refusal.with("seat_no", seat_no)
        }
        RoomError::Seating(SeatingError::TooFewMachines {
            working,
            candidates,
        }) => refusal
            .with("working", working)
            .with("candidates", candidates),
        _ => refusal,
    }
}

pub(super) fn of(error: RoomRefusal) -> Refused {
    match error {
        RoomRefusal::Room(error) => of_room(&error),
        RoomRefusal::Store(error) => error.into(),
        error => {
            tracing::error!(code = error.code(), %error, "the room refused");
            refused(error.code())
        }
    }
}

pub(super) fn of_device(error: DeviceRefusal) -> Refused {
    match error {
        DeviceRefusal::Room(error) => of(error),
        error => refused(error.code()),
    }
}

/// A refusal as something that is said beforehand.
pub(super) fn beforehand(refusal: Refused) -> Notice {
    let mut said = notice(&refusal.code, Tone::Amber);
    said.args = refusal.args;
    said
}
