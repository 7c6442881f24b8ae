//! Plans, rosters and banks of the journeys: the fixtures' items, a handful of candidates, a start in a minute or two.

use crate::process::root;
use crate::steps::Skill;
use anyhow::{Context, bail};
use rust_xlsxwriter::Workbook;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Password of every staff member in the journeys' plans.
pub const PASSWORD: &str = "jianKao-2026";
pub const SITTING: &str = "S20261120AM";
pub const PROCTOR: &str = "P001";
pub const STAFF: &str = "S001";

/// A candidate of a journey.
#[derive(Clone, Debug)]
pub struct Seated {
    pub name: &'static str,
    pub sex: &'static str,
    pub ticket_no: String,
    pub id_no: String,
    pub seat_no: u32,
    pub class_name: &'static str,
    pub text_size: &'static str,
}

pub const ELECTRICIANS: &str = "低压电工初领1班";
pub const MANAGERS: &str = "安全管理人员1班";

/// The four people of the demonstration day.
pub fn four_candidates() -> Vec<Seated> {
    [
        ("王建国", "男", 1, ELECTRICIANS, "大字"),
        ("李秀兰", "女", 2, MANAGERS, ""),
        ("赵志刚", "男", 3, ELECTRICIANS, ""),
        ("孙桂英", "女", 4, MANAGERS, ""),
    ]
    .map(|(name, sex, seat_no, class_name, text_size)| Seated {
        name,
        sex,
        ticket_no: format!("370826112001{seat_no:04}"),
        id_no: id_number(seat_no),
        seat_no,
        class_name,
        text_size,
    })
    .to_vec()
}

/// An ID number of a region that does not exist, with the right check digit (GB 11643).
pub fn id_number(serial: u32) -> String {
    let body = format!("99010119700101{:03}", serial * 2 + 1);
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = body
        .chars()
        .zip(weights)
        .map(|(digit, weight)| digit.to_digit(10).unwrap_or(0) * weight)
        .sum();
    let check = ["1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"][(sum % 11) as usize];
    format!("{body}{check}")
}

/// Writes a roster workbook beside the fixtures' portraits; returns the workbook and the photo folder.
pub fn write_roster(folder: &Path, candidates: &[Seated]) -> anyhow::Result<(PathBuf, PathBuf)> {
    let header = [
        "姓名",
        "性别",
        "证件类型",
        "证件号码",
        "准考证号",
        "考位号",
        "班级",
        "单位",
        "培训机构",
        "缴费状态",
        "照片",
        "便利措施_字号",
        "便利措施_加时分钟",
        "免试",
    ];
    let photos = root().join("fixtures/roster/photos");
    let mut files: Vec<String> = std::fs::read_dir(&photos)?
        .map(|file| Ok(file?.file_name().to_string_lossy().into_owned()))
        .collect::<anyhow::Result<_>>()?;
    files.sort();
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, title) in (0..).zip(header) {
        sheet.write(0, column, title)?;
    }
    for (row, person) in (1..).zip(candidates) {
        let photo = &files[person.seat_no as usize % files.len()];
        let words = [
            person.name,
            person.sex,
            "身份证",
            &person.id_no,
            &person.ticket_no,
            "",
            person.class_name,
            "济宁某机械公司",
            "济宁安全培训中心",
            "已缴费",
            photo,
            person.text_size,
            "",
            "",
        ];
        for (column, word) in (0..).zip(words) {
            sheet.write(row, column, word)?;
        }
        sheet.write(row, 5, person.seat_no)?;
    }
    let path = folder.join("roster.xlsx");
    workbook.save(&path)?;
    Ok((path, photos))
}

/// A sitting of a journey: when, how long, and how strict.
pub struct Terms {
    pub sitting_no: &'static str,
    pub start: chrono::DateTime<chrono::Local>,
    /// Minutes of the electricians and of the managers.
    pub minutes: (u32, u32),
    /// No entry later than this many minutes after the start.
    pub late_limit_min: u32,
    /// Mean distance of snapshots in seconds.
    pub snapshots_s: u32,
    pub answer_release: &'static str,
    pub score_release: &'static str,
    /// A machine without a camera may use the labelled pattern.
    pub pattern_camera: bool,
}

