//! What the center and an auditor would find afterwards: bundles opened, entries replayed, papers redrawn.

use crate::center::Issued;
use crate::room::Room;
use fengjuan_core::attempt::{Attempt, AttemptPlan, Question};
use fengjuan_core::draw;
use fengjuan_core::event::Event;
use fengjuan_core::start::TerminalStart;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_store::Database;
use fengjuan_wire::bundle::{Bundle, Picture, SealedObject};
use fengjuan_wire::entry::{Entry, attempt_key};
use fengjuan_wire::package::VerifiedPackage;

/// Every event of the ledger with its actor and exam time; sealed ones are left out.
pub fn events(room: &Room) -> Vec<(Event, String, i64)> {
    let reader = Database::read_only(&room.data).unwrap();
    let entries = reader.entries(0, usize::MAX / 2).unwrap();
    let mut events = Vec::new();
    for stored in entries {
        let entry = Entry::decode(&stored.bytes).unwrap();
        if !entry.sealed {
            let actor = entry.actor.to_owned();
            events.push((entry.event(None).unwrap(), actor, entry.exam_ms.unwrap()));
        }
    }
    events
}

/// How often a kind is in the ledger.
pub fn count(room: &Room, kind: &str) -> usize {
    let reader = Database::read_only(&room.data).unwrap();
    let entries = reader.entries(0, usize::MAX / 2).unwrap();
    entries.iter().filter(|entry| entry.kind == kind).count()
}

/// Every bundle as the center opens it.
pub fn bundles(room: &Room) -> Vec<Bundle> {
    let reader = Database::read_only(&room.data).unwrap();
    let objects = reader.objects().unwrap();
    let mut bundles = Vec::new();
    for row in objects.iter().filter(|row| row.kind == "bundle") {
        let bytes = reader.object_bytes(&row.hash).unwrap();
        let object = SealedObject::from_bytes(&bytes).unwrap();
        bundles.push(object.open(&room.center.results).unwrap());
    }
    bundles
}

/// Every picture as the center opens it.
pub fn pictures(room: &Room) -> Vec<Picture> {
    let reader = Database::read_only(&room.data).unwrap();
    let objects = reader.objects().unwrap();
    let mut pictures = Vec::new();
    for row in objects.iter().filter(|row| row.kind == "picture") {
        let bytes = reader.object_bytes(&row.hash).unwrap();
        let object = SealedObject::from_bytes(&bytes).unwrap();
        pictures.push(object.open(&room.center.results).unwrap());
    }
    pictures
}

/// Replays a bundle as the center does: redraws the paper from the seeds and runs the machine over the entries.
pub fn replay(room: &Room, issued: &Issued, bundle: &Bundle) -> Attempt {
    let sitting = issued.sitting();
    let class = sitting.class_group(&bundle.class_no).unwrap();
    let (_, keys) = issued
        .keys
        .iter()
        .find(|(class_no, _)| *class_no == bundle.class_no)
        .unwrap();
    let paper_key = SecretKey::from_bytes(keys.paper_key);
    let file = issued.held.package(&bundle.class_no).unwrap();
    assert_eq!(bundle.package, file.hash);
    let package = VerifiedPackage::open(&file.path, &room.center.issuer.public()).unwrap();
    let index = package.index(&paper_key).unwrap();
    let paper = draw::draw(
        &index,
        &class.blueprint,
        &issued.seeds.1,
        &bundle.sitting_no,
        &bundle.ticket_no,
        bundle.attempt_no,
    )
    .unwrap();
    let attempt_id: [u8; 16] = bundle.attempt_id.as_slice().try_into().unwrap();
    let key = attempt_key(&paper_key, &attempt_id);
    let events: Vec<(Event, i64)> = bundle
        .entries
        .iter()
        .map(|bytes| {
            let entry = Entry::decode(bytes).unwrap();
            (entry.event(Some(&key)).unwrap(), entry.exam_ms.unwrap())
        })
        .collect();
    let begun = events.iter().find_map(|(event, _)| match event {
        Event::AttemptStarted {
            started_ms,
            ends_ms,
            paper,
            ..
        } => Some((*started_ms, *ends_ms, *paper)),
        _ => None,
    });
    let (started_ms, ends_ms, paper_hash) = begun.expect("an attempt");
    assert_eq!(paper_hash, paper.hash());
    let start = TerminalStart {
        planned_ms: sitting.start_ms,
        started_ms,
    };
    let accommodation = Default::default();
    let questions = Question::of_paper(&paper, &index).unwrap();
    let mut plan = AttemptPlan::new(
        attempt_id,
        sitting,
        class,
        &accommodation,
        &start,
        questions,
        started_ms,
    );
    plan.ends_ms = ends_ms;
    Attempt::replay(plan, events).unwrap()
}
