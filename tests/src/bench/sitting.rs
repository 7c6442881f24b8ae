//! The signed sitting that the ledgers of the archive benchmark belong to.

use fengjuan_core::event::Hash32;
use fengjuan_core::plan::{
    AnswerRelease, AttemptType, Blueprint, ClassGroup, EntryRules, ExamType, PlanFacts, Role,
    ScoreRelease, Sitting, SnapshotPolicy, Staff,
};
use fengjuan_envelope::hpke::KemPublic;
use fengjuan_envelope::kdf::Argon2Params;
use fengjuan_wire::SUITE;
use fengjuan_wire::sitting::{PackageRef, SittingDocument};

pub const SITTING: &str = "JN20261120A";
pub const CLASS: &str = "C1";
/// 2026-11-20 09:00 in Beijing.
pub const START_MS: i64 = 1_795_136_400_000;

/// Its document; `seed` is the one that snapshots are drawn from.
pub fn document(kem: KemPublic, seed: &[u8; 32]) -> SittingDocument {
    SittingDocument {
        suite: SUITE.to_owned(),
        site: "S01".to_owned(),
        sitting: sitting(),
        packages: vec![PackageRef {
            class_no: CLASS.to_owned(),
            hash: Hash32([7; 32]),
            bytes: 1,
        }],
        results_key: kem,
        snapshot_seed_hash: fengjuan_wire::hash(seed),
        draw_seed_hash: Hash32([8; 32]),
        code_salt: vec![0; 16],
        code_kdf: Argon2Params::CODE,
        delegates: Vec::new(),
        issued_ms: START_MS - 86_400_000,
    }
}

fn sitting() -> Sitting {
    Sitting {
        sitting_no: SITTING.to_owned(),
        version: 1,
        plan: facts(),
        room_no: "01".to_owned(),
        room_name: "第一考场".to_owned(),
        capacity: 60,
        start_ms: START_MS,
        entry: EntryRules {
            opens_before_min: 30,
            late_limit_min: 15,
            earliest_leave_min: 30,
            start_delay_limit_min: 30,
        },
        class_groups: vec![ClassGroup {
            class_no: CLASS.to_owned(),
            name: "低压电工初领1班".to_owned(),
            subject: "低压电工作业".to_owned(),
            attempt_type: AttemptType::FirstAttempt,
            attempt_no: 1,
            minutes: 120,
            blueprint: Blueprint {
                parts: Vec::new(),
                pass_mark_half_points: 160,
            },
        }],
        score_release: ScoreRelease::Never,
        answer_release: AnswerRelease::AtCenter,
        snapshots: SnapshotPolicy {
            mean_interval_s: 600,
            least_gap_s: 60,
        },
        outage_credit_cap_min: 30,
        pattern_camera_allowed: false,
        two_person_code: false,
        staff: vec![Staff {
            staff_id: "P001".to_owned(),
            name: "张海燕".to_owned(),
            role: Role::Proctor,
            password_verifier: String::new(),
        }],
        makeup_of: None,
        rules_text: Vec::new(),
    }
}

fn facts() -> PlanFacts {
    PlanFacts {
        plan_no: "P2026-11".to_owned(),
        name: "2026济宁低压电工初领1期".to_owned(),
        period_no: "1".to_owned(),
        center: "jining".to_owned(),
        authority: "济宁市应急管理局".to_owned(),
        site: "S01".to_owned(),
        site_name: "第一考试点".to_owned(),
        qualification_type: "特种作业".to_owned(),
        work_category: "电工作业".to_owned(),
        operation_item: "低压电工".to_owned(),
        exam_type: ExamType::Initial,
    }
}
