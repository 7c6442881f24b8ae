//! What a green archive does not prove, as sentences in both languages.

use super::words::Lang;
use fengjuan_audit::NotProven;

/// What is not proven, as a sentence.
pub fn not_proven(what: NotProven, lang: Lang) -> String {
    match lang {
        Lang::Zh => not_proven_zh(what),
        Lang::En => not_proven_en(what),
    }
}

fn not_proven_zh(what: NotProven) -> String {
    match what {
        NotProven::Devices => "没有见证名册：设备是否齐全未获证明".to_owned(),
        NotProven::SilentDevices { count } => {
            format!("{count} 台已批准的设备没有任何记录（未使用，或从未联系）")
        }
        NotProven::ByHubsOnly { count } => {
            format!("{count} 台设备由考场管理机登记，考试机构没有单独批准")
        }
        NotProven::UnwitnessedEntries { count, ledgers } => {
            format!("{ledgers} 份记录末尾共 {count} 条未经见证")
        }
        NotProven::UnsignedEntries { count, ledgers } => {
            format!("{ledgers} 份记录末尾共 {count} 条没有任何签名")
        }
        NotProven::HiddenEntries { count } => {
            format!("{count} 条不在导出范围内，只有摘要")
        }
        NotProven::SnapshotSeed { attempts } => {
            format!("{attempts} 次作答的抓拍种子尚未公开，抓拍是否齐全未获证明")
        }
        NotProven::AttemptsOpen { attempts } => {
            format!("{attempts} 次作答未结束或未完整导出")
        }
        NotProven::BundlesMissing { count } => {
            format!("{count} 份已密封答卷不在档案里（未收到）")
        }
        NotProven::ReportsMissing { count } => {
            format!("{count} 份设备检查报告不在档案里（未收到）")
        }
        NotProven::ObjectsUnnamed { count } => {
            format!("{count} 个密封对象没有对应条目")
        }
        NotProven::Unreceipted { count } => format!("{count} 个密封对象没有中心回执"),
        NotProven::LeasesUngiven { count } => {
            format!("{count} 次换机没有管理机的记录可以对照，未获证明")
        }
        NotProven::OrdersMissing { count } => {
            format!("{count} 份被引用的考试机构指令不在档案里")
        }
        NotProven::ForksSeenByDevices { count } => {
            format!("设备自己报告过 {count} 次记录分叉")
        }
    }
}

fn not_proven_en(what: NotProven) -> String {
    match what {
        NotProven::Devices => "no roll: the completeness of devices is not proven".to_owned(),
        NotProven::SilentDevices { count } => {
            format!("{count} approved devices have no ledger here (unused, or never heard from)")
        }
        NotProven::ByHubsOnly { count } => {
            format!("{count} devices were approved by a hub and not by the center itself")
        }
        NotProven::UnwitnessedEntries { count, ledgers } => {
            format!("{count} entries at the end of {ledgers} ledgers are not witnessed")
        }
        NotProven::UnsignedEntries { count, ledgers } => {
            format!("{count} entries at the end of {ledgers} ledgers are under nobody's signature")
        }
        NotProven::HiddenEntries { count } => {
            format!("{count} entries are outside the exported range and present as hashes only")
        }
        NotProven::SnapshotSeed { attempts } => {
            format!(
                "the snapshot seed of {attempts} attempts is not revealed: their snapshots are not proven"
            )
        }
        NotProven::AttemptsOpen { attempts } => {
            format!("{attempts} attempts have not ended or are not shown whole")
        }
        NotProven::BundlesMissing { count } => {
            format!("{count} sealed bundles are not in the archive (not received)")
        }
        NotProven::ReportsMissing { count } => {
            format!("{count} equipment reports are not in the archive (not received)")
        }
        NotProven::ObjectsUnnamed { count } => {
            format!("{count} sealed objects are named by no entry here")
        }
        NotProven::Unreceipted { count } => {
            format!("{count} sealed objects have no receipt of the center")
        }
        NotProven::LeasesUngiven { count } => {
            format!("{count} moves to another terminal are in no station's ledger here: not proven")
        }
        NotProven::OrdersMissing { count } => {
            format!("{count} orders that entries name are not in the archive")
        }
        NotProven::ForksSeenByDevices { count } => {
            format!("devices report {count} forks themselves")
        }
    }
}
