//! The binary itself: what it prints, how it fails, and how it stops.

use crate::day::{Day, SITTING, fixtures, plan_text};
use crate::hubs::Station;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn center(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fengjuan-center"));
    command.arg("--home").arg(home);
    command
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    center(home).args(arguments).output().unwrap()
}

fn good(home: &Path, arguments: &[&str]) -> String {
    let output = run(home, arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}{said}");
    text
}

/// Exit 1 with both languages.
fn refused(home: &Path, arguments: &[&str]) -> String {
    let output = run(home, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    let chinese = said.chars().any(|c| ('\u{4e00}'..'\u{9fff}').contains(&c));
    // Names and paths in it may be of either language.
    let word = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_alphabetic());
    let english = said
        .lines()
        .any(|line| line.split_whitespace().filter(word).count() >= 3);
    assert!(chinese && english, "{said}");
    String::from_utf8(output.stdout).unwrap() + &said
}

fn path(name: &str) -> String {
    fixtures(name).to_string_lossy().into_owned()
}

#[test]
fn a_center_from_init_to_results() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    refused(&home, &["sitting", "list"]);
    good(
        &home,
        &["init", "--id", "jining", "--name", "济宁市安全生产考试中心"],
    );
    refused(
        &home,
        &["init", "--id", "jining", "--name", "济宁市安全生产考试中心"],
    );
    good(
        &home,
        &[
            "bank",
            "import",
            &path("bank/low-voltage.xlsx"),
            "--bank",
            "LV",
            "--pictures",
            &path("bank/pictures"),
        ],
    );
    let faults = refused(
        &home,
        &[
            "bank",
            "import",
            &path("hostile/bank-every-fault.csv"),
            "--bank",
            "SM",
        ],
    );
    assert!(
        faults.contains("题型") && faults.contains("unknown type") && faults.contains("12"),
        "{faults}"
    );
    good(
        &home,
        &[
            "bank",
            "import",
            &path("bank/safety-manager.csv"),
            "--bank",
            "SM",
        ],
    );
    let import = [
        "plan",
        "import",
        &path("plan/day.toml"),
        "--roster",
        &path("roster/roster.xlsx"),
        "--photos",
        &path("roster/photos"),
    ];
    assert!(good(&home, &import).contains("安全管理人员1班"));
    refused(&home, &["release", SITTING, "--to", "张海燕"]);
    assert!(good(&home, &["issue", "--all"]).contains(SITTING));
    assert!(good(&home, &["issue", SITTING]).contains("2"));
    let slip = good(
        &home,
        &["release", SITTING, "--to", "张海燕", "--early", "演练"],
    );
    let code = slip
        .lines()
        .find(|line| line.starts_with("密码 code"))
        .unwrap();
    assert_eq!(
        code.split_whitespace()
            .skip(2)
            .filter(|group| group.len() == 5)
            .count(),
        4,
        "{slip}"
    );
    let halved = [
        "release",
        SITTING,
        "--half",
        "1",
        "--to",
        "张海燕",
        "--early",
        "演练",
    ];
    assert!(refused(&home, &halved).contains("without --half"));
    let listed = good(&home, &["sitting", "list"]);
    assert!(listed.contains("张海燕"), "who got the code: {listed}");
    good(
        &home,
        &[
            "order",
            SITTING,
            "--reason",
            "道路结冰",
            "--by",
            "王主任",
            "postpone",
            "10",
        ],
    );
    refused(
        &home,
        &[
            "order",
            SITTING,
            "--reason",
            "x",
            "--by",
            "y",
            "late-entry",
            "0000000000000000",
        ],
    );
    assert!(good(&home, &["order", "list"]).contains("整场顺延 postpone 10 min"));
    assert!(good(&home, &["order", "list", "--sitting", SITTING]).contains("王主任"));
    refused(&home, &["order", "list", "--sitting", "nowhere"]);
    refused(&home, &["order", SITTING, "--by", "y", "postpone", "10"]);
    refused(&home, &["grant", "AAAA-BBBB", SITTING]);
    refused(&home, &["grant", "AAAA-BBBB", "--all-missing"]);
    assert!(good(&home, &["device", "alerts"]).contains("No alerts"));
    refused(&home, &["device", "alerts", "--device", "AAAA-BBBB"]);
    good(&home, &["device", "list"]);
    assert!(good(&home, &["report", "list"]).contains("要处理"));
    refused(&home, &["report", "list", "--device", "AAAA-BBBB"]);
    refused(
        &home,
        &["device", "approve", "AAAA-BBBB-CCCC-DDDD", "--by", "x"],
    );
    let (kit, out, roll) = (
        dir.path().join("kit"),
        dir.path().join("out"),
        dir.path().join("roll.cose"),
    );
    good(
        &home,
        &[
            "kit",
            "--url",
            "https://127.0.0.1:9443",
            "--site",
            "S01",
            kit.to_str().unwrap(),
        ],
    );
    assert!(
        ["root.pub", "directory.cose", "site.toml"]
            .iter()
            .all(|name| kit.join(name).exists())
    );
    good(&home, &["results", SITTING, "--out", out.to_str().unwrap()]);
    assert!(
        ["results.xlsx", "results.csv", "anomalies.csv"]
            .iter()
            .all(|name| out.join(name).exists())
    );
    good(&home, &["roll", "--out", roll.to_str().unwrap()]);
    assert!(roll.exists());
    by_courier(&home, &dir.path().join("stick"));
}

