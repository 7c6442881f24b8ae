//! What the commands show.

use super::{local_time, table, words};
use fengjuan_center::bank::Imported;
use fengjuan_center::courier::{self, Asked, Exported};
use fengjuan_center::device::{Device, DeviceState};
use fengjuan_center::fault::Faults;
use fengjuan_center::issue::Issued;
use fengjuan_center::plan::ImportedPlan;
use fengjuan_center::release::{self, OpenSlip};
use fengjuan_center::results::Results;
use fengjuan_center::{CenterError, Home, plan};
use std::path::Path;

pub fn faults(faults: &Faults) {
    let rows: Vec<Vec<String>> = faults
        .list
        .iter()
        .map(|fault| {
            let row = fault.row.map(|row| row.to_string()).unwrap_or_default();
            vec![
                fault.sheet.clone(),
                row,
                fault.column.clone(),
                fault.reason.zh.clone(),
                fault.reason.en.clone(),
            ]
        })
        .collect();
    table::print(
        &["文件/表 sheet", "行 row", "列 column", "问题", "reason"],
        &rows,
    );
    println!();
}

pub fn bank(imported: &Imported) {
    println!(
        "题库 {} 第 {} 版：导入 {} 题（其中替换 {} 题），图片 {} 张，现有 {} 题",
        imported.bank,
        imported.revision,
        imported.items,
        imported.replaced,
        imported.pictures,
        imported.total
    );
    println!(
        "Bank {} revision {}: {} items imported ({} of them replaced), {} pictures, {} items now",
        imported.bank,
        imported.revision,
        imported.items,
        imported.replaced,
        imported.pictures,
        imported.total
    );
}

pub fn plan(imported: &ImportedPlan) {
    println!(
        "计划 {} 已导入\nPlan {} is imported",
        imported.plan_no, imported.plan_no
    );
    let rows: Vec<Vec<String>> = imported
        .groups
        .iter()
        .map(|(sitting, class, people)| vec![sitting.clone(), class.clone(), people.to_string()])
        .collect();
    table::print(&["场次 sitting", "班级 class", "考生 candidates"], &rows);
}

pub fn sittings(home: &Home) -> Result<(), CenterError> {
    let conn = home.database()?;
    let mut rows = Vec::new();
    for sitting in plan::sittings(&conn)? {
        let sql = "SELECT max(version) FROM issues WHERE sitting_no = ?1";
        let version: Option<u32> = conn.query_row(sql, [&sitting.sitting_no], |row| row.get(0))?;
        rows.push(vec![
            sitting.sitting_no.clone(),
            local_time(sitting.start_ms),
            sitting.room_name.clone(),
            sitting
                .class_groups
                .iter()
                .map(|class| class.name.as_str())
                .collect::<Vec<_>>()
                .join("、"),
            version.map_or("未签发 no".to_owned(), |version| {
                format!("第 {version} 版")
            }),
            release::record(&conn, &sitting.sitting_no)?
                .iter()
                .map(|release| {
                    let half = release
                        .half
                        .map_or(String::new(), |half| format!("（密码 {}）", half.number()));
                    format!("{} {}{half}", local_time(release.at_ms), release.to)
                })
                .collect::<Vec<_>>()
                .join("；"),
        ]);
    }
    table::print(
        &[
            "场次 sitting",
            "开考 start",
            "考场 room",
            "班级 classes",
            "签发 issued",
            "密码发放 code released",
        ],
        &rows,
    );
    Ok(())
}

pub fn issued(all: &[Issued]) {
    if all.is_empty() {
        println!("没有待签发的场次\nNothing to issue");
        return;
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|issued| {
            let bytes: u64 = issued.packages.iter().map(|package| package.bytes).sum();
            vec![
                issued.sitting_no.clone(),
                issued.version.to_string(),
                issued.packages.len().to_string(),
                format!("{:.1} MB", bytes as f64 / 1e6),
                issued.candidates.to_string(),
                issued.grants.to_string(),
            ]
        })
        .collect();
    let header = [
        "场次 sitting",
        "版本 version",
        "试卷包 packages",
        "大小 size",
        "考生 candidates",
        "授权 grants",
    ];
    table::print(&header, &rows);
}

