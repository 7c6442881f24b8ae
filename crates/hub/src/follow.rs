//! Following the hub that runs the room (备用跟随), and telling the others who runs it.
//!
//! A hub that does not command asks the others again and again what is new: ledgers, sealed objects, terminals, papers
//! and orders ([`fengjuan_wire::follow`]). It keeps all of it as its own witness would, so that it can go on from there
//! when somebody takes over. A hub that commands only says so, and hears whether somebody has taken over from it.

mod answer;
mod take;

pub(crate) use answer::answer;

use crate::center::ToCenter;
use crate::core::Core;
use fengjuan_core::event::Hash32;
use fengjuan_core::room::Device;
use fengjuan_device::sync::Uplink;
use fengjuan_device::upstream::{HttpsUpstream, SiteUpstream, UpstreamError};
use fengjuan_store::StoreError;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::follow::{FollowReply, FollowRequest, HeldLedger, Holds};
use serde_bytes::ByteBuf;
use std::sync::Arc;
use std::time::Duration;

/// A follower asks this often.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// A hub that commands says so this often, and one that is not answered asks again.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// What a follower holds of another hub's objects, by that hub.
const OBJECTS: &str = "followed_objects";

/// Why nothing was followed now.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Room(#[from] crate::room::RoomRefusal),
    #[error(transparent)]
    Device(#[from] crate::devices::DeviceRefusal),
    /// It is not what it says, or says what makes no sense.
    #[error("another hub is not followed: {0}")]
    NotTrusted(&'static str),
    #[error("what another hub sent is refused: {0}")]
    Refused(String),
    #[error("this hub has no delegation in force: {0}")]
    Undelegated(&'static str),
}

impl FollowError {
    pub fn code(&self) -> &str {
        match self {
            FollowError::Upstream(cause) => cause.code(),
            FollowError::Store(cause) => cause.code(),
            FollowError::Room(cause) => cause.code(),
            FollowError::Device(cause) => cause.code(),
            FollowError::NotTrusted(code) | FollowError::Undelegated(code) => code,
            FollowError::Refused(code) => code,
        }
    }
}

/// What asking one of the others came to.
enum Asked {
    /// It is this hub itself, or it commands nothing.
    Nothing,
    Followed {
        more: bool,
    },
}

/// The asking side of one hub.
pub(crate) struct Follower {
    core: Arc<Core>,
    uplink: Uplink<ToCenter>,
    site: SiteUpstream,
    clients: Vec<Option<Arc<HttpsUpstream>>>,
    /// Showed another key than the one that is known.
    doubted: Vec<bool>,
    /// What was offered when it was pulled last, and by whom.
    pulled: Option<(Device, Hash32)>,
}

impl Follower {
    pub(crate) fn new(core: Arc<Core>, uplink: Uplink<ToCenter>, site: SiteUpstream) -> Follower {
        let hubs = site.hubs().len();
        Follower {
            core,
            uplink,
            site,
            clients: vec![None; hubs],
            doubted: vec![false; hubs],
            pulled: None,
        }
    }

    /// Rounds without end; it may be stopped anywhere.
    pub(crate) async fn go_on(mut self) {
        if self.clients.is_empty() {
            return;
        }
        let mut first = 0;
        loop {
            let commanding = self.core.room.raised().is_some();
            let (mut more, mut failed) = (false, true);
            for step in 0..self.clients.len() {
                let at = (first + step) % self.clients.len();
                match self.ask(at).await {
                    Ok(Asked::Followed { more: news }) => {
                        (more, failed, first) = (news, false, at);
                        break;
                    }
                    Ok(Asked::Nothing) => failed = false,
                    Err(error) => {
                        tracing::debug!(code = error.code(), %error, "a hub is not followed now");
                    }
                }
            }
            self.core.room.touch();
            tokio::time::sleep(match (more, commanding || failed) {
                (true, _) => Duration::ZERO,
                (_, true) => TELL_EVERY,
                _ => FOLLOW_EVERY,
            })
            .await;
        }
    }

    async fn ask(&mut self, at: usize) -> Result<Asked, FollowError> {
        let client = self.client(at).await?;
        let hub = client
            .hub()
            .ok_or(FollowError::NotTrusted("hub.no_delegation"))?;
        let device = Hash32(*hub.device.as_bytes());
        if hub.device == self.core.identity.public() {
            return Ok(Asked::Nothing);
        }
        let sent_ms = self.boot_ms();
        let core = self.core.clone();
        let request = blocking(move || request(&core, &device)).await?;
        let follows = request.holds.is_some();
        let reply = match client.follow(&request).await {
            Err(UpstreamError::Pin) => {
                self.clients[at] = None;
                self.doubted[at] = true;
                return Err(UpstreamError::Pin.into());
            }
            other => other?,
        };
        self.known(&client, &hub).await?;
        self.core.peers.answered(&device, self.boot_ms());
        let epoch = self.epoch(&hub, &reply).await?;
        let (Some(epoch), Some(news), true) = (epoch, reply.news, follows) else {
            return Ok(Asked::Nothing);
        };
        if epoch < self.core.room.read(|station| station.standing().heard()) {
            return Err(FollowError::NotTrusted("epoch.lower"));
        }
        let more = self.take(&client, &device, news).await?;
        if !more {
            self.core.peers.whole(&device, sent_ms);
        }
        Ok(Asked::Followed { more })
    }

    async fn client(&mut self, at: usize) -> Result<Arc<HttpsUpstream>, FollowError> {
        let in_time = |client: &Arc<HttpsUpstream>| {
            let now = self.core.recorder.exam_now();
            client.hub().is_some_and(|hub| now < hub.not_after_ms)
        };
        if let Some(client) = self.clients[at].clone().filter(in_time) {
            return Ok(client);
        }
        let client = Arc::new(self.site.hub_at(at, self.doubted[at]).await?);
        self.doubted[at] = false;
        self.clients[at] = Some(client.clone());
        Ok(client)
    }

    /// A hub that has answered is remembered by its delegation.
    async fn known(&self, client: &HttpsUpstream, hub: &HubDelegation) -> Result<(), FollowError> {
        let device = Hash32(*hub.device.as_bytes());
        if self.core.peers.issuer(&device) == Some(hub.issuer) {
            return Ok(());
        }
        let bytes = client.delegation().await?;
        let core = self.core.clone();
        blocking(move || take::hub(&core, &bytes).map(drop)).await
    }

    /// The epoch under which it commands, told to this hub's own room.
    async fn epoch(
        &self,
        hub: &HubDelegation,
        reply: &FollowReply,
    ) -> Result<Option<u64>, FollowError> {
        let device = Hash32(*hub.device.as_bytes());
        let epoch = match &reply.epoch {
            None => None,
            Some(bytes) => {
                let epoch = self.core.peers.epoch_of(hub, bytes);
                Some(epoch.map_err(FollowError::NotTrusted)?.epoch)
            }
        };
        self.core.peers.says(&device, epoch);
        if let Some(epoch) = epoch {
            let core = self.core.clone();
            blocking(move || heard(&core, epoch, device)).await?;
        }
        Ok(epoch)
    }

    fn boot_ms(&self) -> i64 {
        self.core.recorder.machine().boot_ms()
    }
}

/// A hub that commands hears of another one. Whoever follows learns it from the ledger.
fn heard(core: &Core, epoch: u64, device: Device) -> Result<(), FollowError> {
    if core.room.raised().is_some() {
        core.room.hear_epoch(epoch, Some(device))?;
    }
    Ok(())
}

fn request(core: &Core, whom: &Device) -> Result<FollowRequest, FollowError> {
    let own = core.delegation.in_force(core.recorder.exam_now());
    let own = own.map_err(FollowError::Undelegated)?;
    let raised = core.room.raised();
    let epoch = match &raised {
        None => None,
        Some(raised) => {
            let signed = core.signed_epoch(raised);
            Some(ByteBuf::from(
                signed.map_err(|_| FollowError::NotTrusted("hub.epoch_false"))?,
            ))
        }
    };
    let holds = match raised {
        Some(_) => None,
        None => Some(holds(core, whom)?),
    };
    Ok(FollowRequest {
        delegation: ByteBuf::from(own.bytes.clone()),
        epoch,
        holds,
    })
}

fn holds(core: &Core, whom: &Device) -> Result<Holds, StoreError> {
    let roll = core.replica_readers.read(|reader| reader.roll())?;
    let ledgers = roll.into_iter().map(|line| HeldLedger {
        ledger_id: line.ledger_id.to_vec(),
        size: line.size,
        checkpoint: line.cosigned.map_or(0, |(size, _)| size),
    });
    let objects = core
        .own_readers
        .read(|reader| reader.get(OBJECTS, &whom.0))?;
    let objects = objects.and_then(|bytes| bytes.try_into().ok());
    Ok(Holds {
        ledgers: ledgers.collect(),
        objects: objects.map_or(0, u64::from_be_bytes),
        terminals: core.peers.list_of(whom),
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FollowError> + Send + 'static,
) -> Result<T, FollowError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(StoreError::Io {
            detail: error.to_string(),
        }
        .into()),
    }
}
