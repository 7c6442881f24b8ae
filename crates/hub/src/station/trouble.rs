//! What is wrong with a seat: at most one thing is shown on its tile, the worst.

use super::books::Book;
use super::seats::Seat;
use super::snapshot::Snapshot;
use super::{State, Station};
use crate::view::room::{TileAlert, TileAlertKind};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::Device;
use fengjuan_core::room::alert::Alert;
use fengjuan_core::room::contact::Contact;
use fengjuan_core::room::lease::AttemptId;
use fengjuan_device::refusal::{With, notice};
use fengjuan_device::view::{Notice, Tone};

impl Station {
    /// Everything that is wrong with a seat, worst first.
    pub(super) fn troubles(
        &self,
        state: &State,
        room: &Snapshot,
        book: Option<&Book>,
        seat: &Seat<'_>,
    ) -> Vec<(TileAlert, Notice)> {
        let mut found = Vec::new();
        let mut add = |kind, since_ms, said: Notice| {
            found.push((TileAlert { kind, since_ms }, said));
        };
        if let Some(device) = seat.device {
            of_alerts(state, room, &device, seat.attempt(), &mut add);
            if let Some(Contact::OutOfContact { since_ms }) = room.contacts.get(&device) {
                let said = notice("trouble.out_of_contact", Tone::Amber);
                add(TileAlertKind::OutOfContact, *since_ms, said);
            }
        }
        let answering = seat.told.started_ms.is_some() && seat.told.handed_in.is_none();
        if let Some(outage) = seat.told.outages.first().filter(|_| answering) {
            let said = notice("trouble.outage", Tone::Amber).with("cause", outage.cause.code());
            add(TileAlertKind::OutageUndecided, outage.from_ms, said);
        }
        if let Some((refused_ms, cause)) = book.and_then(|book| start_refused(room, book, seat)) {
            let said = notice("trouble.not_started", Tone::Amber).with("cause", cause);
            add(TileAlertKind::NotStarted, refused_ms, said);
        }
        if let Some(book) = book.filter(|book| self.keys_missing(room, book, seat)) {
            let unlocked_ms = state.log.moments(book.number()).unlocked_ms;
            let said = notice("trouble.keys_missing", Tone::Amber);
            add(
                TileAlertKind::KeysMissing,
                unlocked_ms.unwrap_or(room.now),
                said,
            );
        }
        if let Some(since_ms) = seat.waits_for_staff(room) {
            let said = notice("trouble.needs_confirmation", Tone::Amber);
            add(TileAlertKind::NeedsConfirmation, since_ms, said);
        }
        found.sort_by_key(|(alert, _)| alert.kind);
        found
    }

    /// The sitting is open here, somebody is expected at the machine, and it has said since that it lacks the keys.
    fn keys_missing(&self, room: &Snapshot, book: &Book, seat: &Seat<'_>) -> bool {
        let (Some(seen), Some(device)) = (seat.seen(room), seat.device) else {
            return false;
        };
        let key = &book.held.key;
        let has = seen
            .unlocked
            .iter()
            .any(|one| one.sitting_no == key.sitting_no && one.version == key.version);
        let wanted = seat.entrant.is_some() && seat.told.handed_in.is_none();
        wanted && !has && seen.beat.is_some() && room.in_contact(&device) && self.is_open(book)
    }
}

/// The machine refused the start, and whoever is expected there has not begun.
fn start_refused<'r>(
    room: &'r Snapshot,
    book: &Book,
    seat: &Seat<'_>,
) -> Option<(ExamMs, &'r str)> {
    let day = room.days.get(book.number())?;
    let cause = day.unstarted.get(&seat.device?)?;
    let (_, at_ms) = day.track.started?;
    let begun = seat.told.started_ms.is_some() || seat.entrant.is_none();
    (!begun).then_some((at_ms, cause.as_str()))
}

fn of_alerts(
    state: &State,
    room: &Snapshot,
    device: &Device,
    attempt: Option<AttemptId>,
    add: &mut impl FnMut(TileAlertKind, ExamMs, Notice),
) {
    for open in &room.alerts {
        let since = state.log.alerts.get(&open.alert_no);
        let since_ms = since.map_or(room.now, |(raised_ms, _)| *raised_ms);
        match &open.alert {
            Alert::Storage { device: one, code } if one == device => {
                let said = notice("trouble.storage", Tone::Red).with("cause", code);
                add(TileAlertKind::Storage, since_ms, said);
            }
            Alert::Camera { device: one, code } if one == device => {
                let said = notice("trouble.camera", Tone::Amber).with("cause", code);
                add(TileAlertKind::Camera, since_ms, said);
            }
            Alert::Fork { device: one, .. } | Alert::WentBack { device: one } if one == device => {
                let said = notice("trouble.fork", Tone::Red);
                add(TileAlertKind::Fork, since_ms, said);
            }
            Alert::TwoTerminals { other, .. } if other == device => {
                let said = notice("trouble.fenced", Tone::Amber);
                add(TileAlertKind::Fenced, since_ms, said);
            }
            Alert::NobodyHolds { attempt: one } if Some(*one) == attempt => {
                let said = notice("trouble.fenced", Tone::Red);
                add(TileAlertKind::Fenced, since_ms, said);
            }
            _ => {}
        }
    }
}
