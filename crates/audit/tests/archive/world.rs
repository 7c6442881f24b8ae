//! A center, two terminals and one sitting, made with the real formats and keys; and an archive of them.

use fengjuan_audit::{
    Checkpoints, Content, ForkRecord, ObjectRecord, Scope, Source, Verdict, VerifyOptions, verify,
    write_archive,
};
use fengjuan_core::draw::ticket_hash;
use fengjuan_core::event::{Event, HandInKind, Hash32, OutageCause, PictureUse};
use fengjuan_core::item::OptionSet;
use fengjuan_core::plan::{
    AnswerRelease, AttemptType, Blueprint, ClassGroup, EntryRules, ExamType, PlanFacts, Role,
    ScoreRelease, Sitting, SnapshotPolicy, Staff,
};
use fengjuan_core::snapshot::{ScheduleOf, due};
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::kdf::Argon2Params;
use fengjuan_envelope::merkle;
use fengjuan_envelope::note::{self, Checkpoint};
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_store::{
    LedgerIdentity, LedgerInfo, LedgerReader, StoreError, StoredCheckpoint, StoredEntry,
};
use fengjuan_wire::bundle::Receipt;
use fengjuan_wire::directory::{DeviceCertificate, KeyDirectory};
use fengjuan_wire::entry::{Entry, Stamp, attempt_key, encode};
use fengjuan_wire::sitting::{PackageRef, SittingDocument};
use fengjuan_wire::upstream::{Roll, RolledLedger};
use fengjuan_wire::{SUITE, Signed};
use std::collections::HashMap;
use std::io::Cursor;
use std::ops::ControlFlow;

pub const SITTING: &str = "JN20261120A";
/// 2026-11-20 09:00 in Beijing.
pub const START_MS: i64 = 1_795_136_400_000;
const CLASS: &str = "C1";

/// SplitMix64: a stream that a seed gives again.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next() as u8)
    }
}

/// The center's keys.
#[derive(Clone)]
pub struct Center {
    pub root: SigningKey,
    pub issuer: SigningKey,
    pub device_ca: SigningKey,
    pub witness: SigningKey,
    pub receipt: SigningKey,
    pub directory: KeyDirectory,
    pub kem: KemSecret,
}

impl Center {
    pub fn new(random: &mut Random) -> Center {
        let mut key = || SigningKey::from_seed(&random.bytes());
        let (root, issuer, device_ca, witness, receipt, tls) =
            (key(), key(), key(), key(), key(), key());
        let kem = KemSecret::generate().unwrap();
        let directory = KeyDirectory {
            center_id: "jining".to_owned(),
            center_name: "济宁市安全生产考试中心".to_owned(),
            serial: 1,
            made_ms: START_MS,
            issuer: issuer.public(),
            release: kem.public(),
            device_ca: device_ca.public(),
            tls_server: tls.public(),
            witness: witness.public(),
            receipt: receipt.public(),
        };
        Center {
            root,
            issuer,
            device_ca,
            witness,
            receipt,
            directory,
            kem,
        }
    }
}

/// One ledger with its device.
#[derive(Clone)]
pub struct Ledger {
    pub id: [u8; 16],
    pub key: SigningKey,
    pub device: String,
    pub origin: String,
    pub entries: Vec<Vec<u8>>,
    pub checkpoints: Vec<StoredCheckpoint>,
    boot_id: [u8; 16],
    now_ms: i64,
    booted_ms: i64,
    attempt_seqs: HashMap<[u8; 16], u64>,
    /// Under which entries of attempts are written.
    pub lease: u64,
}

impl Ledger {
    pub fn push(&mut self, actor: &str, attempt: Option<&Attempt>, event: Event) {
        let id = attempt.map(|attempt| attempt.id);
        let attempt_seq = match id {
            None => 0,
            Some(id) => {
                let next = self.attempt_seqs.entry(id).or_default();
                *next += 1;
                *next - 1
            }
        };
        let stamp = Stamp {
            attempt: id,
            lease: if id.is_some() { self.lease } else { 0 },
            actor: actor.to_owned(),
            boot_id: self.boot_id,
            boot_ms: self.now_ms - self.booted_ms,
            exam_ms: Some(self.now_ms),
            wall_ms: self.now_ms + 40,
        };
        let seq = self.entries.len() as u64;
        let key = attempt.map(|attempt| &attempt.key);
        self.entries
            .push(encode(&self.id, seq, attempt_seq, &stamp, &event, key).unwrap());
    }

