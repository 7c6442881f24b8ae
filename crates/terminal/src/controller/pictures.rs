//! Pictures: the check-in picture and the random snapshots. A camera is used on a thread of its own and outside every
//! lock; what it delivers is sealed before anything else happens to it.

use super::Ports;
use super::candidate::After;
use super::seats::SeatRecord;
use super::state::State;
use super::terminal::Terminal;
use crate::checkin::CheckInError;
use crate::sealing::{self, TakenPicture};
use crate::view::candidate::{CameraView, ConfirmReason};
use fengjuan_camera::{
    CameraDevice, CameraFault, CameraSource, PATTERN_ID, ShotRequest, encode_jpeg, small_jpeg,
};
use fengjuan_core::event::{Event, PictureUse};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::seat::SeatState;
use fengjuan_core::snapshot::Due;
use fengjuan_device::recorder::SYSTEM;
use fengjuan_device::refusal::{Answer, refused};
use fengjuan_wire::room::{LARGEST_SMALL_PICTURE_BYTES, SmallPicture};
use std::sync::{Arc, Weak};

const JPEG_QUALITY: u8 = 80;

/// A picture, or why there is none.
struct Shot {
    jpeg: Vec<u8>,
    /// The same, for the station's page; none where it could not be made.
    small: Option<Vec<u8>>,
    pattern: bool,
}

/// Takes one picture from the camera, or from the labelled pattern where that is allowed and there is no camera.
fn shoot(ports: &Ports, pattern_allowed: bool) -> Result<Shot, CameraFault> {
    let (source, id, pattern) = source(ports, pattern_allowed)?;
    let image = source.take(&id, &ShotRequest::vga())?;
    Ok(Shot {
        jpeg: encode_jpeg(&image, JPEG_QUALITY)?,
        small: small_jpeg(&image, LARGEST_SMALL_PICTURE_BYTES).ok(),
        pattern,
    })
}

fn source(
    ports: &Ports,
    pattern_allowed: bool,
) -> Result<(Arc<dyn CameraSource>, String, bool), CameraFault> {
    // A camera that is there and does not work is a fault, whatever may stand in for none.
    match ports.camera.list()?.into_iter().next() {
        Some(device) => Ok((Arc::clone(&ports.camera), device.id, device.pattern)),
        None if pattern_allowed => Ok((Arc::clone(&ports.pattern), PATTERN_ID.to_owned(), true)),
        None => Err(CameraFault::NotFound),
    }
}

/// What the check-in screen says of the camera.
pub(super) fn camera_view(ports: &Ports, pattern_allowed: bool) -> CameraView {
    let ready = |devices: Vec<CameraDevice>| devices.into_iter().next();
    match ports.camera.list().map(ready) {
        Ok(Some(device)) if device.pattern => CameraView::Pattern {},
        Ok(Some(device)) => CameraView::Ready { name: device.name },
        Ok(None) if pattern_allowed => CameraView::Pattern {},
        Ok(None) => CameraView::Fault {
            code: CameraFault::NotFound.code().to_owned(),
        },
        Err(fault) => CameraView::Fault {
            code: fault.code().to_owned(),
        },
    }
}

impl State {
    /// By the plan where this machine has shown no camera since the program started, or by a proctor's recorded decision.
    pub(super) fn pattern_allowed(&self) -> bool {
        self.active.as_ref().is_some_and(|active| {
            let by_plan = active.sitting().pattern_camera_allowed && !self.camera_worked;
            by_plan || active.day.pattern_allowed
        })
    }

    /// Never for a candidate of whom a camera has taken a picture: one that is gone since then is a fault.
    fn pattern_allowed_for(&self, ticket_no: &str) -> bool {
        let seat = self
            .active
            .as_ref()
            .and_then(|active| active.seats.get(ticket_no));
        self.pattern_allowed() && !seat.is_some_and(|seat| seat.real_picture)
    }

    pub(super) fn ask_for_picture(&mut self) -> Answer<After> {
        let ticket_no = self.visit()?.ticket_no.clone();
        let seat = self.active()?.seats.get(&ticket_no);
        if seat.is_some_and(SeatRecord::is_fenced) {
            return Err(CheckInError::GoesOnElsewhere.into());
        }
        let state = self.seat_state(&ticket_no);
        if !matches!(state, Some(SeatState::Identified | SeatState::Pictured)) {
            return Err(refused("seat.out_of_order"));
        }
        let visit = self.visit_mut()?;
        if visit.taking {
            return Err(refused("camera.busy"));
        }
        visit.taking = true;
        visit.why = ConfirmReason::Usual;
        Ok(After::TakePicture)
    }

