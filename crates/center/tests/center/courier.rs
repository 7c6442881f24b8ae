//! By stick: what goes down, what comes up, and sticks that somebody has been at.

use crate::day::{Day, Device, SITTING};
use crate::hubs::Station;
use crate::ledger::Ledger;
use crate::protocol::{Caller, app, picture};
use fengjuan_center::courier::{self, Imported};
use fengjuan_center::order::{self, NewOrder};
use fengjuan_center::{CenterError, device};
use fengjuan_core::event::Event;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_envelope::{cbor, note};
use fengjuan_store::replica::Replica;
use fengjuan_wire::Signed;
use fengjuan_wire::bundle::Receipt;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::grant::Grant;
use fengjuan_wire::order::OrderKind;
use fengjuan_wire::upstream::{EnrolReply, EntriesRequest};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

pub struct Stick(tempfile::TempDir);

impl Stick {
    pub fn new() -> Stick {
        Stick(tempfile::tempdir().unwrap())
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.0.path().join("fengjuan-courier").join(name)
    }

    pub fn put(&self, folder: &str, bytes: &[u8]) -> String {
        let name = fengjuan_wire::hash(bytes).hex();
        fs::create_dir_all(self.folder(folder)).unwrap();
        fs::write(self.folder(folder).join(&name), bytes).unwrap();
        name
    }

    pub fn entries(&self, request: &EntriesRequest) -> String {
        self.put("entries", &cbor::to_vec(request).unwrap())
    }

