//! What people do at the room's management station, step by step, in the words of the exam day.

use crate::kiosk::{Kiosk, wait_until};
use crate::plan::PASSWORD;
use crate::steps;
use anyhow::{Context, bail, ensure};
use std::time::Duration;
use thirtyfour::By;

/// Who confirms what two persons must decide.
pub const SECOND: &str = "P002";

/// Logs in wherever the page asks for it: on the screen of its own, or over the room that goes on behind.
pub async fn log_in(station: &Kiosk, staff_id: &str) -> anyhow::Result<()> {
    if station.screen().await? == "station" {
        station.click("log-in-again").await?;
    }
    steps::log_in(station, staff_id).await?;
    station.wait_screen("station").await?;
    gone(station, "acting").await
}

/// Waits until a part is no longer on the page.
pub async fn gone(station: &Kiosk, test: &str) -> anyhow::Result<()> {
    wait_until(&format!("{test} to go"), async || {
        Ok(!station.has(test).await?)
    })
    .await
}

/// Pulls the first papers from the center, as the one next step. They bring the staff list, and the page asks who is
/// there.
pub async fn pull(station: &Kiosk) -> anyhow::Result<()> {
    station.wait_screen("station").await?;
    station.picture("before-the-papers").await?;
    station.click("next-step").await?;
    station.wait_screen("log_in").await
}

/// The terminal with this fingerprint asks; two people compare and let it in. Without a seat it is a spare. Returns
/// the device's key.
pub async fn approve(
    station: &Kiosk,
    fingerprint: &str,
    seat_no: Option<u32>,
) -> anyhow::Result<String> {
    station.click("tab-devices").await?;
    let script = "const wanted = arguments[0].replaceAll('-', '');
        for (const shown of document.querySelectorAll('[data-test^=fingerprint-]')) {
            const symbols = [...shown.querySelectorAll('b')].map((symbol) => symbol.textContent).join('');
            if (symbols === wanted) return shown.dataset.test.slice('fingerprint-'.length);
        }
        return '';";
    let mut device = String::new();
    wait_until("the terminal to be asking at the station", async || {
        let found = station
            .driver()
            .execute(script, vec![fingerprint.into()])
            .await?;
        found
            .json()
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut device);
        Ok(!device.is_empty())
    })
    .await?;
    station.picture("terminal-asks").await?;
    station.click(&format!("approve-{device}")).await?;
    let seat = seat_no.map(|seat_no| seat_no.to_string());
    choose(
        station,
        "approve-device",
        seat.as_deref().unwrap_or_default(),
    )
    .await?;
    station.click("approve-device-check-0").await?;
    second_person(station).await?;
    station.picture("terminal-approved-by-two").await?;
    decide(station, "approve-device").await?;
    station.part(&format!("device-{device}")).await?;
    Ok(device)
}

/// Takes one of a dialog's choices.
async fn choose(station: &Kiosk, dialog: &str, value: &str) -> anyhow::Result<()> {
    let select = station.part(&format!("{dialog}-choice")).await?;
    let option = select
        .find(By::Css(format!("option[value=\"{value}\"]")))
        .await;
    let option = option.with_context(|| format!("{dialog} offers no {value:?}"))?;
    option.click().await?;
    ensure!(
        select.prop("value").await?.as_deref() == Some(value),
        "{dialog} did not take {value:?}"
    );
    Ok(())
}

async fn second_person(station: &Kiosk) -> anyhow::Result<()> {
    station.click(&format!("staff-{SECOND}")).await?;
    station.type_in("staff-password", PASSWORD).await
}

/// Confirms a dialog and waits until it has closed, which it does when it was done.
pub async fn decide(station: &Kiosk, dialog: &str) -> anyhow::Result<()> {
    let confirm = format!("{dialog}-confirm");
    station.click(&confirm).await?;
    wait_until(&format!("{dialog} to close"), async || {
        if station.has("refused").await? {
            station.picture("FAILED-refused").await?;
            bail!("{dialog}: {}", station.text("refused").await?);
        }
        Ok(!station.has(&confirm).await?)
    })
    .await
}

pub async fn publish_seats(station: &Kiosk) -> anyhow::Result<()> {
    station.click("tab-seating").await?;
    station.picture("seating-before").await?;
    station.click("publish-seats").await?;
    decide(station, "publish-seats").await?;
    station.part("published").await?;
    station.picture("seats-published").await
}

/// The code, typed once; every terminal has the keys then.
pub async fn unlock(station: &Kiosk, code: &[String], terminals: usize) -> anyhow::Result<()> {
    steps::submit_code(station, code).await?;
    station.part("unlocked").await?;
    let all = format!("{terminals} / {terminals}");
    station.wait_text("opened", &all).await?;
    station.picture("unlocked").await
}

/// Opens the panel of a seat.
pub async fn open_seat(station: &Kiosk, seat_no: u32) -> anyhow::Result<()> {
    station.click("tab-room").await?;
    let panel = format!("panel-{seat_no}");
    // A click on an open seat closes it.
    if !station.has(&panel).await? {
        station.click(&format!("seat-{seat_no}")).await?;
    }
    station.part(&panel).await.map(drop)
}

pub async fn close_seat(station: &Kiosk) -> anyhow::Result<()> {
    station.click("panel-close").await?;
    gone(station, "panel-close").await
}

