//! Commands about time, and about one attempt that began: postpone, credit, suspend, hand in, open again.

use super::day::{OrderedTime, Pending, SittingDay, Whom};
use super::obey::reason_of;
use super::owed::LOCKED;
use super::state::{HandInStep, State};
use crate::sitting_run::Run;
use fengjuan_core::attempt::Input;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::command::{Authority, Command, CommandBody, Scope};
use fengjuan_device::recorder::{CENTER, commanded};
use fengjuan_device::refusal::{Answer, refused};
use fengjuan_envelope::cbor;
use fengjuan_store::Change;

/// What was decided, where an order's hash would stand: the same at every machine of the room that was told, each by a
/// command of its own.
fn decision_of(command: &Command) -> Answer<Hash32> {
    let decision = Command {
        command_id: [0; 16],
        ..command.clone()
    };
    let bytes = cbor::to_vec(&decision).map_err(|_| refused("room.unknown_command"))?;
    Ok(fengjuan_wire::hash(&bytes))
}

impl State {
    pub(super) fn obey_about_time(&mut self, command: &Command, now: ExamMs) -> Answer {
        let by = command.by.clone();
        let reason = command.reason.clone();
        let second = command.second.clone().unwrap_or_default();
        match &command.body {
            CommandBody::Postpone {
                sitting_no,
                by_ms,
                authority,
            } => self.postpone(command, sitting_no, *by_ms, authority, now),
            CommandBody::Credit {
                scope,
                credit_ms,
                authority,
            } => self.credit(command, scope, *credit_ms, authority, now),
            CommandBody::LateEntry {
                ticket_hash,
                authority,
                ..
            } => self.let_in_late(command, ticket_hash, authority, now),
            CommandBody::Suspend { scope } => self.tell_scope(
                scope,
                &by,
                Input::StaffSuspend {
                    staff_id: by.clone(),
                    reason: reason_of(command),
                },
                now,
            ),
            CommandBody::Resume { scope } => {
                let input = Input::StaffResume {
                    staff_id: by.clone(),
                };
                self.tell_scope(scope, &by, input, now)
            }
            CommandBody::Remove { attempt } => {
                let input = Input::Remove {
                    staff_id: by.clone(),
                    second,
                    reason,
                };
                self.tell_attempt(attempt, &by, input, now)
            }
            CommandBody::ForceHandIn { attempt } => {
                let input = Input::ForceHandIn {
                    staff_id: by.clone(),
                    reason,
                };
                self.tell_attempt(attempt, &by, input, now)
            }
            CommandBody::DecideOutage {
                attempt,
                outage_no,
                credit_ms,
                cause,
            } => {
                let input = Input::OutageDecided {
                    outage_no: *outage_no,
                    credit_ms: *credit_ms,
                    cause: *cause,
                    staff_id: by.clone(),
                    reason,
                };
                self.tell_attempt(attempt, &by, input, now)
            }
            CommandBody::Reopen { attempt, authority } => {
                self.reopen(command, attempt, authority, now)
            }
            _ => Err(refused("room.unknown_command")),
        }
    }

    /// One attempt that must run here.
    fn tell_attempt(&mut self, attempt: &[u8; 16], by: &str, input: Input, now: ExamMs) -> Answer {
        let ticket_no = self
            .ticket_of(attempt)
            .ok_or_else(|| refused("room.unknown_attempt"))?;
        let runs = self.run.as_ref();
        if runs.is_some_and(|run| run.ticket_no == ticket_no) {
            return self.drive(&commanded(by), input, now);
        }
        let seat = self.active()?.seats.get(&ticket_no);
        Err(refused(match seat {
            Some(seat) if seat.is_fenced() => "lease.fenced",
            Some(seat) if seat.ended.is_some() => "attempt.already_handed_in",
            Some(seat) if seat.open() => LOCKED,
            _ => "attempt.not_started",
        }))
    }

    /// Whoever answers here and is meant; nobody is no refusal where the decision is for many.
    fn tell_scope(&mut self, scope: &Scope, by: &str, input: Input, now: ExamMs) -> Answer {
        if let Scope::Attempt { attempt } = scope {
            return self.tell_attempt(attempt, by, input, now);
        }
        match &self.run {
            Some(run) if meant(scope, run) => self.drive(&commanded(by), input, now),
            None if self.locked_attempt().is_some_and(|open| open.is_in(scope)) => {
                Err(refused(LOCKED))
            }
            _ => Ok(()),
        }
    }

