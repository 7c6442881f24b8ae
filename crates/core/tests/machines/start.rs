use fengjuan_core::plan::*;
use fengjuan_core::roster::Accommodation;
use fengjuan_core::start::{StartRefusal, start_terminal};

const MINUTE: i64 = 60_000;

pub fn sitting() -> Sitting {
    let text = String::new;
    Sitting {
        sitting_no: "S".to_owned(),
        version: 1,
        plan: PlanFacts {
            plan_no: text(),
            name: text(),
            period_no: text(),
            center: text(),
            authority: text(),
            site: text(),
            site_name: text(),
            qualification_type: text(),
            work_category: text(),
            operation_item: text(),
            exam_type: ExamType::Initial,
        },
        room_no: text(),
        room_name: text(),
        capacity: 30,
        start_ms: 1_000 * MINUTE,
        entry: EntryRules {
            opens_before_min: 30,
            late_limit_min: 15,
            earliest_leave_min: 30,
            start_delay_limit_min: 20,
        },
        class_groups: vec![class_group()],
        score_release: ScoreRelease::AtHandIn,
        answer_release: AnswerRelease::OnSite,
        snapshots: SnapshotPolicy {
            mean_interval_s: 600,
            least_gap_s: 120,
        },
        outage_credit_cap_min: 30,
        pattern_camera_allowed: false,
        two_person_code: false,
        staff: Vec::new(),
        makeup_of: None,
        rules_text: Vec::new(),
    }
}

fn class_group() -> ClassGroup {
    ClassGroup {
        class_no: "C".to_owned(),
        name: String::new(),
        subject: String::new(),
        attempt_type: AttemptType::FirstAttempt,
        attempt_no: 1,
        minutes: 120,
        blueprint: super::blueprint(),
    }
}

#[test]
fn a_terminal_starts_between_the_planned_start_and_the_limit() {
    let sitting = sitting();
    let start = sitting.start_ms;
    assert_eq!(
        start_terminal(&sitting, 0, start - 1),
        Err(StartRefusal::TooEarly { planned_ms: start })
    );
    assert_eq!(start_terminal(&sitting, 0, start).unwrap().moved_ms(), 0);
    let limit_ms = start + 20 * MINUTE;
    assert!(start_terminal(&sitting, 0, limit_ms).is_ok());
    assert_eq!(
        start_terminal(&sitting, 0, limit_ms + 1),
        Err(StartRefusal::TooLate { limit_ms })
    );
    let planned_ms = start + 10 * MINUTE;
    assert_eq!(
        start_terminal(&sitting, 10 * MINUTE, start),
        Err(StartRefusal::TooEarly { planned_ms })
    );
    assert!(start_terminal(&sitting, 10 * MINUTE, limit_ms + 1).is_ok());
}

#[test]
fn a_late_start_moves_the_end_and_extra_minutes_add_to_it() {
    let sitting = sitting();
    let terminal = start_terminal(&sitting, 0, sitting.start_ms + 4 * MINUTE).unwrap();
    assert_eq!(terminal.moved_ms(), 4 * MINUTE);
    let none = Accommodation::default();
    assert_eq!(
        terminal.ends_ms(&class_group(), &none),
        sitting.start_ms + 124 * MINUTE
    );
    let extra = Accommodation {
        extra_minutes: 15,
        ..none
    };
    assert_eq!(
        terminal.ends_ms(&class_group(), &extra),
        sitting.start_ms + 139 * MINUTE
    );
    assert_eq!(
        terminal.earliest_leave_ms(&sitting),
        sitting.start_ms + 34 * MINUTE
    );
}
