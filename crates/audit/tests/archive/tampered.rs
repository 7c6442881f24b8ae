use crate::world::{Random, START_MS, World, code};
use fengjuan_audit::{ForkRecord, Verdict, VerifyOptions, verify};
use fengjuan_core::event::{Event, Hash32};
use fengjuan_envelope::sign::SigningKey;
use fengjuan_wire::Signed;
use fengjuan_wire::entry::{Entry, Stamp, encode};

/// The world after `change`, as an archive that is consistent in itself.
fn after(change: impl FnOnce(&mut World)) -> Verdict {
    let mut world = World::new(11, true);
    change(&mut world);
    world.verdict()
}

fn seq(verdict: &Verdict) -> Option<u64> {
    match verdict {
        Verdict::Green(_) => None,
        Verdict::Red(finding) => finding.seq,
    }
}

/// Encodes the event of entry `seq` again with other facts.
pub fn rewritten(
    world: &World,
    ledger: usize,
    seq: usize,
    event: &Event,
    edit: impl FnOnce(&mut Stamp),
) -> Vec<u8> {
    let bytes = &world.ledgers[ledger].entries[seq];
    let entry = Entry::decode(bytes).unwrap();
    let mut stamp = Stamp {
        attempt: entry.attempt,
        lease: entry.lease,
        actor: entry.actor.to_owned(),
        boot_id: entry.boot_id,
        boot_ms: entry.boot_ms,
        exam_ms: entry.exam_ms,
        wall_ms: entry.wall_ms,
    };
    edit(&mut stamp);
    encode(
        &entry.ledger_id,
        entry.seq,
        entry.attempt_seq,
        &stamp,
        event,
        None,
    )
    .unwrap()
}

pub fn place_of(world: &World, ledger: usize, kind: &str) -> usize {
    let is = |bytes: &Vec<u8>| Entry::decode(bytes).unwrap().kind == kind;
    world.ledgers[ledger].entries.iter().position(is).unwrap()
}

#[test]
fn a_changed_entry_is_found_though_everything_else_was_made_anew() {
    let verdict = after(|world| {
        let place = place_of(world, 0, "exam.outage_decided");
        let event = Event::OutageDecided {
            outage_no: 1,
            credit_ms: 900_000,
            cause: None,
            staff_id: "P001".to_owned(),
            reason: "停电".to_owned(),
        };
        world.ledgers[0].entries[place] = rewritten(world, 0, place, &event, |_| {});
    });
    assert_eq!(code(&verdict), "checkpoint.root_differs");
    let place = place_of(&World::new(11, true), 0, "exam.outage_decided") as u64;
    assert!(seq(&verdict).unwrap() <= place, "the span begins before it");
}

#[test]
fn a_dropped_swapped_or_repeated_entry_is_named() {
    for at in [0, 1, 7, 40] {
        let dropped = after(|world| drop(world.ledgers[0].entries.remove(at)));
        assert_eq!(
            (code(&dropped), seq(&dropped)),
            ("entry.seq_broken", Some(at as u64))
        );
        let swapped = after(|world| world.ledgers[0].entries.swap(at, at + 1));
        assert_eq!(
            (code(&swapped), seq(&swapped)),
            ("entry.seq_broken", Some(at as u64))
        );
        let repeated = after(|world| {
            let entry = world.ledgers[0].entries[at].clone();
            world.ledgers[0].entries.insert(at, entry);
        });
        assert_eq!(
            (code(&repeated), seq(&repeated)),
            ("entry.seq_broken", Some(at as u64 + 1))
        );
    }
}

#[test]
fn entries_of_another_ledger_are_foreign() {
    let verdict = after(|world| {
        let other = world.ledgers[1].entries[5].clone();
        world.ledgers[0].entries[5] = other;
    });
    assert_eq!(
        (code(&verdict), seq(&verdict)),
        ("entry.of_another_ledger", Some(5))
    );
}

