//! A station on a machine whose clocks the test moves, and terminals of which only the channel is there.

use crate::plan::{Center, NOW, PASSWORD, SITE, SITTING, class_of, ticket_no};
use fengjuan_core::draw;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::room::Device;
use fengjuan_core::room::command::CommandBody;
use fengjuan_core::room::contact::Life;
use fengjuan_core::room::post::{Acknowledgement, Mark};
use fengjuan_core::seat::SeatState;
use fengjuan_device::machine::simulated::SimulatedMachine;
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_hub::room::{Line, Outgoing};
use fengjuan_hub::station::{Ports, Station};
use fengjuan_hub::view::action::{SecondPerson, StationAction};
use fengjuan_hub::view::room::SeatTile;
use fengjuan_hub::view::seat::SeatPanel;
use fengjuan_hub::view::{AlertRow, StationOutcome, StationScreen, StationView};
use fengjuan_hub::{Config, Hub};
use fengjuan_wire::entry::{Stamp, encode};
use fengjuan_wire::order::OrderKind;
use fengjuan_wire::room::{Beat, Hello, SeatBeat, UnlockedSitting};
use fengjuan_wire::upstream::{EnrolRequest, EntriesRequest};
use serde_bytes::ByteBuf;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Runtime;

pub struct Stage {
    pub dir: tempfile::TempDir,
    pub machine: Arc<SimulatedMachine>,
    pub code: Vec<String>,
    pub center: Center,
    runtime: Runtime,
    station: Option<Station>,
}

impl Stage {
    /// A station that holds the sitting.
    pub fn open() -> Stage {
        Stage::holding(Stage::bare())
    }

    /// As [`Stage::open`]; two persons have one half of the code each.
    pub fn of_two_codes() -> Stage {
        let mut stage = Stage::bare();
        stage.center.two_person_code = true;
        Stage::holding(stage)
    }

    fn holding(mut stage: Stage) -> Stage {
        let hub = stage.hub_opened();
        stage.code = stage.center.bring(&hub, &stage.stick());
        stage.over(hub);
        stage
    }

    /// A station that the center does not know yet.
    pub fn unknown() -> Stage {
        let mut stage = Stage::bare();
        let hub = stage.hub_opened();
        stage.over(hub);
        stage
    }

    fn bare() -> Stage {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        Stage {
            dir: tempfile::tempdir().unwrap(),
            machine: Arc::new(SimulatedMachine::new(NOW)),
            code: Vec::new(),
            center: Center::new(),
            runtime,
            station: None,
        }
    }

    pub fn stick(&self) -> PathBuf {
        self.dir.path().join("stick")
    }

    fn hub_opened(&self) -> Hub {
        let kit = self.dir.path().join("kit");
        self.center.write_kit(&kit);
        let config = Config {
            data_dir: self.data(),
            site_kit: Some(kit),
            listen: "127.0.0.1:0".parse().unwrap(),
            hub_name: String::new(),
            standby: false,
        };
        Hub::open(&config, self.machine.clone(), self.runtime.handle()).unwrap()
    }

    fn over(&mut self, hub: Hub) {
        let ports = Ports {
            machine: self.machine.clone(),
            camera: Arc::new(fengjuan_camera::PatternSource::new()),
            displays: Arc::new(|| None),
        };
        let _in_runtime = self.runtime.enter();
        self.station = Some(Station::over(hub, self.data(), &ports).unwrap());
        self.settle();
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("hub")
    }

    /// The program ends and begins again.
    pub fn restart(&mut self) {
        drop(self.station.take());
        let hub = self.hub_opened();
        self.over(hub);
    }

    pub fn station(&self) -> &Station {
        self.station.as_ref().unwrap()
    }

    /// What is due is recorded, and the page looks again.
    pub fn settle(&self) {
        self.station().hub().room().tick().unwrap();
        self.station().tick();
    }

    /// An order of the center is here, and has found what waits for it.
    pub fn order(&self, order_no: &str, kind: OrderKind) {
        self.center.order(self.station().hub(), order_no, kind);
        self.station().hub().room().touch();
        self.settle();
    }

