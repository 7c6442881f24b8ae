use crate::day::{Day, SITTING, START_MS, fixtures, plan_text};
use fengjuan_center::keys::KeyRole;
use fengjuan_center::order::{self, NewOrder};
use fengjuan_center::release::{self, Half, ReleaseRequest};
use fengjuan_center::{CenterError, Home, device, issue, plan};
use fengjuan_core::draw::draw;
use fengjuan_envelope::seal::SealError;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_wire::order::{CreditScope, OrderKind};
use fengjuan_wire::package::VerifiedPackage;
use fengjuan_wire::upstream::EnrolReply;
use fengjuan_wire::{Signed, WireError};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn only_owner(path: &Path) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            mode,
            if path.is_dir() { 0o700 } else { 0o600 },
            "{}",
            path.display()
        );
        if path.is_dir() {
            only_owner(&path);
        }
    }
}

#[test]
fn keys_are_separate_owner_only_files_and_are_never_made_twice() {
    let day = Day::planned();
    day.approved(1);
    day.issued();
    only_owner(day.home.path());
    let roles = [
        "root",
        "issuer",
        "release",
        "device-ca",
        "tls",
        "witness",
        "receipt",
        "results/JN2026-1121-R01-A",
    ];
    let keys: Vec<Vec<u8>> = roles
        .iter()
        .map(|role| fs::read(day.home.path().join("keys").join(role).join("key")).unwrap())
        .collect();
    for (place, key) in keys.iter().enumerate() {
        assert!(key.starts_with(b"fengjuan-key-1 "));
        assert!(
            keys[..place]
                .iter()
                .all(|other| other[other.len() - 32..] != key[key.len() - 32..])
        );
    }
    let before = fs::read(day.home.path().join("root.pub")).unwrap();
    let again = Home::init(day.home.path(), "other", "另一中心");
    assert!(matches!(again, Err(CenterError::AlreadyInitialised(_))));
    assert_eq!(fs::read(day.home.path().join("root.pub")).unwrap(), before);
}

#[test]
fn a_key_that_others_may_read_is_not_used() {
    let day = Day::bare();
    let path = day.home.path().join("keys/issuer/key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        day.home.keys().signing(KeyRole::Issuer),
        Err(CenterError::KeyFile { .. })
    ));
    // A key file of another role in its place is noticed too.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::copy(day.home.path().join("keys/witness/key"), &path).unwrap();
    assert!(matches!(
        day.home.keys().signing(KeyRole::Issuer),
        Err(CenterError::KeyFile { .. })
    ));
}

#[test]
fn a_newer_database_is_refused_and_kept() {
    let day = Day::bare();
    day.home
        .database()
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    assert!(matches!(
        day.home.database(),
        Err(CenterError::NewerDatabase { found: 99, .. })
    ));
}

#[test]
fn from_bank_to_the_paper_on_a_device() {
    let day = Day::planned();
    let terminal = day.approved(1);
    let issued = day.issued();
    assert_eq!(
        (issued.version, issued.candidates, issued.grants),
        (1, 60, 1)
    );
    let document = day.document(1);
    let grant = day.grant(&terminal, 1).unwrap();
    // The day before: the roster and its photos, without the code.
    let package = VerifiedPackage::open(
        &day.home.object(&document.packages[0].hash),
        &day.home.directory().issuer,
    )
    .unwrap();
    package.verify_whole(&document.packages[0].hash).unwrap();
    let roster_keys = grant.roster(&terminal.kem).unwrap();
    let roster_key = SecretKey::from_bytes(roster_keys.keys[0].key);
    let roster = package.roster(&roster_key).unwrap();
    assert_eq!(roster.len(), 40);
    assert!(
        package
            .photo(roster[0].photo, &roster_key)
            .unwrap()
            .starts_with(&[0xff, 0xd8])
    );
    assert!(
        package.index(&roster_key).is_err(),
        "the roster key opens no paper"
    );
    // A wrong code opens nothing.
    let wrong = grant.unlock(&terminal.kem, &SecretKey::random().unwrap());
    assert!(matches!(wrong, Err(WireError::Seal(SealError::WrongKey))));
    // The code does, for every class group.
    let code_key = day.code_key(&document);
    let keys = grant.unlock(&terminal.kem, &code_key).unwrap();
    assert_eq!(
        fengjuan_wire::hash(&keys.draw_seed),
        document.draw_seed_hash
    );
    assert_eq!(
        fengjuan_wire::hash(&keys.snapshot_seed),
        document.snapshot_seed_hash
    );
    for (reference, keys_of) in document.packages.iter().zip(&keys.packages) {
        let package = VerifiedPackage::open(
            &day.home.object(&reference.hash),
            &day.home.directory().issuer,
        )
        .unwrap();
        let class = document.sitting.class_group(&reference.class_no).unwrap();
        let paper_key = SecretKey::from_bytes(keys_of.paper_key);
        let index = package.index(&paper_key).unwrap();
        let paper = draw(
            &index,
            &class.blueprint,
            &keys.draw_seed,
            SITTING,
            "3708261120010001",
            1,
        )
        .unwrap();
        assert_eq!(paper.slots.len() as u32, class.item_count());
        for slot in &paper.slots {
            let entry = &index[slot.item as usize];
            let item = package.item(slot.item, &paper_key).unwrap();
            assert_eq!(item.item_no, entry.item_no);
            for number in &entry.media {
                assert!(
                    image::load_from_memory(&package.media(*number, &paper_key).unwrap()).is_ok()
                );
            }
        }
        let answers = package
            .answers(&SecretKey::from_bytes(keys_of.answers_key.unwrap()))
            .unwrap();
        assert_eq!(answers.keys.len(), index.len());
    }
    // Another approved device's key does not open this grant.
    let other = day.approved(2);
    assert!(grant.unlock(&other.kem, &code_key).is_err());
}

