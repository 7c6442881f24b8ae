//! A person's action: checked, recorded, taken over.

use super::decide::{self, Wish};
use super::orders::on_order;
use super::people::person;
use super::refusal::{of, of_device};
use super::snapshot::Snapshot;
use super::{Station, books};
use crate::view::StationOutcome;
use crate::view::action::{SecondPerson, StationAction};
use fengjuan_core::choice::Choice;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::plan::{Role, Staff};
use fengjuan_core::room::Device;
use fengjuan_core::room::rules::{Deed, rule_of};
use fengjuan_core::room::station::{Action, Actor, RoomError, Station as RoomStation, Step};
use fengjuan_device::recorder::staff;
use fengjuan_device::refusal::{Answer, With, refused};
use std::collections::BTreeSet;
use std::sync::Arc;
use zeroize::Zeroize;

/// Who may stand beside the first person when two screens are compared.
const COMPARES: [Role; 4] = [
    Role::Proctor,
    Role::ExamStaff,
    Role::SiteHead,
    Role::SystemAdministrator,
];

impl Station {
    /// What a person at the station does. Blocks where a password or the code is tried.
    pub fn act(&self, action: StationAction) -> StationOutcome {
        let answer = self.carry_out(action);
        self.outcome(answer)
    }

    fn carry_out(&self, action: StationAction) -> Answer {
        use StationAction::*;
        match action {
            LogIn { staff_id, password } => self.log_in(&staff_id, password),
            LogOut {} => self.log_out(),
            ReleaseLockout {
                staff_id,
                reason,
                second,
            } => self.release_lockout(&staff_id, &reason, second),
            Tab { .. } | Select { .. } | Filter { .. } | OpenSeat { .. } => self.look(action),
            Enrol { .. }
            | EnrolByStick { .. }
            | Pull {}
            | CourierImport { .. }
            | CourierExport { .. }
            | CheckEquipment {} => self.set_up(action),
            Unlock { groups, second } => self.unlock(groups, second),
            other => self.decide(other),
        }
    }

    /// Looking needs nobody's name.
    fn look(&self, action: StationAction) -> Answer {
        let locked = self.idle_lock();
        let boot_ms = self.boot_ms();
        let mut state = self.state();
        if !locked && state.desk.user.is_some() {
            state.desk.touched_boot_ms = boot_ms;
        }
        match action {
            StationAction::Tab { tab } => state.desk.tab = tab,
            StationAction::Filter { filter } => state.desk.filter = filter,
            StationAction::OpenSeat { seat_no } => state.desk.open_seat = seat_no,
            StationAction::Select { sitting_no } => {
                if state.books.of(&sitting_no).is_none() {
                    return Err(refused("station.unknown_sitting"));
                }
                state.desk.sitting_no = Some(sitting_no);
                state.desk.open_seat = None;
                state.desk.unlock_refused = None;
            }
            _ => {}
        }
        Ok(())
    }

    fn book(&self) -> Option<Arc<books::Book>> {
        let mut state = self.state();
        state.refresh(&self.hub);
        state.selected(&self.hub)
    }

    /// In a sitting only its own staff may act.
    fn of_this_sitting(&self, book: Option<&books::Book>, person: &Staff) -> Answer {
        let Some(book) = book else { return Ok(()) };
        let state = self.state();
        match state.books.person_of(book.number(), &person.staff_id) {
            Some(_) => Ok(()),
            None => Err(refused("staff.not_of_sitting")),
        }
    }

