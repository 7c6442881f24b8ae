//! 换机续考: an attempt goes on at another terminal with what the hub holds of it, and with nothing else.

use crate::center::*;
use crate::evidence;
use crate::room::*;
use crate::station::*;
use fengjuan_core::attempt::{Attempt, AttemptPlan};
use fengjuan_core::event::{Event, Hash32, OutageCause};
use fengjuan_core::room::command::CommandBody;
use fengjuan_core::room::lease::{CarryPoint, LeaseChain};
use fengjuan_device::channel::Taken;
use fengjuan_store::Database;
use fengjuan_terminal::view::Screen;
use fengjuan_terminal::view::action::*;
use fengjuan_wire::bundle::Bundle;
use fengjuan_wire::entry::Entry;

pub const TICKET: &str = "S1-01";

/// What a hub holds: a ledger's first entries.
pub struct Replica {
    ledger_id: [u8; 16],
    size: u64,
    pub entries: Vec<Vec<u8>>,
}

impl Replica {
    pub fn of(room: &Room) -> Replica {
        let reader = Database::read_only(&room.data).unwrap();
        let entries = reader.entries(0, usize::MAX / 2).unwrap();
        let of_attempt = entries
            .iter()
            .filter(|entry| entry.attempt == Some(attempt(TICKET)));
        Replica {
            ledger_id: reader.head().unwrap().ledger_id,
            size: reader.size().unwrap(),
            entries: of_attempt.map(|entry| entry.bytes.clone()).collect(),
        }
    }

    pub fn carry(&self, lease: u64) -> CarryPoint {
        CarryPoint {
            lease,
            ledger_id: self.ledger_id,
            size: self.size,
        }
    }
}

pub fn lease(number: u64, carry: Vec<CarryPoint>) -> CommandBody {
    CommandBody::Lease {
        attempt: attempt(TICKET),
        lease: number,
        carry,
    }
}

pub fn fence(number: u64) -> CommandBody {
    CommandBody::Fence {
        attempt: attempt(TICKET),
        lease: number,
        holder: Hash32([9; 32]),
    }
}

/// An old terminal with two replicated answers and one that never left it, and a spare whose papers are open.
fn two_terminals() -> (Room, Room, Replica) {
    let old = Room::new();
    old.sit(TICKET);
    ok(old.choose(0, 0));
    old.does(CandidateAction::Show { position: 1 });
    ok(old.choose(1, 1));
    let replica = Replica::of(&old);
    old.does(CandidateAction::Show { position: 2 });
    ok(old.choose(2, 0));
    old.pass(40_000);
    let spare = old.beside();
    let keys = old.issued[0].sitting_keys();
    spare.terminal().keys("S1", 1, &keys).unwrap();
    *spare.outward.replicas.lock().unwrap() = Some(replica.entries.clone());
    (old, spare, replica)
}

fn answered(room: &Room) -> Vec<bool> {
    let sheet = exam(room.view()).sheet;
    sheet.iter().take(4).map(|cell| cell.answered).collect()
}

/// Judges a bundle as the center does, by the leases alone.
fn judged(old: &Room, bundle: &Bundle) -> Attempt {
    let carry: Vec<CarryPoint> = bundle.carried.iter().map(|one| one.point).collect();
    let own: [u8; 16] = bundle.ledger_id.as_slice().try_into().unwrap();
    let chain = LeaseChain::of_carry(attempt(TICKET), bundle.lease, own, &carry).unwrap();
    let mut entries = Vec::new();
    let carried = bundle.carried.iter().flat_map(|one| &one.entries);
    for bytes in carried.chain(&bundle.entries) {
        let entry = Entry::decode(bytes).unwrap();
        if let Some(place) = chain.place(entry.lease, &entry.ledger_id, entry.seq) {
            entries.push((place, bytes.clone()));
        }
    }
    entries.sort();
    let whole = Bundle {
        entries: entries.into_iter().map(|(_, bytes)| bytes).collect(),
        ..bundle.clone()
    };
    let replayed = evidence::replay(old, &old.issued[0], &whole);
    let _: &AttemptPlan = replayed.plan();
    replayed
}

