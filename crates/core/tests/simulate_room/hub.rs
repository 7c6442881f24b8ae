//! A station with its journal: what is durable there, and the machine that is folded from it.

use crate::network::{Entry, Message, Party, Record};
use crate::plan::{device, ledger_id, sitting};
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::room::Device;
use fengjuan_core::room::lease::CarryPoint;
use fengjuan_core::room::post::PostError;
use fengjuan_core::room::station::{Fact, Note, Station};
use std::collections::{BTreeMap, BTreeSet};

/// A station that only says that it commands follows nobody.
pub const COMMANDS: usize = usize::MAX;

pub struct Hub {
    pub no: usize,
    pub skew_ms: i64,
    pub up: bool,
    pub down_until: i64,
    // Durable.
    pub journal: Vec<Record>,
    /// Journals that were left behind when it stopped.
    pub archive: Vec<Vec<Record>>,
    pub heard: u64,
    // Folded from the journal.
    pub station: Station,
    pub replicas: BTreeMap<[u8; 16], (Device, Vec<Entry>)>,
    pub bundles: BTreeSet<Hash32>,
    // Lost with the program.
    center_has: BTreeMap<[u8; 16], u64>,
    receipted: BTreeSet<Hash32>,
    /// Whose journal, of which epoch, this one is a copy of.
    pub(super) following: Option<u64>,
}

pub type Out = Vec<(Party, Message)>;

impl Hub {
    pub fn new(no: usize, skew_ms: i64) -> Hub {
        let mut hub = Hub {
            no,
            skew_ms,
            up: true,
            down_until: 0,
            journal: Vec::new(),
            archive: Vec::new(),
            heard: 0,
            station: Station::new(device(100 + no)),
            replicas: BTreeMap::new(),
            bundles: BTreeSet::new(),
            center_has: BTreeMap::new(),
            receipted: BTreeSet::new(),
            following: None,
        };
        hub.launch(0);
        hub
    }

    pub fn exam(&self, now: i64) -> i64 {
        now + self.skew_ms
    }

    pub fn commanding(&self) -> Option<u64> {
        self.station.standing().commanding()
    }

    /// The program starts: everything that it knows comes from the journal.
    pub fn launch(&mut self, now: i64) {
        let before = self.station.clone();
        self.up = true;
        self.station = Station::new(device(100 + self.no));
        self.station.hold(&sitting(), 4);
        self.replicas.clear();
        self.bundles.clear();
        self.center_has.clear();
        self.receipted.clear();
        let journal = std::mem::take(&mut self.journal);
        for record in &journal {
            self.fold(record, now);
        }
        self.journal = journal;
        assert_eq!(
            self.station.recorded(),
            before.recorded(),
            "a replay of the ledger gives the same station"
        );
        for attempt in before.attempts() {
            assert_eq!(self.station.attempt(attempt), before.attempt(attempt));
        }
    }

    fn fold(&mut self, record: &Record, now: i64) {
        match record {
            Record::Own(event) => self.station.commit(event),
            Record::Followed(event) => self.station.follow(event),
            Record::Bundle(hash) => {
                self.bundles.insert(*hash);
            }
            Record::Entry {
                device,
                ledger_id,
                seq,
                entry,
            } => {
                let replica = self.replicas.entry(*ledger_id);
                let (_, entries) = replica.or_insert((*device, Vec::new()));
                assert_eq!(*seq, entries.len() as u64);
                entries.push(entry.clone());
                let note = match &entry.event {
                    Event::AnswerSaved { .. } => Note::Answer,
                    event => Note::Clear(Box::new(event.clone())),
                };
                let fact = Fact::Entry {
                    device: *device,
                    ledger_id: *ledger_id,
                    seq: *seq,
                    lease: entry.lease,
                    attempt: entry.attempt,
                    note,
                };
                self.station.observe(&fact, now);
            }
        }
    }

