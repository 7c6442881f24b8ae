//! How a standby follows, and what it hears of epochs.

use crate::hub::{COMMANDS, Hub, Out};
use crate::network::{Message, Party, Record};
use crate::plan::device;
use fengjuan_core::room::station::Station;

impl Hub {
    pub(super) fn followed(&mut self, hub: usize, epoch: u64, from: usize, now: i64) -> Out {
        let Some(mine) = self.commanding() else {
            if from == COMMANDS {
                self.heard = self.heard.max(epoch);
            }
            return Vec::new();
        };
        if epoch > mine || from == COMMANDS {
            self.hear_epoch(epoch, Some(device(100 + hub)), now);
            return Vec::new();
        }
        // Another epoch's copy is begun anew.
        let from = if epoch == mine { from } else { 0 };
        let to = self.journal.len().min(from.saturating_add(200));
        let records = self.journal.get(from..to).unwrap_or_default().to_vec();
        let journal = Message::Journal {
            epoch: mine,
            from,
            records,
        };
        vec![(Party::Hub(hub), journal)]
    }

    pub(super) fn copy(&mut self, epoch: u64, from: usize, records: Vec<Record>, now: i64) {
        if self.commanding().is_some() || self.following.is_some_and(|known| epoch < known) {
            return;
        }
        if self.following != Some(epoch) {
            // Whoever has stopped begins anew as a standby, with whatever the other has.
            self.following = Some(epoch);
            let left = std::mem::take(&mut self.journal);
            self.archive.push(left);
            self.station = Station::new(device(100 + self.no));
            self.launch(now);
        }
        if from <= self.journal.len() {
            let known = self.journal.len() - from;
            for record in records.into_iter().skip(known) {
                let record = match record {
                    Record::Own(event) => Record::Followed(event),
                    other => other,
                };
                self.write(record, now);
            }
        }
    }
}
