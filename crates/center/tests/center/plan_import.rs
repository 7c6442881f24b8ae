use crate::bank_import::{expected, places};
use crate::day::{Day, SITTING, START_MS, fixtures, plan_text};
use fengjuan_center::{CenterError, plan};
use fengjuan_core::plan::{AnswerRelease, ScoreRelease};
use fengjuan_core::roster::TextSize;

fn codes(refused: Result<plan::ImportedPlan, CenterError>) -> Vec<(&'static str, String)> {
    match refused {
        Err(CenterError::Faults(faults)) => faults
            .list
            .into_iter()
            .map(|fault| (fault.reason.code, fault.column))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_example_plan() {
    let day = Day::planned();
    let conn = day.home.database().unwrap();
    let sitting = plan::sitting(&conn, SITTING).unwrap();
    assert_eq!(sitting.start_ms, START_MS);
    assert_eq!(
        (sitting.score_release, sitting.answer_release),
        (ScoreRelease::AtHandIn, AnswerRelease::OnSite)
    );
    assert_eq!(sitting.class_groups[0].item_count(), 100);
    assert_eq!(sitting.class_groups[1].full_half_points(), 200);
    let people = plan::candidates(&conn, SITTING, "C1").unwrap();
    assert_eq!(people.len(), 40);
    assert_eq!(people[6].0.accommodation.text_size, TextSize::Largest);
    assert_eq!(people[6].0.accommodation.extra_minutes, 30);
    assert!(
        people
            .iter()
            .all(|(_, photo)| photo.starts_with(&[0xff, 0xd8]))
    );
}

#[test]
fn every_hostile_roster_is_reported_whole_and_leaves_nothing() {
    let day = Day::with_banks();
    let conn = day.home.database().unwrap();
    let mut checked = 0;
    for (file, wanted) in expected()
        .iter()
        .filter(|(file, _)| file.starts_with("roster-"))
    {
        let photos = if file == "roster-bad-photo.xlsx" {
            "hostile/photos-bad"
        } else {
            "roster/photos"
        };
        let from = plan::PlanFiles {
            plan: &fixtures("plan/day.toml"),
            roster: &fixtures("hostile").join(file),
            photos: &fixtures(photos),
        };
        let refused = plan::import(&mut day.home.database().unwrap(), "中心", &from, 1);
        let Err(CenterError::Faults(faults)) = refused else {
            panic!("{file}: {refused:?}")
        };
        assert_eq!(&places(&faults.list), wanted, "{file}");
        for table in ["plans", "sittings", "candidates"] {
            let rows: u32 = conn
                .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                    row.get(0)
                })
                .unwrap();
            assert_eq!(rows, 0, "{file} left rows in {table}");
        }
        checked += 1;
    }
    assert!(checked >= 14, "{checked} files");
}

