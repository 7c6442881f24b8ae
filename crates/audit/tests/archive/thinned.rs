//! Archives of terminals that sign a checkpoint with every entry: what is left out takes nothing away.

use crate::tampered::{place_of, rewritten};
use crate::world::{World, code};
use fengjuan_audit::{
    Checkpoints, Content, NotProven, ReceiptList, Summary, Verdict, VerifyOptions, Wrong, verify,
};
use fengjuan_core::event::Event;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_store::StoredCheckpoint;
use fengjuan_wire::Signed;

const STRICT: VerifyOptions = VerifyOptions {
    require_witness: true,
};

/// At most so many right checkpoints of a short ledger are in an archive.
const FEW: u64 = 16;

fn dense(seed: u64, tail: bool) -> World {
    let mut world = World::new(seed, tail);
    world.sign_densely();
    world
}

fn content(world: &World, checkpoints: Checkpoints) -> Content {
    Content {
        checkpoints,
        ..world.content()
    }
}

fn archive(world: &World, checkpoints: Checkpoints) -> Vec<u8> {
    world.written(&content(world, checkpoints), &|_| true)
}

fn verdict(world: &World, checkpoints: Checkpoints) -> Verdict {
    world.verdict_on(&archive(world, checkpoints))
}

fn green(verdict: Verdict) -> Summary {
    match verdict {
        Verdict::Green(summary) => *summary,
        Verdict::Red(finding) => panic!("red: {finding:?}"),
    }
}

/// The summary without the numbers of checkpoints.
fn but_for_checkpoints(mut summary: Summary) -> Summary {
    for ledger in &mut summary.ledgers {
        (ledger.checkpoints, ledger.checkpoints_left_out) = (0, 0);
    }
    summary
}

/// The world as a forger has it who starts from a thinned archive.
fn with_what_was_kept(world: &World) -> World {
    let mut kept = world.clone();
    let bytes = archive(world, Checkpoints::Few);
    for ledger in &mut kept.ledgers {
        let is_here = |checkpoint: &StoredCheckpoint| {
            let note = checkpoint.cosigned.as_ref().unwrap_or(&checkpoint.note);
            let note = note.as_bytes();
            bytes.windows(note.len()).any(|window| window == note)
        };
        ledger.checkpoints.retain(is_here);
        assert!(ledger.checkpoints.len() as u64 <= FEW);
    }
    kept
}

#[test]
fn a_thinned_archive_says_the_same_as_one_with_every_checkpoint() {
    for (seed, tail) in [(51, false), (52, true), (53, true)] {
        println!("seed {seed}");
        let mut world = dense(seed, tail);
        for roll in [world.roll.clone(), None] {
            world.roll = roll;
            let all = green(verdict(&world, Checkpoints::All));
            let few = green(verdict(&world, Checkpoints::Few));
            for (all, few) in all.ledgers.iter().zip(&few.ledgers) {
                assert!(few.checkpoints <= FEW && all.checkpoints > 2 * FEW);
                assert_eq!(all.checkpoints_left_out, 0);
                assert_eq!(few.checkpoints + few.checkpoints_left_out, all.checkpoints);
            }
            assert_eq!(but_for_checkpoints(all), but_for_checkpoints(few));
            let strict =
                |checkpoints| verify(&archive(&world, checkpoints), &world.root(), &STRICT);
            match (strict(Checkpoints::All), strict(Checkpoints::Few)) {
                (Verdict::Red(all), Verdict::Red(few)) => assert_eq!(all, few),
                (all, few) => assert!(all.is_green() && few.is_green()),
            }
        }
    }
}