    fn names(&self, folder: &str) -> BTreeSet<String> {
        let files = fs::read_dir(self.folder(folder)).into_iter().flatten();
        files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    pub fn import(&self, day: &Day) -> Imported {
        courier::import(&day.home, self.0.path()).unwrap()
    }

    /// Codes of what was refused, by folder.
    pub fn refusals(&self, day: &Day) -> Vec<(String, &'static str)> {
        let refused = self.import(day).refused.into_iter();
        refused
            .map(|not| (not.file.split('/').next().unwrap().to_owned(), not.code))
            .collect()
    }
}

fn before_the_exam() -> i64 {
    crate::day::START_MS - 86_400_000
}

fn ledger(day: &Day, id: u8, from: i64, count: i64) -> Ledger {
    let mut ledger = Ledger::new(&day.home, id);
    grow(&mut ledger, from, count);
    ledger
}

fn grow(ledger: &mut Ledger, from: i64, count: i64) {
    for number in from..from + count {
        ledger.add(
            None,
            &Event::WallClockJumped { by_ms: number },
            number,
            None,
        );
    }
}

/// Entries `from..to` without a checkpoint: the beginning of a run.
fn beginning(ledger: &Ledger, device: &Device, from: usize, to: usize) -> EntriesRequest {
    let mut request = ledger.request(device, from);
    request.entries.truncate(to - from);
    request.checkpoint = None;
    request
}

fn size(day: &Day, ledger: &Ledger) -> u64 {
    let conn = day.home.database().unwrap();
    Replica::new(&conn)
        .frontier(&ledger.id)
        .map_or(0, |frontier| frontier.size)
}

#[test]
fn down_go_the_papers_of_the_site_and_a_grant_for_every_approved_device() {
    let day = Day::planned();
    let (first, second) = (day.approved(1), day.approved(2));
    let EnrolReply::Pending { .. } = day.enrol(&Device::new(3)) else {
        panic!()
    };
    let issued = day.issued();
    let new = NewOrder {
        sitting_no: SITTING.to_owned(),
        kind: OrderKind::Postpone { by_ms: 600_000 },
        reason: "道路结冰".to_owned(),
        approved_by: "王主任".to_owned(),
    };
    order::give(&day.home, new, 5).unwrap();
    let stick = Stick::new();
    let export =
        |sitting| courier::export(&day.home, stick.0.path(), "S01", sitting, before_the_exam());
    let written = export(Some(SITTING)).unwrap();
    // Document, packages, two grants, one order; two certificates and the key directory.
    let expected = 1 + issued.packages.len() + 2 + 1 + 2 + 1;
    assert_eq!(
        (written.objects, written.written, written.devices),
        (expected, expected, 2)
    );
    let mut granted = BTreeSet::new();
    for name in stick.names("down") {
        let bytes = fs::read(stick.folder("down").join(&name)).unwrap();
        assert_eq!(fengjuan_wire::hash(&bytes).hex(), name);
        if let Ok(grant) = Grant::verify(&day.home.directory().issuer, &bytes) {
            granted.insert(grant.device.to_hex());
        }
    }
    let wanted = [&first, &second].map(|device| device.sign.public().to_hex());
    assert_eq!(granted, BTreeSet::from(wanted));
    assert_eq!(export(None).unwrap().written, 0, "again changes nothing");
    // A new version goes beside the old one, which is not taken away.
    day.issued();
    assert!(export(None).unwrap().written > 0);
    assert!(stick.names("down").len() > expected);
    let other = |site| courier::export(&day.home, stick.0.path(), site, Some(SITTING), 1);
    assert!(matches!(other("S02"), Err(CenterError::UnknownSitting(_))));
    assert!(matches!(other("../S01"), Err(CenterError::BadName { .. })));
    let nothing = courier::export(&day.home, stick.0.path(), "S09", None, 1);
    assert!(matches!(nothing, Err(CenterError::Missing(_))));
}

#[test]
fn an_export_mends_what_is_damaged_and_writes_through_no_link() {
    let day = Day::planned();
    day.approved(1);
    let issued = day.issued();
    let stick = Stick::new();
    let export = || courier::export(&day.home, stick.0.path(), "S01", None, before_the_exam());
    export().unwrap();
    let names: Vec<String> = stick.names("down").into_iter().collect();
    let victim = stick.0.path().join("precious");
    fs::write(&victim, b"precious").unwrap();
    let at = |name: &str| stick.folder("down").join(name);
    // Changed with the same length; cut short; a link in its place; a link where the part is written.
    let mut bytes = fs::read(at(&names[0])).unwrap();
    bytes[0] ^= 1;
    fs::write(at(&names[0]), bytes).unwrap();
    fs::write(at(&names[1]), b"short").unwrap();
    fs::remove_file(at(&names[2])).unwrap();
    symlink(&victim, at(&names[2])).unwrap();
    symlink(&victim, at(&format!("{}.part", names[2]))).unwrap();
    assert_eq!(export().unwrap().written, 3);
    for name in &names {
        assert!(fs::symlink_metadata(at(name)).unwrap().is_file());
        assert_eq!(
            fengjuan_wire::hash(&fs::read(at(name)).unwrap()).hex(),
            *name
        );
    }
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    // The folder itself is a link to somewhere else.
    let elsewhere = stick.0.path().join("elsewhere");
    fs::rename(stick.folder("down"), &elsewhere).unwrap();
    symlink(&elsewhere, stick.folder("down")).unwrap();
    assert!(matches!(export(), Err(CenterError::NotAFolder(_))));
    // What the center itself holds is damaged: nothing of it leaves.
    fs::remove_file(stick.folder("down")).unwrap();
    let package = issued.packages[0].hash;
    fs::write(day.home.object(&package), b"x").unwrap();
    assert!(matches!(export(), Err(CenterError::Damaged(_))));
    assert!(!stick.names("down").contains(&package.hex()));
}

#[test]
fn up_come_objects_and_entries_and_back_go_their_receipts() {
    let day = Day::planned();
    let terminal = day.approved(1);
    day.issued();
    let stick = Stick::new();
    let (hash, bytes) = picture(&day, &terminal, 700_000);
    stick.put("up", &bytes);
    let mut ledger = ledger(&day, 5, 0, 40);
    stick.entries(&beginning(&ledger, &terminal, 0, 25));
    stick.entries(&ledger.request(&terminal, 25));
    let done = stick.import(&day);
    assert_eq!(
        (
            done.objects,
            done.new_objects,
            done.new_entries,
            done.cosigned,
            done.answers
        ),
        (1, 1, 40, 1, 2)
    );
    assert_eq!(done.refused, []);
    let directory = day.home.directory();
    let (origin, witness) = (
        directory.ledger_origin(&ledger.id),
        directory.witness_name(),
    );
    let mut found = BTreeSet::new();
    for name in stick.names("receipts") {
        let bytes = fs::read(stick.folder("receipts").join(&name)).unwrap();
        assert_eq!(fengjuan_wire::hash(&bytes).hex(), name);
        if let Ok(receipt) = Receipt::verify(&directory.receipt, &bytes) {
            assert_eq!(receipt.object, hash);
            found.insert("receipt");
        } else {
            let text = String::from_utf8(bytes).unwrap();
            let witness = Some((witness.as_str(), &directory.witness));
            let verified = note::verify(&text, &origin, &terminal.sign.public(), witness).unwrap();
            assert_eq!(verified.checkpoint.size, 40);
            assert!(verified.cosigned.is_some());
            found.insert("cosigned");
        }
    }
    assert_eq!(found.len(), 2);
    assert_eq!(fs::read(day.home.received(&hash)).unwrap(), bytes);
    // The same stick again: the same answers, nothing new, nothing refused, nothing taken away.
    let again = stick.import(&day);
    assert_eq!(
        (
            again.objects,
            again.new_objects,
            again.new_entries,
            again.answers
        ),
        (1, 0, 0, 0)
    );
    assert_eq!(again.refused, []);
    assert_eq!(
        (stick.names("up").len(), stick.names("entries").len()),
        (1, 2)
    );
    // Later entries beside the earlier ones, from where the last stick ended.
    grow(&mut ledger, 40, 5);
    stick.entries(&ledger.request(&terminal, 40));
    let more = stick.import(&day);
    assert_eq!((more.new_entries, more.cosigned, more.answers), (5, 2, 1));
    assert_eq!(more.refused, []);
}

#[tokio::test]
async fn a_stick_and_the_line_agree() {
    let day = Day::planned();
    let terminal = day.approved(1);
    day.issued();
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let (hash, bytes) = picture(&day, &terminal, 5000);
    let by_line = caller.upload(&hash, &bytes).await;
    let stick = Stick::new();
    stick.put("up", &bytes);
    stick.import(&day);
    let receipt = stick.names("receipts").into_iter().next().unwrap();
    assert_eq!(
        fs::read(stick.folder("receipts").join(receipt)).unwrap(),
        by_line
    );
    // And the other way round.
    let (hash, bytes) = picture(&day, &terminal, 6000);
    stick.put("up", &bytes);
    stick.import(&day);
    let by_line = fengjuan_wire::hash(&caller.upload(&hash, &bytes).await).hex();
    assert!(stick.names("receipts").contains(&by_line));
}

#[test]
fn what_somebody_has_been_at_is_left_alone_and_named() {
    let day = Day::planned();
    let (terminal, revoked) = (day.approved(1), day.approved(2));
    let pending = Device::new(3);
    day.enrol(&pending);
    day.issued();
    let stranger = Device::new(4);
    let stick = Stick::new();
    let (_, good) = picture(&day, &terminal, 3000);
    let name = |seed: u8| fengjuan_wire::hash(&[seed]).hex();
    fs::create_dir_all(stick.folder("up")).unwrap();
    let at = |name: &str| stick.folder("up").join(name);
    let mut flipped = good.clone();
    flipped[2000] ^= 1;
    fs::write(at(&name(1)), &flipped).unwrap();
    fs::write(at(&name(2)), &good[..good.len() - 1]).unwrap();
    symlink("/etc/passwd", at(&name(3))).unwrap();
    fs::create_dir(at(&name(4))).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(at(&name(5)))
        .status()
        .unwrap();
    assert!(fifo.success());
    // 65 MiB of nothing, without as many bytes on the disk.
    let giant = fs::File::create(at(&name(6))).unwrap();
    giant.set_len(65 * 1024 * 1024).unwrap();
    stick.put("up", b"not an object");
    for device in [&revoked, &pending, &stranger] {
        stick.put("up", &picture(&day, device, 3000).1);
    }
    let list = device::list(&day.home.database().unwrap()).unwrap();
    let fingerprint = list
        .iter()
        .find(|device| device.sign == revoked.sign.public())
        .map(|device| device.fingerprint.clone());
    device::revoke(&day.home, &fingerprint.unwrap(), "周国华", 9).unwrap();
    // No names of ours.
    fs::write(at("notes.txt"), b"x").unwrap();
    fs::write(at(&format!("{}.part", name(7))), b"x").unwrap();
    fs::write(at(&name(8).to_uppercase()), b"x").unwrap();
    stick.put("up", &good);
    let before = stick.names("up");
    let mut codes: Vec<_> = stick.refusals(&day).into_iter().map(|not| not.1).collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            "courier.hash",
            "courier.hash",
            "courier.not_a_file",
            "courier.not_a_file",
            "courier.not_a_file",
            "courier.too_large",
            "upload.not_an_object",
            "upstream.device_pending",
            "upstream.device_revoked",
            "upstream.unknown_device",
        ]
    );
    assert_eq!(stick.names("up"), before, "nothing is deleted");
    assert_eq!(stick.names("receipts").len(), 1, "the good one was taken");
    let empty = Stick::new();
    let nothing = courier::import(&day.home, empty.0.path());
    assert!(matches!(nothing, Err(CenterError::NothingOnStick(_))));
    fs::create_dir(empty.0.path().join("fengjuan-courier")).unwrap();
    symlink(stick.folder("up"), empty.folder("up")).unwrap();
    let link = courier::import(&day.home, empty.0.path());
    assert!(matches!(link, Err(CenterError::NotAFolder(_))));
}

