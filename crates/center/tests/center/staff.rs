//! What the center's staff see of devices and orders, and what they give a single device.

use crate::day::{Day, Device, SITTING, START_MS};
use crate::ledger::Ledger;
use crate::protocol::{Caller, app};
use fengjuan_center::alert::{self, AlertKind};
use fengjuan_center::offer::{self, Granted};
use fengjuan_center::order::{self, NewOrder};
use fengjuan_center::{CenterError, device, issue};
use fengjuan_core::draw::attempt_id;
use fengjuan_core::event::Event;
use fengjuan_wire::Hash32;
use fengjuan_wire::order::OrderKind;
use fengjuan_wire::upstream::{AttemptEntries, EnrolReply, EntriesReply, Orders};

fn fingerprint(device: &Device) -> String {
    fengjuan_wire::directory::device_fingerprint(&device.sign.public(), &device.kem.public())
}

fn caller<'a>(day: &Day, device: &'a Device) -> Caller<'a> {
    Caller {
        app: app(day),
        device,
    }
}

const LATER: &str = "JN2026-1121-R01-B";

/// Two sittings that were issued, the grants of which one device has lost.
fn without_grants() -> (Day, Device) {
    let day = Day::planned();
    let conn = day.home.database().unwrap();
    let mut later = fengjuan_center::plan::sitting(&conn, SITTING).unwrap();
    later.sitting_no = LATER.to_owned();
    conn.execute_batch(&format!(
        "INSERT INTO sittings SELECT '{LATER}', plan_no, site, room_no, start_ms, end_ms, x'00' FROM sittings;
         INSERT INTO class_banks SELECT '{LATER}', class_no, bank FROM class_banks;
         INSERT INTO candidates SELECT '{LATER}', ticket_no, class_no, seat_no, data, photo FROM candidates;"
    ))
    .unwrap();
    conn.execute(
        "UPDATE sittings SET data = ?1 WHERE sitting_no = ?2",
        rusqlite::params![fengjuan_envelope::cbor::to_vec(&later).unwrap(), LATER],
    )
    .unwrap();
    let device = day.approved(1);
    assert_eq!(issue::issue_all(&day.home, 3).unwrap().len(), 2);
    conn.execute("DELETE FROM objects WHERE kind = 'grant'", [])
        .unwrap();
    (day, device)
}

