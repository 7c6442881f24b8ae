//! A terminal in a temporary directory, with a machine whose clocks a test moves and a camera that a test breaks.

use crate::center::*;
use fengjuan_camera::*;
use fengjuan_core::event::Hash32;
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::machine::Machine;
use fengjuan_device::machine::simulated::SimulatedMachine;
use fengjuan_device::papers::{HeldPackage, HeldPapers, SittingKey};
use fengjuan_device::recorder::{Recorder, last_tick};
use fengjuan_device::sync::RoomLink;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_store::{Database, StoreError};
use fengjuan_terminal::controller::held::{Enrolment, Outward, OutwardAct};
use fengjuan_terminal::controller::{Config, DisplayPort, Parts, Ports, Terminal};
use fengjuan_terminal::sealing::DeviceKeys;
use fengjuan_terminal::view::action::*;
use fengjuan_terminal::view::candidate::*;
use fengjuan_terminal::view::desk::*;
use fengjuan_terminal::view::*;
use fengjuan_wire::directory::KeyDirectory;
use fengjuan_wire::grant::Grant;
use fengjuan_wire::sitting::SittingDocument;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A camera that shows noise, or whatever fault it is told to have.
#[derive(Default)]
pub struct TestCamera {
    pub fault: Mutex<Option<CameraFault>>,
    taken: AtomicU64,
}

impl CameraSource for TestCamera {
    fn list(&self) -> Result<Vec<CameraDevice>, CameraFault> {
        let gone = *self.fault.lock().unwrap() == Some(CameraFault::NotFound);
        let device = CameraDevice {
            id: "0".into(),
            name: "USB Camera".into(),
            pattern: false,
        };
        Ok(if gone { Vec::new() } else { vec![device] })
    }
    fn take(&self, _: &str, _: &ShotRequest) -> Result<image::RgbImage, CameraFault> {
        if let Some(fault) = self.fault.lock().unwrap().clone() {
            return Err(fault);
        }
        let number = self.taken.fetch_add(1, Ordering::Relaxed) as u8;
        Ok(image::RgbImage::from_fn(32, 24, |x, y| {
            image::Rgb([x as u8 ^ number, y as u8, number])
        }))
    }
    fn label(&self) -> Option<&'static str> {
        None
    }
    fn frames_change(&self, _: &str, _: Duration) -> Result<FrameChange, CameraFault> {
        Ok(FrameChange {
            frames: 2,
            changed: 1,
            millis: 1,
        })
    }
}

/// As many displays as the test says; 0 is a window layer that cannot tell.
#[derive(Default)]
pub struct TestDisplays(pub AtomicU64);

impl DisplayPort for TestDisplays {
    fn sizes(&self) -> Option<Vec<(u32, u32)>> {
        let count = self.0.load(Ordering::Relaxed);
        (count > 0).then(|| vec![(1366, 768); count as usize])
    }
}

/// Papers in memory, checkpoints for real, and no center.
pub struct TestOutward {
    pub held: Mutex<Vec<Arc<HeldPapers>>>,
    revision: AtomicU64,
    pub nudges: AtomicU64,
    /// Packages that could not be read.
    pub damaged: Mutex<Vec<Hash32>>,
    recorder: Mutex<Option<(Recorder, [u8; 16])>>,
    directory: KeyDirectory,
    identity: Arc<DeviceIdentity>,
    /// The channel to the hub; none in direct mode.
    pub link: Mutex<Option<RoomLink>>,
    /// What the hub holds of any attempt; none where it cannot be reached.
    pub replicas: Mutex<Option<Vec<Vec<u8>>>>,
    /// The hub says that another terminal holds the attempt.
    pub overtaken: Mutex<bool>,
}

impl TestOutward {
    pub fn set_held(&self, held: Vec<Arc<HeldPapers>>) {
        *self.held.lock().unwrap() = held;
        self.revision.fetch_add(1, Ordering::Relaxed);
    }
}

