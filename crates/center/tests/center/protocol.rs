//! The protocol call by call, through the router, with the peer's key as TLS would add it.

use crate::day::{Day, Device, SITTING};
use crate::ledger::Ledger;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use fengjuan_center::device;
use fengjuan_center::order::{self, NewOrder};
use fengjuan_center::roll::{self, RollScope};
use fengjuan_center::server::{Center, Peer, router};
use fengjuan_core::event::Event;
use fengjuan_envelope::{cbor, note};
use fengjuan_wire::bundle::{ObjectKind, ObjectPlace, Picture, Receipt, seal_object};
use fengjuan_wire::directory::KeyDirectory;
use fengjuan_wire::grant::Grant;
use fengjuan_wire::order::OrderKind;
use fengjuan_wire::upstream::{
    AttemptEntries, EnrolReply, EntriesReply, Offer, OfferedKind, Orders, Refusal, Roll,
    SignedTime, UPLOAD_PART_BYTES, UploadState,
};
use fengjuan_wire::{Hash32, Signed};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
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

    async fn code(&self, method: Method, path: &str) -> (StatusCode, String) {
        answer::<()>(self.send(method, path, Vec::new(), None).await)
            .await
            .unwrap_err()
    }
}

async fn answer<T: DeserializeOwned>(response: Response) -> Result<T, (StatusCode, String)> {
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

fn receipt(day: &Day, signed: &[u8]) -> Receipt {
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

#[tokio::test]
async fn an_upload_goes_on_after_every_interruption() {
    let day = Day::planned();
    let terminal = day.approved(1);
    day.issued();
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let seed = 20_261_121u64;
    println!("seed {seed}");
    let length = 2 * UPLOAD_PART_BYTES + 777;
    let mut cuts: Vec<usize> = vec![0, 1];
    for boundary in [UPLOAD_PART_BYTES, 2 * UPLOAD_PART_BYTES] {
        cuts.extend([boundary - 1, boundary, boundary + 1]);
    }
    let mut random = seed;
    while cuts.len() < 208 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        cuts.push((random >> 33) as usize % length);
    }
    for (number, cut) in cuts.into_iter().enumerate() {
        // Small objects keep 200 offsets quick; the cut is scaled to them.
        let scaled = if number < 8 { length } else { 9_000 };
        let (hash, bytes) = picture(&day, &terminal, scaled);
        let cut = cut
            .min(cut * bytes.len() / length.max(1))
            .min(bytes.len() - 1);
        let mut sent = 0;
        while sent < cut {
            let state = caller
                .part(&hash, &bytes, sent, (cut - sent).min(UPLOAD_PART_BYTES))
                .await
                .unwrap();
            sent = state.offset as usize;
        }
        // The line is cut here; a stale or wrong offset changes nothing and is told where to go on.
        let state = caller
            .part(&hash, &bytes, (sent + 1).min(bytes.len() - 1), 10)
            .await
            .unwrap();
        assert_eq!(
            (state.offset as usize, state.receipt),
            (cut, None),
            "cut {cut}"
        );
        let state: UploadState = caller.get(&format!("/v1/uploads/{}", hash.hex())).await;
        assert_eq!(state.offset as usize, cut);
        let signed = caller.upload(&hash, &bytes).await;
        let receipt = receipt(&day, &signed);
        assert_eq!(
            (receipt.object, receipt.bytes, receipt.position),
            (hash, bytes.len() as u64, number as u64 + 1)
        );
        assert_eq!(fs::read(day.home.received(&hash)).unwrap(), bytes);
    }
    assert_eq!(
        fs::read_dir(day.home.path().join("received/parts"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn the_same_object_twice_gets_the_same_receipt() {
    let day = Day::planned();
    let (terminal, courier) = (day.approved(1), day.approved(2));
    day.issued();
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let (hash, bytes) = picture(&day, &terminal, 5000);
    let first = caller.upload(&hash, &bytes).await;
    let again = caller.part(&hash, &bytes, 0, bytes.len()).await.unwrap();
    assert_eq!(again.receipt.unwrap().into_vec(), first);
    // From another device of the site, as a courier would bring it, after a restart of the server.
    let by_courier = Caller {
        app: app(&day),
        device: &courier,
    };
    assert_eq!(by_courier.upload(&hash, &bytes).await, first);
    let rows: u32 = day
        .home
        .database()
        .unwrap()
        .query_row("SELECT count(*) FROM received", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn what_is_not_the_object_is_dropped_whole() {
    let day = Day::planned();
    let terminal = day.approved(1);
    day.issued();
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let (hash, bytes) = picture(&day, &terminal, 5000);
    let mut changed = bytes.clone();
    changed[3000] ^= 1;
    let refused = caller
        .part(&hash, &changed, 0, changed.len())
        .await
        .unwrap_err();
    assert_eq!(
        refused,
        (StatusCode::UNPROCESSABLE_ENTITY, "upload.hash".to_owned())
    );
    let state: UploadState = caller.get(&format!("/v1/uploads/{}", hash.hex())).await;
    assert_eq!((state.offset, state.receipt), (0, None));
    caller.upload(&hash, &bytes).await;
    // Anything else than a sealed object gets no receipt.
    let noise = vec![7u8; 100];
    let noise_hash = fengjuan_wire::hash(&noise);
    assert_eq!(
        caller
            .part(&noise_hash, &noise, 0, 100)
            .await
            .unwrap_err()
            .1,
        "upload.not_an_object"
    );
    // Limits.
    let path = format!("/v1/uploads/{}", noise_hash.hex());
    for (query, code) in [
        ("offset=0&total=0", "upload.total"),
        ("offset=0&total=99999999999", "upload.total"),
        ("offset=90&total=95", "upload.beyond_total"),
        (
            "offset=18446744073709551615&total=95",
            "upload.beyond_total",
        ),
    ] {
        let response = caller
            .send(Method::PUT, &format!("{path}?{query}"), noise.clone(), None)
            .await;
        assert_eq!(
            answer::<UploadState>(response).await.unwrap_err().1,
            code,
            "{query}"
        );
    }
    let large = caller
        .send(
            Method::PUT,
            &format!("{path}?offset=0&total=9999999"),
            vec![0; UPLOAD_PART_BYTES + 1],
            None,
        )
        .await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let huge = caller
        .send(
            Method::POST,
            "/v1/entries",
            vec![0; 4 * 1024 * 1024 + 1],
            None,
        )
        .await;
    assert_eq!(huge.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

fn events(ledger: &mut Ledger, from: i64, count: i64) {
    for number in from..from + count {
        ledger.add(
            None,
            &Event::WallClockJumped { by_ms: number },
            number,
            None,
        );
    }
}

#[tokio::test]
async fn entries_are_replicated_and_witnessed_once() {
    let day = Day::planned();
    let terminal = day.approved(1);
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let mut ledger = Ledger::new(&day.home, 5);
    events(&mut ledger, 0, 5);
    let reply: EntriesReply = caller
        .post("/v1/entries", &ledger.request(&terminal, 0))
        .await
        .unwrap();
    let EntriesReply::Stored {
        size: 5,
        cosigned: Some(note),
    } = reply.clone()
    else {
        panic!("{reply:?}")
    };
    let directory = day.home.directory();
    let witness = (directory.witness_name(), directory.witness);
    let origin = directory.ledger_origin(&ledger.id);
    let verified = note::verify(
        &note,
        &origin,
        &terminal.sign.public(),
        Some((witness.0.as_str(), &witness.1)),
    )
    .unwrap();
    assert!(verified.cosigned.is_some());
    // Again, and overlapping: nothing changes.
    assert_eq!(
        caller
            .post::<EntriesReply>("/v1/entries", &ledger.request(&terminal, 0))
            .await
            .unwrap(),
        reply
    );
    events(&mut ledger, 5, 3);
    let reply = caller
        .post("/v1/entries", &ledger.request(&terminal, 2))
        .await
        .unwrap();
    assert!(matches!(
        reply,
        EntriesReply::Stored {
            size: 8,
            cosigned: Some(_)
        }
    ));
    events(&mut ledger, 8, 2);
    let reply: EntriesReply = caller
        .post("/v1/entries", &ledger.request(&terminal, 9))
        .await
        .unwrap();
    assert_eq!(reply, EntriesReply::Gap { have: 8 });
    let signed = roll::signed(&day.home, &RollScope::default(), 9).unwrap();
    let roll = Roll::verify(&directory.witness, &signed).unwrap();
    assert_eq!(
        (
            roll.ledgers.len(),
            roll.ledgers[0].size,
            roll.ledgers[0].forks
        ),
        (1, 8, 0)
    );
}

#[tokio::test]
async fn a_rolled_back_or_cloned_ledger_is_a_recorded_fork() {
    let day = Day::planned();
    let terminal = day.approved(1);
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let mut ledger = Ledger::new(&day.home, 5);
    events(&mut ledger, 0, 5);
    caller
        .post::<EntriesReply>("/v1/entries", &ledger.request(&terminal, 0))
        .await
        .unwrap();
    // The database goes back to three entries and takes another way.
    let mut other = Ledger::new(&day.home, 5);
    events(&mut other, 0, 3);
    let reply: EntriesReply = caller
        .post("/v1/entries", &other.request(&terminal, 0))
        .await
        .unwrap();
    assert_eq!(
        reply,
        EntriesReply::Stored {
            size: 5,
            cosigned: None
        },
        "a smaller checkpoint gets no fresh cosignature"
    );
    events(&mut other, 100, 4);
    let reply: EntriesReply = caller
        .post("/v1/entries", &other.request(&terminal, 3))
        .await
        .unwrap();
    assert!(
        matches!(reply, EntriesReply::Fork { at_seq: 3, .. }),
        "{reply:?}"
    );
    let roll = Roll::verify(
        &day.home.directory().witness,
        &roll::signed(&day.home, &RollScope::default(), 9).unwrap(),
    )
    .unwrap();
    assert_eq!((roll.ledgers[0].size, roll.ledgers[0].forks), (5, 1));
    assert_eq!(
        device::list(&day.home.database().unwrap()).unwrap()[0].alerts,
        1
    );
}

#[tokio::test]
async fn entries_that_are_not_the_callers_are_refused() {
    let day = Day::planned();
    let (terminal, thief) = (day.approved(1), day.approved(2));
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let mut ledger = Ledger::new(&day.home, 5);
    events(&mut ledger, 0, 3);
    caller
        .post::<EntriesReply>("/v1/entries", &ledger.request(&terminal, 0))
        .await
        .unwrap();
    let stranger = Caller {
        app: caller.app.clone(),
        device: &thief,
    };
    let refused = stranger
        .post::<EntriesReply>("/v1/entries", &ledger.request(&thief, 0))
        .await
        .unwrap_err();
    assert_eq!(
        refused,
        (
            StatusCode::FORBIDDEN,
            "entries.ledger_of_another_device".to_owned()
        )
    );
    let mut wrong_place = ledger.request(&terminal, 1);
    wrong_place.from_seq = 2;
    assert_eq!(
        caller
            .post::<EntriesReply>("/v1/entries", &wrong_place)
            .await
            .unwrap_err()
            .1,
        "entries.malformed"
    );
    let mut noise = ledger.request(&terminal, 2);
    noise.entries[0][5] ^= 0xff;
    assert_eq!(
        caller
            .post::<EntriesReply>("/v1/entries", &noise)
            .await
            .unwrap_err()
            .1,
        "entries.malformed"
    );
    let mut forged = ledger.request(&terminal, 3);
    forged.checkpoint = Some(ledger.checkpoint(&thief, 3));
    assert_eq!(
        caller
            .post::<EntriesReply>("/v1/entries", &forged)
            .await
            .unwrap_err()
            .1,
        "entries.checkpoint"
    );
}

#[tokio::test]
async fn an_attempt_is_read_back_by_a_device_with_a_grant_only() {
    let day = Day::planned();
    let (terminal, spare) = (day.approved(1), day.approved(2));
    day.issued();
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let mut ledger = Ledger::new(&day.home, 5);
    let attempt = [9; 16];
    let identified = Event::Identified {
        sitting_no: SITTING.to_owned(),
        ticket_hash: Hash32([1; 32]),
        seat_no: 1,
    };
    ledger.add(Some(attempt), &identified, 1, None);
    ledger.add(Some(attempt), &Event::RulesAgreed {}, 2, None);
    caller
        .post::<EntriesReply>("/v1/entries", &ledger.request(&terminal, 0))
        .await
        .unwrap();
    let path = format!("/v1/attempts/{}/entries", "09".repeat(16));
    let back: AttemptEntries = Caller {
        app: caller.app.clone(),
        device: &spare,
    }
    .get(&path)
    .await;
    assert_eq!(back.entries, ledger.of_attempt(&attempt));
    let conn = day.home.database().unwrap();
    conn.execute(
        "DELETE FROM objects WHERE kind = 'grant' AND device = ?1",
        [spare.sign.public().as_bytes()],
    )
    .unwrap();
    let refused = Caller {
        app: caller.app.clone(),
        device: &spare,
    }
    .code(Method::GET, &path)
    .await;
    assert_eq!(
        refused,
        (StatusCode::FORBIDDEN, "attempt.no_grant".to_owned())
    );
    let reads: u32 = conn
        .query_row("SELECT count(*) FROM attempt_reads", [], |row| row.get(0))
        .unwrap();
    assert_eq!(reads, 1);
}
