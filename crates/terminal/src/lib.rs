//! What a terminal does, with no window: enrol, pull, check, unlock, check in, sit, snap, seal, sync.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod durable_file;
pub mod identity;
pub mod machine;
pub mod papers;
pub mod recorder;
pub mod site_kit;
pub mod sync;
pub mod upstream;
#[cfg(feature = "exam-day")]
pub mod checkin;
#[cfg(feature = "exam-day")]
pub mod controller;
#[cfg(feature = "exam-day")]
pub mod resources;
#[cfg(feature = "exam-day")]
pub mod sealing;
#[cfg(feature = "exam-day")]
pub mod sitting_run;
#[cfg(feature = "exam-day")]
pub mod snapshots;
#[cfg(feature = "exam-day")]
pub mod staff;
#[cfg(feature = "exam-day")]
pub mod unlock;
pub mod view;

#[cfg(test)]
mod test_center;
