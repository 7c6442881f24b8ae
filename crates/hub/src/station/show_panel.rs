//! One seat: who, how, what happened, and what may be done about it now.

use super::books::{Book, Entrant};
use super::decide::{Wish, rules_of};
use super::refusal::{beforehand, of_room};
use super::seats::Seat;
use super::snapshot::Snapshot;
use super::trails::Mark;
use super::{State, Station};
use crate::view::action::{ActionScope, SecondPerson, StationAction};
use crate::view::room::TileState;
use crate::view::seat::*;
use fengjuan_core::event::{Event, event_kind};
use fengjuan_core::plan::{ExamMs, Role};
use fengjuan_core::room::alert::{Alert, Open};
use fengjuan_core::room::lease::LeaseCause;
use fengjuan_core::room::rules::Person;
use fengjuan_core::room::seating::Use;
use fengjuan_core::room::station::Actor;
use fengjuan_device::refusal::{With, notice, refused};
use fengjuan_device::view::{Notice, Tone};

impl Station {
    pub(super) fn panel(
        &self,
        state: &State,
        room: &Snapshot,
        book: Option<&Book>,
        seat: &Seat<'_>,
        late_ms: Option<ExamMs>,
    ) -> SeatPanel {
        let address = seat
            .device
            .and_then(|device| self.hub.devices().get(&device));
        SeatPanel {
            seat_no: seat.seat_no,
            machine: seat.machine(room),
            device_name: seat.device.map(|device| room.name_of(&device)),
            address: address.map(|known| known.address.to_string()),
            candidate: book
                .zip(seat.entrant)
                .map(|(book, one)| candidate(book, one, seat)),
            state: seat.state(room, late_ms),
            answered: seat.answered(room),
            questions: seat.entrant.map(|one| one.questions),
            ends_ms: seat.ends_ms(room),
            progress: seat.progress,
            pictures: super::pictures::seen(&self.hub, room, seat),
            camera: seat.camera_fault(room),
            trouble: self.trouble(state, room, book, seat),
            history: history(state, room, seat),
            actions: self.deeds(state, room, book, seat, late_ms),
            spares: spares(room, seat),
        }
    }

    fn trouble(
        &self,
        state: &State,
        room: &Snapshot,
        book: Option<&Book>,
        seat: &Seat<'_>,
    ) -> Option<PanelTrouble> {
        let worst = self.troubles(state, room, book, seat).into_iter().next();
        let outage = seat.told.outages.first().filter(|_| is_running(seat));
        let (alert, said) = worst?;
        Some(PanelTrouble {
            notice: said,
            since_ms: alert.since_ms,
            outage: outage.map(|outage| PanelOutage {
                outage_no: outage.outage_no,
                cause: outage.cause,
                from_ms: outage.from_ms,
                to_ms: outage.to_ms,
                proposed_ms: outage.proposed_ms,
            }),
        })
    }

    /// What may be done with this seat in its state. What blocks it is asked of the station's machine itself.
    fn deeds(
        &self,
        state: &State,
        room: &Snapshot,
        book: Option<&Book>,
        seat: &Seat<'_>,
        late_ms: Option<ExamMs>,
    ) -> Vec<SeatDeed> {
        let now_state = seat.state(room, late_ms);
        let possible = possible(room, book, seat, now_state, late_ms);
        let deed = |deed: SeatDeedName| {
            let rule = rules_of(deed);
            SeatDeed {
                deed,
                blocked_by: self.blocked(state, room, book, seat, deed),
                second: rule.second,
                reason: rule.reason,
            }
        };
        possible.into_iter().map(deed).collect()
    }

    fn blocked(
        &self,
        state: &State,
        room: &Snapshot,
        book: Option<&Book>,
        seat: &Seat<'_>,
        deed: SeatDeedName,
    ) -> Option<Notice> {
        let Some(user) = &state.desk.user else {
            return Some(beforehand(refused("station.not_logged_in")));
        };
        let action = tried(room, seat, deed)?;
        let wish = match super::decide::wish(room, book, &action) {
            Ok(Wish::Act(action)) => action,
            Ok(_) => return None,
            Err(refusal) => return Some(beforehand(refusal)),
        };
        // As if everything that is asked for with it were given.
        let actor = Actor {
            person: Person {
                staff_id: user.staff_id.clone(),
                role: user.role,
            },
            second: Some(Person {
                staff_id: String::new(),
                role: Role::SiteHead,
            }),
            reason: "–".to_owned(),
        };
        let tried = self
            .hub
            .room()
            .read(|station| station.propose(&wish, &actor, &mut || [0; 16], room.now));
        tried.err().map(|error| beforehand(of_room(&error)))
    }
}

fn is_running(seat: &Seat<'_>) -> bool {
    seat.told.started_ms.is_some() && seat.told.handed_in.is_none()
}