#[test]
fn a_spare_goes_on_with_every_replicated_answer_and_no_other() {
    let (old, spare, replica) = two_terminals();
    let ends = exam(old.view()).ends_ms;
    let mut station = Station::over(&spare);
    station.tells(&spare, lease(2, vec![replica.carry(1)]));
    assert_eq!(answered(&spare), [true, true, false, false]);
    let view = spare.view();
    assert_eq!(view.banner.clone().unwrap().code, "banner.moved_here");
    assert_eq!(exam(view).ends_ms, ends);
    spare.until("the picture", |_| {
        (evidence::count(&spare, "exam.picture_taken") == 1).then_some(())
    });
    // The time between is an outage for the proctor to decide.
    let beat = spare.terminal().beat().seat.unwrap();
    assert_eq!((beat.lease, beat.undecided, beat.answered), (2, 1, 2));
    let decide = CommandBody::DecideOutage {
        attempt: attempt(TICKET),
        outage_no: 1,
        credit_ms: 40_000,
        cause: None,
    };
    station.tells(&spare, decide);
    assert_eq!(exam(spare.view()).ends_ms, ends + 40_000);
    spare.does(CandidateAction::Show { position: 3 });
    ok(spare.choose(3, 0));
    spare.hand_in();
    let bundles = evidence::bundles(&spare);
    let bundle = bundles.first().unwrap();
    assert_eq!((bundle.lease, bundle.carried.len()), (2, 1));
    let replayed = judged(&old, bundle);
    assert_eq!(replayed.counts().answered, 3);
    assert_eq!(replayed.answer(2).chosen.len(), 0);
    assert_eq!(replayed.outages()[0].cause, OutageCause::Device);
}

#[test]
fn a_fenced_terminal_takes_no_answer_and_keeps_what_it_has() {
    let (mut old, _, _) = two_terminals();
    let mut station = Station::over(&old);
    let before = evidence::count(&old, "exam.answer_saved");
    station.tells(&old, fence(2));
    let Screen::Suspended(suspended) = old.screen() else {
        panic!("goes on: {:?}", old.screen());
    };
    assert!(suspended.moved_away && !suspended.needs_code);
    assert!(old.choose(3, 0).refused.is_some());
    // Nor after a restart, with the code typed again.
    old.restart();
    assert!(matches!(old.screen(), Screen::Suspended(view) if view.moved_away));
    old.unlock();
    assert!(old.choose(3, 0).refused.is_some());
    old.pass(3 * 60 * MINUTE);
    assert_eq!(evidence::count(&old, "exam.answer_saved"), before);
    assert_eq!(evidence::count(&old, "exam.handed_in"), 0);
    assert_eq!(evidence::bundles(&old).len(), 0);
    assert_eq!(
        station.tell(&old, fence(2)).as_deref(),
        Some("lease.out_of_order")
    );
    old.does(CandidateAction::Done {});
    assert!(matches!(old.screen(), Screen::Standby(_)));
}

#[test]
fn a_wrong_swap_leads_back_with_everything() {
    let (old, spare, replica) = two_terminals();
    let mut to_spare = Station::over(&spare);
    to_spare.tells(&spare, lease(2, vec![replica.carry(1)]));
    let mut to_old = Station::over(&old);
    to_old.tells(&old, fence(2));
    let all = Replica::of(&old);
    let spares = Replica::of(&spare);
    to_spare.tells(&spare, fence(3));
    let mut held = all.entries.clone();
    held.extend(spares.entries.clone());
    *old.outward.replicas.lock().unwrap() = Some(held);
    let nothing = CarryPoint {
        size: 0,
        ..spares.carry(2)
    };
    let body = CommandBody::Unfence {
        attempt: attempt(TICKET),
        lease: 3,
        carry: vec![all.carry(1), nothing],
    };
    to_old.tells(&old, body);
    assert_eq!(answered(&old), [true, true, true, false]);
    assert!(matches!(spare.screen(), Screen::Suspended(view) if view.moved_away));
    ok(old.choose(2, 1));
    old.hand_in();
    let bundles = evidence::bundles(&old);
    assert_eq!(bundles.first().unwrap().lease, 3);
}

