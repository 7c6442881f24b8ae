//! The station's QR code, held before this machine's camera: pictures are taken one after another, read and forgotten.
//! What a code says is an address to be confirmed, as a typed one is. The labelled pattern never stands in here.

use crate::view::desk::ScanView;
use fengjuan_camera::{CameraFault, CameraSource, ShotRequest, qr_texts, small_jpeg};
use fengjuan_device::site_kit::{HubAddress, HubAddressError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long is looked; then somebody has to ask again.
const LIMIT: Duration = Duration::from_secs(90);
/// A station's own text is a third of this.
const LONGEST_TEXT: usize = 300;
/// Of the small picture by which somebody sees what the camera sees.
const LARGEST_PICTURE: usize = 64 * 1024;

/// Looks for a station's code, one search at a time.
pub(super) struct Scan {
    camera: Arc<dyn CameraSource>,
    limit: Duration,
    now: Arc<Mutex<Now>>,
}

struct Now {
    /// Counts searches; a thread of an earlier one has nothing more to say.
    search: u64,
    view: ScanView,
    /// What the camera saw last, while it looks.
    picture: Option<Vec<u8>>,
    pictures: u64,
}

impl Scan {
    pub(super) fn new(camera: Arc<dyn CameraSource>) -> Scan {
        Scan::within(camera, LIMIT)
    }

    fn within(camera: Arc<dyn CameraSource>, limit: Duration) -> Scan {
        let now = Now {
            search: 0,
            view: ScanView::Off {},
            picture: None,
            pictures: 0,
        };
        Scan {
            camera,
            limit,
            now: Arc::new(Mutex::new(now)),
        }
    }

    pub(super) fn view(&self) -> ScanView {
        hold(&self.now).view.clone()
    }

    /// A small JPEG of what the camera sees; none once the search has ended.
    pub(super) fn picture(&self) -> Option<Vec<u8>> {
        hold(&self.now).picture.clone()
    }

    /// Begins to look, anew where somebody does already.
    pub(super) fn start(&self) {
        let looking = ScanView::Looking {
            picture_url: None,
            notice: None,
        };
        let search = self.turn(looking);
        let look = Look {
            now: self.now.clone(),
            search,
            until: Instant::now() + self.limit,
        };
        let camera = self.camera.clone();
        let spawned = std::thread::Builder::new()
            .name("scan".to_owned())
            .spawn(move || look.until_found(&*camera));
        if let Err(error) = spawned {
            tracing::error!("no thread for the camera: {error}");
            let code = CameraFault::Broken(String::new()).code().to_owned();
            self.turn(ScanView::Ended { code });
        }
    }

    /// Nobody looks any more, and nothing is shown of it.
    pub(super) fn stop(&self) {
        self.turn(ScanView::Off {});
    }

    fn turn(&self, view: ScanView) -> u64 {
        let mut now = hold(&self.now);
        now.search += 1;
        now.view = view;
        now.picture = None;
        now.search
    }
}

fn hold(now: &Mutex<Now>) -> MutexGuard<'_, Now> {
    now.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One search.
struct Look {
    now: Arc<Mutex<Now>>,
    search: u64,
    until: Instant,
}

impl Look {
    fn until_found(&self, camera: &dyn CameraSource) {
        let id = match real_camera(camera) {
            Ok(id) => id,
            Err(fault) => return self.end(fault.code()),
        };
        while self.goes_on() {
            if Instant::now() >= self.until {
                return self.end("join.scan_timeout");
            }
            match camera.take(&id, &ShotRequest::vga()) {
                Ok(picture) => {
                    let read = read(&qr_texts(&picture));
                    self.saw(read, small_jpeg(&picture, LARGEST_PICTURE).ok());
                }
                Err(fault) => return self.end(fault.code()),
            }
        }
    }

    fn goes_on(&self) -> bool {
        let now = hold(&self.now);
        now.search == self.search && matches!(now.view, ScanView::Looking { .. })
    }

    fn end(&self, code: &'static str) {
        let mut now = hold(&self.now);
        if now.search == self.search {
            now.picture = None;
            now.view = ScanView::Ended {
                code: code.to_owned(),
            };
        }
    }

    fn saw(&self, read: Read, picture: Option<Vec<u8>>) {
        let mut now = hold(&self.now);
        if now.search != self.search {
            return;
        }
        let before = match &now.view {
            ScanView::Looking { notice, .. } => notice.clone(),
            _ => None,
        };
        let notice = match read {
            Read::Station { text, address } => {
                now.picture = None;
                now.view = ScanView::Found {
                    text,
                    url: address.url,
                    fingerprint: address.fingerprint.unwrap_or_default(),
                };
                return;
            }
            Read::Other(code) => Some(code.to_owned()),
            // Said until another code is held up: a picture without one is no answer to it.
            Read::Nothing => before,
        };
        now.pictures += 1;
        let number = now.pictures;
        now.view = ScanView::Looking {
            picture_url: picture
                .is_some()
                .then(|| format!("paper://localhost/scan?r={number}")),
            notice,
        };
        now.picture = picture;
    }
}

fn real_camera(camera: &dyn CameraSource) -> Result<String, CameraFault> {
    let found = camera.list()?;
    let real = found.into_iter().find(|device| !device.pattern);
    real.map(|device| device.id).ok_or(CameraFault::NotFound)
}

/// What the codes in one picture come to.
#[derive(Debug, PartialEq, Eq)]
enum Read {
    Nothing,
    Station {
        text: String,
        address: HubAddress,
    },
    /// The code of why it is no station's, or not the only one.
    Other(&'static str),
}

/// A station's own text names its fingerprint; a bare address is for typing.
fn read(texts: &[String]) -> Read {
    let mut stations: Vec<HubAddress> = Vec::new();
    let mut other = None;
    for text in texts {
        let parsed = match text.len() <= LONGEST_TEXT {
            true => HubAddress::parse(text),
            false => Err(HubAddressError::Unreadable),
        };
        match parsed {
            Ok(address) if address.fingerprint.is_some() => {
                if !stations.contains(&address) {
                    stations.push(address);
                }
            }
            Err(HubAddressError::Newer) => other = Some(HubAddressError::Newer.code()),
            Ok(_) | Err(HubAddressError::Unreadable) => other = other.or(Some("join.scan_other")),
        }
    }
    match (stations.pop(), stations.is_empty(), other) {
        (Some(address), true, _) => Read::Station {
            text: address.to_text(),
            address,
        },
        (Some(_), false, _) => Read::Other("join.scan_several"),
        (None, _, Some(code)) => Read::Other(code),
        (None, _, None) => Read::Nothing,
    }
}

#[cfg(test)]
mod tests;
