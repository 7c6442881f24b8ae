//! What the people in the room do.

use crate::plan::{attempt_id, device};
use crate::world::{MINUTE, SITTING, START, World};
use fengjuan_core::plan::Role;
use fengjuan_core::room::alert::Alert;
use fengjuan_core::room::command::{Authority, CommandBody, Scope};
use fengjuan_core::room::rules::Person;
use fengjuan_core::room::station::{Action, Actor};

fn actor() -> Actor {
    let person = |staff_id: &str| Person {
        staff_id: staff_id.to_owned(),
        role: Role::Proctor,
    };
    Actor {
        person: person("P1"),
        second: Some(person("P2")),
        reason: "checked".to_owned(),
    }
}

/// Asks one station; what it refuses does not happen.
pub fn ask(world: &mut World, hub: usize, action: Action) -> bool {
    if !world.hubs[hub].up {
        return false;
    }
    let (now, exam_ms) = (world.now, world.hubs[hub].exam(world.now));
    let mut ids: Vec<[u8; 16]> = (0..200).map(|_| world.id()).collect();
    let station = &world.hubs[hub].station;
    let events = station.propose(&action, &actor(), &mut || ids.pop().unwrap(), exam_ms);
    let Ok(events) = events else {
        return false;
    };
    world.hubs[hub].write_all(events, now);
    true
}

pub fn open_the_room(world: &mut World) {
    assert!(ask(world, 0, Action::TakeOver { followed: None }));
    let machines = world.terminals.len();
    for no in 0..machines {
        let list = Action::List {
            device: device(no),
            name: format!("T{no:02}"),
            spare: no + 2 >= machines,
        };
        assert!(ask(world, 0, list));
    }
    let sitting_no = || SITTING.to_owned();
    for action in [
        Action::NumberMachines {},
        Action::Held {
            sitting_no: sitting_no(),
            version: 1,
        },
        Action::Unlocked {
            sitting_no: sitting_no(),
            version: 1,
        },
        Action::PublishSeats {
            sitting_no: sitting_no(),
        },
    ] {
        assert!(ask(world, 0, action));
    }
}

pub fn act(world: &mut World) {
    for hub in 0..2 {
        if world.hubs[hub].up && world.hubs[hub].commanding().is_some() {
            run(world, hub);
        }
    }
    let nobody = world
        .hubs
        .iter()
        .all(|hub| !hub.up || hub.commanding().is_none());
    let takes_over = if world.calm {
        nobody && world.below(10) == 0
    } else {
        world.below(if nobody { 30 } else { 250 }) == 0
    };
    if takes_over {
        let hub = world.below(2) as usize;
        let standing = world.hubs[hub].station.standing();
        // A station that has followed nobody has nothing to take over with.
        let follows = standing.heard() >= world.hubs[hub].heard && standing.heard() > 0;
        if follows && ask(world, hub, Action::TakeOver { followed: None }) {
            world.see("take over");
        }
    }
}

/// What the proctor at one station does in this second.
fn run(world: &mut World, hub: usize) {
    let sitting_no = SITTING.to_owned();
    let exam_ms = world.hubs[hub].exam(world.now);
    if exam_ms >= START && world.hubs[hub].station.track(SITTING).started.is_none() {
        ask(world, hub, Action::Start { sitting_no });
        return;
    }
    let candidate = world.below(world.candidates as u32) as usize;
    if world.calm {
        settle(world, hub);
        return;
    }
    let attempt = attempt_id(candidate);
    let one = Scope::Attempt { attempt };
    match world.below(100) {
        0..3 => {
            let body = CommandBody::Credit {
                scope: one,
                credit_ms: i64::from(world.below(20_000)) + 1,
                authority: Authority::Site {},
            };
            tell(world, hub, body, "credit one");
        }
        3 => {
            let body = CommandBody::Credit {
                scope: Scope::Room { sitting_no },
                credit_ms: i64::from(world.below(20_000)) + 1,
                authority: Authority::Pending { phone: None },
            };
            tell(world, hub, body, "credit all");
        }
        4 | 5 => tell(world, hub, CommandBody::Suspend { scope: one }, "suspend"),
        6..8 => tell(world, hub, CommandBody::Resume { scope: one }, "resume"),
        8..12 => decide(world, hub, attempt),
        12 if world.below(4) == 0 => {
            tell(
                world,
                hub,
                CommandBody::ForceHandIn { attempt },
                "force hand-in",
            );
        }
        13..17 => swap(world, hub, candidate),
        17..19 => {
            let undo = Action::UndoSwap { attempt };
            if ask(world, hub, undo) {
                let station = &world.hubs[hub].station;
                let back = station.leases().last(&attempt).unwrap().device;
                world.at[candidate] = usize::from(back.0[0]);
                world.see("way back");
            }
        }
        _ => {}
    }
}

