//! What goes wrong in a room: rogue, stalled and lying clients, messages that are too large, an expired delegation, a
//! full disk, and a hub that is killed.

use crate::center::SITE;
use crate::papers;
use crate::raw::{self, Stream};
use crate::stage::{Stage, Terminal, proctor, until};
use fengjuan_core::event::Hash32;
use fengjuan_core::room::alert::Alert;
use fengjuan_core::room::station::Action;
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_envelope::cbor;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_hub::Hub;
use fengjuan_wire::Signed;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::room::{
    Beat, Epoch, EpochProof, FromHub, FromTerminal, Hello, LARGEST_FRAME_BYTES,
};
use fengjuan_wire::upstream::{EnrolRequest, EntriesRequest, LARGEST_BODY_BYTES};
use futures_util::{SinkExt, StreamExt};
use serde_bytes::ByteBuf;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A connection with this terminal's key.
async fn connect(stage: &Stage, terminal: &Terminal) -> Stream {
    let server = stage.hub().identity().public();
    let key = &terminal.identity.sign;
    raw::connect(key, &server, stage.address, HERE)
        .await
        .unwrap()
}

async fn channel(stage: &Stage, terminal: &Terminal) -> WebSocketStream<Stream> {
    let stream = connect(stage, terminal).await;
    client_async("wss://localhost/v1/room", stream)
        .await
        .unwrap()
        .0
}

fn hello(terminal: &Terminal) -> Message {
    obeying(terminal, 0, None)
}

/// The first word of a terminal that says which epoch it obeys.
fn obeying(terminal: &Terminal, epoch: u64, proof: Option<EpochProof>) -> Message {
    let hello = FromTerminal::Hello(Hello {
        ledger_id: terminal.ledger.to_vec(),
        ledger_size: 1_000_000,
        boot_id: vec![1; 16],
        run_id: vec![2; 16],
        epoch,
        taken: 0,
        unlocked: Vec::new(),
        proof,
    });
    Message::Binary(cbor::to_vec(&hello).unwrap().into())
}

