//! The room (考场): what the management station and its terminals agree on, without I/O.
//!
//! - [`command`], [`rules`]: what a station may tell a terminal, and who may ask for it.
//! - [`post`]: how each command arrives exactly once, over any number of lost connections.
//! - [`lease`], [`fence`]: on which terminal an attempt is writable, and which entries are answers.
//! - [`epoch`], [`lineage`]: which of two stations is obeyed, and whose decisions make the room's history.
//! - [`follow`]: how well a standby follows.
//! - [`contact`]: who is heard, and what a silence meant.
//! - [`seating`]: machines, seat numbers and candidates.
//! - [`alert`]: what a person at the station must know, worst first.
//! - [`station`]: the station's whole state, folded from its own ledger.

pub mod alert;
pub mod command;
pub mod contact;
pub mod epoch;
pub mod fence;
pub mod follow;
pub mod lease;
pub mod lineage;
pub mod post;
pub mod rules;
pub mod seating;
pub mod station;

use crate::event::Hash32;

/// A device, by its public signing key (32 bytes).
pub type Device = Hash32;
