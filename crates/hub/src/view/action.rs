//! What a person at the station may ask for. A second person gives name and password with the action that needs one.

use super::StationTab;
use super::room::SeatFilter;
use fengjuan_core::event::OutageCause;
pub use fengjuan_device::view::SecondPerson;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Who at the center agreed on the phone, when, and from which number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Phone {
    pub who: String,
    #[ts(type = "number")]
    pub when_ms: i64,
    pub number: String,
}

/// Whom a decision concerns.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(tag = "of", rename_all = "snake_case", deny_unknown_fields)]
pub enum ActionScope {
    Seat { seat_no: u32 },
    Class { class_no: String },
    Room {},
}

/// Every action of the station's page.
#[derive(Clone, Serialize, Deserialize, TS)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum StationAction {
    // This station.
    Enrol {
        hub_name: String,
    },
    /// Writes the request to a stick; the answer comes back by `CourierImport`.
    EnrolByStick {
        hub_name: String,
        folder: String,
    },
    LogIn {
        staff_id: String,
        password: String,
    },
    LogOut {},
    /// For somebody who is locked out, by another person, who says why. Nobody need be logged in.
    ReleaseLockout {
        staff_id: String,
        reason: String,
        second: SecondPerson,
    },
    Tab {
        tab: StationTab,
    },
    Select {
        sitting_no: String,
    },
    Filter {
        filter: SeatFilter,
    },
    OpenSeat {
        seat_no: Option<u32>,
    },
    AcknowledgeAlert {
        #[ts(type = "number")]
        alert_no: u64,
        note: String,
    },
    Pull {},
    CourierImport {
        folder: String,
    },
    CourierExport {
        folder: String,
    },
    CheckEquipment {},
    /// This station runs the room from now on. Two people, where it has never followed the one before.
    TakeOver {
        reason: String,
        second: Option<SecondPerson>,
    },

    // Machines and seats.
    ApproveDevice {
        device: String,
        /// None: it becomes a spare.
        seat_no: Option<u32>,
        second: SecondPerson,
    },
    /// A machine that asks is turned away.
    RefuseDevice {
        device: String,
        reason: String,
    },
    /// One that was turned away may ask again.
    LetAskAgain {
        device: String,
        reason: String,
    },
    /// Everybody who asks is forgotten; who is still there asks again.
    ForgetAsking {},
    /// An approved machine is not let in any more, for good.
    RevokeDevice {
        device: String,
        reason: String,
        second: SecondPerson,
    },
    PublishSeats {},
    OutOfUse {
        device: String,
        reason: String,
        second: SecondPerson,
    },
    BackInUse {
        device: String,
        reason: String,
        second: SecondPerson,
    },
    /// The machine may speak from the address that it was refused at last.
    AcceptAddress {
        device: String,
        reason: String,
    },
    /// A new equipment report of one machine.
    CheckMachine {
        device: String,
    },
    MoveNumber {
        seat_no: u32,
        device: String,
        reason: String,
    },

    // The sitting.
    /// `second`: who types the other half, where two persons have a code each.
    Unlock {
        groups: Vec<String>,
        second: Option<SecondPerson>,
    },
    Start {},
    Postpone {
        minutes: u32,
        reason: String,
        phone: Option<Phone>,
        second: Option<SecondPerson>,
    },
    End {
        class_no: Option<String>,
        forced: bool,
        reason: String,
    },
    Submit {},

    // One seat.
    /// Its machine had no papers when the sitting was started.
    StartSeat {
        seat_no: u32,
    },
    Arrive {
        ticket_no: String,
    },
    Confirm {
        ticket_no: String,
        id_document: bool,
        person: bool,
        ticket: bool,
        contraband_clear: bool,
    },
    NotAdmitted {
        ticket_no: String,
        reason: String,
    },
    LateEntry {
        ticket_no: String,
        reason: String,
        phone: Option<Phone>,
        second: SecondPerson,
    },
    Suspend {
        scope: ActionScope,
        reason: String,
    },
    Resume {
        scope: ActionScope,
        reason: String,
    },
    Credit {
        scope: ActionScope,
        minutes: u32,
        reason: String,
        phone: Option<Phone>,
        second: Option<SecondPerson>,
    },
    DecideOutage {
        seat_no: u32,
        outage_no: u32,
        #[ts(type = "number")]
        credit_ms: i64,
        /// What it was, as the proctor confirms or corrects it.
        cause: OutageCause,
        reason: String,
    },
    /// All outages of an alert about many, each with the time that it proposes.
    DecideOutages {
        #[ts(type = "number")]
        alert_no: u64,
        /// None: each keeps the cause that was found.
        cause: Option<OutageCause>,
        reason: String,
    },
    Swap {
        seat_no: u32,
        device: String,
        reason: String,
    },
    UndoSwap {
        seat_no: u32,
        reason: String,
        second: SecondPerson,
    },
    Remove {
        seat_no: u32,
        reason: String,
        second: SecondPerson,
    },
    ForceHandIn {
        seat_no: u32,
        reason: String,
    },
    Reopen {
        seat_no: u32,
        reason: String,
        phone: Option<Phone>,
        second: SecondPerson,
    },
    PatternCamera {
        reason: String,
    },
}
