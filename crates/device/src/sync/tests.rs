mod at_hub;

use super::enrolment::ASKED_AS;
use super::*;
use crate::machine::simulated::SimulatedMachine;
use crate::recorder::SYSTEM;
use crate::test_center::{FakeUpstream, START_MS, TestCenter};
use fengjuan_core::choice::Choice;
use fengjuan_core::event::Event;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_store::{Change, Database, Projection};
use fengjuan_wire::order::{Order, OrderKind};
use fengjuan_wire::upstream::UPLOAD_PART_BYTES;
use fengjuan_wire::{Hash32, Signed};

struct Terminal {
    dir: tempfile::TempDir,
    database: Database,
    machine: Arc<SimulatedMachine>,
    recorder: Recorder,
    sync: Uplink<FakeUpstream>,
    orders: mpsc::UnboundedReceiver<ReceivedOrder>,
}

impl Terminal {
    /// Approved already, with a clock that is a minute late.
    fn new() -> Terminal {
        let dir = tempfile::tempdir().unwrap();
        let (database, _) = Database::open(dir.path()).unwrap();
        let reader = database.reader().unwrap();
        let machine = Arc::new(SimulatedMachine::new(START_MS - 60_000));
        let (recorder, _) = Recorder::start(database.writer(), &reader, machine.clone()).unwrap();
        let identity = Arc::new(DeviceIdentity::open(dir.path()).unwrap());
        let center = TestCenter::new();
        let kit = center.kit("https://127.0.0.1:1");
        let upstream = FakeUpstream::new(center);
        {
            let mut state = upstream.state.lock().unwrap();
            state.approved = Some(upstream.center.certificate(&identity));
            state.device = Some(identity.public());
            state.origin = kit
                .directory
                .ledger_origin(&reader.head().unwrap().ledger_id);
        }
        let data_dir = dir.path().to_owned();
        let parts = UplinkParts {
            upstream,
            kit,
            identity,
            recorder: recorder.clone(),
            reader,
            data_dir,
        };
        let (sync, orders) = Uplink::new(parts).unwrap();
        sync.ask_to_enrol("T01").unwrap();
        Terminal {
            dir,
            database,
            machine,
            recorder,
            sync,
            orders,
        }
    }

    fn pass(&self) -> Result<(), SyncError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        self.machine.advance(60_000);
        self.sync.nudge();
        runtime.block_on(self.sync.pass())
    }

    fn store_object(&self, size: usize, fill: u8) -> Hash32 {
        let bytes = vec![fill; size];
        let hash = fengjuan_envelope::sha256(&bytes);
        self.recorder
            .store_object("picture", hash, &bytes, Change::default())
            .unwrap();
        Hash32(hash)
    }

    fn state(&self) -> SyncState {
        self.sync.state().borrow().clone()
    }

    fn fake(&self) -> std::sync::MutexGuard<'_, crate::test_center::FakeState> {
        self.sync.upstream().state.lock().unwrap()
    }

    fn count(&self, kind: &str) -> usize {
        let entries = self.database.reader().unwrap().entries(0, 10_000).unwrap();
        entries.iter().filter(|entry| entry.kind == kind).count()
    }
}

#[test]
fn nobody_is_contacted_before_somebody_asks_and_pending_is_not_enrolled() {
    let terminal = Terminal::new();
    terminal.fake().approved = None;
    terminal
        .recorder
        .writer()
        .put(vec![Projection::remove(NS, ASKED_AS)])
        .unwrap();
    terminal.pass().unwrap();
    assert_eq!(terminal.fake().calls, 0);
    terminal.sync.ask_to_enrol("T01").unwrap();
    terminal.pass().unwrap();
    assert_eq!(terminal.state().link, LinkState::NotEnrolled);
    assert_eq!(terminal.state().enrolment, Some(Enrolment::Pending));
    let mine = terminal
        .sync
        .upstream()
        .center
        .certificate(&terminal.sync.inner.identity);
    let stranger = TestCenter::new().certificate(&terminal.sync.inner.identity);
    terminal.fake().approved = Some(stranger);
    assert_eq!(
        terminal.pass().unwrap_err().code(),
        "upstream.not_authentic"
    );
    terminal.fake().approved = Some(mine);
    terminal.pass().unwrap();
    assert_eq!(
        (terminal.state().link, terminal.count("app.enrolled")),
        (LinkState::Online, 1)
    );
    let reader = terminal.database.reader().unwrap();
    let kit = &terminal.sync.inner.kit;
    assert!(
        upstream::certificate(
            &reader,
            &[kit.directory.device_ca],
            &kit.site,
            &terminal.sync.inner.identity
        )
        .unwrap()
        .is_some()
    );
}

