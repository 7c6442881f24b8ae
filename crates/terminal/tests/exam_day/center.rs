//! A center in memory: keys, two class groups of questions that no one else has, and sittings issued for one device.

use fengjuan_core::item::{AnswerKeys, Item, ItemIndexEntry, ItemOption, OptionSet};
use fengjuan_core::plan::*;
use fengjuan_core::roster::{Accommodation, Candidate, TextSize};
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::papers::{HeldPackage, HeldPapers, SittingKey};
use fengjuan_envelope::code::Code;
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::kdf::{self, Argon2Params};
use fengjuan_envelope::sign::SigningKey;
use fengjuan_terminal::view::desk::HeldState;
use fengjuan_wire::directory::KeyDirectory;
use fengjuan_wire::grant::{self, Grant, PackageKeys, RosterKey, RosterKeys, SittingKeys};
use fengjuan_wire::package::{AllPackageKeys, PackageContent, PackagePlace, write_package};
use fengjuan_wire::sitting::{PackageRef, SittingDocument};
use fengjuan_wire::{SUITE, Signed, hash};
use std::path::Path;
use std::sync::{Arc, OnceLock};

pub const SITE: &str = "JN01";
/// 2027-01-15 09:00 in China.
pub const START_MS: i64 = 1_799_974_800_000;
pub const MINUTE: i64 = 60_000;
pub const PROCTOR: (&str, &str) = ("P1", "proctor password");
pub const STAFF: (&str, &str) = ("E1", "staff password");
pub const ADMIN: (&str, &str) = ("A1", "administrator password");
/// Stands in every readable part of the paper; nowhere on a disk.
pub const CANARY: &str = "金丝雀CANARY";

pub struct Center {
    pub issuer: SigningKey,
    pub results: KemSecret,
    pub directory: KeyDirectory,
}

/// A sitting as issued, with what only the center knows.
pub struct Issued {
    pub held: HeldPapers,
    pub codes: Vec<Code>,
    pub keys: Vec<(String, AllPackageKeys)>,
    pub seeds: ([u8; 32], [u8; 32]),
}

impl Issued {
    /// The code as it is typed.
    pub fn groups(&self) -> Vec<String> {
        self.codes
            .iter()
            .flat_map(|code| code.to_groups())
            .collect()
    }
    pub fn sitting(&self) -> &Sitting {
        &self.held.document.sitting
    }
    pub fn sitting_keys(&self) -> SittingKeys {
        sitting_keys(self.sitting(), &self.keys, self.seeds)
    }
}

impl Center {
    pub fn new() -> Center {
        let key = || SigningKey::generate().unwrap();
        let issuer = key();
        let directory = KeyDirectory {
            center_id: "jining".into(),
            center_name: "济宁".into(),
            serial: 1,
            made_ms: 0,
            issuer: issuer.public(),
            release: KemSecret::generate().unwrap().public(),
            device_ca: key().public(),
            tls_server: key().public(),
            witness: key().public(),
            receipt: key().public(),
        };
        Center {
            issuer,
            results: KemSecret::generate().unwrap(),
            directory,
        }
    }

    /// Issues a sitting; `edit` may change what is plan data.
    pub fn issue(
        &self,
        packages_dir: &Path,
        device: &DeviceIdentity,
        sitting_no: &str,
        edit: impl FnOnce(&mut Sitting),
    ) -> Issued {
        let mut sitting = sitting(sitting_no);
        edit(&mut sitting);
        let seeds = (random(), random());
        let codes: Vec<Code> = (0..if sitting.two_person_code { 2 } else { 1 })
            .map(|_| Code::generate().unwrap())
            .collect();
        let salt: [u8; 16] = fengjuan_envelope::random_bytes().unwrap();
        let mut keys = Vec::new();
        let mut held_packages = Vec::new();
        for group in &sitting.class_groups {
            let class_keys = AllPackageKeys {
                paper_key: random(),
                roster_key: random(),
                answers_key: random(),
                draw_seed: seeds.1,
                snapshot_seed: seeds.0,
            };
            held_packages.push(self.package(packages_dir, &sitting, &group.class_no, &class_keys));
            keys.push((group.class_no.clone(), class_keys));
        }
        let document = SittingDocument {
            suite: SUITE.into(),
            site: SITE.into(),
            packages: held_packages
                .iter()
                .map(|package: &HeldPackage| PackageRef {
                    class_no: package.class_no.clone(),
                    hash: package.hash,
                    bytes: package.bytes,
                })
                .collect(),
            results_key: self.results.public(),
            snapshot_seed_hash: hash(&seeds.0),
            draw_seed_hash: hash(&seeds.1),
            code_salt: salt.to_vec(),
            code_kdf: Argon2Params::CODE,
            delegates: Vec::new(),
            issued_ms: 0,
            sitting,
        };
        let bytes = document.sign(&self.issuer).unwrap();
        let grant = grant_for(device, &document, &codes, &salt, &keys, seeds);
        let key = SittingKey {
            sitting_no: document.sitting.sitting_no.clone(),
            version: document.sitting.version,
        };
        let held = HeldPapers {
            key,
            document: Arc::new(document),
            document_hash: hash(&bytes),
            document_bytes: Arc::new(bytes),
            grant: Some(grant),
            packages: held_packages,
            superseded: false,
        };
        Issued {
            held,
            codes,
            keys,
            seeds,
        }
    }

