//! Verdicts, timelines and reports as text and as JSON.

use super::gaps;
use super::words::{self, Lang};
use chrono::{DateTime, FixedOffset};
use fengjuan_audit::retention::LedgerAge;
use fengjuan_audit::timeline::Timeline;
use fengjuan_audit::{Finding, LedgerSummary, Source, Summary, Verdict};
use serde_json::{Value, json};

/// The time in Beijing.
fn time(unix_ms: i64) -> String {
    let beijing = FixedOffset::east_opt(8 * 3600);
    match (DateTime::from_timestamp_millis(unix_ms), beijing) {
        (Some(time), Some(zone)) => time
            .with_timezone(&zone)
            .format("%Y-%m-%d %H:%M:%S")
            .to_string(),
        _ => format!("{unix_ms} ms"),
    }
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "verdict": "red",
        "code": finding.wrong.code(),
        "zh": words::wrong(finding.wrong, Lang::Zh),
        "en": words::wrong(finding.wrong, Lang::En),
        "section": finding.section,
        "ledger": finding.ledger,
        "device": finding.device,
        "seq": finding.seq,
        "expected": finding.expected,
        "found": finding.found,
    })
}

/// The verdict as one JSON object.
pub fn verdict_json(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Green(summary) => json!({ "verdict": "green", "summary": summary }),
        Verdict::Red(finding) => finding_json(finding),
    }
}

/// The verdict as text.
pub fn verdict(verdict: &Verdict, lang: Lang) -> String {
    match verdict {
        Verdict::Green(summary) => green(summary, lang),
        Verdict::Red(finding) => red(finding, lang),
    }
}

pub fn red(finding: &Finding, lang: Lang) -> String {
    let mut text = format!(
        "{}\n{}\n",
        lang.pick("红：核验不通过", "RED: not verified"),
        words::wrong(finding.wrong, lang)
    );
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("  {name}: {value}\n"));
        }
    };
    line(lang.pick("代码", "code"), finding.wrong.code());
    line(
        lang.pick("设备", "device"),
        finding.device.as_deref().unwrap_or_default(),
    );
    line(
        lang.pick("记录", "ledger"),
        finding.ledger.as_deref().unwrap_or_default(),
    );
    line(
        lang.pick("分段", "section"),
        finding.section.as_deref().unwrap_or_default(),
    );
    line(
        lang.pick("条目（从此起）", "entry (from here)"),
        &finding.seq.map(|seq| seq.to_string()).unwrap_or_default(),
    );
    line(lang.pick("应为", "expected"), &finding.expected);
    line(lang.pick("实为", "found"), &finding.found);
    text
}

fn scope(summary: &Summary, lang: Lang) -> String {
    let scope = &summary.scope;
    if scope.is_everything() {
        return lang.pick("全部", "everything").to_owned();
    }
    let mut parts = Vec::new();
    parts.extend(scope.sitting_no.clone());
    parts.extend(scope.from_ms.map(|ms| format!("≥ {}", time(ms))));
    parts.extend(scope.to_ms.map(|ms| format!("< {}", time(ms))));
    parts.join(" ")
}

