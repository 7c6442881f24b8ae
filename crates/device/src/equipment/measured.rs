//! Rows, and the words' codes that they may carry.

use crate::view::{Check, CheckRow, Verdict};

/// What stands where a value is missing.
const NOTHING: &str = "—";

/// Every check in the order of the screen.
pub(super) const EVERY_CHECK: [Check; 16] = [
    Check::Camera,
    Check::DiskSpace,
    Check::DurableWrite,
    Check::RebootSurvival,
    Check::Swap,
    Check::CoreDumps,
    Check::ClockOffset,
    Check::CenterReachable,
    Check::InternetUnreachable,
    Check::Displays,
    Check::InputDevices,
    Check::Memory,
    Check::Power,
    Check::Database,
    Check::Packages,
    Check::TimeSinceBoot,
];

/// Every advice code, so that words for all of them can be asked for.
pub const ADVICE: &[&str] = &[
    "check.any.crashed",
    "check.camera.none",
    "check.camera.frozen",
    "check.camera.pattern",
    "check.camera.not_found",
    "check.camera.busy",
    "check.camera.permission",
    "check.camera.unplugged",
    "check.camera.stalled",
    "check.camera.format",
    "check.camera.broken",
    "check.disk_space.low",
    "check.disk_space.unreadable",
    "check.durable_write.slow",
    "check.durable_write.failed",
    "check.durable_write.in_memory",
    "check.reboot_survival.no_reboot_yet",
    "check.reboot_survival.one_more_reboot",
    "check.reboot_survival.not_confirmed",
    "check.reboot_survival.lost",
    "check.reboot_survival.damaged",
    "check.reboot_survival.rolled_back",
    "check.reboot_survival.unreadable",
    "check.swap.on",
    "check.swap.in_memory",
    "check.swap.unreadable",
    "check.core_dumps.on",
    "check.core_dumps.unreadable",
    "check.clock_offset.far",
    "check.clock_offset.no_center",
    "check.center_reachable.slow",
    "check.center_reachable.refused",
    "check.center_reachable.not_authentic",
    "check.center_reachable.unreachable",
    "check.center_reachable.not_set_up",
    "check.internet_unreachable.reached",
    "check.internet_unreachable.no_targets",
    "check.displays.none",
    "check.displays.more_than_one",
    "check.displays.small",
    "check.displays.no_window",
    "check.input_devices.no_mouse",
    "check.input_devices.no_keyboard",
    "check.input_devices.not_listed",
    "check.memory.low",
    "check.memory.unreadable",
    "check.power.on_battery",
    "check.power.not_reported",
    "check.database.damaged",
    "check.database.objects_damaged",
    "check.database.unreadable",
    "check.packages.none_held",
    "check.packages.no_grant",
    "check.packages.damaged",
    "check.packages.unreadable",
    "check.time_since_boot.long",
];

pub(super) fn running(check: Check) -> CheckRow {
    row(check, Verdict::Running, NOTHING, "", None)
}

pub(super) fn pass(check: Check, value: impl Into<String>, limit: &str) -> CheckRow {
    row(check, Verdict::Pass, value, limit, None)
}

pub(super) fn warn(check: Check, value: impl Into<String>, limit: &str, advice: &str) -> CheckRow {
    row(check, Verdict::Warn, value, limit, Some(advice))
}

pub(super) fn fail(check: Check, value: impl Into<String>, limit: &str, advice: &str) -> CheckRow {
    row(check, Verdict::Fail, value, limit, Some(advice))
}

pub(super) fn not_measured(check: Check, reason: &str) -> CheckRow {
    row(check, Verdict::NotMeasured, NOTHING, "", Some(reason))
}

fn row(
    check: Check,
    verdict: Verdict,
    value: impl Into<String>,
    limit: &str,
    advice: Option<&str>,
) -> CheckRow {
    CheckRow {
        check,
        verdict,
        value: value.into(),
        limit: limit.to_owned(),
        advice: advice.map(str::to_owned),
    }
}

/// The stable name of a check, as in its codes.
pub(super) fn name(check: Check) -> &'static str {
    match check {
        Check::Camera => "camera",
        Check::DiskSpace => "disk_space",
        Check::DurableWrite => "durable_write",
        Check::RebootSurvival => "reboot_survival",
        Check::Swap => "swap",
        Check::CoreDumps => "core_dumps",
        Check::ClockOffset => "clock_offset",
        Check::CenterReachable => "center_reachable",
        Check::InternetUnreachable => "internet_unreachable",
        Check::Displays => "displays",
        Check::InputDevices => "input_devices",
        Check::Memory => "memory",
        Check::Power => "power",
        Check::Database => "database",
        Check::Packages => "packages",
        Check::TimeSinceBoot => "time_since_boot",
    }
}

/// `212.4 GiB`, `61.2 MiB`, `12.0 KiB`.
pub(super) fn bytes(count: u64) -> String {
    const STEPS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    for (step, unit) in STEPS {
        if count >= step {
            return format!("{:.1} {unit}", count as f64 / step as f64);
        }
    }
    format!("{count} B")
}
