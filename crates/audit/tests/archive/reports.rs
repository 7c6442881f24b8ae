//! Equipment reports: in the archive as their devices signed them, each named by its device's ledger.

use crate::folders::{center_home, terminal_dir};
use crate::world::{START_MS, World, code};
use fengjuan_audit::{
    NotProven, ObjectRecord, Scope, Summary, Verdict, VerifyOptions, export, verify,
};
use fengjuan_core::event::{Event, Hash32};
use fengjuan_envelope::sign::SigningKey;
use fengjuan_store::{Change, EncodeEntry, Place};
use fengjuan_wire::Signed;
use fengjuan_wire::bundle::Receipt;
use fengjuan_wire::entry::{Stamp, encode};
use fengjuan_wire::report::{EquipmentReport, ReportRow, ReportVerdict};
use std::fs::{self, File};
use std::path::Path;

fn report(key: &SigningKey, value: &str) -> Vec<u8> {
    let report = EquipmentReport {
        device: key.public(),
        device_name: "T01".to_owned(),
        site: "S01".to_owned(),
        program_version: "0.1.0".to_owned(),
        exam_ms: START_MS,
        wall_ms: START_MS,
        boot_id: vec![1; 16],
        rows: vec![ReportRow {
            check: "swap".to_owned(),
            verdict: ReportVerdict::Pass,
            value: value.to_owned(),
            limit: String::new(),
            advice: None,
        }],
    };
    report.sign(key).unwrap()
}

fn checked(bytes: &[u8]) -> Event {
    Event::EquipmentChecked {
        report: fengjuan_wire::hash(bytes),
        passed: 1,
        warned: 0,
        failed: 0,
        unmeasured: 0,
    }
}

/// A world whose first terminal was checked; its ledger names the report that is returned.
fn world() -> (World, Vec<u8>) {
    let mut world = World::new(51, false);
    let bytes = report(&world.ledgers[0].key, "0");
    world.ledgers[0].push("staff:P001", None, checked(&bytes));
    world.ledgers[0].checkpoint(Some(&world.center));
    world.roll = Some(world.make_roll());
    (world, bytes)
}

fn green(world: &World, archive: &[u8]) -> Summary {
    match world.verdict_on(archive) {
        Verdict::Green(summary) => *summary,
        Verdict::Red(finding) => panic!("red: {finding:?}"),
    }
}

fn missing(summary: &Summary) -> u64 {
    let missing = |what: &NotProven| match what {
        NotProven::ReportsMissing { count } => Some(*count),
        _ => None,
    };
    summary.not_proven.iter().find_map(missing).unwrap_or(0)
}

#[test]
fn a_named_report_is_green_and_a_missing_one_is_told() {
    let (mut world, bytes) = world();
    let without = green(&world, &world.archive());
    assert_eq!((without.reports, missing(&without)), (0, 1));
    world.reports = vec![bytes];
    let with = green(&world, &world.archive());
    assert_eq!((with.reports, missing(&with)), (1, 0));
}

#[test]
fn a_report_that_no_ledger_of_its_device_names_is_red() {
    let (mut world, good) = world();
    let other = report(&world.ledgers[0].key, "512 MiB");
    world.reports = vec![good.clone(), other.clone()];
    let verdict = world.verdict();
    assert_eq!(code(&verdict), "report.unnamed");
    assert!(
        matches!(&verdict, Verdict::Red(finding) if finding.found == fengjuan_wire::hash(&other).hex())
    );
    world.reports = vec![other];
    assert_eq!(code(&world.verdict()), "report.unnamed");
    // A hash that another device's ledger names does not make a report its own.
    let (mut world, _) = self::world();
    let foreign = report(&world.ledgers[1].key, "0");
    world.ledgers[0].push("staff:P001", None, checked(&foreign));
    world.ledgers[0].checkpoint(Some(&world.center));
    world.roll = Some(world.make_roll());
    world.reports = vec![foreign];
    assert_eq!(code(&world.verdict()), "report.unnamed");
    // The entry that names it is hidden: nothing shown vouches for the report.
    let (mut world, good) = self::world();
    world.reports = vec![good.clone()];
    let named_at = world.ledgers[0].entries.len() as u64 - 1;
    let archive = world.archive_of(&|seq| seq < named_at);
    assert_eq!(code(&world.verdict_on(&archive)), "report.unnamed");
    // Twice is once too often.
    world.reports = vec![good.clone(), good];
    assert_eq!(code(&world.verdict()), "object.twice");
}

