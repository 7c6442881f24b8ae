//! What sites may fetch: the objects of an issue, and the grants of approved devices.

use crate::device::{Device, DeviceState};
use crate::keys::KeyRole;
use crate::{CenterError, Home, device, files, issue};
use fengjuan_core::plan::Sitting;
use fengjuan_envelope::cbor;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_wire::grant::{self, Grant, RosterKeys};
use fengjuan_wire::upstream::{Offered, OfferedKind};
use fengjuan_wire::{Hash32, Signed};
use rusqlite::{Connection, TransactionBehavior, params};
use std::path::Path;
use zeroize::Zeroizing;

/// Sittings are offered until this long after their last end.
const OFFERED_AFTER_END_MS: i64 = 3 * 24 * 3_600_000;

/// Where an issued object belongs.
pub(crate) struct Place<'a> {
    pub sitting: &'a Sitting,
    pub device: Option<&'a PublicKey>,
}

pub(crate) fn insert_object(
    conn: &Connection,
    kind: OfferedKind,
    hash: &Hash32,
    bytes: u64,
    at: &Place<'_>,
) -> Result<(), CenterError> {
    let Sitting {
        sitting_no,
        version,
        plan,
        ..
    } = at.sitting;
    insert_offered(
        conn, kind, hash, bytes, &plan.site, sitting_no, *version, at.device,
    )
}

#[expect(
    clippy::too_many_arguments,
    reason = "one row of a table, written in three places"
)]
pub(crate) fn insert_offered(
    conn: &Connection,
    kind: OfferedKind,
    hash: &Hash32,
    bytes: u64,
    site: &str,
    sitting_no: &str,
    version: u32,
    device: Option<&PublicKey>,
) -> Result<(), CenterError> {
    conn.execute(
        "INSERT INTO objects (hash, kind, site, sitting_no, version, bytes, device) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![hash.0, kind_name(kind), site, sitting_no, version, bytes as i64, device.map(PublicKey::as_bytes)],
    )?;
    Ok(())
}

fn kind_name(kind: OfferedKind) -> &'static str {
    match kind {
        OfferedKind::Sitting => "sitting",
        OfferedKind::Package => "package",
        OfferedKind::Grant => "grant",
        OfferedKind::Order => "order",
    }
}

pub(crate) fn write_object(path: &Path, bytes: &[u8]) -> Result<(), CenterError> {
    files::replace(path, bytes)
}

pub(crate) fn grant(
    home: &Home,
    conn: &Connection,
    issuer: &SigningKey,
    device: &Device,
    sitting_no: &str,
    version: u32,
) -> Result<(), CenterError> {
    let sql =
        "SELECT site, locked_keys, roster_keys FROM issues WHERE sitting_no = ?1 AND version = ?2";
    let (site, locked, roster): (String, Vec<u8>, Vec<u8>) =
        conn.query_row(sql, params![sitting_no, version], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let roster = Zeroizing::new(roster);
    let roster: RosterKeys = cbor::from_slice(&roster)?;
    let context = grant::sitting_context(&site, sitting_no, version)?;
    let granted = Grant {
        site: site.clone(),
        sitting_no: sitting_no.to_owned(),
        version,
        device: device.sign,
        locked_keys: grant::grant_locked(&locked, &device.kem, &context)?,
        roster_keys: grant::grant_roster(&roster, &device.kem, &context)?,
    };
    let bytes = granted.sign(issuer)?;
    let hash = grant::grant_hash(&bytes);
    write_object(&home.object(&hash), &bytes)?;
    let length = bytes.len() as u64;
    insert_offered(
        conn,
        OfferedKind::Grant,
        &hash,
        length,
        &site,
        sitting_no,
        version,
        Some(&device.sign),
    )
}

/// Makes the grants that an approved device still lacks: the newest version of every sitting of its site that is not
/// long over. Needs no code. Returns how many.
pub fn grant_missing(
    home: &Home,
    conn: &Connection,
    device: &Device,
    now_ms: i64,
) -> Result<u32, CenterError> {
    if device.state != DeviceState::Approved {
        return Err(CenterError::DeviceNotApproved(device.fingerprint.clone()));
    }
    let mut statement = conn.prepare_cached(
        "SELECT sitting_no, max(version) FROM issues WHERE site = ?1 AND last_end_ms > ?2 GROUP BY sitting_no",
    )?;
    let newest = statement
        .query_map(params![device.site, now_ms - OFFERED_AFTER_END_MS], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let mut issuer = None;
    let mut made = 0;
    for (sitting_no, version) in newest {
        if !held(conn, device, &sitting_no, version)? {
            let issuer = match &issuer {
                Some(issuer) => issuer,
                None => issuer.insert(home.keys().signing(KeyRole::Issuer)?),
            };
            grant(home, conn, issuer, device, &sitting_no, version)?;
            made += 1;
        }
    }
    Ok(made)
}

fn held(
    conn: &Connection,
    device: &Device,
    sitting_no: &str,
    version: u32,
) -> Result<bool, CenterError> {
    let sql = "SELECT count(*) FROM objects WHERE sitting_no = ?1 AND version = ?2 AND device = ?3";
    let held: u32 = conn.query_row(
        sql,
        params![sitting_no, version, device.sign.as_bytes()],
        |row| row.get(0),
    )?;
    Ok(held > 0)
}

/// What became of a wish for one grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    Made {
        version: u32,
    },
    /// The device had it already.
    Held {
        version: u32,
    },
}