impl Terms {
    /// Starts in this many seconds, with time enough that nobody is handed in by the clock.
    pub fn soon(seconds: i64) -> Terms {
        Terms {
            sitting_no: SITTING,
            start: chrono::Local::now() + chrono::Duration::seconds(seconds),
            minutes: (30, 30),
            late_limit_min: 15,
            snapshots_s: 3,
            answer_release: "on_site",
            score_release: "at_hand_in",
            pattern_camera: true,
        }
    }
}

/// Writes the plan of a journey: two class groups of small papers from the fixtures' banks.
pub fn write_plan(folder: &Path, terms: &Terms) -> anyhow::Result<PathBuf> {
    let verifier = crate::center::password_verifier(PASSWORD)?;
    let mut plan = String::from(
        "format = 1\nstatus = \"approved\"\napproved_by = \"济宁市安全生产考试中心 李明\"\n",
    );
    plan += r#"
[plan]
plan_no = "JN-2026-0118"
name = "2026年济宁市安全生产考试中心低压电工作业初领第11期"
period_no = "2026-11"
authority = "济宁市应急管理局"
site = "S01"
site_name = "济宁市第一考试点"
qualification_type = "特种作业人员"
work_category = "电工作业"
operation_item = "低压电工作业"
exam_type = "initial"
"#;
    for (id, name, role) in [
        (PROCTOR, "张海燕", "proctor"),
        ("P002", "刘志强", "proctor"),
        (STAFF, "周国华", "exam_staff"),
        ("H001", "陈立新", "site_head"),
    ] {
        plan += &format!(
            "\n[[staff]]\nid = \"{id}\"\nname = \"{name}\"\nrole = \"{role}\"\npassword = \"{verifier}\"\n"
        );
    }
    plan += &format!(
        r#"
[[sitting]]
no = "{no}"
room_no = "2"
room_name = "第2考场"
capacity = 60
start = "{start}"
entry_opens_min = 30
late_limit_min = {late}
earliest_leave_min = 0
start_delay_limit_min = 30
score_release = "{score}"
answer_release = "{answers}"
pattern_camera_allowed = {pattern}
snapshots = {{ mean_interval_s = {mean}, least_gap_s = {gap} }}
rules = [
  "携带身份证件和准考证，按考位号就座。",
  "手机等通讯工具和学习资料放到指定位置，不得带到考位。",
  "考试中不得交头接耳、左顾右盼；有问题请举手。",
  "答完后点“检查并交卷”，交卷后到候考室等候成绩和签字。",
]
"#,
        no = terms.sitting_no,
        late = terms.late_limit_min,
        start = terms
            .start
            .to_rfc3339_opts(chrono::SecondsFormat::Secs, false),
        score = terms.score_release,
        pattern = terms.pattern_camera,
        answers = terms.answer_release,
        mean = terms.snapshots_s,
        gap = (terms.snapshots_s / 3).max(1),
    );
    let classes = [
        (
            "A",
            ELECTRICIANS,
            "低压电工作业",
            "LV",
            terms.minutes.0,
            10,
            [
                ("true_false", 8, 1),
                ("single_choice", 4, 1),
                ("multiple_choice", 2, 2),
            ],
        ),
        (
            "B",
            MANAGERS,
            "安全生产管理知识",
            "SM",
            terms.minutes.1,
            9,
            [
                ("true_false", 6, 1),
                ("single_choice", 3, 1),
                ("multiple_choice", 2, 2),
            ],
        ),
    ];
    for (no, name, subject, bank, minutes, pass, parts) in classes {
        plan += &format!(
            "\n[[sitting.class]]\nno = \"{no}\"\nname = \"{name}\"\nsubject = \"{subject}\"\nbank = \"{bank}\"\nattempt_type = \"first_attempt\"\nminutes = {minutes}\npass_mark = {pass}.0\n"
        );
        for (item_type, count, points) in parts {
            let partial = if item_type == "multiple_choice" {
                "partial_credit = \"half_if_subset\"\n"
            } else {
                ""
            };
            plan += &format!(
                "\n[[sitting.class.part]]\ntype = \"{item_type}\"\ncount = {count}\npoints = {points}.0\n{partial}"
            );
        }
    }
    let path = folder.join(format!("plan-{}.toml", terms.sitting_no));
    std::fs::write(&path, plan)?;
    Ok(path)
}

