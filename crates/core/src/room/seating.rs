//! Machines, seat numbers and candidates (考位编排): which machine shows which number, and who sits at which number.
//! Candidates are dealt to numbers, by the roster or at random, and the deal is locked once published. A dead machine is
//! put out of use (停用), and its number moves to another, before or after the lock.

use super::Device;
use crate::choice::Choice;
use crate::event::{Event, Hash32};
use std::collections::{BTreeMap, BTreeSet};

/// What a machine is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Seat,
    /// 备用机.
    Spare,
    /// 停用.
    OutOfUse,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    pub name: String,
    pub purpose: Use,
    /// The number that it shows.
    pub seat_no: Option<u32>,
}

/// Why a seat cannot be given so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeatingError {
    #[error("the machine is not on the room's list")]
    UnknownMachine,
    #[error("the machine is out of use")]
    OutOfUse,
    #[error("the machine is in use")]
    InUse,
    #[error("the machine was taken off the list")]
    Revoked,
    #[error("the machine has seat {seat_no}")]
    HasSeat { seat_no: u32 },
    #[error("the seats of this sitting are published")]
    Published,
    #[error("{working} machines work, and {candidates} candidates come")]
    TooFewMachines { working: u32, candidates: u32 },
    #[error("seat {seat_no} is dealt twice")]
    DealtTwice { seat_no: u32 },
    #[error("no machine has seat {seat_no}")]
    NoMachine { seat_no: u32 },
}

impl SeatingError {
    pub fn code(&self) -> &'static str {
        match self {
            SeatingError::UnknownMachine => "seating.unknown_machine",
            SeatingError::OutOfUse => "seating.out_of_use",
            SeatingError::InUse => "seating.in_use",
            SeatingError::Revoked => "seating.revoked",
            SeatingError::HasSeat { .. } => "seating.has_seat",
            SeatingError::Published => "seating.published",
            SeatingError::TooFewMachines { .. } => "seating.too_few_machines",
            SeatingError::DealtTwice { .. } => "seating.dealt_twice",
            SeatingError::NoMachine { .. } => "seating.no_machine",
        }
    }
}

/// The room's seats, folded from the station's ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seating {
    machines: BTreeMap<Device, Machine>,
    seats: BTreeMap<u32, Device>,
    /// By sitting, who sits at which number.
    dealt: BTreeMap<String, BTreeMap<Hash32, u32>>,
    published: BTreeSet<String>,
    /// Taken off the list for good.
    revoked: BTreeSet<Device>,
}

impl Seating {
    pub fn machines(&self) -> &BTreeMap<Device, Machine> {
        &self.machines
    }

    pub fn machine(&self, device: &Device) -> Option<&Machine> {
        self.machines.get(device)
    }

    /// The machine that shows this number.
    pub fn at(&self, seat_no: u32) -> Option<Device> {
        self.seats.get(&seat_no).copied()
    }

    pub fn seats(&self) -> &BTreeMap<u32, Device> {
        &self.seats
    }

    /// The number dealt to a candidate.
    pub fn seat_of(&self, sitting_no: &str, ticket_hash: &Hash32) -> Option<u32> {
        self.dealt.get(sitting_no)?.get(ticket_hash).copied()
    }

    /// Everybody's number in a sitting whose seats are published; none before that.
    pub fn published_deal(&self, sitting_no: &str) -> Option<Vec<(Hash32, u32)>> {
        let dealt = self.dealt.get(sitting_no)?;
        let pairs = dealt.iter().map(|(ticket, seat_no)| (*ticket, *seat_no));
        self.is_published(sitting_no).then(|| pairs.collect())
    }

    /// Sittings whose seats are published.
    pub fn published(&self) -> impl Iterator<Item = &String> {
        self.published.iter()
    }

    /// Whether somebody was dealt this number.
    pub fn is_dealt(&self, sitting_no: &str, seat_no: u32) -> bool {
        let dealt = self.dealt.get(sitting_no);
        dealt.is_some_and(|dealt| dealt.values().any(|one| *one == seat_no))
    }

    pub fn is_published(&self, sitting_no: &str) -> bool {
        self.published.contains(sitting_no)
    }

