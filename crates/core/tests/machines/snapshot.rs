use super::{cases, seed};
use fengjuan_core::plan::SnapshotPolicy;
use fengjuan_core::snapshot::{ScheduleOf, due, schedule};
use proptest::prelude::*;

const POLICY: SnapshotPolicy = SnapshotPolicy {
    mean_interval_s: 600,
    least_gap_s: 120,
};

fn of<'a>(seed: &'a [u8; 32], attempt_id: &'a [u8; 16]) -> ScheduleOf<'a> {
    ScheduleOf {
        seed,
        sitting_no: "S",
        attempt_id,
        started_ms: 1_000,
        policy: POLICY,
    }
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn gaps_keep_to_the_policy_and_credits_move_nothing(seed: [u8; 32], id: [u8; 16], credit in 0i64..3_600_000) {
        let moments = schedule(&seed, "S", &id, 1_000, 7_201_000, POLICY);
        let gaps = std::iter::once(&1_000).chain(&moments).zip(&moments);
        for (before, moment) in gaps {
            prop_assert!((120_000..=1_080_000).contains(&(moment - before)));
        }
        let longer = schedule(&seed, "S", &id, 1_000, 7_201_000 + credit, POLICY);
        prop_assert_eq!(&longer[..moments.len()], &moments[..]);
    }

    /// Nothing is due inside an outage or after the end, each outage catches at most one, and the rest stays put.
    #[test]
    fn outages_delay_and_merge(seed: [u8; 32], spans in prop::collection::vec((0i64..1_500_000, 1i64..900_000), 0..6)) {
        let id = [3; 16];
        let mut at = 1_000;
        let outages: Vec<(i64, i64)> = spans.iter().map(|(gap, length)| {
            let from = at + gap;
            at = from + length;
            (from, at)
        }).collect();
        let until = 7_201_000;
        let all = due(&of(&seed, &id), until, &outages);
        prop_assert!(all.windows(2).all(|pair| pair[0].due_ms < pair[1].due_ms));
        let inside = |ms: i64| outages.iter().any(|(from, to)| (*from..*to).contains(&ms));
        for due in &all {
            prop_assert!(!inside(due.due_ms) && due.due_ms < until);
            prop_assert!(due.due_ms == due.planned_ms || outages.iter().any(|(_, to)| *to == due.due_ms));
        }
        let kept = schedule(&seed, "S", &id, 1_000, until, POLICY).into_iter().filter(|moment| !inside(*moment));
        for moment in kept {
            prop_assert!(all.iter().any(|due| due.due_ms == moment));
        }
    }
}

#[test]
fn mean_is_the_policy_s() {
    let all = schedule(&seed(), "S", &[9; 16], 0, 600_000 * 2_000, POLICY);
    assert!((1_930..=2_070).contains(&all.len()), "{}", all.len());
}

#[test]
fn no_snapshots_where_the_plan_wants_none() {
    let policy = SnapshotPolicy {
        mean_interval_s: 0,
        least_gap_s: 60,
    };
    assert!(schedule(&seed(), "S", &[0; 16], 0, i64::MAX, policy).is_empty());
    let close = SnapshotPolicy {
        mean_interval_s: 10,
        least_gap_s: 60,
    };
    assert_eq!(
        schedule(&seed(), "S", &[0; 16], 0, 180_001, close),
        [60_000, 120_000, 180_000]
    );
}
