//! A center's keys, and a sitting with two class groups as it issues it to a hub.

use fengjuan_core::item::{AnswerKeys, Item, ItemIndexEntry, ItemOption, OptionSet};
use fengjuan_core::plan::*;
use fengjuan_core::roster::{Accommodation, Candidate};
use fengjuan_envelope::code::Code;
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::kdf::{self, Argon2Params};
use fengjuan_envelope::secret::SecretBytes;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_hub::Hub;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::{DeviceCertificate, KeyDirectory, root_to_text};
use fengjuan_wire::enrolment::CarriedRequest;
use fengjuan_wire::grant::{self, Grant, PackageKeys, RosterKey, RosterKeys, SittingKeys};
use fengjuan_wire::order::{Order, OrderKind};
use fengjuan_wire::package::{AllPackageKeys, PackageContent, PackagePlace, write_package};
use fengjuan_wire::sitting::{PackageRef, SittingDocument};
use fengjuan_wire::{SUITE, Signed, hash};
use std::path::Path;

pub const SITE: &str = "S01";
pub const SITTING: &str = "Z1";
pub const PASSWORD: &str = "开卷有益2026";
pub const NOW: i64 = 1_800_000_000_000;
pub const START_MS: i64 = NOW + 20 * MINUTE_MS;
pub const MINUTE_MS: i64 = 60_000;
pub const PEOPLE: [&str; 6] = ["张一", "王二", "李三", "赵四", "孙五", "周六"];

const DRAW_SEED: [u8; 32] = [4; 32];
const SNAPSHOT_SEED: [u8; 32] = [5; 32];
const SALT: [u8; 16] = [1; 16];
const KDF: Argon2Params = Argon2Params {
    m_kib: 65536,
    t: 3,
    p: 4,
};

pub struct Center {
    root: SigningKey,
    issuer: SigningKey,
    device_ca: SigningKey,
    results: KemSecret,
    directory: KeyDirectory,
    /// Two persons have one half of the code each.
    pub two_person_code: bool,
}

impl Center {
    pub fn new() -> Center {
        let key = || SigningKey::generate().unwrap();
        let (root, issuer, device_ca) = (key(), key(), key());
        let results = KemSecret::generate().unwrap();
        let directory = KeyDirectory {
            center_id: "jining".to_owned(),
            center_name: "济宁".to_owned(),
            serial: 1,
            made_ms: NOW,
            issuer: issuer.public(),
            release: KemSecret::generate().unwrap().public(),
            device_ca: device_ca.public(),
            tls_server: key().public(),
            witness: key().public(),
            receipt: key().public(),
        };
        Center {
            root,
            issuer,
            device_ca,
            results,
            directory,
            two_person_code: false,
        }
    }

    /// Nobody answers at the kit's address.
    pub fn write_kit(&self, dir: &Path) {
        std::fs::create_dir_all(dir).unwrap();
        std::fs::write(dir.join("root.pub"), root_to_text(&self.root.public())).unwrap();
        let directory = self.directory.sign(&self.root).unwrap();
        std::fs::write(dir.join("directory.cose"), directory).unwrap();
        let settings = format!("url = \"https://127.0.0.1:9\"\nsite = \"{SITE}\"\n");
        std::fs::write(dir.join("site.toml"), settings).unwrap();
    }

    /// Approves and delegates the hub whose request is on the stick, and writes the answer beside it. The delegation
    /// lasts for so long.
    pub fn answer(&self, stick: &Path, lasts_ms: i64) {
        let folder = stick.join("fengjuan-courier");
        let request = std::fs::read_dir(folder.join("up")).unwrap().next();
        let bytes = std::fs::read(request.unwrap().unwrap().path()).unwrap();
        let CarriedRequest { certifier, request } = CarriedRequest::open(&bytes).unwrap();
        assert_eq!(certifier, self.device_ca.public());
        let keys = request.hub.unwrap();
        let certificate = DeviceCertificate {
            device_name: request.device_name.clone(),
            site: request.site.clone(),
            sign: request.sign,
            kem: request.kem,
            approved_ms: NOW,
            approved_by: "李明".to_owned(),
        };
        let delegation = HubDelegation {
            center_id: self.directory.center_id.clone(),
            site: request.site,
            room_no: None,
            hub_name: request.device_name,
            device: request.sign,
            kem: request.kem,
            issuer: keys.issuer,
            witness: keys.witness,
            receipt: keys.receipt,
            issued_ms: NOW + lasts_ms,
            not_after_ms: NOW + lasts_ms,
        };
        let down = folder.join("down");
        std::fs::create_dir_all(&down).unwrap();
        for bytes in [
            certificate.sign(&self.device_ca).unwrap(),
            delegation.sign(&self.issuer).unwrap(),
        ] {
            std::fs::write(down.join(hash(&bytes).hex()), bytes).unwrap();
        }
    }

