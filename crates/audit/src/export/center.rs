//! From a center's home: every replicated ledger, the witness's evidence, and the log of received objects.

use super::{Window, reports, signed_for, write};
use crate::error::ArchiveError;
use crate::format::{ForkRecord, ObjectRecord, ReceiptList, Scope, Source};
use crate::thin::Checkpoints;
use crate::write::{Content, Written};
use fengjuan_envelope::cbor;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_store::replica::{ForkKind, Replica};
use fengjuan_store::{LedgerInfo, LedgerReader};
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::{DeviceCertificate, KeyDirectory};
use fengjuan_wire::order::Order;
use fengjuan_wire::sitting::SittingDocument;
use fengjuan_wire::upstream::{Roll, RolledLedger};
use fengjuan_wire::{Hash32, Signed};
use rusqlite::{Connection, OpenFlags};
use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;

fn open(home: &Path) -> Result<Connection, ArchiveError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(home.join("center.db"), flags)?)
}

pub(super) fn with_ledgers<T>(
    home: &Path,
    action: impl FnOnce(&dyn LedgerReader, &[LedgerInfo]) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    let conn = open(home)?;
    let snapshot = conn.unchecked_transaction()?;
    let replica = Replica::new(&snapshot);
    action(&replica, &replica.ledgers()?)
}

pub(super) fn export(
    home: &Path,
    out: &File,
    scope: &Scope,
    now_ms: i64,
) -> Result<Written, ArchiveError> {
    let conn = open(home)?;
    // One snapshot of the database for everything: the server may be receiving meanwhile.
    let snapshot = conn.unchecked_transaction()?;
    let replica = Replica::new(&snapshot);
    let directory = fs::read(home.join("directory.cose"))?;
    let keys = key_directory(&directory)?;
    let mut devices = signed_for(DeviceCertificate::USAGE, certificates(&snapshot)?);
    let mut delegations = delegations(&snapshot)?;
    let sittings = signed_for(
        SittingDocument::USAGE,
        blobs(&snapshot, "SELECT document FROM issues")?,
    );
    let orders = signed_for(Order::USAGE, blobs(&snapshot, "SELECT signed FROM orders")?);
    let mut infos = replica.ledgers()?;
    let window = Window::of(scope, &sittings, &replica, &infos)?;
    let of_site: Option<HashSet<PublicKey>> = window.site.as_ref().map(|site| {
        devices.retain(|certificate| key_of_site(certificate, site).is_some());
        delegations.retain(|delegation| is_of_site(delegation, site));
        devices
            .iter()
            .filter_map(|certificate| key_of_site(certificate, site))
            .collect()
    });
    if let Some(keys) = &of_site {
        infos.retain(|info| keys.contains(&PublicKey::from_bytes(info.identity.device_key)));
    }
    devices.extend(delegations);
    let chosen: HashSet<[u8; 16]> = infos.iter().map(|info| info.ledger_id).collect();
    let objects = objects(&snapshot, of_site.as_ref())?;
    let content = Content {
        source: Source::Center,
        scope: scope.clone(),
        made_ms: now_ms,
        roll: roll(home, &keys, &replica, &chosen, window.site.clone(), now_ms)?,
        directory,
        devices,
        sittings,
        orders,
        receipts: receipts(home, &keys, &objects, now_ms)?,
        objects,
        reports: reports(&replica, &infos, &window, &home.join("received"))?,
        checkpoints: Checkpoints::Few,
        forks: forks(&replica, &chosen)?,
    };
    write(out, &content, &replica, &infos, &window)
}

fn blobs(conn: &Connection, sql: &str) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The center's own certificates, and a hub's newest for a device that only hubs vouch for.
fn certificates(conn: &Connection) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let mut all = blobs(
        conn,
        "SELECT certificate FROM devices WHERE certificate IS NOT NULL",
    )?;
    if knows_hubs(conn)? {
        all.extend(blobs(
            conn,
            "SELECT certificate FROM vouches WHERE no IN (SELECT max(no) FROM vouches v \
             WHERE NOT EXISTS (SELECT 1 FROM devices d WHERE d.sign = v.device AND d.certificate IS NOT NULL) \
             GROUP BY v.device)",
        )?);
    }
    Ok(all)
}

/// Every delegation, withdrawn or not: what a hub did while it stood is judged by it.
fn delegations(conn: &Connection) -> Result<Vec<Vec<u8>>, ArchiveError> {
    if !knows_hubs(conn)? {
        return Ok(Vec::new());
    }
    let all = blobs(conn, "SELECT signed FROM delegations ORDER BY no")?;
    Ok(signed_for(HubDelegation::USAGE, all))
}

/// A home that no program since hubs were known has opened holds nothing of them.
fn knows_hubs(conn: &Connection) -> Result<bool, ArchiveError> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'vouches'";
    Ok(conn.query_row(sql, [], |row| row.get::<_, u32>(0))? > 0)
}

fn is_of_site(delegation: &[u8], site: &str) -> bool {
    let payload = fengjuan_envelope::cose::peek_payload(delegation).ok();
    let delegation =
        payload.and_then(|(_, _, payload)| cbor::from_slice::<HubDelegation>(&payload).ok());
    delegation.is_some_and(|delegation| delegation.site == site)
}

