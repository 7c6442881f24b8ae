//! A machine whose clocks a test moves by hand.

use super::Machine;
use std::sync::Mutex;

/// Starts shortly after its boot. Time passes only when it is told to.
#[derive(Debug)]
pub struct SimulatedMachine {
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    boot: u64,
    boot_ms: i64,
    monotonic_ms: i64,
    wall_ms: i64,
    utc_offset_min: i32,
}

impl SimulatedMachine {
    /// A machine booted 10 s ago whose wall clock shows `wall_ms`, in China.
    pub fn new(wall_ms: i64) -> SimulatedMachine {
        let state = State {
            boot: 1,
            boot_ms: 10_000,
            monotonic_ms: 10_000,
            wall_ms,
            utc_offset_min: 480,
        };
        SimulatedMachine {
            state: Mutex::new(state),
        }
    }

    /// Time passes while the machine is awake.
    pub fn advance(&self, ms: i64) {
        self.change(|state| {
            state.boot_ms += ms;
            state.monotonic_ms += ms;
            state.wall_ms += ms;
        });
    }

    /// Time passes while the machine sleeps.
    pub fn suspend(&self, ms: i64) {
        self.change(|state| {
            state.boot_ms += ms;
            state.wall_ms += ms;
        });
    }

    /// Somebody sets the wall clock.
    pub fn set_wall(&self, wall_ms: i64) {
        self.change(|state| state.wall_ms = wall_ms);
    }

    /// Power goes away for `off_ms`, and the machine comes up again with its wall clock having run on.
    pub fn reboot(&self, off_ms: i64) {
        self.change(|state| {
            state.boot += 1;
            state.boot_ms = 5_000;
            state.monotonic_ms = 5_000;
            state.wall_ms += off_ms;
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(
            &mut self
                .state
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner()),
        );
    }

    fn state(&self) -> State {
        *self
            .state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Machine for SimulatedMachine {
    fn boot_id(&self) -> [u8; 16] {
        u128::from(self.state().boot).to_be_bytes()
    }
    fn boot_ms(&self) -> i64 {
        self.state().boot_ms
    }
    fn monotonic_ms(&self) -> i64 {
        self.state().monotonic_ms
    }
    fn wall_ms(&self) -> i64 {
        self.state().wall_ms
    }
    fn utc_offset_min(&self) -> i32 {
        self.state().utc_offset_min
    }
}
