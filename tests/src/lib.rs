//! Journeys on the real app: real windows on a display of their own, driven through WebDriver, against a real center
//! process. The same exam day is played by `scripts/demo` and checked by `scripts/test`.
#![allow(clippy::unwrap_used)]

pub mod bench;
pub mod center;
pub mod day;
pub mod display;
pub mod kiosk;
pub mod paper_scan;
pub mod plan;
pub mod process;
pub mod results;
pub mod room;
pub mod room_day;
pub mod scene;
pub mod sight;
pub mod station;
pub mod steps;
