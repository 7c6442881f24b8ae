//! Releasing the authorization code: the slip is opened, shown once on the screen, and who got it when is recorded.

use crate::issue::{self, SLIP_INFO};
use crate::{CenterError, Home};
use fengjuan_core::plan::Sitting;
use fengjuan_envelope::{cbor, hpke};
use fengjuan_wire::grant::{self, CodeSlip};
use rusqlite::{Connection, TransactionBehavior, params};
use zeroize::Zeroize;

const MARGIN_MS: i64 = 30 * 60_000;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseRequest<'a> {
    pub sitting_no: &'a str,
    /// Who receives the code.
    pub to: &'a str,
    /// Why it is released before its time.
    pub early_reason: Option<&'a str>,
}

/// The open slip: one code, or one for each of two persons. Erased on drop.
pub struct OpenSlip {
    pub sitting: Sitting,
    pub codes: Vec<[String; 4]>,
    /// Times that this version's slip was released before.
    pub released_before: u32,
}

impl Drop for OpenSlip {
    fn drop(&mut self) {
        self.codes.zeroize();
    }
}

/// One release of a sitting's code: when, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    pub version: u32,
    pub to: String,
    pub at_ms: i64,
    pub early_reason: Option<String>,
}

/// Every release of a sitting's codes, oldest first.
///
/// # Errors
/// Database errors.
pub fn record(conn: &Connection, sitting_no: &str) -> Result<Vec<Release>, CenterError> {
    let mut statement = conn.prepare_cached(
        "SELECT version, released_to, at_ms, early_reason FROM releases WHERE sitting_no = ?1 ORDER BY no",
    )?;
    let rows = statement.query_map([sitting_no], |row| {
        Ok(Release {
            version: row.get(0)?,
            to: row.get(1)?,
            at_ms: row.get(2)?,
            early_reason: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Opens the newest version's slip. The record is durable before the code is returned.
///
/// # Errors
/// [`CenterError::TooEarlyToRelease`] more than 30 minutes before entry opens, unless a reason is given.
pub fn release(
    home: &Home,
    request: &ReleaseRequest<'_>,
    now_ms: i64,
) -> Result<OpenSlip, CenterError> {
    let (to, early) = (request.to.trim(), request.early_reason.map(str::trim));
    if to.is_empty() || early == Some("") {
        return Err(CenterError::Missing("name or reason"));
    }
    let mut conn = home.database()?;
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = issue::latest(&change, request.sitting_no)?;
    let document = issue::document(home, &change, request.sitting_no, version)?;
    let from_ms = document.sitting.entry_opens_ms() - MARGIN_MS;
    if now_ms < from_ms && early.is_none() {
        return Err(CenterError::TooEarlyToRelease { from_ms });
    }
    let sql = "SELECT slip FROM issues WHERE sitting_no = ?1 AND version = ?2";
    let slip: Vec<u8> =
        change.query_row(sql, params![request.sitting_no, version], |row| row.get(0))?;
    let slip: CodeSlip = cbor::from_slice(&slip)?;
    let context = grant::sitting_context(&document.site, request.sitting_no, version)?;
    let plain = hpke::open_from(&home.keys().release()?, SLIP_INFO, &context, &slip.sealed)?;
    let codes = cbor::from_slice(&plain)?;
    let sql = "SELECT count(*) FROM releases WHERE sitting_no = ?1 AND version = ?2";
    let released_before =
        change.query_row(sql, params![request.sitting_no, version], |row| row.get(0))?;
    change.execute(
        "INSERT INTO releases (sitting_no, version, released_to, at_ms, early_reason) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![request.sitting_no, version, to, now_ms, early],
    )?;
    change.commit()?;
    tracing::info!(
        sitting_no = request.sitting_no,
        version,
        early = early.is_some(),
        "code released"
    );
    Ok(OpenSlip {
        sitting: document.sitting,
        codes,
        released_before,
    })
}
