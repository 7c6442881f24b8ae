//! Archives with devices that only a hub vouches for.

use crate::folders::center_home;
use crate::world::{START_MS, World, code};
use fengjuan_audit::{NotProven, Scope, Verdict, VerifyOptions, export, verify};
use fengjuan_envelope::note;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_wire::Signed;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::DeviceCertificate;
use rusqlite::{Connection, params};
use std::fs::File;

const DAY_MS: i64 = 86_400_000;

/// A hub's keys.
struct Hub {
    issuer: SigningKey,
    witness: SigningKey,
    delegation: HubDelegation,
}

/// The hub of the world's room, for the day.
fn hub(world: &World) -> Hub {
    let key = |seed| SigningKey::from_seed(&[seed; 32]);
    let (issuer, witness) = (key(202), key(203));
    let delegation = HubDelegation {
        center_id: "jining".to_owned(),
        site: "S01".to_owned(),
        room_no: Some("01".to_owned()),
        hub_name: "考场管理机".to_owned(),
        device: key(201).public(),
        kem: world.center.kem.public(),
        issuer: issuer.public(),
        witness: witness.public(),
        receipt: key(204).public(),
        issued_ms: START_MS - 3 * DAY_MS,
        not_after_ms: START_MS + DAY_MS,
    };
    Hub {
        issuer,
        witness,
        delegation,
    }
}

/// The first device's certificate, as the hub signs it.
fn certificate(world: &World, hub: &Hub, change: impl FnOnce(&mut DeviceCertificate)) -> Vec<u8> {
    let known = &world.certificates[0];
    let mut named = DeviceCertificate::verify(&world.center.directory.device_ca, known).unwrap();
    change(&mut named);
    named.sign(&hub.issuer).unwrap()
}

/// The world with its first device known by the hub's word only, after changes to the delegation and the certificate.
fn with_hub(
    delegation: impl FnOnce(&mut HubDelegation),
    named: impl FnOnce(&mut DeviceCertificate),
) -> World {
    let mut world = World::new(41, false);
    let mut hub = hub(&world);
    delegation(&mut hub.delegation);
    world.certificates[0] = certificate(&world, &hub, named);
    // Behind the certificates that need it: the order of records means nothing.
    let signed = hub.delegation.sign(&world.center.issuer).unwrap();
    world.certificates.push(signed);
    world
}

fn judged(
    delegation: impl FnOnce(&mut HubDelegation),
    named: impl FnOnce(&mut DeviceCertificate),
) -> &'static str {
    code(&with_hub(delegation, named).verdict())
}

#[test]
fn a_device_that_a_hub_vouches_for_is_green_and_listed() {
    let Verdict::Green(summary) = with_hub(|_| {}, |_| {}).verdict() else {
        panic!("red")
    };
    let listed = NotProven::ByHubsOnly { count: 1 };
    assert!(
        summary.not_proven.contains(&listed),
        "{:?}",
        summary.not_proven
    );
    assert_eq!(summary.devices, 2, "the delegation is no device");
    assert_eq!(judged(|hub| hub.room_no = None, |_| {}), "green");
}

#[test]
fn a_hubs_word_reaches_as_far_as_its_delegation() {
    let voucher = "hub.voucher_invalid";
    assert_eq!(
        judged(|_| {}, |named| named.site = "S02".to_owned()),
        voucher
    );
    assert_eq!(judged(|hub| hub.site = "S02".to_owned(), |_| {}), voucher);
    assert_eq!(
        judged(|_| {}, |named| named.approved_ms = START_MS + DAY_MS),
        voucher
    );
    let beyond = "hub.beyond_delegation";
    assert_eq!(
        judged(|hub| hub.room_no = Some("02".to_owned()), |_| {}),
        beyond
    );
    assert_eq!(judged(|hub| hub.not_after_ms = START_MS, |_| {}), beyond);
    let invalid = "hub.delegation_invalid";
    assert_eq!(
        judged(|hub| hub.center_id = "weifang".to_owned(), |_| {}),
        invalid
    );
    let other = SigningKey::from_seed(&[99; 32]).public();
    assert_eq!(
        judged(|hub| hub.issuer = other, |_| {}),
        "device.certificate_invalid"
    );
}

