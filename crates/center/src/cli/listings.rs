//! Lists of what happened: orders with how far they went, alerts, and read-backs.

use super::{local_time, table, words};
use fengjuan_center::alert::{Alert, ReadBack};
use fengjuan_center::order::OrderRecord;
use fengjuan_wire::order::{CreditScope, OrderKind};

pub fn orders(orders: &[OrderRecord]) {
    if orders.is_empty() {
        println!("没有指令\nNo orders");
        return;
    }
    let by_device = |times: &[(String, i64)]| {
        if times.is_empty() {
            return "—".to_owned();
        }
        let each = times
            .iter()
            .map(|(device, at_ms)| format!("{device} {}", local_time(*at_ms)));
        each.collect::<Vec<_>>().join("；")
    };
    let rows: Vec<Vec<String>> = orders
        .iter()
        .map(|record| {
            let order = &record.order;
            vec![
                order.order_no.clone(),
                order.sitting_no.clone(),
                content(&order.kind),
                order.reason.clone(),
                order.approved_by.clone(),
                local_time(order.issued_ms),
                by_device(&record.fetched),
                by_device(&record.taken),
            ]
        })
        .collect();
    let header = [
        "指令 order",
        "场次 sitting",
        "内容 content",
        "理由 reason",
        "批准人 approved by",
        "签发 signed",
        "在线取走 fetched by",
        "设备已收下 taken by",
    ];
    table::print(&header, &rows);
}

fn content(kind: &OrderKind) -> String {
    let minutes = |ms: &i64| ms / 60_000;
    match kind {
        OrderKind::LateEntry { ticket_no } => format!("准许迟到入场 late entry {ticket_no}"),
        OrderKind::Credit { scope, credit_ms } => {
            let whom = match scope {
                CreditScope::Candidate { ticket_no } => ticket_no.clone(),
                CreditScope::ClassGroup { class_no } => format!("班级 class {class_no}"),
                CreditScope::Room {} => "全场 room".to_owned(),
            };
            format!("补时 credit {} min {whom}", minutes(credit_ms))
        }
        OrderKind::Postpone { by_ms } => format!("整场顺延 postpone {} min", minutes(by_ms)),
        OrderKind::Reopen { ticket_no } => format!("恢复答卷 reopen {ticket_no}"),
        // The person only: what proves their password stays in the signed order.
        OrderKind::SubstituteStaff { staff } => {
            format!("增派人员 staff {} {}", staff.staff_id, staff.name)
        }
    }
}

pub fn alerts(alerts: &[Alert]) {
    if alerts.is_empty() {
        println!("没有警报\nNo alerts");
        return;
    }
    let rows: Vec<Vec<String>> = alerts
        .iter()
        .map(|alert| {
            let (means, to_do) = words::of_alert(alert.kind);
            vec![
                local_time(alert.at_ms),
                alert.device.clone(),
                alert.fingerprint.clone(),
                alert.site.clone(),
                alert.kind.code().to_owned(),
                alert.detail.clone(),
                format!("{} {}", means.zh, means.en),
                format!("{} {}", to_do.zh, to_do.en),
            ]
        })
        .collect();
    let header = [
        "时间 time",
        "设备 device",
        "指纹 fingerprint",
        "考试点 site",
        "警报 alert",
        "详情 detail",
        "含义 meaning",
        "处理 what to do",
    ];
    table::print(&header, &rows);
}

pub fn read_backs(reads: &[ReadBack]) {
    if reads.is_empty() {
        println!("没有设备读回过作答记录\nNo device has read an attempt back");
        return;
    }
    println!(
        "作答记录被读回，只应发生在换机续考时\nAttempts read back; only a replaced machine needs that"
    );
    let rows: Vec<Vec<String>> = reads
        .iter()
        .map(|read| {
            let unknown = || ("—".to_owned(), hex(&read.attempt_id));
            let (sitting_no, ticket_no) = read.of.clone().unwrap_or_else(unknown);
            vec![
                local_time(read.at_ms),
                read.device.clone(),
                read.fingerprint.clone(),
                read.site.clone(),
                sitting_no,
                ticket_no,
                read.entries.to_string(),
            ]
        })
        .collect();
    let header = [
        "时间 time",
        "设备 device",
        "指纹 fingerprint",
        "考试点 site",
        "场次 sitting",
        "准考证号或作答 ticket or attempt",
        "记录条数 entries",
    ];
    table::print(&header, &rows);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
