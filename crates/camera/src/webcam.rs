//! Real cameras, through nokhwa on Video4Linux.
//!
//! Seen of nokhwa 0.10.11, and the reason for what is done here:
//! - its `query()` panics when any node is named like `/dev/video-front` and lists nodes that
//!   nobody can open, so nodes are found here and asked for their formats;
//! - "closest" formats need the very resolution, so a list of usual ones is walked;
//! - a busy device opens well and fails when its stream starts; errors are texts that end in the
//!   system's error number;
//! - a second camera on the same device in one process breaks the first (see `lease`).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use image::RgbImage;
use nokhwa::utils::{
    CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution,
};
use nokhwa::{Camera, NokhwaError};
use v4l::video::Capture;

use crate::fault::errno_in;
use crate::lease::within;
use crate::{
    CameraDevice, CameraFault, CameraSource, FrameChange, FramePort, FrameStream, Layout, RawFrame,
    ShotRequest, frames_change_through, take_through,
};

/// Sizes that webcams have, tried where the wanted one does not exist.
const USUAL_SIZES: [(u32, u32); 9] = [
    (640, 480),
    (1280, 720),
    (800, 600),
    (640, 360),
    (1920, 1080),
    (1024, 768),
    (352, 288),
    (320, 240),
    (320, 180),
];

/// Compressed first: several cameras on one USB bus fit only so.
const LAYOUTS: [Layout; 5] = [
    Layout::Mjpeg,
    Layout::Yuyv,
    Layout::Nv12,
    Layout::Rgb,
    Layout::Bgr,
];

const WANTED_RATE: u32 = 30;

/// Opening every node takes milliseconds; a device that is being reset may take seconds.
const LIST_DEADLINE: Duration = Duration::from_secs(5);

static ANY_LAYOUT: LazyLock<Arc<Nodes>> = LazyLock::new(|| Arc::new(Nodes { layouts: &LAYOUTS }));

/// The webcams of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Webcam;

impl Webcam {
    /// One picture in one layout only, where a check wants to know whether just that one works.
    ///
    /// # Errors
    /// As [`CameraSource::take`]; [`CameraFault::Format`] where the device lacks the layout.
    pub fn take_as(
        &self,
        id: &str,
        shot: &ShotRequest,
        layout: Layout,
    ) -> Result<RgbImage, CameraFault> {
        let only = LAYOUTS.iter().position(|l| *l == layout).unwrap_or(0);
        let layouts = LAYOUTS.get(only..=only).unwrap_or(&LAYOUTS);
        take_through(&Arc::new(Nodes { layouts }), id, shot)
    }
}

impl CameraSource for Webcam {
    fn list(&self) -> Result<Vec<CameraDevice>, CameraFault> {
        within("v4l/list", LIST_DEADLINE, |_| list_nodes(Path::new("/dev")))
    }

    fn take(&self, id: &str, shot: &ShotRequest) -> Result<RgbImage, CameraFault> {
        take_through(&ANY_LAYOUT, id, shot)
    }

    fn label(&self) -> Option<&'static str> {
        None
    }

    fn frames_change(&self, id: &str, deadline: Duration) -> Result<FrameChange, CameraFault> {
        frames_change_through(&ANY_LAYOUT, id, deadline)
    }
}