#[test]
fn answers_stay_at_the_center_where_the_plan_says_so() {
    let day = Day::with_banks();
    let text = plan_text().replace(
        "answer_release = \"on_site\"",
        "answer_release = \"at_center\"",
    );
    day.import(&text, &fixtures("roster/roster.xlsx")).unwrap();
    let terminal = day.approved(1);
    day.issued();
    let document = day.document(1);
    let keys = day
        .grant(&terminal, 1)
        .unwrap()
        .unlock(&terminal.kem, &day.code_key(&document))
        .unwrap();
    assert!(
        keys.packages
            .iter()
            .all(|package| package.answers_key.is_none())
    );
}

#[test]
fn two_persons_hold_a_code_each() {
    let day = Day::with_banks();
    day.import(
        &plan_text().replace("two_person_code = false", "two_person_code = true"),
        &fixtures("roster/roster.xlsx"),
    )
    .unwrap();
    let terminal = day.approved(1);
    day.issued();
    let document = day.document(1);
    day.grant(&terminal, 1)
        .unwrap()
        .unlock(&terminal.kem, &day.code_key(&document))
        .unwrap();
}

#[test]
fn the_halves_of_a_code_go_to_two_persons_and_never_to_one() {
    let day = Day::with_banks();
    let text = plan_text().replace("two_person_code = false", "two_person_code = true");
    day.import(&text, &fixtures("roster/roster.xlsx")).unwrap();
    day.issued();
    let release = |half, to, now_ms| {
        let request = ReleaseRequest {
            sitting_no: SITTING,
            half,
            to,
            early_reason: Some("演练"),
        };
        release::release(&day.home, &request, now_ms)
    };
    let (first, second) = (Some(Half::First), Some(Half::Second));
    let refused = |half, to| release(half, to, 9).err().unwrap().code();
    assert_eq!(refused(None, "张海燕"), "center.half_not_named");
    let one = release(first, "张海燕", 4).unwrap();
    assert_eq!((one.half, one.other_half.is_none()), (first, true));
    assert_eq!(refused(second, " 张 海燕"), "center.same_person");
    assert_eq!(refused(second, "刘志强、张海燕"), "center.same_person");
    let two = release(second, "刘志强", 5).unwrap();
    let other = two.other_half.clone().unwrap();
    assert_eq!((other.to.as_str(), other.at_ms), ("张海燕", 4));
    assert_ne!(one.code, two.code);
    // Whoever has ever seen one half is never given the other.
    let again = release(first, "王建国", 6).unwrap();
    assert_eq!((&again.code, again.released_before), (&one.code, 1));
    assert_eq!(refused(second, "王建国"), "center.same_person");
    assert_eq!(refused(first, "刘志强"), "center.same_person");
    let conn = day.home.database().unwrap();
    let record = || -> Vec<(u32, Option<Half>, String, i64)> {
        let all = release::record(&conn, SITTING).unwrap().into_iter();
        all.map(|one| (one.version, one.half, one.to, one.at_ms))
            .collect()
    };
    let named = |version, half, to: &str, at_ms| (version, half, to.to_owned(), at_ms);
    let three = [
        named(1, first, "张海燕", 4),
        named(1, second, "刘志强", 5),
        named(1, first, "王建国", 6),
    ];
    assert_eq!(record(), three, "what was refused is no release");
    // A new version has new codes, which nobody holds yet.
    day.issued();
    assert_ne!(release(second, "张海燕", 7).unwrap().code, two.code);
    assert_eq!(record().len(), 4);
}