    pub fn root(&self, size: usize) -> [u8; 32] {
        let leaves: Vec<_> = self.entries[..size]
            .iter()
            .map(|entry| merkle::leaf_hash(entry))
            .collect();
        merkle::root_of(&leaves)
    }

    /// Signs a checkpoint over everything so far; the witness adds its line where it is given.
    pub fn checkpoint(&mut self, witness: Option<&Center>) {
        let size = self.entries.len();
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size: size as u64,
            root: self.root(size),
            extension: Vec::new(),
        };
        let signed = note::sign_checkpoint(&checkpoint, &self.origin, &self.key);
        let cosigned = witness.map(|center| {
            let seconds = (self.now_ms / 1000) as u64;
            let name = center.directory.witness_name();
            note::cosign(&signed, &name, &center.witness, seconds).unwrap()
        });
        self.checkpoints.push(StoredCheckpoint {
            size: size as u64,
            root: checkpoint.root,
            note: signed,
            cosigned,
        });
    }

    /// What somebody with the device's key does after changing entries: signs everything anew.
    pub fn sign_anew(&mut self) {
        let sizes: Vec<u64> = self.checkpoints.iter().map(|c| c.size).collect();
        self.checkpoints.clear();
        let entries = self.entries.clone();
        for size in sizes {
            self.entries = entries[..entries.len().min(size as usize)].to_vec();
            self.checkpoint(None);
        }
        self.entries = entries;
    }

    /// One checkpoint for every entry up to the `signed` one, cosigned up to the `witnessed` one.
    pub fn sign_every_entry(&mut self, witness: &Center, witnessed: usize, signed: usize) {
        self.checkpoints.clear();
        let entries = self.entries.clone();
        for size in 1..=signed {
            self.entries = entries[..size].to_vec();
            self.checkpoint((size <= witnessed).then_some(witness));
        }
        self.entries = entries;
    }

    pub fn info(&self) -> LedgerInfo {
        LedgerInfo {
            ledger_id: self.id,
            identity: LedgerIdentity {
                device: self.device.clone(),
                device_key: *self.key.public().as_bytes(),
                origin: self.origin.clone(),
            },
            size: self.entries.len() as u64,
            root: self.root(self.entries.len()),
        }
    }
}

pub struct Attempt {
    pub id: [u8; 16],
    pub key: SecretKey,
    pub ticket: String,
}

impl Clone for Attempt {
    fn clone(&self) -> Self {
        Attempt {
            id: self.id,
            key: SecretKey::from_bytes(*self.key.as_bytes()),
            ticket: self.ticket.clone(),
        }
    }
}

#[derive(Clone)]
pub struct World {
    pub center: Center,
    pub document: SittingDocument,
    pub seed: [u8; 32],
    pub ledgers: Vec<Ledger>,
    pub certificates: Vec<Vec<u8>>,
    pub sittings: Vec<Vec<u8>>,
    pub roll: Option<Vec<u8>>,
    pub objects: Vec<ObjectRecord>,
    pub forks: Vec<ForkRecord>,
    pub reports: Vec<Vec<u8>>,
    pub attempts: Vec<Attempt>,
}

impl World {
    /// Two terminals, an attempt on each; everything witnessed but a few last entries where `tail` is true.
    pub fn new(seed: u64, tail: bool) -> World {
        let mut random = Random(seed);
        let center = Center::new(&mut random);
        let snapshot_seed: [u8; 32] = random.bytes();
        let document = document(&center, &mut random, &snapshot_seed);
        let mut world = World {
            sittings: vec![document.sign(&center.issuer).unwrap()],
            document,
            seed: snapshot_seed,
            ledgers: Vec::new(),
            certificates: Vec::new(),
            roll: None,
            objects: Vec::new(),
            forks: Vec::new(),
            reports: Vec::new(),
            attempts: Vec::new(),
            center,
        };
        for number in 0..2 {
            world.terminal(&mut random, number, tail);
        }
        world.roll = Some(world.make_roll());
        world
    }

