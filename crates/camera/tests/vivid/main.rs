//! The whole real path, from the kernel's capture queue to pixels, against its `vivid` driver.
//!
//! `scripts/camera-vm` boots a machine with that driver and runs these one after another, in the
//! order of their names. Each says on a line of its own what it saw.
#![allow(clippy::unwrap_used)]

mod mjpeg;

use std::thread;
use std::time::{Duration, Instant};

use fengjuan_camera::{
    CameraFault, CameraSource, Layout, ShotRequest, WARM_UP_AT_LEAST, Webcam, brightness,
};
use image::RgbImage;
use v4l::control::{Control, Value};
use v4l::io::traits::CaptureStream;
use v4l::video::Capture;

const PATIENCE: Duration = Duration::from_secs(20);

fn saw(check: &str, what: impl std::fmt::Display) {
    println!("\n  CHECK {check}: {what}");
}

fn shot(width: u32, height: u32) -> ShotRequest {
    ShotRequest {
        width,
        height,
        warm_up: WARM_UP_AT_LEAST,
        deadline: PATIENCE,
    }
}

fn take_vga() -> Result<RgbImage, CameraFault> {
    Webcam.take("0", &shot(640, 480))
}

fn device() -> v4l::Device {
    v4l::Device::new(0).unwrap()
}

/// Sets a control of the virtual camera by its name.
fn control(name: &str, value: Value) {
    let device = device();
    let found = device
        .query_controls()
        .unwrap()
        .into_iter()
        .find(|c| c.name == name);
    let id = found.unwrap_or_else(|| panic!("no control {name}")).id;
    device.set_control(Control { id, value }).unwrap();
}

/// Asks again until the answer is yes; there is no event to wait for.
fn until(what: &str, mut yes: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !yes() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
    began.elapsed()
}

/// True while somebody's capture buffers are allocated: the format is then locked (EBUSY).
fn is_streaming() -> bool {
    let device = device();
    let format = device.format().unwrap();
    device
        .set_format(&format)
        .is_err_and(|cause| cause.raw_os_error() == Some(16))
}

/// The eight colour bars, each channel being on or off, read below the text in the picture.
fn assert_bars(picture: &RgbImage) -> String {
    let bars = ["RGB", "RG-", "-GB", "-G-", "R-B", "R--", "--B", "---"];
    let (width, height) = picture.dimensions();
    let mut seen = Vec::new();
    for (position, want) in (0u32..).zip(bars) {
        let pixel = picture
            .get_pixel(width * (2 * position + 1) / 16, height * 7 / 8)
            .0;
        for (channel, letter) in pixel.into_iter().zip(want.chars()) {
            let right = if letter == '-' {
                channel < 60
            } else {
                channel > 150
            };
            assert!(right, "bar {position} should be {want}: {pixel:?}");
        }
        seen.push(format!("{pixel:?}"));
    }
    seen.join(" ")
}

#[test]
#[ignore = "needs a V4L2 device: run by scripts/camera-vm"]
fn a_list_names_the_camera_and_skips_other_nodes() {
    // A name that the camera library's own listing panics at, and a node that is no device.
    std::fs::write("/dev/video-front", "").unwrap();
    std::fs::write("/dev/video77", "").unwrap();
    let found = Webcam.list().unwrap();
    std::fs::remove_file("/dev/video-front").unwrap();
    std::fs::remove_file("/dev/video77").unwrap();
    saw("list", format!("{found:?}"));
    assert_eq!(found.len(), 1);
    assert!(found[0].id == "0" && found[0].name.contains("vivid") && !found[0].pattern);
}

#[test]
#[ignore = "needs a V4L2 device: run by scripts/camera-vm"]
fn b_vga_has_the_eight_bars_in_their_places() {
    let began = Instant::now();
    let picture = take_vga().unwrap();
    assert_eq!(picture.dimensions(), (640, 480));
    let bars = assert_bars(&picture);
    let (took, light) = (began.elapsed().as_millis(), brightness(&picture));
    saw(
        "vga",
        format!("640×480 in {took} ms, brightness {light}, bars {bars}"),
    );
}

