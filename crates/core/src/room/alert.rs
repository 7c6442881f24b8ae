//! What a person at the station must know (告警): raised and ended by what is the case, acknowledged by a person with a
//! note.

use super::Device;
use super::lease::AttemptId;
use crate::event::Event;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Alert {
    /// A ledger with two versions of one entry: a cloned or rolled back disk.
    Fork {
        device: Device,
        at_seq: u64,
    },
    /// It lost commands or entries that it had acknowledged.
    WentBack {
        device: Device,
    },
    /// Two terminals say that the same candidate sits there.
    TwoTerminals {
        #[serde(with = "crate::bytes")]
        attempt: AttemptId,
        holder: Device,
        other: Device,
    },
    /// The terminal that should hold the attempt was told by another station that it does not, and nobody else has it:
    /// give it to a machine.
    NobodyHolds {
        #[serde(with = "crate::bytes")]
        attempt: AttemptId,
    },
    /// An unknown or revoked device, or a known one from another address.
    Stranger {
        device: Device,
        code: String,
    },
    /// Storage refuses writes, or is nearly full.
    Storage {
        device: Device,
        code: String,
    },
    /// Another station runs the room now, or claims to.
    StationStopped {
        epoch: u64,
    },
    /// Many seats fell silent at once: most likely the switch.
    ManyOutOfContact {
        devices: Vec<Device>,
    },
    /// An outage waits for a decision.
    OutageUndecided {
        #[serde(with = "crate::bytes")]
        attempt: AttemptId,
        outage_no: u32,
    },
    /// A terminal refused a command.
    Refused {
        device: Device,
        #[serde(with = "crate::bytes")]
        command_id: [u8; 16],
        command: String,
        code: String,
    },
    Camera {
        device: Device,
        code: String,
    },
    /// One seat is silent, cause unknown. Its candidate probably goes on.
    OutOfContact {
        device: Device,
    },
    /// Somebody's password is locked out.
    Lockout {
        staff_id: String,
    },
    /// The center has been out of reach since then.
    CenterAway {
        since_ms: i64,
    },
}

/// How bad it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something is lost, wrong, or not what it says it is.
    Harm,
    /// A person must look or decide.
    Attention,
    /// Good to know.
    Note,
}

impl Alert {
    /// Stable name, for words.
    pub fn code(&self) -> &'static str {
        match self {
            Alert::Fork { .. } => "alert.fork",
            Alert::WentBack { .. } => "alert.went_back",
            Alert::TwoTerminals { .. } => "alert.two_terminals",
            Alert::NobodyHolds { .. } => "alert.nobody_holds",
            Alert::Stranger { .. } => "alert.stranger",
            Alert::Storage { .. } => "alert.storage",
            Alert::StationStopped { .. } => "alert.station_stopped",
            Alert::ManyOutOfContact { .. } => "alert.many_out_of_contact",
            Alert::OutageUndecided { .. } => "alert.outage_undecided",
            Alert::Refused { .. } => "alert.refused",
            Alert::Camera { .. } => "alert.camera",
            Alert::OutOfContact { .. } => "alert.out_of_contact",
            Alert::Lockout { .. } => "alert.lockout",
            Alert::CenterAway { .. } => "alert.center_away",
        }
    }

    pub fn severity(&self) -> Severity {
        match self {
            Alert::Fork { .. }
            | Alert::WentBack { .. }
            | Alert::TwoTerminals { .. }
            | Alert::NobodyHolds { .. }
            | Alert::Stranger { .. }
            | Alert::Storage { .. }
            | Alert::StationStopped { .. } => Severity::Harm,
            Alert::ManyOutOfContact { .. }
            | Alert::OutageUndecided { .. }
            | Alert::Refused { .. }
            | Alert::Camera { .. }
            | Alert::OutOfContact { .. }
            | Alert::Lockout { .. } => Severity::Attention,
            Alert::CenterAway { .. } => Severity::Note,
        }
    }

    /// The device that it speaks of, where it is one.
    pub fn device(&self) -> Option<Device> {
        match self {
            Alert::Fork { device, .. }
            | Alert::WentBack { device }
            | Alert::Stranger { device, .. }
            | Alert::Storage { device, .. }
            | Alert::Refused { device, .. }
            | Alert::Camera { device, .. }
            | Alert::OutOfContact { device }
            | Alert::TwoTerminals { other: device, .. } => Some(*device),
            _ => None,
        }
    }

    /// Whether both say the same thing, however it has grown since.
    fn same_matter(&self, other: &Alert) -> bool {
        use Alert::{CenterAway, ManyOutOfContact, StationStopped};
        match (self, other) {
            (ManyOutOfContact { .. }, ManyOutOfContact { .. })
            | (StationStopped { .. }, StationStopped { .. })
            | (CenterAway { .. }, CenterAway { .. }) => true,
            _ => self == other,
        }
    }
}

/// An alert whose matter is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    pub alert_no: u64,
    pub alert: Alert,
    /// Who has seen to it, and the note.
    pub acknowledged: Option<(String, String)>,
}

/// All alerts, folded from the station's ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertBook {
    given: u64,
    open: BTreeMap<u64, Open>,
}

impl AlertBook {
    /// Worst first: what nobody has seen to, then by severity, then the oldest.
    pub fn worst_first(&self) -> Vec<&Open> {
        let mut open: Vec<&Open> = self.open.values().collect();
        let place = |open: &&Open| {
            let seen_to = open.acknowledged.is_some();
            (seen_to, open.alert.severity(), open.alert_no)
        };
        open.sort_by_key(place);
        open
    }

    pub fn get(&self, alert_no: u64) -> Option<&Open> {
        self.open.get(&alert_no)
    }

    /// What to record so that the open alerts are what is the case.
    pub fn due(&self, is_the_case: &[Alert]) -> Vec<Event> {
        let over = self.open.values().filter(|open| {
            let still = |alert: &Alert| alert.same_matter(&open.alert);
            !is_the_case.iter().any(still)
        });
        let mut due: Vec<Event> = over
            .map(|open| Event::AlertOver {
                alert_no: open.alert_no,
            })
            .collect();
        let new = is_the_case.iter().filter(|alert| {
            let known = |open: &Open| open.alert.same_matter(alert);
            !self.open.values().any(known)
        });
        due.extend(
            (self.given + 1..)
                .zip(new)
                .map(|(alert_no, alert)| Event::AlertRaised {
                    alert_no,
                    alert: alert.clone(),
                }),
        );
        due
    }

    /// Takes over an event that is durable; others change nothing.
    pub fn commit(&mut self, event: &Event) {
        match event {
            Event::AlertRaised { alert_no, alert } => {
                self.given = self.given.max(*alert_no);
                let open = Open {
                    alert_no: *alert_no,
                    alert: alert.clone(),
                    acknowledged: None,
                };
                self.open.insert(*alert_no, open);
            }
            Event::AlertOver { alert_no } => {
                self.open.remove(alert_no);
            }
            Event::AlertAcknowledged {
                alert_no,
                staff_id,
                note,
            } => {
                if let Some(open) = self.open.get_mut(alert_no) {
                    open.acknowledged = Some((staff_id.clone(), note.clone()));
                }
            }
            _ => {}
        }
    }
}