    fn terminal(&mut self, random: &mut Random, number: u64, tail: bool) {
        let key = SigningKey::from_seed(&random.bytes());
        let certificate = DeviceCertificate {
            device_name: format!("考试机{:02}", number + 1),
            site: "S01".to_owned(),
            sign: key.public(),
            kem: self.center.kem.public(),
            approved_ms: START_MS - 86_400_000,
            approved_by: "王主任".to_owned(),
        };
        self.certificates
            .push(certificate.sign(&self.center.device_ca).unwrap());
        let id = random.bytes();
        let mut ledger = Ledger {
            id,
            key,
            device: certificate.device_name,
            origin: self.center.directory.ledger_origin(&id),
            entries: Vec::new(),
            checkpoints: Vec::new(),
            boot_id: random.bytes(),
            now_ms: START_MS - 3_600_000,
            booted_ms: START_MS - 3_700_000,
            attempt_seqs: HashMap::new(),
            lease: 1,
        };
        self.morning(&mut ledger);
        let ticket = format!("37080020261120{number:04}");
        let id: [u8; 16] = random.bytes();
        let key = attempt_key(&SecretKey::from_bytes(random.bytes()), &id);
        let attempt = Attempt { id, key, ticket };
        self.sit(&mut ledger, &attempt, random, number as u32 + 1);
        ledger.push(
            "system",
            None,
            Event::SeedRevealed {
                sitting_no: SITTING.to_owned(),
                seed: Hash32(self.seed),
            },
        );
        ledger.checkpoint(Some(&self.center));
        if tail {
            ledger.push("system", None, Event::FocusLost {});
            ledger.push("system", None, Event::FocusBack { after_ms: 900 });
            ledger.checkpoint(None);
            ledger.push("system", None, Event::Stopped {});
        }
        self.ledgers.push(ledger);
        self.attempts.push(attempt);
    }

    fn morning(&self, ledger: &mut Ledger) {
        let started = Event::Started {
            version: "0.1.0".to_owned(),
            sqlite: "3.54.1".to_owned(),
            reboot: true,
            last_tick_ms: None,
        };
        ledger.push("system", None, started);
        let opened = Event::DatabaseOpened {
            schema: 1,
            integrity: "ok".to_owned(),
            entries: 0,
        };
        ledger.push("system", None, opened);
        ledger.now_ms += 1_000;
        let refused = Event::CodeRefused {
            sitting_no: SITTING.to_owned(),
            cause: "unlock.wrong_code".to_owned(),
            wrong_so_far: 1,
        };
        ledger.push("staff:P001", None, refused);
        let unlocked = Event::Unlocked {
            sitting_no: SITTING.to_owned(),
            version: 1,
            staff_id: "P001".to_owned(),
            second: None,
        };
        ledger.push("staff:P001", None, unlocked);
        ledger.checkpoint(Some(&self.center));
    }

