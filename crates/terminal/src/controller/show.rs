//! The screen: which one it is, and what the candidate's screens show.

use super::held::Enrolment;
use super::state::{HandInStep, State, Surface, Visit};
use crate::sitting_run::Run;
use crate::view::candidate::*;
use crate::view::desk::LogInView;
use crate::view::{BrokenView, ClockTrust, ClockView, DeviceView, Notice, Screen, Tone, View};
use fengjuan_core::attempt::AttemptState;
use fengjuan_core::clock::ClockQuality;
use fengjuan_core::event::OutageCause;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::seat::SeatState;
use fengjuan_device::refusal::{With, notice};
use fengjuan_device::staff;
use std::collections::BTreeMap;

impl State {
    /// Everything that the window shows now.
    pub(super) fn view(&self) -> View {
        let now = self.now();
        let recorder = &self.shared.recorder;
        let trust = match recorder.clock().quality() {
            ClockQuality::Anchored => ClockTrust::Anchored,
            ClockQuality::CarriedOver => ClockTrust::Carried,
            ClockQuality::RtcFlagged { .. } => ClockTrust::Unverified,
        };
        View {
            revision: self.revision,
            screen: self.screen(now),
            clock: ClockView {
                exam_ms: now,
                utc_offset_min: recorder.machine().utc_offset_min(),
                trust,
            },
            device: self.device_view(),
            banner: self.banner(now),
        }
    }

