//! The exam itself, without I/O: plan, items, draw, attempt, clock, grading, snapshot schedule, the room, and the
//! catalogue of events. Nothing here reads a clock, a disk or a random source: time and bytes are handed in.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod attempt;
mod bytes;
pub mod choice;
pub mod clock;
pub mod draw;
pub mod event;
pub mod grading;
pub mod item;
pub mod plan;
pub mod room;
pub mod roster;
pub mod seat;
pub mod snapshot;
pub mod start;