impl Outward for TestOutward {
    fn held(&self) -> Vec<Arc<HeldPapers>> {
        self.held.lock().unwrap().clone()
    }
    fn held_revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }
    fn package_damaged(&self, hash: &Hash32) {
        self.damaged.lock().unwrap().push(*hash);
    }
    fn nudge(&self) {
        self.nudges.fetch_add(1, Ordering::Relaxed);
    }
    fn checkpoint(&self) -> Result<String, StoreError> {
        let guard = self.recorder.lock().unwrap();
        let (recorder, ledger_id) = guard.as_ref().ok_or(StoreError::Closed)?;
        let stored = fengjuan_device::sync::checkpoint(
            recorder,
            &self.directory,
            &self.identity,
            ledger_id,
        )?;
        Ok(stored.note)
    }
    fn device(&self) -> (String, String) {
        ("T01".into(), SITE.into())
    }
    fn link(&self) -> LinkState {
        LinkState::Offline
    }
    fn enrolment(&self) -> Enrolment {
        Enrolment::Done
    }
    fn pull_state(&self) -> PullState {
        PullState::Idle {}
    }
    fn courier_folders(&self) -> Vec<String> {
        Vec::new()
    }
    fn exported_to(&self) -> Option<String> {
        None
    }
    fn equipment(&self) -> EquipmentView {
        EquipmentView {
            running: false,
            checked_ms: None,
            before_reboot: false,
            rows: Vec::new(),
            saved_to: None,
        }
    }
    fn witnessed(&self) -> (u64, Option<i64>) {
        (0, None)
    }
    fn last_failure(&self, _: &Hash32) -> Option<String> {
        None
    }
    fn room(&self) -> Option<RoomLink> {
        self.link.lock().unwrap().clone()
    }
    fn attempt_entries(&self, _: &[u8; 16]) -> Result<Vec<Vec<u8>>, Refused> {
        if *self.overtaken.lock().unwrap() {
            return Err(fengjuan_device::refusal::refused("lease.fenced"));
        }
        let held = self.replicas.lock().unwrap().clone();
        held.ok_or_else(|| fengjuan_device::refusal::refused("moved.unreachable"))
    }
    fn act(&self, _: OutwardAct) -> Result<(), Refused> {
        Ok(())
    }
    fn stop(&self) {}
}

/// Ends the program at the n-th look at a clock: entries are stamped right before they are written, so that every state
/// of the disk between two writes is met.
#[derive(Default)]
pub struct Fuse(Mutex<Option<(std::thread::ThreadId, u32)>>);

impl Fuse {
    /// Only looks of the calling thread are counted.
    pub fn arm(&self, looks: u32) {
        *self.0.lock().unwrap() = Some((std::thread::current().id(), looks));
    }
    pub fn disarm(&self) {
        *self.0.lock().unwrap() = None;
    }
    fn burn(&self) {
        let mut fuse = self.0.lock().unwrap();
        let blown = match &mut *fuse {
            Some((thread, looks)) if *thread == std::thread::current().id() => {
                let blown = *looks == 0;
                *looks = looks.saturating_sub(1);
                blown
            }
            _ => false,
        };
        if blown {
            *fuse = None;
            drop(fuse);
            std::panic::resume_unwind(Box::new("killed"));
        }
    }
}

struct FusedMachine(Arc<SimulatedMachine>, Arc<Fuse>);

impl Machine for FusedMachine {
    fn boot_id(&self) -> [u8; 16] {
        self.0.boot_id()
    }
    fn boot_ms(&self) -> i64 {
        self.1.burn();
        self.0.boot_ms()
    }
    fn monotonic_ms(&self) -> i64 {
        self.0.monotonic_ms()
    }
    fn wall_ms(&self) -> i64 {
        self.0.wall_ms()
    }
    fn utc_offset_min(&self) -> i32 {
        self.0.utc_offset_min()
    }
}

type Packed = (String, String, Hash32, u64);
type Saved = (Vec<u8>, KeyDirectory, SittingDocument, Grant, Vec<Packed>);

pub struct Room {
    pub dir: tempfile::TempDir,
    pub data: PathBuf,
    pub machine: Arc<SimulatedMachine>,
    pub fuse: Arc<Fuse>,
    pub camera: Arc<TestCamera>,
    pub displays: Arc<TestDisplays>,
    pub outward: Arc<TestOutward>,
    pub center: Center,
    pub identity: Arc<DeviceIdentity>,
    pub seat_no: Option<u32>,
    pub issued: Vec<Issued>,
    terminal: Option<Arc<Terminal>>,
}

impl Room {
    /// A terminal that holds one sitting, 20 minutes before its start.
    pub fn new() -> Room {
        Room::with(|_| {})
    }

    pub fn with(edit: impl FnOnce(&mut fengjuan_core::plan::Sitting)) -> Room {
        let mut room = Room::empty();
        room.issue("S1", edit);
        room.open();
        room
    }

