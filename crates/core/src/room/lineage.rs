//! Which events make a room's history, where several stations ran it one after the other (承接). A station that takes
//! over says how far it had followed the one before; what that one wrote later, unheard, is evidence and no decision.

use crate::event::Event;
use std::collections::BTreeMap;

/// A station's ledger: its id, and its events by sequence number.
pub type Ledgers<'a> = BTreeMap<[u8; 16], &'a [Event]>;

/// The ledger of the station that raised the highest epoch; none where nobody ran the room.
pub fn latest(ledgers: &Ledgers) -> Option<[u8; 16]> {
    let highest = |events: &[Event]| {
        let epochs = events.iter().filter_map(|event| match event {
            Event::EpochRaised { epoch, .. } => Some(*epoch),
            _ => None,
        });
        epochs.max()
    };
    let raised = ledgers
        .iter()
        .filter_map(|(id, events)| Some((highest(events)?, *id)));
    raised.max().map(|(_, id)| id)
}

/// The room's history as the station of this ledger had it: its own events, and before each take-over the history that
/// it followed until then.
///
/// # Errors
/// [`LineageError`] where a ledger that was followed is not here, is shorter than was followed, or follows in a circle.
pub fn history<'a>(
    ledgers: &Ledgers<'a>,
    ledger_id: &[u8; 16],
) -> Result<Vec<&'a Event>, LineageError> {
    let events = ledgers.get(ledger_id).ok_or(LineageError::Missing)?;
    stretch(ledgers, ledger_id, events.len() as u64, u64::MAX)
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

/// All epochs in it lie below `below`, which is what ends the recursion.
fn stretch<'a>(
    ledgers: &Ledgers<'a>,
    ledger_id: &[u8; 16],
    size: u64,
    below: u64,
) -> Result<Vec<&'a Event>, LineageError> {
    let events = ledgers.get(ledger_id).ok_or(LineageError::Missing)?;
    let size = usize::try_from(size).map_err(|_| LineageError::Short)?;
    let mut history = Vec::new();
    for event in events.get(..size).ok_or(LineageError::Short)? {
        if let Event::EpochRaised {
            epoch, followed, ..
        } = event
        {
            if *epoch >= below {
                return Err(LineageError::NotRising);
            }
            if let Some(followed) = followed {
                history = stretch(ledgers, &followed.ledger_id, followed.size, *epoch)?;
            }
        }
        history.push(event);
    }
    Ok(history)
}
