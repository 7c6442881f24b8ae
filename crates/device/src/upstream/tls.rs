//! TLS 1.3 with both sides known by their keys: no name, authority or validity period of a certificate says anything,
//! and a site's clock may be wrong.

use fengjuan_envelope::sign::{PublicKey, SigningKey};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::sync::{Arc, OnceLock};

/// The client's TLS could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up: {detail}")]
pub struct TlsError {
    detail: String,
}

impl TlsError {
    pub fn code(&self) -> &'static str {
        "upstream.tls"
    }
    pub(super) fn of(error: impl std::fmt::Display) -> TlsError {
        TlsError {
            detail: error.to_string(),
        }
    }
}

/// TLS 1.3 only (RFC 8446); the server must prove that it holds `server`, this side proves that it holds `device`.
///
/// # Errors
/// [`TlsError`] where the certificate cannot be made.
pub fn client_config(device: &SigningKey, server: &PublicKey) -> Result<ClientConfig, TlsError> {
    config(device, Expected::Key(*server))
}

/// As [`client_config`], for a server whose key nobody has told yet: any key that it proves is accepted and put into
/// `proved`, for the caller to judge before anything of this connection counts.
pub(super) fn any_server_config(
    device: &SigningKey,
    proved: Arc<OnceLock<PublicKey>>,
) -> Result<ClientConfig, TlsError> {
    config(device, Expected::Any(proved))
}

fn config(device: &SigningKey, expected: Expected) -> Result<ClientConfig, TlsError> {
    let (certificate, key) = self_signed(device)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = PinnedServer {
        expected,
        provider: provider.clone(),
    };
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::of)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_auth_cert(vec![certificate], key)
        .map_err(TlsError::of)
}

/// A certificate that carries nothing but the key, valid in every year that a wrong clock may show.
pub(crate) fn self_signed(
    key: &SigningKey,
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), TlsError> {
    let pkcs8 = key.to_pkcs8_der();
    let key = PrivatePkcs8KeyDer::from(pkcs8.to_vec());
    let pair = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&key, &rcgen::PKCS_ED25519)
        .map_err(TlsError::of)?;
    let mut params =
        rcgen::CertificateParams::new(vec!["fengjuan".to_owned()]).map_err(TlsError::of)?;
    params.not_before = rcgen::date_time_ymd(1975, 1, 1);
    params.not_after = rcgen::date_time_ymd(4096, 1, 1);
    let certificate = params.self_signed(&pair).map_err(TlsError::of)?;
    Ok((certificate.der().clone(), PrivateKeyDer::Pkcs8(key)))
}

/// Accepts exactly one server key, or takes down which one it was.
#[derive(Debug)]
struct PinnedServer {
    expected: Expected,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Expected {
    Key(PublicKey),
    Any(Arc<OnceLock<PublicKey>>),
}

impl ServerCertVerifier for PinnedServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = ed25519_key(end_entity).map(PublicKey::from_bytes);
        let accepted = match (&self.expected, shown) {
            (Expected::Key(key), Some(shown)) => *key == shown,
            // One configuration makes one connection: another key in a second handshake is refused.
            (Expected::Any(proved), Some(shown)) => *proved.get_or_init(|| shown) == shown,
            (_, None) => false,
        };
        if accepted {
            Ok(ServerCertVerified::assertion())
        } else {
            let refused = CertificateError::ApplicationVerificationFailure;
            Err(rustls::Error::InvalidCertificate(refused))
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.2 is off".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

/// The Ed25519 key of a certificate (RFC 8410), if it holds one.
fn ed25519_key(certificate: &CertificateDer<'_>) -> Option<[u8; 32]> {
    let (rest, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let spki = parsed.public_key();
    let is_ed25519 = spki.algorithm.algorithm == x509_parser::oid_registry::OID_SIG_ED25519;
    if !rest.is_empty() || !is_ed25519 {
        return None;
    }
    <[u8; 32]>::try_from(spki.subject_public_key.data.as_ref()).ok()
}
