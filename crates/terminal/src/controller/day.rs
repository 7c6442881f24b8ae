//! What this terminal remembers of a sitting's day, beside the ledger: small facts that are written in the same
//! transaction as the entry that caused them. Nothing readable of a candidate is in it.

use fengjuan_core::event::Hash32;
use fengjuan_core::plan::{ExamMs, Staff};
use fengjuan_core::roster::TextSize;
use fengjuan_core::start::TerminalStart;
use fengjuan_envelope::cbor;
use fengjuan_store::{Projection, Reader, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

const SITTING_NS: &str = "sitting";
const SEED_NS: &str = "seed";
const VISIT_NS: &str = "visit";
const DESK_NS: &str = "desk";
const SLOW_NS: &str = "slowing";

/// One sitting on this terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SittingDay {
    /// When this terminal was started.
    pub start: Option<TerminalStart>,
    /// Sum of the postponements.
    pub postponed_ms: i64,
    pub ended_ms: Option<ExamMs>,
    pub seed_revealed: bool,
    /// The seed is laid by, sealed to this device, until it can be revealed.
    pub seed_kept: bool,
    /// A proctor's recorded decision.
    pub pattern_allowed: bool,
    /// The code was typed here at least once.
    pub unlocked: bool,
    /// Attempts have been made here, so that the seed must be revealed.
    pub attempted: bool,
    /// Tickets whose candidates the center lets in late.
    pub late_allowed: Vec<Hash32>,
    pub substitutes: Vec<Staff>,
    /// Orders that were carried out, by number.
    pub orders: Vec<String>,
    /// Time that the center ordered, for attempts that have not begun yet.
    pub ordered: Vec<OrderedTime>,
}

/// Time ordered by the center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedTime {
    pub order: Hash32,
    pub ms: i64,
    pub reason: String,
    pub by: String,
    pub whom: Whom,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whom {
    Ticket(Hash32),
    ClassGroup(String),
    Room,
    /// A postponement after the terminal was started.
    Postponed,
}

/// The seat that somebody sits at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenVisit {
    pub sitting_no: String,
    pub version: u32,
    pub attempt_id: [u8; 16],
}

/// The text size that whoever sits there has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenTextSize {
    pub attempt_id: [u8; 16],
    pub size: TextSize,
}

/// The open attempt stands still since then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub cause: fengjuan_core::event::OutageCause,
    pub since_ms: ExamMs,
}

fn read<T: DeserializeOwned>(
    reader: &Reader,
    ns: &str,
    key: &[u8],
) -> Result<Option<T>, StoreError> {
    let Some(bytes) = reader.get(ns, key)? else {
        return Ok(None);
    };
    let value = cbor::from_slice(&bytes).map_err(|error| StoreError::Encode {
        detail: format!("{ns}: {error}"),
    })?;
    Ok(Some(value))
}

fn put<T: Serialize>(ns: &'static str, key: &[u8], value: &T) -> Result<Projection, StoreError> {
    let bytes = cbor::to_vec(value).map_err(|error| StoreError::Encode {
        detail: error.to_string(),
    })?;
    Ok(Projection::put(ns, key, bytes))
}

impl SittingDay {
    /// Attempts were made here, and only the code can bring the seed that must be revealed.
    pub fn seed_wanted(&self) -> bool {
        self.attempted && !self.seed_revealed && !self.seed_kept
    }
    /// Sum of the ordered credits, to whomever; postponements are counted elsewhere.
    pub fn ordered_ms(&self) -> i64 {
        let credits = self.ordered.iter();
        credits
            .filter(|ordered| ordered.whom != Whom::Postponed)
            .map(|ordered| ordered.ms)
            .sum()
    }
    pub fn load(reader: &Reader, sitting_no: &str) -> Result<SittingDay, StoreError> {
        Ok(read(reader, SITTING_NS, sitting_no.as_bytes())?.unwrap_or_default())
    }
    pub fn put(&self, sitting_no: &str) -> Result<Projection, StoreError> {
        put(SITTING_NS, sitting_no.as_bytes(), self)
    }
}

