//! The station, one rule after the other. What comes of it all together is the simulation's.

mod beside;
mod day;
mod silence;
mod swap;

use super::{device, ledger};
use fengjuan_core::event::{Event, HandInKind, Hash32, OutageCause};
use fengjuan_core::plan::*;
use fengjuan_core::room::command::{Command, CommandBody};
use fengjuan_core::room::contact::Life;
use fengjuan_core::room::post::Acknowledgement;
use fengjuan_core::room::rules::Person;
use fengjuan_core::room::station::{Action, Actor, Fact, Note, RoomError, Station};

pub const MINUTE: i64 = 60_000;
pub const START: i64 = 1_000 * MINUTE;
pub const ATTEMPT: [u8; 16] = [7; 16];
pub const TICKET: Hash32 = Hash32([8; 32]);

/// A station and its ledger.
pub struct Desk {
    pub station: Station,
    pub ledger: Vec<Event>,
    ids: u8,
}

pub fn person(staff_id: &str, role: Role) -> Person {
    Person {
        staff_id: staff_id.to_owned(),
        role,
    }
}

pub fn two() -> Actor {
    Actor {
        person: person("P1", Role::Proctor),
        second: Some(person("H1", Role::SiteHead)),
        reason: "查明".to_owned(),
    }
}

pub fn one(reason: &str) -> Actor {
    Actor {
        person: person("P1", Role::Proctor),
        second: None,
        reason: reason.to_owned(),
    }
}

pub fn sitting() -> Sitting {
    let text = String::new;
    let class_group = |class_no: &str| ClassGroup {
        class_no: class_no.to_owned(),
        name: text(),
        subject: text(),
        attempt_type: AttemptType::FirstAttempt,
        attempt_no: 1,
        minutes: 120,
        blueprint: Blueprint {
            parts: Vec::new(),
            pass_mark_half_points: 0,
        },
    };
    Sitting {
        sitting_no: "S".to_owned(),
        version: 1,
        plan: PlanFacts {
            plan_no: text(),
            name: text(),
            period_no: text(),
            center: text(),
            authority: text(),
            site: text(),
            site_name: text(),
            qualification_type: text(),
            work_category: text(),
            operation_item: text(),
            exam_type: ExamType::Initial,
        },
        room_no: text(),
        room_name: text(),
        capacity: 4,
        start_ms: START,
        entry: EntryRules {
            opens_before_min: 30,
            late_limit_min: 15,
            earliest_leave_min: 0,
            start_delay_limit_min: 20,
        },
        class_groups: vec![class_group("C"), class_group("D")],
        score_release: ScoreRelease::Never,
        answer_release: AnswerRelease::AtCenter,
        snapshots: SnapshotPolicy {
            mean_interval_s: 0,
            least_gap_s: 0,
        },
        outage_credit_cap_min: 30,
        pattern_camera_allowed: true,
        two_person_code: false,
        staff: Vec::new(),
        makeup_of: None,
        rules_text: Vec::new(),
    }
}

impl Desk {
    pub fn new() -> Desk {
        let mut station = Station::new(device(100));
        station.hold(&sitting(), 2);
        Desk {
            station,
            ledger: Vec::new(),
            ids: 0,
        }
    }

    /// Commanding, with machines 1 and 2 and the spare 3, all heard, and the papers of a sitting.
    pub fn open() -> Desk {
        let mut desk = Desk::new();
        let now = START - 60 * MINUTE;
        desk.ask(Action::TakeOver { followed: None }, &Actor::system(), now)
            .unwrap();
        for number in 1..=3 {
            let list = Action::List {
                device: device(number),
                name: format!("PC-{number}"),
                spare: number == 3,
            };
            desk.ask(list, &two(), now).unwrap();
            desk.hear(number, 1, 1, now);
        }
        desk.ask(Action::NumberMachines {}, &two(), now).unwrap();
        let held = Action::Held {
            sitting_no: "S".to_owned(),
            version: 1,
        };
        desk.ask(held, &two(), now).unwrap();
        desk
    }

    /// The candidate answers at machine 1.
    pub fn running() -> Desk {
        let mut desk = Desk::open();
        let unlocked = Action::Unlocked {
            sitting_no: "S".to_owned(),
            version: 1,
        };
        desk.ask(unlocked, &two(), START - 20 * MINUTE).unwrap();
        desk.publish("S");
        let start = Action::Start {
            sitting_no: "S".to_owned(),
        };
        desk.ask(start, &two(), START).unwrap();
        for number in 1..=3 {
            desk.hear(number, 1, 1, START);
        }
        desk.identified(1);
        desk.entry(1, 1, begun());
        desk.due(START);
        desk
    }

