//! How a command reaches its terminal exactly once (送达). The station numbers the commands of each terminal 1, 2, 3…
//! within its epoch and keeps each until the terminal has acknowledged it. The terminal takes them in order, each in
//! one transaction with the mark that it was taken, and acknowledges again whatever it knows already.
//!
//! A command about an attempt counts as taken where the attempt's history says so: a terminal that is given an attempt
//! learns what is carried on ([`Inbox::learn`]), and forgets what it took itself beyond that ([`Inbox::forget`]).
//!
//! Both sides are plain state: write it down with what it goes along with, and take it up again after a restart.

use super::command::Command;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How far a terminal has come: the epoch that it obeys, and the last command of it that it took (0: none).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    pub epoch: u64,
    pub taken: u64,
}

/// A command with its number for one terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbered {
    pub epoch: u64,
    /// From 1, without gaps.
    pub no: u64,
    pub command: Command,
}

/// The terminal has done this command, or refused it for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    pub epoch: u64,
    pub no: u64,
    /// Code of the refusal, e.g. `attempt.already_handed_in`; none where it was done.
    pub refusal: Option<String>,
}

/// What an acknowledgement meant to the station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// For the first time: record it.
    First { command: Box<Command> },
    /// Known already.
    Again,
    /// Of another epoch, or of a number that was never given.
    Stray,
}

/// Why a terminal's mark cannot be gone on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// Another station has taken over.
    #[error("the terminal obeys epoch {theirs}, this station has {mine}")]
    Superseded { mine: u64, theirs: u64 },
    /// It lost what it had acknowledged: its disk went back in time.
    #[error("the terminal took {says} commands of this epoch, and had acknowledged {acknowledged}")]
    WentBack { says: u64, acknowledged: u64 },
    /// It took commands that were never given.
    #[error("the terminal took {says} commands of this epoch, and {given} were given")]
    Ahead { says: u64, given: u64 },
}

impl PostError {
    pub fn code(&self) -> &'static str {
        match self {
            PostError::Superseded { .. } => "post.superseded",
            PostError::WentBack { .. } => "post.went_back",
            PostError::Ahead { .. } => "post.ahead",
        }
    }
}

/// The station's side for one terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    epoch: u64,
    /// The last number given.
    given: u64,
    /// Given and not acknowledged.
    waiting: BTreeMap<u64, Command>,
}

impl Outbox {
    pub fn new(epoch: u64) -> Outbox {
        Outbox {
            epoch,
            given: 0,
            waiting: BTreeMap::new(),
        }
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The number that the next command gets; it is taken with [`Outbox::push`].
    pub fn next_no(&self) -> u64 {
        self.given + 1
    }

    /// Keeps the command until it is acknowledged. Send what comes back.
    pub fn push(&mut self, command: Command) -> Numbered {
        self.given += 1;
        self.waiting.insert(self.given, command.clone());
        Numbered {
            epoch: self.epoch,
            no: self.given,
            command,
        }
    }

    /// What to send to a terminal that says where it stands: everything that is not acknowledged, in order. What it
    /// took before the acknowledgement got lost goes along, because only the terminal knows how it went.
    ///
    /// # Errors
    /// [`PostError`]; nothing may then be sent.
    pub fn after(&self, mark: Mark) -> Result<Vec<Numbered>, PostError> {
        if mark.epoch > self.epoch {
            return Err(PostError::Superseded {
                mine: self.epoch,
                theirs: mark.epoch,
            });
        }
        let says = if mark.epoch == self.epoch {
            mark.taken
        } else {
            0
        };
        if says > self.given {
            return Err(PostError::Ahead {
                says,
                given: self.given,
            });
        }
        let acknowledged = self.first_waiting() - 1;
        if says < acknowledged {
            return Err(PostError::WentBack { says, acknowledged });
        }
        Ok(self.waiting().collect())
    }

    /// What to send again, where a number was skipped on the way: everything waiting from `no` on.
    pub fn from(&self, no: u64) -> Vec<Numbered> {
        self.waiting().filter(|one| one.no >= no).collect()
    }

    /// Everything that is not acknowledged, in order.
    pub fn waiting(&self) -> impl Iterator<Item = Numbered> + '_ {
        self.waiting.iter().map(|(no, command)| Numbered {
            epoch: self.epoch,
            no: *no,
            command: command.clone(),
        })
    }

    /// Takes over an acknowledgement. The terminal takes commands in order, so numbers below an acknowledged one may
    /// still wait for their own, but were taken.
    pub fn acknowledged(&mut self, epoch: u64, no: u64) -> Settled {
        if epoch != self.epoch || no > self.given || no == 0 {
            return Settled::Stray;
        }
        match self.waiting.remove(&no) {
            Some(command) => Settled::First {
                command: Box::new(command),
            },
            None => Settled::Again,
        }
    }

    /// The next epoch's outbox: what waits is given again, in order, under new numbers and its own command ids.
    pub fn raised(self, epoch: u64) -> Outbox {
        let mut raised = Outbox::new(epoch);
        for command in self.waiting.into_values() {
            raised.push(command);
        }
        raised
    }