fn by_courier(home: &Path, stick: &Path) {
    let folder = stick.to_string_lossy().into_owned();
    let written = good(home, &["courier", "export", "--site", "S01", &folder]);
    assert!(written.contains("Written to"), "{written}");
    let down = stick.join("fengjuan-courier/down");
    assert!(std::fs::read_dir(down).unwrap().count() > 3);
    refused(home, &["courier", "export", "--site", "S09", &folder]);
    refused(home, &["courier", "import", &folder]);
    let up = stick.join("fengjuan-courier/up");
    std::fs::create_dir(&up).unwrap();
    assert!(good(home, &["courier", "import", &folder]).contains("Taken: 0"));
    let name = "ab".repeat(32);
    std::fs::write(up.join(&name), b"not what it says").unwrap();
    let said = refused(home, &["courier", "import", &folder]);
    assert!(
        said.contains(&name) && said.contains("courier.hash") && said.contains("内容和文件名"),
        "{said}"
    );
}

#[test]
fn two_slips_for_two_persons() {
    let day = Day::with_banks();
    let text = plan_text().replace("two_person_code = false", "two_person_code = true");
    day.import(&text, &fixtures("roster/roster.xlsx")).unwrap();
    day.issued();
    let home = day.home.path();
    let release = |half: &[&'static str], to| {
        let mut command = vec!["release", SITTING, "--to", to, "--early", "演练"];
        command.extend(half);
        command
    };
    let said = refused(home, &release(&[], "张海燕"));
    assert!(
        said.contains("--half 1 --to") && said.contains("--half 2 --to"),
        "{said}"
    );
    let first = good(home, &release(&["--half", "1"], "张海燕"));
    let codes = |slip: &str| -> Vec<String> {
        let lines = slip.lines().filter(|line| line.starts_with("密码 code "));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(codes(&first).len(), 1, "one half to one person: {first}");
    assert!(first.contains("not been released"), "{first}");
    let said = refused(home, &release(&["--half", "2"], "张海燕"));
    assert!(said.contains("name somebody else"), "{said}");
    let second = good(home, &release(&["--half", "2"], "刘志强"));
    assert!(second.contains("code 1 went to 张海燕"), "{second}");
    assert_ne!(codes(&first)[0][14..], codes(&second)[0][14..]);
    let listed = good(home, &["sitting", "list"]);
    assert!(
        listed.contains("张海燕（密码 1）") && listed.contains("刘志强（密码 2）"),
        "{listed}"
    );
}

#[test]
fn alerts_say_what_they_mean_and_what_to_do() {
    let day = Day::bare();
    let mut terminal = day.approved(1);
    terminal.machine = vec![9; 32];
    day.enrol(&terminal);
    let home = day.home.path();
    let devices = good(home, &["device", "list"]);
    let row = devices
        .lines()
        .find(|line| line.contains("考试机1"))
        .unwrap();
    let fingerprint = row.split_whitespace().next().unwrap();
    for command in [
        &["device", "alerts"][..],
        &["device", "alerts", "--device", fingerprint],
    ] {
        let said = good(home, command);
        for part in [
            "two_machines",
            fingerprint,
            "克隆的硬盘",
            "enrol both machines anew",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}

#[test]
fn a_password_verifier_from_standard_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fengjuan-center"))
        .arg("staff-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all("jianKao-2026\n".as_bytes())
        .unwrap();
    let printed = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(fengjuan_envelope::kdf::verify_password("jianKao-2026", printed.trim()).unwrap());
}

#[test]
fn serving_says_where_and_stops_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    good(
        &home,
        &["init", "--id", "jining", "--name", "济宁市安全生产考试中心"],
    );
    // A bare name means the folder that the command runs in.
    let port_file = dir.path().join("port");
    let mut child = center(&home)
        .current_dir(dir.path())
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--health",
            "127.0.0.1:0",
            "--port-file",
        ])
        .arg("port")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    let address = said.trim().strip_prefix("https://").unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = log.next().unwrap().unwrap();
    assert!(
        first.starts_with('{') && first.contains("serving"),
        "{first}"
    );
    assert!(std::net::TcpStream::connect(address).is_ok());
    let stopped = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(stopped.success());
    assert!(
        child.wait().unwrap().success(),
        "a stop that was asked for is no failure"
    );
    assert!(log.any(|line| line.unwrap().contains("stopping")));
    assert_eq!(std::fs::read_to_string(port_file).unwrap().trim(), address);
}

