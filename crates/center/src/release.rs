//! Releasing the authorization code: the slip is opened, shown once on the screen, and who got it when is recorded.
//! Where the plan asks for two persons there are two codes, each released to a person of its own.

use crate::issue::{self, SLIP_INFO};
use crate::{CenterError, Home};
use fengjuan_core::plan::Sitting;
use fengjuan_envelope::{cbor, hpke};
use fengjuan_wire::grant::{self, CodeSlip};
use fengjuan_wire::sitting::SittingDocument;
use rusqlite::{Connection, TransactionBehavior, params};
use std::collections::BTreeSet;
use zeroize::Zeroize;

const MARGIN_MS: i64 = 30 * 60_000;

/// One of the two codes of a sitting that two persons open together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    First,
    Second,
}

impl Half {
    /// 1 or 2, as typed and as printed on the slip.
    pub fn number(self) -> u8 {
        match self {
            Half::First => 1,
            Half::Second => 2,
        }
    }

    /// From 1 or 2.
    pub fn from_number(number: u8) -> Option<Half> {
        [Half::First, Half::Second]
            .into_iter()
            .find(|half| half.number() == number)
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseRequest<'a> {
    pub sitting_no: &'a str,
    /// Which code, where the plan asks for two persons; none elsewhere.
    pub half: Option<Half>,
    /// Who receives the code.
    pub to: &'a str,
    /// Why it is released before its time.
    pub early_reason: Option<&'a str>,
}

/// The open slip: the code of the sitting, or one of its two. Erased on drop.
pub struct OpenSlip {
    pub sitting: Sitting,
    pub half: Option<Half>,
    pub code: [String; 4],
    /// Times that this version's code, or this half of it, was released before.
    pub released_before: u32,
    /// When and to whom the other half went last.
    pub other_half: Option<Release>,
}

impl Drop for OpenSlip {
    fn drop(&mut self) {
        self.code.zeroize();
    }
}

/// One release of a sitting's code: when, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    pub version: u32,
    /// None where the sitting has one code, and where both halves were once printed together.
    pub half: Option<Half>,
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
        "SELECT version, half, released_to, at_ms, early_reason FROM releases WHERE sitting_no = ?1 ORDER BY no",
    )?;
    let rows = statement.query_map([sitting_no], |row| {
        Ok(Release {
            version: row.get(0)?,
            half: row.get::<_, Option<u8>>(1)?.and_then(Half::from_number),
            to: row.get(2)?,
            at_ms: row.get(3)?,
            early_reason: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Opens the newest version's slip, or one person's half of it. The record is durable before the code is returned.
///
/// # Errors
/// [`CenterError::TooEarlyToRelease`] more than 30 minutes before entry opens, unless a reason is given. Where the plan
/// asks for two persons, [`CenterError::HalfNotNamed`] without a half, and [`CenterError::SamePerson`] where the other
/// half of this version ever went to the same person.
pub fn release(
    home: &Home,
    request: &ReleaseRequest<'_>,
    now_ms: i64,
) -> Result<OpenSlip, CenterError> {
    let (to, early) = (request.to.trim(), request.early_reason.map(str::trim));
    if people(to).is_empty() || early == Some("") {
        return Err(CenterError::Missing("name or reason"));
    }
    let mut conn = home.database()?;
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = issue::latest(&change, request.sitting_no)?;
    let document = issue::document(home, &change, request.sitting_no, version)?;
    check_half(&document.sitting, request)?;
    let from_ms = document.sitting.entry_opens_ms() - MARGIN_MS;
    if now_ms < from_ms && early.is_none() {
        return Err(CenterError::TooEarlyToRelease { from_ms });
    }
    let mut before = record(&change, request.sitting_no)?;
    before.retain(|release| release.version == version);
    let (same, other): (Vec<_>, Vec<_>) = before
        .into_iter()
        .partition(|release| release.half == request.half);
    if let Some(known) = other.iter().find(|release| share(&release.to, to)) {
        return Err(CenterError::SamePerson {
            to: known.to.clone(),
            at_ms: known.at_ms,
        });
    }
    let code = open_code(home, &change, &document, request.half)?;
    change.execute(
        "INSERT INTO releases (sitting_no, version, half, released_to, at_ms, early_reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![request.sitting_no, version, request.half.map(Half::number), to, now_ms, early],
    )?;
    change.commit()?;
    tracing::info!(
        sitting_no = request.sitting_no,
        version,
        half = request.half.map(Half::number),
        early = early.is_some(),
        "code released"
    );
    Ok(OpenSlip {
        sitting: document.sitting,
        half: request.half,
        code,
        released_before: u32::try_from(same.len()).unwrap_or(u32::MAX),
        other_half: other.into_iter().next_back(),
    })
}

fn check_half(sitting: &Sitting, request: &ReleaseRequest<'_>) -> Result<(), CenterError> {
    let sitting_no = || request.sitting_no.to_owned();
    match (sitting.two_person_code, request.half) {
        (true, None) => Err(CenterError::HalfNotNamed(sitting_no())),
        (false, Some(_)) => Err(CenterError::OneCodeOnly(sitting_no())),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}

/// The code on the slip that was asked for; the other one is erased unseen.
fn open_code(
    home: &Home,
    conn: &Connection,
    document: &SittingDocument,
    half: Option<Half>,
) -> Result<[String; 4], CenterError> {
    let (sitting_no, version) = (&document.sitting.sitting_no, document.sitting.version);
    let sql = "SELECT slip FROM issues WHERE sitting_no = ?1 AND version = ?2";
    let slip: Vec<u8> = conn.query_row(sql, params![sitting_no, version], |row| row.get(0))?;
    let slip: CodeSlip = cbor::from_slice(&slip)?;
    let context = grant::sitting_context(&document.site, sitting_no, version)?;
    let plain = hpke::open_from(&home.keys().release()?, SLIP_INFO, &context, &slip.sealed)?;
    let mut codes: Vec<[String; 4]> = cbor::from_slice(&plain)?;
    let place = half.map_or(0, |half| usize::from(half.number()) - 1);
    let code = codes.get_mut(place).map(std::mem::take);
    codes.zeroize();
    code.ok_or(CenterError::Damaged("code slip"))
}

/// The persons that were named, as typed but for spaces and the case of letters.
fn people(names: &str) -> BTreeSet<String> {
    names
        .split(['、', '，', ',', '；', ';', '/', '&', '+'])
        .map(|name| {
            name.chars()
                .filter(|c| !c.is_whitespace())
                .flat_map(char::to_lowercase)
                .collect::<String>()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

fn share(one: &str, other: &str) -> bool {
    !people(one).is_disjoint(&people(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_is_known_however_the_name_is_typed() {
        assert!(share("张海燕", " 张 海燕"));
        assert!(share("张海燕、刘志强", "刘志强"));
        assert!(share("Li Ming", "li ming"));
        assert!(!share("张海燕", "张海"));
        assert!(people(" 、，").is_empty());
    }
}
