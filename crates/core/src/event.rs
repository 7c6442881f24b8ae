//! The catalogue of events: one table gives the ledger, the auditor's view and the manual. An entry's header
//! carries the kind's name; its body is the deterministic CBOR of [`Event`]. Events that hold an answer or a
//! score are sealed under the attempt key ([`Event::sealed`]).

use crate::item::OptionSet;
use crate::plan::ExamMs;
use crate::room::alert::Alert;
use crate::room::command::{Authority, Command, PhoneApproval};
use crate::room::epoch::Followed;
use crate::room::lease::{CarryPoint, LeaseGiven};
use crate::room::rules::Deed;
use serde::{Deserialize, Serialize};

/// A 32-byte hash (SHA-256), as a CBOR byte string.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash32(pub [u8; 32]);

/// Which of the logs that the law names an entry belongs to (系统日志、应用日志、数据库日志), and the exam itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum EventClass {
    System = 0,
    Application = 1,
    Database = 2,
    Exam = 3,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum HandInKind {
    Own,
    TimeUp,
    Forced,
}

impl OutageCause {
    /// Stable name, for words.
    pub fn code(self) -> &'static str {
        match self {
            OutageCause::Power => "power",
            OutageCause::Crash => "crash",
            OutageCause::Suspend => "suspend",
            OutageCause::Storage => "storage",
            OutageCause::Clock => "clock",
            OutageCause::Lan => "lan",
            OutageCause::Device => "device",
            OutageCause::CandidateLeft => "candidate_left",
            OutageCause::Staff => "staff",
        }
    }
}

/// Why a seat stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum OutageCause {
    /// The machine rebooted: power cut or restart.
    Power,
    /// The program ended and came back without a reboot.
    Crash,
    /// The machine slept.
    Suspend,
    /// Storage refused a write.
    Storage,
    /// The clock cannot be trusted after a reboot without an upstream.
    Clock,
    /// The network was away; the candidate went on.
    Lan,
    /// A machine failed, and the candidate moved to another.
    Device,
    /// The candidate left the seat.
    CandidateLeft,
    /// A member of staff made the seat stand still.
    Staff,
}

/// Which camera picture an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum PictureUse {
    CheckIn,
    Snapshot,
}

/// How the page was found to be gone from the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageFault {
    /// It has not reported its first picture in time.
    NotPainted,
    /// The process that draws it has ended.
    ProcessEnded,
    /// It has stopped reporting pictures.
    NotAnswering,
}

/// What the program did about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageRemedy {
    /// The page was loaded again.
    Reload,
    /// The process that draws it was ended, and another one loads it.
    NewProcess,
    /// The window was closed and another one opened.
    NewWindow,
}

