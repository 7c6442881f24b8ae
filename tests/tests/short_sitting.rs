//! A sitting of one minute by stick alone, from the enrolment to the receipts: codes that open nothing yet, the end by the clock, and one who comes late.
#![allow(clippy::unwrap_used)]

use fengjuan_tests::center::Center;
use fengjuan_tests::kiosk::Kiosk;
use fengjuan_tests::plan::{self, PROCTOR, SITTING, Terms};
use fengjuan_tests::results::Table;
use fengjuan_tests::scene::Scene;
use fengjuan_tests::steps::{self, Skill};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn codes_without_grant_or_of_an_old_version_then_time_up_then_one_too_late() {
    // Everything up to the check-in is done before the start, however slow this machine is today.
    let opening = Instant::now();
    let mut scene = Scene::prepare("short-sitting", (1366, 768)).await.unwrap();
    let ahead = (opening.elapsed().as_secs() * 10).max(100);
    let terms = Terms {
        minutes: (1, 30),
        late_limit_min: 0,
        score_release: "never",
        ..Terms::soon(i64::try_from(ahead).unwrap())
    };
    let people = plan::four_candidates();
    plan::prepare(&scene.center, &scene.folder, &terms, &people).unwrap();
    // This terminal never hears the center.
    scene.center.cut();
    let old_code = scene.center.release(SITTING).unwrap();

    // The stick that enrols it brings the papers too, but somebody has taken this device's grant from it: the code has
    // nothing to open.
    let poor = scene.folder.join("poor");
    std::fs::create_dir_all(&poor).unwrap();
    let at_center = |fingerprint: &str| {
        let said = take_at_center(&scene, &poor);
        assert!(said.contains(fingerprint), "{said}");
        scene.center.approve(fingerprint)?;
        export(&scene, "poor");
        let removed = without_grants(&scene.center, &poor);
        assert!(removed > 0, "a grant was on the stick");
        Ok(())
    };
    steps::enrol_by_stick(&scene.kiosk, &poor, at_center)
        .await
        .unwrap();
    // The same stick has brought the papers.
    scene.kiosk.wait_text("room-name", "考场").await.unwrap();
    let whole = export(&scene, "whole");
    refused(&scene.kiosk, &old_code, "unlock.no_grant").await;
    import(&scene.kiosk, &whole, "1").await;

    // The center issues once more: the code of the version before says so, and the new one opens.
    scene.center.run(&["issue", SITTING]).unwrap();
    let code = scene.center.release(SITTING).unwrap();
    assert_ne!(code, old_code);
    import(&scene.kiosk, &export(&scene, "second"), "2").await;
    refused(&scene.kiosk, &old_code, "unlock.superseded").await;
    let kiosk = &scene.kiosk;
    steps::type_code(kiosk, &code).await.unwrap();
    steps::click_when_allowed(kiosk, "unlock", Duration::from_secs(60))
        .await
        .unwrap();
    kiosk
        .wait_attr("step-unlock", "data-state", "done")
        .await
        .unwrap();
    steps::leave_desk(kiosk).await.unwrap();

    // Two answers, and then the minute is over.
    steps::check_in(kiosk, &people[0]).await.unwrap();
    steps::start(kiosk).await.unwrap();
    let book = plan::answer_book().unwrap();
    steps::answer_until(kiosk, &book, Skill::KnowsEverything, 2)
        .await
        .unwrap();
    let begun = Instant::now();
    while kiosk.screen().await.unwrap() == "exam" {
        assert!(
            begun.elapsed() < Duration::from_secs(90),
            "the clock hands in after a minute"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    kiosk.wait_screen("handed_in").await.unwrap();
    kiosk.wait_text("handed-in", "时间到").await.unwrap();
    kiosk
        .wait_attr("sealed", "data-done", "true")
        .await
        .unwrap();
    kiosk.picture("time-up").await.unwrap();
    steps::go_to_waiting_room(kiosk).await.unwrap();

    // Entry is over; the other class group still has half an hour, and nobody gets in.
    steps::identify(kiosk, &people[1].ticket_no).await.unwrap();
    kiosk
        .wait_attr("banner", "data-code", "checkin.late")
        .await
        .unwrap();
    assert_eq!(kiosk.screen().await.unwrap(), "identify");
    kiosk.picture("too-late").await.unwrap();
    kiosk.click("leave").await.unwrap();

    send(&scene).await;
    let out = scene.folder.join("results");
    scene
        .center
        .run(&["results", SITTING, "--out", &out.display().to_string()])
        .unwrap();
    let table =
        |name: &str| Table::read(&std::fs::read_to_string(out.join(name)).unwrap()).unwrap();
    assert_eq!(
        table("results.csv").came_to(people[0].name).unwrap(),
        ["正常", "2", "不合格"]
    );
    assert_eq!(
        table("anomalies.csv").severe().unwrap(),
        Vec::<String>::new()
    );
    scene.close().await.unwrap();
}

/// Types a code at the desk, which refuses it with this reason.
async fn refused(kiosk: &Kiosk, code: &[String], why: &str) {
    steps::open_desk(kiosk, PROCTOR).await.unwrap();
    steps::submit_code(kiosk, code).await.unwrap();
    kiosk
        .wait_attr("unlock-refused", "data-code", why)
        .await
        .unwrap();
    kiosk.picture(why).await.unwrap();
}

/// The results go to the center by stick, and the receipts come back on it.
async fn send(scene: &Scene) {
    let kiosk = &scene.kiosk;
    let stick = scene.folder.join("results-stick");
    std::fs::create_dir_all(&stick).unwrap();
    let folder = stick.display().to_string();
    steps::open_desk(kiosk, PROCTOR).await.unwrap();
    kiosk.click("tab-papers").await.unwrap();
    kiosk
        .type_in("courier-export-folder", &folder)
        .await
        .unwrap();
    kiosk.click("courier-export").await.unwrap();
    kiosk.click("tab-records").await.unwrap();
    kiosk.part("exported-to").await.unwrap();
    kiosk.part("unsent-objects").await.unwrap();
    take_at_center(scene, &stick);
    kiosk.click("tab-papers").await.unwrap();
    kiosk
        .type_in("courier-import-folder", &folder)
        .await
        .unwrap();
    kiosk.click("courier-import").await.unwrap();
    kiosk.click("tab-records").await.unwrap();
    kiosk.part("all-receipted").await.unwrap();
    kiosk.picture("receipted-by-stick").await.unwrap();
}

fn take_at_center(scene: &Scene, stick: &Path) -> String {
    let folder = stick.display().to_string();
    scene.center.run(&["courier", "import", &folder]).unwrap()
}

fn export(scene: &Scene, name: &str) -> PathBuf {
    let stick = scene.folder.join(name);
    std::fs::create_dir_all(&stick).unwrap();
    let path = stick.display().to_string();
    scene
        .center
        .run(&[
            "courier",
            "export",
            "--site",
            "S01",
            "--sitting",
            SITTING,
            &path,
        ])
        .unwrap();
    stick
}

/// Takes a stick at the desk, until this version of the sitting is held.
async fn import(kiosk: &Kiosk, stick: &Path, version: &str) {
    kiosk.click("tab-papers").await.unwrap();
    kiosk
        .type_in("courier-import-folder", &stick.display().to_string())
        .await
        .unwrap();
    kiosk.click("courier-import").await.unwrap();
    // The version before stays on the list, so any of them may be the one.
    let script = format!(
        "return [...document.querySelectorAll('[data-test=held-{SITTING}]')].some((held) => held.textContent.includes('第 {version} 版'))"
    );
    let begun = Instant::now();
    while kiosk
        .driver()
        .execute(&script, Vec::new())
        .await
        .unwrap()
        .json()
        != true
    {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "version {version} was not taken from the stick"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Removes every grant from a stick; returns how many there were.
fn without_grants(center: &Center, stick: &Path) -> usize {
    let database = rusqlite::Connection::open_with_flags(
        center.home.join("center.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .unwrap();
    let mut grants = database
        .prepare("SELECT lower(hex(hash)) FROM objects WHERE kind = 'grant'")
        .unwrap();
    let grants: Vec<String> = grants
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut folders = vec![stick.to_path_buf()];
    let mut removed = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if grants
                .iter()
                .any(|grant| entry.file_name() == grant.as_str())
            {
                std::fs::remove_file(entry.path()).unwrap();
                removed += 1;
            }
        }
    }
    removed
}
