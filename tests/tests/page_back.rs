//! The process that draws the page dies or hangs in the middle of an exam: the same question is back, with every answer.
#![allow(clippy::unwrap_used)]

use fengjuan_store::Database;
use fengjuan_tests::kiosk::Kiosk;
use fengjuan_tests::plan::{self, PROCTOR, Terms};
use fengjuan_tests::process::{signal, wait_for};
use fengjuan_tests::scene::Scene;
use fengjuan_tests::sight::{alike, hand, seen};
use fengjuan_tests::steps::{self, Skill};
use rustix::process::Signal;
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(90);
/// From so many percent on only the clock and a focus ring differ; another question of the same kind has 94.
const SAME: u32 = 97;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_dies_or_hangs_comes_back_on_the_same_question() {
    let mut scene = Scene::open("page-back", (1366, 768), &Terms::soon(15))
        .await
        .unwrap();
    let code = scene.ready().await.unwrap();
    let kiosk = &scene.kiosk;
    steps::open_desk(kiosk, PROCTOR).await.unwrap();
    steps::unlock(kiosk, &code).await.unwrap();
    steps::leave_desk(kiosk).await.unwrap();
    steps::check_in(kiosk, &plan::four_candidates()[0])
        .await
        .unwrap();
    steps::start(kiosk).await.unwrap();
    let book = plan::answer_book().unwrap();
    steps::answer_until(kiosk, &book, Skill::KnowsEverything, 4)
        .await
        .unwrap();
    let before = steps::question(kiosk).await.unwrap();
    assert!(before.chosen.contains(&true));
    kiosk.picture("before").await.unwrap();
    let wanted = seen(kiosk).unwrap();

    // From here on the page is watched from outside: its remote control is gone with the process.
    for (times, blow) in [Signal::KILL, Signal::STOP].into_iter().enumerate() {
        let old = kiosk.page_pid().unwrap();
        signal(old, blow).unwrap();
        wait_for("another page process", PATIENCE, || {
            kiosk.page_pid().is_ok_and(|pid| pid != old)
        })
        .unwrap();
        if blow == Signal::STOP {
            // The engine has let go of it. Where it has not ended it too, nothing else does: it stands still.
            let gone = signal(old, Signal::KILL);
            assert!(gone.is_ok() || !Path::new(&format!("/proc/{old}")).exists());
        }
        // Until then the display may still hold the last picture of the old page.
        wait_for("the page", PATIENCE, || times_back(kiosk) > times).unwrap();
        let same = || alike(&wanted, &seen(kiosk).unwrap(), SAME);
        wait_for("the same question", PATIENCE, same).unwrap();
        // It is no picture of a page but one that takes keys.
        hand(kiosk, "key Right").unwrap();
        wait_for("the next question", PATIENCE, || !same()).unwrap();
        hand(kiosk, "key Left").unwrap();
        wait_for("the question again", PATIENCE, same).unwrap();
    }

    // And the answers are what they were.
    scene.kiosk.kill().unwrap();
    told_in_the_ledger(&scene.kiosk);
    scene.kiosk.reopen().await.unwrap();
    let kiosk = &scene.kiosk;
    kiosk.wait_screen("suspended").await.unwrap();
    steps::open_desk(kiosk, PROCTOR).await.unwrap();
    steps::submit_code(kiosk, &code).await.unwrap();
    kiosk.wait_screen("exam").await.unwrap();
    let after = steps::question(kiosk).await.unwrap();
    assert_eq!(
        (after.number, after.stem, after.options, after.chosen),
        (before.number, before.stem, before.options, before.chosen)
    );
    scene.close().await.unwrap();
}

/// Each time it was lost and came back, with the cause in the entry.
fn told_in_the_ledger(kiosk: &Kiosk) {
    let mut opened = None;
    wait_for("the killed app's lock", PATIENCE, || {
        opened = Database::open(&kiosk.home.data()).ok();
        opened.is_some()
    })
    .unwrap();
    let (database, _) = opened.unwrap();
    let reader = database.reader().unwrap();
    let size = usize::try_from(reader.size().unwrap()).unwrap();
    let kinds: Vec<String> = reader
        .entries(0, size)
        .unwrap()
        .into_iter()
        .map(|entry| entry.kind)
        .filter(|kind| kind.starts_with("system.page"))
        .collect();
    let once = ["system.page_lost", "system.page_back"];
    assert_eq!(kinds, [once, once].concat());
}

/// How often the program says that its page came back.
fn times_back(kiosk: &Kiosk) -> usize {
    let log = std::fs::read_to_string(kiosk.home.data().join("program.log")).unwrap();
    log.matches("page back").count()
}
