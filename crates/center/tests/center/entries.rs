//! Ledgers replicated, witnessed, forked and read back.

use crate::day::{Day, Device, SITTING};
use crate::hubs::{Station, on_behalf};
use crate::ledger::Ledger;
use crate::protocol::{Caller, app};
use axum::http::{Method, StatusCode};
use fengjuan_center::alert::{self, AlertKind};
use fengjuan_center::roll::{self, RollScope};
use fengjuan_core::event::Event;
use fengjuan_core::room::alert::Alert;
use fengjuan_envelope::note;
use fengjuan_wire::upstream::{AttemptEntries, EntriesReply, EntriesRequest, Roll, VouchedReply};
use fengjuan_wire::{Hash32, Signed};

fn events(ledger: &mut Ledger, from: i64, count: i64) {
    for number in from..from + count {
        ledger.add(
            None,
            &Event::WallClockJumped { by_ms: number },
            number,
            None,
        );
    }
}

#[tokio::test]
async fn entries_are_replicated_and_witnessed_once() {
    let day = Day::planned();
    let terminal = day.approved(1);
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let mut ledger = Ledger::new(&day.home, 5);
    events(&mut ledger, 0, 5);
    let reply: EntriesReply = caller
        .post("/v1/entries", &ledger.request(&terminal, 0))
        .await
        .unwrap();
    let EntriesReply::Stored {
        size: 5,
        cosigned: Some(note),
    } = reply.clone()
    else {
        panic!("{reply:?}")
    };
    let directory = day.home.directory();
    let witness = (directory.witness_name(), directory.witness);
    let origin = directory.ledger_origin(&ledger.id);
    let verified = note::verify(
        &note,
        &origin,
        &terminal.sign.public(),
        Some((witness.0.as_str(), &witness.1)),
    )
    .unwrap();
    assert!(verified.cosigned.is_some());
    // Again, and overlapping: nothing changes.
    assert_eq!(
        caller
            .post::<EntriesReply>("/v1/entries", &ledger.request(&terminal, 0))
            .await
            .unwrap(),
        reply
    );
    events(&mut ledger, 5, 3);
    let reply = caller
        .post("/v1/entries", &ledger.request(&terminal, 2))
        .await
        .unwrap();
    assert!(matches!(
        reply,
        EntriesReply::Stored {
            size: 8,
            cosigned: Some(_)
        }
    ));
    events(&mut ledger, 8, 2);
    let reply: EntriesReply = caller
        .post("/v1/entries", &ledger.request(&terminal, 9))
        .await
        .unwrap();
    assert_eq!(reply, EntriesReply::Gap { have: 8 });
    let signed = roll::signed(&day.home, &RollScope::default(), 9).unwrap();
    let roll = Roll::verify(&directory.witness, &signed).unwrap();
    assert_eq!(
        (
            roll.ledgers.len(),
            roll.ledgers[0].size,
            roll.ledgers[0].forks
        ),
        (1, 8, 0)
    );
}

#[tokio::test]
async fn a_rolled_back_or_cloned_ledger_is_a_recorded_fork() {
    let day = Day::planned();
    let terminal = day.approved(1);
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let mut ledger = Ledger::new(&day.home, 5);
    events(&mut ledger, 0, 5);
    caller
        .post::<EntriesReply>("/v1/entries", &ledger.request(&terminal, 0))
        .await
        .unwrap();
    // The database goes back to three entries and takes another way.
    let mut other = Ledger::new(&day.home, 5);
    events(&mut other, 0, 3);
    let reply: EntriesReply = caller
        .post("/v1/entries", &other.request(&terminal, 0))
        .await
        .unwrap();
    assert_eq!(
        reply,
        EntriesReply::Stored {
            size: 5,
            cosigned: None
        },
        "a smaller checkpoint gets no fresh cosignature"
    );
    events(&mut other, 100, 4);
    let reply: EntriesReply = caller
        .post("/v1/entries", &other.request(&terminal, 3))
        .await
        .unwrap();
    assert!(
        matches!(reply, EntriesReply::Fork { at_seq: 3, .. }),
        "{reply:?}"
    );
    let roll = Roll::verify(
        &day.home.directory().witness,
        &roll::signed(&day.home, &RollScope::default(), 9).unwrap(),
    )
    .unwrap();
    assert_eq!((roll.ledgers[0].size, roll.ledgers[0].forks), (5, 1));
    let alerts = alert::list(&day.home.database().unwrap(), None).unwrap();
    let kinds: Vec<AlertKind> = alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [AlertKind::RolledBack, AlertKind::Fork]);
}

