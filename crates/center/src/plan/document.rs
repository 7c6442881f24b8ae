//! The plan file as written: TOML, every key named, nothing unknown accepted.

use fengjuan_core::plan::{
    AnswerRelease, AttemptType, ExamType, ItemType, PartialCredit, Role, ScoreRelease,
    SnapshotPolicy,
};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanDocument {
    /// 1.
    pub format: u32,
    /// `approved`, or the plan is refused.
    pub status: String,
    #[serde(default)]
    pub approved_by: String,
    pub plan: PlanKeys,
    #[serde(default)]
    pub staff: Vec<StaffKeys>,
    #[serde(default)]
    pub sitting: Vec<SittingKeys>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanKeys {
    pub plan_no: String,
    pub name: String,
    pub period_no: String,
    pub authority: String,
    pub site: String,
    pub site_name: String,
    pub qualification_type: String,
    #[serde(default)]
    pub work_category: String,
    #[serde(default)]
    pub operation_item: String,
    pub exam_type: ExamType,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaffKeys {
    pub id: String,
    pub name: String,
    pub role: Role,
    pub password: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SittingKeys {
    pub no: String,
    pub room_no: String,
    pub room_name: String,
    pub capacity: u32,
    /// RFC 3339 with its offset.
    pub start: String,
    #[serde(default = "thirty")]
    pub entry_opens_min: u32,
    #[serde(default = "fifteen")]
    pub late_limit_min: u32,
    #[serde(default)]
    pub earliest_leave_min: u32,
    #[serde(default = "thirty")]
    pub start_delay_limit_min: u32,
    pub score_release: ScoreRelease,
    pub answer_release: AnswerRelease,
    #[serde(default = "thirty")]
    pub outage_credit_cap_min: u32,
    #[serde(default)]
    pub pattern_camera_allowed: bool,
    #[serde(default)]
    pub two_person_code: bool,
    pub snapshots: SnapshotPolicy,
    pub makeup_of: Option<String>,
    /// The center returns the first attempt's results before this makeup starts.
    #[serde(default)]
    pub results_returned_before: bool,
    /// Staff of this sitting by id; everybody of the plan where it is absent.
    pub staff: Option<Vec<String>>,
    pub rules: Vec<String>,
    #[serde(default)]
    pub class: Vec<ClassKeys>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassKeys {
    pub no: String,
    pub name: String,
    pub subject: String,
    pub bank: String,
    pub attempt_type: AttemptType,
    #[serde(default = "one")]
    pub attempt_no: u32,
    pub minutes: u32,
    /// In points; halves are allowed.
    pub pass_mark: f64,
    #[serde(default)]
    pub part: Vec<PartKeys>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartKeys {
    #[serde(rename = "type")]
    pub item_type: ItemType,
    pub count: u32,
    /// In points; halves are allowed.
    pub points: f64,
    #[serde(default = "no_partial_credit")]
    pub partial_credit: PartialCredit,
    #[serde(default)]
    pub cases: bool,
    #[serde(default)]
    pub at_least: Vec<QuotaKeys>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaKeys {
    pub knowledge_point: String,
    pub count: u32,
}

fn one() -> u32 {
    1
}
fn fifteen() -> u32 {
    15
}
fn thirty() -> u32 {
    30
}
fn no_partial_credit() -> PartialCredit {
    PartialCredit::None
}
