//! What each command of the station does here. Everything goes through the same machines as what staff do at this
//! terminal, with their name in the entry; a refusal leaves nothing behind.

use super::held::OutwardAct;
use super::moved::Fetched;
use super::owed::LOCKED;
use super::state::State;
use crate::sitting_run::{Basis, Run};
use fengjuan_core::attempt::{Attempt, Input};
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::command::{Command, CommandBody};
use fengjuan_core::seat::SeatState;
use fengjuan_device::recorder::commanded;
use fengjuan_device::refusal::{Answer, refused};
use fengjuan_store::Change;

impl State {
    /// Does the command. Every write is staged; an error undoes the rest.
    pub(super) fn obey(
        &mut self,
        command: &Command,
        fetched: Option<Fetched>,
        now: ExamMs,
    ) -> Answer {
        let by = command.by.as_str();
        match &command.body {
            CommandBody::Arrive {
                ticket_hash,
                arrival_ms,
                ..
            } => {
                let ticket_no = self.ticket_by_hash(ticket_hash)?;
                let arrival_ms = (*arrival_ms).min(now);
                self.stamp(&ticket_no, by, arrival_ms, now).map(drop)
            }
            CommandBody::ConfirmPerson { ticket_hash, .. } => {
                let event = Event::PersonConfirmed {
                    staff_id: by.to_owned(),
                    id_document: true,
                    person: true,
                    ticket: true,
                    contraband_clear: true,
                };
                let event = confirmed(&command.body, event);
                self.at_the_seat(ticket_hash, by, event, now)
            }
            CommandBody::RefusePerson { ticket_hash, .. } => {
                let event = Event::NotAdmitted {
                    staff_id: by.to_owned(),
                    reason: command.reason.clone(),
                };
                self.at_the_seat(ticket_hash, by, event, now)
            }
            CommandBody::Start {
                planned_ms, at_ms, ..
            } => self.start_at(by, *planned_ms, *at_ms),
            CommandBody::End {
                class_no, forced, ..
            } => match class_no {
                None => self.end_all(command, *forced, now),
                Some(class_no) => self.end_class(command, class_no, *forced, now),
            },
            CommandBody::SeatNumber { seat_no } => self.obey_seat_no(*seat_no),
            // The camera and the disk are somebody's who answers.
            CommandBody::CheckEquipment {} if self.run.is_some() => {
                Err(refused("room.somebody_answers"))
            }
            CommandBody::CheckEquipment {} => Ok(()),
            CommandBody::Seats { sitting_no, dealt } => self.obey_seats(sitting_no, dealt),
            CommandBody::PatternCamera { .. } => self.allow_pattern(by, reason_of(command)),
            CommandBody::Lease { .. } | CommandBody::Unfence { .. } => {
                self.take_lease(command, fetched, now)
            }
            CommandBody::Fence {
                attempt,
                lease,
                holder,
            } => self.fence(command, attempt, *lease, *holder, now),
            _ => self.obey_about_time(command, now),
        }
    }

    /// What follows once a command is durable. Whatever fails here is tried again by the tick.
    pub(super) fn obeyed(&mut self, command: &Command, now: ExamMs) {
        if matches!(
            command.body,
            CommandBody::Lease { .. } | CommandBody::Unfence { .. }
        ) {
            self.go_on_here(now);
        }
        if matches!(command.body, CommandBody::CheckEquipment {}) {
            let staff_id = Some(command.by.clone());
            let asked = self
                .shared
                .outward
                .act(OutwardAct::CheckEquipment { staff_id });
            if let Err(refusal) = asked {
                tracing::warn!(code = refusal.code, "no equipment check");
            }
        }
        self.begin_by_station(now);
        self.seal_leftovers(now);
        self.settle_seed(now);
        if self.visit.is_none() {
            self.look_for_sittings();
        }
        self.shared.outward.nudge();
    }

    pub(super) fn ticket_by_hash(&self, ticket_hash: &Hash32) -> Answer<String> {
        let active = self.active()?;
        let mut roster = active.roster.iter();
        let found =
            roster.find(|candidate| active.ticket_hash(&candidate.ticket_no) == *ticket_hash);
        found
            .map(|candidate| candidate.ticket_no.clone())
            .ok_or_else(|| refused("desk.unknown_ticket"))
    }

    /// What the station decides about whoever sits here, as if it were decided at this machine.
    fn at_the_seat(&mut self, ticket_hash: &Hash32, by: &str, event: Event, now: ExamMs) -> Answer {
        let ticket_no = self.ticket_by_hash(ticket_hash)?;
        if self.visit()?.ticket_no != ticket_no {
            return Err(refused("seat.another_person"));
        }
        self.record_seat(&commanded(by), &ticket_no, &[event], now, Vec::new())?;
        self.visit_mut()?.picture = None;
        Ok(())
    }

    /// From this exam moment on, whoever waits here begins.
    fn start_at(&mut self, by: &str, planned_ms: ExamMs, at_ms: ExamMs) -> Answer {
        let active = self.active()?;
        let mut day = active.day.clone();
        if day.ended_ms.is_some() {
            return Err(refused("sitting.already_ended"));
        }
        if day.start.is_some() {
            return Err(refused("room.already_started"));
        }
        // A postponement that this terminal has not heard of moves it all the same.
        let postponed_ms = (planned_ms - active.sitting().start_ms).max(day.postponed_ms);
        let start = fengjuan_core::start::start_terminal(active.sitting(), postponed_ms, at_ms)?;
        day.start = Some(start);
        day.started_by = Some(by.to_owned());
        let sitting_no = active.sitting_no().to_owned();
        let event = Event::SittingStarted {
            sitting_no: sitting_no.clone(),
            staff_id: by.to_owned(),
            planned_ms: start.planned_ms,
            started_ms: start.started_ms,
        };
        self.record(&commanded(by), event, vec![day.put(&sitting_no)?])?;
        self.active_mut()?.day = day;
        Ok(())
    }

