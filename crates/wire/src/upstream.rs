//! The upstream protocol, version 1: HTTPS under mutual TLS 1.3, bodies in deterministic CBOR. A terminal has one
//! upstream: the center, or its room's hub, which speaks the same.
//!
//! | call | body → answer |
//! | --- | --- |
//! | `POST /v1/enrol` | [`EnrolRequest`] → [`EnrolReply`] |
//! | `GET /v1/directory` | → COSE_Sign1 [`crate::directory::KeyDirectory`] |
//! | `GET /v1/time?nonce=<32 hex>` | → COSE_Sign1 [`SignedTime`] |
//! | `GET /v1/offer` | → [`Offer`] |
//! | `GET /v1/objects/<hex>` with `Range` | → bytes |
//! | `GET /v1/uploads/<hex>` | → [`UploadState`] |
//! | `PUT /v1/uploads/<hex>?offset=N&total=M` | part → [`UploadState`], with the receipt once whole |
//! | `POST /v1/entries` | [`EntriesRequest`] → [`EntriesReply`] |
//! | `GET /v1/attempts/<hex id>/entries` | → [`AttemptEntries`] |
//! | `GET /v1/orders` | → [`Orders`] |
//! | `GET /v1/delegation` | → COSE_Sign1 [`crate::delegation::HubDelegation`]: at a hub, by what right it answers; at the center, the asking hub's own |
//! | `GET /v1/room` at a hub | WebSocket: the room channel ([`crate::room`]) |
//! | `POST /v1/hubs` at a hub | another hub follows it ([`crate::follow`]) |
//!
//! And what only a hub asks of the center, for its terminals ([`crate::delegation`]):
//!
//! | call | body → answer |
//! | --- | --- |
//! | `POST /v1/devices` | [`VouchedDevices`] → [`VouchedReply`] |
//!
//! A hub appends entries for a terminal by naming it in [`EntriesRequest::device`], and uploads its objects as they are.
//!
//! What goes up is a [`crate::bundle::SealedObject`], or a COSE_Sign1 [`crate::report::EquipmentReport`].

use crate::delegation::HubKeys;
use crate::{Hash32, Signed};
use fengjuan_envelope::hpke::KemPublic;
use fengjuan_envelope::sign::PublicKey;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Parts of an upload; also the largest body that the upload call takes.
pub const UPLOAD_PART_BYTES: usize = 256 * 1024;
/// Largest body of any other call.
pub const LARGEST_BODY_BYTES: usize = 4 * 1024 * 1024;
/// Largest sealed object.
pub const LARGEST_OBJECT_BYTES: u64 = 64 * 1024 * 1024;

/// First contact. TLS has already proven that the caller holds `sign`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    pub device_name: String,
    pub site: String,
    pub sign: PublicKey,
    pub kem: KemPublic,
    /// Machine facts that tell two machines with one key apart, e.g. a salted hash of the machine id.
    #[serde(with = "serde_bytes")]
    pub machine: Vec<u8>,
    /// The further keys of a device that means to be a hub; a terminal sends nothing here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<HubKeys>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EnrolReply {
    /// Two people compare the fingerprint, then one approves it at the center.
    Pending {
        fingerprint: String,
    },
    Approved {
        #[serde(with = "serde_bytes")]
        certificate: Vec<u8>,
    },
    Refused {
        code: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedTime {
    #[serde(with = "serde_bytes")]
    pub nonce: Vec<u8>,
    pub unix_ms: i64,
}

impl Signed for SignedTime {
    const USAGE: &'static str = "fengjuan/time/1";
}

/// What the center holds for this device's site, each fetched by hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    pub objects: Vec<Offered>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offered {
    pub kind: OfferedKind,
    pub hash: Hash32,
    pub bytes: u64,
    pub sitting_no: String,
    pub version: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferedKind {
    Sitting,
    Package,
    Grant,
    Order,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadState {
    /// Bytes that are durable at the receiver; the next part starts here.
    pub offset: u64,
    /// COSE_Sign1 receipt, once the object is whole and its hash was checked.
    pub receipt: Option<ByteBuf>,
}

/// Replicates and witnesses a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntriesRequest {
    #[serde(with = "serde_bytes")]
    pub ledger_id: Vec<u8>,
    pub from_seq: u64,
    pub entries: Vec<ByteBuf>,
    /// The device's checkpoint over all entries up to the last one sent: over its whole ledger. A device shows it once in
    /// every run of its program, with no entries where nothing is new; a receiver that holds more has found a database
    /// that was put back.
    pub checkpoint: Option<String>,
    /// Whose ledger it is, where a hub sends it for its terminal; nothing for the caller's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<PublicKey>,
}

/// The terminals that a hub has approved: COSE_Sign1 [`crate::directory::DeviceCertificate`] each, signed by the hub's
/// issuer. Sent again whole whenever one was added; nothing happens twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VouchedDevices {
    pub certificates: Vec<ByteBuf>,
    /// Those that the hub lets in no more. What they had sealed still comes, and is marked.
    pub revoked: Vec<RevokedDevice>,
}

/// A device that a hub has approved once, and has taken off its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedDevice {
    pub device: PublicKey,
    /// Exam time of the hub.
    pub revoked_ms: i64,
}

/// One line for each certificate, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VouchedReply {
    pub devices: Vec<Vouched>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vouched {
    /// None where the certificate could not be read.
    pub device: Option<PublicKey>,
    /// Why the center does not take it, e.g. `upstream.device_revoked`; none where it is known from now on.
    pub refused: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EntriesReply {
    Stored {
        size: u64,
        cosigned: Option<String>,
    },
    /// The receiver holds fewer entries than `from_seq`; send from `have`.
    Gap {
        have: u64,
    },
    /// A different leaf at a known place: recorded, never cosigned.
    Fork {
        at_seq: u64,
        held: Hash32,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttemptEntries {
    pub entries: Vec<ByteBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// COSE_Sign1 [`crate::order::Order`] each.
    pub orders: Vec<ByteBuf>,
}

/// Body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Stable name such as `upstream.unknown_device`.
    pub code: String,
    /// English, for the log; never shown to a candidate.
    pub detail: String,
}

/// The witness's signed roll: every ledger that it has cosigned, so that a missing one is seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roll {
    pub center_id: String,
    pub site: Option<String>,
    pub sitting_no: Option<String>,
    pub made_ms: i64,
    pub ledgers: Vec<RolledLedger>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolledLedger {
    #[serde(with = "serde_bytes")]
    pub ledger_id: Vec<u8>,
    pub device: PublicKey,
    pub device_name: String,
    pub size: u64,
    pub root: Hash32,
    /// Places where the device sent a different leaf.
    pub forks: u32,
}

impl Signed for Roll {
    const USAGE: &'static str = "fengjuan/roll/1";
}
