//! Whose decisions make this room's history here: this station's own, or, where another one runs the room, those of the
//! ledger that is followed. [`fengjuan_core::room::lineage`] says which parts of which ledgers these are; here they are
//! read, and told to the station as they grow.

use super::Raised;
use fengjuan_core::event::Event;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::Device;
use fengjuan_core::room::epoch::{Followed, Standing};
use fengjuan_core::room::lineage::{self, LineageError, Raise, Raises, Stretch};
use fengjuan_core::room::station::Station;
use fengjuan_store::{LedgerId, LedgerReader, Reader, ReplicaReader, StoreError, StoredEntry};
use fengjuan_wire::entry::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

const SLICE: usize = 1_000;

/// The parts of the ledgers that make the history here. The last part is still growing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Another one where the parts before the last have changed.
    pub version: u64,
    /// This station's own ledger.
    pub own: LedgerId,
    pub stretches: Vec<Stretch>,
    /// How much of the ledger that is followed was told to the station.
    pub(super) told: u64,
    /// How far the ledgers of other stations were looked through for epochs.
    pub(super) looked: BTreeMap<LedgerId, u64>,
    /// This station has run the room at some time.
    pub ran: bool,
}

impl Course {
    /// The ledger that is followed, and how much of it was told; none where the history is this station's own.
    pub fn followed(&self) -> Option<Followed> {
        let last = self.stretches.last()?;
        (last.ledger_id != self.own).then_some(Followed {
            ledger_id: last.ledger_id,
            size: self.told,
        })
    }

    /// It has neither run the room nor followed anybody who did.
    pub fn is_alone(&self) -> bool {
        !self.ran && self.followed().is_none()
    }

    /// This station has recorded an epoch at this place of its ledger.
    pub(super) fn raised(&mut self, seq: u64, followed: Option<Followed>) {
        self.ran = true;
        let Some(followed) = followed else { return };
        if let Some(last) = self.stretches.last_mut() {
            last.to = Some(followed.size);
        }
        self.stretches.push(Stretch {
            ledger_id: self.own,
            from: seq,
            to: None,
        });
        self.version += 1;
    }
}

/// What a history comes to.
pub(super) struct Told {
    pub(super) station: Station,
    pub(super) course: Course,
    pub(super) raised: Option<Raised>,
}

/// Where the ledgers are read from.
pub(super) struct Sources<'a> {
    pub(super) own: &'a Reader,
    pub(super) replicas: &'a ReplicaReader,
    /// Devices that are hubs, whose ledgers are among the replicas.
    pub(super) hubs: &'a BTreeSet<Device>,
}

impl Sources<'_> {
    /// The room as the ledgers tell it, to the station that has this key.
    ///
    /// # Errors
    /// Storage errors; [`StoreError::Corrupted`] where an entry of the room cannot be read, or a ledger is missing that
    /// this station says it has followed.
    pub(super) fn tell(&self, me: Device, version: u64) -> Result<Told, StoreError> {
        let own = self.own.head()?.ledger_id;
        let (mut raises, mut standing) = (Raises::new(), Standing::standby(me));
        raises.insert(own, self.own_raises(own, &mut standing)?);
        let mut looked = BTreeMap::new();
        for ledger in self.replicas.ledgers()? {
            let id = ledger.ledger_id;
            let device = fengjuan_core::event::Hash32(ledger.identity.device_key);
            if id != own && self.hubs.contains(&device) {
                raises.insert(id, self.raises(own, &id, 0)?);
                looked.insert(id, ledger.size);
            }
        }
        let ran = raises.get(&own).is_some_and(|own| !own.is_empty());
        let (source, stretches) = course(&raises, own, &standing)?;
        let mut told = Told {
            station: Station::new(me),
            raised: None,
            course: Course {
                version,
                own,
                stretches,
                told: 0,
                looked,
                ran,
            },
        };
        let last = told.course.stretches.len().saturating_sub(1);
        for (place, stretch) in told.course.stretches.clone().into_iter().enumerate() {
            let mine = source == own && place == last;
            let end = self.each(own, &stretch, |_, event, at_ms| {
                if mine {
                    commit(&mut told.station, &mut told.raised, &event, at_ms);
                } else {
                    told.station.follow(&event);
                }
            })?;
            if stretch.to.is_some_and(|to| end < to) {
                return Err(broken(LineageError::Short));
            }
            told.course.told = end;
        }
        if source != own {
            told.station.has_heard(standing.heard());
            let end = told.course.told;
            told.course.looked.insert(source, end);
        }
        Ok(told)
    }

    fn own_raises(&self, own: LedgerId, standing: &mut Standing) -> Result<Vec<Raise>, StoreError> {
        let all = Stretch {
            ledger_id: own,
            from: 0,
            to: None,
        };
        let mut raises = Vec::new();
        self.each(own, &all, |seq, event, _| {
            match &event {
                Event::EpochRaised { epoch, station, .. } if *station == standing.me() => {
                    standing.raise(*epoch);
                }
                Event::EpochRaised { epoch, station, .. } => {
                    standing.hear(*epoch, Some(station));
                }
                Event::StoodDown { epoch, station } => {
                    standing.hear(*epoch, station.as_ref());
                }
                _ => {}
            }
            raises.extend(Raise::of(seq, &event));
        })?;
        Ok(raises)
    }

    fn raises(
        &self,
        own: LedgerId,
        ledger: &LedgerId,
        from: u64,
    ) -> Result<Vec<Raise>, StoreError> {
        let all = Stretch {
            ledger_id: *ledger,
            from,
            to: None,
        };
        let mut raises = Vec::new();
        self.each(own, &all, |seq, event, _| {
            raises.extend(Raise::of(seq, &event))
        })?;
        Ok(raises)
    }

    /// Hands over the room's events of a stretch; gives the place behind the last entry that was read.
    fn each(
        &self,
        own: LedgerId,
        stretch: &Stretch,
        mut each: impl FnMut(u64, Event, ExamMs),
    ) -> Result<u64, StoreError> {
        let mut from = stretch.from;
        loop {
            let entries = slice(self.own, self.replicas, &own, stretch, from)?;
            let Some(last) = entries.last() else {
                return Ok(from);
            };
            from = last.seq + 1;
            for stored in &entries {
                if let Some((event, at_ms)) = of_room(stored)? {
                    each(stored.seq, event, at_ms);
                }
            }
        }
    }
}

