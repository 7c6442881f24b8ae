//! A proctor's whole day from the management station: three candidates and a spare machine. One passes; one's machine
//! dies and the candidate goes on at the spare one with a time credit; the station itself dies in the middle, and
//! nobody at a terminal has to notice; one still answers when the exam is ended for all. Everything is kept in a
//! folder: pictures, results, the archive.

use crate::day::{self, Outcome, Stage, say};
use crate::kiosk::{Kiosk, wait_until};
use crate::plan::{self, AnswerBook, PROCTOR, SITTING, Seated, Terms};
use crate::room::Room;
use crate::station;
use crate::steps::{self, Skill};
use anyhow::ensure;
use std::collections::BTreeMap;

/// Places of the terminals: the candidates' in the order of their seats, then the spare machine.
const SPARE: usize = 3;
const CREDIT_MIN: u32 = 5;

/// Plays the day. Every step is done by mouse and keyboard on the real app, against a real center.
pub async fn play(stage: &Stage) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(&stage.folder)?;
    let people = &plan::four_candidates()[..SPARE];
    let book = plan::answer_book()?;
    let mut room = day_before(stage, people).await?;
    let code = morning(&room).await?;
    entry(&room, people).await?;
    exam(&room, &book).await?;
    swapped(&mut room, &book).await?;
    station_dies(&mut room, &book, &code).await?;
    end_for_all(&room, &book).await?;
    let entries = handed_over(&room).await?;
    let (center, folder) = room.close().await?;
    day::results_and_archive(&center, &folder, entries)
}

async fn day_before(stage: &Stage, people: &[Seated]) -> anyhow::Result<Room> {
    say("考前一天：登记考场管理机，拉取试卷 · the day before: the station is enrolled and pulls");
    let mut room = Room::open(stage).await?;
    room.issue_and_pull(&Terms::soon(100), people).await?;
    say("登记三台考试机和一台备用机，两人核对指纹 · terminals are let in by two people");
    for seat_no in [Some(1), Some(2), Some(3), None] {
        room.furnish(stage, seat_no).await?;
    }
    say("检查设备，安排考位 · equipment and seats");
    let [first, second, third, spare] = [0, 1, 2, SPARE].map(|place| room.kiosk(place));
    tokio::try_join!(
        equipment(first),
        equipment(second),
        equipment(third),
        equipment(spare)
    )?;
    station::check_equipment(&room.station).await?;
    station::publish_seats(&room.station).await?;
    Ok(room)
}

async fn equipment(kiosk: &Kiosk) -> anyhow::Result<()> {
    steps::open_desk(kiosk, PROCTOR).await?;
    steps::check_equipment(kiosk).await?;
    steps::leave_desk(kiosk).await?;
    kiosk.wait_screen("standby").await?;
    kiosk.picture("standby").await
}

async fn morning(room: &Room) -> anyhow::Result<Vec<String>> {
    say("当天上午：发放授权密码，在管理机输一次 · the code is released and typed once");
    let code = room.center.release(SITTING)?;
    station::unlock(&room.station, &code, room.terminals.len()).await?;
    Ok(code)
}

/// Two are confirmed from the station, one by staff at the terminal.
async fn entry(room: &Room, people: &[Seated]) -> anyhow::Result<()> {
    say("入场：签到，核对本人 · entry: check-in by camera, confirmed by staff");
    let [first, second, third] = [0, 1, 2].map(|place| room.kiosk(place));
    tokio::try_join!(
        identified(first, &people[0]),
        identified(second, &people[1]),
        identified(third, &people[2])
    )?;
    steps::confirm(second).await?;
    for seat_no in [1, 3] {
        station::confirm(&room.station, seat_no).await?;
    }
    tokio::try_join!(ready(first), ready(second), ready(third))?;
    for seat_no in [1, 2, 3] {
        station::wait_tile(&room.station, seat_no, "waiting").await?;
    }
    station::close_seat(&room.station).await
}

async fn identified(kiosk: &Kiosk, candidate: &Seated) -> anyhow::Result<()> {
    steps::identify(kiosk, &candidate.ticket_no).await?;
    steps::look_at_camera(kiosk).await
}

