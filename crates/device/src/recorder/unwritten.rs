//! What the recorder saw and storage has not taken yet. Such an observation is made once, so it must not be lost with
//! the write that was refused.

use fengjuan_core::event::Event;
use fengjuan_store::StoreError;

/// So many observations are kept apart; later ones are added to the last of their kind.
const KEPT_APART: usize = 16;

/// Observations in their order, until they are durable.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    events: Vec<Event>,
}

impl Unwritten {
    pub fn add(&mut self, event: Event) {
        if self.events.len() >= KEPT_APART
            && self.events.iter_mut().rev().any(|kept| merge(kept, &event))
        {
            return;
        }
        self.events.push(event);
    }

    /// Has everything written as one piece, and forgets it once that is done.
    ///
    /// # Errors
    /// What `write` met; everything is kept then.
    pub fn flush(
        &mut self,
        write: impl FnOnce(&[Event]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.events.is_empty() {
            return Ok(());
        }
        write(&self.events)?;
        self.events.clear();
        Ok(())
    }
}

/// Adds a length to one of the same kind.
fn merge(kept: &mut Event, later: &Event) -> bool {
    match (kept, later) {
        (Event::WallClockJumped { by_ms: kept }, Event::WallClockJumped { by_ms: later })
        | (Event::Suspended { for_ms: kept }, Event::Suspended { for_ms: later }) => {
            *kept = kept.saturating_add(*later);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_while_storage_refuses_and_nothing_is_written_twice() {
        let mut unwritten = Unwritten::default();
        let slept = |for_ms| Event::Suspended { for_ms };
        let jumped = |by_ms| Event::WallClockJumped { by_ms };
        unwritten.add(jumped(-3_600_000));
        let refused = unwritten.flush(|_| Err(StoreError::Full));
        assert_eq!(refused, Err(StoreError::Full));
        unwritten.add(slept(60_000));
        let mut written = Vec::new();
        let mut write = |events: &[Event]| {
            written.extend_from_slice(events);
            Ok(())
        };
        unwritten.flush(&mut write).unwrap();
        unwritten.flush(&mut write).unwrap();
        assert_eq!(written, [jumped(-3_600_000), slept(60_000)]);
    }

    #[test]
    fn a_long_refusal_takes_no_memory_and_keeps_the_sums() {
        let mut unwritten = Unwritten::default();
        for _ in 0..1_000 {
            unwritten.add(Event::WallClockJumped { by_ms: 2 });
            unwritten.add(Event::Suspended { for_ms: 3 });
        }
        let (mut count, mut jumped, mut slept) = (0, 0, 0);
        let sums = |events: &[Event]| {
            count = events.len();
            for event in events {
                match event {
                    Event::WallClockJumped { by_ms } => jumped += by_ms,
                    Event::Suspended { for_ms } => slept += for_ms,
                    other => panic!("{other:?}"),
                }
            }
            Ok(())
        };
        unwritten.flush(sums).unwrap();
        assert_eq!((count, jumped, slept), (KEPT_APART, 2_000, 3_000));
    }
}
