//! Keys and mouse of the display itself cannot take the window away from the exam: every key arrives, and nothing
//! comes of it.
#![allow(clippy::unwrap_used)]

use fengjuan_tests::kiosk::Kiosk;
use fengjuan_tests::plan::{self, PROCTOR, Terms};
use fengjuan_tests::process::wait_for;
use fengjuan_tests::scene::Scene;
use fengjuan_tests::sight::{Region, differing, hand, seen, windows};
use fengjuan_tests::steps;
use image::RgbImage;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Reload, find, print, zoom, inspect, open, save, select all, close, a new window, and back in the history.
const KEYS: [&str; 21] = [
    "ctrl+r",
    "F5",
    "ctrl+shift+r",
    "ctrl+f",
    "F3",
    "ctrl+p",
    "ctrl+plus",
    "ctrl+minus",
    "ctrl+0",
    "ctrl+shift+i",
    "F12",
    "ctrl+o",
    "ctrl+s",
    "ctrl+u",
    "ctrl+a",
    "ctrl+n",
    "ctrl+t",
    "ctrl+w",
    "alt+Left",
    "alt+Right",
    "BackSpace",
];
/// A focus ring may move.
const MAY_DIFFER: usize = 600;
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything by which a reload, another page, a zoom or a find bar would show itself in the page.
const STANDING: &str = r"
    const box = document.querySelector('[data-test=question]').getBoundingClientRect();
    return [window.__same === true, performance.timeOrigin, location.href, history.length, window.devicePixelRatio,
        box.x, box.y, box.width, box.height, innerWidth, innerHeight, String(getSelection()),
        document.querySelector('[data-test=stem]').textContent,
        [...document.querySelectorAll('.option')].map((option) => option.getAttribute('aria-checked'))];";

/// The page tells what it heard, after everybody else has.
const LISTEN: &str = r"
    window.__same = true;
    window.__heard = [];
    for (const name of ['keydown', 'contextmenu', 'dragstart']) {
        window.addEventListener(name, (event) => {
            if (['Control', 'Shift', 'Alt'].includes(event.key)) return;
            window.__heard.push([name, event.key ?? '', event.ctrlKey, event.altKey, event.defaultPrevented]);
        });
    }";

#[tokio::test(flavor = "multi_thread")]
async fn no_key_and_no_mouse_takes_the_window_from_the_exam() {
    let scene = Scene::open("locked-window", (1366, 768), &Terms::soon(15))
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
    steps::next(kiosk, 1).await.unwrap();
    kiosk.click("option-1").await.unwrap();
    kiosk.part("saved-1").await.unwrap();
    script(kiosk, LISTEN).await;

    keys_do_nothing(kiosk).await;
    right_click_opens_nothing(kiosk).await;
    nothing_can_be_dragged(kiosk).await;

    // Asking the window manager to close it does not close it either.
    let (app, page) = (kiosk.app_pid().unwrap(), kiosk.page_pid().unwrap());
    let before = script(kiosk, STANDING).await;
    hand(kiosk, "key alt+F4").unwrap();
    still_takes_keys(kiosk, 2).await;
    assert_eq!(script(kiosk, STANDING).await, before);
    assert_eq!(
        (kiosk.app_pid().unwrap(), kiosk.page_pid().unwrap()),
        (app, page)
    );
    let rect = kiosk.driver().get_window_rect().await.unwrap();
    assert_eq!((rect.width, rect.height), (1366, 768), "full screen");
    kiosk.picture("still-the-exam").await.unwrap();
    scene.close().await.unwrap();
}

async fn keys_do_nothing(kiosk: &Kiosk) {
    let before = script(kiosk, STANDING).await;
    let open = windows(kiosk).unwrap();
    assert!(!open.is_empty());
    let clock = clock(kiosk).await;
    still_takes_keys(kiosk, 2).await;
    let picture = settled(kiosk, clock);
    let pids = (kiosk.app_pid().unwrap(), kiosk.page_pid().unwrap());
    for keys in KEYS {
        script(kiosk, "window.__heard.length = 0").await;
        hand(kiosk, &format!("key {keys}")).unwrap();
        let heard = heard(kiosk, "keydown").await;
        let (control, alt) = (keys.starts_with("ctrl"), keys.starts_with("alt"));
        assert_eq!(
            heard[2..],
            [Value::from(control), Value::from(alt), Value::from(true)],
            "{keys}: {heard:?}"
        );
        // Keys arrive in their order: whatever {keys} would have opened is there by now.
        still_takes_keys(kiosk, 2).await;
        assert_eq!(script(kiosk, STANDING).await, before, "{keys}");
        assert_eq!(windows(kiosk).unwrap(), open, "{keys}");
        comes_back_to(kiosk, &picture, clock, keys);
    }
    assert_eq!(
        (kiosk.app_pid().unwrap(), kiosk.page_pid().unwrap()),
        pids,
        "the same programs"
    );
}

