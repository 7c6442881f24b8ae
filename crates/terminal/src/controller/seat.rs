//! What staff do at a candidate's seat, each time with name and password.

use super::day;
use super::state::{State, Surface};
use crate::view::action::SeatAction;
use crate::view::candidate::ConfirmReason;
use crate::view::desk::DeskTab;
use fengjuan_core::event::Event;
use fengjuan_core::plan::{ExamMs, Staff};
use fengjuan_core::seat::SeatState;
use fengjuan_device::recorder::{SYSTEM, staff};
use fengjuan_device::refusal::{Answer, With, refused};
use fengjuan_device::staff::{self as people, FREE_PASSWORDS, Slowing};
use zeroize::Zeroize;

/// A name and a password to be checked outside the lock.
pub(super) struct Credentials {
    pub person: Staff,
    pub password: String,
}

impl Drop for Credentials {
    fn drop(&mut self) {
        self.password.zeroize();
    }
}

/// What a named person wants, once the password was right.
pub(super) enum Deed {
    Confirm {
        id_document: bool,
        person: bool,
        ticket: bool,
        contraband_clear: bool,
    },
    NotAdmitted {
        reason: String,
    },
    WithoutPicture {
        reason: String,
    },
    LogIn,
}

/// Takes the password out of an action; what remains holds no secret. `None` for actions that need none.
pub(super) fn split(action: SeatAction) -> Result<(String, String, Deed), SeatAction> {
    match action {
        SeatAction::ConfirmPerson {
            staff_id,
            password,
            id_document,
            person,
            ticket,
            contraband_clear,
        } => {
            let deed = Deed::Confirm {
                id_document,
                person,
                ticket,
                contraband_clear,
            };
            Ok((staff_id, password, deed))
        }
        SeatAction::NotAdmitted {
            staff_id,
            password,
            reason,
        } => Ok((staff_id, password, Deed::NotAdmitted { reason })),
        SeatAction::WithoutPicture {
            staff_id,
            password,
            reason,
        } => Ok((staff_id, password, Deed::WithoutPicture { reason })),
        SeatAction::LogIn { staff_id, password } => Ok((staff_id, password, Deed::LogIn)),
        other => Err(other),
    }
}

fn slow_key(staff_id: &str) -> String {
    format!("staff/{staff_id}")
}

impl State {
    /// Who it is, and whether a password may be tried now.
    pub(super) fn credentials(
        &mut self,
        staff_id: &str,
        mut password: String,
    ) -> Answer<Credentials> {
        let now = self.now();
        let person = self.active().and_then(|active| {
            people::find(active.sitting(), &active.day.substitutes, staff_id)
                .cloned()
                .ok_or_else(|| refused("staff.unknown"))
        });
        let slowing = day::slowing(&self.reader, &slow_key(staff_id)).unwrap_or_default();
        let waits = slowing.waits(now);
        match (person, waits) {
            (Ok(person), None) => Ok(Credentials { person, password }),
            (person, waits) => {
                password.zeroize();
                person?;
                self.desk.slowed = Some((staff_id.to_owned(), slowing));
                Err(refused("staff.slowed").with("until_ms", waits.unwrap_or(now)))
            }
        }
    }

    /// A wrong password is counted, slowed and recorded.
    pub(super) fn wrong_password(&mut self, staff_id: &str) -> Answer {
        let now = self.now();
        let key = slow_key(staff_id);
        let slowing = day::slowing(&self.reader, &key)
            .unwrap_or_default()
            .after_wrong(now, FREE_PASSWORDS);
        let event = Event::LogInFailed {
            staff_id: staff_id.to_owned(),
            cause: "staff.wrong_password".to_owned(),
        };
        self.record(SYSTEM, event, vec![day::put_slowing(&key, &slowing)?])?;
        self.desk.slowed = slowing.waits(now).map(|_| (staff_id.to_owned(), slowing));
        Err(refused("staff.wrong_password").with("wrong", slowing.wrong))
    }

