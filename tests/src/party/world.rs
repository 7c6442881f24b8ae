//! The world's time: that of this computer, moved on by as much as a file says. Machines of the world boot, lose power and
//! boot again.

use anyhow::Context;
use fengjuan_device::machine::{Machine, RealMachine};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A machine's running time before its first look at a clock.
const WARM_UP_MS: i64 = 20_000;

/// One start of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    pub id: [u8; 16],
    /// On the world's time since the real computer's boot.
    pub began_ms: i64,
}

/// How far the world's time is ahead.
#[derive(Clone, Debug)]
pub struct WorldClock {
    file: PathBuf,
}

impl WorldClock {
    pub fn new(folder: &Path) -> anyhow::Result<WorldClock> {
        let clock = WorldClock::at(folder.join("ahead-ms"));
        clock.set(0)?;
        Ok(clock)
    }

    /// The clock that another process keeps.
    pub fn at(file: PathBuf) -> WorldClock {
        WorldClock { file }
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Milliseconds. The file is replaced as a whole, so that nobody reads half a number.
    pub fn ahead_ms(&self) -> i64 {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        text.parse().unwrap_or(0)
    }

    fn set(&self, ahead_ms: i64) -> anyhow::Result<()> {
        let next = self.file.with_extension("next");
        std::fs::write(&next, ahead_ms.to_string())?;
        std::fs::rename(&next, &self.file).context("the world's clock")
    }

    /// Time passes for everybody at once.
    pub fn pass(&self, ms: i64) -> anyhow::Result<()> {
        self.set(self.ahead_ms() + ms)
    }

    /// Milliseconds since the Unix epoch.
    pub fn wall_ms(&self) -> i64 {
        chrono::Utc::now().timestamp_millis() + self.ahead_ms()
    }

    /// A machine is switched on now.
    pub fn boot(&self) -> anyhow::Result<Boot> {
        Ok(Boot {
            id: fengjuan_envelope::random_bytes()?,
            began_ms: RealMachine::new()?.boot_ms() + self.ahead_ms() - WARM_UP_MS,
        })
    }
}

/// A machine of the world, after one boot of it.
pub struct WorldMachine {
    real: RealMachine,
    clock: WorldClock,
    boot: Boot,
}

impl WorldMachine {
    pub fn new(clock: WorldClock, boot: Boot) -> anyhow::Result<WorldMachine> {
        let real = RealMachine::new()?;
        Ok(WorldMachine { real, clock, boot })
    }
}

impl Machine for WorldMachine {
    fn boot_id(&self) -> [u8; 16] {
        self.boot.id
    }
    fn boot_ms(&self) -> i64 {
        self.real.boot_ms() + self.clock.ahead_ms() - self.boot.began_ms
    }
    /// Machines of the world never sleep.
    fn monotonic_ms(&self) -> i64 {
        self.boot_ms()
    }
    fn wall_ms(&self) -> i64 {
        self.real.wall_ms() + self.clock.ahead_ms()
    }
    fn utc_offset_min(&self) -> i32 {
        self.real.utc_offset_min()
    }
}
