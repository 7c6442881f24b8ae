//! The exam clock: upstream's signed time carried on by CLOCK_BOOTTIME, which runs through suspend and cannot be
//! set. The wall clock is watched and recorded, and used only where a reboot has left nothing better.
//!
//! All times are milliseconds: `boot_ms` since boot, `wall_ms` and exam time since the Unix epoch.

use crate::plan::ExamMs;
use serde::{Deserialize, Serialize};

/// An anchor whose question and answer were further apart than this says too little.
pub const MOST_ROUND_TRIP_MS: i64 = 5_000;
/// An anchored clock that upstream contradicts by more than this keeps its time and says so.
pub const MOST_STEP_MS: i64 = 5_000;
/// A wall clock that moved against boot time by more than this has jumped.
pub const WALL_JUMP_MS: i64 = 2_000;
/// A gap between boot time and the monotonic clock that grew by more than this was a suspend.
pub const SUSPEND_MS: i64 = 1_000;
/// After a reboot without upstream, a clock this far past the last tick is doubtful.
pub const DOUBTFUL_GAP_MS: i64 = 10 * 60_000;

/// What is persisted regularly (every few seconds, and with every entry that matters), so that a restart can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tick {
    /// The kernel's boot id.
    pub boot_id: [u8; 16],
    pub boot_ms: i64,
    pub exam_ms: ExamMs,
    pub wall_ms: i64,
    /// Upstream's signed time has been seen in this boot.
    pub anchored: bool,
}

/// How good the clock is after a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum ClockQuality {
    /// Same boot as an anchored tick, or anchored since: as good as upstream's time.
    Anchored,
    /// Same boot as a tick that was never anchored: it ran on exactly from there.
    CarriedOver,
    /// Another boot, or no tick at all: the machine's own clock was used, and is flagged until anchored.
    RtcFlagged {
        /// The machine's clock lay this far before the last tick; the exam clock starts at the tick instead.
        #[ts(type = "number | null")]
        behind_tick_ms: Option<i64>,
    },
}

/// Why nobody may be handed in by this clock before the proctor has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// It says that the attempt's time is over.
    Over,
    /// It is more than ten minutes past the last tick.
    LongGap {
        #[ts(type = "number")]
        gap_ms: i64,
    },
}

/// What a start found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumption {
    /// The machine has not rebooted since the last tick (the program ended, or crashed).
    pub same_boot: bool,
    pub quality: ClockQuality,
    /// Set where a reboot left a gap of more than ten minutes. See also [`Resumption::doubt_for`].
    pub doubtful: Option<Doubt>,
    /// From the last tick to now on the exam clock: the longest that the outage can have been. 0 without a tick.
    pub since_tick_ms: i64,
    /// The exam time at the start.
    pub now_ms: ExamMs,
}

impl Resumption {
    /// The doubt for an attempt that ends at `ends_ms`: after a reboot without upstream a clock that says "over" is
    /// not believed either.
    pub fn doubt_for(&self, ends_ms: ExamMs) -> Option<Doubt> {
        let by_rtc = matches!(self.quality, ClockQuality::RtcFlagged { .. });
        if by_rtc && self.now_ms >= ends_ms {
            Some(Doubt::Over)
        } else {
            self.doubtful
        }
    }
}

/// What an anchor did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchorOutcome {
    /// Upstream's time minus the clock's own, before the anchor.
    pub offset_ms: i64,
    pub round_trip_ms: i64,
    /// False where the difference lies within the round trip's own uncertainty and the clock was left alone.
    pub applied: bool,
}

/// Why an anchor was refused. The clock is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    #[error("round trip of {round_trip_ms} ms is longer than {MOST_ROUND_TRIP_MS} ms, or negative")]
    RoundTrip { round_trip_ms: i64 },
    /// The clock is anchored already, and boot time does not drift by seconds: somebody is wrong.
    #[error("upstream contradicts the anchored clock by {offset_ms} ms")]
    Contradicts { offset_ms: i64 },
    /// Upstream's time lies before a tick that was itself anchored.
    #[error("upstream's time lies {behind_ms} ms before an anchored tick")]
    BeforeAnchoredTick { behind_ms: i64 },
}

