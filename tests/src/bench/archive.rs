//! Verifying an archive of a million entries by the auditor's own program, on one core. The limits are measured beside
//! it: the hash over the same bytes, and the signatures that have to be checked.

use super::ledgers::{Extent, Ledgers};
use super::{line, memory_mb};
use crate::process::program;
use anyhow::{Context, bail};
use fengjuan_audit::write_archive;
use fengjuan_envelope::sign::SigningKey;
use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 3;
const WHOLE: u64 = 1_000_000;
/// The same with a tenth of the entries: memory must be the same too.
const TENTH: u64 = WHOLE / 10;

pub fn run(folder: &Path) -> anyhow::Result<()> {
    let folder = folder.join("archive");
    std::fs::create_dir_all(&folder)?;
    let of = |entries, checkpoint_every, receipts| Extent {
        terminals: 20,
        entries,
        checkpoint_every,
        receipts,
    };
    let tenth = Archive::write(&folder, "tenth", &of(TENTH, 1_000, false))?.verified()?;
    let whole = Archive::write(&folder, "whole", &of(WHOLE, 1_000, false))?;
    let seen = whole.verified()?;
    let hashing = whole.sha256_seconds()?;
    let signatures = whole.signatures as f64;
    let entries = WHOLE as f64;
    line("archive.entries", entries, "entries");
    line("archive.size", whole.bytes as f64 / 1e6, "MB");
    line("archive.signatures", signatures, "signatures");
    line("archive.verify.rate", entries / seen.seconds, "entries/s");
    line("archive.sha256.rate", entries / hashing, "entries/s");
    line("archive.ratio", seen.seconds / hashing, "x");
    line("archive.verify.memory", seen.peak_mb, "MB");
    line("archive.verify.memory.tenth", tenth.peak_mb, "MB");
    line(
        "archive.ed25519.rate",
        1.0 / ed25519_seconds(),
        "signatures/s",
    );
    // What a signature costs shows where there are many: receipts for every picture, a checkpoint for every entry.
    for (name, extent) in [
        ("receipts", of(TENTH, 1_000, true)),
        ("every_entry_signed", of(TENTH, 1, false)),
    ] {
        let archive = Archive::write(&folder, name, &extent)?;
        let seconds = archive.verified()?.seconds;
        let (rate, signed) = (
            format!("archive.verify.rate.{name}"),
            format!("archive.signatures.{name}"),
        );
        line(&rate, TENTH as f64 / seconds, "entries/s");
        line(&signed, archive.signatures as f64, "signatures");
    }
    Ok(())
}

struct Archive {
    file: PathBuf,
    root: PathBuf,
    bytes: u64,
    signatures: u64,
}

struct Verified {
    seconds: f64,
    peak_mb: f64,
}

impl Archive {
    fn write(folder: &Path, name: &str, extent: &Extent) -> anyhow::Result<Archive> {
        let ledgers = Ledgers::make(extent)?;
        let file = folder.join(format!("{name}.fjarchive"));
        let root = folder.join(format!("{name}.pub"));
        let text = fengjuan_wire::directory::root_to_text(&ledgers.root.public());
        std::fs::write(&root, text)?;
        let out = BufWriter::new(File::create(&file)?);
        let infos = fengjuan_store::LedgerReader::ledgers(&ledgers)?;
        write_archive(out, &ledgers.content()?, &ledgers, &infos, &|_, _| true)?;
        Ok(Archive {
            bytes: file.metadata()?.len(),
            file,
            root,
            signatures: ledgers.signatures,
        })
    }

    /// The fastest of a few runs of the auditor's program, and its peak memory.
    fn verified(&self) -> anyhow::Result<Verified> {
        let mut best = Verified {
            seconds: f64::MAX,
            peak_mb: 0.0,
        };
        for _ in 0..RUNS {
            let run = self.verify_once()?;
            best.seconds = best.seconds.min(run.seconds);
            best.peak_mb = best.peak_mb.max(run.peak_mb);
        }
        Ok(best)
    }

    fn verify_once(&self) -> anyhow::Result<Verified> {
        let begun = Instant::now();
        let mut child = Command::new(program("fengjuan-audit")?)
            .arg("verify")
            .arg(&self.file)
            .arg("--root")
            .arg(&self.root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let pid = child.id().to_string();
        let mut peak_mb: f64 = 0.0;
        let status = loop {
            // The peak never falls, so that the last look before the end is right within a millisecond.
            peak_mb = peak_mb.max(memory_mb(&pid, "VmHWM").unwrap_or(0.0));
            match child.try_wait()? {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        let seconds = begun.elapsed().as_secs_f64();
        if !status.success() {
            bail!("{} is not green", self.file.display());
        }
        Ok(Verified { seconds, peak_mb })
    }

    /// The fastest of a few runs of plain SHA-256 over the file.
    fn sha256_seconds(&self) -> anyhow::Result<f64> {
        let mut best = f64::MAX;
        let mut buffer = vec![0; 1 << 20];
        for _ in 0..RUNS {
            let mut file = File::open(&self.file)?;
            let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
            let begun = Instant::now();
            loop {
                let read = file.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                digest.update(buffer.get(..read).context("read")?);
            }
            std::hint::black_box(digest.finish());
            best = best.min(begun.elapsed().as_secs_f64());
        }
        Ok(best)
    }
}

/// Seconds that checking one signature takes here.
fn ed25519_seconds() -> f64 {
    const CHECKS: u32 = 500;
    let key = SigningKey::from_seed(&[4; 32]);
    let message = [5; 180];
    let signature = key.sign(&message);
    let public = key.public();
    let begun = Instant::now();
    for _ in 0..CHECKS {
        std::hint::black_box(public.verify(&message, &signature).is_ok());
    }
    begun.elapsed().as_secs_f64() / f64::from(CHECKS)
}
