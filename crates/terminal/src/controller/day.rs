//! What this terminal remembers of a sitting's day, beside the ledger: small facts that are written in the same
//! transaction as the entry that caused them. Nothing readable of a candidate is in it.

use fengjuan_core::attempt::Input;
use fengjuan_core::event::Hash32;
use fengjuan_core::plan::{ExamMs, Staff};
use fengjuan_core::room::command::{Authority, Command};
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
    /// Time that the center ordered or the station gave, for attempts that have not begun yet or stand still.
    pub ordered: Vec<OrderedTime>,
    /// Who had the station start the sitting: then whoever waits begins without anybody at this machine.
    pub started_by: Option<String>,
    /// Class groups whose exam the station has ended.
    pub ended_classes: Vec<String>,
    /// Orders that took effect here, by hash, whichever way they came.
    pub orders_seen: Vec<Hash32>,
    /// What stands until the center's order comes.
    pub pending: Vec<Pending>,
    /// Who sits at which number, by the station's word; empty: the roster's own numbers.
    pub dealt: Vec<(Hash32, u32)>,
    /// Orders that came before the room's decision that they answer, if there is one.
    pub unanswered: Vec<Pending>,
    /// Commands of the station that take effect when the papers are open here again, in their order.
    pub owed: Vec<Owed>,
}

/// A command that was taken while the attempt that it is about was locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    pub epoch: u64,
    pub no: u64,
    pub hash: Hash32,
    pub command: Command,
}

/// A decision of the room that waits for the center's order, or the other way round. When the other comes, the time is
/// not given twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub whom: Whom,
    pub ms: i64,
    /// The decision's hash, or the order's.
    pub cause: Hash32,
}

/// Time ordered by the center, or given by the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedTime {
    /// The order's hash, or that of the room's decision where there is no order.
    pub order: Hash32,
    pub ms: i64,
    pub reason: String,
    pub by: String,
    pub whom: Whom,
    /// No order of the center.
    #[serde(default)]
    pub pending: bool,
    /// What else stands for the same time: the order that answered the decision, or the decision that it answered. An
    /// attempt that comes from another machine has had it under either.
    #[serde(default)]
    pub also: Vec<Hash32>,
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
pub fn slowing(reader: &Reader, key: &str) -> Result<fengjuan_device::staff::Slowing, StoreError> {
    Ok(read(reader, SLOW_NS, key.as_bytes())?.unwrap_or_default())
}

pub fn put_slowing(
    key: &str,
    slowing: &fengjuan_device::staff::Slowing,
) -> Result<Projection, StoreError> {
    put(SLOW_NS, key.as_bytes(), slowing)
}

impl SittingDay {
    /// What was ordered for an attempt and is not carried out in it yet. `carried_out`: orders and decisions that its
    /// entries name, on whichever machine they were written.
    pub fn ordered_for(
        &self,
        ticket: &Hash32,
        class_no: &str,
        carried_out: &[Hash32],
    ) -> Vec<OrderedTime> {
        let meant = |ordered: &&OrderedTime| match &ordered.whom {
            Whom::Ticket(hash) => hash == ticket,
            Whom::ClassGroup(of) => of == class_no,
            Whom::Room | Whom::Postponed => true,
        };
        let open = |ordered: &&OrderedTime| {
            let mut names = ordered.also.iter().chain([&ordered.order]);
            !names.any(|name| carried_out.contains(name))
        };
        let ordered = self.ordered.iter();
        ordered.filter(meant).filter(open).cloned().collect()
    }

    /// Keeps time for whoever begins later or stands still; the same decision once, however often it is told.
    pub fn keep(&mut self, time: OrderedTime) {
        if !self.ordered.iter().any(|kept| kept.order == time.order) {
            self.ordered.push(time);
        }
    }

    /// Notes by whose authority time is given. False where that was given before, or on the order itself.
    pub fn note_authority(&mut self, authority: &Authority, time: Pending) -> bool {
        match authority {
            Authority::Site {} => true,
            Authority::Pending { .. } => {
                let SittingDay {
                    unanswered,
                    ordered,
                    ..
                } = self;
                let given = matched(unanswered, ordered, &time);
                self.pending.extend((!given).then_some(time));
                !given
            }
            Authority::Order { order } => {
                // The station has taken this order for itself: it answers none of its decisions.
                self.unanswered.retain(|known| known.cause != *order);
                let seen = self.orders_seen.contains(order);
                self.orders_seen.extend((!seen).then_some(*order));
                !seen
            }
        }
    }

    /// An order has come. False where its time was given on the room's own decision.
    pub fn note_order(&mut self, time: Pending) -> bool {
        let SittingDay {
            pending, ordered, ..
        } = self;
        let given = matched(pending, ordered, &time);
        self.unanswered.extend((!given).then_some(time));
        !given
    }

    /// The sitting moves. A start that is still ahead moves along; after it, whoever begins later gets the time.
    pub fn postpone(&mut self, by_ms: i64, now: ExamMs, later: impl FnOnce(Whom) -> OrderedTime) {
        self.postponed_ms += by_ms;
        match &mut self.start {
            Some(start) if now < start.started_ms => {
                start.planned_ms += by_ms;
                start.started_ms += by_ms;
            }
            Some(_) => self.keep(later(Whom::Postponed)),
            None => {}
        }
    }
}

/// Takes out the first that waits for this as its counterpart, and notes that both are one. Another amount is another
/// decision, here as at the station.
fn matched(waiting: &mut Vec<Pending>, ordered: &mut [OrderedTime], time: &Pending) -> bool {
    let same = |one: &Pending| one.whom == time.whom && one.ms == time.ms;
    let Some(place) = waiting.iter().position(same) else {
        return false;
    };
    let cause = waiting.remove(place).cause;
    for kept in ordered.iter_mut().filter(|kept| kept.order == cause) {
        kept.also.push(time.cause);
    }
    true
}

impl OrderedTime {
    /// As an input of the attempt.
    pub fn input(&self) -> Input {
        let (order, decision) = match self.pending {
            true => (None, Some(self.order)),
            false => (Some(self.order), None),
        };
        match self.whom {
            Whom::Postponed => Input::Postpone {
                by_ms: self.ms,
                order,
                decision,
            },
            _ => Input::Credit {
                credit_ms: self.ms,
                by: self.by.clone(),
                reason: self.reason.clone(),
                order,
                decision,
            },
        }
    }
}
