//! A center in small, on a real TLS port: it approves whoever asks, delegates, takes what a hub brings, and can be away.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post, put};
use axum::{Extension, Router};
use fengjuan_envelope::hpke::KemSecret;
use fengjuan_envelope::note;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_serve::{Cbor, Limits, Peer, Refused, Running, hash_of, hex16, read, signed};
use fengjuan_wire::bundle::Receipt;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::{DeviceCertificate, KeyDirectory, root_to_text};
use fengjuan_wire::upstream::*;
use fengjuan_wire::{Hash32, Signed};
use serde::Deserialize;
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

pub const SITE: &str = "S01";

pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

pub struct Keys {
    pub root: SigningKey,
    pub issuer: SigningKey,
    pub device_ca: SigningKey,
    pub tls: SigningKey,
    pub witness: SigningKey,
    pub receipt: SigningKey,
    pub results: KemSecret,
    pub directory: KeyDirectory,
}

#[derive(Default)]
pub struct Book {
    pub enrolled: Vec<EnrolRequest>,
    /// What a delegation that is made from now on says.
    pub delegate_for_ms: i64,
    pub delegated: BTreeMap<[u8; 32], Vec<u8>>,
    pub vouched: Vec<DeviceCertificate>,
    pub revoked: Vec<RevokedDevice>,
    /// By ledger: whose it is, and every entry that was taken, in the order of arrival.
    pub ledgers: BTreeMap<Vec<u8>, (PublicKey, Vec<ByteBuf>)>,
    /// Sizes of the checkpoints that were brought, by ledger.
    pub checkpoints: BTreeMap<Vec<u8>, u64>,
    pub parts: BTreeMap<Hash32, Vec<u8>>,
    /// Objects in the order of arrival.
    pub objects: Vec<(Hash32, Vec<u8>)>,
    pub offered: Vec<Offered>,
    pub files: BTreeMap<Hash32, Vec<u8>>,
    pub orders: Vec<ByteBuf>,
}

pub struct Center {
    pub keys: Arc<Keys>,
    pub book: Arc<Mutex<Book>>,
    pub address: SocketAddr,
    running: Option<Running>,
}

#[derive(Clone)]
struct Served {
    keys: Arc<Keys>,
    book: Arc<Mutex<Book>>,
}

impl Served {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }
}

