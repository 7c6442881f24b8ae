//! The staff's screens on a terminal in direct mode: enrolment, papers, equipment check, code, sitting, records.

use fengjuan_core::event::OutageCause;
use fengjuan_core::plan::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EnrolState {
    NotAsked,
    Pending,
    Refused,
    Approved,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct LogInView {
    pub staff: Vec<super::candidate::StaffName>,
    /// Set while log-in is slowed after wrong passwords.
    #[ts(type = "number | null")]
    pub locked_until_ms: Option<i64>,
}

/// Everything about the desk; the page shows one tab of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct DeskView {
    pub tab: DeskTab,
    /// Who is logged in; `None` before any sitting is held (then only papers and equipment).
    pub user: Option<super::candidate::StaffName>,
    pub track: Vec<TrackStep>,
    /// The next step and what blocks it (`code` of the page's words).
    pub next_blocked_by: Option<super::Notice>,
    pub papers: PapersView,
    pub equipment: EquipmentView,
    pub unlock: UnlockView,
    pub sitting: Option<SittingView>,
    pub records: RecordsView,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DeskTab {
    Papers,
    Equipment,
    Unlock,
    Sitting,
    Records,
}

/// One step of the sitting's track: 拉取 检查 入场 输密码开卷 开考 进行中 结束 上报成绩.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TrackStep {
    pub step: Step,
    pub state: StepState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Pull,
    Check,
    Entry,
    Unlock,
    Start,
    Running,
    End,
    Submit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Done,
    Current,
    Ahead,
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct UnlockView {
    pub state: UnlockState,
    pub sitting_no: Option<String>,
    pub wrong_so_far: u32,
    /// No attempt is taken before this moment.
    #[ts(type = "number | null")]
    pub wait_until_ms: Option<i64>,
    #[ts(type = "number | null")]
    pub opens_ms: Option<i64>,
    pub two_person: bool,
    pub refused: Option<super::Refused>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum UnlockState {
    NothingHeld,
    TooEarly,
    Ready,
    Working,
    Unlocked,
    /// Open before the machine or program stopped; the code is needed again.
    NeededAgain,
    Over,
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

/// The sitting on this terminal: who is here, start, outages, end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SittingView {
    pub sitting_no: String,
    pub plan_name: String,
    #[ts(type = "number")]
    pub start_ms: i64,
    #[ts(type = "number")]
    pub late_limit_ms: i64,
    #[ts(type = "number")]
    pub latest_start_ms: i64,
    pub candidates: Vec<CandidateRow>,
    pub may_start: bool,
    pub start_blocked_by: Option<super::Notice>,
    pub outages: Vec<OutageRow>,
    pub may_end: bool,
    pub ended: bool,
    pub pattern_camera_allowed: bool,
    pub second_person: Vec<super::candidate::StaffName>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct CandidateRow {
    pub ticket_no: String,
    pub name: String,
    pub masked_id: String,
    pub seat_no: u32,
    pub class_name: String,
    pub state: SeatState,
    #[ts(type = "number | null")]
    pub arrival_ms: Option<i64>,
    pub answered: Option<u32>,
    #[ts(type = "number | null")]
    pub ends_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SeatState {
    Expected,
    Arrived,
    CheckedIn,
    Confirmed,
    Waiting,
    Answering,
    Suspended,
    HandedIn,
    Sealed,
    Receipted,
    Absent,
    /// Arrived, and never sat down at a machine.
    ArrivedNotSeated,
    NotAdmitted,
    LateRefused,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct OutageRow {
    pub outage_no: u32,
    pub ticket_no: String,
    pub candidate_name: String,
    pub cause: OutageCause,
    #[ts(type = "number")]
    pub from_ms: i64,
    #[ts(type = "number")]
    pub to_ms: i64,
    #[ts(type = "number")]
    pub proposed_ms: i64,
    #[ts(type = "number | null")]
    pub decided_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct RecordsView {
    pub objects: Vec<ObjectRow>,
    #[ts(type = "number")]
    pub ledger_size: u64,
    /// Entries covered by a checkpoint that the center cosigned.
    #[ts(type = "number")]
    pub witnessed_size: u64,
    #[ts(type = "number | null")]
    pub last_witnessed_ms: Option<i64>,
    pub exported_to: Option<String>,
    pub staff_roles: Vec<Role>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ObjectRow {
    pub kind: ObjectRowKind,
    pub short_hash: String,
    #[ts(type = "number")]
    pub bytes: u64,
    pub receipted: bool,
    /// Code of the last failed try.
    pub last_failure: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ObjectRowKind {
    Bundle,
    Picture,
    Report,
}