#[test]
fn the_clock_is_anchored_once_told_once_and_again_after_being_offline() {
    let terminal = Terminal::new();
    terminal.fake().unix_ms = START_MS + 60_000;
    terminal.pass().unwrap();
    assert!(terminal.recorder.clock().is_anchored());
    assert_eq!(terminal.count("system.exam_clock_anchored"), 1);
    terminal.fake().offline = true;
    assert_eq!(terminal.pass().unwrap_err().code(), "upstream.unreachable");
    assert_eq!(terminal.state().link, LinkState::Offline);
    assert_eq!(
        terminal.state().last_error.as_deref(),
        Some("upstream.unreachable")
    );
    let before = terminal.recorder.exam_now();
    terminal.fake().offline = false;
    // An upstream that is an hour off is not believed by an anchored clock, and syncing goes on.
    terminal.fake().unix_ms += 3_600_000;
    terminal.pass().unwrap();
    assert_eq!(terminal.recorder.exam_now(), before + 60_000);
    assert_eq!(terminal.state().link, LinkState::Online);
}

#[test]
fn entries_are_replicated_in_batches_and_witnessed() {
    let terminal = Terminal::new();
    for number in 0..1_203 {
        terminal
            .recorder
            .record(SYSTEM, Event::FocusBack { after_ms: number })
            .unwrap();
    }
    terminal.pass().unwrap();
    let state = terminal.state();
    assert_eq!(state.ledger_size, 1_205, "with enrolment and anchor");
    assert_eq!(
        (state.witnessed_size, terminal.fake().entries.len()),
        (1_205, 1_205)
    );
    assert!(state.witnessed_ms.is_some());
    // The upstream has lost its tail: everything is there again afterwards.
    terminal.fake().entries.truncate(7);
    terminal
        .recorder
        .record(SYSTEM, Event::FocusLost {})
        .unwrap();
    terminal.pass().unwrap();
    assert_eq!(terminal.fake().entries.len(), 1_206);
    assert_eq!(terminal.state().witnessed_size, 1_206);
    let calls = terminal.fake().calls;
    terminal.pass().unwrap();
    assert_eq!(
        terminal.fake().calls,
        calls + 2,
        "time and orders only: nothing new to send"
    );
}

#[test]
fn a_center_that_was_away_the_whole_exam_gets_everything_once_when_it_is_back() {
    let terminal = Terminal::new();
    terminal.pass().unwrap();
    terminal.fake().offline = true;
    let mut objects = Vec::new();
    for number in 0..40 {
        terminal
            .recorder
            .record(SYSTEM, Event::FocusBack { after_ms: number })
            .unwrap();
        if number % 4 == 0 {
            objects.push(terminal.store_object(1_000, number as u8));
        }
        assert_eq!(terminal.pass().unwrap_err().code(), "upstream.unreachable");
        assert_eq!(terminal.state().unsent as usize, objects.len());
    }
    terminal.fake().offline = false;
    terminal.pass().unwrap();
    let state = terminal.state();
    assert_eq!((state.link, state.unsent), (LinkState::Online, 0));
    assert_eq!(state.witnessed_size, state.ledger_size);
    assert_eq!(terminal.fake().received, objects, "each once, oldest first");
    let reader = terminal.database.reader().unwrap();
    let ours = reader.entries(0, 10_000).unwrap();
    let ours: Vec<Vec<u8>> = ours.into_iter().map(|entry| entry.bytes).collect();
    assert_eq!(terminal.fake().entries, ours);
}

#[test]
fn a_fork_is_recorded_once_and_never_hidden() {
    let terminal = Terminal::new();
    terminal
        .recorder
        .record(SYSTEM, Event::FocusLost {})
        .unwrap();
    terminal.fake().fork_at = Some(0);
    for _ in 0..3 {
        assert_eq!(
            terminal.pass().unwrap_err(),
            SyncError::Forked { at_seq: 0 }
        );
    }
    assert_eq!(terminal.count("db.fork_seen"), 1);
    assert_eq!(
        (terminal.state().forked_at, terminal.state().witnessed_size),
        (Some(0), 0)
    );
}

#[test]
fn a_ledger_that_was_put_back_is_told_by_what_the_upstream_still_holds() {
    let terminal = Terminal::new();
    terminal
        .recorder
        .record(SYSTEM, Event::FocusLost {})
        .unwrap();
    terminal.pass().unwrap();
    terminal
        .recorder
        .record(SYSTEM, Event::FocusLost {})
        .unwrap();
    let size = terminal.database.reader().unwrap().size().unwrap();
    // As if the same entries and more had been sent before the disk was restored.
    let entries = terminal.database.reader().unwrap().entries(0, 100).unwrap();
    let mut held: Vec<Vec<u8>> = entries.into_iter().map(|entry| entry.bytes).collect();
    held.push(b"later".to_vec());
    terminal.fake().entries = held;
    assert_eq!(
        terminal.pass().unwrap_err(),
        SyncError::Forked { at_seq: size }
    );
    assert_eq!(terminal.state().forked_at, Some(size));
}

