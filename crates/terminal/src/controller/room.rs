//! The room's station (考场管理机) as this terminal obeys it: which station, which command is next, and that each is done
//! once. A command, the mark that it was taken, and everything that it means are one transaction.

use super::day::SittingDay;
use super::moved::{Fetched, UNREACHABLE};
use super::owed::LOCKED;
use super::seats::SeatRecord;
use super::state::{State, Surface, Visit};
use super::unlocking::Unlocker;
use crate::sitting_run::Run;
use crate::view::Refused;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::command::CommandBody;
use fengjuan_core::room::epoch::{EpochSeen, Heard};
use fengjuan_core::room::post::{Inbox, Incoming};
use fengjuan_device::channel::Taken;
use fengjuan_device::recorder::{STATION, SYSTEM};
use fengjuan_device::refusal::{Answer, With, refused};
use fengjuan_device::sync::RoomLink;
use fengjuan_device::unlock::{self, UnlockError};
use fengjuan_envelope::cbor;
use fengjuan_store::{Change, Projection, Reader, StoreError};
use fengjuan_wire::room::{Epoch, RoomCommand};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

const NS: &str = "room";
const INBOX: &[u8] = b"inbox";
const EPOCH: &[u8] = b"epoch";
const SEAT_NO: &[u8] = b"seat_no";

/// What the terminal keeps of its station.
#[derive(Clone, Debug, Default)]
pub(crate) struct Post {
    pub inbox: Inbox,
    pub seen: EpochSeen,
    /// What the station last said of this machine's seat number; the outer none: nothing yet.
    pub seat_no: Option<Option<u32>>,
}

fn read<T: DeserializeOwned>(reader: &Reader, key: &[u8]) -> Result<Option<T>, StoreError> {
    let Some(bytes) = reader.get(NS, key)? else {
        return Ok(None);
    };
    let value = cbor::from_slice(&bytes).map_err(|error| StoreError::Encode {
        detail: format!("{NS}: {error}"),
    })?;
    Ok(Some(value))
}

fn put<T: Serialize>(key: &[u8], value: &T) -> Result<Projection, StoreError> {
    let bytes = cbor::to_vec(value).map_err(|error| StoreError::Encode {
        detail: error.to_string(),
    })?;
    Ok(Projection::put(NS, key, bytes))
}

impl Post {
    pub fn load(reader: &Reader) -> Result<Post, StoreError> {
        Ok(Post {
            inbox: read(reader, INBOX)?.unwrap_or_default(),
            seen: read(reader, EPOCH)?.unwrap_or_default(),
            seat_no: read(reader, SEAT_NO)?,
        })
    }
}

/// What a command may change in memory, as it was before.
pub(super) struct Memory {
    day: Option<(String, SittingDay, BTreeMap<String, SeatRecord>)>,
    run: Option<Run>,
    visit: Option<Visit>,
    surface: Surface,
    identifying: bool,
    pause: Option<super::day::Pause>,
    post: Post,
}

/// What became of a command in its turn.
enum Outcome {
    Done,
    /// For good, with its code.
    Refused(String),
    /// It takes effect with the papers; its entry says for what it waits, and a second one that it was done.
    Waits,
}

impl Outcome {
    fn of(refusal: Option<String>) -> Outcome {
        refusal.map_or(Outcome::Done, Outcome::Refused)
    }
}

/// A refusal that passes: the command is not taken, and comes again. Whatever the hub has answered is for good, so that
/// a lease that was overtaken holds up nothing that was told after it.
pub(super) fn passes(refusal: &Refused) -> bool {
    refusal.code.starts_with("store.") || refusal.code == UNREACHABLE
}

impl State {
    /// The number of the seat that this machine stands at: the station's word before the configuration's.
    pub(super) fn seat_no(&self) -> Option<u32> {
        self.post.seat_no.unwrap_or(self.shared.config.seat_no)
    }

