//! Random snapshots (抓拍) of a running attempt: which are due, which to try now, and when to try again. Taking one is
//! the caller's work on a thread of its own; the exam screen never waits for it.

use fengjuan_core::event::{Event, PictureUse};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::snapshot::{Due, ScheduleOf, due};
use std::collections::{BTreeMap, BTreeSet};

/// The first pause after a failure; each further one doubles it.
const FIRST_PAUSE_MS: i64 = 5_000;
/// No pause is longer.
const LONGEST_PAUSE_MS: i64 = 60_000;

/// What became of one attempt's due snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshots {
    /// `due_ms` of those that were taken.
    taken: BTreeSet<ExamMs>,
    /// Failed tries by `due_ms`.
    failed: BTreeMap<ExamMs, u32>,
    /// A camera is at work on one.
    in_flight: bool,
    failures_in_a_row: u32,
    not_before_ms: ExamMs,
    last_cause: Option<String>,
}

impl Snapshots {
    /// Takes over a recorded picture or failure.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::PictureTaken {
                usage: PictureUse::Snapshot,
                due_ms: Some(due_ms),
                ..
            } => {
                self.taken.insert(*due_ms);
                self.failures_in_a_row = 0;
                self.last_cause = None;
            }
            Event::PictureFailed {
                usage: PictureUse::Snapshot,
                due_ms: Some(due_ms),
                attempts,
                cause,
            } => {
                self.failed.insert(*due_ms, *attempts);
                self.last_cause = Some(cause.clone());
            }
            _ => {}
        }
    }

    /// The snapshot to try now, oldest failure last: the newest due one that is neither taken nor in flight.
    pub fn next(
        &self,
        of: &ScheduleOf<'_>,
        now: ExamMs,
        outages: &[(ExamMs, ExamMs)],
    ) -> Option<Due> {
        if self.in_flight || now < self.not_before_ms {
            return None;
        }
        let open = |due: &Due| !self.taken.contains(&due.due_ms);
        let newest = due(of, now, outages).into_iter().rfind(open)?;
        // A failure that a later picture followed is settled: nobody can take yesterday's picture today.
        let settled = self.taken.iter().any(|taken| *taken > newest.due_ms);
        (!settled).then_some(newest)
    }

    /// Due snapshots without any record, to be recorded as failed before the attempt ends.
    pub fn unrecorded(
        &self,
        of: &ScheduleOf<'_>,
        until_ms: ExamMs,
        outages: &[(ExamMs, ExamMs)],
    ) -> Vec<Due> {
        due(of, until_ms, outages)
            .into_iter()
            .filter(|due| {
                !self.taken.contains(&due.due_ms) && !self.failed.contains_key(&due.due_ms)
            })
            .collect()
    }

    /// A camera starts on one.
    pub fn began(&mut self) {
        self.in_flight = true;
    }

    /// The camera is back, with or without a picture; after a failure it rests for a while.
    pub fn ended(&mut self, failed: bool, now: ExamMs) {
        self.in_flight = false;
        if failed {
            let pause_ms = FIRST_PAUSE_MS << self.failures_in_a_row.min(8);
            self.failures_in_a_row += 1;
            self.not_before_ms = now + pause_ms.min(LONGEST_PAUSE_MS);
        } else {
            self.not_before_ms = now;
        }
    }

    /// How often this one was tried in vain.
    pub fn tries(&self, due_ms: ExamMs) -> u32 {
        self.failed.get(&due_ms).copied().unwrap_or(0)
    }

    /// The cause, while the camera does not deliver.
    pub fn trouble(&self) -> Option<&str> {
        self.last_cause.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fengjuan_core::plan::SnapshotPolicy;

    const POLICY: SnapshotPolicy = SnapshotPolicy {
        mean_interval_s: 60,
        least_gap_s: 20,
    };

    fn of<'a>(seed: &'a [u8; 32], id: &'a [u8; 16]) -> ScheduleOf<'a> {
        ScheduleOf {
            seed,
            sitting_no: "S1",
            attempt_id: id,
            started_ms: 0,
            policy: POLICY,
        }
    }

    fn failed(due_ms: ExamMs, attempts: u32) -> Event {
        Event::PictureFailed {
            usage: PictureUse::Snapshot,
            cause: "camera.busy".into(),
            due_ms: Some(due_ms),
            attempts,
        }
    }

    #[test]
    fn a_failed_one_is_tried_again_with_growing_pauses_until_it_is_taken() {
        let (seed, id) = ([3; 32], [4; 16]);
        let of = of(&seed, &id);
        let mut snapshots = Snapshots::default();
        let mut now = 150_000;
        let first = snapshots.next(&of, now, &[]).unwrap();
        let mut pauses = Vec::new();
        for attempts in 1..=6 {
            let due = snapshots.next(&of, now, &[]).unwrap();
            snapshots.began();
            assert!(snapshots.next(&of, now, &[]).is_none(), "one at a time");
            snapshots.apply(&failed(due.due_ms, attempts));
            snapshots.ended(true, now);
            assert_eq!(snapshots.tries(due.due_ms), attempts);
            assert!(snapshots.next(&of, now, &[]).is_none());
            pauses.push(snapshots.not_before_ms - now);
            now = snapshots.not_before_ms;
        }
        assert_eq!(pauses, [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
        let newest = snapshots.next(&of, now, &[]).unwrap();
        assert!(
            newest.due_ms > first.due_ms,
            "the newest is the one to take"
        );
        snapshots.apply(&Event::PictureTaken {
            usage: PictureUse::Snapshot,
            hash: fengjuan_wire::hash(b""),
            salted: fengjuan_wire::hash(b""),
            pattern: false,
            due_ms: Some(newest.due_ms),
        });
        snapshots.ended(false, now);
        assert_eq!(snapshots.next(&of, now, &[]), None);
        assert_eq!(snapshots.trouble(), None);
    }

    #[test]
    fn what_was_never_tried_is_told_at_the_end() {
        let (seed, id) = ([3; 32], [4; 16]);
        let of = of(&seed, &id);
        let mut snapshots = Snapshots::default();
        let all = snapshots.unrecorded(&of, 300_000, &[]);
        assert!(all.len() >= 3);
        snapshots.apply(&failed(all[0].due_ms, 1));
        assert_eq!(snapshots.unrecorded(&of, 300_000, &[]), all[1..]);
    }
}
