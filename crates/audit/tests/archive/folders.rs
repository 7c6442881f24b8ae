use crate::world::{SITTING, START_MS, World};
use fengjuan_audit::{
    NotProven, Scope, Summary, Verdict, VerifyOptions, export, retention, verify,
};
use fengjuan_store::replica::{self, Incoming};
use fengjuan_store::{Change, Database, EncodeEntry, Place, Projection};
use fengjuan_wire::Signed;
use fengjuan_wire::entry::Entry;
use rusqlite::{Connection, params};
use std::fs::{self, File};
use std::path::Path;

/// A center's home with everything that the world holds.
pub fn center_home(world: &World, home: &Path) {
    let directory = world.center.directory.sign(&world.center.root).unwrap();
    fs::write(home.join("directory.cose"), directory).unwrap();
    fs::write(
        home.join("root.pub"),
        fengjuan_wire::directory::root_to_text(&world.root()),
    )
    .unwrap();
    let (witness, receipt) = (&world.center.witness, &world.center.receipt);
    for (role, key) in [("witness", witness), ("receipt", receipt)] {
        let folder = home.join("keys").join(role);
        fs::create_dir_all(&folder).unwrap();
        let mut bytes = format!("fengjuan-key-1 {role} ed25519\n").into_bytes();
        bytes.extend_from_slice(&*key.seed());
        fs::write(folder.join("key"), bytes).unwrap();
    }
    let conn = Connection::open(home.join("center.db")).unwrap();
    conn.execute_batch(include_str!("../../../center/migrations/V1__center.sql"))
        .unwrap();
    replica::install(&conn).unwrap();
    for (ledger, certificate) in world.ledgers.iter().zip(&world.certificates) {
        let info = fengjuan_store::LedgerReader::ledgers(world).unwrap();
        let info = info
            .iter()
            .find(|info| info.ledger_id == ledger.id)
            .unwrap();
        replica::register(&conn, &ledger.id, &info.identity, 0).unwrap();
        let incoming: Vec<Incoming> = ledger.entries.iter().map(|bytes| incoming(bytes)).collect();
        replica::append(&conn, &ledger.id, 0, &incoming, 0).unwrap();
        for checkpoint in ledger
            .checkpoints
            .iter()
            .filter(|checkpoint| checkpoint.cosigned.is_some())
        {
            let cosigned = checkpoint.cosigned.clone().unwrap();
            replica::cosign_checkpoint(&conn, &ledger.id, &checkpoint.note, 0, |_| Ok(cosigned))
                .unwrap();
        }
        conn.execute(
            "INSERT INTO devices (sign, kem, device_name, site, machine, fingerprint, state, first_seen_ms, certificate) \
             VALUES (?1, x'', ?2, 'S01', x'', ?2, 'approved', 0, ?3)",
            params![ledger.key.public().as_bytes(), ledger.device, certificate],
        )
        .unwrap();
    }
    conn.execute(
        "INSERT INTO issues VALUES (?1, 1, 'S01', 0, 0, ?2, x'', x'', x'')",
        params![SITTING, world.sittings[0]],
    )
    .unwrap();
    for (position, object) in world.objects.iter().enumerate() {
        conn.execute(
            "INSERT INTO received VALUES (?1, ?2, ?3, 0, ?4, 'S01', ?5, 1, ?6, ?6, ?7)",
            params![
                position as i64,
                object.hash.0,
                object.bytes as i64,
                object.kind,
                SITTING,
                object.device.as_bytes(),
                object.receipt
            ],
        )
        .unwrap();
    }
}

fn incoming(bytes: &[u8]) -> Incoming {
    let entry = Entry::decode(bytes).unwrap();
    Incoming {
        bytes: bytes.to_vec(),
        class: entry.class,
        kind: entry.kind.to_owned(),
        attempt: entry.attempt,
        attempt_seq: entry.attempt_seq,
        exam_ms: entry.exam_ms,
        wall_ms: entry.wall_ms,
    }
}

