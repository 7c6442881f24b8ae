//! The parties of a room as processes of their own, with no window: the center's server, the station with its hub, and
//! terminals, each over the library that the shipped program is made of, on real disks and real mutual TLS. What a person
//! does comes as a line on standard input, and the page after it goes back as a line.
//!
//! All of them live in one world whose time a test moves on: each reads its clocks through a machine of the world. The
//! shipped programs have no such door.

pub mod child;
pub mod day;
pub mod folder;
pub mod invariants;
pub mod program;
pub mod room;
pub mod sitter;
pub mod switch;
pub mod world;

use fengjuan_hub::view::StationOutcome;
use fengjuan_hub::view::action::StationAction;
use fengjuan_terminal::view::Outcome;
use fengjuan_terminal::view::action::{CandidateAction, DeskAction, SeatAction};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use world::Boot;

/// How a party is started: the one argument of its program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Start {
    pub role: Role,
    pub data: PathBuf,
    /// The world's clock.
    pub clock: PathBuf,
    pub boot: Boot,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Role {
    /// The center's server over the home at `data`.
    Center {
        listen: SocketAddr,
    },
    Station {
        kit: PathBuf,
        listen: SocketAddr,
        name: String,
        standby: bool,
    },
    Terminal {
        kit: PathBuf,
    },
}

/// What is done at a party.
#[derive(Clone, Serialize, Deserialize)]
pub enum Ask {
    Station(StationAction),
    Candidate(CandidateAction),
    Seat(SeatAction),
    Desk(DeskAction),
    Look,
}

/// What is on its screen after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// It serves, or has opened.
    Ready,
    Station(Box<StationOutcome>),
    Terminal(Box<Outcome>),
}
