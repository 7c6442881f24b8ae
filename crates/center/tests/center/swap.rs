//! 换机续考 at the center: one attempt in two ledgers, judged by its leases alone.

use crate::day::{Device, SITTING, START_MS};
use crate::hubs::Station;
use crate::results::{DONE, Story, codes, line, replicate, send};
use crate::terminal::{MINUTE, Sat, Terminal};
use fengjuan_center::results::Status;
use fengjuan_core::attempt::Input;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::item::OptionSet;
use fengjuan_core::room::lease::{CarryPoint, LeaseCause, LeaseGiven};
use fengjuan_wire::bundle::{Bundle, Carried};

/// One candidate who answers 60 questions at the first machine, goes on there unheard, and answers 30 more at another.
struct Swap<'a> {
    old: Terminal<'a>,
    spare: Terminal<'a>,
    /// As far as the first machine went on alone.
    unheard: Sat,
    sat: Sat,
    point: CarryPoint,
    /// What the hub held of the first machine.
    carried: Carried,
}

impl<'a> Swap<'a> {
    fn made(story: &'a Story, second: &'a Device) -> Swap<'a> {
        let mut old = story.terminal();
        let mut spare = Terminal::unlocked(&story.day, second, 6);
        let mut sat = old.candidate("C1", 0);
        old.identify(&mut sat);
        old.confirm(&sat);
        old.start(&mut sat, START_MS);
        old.answer(&mut sat, 60);
        let point = CarryPoint {
            lease: 1,
            ledger_id: old.ledger.id,
            size: old.ledger.entries.len() as u64,
        };
        let entries = old.ledger.of_attempt(&sat.attempt_id);
        let mut unheard = sat.clone();
        for position in 0..20 {
            let chosen = OptionSet::default();
            old.input(&mut unheard, Input::Choose { position, chosen });
        }
        spare.ledger.lease = 2;
        let taken = Event::LeaseTaken {
            attempt: sat.attempt_id,
            lease: 2,
            carry: vec![point],
        };
        spare.record(&sat, &taken);
        sat.objects.clear();
        spare.answer(&mut sat, 90);
        spare.hand_in(&mut sat, true);
        Swap {
            old,
            spare,
            unheard,
            sat,
            point,
            carried: Carried { point, entries },
        }
    }

    fn bundle(&mut self) -> Bundle {
        Bundle {
            carried: vec![self.carried.clone()],
            ..self.spare.bundle(&mut self.sat, DONE)
        }
    }
}

/// What a station's ledger says of the swap.
fn given(swap: &Swap<'_>, lease: u64, device: &Device) -> Event {
    let carry = if lease == 1 { vec![] } else { vec![swap.point] };
    let given = LeaseGiven {
        attempt: swap.sat.attempt_id,
        lease,
        epoch: 1,
        device: Hash32(*device.sign.public().as_bytes()),
        ledger_id: if lease == 1 {
            swap.old.ledger.id
        } else {
            swap.spare.ledger.id
        },
        carry,
        cause: LeaseCause::Swap,
    };
    Event::LeaseGiven { given }
}

#[tokio::test]
async fn an_attempt_that_moved_is_graded_from_what_was_carried_on() {
    let story = Story::new();
    let second = story.day.approved(2);
    let mut swap = Swap::made(&story, &second);
    let bundle = swap.bundle();
    replicate(&swap.old, &story.device).await;
    replicate(&swap.spare, &second).await;
    send(
        &swap.old,
        &swap.unheard,
        &swap.old.bundle(&mut swap.unheard.clone(), DONE),
    )
    .await;
    send(&swap.spare, &swap.sat, &bundle).await;
    let results = story.results();
    assert_eq!(
        codes(&results),
        ["results.fenced_bundle", "results.lease_ungiven"],
        "{:?}",
        results.anomalies
    );
    let line = line(&results, &swap.sat);
    let grade = line.grade.as_ref().unwrap();
    let right: u32 = grade.by_type.iter().map(|row| row.right).sum();
    assert_eq!((line.status, right), (Status::Normal, 90));
}

#[tokio::test]
async fn a_carried_entry_that_is_left_out_or_made_up_is_severe() {
    let story = Story::new();
    let second = story.day.approved(2);
    let mut swap = Swap::made(&story, &second);
    replicate(&swap.old, &story.device).await;
    replicate(&swap.spare, &second).await;
    let last = swap.carried.entries.pop().unwrap();
    let short = swap.bundle();
    send(&swap.spare, &swap.sat, &short).await;
    assert!(codes(&story.results()).contains(&"results.entries_left_out"));
    swap.carried.entries.push(last);
    let beyond = swap.old.ledger.of_attempt(&swap.sat.attempt_id);
    swap.carried.entries.push(beyond.last().unwrap().clone());
    let long = swap.bundle();
    send(&swap.spare, &swap.sat, &long).await;
    assert!(codes(&story.results()).contains(&"results.entry_foreign"));
}

#[tokio::test]
async fn the_stations_leases_decide_and_nobody_elses() {
    let story = Story::new();
    let second = story.day.approved(2);
    let mut swap = Swap::made(&story, &second);
    let bundle = swap.bundle();
    let elsewhere = CarryPoint {
        size: swap.point.size - 1,
        ..swap.point
    };
    // A terminal that gives itself a lease is not listened to.
    let one = given(&swap, 1, &story.device);
    swap.old.ledger.add(None, &one, START_MS, None);
    replicate(&swap.old, &story.device).await;
    replicate(&swap.spare, &second).await;
    send(
        &swap.old,
        &swap.unheard,
        &swap.old.bundle(&mut swap.unheard.clone(), DONE),
    )
    .await;
    send(&swap.spare, &swap.sat, &bundle).await;
    assert!(codes(&story.results()).contains(&"results.lease_ungiven"));
    let station = Station::delegated(&story.day, 9);
    let mut ledger = crate::ledger::Ledger::new(&story.day.home, 8);
    for event in [given(&swap, 1, &story.device), given(&swap, 2, &second)] {
        ledger.add(None, &event, START_MS + MINUTE, None);
    }
    let mut hub = Terminal::unlocked(&story.day, &story.device, 8);
    (hub.device, hub.ledger) = (&station.device, ledger);
    replicate(&hub, &station.device).await;
    let results = story.results();
    assert!(
        codes(&results).contains(&"results.moved"),
        "{:?}",
        results.anomalies
    );
    assert_eq!(line(&results, &swap.sat).status, Status::Normal);
    let carried = Carried {
        point: elsewhere,
        ..swap.carried.clone()
    };
    swap.carried = carried;
    let other = swap.bundle();
    send(&swap.spare, &swap.sat, &other).await;
    assert!(codes(&story.results()).contains(&"results.lease_differs"));
    assert_eq!(story.results().sitting.sitting_no, SITTING);
}
