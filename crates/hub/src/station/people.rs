//! Logging in (登录), one person at a time with their own password, and the second person of a decision. Wrong passwords
//! are counted, slowed, and locked out in the end; another person releases that.

use super::Station;
use super::log::WrongTries;
use crate::hub::Hub;
use crate::view::action::SecondPerson;
use fengjuan_core::event::Event;
use fengjuan_core::plan::{ExamMs, Staff};
use fengjuan_core::room::rules::{Deed, Person, rule_of};
use fengjuan_core::room::station::Fact;
use fengjuan_device::recorder::{SYSTEM, staff};
use fengjuan_device::refusal::{Answer, With, refused};
use fengjuan_device::staff::{FREE_PASSWORDS, Slowing, name, password_fits};
use fengjuan_device::view::{Refused, StaffName};
use fengjuan_envelope::cbor;
use fengjuan_store::{Projection, Reader, StoreError};
use fengjuan_wire::WireError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zeroize::Zeroize;

const NS: &str = "station.tries";
/// So many wrong passwords lock somebody out.
const LOCKS_OUT: u32 = 6;
/// For so long, unless another person releases it.
pub(super) const LOCKED_OUT_MS: i64 = 15 * 60_000;

/// One person's wrong passwords, kept over restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tries {
    slowing: Slowing,
    locked_out_ms: Option<ExamMs>,
}

impl Tries {
    /// Until when this person is locked out.
    pub fn locked_out(&self, now: ExamMs) -> Option<ExamMs> {
        let until_ms = self.locked_out_ms?.saturating_add(LOCKED_OUT_MS);
        // A clock that was set back must not lock anybody out for longer.
        let ahead_ms = until_ms.saturating_sub(now);
        (1..=LOCKED_OUT_MS).contains(&ahead_ms).then_some(until_ms)
    }

    fn may_try(&self, now: ExamMs) -> Answer {
        if let Some(until_ms) = self.locked_out(now) {
            return Err(refused("staff.locked_out").with("until_ms", until_ms));
        }
        match self.slowing.waits(now) {
            Some(until_ms) => Err(refused("staff.slowed").with("until_ms", until_ms)),
            None => Ok(()),
        }
    }

    fn after_wrong(self, now: ExamMs) -> Tries {
        let slowing = self.slowing.after_wrong(now, FREE_PASSWORDS);
        let out = slowing.wrong >= LOCKS_OUT;
        Tries {
            slowing,
            locked_out_ms: out.then_some(now),
        }
    }
}

pub(super) fn read_tries(own: &Reader) -> Result<BTreeMap<String, Tries>, StoreError> {
    let rows = own.scan(NS)?.into_iter();
    let read = |(key, value): (Vec<u8>, Vec<u8>)| {
        Some((String::from_utf8(key).ok()?, cbor::from_slice(&value).ok()?))
    };
    Ok(rows.filter_map(read).collect())
}

/// An alert is there for as long as somebody is locked out, also after a restart.
pub(super) fn tell_lockouts(hub: &Hub, tries: &BTreeMap<String, Tries>, now: ExamMs) {
    for (staff_id, tries) in tries {
        if tries.locked_out_ms.is_some() {
            let on = tries.locked_out(now).is_some();
            tell(hub, staff_id, on);
        }
    }
}

fn tell(hub: &Hub, staff_id: &str, on: bool) {
    hub.room().observe(&Fact::Lockout {
        staff_id: staff_id.to_owned(),
        on,
    });
}

fn row(staff_id: &str, tries: &Tries) -> Result<Projection, Refused> {
    let value = cbor::to_vec(tries).map_err(WireError::from)?;
    Ok(Projection::put(NS, staff_id.as_bytes(), value))
}

/// What the rules judge of a person.
pub(super) fn person(staff: &Staff) -> Person {
    Person {
        staff_id: staff.staff_id.clone(),
        role: staff.role,
    }
}

impl Station {
    pub(super) fn log_in(&self, staff_id: &str, mut password: String) -> Answer {
        let checked = self.checked(staff_id, &password);
        password.zeroize();
        let person = checked?;
        let before = self.state().desk.user.clone();
        let before = before.filter(|before| before.staff_id != staff_id);
        let left = before.map(|before| Event::LoggedOut {
            staff_id: before.staff_id,
        });
        let event = Event::LoggedIn {
            staff_id: staff_id.to_owned(),
        };
        let events = left.into_iter().chain([event]).collect();
        self.note(&staff(staff_id), events, Vec::new())?;
        let boot_ms = self.boot_ms();
        let desk = &mut self.state().desk;
        desk.user = Some(name(&person));
        desk.locked = false;
        desk.touched_boot_ms = boot_ms;
        Ok(())
    }