#[test]
fn an_unwitnessed_tail_is_reported_to_the_entry() {
    let mut world = World::new(54, false);
    for (ledger, tail) in world.ledgers.iter_mut().zip([17, 3]) {
        let size = ledger.entries.len();
        ledger.sign_every_entry(&world.center, size - tail, size - 1);
    }
    world.roll = None;
    let summary = green(verdict(&world, Checkpoints::Few));
    let mut spans: Vec<(u64, u64)> = summary
        .ledgers
        .iter()
        .map(|ledger| (ledger.size - ledger.witnessed, ledger.size - ledger.signed))
        .collect();
    spans.sort_unstable();
    assert_eq!(spans, [(3, 1), (17, 1)]);
    let tail = NotProven::UnwitnessedEntries {
        count: 20,
        ledgers: 2,
    };
    assert!(summary.not_proven.contains(&tail));
    world.roll = Some(world.make_roll());
    let archive = archive(&world, Checkpoints::Few);
    let Verdict::Red(finding) = verify(&archive, &world.root(), &STRICT) else {
        panic!("green");
    };
    assert_eq!(finding.wrong, Wrong::Unwitnessed);
    assert_eq!(finding.seq, Some(summary.ledgers[0].witnessed));
}

#[test]
fn checkpoints_after_turns_and_around_what_is_shown_are_kept() {
    let world = dense(55, false);
    let sizes = |world: &World| {
        let sizes = world.ledgers[0].checkpoints.iter();
        sizes.map(|checkpoint| checkpoint.size).collect::<Vec<_>>()
    };
    let kept = sizes(&with_what_was_kept(&world));
    let turns = ["system.started", "app.unlocked", "exam.handed_in"];
    for turn in turns.map(|kind| place_of(&world, 0, kind) as u64) {
        assert!(kept.contains(&(turn + 1)), "{turn} in {kept:?}");
    }
    assert_eq!(kept.last(), Some(&(world.ledgers[0].entries.len() as u64)));
    let widest = kept.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(
        widest < Some(world.ledgers[0].entries.len() as u64 / 8),
        "{kept:?}"
    );
    // A range of days is held from both sides.
    let range = world.archive_of(&|seq| (40..47).contains(&seq));
    for size in [40, 47] {
        let checkpoint = &world.ledgers[0].checkpoints[size - 1];
        assert_eq!(checkpoint.size, size as u64);
        let note = checkpoint.cosigned.as_ref().unwrap().as_bytes();
        assert!(
            range.windows(note.len()).any(|window| window == note),
            "{size}"
        );
    }
    green(world.verdict_on(&range));
}

#[test]
fn a_changed_dropped_or_swapped_entry_anywhere_is_red_by_what_was_kept() {
    let dense = dense(56, true);
    let mut kept = with_what_was_kept(&dense);
    // Not even the roll is there to contradict.
    kept.roll = None;
    let signed = kept.ledgers[0].checkpoints.iter().map(|c| c.size).max();
    let signed = signed.unwrap() as usize;
    let size = kept.ledgers[0].entries.len();
    for (at, change) in (0..size).flat_map(|at| (0..3).map(move |change| (at, change))) {
        let changed = |world: &World| {
            let mut world = world.clone();
            let entries = &mut world.ledgers[0].entries;
            match change {
                // In the middle of the entry: most of these could be read as another entry.
                0 => {
                    let middle = entries[at].len() / 2;
                    entries[at][middle] ^= 1;
                }
                1 => drop(entries.remove(at)),
                _ => entries.swap(at, (at + 1) % size),
            }
            verdict(&world, Checkpoints::All)
        };
        let by_few = changed(&kept);
        assert!(
            !by_few.is_green() || at >= signed,
            "entry {at}, change {change}"
        );
        if change > 0 || !at.is_multiple_of(5) {
            continue;
        }
        // Whoever exports after the change has the wrong checkpoints kept.
        let mut exported = dense.clone();
        exported.roll = None;
        let entries = &mut exported.ledgers[0].entries;
        let middle = entries[at].len() / 2;
        entries[at][middle] ^= 1;
        let red = !verdict(&exported, Checkpoints::Few).is_green();
        assert!(red || at >= signed, "entry {at}");
    }
}

