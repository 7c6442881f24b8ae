//! The readiness reports (考前检查报告) that terminals send: the newest of every device.

use crate::device::{self, Device};
use crate::received::REPORT;
use crate::{CenterError, Home};
use fengjuan_wire::Hash32;
use fengjuan_wire::report::EquipmentReport;
use rusqlite::Connection;
use std::fs;

/// What the center knows of a device's last equipment check.
#[derive(Clone, Debug)]
pub enum LastCheck {
    /// No report has arrived.
    None,
    /// The newest that arrived is no longer what was receipted.
    Unreadable,
    Report {
        hash: Hash32,
        received_ms: i64,
        report: Box<EquipmentReport>,
    },
}

/// A device and its last check.
#[derive(Clone, Debug)]
pub struct DeviceCheck {
    pub device: Device,
    pub last: LastCheck,
}

/// Reports may arrive out of order, by courier after the line: so many of a device's latest arrivals are compared.
const LATEST_ARRIVALS: u32 = 100;

/// Every device that was approved, with its newest report by the time of the check.
///
/// # Errors
/// Database errors.
pub fn list(home: &Home) -> Result<Vec<DeviceCheck>, CenterError> {
    let conn = home.database()?;
    let devices = device::list(&conn)?;
    let approved = devices
        .into_iter()
        .filter(|device| device.certificate.is_some());
    let checked = |device: Device| {
        let last = last(home, &conn, &device)?;
        Ok(DeviceCheck { device, last })
    };
    approved.map(checked).collect()
}

fn last(home: &Home, conn: &Connection, device: &Device) -> Result<LastCheck, CenterError> {
    let mut statement = conn.prepare_cached(
        "SELECT hash, received_ms FROM received WHERE kind = ?1 AND device = ?2 ORDER BY position DESC LIMIT ?3",
    )?;
    let arrivals = statement
        .query_map((REPORT, device.sign.as_bytes(), LATEST_ARRIVALS), |row| {
            Ok((Hash32(row.get(0)?), row.get(1)?))
        })?;
    let mut newest = LastCheck::None;
    for arrival in arrivals {
        let (hash, received_ms) = arrival?;
        let Some(report) = read(home, device, &hash) else {
            if matches!(newest, LastCheck::None) {
                newest = LastCheck::Unreadable;
            }
            continue;
        };
        let newer = match &newest {
            LastCheck::Report { report: known, .. } => report.exam_ms > known.exam_ms,
            _ => true,
        };
        if newer {
            newest = LastCheck::Report {
                hash,
                received_ms,
                report: Box::new(report),
            };
        }
    }
    Ok(newest)
}

fn read(home: &Home, device: &Device, hash: &Hash32) -> Option<EquipmentReport> {
    let bytes = fs::read(home.received(hash)).ok()?;
    let whole = fengjuan_wire::hash(&bytes) == *hash;
    let report = EquipmentReport::open(&bytes).ok()?;
    (whole && report.device == device.sign).then_some(report)
}
