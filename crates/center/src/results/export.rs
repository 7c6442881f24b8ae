//! The results as .xlsx and .csv, and the anomalies as .csv. Never an answer, never a whole ID number.

use super::{Anomaly, CandidateResult, Results, Severity};
use crate::{CenterError, files};
use chrono::{FixedOffset, TimeZone};
use fengjuan_core::plan::ItemType;
use rust_xlsxwriter::{Format, Workbook, Worksheet};
use std::fs;
use std::path::Path;

const TYPES: [ItemType; 3] = [
    ItemType::TrueFalse,
    ItemType::SingleChoice,
    ItemType::MultipleChoice,
];

const HEADER: [&str; 20] = [
    "考位号",
    "准考证号",
    "姓名",
    "证件号码",
    "班级",
    "状态",
    "判断",
    "单选",
    "多选",
    "总分",
    "是否合格",
    "考试点评分",
    "开始时间",
    "交卷时间",
    "设备",
    "版本",
    "单位",
    "培训机构",
    "异常数",
    "异常说明",
];

const ANOMALY_HEADER: [&str; 8] = [
    "准考证号",
    "姓名",
    "设备",
    "程度",
    "代码",
    "说明",
    "English",
    "详情",
];

/// Writes `results.xlsx`, `results.csv` and `anomalies.csv` into a folder.
pub fn export(results: &Results, folder: &Path) -> Result<(), CenterError> {
    fs::create_dir_all(folder).map_err(CenterError::io(folder))?;
    let lines: Vec<Vec<Cell>> = results
        .candidates
        .iter()
        .map(|line| cells(results, line))
        .collect();
    let anomalies: Vec<Vec<String>> = results
        .anomalies
        .iter()
        .map(|anomaly| anomaly_cells(results, anomaly))
        .collect();
    write_csv(
        &folder.join("results.csv"),
        &HEADER,
        lines
            .iter()
            .map(|line| line.iter().map(Cell::text).collect()),
    )?;
    write_csv(
        &folder.join("anomalies.csv"),
        &ANOMALY_HEADER,
        anomalies.iter().cloned(),
    )?;
    write_xlsx(&folder.join("results.xlsx"), results, &lines, &anomalies)
}

enum Cell {
    Text(String),
    Number(f64),
    Nothing,
}

impl Cell {
    fn text(&self) -> String {
        match self {
            // A spreadsheet must not take a cell for a formula.
            Cell::Text(text) if text.starts_with(['=', '+', '-', '@']) => format!("'{text}"),
            Cell::Text(text) => text.clone(),
            Cell::Number(number) => number.to_string(),
            Cell::Nothing => String::new(),
        }
    }
}

fn cells(results: &Results, line: &CandidateResult) -> Vec<Cell> {
    let text = |text: &str| Cell::Text(text.to_owned());
    let points =
        |half: Option<u32>| half.map_or(Cell::Nothing, |half| Cell::Number(f64::from(half) / 2.0));
    let time = |ms: Option<i64>| ms.map_or(Cell::Nothing, |ms| Cell::Text(local_time(ms)));
    let candidate = &line.candidate;
    let mut row = vec![
        Cell::Number(f64::from(candidate.seat_no)),
        text(&candidate.ticket_no),
        text(&candidate.name),
        Cell::Text(candidate.masked_id()),
        text(&line.class_name),
        text(line.status.zh()),
    ];
    for item_type in TYPES {
        let rows = line.grade.as_ref().map(|grade| &grade.by_type);
        let score = rows.and_then(|rows| rows.iter().find(|row| row.item_type == item_type));
        row.push(points(score.map(|score| score.half_points)));
    }
    row.push(points(
        line.grade.as_ref().map(|grade| grade.total_half_points),
    ));
    row.push(match &line.grade {
        Some(grade) if grade.passed => text("合格"),
        Some(_) => text("不合格"),
        None => Cell::Nothing,
    });
    let anomalies: Vec<&Anomaly> = results.anomalies_of(&candidate.ticket_no).collect();
    let said: Vec<&str> = anomalies.iter().map(|anomaly| anomaly.words().0).collect();
    row.extend([
        points(line.site_half_points),
        time(line.started_ms),
        time(line.handed_in_ms),
        text(line.device.as_deref().unwrap_or("")),
        line.version
            .map_or(Cell::Nothing, |version| Cell::Number(f64::from(version))),
        text(&candidate.employer),
        text(&candidate.training_org),
        Cell::Number(anomalies.len() as f64),
        Cell::Text(said.join("；")),
    ]);
    row
}