fn green(world: &World, archive: &Path, require_witness: bool) -> Summary {
    let options = VerifyOptions { require_witness };
    match verify(&File::open(archive).unwrap(), &world.root(), &options) {
        Verdict::Green(summary) => *summary,
        Verdict::Red(finding) => panic!("red: {finding:?}"),
    }
}

#[test]
fn a_centers_home_is_exported_whole_with_a_roll_of_this_moment() {
    let (world, dir) = (World::new(31, false), tempfile::tempdir().unwrap());
    center_home(&world, dir.path());
    let out = dir.path().join("all.tar");
    let written = export::export(dir.path(), &out, &Scope::default(), START_MS).unwrap();
    let summary = green(&world, &out, true);
    assert_eq!((written.ledgers, written.entries), (2, summary.entries));
    assert_eq!(summary.not_proven, []);
    assert!(summary.receipts_listed);
    assert_eq!(summary.roll.unwrap().made_ms, START_MS);
    let again = export::export(dir.path(), &out, &Scope::default(), START_MS).unwrap_err();
    assert_eq!(again.code(), "archive.exists");
}

#[test]
fn a_sitting_and_a_range_of_days_are_exported() {
    let (world, dir) = (World::new(32, false), tempfile::tempdir().unwrap());
    center_home(&world, dir.path());
    let sitting = Scope {
        sitting_no: Some(SITTING.to_owned()),
        ..Scope::default()
    };
    let out = dir.path().join("sitting.tar");
    export::export(dir.path(), &out, &sitting, START_MS).unwrap();
    let summary = green(&world, &out, true);
    assert_eq!(
        (summary.shown, summary.roll.unwrap().site.as_deref()),
        (summary.entries, Some("S01"))
    );
    let range = Scope {
        from_ms: Some(START_MS),
        to_ms: Some(START_MS + 600_000),
        ..Scope::default()
    };
    let out = dir.path().join("range.tar");
    export::export(dir.path(), &out, &range, START_MS).unwrap();
    let summary = green(&world, &out, true);
    assert!(summary.shown > 0 && summary.shown < summary.entries);
    let unknown = Scope {
        sitting_no: Some("JN0".to_owned()),
        ..Scope::default()
    };
    let refused = export::export(dir.path(), &dir.path().join("no.tar"), &unknown, 0).unwrap_err();
    assert_eq!(refused.code(), "archive.unknown_sitting");
    assert!(!dir.path().join("no.tar").exists() && !dir.path().join("no.tar.part").exists());
}

#[test]
fn a_home_without_the_witnesss_key_gives_no_roll_and_a_fork_is_red() {
    let (world, dir) = (World::new(33, false), tempfile::tempdir().unwrap());
    center_home(&world, dir.path());
    let other = incoming(&world.ledgers[0].entries[4]);
    let conn = Connection::open(dir.path().join("center.db")).unwrap();
    fs::rename(dir.path().join("keys"), dir.path().join("elsewhere")).unwrap();
    let out = dir.path().join("a.tar");
    export::export(dir.path(), &out, &Scope::default(), START_MS).unwrap();
    assert_eq!(green(&world, &out, false).not_proven, [NotProven::Devices]);
    replica::append(&conn, &world.ledgers[0].id, 7, &[other], 5).unwrap();
    let out = dir.path().join("b.tar");
    export::export(dir.path(), &out, &Scope::default(), START_MS).unwrap();
    let verdict = verify(
        &File::open(&out).unwrap(),
        &world.root(),
        &VerifyOptions::default(),
    );
    assert_eq!(crate::world::code(&verdict), "fork.listed");
}

/// An event written by the real store, which gives it its place.
struct Stored(fengjuan_wire::entry::Stamp, fengjuan_core::event::Event);