impl AnchorError {
    pub fn code(&self) -> &'static str {
        match self {
            AnchorError::RoundTrip { .. } => "clock.round_trip",
            AnchorError::Contradicts { .. } => "clock.contradicts",
            AnchorError::BeforeAnchoredTick { .. } => "clock.before_anchored_tick",
        }
    }
}

/// The wall clock moved against boot time: an event, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    pub by_ms: i64,
}

/// The exam clock of one run of the program.
#[derive(Clone, Debug)]
pub struct ExamClock {
    boot_id: [u8; 16],
    /// Exam time minus boot time.
    offset_ms: i64,
    /// Exam time never shows less than this: an anchored clock that must go back stands still instead.
    floor_ms: ExamMs,
    /// The last tick of an earlier boot that was anchored: no true time lies before it.
    anchored_tick_ms: Option<ExamMs>,
    quality: ClockQuality,
    /// Wall time minus boot time when last looked at.
    wall_offset_ms: i64,
    /// Boot time minus monotonic time when last looked at.
    slept_ms: Option<i64>,
}

impl ExamClock {
    /// The clock at a start of the program.
    ///
    /// The caller records the outage and the doubt that it found before it persists the first tick: a tick of this
    /// boot makes the next start an undoubtful one.
    ///
    /// In the same boot the clock goes on from the last tick by boot time. After a reboot it is the last tick's exam
    /// time plus what the machine's own clock says has passed since (so a machine clock that is wrong by hours, but
    /// steady, does no harm), never earlier than the last tick, and flagged. Without any tick it is the machine's
    /// clock, flagged.
    pub fn resume(
        last: Option<&Tick>,
        boot_id: [u8; 16],
        boot_ms: i64,
        wall_ms: i64,
    ) -> (ExamClock, Resumption) {
        let same = last.filter(|tick| tick.boot_id == boot_id && tick.boot_ms <= boot_ms);
        let (now_ms, quality) = match (same, last) {
            (Some(tick), _) => {
                let quality = if tick.anchored {
                    ClockQuality::Anchored
                } else {
                    ClockQuality::CarriedOver
                };
                (
                    tick.exam_ms
                        .saturating_add(boot_ms.saturating_sub(tick.boot_ms)),
                    quality,
                )
            }
            (None, Some(tick)) => {
                let passed_ms = wall_ms.saturating_sub(tick.wall_ms);
                let behind_tick_ms = (passed_ms < 0).then_some(passed_ms.saturating_neg());
                (
                    tick.exam_ms.saturating_add(passed_ms.max(0)),
                    ClockQuality::RtcFlagged { behind_tick_ms },
                )
            }
            (None, None) => (
                wall_ms,
                ClockQuality::RtcFlagged {
                    behind_tick_ms: None,
                },
            ),
        };
        let since_tick_ms = last.map_or(0, |tick| now_ms.saturating_sub(tick.exam_ms));
        let long = same.is_none() && since_tick_ms > DOUBTFUL_GAP_MS;
        let doubtful = long.then_some(Doubt::LongGap {
            gap_ms: since_tick_ms,
        });
        let clock = ExamClock {
            boot_id,
            offset_ms: now_ms.saturating_sub(boot_ms),
            floor_ms: ExamMs::MIN,
            anchored_tick_ms: last.filter(|tick| tick.anchored).map(|tick| tick.exam_ms),
            quality,
            wall_offset_ms: same.map_or(wall_ms.saturating_sub(boot_ms), |tick| {
                tick.wall_ms.saturating_sub(tick.boot_ms)
            }),
            slept_ms: None,
        };
        (
            clock,
            Resumption {
                same_boot: same.is_some(),
                quality,
                doubtful,
                since_tick_ms,
                now_ms,
            },
        )
    }