fn candidate(book: &Book, one: &Entrant, seat: &Seat<'_>) -> PanelCandidate {
    let candidate = &one.candidate;
    PanelCandidate {
        ticket_no: candidate.ticket_no.clone(),
        name: candidate.name.clone(),
        masked_id: candidate.masked_id(),
        class_name: one.class_name.clone(),
        employer: candidate.employer.clone(),
        photo: Some(super::pictures::photo_path(book.number(), &one.ticket)),
        arrival_ms: seat.told.arrival_ms,
        extra_minutes: candidate.accommodation.extra_minutes,
    }
}

/// Newest first.
fn history(state: &State, room: &Snapshot, seat: &Seat<'_>) -> Vec<HistoryRow> {
    let Some(attempt) = seat.attempt() else {
        return Vec::new();
    };
    let chain = room.attempts.get(&attempt).map(|known| &known.chain);
    let chain = chain.filter(|chain| chain.last().is_some());
    let marks = state.trails.of(&attempt, chain);
    let row = |mark: &&Mark| HistoryRow {
        at_ms: mark.at_ms,
        notice: told_event(&mark.event),
    };
    marks.iter().rev().map(row).collect()
}

/// An event by its titles, with what a person wants to know of it.
pub(super) fn told_event(event: &Event) -> Notice {
    let (reason, credit_ms) = match event {
        Event::TimeCredited {
            credit_ms, reason, ..
        }
        | Event::OutageDecided {
            credit_ms, reason, ..
        } => (Some(reason), Some(*credit_ms)),
        Event::RoomPostponed { by_ms, reason, .. } => (Some(reason), Some(*by_ms)),
        Event::NotAdmitted { reason, .. }
        | Event::PictureSkipped { reason, .. }
        | Event::SuspendedByStaff { reason, .. }
        | Event::Removed { reason, .. }
        | Event::Reopened { reason, .. }
        | Event::LockoutReleased { reason, .. }
        | Event::MachineOutOfUse { reason, .. }
        | Event::MachineBackInUse { reason, .. }
        | Event::MachineMoved { reason, .. }
        | Event::MachineRefused { reason, .. }
        | Event::MachineMayAskAgain { reason, .. }
        | Event::MachineRevoked { reason, .. }
        | Event::OrderAwaited { reason, .. }
        | Event::RoomEnded { reason, .. }
        | Event::EpochRaised { reason, .. } => (Some(reason), None),
        Event::HandedIn { reason, .. } => (reason.as_ref(), None),
        Event::AlertAcknowledged { note, .. } => (Some(note), None),
        _ => (None, None),
    };
    let reason = reason.filter(|reason| !reason.is_empty());
    let said = match (credit_ms, reason) {
        (Some(ms), reason) => notice("event.span", Tone::Blue)
            .with("seconds", in_seconds(ms))
            .with("reason", reason.map_or("", String::as_str)),
        (None, Some(reason)) => notice("event.reason", Tone::Blue).with("reason", reason),
        (None, None) => notice("event", Tone::Blue),
    };
    let kind = event_kind(event.kind());
    let (zh, en) = kind.map_or(("", ""), |kind| (kind.zh, kind.en));
    said.with("kind", event.kind())
        .with("zh", zh)
        .with("en", en)
}

/// A credit or a postponement to the nearest second, as the page shows spans: an outage may be worth less than a minute.
pub(super) fn in_seconds(ms: i64) -> i64 {
    (ms + 500).div_euclid(1_000)
}

/// What makes sense in a state; whether it is allowed is another question.
fn possible(
    room: &Snapshot,
    book: Option<&Book>,
    seat: &Seat<'_>,
    state: TileState,
    late_ms: Option<ExamMs>,
) -> Vec<SeatDeedName> {
    use SeatDeedName::*;
    let day = book.and_then(|book| room.days.get(book.number()));
    let unstarted = day.zip(seat.device);
    let unstarted = unstarted.is_some_and(|(day, device)| day.unstarted.contains_key(&device));
    let mut deeds = match state {
        TileState::Empty => Vec::new(),
        TileState::Expected => vec![Arrive],
        TileState::Arrived => vec![NotAdmitted],
        TileState::CheckedIn if seat.waits_for_staff(room).is_some() => {
            vec![Confirm, NotAdmitted, Swap]
        }
        TileState::CheckedIn => vec![NotAdmitted, Swap],
        TileState::Confirmed | TileState::Waiting => vec![NotAdmitted, Swap],
        TileState::Answering => vec![Credit, Suspend, Swap, ForceHandIn, Remove],
        TileState::Suspended => vec![Resume, Credit, Swap, ForceHandIn, Remove],
        TileState::HandedIn => vec![Reopen],
        TileState::Absent | TileState::ArrivedNotSeated | TileState::LateRefused => vec![Arrive],
        TileState::Removed | TileState::NotAdmitted => Vec::new(),
    };
    let waits = matches!(
        state,
        TileState::Expected
            | TileState::Arrived
            | TileState::CheckedIn
            | TileState::Absent
            | TileState::LateRefused
    );
    if waits && late_ms.is_some_and(|late_ms| room.now > late_ms) {
        deeds.push(LateEntry);
    }
    if unstarted && seat.entrant.is_some() && seat.told.started_ms.is_none() {
        deeds.insert(0, StartSeat);
    }
    if is_running(seat) && !seat.told.outages.is_empty() {
        deeds.insert(0, DecideOutage);
    }
    let swapped = seat
        .attempt()
        .and_then(|attempt| room.attempts.get(&attempt));
    let last = swapped.and_then(|known| known.chain.last());
    let goes_on = swapped.is_some_and(|known| !known.standing.handed_in);
    if last.is_some_and(|last| last.cause == LeaseCause::Swap) && goes_on {
        deeds.push(UndoSwap);
    }
    let free = seat
        .device
        .is_some_and(|device| room.running_at(&device).is_none());
    if free {
        deeds.push(OutOfUse);
    }
    deeds.push(MoveNumber);
    deeds
}

