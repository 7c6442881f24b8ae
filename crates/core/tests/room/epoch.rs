use super::device;
use fengjuan_core::room::epoch::{EpochSeen, Heard, Role, Standing, Stands};

#[test]
fn a_terminal_obeys_the_highest_and_of_two_the_first() {
    let mut seen = EpochSeen::default();
    assert_eq!(seen.hear(0, &device(1)), Heard::Lower { obeyed: 0 });
    assert_eq!(seen.hear(1, &device(1)), Heard::Higher);
    seen.raise(1, device(1));
    assert_eq!(seen.hear(1, &device(1)), Heard::Same);
    assert_eq!(seen.hear(1, &device(2)), Heard::Rival { obeyed: 1 });
    seen.raise(1, device(2));
    assert_eq!(seen.station(), Some(device(1)));
    seen.raise(3, device(2));
    assert_eq!(seen.hear(2, &device(1)), Heard::Lower { obeyed: 3 });
    seen.raise(2, device(1));
    assert_eq!((seen.epoch(), seen.station()), (3, Some(device(2))));
}

#[test]
fn a_station_stops_when_it_hears_of_a_higher_epoch() {
    let mut standing = Standing::standby(device(1));
    assert_eq!(
        (standing.commanding(), standing.next_epoch()),
        (None, Some(1))
    );
    standing.raise(1);
    assert_eq!(
        (standing.commanding(), standing.next_epoch()),
        (Some(1), None)
    );
    assert_eq!(standing.hear(1, Some(&device(1))), Stands::On);
    assert_eq!(standing.hear(1, None), Stands::On);
    assert_eq!(standing.hear(2, None), Stands::Down);
    assert_eq!(standing.role(), Role::Stopped { heard: 2 });
    assert_eq!(standing.hear(5, Some(&device(3))), Stands::On);
    // A person may take over again here, above everything that was heard.
    assert_eq!(standing.next_epoch(), Some(6));
    standing.raise(6);
    assert_eq!(standing.commanding(), Some(6));
}

#[test]
fn of_two_with_one_number_neither_goes_on() {
    let mut one = Standing::standby(device(1));
    let mut two = Standing::standby(device(2));
    one.hear(4, Some(&device(9)));
    two.hear(4, Some(&device(9)));
    one.raise(5);
    two.raise(5);
    assert_eq!(one.hear(5, Some(&device(2))), Stands::Down);
    assert_eq!(two.hear(5, Some(&device(1))), Stands::Down);
    assert_eq!(one.next_epoch(), Some(6));
}

#[test]
fn a_standby_follows_and_does_not_command() {
    let mut standby = Standing::standby(device(2));
    assert_eq!(standby.hear(3, Some(&device(1))), Stands::On);
    assert_eq!(standby.role(), Role::Standby { heard: 3 });
    standby.raise(3);
    assert_eq!(standby.commanding(), None, "no epoch that another has had");
}
