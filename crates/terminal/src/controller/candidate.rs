//! What the candidate does. Nothing here can credit time, open a paper or confirm a person.

use super::day::ChosenTextSize;
use super::state::{HandInStep, State, Surface, Visit};
use crate::checkin::{self, CheckInError};
use crate::view::action::CandidateAction;
use crate::view::candidate::{CameraView, ConfirmReason};
use fengjuan_core::attempt::Input;
use fengjuan_core::event::Event;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::roster::{Candidate, TextSize};
use fengjuan_core::seat::SeatState;
use fengjuan_device::recorder::CANDIDATE;
use fengjuan_device::refusal::{Answer, refused};
use fengjuan_store::Change;

/// What is left to do outside the lock.
pub(super) enum After {
    Nothing,
    TakePicture,
}

/// Practice questions of the page.
const TUTORIAL_STEPS: u32 = 3;

impl State {
    pub(super) fn candidate(
        &mut self,
        action: CandidateAction,
        camera: CameraView,
    ) -> Answer<After> {
        let now = self.now();
        if self.surface != Surface::Candidate {
            return Err(refused("seat.staff_at_work"));
        }
        match action {
            CandidateAction::TakePicture {} => return self.ask_for_picture(),
            CandidateAction::Begin {} => self.begin(now)?,
            CandidateAction::Leave {} => self.leave()?,
            CandidateAction::Identify { number } => self.identify(&number, camera, now)?,
            CandidateAction::NotMe {} => self.call_staff(ConfirmReason::CandidateSaysNotMe)?,
            CandidateAction::CameraTrouble {} => self.call_staff(ConfirmReason::CameraTrouble)?,
            CandidateAction::AgreeRules {} => self.step(Event::RulesAgreed {}, now)?,
            CandidateAction::TutorialStep { step } => self.tutorial_step(step)?,
            CandidateAction::TutorialDone { skipped } => {
                self.step(Event::TutorialDone { skipped }, now)?;
            }
            CandidateAction::Choose { position, option } => self.choose(position, option, now)?,
            CandidateAction::Flag { position, on } => {
                self.exam_input(Input::Flag { position, on }, now)?;
            }
            CandidateAction::Show { position } => {
                self.exam_input(Input::Show { position }, now)?;
                self.hand_in_step(HandInStep::Exam)?;
            }
            CandidateAction::TextSize { size } => self.choose_text_size(size)?,
            CandidateAction::CheckHandIn {} => self.hand_in_step(HandInStep::Check)?,
            CandidateAction::ConfirmHandIn {} => self.hand_in_step(HandInStep::Confirm)?,
            CandidateAction::BackToExam {} => self.hand_in_step(HandInStep::Exam)?,
            CandidateAction::HandIn {} => self.hand_in(now)?,
            CandidateAction::Done {} => self.done()?,
        }
        Ok(After::Nothing)
    }

    fn begin(&mut self, now: ExamMs) -> Answer {
        if self.visit.is_some() {
            return Err(refused("seat.taken"));
        }
        self.choose_sitting()?;
        let Some(active) = &self.active else {
            return Err(CheckInError::NothingHeld.into());
        };
        let opens_ms = active.entry_opens_ms();
        if now < opens_ms {
            return Err(CheckInError::EntryNotOpen { opens_ms }.into());
        }
        if active.over(now) {
            return Err(CheckInError::Over.into());
        }
        self.identifying = true;
        Ok(())
    }

    /// Back to standby while nobody has been confirmed yet.
    fn leave(&mut self) -> Answer {
        let Some(visit) = &self.visit else {
            self.identifying = false;
            return Ok(());
        };
        let ticket_no = visit.ticket_no.clone();
        match self.seat_state(&ticket_no) {
            Some(SeatState::Standby | SeatState::Identified) => self.close_visit(),
            _ => Err(refused("seat.out_of_order")),
        }
    }

    pub(super) fn seat_state(&self, ticket_no: &str) -> Option<SeatState> {
        let seat = self.active.as_ref()?.seats.get(ticket_no)?;
        Some(seat.seat.state())
    }

    fn identify(&mut self, typed: &str, camera: CameraView, now: ExamMs) -> Answer {
        if self.visit.is_some() || !self.identifying {
            return Err(refused("seat.out_of_order"));
        }
        let number = checkin::normalise_number(typed);
        let candidate = self.expected(&number, now)?;
        let active = self.active()?;
        let event = Event::Identified {
            sitting_no: active.sitting_no().to_owned(),
            ticket_hash: active.ticket_hash(&candidate.ticket_no),
            seat_no: self.seat_no().unwrap_or_else(|| active.seat_of(&candidate)),
        };
        self.visit = Some(Visit {
            camera,
            ..Visit::new(&candidate.ticket_no, candidate.accommodation.text_size)
        });
        let remembered = self.open_visit().and_then(|open| open.put());
        let recorded = remembered.map_err(Into::into).and_then(|projection| {
            self.record_seat(
                CANDIDATE,
                &candidate.ticket_no,
                &[event],
                now,
                vec![projection],
            )
        });
        if recorded.is_err() {
            self.visit = None;
        } else {
            self.identifying = false;
        }
        recorded
    }

