//! A year of ledgers in the real formats with real signatures: many attempts on many terminals of one center.

use super::ledger::{Attempt, Density, Ledger};
use super::sitting::{CLASS, SITTING, START_MS, document};
use fengjuan_audit::{Checkpoints, Content, ObjectRecord, ReceiptList, Scope, Source};
use fengjuan_core::draw::ticket_hash;
use fengjuan_core::event::{Event, HandInKind, Hash32, PictureUse};
use fengjuan_core::item::OptionSet;
use fengjuan_core::snapshot::{ScheduleOf, due};
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::merkle::Frontier;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_store::{
    LedgerIdentity, LedgerInfo, LedgerReader, StoreError, StoredCheckpoint, StoredEntry,
};
use fengjuan_wire::Signed;
use fengjuan_wire::bundle::Receipt;
use fengjuan_wire::directory::{DeviceCertificate, KeyDirectory};
use fengjuan_wire::entry::{Entry, attempt_key};
use fengjuan_wire::sitting::SittingDocument;
use fengjuan_wire::upstream::{Roll, RolledLedger};
use std::collections::HashMap;
use std::ops::ControlFlow;

const QUESTIONS: u32 = 100;

/// How much there is, and how densely it is signed.
#[derive(Clone, Copy)]
pub struct Extent {
    pub terminals: u32,
    pub entries: u64,
    pub density: Density,
    /// Whether the archive holds a few checkpoints and the center's list of receipts, as every export does, or each
    /// checkpoint and no list.
    pub thinned: bool,
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next() as u8)
    }

    fn key(&mut self) -> SigningKey {
        SigningKey::from_seed(&self.bytes())
    }
}

/// The center and every ledger that it has witnessed.
pub struct Ledgers {
    pub root: SigningKey,
    issuer: SigningKey,
    device_ca: SigningKey,
    witness: SigningKey,
    receipts: SigningKey,
    directory: KeyDirectory,
    document: SittingDocument,
    seed: [u8; 32],
    random: Random,
    ledgers: Vec<Ledger>,
    certificates: Vec<Vec<u8>>,
    objects: Vec<ObjectRecord>,
    thinned: bool,
}

impl Ledgers {
    pub fn make(extent: &Extent) -> anyhow::Result<Ledgers> {
        let mut random = Random(20_261_120);
        let [root, issuer, device_ca, witness, receipts, tls] =
            std::array::from_fn(|_| random.key());
        let kem = KemSecret::generate()?.public();
        let directory = KeyDirectory {
            center_id: "jining".to_owned(),
            center_name: "济宁市安全生产考试中心".to_owned(),
            serial: 1,
            made_ms: START_MS,
            issuer: issuer.public(),
            release: kem,
            device_ca: device_ca.public(),
            tls_server: tls.public(),
            witness: witness.public(),
            receipt: receipts.public(),
        };
        let seed = random.bytes();
        let mut all = Ledgers {
            root,
            issuer,
            device_ca,
            witness,
            receipts,
            directory,
            document: document(kem, &seed),
            seed,
            random,
            ledgers: Vec::new(),
            certificates: Vec::new(),
            objects: Vec::new(),
            thinned: extent.thinned,
        };
        for terminal in 0..extent.terminals {
            all.terminal(terminal, extent)?;
        }
        Ok(all)
    }

    fn terminal(&mut self, number: u32, extent: &Extent) -> anyhow::Result<()> {
        let key = self.random.key();
        let certificate = DeviceCertificate {
            device_name: format!("考试机{:02}", number + 1),
            site: "S01".to_owned(),
            sign: key.public(),
            kem: self.directory.release,
            approved_ms: START_MS - 86_400_000,
            approved_by: "王主任".to_owned(),
        };
        self.certificates.push(certificate.sign(&self.device_ca)?);
        let id = self.random.bytes();
        let mut ledger = Ledger {
            id,
            identity: LedgerIdentity {
                device: certificate.device_name,
                device_key: *key.public().as_bytes(),
                origin: self.directory.ledger_origin(&id),
            },
            key,
            tree: Frontier::new(),
            bytes: Vec::new(),
            ends: Vec::new(),
            checkpoints: Vec::new(),
            boot_id: self.random.bytes(),
            now_ms: START_MS - 3_600_000,
            booted_ms: START_MS - 3_700_000,
            attempt_seqs: HashMap::new(),
            density: extent.density,
            signed_ms: START_MS - 3_600_000,
            witness: (self.directory.witness_name(), self.witness.clone()),
        };
        let size = extent.entries / u64::from(extent.terminals);
        self.unlock(&mut ledger)?;
        let mut attempt = 0;
        // An attempt is about 270 entries; what is left over is focus that comes and goes.
        while ledger.size() + 280 < size {
            attempt += 1;
            self.sit(&mut ledger, number, attempt)?;
        }
        while ledger.size() + 1 < size {
            ledger.now_ms += 1_000;
            ledger.push("system", None, &Event::FocusLost {})?;
        }
        let seed = Event::SeedRevealed {
            sitting_no: SITTING.to_owned(),
            seed: Hash32(self.seed),
        };
        ledger.push("system", None, &seed)?;
        ledger.checkpoint()?;
        self.ledgers.push(ledger);
        Ok(())
    }

