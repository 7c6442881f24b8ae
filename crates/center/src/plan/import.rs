use super::checks::Check;
use super::document::PlanDocument;
use super::facts::{PlannedSitting, Reading};
use super::roster::Enlisted;
use crate::CenterError;
use crate::fault::{Faults, Reason};
use fengjuan_envelope::cbor;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::fs;
use std::path::Path;

/// What a plan is imported from.
#[derive(Clone, Copy, Debug)]
pub struct PlanFiles<'a> {
    pub plan: &'a Path,
    pub roster: &'a Path,
    /// Folder or zip.
    pub photos: &'a Path,
}

/// What was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedPlan {
    pub plan_no: String,
    /// Sitting number, class group, candidates.
    pub groups: Vec<(String, String, u32)>,
}

/// Imports a plan with its roster. A plan of the same number is replaced; sittings that were already issued keep
/// what was issued until they are issued again.
///
/// # Errors
/// [`CenterError::Faults`] with every fault of all files; then nothing was taken over.
pub fn import(
    conn: &mut Connection,
    center: &str,
    from: &PlanFiles<'_>,
    now_ms: i64,
) -> Result<ImportedPlan, CenterError> {
    let mut faults = Faults::default();
    let Some(document) = read_document(from.plan, &mut faults) else {
        return Err(CenterError::Faults(faults));
    };
    let name = file_name(from.plan);
    let mut planned = Reading {
        sheet: &name,
        center,
        document: &document,
        faults: &mut faults,
    }
    .sittings();
    planned.sort_by_key(|planned| planned.sitting.start_ms);
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut check = Check {
        conn: &change,
        sheet: &name,
        plan_no: &document.plan.plan_no,
        faults: &mut faults,
    };
    check.rooms(&planned)?;
    check.makeups(&planned)?;
    check.numbers(&planned)?;
    check.banks(&planned)?;
    let mut enlisted = check.roster(&planned, from)?;
    check.carry_rosters(&planned, &mut enlisted)?;
    check.seats(&planned, &enlisted);
    if !faults.none() {
        return Err(CenterError::Faults(faults));
    }
    save(&change, &document, &planned, &enlisted, now_ms)?;
    change.commit()?;
    let mut groups = Vec::new();
    for sitting in planned.iter().map(|planned| &planned.sitting) {
        for class in &sitting.class_groups {
            let of = |person: &&Enlisted| {
                person.sitting_no == sitting.sitting_no
                    && person.candidate.class_no == class.class_no
            };
            groups.push((
                sitting.sitting_no.clone(),
                class.name.clone(),
                enlisted.iter().filter(of).count() as u32,
            ));
        }
    }
    Ok(ImportedPlan {
        plan_no: document.plan.plan_no,
        groups,
    })
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn read_document(path: &Path, faults: &mut Faults) -> Option<PlanDocument> {
    let name = file_name(path);
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(_) => {
            faults.add(
                &name,
                None,
                "",
                Reason::new(
                    "file.unreadable",
                    "文件打不开，或不是 UTF-8 文本",
                    "the file cannot be read as UTF-8",
                ),
            );
            return None;
        }
    };
    match toml::from_str(&text) {
        Ok(document) => Some(document),
        Err(error) => {
            let before = |span: std::ops::Range<usize>| {
                text.get(..span.start)
                    .map(|head| head.lines().count().max(1) as u32)
            };
            let row = error.span().and_then(before);
            let said = error.message();
            faults.add(
                &name,
                row,
                "",
                Reason::new(
                    "plan.toml",
                    format!("计划文件有误：{said}"),
                    format!("the plan file is wrong: {said}"),
                ),
            );
            None
        }
    }
}

fn save(
    change: &Transaction<'_>,
    document: &PlanDocument,
    planned: &[PlannedSitting],
    enlisted: &[Enlisted],
    now_ms: i64,
) -> Result<(), CenterError> {
    let plan_no = &document.plan.plan_no;
    change.execute(
        "INSERT INTO plans (plan_no, imported_ms, approved_by) VALUES (?1, ?2, ?3) \
         ON CONFLICT (plan_no) DO UPDATE SET imported_ms = ?2, approved_by = ?3",
        params![plan_no, now_ms, document.approved_by],
    )?;
    change.execute("DELETE FROM sittings WHERE plan_no = ?1", [plan_no])?;
    for this in planned {
        let sitting = &this.sitting;
        change.execute(
            "INSERT INTO sittings (sitting_no, plan_no, site, room_no, start_ms, end_ms, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                sitting.sitting_no,
                plan_no,
                sitting.plan.site,
                sitting.room_no,
                sitting.start_ms,
                sitting.last_end_ms(),
                cbor::to_vec(sitting)?
            ],
        )?;
        for (class_no, bank) in &this.banks {
            let sql = "INSERT INTO class_banks (sitting_no, class_no, bank) VALUES (?1, ?2, ?3)";
            change.execute(sql, params![sitting.sitting_no, class_no, bank])?;
        }
    }
    for person in enlisted {
        let candidate = &person.candidate;
        change.execute(
            "INSERT INTO candidates (sitting_no, ticket_no, class_no, seat_no, data, photo) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                person.sitting_no,
                candidate.ticket_no,
                candidate.class_no,
                candidate.seat_no,
                cbor::to_vec(candidate)?,
                person.photo
            ],
        )?;
    }
    Ok(())
}
