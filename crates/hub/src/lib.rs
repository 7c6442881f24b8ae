//! The room's hub on the management station (考场管理机): serves the terminals, witnesses their ledgers, holds a replica of
//! every answer, and gives the proctor one page.
//!
//! - [`room`]: the station's machine over this hub's own ledger. Everything that a person decides goes through
//!   [`room::Room::act`]; everything that terminals say comes in by [`room::Room::observe`] and its siblings.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod room;
pub mod view;
