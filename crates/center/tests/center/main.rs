//! The center from its files to its answers: imports, issuing, the protocol by calls and over real TLS, and results.
#![allow(clippy::unwrap_used)]

mod bank_import;
mod command_line;
mod courier;
mod day;
mod entries;
mod hubs;
mod hubs_refused;
mod issuing;
mod ledger;
mod limits;
mod photos;
mod plan_import;
mod protocol;
mod reports;
mod results;
mod staff;
mod swap;
mod terminal;
mod tls;
mod uploads;
