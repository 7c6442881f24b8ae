//! The candidate's screens.

use fengjuan_core::event::{HandInKind, OutageCause};
use fengjuan_core::plan::{AttemptType, ItemType};
use fengjuan_core::roster::TextSize;
pub use fengjuan_device::view::StaffName;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StandbyView {
    pub plan_name: Option<String>,
    pub room_name: String,
    pub seat_no: Option<u32>,
    #[ts(type = "number | null")]
    pub start_ms: Option<i64>,
    #[ts(type = "number | null")]
    pub entry_opens_ms: Option<i64>,
    pub entry: EntryState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// No papers for a sitting are held.
    NothingHeld,
    NotOpenYet,
    Open,
    /// The late limit has passed; those who arrived in time may still go on.
    Closed,
    Over,
    /// The room's station has given this machine no number: nobody signs in here, but somebody may go on here.
    Spare,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct IdentifyView {
    pub room_name: String,
    pub sitting_name: String,
}

/// Who a person is, as far as a screen may show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PersonFacts {
    pub name: String,
    pub masked_id: String,
    pub ticket_no: String,
    pub seat_no: u32,
    pub subject: String,
    pub class_name: String,
    pub attempt_type: AttemptType,
    /// `paper://localhost/photo?of=…`: the registered photo. The same address as long as it is the same photo.
    pub photo_url: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PersonView {
    pub person: PersonFacts,
    pub camera: CameraView,
    /// True while a picture is being taken; the buttons wait.
    pub taking: bool,
    pub arrival: ArrivalView,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CameraView {
    /// A webcam is there.
    Ready { name: String },
    /// The labelled pattern source, allowed by the plan or by a proctor's recorded decision.
    Pattern {},
    /// Typed cause such as `camera.not_found`.
    Fault { code: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ArrivalView {
    #[ts(type = "number")]
    pub arrival_ms: i64,
    /// True when a staff member stamped it, false when it is the moment of identification.
    pub stamped: bool,
    pub late: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StaffConfirmView {
    pub person: PersonFacts,
    /// `paper://localhost/checkin?r=…`: the picture just taken; `None` when staff decided to go on without.
    pub picture_url: Option<String>,
    pub pattern: bool,
    /// Set when the candidate said "not me" or the camera failed.
    pub why: ConfirmReason,
    /// Only these may confirm (id and name).
    pub staff: Vec<StaffName>,
    pub late: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmReason {
    Usual,
    CandidateSaysNotMe,
    CameraTrouble,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct RulesView {
    pub person: PersonFacts,
    pub paragraphs: Vec<String>,
}

/// Practice questions are the page's own, not the bank's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct TutorialView {
    pub person: PersonFacts,
    /// 0, 1, 2.
    pub step: u32,
    pub text_size: TextSize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct WaitingView {
    pub person: PersonFacts,
    #[ts(type = "number")]
    pub start_ms: i64,
    pub minutes: u32,
    pub unlocked: bool,
    /// The planned start has passed and the proctor has not started yet.
    pub overdue: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ExamView {
    pub person: PersonFacts,
    pub question: QuestionView,
    /// One for every question, in paper order.
    pub sheet: Vec<SheetCell>,
    pub sections: Vec<SheetSection>,
    pub counts: Counts,
    /// End of the exam with credits; remaining time is this minus the exam clock.
    #[ts(type = "number")]
    pub ends_ms: i64,
    /// True while the time is over but an outage is undecided, so that automatic hand-in waits.
    pub held_open: bool,
    /// When the candidate may hand in at the earliest.
    #[ts(type = "number")]
    pub may_leave_ms: i64,
    pub text_size: TextSize,
    /// The last answer could not be stored: raise your hand.
    pub storage_failed: bool,
    /// 10 or 5 once, when that many minutes are left.
    pub warn_minutes: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct QuestionView {
    /// From 0.
    pub position: u32,
    pub item_type: ItemType,
    pub half_points: u32,
    pub case_text: Option<String>,
    pub stem: String,
    /// `paper://localhost/media/<n>?of=…`, served only while this question is shown.
    pub stem_picture: Option<String>,
    /// In screen order.
    pub options: Vec<OptionView>,
    pub flagged: bool,
    /// The tick: this answer is durable.
    pub saved: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct OptionView {
    pub text: String,
    pub picture: Option<String>,
    pub chosen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SheetCell {
    pub answered: bool,
    pub flagged: bool,
}

/// A run of questions of one type: `first..first + count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SheetSection {
    pub item_type: ItemType,
    pub first: u32,
    pub count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Counts {
    pub answered: u32,
    pub unanswered: u32,
    pub flagged: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct HandInView {
    pub person: PersonFacts,
    pub counts: Counts,
    /// Positions, from 0.
    pub unanswered: Vec<u32>,
    pub flagged: Vec<u32>,
    pub sheet: Vec<SheetCell>,
    #[ts(type = "number")]
    pub ends_ms: i64,
    #[ts(type = "number")]
    pub may_leave_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SuspendedView {
    pub person: PersonFacts,
    pub cause: OutageCause,
    /// The machine restarted: the code must be typed again.
    pub needs_code: bool,
    /// The attempt goes on at another machine; here it is read-only.
    pub moved_away: bool,
    #[ts(type = "number")]
    pub since_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct HandedInView {
    pub person: PersonFacts,
    pub kind: HandInKind,
    pub answered: u32,
    pub unanswered: u32,
    #[ts(type = "number")]
    pub at_ms: i64,
    /// Sealed and durable on this machine.
    pub sealed: bool,
    /// The center's receipt was verified.
    pub receipted: bool,
    /// Shown only where and when the plan allows.
    pub score: Option<ScoreView>,
    /// The program stopped after the hand-in: the code must be typed again for the result.
    pub needs_code: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ScoreView {
    pub half_points: u32,
    pub full_half_points: u32,
    pub pass_half_points: u32,
    pub passed: bool,
    pub by_type: Vec<TypeScore>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TypeScore {
    pub item_type: ItemType,
    pub right: u32,
    pub count: u32,
    pub half_points: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct NotSittingView {
    pub outcome: NotSittingOutcome,
    pub seat_no: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum NotSittingOutcome {
    NotAdmitted,
    LateRefused,
}