    /// Time passes, second by second, in which these terminals are heard.
    pub fn pass(&self, seconds: i64, heard: &[&Fake]) {
        for _ in 0..seconds {
            self.machine.advance(1_000);
            heard.iter().for_each(|fake| fake.beat(self));
            self.station().hub().room().tick().unwrap();
        }
        self.station().tick();
    }

    pub fn act(&self, action: StationAction) -> Result<StationView, String> {
        let StationOutcome { page, refused } = self.station().act(action);
        match (refused, page.screen) {
            (Some(refused), _) => Err(refused.code),
            (None, StationScreen::Station(view)) => Ok(view),
            (None, other) => Err(format!("no station page but {other:?}")),
        }
    }

    pub fn done(&self, action: StationAction) -> StationView {
        self.act(action).unwrap()
    }

    pub fn refused(&self, action: StationAction) -> String {
        self.station().act(action).refused.expect("a refusal").code
    }

    pub fn log_in(&self, staff_id: &str) -> StationView {
        self.done(StationAction::LogIn {
            staff_id: staff_id.to_owned(),
            password: PASSWORD.to_owned(),
        })
    }

    pub fn view(&self) -> StationView {
        match self.station().page().screen {
            StationScreen::Station(view) => view,
            other => panic!("no station page but {other:?}"),
        }
    }

    /// The open alerts of the room; that nobody answers at the center is known from the beginning.
    pub fn alerts(&self) -> Vec<AlertRow> {
        let mut alerts = self.view().alerts;
        alerts.retain(|row| row.notice.code != "alert.center_away");
        alerts
    }

    pub fn tile(&self, seat_no: u32) -> SeatTile {
        let tiles = self.view().room.tiles;
        let tile = tiles.into_iter().find(|tile| tile.seat_no == seat_no);
        tile.unwrap()
    }

    pub fn panel(&self, seat_no: u32) -> SeatPanel {
        let opened = self.done(StationAction::OpenSeat {
            seat_no: Some(seat_no),
        });
        opened.room.panel.unwrap()
    }

    /// A machine asks, and two people let it in.
    pub fn admit(&self, number: u8, seat_no: Option<u32>) -> Fake {
        let mut fake = Fake::new(number);
        fake.ask(self);
        self.done(StationAction::ApproveDevice {
            device: fake.device.hex(),
            seat_no,
            second: second("P2"),
        });
        fake.connect(self);
        fake
    }

    /// Six machines with the numbers 1 to 6, and a spare; the seats are published.
    pub fn furnished(&self) -> (Vec<Fake>, Fake) {
        self.log_in("P1");
        let seats: Vec<Fake> = (1..=6)
            .map(|number| self.admit(number, Some(u32::from(number))))
            .collect();
        let spare = self.admit(7, None);
        self.done(StationAction::PublishSeats {});
        (seats, spare)
    }

    /// The code is typed, and every machine has the keys.
    pub fn unlock(&self, fakes: &mut [Fake]) {
        self.done(StationAction::Unlock {
            groups: self.code.clone(),
            second: None,
        });
        for fake in fakes.iter_mut() {
            fake.obey(self);
            fake.beat(self);
        }
        self.settle();
    }

    /// Everybody checks in, waits and is started; the first question is on every screen.
    pub fn running(&self, fakes: &mut [Fake]) {
        for fake in fakes.iter_mut() {
            fake.check_in(self);
        }
        self.pass(20 * 60, &fakes.iter().collect::<Vec<_>>());
        self.log_in("P1");
        self.done(StationAction::Start {});
        for fake in fakes.iter_mut() {
            fake.obey(self);
        }
        self.settle();
    }
}

fn sitting() -> UnlockedSitting {
    UnlockedSitting {
        sitting_no: SITTING.to_owned(),
        version: 1,
    }
}

