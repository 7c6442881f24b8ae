//! Still pictures from a webcam, and the QR codes in them.
//!
//! A camera is opened for each picture, on a worker thread, and closed again: a stalled driver
//! costs one abandoned thread and a [`CameraFault::Stalled`], never a caller that waits for ever.
//! While that thread hangs, the device is not opened a second time (see [`CameraSource::take`]).
//!
//! There is no wall clock, no disk and no window in this crate. Pictures are handed back as pixels;
//! sealing them is the caller's work.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod fault;
mod frame;
mod lease;
mod mjpeg;
mod pattern;
mod picture;
mod port;
mod qr;
mod webcam;

use std::time::Duration;

use image::RgbImage;

pub use fault::CameraFault;
pub use frame::{Layout, RawFrame};
pub use pattern::{PATTERN_ID, PATTERN_LABEL, PatternSource};
pub use picture::{Picture, brightness, encode_jpeg, small_jpeg};
pub use port::{FramePort, FrameStream, WARM_UP_AT_LEAST, frames_change_through, take_through};
pub use qr::qr_texts;
pub use webcam::Webcam;

/// A camera that a source can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraDevice {
    /// What [`CameraSource::take`] wants: the number N of `/dev/videoN`, or [`PATTERN_ID`].
    pub id: String,
    /// The device's own name for itself; may be anything the maker wrote.
    pub name: String,
    /// True where the pictures are drawn by the program and show nobody.
    pub pattern: bool,
}

/// What one picture should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShotRequest {
    /// Wanted width in pixels. A camera without this size gives the nearest usual size it has.
    pub width: u32,
    /// Wanted height in pixels.
    pub height: u32,
    /// Frames to throw away first (exposure settles, old frames leave the queue); fewer than
    /// [`WARM_UP_AT_LEAST`] counts as that many.
    pub warm_up: u32,
    /// From the call to the answer, opening included.
    pub deadline: Duration,
}

impl ShotRequest {
    /// 640×480, the fewest warm-up frames, eight seconds.
    pub fn vga() -> Self {
        Self {
            width: 640,
            height: 480,
            warm_up: WARM_UP_AT_LEAST,
            deadline: Duration::from_secs(8),
        }
    }
}

/// What the equipment check saw of a camera's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameChange {
    /// Whole frames delivered after warm-up.
    pub frames: u32,
    /// How many of them differed from the frame before (so at most `frames − 1`).
    pub changed: u32,
    /// From opening the device to the last frame, in milliseconds.
    pub millis: u64,
}

impl FrameChange {
    /// A living sensor's noise makes nearly every frame differ; a frozen one repeats itself.
    pub fn is_live(&self) -> bool {
        self.frames >= 2 && self.changed.saturating_mul(2) >= self.frames - 1
    }
}

/// Somewhere pictures come from.
pub trait CameraSource: Send + Sync {
    /// Cameras that can be opened, by ascending number. No camera is an empty list, not a fault.
    ///
    /// # Errors
    /// [`CameraFault::Permission`] (or the first cause met) where there are cameras but none of
    /// them may be opened.
    fn list(&self) -> Result<Vec<CameraDevice>, CameraFault>;

    /// One picture. Returns within the deadline whatever the device does.
    ///
    /// # Errors
    /// [`CameraFault::Stalled`] when the deadline passes, and at once for every later call until
    /// the device has let go of the abandoned thread; [`CameraFault::Busy`] at once where this
    /// process is taking a picture from the same device at this moment, or another program holds it.
    fn take(&self, id: &str, shot: &ShotRequest) -> Result<RgbImage, CameraFault>;

    /// Words that must stand beside every picture of this source; `None` for a real camera.
    fn label(&self) -> Option<&'static str>;

    /// Reads some frames and says how many differed: the equipment check.
    ///
    /// # Errors
    /// As [`CameraSource::take`].
    fn frames_change(&self, id: &str, deadline: Duration) -> Result<FrameChange, CameraFault>;
}
