//! The end of an attempt and of a sitting: grading where the plan allows, sealing, absences, and the seed.

use super::active::Active;
use super::owed::LOCKED;
use super::state::State;
use crate::sealing;
use fengjuan_core::attempt::Input;
use fengjuan_core::event::{Event, Hash32, PictureUse};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::seat::SeatState;
use fengjuan_device::recorder::{SYSTEM, staff};
use fengjuan_device::refusal::{Answer, refused};
use fengjuan_store::{Change, StoredEntry};
use fengjuan_wire::bundle::{Bundle, Outcome};
use serde_bytes::ByteBuf;

/// The cause of a snapshot that was due when the attempt ended before the camera had delivered.
const NO_TIME_LEFT: &str = "camera.attempt_ended";

impl State {
    /// Every due snapshot gets its record before the attempt ends.
    pub(super) fn close_snapshots(&mut self, now: ExamMs) -> Answer {
        let (Some(run), Some(active)) = (&self.run, &self.active) else {
            return Ok(());
        };
        let Some(seat) = active.seats.get(&run.ticket_no) else {
            return Ok(());
        };
        let of = run.schedule(active.sitting());
        let missing = seat.snapshots.unrecorded(&of, now, &run.outage_spans());
        let events: Vec<Event> = missing
            .into_iter()
            .map(|due| Event::PictureFailed {
                usage: PictureUse::Snapshot,
                cause: NO_TIME_LEFT.to_owned(),
                due_ms: Some(due.due_ms),
                attempts: 0,
            })
            .collect();
        if events.is_empty() {
            return Ok(());
        }
        let ticket_no = run.ticket_no.clone();
        self.record_seat(SYSTEM, &ticket_no, &events, now, Vec::new())
    }

    /// After hand-in: forget the keys of this attempt, grade, seal. What storage refuses is tried again by the tick; the
    /// hand-in itself is durable.
    pub(super) fn finish_attempt(&mut self, now: ExamMs) {
        let Some(ticket_no) = self.run.as_ref().map(|run| run.ticket_no.clone()) else {
            return;
        };
        self.run = None;
        self.forget_score(&ticket_no);
        if let Err(refusal) = self.seal_seat(&ticket_no, now) {
            tracing::error!(code = refusal.code, "the bundle could not be sealed yet");
        }
        self.shared.outward.nudge();
    }

    /// Seals what one seat's person leaves behind, with everything that the ledger holds of them, and the site's score
    /// where there is one.
    pub(super) fn seal_seat(&mut self, ticket_no: &str, now: ExamMs) -> Answer {
        // A command is made durable first, and everything that it left to seal right after it.
        if self.staged.is_some() {
            return Ok(());
        }
        if !self.settle_score(ticket_no, now)? && self.bundle_waits(ticket_no, now) {
            return Err(refused(LOCKED));
        }
        let (entries, carried) = {
            let active = self.active()?;
            let seat = active
                .seats
                .get(ticket_no)
                .ok_or_else(|| refused("desk.unknown_ticket"))?;
            let attempt = &seat.attempt_id;
            let carried = super::moved::carried(&self.reader, attempt)?;
            (self.reader.entries_of_attempt(attempt)?, carried)
        };
        let checkpoint = match self.shared.outward.checkpoint() {
            Ok(note) => note,
            Err(error) => return Err(self.storage_refused(error)),
        };
        let site_half_points = self.score_of(ticket_no).map(|score| score.half_points);
        let ledger_id = self.reader.head()?.ledger_id;
        let active = self.active()?;
        let bundle = bundle_of(
            active,
            ticket_no,
            &entries,
            checkpoint,
            site_half_points,
            now,
        )?;
        let bundle = Bundle {
            ledger_id: ledger_id.to_vec(),
            carried,
            ..bundle
        };
        let sealed = sealing::seal_bundle(&self.shared.keys, &active.held.document, &bundle)?;
        let event = Event::BundleSealed {
            bundle_no: bundle.bundle_no,
            hash: sealed.hash,
        };
        self.store_sealed(
            "bundle",
            ticket_no,
            &sealed.hash,
            &sealed.bytes,
            event,
            SYSTEM,
            now,
        )?;
        self.shared.outward.nudge();
        Ok(())
    }

