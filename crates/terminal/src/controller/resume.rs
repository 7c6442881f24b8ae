//! Finding the way back: which sitting is worked on, who sits here, and an open attempt after the program or the machine
//! has stopped.

use super::active::{self, Active};
use super::day::{ChosenTextSize, OpenVisit, OrderedTime, Pause, SittingDay};
use super::state::{HandInStep, State, Surface, Visit};
use crate::sitting_run::{Basis, Run};
use fengjuan_core::attempt::Input;
use fengjuan_core::event::{Event, OutageCause};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::seat::SeatState;
use fengjuan_device::papers::HeldPapers;
use fengjuan_device::recorder::{CENTER, SYSTEM, staff};
use fengjuan_device::refusal::{Answer, refused};
use fengjuan_store::{Change, StoreError};

impl State {
    /// Looks which sitting to work on. Never moves away from somebody who sits here.
    ///
    /// # Errors
    /// Storage errors.
    pub(super) fn choose_sitting(&mut self) -> Result<(), StoreError> {
        // What a command has changed of the day is not in the store before the whole command is.
        if self.visit.is_some() || self.staged.is_some() {
            return Ok(());
        }
        let held = self.shared.outward.held();
        self.held_revision = self.shared.outward.held_revision();
        let now = self.now();
        let reader = &self.reader;
        let day = |sitting_no: &str| SittingDay::load(reader, sitting_no).unwrap_or_default();
        let chosen = active::choose(&held, self.chosen.as_deref(), now, day).cloned();
        let same = match (&chosen, &self.active) {
            (Some(held), Some(active)) => {
                let state = |held: &HeldPapers| {
                    let packages = held.packages.iter();
                    packages.map(|package| package.state).collect::<Vec<_>>()
                };
                held.document_hash == active.held.document_hash
                    && held.grant == active.held.grant
                    && held.superseded == active.held.superseded
                    && state(held) == state(&active.held)
            }
            (None, None) => true,
            _ => false,
        };
        if same {
            return Ok(());
        }
        let loaded = match chosen {
            Some(held) => Some(Active::load(held, &self.shared.keys, &self.reader)?),
            None => None,
        };
        self.active = loaded;
        let keep = match (&self.unlocked, &self.active) {
            (Some(unlocked), Some(active)) => {
                unlocked.sitting_no == active.sitting_no()
                    && unlocked.version == active.sitting().version
            }
            _ => false,
        };
        if !keep {
            self.unlocked = None;
        }
        Ok(())
    }

    /// At open: the person who sat here when the program stopped, and an attempt that stands still since then.
    ///
    /// # Errors
    /// Storage errors.
    pub(super) fn restore_visit(&mut self, last_tick_ms: Option<ExamMs>) -> Result<(), StoreError> {
        let Some(open) = OpenVisit::load(&self.reader)? else {
            return Ok(());
        };
        let held = self.shared.outward.held().into_iter().find(|held| {
            let sitting = &held.document.sitting;
            sitting.sitting_no == open.sitting_no && sitting.version == open.version
        });
        let Some(held) = held else {
            tracing::error!("the sitting of the open seat is not held any more");
            return Ok(());
        };
        let active = Active::load(held, &self.shared.keys, &self.reader)?;
        let attempt_id = open.attempt_id;
        let ticket_no = active
            .seats
            .iter()
            .find(|(_, seat)| seat.attempt_id == attempt_id)
            .map(|(ticket_no, _)| ticket_no.clone());
        let standing = ticket_no
            .as_ref()
            .and_then(|ticket_no| active.seats.get(ticket_no))
            .map(|seat| (seat.seat.state(), seat.open()));
        self.active = Some(active);
        let (Some(ticket_no), Some((state, open))) = (ticket_no, standing) else {
            tracing::error!("nobody on the roster has the open seat");
            return Ok(());
        };
        if state == SeatState::Standby {
            return Ok(());
        }
        let text_size = self
            .active
            .as_ref()
            .and_then(|active| active.candidate(&ticket_no))
            .map(|candidate| candidate.accommodation.text_size)
            .unwrap_or_default();
        let text_size = ChosenTextSize::load(&self.reader, &attempt_id)?.unwrap_or(text_size);
        self.visit = Some(Visit::new(&ticket_no, text_size));
        if open {
            self.stand_still(last_tick_ms)?;
        }
        Ok(())
    }