    fn decide(&self, mut action: StationAction) -> Answer {
        let user = self.user()?;
        let (reason, second) = decide::with(&mut action);
        let book = self.book();
        let of_sitting = decide::is_of_sitting(&action);
        if of_sitting {
            self.of_this_sitting(book.as_deref(), &user)?;
        }
        let wish = {
            let books = self.state().books.books.clone();
            let room = Snapshot::take(&self.hub, &books);
            decide::wish(&room, book.as_deref(), &action)?
        };
        let second = second
            .map(|second| self.second(second, &user))
            .transpose()?;
        if let Some(second) = second.as_ref().filter(|_| of_sitting) {
            self.of_this_sitting(book.as_deref(), second)?;
        }
        let actor = Actor {
            person: person(&user),
            second: second.as_ref().map(person),
            reason,
        };
        let (room, devices) = (self.hub.room(), self.hub.devices());
        match wish {
            Wish::Act(action) => {
                let state = self.state();
                let action = room.read(|station| on_order(&state.books, station, action));
                drop(state);
                room.act(&action, &actor).map(drop).map_err(of)
            }
            Wish::TakeOver => {
                let mut wrong = self.state().log.wrong.clone();
                // Whoever is here has just shown who they are.
                let here = [Some(&actor.person), actor.second.as_ref()];
                for person in here.into_iter().flatten() {
                    wrong.passwords.remove(&person.staff_id);
                }
                room.take_over(&actor).map_err(of)?;
                self.learn_tries(wrong);
                Ok(())
            }
            Wish::Publish => self.publish(book.as_deref(), &actor),
            Wish::Approve { device, seat_no } => self.approve(&device, seat_no, &actor),
            Wish::Refuse { device } => {
                let refused = devices.refuse(room, &device, &actor);
                refused.map(drop).map_err(of_device)
            }
            Wish::LetAskAgain { device } => {
                let again = devices.let_ask_again(room, &device, &actor);
                again.map_err(of_device)
            }
            Wish::ForgetAsking => devices.forget_asking(room, &actor).map_err(of_device),
            Wish::Revoke { device } => {
                let revoked = devices.revoke(room, &device, &actor);
                revoked.map(drop).map_err(of_device)
            }
            Wish::AcceptAddress { device } => self.accept_address(&device, &actor),
            Wish::Submit => self.submit(book.as_deref(), &actor),
            Wish::Outages { alert_no, cause } => {
                self.decide_outages(book.as_deref(), alert_no, cause, &actor)
            }
        }
    }

