//! Devices that a hub has approved. The center keeps each with the hub that vouches for it, and below its own word: what
//! it has approved stays approved, and what it has revoked stays revoked.

use crate::device::{self, DeviceState};
use crate::{CenterError, Home};
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::Signed;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::{DeviceCertificate, device_fingerprint};
use fengjuan_wire::upstream::{RevokedDevice, Vouched};
use rusqlite::{Connection, OptionalExtension, params};

/// More devices than any site has.
const MOST_OF_HUB: u32 = 1000;

/// Takes a device over on the word of a hub whose delegation the caller has found in order.
pub(crate) fn vouch(
    conn: &Connection,
    hub: &HubDelegation,
    certificate: &[u8],
    now_ms: i64,
) -> Result<Vouched, CenterError> {
    let Ok(named) = DeviceCertificate::verify(&hub.issuer, certificate) else {
        return Ok(Vouched {
            device: None,
            refused: Some("hub.certificate".to_owned()),
        });
    };
    let refused = match refusal(conn, hub, &named, now_ms)? {
        Some(code) => Some(code.to_owned()),
        None => {
            keep(conn, hub, &named, certificate, now_ms)?;
            None
        }
    };
    Ok(Vouched {
        device: Some(named.sign),
        refused,
    })
}

fn refusal(
    conn: &Connection,
    hub: &HubDelegation,
    named: &DeviceCertificate,
    now_ms: i64,
) -> Result<Option<&'static str>, CenterError> {
    if named.site != hub.site {
        return Ok(Some("hub.other_site"));
    }
    if named.approved_ms >= hub.not_after_ms {
        return Ok(Some("hub.delegation_expired"));
    }
    if !device::is_name(&named.device_name) || super::keys_of(conn, &named.sign)?.is_some() {
        return Ok(Some("hub.certificate"));
    }
    let sql = "SELECT count(*) FROM vouches WHERE hub = ?1 AND device <> ?2";
    let ids = params![hub.device.as_bytes(), named.sign.as_bytes()];
    let others: u32 = conn.query_row(sql, ids, |row| row.get(0))?;
    if others >= MOST_OF_HUB {
        return Ok(Some("hub.too_many_devices"));
    }
    let Some(known) = device::find(conn, &named.sign)? else {
        return Ok(None);
    };
    Ok(match known.state {
        _ if known.kem != named.kem => {
            let kind = crate::alert::AlertKind::TwoMachines;
            crate::alert::record(conn, &named.sign, kind, &named.device_name, now_ms)?;
            Some("hub.device_differs")
        }
        DeviceState::Revoked => Some("upstream.device_revoked"),
        _ if known.site != hub.site => Some("hub.other_site"),
        _ => None,
    })
}

fn keep(
    conn: &Connection,
    hub: &HubDelegation,
    named: &DeviceCertificate,
    certificate: &[u8],
    now_ms: i64,
) -> Result<(), CenterError> {
    conn.execute(
        "INSERT INTO devices (sign, kem, device_name, site, machine, fingerprint, state, first_seen_ms) \
         VALUES (?1, ?2, ?3, ?4, x'', ?5, 'pending', ?6) ON CONFLICT (sign) DO NOTHING",
        params![
            named.sign.as_bytes(),
            named.kem.as_bytes(),
            named.device_name,
            named.site,
            device_fingerprint(&named.sign, &named.kem),
            now_ms
        ],
    )?;
    conn.execute(
        "INSERT INTO vouches (device, hub, at_ms, certificate) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (device, hub) DO UPDATE SET certificate = ?4, at_ms = ?3 WHERE certificate <> ?4",
        params![
            named.sign.as_bytes(),
            hub.device.as_bytes(),
            now_ms,
            certificate
        ],
    )?;
    Ok(())
}

/// A hub lets a device in no more that it has vouched for. What the device has sealed is still taken, and marked; the
/// first word about it stays.
pub(crate) fn take_back(
    conn: &Connection,
    hub: &HubDelegation,
    revoked: &RevokedDevice,
) -> Result<(), CenterError> {
    conn.execute(
        "UPDATE vouches SET revoked_ms = ?3 WHERE device = ?1 AND hub = ?2 AND revoked_ms IS NULL",
        params![
            revoked.device.as_bytes(),
            hub.device.as_bytes(),
            revoked.revoked_ms
        ],
    )?;
    Ok(())
}

/// The first hub that has taken this device off its list, and when.
pub(crate) fn revoked_by(
    conn: &Connection,
    device: &PublicKey,
) -> Result<Option<(String, i64)>, CenterError> {
    let sql = "SELECT d.device_name, v.revoked_ms FROM vouches v JOIN devices d ON d.sign = v.hub \
               WHERE v.device = ?1 AND v.revoked_ms IS NOT NULL ORDER BY v.revoked_ms LIMIT 1";
    let row = conn.query_row(sql, [device.as_bytes()], |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    Ok(row.optional()?)
}

/// Whether this hub has vouched for a device.
pub(crate) fn is_vouched_by(
    conn: &Connection,
    device: &PublicKey,
    hub: &PublicKey,
) -> Result<bool, CenterError> {
    let sql = "SELECT count(*) FROM vouches WHERE device = ?1 AND hub = ?2";
    let ids = params![device.as_bytes(), hub.as_bytes()];
    Ok(conn.query_row(sql, ids, |row| row.get::<_, u32>(0))? > 0)
}

/// Every delegation of a hub whose certificate for this device verifies under it: the same site, and approved before it
/// expired. One that was withdrawn later has still been given.
pub(crate) fn vouchers(
    home: &Home,
    conn: &Connection,
    device: &PublicKey,
) -> Result<Vec<HubDelegation>, CenterError> {
    let mut statement =
        conn.prepare_cached("SELECT hub, certificate FROM vouches WHERE device = ?1 ORDER BY no")?;
    let rows = statement.query_map([device.as_bytes()], |row| {
        Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let given = super::all_delegations(home, conn)?;
    let mut all = Vec::new();
    for (hub, certificate) in rows {
        let delegations = given.get(&PublicKey::from_bytes(hub));
        for delegation in delegations.into_iter().flatten() {
            let Ok(named) = DeviceCertificate::verify(&delegation.issuer, &certificate) else {
                continue;
            };
            let fits = named.sign == *device
                && named.site == delegation.site
                && named.approved_ms < delegation.not_after_ms;
            if fits {
                all.push(delegation.clone());
            }
        }
    }
    Ok(all)
}
