//! The parts of a screen that every machine of a site shows: enrolment, papers, equipment check, the code, the clock.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct EnrolView {
    pub center_name: String,
    pub center_url: String,
    pub device_name: String,
    /// Four Crockford groups, compared by two people on two screens.
    pub fingerprint: String,
    pub state: EnrolState,
    /// Code of the last failure, e.g. `upstream.unreachable`.
    pub failure: Option<String>,
    /// The way by stick: folders that look like a courier's, and how the last reading of one went.
    pub courier_folders: Vec<String>,
    pub courier: PullState,
    /// Where the request was written last.
    pub written_to: Option<String>,
    /// At which hub a terminal enrols; none at a station.
    pub join: Option<JoinView>,
}

/// The hub that stands between a terminal and the center.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct JoinView {
    /// Address of the one that the kit or a person named; none: the center itself.
    pub named: Option<String>,
    /// Hubs of this site that are heard on the local network. Nothing of them is trusted.
    pub heard: Vec<HeardHub>,
    /// Whether the camera looks for the QR code on a station's page.
    pub scan: ScanView,
    /// One was named just now: the program begins anew.
    pub restarting: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ScanView {
    Off {},
    Looking {
        /// `paper://localhost/scan?r=…`: what the camera sees. No picture outlives the search.
        picture_url: Option<String>,
        /// Code of why what was held up last is no station's code.
        notice: Option<String>,
    },
    /// To be confirmed by a person.
    Found {
        /// As the code says it.
        text: String,
        url: String,
        /// Four Crockford groups, as on the station's own screen.
        fingerprint: String,
    },
    Ended {
        code: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct HeardHub {
    pub hub_name: String,
    /// Four Crockford groups, as on the hub's own screen.
    pub fingerprint: String,
    pub url: String,
    /// As its QR code would say it.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EnrolState {
    NotAsked,
    /// The request lies on a stick.
    Carried,
    Pending,
    Refused,
    Approved,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct LogInView {
    pub staff: Vec<StaffName>,
    /// Set while log-in is slowed after wrong passwords.
    #[ts(type = "number | null")]
    pub locked_until_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PapersView {
    pub held: Vec<HeldSitting>,
    pub pull: PullState,
    /// Folders that look like a courier stick (for import and export).
    pub courier_folders: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct HeldSitting {
    pub sitting_no: String,
    pub version: u32,
    pub plan_name: String,
    pub room_name: String,
    #[ts(type = "number")]
    pub start_ms: i64,
    pub classes: Vec<HeldClass>,
    /// Whether this device can open it once the code is typed.
    pub granted: bool,
    pub superseded: bool,
    /// True for the sitting that the desk and the standby screen work on.
    pub selected: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct HeldClass {
    pub class_no: String,
    pub name: String,
    pub subject: String,
    pub minutes: u32,
    pub candidates: u32,
    #[ts(type = "number")]
    pub bytes: u64,
    pub state: HeldState,
    /// When signature and hashes were verified.
    #[ts(type = "number | null")]
    pub verified_ms: Option<i64>,
    /// First 16 hex digits of the package's hash, in groups.
    pub short_hash: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum HeldState {
    Announced,
    Pulling,
    Held,
    Damaged,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PullState {
    Idle {},
    Running {
        what: String,
        #[ts(type = "number")]
        done_bytes: u64,
        #[ts(type = "number")]
        total_bytes: u64,
    },
    Done {
        #[ts(type = "number")]
        at_ms: i64,
    },
    Failed {
        code: String,
        args: BTreeMap<String, String>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct EquipmentView {
    pub running: bool,
    pub checked_ms: Option<String>,
    /// The machine has started anew since that check.
    pub before_reboot: bool,
    pub rows: Vec<CheckRow>,
    /// Where the signed report was saved, if it was.
    pub saved_to: Option<String>,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct CheckRow {
    pub check: Check,
    pub verdict: Verdict,
    /// Measured value, or why it was not measured: `code?name=value&name=value`, form-encoded, such as
    /// `check.disk_space.value?gib=212`; a text that is no code of the page is shown as it is. So is `limit`.
    pub value: String,
    pub limit: String,
    /// Code of the advice; `None` when it passed.
    pub advice: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    Camera,
    DiskSpace,
    DurableWrite,
    RebootSurvival,
    Swap,
    CoreDumps,
    ClockOffset,
    CenterReachable,
    InternetUnreachable,
    Displays,
    InputDevices,
    Memory,
    Power,
    Database,
    Packages,
    TimeSinceBoot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Running,
    Pass,
    Warn,
    Fail,
    /// Cannot be measured on this machine; never a pass.
    NotMeasured,
}

/// What a group of the code looks like while it is typed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct CodeGroupView {
    pub state: CodeGroupState,
    /// Normalised symbols.
    pub symbols: String,
    /// One spelling word a symbol, Chinese and English.
    pub spelling: Vec<SpellingView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SpellingView {
    pub symbol: String,
    pub zh: String,
    pub en: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CodeGroupState {
    Incomplete,
    Valid,
    Invalid,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StaffName {
    pub staff_id: String,
    pub name: String,
    pub role: fengjuan_core::plan::Role,
}

/// The second person of an action, with their own password.
#[derive(Clone, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SecondPerson {
    pub staff_id: String,
    pub password: String,
}
