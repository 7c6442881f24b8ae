//! The staff's screens on a terminal in direct mode: enrolment, papers, equipment check, code, sitting, records.

use fengjuan_core::event::OutageCause;
use fengjuan_core::plan::Role;
pub use fengjuan_device::view::{
    Check, CheckRow, CodeGroupState, CodeGroupView, EnrolState, EnrolView, EquipmentView, HeardHub,
    HeldClass, HeldSitting, HeldState, JoinView, LogInView, PapersView, PullState, ScanView,
    SpellingView, Verdict,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
    /// Who may type the other half.
    pub second_person: Vec<super::candidate::StaffName>,
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
