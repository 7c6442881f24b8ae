//! The auditor's command line (审计). Exit status: 0 green or done, 1 red or failed, 2 wrong usage.

mod cli {
    pub mod gaps;
    pub mod print;
    pub mod words;
}

use anyhow::Context;
use chrono::{FixedOffset, NaiveDate, TimeZone, Utc};
use clap::{Args, Parser, Subcommand};
use cli::words::Lang;
use cli::{print, words};
use fengjuan_audit::timeline::{self, Query, TimelineError};
use fengjuan_audit::{ArchiveError, Scope, VerifyOptions, export, retention, verify};
use fengjuan_envelope::secret::SecretKey;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::Hash32;
use fengjuan_wire::directory::root_from_text;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "fengjuan-audit",
    version,
    about = "封卷 审计：导出、核验、查看考试记录 / archives of exam ledgers: export, verify, read"
)]
struct Cli {
    /// 语言 / language
    #[arg(long, global = true, value_enum, default_value = "zh")]
    lang: Lang,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// 导出档案 / make an archive
    Export(Export),
    /// 核验档案 / verify an archive
    Verify(Verify),
    /// 一次作答的经过 / what happened in one attempt
    Timeline(TimelineArgs),
    /// 留存情况（只报告）/ how far back the logs go (reports only)
    Retention {
        /// 考试机构主目录或考试机数据目录 / a center's home or a terminal's data directory
        #[arg(long)]
        from: PathBuf,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
struct Export {
    /// 考试机构主目录或考试机数据目录 / a center's home or a terminal's data directory
    #[arg(long)]
    from: PathBuf,
    /// 新档案文件 / the new archive
    #[arg(long)]
    out: PathBuf,
    /// 只要这个场次 / this sitting only
    #[arg(long, conflicts_with_all = ["from_date", "to_date"])]
    sitting: Option<String>,
    /// 起始日期（含，北京时间）/ from this day on, Beijing time, e.g. 2026-11-20
    #[arg(long)]
    from_date: Option<NaiveDate>,
    /// 截止日期（含，北京时间）/ until the end of this day, Beijing time
    #[arg(long)]
    to_date: Option<NaiveDate>,
}

#[derive(Args)]
struct Verify {
    archive: PathBuf,
    /// 考试机构的根公钥文件 / the center's public root
    #[arg(long)]
    root: PathBuf,
    /// 未经见证即为红 / red where entries are not witnessed
    #[arg(long)]
    require_witness: bool,
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct TimelineArgs {
    archive: PathBuf,
    /// 考试机构的根公钥文件 / the center's public root
    #[arg(long)]
    root: PathBuf,
    #[command(flatten)]
    which: Which,
    /// 场次编号，与 --seat 同用 / sitting number, to go with --seat
    #[arg(long)]
    sitting: Option<String>,
    /// 考试机构放出的作答密钥（64 位十六进制）/ the attempt's key, released by the center (64 hex digits)
    #[arg(long)]
    attempt_key: Option<PathBuf>,
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Which {
    /// 作答编号（十六进制，可只写开头）/ id in hex, or its beginning
    #[arg(long)]
    attempt: Option<String>,
    /// 准考证摘要（十六进制，可只写开头）/ hashed ticket in hex, or its beginning
    #[arg(long)]
    ticket_hash: Option<String>,
    /// 考位号 / seat number
    #[arg(long)]
    seat: Option<u32>,
}

const RED: u8 = 1;
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let lang = cli.lang;
    let done = match cli.command {
        Command::Export(args) => run_export(&args, lang),
        Command::Verify(args) => run_verify(&args, lang),
        Command::Timeline(args) => run_timeline(&args, lang),
        Command::Retention { from, json } => run_retention(&from, json, lang),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(USAGE)
        }
    }
}

fn failed(error: &ArchiveError, lang: Lang) -> u8 {
    eprintln!(
        "{}\n  {} ({error})",
        words::failure(error.code(), lang),
        error.code()
    );
    RED
}

fn midnight(date: NaiveDate) -> anyhow::Result<i64> {
    let beijing = FixedOffset::east_opt(8 * 3600).context("no such time zone")?;
    let midnight = date.and_hms_opt(0, 0, 0).context("no such day")?;
    let time = beijing
        .from_local_datetime(&midnight)
        .single()
        .context("no such day")?;
    Ok(time.timestamp_millis())
}

fn run_export(args: &Export, lang: Lang) -> anyhow::Result<u8> {
    let after = args
        .to_date
        .map(|date| date.succ_opt().context("no such day"))
        .transpose()?;
    let scope = Scope {
        sitting_no: args.sitting.clone(),
        from_ms: args.from_date.map(midnight).transpose()?,
        to_ms: after.map(midnight).transpose()?,
    };
    match export::export(&args.from, &args.out, &scope, Utc::now().timestamp_millis()) {
        Ok(written) => {
            let (ledgers, entries) = (lang.pick("份记录", "ledgers"), lang.pick("条", "entries"));
            let shown = lang.pick("条完整", "in full");
            println!(
                "{}: {} {ledgers}, {} {entries}, {} {shown}",
                args.out.display(),
                written.ledgers,
                written.entries,
                written.shown
            );
            Ok(0)
        }
        Err(error) => Ok(failed(&error, lang)),
    }
}

fn read_root(path: &Path) -> anyhow::Result<PublicKey> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    root_from_text(&text).with_context(|| path.display().to_string())
}

/// An archive that cannot even be opened is as red as one that cannot be read.
fn unreadable(path: &Path, error: &std::io::Error, lang: Lang) -> u8 {
    let words = words::wrong(fengjuan_audit::Wrong::Unreadable, lang);
    eprintln!("{words}: {} ({error})", path.display());
    RED
}

fn run_verify(args: &Verify, lang: Lang) -> anyhow::Result<u8> {
    let root = read_root(&args.root)?;
    let options = VerifyOptions {
        require_witness: args.require_witness,
    };
    let verdict = match File::open(&args.archive) {
        Ok(archive) => verify(&archive, &root, &options),
        Err(error) => return Ok(unreadable(&args.archive, &error, lang)),
    };
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&print::verdict_json(&verdict))?
        );
    } else {
        print!("{}", print::verdict(&verdict, lang));
    }
    Ok(if verdict.is_green() { 0 } else { RED })
}

