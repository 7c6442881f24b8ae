//! What a verification says: green with what was and was not proven, or red with the first thing that is wrong.

use crate::format::{Scope, Source};
use serde::Serialize;

macro_rules! wrongs {
    ($( $(#[$doc:meta])* $name:ident = $code:literal, )+) => {
        /// What can be wrong with an archive. Closed: a verifier that cannot name it has not looked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Wrong { $( $(#[$doc])* $name, )+ }
        impl Wrong {
            /// Every one of them, for whoever has words for each.
            pub const ALL: &'static [Wrong] = &[ $( Wrong::$name, )+ ];
            /// Stable name that the command line maps to words.
            pub fn code(self) -> &'static str { match self { $( Wrong::$name => $code, )+ } }
        }
    };
}

wrongs! {
    /// The file could not be read.
    Unreadable = "archive.unreadable",
    NotAnArchive = "archive.not_an_archive",
    Truncated = "archive.truncated",
    HeaderDamaged = "archive.header_damaged",
    PaddingNotZero = "archive.padding_not_zero",
    TrailingBytes = "archive.trailing_bytes",
    SectionUnknown = "archive.section_unknown",
    SectionMissing = "archive.section_missing",
    SectionChanged = "archive.section_changed",
    SectionMalformed = "archive.section_malformed",
    ManifestChanged = "archive.manifest_changed",
    ManifestMalformed = "archive.manifest_malformed",
    ManifestMismatch = "archive.manifest_mismatch",
    /// An archive of everything that shows some entries as hashes only.
    EntriesHidden = "archive.entries_hidden",
    IndexMismatch = "archive.index_mismatch",
    DirectoryInvalid = "directory.invalid",
    CertificateInvalid = "device.certificate_invalid",
    CertificateTwice = "device.certificate_twice",
    DelegationInvalid = "hub.delegation_invalid",
    /// A hub's word for a device of another site, or from after the end of its delegation.
    VoucherInvalid = "hub.voucher_invalid",
    /// An attempt at a hub's device, in a room or at a time that the hub's delegation does not cover.
    BeyondDelegation = "hub.beyond_delegation",
    /// A terminal took a lease that the room's station gave to another one, or with other carry points.
    LeaseContradicts = "hub.lease_contradicts",
    SittingInvalid = "sitting.invalid",
    SittingMissing = "sitting.missing",
    OrderInvalid = "order.invalid",
    RollInvalid = "roll.invalid",
    /// A ledger that the witness has is not in the archive.
    LedgerMissing = "roll.ledger_missing",
    /// The witness has more of a ledger than the archive.
    ShorterThanRoll = "roll.ledger_shorter",
    RootNotRolled = "roll.root_differs",
    ForkListed = "fork.listed",
    ObjectTwice = "object.twice",
    ObjectMissing = "object.missing",
    ReceiptInvalid = "object.receipt_invalid",
    /// A device sealed one bundle by its ledger and another one lies here.
    BundleDiffers = "object.bundle_differs",
    /// A report that no certified device has signed.
    ReportInvalid = "report.invalid",
    /// A report that no ledger of its device names.
    ReportUnnamed = "report.unnamed",
    LedgerMalformed = "ledger.malformed",
    LedgerTwice = "ledger.twice",
    /// The ledger's device has no certificate here.
    DeviceNotCertified = "ledger.device_not_certified",
    LedgerForeign = "ledger.foreign",
    SizeDiffers = "ledger.size_differs",
    RootDiffers = "ledger.root_differs",
    CheckpointInvalid = "checkpoint.invalid",
    CheckpointForeign = "checkpoint.foreign",
    /// A signed checkpoint covers more entries than there are.
    CheckpointBeyondEnd = "checkpoint.beyond_end",
    /// The entries do not make the root that was signed.
    CheckpointRootDiffers = "checkpoint.root_differs",
    EntryUnreadable = "entry.unreadable",
    EntryForeign = "entry.of_another_ledger",
    SeqBroken = "entry.seq_broken",
    AttemptSeqBroken = "entry.attempt_seq_broken",
    KindUnknown = "entry.kind_unknown",
    NotAsCatalogued = "entry.not_as_catalogued",
    ActorUnknown = "entry.actor_unknown",
    BodyUnreadable = "entry.body_unreadable",
    TimeBack = "entry.boot_time_back",
    BootReturned = "entry.boot_returned",
    AttemptStartedTwice = "attempt.started_twice",
    AttemptTooLong = "attempt.too_long",
    PackageUnknown = "attempt.package_unknown",
    SeedWrong = "snapshot.seed_wrong",
    SnapshotMissing = "snapshot.missing",
    Unwitnessed = "witness.unwitnessed",
    NoRoll = "witness.no_roll",
}

/// The first thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub wrong: Wrong,
    /// The archive's member.
    pub section: Option<String>,
    /// Hex.
    pub ledger: Option<String>,
    pub device: Option<String>,
    /// The entry, or the first entry of the span in which it lies.
    pub seq: Option<u64>,
    pub expected: String,
    pub found: String,
}

/// Boxed, because it travels through every function.
pub(crate) type Refusal = Box<Finding>;

impl Finding {
    pub(crate) fn new(wrong: Wrong) -> Refusal {
        Box::new(Finding {
            wrong,
            section: None,
            ledger: None,
            device: None,
            seq: None,
            expected: String::new(),
            found: String::new(),
        })
    }
}

/// Fills a finding in.
pub(crate) trait Detail: Sized {
    fn section(self, name: &str) -> Self;
    fn seq(self, seq: u64) -> Self;
    fn differs(self, expected: impl ToString, found: impl ToString) -> Self;
    fn found(self, found: impl ToString) -> Self;
}

impl Detail for Refusal {
    fn section(mut self, name: &str) -> Self {
        self.section = Some(name.to_owned());
        self
    }
    fn seq(mut self, seq: u64) -> Self {
        self.seq = Some(seq);
        self
    }
    fn differs(mut self, expected: impl ToString, found: impl ToString) -> Self {
        self.expected = expected.to_string();
        self.found = found.to_string();
        self
    }
    fn found(mut self, found: impl ToString) -> Self {
        self.found = found.to_string();
        self
    }
}

/// One ledger of a green archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerSummary {
    /// Hex.
    pub ledger: String,
    pub device: String,
    pub site: String,
    pub size: u64,
    /// Entries in full; the others as leaf hashes.
    pub shown: u64,
    /// Entries `0..witnessed` stand under a checkpoint that the witness cosigned, or under its roll.
    pub witnessed: u64,
    /// When the witness cosigned the last checkpoint, seconds since 1970 UTC.
    pub witnessed_at: Option<u64>,
    /// Entries `0..signed` stand under a checkpoint of the device.
    pub signed: u64,
    pub checkpoints: u64,
    /// Further checkpoints that the writer verified and left out, as it says.
    pub checkpoints_left_out: u64,
    /// Wall clock of the first and last shown entry, milliseconds since 1970 UTC.
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
}

