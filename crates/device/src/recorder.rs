//! The one way into the ledger: every event gets its stamp (boot, boot time, exam time, wall time, actor) here, and
//! is durable when the call returns. Also carries the exam clock, whose ticks are persisted beside the entries.

use crate::machine::Machine;
use fengjuan_core::clock::{ExamClock, Resumption, Tick};
use fengjuan_core::event::Event;
use fengjuan_core::plan::ExamMs;
use fengjuan_envelope::cbor;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_store::{
    Appended, Change, EncodeEntry, Hash, Place, Projection, Reader, StoreError, Writer,
};
use fengjuan_wire::entry::{self, Stamp};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use unwritten::Unwritten;

/// Actor of what the program itself sees and does.
pub const SYSTEM: &str = "system";
/// Actor of what the candidate at the machine does.
pub const CANDIDATE: &str = "candidate";
/// Actor of what the center ordered.
pub const CENTER: &str = "center";
/// Actor of what the room's station does where nobody's name goes with it.
pub const STATION: &str = "station";

/// Actor of what a named staff member does.
pub fn staff(staff_id: &str) -> String {
    format!("staff:{staff_id}")
}

/// Actor of what came as a command: the staff member who gave it, or the station where it decided by itself.
pub fn commanded(by: &str) -> String {
    match by {
        "" => STATION.to_owned(),
        by => staff(by),
    }
}

const CLOCK_NS: &str = "clock";
const TICK_KEY: &[u8] = b"tick";
/// Ticks are persisted when the exam clock has moved at least this far.
const TICK_EVERY_MS: i64 = 1_000;

/// The attempt that an entry belongs to, with the key of its sealed entries.
#[derive(Clone)]
pub struct AttemptContext {
    pub id: [u8; 16],
    /// Fencing number of the seat; 1 in direct mode.
    pub lease: u64,
    pub key: SecretKey,
}

/// Writes events. Clones share the writer, the machine and the exam clock.
#[derive(Clone)]
pub struct Recorder {
    writer: Writer,
    machine: Arc<dyn Machine>,
    clock: Arc<Mutex<ExamClock>>,
    last_tick_boot_ms: Arc<AtomicI64>,
    unwritten: Arc<Mutex<Unwritten>>,
}

/// What a look at the clocks found.
#[derive(Debug)]
#[must_use]
pub struct Observed {
    /// Length of a suspend in milliseconds; told once, whether or not storage took the record.
    pub slept_ms: Option<i64>,
    /// Whether everything seen so far is durable. What is not is written by a later look.
    pub written: Result<(), StoreError>,
}

impl Recorder {
    /// Takes the exam clock up where the last persisted tick left it.
    ///
    /// # Errors
    /// Storage errors. A tick that cannot be read is taken for none: the clock is then flagged.
    pub fn start(
        writer: Writer,
        reader: &Reader,
        machine: Arc<dyn Machine>,
    ) -> Result<(Recorder, Resumption), StoreError> {
        let last = last_tick(reader)?;
        let (clock, resumption) = ExamClock::resume(
            last.as_ref(),
            machine.boot_id(),
            machine.boot_ms(),
            machine.wall_ms(),
        );
        let recorder = Recorder {
            writer,
            machine,
            clock: Arc::new(Mutex::new(clock)),
            last_tick_boot_ms: Arc::new(AtomicI64::new(i64::MIN)),
            unwritten: Arc::default(),
        };
        Ok((recorder, resumption))
    }

    /// Records an event of no attempt. Blocks until it is durable.
    ///
    /// # Errors
    /// As the store's writer; nothing is recorded then.
    pub fn record(&self, actor: &str, event: Event) -> Result<Appended, StoreError> {
        self.record_with(actor, None, event, Vec::new())
    }

