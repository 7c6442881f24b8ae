//! What the desk does: each act is for certain roles, and the important ones name a reason.

use super::day;
use super::held::{Enrolment, OutwardAct};
use super::state::{State, Surface};
use crate::view::action::DeskAction;
use fengjuan_core::attempt::Input;
use fengjuan_core::event::Event;
use fengjuan_core::plan::{ExamMs, Role};
use fengjuan_core::seat::SeatState;
use fengjuan_device::recorder::staff;
use fengjuan_device::refusal::{Answer, With, refused};
use fengjuan_store::Change;
use std::path::PathBuf;

/// Who may do what. Before any sitting is held nobody is known yet: then papers and equipment alone are open.
fn may(action: &DeskAction, role: Option<Role>) -> bool {
    use DeskAction::*;
    use Role::*;
    match action {
        Tab { .. } | LogOut {} => true,
        Enrol { .. } | EnrolByStick { .. } | JoinHub { .. } | ScanHub {} | StopScan {} => {
            role.is_none_or(|role| matches!(role, Proctor | SystemAdministrator))
        }
        Pull {} | CourierImport { .. } => role.is_none_or(|role| role == Proctor),
        CheckEquipment {} | SaveReport { .. } => role.is_none_or(|role| {
            matches!(role, Proctor | ExamStaff | SystemAdministrator | SiteHead)
        }),
        CourierExport { .. } => role
            .is_some_and(|role| matches!(role, Proctor | SystemAdministrator | SiteHead | Auditor)),
        SyncNow {} => {
            role.is_some_and(|role| matches!(role, Proctor | ExamStaff | SystemAdministrator))
        }
        Select { .. } => role.is_some_and(|role| matches!(role, Proctor | ExamStaff)),
        StampArrival { .. } | MarkAbsent { .. } => role.is_some_and(Role::may_confirm),
        Unlock { .. }
        | AllowPatternCamera { .. }
        | Start {}
        | DecideOutage { .. }
        | CreditTime { .. }
        | ForceHandIn { .. }
        | EndSitting { .. } => role.is_some_and(Role::may_proctor),
    }
}

impl State {
    /// Whether this act is open to whoever is at the desk; touching the desk keeps it from locking.
    pub(super) fn admit(&mut self, action: &DeskAction) -> Answer<String> {
        if matches!(action, DeskAction::LogOut {}) {
            return Ok(String::new());
        }
        let enrolling = matches!(
            action,
            DeskAction::Enrol { .. }
                | DeskAction::EnrolByStick { .. }
                | DeskAction::JoinHub { .. }
                | DeskAction::ScanHub {}
                | DeskAction::StopScan {}
                | DeskAction::CourierImport { .. }
        ) && !matches!(self.shared.outward.enrolment(), Enrolment::Done);
        if self.idle_lock() {
            return Err(refused("desk.locked"));
        }
        if self.surface == Surface::LogIn && matches!(action, DeskAction::LogOut {}) {
            // The log-in was opened by mistake; leaving it needs nobody's name.
            return Ok(String::new());
        }
        if self.surface != Surface::Desk && !enrolling {
            return Err(refused("desk.not_logged_in"));
        }
        let role = self.desk.user.as_ref().map(|user| user.role);
        if matches!(action, DeskAction::LogOut {}) {
            return Ok(String::new());
        }
        if role.is_none() && self.active.is_some() && !enrolling {
            // The first pull brought the staff list: from here on the desk asks who is there.
            self.surface = Surface::LogIn;
            return Err(refused("desk.not_logged_in"));
        }
        if !may(action, role) {
            return Err(refused("desk.not_allowed"));
        }
        self.desk.last_action_ms = self.boot_ms();
        Ok(self
            .desk
            .user
            .as_ref()
            .map(|user| user.staff_id.clone())
            .unwrap_or_default())
    }

