//! The signed report of an equipment check: every measurement with its value, limit and verdict.

use crate::Signed;
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

impl Signed for EquipmentReport {
    const USAGE: &'static str = "fengjuan/report/1";
}
