//! What the terminals say, other than their entries.

use super::{Room, RoomRefusal};
use fengjuan_core::room::Device;
use fengjuan_core::room::post::{Acknowledgement, Mark, Numbered, PostError};
use fengjuan_core::room::station::Fact;
use fengjuan_device::recorder::SYSTEM;

impl Room {
    /// What to send to a terminal that connects with this mark.
    ///
    /// # Errors
    /// [`RoomRefusal::Post`]. Who obeys a higher epoch has shown by then that it was raised ([`Room::hear_epoch`]).
    pub fn hello(&self, device: &Device, mark: Mark) -> Result<Vec<Numbered>, RoomRefusal> {
        let refused = match self.read(|station| station.hello(device, mark)) {
            Ok(commands) => return Ok(commands),
            Err(refused) => refused,
        };
        match refused {
            PostError::Superseded { .. } => {}
            PostError::WentBack { .. } | PostError::Ahead { .. } => {
                self.observe(&Fact::WentBack { device: *device });
            }
        }
        Err(refused.into())
    }

    /// Somebody says that this epoch is run by that station.
    ///
    /// # Errors
    /// Storage errors.
    pub fn hear_epoch(&self, epoch: u64, station: Option<Device>) -> Result<(), RoomRefusal> {
        let heard = self.decide(SYSTEM, Vec::new(), |room, _, _| {
            Ok(room.hear_epoch(epoch, station).into_iter().collect())
        });
        heard.map(drop)
    }

    /// Takes over what was learned. What follows from it is recorded a moment later.
    pub fn observe(&self, fact: &Fact) {
        let now = self.now();
        self.state_mut().station.observe(fact, now);
        self.soon();
    }

    /// The center answers. Nothing is recorded for it.
    pub fn center_heard(&self) {
        let now = self.now();
        let fact = Fact::CenterHeard {};
        self.state_mut().station.observe(&fact, now);
    }

    /// A terminal has done or refused a command; recorded a moment later, with others.
    pub fn acknowledged(&self, device: &Device, how: Acknowledgement) {
        super::lock(&self.inner.acknowledgements).push((*device, how));
        self.soon();
    }
}
