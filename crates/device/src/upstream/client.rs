use super::objects::{Objects, Span};
use super::tls::any_server_config;
use super::{Authority, Sink, TimeAnswer, TlsError, Upstream, UpstreamError, client_config};
use crate::identity::DeviceIdentity;
use crate::machine::Machine;
use fengjuan_envelope::cbor;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::follow::{FollowReply, FollowRequest};
use fengjuan_wire::upstream::{
    AttemptEntries, EnrolReply, EnrolRequest, EntriesReply, EntriesRequest, LARGEST_BODY_BYTES,
    Offer, Orders, SignedTime, UploadState, VouchedDevices, VouchedReply,
};
use fengjuan_wire::{Hash32, Signed};
use reqwest::{Method, RequestBuilder, Response, header};
use rustls::ClientConfig;
use serde::de::DeserializeOwned;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const DELEGATION: &str = "/v1/delegation";

/// How long to wait for what.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    pub(super) connect: Duration,
    /// Longest silence in the middle of an answer.
    pub(super) silence: Duration,
    pub(super) short_call: Duration,
    pub(super) long_call: Duration,
}

const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    silence: Duration::from_secs(10),
    short_call: Duration::from_secs(15),
    long_call: Duration::from_secs(120),
};

/// One upstream, over mutual TLS 1.3 with pinned keys.
pub struct HttpsUpstream {
    http: reqwest::Client,
    objects: Objects,
    tls: Arc<ClientConfig>,
    authority: Arc<Authority>,
    machine: Arc<dyn Machine>,
    patience: Patience,
}

impl HttpsUpstream {
    /// No connection is made yet.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(
        authority: Authority,
        identity: &DeviceIdentity,
        machine: Arc<dyn Machine>,
    ) -> Result<HttpsUpstream, TlsError> {
        Self::with_patience(authority, identity, machine, PATIENCE)
    }

    pub(super) fn with_patience(
        authority: Authority,
        identity: &DeviceIdentity,
        machine: Arc<dyn Machine>,
        patience: Patience,
    ) -> Result<HttpsUpstream, TlsError> {
        let mut tls = client_config(&identity.sign, &authority.server)?;
        let http = http_client(tls.clone(), patience)?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tls = Arc::new(tls);
        Ok(HttpsUpstream {
            http,
            objects: Objects::new(tls.clone(), &authority.url, patience),
            tls,
            authority: Arc::new(authority),
            machine,
            patience,
        })
    }

    pub(crate) fn url(&self) -> String {
        self.authority.url.clone()
    }

    /// The hub that this is; none for the center.
    pub fn hub(&self) -> Option<HubDelegation> {
        self.authority.hub.clone()
    }

    /// The pinned configuration, for a connection beside the calls. Speaks HTTP/1.1.
    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        self.tls.clone()
    }

    /// The delegation that this upstream shows of itself: COSE_Sign1 of a `HubDelegation`, not verified.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub async fn delegation(&self) -> Result<Vec<u8>, UpstreamError> {
        self.bytes(self.get(DELEGATION)).await
    }

    /// Makes the terminals of this hub known to the center.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub async fn vouch(&self, devices: &VouchedDevices) -> Result<VouchedReply, UpstreamError> {
        self.answer(self.post("/v1/devices", encoded(devices)?))
            .await
    }

    /// One hub speaks to another.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub async fn follow(&self, request: &FollowRequest) -> Result<FollowReply, UpstreamError> {
        let call = self.post("/v1/hubs", encoded(request)?);
        // Whoever waits for long hears nothing of what goes on meanwhile.
        self.answer(call.timeout(self.patience.short_call)).await
    }

    fn call(&self, method: Method, path: &str, limit: Duration) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.authority.url))
            .timeout(limit)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.call(Method::GET, path, self.patience.short_call)
    }

    fn post(&self, path: &str, body: Vec<u8>) -> RequestBuilder {
        let call = self.call(Method::POST, path, self.patience.long_call);
        call.header(header::CONTENT_TYPE, "application/cbor")
            .body(body)
    }

    async fn bytes(&self, request: RequestBuilder) -> Result<Vec<u8>, UpstreamError> {
        bytes_of(request).await
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, UpstreamError> {
        let body = self.bytes(request).await?;
        cbor::from_slice(&body).map_err(|error| UpstreamError::malformed(error.to_string()))
    }
}

fn http_client(tls: ClientConfig, patience: Patience) -> Result<reqwest::Client, TlsError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(patience.connect)
        .read_timeout(patience.silence)
        .tcp_keepalive(Duration::from_secs(20))
        .build()
        .map_err(|error| TlsError::of(&error))
}

