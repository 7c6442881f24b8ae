//! The terminal's end of the room channel ([`fengjuan_wire::room`]): one task that stays connected to the room's hub.
//! Up go the entries as soon as they are durable here, and how the machine is; down come commands, keys and epochs,
//! each verified under the hub's delegation before the machine sees it.
//!
//! Nothing of the exam waits for this. While the hub is away everything goes on here, and afterwards both sides say
//! what they hold.

mod error;
mod pace;
mod session;
mod side;
mod socket;
mod task;
mod verify;

pub use error::ChannelError;
pub use side::{OpenedKeys, RoomSide, Standing, Taken};
pub use task::{Channel, ChannelParts};

#[cfg(test)]
mod tests;