/// A grant of one sitting's newest version to one device, as after a machine was replaced. Needs no code.
///
/// # Errors
/// [`CenterError::NotIssued`], [`CenterError::UnknownDevice`], [`CenterError::DeviceNotApproved`],
/// [`CenterError::DeviceOfAnotherSite`], and [`CenterError::SittingOver`] once the sitting is no longer offered.
pub fn grant_device(
    home: &Home,
    fingerprint: &str,
    sitting_no: &str,
    now_ms: i64,
) -> Result<Granted, CenterError> {
    let mut conn = home.database()?;
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = issue::latest(&change, sitting_no)?;
    let device = device::by_fingerprint(&change, fingerprint)?;
    if device.state != DeviceState::Approved {
        return Err(CenterError::DeviceNotApproved(device.fingerprint));
    }
    let sql = "SELECT site, last_end_ms FROM issues WHERE sitting_no = ?1 AND version = ?2";
    let (site, last_end_ms): (String, i64) =
        change.query_row(sql, params![sitting_no, version], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if site != device.site {
        return Err(CenterError::DeviceOfAnotherSite {
            fingerprint: device.fingerprint,
            site: device.site,
        });
    }
    if last_end_ms <= now_ms - OFFERED_AFTER_END_MS {
        return Err(CenterError::SittingOver(sitting_no.to_owned()));
    }
    if held(&change, &device, sitting_no, version)? {
        return Ok(Granted::Held { version });
    }
    let issuer = home.keys().signing(KeyRole::Issuer)?;
    grant(home, &change, &issuer, &device, sitting_no, version)?;
    change.commit()?;
    Ok(Granted::Made { version })
}

/// Every grant that one device lacks; see [`grant_missing`].
///
/// # Errors
/// [`CenterError::UnknownDevice`], [`CenterError::DeviceNotApproved`].
pub fn grant_all_missing(home: &Home, fingerprint: &str, now_ms: i64) -> Result<u32, CenterError> {
    let mut conn = home.database()?;
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let device = device::by_fingerprint(&change, fingerprint)?;
    let made = grant_missing(home, &change, &device, now_ms)?;
    change.commit()?;
    Ok(made)
}

/// What a device may fetch now: the newest version of every sitting of its site that is not long over, its own grants
/// of them, and their orders.
pub(crate) fn offered(
    conn: &Connection,
    device: &Device,
    now_ms: i64,
) -> Result<Vec<Offered>, CenterError> {
    let mut statement = conn.prepare_cached(
        "SELECT o.kind, o.hash, o.bytes, o.sitting_no, o.version FROM objects o WHERE o.site = ?1 \
         AND (o.device IS NULL OR o.device = ?2) \
         AND EXISTS (SELECT 1 FROM issues i WHERE i.sitting_no = o.sitting_no AND i.last_end_ms > ?3) \
         AND (o.kind = 'order' OR o.version = (SELECT max(version) FROM issues i WHERE i.sitting_no = o.sitting_no)) \
         ORDER BY o.sitting_no, o.kind = 'order', o.kind <> 'sitting', o.kind <> 'grant', o.hash",
    )?;
    let rows = statement.query_map(
        params![
            device.site,
            device.sign.as_bytes(),
            now_ms - OFFERED_AFTER_END_MS
        ],
        |row| {
            let (kind, hash): (String, [u8; 32]) = (row.get(0)?, row.get(1)?);
            let (bytes, sitting_no, version): (i64, String, u32) =
                (row.get(2)?, row.get(3)?, row.get(4)?);
            Ok(kind_of(&kind).map(|kind| Offered {
                kind,
                hash: Hash32(hash),
                bytes: bytes as u64,
                sitting_no,
                version,
            }))
        },
    )?;
    rows.map(|row| row?.ok_or(CenterError::Damaged("kind of an object")))
        .collect()
}

/// What a site's devices together may fetch now: as [`offered`], with the grants of every approved device. Of every
/// sitting, or of one.
pub(crate) fn of_site(
    conn: &Connection,
    site: &str,
    sitting_no: Option<&str>,
    now_ms: i64,
) -> Result<Vec<Hash32>, CenterError> {
    let mut statement = conn.prepare_cached(
        "SELECT o.hash FROM objects o WHERE o.site = ?1 AND (?2 IS NULL OR o.sitting_no = ?2) \
         AND (o.device IS NULL OR EXISTS (SELECT 1 FROM devices d WHERE d.sign = o.device AND d.state = 'approved' \
         AND d.site = ?1)) \
         AND EXISTS (SELECT 1 FROM issues i WHERE i.sitting_no = o.sitting_no AND i.last_end_ms > ?3) \
         AND (o.kind = 'order' OR o.version = (SELECT max(version) FROM issues i WHERE i.sitting_no = o.sitting_no)) \
         ORDER BY o.hash",
    )?;
    let rows = statement.query_map(
        params![site, sitting_no, now_ms - OFFERED_AFTER_END_MS],
        |row| Ok(Hash32(row.get(0)?)),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn kind_of(name: &str) -> Option<OfferedKind> {
    [
        OfferedKind::Sitting,
        OfferedKind::Package,
        OfferedKind::Grant,
        OfferedKind::Order,
    ]
    .into_iter()
    .find(|kind| kind_name(*kind) == name)
}
