//! What people do at a terminal, step by step, in the words of the exam day.

use crate::center::Center;
use crate::kiosk::Kiosk;
use crate::plan::{AnswerBook, PASSWORD, PROCTOR, STAFF, Seated};
use anyhow::{Context, bail};
use std::path::Path;
use std::time::{Duration, Instant};

/// Site staff enrol a new terminal: the fingerprint on this screen is the one that the center approves.
pub async fn enrol(kiosk: &Kiosk, center: &Center) -> anyhow::Result<()> {
    center.approve(&ask_in(kiosk).await?)?;
    wait_off_screen(kiosk, "enrol").await
}

/// A new machine asks to be let in; returns the fingerprint on its screen, as people read it out.
pub async fn ask_in(kiosk: &Kiosk) -> anyhow::Result<String> {
    kiosk.wait_screen("enrol").await?;
    kiosk.type_in("device-name", &kiosk.name).await?;
    kiosk.picture("enrol").await?;
    kiosk.click("enrol-submit").await?;
    kiosk
        .wait_attr("enrol-state", "data-state", "pending")
        .await?;
    fingerprint(kiosk).await
}

/// The request goes onto a stick, and the answer comes back on it: `at_center` is what is done there in between.
pub async fn enrol_by_stick(
    kiosk: &Kiosk,
    stick: &Path,
    at_center: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    kiosk.wait_screen("enrol").await?;
    kiosk.type_in("device-name", &kiosk.name).await?;
    kiosk.click("enrol-stick-open").await?;
    let folder = stick.display().to_string();
    kiosk.type_in("enrol-stick-folder", &folder).await?;
    kiosk.click("enrol-stick-write").await?;
    kiosk
        .wait_attr("enrol-state", "data-state", "carried")
        .await?;
    kiosk.part("enrol-stick-written").await?;
    kiosk.picture("enrol-by-stick").await?;
    // Read too early, it says what is missing.
    kiosk.click("enrol-stick-read").await?;
    kiosk
        .wait_attr("enrol-stick-failed", "data-code", "enrol.stick_nothing")
        .await?;
    at_center(&fingerprint(kiosk).await?)?;
    kiosk.click("enrol-stick-read").await?;
    wait_off_screen(kiosk, "enrol").await
}

/// The fingerprint on the screen, as people read it out.
async fn fingerprint(kiosk: &Kiosk) -> anyhow::Result<String> {
    let script =
        "return [...document.querySelectorAll('[data-test=fingerprint] > *')].map((group) =>
        [...group.querySelectorAll('b')].map((symbol) => symbol.textContent).join('')).join('-');";
    let fingerprint = kiosk.driver().execute(script, Vec::new()).await?;
    let fingerprint = fingerprint.json().as_str().unwrap_or_default().to_owned();
    if fingerprint.len() != 19 {
        bail!("{}: no fingerprint but {fingerprint:?}", kiosk.name);
    }
    Ok(fingerprint)
}

/// From whatever screen the staff's corner is on to the desk.
pub async fn open_desk(kiosk: &Kiosk, staff_id: &str) -> anyhow::Result<()> {
    if kiosk.screen().await? == "desk" {
        return Ok(());
    }
    // Its button is on several screens, and the one that it was on may stay for a moment.
    let from = kiosk.screen().await?;
    kiosk.click("open-desk").await?;
    wait_off_screen(kiosk, &from).await?;
    if kiosk.screen().await? == "log_in" {
        log_in(kiosk, staff_id).await?;
    }
    kiosk.wait_screen("desk").await
}

pub async fn log_in(kiosk: &Kiosk, staff_id: &str) -> anyhow::Result<()> {
    kiosk.click(&format!("staff-{staff_id}")).await?;
    kiosk.type_in("staff-password", PASSWORD).await?;
    kiosk.click("login-submit").await
}

pub async fn leave_desk(kiosk: &Kiosk) -> anyhow::Result<()> {
    kiosk.click("log-out").await?;
    wait_off_screen(kiosk, "desk").await
}

/// 拉取试卷, the day before.
pub async fn pull(kiosk: &Kiosk) -> anyhow::Result<()> {
    kiosk.click("tab-papers").await?;
    kiosk.click("pull").await?;
    kiosk.wait_attr("pull-state", "data-state", "done").await?;
    kiosk.picture("papers-held").await
}

