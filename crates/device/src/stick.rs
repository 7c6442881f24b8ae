//! All that a stick brings a machine, in the order in which one thing needs the other: whoever is not enrolled takes no
//! papers.

use crate::durable_file;
use crate::papers::{Papers, courier_root, find_couriers};
use crate::sync::{EnrolStickError, Uplink};
use crate::upstream::Upstream;
use fengjuan_wire::courier::UP;
use std::io;
use std::path::{Path, PathBuf};

/// Where sticks are mounted.
const ROOTS: [&str; 3] = ["/media", "/run/media", "/mnt"];

/// Sticks that are plugged in, for a page to offer.
pub fn mounted() -> Vec<String> {
    let found = find_couriers(&ROOTS.map(PathBuf::from));
    found
        .iter()
        .map(|folder| folder.display().to_string())
        .collect()
}

/// Whether a stick is there and takes files.
///
/// # Errors
/// Why it does not.
pub fn try_writing(folder: &Path) -> io::Result<()> {
    let up = courier_root(folder).join(UP);
    let probe = up.join(".probe");
    std::fs::create_dir_all(&up)?;
    durable_file::replace(&probe, b"")?;
    std::fs::remove_file(probe)
}

/// Takes the center's answer to the enrolment, the receipts, the papers and the orders. Reads and copies packages: not
/// for a thread that answers.
///
/// # Errors
/// The code of what was not taken; what was taken stays.
pub fn take<U: Upstream>(papers: &Papers, uplink: &Uplink<U>, folder: &Path) -> Result<(), String> {
    let enrolled = uplink.import_enrolment(folder);
    if !uplink.state().borrow().is_enrolled() {
        let why = enrolled.err().unwrap_or(EnrolStickError::Nothing);
        return Err(why.code().to_owned());
    }
    let receipts = uplink.import_receipts(folder);
    let imported = papers.import(folder);
    for order in imported.iter().flat_map(|report| &report.orders) {
        if let Err(error) = uplink.take_order(order) {
            tracing::warn!(code = error.code(), "order on the stick not taken");
        }
    }
    match (enrolled, imported, receipts) {
        (Err(error), _, _) => Err(error.code().to_owned()),
        (_, Ok(_), _) => Ok(()),
        // A stick may bring receipts alone.
        (_, Err(_), Ok(taken)) if taken > 0 => Ok(()),
        (_, Err(error), _) => Err(error.code().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_takes_no_files_says_so_at_once() {
        let dir = tempfile::tempdir().unwrap();
        try_writing(dir.path()).unwrap();
        let up = courier_root(dir.path()).join(UP);
        assert_eq!(std::fs::read_dir(up).unwrap().count(), 0);
        let file = dir.path().join("not a folder");
        std::fs::write(&file, b"").unwrap();
        assert!(try_writing(&file).is_err());
    }
}