#[test]
fn a_fork_a_foreign_and_a_badly_signed_checkpoint_survive_thinning() {
    for at in [1, 30, 77, 100] {
        let added = |note: &dyn Fn(&World) -> StoredCheckpoint| {
            let mut world = dense(57, false);
            let note = note(&world);
            // Among the others, and with the place of a right one.
            world.ledgers[0].checkpoints.insert(at, note);
            let few = verdict(&world, Checkpoints::Few);
            assert_eq!(code(&few), code(&verdict(&world, Checkpoints::All)));
            few
        };
        let forked = added(&|world| {
            let mut other = world.ledgers[0].clone();
            other.entries.truncate(at + 2);
            other.entries[at] = rewritten(world, 0, 0, &Event::FocusLost {}, |_| {});
            other.checkpoint(None);
            other.checkpoints.pop().unwrap()
        });
        assert_eq!(code(&forked), "checkpoint.root_differs");
        let foreign = added(&|world| world.ledgers[1].checkpoints[at].clone());
        assert_eq!(code(&foreign), "checkpoint.foreign");
        let by_another = |world: &World, device: bool| {
            let mut other = world.ledgers[0].clone();
            let mut center = world.center.clone();
            let key = SigningKey::from_seed(&[9; 32]);
            *(if device {
                &mut other.key
            } else {
                &mut center.witness
            }) = key;
            other.entries.truncate(at + 1);
            other.checkpoint(Some(&center));
            other.checkpoints.pop().unwrap()
        };
        for device in [true, false] {
            let invalid = added(&|world| by_another(world, device));
            assert_eq!(code(&invalid), "checkpoint.invalid");
        }
    }
}

/// The world's content with the center's list of its receipts.
fn listed(world: &World, key: &SigningKey) -> Content {
    let receipts = ReceiptList::sign_checked(&world.objects, "jining", 7, key).unwrap();
    Content {
        receipts,
        ..world.content()
    }
}

#[test]
fn one_word_of_the_center_stands_for_all_its_receipts() {
    let world = World::new(58, false);
    let key = &world.center.receipt;
    let on = |content: &Content| world.verdict_on(&world.written(content, &|_| true));
    let with = green(on(&listed(&world, key)));
    let without = green(world.verdict());
    assert!(with.receipts_listed && !without.receipts_listed);
    assert_eq!(
        Summary {
            receipts_listed: false,
            ..with
        },
        without
    );
    // A receipt that the center would not sign again gives no list, and is found without one.
    let mut forged = world.clone();
    forged.objects[3].receipt = forged.objects[4].receipt.clone();
    assert_eq!(listed(&forged, key).receipts, None);
    assert_eq!(code(&forged.verdict()), "object.receipt_invalid");
    assert_eq!(
        listed(&world, &SigningKey::from_seed(&[5; 32])).receipts,
        None
    );
    // A list of other objects, of another center, or by another key.
    let mut other = listed(&world, key);
    other.objects.swap(0, 1);
    assert_eq!(code(&on(&other)), "object.receipt_invalid");
    let mut fewer = listed(&world, key);
    fewer.objects[0].receipt = None;
    assert_eq!(code(&on(&fewer)), "object.receipt_invalid");
    let (_, _, payload) =
        fengjuan_envelope::cose::peek_payload(listed(&world, key).receipts.as_ref().unwrap())
            .unwrap();
    let list: ReceiptList = fengjuan_envelope::cbor::from_slice(&payload).unwrap();
    let said = |list: ReceiptList, key: &SigningKey| {
        let mut content = world.content();
        content.receipts = Some(list.sign(key).unwrap());
        on(&content)
    };
    assert_eq!(code(&said(list.clone(), key)), "green");
    assert_eq!(
        code(&said(list.clone(), &world.center.witness)),
        "object.receipt_invalid"
    );
    let elsewhere = ReceiptList {
        center_id: "yantai".to_owned(),
        ..list.clone()
    };
    assert_eq!(code(&said(elsewhere, key)), "object.receipt_invalid");
    let miscounted = ReceiptList {
        receipts: list.receipts + 1,
        ..list
    };
    assert_eq!(code(&said(miscounted, key)), "object.receipt_invalid");
}

#[test]
fn every_flipped_byte_of_a_thinned_and_listed_archive_is_red() {
    let world = dense(59, true);
    let content = listed(&world, &world.center.receipt);
    let archive = world.written(&content, &|_| true);
    green(world.verdict_on(&archive));
    let mut random = crate::world::Random(20_261_121);
    println!("seed {}", random.0);
    for _ in 0..600 {
        let at = random.below(archive.len() as u64) as usize;
        let mut flipped = archive.clone();
        flipped[at] ^= 1 << random.below(8);
        assert!(!world.verdict_on(&flipped).is_green(), "byte {at}");
    }
}
