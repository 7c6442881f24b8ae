//! The disk fills up in the middle of an exam: no tick without the disk, plain words, and on it goes with room again.
//! The terminal's data lie on a small file system of their own, for which the journey runs in a mount namespace.
#![allow(clippy::unwrap_used)]

use fengjuan_tests::kiosk::Kiosk;
use fengjuan_tests::plan::{self, PROCTOR, SITTING, Terms};
use fengjuan_tests::process::text;
use fengjuan_tests::results::Table;
use fengjuan_tests::scene::Scene;
use fengjuan_tests::steps;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const FOLDER: &str = "FJ_TEST_FULL_DISK";
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_full_disk_is_told_and_the_exam_goes_on_with_room() {
    let folder = Scene::folder_of("full-disk");
    let data = folder.join("terminal/data");
    std::fs::create_dir_all(&data).unwrap();
    let script = "mount -t tmpfs -o size=448m,mode=700 fengjuan \"$1\" && exec \"$2\" --exact on_a_small_disk --nocapture --ignored";
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-ec", script, "sh"])
        .args([&data, &std::env::current_exe().unwrap()])
        .env(FOLDER, &folder)
        .output()
        .unwrap();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    println!("{said}");
    // Where no file system can be mounted this journey has shown nothing, which is no pass.
    assert!(
        output.status.success() && said.contains("went on with room"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by a_full_disk_is_told_and_the_exam_goes_on_with_room"]
async fn on_a_small_disk() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let scene = Scene::prepare_in(&folder, (1366, 768)).await.unwrap();
    let people = plan::four_candidates();
    plan::prepare(&scene.center, &scene.folder, &Terms::soon(15), &people).unwrap();
    let code = scene.ready().await.unwrap();
    let kiosk = &scene.kiosk;
    steps::open_desk(kiosk, PROCTOR).await.unwrap();
    steps::unlock(kiosk, &code).await.unwrap();
    steps::leave_desk(kiosk).await.unwrap();
    steps::check_in(kiosk, &people[0]).await.unwrap();
    steps::start(kiosk).await.unwrap();
    assert!(choose(kiosk, 0).await, "with room there is a tick");

    // After the first refusal the program gives its own reserve free; whoever fills the disk takes that too.
    let mut ballast = Vec::new();
    let (mut option, mut saved, mut refused) = (1, 0, 0);
    while refused < 2 {
        ballast.push(fill(&kiosk.home.data(), ballast.len()));
        let before = chosen(kiosk).await;
        if choose(kiosk, option).await {
            option = 1 - option;
            saved += 1;
        } else {
            assert_eq!(chosen(kiosk).await, before, "no tick without the disk");
            refused += 1;
        }
        assert!(saved < 400, "the disk was full {refused} times");
    }
    println!("{saved} answers found room before the disk was full for good");
    // Whichever refusal was the last: it is the storage that is said, and not that somebody has paused the exam.
    let words = kiosk.text("banner").await.unwrap();
    assert!(words.contains("没有存好"), "{words}");
    kiosk.picture("disk-full").await.unwrap();

    for file in ballast {
        std::fs::remove_file(file).unwrap();
    }
    let begun = Instant::now();
    while !choose(kiosk, option).await {
        assert!(
            begun.elapsed() < PATIENCE,
            "there is room, and nothing is saved"
        );
    }
    let entries = kiosk.entries().unwrap();
    let count = |kind: &str| entries.iter().filter(|entry| *entry == kind).count();
    assert!(count("system.storage_failed") >= 1, "{entries:?}");
    assert_eq!(count("system.storage_failed"), count("system.storage_back"));
    let last = chosen(kiosk).await;
    steps::next(kiosk, 1).await.unwrap();
    kiosk.click("previous").await.unwrap();
    kiosk.part(&format!("saved-{option}")).await.unwrap();
    assert_eq!(chosen(kiosk).await, last);
    kiosk.picture("room-again").await.unwrap();
    steps::hand_in(kiosk).await.unwrap();
    steps::go_to_waiting_room(kiosk).await.unwrap();
    steps::open_desk(kiosk, PROCTOR).await.unwrap();
    kiosk.click("tab-records").await.unwrap();
    kiosk.click("sync-now").await.unwrap();
    kiosk.part("all-receipted").await.unwrap();

    let out = scene.folder.join("results");
    scene
        .center
        .run(&["results", SITTING, "--out", &out.display().to_string()])
        .unwrap();
    let table =
        |name: &str| Table::read(&std::fs::read_to_string(out.join(name)).unwrap()).unwrap();
    assert_eq!(
        table("results.csv").cell(people[0].name, "状态").unwrap(),
        "正常"
    );
    assert_eq!(
        table("anomalies.csv").severe().unwrap(),
        Vec::<String>::new()
    );
    scene.close().await.unwrap();
    println!("went on with room");
}

/// Clicks an option of a true-or-false question; whether it got its tick, or was refused.
async fn choose(kiosk: &Kiosk, option: usize) -> bool {
    kiosk.click(&format!("option-{option}")).await.unwrap();
    let script = format!(
        "const it = document.querySelector('[data-test=option-{option}]');
         return [it.getAttribute('aria-checked') === 'true' && it.dataset.mark === 'saved', it.dataset.mark === 'failed'];"
    );
    let begun = Instant::now();
    loop {
        let told = kiosk.driver().execute(&script, Vec::new()).await.unwrap();
        match (&told.json()[0], &told.json()[1]) {
            (Value::Bool(true), _) => return true,
            (_, Value::Bool(true)) => return false,
            _ => assert!(begun.elapsed() < PATIENCE, "neither saved nor refused"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn chosen(kiosk: &Kiosk) -> Value {
    json!(steps::question(kiosk).await.unwrap().chosen)
}

/// Takes whatever is left of the file system.
fn fill(folder: &Path, number: usize) -> PathBuf {
    let path = folder.join(format!("ballast-{number}"));
    let Ok(mut file) = std::fs::File::create(&path) else {
        return path;
    };
    for size in [1 << 20, 1 << 16, 4096, 256] {
        let piece = vec![0x55; size];
        while file.write_all(&piece).is_ok() {}
    }
    path
}
