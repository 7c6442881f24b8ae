//! An attempt that moves between terminals (换机续考): what goes on from other ledgers, kept here so that a restart
//! needs nobody, and the one history that the attempt is replayed from.

use super::day::{OpenVisit, Pause};
use super::held::Outward;
use super::seats::SeatRecord;
use super::state::{State, Surface, Visit};
use fengjuan_core::event::{Event, Hash32, OutageCause};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::command::{Command, CommandBody};
use fengjuan_core::room::lease::{AttemptId, CarryPoint, LeaseChain};
use fengjuan_core::seat::SeatState;
use fengjuan_core::start::TerminalStart;
use fengjuan_device::recorder::commanded;
use fengjuan_device::refusal::{Answer, refused};
use fengjuan_envelope::{cbor, merkle};
use fengjuan_store::{Change, Projection, Reader, StoreError, StoredEntry};
use fengjuan_wire::bundle;
use fengjuan_wire::entry::Entry;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

const NS: &str = "carried";
/// The entries may come yet.
pub const UNREACHABLE: &str = "moved.unreachable";

/// The lease under which this terminal goes on with an attempt, and what goes on from other ledgers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    lease: u64,
    carry: Vec<CarryPoint>,
    /// Entries of other ledgers, each ledger's in its order.
    entries: Vec<ByteBuf>,
}

impl Kept {
    fn load(reader: &Reader, attempt: &AttemptId) -> Result<Option<Kept>, StoreError> {
        let Some(bytes) = reader.get(NS, attempt)? else {
            return Ok(None);
        };
        let kept = cbor::from_slice(&bytes).map_err(|error| damaged(&error))?;
        Ok(Some(kept))
    }

    fn put(&self, attempt: &AttemptId) -> Result<Projection, StoreError> {
        let bytes = cbor::to_vec(self).map_err(|error| damaged(&error))?;
        Ok(Projection::put(NS, attempt.as_slice(), bytes))
    }

    /// Everything that is part of the attempt, from all its ledgers, in its order.
    fn history(
        &self,
        attempt: &AttemptId,
        own_ledger: [u8; 16],
        own: Vec<StoredEntry>,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let chain = LeaseChain::of_carry(*attempt, self.lease, own_ledger, &self.carry)
            .map_err(|error| damaged(&error))?;
        let mut placed = BTreeMap::new();
        for bytes in &self.entries {
            let entry = Entry::decode(bytes).map_err(|error| damaged(&error))?;
            if let Some(place) = chain.place(entry.lease, &entry.ledger_id, entry.seq) {
                placed.insert(place, stored(&entry, bytes));
            }
        }
        for stored in own {
            let entry = Entry::decode(&stored.bytes).map_err(|error| damaged(&error))?;
            if let Some(place) = chain.place(entry.lease, &own_ledger, entry.seq) {
                placed.insert(place, stored);
            }
        }
        Ok(placed.into_values().collect())
    }
}

pub(super) fn damaged(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Encode {
        detail: format!("{NS}: {error}"),
    }
}

/// An entry of another ledger, as if it had been read from this one's table.
fn stored(entry: &Entry<'_>, bytes: &[u8]) -> StoredEntry {
    StoredEntry {
        seq: entry.seq,
        class: fengjuan_core::event::event_kind(entry.kind).map_or(0, |kind| kind.class as u8),
        kind: entry.kind.to_owned(),
        attempt: entry.attempt,
        attempt_seq: entry.attempt_seq,
        exam_ms: entry.exam_ms,
        wall_ms: entry.wall_ms,
        leaf: merkle::leaf_hash(bytes),
        bytes: bytes.to_vec(),
    }
}

/// The attempt's entries in their order, wherever they were written; without what is evidence only.
///
/// # Errors
/// Storage errors.
pub fn history(reader: &Reader, attempt: &AttemptId) -> Result<Vec<StoredEntry>, StoreError> {
    let own = reader.entries_of_attempt(attempt)?;
    match Kept::load(reader, attempt)? {
        None => Ok(own),
        Some(kept) => kept.history(attempt, reader.head()?.ledger_id, own),
    }
}

/// The earlier leases of this attempt, for its bundle.
///
/// # Errors
/// Storage errors.
pub(super) fn carried(
    reader: &Reader,
    attempt: &AttemptId,
) -> Result<Vec<bundle::Carried>, StoreError> {
    let Some(kept) = Kept::load(reader, attempt)? else {
        return Ok(Vec::new());
    };
    let own = reader.head()?.ledger_id;
    let of = |point: &CarryPoint| -> Result<bundle::Carried, StoreError> {
        let mut entries = Vec::new();
        for bytes in &kept.entries {
            let entry = Entry::decode(bytes).map_err(|error| damaged(&error))?;
            let under = entry.ledger_id == point.ledger_id && entry.lease == point.lease;
            if under && point.ledger_id != own && entry.seq < point.size {
                entries.push(bytes.clone());
            }
        }
        Ok(bundle::Carried {
            point: *point,
            entries,
        })
    };
    kept.carry.iter().map(of).collect()
}