/// Each change to the example plan, and the fault that it must give.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    (
        "status = \"approved\"",
        "status = \"draft\"",
        "plan.unapproved",
        "status",
    ),
    (
        "approved_by = \"济宁市应急管理局 王建国\"",
        "approved_by = \"\"",
        "plan.no_approver",
        "approved_by",
    ),
    ("format = 1", "format = 2", "plan.format", "format"),
    (
        "site = \"S01\"",
        "site = \"../S01\"",
        "plan.bad_name",
        "plan.site",
    ),
    (
        "period_no = \"2026-12\"",
        "period_no = \" \"",
        "plan.empty",
        "plan.period_no",
    ),
    (
        "capacity = 60",
        "capacity = 59",
        "plan.too_many_candidates",
        "sitting[0].capacity",
    ),
    (
        "2026-11-21T09:00:00+08:00\"\n# 开考前",
        "2026-11-21 09:00\"\n# 开考前",
        "plan.bad_time",
        "sitting[0].start",
    ),
    (
        "late_limit_min = 15",
        "late_limit_min = 500",
        "plan.too_many_minutes",
        "sitting[0].late_limit_min",
    ),
    // As long as the least gap: every moment could be told from the first.
    (
        "mean_interval_s = 600",
        "mean_interval_s = 60",
        "plan.bad_snapshots",
        "sitting[0].snapshots",
    ),
    (
        "mean_interval_s = 600",
        "mean_interval_s = 30",
        "plan.bad_snapshots",
        "sitting[0].snapshots",
    ),
    (
        "# staff = [\"P001\", \"S001\"]",
        "staff = [\"S001\"] #",
        "plan.no_proctor",
        "sitting[0].staff",
    ),
    (
        "# staff = [\"P001\", \"S001\"]",
        "staff = [\"P001\", \"P009\"] #",
        "plan.unknown_staff",
        "sitting[0].staff",
    ),
    (
        "id = \"P002\"",
        "id = \"P001\"",
        "plan.staff_twice",
        "staff[1].id",
    ),
    (
        "password = \"$argon2id$v=19$",
        "password = \"$argon2i$v=19$",
        "plan.bad_verifier",
        "staff[0].password",
    ),
    (
        "bank = \"SM\"",
        "bank = \"ZZ\"",
        "plan.unknown_bank",
        "sitting[0].class[1].bank",
    ),
    (
        "count = 70",
        "count = 300",
        "blueprint.items",
        "sitting[0].class[0].part[0]",
    ),
    (
        "\"触电与急救\", count = 2",
        "\"触电与急救\", count = 29",
        "blueprint.knowledge_point",
        "sitting[0].class[0].part[1]",
    ),
    (
        "minutes = 120",
        "minutes = 0",
        "plan.bad_minutes",
        "sitting[0].class[0].minutes",
    ),
    (
        "pass_mark = 80",
        "pass_mark = 80.3",
        "plan.bad_points",
        "sitting[0].class[0].pass_mark",
    ),
    (
        "pass_mark = 80",
        "pass_mark = 101",
        "plan.pass_mark",
        "sitting[0].class[0].pass_mark",
    ),
    (
        "points = 5",
        "points = 0",
        "plan.bad_points",
        "sitting[0].class[1].part[2].points",
    ),
    (
        "no = \"C2\"",
        "no = \"C1\"",
        "plan.class_twice",
        "sitting[0].class[1]",
    ),
    (
        "attempt_no = 1",
        "attempt_no = 2",
        "plan.bad_attempt_no",
        "sitting[0].class[0].attempt_no",
    ),
    (
        "room_name = \"第一考场\"",
        "room_name = \"第一考场\"\nunknown_key = 1",
        "plan.toml",
        "",
    ),
    (
        "exam_type = \"initial\"",
        "exam_type = \"other\"",
        "plan.toml",
        "",
    ),
];