/// A sitting's snapshot seed that must be revealed, and may not be yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedSeed {
    pub sitting_no: String,
    /// From then on it is revealed, whatever sitting is worked on and without the code.
    pub due_ms: ExamMs,
    /// To this device's own key.
    pub sealed: ByteBuf,
}

impl OwedSeed {
    pub fn all(reader: &Reader) -> Result<Vec<OwedSeed>, StoreError> {
        Ok(read(reader, SEED_NS, b"owed")?.unwrap_or_default())
    }
    pub fn put_all(owed: &[OwedSeed]) -> Result<Projection, StoreError> {
        put(SEED_NS, b"owed", &owed)
    }
}

impl OpenVisit {
    pub fn load(reader: &Reader) -> Result<Option<OpenVisit>, StoreError> {
        read(reader, VISIT_NS, b"open")
    }
    pub fn put(&self) -> Result<Projection, StoreError> {
        put(VISIT_NS, b"open", self)
    }
    pub fn remove() -> Projection {
        Projection::remove(VISIT_NS, b"open".as_slice())
    }
}

impl ChosenTextSize {
    /// What was chosen in this attempt, if anything was.
    pub fn load(reader: &Reader, attempt_id: &[u8; 16]) -> Result<Option<TextSize>, StoreError> {
        let chosen: Option<ChosenTextSize> = read(reader, VISIT_NS, b"text_size")?;
        Ok(chosen
            .filter(|chosen| chosen.attempt_id == *attempt_id)
            .map(|chosen| chosen.size))
    }
    pub fn put(&self) -> Result<Projection, StoreError> {
        put(VISIT_NS, b"text_size", self)
    }
}

impl Pause {
    pub fn load(reader: &Reader) -> Result<Option<Pause>, StoreError> {
        read(reader, VISIT_NS, b"pause")
    }
    pub fn put(&self) -> Result<Projection, StoreError> {
        put(VISIT_NS, b"pause", self)
    }
    pub fn remove() -> Projection {
        Projection::remove(VISIT_NS, b"pause".as_slice())
    }
}

/// The sitting that the desk chose.
pub fn selected(reader: &Reader) -> Result<Option<String>, StoreError> {
    read(reader, DESK_NS, b"selected")
}

pub fn put_selected(sitting_no: &str) -> Result<Projection, StoreError> {
    put(DESK_NS, b"selected", &sitting_no)
}

/// Wrong tries of a code (by sitting) or a person.
pub fn slowing(reader: &Reader, key: &str) -> Result<crate::staff::Slowing, StoreError> {
    Ok(read(reader, SLOW_NS, key.as_bytes())?.unwrap_or_default())
}

pub fn put_slowing(key: &str, slowing: &crate::staff::Slowing) -> Result<Projection, StoreError> {
    put(SLOW_NS, key.as_bytes(), slowing)
}

impl SittingDay {
    /// What the center ordered for an attempt and is not carried out in it yet, as inputs of the attempt.
    pub fn ordered_for(
        &self,
        ticket: &Hash32,
        class_no: &str,
        carried_out: &[Hash32],
    ) -> Vec<fengjuan_core::attempt::Input> {
        use fengjuan_core::attempt::Input;
        let meant = |ordered: &&OrderedTime| match &ordered.whom {
            Whom::Ticket(hash) => hash == ticket,
            Whom::ClassGroup(of) => of == class_no,
            Whom::Room | Whom::Postponed => true,
        };
        let input = |ordered: &OrderedTime| match ordered.whom {
            Whom::Postponed => Input::Postpone {
                by_ms: ordered.ms,
                order: Some(ordered.order),
            },
            _ => Input::Credit {
                credit_ms: ordered.ms,
                by: ordered.by.clone(),
                reason: ordered.reason.clone(),
                order: Some(ordered.order),
            },
        };
        let open = |ordered: &&OrderedTime| !carried_out.contains(&ordered.order);
        let ordered = self.ordered.iter();
        ordered.filter(meant).filter(open).map(input).collect()
    }
}
