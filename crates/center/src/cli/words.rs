//! What happened and what to do, in both languages, by an error's code.

use chrono::{FixedOffset, TimeZone};
use fengjuan_center::CenterError;
use fengjuan_center::alert::AlertKind;

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
        E::NotAHub(fingerprint) => words(
            format!("设备 {fingerprint} 没有以考场管理机登记。请在考场管理机上重新登记后再试。"),
            format!(
                "Device {fingerprint} has not enrolled as a hub. Enrol it at the management station, then try again."
            ),
        ),
        E::NotDelegated(fingerprint) => words(
            format!("考场管理机 {fingerprint} 没有有效的委托。请先运行 hub approve。"),
            format!("Hub {fingerprint} has no delegation. Run hub approve first."),
        ),
        E::BadLastDay => words(
            "委托的最后一天应写成 2026-11-30 这样，不早于今天，最多 400 天以后。",
            "Give the last day of the delegation as 2026-11-30, not before today and at most 400 days ahead.",
        ),
        E::UnknownRoom { site, room_no } => words(
            format!("考试点 {site} 的计划里没有考场 {room_no}。请核对考场编号，或先导入计划。"),
            format!(
                "No sitting of site {site} is planned in room {room_no}. Check the number, or import the plan first."
            ),
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
        E::HalfNotNamed(no) => words(
            format!(
                "场次 {no} 由两人各持一份密码，请分两次发放：release {no} --half 1 --to 甲，再 release {no} --half 2 --to 乙。"
            ),
            format!(
                "Two persons hold a code each for sitting {no}. Release twice: release {no} --half 1 --to A, then release {no} --half 2 --to B."
            ),
        ),
        E::OneCodeOnly(no) => words(
            format!("场次 {no} 只有一份密码。请去掉 --half 重新发放。"),
            format!("Sitting {no} has one code. Release it without --half."),
        ),
        E::SamePerson { to, at_ms } => words(
            format!(
                "另一份密码已于 {} 发给 {to}。两份密码不能由同一人持有，请另指定一人。",
                local_time(*at_ms)
            ),
            format!(
                "The other half went to {to} at {}. No person may hold both; name somebody else.",
                local_time(*at_ms)
            ),
        ),
        E::DeviceOfAnotherSite { fingerprint, site } => words(
            format!("设备 {fingerprint} 属于考试点 {site}，该场次不在那里。请核对设备和场次。"),
            format!(
                "Device {fingerprint} is of site {site}, where this sitting is not. Check device and sitting."
            ),
        ),
        E::SittingOver(no) => words(
            format!("场次 {no} 早已结束，不再下发试卷，没有补发授权。"),
            format!("Sitting {no} is long over and no longer offered; no grant was made."),
        ),
        E::UnknownTicket(ticket) => words(
            format!("该场次没有准考证号 {ticket}。请核对名册。"),
            format!("The sitting has no ticket {ticket}. Check the roster."),
        ),
        E::UnknownClass(class) => words(
            format!("该场次没有班级 {class}。"),
            format!("The sitting has no class group {class}."),
        ),
        E::NotAFolder(path) => words(
            format!(
                "{} 不是普通文件夹（可能是链接），没有使用。请换一个 U 盘。",
                path.display()
            ),
            format!(
                "{} is not a plain folder (a link, perhaps) and was not used. Take another stick.",
                path.display()
            ),
        ),
        E::NothingOnStick(path) => words(
            format!(
                "{} 里没有考试机交来的文件。请核对 U 盘和文件夹。",
                path.display()
            ),
            format!(
                "{} holds nothing from terminals. Check the stick and the folder.",
                path.display()
            ),
        ),
        E::NotAllTaken(count) => words(
            format!(
                "有 {count} 个文件没有收下，仍在 U 盘上，原因见上表；其余都已收下。请在考试机上重新导出，再收一次。"
            ),
            format!(
                "{count} files were not taken and are still on the stick, as listed above; the others were. Export again at the terminal, then import again."
            ),
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

/// What an alert means, and what to do.
pub fn of_alert(kind: AlertKind) -> (Words, Words) {
    match kind {
        AlertKind::TwoMachines => (
            words("同一密钥在两台机器上出现", "one key on two machines"),
            words(
                "可能是克隆的硬盘。停用该设备，两台机器都重新登记",
                "a cloned disk, probably: revoke it and enrol both machines anew",
            ),
        ),
        AlertKind::SecondLedger => (
            words("设备另起了一份记录", "the device began another ledger"),
            words(
                "数据库丢失或被换过。问清原因，并保留原来的硬盘",
                "its database was lost or replaced: ask why, and keep the old disk",
            ),
        ),
        AlertKind::Fork => (
            words(
                "记录与已收到的不一致",
                "its ledger differs from what it sent",
            ),
            words(
                "还原卡、恢复的备份或克隆。停用该设备并封存硬盘，成绩须核查",
                "a restore card, a restored backup or a clone: take it out of use, keep the disk, review the results",
            ),
        ),
        AlertKind::RolledBack => (
            words(
                "记录比已发来的短",
                "its ledger is shorter than what it sent",
            ),
            words(
                "还原卡或恢复的备份。停用该设备并封存硬盘，从中心的副本查对",
                "a restore card or a restored backup: take it out of use, keep the disk, compare with the center's copy",
            ),
        ),
    }
}

/// Why one file on a stick was not taken.
pub fn of_file(code: &str) -> Words {
    match code {
        "courier.hash" => words("内容和文件名对不上", "the bytes are not what the name says"),
        "courier.too_large" => words("文件过大", "larger than it may be"),
        "courier.not_a_file" => words("不是普通文件", "not an ordinary file"),
        "courier.unreadable" => words("读不出来", "cannot be read"),
        "courier.other_site" => words("设备属于别的考试点", "its device is of another site"),
        "courier.other_center" => words("是交给别的考试机构的", "it is for another center"),
        "enrol.bad_request" => words(
            "设备名称或考试点编号不合规定",
            "its name or site is not allowed",
        ),
        "enrol.key_not_proven" => words(
            "登记申请的签名不对",
            "the request is not signed by its own key",
        ),
        "enrol.key_on_two_machines" => words(
            "同一密钥在两台机器上出现，已记警报",
            "one key on two machines; an alert is recorded",
        ),
        "enrol.revoked" => words(
            "设备已停用，不能再登记",
            "its device was revoked and stays so",
        ),
        "enrol.too_many_pending" => words(
            "等待批准的设备太多，先处理它们",
            "too many devices wait for approval; deal with them first",
        ),
        "enrol.other_hub_keys" => words(
            "与已登记的考场管理机密钥不同",
            "other keys are known of this hub",
        ),
        "enrol.hub_key_in_use" => words(
            "考场管理机的密钥已用在别处",
            "a key of this hub is in use elsewhere",
        ),
        "upload.not_an_object" => words("不是密封文件", "not a sealed object"),
        "upstream.unknown_device" => words("设备没有登记", "its device is not known"),
        "upstream.device_pending" => words("设备没有批准", "its device is not approved"),
        "upstream.device_revoked" => words("设备已停用", "its device was revoked"),
        "entries.checkpoint" => words(
            "没有已批准设备对它的签名",
            "no approved device has signed for it",
        ),
        "entries.not_covered" => words(
            "设备的签名不包括这些记录，或者前面的记录不全",
            "the device's signature does not cover these entries, or earlier ones are missing",
        ),
        "entries.fork" => words(
            "与已有记录不同，已作为分叉留证",
            "differs from what is held; kept as evidence of a fork",
        ),
        _ => words("格式不对", "not in the right form"),
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