#[test]
fn every_fault_of_a_plan_has_its_name_and_place() {
    let day = Day::with_banks();
    for (old, new, code, column) in FAULTS {
        let text = plan_text();
        assert!(text.contains(old), "the example no longer holds {old}");
        let found = codes(day.import(&text.replacen(old, new, 1), &fixtures("roster/roster.xlsx")));
        assert!(
            found.contains(&(*code, (*column).to_owned())),
            "{old} -> {new}: {found:?}"
        );
    }
    assert!(
        plan::sittings(&day.home.database().unwrap())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn faults_of_plan_and_roster_come_in_one_pass() {
    let day = Day::with_banks();
    let text = plan_text()
        .replacen("status = \"approved\"", "status = \"draft\"", 1)
        .replacen("capacity = 60", "capacity = 2", 1);
    let found = codes(day.import(&text, &fixtures("hostile/roster-unpaid.xlsx")));
    for code in [
        "plan.unapproved",
        "plan.too_many_candidates",
        "roster.unpaid",
    ] {
        assert!(
            found.iter().any(|(found, _)| *found == code),
            "{code} in {found:?}"
        );
    }
}

/// The example's sitting again, changed.
fn second_sitting(changes: &[(&str, &str)]) -> String {
    let text = plan_text();
    let mut second = text[text.find("[[sitting]]").unwrap()..].to_owned();
    for (old, new) in changes {
        assert!(second.contains(old), "no {old}");
        second = second.replace(old, new);
    }
    format!("{text}\n{second}")
}

const MAKEUP: &[(&str, &str)] = &[
    (
        "no = \"JN2026-1121-R01-A\"",
        "no = \"JN2026-1121-R01-B\"\nmakeup_of = \"JN2026-1121-R01-A\"",
    ),
    ("2026-11-21T09:00:00", "2026-11-21T14:00:00"),
    ("first_attempt\"", "makeup\""),
    ("attempt_no = 1", "attempt_no = 2"),
];

#[test]
fn a_makeup_carries_the_whole_first_roster() {
    let day = Day::with_banks();
    let imported = day
        .import(&second_sitting(MAKEUP), &fixtures("roster/roster.xlsx"))
        .unwrap();
    assert_eq!(imported.groups.len(), 4);
    let conn = day.home.database().unwrap();
    let (first, makeup) = (
        plan::candidates(&conn, SITTING, "C1").unwrap(),
        plan::candidates(&conn, "JN2026-1121-R01-B", "C1").unwrap(),
    );
    assert_eq!(first, makeup);
}

#[test]
fn a_same_day_makeup_needs_results_there() {
    let day = Day::with_banks();
    let roster = fixtures("roster/roster.xlsx");
    let text = second_sitting(MAKEUP).replace(
        "answer_release = \"on_site\"",
        "answer_release = \"at_center\"",
    );
    let found = codes(day.import(&text, &roster));
    assert_eq!(
        found,
        [("plan.same_day_makeup", "sitting[1].makeup_of".to_owned())]
    );
    let returned = text.replacen("# results_returned_before = true", "#", 1);
    let returned = {
        let cut = returned.rfind("# results_returned_before = true").unwrap();
        format!("{}{}", &returned[..cut], &returned[cut + 2..])
    };
    day.import(&returned, &roster).unwrap();
    let next_day = text.replace("2026-11-21T14:00:00", "2026-11-22T14:00:00");
    day.import(&next_day, &roster).unwrap();
}

#[test]
fn rooms_and_numbers_are_used_once() {
    let day = Day::with_banks();
    let roster = fixtures("roster/roster.xlsx");
    let twice = second_sitting(&[
        ("no = \"JN2026-1121-R01-A\"", "no = \"X2\""),
        ("09:00:00+08", "10:30:00+08"),
    ]);
    let found = codes(day.import(&twice, &roster));
    assert!(
        found.contains(&("plan.room_taken", "sitting[1].start".to_owned())),
        "{found:?}"
    );
    assert!(found.iter().any(|(code, _)| *code == "plan.class_in_two"));
    day.import(&plan_text(), &roster).unwrap();
    // Another plan at the same time in the same room, with the same sitting number and tickets.
    let other = plan_text().replace("JN2026-1121\"", "OTHER\"");
    let found: Vec<&str> = codes(day.import(&other, &roster))
        .into_iter()
        .map(|(code, _)| code)
        .collect();
    for code in [
        "plan.room_taken",
        "plan.sitting_taken",
        "roster.ticket_taken",
    ] {
        assert!(found.contains(&code), "{code} in {found:?}");
    }
    // The same plan again replaces itself.
    day.import(&plan_text().replace("第一考场", "第二考场"), &roster)
        .unwrap();
    assert_eq!(
        plan::sitting(&day.home.database().unwrap(), SITTING)
            .unwrap()
            .room_name,
        "第二考场"
    );
}

#[test]
fn an_issued_sitting_stays_in_its_plan() {
    let day = Day::planned();
    day.issued();
    let gone = plan_text().replace("JN2026-1121-R01-A", "JN2026-1121-R01-Z");
    let found = codes(day.import(&gone, &fixtures("roster/roster.xlsx")));
    assert!(
        found.iter().any(|(code, _)| *code == "plan.issued_missing"),
        "{found:?}"
    );
}
