//! Which station is obeyed (轮次). A station that takes over signs the next higher epoch. A terminal obeys none lower
//! than it has seen, and of two with one number the one that it saw first. A station that hears of a higher one stops.

use super::Device;
use serde::{Deserialize, Serialize};

/// A station that has never followed the one before it does not know which epochs the terminals have seen. What it raises
/// lies this far above all that it has heard of, and further by what its key says, so that two such stations hardly
/// meet: no room is taken over so often. A terminal that has seen a higher one all the same refuses it and shows which;
/// then the station stops, and whoever takes over there once more is above that.
pub const LONE_STEP: u64 = 1_000;

/// What a terminal has seen. Durable before anything of the epoch is obeyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochSeen {
    /// 0: none yet.
    epoch: u64,
    station: Option<Device>,
}

/// What a verified epoch document means to a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The one that it obeys.
    Same,
    /// Higher: write it down ([`EpochSeen::raise`]), then obey this station alone.
    Higher,
    /// Lower than one that it has seen: refuse this station, and tell it which.
    Lower { obeyed: u64 },
    /// The same number by another station: refuse it.
    Rival { obeyed: u64 },
}

impl EpochSeen {
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The station that is obeyed.
    pub fn station(&self) -> Option<Device> {
        self.station
    }

    pub fn hear(&self, epoch: u64, station: &Device) -> Heard {
        let obeyed = self.epoch;
        if epoch > obeyed {
            Heard::Higher
        } else if epoch < obeyed || epoch == 0 {
            Heard::Lower { obeyed }
        } else if self.station == Some(*station) {
            Heard::Same
        } else {
            Heard::Rival { obeyed }
        }
    }

    /// Takes over a higher epoch that is durable. Anything else changes nothing.
    pub fn raise(&mut self, epoch: u64, station: Device) {
        if self.hear(epoch, &station) == Heard::Higher {
            *self = EpochSeen {
                epoch,
                station: Some(station),
            };
        }
    }
}

/// How far a standby had followed the ledger of the station that it takes over from. What that station wrote later is
/// no part of the room's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Followed {
    #[serde(with = "crate::bytes")]
    pub ledger_id: [u8; 16],
    pub size: u64,
}

/// What a station is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Role {
    /// Runs the room under this epoch.
    Commanding { epoch: u64 },
    /// Follows whoever runs it. 0: has heard of nobody.
    Standby { heard: u64 },
    /// Has run the room, and has heard of another: commands nothing any more.
    Stopped { heard: u64 },
}

/// What hearing of an epoch did to a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// As before.
    On,
    /// It must stop commanding, from this moment. Record it.
    Down,
}

/// A station's own place among stations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    me: Device,
    role: Role,
}

impl Standing {
    /// A station that has not run the room; also the first one, which takes over from nobody.
    pub fn standby(me: Device) -> Standing {
        Standing {
            me,
            role: Role::Standby { heard: 0 },
        }
    }

    pub fn me(&self) -> Device {
        self.me
    }

    pub fn role(&self) -> Role {
        self.role
    }

    /// The epoch under which it commands; none where it must not.
    pub fn commanding(&self) -> Option<u64> {
        match self.role {
            Role::Commanding { epoch } => Some(epoch),
            Role::Standby { .. } | Role::Stopped { .. } => None,
        }
    }

    /// The highest epoch that it knows of.
    pub fn heard(&self) -> u64 {
        match self.role {
            Role::Commanding { epoch } => epoch,
            Role::Standby { heard } | Role::Stopped { heard } => heard,
        }
    }

    /// The epoch to sign, record and [`Standing::raise`] for taking over; none where it commands already.
    pub fn next_epoch(&self) -> Option<u64> {
        let next = self.heard().checked_add(1);
        next.filter(|_| self.commanding().is_none())
    }

    /// The epoch for taking over without ever having followed anybody ([`LONE_STEP`]); none where it commands already.
    pub fn lone_epoch(&self) -> Option<u64> {
        let [first, second, ..] = self.me.0;
        let apart = u64::from(u16::from_be_bytes([first, second])) % LONE_STEP;
        let next = self.heard().checked_add(LONE_STEP)?.checked_add(apart);
        next.filter(|_| self.commanding().is_none())
    }

    /// Its own signed epoch is durable.
    pub fn raise(&mut self, epoch: u64) {
        if epoch > self.heard() {
            self.role = Role::Commanding { epoch };
        }
    }

    /// The ledger that it follows tells of this epoch, whoever's it was.
    pub fn follow(&mut self, epoch: u64) {
        if let Role::Standby { heard } | Role::Stopped { heard } = &mut self.role {
            *heard = (*heard).max(epoch);
        }
    }

    /// It hears of an epoch, from a station's document or from a terminal that refuses it. Where another station has
    /// the same number, both stop: a person then takes over at one of them, with a higher one.
    pub fn hear(&mut self, epoch: u64, station: Option<&Device>) -> Stands {
        let (mine, heard) = (self.commanding(), self.heard());
        let rival = station.is_some_and(|station| *station != self.me);
        let beaten = mine.is_some_and(|mine| epoch > mine || epoch == mine && rival);
        let heard = heard.max(epoch);
        if beaten {
            self.role = Role::Stopped { heard };
            return Stands::Down;
        }
        match &mut self.role {
            Role::Commanding { .. } => {}
            Role::Standby { heard: known } | Role::Stopped { heard: known } => *known = heard,
        }
        Stands::On
    }
}
