//! A center for tests: its keys, what it signs, and an upstream that fails when it is told to.

mod fake;
mod hub;

pub(crate) use fake::{FakeState, FakeUpstream};
pub(crate) use hub::{HubKeys, HubState, TestHub};

use crate::identity::DeviceIdentity;
use crate::site_kit::SiteKit;
use fengjuan_core::item::{AnswerKeys, Item, ItemIndexEntry, ItemOption, OptionSet};
use fengjuan_core::plan::*;
use fengjuan_core::roster::{Accommodation, Candidate};
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::kdf::Argon2Params;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_wire::directory::{DeviceCertificate, KeyDirectory, root_to_text};
use fengjuan_wire::grant::{self, Grant, PackageKeys, RosterKey, RosterKeys, SittingKeys};
use fengjuan_wire::package::{AllPackageKeys, PackageContent, PackagePlace, write_package};
use fengjuan_wire::sitting::{PackageRef, SittingDocument};
use fengjuan_wire::upstream::{Offered, OfferedKind};
use fengjuan_wire::{Hash32, SUITE, Signed, hash};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) const SITE: &str = "S01";
pub(crate) const START_MS: i64 = 1_800_000_000_000;

pub(crate) struct TestCenter {
    pub root: SigningKey,
    pub issuer: SigningKey,
    pub device_ca: SigningKey,
    pub tls: SigningKey,
    pub witness: SigningKey,
    pub receipt: SigningKey,
    pub results: KemSecret,
    pub directory: KeyDirectory,
}

impl TestCenter {
    pub(crate) fn new() -> TestCenter {
        let key = || SigningKey::generate().unwrap();
        let (root, issuer, device_ca, tls, witness, receipt) =
            (key(), key(), key(), key(), key(), key());
        let directory = KeyDirectory {
            center_id: "jining".to_owned(),
            center_name: "济宁".to_owned(),
            serial: 1,
            made_ms: START_MS,
            issuer: issuer.public(),
            release: KemSecret::generate().unwrap().public(),
            device_ca: device_ca.public(),
            tls_server: tls.public(),
            witness: witness.public(),
            receipt: receipt.public(),
        };
        let results = KemSecret::generate().unwrap();
        TestCenter {
            root,
            issuer,
            device_ca,
            tls,
            witness,
            receipt,
            results,
            directory,
        }
    }

    pub(crate) fn directory_bytes(&self) -> Vec<u8> {
        self.directory.sign(&self.root).unwrap()
    }

    pub(crate) fn write_kit(&self, dir: &Path, url: &str, site: &str) {
        std::fs::create_dir_all(dir).unwrap();
        std::fs::write(dir.join("root.pub"), root_to_text(&self.root.public())).unwrap();
        std::fs::write(dir.join("directory.cose"), self.directory_bytes()).unwrap();
        std::fs::write(
            dir.join("site.toml"),
            format!("url = \"{url}\"\nsite = \"{site}\"\n"),
        )
        .unwrap();
    }

    pub(crate) fn kit(&self, url: &str) -> SiteKit {
        SiteKit {
            root: self.root.public(),
            directory: self.directory.clone(),
            directory_bytes: self.directory_bytes(),
            url: url.to_owned(),
            hub: None,
            site: SITE.to_owned(),
            internet_probes: Vec::new(),
            discovery: true,
        }
    }

    pub(crate) fn certificate(&self, device: &DeviceIdentity) -> Vec<u8> {
        let certificate = DeviceCertificate {
            device_name: "T01".to_owned(),
            site: SITE.to_owned(),
            sign: device.public(),
            kem: device.kem_public(),
            approved_ms: START_MS,
            approved_by: "王".to_owned(),
        };
        certificate.sign(&self.device_ca).unwrap()
    }

    /// Issues a sitting with two class groups for a site and one device.
    pub(crate) fn issue(
        &self,
        site: &str,
        sitting_no: &str,
        version: u32,
        device: &DeviceIdentity,
        pad: usize,
    ) -> Issued {
        let mut issued = Issued {
            objects: BTreeMap::new(),
            offered: Vec::new(),
        };
        let mut packages = Vec::new();
        let mut roster = Vec::new();
        let mut papers = Vec::new();
        for class_no in ["C1", "C2"] {
            let keys = AllPackageKeys {
                paper_key: fengjuan_envelope::random_bytes().unwrap(),
                roster_key: fengjuan_envelope::random_bytes().unwrap(),
                answers_key: [3; 32],
                draw_seed: [4; 32],
                snapshot_seed: [5; 32],
            };
            let bytes = self.package(site, sitting_no, version, class_no, &keys, pad);
            let hash = issued.put(OfferedKind::Package, sitting_no, version, bytes);
            let bytes = issued.objects[&hash].len() as u64;
            packages.push(PackageRef {
                class_no: class_no.to_owned(),
                hash,
                bytes,
            });
            roster.push(RosterKey {
                class_no: class_no.to_owned(),
                key: keys.roster_key,
            });
            let (paper_key, class_no) = (keys.paper_key, class_no.to_owned());
            papers.push(PackageKeys {
                class_no,
                paper_key,
                answers_key: None,
            });
        }
        let document = SittingDocument {
            suite: SUITE.to_owned(),
            site: site.to_owned(),
            sitting: sitting(sitting_no, version),
            packages,
            results_key: self.results.public(),
            snapshot_seed_hash: hash(&[5; 32]),
            draw_seed_hash: hash(&[4; 32]),
            code_salt: vec![1; 16],
            code_kdf: Argon2Params {
                m_kib: 65536,
                t: 3,
                p: 4,
            },
            delegates: Vec::new(),
            issued_ms: START_MS,
        };
        issued.put(
            OfferedKind::Sitting,
            sitting_no,
            version,
            document.sign(&self.issuer).unwrap(),
        );
        let keys = SittingKeys {
            snapshot_seed: [5; 32],
            draw_seed: [4; 32],
            packages: papers,
        };
        let roster = RosterKeys { keys: roster };
        let grant = granted(site, sitting_no, version, device, &keys, &roster);
        issued.put(
            OfferedKind::Grant,
            sitting_no,
            version,
            grant.sign(&self.issuer).unwrap(),
        );
        issued
    }