#[test]
fn a_ledger_that_was_cut_is_shorter_than_what_was_signed_witnessed_or_rolled() {
    // The signed checkpoints stay: they cover more than there is.
    let mut cut = World::new(11, true);
    cut.ledgers[0].entries.truncate(60);
    let archive = kept_checkpoints(&cut);
    assert_eq!(code(&cut.verdict_on(&archive)), "checkpoint.beyond_end");
    // The device's key signs a shorter history anew: the roll still knows the longer one.
    let verdict = after(|world| {
        world.ledgers[0].entries.truncate(60);
        world.ledgers[0]
            .checkpoints
            .retain(|checkpoint| checkpoint.size <= 60);
        world.ledgers[0].checkpoint(None);
    });
    assert_eq!(
        (code(&verdict), seq(&verdict)),
        ("roll.ledger_shorter", Some(60))
    );
    // And without the roll, a cosigned checkpoint that somebody kept.
    let mut world = World::new(11, true);
    let kept = world.ledgers[0].checkpoints.clone();
    world.ledgers[0].entries.truncate(60);
    world.ledgers[0].sign_anew();
    world.ledgers[0].checkpoints.extend(kept);
    world.roll = None;
    let archive = kept_checkpoints(&world);
    let verdict = world.verdict_on(&archive);
    assert!(
        matches!(
            code(&verdict),
            "checkpoint.beyond_end" | "checkpoint.root_differs"
        ),
        "{verdict:?}"
    );
}

/// An archive whose writer does not leave checkpoints out that are larger than the ledger.
fn kept_checkpoints(world: &World) -> Vec<u8> {
    use fengjuan_store::{LedgerInfo, LedgerReader, StoreError, StoredCheckpoint, StoredEntry};
    use std::ops::ControlFlow;
    struct All<'a>(&'a World);
    impl LedgerReader for All<'_> {
        fn ledgers(&self) -> Result<Vec<LedgerInfo>, StoreError> {
            self.0.ledgers()
        }
        fn each_entry(
            &self,
            id: &[u8; 16],
            from: u64,
            each: &mut dyn FnMut(StoredEntry) -> ControlFlow<()>,
        ) -> Result<(), StoreError> {
            self.0.each_entry(id, from, each)
        }
        fn checkpoints(&self, id: &[u8; 16]) -> Result<Vec<StoredCheckpoint>, StoreError> {
            let mut all = self.0.checkpoints(id)?;
            all.iter_mut().for_each(|checkpoint| checkpoint.size = 0);
            Ok(all)
        }
    }
    let mut out = std::io::Cursor::new(Vec::new());
    let infos = world.ledgers().unwrap();
    fengjuan_audit::write_archive(&mut out, &world.content(), &All(world), &infos, &|_, _| {
        true
    })
    .unwrap();
    out.into_inner()
}

#[test]
fn an_insider_with_the_devices_key_cannot_rewrite_what_was_witnessed() {
    let rewrite = |world: &mut World| {
        let place = place_of(world, 0, "app.code_refused");
        world.ledgers[0].entries[place] = rewritten(world, 0, place, &Event::FocusLost {}, |_| {});
        world.ledgers[0].sign_anew();
    };
    assert_eq!(code(&after(rewrite)), "roll.root_differs");
    // Without the roll nothing contradicts; then the archive says that nobody witnessed it.
    let Verdict::Green(summary) = after(|world| {
        rewrite(world);
        world.roll = None;
    }) else {
        panic!("red");
    };
    assert_eq!(
        summary
            .ledgers
            .iter()
            .filter(|ledger| ledger.witnessed == 0)
            .count(),
        1
    );
    let mut world = World::new(11, true);
    rewrite(&mut world);
    world.roll = None;
    let strict = VerifyOptions {
        require_witness: true,
    };
    assert_eq!(
        code(&verify(&world.archive(), &world.root(), &strict)),
        "witness.no_roll"
    );
}

