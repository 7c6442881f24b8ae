//! What a camera driver must offer, and how a picture is taken through it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use image::RgbImage;

use crate::lease::{Lease, within};
use crate::{CameraFault, FrameChange, RawFrame, ShotRequest};

/// The fewest frames thrown away before a picture: as many as a driver usually queues, so that
/// none of them dates from before the picture was asked for.
pub const WARM_UP_AT_LEAST: u32 = 4;

/// Damaged frames happen on a long USB cable; this many in a row do not.
const TRIES_FOR_A_WHOLE_FRAME: u32 = 5;

/// Frames that the equipment check compares.
const FRAMES_COMPARED: u32 = 10;

/// Opens devices. Everything here may block for ever or panic; callers are shielded from both.
pub trait FramePort: Send + Sync + 'static {
    /// Opens a device and starts its stream at a size near the wanted one (pixels).
    ///
    /// # Errors
    /// Every fault but [`CameraFault::Stalled`].
    fn open(&self, id: &str, width: u32, height: u32) -> Result<Box<dyn FrameStream>, CameraFault>;

    /// The name by which no two ports mean different devices.
    fn device_key(&self, id: &str) -> String;
}

/// A running stream; closed when dropped.
pub trait FrameStream {
    /// The next frame, whenever it comes.
    ///
    /// # Errors
    /// The stream is of no more use after any fault.
    fn next(&mut self) -> Result<RawFrame, CameraFault>;
}

fn started<P: FramePort + ?Sized>(
    port: &P,
    lease: &Lease,
    id: &str,
    shot: &ShotRequest,
) -> Result<Box<dyn FrameStream>, CameraFault> {
    let mut stream = port.open(id, shot.width, shot.height)?;
    for _ in 0..shot.warm_up.max(WARM_UP_AT_LEAST) {
        stream.next()?;
        if lease.given_up() {
            return Err(CameraFault::Stalled);
        }
    }
    Ok(stream)
}

/// One picture through a port: the first whole frame after warm-up.
///
/// # Errors
/// As [`crate::CameraSource::take`].
pub fn take_through<P: FramePort + ?Sized>(
    port: &Arc<P>,
    id: &str,
    shot: &ShotRequest,
) -> Result<RgbImage, CameraFault> {
    let (worker_port, worker_id, worker_shot) = (Arc::clone(port), id.to_owned(), shot.clone());
    within(&port.device_key(id), shot.deadline, move |lease| {
        let mut stream = started(&*worker_port, lease, &worker_id, &worker_shot)?;
        let mut damage = CameraFault::Stalled;
        for _ in 0..TRIES_FOR_A_WHOLE_FRAME {
            match stream.next()?.decode() {
                Ok(picture) => return Ok(picture),
                Err(fault) => damage = fault,
            }
            if lease.given_up() {
                break;
            }
        }
        Err(damage)
    })
}

/// Reads some frames through a port and counts those that differ from the one before.
///
/// # Errors
/// As [`crate::CameraSource::take`].
pub fn frames_change_through<P: FramePort + ?Sized>(
    port: &Arc<P>,
    id: &str,
    deadline: Duration,
) -> Result<FrameChange, CameraFault> {
    let (worker_port, worker_id) = (Arc::clone(port), id.to_owned());
    within(&port.device_key(id), deadline, move |lease| {
        let opened = Instant::now();
        let mut stream = started(&*worker_port, lease, &worker_id, &ShotRequest::vga())?;
        let mut seen = FrameChange {
            frames: 0,
            changed: 0,
            millis: 0,
        };
        let mut before: Option<RgbImage> = None;
        let mut damaged = 0;
        while seen.frames < FRAMES_COMPARED && !lease.given_up() {
            let picture = match stream.next()?.decode() {
                Ok(picture) => picture,
                Err(fault) if damaged >= TRIES_FOR_A_WHOLE_FRAME => return Err(fault),
                Err(_) => {
                    damaged += 1;
                    continue;
                }
            };
            seen.frames += 1;
            if before
                .as_ref()
                .is_some_and(|b| b.as_raw() != picture.as_raw())
            {
                seen.changed += 1;
            }
            before = Some(picture);
        }
        seen.millis = u64::try_from(opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(seen)
    })
}

#[cfg(test)]
mod tests;
