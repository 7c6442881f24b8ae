//! What a terminal says to its hub, and hears.

use super::{SILENCE_MS, Terminal};
use crate::network::{Entry, Message};
use crate::plan::{attempt_id, device};
use fengjuan_core::attempt::Input;
use fengjuan_core::event::{Event, Hash32, OutageCause};
use fengjuan_core::room::epoch::Heard;
use fengjuan_core::room::fence::Fence;

impl Terminal {
    /// What it says to its hub.
    pub fn says(&mut self, now: i64) -> Vec<Message> {
        let (terminal, life, size) = (self.no, self.life(), self.ledger.len() as u64);
        let boot_ms = self.boot_ms(now);
        let program = self.program.as_mut().unwrap();
        if now - program.heard_ms > SILENCE_MS {
            (program.hub, program.heard_ms, program.stored) = (1 - program.hub, now, 0);
        }
        let mut says = vec![Message::Beat {
            terminal,
            life,
            size,
            mark: program.inbox.mark(),
            obeyed: program.epoch.station(),
        }];
        let from = program.stored;
        let to = size.min(from + 50);
        says.push(Message::Entries {
            terminal,
            from,
            entries: self.ledger[from as usize..to as usize].to_vec(),
        });
        for hash in program.bundles.difference(&program.receipted) {
            let hash = *hash;
            says.push(Message::Bundle { terminal, hash });
        }
        if let Some((attempt, lease)) = program.wants {
            says.push(Message::ReadBack {
                terminal,
                attempt,
                lease,
                carry: program.carry.clone(),
            });
        }
        says.push(Message::AskTime {
            terminal,
            nonce: self.runs,
            sent_boot_ms: boot_ms,
        });
        says
    }

    pub fn hear(&mut self, message: Message, now: i64) -> Option<Message> {
        let boot_ms = self.boot_ms(now);
        let terminal = self.no;
        let size = self.ledger.len() as u64;
        let program = self.program.as_mut()?;
        match message {
            Message::Epoch { epoch, hub } => {
                match program.epoch.hear(epoch, &device(100 + hub)) {
                    Heard::Same if program.hub == hub => program.heard_ms = now,
                    Heard::Higher => {
                        let station = device(100 + hub);
                        (program.hub, program.heard_ms, program.stored) = (hub, now, 0);
                        self.write(None, vec![Event::EpochObeyed { epoch, station }], now);
                    }
                    _ => {}
                }
                None
            }
            Message::Command { hub, numbered } => self.command(hub, &numbered, now),
            Message::Stored { hub, size: stored } => {
                if hub == program.hub {
                    program.stored = stored.min(size);
                }
                None
            }
            Message::Receipt { hash } => {
                if program.bundles.contains(&hash) && !program.receipted.contains(&hash) {
                    let receipt = Hash32([9; 32]);
                    self.write(None, vec![Event::Receipted { hash, receipt }], now);
                }
                None
            }
            Message::Carried {
                attempt,
                lease,
                entries,
            } => {
                if program.wants == Some((attempt, lease)) {
                    program.wants = None;
                    self.rebuild(&entries);
                    self.device_outage(&entries, now);
                }
                None
            }
            Message::Time {
                exam_ms,
                nonce,
                sent_boot_ms,
            } => {
                // An answer to another run of the program measures nothing.
                if nonce == self.runs {
                    let _ = program.clock.anchor(exam_ms, sent_boot_ms, boot_ms);
                }
                None
            }
            _ => panic!("terminal {terminal} heard {message:?}"),
        }
    }

    /// From the last moment that was carried on until now nobody could answer. Where this machine had taken the
    /// attempt over already and has restarted since, it is from its own last tick.
    fn device_outage(&mut self, carried: &[(u64, u64, Entry)], now: i64) {
        let program = self.program.as_ref().unwrap();
        if program.attempt.is_none() {
            return;
        }
        let sits = program.sits.map(attempt_id);
        let held = sits
            .and_then(|attempt| program.fences.get(&attempt))
            .map(Fence::held);
        let outage = |entry: &Entry| {
            let device = matches!(
                entry.event,
                Event::OutageRecorded {
                    cause: OutageCause::Device,
                    ..
                }
            );
            device && entry.attempt == sits && Some(entry.lease) == held
        };
        let here_before = self.ledger.iter().any(outage);
        let from_ms = match (here_before, program.lost_from) {
            (true, Some(tick_ms)) => Some(tick_ms),
            _ => carried.iter().map(|(_, _, entry)| entry.exam_ms).max(),
        };
        if let Some(from_ms) = from_ms {
            let outage = Input::OutageFound {
                cause: OutageCause::Device,
                from_ms,
                to_ms: self.exam_now(now),
            };
            let _ = self.input(outage, now);
        }
    }
}