/// N of a node named `videoN`, and nothing of any other name.
fn node_number(name: &OsStr) -> Option<u32> {
    let digits = name.to_str()?.strip_prefix("video")?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

fn node_path(number: u32) -> PathBuf {
    PathBuf::from(format!("/dev/video{number}"))
}

fn list_nodes(dev: &Path) -> Result<Vec<CameraDevice>, CameraFault> {
    let entries = std::fs::read_dir(dev).map_err(|cause| from_io(&cause))?;
    let mut numbers: Vec<u32> = entries
        .flatten()
        .filter_map(|entry| node_number(&entry.file_name()))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut found = Vec::new();
    let mut refused = None;
    for number in numbers {
        match can_capture(&dev.join(format!("video{number}"))) {
            Ok(true) => found.push(CameraDevice {
                id: number.to_string(),
                name: node_name(number),
                pattern: false,
            }),
            Ok(false) => {}
            Err(fault) => {
                tracing::debug!(number, code = fault.code(), "a video node was skipped");
                refused.get_or_insert(fault);
            }
        }
    }
    match refused {
        // A node that went away meanwhile is simply not there.
        Some(fault) if found.is_empty() && fault != CameraFault::NotFound => Err(fault),
        _ => Ok(found),
    }
}

/// False for nodes of other kinds: a webcam's metadata node, a codec, an output.
fn can_capture(node: &Path) -> Result<bool, CameraFault> {
    let device = v4l::Device::with_path(node).map_err(|cause| from_io(&cause))?;
    Ok(device.enum_formats().is_ok_and(|formats| {
        formats
            .iter()
            .any(|f| [b"MJPG", b"YUYV", b"NV12", b"RGB3", b"BGR3"].contains(&&f.fourcc.repr))
    }))
}

fn node_name(number: u32) -> String {
    // A kernel cuts long names at a byte, perhaps inside a Chinese character.
    std::fs::read(format!("/sys/class/video4linux/video{number}/name"))
        .map(|name| String::from_utf8_lossy(&name).trim().to_owned())
        .unwrap_or_else(|_| format!("video{number}"))
}

/// The typed cause of a failed open. The V4L2 library keeps the number in its text only.
fn from_io(cause: &std::io::Error) -> CameraFault {
    let text = cause.to_string();
    cause
        .raw_os_error()
        .or_else(|| errno_in(&text))
        .and_then(CameraFault::from_errno)
        .unwrap_or(CameraFault::Broken(text))
}

struct Nodes {
    layouts: &'static [Layout],
}

impl FramePort for Nodes {
    fn open(&self, id: &str, width: u32, height: u32) -> Result<Box<dyn FrameStream>, CameraFault> {
        let number: u32 = id.parse().map_err(|_| CameraFault::NotFound)?;
        let mut last = CameraFault::Format("no size and layout that can be read".into());
        for (width, height) in sizes_by_nearness(width, height) {
            for layout in self.layouts {
                match open_as(number, width, height, *layout) {
                    Ok(stream) => return Ok(Box::new(stream)),
                    Err(CameraFault::Format(why)) => last = CameraFault::Format(why),
                    Err(fault) => return Err(fault),
                }
            }
        }
        Err(last)
    }

    fn device_key(&self, id: &str) -> String {
        match id.parse::<u32>() {
            Ok(number) => format!("v4l/{number}"),
            Err(_) => format!("v4l/{id}"),
        }
    }
}

/// The wanted size, then the usual ones, the nearest in pixels first.
fn sizes_by_nearness(width: u32, height: u32) -> Vec<(u32, u32)> {
    let pixels = |(w, h): (u32, u32)| u64::from(w) * u64::from(h);
    let mut others: Vec<_> = USUAL_SIZES
        .into_iter()
        .filter(|s| *s != (width, height))
        .collect();
    others.sort_by_key(|size| pixels(*size).abs_diff(pixels((width, height))));
    let possible = (1..=8192).contains(&width) && (1..=8192).contains(&height);
    possible
        .then_some((width, height))
        .into_iter()
        .chain(others)
        .collect()
}

fn open_as(
    number: u32,
    width: u32,
    height: u32,
    layout: Layout,
) -> Result<NodeStream, CameraFault> {
    let format = match layout {
        Layout::Mjpeg => FrameFormat::MJPEG,
        Layout::Yuyv => FrameFormat::YUYV,
        Layout::Nv12 => FrameFormat::NV12,
        Layout::Rgb => FrameFormat::RAWRGB,
        Layout::Bgr => FrameFormat::RAWBGR,
    };
    let wanted = CameraFormat::new(Resolution::new(width, height), format, WANTED_RATE);
    let formats = [format];
    let request = RequestedFormat::with_formats(RequestedFormatType::Closest(wanted), &formats);
    let fault = |cause| from_nokhwa(&cause, &node_path(number));
    let mut camera = Camera::new(CameraIndex::Index(number), request).map_err(fault)?;
    camera.open_stream().map_err(fault)?;
    Ok(NodeStream {
        camera,
        layout,
        number,
    })
}

struct NodeStream {
    camera: Camera,
    layout: Layout,
    number: u32,
}

impl FrameStream for NodeStream {
    fn next(&mut self) -> Result<RawFrame, CameraFault> {
        let agreed = self.camera.resolution();
        let frame = self
            .camera
            .frame_raw()
            .map_err(|cause| from_nokhwa(&cause, &node_path(self.number)))?;
        Ok(RawFrame {
            layout: self.layout,
            width: agreed.width(),
            height: agreed.height(),
            bytes: frame.into_owned(),
        })
    }
}

/// The typed cause. A refused format comes as a property error, either without any number of the
/// system or with EINVAL; a device that fails while its node is gone was unplugged, whatever
/// the number.
fn from_nokhwa(cause: &NokhwaError, node: &Path) -> CameraFault {
    let text = cause.to_string();
    let errno = errno_in(&text);
    if let Some(fault) = errno.and_then(CameraFault::from_errno) {
        return fault;
    }
    match cause {
        NokhwaError::GetPropertyError { .. } | NokhwaError::SetPropertyError { .. }
            if matches!(errno, None | Some(22)) =>
        {
            CameraFault::Format(text)
        }
        _ if !node.exists() => CameraFault::Unplugged,
        _ => CameraFault::Broken(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbered_nodes_are_cameras() {
        let number = |name: &str| node_number(OsStr::new(name));
        assert_eq!((number("video0"), number("video12")), (Some(0), Some(12)));
        for other in [
            "video",
            "video-front",
            "video+1",
            "video1a",
            "v4l",
            "video99999999999",
            "視頻0",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "names of devices, no picture")]
    fn a_folder_without_nodes_lists_no_camera_and_a_plain_file_is_none() {
        let dev = std::env::temp_dir().join(format!("fengjuan-nodes-{}", std::process::id()));
        std::fs::create_dir_all(&dev).unwrap();
        assert_eq!(list_nodes(&dev), Ok(vec![]));
        std::fs::write(dev.join("video7"), b"not a device").unwrap();
        std::fs::write(dev.join("video-front"), b"not a device").unwrap();
        assert_eq!(list_nodes(&dev), Ok(vec![]));
        std::fs::remove_dir_all(&dev).unwrap();
    }

    #[test]
    fn the_wanted_size_is_first_and_the_nearest_usual_one_next() {
        let sizes = sizes_by_nearness(1280, 800);
        assert_eq!(sizes[..2], [(1280, 800), (1280, 720)]);
        assert_eq!(sizes_by_nearness(640, 480).len(), USUAL_SIZES.len());
        assert_eq!(sizes_by_nearness(0, u32::MAX).len(), USUAL_SIZES.len());
    }

    #[test]
    fn the_cause_comes_from_the_number_and_the_variant() {
        let here = Path::new("/");
        let gone = Path::new("/no/such/node");
        let frame = |text: &str| NokhwaError::ReadFrameError(text.into());
        let property = |error: &str| NokhwaError::GetPropertyError {
            property: "CameraFormat".into(),
            error: error.into(),
        };
        assert_eq!(
            from_nokhwa(&frame("x (os error 19)"), here),
            CameraFault::Unplugged
        );
        assert_eq!(
            from_nokhwa(&frame("x (os error 5)"), here).code(),
            "camera.broken"
        );
        assert_eq!(
            from_nokhwa(&frame("x (os error 5)"), gone),
            CameraFault::Unplugged
        );
        assert_eq!(
            from_nokhwa(&property("any words"), here).code(),
            "camera.format"
        );
        assert_eq!(
            from_nokhwa(&property("x (os error 22)"), here).code(),
            "camera.format"
        );
        assert_eq!(
            from_nokhwa(&property("x (os error 16)"), here),
            CameraFault::Busy
        );
        let open = NokhwaError::OpenDeviceError("0".into(), "x (os error 13)".into());
        assert_eq!(from_nokhwa(&open, here), CameraFault::Permission);
        let denied = std::io::Error::from_raw_os_error(13);
        assert_eq!(from_io(&denied), CameraFault::Permission);
        let retold = std::io::Error::other(denied.to_string());
        assert_eq!(from_io(&retold), CameraFault::Permission);
    }

    #[test]
    fn names_that_are_no_number_are_not_found_and_one_device_has_one_key() {
        let nodes = Nodes { layouts: &LAYOUTS };
        for id in ["", "pattern", "-1", "0x0", "/dev/video0"] {
            assert_eq!(
                nodes.open(id, 640, 480).err(),
                Some(CameraFault::NotFound),
                "{id}"
            );
        }
        assert_eq!(nodes.device_key("0"), nodes.device_key("00"));
        assert_ne!(nodes.device_key("0"), nodes.device_key("1"));
    }
}
