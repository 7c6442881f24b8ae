use super::*;
use crate::machine::simulated::SimulatedMachine;
use fengjuan_core::clock::ClockQuality;
use fengjuan_core::item::OptionSet;
use fengjuan_store::Database;
use fengjuan_wire::entry::Entry;

const WALL_MS: i64 = 1_800_000_000_000;

fn fixture(dir: &std::path::Path) -> (Database, Recorder, Arc<SimulatedMachine>, Resumption) {
    let (database, _) = Database::open(dir).unwrap();
    let machine = Arc::new(SimulatedMachine::new(WALL_MS));
    let (recorder, resumption) = Recorder::start(
        database.writer(),
        &database.reader().unwrap(),
        machine.clone(),
    )
    .unwrap();
    (database, recorder, machine, resumption)
}

#[test]
fn an_event_is_in_the_ledger_with_its_stamp_and_its_projection() {
    let dir = tempfile::tempdir().unwrap();
    let (database, recorder, machine, _) = fixture(dir.path());
    machine.advance(1_234);
    let appended = recorder
        .record_with(
            &staff("P001"),
            None,
            Event::LoggedIn {
                staff_id: "P001".to_owned(),
            },
            vec![Projection::put("desk", b"user".to_vec(), b"P001".to_vec())],
        )
        .unwrap();
    let reader = database.reader().unwrap();
    let stored = reader.entry(appended.seq).unwrap().unwrap();
    let entry = Entry::decode(&stored.bytes).unwrap();
    assert_eq!(
        (entry.actor, entry.seq, entry.boot_ms),
        ("staff:P001", 0, 11_234)
    );
    assert_eq!(entry.exam_ms, Some(WALL_MS + 1_234));
    assert_eq!(
        entry.event(None).unwrap(),
        Event::LoggedIn {
            staff_id: "P001".to_owned()
        }
    );
    assert_eq!(reader.get("desk", b"user").unwrap().unwrap(), b"P001");
}

#[test]
fn answers_are_sealed_under_the_attempts_key_and_numbered() {
    let dir = tempfile::tempdir().unwrap();
    let (database, recorder, _, _) = fixture(dir.path());
    let attempt = AttemptContext {
        id: [7; 16],
        lease: 1,
        key: SecretKey::from_bytes([9; 32]),
    };
    let answer = Event::AnswerSaved {
        position: 3,
        chosen: OptionSet::default(),
        flagged: true,
    };
    for number in 0..2 {
        let appended = recorder
            .record_with(CANDIDATE, Some(&attempt), answer.clone(), Vec::new())
            .unwrap();
        assert_eq!(appended.attempt_seq, number);
    }
    let stored = database
        .reader()
        .unwrap()
        .entries_of_attempt(&[7; 16])
        .unwrap();
    let entry = Entry::decode(&stored[1].bytes).unwrap();
    assert!(entry.event(None).is_err());
    assert_eq!(entry.event(Some(&attempt.key)).unwrap(), answer);
}

#[test]
fn the_clock_goes_on_after_a_restart_and_is_flagged_after_a_reboot() {
    let dir = tempfile::tempdir().unwrap();
    let (database, recorder, machine, first) = fixture(dir.path());
    assert!(matches!(first.quality, ClockQuality::RtcFlagged { .. }));
    let boot_ms = machine.boot_ms();
    recorder
        .clock()
        .anchor(WALL_MS + 40_000, boot_ms, boot_ms)
        .unwrap();
    recorder.tick().unwrap();
    machine.advance(3_000);
    let reader = database.reader().unwrap();
    let (again, resumption) = Recorder::start(database.writer(), &reader, machine.clone()).unwrap();
    assert_eq!(
        (resumption.same_boot, resumption.quality),
        (true, ClockQuality::Anchored)
    );
    assert_eq!(again.exam_now(), WALL_MS + 43_000);
    again.tick().unwrap();
    machine.reboot(20_000);
    let (after, resumption) = Recorder::start(database.writer(), &reader, machine).unwrap();
    assert!(!resumption.same_boot);
    assert_eq!(after.exam_now(), WALL_MS + 63_000);
}

#[test]
fn ticks_are_written_at_most_once_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let (database, recorder, machine, _) = fixture(dir.path());
    let reader = database.reader().unwrap();
    recorder.tick().unwrap();
    let first = last_tick(&reader).unwrap().unwrap();
    machine.advance(999);
    recorder.tick().unwrap();
    assert_eq!(last_tick(&reader).unwrap().unwrap(), first);
    machine.advance(1);
    recorder.record(SYSTEM, Event::Stopped {}).unwrap();
    assert_eq!(
        last_tick(&reader).unwrap().unwrap().boot_ms,
        first.boot_ms + 1_000
    );
}

#[test]
fn jumps_and_suspends_are_recorded_once_and_change_no_time() {
    let dir = tempfile::tempdir().unwrap();
    let (database, recorder, machine, _) = fixture(dir.path());
    let slept_ms = || {
        let observed = recorder.observe();
        observed.written.unwrap();
        observed.slept_ms
    };
    assert_eq!(slept_ms(), None);
    machine.set_wall(WALL_MS - 3_600_000);
    machine.suspend(600_000);
    assert_eq!(recorder.exam_now(), WALL_MS + 600_000);
    assert_eq!(slept_ms(), Some(600_000));
    assert_eq!(slept_ms(), None);
    let kinds: Vec<String> = database
        .reader()
        .unwrap()
        .entries(0, 10)
        .unwrap()
        .into_iter()
        .map(|e| e.kind)
        .collect();
    assert_eq!(kinds, ["system.wall_clock_jumped", "system.suspended"]);
}
