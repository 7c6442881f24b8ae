//! A room on simulated time and network: two stations, their terminals and the center, with loss, delay, doubling,
//! reordering, partitions, skewed clocks and restarts of anybody, and staff who command, swap and take over whenever it
//! suits them. Nothing survives a restart but what was durable. What must hold is in `invariants`.
//!
//! `FJ_SEEDS=5000` widens it; a failure prints its seed, and `FJ_SEED=n` runs that one alone.
#![allow(clippy::unwrap_used)]

mod accidents;
mod follow;
mod hub;
mod invariants;
mod network;
mod plan;
mod staff;
mod terminal;
mod world;

use std::collections::BTreeMap;
use world::World;

/// Prints the seed of a run that panics.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with FJ_SEED={}", self.0);
        }
    }
}

/// How often the runs came to what the invariants speak of; a simulation that never gets there shows nothing.
type Seen = BTreeMap<&'static str, u64>;

fn simulate(seed: u64, seen: &mut Seen) {
    let _seed = Seed(seed);
    let mut world = World::new(seed);
    while world.now < world::CALM_FROM {
        world.step();
        invariants::while_it_goes_on(&world);
    }
    world.calm_down();
    while world.now < world::END {
        world.step();
        invariants::while_it_goes_on(&world);
    }
    let evidence = invariants::at_the_end(&world);
    *seen.entry("evidence").or_default() += evidence;
    for (what, times) in &world.seen {
        *seen.entry(what).or_default() += times;
    }
}

#[test]
fn rooms_survive_whatever_happens() {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().unwrap())
    };
    let mut seen = Seen::new();
    if let Some(seed) = number("FJ_SEED") {
        simulate(seed, &mut seen);
        println!("seed {seed}: {seen:?}");
        return;
    }
    let seeds = number("FJ_SEEDS").unwrap_or(100);
    for seed in 0..seeds {
        simulate(seed, &mut seen);
    }
    println!("seeds 0..{seeds}: {seen:?}");
    let enough = |what: &&str| seen.get(*what).is_some_and(|times| *times >= seeds / 20);
    let wanted = world::WANTED.iter();
    let missing: Vec<&&str> = wanted.filter(|what| !enough(what)).collect();
    assert!(
        seeds < 40 || missing.is_empty(),
        "never seen enough: {missing:?} of {seen:?}"
    );
}
