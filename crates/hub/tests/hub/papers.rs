//! A sitting of one class group whose code opens it, as the center issues it to a hub.

use crate::center::{Center, SITE, wall_ms};
use fengjuan_core::item::{AnswerKeys, Item, ItemIndexEntry, ItemOption, OptionSet};
use fengjuan_core::plan::*;
use fengjuan_core::roster::{Accommodation, Candidate};
use fengjuan_envelope::code::Code;
use fengjuan_envelope::kdf::{self, Argon2Params};
use fengjuan_envelope::secret::SecretBytes;
use fengjuan_wire::grant::{self, Grant, PackageKeys, RosterKey, RosterKeys, SittingKeys};
use fengjuan_wire::package::{AllPackageKeys, PackageContent, PackagePlace, write_package};
use fengjuan_wire::sitting::{PackageRef, SittingDocument};
use fengjuan_wire::upstream::{EnrolRequest, Offered, OfferedKind};
use fengjuan_wire::{Hash32, SUITE, Signed, hash};

pub const SITTING: &str = "Z1";
pub const DRAW_SEED: [u8; 32] = [4; 32];
const SNAPSHOT_SEED: [u8; 32] = [5; 32];
const SALT: [u8; 16] = [1; 16];
const KDF: Argon2Params = Argon2Params {
    m_kib: 65536,
    t: 3,
    p: 4,
};

pub struct Issued {
    /// The four groups of the code.
    pub code: Vec<String>,
    pub package: Hash32,
    pub package_bytes: u64,
}

/// Issues the sitting to this hub, for every hub that has enrolled; `pad` bytes make the package larger.
pub fn issue(center: &Center, hub: &EnrolRequest, pad: usize) -> Issued {
    issue_sitting(center, hub, SITTING, pad)
}

/// As [`issue`], for the sitting with this number.
pub fn issue_sitting(center: &Center, hub: &EnrolRequest, number: &str, pad: usize) -> Issued {
    issue_version(center, hub, (number, 1), pad)
}

/// As [`issue_sitting`], in this version.
pub fn issue_version(
    center: &Center,
    hub: &EnrolRequest,
    (number, version): (&str, u32),
    pad: usize,
) -> Issued {
    let all = AllPackageKeys {
        paper_key: [9; 32],
        roster_key: [7; 32],
        answers_key: [3; 32],
        draw_seed: DRAW_SEED,
        snapshot_seed: SNAPSHOT_SEED,
    };
    let package = package(center, &all, (number, version), pad);
    let reference = PackageRef {
        class_no: "C1".to_owned(),
        hash: hash(&package),
        bytes: package.len() as u64,
    };
    let document = SittingDocument {
        suite: SUITE.to_owned(),
        site: SITE.to_owned(),
        sitting: Sitting {
            version,
            ..sitting(number)
        },
        packages: vec![reference.clone()],
        results_key: center.keys.results.public(),
        snapshot_seed_hash: hash(&SNAPSHOT_SEED),
        draw_seed_hash: hash(&DRAW_SEED),
        code_salt: SALT.to_vec(),
        code_kdf: KDF,
        delegates: {
            let hubs = center.book().enrolled.clone();
            let issuers = hubs.iter().filter_map(|asked| asked.hub.as_ref());
            issuers.map(|keys| keys.issuer).collect()
        },
        issued_ms: wall_ms(),
    };
    let code = Code::generate().unwrap();
    let secret = SecretBytes::new(code.secret_bytes().to_vec());
    let code_key = kdf::derive(&secret, &SALT, KDF).unwrap();
    let keys = SittingKeys {
        snapshot_seed: SNAPSHOT_SEED,
        draw_seed: DRAW_SEED,
        packages: vec![PackageKeys {
            class_no: "C1".to_owned(),
            paper_key: all.paper_key,
            answers_key: None,
        }],
    };
    let roster = RosterKeys {
        keys: vec![RosterKey {
            class_no: "C1".to_owned(),
            key: all.roster_key,
        }],
    };
    let context = grant::sitting_context(SITE, number, version).unwrap();
    let locked = grant::lock_keys(&keys, &code_key, &context).unwrap();
    let grant = Grant {
        site: SITE.to_owned(),
        sitting_no: number.to_owned(),
        version,
        device: hub.sign,
        locked_keys: grant::grant_locked(&locked, &hub.kem, &context).unwrap(),
        roster_keys: grant::grant_roster(&roster, &hub.kem, &context).unwrap(),
    };
    offer(center, (number, version), OfferedKind::Package, package);
    let document = document.sign(&center.keys.issuer).unwrap();
    offer(center, (number, version), OfferedKind::Sitting, document);
    let grant = grant.sign(&center.keys.issuer).unwrap();
    offer(center, (number, version), OfferedKind::Grant, grant);
    Issued {
        code: code.to_groups().to_vec(),
        package: reference.hash,
        package_bytes: reference.bytes,
    }
}