#[test]
#[ignore = "needs a V4L2 device: run by scripts/camera-vm"]
fn c_hd_and_an_impossible_size() {
    let hd = Webcam.take("0", &shot(1280, 720)).unwrap();
    assert_eq!(hd.dimensions(), (1280, 720));
    assert_bars(&hd);
    let near = Webcam.take("0", &shot(1234, 777)).unwrap();
    assert_eq!(near.dimensions(), (1280, 720));
    saw(
        "hd",
        "1280×720 as asked; 1234×777 gave the nearest, 1280×720",
    );
}

#[test]
#[ignore = "needs a V4L2 device: run by scripts/camera-vm"]
fn d_every_uncompressed_layout_shows_the_same_bars() {
    for layout in [Layout::Yuyv, Layout::Nv12, Layout::Rgb, Layout::Bgr] {
        let picture = Webcam.take_as("0", &shot(640, 480), layout).unwrap();
        assert_eq!(picture.dimensions(), (640, 480));
        saw("layout", format!("{layout:?} {}", assert_bars(&picture)));
    }
    let fault = Webcam
        .take_as("0", &shot(640, 480), Layout::Mjpeg)
        .unwrap_err();
    saw("layout", format!("Mjpeg, which this device lacks: {fault}"));
    assert_eq!(fault.code(), "camera.format");
    // Leaves the device as the checks behind this one expect it.
    Webcam.take_as("0", &shot(640, 480), Layout::Yuyv).unwrap();
}

#[test]
#[ignore = "needs a V4L2 device: run by scripts/camera-vm"]
fn e_not_found() {
    for id in ["42", "front", ""] {
        let fault = Webcam.take(id, &shot(640, 480)).unwrap_err();
        saw("not found", format!("id {id:?}: {}", fault.code()));
        assert_eq!(fault, CameraFault::NotFound);
    }
}

#[test]
#[ignore = "needs a V4L2 device: run by scripts/camera-vm"]
fn f_busy_while_another_holds_it_and_free_again_after() {
    let device = device();
    let mut other =
        v4l::prelude::MmapStream::new(&device, v4l::buffer::Type::VideoCapture).unwrap();
    other.next().unwrap();
    let same_size = take_vga().unwrap_err();
    let another_size = Webcam.take("0", &shot(1280, 720)).unwrap_err();
    let listed = Webcam.list().unwrap().len();
    drop(other);
    drop(device);
    assert_eq!(
        (&same_size, &another_size),
        (&CameraFault::Busy, &CameraFault::Busy)
    );
    assert_eq!(listed, 1, "a busy camera is still a camera");
    assert!(take_vga().is_ok());
    saw(
        "busy",
        "busy at the same size and at another, still listed, then free again",
    );
}

#[test]
#[ignore = "needs a V4L2 device: run by scripts/camera-vm"]
fn g_two_callers_at_once_open_it_once() {
    let long = ShotRequest {
        warm_up: 30,
        ..shot(640, 480)
    };
    let first = thread::spawn(move || Webcam.take("0", &long));
    until("the first caller streams", is_streaming);
    let second = take_vga();
    assert_eq!(second, Err(CameraFault::Busy));
    let first = first.join().unwrap().unwrap();
    assert_bars(&first);
    saw(
        "two callers",
        "the second was told busy, the first got its picture unharmed",
    );
}

#[test]
#[ignore = "needs a V4L2 device: run by scripts/camera-vm"]
fn h_changing_and_frozen_frames_are_told_apart() {
    let live = Webcam.frames_change("0", PATIENCE).unwrap();
    saw("frames change", format!("{live:?}"));
    assert!(live.is_live() && live.frames >= 2, "{live:?}");
    // Without its running clock the picture of this camera stands still.
    control("OSD Text Mode", Value::Integer(2));
    let frozen = Webcam.frames_change("0", PATIENCE);
    control("OSD Text Mode", Value::Integer(0));
    let frozen = frozen.unwrap();
    saw("frames frozen", format!("{frozen:?}"));
    assert!(
        frozen.frames >= 2 && frozen.changed == 0 && !frozen.is_live(),
        "{frozen:?}"
    );
}