    /// The candidate who may sit down here under this number.
    fn expected(&self, number: &str, now: ExamMs) -> Result<Candidate, CheckInError> {
        let Some(active) = &self.active else {
            return Err(CheckInError::NothingHeld);
        };
        if active.roster.is_empty() {
            return Err(CheckInError::NoRoster);
        }
        let Some(candidate) = checkin::find(&active.roster, number) else {
            return Err(self
                .elsewhere(number)
                .unwrap_or(CheckInError::UnknownNumber));
        };
        let opens_ms = active.entry_opens_ms();
        if now < opens_ms {
            return Err(CheckInError::EntryNotOpen { opens_ms });
        }
        let here = self.seat_no();
        let theirs = active.seat_of(candidate);
        if here.is_some_and(|seat_no| seat_no != theirs) {
            return Err(CheckInError::OtherSeat { seat_no: theirs });
        }
        let Some(seat) = active.seats.get(&candidate.ticket_no) else {
            return Err(CheckInError::NoRoster);
        };
        if seat.is_fenced() {
            return Err(CheckInError::GoesOnElsewhere);
        }
        if self.class_ended(&candidate.ticket_no) {
            return Err(CheckInError::Over);
        }
        match seat.seat.state() {
            SeatState::HandedIn | SeatState::Sealed | SeatState::Receipted => {
                return Err(CheckInError::AlreadyHandedIn);
            }
            SeatState::NotAdmitted => return Err(CheckInError::NotAdmitted),
            SeatState::Absent => return Err(CheckInError::MarkedAbsent),
            SeatState::ArrivedNotSeated => return Err(CheckInError::MarkedNotSeated),
            _ => {}
        }
        if active.over(now) {
            return Err(CheckInError::Over);
        }
        let arrival_ms = seat.stamped().map_or(now, |(arrival_ms, _)| arrival_ms);
        let rules = seat.rules();
        if arrival_ms > rules.late_limit_ms && !rules.late_allowed {
            return Err(CheckInError::Late {
                arrival_ms,
                limit_ms: rules.late_limit_ms,
            });
        }
        Ok(candidate.clone())
    }

    /// Another held sitting whose roster has this number.
    fn elsewhere(&self, number: &str) -> Option<CheckInError> {
        let active = self.active.as_ref()?;
        let others = self.shared.outward.held().into_iter().filter(|held| {
            !held.superseded && held.document.sitting.sitting_no != active.sitting_no()
        });
        for held in others {
            let sitting = &held.document.sitting;
            let found = CheckInError::OtherSitting {
                sitting_no: sitting.sitting_no.clone(),
                start_ms: sitting.start_ms,
            };
            let roster = super::active::Active::load(held, &self.shared.keys, &self.reader).ok()?;
            if checkin::find(&roster.roster, number).is_some() {
                return Some(found);
            }
        }
        None
    }

    fn call_staff(&mut self, why: ConfirmReason) -> Answer {
        let ticket_no = self.visit()?.ticket_no.clone();
        if self.seat_state(&ticket_no) != Some(SeatState::Identified) {
            return Err(refused("seat.out_of_order"));
        }
        self.visit_mut()?.why = why;
        Ok(())
    }

    fn step(&mut self, event: Event, now: ExamMs) -> Answer {
        let ticket_no = self.visit()?.ticket_no.clone();
        self.record_seat(CANDIDATE, &ticket_no, &[event], now, Vec::new())
    }

    fn tutorial_step(&mut self, step: u32) -> Answer {
        if step >= TUTORIAL_STEPS {
            return Err(refused("seat.out_of_order"));
        }
        self.visit_mut()?.tutorial_step = step;
        Ok(())
    }

    fn choose(&mut self, position: u32, option: u8, now: ExamMs) -> Answer {
        let run = self
            .run
            .as_ref()
            .ok_or_else(|| refused("attempt.not_started"))?;
        let chosen = run
            .after_click(position, option)
            .ok_or_else(|| refused("attempt.no_such_option"))?;
        self.exam_input(Input::Choose { position, chosen }, now)
    }

    fn exam_input(&mut self, input: Input, now: ExamMs) -> Answer {
        self.drive(CANDIDATE, input, now)
    }

    fn hand_in_step(&mut self, step: HandInStep) -> Answer {
        if self.run.is_none() {
            return Err(refused("attempt.not_started"));
        }
        self.visit_mut()?.hand_in = step;
        Ok(())
    }

    fn hand_in(&mut self, now: ExamMs) -> Answer {
        if self.visit()?.hand_in != HandInStep::Confirm {
            return Err(refused("seat.out_of_order"));
        }
        self.exam_input(Input::HandIn, now)
    }

    /// After the result, or after "not admitted": the seat is free for the next person.
    fn done(&mut self) -> Answer {
        let ticket_no = self.visit()?.ticket_no.clone();
        let over = self.active()?.seats.get(&ticket_no).is_some_and(|seat| {
            let late = seat.seat.state() == SeatState::LateRefused;
            seat.finished() || late || seat.is_fenced()
        });
        if over {
            self.close_visit()
        } else {
            Err(refused("seat.out_of_order"))
        }
    }

    /// Kept beside the ledger: after a restart the page looks as it did.
    fn choose_text_size(&mut self, size: TextSize) -> Answer {
        self.visit_mut()?.text_size = size;
        let attempt_id = self.open_visit()?.attempt_id;
        let chosen = ChosenTextSize { attempt_id, size }.put()?;
        self.commit(Change::default().project(chosen))
    }

    /// The text size that the center approved, for a candidate who is not here yet.
    pub(super) fn text_size(&self) -> TextSize {
        self.visit
            .as_ref()
            .map_or(TextSize::Standard, |visit| visit.text_size)
    }
}
