//! Constants from a second implementation (`tests/vectors/reference.py`): a change here is a change of every paper.

use super::{bank, blueprint, seed};
use fengjuan_core::choice::Choice;
use fengjuan_core::draw::{attempt_id, draw, ticket_hash};
use fengjuan_core::plan::SnapshotPolicy;
use fengjuan_core::snapshot::schedule;

#[test]
fn numbers_are_those_of_the_reference() {
    let mut stream = Choice::new(&seed(), &[b"a", b"bc"]);
    let numbers: Vec<u32> = (0..8).map(|_| stream.below(1000)).collect();
    assert_eq!(numbers, [688, 365, 165, 552, 504, 892, 183, 885]);
    let first = |i: u8| Choice::new(&seed(), &[&[i]]).below(3_000_000_000);
    let rejecting: Vec<u32> = (0..6).map(first).collect();
    assert_eq!(
        rejecting,
        [
            1550922253, 1210350474, 1906052364, 1605711955, 2198436405, 2298858918
        ]
    );
    let mut deep = Choice::new(&seed(), &[b"deep"]);
    let later: Vec<u32> = (0..2008).map(|_| deep.below(7)).skip(2000).collect();
    assert_eq!(later, [6, 2, 3, 1, 4, 1, 4, 4]);
}

#[test]
fn shuffle_and_sample_are_those_of_the_reference() {
    let mut row: Vec<u32> = (0..10).collect();
    Choice::new(&seed(), &[b"shuffle"]).shuffle(&mut row);
    assert_eq!(row, [5, 6, 4, 1, 8, 0, 9, 3, 2, 7]);
    assert_eq!(
        Choice::new(&seed(), &[b"sample"]).sample(5, 100),
        [56, 48, 77, 80, 36]
    );
}

#[test]
fn context_parts_do_not_run_together() {
    let stream = |info: &[&[u8]]| -> Vec<u32> {
        let mut choice = Choice::new(&seed(), info);
        (0..4).map(|_| choice.below(u32::MAX)).collect()
    };
    assert_ne!(stream(&[b"a", b"bc"]), stream(&[b"ab", b"c"]));
}

#[test]
fn paper_is_that_of_the_reference() {
    let paper =
        |attempt_no| draw(&bank(), &blueprint(), &seed(), "S-01", "T-0001", attempt_no).unwrap();
    let items: Vec<u32> = paper(1).slots.iter().map(|slot| slot.item).collect();
    let expected = [
        29, 4, 7, 9, 10, 23, 13, 1, 0, 24, 54, 45, 56, 32, 59, 44, 42, 51, 63, 60, 67, 70, 80, 81,
        82, 83, 77, 78, 79,
    ];
    assert_eq!(items, expected);
    assert_eq!(
        paper(1).hash().hex(),
        "e9ecea0ded0b90953b05ed907bb444794cc2ccf8af5f8b1108a3cc9e118fb1d1"
    );
    assert_eq!(
        paper(2).hash().hex(),
        "4f5394827889855e3efaa5f9cf7827e4ca5ce80e29854e2f4ebcf9b3db21839b"
    );
}

#[test]
fn names_are_those_of_the_reference() {
    let id: String = attempt_id("S-01", "T-0001", 1)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(id, "297db44a2969e27d600084a79b61b5d5");
    let ticket = "818614e35528615641a70fdf62885a1438998bd2c9c82dab2237e7de12d3664f";
    assert_eq!(ticket_hash("S-01", "T-0001").hex(), ticket);
}

#[test]
fn snapshots_are_those_of_the_reference() {
    let policy = SnapshotPolicy {
        mean_interval_s: 600,
        least_gap_s: 120,
    };
    let id = attempt_id("S-01", "T-0001", 1);
    let moments = schedule(&seed(), "S-01", &id, 1_000_000, 4_600_000, policy);
    assert_eq!(
        moments,
        [1276750, 2123837, 3192479, 4047025, 4171712, 4490734]
    );
}
