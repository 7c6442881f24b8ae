use crate::upstream::Enrolment;
use crate::view::LinkState;
use fengjuan_wire::Hash32;
use std::collections::{BTreeMap, BTreeSet};

/// How it stands with the hub, calmly: while it is away everything goes on here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomLink {
    /// The hub runs this room, and hears every answer.
    On,
    /// Not heard, since this boot time.
    Away { since_boot_ms: i64, code: String },
    /// A hub answers that is not to be obeyed, or does not take this machine.
    Refused { code: String },
}

impl RoomLink {
    pub fn is_on(&self) -> bool {
        *self == RoomLink::On
    }
}

/// What the screens show of the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncState {
    pub link: LinkState,
    /// The last answer; `None` before anybody asked.
    pub enrolment: Option<Enrolment>,
    /// The room channel to the hub; none in direct mode.
    pub room: Option<RoomLink>,
    /// Sealed objects that only this machine holds: without a verified receipt of the center or the hub.
    pub unsent: u32,
    /// Sealed objects that the hub holds, and of which the center's receipt is not here yet.
    pub at_hub: BTreeSet<Hash32>,
    /// Code of each unsent object's last failed try.
    pub failures: BTreeMap<Hash32, String>,
    pub ledger_size: u64,
    /// Entries that the upstream has said are durable there.
    pub replicated: u64,
    /// Entries under a checkpoint that the witness cosigned, and when it did (its clock, milliseconds).
    pub witnessed_size: u64,
    pub witnessed_ms: Option<i64>,
    /// Where the upstream holds another entry than this ledger.
    pub forked_at: Option<u64>,
    /// The witness has cosigned the head since the program started: it holds nothing that this ledger lacks.
    pub head_confirmed: bool,
    /// Upstream's time minus the exam clock at the last comparison, and its round trip.
    pub clock_offset_ms: Option<(i64, i64)>,
    /// Code of what went wrong in the last pass.
    pub last_error: Option<String>,
}

impl SyncState {
    /// Certified by the center, or by a hub that it trusts.
    pub fn is_enrolled(&self) -> bool {
        matches!(self.enrolment, Some(Enrolment::Approved(_)))
    }

    pub(crate) fn new(enrolment: Option<Enrolment>) -> SyncState {
        let link = match enrolment {
            Some(Enrolment::Approved(_)) => LinkState::Offline,
            _ => LinkState::NotEnrolled,
        };
        SyncState {
            link,
            enrolment,
            room: None,
            unsent: 0,
            at_hub: BTreeSet::new(),
            failures: BTreeMap::new(),
            ledger_size: 0,
            replicated: 0,
            witnessed_size: 0,
            witnessed_ms: None,
            forked_at: None,
            head_confirmed: false,
            clock_offset_ms: None,
            last_error: None,
        }
    }
}