/// What whoever answers at a hub's address shows as its delegation, and the TLS key that it proved. Nothing of it is
/// trusted yet.
pub(super) async fn shown_delegation(
    url: &str,
    identity: &DeviceIdentity,
) -> Result<(Vec<u8>, Option<PublicKey>), UpstreamError> {
    let proved = Arc::new(OnceLock::new());
    let tls = any_server_config(&identity.sign, proved.clone());
    let http = tls.and_then(|tls| http_client(tls, PATIENCE));
    let http = http.map_err(|error| UpstreamError::malformed(error.to_string()))?;
    let request = http.get(format!("{url}{DELEGATION}"));
    let bytes = bytes_of(request.timeout(PATIENCE.short_call)).await?;
    Ok((bytes, proved.get().copied()))
}

async fn bytes_of(request: RequestBuilder) -> Result<Vec<u8>, UpstreamError> {
    let response = request
        .send()
        .await
        .map_err(|error| UpstreamError::of_call(&error))?;
    let status = response.status();
    let body = whole_body(response).await?;
    if status.is_success() {
        Ok(body)
    } else {
        Err(UpstreamError::refused(status.as_u16(), &body))
    }
}

async fn whole_body(mut response: Response) -> Result<Vec<u8>, UpstreamError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| UpstreamError::of_call(&error))?
    {
        if body.len() + chunk.len() > LARGEST_BODY_BYTES {
            return Err(UpstreamError::malformed("the answer is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn encoded(message: &impl serde::Serialize) -> Result<Vec<u8>, UpstreamError> {
    cbor::to_vec(message).map_err(|error| UpstreamError::malformed(error.to_string()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Upstream for HttpsUpstream {
    fn authority(&self) -> Option<Arc<Authority>> {
        Some(self.authority.clone())
    }

    async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolReply, UpstreamError> {
        self.answer(self.post("/v1/enrol", encoded(request)?)).await
    }

    async fn directory(&self) -> Result<Vec<u8>, UpstreamError> {
        self.bytes(self.get("/v1/directory")).await
    }

    async fn signed_time(&self) -> Result<TimeAnswer, UpstreamError> {
        let nonce: [u8; 16] = fengjuan_envelope::random_bytes()
            .map_err(|error| UpstreamError::malformed(error.to_string()))?;
        let request = self.get(&format!("/v1/time?nonce={}", hex(&nonce)));
        let sent_boot_ms = self.machine.boot_ms();
        let bytes = self.bytes(request).await?;
        let received_boot_ms = self.machine.boot_ms();
        let time = SignedTime::verify(&self.authority.receipt, &bytes).map_err(|error| {
            UpstreamError::NotAuthentic {
                detail: error.to_string(),
            }
        })?;
        if time.nonce != nonce {
            let detail = "the time answers another question".to_owned();
            return Err(UpstreamError::NotAuthentic { detail });
        }
        Ok(TimeAnswer {
            unix_ms: time.unix_ms,
            sent_boot_ms,
            received_boot_ms,
        })
    }

    async fn offer(&self) -> Result<Offer, UpstreamError> {
        self.answer(self.get("/v1/offer")).await
    }

    async fn fetch_range(
        &self,
        hash: &Hash32,
        from: u64,
        to: u64,
        sink: &mut Sink<'_>,
    ) -> Result<(), UpstreamError> {
        if from >= to {
            return Ok(());
        }
        let path = format!("/v1/objects/{}", hash.hex());
        let span = Span {
            path: &path,
            from,
            to,
        };
        self.objects.fetch(span, sink).await
    }

    async fn upload_state(&self, hash: &Hash32) -> Result<UploadState, UpstreamError> {
        self.answer(self.get(&format!("/v1/uploads/{}", hash.hex())))
            .await
    }

    async fn upload_part(
        &self,
        hash: &Hash32,
        offset: u64,
        total: u64,
        part: Vec<u8>,
    ) -> Result<UploadState, UpstreamError> {
        let path = format!("/v1/uploads/{}?offset={offset}&total={total}", hash.hex());
        self.answer(
            self.call(Method::PUT, &path, self.patience.long_call)
                .body(part),
        )
        .await
    }

    async fn post_entries(&self, request: &EntriesRequest) -> Result<EntriesReply, UpstreamError> {
        self.answer(self.post("/v1/entries", encoded(request)?))
            .await
    }

    async fn attempt_entries(
        &self,
        attempt_id: &[u8; 16],
    ) -> Result<AttemptEntries, UpstreamError> {
        self.answer(self.get(&format!("/v1/attempts/{}/entries", hex(attempt_id))))
            .await
    }

    async fn orders(&self) -> Result<Orders, UpstreamError> {
        self.answer(self.get("/v1/orders")).await
    }
}