fn offer(center: &Center, (number, version): (&str, u32), kind: OfferedKind, bytes: Vec<u8>) {
    let mut book = center.book();
    book.offered.push(Offered {
        kind,
        hash: hash(&bytes),
        bytes: bytes.len() as u64,
        sitting_no: number.to_owned(),
        version,
    });
    book.files.insert(hash(&bytes), bytes);
}

fn package(
    center: &Center,
    keys: &AllPackageKeys,
    (number, version): (&str, u32),
    pad: usize,
) -> Vec<u8> {
    let place = PackagePlace {
        suite: SUITE.to_owned(),
        plan_no: "P1".to_owned(),
        sitting_no: number.to_owned(),
        site: SITE.to_owned(),
        version,
        class_no: "C1".to_owned(),
    };
    let option = |text: &str| ItemOption {
        text: text.to_owned(),
        media: None,
    };
    let content = PackageContent {
        index: &[ItemIndexEntry {
            item_no: "LV0001".to_owned(),
            item_type: ItemType::TrueFalse,
            options: 2,
            shuffle: false,
            knowledge_point: "安全".to_owned(),
            case_no: None,
            bank_points: 1,
            media: Vec::new(),
        }],
        items: &[Item {
            item_no: "LV0001".to_owned(),
            item_type: ItemType::TrueFalse,
            stem: "停电作业前应验电。".to_owned(),
            stem_media: None,
            options: vec![option("对"), option("错")],
            case_text: None,
        }],
        media: &[vec![0xAB; pad]],
        candidates: &[candidate()],
        photos: &[b"photo".to_vec()],
        answers: &AnswerKeys {
            keys: vec![OptionSet::single(0)],
        },
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    let results = center.keys.results.public();
    write_package(
        file.path(),
        &place,
        &content,
        keys,
        &results,
        &center.keys.issuer,
    )
    .unwrap();
    std::fs::read(file.path()).unwrap()
}

fn candidate() -> Candidate {
    Candidate {
        ticket_no: "T-1".to_owned(),
        name: "张三".to_owned(),
        sex: "男".to_owned(),
        id_type: "身份证".to_owned(),
        id_no: "370811198001011234".to_owned(),
        seat_no: 1,
        class_no: "C1".to_owned(),
        employer: String::new(),
        training_org: String::new(),
        photo: 0,
        accommodation: Accommodation::default(),
    }
}

fn sitting(number: &str) -> Sitting {
    Sitting {
        sitting_no: number.to_owned(),
        version: 1,
        plan: PlanFacts {
            plan_no: "P1".to_owned(),
            name: "2026济宁低压电工初领".to_owned(),
            period_no: "1".to_owned(),
            center: "济宁".to_owned(),
            authority: String::new(),
            site: SITE.to_owned(),
            site_name: "一中".to_owned(),
            qualification_type: String::new(),
            work_category: String::new(),
            operation_item: String::new(),
            exam_type: ExamType::Initial,
        },
        room_no: "R1".to_owned(),
        room_name: "第一考场".to_owned(),
        capacity: 60,
        // Entry is open.
        start_ms: wall_ms() + 10 * 60_000,
        entry: EntryRules {
            opens_before_min: 30,
            late_limit_min: 15,
            earliest_leave_min: 30,
            start_delay_limit_min: 30,
        },
        class_groups: vec![ClassGroup {
            class_no: "C1".to_owned(),
            name: "C1班".to_owned(),
            subject: "低压电工".to_owned(),
            attempt_type: AttemptType::FirstAttempt,
            attempt_no: 1,
            minutes: 120,
            blueprint: Blueprint {
                parts: Vec::new(),
                pass_mark_half_points: 160,
            },
        }],
        score_release: ScoreRelease::AtSittingEnd,
        answer_release: AnswerRelease::AtCenter,
        snapshots: SnapshotPolicy {
            mean_interval_s: 600,
            least_gap_s: 60,
        },
        outage_credit_cap_min: 30,
        pattern_camera_allowed: true,
        two_person_code: false,
        staff: Vec::new(),
        makeup_of: None,
        rules_text: Vec::new(),
    }
}
