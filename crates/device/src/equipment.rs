//! The equipment check (设备检查): real measurements of this machine, each with its value, limit, verdict and advice.
//! What cannot be measured says why, and is never a pass.
//!
//! Values and limits are short and mean the same in every language (`212.4 GiB`, `≥ 10 GiB`); advice is a code
//! `check.<check>.<problem>`. The codes are listed in [`ADVICE`].

mod boots;
mod data;
mod disk;
mod measured;
mod network;
mod peripherals;
mod report;
mod system;

pub use boots::note_boot;
pub use measured::ADVICE;
pub use network::PUBLIC_ADDRESSES;
pub use system::forbid_core_dumps;

use crate::identity::DeviceIdentity;
use crate::papers::Papers;
use crate::recorder::Recorder;
use crate::sync::SyncState;
use crate::upstream::Upstream;
use crate::view::{Check, CheckRow, EquipmentView, Verdict};
use fengjuan_camera::CameraSource;
use fengjuan_store::{Reader, StoreError};
use measured::{EVERY_CHECK, running};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Sizes of the displays in pixels; `None` where nobody can say.
pub type DisplaySizes = Arc<dyn Fn() -> Option<Vec<(u32, u32)>> + Send + Sync>;

/// What is measured, and by what.
pub struct EquipmentParts {
    pub data_dir: PathBuf,
    pub recorder: Recorder,
    pub reader: Reader,
    pub identity: Arc<DeviceIdentity>,
    pub device_name: String,
    pub site: String,
    pub papers: Papers,
    pub camera: Arc<dyn CameraSource>,
    pub displays: DisplaySizes,
    pub sync: tokio::sync::watch::Receiver<SyncState>,
    /// Addresses that must not answer.
    pub public_addresses: Vec<SocketAddr>,
}

/// The equipment check of one terminal. Clones share everything.
#[derive(Clone)]
pub struct Equipment {
    inner: Arc<Inner>,
}

struct Inner {
    data_dir: PathBuf,
    /// `/`, or a made-up machine in a test.
    system_root: PathBuf,
    recorder: Recorder,
    reader: Mutex<Reader>,
    identity: Arc<DeviceIdentity>,
    device_name: String,
    site: String,
    papers: Papers,
    camera: Arc<dyn CameraSource>,
    displays: DisplaySizes,
    sync: tokio::sync::watch::Receiver<SyncState>,
    public_addresses: Vec<SocketAddr>,
    shown: Mutex<Shown>,
    busy: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Shown {
    running: bool,
    rows: Vec<CheckRow>,
    /// Of the last check that was finished, in this run of the program or an earlier one.
    report: Option<report::SignedReport>,
    saved_to: Option<String>,
}

/// Why a check left no report.
#[derive(Debug, thiserror::Error)]
pub enum EquipmentError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("file: {0}")]
    Io(#[from] std::io::Error),
    #[error("the report cannot be signed: {0}")]
    Sign(#[from] fengjuan_wire::WireError),
    /// Nothing has been checked yet.
    #[error("no report yet")]
    NoReport,
    #[error("a check is running")]
    Busy,
}

impl EquipmentError {
    pub fn code(&self) -> &'static str {
        match self {
            EquipmentError::Store(error) => error.code(),
            EquipmentError::Io(_) => "equipment.io",
            EquipmentError::Sign(_) => "equipment.sign",
            EquipmentError::NoReport => "equipment.no_report",
            EquipmentError::Busy => "equipment.busy",
        }
    }
}

impl Equipment {
    /// What was checked last, also in an earlier run of the program, is shown at once.
    pub fn new(parts: EquipmentParts) -> Equipment {
        Self::with_system(parts, PathBuf::from("/"))
    }

    fn with_system(parts: EquipmentParts, system_root: PathBuf) -> Equipment {
        let report = report::last(&parts.reader, &parts.identity);
        let shown = Shown {
            rows: report.as_ref().map(report::rows).unwrap_or_default(),
            report,
            ..Shown::default()
        };
        let inner = Inner {
            data_dir: parts.data_dir,
            system_root,
            recorder: parts.recorder,
            reader: Mutex::new(parts.reader),
            identity: parts.identity,
            device_name: parts.device_name,
            site: parts.site,
            papers: parts.papers,
            camera: parts.camera,
            displays: parts.displays,
            sync: parts.sync,
            public_addresses: parts.public_addresses,
            shown: Mutex::new(shown),
            busy: tokio::sync::Mutex::new(()),
        };
        Equipment {
            inner: Arc::new(inner),
        }
    }

    pub fn view(&self) -> EquipmentView {
        let shown = self.shown();
        let report = shown.report.as_ref();
        let boot_id = self.inner.recorder.machine().boot_id();
        EquipmentView {
            running: shown.running,
            checked_ms: report.map(|report| report.exam_ms().to_string()),
            before_reboot: report.is_some_and(|report| report.boot_id() != boot_id),
            rows: shown.rows.clone(),
            saved_to: shown.saved_to.clone(),
        }
    }

