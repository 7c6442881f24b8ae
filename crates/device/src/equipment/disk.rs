use super::measured::{bytes, fail, not_measured, pass, warn};
use crate::view::{Check, CheckRow};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

const GIB: u64 = 1 << 30;
const WRITES: usize = 50;
/// `f_type` of a file system that is gone after a power cut (statfs(2)).
const TMPFS: [i64; 2] = [0x0102_1994, 0x8584_58f6];

pub(super) fn space(data_dir: &Path) -> CheckRow {
    const LIMIT: &str = "≥ 10 GiB";
    let Ok(facts) = rustix::fs::statvfs(data_dir) else {
        return not_measured(Check::DiskSpace, "check.disk_space.unreadable");
    };
    let free = facts.f_bavail.saturating_mul(facts.f_frsize);
    let value = bytes(free);
    match free {
        free if free >= 10 * GIB => pass(Check::DiskSpace, value, LIMIT),
        free if free >= 3 * GIB => warn(Check::DiskSpace, value, LIMIT, "check.disk_space.low"),
        _ => fail(Check::DiskSpace, value, LIMIT, "check.disk_space.low"),
    }
}

/// What an answer waits for: 4 KiB written and made durable where the answers go.
pub(super) fn durable_write(data_dir: &Path) -> CheckRow {
    const LIMIT: &str = "≤ 20 ms (p95)";
    let check = Check::DurableWrite;
    let mut times = match timed_writes(&data_dir.join("durable-write.probe")) {
        Ok(times) => times,
        Err(error) => {
            return fail(
                check,
                error.kind().to_string(),
                LIMIT,
                "check.durable_write.failed",
            );
        }
    };
    times.sort_by(f64::total_cmp);
    let p95 = times[times.len() * 95 / 100];
    let value = format!("{p95:.2} ms (p95, {WRITES} writes)");
    let in_memory = rustix::fs::statfs(data_dir).is_ok_and(|facts| TMPFS.contains(&facts.f_type));
    match p95 {
        _ if in_memory => fail(
            check,
            format!("{value} · tmpfs"),
            LIMIT,
            "check.durable_write.in_memory",
        ),
        p95 if p95 <= 20.0 => pass(check, value, LIMIT),
        p95 if p95 <= 200.0 => warn(check, value, LIMIT, "check.durable_write.slow"),
        _ => fail(check, value, LIMIT, "check.durable_write.slow"),
    }
}

/// Milliseconds of each write.
fn timed_writes(path: &Path) -> io::Result<Vec<f64>> {
    let file = File::create(path)?;
    let mut times = Vec::with_capacity(WRITES);
    for number in 0..WRITES {
        let block = vec![number as u8; 4096];
        let began = Instant::now();
        file.write_all_at(&block, 4096 * number as u64)?;
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    drop(file);
    std::fs::remove_file(path)?;
    Ok(times)
}
