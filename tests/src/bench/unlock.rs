//! Unlocking a large package: 1,000 items and 200 pictures, 60 MB. Argon2id is slow on purpose and is measured by
//! itself in the same run; the rest is ours.

use super::exam::{Bank, Exam};
use super::seat::Seat;
use super::{line, memory_mb, percentile};
use anyhow::Context;
use fengjuan_envelope::kdf::{self, Argon2Params};
use fengjuan_envelope::secret::SecretBytes;
use fengjuan_terminal::view::action::CandidateAction;
use std::path::Path;
use std::time::Instant;
use tokio::runtime::Runtime;

const RUNS: usize = 7;
const ITEMS: u32 = 1_000;
const PICTURES: u32 = 200;
/// Noise does not compress: three bytes a pixel, about 300 KB a picture.
const SIDE: u32 = 316;

pub fn run(folder: &Path, runtime: &Runtime) -> anyhow::Result<()> {
    let folder = folder.join("unlock");
    let bank = large_bank(&folder)?;
    let exam = Exam::issue(&folder, &bank)?;
    let data = folder.join("terminal");
    let seat = Seat::pulled(&data, &exam, runtime)?;
    line("unlock.package", package_mb(&data)?, "MB");
    let code = exam.code()?;
    let mut argon2 = vec![argon2_alone()?];
    seat.log_in()?;
    let mut unlocking = Vec::new();
    let before = Memory::now()?;
    let mut memory = None;
    for _ in 0..RUNS {
        let begun = Instant::now();
        seat.unlock(&code)?;
        unlocking.push(begun.elapsed().as_secs_f64() * 1000.0);
        // The first time is what counts: later ones find memory that is already there.
        if memory.is_none() {
            memory = Some(before.since()?);
        }
        argon2.push(argon2_alone()?);
    }
    line("unlock.first", unlocking[0], "ms");
    let (unlock, argon2) = (
        percentile(&mut unlocking, 0.5),
        percentile(&mut argon2, 0.5),
    );
    line("unlock.p50", unlock, "ms");
    line("unlock.argon2.p50", argon2, "ms");
    line("unlock.beyond_argon2", unlock - argon2, "ms");
    let memory = memory.context("measured")?;
    line("unlock.memory", memory.stays_mb, "MB");
    line("unlock.memory.peak", memory.peak_mb, "MB");
    seat.log_out()?;
    whole_paper(&seat, &exam)
}

/// Every question of the paper is shown with its picture; what is shown is not kept.
fn whole_paper(seat: &Seat, exam: &Exam) -> anyhow::Result<()> {
    let questions = seat.sit(exam)?.sheet.len() as u32;
    let before = memory_mb("self", "VmRSS").context("VmRSS")?;
    let mut shown = Vec::new();
    for position in 0..questions {
        let begun = Instant::now();
        super::seat::ok(seat.candidate(CandidateAction::Show { position }))?;
        if let Some(url) = seat.exam()?.question.stem_picture {
            seat.picture(&url)?;
        }
        shown.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let after = memory_mb("self", "VmRSS").context("VmRSS")?;
    line(
        "unlock.show_question.p50",
        percentile(&mut shown, 0.5),
        "ms",
    );
    line(
        "unlock.show_question.p99",
        percentile(&mut shown, 0.99),
        "ms",
    );
    line("unlock.memory.whole_paper", after - before, "MB");
    Ok(())
}

/// Milliseconds of Argon2id with the parameters of authorization codes.
pub(super) fn argon2_alone() -> anyhow::Result<f64> {
    let code = SecretBytes::new(vec![5; 10]);
    let begun = Instant::now();
    let _ = kdf::derive(&code, &[1; 16], Argon2Params::CODE)?;
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}

/// Resident memory at a moment from which the peak is counted.
struct Memory {
    resident_mb: f64,
}

struct Added {
    stays_mb: f64,
    /// Beyond what Argon2id is meant to take.
    peak_mb: f64,
}

impl Memory {
    fn now() -> anyhow::Result<Memory> {
        // "5" sets the peak back to what is resident now (proc(5), clear_refs).
        std::fs::write("/proc/self/clear_refs", "5")?;
        let resident_mb = memory_mb("self", "VmRSS").context("VmRSS")?;
        Ok(Memory { resident_mb })
    }

    fn since(&self) -> anyhow::Result<Added> {
        let peak = memory_mb("self", "VmHWM").context("VmHWM")?;
        let now = memory_mb("self", "VmRSS").context("VmRSS")?;
        let argon2_mb = f64::from(Argon2Params::CODE.m_kib) / 1024.0;
        Ok(Added {
            stays_mb: now - self.resident_mb,
            peak_mb: peak - self.resident_mb - argon2_mb,
        })
    }
}

fn package_mb(data: &Path) -> anyhow::Result<f64> {
    let mut largest = 0;
    let mut folders = vec![data.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder)? {
            let file = file?;
            match file.file_type()?.is_dir() {
                true => folders.push(file.path()),
                false => largest = largest.max(file.metadata()?.len()),
            }
        }
    }
    Ok(largest as f64 / 1e6)
}

pub(super) fn large_bank(folder: &Path) -> anyhow::Result<Bank> {
    let pictures = folder.join("pictures");
    std::fs::create_dir_all(&pictures)?;
    let mut noise = 0x9E37_79B9_7F4A_7C15u64;
    for number in 0..PICTURES {
        let picture = image::RgbImage::from_fn(SIDE, SIDE, |_, _| {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            let [red, green, blue, ..] = noise.to_le_bytes();
            image::Rgb([red, green, blue])
        });
        picture.save(pictures.join(format!("noise-{number}.png")))?;
    }
    let file = folder.join("bank.csv");
    let mut out = csv::Writer::from_path(&file)?;
    let header = [
        "题号",
        "题型",
        "题干",
        "题干图片",
        "选项A",
        "选项B",
        "选项C",
        "选项D",
        "答案",
        "分值",
        "知识点",
        "选项不乱序",
    ];
    out.write_record(header)?;
    for number in 0..ITEMS {
        let picture = match number.is_multiple_of(ITEMS / PICTURES) {
            true => format!("noise-{}.png", number / (ITEMS / PICTURES)),
            false => String::new(),
        };
        let no = format!("B{number:04}");
        let stem = format!("第{number}题：图中的接线，下列说法中正确的是哪一项？");
        let options = ["甲", "乙", "丙", "丁"].map(|word| format!("{word}说法，第{number}题"));
        let [a, b, c, d] = &options;
        out.write_record([
            &no, "单选", &stem, &picture, a, b, c, d, "A", "1", "接线", "",
        ])?;
    }
    out.flush()?;
    Ok(Bank {
        file,
        pictures,
        parts: vec![("single_choice", 100)],
    })
}
