use super::*;
use crate::machine::simulated::SimulatedMachine;
use crate::test_center::{FakeUpstream, Issued, START_MS, TestCenter};
use crate::view::PullState;
use fengjuan_core::choice::Choice;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_store::Database;
use fengjuan_wire::Signed;
use fengjuan_wire::grant::Grant;
use fengjuan_wire::sitting::SittingDocument;
use fengjuan_wire::upstream::OfferedKind;

struct Room {
    dir: tempfile::TempDir,
    database: Database,
    upstream: FakeUpstream,
    identity: Arc<DeviceIdentity>,
    papers: Papers,
}

fn open_papers(
    dir: &Path,
    database: &Database,
    upstream: &FakeUpstream,
    identity: &Arc<DeviceIdentity>,
) -> Papers {
    let machine = Arc::new(SimulatedMachine::new(START_MS - 86_400_000));
    let reader = database.reader().unwrap();
    let (recorder, _) = Recorder::start(database.writer(), &reader, machine).unwrap();
    let kit = upstream.center.kit("https://127.0.0.1:1");
    Papers::open(dir, kit, identity.clone(), recorder, reader).unwrap()
}

impl Room {
    fn new() -> Room {
        let dir = tempfile::tempdir().unwrap();
        let (database, _) = Database::open(dir.path()).unwrap();
        let upstream = FakeUpstream::new(TestCenter::new());
        let identity = Arc::new(DeviceIdentity::open(dir.path()).unwrap());
        let papers = open_papers(dir.path(), &database, &upstream, &identity);
        Room {
            dir,
            database,
            upstream,
            identity,
            papers,
        }
    }

    fn issue(&self, sitting_no: &str, version: u32, pad: usize) -> Issued {
        self.upstream
            .center
            .issue("S01", sitting_no, version, &self.identity, pad)
    }

    fn reopen(&mut self) {
        self.papers = open_papers(
            self.dir.path(),
            &self.database,
            &self.upstream,
            &self.identity,
        );
    }

    /// As new: nothing is held, no package is there.
    fn forget(&mut self) {
        let rows = self.database.reader().unwrap().scan(registry::NS).unwrap();
        let remove =
            |(key, _): (Vec<u8>, Vec<u8>)| fengjuan_store::Projection::remove(registry::NS, key);
        self.database
            .writer()
            .put(rows.into_iter().map(remove).collect())
            .unwrap();
        for name in self.package_files() {
            std::fs::remove_file(self.dir.path().join("packages").join(name)).unwrap();
        }
        self.upstream.state.lock().unwrap().fetched = 0;
        self.reopen();
    }

