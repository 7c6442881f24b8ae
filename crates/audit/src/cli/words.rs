//! The words of the command line, in both languages.

use fengjuan_audit::Wrong;
use fengjuan_audit::timeline::{Proof, SnapshotState};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    Zh,
    En,
}

impl Lang {
    /// The words of this language.
    pub fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

/// What is wrong, as a sentence in both languages.
const WRONGS: &[(Wrong, &str, &str)] = &[
    (
        Wrong::Unreadable,
        "档案读不出来",
        "the archive cannot be read",
    ),
    (
        Wrong::NotAnArchive,
        "这不是封卷档案",
        "this is not an archive of this program",
    ),
    (Wrong::Truncated, "档案被截短", "the archive is cut short"),
    (
        Wrong::HeaderDamaged,
        "档案的分段头被改动",
        "a section's header has been changed",
    ),
    (
        Wrong::PaddingNotZero,
        "分段之间有不该有的内容",
        "there is something between the sections",
    ),
    (
        Wrong::TrailingBytes,
        "档案末尾有多余内容",
        "there is something after the end",
    ),
    (
        Wrong::SectionUnknown,
        "有不认识的分段",
        "there is an unknown section",
    ),
    (
        Wrong::SectionMissing,
        "缺少分段，或顺序不对",
        "a section is missing or out of order",
    ),
    (
        Wrong::SectionChanged,
        "分段内容与清单的摘要不符",
        "a section is not what the manifest says",
    ),
    (
        Wrong::SectionMalformed,
        "分段内容读不懂",
        "a section cannot be understood",
    ),
    (
        Wrong::ManifestChanged,
        "清单被改动",
        "the manifest has been changed",
    ),
    (
        Wrong::ManifestMalformed,
        "清单读不懂",
        "the manifest cannot be understood",
    ),
    (
        Wrong::ManifestMismatch,
        "清单与内容不符",
        "the manifest does not fit the contents",
    ),
    (
        Wrong::EntriesHidden,
        "档案自称完整，却隐去了条目",
        "the archive says that it shows everything and hides entries",
    ),
    (
        Wrong::IndexMismatch,
        "可读索引与记录不符",
        "the readable index does not fit the entries",
    ),
    (
        Wrong::DirectoryInvalid,
        "密钥目录不是这个根密钥签的",
        "the key directory is not signed by this root",
    ),
    (
        Wrong::CertificateInvalid,
        "设备证书无效",
        "a device certificate is not valid",
    ),
    (
        Wrong::CertificateTwice,
        "同一设备有两份证书",
        "a device has two certificates",
    ),
    (
        Wrong::DelegationInvalid,
        "考场管理机的委托无效",
        "a hub's delegation is not valid",
    ),
    (
        Wrong::VoucherInvalid,
        "考场管理机登记的设备不属于其考试点，或登记时委托已到期",
        "a hub vouches for a device of another site, or did so after its delegation had expired",
    ),
    (
        Wrong::BeyondDelegation,
        "考场管理机登记的设备上有其无权管理的考场或时间的作答",
        "an attempt at a hub's device, in a room or at a time that its delegation does not cover",
    ),
    (
        Wrong::LeaseContradicts,
        "考试机接手的作答，管理机的记录是交给别的考试机的，或截止处不同",
        "a terminal took an attempt that the station gave to another one, or up to another point",
    ),
    (
        Wrong::SittingInvalid,
        "场次文件的签名无效",
        "a sitting's signature is not valid",
    ),
    (
        Wrong::SittingMissing,
        "缺少所涉场次的签名文件",
        "the signed sitting that an entry names is missing",
    ),
    (
        Wrong::OrderInvalid,
        "考试机构指令的签名无效",
        "an order's signature is not valid",
    ),
    (
        Wrong::RollInvalid,
        "见证名册无效",
        "the witness's roll is not valid",
    ),
    (
        Wrong::LedgerMissing,
        "见证名册上的记录不在档案里",
        "a ledger of the witness's roll is missing",
    ),
    (
        Wrong::ShorterThanRoll,
        "记录比见证名册上的短",
        "a ledger is shorter than the witness's roll says",
    ),
    (
        Wrong::RootNotRolled,
        "记录与见证名册的根不符",
        "a ledger is not the one of the witness's roll",
    ),
    (
        Wrong::ForkListed,
        "见证方发现过记录分叉",
        "the witness recorded a fork",
    ),
    (
        Wrong::ObjectTwice,
        "同一密封对象列了两次",
        "a sealed object is listed twice",
    ),
    (
        Wrong::ObjectMissing,
        "已有回执的密封对象不在档案里",
        "a sealed object that has a receipt is missing",
    ),
    (Wrong::ReceiptInvalid, "回执无效", "a receipt is not valid"),
    (
        Wrong::BundleDiffers,
        "答卷不是记录里密封的那一份",
        "a bundle is not the one that was sealed",
    ),
    (
        Wrong::ReportInvalid,
        "设备检查报告的签名无效",
        "an equipment report's signature is not valid",
    ),
    (
        Wrong::ReportUnnamed,
        "设备检查报告没有对应条目",
        "no ledger names an equipment report",
    ),
    (
        Wrong::LedgerMalformed,
        "记录的抬头读不懂",
        "a ledger's head cannot be understood",
    ),
    (
        Wrong::LedgerTwice,
        "记录重复或顺序不对",
        "a ledger appears twice or out of order",
    ),
    (
        Wrong::DeviceNotCertified,
        "记录所属设备没有证书",
        "the ledger's device has no certificate",
    ),
    (
        Wrong::LedgerForeign,
        "记录不属于这台设备或这个机构",
        "the ledger is of another device or center",
    ),
    (
        Wrong::SizeDiffers,
        "记录条数不符",
        "the number of entries differs",
    ),
    (
        Wrong::RootDiffers,
        "记录内容与其根不符",
        "the entries do not make the ledger's root",
    ),
    (
        Wrong::CheckpointInvalid,
        "保全点的签名无效",
        "a checkpoint's signature is not valid",
    ),
    (
        Wrong::CheckpointForeign,
        "保全点属于另一份记录",
        "a checkpoint is of another ledger",
    ),
    (
        Wrong::CheckpointBeyondEnd,
        "记录被截短：保全点覆盖的条目不全",
        "entries that a checkpoint covers are gone",
    ),
    (
        Wrong::CheckpointRootDiffers,
        "记录内容与保全点不符",
        "the entries are not those that a checkpoint covers",
    ),
    (
        Wrong::EntryUnreadable,
        "条目读不懂",
        "an entry cannot be understood",
    ),
    (
        Wrong::EntryForeign,
        "条目属于另一份记录",
        "an entry is of another ledger",
    ),
    (
        Wrong::SeqBroken,
        "条目序号不连续",
        "an entry is not at its place",
    ),
    (
        Wrong::AttemptSeqBroken,
        "作答内序号不连续",
        "an attempt's numbering is broken",
    ),
    (
        Wrong::KindUnknown,
        "有不认识的事件",
        "an event is of an unknown kind",
    ),
    (
        Wrong::NotAsCatalogued,
        "条目与事件目录不符",
        "an entry does not fit the catalogue",
    ),
    (
        Wrong::ActorUnknown,
        "操作者不合规",
        "an entry's actor is not a known one",
    ),
    (
        Wrong::BodyUnreadable,
        "事件内容读不懂",
        "an event cannot be understood",
    ),
    (
        Wrong::TimeBack,
        "同一次开机内时间倒退",
        "time goes back within one boot",
    ),
    (
        Wrong::BootReturned,
        "较早的开机又出现（数据库可能被回退）",
        "an earlier boot comes back (the database may have been rolled back)",
    ),
    (
        Wrong::AttemptStartedTwice,
        "同一作答开始了两次",
        "an attempt is started twice",
    ),
    (
        Wrong::AttemptTooLong,
        "作答的起止时间不合理",
        "an attempt's times make no sense",
    ),
    (
        Wrong::PackageUnknown,
        "作答所用试卷不在已签场次内",
        "an attempt's paper is of no signed sitting",
    ),
    (
        Wrong::SeedWrong,
        "公开的抓拍种子与场次承诺不符",
        "the revealed snapshot seed is not the committed one",
    ),
    (
        Wrong::SnapshotMissing,
        "应有的抓拍没有任何记录",
        "a snapshot that was due has no entry",
    ),
    (
        Wrong::Unwitnessed,
        "有未经见证的条目",
        "entries are not witnessed",
    ),
    (Wrong::NoRoll, "没有见证名册", "there is no witness's roll"),
];

/// What is wrong, as a sentence.
pub fn wrong(wrong: Wrong, lang: Lang) -> &'static str {
    let row = WRONGS.iter().find(|(row, _, _)| *row == wrong);
    row.map_or(wrong.code(), |(_, zh, en)| lang.pick(zh, en))
}

