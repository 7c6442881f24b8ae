//! What a hub may not do, each with its code, over real TLS; and what staff may not decide about one.

use crate::courier::Stick;
use crate::day::{Day, Device, SITTING, START_MS};
use crate::hubs::{DAY_MS, Line, Station, on_behalf};
use crate::ledger::Ledger;
use crate::protocol::picture;
use crate::tls::running;
use fengjuan_center::device::{self, DeviceState};
use fengjuan_center::home::KitSite;
use fengjuan_center::hub::{self, NewDelegation};
use fengjuan_center::keys::KeyRole;
use fengjuan_center::now_ms;
use fengjuan_center::server::Running;
use fengjuan_core::event::Event;
use fengjuan_wire::Signed;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::DeviceCertificate;
use fengjuan_wire::upstream::{EnrolReply, EntriesReply, VouchedDevices, VouchedReply};
use serde_bytes::ByteBuf;

/// A ledger whose last entry belongs to the sitting.
fn ledger(day: &Day, at_ms: i64) -> Ledger {
    let mut ledger = Ledger::new(&day.home, 5);
    ledger.add(None, &Event::WallClockJumped { by_ms: 1 }, at_ms, None);
    let identified = Event::Identified {
        sitting_no: SITTING.to_owned(),
        ticket_hash: fengjuan_wire::Hash32([1; 32]),
        seat_no: 1,
    };
    ledger.add(Some([9; 16]), &identified, at_ms, None);
    ledger
}

/// What the center answers to each thing that a hub may do for a terminal: devices, entries, an object, an attempt, its
/// delegation.
async fn answers(day: &Day, server: &Running, station: &Station, terminal: &Device) -> [String; 5] {
    let line = Line::new(day, server, &station.device);
    let code = |answer: Result<(), String>| answer.err().unwrap_or_default();
    let devices = station.vouches(&[terminal]);
    let vouched = line.post::<VouchedReply>("/v1/devices", &devices).await;
    let request = ledger(day, now_ms()).request(terminal, 0);
    let entries = line.entries(&on_behalf(request, terminal)).await;
    let (hash, bytes) = picture(day, terminal, 900);
    let object = line.upload(&hash, &bytes).await;
    let path = format!("/v1/attempts/{}/entries", "09".repeat(16));
    let attempt = line.get(&path).await;
    let delegation = line.get("/v1/delegation").await;
    [
        code(vouched.map(|_| ())),
        code(entries.map(|_| ())),
        code(object.map(|_| ())),
        code(attempt.map(|_| ())),
        code(delegation.map(|_| ())),
    ]
}

/// The newest delegation, changed behind the center's back and signed by its issuer.
fn change(day: &Day, change: impl Fn(&mut HubDelegation)) {
    let conn = day.home.database().unwrap();
    let issuer = day.home.keys().signing(KeyRole::Issuer).unwrap();
    let sql = "SELECT no, signed FROM delegations ORDER BY no DESC LIMIT 1";
    let row = conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
    let (no, signed): (i64, Vec<u8>) = row.unwrap();
    let mut delegation = HubDelegation::verify(&issuer.public(), &signed).unwrap();
    change(&mut delegation);
    let signed = delegation.sign(&issuer).unwrap();
    let sql = "UPDATE delegations SET signed = ?2 WHERE no = ?1";
    conn.execute(sql, rusqlite::params![no, signed]).unwrap();
}

