//! One attempt's key, for an auditor who must see which answer was saved when. It opens this attempt's sealed entries
//! and nothing else: neither the papers nor another candidate's answers.

use super::books::Books;
use crate::{CenterError, Home, files, issue};
use fengjuan_core::draw;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_wire::Hash32;
use fengjuan_wire::entry::attempt_key;
use std::path::Path;
use zeroize::Zeroizing;

/// Writes the key of a candidate's attempt as 64 hex digits into the new, owner-only file `out`. `version` is that of
/// the sitting which the attempt was made with; the newest one if not given. Returns the attempt's id in hex.
///
/// # Errors
/// [`CenterError::NotIssued`], [`CenterError::UnknownTicket`], [`CenterError::OutOfRange`] for a version that there is
/// not, [`CenterError::Io`] where the file is there already.
pub fn release_attempt_key(
    home: &Home,
    sitting_no: &str,
    ticket_no: &str,
    version: Option<u32>,
    out: &Path,
) -> Result<String, CenterError> {
    let conn = home.database()?;
    let latest = issue::latest(&conn, sitting_no)?;
    let results_key = home.keys().results(sitting_no)?;
    let books = Books::open(home, &conn, sitting_no, latest, &results_key)?;
    let book = books
        .version(version.unwrap_or(latest))
        .ok_or(CenterError::OutOfRange { what: "version" })?;
    let on_roster = |candidate: &fengjuan_core::roster::Candidate| candidate.ticket_no == ticket_no;
    let (class, package) = book
        .packages
        .iter()
        .filter(|(_, package)| package.roster.iter().any(on_roster))
        .find_map(|(class_no, package)| {
            let class = book.document.sitting.class_group(class_no)?;
            Some((class, package))
        })
        .ok_or_else(|| CenterError::UnknownTicket(ticket_no.to_owned()))?;
    let id = draw::attempt_id(sitting_no, ticket_no, class.attempt_no);
    let key = attempt_key(&SecretKey::from_bytes(package.keys.paper_key), &id);
    let text = Zeroizing::new(Hash32(*key.as_bytes()).hex());
    files::write_private_new(out, text.as_bytes())?;
    Ok(id.iter().map(|byte| format!("{byte:02x}")).collect())
}
