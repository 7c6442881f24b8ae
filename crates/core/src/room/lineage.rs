//! Which events make a room's history, where several stations ran it one after the other (承接). A station that takes
//! over says how far it had followed the one before; what that one wrote later, unheard, is evidence and no decision.

use super::epoch::Followed;
use crate::event::Event;
use std::collections::BTreeMap;

/// A station's ledger: its id, and its events by sequence number.
pub type Ledgers<'a> = BTreeMap<[u8; 16], &'a [Event]>;

/// An epoch that a station's ledger raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raise {
    /// The place of the entry.
    pub seq: u64,
    pub epoch: u64,
    pub followed: Option<Followed>,
}

impl Raise {
    /// What the event at this place raised; none for any other event.
    pub fn of(seq: u64, event: &Event) -> Option<Raise> {
        match event {
            Event::EpochRaised {
                epoch, followed, ..
            } => Some(Raise {
                seq,
                epoch: *epoch,
                followed: *followed,
            }),
            _ => None,
        }
    }
}

/// What each station's ledger raised, in the order of its entries. A ledger that raised nothing is there too.
pub type Raises = BTreeMap<[u8; 16], Vec<Raise>>;

/// A part of one ledger that belongs to a room's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub ledger_id: [u8; 16],
    pub from: u64,
    /// None: all that there is, and what is still to come.
    pub to: Option<u64>,
}

/// The highest epoch that any of them raised, and the ledger that did; none where nobody ran the room.
pub fn highest(raises: &Raises) -> Option<(u64, [u8; 16])> {
    let of = |(id, raises): (&[u8; 16], &Vec<Raise>)| {
        let epoch = raises.iter().map(|raise| raise.epoch).max()?;
        Some((epoch, *id))
    };
    raises.iter().filter_map(of).max()
}

/// Where the room's history stands, as the station of this ledger had it: its own entries, and before the last
/// take-over what it followed until then.
///
/// # Errors
/// [`LineageError::Missing`] where a ledger that was followed is not here, [`LineageError::NotRising`].
pub fn stretches(raises: &Raises, ledger_id: &[u8; 16]) -> Result<Vec<Stretch>, LineageError> {
    until(raises, ledger_id, None, u64::MAX)
}

/// All epochs in it lie below `below`, which is what ends the recursion.
fn until(
    raises: &Raises,
    ledger_id: &[u8; 16],
    to: Option<u64>,
    below: u64,
) -> Result<Vec<Stretch>, LineageError> {
    let all = raises.get(ledger_id).ok_or(LineageError::Missing)?;
    let (mut before, mut from) = (Vec::new(), 0);
    for raise in all
        .iter()
        .filter(|raise| to.is_none_or(|to| raise.seq < to))
    {
        if raise.epoch >= below {
            return Err(LineageError::NotRising);
        }
        if let Some(followed) = raise.followed {
            let (ledger, size) = (&followed.ledger_id, Some(followed.size));
            before = until(raises, ledger, size, raise.epoch)?;
            from = raise.seq;
        }
    }
    before.push(Stretch {
        ledger_id: *ledger_id,
        from,
        to,
    });
    Ok(before)
}

/// The ledger of the station that raised the highest epoch; none where nobody ran the room.
pub fn latest(ledgers: &Ledgers) -> Option<[u8; 16]> {
    highest(&raises(ledgers)).map(|(_, id)| id)
}

fn raises(ledgers: &Ledgers) -> Raises {
    let of = |events: &[Event]| {
        let places = (0u64..).zip(events);
        places
            .filter_map(|(seq, event)| Raise::of(seq, event))
            .collect()
    };
    let ledgers = ledgers.iter();
    ledgers.map(|(id, events)| (*id, of(events))).collect()
}

/// The room's history as the station of this ledger had it; see [`stretches`].
///
/// # Errors
/// [`LineageError`] where a ledger that was followed is not here, is shorter than was followed, or follows in a circle.
pub fn history<'a>(
    ledgers: &Ledgers<'a>,
    ledger_id: &[u8; 16],
) -> Result<Vec<&'a Event>, LineageError> {
    let mut history = Vec::new();
    for Stretch {
        ledger_id,
        from,
        to,
    } in stretches(&raises(ledgers), ledger_id)?
    {
        let events = ledgers.get(&ledger_id).ok_or(LineageError::Missing)?;
        let to = to.unwrap_or(events.len() as u64);
        let place = |place: u64| usize::try_from(place).map_err(|_| LineageError::Short);
        let part = events.get(place(from)?..place(to)?);
        history.extend(part.ok_or(LineageError::Short)?);
    }
    Ok(history)
}

/// Why a history cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineageError {
    #[error("a station's ledger is not here")]
    Missing,
    #[error("a station's ledger is shorter than was followed")]
    Short,
    #[error("epochs do not rise")]
    NotRising,
}

impl LineageError {
    pub fn code(&self) -> &'static str {
        match self {
            LineageError::Missing => "lineage.missing",
            LineageError::Short => "lineage.short",
            LineageError::NotRising => "lineage.not_rising",
        }
    }
}