#[tokio::test]
async fn without_a_delegation_that_stands_a_hub_may_do_nothing_for_others() {
    let day = Day::planned();
    let terminal = day.approved(1);
    let station = Station::new(9);
    let EnrolReply::Pending { fingerprint } = station.enrol(&day) else {
        panic!()
    };
    device::approve(&day.home, &fingerprint, "周国华", 2).unwrap();
    day.issued();
    let server = running(&day).await;
    // The terminal's own line, so that there is an attempt to read.
    let own = Line::new(&day, &server, &terminal);
    let stored = own.entries(&ledger(&day, 1).request(&terminal, 0)).await;
    assert!(matches!(
        stored.unwrap(),
        EntriesReply::Stored { size: 2, .. }
    ));
    let none = answers(&day, &server, &station, &terminal).await;
    assert_eq!(none, ["hub.no_delegation"; 5]);
    let now = now_ms();
    station.approve(&day, None, now - 10 * DAY_MS, now - DAY_MS);
    let expired = answers(&day, &server, &station, &terminal).await;
    assert_eq!(expired, ["hub.delegation_expired"; 5]);
    hub::revoke(&day.home, &fingerprint, "周国华", now).unwrap();
    let withdrawn = answers(&day, &server, &station, &terminal).await;
    assert_eq!(withdrawn, ["hub.delegation_revoked"; 5]);
    station.approve(&day, None, now, now + DAY_MS);
    change(&day, |delegation| delegation.site = "S02".to_owned());
    let elsewhere = answers(&day, &server, &station, &terminal).await;
    assert_eq!(elsewhere, ["hub.other_site"; 5]);
    // Of another room: its own papers are in order, and nothing of this room's sitting is its business.
    station.approve(&day, None, now, now + DAY_MS);
    change(&day, |delegation| {
        delegation.room_no = Some("R02".to_owned());
    });
    let room = answers(&day, &server, &station, &terminal).await;
    let other = "hub.other_room";
    assert_eq!(room, ["", other, other, other, ""]);
    // What it was refused left nothing behind.
    let conn = day.home.database().unwrap();
    let count = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM received"), 0);
    let parts = day.home.path().join("received/parts");
    assert_eq!(std::fs::read_dir(parts).unwrap().count(), 0);
    server.stop().await;
}

#[tokio::test]
async fn entries_are_judged_by_their_own_time() {
    let day = Day::planned();
    let terminal = Device::new(1);
    let station = Station::delegated(&day, 9);
    let server = running(&day).await;
    let line = Line::new(&day, &server, &station.device);
    assert_eq!(line.vouch(&station.vouches(&[&terminal])).await, [None]);
    let until_ms = now_ms() - DAY_MS;
    change(&day, |delegation| delegation.not_after_ms = until_ms);
    let mut ledger = ledger(&day, until_ms - 1);
    let request = on_behalf(ledger.request(&terminal, 0), &terminal);
    line.entries(&request).await.expect("written before it");
    ledger.add(None, &Event::WallClockJumped { by_ms: 2 }, until_ms, None);
    let request = on_behalf(ledger.request(&terminal, 2), &terminal);
    let refused = line.entries(&request).await.unwrap_err();
    assert_eq!(refused, "hub.delegation_expired");
    server.stop().await;
}

#[tokio::test]
async fn a_hub_speaks_only_for_devices_that_are_its_own() {
    let day = Day::planned();
    let (station, other) = (Station::delegated(&day, 9), Station::delegated(&day, 10));
    let (terminal, stranger) = (Device::new(1), Device::new(2));
    day.issued();
    let server = running(&day).await;
    let line = Line::new(&day, &server, &station.device);
    let code = async |line: &Line, device: &Device| {
        let request = ledger(&day, START_MS).request(device, 0);
        line.entries(&on_behalf(request, device)).await.err()
    };
    let unknown = Some("hub.unknown_device".to_owned());
    assert_eq!(code(&line, &stranger).await, unknown);
    // Waiting at the center, and nobody's terminal yet.
    day.enrol(&stranger);
    assert_eq!(code(&line, &stranger).await, unknown);
    assert_eq!(line.vouch(&station.vouches(&[&terminal])).await, [None]);
    let second = Line::new(&day, &server, &other.device);
    assert_eq!(code(&second, &terminal).await, unknown);
    let (hash, bytes) = picture(&day, &terminal, 900);
    assert_eq!(second.upload(&hash, &bytes).await.err(), unknown);
    assert_eq!(code(&line, &terminal).await, None);
    // A terminal is no hub, whoever it names.
    let plain = day.approved(3);
    let plain = Line::new(&day, &server, &plain);
    let nothing = Some("hub.no_delegation".to_owned());
    assert_eq!(code(&plain, &terminal).await, nothing);
    let vouched = plain
        .post::<VouchedReply>("/v1/devices", &station.vouches(&[&terminal]))
        .await;
    assert_eq!(vouched.err(), nothing);
    // Another site's device, though the center has approved it.
    let mut away = Device::new(4).request();
    away.site = "S02".to_owned();
    let mut conn = day.home.database().unwrap();
    let EnrolReply::Pending { fingerprint } = device::enrol(&mut conn, &away, 1).unwrap() else {
        panic!()
    };
    device::approve(&day.home, &fingerprint, "周国华", 2).unwrap();
    let elsewhere = Some("hub.other_site".to_owned());
    assert_eq!(code(&line, &Device::new(4)).await, elsewhere);
    // The hub's own ledger needs no word of anybody.
    let own = ledger_of(&day, &station);
    line.entries(&own).await.unwrap();
    server.stop().await;
}

