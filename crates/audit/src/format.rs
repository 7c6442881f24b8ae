//! The archive, version 1: what an auditor carries away, and can verify with nothing but the center's public root.
//!
//! It is a ustar file with these members, in this order and no others:
//!
//! | member | what | covered by |
//! | --- | --- | --- |
//! | `fengjuan-archive` | `fengjuan-archive-1` | is compared |
//! | `directory.cose` | key directory | signature of the root |
//! | `devices.rec` | device certificates, and delegations of hubs | signatures of the device CA, of the issuer, and of hubs that it delegates |
//! | `sittings.rec` | signed sittings, all versions | signatures of the issuer |
//! | `orders.rec` | the center's orders | signatures of the issuer |
//! | `objects.rec` | [`ObjectRecord`]: hashes and receipts of bundles and pictures | signatures of the receipt key; the ledgers name them |
//! | `receipts.cose` | [`ReceiptList`]; may be missing | signature of the receipt key |
//! | `reports.rec` | signed equipment reports that shown entries name | the device's signature; its ledger names the hash |
//! | `forks.rec` | [`ForkRecord`]: what the witness refused | any is red |
//! | `roll.cose` | the witness's roll; may be missing | signature of the witness |
//! | `ledgers/<id>/ledger.cbor` | [`LedgerHead`] | certificate, checkpoints, entries |
//! | `ledgers/<id>/checkpoints.rec` | signed notes, cosigned where a witness did | device and witness |
//! | `ledgers/<id>/entries.rec` | the entries | the tree |
//! | `index.csv` | a readable line for every shown entry | is made again and compared |
//! | `manifest.json` | [`Manifest`] | `manifest.sha256` |
//! | `manifest.sha256` | | is compared |
//!
//! A `.rec` member is a sequence of records, each a 32-bit big-endian length and its bytes. In `entries.rec` a record is
//! what RFC 6962 hashes for a leaf: a zero byte and the entry, so that the plain SHA-256 of a record is the leaf. A
//! length with the highest bit set announces that many leaf hashes in place of entries: an archive of a date range or
//! of one sitting shows only what belongs to it, and holds the other leaves as RFC 6962 leaf hashes. The whole tree can
//! still be built, so such an archive proves that the shown entries stand at their places in the very ledger that
//! was signed and witnessed, and that nothing was added or removed around them; it does not show what the others say.
//!
//! A terminal signs a checkpoint every half minute; `checkpoints.rec` holds a few of them ([`crate::Checkpoints`]), and
//! [`LedgerHead`] says how many the writer left out. It leaves out none but those that it has verified whole: signatures,
//! and the root made again from the entries. So nothing that speaks against a ledger can be missing by this, and what
//! is witnessed or signed is the same with and without them. A wrong root is then known to lie between two checkpoints
//! that are further apart. In the same way one signature of a [`ReceiptList`] stands for those of all receipts.
//!
//! The hashes in the manifest find accidents. Against somebody who makes a whole new archive only signatures, the
//! tree and the witness count: what none of them covers (entries after a ledger's last signed checkpoint, devices
//! where there is no roll) is listed as not proven.

use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::{Hash32, Signed};
use serde::{Deserialize, Serialize};

pub(crate) const FORMAT: &str = "fengjuan-archive-1";
pub(crate) const MARK: &str = "fengjuan-archive";
pub(crate) const DIRECTORY: &str = "directory.cose";
pub(crate) const DEVICES: &str = "devices.rec";
pub(crate) const SITTINGS: &str = "sittings.rec";
pub(crate) const ORDERS: &str = "orders.rec";
pub(crate) const OBJECTS: &str = "objects.rec";
pub(crate) const RECEIPTS: &str = "receipts.cose";
pub(crate) const REPORTS: &str = "reports.rec";
pub(crate) const FORKS: &str = "forks.rec";
pub(crate) const ROLL: &str = "roll.cose";
pub(crate) const INDEX: &str = "index.csv";
pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const MANIFEST_HASH: &str = "manifest.sha256";