#[tokio::test]
async fn a_rolled_back_ledger_that_writes_nothing_new_is_an_alert() {
    let day = Day::planned();
    let terminal = day.approved(1);
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let mut ledger = Ledger::new(&day.home, 5);
    events(&mut ledger, 0, 5);
    let state = async |request: &EntriesRequest| -> EntriesReply {
        caller.post("/v1/entries", request).await.unwrap()
    };
    let alerts = || alert::list(&day.home.database().unwrap(), None).unwrap();
    // Batches, the same again, and nothing new stated at the next start: all of this is usual.
    let mut part = ledger.request(&terminal, 0);
    part.entries.truncate(3);
    part.checkpoint = None;
    state(&part).await;
    state(&ledger.request(&terminal, 3)).await;
    state(&ledger.request(&terminal, 0)).await;
    let nothing_new = ledger.request(&terminal, 5);
    assert!(nothing_new.entries.is_empty());
    let reply = state(&nothing_new).await;
    assert!(
        matches!(
            &reply,
            EntriesReply::Stored {
                size: 5,
                cosigned: Some(_)
            }
        ),
        "{reply:?}"
    );
    assert_eq!(alerts(), []);
    // The disk is put back to what it was after three entries, and the terminal starts and states them.
    let mut back = Ledger::new(&day.home, 5);
    events(&mut back, 0, 3);
    let reply = state(&back.request(&terminal, 3)).await;
    assert_eq!(
        reply,
        EntriesReply::Stored {
            size: 5,
            cosigned: None
        }
    );
    let seen = alerts();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].kind, seen[0].detail.as_str()),
        (AlertKind::RolledBack, "3 of 5 entries")
    );
    state(&back.request(&terminal, 3)).await;
    assert_eq!(alerts().len(), 1, "the same is told once");
}

#[tokio::test]
async fn entries_that_are_not_the_callers_are_refused() {
    let day = Day::planned();
    let (terminal, thief) = (day.approved(1), day.approved(2));
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let mut ledger = Ledger::new(&day.home, 5);
    events(&mut ledger, 0, 3);
    caller
        .post::<EntriesReply>("/v1/entries", &ledger.request(&terminal, 0))
        .await
        .unwrap();
    let stranger = Caller {
        app: caller.app.clone(),
        device: &thief,
    };
    let refused = stranger
        .post::<EntriesReply>("/v1/entries", &ledger.request(&thief, 0))
        .await
        .unwrap_err();
    assert_eq!(
        refused,
        (
            StatusCode::FORBIDDEN,
            "entries.ledger_of_another_device".to_owned()
        )
    );
    let mut wrong_place = ledger.request(&terminal, 1);
    wrong_place.from_seq = 2;
    assert_eq!(
        caller
            .post::<EntriesReply>("/v1/entries", &wrong_place)
            .await
            .unwrap_err()
            .1,
        "entries.malformed"
    );
    let mut noise = ledger.request(&terminal, 2);
    noise.entries[0][5] ^= 0xff;
    assert_eq!(
        caller
            .post::<EntriesReply>("/v1/entries", &noise)
            .await
            .unwrap_err()
            .1,
        "entries.malformed"
    );
    let mut forged = ledger.request(&terminal, 3);
    forged.checkpoint = Some(ledger.checkpoint(&thief, 3));
    assert_eq!(
        caller
            .post::<EntriesReply>("/v1/entries", &forged)
            .await
            .unwrap_err()
            .1,
        "entries.checkpoint"
    );
}

#[tokio::test]
async fn an_attempt_is_read_back_by_a_device_with_a_grant_only() {
    let day = Day::planned();
    let (terminal, spare) = (day.approved(1), day.approved(2));
    day.issued();
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let mut ledger = Ledger::new(&day.home, 5);
    let attempt = [9; 16];
    let identified = Event::Identified {
        sitting_no: SITTING.to_owned(),
        ticket_hash: Hash32([1; 32]),
        seat_no: 1,
    };
    ledger.add(Some(attempt), &identified, 1, None);
    ledger.add(Some(attempt), &Event::RulesAgreed {}, 2, None);
    caller
        .post::<EntriesReply>("/v1/entries", &ledger.request(&terminal, 0))
        .await
        .unwrap();
    let path = format!("/v1/attempts/{}/entries", "09".repeat(16));
    let back: AttemptEntries = Caller {
        app: caller.app.clone(),
        device: &spare,
    }
    .get(&path)
    .await;
    assert_eq!(back.entries, ledger.of_attempt(&attempt));
    let conn = day.home.database().unwrap();
    conn.execute(
        "DELETE FROM objects WHERE kind = 'grant' AND device = ?1",
        [spare.sign.public().as_bytes()],
    )
    .unwrap();
    let refused = Caller {
        app: caller.app.clone(),
        device: &spare,
    }
    .code(Method::GET, &path)
    .await;
    assert_eq!(
        refused,
        (StatusCode::FORBIDDEN, "attempt.no_grant".to_owned())
    );
    let reads: u32 = conn
        .query_row("SELECT count(*) FROM attempt_reads", [], |row| row.get(0))
        .unwrap();
    assert_eq!(reads, 1);
}