    fn check_in_picture(&mut self, ticket_no: &str, shot: Result<Shot, CameraFault>) -> Answer {
        let now = self.now();
        let still_here = self
            .visit
            .as_ref()
            .is_some_and(|visit| visit.ticket_no == ticket_no && visit.taking);
        if !still_here {
            return Ok(());
        }
        self.visit_mut()?.taking = false;
        let shot = match shot {
            Ok(shot) => shot,
            Err(fault) => {
                self.visit_mut()?.camera = CameraView::Fault {
                    code: fault.code().to_owned(),
                };
                let event = Event::PictureFailed {
                    usage: PictureUse::CheckIn,
                    cause: fault.code().to_owned(),
                    due_ms: None,
                    attempts: 1,
                };
                return self.record_seat(SYSTEM, ticket_no, &[event], now, Vec::new());
            }
        };
        let jpeg = shot.jpeg.clone();
        let pattern = shot.pattern;
        self.seal_shot(ticket_no, shot, PictureUse::CheckIn, None, now)?;
        let visit = self.visit_mut()?;
        visit.picture = Some(jpeg);
        visit.retaking = false;
        if pattern {
            visit.camera = CameraView::Pattern {};
        }
        Ok(())
    }

    /// Seals a picture and records it in one transaction.
    fn seal_shot(
        &mut self,
        ticket_no: &str,
        shot: Shot,
        usage: PictureUse,
        due_ms: Option<ExamMs>,
        now: ExamMs,
    ) -> Answer {
        let active = self.active()?;
        let seat = active
            .seats
            .get(ticket_no)
            .ok_or_else(|| refused("desk.unknown_ticket"))?;
        let pattern = shot.pattern;
        let small = shot.small.map(|jpeg| SmallPicture {
            sitting_no: active.sitting_no().to_owned(),
            attempt_id: seat.attempt_id.to_vec(),
            usage,
            taken_ms: now,
            pattern,
            jpeg,
        });
        let taken = TakenPicture {
            jpeg: shot.jpeg,
            usage,
            taken_ms: now,
            due_ms,
            pattern,
        };
        let sealed = sealing::seal_picture(
            &self.shared.keys,
            &active.held.document,
            &seat.attempt_id,
            taken,
        )?;
        let event = Event::PictureTaken {
            usage,
            hash: sealed.object.hash,
            salted: sealed.salted,
            pattern,
            due_ms,
        };
        self.store_sealed(
            "picture",
            ticket_no,
            &sealed.object.hash,
            &sealed.object.bytes,
            event,
            SYSTEM,
            now,
        )?;
        self.camera_worked |= !pattern;
        if let Some(small) = small {
            self.small.add(small);
        }
        Ok(())
    }

    /// The picture of whoever has moved here, beside the due ones. One that fails leaves its cause.
    fn moved_picture(&mut self, ticket_no: &str, shot: Result<Shot, CameraFault>) -> Answer {
        let now = self.now();
        match shot {
            Ok(shot) => self.seal_shot(ticket_no, shot, PictureUse::Snapshot, None, now),
            Err(fault) => {
                let event = Event::PictureFailed {
                    usage: PictureUse::Snapshot,
                    cause: fault.code().to_owned(),
                    due_ms: None,
                    attempts: 1,
                };
                self.record_seat(SYSTEM, ticket_no, &[event], now, Vec::new())
            }
        }
    }

    /// The snapshot to take now, if one is due; the camera counts as busy from here on.
    fn due_snapshot(&mut self, now: ExamMs) -> Option<(String, Due)> {
        let run = self.run.as_ref()?;
        let active = self.active.as_ref()?;
        let seat = active.seats.get(&run.ticket_no)?;
        let of = run.schedule(active.sitting());
        let due = seat.snapshots.next(&of, now, &run.outage_spans())?;
        let ticket_no = run.ticket_no.clone();
        let seat = self.active.as_mut()?.seats.get_mut(&ticket_no)?;
        seat.snapshots.began();
        Some((ticket_no, due))
    }

    /// No picture will come of what was begun.
    fn no_camera_thread(&mut self) {
        let now = self.now();
        if let Some(visit) = &mut self.visit {
            visit.taking = false;
        }
        if let (Some(run), Some(active)) = (&self.run, &mut self.active)
            && let Some(seat) = active.seats.get_mut(&run.ticket_no)
        {
            seat.snapshots.ended(true, now);
        }
    }

