//! What a terminal does, with no window: enrol, pull, check, unlock, check in, sit, snap, seal, sync.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod checkin;
pub mod controller;
pub mod front;
pub mod outward;
pub mod page_watch;
pub mod resources;
pub mod sealing;
pub mod sitting_run;
pub mod snapshots;
pub mod view;
