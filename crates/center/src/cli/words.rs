//! What happened and what to do, in both languages, by an error's code.

use chrono::{FixedOffset, TimeZone};
use fengjuan_center::CenterError;

/// A failure for people: what happened, what to do.
pub struct Words {
    pub zh: String,
    pub en: String,
}

fn words(zh: impl Into<String>, en: impl Into<String>) -> Words {
    Words {
        zh: zh.into(),
        en: en.into(),
    }
}

pub fn explain(error: &CenterError) -> Words {
    use CenterError as E;
    match error {
        E::AlreadyInitialised(path) => words(
            format!(
                "{} 已有考试机构数据，不会覆盖。请另选目录。",
                path.display()
            ),
            format!(
                "{} already holds a center and is not overwritten. Choose another folder.",
                path.display()
            ),
        ),
        E::NotInitialised(path) => words(
            format!(
                "{} 不是考试机构目录。请先运行 init，或核对 --home。",
                path.display()
            ),
            format!(
                "{} holds no center. Run init first, or check --home.",
                path.display()
            ),
        ),
        E::BadName { what } => words(
            format!("{}只能用字母、数字、- 和 _，1 到 40 个。", zh_name(what)),
            format!("The {what} may hold letters, digits, - and _ only, 1 to 40 of them."),
        ),
        E::KeyFile { path, detail } => words(
            format!(
                "密钥文件 {} 不能用。请检查文件是否完整、是否仅本人可读（chmod 600）。",
                path.display()
            ),
            format!("Key file {} cannot be used: {detail}.", path.display()),
        ),
        E::Io { path, source } => words(
            format!(
                "文件 {} 读写失败：{source}。请检查磁盘空间和权限后重试。",
                path.display()
            ),
            format!(
                "Reading or writing {} failed: {source}. Check space and permissions, then try again.",
                path.display()
            ),
        ),
        E::Database(source) => words(
            format!(
                "数据库操作失败：{source}。数据未改动，请重试；如反复出现，请停用并备份 center.db。"
            ),
            format!(
                "The database refused: {source}. Nothing was changed; try again, and if it repeats keep a copy of center.db."
            ),
        ),
        E::NewerDatabase { .. } => words(
            "数据库由更新版本的程序建立。请使用新版本程序。",
            "The database was made by a newer program. Use that one.",
        ),
        other => of_request(other),
    }
}

/// What was asked for does not exist, or not yet, or not so.
fn of_request(error: &CenterError) -> Words {
    use CenterError as E;
    match error {
        E::Faults(faults) => words(
            format!(
                "导入的文件有 {} 处错误，没有导入任何内容。请逐条改正后重新导入。",
                faults.list.len()
            ),
            format!(
                "The files have {} faults and nothing was imported. Mend them all, then import again.",
                faults.list.len()
            ),
        ),
        E::UnknownSitting(no) => words(
            format!("没有场次 {no}。用 sitting list 查看全部场次。"),
            format!("There is no sitting {no}. See sitting list."),
        ),
        E::NotIssued(no) => words(
            format!("场次 {no} 尚未签发。请先运行 issue {no}。"),
            format!("Sitting {no} has not been issued. Run issue {no} first."),
        ),
        E::UnknownDevice(fingerprint) => words(
            format!("没有指纹为 {fingerprint} 的设备。用 device list 核对。"),
            format!("No device has fingerprint {fingerprint}. See device list."),
        ),
        E::DeviceRevoked(fingerprint) => words(
            format!("设备 {fingerprint} 已停用，不能再批准。请在设备上重新登记。"),
            format!("Device {fingerprint} was revoked and stays so. Enrol the machine anew."),
        ),
        E::DeviceNotApproved(fingerprint) => words(
            format!("设备 {fingerprint} 未获批准。"),
            format!("Device {fingerprint} is not approved."),
        ),
        E::TooEarlyToRelease { from_ms } => words(
            format!(
                "未到发放时间，{} 起可以发放。确需提前，请用 --early 写明理由。",
                local_time(*from_ms)
            ),
            format!(
                "Too early: the code may be released from {}. With cause, give --early REASON.",
                local_time(*from_ms)
            ),
        ),
        E::UnknownTicket(ticket) => words(
            format!("该场次没有准考证号 {ticket}。请核对名册。"),
            format!("The sitting has no ticket {ticket}. Check the roster."),
        ),
        E::UnknownClass(class) => words(
            format!("该场次没有班级 {class}。"),
            format!("The sitting has no class group {class}."),
        ),
        E::Missing(what) => words(
            format!("缺少必填内容（{what}）。"),
            format!("Something needed is missing: {what}."),
        ),
        E::OutOfRange { what } => words(
            format!("数值超出范围（{what}）。"),
            format!("Out of range: {what}."),
        ),
        other => words(
            format!(
                "没有完成（{}）。数据未改动，请重试；如反复出现，请保留现场并联系维护人员。",
                other.code()
            ),
            format!(
                "Not done: {other} ({}). Nothing was changed; try again, and if it repeats keep everything as it is.",
                other.code()
            ),
        ),
    }
}

fn zh_name(what: &str) -> &'static str {
    match what {
        "sitting number" => "场次编号",
        "bank" => "题库名",
        "site" => "考试点编号",
        _ => "名称",
    }
}

/// Beijing time for people.
pub fn local_time(ms: i64) -> String {
    let zone = FixedOffset::east_opt(8 * 3600);
    let time = zone.and_then(|zone| zone.timestamp_millis_opt(ms).single());
    time.map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_else(|| ms.to_string())
}