#[test]
fn checkpoints_of_others_and_bad_signatures_are_red() {
    let foreign = after(|world| {
        let note = world.ledgers[1].checkpoints[0].clone();
        world.ledgers[0].checkpoints.push(note);
    });
    assert_eq!(code(&foreign), "checkpoint.foreign");
    let other_key = after(|world| {
        let mine = world.ledgers[0].key.clone();
        world.ledgers[0].key = SigningKey::from_seed(&[9; 32]);
        world.ledgers[0].checkpoint(None);
        world.ledgers[0].key = mine;
    });
    assert_eq!(code(&other_key), "checkpoint.invalid");
    let other_witness = after(|world| {
        let mut center = world.center.clone();
        center.witness = SigningKey::from_seed(&[8; 32]);
        world.ledgers[0].checkpoint(Some(&center));
    });
    assert_eq!(code(&other_witness), "checkpoint.invalid");
}

#[test]
fn a_removed_device_is_missed_by_the_roll_and_an_unknown_one_is_refused() {
    let removed = after(|world| drop(world.ledgers.remove(1)));
    assert_eq!(code(&removed), "roll.ledger_missing");
    let uncertified = after(|world| drop(world.certificates.remove(0)));
    assert_eq!(code(&uncertified), "ledger.device_not_certified");
    let self_certified = after(|world| {
        let (_, _, payload) =
            fengjuan_envelope::cose::peek_payload(&world.certificates[0]).unwrap();
        let usage = "fengjuan/device/1";
        let key = world.ledgers[0].key.clone();
        world.certificates[0] = fengjuan_envelope::cose::sign1(&key, usage, &payload).unwrap();
    });
    assert_eq!(code(&self_certified), "device.certificate_invalid");
}

#[test]
fn a_roll_by_another_key_or_of_another_center_is_invalid() {
    let forged = after(|world| {
        let (_, _, payload) =
            fengjuan_envelope::cose::peek_payload(world.roll.as_ref().unwrap()).unwrap();
        let key = SigningKey::from_seed(&[7; 32]);
        world.roll =
            Some(fengjuan_envelope::cose::sign1(&key, "fengjuan/roll/1", &payload).unwrap());
    });
    assert_eq!(code(&forged), "roll.invalid");
    let other_root = World::new(11, true);
    let verdict = verify(
        &other_root.archive(),
        &SigningKey::from_seed(&[1; 32]).public(),
        &VerifyOptions::default(),
    );
    assert_eq!(code(&verdict), "directory.invalid");
}

#[test]
fn a_recorded_fork_is_red() {
    let verdict = after(|world| {
        world.forks.push(ForkRecord {
            ledger_id: world.ledgers[1].id,
            checkpoint: false,
            seq: 12,
            mine: Hash32([1; 32]),
            theirs: Hash32([2; 32]),
            bytes: vec![1],
            at_ms: START_MS,
        });
    });
    assert_eq!((code(&verdict), seq(&verdict)), ("fork.listed", Some(12)));
}

#[test]
fn bundles_pictures_and_receipts_must_be_those_of_the_ledger() {
    let bundle = |world: &World| {
        world
            .objects
            .iter()
            .position(|object| object.kind == "bundle")
            .unwrap()
    };
    let swapped = after(|world| {
        let at = bundle(world);
        let hash = Hash32([5; 32]);
        let receipt = fengjuan_wire::bundle::Receipt {
            object: hash,
            bytes: 40_000,
            received_ms: 0,
            position: 99,
            receiver: "jining".to_owned(),
        };
        world.objects[at].hash = hash;
        world.objects[at].receipt = Some(receipt.sign(&world.center.receipt).unwrap());
    });
    assert_eq!(code(&swapped), "object.bundle_differs");
    let removed = after(|world| {
        let at = bundle(world);
        world.objects.remove(at);
    });
    assert_eq!(code(&removed), "object.missing");
    let lent = after(|world| {
        let receipt = world.objects[1].receipt.clone();
        world.objects[0].receipt = receipt;
    });
    assert_eq!(code(&lent), "object.receipt_invalid");
    let other = after(|world| {
        let at = bundle(world);
        let object = &mut world.objects[at];
        let receipt = fengjuan_wire::bundle::Receipt {
            object: object.hash,
            bytes: object.bytes,
            received_ms: 1,
            position: 1,
            receiver: "jining".to_owned(),
        };
        object.receipt = Some(receipt.sign(&world.center.receipt).unwrap());
    });
    assert_eq!(code(&other), "object.receipt_invalid");
    let twice = after(|world| world.objects.push(world.objects[0].clone()));
    assert_eq!(code(&twice), "object.twice");
}

