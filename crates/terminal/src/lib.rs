//! What a terminal does, with no window: enrol, pull, check, unlock, check in, sit, snap, seal, sync.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod checkin;
pub mod controller;
mod durable_file;
pub mod equipment;
pub mod front;
pub mod identity;
pub mod machine;
pub mod outward;
pub mod page_watch;
pub mod papers;
pub mod recorder;
pub mod resources;
pub mod sealing;
pub mod site_kit;
pub mod sitting_run;
pub mod snapshots;
pub mod staff;
pub mod sync;
pub mod unlock;
pub mod upstream;
pub mod view;

#[cfg(test)]
mod test_center;