/// Marks a run of leaf hashes in `entries.rec`.
pub(crate) const RUN: u32 = 1 << 31;
/// Longest run of leaf hashes under one mark.
pub(crate) const LONGEST_RUN: usize = 4096;
/// First byte of an entry's record (RFC 6962 §2.1).
pub(crate) const LEAF: u8 = 0;
/// Largest record of an entry that is read.
pub(crate) const LARGEST_ENTRY: usize = 1 << 20;
/// Largest record of the other members.
pub(crate) const LARGEST_RECORD: usize = 16 << 20;
/// Largest member that is read into memory as a whole.
pub(crate) const LARGEST_SMALL: u64 = 1 << 30;

/// Folder of one ledger's members.
pub(crate) fn ledger_folder(ledger_id: &[u8; 16]) -> String {
    format!("ledgers/{}", hex(ledger_id))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Where an archive was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Center,
    Terminal,
}

/// What an archive shows; nothing set is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    pub sitting_no: Option<String>,
    /// Milliseconds since 1970 UTC, inclusive.
    pub from_ms: Option<i64>,
    /// Milliseconds since 1970 UTC, exclusive.
    pub to_ms: Option<i64>,
}

impl Scope {
    pub fn is_everything(&self) -> bool {
        *self == Scope::default()
    }
}

/// An object that the archive's maker knows: a sealed bundle or picture, or a signed report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectRecord {
    pub hash: Hash32,
    /// `bundle`, `picture` or `report`.
    pub kind: String,
    pub bytes: u64,
    /// The device that sealed or signed it.
    pub device: PublicKey,
    /// COSE_Sign1 `fengjuan_wire::bundle::Receipt`; none where it is not sent.
    #[serde(with = "serde_bytes")]
    pub receipt: Option<Vec<u8>>,
}

/// The center's word for all receipts of `objects.rec` at once, signed by the key that signed each of them: whoever
/// makes an archive in a center's home has checked every receipt against its object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptList {
    pub center_id: String,
    /// Milliseconds since 1970 UTC.
    pub made_ms: i64,
    /// SHA-256 of `objects.rec`.
    pub objects: Hash32,
    /// Receipts in it.
    pub receipts: u64,
}

impl Signed for ReceiptList {
    const USAGE: &'static str = "fengjuan/receipt-list/1";
}

/// Two truths of one device, as the witness recorded them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkRecord {
    #[serde(with = "fengjuan_envelope::byte_string")]
    pub ledger_id: [u8; 16],
    /// True where two checkpoints part, false where two entries do.
    pub checkpoint: bool,
    /// The entry's place, or the checkpoint's size.
    pub seq: u64,
    pub mine: Hash32,
    pub theirs: Hash32,
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    pub at_ms: i64,
}

/// Whose ledger it is and how far it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerHead {
    #[serde(with = "fengjuan_envelope::byte_string")]
    pub ledger_id: [u8; 16],
    pub device: PublicKey,
    pub device_name: String,
    /// First line of its checkpoints.
    pub origin: String,
    pub size: u64,
    pub root: Hash32,
    /// Checkpoints that the writer verified whole and left out; its word.
    #[serde(default, skip_serializing_if = "is_none")]
    pub checkpoints_left_out: u64,
}

/// Whether there is nothing to write.
#[allow(clippy::trivially_copy_pass_by_ref)] // The signature is serde's.
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// What the archive says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `fengjuan-archive-1`.
    pub format: String,
    pub made_ms: i64,
    pub made_by: String,
    pub source: Source,
    pub center_id: String,
    pub scope: Scope,
    /// Every member before the manifest.
    pub members: Vec<MemberRecord>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberRecord {
    pub name: String,
    pub bytes: u64,
    /// None for entries (the tree covers them) and the index (it is made again).
    pub sha256: Option<String>,
}
