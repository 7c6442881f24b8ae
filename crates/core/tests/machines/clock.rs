use super::cases;
use fengjuan_core::clock::{AnchorError, ClockQuality, Doubt, ExamClock, Tick};
use proptest::prelude::*;

const BOOT: [u8; 16] = [1; 16];
const NEXT_BOOT: [u8; 16] = [2; 16];
const HOUR: i64 = 3_600_000;
/// Exam time of the tests: some day in 2026.
const DAY: i64 = 1_790_000_000_000;

fn anchored_tick() -> Tick {
    Tick {
        boot_id: BOOT,
        boot_ms: 500_000,
        exam_ms: DAY,
        wall_ms: DAY + 7 * HOUR,
        anchored: true,
    }
}

#[test]
fn same_boot_goes_on_exactly_whatever_the_wall_says() {
    let tick = anchored_tick();
    let (clock, found) = ExamClock::resume(Some(&tick), BOOT, 530_000, DAY - 24 * HOUR);
    assert_eq!(clock.now(530_000), DAY + 30_000);
    assert!(found.same_boot && found.quality == ClockQuality::Anchored && found.doubtful.is_none());
    assert_eq!(found.since_tick_ms, 30_000);
    let (_, carried) = ExamClock::resume(
        Some(&Tick {
            anchored: false,
            ..tick
        }),
        BOOT,
        530_000,
        0,
    );
    assert_eq!(carried.quality, ClockQuality::CarriedOver);
}

#[test]
fn after_a_reboot_the_wall_gives_the_distance_and_is_flagged() {
    let tick = anchored_tick();
    let (clock, found) = ExamClock::resume(Some(&tick), NEXT_BOOT, 20_000, tick.wall_ms + 90_000);
    assert_eq!(clock.now(20_000), DAY + 90_000);
    assert_eq!(
        found.quality,
        ClockQuality::RtcFlagged {
            behind_tick_ms: None
        }
    );
    assert!(!found.same_boot && found.doubtful.is_none());
    assert_eq!(found.doubt_for(DAY + HOUR), None);
    assert_eq!(found.doubt_for(DAY + 80_000), Some(Doubt::Over));
}

#[test]
fn a_long_gap_is_doubtful_and_a_backward_wall_stops_at_the_tick() {
    let tick = anchored_tick();
    let (_, found) = ExamClock::resume(Some(&tick), NEXT_BOOT, 0, tick.wall_ms + 600_001);
    assert_eq!(found.doubtful, Some(Doubt::LongGap { gap_ms: 600_001 }));
    let (_, short) = ExamClock::resume(Some(&tick), NEXT_BOOT, 0, tick.wall_ms + 600_000);
    assert_eq!(short.doubtful, None);
    let (clock, behind) = ExamClock::resume(Some(&tick), NEXT_BOOT, 0, tick.wall_ms - HOUR);
    assert_eq!(
        behind.quality,
        ClockQuality::RtcFlagged {
            behind_tick_ms: Some(HOUR)
        }
    );
    assert_eq!(clock.now(0), DAY);
}

#[test]
fn the_first_start_has_only_the_wall() {
    let (clock, found) = ExamClock::resume(None, BOOT, 10_000, DAY);
    assert_eq!(
        (clock.now(11_000), found.since_tick_ms, found.same_boot),
        (DAY + 1_000, 0, false)
    );
    assert!(!clock.is_anchored());
}

#[test]
fn anchors() {
    let (mut clock, _) = ExamClock::resume(None, BOOT, 0, DAY + 5 * HOUR);
    let slow = clock.anchor(DAY, 0, 5_001);
    assert_eq!(
        slow,
        Err(AnchorError::RoundTrip {
            round_trip_ms: 5_001
        })
    );
    assert_eq!(
        clock.anchor(DAY, 10, 0),
        Err(AnchorError::RoundTrip { round_trip_ms: -10 })
    );
    let first = clock.anchor(DAY, 1_000, 1_200).unwrap();
    assert!(first.applied && clock.is_anchored());
    assert_eq!(clock.now(1_200), DAY + 100);
    assert_eq!(first.offset_ms, DAY + 100 - (DAY + 5 * HOUR + 1_200));
    let within = clock.anchor(DAY + 1_050, 2_000, 2_200).unwrap();
    assert_eq!((within.applied, within.offset_ms), (false, 50));
    let far = clock.anchor(DAY + 60_000, 3_000, 3_000);
    assert!(matches!(far, Err(AnchorError::Contradicts { .. })));
    assert_eq!(clock.now(3_000), DAY + 1_900);
}