/// The next entries of a stretch, from `from` on; none where there are no more.
///
/// # Errors
/// Storage errors.
pub fn slice(
    reader: &Reader,
    replicas: &ReplicaReader,
    own: &LedgerId,
    stretch: &Stretch,
    from: u64,
) -> Result<Vec<StoredEntry>, StoreError> {
    let from = from.max(stretch.from);
    let left = stretch.to.map(|to| to.saturating_sub(from));
    let left = left.map_or(SLICE, |left| {
        usize::try_from(left).unwrap_or(SLICE).min(SLICE)
    });
    if left == 0 {
        return Ok(Vec::new());
    }
    if stretch.ledger_id == *own {
        reader.entries(from, left)
    } else {
        replicas.entries_since(&stretch.ledger_id, from, left)
    }
}

/// The event of an entry that is about the room, and its exam time.
pub(super) fn of_room(stored: &StoredEntry) -> Result<Option<(Event, ExamMs)>, StoreError> {
    if !stored.kind.starts_with("room.") && stored.kind != "app.unlocked" {
        return Ok(None);
    }
    let unreadable = |detail: String| StoreError::Corrupted {
        path: PathBuf::from("ledger"),
        detail: format!("entry {}: {detail}", stored.seq),
    };
    let entry = Entry::decode(&stored.bytes).map_err(|error| unreadable(error.to_string()))?;
    let event = entry.event(None);
    let event = event.map_err(|error| unreadable(error.to_string()))?;
    Ok(Some((event, entry.exam_ms.unwrap_or(entry.wall_ms))))
}

/// Whose ledger is told, and the history up to it. Whoever runs the room has its own; anybody else has that of the
/// highest epoch which can be told whole.
fn course(
    raises: &Raises,
    own: LedgerId,
    standing: &Standing,
) -> Result<(LedgerId, Vec<Stretch>), StoreError> {
    if standing.commanding().is_none()
        && let Some((_, highest)) = lineage::highest(raises)
    {
        match lineage::stretches(raises, &highest) {
            Ok(stretches) => return Ok((highest, stretches)),
            Err(error) => tracing::warn!(code = error.code(), %error, "a history waits"),
        }
    }
    let stretches = lineage::stretches(raises, &own).map_err(broken)?;
    Ok((own, stretches))
}

fn broken(error: LineageError) -> StoreError {
    StoreError::Corrupted {
        path: PathBuf::from("replicas"),
        detail: error.to_string(),
    }
}

/// Takes over an event of this station's own ledger.
pub(super) fn commit(
    station: &mut Station,
    raised: &mut Option<Raised>,
    event: &Event,
    at_ms: ExamMs,
) {
    station.commit(event);
    if let Event::EpochRaised {
        epoch,
        station: whose,
        staff_id,
        ..
    } = event
        && *whose == station.standing().me()
    {
        *raised = Some(Raised {
            epoch: *epoch,
            at_ms,
            by: staff_id.clone(),
        });
    }
}
