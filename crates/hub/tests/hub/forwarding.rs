//! Through the hub to the center: ledgers, witnessed on the way, and sealed objects, each exactly once.

use crate::center::SITE;
use crate::stage::{Stage, Terminal, until};
use fengjuan_core::event::{Event, Hash32, PictureUse};
use fengjuan_device::recorder::SYSTEM;
use fengjuan_envelope::note;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_hub::Whereabouts;
use fengjuan_store::Change;
use fengjuan_wire::Signed;
use fengjuan_wire::bundle::{ObjectKind, ObjectPlace, Picture, Receipt, seal_object};
use fengjuan_wire::upstream::EntriesRequest;

/// Seals a picture and keeps it as a terminal does.
pub fn seal(stage: &Stage, terminal: &Terminal, bytes: usize) -> Hash32 {
    let picture = Picture {
        attempt_id: vec![1; 16],
        usage: PictureUse::Snapshot,
        taken_ms: 1,
        due_ms: None,
        pattern: true,
        salt: vec![2; 16],
        jpeg: vec![7; bytes],
    };
    let place = ObjectPlace {
        kind: ObjectKind::Picture,
        site: SITE.to_owned(),
        sitting_no: "Z1".to_owned(),
        version: 1,
    };
    let results = stage.center.keys.results.public();
    let (hash, bytes) = seal_object(&picture, &place, &terminal.identity.sign, &results).unwrap();
    let sealed = Event::BundleSealed { bundle_no: 1, hash };
    let change = Change::default().entry(terminal.recorder.entry(SYSTEM, None, sealed));
    let stored = terminal
        .recorder
        .store_object("picture", hash.0, &bytes, change);
    stored.unwrap().unwrap();
    terminal.uplink.nudge();
    hash
}

/// The receipt that the terminal keeps for an object.
fn receipt(terminal: &Terminal, hash: &Hash32) -> Option<Vec<u8>> {
    let reader = terminal.database.reader().unwrap();
    reader.object(&hash.0).unwrap().unwrap().receipt
}

