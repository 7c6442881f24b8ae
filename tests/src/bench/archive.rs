//! Verifying an archive of a million entries by the auditor's own program, on one core. The limits are measured beside
//! it: the hash over the same bytes, and the signatures that have to be checked.
//!
//! What is verified is as dense as what sixty terminals write in four days: an attempt is about 270 entries, of which
//! ten are pictures and the bundle and ten the center's receipts for them; while anything happens a checkpoint is
//! signed and cosigned every half minute, that is for every third entry. It is exported as every archive is.

use super::ledger::Density;
use super::ledgers::{Extent, Ledgers};
use super::{line, memory_mb};
use crate::process::program;
use anyhow::{Context, bail};
use fengjuan_audit::{Written, write_archive};
use fengjuan_envelope::sign::SigningKey;
use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 3;
const WHOLE: u64 = 1_000_000;
/// The same with a tenth of the entries and with three times as many: memory must be the same too.
const TENTH: u64 = WHOLE / 10;
const TRIPLE: u64 = WHOLE * 3;

const REAL: Extent = Extent {
    terminals: 60,
    entries: WHOLE,
    density: Density::Seconds(30),
    thinned: true,
};

pub fn run(folder: &Path) -> anyhow::Result<()> {
    let folder = folder.join("archive");
    std::fs::create_dir_all(&folder)?;
    let tenth = Extent {
        entries: TENTH,
        ..REAL
    };
    let least = Archive::write(&folder, "tenth", &tenth)?.verified()?;
    let whole = Archive::write(&folder, "whole", &REAL)?;
    let seen = whole.verified()?;
    let hashing = whole.sha256_seconds()?;
    let entries = WHOLE as f64;
    let count = |value: u64| value as f64;
    line("archive.entries", entries, "entries");
    line("archive.size", count(whole.bytes) / 1e6, "MB");
    line("archive.signatures", count(whole.signatures), "signatures");
    let (here, left_out) = (
        whole.written.checkpoints,
        whole.written.checkpoints_left_out,
    );
    line("archive.checkpoints", count(here), "checkpoints");
    line(
        "archive.checkpoints.left_out",
        count(left_out),
        "checkpoints",
    );
    line("archive.write.rate", entries / whole.seconds, "entries/s");
    line("archive.verify.rate", entries / seen.seconds, "entries/s");
    line("archive.sha256.rate", entries / hashing, "entries/s");
    line("archive.ratio", seen.seconds / hashing, "x");
    // Of fewer checkpoints, because they are slow to make; as many of them come into the archive.
    let triple = Extent {
        entries: TRIPLE,
        density: Density::Seconds(600),
        ..REAL
    };
    whole.remove()?;
    let triple = Archive::write(&folder, "triple", &triple)?;
    let most = triple.verified()?;
    triple.remove()?;
    line("archive.verify.memory.tenth", least.peak_mb, "MB");
    line("archive.verify.memory", seen.peak_mb, "MB");
    line("archive.verify.memory.triple", most.peak_mb, "MB");
    line(
        "archive.ed25519.rate",
        1.0 / ed25519_seconds(),
        "signatures/s",
    );
    // What signatures cost shows where each is checked: every checkpoint and receipt, or one for every entry.
    for (name, density) in [
        ("every_checkpoint", REAL.density),
        ("every_entry_signed", Density::EveryEntry),
    ] {
        let extent = Extent {
            density,
            thinned: false,
            ..tenth
        };
        let archive = Archive::write(&folder, name, &extent)?;
        let rate = count(TENTH) / archive.verified()?.seconds;
        line(&format!("archive.verify.rate.{name}"), rate, "entries/s");
        let signed = format!("archive.signatures.{name}");
        line(&signed, count(archive.signatures), "signatures");
    }
    Ok(())
}

struct Archive {
    file: PathBuf,
    root: PathBuf,
    bytes: u64,
    written: Written,
    /// Seconds that writing it took.
    seconds: f64,
    /// How many the verifier has to check.
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
        let begun = Instant::now();
        let content = ledgers.content()?;
        let written = write_archive(out, &content, &ledgers, &infos, &|_, _| true)?;
        let receipts = match &content.receipts {
            Some(_) => 1,
            None => content.objects.len() as u64,
        };
        Ok(Archive {
            bytes: file.metadata()?.len(),
            file,
            root,
            written,
            seconds: begun.elapsed().as_secs_f64(),
            signatures: 2 * written.checkpoints + receipts,
        })
    }

    fn remove(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(&self.file)?)
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