    /// A station can be heard and decides what concerns the whole room.
    pub(super) fn station_decides(&self) -> bool {
        self.shared.outward.room() == Some(RoomLink::On)
    }

    pub(super) fn obey_seat_no(&mut self, seat_no: Option<u32>) -> Answer {
        self.commit(Change::default().project(put(SEAT_NO, &seat_no)?))?;
        self.post.seat_no = Some(seat_no);
        Ok(())
    }

    /// The numbers are known before the papers are.
    pub(super) fn obey_seats(&mut self, sitting_no: &str, dealt: &[(Hash32, u32)]) -> Answer {
        let mut day = self.day_of(sitting_no)?;
        day.dealt = dealt.to_vec();
        self.commit(Change::default().project(day.put(sitting_no)?))?;
        if let Some(active) = &mut self.active
            && active.sitting_no() == sitting_no
        {
            active.day = day;
        }
        Ok(())
    }

    /// A verified epoch document: whether its station is obeyed from now on.
    pub(super) fn hear_epoch(&mut self, epoch: &Epoch) -> Answer {
        let station = Hash32(*epoch.hub.as_bytes());
        match self.post.seen.hear(epoch.epoch, &station) {
            Heard::Same => return Ok(()),
            Heard::Lower { obeyed } => {
                return Err(refused("epoch.lower").with("obeyed", obeyed));
            }
            Heard::Rival { obeyed } => {
                return Err(refused("epoch.rival").with("obeyed", obeyed));
            }
            Heard::Higher => {}
        }
        let mut post = self.post.clone();
        post.seen.raise(epoch.epoch, station);
        post.inbox.raise(epoch.epoch);
        let event = Event::EpochObeyed {
            epoch: epoch.epoch,
            station,
        };
        let projections = vec![put(EPOCH, &post.seen)?, put(INBOX, &post.inbox)?];
        self.record(STATION, event, projections)?;
        self.post = post;
        self.shared.outward.nudge();
        Ok(())
    }

    pub(super) fn look(&self, command: &RoomCommand) -> Incoming {
        let id = &command.command.command_id;
        self.post.inbox.look(command.epoch, command.no, id)
    }

    /// Takes a verified command in its turn.
    pub(super) fn take(
        &mut self,
        command: &RoomCommand,
        hash: Hash32,
        fetched: Option<Fetched>,
    ) -> Taken {
        match self.look(command) {
            Incoming::Again(acknowledgement) => Taken::Acknowledged(acknowledgement),
            Incoming::AskFrom { no } => Taken::AskFrom { no },
            Incoming::Stale { obeyed } | Incoming::Unraised { obeyed } => {
                tracing::warn!(obeyed, "a command of a station that is not obeyed");
                Taken::NotObeyed {
                    code: "epoch.lower".to_owned(),
                }
            }
            Incoming::Known { refusal } => {
                let before = self.memory();
                self.staged = Some(Change::default());
                self.mark(command, hash, Outcome::of(refusal), before)
            }
            Incoming::Next => self.take_next(command, hash, fetched),
        }
    }

    /// Refuses a command that is still the next one, for good.
    pub(super) fn refuse(
        &mut self,
        command: &RoomCommand,
        hash: Hash32,
        refusal: Refused,
    ) -> Taken {
        match self.look(command) {
            Incoming::Next => {
                let before = self.memory();
                self.staged = Some(Change::default());
                self.mark(command, hash, Outcome::Refused(refusal.code), before)
            }
            _ => self.take(command, hash, None),
        }
    }