/// The device of a certificate, where it is of this site.
fn key_of_site(certificate: &[u8], site: &str) -> Option<PublicKey> {
    let (_, _, payload) = fengjuan_envelope::cose::peek_payload(certificate).ok()?;
    let certificate: DeviceCertificate = cbor::from_slice(&payload).ok()?;
    (certificate.site == site).then_some(certificate.sign)
}

/// The log of received objects: all, or those of a site's devices. Not only those of a sitting, because the shown
/// entries may name the objects of another one on the same day.
fn objects(
    conn: &Connection,
    of_site: Option<&HashSet<PublicKey>>,
) -> Result<Vec<ObjectRecord>, ArchiveError> {
    let sql = "SELECT hash, kind, bytes, device, receipt FROM received ORDER BY position";
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(ObjectRecord {
            hash: Hash32(row.get(0)?),
            kind: row.get(1)?,
            bytes: row.get::<_, i64>(2)?.unsigned_abs(),
            device: PublicKey::from_bytes(row.get(3)?),
            receipt: Some(row.get(4)?),
        })
    })?;
    let mut objects: Vec<ObjectRecord> = rows.collect::<Result<_, _>>()?;
    objects.retain(|object| of_site.is_none_or(|keys| keys.contains(&object.device)));
    Ok(objects)
}

fn forks(
    replica: &Replica<'_>,
    chosen: &HashSet<[u8; 16]>,
) -> Result<Vec<ForkRecord>, ArchiveError> {
    let forks = replica
        .forks()?
        .into_iter()
        .filter(|fork| chosen.contains(&fork.ledger_id));
    let record = |fork: fengjuan_store::replica::Fork| ForkRecord {
        ledger_id: fork.ledger_id,
        checkpoint: fork.kind == ForkKind::Checkpoint,
        seq: fork.seq,
        mine: Hash32(fork.mine),
        theirs: Hash32(fork.theirs),
        bytes: fork.bytes,
        at_ms: fork.at_ms,
    };
    Ok(forks.map(record).collect())
}

/// The witness's roll of this moment, where the home holds the witness's key. It vouches for the largest checkpoint
/// that the witness cosigned; of a ledger without one it says only that it exists.
fn roll(
    home: &Path,
    directory: &KeyDirectory,
    replica: &Replica<'_>,
    chosen: &HashSet<[u8; 16]>,
    site: Option<String>,
    now_ms: i64,
) -> Result<Option<Vec<u8>>, ArchiveError> {
    let Some(key) = signing_key(home, "witness", &directory.witness)? else {
        return Ok(None);
    };
    let mut ledgers = Vec::new();
    for line in replica
        .roll()?
        .into_iter()
        .filter(|line| chosen.contains(&line.ledger_id))
    {
        let (size, root) = line
            .cosigned
            .unwrap_or((0, fengjuan_envelope::merkle::empty_root()));
        ledgers.push(RolledLedger {
            ledger_id: line.ledger_id.to_vec(),
            device: PublicKey::from_bytes(line.identity.device_key),
            device_name: line.identity.device,
            size,
            root: Hash32(root),
            forks: u32::try_from(line.forks).unwrap_or(u32::MAX),
        });
    }
    let roll = Roll {
        center_id: directory.center_id.clone(),
        site,
        sitting_no: None,
        made_ms: now_ms,
        ledgers,
    };
    Ok(Some(roll.sign(&key)?))
}

/// The list of receipts, where the home holds the key that signed them.
fn receipts(
    home: &Path,
    directory: &KeyDirectory,
    objects: &[ObjectRecord],
    now_ms: i64,
) -> Result<Option<Vec<u8>>, ArchiveError> {
    match signing_key(home, "receipt", &directory.receipt)? {
        Some(key) => ReceiptList::sign_checked(objects, &directory.center_id, now_ms, &key),
        None => Ok(None),
    }
}

fn key_directory(signed: &[u8]) -> Result<KeyDirectory, ArchiveError> {
    let (_, _, payload) = fengjuan_envelope::cose::peek_payload(signed)
        .map_err(|error| ArchiveError::Wire(error.into()))?;
    Ok(cbor::from_slice(&payload)?)
}

/// A role's key; none where the home does not hold it.
fn signing_key(
    home: &Path,
    role: &str,
    public: &PublicKey,
) -> Result<Option<SigningKey>, ArchiveError> {
    let path = home.join("keys").join(role).join("key");
    if !path.exists() {
        return Ok(None);
    }
    let bad = || ArchiveError::KeyFile(path.display().to_string());
    let bytes = fs::read(&path)?;
    let header = format!("fengjuan-key-1 {role} ed25519\n");
    let raw = bytes.strip_prefix(header.as_bytes()).ok_or_else(bad)?;
    let key = SigningKey::from_seed(raw.try_into().map_err(|_| bad())?);
    if key.public() == *public {
        Ok(Some(key))
    } else {
        Err(bad())
    }
}