    fn first_waiting(&self) -> u64 {
        self.waiting
            .keys()
            .next()
            .copied()
            .unwrap_or(self.given + 1)
    }
}

/// What to do with a command that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// Its turn. Do it (or refuse it for good), write it down, and [`Inbox::take`] it, all in one transaction; then
    /// acknowledge.
    Next,
    /// Its turn by number, but done under an earlier number or epoch: write down and [`Inbox::take`] with the refusal
    /// that it had then, do nothing else, and acknowledge.
    Known { refusal: Option<String> },
    /// Taken before: acknowledge again, with the same outcome.
    Again(Acknowledgement),
    /// One before it is missing: ask for all from this number on.
    AskFrom { no: u64 },
    /// From a station that is no longer obeyed.
    Stale { obeyed: u64 },
    /// From an epoch whose signed document this terminal has not seen: nothing is obeyed before that.
    Unraised { obeyed: u64 },
}

/// The terminal's side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    mark: Mark,
    /// Refusals by number, of this epoch. Every other number that was taken was done.
    refused: BTreeMap<u64, String>,
    /// Commands of any epoch that were done, and those that were refused.
    done: BTreeSet<[u8; 16]>,
    refused_ids: Vec<RefusedId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedId {
    #[serde(with = "crate::bytes")]
    command_id: [u8; 16],
    refusal: String,
}

impl Inbox {
    /// What the terminal says when it connects.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// A station's signed epoch was accepted (see [`super::epoch::EpochSeen`]): its commands count from 1. An epoch
    /// that is not higher changes nothing.
    pub fn raise(&mut self, epoch: u64) {
        if epoch > self.mark.epoch {
            self.mark = Mark { epoch, taken: 0 };
            self.refused.clear();
        }
    }

    /// What this command means now. Nothing changes.
    pub fn look(&self, epoch: u64, no: u64, command_id: &[u8; 16]) -> Incoming {
        let obeyed = self.mark.epoch;
        if epoch < obeyed {
            return Incoming::Stale { obeyed };
        }
        if epoch > obeyed {
            return Incoming::Unraised { obeyed };
        }
        if (1..=self.mark.taken).contains(&no) {
            return Incoming::Again(self.acknowledgement(no));
        }
        if no != self.mark.taken + 1 {
            return Incoming::AskFrom {
                no: self.mark.taken + 1,
            };
        }
        match self.outcome(command_id) {
            Some(refusal) => Incoming::Known { refusal },
            None => Incoming::Next,
        }
    }

    /// Takes over the next command of this epoch once it is durable; gives what to acknowledge.
    pub fn take(&mut self, command_id: [u8; 16], refusal: Option<String>) -> Acknowledgement {
        self.mark.taken += 1;
        if let Some(refusal) = &refusal {
            self.refused.insert(self.mark.taken, refusal.clone());
        }
        if self.outcome(&command_id).is_none() {
            self.settle(command_id, refusal);
        }
        self.acknowledgement(self.mark.taken)
    }

    /// A command about an attempt had its effect in what is carried on to this terminal.
    pub fn learn(&mut self, command_id: [u8; 16], refusal: Option<String>) {
        if self.outcome(&command_id).is_none() {
            self.settle(command_id, refusal);
        }
    }

    /// A command about an attempt had its effect in what is not carried on, here; when it comes again, it is done.
    pub fn forget(&mut self, command_id: &[u8; 16]) {
        self.done.remove(command_id);
        self.refused_ids.retain(|one| one.command_id != *command_id);
    }

    /// An attempt goes on here (rule 3 of [`super::lease`]). `beyond`: commands about it that were taken here and are
    /// not carried on. `history`: those that its history shows as taken, on whichever machine, with their refusals.
    pub fn go_on(
        &mut self,
        beyond: impl IntoIterator<Item = [u8; 16]>,
        history: impl IntoIterator<Item = ([u8; 16], Option<String>)>,
    ) {
        for command_id in beyond {
            self.forget(&command_id);
        }
        // One that was taken twice may have had its effect in the other place.
        for (command_id, refusal) in history {
            self.learn(command_id, refusal);
        }
    }

    /// How this command went, where it was taken in any epoch: the refusal, or none where it was done.
    pub fn outcome(&self, command_id: &[u8; 16]) -> Option<Option<String>> {
        if self.done.contains(command_id) {
            return Some(None);
        }
        let refused = |one: &&RefusedId| one.command_id == *command_id;
        let found = self.refused_ids.iter().find(refused)?;
        Some(Some(found.refusal.clone()))
    }

    fn settle(&mut self, command_id: [u8; 16], refusal: Option<String>) {
        match refusal {
            Some(refusal) => self.refused_ids.push(RefusedId {
                command_id,
                refusal,
            }),
            None => {
                self.done.insert(command_id);
            }
        }
    }

    fn acknowledgement(&self, no: u64) -> Acknowledgement {
        Acknowledgement {
            epoch: self.mark.epoch,
            no,
            refusal: self.refused.get(&no).cloned(),
        }
    }
}
