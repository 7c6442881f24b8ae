//! A full disk and refused writes: never a false acknowledgement, and the writer goes on afterwards.
#![allow(clippy::unwrap_used)]

mod harness;

use fengjuan_store::replica::{AppendOutcome, CheckpointOutcome};
use fengjuan_store::{Change, Database, Projection, Replicas, StoreError, Taken};
use harness::device::{self, Device};
use harness::vfs::{self, Faults};
use harness::{Scratch, TestEntry};
use std::path::Path;
use std::process::Command;

/// What the database must hold: exactly the acknowledged entries, in their order.
fn check(dir: &Path, acknowledged: &[[u8; 32]]) {
    let (database, opened) = Database::open(dir).unwrap();
    let reader = database.reader().unwrap();
    let leaves: Vec<_> = reader
        .entries(0, usize::MAX)
        .unwrap()
        .into_iter()
        .map(|entry| entry.leaf)
        .collect();
    assert_eq!(leaves, acknowledged, "of {} entries", opened.entries);
    reader.integrity_check().unwrap();
}

/// One run in which the calls `from..until` fail. True where a fault was reached.
fn run_with(scratch: &Scratch, faults: Faults) -> bool {
    let dir = scratch.dir();
    let (database, _) = Database::open(dir.path()).unwrap();
    let (writer, mut acknowledged, mut refused) = (database.writer(), Vec::new(), 0_u64);
    // Nearly fills the WAL, so that SQLite carries it into the database while the faults last.
    writer
        .put(vec![Projection::put("s", *b"ballast", vec![1; 3_900_000])])
        .unwrap();
    vfs::fail(faults);
    for number in 0..24_u64 {
        let change = Change::default()
            .entry(TestEntry::of(number, Some([1; 16])))
            .project(Projection::put("s", *b"n", number.to_be_bytes()));
        match writer.commit(change) {
            Ok(appended) => {
                assert_eq!(appended[0].seq, acknowledged.len() as u64, "{faults:?}");
                acknowledged.push(appended[0].leaf);
            }
            Err(error) => {
                assert!(error.is_storage(), "{faults:?} gave {error:?}");
                refused += 1;
            }
        }
    }
    let (_, failed) = vfs::heal();
    assert!(
        refused <= failed,
        "{faults:?}: {failed} faults, {refused} refusals"
    );
    let after = writer
        .append(TestEntry::of(99, Some([1; 16])), Vec::new())
        .unwrap();
    assert_eq!(
        (after.seq, after.attempt_seq),
        (acknowledged.len() as u64, acknowledged.len() as u64)
    );
    acknowledged.push(after.leaf);
    drop(database);
    check(dir.path(), &acknowledged);
    failed > 0
}

/// The whole of it with `FJ_SEEDS` set. In the fixed slice, the long middle, in which the WAL is carried into the
/// database page by page, is sampled.
#[test]
fn every_single_refused_write_is_a_typed_answer() {
    let _alone = vfs::install();
    let scratch = Scratch::new();
    let never = u64::MAX;
    assert!(!run_with(
        &scratch,
        Faults {
            from: never,
            until: never,
            full: true
        }
    ));
    let (calls, _) = vfs::heal();
    let whole = std::env::var_os("FJ_SEEDS").is_some();
    let chosen = |call: &u64| whole || *call < 80 || call.is_multiple_of(61) || *call + 40 > calls;
    for full in [true, false] {
        let mut failed = 0;
        for from in (0..calls).filter(chosen) {
            assert!(run_with(
                &scratch,
                Faults {
                    from,
                    until: from + 1,
                    full
                }
            ));
            failed += 1;
        }
        println!("full={full}: {failed} of {calls} calls failed, one in each run");
        assert!(failed > 100);
    }
}

#[test]
fn a_disk_that_stays_broken_for_a_while_loses_nothing() {
    let _alone = vfs::install();
    let scratch = Scratch::new();
    for full in [true, false] {
        for from in [0, 1, 7, 20, 41] {
            assert!(run_with(
                &scratch,
                Faults {
                    from,
                    until: from + 30,
                    full
                }
            ));
        }
    }
}

/// A device and how much of it the witness has acknowledged.
struct Seat {
    device: Device,
    held: usize,
}

impl Seat {
    /// Takes an answer to a request that reached to `size`. True where it was refused.
    fn take(&mut self, answer: Result<Taken, StoreError>, size: usize) -> bool {
        match answer {
            Ok(taken) => {
                let root = device::root(&self.device.entries[..size]);
                let AppendOutcome::Appended {
                    size: to, root: of, ..
                } = taken.outcome
                else {
                    panic!("{taken:?}")
                };
                assert_eq!((to, of), (size as u64, root));
                if let Some(outcome) = taken.checkpoint {
                    assert!(matches!(outcome, CheckpointOutcome::Cosigned { .. }));
                }
                self.held = size;
                false
            }
            Err(error) => {
                assert!(error.is_storage(), "{error:?}");
                true
            }
        }
    }
}