fn ledger_of(day: &Day, station: &Station) -> fengjuan_wire::upstream::EntriesRequest {
    let mut ledger = Ledger::new(&day.home, 77);
    ledger.add(None, &Event::WallClockJumped { by_ms: 1 }, START_MS, None);
    on_behalf(ledger.request(&station.device, 0), &station.device)
}

#[tokio::test]
async fn certificates_of_a_hub_are_looked_at_one_by_one() {
    let day = Day::planned();
    let (station, other) = (Station::delegated(&day, 9), Station::delegated(&day, 10));
    let approved = day.approved(1);
    let revoked = day.approved(2);
    let conn = day.home.database().unwrap();
    let find = |device: &Device| {
        device::find(&conn, &device.sign.public())
            .unwrap()
            .expect("known")
    };
    device::revoke(&day.home, &find(&revoked).fingerprint, "周国华", 3).unwrap();
    let (fresh, foreign, late) = (Device::new(3), Device::new(4), Device::new(5));
    let mut cloned = Device::new(1);
    cloned.sign = fengjuan_envelope::sign::SigningKey::from_seed(&[1; 32]);
    let before = START_MS - DAY_MS;
    let certificates = vec![
        station.certificate(&fresh, "S01", before),
        other.certificate(&fresh, "S01", before),
        ByteBuf::from(b"noise".to_vec()),
        station.certificate(&approved, "S01", before),
        station.certificate(&revoked, "S01", before),
        station.certificate(&foreign, "S02", before),
        station.certificate(&late, "S01", i64::MAX),
        station.certificate(&other.device, "S01", before),
        station.certificate(&cloned, "S01", before),
    ];
    let server = running(&day).await;
    let line = Line::new(&day, &server, &station.device);
    let codes = line
        .vouch(&VouchedDevices {
            certificates,
            revoked: Vec::new(),
        })
        .await;
    let codes: Vec<&str> = codes
        .iter()
        .map(|code| code.as_deref().unwrap_or("taken"))
        .collect();
    let expected = [
        "taken",
        "hub.certificate",
        "hub.certificate",
        "taken",
        "upstream.device_revoked",
        "hub.other_site",
        "hub.delegation_expired",
        "hub.certificate",
        "hub.device_differs",
    ];
    assert_eq!(codes, expected);
    // Never above the center's own word.
    assert_eq!(find(&approved).state, DeviceState::Approved);
    assert_eq!(find(&revoked).state, DeviceState::Revoked);
    assert_eq!(find(&approved).alerts, 1, "another key of one machine");
    for nobody in [&foreign, &late] {
        let known = device::find(&conn, &nobody.sign.public()).unwrap();
        assert!(known.is_none());
    }
    let many = VouchedDevices {
        certificates: vec![ByteBuf::from(vec![0]); 501],
        revoked: Vec::new(),
    };
    let refused = line.post::<VouchedReply>("/v1/devices", &many).await;
    assert_eq!(refused.unwrap_err(), "hub.too_many_devices");
    server.stop().await;
}

