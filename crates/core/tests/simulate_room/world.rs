//! The room and what happens to it.

use crate::hub::{Hub, Out};
use crate::network::{Entry, Message, Network, Party, Record};
use crate::staff;
use crate::terminal::Terminal;
use fengjuan_core::choice::Choice;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::item::OptionSet;
use fengjuan_core::room::lease::LeaseGiven;
use std::collections::{BTreeMap, BTreeSet};

pub const MINUTE: i64 = 60_000;
pub const START: i64 = 1_790_000_000_000;
pub const ENDS: i64 = START + 8 * MINUTE;
/// From here on nothing fails any more, and everything comes to its end.
pub const CALM_FROM: i64 = START + 7 * MINUTE;
pub const END: i64 = START + 20 * MINUTE;
pub const SITTING: &str = "S";
pub const QUESTIONS: u32 = 6;

/// What a run of many seeds must have seen.
pub const WANTED: &[&str] = &[
    "swap",
    "way back",
    "take over",
    "credit one",
    "credit all",
    "two terminals",
    "hub restart",
    "terminal reboot",
    "evidence",
    "suspend",
    "outage decided",
];

/// An answer that the candidate saw ticked.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    pub candidate: usize,
    pub terminal: usize,
    pub seq: u64,
}

pub struct World {
    pub choice: Choice,
    pub now: i64,
    pub network: Network,
    pub hubs: Vec<Hub>,
    pub terminals: Vec<Terminal>,
    pub candidates: usize,
    /// At which terminal each candidate sits.
    pub at: Vec<usize>,
    pub center: BTreeMap<[u8; 16], Vec<Entry>>,
    /// How often each bundle was put into the center's store.
    pub center_bundles: BTreeMap<Hash32, u32>,
    pub acknowledged: Vec<Acknowledged>,
    pub seen: BTreeMap<&'static str, u64>,
    pub calm: bool,
    /// What had come back as stored at a hub, by terminal, when a lease was given there.
    ids: u64,
}

impl World {
    pub fn new(seed: u64) -> World {
        let mut choice = Choice::new(&[0; 32], &[b"room", &seed.to_be_bytes()]);
        let now = START - MINUTE;
        // One room in thirty is a full one.
        let candidates = if choice.below(30) == 0 {
            60
        } else {
            2 + choice.below(4) as usize
        };
        let machines = candidates + 2;
        let network = Network::new(&mut choice);
        let mut skew = || i64::from(choice.below(800)) - 400;
        let hubs = vec![Hub::new(0, skew()), Hub::new(1, skew())];
        let mut world = World {
            choice,
            now,
            network,
            hubs,
            terminals: (0..machines).map(|no| Terminal::new(no, now)).collect(),
            candidates,
            at: (0..candidates).collect(),
            center: BTreeMap::new(),
            center_bundles: BTreeMap::new(),
            acknowledged: Vec::new(),
            seen: BTreeMap::new(),
            calm: false,
            ids: 0,
        };
        for terminal in &mut world.terminals {
            terminal.launch(now);
        }
        staff::open_the_room(&mut world);
        world
    }

