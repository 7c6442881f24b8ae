//! The signed report of an equipment check (考前检查报告): every measurement with its value, limit and verdict. It goes up
//! as the device signed it, not sealed: it holds nothing of a paper or a person, the ledger names the hash of these very
//! bytes, and an auditor reads it without any key.

use crate::{Signed, WireError};
use fengjuan_envelope::cbor;
use fengjuan_envelope::cose::{self, CoseError};
use fengjuan_envelope::sign::PublicKey;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EquipmentReport {
    pub device: PublicKey,
    pub device_name: String,
    pub site: String,
    pub program_version: String,
    /// Exam clock and wall clock of the moment of signing, milliseconds since 1970 UTC.
    pub exam_ms: i64,
    pub wall_ms: i64,
    #[serde(with = "serde_bytes")]
    pub boot_id: Vec<u8>,
    pub rows: Vec<ReportRow>,
}

/// One measurement. Names and codes are the stable ones that the screens map to words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportRow {
    /// e.g. `durable_write`.
    pub check: String,
    pub verdict: ReportVerdict,
    pub value: String,
    pub limit: String,
    /// What to do, or why nothing was measured; none where it passed.
    pub advice: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportVerdict {
    Pass,
    Warn,
    Fail,
    /// Never a pass.
    NotMeasured,
}

impl EquipmentReport {
    /// A report that the device which it names has signed. The caller still checks that it knows this device.
    ///
    /// # Errors
    /// [`WireError::Signature`], [`WireError::Malformed`].
    pub fn open(bytes: &[u8]) -> Result<EquipmentReport, WireError> {
        let (usage, _, payload) = cose::peek_payload(bytes)?;
        if usage != Self::USAGE {
            return Err(CoseError::Usage.into());
        }
        let named: EquipmentReport = cbor::from_slice(&payload)?;
        Self::verify(&named.device, bytes)
    }

    /// How many rows have this verdict.
    pub fn count(&self, verdict: ReportVerdict) -> usize {
        let rows = self.rows.iter();
        rows.filter(|row| row.verdict == verdict).count()
    }
}

impl ReportVerdict {
    /// For paper and tables, Chinese and English.
    pub fn title(self) -> &'static str {
        match self {
            ReportVerdict::Pass => "合格 pass",
            ReportVerdict::Warn => "提醒 warn",
            ReportVerdict::Fail => "不合格 FAIL",
            ReportVerdict::NotMeasured => "未能测量 not measured",
        }
    }
}

/// A check's titles for paper and tables, Chinese and English; empty for one that this version does not know.
pub fn check_title(check: &str) -> (&'static str, &'static str) {
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

impl Signed for EquipmentReport {
    const USAGE: &'static str = "fengjuan/report/1";
}