    pub(super) fn log_out(&self) -> Answer {
        let user = {
            let desk = &mut self.state().desk;
            desk.locked = false;
            desk.unlock_refused = None;
            desk.user.take()
        };
        if let Some(StaffName { staff_id, .. }) = user {
            self.left(&staff(&staff_id.clone()), Event::LoggedOut { staff_id });
        }
        Ok(())
    }

    /// Nobody stays logged in because a full disk takes no entry.
    fn left(&self, actor: &str, event: Event) {
        if let Err(refusal) = self.note(actor, vec![event], Vec::new()) {
            tracing::error!(code = refusal.code, "who left the page was not recorded");
        }
    }

    /// Whoever is logged in; this keeps the page from locking.
    pub(super) fn user(&self) -> Answer<Staff> {
        self.idle_lock();
        let boot_ms = self.boot_ms();
        let mut state = self.state();
        let user = state.desk.user.clone();
        let user = user.ok_or_else(|| refused("station.not_logged_in"))?;
        state.desk.touched_boot_ms = boot_ms;
        let chosen = state.selected(&self.hub);
        let number = chosen.as_ref().map(|book| book.number());
        let person = state.books.person(number, &user.staff_id).cloned();
        person.ok_or_else(|| refused("staff.unknown"))
    }

    /// True where nobody is known yet: no sitting is here, and papers may be pulled by whoever sits here.
    pub(super) fn nobody_known(&self) -> bool {
        let mut state = self.state();
        state.refresh(&self.hub);
        state.books.everyone(None).is_empty()
    }

    /// The second person of a decision, by their own password, which is not the first one's.
    pub(super) fn second(&self, second: SecondPerson, first: &Staff) -> Answer<Staff> {
        let SecondPerson {
            staff_id,
            mut password,
        } = second;
        if staff_id == first.staff_id {
            password.zeroize();
            return Err(refused("room.same_person"));
        }
        let checked = self.checked(&staff_id, &password);
        password.zeroize();
        checked.map_err(|refusal| {
            let whose = self.state().named(&staff_id).name;
            let second = match refusal.code.as_str() {
                "staff.wrong_password" => Refused {
                    code: "staff.second_wrong".to_owned(),
                    ..refusal
                },
                _ => refusal,
            };
            second.with("name", whose)
        })
    }

    /// Whose password this is. Not under a lock: it takes as long as Argon2id does.
    fn checked(&self, staff_id: &str, password: &str) -> Answer<Staff> {
        let now = self.now();
        let person = {
            let mut state = self.state();
            state.refresh(&self.hub);
            let chosen = state.selected(&self.hub);
            let number = chosen.as_ref().map(|book| book.number());
            let person = state.books.person(number, staff_id).cloned();
            let tries = state.desk.tries.get(staff_id).copied();
            tries.unwrap_or_default().may_try(now)?;
            person.ok_or_else(|| refused("staff.unknown"))?
        };
        if password_fits(&person, password) {
            self.forgive(staff_id)?;
            Ok(person)
        } else {
            Err(self.wrong_password(staff_id)?)
        }
    }

    /// A wrong password is counted, slowed and recorded.
    fn wrong_password(&self, staff_id: &str) -> Answer<Refused> {
        let now = self.now();
        let before = self.state().desk.tries.get(staff_id).copied();
        let tries = before.unwrap_or_default().after_wrong(now);
        let event = Event::LogInFailed {
            staff_id: staff_id.to_owned(),
            cause: "staff.wrong_password".to_owned(),
        };
        self.note(SYSTEM, vec![event], vec![row(staff_id, &tries)?])?;
        self.state().desk.tries.insert(staff_id.to_owned(), tries);
        if let Err(refusal) = tries.may_try(now)
            && tries.locked_out_ms.is_some()
        {
            tell(&self.hub, staff_id, true);
            return Ok(refusal);
        }
        Ok(refused("staff.wrong_password").with("wrong", tries.slowing.wrong))
    }