    /// Brings the sitting to the hub on a stick. Gives the groups of the code.
    pub fn bring(&self, hub: &Hub, stick: &Path) -> Vec<String> {
        let all = AllPackageKeys {
            paper_key: [9; 32],
            roster_key: [7; 32],
            answers_key: [3; 32],
            draw_seed: DRAW_SEED,
            snapshot_seed: SNAPSHOT_SEED,
        };
        let packages = ["C1", "C2"].map(|class_no| self.package(class_no, &all));
        let references = ["C1", "C2"].iter().zip(&packages);
        let references = references.map(|(class_no, bytes)| PackageRef {
            class_no: (*class_no).to_owned(),
            hash: hash(bytes),
            bytes: bytes.len() as u64,
        });
        let two_person_code = self.two_person_code;
        let document = SittingDocument {
            suite: SUITE.to_owned(),
            site: SITE.to_owned(),
            sitting: Sitting {
                two_person_code,
                ..sitting()
            },
            packages: references.collect(),
            results_key: self.results.public(),
            snapshot_seed_hash: hash(&SNAPSHOT_SEED),
            draw_seed_hash: hash(&DRAW_SEED),
            code_salt: SALT.to_vec(),
            code_kdf: KDF,
            delegates: Vec::new(),
            issued_ms: NOW,
        };
        let halves = if two_person_code { 2 } else { 1 };
        let codes: Vec<Code> = (0..halves).map(|_| Code::generate().unwrap()).collect();
        let grant = self.grant(hub, &all, &codes);
        let down = stick.join("fengjuan-courier/down");
        std::fs::create_dir_all(&down).unwrap();
        let put = |bytes: &[u8]| std::fs::write(down.join(hash(bytes).hex()), bytes).unwrap();
        packages.iter().for_each(|bytes| put(bytes));
        put(&document.sign(&self.issuer).unwrap());
        put(&grant.sign(&self.issuer).unwrap());
        hub.papers().import(stick).unwrap();
        hub.papers_changed();
        codes.iter().flat_map(Code::to_groups).collect()
    }

    /// A signed order comes over the line.
    pub fn order(&self, hub: &Hub, order_no: &str, kind: OrderKind) {
        let order = Order {
            order_no: order_no.to_owned(),
            site: SITE.to_owned(),
            sitting_no: SITTING.to_owned(),
            issued_ms: NOW,
            kind,
            reason: "同意".to_owned(),
            approved_by: "王".to_owned(),
        };
        let signed = order.sign(&self.issuer).unwrap();
        assert!(hub.uplink().take_order(&signed).unwrap());
    }

    fn grant(&self, hub: &Hub, all: &AllPackageKeys, codes: &[Code]) -> Grant {
        let halves = codes.iter().map(Code::secret_bytes);
        let halves = halves.flat_map(|half| half.to_vec());
        let secret = SecretBytes::new(halves.collect());
        let code_key = kdf::derive(&secret, &SALT, KDF).unwrap();
        let keys = SittingKeys {
            snapshot_seed: SNAPSHOT_SEED,
            draw_seed: DRAW_SEED,
            packages: ["C1", "C2"]
                .map(|class_no| PackageKeys {
                    class_no: class_no.to_owned(),
                    paper_key: all.paper_key,
                    answers_key: None,
                })
                .to_vec(),
        };
        let roster = RosterKeys {
            keys: ["C1", "C2"]
                .map(|class_no| RosterKey {
                    class_no: class_no.to_owned(),
                    key: all.roster_key,
                })
                .to_vec(),
        };
        let kem = hub.identity().kem_public();
        let context = grant::sitting_context(SITE, SITTING, 1).unwrap();
        let locked = grant::lock_keys(&keys, &code_key, &context).unwrap();
        Grant {
            site: SITE.to_owned(),
            sitting_no: SITTING.to_owned(),
            version: 1,
            device: hub.identity().public(),
            locked_keys: grant::grant_locked(&locked, &kem, &context).unwrap(),
            roster_keys: grant::grant_roster(&roster, &kem, &context).unwrap(),
        }
    }

