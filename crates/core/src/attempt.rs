//! The attempt (作答): one candidate's exam as a machine. Nothing changes before it is durable: [`Attempt::propose`]
//! says what an input means, the caller writes every [`Effect::Record`] with `now` as the entry's exam time, and then
//! calls [`Attempt::commit`] with the same event and the same `now` — or drops it, where the disk refused. The center
//! and the verifier run the same `commit` over a ledger ([`Attempt::replay`]), so a terminal can do nothing that they
//! would not accept.
//!
//! Time: the attempt ends at the class group's end plus credits and postponements ([`Attempt::ends_ms`]). The clock
//! runs on in an outage; each outage opens a provisional credit of its measured length, at most the plan's cap, and
//! until all are decided nobody is handed in automatically. Answers are accepted until [`Attempt::limit_ms`], which
//! adds the undecided provisional credits: whoever lost five minutes may use those five while the proctor decides,
//! and nobody ever answers for longer than the plan allows. A refused credit ends the attempt at the next tick; what
//! was saved stays saved.
//!
//! A suspension by staff is an outage like any other: the clock runs on, and its length is a provisional credit once the
//! seat goes on. An attempt that moved to another machine is the same machine replayed from what its lease carries on
//! ([`crate::room::lease`]).
//!
//! Positions count from 0; option sets are in bank order.

mod propose;
mod record;
mod staff;
mod terms;

use crate::event::{Event, HandInKind, OutageCause};
use crate::item::OptionSet;
use crate::plan::ExamMs;
use std::borrow::Borrow;
use std::collections::BTreeMap;
pub use terms::{
    Answer, AttemptError, AttemptPlan, AttemptState, Counts, Effect, Input, Outage, Question,
    ReplayError, WARNINGS_MIN,
};

/// One candidate's attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    plan: AttemptPlan,
    started: bool,
    ends_ms: ExamMs,
    earliest_leave_ms: ExamMs,
    shown: Option<u32>,
    answers: BTreeMap<u32, Answer>,
    outages: Vec<Outage>,
    handed_in: Option<(HandInKind, ExamMs)>,
    /// The hand-in was an order to leave.
    removed: bool,
    /// Staff have made the seat stand still since then.
    paused_since: Option<ExamMs>,
    /// Storage has refused writes since then. Not in the ledger, for want of storage.
    stalled_since: Option<ExamMs>,
    warned: [bool; WARNINGS_MIN.len()],
}

impl Attempt {
    /// A new attempt. Its first committed event is [`AttemptPlan::started_event`].
    pub fn start(plan: AttemptPlan) -> Attempt {
        Attempt {
            started: false,
            ends_ms: plan.ends_ms,
            earliest_leave_ms: plan.earliest_leave_ms,
            shown: None,
            answers: BTreeMap::new(),
            outages: Vec::new(),
            handed_in: None,
            removed: false,
            paused_since: None,
            stalled_since: None,
            warned: [false; WARNINGS_MIN.len()],
            plan,
        }
    }

    /// The attempt that a ledger's events make, each with the exam time of its header. Warnings that fell due before
    /// the last event are not given again.
    ///
    /// # Errors
    /// [`ReplayError`] at the first event that the machine would not have recorded.
    pub fn replay<E: Borrow<Event>>(
        plan: AttemptPlan,
        events: impl IntoIterator<Item = (E, ExamMs)>,
    ) -> Result<Attempt, ReplayError> {
        let mut attempt = Attempt::start(plan);
        let mut last_ms = ExamMs::MIN;
        for (place, (event, now)) in events.into_iter().enumerate() {
            attempt
                .commit(event.borrow(), now)
                .map_err(|cause| ReplayError { place, cause })?;
            last_ms = now;
        }
        if attempt.started {
            attempt.due_warnings(last_ms);
        }
        Ok(attempt)
    }

    /// What this input means now. Nothing changes.
    ///
    /// # Errors
    /// [`AttemptError`] where it is refused.
    pub fn propose(&self, input: Input, now: ExamMs) -> Result<Vec<Effect>, AttemptError> {
        propose::propose(self, input, now)
    }

    /// Takes over an event that is durable, with the exam time of its header. Events that are none of the attempt's
    /// business change nothing.
    ///
    /// # Errors
    /// [`AttemptError`] where the machine would not have proposed it; nothing changes.
    pub fn commit(&mut self, event: &Event, now: ExamMs) -> Result<(), AttemptError> {
        record::check(self, event, now)?;
        record::apply(self, event, now);
        Ok(())
    }

