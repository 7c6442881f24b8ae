//! Restore cards (还原卡) put a disk back at every reboot. Each start leaves a mark with the boot's id; a mark of an
//! earlier boot that is still there, and whole, shows that what is written survives.

use super::measured::{fail, not_measured, pass};
use crate::durable_file;
use crate::machine::Machine;
use crate::view::{Check, CheckRow};
use std::io;
use std::path::{Path, PathBuf};

const LARGEST: u64 = 1024 * 1024;
/// The marks of this many boots are kept.
const MOST: usize = 200;

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("boots")
}

/// Marks this boot, once; to be called at every start.
///
/// # Errors
/// Storage errors. Marks that cannot be read are kept beside the new ones, as damage.
pub fn note_boot(data_dir: &Path, machine: &dyn Machine) -> io::Result<()> {
    let path = path(data_dir);
    let text = match durable_file::read_small(&path, LARGEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other?,
    };
    let text = String::from_utf8_lossy(&text);
    let mine = mark(&machine.boot_id(), machine.wall_ms());
    let id = mine.split(' ').next().unwrap_or_default();
    let mut lines: Vec<&str> = text.lines().collect();
    if lines.iter().any(|line| line.starts_with(id)) {
        return Ok(());
    }
    lines.push(&mine);
    let skip = lines.len().saturating_sub(MOST);
    durable_file::replace(&path, (lines[skip..].join("\n") + "\n").as_bytes())
}

/// `<boot id> <wall ms> <first 16 digits of the hash of both>`.
fn mark(boot_id: &[u8; 16], wall_ms: i64) -> String {
    let id: String = boot_id.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("{id} {wall_ms}");
    let hash = fengjuan_wire::hash(text.as_bytes()).hex();
    format!("{text} {}", &hash[..16])
}

fn is_whole(line: &str) -> bool {
    line.rsplit_once(' ').is_some_and(|(text, sum)| {
        fengjuan_wire::hash(text.as_bytes()).hex().get(..16) == Some(sum)
    })
}

pub(super) fn survival(data_dir: &Path, machine: &dyn Machine, forked: bool) -> CheckRow {
    const LIMIT: &str = "≥ 1";
    let check = Check::RebootSurvival;
    let Ok(text) = durable_file::read_small(&path(data_dir), LARGEST) else {
        return fail(check, "0", LIMIT, "check.reboot_survival.lost");
    };
    let text = String::from_utf8_lossy(&text);
    let mine = mark(&machine.boot_id(), 0);
    let id = mine.split(' ').next().unwrap_or_default();
    let earlier: Vec<&str> = text.lines().filter(|line| !line.starts_with(id)).collect();
    let value = earlier.len().to_string();
    if forked {
        return fail(check, value, LIMIT, "check.reboot_survival.rolled_back");
    }
    if !text.lines().all(is_whole) {
        return fail(check, value, LIMIT, "check.reboot_survival.damaged");
    }
    if earlier.is_empty() {
        return not_measured(check, "check.reboot_survival.no_reboot_yet");
    }
    pass(check, value, LIMIT)
}
