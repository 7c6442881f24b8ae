//! A camera that is handed its pictures, before it the code that a station draws on its page.

use super::*;
use fengjuan_camera::{CameraDevice, FrameChange, PATTERN_ID, PatternSource};
use image::{Rgb, RgbImage, imageops};
use std::sync::Condvar;
use std::sync::mpsc::{self, Receiver, Sender};

/// What the station's page draws for the text in its first line.
const STATION: &str = include_str!("../../../../../fixtures/qr/station.txt");
const URL: &str = "https://192.168.6.10:8443";
const FINGERPRINT: &str = "4T7Q-0MZK-93XB-R2WD";
const PATIENCE: Duration = Duration::from_secs(60);

/// The code on white paper, six pixels to a module.
fn station_code() -> RgbImage {
    let rows: Vec<&str> = STATION.lines().skip(2).collect();
    let mut picture = RgbImage::from_pixel(640, 480, Rgb([230; 3]));
    for (y, row) in rows.iter().enumerate() {
        for (x, _) in row
            .bytes()
            .enumerate()
            .filter(|(_, module)| *module == b'#')
        {
            let dot = RgbImage::from_pixel(6, 6, Rgb([25; 3]));
            imageops::replace(&mut picture, &dot, 200 + x as i64 * 6, 120 + y as i64 * 6);
        }
    }
    picture
}

fn wall() -> RgbImage {
    RgbImage::from_pixel(640, 480, Rgb([140; 3]))
}

type Shot = Result<RgbImage, CameraFault>;

/// Gives what it is handed, picture by picture.
struct Handed {
    shots: Mutex<Receiver<Shot>>,
    listed: Result<Vec<CameraDevice>, CameraFault>,
    taken: (Mutex<u32>, Condvar),
}

impl Handed {
    fn new() -> (Arc<Handed>, Sender<Shot>) {
        let device = CameraDevice {
            id: "0".to_owned(),
            name: "webcam".to_owned(),
            pattern: false,
        };
        Handed::with(Ok(vec![device]))
    }

    fn with(listed: Result<Vec<CameraDevice>, CameraFault>) -> (Arc<Handed>, Sender<Shot>) {
        let (hand, shots) = mpsc::channel();
        let handed = Handed {
            shots: Mutex::new(shots),
            listed,
            taken: (Mutex::new(0), Condvar::new()),
        };
        (Arc::new(handed), hand)
    }

    /// Waits until as many pictures have been asked for.
    fn asked(&self, wanted: u32) {
        let (taken, changed) = &self.taken;
        let taken = taken.lock().unwrap();
        let waited = changed.wait_timeout_while(taken, PATIENCE, |taken| *taken < wanted);
        assert!(!waited.unwrap().1.timed_out(), "nobody looks");
    }
}

impl CameraSource for Handed {
    fn list(&self) -> Result<Vec<CameraDevice>, CameraFault> {
        self.listed.clone()
    }

    fn take(&self, id: &str, _: &ShotRequest) -> Shot {
        assert_eq!(id, "0");
        *self.taken.0.lock().unwrap() += 1;
        self.taken.1.notify_all();
        let shots = self.shots.lock().unwrap();
        shots.recv().unwrap_or(Err(CameraFault::Unplugged))
    }

    fn label(&self) -> Option<&'static str> {
        None
    }

    fn frames_change(&self, _: &str, _: Duration) -> Result<FrameChange, CameraFault> {
        Err(CameraFault::NotFound)
    }
}

fn until(scan: &Scan, wanted: impl Fn(&ScanView) -> bool) -> ScanView {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let view = scan.view();
        if wanted(&view) {
            return view;
        }
        assert!(Instant::now() < deadline, "{view:?}");
        std::thread::yield_now();
    }
}

fn ended(scan: &Scan) -> String {
    match until(scan, |view| matches!(view, ScanView::Ended { .. })) {
        ScanView::Ended { code } => code,
        _ => unreachable!(),
    }
}

