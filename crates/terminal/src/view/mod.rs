//! What a screen shows and what a person may do: view models and actions. Rust decides the screen; the page matches
//! it exhaustively. No question, key or full ID number is in a view that does not show it.

pub mod action;
pub mod bindings;
pub mod candidate;
pub mod desk;

use candidate::*;
use desk::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
pub struct BrokenView {
    /// e.g. `store.corrupted`, `store.newer_schema`, `store.already_running`.
    pub code: String,
    pub args: BTreeMap<String, String>,
}

/// The exam clock, for display between two views: `exam_ms` at the moment the view was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ClockView {
    #[ts(type = "number")]
    pub exam_ms: i64,
    /// Offset of the site's time zone, for printing hours and minutes.
    pub utc_offset_min: i32,
    pub trust: ClockTrust,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ClockTrust {
    /// From the center's signed time in this boot.
    Anchored,
    /// Carried over from before, no upstream yet.
    Carried,
    /// From the machine's own clock only.
    Unverified,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    Online,
    Offline,
    NotEnrolled,
}

/// A sentence by its code; the page has the words in Chinese and English.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Notice {
    pub code: String,
    pub args: BTreeMap<String, String>,
    pub tone: Tone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    Blue,
    Amber,
    Red,
    Green,
}

/// Why an action was refused: what happened and what to do next are the page's words for `code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Refused {
    pub code: String,
    pub args: BTreeMap<String, String>,
}

/// Answer to every action: the view after it, and the refusal if there was one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Outcome {
    pub view: View,
    pub refused: Option<Refused>,
}