#[test]
fn a_report_without_its_devices_signature_is_red() {
    let (mut world, good) = world();
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let named = EquipmentReport::open(&good).unwrap();
    let by_another = named.sign(&world.ledgers[1].key).unwrap();
    let stranger = report(&SigningKey::from_seed(&[77; 32]), "0");
    for wrong in [flipped, by_another, stranger, Vec::new()] {
        world.reports = vec![wrong];
        assert_eq!(code(&world.verdict()), "report.invalid");
    }
}

fn exported(folder: &Path, world: &World) -> Summary {
    let out = folder.join("out.tar");
    let _ = fs::remove_file(&out);
    export::export(folder, &out, &Scope::default(), START_MS).unwrap();
    let verdict = verify(
        &File::open(&out).unwrap(),
        &world.root(),
        &VerifyOptions::default(),
    );
    match verdict {
        Verdict::Green(summary) => *summary,
        Verdict::Red(finding) => panic!("red: {finding:?}"),
    }
}

#[test]
fn a_centers_home_gives_the_reports_that_it_received() {
    let (mut world, bytes) = world();
    let hash = fengjuan_wire::hash(&bytes);
    let receipt = Receipt {
        object: hash,
        bytes: bytes.len() as u64,
        received_ms: START_MS,
        position: 900,
        receiver: "jining".to_owned(),
    };
    world.objects.push(ObjectRecord {
        hash,
        kind: "report".to_owned(),
        bytes: bytes.len() as u64,
        device: world.ledgers[0].key.public(),
        receipt: Some(receipt.sign(&world.center.receipt).unwrap()),
    });
    let dir = tempfile::tempdir().unwrap();
    center_home(&world, dir.path());
    let received = dir.path().join("received");
    fs::create_dir_all(&received).unwrap();
    let summary = exported(dir.path(), &world);
    assert_eq!((summary.reports, missing(&summary)), (0, 1));
    fs::write(received.join(hash.hex()), &bytes).unwrap();
    // A report whose entry has not arrived is not in the archive: nothing could vouch for it.
    let early = report(&world.ledgers[0].key, "9");
    fs::write(received.join(fengjuan_wire::hash(&early).hex()), &early).unwrap();
    let summary = exported(dir.path(), &world);
    assert_eq!((summary.reports, missing(&summary)), (1, 0));
    fs::write(received.join(hash.hex()), b"damaged").unwrap();
    let summary = exported(dir.path(), &world);
    assert_eq!((summary.reports, missing(&summary)), (0, 1));
}

struct Checked(Hash32);

impl EncodeEntry for Checked {
    fn encode(&self, place: &Place) -> Result<Vec<u8>, String> {
        let stamp = Stamp {
            attempt: None,
            lease: 0,
            actor: "staff:P001".to_owned(),
            boot_id: [1; 16],
            boot_ms: 900,
            exam_ms: self.exam_ms(),
            wall_ms: self.wall_ms(),
        };
        let event = Event::EquipmentChecked {
            report: self.0,
            passed: 1,
            warned: 0,
            failed: 0,
            unmeasured: 0,
        };
        encode(
            &place.ledger_id,
            place.seq,
            place.attempt_seq,
            &stamp,
            &event,
            None,
        )
        .map_err(|error| error.to_string())
    }
    fn kind(&self) -> &str {
        "app.equipment_checked"
    }
    fn class(&self) -> u8 {
        1
    }
    fn attempt(&self) -> Option<[u8; 16]> {
        None
    }
    fn exam_ms(&self) -> Option<i64> {
        Some(START_MS + 900)
    }
    fn wall_ms(&self) -> i64 {
        START_MS + 900
    }
}

#[test]
fn a_terminals_directory_gives_its_own_reports() {
    let (world, dir) = (World::new(52, false), tempfile::tempdir().unwrap());
    let running = terminal_dir(&world, dir.path());
    let bytes = report(&world.ledgers[0].key, "0");
    let hash = fengjuan_wire::hash(&bytes);
    let change = Change::default().entry(Box::new(Checked(hash)));
    let writer = running.writer();
    writer.put_object("report", hash.0, &bytes, change).unwrap();
    let summary = exported(dir.path(), &world);
    assert_eq!((summary.reports, missing(&summary)), (1, 0));
    assert_eq!(
        summary.objects, 2,
        "it waits for its receipt as a bundle does"
    );
}
