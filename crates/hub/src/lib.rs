//! The room's hub on the management station (考场管理机): serves the terminals, witnesses their ledgers, holds a replica of
//! every answer, and gives the proctor one page.
//!
//! [`Hub::open`] gives a running hub; its controller works on these:
//!
//! - [`Hub::room`]: the station's machine over this hub's own ledger. Everything that a person decides goes through
//!   [`room::Room::act`] (or [`room::Room::act_with`], with more events and small state in the same transaction): it is
//!   recorded, taken over, and sent to the terminals. What the station knows is read with [`room::Room::read`], how each
//!   terminal is with [`room::Room::seen`]; [`room::Room::changes`] wakes the page. The clerk calls `tick` and `settle`
//!   by itself.
//! - [`Hub::devices`]: who asks to be let in, and who may speak: `approve`, `revoke`, `move_to`.
//! - [`Hub::unlocks`]: the code, typed once.
//! - [`Hub::peers`]: the other hubs of the room, and how well one follows the other.
//! - [`Hub::papers`], [`Hub::pull`], [`Hub::sync`], [`Hub::delegation`], [`Hub::here_only`], [`Hub::trouble`].
//!
//! Everything that records blocks until it is durable.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod center;
mod channel;
mod core;
pub mod courier;
mod delegation;
pub mod devices;
mod entries;
mod follow;
mod forward;
mod grants;
mod hub;
mod inflow;
mod keys;
mod peers;
mod pictures;
mod pool;
mod received;
pub mod room;
mod server;
pub mod station;
mod strangers;
mod unlock;
pub mod view;

pub use center::ToCenter;
pub use delegation::Delegated;
pub use hub::{Config, Hub, HubError};
pub use keys::{Keyring, KeysError};
pub use peers::{PeerStands, Peers};
pub use received::Whereabouts;
pub use unlock::Unlocks;