    fn pull(&self) -> Result<PullReport, PapersError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(self.papers.pull(&self.upstream, &|_| {}))
    }

    fn kinds(&self) -> Vec<String> {
        let entries = self.database.reader().unwrap().entries(0, 1000).unwrap();
        entries.into_iter().map(|entry| entry.kind).collect()
    }

    fn package_files(&self) -> Vec<String> {
        let items = std::fs::read_dir(self.dir.path().join("packages")).unwrap();
        let mut names: Vec<_> = items
            .map(|item| item.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn a_pull_holds_the_sitting_its_grant_and_roster_and_survives_a_restart() {
    let mut room = Room::new();
    let issued = room.issue("K1", 1, 10);
    room.upstream.offer_all(&issued);
    let seen = Mutex::new(Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let progress = |state: PullState| seen.lock().unwrap().push(state);
    let report = runtime
        .block_on(room.papers.pull(&room.upstream, &progress))
        .unwrap();
    assert_eq!((report.sittings.len(), report.grants.len()), (1, 1));
    let seen = seen.into_inner().unwrap();
    assert!(matches!(seen.last(), Some(PullState::Done { .. })));
    let total: u64 = issued
        .of(OfferedKind::Package)
        .iter()
        .map(|h| issued.objects[h].len() as u64)
        .sum();
    assert!(seen.iter().any(
        |state| matches!(state, PullState::Running { done_bytes, total_bytes, .. } if *done_bytes == total && *total_bytes == total)
    ));
    assert_eq!(room.kinds(), ["app.object_held"; 4]);
    room.reopen();
    let held = room.papers.current("K1").unwrap();
    assert!(held.grant.is_some() && !held.superseded);
    let roster = room.papers.roster(&held).unwrap();
    assert_eq!(roster[1].1[0].ticket_no, "T-C2");
    assert_eq!(&*room.papers.photo(&held, "C1", 0).unwrap(), b"photo");
    assert!(
        room.papers
            .verify_held()
            .unwrap()
            .iter()
            .all(|row| row.2 == HeldState::Held)
    );
    let fetched = room.upstream.state.lock().unwrap().fetched;
    assert_eq!(room.pull().unwrap(), PullReport::default());
    assert_eq!(
        room.upstream.state.lock().unwrap().fetched,
        fetched,
        "nothing is fetched twice"
    );
}

/// Cuts the line after `cut` bytes, pulls again, and says how many bytes the line carried in all.
fn pull_with_cut(room: &Room, cut: u64, papers: u64) -> u64 {
    room.upstream.state.lock().unwrap().cut_after = Some(cut);
    let first = room.pull();
    if first.is_err() {
        assert_eq!(first.err().unwrap().code(), "upstream.unreachable");
        // All or nothing: the grant may still be on its way, but a sitting is never held in part.
        let held = room.papers.held();
        assert!(
            held.iter()
                .all(|held| held.packages.iter().all(|package| package.path.exists()))
        );
        assert_eq!(
            held.len(),
            usize::from(cut >= papers),
            "cut {cut} of {papers}"
        );
        room.pull().unwrap();
    }
    let held = room
        .papers
        .current("K1")
        .expect("held after the second pull");
    assert!(
        held.packages
            .iter()
            .all(|package| package.state == HeldState::Held)
    );
    room.upstream.state.lock().unwrap().fetched
}

#[test]
fn a_cut_line_at_part_boundaries_and_200_seeded_offsets_loses_nothing() {
    let template = Room::new();
    let issued = template.issue("K1", 1, 1_100_000);
    let packages: u64 = issued
        .of(OfferedKind::Package)
        .iter()
        .map(|h| issued.objects[h].len() as u64)
        .sum();
    let all: u64 = issued
        .objects
        .values()
        .map(|bytes| bytes.len() as u64)
        .sum();
    let document = issued.objects[&issued.of(OfferedKind::Sitting)[0]].len() as u64;
    let first = issued.objects[&issued.of(OfferedKind::Package)[0]].len() as u64;
    let boundaries = [
        document,
        document + (1 << 20),
        document + first,
        document + packages,
        all,
    ];
    let mut offsets: Vec<u64> = boundaries
        .iter()
        .flat_map(|at| [at - 1, *at, at + 1])
        .collect();
    let seed = [0x5E; 32];
    println!("seed {seed:02x?}");
    let mut choice = Choice::new(&seed, &[b"cut"]);
    offsets.extend((0..200).map(|_| u64::from(choice.below(all as u32))));
    let mut room = template;
    room.upstream.offer_all(&issued);
    for cut in offsets {
        room.forget();
        let fetched = pull_with_cut(&room, cut, document + packages);
        assert!(
            fetched <= all + document,
            "cut {cut}: what arrived is not fetched again ({fetched}/{all})"
        );
    }
}

impl Room {
    /// A fresh room with the same center and device.
    fn new_for(other: &Room) -> Room {
        let dir = tempfile::tempdir().unwrap();
        let (database, _) = Database::open(dir.path()).unwrap();
        let mut center = TestCenter::new();
        let theirs = &other.upstream.center;
        center.directory = theirs.directory.clone();
        let upstream = FakeUpstream::new(center);
        let identity = other.identity.clone();
        let papers = open_papers(dir.path(), &database, &upstream, &identity);
        Room {
            dir,
            database,
            upstream,
            identity,
            papers,
        }
    }
}

#[test]
fn every_lie_about_a_package_is_refused_and_the_truth_is_taken_afterwards() {
    let room = Room::new();
    let issued = room.issue("K1", 1, 2_000);
    let foreign = TestCenter::new().issue("S01", "K1", 1, &room.identity, 2_000);
    room.upstream.offer_all(&issued);
    let packages = issued.of(OfferedKind::Package);
    let (first, whole) = (packages[0], issued.objects[&packages[0]].clone());
    let mut lies: Vec<(Vec<u8>, &str)> = vec![
        (whole[..whole.len() - 1].to_vec(), "papers.truncated"),
        (Vec::new(), "papers.truncated"),
        (flipped(&whole, 0), "papers.unsupported"),
        (flipped(&whole, 60), "papers.signature"),
        (flipped(&whole, whole.len() - 1), "papers.hash"),
        (flipped(&whole, whole.len() - 900), "papers.hash"),
    ];
    let same_length = |hash: &Hash32, from: &Issued| {
        let mut bytes = from.objects[hash].clone();
        bytes.resize(whole.len(), 0);
        bytes
    };
    lies.push((
        same_length(&foreign.of(OfferedKind::Package)[0], &foreign),
        "papers.signature",
    ));
    let other = (0..1000)
        .map(|_| room.issue("K2", 1, 2_000))
        .find_map(|other| {
            let bytes = other.objects[&other.of(OfferedKind::Package)[0]].clone();
            (bytes.len() == whole.len()).then_some(bytes)
        });
    lies.push((other.unwrap(), "papers.mismatch"));
    for (number, (lie, code)) in lies.into_iter().enumerate() {
        room.upstream.state.lock().unwrap().lies.insert(first, lie);
        // A part of the truth is kept and would be completed; each lie begins with nothing.
        for name in room
            .package_files()
            .iter()
            .filter(|name| name.ends_with(".part"))
        {
            std::fs::remove_file(room.dir.path().join("packages").join(name)).unwrap();
        }
        let refused = room.pull().err().unwrap();
        assert_eq!(refused.code(), code, "lie {number}: {refused}");
        assert!(room.papers.held().is_empty());
    }
    room.upstream.state.lock().unwrap().lies.clear();
    room.pull().unwrap();
    assert_eq!(room.papers.held().len(), 1);
    assert!(
        room.package_files()
            .iter()
            .all(|name| !name.ends_with(".part"))
    );
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

#[test]
fn another_sites_sitting_and_another_devices_grant_are_refused() {
    let room = Room::new();
    let other = room
        .upstream
        .center
        .issue("S02", "K1", 1, &room.identity, 10);
    room.upstream.offer_all(&other);
    assert_eq!(room.pull().err().unwrap().code(), "papers.wrong_site");
    let room = Room::new();
    let stranger = tempfile::tempdir().unwrap();
    let stranger = DeviceIdentity::open(stranger.path()).unwrap();
    let issued = room.upstream.center.issue("S01", "K1", 1, &stranger, 10);
    room.upstream.offer_all(&issued);
    assert_eq!(room.pull().err().unwrap().code(), "papers.other_device");
    let held = room.papers.current("K1").unwrap();
    assert_eq!(
        room.papers.roster(&held).err().unwrap().code(),
        "papers.no_grant"
    );
}

#[test]
fn a_newer_version_supersedes_and_an_older_one_is_not_taken() {
    let mut room = Room::new();
    room.upstream.offer_all(&room.issue("K1", 2, 10));
    room.pull().unwrap();
    let (old, new) = (room.issue("K1", 1, 10), room.issue("K1", 3, 10));
    room.upstream.state.lock().unwrap().offered.clear();
    room.upstream.offer_all(&old);
    room.pull().unwrap();
    assert_eq!(room.papers.held().len(), 1);
    let stick = tempfile::tempdir().unwrap();
    old.write_courier(stick.path());
    let report = room.papers.import(stick.path()).unwrap();
    assert!(
        report
            .refused
            .iter()
            .any(|(_, code)| code == "papers.older_version")
    );
    room.upstream.offer_all(&new);
    room.pull().unwrap();
    room.reopen();
    let versions: Vec<_> = room
        .papers
        .held()
        .iter()
        .map(|held| (held.key.version, held.superseded))
        .collect();
    assert_eq!(versions, [(2, true), (3, false)]);
    // The same version again with other content is not the same sitting.
    room.upstream.offer_all(&room.issue("K1", 3, 11));
    room.upstream
        .state
        .lock()
        .unwrap()
        .offered
        .retain(|offered| offered.version == 3 && !new.objects.contains_key(&offered.hash));
    assert_eq!(room.pull().err().unwrap().code(), "papers.mismatch");
}

#[test]
fn damage_found_later_is_shown_and_pulled_again() {
    let room = Room::new();
    let issued = room.issue("K1", 1, 5_000);
    room.upstream.offer_all(&issued);
    room.pull().unwrap();
    let held = room.papers.current("K1").unwrap();
    let path = &held.packages[1].path;
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, flipped(&bytes, bytes.len() - 200)).unwrap();
    let states: Vec<_> = room
        .papers
        .verify_held()
        .unwrap()
        .into_iter()
        .map(|row| row.2)
        .collect();
    assert_eq!(states, [HeldState::Held, HeldState::Damaged]);
    assert_eq!(
        room.papers.current("K1").unwrap().packages[1].state,
        HeldState::Damaged
    );
    room.pull().unwrap();
    assert_eq!(std::fs::read(path).unwrap(), bytes);
    assert_eq!(
        room.papers.current("K1").unwrap().packages[1].state,
        HeldState::Held
    );
    // The same where the unlock is the first to see it; told twice, it is one change.
    std::fs::write(path, flipped(&bytes, bytes.len() - 200)).unwrap();
    let before = room.papers.revision();
    room.papers.mark_damaged(&held.packages[1].hash);
    room.papers.mark_damaged(&held.packages[1].hash);
    assert_eq!(room.papers.revision(), before + 1);
    room.pull().unwrap();
    assert_eq!(std::fs::read(path).unwrap(), bytes);
}

#[test]
fn a_stick_brings_the_same_objects_and_takes_them_to_the_next_terminal() {
    let room = Room::new();
    let issued = room.issue("K1", 1, 3_000);
    let stick = tempfile::tempdir().unwrap();
    assert_eq!(
        room.papers.import(stick.path()).err().unwrap().code(),
        "papers.nothing_found"
    );
    issued.write_courier(stick.path());
    let report = room.papers.import(stick.path()).unwrap();
    assert_eq!((report.sittings.len(), report.grants.len()), (1, 1));
    assert_eq!(room.papers.import(stick.path()).unwrap().sittings.len(), 0);
    let second = tempfile::tempdir().unwrap();
    assert_eq!(room.papers.export(second.path()).unwrap(), 4);
    assert_eq!(room.papers.export(second.path()).unwrap(), 0);
    let next = Room::new_for(&room);
    let report = next.papers.import(second.path()).unwrap();
    assert_eq!(report.sittings.len(), 1);
    assert!(next.papers.current("K1").unwrap().grant.is_some());
}

#[test]
fn a_stick_is_verified_as_the_line_is() {
    let room = Room::new();
    let issued = room.issue("K1", 1, 3_000);
    let package = issued.of(OfferedKind::Package)[0];
    let sitting = issued.of(OfferedKind::Sitting)[0];
    type Harm = fn(&[u8]) -> Vec<u8>;
    let cases: [(Hash32, Harm, &str); 4] = [
        (
            package,
            |bytes| flipped(bytes, bytes.len() - 9),
            "papers.hash",
        ),
        (
            package,
            |bytes| bytes[..bytes.len() - 9].to_vec(),
            "papers.truncated",
        ),
        (package, |_| Vec::new(), "papers.truncated"),
        (sitting, |bytes| flipped(bytes, 40), "papers.hash"),
    ];
    for (hash, harm, code) in cases {
        let stick = tempfile::tempdir().unwrap();
        issued.write_courier(stick.path());
        let path = stick.path().join("fengjuan-courier/down").join(hash.hex());
        std::fs::write(&path, harm(&issued.objects[&hash])).unwrap();
        let report = room.papers.import(stick.path());
        let codes = match report {
            Ok(report) => report.refused.into_iter().map(|(_, code)| code).collect(),
            Err(error) => vec![error.code().to_owned()],
        };
        assert!(
            codes.iter().any(|found| found == code),
            "{code} in {codes:?}"
        );
        assert!(room.papers.held().is_empty());
    }
    let stick = tempfile::tempdir().unwrap();
    TestCenter::new()
        .issue("S01", "K1", 1, &room.identity, 10)
        .write_courier(stick.path());
    assert_eq!(
        room.papers.import(stick.path()).err().unwrap().code(),
        "papers.signature"
    );
    assert!(room.kinds().contains(&"app.pull_failed".to_owned()));
}

/// The same sitting with grants that a hub has signed; `named`: the sitting lets it.
fn granted_by(room: &Room, issued: &Issued, hub: &SigningKey, named: bool) -> Issued {
    let issuer = &room.upstream.center.issuer;
    let mut again = Issued {
        objects: std::collections::BTreeMap::new(),
        offered: issued.offered.clone(),
    };
    for offered in &mut again.offered {
        let bytes = issued.objects[&offered.hash].clone();
        let bytes = match offered.kind {
            OfferedKind::Sitting => {
                let mut document = SittingDocument::verify(&issuer.public(), &bytes).unwrap();
                document.delegates = named.then(|| hub.public()).into_iter().collect();
                document.sign(issuer).unwrap()
            }
            OfferedKind::Grant => {
                let grant = Grant::verify(&issuer.public(), &bytes).unwrap();
                grant.sign(hub).unwrap()
            }
            _ => bytes,
        };
        (offered.hash, offered.bytes) = (fengjuan_wire::hash(&bytes), bytes.len() as u64);
        again.objects.insert(offered.hash, bytes);
    }
    again
}

#[test]
fn a_hub_grants_for_the_sittings_that_name_it_and_for_no_other() {
    let mut room = Room::new();
    let hub = SigningKey::generate().unwrap();
    let first = granted_by(&room, &room.issue("K1", 1, 10), &hub, true);
    room.upstream.offer_all(&first);
    room.pull().unwrap();
    let second = granted_by(&room, &room.issue("K2", 1, 10), &hub, false);
    room.upstream.offer_all(&second);
    assert!(room.pull().is_err());
    room.reopen();
    let granted = |sitting_no: &str| room.papers.current(sitting_no).unwrap().grant.is_some();
    assert!(granted("K1") && !granted("K2"));
}