#[test]
fn hubs_from_the_command_line() {
    let day = Day::planned();
    let station = Station::new(9);
    station.enrol(&day);
    let hub = station.fingerprint(&day);
    let home = day.home.path();
    assert!(good(home, &["hub", "list"]).contains("未委托 none"));
    let until = chrono::Utc::now().date_naive() + chrono::Days::new(20);
    let until = until.to_string();
    let approve = |more: &[&'static str]| {
        let mut words = vec!["hub", "approve", &hub, "--by", "周国华"];
        words.extend(more);
        words
    };
    refused(home, &approve(&["--room", "R99"]));
    refused(home, &approve(&["--until", "2020-01-01"]));
    refused(home, &approve(&["--until", "tomorrow"]));
    refused(home, &["hub", "revoke", &hub, "--by", "周国华"]);
    let folder = day.dir.path().join("kit");
    let kit = [
        "kit",
        "--url",
        "https://center:8443",
        "--site",
        "S01",
        "--hub",
        &hub,
    ];
    let kit = [
        &kit[..],
        &[
            "--hub-url",
            "https://10.0.0.9:8443",
            folder.to_str().unwrap(),
        ],
    ];
    let kit = kit.concat();
    refused(home, &kit);
    good(home, &["issue", SITTING]);
    let mut dated = approve(&["--room", "R01", "--until"]);
    dated.push(&until);
    let said = good(home, &dated);
    assert!(said.contains(SITTING), "to be issued again: {said}");
    let listed = good(home, &["hub", "list"]);
    assert!(
        listed.contains("考场 R01") && listed.contains(&hub),
        "{listed}"
    );
    good(home, &kit);
    assert!(folder.join("hub.cose").exists());
    good(home, &["hub", "revoke", &hub, "--by", "周国华"]);
    assert!(good(home, &["hub", "list"]).contains("已收回 withdrawn"));
    refused(home, &["hub", "approve", "AAAA-BBBB", "--by", "周国华"]);
}
