//! The terminal's controller: what the app talks to. Rust decides the screen; an action changes the state, is durable
//! when it returns, and brings the view after it. No window, no question on a disk, no words.

mod active;
mod candidate;
mod day;
mod desk;
mod facts;
mod finish;
pub mod held;
mod moved;
mod obey;
mod obey_time;
mod orders;
mod owed;
mod pictures;
mod resume;
mod room;
mod score;
mod seat;
mod seats;
mod seed;
mod show;
mod show_desk;
mod side;
mod small_pictures;
mod start_up;
mod state;
mod taken;
mod terminal;
mod tick;
mod unlocking;
mod whose_room;

pub use side::Side;
pub use start_up::Parts;
pub use terminal::Terminal;

use fengjuan_camera::CameraSource;
use fengjuan_core::event::{PageFault, PageRemedy};
use fengjuan_device::machine::Machine;
use std::path::PathBuf;
use std::sync::Arc;

/// The desk closes itself after this long without an action.
const IDLE_LOCK_MS: i64 = 5 * 60_000;
/// And the log-in after this long.
const LOG_IN_IDLE_MS: i64 = 60_000;

/// How the program was started.
#[derive(Clone, Debug)]
pub struct Config {
    pub data_dir: PathBuf,
    /// Where a site kit lies, for the first start.
    pub site_kit: Option<PathBuf>,
    /// The seat that this machine stands at; without one any candidate of the room may sit here.
    pub seat_no: Option<u32>,
}

/// Counts displays, through the window layer.
pub trait DisplayPort: Send + Sync {
    /// Sizes in pixels; `None` where they cannot be known.
    fn sizes(&self) -> Option<Vec<(u32, u32)>>;
}

/// What the terminal uses of its machine.
#[derive(Clone)]
pub struct Ports {
    pub machine: Arc<dyn Machine>,
    pub camera: Arc<dyn CameraSource>,
    /// The labelled pattern, where plan or proctor allow it.
    pub pattern: Arc<dyn CameraSource>,
    pub displays: Arc<dyn DisplayPort>,
}

/// What happened to the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowEvent {
    FocusLost,
    FocusBack,
    /// This many displays from now on.
    Displays(u32),
    /// The page was gone from the screen, and this is done about it; `tries` counts from 1.
    PageLost {
        fault: PageFault,
        remedy: PageRemedy,
        tries: u32,
    },
    /// The page is on the screen again.
    PageBack {
        after_ms: i64,
    },
}
