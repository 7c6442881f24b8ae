use super::{ANCHOR_EVERY_MS, SyncError, Uplink};
use crate::recorder::SYSTEM;
use crate::upstream::Upstream;
use fengjuan_core::event::Event;

/// A correction this small is not worth an entry a minute.
const WORTH_AN_ENTRY_MS: i64 = 500;

impl<U: Upstream> Uplink<U> {
    /// Compares the exam clock with upstream's signed time. What upstream says and the clock refuses is logged, and is
    /// no reason to stop syncing.
    pub(super) async fn anchor_when_due(&self) -> Result<(), SyncError> {
        let last = self.run().anchored_boot_ms;
        if !self.due(last, ANCHOR_EVERY_MS) {
            return Ok(());
        }
        let time = self.inner.upstream.signed_time().await?;
        let recorder = &self.inner.recorder;
        let (was_anchored, outcome) = {
            let mut clock = recorder.clock();
            let was = clock.is_anchored();
            (
                was,
                clock.anchor(time.unix_ms, time.sent_boot_ms, time.received_boot_ms),
            )
        };
        self.run().anchored_boot_ms = Some(self.boot_ms());
        match outcome {
            Ok(outcome) => {
                let compared = Some((outcome.offset_ms, outcome.round_trip_ms));
                self.inner
                    .state
                    .send_modify(|state| state.clock_offset_ms = compared);
                let told = !was_anchored || outcome.offset_ms.abs() >= WORTH_AN_ENTRY_MS;
                if outcome.applied && told {
                    let (offset_ms, round_trip_ms) = (outcome.offset_ms, outcome.round_trip_ms);
                    recorder.record(
                        SYSTEM,
                        Event::ExamClockAnchored {
                            offset_ms,
                            round_trip_ms,
                        },
                    )?;
                    recorder.persist_clock()?;
                }
            }
            Err(error) => tracing::warn!(code = error.code(), %error, "signed time not taken"),
        }
        Ok(())
    }
}
