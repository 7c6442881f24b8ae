//! What this program is on this machine: a terminal in front of a candidate, or the room's management station.

use fengjuan_hub::station;
use fengjuan_terminal::controller::WindowEvent;
use fengjuan_terminal::front;
use std::sync::Arc;

/// The opened half of the program.
#[derive(Clone)]
pub enum Role {
    Terminal(Arc<front::Front>),
    Station(Arc<station::Front>),
}

impl Role {
    /// As the page asks for it.
    pub fn name(&self) -> &'static str {
        match self {
            Role::Terminal(_) => "terminal",
            Role::Station(_) => "station",
        }
    }

    /// To be called about four times a second.
    pub fn tick(&self) {
        match self {
            Role::Terminal(terminal) => terminal.tick(),
            Role::Station(station) => station.tick(),
        }
    }

    /// A picture of the present screen: its type and bytes.
    pub fn resource(&self, path: &str) -> Option<(&'static str, Vec<u8>)> {
        match self {
            Role::Terminal(terminal) => terminal.resource(path),
            Role::Station(station) => station.resource(path),
        }
    }

    /// What happened to the window. A station's window is no part of anybody's exam.
    pub fn window_event(&self, event: WindowEvent) {
        if let Role::Terminal(terminal) = self {
            terminal.window_event(event);
        }
    }

    /// Whether closing the window would leave nobody without a seat.
    pub fn may_close(&self) -> bool {
        match self {
            Role::Terminal(terminal) => terminal.may_close(),
            Role::Station(station) => station.may_close(),
        }
    }

    /// Whether the program is to be started again, as it was started.
    pub fn begins_anew(&self) -> bool {
        match self {
            Role::Terminal(terminal) => terminal.begins_anew(),
            Role::Station(_) => false,
        }
    }

    pub fn shutdown(&self) {
        match self {
            Role::Terminal(terminal) => terminal.shutdown(),
            Role::Station(station) => station.shutdown(),
        }
    }
}
