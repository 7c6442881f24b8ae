//! What the terminal knows at a moment, and the one way in which it changes: an event is made durable, then taken over.

use super::active::Active;
use super::day::Pause;
use super::held::Outward;
use super::room::Post;
use super::seats::SeatRecord;
use super::small_pictures::SmallPictures;
use super::{Config, Ports};
use crate::sealing::DeviceKeys;
use crate::sitting_run::Run;
use crate::view::candidate::{CameraView, ConfirmReason, ScoreView, StaffName};
use crate::view::desk::DeskTab;
use crate::view::{Refused, View};
use fengjuan_core::attempt::{Effect, Input};
use fengjuan_core::clock::Resumption;
use fengjuan_core::event::{Event, OutageCause};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::roster::TextSize;
use fengjuan_device::recorder::{Recorder, SYSTEM};
use fengjuan_device::refusal::{Answer, refused};
use fengjuan_device::staff::Slowing;
use fengjuan_device::unlock::Unlocked;
use fengjuan_store::{Change, Database, Projection, Reader, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What does not change while the program runs.
pub(crate) struct Shared {
    pub config: Config,
    pub ports: Ports,
    pub keys: DeviceKeys,
    pub recorder: Recorder,
    pub outward: Arc<dyn Outward>,
    // After everything that writes: dropping it stops the writer and frees the directory.
    pub database: Database,
}

/// Whose turn it is at the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    Candidate,
    LogIn,
    Desk,
}

/// The staff's side.
pub(crate) struct Desk {
    pub user: Option<StaffName>,
    pub tab: DeskTab,
    /// Boot time of the last action, for the idle lock.
    pub last_action_ms: i64,
    pub unlocking: bool,
    pub unlock_refused: Option<Refused>,
    /// The person whose log-in is slowed.
    pub slowed: Option<(String, Slowing)>,
}

/// Which of the exam's screens the candidate looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandInStep {
    Exam,
    Check,
    Confirm,
}

/// Who sits here, and what the screen needs beside the ledger.
#[derive(Clone)]
pub(crate) struct Visit {
    pub ticket_no: String,
    pub camera: CameraView,
    pub taking: bool,
    /// Back from staff to the camera, though there is a picture already.
    pub retaking: bool,
    /// The check-in picture, in memory until staff have looked at it.
    pub picture: Option<Vec<u8>>,
    /// Staff are needed though there is no picture.
    pub why: ConfirmReason,
    pub tutorial_step: u32,
    pub text_size: TextSize,
    pub hand_in: HandInStep,
}

impl Visit {
    /// Somebody of whom the screen knows nothing yet beside who it is.
    pub fn new(ticket_no: &str, text_size: TextSize) -> Visit {
        Visit {
            ticket_no: ticket_no.to_owned(),
            camera: CameraView::Ready {
                name: String::new(),
            },
            taking: false,
            retaking: false,
            picture: None,
            why: ConfirmReason::Usual,
            tutorial_step: 0,
            text_size,
            hand_in: HandInStep::Exam,
        }
    }
}

/// Storage has refused a write.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub since_ms: ExamMs,
    pub cause: &'static str,
    pub retry_boot_ms: i64,
}

/// Time that whoever answers here did not have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost {
    pub cause: OutageCause,
    pub from_ms: ExamMs,
    pub to_ms: ExamMs,
}

