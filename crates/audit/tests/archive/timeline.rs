use crate::world::World;
use fengjuan_audit::timeline::{Proof, Query, SnapshotState, TimelineError, timeline};
use fengjuan_core::draw::ticket_hash;
use fengjuan_envelope::secret::SecretKey;

fn of_seat(seat_no: u32) -> Query {
    Query {
        seat_no: Some(seat_no),
        ..Query::default()
    }
}

#[test]
fn without_the_key_it_shows_when_and_with_it_what() {
    let world = World::new(21, true);
    let archive = world.archive();
    let without = timeline(&archive, &world.root(), &of_seat(1), None).unwrap();
    let answers = |timeline: &fengjuan_audit::timeline::Timeline| {
        let rows = timeline
            .rows
            .iter()
            .filter(|row| row.kind == "exam.answer_saved");
        rows.map(|row| row.facts.clone()).collect::<Vec<_>>()
    };
    assert!(without.green && without.outline.unopened > 50);
    assert!(answers(&without).iter().all(Option::is_none));
    let key = SecretKey::from_bytes(*world.attempts[0].key.as_bytes());
    let with = timeline(&archive, &world.root(), &of_seat(1), Some(&key)).unwrap();
    assert_eq!(with.outline.unopened, 0);
    assert!(answers(&with).iter().all(Option::is_some));
    let other = timeline(&archive, &world.root(), &of_seat(2), Some(&key)).unwrap();
    assert!(
        answers(&other).iter().all(Option::is_none),
        "the key of one attempt opens no other"
    );
}

#[test]
fn outages_credits_and_snapshots_are_there_with_their_proof() {
    let world = World::new(22, true);
    let timeline = timeline(&world.archive(), &world.root(), &of_seat(2), None).unwrap();
    let outline = &timeline.outline;
    assert_eq!(
        (outline.outages, outline.outage_ms, outline.credited_ms),
        (1, 90_000, 90_000)
    );
    assert!(outline.handed_in_ms.is_some());
    let snapshots = timeline.snapshots.as_ref().unwrap();
    assert!(
        snapshots
            .iter()
            .any(|due| due.state == SnapshotState::Taken)
    );
    assert!(
        snapshots
            .iter()
            .all(|due| due.state != SnapshotState::Missing)
    );
    assert!(
        timeline
            .rows
            .iter()
            .all(|row| row.proof == Proof::Witnessed)
    );
    assert!(
        timeline.rows.iter().any(|row| row.attempt_seq.is_none()),
        "the machine's events between"
    );
}

#[test]
fn attempts_are_found_by_id_ticket_and_seat() {
    let world = World::new(23, false);
    let archive = world.archive();
    let id = timeline(&archive, &world.root(), &of_seat(2), None)
        .unwrap()
        .attempt;
    let hash = ticket_hash(crate::world::SITTING, &world.attempts[1].ticket).hex();
    for query in [
        Query {
            attempt: Some(id[..10].to_uppercase()),
            ..Query::default()
        },
        Query {
            ticket_hash: Some(hash[..12].to_owned()),
            ..Query::default()
        },
    ] {
        assert_eq!(
            timeline(&archive, &world.root(), &query, None)
                .unwrap()
                .attempt,
            id
        );
    }
    let all = timeline(&archive, &world.root(), &Query::default(), None);
    assert!(matches!(all, Err(TimelineError::Ambiguous(ids)) if ids.len() == 2));
    let none = timeline(&archive, &world.root(), &of_seat(9), None);
    assert!(matches!(none, Err(TimelineError::NotFound)));
}

#[test]
fn a_red_archive_is_read_but_nothing_in_it_is_called_proven() {
    let mut world = World::new(24, false);
    world.forks.push(fengjuan_audit::ForkRecord {
        ledger_id: world.ledgers[0].id,
        checkpoint: true,
        seq: 3,
        mine: fengjuan_wire::Hash32([1; 32]),
        theirs: fengjuan_wire::Hash32([2; 32]),
        bytes: Vec::new(),
        at_ms: 0,
    });
    let timeline = timeline(&world.archive(), &world.root(), &of_seat(1), None).unwrap();
    assert!(!timeline.green && timeline.rows.len() > 50);
    assert!(
        timeline
            .rows
            .iter()
            .all(|row| row.proof == Proof::Unverified)
    );
}
