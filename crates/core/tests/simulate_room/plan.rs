//! The room's plan, and the names of those in it.

use crate::world::{ENDS, MINUTE, QUESTIONS, SITTING, START};
use fengjuan_core::attempt::{AttemptPlan, Question};
use fengjuan_core::event::Hash32;
use fengjuan_core::plan::*;

pub fn device(number: usize) -> Hash32 {
    let mut bytes = [0; 32];
    bytes[0] = number as u8;
    Hash32(bytes)
}

pub fn ledger_id(terminal: usize) -> [u8; 16] {
    let mut id = [7; 16];
    id[0] = terminal as u8;
    id
}

pub fn attempt_id(candidate: usize) -> [u8; 16] {
    let mut id = [1; 16];
    id[0] = candidate as u8;
    id
}

pub fn ticket(candidate: usize) -> Hash32 {
    Hash32([candidate as u8; 32])
}

pub fn attempt_plan(candidate: usize, started_ms: i64) -> AttemptPlan {
    let question = Question {
        item_type: ItemType::SingleChoice,
        options: 4,
    };
    AttemptPlan {
        attempt_id: attempt_id(candidate),
        sitting_no: SITTING.to_owned(),
        class_no: "C".to_owned(),
        questions: vec![question; QUESTIONS as usize],
        started_ms,
        ends_ms: ENDS,
        earliest_leave_ms: START,
        outage_credit_cap_ms: 30 * MINUTE,
    }
}

pub fn sitting() -> Sitting {
    let text = String::new;
    let blueprint = Blueprint {
        parts: Vec::new(),
        pass_mark_half_points: 0,
    };
    Sitting {
        sitting_no: SITTING.to_owned(),
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
        capacity: 60,
        start_ms: START,
        entry: EntryRules {
            opens_before_min: 30,
            late_limit_min: 15,
            earliest_leave_min: 0,
            start_delay_limit_min: 20,
        },
        class_groups: vec![ClassGroup {
            class_no: "C".to_owned(),
            name: text(),
            subject: text(),
            attempt_type: AttemptType::FirstAttempt,
            attempt_no: 1,
            minutes: 8,
            blueprint,
        }],
        score_release: ScoreRelease::Never,
        answer_release: AnswerRelease::AtCenter,
        snapshots: SnapshotPolicy {
            mean_interval_s: 0,
            least_gap_s: 0,
        },
        outage_credit_cap_min: 30,
        pattern_camera_allowed: true,
        two_person_code: false,
        staff: Vec::new(),
        makeup_of: None,
        rules_text: Vec::new(),
    }
}
