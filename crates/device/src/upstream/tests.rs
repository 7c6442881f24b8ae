//! The client against a real TLS server in a thread, which answers as it is told.

use super::client::Patience;
use super::*;
use crate::identity::DeviceIdentity;
use crate::machine::simulated::SimulatedMachine;
use crate::test_center::{START_MS, TestCenter};
use fengjuan_envelope::sign::SigningKey;
use fengjuan_wire::Signed;
use fengjuan_wire::upstream::{Refusal, SignedTime};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, ServerConfig, ServerConnection, SignatureScheme,
};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Gives the whole raw answer to a request's first line.
type Answer = dyn Fn(&str) -> Vec<u8> + Send + Sync;

struct Server {
    url: String,
    /// The certificates that callers proved.
    callers: Arc<Mutex<Vec<Vec<u8>>>>,
}

#[derive(Clone, Copy)]
struct Manner {
    version: &'static rustls::SupportedProtocolVersion,
    accepts_device: bool,
    /// Says nothing after the handshake.
    silent: bool,
}

const USUAL: Manner = Manner {
    version: &rustls::version::TLS13,
    accepts_device: true,
    silent: false,
};

#[derive(Debug)]
struct AnyCaller {
    accepts: bool,
    callers: Arc<Mutex<Vec<Vec<u8>>>>,
    algorithms: rustls::crypto::WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AnyCaller {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if !self.accepts {
            return Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::ApplicationVerificationFailure,
            ));
        }
        self.callers.lock().unwrap().push(end_entity.to_vec());
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
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

fn serve(key: &SigningKey, manner: Manner, answer: Arc<Answer>) -> Server {
    let (certificate, private) = tls::self_signed(key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let callers = Arc::new(Mutex::new(Vec::new()));
    let verifier = AnyCaller {
        accepts: manner.accepts_device,
        callers: callers.clone(),
        algorithms: provider.signature_verification_algorithms,
    };
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[manner.version])
        .unwrap()
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(vec![certificate], private)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for tcp in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, tcp.unwrap());
            let Some(head) = read_head(&mut stream) else {
                continue;
            };
            if manner.silent {
                kept.push(stream);
                continue;
            }
            let line = head.lines().next().unwrap_or_default().to_owned();
            stream.write_all(&answer(&line)).unwrap();
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    Server { url, callers }
}

fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

fn reply(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut out = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n"
    )
    .into_bytes();
    out.extend_from_slice(body);
    out
}

struct Caller {
    identity: DeviceIdentity,
    client: HttpsUpstream,
    _dir: tempfile::TempDir,
}

