//! Terminals' ledgers into the station, at the start and as they grow. Every entry is told once, in order.

use super::{Fed, Room, State};
use fengjuan_core::event::Hash32;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::Device;
use fengjuan_core::room::station::{Fact, Note};
use fengjuan_store::{LedgerId, LedgerReader, ReplicaReader, StoreError};
use fengjuan_wire::entry::Entry;
use serde_bytes::ByteBuf;

const SLICE: usize = 1_000;
const ANSWER: &str = "exam.answer_saved";

/// Every terminal's replica from its beginning.
pub(super) fn all(
    state: &mut State,
    replicas: &ReplicaReader,
    now: ExamMs,
) -> Result<(), StoreError> {
    for ledger in replicas.ledgers()? {
        let device = Hash32(ledger.identity.device_key);
        if state.hubs.contains(&device) {
            continue;
        }
        state.know(device, ledger.ledger_id);
        let mut from = 0;
        while from < ledger.size {
            let entries = replicas.entries_since(&ledger.ledger_id, from, SLICE)?;
            if entries.is_empty() {
                break;
            }
            for stored in &entries {
                state.tell_entry(&ledger.ledger_id, stored.seq, &stored.bytes, now);
            }
            from += entries.len() as u64;
        }
    }
    Ok(())
}

impl Room {
    /// Entries of a terminal are durable here, the first of them at `from`; `held` is how much of the ledger is. False
    /// where something before them was not told yet: then [`Room::catch_up`].
    pub fn fed(
        &self,
        device: Device,
        ledger: &LedgerId,
        from: u64,
        entries: &[ByteBuf],
        held: u64,
    ) -> bool {
        let now = self.now();
        let mut state = self.state_mut();
        state.know(device, *ledger);
        let mut notable = false;
        for (bytes, seq) in entries.iter().zip(from..held) {
            notable |= state.tell_entry(ledger, seq, bytes, now);
        }
        let told = state.fed.get(ledger).map_or(0, |fed| fed.size);
        drop(state);
        if notable {
            self.soon();
        } else {
            self.touch();
        }
        told >= held
    }

    /// Tells the station what is held of a ledger and was not told. Reads the disk.
    ///
    /// # Errors
    /// Storage errors.
    pub fn catch_up(&self, device: Device, ledger: &LedgerId) -> Result<(), StoreError> {
        loop {
            let from = {
                let mut state = self.state_mut();
                state.know(device, *ledger)
            };
            let entries = {
                let replicas = super::lock(&self.inner.replicas);
                replicas.entries_since(ledger, from, SLICE)?
            };
            if entries.is_empty() {
                self.soon();
                return Ok(());
            }
            let now = self.now();
            let mut state = self.state_mut();
            for stored in &entries {
                state.tell_entry(ledger, stored.seq, &stored.bytes, now);
            }
        }
    }
}

impl State {
    /// The ledger's place; gives how far it was told.
    fn know(&mut self, device: Device, ledger: LedgerId) -> u64 {
        self.fed
            .entry(ledger)
            .or_insert(Fed { device, size: 0 })
            .size
    }

    /// True where something may follow from it.
    fn tell_entry(&mut self, ledger: &LedgerId, seq: u64, bytes: &[u8], now: ExamMs) -> bool {
        let Some(fed) = self.fed.get_mut(ledger).filter(|fed| fed.size == seq) else {
            return false;
        };
        fed.size += 1;
        let device = fed.device;
        let Ok(entry) = Entry::decode(bytes) else {
            tracing::error!(seq, "a replicated entry cannot be read");
            return false;
        };
        let note = note(&entry);
        let notable = matches!(note, Note::Clear(_));
        let fact = Fact::Entry {
            device,
            ledger_id: *ledger,
            seq,
            lease: entry.lease,
            attempt: entry.attempt,
            note,
        };
        self.station.observe(&fact, now);
        notable
    }
}

/// What a station may know of an entry.
fn note(entry: &Entry<'_>) -> Note {
    if entry.sealed {
        return if entry.kind == ANSWER {
            Note::Answer
        } else {
            Note::Sealed
        };
    }
    match entry.event(None) {
        Ok(event) => Note::Clear(Box::new(event)),
        // A newer terminal's event, which this station knows nothing of.
        Err(_) => Note::Sealed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fengjuan_core::event::Event;

    #[test]
    fn the_kind_of_an_answer_is_the_catalogues() {
        let saved = Event::AnswerSaved {
            position: 1,
            chosen: Default::default(),
            flagged: false,
        };
        assert_eq!((saved.kind(), saved.sealed()), (ANSWER, true));
    }
}
