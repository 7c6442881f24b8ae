//! A station that never had the line to the center is enrolled and delegated by a stick.

use crate::plan::MINUTE_MS;
use crate::stage::Stage;
use fengjuan_device::view::{EnrolState, EnrolView, PullState};
use fengjuan_hub::view::StationScreen;
use fengjuan_hub::view::action::StationAction;
use std::time::{Duration, Instant};

fn enrolling(stage: &Stage) -> EnrolView {
    match stage.station().page().screen {
        StationScreen::Enrol(view) => view,
        other => panic!("not enrolling but {other:?}"),
    }
}

fn folder(stage: &Stage) -> String {
    stage.stick().display().to_string()
}

/// Reads the stick, and waits until it was read.
fn read(stage: &Stage) {
    let folder = folder(stage);
    let outcome = stage.station().act(StationAction::CourierImport { folder });
    assert_eq!(outcome.refused, None);
    let begun = Instant::now();
    loop {
        stage.settle();
        match stage.station().page().screen {
            StationScreen::Enrol(view) if matches!(view.courier, PullState::Running { .. }) => {}
            _ => return,
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "still reading");
        std::thread::yield_now();
    }
}

#[test]
fn a_station_without_a_line_is_enrolled_and_delegated_by_a_stick() {
    let mut stage = Stage::unknown();
    std::fs::create_dir_all(stage.stick()).unwrap();
    let unnamed = StationAction::EnrolByStick {
        hub_name: " ".to_owned(),
        folder: folder(&stage),
    };
    assert_eq!(stage.refused(unnamed), "enrol.bad_request");
    let ask = StationAction::EnrolByStick {
        hub_name: "一号考场管理机".to_owned(),
        folder: folder(&stage),
    };
    assert_eq!(stage.station().act(ask).refused, None);
    let view = enrolling(&stage);
    assert_eq!(view.state, EnrolState::Carried);
    assert_eq!(view.written_to, Some(folder(&stage)));
    // Carried is remembered, and so is the name.
    stage.restart();
    let view = enrolling(&stage);
    assert_eq!(
        (view.state, view.device_name.as_str()),
        (EnrolState::Carried, "一号考场管理机")
    );
    read(&stage);
    let PullState::Failed { code, .. } = enrolling(&stage).courier else {
        panic!("nothing was on the stick");
    };
    assert_eq!(code, "enrol.stick_nothing");
    stage.center.answer(&stage.stick(), 60 * MINUTE_MS);
    read(&stage);
    let delegated = |stage: &Stage| {
        let held = stage.station().hub().delegation().expect("a delegation");
        held.delegation.not_after_ms
    };
    let first = delegated(&stage);
    assert!(!matches!(
        stage.station().page().screen,
        StationScreen::Enrol(_)
    ));
    // A later one takes its place; the stick of before, still there beside it, takes nothing back.
    stage.center.answer(&stage.stick(), 90 * MINUTE_MS);
    stage.restart();
    for _ in 0..2 {
        let folder = folder(&stage);
        let outcome = stage.station().act(StationAction::CourierImport { folder });
        assert_eq!(outcome.refused, None);
        let begun = Instant::now();
        while delegated(&stage) == first {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "no newer delegation"
            );
            std::thread::yield_now();
        }
    }
    assert_eq!(delegated(&stage), first + 30 * MINUTE_MS);
}
