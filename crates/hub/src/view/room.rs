//! The seat map and the seat that is looked at.

use super::seat::SeatPanel;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The room as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct RoomView {
    pub columns: u32,
    pub tiles: Vec<SeatTile>,
    /// The class groups of the sitting that is worked on, in its order.
    pub classes: Vec<RoomClass>,
    pub counts: SeatCounts,
    pub expected: u32,
    pub present: u32,
    pub filter: SeatFilter,
    /// The seat whose panel is open.
    pub panel: Option<SeatPanel>,
}

/// A class group (班级), by which tiles are told apart where there are several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RoomClass {
    pub class_no: String,
    pub name: String,
}

/// A seat, or a spare machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SeatTile {
    /// 0 for a spare machine without a number, which has no panel.
    pub seat_no: u32,
    pub machine: MachineState,
    pub device_name: Option<String>,
    /// Who sits or is expected here; none: a spare machine or an empty seat.
    pub name: Option<String>,
    /// The class group of whoever sits or is expected here.
    pub class_no: Option<String>,
    pub state: TileState,
    pub answered: Option<u32>,
    pub questions: Option<u32>,
    #[ts(type = "number | null")]
    pub ends_ms: Option<i64>,
    /// Minutes credited, when there are any.
    pub credited_min: u32,
    #[ts(type = "number | null")]
    pub handed_in_ms: Option<i64>,
    /// Path of the last picture for the page's image protocol.
    pub picture: Option<String>,
    /// At most one, the worst.
    pub alert: Option<TileAlert>,
    pub progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MachineState {
    InContact,
    /// 失联，原因待查.
    OutOfContact,
    /// No machine has this number.
    None,
    Spare,
    /// 停用.
    OutOfUse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TileState {
    Empty,
    Expected,
    Arrived,
    CheckedIn,
    Confirmed,
    Waiting,
    Answering,
    Suspended,
    HandedIn,
    Removed,
    Absent,
    ArrivedNotSeated,
    NotAdmitted,
    LateRefused,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct TileAlert {
    pub kind: TileAlertKind,
    #[ts(type = "number")]
    pub since_ms: i64,
}

/// Worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TileAlertKind {
    Storage,
    Fork,
    OutageUndecided,
    OutOfContact,
    Fenced,
    Camera,
    /// It refused the start.
    NotStarted,
    KeysMissing,
    NeedsConfirmation,
}

/// 已答 交卷 密封 到管理机 到中心, as far as it has come: the bundle with all pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Progress {
    pub handed_in: bool,
    pub sealed: bool,
    pub at_hub: bool,
    pub at_center: bool,
    /// Pictures that the center has not yet.
    pub pictures_left: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SeatCounts {
    pub all: u32,
    pub attention: u32,
    pub answering: u32,
    pub suspended: u32,
    pub handed_in: u32,
    pub absent: u32,
    pub spare: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SeatFilter {
    All,
    Attention,
    Answering,
    Suspended,
    HandedIn,
    Absent,
    Spare,
}