fn anomaly_cells(results: &Results, anomaly: &Anomaly) -> Vec<String> {
    let ticket_no = anomaly.ticket_no.clone().unwrap_or_default();
    let person = results
        .candidates
        .iter()
        .find(|line| line.candidate.ticket_no == ticket_no);
    let (zh, en) = anomaly.words();
    let severity = match anomaly.severity {
        Severity::Severe => "须核查 severe",
        Severity::Note => "提示 note",
    };
    [
        ticket_no,
        person
            .map(|line| line.candidate.name.clone())
            .unwrap_or_default(),
        anomaly.device.clone().unwrap_or_default(),
        severity.to_owned(),
        anomaly.code.to_owned(),
        zh.to_owned(),
        en.to_owned(),
        anomaly.detail.clone(),
    ]
    .map(|text| Cell::Text(text).text())
    .to_vec()
}

/// UTF-8 with a byte order mark, so that Excel shows Chinese.
fn write_csv(
    path: &Path,
    header: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<(), CenterError> {
    let failed = |error: csv::Error| CenterError::Spreadsheet(error.to_string());
    let mut writer = csv::Writer::from_writer(b"\xef\xbb\xbf".to_vec());
    writer.write_record(header).map_err(failed)?;
    for row in rows {
        writer.write_record(&row).map_err(failed)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| CenterError::Spreadsheet(error.to_string()))?;
    files::replace(path, &bytes)
}

fn write_xlsx(
    path: &Path,
    results: &Results,
    lines: &[Vec<Cell>],
    anomalies: &[Vec<String>],
) -> Result<(), CenterError> {
    let mut book = Workbook::new();
    let bold = Format::new().set_bold();
    let sheet = book.add_worksheet().set_name("成绩")?;
    header(sheet, &HEADER, &bold)?;
    for (row, line) in (1u32..).zip(lines) {
        for (column, cell) in (0u16..).zip(line) {
            match cell {
                Cell::Text(text) => sheet.write_string(row, column, text)?,
                Cell::Number(number) => sheet.write_number(row, column, *number)?,
                Cell::Nothing => continue,
            };
        }
    }
    let sheet = book.add_worksheet().set_name("异常与偏差")?;
    header(sheet, &ANOMALY_HEADER, &bold)?;
    for (row, line) in (1u32..).zip(anomalies) {
        for (column, text) in (0u16..).zip(line) {
            sheet.write_string(row, column, text)?;
        }
    }
    let sheet = book.add_worksheet().set_name("汇总")?;
    let plan = &results.sitting.plan;
    let mut facts = vec![
        (
            "考试计划".to_owned(),
            format!("{} {}", plan.plan_no, plan.name),
        ),
        ("场次".to_owned(), results.sitting.sitting_no.clone()),
        ("考试点".to_owned(), plan.site_name.clone()),
        ("考场".to_owned(), results.sitting.room_name.clone()),
        ("计划开考".to_owned(), local_time(results.sitting.start_ms)),
        ("生成时间".to_owned(), local_time(results.made_ms)),
    ];
    facts.extend(
        results
            .totals()
            .into_iter()
            .map(|(zh, _, count)| (zh.to_owned(), count.to_string())),
    );
    for (row, (name, value)) in (0u32..).zip(facts) {
        sheet.write_string_with_format(row, 0, name, &bold)?;
        sheet.write_string(row, 1, value)?;
    }
    sheet.set_column_width(0, 18)?.set_column_width(1, 60)?;
    files::replace(path, &book.save_to_buffer()?)
}

fn header(sheet: &mut Worksheet, names: &[&str], bold: &Format) -> Result<(), CenterError> {
    for (column, name) in (0u16..).zip(names) {
        sheet.write_string_with_format(0, column, *name, bold)?;
        sheet.set_column_width(column, 16)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

fn local_time(ms: i64) -> String {
    let zone = FixedOffset::east_opt(8 * 3600);
    let time = zone.and_then(|zone| zone.timestamp_millis_opt(ms).single());
    time.map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}
