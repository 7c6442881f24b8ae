//! Motion JPEG, which `vivid` does not speak: frames written here to a v4l2loopback device.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fengjuan_camera::{CameraSource, Webcam, encode_jpeg};
use image::RgbImage;

use crate::{saw, shot, until};

/// A loopback device that a thread feeds with the same JPEG frames in turn, as a webcam would.
struct JpegCamera {
    stop: Arc<AtomicBool>,
    feed: Option<thread::JoinHandle<()>>,
}

const LOOPBACK: usize = 9;

impl JpegCamera {
    fn feeding(frames: Vec<Vec<u8>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, ready) = (Arc::clone(&stop), Arc::new(AtomicBool::new(false)));
        let is_ready = Arc::clone(&ready);
        let feed = thread::spawn(move || {
            let mut device = v4l::Device::new(LOOPBACK).unwrap();
            let format = v4l::Format::new(640, 480, v4l::FourCC::new(b"MJPG"));
            v4l::video::Output::set_format(&device, &format).unwrap();
            for frame in frames.iter().cycle() {
                if stopped.load(Ordering::Acquire) {
                    break;
                }
                device.write_all(frame).unwrap();
                is_ready.store(true, Ordering::Release);
                thread::park_timeout(Duration::from_millis(10));
            }
        });
        until("the first JPEG frame", || ready.load(Ordering::Acquire));
        Self {
            stop,
            feed: Some(feed),
        }
    }
}

impl Drop for JpegCamera {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(feed) = self.feed.take() {
            let _ = feed.join();
        }
    }
}

/// Left half red and right half blue, with noise where a longer frame is wanted.
fn two_halves(noise: bool) -> Vec<u8> {
    let picture = RgbImage::from_fn(640, 480, |x, y| {
        let grain = if noise && y < 400 {
            ((x * 97) ^ (y * 31)) as u8 / 8
        } else {
            0
        };
        image::Rgb(if x < 320 {
            [200, grain, grain]
        } else {
            [grain, grain, 200]
        })
    });
    encode_jpeg(&picture, 90).unwrap()
}

fn without_huffman_tables(jpeg: &[u8]) -> Vec<u8> {
    let mut bare = jpeg[..2].to_vec();
    let mut at = 2;
    while jpeg[at + 1] != 0xDA {
        let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if jpeg[at + 1] != 0xC4 {
            bare.extend_from_slice(&jpeg[at..end]);
        }
        at = end;
    }
    bare.extend_from_slice(&jpeg[at..]);
    bare
}

#[test]
#[ignore = "needs a V4L2 loopback device: run by scripts/camera-vm"]
fn half_frames_are_refused_and_whole_ones_are_read() {
    let id = LOOPBACK.to_string();
    let take = || Webcam.take(&id, &shot(640, 480));
    let (long, short) = (two_halves(true), two_halves(false));

    let cut = JpegCamera::feeding(vec![short[..short.len() / 2].to_vec()]);
    let fault = take().unwrap_err();
    saw("mjpeg", format!("only half frames: {fault}"));
    assert_eq!(fault.code(), "camera.format");
    drop(cut);

    // Behind each short frame the buffer still holds the end of a longer one.
    let bare = without_huffman_tables(&short);
    assert!(bare.len() < short.len());
    for (name, frames) in [
        ("long and short", vec![long, short]),
        ("no tables", vec![bare]),
    ] {
        let sizes: Vec<_> = frames.iter().map(Vec::len).collect();
        let camera = JpegCamera::feeding(frames);
        let listed = Webcam.list().unwrap().iter().any(|device| device.id == id);
        assert!(listed, "a camera that offers JPEG alone is listed");
        let picture = take().unwrap();
        assert_eq!(picture.dimensions(), (640, 480));
        let (left, right) = (picture.get_pixel(160, 440).0, picture.get_pixel(480, 440).0);
        saw(
            "mjpeg",
            format!("{name}, frames of {sizes:?} bytes: left {left:?}, right {right:?}"),
        );
        assert!(left[0] > 180 && left[2] < 30 && right[2] > 180 && right[0] < 30);
        drop(camera);
    }
}