#[test]
fn a_sitting_with_one_code_has_no_halves() {
    let day = Day::planned();
    day.issued();
    let request = ReleaseRequest {
        sitting_no: SITTING,
        half: Some(Half::First),
        to: "张海燕",
        early_reason: Some("演练"),
    };
    let refused = release::release(&day.home, &request, 4).err().unwrap();
    assert_eq!(refused.code(), "center.one_code_only");
}

/// The database of a center of the first version, with a release of both halves at once.
#[test]
fn a_database_of_the_first_version_is_taken_over_and_a_copy_kept() {
    let day = Day::with_banks();
    let text = plan_text().replace("two_person_code = false", "two_person_code = true");
    day.import(&text, &fixtures("roster/roster.xlsx")).unwrap();
    day.issued();
    let conn = day.home.database().unwrap();
    conn.execute_batch(
        "DROP TABLE vouches; DROP TABLE delegations; DROP TABLE hubs;
         DROP TABLE order_fetches; ALTER TABLE releases DROP COLUMN half; PRAGMA user_version = 1;
         INSERT INTO releases (sitting_no, version, released_to, at_ms) VALUES ('JN2026-1121-R01-A', 1, '张海燕', 3);",
    )
    .unwrap();
    drop(conn);
    let conn = day.home.database().unwrap();
    assert!(day.home.path().join("center.v1.db").exists());
    let before = release::record(&conn, SITTING).unwrap();
    assert_eq!((before.len(), before[0].half), (1, None));
    let request = ReleaseRequest {
        sitting_no: SITTING,
        half: Some(Half::Second),
        to: "张海燕",
        early_reason: Some("演练"),
    };
    let refused = release::release(&day.home, &request, 4).err().unwrap();
    assert_eq!(refused.code(), "center.same_person", "she has seen both");
}

#[test]
fn issuing_again_supersedes_and_keeps_the_earlier_version() {
    let day = Day::planned();
    let terminal = day.approved(1);
    let first = day.issued();
    let first_key = day.code_key(&day.document(1));
    let second = issue::issue(&day.home, SITTING, 9).unwrap();
    assert_eq!(second.version, 2);
    assert!(
        first
            .packages
            .iter()
            .all(|package| day.home.object(&package.hash).exists())
    );
    let document = day.document(2);
    assert_eq!(document.results_key, day.document(1).results_key);
    assert_ne!(document.code_salt, day.document(1).code_salt);
    let (old, new) = (
        day.grant(&terminal, 1).unwrap(),
        day.grant(&terminal, 2).unwrap(),
    );
    old.unlock(&terminal.kem, &first_key).unwrap();
    assert!(
        new.unlock(&terminal.kem, &first_key).is_err(),
        "an old code opens the new version"
    );
    new.unlock(&terminal.kem, &day.code_key(&document)).unwrap();
    assert!(issue::issue_all(&day.home, 10).unwrap().is_empty());
}

#[test]
fn a_device_approved_later_gets_its_grant_without_the_code() {
    let day = Day::planned();
    day.issued();
    let late = day.approved(3);
    let document = day.document(1);
    let keys = day
        .grant(&late, 1)
        .unwrap()
        .unlock(&late.kem, &day.code_key(&document))
        .unwrap();
    assert_eq!(keys.packages.len(), 2);
}