#[test]
fn a_swap_waits_for_the_hub_and_needs_it_no_more_afterwards() {
    let (old, mut spare, replica) = two_terminals();
    let mut station = Station::over(&spare);
    *spare.outward.replicas.lock().unwrap() = None;
    let command = station.command(&spare, lease(2, vec![replica.carry(1)]));
    assert!(matches!(give(&spare, &command), Taken::NotNow { .. }));
    assert!(matches!(spare.screen(), Screen::Standby(_)));
    *spare.outward.replicas.lock().unwrap() = Some(replica.entries.clone());
    assert_eq!(acknowledged(give(&spare, &command)).refusal, None);
    *spare.outward.replicas.lock().unwrap() = None;
    ok(spare.choose(3, 0));
    let before = spare.standing();
    spare.restart();
    let keys = old.issued[0].sitting_keys();
    spare.terminal().keys("S1", 1, &keys).unwrap();
    assert_eq!(spare.standing(), before);
    assert_eq!(acknowledged(give(&spare, &command)).refusal, None);
    assert_eq!(evidence::count(&spare, "exam.lease_taken"), 1);
}

#[test]
fn a_seat_that_somebody_sits_at_takes_nobody_else() {
    let (_old, spare, replica) = two_terminals();
    spare.identify("S1-02");
    let mut station = Station::over(&spare);
    let refusal = station.tell(&spare, lease(2, vec![replica.carry(1)]));
    assert_eq!(refusal.as_deref(), Some("seat.taken"));
    assert!(matches!(spare.screen(), Screen::StaffConfirm(_)));
}

#[test]
fn whoever_is_seated_elsewhere_is_not_even_pictured() {
    let spare = Room::new();
    spare.does(CandidateAction::Begin {});
    let number = TICKET.to_owned();
    spare.does(CandidateAction::Identify { number });
    let mut station = Station::over(&spare);
    // Nobody at the station has decided this; it follows from who came first.
    let mut command = station.command(&spare, fence(1));
    command.command.by.clear();
    assert_eq!(acknowledged(give(&spare, &command)).refusal, None);
    let fenced = evidence::events(&spare);
    let mut fenced = fenced.iter().rev();
    let fenced = fenced.find(|(event, ..)| matches!(event, Event::Fenced { .. }));
    assert_eq!(fenced.unwrap().1, "station");
    let pictured = spare.candidate(CandidateAction::TakePicture {});
    assert_eq!(refused(pictured), "checkin.elsewhere");
    assert!(refused(spare.candidate(CandidateAction::AgreeRules {})).starts_with("lease."));
    assert_eq!(evidence::count(&spare, "exam.picture_taken"), 0);
}

/// Whatever the hub has answered is for good: a lease that cannot be taken does not hold up what was told after it.
#[test]
fn a_lease_that_was_overtaken_holds_up_nothing() {
    let (old, spare, replica) = two_terminals();
    let mut station = Station::over(&spare);
    *spare.outward.overtaken.lock().unwrap() = true;
    let refusal = station.tell(&spare, lease(2, vec![replica.carry(1)]));
    assert_eq!(refusal.as_deref(), Some("lease.fenced"));
    *spare.outward.overtaken.lock().unwrap() = false;
    let mut gap = replica.entries.clone();
    gap.remove(3);
    *spare.outward.replicas.lock().unwrap() = Some(gap);
    let refusal = station.tell(&spare, lease(3, vec![replica.carry(1)]));
    assert_eq!(refusal.as_deref(), Some("moved.entries_gap"));
    station.tells(&spare, CommandBody::SeatNumber { seat_no: Some(2) });
    assert_eq!(spare.view().device.seat_no, Some(2));
    // A gap beyond what is carried on is no gap.
    let mut beyond = Replica::of(&old).entries;
    beyond.remove(replica.entries.len());
    *spare.outward.replicas.lock().unwrap() = Some(beyond);
    station.tells(&spare, lease(4, vec![replica.carry(1)]));
    assert_eq!(answered(&spare), [true, true, false, false]);
}
