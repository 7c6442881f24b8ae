//! A hub with its terminals over real mutual TLS, and a small center that it forwards to.
#![allow(clippy::unwrap_used)]

mod center;
mod channel;
mod faults;
mod forwarding;
mod joining;
mod papers;
mod raw;
mod stage;
mod standby;
mod unlocking;