    /// To be called about once a second: warnings, and the automatic hand-in as a proposal.
    pub fn tick(&mut self, now: ExamMs) -> Vec<Effect> {
        if !self.started || self.handed_in.is_some() {
            return Vec::new();
        }
        let stands_still = self.stalled_since.is_some() || self.paused_since.is_some();
        let over = now >= self.limit_ms() && self.undecided().is_none() && !stands_still;
        if over {
            return propose::hand_in(self, HandInKind::TimeUp, None, now);
        }
        self.due_warnings(now)
            .map(Effect::WarnMinutes)
            .into_iter()
            .collect()
    }

    /// After a restart: warnings that fell due before the last tick were given then, and are not repeated.
    pub fn warned_until(&mut self, last_tick_ms: ExamMs) {
        self.due_warnings(last_tick_ms);
    }

    /// Storage refused a write: the seat is suspended until [`Input::StorageBack`] has been recorded.
    pub fn storage_failed(&mut self, now: ExamMs) {
        if self.handed_in.is_none() {
            self.stalled_since.get_or_insert(now);
        }
    }

    pub fn plan(&self) -> &AttemptPlan {
        &self.plan
    }

    pub fn state(&self) -> AttemptState {
        if let Some((kind, at_ms)) = self.handed_in {
            return AttemptState::HandedIn { kind, at_ms };
        }
        match self.suspended() {
            Some(cause) => AttemptState::Suspended { cause },
            None => AttemptState::Answering,
        }
    }

    /// 责令离场: the attempt was stopped, and what it is worth is to be decided.
    pub fn is_removed(&self) -> bool {
        self.removed
    }

    /// Since when staff have made the seat stand still, where they have.
    pub fn paused_since(&self) -> Option<ExamMs> {
        self.paused_since
    }

    /// The end with credits and postponements.
    pub fn ends_ms(&self) -> ExamMs {
        self.ends_ms
    }

    /// Until when answers are accepted: the end plus the undecided provisional credits.
    pub fn limit_ms(&self) -> ExamMs {
        self.ends_ms.saturating_add(self.provisional_ms())
    }

    /// The sum of the undecided provisional credits.
    pub fn provisional_ms(&self) -> i64 {
        self.outages
            .iter()
            .filter(|outage| outage.decided_ms.is_none())
            .map(|outage| outage.proposed_ms)
            .sum()
    }

    /// What the candidate's clock shows: until the end, without provisional credits, never negative.
    pub fn remaining_ms(&self, now: ExamMs) -> i64 {
        self.ends_ms.saturating_sub(now).max(0)
    }

    pub fn earliest_leave_ms(&self) -> ExamMs {
        self.earliest_leave_ms
    }

    /// The question on the screen.
    pub fn current(&self) -> u32 {
        self.shown.unwrap_or(0)
    }

    pub fn answer(&self, position: u32) -> Answer {
        self.answers.get(&position).copied().unwrap_or_default()
    }

    /// Every answer or flag ever saved, by position; an empty set is an answer taken back.
    pub fn answers(&self) -> &BTreeMap<u32, Answer> {
        &self.answers
    }

    /// The option sets alone, for grading.
    pub fn chosen(&self) -> BTreeMap<u32, OptionSet> {
        self.answers
            .iter()
            .map(|(position, answer)| (*position, answer.chosen))
            .collect()
    }

    pub fn outages(&self) -> &[Outage] {
        &self.outages
    }

    /// The first outage that waits for the proctor.
    pub fn undecided(&self) -> Option<&Outage> {
        self.outages
            .iter()
            .find(|outage| outage.decided_ms.is_none())
    }

    pub fn counts(&self) -> Counts {
        let questions = self.plan.questions.len() as u32;
        let answered = self
            .answers
            .values()
            .filter(|answer| !answer.chosen.is_empty())
            .count() as u32;
        let flagged = self
            .answers
            .values()
            .filter(|answer| answer.flagged)
            .count() as u32;
        Counts {
            questions,
            answered,
            unanswered: questions - answered,
            flagged,
        }
    }

    fn suspended(&self) -> Option<OutageCause> {
        let doubt =
            |outage: &&Outage| outage.cause == OutageCause::Clock && outage.decided_ms.is_none();
        let stalled = self.stalled_since.map(|_| OutageCause::Storage);
        stalled
            .or_else(|| self.outages.iter().find(doubt).map(|outage| outage.cause))
            .or_else(|| self.paused_since.map(|_| OutageCause::Staff))
    }

    /// Marks every warning that is due and tells the most urgent one that was not given yet.
    fn due_warnings(&mut self, now: ExamMs) -> Option<u32> {
        let remaining_ms = self.remaining_ms(now);
        let mut due = None;
        for (warned, minutes) in self.warned.iter_mut().zip(WARNINGS_MIN) {
            if remaining_ms <= i64::from(minutes) * 60_000 && !*warned {
                *warned = true;
                due = Some(minutes);
            }
        }
        due
    }
}
