//! The signed report: for the ledger, for a folder, and for a person to read and sign.

use super::{EquipmentError, Inner, counted, measured};
use crate::durable_file;
use crate::identity::DeviceIdentity;
use crate::recorder::{SYSTEM, staff};
use crate::upstream::Enrolment;
use crate::view::{CheckRow, Verdict};
use chrono::{DateTime, FixedOffset};
use fengjuan_core::event::Event;
use fengjuan_store::{Change, Reader};
use fengjuan_wire::report::{EquipmentReport, ReportRow, ReportVerdict, check_title};
use fengjuan_wire::{Hash32, Signed};
use std::fmt::Write;
use std::path::{Path, PathBuf};

pub(super) struct SignedReport {
    bytes: Vec<u8>,
    hash: Hash32,
    report: EquipmentReport,
}

/// The kind of object under which reports are kept.
pub(crate) const KIND: &str = "report";

/// Signs the report, and keeps it among the objects that the center receipts, in one transaction with its entry.
pub(super) fn sign(
    inner: &Inner,
    rows: &[CheckRow],
    staff_id: Option<&str>,
) -> Result<SignedReport, EquipmentError> {
    let (recorder, machine) = (&inner.recorder, inner.recorder.machine());
    let report = EquipmentReport {
        device: inner.identity.public(),
        device_name: device_name(inner),
        site: inner.site.clone(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        exam_ms: recorder.exam_now(),
        wall_ms: machine.wall_ms(),
        boot_id: machine.boot_id().to_vec(),
        rows: rows.iter().map(report_row).collect(),
    };
    let bytes = report.sign(&inner.identity.sign)?;
    let hash = fengjuan_wire::hash(&bytes);
    let event = Event::EquipmentChecked {
        report: hash,
        passed: counted(rows, Verdict::Pass),
        warned: counted(rows, Verdict::Warn),
        failed: counted(rows, Verdict::Fail),
        unmeasured: counted(rows, Verdict::NotMeasured),
    };
    let actor = staff_id.map_or_else(|| SYSTEM.to_owned(), staff);
    let change = Change::default().entry(recorder.entry(&actor, None, event));
    recorder.store_object(KIND, hash.0, &bytes, change)?;
    Ok(SignedReport {
        bytes,
        hash,
        report,
    })
}

/// The newest report of this device. One that cannot be read is as good as none: the machine is checked again.
pub(super) fn last(reader: &Reader, identity: &DeviceIdentity) -> Option<SignedReport> {
    let objects = reader.objects().unwrap_or_default();
    let newest = objects
        .into_iter()
        .filter(|object| object.kind == KIND)
        .max_by_key(|object| object.seq)?;
    let bytes = reader.object_bytes(&newest.hash).ok()?;
    let report = EquipmentReport::verify(&identity.public(), &bytes)
        .inspect_err(|error| tracing::warn!(code = error.code(), "the last report is unreadable"))
        .ok()?;
    Some(SignedReport {
        bytes,
        hash: Hash32(newest.hash),
        report,
    })
}

/// A report's rows as the screen shows them, in the screen's order.
pub(super) fn rows(signed: &SignedReport) -> Vec<CheckRow> {
    let rows = &signed.report.rows;
    let shown = |check| {
        let row = rows.iter().find(|row| row.check == measured::name(check))?;
        Some(CheckRow {
            check,
            verdict: match row.verdict {
                ReportVerdict::Pass => Verdict::Pass,
                ReportVerdict::Warn => Verdict::Warn,
                ReportVerdict::Fail => Verdict::Fail,
                ReportVerdict::NotMeasured => Verdict::NotMeasured,
            },
            value: row.value.clone(),
            limit: row.limit.clone(),
            advice: row.advice.clone(),
        })
    };
    measured::EVERY_CHECK
        .into_iter()
        .filter_map(shown)
        .collect()
}

/// As the center certified it, else as the terminal calls itself.
fn device_name(inner: &Inner) -> String {
    match &inner.sync.borrow().enrolment {
        Some(Enrolment::Approved(certificate)) => certificate.device_name.clone(),
        _ => inner.device_name.clone(),
    }
}

fn report_row(row: &CheckRow) -> ReportRow {
    let verdict = match row.verdict {
        Verdict::Pass => ReportVerdict::Pass,
        Verdict::Warn => ReportVerdict::Warn,
        Verdict::Fail => ReportVerdict::Fail,
        Verdict::Running | Verdict::NotMeasured => ReportVerdict::NotMeasured,
    };
    ReportRow {
        check: measured::name(row.check).to_owned(),
        verdict,
        value: row.value.clone(),
        limit: row.limit.clone(),
        advice: row.advice.clone(),
    }
}

impl SignedReport {
    /// Exam clock of the check, milliseconds since 1970 UTC.
    pub(super) fn exam_ms(&self) -> i64 {
        self.report.exam_ms
    }

    /// The boot in which the machine was checked.
    pub(super) fn boot_id(&self) -> &[u8] {
        &self.report.boot_id
    }

    /// Writes `report-<device>-<time>.cose`, `.txt` and `.csv`.
    pub(super) fn save(
        &self,
        folder: &Path,
        utc_offset_min: i32,
    ) -> Result<PathBuf, EquipmentError> {
        std::fs::create_dir_all(folder)?;
        let time = local(self.exam_ms(), utc_offset_min);
        let stamp = time.map_or_else(
            || self.exam_ms().to_string(),
            |time| time.format("%Y%m%d-%H%M%S").to_string(),
        );
        let safe = |c: char| {
            if c.is_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        };
        let device: String = self.report.device_name.chars().map(safe).take(40).collect();
        let stem = folder.join(format!("report-{device}-{stamp}"));
        let path = |extension: &str| PathBuf::from(format!("{}.{extension}", stem.display()));
        durable_file::replace(&path("cose"), &self.bytes)?;
        durable_file::replace(&path("txt"), self.text(time).as_bytes())?;
        durable_file::replace(&path("csv"), self.csv().as_bytes())?;
        Ok(path("cose"))
    }

    fn text(&self, time: Option<DateTime<FixedOffset>>) -> String {
        let report = &self.report;
        let mut text = String::from("设备检查报告  Equipment check report\n\n");
        let time = time.map_or_else(String::new, |time| {
            time.format("%Y-%m-%d %H:%M:%S %:z").to_string()
        });
        let _ = writeln!(
            text,
            "考试点 Site: {}\n考试机 Terminal: {}",
            report.site, report.device_name
        );
        let _ = writeln!(
            text,
            "时间 Time: {time}\n版本 Version: {}",
            report.program_version
        );
        let _ = writeln!(text, "SHA-256: {}\n", self.hash.hex());
        for row in &report.rows {
            let (zh, en) = check_title(&row.check);
            let advice = row
                .advice
                .as_deref()
                .map_or_else(String::new, |code| format!("  [{code}]"));
            let limit = if row.limit.is_empty() {
                String::new()
            } else {
                format!("  ({})", row.limit)
            };
            let _ = writeln!(
                text,
                "{}  {zh} {en}: {}{limit}{advice}",
                row.verdict.title(),
                row.value
            );
        }
        text.push_str("\n检查人 Checked by: ____________    日期 Date: ____________\n");
        text
    }

    /// With a byte order mark, so that spreadsheets read the Chinese.
    fn csv(&self) -> String {
        let mut text = String::from("\u{feff}check,检查项,verdict,value,limit,advice\r\n");
        for row in &self.report.rows {
            let advice = row.advice.clone().unwrap_or_default();
            let fields = [
                &row.check,
                check_title(&row.check).0,
                row.verdict.title(),
                &row.value,
                &row.limit,
                &advice,
            ];
            let quoted: Vec<String> = fields.iter().map(|field| quote(field)).collect();
            text.push_str(&quoted.join(","));
            text.push_str("\r\n");
        }
        text
    }
}

/// RFC 4180, and no field that a spreadsheet would take for a formula.
fn quote(field: &str) -> String {
    let guard = if field.starts_with(['=', '+', '-', '@']) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", field.replace('"', "\"\""))
}

fn local(ms: i64, utc_offset_min: i32) -> Option<DateTime<FixedOffset>> {
    let zone = FixedOffset::east_opt(utc_offset_min * 60)?;
    Some(DateTime::from_timestamp_millis(ms)?.with_timezone(&zone))
}