#[tokio::test]
async fn an_open_attempt_is_read_back_only_by_the_device_of_its_highest_lease() {
    let day = Day::planned();
    let (terminal, spare) = (day.approved(1), day.approved(2));
    day.issued();
    let app = app(&day);
    let mut ledger = Ledger::new(&day.home, 5);
    let attempt = [9; 16];
    let started = Event::AttemptStarted {
        sitting_no: SITTING.to_owned(),
        class_no: "C1".to_owned(),
        package: Hash32([1; 32]),
        paper: Hash32([2; 32]),
        started_ms: 1,
        ends_ms: 2,
    };
    ledger.add(Some(attempt), &started, 1, None);
    let path = format!("/v1/attempts/{}/entries", "09".repeat(16));
    let caller = |device| Caller {
        app: app.clone(),
        device,
    };
    caller(&terminal)
        .post::<EntriesReply>("/v1/entries", &ledger.request(&terminal, 0))
        .await
        .unwrap();
    let own: AttemptEntries = caller(&terminal).get(&path).await;
    assert_eq!(own.entries, ledger.of_attempt(&attempt));
    let elsewhere = (StatusCode::FORBIDDEN, "attempt.open_elsewhere".to_owned());
    assert_eq!(caller(&spare).code(Method::GET, &path).await, elsewhere);

    let mut second = Ledger::new(&day.home, 6);
    let taken = Event::LeaseTaken {
        attempt,
        lease: 2,
        carry: Vec::new(),
    };
    second.add(Some(attempt), &taken, 3, None);
    caller(&spare)
        .post::<EntriesReply>("/v1/entries", &second.request(&spare, 0))
        .await
        .unwrap();
    assert_eq!(caller(&terminal).code(Method::GET, &path).await, elsewhere);
    let both: AttemptEntries = caller(&spare).get(&path).await;
    assert_eq!(both.entries.len(), 2);

    let handed_in = Event::HandedIn {
        kind: fengjuan_core::event::HandInKind::Own,
        answered: 0,
        unanswered: 1,
        at_ms: 4,
        staff_id: None,
        reason: None,
    };
    second.add(Some(attempt), &handed_in, 4, None);
    caller(&spare)
        .post::<EntriesReply>("/v1/entries", &second.request(&spare, 1))
        .await
        .unwrap();
    let closed: AttemptEntries = caller(&terminal).get(&path).await;
    assert_eq!(closed.entries.len(), 3);
}

#[tokio::test]
async fn hostile_bodies_are_answered_and_never_stored() {
    let day = Day::planned();
    let terminal = day.approved(1);
    let mut caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let mut ledger = Ledger::new(&day.home, 5);
    events(&mut ledger, 0, 3);
    let good = fengjuan_envelope::cbor::to_vec(&ledger.request(&terminal, 0)).unwrap();
    let mut random = 20_261_121u64;
    println!("seed {random}");
    for number in 0..3000 {
        if number % 1000 == 0 {
            // A server that has not counted this device's requests yet.
            caller.app = app(&day);
        }
        let mut body = good.clone();
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let place = (random >> 33) as usize % body.len();
        match random % 3 {
            0 => body[place] ^= 1 << ((random >> 20) % 8),
            1 => body.truncate(place),
            _ => drop(body.splice(place..place, [random as u8; 9])),
        }
        let response = caller.send(Method::POST, "/v1/entries", body, None).await;
        // A flipped bit inside an entry's body is still an entry; its checkpoint then does not fit.
        assert!(response.status() != StatusCode::INTERNAL_SERVER_ERROR);
    }
    let mut fresh = Ledger::new(&day.home, 6);
    events(&mut fresh, 0, 3);
    let reply = caller
        .post("/v1/entries", &fresh.request(&terminal, 0))
        .await
        .unwrap();
    assert!(matches!(
        reply,
        EntriesReply::Stored {
            size: 3,
            cosigned: Some(_)
        }
    ));
}

/// A hub speaks for the terminals that it vouches for, and for no other.
async fn vouch(caller: &Caller<'_>, station: &Station, terminal: &Device) {
    let vouched: VouchedReply = caller
        .post("/v1/devices", &station.vouches(&[terminal]))
        .await
        .unwrap();
    assert!(vouched.devices.iter().all(|line| line.refused.is_none()));
}