    /// Takes over upstream's signed time, asked at `sent_boot_ms` and answered at `received_boot_ms` (the nonce is
    /// checked by the caller). Upstream's clock is taken to have been read in the middle of the round trip.
    ///
    /// A clock that is not anchored takes any step, forward or back, but none to before an anchored tick (beyond 5 s).
    /// An anchored clock is corrected only where the difference is larger than half the round trip, by at most 5 s,
    /// and never steps back: it stands still until the corrected time has caught up.
    ///
    /// # Errors
    /// [`AnchorError`]; the clock then goes on as it was.
    pub fn anchor(
        &mut self,
        upstream_ms: ExamMs,
        sent_boot_ms: i64,
        received_boot_ms: i64,
    ) -> Result<AnchorOutcome, AnchorError> {
        let round_trip_ms = received_boot_ms.saturating_sub(sent_boot_ms);
        if !(0..=MOST_ROUND_TRIP_MS).contains(&round_trip_ms) {
            return Err(AnchorError::RoundTrip { round_trip_ms });
        }
        let uncertain_ms = round_trip_ms / 2;
        let before_ms = self.now(received_boot_ms);
        let upstream_now_ms = upstream_ms.saturating_add(uncertain_ms);
        let offset_ms = upstream_now_ms.saturating_sub(before_ms);
        let anchored = self.is_anchored();
        if anchored && offset_ms.saturating_abs() > MOST_STEP_MS + uncertain_ms {
            return Err(AnchorError::Contradicts { offset_ms });
        }
        let behind_ms = self
            .anchored_tick_ms
            .map_or(0, |tick_ms| tick_ms.saturating_sub(upstream_now_ms));
        if behind_ms > MOST_STEP_MS {
            return Err(AnchorError::BeforeAnchoredTick { behind_ms });
        }
        let applied = !anchored || offset_ms.saturating_abs() > uncertain_ms;
        if applied {
            self.offset_ms = upstream_now_ms.saturating_sub(received_boot_ms);
            self.floor_ms = if anchored { before_ms } else { ExamMs::MIN };
            self.quality = ClockQuality::Anchored;
        }
        Ok(AnchorOutcome {
            offset_ms,
            round_trip_ms,
            applied,
        })
    }

    /// The exam time at this boot time.
    pub fn now(&self, boot_ms: i64) -> ExamMs {
        boot_ms.saturating_add(self.offset_ms).max(self.floor_ms)
    }

    pub fn is_anchored(&self) -> bool {
        self.quality == ClockQuality::Anchored
    }

    pub fn quality(&self) -> ClockQuality {
        self.quality
    }

    /// What to persist now.
    pub fn tick(&self, boot_ms: i64, wall_ms: i64) -> Tick {
        Tick {
            boot_id: self.boot_id,
            boot_ms,
            exam_ms: self.now(boot_ms),
            wall_ms,
            anchored: self.is_anchored(),
        }
    }

    /// Looks at the wall clock: a jump is told once. Slow drift adds up until it is one.
    pub fn observe_wall(&mut self, boot_ms: i64, wall_ms: i64) -> Option<Jump> {
        let offset_ms = wall_ms.saturating_sub(boot_ms);
        let by_ms = offset_ms.saturating_sub(self.wall_offset_ms);
        if by_ms.saturating_abs() <= WALL_JUMP_MS {
            return None;
        }
        self.wall_offset_ms = offset_ms;
        Some(Jump { by_ms })
    }

    /// Looks at CLOCK_MONOTONIC, which stands still in suspend while boot time runs on: the length of a suspend, told
    /// once. The first look only sets the mark.
    pub fn observe_suspend(&mut self, boot_ms: i64, monotonic_ms: i64) -> Option<i64> {
        let slept_ms = boot_ms.saturating_sub(monotonic_ms);
        let for_ms = slept_ms.saturating_sub(*self.slept_ms.get_or_insert(slept_ms));
        if for_ms <= SUSPEND_MS {
            return None;
        }
        self.slept_ms = Some(slept_ms);
        Some(for_ms)
    }
}
