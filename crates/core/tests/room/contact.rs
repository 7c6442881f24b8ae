use super::device;
use fengjuan_core::event::OutageCause;
use fengjuan_core::room::contact::{Contact, Life, SILENT_MS, TOGETHER_MS, Watch};

const SECOND: i64 = 1_000;

fn life(boot: u8, run: u8) -> Life {
    Life {
        boot_id: [boot; 16],
        run_id: [run; 16],
    }
}

/// A room in which everybody was heard at this moment.
fn room(seats: u8, now: i64) -> Watch {
    let mut watch = Watch::default();
    for seat in 0..seats {
        assert_eq!(watch.heard(device(seat), life(1, 1), now), None);
    }
    watch
}

#[test]
fn a_silence_is_nothing_but_a_silence_until_its_end() {
    let mut watch = room(10, 0);
    for now in [5, 10, 15, 20, 25, 30] {
        for seat in 1..10 {
            watch.heard(device(seat), life(1, 1), now * SECOND);
        }
        watch.tick(now * SECOND);
    }
    let out = Contact::OutOfContact { since_ms: 0 };
    assert_eq!(watch.contact(&device(0)), out);
    assert_eq!(watch.contact(&device(1)), Contact::InContact);
    assert_eq!(watch.contact(&device(99)), Contact::Never);
    assert_eq!(watch.alone(), [device(0)].into());
    assert!(watch.many().is_empty());
    let back = watch.heard(device(0), life(1, 1), 40 * SECOND).unwrap();
    assert_eq!(back.cause, OutageCause::Lan);
    assert_eq!((back.from_ms, back.to_ms), (0, 40 * SECOND));
    watch.tick(41 * SECOND);
    assert!(watch.alone().is_empty());
}

#[test]
fn what_comes_back_tells_what_it_was() {
    for (after, cause) in [
        (life(2, 9), OutageCause::Power),
        (life(1, 9), OutageCause::Crash),
        (life(1, 1), OutageCause::Lan),
    ] {
        let mut watch = room(1, 0);
        watch.tick(SILENT_MS + 1);
        let back = watch.heard(device(0), after, 60 * SECOND).unwrap();
        assert_eq!(back.cause, cause);
    }
    // A restart too short to be a silence.
    let mut watch = room(1, 0);
    let back = watch.heard(device(0), life(1, 2), 4 * SECOND).unwrap();
    assert_eq!(back.cause, OutageCause::Crash);
    assert_eq!(watch.heard(device(0), life(1, 2), 9 * SECOND), None);
}

#[test]
fn many_at_once_are_one_alert() {
    let mut watch = room(10, 0);
    // The switch dies within a round of heartbeats: four seats were heard a little later than the rest.
    for seat in 0..4 {
        watch.heard(device(seat), life(1, 1), 4 * SECOND);
    }
    let silent = |watch: &Watch| (watch.many().len(), watch.alone().len());
    watch.tick(SILENT_MS + 1);
    assert_eq!(silent(&watch), (6, 0));
    watch.tick(4 * SECOND + SILENT_MS + 1);
    assert_eq!(silent(&watch), (10, 0), "the rest belong to it");
    for seat in 0..9 {
        let back = watch.heard(device(seat), life(1, 1), 60 * SECOND).unwrap();
        assert_eq!(back.cause, OutageCause::Lan);
    }
    watch.tick(61 * SECOND);
    assert_eq!(silent(&watch), (1, 0));
    watch.heard(device(9), life(2, 1), 90 * SECOND).unwrap();
    watch.tick(91 * SECOND);
    assert_eq!(
        silent(&watch),
        (9, 0),
        "the others fell silent again meanwhile"
    );
}

#[test]
fn few_are_each_by_themselves() {
    let mut watch = room(20, 0);
    let most = SILENT_MS + TOGETHER_MS;
    for now in (0..=most + SECOND).step_by(SECOND as usize) {
        for seat in 3..20 {
            watch.heard(device(seat), life(1, 1), now);
        }
        watch.tick(now);
        assert!(watch.many().is_empty(), "three of twenty are no switch");
        let told = now > most;
        assert_eq!(watch.alone().len(), if told { 3 } else { 0 }, "{now}");
    }
}

#[test]
fn who_was_never_heard_is_missed_all_the_same() {
    let mut watch = room(9, 0);
    watch.expect(device(9), 0);
    assert_eq!(watch.contact(&device(9)), Contact::Never);
    for now in [10, 20, 26] {
        for seat in 0..9 {
            watch.heard(device(seat), life(1, 1), now * SECOND);
        }
        watch.tick(now * SECOND);
    }
    assert_eq!(watch.alone(), [device(9)].into());
    assert_eq!(watch.heard(device(9), life(1, 1), 30 * SECOND), None);
    watch.forget(&device(9));
    assert_eq!(watch.contact(&device(9)), Contact::Never);
}