#[tokio::test]
async fn a_hub_speaks_for_no_terminal_that_it_has_not_vouched_for() {
    let day = Day::planned();
    let (terminal, station) = (day.approved(1), Station::delegated(&day, 9));
    let by_hub = Caller {
        app: app(&day),
        device: &station.device,
    };
    let mut ledger = Ledger::new(&day.home, 5);
    events(&mut ledger, 0, 5);
    let brought = || on_behalf(ledger.request(&terminal, 0), &terminal);
    let refused = by_hub.post::<EntriesReply>("/v1/entries", &brought()).await;
    assert!(format!("{:?}", refused.unwrap_err()).contains("hub.unknown_device"));
    vouch(&by_hub, &station, &terminal).await;
    let stored = by_hub.post::<EntriesReply>("/v1/entries", &brought()).await;
    assert!(matches!(stored, Ok(EntriesReply::Stored { size: 5, .. })));
}

/// The alerts of all devices.
fn alerted(day: &Day) -> Vec<(AlertKind, String)> {
    let alerts = alert::list(&day.home.database().unwrap(), None).unwrap();
    alerts
        .into_iter()
        .map(|one| (one.kind, one.detail))
        .collect()
}

#[tokio::test]
async fn a_hub_may_bring_a_prefix_and_never_less_than_it_has_brought() {
    let day = Day::planned();
    let (terminal, station) = (day.approved(1), Station::delegated(&day, 9));
    let [direct, by_hub] = [&terminal, &station.device].map(|device| Caller {
        app: app(&day),
        device,
    });
    let (mut ledger, mut back) = (Ledger::new(&day.home, 5), Ledger::new(&day.home, 5));
    events(&mut ledger, 0, 5);
    events(&mut back, 0, 3);
    let state = async |caller: &Caller<'_>, request: EntriesRequest| -> EntriesReply {
        caller.post("/v1/entries", &request).await.unwrap()
    };
    vouch(&by_hub, &station, &terminal).await;
    state(&direct, ledger.request(&terminal, 0)).await;
    // What the hub holds is older than what the terminal has sent itself.
    state(&by_hub, on_behalf(back.request(&terminal, 0), &terminal)).await;
    state(&by_hub, on_behalf(ledger.request(&terminal, 3), &terminal)).await;
    state(&by_hub, on_behalf(ledger.request(&terminal, 5), &terminal)).await;
    assert_eq!(alerted(&day), []);
    state(&by_hub, on_behalf(back.request(&terminal, 3), &terminal)).await;
    let seen = alerted(&day);
    assert_eq!((seen.len(), seen[0].0), (1, AlertKind::RolledBack));
    assert!(
        seen[0].1.starts_with("3 of 5 entries, brought by "),
        "{seen:?}"
    );
    // Another hub has brought nothing yet.
    let other = Station::delegated(&day, 10);
    let by_other = Caller {
        app: app(&day),
        device: &other.device,
    };
    vouch(&by_other, &other, &terminal).await;
    state(&by_other, on_behalf(back.request(&terminal, 0), &terminal)).await;
    assert_eq!(alerted(&day).len(), 1);
}

#[tokio::test]
async fn what_a_hub_writes_of_a_terminals_disk_is_an_alert_here_too() {
    let day = Day::planned();
    let (terminal, station) = (day.approved(1), Station::delegated(&day, 9));
    let raised = |alert_no, alert| Event::AlertRaised { alert_no, alert };
    let named = Hash32(*terminal.sign.public().as_bytes());
    let mut ledger = Ledger::new(&day.home, 6);
    let wrote = [
        raised(1, Alert::WentBack { device: named }),
        raised(2, Alert::OutOfContact { device: named }),
        raised(
            3,
            Alert::WentBack {
                device: Hash32([1; 32]),
            },
        ),
    ];
    for event in &wrote {
        ledger.add(None, event, 5, None);
    }
    let sent = async |device: &Device, ledger: &Ledger| {
        let caller = Caller {
            app: app(&day),
            device,
        };
        let _: EntriesReply = caller
            .post("/v1/entries", &ledger.request(device, 0))
            .await
            .unwrap();
    };
    let by_hub = Caller {
        app: app(&day),
        device: &station.device,
    };
    vouch(&by_hub, &station, &terminal).await;
    sent(&station.device, &ledger).await;
    sent(&station.device, &ledger).await;
    let seen = alerted(&day);
    assert_eq!((seen.len(), seen[0].0), (1, AlertKind::RolledBack));
    assert!(seen[0].1.starts_with("told by "), "{seen:?}");
    // Whoever is no hub may write what it likes.
    let mut own = Ledger::new(&day.home, 7);
    let fork = Alert::Fork {
        device: named,
        at_seq: 1,
    };
    own.add(None, &raised(1, fork), 5, None);
    sent(&day.approved(2), &own).await;
    assert_eq!(alerted(&day).len(), 1);
}