#[test]
#[ignore = "needs a V4L2 device: run by scripts/camera-vm"]
fn i_unplugged_in_the_middle() {
    take_vga().unwrap();
    let endless = ShotRequest {
        warm_up: 10_000,
        ..shot(640, 480)
    };
    let taking = thread::spawn(move || {
        let outcome = Webcam.take("0", &endless);
        (outcome, Instant::now())
    });
    until("the caller streams", is_streaming);
    let pulled = Instant::now();
    control("Disconnect", Value::Integer(1));
    let (outcome, answered) = taking.join().unwrap();
    assert_eq!(outcome, Err(CameraFault::Unplugged));
    let back = until("the camera is back", || take_vga().is_ok());
    let after = answered.saturating_duration_since(pulled).as_millis();
    saw(
        "unplug",
        format!(
            "unplugged {after} ms after; a picture again {} ms later",
            back.as_millis()
        ),
    );
}

#[test]
#[ignore = "needs a V4L2 device: run by scripts/camera-vm"]
fn j_stall_is_told_at_the_deadline_and_recovers() {
    control("Percentage of Dropped Buffers", Value::Integer(100));
    let began = Instant::now();
    let deadline = Duration::from_millis(1500);
    let stalled = Webcam.take(
        "0",
        &ShotRequest {
            deadline,
            ..shot(640, 480)
        },
    );
    let first = began.elapsed();
    let again = Instant::now();
    let second = take_vga();
    let check = Webcam.frames_change("0", PATIENCE);
    let refused = again.elapsed();
    control("Percentage of Dropped Buffers", Value::Integer(0));
    assert_eq!(stalled, Err(CameraFault::Stalled));
    assert!(
        first >= deadline && first < deadline + Duration::from_secs(2),
        "{first:?}"
    );
    assert_eq!(
        (second.err(), check.err()),
        (Some(CameraFault::Stalled), Some(CameraFault::Stalled))
    );
    assert!(refused < Duration::from_secs(2), "{refused:?}");
    let back = until("a picture again", || take_vga().is_ok());
    saw(
        "stall",
        format!(
            "stalled after {} ms; two more calls refused in {} ms; a picture {} ms after frames came back",
            first.as_millis(),
            refused.as_millis(),
            back.as_millis()
        ),
    );
}

#[test]
#[ignore = "needs a V4L2 device: run by scripts/camera-vm"]
fn k_thirty_pictures_leave_no_file_and_no_thread_behind() {
    let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
    take_vga().unwrap();
    let before = (count("/proc/self/fd"), count("/proc/self/task"));
    for _ in 0..30 {
        take_vga().unwrap();
    }
    until("the last worker is gone", || {
        count("/proc/self/task") <= before.1
    });
    let after = (count("/proc/self/fd"), count("/proc/self/task"));
    saw(
        "leaks",
        format!("files and threads before {before:?}, after thirty pictures {after:?}"),
    );
    assert!(after.0 <= before.0 && after.1 <= before.1);
}

#[test]
#[ignore = "needs a V4L2 device: run by scripts/camera-vm"]
fn l_permission() {
    // Rights belong to a thread, and the worker inherits those of whoever starts it.
    let outcome = thread::spawn(|| {
        let nobody = rustix::thread::Uid::from_raw(65534);
        rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        (take_vga(), Webcam.list())
    });
    let (taken, listed) = outcome.join().unwrap();
    saw(
        "permission",
        format!("take: {:?}, list: {listed:?}", taken.as_ref().err()),
    );
    assert_eq!(taken, Err(CameraFault::Permission));
    assert_eq!(listed, Err(CameraFault::Permission));
}