    fn sit(&mut self, ledger: &mut Ledger, attempt: &Attempt, random: &mut Random, seat_no: u32) {
        let identified = Event::Identified {
            sitting_no: SITTING.to_owned(),
            ticket_hash: ticket_hash(SITTING, &attempt.ticket),
            seat_no,
        };
        ledger.push("candidate", Some(attempt), identified);
        self.picture(ledger, attempt, random, PictureUse::CheckIn, None);
        let confirmed = Event::PersonConfirmed {
            staff_id: "S001".to_owned(),
            id_document: true,
            person: true,
            ticket: true,
            contraband_clear: true,
        };
        ledger.push("staff:S001", Some(attempt), confirmed);
        ledger.push("candidate", Some(attempt), Event::RulesAgreed {});
        ledger.now_ms = START_MS;
        let begun = Event::SittingStarted {
            sitting_no: SITTING.to_owned(),
            staff_id: "P001".to_owned(),
            planned_ms: START_MS,
            started_ms: START_MS,
        };
        ledger.push("staff:P001", None, begun);
        let started = Event::AttemptStarted {
            sitting_no: SITTING.to_owned(),
            class_no: CLASS.to_owned(),
            package: self.document.packages[0].hash,
            paper: Hash32(random.bytes()),
            started_ms: START_MS,
            ends_ms: START_MS + 7_200_000,
        };
        ledger.push("system", Some(attempt), started);
        let outage = (START_MS + 1_200_000, START_MS + 1_290_000);
        let hand_in_ms = START_MS + 2_400_000 + random.below(600_000) as i64;
        self.answer(ledger, attempt, random, outage, hand_in_ms);
        ledger.now_ms = hand_in_ms;
        let handed_in = Event::HandedIn {
            kind: HandInKind::Own,
            answered: 10,
            unanswered: 0,
            at_ms: hand_in_ms,
            staff_id: None,
            reason: None,
        };
        ledger.push("candidate", Some(attempt), handed_in);
        let graded = Event::SiteGraded {
            half_points: 160,
            passed: true,
        };
        ledger.push("system", Some(attempt), graded);
        let hash = self.object(random, "bundle", ledger.key.public());
        let sealed = Event::BundleSealed { bundle_no: 1, hash };
        ledger.push("system", Some(attempt), sealed);
        ledger.checkpoint(None);
        ledger.now_ms += 5_000;
        let receipt = self
            .objects
            .last()
            .and_then(|object| object.receipt.clone());
        let receipted = Event::Receipted {
            hash,
            receipt: fengjuan_wire::hash(&receipt.unwrap()),
        };
        ledger.push("system", None, receipted);
    }

    fn answer(
        &mut self,
        ledger: &mut Ledger,
        attempt: &Attempt,
        random: &mut Random,
        outage: (i64, i64),
        hand_in_ms: i64,
    ) {
        let of = ScheduleOf {
            seed: &self.seed,
            sitting_no: SITTING,
            attempt_id: &attempt.id,
            started_ms: START_MS,
            policy: self.document.sitting.snapshots,
        };
        let snapshots = due(&of, hand_in_ms, &[outage]);
        assert!(snapshots.len() >= 3, "the schedule is not empty");
        let mut moments: Vec<(i64, Option<i64>)> = snapshots
            .iter()
            .map(|due| (due.due_ms, Some(due.due_ms)))
            .collect();
        moments.extend((1..60).map(|n| (START_MS + n * 37_000, None)));
        moments.sort();
        let mut rebooted = false;
        for (number, (at_ms, due_ms)) in moments.into_iter().enumerate() {
            if at_ms >= outage.1 && !rebooted {
                rebooted = true;
                self.reboot(ledger, attempt, random, outage);
            }
            if (outage.0..outage.1).contains(&at_ms) {
                continue;
            }
            ledger.now_ms = at_ms.max(ledger.now_ms);
            match due_ms {
                Some(_) if number.is_multiple_of(5) => {
                    let failed = Event::PictureFailed {
                        usage: PictureUse::Snapshot,
                        cause: "camera.busy".to_owned(),
                        due_ms,
                        attempts: 1,
                    };
                    ledger.push("system", Some(attempt), failed);
                }
                Some(_) => self.picture(ledger, attempt, random, PictureUse::Snapshot, due_ms),
                None => {
                    let position = number as u32 % 10;
                    let shown = Event::QuestionShown { position };
                    ledger.push("candidate", Some(attempt), shown);
                    let saved = Event::AnswerSaved {
                        position,
                        chosen: OptionSet::single(random.below(4) as u8),
                        flagged: random.below(5) == 0,
                    };
                    ledger.push("candidate", Some(attempt), saved);
                    if number.is_multiple_of(12) {
                        ledger.checkpoint(Some(&self.center));
                    }
                }
            }
        }
    }