    pub fn empty() -> Room {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        std::fs::create_dir_all(data.join("packages")).unwrap();
        let identity = Arc::new(DeviceIdentity::open(&data).unwrap());
        let center = Center::new();
        let outward = Arc::new(TestOutward {
            held: Mutex::default(),
            revision: AtomicU64::new(1),
            nudges: AtomicU64::new(0),
            damaged: Mutex::default(),
            recorder: Mutex::new(None),
            directory: center.directory.clone(),
            identity: identity.clone(),
            link: Mutex::default(),
            replicas: Mutex::default(),
            overtaken: Mutex::default(),
        });
        Room {
            dir,
            data,
            machine: Arc::new(SimulatedMachine::new(START_MS - 20 * MINUTE)),
            fuse: Arc::default(),
            camera: Arc::default(),
            displays: Arc::default(),
            outward,
            center,
            identity,
            seat_no: None,
            issued: Vec::new(),
            terminal: None,
        }
    }

    pub fn issue(
        &mut self,
        sitting_no: &str,
        edit: impl FnOnce(&mut fengjuan_core::plan::Sitting),
    ) {
        let dir = self.data.join("packages");
        let issued = self.center.issue(&dir, &self.identity, sitting_no, edit);
        let mut held = self.outward.held.lock().unwrap().clone();
        held.push(Arc::new(issued.held.clone()));
        self.outward.set_held(held);
        self.issued.push(issued);
    }