impl EncodeEntry for Stored {
    fn encode(&self, place: &Place) -> Result<Vec<u8>, String> {
        fengjuan_wire::entry::encode(
            &place.ledger_id,
            place.seq,
            place.attempt_seq,
            &self.0,
            &self.1,
            None,
        )
        .map_err(|error| error.to_string())
    }
    fn kind(&self) -> &str {
        self.1.kind()
    }
    fn class(&self) -> u8 {
        self.1.class() as u8
    }
    fn attempt(&self) -> Option<[u8; 16]> {
        self.0.attempt
    }
    fn exam_ms(&self) -> Option<i64> {
        self.0.exam_ms
    }
    fn wall_ms(&self) -> i64 {
        self.0.wall_ms
    }
}

/// A terminal's data directory with a few entries, while its program is still running.
pub fn terminal_dir(world: &World, dir: &Path) -> Database {
    let (database, opened) = Database::open(dir).unwrap();
    fs::create_dir_all(dir.join("kit")).unwrap();
    fs::write(
        dir.join("kit/directory.cose"),
        world.center.directory.sign(&world.center.root).unwrap(),
    )
    .unwrap();
    let writer = database.writer();
    for number in 0..40 {
        let stamp = fengjuan_wire::entry::Stamp {
            attempt: None,
            lease: 0,
            actor: "system".to_owned(),
            boot_id: [1; 16],
            boot_ms: number * 10,
            exam_ms: Some(START_MS + number * 10),
            wall_ms: START_MS + number * 10,
        };
        writer
            .append(
                Box::new(Stored(stamp, fengjuan_core::event::Event::FocusLost {})),
                Vec::new(),
            )
            .unwrap();
    }
    let record = ciborium::Value::Map(vec![(
        ciborium::Value::from("document"),
        ciborium::Value::Bytes(world.sittings[0].clone()),
    )]);
    let state = vec![
        Projection::put(
            "enrolment",
            b"certificate".to_vec(),
            world.certificates[0].clone(),
        ),
        Projection::put(
            "papers",
            b"s1".to_vec(),
            fengjuan_envelope::cbor::to_vec(&record).unwrap(),
        ),
    ];
    writer.put(state).unwrap();
    writer
        .put_object(
            "bundle",
            fengjuan_envelope::sha256(b"bundle"),
            b"bundle",
            Change::default(),
        )
        .unwrap();
    let origin = world.center.directory.ledger_origin(&opened.ledger_id);
    let key = world.ledgers[0].key.clone();
    writer
        .checkpoint(move |size, root| {
            let checkpoint = fengjuan_envelope::note::Checkpoint {
                origin: origin.clone(),
                size,
                root: *root,
                extension: Vec::new(),
            };
            Ok(fengjuan_envelope::note::sign_checkpoint(
                &checkpoint,
                &origin,
                &key,
            ))
        })
        .unwrap();
    database
}

#[test]
fn a_running_terminals_directory_is_exported_and_says_what_it_cannot_prove() {
    let (world, dir) = (World::new(34, false), tempfile::tempdir().unwrap());
    let _running = terminal_dir(&world, dir.path());
    let out = dir.path().join("t.tar");
    export::export(dir.path(), &out, &Scope::default(), START_MS).unwrap();
    let summary = green(&world, &out, false);
    assert_eq!((summary.entries, summary.ledgers[0].signed), (40, 40));
    assert_eq!(summary.sittings, [SITTING]);
    assert!(summary.not_proven.contains(&NotProven::Devices));
    assert!(
        summary
            .not_proven
            .contains(&NotProven::Unreceipted { count: 1 })
    );
}

#[test]
fn retention_reports_how_far_back_the_logs_go() {
    let (world, dir) = (World::new(35, false), tempfile::tempdir().unwrap());
    center_home(&world, dir.path());
    let ages = retention::report(dir.path(), START_MS + 86_400_000).unwrap();
    assert_eq!(ages.len(), 2);
    assert!(ages.iter().all(|age| age.whole && !age.three_years));
    let later = START_MS + 1_200 * 86_400_000;
    assert!(
        retention::report(dir.path(), later)
            .unwrap()
            .iter()
            .all(|age| age.three_years)
    );
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(
        retention::report(empty.path(), 0).unwrap_err().code(),
        "archive.unknown_folder"
    );
}