    pub fn write(&mut self, record: Record, now: i64) {
        self.fold(&record, now);
        self.journal.push(record);
        self.heard = self.heard.max(self.station.standing().heard());
    }

    pub fn write_all(&mut self, events: Vec<Event>, now: i64) {
        for event in events {
            self.write(Record::Own(event), now);
        }
    }

    pub(super) fn hear_epoch(&mut self, epoch: u64, station: Option<Device>, now: i64) {
        self.heard = self.heard.max(epoch);
        if let Some(event) = self.station.hear_epoch(epoch, station) {
            self.write(Record::Own(event), now);
        }
    }

    /// About once a second.
    pub fn pass(&mut self, ids: &mut dyn FnMut() -> [u8; 16], now: i64) -> Out {
        let exam_ms = self.exam(now);
        let other = Party::Hub(1 - self.no);
        let mut out = Vec::new();
        if let Some(epoch) = self.commanding() {
            self.station.tick(exam_ms);
            let due = self.station.due(ids, exam_ms);
            self.write_all(due, now);
            let follow = Message::Follow {
                hub: self.no,
                epoch,
                from: COMMANDS,
            };
            out.push((other, follow));
            self.forward(&mut out);
        } else {
            let (hub, epoch) = (self.no, self.following.unwrap_or(0));
            let from = self.journal.len();
            out.push((other, Message::Follow { hub, epoch, from }));
        }
        out
    }

    fn forward(&self, out: &mut Out) {
        let hub = self.no;
        for (ledger_id, (_, entries)) in &self.replicas {
            let from = self.center_has.get(ledger_id).copied().unwrap_or(0);
            let to = entries.len().min(from as usize + 100);
            if (from as usize) < to {
                let forward = Message::Forward {
                    hub,
                    ledger_id: *ledger_id,
                    from,
                    entries: entries[from as usize..to].to_vec(),
                };
                out.push((Party::Center, forward));
            }
        }
        for hash in self.bundles.difference(&self.receipted) {
            let hash = *hash;
            out.push((Party::Center, Message::ForwardBundle { hub, hash }));
        }
    }

    pub fn hear(&mut self, message: Message, now: i64) -> Out {
        match message {
            Message::Follow { hub, epoch, from } => self.followed(hub, epoch, from, now),
            Message::Journal {
                epoch,
                from,
                records,
                ..
            } => {
                self.copy(epoch, from, records, now);
                Vec::new()
            }
            Message::CenterHas { ledger_id, size } => {
                let held = self
                    .replicas
                    .get(&ledger_id)
                    .map_or(0, |(_, entries)| entries.len());
                let has = self.center_has.entry(ledger_id).or_default();
                *has = (*has).max(size).min(held as u64);
                Vec::new()
            }
            Message::CenterReceipt { hash } => {
                self.receipted.insert(hash);
                Vec::new()
            }
            message if self.commanding().is_some() => self.hear_terminal(message, now),
            _ => Vec::new(),
        }
    }

    fn hear_terminal(&mut self, message: Message, now: i64) -> Out {
        let hub = self.no;
        match message {
            Message::Beat { .. } => self.beat(message, now),
            Message::Entries {
                terminal,
                from,
                entries,
            } => {
                let size = self.store(terminal, from, entries, now);
                vec![(Party::Terminal(terminal), Message::Stored { hub, size })]
            }
            Message::Acknowledge { terminal, how } => {
                let event = self.station.acknowledged(&device(terminal), &how);
                self.write_all(event.into_iter().collect(), now);
                Vec::new()
            }
            Message::Bundle { terminal, hash } => {
                if !self.bundles.contains(&hash) {
                    self.write(Record::Bundle(hash), now);
                }
                let receipt = (Party::Terminal(terminal), Message::Receipt { hash });
                let has = self.receipted.contains(&hash);
                has.then_some(receipt).into_iter().collect()
            }
            Message::ReadBack {
                terminal,
                attempt,
                lease,
                carry,
            } => {
                let carried = self.carried(terminal, &attempt, lease, &carry);
                let to = Party::Terminal(terminal);
                carried.map(|carried| (to, carried)).into_iter().collect()
            }
            Message::AskTime {
                terminal,
                nonce,
                sent_boot_ms,
            } => {
                let exam_ms = self.exam(now);
                let time = Message::Time {
                    exam_ms,
                    nonce,
                    sent_boot_ms,
                };
                vec![(Party::Terminal(terminal), time)]
            }
            other => panic!("hub {hub} heard {other:?}"),
        }
    }

