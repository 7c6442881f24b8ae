//! Who says what to whom, and what the wire does to it.

use fengjuan_core::choice::Choice;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::room::Device;
use fengjuan_core::room::contact::Life;
use fengjuan_core::room::lease::CarryPoint;
use fengjuan_core::room::post::{Acknowledgement, Mark, Numbered};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    Hub(usize),
    Terminal(usize),
    Center,
}

/// One entry of a terminal's ledger, as far as the room cares.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub lease: u64,
    pub attempt: Option<[u8; 16]>,
    pub event: Event,
    pub exam_ms: i64,
}

/// What is durable at a hub, in the order in which it became so.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    Own(Event),
    /// From the station that was followed.
    Followed(Event),
    Entry {
        device: Device,
        ledger_id: [u8; 16],
        seq: u64,
        entry: Entry,
    },
    Bundle(Hash32),
}

#[derive(Clone, Debug)]
pub enum Message {
    // From a terminal.
    Beat {
        terminal: usize,
        life: Life,
        size: u64,
        mark: Mark,
        obeyed: Option<Device>,
    },
    Entries {
        terminal: usize,
        from: u64,
        entries: Vec<Entry>,
    },
    Acknowledge {
        terminal: usize,
        how: Acknowledgement,
    },
    Bundle {
        terminal: usize,
        hash: Hash32,
    },
    ReadBack {
        terminal: usize,
        attempt: [u8; 16],
        lease: u64,
        carry: Vec<CarryPoint>,
    },
    AskTime {
        terminal: usize,
        nonce: u8,
        sent_boot_ms: i64,
    },
    // From a hub to a terminal.
    Epoch {
        epoch: u64,
        hub: usize,
    },
    Command {
        hub: usize,
        numbered: Numbered,
    },
    Stored {
        hub: usize,
        size: u64,
    },
    Receipt {
        hash: Hash32,
    },
    Carried {
        attempt: [u8; 16],
        lease: u64,
        /// With its place: lease and sequence number.
        entries: Vec<(u64, u64, Entry)>,
    },
    Time {
        exam_ms: i64,
        nonce: u8,
        sent_boot_ms: i64,
    },
    // Between hubs.
    Follow {
        hub: usize,
        epoch: u64,
        from: usize,
    },
    Journal {
        epoch: u64,
        from: usize,
        records: Vec<Record>,
    },
    // With the center.
    Forward {
        hub: usize,
        ledger_id: [u8; 16],
        from: u64,
        entries: Vec<Entry>,
    },
    ForwardBundle {
        hub: usize,
        hash: Hash32,
    },
    CenterHas {
        ledger_id: [u8; 16],
        size: u64,
    },
    CenterReceipt {
        hash: Hash32,
    },
}

/// The wire.
pub struct Network {
    on_their_way: BTreeMap<(i64, u64), (Party, Message)>,
    sent: u64,
    /// Links that carry nothing until then.
    cut: BTreeMap<(Party, Party), i64>,
    /// Of a hundred messages, so many are lost, doubled, or very late.
    pub lost: u32,
    pub doubled: u32,
    pub late: u32,
}

impl Network {
    pub fn new(choice: &mut Choice) -> Network {
        Network {
            on_their_way: BTreeMap::new(),
            sent: 0,
            cut: BTreeMap::new(),
            lost: choice.below(20),
            doubled: choice.below(10),
            late: choice.below(10),
        }
    }

    pub fn cut(&mut self, one: Party, other: Party, until: i64) {
        self.cut.insert((one, other), until);
        self.cut.insert((other, one), until);
    }

    pub fn heal(&mut self) {
        self.cut.clear();
        (self.lost, self.doubled, self.late) = (0, 0, 0);
    }

    pub fn send(
        &mut self,
        choice: &mut Choice,
        now: i64,
        from: Party,
        to: Party,
        message: Message,
    ) {
        let cut = self.cut.get(&(from, to)).is_some_and(|until| now < *until);
        if cut || choice.below(100) < self.lost {
            return;
        }
        let copies = 1 + u32::from(choice.below(100) < self.doubled);
        for _ in 0..copies {
            let late = choice.below(100) < self.late;
            let delay_ms = if late {
                choice.below(30_000)
            } else {
                1 + choice.below(200)
            };
            self.sent += 1;
            let place = (now + i64::from(delay_ms), self.sent);
            self.on_their_way.insert(place, (to, message.clone()));
        }
    }

    /// What arrives until this moment, in order.
    pub fn arrive(&mut self, until: i64) -> Option<(i64, Party, Message)> {
        let place = *self.on_their_way.keys().next()?;
        if place.0 > until {
            return None;
        }
        let (to, message) = self.on_their_way.remove(&place)?;
        Some((place.0, to, message))
    }
}