    fn unlock(&self, ledger: &mut Ledger) -> anyhow::Result<()> {
        let started = Event::Started {
            version: "0.1.0".to_owned(),
            sqlite: "3.54.1".to_owned(),
            reboot: true,
            last_tick_ms: None,
        };
        ledger.push("system", None, &started)?;
        let unlocked = Event::Unlocked {
            sitting_no: SITTING.to_owned(),
            version: 1,
            staff_id: "P001".to_owned(),
            second: None,
        };
        ledger.push("staff:P001", None, &unlocked)?;
        let begun = Event::SittingStarted {
            sitting_no: SITTING.to_owned(),
            staff_id: "P001".to_owned(),
            planned_ms: START_MS,
            started_ms: START_MS,
        };
        ledger.now_ms = START_MS;
        ledger.push("staff:P001", None, &begun)
    }

    /// One candidate: check-in, a hundred questions shown and answered, snapshots when they are due, hand-in.
    fn sit(&mut self, ledger: &mut Ledger, terminal: u32, number: u32) -> anyhow::Result<()> {
        let id = self.random.bytes();
        let attempt = Attempt {
            id,
            key: attempt_key(&SecretKey::from_bytes(self.random.bytes()), &id),
        };
        let of = Some(&attempt);
        let ticket = format!("3708{terminal:04}{number:08}");
        let identified = Event::Identified {
            sitting_no: SITTING.to_owned(),
            ticket_hash: ticket_hash(SITTING, &ticket),
            seat_no: terminal + 1,
        };
        ledger.push("candidate", of, &identified)?;
        self.picture(ledger, &attempt, PictureUse::CheckIn, None)?;
        let confirmed = Event::PersonConfirmed {
            staff_id: "S001".to_owned(),
            id_document: true,
            person: true,
            ticket: true,
            contraband_clear: true,
        };
        ledger.push("staff:S001", of, &confirmed)?;
        ledger.push("candidate", of, &Event::RulesAgreed {})?;
        ledger.push("candidate", of, &Event::TutorialDone { skipped: false })?;
        let started_ms = ledger.now_ms;
        let started = Event::AttemptStarted {
            sitting_no: SITTING.to_owned(),
            class_no: CLASS.to_owned(),
            package: self.document.packages[0].hash,
            paper: Hash32(self.random.bytes()),
            started_ms,
            ends_ms: started_ms + 7_200_000,
        };
        ledger.push("system", of, &started)?;
        self.answer(ledger, &attempt, started_ms)?;
        self.hand_in(ledger, &attempt)
    }

    fn answer(
        &mut self,
        ledger: &mut Ledger,
        attempt: &Attempt,
        started_ms: i64,
    ) -> anyhow::Result<()> {
        let hand_in_ms = started_ms + i64::from(QUESTIONS) * 50_000;
        let schedule = ScheduleOf {
            seed: &self.seed,
            sitting_no: SITTING,
            attempt_id: &attempt.id,
            started_ms,
            policy: self.document.sitting.snapshots,
        };
        let mut snapshots = due(&schedule, hand_in_ms, &[]).into_iter().peekable();
        for position in 0..QUESTIONS {
            let shown_ms = started_ms + i64::from(position) * 50_000;
            while let Some(snapshot) = snapshots.next_if(|due| due.due_ms <= shown_ms) {
                ledger.now_ms = snapshot.due_ms.max(ledger.now_ms);
                self.picture(ledger, attempt, PictureUse::Snapshot, Some(snapshot.due_ms))?;
            }
            ledger.now_ms = shown_ms;
            ledger.push(
                "candidate",
                Some(attempt),
                &Event::QuestionShown { position },
            )?;
            // Every second question is thought over once more.
            for click in 0..=position % 2 {
                ledger.now_ms += 11_000;
                let saved = Event::AnswerSaved {
                    position,
                    chosen: OptionSet::single((self.random.next() % 4) as u8),
                    flagged: click == 1,
                };
                ledger.push("candidate", Some(attempt), &saved)?;
            }
        }
        for snapshot in snapshots {
            ledger.now_ms = snapshot.due_ms.max(ledger.now_ms);
            self.picture(ledger, attempt, PictureUse::Snapshot, Some(snapshot.due_ms))?;
        }
        ledger.now_ms = hand_in_ms;
        Ok(())
    }

