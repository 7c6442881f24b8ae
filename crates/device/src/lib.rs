//! What every machine of a site does, terminal or hub: its keys, its clocks, the one way into its ledger, and its
//! upstream: enrol, pull, check the equipment, unlock, synchronise. Knows no window and no seat.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod channel;
pub mod discovery;
pub mod durable_file;
pub mod equipment;
pub mod identity;
pub mod machine;
pub mod papers;
pub mod recorder;
pub mod refusal;
pub mod site_kit;
pub mod staff;
pub mod stick;
pub mod sync;
pub mod unlock;
pub mod upstream;
pub mod view;

#[cfg(test)]
mod test_center;