/// The action that a deed would be, with the least that it needs.
fn tried(room: &Snapshot, seat: &Seat<'_>, deed: SeatDeedName) -> Option<StationAction> {
    let seat_no = seat.seat_no;
    let ticket_no = seat.entrant.map(|one| one.candidate.ticket_no.clone());
    let ticket_no = ticket_no.unwrap_or_default();
    let (reason, scope) = (String::new(), ActionScope::Seat { seat_no });
    let second = || SecondPerson {
        staff_id: String::new(),
        password: String::new(),
    };
    let spare = || spares(room, seat).into_iter().next();
    Some(match deed {
        SeatDeedName::StartSeat => StationAction::StartSeat { seat_no },
        SeatDeedName::Arrive => StationAction::Arrive { ticket_no },
        SeatDeedName::Confirm => StationAction::Confirm {
            ticket_no,
            id_document: true,
            person: true,
            ticket: true,
            contraband_clear: true,
        },
        SeatDeedName::NotAdmitted => StationAction::NotAdmitted { ticket_no, reason },
        SeatDeedName::LateEntry => StationAction::LateEntry {
            ticket_no,
            reason,
            phone: None,
            second: second(),
        },
        SeatDeedName::Credit => StationAction::Credit {
            scope,
            minutes: 1,
            reason,
            phone: None,
            second: None,
        },
        SeatDeedName::DecideOutage => StationAction::DecideOutage {
            seat_no,
            outage_no: seat.told.outages.first()?.outage_no,
            credit_ms: 0,
            cause: seat.told.outages.first()?.cause,
            reason,
        },
        SeatDeedName::Suspend => StationAction::Suspend { scope, reason },
        SeatDeedName::Resume => StationAction::Resume { scope, reason },
        SeatDeedName::Swap => StationAction::Swap {
            seat_no,
            device: spare().map_or_else(String::new, |spare| spare.device),
            reason,
        },
        SeatDeedName::UndoSwap => StationAction::UndoSwap {
            seat_no,
            reason,
            second: second(),
        },
        SeatDeedName::Remove => StationAction::Remove {
            seat_no,
            reason,
            second: second(),
        },
        SeatDeedName::ForceHandIn => StationAction::ForceHandIn { seat_no, reason },
        SeatDeedName::Reopen => StationAction::Reopen {
            seat_no,
            reason,
            phone: None,
            second: second(),
        },
        SeatDeedName::OutOfUse => StationAction::OutOfUse {
            device: seat.device?.hex(),
            reason,
            second: second(),
        },
        SeatDeedName::MoveNumber => StationAction::MoveNumber {
            seat_no,
            device: spare()?.device,
            reason,
        },
    })
}

/// Machines that are heard and at which nobody sits: spares first. Where no machine holds the attempt any more, its own
/// is one of them.
fn spares(room: &Snapshot, seat: &Seat<'_>) -> Vec<SpareMachine> {
    let lost = |open: &Open| match &open.alert {
        Alert::NobodyHolds { attempt } => Some(*attempt) == seat.attempt(),
        _ => false,
    };
    let own = seat.device.filter(|_| room.alerts.iter().any(lost));
    let machines = room.seating.machines().iter();
    let free = machines.filter(|(device, machine)| {
        let free = Some(**device) != seat.device && room.running_at(device).is_none();
        machine.purpose != Use::OutOfUse
            && room.in_contact(device)
            && (free || own == Some(**device))
    });
    let mut free: Vec<(bool, SpareMachine)> = free
        .map(|(device, machine)| {
            let spare = SpareMachine {
                device: device.hex(),
                device_name: machine.name.clone(),
                seat_no: machine.seat_no,
            };
            (machine.seat_no.is_some(), spare)
        })
        .collect();
    free.sort_by(|one, two| (one.0, &one.1.device_name).cmp(&(two.0, &two.1.device_name)));
    free.into_iter().map(|(_, spare)| spare).collect()
}