fn tell(world: &mut World, hub: usize, body: CommandBody, what: &'static str) {
    if ask(world, hub, Action::Tell { body }) {
        world.see(what);
    }
}

fn decide(world: &mut World, hub: usize, attempt: [u8; 16]) {
    let standing = world.hubs[hub].station.attempt(&attempt);
    let undecided = standing.and_then(|standing| standing.undecided.first().copied());
    if let Some(outage_no) = undecided {
        let credit_ms = i64::from(world.below(3)) * 500;
        let body = CommandBody::DecideOutage {
            attempt,
            outage_no,
            credit_ms,
            cause: None,
        };
        tell(world, hub, body, "outage decided");
    }
}

/// The proctor thinks that this candidate's machine is dead; often it is, and sometimes it is not.
fn swap(world: &mut World, hub: usize, candidate: usize) {
    let dead = world.terminals[world.at[candidate]].program.is_none();
    if !dead && world.below(6) != 0 {
        return;
    }
    let free = world.free_machines();
    if free.is_empty() {
        return;
    }
    let to = free[world.below(free.len() as u32) as usize];
    let swap = Action::Swap {
        attempt: attempt_id(candidate),
        to: device(to),
    };
    if ask(world, hub, swap) {
        // After a wrong swap the candidate may well stay where the screen is alight.
        if dead || world.below(2) == 0 {
            world.at[candidate] = to;
        }
        world.see("swap");
    }
}

/// Where the machine refused the attempt, because somebody sits there, another one is chosen.
fn swap_again(world: &mut World, hub: usize, candidate: usize) {
    let (station, attempt) = (&world.hubs[hub].station, attempt_id(candidate));
    let Some(last) = station.leases().last(&attempt) else {
        return;
    };
    let refused = station.commands_of(&last.device).any(|issued| {
        let it = matches!(&issued.command.body,
            CommandBody::Lease { attempt: one, lease, .. } | CommandBody::Unfence { attempt: one, lease, .. }
                if *one == attempt && *lease == last.lease);
        it && matches!(issued.outcome, Some(Some(_)))
    });
    let nobody = world.hubs[hub]
        .station
        .alerts()
        .worst_first()
        .iter()
        .any(|open| open.alert == Alert::NobodyHolds { attempt });
    if refused || nobody {
        let machines = world.terminals.len() as u32;
        let to = device(world.below(machines) as usize);
        if ask(world, hub, Action::Swap { attempt, to }) {
            world.see("swap after a refusal");
        }
    }
}

/// Everything is decided, resumed and ended.
fn settle(world: &mut World, hub: usize) {
    for candidate in 0..world.candidates {
        let attempt = attempt_id(candidate);
        let scope = Scope::Attempt { attempt };
        let Some(standing) = world.hubs[hub].station.attempt(&attempt) else {
            continue;
        };
        if let Some(last) = world.hubs[hub].station.leases().last(&attempt) {
            world.at[candidate] = usize::from(last.device.0[0]);
        }
        swap_again(world, hub, candidate);
        if standing.handed_in || world.now % 10_000 >= 1_000 {
            continue;
        }
        if standing.suspended_by_staff {
            tell(world, hub, CommandBody::Resume { scope }, "resume");
        }
        decide(world, hub, attempt);
    }
    if world.now > START + 14 * MINUTE {
        let end = Action::End {
            sitting_no: SITTING.to_owned(),
            class_no: None,
            forced: true,
        };
        ask(world, hub, end);
    }
}
