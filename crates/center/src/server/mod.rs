//! The upstream protocol ([`fengjuan_wire::upstream`]) over mutual TLS 1.3.

mod center;
pub(crate) mod entries;
mod handlers;
mod hubs;
mod uploads;

pub use center::{Center, Clock};
pub use fengjuan_serve::{Peer, Running};

use crate::keys::KeyRole;
use crate::{CenterError, Home};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use fengjuan_serve::{Limits, Refused, log_and_limit};
use std::net::TcpListener;
use std::sync::Arc;

const LARGEST_ENROLMENT: usize = 16 * 1024;

/// Serves a home on bound listeners: devices over TLS, and `/healthz` in clear on `health`.
pub async fn serve(
    home: Home,
    listener: TcpListener,
    health: Option<TcpListener>,
) -> Result<Running, CenterError> {
    serve_by(home, listener, health, crate::now_ms).await
}

/// [`serve`] by another clock than this machine's: for rooms whose time a test moves.
pub async fn serve_by(
    home: Home,
    listener: TcpListener,
    health: Option<TcpListener>,
    clock: Clock,
) -> Result<Running, CenterError> {
    let listens = |error| CenterError::Io {
        path: "listener".into(),
        source: error,
    };
    let key = home.keys().signing(KeyRole::Tls)?;
    let config =
        fengjuan_serve::server_config(&key).map_err(|error| CenterError::Tls(error.to_string()))?;
    let center = Arc::new(Center::open_by(home, clock)?);
    let app = router(center.clone());
    let mut running =
        fengjuan_serve::listen(app, listener, config, Limits::default()).map_err(listens)?;
    if let Some(listener) = health {
        let app = Router::new()
            .route("/healthz", get(handlers::health))
            .with_state(center);
        running = running.with_health(app, listener).map_err(listens)?;
    }
    tracing::info!(address = %running.address, health = ?running.health, "serving");
    Ok(running)
}

/// Every call. Each request must carry a [`Peer`], which the TLS acceptor adds.
pub fn router(center: Arc<Center>) -> Router {
    let known = Router::new()
        .route("/v1/directory", get(handlers::directory))
        .route("/v1/time", get(handlers::time))
        .route("/v1/offer", get(handlers::offer))
        .route("/v1/objects/{hash}", get(handlers::object))
        .route("/v1/uploads/{hash}", get(uploads::state).put(uploads::put))
        .route("/v1/entries", post(entries::append))
        .route("/v1/attempts/{id}/entries", get(entries::of_attempt))
        .route("/v1/orders", get(handlers::orders))
        .route("/v1/delegation", get(hubs::delegation))
        .route("/v1/devices", post(hubs::devices))
        .route_layer(middleware::from_fn_with_state(
            center.clone(),
            only_approved,
        ));
    Router::new()
        .route("/healthz", get(handlers::health))
        .route(
            "/v1/enrol",
            // The one call that strangers may make with a body.
            post(handlers::enrol).layer(DefaultBodyLimit::max(LARGEST_ENROLMENT)),
        )
        .merge(known)
        .fallback(|| async { Refused::not_found("upstream.no_such_call") })
        .layer(DefaultBodyLimit::max(
            fengjuan_wire::upstream::LARGEST_BODY_BYTES,
        ))
        .layer(middleware::from_fn(log_and_limit))
        .with_state(center)
}

async fn only_approved(
    State(center): State<Arc<Center>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    match center.approved(peer).await {
        Ok(device) if !center.allows(&device) => Refused::too_many().into_response(),
        Ok(device) => {
            request.extensions_mut().insert(device);
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    }
}