#[test]
fn snapshots_that_were_due_must_have_an_entry() {
    // An attempt without one of its pictures, by a device that never recorded it.
    let mut world = World::new(11, true);
    let place = (0..world.ledgers[0].entries.len())
        .find(|place| {
            let entry = Entry::decode(&world.ledgers[0].entries[*place]).unwrap();
            matches!(entry.event(None), Ok(Event::PictureFailed { .. }))
        })
        .unwrap();
    let unrelated = Event::TutorialDone { skipped: true };
    world.ledgers[0].entries[place] = rewritten(&world, 0, place, &unrelated, |_| {});
    world.ledgers[0].sign_anew();
    world.roll = None;
    assert_eq!(code(&world.verdict()), "snapshot.missing");
    let wrong_seed = after(|world| {
        let place = place_of(world, 0, "app.seed_revealed");
        let seed = Event::SeedRevealed {
            sitting_no: crate::world::SITTING.to_owned(),
            seed: Hash32([3; 32]),
        };
        world.ledgers[0].entries[place] = rewritten(world, 0, place, &seed, |_| {});
        world.ledgers[0].sign_anew();
        world.roll = None;
    });
    assert_eq!(code(&wrong_seed), "snapshot.seed_wrong");
    let no_sitting = after(|world| world.sittings.clear());
    assert_eq!(code(&no_sitting), "sitting.missing");
    let other_sitting = after(|world| {
        world.document.packages[0].hash = Hash32([6; 32]);
        world.sittings = vec![world.document.sign(&world.center.issuer).unwrap()];
    });
    assert_eq!(code(&other_sitting), "attempt.package_unknown");
    let forged = after(|world| {
        world.sittings = vec![
            world
                .document
                .sign(&SigningKey::from_seed(&[4; 32]))
                .unwrap(),
        ]
    });
    assert_eq!(code(&forged), "sitting.invalid");
}

/// Replaces an entry by one of the device's own making, signed anew and without any witness.
fn by_device(change: impl FnOnce(&World, usize) -> Vec<u8>) -> Verdict {
    after(|world| {
        let place = place_of(world, 0, "app.code_refused");
        world.ledgers[0].entries[place] = change(world, place);
        world.ledgers[0].sign_anew();
        world.roll = None;
    })
}

#[test]
fn headers_that_make_no_sense_are_red_even_if_signed() {
    let stamped = |edit: fn(&mut Stamp)| {
        by_device(|world, place| rewritten(world, 0, place, &Event::FocusLost {}, edit))
    };
    assert_eq!(code(&stamped(|_| {})), "green");
    assert_eq!(
        code(&stamped(|stamp| stamp.actor = "root".to_owned())),
        "entry.actor_unknown"
    );
    assert_eq!(
        code(&stamped(|stamp| stamp.actor = "staff:".to_owned())),
        "entry.actor_unknown"
    );
    assert_eq!(
        code(&stamped(|stamp| stamp.boot_ms -= 600_000)),
        "entry.boot_time_back"
    );
    assert_eq!(
        code(&stamped(|stamp| stamp.boot_ms -= 30_000)),
        "green",
        "a wait for the writer"
    );
    assert_eq!(
        code(&stamped(|stamp| stamp.boot_id = [1; 16])),
        "entry.boot_returned"
    );
    let edited = |from: &'static [u8], to: &'static [u8]| {
        by_device(|world, place| {
            let bytes = rewritten(world, 0, place, &Event::FocusLost {}, |_| {});
            let at = bytes
                .windows(from.len())
                .position(|window| window == from)
                .unwrap();
            [&bytes[..at], to, &bytes[at + from.len()..]].concat()
        })
    };
    let header = b"system.focus_lost";
    assert_eq!(
        code(&edited(header, b"system.focus_lest")),
        "entry.kind_unknown"
    );
    assert_eq!(
        code(&edited(header, b"system.focus_back")),
        "entry.body_unreadable"
    );
    assert_eq!(
        code(&edited(b"\x00\x71system", b"\x03\x71system")),
        "entry.not_as_catalogued"
    );
    let trailing = by_device(|world, place| {
        let mut bytes = rewritten(world, 0, place, &Event::FocusLost {}, |_| {});
        bytes.push(0);
        bytes
    });
    assert_eq!(code(&trailing), "entry.unreadable");
}