    fn device_view(&self) -> DeviceView {
        let active = self.active.as_ref();
        let (device_name, site) = self.shared.outward.device();
        let unsent = self
            .reader
            .unsent_objects()
            .map_or(0, |objects| objects.len());
        DeviceView {
            device_name,
            site,
            room_name: active
                .map(|active| active.sitting().room_name.clone())
                .unwrap_or_default(),
            seat_no: self.seat_no(),
            link: self.shared.outward.link(),
            unsent: u32::try_from(unsent).unwrap_or(u32::MAX),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    fn screen(&self, now: ExamMs) -> Screen {
        match self.surface {
            Surface::LogIn => return Screen::LogIn(self.log_in_view(now)),
            Surface::Desk => return Screen::Desk(self.desk_view(now)),
            Surface::Candidate => {}
        }
        if let Enrolment::Open(enrol) = self.shared.outward.enrolment()
            && self.active.is_none()
        {
            return Screen::Enrol(*enrol);
        }
        if let Some(visit) = &self.visit {
            return self
                .visit_screen(visit, now)
                .unwrap_or_else(|| broken("view.inconsistent"));
        }
        if self.identifying
            && let Some(active) = &self.active
        {
            return Screen::Identify(IdentifyView {
                room_name: active.sitting().room_name.clone(),
                sitting_name: active.sitting().plan.name.clone(),
            });
        }
        Screen::Standby(self.standby_view(now))
    }

    fn log_in_view(&self, now: ExamMs) -> LogInView {
        LogInView {
            staff: self.staff_where(|_| true),
            locked_until_ms: self.last_slowed(now),
        }
    }

    pub(super) fn staff_where(
        &self,
        may: impl Fn(fengjuan_core::plan::Role) -> bool,
    ) -> Vec<StaffName> {
        let Some(active) = &self.active else {
            return Vec::new();
        };
        staff::everyone(active.sitting(), &active.day.substitutes)
            .filter(|person| may(person.role))
            .map(staff::name)
            .collect()
    }

    fn standby_view(&self, now: ExamMs) -> StandbyView {
        let active = self.active.as_ref();
        let entry = match active {
            None => EntryState::NothingHeld,
            Some(active) if active.over(now) => EntryState::Over,
            Some(_) if self.seat_no().is_none() && self.station_decides() => EntryState::Spare,
            Some(active) if now < active.entry_opens_ms() => EntryState::NotOpenYet,
            Some(active) if now > active.late_limit_ms() => EntryState::Closed,
            Some(_) => EntryState::Open,
        };
        StandbyView {
            plan_name: active.map(|active| active.sitting().plan.name.clone()),
            room_name: active
                .map(|active| active.sitting().room_name.clone())
                .unwrap_or_default(),
            seat_no: self.seat_no(),
            start_ms: active.map(|active| active.planned_start_ms()),
            entry_opens_ms: active.map(|active| active.entry_opens_ms()),
            entry,
        }
    }

    /// Who sits here, as far as the screen may show. The name and the photo appear after identification only.
    pub(super) fn person_facts(&self, visit: &Visit) -> Option<PersonFacts> {
        let active = self.active.as_ref()?;
        let candidate = active.candidate(&visit.ticket_no)?;
        let class = active.sitting().class_group(&candidate.class_no)?;
        Some(PersonFacts {
            name: candidate.name.clone(),
            masked_id: candidate.masked_id(),
            ticket_no: candidate.ticket_no.clone(),
            seat_no: self.seat_no().unwrap_or(candidate.seat_no),
            subject: class.subject.clone(),
            class_name: class.name.clone(),
            attempt_type: class.attempt_type,
            photo_url: Some(format!(
                "paper://localhost/photo?of={}",
                &active.ticket_hash(&candidate.ticket_no).hex()[..16]
            )),
        })
    }

    fn visit_screen(&self, visit: &Visit, now: ExamMs) -> Option<Screen> {
        let active = self.active.as_ref()?;
        let seat = active.seats.get(&visit.ticket_no)?;
        let person = self.person_facts(visit)?;
        if let Some(since_ms) = self.fenced_visit() {
            return Some(Screen::Suspended(SuspendedView {
                person,
                cause: OutageCause::Device,
                needs_code: false,
                moved_away: true,
                since_ms,
            }));
        }
        Some(match seat.seat.state() {
            SeatState::Standby => return None,
            SeatState::Identified if visit.why == ConfirmReason::Usual => {
                Screen::Person(self.person_view(visit, person, now)?)
            }
            SeatState::Pictured if visit.retaking => {
                Screen::Person(self.person_view(visit, person, now)?)
            }
            SeatState::Identified | SeatState::Pictured => {
                Screen::StaffConfirm(self.staff_confirm_view(visit, person, now)?)
            }
            SeatState::Confirmed => Screen::Rules(RulesView {
                person,
                paragraphs: active.sitting().rules_text.clone(),
            }),
            SeatState::Tutorial => Screen::Tutorial(TutorialView {
                person,
                step: visit.tutorial_step,
                text_size: self.text_size(),
            }),
            SeatState::Waiting => Screen::Waiting(self.waiting_view(visit, person, now)?),
            SeatState::Answering => self.answering_screen(visit, person, now)?,
            SeatState::HandedIn | SeatState::Sealed | SeatState::Receipted => {
                Screen::HandedIn(self.handed_in_view(visit, person, now)?)
            }
            // Nobody is at a seat that nobody sat down at.
            SeatState::Absent | SeatState::ArrivedNotSeated => return None,
            SeatState::NotAdmitted => Screen::NotSitting(NotSittingView {
                outcome: NotSittingOutcome::NotAdmitted,
                seat_no: person.seat_no,
            }),
            SeatState::LateRefused => Screen::NotSitting(NotSittingView {
                outcome: NotSittingOutcome::LateRefused,
                seat_no: person.seat_no,
            }),
        })
    }

    fn person_view(&self, visit: &Visit, person: PersonFacts, now: ExamMs) -> Option<PersonView> {
        let seat = self.active.as_ref()?.seats.get(&visit.ticket_no)?;
        let stamped = seat.stamped();
        let arrival_ms = seat.seat.arrival_ms().unwrap_or(now);
        Some(PersonView {
            person,
            camera: visit.camera.clone(),
            taking: visit.taking,
            arrival: ArrivalView {
                arrival_ms,
                stamped: stamped.is_some(),
                late: arrival_ms > seat.rules().late_limit_ms,
            },
        })
    }

    fn staff_confirm_view(
        &self,
        visit: &Visit,
        person: PersonFacts,
        now: ExamMs,
    ) -> Option<StaffConfirmView> {
        let seat = self.active.as_ref()?.seats.get(&visit.ticket_no)?;
        let arrival_ms = seat.seat.arrival_ms().unwrap_or(now);
        Some(StaffConfirmView {
            person,
            picture_url: visit
                .picture
                .as_ref()
                .map(|_| format!("paper://localhost/checkin?r={}", self.revision)),
            pattern: visit.picture.is_some() && seat.pattern,
            why: visit.why,
            staff: self.staff_where(|role| role.may_confirm()),
            late: arrival_ms > seat.rules().late_limit_ms,
        })
    }

    fn waiting_view(&self, visit: &Visit, person: PersonFacts, now: ExamMs) -> Option<WaitingView> {
        let active = self.active.as_ref()?;
        let candidate = active.candidate(&visit.ticket_no)?;
        let class = active.sitting().class_group(&candidate.class_no)?;
        let planned_ms = active.planned_start_ms();
        let start_ms = match (active.day.start, &active.day.started_by) {
            (Some(start), Some(_)) => start.started_ms,
            _ => planned_ms,
        };
        Some(WaitingView {
            person,
            start_ms,
            minutes: class.minutes_for(&candidate.accommodation),
            unlocked: self.unlocked.is_some(),
            overdue: now > start_ms,
        })
    }

    fn answering_screen(&self, visit: &Visit, person: PersonFacts, now: ExamMs) -> Option<Screen> {
        let Some(run) = &self.run else {
            let pause = self.pause;
            return Some(Screen::Suspended(SuspendedView {
                person,
                cause: pause.map_or(OutageCause::Crash, |pause| pause.cause),
                needs_code: true,
                moved_away: false,
                since_ms: pause.map_or(now, |pause| pause.since_ms),
            }));
        };
        if self.clock_suspended() {
            let since_ms = run.attempt.undecided().map_or(now, |outage| outage.from_ms);
            return Some(Screen::Suspended(SuspendedView {
                person,
                cause: OutageCause::Clock,
                needs_code: false,
                moved_away: false,
                since_ms,
            }));
        }
        if let Some(since_ms) = run.attempt.paused_since() {
            return Some(Screen::Suspended(SuspendedView {
                person,
                cause: OutageCause::Staff,
                needs_code: false,
                moved_away: false,
                since_ms,
            }));
        }
        Some(match visit.hand_in {
            HandInStep::Exam => match self.exam_view(run, person, now) {
                Ok(exam) => Screen::Exam(exam),
                Err(error) => {
                    tracing::error!(code = error.code(), "{error}");
                    broken("paper.damaged")
                }
            },
            HandInStep::Check => Screen::HandInCheck(hand_in_view(run, person)),
            HandInStep::Confirm => Screen::HandInConfirm(hand_in_view(run, person)),
        })
    }

    fn exam_view(
        &self,
        run: &Run,
        person: PersonFacts,
        now: ExamMs,
    ) -> Result<ExamView, fengjuan_wire::WireError> {
        let stalled = matches!(
            run.attempt.state(),
            AttemptState::Suspended {
                cause: OutageCause::Storage
            }
        );
        Ok(ExamView {
            person,
            question: run.question()?,
            sheet: run.sheet(),
            sections: run.sections(),
            counts: run.counts(),
            ends_ms: run.attempt.ends_ms(),
            held_open: now >= run.attempt.ends_ms() && run.attempt.undecided().is_some(),
            may_leave_ms: run.attempt.earliest_leave_ms(),
            text_size: self.text_size(),
            storage_failed: stalled || self.trouble.is_some(),
            warn_minutes: run.warned.map(|(minutes, _)| minutes),
        })
    }

    fn handed_in_view(
        &self,
        visit: &Visit,
        person: PersonFacts,
        now: ExamMs,
    ) -> Option<HandedInView> {
        let active = self.active.as_ref()?;
        let seat = active.seats.get(&visit.ticket_no)?;
        let ended = seat.ended?;
        Some(HandedInView {
            person,
            kind: ended.kind,
            answered: ended.answered,
            unanswered: ended.unanswered,
            at_ms: ended.at_ms,
            sealed: seat.bundle.is_some(),
            receipted: self.receipted(&visit.ticket_no),
            score: self.shown_score(visit),
            needs_code: self.result_needs_code(visit, now),
        })
    }

    /// One calm sentence at most, the most important first.
    fn banner(&self, now: ExamMs) -> Option<Notice> {
        if self.trouble.is_some() {
            return Some(notice("banner.storage_failed", Tone::Red));
        }
        if let Some(run) = &self.run
            && self.surface == Surface::Candidate
        {
            if let Some((by_ms, _)) = run.moved {
                // To the nearest second, as the proctor's page says it.
                let seconds = (by_ms + 500).div_euclid(1000);
                let said = notice("banner.time_credited", Tone::Blue);
                return Some(said.with("seconds", seconds));
            }
            if self.moved_here.is_some() {
                return Some(notice("banner.moved_here", Tone::Blue));
            }
            if run.attempt.undecided().is_some() {
                return Some(notice("banner.outage_undecided", Tone::Amber));
            }
            let seats = self.active.as_ref().map(|active| &active.seats);
            let seat = seats.and_then(|seats| seats.get(&run.ticket_no));
            if let Some(cause) = seat.and_then(|seat| seat.snapshots.trouble()) {
                return Some(notice("banner.camera_lost", Tone::Amber).with("cause", cause));
            }
        }
        if self.hub_away() && self.surface == Surface::Candidate {
            return Some(notice("banner.hub_away", Tone::Blue));
        }
        let unverified = !self.shared.recorder.clock().is_anchored()
            && self.surface != Surface::Candidate
            && now > 0;
        unverified.then(|| notice("banner.clock_unverified", Tone::Amber))
    }
}

fn hand_in_view(run: &Run, person: PersonFacts) -> HandInView {
    let sheet = run.sheet();
    let positions = |which: fn(&SheetCell) -> bool| {
        (0u32..)
            .zip(&sheet)
            .filter(|(_, cell)| which(cell))
            .map(|(position, _)| position)
            .collect::<Vec<u32>>()
    };
    HandInView {
        person,
        counts: run.counts(),
        unanswered: positions(|cell| !cell.answered),
        flagged: positions(|cell| cell.flagged),
        sheet: sheet.clone(),
        ends_ms: run.attempt.ends_ms(),
        may_leave_ms: run.attempt.earliest_leave_ms(),
    }
}

fn broken(code: &str) -> Screen {
    Screen::Broken(BrokenView {
        code: code.to_owned(),
        args: BTreeMap::new(),
    })
}
