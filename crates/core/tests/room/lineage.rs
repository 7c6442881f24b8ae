use super::device;
use fengjuan_core::event::Event;
use fengjuan_core::room::epoch::Followed;
use fengjuan_core::room::lineage::{Ledgers, LineageError, history, latest};

fn raised(epoch: u64, station: u8, followed: Option<(u8, u64)>) -> Event {
    Event::EpochRaised {
        epoch,
        station: device(station),
        staff_id: String::new(),
        reason: String::new(),
        followed: followed.map(|(ledger, size)| Followed {
            ledger_id: [ledger; 16],
            size,
        }),
    }
}

fn held(number: u32) -> Event {
    Event::SittingHeld {
        sitting_no: "S".to_owned(),
        version: number,
    }
}

fn versions(events: &[&Event]) -> Vec<u32> {
    let version = |event: &&Event| match event {
        Event::SittingHeld { version, .. } => Some(*version),
        _ => None,
    };
    events.iter().filter_map(version).collect()
}

#[test]
fn what_was_written_unheard_is_no_part_of_the_history() {
    let one = [
        raised(1, 1, None),
        held(1),
        held(2),
        held(3),
        raised(3, 1, Some((2, 2))),
        held(6),
    ];
    let two = [raised(2, 2, Some((1, 3))), held(4), held(5)];
    let ledgers: Ledgers = [([1; 16], &one[..]), ([2; 16], &two[..])].into();
    assert_eq!(latest(&ledgers), Some([1; 16]));
    let last = history(&ledgers, &[1; 16]).unwrap();
    assert_eq!(versions(&last), [1, 2, 4, 6]);
    let standby = history(&ledgers, &[2; 16]).unwrap();
    assert_eq!(versions(&standby), [1, 2, 4, 5]);
}

#[test]
fn a_history_with_a_hole_is_told() {
    let one = [raised(1, 1, None)];
    let two = [raised(2, 2, Some((1, 5)))];
    let ledgers: Ledgers = [([1; 16], &one[..]), ([2; 16], &two[..])].into();
    assert_eq!(history(&ledgers, &[2; 16]), Err(LineageError::Short));
    let alone: Ledgers = [([2; 16], &two[..])].into();
    assert_eq!(history(&alone, &[2; 16]), Err(LineageError::Missing));
    let circle = [raised(2, 2, Some((2, 1)))];
    let ledgers: Ledgers = [([2; 16], &circle[..])].into();
    assert_eq!(history(&ledgers, &[2; 16]), Err(LineageError::NotRising));
    assert_eq!(latest(&Ledgers::new()), None);
}
