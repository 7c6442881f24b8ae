//! The outward half put together for the controller: papers, upstream and equipment check, each behind its own
//! module. Every function returns at once; what takes time runs on the runtime and shows in the next view.

mod join;
mod scan;

use crate::controller::Ports;
use crate::controller::held::{Enrolment, Outward, OutwardAct};
use crate::view::desk::{EnrolState, EnrolView, EquipmentView, PullState};
use crate::view::{LinkState, Refused};
use fengjuan_core::event::Hash32;
use fengjuan_device::channel::{Channel, ChannelParts, RoomSide};
use fengjuan_device::discovery::{Finder, Reach};
use fengjuan_device::equipment::{Equipment, EquipmentParts};
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::papers::{HeldPapers, Papers};
use fengjuan_device::recorder::Recorder;
use fengjuan_device::site_kit::SiteKit;
use fengjuan_device::stick;
use fengjuan_device::sync::{ReceivedOrder, RoomLink, SyncState, SyncTask, Uplink, UplinkParts};
use fengjuan_device::upstream::{self, SiteUpstream, SiteUpstreamParts, Upstream, UpstreamError};
use fengjuan_store::{Reader, StoreError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

/// What the outward half is made of.
pub struct OutwardParts {
    pub data_dir: PathBuf,
    pub kit: SiteKit,
    pub identity: Arc<DeviceIdentity>,
    pub recorder: Recorder,
    pub ports: Ports,
    pub runtime: Handle,
}

/// The outward half of one terminal.
pub struct OutwardSide {
    data_dir: PathBuf,
    kit: SiteKit,
    identity: Arc<DeviceIdentity>,
    papers: Papers,
    uplink: Uplink<SiteUpstream>,
    sync: watch::Receiver<SyncState>,
    recorder: Recorder,
    equipment: Equipment,
    runtime: Handle,
    work: Arc<Mutex<Work>>,
    /// Another hub was named.
    begins_anew: AtomicBool,
    scan: scan::Scan,
}

/// What the acts in the background came to.
struct Work {
    pull: PullState,
    exported_to: Option<String>,
    task: Option<SyncTask>,
    /// To the room's hub; none in direct mode.
    channel: Option<Channel>,
}

/// Why the outward half cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum OutwardError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Papers(#[from] fengjuan_device::papers::PapersError),
    #[error(transparent)]
    Tls(#[from] upstream::TlsError),
}

impl OutwardError {
    pub fn code(&self) -> &str {
        match self {
            OutwardError::Store(error) => error.code(),
            OutwardError::Papers(error) => error.code(),
            OutwardError::Tls(error) => error.code(),
        }
    }
}

impl OutwardSide {
    /// Opens what is held and starts the synchronisation. Verified orders come out of the channel.
    ///
    /// # Errors
    /// [`OutwardError`].
    pub fn start(
        parts: OutwardParts,
        reader: impl Fn() -> Result<Reader, StoreError>,
    ) -> Result<(OutwardSide, mpsc::UnboundedReceiver<ReceivedOrder>), OutwardError> {
        let OutwardParts {
            data_dir,
            kit,
            identity,
            recorder,
            ports,
            runtime,
        } = parts;
        let papers = Papers::open(
            &data_dir,
            kit.clone(),
            identity.clone(),
            recorder.clone(),
            reader()?,
        )?;
        let client = SiteUpstream::new(SiteUpstreamParts {
            kit: kit.clone(),
            identity: identity.clone(),
            recorder: recorder.clone(),
            data_dir: data_dir.clone(),
        })?;
        if let Some(reach) = Reach::of(&kit) {
            match Finder::start(&kit.site, reach) {
                Ok(finder) => client.look_around(finder),
                Err(error) => tracing::warn!(code = error.code(), %error, "no hub is heard"),
            }
        }
        let (uplink, orders) = Uplink::new(UplinkParts {
            upstream: client,
            kit: kit.clone(),
            identity: identity.clone(),
            recorder: recorder.clone(),
            reader: reader()?,
            data_dir: data_dir.clone(),
        })?;
        let displays = ports.displays.clone();
        let scan = scan::Scan::new(ports.camera.clone());
        let equipment = Equipment::new(EquipmentParts {
            data_dir: data_dir.clone(),
            recorder: recorder.clone(),
            reader: reader()?,
            identity: identity.clone(),
            device_name: String::new(),
            site: kit.site.clone(),
            papers: papers.clone(),
            camera: ports.camera.clone(),
            displays: Arc::new(move || displays.sizes()),
            sync: uplink.state(),
            public_addresses: kit.internet_probes.clone(),
        });
        let task = Some(uplink.spawn(&runtime));
        let side = OutwardSide {
            data_dir,
            begins_anew: AtomicBool::new(false),
            scan,
            kit,
            identity,
            papers,
            sync: uplink.state(),
            uplink,
            recorder,
            equipment,
            runtime,
            work: Arc::new(Mutex::new(Work {
                pull: PullState::Idle {},
                exported_to: None,
                task,
                channel: None,
            })),
        };
        Ok((side, orders))
    }

    /// Opens the channel to the room's hub, where the site kit names one.
    pub fn join_room(&self, side: Arc<dyn RoomSide>) {
        let parts = ChannelParts {
            uplink: self.uplink.clone(),
            identity: self.identity.clone(),
            recorder: self.recorder.clone(),
            side,
        };
        match Channel::spawn(parts, &self.runtime) {
            Ok(channel) => self.work().channel = channel,
            Err(error) => tracing::error!(%error, "no room channel"),
        }
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        lock(&self.work)
    }

    fn pull(&self) {
        let (papers, uplink, work) = (self.papers.clone(), self.uplink.clone(), self.work.clone());
        self.runtime.spawn(async move {
            let progress = |state| lock(&work).pull = state;
            // The reason of a failure is in the last progress and in the ledger.
            let _ = papers.pull(uplink.upstream(), &progress).await;
            uplink.nudge();
        });
    }

    fn check_equipment(&self, staff_id: Option<String>) {
        let (equipment, uplink) = (self.equipment.clone(), self.uplink.clone());
        self.runtime.spawn(async move {
            // Rows show in the next view; there is nobody to call.
            let ran = equipment
                .run(Some(uplink.upstream()), staff_id.as_deref(), &|| {})
                .await;
            if let Err(error) = ran {
                tracing::warn!(code = error.code(), %error, "no equipment report");
            }
            uplink.nudge();
        });
    }

    fn courier_import(&self, folder: PathBuf) {
        let (papers, uplink, work) = (self.papers.clone(), self.uplink.clone(), self.work.clone());
        let recorder = self.recorder.clone();
        lock(&work).pull = running(&folder);
        self.runtime.spawn_blocking(move || {
            let state = match stick::take(&papers, &uplink, &folder) {
                Ok(()) => done(recorder.exam_now()),
                Err(code) => failed(&code),
            };
            lock(&work).pull = state;
        });
    }

    /// A small file: whoever pressed waits for it, and knows then that the stick may be taken away.
    fn enrol_by_stick(&self, device_name: &str, folder: &Path) -> Result<(), Refused> {
        self.work().exported_to = None;
        must_take_files(folder)?;
        let written = self.uplink.export_enrolment(folder, device_name);
        written.map_err(|error| refused(error.code()))?;
        self.work().exported_to = Some(folder.display().to_string());
        Ok(())
    }

    fn courier_export(&self, folder: PathBuf) {
        let (papers, uplink, work) = (self.papers.clone(), self.uplink.clone(), self.work.clone());
        lock(&work).exported_to = None;
        self.runtime.spawn_blocking(move || {
            let up = uplink
                .export_up(&folder)
                .map_err(|error| error.code().to_owned());
            let down = papers
                .export(&folder)
                .map_err(|error| error.code().to_owned());
            match up.and(down) {
                Ok(_) => lock(&work).exported_to = Some(folder.display().to_string()),
                Err(code) => lock(&work).pull = failed(&code),
            }
        });
    }
}

/// Told where it was pressed: what fails later, in the background, can only be seen by its absence.
fn must_take_files(folder: &Path) -> Result<(), Refused> {
    stick::try_writing(folder).map_err(|error| {
        tracing::warn!(%error, "the folder takes no files");
        refused("sync.folder")
    })
}

fn lock(work: &Mutex<Work>) -> MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

fn running(folder: &Path) -> PullState {
    PullState::Running {
        what: folder.display().to_string(),
        done_bytes: 0,
        total_bytes: 0,
    }
}

fn done(at_ms: i64) -> PullState {
    PullState::Done { at_ms }
}

fn failed(code: &str) -> PullState {
    PullState::Failed {
        code: code.to_owned(),
        args: BTreeMap::new(),
    }
}

fn refused(code: &str) -> Refused {
    Refused {
        code: code.to_owned(),
        args: BTreeMap::new(),
    }
}

impl Outward for OutwardSide {
    fn held(&self) -> Vec<Arc<HeldPapers>> {
        self.papers.held()
    }

    fn held_revision(&self) -> u64 {
        self.papers.revision()
    }

    fn package_damaged(&self, hash: &Hash32) {
        self.papers.mark_damaged(hash);
    }

    fn nudge(&self) {
        self.uplink.nudge();
        if let Some(channel) = &self.work().channel {
            channel.beat_soon();
        }
    }

    fn checkpoint(&self) -> Result<String, StoreError> {
        Ok(self.uplink.checkpoint()?.note)
    }

    fn device(&self) -> (String, String) {
        let name = match &self.sync.borrow().enrolment {
            Some(upstream::Enrolment::Approved(certificate)) => certificate.device_name.clone(),
            _ => self.uplink.asked_as().ok().flatten().unwrap_or_default(),
        };
        (name, self.kit.site.clone())
    }

    fn link(&self) -> LinkState {
        self.sync.borrow().link
    }

    fn enrolment(&self) -> Enrolment {
        let state = self.sync.borrow();
        let enrol = match &state.enrolment {
            Some(upstream::Enrolment::Approved(_)) => return Enrolment::Done,
            Some(upstream::Enrolment::Pending) => EnrolState::Pending,
            Some(upstream::Enrolment::Refused { .. }) => EnrolState::Refused,
            Some(upstream::Enrolment::Carried) => EnrolState::Carried,
            None => EnrolState::NotAsked,
        };
        let failure = match &state.enrolment {
            Some(upstream::Enrolment::Refused { code }) => Some(code.clone()),
            // Whoever goes by stick knows that there is no line.
            Some(upstream::Enrolment::Carried) if state.link == LinkState::Offline => None,
            _ => state.last_error.clone(),
        };
        Enrolment::Open(Box::new(EnrolView {
            center_name: self.kit.directory.center_name.clone(),
            center_url: self.kit.url.clone(),
            device_name: self.uplink.asked_as().ok().flatten().unwrap_or_default(),
            fingerprint: self.identity.fingerprint(),
            state: enrol,
            failure,
            courier_folders: self.courier_folders(),
            courier: self.pull_state(),
            written_to: self.exported_to(),
            join: Some(self.join_view()),
        }))
    }

    fn pull_state(&self) -> PullState {
        self.work().pull.clone()
    }

    fn courier_folders(&self) -> Vec<String> {
        stick::mounted()
    }

    fn exported_to(&self) -> Option<String> {
        self.work().exported_to.clone()
    }

    fn equipment(&self) -> EquipmentView {
        self.equipment.view()
    }

    fn witnessed(&self) -> (u64, Option<i64>) {
        let state = self.sync.borrow();
        (state.witnessed_size, state.witnessed_ms)
    }

    fn last_failure(&self, object: &Hash32) -> Option<String> {
        self.sync.borrow().failures.get(object).cloned()
    }

    fn begins_anew(&self) -> bool {
        self.begins_anew.load(Ordering::Relaxed)
    }

    fn room(&self) -> Option<RoomLink> {
        self.sync.borrow().room.clone()
    }

    fn attempt_entries(&self, attempt: &[u8; 16]) -> Result<Vec<Vec<u8>>, Refused> {
        let upstream = self.uplink.upstream();
        let fetched = self.runtime.block_on(upstream.attempt_entries(attempt));
        match fetched {
            Ok(fetched) => Ok(fetched
                .entries
                .into_iter()
                .map(|one| one.into_vec())
                .collect()),
            Err(error) => {
                tracing::warn!(code = error.code(), %error, "an attempt's entries did not come");
                Err(refused(never_come(&error).unwrap_or("moved.unreachable")))
            }
        }
    }

    fn act(&self, act: OutwardAct) -> Result<(), Refused> {
        match act {
            OutwardAct::Enrol { device_name } => {
                self.scan.stop();
                let asked = self.uplink.ask_to_enrol(&device_name);
                asked.map_err(|error| refused(error.code()))?;
            }
            OutwardAct::EnrolByStick {
                device_name,
                folder,
            } => self.enrol_by_stick(&device_name, &folder)?,
            OutwardAct::JoinHub { text } => self.join_hub(&text)?,
            OutwardAct::ScanHub => self.scan_hub()?,
            OutwardAct::StopScan => self.scan.stop(),
            OutwardAct::Pull => self.pull(),
            OutwardAct::CourierImport { folder } => self.courier_import(folder),
            OutwardAct::CourierExport { folder } => {
                must_take_files(&folder)?;
                self.courier_export(folder);
            }
            OutwardAct::CheckEquipment { staff_id } => self.check_equipment(staff_id),
            OutwardAct::SaveReport { folder } => {
                let saved = self.equipment.save(&folder);
                saved.map_err(|error| refused(error.code()))?;
            }
            OutwardAct::SyncNow => self.uplink.nudge(),
        }
        Ok(())
    }

    fn scan_picture(&self) -> Option<Vec<u8>> {
        self.scan.picture()
    }

    fn stop(&self) {
        self.scan.stop();
        let mut work = self.work();
        work.channel = None;
        work.task = None;
    }
}

/// Why an attempt's entries will never come, where the upstream has said so; none where they may come yet.
fn never_come(error: &UpstreamError) -> Option<&'static str> {
    match error {
        UpstreamError::Refused { code, .. } if code == "attempt.no_lease" => Some("lease.fenced"),
        UpstreamError::Refused {
            status: 400 | 403 | 404,
            ..
        } => Some("moved.entries_missing"),
        UpstreamError::Malformed { .. } | UpstreamError::NotAuthentic { .. } => {
            Some("moved.entries_damaged")
        }
        _ => None,
    }
}
