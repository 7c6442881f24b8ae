//! What the station's page shows and what a person may do there: view models and actions. Rust decides the screen; the
//! page matches it exhaustively. No question, answer, score, key or full ID number is in any of it.

pub mod action;
pub mod bindings;
pub mod codes;
pub mod room;
pub mod seat;
pub mod tabs;

use fengjuan_device::view::{
    BrokenView, ClockView, EnrolView, LinkState, LogInView, Notice, Refused, StaffName,
};
use room::RoomView;
use serde::{Deserialize, Serialize};
use tabs::{DevicesView, LogView, PapersTab, SeatingView, UnlockTab};
use ts_rs::TS;

/// Everything that the station's window shows at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StationPage {
    /// Rises with every change, so that a late answer never overwrites a newer picture.
    #[ts(type = "number")]
    pub revision: u64,
    pub clock: ClockView,
    pub station: StationFacts,
    pub screen: StationScreen,
    /// One calm sentence at most.
    pub banner: Option<Notice>,
}

/// The bar at the top.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StationFacts {
    pub hub_name: String,
    pub site: String,
    pub room_name: String,
    /// Name of the plan of the sitting that is shown; empty before one is held.
    pub plan_name: String,
    pub standing: StationStanding,
    #[ts(type = "number")]
    pub epoch: u64,
    /// Where this one commands, who follows it; else, whom it follows.
    pub others: Vec<OtherStation>,
    /// It has neither run the room nor followed who did: two people take over here.
    pub never_followed: bool,
    /// The line to the center.
    pub center: LinkState,
    /// Sealed objects without the center's receipt.
    pub unsent: u32,
    pub terminals_heard: u32,
    pub terminals_known: u32,
    /// When the center last cosigned this station's ledger.
    #[ts(type = "number | null")]
    pub witnessed_ms: Option<i64>,
    /// People who are logged in here; each acts with their own password.
    pub people: Vec<StaffName>,
    /// Actions are locked until somebody logs in; alerts go on.
    pub idle_locked: bool,
    pub version: String,
}

/// Which of two stations this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StationStanding {
    Commanding,
    /// Follows the first; may take over.
    Standby,
    /// Another station has taken over: this one only shows.
    Stopped,
}

/// Another station of the room, beside this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OtherStation {
    pub hub_name: String,
    /// It runs the room, by what it said last.
    pub commands: bool,
    pub copy: CopyState,
    /// Where the copy is behind: what was written in the last so many seconds may be missing.
    pub behind_s: u32,
    /// Where the other is lost.
    #[ts(type = "number | null")]
    pub since_ms: Option<i64>,
}

/// How good the follower's copy of the room is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    Current,
    Behind,
    /// The two do not hear each other.
    Lost,
}

/// The one screen at a time.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "name", content = "data", rename_all = "snake_case")]
pub enum StationScreen {
    Broken(BrokenView),
    /// Not known to the center yet, or without its delegation.
    Enrol(EnrolView),
    LogIn(LogInView),
    Station(StationView),
}

/// The proctor's page. `tab` says which of the parts fills the middle; days and alerts are always there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StationView {
    pub user: Option<StaffName>,
    pub tab: StationTab,
    pub day: Vec<DayStep>,
    pub sittings: Vec<SittingTrack>,
    /// The sitting that the page works on.
    pub sitting_no: Option<String>,
    pub next: NextStep,
    pub alerts: Vec<AlertRow>,
    pub room: RoomView,
    pub unlock: UnlockTab,
    pub papers: PapersTab,
    pub devices: DevicesView,
    pub seating: SeatingView,
    pub log: LogView,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StationTab {
    /// 考场: the seat map.
    Room,
    /// 输密码开卷.
    Unlock,
    /// 试卷.
    Papers,
    /// 考试机.
    Devices,
    /// 座位安排 and the door list.
    Seating,
    /// 记录.
    Log,
}

/// One step of the room's day: 检查 封闭 解封复检, with 拉取 beside them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct DayStep {
    pub step: RoomStep,
    pub state: TrackState,
    #[ts(type = "number | null")]
    pub at_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RoomStep {
    Pull,
    Check,
    /// 座位公布.
    Seats,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TrackState {
    Done,
    Current,
    Ahead,
}

/// One sitting's own track: 入场 输密码开卷 开考 进行中 结束 上报成绩.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SittingTrack {
    pub sitting_no: String,
    /// 上午场, 补考, 下午场: from the start's hour and whether it is a makeup; the page has the words.
    pub makeup: bool,
    #[ts(type = "number")]
    pub start_ms: i64,
    #[ts(type = "number")]
    pub postponed_ms: i64,
    pub steps: Vec<SittingStep>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SittingStep {
    pub step: SittingStepName,
    pub state: TrackState,
    #[ts(type = "number | null")]
    pub at_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SittingStepName {
    Entry,
    Unlock,
    Start,
    Running,
    End,
    Submit,
}

/// The next step as one button, and what blocks it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct NextStep {
    pub action: NextAction,
    pub blocked_by: Option<Notice>,
    /// A second sentence, such as when the time ends by itself.
    pub note: Option<Notice>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum NextAction {
    Pull,
    PublishSeats,
    Unlock,
    Start,
    End,
    Submit,
    Nothing,
}

/// One alert, worst first; acknowledged with a note, never deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct AlertRow {
    #[ts(type = "number")]
    pub alert_no: u64,
    pub notice: Notice,
    #[ts(type = "number")]
    pub since_ms: i64,
    /// Seats that it concerns; many at once are one alert.
    pub seats: Vec<u32>,
    pub acknowledged: Option<Acknowledged>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Acknowledged {
    pub by: StaffName,
    #[ts(type = "number")]
    pub at_ms: i64,
    pub note: String,
}

/// Answer to every action: the page after it, and the refusal if there was one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StationOutcome {
    pub page: StationPage,
    pub refused: Option<Refused>,
}
