//! One attempt: the paper is drawn again, the steps and the answers are replayed through the same machines that the
//! terminal runs, and the answers are graded anew.

use super::books::OpenPackage;
use super::incoming::Received;
use super::ledger::Recorded;
use super::{Anomaly, CandidateResult, Desk, Status};
use crate::CenterError;
use fengjuan_core::attempt::{Attempt, AttemptPlan, AttemptState, Question};
use fengjuan_core::draw::{Paper, attempt_id, draw};
use fengjuan_core::event::{Event, HandInKind, Hash32};
use fengjuan_core::grading::grade;
use fengjuan_core::plan::{ClassGroup, ExamMs, Sitting};
use fengjuan_core::roster::Candidate;
use fengjuan_core::seat::{Seat, SeatRules, SeatState};
use fengjuan_core::start::TerminalStart;
use fengjuan_wire::bundle::Outcome;
use fengjuan_wire::order::OrderKind;
use std::collections::BTreeSet;

const MINUTE_MS: i64 = 60_000;

impl Desk<'_> {
    /// Fills the line of an attempt.
    pub(super) fn examine(
        &mut self,
        received: &Received,
        events: &[Recorded],
        line: &mut CandidateResult,
    ) -> Result<(), CenterError> {
        let bundle = &received.bundle;
        let mut found = Vec::new();
        let examined = self.books.version(bundle.version).and_then(|book| {
            let sitting = &book.document.sitting;
            let (class, package) = (
                sitting.class_group(&bundle.class_no)?,
                book.packages.get(&bundle.class_no)?,
            );
            let candidate = package
                .roster
                .iter()
                .find(|candidate| candidate.ticket_no == bundle.ticket_no);
            let Some(candidate) = candidate else {
                found.push(Anomaly::severe("results.wrong_class"));
                return None;
            };
            let examination = Examination {
                received,
                events,
                sitting,
                class,
                package,
                candidate,
                postponed_ms: self.postponed_ms(),
            };
            examination.run(line, &mut found);
            Some(())
        });
        if examined.is_none() || line.grade.is_none() {
            line.status = Status::ToReview;
        }
        for anomaly in found {
            self.report(
                anomaly
                    .ticket(&bundle.ticket_no)
                    .device(&received.device.name),
            );
        }
        self.check_steps(received, events);
        self.check_credits(received, events);
        Ok(())
    }

    fn postponed_ms(&self) -> i64 {
        let by = |kind: &OrderKind| {
            if let OrderKind::Postpone { by_ms } = kind {
                *by_ms
            } else {
                0
            }
        };
        self.orders.iter().map(|(_, order)| by(&order.kind)).sum()
    }

    /// The way to the seat, by the seat's own machine.
    fn check_steps(&mut self, received: &Received, events: &[Recorded]) {
        let bundle = &received.bundle;
        let Some(book) = self.books.version(bundle.version) else {
            return;
        };
        let mut rules = SeatRules::of(&book.document.sitting);
        let limit_ms = rules.late_limit_ms + self.postponed_ms();
        let late_order = |kind: &OrderKind| matches!(kind, OrderKind::LateEntry { ticket_no } if *ticket_no == bundle.ticket_no);
        rules.late_allowed = self.orders.iter().any(|(_, order)| late_order(&order.kind));
        rules.late_limit_ms = limit_ms;
        let mut seat = Seat::new(rules.clone());
        let mut confirmed = false;
        let mut wrong = BTreeSet::new();
        for recorded in events {
            let Some(now) = recorded.exam_ms else {
                continue;
            };
            if matches!(recorded.event, Event::Postponed { .. }) {
                continue;
            }
            // Whoever sits down anew begins a new visit, as long as nothing was answered.
            let fresh =
                matches!(recorded.event, Event::Identified { .. }) && before_start(seat.state());
            if fresh {
                seat = Seat::new(rules.clone());
            }
            confirmed |= matches!(recorded.event, Event::PersonConfirmed { .. });
            if matches!(recorded.event, Event::AttemptStarted { .. }) && !confirmed {
                wrong.insert("results.unconfirmed");
            }
            if seat.apply(&recorded.event, now).is_err() {
                wrong.insert("results.seat_order");
            }
        }
        let arrival_ms = seat.arrival_ms();
        let report = |anomaly: Anomaly| {
            anomaly
                .ticket(&bundle.ticket_no)
                .device(&received.device.name)
        };
        for code in wrong {
            self.report(report(Anomaly::severe(code)));
        }
        if arrival_ms.is_some_and(|arrival_ms| arrival_ms > limit_ms) {
            self.report(report(Anomaly::note("results.late_entry")));
        }
    }

    /// Credits and postponements against the orders that the center gave.
    fn check_credits(&mut self, received: &Received, events: &[Recorded]) {
        let ticket_no = received.bundle.ticket_no.as_str();
        for recorded in events {
            let anomaly = match &recorded.event {
                Event::TimeCredited {
                    credit_ms,
                    by,
                    reason,
                    order,
                } => {
                    self.check_order(*order, Some(ticket_no), &received.device.name);
                    let named = self.order_named(*order);
                    let detail = format!("{} s · {by} · {named} · {reason}", credit_ms / 1000);
                    Anomaly::note("results.credited").detail(detail)
                }
                Event::Postponed { by_ms, order, .. } => {
                    self.check_order(*order, Some(ticket_no), &received.device.name);
                    let detail = format!("{} s · {}", by_ms / 1000, self.order_named(*order));
                    Anomaly::note("results.postponed").detail(detail)
                }
                Event::OutageDecided {
                    outage_no,
                    credit_ms,
                    staff_id,
                    reason,
                    ..
                } => Anomaly::note("results.outage_decided").detail(format!(
                    "№{outage_no} {} s · {staff_id} · {reason}",
                    credit_ms / 1000
                )),
                Event::OutageRecorded {
                    cause,
                    from_ms,
                    to_ms,
                    ..
                } => Anomaly::note("results.outage")
                    .detail(format!("{cause:?} {} s", (to_ms - from_ms) / 1000)),
                Event::HandedIn {
                    kind: HandInKind::Forced,
                    reason,
                    ..
                } => Anomaly::note("results.forced").detail(reason.clone().unwrap_or_default()),
                Event::Removed { reason, .. } => {
                    Anomaly::severe("results.removed").detail(reason.clone())
                }
                Event::Reopened { reason, order, .. } => {
                    let ordered = self.reopening_order(*order, ticket_no);
                    Anomaly::note("results.reopened").detail(format!("{reason} · {ordered}"))
                }
                Event::FocusLost {} => Anomaly::note("results.focus_lost"),
                Event::DisplaysChanged { count } => {
                    Anomaly::note("results.displays_changed").detail(count.to_string())
                }
                _ => continue,
            };
            self.report(anomaly.ticket(ticket_no).device(&received.device.name));
        }
    }

    /// The order that an attempt was opened again by, or that came for it afterwards.
    fn reopening_order(&self, order: Option<Hash32>, ticket_no: &str) -> String {
        let of_them = |kind: &OrderKind| matches!(kind, OrderKind::Reopen { ticket_no: one } if one == ticket_no);
        let mut orders = self.orders.iter();
        let later = orders.find(|(_, order)| of_them(&order.kind));
        self.order_named(order.or(later.map(|(hash, _)| *hash)))
    }

    /// The order's number, or a dash where staff of the site decided.
    pub(super) fn order_named(&self, order: Option<Hash32>) -> String {
        let Some(hash) = order else {
            return "—".to_owned();
        };
        let known = self.orders.iter().find(|(known, _)| *known == hash);
        known.map_or_else(|| hash.hex(), |(_, order)| order.order_no.clone())
    }

    pub(super) fn check_order(
        &mut self,
        order: Option<Hash32>,
        ticket_no: Option<&str>,
        device: &str,
    ) {
        let anomaly = match order {
            None => Anomaly::note("results.unordered_credit"),
            Some(hash) if self.orders.iter().any(|(known, _)| *known == hash) => return,
            Some(_) => Anomaly::severe("results.unknown_order"),
        };
        let anomaly = anomaly.device(device);
        self.report(match ticket_no {
            Some(ticket_no) => anomaly.ticket(ticket_no),
            None => anomaly,
        });
    }

    /// The outcome that the bundle states must be the one that its entries show.
    pub(super) fn check_outcome(&mut self, received: &Received, events: &[Recorded]) {
        let shows =
            |wanted: fn(&Event) -> bool| events.iter().any(|recorded| wanted(&recorded.event));
        let right = match received.bundle.outcome {
            Outcome::Attempted { .. } => {
                shows(|event| matches!(event, Event::AttemptStarted { .. }))
            }
            Outcome::Absent {} => {
                !shows(|event| matches!(event, Event::Identified { .. } | Event::Arrived { .. }))
            }
            Outcome::ArrivedNotSeated {} => {
                shows(|event| matches!(event, Event::ArrivedNotSeated { .. }))
            }
            Outcome::NotAdmitted {} => shows(|event| matches!(event, Event::NotAdmitted { .. })),
            Outcome::LateRefused {} => shows(|event| matches!(event, Event::LateRefused { .. })),
        };
        if !right {
            let anomaly = Anomaly::severe("results.outcome").ticket(&received.bundle.ticket_no);
            self.report(anomaly.device(&received.device.name));
        }
    }
}