impl Center {
    pub fn new() -> Center {
        let key = || SigningKey::generate().unwrap();
        let (root, issuer, device_ca) = (key(), key(), key());
        let (tls, witness, receipt) = (key(), key(), key());
        let directory = KeyDirectory {
            center_id: "jining".to_owned(),
            center_name: "济宁".to_owned(),
            serial: 1,
            made_ms: wall_ms(),
            issuer: issuer.public(),
            release: KemSecret::generate().unwrap().public(),
            device_ca: device_ca.public(),
            tls_server: tls.public(),
            witness: witness.public(),
            receipt: receipt.public(),
        };
        let keys = Keys {
            root,
            issuer,
            device_ca,
            tls,
            witness,
            receipt,
            results: KemSecret::generate().unwrap(),
            directory,
        };
        let book = Book {
            delegate_for_ms: 24 * 3_600_000,
            ..Book::default()
        };
        let mut center = Center {
            keys: Arc::new(keys),
            book: Arc::new(Mutex::new(book)),
            address: "127.0.0.1:0".parse().unwrap(),
            running: None,
        };
        center.back();
        center
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// The line is there.
    pub fn back(&mut self) {
        let listener = TcpListener::bind(self.address).unwrap();
        self.address = listener.local_addr().unwrap();
        let served = Served {
            keys: self.keys.clone(),
            book: self.book.clone(),
        };
        let app = Router::new()
            .route("/v1/enrol", post(enrol))
            .route("/v1/directory", get(directory))
            .route("/v1/time", get(time))
            .route("/v1/offer", get(offer))
            .route("/v1/objects/{hash}", get(object))
            .route("/v1/uploads/{hash}", put(upload).get(upload_state))
            .route("/v1/entries", post(entries))
            .route("/v1/orders", get(orders))
            .route("/v1/delegation", get(delegation))
            .route("/v1/devices", post(devices))
            .with_state(served);
        let tls = fengjuan_serve::server_config(&self.keys.tls).unwrap();
        let running = fengjuan_serve::listen(app, listener, tls, Limits::default()).unwrap();
        self.running = Some(running);
    }

    /// The line is cut.
    pub async fn away(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    pub fn write_kit(&self, dir: &std::path::Path, hubs: &[SocketAddr]) {
        std::fs::create_dir_all(dir).unwrap();
        let root = root_to_text(&self.keys.root.public());
        std::fs::write(dir.join("root.pub"), root).unwrap();
        let directory = self.keys.directory.sign(&self.keys.root).unwrap();
        std::fs::write(dir.join("directory.cose"), directory).unwrap();
        let mut settings = format!("url = \"https://{}\"\nsite = \"{SITE}\"\n", self.address);
        if let [first, standby @ ..] = hubs {
            let standby: Vec<String> = standby.iter().map(|hub| format!("https://{hub}")).collect();
            settings.push_str(&format!(
                "[hub]\nurl = \"https://{first}\"\nstandby = {standby:?}\n"
            ));
        }
        std::fs::write(dir.join("site.toml"), settings).unwrap();
    }

    /// All entries of a device, by what the hub brought.
    pub fn entries_of(&self, device: &PublicKey) -> Vec<ByteBuf> {
        let book = self.book();
        let mut theirs = book.ledgers.values().filter(|(whose, _)| whose == device);
        theirs
            .next()
            .map(|(_, entries)| entries.clone())
            .unwrap_or_default()
    }
}

async fn enrol(State(center): State<Served>, body: Bytes) -> Result<Cbor<EnrolReply>, Refused> {
    let request: EnrolRequest = read(&body)?;
    let certificate = DeviceCertificate {
        device_name: request.device_name.clone(),
        site: request.site.clone(),
        sign: request.sign,
        kem: request.kem,
        approved_ms: wall_ms(),
        approved_by: "王".to_owned(),
    };
    let certificate = certificate.sign(&center.keys.device_ca).unwrap();
    center.book().enrolled.push(request);
    Ok(Cbor(EnrolReply::Approved { certificate }))
}

async fn directory(State(center): State<Served>) -> Response {
    signed(center.keys.directory.sign(&center.keys.root).unwrap())
}

#[derive(Deserialize)]
struct Nonce {
    nonce: String,
}

async fn time(State(center): State<Served>, Query(query): Query<Nonce>) -> Response {
    let time = SignedTime {
        nonce: hex16(&query.nonce).unwrap().to_vec(),
        unix_ms: wall_ms(),
    };
    signed(time.sign(&center.keys.receipt).unwrap())
}

async fn delegation(
    State(center): State<Served>,
    Extension(Peer(sign)): Extension<Peer>,
) -> Result<Response, Refused> {
    let mut book = center.book();
    if let Some(given) = book.delegated.get(sign.as_bytes()) {
        return Ok(signed(given.clone()));
    }
    let asked = book.enrolled.iter().find(|asked| asked.sign == sign);
    let (Some(asked), true) = (asked.cloned(), book.delegate_for_ms > 0) else {
        return Err(Refused::forbidden("hub.no_delegation"));
    };
    let keys = asked.hub.unwrap();
    let now = wall_ms();
    let delegation = HubDelegation {
        center_id: center.keys.directory.center_id.clone(),
        site: asked.site,
        room_no: Some("R1".to_owned()),
        hub_name: asked.device_name,
        device: asked.sign,
        kem: asked.kem,
        issuer: keys.issuer,
        witness: keys.witness,
        receipt: keys.receipt,
        issued_ms: now,
        not_after_ms: now + book.delegate_for_ms,
    };
    let bytes = delegation.sign(&center.keys.issuer).unwrap();
    book.delegated.insert(*sign.as_bytes(), bytes.clone());
    Ok(signed(bytes))
}

async fn devices(
    State(center): State<Served>,
    Extension(Peer(sign)): Extension<Peer>,
    body: Bytes,
) -> Result<Cbor<VouchedReply>, Refused> {
    let request: VouchedDevices = read(&body)?;
    let mut book = center.book();
    let asked = book.enrolled.iter().find(|asked| asked.sign == sign);
    let issuer = asked.unwrap().hub.clone().unwrap().issuer;
    let vouch = |bytes: &ByteBuf| {
        let certificate = DeviceCertificate::verify(&issuer, bytes).unwrap();
        let device = Some(certificate.sign);
        book.vouched.push(certificate);
        Vouched {
            device,
            refused: None,
        }
    };
    let devices = request.certificates.iter().map(vouch).collect();
    book.revoked.extend(&request.revoked);
    Ok(Cbor(VouchedReply { devices }))
}

async fn offer(State(center): State<Served>) -> Cbor<Offer> {
    let objects = center.book().offered.clone();
    Cbor(Offer { objects })
}

async fn object(
    State(center): State<Served>,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let hash = hash_of(&hash)?;
    let bytes = center.book().files.get(&hash).cloned();
    let bytes = bytes.ok_or_else(|| Refused::not_found("object.unknown"))?;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    let range = headers.get("range").map(|range| range.to_str().unwrap());
    fengjuan_serve::send(file.path(), bytes.len() as u64, range)
}

async fn orders(State(center): State<Served>) -> Cbor<Orders> {
    let orders = center.book().orders.clone();
    Cbor(Orders { orders })
}

async fn entries(
    State(center): State<Served>,
    Extension(Peer(sign)): Extension<Peer>,
    body: Bytes,
) -> Result<Cbor<EntriesReply>, Refused> {
    let request: EntriesRequest = read(&body)?;
    let mut book = center.book();
    let whose = request.device.unwrap_or(sign);
    let vouched = book.vouched.iter().any(|known| known.sign == whose);
    if whose != sign && !vouched {
        return Err(Refused::forbidden("hub.unknown_device"));
    }
    let fresh = || (whose, Vec::new());
    let (owner, held) = book
        .ledgers
        .entry(request.ledger_id.clone())
        .or_insert_with(fresh);
    assert_eq!(*owner, whose);
    let have = held.len() as u64;
    if request.from_seq > have {
        return Ok(Cbor(EntriesReply::Gap { have }));
    }
    let known = (have - request.from_seq) as usize;
    held.extend(request.entries.iter().skip(known).cloned());
    let size = held.len() as u64;
    let cosigned = request.checkpoint.map(|text| {
        let id: [u8; 16] = request.ledger_id.as_slice().try_into().unwrap();
        let origin = center.keys.directory.ledger_origin(&id);
        let verified = note::verify(&text, &origin, &whose, None).unwrap();
        book.checkpoints
            .insert(request.ledger_id.clone(), verified.checkpoint.size);
        let name = center.keys.directory.witness_name();
        let seconds = wall_ms() as u64 / 1000;
        note::cosign(&text, &name, &center.keys.witness, seconds).unwrap()
    });
    Ok(Cbor(EntriesReply::Stored { size, cosigned }))
}

async fn upload_state(
    State(center): State<Served>,
    Path(hash): Path<String>,
) -> Result<Cbor<UploadState>, Refused> {
    let hash = hash_of(&hash)?;
    Ok(Cbor(state_of(&center, &hash)))
}

fn state_of(center: &Served, hash: &Hash32) -> UploadState {
    let book = center.book();
    let place = book.objects.iter().position(|(known, _)| known == hash);
    match place {
        Some(place) => {
            let receipt = Receipt {
                object: *hash,
                bytes: book.objects[place].1.len() as u64,
                received_ms: wall_ms(),
                position: place as u64 + 1,
                receiver: "jining".to_owned(),
            };
            UploadState {
                offset: receipt.bytes,
                receipt: Some(ByteBuf::from(receipt.sign(&center.keys.receipt).unwrap())),
            }
        }
        None => UploadState {
            offset: book.parts.get(hash).map_or(0, |part| part.len() as u64),
            receipt: None,
        },
    }
}

#[derive(Deserialize)]
struct Part {
    offset: u64,
    total: u64,
}

async fn upload(
    State(center): State<Served>,
    Path(hash): Path<String>,
    Query(part): Query<Part>,
    body: Bytes,
) -> Result<Cbor<UploadState>, Refused> {
    let hash = hash_of(&hash)?;
    {
        let mut book = center.book();
        let have = book.parts.entry(hash).or_default();
        if part.offset == have.len() as u64 {
            have.extend_from_slice(&body);
        }
        if have.len() as u64 == part.total {
            let whole = std::mem::take(have);
            assert_eq!(fengjuan_wire::hash(&whole), hash);
            book.parts.remove(&hash);
            book.objects.push((hash, whole));
        }
    }
    Ok(Cbor(state_of(&center, &hash)))
}
