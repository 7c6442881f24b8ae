//! A disk that is full or refuses: no false acknowledgement, and the exam goes on when there is room again.

use crate::center::*;
use crate::evidence::*;
use crate::room::*;
use fengjuan_core::event::{Event, OutageCause};
use fengjuan_device::machine::Machine;
use fengjuan_store::StoreError;
use std::path::Path;
use std::process::Command;

const SMALL_DISK: &str = "FJ_TEST_SMALL_DISK";

#[test]
fn a_full_disk_is_never_acknowledged_and_the_exam_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=24m fengjuan \"$1\" && TMPDIR=\"$1\" \"$2\" --exact storage::on_a_small_disk --nocapture --ignored";
    let run = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-ec", script, "sh"])
        .args([place.path(), &std::env::current_exe().unwrap()])
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
        output.status.success() && text.contains("went on after"),
        "{text}{complaint}"
    );
}

/// Fills what is left of the file system.
fn fill(path: &Path) {
    let mut size = 1 << 20;
    let mut ballast = Vec::new();
    while size >= 512 {
        ballast.resize(ballast.len() + size, 0x55);
        if std::fs::write(path, &ballast).is_err() {
            ballast.truncate(ballast.len() - size);
            let _ = std::fs::write(path, &ballast);
            size /= 2;
        }
    }
}

#[test]
#[ignore = "run by a_full_disk_is_never_acknowledged_and_the_exam_goes_on"]
fn on_a_small_disk() {
    if std::env::var_os(SMALL_DISK).is_none() {
        return;
    }
    let mut room = Room::new();
    room.sit("S1-01");
    let (first, second) = (
        room.dir.path().join("ballast1"),
        room.dir.path().join("ballast2"),
    );
    fill(&first);
    let mut refusals = 0;
    let mut option = 0;
    let mut saved = 0;
    for round in 0..6_000 {
        option = 1 - option;
        let before = exam(room.view()).question;
        let outcome = room.choose(0, option);
        let after = exam(outcome.view).question;
        match outcome.refused {
            None => {
                assert!(after.options[option as usize].chosen, "round {round}");
                saved += 1;
            }
            Some(refused) => {
                assert!(
                    ["store.full", "store.io", "attempt.suspended"]
                        .contains(&refused.code.as_str()),
                    "{}",
                    refused.code
                );
                let marks = |question: &fengjuan_terminal::view::candidate::QuestionView| {
                    question
                        .options
                        .iter()
                        .map(|option| option.chosen)
                        .collect::<Vec<_>>()
                };
                assert_eq!(marks(&before), marks(&after), "no tick without the disk");
                assert!(exam(room.view()).storage_failed);
                refusals += 1;
                if refusals == 1 {
                    // The terminal gives its reserve free; somebody else takes that too.
                    fill(&second);
                }
                if refusals == 2 {
                    room.machine.suspend(MINUTE);
                    room.machine.set_wall(room.machine.wall_ms() - 60 * MINUTE);
                }
                room.pass(1_000);
                if refusals == 5 {
                    std::fs::remove_file(&first).unwrap();
                    std::fs::remove_file(&second).unwrap();
                }
            }
        }
        if refusals > 5 && exam(room.view()).storage_failed {
            room.pass(1_000);
        }
        if refusals >= 5 && saved > 10 && !exam(room.view()).storage_failed {
            break;
        }
    }
    assert!(refusals >= 5, "the disk was never full");
    room.pass(3_000);
    ok(room.choose(0, 0));
    assert!(!exam(room.view()).storage_failed);
    assert!(count(&room, "system.storage_failed") >= 1);
    assert_eq!(
        count(&room, "system.storage_failed"),
        count(&room, "system.storage_back")
    );
    // What was seen of the clocks meanwhile is told once.
    let seen: Vec<Event> = events(&room)
        .into_iter()
        .map(|(event, ..)| event)
        .filter(|event| {
            matches!(
                event,
                Event::Suspended { .. } | Event::WallClockJumped { .. }
            )
        })
        .collect();
    let (by_ms, for_ms) = (-60 * MINUTE, MINUTE);
    let wanted = [
        Event::WallClockJumped { by_ms },
        Event::Suspended { for_ms },
    ];
    assert_eq!(seen, wanted);
    let before = room.standing();
    room.restart();
    room.unlock();
    assert_eq!(room.standing(), before);
    let view = desk_of(room.log_in(PROCTOR));
    let causes: Vec<OutageCause> = view
        .sitting
        .unwrap()
        .outages
        .iter()
        .map(|outage| outage.cause)
        .collect();
    assert!(causes.contains(&OutageCause::Storage), "{causes:?}");
    println!("went on after {refusals} refusals");
}

#[test]
fn a_damaged_database_stops_the_terminal_and_keeps_the_file() {
    let mut room = Room::new();
    room.sit("S1-01");
    room.kill();
    let file = room.data.join("fengjuan.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[0] ^= 0xff;
    std::fs::write(&file, &bytes).unwrap();
    let refused = room.try_open().unwrap_err();
    assert!(
        matches!(refused, StoreError::Corrupted { .. }),
        "{refused:?}"
    );
    assert_eq!(
        std::fs::read(&file).unwrap(),
        bytes,
        "the file is kept as it is"
    );
}

#[test]
fn a_second_program_on_the_same_directory_is_refused() {
    let room = Room::new();
    let again = fengjuan_store::Database::open(&room.data).err().unwrap();
    assert!(matches!(again, StoreError::AlreadyRunning { .. }));
    let _ = START_MS;
}
