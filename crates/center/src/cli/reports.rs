//! What `report list` shows.

use super::{local_time, table};
use fengjuan_center::report::{self, DeviceCheck, LastCheck};
use fengjuan_center::{CenterError, Home, device};
use fengjuan_wire::report::{EquipmentReport, ReportRow, ReportVerdict, check_title};

/// The newest report of every device, or one device's in full.
pub fn list(home: &Home, fingerprint: Option<&str>) -> Result<(), CenterError> {
    let all = report::list(home)?;
    let Some(fingerprint) = fingerprint else {
        overview(&all);
        return Ok(());
    };
    let sign = device::by_fingerprint(&home.database()?, fingerprint)?.sign;
    match all.iter().find(|checked| checked.device.sign == sign) {
        Some(checked) => whole(checked),
        None => return Err(CenterError::DeviceNotApproved(fingerprint.to_owned())),
    }
    Ok(())
}

fn overview(all: &[DeviceCheck]) {
    let rows: Vec<Vec<String>> = all.iter().map(line).collect();
    let header = [
        "设备 device",
        "考试点 site",
        "检查时间 checked",
        "合格 pass",
        "提醒 warn",
        "不合格 FAIL",
        "未测 not measured",
        "要处理 to do",
    ];
    table::print(&header, &rows);
}

fn line(checked: &DeviceCheck) -> Vec<String> {
    let mut cells = vec![checked.device.name.clone(), checked.device.site.clone()];
    match &checked.last {
        LastCheck::None => cells.push("没有报告 no report".to_owned()),
        LastCheck::Unreadable => cells.push("报告读不出 unreadable".to_owned()),
        LastCheck::Report { report, .. } => {
            cells.push(local_time(report.exam_ms));
            use ReportVerdict::*;
            cells.extend([Pass, Warn, Fail, NotMeasured].map(|of| report.count(of).to_string()));
            cells.push(to_do(report));
        }
    }
    cells
}

fn to_do(report: &EquipmentReport) -> String {
    let open = report
        .rows
        .iter()
        .filter(|row| matches!(row.verdict, ReportVerdict::Fail | ReportVerdict::Warn));
    let named = |row: &ReportRow| format!("{} {}", name(row), row.value);
    open.map(named).collect::<Vec<_>>().join("；")
}

fn name(row: &ReportRow) -> String {
    match check_title(&row.check) {
        ("", _) => row.check.clone(),
        (zh, en) => format!("{zh} {en}"),
    }
}

fn whole(checked: &DeviceCheck) {
    println!("设备 device    {}", checked.device.name);
    println!("考试点 site    {}", checked.device.site);
    let LastCheck::Report {
        hash,
        received_ms,
        report,
    } = &checked.last
    else {
        println!("{}", line(checked).last().map_or("", String::as_str));
        return;
    };
    println!("检查 checked   {}", local_time(report.exam_ms));
    println!("收到 received  {}", local_time(*received_ms));
    println!("程序 version   {}", report.program_version);
    println!("SHA-256        {}", hash.hex());
    let rows: Vec<Vec<String>> = report
        .rows
        .iter()
        .map(|row| {
            vec![
                row.verdict.title().to_owned(),
                name(row),
                row.value.clone(),
                row.limit.clone(),
                row.advice.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let header = [
        "结论 verdict",
        "项目 check",
        "测得 value",
        "要求 limit",
        "代码 advice",
    ];
    table::print(&header, &rows);
}