#[test]
fn an_attempt_begins_once() {
    let begins_again = |sitting_no: &str, package: Hash32| {
        after(|world| {
            let place = place_of(world, 0, "exam.rules_agreed");
            let again = Event::AttemptStarted {
                sitting_no: sitting_no.to_owned(),
                class_no: "C1".to_owned(),
                package,
                paper: Hash32([1; 32]),
                started_ms: START_MS,
                ends_ms: START_MS,
            };
            world.ledgers[0].entries[place] = rewritten(world, 0, place, &again, |_| {});
            world.ledgers[0].sign_anew();
            world.roll = None;
        })
    };
    let world = World::new(11, true);
    let place = |kind| Some(place_of(&world, 0, kind) as u64);
    let package = world.document.packages[0].hash;
    let twice = begins_again(crate::world::SITTING, package);
    assert_eq!(code(&twice), "attempt.started_twice");
    assert_eq!(seq(&twice), place("exam.attempt_started"));
    let of_none = begins_again("JN0", package);
    assert_eq!(code(&of_none), "sitting.missing");
    assert_eq!(seq(&of_none), place("exam.rules_agreed"));
    let other_package = begins_again(crate::world::SITTING, Hash32([2; 32]));
    assert_eq!(code(&other_package), "attempt.package_unknown");
}

#[test]
fn an_attempts_numbering_has_no_gap() {
    let verdict = after(|world| {
        let place = place_of(world, 0, "exam.rules_agreed");
        let entry = world.ledgers[0].entries[place].clone();
        let entry = Entry::decode(&entry).unwrap();
        let stamp = Stamp {
            attempt: entry.attempt,
            lease: 1,
            actor: "candidate".to_owned(),
            boot_id: entry.boot_id,
            boot_ms: entry.boot_ms,
            exam_ms: entry.exam_ms,
            wall_ms: entry.wall_ms,
        };
        let event = Event::RulesAgreed {};
        world.ledgers[0].entries[place] = encode(
            &entry.ledger_id,
            entry.seq,
            entry.attempt_seq + 1,
            &stamp,
            &event,
            None,
        )
        .unwrap();
        world.ledgers[0].sign_anew();
        world.roll = None;
    });
    assert_eq!(code(&verdict), "entry.attempt_seq_broken");
}