/// What the archive shows, with how much of it.
fn contents(summary: &Summary, lang: Lang) -> [(&'static str, String); 6] {
    let entries = format!(
        "{} ({} {})",
        summary.entries,
        summary.shown,
        lang.pick("条完整", "in full")
    );
    let snapshots = format!(
        "{} ({} {})",
        summary.snapshots_due,
        summary.snapshots_failed,
        lang.pick("次失败已记录", "recorded failures")
    );
    let listed = match summary.receipts_listed {
        true => lang.pick(
            "（考试机构签名的回执清单）",
            " (on the center's signed list)",
        ),
        false => "",
    };
    let objects = format!("{}/{}{listed}", summary.objects, summary.receipts);
    [
        (lang.pick("条目", "entries"), entries),
        (lang.pick("作答", "attempts"), summary.attempts.to_string()),
        (lang.pick("应有抓拍", "snapshots due"), snapshots),
        (
            lang.pick("密封对象/回执", "sealed objects/receipts"),
            objects,
        ),
        (
            lang.pick("设备检查报告", "equipment reports"),
            summary.reports.to_string(),
        ),
        (
            lang.pick("检查点", "checkpoints"),
            checkpoints(summary, lang),
        ),
    ]
}

fn green(summary: &Summary, lang: Lang) -> String {
    let mut text = format!("{}\n", lang.pick("绿：核验通过", "GREEN: verified"));
    let mut line = |name: &str, value: String| text.push_str(&format!("  {name}: {value}\n"));
    let source = match summary.source {
        Source::Center => lang.pick("考试机构", "center"),
        Source::Terminal => lang.pick("考试机", "terminal"),
    };
    line(
        lang.pick("考试机构", "center"),
        format!("{} ({})", summary.center_name, summary.center_id),
    );
    line(
        lang.pick("来源", "made from"),
        format!("{source}, {}", time(summary.made_ms)),
    );
    line(lang.pick("范围", "scope"), scope(summary, lang));
    line(lang.pick("场次", "sittings"), summary.sittings.join(" "));
    line(
        lang.pick("设备证书", "device certificates"),
        summary.devices.to_string(),
    );
    line(
        lang.pick("记录", "ledgers"),
        summary.ledgers.len().to_string(),
    );
    for (name, value) in contents(summary, lang) {
        line(name, value);
    }
    if let Some(roll) = &summary.roll {
        let of = roll.sitting_no.as_ref().or(roll.site.as_ref());
        let of = of.map_or_else(|| lang.pick("全部", "all").to_owned(), String::clone);
        let value = format!("{} ({of}, {})", roll.ledgers, time(roll.made_ms));
        line(lang.pick("见证名册", "witness's roll"), value);
    }
    for ledger in &summary.ledgers {
        text.push_str(&format!("  {}\n", ledger_line(ledger, lang)));
    }
    if summary.not_proven.is_empty() {
        text.push_str(lang.pick("没有未获证明之处\n", "nothing is left unproven\n"));
    } else {
        text.push_str(lang.pick("未获证明:\n", "not proven:\n"));
    }
    for what in &summary.not_proven {
        text.push_str(&format!("  - {}\n", gaps::not_proven(*what, lang)));
    }
    text
}

fn checkpoints(summary: &Summary, lang: Lang) -> String {
    let sum = |count: fn(&LedgerSummary) -> u64| summary.ledgers.iter().map(count).sum::<u64>();
    let here = sum(|ledger| ledger.checkpoints);
    match (sum(|ledger| ledger.checkpoints_left_out), lang) {
        (0, _) => here.to_string(),
        (left_out, Lang::Zh) => {
            format!("{here}（导出方称另有 {left_out} 个核对无误，未收入档案）")
        }
        (left_out, Lang::En) => {
            format!("{here} ({left_out} more were verified and left out, says the exporter)")
        }
    }
}

fn ledger_line(ledger: &LedgerSummary, lang: Lang) -> String {
    let witnessed_at = ledger
        .witnessed_at
        .and_then(|seconds| i64::try_from(seconds).ok())
        .map(|seconds| format!(" @ {}", time(seconds.saturating_mul(1000))))
        .unwrap_or_default();
    format!(
        "{} {} [{}] {}: {}, {}: 0–{}{witnessed_at}, {}: 0–{}",
        ledger.device,
        &ledger.ledger[..8],
        ledger.site,
        lang.pick("条目", "entries"),
        ledger.size,
        lang.pick("已见证", "witnessed"),
        ledger.witnessed,
        lang.pick("设备已签", "signed"),
        ledger.signed,
    )
}

/// A timeline as one JSON object.
pub fn timeline_json(timeline: &Timeline) -> Value {
    json!({
        "verdict": if timeline.green { "green" } else { "red" },
        "finding": timeline.finding.as_ref().map(finding_json),
        "timeline": timeline,
    })
}

/// A timeline as text.
pub fn timeline(timeline: &Timeline, lang: Lang) -> String {
    let mut text = String::new();
    if let Some(finding) = &timeline.finding {
        text.push_str(&red(finding, lang));
    }
    let outline = &timeline.outline;
    let ms = |value: Option<i64>| value.map_or_else(|| "—".to_owned(), time);
    text.push_str(&format!(
        "{} {}\n",
        lang.pick("作答", "attempt"),
        timeline.attempt
    ));
    let mut line = |name: &str, value: String| text.push_str(&format!("  {name}: {value}\n"));
    let place = [
        outline.sitting_no.clone(),
        outline.class_no.clone(),
        outline.seat_no.map(|seat| seat.to_string()),
    ];
    line(
        lang.pick("场次/班级/考位", "sitting/class/seat"),
        place.map(|part| part.unwrap_or("—".to_owned())).join(" / "),
    );
    line(lang.pick("开始", "started"), ms(outline.started_ms));
    line(
        lang.pick("原定结束", "planned end"),
        ms(outline.planned_end_ms),
    );
    line(
        lang.pick("补时（秒）", "credited (s)"),
        (outline.credited_ms / 1000).to_string(),
    );
    line(
        lang.pick("中断（次/秒）", "outages (count/s)"),
        format!("{}/{}", outline.outages, outline.outage_ms / 1000),
    );
    line(lang.pick("交卷", "handed in"), ms(outline.handed_in_ms));
    timeline_rows(&mut text, timeline, lang);
    timeline_snapshots(&mut text, timeline, lang);
    if outline.unopened > 0 {
        text.push_str(&format!(
            "{} {}\n",
            outline.unopened,
            lang.pick("条密封未开", "entries stay sealed")
        ));
    }
    text
}

fn timeline_rows(text: &mut String, timeline: &Timeline, lang: Lang) {
    for row in &timeline.rows {
        let sealed = lang.pick("(密封)", "(sealed)");
        let number = row
            .attempt_seq
            .map_or_else(|| "·".to_owned(), |seq| seq.to_string());
        text.push_str(&format!(
            "{} #{:<5} {:>4} [{}] {} {} {} {}\n",
            row.exam_ms.map_or_else(|| time(row.wall_ms), time),
            row.seq,
            number,
            words::proof(row.proof, lang),
            row.device,
            row.actor,
            lang.pick(row.zh, row.en),
            row.facts.as_deref().unwrap_or(sealed),
        ));
    }
}

fn timeline_snapshots(text: &mut String, timeline: &Timeline, lang: Lang) {
    match &timeline.snapshots {
        None => text.push_str(lang.pick(
            "抓拍时刻：种子未公开或作答未结束\n",
            "snapshot moments: seed not revealed, or attempt not ended\n",
        )),
        Some(due) => {
            text.push_str(&format!(
                "{} {}\n",
                lang.pick("应有抓拍", "snapshots due"),
                due.len()
            ));
            for due in due {
                text.push_str(&format!(
                    "  {} {}\n",
                    time(due.due_ms),
                    words::snapshot(due.state, lang)
                ));
            }
        }
    }
}

/// Ages of ledgers as text.
pub fn retention(ages: &[LedgerAge], lang: Lang) -> String {
    let mut text = String::new();
    for age in ages {
        let ms = |value: Option<i64>| value.map_or_else(|| "—".to_owned(), time);
        let whole = if age.whole {
            lang.pick("自首条起完整", "whole from its first entry on")
        } else {
            lang.pick("不完整：有条目缺失", "NOT whole: entries are missing")
        };
        let years = if age.three_years {
            lang.pick("已满三年", "goes back three years")
        } else {
            lang.pick("记录开始未满三年", "begun less than three years ago")
        };
        text.push_str(&format!(
            "{} {} {}: {} … {}, {} {}; {whole}; {years}\n",
            age.device,
            &age.ledger[..8],
            lang.pick("条目时间", "entries"),
            ms(age.oldest_ms),
            ms(age.newest_ms),
            age.entries,
            lang.pick("条", "in all"),
        ));
    }
    text.push_str(lang.pick(
        "本程序只报告，从不删除。\n",
        "This program reports and never deletes.\n",
    ));
    text
}
