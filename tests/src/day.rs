//! A whole exam day with four candidates of two class groups on two terminals: one passes, one fails, one is killed
//! in the middle and goes on, one is not admitted. Everything is kept in a folder: pictures, results, the archive.

use crate::center::Center;
use crate::display::Display;
use crate::kiosk::{Home, Kiosk, Start};
use crate::plan::{self, PASSWORD, PROCTOR, SITTING, STAFF, Seated, Terms};
use crate::process::{program, run, text};
use crate::steps::{self, Skill};
use anyhow::{Context, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Where the day is seen, and where it leaves what a person may want to look at.
pub struct Stage {
    pub folder: PathBuf,
    /// Size of each display.
    pub size: (u32, u32),
    /// All in windows on this display; else each on a virtual display of its own.
    pub display: Option<String>,
}

impl Stage {
    /// Opens the window that stands at this place.
    pub async fn open(&self, home: PathBuf, start: Start, place: u32) -> anyhow::Result<Kiosk> {
        let (width, height) = self.size;
        let (display, windowed) = match &self.display {
            Some(name) => {
                let placement = format!("{width}x{height}+{0}+{0}", 40 + place * 60);
                (Display::of_the_person(name.clone()), Some(placement))
            }
            None => (Display::virtual_one(width, height)?, None),
        };
        let start = Start { windowed, ..start };
        Kiosk::open(Arc::new(display), Home::new(home)?, start).await
    }
}

/// What the day came to.
pub struct Outcome {
    pub results_csv: String,
    pub anomalies_csv: String,
    pub archive: PathBuf,
    pub root_key: PathBuf,
    /// What the auditor's verifier printed of the archive.
    pub verdict: String,
    /// How often each kind of entry stands in the ledgers of both terminals.
    pub entries: BTreeMap<String, usize>,
}

pub(crate) fn say(words: &str) {
    println!("-- {words}");
}

/// Plays the day. Every step is done by mouse and keyboard on the real app, against a real center.
pub async fn play(stage: &Stage) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(&stage.folder)?;
    let folder = stage.folder.canonicalize()?;
    let pictures = folder.join("pictures");
    std::fs::create_dir_all(&pictures)?;

    say(
        "考试机构：建立密钥和数据库，导入题库、计划和考生 · the center sets up, imports and issues",
    );
    let people = plan::four_candidates();
    let mut center = Center::new(&folder)?;
    let terms = Terms::soon(100);
    plan::prepare(&center, &folder, &terms, &people)?;
    center.serve()?;

    say("考前一天：登记两台考试机，拉取试卷，检查设备 · the day before: enrol, pull, check");
    let mut first = terminal(stage, &folder, &center, "考试机1", 0).await?;
    let mut second = terminal(stage, &folder, &center, "考试机2", 1).await?;
    for kiosk in [&mut first, &mut second] {
        kiosk.keep_pictures(&pictures);
        day_before(kiosk, &center).await?;
    }

    say("当天上午：发放授权密码，输密码开卷 · the code is released and typed");
    let code = center.release(SITTING)?;
    for kiosk in [&first, &second] {
        steps::open_desk(kiosk, PROCTOR).await?;
        steps::unlock(kiosk, &code).await?;
        steps::leave_desk(kiosk).await?;
    }

    say("入场：一人证件不符，两人签到 · entry: one is not admitted, two check in");
    let [passes, fails, is_killed, not_admitted] = &people[..] else {
        anyhow::bail!("four candidates")
    };
    refuse(&second, not_admitted).await?;
    steps::check_in(&first, passes).await?;
    steps::check_in(&second, fails).await?;

    say("准时开考，作答，交卷 · the exam");
    let book = plan::answer_book()?;
    steps::start(&first).await?;
    first.picture("exam-first-question").await?;
    steps::start(&second).await?;
    steps::answer_until(&first, &book, Skill::KnowsEverything, 13).await?;
    first.click("flag").await?;
    first.picture("exam-flagged").await?;
    steps::next(&first, 13).await?;
    steps::answer(&first, &book, Skill::KnowsEverything).await?;
    steps::hand_in(&first).await?;
    first.wait_text("passed", "合格").await?;
    ensure!(
        !first.text("passed").await?.contains("不合格"),
        "the one who knows everything passed"
    );
    steps::go_to_waiting_room(&first).await?;

    say(
        "第三名考生在考试机1作答，中途断电，恢复后继续 · a terminal is killed in the middle and goes on",
    );
    killed_and_resumed(&mut first, is_killed, &book, &code).await?;
    steps::answer_until(&second, &book, Skill::AlwaysWrong, 11).await?;
    steps::hand_in(&second).await?;
    second.wait_text("passed", "不合格").await?;
    steps::go_to_waiting_room(&second).await?;

    say("结束考试，上报成绩 · the sitting is ended, everything is receipted");
    let mut entries = BTreeMap::new();
    for kiosk in [&first, &second] {
        end_and_sync(kiosk).await?;
        for kind in kiosk.entries()? {
            *entries.entry(kind).or_default() += 1;
        }
    }
    first.close().await?;
    second.close().await?;
    center.stop()?;
    results_and_archive(&center, &folder, entries)
}

async fn terminal(
    stage: &Stage,
    folder: &Path,
    center: &Center,
    name: &str,
    place: u32,
) -> anyhow::Result<Kiosk> {
    let home = folder.join(format!("terminal-{}", place + 1));
    stage
        .open(home, Start::terminal(name, center.site_kit()), place)
        .await
}

