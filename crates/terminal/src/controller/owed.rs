//! Commands that came while the papers were closed here. A terminal that has restarted hears what its station decided
//! meanwhile before it has the keys; the attempt that was decided about stands still and is locked. The decision is
//! durable and acknowledged then, and takes effect with the keys, before anybody sees a question.

use super::day::Owed;
use super::room::passes;
use super::state::State;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::room::command::Scope;
use fengjuan_core::room::lease::AttemptId;
use fengjuan_device::recorder::SYSTEM;
use fengjuan_device::refusal::Answer;
use fengjuan_store::Change;
use fengjuan_wire::room::RoomCommand;

/// The attempt that is meant, or a score, is closed until the code opens the papers.
pub(super) const LOCKED: &str = "sitting.open_attempt_locked";

/// An attempt that began, is not handed in, and has no papers here now.
pub(super) struct LockedAttempt<'a> {
    attempt: AttemptId,
    sitting_no: &'a str,
    pub class_no: &'a str,
}

impl LockedAttempt<'_> {
    pub fn is_in(&self, scope: &Scope) -> bool {
        scope.holds(&self.attempt, self.sitting_no, self.class_no)
    }
}

impl State {
    pub(super) fn locked_attempt(&self) -> Option<LockedAttempt<'_>> {
        if self.run.is_some() {
            return None;
        }
        let active = self.active.as_ref()?;
        let ticket_no = active.open_ticket()?;
        Some(LockedAttempt {
            attempt: active.seats.get(ticket_no)?.attempt_id,
            sitting_no: active.sitting_no(),
            class_no: &active.candidate(ticket_no)?.class_no,
        })
    }

    /// Remembers a command until the papers are open.
    pub(super) fn owe(&mut self, command: &RoomCommand, hash: Hash32) -> Answer {
        let mut day = self.active()?.day.clone();
        day.owed.push(Owed {
            epoch: command.epoch,
            no: command.no,
            hash,
            command: command.command.clone(),
        });
        let projection = day.put(self.active()?.sitting_no())?;
        self.commit(Change::default().project(projection))?;
        self.active_mut()?.day = day;
        Ok(())
    }

    /// Does what waited for the papers, as far as it can be done now.
    pub(super) fn carry_out_owed(&mut self) {
        while let Some(owed) = self.next_owed() {
            if !self.carry_out_one(&owed) {
                return;
            }
        }
    }

    fn next_owed(&self) -> Option<Owed> {
        let active = self.active.as_ref()?;
        let owed = active.day.owed.first()?;
        let sitting = active.sitting();
        let open = self.has_keys(&sitting.sitting_no, sitting.version);
        let ready = open && self.locked_attempt().is_none() && self.staged.is_none();
        ready.then(|| owed.clone())
    }

    /// One such command: what it means, that it was done, and that it waits no more, are one transaction. False where
    /// it still waits.
    fn carry_out_one(&mut self, owed: &Owed) -> bool {
        let now = self.now();
        let mut before = self.memory();
        self.staged = Some(Change::default());
        let refusal = match self.obey(&owed.command, None, now) {
            Ok(()) => None,
            Err(refusal) if passes(&refusal) || refusal.code == LOCKED => {
                self.restore(before);
                return false;
            }
            // What was done in the meantime, by time or by another command, leaves nothing to do.
            Err(refusal) => {
                self.restore(before);
                before = self.memory();
                self.staged = Some(Change::default());
                Some(refusal.code)
            }
        };
        let done = refusal.is_none();
        if let Err(refusal) = self.settle_owed(owed, refusal) {
            tracing::warn!(code = refusal.code, "a command still waits");
            self.restore_refused(before);
            return false;
        }
        if done {
            self.obeyed(&owed.command, self.now());
        }
        true
    }

    fn settle_owed(&mut self, owed: &Owed, refusal: Option<String>) -> Answer {
        let mut day = self.active()?.day.clone();
        day.owed.retain(|one| one != owed);
        let projection = day.put(self.active()?.sitting_no())?;
        let under = self.written_under(&owed.command.body, refusal.as_deref());
        let event = Event::CommandTaken {
            epoch: owed.epoch,
            no: owed.no,
            command_id: owed.command.command_id,
            command: owed.hash,
            refusal,
        };
        let now = self.now();
        let recorder = &self.shared.recorder;
        let entry = recorder.entry_under(SYSTEM, under, None, event, now);
        let staged = self.staged.take().unwrap_or_default();
        self.commit(staged.entry(entry).project(projection))?;
        self.active_mut()?.day = day;
        Ok(())
    }
}
