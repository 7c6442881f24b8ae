//! The exam day on a terminal without a window: real papers, real store, a simulated machine.
#![allow(clippy::unwrap_used)]

mod center;
mod day;
mod edges;
mod evidence;
mod kill;
mod locked;
mod orders;
mod outage;
mod refusals;
mod room;
mod score;
mod secrecy;
mod simulation;
mod station;
mod storage;
mod swap;
mod told;
