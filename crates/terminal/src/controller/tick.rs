//! What happens by itself, four times a second: the clock is watched, time runs out, storage is tried again, and what
//! could not be sealed is sealed.

use super::state::{Lost, State, Trouble};
use fengjuan_core::attempt::{AttemptState, Input};
use fengjuan_core::event::{Event, OutageCause};
use fengjuan_core::plan::ExamMs;
use fengjuan_device::recorder::SYSTEM;
use fengjuan_device::refusal::Answer;
use fengjuan_store::Change;

/// How long an announcement stays on the screen.
const ANNOUNCED_FOR_MS: i64 = 20_000;
/// Pause between two tries of storage that refused.
const RETRY_MS: i64 = 1_000;
/// An exam clock that moves by more than this without time having passed was set.
const CLOCK_STEP_MS: i64 = 30_000;
/// Slower things are looked after this often.
const HOUSEKEEPING_MS: i64 = 1_000;

impl State {
    pub(super) fn tick(&mut self) {
        self.watch_clock();
        let now = self.now();
        self.try_storage_again(now);
        if self.trouble.is_none() {
            self.carry_out_owed();
            self.run_out(now);
            self.begin_by_station(now);
            if self.boot_ms() - self.last_housekeeping_ms >= HOUSEKEEPING_MS {
                self.last_housekeeping_ms = self.boot_ms();
                self.keep_house(now);
            }
        }
        self.idle_lock();
        self.forget_announcements(now);
    }

    /// Records jumps of the wall clock and suspends, and persists the tick. A suspend is an outage of whoever answers.
    fn watch_clock(&mut self) {
        let observed = self.shared.recorder.observe();
        // Before storage is told to have failed: an outage of storage begins now, and the suspend lies before it.
        if let Some(for_ms) = observed.slept_ms {
            self.lost_time(OutageCause::Suspend, for_ms);
        }
        let written = observed.written.and_then(|()| self.shared.recorder.tick());
        if let Err(error) = written {
            self.storage_refused(error);
        }
        self.watch_exam_clock();
    }

    /// An exam clock that upstream has set forward under somebody's hands would take time away, or hand in: the seat
    /// asks the proctor instead. One that was set back gives time, and is in the ledger as an anchor.
    fn watch_exam_clock(&mut self) {
        let offset_ms = self.now() - self.boot_ms();
        let last_ms = self.clock_offset_ms.replace(offset_ms).unwrap_or(offset_ms);
        let forward_ms = offset_ms - last_ms;
        if forward_ms > CLOCK_STEP_MS {
            self.lost_time(OutageCause::Clock, forward_ms);
        }
    }

    /// The last `for_ms` of the exam clock did not happen for whoever answers here.
    fn lost_time(&mut self, cause: OutageCause, for_ms: i64) {
        let stalled = AttemptState::Suspended {
            cause: OutageCause::Storage,
        };
        match &self.run {
            None => return,
            // The outage of storage lasts until storage works again, and this lies within it.
            Some(run) if run.attempt.state() == stalled => return,
            Some(_) => {}
        }
        let now = self.now();
        self.lost = Some(Lost {
            cause,
            from_ms: now - for_ms,
            to_ms: now,
        });
        if let Err(refusal) = self.record_lost(now) {
            tracing::warn!(code = refusal.code, "lost time is not recorded yet");
            // Whatever else than storage refuses refuses for good.
            self.lost = self.lost.filter(|_| self.trouble.is_some());
        }
    }

    /// Records the outage that is not durable yet. One that the attempt has no place for is forgotten; one that
    /// storage refuses stays.
    fn record_lost(&mut self, now: ExamMs) -> Answer {
        let (Some(lost), Some(run)) = (self.lost, &self.run) else {
            self.lost = None;
            return Ok(());
        };
        let input = Input::OutageFound {
            cause: lost.cause,
            from_ms: lost.from_ms,
            to_ms: lost.to_ms,
        };
        match run.attempt.propose(input, now) {
            Ok(effects) => self.perform(SYSTEM, effects, now)?,
            Err(error) => tracing::warn!(code = error.code(), "{error}"),
        }
        self.lost = None;
        Ok(())
    }