/// The witness's roll in a green archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RollSummary {
    pub made_ms: i64,
    pub site: Option<String>,
    pub sitting_no: Option<String>,
    pub ledgers: u64,
}

/// What a green archive leaves open, each with how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum NotProven {
    /// Without a roll nobody can say that no device is missing.
    Devices,
    /// Approved devices that have no ledger here: unused, or never heard from.
    SilentDevices { count: u64 },
    /// Devices that a hub has approved and the center has not.
    ByHubsOnly { count: u64 },
    /// Leases that terminals took, and that no station's ledger here gives.
    LeasesUngiven { count: u64 },
    /// Entries after the last witnessed one.
    UnwitnessedEntries { count: u64, ledgers: u64 },
    /// Entries after a ledger's last signed checkpoint: nobody's signature covers them.
    UnsignedEntries { count: u64, ledgers: u64 },
    /// Entries that are present as leaf hashes only.
    HiddenEntries { count: u64 },
    /// Attempts whose snapshot seed is not revealed here.
    SnapshotSeed { attempts: u64 },
    /// Attempts that are not shown whole, or have not ended.
    AttemptsOpen { attempts: u64 },
    /// Bundles that a ledger names and the archive does not have.
    BundlesMissing { count: u64 },
    /// Equipment reports that a ledger names and the archive does not have.
    ReportsMissing { count: u64 },
    /// Bundles, pictures and reports here that no shown entry names.
    ObjectsUnnamed { count: u64 },
    /// Sealed objects without the center's receipt.
    Unreceipted { count: u64 },
    /// Orders that an entry relies on and that are not in the archive.
    OrdersMissing { count: u64 },
    /// Events in which a device reports a fork itself.
    ForksSeenByDevices { count: u64 },
}

/// What a green archive shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub center_id: String,
    pub center_name: String,
    pub source: Source,
    pub scope: Scope,
    pub made_ms: i64,
    pub devices: u64,
    pub sittings: Vec<String>,
    pub orders: u64,
    pub entries: u64,
    pub shown: u64,
    pub attempts: u64,
    /// Snapshot moments that were computed again, and of those the recorded failures.
    pub snapshots_due: u64,
    pub snapshots_failed: u64,
    pub objects: u64,
    pub receipts: u64,
    /// Whether the center's signed list vouches for the receipts, and not each one for itself.
    pub receipts_listed: bool,
    /// Signed equipment reports.
    pub reports: u64,
    pub roll: Option<RollSummary>,
    pub ledgers: Vec<LedgerSummary>,
    pub not_proven: Vec<NotProven>,
}

/// The verdict on an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Green(Box<Summary>),
    Red(Box<Finding>),
}

impl Verdict {
    pub fn is_green(&self) -> bool {
        matches!(self, Verdict::Green(_))
    }
}
