//! Enrolment, time, the offer, objects and orders.

use super::center::Center;
use super::file_body;
use super::refusal::{Cbor, Refused, read, signed};
use super::tls::Peer;
use crate::device::{self, Device};
use crate::{CenterError, files, offer, order};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fengjuan_wire::upstream::{EnrolReply, EnrolRequest, Offer, Orders, SignedTime};
use fengjuan_wire::{Hash32, Signed};
use rusqlite::{OptionalExtension, TransactionBehavior, params};
use serde::Deserialize;
use serde_bytes::ByteBuf;
use std::fs::File;
use std::sync::Arc;

type Known = Extension<Arc<Device>>;

/// Most of one object in one answer; a longer range is answered with its beginning.
const LONGEST_RANGE: u64 = 8 * 1024 * 1024;
const LONGEST_NAME: usize = 120;

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
    let name = request.device_name.trim();
    let named =
        !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control);
    if !named || !files::is_name(&request.site) || !(8..=64).contains(&request.machine.len()) {
        return Err(Refused::bad(
            "enrol.bad_request",
            "device name, site or machine",
        ));
    }
    center
        .with_database(move |_, conn| Ok(Cbor(device::enrol(conn, &request, crate::now_ms())?)))
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
        unix_ms: crate::now_ms(),
    };
    Ok(signed(
        time.sign(&center.receipt).map_err(CenterError::from)?,
    ))
}

pub(super) fn hex16(text: &str) -> Option<[u8; 16]> {
    let wide = Hash32::from_hex(&format!("{text:0<64}")).filter(|_| text.len() == 32)?;
    let mut out = [0; 16];
    out.copy_from_slice(&wide.0[..16]);
    Some(out)
}

pub(super) fn hash_of(text: &str) -> Result<Hash32, Refused> {
    Hash32::from_hex(text).ok_or_else(|| Refused::bad("upstream.bad_hash", "64 hex digits"))
}

pub(super) async fn offer(
    State(center): State<Arc<Center>>,
    device: Known,
) -> Result<Cbor<Offer>, Refused> {
    center
        .with_database(move |center, conn| {
            let now_ms = crate::now_ms();
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

fn send(path: &std::path::Path, total: u64, range: Option<&str>) -> Result<Response, Refused> {
    let unreadable = |source| {
        Refused::from(CenterError::Io {
            path: path.to_owned(),
            source,
        })
    };
    let (from, to) = match range {
        None => (0, total),
        Some(range) => match parse_range(range, total) {
            Some(span) => span,
            None => {
                let refused = Refused::new(
                    StatusCode::RANGE_NOT_SATISFIABLE,
                    "object.range",
                    format!("of {total} bytes"),
                );
                return Ok((
                    [(header::CONTENT_RANGE, format!("bytes */{total}"))],
                    refused,
                )
                    .into_response());
            }
        },
    };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.len() != total {
        return Err(CenterError::Damaged("an object that sites fetch").into());
    }
    let length = (header::CONTENT_LENGTH, (to - from).to_string());
    let body = file_body::span(file, from, to);
    let kind = (header::CONTENT_TYPE, "application/octet-stream".to_owned());
    let ranges = (header::ACCEPT_RANGES, "bytes".to_owned());
    Ok(match range {
        None => ([kind, ranges, length], body).into_response(),
        Some(_) => {
            let place = (
                header::CONTENT_RANGE,
                format!("bytes {from}-{}/{total}", to - 1),
            );
            (
                StatusCode::PARTIAL_CONTENT,
                [kind, ranges, length, place],
                body,
            )
                .into_response()
        }
    })
}

/// One range `bytes=a-b` or `bytes=a-` (RFC 9110 §14.1.2) as `from..to`; at most [`LONGEST_RANGE`] of it.
fn parse_range(range: &str, total: u64) -> Option<(u64, u64)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let digits = |text: &str| {
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u64>().ok())?
    };
    let from = digits(from)?;
    let to = if to.is_empty() {
        total
    } else {
        digits(to)?.checked_add(1)?.min(total)
    };
    (from < to && from < total).then(|| (from, to.min(from + LONGEST_RANGE)))
}

pub(super) async fn orders(
    State(center): State<Arc<Center>>,
    device: Known,
) -> Result<Cbor<Orders>, Refused> {
    center
        .with_database(move |_, conn| {
            let orders = order::hand_out(conn, &device, crate::now_ms())?;
            Ok(Cbor(Orders {
                orders: orders.into_iter().map(ByteBuf::from).collect(),
            }))
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(parse_range("bytes=0-0", 10), Some((0, 1)));
        assert_eq!(parse_range("bytes=3-", 10), Some((3, 10)));
        assert_eq!(parse_range("bytes=3-99", 10), Some((3, 10)));
        assert_eq!(
            parse_range("bytes=0-", LONGEST_RANGE + 5),
            Some((0, LONGEST_RANGE))
        );
        for bad in [
            "bytes=10-",
            "bytes=5-4",
            "bytes=-5",
            "bytes=a-b",
            "items=0-1",
            "bytes=0-1,3-4",
            "bytes=+1-2",
            "",
        ] {
            assert_eq!(parse_range(bad, 10), None, "{bad}");
        }
        assert_eq!(parse_range("bytes=18446744073709551615-", 10), None);
        assert_eq!(parse_range("bytes=0-18446744073709551615", 10), None);
    }

    #[test]
    fn nonces() {
        assert_eq!(
            hex16("000102030405060708090a0b0c0d0e0f"),
            Some(std::array::from_fn(|i| i as u8))
        );
        assert_eq!(hex16("00"), None);
        assert_eq!(hex16(&"0".repeat(64)), None);
        assert_eq!(hex16(&"g".repeat(32)), None);
    }
}