    /// The same keys for another device.
    pub fn grant_again(&self, issued: &Issued, device: &DeviceIdentity) -> Grant {
        let document = &issued.held.document;
        let salt: [u8; 16] = document.code_salt.as_slice().try_into().unwrap();
        grant_for(
            device,
            document,
            &issued.codes,
            &salt,
            &issued.keys,
            issued.seeds,
        )
    }

    fn package(
        &self,
        dir: &Path,
        sitting: &Sitting,
        class_no: &str,
        keys: &AllPackageKeys,
    ) -> HeldPackage {
        let place = PackagePlace {
            suite: SUITE.into(),
            plan_no: sitting.plan.plan_no.clone(),
            sitting_no: sitting.sitting_no.clone(),
            site: SITE.into(),
            version: sitting.version,
            class_no: class_no.into(),
        };
        let (index, items, answers) = bank(class_no);
        let candidates: Vec<Candidate> = roster(&sitting.sitting_no)
            .into_iter()
            .filter(|candidate| candidate.class_no == class_no)
            .collect();
        let content = PackageContent {
            index: &index,
            items: &items,
            media: &[picture()],
            candidates: &candidates,
            photos: &[picture(), picture(), picture(), picture()],
            answers: &answers,
        };
        let path = dir.join(format!(
            "{}-{}-{class_no}",
            sitting.sitting_no, sitting.version
        ));
        let (hash, bytes) = write_package(
            &path,
            &place,
            &content,
            keys,
            &self.results.public(),
            &self.issuer,
        )
        .unwrap();
        HeldPackage {
            class_no: class_no.into(),
            hash,
            bytes,
            path,
            state: HeldState::Held,
            verified_ms: 0,
        }
    }
}

/// What a code opens, as the station hands it out.
fn sitting_keys(
    sitting: &Sitting,
    keys: &[(String, AllPackageKeys)],
    seeds: ([u8; 32], [u8; 32]),
) -> SittingKeys {
    let on_site = sitting.answer_release == AnswerRelease::OnSite;
    SittingKeys {
        snapshot_seed: seeds.0,
        draw_seed: seeds.1,
        packages: keys
            .iter()
            .map(|(class_no, keys)| PackageKeys {
                class_no: class_no.clone(),
                paper_key: keys.paper_key,
                answers_key: on_site.then_some(keys.answers_key),
            })
            .collect(),
    }
}

fn grant_for(
    device: &DeviceIdentity,
    document: &SittingDocument,
    codes: &[Code],
    salt: &[u8; 16],
    keys: &[(String, AllPackageKeys)],
    seeds: ([u8; 32], [u8; 32]),
) -> Grant {
    let sitting = &document.sitting;
    let context = grant::sitting_context(SITE, &sitting.sitting_no, sitting.version).unwrap();
    let sitting_keys = sitting_keys(sitting, keys, seeds);
    let roster_keys = RosterKeys {
        keys: keys
            .iter()
            .map(|(class_no, keys)| RosterKey {
                class_no: class_no.clone(),
                key: keys.roster_key,
            })
            .collect(),
    };
    let secret: Vec<u8> = codes
        .iter()
        .flat_map(|code| code.secret_bytes().to_vec())
        .collect();
    let code_key = kdf::derive(&secret, salt, document.code_kdf).unwrap();
    let locked = grant::lock_keys(&sitting_keys, &code_key, &context).unwrap();
    Grant {
        site: SITE.into(),
        sitting_no: sitting.sitting_no.clone(),
        version: sitting.version,
        device: device.public(),
        locked_keys: grant::grant_locked(&locked, &device.kem_public(), &context).unwrap(),
        roster_keys: grant::grant_roster(&roster_keys, &device.kem_public(), &context).unwrap(),
    }
}

fn random() -> [u8; 32] {
    fengjuan_envelope::random_bytes().unwrap()
}

/// A small PNG whose bytes are the picture canary.
pub fn picture() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend_from_slice(b"picture bytes that must stay secret");
    bytes
}

