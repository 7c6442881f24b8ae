use super::*;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::plan::Role;
use fengjuan_core::room::alert::Alert;
use fengjuan_core::room::post::Mark;
use fengjuan_core::room::rules::Person;
use fengjuan_core::room::station::Action;
use fengjuan_device::machine::simulated::SimulatedMachine;
use fengjuan_store::{AppendRequest, Database, LedgerIdentity, Replicas};
use fengjuan_wire::entry::{Stamp, encode};
use serde_bytes::ByteBuf;
use std::path::Path;

const NOW: i64 = 1_800_000_000_000;
const ME: Device = Hash32([1; 32]);
const T1: Device = Hash32([11; 32]);
const T2: Device = Hash32([12; 32]);
const LEDGER: LedgerId = [5; 16];
const ATTEMPT: [u8; 16] = [8; 16];

struct Opened {
    room: Room,
    machine: Arc<SimulatedMachine>,
    replicas: Replicas,
    _database: Database,
}

fn open(dir: &Path) -> Opened {
    let machine = Arc::new(SimulatedMachine::new(NOW));
    let (database, _) = Database::open(dir).unwrap();
    let reader = database.reader().unwrap();
    let (recorder, _) = Recorder::start(database.writer(), &reader, machine.clone()).unwrap();
    let replicas = Replicas::open(dir, |_, _| Err("no witness".to_owned())).unwrap();
    let room = Room::open(
        recorder,
        reader,
        replicas.reader().unwrap(),
        ME,
        BTreeSet::new(),
    )
    .unwrap();
    Opened {
        room,
        machine,
        replicas,
        _database: database,
    }
}

fn proctor() -> Actor {
    Actor {
        person: Person {
            staff_id: "S1".to_owned(),
            role: Role::Proctor,
        },
        second: None,
        reason: "因故".to_owned(),
    }
}

fn list(room: &Room, device: Device) {
    let list = Action::List {
        device,
        name: "T".to_owned(),
        spare: false,
    };
    room.act(&list, &Actor::system()).unwrap();
}

/// Every machine gets a number, and is told of it.
fn number(room: &Room) -> usize {
    let events = room.act(&Action::NumberMachines {}, &proctor()).unwrap();
    let told = events
        .iter()
        .filter(|event| matches!(event, Event::CommandIssued { .. }));
    told.count()
}

fn entry(seq: u64, event: &Event) -> ByteBuf {
    let stamp = Stamp {
        attempt: Some(ATTEMPT),
        lease: 1,
        actor: "candidate".to_owned(),
        boot_id: [1; 16],
        boot_ms: 1,
        exam_ms: Some(NOW),
        wall_ms: NOW,
    };
    ByteBuf::from(encode(&LEDGER, seq, seq, &stamp, event, None).unwrap())
}

fn identified() -> Event {
    Event::Identified {
        sitting_no: "Z1".to_owned(),
        ticket_hash: Hash32([3; 32]),
        seat_no: 1,
    }
}

#[test]
fn the_first_station_runs_the_room_and_a_restart_gives_the_same_one() {
    let dir = tempfile::tempdir().unwrap();
    let before = {
        let opened = open(dir.path());
        let room = &opened.room;
        assert_eq!(room.raised(), None);
        assert_eq!(
            room.act(&Action::NumberMachines {}, &proctor())
                .unwrap_err()
                .code(),
            "room.not_commanding"
        );
        assert!(room.begin().unwrap());
        assert!(!room.begin().unwrap(), "once");
        list(room, T1);
        assert_eq!(number(room), 1);
        opened.machine.advance(60_000);
        room.tick().unwrap();
        room.read(|station| station.recorded().clone())
    };
    let opened = open(dir.path());
    assert_eq!(
        opened.room.read(|station| station.recorded().clone()),
        before
    );
    let raised = opened.room.raised().unwrap();
    assert_eq!(
        (raised.epoch, raised.at_ms, raised.by.as_str()),
        (1, NOW, "")
    );
}

