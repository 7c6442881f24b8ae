//! What a person meets when something is wrong: each refused in plain words, nothing lost.
#![allow(clippy::unwrap_used)]

use fengjuan_envelope::code::Code;
use fengjuan_tests::kiosk::{Kiosk, Start};
use fengjuan_tests::plan::{self, PASSWORD, PROCTOR, STAFF, Terms};
use fengjuan_tests::scene::Scene;
use fengjuan_tests::steps;

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_numbers_passwords_and_moments_are_refused_in_words() {
    let terms = Terms {
        pattern_camera: false,
        ..Terms::soon(3_600)
    };
    let mut scene = Scene::open(
        "refusals",
        (1366, 768),
        &Terms {
            start: chrono::Local::now() + chrono::Duration::minutes(20),
            ..terms
        },
    )
    .await
    .unwrap();
    let code = scene.ready().await.unwrap();
    let kiosk = &scene.kiosk;

    // A complete code of another place: counted, slowed, and nothing opens.
    steps::open_desk(kiosk, PROCTOR).await.unwrap();
    let wrong = Code::generate().unwrap().to_groups();
    steps::submit_code(kiosk, &wrong).await.unwrap();
    kiosk
        .wait_attr("unlock-refused", "data-code", "unlock.wrong_code")
        .await
        .unwrap();
    kiosk.picture("wrong-code").await.unwrap();
    assert_eq!(
        kiosk
            .text("wrong-so-far")
            .await
            .unwrap()
            .chars()
            .filter(char::is_ascii_digit)
            .collect::<String>(),
        "1"
    );
    // A group with one wrong symbol is known as it is typed.
    let mut misheard = code[0].clone();
    misheard.replace_range(0..1, if misheard.starts_with('7') { "8" } else { "7" });
    steps::type_group(kiosk, 0, &misheard).await.unwrap();
    kiosk
        .wait_attr("group-state-0", "data-check", "invalid")
        .await
        .unwrap();
    kiosk.picture("misheard-group").await.unwrap();
    // After the delay the right code opens; before the planned start nobody starts.
    steps::type_code(kiosk, &code).await.unwrap();
    steps::click_when_allowed(kiosk, "unlock", std::time::Duration::from_secs(60))
        .await
        .unwrap();
    kiosk
        .wait_attr("step-unlock", "data-state", "done")
        .await
        .unwrap();
    kiosk.click("tab-sitting").await.unwrap();
    kiosk.part("start-blocked").await.unwrap();
    assert_eq!(
        kiosk
            .part("start")
            .await
            .unwrap()
            .attr("aria-disabled")
            .await
            .unwrap()
            .as_deref(),
        Some("true")
    );
    steps::leave_desk(kiosk).await.unwrap();

    // A number that nobody here has.
    steps::identify(kiosk, "1234567890123456").await.unwrap();
    kiosk.part("banner").await.unwrap();
    kiosk.picture("unknown-number").await.unwrap();
    kiosk.click("leave").await.unwrap();

    // This machine has no camera, and the plan allows no pattern: two buttons, and a person decides.
    let person = &plan::four_candidates()[1];
    steps::identify(kiosk, &person.id_no).await.unwrap();
    kiosk.wait_screen("person").await.unwrap();
    kiosk.picture("no-camera").await.unwrap();
    kiosk.click("camera-trouble").await.unwrap();
    kiosk.wait_screen("staff_confirm").await.unwrap();
    kiosk.click("without-picture").await.unwrap();
    kiosk
        .type_in("without-picture-reason", "摄像头坏了，已人工核对")
        .await
        .unwrap();
    kiosk.click(&format!("staff-{PROCTOR}")).await.unwrap();
    kiosk
        .type_in("staff-password", "wrong-password")
        .await
        .unwrap();
    kiosk.click("without-picture-confirm").await.unwrap();
    kiosk.part("refused").await.unwrap();
    kiosk.picture("wrong-password").await.unwrap();
    kiosk.type_in("staff-password", PASSWORD).await.unwrap();
    steps::click_when_allowed(
        kiosk,
        "without-picture-confirm",
        std::time::Duration::from_secs(60),
    )
    .await
    .unwrap();
    kiosk.part("check-person").await.unwrap();
    for check in ["id_document", "person", "ticket", "contraband_clear"] {
        kiosk.click(&format!("check-{check}")).await.unwrap();
    }
    kiosk.click(&format!("staff-{STAFF}")).await.unwrap();
    kiosk.type_in("staff-password", PASSWORD).await.unwrap();
    kiosk.click("confirm-person").await.unwrap();
    kiosk.wait_screen("rules").await.unwrap();

    let rect = kiosk.driver().get_window_rect().await.unwrap();
    assert_eq!((rect.width, rect.height), (1366, 768), "full screen");

    second_program_and_damaged_database(&mut scene).await;
    scene.center.stop().unwrap();
}

async fn second_program_and_damaged_database(scene: &mut Scene) {
    // A second program on the same data stops before it touches anything.
    let start = Start::terminal("第二个程序", scene.center.site_kit());
    let mut second = Kiosk::open(scene.kiosk.display.clone(), scene.kiosk.home.clone(), start)
        .await
        .unwrap();
    second.keep_pictures(&scene.folder.join("screens"));
    second.wait_screen("broken").await.unwrap();
    second
        .wait_attr("broken-words", "data-code", "store.already_running")
        .await
        .unwrap();
    second.picture("second-program").await.unwrap();
    second.kill().unwrap();
    assert_eq!(scene.kiosk.screen().await.unwrap(), "rules");

    // A damaged database stops the program safely, in words, and the file stays as it is.
    scene.kiosk.kill().unwrap();
    let path = scene.kiosk.home.data().join("fengjuan.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 512].fill(0x55);
    bytes[..64].fill(0x55);
    std::fs::write(&path, &bytes).unwrap();
    scene.kiosk.reopen().await.unwrap();
    scene.kiosk.wait_screen("broken").await.unwrap();
    scene
        .kiosk
        .wait_attr("broken-words", "data-code", "store.corrupted")
        .await
        .unwrap();
    scene.kiosk.picture("damaged-database").await.unwrap();
    assert_eq!(
        std::fs::read(&path).unwrap(),
        bytes,
        "the damaged file is kept as evidence"
    );
    scene.kiosk.kill().unwrap();
}
