//! Hubs (考场管理机): devices that the center lets act for it in a room, by a delegation (委托) that its issuer signs.

mod vouching;

pub(crate) use vouching::{is_vouched_by, revoked_by, take_back, vouch, vouchers};

use crate::device::{self, Device, DeviceState};
use crate::home::KitSite;
use crate::keys::KeyRole;
use crate::{CenterError, Home, issue, plan};
use fengjuan_core::plan::{ExamMs, Sitting};
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::Signed;
use fengjuan_wire::delegation::{HubDelegation, HubKeys};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::collections::{BTreeMap, BTreeSet};

/// How long a delegation lasts where nobody says otherwise.
const USUAL_MS: i64 = 30 * 24 * 3_600_000;
/// Longest that one may last: a hub is looked at again every year.
const LONGEST_MS: i64 = 400 * 24 * 3_600_000;

/// A device that has sent a hub's keys.
#[derive(Clone, Debug)]
pub struct Hub {
    pub device: Device,
    pub keys: HubKeys,
    pub standing: Standing,
    /// Devices that it vouches for.
    pub devices: u32,
}

/// Whether a device may act as a hub. Whoever asks looks at the time too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It never might.
    Undelegated,
    /// Its delegation was withdrawn.
    Withdrawn,
    Delegated(Box<HubDelegation>),
}

/// A delegation to be given.
#[derive(Clone, Copy, Debug)]
pub struct NewDelegation<'a> {
    pub fingerprint: &'a str,
    /// The one room that it may run; none: any of its site.
    pub room_no: Option<&'a str>,
    /// Exam clock; usually 30 days from now.
    pub until_ms: Option<i64>,
    /// Who approves it, after two people have compared the fingerprint.
    pub by: &'a str,
}

/// What a decision about a hub came to.
#[derive(Clone, Debug)]
pub struct Decided {
    pub hub: Hub,
    /// Issued sittings that are not over, and whose documents do not say yet what was decided: to be issued again.
    pub to_reissue: Vec<String>,
}

/// Keeps the further keys that a device sends at its enrolment. The code of the refusal, where they are not taken:
/// other ones are known of this device, or one of them is in use elsewhere, since none may serve two purposes.
pub(crate) fn keys_offered(
    conn: &Connection,
    device: &PublicKey,
    keys: &HubKeys,
    now_ms: i64,
) -> Result<Option<&'static str>, CenterError> {
    match keys_of(conn, device)? {
        Some(known) if known == *keys => return Ok(None),
        Some(_) => return Ok(Some("enrol.other_hub_keys")),
        None => {}
    }
    let new = [keys.issuer, keys.witness, keys.receipt];
    let own: BTreeSet<PublicKey> = new.into_iter().chain([*device]).collect();
    let sql = "SELECT count(*) FROM hubs WHERE ?1 IN (device, issuer, witness, receipt)";
    let mut taken = 0;
    for key in &new {
        taken += conn.query_row(sql, [key.as_bytes()], |row| row.get::<_, u32>(0))?;
        taken += u32::from(device::find(conn, key)?.is_some());
    }
    if own.len() != 4 || taken > 0 {
        return Ok(Some("enrol.hub_key_in_use"));
    }
    conn.execute(
        "INSERT INTO hubs (device, issuer, witness, receipt, first_seen_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            device.as_bytes(),
            keys.issuer.as_bytes(),
            keys.witness.as_bytes(),
            keys.receipt.as_bytes(),
            now_ms
        ],
    )?;
    Ok(None)
}

/// A hub's further keys; none for any other device.
pub(crate) fn keys_of(
    conn: &Connection,
    device: &PublicKey,
) -> Result<Option<HubKeys>, CenterError> {
    let sql = "SELECT issuer, witness, receipt FROM hubs WHERE device = ?1";
    let keys = conn.query_row(sql, [device.as_bytes()], |row| {
        Ok(HubKeys {
            issuer: PublicKey::from_bytes(row.get(0)?),
            witness: PublicKey::from_bytes(row.get(1)?),
            receipt: PublicKey::from_bytes(row.get(2)?),
        })
    });
    Ok(keys.optional()?)
}