    fn hand_in(&mut self, ledger: &mut Ledger, attempt: &Attempt) -> anyhow::Result<()> {
        let handed_in = Event::HandedIn {
            kind: HandInKind::Own,
            answered: QUESTIONS,
            unanswered: 0,
            at_ms: ledger.now_ms,
            staff_id: None,
            reason: None,
        };
        ledger.push("candidate", Some(attempt), &handed_in)?;
        let graded = Event::SiteGraded {
            half_points: 160,
            passed: true,
        };
        ledger.push("system", Some(attempt), &graded)?;
        let (hash, receipt) = self.object("bundle", ledger.key.public())?;
        let sealed = Event::BundleSealed { bundle_no: 1, hash };
        ledger.push("system", Some(attempt), &sealed)?;
        ledger.now_ms += 5_000;
        received(ledger, hash, receipt)
    }

    fn picture(
        &mut self,
        ledger: &mut Ledger,
        attempt: &Attempt,
        usage: PictureUse,
        due_ms: Option<i64>,
    ) -> anyhow::Result<()> {
        let (hash, receipt) = self.object("picture", ledger.key.public())?;
        let taken = Event::PictureTaken {
            usage,
            hash,
            salted: Hash32(self.random.bytes()),
            pattern: false,
            due_ms,
        };
        ledger.push("system", Some(attempt), &taken)?;
        received(ledger, hash, receipt)
    }

    /// A sealed object, and the hash of the center's receipt for it.
    fn object(&mut self, kind: &str, device: PublicKey) -> anyhow::Result<(Hash32, Hash32)> {
        let (object, bytes) = (Hash32(self.random.bytes()), 40_000);
        let receipt = Receipt {
            object,
            bytes,
            received_ms: START_MS,
            position: self.objects.len() as u64,
            receiver: self.directory.center_id.clone(),
        };
        let receipt = receipt.sign(&self.receipts)?;
        let receipt_hash = fengjuan_wire::hash(&receipt);
        self.objects.push(ObjectRecord {
            hash: object,
            kind: kind.to_owned(),
            bytes,
            device,
            receipt: Some(receipt),
        });
        Ok((object, receipt_hash))
    }

    /// Everything beside the ledgers, signed.
    pub fn content(&self) -> anyhow::Result<Content> {
        let line = |ledger: &Ledger| RolledLedger {
            ledger_id: ledger.id.to_vec(),
            device: ledger.key.public(),
            device_name: ledger.identity.device.clone(),
            size: ledger.size(),
            root: Hash32(ledger.tree.root()),
            forks: 0,
        };
        let roll = Roll {
            center_id: self.directory.center_id.clone(),
            site: None,
            sitting_no: None,
            made_ms: START_MS,
            ledgers: self.ledgers.iter().map(line).collect(),
        };
        let made_ms = START_MS + 86_400_000;
        let (center_id, key) = (&self.directory.center_id, &self.receipts);
        let (checkpoints, receipts) = if self.thinned {
            let list = ReceiptList::sign_checked(&self.objects, center_id, made_ms, key)?;
            (Checkpoints::Few, list)
        } else {
            (Checkpoints::All, None)
        };
        Ok(Content {
            source: Source::Center,
            scope: Scope::default(),
            made_ms,
            directory: self.directory.sign(&self.root)?,
            devices: self.certificates.clone(),
            sittings: vec![self.document.sign(&self.issuer)?],
            orders: Vec::new(),
            roll: Some(roll.sign(&self.witness)?),
            objects: self.objects.clone(),
            receipts,
            reports: Vec::new(),
            checkpoints,
            forks: Vec::new(),
        })
    }

    fn ledger(&self, id: &[u8; 16]) -> Result<&Ledger, StoreError> {
        let found = self.ledgers.iter().find(|ledger| ledger.id == *id);
        found.ok_or(StoreError::UnknownLedger)
    }
}

fn received(ledger: &mut Ledger, hash: Hash32, receipt: Hash32) -> anyhow::Result<()> {
    ledger.push("system", None, &Event::Receipted { hash, receipt })
}

impl LedgerReader for Ledgers {
    fn ledgers(&self) -> Result<Vec<LedgerInfo>, StoreError> {
        Ok(self.ledgers.iter().map(Ledger::info).collect())
    }

    fn each_entry(
        &self,
        id: &[u8; 16],
        from: u64,
        each: &mut dyn FnMut(StoredEntry) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let ledger = self.ledger(id)?;
        for seq in from..ledger.size() {
            let bytes = ledger.entry(seq as usize);
            let entry = Entry::decode(bytes).map_err(|error| StoreError::Encode {
                detail: error.to_string(),
            })?;
            let stored = StoredEntry {
                seq,
                class: entry.class,
                kind: entry.kind.to_owned(),
                attempt: entry.attempt,
                attempt_seq: entry.attempt_seq,
                exam_ms: entry.exam_ms,
                wall_ms: entry.wall_ms,
                leaf: [0; 32],
                bytes: bytes.to_vec(),
            };
            if each(stored).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn checkpoints(&self, id: &[u8; 16]) -> Result<Vec<StoredCheckpoint>, StoreError> {
        Ok(self.ledger(id)?.checkpoints.clone())
    }
}
