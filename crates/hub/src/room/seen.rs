//! How each terminal said that it is.

use super::{Room, State};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::Device;
use fengjuan_core::room::contact::Life;
use fengjuan_core::room::station::Fact;
use fengjuan_store::LedgerId;
use fengjuan_wire::room::{Beat, Hello, UnlockedSitting};
use std::net::IpAddr;

/// A terminal as it was heard last. Lost with the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub address: IpAddr,
    pub life: Life,
    pub ledger_id: LedgerId,
    /// Entries that it says it holds.
    pub ledger_size: u64,
    pub heard_ms: ExamMs,
    /// None before its first one since it connected.
    pub beat: Option<Beat>,
    /// Sittings whose keys it holds, by its own word.
    pub unlocked: Vec<UnlockedSitting>,
}

impl Room {
    /// A terminal that was let in says who it is.
    pub fn heard(
        &self,
        device: Device,
        address: IpAddr,
        life: Life,
        ledger_id: LedgerId,
        hello: &Hello,
    ) {
        let now = self.now();
        let mut state = self.state_mut();
        let seen = Seen {
            address,
            life,
            ledger_id,
            ledger_size: hello.ledger_size,
            heard_ms: now,
            beat: None,
            unlocked: hello.unlocked.clone(),
        };
        state.tell(device, &seen, now);
        state.seen.insert(device, seen);
        drop(state);
        self.soon();
    }

    /// A terminal says how it is. `life` is that of the connection: one that was replaced says nothing any more.
    pub fn beat(&self, device: &Device, life: Life, beat: Beat) {
        let now = self.now();
        let mut state = self.state_mut();
        let Some(mut seen) = state
            .seen
            .get(device)
            .filter(|seen| seen.life == life)
            .cloned()
        else {
            return;
        };
        seen.heard_ms = now;
        seen.ledger_size = beat.ledger_size;
        seen.unlocked.clone_from(&beat.unlocked);
        seen.beat = Some(beat);
        state.tell(*device, &seen, now);
        state.seen.insert(*device, seen);
        drop(state);
        self.touch();
    }

    /// The sitting in which somebody sits at this machine, by its own last word.
    pub fn sits_in(&self, device: &Device) -> Option<String> {
        let state = self.state();
        let seat = state.seen.get(device)?.beat.as_ref()?.seat.as_ref()?;
        Some(seat.sitting_no.clone())
    }

    /// How much of each ledger is held here and was told to the station.
    pub fn held_of(&self, device: &Device) -> Vec<(LedgerId, u64)> {
        let state = self.state();
        let theirs = state.fed.iter().filter(|(_, fed)| fed.device == *device);
        theirs.map(|(ledger, fed)| (*ledger, fed.size)).collect()
    }
}

impl State {
    fn tell(&mut self, device: Device, seen: &Seen, now: ExamMs) {
        let beat = seen.beat.as_ref();
        let fact = Fact::Heard {
            device,
            life: seen.life,
            ledger_id: seen.ledger_id,
            ledger_size: seen.ledger_size,
            storage: beat.and_then(|beat| beat.storage.clone()),
            camera: beat.and_then(|beat| beat.camera.clone()),
        };
        self.station.observe(&fact, now);
    }
}
