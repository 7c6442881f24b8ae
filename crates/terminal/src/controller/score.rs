//! The site's score (考试点评分). After hand-in the attempt is graded from its entries, where the plan releases the answers
//! here, and the score is recorded, sealed under the attempt key. Nothing readable of it is on a disk: after a stop of
//! the program it is found again when the code has opened that key, and until then the bundle waits for it.

use super::seats::SeatRecord;
use super::state::{State, Visit};
use crate::sitting_run::{Basis, Run, RunError};
use crate::view::candidate::{ScoreView, TypeScore};
use fengjuan_core::event::{Event, HandInKind};
use fengjuan_core::grading::{Grade, score_shown};
use fengjuan_core::plan::{AnswerRelease, ExamMs};
use fengjuan_core::seat::SeatState;
use fengjuan_device::recorder::SYSTEM;
use fengjuan_device::refusal::Answer;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_store::{Change, StoredEntry};
use fengjuan_wire::entry::Entry;

/// How long after the hand-in a bundle waits for the code that opens its score. After that the answers matter more: they
/// are sealed with what the ledger holds, and the center grades anyway.
const WAITS_FOR_CODE_MS: i64 = 60 * 60_000;

/// What grading an attempt from its entries came to.
struct Graded {
    view: ScoreView,
    /// The last score in the ledger.
    recorded: Option<u32>,
    key: SecretKey,
}

impl State {
    /// Makes sure that the score of a handed-in attempt is recorded and known, where there is one. False where the code
    /// must be typed first.
    ///
    /// # Errors
    /// Storage errors; it may be tried again.
    pub(super) fn settle_score(&mut self, ticket_no: &str, now: ExamMs) -> Answer<bool> {
        let Some(seat) = self.graded_here(ticket_no) else {
            return Ok(true);
        };
        let (attempt_id, sealed, lease) = (seat.attempt_id, is_sealed(seat), seat.lease());
        if self.scores.contains_key(&attempt_id) {
            return Ok(true);
        }
        if !self.code_is_open() {
            return Ok(false);
        }
        let entries = super::moved::history(&self.reader, &attempt_id)?;
        let graded = match self.graded(ticket_no, &entries) {
            Ok(Some(graded)) => graded,
            // Without answer keys there is no score to wait for.
            Ok(None) => return Ok(true),
            Err(error) => {
                tracing::error!(code = error.code(), "{error}");
                return Ok(true);
            }
        };
        // What is sealed already is not added to: its bundle holds every entry of the attempt.
        if !sealed && graded.recorded != Some(graded.view.half_points) {
            let event = Event::SiteGraded {
                half_points: graded.view.half_points,
                passed: graded.view.passed,
            };
            let recorder = &self.shared.recorder;
            let attempt = Some((attempt_id, lease));
            let entry = recorder.entry_under(SYSTEM, attempt, Some(&graded.key), event, now);
            self.commit(Change::default().entry(entry))?;
        }
        self.scores.insert(attempt_id, graded.view);
        Ok(true)
    }

    /// The seat of an attempt that was handed in, where the plan has it graded here.
    fn graded_here(&self, ticket_no: &str) -> Option<&SeatRecord> {
        let active = self.active.as_ref()?;
        let on_site = active.sitting().answer_release == AnswerRelease::OnSite;
        let seat = active.seats.get(ticket_no)?;
        // Of whoever was told to leave, the center says what it is worth; of what goes on elsewhere, the other terminal.
        let graded = on_site && !seat.removed && !seat.is_fenced();
        (graded && seat.begun.is_some() && seat.ended.is_some()).then_some(seat)
    }

    /// Whether this sitting's papers are open here.
    fn code_is_open(&self) -> bool {
        let (Some(unlocked), Some(active)) = (&self.unlocked, &self.active) else {
            return false;
        };
        unlocked.sitting_no == active.sitting_no() && unlocked.version == active.sitting().version
    }

    fn graded(&self, ticket_no: &str, entries: &[StoredEntry]) -> Result<Option<Graded>, RunError> {
        let (Some(active), Some(unlocked)) = (&self.active, &self.unlocked) else {
            return Ok(None);
        };
        let begun = active.seats.get(ticket_no).and_then(|seat| seat.begun);
        let (Some(candidate), Some(begun)) = (active.candidate(ticket_no), begun) else {
            return Ok(None);
        };
        let Some(start) = active.start_of(candidate, begun.ends_ms) else {
            return Ok(None);
        };
        let basis = Basis {
            sitting: active.sitting(),
            candidate,
            unlocked,
            start: &start,
        };
        let run = Run::resume(&basis, begun.started_ms, entries)?;
        let Some(grade) = run.grade()? else {
            return Ok(None);
        };
        Ok(Some(Graded {
            view: score_view(&run, &grade),
            recorded: last_recorded(entries, &run.key)?,
            key: run.key,
        }))
    }

    /// The score that a seat's bundle states.
    pub(super) fn score_of(&self, ticket_no: &str) -> Option<&ScoreView> {
        let seat = self.active.as_ref()?.seats.get(ticket_no)?;
        self.scores.get(&seat.attempt_id)
    }