    /// 输密码开卷, once for all class groups and all terminals.
    fn unlock(&self, mut groups: Vec<String>, second: Option<SecondPerson>) -> Answer {
        let (actor, book) = match self.who_unlocks(second) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                groups.zeroize();
                self.state().desk.unlock_refused = Some(refusal.clone());
                return Err(refusal);
            }
        };
        let answer = self.hub.unlocks().unlock(book.number(), groups, &actor);
        self.state().desk.unlock_refused = answer.as_ref().err().cloned();
        answer
    }

    /// Whoever is logged in; where the code has two halves, with somebody else who gives their own password.
    fn who_unlocks(&self, second: Option<SecondPerson>) -> Answer<(Actor, Arc<books::Book>)> {
        let user = self.user()?;
        let book = self.book();
        let book = book.ok_or_else(|| refused("station.no_sitting"))?;
        self.of_this_sitting(Some(&book), &user)?;
        let second = second.filter(|_| book.sitting().two_person_code);
        let second = second
            .map(|second| self.second(second, &user))
            .transpose()?;
        if let Some(second) = &second {
            self.of_this_sitting(Some(&book), second)?;
        }
        let actor = Actor {
            person: person(&user),
            second: second.as_ref().map(person),
            reason: String::new(),
        };
        Ok((actor, book))
    }

    /// Every machine gets a number, every candidate a seat, and both are locked: all of it or nothing.
    fn publish(&self, book: Option<&books::Book>, actor: &Actor) -> Answer {
        let book = book.ok_or_else(|| refused("station.no_sitting"))?;
        let roster = book.roster_seats();
        let seed = fengjuan_envelope::random_bytes::<32>().map_err(|_| refused("room.random"))?;
        let number = book.number();
        let tickets: BTreeSet<Hash32> = book.people.iter().map(|one| one.ticket).collect();
        let by = staff(&actor.person.staff_id);
        let published = self
            .hub
            .room()
            .decide(&by, Vec::new(), |station, ids, now| {
                let mut ahead = Ahead::of(station);
                let numbers = Action::NumberMachines {};
                ahead.take(|station| station.propose(&numbers, actor, ids, now))?;
                match roster {
                    Some(roster) => {
                        let deal = Action::DealByRoster {
                            sitting_no: number.to_owned(),
                            roster,
                        };
                        ahead.take(|station| station.propose(&deal, actor, ids, now))?;
                    }
                    None => {
                        let parts = [b"seats/1".as_slice(), number.as_bytes()];
                        let mut choice = Choice::new(&seed, &parts);
                        ahead.take(|station| {
                            station.deal_at_random(number, &tickets, actor, &mut choice)
                        })?;
                    }
                }
                let publish = Action::PublishSeats {
                    sitting_no: number.to_owned(),
                };
                ahead.take(|station| station.propose(&publish, actor, ids, now))?;
                Ok(ahead.events)
            });
        published.map(drop).map_err(of)
    }

    fn approve(&self, device: &Device, seat_no: Option<u32>, actor: &Actor) -> Answer {
        self.over_machines(actor)?;
        let second = actor.second.as_ref();
        let second = second.ok_or_else(|| refused("room.second_needed"))?;
        if !COMPARES.contains(&second.role) {
            return Err(refused("room.second_role"));
        }
        let room = self.hub.room();
        if let Some(seat_no) = seat_no
            && (seat_no == 0 || room.read(|station| station.seating().at(seat_no)).is_some())
        {
            return Err(refused("station.number_taken").with("seat_no", seat_no));
        }
        let approved = self.hub.devices().approve(room, device, true, actor);
        approved.map_err(of_device)?;
        let Some(seat_no) = seat_no else {
            return Ok(());
        };
        let number = Action::MoveSeat {
            seat_no,
            to: *device,
        };
        // Two people have compared what is on the screens; nobody need say why besides.
        let actor = Actor {
            reason: "–".to_owned(),
            ..actor.clone()
        };
        room.act(&number, &actor).map(drop).map_err(of)
    }

    fn accept_address(&self, device: &Device, actor: &Actor) -> Answer {
        let devices = self.hub.devices();
        let address = devices.elsewhere(device);
        let address = address.ok_or_else(|| refused("station.same_address"))?;
        let moved = devices.move_to(self.hub.room(), device, address, actor);
        moved.map(drop).map_err(of_device)
    }

    fn over_machines(&self, actor: &Actor) -> Answer {
        let commanding = |station: &RoomStation| station.standing().commanding().is_some();
        if !self.hub.room().read(commanding) {
            return Err(refused("room.not_commanding"));
        }
        match rule_of(Deed::OutOfUse).may.contains(&actor.person.role) {
            true => Ok(()),
            false => Err(refused("room.role")),
        }
    }

    /// 上报: what waits is sent at once; it is done when the center has everything.
    fn submit(&self, book: Option<&books::Book>, actor: &Actor) -> Answer {
        let book = book.ok_or_else(|| refused("station.no_sitting"))?;
        if !rule_of(Deed::AssignSeats).may.contains(&actor.person.role) {
            return Err(refused("room.role"));
        }
        let (step, waiting) = {
            let mut state = self.state();
            let room = Snapshot::take(&self.hub, &state.books.books.clone());
            let step = room.days.get(book.number()).map(|day| day.step);
            (step, self.not_at_center(&mut state, &room, book))
        };
        match step {
            Some(Step::Ended) => {}
            Some(Step::Submitted) => return Ok(()),
            _ => return Err(refused("station.not_ended")),
        }
        if waiting > 0 {
            self.hub.uplink().nudge();
            return Err(refused("room.not_submitted").with("waiting", waiting));
        }
        let submitted = Action::Submitted {
            sitting_no: book.number().to_owned(),
        };
        let done = self.hub.room().act(&submitted, actor);
        done.map(drop).map_err(of)
    }
}

/// The room's machine a few events ahead of what is recorded: what is proposed next builds on what was proposed before.
pub(super) struct Ahead {
    station: RoomStation,
    pub events: Vec<Event>,
}

impl Ahead {
    pub fn of(station: &RoomStation) -> Ahead {
        Ahead {
            station: station.clone(),
            events: Vec::new(),
        }
    }

    pub fn take(
        &mut self,
        propose: impl FnOnce(&RoomStation) -> Result<Vec<Event>, RoomError>,
    ) -> Result<(), RoomError> {
        let events = propose(&self.station)?;
        for event in &events {
            self.station.commit(event);
        }
        self.events.extend(events);
        Ok(())
    }
}
