//! One WebSocket (RFC 6455) inside the upstream's pinned TLS. Every wait for it is bounded.

use super::ChannelError;
use crate::upstream::{HttpsUpstream, UpstreamError};
use fengjuan_envelope::cbor;
use fengjuan_wire::room::{FromHub, FromTerminal, LARGEST_FRAME_BYTES};
use futures_util::{SinkExt, StreamExt};
use reqwest::Url;
use rustls::pki_types::ServerName;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

const CONNECT: Duration = Duration::from_secs(5);
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A hub that takes no byte for so long is as good as away.
const WRITE: Duration = Duration::from_secs(15);

pub(super) struct Socket {
    stream: WebSocketStream<TlsStream<TcpStream>>,
}

/// What came.
pub(super) enum Heard {
    Message(Box<FromHub>),
    /// The hub is there.
    Alive,
}

impl Socket {
    pub(super) async fn connect(client: &HttpsUpstream) -> Result<Socket, ChannelError> {
        let url = Url::parse(&client.url()).map_err(ChannelError::malformed)?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = url.port_or_known_default().unwrap_or(443);
        let late = |_| ChannelError::Upstream(UpstreamError::Timeout);
        let io = |error: std::io::Error| ChannelError::Upstream(UpstreamError::of_io(&error));
        let tcp = timeout(CONNECT, TcpStream::connect((host, port)));
        let tcp = tcp.await.map_err(late)?.map_err(io)?;
        // Answers are small, and each is waited for.
        tcp.set_nodelay(true).map_err(io)?;
        let name = ServerName::try_from("fengjuan").map_err(ChannelError::malformed)?;
        let tls = TlsConnector::from(client.tls()).connect(name, tcp);
        let tls = timeout(HANDSHAKE, tls).await.map_err(late)?.map_err(io)?;
        let path = format!(
            "wss://{}:{port}/v1/room",
            url.host_str().unwrap_or_default()
        );
        let limits = WebSocketConfig::default()
            .max_message_size(Some(LARGEST_FRAME_BYTES))
            .max_frame_size(Some(LARGEST_FRAME_BYTES));
        let upgrade = client_async_with_config(path, tls, Some(limits));
        let (stream, _) = timeout(HANDSHAKE, upgrade).await.map_err(late)??;
        Ok(Socket { stream })
    }

    /// # Errors
    /// [`ChannelError::TooLarge`] with nothing sent; [`ChannelError::Silent`] where it does not go out.
    pub(super) async fn send(&mut self, message: &FromTerminal) -> Result<(), ChannelError> {
        let bytes = cbor::to_vec(message).map_err(ChannelError::malformed)?;
        if bytes.len() > LARGEST_FRAME_BYTES {
            return Err(ChannelError::TooLarge);
        }
        self.put(Message::Binary(bytes.into())).await
    }

    /// Asks for a sign of life.
    pub(super) async fn ping(&mut self) -> Result<(), ChannelError> {
        self.put(Message::Ping(Bytes::new())).await
    }

    async fn put(&mut self, message: Message) -> Result<(), ChannelError> {
        let sent = timeout(WRITE, self.stream.send(message)).await;
        Ok(sent.map_err(|_| ChannelError::Silent)??)
    }

    /// May be dropped while it waits; nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Heard, ChannelError> {
        match self.stream.next().await {
            None | Some(Ok(Message::Close(_))) => Err(ChannelError::Closed),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(Message::Binary(bytes))) => {
                let message = cbor::from_slice(&bytes).map_err(ChannelError::malformed)?;
                Ok(Heard::Message(Box::new(message)))
            }
            Some(Ok(Message::Text(_))) => Err(ChannelError::malformed("a frame of text")),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(Heard::Alive),
        }
    }
}