/// 设备检查 to its end.
pub async fn check_equipment(kiosk: &Kiosk) -> anyhow::Result<()> {
    kiosk.click("tab-equipment").await?;
    kiosk.click("check-equipment").await?;
    kiosk.part("checked-at").await?;
    kiosk.picture("equipment").await
}

/// 输密码开卷, group by group.
pub async fn unlock(kiosk: &Kiosk, groups: &[String]) -> anyhow::Result<()> {
    submit_code(kiosk, groups).await?;
    kiosk.wait_attr("step-unlock", "data-state", "done").await?;
    kiosk.picture("unlocked").await
}

/// Types the code and presses the button; what comes of it is the caller's to see.
pub async fn submit_code(kiosk: &Kiosk, groups: &[String]) -> anyhow::Result<()> {
    kiosk.click("tab-unlock").await?;
    type_code(kiosk, groups).await?;
    kiosk.picture("code-typed").await?;
    kiosk.click("unlock").await
}

pub async fn type_code(kiosk: &Kiosk, groups: &[String]) -> anyhow::Result<()> {
    for (place, group) in groups.iter().enumerate() {
        type_group(kiosk, place, group).await?;
    }
    Ok(())
}

/// Takes out what a group holds, as a person would, and types it anew.
pub async fn type_group(kiosk: &Kiosk, place: usize, group: &str) -> anyhow::Result<()> {
    let field = kiosk.part(&format!("group-{place}")).await?;
    let held = field
        .prop("value")
        .await?
        .unwrap_or_default()
        .chars()
        .count();
    if held > 0 {
        field.send_keys("\u{e003}".repeat(held)).await?;
    }
    Ok(field.send_keys(group).await?)
}

/// The candidate types the ticket number on the keypad.
pub async fn identify(kiosk: &Kiosk, number: &str) -> anyhow::Result<()> {
    kiosk.wait_screen("standby").await?;
    kiosk.click("begin").await?;
    kiosk.wait_screen("identify").await?;
    for key in number.chars() {
        kiosk.click(&format!("key-{key}")).await?;
    }
    kiosk.picture("identify").await?;
    kiosk.click("identify-submit").await
}

/// Takes the check-in picture; ends on the staff's confirmation.
pub async fn look_at_camera(kiosk: &Kiosk) -> anyhow::Result<()> {
    kiosk.wait_screen("person").await?;
    kiosk.picture("is-this-you").await?;
    kiosk.click("take-picture").await?;
    kiosk.wait_screen("staff_confirm").await
}

/// A staff member confirms ID, person, ticket and the contraband check.
pub async fn confirm(kiosk: &Kiosk) -> anyhow::Result<()> {
    for check in ["id_document", "person", "ticket", "contraband_clear"] {
        kiosk.click(&format!("check-{check}")).await?;
    }
    kiosk.click(&format!("staff-{STAFF}")).await?;
    kiosk.type_in("staff-password", PASSWORD).await?;
    kiosk.picture("staff-confirms").await?;
    kiosk.click("confirm-person").await?;
    kiosk.wait_screen("rules").await
}

/// From the ticket number to the waiting room.
pub async fn check_in(kiosk: &Kiosk, candidate: &Seated) -> anyhow::Result<()> {
    identify(kiosk, &candidate.ticket_no).await?;
    look_at_camera(kiosk).await?;
    confirm(kiosk).await?;
    kiosk.picture("rules").await?;
    kiosk.click("agree-rules").await?;
    kiosk.wait_screen("tutorial").await?;
    kiosk.picture("tutorial").await?;
    kiosk.click("tutorial-skip").await?;
    kiosk.wait_screen("waiting").await?;
    kiosk.picture("waiting").await
}

/// The proctor starts this terminal, as soon as the rules allow it.
pub async fn start(kiosk: &Kiosk) -> anyhow::Result<()> {
    open_desk(kiosk, PROCTOR).await?;
    kiosk.click("tab-sitting").await?;
    kiosk.picture("before-start").await?;
    click_when_allowed(kiosk, "start", Duration::from_secs(480)).await?;
    kiosk.wait_screen("exam").await
}