    fn end_all(&mut self, command: &Command, forced: bool, now: ExamMs) -> Answer {
        if self.active()?.day.ended_ms.is_some() {
            return Err(refused("sitting.already_ended"));
        }
        self.hand_in_before_end(command, forced, None, now)?;
        self.end_sitting(&command.by, &reason_of(command), now)
    }

    fn end_class(
        &mut self,
        command: &Command,
        class_no: &str,
        forced: bool,
        now: ExamMs,
    ) -> Answer {
        let active = self.active()?;
        let mut day = active.day.clone();
        if day.ended_ms.is_some() || day.ended_classes.iter().any(|ended| ended == class_no) {
            return Err(refused("sitting.already_ended"));
        }
        let sitting_no = active.sitting_no().to_owned();
        self.hand_in_before_end(command, forced, Some(class_no), now)?;
        day = self.active()?.day.clone();
        day.ended_classes.push(class_no.to_owned());
        self.commit(Change::default().project(day.put(&sitting_no)?))?;
        self.active_mut()?.day = day;
        Ok(())
    }

    /// Whoever still answers is handed in where that is forced, whatever is undecided; else nobody is.
    fn hand_in_before_end(
        &mut self,
        command: &Command,
        forced: bool,
        class_no: Option<&str>,
        now: ExamMs,
    ) -> Answer {
        let Some(run) = &self.run else {
            let open = self.locked_attempt();
            let answers = open.is_some_and(|open| class_no.is_none_or(|no| open.class_no == no));
            return match (answers, forced) {
                (false, _) => Ok(()),
                (true, false) => Err(refused("room.somebody_answers")),
                (true, true) => Err(refused(LOCKED)),
            };
        };
        if class_no.is_some_and(|class_no| run.class.class_no != class_no) {
            return Ok(());
        }
        if !forced {
            return Err(refused("room.somebody_answers"));
        }
        let staff_id = command.by.clone();
        let ended = Input::SittingEnded {
            staff_id: staff_id.clone(),
            reason: reason_of(command),
        };
        let input = match run.attempt.propose(ended.clone(), now) {
            Ok(_) => ended,
            Err(_) => Input::ForceHandIn {
                staff_id,
                reason: reason_of(command),
            },
        };
        self.drive(&commanded(&command.by), input, now)
    }

    /// The attempt as its ledgers make it, with the papers that are open here.
    pub(super) fn run_of(&self, ticket_no: &str) -> Answer<Run> {
        let active = self.active()?;
        let unknown = || refused("desk.unknown_ticket");
        let unlocked = self
            .unlocked
            .as_ref()
            .ok_or_else(|| refused("start.not_unlocked"))?;
        let candidate = active.candidate(ticket_no).ok_or_else(unknown)?;
        let seat = active.seats.get(ticket_no).ok_or_else(unknown)?;
        let begun = seat.begun.ok_or_else(|| refused("attempt.not_started"))?;
        let start = active
            .start_of(candidate, begun.ends_ms)
            .ok_or_else(unknown)?;
        let entries = super::moved::history(&self.reader, &seat.attempt_id)?;
        let basis = Basis {
            sitting: active.sitting(),
            candidate,
            unlocked,
            start: &start,
        };
        Run::resume(&basis, begun.started_ms, &entries).map_err(|error| {
            tracing::error!(code = error.code(), "{error}");
            refused(error.code())
        })
    }

    /// Whether the seat of whoever answers stands still, by anybody's decision, so that no question is shown.
    pub(super) fn stands_still(&self) -> bool {
        let paused = |run: &Run| Attempt::paused_since(&run.attempt).is_some();
        self.clock_suspended() || self.run.as_ref().is_some_and(paused)
    }

    /// Nobody of this class group may begin any more.
    pub(super) fn class_ended(&self, ticket_no: &str) -> bool {
        let Some(active) = &self.active else {
            return false;
        };
        let class_no = active
            .candidate(ticket_no)
            .map(|candidate| candidate.class_no.as_str());
        let ended = active.day.ended_classes.iter();
        ended
            .map(String::as_str)
            .any(|ended| Some(ended) == class_no)
    }

    pub(super) fn unstarted(state: SeatState) -> bool {
        matches!(
            state,
            SeatState::Identified
                | SeatState::Pictured
                | SeatState::Confirmed
                | SeatState::Tutorial
                | SeatState::Waiting
        )
    }
}

/// The rules want no reason for some commands, and the records want a word.
pub(super) fn reason_of(command: &Command) -> String {
    if command.reason.trim().is_empty() {
        "station".to_owned()
    } else {
        command.reason.clone()
    }
}

/// What was confirmed, point by point.
fn confirmed(body: &CommandBody, event: Event) -> Event {
    match (body, event) {
        (
            CommandBody::ConfirmPerson {
                id_document,
                person,
                ticket,
                contraband_clear,
                ..
            },
            Event::PersonConfirmed { staff_id, .. },
        ) => Event::PersonConfirmed {
            staff_id,
            id_document: *id_document,
            person: *person,
            ticket: *ticket,
            contraband_clear: *contraband_clear,
        },
        (_, event) => event,
    }
}