    /// Stores a sealed object and the entry that tells of it in one transaction.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn store_sealed(
        &mut self,
        kind: &str,
        ticket_no: &str,
        hash: &Hash32,
        bytes: &[u8],
        event: Event,
        actor: &str,
        now: ExamMs,
    ) -> Answer {
        let record = self
            .active()?
            .seats
            .get(ticket_no)
            .ok_or_else(|| refused("desk.unknown_ticket"))?;
        let mut after = record.clone();
        let lease = after.lease_for(&event)?;
        after.apply(&event, now)?;
        let attempt = Some((after.attempt_id, lease));
        let entry = self
            .shared
            .recorder
            .entry_under(actor, attempt, None, event, now);
        let change = Change::default().entry(entry);
        if let Err(error) = self
            .shared
            .recorder
            .store_object(kind, hash.0, bytes, change)
        {
            return Err(self.storage_refused(error));
        }
        if let Some(active) = &mut self.active {
            active.seats.insert(ticket_no.to_owned(), after);
        }
        Ok(())
    }

    /// Seals whatever a stop of the program or of storage has left unsealed.
    pub(super) fn seal_leftovers(&mut self, now: ExamMs) {
        let Some(active) = &self.active else { return };
        let unsealed = |state: SeatState| {
            matches!(
                state,
                SeatState::HandedIn
                    | SeatState::NotAdmitted
                    | SeatState::LateRefused
                    | SeatState::Absent
                    | SeatState::ArrivedNotSeated
            )
        };
        let left: Vec<String> = active
            .seats
            .iter()
            .filter(|(_, seat)| unsealed(seat.seat.state()) && seat.bundle.is_none())
            .filter(|(_, seat)| !seat.is_fenced())
            .map(|(ticket_no, _)| ticket_no.clone())
            .filter(|ticket_no| !self.bundle_waits(ticket_no, now))
            .collect();
        for ticket_no in left {
            if let Err(refusal) = self.seal_seat(&ticket_no, now) {
                tracing::warn!(code = refusal.code, "a bundle still waits to be sealed");
                return;
            }
        }
    }

    /// A proctor ends the sitting on this terminal: hands in whoever still answers, lists who never came or never sat
    /// down, and lays the seed by until it can be revealed.
    pub(super) fn end_sitting(&mut self, staff_id: &str, reason: &str, now: ExamMs) -> Answer {
        if reason.trim().is_empty() {
            return Err(refused("attempt.reason_missing"));
        }
        let active = self.active()?;
        if active.day.ended_ms.is_some() {
            return Err(refused("sitting.already_ended"));
        }
        let open_locked = active.open_ticket().is_some() && self.run.is_none();
        if open_locked || self.score_needs_code(now) {
            // The answers of an open attempt are locked until the code is typed again, and so is a score; nobody may
            // end it unseen.
            return Err(refused(LOCKED));
        }
        if self.run.is_some() {
            let input = Input::SittingEnded {
                staff_id: staff_id.to_owned(),
                reason: reason.trim().to_owned(),
            };
            self.drive(&staff(staff_id), input, now)?;
        }
        let sitting_no = self.active()?.sitting_no().to_owned();
        let mut day = self.active()?.day.clone();
        day.ended_ms = Some(now);
        let event = Event::SittingEnded {
            sitting_no: sitting_no.clone(),
            staff_id: staff_id.to_owned(),
            reason: reason.trim().to_owned(),
        };
        self.record(&staff(staff_id), event, vec![day.put(&sitting_no)?])?;
        self.active_mut()?.day = day;
        self.list_unseated(staff_id, now);
        self.settle_seed(now);
        self.free_unstarted()?;
        self.shared.outward.nudge();
        Ok(())
    }

    /// Whoever belongs to this terminal's seat and never came, or came and never sat down. A terminal without a seat
    /// number expects nobody.
    fn list_unseated(&mut self, staff_id: &str, now: ExamMs) {
        let (Some(seat_no), Some(active)) = (self.seat_no(), &self.active) else {
            return;
        };
        let missing: Vec<String> = active
            .roster
            .iter()
            .filter(|candidate| active.seat_of(candidate) == seat_no)
            .filter(|candidate| {
                let seat = active.seats.get(&candidate.ticket_no);
                seat.is_some_and(|seat| seat.seat.state() == SeatState::Standby)
            })
            .map(|candidate| candidate.ticket_no.clone())
            .collect();
        for ticket_no in missing {
            if let Err(refusal) = self.mark_absent(&ticket_no, staff_id, now) {
                tracing::warn!(code = refusal.code, "an absence could not be recorded");
            }
        }
    }

    /// Absent, where no arrival was stamped; else late, or arrived and never seated, as the stamp says.
    pub(super) fn mark_absent(&mut self, ticket_no: &str, staff_id: &str, now: ExamMs) -> Answer {
        let active = self.active()?;
        let seat = active
            .seats
            .get(ticket_no)
            .ok_or_else(|| refused("desk.unknown_ticket"))?;
        let limit_ms = seat.rules().late_limit_ms;
        let let_in = seat.rules().late_allowed;
        let arrival_ms = seat.stamped().map(|(arrival_ms, _)| arrival_ms);
        let event = match arrival_ms {
            Some(arrival_ms) if arrival_ms > limit_ms && !let_in => Event::LateRefused {
                arrival_ms,
                limit_ms,
                staff_id: staff_id.to_owned(),
            },
            Some(arrival_ms) => Event::ArrivedNotSeated {
                sitting_no: active.sitting_no().to_owned(),
                ticket_hash: active.ticket_hash(ticket_no),
                arrival_ms,
            },
            None => Event::Absent {
                sitting_no: active.sitting_no().to_owned(),
                ticket_hash: active.ticket_hash(ticket_no),
            },
        };
        self.record_seat(&staff(staff_id), ticket_no, &[event], now, Vec::new())?;
        self.seal_seat(ticket_no, now)
    }
}