/// Imports the fixtures' banks, this plan and this roster into a center, and issues the sitting.
pub fn prepare(
    center: &crate::center::Center,
    folder: &Path,
    terms: &Terms,
    people: &[Seated],
) -> anyhow::Result<()> {
    let banks = root().join("fixtures/bank");
    prepare_with(
        center,
        folder,
        terms,
        people,
        &banks.join("low-voltage.xlsx"),
        &banks.join("pictures"),
    )
}

/// The same with another bank for the electricians.
pub fn prepare_with(
    center: &crate::center::Center,
    folder: &Path,
    terms: &Terms,
    people: &[Seated],
    bank: &Path,
    pictures: &Path,
) -> anyhow::Result<()> {
    let path = |path: &Path| path.display().to_string();
    let managers = root().join("fixtures/bank/safety-manager.csv");
    center.run(&[
        "bank",
        "import",
        &path(bank),
        "--bank",
        "LV",
        "--pictures",
        &path(pictures),
    ])?;
    center.run(&["bank", "import", &path(&managers), "--bank", "SM"])?;
    let plan = write_plan(folder, terms)?;
    let (roster, photos) = write_roster(folder, people)?;
    center.run(&[
        "plan",
        "import",
        &path(&plan),
        "--roster",
        &path(&roster),
        "--photos",
        &path(&photos),
    ])?;
    center.run(&["issue", terms.sitting_no])?;
    Ok(())
}

/// The book of the two banks that [`prepare`] imports.
pub fn answer_book() -> anyhow::Result<AnswerBook> {
    let banks = root().join("fixtures/bank");
    AnswerBook::of_banks(&[
        banks.join("low-voltage.csv"),
        banks.join("safety-manager.csv"),
    ])
}

/// The right answers of the fixtures' banks, by stem, as only a very good candidate would know them.
pub struct AnswerBook {
    right: HashMap<String, Vec<String>>,
}

impl AnswerBook {
    pub fn of_banks(files: &[PathBuf]) -> anyhow::Result<AnswerBook> {
        let mut right = HashMap::new();
        for file in files {
            let mut reader = csv::Reader::from_path(file)?;
            let header = reader.headers()?.clone();
            let column = |name: &str| {
                header
                    .iter()
                    .position(|title| title == name)
                    .context(name.to_owned())
            };
            let (stem, answer) = (column("题干")?, column("答案")?);
            let options =
                ["A", "B", "C", "D", "E", "F"].map(|letter| column(&format!("选项{letter}")));
            for row in reader.records() {
                let row = row?;
                let words = match &row[answer] {
                    word @ ("对" | "错") => vec![word.to_owned()],
                    letters => letters
                        .bytes()
                        .map(|letter| {
                            let place = options[usize::from(letter - b'A')]
                                .as_ref()
                                .ok()
                                .context("letter")?;
                            Ok(row[*place].to_owned())
                        })
                        .collect::<anyhow::Result<_>>()?,
                };
                right.insert(row[stem].trim().to_owned(), words);
            }
        }
        Ok(AnswerBook { right })
    }

    /// Places on the screen that a candidate of this skill clicks.
    pub fn choices(
        &self,
        stem: &str,
        options: &[String],
        skill: Skill,
    ) -> anyhow::Result<Vec<usize>> {
        let Some(right) = self.right.get(stem) else {
            bail!("no such stem in the bank: {stem}")
        };
        let is_right = |shown: &str| {
            right
                .iter()
                .any(|word| word == shown.trim() || same_verdict(word, shown))
        };
        let places = |wanted: bool| {
            (0..options.len())
                .filter(|&k| is_right(&options[k]) == wanted)
                .collect::<Vec<_>>()
        };
        Ok(match skill {
            Skill::KnowsEverything => places(true),
            // One wrong option is wrong for every type of item; where all are right, one alone is incomplete.
            Skill::AlwaysWrong => places(false)
                .into_iter()
                .chain(places(true))
                .take(1)
                .collect(),
        })
    }
}

/// A page may spell 对/错 as 正确/错误.
fn same_verdict(word: &str, shown: &str) -> bool {
    matches!((word, shown.trim()), ("对", "正确") | ("错", "错误"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_numbers_carry_the_right_check_digit() {
        // The worked example of GB 11643: 11010519491231002X.
        let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        let sum: u32 = "11010519491231002"
            .chars()
            .zip(weights)
            .map(|(c, w)| c.to_digit(10).unwrap() * w)
            .sum();
        assert_eq!(sum % 11, 2, "remainder 2 is X");
        assert_eq!(id_number(1).len(), 18);
    }
}
