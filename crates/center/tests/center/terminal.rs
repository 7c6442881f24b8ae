//! What a terminal does with a candidate, in memory: check-in, answers by the attempt's own machine, pictures, bundle.

use crate::day::{Day, Device, SITTING, START_MS};
use crate::ledger::Ledger;
use fengjuan_core::attempt::{Attempt, AttemptPlan, Effect, Input, Question};
use fengjuan_core::draw::{Paper, attempt_id, draw, ticket_hash};
use fengjuan_core::event::{Event, Hash32, PictureUse};
use fengjuan_core::grading::grade;
use fengjuan_core::item::{AnswerKeys, ItemIndexEntry};
use fengjuan_core::plan::{ClassGroup, Sitting};
use fengjuan_core::roster::Candidate;
use fengjuan_core::snapshot::schedule;
use fengjuan_core::start::TerminalStart;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_wire::bundle::{
    Bundle, ObjectKind, ObjectPlace, Outcome, Picture, PictureRef, seal_object,
};
use fengjuan_wire::entry::attempt_key;
use fengjuan_wire::grant::{Grant, SittingKeys};
use fengjuan_wire::package::VerifiedPackage;
use fengjuan_wire::sitting::SittingDocument;

pub const MINUTE: i64 = 60_000;

/// An unlocked terminal.
pub struct Terminal<'a> {
    pub day: &'a Day,
    pub device: &'a Device,
    pub ledger: Ledger,
    pub document: SittingDocument,
    keys: SittingKeys,
}

/// One candidate's way, as far as it has gone.
#[derive(Clone)]
pub struct Sat {
    pub candidate: Candidate,
    pub attempt_id: [u8; 16],
    pub key: SecretKey,
    pub package: Hash32,
    pub paper: Paper,
    pub index: Vec<ItemIndexEntry>,
    pub answers: AnswerKeys,
    pub class: ClassGroup,
    pub attempt: Option<Attempt>,
    pub pictures: Vec<PictureRef>,
    /// Sealed pictures that are still to be sent.
    pub objects: Vec<(Hash32, Vec<u8>)>,
    pub now: i64,
    pub bundle_no: u32,
}