async fn ready(kiosk: &Kiosk) -> anyhow::Result<()> {
    kiosk.wait_screen("rules").await?;
    kiosk.click("agree-rules").await?;
    kiosk.wait_screen("tutorial").await?;
    kiosk.click("tutorial-skip").await?;
    kiosk.wait_screen("waiting").await?;
    kiosk.picture("waiting").await
}

async fn exam(room: &Room, book: &AnswerBook) -> anyhow::Result<()> {
    say("全场同时开考，作答 · started for all at once");
    station::start(&room.station).await?;
    let [first, second, third] = [0, 1, 2].map(|place| room.kiosk(place));
    for kiosk in [first, second, third] {
        kiosk.wait_screen("exam").await?;
    }
    first.picture("first-question").await?;
    tokio::try_join!(
        steps::answer_until(first, book, Skill::KnowsEverything, 5),
        steps::answer_until(second, book, Skill::KnowsEverything, 6),
        steps::answer_until(third, book, Skill::AlwaysWrong, 4),
    )?;
    room.station.picture("everybody-answers").await
}

/// 换机续考: the machine of the second candidate dies, and the candidate goes on at the spare one.
async fn swapped(room: &mut Room, book: &AnswerBook) -> anyhow::Result<()> {
    say("考试机2断电，换到备用机续考 · a machine dies, its candidate goes on at the spare one");
    let before = steps::question(room.kiosk(1)).await?;
    room.terminals[1].kiosk.kill()?;
    let station = &room.station;
    station::open_seat(station, 2).await?;
    station
        .wait_attr("panel-machine", "data-machine", "out_of_contact")
        .await?;
    station.picture("out-of-contact").await?;
    let spare = &room.terminals[SPARE];
    station::swap(station, 2, &spare.device, "考试机2黑屏，无法启动").await?;
    spare.kiosk.wait_screen("exam").await?;
    let after = steps::question(&spare.kiosk).await?;
    ensure!(
        (after.number, &after.stem, &after.chosen) == (before.number, &before.stem, &before.chosen),
        "question {} of the old machine, {} on the spare one",
        before.number,
        after.number
    );
    spare.kiosk.picture("goes-on-at-the-spare").await?;
    station.picture("swapped").await?;

    let ends = ends_ms(&spare.kiosk).await?;
    let lost_ms = station::give_back_the_outage(station).await?;
    moved(&spare.kiosk, ends, lost_ms).await?;
    spare.kiosk.picture("lost-time-given-back").await?;
    steps::next(&spare.kiosk, after.number).await?;
    steps::answer_until(&spare.kiosk, book, Skill::KnowsEverything, 8).await?;

    say("旧考试机重新启动：只读并说明原因 · the old machine comes back, read-only");
    let old = &mut room.terminals[1].kiosk;
    old.reopen().await?;
    old.wait_screen("suspended").await?;
    old.part("moved-away").await?;
    old.picture("moved-away").await?;
    credited(room).await
}

/// 补时 for one candidate, seen on that candidate's clock.
async fn credited(room: &Room) -> anyhow::Result<()> {
    say("给一名考生补时 · a time credit for one candidate");
    let third = room.kiosk(2);
    let ends = ends_ms(third).await?;
    station::credit(&room.station, 3, CREDIT_MIN, "更换鼠标，耽误作答").await?;
    moved(third, ends, i64::from(CREDIT_MIN) * 60_000).await?;
    third.picture("time-credited").await?;
    room.station.picture("credited").await?;
    station::close_seat(&room.station).await
}

/// Waits until the candidate's time ends so much later than it did.
async fn moved(kiosk: &Kiosk, ends: i64, by_ms: i64) -> anyhow::Result<()> {
    let about = 5_000;
    ensure!(
        by_ms > about,
        "{by_ms} ms are not seen on a clock of seconds"
    );
    wait_until("the credit on the candidate's clock", async || {
        Ok((ends_ms(kiosk).await? - ends - by_ms).abs() < about)
    })
    .await
}

/// When the candidate's time ends, by the clock on screen.
async fn ends_ms(kiosk: &Kiosk) -> anyhow::Result<i64> {
    let shown = kiosk.text("time-left").await?;
    let seconds = station::seconds(&shown)?;
    Ok(chrono::Utc::now().timestamp_millis() + seconds * 1000)
}

