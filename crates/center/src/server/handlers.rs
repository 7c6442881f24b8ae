//! Enrolment, time, the offer, objects and orders.

use super::center::Center;
use crate::device::{self, Device};
use crate::{CenterError, offer, order};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fengjuan_serve::{Cbor, Peer, Refused, hash_of, hex16, read, send, signed};
use fengjuan_wire::Signed;
use fengjuan_wire::upstream::{EnrolReply, EnrolRequest, Offer, Orders, SignedTime};
use rusqlite::{OptionalExtension, TransactionBehavior, params};
use serde::Deserialize;
use serde_bytes::ByteBuf;
use std::sync::Arc;

type Known = Extension<Arc<Device>>;

pub(super) async fn health(State(center): State<Arc<Center>>) -> Response {
    let database = center
        .with_database(|_, conn| Ok(conn.query_row("SELECT 1", [], |row| row.get::<_, u32>(0))?))
        .await;
    match database {
        Ok(_) => (
            StatusCode::OK,
            [(header::CONTENT_TYPE, "application/json")],
            "{\"status\":\"ok\"}",
        )
            .into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "{\"status\":\"database\"}").into_response(),
    }
}

pub(super) async fn enrol(
    State(center): State<Arc<Center>>,
    peer: Option<Extension<Peer>>,
    body: Bytes,
) -> Result<Cbor<EnrolReply>, Refused> {
    let request: EnrolRequest = read(&body)?;
    if peer.is_none_or(|peer| peer.0.0 != request.sign) {
        return Err(Refused::forbidden("enrol.key_not_proven"));
    }
    if !device::may_ask(&request) {
        return Err(Refused::bad(
            "enrol.bad_request",
            "device name, site or machine",
        ));
    }
    center
        .with_database(move |center, conn| {
            Ok(Cbor(device::enrol(conn, &request, center.now_ms())?))
        })
        .await
}

pub(super) async fn directory(State(center): State<Arc<Center>>) -> Result<Response, Refused> {
    center
        .off_thread(|center| Ok(signed(center.home.directory_bytes()?)))
        .await
}

#[derive(Deserialize)]
pub(super) struct TimeQuery {
    nonce: String,
}

pub(super) async fn time(
    State(center): State<Arc<Center>>,
    Query(query): Query<TimeQuery>,
) -> Result<Response, Refused> {
    let nonce =
        hex16(&query.nonce).ok_or_else(|| Refused::bad("time.bad_nonce", "32 hex digits"))?;
    let time = SignedTime {
        nonce: nonce.to_vec(),
        unix_ms: center.now_ms(),
    };
    Ok(signed(
        time.sign(&center.receipt).map_err(CenterError::from)?,
    ))
}

pub(super) async fn offer(
    State(center): State<Arc<Center>>,
    device: Known,
) -> Result<Cbor<Offer>, Refused> {
    center
        .with_database(move |center, conn| {
            let now_ms = center.now_ms();
            let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let made = offer::grant_missing(&center.home, &change, &device, now_ms)?;
            if made > 0 {
                tracing::info!(made, "grants made for a device that asked");
            }
            let objects = offer::offered(&change, &device, now_ms)?;
            change.commit()?;
            Ok(Cbor(Offer { objects }))
        })
        .await
}

pub(super) async fn object(
    State(center): State<Arc<Center>>,
    device: Known,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let hash = hash_of(&hash)?;
    let range = headers
        .get(header::RANGE)
        .map(|value| value.to_str().unwrap_or("").to_owned());
    let work = center.clone();
    let (path, total) = center
        .with_database(move |center, conn| {
            // Any version that the site was ever given may be fetched; a grant only by its device.
            let sql = "SELECT bytes FROM objects WHERE hash = ?1 AND site = ?2 AND (device IS NULL OR device = ?3)";
            let found: Option<i64> = conn
                .query_row(sql, params![hash.0, device.site, device.sign.as_bytes()], |row| row.get(0))
                .optional()?;
            let total = found.ok_or_else(|| Refused::not_found("object.unknown"))?;
            Ok((center.home.object(&hash), total as u64))
        })
        .await?;
    work.off_thread(move |_| send(&path, total, range.as_deref()))
        .await
}

pub(super) async fn orders(
    State(center): State<Arc<Center>>,
    device: Known,
) -> Result<Cbor<Orders>, Refused> {
    center
        .with_database(move |center, conn| {
            let orders = order::hand_out(conn, &device, center.now_ms())?;
            Ok(Cbor(Orders {
                orders: orders.into_iter().map(ByteBuf::from).collect(),
            }))
        })
        .await
}
