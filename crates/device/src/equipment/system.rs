//! What Linux says of the machine (proc(5), core(5)).

use super::measured::{bytes, fail, not_measured, pass, warn};
use crate::view::{Check, CheckRow};
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use std::path::Path;

const KIB: u64 = 1024;
const GIB: u64 = 1 << 30;

/// A crash must not write the open paper to a disk. Call it first thing.
pub fn forbid_core_dumps() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = rustix::process::setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps could not be limited");
    }
}

fn read(root: &Path, path: &str) -> Option<String> {
    std::fs::read_to_string(root.join(path)).ok()
}

pub(super) fn swap(root: &Path) -> CheckRow {
    let (check, limit) = (Check::Swap, "0");
    let Some(text) = read(root, "proc/swaps") else {
        return not_measured(check, "check.swap.unreadable");
    };
    let areas: Vec<(&str, u64)> = text
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next()?;
            Some((name, words.nth(1)?.parse::<u64>().ok()? * KIB))
        })
        .collect();
    if areas.is_empty() {
        return pass(check, "0", limit);
    }
    let value: Vec<String> = areas
        .iter()
        .map(|(name, size)| format!("{name} {}", bytes(*size)))
        .collect();
    let value = value.join(" · ");
    // Compressed memory is still memory.
    if areas.iter().all(|(name, _)| name.starts_with("/dev/zram")) {
        warn(check, value, limit, "check.swap.in_memory")
    } else {
        fail(check, value, limit, "check.swap.on")
    }
}

pub(super) fn core_dumps(root: &Path) -> CheckRow {
    let (check, limit) = (Check::CoreDumps, "0");
    let Some(pattern) = read(root, "proc/sys/kernel/core_pattern") else {
        return not_measured(check, "check.core_dumps.unreadable");
    };
    let soft = rustix::process::getrlimit(Resource::Core).current;
    let undumpable =
        rustix::process::dumpable_behavior().is_ok_and(|now| now == DumpableBehavior::NotDumpable);
    judge_dumps(check, limit, pattern.trim(), soft, undumpable)
}

/// A pipe gets the dump whatever the limit says (core(5)).
fn judge_dumps(
    check: Check,
    limit: &str,
    pattern: &str,
    soft: Option<u64>,
    undumpable: bool,
) -> CheckRow {
    let size = soft.map_or_else(|| "∞".to_owned(), bytes);
    let shown: String = pattern.chars().take(40).collect();
    let value = format!("{size} · {shown}");
    let off = undumpable || pattern.is_empty() || (soft == Some(0) && !pattern.starts_with('|'));
    if off {
        pass(check, value, limit)
    } else {
        fail(check, value, limit, "check.core_dumps.on")
    }
}

pub(super) fn memory(root: &Path) -> CheckRow {
    const LIMIT: &str = "≥ 3.5 GiB, ≥ 1 GiB free";
    let check = Check::Memory;
    let text = read(root, "proc/meminfo").unwrap_or_default();
    let field = |name: &str| -> Option<u64> {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? * KIB)
    };
    let (Some(total), Some(free)) = (field("MemTotal"), field("MemAvailable")) else {
        return not_measured(check, "check.memory.unreadable");
    };
    let value = format!("{} ({} free)", bytes(total), bytes(free));
    if total >= 7 * GIB / 2 && free >= GIB {
        pass(check, value, LIMIT)
    } else if total >= 7 * GIB / 4 && free >= GIB / 2 {
        warn(check, value, LIMIT, "check.memory.low")
    } else {
        fail(check, value, LIMIT, "check.memory.low")
    }
}

/// `/sys/class/power_supply`: mains and batteries. A desktop reports neither.
pub(super) fn power(root: &Path) -> CheckRow {
    let (check, limit) = (Check::Power, "AC");
    let mut mains = Vec::new();
    let mut charge = None;
    let supplies = std::fs::read_dir(root.join("sys/class/power_supply"));
    for supply in supplies.into_iter().flatten().flatten() {
        let fact = |name: &str| {
            std::fs::read_to_string(supply.path().join(name))
                .map(|text| text.trim().to_owned())
                .ok()
        };
        match fact("type").as_deref() {
            Some("Mains" | "USB") => mains.extend(fact("online").map(|online| online == "1")),
            Some("Battery") if fact("scope").as_deref() != Some("Device") => {
                charge = fact("capacity")
            }
            _ => {}
        }
    }
    let charge = charge.map_or_else(String::new, |percent| format!(" · {percent} %"));
    if mains.contains(&true) {
        pass(check, format!("AC{charge}"), limit)
    } else if mains.is_empty() && charge.is_empty() {
        not_measured(check, "check.power.not_reported")
    } else {
        fail(check, format!("−{charge}"), limit, "check.power.on_battery")
    }
}

pub(super) fn time_since_boot(boot_ms: i64) -> CheckRow {
    const LIMIT: &str = "≤ 24 h";
    let minutes = boot_ms / 60_000;
    let value = format!("{} h {:02} min", minutes / 60, minutes % 60);
    if minutes <= 24 * 60 {
        pass(Check::TimeSinceBoot, value, LIMIT)
    } else {
        warn(
            Check::TimeSinceBoot,
            value,
            LIMIT,
            "check.time_since_boot.long",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Verdict;

    #[test]
    fn a_dump_is_off_by_limit_only_where_no_pipe_takes_it() {
        let judge = |pattern, soft, undumpable| {
            judge_dumps(Check::CoreDumps, "0", pattern, soft, undumpable).verdict
        };
        assert_eq!(judge("core", Some(0), false), Verdict::Pass);
        assert_eq!(judge("core", Some(4096), false), Verdict::Fail);
        assert_eq!(judge("core", None, false), Verdict::Fail);
        assert_eq!(
            judge("|/usr/lib/systemd/systemd-coredump %P", Some(0), false),
            Verdict::Fail
        );
        assert_eq!(
            judge("|/usr/lib/systemd/systemd-coredump %P", None, true),
            Verdict::Pass
        );
    }
}
