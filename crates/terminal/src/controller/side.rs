//! The terminal as its room channel sees it: verified epochs, commands and keys come in here.

use super::facts;
use super::moved::Fetched;
use super::room::passes;
use super::terminal::Terminal;
use crate::view::Refused;
use fengjuan_core::event::Hash32;
use fengjuan_core::room::post::Incoming;
use fengjuan_device::channel::{OpenedKeys, RoomSide, Standing, Taken};
use fengjuan_device::refusal::{Answer, refused};
use fengjuan_device::unlock;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::grant::SittingKeys;
use fengjuan_wire::room::{Beat, Epoch, RoomCommand, SmallPicture};
use std::sync::{Arc, Weak};

impl Terminal {
    /// A verified epoch document of a hub that is trusted for this site.
    ///
    /// # Errors
    /// `epoch.lower`, `epoch.rival`: that station is not obeyed; or storage's refusal.
    pub fn epoch(&self, epoch: &Epoch) -> Answer {
        self.change(|state| state.hear_epoch(epoch))
    }

    /// A verified command to this device; `hash` is that of its signed bytes. Durable when this returns. Blocks, and
    /// may fetch the entries of an attempt that moves here: call it from a thread that may wait.
    pub fn command(self: &Arc<Terminal>, command: &RoomCommand, hash: Hash32) -> Taken {
        let next = matches!(self.state().look(command), Incoming::Next);
        let fetched = if next {
            Fetched::for_command(&command.command.body, self.shared.outward.as_ref())
        } else {
            None
        };
        let fetched = match fetched.transpose() {
            Ok(fetched) => fetched,
            Err(refusal) if passes(&refusal) => return Taken::NotNow { code: refusal.code },
            Err(refusal) => return self.change(|state| state.refuse(command, hash, refusal)),
        };
        let moves = fetched.is_some();
        let taken = self.change(|state| state.take(command, hash, fetched));
        let done = matches!(&taken, Taken::Acknowledged(ack) if ack.refusal.is_none());
        if moves && done {
            self.spawn_moved_picture();
        }
        taken
    }

    /// The keys of a sitting, opened and verified: as after the typed code. Blocks for as long as the packages take.
    ///
    /// # Errors
    /// Why they open nothing here; they may come again.
    pub fn keys(&self, sitting_no: &str, version: u32, keys: &SittingKeys) -> Answer {
        self.state().of_its_room(sitting_no)?;
        if self.state().has_keys(sitting_no, version) {
            return Ok(());
        }
        let held = self
            .shared
            .outward
            .held()
            .into_iter()
            .find(|held| held.key.sitting_no == sitting_no && held.key.version == version);
        let held = held.ok_or_else(|| refused("room.not_held"))?;
        let opened = unlock::open_with(&held, keys, &self.shared.keys.issuer)?;
        self.change(|state| state.unlocked_by_station(opened))
    }

    /// Another hub was named: the program is to be started again.
    pub fn begins_anew(&self) -> bool {
        self.shared.outward.begins_anew()
    }

    /// The station that is obeyed, and its epoch; 0 before any was heard.
    pub fn obeyed(&self) -> (u64, Option<Hash32>) {
        let state = self.state();
        (state.post.seen.epoch(), state.post.seen.station())
    }
}

/// A terminal as its room channel sees it. What was ended in between does nothing any more.
pub struct Side(pub Weak<Terminal>);

impl RoomSide for Side {
    fn standing(&self) -> Standing {
        let terminal = self.0.upgrade();
        terminal
            .map(|terminal| terminal.standing())
            .unwrap_or_default()
    }

    fn epoch(&self, epoch: &Epoch, hub: &HubDelegation) -> Result<(), Refused> {
        let terminal = self.0.upgrade().ok_or_else(|| refused("room.stopped"))?;
        terminal.epoch(epoch)?;
        terminal.speaks(hub);
        Ok(())
    }

    fn command(&self, command: &RoomCommand, hash: Hash32) -> Taken {
        match self.0.upgrade() {
            Some(terminal) => terminal.command(command, hash),
            None => Taken::NotNow {
                code: "room.stopped".to_owned(),
            },
        }
    }

    fn keys(&self, opened: OpenedKeys) {
        let Some(terminal) = self.0.upgrade() else {
            return;
        };
        let done = terminal.keys(&opened.sitting_no, opened.version, &opened.keys);
        if let Err(refusal) = done {
            tracing::warn!(code = refusal.code, "the station's keys open nothing here");
        }
    }

    fn beat(&self) -> Beat {
        let terminal = self.0.upgrade();
        terminal.map_or_else(facts::silent_beat, |terminal| terminal.beat())
    }

    fn pictures(&self, after: u64) -> Vec<(u64, SmallPicture)> {
        let terminal = self.0.upgrade();
        terminal.map_or_else(Vec::new, |terminal| terminal.small_pictures(after))
    }

    fn look(&self) {
        if let Some(terminal) = self.0.upgrade() {
            terminal.look();
        }
    }

    fn hub_lost(&self) {
        if let Some(terminal) = self.0.upgrade() {
            terminal.touch();
        }
    }
}