/// Another terminal of the room is served as if nothing were.
async fn served(stage: &Stage, terminal: &Terminal) {
    let mut size = 0;
    for _ in 0..20 {
        size = terminal.record();
    }
    until("the others are served", || terminal.replicated() >= size).await;
    assert!(stage.replicated(terminal) >= size);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_without_a_key_or_to_another_hub() {
    let stage = Stage::open().await;
    // TLS 1.3 tells a client that its certificate is missed with the first answer.
    if let Ok(mut stream) = raw::connect_without_key(stage.address).await {
        let (status, _) = raw::ask(&mut stream, "GET /v1/delegation", b"").await;
        assert_eq!(status, 0);
    }
    let other = Stage::open().await;
    let terminal = stage.terminal("T01").await;
    let pinned = stage.hub().identity().public();
    let key = &terminal.identity.sign;
    assert!(
        raw::connect(key, &pinned, other.address, HERE)
            .await
            .is_err()
    );
    // Whoever does not look at the server's key is still unknown there.
    let server = other.hub().identity().public();
    let mut stream = raw::connect(key, &server, other.address, HERE)
        .await
        .unwrap();
    let refused = raw::ask(&mut stream, "GET /v1/offer", b"").await;
    assert_eq!(refused, (403, "upstream.unknown_device".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_delegation_has_expired_runs_nothing() {
    let mut stage = Stage::unopened();
    stage.center.book().delegate_for_ms = 3_000;
    stage.start().await;
    until("the delegation is here", || {
        stage.hub().delegation().is_some()
    })
    .await;
    let terminal = DeviceIdentity::open(&stage.dir.path().join("T01")).unwrap();
    let server = stage.hub().identity().public();
    let connect = || raw::connect(&terminal.sign, &server, stage.address, HERE);
    let asks = EnrolRequest {
        device_name: "T01".to_owned(),
        site: SITE.to_owned(),
        sign: terminal.public(),
        kem: terminal.kem_public(),
        machine: vec![1; 32],
        hub: None,
    };
    let mut stream = connect().await.unwrap();
    let asks = cbor::to_vec(&asks).unwrap();
    assert_eq!(raw::ask(&mut stream, "POST /v1/enrol", &asks).await.0, 200);
    let (hub, device) = (stage.hub(), Hash32(*terminal.public().as_bytes()));
    hub.devices()
        .approve(hub.room(), &device, false, &proctor())
        .unwrap();
    let delegation = stage.hub().delegation().unwrap();
    let end = delegation.delegation.not_after_ms;
    until("it has expired", || stage.hub().room().now() >= end).await;
    for what in ["GET /v1/delegation", "GET /v1/room"] {
        let mut stream = connect().await.unwrap();
        let upgrade = format!(
            "{what} HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(upgrade.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 403"), "{what}: {answer}");
        assert!(
            answer.contains("hub.delegation_expired"),
            "{what}: {answer}"
        );
    }
    // What it has taken in stays, and a restart does not bring the delegation back.
    stage.stop().await;
    stage.center.away().await;
    stage.start().await;
    assert!(stage.hub().delegation().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_address_is_taken_says_so_and_serves_once_it_can() {
    let mut stage = Stage::unopened();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    stage.address = taken.local_addr().unwrap();
    let hub = stage.opened().await;
    assert_eq!((hub.trouble(), hub.address()), (vec!["hub.listen"], None));
    drop(taken);
    until("it serves", || hub.address() == Some(stage.address)).await;
    assert_eq!(hub.trouble(), Vec::<&str>::new());
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_times_what_is_allowed_is_refused_and_nothing_is_taken_of_it() {
    let stage = Stage::open().await;
    let (mut rogue, calm) = (stage.terminal("T01").await, stage.terminal("T02").await);
    rogue.disconnect();
    let mut stream = connect(&stage, &rogue).await;
    let body = vec![0; 10 * LARGEST_BODY_BYTES];
    let (status, _) = raw::ask(&mut stream, "POST /v1/entries", &body).await;
    assert!([413, 0].contains(&status), "{status}");
    let mut stream = connect(&stage, &rogue).await;
    let head = format!("PUT /v1/uploads/{}?offset=0&total=9", "0".repeat(64));
    let (status, _) = raw::ask(&mut stream, &head, &body).await;
    assert!([413, 0].contains(&status), "{status}");
    let mut socket = channel(&stage, &rogue).await;
    socket.send(hello(&rogue)).await.unwrap();
    let large = Message::Binary(vec![0; 10 * LARGEST_FRAME_BYTES].into());
    // It may be cut off before all of it is sent.
    let _ = socket.send(large).await;
    let mut ended = false;
    while let Some(heard) = socket.next().await {
        match heard {
            Ok(Message::Binary(bytes)) => {
                let message: FromHub = cbor::from_slice(&bytes).unwrap();
                assert!(!matches!(message, FromHub::Entries(_)));
            }
            Ok(Message::Close(_)) | Err(_) => {
                ended = true;
                break;
            }
            Ok(_) => {}
        }
    }
    assert!(ended || socket.next().await.is_none());
    served(&stage, &calm).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lying_terminal_is_cut_off_and_writes_nothing_elsewhere() {
    let stage = Stage::open().await;
    let (mut rogue, calm) = (stage.terminal("T01").await, stage.terminal("T02").await);
    served(&stage, &calm).await;
    rogue.disconnect();
    let before = stage.replicated(&calm);
    // Another's ledger, another's name, and what is no message at all.
    let entries = |device| {
        FromTerminal::Entries(EntriesRequest {
            ledger_id: calm.ledger.to_vec(),
            from_seq: before,
            entries: Vec::new(),
            checkpoint: None,
            device,
        })
    };
    let named = entries(Some(calm.identity.public()));
    let whole = cbor::to_vec(&entries(None)).unwrap();
    let lies = [cbor::to_vec(&named).unwrap(), whole, b"\xff\xff".to_vec()];
    let codes = [
        "hub.unknown_device",
        "entries.ledger_of_another_device",
        "upstream.malformed",
    ];
    for (lie, code) in lies.into_iter().zip(codes) {
        let mut socket = channel(&stage, &rogue).await;
        socket.send(hello(&rogue)).await.unwrap();
        socket.send(Message::Binary(lie.into())).await.unwrap();
        let reason = loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => break frame.unwrap().reason.to_string(),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(reason, code);
    }
    assert_eq!(stage.replicated(&calm), before);
    served(&stage, &calm).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stalled_clients_slow_nobody() {
    let stage = Stage::open().await;
    let hub = stage.center.book().enrolled[0].clone();
    let issued = papers::issue(&stage.center, &hub, 20_000_000);
    stage.hub().pull();
    let (mut stalled, calm) = (stage.terminal("T01").await, stage.terminal("T02").await);
    let whole = || stage.hub().papers().current(papers::SITTING).is_some();
    until("the sitting is held", whole).await;
    stalled.disconnect();
    // A channel that reads nothing, half a request, and fetches that never take their bytes.
    let mut socket = channel(&stage, &stalled).await;
    socket.send(hello(&stalled)).await.unwrap();
    let mut half = connect(&stage, &stalled).await;
    half.write_all(b"POST /v1/entries HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
        .await
        .unwrap();
    let mut fetches = Vec::new();
    for _ in 0..4 {
        let mut fetch = connect(&stage, &stalled).await;
        let head = format!(
            "GET /v1/objects/{} HTTP/1.1\r\nHost: x\r\n\r\n",
            issued.package.hex()
        );
        fetch.write_all(head.as_bytes()).await.unwrap();
        fetches.push(fetch);
    }
    let begun = Instant::now();
    served(&stage, &calm).await;
    // Whoever has to wait for one of them waits for as long as it is given.
    assert!(begun.elapsed() < Duration::from_secs(10), "slowed down");
    let pulled = calm
        .papers
        .pull(calm.uplink.upstream(), &|_| {})
        .await
        .unwrap();
    assert_eq!(pulled.sittings.len(), 1);
    served(&stage, &calm).await;
    drop((socket, half, fetches));
}

/// The hub's own program, on a stage's data directory.
fn program(stage: &Stage) -> Child {
    Command::new(env!("CARGO_BIN_EXE_fengjuan-hub"))
        .arg("--data")
        .arg(stage.data())
        .arg("--listen")
        .arg(stage.address.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_killed_has_everything_that_it_acknowledged() {
    let mut stage = Stage::open().await;
    let (one, two) = (stage.terminal("T01").await, stage.terminal("T02").await);
    stage.stop().await;
    for round in 0..4 {
        let mut hub = program(&stage);
        one.welcomed().await;
        two.welcomed().await;
        let mut size = 0;
        let before = one.replicated();
        for _ in 0..30 + 40 * round {
            size = one.record();
            two.record();
        }
        until("some of it is acknowledged", || one.replicated() > before).await;
        let acknowledged = (one.replicated(), two.replicated());
        hub.kill().unwrap();
        hub.wait().unwrap();
        let dir = stage.data();
        assert!(
            Stage::replicated_in(&dir, &one) >= acknowledged.0,
            "round {round}"
        );
        assert!(
            Stage::replicated_in(&dir, &two) >= acknowledged.1,
            "round {round}"
        );
        assert!(size >= acknowledged.0);
    }
    stage.start().await;
    let size = one.record();
    until("everything is there", || one.replicated() >= size).await;
    let replicas = stage.hub().replicas().unwrap();
    assert_eq!(replicas.forks().unwrap(), []);
    let own = one.database.reader().unwrap().entries(0, 10_000).unwrap();
    let there = replicas.entries_since(&one.ledger, 0, 10_000).unwrap();
    let bytes = |entries: &[fengjuan_store::StoredEntry]| -> Vec<ByteBuf> {
        let size = size as usize;
        entries[..size]
            .iter()
            .map(|entry| ByteBuf::from(entry.bytes.clone()))
            .collect()
    };
    assert_eq!(bytes(&own), bytes(&there));
}

const SMALL_DISK: &str = "FJ_TEST_SMALL_DISK";

#[test]
fn on_a_full_disk_nothing_is_acknowledged_that_is_not_durable() {
    let place = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=160m fengjuan \"$1\" && \"$2\" --exact \"$3\" --nocapture --ignored";
    let run = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-ec", script, "sh"])
        .arg(place.path())
        .arg(std::env::current_exe().unwrap())
        .arg("faults::fills_the_disk")
        .env(SMALL_DISK, place.path())
        .output();
    let output = match run {
        Ok(output) => output,
        Err(error) => return println!("NOT TRIED: unshare cannot be run ({error})"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    if complaint.contains("unshare failed") || complaint.contains("mount:") {
        return println!("NOT TRIED: no mount namespace here ({})", complaint.trim());
    }
    assert!(
        output.status.success() && text.contains("went on"),
        "{text}{complaint}"
    );
}

/// The part that runs on the small disk: the hub's folder is on it, the terminal's is not.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by on_a_full_disk_nothing_is_acknowledged_that_is_not_durable"]
async fn fills_the_disk() {
    let disk = std::path::PathBuf::from(std::env::var_os(SMALL_DISK).unwrap());
    let mut stage = Stage::unopened();
    stage.hub_on(&disk.join("hub"));
    stage.start().await;
    until("the delegation is here", || {
        stage.hub().delegation().is_some()
    })
    .await;
    let terminal = stage.terminal("T01").await;
    served(&stage, &terminal).await;
    let filler = disk.join("filler");
    fill(&filler);
    // The reserves are given free: go on until they are used up too.
    let full = |hub: &Hub| hub.trouble().contains(&"store.full");
    let mut rounds = 0;
    while !full(stage.hub()) {
        rounds += 1;
        assert!(rounds < 100_000, "the disk never was full");
        terminal.record();
        tokio::task::yield_now().await;
    }
    fill(&disk.join("more"));
    let mut size = 0;
    for _ in 0..200 {
        size = terminal.record();
    }
    assert!(terminal.replicated() <= stage.replicated(&terminal));
    std::fs::remove_file(filler).unwrap();
    std::fs::remove_file(disk.join("more")).unwrap();
    until("everything is there after all", || {
        terminal.replicated() >= size
    })
    .await;
    assert!(stage.replicated(&terminal) >= size);
    until("the trouble is over", || !full(stage.hub())).await;
    println!("went on");
}

/// Writes until nothing more goes in.
fn fill(file: &std::path::Path) {
    use std::io::Write;
    let mut file = std::fs::File::create(file).unwrap();
    for piece in [1 << 20, 4096, 1] {
        while file.write_all(&vec![1; piece]).is_ok() {}
    }
    let _ = file.sync_all();
}

/// Why the hub has ended this channel.
async fn ended(socket: &mut WebSocketStream<Stream>) -> String {
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(frame))) => break frame.unwrap().reason.to_string(),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Another hub of this room, with the epoch that it has raised.
fn raised(stage: &Stage, epoch: u64, center: &SigningKey) -> EpochProof {
    let own = stage.hub().delegation().unwrap();
    let other = SigningKey::from_seed(&[77; 32]);
    let delegation = HubDelegation {
        device: other.public(),
        issuer: other.public(),
        ..own.delegation.clone()
    };
    let epoch = Epoch {
        site: SITE.to_owned(),
        room_no: "R1".to_owned(),
        epoch,
        hub: other.public(),
        raised_ms: delegation.issued_ms,
        raised_by: "P1".to_owned(),
    };
    EpochProof {
        epoch: epoch.sign(&other).unwrap(),
        delegation: delegation.sign(center).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminals_word_stops_no_station_and_a_signed_epoch_does() {
    let stage = Stage::open().await;
    let (mut rogue, calm) = (stage.terminal("T01").await, stage.terminal("T02").await);
    rogue.disconnect();
    let (hub, center) = (stage.hub(), &stage.center.keys.issuer);
    let nobody = SigningKey::from_seed(&[78; 32]);
    let lies = [
        (u64::MAX, None),
        (7, None),
        (7, Some(raised(&stage, 7, &nobody))),
        (8, Some(raised(&stage, 7, center))),
    ];
    for (epoch, proof) in lies {
        let mut socket = channel(&stage, &rogue).await;
        let word = obeying(&rogue, epoch, proof);
        socket.send(word).await.unwrap();
        assert_eq!(ended(&mut socket).await, "room.epoch_unproved");
        assert!(hub.room().raised().is_some(), "{epoch} stopped the room");
    }
    let alert = Alert::Stranger {
        device: rogue.device(),
        code: "room.epoch_unproved".to_owned(),
    };
    let told = |alert: &Alert| {
        hub.room().read(|station| {
            let open = station.alerts().worst_first();
            open.iter().any(|open| open.alert == *alert)
        })
    };
    until("it is an alert", || told(&alert)).await;
    served(&stage, &calm).await;
    // What another hub of the room has signed is another matter, and it goes on being a witness.
    let mut socket = channel(&stage, &rogue).await;
    let word = obeying(&rogue, 7, Some(raised(&stage, 7, center)));
    socket.send(word).await.unwrap();
    until("this station has stopped", || hub.room().raised().is_none()).await;
    until("its page says so", || {
        told(&Alert::StationStopped { epoch: 7 })
    })
    .await;
    let refused = hub.room().act(&Action::NumberMachines {}, &proctor());
    assert_eq!(refused.unwrap_err().code(), "room.not_commanding");
    let size = calm.record();
    calm.uplink.nudge();
    until("the other is replicated", || {
        stage.replicated(&calm) >= size
    })
    .await;
    assert!(hub.room().lines().connected().is_empty());
}

fn beat(storage: Option<String>) -> Message {
    let beat = FromTerminal::Beat(Beat {
        exam_ms: None,
        ledger_size: 0,
        held: Vec::new(),
        unlocked: Vec::new(),
        seat: None,
        unsent: 0,
        storage,
        camera: None,
        pulling: None,
        failed_checks: None,
    });
    Message::Binary(cbor::to_vec(&beat).unwrap().into())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_terminal_says_is_a_code_or_nothing() {
    let stage = Stage::open().await;
    let mut rogue = stage.terminal("T01").await;
    rogue.disconnect();
    for long in ["x".repeat(65), "纸".to_owned(), String::new()] {
        let mut socket = channel(&stage, &rogue).await;
        socket.send(hello(&rogue)).await.unwrap();
        socket
            .send(beat(Some("store.full".to_owned())))
            .await
            .unwrap();
        socket.send(beat(Some(long.clone()))).await.unwrap();
        assert_eq!(ended(&mut socket).await, "upstream.malformed", "{long:?}");
        let acknowledged = FromTerminal::Acknowledge {
            epoch: 1,
            no: 1,
            refusal: Some(long),
        };
        let mut socket = channel(&stage, &rogue).await;
        socket.send(hello(&rogue)).await.unwrap();
        let acknowledged = cbor::to_vec(&acknowledged).unwrap();
        socket
            .send(Message::Binary(acknowledged.into()))
            .await
            .unwrap();
        assert_eq!(ended(&mut socket).await, "upstream.malformed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_floods_is_slowed_and_told_and_slows_nobody() {
    let stage = Stage::open().await;
    let (mut flooding, calm) = (stage.terminal("T01").await, stage.terminal("T02").await);
    flooding.disconnect();
    let mut socket = channel(&stage, &flooding).await;
    socket.send(hello(&flooding)).await.unwrap();
    let (mut sends, mut hears) = socket.split();
    // Whatever comes is read, so that only the hub holds it back.
    let heard = tokio::spawn(async move { while let Some(Ok(_)) = hears.next().await {} });
    let sent = Arc::new(AtomicU64::new(0));
    let count = sent.clone();
    let floods = tokio::spawn(async move {
        loop {
            let sent = count.fetch_add(1, Ordering::Relaxed);
            let message = match sent % 50 {
                0 => beat(None),
                _ => Message::Pong(vec![0; 100].into()),
            };
            if sends.send(message).await.is_err() {
                break;
            }
        }
    });
    let device = flooding.device();
    let told = || {
        stage.hub().room().read(|station| {
            let open = station.alerts().worst_first();
            let flood =
                |alert: &Alert| matches!(alert, Alert::Flood { device: one } if *one == device);
            open.iter().filter(|open| flood(&open.alert)).count()
        })
    };
    until("it is an alert", || told() == 1).await;
    // Nobody waits for it, and it is not cut off.
    let size = calm.record();
    until("another is heard", || stage.replicated(&calm) >= size).await;
    // By now all buffers on the way are full, and it sends as fast as it is read.
    let (from, then) = (sent.load(Ordering::Relaxed), Instant::now());
    let more = || sent.load(Ordering::Relaxed) >= from + 4_000;
    until("it goes on", more).await;
    assert!(
        then.elapsed() >= Duration::from_secs(2),
        "{:?}",
        then.elapsed()
    );
    assert!(!floods.is_finished() && !heard.is_finished());
    assert_eq!(told(), 1, "told once");
    floods.abort();
    heard.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_is_revoked_before_its_first_word_is_told_nothing() {
    let stage = Stage::open().await;
    let (mut rogue, calm) = (stage.terminal("T01").await, stage.terminal("T02").await);
    rogue.disconnect();
    let hub = stage.hub();
    // It has upgraded while it was approved, and says its first word when it is not any more.
    let mut socket = channel(&stage, &rogue).await;
    hub.devices()
        .revoke(hub.room(), &rogue.device(), &proctor())
        .unwrap();
    socket.send(hello(&rogue)).await.unwrap();
    assert_eq!(ended(&mut socket).await, "upstream.device_revoked");
    served(&stage, &calm).await;
}