fn before_start(state: SeatState) -> bool {
    use SeatState::*;
    matches!(
        state,
        Standby
            | Identified
            | Pictured
            | Confirmed
            | Tutorial
            | Waiting
            | LateRefused
            | NotAdmitted
    )
}

struct Examination<'a> {
    received: &'a Received,
    events: &'a [Recorded],
    sitting: &'a Sitting,
    class: &'a ClassGroup,
    package: &'a OpenPackage,
    candidate: &'a Candidate,
    postponed_ms: i64,
}

impl Examination<'_> {
    fn run(&self, line: &mut CandidateResult, found: &mut Vec<Anomaly>) {
        let started = self
            .events
            .iter()
            .find_map(|recorded| match &recorded.event {
                Event::AttemptStarted {
                    paper,
                    started_ms,
                    ends_ms,
                    ..
                } => Some((*paper, *started_ms, *ends_ms)),
                _ => None,
            });
        let Some((paper_hash, started_ms, ends_ms)) = started else {
            found.push(Anomaly::severe("results.no_start"));
            return;
        };
        line.started_ms = Some(started_ms);
        let Some(paper) = self.draw(paper_hash, found) else {
            return;
        };
        let Some(questions) = Question::of_paper(&paper, &self.package.index) else {
            found.push(Anomaly::severe("results.wrong_paper"));
            return;
        };
        let start = self.terminal_start(started_ms, ends_ms, found);
        let id = attempt_id(
            &self.sitting.sitting_no,
            &self.candidate.ticket_no,
            self.class.attempt_no,
        );
        if self.received.bundle.attempt_id != id
            || self.received.bundle.attempt_no != self.class.attempt_no
        {
            found.push(Anomaly::severe("results.entry_foreign"));
        }
        let accommodation = &self.candidate.accommodation;
        let plan = AttemptPlan::new(
            id,
            self.sitting,
            self.class,
            accommodation,
            &start,
            questions,
            started_ms,
        );
        let timed = self
            .events
            .iter()
            .filter_map(|recorded| Some((&recorded.event, recorded.exam_ms?)));
        match Attempt::replay(plan, timed) {
            Ok(attempt) => self.judge(&attempt, &paper, line, found),
            Err(error) => found.push(Anomaly::severe("results.replay").detail(error.code())),
        }
    }

    fn draw(&self, recorded: Hash32, found: &mut Vec<Anomaly>) -> Option<Paper> {
        let seed = &self.package.keys.draw_seed;
        let (sitting_no, ticket_no) = (&self.sitting.sitting_no, &self.candidate.ticket_no);
        let paper = draw(
            &self.package.index,
            &self.class.blueprint,
            seed,
            sitting_no,
            ticket_no,
            self.class.attempt_no,
        );
        match paper {
            Ok(paper) if paper.hash() == recorded => Some(paper),
            _ => {
                found.push(Anomaly::severe("results.wrong_paper"));
                None
            }
        }
    }

    /// When the terminal was started follows from the recorded end; it must lie within the plan.
    fn terminal_start(
        &self,
        started_ms: ExamMs,
        ends_ms: ExamMs,
        found: &mut Vec<Anomaly>,
    ) -> TerminalStart {
        let minutes = i64::from(self.class.minutes_for(&self.candidate.accommodation));
        let start = TerminalStart {
            planned_ms: self.sitting.start_ms + self.postponed_ms,
            started_ms: ends_ms.saturating_sub(minutes * MINUTE_MS),
        };
        let limit_ms = i64::from(self.sitting.entry.start_delay_limit_min) * MINUTE_MS;
        let moved_ms = start.started_ms.saturating_sub(self.sitting.start_ms);
        if !(0..=limit_ms + self.postponed_ms).contains(&moved_ms) {
            found.push(
                Anomaly::severe("results.start_outside").detail(format!("{} s", moved_ms / 1000)),
            );
        } else if moved_ms != 0 {
            found.push(
                Anomaly::note("results.started_late").detail(format!("{} s", moved_ms / 1000)),
            );
        }
        if started_ms < start.started_ms {
            found.push(Anomaly::severe("results.end_wrong"));
        }
        start
    }

    fn judge(
        &self,
        attempt: &Attempt,
        paper: &Paper,
        line: &mut CandidateResult,
        found: &mut Vec<Anomaly>,
    ) {
        match attempt.state() {
            AttemptState::HandedIn { at_ms, .. } => line.handed_in_ms = Some(at_ms),
            _ => found.push(Anomaly::severe("results.not_handed_in")),
        }
        let minutes = i64::from(self.class.minutes_for(&self.candidate.accommodation));
        let moved_ms = attempt.ends_ms() - (self.sitting.start_ms + minutes * MINUTE_MS);
        if moved_ms != 0 {
            found.push(
                Anomaly::note("results.end_moved").detail(format!("{:+} s", moved_ms / 1000)),
            );
        }
        if attempt.undecided().is_some() {
            found.push(Anomaly::note("results.outage_undecided"));
        }
        match grade(
            paper,
            &self.package.index,
            &self.class.blueprint,
            &self.package.answers,
            &attempt.chosen(),
        ) {
            Ok(grade) => {
                self.compare_scores(grade.total_half_points, line.site_half_points, found);
                line.grade = Some(grade);
            }
            Err(error) => found.push(Anomaly::severe("results.not_graded").detail(error.code())),
        }
    }

    fn compare_scores(&self, ours: u32, in_bundle: Option<u32>, found: &mut Vec<Anomaly>) {
        let recorded = self
            .events
            .iter()
            .rev()
            .find_map(|recorded| match recorded.event {
                Event::SiteGraded { half_points, .. } => Some(half_points),
                _ => None,
            });
        for theirs in [in_bundle, recorded]
            .into_iter()
            .flatten()
            .filter(|theirs| *theirs != ours)
        {
            let detail = format!("{} / {}", f64::from(theirs) / 2.0, f64::from(ours) / 2.0);
            found.push(Anomaly::severe("results.score_differs").detail(detail));
        }
    }
}
