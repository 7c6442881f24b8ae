//! Stays connected: to the hub that was obeyed last, or to the next one that the kit names.

use super::pace::Backoff;
use super::session::{SILENCE, Session};
use super::side::off_thread;
use super::{ChannelError, RoomSide};
use crate::identity::DeviceIdentity;
use crate::recorder::Recorder;
use crate::sync::{RoomLink, Uplink};
use crate::upstream::{Enrolment, SiteUpstream, UpstreamError};
use fengjuan_envelope::RandomError;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What a [`Channel`] is made of.
pub struct ChannelParts {
    pub uplink: Uplink<SiteUpstream>,
    pub identity: Arc<DeviceIdentity>,
    pub recorder: Recorder,
    pub side: Arc<dyn RoomSide>,
}

/// The running channel. Stops when dropped; it may stop anywhere, since both sides say again what they hold.
pub struct Channel {
    task: JoinHandle<()>,
    beat_soon: Arc<Notify>,
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) struct Inner {
    pub(super) uplink: Uplink<SiteUpstream>,
    pub(super) identity: Arc<DeviceIdentity>,
    pub(super) recorder: Recorder,
    pub(super) side: Arc<dyn RoomSide>,
    pub(super) run_id: [u8; 16],
    pub(super) beat_soon: Arc<Notify>,
    /// After so long without a word the connection is given up.
    pub(super) silence: Duration,
}

impl Channel {
    /// Connects, and stays connected; none where the kit names no hub. How it stands is in the uplink's state.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn spawn(parts: ChannelParts, runtime: &Handle) -> Result<Option<Channel>, RandomError> {
        Self::spawn_with(parts, SILENCE, runtime)
    }

    pub(super) fn spawn_with(
        parts: ChannelParts,
        silence: Duration,
        runtime: &Handle,
    ) -> Result<Option<Channel>, RandomError> {
        let ChannelParts {
            uplink,
            identity,
            recorder,
            side,
        } = parts;
        if uplink.upstream().hubs().is_empty() {
            return Ok(None);
        }
        let beat_soon = Arc::new(Notify::new());
        let inner = Inner {
            uplink,
            identity,
            recorder,
            side,
            run_id: fengjuan_envelope::random_bytes()?,
            beat_soon: beat_soon.clone(),
            silence,
        };
        inner.tell(&ChannelError::Closed);
        let task = runtime.spawn(async move { inner.go_on().await });
        Ok(Some(Channel { task, beat_soon }))
    }

    /// Something changed that the station should see before the next beat.
    pub fn beat_soon(&self) {
        self.beat_soon.notify_one();
    }
}

impl Inner {
    async fn go_on(&self) {
        let site = self.uplink.upstream();
        let (mut pace, mut at) = (Backoff::default(), site.chosen_hub());
        loop {
            self.approved().await;
            let (welcomed, error) = self.once(at).await;
            tracing::debug!(code = error.code(), %error, "the room channel has ended");
            self.tell(&error);
            if error == ChannelError::Upstream(UpstreamError::Pin) && site.chosen_hub() == at {
                site.doubt();
            }
            if welcomed {
                off_thread(&self.side, |side| side.hub_lost()).await;
                pace.reset();
            } else {
                at = (at + 1) % site.hubs().len().max(1);
            }
            tokio::time::sleep(pace.next(random())).await;
        }
    }

    /// One connection: whether it was welcomed, and why it ended.
    async fn once(&self, at: usize) -> (bool, ChannelError) {
        let site = self.uplink.upstream();
        let client = match site.hub_client(at).await {
            Ok(client) => client,
            Err(error) => return (false, error.into()),
        };
        let (client, opened) = match Session::open(self, &client).await {
            Err(ChannelError::Upstream(error)) if error.is_link() => match site.moved(at).await {
                Some(moved) => {
                    let opened = Session::open(self, &moved).await;
                    (moved, opened)
                }
                None => (client, Err(error.into())),
            },
            opened => (client, opened),
        };
        match opened {
            Err(error) => (false, error),
            Ok(session) => {
                if site.chosen_hub() != at || site.url() != Some(client.url()) {
                    site.choose(at, client);
                }
                // What another hub was told says nothing about this one.
                if let Err(error) = self.uplink.look_whose() {
                    return (true, error.into());
                }
                self.uplink.tell_room(RoomLink::On);
                self.uplink.look_soon();
                (true, session.run().await)
            }
        }
    }

    /// Waits until somebody has approved this machine.
    async fn approved(&self) {
        let mut state = self.uplink.state();
        let approved =
            state.wait_for(|state| matches!(state.enrolment, Some(Enrolment::Approved(_))));
        // The state outlives this task.
        let _ = approved.await;
    }

    fn tell(&self, error: &ChannelError) {
        let code = error.code().to_owned();
        if error.is_refusal() {
            return self.uplink.tell_room(RoomLink::Refused { code });
        }
        let since = match &self.uplink.state().borrow().room {
            Some(RoomLink::Away { since_boot_ms, .. }) => Some(*since_boot_ms),
            _ => None,
        };
        let now = self.recorder.machine().boot_ms();
        self.uplink.tell_room(RoomLink::Away {
            since_boot_ms: since.unwrap_or(now),
            code,
        });
    }
}

fn random() -> u32 {
    fengjuan_envelope::random_bytes::<4>().map_or(u32::MAX / 2, u32::from_be_bytes)
}