fn times_at_center(stage: &Stage, hash: &Hash32) -> usize {
    let book = stage.center.book();
    book.objects
        .iter()
        .filter(|(known, _)| known == hash)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn ledgers_reach_the_center_as_they_were_written_with_the_devices_own_checkpoints() {
    let stage = Stage::open().await;
    let terminal = stage.terminal("T01").await;
    let mut size = 0;
    for _ in 0..700 {
        size = terminal.record();
    }
    until("all is at the hub", || stage.replicated(&terminal) >= size).await;
    let me = terminal.identity.public();
    until("all is at the center", || {
        stage.center.entries_of(&me).len() as u64 >= size
    })
    .await;
    let reader = terminal.database.reader().unwrap();
    let own = reader.entries(0, 10_000).unwrap();
    for (own, there) in own.iter().zip(stage.center.entries_of(&me)) {
        assert_eq!(own.bytes, there.into_vec());
    }
    // The terminal's own checkpoint goes along, and the hub has cosigned it.
    terminal.uplink.nudge();
    until("the hub has cosigned", || {
        terminal.uplink.state().borrow().witnessed_size >= size
    })
    .await;
    until("the center has a checkpoint", || {
        let book = stage.center.book();
        book.checkpoints
            .get(terminal.ledger.as_slice())
            .is_some_and(|known| *known >= size)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_has_the_hubs_receipt_first_and_then_the_centers_exactly_once() {
    let mut stage = Stage::open().await;
    let terminal = stage.terminal("T01").await;
    stage.center.away().await;
    let hash = seal(&stage, &terminal, 700_000);
    until("it is at the hub", || {
        stage.hub().here_only().contains_key(&hash)
    })
    .await;
    let state = terminal.uplink.state();
    until("the terminal knows", || {
        state.borrow().at_hub.contains(&hash)
    })
    .await;
    assert_eq!(
        receipt(&terminal, &hash),
        None,
        "only the center's receipt is one"
    );
    assert_eq!(stage.hub().whereabouts(&hash), Whereabouts::Here);
    let other = Hash32([3; 32]);
    assert_eq!(stage.hub().whereabouts(&other), Whereabouts::Missing);
    // Both programs end, and nothing is forgotten.
    stage.stop().await;
    stage.start().await;
    assert!(stage.hub().here_only().contains_key(&hash));
    terminal.welcomed().await;
    let looks = terminal.side.looks();
    stage.center.back();
    until("it is at the center", || {
        times_at_center(&stage, &hash) == 1
    })
    .await;
    until("the hub knows", || stage.hub().here_only().is_empty()).await;
    assert_eq!(stage.hub().whereabouts(&hash), Whereabouts::AtCenter);
    until("the terminal is told", || terminal.side.looks() > looks).await;
    until("and has it", || receipt(&terminal, &hash).is_some()).await;
    let given = receipt(&terminal, &hash).unwrap();
    let receipt = Receipt::verify(&stage.center.keys.directory.receipt, &given).unwrap();
    assert_eq!(receipt.object, hash);
    assert_eq!(times_at_center(&stage, &hash), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_brings_only_what_it_has_sealed_itself() {
    let stage = Stage::open().await;
    let (one, two) = (stage.terminal("T01").await, stage.terminal("T02").await);
    let hash = seal(&stage, &one, 100);
    until("it is at the hub", || {
        stage
            .hub()
            .reader()
            .unwrap()
            .object(&hash.0)
            .unwrap()
            .is_some()
    })
    .await;
    let bytes = one
        .database
        .reader()
        .unwrap()
        .object_bytes(&hash.0)
        .unwrap();
    // Another terminal's object under a new name of its own, and something that is no object at all.
    let stolen = [bytes.as_slice(), b"x"].concat();
    for (bytes, code) in [
        (stolen, "upload.not_an_object"),
        (b"nothing".to_vec(), "upload.not_an_object"),
    ] {
        let name = fengjuan_wire::hash(&bytes);
        let stored = two
            .recorder
            .store_object("picture", name.0, &bytes, Change::default());
        stored.unwrap();
        two.uplink.nudge();
        let state = two.uplink.state();
        until("it is refused", || {
            state
                .borrow()
                .failures
                .get(&name)
                .is_some_and(|known| known == code)
        })
        .await;
    }
}

/// The terminal's own checkpoint that goes with the last of its entries on the stick.
fn last_note(folder: &std::path::Path, ledger: &[u8; 16]) -> String {
    let mut notes: Vec<_> = requests_on(folder, ledger)
        .into_iter()
        .filter_map(|request| request.checkpoint)
        .collect();
    notes.pop().unwrap()
}

/// The entries of a ledger on the stick, in the order of their places, and the size of the checkpoint over them.
fn on_stick(folder: &std::path::Path, ledger: &[u8; 16]) -> (Vec<Vec<u8>>, bool) {
    let requests = requests_on(folder, ledger);
    let covered = requests
        .last()
        .is_some_and(|last| last.checkpoint.is_some());
    let entries = requests.into_iter().flat_map(|request| request.entries);
    (entries.map(|entry| entry.into_vec()).collect(), covered)
}

fn requests_on(folder: &std::path::Path, ledger: &[u8; 16]) -> Vec<EntriesRequest> {
    let files = std::fs::read_dir(folder.join("fengjuan-courier/entries")).unwrap();
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        fengjuan_envelope::cbor::from_slice::<EntriesRequest>(&bytes).unwrap()
    };
    let mut requests: Vec<EntriesRequest> = files.map(read).collect();
    requests.retain(|request| request.ledger_id == ledger);
    requests.sort_by_key(|request| request.from_seq);
    requests
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_line_everything_of_the_room_goes_by_hand() {
    let mut stage = Stage::open().await;
    let terminal = stage.terminal("T01").await;
    let me = terminal.identity.public();
    until("the center knows the terminal", || {
        !stage.center.entries_of(&me).is_empty()
    })
    .await;
    stage.center.away().await;
    let before = stage.center.entries_of(&me).len();
    let mut size = 0;
    for _ in 0..700 {
        size = terminal.record();
    }
    let hash = seal(&stage, &terminal, 1_000);
    terminal.uplink.nudge();
    until("the hub has all of it", || {
        terminal.uplink.state().borrow().witnessed_size >= size
    })
    .await;
    let courier = stage.hub().courier();
    until("the object is at the hub", || {
        stage.hub().here_only().contains_key(&hash)
    })
    .await;
    let folder = stage.dir.path().join("stick");
    let to = folder.clone();
    let exported = tokio::task::spawn_blocking(move || courier.export(&to));
    assert!(exported.await.unwrap().unwrap() > 0);
    let own = terminal
        .database
        .reader()
        .unwrap()
        .entries(0, 10_000)
        .unwrap();
    let (brought, covered) = on_stick(&folder, &terminal.ledger);
    assert!(covered, "its own checkpoint goes with the last of them");
    let first = own.len().min(brought.len());
    assert!(
        before + brought.len() >= size as usize,
        "{before} and {}",
        brought.len()
    );
    let from = own
        .iter()
        .position(|entry| entry.bytes == brought[0])
        .unwrap();
    assert!(from <= before, "no gap before what the center has");
    for (own, brought) in own[from..].iter().zip(&brought).take(first) {
        assert_eq!(own.bytes, *brought);
    }
    let up = folder.join("fengjuan-courier/up").join(hash.hex());
    assert!(up.exists());
    let known = stage.hub().devices().get(&terminal.device()).unwrap();
    let certificate = fengjuan_wire::hash(known.certificate.as_ref().unwrap());
    let devices = folder.join("fengjuan-courier/devices");
    assert!(devices.join(certificate.hex()).exists());
    // The way back: the center's witness has the ledger, and says so under the terminal's own checkpoint. The word of
    // another witness, or about another ledger, counts nothing.
    let forwarded = || {
        let reader = stage.hub().replicas().unwrap();
        reader.forwarded(&terminal.ledger).unwrap()
    };
    assert!(forwarded() < size);
    let receipts = folder.join("fengjuan-courier/receipts");
    std::fs::create_dir_all(&receipts).unwrap();
    let note = last_note(&folder, &terminal.ledger);
    let name = stage.center.keys.directory.witness_name();
    let answer = |key: &SigningKey| {
        let text = note::cosign(&note, &name, key, 1_800_000_000).unwrap();
        let file = receipts.join(fengjuan_wire::hash(text.as_bytes()).hex());
        std::fs::write(file, &text).unwrap();
    };
    let take = || {
        let courier = stage.hub().courier();
        let folder = folder.clone();
        tokio::task::spawn_blocking(move || courier.take_answers(&folder))
    };
    answer(&SigningKey::generate().unwrap());
    assert_eq!(take().await.unwrap().unwrap(), 0);
    assert!(forwarded() < size);
    answer(&stage.center.keys.witness);
    assert_eq!(take().await.unwrap().unwrap(), 1);
    assert!(forwarded() >= size);
    assert_eq!(take().await.unwrap().unwrap(), 0, "nothing is new twice");
    // Again, and nothing but the hub's own new entries is new.
    let courier = stage.hub().courier();
    let again = tokio::task::spawn_blocking(move || courier.export(&folder));
    assert!(again.await.unwrap().unwrap() <= 2);
}
