//! The exam center (考试机构): issues papers and codes, receives what the sites send back, and opens it.
//!
//! One folder, the *home*, holds everything: key files by role, one SQLite database, the objects that sites fetch and
//! the sealed objects that they send. The binary `fengjuan-center` is a thin command line over this library.
//!
//! Item banks and rosters lie in the center's database in clear, because the center writes them: the home folder is
//! readable by its owner only, and what protects it beyond that is the operating system's.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod alert;
pub mod bank;
pub mod courier;
pub mod database;
pub mod device;
mod error;
pub mod fault;
pub mod files;
pub mod home;
pub mod hub;
pub mod issue;
pub mod keys;
pub mod offer;
pub mod order;
pub mod picture;
pub mod plan;
mod received;
pub mod release;
pub mod report;
pub mod results;
pub mod roll;
pub mod server;
pub mod sheet;
pub mod staff;

pub use error::CenterError;
pub use home::Home;

/// The wall clock in milliseconds since the Unix epoch. The center's clock is the one that exam clocks follow.
pub fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