#[test]
fn entries_on_a_stick_count_only_under_their_devices_signature() {
    let day = Day::planned();
    let (terminal, other) = (day.approved(1), day.approved(2));
    let stranger = Device::new(9);
    let mut real = ledger(&day, 5, 0, 10);
    let held = Stick::new();
    held.entries(&real.request(&terminal, 0));
    assert_eq!(held.import(&day).new_entries, 10);
    let alerts = || {
        let conn = day.home.database().unwrap();
        (
            device::list(&conn)
                .unwrap()
                .iter()
                .map(|d| d.alerts)
                .sum::<u32>(),
            Replica::new(&conn).forks().unwrap().len(),
        )
    };
    let refused = |request: &EntriesRequest, code: &str| {
        let stick = Stick::new();
        stick.entries(request);
        assert_eq!(stick.refusals(&day), [("entries".to_owned(), leak(code))]);
        assert_eq!((size(&day, &real), alerts()), (10, (0, 0)), "{code}");
        assert_eq!(stick.names("receipts").len(), 0);
    };
    // Invented entries without a signature, under an old signature, and under others' signatures.
    let forged = ledger(&day, 5, 100, 20);
    refused(
        &beginning(&forged, &terminal, 10, 20),
        "entries.not_covered",
    );
    let mut request = forged.request(&terminal, 0);
    request.checkpoint = Some(real.checkpoint(&terminal, 10));
    request.entries.truncate(10);
    refused(&request, "entries.not_covered");
    refused(&forged.request(&other, 0), "entries.checkpoint");
    refused(&forged.request(&stranger, 0), "entries.checkpoint");
    // True entries that are not all there, changed, or in another order.
    let mut later = ledger(&day, 5, 0, 20);
    refused(&later.request(&terminal, 12), "entries.not_covered");
    let mut request = later.request(&terminal, 10);
    request.entries.pop();
    refused(&request, "entries.checkpoint");
    let mut request = later.request(&terminal, 10);
    request.entries.swap(3, 4);
    refused(&request, "entries.malformed");
    let mut request = later.request(&terminal, 10);
    let last = request.entries[2].len() - 1;
    request.entries[2][last] ^= 1;
    let mut stick_codes = Vec::new();
    let stick = Stick::new();
    stick.entries(&request);
    stick_codes.extend(stick.refusals(&day).into_iter().map(|not| not.1));
    assert!(
        stick_codes == ["entries.not_covered"] || stick_codes == ["entries.malformed"],
        "{stick_codes:?}"
    );
    // The device's own beginning, unsigned as yet, waits for the rest.
    let stick = Stick::new();
    stick.entries(&beginning(&later, &terminal, 10, 15));
    assert_eq!(stick.refusals(&day)[0].1, "entries.not_covered");
    stick.entries(&later.request(&terminal, 15));
    assert_eq!(stick.import(&day).new_entries, 10);
    // A fork that the device itself has signed is kept as evidence.
    grow(&mut real, 500, 15);
    let fork = Stick::new();
    fork.entries(&beginning(&real, &terminal, 0, 12));
    fork.entries(&real.request(&terminal, 12));
    let codes: BTreeSet<_> = fork.refusals(&day).into_iter().map(|not| not.1).collect();
    assert!(codes.contains("entries.fork"), "{codes:?}");
    assert_eq!((size(&day, &real), alerts()), (20, (1, 1)));
    grow(&mut later, 20, 1);
}