    /// The score as the candidate may see it now.
    pub(super) fn shown_score(&self, visit: &Visit) -> Option<ScoreView> {
        let may = self.may_show_score(&visit.ticket_no);
        self.score_of(&visit.ticket_no).filter(|_| may).cloned()
    }

    /// Whether the candidate has seen a score of what was handed in last: then nothing can be opened again. A score that is
    /// in the ledger was on the screen, whoever has left it since.
    ///
    /// # Errors
    /// Storage errors.
    pub(super) fn score_was_shown(&self, ticket_no: &str) -> Answer<bool> {
        let Some(seat) = self.graded_here(ticket_no) else {
            return Ok(false);
        };
        if !self.may_show_score(ticket_no) {
            return Ok(false);
        }
        if self.scores.contains_key(&seat.attempt_id) {
            return Ok(true);
        }
        let entries = super::moved::history(&self.reader, &seat.attempt_id)?;
        let kinds = entries.iter().rev().map(|entry| entry.kind.as_str());
        let mut since_opened = kinds.take_while(|kind| *kind != "exam.reopened");
        Ok(since_opened.any(|kind| kind == "exam.site_graded"))
    }

    fn may_show_score(&self, ticket_no: &str) -> bool {
        let Some(active) = &self.active else {
            return false;
        };
        let ended = active.day.ended_ms.is_some();
        let seat = active.seats.get(ticket_no);
        let kind = seat.and_then(|seat| seat.ended).map(|attempt| attempt.kind);
        // A forced hand-in may be a violation: its score is the center's to tell.
        let withheld = kind == Some(HandInKind::Forced) && !ended;
        score_shown(active.sitting().score_release, true, ended) && !withheld
    }

    fn score_locked(&self, ticket_no: &str) -> bool {
        self.graded_here(ticket_no)
            .is_some_and(|seat| !self.scores.contains_key(&seat.attempt_id))
            && !self.code_is_open()
    }

    /// Whether a seat's bundle cannot be sealed before the code is typed again.
    pub(super) fn bundle_waits(&self, ticket_no: &str, now: ExamMs) -> bool {
        let waiting = self.graded_here(ticket_no).is_some_and(|seat| {
            let since_ms = seat.ended.map_or(now, |ended| ended.at_ms);
            !is_sealed(seat) && now - since_ms < WAITS_FOR_CODE_MS
        });
        waiting && self.score_locked(ticket_no)
    }

    /// Whether somebody who has handed in needs the code: for the result on the screen, or to be sealed.
    pub(super) fn score_needs_code(&self, now: ExamMs) -> bool {
        let waits = self.active.as_ref().is_some_and(|active| {
            let mut tickets = active.seats.keys();
            tickets.any(|ticket_no| self.bundle_waits(ticket_no, now))
        });
        waits
            || self
                .visit
                .as_ref()
                .is_some_and(|visit| self.result_needs_code(visit, now))
    }

    /// As [`State::score_needs_code`], for whoever sits here.
    pub(super) fn result_needs_code(&self, visit: &Visit, now: ExamMs) -> bool {
        let unshown = self.may_show_score(&visit.ticket_no) && self.score_locked(&visit.ticket_no);
        unshown || self.bundle_waits(&visit.ticket_no, now)
    }

    /// After the code: the result is on the screen again, and what waited is sealed.
    pub(super) fn restore_scores(&mut self, now: ExamMs) {
        self.seal_leftovers(now);
        let Some(ticket_no) = self.visit.as_ref().map(|visit| visit.ticket_no.clone()) else {
            return;
        };
        if let Err(refusal) = self.settle_score(&ticket_no, now) {
            tracing::warn!(
                code = refusal.code,
                "the score could not be found again yet"
            );
        }
    }

    /// Nobody needs the score of a seat that is sealed and left.
    pub(super) fn leave_score(&mut self, ticket_no: &str) {
        let sealed = self
            .active
            .as_ref()
            .and_then(|active| active.seats.get(ticket_no))
            .is_some_and(is_sealed);
        if sealed {
            self.forget_score(ticket_no);
        }
    }

    /// The answers may be others now.
    pub(super) fn forget_score(&mut self, ticket_no: &str) {
        let active = self.active.as_ref();
        if let Some(seat) = active.and_then(|active| active.seats.get(ticket_no)) {
            self.scores.remove(&seat.attempt_id);
        }
    }
}

fn is_sealed(seat: &SeatRecord) -> bool {
    seat.seat.state() != SeatState::HandedIn
}

fn last_recorded(entries: &[StoredEntry], key: &SecretKey) -> Result<Option<u32>, RunError> {
    for stored in entries.iter().rev() {
        let entry = Entry::decode(&stored.bytes)?;
        if let Event::SiteGraded { half_points, .. } = entry.event(Some(key))? {
            return Ok(Some(half_points));
        }
    }
    Ok(None)
}

fn score_view(run: &Run, grade: &Grade) -> ScoreView {
    ScoreView {
        half_points: grade.total_half_points,
        full_half_points: run.class.full_half_points(),
        pass_half_points: run.class.blueprint.pass_mark_half_points,
        passed: grade.passed,
        by_type: grade
            .by_type
            .iter()
            .map(|row| TypeScore {
                item_type: row.item_type,
                right: row.right,
                count: row.questions,
                half_points: row.half_points,
            })
            .collect(),
    }
}
