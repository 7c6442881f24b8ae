//! The line to the center is cut for the whole exam: nobody at the terminal notices, and everything arrives later.
#![allow(clippy::unwrap_used)]

use fengjuan_tests::plan::{self, PROCTOR, Terms};
use fengjuan_tests::process::wait_for;
use fengjuan_tests::results::Table;
use fengjuan_tests::scene::Scene;
use fengjuan_tests::steps::{self, Skill};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_exam_goes_on_without_the_center_and_everything_arrives_afterwards() {
    let mut scene = Scene::open("center-away", (1920, 1080), &Terms::soon(15))
        .await
        .unwrap();
    let code = scene.ready().await.unwrap();
    steps::open_desk(&scene.kiosk, PROCTOR).await.unwrap();
    steps::unlock(&scene.kiosk, &code).await.unwrap();
    steps::leave_desk(&scene.kiosk).await.unwrap();

    scene.center.cut();
    let people = plan::four_candidates();
    steps::check_in(&scene.kiosk, &people[0]).await.unwrap();
    steps::start(&scene.kiosk).await.unwrap();
    let book = plan::answer_book().unwrap();
    steps::answer_until(&scene.kiosk, &book, Skill::KnowsEverything, 14)
        .await
        .unwrap();
    // One picture is that of the check-in; the next ones are taken by chance during the exam, with no center to ask.
    wait_for("a snapshot", Duration::from_secs(60), || {
        scene.kiosk.pictures_taken().is_ok_and(|taken| taken > 1)
    })
    .unwrap();
    steps::hand_in(&scene.kiosk).await.unwrap();
    steps::go_to_waiting_room(&scene.kiosk).await.unwrap();

    // Red until receipted, and said so.
    steps::open_desk(&scene.kiosk, PROCTOR).await.unwrap();
    scene.kiosk.click("tab-records").await.unwrap();
    scene.kiosk.part("unsent-objects").await.unwrap();
    scene.kiosk.picture("not-sent-yet").await.unwrap();

    scene.center.serve().unwrap();
    scene.kiosk.click("sync-now").await.unwrap();
    scene.kiosk.part("all-receipted").await.unwrap();
    scene.kiosk.picture("all-receipted").await.unwrap();
    let results = scene.folder.join("results");
    let printed = scene
        .center
        .run(&[
            "results",
            plan::SITTING,
            "--out",
            &results.display().to_string(),
        ])
        .unwrap();
    let table =
        |name: &str| Table::read(&std::fs::read_to_string(results.join(name)).unwrap()).unwrap();
    let people = table("results.csv");
    assert_eq!(
        people.came_to("王建国").unwrap(),
        ["正常", "16", "合格"],
        "{printed}"
    );
    for absent in ["李秀兰", "赵志刚", "孙桂英"] {
        assert_eq!(
            people.came_to(absent).unwrap(),
            ["缺考", "", ""],
            "{printed}"
        );
    }
    assert_eq!(
        table("anomalies.csv").severe().unwrap(),
        Vec::<String>::new()
    );
    scene.close().await.unwrap();
}