fn grants(day: &Day) -> Vec<String> {
    let conn = day.home.database().unwrap();
    let mut statement = conn
        .prepare("SELECT sitting_no FROM objects WHERE kind = 'grant' ORDER BY sitting_no")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_grant_is_for_this_device_and_this_sitting() {
    let (day, device) = without_grants();
    let id = fingerprint(&device);
    let give = |sitting| offer::grant_device(&day.home, &id.to_lowercase(), sitting, 4);
    assert_eq!(give(SITTING).unwrap(), Granted::Made { version: 1 });
    assert_eq!(grants(&day), [SITTING], "and for no other");
    assert_eq!(give(SITTING).unwrap(), Granted::Held { version: 1 });
    assert_eq!(
        offer::grant_all_missing(&day.home, &id, 4).unwrap(),
        1,
        "the other one"
    );
    assert_eq!(grants(&day), [SITTING, LATER]);
    assert_eq!(offer::grant_all_missing(&day.home, &id, 4).unwrap(), 0);
    // A new version needs a new grant.
    issue::issue(&day.home, LATER, 5).unwrap();
    let conn = day.home.database().unwrap();
    conn.execute(
        "DELETE FROM objects WHERE kind = 'grant' AND version = 2",
        [],
    )
    .unwrap();
    assert_eq!(give(LATER).unwrap(), Granted::Made { version: 2 });
}

#[test]
fn a_grant_that_helps_nobody_is_refused_by_its_name() {
    let (day, device) = without_grants();
    let id = fingerprint(&device);
    let refused = |fingerprint: &str, sitting: &str, now_ms| {
        offer::grant_device(&day.home, fingerprint, sitting, now_ms)
            .unwrap_err()
            .code()
    };
    assert_eq!(refused(&id, "nowhere", 4), "center.not_issued");
    assert_eq!(refused("AAAA", SITTING, 4), "center.unknown_device");
    let long_after = START_MS + 30 * 24 * 3_600_000;
    assert_eq!(refused(&id, SITTING, long_after), "center.sitting_over");
    let waiting = Device::new(2);
    assert!(matches!(day.enrol(&waiting), EnrolReply::Pending { .. }));
    let waiting = fingerprint(&waiting);
    assert_eq!(refused(&waiting, SITTING, 4), "center.device_not_approved");
    let conn = day.home.database().unwrap();
    conn.execute("UPDATE devices SET site = 'S02', state = 'approved'", [])
        .unwrap();
    assert_eq!(refused(&id, SITTING, 4), "center.device_of_another_site");
    assert!(grants(&day).is_empty());
}

#[tokio::test]
async fn orders_are_listed_with_how_far_they_went() {
    let day = Day::planned();
    let (online, by_stick) = (day.approved(1), day.approved(2));
    day.issued();
    let give = |minutes: i64| {
        let new = NewOrder {
            sitting_no: SITTING.to_owned(),
            kind: OrderKind::Postpone {
                by_ms: minutes * 60_000,
            },
            reason: "道路结冰".to_owned(),
            approved_by: "王主任".to_owned(),
        };
        order::give(&day.home, new, 5 + minutes).unwrap()
    };
    let conn = day.home.database().unwrap();
    let listed = |sitting| order::list(&day.home, &conn, sitting).unwrap();
    assert!(listed(None).is_empty());
    let first = give(1);
    caller(&day, &online).get::<Orders>("/v1/orders").await;
    let second = give(2);
    let both = listed(Some(SITTING));
    assert_eq!(
        [&both[0].order, &both[1].order],
        [&first, &second],
        "oldest first, signed as given"
    );
    let fetched = |at: usize| -> Vec<String> {
        let all = listed(None);
        let names = all[at].fetched.iter().map(|(device, _)| device.clone());
        names.collect()
    };
    assert_eq!(
        (fetched(0), fetched(1)),
        (vec![online.name.clone()], vec![])
    );
    let at_ms = listed(None)[0].fetched[0].1;
    // Asking again changes nothing but what is new.
    let orders: Orders = caller(&day, &online).get("/v1/orders").await;
    assert_eq!(fetched(1), [online.name.as_str()]);
    assert_eq!(listed(None)[0].fetched, [(online.name.clone(), at_ms)]);
    // What came by stick shows in the ledger that follows.
    let mut ledger = Ledger::new(&day.home, 5);
    let taken = Event::OrderReceived {
        order: fengjuan_wire::hash(&orders.orders[1]),
        order_no: second.order_no.clone(),
    };
    ledger.add(None, &taken, 77, None);
    caller(&day, &by_stick)
        .post::<EntriesReply>("/v1/entries", &ledger.request(&by_stick, 0))
        .await
        .unwrap();
    let both = listed(None);
    assert!(both[0].taken.is_empty());
    assert_eq!(both[1].taken, [(by_stick.name.clone(), 77)]);
    assert!(matches!(
        order::list(&day.home, &conn, Some("nowhere")),
        Err(CenterError::UnknownSitting(_))
    ));
}

#[tokio::test]
async fn alerts_and_read_backs_say_which_device_when_and_what() {
    let day = Day::planned();
    let (mut cloned, spare) = (day.approved(1), day.approved(2));
    day.issued();
    let conn = day.home.database().unwrap();
    let class = "C1";
    let ticket = fengjuan_center::plan::candidates(&conn, SITTING, class).unwrap()[0]
        .0
        .ticket_no
        .clone();
    let attempt = attempt_id(SITTING, &ticket, 1);
    let mut ledger = Ledger::new(&day.home, 5);
    let identified = Event::Identified {
        sitting_no: SITTING.to_owned(),
        ticket_hash: Hash32([1; 32]),
        seat_no: 1,
    };
    ledger.add(Some(attempt), &identified, 1, None);
    caller(&day, &cloned)
        .post::<EntriesReply>("/v1/entries", &ledger.request(&cloned, 0))
        .await
        .unwrap();
    let hex: String = attempt.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = format!("/v1/attempts/{hex}/entries");
    caller(&day, &spare).get::<AttemptEntries>(&path).await;
    cloned.machine = vec![9; 32];
    assert!(matches!(day.enrol(&cloned), EnrolReply::Refused { .. }));

    let of = |device: &Device| device::by_fingerprint(&conn, &fingerprint(device)).unwrap();
    let alerts = alert::list(&conn, Some(&of(&cloned))).unwrap();
    assert_eq!(alerts.len(), 1);
    assert_eq!(
        (alerts[0].kind, alerts[0].device.as_str(), alerts[0].at_ms),
        (AlertKind::TwoMachines, "考试机1", 1)
    );
    assert_eq!(alert::list(&conn, None).unwrap(), alerts);
    assert!(alert::list(&conn, Some(&of(&spare))).unwrap().is_empty());
    let reads = alert::read_backs(&conn, Some(&of(&spare))).unwrap();
    assert_eq!(reads.len(), 1);
    assert_eq!(reads[0].of, Some((SITTING.to_owned(), ticket)));
    assert_eq!((reads[0].entries, reads[0].attempt_id), (1, attempt));
    assert_eq!(alert::read_backs(&conn, None).unwrap(), reads);
    assert!(
        alert::read_backs(&conn, Some(&of(&cloned)))
            .unwrap()
            .is_empty()
    );
}
