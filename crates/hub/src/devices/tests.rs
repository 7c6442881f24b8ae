use super::asking::{GONE_MS, MOST_ASKING, MOST_OF_ADDRESS};
use super::*;
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_wire::upstream::{EnrolReply, EnrolRequest};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 8));

fn devices(dir: &std::path::Path) -> Devices {
    let (database, _) = fengjuan_store::Database::open(dir).unwrap();
    let keys = Arc::new(Keyring::open(dir).unwrap());
    Devices::open(&database.reader().unwrap(), "S01", keys).unwrap()
}

fn request() -> EnrolRequest {
    EnrolRequest {
        device_name: "T01".to_owned(),
        site: "S01".to_owned(),
        sign: SigningKey::generate().unwrap().public(),
        kem: KemSecret::generate().unwrap().public(),
        machine: vec![7; 32],
        hub: None,
    }
}

fn code(reply: EnrolReply) -> String {
    match reply {
        EnrolReply::Refused { code } => code,
        EnrolReply::Pending { .. } => "pending".to_owned(),
        EnrolReply::Approved { .. } => "approved".to_owned(),
    }
}

#[test]
fn whoever_asks_waits_and_may_not_speak() {
    let dir = tempfile::tempdir().unwrap();
    let devices = devices(dir.path());
    let asked = request();
    assert_eq!(
        devices.judge(&asked.sign, HERE).unwrap_err(),
        "upstream.unknown_device"
    );
    let EnrolReply::Pending { fingerprint } = devices.enrol(&asked, HERE, 1) else {
        panic!("not pending");
    };
    assert_eq!(fingerprint, device_fingerprint(&asked.sign, &asked.kem));
    assert_eq!(
        devices.judge(&asked.sign, HERE).unwrap_err(),
        "upstream.device_pending"
    );
    // It may have got another address while it waits.
    assert_eq!(code(devices.enrol(&asked, THERE, 2)), "pending");
    assert_eq!(devices.list()[0].address, THERE);
}

#[test]
fn one_key_on_two_machines_is_refused_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let devices = devices(dir.path());
    let asked = request();
    devices.enrol(&asked, HERE, 1);
    let cloned = EnrolRequest {
        machine: vec![8; 32],
        ..asked.clone()
    };
    assert_eq!(
        code(devices.enrol(&cloned, THERE, 2)),
        "enrol.key_on_two_machines"
    );
    let known = &devices.list()[0];
    assert_eq!(known.warning.as_deref(), Some("enrol.key_on_two_machines"));
    assert_eq!((known.address, &known.machine), (HERE, &asked.machine));
}

#[test]
fn what_is_no_request_of_this_site_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let devices = devices(dir.path());
    let other = EnrolRequest {
        site: "S02".to_owned(),
        ..request()
    };
    assert_eq!(code(devices.enrol(&other, HERE, 1)), "enrol.other_site");
    for name in ["", "  ", "a\nb"] {
        let unnamed = EnrolRequest {
            device_name: name.to_owned(),
            ..request()
        };
        assert_eq!(code(devices.enrol(&unnamed, HERE, 1)), "enrol.bad_request");
    }
}

#[test]
fn one_machine_that_makes_up_keys_keeps_no_other_out() {
    let dir = tempfile::tempdir().unwrap();
    let devices = devices(dir.path());
    for _ in 0..MOST_OF_ADDRESS {
        assert_eq!(code(devices.enrol(&request(), HERE, 1)), "pending");
    }
    let full = "enrol.too_many_pending";
    assert_eq!(code(devices.enrol(&request(), HERE, 1)), full);
    let honest = request();
    assert_eq!(code(devices.enrol(&honest, THERE, 1)), "pending");
    // With many addresses it fills every place; then the most crowded address gives way, and no lone machine.
    for address in 0..=255 {
        let rogue = IpAddr::from([10, 1, 0, address % 13]);
        devices.enrol(&request(), rogue, 2);
    }
    assert_eq!(devices.asking(2).len(), MOST_ASKING);
    let late = request();
    let elsewhere = IpAddr::from([10, 0, 0, 9]);
    assert_eq!(code(devices.enrol(&late, elsewhere, 3)), "pending");
    let asking = devices.asking(3);
    assert_eq!(asking.len(), MOST_ASKING);
    for one in [&honest, &late] {
        assert!(asking.iter().any(|asking| asking.sign == one.sign));
    }
}

#[test]
fn who_asks_and_goes_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let devices = devices(dir.path());
    let (stays, goes) = (request(), request());
    devices.enrol(&stays, HERE, 0);
    devices.enrol(&goes, THERE, 0);
    devices.enrol(&stays, HERE, GONE_MS - 1);
    assert_eq!(devices.asking(GONE_MS - 1).len(), 2);
    let asking = devices.asking(GONE_MS);
    assert_eq!(asking.len(), 1);
    assert_eq!(asking[0].sign, stays.sign);
    devices.enrol(&stays, HERE, GONE_MS);
    assert_eq!(devices.list().len(), 1, "and its place is free");
}