#[test]
fn every_flipped_byte_is_red() {
    let cases: u64 = std::env::var("FENGJUAN_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1500);
    let world = World::new(12, true);
    let archive = world.archive();
    let mut random = Random(20_261_120);
    println!("seed {}", random.0);
    for number in 0..cases {
        // The first cases walk over the headers and small members, the others fall anywhere.
        let at = if number < cases / 3 {
            number * archive.len() as u64 / (cases / 3)
        } else {
            random.below(archive.len() as u64)
        };
        let mut flipped = archive.clone();
        flipped[at as usize] ^= 1 << random.below(8);
        let verdict = world.verdict_on(&flipped);
        assert!(!verdict.is_green(), "byte {at} of {}", archive.len());
    }
}

#[test]
fn every_cut_addition_and_exchange_of_sections_is_red() {
    let world = World::new(13, true);
    let archive = world.archive();
    for cut in (0..archive.len()).step_by(509).chain([archive.len() - 1]) {
        assert!(
            !world.verdict_on(&archive[..cut]).is_green(),
            "cut at {cut}"
        );
    }
    let mut longer = archive.clone();
    longer.push(0);
    assert_eq!(code(&world.verdict_on(&longer)), "archive.trailing_bytes");
    longer.resize(archive.len() + 512, 0);
    assert_eq!(code(&world.verdict_on(&longer)), "archive.trailing_bytes");
    // An unknown member, in a tar that is otherwise right.
    let name_at = archive
        .windows(9)
        .position(|window| window == b"index.csv")
        .unwrap();
    let mut renamed = archive.clone();
    renamed[name_at..name_at + 9].copy_from_slice(b"index.cst");
    fix_checksum(&mut renamed, name_at);
    let verdict = world.verdict_on(&renamed);
    assert_eq!(code(&verdict), "archive.section_unknown");
    // One member taken out whole.
    let roll_at = archive
        .windows(9)
        .position(|window| window == b"roll.cose")
        .unwrap();
    let size = usize::from_str_radix(
        std::str::from_utf8(&archive[roll_at + 124..roll_at + 135]).unwrap(),
        8,
    )
    .unwrap();
    let mut without = archive.clone();
    without.drain(roll_at..roll_at + 512 + size.next_multiple_of(512));
    assert_eq!(
        code(&world.verdict_on(&without)),
        "archive.manifest_mismatch"
    );
}

fn fix_checksum(archive: &mut [u8], header: usize) {
    let block = &mut archive[header..header + 512];
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

#[test]
fn an_archive_of_everything_hides_nothing() {
    let world = World::new(14, false);
    let archive = world.written(&world.content(), &|seq| seq != 9);
    assert_eq!(code(&world.verdict_on(&archive)), "archive.entries_hidden");
}

#[test]
fn leaves_cannot_be_hidden_and_changed() {
    let world = World::new(14, false);
    let archive = world.archive_of(&|seq| seq > 50);
    let leaf = fengjuan_envelope::merkle::leaf_hash(&world.ledgers[0].entries[3]);
    let at = archive
        .windows(32)
        .position(|window| window == leaf)
        .unwrap();
    let mut changed = archive.clone();
    changed[at] ^= 1;
    assert!(matches!(
        code(&world.verdict_on(&changed)),
        "checkpoint.root_differs" | "roll.root_differs"
    ));
}

/// Entries of a hostile device, signed by it: whatever they hold, the verifier answers.
#[test]
fn hostile_entries_are_answered_and_never_a_panic() {
    let cases: u64 = std::env::var("FENGJUAN_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(400);
    let clean = World::new(15, true);
    let mut random = Random(77);
    println!("seed {}", random.0);
    let mut red = 0;
    for _ in 0..cases {
        let mut world = clean.clone();
        let place = random.below(world.ledgers[0].entries.len() as u64) as usize;
        let entry = &mut world.ledgers[0].entries[place];
        for _ in 0..=random.below(6) {
            let at = random.below(entry.len() as u64) as usize;
            match random.below(4) {
                0 => entry[at] = [0, 0x7f, 0x80, 0xff][random.below(4) as usize],
                1 => drop(entry.remove(at)),
                2 => entry.insert(at, random.next() as u8),
                _ => entry[at] = random.next() as u8,
            }
        }
        world.ledgers[0].sign_anew();
        world.roll = None;
        let archive = world.archive();
        red += u64::from(!world.verdict_on(&archive).is_green());
        let query = fengjuan_audit::timeline::Query {
            seat_no: Some(1),
            ..Default::default()
        };
        let key =
            fengjuan_envelope::secret::SecretKey::from_bytes(*world.attempts[0].key.as_bytes());
        drop(fengjuan_audit::timeline::timeline(
            &archive,
            &world.root(),
            &query,
            Some(&key),
        ));
    }
    assert!(red > cases / 2, "{red} of {cases} were red");
}
