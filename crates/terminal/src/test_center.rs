//! A center for tests: its keys, what it signs, and an upstream that fails when it is told to.

use crate::identity::DeviceIdentity;
use crate::site_kit::SiteKit;
use crate::upstream::{Sink, TimeAnswer, Upstream, UpstreamError};
use fengjuan_core::item::{AnswerKeys, Item, ItemIndexEntry, ItemOption, OptionSet};
use fengjuan_core::plan::*;
use fengjuan_core::roster::{Accommodation, Candidate};
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::kdf::Argon2Params;
use fengjuan_envelope::note;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_wire::bundle::Receipt;
use fengjuan_wire::directory::{DeviceCertificate, KeyDirectory, root_to_text};
use fengjuan_wire::grant::{self, Grant, PackageKeys, RosterKey, RosterKeys, SittingKeys};
use fengjuan_wire::order::Order;
use fengjuan_wire::package::{AllPackageKeys, PackageContent, PackagePlace, write_package};
use fengjuan_wire::sitting::{PackageRef, SittingDocument};
use fengjuan_wire::upstream::*;
use fengjuan_wire::{Hash32, SUITE, Signed, hash};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

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
            site: SITE.to_owned(),
            internet_probes: Vec::new(),
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
        let context = grant::sitting_context(site, sitting_no, version).unwrap();
        let keys = SittingKeys {
            snapshot_seed: [5; 32],
            draw_seed: [4; 32],
            packages: papers,
        };
        let locked = grant::lock_keys(&keys, &SecretKey::from_bytes([8; 32]), &context).unwrap();
        let grant = Grant {
            site: site.to_owned(),
            sitting_no: sitting_no.to_owned(),
            version,
            device: device.public(),
            locked_keys: grant::grant_locked(&locked, &device.kem_public(), &context).unwrap(),
            roster_keys: grant::grant_roster(
                &RosterKeys { keys: roster },
                &device.kem_public(),
                &context,
            )
            .unwrap(),
        };
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

/// An upstream in memory. `cut_after` breaks the line after so many more bytes in either direction; the bytes before
/// that have arrived.
pub(crate) struct FakeUpstream {
    pub center: TestCenter,
    pub state: Mutex<FakeState>,
}

#[derive(Default)]
pub(crate) struct FakeState {
    pub offline: bool,
    /// Every call is refused with this code.
    pub turned_away: Option<String>,
    pub cut_after: Option<u64>,
    /// Sent instead of what the object really is.
    pub lies: BTreeMap<Hash32, Vec<u8>>,
    pub objects: BTreeMap<Hash32, Vec<u8>>,
    pub offered: Vec<Offered>,
    pub approved: Option<Vec<u8>>,
    pub uploads: BTreeMap<Hash32, Vec<u8>>,
    pub received: Vec<Hash32>,
    /// A receipt by another key, or for another object.
    pub false_receipts: bool,
    pub refuse_uploads: Option<String>,
    pub entries: Vec<Vec<u8>>,
    pub orders: Vec<Vec<u8>>,
    pub unix_ms: i64,
    pub device: Option<PublicKey>,
    pub origin: String,
    pub fork_at: Option<u64>,
    pub calls: u32,
    pub fetched: u64,
}

impl FakeUpstream {
    pub(crate) fn new(center: TestCenter) -> FakeUpstream {
        let state = FakeState {
            unix_ms: START_MS,
            ..Default::default()
        };
        FakeUpstream {
            center,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn offer_all(&self, issued: &Issued) {
        let mut state = self.state.lock().unwrap();
        state.objects.extend(issued.objects.clone());
        state.offered.extend(issued.offered.clone());
    }

    pub(crate) fn order(&self, order: &Order) {
        let bytes = order.sign(&self.center.issuer).unwrap();
        self.state.lock().unwrap().orders.push(bytes);
    }

    fn call(&self) -> Result<std::sync::MutexGuard<'_, FakeState>, UpstreamError> {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        if state.offline {
            return Err(UpstreamError::Unreachable {
                detail: "test".to_owned(),
            });
        }
        if let Some(code) = state.turned_away.clone() {
            return Err(UpstreamError::Refused { status: 403, code });
        }
        Ok(state)
    }

    fn upload_answer(
        &self,
        state: &mut FakeState,
        hash: &Hash32,
        total: Option<u64>,
    ) -> UploadState {
        let offset = state.uploads.get(hash).map_or(0, Vec::len) as u64;
        let whole = total == Some(offset) || state.received.contains(hash);
        if whole && !state.received.contains(hash) {
            assert_eq!(
                fengjuan_wire::hash(&state.uploads[hash]),
                *hash,
                "bytes arrived as they were"
            );
            state.received.push(*hash);
        }
        let position = state.received.iter().position(|known| known == hash);
        let receipt = position.map(|position| {
            let object = if state.false_receipts {
                Hash32([9; 32])
            } else {
                *hash
            };
            let receipt = Receipt {
                object,
                bytes: offset,
                received_ms: state.unix_ms,
                position: position as u64,
                receiver: "jining".to_owned(),
            };
            ByteBuf::from(receipt.sign(&self.center.receipt).unwrap())
        });
        UploadState { offset, receipt }
    }
}

