//! What a screen shows and what a person may do: view models and actions. Rust decides the screen; the page matches
//! it exhaustively. No question, key or full ID number is in a view that does not show it.

pub mod action;
pub mod bindings;
pub mod candidate;
pub mod desk;

use candidate::*;
use desk::*;
pub use fengjuan_device::view::{
    BrokenView, ClockTrust, ClockView, LinkState, Notice, Refused, Tone,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Everything that the window shows at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct View {
    /// Rises with every change, so that a late answer never overwrites a newer picture.
    #[ts(type = "number")]
    pub revision: u64,
    pub screen: Screen,
    pub clock: ClockView,
    pub device: DeviceView,
    /// One calm sentence at most.
    pub banner: Option<Notice>,
}

/// The one screen at a time. There is one of these at a time, so the size of a variant does not matter.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "name", content = "data", rename_all = "snake_case")]
pub enum Screen {
    /// The database cannot be trusted: the program has stopped safely and kept the file.
    Broken(BrokenView),
    Enrol(EnrolView),
    /// Seat number, huge; the candidate's start and the staff's corner.
    Standby(StandbyView),
    /// On-screen keypad; nothing personal yet.
    Identify(IdentifyView),
    /// Is this you? Then look at the camera.
    Person(PersonView),
    /// A staff member confirms with name and password.
    StaffConfirm(StaffConfirmView),
    Rules(RulesView),
    Tutorial(TutorialView),
    Waiting(WaitingView),
    Exam(ExamView),
    HandInCheck(HandInView),
    HandInConfirm(HandInView),
    /// The exam stands still for this seat; a proctor decides.
    Suspended(SuspendedView),
    HandedIn(HandedInView),
    /// Not admitted, or late.
    NotSitting(NotSittingView),
    LogIn(LogInView),
    Desk(DeskView),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct DeviceView {
    pub device_name: String,
    pub site: String,
    pub room_name: String,
    pub seat_no: Option<u32>,
    pub link: LinkState,
    /// Sealed objects without the center's verified receipt.
    pub unsent: u32,
    pub version: String,
}

/// Answer to every action: the view after it, and the refusal if there was one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Outcome {
    pub view: View,
    pub refused: Option<Refused>,
}
