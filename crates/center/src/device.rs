//! Devices (考试机、考场管理机): known by their key, approved by two people who compare a fingerprint.

use crate::alert::{self, AlertKind};
use crate::keys::KeyRole;
use crate::{CenterError, Home, files, hub, offer};
use fengjuan_envelope::hpke::KemPublic;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::Signed;
use fengjuan_wire::directory::{DeviceCertificate, device_fingerprint};
use fengjuan_wire::upstream::{EnrolReply, EnrolRequest};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceState {
    Pending,
    /// Not approved here; a hub vouches for it.
    Vouched,
    Approved,
    Revoked,
}

/// A device as the center knows it.
#[derive(Clone, Debug)]
pub struct Device {
    pub sign: PublicKey,
    pub kem: KemPublic,
    pub name: String,
    pub site: String,
    pub machine: Vec<u8>,
    pub fingerprint: String,
    pub state: DeviceState,
    pub first_seen_ms: i64,
    pub decided_ms: Option<i64>,
    pub decided_by: Option<String>,
    pub certificate: Option<Vec<u8>>,
    /// Times that its key was seen where it cannot be.
    pub alerts: u32,
}

/// Strangers may ask to be enrolled; so many of them wait at most.
const MOST_PENDING: u32 = 500;
const LONGEST_NAME: usize = 120;

const COLUMNS: &str = "sign, kem, device_name, site, machine, fingerprint, state, first_seen_ms, decided_ms, decided_by, \
                       certificate, (SELECT count(*) FROM device_alerts a WHERE a.sign = devices.sign), \
                       EXISTS (SELECT 1 FROM vouches v WHERE v.device = devices.sign)";

fn read(row: &Row<'_>) -> rusqlite::Result<Result<Device, CenterError>> {
    let kem: Vec<u8> = row.get(1)?;
    let state: String = row.get(6)?;
    let Ok(kem) = KemPublic::from_bytes(&kem) else {
        return Ok(Err(CenterError::Damaged("device key")));
    };
    Ok(Ok(Device {
        sign: PublicKey::from_bytes(row.get(0)?),
        kem,
        name: row.get(2)?,
        site: row.get(3)?,
        machine: row.get(4)?,
        fingerprint: row.get(5)?,
        state: match state.as_str() {
            "approved" => DeviceState::Approved,
            "pending" if row.get(12)? => DeviceState::Vouched,
            "pending" => DeviceState::Pending,
            _ => DeviceState::Revoked,
        },
        first_seen_ms: row.get(7)?,
        decided_ms: row.get(8)?,
        decided_by: row.get(9)?,
        certificate: row.get(10)?,
        alerts: row.get(11)?,
    }))
}

/// Every device, the pending ones first.
pub fn list(conn: &Connection) -> Result<Vec<Device>, CenterError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM devices ORDER BY state <> 'pending', site, device_name, first_seen_ms"
    );
    let mut statement = conn.prepare(&sql)?;
    let rows = statement.query_map([], read)?;
    rows.map(|row| row?).collect()
}

pub fn find(conn: &Connection, sign: &PublicKey) -> Result<Option<Device>, CenterError> {
    let sql = format!("SELECT {COLUMNS} FROM devices WHERE sign = ?1");
    conn.query_row(&sql, [sign.as_bytes()], read)
        .optional()?
        .transpose()
}

/// The device with a fingerprint, however its groups are typed.
///
/// # Errors
/// [`CenterError::UnknownDevice`], database errors.
pub fn by_fingerprint(conn: &Connection, fingerprint: &str) -> Result<Device, CenterError> {
    let plain: String = fingerprint
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .collect::<String>()
        .to_uppercase();
    let sql = format!("SELECT {COLUMNS} FROM devices WHERE replace(fingerprint, '-', '') = ?1");
    let device = conn
        .query_row(&sql, [plain], read)
        .optional()?
        .transpose()?;
    device.ok_or_else(|| CenterError::UnknownDevice(fingerprint.to_owned()))
}

/// What a device may be called.
pub(crate) fn is_name(name: &str) -> bool {
    let length = name.trim().len();
    (1..=LONGEST_NAME).contains(&length) && !name.chars().any(char::is_control)
}

