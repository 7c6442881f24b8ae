//! The signed sitting: what the center orders for a room and a start time, and which packages, keys and seeds
//! belong to it.

use crate::{Hash32, Signed};
use fengjuan_core::plan::Sitting;
use fengjuan_envelope::hpke::KemPublic;
use fengjuan_envelope::kdf::Argon2Params;
use fengjuan_envelope::sign::PublicKey;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SittingDocument {
    pub suite: String,
    pub site: String,
    pub sitting: Sitting,
    pub packages: Vec<PackageRef>,
    /// Answers and pictures are sealed to this; one per sitting.
    pub results_key: KemPublic,
    /// SHA-256 of the seed of the snapshot moments; revealed when no attempt can still run.
    pub snapshot_seed_hash: Hash32,
    /// SHA-256 of the seed of the draw.
    pub draw_seed_hash: Hash32,
    /// Salt of Argon2id (RFC 9106), once per sitting version.
    #[serde(with = "serde_bytes")]
    pub code_salt: Vec<u8>,
    pub code_kdf: Argon2Params,
    /// Hubs that may make grants for their terminals.
    pub delegates: Vec<PublicKey>,
    pub issued_ms: i64,
}

/// One class group's package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageRef {
    pub class_no: String,
    pub hash: Hash32,
    pub bytes: u64,
}

impl Signed for SittingDocument {
    const USAGE: &'static str = "fengjuan/sitting/1";
}
