//! An attempt that went on at another terminal: its leases decide what is judged.

use crate::world::*;
use fengjuan_audit::{NotProven, Verdict};
use fengjuan_core::event::{Event, HandInKind};
use fengjuan_core::room::lease::{CarryPoint, LeaseCause, LeaseGiven};
use fengjuan_envelope::sign::SigningKey;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::DeviceCertificate;
use fengjuan_wire::{Hash32, Signed};

const DAY_MS: i64 = 86_400_000;

/// The second terminal goes on with the first one's attempt, from the entry before its hand-in on.
fn moved(world: &mut World, carried: u64) {
    let attempt = world.attempts[0].clone();
    let point = CarryPoint {
        lease: 1,
        ledger_id: world.ledgers[0].id,
        size: carried,
    };
    let ledger = &mut world.ledgers[1];
    ledger.lease = 2;
    let taken = Event::LeaseTaken {
        attempt: attempt.id,
        lease: 2,
        carry: vec![point],
    };
    ledger.push("staff:P1", Some(&attempt), taken);
    let handed_in = Event::HandedIn {
        kind: HandInKind::Own,
        answered: 0,
        unanswered: 1,
        at_ms: START_MS + 50 * 60_000,
        staff_id: None,
        reason: None,
    };
    ledger.push("candidate", Some(&attempt), handed_in);
    let center = world.center.clone();
    ledger.checkpoint(Some(&center));
    world.roll = Some(world.make_roll());
}

#[test]
fn what_a_fenced_terminal_went_on_to_write_is_no_part_of_the_attempt() {
    let mut world = World::new(31, false);
    let whole = world.ledgers[0].entries.len() as u64;
    // Everything of the first terminal is carried on: nothing changes but the device that holds the attempt.
    moved(&mut world, whole);
    assert_eq!(attempts(&world), 2);
    // Nothing is: then the attempt was never begun, and what stands in the first ledger is evidence.
    let mut none = World::new(31, false);
    moved(&mut none, 0);
    let (all, without) = (attempts(&World::new(31, false)), attempts(&none));
    assert_eq!(without, all - 1);
}

fn attempts(world: &World) -> u64 {
    match world.verdict() {
        Verdict::Green(summary) => summary.attempts,
        other => panic!("{other:?}"),
    }
}

/// The room's hub with its own ledger, which says that the second lease was given like this.
fn given(world: &mut World, delegated: bool, change: impl FnOnce(&mut LeaseGiven)) {
    let key = SigningKey::from_seed(&[201; 32]);
    let other = |seed| SigningKey::from_seed(&[seed; 32]).public();
    let certificate = DeviceCertificate {
        device_name: "考场管理机".to_owned(),
        site: "S01".to_owned(),
        sign: key.public(),
        kem: world.center.kem.public(),
        approved_ms: START_MS - DAY_MS,
        approved_by: "王主任".to_owned(),
    };
    let signed = certificate.sign(&world.center.device_ca).unwrap();
    world.certificates.push(signed);
    let delegation = HubDelegation {
        center_id: "jining".to_owned(),
        site: "S01".to_owned(),
        room_no: None,
        hub_name: "考场管理机".to_owned(),
        device: key.public(),
        kem: world.center.kem.public(),
        issuer: other(202),
        witness: other(203),
        receipt: other(204),
        issued_ms: START_MS - DAY_MS,
        not_after_ms: START_MS + DAY_MS,
    };
    if delegated {
        let signed = delegation.sign(&world.center.issuer).unwrap();
        world.certificates.push(signed);
    }
    let mut given = LeaseGiven {
        attempt: world.attempts[0].id,
        lease: 2,
        epoch: 1,
        device: Hash32(*world.ledgers[1].key.public().as_bytes()),
        ledger_id: world.ledgers[1].id,
        carry: vec![CarryPoint {
            lease: 1,
            ledger_id: world.ledgers[0].id,
            size: world.ledgers[0].entries.len() as u64,
        }],
        cause: LeaseCause::Swap,
    };
    change(&mut given);
    let mut ledger = world.ledgers[0].clone();
    ledger.id = [77; 16];
    ledger.origin = world.center.directory.ledger_origin(&ledger.id);
    (ledger.key, ledger.device) = (key, certificate.device_name);
    ledger.entries.clear();
    ledger.checkpoints.clear();
    ledger.push("staff:P1", None, Event::LeaseGiven { given });
    let center = world.center.clone();
    ledger.checkpoint(Some(&center));
    world.ledgers.push(ledger);
    world.roll = Some(world.make_roll());
}

fn swapped() -> World {
    let mut world = World::new(31, false);
    let whole = world.ledgers[0].entries.len() as u64;
    moved(&mut world, whole);
    world
}

/// How many leases are said to be unproven.
fn ungiven(world: &World) -> u64 {
    let Verdict::Green(summary) = world.verdict() else {
        panic!("{:?}", world.verdict())
    };
    let count = |what: &NotProven| match what {
        NotProven::LeasesUngiven { count } => Some(*count),
        _ => None,
    };
    summary.not_proven.iter().find_map(count).unwrap_or(0)
}

#[test]
fn a_lease_is_held_against_what_the_rooms_station_gave() {
    let mut world = swapped();
    assert_eq!(ungiven(&world), 1, "no station's ledger is here");
    given(&mut world, true, |_| {});
    assert_eq!(ungiven(&world), 0);
    let red = |change: fn(&mut LeaseGiven)| {
        let mut world = swapped();
        given(&mut world, true, change);
        code(&world.verdict())
    };
    let contradicts = "hub.lease_contradicts";
    assert_eq!(red(|given| given.carry[0].size -= 1), contradicts);
    assert_eq!(red(|given| given.ledger_id = [5; 16]), contradicts);
}

#[test]
fn whoever_is_no_hub_gives_no_leases_and_what_a_hub_heard_proves_nothing() {
    let mut world = swapped();
    given(&mut world, false, |given| given.ledger_id = [5; 16]);
    assert_eq!(ungiven(&world), 1);
    let mut world = swapped();
    given(&mut world, true, |given| given.cause = LeaseCause::Learned);
    assert_eq!(ungiven(&world), 1);
    let mut world = swapped();
    given(&mut world, true, |given| given.lease = 3);
    assert_eq!(ungiven(&world), 1, "of another lease");
}