#[test]
fn the_slip_is_released_in_time_and_on_record() {
    let day = Day::planned();
    assert!(matches!(issue_less(&day), Err(CenterError::NotIssued(_))));
    day.issued();
    let request = |early| ReleaseRequest {
        sitting_no: SITTING,
        half: None,
        to: "张海燕",
        early_reason: early,
    };
    let opens = START_MS - 60 * 60_000;
    let early = release::release(&day.home, &request(None), opens - 1);
    assert!(matches!(early, Err(CenterError::TooEarlyToRelease { from_ms }) if from_ms == opens));
    assert!(release::release(&day.home, &request(Some(" ")), opens - 1).is_err());
    release::release(&day.home, &request(Some("演练")), opens - 1).unwrap();
    assert_eq!(
        release::release(&day.home, &request(None), opens)
            .unwrap()
            .released_before,
        1
    );
    let conn = day.home.database().unwrap();
    let rows: Vec<(String, i64, Option<String>)> = release::record(&conn, SITTING)
        .unwrap()
        .into_iter()
        .map(|release| (release.to, release.at_ms, release.early_reason))
        .collect();
    assert_eq!(
        rows,
        [
            ("张海燕".to_owned(), opens - 1, Some("演练".to_owned())),
            ("张海燕".to_owned(), opens, None)
        ]
    );
}

fn issue_less(day: &Day) -> Result<release::OpenSlip, CenterError> {
    release::release(
        &day.home,
        &ReleaseRequest {
            sitting_no: SITTING,
            half: None,
            to: "x",
            early_reason: Some("y"),
        },
        0,
    )
}

#[test]
fn one_key_on_two_machines_is_refused_and_alarms() {
    let day = Day::bare();
    let mut terminal = day.approved(1);
    assert!(matches!(day.enrol(&terminal), EnrolReply::Approved { .. }));
    terminal.machine = vec![9; 32];
    assert_eq!(
        day.enrol(&terminal),
        EnrolReply::Refused {
            code: "enrol.key_on_two_machines".to_owned()
        }
    );
    let known = device::list(&day.home.database().unwrap()).unwrap();
    assert_eq!((known.len(), known[0].alerts), (1, 1));
}

#[test]
fn a_revoked_device_stays_out() {
    let day = Day::planned();
    let terminal = day.approved(1);
    let fingerprint = device::list(&day.home.database().unwrap()).unwrap()[0]
        .fingerprint
        .clone();
    device::revoke(&day.home, &fingerprint.to_lowercase(), "周国华", 5).unwrap();
    assert_eq!(
        day.enrol(&terminal),
        EnrolReply::Refused {
            code: "enrol.revoked".to_owned()
        }
    );
    assert!(matches!(
        device::approve(&day.home, &fingerprint, "周国华", 6),
        Err(CenterError::DeviceRevoked(_))
    ));
    assert_eq!(day.issued().grants, 0);
    assert!(matches!(
        device::approve(&day.home, "AAAA", "x", 6),
        Err(CenterError::UnknownDevice(_))
    ));
}

#[test]
fn orders_are_signed_and_only_for_what_there_is() {
    let day = Day::planned();
    let new = |kind| NewOrder {
        sitting_no: SITTING.to_owned(),
        kind,
        reason: "道路结冰".to_owned(),
        approved_by: "王主任".to_owned(),
    };
    let postpone = new(OrderKind::Postpone { by_ms: 600_000 });
    assert!(matches!(
        order::give(&day.home, postpone.clone(), 5),
        Err(CenterError::NotIssued(_))
    ));
    day.issued();
    let given = order::give(&day.home, postpone, 5).unwrap();
    assert_eq!(given.order_no, "jining-0001");
    let conn = day.home.database().unwrap();
    let signed = order::of_site(&conn, "S01").unwrap();
    assert_eq!(
        fengjuan_wire::order::Order::verify(&day.home.directory().issuer, &signed[0]).unwrap(),
        given
    );
    assert!(order::of_site(&conn, "S02").unwrap().is_empty());
    let stranger = OrderKind::LateEntry {
        ticket_no: "0".repeat(16),
    };
    assert!(matches!(
        order::give(&day.home, new(stranger), 5),
        Err(CenterError::UnknownTicket(_))
    ));
    let scope = CreditScope::ClassGroup {
        class_no: "C9".to_owned(),
    };
    assert!(matches!(
        order::give(
            &day.home,
            new(OrderKind::Credit {
                scope,
                credit_ms: 60_000
            }),
            5
        ),
        Err(CenterError::UnknownClass(_))
    ));
    let scope = CreditScope::Room {};
    assert!(matches!(
        order::give(
            &day.home,
            new(OrderKind::Credit {
                scope,
                credit_ms: -1
            }),
            5
        ),
        Err(CenterError::OutOfRange { .. })
    ));
    assert_eq!(plan::sittings(&conn).unwrap().len(), 1);
}