    fn package(&self, class_no: &str, keys: &AllPackageKeys) -> Vec<u8> {
        let place = PackagePlace {
            suite: SUITE.to_owned(),
            plan_no: "P1".to_owned(),
            sitting_no: SITTING.to_owned(),
            site: SITE.to_owned(),
            version: 1,
            class_no: class_no.to_owned(),
        };
        let option = |text: &str| ItemOption {
            text: text.to_owned(),
            media: None,
        };
        let candidates = candidates(class_no);
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
            media: &[],
            candidates: &candidates,
            photos: &[b"\xff\xd8\xff\xe0photo".to_vec()],
            answers: &AnswerKeys {
                keys: vec![OptionSet::single(0)],
            },
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        let results = self.results.public();
        write_package(file.path(), &place, &content, keys, &results, &self.issuer).unwrap();
        std::fs::read(file.path()).unwrap()
    }
}

pub fn ticket_no(place: usize) -> String {
    format!("37081120260{:02}", place + 1)
}

/// The first four sit in C1, the others in C2.
pub fn class_of(place: usize) -> &'static str {
    if place < 4 { "C1" } else { "C2" }
}

fn candidates(class_no: &str) -> Vec<Candidate> {
    let of_class = |(place, name): (usize, &&str)| {
        (class_of(place) == class_no).then(|| Candidate {
            ticket_no: ticket_no(place),
            name: (*name).to_owned(),
            sex: "男".to_owned(),
            id_type: "身份证".to_owned(),
            id_no: format!("3708111980010112{place:02}"),
            seat_no: place as u32 + 1,
            class_no: class_no.to_owned(),
            employer: String::new(),
            training_org: String::new(),
            photo: 0,
            accommodation: Accommodation::default(),
        })
    };
    PEOPLE.iter().enumerate().filter_map(of_class).collect()
}

fn sitting() -> Sitting {
    let verifier = kdf::hash_password(PASSWORD).unwrap();
    let person = |staff_id: &str, role| Staff {
        staff_id: staff_id.to_owned(),
        name: format!("{staff_id}名"),
        role,
        password_verifier: verifier.clone(),
    };
    let group = |class_no: &str, minutes| ClassGroup {
        class_no: class_no.to_owned(),
        name: format!("{class_no}班"),
        subject: "低压电工".to_owned(),
        attempt_type: AttemptType::FirstAttempt,
        attempt_no: 1,
        minutes,
        blueprint: Blueprint {
            parts: Vec::new(),
            pass_mark_half_points: 160,
        },
    };
    Sitting {
        sitting_no: SITTING.to_owned(),
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
        start_ms: START_MS,
        entry: EntryRules {
            opens_before_min: 30,
            late_limit_min: 15,
            earliest_leave_min: 30,
            start_delay_limit_min: 30,
        },
        class_groups: vec![group("C1", 120), group("C2", 90)],
        score_release: ScoreRelease::AtSittingEnd,
        answer_release: AnswerRelease::AtCenter,
        snapshots: SnapshotPolicy {
            mean_interval_s: 600,
            least_gap_s: 60,
        },
        outage_credit_cap_min: 30,
        pattern_camera_allowed: true,
        two_person_code: false,
        staff: vec![
            person("P1", Role::Proctor),
            person("P2", Role::Proctor),
            person("E1", Role::ExamStaff),
            person("H1", Role::SiteHead),
            person("A1", Role::SystemAdministrator),
        ],
        makeup_of: None,
        rules_text: Vec::new(),
    }
}
