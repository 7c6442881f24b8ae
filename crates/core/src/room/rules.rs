//! Who may ask for what at the station (职责), as one table. Orders of the center, candidates and the software are
//! none of this table's business.

use super::command::{Authority, CommandBody};
use crate::plan::Role;
use serde::{Deserialize, Serialize};

/// Everything that a person can do at the station, by its stable name.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    Arrive,
    ConfirmPerson,
    RefusePerson,
    Unlock,
    Start,
    Postpone,
    SuspendOne,
    SuspendMany,
    Resume,
    CreditOne,
    CreditMany,
    LateEntry,
    Reopen,
    Remove,
    ForceHandIn,
    DecideOutage,
    End,
    EndForced,
    Swap,
    UndoSwap,
    AssignSeats,
    MoveSeat,
    OutOfUse,
    BackInUse,
    /// A machine that asks to be let in is turned away.
    RefuseMachine,
    /// One that was turned away may ask again.
    LetAskAgain,
    /// Everybody who asks is forgotten, and may ask again.
    ForgetAsking,
    /// An approved machine is not let in any more, for good.
    RevokeMachine,
    /// A known machine may speak from another address.
    MoveAddress,
    /// Asked for a new equipment report.
    CheckMachine,
    PatternCamera,
    TakeOver,
    /// From a station that was never followed, with nothing that it knows.
    TakeOverAlone,
    Acknowledge,
    ReleaseLockout,
}

/// What a deed asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub deed: Deed,
    pub may: &'static [Role],
    /// Another person, who may co-approve, confirms it with a password.
    pub second: bool,
    /// A typed reason.
    pub reason: bool,
    /// It stands as pending until the center's signed order.
    pub order: bool,
}

use Role::{ExamStaff, Proctor, SiteHead, SystemAdministrator};

const PROCTOR: &[Role] = &[Proctor];
const ROOM: &[Role] = &[Proctor, ExamStaff];
const MACHINES: &[Role] = &[Proctor, SystemAdministrator];
const CHECKS: &[Role] = &[Proctor, ExamStaff, SystemAdministrator];
const ALERTS: &[Role] = &[Proctor, ExamStaff, SiteHead];
const LOCKOUTS: &[Role] = &[Proctor, SiteHead, SystemAdministrator];

const fn rule(deed: Deed, may: &'static [Role], marks: &'static str) -> Rule {
    let bytes = marks.as_bytes();
    let (mut second, mut reason, mut order, mut at) = (false, false, false, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'2' => second = true,
            b'r' => reason = true,
            b'o' => order = true,
            _ => {}
        }
        at += 1;
    }
    Rule {
        deed,
        may,
        second,
        reason,
        order,
    }
}

/// `2`: a second person. `r`: a typed reason. `o`: the center's order.
pub const RULES: &[Rule] = &[
    rule(Deed::Arrive, ROOM, "–"),
    rule(Deed::ConfirmPerson, ROOM, "–"),
    rule(Deed::RefusePerson, ROOM, "r"),
    rule(Deed::Unlock, PROCTOR, "–"),
    rule(Deed::Start, PROCTOR, "–"),
    rule(Deed::Postpone, PROCTOR, "2ro"),
    rule(Deed::SuspendOne, PROCTOR, "r"),
    rule(Deed::SuspendMany, PROCTOR, "r"),
    rule(Deed::Resume, PROCTOR, "–"),
    rule(Deed::CreditOne, PROCTOR, "r"),
    rule(Deed::CreditMany, PROCTOR, "2ro"),
    rule(Deed::LateEntry, PROCTOR, "2ro"),
    rule(Deed::Reopen, PROCTOR, "2ro"),
    rule(Deed::Remove, PROCTOR, "2r"),
    rule(Deed::ForceHandIn, PROCTOR, "r"),
    rule(Deed::DecideOutage, PROCTOR, "r"),
    rule(Deed::End, PROCTOR, "–"),
    rule(Deed::EndForced, PROCTOR, "r"),
    rule(Deed::Swap, PROCTOR, "r"),
    rule(Deed::UndoSwap, PROCTOR, "2r"),
    rule(Deed::AssignSeats, ROOM, "–"),
    rule(Deed::MoveSeat, MACHINES, "r"),
    rule(Deed::OutOfUse, MACHINES, "2r"),
    rule(Deed::BackInUse, MACHINES, "2r"),
    rule(Deed::RefuseMachine, MACHINES, "r"),
    rule(Deed::LetAskAgain, MACHINES, "r"),
    rule(Deed::ForgetAsking, MACHINES, "–"),
    rule(Deed::RevokeMachine, MACHINES, "2r"),
    rule(Deed::MoveAddress, MACHINES, "r"),
    rule(Deed::CheckMachine, CHECKS, "–"),
    rule(Deed::PatternCamera, PROCTOR, "r"),
    rule(Deed::TakeOver, PROCTOR, "r"),
    rule(Deed::TakeOverAlone, PROCTOR, "2r"),
    rule(Deed::Acknowledge, ALERTS, "r"),
    rule(Deed::ReleaseLockout, LOCKOUTS, "2r"),
];