#[tokio::test]
async fn a_device_that_a_hub_knows_may_come_to_the_center_itself() {
    let day = Day::planned();
    let station = Station::delegated(&day, 9);
    let terminal = Device::new(1);
    let server = running(&day).await;
    let line = Line::new(&day, &server, &station.device);
    assert_eq!(line.vouch(&station.vouches(&[&terminal])).await, [None]);
    let own = Line::new(&day, &server, &terminal);
    let pending = own.get("/v1/offer").await;
    assert_eq!(pending.unwrap_err(), "upstream.device_pending");
    let EnrolReply::Pending { fingerprint } = day.enrol(&terminal) else {
        panic!()
    };
    let mut clone = terminal.request();
    clone.machine = vec![8; 32];
    let mut conn = day.home.database().unwrap();
    let cloned = device::enrol(&mut conn, &clone, 1).unwrap();
    assert!(matches!(cloned, EnrolReply::Refused { .. }), "{cloned:?}");
    device::approve(&day.home, &fingerprint, "周国华", 3).unwrap();
    let EnrolReply::Approved { certificate } = day.enrol(&terminal) else {
        panic!()
    };
    DeviceCertificate::verify(&day.home.directory().device_ca, &certificate).unwrap();
    own.get("/v1/offer").await.unwrap();
    // Put out of use by the center: no hub brings it back, or anything of it.
    device::revoke(&day.home, &fingerprint, "周国华", 4).unwrap();
    let gone = Some("upstream.device_revoked".to_owned());
    assert_eq!(
        line.vouch(&station.vouches(&[&terminal])).await,
        std::slice::from_ref(&gone)
    );
    let request = ledger(&day, START_MS).request(&terminal, 0);
    let refused = line.entries(&on_behalf(request, &terminal)).await.err();
    assert_eq!(refused, gone);
    server.stop().await;
}

#[test]
fn a_hubs_keys_serve_one_hub_and_one_purpose() {
    let day = Day::planned();
    let station = Station::new(9);
    assert!(matches!(station.enrol(&day), EnrolReply::Pending { .. }));
    assert!(matches!(station.enrol(&day), EnrolReply::Pending { .. }));
    let mut conn = day.home.database().unwrap();
    let mut code = |request| match device::enrol(&mut conn, &request, 2).unwrap() {
        EnrolReply::Refused { code } => code,
        other => panic!("{other:?}"),
    };
    let mut other_keys = station.request();
    other_keys.hub = Some(Station::new(10).keys());
    assert_eq!(code(other_keys), "enrol.other_hub_keys");
    let second = Station::new(10);
    let in_use = |change: &dyn Fn(&mut fengjuan_wire::delegation::HubKeys)| {
        let mut request = second.request();
        change(request.hub.as_mut().unwrap());
        request
    };
    for taken in [
        in_use(&|keys| keys.issuer = station.issuer.public()),
        in_use(&|keys| keys.witness = station.receipt.public()),
        in_use(&|keys| keys.receipt = station.device.sign.public()),
        in_use(&|keys| keys.receipt = keys.issuer),
        in_use(&|keys| keys.witness = second.device.sign.public()),
    ] {
        assert_eq!(code(taken), "enrol.hub_key_in_use");
    }
    drop(conn);
    let all = hub::list(&day.home, &day.home.database().unwrap()).unwrap();
    assert_eq!(all.len(), 1);
}