pub(crate) struct State {
    pub shared: Arc<Shared>,
    pub reader: Reader,
    pub revision: u64,
    pub surface: Surface,
    /// The keypad is shown.
    pub identifying: bool,
    pub desk: Desk,
    pub chosen: Option<String>,
    pub held_revision: u64,
    pub active: Option<Active>,
    pub unlocked: Option<Unlocked>,
    pub visit: Option<Visit>,
    pub run: Option<Run>,
    pub small: SmallPictures,
    /// Scores of this run of the program, by attempt; on disk they are sealed.
    pub scores: BTreeMap<[u8; 16], ScoreView>,
    pub pause: Option<Pause>,
    pub trouble: Option<Trouble>,
    /// An outage that storage has not taken yet. There is never a second one: a refusal by storage is an outage itself,
    /// and lasts until this one is recorded.
    pub lost: Option<Lost>,
    /// The reserve was given free for a full disk.
    pub reserve_used: bool,
    /// A camera has taken a picture since the program started.
    pub camera_worked: bool,
    pub resumption: Resumption,
    /// Exam time at which the window lost its focus.
    pub unfocused: Option<ExamMs>,
    /// Exam time minus boot time at the last look.
    pub clock_offset_ms: Option<i64>,
    pub last_view: Option<View>,
    pub last_housekeeping_ms: i64,
    /// What the room's station has told this terminal.
    pub post: Post,
    /// The hub that speaks to this machine, by its verified delegation; none before it has in this run.
    pub speaks: Option<fengjuan_wire::delegation::HubDelegation>,
    /// The writes of a command that is being done, until they are made durable together.
    pub staged: Option<Change>,
    /// Exam time at which an attempt moved here.
    pub moved_here: Option<ExamMs>,
}

impl State {
    pub fn now(&self) -> ExamMs {
        self.shared.recorder.exam_now()
    }

    pub fn boot_ms(&self) -> i64 {
        self.shared.recorder.machine().boot_ms()
    }

    pub fn active(&self) -> Answer<&Active> {
        self.active
            .as_ref()
            .ok_or_else(|| refused("desk.nothing_held"))
    }

    pub fn active_mut(&mut self) -> Answer<&mut Active> {
        self.active
            .as_mut()
            .ok_or_else(|| refused("desk.nothing_held"))
    }

    pub fn visit(&self) -> Answer<&Visit> {
        self.visit
            .as_ref()
            .ok_or_else(|| refused("seat.nobody_here"))
    }

    pub fn visit_mut(&mut self) -> Answer<&mut Visit> {
        self.visit
            .as_mut()
            .ok_or_else(|| refused("seat.nobody_here"))
    }