#[test]
fn an_anchored_clock_stands_still_rather_than_going_back() {
    let (mut clock, _) = ExamClock::resume(None, BOOT, 0, DAY);
    clock.anchor(DAY, 0, 0).unwrap();
    let back = clock.anchor(DAY + 7_000, 10_000, 10_000).unwrap();
    assert_eq!((back.applied, back.offset_ms), (true, -3_000));
    assert_eq!(clock.now(10_000), DAY + 10_000);
    assert_eq!(clock.now(12_000), DAY + 10_000);
    assert_eq!(clock.now(14_000), DAY + 11_000);
}

#[test]
fn upstream_before_an_anchored_tick_is_refused() {
    let tick = anchored_tick();
    let (mut clock, _) = ExamClock::resume(Some(&tick), NEXT_BOOT, 0, tick.wall_ms + HOUR);
    let refused = clock.anchor(DAY - 10_000, 100, 100);
    assert_eq!(
        refused,
        Err(AnchorError::BeforeAnchoredTick { behind_ms: 10_000 })
    );
    assert!(clock.anchor(DAY + 60_000, 100, 100).unwrap().applied);
    assert_eq!(clock.now(100), DAY + 60_000);
}

#[test]
fn a_jump_and_a_suspend_are_told_once() {
    let (mut clock, _) = ExamClock::resume(None, BOOT, 0, DAY);
    assert_eq!(clock.observe_wall(1_000, DAY + 2_900), None);
    assert_eq!(
        clock.observe_wall(2_000, DAY + HOUR).unwrap().by_ms,
        HOUR - 2_000
    );
    assert_eq!(clock.observe_wall(3_000, DAY + HOUR + 1_000), None);
    assert_eq!(
        clock.observe_wall(4_000, DAY + 4_000).unwrap().by_ms,
        2_000 - HOUR
    );
    assert_eq!(clock.observe_suspend(10_000, 10_000), None);
    assert_eq!(clock.observe_suspend(610_000, 10_010), Some(599_990));
    assert_eq!(clock.observe_suspend(611_000, 11_010), None);
}

#[test]
fn a_jump_while_the_program_was_down_is_seen() {
    let tick = anchored_tick();
    let (mut clock, _) = ExamClock::resume(Some(&tick), BOOT, 501_000, tick.wall_ms + 1_000 + HOUR);
    assert_eq!(
        clock
            .observe_wall(501_000, tick.wall_ms + 1_000 + HOUR)
            .unwrap()
            .by_ms,
        HOUR
    );
}

proptest! {
    #![proptest_config(cases(256))]

    /// Restarts in one boot, with any wall clock, never move the exam clock.
    #[test]
    fn restarts_do_not_add_up(steps in prop::collection::vec((0i64..600_000, any::<i32>()), 1..20)) {
        let mut tick = anchored_tick();
        let start = tick;
        for (passed_ms, wall) in steps {
            let boot_ms = tick.boot_ms + passed_ms;
            let (clock, _) = ExamClock::resume(Some(&tick), BOOT, boot_ms, DAY + i64::from(wall));
            tick = clock.tick(boot_ms, DAY + i64::from(wall));
        }
        prop_assert_eq!(tick.exam_ms - start.exam_ms, tick.boot_ms - start.boot_ms);
    }

    /// Whatever upstream says, once anchored the clock never goes back.
    #[test]
    fn anchored_time_never_goes_back(answers in prop::collection::vec((0i64..30_000, -20_000i64..20_000, 0i64..6_000), 1..40)) {
        let (mut clock, _) = ExamClock::resume(None, BOOT, 0, DAY - HOUR);
        clock.anchor(DAY, 0, 0).unwrap();
        let (mut boot_ms, mut last_ms) = (0, DAY);
        for (passed_ms, error_ms, round_trip_ms) in answers {
            boot_ms += passed_ms + round_trip_ms;
            let _ = clock.anchor(DAY + boot_ms + error_ms, boot_ms - round_trip_ms, boot_ms);
            prop_assert!(clock.now(boot_ms) >= last_ms);
            last_ms = clock.now(boot_ms);
        }
    }
}
