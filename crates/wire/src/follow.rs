//! What two hubs of one site say to each other (承接): one runs the room, the other follows it, so that it can take over
//! at any moment. The follower asks; each shows by what right it speaks, and under which epoch it commands.
//!
//! | call at a hub | body → answer |
//! | --- | --- |
//! | `POST /v1/hubs` | [`FollowRequest`] → [`FollowReply`] |
//! | `GET /v1/offer`, `/v1/objects/<hex>`, `/v1/orders` | as for a terminal; sealed objects too |
//!
//! Ledgers come as their devices wrote them, each entry under its own hash and with its device's own checkpoints; a
//! follower keeps them as a witness does. Nothing here needs to arrive: every request says what is held.

use crate::Hash32;
use fengjuan_core::plan::ExamMs;
use fengjuan_envelope::hpke::KemPublic;
use fengjuan_envelope::sign::PublicKey;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// From one hub to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowRequest {
    /// COSE_Sign1 [`crate::delegation::HubDelegation`] of the asking hub.
    pub delegation: ByteBuf,
    /// COSE_Sign1 [`crate::room::Epoch`], where the asking hub runs the room.
    pub epoch: Option<ByteBuf>,
    /// What it holds, where it wants to follow.
    pub holds: Option<Holds>,
}

/// What a follower holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holds {
    pub ledgers: Vec<HeldLedger>,
    /// All objects up to this place in the asked hub's order of arrival.
    pub objects: u64,
    /// The list of terminals as it was sent last.
    pub terminals: Option<Hash32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldLedger {
    #[serde(with = "serde_bytes")]
    pub ledger_id: Vec<u8>,
    pub size: u64,
    /// Size of the last checkpoint that is held of it; 0: none.
    pub checkpoint: u64,
}

/// From the asked hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowReply {
    /// COSE_Sign1 [`crate::room::Epoch`], where the asked hub runs the room.
    pub epoch: Option<ByteBuf>,
    /// What the follower lacks, where the asked hub runs the room and it wants to follow.
    pub news: Option<News>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct News {
    /// COSE_Sign1 delegations of the hubs whose ledgers are among them, other than the two that speak.
    pub hubs: Vec<ByteBuf>,
    pub ledgers: Vec<LedgerNews>,
    pub objects: Vec<ObjectNews>,
    /// Every terminal that is decided about, where the list is another than the follower's.
    pub terminals: Option<Vec<FollowedTerminal>>,
    /// Stands for what is offered to the follower: papers, its grants, orders.
    pub offer: Hash32,
    /// There is more already.
    pub more: bool,
}

/// The next entries of one ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerNews {
    pub device: PublicKey,
    pub device_name: String,
    #[serde(with = "serde_bytes")]
    pub ledger_id: Vec<u8>,
    pub from_seq: u64,
    pub entries: Vec<ByteBuf>,
    /// The device's own, over entries up to the end of these.
    pub checkpoint: Option<String>,
}

/// A sealed object or report that a terminal has brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectNews {
    /// Rises with every object.
    pub position: u64,
    pub object: Hash32,
    pub bytes: u64,
    pub device: PublicKey,
}

/// A terminal as the asked hub knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowedTerminal {
    pub name: String,
    pub sign: PublicKey,
    pub kem: KemPublic,
    #[serde(with = "serde_bytes")]
    pub machine: Vec<u8>,
    /// From where it may speak.
    pub address: std::net::IpAddr,
    pub first_ms: ExamMs,
    pub decided_ms: Option<ExamMs>,
    /// Staff ids of who decided.
    pub decided_by: String,
    pub standing: FollowedStanding,
    /// COSE_Sign1 [`crate::directory::DeviceCertificate`] by the asked hub's issuer, of one that was ever approved.
    pub certificate: Option<ByteBuf>,
}

/// What was decided about a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FollowedStanding {
    Approved,
    /// Turned away when it asked.
    Refused,
    /// Approved once, and not any more.
    Revoked,
}