async fn day_before(kiosk: &Kiosk, center: &Center) -> anyhow::Result<()> {
    steps::enrol(kiosk, center).await?;
    if kiosk.screen().await? != "desk" {
        steps::open_desk(kiosk, PROCTOR).await?;
    }
    steps::pull(kiosk).await?;
    // Now that the staff list is here, the desk wants a name and a password.
    steps::leave_desk(kiosk).await?;
    steps::open_desk(kiosk, PROCTOR).await?;
    steps::check_equipment(kiosk).await?;
    steps::leave_desk(kiosk).await?;
    kiosk.wait_screen("standby").await?;
    kiosk.picture("standby").await
}

/// 证件不符未入场.
async fn refuse(kiosk: &Kiosk, candidate: &Seated) -> anyhow::Result<()> {
    steps::identify(kiosk, &candidate.ticket_no).await?;
    steps::look_at_camera(kiosk).await?;
    kiosk.click("not-admitted").await?;
    kiosk
        .type_in(
            "not-admitted-reason",
            "身份证与本人不符，经两名工作人员核对",
        )
        .await?;
    kiosk.click(&format!("staff-{STAFF}")).await?;
    kiosk.type_in("staff-password", PASSWORD).await?;
    kiosk.picture("not-admitted-reason").await?;
    kiosk.click("not-admitted-confirm").await?;
    kiosk.wait_screen("not_sitting").await?;
    kiosk.picture("not-admitted").await?;
    kiosk.click("done").await?;
    kiosk.wait_screen("standby").await
}

/// Sits, is killed, comes back after the code was typed again: same question, every acknowledged answer.
async fn killed_and_resumed(
    kiosk: &mut Kiosk,
    candidate: &Seated,
    book: &plan::AnswerBook,
    code: &[String],
) -> anyhow::Result<()> {
    steps::check_in(kiosk, candidate).await?;
    steps::start(kiosk).await?;
    steps::answer_until(kiosk, book, Skill::KnowsEverything, 6).await?;
    let before = steps::question(kiosk).await?;
    kiosk.kill()?;
    kiosk.reopen().await?;
    kiosk.wait_screen("suspended").await?;
    kiosk.picture("after-the-kill").await?;
    steps::open_desk(kiosk, PROCTOR).await?;
    // With the key back, the candidate is back on the question at once.
    steps::submit_code(kiosk, code).await?;
    kiosk.wait_screen("exam").await?;
    let after = steps::question(kiosk).await?;
    ensure!(
        after.number == before.number,
        "question {} before, {} after the kill",
        before.number,
        after.number
    );
    ensure!(
        after.stem == before.stem && after.chosen == before.chosen,
        "the answers before the kill are all there"
    );
    kiosk.picture("resumed").await?;
    steps::open_desk(kiosk, PROCTOR).await?;
    kiosk.click("tab-sitting").await?;
    kiosk.picture("outage-proposed").await?;
    kiosk.click("outage-approve").await?;
    kiosk.part("outage-decided").await?;
    steps::leave_desk(kiosk).await?;
    kiosk.wait_screen("exam").await?;
    steps::next(kiosk, after.number).await?;
    steps::answer_until(kiosk, book, Skill::KnowsEverything, 14).await?;
    steps::hand_in(kiosk).await?;
    steps::go_to_waiting_room(kiosk).await
}

async fn end_and_sync(kiosk: &Kiosk) -> anyhow::Result<()> {
    steps::open_desk(kiosk, PROCTOR).await?;
    kiosk.click("tab-sitting").await?;
    kiosk.click("end-sitting").await?;
    kiosk.type_in("end-reason", "全部考生已交卷").await?;
    kiosk.picture("end-sitting").await?;
    kiosk.click("end-confirm").await?;
    kiosk.click("tab-records").await?;
    kiosk.part("all-receipted").await?;
    kiosk.picture("all-receipted").await
}

pub(crate) fn results_and_archive(
    center: &Center,
    folder: &Path,
    entries: BTreeMap<String, usize>,
) -> anyhow::Result<Outcome> {
    say("考试机构：解密、核验、重新评分，导出成绩 · results");
    let results = folder.join("results");
    println!(
        "{}",
        center.run(&["results", SITTING, "--out", &results.display().to_string()])?
    );
    say("审计员：导出并核验档案 · the auditor exports and verifies the archive");
    let archive = folder.join("exam-day.fjarchive");
    let audit = program("fengjuan-audit")?;
    run(Command::new(&audit)
        .args(["export", "--sitting", SITTING, "--from"])
        .arg(&center.home)
        .arg("--out")
        .arg(&archive))?;
    let root_key = center.root_key();
    let verdict = run(Command::new(&audit)
        .arg("verify")
        .arg(&archive)
        .arg("--root")
        .arg(&root_key))?;
    println!("{verdict}");
    let csv = |name: &str| {
        Ok::<_, anyhow::Error>(text(
            &std::fs::read(results.join(name)).context(name.to_owned())?,
        ))
    };
    Ok(Outcome {
        results_csv: csv("results.csv")?,
        anomalies_csv: csv("anomalies.csv")?,
        archive,
        root_key,
        verdict,
        entries,
    })
}

/// How long a caller should be ready to wait for a whole day.
pub const LONGEST: Duration = Duration::from_secs(900);