/// How a witness is put under faults.
#[derive(Clone, Copy, PartialEq)]
enum Day {
    /// One request at a time.
    Slow,
    /// A round's requests in one queue.
    Shared,
    /// One at a time, with the log nearly full, so that SQLite carries it into the file while the faults last.
    Carried,
}

/// A witness under faults. Each round, every device writes one entry and sends all that was not acknowledged. True
/// where a fault was reached.
fn witness_with(scratch: &Scratch, faults: Faults, day: Day) -> bool {
    let dir = scratch.dir();
    let replicas = device::open(dir.path()).unwrap();
    let writer = replicas.writer();
    if day == Day::Carried {
        let mut ballast = Device::new(99);
        ballast.write(1);
        ballast.entries[0].bytes.resize(16_150_000, 1);
        writer.append(ballast.request(0..1)).unwrap();
    }
    let mut seats: Vec<_> = (0..4)
        .map(|number| Seat {
            device: Device::new(number),
            held: 0,
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    vfs::fail(faults);
    let mut refused = 0;
    for round in 0..6 {
        let mut queued = Vec::new();
        for (number, seat) in seats.iter_mut().enumerate() {
            seat.device.write(1);
            let size = seat.device.entries.len();
            let mut request = seat.device.request(seat.held..size);
            request.checkpoint = (round % 2 == 0).then(|| seat.device.note(size));
            let answer = writer.append_async(request);
            match day {
                Day::Shared => queued.push((number, size, answer)),
                _ => refused += u64::from(seat.take(runtime.block_on(answer), size)),
            }
        }
        for (number, size, answer) in queued {
            refused += u64::from(seats[number].take(runtime.block_on(answer), size));
        }
    }
    let (_, failed) = vfs::heal();
    assert!(failed > 0 || refused == 0, "{refused} without a fault");
    for seat in &mut seats {
        seat.device.write(1);
        let size = seat.device.entries.len();
        let answer = writer.append(seat.device.request(seat.held..size));
        assert!(!seat.take(answer, size), "{faults:?}: not healed");
    }
    drop(replicas);
    let replicas = device::open(dir.path()).unwrap();
    for seat in &seats {
        check_seat(&replicas, seat);
    }
    failed > 0
}

fn check_seat(replicas: &Replicas, seat: &Seat) {
    let reader = replicas.reader().unwrap();
    let ledger = &seat.device.ledger_id;
    let held = reader.entries_since(ledger, 0, usize::MAX).unwrap();
    let bytes: Vec<_> = held.iter().map(|entry| &entry.bytes).collect();
    let wanted: Vec<_> = seat.device.entries[..seat.held]
        .iter()
        .map(|entry| &entry.bytes)
        .collect();
    assert!(bytes == wanted, "{} held of {}", bytes.len(), wanted.len());
    reader.replica().check(ledger).unwrap();
    assert!(reader.forks().unwrap().is_empty());
}

/// The carrying of the log is sampled where `FJ_SEEDS` is not set.
#[test]
fn every_refused_write_of_a_witness_is_a_typed_answer() {
    let _alone = vfs::install();
    let scratch = Scratch::new();
    let never = Faults {
        from: u64::MAX,
        until: u64::MAX,
        full: true,
    };
    let whole = std::env::var_os("FJ_SEEDS").is_some();
    for (day, least, every) in [(Day::Slow, 100, 1), (Day::Carried, 4_000, 211)] {
        assert!(!witness_with(&scratch, never, day));
        let (calls, _) = vfs::heal();
        assert!(calls > least, "{calls}");
        for full in [true, false] {
            let mut failed = 0;
            for from in (0..calls).filter(|call| whole || call.is_multiple_of(every)) {
                let until = from + 1;
                assert!(witness_with(&scratch, Faults { from, until, full }, day));
                failed += 1;
            }
            println!("full={full}: {failed} of {calls} calls failed, one in each run");
        }
    }
}

#[test]
fn a_witness_on_a_broken_disk_acknowledges_nothing_that_is_not_there() {
    let _alone = vfs::install();
    let scratch = Scratch::new();
    for full in [true, false] {
        for from in [0, 1, 3, 7, 12, 20] {
            for long in [1, 9, 30] {
                let until = from + long;
                assert!(witness_with(
                    &scratch,
                    Faults { from, until, full },
                    Day::Shared
                ));
            }
        }
    }
}

const SMALL_DISK: &str = "FJ_TEST_SMALL_DISK";

/// Runs an ignored test of this file on a really small file system, in a mount namespace of its own. `what` is
/// the line that it prints at its end.
fn on_a_small_disk(test: &str, what: &str) {
    let place = tempfile::tempdir().unwrap();
    let script =
        "mount -t tmpfs -o size=24m fengjuan \"$1\" && \"$2\" --exact \"$3\" --nocapture --ignored";
    let run = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-ec", script, "sh"])
        .args([
            place.path(),
            &std::env::current_exe().unwrap(),
            Path::new(test),
        ])
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
    println!("{text}{complaint}");
    assert!(
        output.status.success() && text.contains(what),
        "{text}{complaint}"
    );
}

#[test]
fn a_really_full_disk_is_finished_from_the_reserve() {
    on_a_small_disk("fills_the_disk", "finished from the reserve");
}

#[test]
fn a_machine_that_goes_down_on_a_full_disk_comes_back() {
    on_a_small_disk("starts_on_the_full_disk", "started from the reserve");
}

/// The part that runs on the small disk.
#[test]
#[ignore = "run by a_really_full_disk_is_finished_from_the_reserve"]
fn fills_the_disk() {
    let Some(dir) = std::env::var_os(SMALL_DISK) else {
        return;
    };
    let dir = Path::new(&dir);
    let (database, opened) = Database::open(dir).unwrap();
    assert!(opened.reserve);
    let mut acknowledged = Vec::new();
    let mut answer = |database: &Database, number: u64| -> Result<(), StoreError> {
        let entry = TestEntry::of(number, Some([1; 16]));
        acknowledged.push(database.writer().append(entry, Vec::new())?.leaf);
        Ok(())
    };
    let full = (0..1_000_000).find_map(|number| answer(&database, number).err());
    assert_eq!(full, Some(StoreError::Full));
    assert_eq!(answer(&database, 1), Err(StoreError::Full), "still full");
    let picture = vec![7; 1 << 20];
    let hash = fengjuan_envelope::sha256(&picture);
    let refused = database
        .writer()
        .put_object("picture", hash, &picture, Change::default());
    assert_eq!(refused, Err(StoreError::Full));
    assert!(database.release_reserve().unwrap());
    for number in 0..500 {
        answer(&database, number).unwrap();
    }
    assert_eq!(database.restore_reserve(), Ok(false));
    let full = (0..1_000_000).find_map(|number| answer(&database, number).err());
    assert_eq!(full, Some(StoreError::Full));
    drop(database);
    check(dir, &acknowledged);
    println!(
        "finished from the reserve with {} entries",
        acknowledged.len()
    );
}

/// The other part: the machine goes down on a full disk that still has its reserve.
#[test]
#[ignore = "run by a_machine_that_goes_down_on_a_full_disk_comes_back"]
fn starts_on_the_full_disk() {
    let Some(dir) = std::env::var_os(SMALL_DISK) else {
        return;
    };
    let dir = Path::new(&dir);
    let (database, _) = Database::open(dir).unwrap();
    let leaf = database
        .writer()
        .append(TestEntry::of(0, None), Vec::new())
        .unwrap()
        .leaf;
    drop(database);
    let mut ballast = std::fs::File::create(dir.join("ballast")).unwrap();
    while std::io::Write::write_all(&mut ballast, &[1; 512]).is_ok() {}
    let (database, opened) = Database::open(dir).unwrap();
    assert!(!opened.reserve, "the reserve was not needed");
    let second = database
        .writer()
        .append(TestEntry::of(1, None), Vec::new())
        .unwrap()
        .leaf;
    drop(database);
    check(dir, &[leaf, second]);
    println!("started from the reserve");
}

#[test]
fn a_witness_on_a_really_full_disk_goes_on_from_its_reserve() {
    on_a_small_disk("fills_the_witness_s_disk", "the witness went on");
}

#[test]
#[ignore = "run by a_witness_on_a_really_full_disk_goes_on_from_its_reserve"]
fn fills_the_witness_s_disk() {
    let Some(dir) = std::env::var_os(SMALL_DISK) else {
        return;
    };
    let dir = Path::new(&dir);
    let mut replicas = device::open(dir).unwrap();
    assert!(replicas.opened().reserve);
    let mut seat = Seat {
        device: Device::new(1),
        held: 0,
    };
    let send = |replicas: &Replicas, seat: &mut Seat| -> Result<(), StoreError> {
        seat.device.write(1);
        let size = seat.held + 1;
        replicas
            .writer()
            .append(seat.device.request(seat.held..size))?;
        seat.held = size;
        Ok(())
    };
    let full = (0..1_000_000).find_map(|_| send(&replicas, &mut seat).err());
    assert_eq!(full, Some(StoreError::Full));
    assert_eq!(send(&replicas, &mut seat), Err(StoreError::Full));
    assert!(replicas.release_reserve().unwrap());
    for _ in 0..500 {
        send(&replicas, &mut seat).unwrap();
    }
    let full = (0..1_000_000).find_map(|_| send(&replicas, &mut seat).err());
    assert_eq!(full, Some(StoreError::Full));
    check_seat(&replicas, &seat);
    drop(replicas);
    // Closing carried the log into the file, which gave some of the disk free.
    replicas = device::open(dir).unwrap();
    check_seat(&replicas, &seat);
    println!("the witness went on to {} entries", seat.held);
}