    /// Machines that work, with or without a number, spares among them.
    pub fn working(&self) -> impl Iterator<Item = Device> + '_ {
        let works = |(_, machine): &(&Device, &Machine)| machine.purpose != Use::OutOfUse;
        self.machines
            .iter()
            .filter(works)
            .map(|(device, _)| *device)
    }

    /// Nothing but this blocks a room for want of machines.
    ///
    /// # Errors
    /// [`SeatingError::TooFewMachines`].
    pub fn enough_for(&self, candidates: u32) -> Result<(), SeatingError> {
        let working = self.working().count() as u32;
        if working < candidates {
            Err(SeatingError::TooFewMachines {
                working,
                candidates,
            })
        } else {
            Ok(())
        }
    }

    /// Every machine that has no number yet and is no spare gets the lowest free one, in the order of the names.
    pub fn number_machines(&self, staff_id: &str) -> Vec<Event> {
        let mut free = (1u32..).filter(|seat_no| !self.seats.contains_key(seat_no));
        let mut without: Vec<(&Device, &Machine)> = self
            .machines
            .iter()
            .filter(|(_, machine)| machine.purpose == Use::Seat && machine.seat_no.is_none())
            .collect();
        without.sort_by(|one, two| one.1.name.cmp(&two.1.name));
        let assigned = |(device, _): (&Device, &Machine)| Event::SeatAssigned {
            seat_no: free.next().unwrap_or(u32::MAX),
            device: Some(*device),
            staff_id: staff_id.to_owned(),
            reason: String::new(),
        };
        without.into_iter().map(assigned).collect()
    }

    /// Gives a number to a machine; whoever had the number loses it. A spare that gets one is a seat.
    ///
    /// # Errors
    /// [`SeatingError::UnknownMachine`], [`SeatingError::OutOfUse`], [`SeatingError::HasSeat`].
    pub fn assign(
        &self,
        seat_no: u32,
        device: Device,
        staff_id: &str,
        reason: &str,
    ) -> Result<Event, SeatingError> {
        let machine = self.known(&device)?;
        if machine.purpose == Use::OutOfUse {
            return Err(SeatingError::OutOfUse);
        }
        if let Some(seat_no) = machine.seat_no {
            return Err(SeatingError::HasSeat { seat_no });
        }
        Ok(Event::SeatAssigned {
            seat_no,
            device: Some(device),
            staff_id: staff_id.to_owned(),
            reason: reason.to_owned(),
        })
    }

    /// 停用. Its number is free from then on.
    ///
    /// # Errors
    /// [`SeatingError::UnknownMachine`], [`SeatingError::OutOfUse`].
    pub fn put_out_of_use(
        &self,
        device: Device,
        staff_id: &str,
        second: &str,
        reason: &str,
    ) -> Result<Event, SeatingError> {
        if self.known(&device)?.purpose == Use::OutOfUse {
            return Err(SeatingError::OutOfUse);
        }
        Ok(Event::MachineOutOfUse {
            device,
            staff_id: staff_id.to_owned(),
            second: second.to_owned(),
            reason: reason.to_owned(),
        })
    }

    /// The machine works again, as a spare.
    ///
    /// # Errors
    /// [`SeatingError::UnknownMachine`], [`SeatingError::InUse`], [`SeatingError::Revoked`].
    pub fn put_back(
        &self,
        device: Device,
        staff_id: &str,
        second: &str,
        reason: &str,
    ) -> Result<Event, SeatingError> {
        if self.known(&device)?.purpose != Use::OutOfUse {
            return Err(SeatingError::InUse);
        }
        if self.revoked.contains(&device) {
            return Err(SeatingError::Revoked);
        }
        Ok(Event::MachineBackInUse {
            device,
            staff_id: staff_id.to_owned(),
            second: second.to_owned(),
            reason: reason.to_owned(),
        })
    }

    /// Deals the roster's own seat numbers.
    ///
    /// # Errors
    /// [`SeatingError::Published`], [`SeatingError::DealtTwice`].
    pub fn deal_by_roster(
        &self,
        sitting_no: &str,
        roster: &BTreeMap<Hash32, u32>,
    ) -> Result<Vec<Event>, SeatingError> {
        let mut taken = BTreeSet::new();
        for seat_no in roster.values() {
            if !taken.insert(*seat_no) {
                return Err(SeatingError::DealtTwice { seat_no: *seat_no });
            }
        }
        self.deal(
            sitting_no,
            roster.iter().map(|(ticket, seat)| (*ticket, *seat)),
        )
    }

    /// Deals at random: the tickets in their order get the shuffled numbers. The stream is that of
    /// `Choice::new(seed, ["seats/1", sitting_no])`, handed in.
    ///
    /// # Errors
    /// [`SeatingError::Published`]; [`SeatingError::TooFewMachines`] where there are fewer numbers than tickets.
    pub fn deal_at_random(
        &self,
        sitting_no: &str,
        tickets: &BTreeSet<Hash32>,
        choice: &mut Choice,
    ) -> Result<Vec<Event>, SeatingError> {
        let mut numbers: Vec<u32> = self.seats.keys().copied().collect();
        if numbers.len() < tickets.len() {
            return Err(SeatingError::TooFewMachines {
                working: numbers.len() as u32,
                candidates: tickets.len() as u32,
            });
        }
        choice.shuffle(&mut numbers);
        self.deal(sitting_no, tickets.iter().copied().zip(numbers))
    }

    /// Publishes and locks the deal. Every number dealt has a working machine.
    ///
    /// # Errors
    /// [`SeatingError::Published`], [`SeatingError::NoMachine`].
    pub fn publish(&self, sitting_no: &str, staff_id: &str) -> Result<Event, SeatingError> {
        self.unpublished(sitting_no)?;
        let dealt = self.dealt.get(sitting_no).into_iter().flatten();
        for (_, seat_no) in dealt {
            if self.at(*seat_no).is_none() {
                return Err(SeatingError::NoMachine { seat_no: *seat_no });
            }
        }
        Ok(Event::SeatsPublished {
            sitting_no: sitting_no.to_owned(),
            staff_id: staff_id.to_owned(),
        })
    }

    /// Takes over an event that is durable; others change nothing.
    pub fn commit(&mut self, event: &Event) {
        match event {
            Event::MachineListed {
                device,
                name,
                spare,
                ..
            } => self.list(*device, name, *spare),
            Event::MachineOutOfUse { device, .. } => {
                self.free(device);
                self.purpose(device, Use::OutOfUse);
            }
            Event::MachineRevoked { device, .. } => {
                self.revoked.insert(*device);
            }
            Event::MachineBackInUse { device, .. } => self.purpose(device, Use::Spare),
            Event::SeatAssigned {
                seat_no, device, ..
            } => self.give(*seat_no, *device),
            Event::SeatDealt {
                sitting_no,
                ticket_hash,
                seat_no,
            } => {
                let sitting = self.dealt.entry(sitting_no.clone()).or_default();
                sitting.insert(*ticket_hash, *seat_no);
            }
            Event::SeatsPublished { sitting_no, .. } => {
                self.published.insert(sitting_no.clone());
            }
            _ => {}
        }
    }

    fn list(&mut self, device: Device, name: &str, spare: bool) {
        let purpose = if spare { Use::Spare } else { Use::Seat };
        let machine = self.machines.entry(device).or_insert(Machine {
            name: String::new(),
            purpose,
            seat_no: None,
        });
        machine.name = name.to_owned();
    }

    fn give(&mut self, seat_no: u32, device: Option<Device>) {
        if let Some(before) = self.seats.remove(&seat_no) {
            self.free(&before);
        }
        if let Some(device) = device {
            self.free(&device);
            if let Some(machine) = self.machines.get_mut(&device) {
                machine.seat_no = Some(seat_no);
                machine.purpose = Use::Seat;
                self.seats.insert(seat_no, device);
            }
        }
    }

    fn free(&mut self, device: &Device) {
        if let Some(machine) = self.machines.get_mut(device)
            && let Some(seat_no) = machine.seat_no.take()
        {
            self.seats.remove(&seat_no);
        }
    }

    fn purpose(&mut self, device: &Device, purpose: Use) {
        if let Some(machine) = self.machines.get_mut(device) {
            machine.purpose = purpose;
        }
    }

    fn known(&self, device: &Device) -> Result<&Machine, SeatingError> {
        self.machine(device).ok_or(SeatingError::UnknownMachine)
    }

    fn unpublished(&self, sitting_no: &str) -> Result<(), SeatingError> {
        if self.is_published(sitting_no) {
            Err(SeatingError::Published)
        } else {
            Ok(())
        }
    }

    fn deal(
        &self,
        sitting_no: &str,
        pairs: impl Iterator<Item = (Hash32, u32)>,
    ) -> Result<Vec<Event>, SeatingError> {
        self.unpublished(sitting_no)?;
        let dealt = |(ticket_hash, seat_no)| Event::SeatDealt {
            sitting_no: sitting_no.to_owned(),
            ticket_hash,
            seat_no,
        };
        Ok(pairs.map(dealt).collect())
    }
}
