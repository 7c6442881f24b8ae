//! The upstream protocol for this room's terminals and its other hubs, over mutual TLS 1.3
//! ([`fengjuan_wire::upstream`]).

mod fetch;
mod handlers;

pub(crate) use handlers::offered;

use crate::core::Core;
use crate::devices::Terminal;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use fengjuan_serve::{Limits, Peer, PeerAddress, Refused, log_and_limit};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

const LARGEST_ENROLMENT: usize = 16 * 1024;

/// A room has up to a hundred seats; each terminal has a channel and a call or two.
pub(crate) const LIMITS: Limits = Limits {
    connections: 2_000,
    of_one_key: 8,
    // A whole room behind one address is served, and a quarter is left for everybody else.
    of_one_address: 1_500,
};

/// Who calls, and from where; only for those that may speak.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) terminal: Arc<Terminal>,
    pub(crate) from: IpAddr,
    /// Another hub of this room, and no terminal.
    pub(crate) is_hub: bool,
}

/// Every call. Each request must carry a [`Peer`] and a [`PeerAddress`], which the TLS acceptor adds.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let shared = Router::new()
        .route("/v1/directory", get(handlers::directory))
        .route("/v1/time", get(handlers::time))
        .route("/v1/offer", get(handlers::offer))
        .route("/v1/objects/{hash}", get(fetch::object))
        .route("/v1/orders", get(handlers::orders))
        .route_layer(middleware::from_fn_with_state(core.clone(), also_hubs));
    let known = Router::new()
        .route(
            "/v1/uploads/{hash}",
            get(handlers::upload_state).put(handlers::upload),
        )
        .route("/v1/entries", post(handlers::entries))
        .route("/v1/attempts/{id}/entries", get(handlers::of_attempt))
        .route("/v1/room", get(handlers::room))
        .route_layer(middleware::from_fn_with_state(core.clone(), only_admitted));
    Router::new()
        // Whoever has only heard of an address asks what stands behind it.
        .route("/v1/delegation", get(handlers::delegation))
        .route(
            "/v1/enrol",
            post(handlers::enrol).layer(DefaultBodyLimit::max(LARGEST_ENROLMENT)),
        )
        // Another hub shows its delegation with every call.
        .route("/v1/hubs", post(handlers::hubs))
        .merge(shared)
        .merge(known)
        .fallback(|| async { Refused::not_found("upstream.no_such_call") })
        .layer(DefaultBodyLimit::max(
            fengjuan_wire::upstream::LARGEST_BODY_BYTES,
        ))
        .layer(middleware::from_fn(log_and_limit))
        .with_state(core)
}

/// The caller's key and address, as TLS and the socket have proven them.
fn caller(request: &Request) -> Option<(Peer, IpAddr)> {
    let peer = request.extensions().get::<Peer>()?;
    let address = request.extensions().get::<PeerAddress>()?;
    Some((*peer, address.0.ip().to_canonical()))
}

/// A terminal, or another hub of this room, which may fetch what a terminal may and every sealed object.
async fn also_hubs(State(core): State<Arc<Core>>, mut request: Request, next: Next) -> Response {
    let hub = caller(&request).and_then(|(Peer(sign), from)| {
        let terminal = core.peers.judge(&sign, core.recorder.exam_now())?;
        let is_hub = true;
        Some(Caller {
            terminal,
            from,
            is_hub,
        })
    });
    let Some(hub) = hub else {
        return only_admitted(State(core), request, next).await;
    };
    if !core.rates.allows(&hub.terminal.sign, Instant::now()) {
        return Refused::too_many().into_response();
    }
    request.extensions_mut().insert(hub);
    next.run(request).await
}

async fn only_admitted(
    State(core): State<Arc<Core>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some((Peer(sign), from)) = caller(&request) else {
        return Refused::forbidden("upstream.unknown_device").into_response();
    };
    match core.admitted(&sign, from) {
        Ok(_) if !core.rates.allows(&sign, Instant::now()) => Refused::too_many().into_response(),
        Ok(terminal) => {
            let is_hub = false;
            request.extensions_mut().insert(Caller {
                terminal,
                from,
                is_hub,
            });
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    }
}
