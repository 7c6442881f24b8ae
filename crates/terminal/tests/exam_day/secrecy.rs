//! Nothing readable of the paper, no code, no password and no full ID number lies in any file: before, during, after,
//! and after a kill.

use crate::center::*;
use crate::room::*;
use base64::Engine as _;
use fengjuan_terminal::view::action::*;
use std::path::Path;

/// Every form in which a text could lie somewhere.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let utf16 = |swap: bool| -> Vec<u8> {
        let units = text.encode_utf16();
        units
            .flat_map(|unit| {
                if swap {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    };
    let mut forms = vec![text.as_bytes().to_vec(), utf16(false), utf16(true)];
    forms.extend(base64_forms(text.as_bytes()));
    forms
}

/// The part of the base 64 text that does not depend on what stands before or after, at each of the three places.
fn base64_forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    (0..3)
        .map(|shift| {
            let mut padded = vec![0; shift];
            padded.extend_from_slice(bytes);
            let whole = padded.len() - padded.len() % 3;
            let text = base64::engine::general_purpose::STANDARD.encode(&padded[..whole]);
            text.as_bytes()[if shift == 0 { 0 } else { 4 }..].to_vec()
        })
        .collect()
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

fn scan(dir: &Path, needles: &[(String, Vec<Vec<u8>>)], when: &str) -> usize {
    let mut files = 0;
    for item in std::fs::read_dir(dir).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            files += scan(&path, needles, when);
            continue;
        }
        if path.file_name().is_some_and(|name| name == "reserve") {
            continue;
        }
        files += 1;
        let bytes = std::fs::read(&path).unwrap();
        for (what, forms) in needles {
            for form in forms {
                assert!(
                    !holds(&bytes, form),
                    "{when}: {what} is readable in {}",
                    path.display()
                );
            }
        }
    }
    files
}

#[test]
fn nothing_secret_is_in_any_file() {
    let mut room = Room::new();
    let mut needles = vec![
        (CANARY.to_owned(), forms(CANARY)),
        (
            "a picture".to_owned(),
            vec![b"picture bytes that must stay secret".to_vec()],
        ),
        (
            "a picture in base 64".to_owned(),
            base64_forms(b"picture bytes that must stay secret"),
        ),
        ("an ID number".to_owned(), forms("37080219800101121X")),
        ("a password".to_owned(), forms(PROCTOR.1)),
        ("a password".to_owned(), forms(STAFF.1)),
        ("a candidate's name".to_owned(), forms("考生1")),
        (
            "the draw seed".to_owned(),
            vec![room.issued[0].seeds.1.to_vec()],
        ),
        (
            "the snapshot seed".to_owned(),
            vec![room.issued[0].seeds.0.to_vec()],
        ),
    ];
    for (class_no, keys) in &room.issued[0].keys {
        needles.push((
            format!("the paper key of {class_no}"),
            vec![keys.paper_key.to_vec()],
        ));
        needles.push((
            format!("the answers key of {class_no}"),
            vec![keys.answers_key.to_vec()],
        ));
    }
    let groups = room.issued[0].groups();
    needles.push(("the code".to_owned(), forms(&groups[0])));
    needles.push((
        "the code".to_owned(),
        vec![room.issued[0].codes[0].secret_bytes().to_vec()],
    ));
    assert!(
        holds(&forms("abc")[0], b"abc"),
        "the scan finds what is there"
    );
    let look = |room: &Room, when: &str| {
        let files = scan(room.dir.path(), &needles, when);
        assert!(files >= 4, "{when}: only {files} files");
    };
    look(&room, "before");
    room.sit("S1-01");
    for position in 0..12 {
        room.does(CandidateAction::Show { position });
        assert!(room.terminal().resource("/media/0").is_some());
        ok(room.choose(position, 0));
    }
    room.pass(11 * MINUTE);
    look(&room, "during");
    room.kill();
    look(&room, "after a kill");
    room.machine.reboot(1_000);
    room.open();
    room.unlock();
    room.hand_in();
    room.does(CandidateAction::Done {});
    look(&room, "after");
}
