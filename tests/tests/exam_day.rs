//! The whole day on the real app: what the demonstration plays, with every outcome checked.
#![allow(clippy::unwrap_used)]

use fengjuan_tests::day::{LONGEST, Stage, play};
use fengjuan_tests::process::{output, program, root, text};
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn a_day_with_four_candidates_on_two_terminals() {
    let folder = root()
        .join("out/journeys/exam-day")
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

    let mut reader =
        csv::Reader::from_reader(day.results_csv.trim_start_matches('\u{feff}').as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let line = |name: &str| {
        let row = rows.iter().find(|row| row.iter().any(|cell| cell == name));
        row.unwrap_or_else(|| panic!("{name} is not in the results"))
            .iter()
            .collect::<Vec<_>>()
            .join("|")
    };
    assert_eq!(rows.len(), 4, "{}", day.results_csv);
    assert!(line("王建国").contains("|合格|"), "{}", line("王建国"));
    assert!(line("李秀兰").contains("|不合格|"), "{}", line("李秀兰"));
    assert!(
        line("赵志刚").contains("|合格|"),
        "the killed one: {}",
        line("赵志刚")
    );
    assert!(line("孙桂英").contains("证件不符"), "{}", line("孙桂英"));

    // The archive is green with nothing but itself and the public root, and red after one byte has changed.
    let verify = |path: &std::path::Path| {
        let mut command = Command::new(program("fengjuan-audit").unwrap());
        output(
            command
                .arg("verify")
                .arg(path)
                .arg("--root")
                .arg(&day.root_key),
        )
        .unwrap()
    };
    let whole = verify(&day.archive);
    assert!(whole.status.success());
    // Both terminals' equipment reports are in it, as they were signed.
    let said = text(&whole.stdout);
    let reports = said.lines().find(|line| line.contains("设备检查报告"));
    assert!(
        reports.is_some_and(|line| line.trim_end().ends_with(" 2")),
        "{said}"
    );
    let mut bytes = std::fs::read(&day.archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let spoiled = day.archive.with_extension("spoiled");
    std::fs::write(&spoiled, bytes).unwrap();
    let verdict = verify(&spoiled);
    assert_eq!(verdict.status.code(), Some(1), "{}", text(&verdict.stdout));
}
