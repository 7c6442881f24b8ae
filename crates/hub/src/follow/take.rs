//! The asking side: what another hub sent becomes durable here, and is told to the room.

use super::{FollowError, Follower, OBJECTS, blocking};
use crate::core::Core;
use crate::{entries, received};
use fengjuan_core::event::Hash32;
use fengjuan_core::room::Device;
use fengjuan_device::upstream::{HttpsUpstream, Upstream};
use fengjuan_store::{AppendRequest, LedgerIdentity, Projection};
use fengjuan_wire::follow::{FollowedTerminal, LedgerNews, News, ObjectNews};
use fengjuan_wire::upstream::{EntriesRequest, LARGEST_OBJECT_BYTES};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So long one round fetches objects, before the ledgers are looked at again.
const FETCHING: Duration = Duration::from_millis(500);

/// Another hub shows itself. Blocks on the disk.
pub(super) fn hub(core: &Core, bytes: &[u8]) -> Result<Device, FollowError> {
    let now = core.recorder.exam_now();
    let own = core.delegation.in_force(now);
    let own = own.map_err(FollowError::Undelegated)?;
    let theirs = core.peers.trusted(&own.delegation, bytes, now);
    let theirs = theirs.map_err(FollowError::NotTrusted)?;
    let device = Hash32(*theirs.device.as_bytes());
    core.peers.keep(theirs, bytes, core.recorder.writer())?;
    if device != core.room.me() {
        core.room.know_hub(device);
    }
    Ok(device)
}

impl Follower {
    /// Takes over what is new at the hub that runs the room. True where there is more already.
    pub(super) async fn take(
        &mut self,
        client: &Arc<HttpsUpstream>,
        whom: &Device,
        news: News,
    ) -> Result<bool, FollowError> {
        let (core, whose) = (self.core.clone(), *whom);
        let (hubs, list) = (news.hubs, news.terminals);
        blocking(move || {
            for bytes in &hubs {
                hub(&core, bytes)?;
            }
            list.map_or(Ok(()), |list| terminals(&core, &whose, list))
        })
        .await?;
        for ledger in news.ledgers {
            self.ledger(ledger).await?;
        }
        let unfetched = self.objects(client, whom, news.objects).await?;
        if self.pulled != Some((*whom, news.offer)) && self.papers(client).await {
            self.pulled = Some((*whom, news.offer));
        }
        Ok(news.more || unfetched)
    }

    async fn ledger(&self, news: LedgerNews) -> Result<(), FollowError> {
        let core = &self.core;
        let (device, sign) = (Hash32(*news.device.as_bytes()), news.device);
        let is_hub = core.peers.devices().contains(&device);
        if !is_hub && core.devices.get(&device).is_none() {
            tracing::warn!(device = device.hex(), "a ledger of an unknown device");
            return Ok(());
        }
        let request = EntriesRequest {
            ledger_id: news.ledger_id,
            from_seq: news.from_seq,
            entries: news.entries,
            checkpoint: news.checkpoint,
            device: Some(sign),
        };
        let refused =
            |refused: fengjuan_serve::Refused| FollowError::Refused(refused.code().to_owned());
        let ledger = fengjuan_serve::entries::ledger_id(&request).map_err(refused)?;
        let incoming = fengjuan_serve::entries::incoming(&ledger, &request).map_err(refused)?;
        let append = AppendRequest {
            ledger_id: ledger,
            identity: LedgerIdentity {
                device: news.device_name,
                device_key: device.0,
                origin: core.kit.directory.ledger_origin(&ledger),
            },
            from_seq: request.from_seq,
            entries: incoming,
            checkpoint: request.checkpoint,
            now_ms: core.recorder.exam_now(),
        };
        let taken = core.replicas.append_async(append).await?;
        if is_hub {
            let core = core.clone();
            let followed = move || Ok(core.room.followed(&ledger)?);
            return blocking(followed).await;
        }
        let (from, entries) = (request.from_seq, request.entries);
        let told = entries::told(core, device, &ledger, from, entries, &taken);
        told.await.map_err(refused)
    }

    /// True where some are left for the next round.
    async fn objects(
        &self,
        client: &Arc<HttpsUpstream>,
        whom: &Device,
        objects: Vec<ObjectNews>,
    ) -> Result<bool, FollowError> {
        let until = Instant::now() + FETCHING;
        for news in objects {
            if Instant::now() >= until {
                return Ok(true);
            }
            let bytes = match news.bytes {
                0..=LARGEST_OBJECT_BYTES => fetched(client, &news).await?,
                _ => Vec::new(),
            };
            let (core, whom) = (self.core.clone(), *whom);
            let keep = move || {
                let place = news.position.to_be_bytes();
                let also = vec![Projection::put(OBJECTS, whom.0, place)];
                let device = Hash32(*news.device.as_bytes());
                let copied = received::copy(&core, news.object, device, &bytes, also);
                copied.map_err(|refused| FollowError::Refused(refused.code().to_owned()))
            };
            blocking(keep).await?;
        }
        Ok(false)
    }

    /// Papers, grants and orders, as a terminal pulls them. True where all of it is here.
    async fn papers(&self, client: &Arc<HttpsUpstream>) -> bool {
        let pulled = self.core.papers.pull(client.as_ref(), &|_| {}).await;
        let orders = match client.orders().await {
            Ok(orders) => orders.orders,
            Err(error) => {
                tracing::debug!(code = error.code(), "orders are not followed now");
                return false;
            }
        };
        let uplink = self.uplink.clone();
        let taken = blocking(move || {
            for order in &orders {
                if let Err(error) = uplink.take_order(order) {
                    tracing::warn!(code = error.code(), %error, "a followed order is not taken");
                }
            }
            Ok(())
        });
        taken.await.is_ok() && pulled.is_ok()
    }
}

async fn fetched(client: &HttpsUpstream, news: &ObjectNews) -> Result<Vec<u8>, FollowError> {
    let mut bytes = Vec::new();
    let mut sink = |part: &[u8]| {
        bytes.extend_from_slice(part);
        Ok(())
    };
    client
        .fetch_range(&news.object, 0, news.bytes, &mut sink)
        .await?;
    Ok(bytes)
}

fn terminals(core: &Core, whom: &Device, list: Vec<FollowedTerminal>) -> Result<(), FollowError> {
    let hash = super::answer::list_hash(&list);
    let issuer = core.peers.issuer(whom);
    let issuer = issuer.ok_or(FollowError::NotTrusted("hub.no_delegation"))?;
    if core.room.raised().is_some() {
        return Ok(());
    }
    for device in core.devices.follow(list, &issuer, &core.recorder)? {
        core.room.lines().close(&device);
    }
    core.peers.list_taken(whom, hash);
    core.room.touch();
    Ok(())
}