    /// Measures everything, calling `changed` after each row; signs the report and records it. `staff_id` is who
    /// asked, where somebody is logged in.
    ///
    /// # Errors
    /// [`EquipmentError`] where no report could be made; the rows are shown all the same.
    pub async fn run<U: Upstream>(
        &self,
        upstream: Option<&U>,
        staff_id: Option<&str>,
        changed: &(dyn Fn() + Send + Sync),
    ) -> Result<(), EquipmentError> {
        let _one = self
            .inner
            .busy
            .try_lock()
            .map_err(|_| EquipmentError::Busy)?;
        {
            let mut shown = self.shown();
            shown.running = true;
            shown.saved_to = None;
            shown.rows = EVERY_CHECK.map(running).to_vec();
        }
        changed();
        let put = |row: CheckRow| {
            self.put(row);
            changed();
        };
        let network = async {
            for row in network::center(upstream, self.inner.recorder.machine().as_ref()).await {
                put(row);
            }
            put(network::internet(&self.inner.public_addresses, &self.inner.system_root).await);
        };
        let local = async {
            for check in LOCAL {
                let inner = self.inner.clone();
                let measured = tokio::task::spawn_blocking(move || measure(&inner, check)).await;
                put(measured.unwrap_or_else(|_| measured::not_measured(check, "check.any.crashed")));
            }
        };
        tokio::join!(network, local);
        let result = self.finish(staff_id);
        self.shown().running = false;
        changed();
        result
    }

    fn finish(&self, staff_id: Option<&str>) -> Result<(), EquipmentError> {
        let rows = self.shown().rows.clone();
        let report = report::sign(&self.inner, &rows, staff_id)?;
        self.shown().report = Some(report);
        Ok(())
    }

    /// Writes the last report into a folder, signed and readable. Returns the signed file's path.
    ///
    /// # Errors
    /// [`EquipmentError::NoReport`], [`EquipmentError::Io`].
    pub fn save(&self, folder: &Path) -> Result<PathBuf, EquipmentError> {
        let offset_min = self.inner.recorder.machine().utc_offset_min();
        let mut shown = self.shown();
        let report = shown.report.as_ref().ok_or(EquipmentError::NoReport)?;
        let path = report.save(folder, offset_min)?;
        shown.saved_to = Some(path.display().to_string());
        Ok(path)
    }

    fn put(&self, row: CheckRow) {
        let mut shown = self.shown();
        if let Some(place) = shown.rows.iter_mut().find(|shown| shown.check == row.check) {
            *place = row;
        }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.inner
            .shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The checks that need no network, quick ones first.
const LOCAL: [Check; 13] = [
    Check::DiskSpace,
    Check::DurableWrite,
    Check::RebootSurvival,
    Check::Swap,
    Check::CoreDumps,
    Check::Displays,
    Check::InputDevices,
    Check::Memory,
    Check::Power,
    Check::TimeSinceBoot,
    Check::Database,
    Check::Packages,
    Check::Camera,
];

fn measure(inner: &Inner, check: Check) -> CheckRow {
    let root = &inner.system_root;
    match check {
        Check::DiskSpace => disk::space(&inner.data_dir),
        Check::DurableWrite => disk::durable_write(&inner.data_dir),
        Check::RebootSurvival => {
            let outside = {
                let sync = inner.sync.borrow();
                boots::Outside {
                    forked: sync.forked_at.is_some(),
                    confirmed: sync.head_confirmed,
                }
            };
            boots::survival(&inner.data_dir, inner.recorder.machine().as_ref(), outside)
        }
        Check::Swap => system::swap(root),
        Check::CoreDumps => system::core_dumps(root),
        Check::Displays => peripherals::displays((inner.displays)()),
        Check::InputDevices => peripherals::input_devices(root),
        Check::Memory => system::memory(root),
        Check::Power => system::power(root),
        Check::TimeSinceBoot => system::time_since_boot(inner.recorder.machine().boot_ms()),
        Check::Database => {
            data::database(&inner.reader.lock().unwrap_or_else(PoisonError::into_inner))
        }
        Check::Packages => data::packages(&inner.papers),
        Check::Camera => peripherals::camera(inner.camera.as_ref()),
        Check::ClockOffset | Check::CenterReachable | Check::InternetUnreachable => {
            measured::not_measured(check, "check.any.crashed")
        }
    }
}

fn counted(rows: &[CheckRow], verdict: Verdict) -> u32 {
    rows.iter().filter(|row| row.verdict == verdict).count() as u32
}

#[cfg(test)]
mod tests;
