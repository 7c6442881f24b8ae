//! A hub for tests on a real TLS port: it shows its delegation, and speaks the room channel as it is told to.

use super::{SITE, START_MS, TestCenter};
use crate::identity::DeviceIdentity;
use crate::upstream::{TlsError, self_signed};
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::command::{Command, CommandBody};
use fengjuan_core::room::post::Mark;
use fengjuan_envelope::cbor;
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_wire::Signed;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::DeviceCertificate;
use fengjuan_wire::room::{Epoch, FromHub, FromTerminal, Hello, RoomCommand};
use fengjuan_wire::upstream::{EntriesReply, EntriesRequest};
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use serde_bytes::ByteBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

/// A hub's keys, and what the center signed for them.
pub(crate) struct HubKeys {
    pub device: SigningKey,
    pub kem: KemSecret,
    pub issuer: SigningKey,
    pub witness: SigningKey,
    pub receipt: SigningKey,
}

impl HubKeys {
    pub(crate) fn new() -> HubKeys {
        let key = || SigningKey::generate().unwrap();
        HubKeys {
            device: key(),
            kem: KemSecret::generate().unwrap(),
            issuer: key(),
            witness: key(),
            receipt: key(),
        }
    }

    pub(crate) fn delegation(&self) -> HubDelegation {
        HubDelegation {
            center_id: "jining".to_owned(),
            site: SITE.to_owned(),
            room_no: None,
            hub_name: "H01".to_owned(),
            device: self.device.public(),
            kem: self.kem.public(),
            issuer: self.issuer.public(),
            witness: self.witness.public(),
            receipt: self.receipt.public(),
            issued_ms: START_MS,
            not_after_ms: START_MS + 86_400_000,
        }
    }

    /// As the hub approves a terminal.
    pub(crate) fn certificate(&self, device: &DeviceIdentity) -> Vec<u8> {
        let certificate = DeviceCertificate {
            device_name: "T01".to_owned(),
            site: SITE.to_owned(),
            sign: device.public(),
            kem: device.kem_public(),
            approved_ms: START_MS,
            approved_by: "王".to_owned(),
        };
        certificate.sign(&self.issuer).unwrap()
    }

    pub(crate) fn epoch(&self, epoch: u64) -> Epoch {
        Epoch {
            site: SITE.to_owned(),
            room_no: "R1".to_owned(),
            epoch,
            hub: self.device.public(),
            raised_ms: START_MS,
            raised_by: String::new(),
        }
    }

    pub(crate) fn command(&self, device: &PublicKey, mark: Mark, seat_no: u32) -> RoomCommand {
        let mut command_id = [0; 16];
        command_id[..8].copy_from_slice(&mark.taken.to_be_bytes());
        let command = Command {
            command_id,
            issued_ms: START_MS as ExamMs,
            by: "W1".to_owned(),
            second: None,
            reason: String::new(),
            body: CommandBody::SeatNumber {
                seat_no: Some(seat_no),
            },
        };
        RoomCommand {
            site: SITE.to_owned(),
            device: *device,
            epoch: mark.epoch,
            no: mark.taken,
            command,
        }
    }
}

/// What the hub does, and what it has seen.
#[derive(Default)]
pub(crate) struct HubState {
    /// Shown at `/v1/delegation`; nothing: 404.
    pub delegation: Option<Vec<u8>>,
    /// Shown when a terminal has said hello; nothing: silence.
    pub welcome: Option<Vec<u8>>,
    /// Turns the channel down with this code.
    pub refuses: Option<String>,
    /// Answers no entries.
    pub holds_answers: bool,
    pub hellos: Vec<Hello>,
    pub heard: Vec<FromTerminal>,
    /// Every entry that arrived, and how often.
    pub entries: Vec<Vec<u8>>,
    pub requests: Vec<EntriesRequest>,
    /// Requests that are not answered yet.
    pub in_flight: usize,
    pub most_in_flight: usize,
    /// Answer the next entries with this instead.
    pub reply: Option<EntriesReply>,
    to_terminal: Option<mpsc::UnboundedSender<Message>>,
}

impl HubState {
    /// Numbers of the acknowledged commands, as they came.
    pub(crate) fn acknowledged(&self) -> Vec<u64> {
        let numbers = self.heard.iter().filter_map(|said| match said {
            FromTerminal::Acknowledge { no, .. } => Some(*no),
            _ => None,
        });
        numbers.collect()
    }
}

pub(crate) struct TestHub {
    pub keys: HubKeys,
    pub url: String,
    state: Arc<Mutex<HubState>>,
    /// Something was seen.
    pub seen: Arc<Notify>,
}