pub fn second(staff_id: &str) -> SecondPerson {
    SecondPerson {
        staff_id: staff_id.to_owned(),
        password: PASSWORD.to_owned(),
    }
}

/// What a terminal would say and write.
pub struct Fake {
    pub place: usize,
    pub device: Device,
    name: String,
    sign: SigningKey,
    kem: KemSecret,
    ledger: [u8; 16],
    pub life: Life,
    line: Option<Line>,
    size: u64,
    pub taken: Mark,
    pub told: Vec<CommandBody>,
    unlocked: bool,
    /// Without papers it refuses what is about the sitting.
    pub has_papers: bool,
    pub state: SeatState,
    pub lease: u64,
    answered: u32,
}

impl Fake {
    pub fn new(number: u8) -> Fake {
        let sign = SigningKey::generate().unwrap();
        Fake {
            place: usize::from(number) - 1,
            device: Hash32(*sign.public().as_bytes()),
            name: format!("T{number:02}"),
            sign,
            kem: KemSecret::generate().unwrap(),
            ledger: [number; 16],
            life: Life {
                boot_id: [number; 16],
                run_id: [number; 16],
            },
            line: None,
            size: 0,
            taken: Mark::default(),
            told: Vec::new(),
            unlocked: false,
            has_papers: true,
            state: SeatState::Standby,
            lease: 1,
            answered: 0,
        }
    }

    pub fn key(&self) -> fengjuan_envelope::sign::PublicKey {
        self.sign.public()
    }

    fn address(&self) -> IpAddr {
        IpAddr::from([10, 0, 0, self.ledger[0]])
    }

    pub fn ask(&self, stage: &Stage) {
        let request = EnrolRequest {
            device_name: self.name.clone(),
            site: SITE.to_owned(),
            sign: self.sign.public(),
            kem: self.kem.public(),
            machine: vec![self.ledger[0]; 16],
            hub: None,
        };
        let hub = stage.station().hub();
        let now = hub.room().now();
        hub.devices().enrol(&request, self.address(), now);
    }

    pub fn connect(&mut self, stage: &Stage) {
        let room = stage.station().hub().room();
        let hello = Hello {
            ledger_id: self.ledger.to_vec(),
            ledger_size: self.size,
            boot_id: self.life.boot_id.to_vec(),
            run_id: self.life.run_id.to_vec(),
            epoch: self.taken.epoch,
            taken: self.taken.taken,
            unlocked: self.unlocked_sittings(),
            proof: None,
        };
        self.line = Some(room.lines().connect(self.device));
        room.heard(self.device, self.address(), self.life, self.ledger, &hello);
        for numbered in room.hello(&self.device, self.taken).unwrap() {
            self.take(stage, numbered.epoch, numbered.no, numbered.command.body);
        }
        self.beat(stage);
    }

    fn unlocked_sittings(&self) -> Vec<UnlockedSitting> {
        self.unlocked.then(sitting).into_iter().collect()
    }

    pub fn attempt(&self) -> [u8; 16] {
        draw::attempt_id(SITTING, &ticket_no(self.place), 1)
    }

    fn ticket(&self) -> Hash32 {
        draw::ticket_hash(SITTING, &ticket_no(self.place))
    }

    pub fn beat(&self, stage: &Stage) {
        let room = stage.station().hub().room();
        let seated = self.state != SeatState::Standby;
        let seat = seated.then(|| SeatBeat {
            sitting_no: SITTING.to_owned(),
            attempt_id: self.attempt().to_vec(),
            ticket: self.ticket(),
            lease: self.lease,
            state: self.state,
            suspended: false,
            answered: self.answered,
            questions: 100,
            ends_ms: None,
            undecided: 0,
        });
        let beat = Beat {
            exam_ms: Some(room.now()),
            ledger_size: self.size,
            held: self.has_papers.then(sitting).into_iter().collect(),
            unlocked: self.unlocked_sittings(),
            seat,
            unsent: 0,
            storage: None,
            camera: None,
            pulling: None,
            failed_checks: None,
        };
        room.beat(&self.device, self.life, beat);
    }

