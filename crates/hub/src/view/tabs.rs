//! The other parts of the station's page: code, papers, machines, seats, records.

use super::room::MachineState;
use fengjuan_device::view::{EnrolView, EquipmentView, Notice, PapersView, Refused, StaffName};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// 输密码开卷: typed once for all class groups and all terminals. `second_person`: who may type the other half.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct UnlockTab {
    pub state: StationUnlock,
    pub wrong_so_far: u32,
    #[ts(type = "number | null")]
    pub wait_until_ms: Option<i64>,
    #[ts(type = "number | null")]
    pub opens_ms: Option<i64>,
    pub two_person: bool,
    pub second_person: Vec<StaffName>,
    pub refused: Option<Refused>,
    /// Terminals that hold the keys, of those that should.
    pub opened: u32,
    pub terminals: u32,
    pub classes: Vec<UnlockClass>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StationUnlock {
    NothingHeld,
    TooEarly,
    Ready,
    Working,
    Unlocked,
    /// Open before this station stopped; the code is needed again.
    NeededAgain,
    Over,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct UnlockClass {
    pub name: String,
    pub subject: String,
    pub minutes: u32,
    pub candidates: u32,
    pub short_hash: String,
}

/// 试卷: what this station holds, and how far the terminals are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PapersTab {
    pub own: PapersView,
    pub terminals_whole: u32,
    pub terminals: u32,
    #[ts(type = "number")]
    pub done_bytes: u64,
    #[ts(type = "number")]
    pub total_bytes: u64,
}

/// 考试机: machines that ask, that are known, and what is wrong with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct DevicesView {
    /// How terminals find this station; also as a QR code's text.
    pub joining: JoiningView,
    pub asking: Vec<AskingDevice>,
    pub known: Vec<DeviceRow>,
    /// Turned away when they asked; a person may let them ask again.
    pub refused: Vec<RefusedDevice>,
    /// The lowest seat number that no machine has.
    pub next_seat_no: u32,
    pub own_equipment: EquipmentView,
    pub center: EnrolView,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct JoiningView {
    pub url: String,
    pub qr_text: String,
    /// The station's own fingerprint, for people who set a terminal up by hand.
    pub fingerprint: String,
}

/// A machine that wants to be let in: two people compare the fingerprint on both screens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct AskingDevice {
    pub device: String,
    pub device_name: String,
    pub fingerprint: String,
    pub address: String,
    #[ts(type = "number")]
    pub since_ms: i64,
    /// e.g. the key is known from another machine.
    pub warning: Option<Notice>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct RefusedDevice {
    pub device: String,
    pub device_name: String,
    pub short_fingerprint: String,
    pub address: String,
    #[ts(type = "number")]
    pub refused_ms: i64,
    pub by: StaffName,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct DeviceRow {
    pub device: String,
    pub device_name: String,
    pub short_fingerprint: String,
    pub address: String,
    /// It was refused because it speaks from there now.
    pub asks_from: Option<String>,
    pub seat_no: Option<u32>,
    pub machine: MachineState,
    #[ts(type = "number | null")]
    pub heard_ms: Option<i64>,
    pub papers_whole: bool,
    pub unlocked: bool,
    pub failed_checks: Option<u32>,
    #[ts(type = "number")]
    pub ledger_size: u64,
    #[ts(type = "number")]
    pub replicated: u64,
    pub unsent: u32,
    pub note: Option<Notice>,
    /// Taken off the list for good.
    pub revoked: bool,
}

/// 座位安排, published and locked, with the door list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SeatingView {
    #[ts(type = "number | null")]
    pub published_ms: Option<i64>,
    pub random: bool,
    pub working_machines: u32,
    pub candidates: u32,
    /// Too few working machines is the only thing that blocks the room.
    pub blocked_by: Option<Notice>,
    pub door_list: Vec<DoorRow>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct DoorRow {
    pub seat_no: Option<u32>,
    pub name: String,
    /// All but the last four digits are covered.
    pub masked_ticket: String,
    pub class_name: String,
}

/// 记录: commands and their acknowledgement, decisions, log-ins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct LogView {
    pub rows: Vec<LogRow>,
    #[ts(type = "number")]
    pub ledger_size: u64,
    pub staff: Vec<StaffRow>,
    /// Decisions that stand on the center's order: those that wait for it first.
    pub awaited: Vec<AwaitedRow>,
}

/// A decision that waits for the center's order (待指令) or has got it, with the phone call that agreed on it, where there was
/// one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct AwaitedRow {
    #[ts(type = "number")]
    pub awaited_no: u64,
    pub notice: Notice,
    pub by: Option<StaffName>,
    pub second: Option<StaffName>,
    pub reason: String,
    pub phone: Option<super::action::Phone>,
    /// The number of the order, once it is here.
    pub order_no: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct LogRow {
    #[ts(type = "number")]
    pub at_ms: i64,
    pub by: Option<StaffName>,
    pub notice: Notice,
    /// Terminals that have acknowledged, of those that must; none where nobody must.
    pub acknowledged: Option<(u32, u32)>,
}

/// A person of the signed staff list, and whether they may log in now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StaffRow {
    pub person: StaffName,
    pub logged_in: bool,
    /// Locked out until then, or until a second person releases it.
    #[ts(type = "number | null")]
    pub locked_until_ms: Option<i64>,
}