impl TestHub {
    /// A delegated hub in its first epoch. Lives as long as the runtime.
    pub(crate) async fn start(center: &TestCenter, keys: HubKeys) -> TestHub {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let state = HubState {
            delegation: Some(keys.delegation().sign(&center.issuer).unwrap()),
            welcome: Some(keys.epoch(1).sign(&keys.issuer).unwrap()),
            ..HubState::default()
        };
        let hub = TestHub {
            url,
            state: Arc::new(Mutex::new(state)),
            seen: Arc::new(Notify::new()),
            keys,
        };
        let acceptor = TlsAcceptor::from(Arc::new(server_config(&hub.keys.device).unwrap()));
        let (state, seen) = (hub.state.clone(), hub.seen.clone());
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, state, seen) = (acceptor.clone(), state.clone(), seen.clone());
                tokio::spawn(async move {
                    if let Ok(tls) = acceptor.accept(tcp).await {
                        serve(tls, state, seen).await;
                    }
                });
            }
        });
        hub
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, HubState> {
        self.state.lock().unwrap()
    }

    /// Waits until the hub has seen what is asked for.
    pub(crate) async fn until(&self, mut seen: impl FnMut(&HubState) -> bool) {
        let waited = tokio::time::timeout(std::time::Duration::from_secs(30), async {
            loop {
                let notified = self.seen.notified();
                if seen(&self.state()) {
                    return;
                }
                notified.await;
            }
        });
        waited.await.expect("the hub has not seen it");
    }

    pub(crate) fn say(&self, message: &FromHub) {
        self.say_raw(Message::Binary(cbor::to_vec(message).unwrap().into()));
    }

    pub(crate) fn say_raw(&self, message: Message) {
        let state = self.state();
        state.to_terminal.as_ref().unwrap().send(message).unwrap();
    }

    pub(crate) fn command(&self, command: &RoomCommand) {
        let signed = command.sign(&self.keys.issuer).unwrap();
        self.say(&FromHub::Command(ByteBuf::from(signed)));
    }

    /// Answers what it has held back.
    pub(crate) fn answer(&self) {
        let reply = {
            let mut state = self.state();
            state.in_flight -= 1;
            EntriesReply::Stored {
                size: state.entries.len() as u64,
                cosigned: None,
            }
        };
        self.say(&FromHub::Entries(reply));
    }

    /// Closes the connection that is open.
    pub(crate) fn hang_up(&self) {
        self.state().to_terminal = None;
    }
}

async fn serve(mut tls: TlsStream<TcpStream>, state: Arc<Mutex<HubState>>, seen: Arc<Notify>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = tls.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    if !head.starts_with("GET /v1/room ") {
        let shown = state.lock().unwrap().delegation.clone();
        let shown = shown.filter(|_| head.starts_with("GET /v1/delegation "));
        let status = if shown.is_some() {
            "200 OK"
        } else {
            "404 Not Found"
        };
        answer(&mut tls, status, &shown.unwrap_or_default()).await;
        return;
    }
    let refused = state.lock().unwrap().refuses.clone();
    if let Some(code) = refused {
        let detail = String::new();
        let refusal = fengjuan_wire::upstream::Refusal { code, detail };
        answer(&mut tls, "403 Forbidden", &cbor::to_vec(&refusal).unwrap()).await;
        return;
    }
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then_some(value)
    });
    let accept = derive_accept_key(key.unwrap().as_bytes());
    let upgrade = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    tls.write_all(upgrade.as_bytes()).await.unwrap();
    let socket = WebSocketStream::from_raw_socket(tls, Role::Server, None).await;
    talk(socket, state, seen).await;
}

async fn answer(tls: &mut TlsStream<TcpStream>, status: &str, body: &[u8]) {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    let _ = tls.write_all(head.as_bytes()).await;
    let _ = tls.write_all(body).await;
    let _ = tls.shutdown().await;
}

async fn talk(
    mut socket: WebSocketStream<TlsStream<TcpStream>>,
    state: Arc<Mutex<HubState>>,
    seen: Arc<Notify>,
) {
    let (say, mut said) = mpsc::unbounded_channel();
    state.lock().unwrap().to_terminal = Some(say);
    loop {
        tokio::select! {
            message = said.recv() => match message {
                Some(message) => {
                    if socket.send(message).await.is_err() {
                        return;
                    }
                }
                None => {
                    let _ = socket.close(None).await;
                    return;
                }
            },
            heard = socket.next() => {
                let Some(Ok(heard)) = heard else { return };
                if let Message::Binary(bytes) = heard {
                    let reply = hear(&mut state.lock().unwrap(), cbor::from_slice(&bytes).unwrap());
                    if let Some(reply) = reply {
                        let bytes = cbor::to_vec(&reply).unwrap();
                        let _ = socket.send(Message::Binary(bytes.into())).await;
                    }
                    seen.notify_waiters();
                }
            }
        }
    }
}

fn hear(state: &mut HubState, said: FromTerminal) -> Option<FromHub> {
    let reply = match &said {
        FromTerminal::Hello(hello) => {
            state.hellos.push(hello.clone());
            state.in_flight = 0;
            let epoch = state.welcome.clone();
            epoch.map(|epoch| FromHub::Welcome {
                epoch,
                delegation: state.delegation.clone().unwrap_or_default(),
            })
        }
        FromTerminal::Entries(request) => {
            state.requests.push(request.clone());
            state.in_flight += 1;
            state.most_in_flight = state.most_in_flight.max(state.in_flight);
            let have = state.entries.len() as u64;
            let given = state.reply.take();
            let reply = given.unwrap_or_else(|| match request.from_seq > have {
                true => EntriesReply::Gap { have },
                false => {
                    let known = (have - request.from_seq) as usize;
                    let new = request.entries.iter().skip(known);
                    state.entries.extend(new.map(|entry| entry.to_vec()));
                    EntriesReply::Stored {
                        size: state.entries.len() as u64,
                        cosigned: None,
                    }
                }
            });
            match state.holds_answers {
                true => None,
                false => {
                    state.in_flight -= 1;
                    Some(FromHub::Entries(reply))
                }
            }
        }
        FromTerminal::Beat(_) | FromTerminal::Acknowledge { .. } | FromTerminal::Picture(_) => None,
    };
    state.heard.push(said);
    reply
}

fn server_config(key: &SigningKey) -> Result<ServerConfig, TlsError> {
    let (certificate, private) = self_signed(key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(Arc::new(AnyCaller { algorithms }))
        .with_single_cert(vec![certificate], private)
        .unwrap();
    Ok(config)
}

#[derive(Debug)]
struct AnyCaller {
    algorithms: rustls::crypto::WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AnyCaller {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.2 is off".to_owned()))
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
