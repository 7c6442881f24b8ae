//! The protocol call by call, through the router, with the peer's key as TLS would add it.

use crate::day::{Day, Device, SITTING};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use fengjuan_center::device;
use fengjuan_center::order::{self, NewOrder};
use fengjuan_center::server::{Center, Peer, router};
use fengjuan_envelope::cbor;
use fengjuan_wire::bundle::{ObjectKind, ObjectPlace, Picture, Receipt, seal_object};
use fengjuan_wire::directory::KeyDirectory;
use fengjuan_wire::grant::Grant;
use fengjuan_wire::order::OrderKind;
use fengjuan_wire::upstream::{
    EnrolReply, Offer, OfferedKind, Orders, Refusal, SignedTime, UPLOAD_PART_BYTES, UploadState,
};
use fengjuan_wire::{Hash32, Signed};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tower::ServiceExt;

/// One device's way to the server.
pub struct Caller<'a> {
    pub app: Router,
    pub device: &'a Device,
}

pub fn app(day: &Day) -> Router {
    router(Arc::new(Center::open(day.home.clone()).unwrap()))
}

impl Caller<'_> {
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        range: Option<&str>,
    ) -> Response {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .extension(Peer(self.device.sign.public()));
        if let Some(range) = range {
            request = request.header("range", range);
        }
        self.app
            .clone()
            .oneshot(request.body(Body::from(body)).unwrap())
            .await
            .unwrap()
    }

    pub async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.send(Method::GET, path, Vec::new(), None).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap()
            .to_vec()
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        cbor::from_slice(&self.bytes(path).await).unwrap()
    }

    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, (StatusCode, String)> {
        answer(
            self.send(Method::POST, path, cbor::to_vec(body).unwrap(), None)
                .await,
        )
        .await
    }

    pub async fn part(
        &self,
        hash: &Hash32,
        bytes: &[u8],
        offset: usize,
        length: usize,
    ) -> Result<UploadState, (StatusCode, String)> {
        let end = (offset + length).min(bytes.len());
        let path = format!(
            "/v1/uploads/{}?offset={offset}&total={}",
            hash.hex(),
            bytes.len()
        );
        answer(
            self.send(Method::PUT, &path, bytes[offset..end].to_vec(), None)
                .await,
        )
        .await
    }

    /// Sends what is left, part by part.
    pub async fn upload(&self, hash: &Hash32, bytes: &[u8]) -> Vec<u8> {
        let mut state: UploadState = self.get(&format!("/v1/uploads/{}", hash.hex())).await;
        while state.receipt.is_none() {
            state = self
                .part(hash, bytes, state.offset as usize, UPLOAD_PART_BYTES)
                .await
                .unwrap();
        }
        state.receipt.unwrap().into_vec()
    }

    pub async fn code(&self, method: Method, path: &str) -> (StatusCode, String) {
        answer::<()>(self.send(method, path, Vec::new(), None).await)
            .await
            .unwrap_err()
    }
}

pub async fn answer<T: DeserializeOwned>(response: Response) -> Result<T, (StatusCode, String)> {
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    if status.is_success() {
        return Ok(cbor::from_slice(&bytes).unwrap());
    }
    let code = cbor::from_slice::<Refusal>(&bytes)
        .map(|refusal| refusal.code)
        .unwrap_or_default();
    Err((status, code))
}

/// A sealed picture of `length` bytes or a little more.
pub fn picture(day: &Day, device: &Device, length: usize) -> (Hash32, Vec<u8>) {
    let picture = Picture {
        attempt_id: vec![1; 16],
        usage: fengjuan_core::event::PictureUse::Snapshot,
        taken_ms: 5,
        due_ms: None,
        pattern: true,
        salt: vec![2; 16],
        jpeg: (0..length).map(|i| (i * 31 % 251) as u8).collect(),
    };
    let place = ObjectPlace {
        kind: ObjectKind::Picture,
        site: "S01".to_owned(),
        sitting_no: SITTING.to_owned(),
        version: 1,
    };
    seal_object(&picture, &place, &device.sign, &day.document(1).results_key).unwrap()
}

pub fn receipt(day: &Day, signed: &[u8]) -> Receipt {
    Receipt::verify(&day.home.directory().receipt, signed).unwrap()
}

#[tokio::test]
async fn enrolment_until_approval() {
    let day = Day::planned();
    let terminal = Device::new(1);
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    assert_eq!(
        caller.code(Method::GET, "/v1/offer").await,
        (StatusCode::FORBIDDEN, "upstream.unknown_device".to_owned())
    );
    let reply: EnrolReply = caller.post("/v1/enrol", &terminal.request()).await.unwrap();
    let EnrolReply::Pending { fingerprint } = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(
        caller.code(Method::GET, "/v1/offer").await.1,
        "upstream.device_pending"
    );
    // Somebody else's key in the request is not believed.
    let other = Caller {
        app: caller.app.clone(),
        device: &Device::new(2),
    };
    let refused = other
        .post::<EnrolReply>("/v1/enrol", &terminal.request())
        .await
        .unwrap_err();
    assert_eq!(refused.1, "enrol.key_not_proven");
    device::approve(&day.home, &fingerprint, "周国华", 5).unwrap();
    assert!(matches!(
        caller.post("/v1/enrol", &terminal.request()).await.unwrap(),
        EnrolReply::Approved { .. }
    ));
    let directory =
        KeyDirectory::verify(&day.home.root(), &caller.bytes("/v1/directory").await).unwrap();
    assert_eq!(&directory, day.home.directory());
    device::revoke(&day.home, &fingerprint, "周国华", 6).unwrap();
    assert_eq!(
        caller
            .code(
                Method::GET,
                "/v1/time?nonce=00000000000000000000000000000000"
            )
            .await
            .1,
        "upstream.device_revoked"
    );
}