    fn postpone(
        &mut self,
        command: &Command,
        sitting_no: &str,
        by_ms: i64,
        authority: &Authority,
        now: ExamMs,
    ) -> Answer {
        let mut day = self.day_of(sitting_no)?;
        let given = Given::by(command, authority)?;
        let time = Pending {
            whom: Whom::Postponed,
            ms: by_ms,
            cause: given.cause,
        };
        if !day.note_authority(authority, time) {
            return self.keep_day(sitting_no, day);
        }
        day.postpone(by_ms, now, |whom| OrderedTime {
            order: given.cause,
            ms: by_ms,
            reason: command.reason.clone(),
            by: command.by.clone(),
            whom,
            pending: !given.ordered,
            also: Vec::new(),
        });
        let here = self.here(sitting_no);
        let runs = self.run.as_ref().filter(|_| here);
        let runs = runs.is_some_and(|run| !self.has_had(&run.ticket_no, &given.cause));
        let projection = day.put(sitting_no)?;
        if here {
            self.active_mut()?.day = day;
        }
        let actor = match command.by.as_str() {
            "" => CENTER.to_owned(),
            by => commanded(by),
        };
        let (order, decision) = (given.order(), given.decision());
        if runs {
            self.commit(Change::default().project(projection))?;
            let input = Input::Postpone {
                by_ms,
                order,
                decision,
            };
            self.drive(&actor, input, now)?;
        } else {
            let event = Event::Postponed {
                sitting_no: sitting_no.to_owned(),
                by_ms,
                order,
                decision,
            };
            self.record(&actor, event, vec![projection])?;
        }
        if here {
            for seat in self.active_mut()?.seats.values_mut() {
                seat.postpone(by_ms);
            }
        }
        Ok(())
    }

    fn credit(
        &mut self,
        command: &Command,
        scope: &Scope,
        credit_ms: i64,
        authority: &Authority,
        now: ExamMs,
    ) -> Answer {
        let (sitting_no, whom) = self.whom(scope)?;
        let mut day = self.day_of(&sitting_no)?;
        let given = Given::by(command, authority)?;
        let time = Pending {
            whom: whom.clone(),
            ms: credit_ms,
            cause: given.cause,
        };
        if !day.note_authority(authority, time) {
            return self.keep_day(&sitting_no, day);
        }
        let time = OrderedTime {
            order: given.cause,
            ms: credit_ms,
            reason: command.reason.clone(),
            by: command.by.clone(),
            whom,
            pending: !given.ordered,
            also: Vec::new(),
        };
        day.keep(time);
        let runs = self.run.as_ref().filter(|run| meant(scope, run));
        let has_had = |run: &Run| self.has_had(&run.ticket_no, &given.cause);
        let goes_on = runs.is_some_and(|run| !has_had(run));
        self.keep_day(&sitting_no, day)?;
        if !goes_on {
            return Ok(());
        }
        let input = Input::Credit {
            credit_ms,
            by: command.by.clone(),
            reason: command.reason.clone(),
            order: given.order(),
            decision: given.decision(),
        };
        self.drive(&commanded(&command.by), input, now)
    }

    fn keep_day(&mut self, sitting_no: &str, day: SittingDay) -> Answer {
        self.commit(Change::default().project(day.put(sitting_no)?))?;
        if self.here(sitting_no) {
            self.active_mut()?.day = day;
        }
        Ok(())
    }

    /// Whether the attempt's entries, on whichever machine, name this order or decision.
    fn has_had(&self, ticket_no: &str, cause: &Hash32) -> bool {
        let seats = self.active.as_ref().map(|active| &active.seats);
        let seat = seats.and_then(|seats| seats.get(ticket_no));
        seat.is_some_and(|seat| seat.moved_by.contains(cause))
    }

    /// Whose time it is, as the day remembers it.
    fn whom(&self, scope: &Scope) -> Answer<(String, Whom)> {
        match scope {
            Scope::ClassGroup {
                sitting_no,
                class_no,
            } => Ok((sitting_no.clone(), Whom::ClassGroup(class_no.clone()))),
            Scope::Room { sitting_no } => Ok((sitting_no.clone(), Whom::Room)),
            Scope::Attempt { attempt } => {
                let unknown = || refused("room.unknown_attempt");
                let ticket_no = self.ticket_of(attempt).ok_or_else(unknown)?;
                let active = self.active()?;
                let seat = active.seats.get(&ticket_no).ok_or_else(unknown)?;
                if seat.is_fenced() {
                    return Err(refused("lease.fenced"));
                }
                if seat.ended.is_some() {
                    return Err(refused("attempt.already_handed_in"));
                }
                let whom = Whom::Ticket(active.ticket_hash(&ticket_no));
                Ok((active.sitting_no().to_owned(), whom))
            }
        }
    }