    /// Opens the terminal. After a kill, a camera's thread may be the one that lets the directory go.
    pub fn open(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match self.try_open() {
                Err(StoreError::AlreadyRunning { .. }) if Instant::now() < deadline => {
                    std::thread::yield_now();
                }
                other => return other.unwrap(),
            }
        }
    }

    pub fn try_open(&mut self) -> Result<(), StoreError> {
        assert!(self.terminal.is_none());
        let (database, opened) = Database::open(&self.data)?;
        let reader = database.reader()?;
        let last_tick = last_tick(&reader)?;
        let machine: Arc<dyn Machine> =
            Arc::new(FusedMachine(self.machine.clone(), self.fuse.clone()));
        let (recorder, resumption) = Recorder::start(database.writer(), &reader, machine.clone())?;
        *self.outward.recorder.lock().unwrap() = Some((recorder.clone(), opened.ledger_id));
        let config = Config {
            data_dir: self.data.clone(),
            site_kit: None,
            seat_no: self.seat_no,
        };
        let ports = Ports {
            machine,
            camera: self.camera.clone(),
            pattern: Arc::new(PatternSource::new()),
            displays: self.displays.clone(),
        };
        let keys = DeviceKeys {
            sign: self.identity.sign.clone(),
            kem: self.identity.kem.clone(),
            issuer: self.center.issuer.public(),
        };
        let outward: Arc<dyn Outward> = self.outward.clone();
        let parts = Parts {
            config,
            ports,
            keys,
            database,
            opened,
            recorder,
            resumption,
            last_tick,
            outward,
        };
        self.terminal = Some(Terminal::assemble(parts)?);
        Ok(())
    }

    /// What another process needs to open this terminal's directory.
    pub fn save(&self, file: &Path) {
        let issued = &self.issued[0];
        let packages: Vec<Packed> = issued
            .held
            .packages
            .iter()
            .map(|package| {
                let path = package.path.to_str().unwrap().to_owned();
                (package.class_no.clone(), path, package.hash, package.bytes)
            })
            .collect();
        let saved: Saved = (
            self.center.issuer.seed().to_vec(),
            self.center.directory.clone(),
            (*issued.held.document).clone(),
            issued.held.grant.clone().unwrap(),
            packages,
        );
        std::fs::write(file, fengjuan_envelope::cbor::to_vec(&saved).unwrap()).unwrap();
    }

    /// A terminal of another process over the same directory, on a machine that has just booted.
    pub fn take_over(file: &Path, data: PathBuf, wall_ms: i64) -> Room {
        let bytes = std::fs::read(file).unwrap();
        let saved: Saved = fengjuan_envelope::cbor::from_slice(&bytes).unwrap();
        let (issuer, directory, document, grant, packages) = saved;
        let mut room = Room::empty();
        room.identity = Arc::new(DeviceIdentity::open(&data).unwrap());
        room.data = data;
        room.machine = Arc::new(SimulatedMachine::new(wall_ms));
        // Every start is another boot.
        for _ in 0..(wall_ms - START_MS) / 1_000 {
            room.machine.reboot(0);
        }
        room.center.issuer = SigningKey::from_seed(&issuer.try_into().unwrap());
        room.center.directory = directory.clone();
        let held = HeldPapers {
            key: SittingKey {
                sitting_no: document.sitting.sitting_no.clone(),
                version: document.sitting.version,
            },
            document_hash: fengjuan_wire::hash(b"taken over"),
            document_bytes: Arc::default(),
            document: Arc::new(document),
            grant: Some(grant),
            packages: packages
                .into_iter()
                .map(|(class_no, path, hash, bytes)| HeldPackage {
                    class_no,
                    hash,
                    bytes,
                    path: path.into(),
                    state: HeldState::Held,
                    verified_ms: 0,
                })
                .collect(),
            superseded: false,
        };
        room.outward = Arc::new(TestOutward {
            held: Mutex::new(vec![Arc::new(held)]),
            revision: AtomicU64::new(1),
            nudges: AtomicU64::new(0),
            damaged: Mutex::default(),
            recorder: Mutex::new(None),
            directory,
            identity: room.identity.clone(),
            link: Mutex::default(),
            replicas: Mutex::default(),
            overtaken: Mutex::default(),
        });
        room
    }

    /// Another machine of the same room, with the same sitting and a grant of its own; its clocks show the same time.
    pub fn beside(&self) -> Room {
        let mut room = Room::empty();
        room.machine = Arc::new(SimulatedMachine::new(self.view().clock.exam_ms));
        room.center.issuer = self.center.issuer.clone();
        room.center.results = self.center.results.clone();
        room.center.directory = self.center.directory.clone();
        let issued = &self.issued[0];
        let mut held = issued.held.clone();
        held.grant = Some(room.center.grant_again(issued, &room.identity));
        room.outward.set_held(vec![Arc::new(held)]);
        room.open();
        room
    }

    /// Writes beside the terminal.
    pub fn recorder(&self) -> Recorder {
        let guard = self.outward.recorder.lock().unwrap();
        guard.as_ref().unwrap().0.clone()
    }

    pub fn terminal(&self) -> &Arc<Terminal> {
        self.terminal.as_ref().unwrap()
    }

    /// The program ends without a word; nothing is flushed that was not durable.
    pub fn kill(&mut self) {
        let terminal = self.terminal.take().unwrap();
        let weak = Arc::downgrade(&terminal);
        drop(terminal);
        *self.outward.recorder.lock().unwrap() = None;
        // A camera thread may still hold the terminal for a moment.
        let deadline = Instant::now() + Duration::from_secs(20);
        while weak.strong_count() > 0 {
            assert!(Instant::now() < deadline, "somebody keeps the terminal");
            std::thread::yield_now();
        }
    }

    pub fn restart(&mut self) {
        self.kill();
        self.open();
    }

    /// Time passes; the terminal looks at it every 250 ms as the app makes it, but not for hours.
    pub fn pass(&self, ms: i64) {
        let step = (ms / 40).max(250);
        let mut left = ms;
        while left > 0 {
            let now = step.min(left);
            self.machine.advance(now);
            self.terminal().tick();
            left -= now;
        }
    }

    pub fn pass_to(&self, exam_ms: i64) {
        let ms = exam_ms - self.view().clock.exam_ms;
        assert!(ms >= 0, "time does not go back");
        self.pass(ms);
    }

    pub fn view(&self) -> View {
        self.terminal().view()
    }

    pub fn screen(&self) -> Screen {
        self.view().screen
    }

    /// Waits until the screen is such, as cameras and the like work elsewhere.
    pub fn until<T>(&self, what: &str, pick: impl Fn(&View) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let view = self.view();
            if let Some(found) = pick(&view) {
                return found;
            }
            assert!(Instant::now() < deadline, "never {what}: {:?}", view.screen);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn candidate(&self, action: CandidateAction) -> Outcome {
        self.terminal().candidate(action)
    }
    pub fn seat(&self, action: SeatAction) -> Outcome {
        self.terminal().seat(action)
    }
    pub fn desk(&self, action: DeskAction) -> Outcome {
        self.terminal().desk(action)
    }

    #[track_caller]
    pub fn does(&self, action: CandidateAction) -> View {
        ok(self.candidate(action))
    }

    #[track_caller]
    pub fn log_in(&self, (staff_id, password): (&str, &str)) -> View {
        ok(self.seat(SeatAction::OpenDesk {}));
        ok(self.seat(SeatAction::LogIn {
            staff_id: staff_id.into(),
            password: password.into(),
        }))
    }

    #[track_caller]
    pub fn log_out(&self) -> View {
        ok(self.desk(DeskAction::LogOut {}))
    }

    #[track_caller]
    pub fn unlock(&self) -> View {
        self.log_in(PROCTOR);
        let view = ok(self.desk(DeskAction::Unlock {
            groups: self.issued[0].groups(),
            second: None,
        }));
        if matches!(view.screen, Screen::Desk(_)) {
            self.log_out()
        } else {
            view
        }
    }

    #[track_caller]
    pub fn start(&self) -> View {
        self.log_in(PROCTOR);
        ok(self.desk(DeskAction::Start {}))
    }

    /// From standby to the staff's confirmation.
    #[track_caller]
    pub fn identify(&self, ticket_no: &str) {
        self.does(CandidateAction::Begin {});
        self.does(CandidateAction::Identify {
            number: ticket_no.into(),
        });
        self.does(CandidateAction::TakePicture {});
        self.until("a picture", |view| {
            matches!(view.screen, Screen::StaffConfirm(_)).then_some(())
        });
    }

    pub fn confirm(&self) -> Outcome {
        self.seat(SeatAction::ConfirmPerson {
            staff_id: STAFF.0.into(),
            password: STAFF.1.into(),
            id_document: true,
            person: true,
            ticket: true,
            contraband_clear: true,
        })
    }

    /// From standby to the waiting room.
    #[track_caller]
    pub fn wait_in_room(&self, ticket_no: &str) {
        self.identify(ticket_no);
        ok(self.confirm());
        self.does(CandidateAction::AgreeRules {});
        let view = self.does(CandidateAction::TutorialDone { skipped: true });
        assert!(
            matches!(view.screen, Screen::Waiting(_)),
            "{:?}",
            view.screen
        );
    }

    /// From standby into the exam, on time.
    #[track_caller]
    pub fn sit(&self, ticket_no: &str) -> ExamView {
        self.unlock();
        self.wait_in_room(ticket_no);
        self.pass_to(START_MS);
        exam(self.start())
    }

    #[track_caller]
    pub fn choose(&self, position: u32, option: u8) -> Outcome {
        self.candidate(CandidateAction::Choose { position, option })
    }

    /// What the answer sheet and the question say; equal before and after a stop.
    pub fn standing(&self) -> (u32, Vec<SheetCell>, QuestionText) {
        let exam = exam(self.view());
        (
            exam.question.position,
            exam.sheet,
            QuestionText::of(&exam.question),
        )
    }

    #[track_caller]
    pub fn hand_in(&self) -> HandedInView {
        self.does(CandidateAction::CheckHandIn {});
        self.does(CandidateAction::ConfirmHandIn {});
        handed_in(self.does(CandidateAction::HandIn {}))
    }
}