/// The attempt's entries as the upstream holds them, fetched before the lease is taken.
pub(super) struct Fetched(Vec<Vec<u8>>);

impl Fetched {
    /// Where the command has an attempt move here. Blocks; not under a lock.
    pub fn for_command(body: &CommandBody, outward: &dyn Outward) -> Option<Answer<Fetched>> {
        match body {
            CommandBody::Lease { attempt, .. } | CommandBody::Unfence { attempt, .. } => {
                Some(outward.attempt_entries(attempt).map(Fetched))
            }
            _ => None,
        }
    }

    /// What goes on from other ledgers. Each ledger's entries must be there without a gap.
    fn kept(
        &self,
        attempt: &AttemptId,
        own_ledger: &[u8; 16],
        lease: u64,
        carry: &[CarryPoint],
    ) -> Answer<Kept> {
        let chain = LeaseChain::of_carry(*attempt, lease, *own_ledger, carry)
            .map_err(|error| refused(error.code()))?;
        // Of each ledger: by the attempt's own numbering, the place in the ledger.
        let mut ledgers: BTreeMap<[u8; 16], BTreeMap<u64, u64>> = BTreeMap::new();
        let mut counted = BTreeMap::new();
        for bytes in &self.0 {
            let entry = Entry::decode(bytes).map_err(|_| refused("moved.entries_damaged"))?;
            if entry.attempt != Some(*attempt) {
                return Err(refused("moved.entries_foreign"));
            }
            // What is not carried on is evidence, and nothing here depends on it.
            let sizes = carry.iter().filter(|one| one.ledger_id == entry.ledger_id);
            let size = sizes.map(|one| one.size).max().unwrap_or(0);
            if entry.ledger_id == *own_ledger || entry.seq >= size {
                continue;
            }
            let ledger = ledgers.entry(entry.ledger_id).or_default();
            ledger.insert(entry.attempt_seq, entry.seq);
            if let Some(place) = chain.place(entry.lease, &entry.ledger_id, entry.seq) {
                counted.insert(place, ByteBuf::from(bytes.clone()));
            }
        }
        for entries in ledgers.values() {
            let mut before = None;
            for (place, (attempt_seq, seq)) in entries.iter().enumerate() {
                let follows = *attempt_seq == place as u64 && before < Some(*seq);
                if !follows {
                    return Err(refused("moved.entries_gap"));
                }
                before = Some(*seq);
            }
        }
        let goes_on = |point: &&CarryPoint| point.size > 0 && point.ledger_id != *own_ledger;
        let first = carry.iter().find(goes_on);
        if first.is_some_and(|point| !ledgers.contains_key(&point.ledger_id)) {
            return Err(refused("moved.entries_missing"));
        }
        Ok(Kept {
            lease,
            carry: carry.to_vec(),
            entries: counted.into_values().collect(),
        })
    }
}

impl State {
    /// This terminal may write the attempt from now on, under this lease.
    pub(super) fn take_lease(
        &mut self,
        command: &Command,
        fetched: Option<Fetched>,
        now: ExamMs,
    ) -> Answer {
        let (CommandBody::Lease {
            attempt,
            lease,
            carry,
        }
        | CommandBody::Unfence {
            attempt,
            lease,
            carry,
        }) = &command.body
        else {
            return Err(refused("room.unknown_attempt"));
        };
        let ticket_no = self
            .ticket_of(attempt)
            .ok_or_else(|| refused("room.unknown_attempt"))?;
        self.may_take_over(&ticket_no, *lease)?;
        let fetched = fetched.ok_or_else(|| refused("moved.entries_missing"))?;
        let own_ledger = self.reader.head()?.ledger_id;
        let kept = fetched.kept(attempt, &own_ledger, *lease, carry)?;
        let own = self.reader.entries_of_attempt(attempt)?;
        let history = kept.history(attempt, own_ledger, own.clone())?;
        let rules = self.active()?.rules_for(&ticket_no);
        let mut seat = SeatRecord::replay(*attempt, rules, &history)?;
        let event = Event::LeaseTaken {
            attempt: *attempt,
            lease: *lease,
            carry: carry.clone(),
        };
        seat.apply(&event, now)?;
        let entry = self.shared.recorder.entry_under(
            &commanded(&command.by),
            Some((*attempt, *lease)),
            None,
            event,
            now,
        );
        let change = Change::default().entry(entry).project(kept.put(attempt)?);
        self.commit(change)?;
        self.know_again(&own, &history)?;
        let last_ms = history.iter().rev().find_map(|entry| entry.exam_ms);
        self.run = None;
        self.sit_down(&ticket_no, seat, last_ms.unwrap_or(now), now)
    }

