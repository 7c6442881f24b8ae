use crate::folders::center_home;
use crate::world::{SITTING, World};
use std::path::Path;
use std::process::{Command, Output};

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fengjuan-audit"))
        .current_dir(dir)
        .args(args)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn export_verify_and_timeline_by_their_exit_codes() {
    let (world, dir) = (World::new(41, false), tempfile::tempdir().unwrap());
    let dir = dir.path();
    center_home(&world, dir);
    let export = run(
        dir,
        &[
            "export",
            "--from",
            ".",
            "--out",
            "a.tar",
            "--sitting",
            SITTING,
        ],
    );
    assert_eq!(export.status.code(), Some(0), "{export:?}");
    let green = run(
        dir,
        &["verify", "a.tar", "--root", "root.pub", "--require-witness"],
    );
    assert_eq!(green.status.code(), Some(0), "{}", text(&green));
    assert!(text(&green).starts_with("绿：核验通过"));
    assert!(text(&green).contains("  检查点: "));
    let json = run(dir, &["verify", "a.tar", "--root", "root.pub", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (
            json["verdict"].as_str(),
            json["summary"]["ledgers"][0]["site"].as_str()
        ),
        (Some("green"), Some("S01"))
    );
    std::fs::write(
        dir.join("key.hex"),
        format!("{}\n", hex(world.attempts[0].key.as_bytes())),
    )
    .unwrap();
    let timeline = run(
        dir,
        &[
            "timeline",
            "a.tar",
            "--root",
            "root.pub",
            "--seat",
            "1",
            "--attempt-key",
            "key.hex",
        ],
    );
    assert_eq!(timeline.status.code(), Some(0), "{}", text(&timeline));
    assert!(text(&timeline).contains("保存答案") && !text(&timeline).contains("(密封)"));
    let english = run(
        dir,
        &[
            "timeline", "a.tar", "--root", "root.pub", "--seat", "1", "--lang", "en",
        ],
    );
    assert!(text(&english).contains("Answer saved (sealed)"));
    let mut bytes = std::fs::read(dir.join("a.tar")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(dir.join("b.tar"), bytes).unwrap();
    let red = run(
        dir,
        &["verify", "b.tar", "--root", "root.pub", "--lang", "en"],
    );
    assert_eq!(red.status.code(), Some(1));
    assert!(text(&red).starts_with("RED"));
    let json = run(dir, &["verify", "b.tar", "--root", "root.pub", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["verdict"].as_str(), Some("red"));
}

#[test]
fn wrong_usage_is_2_and_a_failure_1() {
    let (world, dir) = (World::new(42, false), tempfile::tempdir().unwrap());
    let dir = dir.path();
    center_home(&world, dir);
    let codes = [
        (vec!["verify", "a.tar"], 2),
        (vec!["verify", "missing.tar", "--root", "root.pub"], 1),
        (vec!["verify", "center.db", "--root", "root.pub"], 1),
        (vec!["verify", "center.db", "--root", "missing.pub"], 2),
        (vec!["timeline", "a.tar", "--root", "root.pub"], 2),
        (vec!["export", "--from", "keys", "--out", "x.tar"], 1),
        (
            vec![
                "export",
                "--from",
                ".",
                "--out",
                "x.tar",
                "--sitting",
                "A",
                "--from-date",
                "2026-11-20",
            ],
            2,
        ),
        (vec!["retention", "--from", "."], 0),
        (vec!["purge"], 2),
    ];
    for (args, code) in codes {
        let output = run(dir, &args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
