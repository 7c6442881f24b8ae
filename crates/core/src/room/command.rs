//! What the station tells a terminal (指令). A command concerns one device; a decision for a class group or for the
//! room is one command to each device, all with the same scope.
//!
//! Moments are on the exam clock. Who may ask for what is in [`super::rules`].

use super::Device;
use super::lease::CarryPoint;
use crate::event::{Hash32, OutageCause};
use crate::plan::ExamMs;
use serde::{Deserialize, Serialize};

/// One command, the same bytes in both ledgers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Random. Another station that issues the command again keeps it, so that nothing is done twice.
    #[serde(with = "crate::bytes")]
    pub command_id: [u8; 16],
    pub issued_ms: ExamMs,
    /// Staff id of who asked.
    pub by: String,
    /// Staff id of the second person, where the rules want one.
    pub second: Option<String>,
    /// Typed by a person; empty where the rules want none.
    pub reason: String,
    pub body: CommandBody,
}

/// Whom a decision concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Scope {
    Attempt {
        #[serde(with = "crate::bytes")]
        attempt: [u8; 16],
    },
    ClassGroup {
        sitting_no: String,
        class_no: String,
    },
    /// Everybody of this sitting in the room.
    Room { sitting_no: String },
}

/// By whose authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Authority {
    /// The site may decide this itself.
    Site {},
    /// It stands, and waits for the center's order. Approved by phone or not.
    Pending { phone: Option<PhoneApproval> },
    /// The center's signed order, by its hash.
    Order { order: Hash32 },
}

/// Who at the center agreed on the phone, when, and from which number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhoneApproval {
    pub who: String,
    pub when_ms: ExamMs,
    pub number: String,
}

/// What is commanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CommandBody {
    /// 到场: staff stamped this person's arrival.
    Arrive {
        sitting_no: String,
        ticket_hash: Hash32,
        arrival_ms: ExamMs,
    },
    /// 人证核验.
    ConfirmPerson {
        sitting_no: String,
        ticket_hash: Hash32,
        id_document: bool,
        person: bool,
        ticket: bool,
        contraband_clear: bool,
    },
    /// 证件不符未入场.
    RefusePerson {
        sitting_no: String,
        ticket_hash: Hash32,
    },
    /// 开考: everybody who waits, and everybody who comes to wait later, begins at `at_ms` or after it.
    Start {
        sitting_no: String,
        /// The sitting's start with postponements.
        planned_ms: ExamMs,
        at_ms: ExamMs,
    },
    /// 整场顺延: start, late limit and ends move together.
    Postpone {
        sitting_no: String,
        by_ms: i64,
        authority: Authority,
    },
    Suspend {
        scope: Scope,
    },
    Resume {
        scope: Scope,
    },
    /// 补时.
    Credit {
        scope: Scope,
        credit_ms: i64,
        authority: Authority,
    },
    /// This person may enter after the late limit, with the same end.
    LateEntry {
        sitting_no: String,
        ticket_hash: Hash32,
        authority: Authority,
    },
    /// A mistaken hand-in is opened again, with the same end.
    Reopen {
        #[serde(with = "crate::bytes")]
        attempt: [u8; 16],
        authority: Authority,
    },
    /// 责令离场: the attempt stops, no score is shown, "to be decided".
    Remove {
        #[serde(with = "crate::bytes")]
        attempt: [u8; 16],
    },
    /// 强制交卷.
    ForceHandIn {
        #[serde(with = "crate::bytes")]
        attempt: [u8; 16],
    },
    /// A credit of 0 refuses.
    DecideOutage {
        #[serde(with = "crate::bytes")]
        attempt: [u8; 16],
        outage_no: u32,
        credit_ms: i64,
        /// What it was, as the proctor confirms or corrects it.
        #[serde(default)]
        cause: Option<OutageCause>,
    },
    /// 结束考试. Whoever still answers is handed in where `forced`; the terminal refuses it otherwise.
    End {
        sitting_no: String,
        /// One class group; none: all.
        class_no: Option<String>,
        forced: bool,
    },
    /// This terminal may write the attempt from now on. Entries beyond the carry points are evidence.
    Lease {
        #[serde(with = "crate::bytes")]
        attempt: [u8; 16],
        lease: u64,
        carry: Vec<CarryPoint>,
    },
    /// Another terminal holds this attempt under `lease`: become read-only and say why.
    Fence {
        #[serde(with = "crate::bytes")]
        attempt: [u8; 16],
        lease: u64,
        holder: Device,
    },
    /// The way back of a wrong swap: the old terminal goes on with everything of its own up to its carry point.
    Unfence {
        #[serde(with = "crate::bytes")]
        attempt: [u8; 16],
        lease: u64,
        carry: Vec<CarryPoint>,
    },
    /// The number that this machine shows; none: it has none any more.
    SeatNumber {
        seat_no: Option<u32>,
    },
    /// The labelled pattern source instead of a camera, for this sitting.
    PatternCamera {
        sitting_no: String,
    },
}