#[test]
fn without_the_delegation_or_with_a_forged_one_a_hub_is_nobody() {
    let mut world = with_hub(|_| {}, |_| {});
    world.certificates.pop();
    assert_eq!(code(&world.verdict()), "device.certificate_invalid");
    let mut world = with_hub(|_| {}, |_| {});
    let hub = hub(&world);
    world.certificates.pop();
    let forged = hub.delegation.sign(&hub.issuer).unwrap();
    world.certificates.push(forged);
    assert_eq!(code(&world.verdict()), "hub.delegation_invalid");
}

#[test]
fn a_hubs_line_under_a_checkpoint_is_checked_and_is_not_the_centers() {
    let plain = World::new(41, false);
    let Verdict::Green(before) = plain.verdict() else {
        panic!("red")
    };
    let mut world = with_hub(|_| {}, |_| {});
    let hub = hub(&world);
    let sign = |world: &mut World, name: &str, key: &SigningKey| {
        for checkpoint in &mut world.ledgers[0].checkpoints {
            let text = checkpoint.cosigned.as_ref().unwrap_or(&checkpoint.note);
            checkpoint.cosigned = Some(note::cosign(text, name, key, 1_795_136_400).unwrap());
        }
    };
    let name = hub.delegation.witness_name();
    sign(&mut world, &name, &hub.witness);
    let Verdict::Green(summary) = world.verdict() else {
        panic!("{:?}", world.verdict())
    };
    assert_eq!(summary.ledgers[0].witnessed, before.ledgers[0].witnessed);
    // A line of somebody whom no delegation names.
    let stranger = SigningKey::from_seed(&[98; 32]);
    sign(&mut world, "jining/hub/0011223344556677", &stranger);
    assert_eq!(code(&world.verdict()), "checkpoint.invalid");
}

#[test]
fn a_centers_home_is_exported_with_its_hubs() {
    let world = World::new(42, false);
    let hub = hub(&world);
    let dir = tempfile::tempdir().unwrap();
    center_home(&world, dir.path());
    let conn = Connection::open(dir.path().join("center.db")).unwrap();
    conn.execute_batch(include_str!("../../../center/migrations/V3__hubs.sql"))
        .unwrap();
    let device = world.ledgers[0].key.public();
    let named = certificate(&world, &hub, |_| {});
    let second =
        DeviceCertificate::verify(&world.center.directory.device_ca, &world.certificates[1]);
    let also = second.unwrap().sign(&hub.issuer).unwrap();
    let id = hub.delegation.device;
    let signed = hub.delegation.sign(&world.center.issuer).unwrap();
    let issuer = hub.issuer.public();
    let keys = params![id.as_bytes(), issuer.as_bytes()];
    conn.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    conn.execute("INSERT INTO hubs VALUES (?1, ?2, x'01', x'02', 0)", keys)
        .unwrap();
    let sql = "INSERT INTO delegations (hub, given_ms, given_by, signed) VALUES (?1, 0, '', ?2)";
    conn.execute(sql, params![id.as_bytes(), signed]).unwrap();
    // The second device has the center's own certificate too, which stands alone.
    let sql = "INSERT INTO vouches (device, hub, at_ms, certificate) VALUES (?1, ?2, 0, ?3)";
    for (device, certificate) in [(device, named), (world.ledgers[1].key.public(), also)] {
        conn.execute(sql, params![device.as_bytes(), id.as_bytes(), certificate])
            .unwrap();
    }
    let sql = "UPDATE devices SET state = 'pending', certificate = NULL WHERE sign = ?1";
    conn.execute(sql, [device.as_bytes()]).unwrap();
    let sitting = Scope {
        sitting_no: Some(crate::world::SITTING.to_owned()),
        ..Scope::default()
    };
    for (name, scope) in [("all.tar", Scope::default()), ("sitting.tar", sitting)] {
        let out = dir.path().join(name);
        export::export(dir.path(), &out, &scope, START_MS).unwrap();
        let options = VerifyOptions {
            require_witness: true,
        };
        let verdict = verify(&File::open(&out).unwrap(), &world.root(), &options);
        let Verdict::Green(summary) = verdict else {
            panic!("{name}: {verdict:?}")
        };
        assert_eq!((summary.devices, summary.ledgers.len()), (2, 2), "{name}");
        let listed = NotProven::ByHubsOnly { count: 1 };
        assert!(summary.not_proven.contains(&listed), "{name}");
    }
}
