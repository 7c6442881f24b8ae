//! A scripted driver: what it delivers, when it hangs, and how often it was opened.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::*;
use crate::Layout;

enum Step {
    /// A 2×2 frame of one grey value.
    Grey(u8),
    /// A frame that is too short to be one.
    Short,
    Fault(CameraFault),
}

/// Each frame is whatever the test sends next; no message, no frame.
struct Script {
    name: &'static str,
    steps: Arc<Mutex<Receiver<Step>>>,
    opened: Arc<AtomicU32>,
    open_now: Arc<AtomicU32>,
    most_open: Arc<AtomicU32>,
    refuses: Option<CameraFault>,
}

struct Playing {
    steps: Arc<Mutex<Receiver<Step>>>,
    open_now: Arc<AtomicU32>,
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.open_now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl FrameStream for Playing {
    fn next(&mut self) -> Result<RawFrame, CameraFault> {
        let step = self
            .steps
            .lock()
            .unwrap()
            .recv()
            .map_err(|_| CameraFault::Unplugged)?;
        let bytes = match step {
            Step::Grey(value) => vec![value; 12],
            Step::Short => vec![0; 11],
            Step::Fault(fault) => return Err(fault),
        };
        Ok(RawFrame {
            layout: Layout::Rgb,
            width: 2,
            height: 2,
            bytes,
        })
    }
}

impl FramePort for Script {
    fn open(&self, _: &str, _: u32, _: u32) -> Result<Box<dyn FrameStream>, CameraFault> {
        if let Some(fault) = &self.refuses {
            return Err(fault.clone());
        }
        self.opened.fetch_add(1, Ordering::SeqCst);
        let now = self.open_now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(now, Ordering::SeqCst);
        Ok(Box::new(Playing {
            steps: Arc::clone(&self.steps),
            open_now: Arc::clone(&self.open_now),
        }))
    }