    fn reboot(
        &self,
        ledger: &mut Ledger,
        attempt: &Attempt,
        random: &mut Random,
        outage: (i64, i64),
    ) {
        ledger.now_ms = outage.1;
        ledger.boot_id = random.bytes();
        ledger.booted_ms = outage.1 - 30_000;
        let recorded = Event::OutageRecorded {
            outage_no: 1,
            cause: OutageCause::Power,
            from_ms: outage.0,
            to_ms: outage.1,
            proposed_ms: outage.1 - outage.0,
        };
        ledger.push("system", Some(attempt), recorded);
        let decided = Event::OutageDecided {
            outage_no: 1,
            credit_ms: 90_000,
            cause: None,
            staff_id: "P001".to_owned(),
            reason: "停电, \"跳闸\"".to_owned(),
        };
        ledger.push("staff:P001", Some(attempt), decided);
    }

    fn picture(
        &mut self,
        ledger: &mut Ledger,
        attempt: &Attempt,
        random: &mut Random,
        usage: PictureUse,
        due_ms: Option<i64>,
    ) {
        let taken = Event::PictureTaken {
            usage,
            hash: self.object(random, "picture", ledger.key.public()),
            salted: Hash32(random.bytes()),
            pattern: false,
            due_ms,
        };
        ledger.push("system", Some(attempt), taken);
    }

    fn object(&mut self, random: &mut Random, kind: &str, device: PublicKey) -> Hash32 {
        let hash = Hash32(random.bytes());
        let receipt = Receipt {
            object: hash,
            bytes: 40_000,
            received_ms: START_MS,
            position: self.objects.len() as u64,
            receiver: "jining".to_owned(),
        };
        self.objects.push(ObjectRecord {
            hash,
            kind: kind.to_owned(),
            bytes: 40_000,
            device,
            receipt: Some(receipt.sign(&self.center.receipt).unwrap()),
        });
        hash
    }

    /// Every ledger as far signed and witnessed as it is, but with a checkpoint for every entry.
    pub fn sign_densely(&mut self) {
        for ledger in &mut self.ledgers {
            let last = |cosigned: bool| {
                let of = |c: &&StoredCheckpoint| c.cosigned.is_some() || !cosigned;
                let sizes = ledger.checkpoints.iter().filter(of).map(|c| c.size);
                sizes.max().unwrap_or(0) as usize
            };
            let (witnessed, signed) = (last(true), last(false));
            ledger.sign_every_entry(&self.center, witnessed, signed);
        }
    }

    /// The witness's roll over what it has cosigned.
    pub fn make_roll(&self) -> Vec<u8> {
        let line = |ledger: &Ledger| {
            let last = ledger
                .checkpoints
                .iter()
                .rfind(|c| c.cosigned.is_some())
                .unwrap();
            RolledLedger {
                ledger_id: ledger.id.to_vec(),
                device: ledger.key.public(),
                device_name: ledger.device.clone(),
                size: last.size,
                root: Hash32(last.root),
                forks: 0,
            }
        };
        let roll = Roll {
            center_id: "jining".to_owned(),
            site: None,
            sitting_no: None,
            made_ms: START_MS,
            ledgers: self.ledgers.iter().map(line).collect(),
        };
        roll.sign(&self.center.witness).unwrap()
    }

    pub fn content(&self) -> Content {
        Content {
            source: Source::Center,
            scope: Scope::default(),
            made_ms: START_MS + 86_400_000,
            directory: self.center.directory.sign(&self.center.root).unwrap(),
            devices: self.certificates.clone(),
            sittings: self.sittings.clone(),
            orders: Vec::new(),
            roll: self.roll.clone(),
            objects: self.objects.clone(),
            receipts: None,
            reports: self.reports.clone(),
            checkpoints: Checkpoints::Few,
            forks: self.forks.clone(),
        }
    }

    pub fn archive(&self) -> Vec<u8> {
        self.written(&self.content(), &|_| true)
    }

    /// Only the entries whose place is kept are shown, and the archive says that it is of a range.
    pub fn archive_of(&self, keep: &dyn Fn(u64) -> bool) -> Vec<u8> {
        let mut content = self.content();
        content.scope.from_ms = Some(START_MS);
        self.written(&content, keep)
    }