fn caller(center: &TestCenter, url: &str, silence_ms: u64) -> Caller {
    let dir = tempfile::tempdir().unwrap();
    let identity = DeviceIdentity::open(dir.path()).unwrap();
    let machine = Arc::new(SimulatedMachine::new(START_MS));
    let long = Duration::from_secs(20);
    let silence = Duration::from_millis(silence_ms);
    let patience = Patience {
        connect: long,
        silence,
        short_call: long,
        long_call: long,
    };
    let client = HttpsUpstream::with_patience(
        Authority::center(&center.kit(url)),
        &identity,
        machine,
        patience,
    )
    .unwrap();
    Caller {
        identity,
        client,
        _dir: dir,
    }
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn nonce_of(line: &str) -> Vec<u8> {
    let hex = line
        .split("nonce=")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A server with the center's TLS key that signs time with this key.
fn time_server(
    center: &TestCenter,
    manner: Manner,
    receipt: SigningKey,
    nonce: Option<Vec<u8>>,
) -> Server {
    let answer = move |line: &str| {
        let nonce = nonce.clone().unwrap_or_else(|| nonce_of(line));
        let time = SignedTime {
            nonce,
            unix_ms: START_MS,
        };
        reply("200 OK", "", &time.sign(&receipt).unwrap())
    };
    serve(&center.tls, manner, Arc::new(answer))
}

fn copy(key: &SigningKey) -> SigningKey {
    SigningKey::from_seed(&key.seed())
}

#[test]
fn both_sides_prove_their_keys_and_the_time_is_signed_for_this_question() {
    let center = TestCenter::new();
    let server = time_server(&center, USUAL, copy(&center.receipt), None);
    let caller = caller(&center, &server.url, 20_000);
    assert_eq!(
        block(caller.client.signed_time()).unwrap().unix_ms,
        START_MS
    );
    let proved = server.callers.lock().unwrap()[0].clone();
    let key = caller.identity.public();
    assert!(
        proved.windows(32).any(|window| window == key.as_bytes()),
        "the device's own key"
    );
}

#[test]
fn a_server_with_any_other_key_is_not_the_center() {
    let center = TestCenter::new();
    let stranger = TestCenter::new();
    let server = time_server(&stranger, USUAL, copy(&center.receipt), None);
    let caller = caller(&center, &server.url, 20_000);
    let refused = block(caller.client.signed_time()).unwrap_err();
    assert_eq!((refused.code(), refused.is_link()), ("upstream.pin", true));
    assert!(
        server.callers.lock().unwrap().is_empty(),
        "the device has not shown itself"
    );
}

#[test]
fn time_by_another_signer_or_for_another_question_is_not_authentic() {
    let center = TestCenter::new();
    for (receipt, nonce) in [
        (copy(&center.issuer), None),
        (copy(&center.receipt), Some(vec![0; 16])),
    ] {
        let server = time_server(&center, USUAL, receipt, nonce);
        let caller = caller(&center, &server.url, 20_000);
        assert_eq!(
            block(caller.client.signed_time()).unwrap_err().code(),
            "upstream.not_authentic"
        );
    }
}

#[test]
fn older_tls_a_refused_device_silence_and_a_closed_port_are_told_apart() {
    let center = TestCenter::new();
    let code = |url: &str, silence_ms: u64| {
        let caller = caller(&center, url, silence_ms);
        block(caller.client.signed_time())
            .unwrap_err()
            .code()
            .to_owned()
    };
    let server = |manner| time_server(&center, manner, copy(&center.receipt), None);
    let old = server(Manner {
        version: &rustls::version::TLS12,
        ..USUAL
    });
    assert_eq!(code(&old.url, 20_000), "upstream.unreachable");
    let strict = server(Manner {
        accepts_device: false,
        ..USUAL
    });
    assert_eq!(code(&strict.url, 20_000), "upstream.certificate_refused");
    let silent = server(Manner {
        silent: true,
        ..USUAL
    });
    assert_eq!(code(&silent.url, 300), "upstream.timeout");
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(
        code(&format!("https://{closed}"), 20_000),
        "upstream.unreachable"
    );
}

#[test]
fn a_range_is_taken_only_as_it_was_asked_for() {
    let center = TestCenter::new();
    let hash = Hash32([1; 32]);
    let body: Vec<u8> = (0..100).collect();
    let cases: [(&str, &str, u64, Result<usize, &str>); 5] = [
        (
            "206 Partial Content",
            "Content-Range: bytes 10-109/900\r\n",
            10,
            Ok(50),
        ),
        ("200 OK", "", 0, Ok(50)),
        ("200 OK", "", 10, Err("upstream.malformed")),
        (
            "206 Partial Content",
            "Content-Range: bytes 11-110/900\r\n",
            10,
            Err("upstream.malformed"),
        ),
        ("206 Partial Content", "", 10, Err("upstream.malformed")),
    ];
    for (status, headers, from, expected) in cases {
        let bytes = body.clone();
        let answer = move |_: &str| reply(status, headers, &bytes);
        let server = serve(&center.tls, USUAL, Arc::new(answer));
        let caller = caller(&center, &server.url, 20_000);
        let mut got = Vec::new();
        let mut sink = |chunk: &[u8]| {
            got.extend_from_slice(chunk);
            Ok(())
        };
        let result = block(caller.client.fetch_range(&hash, from, from + 50, &mut sink));
        match expected {
            Ok(length) => {
                result.unwrap();
                assert_eq!(got, body[..length], "never more than asked for");
            }
            Err(code) => assert_eq!((result.unwrap_err().code(), got.len()), (code, 0)),
        }
    }
}

#[test]
fn refusals_carry_their_code_and_nonsense_is_malformed() {
    let center = TestCenter::new();
    let refusal = Refusal {
        code: "upstream.unknown_device".to_owned(),
        detail: String::new(),
    };
    let evil = Refusal {
        code: "<b>OH</b>\n".to_owned(),
        detail: String::new(),
    };
    let encode = |refusal: &Refusal| fengjuan_envelope::cbor::to_vec(refusal).unwrap();
    let cases = [
        (
            reply("403 Forbidden", "", &encode(&refusal)),
            "upstream.unknown_device",
        ),
        (reply("403 Forbidden", "", &encode(&evil)), "bb"),
        (reply("502 Bad Gateway", "", b"<html>"), "upstream.refused"),
        (
            reply("302 Found", "Location: https://127.0.0.1:1/\r\n", b""),
            "upstream.refused",
        ),
        (reply("200 OK", "", b"\xff\xff"), "upstream.malformed"),
        (
            reply("200 OK", "", &vec![0; 5 * 1024 * 1024]),
            "upstream.malformed",
        ),
    ];
    for (raw, code) in cases {
        let server = serve(&center.tls, USUAL, Arc::new(move |_: &str| raw.clone()));
        let caller = caller(&center, &server.url, 20_000);
        assert_eq!(block(caller.client.offer()).unwrap_err().code(), code);
    }
}
