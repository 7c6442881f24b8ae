//! The calls. Whatever reads or writes the disk runs off the async threads.

use super::Caller;
use crate::core::Core;
use crate::follow::answer;
use crate::received::Upload;
use crate::{channel, entries};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use fengjuan_core::room::Device;
use fengjuan_device::view::HeldState;
use fengjuan_serve::parts::Part;
use fengjuan_serve::{Cbor, Peer, PeerAddress, Refused, hash_of, hex16, read, signed};
use fengjuan_wire::Signed;
use fengjuan_wire::follow::{FollowReply, FollowRequest};
use fengjuan_wire::room::LARGEST_FRAME_BYTES;
use fengjuan_wire::upstream::{
    AttemptEntries, EnrolReply, EnrolRequest, EntriesReply, Offer, Offered, OfferedKind, Orders,
    SignedTime, UploadState,
};
use serde::Deserialize;
use std::sync::{Arc, PoisonError};

/// What may wait to be written to one terminal before it counts as stalled.
const LARGEST_BACKLOG: usize = 4 * LARGEST_FRAME_BYTES;

pub(super) async fn enrol(
    State(core): State<Arc<Core>>,
    peer: Option<Extension<Peer>>,
    address: Option<Extension<PeerAddress>>,
    body: Bytes,
) -> Result<Cbor<EnrolReply>, Refused> {
    let request: EnrolRequest = read(&body)?;
    let (Some(peer), Some(address)) = (peer, address) else {
        return Err(Refused::forbidden("enrol.key_not_proven"));
    };
    if peer.0.0 != request.sign {
        return Err(Refused::forbidden("enrol.key_not_proven"));
    }
    let from = address.0.0.ip().to_canonical();
    let before = core.devices.revision();
    let reply = core.devices.enrol(&request, from, core.recorder.exam_now());
    if let EnrolReply::Refused { code } = &reply {
        let alarming = [
            "enrol.key_on_two_machines",
            "enrol.revoked",
            "enrol.turned_away",
            "upstream.other_address",
        ];
        if let Some(code) = alarming.into_iter().find(|known| known == code) {
            core.stranger(&request.sign, code);
        }
    }
    if core.devices.revision() != before {
        core.room.touch();
    }
    Ok(Cbor(reply))
}

pub(super) async fn delegation(State(core): State<Arc<Core>>) -> Result<Response, Refused> {
    match core.delegation.in_force(core.recorder.exam_now()) {
        Ok(held) => Ok(signed(held.bytes.clone())),
        Err(code) => Err(Refused::forbidden(code)),
    }
}

pub(super) async fn directory(State(core): State<Arc<Core>>) -> Response {
    signed(core.kit.directory_bytes.clone())
}

#[derive(Deserialize)]
pub(super) struct TimeQuery {
    nonce: String,
}

pub(super) async fn time(
    State(core): State<Arc<Core>>,
    Query(query): Query<TimeQuery>,
) -> Result<Response, Refused> {
    let nonce =
        hex16(&query.nonce).ok_or_else(|| Refused::bad("time.bad_nonce", "32 hex digits"))?;
    let time = SignedTime {
        nonce: nonce.to_vec(),
        unix_ms: core.recorder.exam_now(),
    };
    let bytes = time.sign(&core.keys.receipt);
    Ok(signed(bytes.map_err(|error| Refused::fault(&error))?))
}

/// Whole sittings as they are held, and this caller's grants.
pub(super) async fn offer(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
) -> Cbor<Offer> {
    let objects = offered(&core, &caller.terminal.device());
    Cbor(Offer { objects })
}

pub(crate) fn offered(core: &Core, whom: &Device) -> Vec<Offered> {
    let mut objects = Vec::new();
    for held in core.papers.held() {
        let whole = |state| state == HeldState::Held;
        if !held.packages.iter().all(|package| whole(package.state)) {
            continue;
        }
        let offered = |kind, hash, bytes| Offered {
            kind,
            hash,
            bytes,
            sitting_no: held.key.sitting_no.clone(),
            version: held.key.version,
        };
        let document = held.document_bytes.len() as u64;
        objects.push(offered(OfferedKind::Sitting, held.document_hash, document));
        for package in &held.packages {
            objects.push(offered(OfferedKind::Package, package.hash, package.bytes));
        }
    }
    objects.extend(core.grants.offered(whom));
    objects
}

pub(super) async fn orders(State(core): State<Arc<Core>>) -> Cbor<Orders> {
    let orders = core.orders.read().unwrap_or_else(PoisonError::into_inner);
    Cbor(Orders {
        orders: orders.clone(),
    })
}

/// Another hub speaks: [`fengjuan_wire::follow`].
pub(super) async fn hubs(
    State(core): State<Arc<Core>>,
    peer: Option<Extension<Peer>>,
    body: Bytes,
) -> Result<Cbor<FollowReply>, Refused> {
    let Some(Extension(Peer(sign))) = peer else {
        return Err(Refused::forbidden("upstream.unknown_device"));
    };
    let request: FollowRequest = read(&body)?;
    core.off_thread(move |core| answer(core, &sign, &request).map(Cbor))
        .await
}

pub(super) async fn upload_state(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    Path(hash): Path<String>,
) -> Result<Cbor<UploadState>, Refused> {
    let hash = hash_of(&hash)?;
    core.off_thread(move |core| {
        let terminal = &caller.terminal;
        let upload = Upload {
            core,
            terminal,
            hash,
        };
        Ok(Cbor(upload.state()?))
    })
    .await
}

pub(super) async fn upload(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    Path(hash): Path<String>,
    Query(part): Query<Part>,
    body: Bytes,
) -> Result<Cbor<UploadState>, Refused> {
    let hash = hash_of(&hash)?;
    part.check(body.len())?;
    core.off_thread(move |core| {
        let terminal = &caller.terminal;
        let upload = Upload {
            core,
            terminal,
            hash,
        };
        Ok(Cbor(upload.put(part, &body)?))
    })
    .await
}

pub(super) async fn entries(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Cbor<EntriesReply>, Refused> {
    let request = read(&body)?;
    let reply = entries::take(&core, &caller.terminal, request).await?;
    Ok(Cbor(reply))
}

pub(super) async fn of_attempt(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Cbor<AttemptEntries>, Refused> {
    core.off_thread(move |core| entries::of_attempt(core, &caller.terminal, &id).map(Cbor))
        .await
}

/// The room channel, where this station runs the room.
pub(super) async fn room(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refused> {
    if let Err(code) = core.delegation.in_force(core.recorder.exam_now()) {
        return Err(Refused::forbidden(code));
    }
    if core.room.raised().is_none() {
        let detail = "another station runs the room, or nobody does yet";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Refused::new(status, "room.not_commanding", detail));
    }
    let upgrade = upgrade
        .max_frame_size(LARGEST_FRAME_BYTES)
        .max_message_size(LARGEST_FRAME_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(LARGEST_BACKLOG);
    Ok(upgrade.on_upgrade(move |socket| channel::run(core, caller.terminal, caller.from, socket)))
}