/// A question without the revision in its picture's address.
#[derive(Clone, Debug, PartialEq)]
pub struct QuestionText(String, Vec<(String, bool)>, bool);

impl QuestionText {
    fn of(question: &QuestionView) -> QuestionText {
        let options = question
            .options
            .iter()
            .map(|option| (option.text.clone(), option.chosen));
        QuestionText(question.stem.clone(), options.collect(), question.flagged)
    }
}

#[track_caller]
pub fn ok(outcome: Outcome) -> View {
    assert_eq!(outcome.refused, None);
    outcome.view
}

#[track_caller]
pub fn refused(outcome: Outcome) -> String {
    outcome.refused.expect("was not refused").code
}

#[track_caller]
pub fn exam(view: View) -> ExamView {
    match view.screen {
        Screen::Exam(exam) => exam,
        other => panic!("no exam: {other:?}"),
    }
}

#[track_caller]
pub fn handed_in(view: View) -> HandedInView {
    match view.screen {
        Screen::HandedIn(handed_in) => handed_in,
        other => panic!("not handed in: {other:?}"),
    }
}

#[track_caller]
pub fn desk_of(view: View) -> DeskView {
    match view.screen {
        Screen::Desk(desk) => desk,
        other => panic!("no desk: {other:?}"),
    }
}
