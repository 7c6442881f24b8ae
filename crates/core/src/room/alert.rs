//! What a person at the station must know (告警): raised and ended by what is the case, acknowledged by a person with a
//! note.

use super::Device;
use super::lease::AttemptId;
use crate::event::Event;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    /// Somebody signed in at another seat than the one that was published for them.
    OtherSeat {
        #[serde(with = "crate::bytes")]
        attempt: AttemptId,
        device: Device,
        seat_no: u32,
    },
    /// An unknown or revoked device, or a known one from another address.
    Stranger {
        device: Device,
        code: String,
    },
    /// It sends more than a terminal has to say, and is held back.
    Flood {
        device: Device,
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
    /// Many outages wait for a decision at once: most likely the power of the room.
    ManyOutages {
        outages: Vec<OutageRef>,
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

/// One outage of one attempt, by its number there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutageRef {
    #[serde(with = "crate::bytes")]
    pub attempt: AttemptId,
    pub outage_no: u32,
}

/// One of those whom an alert about many is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whom {
    Device(Device),
    Outage(OutageRef),
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
            Alert::OtherSeat { .. } => "alert.other_seat",
            Alert::Stranger { .. } => "alert.stranger",
            Alert::Flood { .. } => "alert.flood",
            Alert::Storage { .. } => "alert.storage",
            Alert::StationStopped { .. } => "alert.station_stopped",
            Alert::ManyOutOfContact { .. } => "alert.many_out_of_contact",
            Alert::ManyOutages { .. } => "alert.many_outages",
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
            Alert::OtherSeat { .. }
            | Alert::Flood { .. }
            | Alert::ManyOutOfContact { .. }
            | Alert::ManyOutages { .. }
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
            | Alert::OtherSeat { device, .. }
            | Alert::Stranger { device, .. }
            | Alert::Storage { device, .. }
            | Alert::Refused { device, .. }
            | Alert::Camera { device, .. }
            | Alert::Flood { device }
            | Alert::OutOfContact { device }
            | Alert::TwoTerminals { other: device, .. } => Some(*device),
            _ => None,
        }
    }

    /// What was held back or refused here may be gone when a person looks; that it was there must be seen.
    fn stays_until_seen(&self) -> bool {
        matches!(self, Alert::Stranger { .. } | Alert::Flood { .. })
    }

    /// Whom an alert about many at once is about.
    fn many(&self) -> Option<BTreeSet<Whom>> {
        match self {
            Alert::ManyOutOfContact { devices } => {
                Some(devices.iter().copied().map(Whom::Device).collect())
            }
            Alert::ManyOutages { outages } => {
                Some(outages.iter().cloned().map(Whom::Outage).collect())
            }
            _ => None,
        }
    }

    fn same_kind(&self, other: &Alert) -> bool {
        self.code() == other.code()
    }

    /// The same about these.
    fn of_many(&self, whom: BTreeSet<Whom>) -> Alert {
        match self {
            Alert::ManyOutages { .. } => Alert::ManyOutages {
                outages: whom
                    .into_iter()
                    .filter_map(|one| match one {
                        Whom::Outage(outage) => Some(outage),
                        Whom::Device(_) => None,
                    })
                    .collect(),
            },
            _ => Alert::ManyOutOfContact {
                devices: whom
                    .into_iter()
                    .filter_map(|one| match one {
                        Whom::Device(device) => Some(device),
                        Whom::Outage(_) => None,
                    })
                    .collect(),
            },
        }
    }

    /// Whether both say the same thing, however it has grown since.
    fn same_matter(&self, other: &Alert) -> bool {
        use Alert::{CenterAway, StationStopped};
        match (self, other) {
            (StationStopped { .. }, StationStopped { .. })
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
        let (changed, is_the_case) = self.grown(is_the_case);
        let is_the_case = is_the_case.as_slice();
        let over = self.open.values().filter(|open| {
            let still = |alert: &Alert| alert.same_matter(&open.alert);
            let changes = changed
                .iter()
                .any(|(alert_no, _)| *alert_no == open.alert_no);
            let unseen = open.alert.stays_until_seen() && open.acknowledged.is_none();
            !changes && !unseen && !is_the_case.iter().any(still)
        });
        let mut due: Vec<Event> = over
            .map(|open| Event::AlertOver {
                alert_no: open.alert_no,
            })
            .collect();
        due.extend(changed.iter().map(|(alert_no, alert)| Event::AlertChanged {
            alert_no: *alert_no,
            alert: alert.clone(),
        }));
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

    /// Alerts about many at once are compared by whom they are about: one that nobody has seen to grows; of one that was
    /// seen to only what is still the case is left, and whoever is new is another alert. Gives those that change, and what
    /// is the case in the words of the open ones.
    fn grown(&self, is_the_case: &[Alert]) -> (Vec<(u64, Alert)>, Vec<Alert>) {
        let (mut changed, mut case) = (Vec::new(), Vec::new());
        for alert in is_the_case {
            let Some(mut new) = alert.many() else {
                case.push(alert.clone());
                continue;
            };
            let now = new.clone();
            let open = self.open.values();
            let open = open.filter(|open| alert.same_kind(&open.alert));
            let (seen_to, unseen): (Vec<&Open>, Vec<&Open>) =
                open.partition(|open| open.acknowledged.is_some());
            let whom = |open: &Open| open.alert.many().unwrap_or_default();
            for open in seen_to {
                let before = whom(open);
                let left: BTreeSet<Whom> = before.intersection(&now).cloned().collect();
                new = new.difference(&before).cloned().collect();
                if !left.is_empty() {
                    settle(open, before, left, &mut changed, &mut case);
                }
            }
            if let Some(open) = unseen.first() {
                let before = whom(open);
                let all: BTreeSet<Whom> = match alert {
                    Alert::ManyOutOfContact { .. } => before.union(&new).cloned().collect(),
                    // What was decided needs no decision any more.
                    _ => new.clone(),
                };
                if !all.is_disjoint(&now) {
                    settle(open, before, all, &mut changed, &mut case);
                }
            } else if !new.is_empty() {
                case.push(alert.of_many(new));
            }
        }
        (changed, case)
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
            Event::AlertChanged { alert_no, alert } => {
                if let Some(open) = self.open.get_mut(alert_no) {
                    open.alert = alert.clone();
                }
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

/// What an open alert about many becomes; it stays as it is where nothing changed.
fn settle(
    open: &Open,
    before: BTreeSet<Whom>,
    after: BTreeSet<Whom>,
    changed: &mut Vec<(u64, Alert)>,
    case: &mut Vec<Alert>,
) {
    if before == after {
        case.push(open.alert.clone());
    } else {
        changed.push((open.alert_no, open.alert.of_many(after)));
    }
}
