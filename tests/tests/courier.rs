//! By stick alone: the center's command writes what a terminal takes, and takes what a terminal writes, the enrolment
//! too.
#![allow(clippy::unwrap_used)]

use fengjuan_core::event::PictureUse;
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::machine::{Machine, RealMachine};
use fengjuan_device::papers::Papers;
use fengjuan_device::recorder::Recorder;
use fengjuan_device::site_kit::SiteKit;
use fengjuan_device::stick;
use fengjuan_device::sync::{Uplink, UplinkParts};
use fengjuan_device::upstream::{Authority, Enrolment, HttpsUpstream};
use fengjuan_store::{Change, Database};
use fengjuan_tests::center::Center;
use fengjuan_tests::plan::{self, SITTING, Terms};
use fengjuan_wire::bundle::{ObjectKind, ObjectPlace, Picture, seal_object};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Terminal {
    _dir: tempfile::TempDir,
    database: Database,
    identity: Arc<DeviceIdentity>,
    recorder: Recorder,
    papers: Papers,
    uplink: Uplink<HttpsUpstream>,
    runtime: tokio::runtime::Runtime,
}

impl Terminal {
    fn new(kit: &Path) -> Terminal {
        let dir = tempfile::tempdir().unwrap();
        let machine: Arc<dyn Machine> = Arc::new(RealMachine::new().unwrap());
        let kit = SiteKit::adopt(dir.path(), Some(kit)).unwrap();
        let identity = Arc::new(DeviceIdentity::open(dir.path()).unwrap());
        let (database, _) = Database::open(dir.path()).unwrap();
        let reader = || database.reader().unwrap();
        let (recorder, _) = Recorder::start(database.writer(), &reader(), machine.clone()).unwrap();
        let papers = Papers::open(
            dir.path(),
            kit.clone(),
            identity.clone(),
            recorder.clone(),
            reader(),
        )
        .unwrap();
        let parts = UplinkParts {
            upstream: HttpsUpstream::new(Authority::center(&kit), &identity, machine).unwrap(),
            kit,
            identity: identity.clone(),
            recorder: recorder.clone(),
            reader: reader(),
            data_dir: dir.path().to_owned(),
        };
        let (uplink, _orders) = Uplink::new(parts).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Terminal {
            _dir: dir,
            database,
            identity,
            recorder,
            papers,
            uplink,
            runtime,
        }
    }

    fn asks_by(&self, stick: &Path, name: &str) {
        self.uplink.export_enrolment(stick, name).unwrap();
    }

    fn takes(&self, stick: &Path) -> Result<(), String> {
        stick::take(&self.papers, &self.uplink, stick)
    }

    fn standing(&self) -> Option<Enrolment> {
        self.uplink.state().borrow().enrolment.clone()
    }

    fn is_enrolled(&self) -> bool {
        self.uplink.state().borrow().is_enrolled()
    }

    fn entries(&self) -> u64 {
        self.database.reader().unwrap().size().unwrap()
    }

    fn enrol(&self, center: &Center, name: &str) {
        self.uplink.ask_to_enrol(name).unwrap();
        self.runtime.block_on(self.uplink.pass()).unwrap();
        center.approve(&self.identity.fingerprint()).unwrap();
        self.runtime.block_on(self.uplink.pass()).unwrap();
    }

    /// Seals a picture to the held sitting's results key.
    fn take_picture(&self, fill: u8) {
        let document = &self.papers.current(SITTING).unwrap().document;
        let picture = Picture {
            attempt_id: vec![fill; 16],
            usage: PictureUse::Snapshot,
            taken_ms: self.recorder.exam_now(),
            due_ms: None,
            pattern: true,
            salt: vec![fill; 16],
            jpeg: vec![fill; 300_000],
        };
        let place = ObjectPlace {
            kind: ObjectKind::Picture,
            site: document.site.clone(),
            sitting_no: SITTING.to_owned(),
            version: document.sitting.version,
        };
        let (hash, bytes) =
            seal_object(&picture, &place, &self.identity.sign, &document.results_key).unwrap();
        self.recorder
            .store_object("picture", hash.0, &bytes, Change::default())
            .unwrap();
    }
}

/// A center with an issued sitting that never had a line to anybody.
fn office() -> Room {
    let dir = tempfile::tempdir().unwrap();
    let center = Center::new(dir.path()).unwrap();
    let terms = Terms::soon(3600);
    plan::prepare(&center, dir.path(), &terms, &plan::four_candidates()).unwrap();
    let terminals = [1, 2].map(|_| Terminal::new(&center.site_kit()));
    Room {
        dir,
        center,
        terminals,
    }
}