    fn may_take_over(&self, ticket_no: &str, lease: u64) -> Answer {
        let active = self.active()?;
        let taken = self.visit.as_ref();
        if taken.is_some_and(|visit| visit.ticket_no != ticket_no) {
            return Err(refused("seat.taken"));
        }
        if active.day.ended_ms.is_some() {
            return Err(refused("sitting.already_ended"));
        }
        let seat = active.seats.get(ticket_no);
        match seat.is_some_and(|seat| seat.fence().may_take(lease)) {
            true => Ok(()),
            false => Err(refused("lease.out_of_order")),
        }
    }

    /// Whoever the attempt belongs to sits here from now on; an attempt that had begun stands still until it is taken up.
    fn sit_down(
        &mut self,
        ticket_no: &str,
        seat: SeatRecord,
        last_ms: ExamMs,
        now: ExamMs,
    ) -> Answer {
        let (attempt, open, begun) = (seat.attempt_id, seat.open(), seat.begun);
        let active = self.active_mut()?;
        let unknown = || refused("desk.unknown_ticket");
        let candidate = active.candidate(ticket_no).cloned().ok_or_else(unknown)?;
        active.seats.insert(ticket_no.to_owned(), seat);
        let mut day = active.day.clone();
        if let Some(begun) = begun {
            day.attempted = true;
            let start = active.start_of(&candidate, begun.ends_ms);
            day.start = day.start.or(start);
        }
        let sitting_no = active.sitting_no().to_owned();
        let version = active.sitting().version;
        active.day = day.clone();
        let visit = OpenVisit {
            sitting_no: sitting_no.clone(),
            version,
            attempt_id: attempt,
        };
        let change = Change::default()
            .project(day.put(&sitting_no)?)
            .project(visit.put()?);
        self.commit(change)?;
        self.visit = Some(Visit::new(ticket_no, candidate.accommodation.text_size));
        self.identifying = false;
        self.surface = Surface::Candidate;
        self.pause = None;
        if open {
            let pause = Pause {
                cause: OutageCause::Device,
                since_ms: last_ms.min(now),
            };
            self.commit(Change::default().project(pause.put()?))?;
            self.pause = Some(pause);
        }
        Ok(())
    }

    /// After the lease is durable: on with the questions, where the papers are open here.
    pub(super) fn go_on_here(&mut self, now: ExamMs) {
        self.moved_here = Some(now);
        if self.unlocked.is_none() {
            return;
        }
        if let Err(refusal) = self.take_up(now) {
            tracing::error!(code = refusal.code, "the attempt cannot go on here yet");
        }
        self.carry_out_owed();
    }

    /// Another terminal holds the attempt: nothing of it is written here any more.
    pub(super) fn fence(
        &mut self,
        command: &Command,
        attempt: &AttemptId,
        lease: u64,
        holder: Hash32,
        now: ExamMs,
    ) -> Answer {
        let ticket_no = self
            .ticket_of(attempt)
            .ok_or_else(|| refused("room.unknown_attempt"))?;
        let active = self.active()?;
        let seat = active.seats.get(&ticket_no);
        let fence = seat.map(|seat| *seat.fence()).unwrap_or_default();
        if !fence.may_fence(lease) {
            return Err(refused("lease.out_of_order"));
        }
        let event = Event::Fenced {
            attempt: *attempt,
            lease,
            holder,
        };
        self.record_seat(
            &commanded(&command.by),
            &ticket_no,
            &[event],
            now,
            Vec::new(),
        )?;
        let runs = self.run.as_ref();
        if runs.is_some_and(|run| run.ticket_no == ticket_no) {
            self.run = None;
        }
        let sits = self.visit.as_ref();
        if sits.is_some_and(|visit| visit.ticket_no == ticket_no) {
            self.pause = None;
            self.commit(Change::default().project(Pause::remove()))?;
        }
        Ok(())
    }

    /// Whoever sits here does so read-only: the attempt goes on elsewhere.
    pub(super) fn fenced_visit(&self) -> Option<ExamMs> {
        let visit = self.visit.as_ref()?;
        let seat = self.active.as_ref()?.seats.get(&visit.ticket_no)?;
        seat.is_fenced().then_some(seat.fenced_ms).flatten()
    }

    /// Whether one picture is to be taken of whoever has moved here in the middle of an attempt.
    pub(super) fn moved_picture_due(&self) -> Option<String> {
        let visit = self.visit.as_ref()?;
        let state = self.seat_state(&visit.ticket_no)?;
        (state == SeatState::Answering).then(|| visit.ticket_no.clone())
    }
}

impl super::active::Active {
    /// When the terminal was started, from the recorded end of an attempt that began there.
    pub fn start_of(
        &self,
        candidate: &fengjuan_core::roster::Candidate,
        ends_ms: ExamMs,
    ) -> Option<TerminalStart> {
        let class = self.sitting().class_group(&candidate.class_no)?;
        let minutes = i64::from(class.minutes_for(&candidate.accommodation));
        Some(TerminalStart {
            planned_ms: self.planned_start_ms(),
            started_ms: ends_ms.saturating_sub(minutes * 60_000),
        })
    }
}
