//! The station as its page meets it, with terminals that say on the channel what real ones would.
#![allow(clippy::unwrap_used)]

mod day;
mod enrolling;
mod machines;
mod orders;
mod people;
mod plan;
mod seats;
mod stage;
