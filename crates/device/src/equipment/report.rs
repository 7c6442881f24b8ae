//! The signed report: for the ledger, for a folder, and for a person to read and sign.

use super::{EquipmentError, Inner, counted, measured};
use crate::durable_file;
use crate::recorder::{SYSTEM, staff};
use crate::upstream::Enrolment;
use crate::view::{CheckRow, Verdict};
use chrono::{DateTime, FixedOffset};
use fengjuan_core::event::Event;
use fengjuan_wire::report::{EquipmentReport, ReportRow, ReportVerdict};
use fengjuan_wire::{Hash32, Signed};
use std::fmt::Write;
use std::path::{Path, PathBuf};

pub(super) struct SignedReport {
    pub exam_ms: i64,
    bytes: Vec<u8>,
    hash: Hash32,
    report: EquipmentReport,
}

/// Signs, keeps the file in `reports/<hash>`, and records it.
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
    let dir = inner.data_dir.join("reports");
    std::fs::create_dir_all(&dir)?;
    durable_file::replace(&dir.join(hash.hex()), &bytes)?;
    let event = Event::EquipmentChecked {
        report: hash,
        passed: counted(rows, Verdict::Pass),
        warned: counted(rows, Verdict::Warn),
        failed: counted(rows, Verdict::Fail),
        unmeasured: counted(rows, Verdict::NotMeasured),
    };
    recorder.record(&staff_id.map_or_else(|| SYSTEM.to_owned(), staff), event)?;
    Ok(SignedReport {
        exam_ms: report.exam_ms,
        bytes,
        hash,
        report,
    })
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
    /// Writes `report-<device>-<time>.cose`, `.txt` and `.csv`.
    pub(super) fn save(
        &self,
        folder: &Path,
        utc_offset_min: i32,
    ) -> Result<PathBuf, EquipmentError> {
        std::fs::create_dir_all(folder)?;
        let time = local(self.exam_ms, utc_offset_min);
        let stamp = time.map_or_else(
            || self.exam_ms.to_string(),
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
            let (zh, en) = title(&row.check);
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
                verdict(row.verdict),
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
                title(&row.check).0,
                verdict(row.verdict),
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

fn verdict(verdict: ReportVerdict) -> &'static str {
    match verdict {
        ReportVerdict::Pass => "合格 pass",
        ReportVerdict::Warn => "提醒 warn",
        ReportVerdict::Fail => "不合格 FAIL",
        ReportVerdict::NotMeasured => "未能测量 not measured",
    }
}

/// Titles on paper.
fn title(check: &str) -> (&'static str, &'static str) {
    match check {
        "camera" => ("摄像头", "camera"),
        "disk_space" => ("硬盘可用空间", "free disk space"),
        "durable_write" => ("保存用时", "durable write"),
        "reboot_survival" => ("重启后数据还在", "data survives a reboot"),
        "swap" => ("交换空间", "swap"),
        "core_dumps" => ("内存转储", "core dumps"),
        "clock_offset" => ("与考试机构时间相差", "clock offset to the center"),
        "center_reachable" => ("考试机构", "exam center"),
        "internet_unreachable" => ("互联网", "internet"),
        "displays" => ("显示器", "displays"),
        "input_devices" => ("键盘和鼠标", "input devices"),
        "memory" => ("内存", "memory"),
        "power" => ("电源", "power"),
        "database" => ("数据库", "database"),
        "packages" => ("试卷包", "packages"),
        "time_since_boot" => ("开机时间", "time since boot"),
        _ => ("", ""),
    }
}