    fn let_in_late(
        &mut self,
        command: &Command,
        ticket_hash: &Hash32,
        authority: &Authority,
        now: ExamMs,
    ) -> Answer {
        let ticket_no = self.ticket_by_hash(ticket_hash)?;
        let active = self.active()?;
        let sitting_no = active.sitting_no().to_owned();
        let mut day = active.day.clone();
        if !day.late_allowed.contains(ticket_hash) {
            day.late_allowed.push(*ticket_hash);
        }
        let event = Event::LateEntryAllowed {
            sitting_no: sitting_no.clone(),
            ticket_hash: *ticket_hash,
            staff_id: command.by.clone(),
            order: authority.order(),
        };
        let projections = vec![day.put(&sitting_no)?];
        self.record_seat(
            &commanded(&command.by),
            &ticket_no,
            &[event],
            now,
            projections,
        )?;
        let active = self.active_mut()?;
        active.day = day;
        if let Some(seat) = active.seats.get_mut(&ticket_no) {
            seat.allow_late();
        }
        Ok(())
    }

    /// A mistaken hand-in: the same attempt goes on, with the same end.
    fn reopen(
        &mut self,
        command: &Command,
        attempt: &[u8; 16],
        authority: &Authority,
        now: ExamMs,
    ) -> Answer {
        let ticket_no = self
            .ticket_of(attempt)
            .ok_or_else(|| refused("room.unknown_attempt"))?;
        let sits = self.visit.as_ref();
        if sits.is_some_and(|visit| visit.ticket_no != ticket_no) {
            return Err(refused("seat.taken"));
        }
        let active = self.active()?;
        if active.day.ended_ms.is_some() {
            return Err(refused("sitting.already_ended"));
        }
        let seat = active
            .seats
            .get(&ticket_no)
            .ok_or_else(|| refused("room.unknown_attempt"))?;
        if seat.ended.is_none() {
            return Err(refused("attempt.not_handed_in"));
        }
        let run = self.run_of(&ticket_no)?;
        let score_shown = self.score_was_shown(&ticket_no)?;
        let input = Input::Reopen {
            staff_id: command.by.clone(),
            second: command.second.clone().unwrap_or_default(),
            reason: command.reason.clone(),
            order: authority.order(),
            score_shown,
        };
        let mut day = active.day.clone();
        day.orders_seen.extend(authority.order());
        let sitting_no = active.sitting_no().to_owned();
        match &mut self.visit {
            Some(visit) => visit.hand_in = HandInStep::Exam,
            None => self.seat_again(&ticket_no)?,
        }
        self.forget_score(&ticket_no);
        self.run = Some(run);
        self.commit(Change::default().project(day.put(&sitting_no)?))?;
        self.active_mut()?.day = day;
        self.drive(&commanded(&command.by), input, now)
    }

    fn here(&self, sitting_no: &str) -> bool {
        let active = self.active.as_ref();
        active.is_some_and(|active| active.sitting_no() == sitting_no)
    }

    pub(super) fn day_of(&self, sitting_no: &str) -> Answer<SittingDay> {
        match &self.active {
            Some(active) if active.sitting_no() == sitting_no => Ok(active.day.clone()),
            _ => Ok(SittingDay::load(&self.reader, sitting_no)?),
        }
    }
}

/// What gives time: an order of the center, or a decision of the room.
#[derive(Clone, Copy)]
struct Given {
    cause: Hash32,
    ordered: bool,
}

impl Given {
    fn by(command: &Command, authority: &Authority) -> Answer<Given> {
        let order = authority.order();
        let cause = match order {
            Some(order) => order,
            None => decision_of(command)?,
        };
        let ordered = order.is_some();
        Ok(Given { cause, ordered })
    }

    fn order(&self) -> Option<Hash32> {
        self.ordered.then_some(self.cause)
    }

    fn decision(&self) -> Option<Hash32> {
        (!self.ordered).then_some(self.cause)
    }
}

fn meant(scope: &Scope, run: &Run) -> bool {
    let sitting_no = &run.attempt.plan().sitting_no;
    scope.holds(&run.attempt_id(), sitting_no, &run.class.class_no)
}
