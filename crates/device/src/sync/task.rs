use super::{Pace, RoomLink, Uplink};
use crate::upstream::{Enrolment, Upstream};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// While two people compare fingerprints, the answer is asked for this often.
const PENDING: Duration = Duration::from_secs(3);
/// While the room channel is on, a pass is due so many times more rarely.
const IN_ROOM: u32 = 3;

/// The running synchronisation. Stops when dropped; it may stop anywhere, since everything can be repeated.
pub struct SyncTask {
    task: JoinHandle<()>,
}

impl Drop for SyncTask {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<U: Upstream> Uplink<U> {
    /// Passes on and on: at a beat, after a nudge, and backing off while the upstream is away.
    pub fn spawn(&self, runtime: &Handle) -> SyncTask {
        let sync = self.clone();
        SyncTask {
            task: runtime.spawn(async move { sync.go_on().await }),
        }
    }

    fn in_room(&self) -> bool {
        let state = self.inner.state.borrow();
        state.room.as_ref().is_some_and(RoomLink::is_on)
    }

    async fn go_on(&self) {
        let mut pace = Pace::default();
        loop {
            let result = self.pass().await;
            if let Err(error) = &result {
                tracing::debug!(code = error.code(), %error, "sync pass");
            }
            let pending = matches!(
                self.inner.state.borrow().enrolment,
                Some(Enrolment::Pending)
            );
            let wait = match &result {
                Ok(()) if pending => PENDING,
                // What is new is told over the channel.
                Ok(()) if self.in_room() => pace.next(true, random()) * IN_ROOM,
                // A refusal of one thing is no reason to be away longer; a dead line is.
                _ => pace.next(!result.is_err_and(|error| error.is_link()), random()),
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.inner.nudge.notified() => {}
            }
        }
    }
}

fn random() -> u32 {
    fengjuan_envelope::random_bytes::<4>().map_or(u32::MAX / 2, u32::from_be_bytes)
}
