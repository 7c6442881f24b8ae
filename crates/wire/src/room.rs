//! The room channel: what a hub and its terminal say to each other over one WebSocket (RFC 6455) inside mutual TLS 1.3,
//! each message one binary frame of deterministic CBOR.
//!
//! The terminal speaks first ([`FromTerminal::Hello`]); the hub answers with its epoch and with every command that the
//! terminal has not acknowledged. Entries go up as they are written and come back as acknowledged once they are durable
//! at the hub. Nothing here needs to arrive: after a lost connection both sides say what they hold, and go on from there.

use crate::delegation::HubDelegation;
use crate::grant::SittingKeys;
use crate::upstream::{EntriesReply, EntriesRequest};
use crate::{Hash32, Signed, WireError};
use fengjuan_core::event::PictureUse;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::command::Command;
use fengjuan_core::seat::SeatState;
use fengjuan_envelope::cbor;
use fengjuan_envelope::hpke::{self, KemPublic, KemSecret};
use fengjuan_envelope::sign::PublicKey;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use zeroize::Zeroize;

/// Largest frame that either side accepts.
pub const LARGEST_FRAME_BYTES: usize = 1024 * 1024;
/// Largest JPEG of a [`SmallPicture`].
pub const LARGEST_SMALL_PICTURE_BYTES: usize = 12 * 1024;
/// A terminal says how it is at least this often.
pub const BEAT_EVERY_MS: i64 = 5_000;

/// From the terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FromTerminal {
    Hello(Hello),
    Beat(Beat),
    /// The command with this number is in the terminal's ledger, and done or refused for good.
    Acknowledge {
        epoch: u64,
        no: u64,
        /// Why it was refused, e.g. `attempt.handed_in`; none where it was done.
        refusal: Option<String>,
    },
    /// New entries, in order; the hub answers each with [`FromHub::Entries`].
    Entries(EntriesRequest),
    /// What the camera has seen of whoever sits here; nothing answers it, and what is lost is lost.
    Picture(SmallPicture),
}

/// From the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FromHub {
    Welcome {
        /// COSE_Sign1 [`Epoch`].
        #[serde(with = "serde_bytes")]
        epoch: Vec<u8>,
        /// COSE_Sign1 [`HubDelegation`], under which the epoch is signed: the terminal shows both to other hubs.
        #[serde(default, with = "serde_bytes")]
        delegation: Vec<u8>,
    },
    /// COSE_Sign1 [`RoomCommand`].
    Command(ByteBuf),
    Entries(EntriesReply),
    /// The sitting's keys for this terminal alone, after the code was typed at the station.
    Keys(RoomKeys),
    /// Something new is offered: packages, grants, orders, receipts.
    Look {},
}

/// Who the terminal is and where it stands; the TLS key says which device speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    #[serde(with = "serde_bytes")]
    pub ledger_id: Vec<u8>,
    pub ledger_size: u64,
    /// Random for each start of the machine; tells a power cut from a restarted program.
    #[serde(with = "serde_bytes")]
    pub boot_id: Vec<u8>,
    /// Random for each start of the program.
    #[serde(with = "serde_bytes")]
    pub run_id: Vec<u8>,
    /// The highest epoch that it has obeyed, and the last command of it that it took.
    pub epoch: u64,
    pub taken: u64,
    /// Sittings whose keys it holds in memory.
    pub unlocked: Vec<UnlockedSitting>,
    /// What shows that a station has raised this epoch; no hub steps down on a terminal's word alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<EpochProof>,
}

/// An epoch as the hub that raised it signed it, and its delegation as the center signed that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochProof {
    #[serde(with = "serde_bytes")]
    pub epoch: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub delegation: Vec<u8>,
}

impl EpochProof {
    /// The epoch, where a hub raised it that this center had delegated for this site by then. The delegation may have
    /// expired since: what was raised stays raised.
    ///
    /// # Errors
    /// [`WireError::Signature`], [`WireError::Malformed`]; [`WireError::Mismatch`] for another center, site or room.
    pub fn verified(
        &self,
        issuer: &PublicKey,
        center_id: &str,
        site: &str,
    ) -> Result<Epoch, WireError> {
        let hub = HubDelegation::verify(issuer, &self.delegation)?;
        if hub.center_id != center_id {
            return Err(WireError::Mismatch("center"));
        }
        let epoch = Epoch::verify(&hub.issuer, &self.epoch)?;
        if hub.site != site || epoch.site != site {
            return Err(WireError::Mismatch("site"));
        }
        let in_force = epoch.raised_ms < hub.not_after_ms;
        if epoch.hub != hub.device || !hub.covers_room(&epoch.room_no) || !in_force {
            return Err(WireError::Mismatch("hub"));
        }
        Ok(epoch)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnlockedSitting {
    pub sitting_no: String,
    pub version: u32,
}

/// How a terminal is. No name, question, answer or score is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    pub exam_ms: Option<ExamMs>,
    pub ledger_size: u64,
    /// Versions of the sittings that are held whole.
    pub held: Vec<UnlockedSitting>,
    pub unlocked: Vec<UnlockedSitting>,
    pub seat: Option<SeatBeat>,
    pub unsent: u32,
    /// Code of what is wrong with its storage, e.g. `store.full`.
    pub storage: Option<String>,
    /// Code of what is wrong with its camera, e.g. `camera.unplugged`.
    pub camera: Option<String>,
    /// Bytes of a pull that is going on: done, of.
    pub pulling: Option<(u64, u64)>,
    /// Failed rows of the last equipment check; none before one.
    pub failed_checks: Option<u32>,
}

/// The seat that somebody sits at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatBeat {
    pub sitting_no: String,
    #[serde(with = "serde_bytes")]
    pub attempt_id: Vec<u8>,
    pub ticket: Hash32,
    pub lease: u64,
    pub state: SeatState,
    /// The attempt stands still, or its keys are not in memory.
    pub suspended: bool,
    pub answered: u32,
    pub questions: u32,
    pub ends_ms: Option<ExamMs>,
    /// Outages that wait for a decision.
    pub undecided: u32,
}

