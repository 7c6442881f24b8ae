//! An attempt that went on at another terminal: its leases decide what is judged.

use crate::world::*;
use fengjuan_audit::Verdict;
use fengjuan_core::event::{Event, HandInKind};
use fengjuan_core::room::lease::CarryPoint;

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