impl CommandBody {
    /// Stable name, for words and the ledger's readers.
    pub fn name(&self) -> &'static str {
        match self {
            CommandBody::Arrive { .. } => "arrive",
            CommandBody::ConfirmPerson { .. } => "confirm_person",
            CommandBody::RefusePerson { .. } => "refuse_person",
            CommandBody::Start { .. } => "start",
            CommandBody::Postpone { .. } => "postpone",
            CommandBody::Suspend { .. } => "suspend",
            CommandBody::Resume { .. } => "resume",
            CommandBody::Credit { .. } => "credit",
            CommandBody::LateEntry { .. } => "late_entry",
            CommandBody::Reopen { .. } => "reopen",
            CommandBody::Remove { .. } => "remove",
            CommandBody::ForceHandIn { .. } => "force_hand_in",
            CommandBody::DecideOutage { .. } => "decide_outage",
            CommandBody::End { .. } => "end",
            CommandBody::Lease { .. } => "lease",
            CommandBody::Fence { .. } => "fence",
            CommandBody::Unfence { .. } => "unfence",
            CommandBody::SeatNumber { .. } => "seat_number",
            CommandBody::PatternCamera { .. } => "pattern_camera",
        }
    }

    /// The attempt that it names, where it names one.
    pub fn attempt(&self) -> Option<[u8; 16]> {
        match self {
            CommandBody::Reopen { attempt, .. }
            | CommandBody::Remove { attempt }
            | CommandBody::ForceHandIn { attempt }
            | CommandBody::DecideOutage { attempt, .. }
            | CommandBody::Lease { attempt, .. }
            | CommandBody::Fence { attempt, .. }
            | CommandBody::Unfence { attempt, .. }
            | CommandBody::Suspend {
                scope: Scope::Attempt { attempt },
            }
            | CommandBody::Resume {
                scope: Scope::Attempt { attempt },
            }
            | CommandBody::Credit {
                scope: Scope::Attempt { attempt },
                ..
            } => Some(*attempt),
            _ => None,
        }
    }

    /// Whether it goes along with the attempt when that moves to another machine before the command has taken effect
    /// in what is carried on. A terminal that does such a command writes that it took it under the attempt's own header,
    /// so that a ledger tells. (A decision on an outage does not go along: its number is that of one machine.)
    pub fn goes_along(&self) -> bool {
        matches!(
            self,
            CommandBody::Arrive { .. }
                | CommandBody::ConfirmPerson { .. }
                | CommandBody::RefusePerson { .. }
                | CommandBody::Suspend { .. }
                | CommandBody::Resume { .. }
                | CommandBody::Credit { .. }
                | CommandBody::LateEntry { .. }
                | CommandBody::Reopen { .. }
                | CommandBody::Remove { .. }
                | CommandBody::ForceHandIn { .. }
                | CommandBody::End { .. }
        )
    }

    /// By whose authority, where the center has a say.
    pub fn authority(&self) -> Option<&Authority> {
        match self {
            CommandBody::Postpone { authority, .. }
            | CommandBody::Credit { authority, .. }
            | CommandBody::LateEntry { authority, .. }
            | CommandBody::Reopen { authority, .. } => Some(authority),
            _ => None,
        }
    }
}

impl CommandBody {
    /// As [`CommandBody::authority`], to be changed before it is given.
    pub fn authority_mut(&mut self) -> Option<&mut Authority> {
        match self {
            CommandBody::Postpone { authority, .. }
            | CommandBody::Credit { authority, .. }
            | CommandBody::LateEntry { authority, .. }
            | CommandBody::Reopen { authority, .. } => Some(authority),
            _ => None,
        }
    }
}

impl Authority {
    /// The order's hash, where there is one.
    pub fn order(&self) -> Option<Hash32> {
        match self {
            Authority::Order { order } => Some(*order),
            Authority::Site {} | Authority::Pending { .. } => None,
        }
    }

    pub fn is_pending(&self) -> bool {
        matches!(self, Authority::Pending { .. })
    }
}

impl Scope {
    /// Does it concern this attempt of this class group?
    pub fn holds(&self, attempt: &[u8; 16], sitting_no: &str, class_no: &str) -> bool {
        match self {
            Scope::Attempt { attempt: one } => one == attempt,
            Scope::ClassGroup {
                sitting_no: sitting,
                class_no: class,
            } => sitting == sitting_no && class == class_no,
            Scope::Room {
                sitting_no: sitting,
            } => sitting == sitting_no,
        }
    }

    pub fn is_one(&self) -> bool {
        matches!(self, Scope::Attempt { .. })
    }
}
