//! Both sides prove their keys: the server the one that the key directory names, the client any Ed25519 key, which
//! becomes the request's [`Peer`]. Certificates are self-signed wrappings of those keys and prove nothing else.

use crate::pace::{Limits, Slot, Slots};
use axum::Extension;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, ring as provider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::net::TcpStream;
use tower::Layer;
use x509_parser::oid_registry::OID_SIG_ED25519;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The key that the caller has proven to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub PublicKey);

/// Where the caller's connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// TLS could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up: {detail}")]
pub struct TlsError {
    detail: String,
}

impl TlsError {
    pub fn code(&self) -> &'static str {
        "serve.tls"
    }
}

/// TLS 1.3 only (RFC 8446), with `key` as the server's identity and a key of the caller's required.
///
/// # Errors
/// [`TlsError`] where the certificate cannot be made.
pub fn server_config(key: &SigningKey) -> Result<RustlsConfig, TlsError> {
    let pkcs8 = key.to_pkcs8_der();
    let tls = |detail: String| TlsError { detail };
    let der = PrivatePkcs8KeyDer::from(pkcs8.to_vec());
    let pair = KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ED25519)
        .map_err(|error| tls(error.to_string()))?;
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])
        .map_err(|error| tls(error.to_string()))?;
    // Site clocks may be wrong, and the pinned key is what counts.
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2099, 12, 31);
    let certificate = params
        .self_signed(&pair)
        .map_err(|error| tls(error.to_string()))?;
    let suite = Arc::new(provider::default_provider());
    let verifier = Arc::new(AnyEd25519 {
        algorithms: suite.signature_verification_algorithms,
    });
    let mut config = ServerConfig::builder_with_provider(suite)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| tls(error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(der))
        .map_err(|error| tls(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Every connection proves its key afresh.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

/// Takes any certificate that wraps an Ed25519 key; the handshake's signature proves that the caller holds it. Which
/// calls that key may make is decided for each request.
#[derive(Debug)]
struct AnyEd25519 {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AnyEd25519 {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match key_of(end_entity) {
            Some(_) => Ok(ClientCertVerified::assertion()),
            None => Err(Error::InvalidCertificate(CertificateError::BadEncoding)),
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

/// The Ed25519 key in a certificate.
fn key_of(certificate: &CertificateDer<'_>) -> Option<PublicKey> {
    let (rest, parsed) = X509Certificate::from_der(certificate).ok()?;
    let key = parsed.public_key();
    if !rest.is_empty() || key.algorithm.algorithm != OID_SIG_ED25519 {
        return None;
    }
    let bytes: [u8; 32] = key.subject_public_key.data.as_ref().try_into().ok()?;
    Some(PublicKey::from_bytes(bytes))
}

/// Accepts TLS, as many connections as there are places, and hands the caller's key to every request of one.
#[derive(Clone)]
pub struct PeerAcceptor {
    tls: RustlsAcceptor,
    slots: Arc<Slots>,
}

impl PeerAcceptor {
    pub fn new(config: RustlsConfig, limits: Limits) -> PeerAcceptor {
        PeerAcceptor {
            tls: RustlsAcceptor::new(config),
            slots: Slots::of(limits),
        }
    }
}

/// The place is kept as long as the connection's service lives.
type Placed = Extension<Arc<Slot>>;
type Named<S> = <Extension<Peer> as Layer<S>>::Service;
type Located<S> = <Extension<PeerAddress> as Layer<Named<S>>>::Service;
type Accepted<Stream, Service> =
    Pin<Box<dyn Future<Output = io::Result<(Stream, Service)>> + Send>>;

impl<S: Send + 'static> Accept<TcpStream, S> for PeerAcceptor {
    type Stream = <RustlsAcceptor as Accept<TcpStream, S>>::Stream;
    type Service = <Placed as Layer<Located<S>>>::Service;
    type Future = Accepted<Self::Stream, Self::Service>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let address = match stream.peer_addr() {
            Ok(address) => address,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        let Some(place) = self.slots.one_of_all(address.ip().to_canonical()) else {
            tracing::warn!("all connections are taken, of all or of this address");
            return Box::pin(std::future::ready(Err(busy())));
        };
        let slots = self.slots.clone();
        // Small messages go back and forth: none waits for the acknowledgement of the one before it.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection may be slow");
        }
        let accepting = self.tls.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            let address = PeerAddress(address);
            let certificates = stream.get_ref().1.peer_certificates();
            let key = certificates
                .and_then(|chain| chain.first())
                .and_then(key_of);
            let key = key
                .ok_or_else(|| io::Error::new(io::ErrorKind::PermissionDenied, "no client key"))?;
            let Some(slot) = slots.keep(place, &key) else {
                tracing::warn!(device = key.to_hex(), "too many connections of one key");
                return Err(busy());
            };
            let service = Extension(Peer(key)).layer(service);
            let service = Extension(address).layer(service);
            Ok((stream, Extension(Arc::new(slot)).layer(service)))
        })
    }
}

fn busy() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionRefused, "too many connections")
}