    fn beat(&mut self, message: Message, now: i64) -> Out {
        let (hub, mine) = (self.no, self.commanding().unwrap());
        let Message::Beat {
            terminal,
            life,
            size,
            mark,
            obeyed,
        } = message
        else {
            return Vec::new();
        };
        let me = device(100 + hub);
        let rival = mark.epoch == mine && obeyed != Some(me);
        if mark.epoch > mine || rival {
            self.hear_epoch(mark.epoch, obeyed, now);
            return Vec::new();
        }
        let heard = Fact::Heard {
            device: device(terminal),
            life,
            ledger_id: ledger_id(terminal),
            ledger_size: size,
            storage: None,
            camera: None,
        };
        self.station.observe(&heard, self.exam(now));
        let to = Party::Terminal(terminal);
        let mut out = vec![(to, Message::Epoch { epoch: mine, hub })];
        if mark.epoch == mine {
            match self.station.hello(&device(terminal), mark) {
                Ok(waiting) => {
                    for numbered in waiting.into_iter().take(20) {
                        out.push((to, Message::Command { hub, numbered }));
                    }
                }
                // An old heartbeat that came late.
                Err(PostError::WentBack { .. }) => {}
                Err(error) => panic!("terminal {terminal} at hub {hub}: {error}"),
            }
        }
        out
    }

    fn store(&mut self, terminal: usize, from: u64, entries: Vec<Entry>, now: i64) -> u64 {
        let ledger_id = ledger_id(terminal);
        let held = self.replicas.get(&ledger_id);
        let held = held.map_or(0, |(_, entries)| entries.len() as u64);
        if from > held {
            return held;
        }
        for (seq, entry) in (from..).zip(entries) {
            let size = self
                .replicas
                .get(&ledger_id)
                .map_or(0, |(_, held)| held.len());
            if seq < size as u64 {
                let known = &self.replicas[&ledger_id].1[seq as usize];
                assert_eq!(known, &entry, "one place, one entry");
                continue;
            }
            let record = Record::Entry {
                device: device(terminal),
                ledger_id,
                seq,
                entry,
            };
            self.write(record, now);
        }
        let held = self.replicas.get(&ledger_id);
        held.map_or(0, |(_, entries)| entries.len() as u64)
    }

    /// What goes on under a lease of the asking terminal, and only where all of it is here. One that has lost the
    /// lease meanwhile gets it too, and one that has it from another station: it must come to the commands that follow.
    fn carried(
        &self,
        terminal: usize,
        attempt: &[u8; 16],
        lease: u64,
        carry: &[CarryPoint],
    ) -> Option<Message> {
        let mut entries = Vec::new();
        // What it wrote itself it has itself.
        let own = ledger_id(terminal);
        for point in carry.iter().filter(|point| point.ledger_id != own) {
            let held = self.replicas.get(&point.ledger_id);
            let held = held.map_or(&[][..], |(_, held)| held.as_slice());
            if (held.len() as u64) < point.size {
                return None;
            }
            for (seq, entry) in (0..point.size).zip(held) {
                let theirs = entry.attempt == Some(*attempt) && entry.lease == point.lease;
                entries.extend(theirs.then(|| (point.lease, seq, entry.clone())));
            }
        }
        Some(Message::Carried {
            attempt: *attempt,
            lease,
            entries,
        })
    }
}