fn leak(code: &str) -> &'static str {
    Box::leak(code.to_owned().into_boxed_str())
}

#[test]
fn giant_and_broken_files_of_entries_are_refused() {
    let day = Day::planned();
    let terminal = day.approved(1);
    let stick = Stick::new();
    let good = ledger(&day, 5, 0, 3);
    let bytes = cbor::to_vec(&good.request(&terminal, 0)).unwrap();
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        stick.put("entries", &bytes[..cut]);
    }
    let giant = fs::File::create(stick.folder("entries").join("ab".repeat(32))).unwrap();
    giant.set_len(5 * 1024 * 1024).unwrap();
    let mut request = good.request(&terminal, 0);
    request.ledger_id.push(0);
    stick.entries(&request);
    let mut request = good.request(&terminal, 0);
    request.from_seq = u64::MAX;
    stick.entries(&request);
    let mut request = good.request(&terminal, 0);
    (request.entries, request.from_seq) = (Vec::new(), u64::MAX);
    stick.entries(&request);
    let mut codes: Vec<_> = stick.refusals(&day).into_iter().map(|not| not.1).collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            "courier.too_large",
            "entries.checkpoint",
            "entries.ledger_id",
            "entries.malformed",
            "upstream.malformed",
            "upstream.malformed",
            "upstream.malformed",
            "upstream.malformed",
        ]
    );
    assert_eq!(size(&day, &good), 0);
}

