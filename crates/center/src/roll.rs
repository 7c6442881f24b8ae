//! The witness's signed roll: every ledger that the center has, so that a missing one is seen.

use crate::keys::KeyRole;
use crate::{CenterError, Home, device};
use fengjuan_envelope::merkle;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_store::replica::Replica;
use fengjuan_wire::upstream::{Roll, RolledLedger};
use fengjuan_wire::{Hash32, Signed};
use rusqlite::Connection;

/// What the roll is limited to. Neither is every ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollScope {
    pub site: Option<String>,
    /// Ledgers of the devices that hold a grant of this sitting, and of those that a hub with such a grant vouches for.
    pub sitting_no: Option<String>,
}

/// The roll as it stands, signed by the witness.
pub fn signed(home: &Home, scope: &RollScope, now_ms: i64) -> Result<Vec<u8>, CenterError> {
    let conn = home.database()?;
    let roll = make(home, &conn, scope, now_ms)?;
    Ok(roll.sign(&home.keys().signing(KeyRole::Witness)?)?)
}

fn make(
    home: &Home,
    conn: &Connection,
    scope: &RollScope,
    now_ms: i64,
) -> Result<Roll, CenterError> {
    let mut ledgers = Vec::new();
    for line in Replica::new(conn).roll()? {
        let sign = PublicKey::from_bytes(line.identity.device_key);
        if !in_scope(conn, scope, &sign)? {
            continue;
        }
        // The witness vouches for the largest checkpoint that it cosigned; of a ledger without one it says only that
        // it exists.
        let (size, root) = line.cosigned.unwrap_or((0, merkle::empty_root()));
        ledgers.push(RolledLedger {
            ledger_id: line.ledger_id.to_vec(),
            device: sign,
            device_name: line.identity.device,
            size,
            root: Hash32(root),
            forks: u32::try_from(line.forks).unwrap_or(u32::MAX),
        });
    }
    Ok(Roll {
        center_id: home.directory().center_id.clone(),
        site: scope.site.clone(),
        sitting_no: scope.sitting_no.clone(),
        made_ms: now_ms,
        ledgers,
    })
}

fn in_scope(conn: &Connection, scope: &RollScope, sign: &PublicKey) -> Result<bool, CenterError> {
    if let Some(site) = &scope.site
        && device::find(conn, sign)?.is_none_or(|device| device.site != *site)
    {
        return Ok(false);
    }
    let Some(sitting_no) = &scope.sitting_no else {
        return Ok(true);
    };
    let sql = "SELECT count(*) FROM objects WHERE kind = 'grant' AND sitting_no = ?1 \
               AND (device = ?2 OR device IN (SELECT hub FROM vouches WHERE vouches.device = ?2))";
    let granted: u32 =
        conn.query_row(sql, rusqlite::params![sitting_no, sign.as_bytes()], |row| {
            row.get(0)
        })?;
    Ok(granted > 0)
}