struct Room {
    dir: tempfile::TempDir,
    center: Center,
    terminals: [Terminal; 2],
}

/// A center with an issued sitting and two enrolled terminals, and then no line any more.
fn room() -> Room {
    let dir = tempfile::tempdir().unwrap();
    let mut center = Center::new(dir.path()).unwrap();
    let terms = Terms::soon(3600);
    plan::prepare(&center, dir.path(), &terms, &plan::four_candidates()).unwrap();
    center.serve().unwrap();
    let terminals = [1, 2].map(|number| {
        let terminal = Terminal::new(&center.site_kit());
        terminal.enrol(&center, &format!("考试机{number}"));
        terminal
    });
    center.stop().unwrap();
    Room {
        dir,
        center,
        terminals,
    }
}

impl Room {
    fn stick(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    fn export(&self, stick: &Path) -> String {
        let stick = stick.display().to_string();
        let args = [
            "courier",
            "export",
            "--site",
            "S01",
            "--sitting",
            SITTING,
            &stick,
        ];
        self.center.run(&args).unwrap()
    }

    /// What an import that refuses something prints.
    fn import_refusing(&self, stick: &Path) -> String {
        let args = ["courier", "import", &stick.display().to_string()];
        let output = self.center.try_run(&args).unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn import(&self, stick: &Path) -> String {
        let stick = stick.display().to_string();
        self.center.run(&["courier", "import", &stick]).unwrap()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = found.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn a_whole_way_by_stick_for_two_terminals() {
    let room = room();
    let stick = room.stick("stick");
    room.export(&stick);
    for terminal in &room.terminals {
        let report = terminal.papers.import(&stick).unwrap();
        assert_eq!((report.sittings.len(), report.grants.len()), (1, 1));
        assert_eq!(report.refused, []);
        let held = terminal.papers.current(SITTING).unwrap();
        let roster = terminal.papers.roster(&held).unwrap();
        let people: usize = roster.iter().map(|(_, people)| people.len()).sum();
        assert_eq!(people, 4, "readable without a code by an enrolled device");
        let again = terminal.papers.import(&stick).unwrap();
        assert_eq!((again.sittings.len(), again.refused.len()), (0, 0));
    }
    for (terminal, fill) in room.terminals.iter().zip(1u8..) {
        terminal.take_picture(fill);
        assert!(terminal.uplink.export_up(&stick).unwrap() >= 2);
        assert_eq!(
            terminal.uplink.state().borrow().unsent,
            1,
            "carried is not sent"
        );
    }
    let said = room.import(&stick);
    assert!(
        said.contains("Taken: 2 sealed files (2 of them new)"),
        "{said}"
    );
    assert!(said.contains("2 checkpoints cosigned"), "{said}");
    for terminal in &room.terminals {
        assert_eq!(terminal.uplink.import_receipts(&stick).unwrap(), 2);
        let state = terminal.uplink.state().borrow().clone();
        assert_eq!(state.unsent, 0);
        assert!(state.witnessed_size > 0 && state.witnessed_ms.is_some());
        // Once more changes nothing.
        let size = terminal.database.reader().unwrap().size().unwrap();
        terminal.uplink.import_receipts(&stick).unwrap();
        assert_eq!(terminal.database.reader().unwrap().size().unwrap(), size);
    }
    let before: Vec<PathBuf> = ["down", "up", "entries", "receipts"]
        .iter()
        .flat_map(|folder| files(&stick.join("fengjuan-courier").join(folder)))
        .collect();
    let said = room.import(&stick);
    assert!(said.contains("(0 of them new), 0 new entries"), "{said}");
    assert!(said.contains("0 answers written"), "{said}");
    // The receipts are entries too, and go up with the next stick.
    let first = &room.terminals[0];
    assert!(first.uplink.export_up(&stick).unwrap() > 0);
    let said = room.import(&stick);
    assert!(!said.contains(" 0 new entries"), "{said}");
    assert_eq!(first.uplink.import_receipts(&stick).unwrap(), 1 + 1);
    let state = first.uplink.state().borrow().clone();
    assert!(state.witnessed_size > 0);
    assert!(
        before.iter().all(|file| file.is_file()),
        "nothing is taken off the stick"
    );
}

#[test]
fn a_terminal_takes_nothing_that_somebody_has_been_at() {
    let room = room();
    let [terminal, other] = &room.terminals;
    let good = room.stick("good");
    room.export(&good);
    let originals = files(&good.join("fengjuan-courier/down"));
    let seed = 20_261_120u64;
    println!("seed {seed}");
    let mut random = seed;
    let mut below = |limit: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % limit
    };
    type Spoil<'a> = (&'a str, Box<dyn FnMut(&Path) + 'a>);
    let giant = |path: &Path| {
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(3 * 1024 * 1024 * 1024).unwrap();
    };
    let cut = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
    };
    let link = |path: &Path| {
        let to = path.with_extension("elsewhere");
        std::fs::rename(path, &to).unwrap();
        std::os::unix::fs::symlink(&to, path).unwrap();
    };
    let flip = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        let place = below(bytes.len());
        bytes[place] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    let ways: [Spoil<'_>; 4] = [
        ("flipped", Box::new(flip)),
        ("cut", Box::new(cut)),
        ("giant", Box::new(giant)),
        ("link", Box::new(link)),
    ];
    for (name, mut spoil) in ways {
        let stick = room.stick(name);
        let down = stick.join("fengjuan-courier/down");
        std::fs::create_dir_all(&down).unwrap();
        for file in &originals {
            let copy = down.join(file.file_name().unwrap());
            std::fs::copy(file, &copy).unwrap();
            spoil(&copy);
        }
        assert!(terminal.papers.import(&stick).is_err(), "{name}");
        assert!(terminal.papers.held().is_empty(), "{name}");
    }
    // Another center's stick for a site of the same name.
    let elsewhere = self::room();
    let foreign = elsewhere.stick("foreign");
    elsewhere.export(&foreign);
    let refused = terminal.papers.import(&foreign).unwrap_err();
    assert_eq!(refused.code(), "papers.signature");
    assert!(terminal.papers.held().is_empty());
    // And up again: another center's terminal is a stranger here, whatever it signs.
    elsewhere.terminals[0].papers.import(&foreign).unwrap();
    elsewhere.terminals[0].take_picture(7);
    elsewhere.terminals[0].uplink.export_up(&foreign).unwrap();
    let args = ["courier", "import", &foreign.display().to_string()];
    let output = room.center.try_run(&args).unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success(), "{said}");
    let codes = ["upstream.unknown_device", "entries.checkpoint"];
    assert!(codes.iter().all(|code| said.contains(code)), "{said}");
    assert!(said.contains("Taken: 0 sealed files"), "{said}");
    // A file beside the good ones does no harm, and both terminals take their own from one stick.
    std::fs::write(
        good.join("fengjuan-courier/down").join("ab".repeat(32)),
        b"junk",
    )
    .unwrap();
    let mut holders = BTreeSet::new();
    for terminal in [terminal, other] {
        let report = terminal.papers.import(&good).unwrap();
        assert_eq!((report.sittings.len(), report.refused.len()), (1, 1));
        holders.insert(
            terminal
                .papers
                .current(SITTING)
                .unwrap()
                .grant
                .as_ref()
                .unwrap()
                .device
                .to_hex(),
        );
    }
    assert_eq!(holders.len(), 2);
}

#[test]
fn a_terminal_that_never_had_the_line_enrols_pulls_and_sends_by_stick() {
    let room = office();
    let [terminal, other] = &room.terminals;
    let stick = room.stick("stick");
    terminal.asks_by(&stick, "考试机1");
    assert_eq!(terminal.standing(), Some(Enrolment::Carried));
    let request = files(&stick.join("fengjuan-courier/up"));
    terminal.asks_by(&stick, "another name changes nothing");
    assert_eq!(files(&stick.join("fengjuan-courier/up")), request);
    // Before the center has seen it there is nothing to take, and nothing is taken.
    assert_eq!(terminal.takes(&stick).unwrap_err(), "enrol.stick_nothing");
    let fingerprint = terminal.identity.fingerprint();
    for _ in 0..2 {
        let said = room.import(&stick);
        assert!(
            said.contains(&fingerprint) && said.contains("pending"),
            "{said}"
        );
        assert!(said.contains("Taken: 0 sealed files"), "{said}");
    }
    // The stick approves nobody.
    room.export(&stick);
    assert_eq!(terminal.takes(&stick).unwrap_err(), "enrol.stick_nothing");
    assert!(!terminal.is_enrolled() && terminal.papers.held().is_empty());
    room.center.approve(&fingerprint).unwrap();
    room.export(&stick);
    // Somebody else's certificate enrols nobody else.
    assert_eq!(other.takes(&stick).unwrap_err(), "enrol.stick_other_device");
    assert!(!other.is_enrolled() && other.papers.held().is_empty());
    // One trip brings the certificate and the papers.
    terminal.takes(&stick).unwrap();
    assert!(terminal.is_enrolled());
    let held = terminal.papers.current(SITTING).unwrap();
    assert!(held.grant.is_some());
    assert!(!terminal.papers.roster(&held).unwrap().is_empty());
    // The same stick again changes nothing, here or there.
    let entries = terminal.entries();
    terminal.takes(&stick).unwrap();
    assert_eq!(terminal.entries(), entries);
    let said = room.import(&stick);
    assert!(
        said.contains("approved") && !said.contains("pending"),
        "{said}"
    );
    // And up goes what this terminal seals.
    terminal.take_picture(1);
    assert!(terminal.uplink.export_up(&stick).unwrap() >= 2);
    let said = room.import(&stick);
    assert!(
        said.contains("Taken: 1 sealed files (1 of them new)"),
        "{said}"
    );
    assert!(said.contains("1 checkpoints cosigned"), "{said}");
    terminal.takes(&stick).unwrap();
    assert_eq!(terminal.uplink.state().borrow().unsent, 0);
}

#[test]
fn no_stick_enrols_whom_the_center_did_not_approve() {
    let room = office();
    let [terminal, revoked] = &room.terminals;
    let stick = room.stick("stick");
    terminal.asks_by(&stick, "考试机1");
    revoked.asks_by(&stick, "考试机2");
    room.import(&stick);
    for one in &room.terminals {
        room.center.approve(&one.identity.fingerprint()).unwrap();
    }
    let old = room.stick("old");
    room.export(&old);
    room.export(&stick);
    // Another center's certificate, for a site of the same name.
    let elsewhere = office();
    let foreign = elsewhere.stick("foreign");
    elsewhere.terminals[0].asks_by(&foreign, "考试机1");
    elsewhere.import(&foreign);
    let fingerprint = elsewhere.terminals[0].identity.fingerprint();
    elsewhere.center.approve(&fingerprint).unwrap();
    elsewhere.export(&foreign);
    let refused = terminal.takes(&foreign).unwrap_err();
    assert_eq!(refused, "enrol.stick_not_authentic");
    // Nor does a request for one center count at another, or one that somebody has been at.
    let said = room.import_refusing(&foreign);
    assert!(said.contains("courier.other_center"), "{said}");
    // Cut short, byte by byte of the end: each is a damaged file, and nothing is taken.
    let cut = room.stick("cut");
    let down = cut.join("fengjuan-courier/down");
    std::fs::create_dir_all(&down).unwrap();
    for file in files(&old.join("fengjuan-courier/down")) {
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(
            down.join(file.file_name().unwrap()),
            &bytes[..bytes.len() / 2],
        )
        .unwrap();
    }
    assert_eq!(terminal.takes(&cut).unwrap_err(), "enrol.stick_damaged");
    assert!(!terminal.is_enrolled() && terminal.papers.held().is_empty());
    // Revoked before it ever came: the new stick says so, and the old one no longer counts.
    let fingerprint = revoked.identity.fingerprint();
    let revoke = ["device", "revoke", &fingerprint, "--by", "李明"];
    room.center.run(&revoke).unwrap();
    let said = room.import_refusing(&stick);
    assert!(said.contains("enrol.revoked"), "{said}");
    room.export(&stick);
    for each in [&stick, &old] {
        assert_eq!(revoked.takes(each).unwrap_err(), "enrol.revoked");
        assert!(!revoked.is_enrolled() && revoked.papers.held().is_empty());
    }
    let standing = Enrolment::Refused {
        code: "enrol.revoked".to_owned(),
    };
    assert_eq!(revoked.standing(), Some(standing));
    // The good one is enrolled by either stick; one that is enrolled hears of its revocation and keeps what it holds.
    terminal.takes(&old).unwrap();
    assert!(terminal.is_enrolled());
    let fingerprint = terminal.identity.fingerprint();
    let revoke = ["device", "revoke", &fingerprint, "--by", "李明"];
    room.center.run(&revoke).unwrap();
    room.export(&stick);
    assert_eq!(terminal.takes(&stick).unwrap_err(), "enrol.revoked");
    assert!(terminal.is_enrolled() && terminal.papers.current(SITTING).is_some());
}
