//! Readiness reports: as the device signed them, over the line and by courier, each with a receipt.

use crate::day::{Day, Device};
use crate::protocol::{Caller, app, receipt};
use axum::http::StatusCode;
use fengjuan_center::courier;
use fengjuan_center::report::{self, LastCheck};
use fengjuan_wire::report::{EquipmentReport, ReportRow, ReportVerdict};
use fengjuan_wire::{Hash32, Signed};
use std::fs;

fn report_of(device: &Device, exam_ms: i64, disk: ReportVerdict) -> (Hash32, Vec<u8>) {
    let row = |check: &str, verdict, value: &str| ReportRow {
        check: check.to_owned(),
        verdict,
        value: value.to_owned(),
        limit: String::new(),
        advice: None,
    };
    let report = EquipmentReport {
        device: device.sign.public(),
        device_name: "T01".to_owned(),
        site: "S01".to_owned(),
        program_version: "0.1.0".to_owned(),
        exam_ms,
        wall_ms: exam_ms,
        boot_id: vec![1; 16],
        rows: vec![
            row("disk_space", disk, "3.1 GiB"),
            row("swap", ReportVerdict::Pass, "0"),
        ],
    };
    let bytes = report.sign(&device.sign).unwrap();
    (fengjuan_wire::hash(&bytes), bytes)
}

/// Hash and verdicts of a device's newest report.
fn newest(day: &Day, device: &Device) -> Option<(Hash32, usize)> {
    let all = report::list(&day.home).unwrap();
    let of = all
        .into_iter()
        .find(|checked| checked.device.sign == device.sign.public());
    match of.unwrap().last {
        LastCheck::Report { hash, report, .. } => Some((hash, report.count(ReportVerdict::Fail))),
        LastCheck::None => None,
        LastCheck::Unreadable => panic!("unreadable"),
    }
}

#[tokio::test]
async fn a_report_gets_its_receipt_and_the_newest_is_shown() {
    let day = Day::planned();
    let (terminal, idle) = (day.approved(1), day.approved(2));
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let (first, bytes) = report_of(&terminal, 1_000, ReportVerdict::Fail);
    assert_eq!(newest(&day, &terminal), None);
    let signed = caller.upload(&first, &bytes).await;
    let given = receipt(&day, &signed);
    assert_eq!((given.object, given.bytes), (first, bytes.len() as u64));
    assert_eq!(newest(&day, &terminal), Some((first, 1)));
    assert_eq!(newest(&day, &idle), None);
    let (second, later) = report_of(&terminal, 9_000, ReportVerdict::Pass);
    caller.upload(&second, &later).await;
    assert_eq!(newest(&day, &terminal), Some((second, 0)));

    // An older one that comes by stick afterwards is kept, and is not the newest.
    let (old, late) = report_of(&terminal, 5_000, ReportVerdict::Warn);
    let stick = tempfile::tempdir().unwrap();
    let up = stick.path().join("fengjuan-courier/up");
    fs::create_dir_all(&up).unwrap();
    fs::write(up.join(old.hex()), &late).unwrap();
    let taken = courier::import(&day.home, stick.path()).unwrap();
    assert_eq!((taken.new_objects, taken.answers), (1, 1));
    assert_eq!(newest(&day, &terminal), Some((second, 0)));

    // What is no longer what was receipted is not shown as a report.
    fs::write(day.home.received(&second), b"x").unwrap();
    assert_eq!(newest(&day, &terminal), Some((old, 0)));
}

#[tokio::test]
async fn a_report_that_its_device_has_not_signed_is_refused() {
    let day = Day::planned();
    let (terminal, other) = (day.approved(1), day.approved(2));
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let (_, good) = report_of(&terminal, 1_000, ReportVerdict::Pass);
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let named = EquipmentReport::open(&good).unwrap();
    let forged = named.sign(&other.sign).unwrap();
    for bytes in [flipped, forged, good[..good.len() - 1].to_vec()] {
        let hash = fengjuan_wire::hash(&bytes);
        let refused = caller
            .part(&hash, &bytes, 0, bytes.len())
            .await
            .unwrap_err();
        assert_eq!(
            refused,
            (
                StatusCode::UNPROCESSABLE_ENTITY,
                "upload.not_an_object".to_owned()
            )
        );
    }
    assert_eq!(newest(&day, &terminal), None);
}
