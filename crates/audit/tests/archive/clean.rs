use crate::world::{SITTING, World};
use fengjuan_audit::{NotProven, Summary, Verdict, VerifyOptions, Wrong, verify};

fn green(verdict: Verdict) -> Summary {
    match verdict {
        Verdict::Green(summary) => *summary,
        Verdict::Red(finding) => panic!("red: {finding:?}"),
    }
}

const STRICT: VerifyOptions = VerifyOptions {
    require_witness: true,
};

#[test]
fn a_witnessed_archive_leaves_nothing_unproven() {
    let world = World::new(1, false);
    let archive = world.archive();
    let summary = green(verify(&archive, &world.root(), &STRICT));
    assert_eq!(summary.not_proven, []);
    assert_eq!(summary.sittings, [SITTING]);
    assert_eq!((summary.devices, summary.attempts), (2, 2));
    assert_eq!(summary.entries, summary.shown);
    assert!(summary.snapshots_due > 6 && summary.snapshots_failed > 0);
    assert_eq!(summary.roll.as_ref().map(|roll| roll.ledgers), Some(2));
    assert!(
        summary
            .ledgers
            .iter()
            .all(|ledger| ledger.witnessed == ledger.size)
    );
    assert_eq!(
        world.archive(),
        archive,
        "the same content is the same archive"
    );
}

#[test]
fn fifty_clean_archives_are_green() {
    for seed in 100..150 {
        println!("seed {seed}");
        let world = World::new(seed, seed.is_multiple_of(2));
        green(world.verdict());
    }
}

#[test]
fn what_no_witness_saw_is_said_and_is_red_where_a_witness_is_required() {
    let world = World::new(2, true);
    let summary = green(world.verdict());
    let (tail, unsigned) = (
        NotProven::UnwitnessedEntries {
            count: 6,
            ledgers: 2,
        },
        NotProven::UnsignedEntries {
            count: 2,
            ledgers: 2,
        },
    );
    assert_eq!(summary.not_proven, [tail, unsigned]);
    let Verdict::Red(finding) = verify(&world.archive(), &world.root(), &STRICT) else {
        panic!("green");
    };
    assert_eq!(finding.wrong, Wrong::Unwitnessed);
    assert_eq!(finding.seq, Some(summary.ledgers[0].witnessed));
}

#[test]
fn without_a_roll_the_devices_are_not_proven() {
    let mut world = World::new(3, false);
    world.roll = None;
    assert_eq!(green(world.verdict()).not_proven, [NotProven::Devices]);
    let Verdict::Red(finding) = verify(&world.archive(), &world.root(), &STRICT) else {
        panic!("green");
    };
    assert_eq!(finding.wrong, Wrong::NoRoll);
}

#[test]
fn an_archive_of_a_range_proves_its_entries_and_says_what_it_hides() {
    let world = World::new(4, false);
    let total: u64 = world
        .ledgers
        .iter()
        .map(|ledger| ledger.entries.len() as u64)
        .sum();
    for (from, to) in [(0, 1), (3, 40), (20, 21), (50, 10_000), (10_000, 20_000)] {
        let archive = world.archive_of(&|seq| (from..to).contains(&seq));
        let summary = green(verify(&archive, &world.root(), &STRICT));
        assert_eq!(summary.entries, total);
        assert!(summary.not_proven.contains(&NotProven::HiddenEntries {
            count: total - summary.shown
        }));
    }
    let every_third = world.archive_of(&|seq| seq.is_multiple_of(3));
    green(verify(&every_third, &world.root(), &STRICT));
}

#[test]
fn the_index_is_readable_and_shows_no_answer() {
    let world = World::new(5, false);
    let archive = world.archive();
    let text = String::from_utf8_lossy(&archive);
    let index = &text[text.find('\u{feff}').unwrap()..];
    let line = |needle: &str| {
        index
            .lines()
            .find(|line| line.contains(needle))
            .unwrap()
            .to_owned()
    };
    assert!(line("exam.attempt_started").contains("2026-11-20 09:00:00.000"));
    assert!(line("exam.answer_saved").ends_with(",candidate,(密封)"));
    assert!(line("exam.outage_decided").ends_with("\"#1 +90.000 s P001 停电, \"\"跳闸\"\"\""));
    assert!(!index.contains(&world.attempts[0].ticket));
}

#[test]
fn an_approved_device_that_was_never_heard_from_is_said() {
    use fengjuan_envelope::sign::SigningKey;
    use fengjuan_wire::Signed;
    use fengjuan_wire::directory::DeviceCertificate;
    let mut world = World::new(6, false);
    let silent = DeviceCertificate {
        device_name: "考试机99".to_owned(),
        site: "S01".to_owned(),
        sign: SigningKey::from_seed(&[3; 32]).public(),
        kem: world.center.kem.public(),
        approved_ms: 0,
        approved_by: "王主任".to_owned(),
    };
    world
        .certificates
        .push(silent.sign(&world.center.device_ca).unwrap());
    assert_eq!(
        green(world.verdict()).not_proven,
        [NotProven::SilentDevices { count: 1 }]
    );
}