    fn take_next(
        &mut self,
        command: &RoomCommand,
        hash: Hash32,
        fetched: Option<Fetched>,
    ) -> Taken {
        let now = self.now();
        let chosen = self.face_its_room(&command.command.body);
        let before = self.memory();
        self.staged = Some(Change::default());
        let done = chosen.and_then(|()| self.obey(&command.command, fetched, now));
        match done {
            Ok(()) => {
                let taken = self.mark(command, hash, Outcome::Done, before);
                if matches!(taken, Taken::Acknowledged(_)) {
                    self.obeyed(&command.command, self.now());
                }
                taken
            }
            Err(refusal) if passes(&refusal) => {
                self.restore(before);
                Taken::NotNow { code: refusal.code }
            }
            Err(refusal) => {
                self.restore(before);
                let before = self.memory();
                self.staged = Some(Change::default());
                if refusal.code != LOCKED {
                    return self.mark(command, hash, Outcome::Refused(refusal.code), before);
                }
                match self.owe(command, hash) {
                    Ok(()) => self.mark(command, hash, Outcome::Waits, before),
                    Err(refusal) => {
                        self.restore(before);
                        Taken::NotNow { code: refusal.code }
                    }
                }
            }
        }
    }

    /// Writes what is staged, the entry that tells of the command, and the mark that it was taken.
    fn mark(
        &mut self,
        command: &RoomCommand,
        hash: Hash32,
        outcome: Outcome,
        before: Memory,
    ) -> Taken {
        let mut inbox = self.post.inbox.clone();
        let command_id = command.command.command_id;
        let (refusal, waits) = match outcome {
            Outcome::Done => (None, None),
            Outcome::Refused(code) => (Some(code), None),
            Outcome::Waits => (None, Some(LOCKED.to_owned())),
        };
        let acknowledgement = inbox.take(command_id, refusal.clone());
        let told = refusal.or(waits);
        let under = self.written_under(&command.command.body, told.as_deref());
        let event = Event::CommandTaken {
            epoch: command.epoch,
            no: command.no,
            command_id,
            command: hash,
            refusal: told,
        };
        let now = self.now();
        let recorder = &self.shared.recorder;
        let entry = recorder.entry_under(SYSTEM, under, None, event, now);
        let change = self.staged.take().unwrap_or_default().entry(entry);
        let written = put(INBOX, &inbox)
            .map_err(Into::into)
            .and_then(|projection| self.commit(change.project(projection)));
        match written {
            Ok(()) => {
                self.post.inbox = inbox;
                Taken::Acknowledged(acknowledgement)
            }
            Err(refusal) => {
                self.restore_refused(before);
                Taken::NotNow { code: refusal.code }
            }
        }
    }

    /// As [`State::restore`], where storage has refused.
    pub(super) fn restore_refused(&mut self, before: Memory) {
        self.restore(before);
        // The attempt must know that storage refuses; the memory from before the command does not.
        if let (Some(trouble), Some(run)) = (&self.trouble, &mut self.run) {
            run.attempt.storage_failed(trouble.since_ms);
        }
    }

    pub(super) fn memory(&self) -> Memory {
        let day = self.active.as_ref().map(|active| {
            (
                active.sitting_no().to_owned(),
                active.day.clone(),
                active.seats.clone(),
            )
        });
        Memory {
            day,
            run: self.run.clone(),
            visit: self.visit.clone(),
            surface: self.surface,
            identifying: self.identifying,
            pause: self.pause,
            post: self.post.clone(),
        }
    }

    pub(super) fn restore(&mut self, before: Memory) {
        self.staged = None;
        if let (Some((sitting_no, day, seats)), Some(active)) = (before.day, &mut self.active)
            && active.sitting_no() == sitting_no
        {
            active.day = day;
            active.seats = seats;
        }
        self.run = before.run;
        self.visit = before.visit;
        self.surface = before.surface;
        self.identifying = before.identifying;
        self.pause = before.pause;
        self.post = before.post;
    }

