//! The log of what arrived whole from the sites, over the line or by courier, and the receipts: sealed objects, and the
//! equipment reports that devices signed.

use crate::{CenterError, Home};
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_wire::bundle::{ObjectKind, Receipt, SealedObject};
use fengjuan_wire::report::EquipmentReport;
use fengjuan_wire::{Hash32, Signed};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

/// The kind under which equipment reports stand in the log.
pub(crate) const REPORT: &str = "report";

/// What an object says of itself on its outside.
pub(crate) struct Outside {
    pub kind: &'static str,
    pub site: String,
    /// Empty where it is of no sitting.
    pub sitting_no: String,
    pub version: u32,
    /// The device that sealed or signed it.
    pub device: PublicKey,
}

impl Outside {
    /// `None` for bytes that are neither a sealed object nor a report under its device's signature.
    pub(crate) fn read(bytes: &[u8]) -> Option<Outside> {
        if let Ok(object) = SealedObject::from_bytes(bytes) {
            return Some(Outside {
                kind: match object.kind {
                    ObjectKind::Bundle => "bundle",
                    ObjectKind::Picture => "picture",
                },
                site: object.site,
                sitting_no: object.sitting_no,
                version: object.version,
                device: object.device,
            });
        }
        let report = EquipmentReport::open(bytes).ok()?;
        Some(Outside {
            kind: REPORT,
            site: report.site,
            sitting_no: String::new(),
            version: 0,
            device: report.device,
        })
    }
}

/// An object whose bytes already lie durably under [`Home::received`].
pub(crate) struct Arrived<'a> {
    pub hash: &'a Hash32,
    pub bytes: u64,
    pub object: &'a Outside,
    /// The device that brought it over the line; by courier, the one that the object names.
    pub uploader: &'a PublicKey,
    pub now_ms: i64,
}

/// Length and receipt of an object that was received before.
pub(crate) fn held(
    conn: &Connection,
    hash: &Hash32,
) -> Result<Option<(u64, Vec<u8>)>, CenterError> {
    let sql = "SELECT bytes, receipt FROM received WHERE hash = ?1";
    let row = conn.query_row(sql, [hash.0], |row| {
        Ok((row.get::<_, i64>(0)? as u64, row.get(1)?))
    });
    Ok(row.optional()?)
}

/// Gives an object its place in the log and its receipt; the same object again gets the same receipt.
pub(crate) fn register(
    home: &Home,
    conn: &mut Connection,
    receipt: &SigningKey,
    arrived: &Arrived<'_>,
) -> Result<Vec<u8>, CenterError> {
    let Arrived {
        hash,
        bytes,
        object,
        uploader,
        now_ms,
    } = *arrived;
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some((_, receipt)) = held(&change, hash)? {
        return Ok(receipt);
    }
    let sql = "SELECT coalesce(max(position), 0) + 1 FROM received";
    let position: i64 = change.query_row(sql, [], |row| row.get(0))?;
    let given = Receipt {
        object: *hash,
        bytes,
        received_ms: now_ms,
        position: position as u64,
        receiver: home.directory().center_id.clone(),
    };
    let given = given.sign(receipt)?;
    change.execute(
        "INSERT INTO received (position, hash, bytes, received_ms, kind, site, sitting_no, version, device, uploader, receipt) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            position,
            hash.0,
            bytes as i64,
            now_ms,
            object.kind,
            object.site,
            object.sitting_no,
            object.version,
            object.device.as_bytes(),
            uploader.as_bytes(),
            given
        ],
    )?;
    change.commit()?;
    tracing::info!(position, kind = object.kind, bytes, "object received");
    Ok(given)
}