    fn package(
        &self,
        site: &str,
        sitting_no: &str,
        version: u32,
        class_no: &str,
        keys: &AllPackageKeys,
        pad: usize,
    ) -> Vec<u8> {
        let place = PackagePlace {
            suite: SUITE.to_owned(),
            plan_no: "P1".to_owned(),
            sitting_no: sitting_no.to_owned(),
            site: site.to_owned(),
            version,
            class_no: class_no.to_owned(),
        };
        let index = vec![ItemIndexEntry {
            item_no: "LV0001".to_owned(),
            item_type: ItemType::TrueFalse,
            options: 2,
            shuffle: false,
            knowledge_point: "安全".to_owned(),
            case_no: None,
            bank_points: 1,
            media: Vec::new(),
        }];
        let option = |text: &str| ItemOption {
            text: text.to_owned(),
            media: None,
        };
        let items = vec![Item {
            item_no: "LV0001".to_owned(),
            item_type: ItemType::TrueFalse,
            stem: "停电作业前应验电。".to_owned(),
            stem_media: None,
            options: vec![option("对"), option("错")],
            case_text: None,
        }];
        let candidates = vec![candidate(class_no)];
        let content = PackageContent {
            index: &index,
            items: &items,
            media: &[vec![0xAB; pad]],
            candidates: &candidates,
            photos: &[b"photo".to_vec()],
            answers: &AnswerKeys {
                keys: vec![OptionSet::single(0)],
            },
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        write_package(
            file.path(),
            &place,
            &content,
            keys,
            &self.results.public(),
            &self.issuer,
        )
        .unwrap();
        std::fs::read(file.path()).unwrap()
    }
}

fn granted(
    site: &str,
    sitting_no: &str,
    version: u32,
    device: &DeviceIdentity,
    keys: &SittingKeys,
    roster: &RosterKeys,
) -> Grant {
    let context = grant::sitting_context(site, sitting_no, version).unwrap();
    let locked = grant::lock_keys(keys, &SecretKey::from_bytes([8; 32]), &context).unwrap();
    let kem = device.kem_public();
    Grant {
        site: site.to_owned(),
        sitting_no: sitting_no.to_owned(),
        version,
        device: device.public(),
        locked_keys: grant::grant_locked(&locked, &kem, &context).unwrap(),
        roster_keys: grant::grant_roster(roster, &kem, &context).unwrap(),
    }
}

/// What a center offers of one sitting.
pub(crate) struct Issued {
    pub objects: BTreeMap<Hash32, Vec<u8>>,
    pub offered: Vec<Offered>,
}

impl Issued {
    fn put(&mut self, kind: OfferedKind, sitting_no: &str, version: u32, bytes: Vec<u8>) -> Hash32 {
        let hash = hash(&bytes);
        let (sitting_no, size) = (sitting_no.to_owned(), bytes.len() as u64);
        self.offered.push(Offered {
            kind,
            hash,
            bytes: size,
            sitting_no,
            version,
        });
        self.objects.insert(hash, bytes);
        hash
    }

    pub(crate) fn of(&self, kind: OfferedKind) -> Vec<Hash32> {
        self.offered
            .iter()
            .filter(|offered| offered.kind == kind)
            .map(|offered| offered.hash)
            .collect()
    }

    /// Writes a courier's `down`.
    pub(crate) fn write_courier(&self, folder: &Path) {
        let down = folder.join("fengjuan-courier/down");
        std::fs::create_dir_all(&down).unwrap();
        for (hash, bytes) in &self.objects {
            std::fs::write(down.join(hash.hex()), bytes).unwrap();
        }
    }
}

fn candidate(class_no: &str) -> Candidate {
    Candidate {
        ticket_no: format!("T-{class_no}"),
        name: "张三".to_owned(),
        sex: "男".to_owned(),
        id_type: "身份证".to_owned(),
        id_no: "370811198001011234".to_owned(),
        seat_no: 1,
        class_no: class_no.to_owned(),
        employer: String::new(),
        training_org: String::new(),
        photo: 0,
        accommodation: Accommodation::default(),
    }
}

fn sitting(sitting_no: &str, version: u32) -> Sitting {
    let group = |class_no: &str| ClassGroup {
        class_no: class_no.to_owned(),
        name: format!("{class_no}班"),
        subject: "低压电工".to_owned(),
        attempt_type: AttemptType::FirstAttempt,
        attempt_no: 1,
        minutes: 120,
        blueprint: Blueprint {
            parts: Vec::new(),
            pass_mark_half_points: 160,
        },
    };
    Sitting {
        sitting_no: sitting_no.to_owned(),
        version,
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
        start_ms: START_MS,
        entry: EntryRules {
            opens_before_min: 30,
            late_limit_min: 15,
            earliest_leave_min: 30,
            start_delay_limit_min: 30,
        },
        class_groups: vec![group("C1"), group("C2")],
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
