//! What concerns the world outside the room: enrolment at the center, papers by line or by hand, and the check of this
//! machine. Before anybody is known it is open to whoever sits here.

use super::{Station, Work};
use crate::view::action::StationAction;
use fengjuan_core::plan::Role;
use fengjuan_device::refusal::{Answer, refused};
use fengjuan_device::stick;
use fengjuan_device::view::PullState;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

impl Station {
    pub(super) fn set_up(&self, action: StationAction) -> Answer {
        use Role::*;
        let (may, open): (&[Role], bool) = match &action {
            StationAction::CourierExport { .. } => {
                (&[Proctor, SystemAdministrator, SiteHead, Auditor], false)
            }
            StationAction::CheckEquipment {} => {
                (&[Proctor, ExamStaff, SystemAdministrator, SiteHead], true)
            }
            StationAction::Enrol { .. } | StationAction::EnrolByStick { .. } => {
                (&[Proctor, SystemAdministrator], true)
            }
            _ => (&[Proctor], true),
        };
        let staff_id = if open && self.nobody_known() {
            None
        } else {
            let user = self.user()?;
            if !may.contains(&user.role) {
                return Err(refused("station.not_allowed"));
            }
            Some(user.staff_id)
        };
        match action {
            StationAction::Enrol { hub_name } => self.enrol(&hub_name)?,
            StationAction::EnrolByStick { hub_name, folder } => {
                self.enrol_by_stick(&hub_name, &folder)?;
            }
            StationAction::Pull {} => {
                self.work().courier = None;
                self.hub.pull();
            }
            StationAction::CourierImport { folder } => self.import(PathBuf::from(folder)),
            StationAction::CourierExport { folder } => self.export(PathBuf::from(folder))?,
            _ => self.check_equipment(staff_id),
        }
        Ok(())
    }

    fn enrol(&self, hub_name: &str) -> Answer {
        Ok(self.hub.enrol(checked(hub_name)?)?)
    }

    /// A small file: whoever pressed waits for it, and knows then that the stick may be taken away.
    fn enrol_by_stick(&self, hub_name: &str, folder: &str) -> Answer {
        let hub_name = checked(hub_name)?;
        self.work().written_to = None;
        must_take_files(Path::new(folder))?;
        let written = self
            .hub
            .uplink()
            .export_enrolment(Path::new(folder), hub_name);
        written.map_err(|error| refused(error.code()))?;
        self.work().written_to = Some(folder.to_owned());
        Ok(())
    }

    fn check_equipment(&self, staff_id: Option<String>) {
        let (equipment, uplink) = (self.equipment.clone(), self.hub.uplink().clone());
        let room = self.hub.room().clone();
        self.hub.runtime().spawn(async move {
            let changed = || room.touch();
            let ran = equipment
                .run(Some(uplink.upstream()), staff_id.as_deref(), &changed)
                .await;
            if let Err(error) = ran {
                tracing::warn!(code = error.code(), %error, "no equipment report");
            }
            uplink.nudge();
        });
    }

    fn import(&self, folder: PathBuf) {
        let (papers, uplink) = (self.hub.papers().clone(), self.hub.uplink().clone());
        let (room, work) = (self.hub.room().clone(), self.work.clone());
        let (core, courier) = (self.hub.core().clone(), self.hub.courier());
        lock(&work).courier = Some(PullState::Running {
            what: folder.display().to_string(),
            done_bytes: 0,
            total_bytes: 0,
        });
        self.hub.runtime().spawn_blocking(move || {
            let own = stick::take(&papers, &uplink, &folder);
            let theirs = courier.take_answers(&folder);
            let state = match (own, theirs) {
                (_, Err(error)) => failed(error.code()),
                // A stick may bring the terminals' answers alone.
                (Err(code), Ok(0)) => failed(&code),
                _ => PullState::Done { at_ms: room.now() },
            };
            let now = core.recorder.exam_now();
            core.delegation
                .take_carried(&folder, now, core.recorder.writer());
            lock(&work).courier = Some(state);
            room.touch();
        });
    }

    fn export(&self, folder: PathBuf) -> Answer {
        must_take_files(&folder)?;
        let (papers, courier) = (self.hub.papers().clone(), self.hub.courier());
        let (room, work) = (self.hub.room().clone(), self.work.clone());
        self.hub.runtime().spawn_blocking(move || {
            let up = courier.export(&folder);
            let up = up.map(drop).map_err(|error| error.code().to_owned());
            let down = papers.export(&folder);
            let down = down.map(drop).map_err(|error| error.code().to_owned());
            let state = match up.and(down) {
                Ok(()) => PullState::Done { at_ms: room.now() },
                Err(code) => failed(&code),
            };
            lock(&work).courier = Some(state);
            room.touch();
        });
        Ok(())
    }
}

fn checked(hub_name: &str) -> Answer<&str> {
    let hub_name = hub_name.trim();
    if hub_name.is_empty() || hub_name.chars().any(char::is_control) {
        return Err(refused("enrol.bad_request"));
    }
    Ok(hub_name)
}

fn lock(work: &Arc<Mutex<Work>>) -> std::sync::MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(code: &str) -> PullState {
    PullState::Failed {
        code: code.to_owned(),
        args: BTreeMap::new(),
    }
}

fn must_take_files(folder: &Path) -> Answer {
    stick::try_writing(folder).map_err(|error| {
        tracing::warn!(%error, "the folder takes no files");
        refused("sync.folder")
    })
}
