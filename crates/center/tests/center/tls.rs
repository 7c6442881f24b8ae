//! The same server over real TLS, with clients that have a key, none, or the wrong one.

use crate::day::{Day, Device};
use fengjuan_center::server::{Running, serve};
use fengjuan_envelope::cbor;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_wire::upstream::{EnrolReply, Refusal};
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{ring as provider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use x509_parser::prelude::{FromDer, X509Certificate};

pub async fn running(day: &Day) -> Running {
    let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
    serve(day.home.clone(), bind(), Some(bind())).await.unwrap()
}

/// Takes the pinned key and no other.
#[derive(Debug)]
struct Pinned(PublicKey);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (_, parsed) = X509Certificate::from_der(end_entity)
            .map_err(|_| Error::General("certificate".to_owned()))?;
        if parsed.public_key().subject_public_key.data.as_ref() == self.0.as_bytes() {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::General("another key".to_owned()))
        }
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2".to_owned()))
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &provider::default_provider().signature_verification_algorithms,
        )
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

pub fn client(server: PublicKey, key: Option<&SigningKey>) -> reqwest::Client {
    let builder = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned(server)));
    let mut config = match key {
        None => builder.with_no_client_auth(),
        Some(key) => {
            let der = PrivatePkcs8KeyDer::from(key.to_pkcs8_der().to_vec());
            let pair = KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ED25519).unwrap();
            let certificate = CertificateParams::new(vec!["terminal".to_owned()])
                .unwrap()
                .self_signed(&pair)
                .unwrap();
            builder
                .with_client_auth_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(der))
                .unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

fn plain_client() -> reqwest::Client {
    // Only the first test of a process installs it.
    let _ = provider::default_provider().install_default();
    reqwest::Client::new()
}

async fn code(response: reqwest::Response) -> String {
    cbor::from_slice::<Refusal>(&response.bytes().await.unwrap())
        .unwrap()
        .code
}

#[tokio::test]
async fn a_device_enrols_and_works_over_tls() {
    let day = Day::planned();
    let server = running(&day).await;
    let url = format!("https://{}", server.address);
    let terminal = Device::new(1);
    let http = client(day.home.directory().tls_server, Some(&terminal.sign));
    let refused = http.get(format!("{url}/v1/offer")).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert_eq!(code(refused).await, "upstream.unknown_device");
    let reply = http
        .post(format!("{url}/v1/enrol"))
        .body(cbor::to_vec(&terminal.request()).unwrap())
        .send()
        .await
        .unwrap();
    let EnrolReply::Pending { fingerprint } =
        cbor::from_slice(&reply.bytes().await.unwrap()).unwrap()
    else {
        panic!()
    };
    fengjuan_center::device::approve(&day.home, &fingerprint, "周国华", 5).unwrap();
    let offer = http.get(format!("{url}/v1/offer")).send().await.unwrap();
    assert_eq!(
        (offer.status().as_u16(), offer.version()),
        (200, reqwest::Version::HTTP_2)
    );
    // Another key on another connection is still unknown.
    let rogue = client(
        day.home.directory().tls_server,
        Some(&SigningKey::from_seed(&[66; 32])),
    );
    assert_eq!(
        code(rogue.get(format!("{url}/v1/offer")).send().await.unwrap()).await,
        "upstream.unknown_device"
    );
    let health = plain_client()
        .get(format!("http://{}/healthz", server.health.unwrap()))
        .send()
        .await;
    assert_eq!(health.unwrap().status(), 200);
    server.stop().await;
    assert!(
        http.get(format!("{url}/v1/offer")).send().await.is_err(),
        "still served after the stop"
    );
}

#[tokio::test]
async fn no_client_key_no_answer() {
    let day = Day::bare();
    let server = running(&day).await;
    let url = format!("https://{}", server.address);
    let nobody = client(day.home.directory().tls_server, None);
    assert!(nobody.get(format!("{url}/healthz")).send().await.is_err());
    let plain = plain_client()
        .get(format!("http://{}/healthz", server.address))
        .send()
        .await;
    assert!(plain.is_err() || plain.unwrap().status() != 200);
    server.stop().await;
}

#[tokio::test]
async fn another_centers_server_is_not_this_one() {
    let (day, other) = (Day::bare(), Day::bare());
    let server = running(&other).await;
    let http = client(day.home.directory().tls_server, Some(&Device::new(1).sign));
    assert!(
        http.get(format!("https://{}/healthz", server.address))
            .send()
            .await
            .is_err()
    );
    server.stop().await;
}
