//! Benchmarks: each prints lines `name value unit`, with the limit or peer that was measured in the same run. They
//! never fail on a number, because machines differ; a person or a chart judges.

pub mod answer;
pub mod archive;
pub mod exam;
pub mod fanout;
pub mod hall;
pub mod ledger;
pub mod ledgers;
pub mod replica;
pub mod room;
pub mod seat;
pub mod sitting;
pub mod terminal;
pub mod unlock;
pub mod window;

/// Every benchmark, in the order in which all of them run.
pub const ALL: [&str; 7] = [
    "answer", "unlock", "archive", "window", "replica", "room", "fanout",
];

/// One line of a benchmark.
pub fn line(name: &str, value: f64, unit: &str) {
    let digits = match value.abs() {
        value if value >= 1000.0 => 0,
        value if value >= 10.0 => 1,
        _ => 3,
    };
    println!("{name} {value:.digits$} {unit}");
}

/// The value below which `share` of the samples lie.
pub fn percentile(samples: &mut [f64], share: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let place = ((samples.len() as f64 - 1.0) * share).round() as usize;
    samples.get(place).copied().unwrap_or(f64::NAN)
}

/// A value in MB of a process's status (`VmRSS`, `VmHWM`).
pub fn memory_mb(pid: &str, what: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let row = status.lines().find_map(|row| row.strip_prefix(what))?;
    let kib: f64 = row
        .trim_start_matches(':')
        .trim()
        .trim_end_matches("kB")
        .trim()
        .parse()
        .ok()?;
    Some(kib / 1024.0)
}