/// Waits until the open panel's seat is in this state.
pub async fn wait_state(station: &Kiosk, state: &str) -> anyhow::Result<()> {
    station.wait_attr("panel-state", "data-state", state).await
}

/// Waits until a tile of the map is in this state.
pub async fn wait_tile(station: &Kiosk, seat_no: u32, state: &str) -> anyhow::Result<()> {
    let tile = format!("seat-{seat_no}");
    station.wait_attr(&tile, "data-state", state).await
}

/// Staff compare ID, person and ticket, and look for contraband; said at the station.
pub async fn confirm(station: &Kiosk, seat_no: u32) -> anyhow::Result<()> {
    open_seat(station, seat_no).await?;
    wait_state(station, "checked_in").await?;
    station.click("do-confirm").await?;
    for check in 0..4 {
        station
            .click(&format!("deed-confirm-check-{check}"))
            .await?;
    }
    station.picture("confirms-the-person").await?;
    decide(station, "deed-confirm").await
}

/// Start for all, as soon as the clock allows it.
pub async fn start(station: &Kiosk) -> anyhow::Result<()> {
    station.click("tab-room").await?;
    station.picture("before-start").await?;
    steps::click_when_allowed(station, "next-step", Duration::from_secs(300)).await?;
    station.part("start-confirm").await?;
    station.picture("start-for-all").await?;
    decide(station, "start").await
}

/// Minutes for one candidate, with the reason.
pub async fn credit(
    station: &Kiosk,
    seat_no: u32,
    minutes: u32,
    reason: &str,
) -> anyhow::Result<()> {
    open_seat(station, seat_no).await?;
    station.click("do-credit").await?;
    station
        .type_in("deed-credit-minutes", &minutes.to_string())
        .await?;
    station.type_in("deed-credit-reason", reason).await?;
    station.picture("time-credit").await?;
    decide(station, "deed-credit").await
}

/// The outage of the open seat is given back by one click; returns how long it was.
pub async fn give_back_the_outage(station: &Kiosk) -> anyhow::Result<i64> {
    station.part("outage-approve").await?;
    station.picture("outage-proposed").await?;
    let lost = station.text("outage-approve").await?;
    station.click("outage-approve").await?;
    gone(station, "outage-approve").await?;
    station.picture("outage-decided").await?;
    seconds(&lost).map(|lost| lost * 1000)
}

/// Seconds of a span such as `0:16` or `1:02:03`, whatever stands before it.
pub fn seconds(shown: &str) -> anyhow::Result<i64> {
    let parts = shown
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty());
    let sum = parts.map(str::parse::<i64>).try_fold(0, |sum, part| {
        Ok::<_, std::num::ParseIntError>(sum * 60 + part?)
    });
    sum.with_context(|| format!("no span but {shown:?}"))
}

/// 换机续考: the candidate of this seat goes on at a spare machine.
pub async fn swap(station: &Kiosk, seat_no: u32, spare: &str, reason: &str) -> anyhow::Result<()> {
    open_seat(station, seat_no).await?;
    station.click("trouble-swap").await?;
    choose(station, "deed-swap", spare).await?;
    station.type_in("deed-swap-reason", reason).await?;
    station.picture("swap").await?;
    decide(station, "deed-swap").await
}

/// 对所有班级点击结束考试, with the reason where somebody still answers.
pub async fn end_for_all(station: &Kiosk, reason: &str) -> anyhow::Result<()> {
    station.click("tab-room").await?;
    station.click("room-menu").await?;
    station.click("room-end").await?;
    station.part("end-confirm").await?;
    if station.has("end-names").await? {
        station.click("end-check-0").await?;
    }
    station.type_in("end-reason", reason).await?;
    station.picture("end-for-all").await?;
    decide(station, "end").await
}

/// How far the answers of the open seat have come: handed in, sealed, at hub, at center.
pub async fn progress(station: &Kiosk) -> anyhow::Result<[bool; 4]> {
    let script =
        "return [...document.querySelectorAll('[data-test=panel-progress] > li')].map((each) =>
        'done' in each.dataset);";
    let steps = station.driver().execute(script, Vec::new()).await?;
    let steps: Vec<bool> = serde_json::from_value(steps.json().clone())?;
    match steps.try_into() {
        Ok(steps) => Ok(steps),
        Err(shown) => bail!("{}: no progress but {shown:?}", station.name),
    }
}

/// 设备检查 of the station itself, once those of all terminals are told here.
pub async fn check_equipment(station: &Kiosk) -> anyhow::Result<()> {
    station.click("tab-devices").await?;
    let script = "return [...document.querySelectorAll('[data-test^=device-]')]
        .every((row) => !row.textContent.includes('未检查'));";
    wait_until("the terminals' checks at the station", async || {
        Ok(station.driver().execute(script, Vec::new()).await?.json() == true)
    })
    .await?;
    station.picture("devices").await?;
    station.click("devices-own").await?;
    station.click("check-equipment").await?;
    station.part("checked-at").await?;
    station.picture("own-equipment").await?;
    station.click("devices-room").await
}

/// 上报成绩, the last step of the sitting: it is done by itself when everything is at the center.
pub async fn submitted(station: &Kiosk) -> anyhow::Result<()> {
    station
        .wait_attr("step-submit", "data-state", "done")
        .await?;
    station.picture("submitted").await
}
