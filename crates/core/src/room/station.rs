//! Follows.

use super::Device;
use super::lease::AttemptId;
use serde::{Deserialize, Serialize};

/// Something that a person at the station must know. Worst first; see [`Alert::severity`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Alert {
    /// Many seats fell silent at once: most likely the switch.
    ManyOutOfContact {
        devices: Vec<Device>,
    },
    /// One seat is silent, cause unknown. Its candidate probably goes on.
    OutOfContact {
        device: Device,
    },
    /// Two terminals say that the same candidate sits there.
    TwoTerminals {
        #[serde(with = "crate::bytes")]
        attempt: AttemptId,
        holder: Device,
        other: Device,
    },
    /// A ledger with two versions of one entry: a cloned or rolled back disk.
    Fork {
        device: Device,
        at_seq: u64,
    },
    /// It lost commands or entries that it had acknowledged.
    WentBack {
        device: Device,
    },
    /// An unknown or revoked device, or a known one from another address.
    Stranger {
        device: Device,
        code: String,
    },
    /// Storage refuses writes, or is nearly full.
    Storage {
        device: Device,
        code: String,
    },
    Camera {
        device: Device,
        code: String,
    },
    /// A command was refused by its terminal.
    Refused {
        device: Device,
        command: String,
        code: String,
    },
    /// An outage waits for a decision.
    OutageUndecided {
        #[serde(with = "crate::bytes")]
        attempt: AttemptId,
        outage_no: u32,
    },
    /// Another station runs the room now, or claims to.
    StationStopped {
        epoch: u64,
    },
    /// The center has been out of reach since then.
    CenterAway {
        since_ms: i64,
    },
    /// Somebody's password is locked out.
    Lockout {
        staff_id: String,
    },
}
