//! A sitting of the size that candidates really sit: one hundred questions, at a real center.

use crate::center::{Center, SITE, password_verifier};
use crate::plan::{self, ELECTRICIANS, PASSWORD, PROCTOR, STAFF, Seated};
use crate::process::root;
use std::path::{Path, PathBuf};

pub(super) const SITTING: &str = "S-BENCH";
const BANK: &str = "BENCH";

/// The questions that papers are drawn from.
pub struct Bank {
    pub file: PathBuf,
    pub pictures: PathBuf,
    /// How many of which type make a paper.
    pub parts: Vec<(&'static str, u32)>,
}

impl Bank {
    /// The fixtures' own bank of low-voltage work.
    pub fn low_voltage() -> Bank {
        let folder = root().join("fixtures/bank");
        Bank {
            file: folder.join("low-voltage.csv"),
            pictures: folder.join("pictures"),
            parts: vec![
                ("true_false", 60),
                ("single_choice", 30),
                ("multiple_choice", 10),
            ],
        }
    }
}

/// A center that has issued the sitting, and serves.
pub struct Exam {
    pub center: Center,
    pub candidate: Seated,
}

impl Exam {
    /// Everything that the center does before the day. The sitting's start is now.
    pub fn issue(folder: &Path, bank: &Bank) -> anyhow::Result<Exam> {
        std::fs::create_dir_all(folder)?;
        let mut center = Center::new(folder)?;
        let candidate = issue_at(&center, folder, bank)?;
        center.serve()?;
        Ok(Exam { center, candidate })
    }

    /// The authorization code in its four groups.
    pub fn code(&self) -> anyhow::Result<Vec<String>> {
        self.center.release(SITTING)
    }
}

/// Bank, plan and roster come to a center, which issues the sitting. Gives its only candidate.
pub(super) fn issue_at(center: &Center, folder: &Path, bank: &Bank) -> anyhow::Result<Seated> {
    let path = |path: &Path| path.display().to_string();
    center.run(&[
        "bank",
        "import",
        &path(&bank.file),
        "--bank",
        BANK,
        "--pictures",
        &path(&bank.pictures),
    ])?;
    let plan = folder.join("plan.toml");
    std::fs::write(&plan, plan_of(bank)?)?;
    let mut candidate = plan::four_candidates().swap_remove(0);
    candidate.text_size = "";
    let (roster, photos) = plan::write_roster(folder, std::slice::from_ref(&candidate))?;
    center.run(&[
        "plan",
        "import",
        &path(&plan),
        "--roster",
        &path(&roster),
        "--photos",
        &path(&photos),
    ])?;
    center.run(&["issue", SITTING])?;
    Ok(candidate)
}

fn plan_of(bank: &Bank) -> anyhow::Result<String> {
    let verifier = password_verifier(PASSWORD)?;
    let start = chrono::Local::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, false);
    let mut plan = format!(
        r#"format = 1
status = "approved"
approved_by = "济宁市安全生产考试中心 李明"

[plan]
plan_no = "JN-2026-0900"
name = "2026年济宁市安全生产考试中心低压电工作业初领第90期"
period_no = "2026-90"
authority = "济宁市应急管理局"
site = "{SITE}"
site_name = "济宁市第一考试点"
qualification_type = "特种作业人员"
work_category = "电工作业"
operation_item = "低压电工作业"
exam_type = "initial"

[[staff]]
id = "{PROCTOR}"
name = "张海燕"
role = "proctor"
password = "{verifier}"

[[staff]]
id = "{STAFF}"
name = "周国华"
role = "exam_staff"
password = "{verifier}"

[[sitting]]
no = "{SITTING}"
room_no = "2"
room_name = "第2考场"
capacity = 60
start = "{start}"
entry_opens_min = 30
late_limit_min = 15
earliest_leave_min = 0
start_delay_limit_min = 30
score_release = "at_hand_in"
answer_release = "on_site"
pattern_camera_allowed = true
snapshots = {{ mean_interval_s = 300, least_gap_s = 60 }}
rules = ["携带身份证件和准考证，按考位号就座。"]

[[sitting.class]]
no = "A"
name = "{ELECTRICIANS}"
subject = "低压电工作业"
bank = "{BANK}"
attempt_type = "first_attempt"
minutes = 120
pass_mark = 80.0
"#
    );
    for (item_type, count) in &bank.parts {
        plan += &format!(
            "\n[[sitting.class.part]]\ntype = \"{item_type}\"\ncount = {count}\npoints = 1.0\n"
        );
    }
    Ok(plan)
}