impl<'a> Terminal<'a> {
    pub fn unlocked(day: &'a Day, device: &'a Device, ledger: u8) -> Terminal<'a> {
        let version = fengjuan_center_version(day);
        let grant = day.grant(device, version).unwrap();
        Terminal::with_grant(day, device, ledger, &grant)
    }

    /// With a grant that did not come from the center.
    pub fn with_grant(day: &'a Day, device: &'a Device, ledger: u8, grant: &Grant) -> Terminal<'a> {
        let document = day.document(grant.version);
        let keys = grant.unlock(&device.kem, &day.code_key(&document)).unwrap();
        Terminal {
            day,
            device,
            ledger: Ledger::new(&day.home, ledger),
            document,
            keys,
        }
    }

    pub fn sitting(&self) -> &Sitting {
        &self.document.sitting
    }

    pub fn place(&self, kind: ObjectKind) -> ObjectPlace {
        ObjectPlace {
            kind,
            site: "S01".to_owned(),
            sitting_no: SITTING.to_owned(),
            version: self.sitting().version,
        }
    }

    pub fn candidate(&self, class_no: &str, seat: usize) -> Sat {
        let place = self
            .document
            .packages
            .iter()
            .position(|package| package.class_no == class_no)
            .unwrap();
        let reference = &self.document.packages[place];
        let keys = &self.keys.packages[place];
        let package = VerifiedPackage::open(
            &self.day.home.object(&reference.hash),
            &self.day.home.directory().issuer,
        )
        .unwrap();
        let paper_key = SecretKey::from_bytes(keys.paper_key);
        let index = package.index(&paper_key).unwrap();
        let answers = package
            .answers(&SecretKey::from_bytes(keys.answers_key.unwrap()))
            .unwrap();
        let people = fengjuan_center::plan::candidates(
            &self.day.home.database().unwrap(),
            SITTING,
            class_no,
        )
        .unwrap();
        let candidate = people[seat].0.clone();
        let class = self.sitting().class_group(class_no).unwrap().clone();
        let id = attempt_id(SITTING, &candidate.ticket_no, class.attempt_no);
        let paper = draw(
            &index,
            &class.blueprint,
            &self.keys.draw_seed,
            SITTING,
            &candidate.ticket_no,
            class.attempt_no,
        )
        .unwrap();
        Sat {
            attempt_id: id,
            key: attempt_key(&paper_key, &id),
            package: reference.hash,
            paper,
            index,
            answers,
            class,
            candidate,
            attempt: None,
            pictures: Vec::new(),
            objects: Vec::new(),
            now: START_MS - 20 * MINUTE,
            bundle_no: 0,
        }
    }

    pub fn record(&mut self, sat: &Sat, event: &Event) {
        self.ledger
            .add(Some(sat.attempt_id), event, sat.now, Some(&sat.key));
    }

    pub fn identify(&mut self, sat: &mut Sat) {
        let ticket_hash = ticket_hash(SITTING, &sat.candidate.ticket_no);
        self.record(
            sat,
            &Event::Identified {
                sitting_no: SITTING.to_owned(),
                ticket_hash,
                seat_no: sat.candidate.seat_no,
            },
        );
        self.picture(sat, PictureUse::CheckIn, None);
    }

    pub fn picture(&mut self, sat: &mut Sat, usage: PictureUse, due_ms: Option<i64>) {
        let picture = Picture {
            attempt_id: sat.attempt_id.to_vec(),
            usage,
            taken_ms: sat.now,
            due_ms,
            pattern: false,
            salt: vec![sat.pictures.len() as u8; 16],
            jpeg: vec![0xff, 0xd8, sat.pictures.len() as u8],
        };
        let salted = picture.salted_hash();
        let (hash, bytes) = seal_object(
            &picture,
            &self.place(ObjectKind::Picture),
            &self.device.sign,
            &self.document.results_key,
        )
        .unwrap();
        self.record(
            sat,
            &Event::PictureTaken {
                usage,
                hash,
                salted,
                pattern: false,
                due_ms,
            },
        );
        sat.pictures.push(PictureRef {
            object: hash,
            salted,
        });
        sat.objects.push((hash, bytes));
    }

    pub fn confirm(&mut self, sat: &Sat) {
        let confirmed = Event::PersonConfirmed {
            staff_id: "S001".to_owned(),
            id_document: true,
            person: true,
            ticket: true,
            contraband_clear: true,
        };
        self.record(sat, &confirmed);
    }

    pub fn start(&mut self, sat: &mut Sat, start_ms: i64) {
        self.record(sat, &Event::RulesAgreed {});
        self.record(sat, &Event::TutorialDone { skipped: false });
        sat.now = start_ms;
        let terminal = TerminalStart {
            planned_ms: START_MS,
            started_ms: start_ms,
        };
        let questions = Question::of_paper(&sat.paper, &sat.index).unwrap();
        let accommodation = &sat.candidate.accommodation;
        let plan = AttemptPlan::new(
            sat.attempt_id,
            self.sitting(),
            &sat.class,
            accommodation,
            &terminal,
            questions,
            sat.now,
        );
        let started = plan.started_event(sat.package, sat.paper.hash());
        let mut attempt = Attempt::start(plan);
        attempt.commit(&started, sat.now).unwrap();
        self.record(sat, &started);
        sat.attempt = Some(attempt);
    }

    pub fn input(&mut self, sat: &mut Sat, input: Input) {
        sat.now += 1000;
        let effects = sat
            .attempt
            .as_ref()
            .unwrap()
            .propose(input, sat.now)
            .unwrap();
        for effect in effects {
            if let Effect::Record(event) = effect {
                self.record(sat, &event);
                sat.attempt
                    .as_mut()
                    .unwrap()
                    .commit(&event, sat.now)
                    .unwrap();
            }
        }
    }

    /// Answers the first `right` questions rightly.
    pub fn answer(&mut self, sat: &mut Sat, right: u32) {
        for position in 0..right {
            let item = sat.paper.slots[position as usize].item;
            let chosen = sat.answers.keys[item as usize];
            self.input(sat, Input::Choose { position, chosen });
        }
    }

    /// Takes every snapshot that falls due until the hand-in, and hands in.
    pub fn hand_in(&mut self, sat: &mut Sat, snapshots: bool) {
        let started_ms = sat.attempt.as_ref().unwrap().plan().started_ms;
        let until = started_ms + 40 * MINUTE;
        if snapshots {
            let policy = self.sitting().snapshots;
            for due in schedule(
                &self.keys.snapshot_seed,
                SITTING,
                &sat.attempt_id,
                started_ms,
                until,
                policy,
            ) {
                sat.now = sat.now.max(due);
                self.picture(sat, PictureUse::Snapshot, Some(due));
            }
        }
        sat.now = until;
        self.input(sat, Input::HandIn);
        let score = grade(
            &sat.paper,
            &sat.index,
            &sat.class.blueprint,
            &sat.answers,
            &sat.attempt.as_ref().unwrap().chosen(),
        )
        .unwrap();
        self.record(
            sat,
            &Event::SiteGraded {
                half_points: score.total_half_points,
                passed: score.passed,
            },
        );
    }

    pub fn bundle(&self, sat: &mut Sat, outcome: Outcome) -> Bundle {
        sat.bundle_no += 1;
        Bundle {
            site: "S01".to_owned(),
            sitting_no: SITTING.to_owned(),
            version: self.sitting().version,
            class_no: sat.class.class_no.clone(),
            package: sat.package,
            attempt_id: sat.attempt_id.to_vec(),
            attempt_no: sat.class.attempt_no,
            ticket_no: sat.candidate.ticket_no.clone(),
            lease: self.ledger.lease,
            bundle_no: sat.bundle_no,
            ledger_id: self.ledger.id.to_vec(),
            entries: self.ledger.of_attempt(&sat.attempt_id),
            carried: Vec::new(),
            checkpoint: self
                .ledger
                .checkpoint(self.device, self.ledger.entries.len()),
            pictures: sat.pictures.clone(),
            outcome,
            sealed_ms: sat.now,
        }
    }

    pub fn seal(&self, bundle: &Bundle) -> (Hash32, Vec<u8>) {
        seal_object(
            bundle,
            &self.place(ObjectKind::Bundle),
            &self.device.sign,
            &self.document.results_key,
        )
        .unwrap()
    }
}

fn fengjuan_center_version(day: &Day) -> u32 {
    let conn = day.home.database().unwrap();
    conn.query_row(
        "SELECT max(version) FROM issues WHERE sitting_no = ?1",
        [SITTING],
        |row| row.get(0),
    )
    .unwrap()
}