pub fn slip(slip: &OpenSlip, to: &str) {
    let sitting = &slip.sitting;
    println!("授权密码单 Authorization code slip");
    println!(
        "场次 sitting   {}（第 {} 版）",
        sitting.sitting_no, sitting.version
    );
    println!(
        "考场 room      {} {}",
        sitting.plan.site_name, sitting.room_name
    );
    println!("开考 start     {}", local_time(sitting.start_ms));
    println!("领取人 to      {to}");
    if slip.released_before > 0 {
        println!(
            "此前已发放 {} 次 / released {} times before",
            slip.released_before, slip.released_before
        );
    }
    let name = slip.half.map_or("密码 code".to_owned(), |half| {
        format!("密码 code {}", half.number())
    });
    println!("{name}      {}", slip.code.join("  "));
    let Some(half) = slip.half else { return };
    let other = 3 - half.number();
    match &slip.other_half {
        Some(release) => println!(
            "密码 {other} 已于 {} 发给 {} / code {other} went to {}",
            local_time(release.at_ms),
            release.to,
            release.to
        ),
        None => println!(
            "密码 {other} 尚未发放，请发给另一人 / code {other} has not been released yet; give it to somebody else"
        ),
    }
}

pub fn state(state: DeviceState) -> &'static str {
    match state {
        DeviceState::Pending => "待批准 pending",
        DeviceState::Vouched => "由考场管理机登记 by its hub",
        DeviceState::Approved => "已批准 approved",
        DeviceState::Revoked => "已停用 revoked",
    }
}

pub fn devices(devices: &[Device]) {
    let rows: Vec<Vec<String>> = devices
        .iter()
        .map(|device| {
            let alerts = if device.alerts == 0 {
                String::new()
            } else {
                format!("⚠ {}", device.alerts)
            };
            vec![
                device.fingerprint.clone(),
                device.name.clone(),
                device.site.clone(),
                state(device.state).to_owned(),
                local_time(device.first_seen_ms),
                device.decided_by.clone().unwrap_or_default(),
                alerts,
            ]
        })
        .collect();
    let header = [
        "指纹 fingerprint",
        "设备 device",
        "考试点 site",
        "状态 state",
        "首次 first seen",
        "决定 by",
        "警报 alerts",
    ];
    table::print(&header, &rows);
}

pub fn results(results: &Results, out: &Path) {
    let rows: Vec<Vec<String>> = results
        .totals()
        .into_iter()
        .map(|(zh, en, count)| vec![zh.to_owned(), en.to_owned(), count.to_string()])
        .collect();
    table::print(&["项目", "what", "数量 count"], &rows);
    println!("已写入 {}\nWritten to {}", out.display(), out.display());
}

pub fn exported(written: &Exported, folder: &Path) {
    println!(
        "已写入 {}：共 {} 个文件，其中新写 {} 个，{} 台设备已批准",
        folder.display(),
        written.objects,
        written.written,
        written.devices
    );
    println!(
        "Written to {}: {} files, {} of them new, for {} approved devices",
        folder.display(),
        written.objects,
        written.written,
        written.devices
    );
}

/// Who asks to be enrolled; the stick approves nobody.
fn asked(devices: &[Asked]) {
    if devices.is_empty() {
        return;
    }
    let rows: Vec<Vec<String>> = devices
        .iter()
        .map(|device| {
            let standing = if device.approved {
                DeviceState::Approved
            } else {
                DeviceState::Pending
            };
            vec![
                device.fingerprint.clone(),
                device.name.clone(),
                device.site.clone(),
                state(standing).to_owned(),
            ]
        })
        .collect();
    let header = [
        "指纹 fingerprint",
        "申请登记 asks to enrol",
        "考试点 site",
        "状态 state",
    ];
    table::print(&header, &rows);
    if devices.iter().any(|device| !device.approved) {
        println!(
            "请与现场电话核对指纹，再运行 device approve（考场管理机：hub approve），然后重新 courier export"
        );
        println!(
            "Compare the fingerprint by phone, then device approve (for a hub: hub approve), then courier export again"
        );
    }
}

pub fn taken(imported: &courier::Imported) {
    println!(
        "已收：密封文件 {} 个（新收 {} 个），记录新增 {} 条，见证 {} 份；考试机证书 {} 份；写出回执 {} 份",
        imported.objects,
        imported.new_objects,
        imported.new_entries,
        imported.cosigned,
        imported.devices,
        imported.answers
    );
    println!(
        "Taken: {} sealed files ({} of them new), {} new entries, {} checkpoints cosigned; {} terminals vouched for; {} answers written",
        imported.objects,
        imported.new_objects,
        imported.new_entries,
        imported.cosigned,
        imported.devices,
        imported.answers
    );
    asked(&imported.asked);
    if imported.refused.is_empty() {
        return;
    }
    let rows: Vec<Vec<String>> = imported
        .refused
        .iter()
        .map(|refused| {
            let why = words::of_file(refused.code);
            vec![
                refused.file.clone(),
                refused.code.to_owned(),
                why.zh,
                why.en,
            ]
        })
        .collect();
    table::print(&["未收的文件 not taken", "代码 code", "原因", "why"], &rows);
}
