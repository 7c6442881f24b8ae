//! The machines of the room, one by one.
#![allow(clippy::unwrap_used)]

mod contact;
mod epoch;
mod lease;
mod lineage;
mod post;
mod rules;
mod seating;
mod station;

use fengjuan_core::event::Hash32;
use fengjuan_core::room::Device;
use fengjuan_core::room::command::{Command, CommandBody};
use proptest::test_runner::Config;

/// A fixed number of cases, or `FENGJUAN_CASES` where a campaign asks for more; a failure prints its input and no
/// file is written.
fn cases(usual: u32) -> Config {
    let asked = std::env::var("FENGJUAN_CASES").ok();
    Config {
        cases: asked.and_then(|count| count.parse().ok()).unwrap_or(usual),
        failure_persistence: None,
        ..Config::default()
    }
}

fn device(number: u8) -> Device {
    Hash32([number; 32])
}

fn ledger(number: u8) -> [u8; 16] {
    [number; 16]
}

fn command(number: u8) -> Command {
    Command {
        command_id: [number; 16],
        issued_ms: i64::from(number),
        by: "P1".to_owned(),
        second: None,
        reason: String::new(),
        body: CommandBody::SeatNumber {
            seat_no: Some(u32::from(number)),
        },
    }
}