    pub fn see(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    pub fn below(&mut self, n: u32) -> u32 {
        self.choice.below(n)
    }

    /// A source of ids that never repeat.
    pub fn id(&mut self) -> [u8; 16] {
        self.ids += 1;
        let mut id = [0xaa; 16];
        id[..8].copy_from_slice(&self.ids.to_be_bytes());
        id
    }

    pub fn send(&mut self, from: Party, messages: Out) {
        for (to, message) in messages {
            self.network
                .send(&mut self.choice, self.now, from, to, message);
        }
    }

    /// A second passes.
    pub fn step(&mut self) {
        let until = self.now + 1_000;
        while let Some((at, to, message)) = self.network.arrive(until) {
            self.now = at.max(self.now);
            self.deliver(to, message);
        }
        self.now = until;
        if !self.calm {
            self.accidents();
        }
        self.hubs_pass();
        self.terminals_pass();
        staff::act(self);
    }

    fn deliver(&mut self, to: Party, message: Message) {
        let now = self.now;
        match to {
            Party::Hub(no) if self.hubs[no].up => {
                let out = self.hubs[no].hear(message, now);
                self.send(to, out);
            }
            Party::Terminal(no) if self.terminals[no].program.is_some() => {
                if let Some(answer) = self.terminals[no].hear(message, now) {
                    let hub = Party::Hub(self.terminals[no].program.as_ref().unwrap().hub);
                    self.send(to, vec![(hub, answer)]);
                }
            }
            Party::Center => {
                let answer = self.at_the_center(message);
                self.send(to, vec![answer]);
            }
            _ => {}
        }
    }

    fn at_the_center(&mut self, message: Message) -> (Party, Message) {
        match message {
            Message::Forward {
                hub,
                ledger_id,
                from,
                entries,
            } => {
                let held = self.center.entry(ledger_id).or_default();
                for (seq, entry) in (from as usize..).zip(entries) {
                    if seq == held.len() {
                        held.push(entry);
                    } else if let Some(known) = held.get(seq) {
                        assert_eq!(known, &entry, "one place, one entry");
                    }
                }
                let size = held.len() as u64;
                (Party::Hub(hub), Message::CenterHas { ledger_id, size })
            }
            Message::ForwardBundle { hub, hash } => {
                if !self.center_bundles.contains_key(&hash) {
                    *self.center_bundles.entry(hash).or_default() += 1;
                }
                (Party::Hub(hub), Message::CenterReceipt { hash })
            }
            other => panic!("the center heard {other:?}"),
        }
    }

    fn hubs_pass(&mut self) {
        let now = self.now;
        for no in 0..self.hubs.len() {
            if !self.hubs[no].up {
                if now >= self.hubs[no].down_until {
                    self.hubs[no].launch(now);
                }
                continue;
            }
            let ids = &mut self.ids;
            let mut next = || {
                *ids += 1;
                let mut id = [0xbb; 16];
                id[..8].copy_from_slice(&ids.to_be_bytes());
                id
            };
            let out = self.hubs[no].pass(&mut next, now);
            self.send(Party::Hub(no), out);
        }
    }

    fn terminals_pass(&mut self) {
        let now = self.now;
        for no in 0..self.terminals.len() {
            if self.terminals[no].program.is_none() {
                if now >= self.terminals[no].down_until {
                    self.terminals[no].launch(now);
                }
                continue;
            }
            self.terminals[no].pass(now);
            if (now / 1_000 + no as i64) % 3 == 0 {
                let says = self.terminals[no].says(now);
                let hub = Party::Hub(self.terminals[no].program.as_ref().unwrap().hub);
                let says = says.into_iter().map(|message| (hub, message)).collect();
                self.send(Party::Terminal(no), says);
            }
        }
        for candidate in 0..self.candidates {
            self.candidate_acts(candidate);
        }
    }

    fn candidate_acts(&mut self, candidate: usize) {
        let (no, now) = (self.at[candidate], self.now);
        if self.terminals[no].program.is_none() {
            return;
        }
        let sits = self.terminals[no].program.as_ref().unwrap().sits;
        if sits.is_none() && self.below(10) == 0 {
            self.terminals[no].identify(candidate, now);
        } else if sits == Some(candidate) && self.below(4) == 0 {
            let (position, chosen) = (self.below(QUESTIONS), self.below(4) as u8);
            let answer = self.terminals[no].answer(position, OptionSet::single(chosen), now);
            if let Some(seq) = answer {
                let terminal = no;
                self.acknowledged.push(Acknowledged {
                    candidate,
                    terminal,
                    seq,
                });
            }
        }
    }

    pub fn calm_down(&mut self) {
        self.calm = true;
        self.network.heal();
        for terminal in &mut self.terminals {
            terminal.down_until = terminal.down_until.min(self.now);
            terminal.booted_ms = terminal.booted_ms.min(self.now);
        }
        for hub in &mut self.hubs {
            hub.down_until = hub.down_until.min(self.now);
        }
    }

    /// Every lease in the history of the station that runs the room.
    pub fn leases(&self) -> Vec<LeaseGiven> {
        let mut leases: Vec<LeaseGiven> = Vec::new();
        let commanding = self.hubs.iter().filter(|hub| hub.commanding().is_some());
        for record in commanding.flat_map(|hub| &hub.journal) {
            let (Record::Own(event) | Record::Followed(event)) = record else {
                continue;
            };
            if let Event::LeaseGiven { given } = event
                && !leases.contains(given)
            {
                leases.push(given.clone());
            }
        }
        leases
    }

    /// Machines where nobody sits.
    pub fn free_machines(&self) -> Vec<usize> {
        let taken: BTreeSet<usize> = self.at.iter().copied().collect();
        (0..self.terminals.len())
            .filter(|no| !taken.contains(no))
            .collect()
    }
}