    fn device_key(&self, id: &str) -> String {
        format!("script/{}/{id}", self.name)
    }
}

fn script(name: &'static str) -> (Arc<Script>, Sender<Step>) {
    let (send, steps) = channel();
    let port = Script {
        name,
        steps: Arc::new(Mutex::new(steps)),
        opened: Arc::default(),
        open_now: Arc::default(),
        most_open: Arc::default(),
        refuses: None,
    };
    (Arc::new(port), send)
}

fn shot(warm_up: u32, millis: u64) -> ShotRequest {
    ShotRequest {
        width: 2,
        height: 2,
        warm_up,
        deadline: Duration::from_millis(millis),
    }
}

#[test]
fn the_first_four_frames_are_never_the_picture_even_when_none_is_asked_for() {
    let (port, send) = script("warm-up");
    for value in 1..=9 {
        send.send(Step::Grey(value)).unwrap();
    }
    let picture = take_through(&port, "0", &shot(0, 20_000)).unwrap();
    assert_eq!(picture.get_pixel(0, 0).0, [5, 5, 5]);
    assert_eq!(
        port.open_now.load(Ordering::SeqCst),
        0,
        "closed when the call returns"
    );
}

#[test]
fn a_damaged_frame_is_passed_over_and_endless_damage_is_a_format_fault() {
    let (port, send) = script("damage");
    for _ in 0..4 {
        send.send(Step::Grey(0)).unwrap();
    }
    send.send(Step::Short).unwrap();
    send.send(Step::Short).unwrap();
    send.send(Step::Grey(77)).unwrap();
    let picture = take_through(&port, "0", &shot(4, 20_000)).unwrap();
    assert_eq!(picture.get_pixel(1, 1).0, [77, 77, 77]);

    for _ in 0..4 + TRIES_FOR_A_WHOLE_FRAME {
        send.send(Step::Short).unwrap();
    }
    let fault = take_through(&port, "0", &shot(4, 20_000)).unwrap_err();
    assert_eq!(fault.code(), "camera.format");
}

#[test]
fn a_refusal_and_a_loss_in_the_middle_keep_their_causes() {
    for cause in [
        CameraFault::Permission,
        CameraFault::Busy,
        CameraFault::NotFound,
    ] {
        let (port, _send) = script("refuses");
        let mut port = Arc::into_inner(port).unwrap();
        port.refuses = Some(cause.clone());
        assert_eq!(
            take_through(&Arc::new(port), "0", &shot(4, 20_000)),
            Err(cause)
        );
    }
    let (port, send) = script("lost");
    send.send(Step::Grey(1)).unwrap();
    send.send(Step::Fault(CameraFault::Unplugged)).unwrap();
    assert_eq!(
        take_through(&port, "0", &shot(4, 20_000)),
        Err(CameraFault::Unplugged)
    );
    assert_eq!(port.open_now.load(Ordering::SeqCst), 0);
}

#[test]
fn a_stalled_device_is_opened_once_and_serves_again_after_it_lets_go() {
    let (port, send) = script("stalls");
    send.send(Step::Grey(1)).unwrap();
    assert_eq!(
        take_through(&port, "0", &shot(4, 50)),
        Err(CameraFault::Stalled)
    );
    for _ in 0..20 {
        assert_eq!(
            take_through(&port, "0", &shot(4, 20_000)),
            Err(CameraFault::Stalled)
        );
        let check = frames_change_through(&port, "0", Duration::from_secs(20));
        assert_eq!(check, Err(CameraFault::Stalled));
    }
    assert_eq!(port.opened.load(Ordering::SeqCst), 1);

    // One frame is enough: the abandoned worker sees that nobody waits and closes the device.
    send.send(Step::Grey(2)).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while port.open_now.load(Ordering::SeqCst) > 0 {
        assert!(Instant::now() < until, "the worker never let go");
        thread::yield_now();
    }
    let feed = thread::spawn(move || {
        while send.send(Step::Grey(9)).is_ok() {
            thread::yield_now()
        }
    });
    let picture = loop {
        match take_through(&port, "0", &shot(4, 20_000)) {
            Err(CameraFault::Stalled) if Instant::now() < until => thread::yield_now(),
            other => break other.unwrap(),
        }
    };
    assert_eq!(picture.get_pixel(0, 0).0, [9, 9, 9]);
    assert_eq!(port.most_open.load(Ordering::SeqCst), 1);
    drop(port);
    feed.join().unwrap();
}

#[test]
fn many_callers_at_once_never_open_a_device_twice() {
    let (port, send) = script("crowd");
    let feed = thread::spawn(move || {
        while send.send(Step::Grey(3)).is_ok() {
            thread::yield_now()
        }
    });
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let port = Arc::clone(&port);
            thread::spawn(move || {
                let mut taken = 0;
                let until = Instant::now() + Duration::from_secs(30);
                while taken < 5 && Instant::now() < until {
                    match take_through(&port, "0", &shot(4, 20_000)) {
                        Ok(_) => taken += 1,
                        Err(CameraFault::Busy) => thread::yield_now(),
                        Err(other) => panic!("{other}"),
                    }
                }
                taken
            })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.join().unwrap(), 5);
    }
    assert_eq!(port.most_open.load(Ordering::SeqCst), 1);
    drop(port);
    feed.join().unwrap();
}

#[test]
fn changing_frames_are_counted_and_a_frozen_camera_shows() {
    let (port, send) = script("changes");
    for value in 0..14 {
        send.send(Step::Grey(value)).unwrap();
    }
    let live = frames_change_through(&port, "0", Duration::from_secs(20)).unwrap();
    assert_eq!((live.frames, live.changed), (10, 9));
    assert!(live.is_live());

    for _ in 0..14 {
        send.send(Step::Grey(200)).unwrap();
    }
    let frozen = frames_change_through(&port, "0", Duration::from_secs(20)).unwrap();
    assert_eq!((frozen.frames, frozen.changed), (10, 0));
    assert!(!frozen.is_live());
}