pub fn proof(proof: Proof, lang: Lang) -> &'static str {
    match proof {
        Proof::Witnessed => lang.pick("已见证", "witnessed"),
        Proof::Signed => lang.pick("设备已签", "signed"),
        Proof::Unsigned => lang.pick("未签", "unsigned"),
        Proof::Unverified => lang.pick("未核实", "unverified"),
    }
}

pub fn snapshot(state: SnapshotState, lang: Lang) -> &'static str {
    match state {
        SnapshotState::Taken => lang.pick("已拍", "taken"),
        SnapshotState::Failed => lang.pick("失败已记录", "failed, recorded"),
        SnapshotState::Missing => lang.pick("缺失", "missing"),
    }
}

/// What an archive or retention command could not do, with what to do.
pub fn failure(code: &str, lang: Lang) -> &'static str {
    let (zh, en) = match code {
        "archive.unknown_folder" => (
            "这个文件夹既不是考试机构的主目录，也不是考试机的数据目录；请检查 --from",
            "this folder is neither a center's home nor a terminal's data directory; check --from",
        ),
        "archive.unknown_sitting" => (
            "这里没有这个场次的签名文件；请检查场次编号",
            "there is no signed sitting of this number here; check the number",
        ),
        "archive.not_enrolled" => (
            "这台考试机尚未获考试机构批准，无法证明记录属于谁",
            "no center has approved this terminal, so nothing proves whose ledger it is",
        ),
        "archive.exists" => (
            "目标文件已存在；请换一个文件名",
            "the file exists already; choose another name",
        ),
        "archive.key_file" => (
            "密钥文件不可用；请检查主目录",
            "a key file is not usable; check the home folder",
        ),
        "archive.io" => (
            "文件读写失败；请检查磁盘与权限",
            "a file could not be read or written; check disk and permissions",
        ),
        _ => ("导出没有完成", "the export was not completed"),
    };
    lang.pick(zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_words_for_everything_that_can_be_wrong() {
        for one in Wrong::ALL {
            let rows = WRONGS.iter().filter(|(row, _, _)| row == one).count();
            assert_eq!(rows, 1, "{}", one.code());
        }
    }
}
