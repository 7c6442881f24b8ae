//! The room's hub on the management station (考场管理机): serves the terminals, witnesses their ledgers, holds a replica of
//! every answer, and gives the proctor one page.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod view;