/// Ten true/false, eight single choice, six multiple choice; the right one is always option 0 (and 1).
fn bank(class_no: &str) -> (Vec<ItemIndexEntry>, Vec<Item>, AnswerKeys) {
    let (mut index, mut items, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    let kinds = [
        (ItemType::TrueFalse, 10, 2),
        (ItemType::SingleChoice, 8, 4),
        (ItemType::MultipleChoice, 6, 5),
    ];
    for (item_type, count, options) in kinds {
        for number in 0..count {
            let item_no = format!("{class_no}-{}-{number:03}", item_type.zh());
            index.push(ItemIndexEntry {
                item_no: item_no.clone(),
                item_type,
                options,
                shuffle: item_type != ItemType::TrueFalse,
                knowledge_point: "安全".into(),
                case_no: None,
                bank_points: 1,
                media: vec![0],
            });
            items.push(Item {
                item_no: item_no.clone(),
                item_type,
                stem: format!("{CANARY}题干{item_no}"),
                stem_media: Some(0),
                options: (0..options)
                    .map(|option| ItemOption {
                        text: format!("{CANARY}选项{item_no}-{option}"),
                        media: None,
                    })
                    .collect(),
                case_text: None,
            });
            keys.push(match item_type {
                ItemType::MultipleChoice => OptionSet(0b11),
                _ => OptionSet::single(0),
            });
        }
    }
    (index, items, AnswerKeys { keys })
}

/// Two candidates of each class group; their tickets name the sitting.
pub fn roster(sitting_no: &str) -> Vec<Candidate> {
    let person = |number: u32, class_no: &str| Candidate {
        ticket_no: format!("{sitting_no}-{number:02}"),
        name: format!("考生{number}"),
        sex: "男".into(),
        id_type: "身份证".into(),
        id_no: format!("3708021980010112{number}X"),
        seat_no: number,
        class_no: class_no.into(),
        employer: String::new(),
        training_org: String::new(),
        photo: number % 4,
        accommodation: Accommodation {
            text_size: if number == 2 {
                TextSize::Large
            } else {
                TextSize::Standard
            },
            extra_minutes: if number == 4 { 10 } else { 0 },
        },
    };
    vec![
        person(1, "C1"),
        person(2, "C1"),
        person(3, "C2"),
        person(4, "C2"),
    ]
}

fn sitting(sitting_no: &str) -> Sitting {
    let part = |item_type, count, half_points_each| BlueprintPart {
        item_type,
        count,
        half_points_each,
        partial_credit: PartialCredit::None,
        cases: false,
        at_least: Vec::new(),
    };
    let group = |class_no: &str, minutes| ClassGroup {
        class_no: class_no.into(),
        name: format!("{class_no}班"),
        subject: "低压电工作业".into(),
        attempt_type: AttemptType::FirstAttempt,
        attempt_no: 1,
        minutes,
        blueprint: Blueprint {
            parts: vec![
                part(ItemType::TrueFalse, 6, 2),
                part(ItemType::SingleChoice, 4, 2),
                part(ItemType::MultipleChoice, 2, 4),
            ],
            pass_mark_half_points: 16,
        },
    };
    let plan = PlanFacts {
        plan_no: "2027-001".into(),
        name: "2027年第1期低压电工初训".into(),
        period_no: "1".into(),
        center: "济宁".into(),
        authority: String::new(),
        site: SITE.into(),
        site_name: "考试点".into(),
        qualification_type: "特种作业".into(),
        work_category: "电工作业".into(),
        operation_item: "低压电工作业".into(),
        exam_type: ExamType::Initial,
    };
    Sitting {
        sitting_no: sitting_no.into(),
        version: 1,
        plan,
        room_no: "1".into(),
        room_name: "第一考场".into(),
        capacity: 60,
        start_ms: START_MS,
        entry: EntryRules {
            opens_before_min: 30,
            late_limit_min: 15,
            earliest_leave_min: 0,
            start_delay_limit_min: 60,
        },
        class_groups: vec![group("C1", 120), group("C2", 60)],
        score_release: ScoreRelease::AtHandIn,
        answer_release: AnswerRelease::OnSite,
        snapshots: SnapshotPolicy {
            mean_interval_s: 300,
            least_gap_s: 60,
        },
        outage_credit_cap_min: 30,
        pattern_camera_allowed: false,
        two_person_code: false,
        staff: staff(),
        makeup_of: None,
        rules_text: vec!["遵守考场规则。".into()],
    }
}

fn staff() -> Vec<Staff> {
    static STAFF_LIST: OnceLock<Vec<Staff>> = OnceLock::new();
    let person = |(staff_id, password): (&str, &str), role| Staff {
        staff_id: staff_id.into(),
        name: format!("{staff_id}先生"),
        role,
        password_verifier: kdf::hash_password(password).unwrap(),
    };
    let list = || {
        vec![
            person(PROCTOR, Role::Proctor),
            person(STAFF, Role::ExamStaff),
            person(ADMIN, Role::SystemAdministrator),
        ]
    };
    STAFF_LIST.get_or_init(list).clone()
}