fn bundle_of(
    active: &Active,
    ticket_no: &str,
    entries: &[StoredEntry],
    checkpoint: String,
    site_half_points: Option<u32>,
    now: ExamMs,
) -> Answer<Bundle> {
    let unknown = || refused("desk.unknown_ticket");
    let candidate = active.candidate(ticket_no).ok_or_else(unknown)?;
    let seat = active.seats.get(ticket_no).ok_or_else(unknown)?;
    let sitting = active.sitting();
    let class = sitting
        .class_group(&candidate.class_no)
        .ok_or_else(unknown)?;
    let package = match seat.begun {
        Some(begun) => begun.package,
        None => active
            .package_hash(&candidate.class_no)
            .ok_or_else(unknown)?,
    };
    let outcome = match seat.seat.state() {
        SeatState::NotAdmitted => Outcome::NotAdmitted {},
        SeatState::LateRefused => Outcome::LateRefused {},
        SeatState::Absent => Outcome::Absent {},
        SeatState::ArrivedNotSeated => Outcome::ArrivedNotSeated {},
        _ => Outcome::Attempted { site_half_points },
    };
    Ok(Bundle {
        site: active.held.document.site.clone(),
        sitting_no: sitting.sitting_no.clone(),
        version: sitting.version,
        class_no: candidate.class_no.clone(),
        package,
        attempt_id: seat.attempt_id.to_vec(),
        attempt_no: class.attempt_no,
        ticket_no: ticket_no.to_owned(),
        lease: seat.lease(),
        bundle_no: seat.bundles + 1,
        ledger_id: Vec::new(),
        entries: entries
            .iter()
            .map(|entry| ByteBuf::from(entry.bytes.clone()))
            .collect(),
        carried: Vec::new(),
        checkpoint,
        pictures: seat.pictures.clone(),
        outcome,
        sealed_ms: now,
    })
}
