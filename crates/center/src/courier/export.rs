//! Downwards: what the devices of a site would pull over the line.

use super::enrolling;
use super::stick::Folder;
use crate::device::{self, DeviceState};
use crate::{CenterError, Home, files, issue, offer};
use fengjuan_wire::courier::DOWN;
use rusqlite::TransactionBehavior;
use std::fs::File;
use std::path::Path;

/// What an export wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Documents, packages, grants and orders of the site, and what enrolment is answered with.
    pub objects: usize,
    /// Those that the folder did not hold yet.
    pub written: usize,
    /// Approved devices of the site that the grants and certificates are for.
    pub devices: usize,
}

/// Writes what a site may have now into the courier's folder in `folder`: of every sitting that is not long over, or
/// of one, the newest document, its packages, its orders, and a grant for every approved device.
///
/// # Errors
/// [`CenterError::NotIssued`]; [`CenterError::UnknownSitting`] for a sitting of another site;
/// [`CenterError::Missing`] where there is nothing to bring; [`CenterError::NotAFolder`] for a link in its place.
pub fn export(
    home: &Home,
    folder: &Path,
    site: &str,
    sitting_no: Option<&str>,
    now_ms: i64,
) -> Result<Exported, CenterError> {
    files::check_name("site", site)?;
    let mut conn = home.database()?;
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(sitting_no) = sitting_no {
        let version = issue::latest(&change, sitting_no)?;
        if issue::document(home, &change, sitting_no, version)?.site != site {
            return Err(CenterError::UnknownSitting(sitting_no.to_owned()));
        }
    }
    let mut devices = 0;
    for device in device::list(&change)? {
        if device.site == site && device.state == DeviceState::Approved {
            offer::grant_missing(home, &change, &device, now_ms)?;
            devices += 1;
        }
    }
    let objects = offer::of_site(&change, site, sitting_no, now_ms)?;
    let answers = enrolling::answers(home, &change, site)?;
    change.commit()?;
    if objects.is_empty() && answers.is_empty() {
        return Err(CenterError::Missing(
            "issued sittings or enrolled devices of the site",
        ));
    }
    let down = Folder::open_or_make(&super::root_of(folder))?.sub_or_make(DOWN)?;
    let mut written = 0;
    for hash in &objects {
        let path = home.object(hash);
        let source = File::open(&path).map_err(CenterError::io(&path))?;
        written += usize::from(down.put(hash, source)?);
    }
    for answer in &answers {
        written += usize::from(down.put(&fengjuan_wire::hash(answer), answer.as_slice())?);
    }
    down.sync()?;
    Ok(Exported {
        objects: objects.len() + answers.len(),
        written,
        devices,
    })
}
