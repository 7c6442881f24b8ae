//! The upstream protocol ([`fengjuan_wire::upstream`]) over mutual TLS 1.3.

mod center;
pub(crate) mod entries;
mod file_body;
mod handlers;
mod pace;
mod refusal;
mod tls;
mod uploads;

pub use center::Center;
pub(crate) use refusal::Refused;
pub use tls::Peer;

use crate::{CenterError, Home};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// A request that takes longer, its body included, is dropped.
const LONGEST_REQUEST: Duration = Duration::from_secs(120);
/// A connection that sends no request for this long is closed.
const LONGEST_SILENCE: Duration = Duration::from_secs(75);
const LARGEST_ENROLMENT: usize = 16 * 1024;
const SHUTDOWN: Duration = Duration::from_secs(10);

/// A running server.
pub struct Running {
    /// Where devices connect.
    pub address: SocketAddr,
    /// Where monitoring asks, if anywhere.
    pub health: Option<SocketAddr>,
    handle: Handle<SocketAddr>,
    tasks: Vec<JoinHandle<std::io::Result<()>>>,
}

impl Running {
    /// Finishes the requests that are being answered, for at most ten seconds, and stops.
    pub async fn stop(self) {
        self.handle.graceful_shutdown(Some(SHUTDOWN));
        self.ended().await;
    }

    /// Waits until the server has ended by itself, which it does on an error of its listener only.
    pub async fn ended(self) {
        for task in self.tasks {
            match task.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "listener failed"),
                Err(error) => tracing::error!(%error, "server task failed"),
            }
        }
    }

    /// Tells the server to stop; [`Running::ended`] then returns.
    pub fn stopper(&self) -> impl Fn() + Send + Sync + 'static {
        let handle = self.handle.clone();
        move || handle.graceful_shutdown(Some(SHUTDOWN))
    }
}

/// Serves a home on bound listeners: devices over TLS, and `/healthz` in clear on `health`.
pub async fn serve(
    home: Home,
    listener: TcpListener,
    health: Option<TcpListener>,
) -> Result<Running, CenterError> {
    let listens = |error| CenterError::Io {
        path: "listener".into(),
        source: error,
    };
    let config = tls::server_config(&home)?;
    let center = Arc::new(Center::open(home)?);
    let address = listener.local_addr().map_err(listens)?;
    listener.set_nonblocking(true).map_err(listens)?;
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)
        .map_err(listens)?
        .acceptor(tls::PeerAcceptor::new(config))
        .handle(handle.clone());
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(LONGEST_SILENCE);
    server
        .http_builder()
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(LONGEST_SILENCE))
        .max_concurrent_streams(32);
    let app = router(center.clone());
    let mut tasks = vec![tokio::spawn(server.serve(app.into_make_service()))];
    let mut health_address = None;
    if let Some(listener) = health {
        health_address = Some(listener.local_addr().map_err(listens)?);
        listener.set_nonblocking(true).map_err(listens)?;
        let app = Router::new()
            .route("/healthz", get(handlers::health))
            .with_state(center);
        let mut server = axum_server::from_tcp(listener)
            .map_err(listens)?
            .handle(handle.clone());
        server
            .http_builder()
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(LONGEST_SILENCE);
        tasks.push(tokio::spawn(server.serve(app.into_make_service())));
    }
    tracing::info!(%address, health = ?health_address, "serving");
    Ok(Running {
        address,
        health: health_address,
        handle,
        tasks,
    })
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

/// One log line a request: no query, no body, no address beyond the path.
async fn log_and_limit(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let device = request
        .extensions()
        .get::<Peer>()
        .map(|peer| peer.0.to_hex()[..16].to_owned());
    let response = match tokio::time::timeout(LONGEST_REQUEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refused::timeout().into_response(),
    };
    let status = response.status().as_u16();
    let ms = began.elapsed().as_millis() as u64;
    tracing::info!(%method, path, status, ms, device, "request");
    response
}
