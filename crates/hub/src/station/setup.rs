//! What concerns the world outside the room: enrolment at the center, papers by line or by hand, and the check of this
//! machine. Before anybody is known it is open to whoever sits here.

use super::{Station, Work};
use crate::view::action::StationAction;
use fengjuan_core::plan::Role;
use fengjuan_device::durable_file;
use fengjuan_device::papers::courier_root;
use fengjuan_device::refusal::{Answer, refused};
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
            StationAction::Enrol { .. } => (&[Proctor, SystemAdministrator], true),
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
        let hub_name = hub_name.trim();
        if hub_name.is_empty() || hub_name.chars().any(char::is_control) {
            return Err(refused("enrol.bad_request"));
        }
        Ok(self.hub.enrol(hub_name)?)
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
        lock(&work).courier = Some(PullState::Running {
            what: folder.display().to_string(),
            done_bytes: 0,
            total_bytes: 0,
        });
        self.hub.runtime().spawn_blocking(move || {
            let receipts = uplink.import_receipts(&folder);
            let state = match (papers.import(&folder), receipts) {
                (Ok(report), _) => {
                    for order in &report.orders {
                        if let Err(error) = uplink.take_order(order) {
                            tracing::warn!(code = error.code(), "order on the stick not taken");
                        }
                    }
                    PullState::Done { at_ms: room.now() }
                }
                // A stick may bring receipts alone.
                (Err(_), Ok(taken)) if taken > 0 => PullState::Done { at_ms: room.now() },
                (Err(error), _) => failed(error.code()),
            };
            lock(&work).courier = Some(state);
            room.touch();
        });
    }

    fn export(&self, folder: PathBuf) -> Answer {
        courier_writable(&folder)?;
        let (papers, uplink) = (self.hub.papers().clone(), self.hub.uplink().clone());
        let (room, work) = (self.hub.room().clone(), self.work.clone());
        self.hub.runtime().spawn_blocking(move || {
            let up = uplink.export_up(&folder);
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

fn lock(work: &Arc<Mutex<Work>>) -> std::sync::MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(code: &str) -> PullState {
    PullState::Failed {
        code: code.to_owned(),
        args: BTreeMap::new(),
    }
}

/// Whether a stick is there and takes files.
fn courier_writable(folder: &Path) -> Answer {
    let up = courier_root(folder).join(fengjuan_wire::courier::UP);
    let written = std::fs::create_dir_all(&up)
        .and_then(|()| durable_file::replace(&up.join(".probe"), b""))
        .and_then(|()| std::fs::remove_file(up.join(".probe")));
    written.map_err(|error| {
        tracing::warn!(%error, "the folder takes no files");
        refused("sync.folder")
    })
}