    /// Everything but unlocking, which is slow and done in steps.
    pub(super) fn desk(&mut self, action: DeskAction, staff_id: &str) -> Answer {
        let now = self.now();
        let whole_room = matches!(action, DeskAction::Start {} | DeskAction::EndSitting { .. });
        if whole_room && self.station_decides() {
            return Err(refused("desk.station_decides"));
        }
        match action {
            action @ (DeskAction::Enrol { .. }
            | DeskAction::EnrolByStick { .. }
            | DeskAction::JoinHub { .. }
            | DeskAction::ScanHub {}
            | DeskAction::StopScan {}
            | DeskAction::Pull {}
            | DeskAction::CourierImport { .. }
            | DeskAction::CourierExport { .. }
            | DeskAction::CheckEquipment {}
            | DeskAction::SaveReport { .. }
            | DeskAction::SyncNow {}) => self.act_outward(action, staff_id),
            DeskAction::Tab { tab } => {
                self.desk.tab = tab;
                Ok(())
            }
            DeskAction::LogOut {} => {
                self.leave_desk();
                Ok(())
            }
            DeskAction::Select { sitting_no } => self.select(&sitting_no),
            DeskAction::Unlock { .. } => Err(refused("unlock.busy")),
            DeskAction::StampArrival { ticket_no } => self.stamp_arrival(&ticket_no, staff_id, now),
            DeskAction::MarkAbsent { ticket_no } => self.mark_absent(&ticket_no, staff_id, now),
            DeskAction::AllowPatternCamera { reason } => self.allow_pattern(staff_id, reason),
            DeskAction::Start {} => self.start(staff_id, now),
            DeskAction::DecideOutage {
                ticket_no,
                outage_no,
                credit_ms,
                reason,
            } => {
                let input = Input::OutageDecided {
                    outage_no,
                    credit_ms,
                    cause: None,
                    staff_id: staff_id.to_owned(),
                    reason,
                };
                self.decide(&ticket_no, staff_id, input, now)
            }
            DeskAction::CreditTime {
                ticket_no,
                minutes,
                reason,
            } => {
                let input = Input::Credit {
                    credit_ms: i64::from(minutes) * 60_000,
                    by: staff_id.to_owned(),
                    reason,
                    order: None,
                    decision: None,
                };
                self.decide(&ticket_no, staff_id, input, now)
            }
            DeskAction::ForceHandIn { ticket_no, reason } => {
                let input = Input::ForceHandIn {
                    staff_id: staff_id.to_owned(),
                    reason,
                };
                self.decide(&ticket_no, staff_id, input, now)?;
                self.leave_desk();
                Ok(())
            }
            DeskAction::EndSitting { reason } => self.end_sitting(staff_id, &reason, now),
        }
    }

    /// What concerns the world outside this room is passed on.
    fn act_outward(&mut self, action: DeskAction, staff_id: &str) -> Answer {
        let act = match action {
            DeskAction::Enrol { device_name } => OutwardAct::Enrol { device_name },
            DeskAction::EnrolByStick {
                device_name,
                folder,
            } => OutwardAct::EnrolByStick {
                device_name,
                folder: PathBuf::from(folder),
            },
            DeskAction::JoinHub { text } => OutwardAct::JoinHub { text },
            DeskAction::ScanHub {} => OutwardAct::ScanHub,
            DeskAction::StopScan {} => OutwardAct::StopScan,
            DeskAction::Pull {} => OutwardAct::Pull,
            DeskAction::CourierImport { folder } => OutwardAct::CourierImport {
                folder: PathBuf::from(folder),
            },
            DeskAction::CourierExport { folder } => OutwardAct::CourierExport {
                folder: PathBuf::from(folder),
            },
            DeskAction::CheckEquipment {} => OutwardAct::CheckEquipment {
                staff_id: (!staff_id.is_empty()).then(|| staff_id.to_owned()),
            },
            DeskAction::SaveReport { folder } => OutwardAct::SaveReport {
                folder: PathBuf::from(folder),
            },
            _ => OutwardAct::SyncNow,
        };
        self.shared.outward.act(act)
    }

    pub(super) fn leave_desk(&mut self) {
        self.desk.user = None;
        self.desk.unlock_refused = None;
        self.surface = Surface::Candidate;
    }

    fn select(&mut self, sitting_no: &str) -> Answer {
        if self.visit.is_some() {
            return Err(refused("seat.taken"));
        }
        let held = self.shared.outward.held();
        let known = held
            .iter()
            .any(|held| held.document.sitting.sitting_no == sitting_no);
        if !known {
            return Err(refused("desk.unknown_sitting"));
        }
        self.commit(Change::default().project(day::put_selected(sitting_no)?))?;
        self.chosen = Some(sitting_no.to_owned());
        self.choose_sitting()?;
        Ok(())
    }

    /// A staff member stamps that somebody has come (到场); the stamp decides lateness.
    fn stamp_arrival(&mut self, ticket_no: &str, staff_id: &str, now: ExamMs) -> Answer {
        let late = self.stamp(ticket_no, staff_id, now, now)?;
        match late {
            Some(limit_ms) => Err(refused("checkin.late")
                .with("arrival_ms", now)
                .with("limit_ms", limit_ms)),
            None => Ok(()),
        }
    }