    fn forgive(&self, staff_id: &str) -> Answer {
        let known = self.state().desk.tries.get(staff_id).copied();
        let Some(known) = known.filter(|tries| *tries != Tries::default()) else {
            return Ok(());
        };
        self.note(SYSTEM, Vec::new(), vec![row(staff_id, &Tries::default())?])?;
        self.state().desk.tries.remove(staff_id);
        if known.locked_out_ms.is_some() {
            tell(&self.hub, staff_id, false);
        }
        Ok(())
    }

    /// Another person vouches for somebody who is locked out.
    pub(super) fn release_lockout(
        &self,
        staff_id: &str,
        reason: &str,
        second: SecondPerson,
    ) -> Answer {
        let now = self.now();
        let locked = {
            let mut state = self.state();
            state.refresh(&self.hub);
            let locked = state.books.person(None, staff_id).cloned();
            let out = state.desk.tries.get(staff_id);
            let out = out.and_then(|tries| tries.locked_out(now)).is_some();
            locked.filter(|_| out)
        };
        let locked = locked.ok_or_else(|| refused("staff.not_locked_out"))?;
        if reason.trim().is_empty() {
            return Err(refused("room.reason_needed"));
        }
        let by = self.second(second, &locked)?;
        if !rule_of(Deed::ReleaseLockout).may.contains(&by.role) {
            return Err(refused("room.second_role"));
        }
        let event = Event::LockoutReleased {
            staff_id: staff_id.to_owned(),
            by: by.staff_id.clone(),
            reason: reason.trim().to_owned(),
        };
        let row = row(staff_id, &Tries::default())?;
        self.note(&staff(&by.staff_id), vec![event], vec![row])?;
        self.state().desk.tries.remove(staff_id);
        tell(&self.hub, staff_id, false);
        Ok(())
    }

    /// Staff who do nothing for a while have to log in again; what is shown stays. True where that happened now.
    pub(super) fn idle_lock(&self) -> bool {
        let boot_ms = self.boot_ms();
        let user = {
            let desk = &mut self.state().desk;
            let idle = boot_ms.saturating_sub(desk.touched_boot_ms) >= super::IDLE_LOCK_MS;
            let user = desk.user.take_if(|_| idle);
            desk.locked |= user.is_some();
            user
        };
        let Some(StaffName { staff_id, .. }) = user else {
            return false;
        };
        self.left(SYSTEM, Event::IdleLocked { staff_id });
        true
    }

    /// What was tried in vain at the station before this one counts here too: whoever is locked out there is not let try
    /// anew by taking over.
    pub(super) fn learn_tries(&self, wrong: WrongTries) {
        for (sitting_no, (wrong, last_ms)) in wrong.codes {
            self.hub.unlocks().learn(&sitting_no, wrong, last_ms);
        }
        for (staff_id, (wrong, last_ms)) in wrong.passwords {
            let known = self.state().desk.tries.get(&staff_id).copied();
            let known = known.unwrap_or_default();
            if known.slowing.wrong >= wrong {
                continue;
            }
            let learned = (0..wrong).fold(Tries::default(), |tries, _| tries.after_wrong(last_ms));
            let row = row(&staff_id, &learned);
            let noted = row.and_then(|row| self.note(SYSTEM, Vec::new(), vec![row]));
            if let Err(refusal) = noted {
                tracing::error!(code = refusal.code, "wrong passwords were not taken over");
            }
            if learned.locked_out(self.now()).is_some() {
                tell(&self.hub, &staff_id, true);
            }
            self.state().desk.tries.insert(staff_id, learned);
        }
    }

    /// A lockout that has run out is no alert any more.
    pub(super) fn end_lockouts(&self) {
        let now = self.now();
        let over: Vec<String> = {
            let desk = &mut self.state().desk;
            let over =
                |tries: &Tries| tries.locked_out_ms.is_some() && tries.locked_out(now).is_none();
            let ended = desk.tries.iter_mut().filter(|(_, tries)| over(tries));
            ended
                .map(|(staff_id, tries)| {
                    tries.locked_out_ms = None;
                    staff_id.clone()
                })
                .collect()
        };
        for staff_id in over {
            tell(&self.hub, &staff_id, false);
        }
    }

    /// Records what happened at this station, and nothing that the room obeys.
    pub(super) fn note(
        &self,
        actor: &str,
        events: Vec<Event>,
        projections: Vec<Projection>,
    ) -> Answer {
        let recorded = self
            .hub
            .room()
            .decide(actor, projections, |_, _, _| Ok(events));
        recorded.map(drop).map_err(super::refusal::of)
    }
}