async fn right_click_opens_nothing(kiosk: &Kiosk) {
    let before = script(kiosk, STANDING).await;
    let open = windows(kiosk).unwrap();
    for part in [
        "[data-test=stem]",
        "[data-test=option-0]",
        ".exam-who img",
        "[data-test=time-left]",
    ] {
        let (x, y) = middle(kiosk, part).await;
        hand(kiosk, &format!("mousemove {x} {y}")).unwrap();
        still_takes_keys(kiosk, 2).await;
        let clock = clock(kiosk).await;
        let picture = settled(kiosk, clock);
        script(kiosk, "window.__heard.length = 0").await;
        hand(kiosk, "click 3").unwrap();
        let heard = heard(kiosk, "contextmenu").await;
        assert_eq!(heard[4], Value::from(true), "{part}: {heard:?}");
        comes_back_to(kiosk, &picture, clock, part);
        assert_eq!(
            windows(kiosk).unwrap(),
            open,
            "{part}: a menu is a window of its own"
        );
        // A menu would keep the keys for itself.
        still_takes_keys(kiosk, 2).await;
        assert_eq!(script(kiosk, STANDING).await, before, "{part}");
    }
}

async fn nothing_can_be_dragged(kiosk: &Kiosk) {
    let before = script(kiosk, STANDING).await;
    let open = windows(kiosk).unwrap();
    for part in [
        ".exam-who img",
        "[data-test=stem]",
        "[data-test=option-0] .option-text",
    ] {
        let (x, y) = middle(kiosk, part).await;
        script(kiosk, "window.__heard.length = 0").await;
        hand(kiosk, &format!("mousemove {x} {y} mousedown 1")).unwrap();
        for step in 1..=8 {
            hand(
                kiosk,
                &format!("mousemove {} {}", x + step * 12, y + step * 6),
            )
            .unwrap();
        }
        let dragged = windows(kiosk).unwrap();
        hand(kiosk, "mouseup 1").unwrap();
        still_takes_keys(kiosk, 2).await;
        assert_eq!(
            dragged, open,
            "{part}: what is dragged hangs from a window of its own"
        );
        let heard = script(
            kiosk,
            "return window.__heard.filter((one) => one[0] === 'dragstart' && !one[4])",
        )
        .await;
        assert_eq!(heard, serde_json::json!([]), "{part}");
        assert_eq!(
            script(kiosk, STANDING).await,
            before,
            "{part}: nothing selected, nothing opened"
        );
    }
}

/// The display as it is when nothing but the clock moves any more: a page is painted some time after it has changed.
fn settled(kiosk: &Kiosk, clock: Region) -> RgbImage {
    let mut picture = seen(kiosk).unwrap();
    wait_for("a display that stands still", PATIENCE, || {
        let next = seen(kiosk).unwrap();
        let moved = differing(&picture, &next, clock);
        picture = next;
        moved == 0
    })
    .unwrap();
    picture
}

/// What a key or a click had opened would stay, and the display never look like this again.
fn comes_back_to(kiosk: &Kiosk, picture: &RgbImage, clock: Region, after: &str) {
    let mut differs = 0;
    wait_for(&format!("the same display after {after}"), PATIENCE, || {
        differs = differing(picture, &seen(kiosk).unwrap(), clock);
        differs <= MAY_DIFFER
    })
    .unwrap_or_else(|error| panic!("{error}: {differs} points differ"));
}

/// The page is one that takes keys: to the next question and back again.
async fn still_takes_keys(kiosk: &Kiosk, question: usize) {
    hand(kiosk, "key Right").unwrap();
    on_question(kiosk, question + 1).await;
    hand(kiosk, "key Left").unwrap();
    on_question(kiosk, question).await;
    kiosk.part("saved-1").await.unwrap();
}

async fn on_question(kiosk: &Kiosk, number: usize) {
    let begun = Instant::now();
    while steps::question(kiosk).await.unwrap().number != number {
        assert!(
            begun.elapsed() < PATIENCE,
            "question {number} does not come: the page does not take keys"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The first of these events that the page heard.
async fn heard(kiosk: &Kiosk, name: &str) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let all = script(kiosk, "return window.__heard").await;
        let all: Vec<Vec<Value>> = serde_json::from_value(all).unwrap();
        if let Some(one) = all.into_iter().find(|one| one[0] == *name) {
            return one;
        }
        assert!(begun.elapsed() < PATIENCE, "no {name} arrived");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn clock(kiosk: &Kiosk) -> Region {
    let rect = rect(kiosk, "[data-test=time-left]").await;
    Region(
        rect[0] as u32,
        rect[1] as u32,
        rect[2] as u32 + 2,
        rect[3] as u32 + 2,
    )
}

async fn middle(kiosk: &Kiosk, css: &str) -> (u32, u32) {
    let rect = rect(kiosk, css).await;
    (
        (rect[0] + rect[2] / 2.0) as u32,
        (rect[1] + rect[3] / 2.0) as u32,
    )
}

async fn rect(kiosk: &Kiosk, css: &str) -> Vec<f64> {
    let words = format!(
        "const r = document.querySelector('{css}').getBoundingClientRect(); return [r.x, r.y, r.width, r.height]"
    );
    serde_json::from_value(script(kiosk, &words).await).unwrap()
}

async fn script(kiosk: &Kiosk, words: &str) -> Value {
    kiosk
        .driver()
        .execute(words, Vec::new())
        .await
        .unwrap()
        .json()
        .clone()
}