/// What a device that asks hears.
pub(crate) enum Heard {
    Pending { fingerprint: String },
    Approved { certificate: Vec<u8> },
    Refused(&'static str),
}

impl From<Heard> for EnrolReply {
    fn from(heard: Heard) -> EnrolReply {
        match heard {
            Heard::Pending { fingerprint } => EnrolReply::Pending { fingerprint },
            Heard::Approved { certificate } => EnrolReply::Approved { certificate },
            Heard::Refused(code) => EnrolReply::Refused {
                code: code.to_owned(),
            },
        }
    }
}

/// Whether a request says what it must, in a form that is kept.
pub(crate) fn may_ask(request: &EnrolRequest) -> bool {
    is_name(&request.device_name)
        && files::is_name(&request.site)
        && (8..=64).contains(&request.machine.len())
}

/// First contact, or a device that asks again. Its key is proven: by TLS, or by its signature.
///
/// # Errors
/// Database errors. A refusal is an answer.
pub fn enrol(
    conn: &mut Connection,
    request: &EnrolRequest,
    now_ms: i64,
) -> Result<EnrolReply, CenterError> {
    Ok(hear(conn, request, now_ms)?.into())
}

pub(crate) fn hear(
    conn: &mut Connection,
    request: &EnrolRequest,
    now_ms: i64,
) -> Result<Heard, CenterError> {
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut heard = met(&change, request, now_ms)?;
    if let (Some(keys), Heard::Pending { .. } | Heard::Approved { .. }) = (&request.hub, &heard)
        && let Some(code) = hub::keys_offered(&change, &request.sign, keys, now_ms)?
    {
        heard = Heard::Refused(code);
    }
    change.commit()?;
    Ok(heard)
}

fn met(conn: &Connection, request: &EnrolRequest, now_ms: i64) -> Result<Heard, CenterError> {
    let mut known = find(conn, &request.sign)?;
    if let Some(known) = &mut known
        && known.machine.is_empty()
    {
        // So far only its hub has spoken of it.
        let sql = "UPDATE devices SET machine = ?2 WHERE sign = ?1";
        conn.execute(sql, params![request.sign.as_bytes(), request.machine])?;
        known.machine.clone_from(&request.machine);
    }
    Ok(match known {
        None if pending(conn)? >= MOST_PENDING => Heard::Refused("enrol.too_many_pending"),
        None => {
            let fingerprint = device_fingerprint(&request.sign, &request.kem);
            conn.execute(
                "INSERT INTO devices (sign, kem, device_name, site, machine, fingerprint, state, first_seen_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7)",
                params![
                    request.sign.as_bytes(),
                    request.kem.as_bytes(),
                    request.device_name,
                    request.site,
                    request.machine,
                    fingerprint,
                    now_ms
                ],
            )?;
            Heard::Pending { fingerprint }
        }
        Some(known) if known.machine != request.machine || known.kem != request.kem => {
            alert::record(
                conn,
                &request.sign,
                AlertKind::TwoMachines,
                &request.device_name,
                now_ms,
            )?;
            Heard::Refused("enrol.key_on_two_machines")
        }
        Some(known) if known.state == DeviceState::Revoked => Heard::Refused("enrol.revoked"),
        Some(Device {
            state: DeviceState::Approved,
            certificate: Some(certificate),
            ..
        }) => Heard::Approved { certificate },
        Some(known) => Heard::Pending {
            fingerprint: known.fingerprint,
        },
    })
}

fn pending(conn: &Connection) -> Result<u32, CenterError> {
    let sql = "SELECT count(*) FROM devices WHERE state = 'pending' \
               AND NOT EXISTS (SELECT 1 FROM vouches v WHERE v.device = devices.sign)";
    Ok(conn.query_row(sql, [], |row| row.get(0))?)
}

/// Approves a device whose fingerprint two people have compared, and makes its grants for what is issued.
pub fn approve(
    home: &Home,
    fingerprint: &str,
    by: &str,
    now_ms: i64,
) -> Result<Device, CenterError> {
    if by.trim().is_empty() {
        return Err(CenterError::Missing("name of who approves"));
    }
    let mut conn = home.database()?;
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let device = by_fingerprint(&change, fingerprint)?;
    if device.state == DeviceState::Revoked {
        return Err(CenterError::DeviceRevoked(device.fingerprint));
    }
    let certificate = DeviceCertificate {
        device_name: device.name.clone(),
        site: device.site.clone(),
        sign: device.sign,
        kem: device.kem,
        approved_ms: now_ms,
        approved_by: by.trim().to_owned(),
    };
    let certificate = certificate.sign(&home.keys().signing(KeyRole::DeviceCa)?)?;
    change.execute(
        "UPDATE devices SET state = 'approved', decided_ms = ?2, decided_by = ?3, certificate = ?4 WHERE sign = ?1",
        params![device.sign.as_bytes(), now_ms, by.trim(), certificate],
    )?;
    let device = by_fingerprint(&change, fingerprint)?;
    offer::grant_missing(home, &change, &device, now_ms)?;
    change.commit()?;
    Ok(device)
}

/// A device that is lost or misused: from now on it is refused. What it sent before stays.
pub fn revoke(
    home: &Home,
    fingerprint: &str,
    by: &str,
    now_ms: i64,
) -> Result<Device, CenterError> {
    let conn = home.database()?;
    let device = by_fingerprint(&conn, fingerprint)?;
    conn.execute(
        "UPDATE devices SET state = 'revoked', decided_ms = ?2, decided_by = ?3 WHERE sign = ?1",
        params![device.sign.as_bytes(), now_ms, by.trim()],
    )?;
    by_fingerprint(&conn, fingerprint)
}