    /// Remembers since when the open attempt stands still. A second stop before the code came does not shorten it.
    fn stand_still(&mut self, last_tick_ms: Option<ExamMs>) -> Result<(), StoreError> {
        let rebooted = !self.resumption.same_boot;
        let found = if rebooted {
            OutageCause::Power
        } else {
            OutageCause::Crash
        };
        let pause = match Pause::load(&self.reader)? {
            Some(pause) if rebooted => Pause {
                cause: OutageCause::Power,
                ..pause
            },
            Some(pause) => pause,
            None => Pause {
                cause: found,
                since_ms: last_tick_ms.unwrap_or_else(|| self.now()),
            },
        };
        self.pause = Some(pause);
        // Where storage refuses even this, the next open finds a later tick, which can only shorten the outage.
        let written = self.shared.recorder.writer().put(vec![pause.put()?]);
        if let Err(error) = written {
            tracing::error!(code = error.code(), "the pause could not be kept");
        }
        Ok(())
    }

    /// After the code: the open attempt is on the screen again, with its outage recorded.
    ///
    /// # Errors
    /// Why the attempt cannot go on; it stays suspended.
    pub(super) fn take_up(&mut self, now: ExamMs) -> Answer {
        let Some(pause) = self.paused() else {
            return Ok(());
        };
        let ticket_no = self.visit()?.ticket_no.clone();
        let run = self.run_of(&ticket_no)?;
        let doubted = self.resumption.doubt_for(run.attempt.ends_ms()).is_some()
            && !self.shared.recorder.clock().is_anchored();
        let cause = if doubted {
            OutageCause::Clock
        } else {
            pause.cause
        };
        let input = Input::OutageFound {
            cause,
            from_ms: pause.since_ms,
            to_ms: now,
        };
        let effects = run.attempt.propose(input, now)?;
        self.run = Some(run);
        if let Err(refusal) = self.perform(SYSTEM, effects, now) {
            self.run = None;
            return Err(refusal);
        }
        // The outage is recorded; should this fail, a next stop measures from the pause again, and the attempt machine
        // counts no moment twice.
        let _ = self.commit(Change::default().project(Pause::remove()));
        self.pause = None;
        if let Some(visit) = &mut self.visit {
            visit.hand_in = HandInStep::Exam;
        }
        self.catch_up_orders(now)
    }

    /// Sits down: the visit is remembered with the event that begins it.
    pub(super) fn open_visit(&self) -> Result<OpenVisit, StoreError> {
        let missing = || StoreError::Encode {
            detail: "no seat to remember".to_owned(),
        };
        let active = self.active.as_ref().ok_or_else(missing)?;
        let visit = self.visit.as_ref().ok_or_else(missing)?;
        let seat = active.seats.get(&visit.ticket_no).ok_or_else(missing)?;
        Ok(OpenVisit {
            sitting_no: active.sitting_no().to_owned(),
            version: active.sitting().version,
            attempt_id: seat.attempt_id,
        })
    }

    /// The seat is free again.
    pub(super) fn close_visit(&mut self) -> Answer {
        self.commit(Change::default().project(OpenVisit::remove()))?;
        if let Some(visit) = self.visit.take() {
            self.leave_score(&visit.ticket_no);
        }
        self.identifying = false;
        self.surface = Surface::Candidate;
        self.choose_sitting()?;
        Ok(())
    }

    /// Whoever came and never began has nothing to seal, and must not keep the seat from the next sitting. What was
    /// recorded of the visit stays, and the center lists it.
    pub(super) fn free_unstarted(&mut self) -> Answer {
        let Some(visit) = &self.visit else {
            return Ok(());
        };
        let unstarted = self
            .seat_state(&visit.ticket_no)
            .is_some_and(State::unstarted);
        if !unstarted && self.fenced_visit().is_none() {
            return Ok(());
        }
        let surface = self.surface;
        self.close_visit()?;
        self.surface = surface;
        Ok(())
    }

