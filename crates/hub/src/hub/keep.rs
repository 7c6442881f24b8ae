//! What a running hub does by itself: the clerk records what is due every second and whenever something was learned,
//! and terminals are told when there is something new for them.

use super::Serving;
use crate::center::ToCenter;
use crate::core::Core;
use crate::room::{Outgoing, Room, RoomRefusal};
use fengjuan_device::discovery::{Announcement, Announcer, DiscoveryError, Reach};
use fengjuan_device::papers::{HeldPapers, Papers};
use fengjuan_device::sync::{ReceivedOrder, SyncState, Uplink, held_order_bytes};
use fengjuan_device::view::{LinkState, PullState};
use fengjuan_store::StoreError;
use serde_bytes::ByteBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

const TICK: Duration = Duration::from_secs(1);
/// What is learned together is recorded together.
const TOGETHER: Duration = Duration::from_millis(20);
const PULL_AGAIN: Duration = Duration::from_secs(30);
const ANNOUNCE_AGAIN: Duration = Duration::from_secs(5);

/// Records what is due, until the hub stops.
pub(super) async fn clerk(core: Arc<Core>) {
    let mut known = (0, 0);
    let mut next_tick = Instant::now();
    loop {
        let ticks = tokio::select! {
            () = tokio::time::sleep_until(next_tick) => {
                next_tick = Instant::now() + TICK;
                true
            }
            () = core.room.until_soon() => {
                tokio::time::sleep(TOGETHER).await;
                false
            }
        };
        let work = core.clone();
        let done = tokio::task::spawn_blocking(move || settle(&work, ticks, known)).await;
        match done {
            Ok(now_known) => known = now_known,
            Err(error) => tracing::error!(%error, "the clerk was cut off"),
        }
    }
}

/// Papers and devices by their revision; grants follow them.
fn settle(core: &Core, ticks: bool, known: (u64, u64)) -> (u64, u64) {
    if ticks {
        let written = core.recorder.observe().written;
        note(core, written.and_then(|()| core.recorder.tick()));
        core.unlocks.forget_over();
        core.pictures
            .keep(|sitting_no| shows_pictures(core, sitting_no));
    }
    let settled = if ticks {
        core.room.tick()
    } else {
        core.room.settle()
    };
    match settled {
        Err(RoomRefusal::Store(error)) => note(core, Err(error)),
        Err(error) => tracing::error!(code = error.code(), %error, "what is due was not recorded"),
        Ok(()) => note(core, Ok(())),
    }
    let devices = core.devices.revision() + core.peers.revision();
    let now = (core.papers.revision(), devices);
    if now != known {
        refresh(core);
    }
    now
}

/// Whether pictures of a sitting are for the page: it is held, and goes on.
pub(crate) fn shows_pictures(core: &Core, sitting_no: &str) -> bool {
    let track = core.room.read(|station| station.track(sitting_no));
    track.held.is_some() && !track.ended
}

fn note(core: &Core, written: Result<(), StoreError>) {
    match written {
        Ok(()) => core.trouble("store.refused", false),
        Err(error) => {
            tracing::error!(code = error.code(), %error, "the hub's own store refused");
            core.storage(&error);
            core.trouble("store.refused", true);
        }
    }
}

/// Brings the station, the grants and the orders up to date with what is held. Blocks on the disk.
pub(super) fn refresh(core: &Core) {
    for held in core.papers.held() {
        if !held.superseded {
            core.room
                .hold(&held.document.sitting, candidates(&core.papers, &held));
        }
    }
    let mut devices = core.devices.approved();
    devices.extend(core.peers.as_terminals());
    let (papers, writer) = (&core.papers, core.recorder.writer());
    let made = core
        .grants
        .make_missing(papers, &devices, &core.identity, writer);
    match made {
        Ok(0) => {}
        Ok(made) => tracing::info!(made, "grants were made for terminals"),
        Err(error) => tracing::error!(code = error.code(), %error, "grants were not made"),
    }
    match core.own_readers.read(held_order_bytes) {
        Ok(orders) => {
            let orders = orders.into_iter().map(ByteBuf::from).collect();
            *core.orders.write().unwrap_or_else(PoisonError::into_inner) = orders;
        }
        Err(error) => tracing::error!(code = error.code(), "the orders cannot be read"),
    }
    core.look();
}

