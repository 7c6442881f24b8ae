//! What the machine behind the channel does with what comes down it.

use crate::view::Refused;
use fengjuan_core::event::Hash32;
use fengjuan_core::room::post::{Acknowledgement, Mark};
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::grant::SittingKeys;
use fengjuan_wire::room::{Beat, Epoch, RoomCommand, SmallPicture, UnlockedSitting};
use std::sync::Arc;

/// Where the machine stands when it connects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The epoch that it obeys, and the last command of it that it took.
    pub mark: Mark,
    /// Sittings whose keys it holds in memory.
    pub unlocked: Vec<UnlockedSitting>,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is in the ledger, done or refused for good.
    Acknowledged(Acknowledgement),
    /// One before it is missing: all from this number on are wanted.
    AskFrom { no: u64 },
    /// Its station is not obeyed.
    NotObeyed { code: String },
    /// It could not be written down now, e.g. because the disk is full; it is tried again shortly.
    NotNow { code: String },
}

/// A sitting's keys from the station, opened. Erased when dropped.
pub struct OpenedKeys {
    pub sitting_no: String,
    pub version: u32,
    pub epoch: u64,
    pub keys: SittingKeys,
}

/// The machine behind the channel. Everything that it is given was verified: signed by the delegated hub's issuer, for
/// this site and this device. Every call may block and commit; none is made from an async thread, and commands, keys
/// and looks come one after the other.
pub trait RoomSide: Send + Sync + 'static {
    fn standing(&self) -> Standing;

    /// The hub shows the epoch under which it commands. A higher one must be durable when this returns.
    ///
    /// # Errors
    /// Why this hub is not obeyed; the channel is then closed.
    fn epoch(&self, epoch: &Epoch, hub: &HubDelegation) -> Result<(), Refused>;

    /// `hash` is that of the signed bytes. What is acknowledged is durable.
    fn command(&self, command: &RoomCommand, hash: Hash32) -> Taken;

    fn keys(&self, keys: OpenedKeys);

    fn beat(&self) -> Beat;

    /// Small pictures of whoever sits here, after the one with this number, each with its own; for the station alone. A
    /// machine without a camera has none.
    fn pictures(&self, _after: u64) -> Vec<(u64, SmallPicture)> {
        Vec::new()
    }

    /// Something new is offered. Orders and receipts are looked for by the uplink itself.
    fn look(&self);

    /// The hub was on and is away. Told once for each time.
    fn hub_lost(&self);
}

/// Runs a call of the machine where it may block.
pub(super) async fn off_thread<T: Send + 'static>(
    side: &Arc<dyn RoomSide>,
    call: impl FnOnce(&dyn RoomSide) -> T + Send + 'static,
) -> Option<T> {
    let side = side.clone();
    let done = tokio::task::spawn_blocking(move || call(side.as_ref())).await;
    // A call that panicked is a fault of this program; the channel starts anew.
    done.inspect_err(|error| tracing::error!(%error, "a call of the channel"))
        .ok()
}
