//! Alerts (警报): signs that a device is not the one machine with the one ledger that was approved. And the read-backs
//! of attempts, which only a replaced machine needs.

use crate::device::Device;
use crate::{CenterError, plan};
use fengjuan_core::draw::attempt_id;
use fengjuan_envelope::sign::PublicKey;
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};

/// The same alert of the same device is recorded once in this time: a clone asks again every few seconds.
const AGAIN_MS: i64 = 3_600_000;

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertKind {
    /// One key asked to be enrolled from two machines.
    TwoMachines,
    /// A device began another ledger: its database was lost or replaced.
    SecondLedger,
    /// A device sent another entry or checkpoint than the one held at that place.
    Fork,
    /// A device's ledger is shorter than what it has already sent.
    RolledBack,
}

impl AlertKind {
    const ALL: [AlertKind; 4] = [
        AlertKind::TwoMachines,
        AlertKind::SecondLedger,
        AlertKind::Fork,
        AlertKind::RolledBack,
    ];

    /// Stable name, as stored.
    pub fn code(self) -> &'static str {
        match self {
            AlertKind::TwoMachines => "two_machines",
            AlertKind::SecondLedger => "second_ledger",
            AlertKind::Fork => "fork",
            AlertKind::RolledBack => "rolled_back",
        }
    }

    fn of(code: &str) -> Option<AlertKind> {
        AlertKind::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// One recorded alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Device name and fingerprint.
    pub device: String,
    pub fingerprint: String,
    pub site: String,
    pub kind: AlertKind,
    /// Places, sizes and names; English, for the log.
    pub detail: String,
    pub at_ms: i64,
}

/// One time that a device was given the (encrypted) entries of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadBack {
    pub device: String,
    pub fingerprint: String,
    pub site: String,
    /// Sitting and ticket, where the center still has them on a roster.
    pub of: Option<(String, String)>,
    pub attempt_id: [u8; 16],
    pub entries: u32,
    pub at_ms: i64,
}

/// Keeps an alert, and logs it.
pub(crate) fn record(
    conn: &Connection,
    sign: &PublicKey,
    kind: AlertKind,
    detail: &str,
    now_ms: i64,
) -> Result<(), CenterError> {
    let kind = kind.code();
    tracing::warn!(
        device = sign.to_hex(),
        kind,
        detail,
        "a device is not the one that was approved"
    );
    let sql = "INSERT INTO device_alerts (sign, kind, detail, at_ms) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS \
               (SELECT 1 FROM device_alerts WHERE sign = ?1 AND kind = ?2 AND detail = ?3 AND at_ms > ?5)";
    let since_ms = now_ms - AGAIN_MS;
    conn.execute(
        sql,
        params![sign.as_bytes(), kind, detail, now_ms, since_ms],
    )?;
    Ok(())
}

/// Every alert, or one device's, oldest first.
///
/// # Errors
/// Database errors; [`CenterError::Damaged`] where a kind is unknown.
pub fn list(conn: &Connection, device: Option<&Device>) -> Result<Vec<Alert>, CenterError> {
    let mut statement = conn.prepare(
        "SELECT d.device_name, d.fingerprint, d.site, a.kind, a.detail, a.at_ms FROM device_alerts a \
         JOIN devices d ON d.sign = a.sign WHERE ?1 IS NULL OR a.sign = ?1 ORDER BY a.no",
    )?;
    let rows = statement.query_map([device.map(|device| device.sign.as_bytes())], |row| {
        let kind: String = row.get(3)?;
        let (device, fingerprint, site) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (detail, at_ms) = (row.get(4)?, row.get(5)?);
        Ok(AlertKind::of(&kind).map(|kind| Alert {
            device,
            fingerprint,
            site,
            kind,
            detail,
            at_ms,
        }))
    })?;
    rows.map(|row| row?.ok_or(CenterError::Damaged("kind of an alert")))
        .collect()
}

/// Every read-back, or one device's, oldest first.
///
/// # Errors
/// Database errors.
pub fn read_backs(
    conn: &Connection,
    device: Option<&Device>,
) -> Result<Vec<ReadBack>, CenterError> {
    let mut statement = conn.prepare(
        "SELECT d.device_name, d.fingerprint, d.site, r.attempt, r.entries, r.at_ms FROM attempt_reads r \
         JOIN devices d ON d.sign = r.device WHERE ?1 IS NULL OR r.device = ?1 ORDER BY r.no",
    )?;
    let rows = statement.query_map([device.map(|device| device.sign.as_bytes())], |row| {
        Ok(ReadBack {
            device: row.get(0)?,
            fingerprint: row.get(1)?,
            site: row.get(2)?,
            of: None,
            attempt_id: row.get(3)?,
            entries: row.get(4)?,
            at_ms: row.get(5)?,
        })
    })?;
    let mut all = rows.collect::<Result<Vec<_>, _>>()?;
    let wanted: BTreeSet<[u8; 16]> = all.iter().map(|read| read.attempt_id).collect();
    let names = names_of(conn, &wanted)?;
    for read in &mut all {
        read.of = names.get(&read.attempt_id).cloned();
    }
    Ok(all)
}

/// Sitting and ticket of attempts. The identifiers are one-way, so every roster is tried.
fn names_of(
    conn: &Connection,
    wanted: &BTreeSet<[u8; 16]>,
) -> Result<BTreeMap<[u8; 16], (String, String)>, CenterError> {
    let mut names = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(names);
    }
    let mut statement =
        conn.prepare("SELECT class_no, ticket_no FROM candidates WHERE sitting_no = ?1")?;
    for sitting in plan::sittings(conn)? {
        let rows = statement.query_map([&sitting.sitting_no], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        for row in rows {
            let (class_no, ticket_no) = row?;
            let Some(class) = sitting.class_group(&class_no) else {
                continue;
            };
            let id = attempt_id(&sitting.sitting_no, &ticket_no, class.attempt_no);
            if wanted.contains(&id) {
                names.insert(id, (sitting.sitting_no.clone(), ticket_no));
            }
        }
    }
    Ok(names)
}