    /// Makes a change durable.
    ///
    /// # Errors
    /// The storage's refusal; from then on the terminal knows that storage fails, and tries again on every tick.
    pub fn commit(&mut self, change: Change) -> Answer {
        if let Some(staged) = &mut self.staged {
            staged.entries.extend(change.entries);
            staged.projections.extend(change.projections);
            return Ok(());
        }
        match self.shared.recorder.writer().commit(change) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.storage_refused(error)),
        }
    }

    /// Notes a storage failure. A full disk gets the reserve, so that the exam can be finished.
    pub fn storage_refused(&mut self, error: StoreError) -> Refused {
        let now = self.now();
        if error.is_storage() {
            if error == StoreError::Full {
                self.reserve_used = true;
                if let Err(error) = self.shared.database.release_reserve() {
                    tracing::error!(code = error.code(), "the reserve cannot be released");
                }
            }
            let retry_boot_ms = self.boot_ms();
            self.trouble.get_or_insert(Trouble {
                since_ms: now,
                cause: error.code(),
                retry_boot_ms,
            });
            if let Some(run) = &mut self.run {
                run.attempt.storage_failed(now);
            }
        }
        error.into()
    }

    /// Records an event of no seat.
    pub fn record(&mut self, actor: &str, event: Event, projections: Vec<Projection>) -> Answer {
        let now = self.now();
        let entry = self.shared.recorder.entry_at(actor, None, None, event, now);
        let mut change = Change::default().entry(entry);
        change.projections = projections;
        self.commit(change)
    }

    /// Records events of one candidate's seat: refused as a whole where the seat does not allow one of them, else one
    /// transaction, and then taken over.
    pub fn record_seat(
        &mut self,
        actor: &str,
        ticket_no: &str,
        events: &[Event],
        now: ExamMs,
        projections: Vec<Projection>,
    ) -> Answer {
        let active = self.active()?;
        let record = active
            .seats
            .get(ticket_no)
            .ok_or_else(|| refused("desk.unknown_ticket"))?;
        let mut after = record.clone();
        let key = self
            .run
            .as_ref()
            .filter(|run| run.ticket_no == ticket_no)
            .map(|run| &run.key);
        let mut change = Change::default();
        change.projections = projections;
        for event in events {
            let lease = after.lease_for(event)?;
            after.apply(event, now)?;
            let attempt = Some((after.attempt_id, lease));
            change.entries.push(self.shared.recorder.entry_under(
                actor,
                attempt,
                key,
                event.clone(),
                now,
            ));
        }
        self.commit(change)?;
        if let Some(active) = &mut self.active {
            active.seats.insert(ticket_no.to_owned(), after);
        }
        Ok(())
    }

    /// Asks the running attempt what an input means, and does it.
    pub fn drive(&mut self, actor: &str, input: Input, now: ExamMs) -> Answer {
        let run = self
            .run
            .as_ref()
            .ok_or_else(|| refused("attempt.not_started"))?;
        let effects = run.attempt.propose(input, now)?;
        self.perform(actor, effects, now)
    }

    /// Carries out the attempt machine's effects in their order; nothing is taken over before it is durable.
    pub fn perform(&mut self, actor: &str, effects: Vec<Effect>, now: ExamMs) -> Answer {
        for effect in effects {
            match effect {
                Effect::Record(event) => {
                    if matches!(event, Event::HandedIn { .. } | Event::Removed { .. }) {
                        self.close_snapshots(now)?;
                    }
                    let Some(ticket_no) = self.run.as_ref().map(|run| run.ticket_no.clone()) else {
                        return Err(refused("attempt.not_started"));
                    };
                    self.record_seat(
                        actor,
                        &ticket_no,
                        std::slice::from_ref(&event),
                        now,
                        Vec::new(),
                    )?;
                    if let Some(run) = &mut self.run {
                        run.attempt.commit(&event, now)?;
                    }
                }
                Effect::Show { .. } => {}
                Effect::WarnMinutes(minutes) => {
                    if let Some(run) = &mut self.run {
                        run.warned = Some((minutes, now));
                    }
                }
                Effect::EndsMoved { by_ms } => {
                    if let Some(run) = &mut self.run {
                        run.moved = Some((by_ms, now));
                    }
                }
                Effect::HandedIn { .. } => self.finish_attempt(now),
                Effect::Reopened {} => {}
            }
        }
        Ok(())
    }

    /// Whether the center's receipt for the candidate's bundle is here.
    pub fn receipted(&self, ticket_no: &str) -> bool {
        let bundle = self
            .active
            .as_ref()
            .and_then(|active| active.seats.get(ticket_no)?.bundle);
        let Some(bundle) = bundle else { return false };
        matches!(self.reader.object(&bundle.0), Ok(Some(row)) if row.receipt.is_some())
    }

    /// Whether the open attempt stands still and why.
    pub fn paused(&self) -> Option<Pause> {
        let open = self.active.as_ref()?.open_ticket()?;
        let sits_here = self
            .visit
            .as_ref()
            .is_some_and(|visit| visit.ticket_no == open);
        if self.run.is_some() || !sits_here {
            return None;
        }
        self.pause
    }

    /// Records something that the program saw and that changes nothing; a failure is only logged, the next tick will
    /// meet it again.
    pub fn note(&mut self, event: Event) {
        let now = self.now();
        let seats = self.active.as_ref().map(|active| &active.seats);
        let attempt = self.run.as_ref().map(|run| {
            let seat = seats.and_then(|seats| seats.get(&run.ticket_no));
            (run.attempt_id(), seat.map_or(1, SeatRecord::lease))
        });
        let entry = self
            .shared
            .recorder
            .entry_under(SYSTEM, attempt, None, event, now);
        if let Err(refusal) = self.commit(Change::default().entry(entry)) {
            tracing::warn!(code = refusal.code, "an observation could not be recorded");
        }
    }
}