    pub fn publish(&mut self, sitting_no: &str) {
        let publish = Action::PublishSeats {
            sitting_no: sitting_no.to_owned(),
        };
        self.ask(publish, &two(), START - 20 * MINUTE).unwrap();
    }

    pub fn ask(
        &mut self,
        action: Action,
        actor: &Actor,
        now: i64,
    ) -> Result<Vec<Event>, RoomError> {
        let ids = &mut self.ids;
        let mut id = || {
            *ids += 1;
            [*ids; 16]
        };
        let events = self.station.propose(&action, actor, &mut id, now)?;
        self.write(&events);
        Ok(events)
    }

    /// What is due, until nothing is.
    pub fn due(&mut self, now: i64) -> Vec<Event> {
        self.station.tick(now);
        let mut all = Vec::new();
        loop {
            let ids = &mut self.ids;
            let mut id = || {
                *ids += 1;
                [*ids; 16]
            };
            let events = self.station.due(&mut id, now);
            if events.is_empty() {
                return all;
            }
            self.write(&events);
            all.extend(events);
            assert!(all.len() < 100, "what is written is not due again");
        }
    }

    pub fn write(&mut self, events: &[Event]) {
        for event in events {
            self.station.commit(event);
            self.ledger.push(event.clone());
        }
    }

    pub fn hear(&mut self, number: u8, boot: u8, run: u8, now: i64) {
        let heard = Fact::Heard {
            device: device(number),
            life: Life {
                boot_id: [boot; 16],
                run_id: [run; 16],
            },
            ledger_id: ledger(number),
            ledger_size: 0,
            storage: None,
            camera: None,
        };
        self.station.observe(&heard, now);
    }

    /// The next entry of a machine's ledger that is about the attempt.
    pub fn entry(&mut self, number: u8, lease: u64, note: Note) {
        let seq = self.station.replica_size(&ledger(number));
        let entry = Fact::Entry {
            device: device(number),
            ledger_id: ledger(number),
            seq,
            lease,
            attempt: Some(ATTEMPT),
            note,
        };
        self.station.observe(&entry, START);
    }

    pub fn identified(&mut self, number: u8) {
        let event = Event::Identified {
            sitting_no: "S".to_owned(),
            ticket_hash: TICKET,
            seat_no: u32::from(number),
        };
        self.entry(number, 1, Note::Clear(Box::new(event)));
    }

    pub fn taken(&mut self, number: u8, lease: u64, command: &Command) {
        let event = Event::CommandTaken {
            epoch: 1,
            no: 1,
            command_id: command.command_id,
            command: TICKET,
            refusal: None,
        };
        self.entry(number, lease, Note::Clear(Box::new(event)));
    }

    pub fn acknowledge(&mut self, number: u8, no: u64, refusal: Option<&str>) {
        let how = Acknowledgement {
            epoch: 1,
            no,
            refusal: refusal.map(str::to_owned),
        };
        let event = self.station.acknowledged(&device(number), &how);
        self.write(&event.into_iter().collect::<Vec<_>>());
    }
}

impl Desk {
    /// The machine answers everything that it was sent.
    pub fn answer(&mut self, number: u8, refusal: Option<&str>) {
        for waiting in self.station.waiting_from(&device(number), 1) {
            self.acknowledge(number, waiting.no, refusal);
        }
    }
}

/// The commands among events, with their machines.
pub fn commands(events: &[Event]) -> Vec<(u8, CommandBody)> {
    let command = |event: &Event| match event {
        Event::CommandIssued {
            device, command, ..
        } => Some((device.0[0], command.body.clone())),
        _ => None,
    };
    events.iter().filter_map(command).collect()
}

pub fn outage(outage_no: u32) -> Note {
    Note::Clear(Box::new(Event::OutageRecorded {
        outage_no,
        cause: OutageCause::Power,
        from_ms: START,
        to_ms: START + MINUTE,
        proposed_ms: MINUTE,
    }))
}

pub fn begun() -> Note {
    Note::Clear(Box::new(Event::AttemptStarted {
        sitting_no: "S".to_owned(),
        class_no: "C".to_owned(),
        package: TICKET,
        paper: TICKET,
        started_ms: START,
        ends_ms: START + 120 * MINUTE,
    }))
}

pub fn handed_in() -> Note {
    Note::Clear(Box::new(Event::HandedIn {
        kind: HandInKind::Forced,
        answered: 0,
        unanswered: 1,
        at_ms: START,
        staff_id: Some("P1".to_owned()),
        reason: Some("疏散".to_owned()),
    }))
}
