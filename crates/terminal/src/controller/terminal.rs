//! A running terminal: takes an action, changes the state, is durable when it returns, and brings the view after it.

use super::WindowEvent;
use super::candidate::After;
use super::pictures;
use super::seat;
use super::state::{HandInStep, Shared, State, Surface, Visit};
use crate::resources::{self, Resource};
use crate::view::action::{CandidateAction, DeskAction, SeatAction};
use crate::view::candidate::CameraView;
use crate::view::desk::CodeGroupView;
use crate::view::{Outcome, View};
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::seat::SeatState;
use fengjuan_device::refusal::Answer;
use fengjuan_wire::order::Order;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use zeroize::Zeroize;

/// A running terminal. Every function may be called from any thread; none waits for a camera or a network.
pub struct Terminal {
    pub(super) shared: Arc<Shared>,
    pub(super) state: Mutex<State>,
    pub(super) revision: watch::Sender<u64>,
    pub(super) displays: Mutex<DisplayWatch>,
}

/// How often displays are counted.
const DISPLAYS_MS: i64 = 2_000;

/// How many displays there were, and when (on the boot clock) they were counted.
#[derive(Default)]
pub(super) struct DisplayWatch {
    count: Option<u32>,
    counted_boot_ms: Option<i64>,
}

impl Terminal {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A panic in one action must not take the exam away: what is durable is still what the state was built from.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and tells the page.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = self.change_quietly(change);
        self.touch();
        changed
    }

    pub(super) fn change_quietly<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state())
    }

    /// The view is another one from now on.
    pub(super) fn touch(&self) {
        let view = self.renew();
        self.revision.send_replace(view.revision);
    }

    fn renew(&self) -> View {
        let mut state = self.state();
        state.revision += 1;
        let view = state.view();
        state.last_view = Some(view.clone());
        view
    }

    /// The answer carries the view, so nobody is told of it a second time.
    fn outcome(&self, answer: Answer) -> Outcome {
        Outcome {
            view: self.renew(),
            refused: answer.err(),
        }
    }

    /// Everything that the window shows now.
    pub fn view(&self) -> View {
        self.state().view()
    }

    /// Tells of every change that is not an action's own, by its revision; ask for the view then.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// The candidate's mouse and keyboard.
    pub fn candidate(self: &Arc<Terminal>, action: CandidateAction) -> Outcome {
        let identifying = matches!(action, CandidateAction::Identify { .. });
        let camera = if identifying {
            // Cameras are listed outside the lock: a driver may take its time.
            let allowed = self.state().pattern_allowed();
            pictures::camera_view(&self.shared.ports, allowed)
        } else {
            CameraView::Pattern {}
        };
        let answer = self.change_quietly(|state| state.candidate(action, camera));
        if let Ok(After::TakePicture) = &answer {
            self.spawn_check_in_picture();
        }
        self.outcome(answer.map(drop))
    }

    /// What staff do at the seat.
    pub fn seat(&self, action: SeatAction) -> Outcome {
        let (staff_id, password, deed) = match seat::split(action) {
            Ok(parts) => parts,
            Err(action) => {
                let answer = self.change_quietly(|state| state.seat_without_password(&action));
                return self.outcome(answer);
            }
        };
        let credentials = self.change_quietly(|state| state.credentials(&staff_id, password));
        let answer = credentials.and_then(|credentials| {
            let fits =
                fengjuan_device::staff::password_fits(&credentials.person, &credentials.password);
            self.change_quietly(|state| match fits {
                true => state.deed(&credentials.person, deed),
                false => state.wrong_password(&staff_id),
            })
        });
        self.outcome(answer)
    }

    /// What the desk does. Unlocking blocks for as long as Argon2id takes: call it from a thread that may wait.
    pub fn desk(&self, action: DeskAction) -> Outcome {
        let admitted = self.change_quietly(|state| state.admit(&action));
        let answer = match (admitted, action) {
            (Ok(staff_id), DeskAction::Unlock { groups, second }) => {
                self.unlock(groups, second, &staff_id)
            }
            (Ok(staff_id), action) => self.change_quietly(|state| state.desk(action, &staff_id)),
            (Err(refusal), DeskAction::Unlock { mut groups, .. }) => {
                groups.zeroize();
                Err(refusal)
            }
            (Err(refusal), _) => Err(refusal),
        };
        self.outcome(answer)
    }

    /// One group of the code while it is typed; nothing is kept of it.
    pub fn code_group(&self, index: usize, typed: &str) -> CodeGroupView {
        fengjuan_device::unlock::code_group(index, typed)
    }

    /// To be called about four times a second.
    pub fn tick(self: &Arc<Terminal>) {
        self.watch_displays();
        let changed = {
            let mut state = self.state();
            state.tick();
            let view = state.view();
            let same = state
                .last_view
                .as_ref()
                .is_some_and(|last| same_picture(last, &view));
            !same
        };
        if changed {
            self.touch();
        }
        self.spawn_due_snapshot();
    }

    /// A display that is plugged in or pulled out is an event. They are counted outside the state's lock: the window
    /// layer answers from the thread that may be waiting for a view.
    fn watch_displays(&self) {
        let boot_ms = self.shared.recorder.machine().boot_ms();
        {
            let mut watch = self.displays.lock().unwrap_or_else(PoisonError::into_inner);
            let counted = |at_ms: i64| boot_ms - at_ms < DISPLAYS_MS;
            if watch.counted_boot_ms.is_some_and(counted) {
                return;
            }
            watch.counted_boot_ms = Some(boot_ms);
        }
        let Some(sizes) = self.shared.ports.displays.sizes() else {
            return;
        };
        let count = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
        let mut watch = self.displays.lock().unwrap_or_else(PoisonError::into_inner);
        let before = watch.count.replace(count);
        drop(watch);
        if before.is_some_and(|before| before != count) {
            self.window_event(WindowEvent::Displays(count));
        }
    }

    /// Carries out a verified order of the center, once.
    ///
    /// # Errors
    /// The code of why it could not be; it may be tried again.
    pub fn carry_out(&self, order: &Order, hash: Hash32) -> Result<(), crate::view::Refused> {
        self.change(|state| state.carry_out(order, hash))
    }

    /// A picture of the present screen: its type and bytes. `None` for everything that the screen does not show.
    pub fn resource(&self, path: &str) -> Option<(&'static str, Vec<u8>)> {
        let state = self.state();
        let seat = || {
            let at = state.visit.as_ref().zip(state.active.as_ref());
            at.filter(|_| state.surface == Surface::Candidate)
        };
        let bytes = match resources::parse(path)? {
            Resource::Scan => self.shared.outward.scan_picture()?,
            Resource::CheckIn => seat()?.0.picture.clone()?,
            Resource::Photo => {
                let (visit, active) = seat()?;
                active.photo(active.candidate(&visit.ticket_no)?)?.to_vec()
            }
            Resource::Media(number) => {
                let (visit, _) = seat()?;
                let run = state.run.as_ref().filter(|run| run.shows_media(number))?;
                if visit.hand_in != HandInStep::Exam || state.stands_still() {
                    return None;
                }
                let media = run.open.package.media(number, &run.open.paper_key);
                media
                    .inspect_err(|error| tracing::error!(code = error.code(), "{error}"))
                    .ok()?
                    .to_vec()
            }
        };
        Some((resources::picture_type(&bytes)?, bytes))
    }

    pub fn window_event(&self, event: WindowEvent) {
        self.change(|state| state.window_event(event));
    }

    /// Whether closing the window would leave nobody without a seat.
    pub fn may_close(&self) -> bool {
        let state = self.state();
        let at_rest = |visit: &Visit| match state.seat_state(&visit.ticket_no) {
            None => true,
            Some(at) => matches!(
                at,
                SeatState::Sealed
                    | SeatState::Receipted
                    | SeatState::NotAdmitted
                    | SeatState::LateRefused
                    | SeatState::Absent
                    | SeatState::ArrivedNotSeated
            ),
        };
        state.visit.as_ref().is_none_or(at_rest)
    }

    /// An orderly stop: recorded, with a last checkpoint. The terminal must not be used after it.
    pub fn shutdown(&self) {
        let state = &mut *self.state();
        if let Err(refusal) = state.record(
            fengjuan_device::recorder::SYSTEM,
            Event::Stopped {},
            Vec::new(),
        ) {
            tracing::warn!(code = refusal.code, "the stop could not be recorded");
        }
        if let Err(error) = self.shared.outward.checkpoint() {
            tracing::warn!(code = error.code(), "no checkpoint at the stop");
        }
        self.shared.outward.stop();
    }
}

/// Whether two views look the same: a revision or a later moment alone is no change.
fn same_picture(last: &View, now: &View) -> bool {
    let strip = |view: &View| {
        let mut view = view.clone();
        view.revision = 0;
        view.clock.exam_ms = 0;
        view
    };
    strip(last) == strip(now)
}