/// A picture of the camera, small, for the people at the station: in memory on both sides, never stored, and gone with
/// the sitting. The picture itself goes to the center, sealed. No screen is in it, so no question.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmallPicture {
    pub sitting_no: String,
    #[serde(with = "serde_bytes")]
    pub attempt_id: Vec<u8>,
    pub usage: PictureUse,
    pub taken_ms: ExamMs,
    /// Drawn by the program; shows nobody.
    pub pattern: bool,
    #[serde(with = "serde_bytes")]
    pub jpeg: Vec<u8>,
}

/// Says nothing of the picture.
impl std::fmt::Debug for SmallPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("SmallPicture");
        shown.field("usage", &self.usage);
        shown.field("bytes", &self.jpeg.len());
        shown.finish_non_exhaustive()
    }
}

impl SmallPicture {
    /// Within its bounds, and a JPEG by its first bytes.
    pub fn is_sound(&self) -> bool {
        self.attempt_id.len() == 16
            && self.jpeg.len() <= LARGEST_SMALL_PICTURE_BYTES
            && self.jpeg.starts_with(&[0xff, 0xd8, 0xff])
    }
}

/// A command as one terminal gets it: numbered for that terminal in that epoch from 1, without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomCommand {
    pub site: String,
    pub device: PublicKey,
    pub epoch: u64,
    pub no: u64,
    pub command: Command,
}

impl Signed for RoomCommand {
    const USAGE: &'static str = "fengjuan/room-command/1";
}

/// Which hub runs the room from now on. A terminal obeys none lower than it has seen, and of two with the same number
/// the first one that it saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    pub site: String,
    pub room_no: String,
    pub epoch: u64,
    pub hub: PublicKey,
    pub raised_ms: ExamMs,
    /// Staff id of who took over; empty in the first epoch of a room.
    pub raised_by: String,
}

impl Signed for Epoch {
    const USAGE: &'static str = "fengjuan/epoch/1";
}

/// HPKE(terminal's KEM key, context = site, sitting, version, device, epoch) around `grant::SittingKeys`, signed by the
/// hub's issuer: the keys of a sitting, in memory on both sides and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomKeys {
    pub sitting_no: String,
    pub version: u32,
    /// COSE_Sign1 [`SealedRoomKeys`].
    #[serde(with = "serde_bytes")]
    pub signed: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedRoomKeys {
    pub site: String,
    pub sitting_no: String,
    pub version: u32,
    pub device: PublicKey,
    pub epoch: u64,
    #[serde(with = "serde_bytes")]
    pub sealed: Vec<u8>,
}

impl Signed for SealedRoomKeys {
    const USAGE: &'static str = "fengjuan/room-keys/1";
}

const KEYS_INFO: &[u8] = b"fengjuan/room-keys/1";

/// Which keys for whom: what the encryption is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysPlace {
    pub site: String,
    pub sitting_no: String,
    pub version: u32,
    pub device: PublicKey,
    pub epoch: u64,
}

impl KeysPlace {
    fn context(&self) -> Result<Vec<u8>, WireError> {
        let device = ByteBuf::from(self.device.as_bytes().to_vec());
        let (site, sitting_no) = (&self.site, &self.sitting_no);
        let parts = (
            crate::SUITE,
            site,
            sitting_no,
            self.version,
            device,
            self.epoch,
        );
        Ok(fengjuan_envelope::sha256(&cbor::to_vec(&parts)?).to_vec())
    }

    /// Encrypts a sitting's keys to the terminal's own key.
    ///
    /// # Errors
    /// [`WireError::Hpke`].
    pub fn seal(self, keys: &SittingKeys, kem: &KemPublic) -> Result<SealedRoomKeys, WireError> {
        let context = self.context()?;
        let mut plain = cbor::to_vec(keys)?;
        let sealed = hpke::seal_to(kem, KEYS_INFO, &context, &plain);
        plain.zeroize();
        Ok(SealedRoomKeys {
            site: self.site,
            sitting_no: self.sitting_no,
            version: self.version,
            device: self.device,
            epoch: self.epoch,
            sealed: sealed?,
        })
    }
}

impl SealedRoomKeys {
    pub fn place(&self) -> KeysPlace {
        KeysPlace {
            site: self.site.clone(),
            sitting_no: self.sitting_no.clone(),
            version: self.version,
            device: self.device,
            epoch: self.epoch,
        }
    }

    /// Opens them with the terminal's own key. The signature and the place are the caller's to check.
    ///
    /// # Errors
    /// [`WireError::Hpke`], [`WireError::Malformed`].
    pub fn open(&self, kem: &KemSecret) -> Result<SittingKeys, WireError> {
        let context = self.place().context()?;
        let plain = hpke::open_from(kem, KEYS_INFO, &context, &self.sealed)?;
        Ok(cbor::from_slice(&plain)?)
    }
}