#[test]
fn a_new_run_shows_its_head_even_where_nothing_is_new() {
    let terminal = Terminal::new();
    terminal.pass().unwrap();
    terminal.pass().unwrap();
    let size = terminal.state().witnessed_size;
    assert_eq!(size, terminal.database.reader().unwrap().size().unwrap());
    terminal.fake().entries.push(b"later".to_vec());
    terminal.pass().unwrap();
    assert_eq!(terminal.state().forked_at, None, "shown in this run before");
    // The program starts anew on a database that was put back to where it is, and writes nothing.
    *terminal.sync.run() = Run::default();
    let told = SyncError::Forked { at_seq: size };
    assert_eq!(terminal.pass().unwrap_err(), told);
    assert_eq!(terminal.pass().unwrap_err(), told, "until people settle it");
    terminal.fake().entries.pop();
    terminal.pass().unwrap();
    let calls = terminal.fake().calls;
    terminal.pass().unwrap();
    assert_eq!(terminal.fake().calls, calls + 2, "time and orders only");
}

#[test]
fn a_device_that_the_center_turns_away_keeps_its_papers_and_says_so() {
    let terminal = Terminal::new();
    terminal.pass().unwrap();
    terminal.fake().turned_away = Some("upstream.device_revoked".to_owned());
    assert_eq!(
        terminal.pass().unwrap_err().code(),
        "upstream.device_revoked"
    );
    let state = terminal.state();
    assert_eq!(state.link, LinkState::NotEnrolled);
    assert!(matches!(state.enrolment, Some(Enrolment::Approved(_))));
    terminal.fake().turned_away = None;
    terminal.pass().unwrap();
    assert_eq!(terminal.state().link, LinkState::Online);
}

#[test]
fn an_interrupted_upload_goes_on_at_part_boundaries_and_200_seeded_offsets() {
    let part = UPLOAD_PART_BYTES as u64;
    let size = 2 * part + 12_345;
    let mut cuts: Vec<u64> = [part, 2 * part, size]
        .iter()
        .flat_map(|at| [at - 1, *at, at + 1])
        .chain([0, 1])
        .collect();
    let seed = [0xC7; 32];
    println!("seed {seed:02x?}");
    let mut choice = Choice::new(&seed, &[b"cut"]);
    cuts.extend((0..200).map(|_| u64::from(choice.below(size as u32))));
    let terminal = Terminal::new();
    terminal.pass().unwrap();
    for (number, cut) in cuts.into_iter().enumerate() {
        let mut bytes = vec![0; size as usize];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let hash = fengjuan_envelope::sha256(&bytes);
        terminal
            .recorder
            .store_object("bundle", hash, &bytes, Change::default())
            .unwrap();
        terminal.fake().cut_after = Some(cut);
        let first = terminal.pass();
        if cut < size {
            assert_eq!(first.unwrap_err().code(), "upstream.unreachable");
            let state = terminal.state();
            assert_eq!((state.unsent, state.link), (1, LinkState::Offline));
            assert_eq!(
                state.failures.get(&Hash32(hash)).map(String::as_str),
                Some("upstream.unreachable")
            );
            terminal.fake().cut_after = None;
            terminal.pass().unwrap();
        }
        terminal.fake().cut_after = None;
        let state = terminal.state();
        assert_eq!((state.unsent, state.failures.len()), (0, 0), "cut {cut}");
        let mut fake = terminal.fake();
        assert_eq!(fake.uploads[&Hash32(hash)], bytes, "cut {cut}");
        fake.uploads.clear();
    }
    assert_eq!(terminal.count("app.receipted"), 211);
}

#[test]
fn only_a_true_receipt_makes_green_and_a_refused_object_holds_no_other_back() {
    let terminal = Terminal::new();
    terminal.store_object(10, 1);
    terminal.store_object(10, 2);
    terminal.fake().false_receipts = true;
    assert_eq!(terminal.pass().unwrap_err().code(), "sync.receipt");
    assert_eq!(
        (terminal.state().unsent, terminal.state().failures.len()),
        (2, 2)
    );
    terminal.fake().false_receipts = false;
    terminal.pass().unwrap();
    assert_eq!(
        (terminal.state().unsent, terminal.state().failures.len()),
        (0, 0)
    );
    let hash = terminal.store_object(10, 3);
    terminal.fake().refuse_uploads = Some("upstream.too_large".to_owned());
    assert_eq!(terminal.pass().unwrap_err().code(), "upstream.too_large");
    assert_eq!(terminal.state().link, LinkState::Online);
    assert_eq!(terminal.state().failures[&hash], "upstream.too_large");
    assert!(
        terminal
            .database
            .reader()
            .unwrap()
            .object_bytes(&hash.0)
            .is_ok(),
        "nothing is deleted"
    );
}

