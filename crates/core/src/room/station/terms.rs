//! Why a station refuses.

use crate::plan::ExamMs;
use crate::room::lease::LeaseError;
use crate::room::rules::NotAllowed;
use crate::room::seating::SeatingError;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoomError {
    #[error("this station does not run the room")]
    NotCommanding,
    #[error("this station has never followed the one that runs the room")]
    NeverFollowed,
    #[error("this station runs the room already")]
    Commanding,
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error(transparent)]
    Seating(#[from] SeatingError),
    #[error("the sitting is not held here")]
    NotHeld,
    #[error("entry opens at {opens_ms}")]
    EntryNotOpen { opens_ms: ExamMs },
    #[error("the papers are not unlocked")]
    NotUnlocked,
    #[error("the end with credits has come: nothing is unlocked any more")]
    UnlockOver,
    #[error("the seats are not published")]
    SeatsNotPublished,
    #[error("the sitting starts at {planned_ms}")]
    TooEarly { planned_ms: ExamMs },
    #[error("the last moment for a start was {limit_ms}: postpone the sitting")]
    TooLate { limit_ms: ExamMs },
    #[error("the sitting has started")]
    AlreadyStarted,
    #[error("the sitting has not started")]
    NotStarted,
    #[error("the class group or the sitting has ended")]
    AlreadyEnded,
    #[error("the sitting has no such class group")]
    UnknownClass,
    #[error("{answering} candidates are answering")]
    SomebodyAnswers { answering: u32 },
    #[error("no such attempt is known here")]
    UnknownAttempt,
    #[error("the attempt is handed in")]
    HandedIn,
    #[error("the attempt is not handed in")]
    NotHandedIn,
    #[error("somebody sits at that machine")]
    MachineTaken,
    #[error("that machine has not been heard yet")]
    MachineUnheard,
    #[error("the amount of time must be within 1 and {most_ms} ms")]
    TimeOutOfRange { most_ms: i64 },
    #[error("this is never asked for directly")]
    NotDirect,
    #[error("no such alert is open")]
    UnknownAlert,
    #[error("no such decision waits for an order")]
    UnknownAwaited,
    #[error("the results are not all at the center")]
    NotSubmitted,
}

impl RoomError {
    pub fn code(&self) -> &'static str {
        match self {
            RoomError::NotCommanding => "room.not_commanding",
            RoomError::NeverFollowed => "room.never_followed",
            RoomError::Commanding => "room.commanding",
            RoomError::NotAllowed(cause) => cause.code(),
            RoomError::Lease(cause) => cause.code(),
            RoomError::Seating(cause) => cause.code(),
            RoomError::NotHeld => "room.not_held",
            RoomError::EntryNotOpen { .. } => "room.entry_not_open",
            RoomError::NotUnlocked => "room.not_unlocked",
            RoomError::UnlockOver => "unlock.over",
            RoomError::SeatsNotPublished => "room.seats_not_published",
            RoomError::TooEarly { .. } => "room.too_early",
            RoomError::TooLate { .. } => "room.too_late",
            RoomError::AlreadyStarted => "room.already_started",
            RoomError::NotStarted => "room.not_started",
            RoomError::AlreadyEnded => "room.already_ended",
            RoomError::UnknownClass => "room.unknown_class",
            RoomError::SomebodyAnswers { .. } => "room.somebody_answers",
            RoomError::UnknownAttempt => "room.unknown_attempt",
            RoomError::HandedIn => "room.handed_in",
            RoomError::NotHandedIn => "room.not_handed_in",
            RoomError::MachineTaken => "room.machine_taken",
            RoomError::MachineUnheard => "room.machine_unheard",
            RoomError::TimeOutOfRange { .. } => "room.time_out_of_range",
            RoomError::NotDirect => "room.not_direct",
            RoomError::UnknownAlert => "room.unknown_alert",
            RoomError::UnknownAwaited => "room.unknown_awaited",
            RoomError::NotSubmitted => "room.not_submitted",
        }
    }
}