/// The newest delegation as it was signed, and whether it stands.
pub(crate) fn signed_delegation(
    conn: &Connection,
    hub: &PublicKey,
) -> Result<Option<(Vec<u8>, bool)>, CenterError> {
    let sql = "SELECT signed, revoked_ms IS NULL FROM delegations WHERE hub = ?1 ORDER BY no DESC LIMIT 1";
    let row = conn.query_row(sql, [hub.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(row.optional()?)
}

/// The newest delegation, verified again.
pub(crate) fn standing(
    home: &Home,
    conn: &Connection,
    hub: &PublicKey,
) -> Result<Standing, CenterError> {
    Ok(match signed_delegation(conn, hub)? {
        None => Standing::Undelegated,
        Some((_, false)) => Standing::Withdrawn,
        Some((signed, true)) => {
            let delegation = HubDelegation::verify(&home.directory().issuer, &signed)?;
            Standing::Delegated(Box::new(delegation))
        }
    })
}

/// Every hub, by site and name.
///
/// # Errors
/// Database errors; a delegation that no longer verifies.
pub fn list(home: &Home, conn: &Connection) -> Result<Vec<Hub>, CenterError> {
    let mut all = Vec::new();
    for device in device::list(conn)? {
        all.extend(hub(home, conn, device)?);
    }
    all.sort_by(|a, b| (&a.device.site, &a.device.name).cmp(&(&b.device.site, &b.device.name)));
    Ok(all)
}

fn hub(home: &Home, conn: &Connection, device: Device) -> Result<Option<Hub>, CenterError> {
    let Some(keys) = keys_of(conn, &device.sign)? else {
        return Ok(None);
    };
    let sql = "SELECT count(*) FROM vouches WHERE hub = ?1";
    Ok(Some(Hub {
        standing: standing(home, conn, &device.sign)?,
        devices: conn.query_row(sql, [device.sign.as_bytes()], |row| row.get(0))?,
        device,
        keys,
    }))
}

fn found(home: &Home, conn: &Connection, fingerprint: &str) -> Result<Hub, CenterError> {
    let device = device::by_fingerprint(conn, fingerprint)?;
    let named = device.fingerprint.clone();
    hub(home, conn, device)?.ok_or(CenterError::NotAHub(named))
}

/// Gives a device a delegation, and approves it where it still waits for that: one comparison of the fingerprint serves
/// for both. A later delegation takes the place of an earlier one.
///
/// # Errors
/// [`CenterError::UnknownDevice`], [`CenterError::NotAHub`], [`CenterError::DeviceRevoked`],
/// [`CenterError::UnknownRoom`], [`CenterError::BadLastDay`], [`CenterError::Missing`].
pub fn approve(home: &Home, new: &NewDelegation<'_>, now_ms: i64) -> Result<Decided, CenterError> {
    let by = new.by.trim();
    if by.is_empty() {
        return Err(CenterError::Missing("name of who approves"));
    }
    let not_after_ms = new.until_ms.unwrap_or(now_ms + USUAL_MS);
    if !(1..=LONGEST_MS).contains(&(not_after_ms.saturating_sub(now_ms))) {
        return Err(CenterError::BadLastDay);
    }
    let mut conn = home.database()?;
    let known = found(home, &conn, new.fingerprint)?;
    let center = home.directory();
    let centers = [
        center.issuer,
        center.device_ca,
        center.tls_server,
        center.witness,
        center.receipt,
    ];
    let keys = [known.keys.issuer, known.keys.witness, known.keys.receipt];
    if keys.iter().any(|key| centers.contains(key)) {
        return Err(CenterError::NotAHub(known.device.fingerprint));
    }
    if let Some(room_no) = new.room_no {
        check_room(&conn, &known.device.site, room_no)?;
    }
    let device = match known.device.state {
        DeviceState::Approved => known.device,
        DeviceState::Revoked => return Err(CenterError::DeviceRevoked(known.device.fingerprint)),
        DeviceState::Pending | DeviceState::Vouched => {
            device::approve(home, new.fingerprint, by, now_ms)?
        }
    };
    let delegation = HubDelegation {
        center_id: home.directory().center_id.clone(),
        site: device.site.clone(),
        room_no: new.room_no.map(str::to_owned),
        hub_name: device.name,
        device: device.sign,
        kem: device.kem,
        issuer: known.keys.issuer,
        witness: known.keys.witness,
        receipt: known.keys.receipt,
        issued_ms: now_ms,
        not_after_ms,
    };
    let signed = delegation.sign(&home.keys().signing(KeyRole::Issuer)?)?;
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    change.execute(
        "INSERT INTO delegations (hub, given_ms, given_by, signed) VALUES (?1, ?2, ?3, ?4)",
        params![device.sign.as_bytes(), now_ms, by, signed],
    )?;
    let decided = decided(home, &change, new.fingerprint, now_ms)?;
    change.commit()?;
    tracing::info!(
        hub = device.sign.to_hex(),
        not_after_ms,
        "a hub was given a delegation"
    );
    Ok(decided)
}

/// Withdraws a hub's delegation: from now on it is a device like any other. What it did before stays.
///
/// # Errors
/// [`CenterError::UnknownDevice`], [`CenterError::NotAHub`], [`CenterError::NotDelegated`], [`CenterError::Missing`].
pub fn revoke(
    home: &Home,
    fingerprint: &str,
    by: &str,
    now_ms: i64,
) -> Result<Decided, CenterError> {
    if by.trim().is_empty() {
        return Err(CenterError::Missing("name of who approves"));
    }
    let mut conn = home.database()?;
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let hub = found(home, &change, fingerprint)?;
    let revoked = change.execute(
        "UPDATE delegations SET revoked_ms = ?2, revoked_by = ?3 WHERE hub = ?1 AND revoked_ms IS NULL",
        params![hub.device.sign.as_bytes(), now_ms, by.trim()],
    )?;
    if revoked == 0 {
        return Err(CenterError::NotDelegated(hub.device.fingerprint));
    }
    let decided = decided(home, &change, fingerprint, now_ms)?;
    change.commit()?;
    tracing::info!(
        hub = hub.device.sign.to_hex(),
        "a hub's delegation was withdrawn"
    );
    Ok(decided)
}

fn decided(
    home: &Home,
    conn: &Connection,
    fingerprint: &str,
    now_ms: i64,
) -> Result<Decided, CenterError> {
    let hub = found(home, conn, fingerprint)?;
    let sql = "SELECT sitting_no, max(version) FROM issues WHERE site = ?1 AND last_end_ms > ?2 GROUP BY sitting_no";
    let mut statement = conn.prepare(sql)?;
    let newest = statement
        .query_map(params![hub.device.site, now_ms], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let mut to_reissue = Vec::new();
    for (sitting_no, version) in newest {
        let document = issue::document(home, conn, &sitting_no, version)?;
        if document.delegates != delegates(home, conn, &document.sitting, now_ms)? {
            to_reissue.push(sitting_no);
        }
    }
    Ok(Decided { hub, to_reissue })
}

/// The hubs that may make grants for a sitting: approved, delegated for its room, and for long enough.
pub(crate) fn delegates(
    home: &Home,
    conn: &Connection,
    sitting: &Sitting,
    now_ms: i64,
) -> Result<Vec<PublicKey>, CenterError> {
    let mut issuers = BTreeSet::new();
    for hub in list(home, conn)? {
        let Standing::Delegated(delegation) = hub.standing else {
            continue;
        };
        let fits = hub.device.state == DeviceState::Approved
            && delegation.site == sitting.plan.site
            && delegation.covers_room(&sitting.room_no)
            && delegation.not_after_ms > now_ms.max(latest_end_ms(sitting));
        if fits {
            issuers.insert(delegation.issuer);
        }
    }
    Ok(issuers.into_iter().collect())
}

/// When the last candidate hands in at the latest, as the plan has it: the last end, started as late as may be, with all
/// the time that the site may give by itself.
fn latest_end_ms(sitting: &Sitting) -> ExamMs {
    let most_min = sitting
        .outage_credit_cap_min
        .saturating_add(sitting.entry.start_delay_limit_min);
    sitting
        .last_end_ms()
        .saturating_add(i64::from(most_min) * 60_000)
}

/// When the last version of an issued sitting ends.
pub(crate) fn end_of(conn: &Connection, sitting_no: &str) -> Result<Option<ExamMs>, CenterError> {
    let sql = "SELECT max(last_end_ms) FROM issues WHERE sitting_no = ?1";
    Ok(conn.query_row(sql, [sitting_no], |row| row.get(0))?)
}

/// A room of the site in which a sitting is planned: a slip of the pen would make a hub that may run nothing.
fn check_room(conn: &Connection, site: &str, room_no: &str) -> Result<(), CenterError> {
    let mut sittings = plan::sittings(conn)?.into_iter();
    if sittings.any(|sitting| sitting.plan.site == site && sitting.room_no == room_no) {
        return Ok(());
    }
    Err(CenterError::UnknownRoom {
        site: site.to_owned(),
        room_no: room_no.to_owned(),
    })
}

/// The room of a planned sitting.
pub(crate) fn room_of(conn: &Connection, sitting_no: &str) -> Result<Option<String>, CenterError> {
    let sql = "SELECT room_no FROM sittings WHERE sitting_no = ?1";
    Ok(conn
        .query_row(sql, [sitting_no], |row| row.get(0))
        .optional()?)
}

/// Every delegation that was ever given, withdrawn or not, by the hub's device key.
pub(crate) fn all_delegations(
    home: &Home,
    conn: &Connection,
) -> Result<BTreeMap<PublicKey, Vec<HubDelegation>>, CenterError> {
    let mut statement = conn.prepare("SELECT signed FROM delegations ORDER BY no")?;
    let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
    let mut all: BTreeMap<PublicKey, Vec<HubDelegation>> = BTreeMap::new();
    for signed in rows {
        let delegation = HubDelegation::verify(&home.directory().issuer, &signed?)?;
        all.entry(delegation.device).or_default().push(delegation);
    }
    Ok(all)
}

/// The kit of a site that works through a hub: as the site's own, with the hub's delegation.
///
/// # Errors
/// [`CenterError::NotDelegated`]; [`CenterError::DeviceOfAnotherSite`]; as [`Home::write_kit`].
pub fn write_kit(
    home: &Home,
    folder: &std::path::Path,
    of: &KitSite,
    fingerprint: &str,
) -> Result<(), CenterError> {
    let conn = home.database()?;
    let known = found(home, &conn, fingerprint)?;
    if known.device.site != of.site {
        return Err(CenterError::DeviceOfAnotherSite {
            fingerprint: known.device.fingerprint,
            site: known.device.site,
        });
    }
    let Some((signed, true)) = signed_delegation(&conn, &known.device.sign)? else {
        return Err(CenterError::NotDelegated(known.device.fingerprint));
    };
    home.write_kit(folder, of)?;
    crate::files::replace(&folder.join("hub.cose"), &signed)
}