/// Why a person may not do this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    #[error("the role may not do this")]
    Role,
    #[error("a second person is needed")]
    SecondNeeded,
    #[error("the second person may not confirm this")]
    SecondRole,
    #[error("the second person is the first")]
    SamePerson,
    #[error("a typed reason is needed")]
    ReasonNeeded,
    #[error("the site may not decide this by itself")]
    OrderNeeded,
}

impl NotAllowed {
    pub fn code(&self) -> &'static str {
        match self {
            NotAllowed::Role => "room.role",
            NotAllowed::SecondNeeded => "room.second_needed",
            NotAllowed::SecondRole => "room.second_role",
            NotAllowed::SamePerson => "room.same_person",
            NotAllowed::ReasonNeeded => "room.reason_needed",
            NotAllowed::OrderNeeded => "room.order_needed",
        }
    }
}

/// A person who acts, logged in at the station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub staff_id: String,
    pub role: Role,
}

/// The row of a deed.
pub fn rule_of(deed: Deed) -> &'static Rule {
    // The table has a row for every deed; the first row is never reached for another (see the tests).
    RULES
        .iter()
        .find(|row| row.deed == deed)
        .unwrap_or(&RULES[0])
}

/// May this person do it, with this second person and reason?
///
/// # Errors
/// [`NotAllowed`], the first that applies.
pub fn allowed(
    deed: Deed,
    by: &Person,
    second: Option<&Person>,
    reason: &str,
) -> Result<(), NotAllowed> {
    let rule = rule_of(deed);
    if !rule.may.contains(&by.role) {
        return Err(NotAllowed::Role);
    }
    if rule.second {
        let second = second.ok_or(NotAllowed::SecondNeeded)?;
        if second.staff_id == by.staff_id {
            return Err(NotAllowed::SamePerson);
        }
        if !second.role.may_co_approve() {
            return Err(NotAllowed::SecondRole);
        }
    }
    if rule.reason && reason.trim().is_empty() {
        return Err(NotAllowed::ReasonNeeded);
    }
    Ok(())
}

/// A deed that needs the center's order stands on nothing but that order, or as pending.
///
/// # Errors
/// [`NotAllowed::OrderNeeded`].
pub fn authorised(deed: Deed, authority: &Authority) -> Result<(), NotAllowed> {
    let by_site = matches!(authority, Authority::Site {});
    if rule_of(deed).order && by_site {
        Err(NotAllowed::OrderNeeded)
    } else {
        Ok(())
    }
}

/// The deed that a command is. None for those that are only ever part of another deed (a fence is part of a swap).
pub fn deed(body: &CommandBody) -> Option<Deed> {
    Some(match body {
        CommandBody::Arrive { .. } => Deed::Arrive,
        CommandBody::ConfirmPerson { .. } => Deed::ConfirmPerson,
        CommandBody::RefusePerson { .. } => Deed::RefusePerson,
        CommandBody::Start { .. } => Deed::Start,
        CommandBody::Postpone { .. } => Deed::Postpone,
        CommandBody::Suspend { scope } if scope.is_one() => Deed::SuspendOne,
        CommandBody::Suspend { .. } => Deed::SuspendMany,
        CommandBody::Resume { .. } => Deed::Resume,
        CommandBody::Credit { scope, .. } if scope.is_one() => Deed::CreditOne,
        CommandBody::Credit { .. } => Deed::CreditMany,
        CommandBody::LateEntry { .. } => Deed::LateEntry,
        CommandBody::Reopen { .. } => Deed::Reopen,
        CommandBody::Remove { .. } => Deed::Remove,
        CommandBody::ForceHandIn { .. } => Deed::ForceHandIn,
        CommandBody::DecideOutage { .. } => Deed::DecideOutage,
        CommandBody::End { forced: true, .. } => Deed::EndForced,
        CommandBody::End { .. } => Deed::End,
        CommandBody::Lease { .. } => Deed::Swap,
        CommandBody::Unfence { .. } => Deed::UndoSwap,
        CommandBody::PatternCamera { .. } => Deed::PatternCamera,
        CommandBody::CheckEquipment {} => Deed::CheckMachine,
        CommandBody::SeatNumber { .. } => Deed::MoveSeat,
        CommandBody::Fence { .. } | CommandBody::Seats { .. } => return None,
    })
}