fn cut(state: &mut FakeState, wanted: usize) -> (usize, bool) {
    match state.cut_after.as_mut() {
        Some(left) if (*left as usize) < wanted => {
            let arrived = *left as usize;
            state.cut_after = None;
            (arrived, true)
        }
        Some(left) => {
            *left -= wanted as u64;
            (wanted, false)
        }
        None => (wanted, false),
    }
}

fn broken() -> UpstreamError {
    UpstreamError::Unreachable {
        detail: "cut".to_owned(),
    }
}

impl Upstream for FakeUpstream {
    async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolReply, UpstreamError> {
        let state = self.call()?;
        Ok(match &state.approved {
            Some(certificate) => EnrolReply::Approved {
                certificate: certificate.clone(),
            },
            None => EnrolReply::Pending {
                fingerprint: fengjuan_wire::directory::device_fingerprint(
                    &request.sign,
                    &request.kem,
                ),
            },
        })
    }

    async fn directory(&self) -> Result<Vec<u8>, UpstreamError> {
        drop(self.call()?);
        Ok(self.center.directory_bytes())
    }

    async fn signed_time(&self) -> Result<TimeAnswer, UpstreamError> {
        let unix_ms = self.call()?.unix_ms;
        Ok(TimeAnswer {
            unix_ms,
            sent_boot_ms: 10_000,
            received_boot_ms: 10_000,
        })
    }

    async fn offer(&self) -> Result<Offer, UpstreamError> {
        Ok(Offer {
            objects: self.call()?.offered.clone(),
        })
    }

    async fn fetch_range(
        &self,
        hash: &Hash32,
        from: u64,
        to: u64,
        sink: &mut Sink<'_>,
    ) -> Result<(), UpstreamError> {
        let mut state = self.call()?;
        let object = state.lies.get(hash).or(state.objects.get(hash)).cloned();
        let object = object.ok_or(UpstreamError::Refused {
            status: 404,
            code: "upstream.unknown_object".to_owned(),
        })?;
        let slice = &object[(from as usize).min(object.len())..(to as usize).min(object.len())];
        let (arrived, is_cut) = cut(&mut state, slice.len());
        state.fetched += arrived as u64;
        drop(state);
        for chunk in slice[..arrived].chunks(7_001) {
            sink(chunk).map_err(|error| UpstreamError::storage(&error))?;
        }
        if is_cut { Err(broken()) } else { Ok(()) }
    }

    async fn upload_state(&self, hash: &Hash32) -> Result<UploadState, UpstreamError> {
        let mut state = self.call()?;
        Ok(self.upload_answer(&mut state, hash, None))
    }

    async fn upload_part(
        &self,
        hash: &Hash32,
        offset: u64,
        total: u64,
        part: Vec<u8>,
    ) -> Result<UploadState, UpstreamError> {
        let mut state = self.call()?;
        assert!(
            part.len() <= UPLOAD_PART_BYTES,
            "parts are no longer than agreed"
        );
        if let Some(code) = &state.refuse_uploads {
            return Err(UpstreamError::Refused {
                status: 400,
                code: code.clone(),
            });
        }
        let (arrived, is_cut) = cut(&mut state, part.len());
        let have = state.uploads.entry(*hash).or_default();
        if have.len() as u64 == offset {
            have.extend_from_slice(&part[..arrived]);
        }
        if is_cut {
            return Err(broken());
        }
        Ok(self.upload_answer(&mut state, hash, Some(total)))
    }

    async fn post_entries(&self, request: &EntriesRequest) -> Result<EntriesReply, UpstreamError> {
        let mut state = self.call()?;
        if let Some(at_seq) = state.fork_at {
            return Ok(EntriesReply::Fork {
                at_seq,
                held: Hash32([6; 32]),
            });
        }
        let have = state.entries.len() as u64;
        if request.from_seq > have {
            return Ok(EntriesReply::Gap { have });
        }
        let known = (have - request.from_seq) as usize;
        for entry in request.entries.iter().skip(known) {
            state.entries.push(entry.to_vec());
        }
        let whole = request.from_seq + request.entries.len() as u64 == state.entries.len() as u64;
        let cosigned = request.checkpoint.as_ref().filter(|_| whole).map(|text| {
            let device = state.device.unwrap();
            let verified = note::verify(text, &state.origin, &device, None).unwrap();
            let leaves: Vec<_> = state
                .entries
                .iter()
                .map(|entry| fengjuan_envelope::merkle::leaf_hash(entry))
                .collect();
            assert_eq!(verified.checkpoint.size, leaves.len() as u64);
            assert_eq!(
                verified.checkpoint.root,
                fengjuan_envelope::merkle::root_of(&leaves)
            );
            let name = self.center.directory.witness_name();
            note::cosign(text, &name, &self.center.witness, (START_MS / 1000) as u64).unwrap()
        });
        Ok(EntriesReply::Stored {
            size: state.entries.len() as u64,
            cosigned,
        })
    }

    async fn attempt_entries(&self, _: &[u8; 16]) -> Result<AttemptEntries, UpstreamError> {
        drop(self.call()?);
        Ok(AttemptEntries {
            entries: Vec::new(),
        })
    }

    async fn orders(&self) -> Result<Orders, UpstreamError> {
        let orders = self
            .call()?
            .orders
            .iter()
            .cloned()
            .map(ByteBuf::from)
            .collect();
        Ok(Orders { orders })
    }
}