fn read_key(path: &Path) -> anyhow::Result<SecretKey> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let key = Hash32::from_hex(text.trim())
        .with_context(|| format!("{}: 64 hex digits", path.display()))?;
    Ok(SecretKey::from_bytes(key.0))
}

fn run_timeline(args: &TimelineArgs, lang: Lang) -> anyhow::Result<u8> {
    let root = read_root(&args.root)?;
    let key = args.attempt_key.as_deref().map(read_key).transpose()?;
    let query = Query {
        attempt: args.which.attempt.clone(),
        ticket_hash: args.which.ticket_hash.clone(),
        seat_no: args.which.seat,
        sitting_no: args.sitting.clone(),
    };
    let archive = match File::open(&args.archive) {
        Ok(archive) => archive,
        Err(error) => return Ok(unreadable(&args.archive, &error, lang)),
    };
    match timeline::timeline(&archive, &root, &query, key.as_ref()) {
        Ok(timeline) => {
            if args.json {
                println!(
                    "{}",
                    serde_json::to_string_pretty(&print::timeline_json(&timeline))?
                );
            } else {
                print!("{}", print::timeline(&timeline, lang));
            }
            Ok(if timeline.green { 0 } else { RED })
        }
        Err(TimelineError::Red(finding)) => {
            let verdict = fengjuan_audit::Verdict::Red(finding);
            if args.json {
                println!(
                    "{}",
                    serde_json::to_string_pretty(&print::verdict_json(&verdict))?
                );
            } else {
                print!("{}", print::verdict(&verdict, lang));
            }
            Ok(RED)
        }
        Err(TimelineError::NotFound) => {
            eprintln!(
                "{}",
                lang.pick(
                    "档案里没有这样的作答",
                    "there is no such attempt in the archive"
                )
            );
            Ok(RED)
        }
        Err(TimelineError::Ambiguous(ids)) => {
            eprintln!(
                "{}",
                lang.pick(
                    "有多次作答符合，请用 --attempt 指明：",
                    "several attempts fit; name one with --attempt:"
                )
            );
            for id in ids {
                eprintln!("  {id}");
            }
            Ok(USAGE)
        }
    }
}

fn run_retention(from: &Path, json: bool, lang: Lang) -> anyhow::Result<u8> {
    match retention::report(from, Utc::now().timestamp_millis()) {
        Ok(ages) => {
            if json {
                println!("{}", serde_json::to_string_pretty(&ages)?);
            } else {
                print!("{}", print::retention(&ages, lang));
            }
            Ok(if ages.iter().all(|age| age.whole) {
                0
            } else {
                RED
            })
        }
        Err(error) => Ok(failed(&error, lang)),
    }
}