    fn run_out(&mut self, now: ExamMs) {
        let Some(run) = &mut self.run else { return };
        let effects = run.attempt.tick(now);
        if effects.is_empty() {
            return;
        }
        if let Err(refusal) = self.perform(SYSTEM, effects, now) {
            tracing::warn!(
                code = refusal.code,
                "the attempt's time could not be acted on"
            );
        }
    }

    /// Storage that refused a write is tried with the entry that tells of it. Answers are taken again only after that.
    fn try_storage_again(&mut self, now: ExamMs) {
        let boot_ms = self.boot_ms();
        let Some(trouble) = &mut self.trouble else {
            return;
        };
        if boot_ms < trouble.retry_boot_ms {
            return;
        }
        trouble.retry_boot_ms = boot_ms + RETRY_MS;
        let trouble = trouble.clone();
        match self.storage_back(&trouble, now) {
            Ok(()) => self.trouble = None,
            Err(refusal) => tracing::warn!(code = refusal.code, "storage still refuses"),
        }
    }

    fn storage_back(&mut self, trouble: &Trouble, now: ExamMs) -> Answer {
        let recorder = &self.shared.recorder;
        let failed = Event::StorageFailed {
            cause: trouble.cause.to_owned(),
        };
        let back = Event::StorageBack {
            after_ms: now - trouble.since_ms,
        };
        let change = Change::default()
            .entry(recorder.entry_at(SYSTEM, None, None, failed, now))
            .entry(recorder.entry_at(SYSTEM, None, None, back, now));
        self.commit(change)?;
        self.record_lost(now)?;
        if self.run.is_some() {
            self.drive(SYSTEM, Input::StorageBack, now)?;
        }
        Ok(())
    }

    fn keep_house(&mut self, now: ExamMs) {
        self.fill_reserve();
        self.seal_leftovers(now);
        self.settle_seed(now);
        let changed = self.held_revision != self.shared.outward.held_revision();
        let over = self.active.as_ref().is_none_or(|active| active.over(now));
        if self.visit.is_none() && (changed || over) {
            self.look_for_sittings();
        }
    }

    /// The reserve that a full disk took is laid by again, when nobody is answering.
    fn fill_reserve(&mut self) {
        if !self.reserve_used || self.run.is_some() {
            return;
        }
        match self.shared.database.restore_reserve() {
            Ok(there) => self.reserve_used = !there,
            Err(error) => tracing::warn!(code = error.code(), "no reserve"),
        }
    }

    pub(super) fn look_for_sittings(&mut self) {
        if let Err(error) = self.choose_sitting() {
            tracing::warn!(code = error.code(), "the held sittings could not be read");
        }
    }

    fn forget_announcements(&mut self, now: ExamMs) {
        let stale = |at_ms: ExamMs| now - at_ms > ANNOUNCED_FOR_MS;
        self.moved_here = self.moved_here.filter(|at_ms| !stale(*at_ms));
        let Some(run) = &mut self.run else { return };
        run.warned = run.warned.filter(|(_, at_ms)| !stale(*at_ms));
        run.moved = run.moved.filter(|(_, at_ms)| !stale(*at_ms));
    }

    /// The window's own events.
    pub(super) fn window_event(&mut self, event: super::WindowEvent) {
        use super::WindowEvent::*;
        let now = self.now();
        match event {
            FocusLost if self.unfocused.is_none() => {
                self.unfocused = Some(now);
                self.note(Event::FocusLost {});
            }
            FocusBack => {
                if let Some(since_ms) = self.unfocused.take() {
                    self.note(Event::FocusBack {
                        after_ms: now - since_ms,
                    });
                }
            }
            Displays(count) => self.note(Event::DisplaysChanged { count }),
            PageLost {
                fault,
                remedy,
                tries,
            } => self.note(Event::PageLost {
                fault,
                remedy,
                tries,
            }),
            PageBack { after_ms } => self.note(Event::PageBack { after_ms }),
            FocusLost => {}
        }
    }
}
