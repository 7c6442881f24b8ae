//! Readable paper is nowhere on a terminal's disk: before, during and after an exam, and after a kill.
#![allow(clippy::unwrap_used)]

use fengjuan_tests::kiosk::Kiosk;
use fengjuan_tests::paper_scan::{Canary, canaries_of_picture, canaries_of_text, scan};
use fengjuan_tests::plan::{self, PASSWORD, PROCTOR, Terms};
use fengjuan_tests::scene::Scene;
use fengjuan_tests::steps;
use std::path::Path;

/// A bank whose every stem, option and picture is a canary.
fn write_bank(folder: &Path) -> (std::path::PathBuf, Vec<Canary>) {
    let header = "题号,题型,题干,题干图片,选项A,选项B,选项C,选项D,选项E,选项F,选项A图片,选项B图片,选项C图片,选项D图片,答案,分值,知识点,难度,选项不乱序,案例号,案例文字";
    let (mut rows, mut canaries) = (vec![header.to_owned()], Vec::new());
    std::fs::create_dir_all(folder.join("pictures")).unwrap();
    for number in 0..20u32 {
        let (kind, answer, options) = match number {
            0..=9 => ("判断", "对", 0),
            10..=15 => ("单选", "B", 4),
            _ => ("多选", "AC", 4),
        };
        let stem = format!("金丝雀题干Kanarie{number:02}末尾");
        let options: Vec<String> = (0..options)
            .map(|k| format!("金丝雀选项Optie{number:02}之{k}"))
            .collect();
        let picture = noise_picture(number);
        std::fs::write(folder.join(format!("pictures/n{number}.png")), &picture).unwrap();
        // The first option of each of these is a picture, with other noise than the stem's.
        let mut option_picture = String::new();
        if !options.is_empty() {
            option_picture = format!("o{number}.png");
            let picture = noise_picture(1_000 + number);
            std::fs::write(folder.join("pictures").join(&option_picture), &picture).unwrap();
            canaries.extend(canaries_of_picture(
                &format!("option picture {number}"),
                &picture,
            ));
        }
        canaries.extend(canaries_of_text(&stem, &stem));
        for option in &options {
            canaries.extend(canaries_of_text(option, option));
        }
        canaries.extend(canaries_of_picture(&format!("picture {number}"), &picture));
        let cells: Vec<String> = (0..6)
            .map(|k| options.get(k).cloned().unwrap_or_default())
            .collect();
        rows.push(format!(
            "K{number:03},{kind},{stem},n{number}.png,{},{option_picture},,,,{answer},1,金丝雀,易,,,",
            cells.join(",")
        ));
    }
    let path = folder.join("canaries.csv");
    std::fs::write(&path, rows.join("\n")).unwrap();
    (path, canaries)
}

/// Noise does not compress, so a run of its bytes is in the file and nowhere else.
fn noise_picture(seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let picture = image::RgbImage::from_fn(64, 48, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Rgb([(state >> 8) as u8, (state >> 16) as u8, (state >> 24) as u8])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

fn assert_clean(moment: &str, folder: &Path, canaries: &[Canary]) {
    let (files, bytes, hits) = scan(folder, canaries).unwrap();
    println!(
        "{moment}: {files} files, {bytes} bytes, {} canaries, {} hits",
        canaries.len(),
        hits.len()
    );
    assert!(files > 10, "{moment}: the scan saw the run");
    assert!(hits.is_empty(), "{moment}: {hits:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_is_in_any_file_of_a_run() {
    let people = plan::four_candidates();
    let bank = |folder: &Path| write_bank(folder);
    let mut scene = Scene::prepare("sealed-paper", (1366, 768)).await.unwrap();
    let (file, mut canaries) = bank(&scene.folder);
    let pictures = scene.folder.join("pictures");
    scene
        .issue_with_bank(&Terms::soon(15), &file, &pictures)
        .await
        .unwrap();
    let code = scene.ready().await.unwrap();
    // A code, a password and a full ID number are not readable either; a name is a canary of the roster.
    canaries.extend(canaries_of_text("the code", &code.join("")));
    canaries.extend(canaries_of_text(
        "the code's first groups",
        &code[..2].join("-"),
    ));
    canaries.extend(canaries_of_text("a staff password", PASSWORD));
    for person in &people {
        canaries.extend(canaries_of_text("an ID number", &person.id_no));
        canaries.extend(canaries_of_text("a name", person.name));
    }
    let home = scene.kiosk.home.folder.clone();
    assert_clean("before", &home, &canaries);

    steps::open_desk(&scene.kiosk, PROCTOR).await.unwrap();
    steps::unlock(&scene.kiosk, &code).await.unwrap();
    steps::leave_desk(&scene.kiosk).await.unwrap();
    assert_clean("unlocked", &home, &canaries);
    steps::check_in(&scene.kiosk, &people[0]).await.unwrap();
    steps::start(&scene.kiosk).await.unwrap();
    let mut option_pictures = 0;
    for number in 1..=12 {
        let question = steps::question(&scene.kiosk).await.unwrap();
        assert!(
            question.stem.starts_with("金丝雀题干"),
            "the canaries are really on screen: {}",
            question.stem
        );
        let shown = pictures_shown(&scene.kiosk).await;
        assert!(
            shown.0 == 1,
            "question {number}: the stem's picture is drawn"
        );
        option_pictures += shown.1;
        scene.kiosk.click("option-0").await.unwrap();
        scene.kiosk.part("saved-0").await.unwrap();
        steps::next(&scene.kiosk, number).await.unwrap();
    }
    assert_eq!(option_pictures, 4, "of the four single-choice questions");
    assert_clean("during", &home, &canaries);

    scene.kiosk.kill().unwrap();
    assert_clean("after a kill", &home, &canaries);
    scene.kiosk.reopen().await.unwrap();
    scene.kiosk.wait_screen("suspended").await.unwrap();
    steps::open_desk(&scene.kiosk, PROCTOR).await.unwrap();
    steps::submit_code(&scene.kiosk, &code).await.unwrap();
    scene.kiosk.wait_screen("exam").await.unwrap();
    steps::hand_in(&scene.kiosk).await.unwrap();
    assert_clean("handed in", &home, &canaries);
    scene.close().await.unwrap();
    assert_clean("after the end", &home, &canaries);
}

/// How many pictures of the stem and of the options are drawn, once every one on screen has been decoded.
async fn pictures_shown(kiosk: &Kiosk) -> (usize, usize) {
    let script = r"
        const done = arguments[0];
        const all = [...document.querySelectorAll('[data-test=question] img')];
        Promise.all(all.map((picture) => picture.decode())).then(
            () => {
                const drawn = (css) => [...document.querySelectorAll(css)]
                    .filter((picture) => picture.naturalWidth === 64 && picture.naturalHeight === 48 && picture.width > 0).length;
                done([drawn('.stem img'), drawn('img.option-picture')]);
            },
            (error) => done(String(error)),
        );";
    let told = kiosk
        .driver()
        .execute_async(script, Vec::new())
        .await
        .unwrap();
    serde_json::from_value(told.json().clone()).unwrap_or_else(|_| panic!("{}", told.json()))
}