    pub fn written(&self, content: &Content, keep: &dyn Fn(u64) -> bool) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        let infos: Vec<LedgerInfo> = self.ledgers.iter().map(Ledger::info).collect();
        let keep = |_: &LedgerInfo, entry: &StoredEntry| keep(entry.seq);
        write_archive(&mut out, content, self, &infos, &keep).unwrap();
        out.into_inner()
    }

    pub fn root(&self) -> PublicKey {
        self.center.root.public()
    }

    pub fn verdict(&self) -> Verdict {
        self.verdict_on(&self.archive())
    }

    pub fn verdict_on(&self, archive: &[u8]) -> Verdict {
        verify(&archive.to_vec(), &self.root(), &VerifyOptions::default())
    }
}

/// The code of a red verdict, or `green`.
pub fn code(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Green(_) => "green",
        Verdict::Red(finding) => finding.wrong.code(),
    }
}

fn stored(seq: u64, bytes: &[u8]) -> StoredEntry {
    let entry = Entry::decode(bytes).ok();
    StoredEntry {
        seq,
        class: entry.map_or(0, |entry| entry.class),
        kind: entry.map_or_else(String::new, |entry| entry.kind.to_owned()),
        attempt: entry.and_then(|entry| entry.attempt),
        attempt_seq: entry.map_or(0, |entry| entry.attempt_seq),
        exam_ms: entry.and_then(|entry| entry.exam_ms),
        wall_ms: entry.map_or(0, |entry| entry.wall_ms),
        leaf: merkle::leaf_hash(bytes),
        bytes: bytes.to_vec(),
    }
}

impl LedgerReader for World {
    fn ledgers(&self) -> Result<Vec<LedgerInfo>, StoreError> {
        Ok(self.ledgers.iter().map(Ledger::info).collect())
    }

    fn each_entry(
        &self,
        id: &[u8; 16],
        from: u64,
        each: &mut dyn FnMut(StoredEntry) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let ledger = self.ledgers.iter().find(|ledger| ledger.id == *id);
        let ledger = ledger.ok_or(StoreError::UnknownLedger)?;
        for (bytes, seq) in ledger.entries.iter().zip(0..).skip(from as usize) {
            if each(stored(seq, bytes)).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn checkpoints(&self, id: &[u8; 16]) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let ledger = self.ledgers.iter().find(|ledger| ledger.id == *id);
        Ok(ledger.ok_or(StoreError::UnknownLedger)?.checkpoints.clone())
    }
}

fn document(center: &Center, random: &mut Random, seed: &[u8; 32]) -> SittingDocument {
    let class = ClassGroup {
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
    };
    let proctor = Staff {
        staff_id: "P001".to_owned(),
        name: "张海燕".to_owned(),
        role: Role::Proctor,
        password_verifier: String::new(),
    };
    SittingDocument {
        suite: SUITE.to_owned(),
        site: "S01".to_owned(),
        sitting: Sitting {
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
            class_groups: vec![class],
            score_release: ScoreRelease::Never,
            answer_release: AnswerRelease::AtCenter,
            snapshots: SnapshotPolicy {
                mean_interval_s: 300,
                least_gap_s: 60,
            },
            outage_credit_cap_min: 30,
            pattern_camera_allowed: false,
            two_person_code: false,
            staff: vec![proctor],
            makeup_of: None,
            rules_text: Vec::new(),
        },
        packages: vec![PackageRef {
            class_no: CLASS.to_owned(),
            hash: Hash32(random.bytes()),
            bytes: 1,
        }],
        results_key: center.kem.public(),
        snapshot_seed_hash: fengjuan_wire::hash(seed),
        draw_seed_hash: Hash32(random.bytes()),
        code_salt: vec![0; 16],
        code_kdf: Argon2Params {
            m_kib: 64,
            t: 1,
            p: 1,
        },
        delegates: Vec::new(),
        issued_ms: START_MS - 86_400_000,
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
