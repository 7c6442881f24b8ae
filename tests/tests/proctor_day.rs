//! A proctor's whole day at the management station on the real app: what the demonstration plays, with every outcome
//! checked.
#![allow(clippy::unwrap_used)]

use fengjuan_tests::day::{LONGEST, Stage};
use fengjuan_tests::process::root;
use fengjuan_tests::results::Table;
use fengjuan_tests::room_day::play;

#[tokio::test(flavor = "multi_thread")]
async fn a_proctor_runs_the_room_from_the_station() {
    let folder = root()
        .join("out/journeys/proctor-day")
        .join(std::process::id().to_string());
    println!("pictures: {}", folder.join("pictures").display());
    let stage = Stage {
        folder,
        size: (1366, 768),
        display: None,
    };
    let day = tokio::time::timeout(LONGEST, play(&stage))
        .await
        .unwrap()
        .unwrap();

    let results = Table::read(&day.results_csv).unwrap();
    assert_eq!(results.len(), 3, "{}", day.results_csv);
    let came_to = |name: &str| results.came_to(name).unwrap();
    assert_eq!(came_to("王建国"), ["正常", "16", "合格"]);
    let moved = "went on at the spare machine with every answer";
    assert_eq!(came_to("李秀兰"), ["正常", "13", "合格"], "{moved}");
    let forced = "still answered at the end";
    assert_eq!(came_to("赵志刚"), ["正常", "0", "不合格"], "{forced}");
    let anomalies = Table::read(&day.anomalies_csv).unwrap();
    assert_eq!(anomalies.severe().unwrap(), Vec::<String>::new());
    for told in [
        "results.moved",
        "results.outage",
        "results.outage_decided",
        "results.credited",
        "results.forced",
    ] {
        let codes = anomalies.codes();
        let times = codes.iter().filter(|code| **code == told).count();
        assert_eq!(times, 1, "{told} is told once: {}", day.anomalies_csv);
    }

    // Three came in front of the camera at check-in; what is beyond these are snapshots.
    let count = |kind: &str| day.entries.get(kind).copied().unwrap_or(0);
    let taken = count("exam.picture_taken");
    assert!(taken > 3, "{taken} pictures, no snapshot among them");
    // A hand-in may overtake the camera; nothing else may keep a snapshot from being taken here.
    let failed = anomalies.details("results.picture_failed");
    let overtaken = |cause: &&str| *cause == "camera.attempt_ended";
    assert!(failed.iter().all(overtaken), "{failed:?}");
    assert_eq!(count("exam.picture_failed"), failed.len());
    assert_eq!(count("exam.lease_taken"), 1);
    assert!(count("app.receipted_by_hub") > 0 && count("app.receipted") > 0);

    assert!(day.verdict.starts_with("绿"), "{}", day.verdict);
}