    /// The sitting's keys from the station: as after a typed code.
    pub(super) fn unlocked_by_station(&mut self, unlocked: unlock::Unlocked) -> Answer {
        self.turn_to(&unlocked.sitting_no)?;
        if self.has_keys(&unlocked.sitting_no, unlocked.version) {
            return Ok(());
        }
        let now = self.now();
        if self.unlock_over(now) {
            return Err(UnlockError::Over.into());
        }
        let by = Unlocker {
            staff_id: STATION.to_owned(),
            second: None,
        };
        self.unlocked_now(unlocked, STATION, &by, now)
    }

    pub(super) fn has_keys(&self, sitting_no: &str, version: u32) -> bool {
        self.unlocked.as_ref().is_some_and(|unlocked| {
            unlocked.sitting_no == sitting_no && unlocked.version == version
        })
    }

    /// Turns to a held sitting that the station speaks of, unless somebody sits here in another one.
    pub(super) fn turn_to(&mut self, sitting_no: &str) -> Answer {
        let here = |state: &State| {
            let active = state.active.as_ref();
            active.is_some_and(|active| active.sitting_no() == sitting_no)
        };
        if here(self) {
            return Ok(());
        }
        if self.visit.is_some() {
            return Err(refused("room.other_sitting"));
        }
        let before = self.chosen.replace(sitting_no.to_owned());
        self.choose_sitting()?;
        if here(self) {
            return Ok(());
        }
        self.chosen = before;
        self.choose_sitting()?;
        Err(refused("room.other_sitting"))
    }

    /// Turns to the sitting that a command is about, where it is about what happens in one.
    pub(super) fn face(&mut self, body: &CommandBody) -> Answer {
        match body {
            CommandBody::Arrive { sitting_no, .. }
            | CommandBody::ConfirmPerson { sitting_no, .. }
            | CommandBody::RefusePerson { sitting_no, .. }
            | CommandBody::Start { sitting_no, .. }
            | CommandBody::LateEntry { sitting_no, .. }
            | CommandBody::End { sitting_no, .. }
            | CommandBody::PatternCamera { sitting_no } => self.turn_to(sitting_no),
            _ => match body.attempt() {
                Some(attempt) => self.turn_to_attempt(&attempt),
                None => Ok(()),
            },
        }
    }

    fn turn_to_attempt(&mut self, attempt: &[u8; 16]) -> Answer {
        if self.ticket_of(attempt).is_some() {
            return Ok(());
        }
        let (keys, reader) = (&self.shared.keys, &self.reader);
        let found = self.shared.outward.held().into_iter().find_map(|held| {
            let sitting_no = held.document.sitting.sitting_no.clone();
            let active = super::active::Active::load(held, keys, reader).ok()?;
            let mut seats = active.seats.values();
            seats
                .any(|seat| seat.attempt_id == *attempt)
                .then_some(sitting_no)
        });
        let sitting_no = found.ok_or_else(|| refused("room.unknown_attempt"))?;
        self.turn_to(&sitting_no)
    }

    /// Whose attempt it is, in the active sitting.
    pub(super) fn ticket_of(&self, attempt: &[u8; 16]) -> Option<String> {
        let seats = &self.active.as_ref()?.seats;
        let found = seats.iter().find(|(_, seat)| seat.attempt_id == *attempt)?;
        Some(found.0.clone())
    }
}

impl State {
    /// After a start by the station, whoever waits here begins by themselves.
    pub(super) fn begin_by_station(&mut self, now: ExamMs) {
        let Some(active) = &self.active else { return };
        let (Some(start), Some(by)) = (active.day.start, active.day.started_by.clone()) else {
            return;
        };
        let ended = active.day.ended_ms.is_some();
        let sitting = active.sitting();
        let has_keys = self.has_keys(&sitting.sitting_no, sitting.version);
        if ended || now < start.started_ms || !has_keys || !self.someone_waits() {
            return;
        }
        if let Err(refusal) = self.begin_attempt(&fengjuan_device::recorder::commanded(&by), now) {
            tracing::debug!(code = refusal.code, "whoever waits could not begin");
        }
        self.shared.outward.nudge();
    }
}