    /// Writes events of the attempt, which are replicated at once.
    pub fn write(&mut self, stage: &Stage, events: &[Event]) {
        let hub = stage.station().hub();
        let now = hub.room().now();
        let entry = |(place, event): (usize, &Event)| {
            let stamp = Stamp {
                attempt: Some(self.attempt()),
                lease: self.lease,
                actor: "candidate".to_owned(),
                boot_id: self.life.boot_id,
                boot_ms: 1,
                exam_ms: Some(now),
                wall_ms: now,
            };
            let seq = self.size + place as u64;
            ByteBuf::from(encode(&self.ledger, seq, seq, &stamp, event, None).unwrap())
        };
        let entries: Vec<ByteBuf> = events.iter().enumerate().map(entry).collect();
        let request = EntriesRequest {
            ledger_id: self.ledger.to_vec(),
            from_seq: self.size,
            entries,
            checkpoint: None,
            device: None,
        };
        self.size += events.len() as u64;
        hub.take_entries(&self.device, request).unwrap();
        self.beat(stage);
        stage.settle();
    }

    /// Ticket, picture, staff, rules, tutorial.
    pub fn check_in(&mut self, stage: &Stage) {
        self.state = SeatState::Waiting;
        let identified = Event::Identified {
            sitting_no: SITTING.to_owned(),
            ticket_hash: self.ticket(),
            seat_no: self.place as u32 + 1,
        };
        let confirmed = Event::PersonConfirmed {
            staff_id: "E1".to_owned(),
            id_document: true,
            person: true,
            ticket: true,
            contraband_clear: true,
        };
        let done = Event::TutorialDone { skipped: true };
        self.write(stage, &[identified, confirmed, Event::RulesAgreed {}, done]);
    }

    pub fn hand_in(&mut self, stage: &Stage) {
        self.state = SeatState::HandedIn;
        let at_ms = stage.station().hub().room().now();
        let handed_in = Event::HandedIn {
            kind: fengjuan_core::event::HandInKind::Own,
            answered: 98,
            unanswered: 2,
            at_ms,
            staff_id: None,
            reason: None,
        };
        self.write(stage, &[handed_in]);
    }

    /// Takes everything that was sent, in order, and acknowledges it.
    pub fn obey(&mut self, stage: &Stage) {
        while let Some(sent) = self.line.as_mut().and_then(Line::try_next) {
            match sent {
                Outgoing::Command(numbered) => {
                    let body = numbered.command.body.clone();
                    self.take(stage, numbered.epoch, numbered.no, body);
                }
                Outgoing::Keys(_) => self.unlocked = true,
                Outgoing::Look => {}
            }
        }
    }

    fn take(&mut self, stage: &Stage, epoch: u64, no: u64, body: CommandBody) {
        let last = if self.taken.epoch == epoch {
            self.taken.taken
        } else {
            0
        };
        assert_eq!(no, last + 1, "in order, without gaps");
        self.taken = Mark { epoch, taken: no };
        let about_sitting = matches!(
            body,
            CommandBody::Start { .. } | CommandBody::End { .. } | CommandBody::Arrive { .. }
        );
        let refusal = (about_sitting && !self.has_papers).then(|| "room.other_sitting".to_owned());
        if let CommandBody::Start { at_ms, .. } = &body
            && self.state == SeatState::Waiting
            && refusal.is_none()
        {
            self.state = SeatState::Answering;
            self.answered = 1;
            let started = Event::AttemptStarted {
                sitting_no: SITTING.to_owned(),
                class_no: class_of(self.place).to_owned(),
                package: Hash32([1; 32]),
                paper: Hash32([2; 32]),
                started_ms: *at_ms,
                ends_ms: *at_ms + 120 * 60_000,
            };
            self.write(stage, &[started]);
        }
        self.told.push(body);
        let done = Acknowledgement { epoch, no, refusal };
        stage
            .station()
            .hub()
            .room()
            .acknowledged(&self.device, done);
    }
}