#[test]
fn the_station_s_code_is_shown_to_be_confirmed_and_no_picture_stays() {
    let (camera, hand) = Handed::new();
    let scan = Scan::new(camera.clone());
    assert_eq!(scan.view(), ScanView::Off {});
    scan.start();
    hand.send(Ok(wall())).unwrap();
    camera.asked(2);
    let ScanView::Looking {
        picture_url,
        notice,
    } = scan.view()
    else {
        panic!("{:?}", scan.view());
    };
    assert_eq!(
        (picture_url.as_deref(), notice),
        (Some("paper://localhost/scan?r=1"), None)
    );
    assert!(
        scan.picture()
            .is_some_and(|jpeg| jpeg.starts_with(&[0xff, 0xd8]))
    );
    hand.send(Ok(station_code())).unwrap();
    let found = until(&scan, |view| matches!(view, ScanView::Found { .. }));
    let text = STATION.lines().next().unwrap().to_owned();
    let (url, fingerprint) = (URL.to_owned(), FINGERPRINT.to_owned());
    assert_eq!(
        found,
        ScanView::Found {
            text,
            url,
            fingerprint
        }
    );
    assert_eq!(scan.picture(), None);
    assert!(hand.send(Ok(wall())).is_ok());
    drop(hand);
    assert_eq!(*camera.taken.0.lock().unwrap(), 2, "nobody looks any more");
}

#[test]
fn a_search_that_was_stopped_says_nothing_more() {
    let (camera, hand) = Handed::new();
    let scan = Scan::new(camera.clone());
    scan.start();
    camera.asked(1);
    scan.stop();
    hand.send(Ok(station_code())).unwrap();
    // The thread of the first search gives the camera's pictures to the second one.
    scan.start();
    hand.send(Ok(wall())).unwrap();
    hand.send(Err(CameraFault::Unplugged)).unwrap();
    assert_eq!(ended(&scan), "camera.unplugged");
    assert_eq!(scan.picture(), None);
}

#[test]
fn no_camera_and_a_pattern_and_a_long_search_say_so() {
    for listed in [Ok(Vec::new()), PatternSource::new().list()] {
        let (camera, _hand) = Handed::with(listed);
        let scan = Scan::new(camera);
        scan.start();
        assert_eq!(ended(&scan), "camera.not_found");
    }
    let (camera, _hand) = Handed::with(Err(CameraFault::Permission));
    let scan = Scan::new(camera);
    scan.start();
    assert_eq!(ended(&scan), "camera.permission");
    let pattern = Scan::new(Arc::new(PatternSource::new()));
    pattern.start();
    assert_eq!(
        ended(&pattern),
        "camera.not_found",
        "{PATTERN_ID} shows nobody's code"
    );
    let (camera, _hand) = Handed::new();
    let scan = Scan::within(camera, Duration::ZERO);
    scan.start();
    assert_eq!(ended(&scan), "join.scan_timeout");
}

#[test]
fn another_code_is_named_and_looking_goes_on() {
    let station = STATION.lines().next().unwrap();
    let of = |texts: &[&str]| {
        read(
            &texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(of(&[]), Read::Nothing);
    let long = format!("{station}&later={}", "x".repeat(LONGEST_TEXT));
    for other in [
        "",
        "https://192.168.6.10:8443",
        "http://example.com/",
        "fengjuan-hub:1?url=https://192.168.6.10:8443",
        "fengjuan-hub:1?url=http://192.168.6.10:8443&fp=4T7Q-0MZK-93XB-R2WD",
        "WIFI:S:x;;",
        "\u{0}",
        &long,
    ] {
        assert_eq!(of(&[other]), Read::Other("join.scan_other"), "{other}");
    }
    let newer = station.replace(":1?", ":2?");
    assert_eq!(
        of(&["WIFI:S:x;;", &newer, "x"]),
        Read::Other("hub.address_newer")
    );
    assert!(matches!(of(&["x", station, station]), Read::Station { .. }));
    let second = station.replace("4T7Q", "4T7R");
    assert_eq!(of(&[station, &second]), Read::Other("join.scan_several"));
}

#[test]
fn a_notice_stays_until_another_code_is_held_up() {
    let (camera, _hand) = Handed::new();
    let scan = Scan::new(camera);
    let search = scan.turn(ScanView::Looking {
        picture_url: None,
        notice: None,
    });
    let look = Look {
        now: scan.now.clone(),
        search,
        until: Instant::now() + PATIENCE,
    };
    let notice = || match scan.view() {
        ScanView::Looking { notice, .. } => notice,
        other => panic!("{other:?}"),
    };
    look.saw(Read::Other("join.scan_other"), None);
    look.saw(Read::Nothing, None);
    assert_eq!(notice().as_deref(), Some("join.scan_other"));
    look.saw(Read::Other("join.scan_several"), None);
    assert_eq!(notice().as_deref(), Some("join.scan_several"));
    assert!(look.goes_on());
}
