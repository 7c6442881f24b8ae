//! What a person may ask for. Three enums, because each side gets only what it may do: a candidate's action can
//! never credit time.

use super::desk::DeskTab;
use fengjuan_core::roster::TextSize;
pub use fengjuan_device::view::SecondPerson;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The candidate's mouse and keyboard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum CandidateAction {
    /// From standby to the keypad.
    Begin {},
    /// Back to standby, before identification is complete.
    Leave {},
    /// A complete ticket or ID number.
    Identify {
        number: String,
    },
    /// "This is me": takes the check-in picture.
    TakePicture {},
    NotMe {},
    CameraTrouble {},
    AgreeRules {},
    TutorialStep {
        step: u32,
    },
    TutorialDone {
        skipped: bool,
    },
    /// `option` is the place on the screen, from 0.
    Choose {
        position: u32,
        option: u8,
    },
    Flag {
        position: u32,
        on: bool,
    },
    Show {
        position: u32,
    },
    TextSize {
        size: TextSize,
    },
    /// To the check screen, to the confirm screen, back, and hand in.
    CheckHandIn {},
    ConfirmHandIn {},
    BackToExam {},
    HandIn {},
    /// After the result: back to standby for the next candidate.
    Done {},
}

/// What a staff member does at a candidate's seat; each carries name and password, checked in Rust.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum SeatAction {
    ConfirmPerson {
        staff_id: String,
        password: String,
        id_document: bool,
        person: bool,
        ticket: bool,
        contraband_clear: bool,
    },
    /// 证件不符未入场.
    NotAdmitted {
        staff_id: String,
        password: String,
        reason: String,
    },
    /// Back to the picture.
    RetakePicture {},
    /// A recorded decision: go on without a camera (labelled pattern or no picture).
    WithoutPicture {
        staff_id: String,
        password: String,
        reason: String,
    },
    /// Resume a suspended seat after the code was typed and the proctor looked.
    LogIn { staff_id: String, password: String },
    /// The staff's corner of the standby screen; opens the log-in, or the desk where nothing is held yet.
    OpenDesk {},
}

/// What the desk does; only while a staff member is logged in, or nothing is held yet.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum DeskAction {
    Enrol {
        device_name: String,
    },
    /// Writes the request to a stick; the answer comes back by `CourierImport`.
    EnrolByStick {
        device_name: String,
        folder: String,
    },
    /// Names the hub at which this machine enrols, by the text of its QR code or its bare address.
    JoinHub {
        text: String,
    },
    /// Looks for a station's QR code with this machine's camera.
    ScanHub {},
    StopScan {},
    Tab {
        tab: DeskTab,
    },
    LogOut {},
    Pull {},
    /// Same objects from and to a folder.
    CourierImport {
        folder: String,
    },
    CourierExport {
        folder: String,
    },
    Select {
        sitting_no: String,
    },
    CheckEquipment {},
    SaveReport {
        folder: String,
    },
    /// Four groups of five symbols; with two persons, eight.
    Unlock {
        groups: Vec<String>,
        /// Who types the other half, where two persons have a code each.
        second: Option<SecondPerson>,
    },
    StampArrival {
        ticket_no: String,
    },
    /// Who never came is absent; who came and never sat down is recorded as that.
    MarkAbsent {
        ticket_no: String,
    },
    AllowPatternCamera {
        reason: String,
    },
    Start {},
    DecideOutage {
        ticket_no: String,
        outage_no: u32,
        #[ts(type = "number")]
        credit_ms: i64,
        reason: String,
    },
    CreditTime {
        ticket_no: String,
        minutes: u32,
        reason: String,
    },
    ForceHandIn {
        ticket_no: String,
        reason: String,
    },
    EndSitting {
        reason: String,
    },
    SyncNow {},
}
