//! Restore cards (还原卡) put a disk back at every reboot. Each boot leaves a mark that names its number and rests on the
//! mark before it. Marks alone cannot show that none is missing: a disk that is put back shows the same first marks for
//! ever, and the kernel counts no boots. What shows it is the center, which holds the head of this machine's ledger: a
//! disk that was put back is shorter there. So a pass needs marks of two boots before this one, and the center's word.

use super::measured::{fail, not_measured, pass};
use crate::durable_file;
use crate::machine::Machine;
use crate::view::{Check, CheckRow};
use std::io;
use std::path::{Path, PathBuf};

const LARGEST: u64 = 1024 * 1024;
/// The marks of this many boots are kept.
const MOST: usize = 200;
/// One earlier mark may be the one that an image was made with.
const LEAST_EARLIER: usize = 2;

/// What is known beside the marks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outside {
    /// The center holds entries that this ledger does not have.
    pub forked: bool,
    /// The center has cosigned this ledger's head since the program started.
    pub confirmed: bool,
}

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
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.last().copied().unwrap_or_default();
    let id = boot(machine);
    if id_of(last) == Some(&id) {
        return Ok(());
    }
    let mine = mark(last, number_of(last) + 1, &id, machine.wall_ms());
    lines.push(&mine);
    let skip = lines.len().saturating_sub(MOST);
    durable_file::replace(&path, (lines[skip..].join("\n") + "\n").as_bytes())
}

fn boot(machine: &dyn Machine) -> String {
    let id = machine.boot_id();
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `<number> <boot id> <wall ms> <first 16 digits of the hash of the mark before and of these>`.
fn mark(before: &str, number: u64, id: &str, wall_ms: i64) -> String {
    let text = format!("{number} {id} {wall_ms}");
    format!("{text} {}", sum(before, &text))
}

fn sum(before: &str, text: &str) -> String {
    let hash = fengjuan_wire::hash(format!("{before}\n{text}").as_bytes()).hex();
    hash.get(..16).unwrap_or_default().to_owned()
}

fn number_of(line: &str) -> u64 {
    let number = line.split(' ').next().and_then(|word| word.parse().ok());
    number.unwrap_or(0)
}

fn id_of(line: &str) -> Option<&str> {
    line.split(' ').nth(1)
}

/// Every mark rests on the one before it. Before the first one that is kept there may have been more.
fn is_chain(lines: &[&str]) -> bool {
    let rests = |before: &str, line: &str| {
        let follows = number_of(line) == number_of(before) + 1;
        let whole = line.rsplit_once(' ');
        follows && whole.is_some_and(|(text, found)| sum(before, text) == found)
    };
    let begins = |first: &&str| number_of(first) > 1 || rests("", first);
    lines.first().is_some_and(begins) && lines.windows(2).all(|pair| rests(pair[0], pair[1]))
}

pub(super) fn survival(data_dir: &Path, machine: &dyn Machine, outside: Outside) -> CheckRow {
    const LIMIT: &str = "≥ 2";
    let check = Check::RebootSurvival;
    let Ok(text) = durable_file::read_small(&path(data_dir), LARGEST) else {
        return fail(check, "0", LIMIT, "check.reboot_survival.lost");
    };
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let earlier = lines.len().saturating_sub(1);
    let value = earlier.to_string();
    if outside.forked {
        return fail(check, value, LIMIT, "check.reboot_survival.rolled_back");
    }
    if !is_chain(&lines) {
        return fail(check, value, LIMIT, "check.reboot_survival.damaged");
    }
    let mine = boot(machine);
    if lines.last().copied().and_then(id_of) != Some(&mine) {
        return fail(check, value, LIMIT, "check.reboot_survival.lost");
    }
    match earlier {
        0 => not_measured(check, "check.reboot_survival.no_reboot_yet"),
        1..LEAST_EARLIER => not_measured(check, "check.reboot_survival.one_more_reboot"),
        _ if !outside.confirmed => not_measured(check, "check.reboot_survival.not_confirmed"),
        _ => pass(check, value, LIMIT),
    }
}