    /// Carries out what a person wants whose password was right.
    pub(super) fn deed(&mut self, person: &Staff, deed: Deed) -> Answer {
        let now = self.now();
        self.forgive(&person.staff_id)?;
        let actor = staff(&person.staff_id);
        let staff_id = person.staff_id.clone();
        if let Deed::LogIn = deed {
            return self.log_in(person);
        }
        let ticket_no = self.visit()?.ticket_no.clone();
        let allowed = match deed {
            Deed::WithoutPicture { .. } => person.role.may_proctor(),
            _ => person.role.may_confirm(),
        };
        if !allowed {
            return Err(refused("staff.role"));
        }
        match deed {
            Deed::LogIn => Ok(()),
            Deed::Confirm {
                id_document,
                person,
                ticket,
                contraband_clear,
            } => {
                let event = Event::PersonConfirmed {
                    staff_id,
                    id_document,
                    person,
                    ticket,
                    contraband_clear,
                };
                self.record_seat(&actor, &ticket_no, &[event], now, Vec::new())?;
                // Nobody needs the picture in memory any more; it is sealed.
                self.visit_mut()?.picture = None;
                Ok(())
            }
            Deed::NotAdmitted { reason } => {
                named(&reason)?;
                let event = Event::NotAdmitted { staff_id, reason };
                self.record_seat(&actor, &ticket_no, &[event], now, Vec::new())?;
                self.visit_mut()?.picture = None;
                if let Err(refusal) = self.seal_seat(&ticket_no, now) {
                    tracing::warn!(code = refusal.code, "a bundle still waits to be sealed");
                }
                Ok(())
            }
            Deed::WithoutPicture { reason } => {
                named(&reason)?;
                let event = Event::PictureSkipped { staff_id, reason };
                self.record_seat(&actor, &ticket_no, &[event], now, Vec::new())?;
                let visit = self.visit_mut()?;
                visit.picture = None;
                // It is decided that there will be no picture; what is left is the usual confirmation.
                visit.why = ConfirmReason::Usual;
                Ok(())
            }
        }
    }

    pub(super) fn forgive(&mut self, staff_id: &str) -> Answer {
        let key = slow_key(staff_id);
        self.desk.slowed = None;
        let known = day::slowing(&self.reader, &key).unwrap_or_default();
        if known == Slowing::default() {
            return Ok(());
        }
        let projection = day::put_slowing(&key, &Slowing::default())?;
        self.commit(fengjuan_store::Change::default().project(projection))
    }

    fn log_in(&mut self, person: &Staff) -> Answer {
        let event = Event::LoggedIn {
            staff_id: person.staff_id.clone(),
        };
        self.record(&staff(&person.staff_id), event, Vec::new())?;
        self.desk.user = Some(people::name(person));
        self.desk.last_action_ms = self.boot_ms();
        self.desk.tab = self.first_tab();
        self.surface = Surface::Desk;
        Ok(())
    }

    /// Where a proctor most likely has something to do.
    fn first_tab(&self) -> DeskTab {
        let Some(active) = &self.active else {
            return DeskTab::Papers;
        };
        if self.paused().is_some() || self.score_needs_code(self.now()) {
            DeskTab::Unlock
        } else if self.unlocked.is_some() || active.day.unlocked {
            DeskTab::Sitting
        } else if self.now() >= active.entry_opens_ms() {
            DeskTab::Unlock
        } else {
            DeskTab::Papers
        }
    }

    /// The actions that need no password.
    pub(super) fn seat_without_password(&mut self, action: &SeatAction) -> Answer {
        match action {
            SeatAction::RetakePicture {} => {
                let ticket_no = self.visit()?.ticket_no.clone();
                match self.seat_state(&ticket_no) {
                    Some(SeatState::Identified | SeatState::Pictured) => {
                        let visit = self.visit_mut()?;
                        visit.picture = None;
                        visit.why = ConfirmReason::Usual;
                        visit.retaking = true;
                        Ok(())
                    }
                    _ => Err(refused("seat.out_of_order")),
                }
            }
            SeatAction::OpenDesk {} => {
                self.desk.user = None;
                if self.active.is_none() {
                    // A pull may have ended a moment ago; who is asked for a name must not depend on the next tick.
                    self.look_for_sittings();
                }
                if self.active.is_some() {
                    self.surface = Surface::LogIn;
                } else {
                    self.surface = Surface::Desk;
                    self.desk.tab = DeskTab::Papers;
                }
                self.desk.last_action_ms = self.boot_ms();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Staff who go on after the idle time have to log in again: actions stop, the screen goes back.
    pub(super) fn idle_lock(&mut self) -> bool {
        let idle_ms = self.boot_ms() - self.desk.last_action_ms;
        let allowed_ms = match self.surface {
            Surface::Candidate => return false,
            // Whoever pressed the staff's corner by mistake gets the exam back soon.
            Surface::LogIn => super::LOG_IN_IDLE_MS,
            Surface::Desk => super::IDLE_LOCK_MS,
        };
        let locked = idle_ms >= allowed_ms;
        if locked {
            self.desk.user = None;
            self.surface = Surface::Candidate;
        }
        locked
    }

    pub(super) fn last_slowed(&self, now: ExamMs) -> Option<ExamMs> {
        let (_, slowing) = self.desk.slowed.as_ref()?;
        slowing.waits(now)
    }
}

fn named(reason: &str) -> Answer {
    if reason.trim().is_empty() {
        Err(refused("attempt.reason_missing"))
    } else {
        Ok(())
    }
}