fn order(number: &str, site: &str) -> Order {
    Order {
        order_no: number.to_owned(),
        site: site.to_owned(),
        sitting_no: "K1".to_owned(),
        issued_ms: START_MS,
        kind: OrderKind::Postpone { by_ms: 600_000 },
        reason: "停电".to_owned(),
        approved_by: "李".to_owned(),
    }
}

#[test]
fn an_order_is_handed_out_and_recorded_once_and_a_false_one_never() {
    let mut terminal = Terminal::new();
    terminal.sync.upstream().order(&order("O1", "S01"));
    terminal.pass().unwrap();
    terminal.pass().unwrap();
    assert_eq!(terminal.orders.try_recv().unwrap().order.order_no, "O1");
    assert!(terminal.orders.try_recv().is_err());
    assert_eq!(terminal.count("app.order_received"), 1);
    let reader = terminal.database.reader().unwrap();
    assert_eq!(
        held_orders(&reader, &terminal.sync.inner.kit)
            .unwrap()
            .len(),
        1
    );
    terminal.sync.upstream().order(&order("O2", "S02"));
    assert_eq!(terminal.pass().unwrap_err().code(), "sync.order");
    let forged = order("O3", "S01").sign(&TestCenter::new().issuer).unwrap();
    assert_eq!(
        terminal.sync.take_order(&forged).unwrap_err().code(),
        "sync.order"
    );
    assert!(terminal.orders.try_recv().is_err());
}

#[test]
fn everything_goes_up_by_hand_and_its_receipts_come_back() {
    let terminal = Terminal::new();
    let hash = terminal.store_object(500, 7);
    terminal
        .recorder
        .record(SYSTEM, Event::FocusLost {})
        .unwrap();
    let stick = tempfile::tempdir().unwrap();
    assert_eq!(terminal.sync.export_up(stick.path()).unwrap(), 2);
    assert_eq!(terminal.state().unsent, 1, "carried away is not sent");
    let root = stick.path().join("fengjuan-courier");
    assert_eq!(
        std::fs::read(root.join("up").join(hash.hex()))
            .unwrap()
            .len(),
        500
    );
    let carried = std::fs::read_dir(root.join("entries"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let request: fengjuan_wire::upstream::EntriesRequest =
        fengjuan_envelope::cbor::from_slice(&std::fs::read(carried).unwrap()).unwrap();
    let center = &terminal.sync.upstream().center;
    let receipt = |object| fengjuan_wire::bundle::Receipt {
        object,
        bytes: 500,
        received_ms: START_MS,
        position: 0,
        receiver: "jining".to_owned(),
    };
    let name = center.directory.witness_name();
    let note = fengjuan_envelope::note::cosign(
        &request.checkpoint.unwrap(),
        &name,
        &center.witness,
        1_800_000,
    )
    .unwrap();
    let receipts = root.join("receipts");
    std::fs::create_dir(&receipts).unwrap();
    let answers = [
        receipt(hash).sign(&center.receipt).unwrap(),
        receipt(hash).sign(&TestCenter::new().receipt).unwrap(),
        receipt(Hash32([1; 32])).sign(&center.receipt).unwrap(),
        note.into_bytes(),
    ];
    for answer in &answers {
        put(&receipts, answer);
    }
    assert_eq!(terminal.sync.import_receipts(stick.path()).unwrap(), 2);
    let state = terminal.state();
    assert_eq!((state.unsent, state.witnessed_size), (0, 1));
    assert!(
        terminal
            .dir
            .path()
            .join("objects")
            .join(hash.hex())
            .exists()
    );
}

fn put(dir: &std::path::Path, bytes: &[u8]) {
    std::fs::write(dir.join(fengjuan_wire::hash(bytes).hex()), bytes).unwrap();
}

#[test]
fn the_task_passes_at_a_nudge_and_stops_when_dropped() {
    let terminal = Terminal::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let task = terminal.sync.spawn(runtime.handle());
    let mut state = terminal.sync.state();
    runtime
        .block_on(state.wait_for(|state| state.link == LinkState::Online))
        .unwrap();
    terminal.store_object(10, 1);
    terminal.sync.nudge();
    runtime
        .block_on(state.wait_for(|state| state.unsent == 0 && state.ledger_size == 3))
        .unwrap();
    drop(task);
}
