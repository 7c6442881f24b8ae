//! What a hub says, verified under its delegation, for this site and this device.

use super::{ChannelError, OpenedKeys};
use crate::identity::DeviceIdentity;
use fengjuan_core::event::Hash32;
use fengjuan_wire::Signed;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::room::{Epoch, RoomCommand, RoomKeys, SealedRoomKeys};

pub(super) fn epoch(hub: &HubDelegation, bytes: &[u8]) -> Result<Epoch, ChannelError> {
    let epoch = Epoch::verify(&hub.issuer, bytes).map_err(ChannelError::not_authentic)?;
    if epoch.site != hub.site || epoch.hub != hub.device {
        return Err(ChannelError::not_authentic("an epoch of another hub"));
    }
    if !hub.covers_room(&epoch.room_no) {
        return Err(ChannelError::not_authentic("an epoch of another room"));
    }
    Ok(epoch)
}

pub(super) fn command(
    hub: &HubDelegation,
    device: &DeviceIdentity,
    bytes: &[u8],
) -> Result<(RoomCommand, Hash32), ChannelError> {
    let command = RoomCommand::verify(&hub.issuer, bytes).map_err(ChannelError::not_authentic)?;
    if command.site != hub.site || command.device != device.public() {
        return Err(ChannelError::not_authentic("a command for another device"));
    }
    Ok((command, fengjuan_wire::hash(bytes)))
}

pub(super) fn keys(
    hub: &HubDelegation,
    device: &DeviceIdentity,
    epoch: u64,
    message: &RoomKeys,
) -> Result<OpenedKeys, ChannelError> {
    let sealed = SealedRoomKeys::verify(&hub.issuer, &message.signed)
        .map_err(ChannelError::not_authentic)?;
    let mine = sealed.site == hub.site && sealed.device == device.public();
    let same = sealed.sitting_no == message.sitting_no && sealed.version == message.version;
    if !mine || !same || sealed.epoch != epoch {
        return Err(ChannelError::not_authentic("keys for another place"));
    }
    let keys = sealed
        .open(&device.kem)
        .map_err(ChannelError::not_authentic)?;
    Ok(OpenedKeys {
        sitting_no: sealed.sitting_no,
        version: sealed.version,
        epoch,
        keys,
    })
}