/// How many people are on the roster; 0 before the grant is here.
fn candidates(papers: &Papers, held: &HeldPapers) -> u32 {
    let classes = papers.roster(held).unwrap_or_default();
    let count: usize = classes.iter().map(|(_, people)| people.len()).sum();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Orders of the center as they arrive.
pub(super) async fn orders(core: Arc<Core>, mut arriving: mpsc::UnboundedReceiver<ReceivedOrder>) {
    while let Some(order) = arriving.recv().await {
        tracing::info!(
            order = order.order.order_no,
            "an order of the center is here"
        );
        let work = core.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || refresh(&work)).await {
            tracing::error!(%error, "orders were not taken over");
        }
        core.room.touch();
    }
}

/// Tells terminals whose objects have got the center's receipt.
pub(super) async fn receipts(core: Arc<Core>, mut sync: watch::Receiver<SyncState>) {
    while sync.changed().await.is_ok() {
        tokio::time::sleep(TICK).await;
        let work = core.clone();
        let receipted = move || {
            work.own_readers
                .read(|reader| work.received.receipted(reader))
        };
        match tokio::task::spawn_blocking(receipted).await {
            Ok(Ok(devices)) => {
                for device in &devices {
                    core.room.lines().send(device, Outgoing::Look);
                }
                core.room.touch();
            }
            Ok(Err(error)) => tracing::error!(code = error.code(), "receipts cannot be read"),
            Err(error) => tracing::error!(%error, "receipts were not looked at"),
        }
    }
}

/// Pulls once in a run, as soon as the center is on the line.
pub(super) async fn first_pull(
    core: Arc<Core>,
    uplink: Uplink<ToCenter>,
    state: watch::Sender<PullState>,
) {
    let mut sync = uplink.state();
    loop {
        let online = |state: &SyncState| state.link == LinkState::Online;
        if sync.wait_for(online).await.is_err() {
            return;
        }
        if pull(&core.papers, &uplink, &state, &core.room).await {
            return;
        }
        tokio::time::sleep(PULL_AGAIN).await;
    }
}

/// True where nothing was refused. The clerk sees what is new.
pub(super) async fn pull(
    papers: &Papers,
    uplink: &Uplink<ToCenter>,
    state: &watch::Sender<PullState>,
    room: &Room,
) -> bool {
    let progress = |now| {
        state.send_replace(now);
        room.touch();
    };
    papers.pull(uplink.upstream(), &progress).await.is_ok()
}

/// Says on the local network where this hub is, as soon as it serves and may speak for the center, until it ends.
pub(super) async fn announce(core: Arc<Core>, serving: Arc<Mutex<Serving>>) {
    let Some(reach) = Reach::of(&core.kit) else {
        return;
    };
    let mut announcer: Option<(Announcement, Announcer)> = None;
    loop {
        let address = serving
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .address;
        let address = address.filter(|address| !address.ip().is_loopback());
        let wanted = address
            .zip(core.delegation.held())
            .map(|(serves, held)| Announcement {
                site: core.kit.site.clone(),
                hub_name: held.delegation.hub_name.clone(),
                fingerprint: core.identity.fingerprint(),
                serves,
            });
        if announcer.as_ref().map(|(said, _)| said) != wanted.as_ref() {
            announcer = wanted.and_then(|wanted| {
                let started = Announcer::start(&wanted, reach);
                let failed = |error: &DiscoveryError| {
                    tracing::warn!(code = error.code(), %error, "terminals do not find this hub by themselves");
                };
                Some((wanted, started.inspect_err(failed).ok()?))
            });
        }
        tokio::time::sleep(ANNOUNCE_AGAIN).await;
    }
}
