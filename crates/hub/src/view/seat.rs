//! One seat: details, history, actions.

use super::room::{MachineState, Progress, TileState};
use fengjuan_core::event::{OutageCause, PictureUse};
use fengjuan_device::view::Notice;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The panel of one seat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SeatPanel {
    pub seat_no: u32,
    pub machine: MachineState,
    pub device_name: Option<String>,
    pub address: Option<String>,
    pub candidate: Option<PanelCandidate>,
    pub state: TileState,
    pub answered: Option<u32>,
    pub questions: Option<u32>,
    #[ts(type = "number | null")]
    pub ends_ms: Option<i64>,
    pub progress: Progress,
    /// What the cameras saw last, newest first; paths for the page's image protocol.
    pub pictures: Vec<PanelPicture>,
    /// Code of what is wrong with the camera, e.g. `camera.unplugged`.
    pub camera: Option<String>,
    /// What happened and what can be done about it.
    pub trouble: Option<PanelTrouble>,
    pub history: Vec<HistoryRow>,
    pub actions: Vec<SeatDeed>,
    /// Machines that could take this candidate over.
    pub spares: Vec<SpareMachine>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PanelCandidate {
    pub ticket_no: String,
    pub name: String,
    pub masked_id: String,
    pub class_name: String,
    pub employer: String,
    /// Path of the registered photo.
    pub photo: Option<String>,
    #[ts(type = "number | null")]
    pub arrival_ms: Option<i64>,
    pub extra_minutes: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PanelPicture {
    pub path: String,
    pub usage: PictureUse,
    #[ts(type = "number")]
    pub taken_ms: i64,
    pub pattern: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PanelTrouble {
    pub notice: Notice,
    #[ts(type = "number")]
    pub since_ms: i64,
    pub outage: Option<PanelOutage>,
}

/// An outage that waits for a decision: one click takes what it proposes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PanelOutage {
    pub outage_no: u32,
    pub cause: OutageCause,
    #[ts(type = "number")]
    pub from_ms: i64,
    #[ts(type = "number")]
    pub to_ms: i64,
    #[ts(type = "number")]
    pub proposed_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct HistoryRow {
    #[ts(type = "number")]
    pub at_ms: i64,
    pub notice: Notice,
}

/// What may be done with this seat now, and what blocks it. `second` asks for a second person's name and password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SeatDeed {
    pub deed: SeatDeedName,
    pub blocked_by: Option<Notice>,
    pub second: bool,
    pub reason: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SeatDeedName {
    StartSeat,
    Arrive,
    Confirm,
    NotAdmitted,
    LateEntry,
    Credit,
    DecideOutage,
    Suspend,
    Resume,
    Swap,
    UndoSwap,
    Remove,
    ForceHandIn,
    Reopen,
    OutOfUse,
    MoveNumber,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SpareMachine {
    /// Hex of the device's key, for the action.
    pub device: String,
    pub device_name: String,
    pub seat_no: Option<u32>,
}
