//! Benchmarks: each prints lines `name value unit`, with the limit or peer that was measured in the same run. They
//! never fail on a number, because machines differ; a person or a chart judges.






/// One line of a benchmark.
pub fn line(name: &str, value: f64, unit: &str) {
    let digits = if value.abs() >= 1000.0 { 0 } else if value.abs() >= 10.0 { 1 } else { 3 };
    println!("{name} {value:.digits$} {unit}");
}

/// The value below which `share` of the samples lie.
pub fn percentile(samples: &mut [f64], share: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let place = ((samples.len() as f64 - 1.0) * share).round() as usize;
    samples.get(place).copied().unwrap_or(f64::NAN)
}