    /// Records an event, with changes of the small state in the same transaction. Blocks until it is durable.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub fn record_with(
        &self,
        actor: &str,
        attempt: Option<&AttemptContext>,
        event: Event,
        mut projections: Vec<Projection>,
    ) -> Result<Appended, StoreError> {
        let tick = self.due_tick()?;
        let tick_boot_ms = tick.as_ref().map(|(boot_ms, _)| *boot_ms);
        projections.extend(tick.map(|(_, projection)| projection));
        let appended = self
            .writer
            .append(self.entry(actor, attempt, event), projections)?;
        self.ticked(tick_boot_ms);
        Ok(appended)
    }

    /// Stores a sealed object with the events that tell of it, in one transaction. `None` where it was there already.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub fn store_object(
        &self,
        kind: &str,
        hash: Hash,
        bytes: &[u8],
        change: Change,
    ) -> Result<Option<Vec<Appended>>, StoreError> {
        self.writer.put_object(kind, hash, bytes, change)
    }

    /// An event with its stamp of this moment, to be put into a [`Change`] with others.
    pub fn entry(
        &self,
        actor: &str,
        attempt: Option<&AttemptContext>,
        event: Event,
    ) -> Box<dyn EncodeEntry> {
        let boot_ms = self.machine.boot_ms();
        let stamp = Stamp {
            attempt: attempt.map(|attempt| attempt.id),
            lease: attempt.map_or(0, |attempt| attempt.lease),
            actor: actor.to_owned(),
            boot_id: self.machine.boot_id(),
            boot_ms,
            exam_ms: Some(self.clock().now(boot_ms)),
            wall_ms: self.machine.wall_ms(),
        };
        Box::new(StampedEvent {
            stamp,
            event,
            key: attempt.map(|attempt| attempt.key.clone()),
        })
    }

    /// As [`Recorder::entry`], with the exam time by which the event was decided (so that whoever replays the ledger
    /// judges by the same moment), and for an attempt whose key may not be open yet: only sealed events need it.
    pub fn entry_at(
        &self,
        actor: &str,
        attempt: Option<[u8; 16]>,
        key: Option<&SecretKey>,
        event: Event,
        exam_ms: ExamMs,
    ) -> Box<dyn EncodeEntry> {
        let attempt = attempt.map(|attempt| (attempt, 1));
        self.entry_under(actor, attempt, key, event, exam_ms)
    }

    /// As [`Recorder::entry_at`], with the lease under which this machine writes the attempt.
    pub fn entry_under(
        &self,
        actor: &str,
        attempt: Option<([u8; 16], u64)>,
        key: Option<&SecretKey>,
        event: Event,
        exam_ms: ExamMs,
    ) -> Box<dyn EncodeEntry> {
        let stamp = Stamp {
            attempt: attempt.map(|(id, _)| id),
            lease: attempt.map_or(0, |(_, lease)| lease),
            actor: actor.to_owned(),
            boot_id: self.machine.boot_id(),
            boot_ms: self.machine.boot_ms(),
            exam_ms: Some(exam_ms),
            wall_ms: self.machine.wall_ms(),
        };
        Box::new(StampedEvent {
            stamp,
            event,
            key: key.cloned(),
        })
    }

    /// The exam time of this moment.
    pub fn exam_now(&self) -> ExamMs {
        let boot_ms = self.machine.boot_ms();
        self.clock().now(boot_ms)
    }

    /// The exam clock itself, to anchor it or to look at its quality. Hold it briefly.
    pub fn clock(&self) -> MutexGuard<'_, ExamClock> {
        self.clock
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn machine(&self) -> &Arc<dyn Machine> {
        &self.machine
    }

    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Persists a tick where the last one is a second old or older. Call it often; it writes rarely.
    ///
    /// # Errors
    /// As the store's writer.
    pub fn tick(&self) -> Result<(), StoreError> {
        if let Some((boot_ms, projection)) = self.due_tick()? {
            self.writer.put(vec![projection])?;
            self.ticked(Some(boot_ms));
        }
        Ok(())
    }

    /// Persists a tick now, whatever the age of the last one: after an anchor, so that a restart stays anchored.
    ///
    /// # Errors
    /// As the store's writer.
    pub fn persist_clock(&self) -> Result<(), StoreError> {
        self.last_tick_boot_ms.store(i64::MIN, Ordering::Relaxed);
        self.tick()
    }

    /// Looks at the wall clock and for suspends, and records what it sees, with whatever storage refused before.
    pub fn observe(&self) -> Observed {
        let (boot_ms, wall_ms) = (self.machine.boot_ms(), self.machine.wall_ms());
        let (jump, slept) = {
            let mut clock = self.clock();
            (
                clock.observe_wall(boot_ms, wall_ms),
                clock.observe_suspend(boot_ms, self.machine.monotonic_ms()),
            )
        };
        let mut unwritten = self
            .unwritten
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(jump) = jump {
            unwritten.add(Event::WallClockJumped { by_ms: jump.by_ms });
        }
        if let Some(for_ms) = slept {
            unwritten.add(Event::Suspended { for_ms });
        }
        let written = unwritten.flush(|events| {
            let entries = events
                .iter()
                .map(|event| self.entry(SYSTEM, None, event.clone()));
            let change = entries.fold(Change::default(), Change::entry);
            self.writer.commit(change).map(drop)
        });
        Observed {
            slept_ms: slept,
            written,
        }
    }

    fn due_tick(&self) -> Result<Option<(i64, Projection)>, StoreError> {
        let boot_ms = self.machine.boot_ms();
        let last = self.last_tick_boot_ms.load(Ordering::Relaxed);
        if boot_ms.saturating_sub(last) < TICK_EVERY_MS && boot_ms >= last {
            return Ok(None);
        }
        let tick = self.clock().tick(boot_ms, self.machine.wall_ms());
        let bytes = cbor::to_vec(&tick).map_err(|error| StoreError::Encode {
            detail: error.to_string(),
        })?;
        Ok(Some((boot_ms, Projection::put(CLOCK_NS, TICK_KEY, bytes))))
    }

    fn ticked(&self, boot_ms: Option<i64>) {
        if let Some(boot_ms) = boot_ms {
            self.last_tick_boot_ms.store(boot_ms, Ordering::Relaxed);
        }
    }
}

/// The last persisted tick.
///
/// # Errors
/// Storage errors.
pub fn last_tick(reader: &Reader) -> Result<Option<Tick>, StoreError> {
    let bytes = reader.get(CLOCK_NS, TICK_KEY)?;
    Ok(bytes.and_then(|bytes| cbor::from_slice(&bytes).ok()))
}

struct StampedEvent {
    stamp: Stamp,
    event: Event,
    key: Option<SecretKey>,
}

impl EncodeEntry for StampedEvent {
    fn encode(&self, place: &Place) -> Result<Vec<u8>, String> {
        entry::encode(
            &place.ledger_id,
            place.seq,
            place.attempt_seq,
            &self.stamp,
            &self.event,
            self.key.as_ref(),
        )
        .map_err(|error| error.to_string())
    }
    fn kind(&self) -> &str {
        self.event.kind()
    }
    fn class(&self) -> u8 {
        self.event.class() as u8
    }
    fn attempt(&self) -> Option<[u8; 16]> {
        self.stamp.attempt
    }
    fn exam_ms(&self) -> Option<i64> {
        self.stamp.exam_ms
    }
    fn wall_ms(&self) -> i64 {
        self.stamp.wall_ms
    }
}

mod unwritten;

#[cfg(test)]
mod tests;
