//! What a terminal does, with no window: enrol, pull, check, unlock, check in, sit, snap, seal, sync.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod machine;
pub mod recorder;
pub mod view;