    fn snapshot_done(&mut self, ticket_no: &str, due: Due, shot: Result<Shot, CameraFault>) {
        let now = self.now();
        let failed = shot.is_err();
        let running = self
            .run
            .as_ref()
            .is_some_and(|run| run.ticket_no == ticket_no);
        if running {
            let done = match shot {
                Ok(shot) => {
                    self.seal_shot(ticket_no, shot, PictureUse::Snapshot, Some(due.due_ms), now)
                }
                Err(fault) => self.snapshot_failed(ticket_no, due, fault.code(), now),
            };
            if let Err(refusal) = done {
                tracing::warn!(code = refusal.code, "a snapshot could not be recorded");
            }
        }
        let seats = self.active.as_mut().map(|active| &mut active.seats);
        if let Some(seat) = seats.and_then(|seats| seats.get_mut(ticket_no)) {
            seat.snapshots.ended(failed, now);
        }
    }

    fn snapshot_failed(&mut self, ticket_no: &str, due: Due, cause: &str, now: ExamMs) -> Answer {
        let tries = self
            .active()?
            .seats
            .get(ticket_no)
            .map_or(0, |seat| seat.snapshots.tries(due.due_ms));
        let event = Event::PictureFailed {
            usage: PictureUse::Snapshot,
            cause: cause.to_owned(),
            due_ms: Some(due.due_ms),
            attempts: tries + 1,
        };
        self.record_seat(SYSTEM, ticket_no, &[event], now, Vec::new())
    }
}

impl Terminal {
    /// Takes the check-in picture on a thread of its own.
    pub(super) fn spawn_check_in_picture(self: &Arc<Terminal>) {
        let (ticket_no, pattern_allowed) = {
            let state = self.state();
            let Some(visit) = &state.visit else { return };
            (
                visit.ticket_no.clone(),
                state.pattern_allowed_for(&visit.ticket_no),
            )
        };
        self.spawn_shot(pattern_allowed, move |state, shot| {
            if let Err(refusal) = state.check_in_picture(&ticket_no, shot) {
                tracing::warn!(
                    code = refusal.code,
                    "the check-in picture could not be kept"
                );
            }
        });
    }

    /// Takes the one picture of whoever goes on here after a swap.
    pub(super) fn spawn_moved_picture(self: &Arc<Terminal>) {
        let (ticket_no, pattern_allowed) = {
            let state = self.state();
            let Some(ticket_no) = state.moved_picture_due() else {
                return;
            };
            (ticket_no, state.pattern_allowed())
        };
        self.spawn_shot(pattern_allowed, move |state, shot| {
            if let Err(refusal) = state.moved_picture(&ticket_no, shot) {
                tracing::warn!(code = refusal.code, "the picture could not be kept");
            }
        });
    }

    /// Takes a snapshot if one is due.
    pub(super) fn spawn_due_snapshot(self: &Arc<Terminal>) {
        let (ticket_no, due, pattern_allowed) = {
            let mut state = self.state();
            let now = state.now();
            if state.trouble.is_some() {
                return;
            }
            let Some((ticket_no, due)) = state.due_snapshot(now) else {
                return;
            };
            let allowed = state.pattern_allowed_for(&ticket_no);
            (ticket_no, due, allowed)
        };
        self.spawn_shot(pattern_allowed, move |state, shot| {
            state.snapshot_done(&ticket_no, due, shot);
        });
    }

    fn spawn_shot(
        self: &Arc<Terminal>,
        pattern_allowed: bool,
        done: impl FnOnce(&mut State, Result<Shot, CameraFault>) + Send + 'static,
    ) {
        // The thread keeps only the ports alive while the camera works: a terminal that is closed meanwhile must give
        // its data directory free.
        let weak: Weak<Terminal> = Arc::downgrade(self);
        let ports = self.shared.ports.clone();
        let finish = move |shot: Result<Shot, CameraFault>| {
            if let Some(terminal) = weak.upgrade() {
                terminal.change(|state| done(state, shot));
            }
        };
        let work = move || {
            // A driver's panic must not leave the seat waiting for a picture for ever.
            let shot = std::panic::AssertUnwindSafe(|| shoot(&ports, pattern_allowed));
            finish(std::panic::catch_unwind(shot).unwrap_or_else(|_| {
                Err(CameraFault::Broken("the camera's code panicked".to_owned()))
            }));
        };
        let spawned = std::thread::Builder::new()
            .name("camera".to_owned())
            .spawn(work);
        if let Err(error) = spawned {
            tracing::error!("no thread for the camera: {error}");
            self.change(State::no_camera_thread);
        }
    }
}
