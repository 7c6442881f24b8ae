//! What a person can ask of the station, and who asks.

use crate::event::Hash32;
use crate::room::Device;
use crate::room::command::{Authority, CommandBody};
use crate::room::epoch::Followed;
use crate::room::lease::AttemptId;
use crate::room::rules::{Deed, Person};
use std::collections::BTreeMap;

/// Who asks, with whom, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub person: Person,
    pub second: Option<Person>,
    /// Typed by a person.
    pub reason: String,
}

/// What is asked. Everything that a command carries to terminals besides is [`Action::Tell`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// This station runs the room from now on. `followed`: how far it followed the one before.
    TakeOver {
        followed: Option<Followed>,
    },
    /// The same without ever having followed anybody: nothing of the room's history is here.
    TakeOverAlone {},
    /// A device that was enrolled is listed.
    List {
        device: Device,
        name: String,
        spare: bool,
    },
    /// Every listed machine without a number, and that is no spare, gets one.
    NumberMachines {},
    /// The roster's seat numbers, by ticket.
    DealByRoster {
        sitting_no: String,
        roster: BTreeMap<Hash32, u32>,
    },
    PublishSeats {
        sitting_no: String,
    },
    MoveSeat {
        seat_no: u32,
        to: Device,
    },
    OutOfUse {
        device: Device,
    },
    BackInUse {
        device: Device,
    },
    /// A machine that asks to be let in is turned away.
    Refuse {
        device: Device,
        name: String,
    },
    /// One that was turned away may ask again.
    LetAskAgain {
        device: Device,
        name: String,
    },
    /// So many that ask are forgotten, and may ask again.
    ForgetAsking {
        machines: u32,
    },
    /// A listed machine is not let in any more, and is out of use with that.
    Revoke {
        device: Device,
    },
    /// A known machine speaks from this address now.
    MoveAddress {
        device: Device,
        address: String,
    },
    /// A new equipment report is asked for.
    CheckMachine {
        device: Device,
    },
    /// Papers of this version are here and verified.
    Held {
        sitting_no: String,
        version: u32,
    },
    /// The code opened them.
    Unlocked {
        sitting_no: String,
        version: u32,
    },
    Start {
        sitting_no: String,
    },
    /// A machine that refused the start gets it again, with all that it refused of this sitting: it has the papers now.
    StartAgain {
        sitting_no: String,
        device: Device,
    },
    Postpone {
        sitting_no: String,
        by_ms: i64,
        authority: Authority,
    },
    End {
        sitting_no: String,
        class_no: Option<String>,
        forced: bool,
    },
    /// Arrivals, confirmations, suspensions, credits, removals and the like.
    Tell {
        body: CommandBody,
    },
    Swap {
        attempt: AttemptId,
        to: Device,
    },
    UndoSwap {
        attempt: AttemptId,
    },
    /// The center's order for a decision that waits for it has been verified.
    OrderArrived {
        awaited_no: u64,
        order: Hash32,
    },
    /// The center has ordered that a sitting is postponed, and no decision waited for that: the terminals carry it out by
    /// themselves, and the station goes by it as well.
    Ordered {
        sitting_no: String,
        by_ms: i64,
        order: Hash32,
    },
    /// The center has everything of this sitting.
    Submitted {
        sitting_no: String,
    },
    AcknowledgeAlert {
        alert_no: u64,
    },
}

impl Action {
    /// The rule that applies; none for what the software itself finds.
    pub(super) fn deed(&self) -> Option<Deed> {
        Some(match self {
            Action::TakeOver { .. } => Deed::TakeOver,
            Action::TakeOverAlone {} => Deed::TakeOverAlone,
            Action::NumberMachines {}
            | Action::DealByRoster { .. }
            | Action::PublishSeats { .. } => Deed::AssignSeats,
            Action::MoveSeat { .. } => Deed::MoveSeat,
            Action::OutOfUse { .. } => Deed::OutOfUse,
            Action::BackInUse { .. } => Deed::BackInUse,
            Action::Refuse { .. } => Deed::RefuseMachine,
            Action::LetAskAgain { .. } => Deed::LetAskAgain,
            Action::ForgetAsking { .. } => Deed::ForgetAsking,
            Action::Revoke { .. } => Deed::RevokeMachine,
            Action::MoveAddress { .. } => Deed::MoveAddress,
            Action::CheckMachine { .. } => Deed::CheckMachine,
            Action::Unlocked { .. } => Deed::Unlock,
            Action::Start { .. } | Action::StartAgain { .. } => Deed::Start,
            Action::Postpone { .. } => Deed::Postpone,
            Action::End { forced: true, .. } => Deed::EndForced,
            Action::End { .. } => Deed::End,
            Action::Tell { body } => return crate::room::rules::deed(body),
            Action::Swap { .. } => Deed::Swap,
            Action::UndoSwap { .. } => Deed::UndoSwap,
            Action::AcknowledgeAlert { .. } => Deed::Acknowledge,
            Action::List { .. }
            | Action::Held { .. }
            | Action::OrderArrived { .. }
            | Action::Ordered { .. }
            | Action::Submitted { .. } => return None,
        })
    }
}

impl Actor {
    /// The program itself.
    pub fn system() -> Actor {
        Actor {
            person: Person {
                staff_id: String::new(),
                role: crate::plan::Role::SystemAdministrator,
            },
            second: None,
            reason: String::new(),
        }
    }

    pub(super) fn staff_id(&self) -> String {
        self.person.staff_id.clone()
    }

    pub(super) fn second_id(&self) -> Option<String> {
        self.second.as_ref().map(|second| second.staff_id.clone())
    }
}