/// Waits for a button that is blocked by the clock.
pub async fn click_when_allowed(
    kiosk: &Kiosk,
    test: &str,
    patience: Duration,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let button = kiosk.part(test).await?;
        let blocked = button
            .attr("aria-disabled")
            .await
            .unwrap_or(None)
            .as_deref()
            == Some("true");
        if !blocked && button.is_enabled().await.unwrap_or(false) {
            return kiosk.click(test).await;
        }
        if begun.elapsed() > patience {
            bail!("{}: {test} stayed blocked", kiosk.name);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The words of the question on screen, as the candidate reads them.
pub struct Question {
    pub number: usize,
    pub stem: String,
    pub options: Vec<String>,
    pub chosen: Vec<bool>,
}

pub async fn question(kiosk: &Kiosk) -> anyhow::Result<Question> {
    let script = r"
        const at = (test) => document.querySelector(`[data-test='${test}']`);
        const options = [];
        const chosen = [];
        for (let k = 0; at(`option-${k}`); k++) {
            options.push(at(`option-${k}`).querySelector('.option-text').textContent.trim());
            chosen.push(at(`option-${k}`).getAttribute('aria-checked') === 'true');
        }
        const number = Number(at('question-no').textContent.replace(/\D/g, ''));
        return [number, at('stem').textContent.trim(), options, chosen];";
    let value = kiosk.driver().execute(script, Vec::new()).await?;
    let (number, stem, options, chosen) =
        serde_json::from_value(value.json().clone()).context("reading the question on screen")?;
    Ok(Question {
        number,
        stem,
        options,
        chosen,
    })
}

/// How a candidate answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skill {
    KnowsEverything,
    AlwaysWrong,
}

/// Answers the question on screen and waits for the tick of every choice.
pub async fn answer(kiosk: &Kiosk, book: &AnswerBook, skill: Skill) -> anyhow::Result<Question> {
    let question = question(kiosk).await?;
    for option in book.choices(&question.stem, &question.options, skill)? {
        kiosk.click(&format!("option-{option}")).await?;
        kiosk.part(&format!("saved-{option}")).await?;
    }
    Ok(question)
}

/// Answers from the present question up to question `last`, counted from 1.
pub async fn answer_until(
    kiosk: &Kiosk,
    book: &AnswerBook,
    skill: Skill,
    last: usize,
) -> anyhow::Result<()> {
    loop {
        let answered = answer(kiosk, book, skill).await?;
        if answered.number >= last {
            return Ok(());
        }
        next(kiosk, answered.number).await?;
    }
}

/// To the next question, and waits until it is on screen.
pub async fn next(kiosk: &Kiosk, number: usize) -> anyhow::Result<()> {
    kiosk.click("next").await?;
    let begun = Instant::now();
    while question(kiosk).await?.number == number {
        if begun.elapsed() > Duration::from_secs(60) {
            bail!("{}: still on question {number}", kiosk.name);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Check, confirm, hand in.
pub async fn hand_in(kiosk: &Kiosk) -> anyhow::Result<()> {
    kiosk.click("check-hand-in").await?;
    kiosk.wait_screen("hand_in_check").await?;
    kiosk.picture("check-before-hand-in").await?;
    kiosk.click("go-confirm").await?;
    kiosk.wait_screen("hand_in_confirm").await?;
    kiosk.picture("confirm-hand-in").await?;
    kiosk.click("hand-in").await?;
    kiosk.wait_screen("handed_in").await?;
    kiosk.part("sealed").await?;
    kiosk.picture("handed-in").await
}

/// After the result, the seat is free for the next candidate.
pub async fn go_to_waiting_room(kiosk: &Kiosk) -> anyhow::Result<()> {
    kiosk.click("done").await?;
    kiosk.wait_screen("standby").await
}

pub async fn wait_off_screen(kiosk: &Kiosk, name: &str) -> anyhow::Result<()> {
    let begun = Instant::now();
    while kiosk.screen().await? == name {
        if begun.elapsed() > Duration::from_secs(60) {
            bail!("{}: still on screen {name}", kiosk.name);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
