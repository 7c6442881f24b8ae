//! The exam plan (考试计划) and its sittings (考场场次): what the center orders and the site may not change.

use crate::roster::Accommodation;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Milliseconds since the Unix epoch on the exam clock (UTC).
pub type ExamMs = i64;

/// The facts of the plan that appear on screens and forms (fields of 表5/表6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFacts {
    pub plan_no: String,
    /// 年份+考试中心+资格类型（或作业类别+操作项目）+初复训+期次.
    pub name: String,
    pub period_no: String,
    pub center: String,
    pub authority: String,
    pub site: String,
    pub site_name: String,
    pub qualification_type: String,
    pub work_category: String,
    pub operation_item: String,
    pub exam_type: ExamType,
}

/// 初领 / 复审 / 换证.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ExamType {
    Initial,
    Review,
    Renewal,
}

/// 正考 / 补考.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AttemptType {
    FirstAttempt,
    Makeup,
}

/// A room and a start time, with the class groups that start together. This is the signed document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sitting {
    pub sitting_no: String,
    /// A re-issue carries a higher version and supersedes the lower ones.
    pub version: u32,
    pub plan: PlanFacts,
    pub room_no: String,
    pub room_name: String,
    pub capacity: u32,
    pub start_ms: ExamMs,
    pub entry: EntryRules,
    pub class_groups: Vec<ClassGroup>,
    pub score_release: ScoreRelease,
    pub answer_release: AnswerRelease,
    pub snapshots: SnapshotPolicy,
    /// Most minutes that one outage may propose as a credit (30 where the plan is silent).
    pub outage_credit_cap_min: u32,
    /// A machine without a camera may use the labelled pattern source.
    pub pattern_camera_allowed: bool,
    /// Two codes are concatenated before the KDF.
    pub two_person_code: bool,
    pub staff: Vec<Staff>,
    /// The sitting whose failed candidates sit this makeup, where it is one.
    pub makeup_of: Option<String>,
    /// Rules that the candidate reads and agrees to, one paragraph each.
    pub rules_text: Vec<String>,
}

/// When people may come in, start and leave. All three are plan data: provinces differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryRules {
    /// Entry opens this many minutes before the start (30).
    pub opens_before_min: u32,
    /// No entry later than this many minutes after the start (15), judged by the arrival stamp.
    pub late_limit_min: u32,
    /// Nobody leaves earlier than this many minutes after the start (0 or 30).
    pub earliest_leave_min: u32,
    /// A terminal may be started this many minutes after the planned start at the latest; it moves its end.
    pub start_delay_limit_min: u32,
}

/// 班级: its own subject, attempt type, minutes, blueprint and package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassGroup {
    pub class_no: String,
    pub name: String,
    pub subject: String,
    pub attempt_type: AttemptType,
    pub attempt_no: u32,
    pub minutes: u32,
    pub blueprint: Blueprint,
}

/// 组卷规则: how many items of which type, what they earn, and what passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blueprint {
    /// In the order in which the parts appear on the paper.
    pub parts: Vec<BlueprintPart>,
    /// In half points: 80 points are 160.
    pub pass_mark_half_points: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlueprintPart {
    pub item_type: ItemType,
    pub count: u32,
    /// What one item of this part earns, in half points (1 point is 2).
    pub half_points_each: u32,
    pub partial_credit: PartialCredit,
    /// Items that belong to a case; then whole cases are drawn until `count` items are reached exactly.
    pub cases: bool,
    /// Optional: at least this many from a knowledge point.
    pub at_least: Vec<KnowledgeQuota>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnowledgeQuota {
    pub knowledge_point: String,
    pub count: u32,
}

/// What an incomplete multiple-choice answer earns. A wrong option always earns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartialCredit {
    None,
    /// Some right options and no wrong one earn half.
    HalfIfSubset,
    /// Each right option earns the item's value divided by the number of right ones, rounded down to half points.
    PerRightOption,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ItemType {
    TrueFalse,
    SingleChoice,
    MultipleChoice,
}

/// When a candidate may see a score at the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ScoreRelease {
    Never,
    AtHandIn,
    AtSittingEnd,
}

/// Where the answer section may be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerRelease {
    /// The site never holds the key of the answer section.
    AtCenter,
    /// The key comes with the code and is used inside grading, after hand-in.
    OnSite,
}

/// How many pictures are taken at random moments of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotPolicy {
    /// Mean distance between snapshots in seconds; 0 means none.
    pub mean_interval_s: u32,
    /// Two snapshots are never closer than this.
    pub least_gap_s: u32,
}

/// A person whom the plan names; only they may act in the sitting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staff {
    pub staff_id: String,
    pub name: String,
    pub role: Role,
    /// Argon2id PHC string; never the password.
    pub password_verifier: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Proctor,
    ExamStaff,
    SystemAdministrator,
    SiteHead,
    Auditor,
    Inspector,
}

impl Role {
    /// May type the code, start, credit and end.
    pub fn may_proctor(self) -> bool {
        matches!(self, Role::Proctor)
    }
    /// May confirm a candidate's ID, person and ticket at the terminal.
    pub fn may_confirm(self) -> bool {
        matches!(self, Role::Proctor | Role::ExamStaff)
    }
    /// May countersign an override that needs a second person.
    pub fn may_co_approve(self) -> bool {
        matches!(self, Role::Proctor | Role::SiteHead)
    }
}

impl Sitting {
    pub fn entry_opens_ms(&self) -> ExamMs {
        self.start_ms - i64::from(self.entry.opens_before_min) * 60_000
    }
    pub fn class_group(&self, class_no: &str) -> Option<&ClassGroup> {
        self.class_groups.iter().find(|g| g.class_no == class_no)
    }
    pub fn staff_member(&self, staff_id: &str) -> Option<&Staff> {
        self.staff.iter().find(|s| s.staff_id == staff_id)
    }
    /// The latest planned end over all class groups, without accommodations or credits.
    pub fn last_end_ms(&self) -> ExamMs {
        let minutes = self
            .class_groups
            .iter()
            .map(|g| g.minutes)
            .max()
            .unwrap_or(0);
        self.start_ms + i64::from(minutes) * 60_000
    }
}

impl ClassGroup {
    /// Minutes that one candidate has, with the extra minutes that the center approved.
    pub fn minutes_for(&self, accommodation: &Accommodation) -> u32 {
        self.minutes + accommodation.extra_minutes
    }
    pub fn item_count(&self) -> u32 {
        self.blueprint.parts.iter().map(|p| p.count).sum()
    }
    pub fn full_half_points(&self) -> u32 {
        self.blueprint
            .parts
            .iter()
            .map(|p| p.count * p.half_points_each)
            .sum()
    }
}

impl ItemType {
    pub fn zh(self) -> &'static str {
        match self {
            ItemType::TrueFalse => "判断",
            ItemType::SingleChoice => "单选",
            ItemType::MultipleChoice => "多选",
        }
    }
}