    /// Starts the attempt of whoever waits here.
    pub(super) fn begin_attempt(&mut self, actor: &str, now: ExamMs) -> Answer {
        let ticket_no = self.visit()?.ticket_no.clone();
        if self.class_ended(&ticket_no) {
            return Err(refused("sitting.already_ended"));
        }
        let active = self.active()?;
        let unlocked = self
            .unlocked
            .as_ref()
            .ok_or_else(|| refused("start.not_unlocked"))?;
        let unknown = || refused("desk.unknown_ticket");
        let candidate = active.candidate(&ticket_no).ok_or_else(unknown)?;
        let start = active
            .day
            .start
            .ok_or_else(|| refused("attempt.not_started"))?;
        let package = active
            .package_hash(&candidate.class_no)
            .ok_or_else(unknown)?;
        let basis = Basis {
            sitting: active.sitting(),
            candidate,
            unlocked,
            start: &start,
        };
        let mut run = Run::prepare(&basis, now).map_err(|error| {
            tracing::error!(code = error.code(), "{error}");
            refused(error.code())
        })?;
        if now >= run.attempt.ends_ms() {
            return Err(refused("start.no_time_left"));
        }
        let event = run.started_event(package);
        let mut day = active.day.clone();
        day.attempted = true;
        let sitting_no = active.sitting_no().to_owned();
        self.record_seat(
            actor,
            &ticket_no,
            std::slice::from_ref(&event),
            now,
            vec![day.put(&sitting_no)?],
        )?;
        self.active_mut()?.day = day;
        run.attempt.commit(&event, now)?;
        self.run = Some(run);
        self.surface = Surface::Candidate;
        if let Some(visit) = &mut self.visit {
            visit.hand_in = HandInStep::Exam;
            visit.picture = None;
        }
        self.drive(SYSTEM, Input::Show { position: 0 }, now)?;
        self.catch_up_orders(now)
    }

    /// Time that was ordered or given before the attempt began, or while it stood still.
    fn catch_up_orders(&mut self, now: ExamMs) -> Answer {
        let (Some(run), Some(active)) = (&self.run, &self.active) else {
            return Ok(());
        };
        let carried_out = active
            .seats
            .get(&run.ticket_no)
            .map(|seat| seat.moved_by.as_slice())
            .unwrap_or_default();
        let ticket_no = run.ticket_no.clone();
        let ticket = active.ticket_hash(&ticket_no);
        let class_no = &run.class.class_no;
        let ordered = active.day.ordered_for(&ticket, class_no, carried_out);
        for time in ordered {
            self.give(&ticket_no, &time, now)?;
        }
        Ok(())
    }

    /// One such time; the entry names what gave it.
    fn give(&mut self, ticket_no: &str, time: &OrderedTime, now: ExamMs) -> Answer {
        let actor = if time.pending {
            staff(&time.by)
        } else {
            CENTER.to_owned()
        };
        let given = self.drive_with(&actor, ticket_no, time.input(), now, Vec::new());
        match given {
            Ok(()) => {}
            // A credit that the room gave and this attempt has no place for takes nothing away from it.
            Err(refusal) if time.pending && self.trouble.is_none() => {
                tracing::warn!(code = refusal.code, "time that the room gave does not fit");
            }
            Err(refusal) => return Err(refusal),
        }
        Ok(())
    }

    /// Sits the owner of a handed-in attempt down again.
    pub(super) fn seat_again(&mut self, ticket_no: &str) -> Answer {
        let active = self.active()?;
        let candidate = active
            .candidate(ticket_no)
            .ok_or_else(|| refused("desk.unknown_ticket"))?;
        self.visit = Some(Visit::new(ticket_no, candidate.accommodation.text_size));
        let open = self.open_visit()?;
        self.commit(Change::default().project(open.put()?))?;
        self.identifying = false;
        self.surface = Surface::Candidate;
        Ok(())
    }

    /// Records that the whole terminal starts, unless it has.
    pub(super) fn start_terminal(&mut self, staff_id: &str, now: ExamMs) -> Answer {
        let active = self.active()?;
        if active.day.start.is_some() {
            return Ok(());
        }
        let start =
            fengjuan_core::start::start_terminal(active.sitting(), active.day.postponed_ms, now)?;
        let sitting_no = active.sitting_no().to_owned();
        let mut day = active.day.clone();
        day.start = Some(start);
        let event = Event::SittingStarted {
            sitting_no: sitting_no.clone(),
            staff_id: staff_id.to_owned(),
            planned_ms: start.planned_ms,
            started_ms: start.started_ms,
        };
        self.record(
            &fengjuan_device::recorder::staff(staff_id),
            event,
            vec![day.put(&sitting_no)?],
        )?;
        self.active_mut()?.day = day;
        Ok(())
    }
}