#[tokio::test]
async fn time_is_bound_to_the_nonce() {
    let day = Day::bare();
    let terminal = day.approved(1);
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let before = fengjuan_center::now_ms();
    let signed = caller
        .bytes("/v1/time?nonce=000102030405060708090a0b0c0d0e0f")
        .await;
    let time = SignedTime::verify(&day.home.directory().receipt, &signed).unwrap();
    assert_eq!(time.nonce, (0..16).collect::<Vec<u8>>());
    assert!((before..=fengjuan_center::now_ms()).contains(&time.unix_ms));
    assert_eq!(
        caller.code(Method::GET, "/v1/time?nonce=xyz").await.1,
        "time.bad_nonce"
    );
}

#[tokio::test]
async fn offer_and_ranged_fetch() {
    let day = Day::planned();
    let (terminal, other) = (day.approved(1), day.approved(2));
    let issued = day.issued();
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let offer: Offer = caller.get("/v1/offer").await;
    let kinds: Vec<OfferedKind> = offer.objects.iter().map(|object| object.kind).collect();
    assert_eq!(
        kinds,
        [
            OfferedKind::Sitting,
            OfferedKind::Grant,
            OfferedKind::Package,
            OfferedKind::Package
        ]
    );
    let grant = offer.objects[1].clone();
    let bytes = caller
        .bytes(&format!("/v1/objects/{}", grant.hash.hex()))
        .await;
    assert_eq!(
        (fengjuan_wire::hash(&bytes), bytes.len() as u64),
        (grant.hash, grant.bytes)
    );
    Grant::verify(&day.home.directory().issuer, &bytes).unwrap();
    // A grant is its device's alone.
    let stranger = Caller {
        app: caller.app.clone(),
        device: &other,
    };
    assert_eq!(
        stranger
            .code(Method::GET, &format!("/v1/objects/{}", grant.hash.hex()))
            .await
            .1,
        "object.unknown"
    );
    let package = issued.packages[0].clone();
    let path = format!("/v1/objects/{}", package.hash.hex());
    let mut whole = Vec::new();
    while (whole.len() as u64) < package.bytes {
        let range = format!("bytes={}-{}", whole.len(), whole.len() + 199_999);
        let response = caller
            .send(Method::GET, &path, Vec::new(), Some(&range))
            .await;
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        let place = response.headers()["content-range"]
            .to_str()
            .unwrap()
            .to_owned();
        let part = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert_eq!(
            place,
            format!(
                "bytes {}-{}/{}",
                whole.len(),
                whole.len() + part.len() - 1,
                package.bytes
            )
        );
        whole.extend_from_slice(&part);
    }
    assert_eq!(fengjuan_wire::hash(&whole), package.hash);
    let beyond = caller
        .send(
            Method::GET,
            &path,
            Vec::new(),
            Some(&format!("bytes={}-", package.bytes)),
        )
        .await;
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(
        caller.code(Method::GET, "/v1/objects/nothex").await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        caller
            .code(Method::GET, "/v1/objects/..%2f..%2froot.pub")
            .await
            .0,
        StatusCode::BAD_REQUEST
    );
    // A newer version takes the older one's place in the offer; the older stays fetchable.
    fengjuan_center::issue::issue(&day.home, SITTING, fengjuan_center::now_ms()).unwrap();
    let offer: Offer = caller.get("/v1/offer").await;
    assert!(offer.objects.iter().all(|object| object.version == 2));
    assert_eq!(caller.bytes(&path).await.len() as u64, package.bytes);
}

#[tokio::test]
async fn orders_reach_the_site() {
    let day = Day::planned();
    let terminal = day.approved(1);
    day.issued();
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let kind = OrderKind::Postpone { by_ms: 900_000 };
    let new = NewOrder {
        sitting_no: SITTING.to_owned(),
        kind: kind.clone(),
        reason: "停电".to_owned(),
        approved_by: "王主任".to_owned(),
    };
    order::give(&day.home, new, 5).unwrap();
    let orders: Orders = caller.get("/v1/orders").await;
    let order =
        fengjuan_wire::order::Order::verify(&day.home.directory().issuer, &orders.orders[0])
            .unwrap();
    assert_eq!(order.kind, kind);
    let offer: Offer = caller.get("/v1/offer").await;
    assert!(
        offer
            .objects
            .iter()
            .any(|object| object.kind == OfferedKind::Order
                && object.hash == fengjuan_wire::hash(&orders.orders[0]))
    );
}