/// The station is killed in the middle: candidates go on; the reopened station has the whole room again.
async fn station_dies(room: &mut Room, book: &AnswerBook, code: &[String]) -> anyhow::Result<()> {
    say("考场管理机突然断电，考生继续作答 · the station dies, the candidates go on");
    room.station.picture("before-the-station-dies").await?;
    room.station.kill()?;
    let [first, third, spare] = [0, 2, SPARE].map(|place| room.kiosk(place));
    first
        .wait_attr("banner", "data-code", "banner.hub_away")
        .await?;
    first.picture("station-away").await?;
    for kiosk in [first, third, spare] {
        ensure!(kiosk.screen().await? == "exam", "{} stopped", kiosk.name);
    }
    let next = async |kiosk: &Kiosk, skill, last| {
        let at = steps::question(kiosk).await?.number;
        steps::next(kiosk, at).await?;
        steps::answer_until(kiosk, book, skill, last).await
    };
    tokio::try_join!(
        next(first, Skill::KnowsEverything, 9),
        next(third, Skill::AlwaysWrong, 7),
        next(spare, Skill::KnowsEverything, 9),
    )?;
    third.picture("answers-without-the-station").await?;

    say("考场管理机恢复：登录，输密码，全场都在 · the station is back with the whole room");
    room.station.reopen().await?;
    let station = &room.station;
    station.part("log-in-again").await?;
    station.picture("station-back").await?;
    station::log_in(station, PROCTOR).await?;
    steps::submit_code(station, code).await?;
    station.part("unlocked").await?;
    station.click("tab-room").await?;
    for seat_no in [1, 2, 3] {
        station::wait_tile(station, seat_no, "answering").await?;
    }
    for kiosk in [room.kiosk(0), room.kiosk(2), room.kiosk(SPARE)] {
        wait_until("the banner to go", async || {
            Ok(!kiosk.has("banner").await?)
        })
        .await?;
    }
    station.picture("room-is-back").await
}

/// One hands in, one at the spare machine too; the third still answers.
async fn end_for_all(room: &Room, book: &AnswerBook) -> anyhow::Result<()> {
    say("两名考生交卷，监考员结束全场考试 · two hand in, the proctor ends the exam for all");
    let [first, third, spare] = [0, 2, SPARE].map(|place| room.kiosk(place));
    let finish = async |kiosk: &Kiosk, last| {
        let at = steps::question(kiosk).await?.number;
        steps::next(kiosk, at).await?;
        steps::answer_until(kiosk, book, Skill::KnowsEverything, last).await?;
        steps::hand_in(kiosk).await
    };
    tokio::try_join!(finish(first, 14), finish(spare, 11))?;
    for seat_no in [1, 2] {
        station::wait_tile(&room.station, seat_no, "handed_in").await?;
    }
    station::end_for_all(&room.station, "考试机构要求统一结束").await?;
    third.wait_screen("handed_in").await?;
    third.picture("ended-by-the-proctor").await?;
    station::wait_tile(&room.station, 3, "handed_in").await?;
    room.station.picture("ended").await
}

/// Every candidate's answers are at the center, and the day is submitted.
async fn handed_over(room: &Room) -> anyhow::Result<BTreeMap<String, usize>> {
    say("上报：密封，到管理机，到考试机构 · sealed, at the hub, at the center");
    let station = &room.station;
    for seat_no in [1, 2, 3] {
        station::open_seat(station, seat_no).await?;
        wait_until("the answers to be at the center", async || {
            Ok(station::progress(station).await? == [true; 4])
        })
        .await?;
    }
    station.picture("at-the-center").await?;
    station::close_seat(station).await?;
    station.wait_attr("unsent", "data-tone", "green").await?;
    station::submitted(station).await?;
    station.click("tab-log").await?;
    station.picture("log-of-the-day").await?;
    let mut entries = BTreeMap::new();
    for placed in &room.terminals {
        for kind in placed.kiosk.entries()? {
            *entries.entry(kind).or_default() += 1;
        }
    }
    Ok(entries)
}