#[test]
fn a_hub_without_a_line_gets_its_delegation_and_brings_its_terminals() {
    let day = Day::planned();
    let station = Station::delegated(&day, 9);
    let terminal = Device::new(1);
    day.issued();
    let stick = Stick::new();
    courier::export(&day.home, stick.0.path(), "S01", None, before_the_exam()).unwrap();
    let issuer = day.home.directory().issuer;
    let down = stick.names("down").into_iter();
    let files = down.map(|name| fs::read(stick.folder("down").join(name)).unwrap());
    let delegations = files.filter_map(|bytes| HubDelegation::verify(&issuer, &bytes).ok());
    let for_whom: Vec<PublicKey> = delegations.map(|one| one.device).collect();
    assert_eq!(for_whom, [station.device.sign.public()]);

    let ledger = ledger(&day, 5, 0, 4);
    stick.entries(&ledger.request(&terminal, 0));
    let unknown = [("entries".to_owned(), "entries.checkpoint")];
    assert_eq!(stick.refusals(&day), unknown, "nobody knows the terminal");
    let approved_ms = before_the_exam();
    stick.put(
        "devices",
        &station.certificate(&terminal, "S01", approved_ms),
    );
    let done = stick.import(&day);
    assert_eq!(done.refused, []);
    assert_eq!((done.devices, done.new_entries, done.cosigned), (1, 4, 1));
    // Whoever is no hub vouches for nobody, and a hub for nobody of another site.
    let other = Station::new(10);
    stick.put(
        "devices",
        &other.certificate(&Device::new(2), "S01", approved_ms),
    );
    stick.put(
        "devices",
        &station.certificate(&Device::new(3), "S02", approved_ms),
    );
    let mut refused = stick.refusals(&day);
    refused.sort();
    let devices = |code| ("devices".to_owned(), code);
    assert_eq!(
        refused,
        [devices("hub.certificate"), devices("hub.device_refused")]
    );
}
