//! Exam plans (考试计划): one TOML file with the plan, its sittings and class groups, and a roster with photos.

mod blueprint;
mod checks;
mod document;
mod facts;
mod import;
mod roster;

pub use import::{ImportedPlan, PlanFiles, import};

use crate::CenterError;
use fengjuan_core::plan::Sitting;
use fengjuan_core::roster::Candidate;
use fengjuan_envelope::cbor;
use rusqlite::{Connection, OptionalExtension};

/// A sitting as the plan has it: its `version` is 0 until it is issued.
pub fn sitting(conn: &Connection, sitting_no: &str) -> Result<Sitting, CenterError> {
    let data: Option<Vec<u8>> = conn
        .query_row(
            "SELECT data FROM sittings WHERE sitting_no = ?1",
            [sitting_no],
            |row| row.get(0),
        )
        .optional()?;
    let data = data.ok_or_else(|| CenterError::UnknownSitting(sitting_no.to_owned()))?;
    Ok(cbor::from_slice(&data)?)
}

/// Every sitting, by start.
pub fn sittings(conn: &Connection) -> Result<Vec<Sitting>, CenterError> {
    let mut statement = conn.prepare("SELECT data FROM sittings ORDER BY start_ms, sitting_no")?;
    let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
    rows.map(|data| Ok(cbor::from_slice(&data?)?)).collect()
}

/// A class group's candidates by seat, each with the registered photo; `Candidate::photo` is the place in the list.
pub fn candidates(
    conn: &Connection,
    sitting_no: &str,
    class_no: &str,
) -> Result<Vec<(Candidate, Vec<u8>)>, CenterError> {
    let mut statement = conn.prepare(
        "SELECT data, photo FROM candidates WHERE sitting_no = ?1 AND class_no = ?2 ORDER BY seat_no, ticket_no",
    )?;
    let rows = statement.query_map([sitting_no, class_no], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?))
    })?;
    (0..)
        .zip(rows)
        .map(|(place, row)| {
            let (data, photo) = row?;
            let mut candidate: Candidate = cbor::from_slice(&data)?;
            candidate.photo = place;
            Ok((candidate, photo))
        })
        .collect()
}

/// The bank that a class group draws from.
pub(crate) fn bank_of(
    conn: &Connection,
    sitting_no: &str,
    class_no: &str,
) -> Result<String, CenterError> {
    let sql = "SELECT bank FROM class_banks WHERE sitting_no = ?1 AND class_no = ?2";
    let bank = conn
        .query_row(sql, [sitting_no, class_no], |row| row.get(0))
        .optional()?;
    bank.ok_or_else(|| CenterError::UnknownClass(class_no.to_owned()))
}
