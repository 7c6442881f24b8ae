//! Listening: TLS for devices, clear text for monitoring, bounded in connections, time and silence, and a stop that lets
//! what is being answered end.

use crate::pace::Limits;
use crate::refusal::Refused;
use crate::tls::{Peer, PeerAcceptor};
use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// A request that takes longer, its body included, is dropped.
const LONGEST_REQUEST: Duration = Duration::from_secs(120);
/// A connection that sends no request for this long is closed.
const LONGEST_SILENCE: Duration = Duration::from_secs(75);
const SHUTDOWN: Duration = Duration::from_secs(10);

/// A running server.
pub struct Running {
    /// Where devices connect.
    pub address: SocketAddr,
    /// Where monitoring asks, if anywhere.
    pub health: Option<SocketAddr>,
    handle: Handle<SocketAddr>,
    tasks: Vec<JoinHandle<io::Result<()>>>,
}

/// Serves `app` to devices on a bound listener; each request carries the [`Peer`] that TLS has proven.
///
/// # Errors
/// What the listener cannot do.
pub fn listen(
    app: Router,
    listener: TcpListener,
    tls: RustlsConfig,
    limits: Limits,
) -> io::Result<Running> {
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?
        .acceptor(PeerAcceptor::new(tls, limits))
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
    let tasks = vec![tokio::spawn(server.serve(app.into_make_service()))];
    Ok(Running {
        address,
        health: None,
        handle,
        tasks,
    })
}

impl Running {
    /// Serves `app` in clear on another listener, which stops with this server.
    ///
    /// # Errors
    /// What the listener cannot do; the whole server is then told to stop.
    pub fn with_health(mut self, app: Router, listener: TcpListener) -> io::Result<Running> {
        match self.also(app, listener) {
            Ok(address) => self.health = Some(address),
            Err(error) => {
                self.handle.shutdown();
                return Err(error);
            }
        }
        Ok(self)
    }

    fn also(&mut self, app: Router, listener: TcpListener) -> io::Result<SocketAddr> {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let mut server = axum_server::from_tcp(listener)?.handle(self.handle.clone());
        server
            .http_builder()
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(LONGEST_SILENCE);
        self.tasks
            .push(tokio::spawn(server.serve(app.into_make_service())));
        Ok(address)
    }

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

/// A layer for every call: one log line a request, with no query, no body and no address beyond the path, and an end to
/// each. A connection that becomes a WebSocket is answered at once and then lasts as long as it likes.
pub async fn log_and_limit(request: Request, next: Next) -> Response {
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
