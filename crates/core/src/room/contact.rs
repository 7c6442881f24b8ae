//! Who is heard (联系), and what a silence meant. Losing contact is not losing power: while a terminal is silent its
//! cause is unknown, and its candidate probably goes on. What it was is told by what comes back: another start of the
//! machine was power, another start of the program a crash, the same program was the network.

use super::Device;
use crate::event::OutageCause;
use crate::plan::ExamMs;
use std::collections::{BTreeMap, BTreeSet};

/// Silent for longer than this (three heartbeats) is out of contact.
pub const SILENT_MS: i64 = 15_000;
/// Silences that begin within this are one.
pub const TOGETHER_MS: i64 = 10_000;
/// At least so many seats, and so many of a hundred, are many at once: most likely the switch.
pub const MANY_SEATS: usize = 3;
pub const MANY_PERCENT: usize = 30;

/// Which start of the machine, and of the program, speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub boot_id: [u8; 16],
    pub run_id: [u8; 16],
}

/// Whether a terminal is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// Not since this station began.
    Never,
    InContact,
    OutOfContact {
        since_ms: ExamMs,
    },
}

/// A silence that is over, or a restart too short to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Back {
    pub device: Device,
    /// What the evidence says.
    pub cause: OutageCause,
    pub from_ms: ExamMs,
    pub to_ms: ExamMs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    /// When it was heard last; where it never was, since when it is waited for.
    last_ms: ExamMs,
    life: Option<Life>,
    out: bool,
    told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Not,
    Alone,
    Together,
}

/// Everybody who should be heard. Lost with the program; a restarted station waits for everybody anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    seen: BTreeMap<Device, Seen>,
    /// The silence of many that is going on began with this one's last word.
    together_from: Option<ExamMs>,
}

impl Watch {
    /// From now on this terminal should be heard.
    pub fn expect(&mut self, device: Device, now: ExamMs) {
        self.seen.entry(device).or_insert(Seen {
            last_ms: now,
            life: None,
            out: false,
            told: Told::Not,
        });
    }

    /// It is put out of use, and its silence is nobody's business.
    pub fn forget(&mut self, device: &Device) {
        self.seen.remove(device);
    }

    pub fn contact(&self, device: &Device) -> Contact {
        match self.seen.get(device) {
            Some(seen) if seen.out => Contact::OutOfContact {
                since_ms: seen.last_ms,
            },
            Some(seen) if seen.life.is_some() => Contact::InContact,
            _ => Contact::Never,
        }
    }

    /// It was heard. Tells what its silence was, where it was silent or has restarted.
    pub fn heard(&mut self, device: Device, life: Life, now: ExamMs) -> Option<Back> {
        self.expect(device, now);
        let seen = self.seen.get_mut(&device)?;
        let (before, from_ms, was_out) = (seen.life, seen.last_ms, seen.out);
        *seen = Seen {
            last_ms: now.max(from_ms),
            life: Some(life),
            out: false,
            told: Told::Not,
        };
        let cause = match before? {
            before if before.boot_id != life.boot_id => OutageCause::Power,
            before if before.run_id != life.run_id => OutageCause::Crash,
            _ => OutageCause::Lan,
        };
        let (silent, to_ms) = (was_out || cause != OutageCause::Lan, now.max(from_ms));
        silent.then_some(Back {
            device,
            cause,
            from_ms,
            to_ms,
        })
    }

    /// To be called about once a second.
    pub fn tick(&mut self, now: ExamMs) {
        for seen in self.seen.values_mut() {
            seen.out |= now.saturating_sub(seen.last_ms) > SILENT_MS;
        }
        self.join();
        while let Some(first_ms) = self.first_untold() {
            let group = self.fallen_within(first_ms);
            if self.is_many(group.len()) {
                self.together_from.get_or_insert(first_ms);
                self.tell(&group, Told::Together);
            } else if now > first_ms.saturating_add(SILENT_MS + TOGETHER_MS) {
                // Whoever fell silent with it would be known by now.
                let alone = self.silent_since(first_ms);
                self.tell(&alone, Told::Alone);
            } else {
                break;
            }
        }
        if !self.seen.values().any(|seen| seen.told == Told::Together) {
            self.together_from = None;
        }
    }

    /// Seats that fell silent together and are silent still; one alert.
    pub fn many(&self) -> BTreeSet<Device> {
        self.of(Told::Together)
    }

    /// Seats that fell silent by themselves; one alert each.
    pub fn alone(&self) -> BTreeSet<Device> {
        self.of(Told::Alone)
    }

    /// Whoever falls silent in the same moments as many others belongs to them.
    fn join(&mut self) {
        let Some(from_ms) = self.together_from else {
            return;
        };
        for seen in self.seen.values_mut() {
            let with_them = (seen.last_ms - from_ms).abs() <= TOGETHER_MS;
            if seen.out && seen.told == Told::Not && with_them {
                seen.told = Told::Together;
            }
        }
    }

    fn first_untold(&self) -> Option<ExamMs> {
        let untold = |seen: &&Seen| seen.out && seen.told == Told::Not;
        self.seen
            .values()
            .filter(untold)
            .map(|seen| seen.last_ms)
            .min()
    }

    fn fallen_within(&self, first_ms: ExamMs) -> Vec<Device> {
        let within = |seen: &Seen| {
            seen.out
                && seen.told == Told::Not
                && (first_ms..=first_ms.saturating_add(TOGETHER_MS)).contains(&seen.last_ms)
        };
        self.which(within)
    }

    fn silent_since(&self, since_ms: ExamMs) -> Vec<Device> {
        self.which(|seen| seen.out && seen.told == Told::Not && seen.last_ms == since_ms)
    }

    /// Of those whose silence is not known already.
    fn is_many(&self, fallen: usize) -> bool {
        let watched = self.seen.values().filter(|seen| seen.told == Told::Not);
        fallen >= MANY_SEATS && fallen * 100 >= watched.count() * MANY_PERCENT
    }

    fn which(&self, fits: impl Fn(&Seen) -> bool) -> Vec<Device> {
        let fitting = self.seen.iter().filter(|(_, seen)| fits(seen));
        fitting.map(|(device, _)| *device).collect()
    }

    fn of(&self, told: Told) -> BTreeSet<Device> {
        self.which(|seen| seen.told == told).into_iter().collect()
    }

    fn tell(&mut self, devices: &[Device], told: Told) {
        for device in devices {
            if let Some(seen) = self.seen.get_mut(device) {
                seen.told = told;
            }
        }
    }
}