#[test]
fn what_cannot_be_decided_about_a_hub() {
    let day = Day::planned();
    let station = Station::new(9);
    station.enrol(&day);
    let hub = station.fingerprint(&day);
    let plain = day.approved(1);
    let conn = day.home.database().unwrap();
    let plain = device::find(&conn, &plain.sign.public()).unwrap().unwrap();
    let now_ms = START_MS - DAY_MS;
    let code = |fingerprint: &str, room_no, until_ms, by| {
        let new = NewDelegation {
            fingerprint,
            room_no,
            until_ms,
            by,
        };
        hub::approve(&day.home, &new, now_ms).err().unwrap().code()
    };
    assert_eq!(code("AAAA", None, None, "王"), "center.unknown_device");
    let not_a_hub = code(&plain.fingerprint, None, None, "王");
    assert_eq!(not_a_hub, "center.not_a_hub");
    assert_eq!(code(&hub, Some("R99"), None, "王"), "center.unknown_room");
    assert_eq!(code(&hub, None, None, " "), "center.missing");
    let bad_last_day = "center.bad_last_day";
    assert_eq!(code(&hub, None, Some(now_ms), "王"), bad_last_day);
    let too_long = Some(now_ms + 401 * DAY_MS);
    assert_eq!(code(&hub, None, too_long, "王"), bad_last_day);
    let nothing = hub::revoke(&day.home, &hub, "王", now_ms).err().unwrap();
    assert_eq!(nothing.code(), "center.not_delegated");
    // A device that gives a key of the center's out for its own.
    let mut impostor = Station::new(11);
    let witness = day.home.keys().signing(KeyRole::Witness).unwrap();
    impostor.witness = witness;
    impostor.enrol(&day);
    let impostor = impostor.fingerprint(&day);
    assert_eq!(code(&impostor, None, None, "王"), "center.not_a_hub");
    // None of it approved the device on the way.
    let known = device::find(&conn, &station.device.sign.public()).unwrap();
    assert_eq!(known.unwrap().state, DeviceState::Pending);
    let kit = day.dir.path().join("kit");
    let write = |site, hub_urls: &[&str]| {
        let hub_urls: Vec<String> = hub_urls.iter().map(|&url| url.to_owned()).collect();
        let of = KitSite {
            url: "https://center:8443",
            site,
            hub_urls: &hub_urls,
        };
        hub::write_kit(&day.home, &kit, &of, &hub).map_err(|error| error.code())
    };
    let (first, second) = ("https://192.168.1.10:8443", "https://192.168.1.11:8443");
    assert_eq!(write("S01", &[first]), Err("center.not_delegated"));
    station.approve(&day, None, now_ms, now_ms + DAY_MS);
    assert_eq!(write("S02", &[first]), Err("center.device_of_another_site"));
    let clear = "http://192.168.1.10";
    assert_eq!(write("S01", &[clear]), Err("center.out_of_range"));
    assert_eq!(write("S01", &[first, clear]), Err("center.out_of_range"));
    write("S01", &[first, second]).unwrap();
    let text = std::fs::read_to_string(kit.join("site.toml")).unwrap();
    let expected = "url = \"https://center:8443\"\nsite = \"S01\"\n\n[hub]\nurl = \"https://192.168.1.10:8443\"\nstandby = [\"https://192.168.1.11:8443\"]\n";
    assert_eq!(text, expected);
    let signed = std::fs::read(kit.join("hub.cose")).unwrap();
    HubDelegation::verify(&day.home.directory().issuer, &signed).unwrap();
    device::revoke(&day.home, &hub, "王", now_ms).unwrap();
    assert_eq!(code(&hub, None, None, "王"), "center.device_revoked");
}

#[tokio::test]
async fn what_a_vouched_terminal_brings_by_stick_is_taken() {
    let day = Day::planned();
    let station = Station::delegated(&day, 9);
    day.issued();
    let terminal = Device::new(1);
    let stick = Stick::new();
    let (_, object) = picture(&day, &terminal, 900);
    stick.put("up", &object);
    stick.entries(&ledger(&day, START_MS).request(&terminal, 0));
    let refused: Vec<&str> = stick.refusals(&day).iter().map(|(_, code)| *code).collect();
    assert_eq!(refused, ["upstream.unknown_device", "entries.checkpoint"]);
    let server = running(&day).await;
    let line = Line::new(&day, &server, &station.device);
    assert_eq!(line.vouch(&station.vouches(&[&terminal])).await, [None]);
    server.stop().await;
    let taken = stick.import(&day);
    assert_eq!((taken.refused.len(), taken.objects), (0, 1));
    assert_eq!((taken.new_entries, taken.cosigned), (2, 1));
}
