//! What follows without anybody asking: acknowledgements, first leases, fences, outages, alerts.

use super::{Room, RoomRefusal, lock};
use fengjuan_core::plan::Sitting;
use fengjuan_core::room::Device;
use fengjuan_core::room::post::Acknowledgement;
use fengjuan_core::room::station::{Action, Actor, Station};
use fengjuan_device::recorder::SYSTEM;
use std::collections::BTreeSet;

impl Room {
    /// A signed sitting is held here, with so many candidates on its roster.
    pub fn hold(&self, sitting: &Sitting, candidates: u32) {
        let mut state = self.state_mut();
        state.station.hold(sitting, candidates);
        let number = sitting.sitting_no.clone();
        state.held.insert(number, (sitting.clone(), candidates));
        drop(state);
        self.soon();
    }

    /// Called about once a second: who has fallen silent, and what follows.
    ///
    /// # Errors
    /// Storage errors.
    pub fn tick(&self) -> Result<(), RoomRefusal> {
        let now = self.now();
        {
            let mut state = self.state_mut();
            // Terminals speak to whoever commands: nobody else may take their silence for one.
            if state.station.standing().commanding().is_some() {
                state.station.tick(now);
            }
        }
        self.settle()
    }

    /// Records what is due: acknowledgements, first leases, fences, outages, alerts.
    ///
    /// # Errors
    /// Storage errors; asked again, it records the same.
    pub fn settle(&self) -> Result<(), RoomRefusal> {
        let known = std::mem::take(&mut *lock(&self.inner.acknowledgements));
        if let Err(error) = self.settle_acknowledgements(&known) {
            // Whoever connects again acknowledges again.
            for (device, _) in &known {
                self.inner.lines.close(device);
            }
            return Err(error);
        }
        for (sitting_no, version) in self.newly_held() {
            let held = Action::Held {
                sitting_no,
                version,
            };
            self.act(&held, &Actor::system())?;
        }
        self.decide(SYSTEM, Vec::new(), |station, ids, now| {
            Ok(station.due(ids, now))
        })
        .map(drop)
    }

    fn settle_acknowledgements(
        &self,
        known: &[(Device, Acknowledgement)],
    ) -> Result<(), RoomRefusal> {
        if known.is_empty() {
            return Ok(());
        }
        let mut once = BTreeSet::new();
        let first = |station: &Station| {
            let new = known
                .iter()
                .filter(|(device, how)| once.insert((*device, how.epoch, how.no)));
            new.filter_map(|(device, how)| station.acknowledged(device, how))
                .collect()
        };
        self.decide(SYSTEM, Vec::new(), |station, _, _| Ok({ first }(station)))
            .map(drop)
    }

    fn newly_held(&self) -> Vec<(String, u32)> {
        let state = self.state();
        if state.station.standing().commanding().is_none() {
            return Vec::new();
        }
        let versions = state.held.iter();
        let versions = versions.map(|(no, (sitting, _))| (no.clone(), sitting.version));
        versions
            .filter(|(no, version)| state.station.track(no).held != Some(*version))
            .collect()
    }
}
