//! Where one attempt stands, from those of its entries that a station can read and that count.

use crate::event::{Event, Hash32};
use std::collections::BTreeSet;

/// Where an attempt stands at the terminal that holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptStanding {
    pub sitting_no: String,
    pub ticket_hash: Option<Hash32>,
    /// The number of the machine at which the candidate identified.
    pub identified_at: Option<u32>,
    /// From its start on.
    pub class_no: Option<String>,
    pub started: bool,
    /// Started and not handed in.
    pub answering: bool,
    pub suspended_by_staff: bool,
    pub handed_in: bool,
    pub removed: bool,
    /// Outages that wait for a decision.
    pub undecided: BTreeSet<u32>,
    /// Entries that save an answer.
    pub answers: u32,
}

/// Whether it decides where an attempt stands.
pub(super) fn decides(event: &Event) -> bool {
    matches!(
        event,
        Event::Identified { .. }
            | Event::Fenced { .. }
            | Event::LeaseTaken { .. }
            | Event::AttemptStarted { .. }
            | Event::HandedIn { .. }
            | Event::Removed { .. }
            | Event::Reopened { .. }
            | Event::SuspendedByStaff { .. }
            | Event::ResumedByStaff { .. }
            | Event::OutageRecorded { .. }
            | Event::OutageDecided { .. }
    )
}

impl AttemptStanding {
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Identified {
                sitting_no,
                ticket_hash,
                seat_no,
            } => {
                self.sitting_no = sitting_no.clone();
                self.ticket_hash = Some(*ticket_hash);
                self.identified_at = Some(*seat_no);
            }
            Event::AttemptStarted {
                sitting_no,
                class_no,
                ..
            } => {
                self.sitting_no = sitting_no.clone();
                self.class_no = Some(class_no.clone());
                self.started = true;
            }
            Event::HandedIn { .. } => self.handed_in = true,
            Event::Removed { .. } => {
                self.handed_in = true;
                self.removed = true;
            }
            Event::Reopened { .. } => self.handed_in = false,
            Event::SuspendedByStaff { .. } => self.suspended_by_staff = true,
            Event::ResumedByStaff { .. } => self.suspended_by_staff = false,
            Event::OutageRecorded { outage_no, .. } => {
                self.undecided.insert(*outage_no);
            }
            Event::OutageDecided { outage_no, .. } => {
                self.undecided.remove(outage_no);
            }
            _ => {}
        }
    }
}