#[test]
fn a_command_goes_out_after_it_is_durable_and_again_until_it_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path());
    let room = &opened.room;
    room.begin().unwrap();
    list(room, T1);
    list(room, T2);
    let mut line = room.lines().connect(T1);
    assert_eq!(number(room), 2, "one for each machine");
    let Some(Outgoing::Command(sent)) = line.try_next() else {
        panic!("nothing was sent");
    };
    assert_eq!((sent.epoch, sent.no), (1, 1));
    // The line is lost before the answer: everything that waits comes again.
    drop(line);
    let mark = Mark { epoch: 1, taken: 1 };
    assert_eq!(room.hello(&T1, mark).unwrap(), [*sent.clone()]);
    let done = Acknowledgement {
        epoch: 1,
        no: 1,
        refusal: None,
    };
    for _ in 0..3 {
        room.acknowledged(&T1, done.clone());
    }
    room.settle().unwrap();
    assert_eq!(room.hello(&T1, mark).unwrap(), []);
    let size = opened._database.reader().unwrap().size().unwrap();
    room.acknowledged(&T1, done);
    room.settle().unwrap();
    let after = opened._database.reader().unwrap().size().unwrap();
    assert_eq!(after, size, "an acknowledgement is recorded once");
}

#[test]
fn who_obeys_a_higher_epoch_stops_this_station() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path());
    let room = &opened.room;
    room.begin().unwrap();
    list(room, T1);
    let mut line = room.lines().connect(T2);
    let mark = Mark { epoch: 4, taken: 0 };
    assert_eq!(room.hello(&T1, mark).unwrap_err().code(), "post.superseded");
    assert!(room.raised().is_some(), "a terminal's word stops nobody");
    room.hear_epoch(4, Some(Hash32([9; 32]))).unwrap();
    assert!(line.try_next().is_none() && !room.lines().is_connected(&T2));
    assert_eq!(room.raised(), None);
    let refused = room.act(&Action::NumberMachines {}, &proctor());
    assert_eq!(refused.unwrap_err().code(), "room.not_commanding");
    room.settle().unwrap();
    let open = room.read(|station| {
        let worst = station.alerts().worst_first();
        worst
            .iter()
            .map(|one| one.alert.clone())
            .collect::<Vec<_>>()
    });
    assert_eq!(open, [Alert::StationStopped { epoch: 4 }]);
}

#[test]
fn entries_are_told_once_in_order_and_the_first_lease_follows() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path());
    let room = &opened.room;
    room.begin().unwrap();
    list(room, T1);
    let entries = [
        entry(0, &Event::RulesAgreed {}),
        entry(1, &identified()),
        entry(2, &Event::RulesAgreed {}),
    ];
    let request = AppendRequest {
        ledger_id: LEDGER,
        identity: LedgerIdentity {
            device: "T".to_owned(),
            device_key: T1.0,
            origin: "o".to_owned(),
        },
        from_seq: 0,
        entries: entries
            .iter()
            .map(|bytes| fengjuan_store::replica::Incoming {
                bytes: bytes.to_vec(),
                class: 3,
                kind: "k".to_owned(),
                attempt: Some(ATTEMPT),
                attempt_seq: 0,
                exam_ms: Some(NOW),
                wall_ms: NOW,
            })
            .collect(),
        checkpoint: None,
        now_ms: NOW,
    };
    opened.replicas.writer().append(request).unwrap();
    // The last one is told first: it is caught up from the replica, and nothing is told twice.
    assert!(!room.fed(T1, &LEDGER, 2, &entries[2..], 3));
    room.catch_up(T1, &LEDGER).unwrap();
    assert!(room.fed(T1, &LEDGER, 0, &entries, 3));
    assert_eq!(room.held_of(&T1), [(LEDGER, 3)]);
    room.settle().unwrap();
    let lease = room
        .read(|station| station.leases().last(&ATTEMPT).cloned())
        .unwrap();
    assert_eq!((lease.lease, lease.device), (1, T1));
    let before = room.read(|station| station.attempt(&ATTEMPT));
    drop(opened);
    let opened = open(dir.path());
    assert_eq!(
        opened.room.read(|station| station.attempt(&ATTEMPT)),
        before
    );
    assert_eq!(opened.room.held_of(&T1), [(LEDGER, 3)]);
}

#[test]
fn a_terminal_that_takes_nothing_is_disconnected_and_the_others_are_not() {
    let lines = Lines::default();
    let (mut calm, mut stalled) = (lines.connect(T1), lines.connect(T2));
    let mut taken = 0;
    while lines.is_connected(&T2) {
        lines.send_all(&Outgoing::Look);
        while calm.try_next().is_some() {
            taken += 1;
        }
        assert!(taken < 10_000);
    }
    assert!(lines.is_connected(&T1));
    while stalled.try_next().is_some() {}
    // A later connection takes the place of an earlier one, whose end then says nothing.
    let later = lines.connect(T1);
    drop(calm);
    assert!(lines.is_connected(&T1));
    drop(later);
    assert!(!lines.is_connected(&T1));
}