macro_rules! events {
    ($( $(#[$doc:meta])* $variant:ident = $kind:literal, $class:ident, $sealed:literal, $zh:literal, $en:literal { $( $(#[$attr:meta])* $field:ident : $ty:ty ),* $(,)? } )+) => {
        /// Everything that can be written into a ledger.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Event {
            $( $(#[$doc])* #[serde(rename = $kind)] $variant { $( $(#[$attr])* $field: $ty ),* }, )+
        }
        impl Event {
            /// The stable name in the entry's header.
            pub fn kind(&self) -> &'static str { match self { $( Event::$variant { .. } => $kind, )+ } }
            pub fn class(&self) -> EventClass { match self { $( Event::$variant { .. } => EventClass::$class, )+ } }
            /// True where the body is encrypted under the attempt key.
            pub fn sealed(&self) -> bool { match self { $( Event::$variant { .. } => $sealed, )+ } }
        }
        /// The catalogue: every kind with its class, whether it is sealed, and its titles.
        pub const CATALOGUE: &[EventKind] = &[
            $( EventKind { kind: $kind, class: EventClass::$class, sealed: $sealed, zh: $zh, en: $en }, )+
        ];
    };
}

/// One row of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventKind {
    pub kind: &'static str,
    pub class: EventClass,
    pub sealed: bool,
    pub zh: &'static str,
    pub en: &'static str,
}

/// Looks a kind up; `None` is red for a verifier.
pub fn event_kind(kind: &str) -> Option<&'static EventKind> {
    CATALOGUE.iter().find(|row| row.kind == kind)
}

events! {
    // System: what the program observes of its machine.
    Started = "system.started", System, false, "程序启动", "Program started" { version: String, sqlite: String, reboot: bool, last_tick_ms: Option<i64> }
    Stopped = "system.stopped", System, false, "程序正常退出", "Program stopped" {}
    WallClockJumped = "system.wall_clock_jumped", System, false, "系统时钟跳变", "Wall clock jumped" { by_ms: i64 }
    Suspended = "system.suspended", System, false, "机器曾休眠", "Machine slept" { for_ms: i64 }
    ExamClockAnchored = "system.exam_clock_anchored", System, false, "考试时钟校准", "Exam clock anchored" { offset_ms: i64, round_trip_ms: i64 }
    FocusLost = "system.focus_lost", System, false, "考试窗口失去焦点", "Exam window lost focus" {}
    FocusBack = "system.focus_back", System, false, "考试窗口恢复焦点", "Exam window has focus again" { after_ms: i64 }
    DisplaysChanged = "system.displays_changed", System, false, "显示器变化", "Displays changed" { count: u32 }
    PageLost = "system.page_lost", System, false, "界面丢失，自动恢复", "Page lost and restored" { fault: PageFault, remedy: PageRemedy, tries: u32 }
    PageBack = "system.page_back", System, false, "界面恢复", "Page is back" { after_ms: i64 }
    StorageFailed = "system.storage_failed", System, false, "存储写入失败", "Storage refused a write" { cause: String }
    StorageBack = "system.storage_back", System, false, "存储恢复", "Storage works again" { after_ms: i64 }

    // Application.
    Enrolled = "app.enrolled", Application, false, "设备登记获批准", "Device enrolled" { device: String, fingerprint: String }
    ObjectHeld = "app.object_held", Application, false, "试卷到位并核验", "Object held and verified" { what: String, hash: Hash32, bytes: u64 }
    PullFailed = "app.pull_failed", Application, false, "拉取失败", "Pull failed" { cause: String }
    EquipmentChecked = "app.equipment_checked", Application, false, "设备检查", "Equipment checked" { report: Hash32, passed: u32, warned: u32, failed: u32, unmeasured: u32 }
    LoggedIn = "app.logged_in", Application, false, "工作人员登录", "Staff member logged in" { staff_id: String }
    LoggedOut = "app.logged_out", Application, false, "工作人员退出登录", "Staff member logged out" { staff_id: String }
    IdleLocked = "app.idle_locked", Application, false, "无人操作，页面锁定", "Page locked, nobody acted" { staff_id: String }
    LogInFailed = "app.log_in_failed", Application, false, "登录失败", "Log-in failed" { staff_id: String, cause: String }
    LockoutReleased = "app.lockout_released", Application, false, "解除登录锁定", "Lockout released" { staff_id: String, by: String, reason: String }
    CodeRefused = "app.code_refused", Application, false, "授权密码被拒绝", "Authorization code refused" { sitting_no: String, cause: String, wrong_so_far: u32 }
    /// `second`: who typed the other half, where two persons have a code each.
    Unlocked = "app.unlocked", Application, false, "输密码开卷", "Papers unlocked" { sitting_no: String, version: u32, staff_id: String, #[serde(default, skip_serializing_if = "Option::is_none")] second: Option<String> }
    Receipted = "app.receipted", Application, false, "收到中心回执", "Center's receipt verified" { hash: Hash32, receipt: Hash32 }
    ReceiptedByHub = "app.receipted_by_hub", Application, false, "收到考场管理机回执", "Hub's receipt verified" { hash: Hash32, receipt: Hash32 }
    OrderReceived = "app.order_received", Application, false, "收到考试机构指令", "Order from the center" { order: Hash32, order_no: String }
    EpochObeyed = "app.epoch_obeyed", Application, false, "改由该考场管理机指挥", "Management station obeyed" { epoch: u64, station: Hash32 }
    CommandTaken = "app.command_taken", Application, false, "执行考场管理机指令", "Command taken" { epoch: u64, no: u64, #[serde(with = "crate::bytes")] command_id: [u8; 16], command: Hash32, refusal: Option<String> }
    SeedRevealed = "app.seed_revealed", Application, false, "公开抓拍种子", "Snapshot seed revealed" { sitting_no: String, seed: Hash32 }

    // Database.
    DatabaseOpened = "db.opened", Database, false, "数据库打开", "Database opened" { schema: u32, integrity: String, entries: u64 }
    DatabaseMigrated = "db.migrated", Database, false, "数据库升级", "Database migrated" { from: u32, to: u32, backup: String }
    ForkSeen = "db.fork_seen", Database, false, "发现记录分叉", "Fork seen" { at_seq: u64, mine: Hash32, theirs: Hash32 }

    // Exam.
    Arrived = "exam.arrived", Exam, false, "到场", "Arrived" { sitting_no: String, ticket_hash: Hash32, arrival_ms: ExamMs, staff_id: String }
    Identified = "exam.identified", Exam, false, "考生输入证号", "Candidate identified" { sitting_no: String, ticket_hash: Hash32, seat_no: u32 }
    PictureTaken = "exam.picture_taken", Exam, false, "拍照", "Picture taken" { usage: PictureUse, hash: Hash32, salted: Hash32, pattern: bool, due_ms: Option<ExamMs> }
    PictureFailed = "exam.picture_failed", Exam, false, "拍照失败", "Picture failed" { usage: PictureUse, cause: String, due_ms: Option<ExamMs>, attempts: u32 }
    PictureSkipped = "exam.picture_skipped", Exam, false, "免拍决定", "Check-in without a picture" { staff_id: String, reason: String }
    PatternCameraAllowed = "exam.pattern_camera_allowed", Exam, false, "允许使用演示图案代替摄像头", "Pattern camera allowed" { sitting_no: String, staff_id: String, reason: String }
    PersonConfirmed = "exam.person_confirmed", Exam, false, "人证核验通过", "Person confirmed" { staff_id: String, id_document: bool, person: bool, ticket: bool, contraband_clear: bool }
    NotAdmitted = "exam.not_admitted", Exam, false, "证件不符未入场", "Not admitted" { staff_id: String, reason: String }
    LateRefused = "exam.late_refused", Exam, false, "迟到不得入场", "Late, refused" { arrival_ms: ExamMs, limit_ms: ExamMs, staff_id: String }
    Absent = "exam.absent", Exam, false, "缺考", "Absent" { sitting_no: String, ticket_hash: Hash32 }
    ArrivedNotSeated = "exam.arrived_not_seated", Exam, false, "到场未入座", "Arrived, never sat down" { sitting_no: String, ticket_hash: Hash32, arrival_ms: ExamMs }
    RulesAgreed = "exam.rules_agreed", Exam, false, "已阅读并同意考场规则", "Rules agreed" {}
    TutorialDone = "exam.tutorial_done", Exam, false, "练习完成", "Tutorial done" { skipped: bool }
    SittingStarted = "exam.sitting_started", Exam, false, "宣布开考", "Exam started" { sitting_no: String, staff_id: String, planned_ms: ExamMs, started_ms: ExamMs }
    AttemptStarted = "exam.attempt_started", Exam, false, "开始作答", "Attempt started" { sitting_no: String, class_no: String, package: Hash32, paper: Hash32, started_ms: ExamMs, ends_ms: ExamMs }
    QuestionShown = "exam.question_shown", Exam, true, "显示题目", "Question shown" { position: u32 }
    AnswerSaved = "exam.answer_saved", Exam, true, "保存答案", "Answer saved" { position: u32, chosen: OptionSet, flagged: bool }
    OutageRecorded = "exam.outage_recorded", Exam, false, "中断记录", "Outage recorded" { outage_no: u32, cause: OutageCause, from_ms: ExamMs, to_ms: ExamMs, proposed_ms: i64 }
    OutageDecided = "exam.outage_decided", Exam, false, "中断处理决定", "Outage decided" { outage_no: u32, credit_ms: i64, #[serde(default)] cause: Option<OutageCause>, staff_id: String, reason: String }
    /// `order`: the center's. `decision`: the station's, where no order stands behind it; wherever the
    /// attempt goes on, that decision is known again by it.
    TimeCredited = "exam.time_credited", Exam, false, "补时", "Time credited" { credit_ms: i64, by: String, reason: String, order: Option<Hash32>, #[serde(default, skip_serializing_if = "Option::is_none")] decision: Option<Hash32> }
    Postponed = "exam.postponed", Exam, false, "整场顺延", "Sitting postponed" { sitting_no: String, by_ms: i64, order: Option<Hash32>, #[serde(default, skip_serializing_if = "Option::is_none")] decision: Option<Hash32> }
    HandedIn = "exam.handed_in", Exam, false, "交卷", "Handed in" { kind: HandInKind, answered: u32, unanswered: u32, at_ms: ExamMs, staff_id: Option<String>, reason: Option<String> }
    SuspendedByStaff = "exam.suspended", Exam, false, "监考暂停作答", "Suspended by staff" { staff_id: String, reason: String }
    ResumedByStaff = "exam.resumed", Exam, false, "监考恢复作答", "Resumed by staff" { staff_id: String }
    Removed = "exam.removed", Exam, false, "责令离场", "Told to leave" { staff_id: String, second: String, reason: String, answered: u32, unanswered: u32, at_ms: ExamMs }
    Reopened = "exam.reopened", Exam, false, "恢复误交卷", "Hand-in reopened" { staff_id: String, second: String, reason: String, order: Option<Hash32> }
    LateEntryAllowed = "exam.late_entry_allowed", Exam, false, "准许迟到入场", "Late entry allowed" { sitting_no: String, ticket_hash: Hash32, staff_id: String, order: Option<Hash32> }
    LeaseTaken = "exam.lease_taken", Exam, false, "在本机继续作答", "Attempt goes on here" { #[serde(with = "crate::bytes")] attempt: [u8; 16], lease: u64, carry: Vec<CarryPoint> }
    Fenced = "exam.fenced", Exam, false, "本机停止该作答", "Attempt is read-only here" { #[serde(with = "crate::bytes")] attempt: [u8; 16], lease: u64, holder: Hash32 }
    SiteGraded = "exam.site_graded", Exam, true, "考试点评分", "Graded at the site" { half_points: u32, passed: bool }
    BundleSealed = "exam.bundle_sealed", Exam, false, "答卷密封", "Bundle sealed" { bundle_no: u32, hash: Hash32 }
    SittingEnded = "exam.sitting_ended", Exam, false, "结束考试", "Sitting ended" { sitting_no: String, staff_id: String, #[serde(default)] reason: String }

    // The room, in the ledger of its management station.
    EpochRaised = "room.epoch_raised", Application, false, "本机接管考场", "This station runs the room" { epoch: u64, station: Hash32, staff_id: String, reason: String, followed: Option<Followed> }
    StoodDown = "room.stood_down", Application, false, "改由另一考场管理机指挥", "Another station runs the room" { epoch: u64, station: Option<Hash32> }
    MachineListed = "room.machine_listed", Application, false, "考试机列入考场", "Machine listed" { device: Hash32, name: String, spare: bool, #[serde(default, skip_serializing_if = "String::is_empty")] second: String }
    MachineRefused = "room.machine_refused", Application, false, "拒绝考试机加入", "Machine turned away" { device: Hash32, name: String, staff_id: String, reason: String }
    MachineMayAskAgain = "room.machine_may_ask_again", Application, false, "允许考试机再次请求加入", "Machine may ask again" { device: Hash32, name: String, staff_id: String, reason: String }
    AskingForgotten = "room.asking_forgotten", Application, false, "清除加入请求", "Requests to join cleared" { machines: u32, staff_id: String }
    MachineRevoked = "room.machine_revoked", Exam, false, "考试机移出白名单", "Machine taken off the list" { device: Hash32, staff_id: String, second: String, reason: String }
    MachineOutOfUse = "room.machine_out_of_use", Exam, false, "考试机停用", "Machine put out of use" { device: Hash32, staff_id: String, second: String, reason: String }
    MachineMoved = "room.machine_moved", Exam, false, "考试机地址变更", "Machine speaks from another address" { device: Hash32, address: String, staff_id: String, reason: String }
    MachineBackInUse = "room.machine_back_in_use", Exam, false, "考试机恢复使用", "Machine back in use" { device: Hash32, staff_id: String, second: String, reason: String }
    SeatAssigned = "room.seat_assigned", Exam, false, "考位号对应考试机", "Seat number given to a machine" { seat_no: u32, device: Option<Hash32>, staff_id: String, reason: String }
    SeatDealt = "room.seat_dealt", Exam, false, "考生考位", "Candidate's seat" { sitting_no: String, ticket_hash: Hash32, seat_no: u32 }
    SeatsPublished = "room.seats_published", Exam, false, "考位公布锁定", "Seats published" { sitting_no: String, staff_id: String }
    SittingHeld = "room.sitting_held", Application, false, "场次试卷到位", "Sitting held" { sitting_no: String, version: u32 }
    CommandIssued = "room.command_issued", Exam, false, "发出指令", "Command issued" { device: Hash32, epoch: u64, no: u64, command: Box<Command> }
    CommandAcknowledged = "room.command_acknowledged", Exam, false, "指令已执行或被拒", "Command acknowledged" { device: Hash32, epoch: u64, no: u64, refusal: Option<String> }
    LeaseGiven = "room.lease_given", Exam, false, "作答归属考试机", "Attempt given to a machine" { given: LeaseGiven }
    RoomStarted = "room.started", Exam, false, "宣布全场开考", "Room started" { sitting_no: String, planned_ms: ExamMs, at_ms: ExamMs, staff_id: String }
    RoomPostponed = "room.postponed", Exam, false, "全场顺延", "Room postponed" { sitting_no: String, by_ms: i64, authority: Authority, staff_id: String, second: Option<String>, reason: String }
    RoomEnded = "room.ended", Exam, false, "宣布结束考试", "Room ended" { sitting_no: String, class_no: Option<String>, forced: bool, staff_id: String, reason: String }
    SittingSubmitted = "room.sitting_submitted", Application, false, "场次成绩全部上报", "Sitting submitted" { sitting_no: String }
    OrderAwaited = "room.order_awaited", Exam, false, "待考试机构指令", "Waits for the center's order" { awaited_no: u64, deed: Deed, concern: String, phone: Option<PhoneApproval>, staff_id: String, second: Option<String>, reason: String }
    OrderMatched = "room.order_matched", Exam, false, "指令已补到", "Order has arrived" { awaited_no: u64, order: Hash32 }
    OutageProposed = "room.outage_proposed", Exam, false, "失联结束及推定原因", "Silence over, likely cause" { device: Hash32, cause: OutageCause, from_ms: ExamMs, to_ms: ExamMs }
    AlertRaised = "room.alert_raised", Application, false, "告警", "Alert raised" { alert_no: u64, alert: Alert }
    AlertChanged = "room.alert_changed", Application, false, "告警更新", "Alert changed" { alert_no: u64, alert: Alert }
    AlertOver = "room.alert_over", Application, false, "告警解除", "Alert over" { alert_no: u64 }
    AlertAcknowledged = "room.alert_acknowledged", Exam, false, "告警已处理", "Alert acknowledged" { alert_no: u64, staff_id: String, note: String }
}

impl Hash32 {
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
    pub fn from_hex(text: &str) -> Option<Hash32> {
        let bytes = text.as_bytes();
        if bytes.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut out = [0u8; 32];
        for (slot, pair) in out.iter_mut().zip(bytes.chunks(2)) {
            *slot = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Hash32(out))
    }
}

impl std::fmt::Debug for Hash32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.hex())
    }
}

impl Serialize for Hash32 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hash32 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Hash32, D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = Hash32;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("32 bytes")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Hash32, E> {
                let array = bytes
                    .try_into()
                    .map_err(|_| E::invalid_length(bytes.len(), &self))?;
                Ok(Hash32(array))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}