    /// The stamp itself; the late limit where it was missed.
    pub(super) fn stamp(
        &mut self,
        ticket_no: &str,
        staff_id: &str,
        arrival_ms: ExamMs,
        now: ExamMs,
    ) -> Answer<Option<ExamMs>> {
        let active = self.active()?;
        let seat = active
            .seats
            .get(ticket_no)
            .ok_or_else(|| refused("desk.unknown_ticket"))?;
        if seat.stamped().is_some() {
            return Err(refused("seat.already_stamped"));
        }
        if seat.seat.state() == SeatState::LateRefused {
            return Err(refused("seat.out_of_order"));
        }
        let rules = seat.rules().clone();
        let mut events = vec![Event::Arrived {
            sitting_no: active.sitting_no().to_owned(),
            ticket_hash: active.ticket_hash(ticket_no),
            arrival_ms,
            staff_id: staff_id.to_owned(),
        }];
        let late = arrival_ms > rules.late_limit_ms && !rules.late_allowed;
        if late {
            events.push(Event::LateRefused {
                arrival_ms,
                limit_ms: rules.late_limit_ms,
                staff_id: staff_id.to_owned(),
            });
        }
        self.record_seat(&staff(staff_id), ticket_no, &events, now, Vec::new())?;
        if late {
            if let Err(refusal) = self.seal_seat(ticket_no, now) {
                tracing::warn!(code = refusal.code, "a bundle still waits to be sealed");
            }
            return Ok(Some(rules.late_limit_ms));
        }
        Ok(None)
    }

    pub(super) fn allow_pattern(&mut self, staff_id: &str, reason: String) -> Answer {
        if reason.trim().is_empty() {
            return Err(refused("attempt.reason_missing"));
        }
        let sitting_no = self.active()?.sitting_no().to_owned();
        let mut day = self.active()?.day.clone();
        day.pattern_allowed = true;
        let event = Event::PatternCameraAllowed {
            sitting_no: sitting_no.clone(),
            staff_id: staff_id.to_owned(),
            reason,
        };
        self.record(&staff(staff_id), event, vec![day.put(&sitting_no)?])?;
        self.active_mut()?.day = day;
        let allowed = self.pattern_allowed();
        let camera = super::pictures::camera_view(&self.shared.ports, allowed);
        if let Some(visit) = &mut self.visit {
            visit.camera = camera;
        }
        Ok(())
    }

    /// Starts the terminal if it is not started, and the attempt of whoever waits here.
    fn start(&mut self, staff_id: &str, now: ExamMs) -> Answer {
        if let Some(blocked) = self.start_blocked(now) {
            return Err(blocked);
        }
        self.start_terminal(staff_id, now)?;
        if self.someone_waits() {
            self.begin_attempt(&staff(staff_id), now)?;
        }
        self.shared.outward.nudge();
        self.leave_desk();
        Ok(())
    }

    pub(super) fn someone_waits(&self) -> bool {
        self.visit
            .as_ref()
            .and_then(|visit| self.seat_state(&visit.ticket_no))
            == Some(SeatState::Waiting)
    }

    /// What keeps the proctor from starting now.
    pub(super) fn start_blocked(&self, now: ExamMs) -> Option<crate::view::Refused> {
        let active = self.active.as_ref()?;
        if active.day.ended_ms.is_some() {
            return Some(refused("sitting.already_ended"));
        }
        let unlocked = self
            .unlocked
            .as_ref()
            .is_some_and(|unlocked| unlocked.sitting_no == active.sitting_no());
        if !unlocked {
            return Some(refused("start.not_unlocked"));
        }
        if active.day.start.is_none() {
            let allowed = fengjuan_core::start::start_terminal(
                active.sitting(),
                active.day.postponed_ms,
                now,
            );
            if let Err(refusal) = allowed {
                return Some(refusal.into());
            }
        } else if !self.someone_waits() {
            return Some(refused("start.nobody_waits"));
        }
        None
    }

    /// A decision about the running attempt.
    fn decide(&mut self, ticket_no: &str, staff_id: &str, input: Input, now: ExamMs) -> Answer {
        match &self.run {
            Some(run) if run.ticket_no == ticket_no => {
                self.drive(&staff(staff_id), input, now)?;
                self.shared.outward.nudge();
                Ok(())
            }
            _ if self.paused().is_some() => Err(refused("sitting.open_attempt_locked")),
            _ => Err(refused("attempt.not_started")),
        }
    }
}
