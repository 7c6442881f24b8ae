//! Ledger entries: what is written is read, nothing else is, and sealed bodies open with the attempt's key only.
#![allow(clippy::unwrap_used)]

use fengjuan_core::event::{Event, HandInKind};
use fengjuan_core::item::OptionSet;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_wire::entry::{Entry, Stamp, attempt_key, encode};
use proptest::prelude::*;

/// `usual`, or `FENGJUAN_CASES` where a campaign asks for more.
fn cases(usual: u32) -> u32 {
    let asked = std::env::var("FENGJUAN_CASES").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(usual)
}

fn stamp() -> Stamp {
    Stamp {
        attempt: Some([7; 16]),
        lease: 1,
        actor: "candidate".to_owned(),
        boot_id: [9; 16],
        boot_ms: 123_456,
        exam_ms: Some(1_800_000_000_000),
        wall_ms: -5,
    }
}

fn answer(position: u32, chosen: u8) -> Event {
    Event::AnswerSaved {
        position,
        chosen: OptionSet(chosen),
        flagged: false,
    }
}

fn handed_in() -> Event {
    Event::HandedIn {
        kind: HandInKind::Own,
        answered: 3,
        unanswered: 0,
        at_ms: 5,
        staff_id: None,
        reason: None,
    }
}

#[test]
fn an_entry_reads_back_and_its_sealed_body_needs_the_key() {
    let key = attempt_key(&SecretKey::from_bytes([1; 32]), &[7; 16]);
    let bytes = encode(&[3; 16], 41, 2, &stamp(), &answer(5, 0b10), Some(&key)).unwrap();
    let entry = Entry::decode(&bytes).unwrap();
    assert_eq!(
        (entry.seq, entry.attempt_seq, entry.kind, entry.sealed),
        (41, 2, "exam.answer_saved", true)
    );
    assert_eq!(
        (entry.boot_ms, entry.exam_ms, entry.wall_ms),
        (123_456, Some(1_800_000_000_000), -5)
    );
    assert_eq!(entry.event(Some(&key)).unwrap(), answer(5, 0b10));
    assert!(entry.event(None).is_err());
    let other = attempt_key(&SecretKey::from_bytes([1; 32]), &[8; 16]);
    assert!(entry.event(Some(&other)).is_err());
    assert!(
        encode(&[3; 16], 41, 2, &stamp(), &answer(5, 1), None).is_err(),
        "a sealed event without a key"
    );
}

#[test]
fn the_length_of_a_sealed_body_does_not_tell_the_answer() {
    let key = SecretKey::from_bytes([1; 32]);
    let length = |event: &Event| {
        encode(&[3; 16], 1, 1, &stamp(), event, Some(&key))
            .unwrap()
            .len()
    };
    let lengths: Vec<usize> = [(0, 1), (99, 0b1111), (5, 0), (30, 0b100000)]
        .map(|(p, c)| length(&answer(p, c)))
        .to_vec();
    assert!(
        lengths.windows(2).all(|pair| pair[0] == pair[1]),
        "{lengths:?}"
    );
}

#[test]
fn a_sealed_body_cannot_be_moved_to_another_place() {
    let key = SecretKey::from_bytes([1; 32]);
    let first = encode(&[3; 16], 41, 2, &stamp(), &answer(5, 1), Some(&key)).unwrap();
    let second = encode(&[3; 16], 42, 3, &stamp(), &answer(5, 2), Some(&key)).unwrap();
    let body = Entry::decode(&first).unwrap().body.to_vec();
    let own = Entry::decode(&second).unwrap().body.len();
    let mut moved = second[..second.len() - own].to_vec();
    moved.extend_from_slice(&body);
    let moved = Entry::decode(&moved).unwrap();
    assert!(moved.event(Some(&key)).is_err());
}

#[test]
fn a_header_that_does_not_fit_its_body_or_the_catalogue_is_refused() {
    let bytes = encode(&[3; 16], 1, 1, &stamp(), &handed_in(), None).unwrap();
    let kind = b"exam.handed_in";
    let at = bytes
        .windows(kind.len())
        .position(|window| window == kind)
        .unwrap();
    for (other, why) in [
        (b"exam.handed_on", "unknown kind"),
        (b"db.migrated.xx", "unknown kind"),
    ] {
        let mut changed = bytes.clone();
        changed[at..at + kind.len()].copy_from_slice(other);
        assert!(
            Entry::decode(&changed)
                .and_then(|entry| entry.event(None))
                .is_err(),
            "{why}"
        );
    }
    let mut class = bytes.clone();
    class[at - 2] = 0;
    assert!(
        Entry::decode(&class)
            .and_then(|entry| entry.event(None))
            .is_err(),
        "another class"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(2_000)))]

    /// Any single change to an entry is refused, or changes what is read: two encodings of one entry do not exist.
    #[test]
    fn no_two_byte_strings_read_as_the_same_entry(at in 0usize..200, flip in 1u8..=255) {
        let bytes = encode(&[3; 16], 300, 70_000, &stamp(), &handed_in(), None).unwrap();
        let at = at % bytes.len();
        let mut changed = bytes.clone();
        changed[at] ^= flip;
        if let Ok(entry) = Entry::decode(&changed) {
            prop_assert_ne!(entry, Entry::decode(&bytes).unwrap());
        }
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Entry::decode(&bytes).map(|entry| entry.event(None));
    }

    #[test]
    fn truncation_is_refused(cut in 0usize..400) {
        let bytes = encode(&[3; 16], 300, 70_000, &stamp(), &handed_in(), None).unwrap();
        let cut = cut % bytes.len();
        prop_assert!(Entry::decode(&bytes[..cut]).is_err());
    }
}
