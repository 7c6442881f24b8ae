//! From the click to the tick: inside Rust until the answer is durable, beside a bare SQLite insert of the same size
//! on the same disk; and in the page until the frame that paints the tick.

use super::exam::{Bank, Exam};
use super::seat::Seat;
use super::{line, percentile};
use crate::display::Display;
use crate::kiosk::{Home, Kiosk, Start};
use crate::plan::PROCTOR;
use crate::steps;
use anyhow::{Context, ensure};
use fengjuan_core::event::Event;
use fengjuan_core::item::OptionSet;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_terminal::view::Screen;
use fengjuan_terminal::view::action::CandidateAction;
use fengjuan_wire::entry::{Stamp, encode};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Clicks and inserts take turns in blocks, so that a busy disk is busy for both.
const BLOCKS: u32 = 100;
const CLICKS_IN_A_BLOCK: u32 = 25;
/// Clicks with the mouse on the exam screen.
const CLICKS_IN_THE_PAGE: usize = 80;

pub fn run(folder: &Path, runtime: &Runtime) -> anyhow::Result<()> {
    inside(&folder.join("answer"), runtime)?;
    runtime.block_on(in_page(&folder.join("answer-page")))
}

fn inside(folder: &Path, runtime: &Runtime) -> anyhow::Result<()> {
    let exam = Exam::issue(folder, &Bank::low_voltage())?;
    let seat = Seat::pulled(&folder.join("terminal"), &exam, runtime)?;
    seat.log_in()?;
    seat.unlock(&exam.code()?)?;
    seat.log_out()?;
    let questions = seat.sit(&exam)?.sheet.len() as u32;
    let peer = Peer::open(folder)?;
    let (mut clicks, mut inserts) = (Vec::new(), Vec::new());
    for block in 0..BLOCKS {
        let position = block % questions;
        seat.candidate(CandidateAction::Show { position });
        for click in 0..CLICKS_IN_A_BLOCK {
            let option = (click % 2) as u8;
            let begun = Instant::now();
            let outcome = seat.candidate(CandidateAction::Choose { position, option });
            clicks.push(begun.elapsed().as_secs_f64() * 1000.0);
            let Screen::Exam(shown) = super::seat::ok(outcome)?.screen else {
                anyhow::bail!("the exam went away");
            };
            ensure!(shown.question.saved || shown.question.options.iter().all(|o| !o.chosen));
        }
        for _ in 0..CLICKS_IN_A_BLOCK {
            inserts.push(peer.insert()?);
        }
    }
    let acknowledged = percentile(&mut clicks, 0.5);
    let inserted = percentile(&mut inserts, 0.5);
    line("answer.ack.p50", acknowledged, "ms");
    line("answer.ack.p99", percentile(&mut clicks, 0.99), "ms");
    line("answer.sqlite.p50", inserted, "ms");
    line("answer.sqlite.p99", percentile(&mut inserts, 0.99), "ms");
    line("answer.ratio", acknowledged / inserted, "x");
    Ok(())
}

/// The least that a durable row costs: one SQLite table in WAL mode with synchronous=FULL.
struct Peer {
    connection: rusqlite::Connection,
    row: Vec<u8>,
}

impl Peer {
    fn open(folder: &Path) -> anyhow::Result<Peer> {
        let connection = rusqlite::Connection::open(folder.join("peer.db"))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch("CREATE TABLE row (no INTEGER PRIMARY KEY, bytes BLOB)")?;
        let row = answer_entry()?;
        Ok(Peer { connection, row })
    }

    /// Milliseconds of one insert in a transaction of its own.
    fn insert(&self) -> anyhow::Result<f64> {
        let mut insert = self
            .connection
            .prepare_cached("INSERT INTO row (bytes) VALUES (?1)")?;
        let begun = Instant::now();
        insert.execute([&self.row])?;
        Ok(begun.elapsed().as_secs_f64() * 1000.0)
    }
}

/// The bytes that an answer is in the ledger.
pub fn answer_entry() -> anyhow::Result<Vec<u8>> {
    let moment = chrono::Utc::now().timestamp_millis();
    let stamp = Stamp {
        attempt: Some([7; 16]),
        lease: 1,
        actor: "candidate".to_owned(),
        boot_id: [9; 16],
        boot_ms: 100_000_000,
        exam_ms: Some(moment),
        wall_ms: moment,
    };
    let event = Event::AnswerSaved {
        position: 50,
        chosen: OptionSet::single(1),
        flagged: false,
    };
    let key = SecretKey::from_bytes([3; 32]);
    Ok(encode(&[1; 16], 1_000, 500, &stamp, &event, Some(&key))?)
}

/// The real app on the exam screen, and what must outlive it.
pub struct ExamScreen {
    pub kiosk: Kiosk,
    _exam: Exam,
}

/// Takes the real app from its first start to a running exam, by mouse and keyboard.
pub async fn exam_screen(folder: &Path) -> anyhow::Result<ExamScreen> {
    let exam = Exam::issue(folder, &Bank::low_voltage())?;
    let display = Arc::new(Display::virtual_one(1366, 768)?);
    let start = Start::terminal("考试机1", exam.center.site_kit());
    let kiosk = Kiosk::open(display, Home::new(folder.join("terminal"))?, start).await?;
    steps::enrol(&kiosk, &exam.center).await?;
    steps::open_desk(&kiosk, PROCTOR).await?;
    steps::pull(&kiosk).await?;
    steps::leave_desk(&kiosk).await?;
    steps::open_desk(&kiosk, PROCTOR).await?;
    steps::unlock(&kiosk, &exam.code()?).await?;
    steps::leave_desk(&kiosk).await?;
    steps::check_in(&kiosk, &exam.candidate).await?;
    steps::start(&kiosk).await?;
    Ok(ExamScreen { kiosk, _exam: exam })
}

async fn in_page(folder: &Path) -> anyhow::Result<()> {
    let on_screen = exam_screen(folder).await?;
    let kiosk = &on_screen.kiosk;
    let driver = kiosk.driver();
    driver.execute("window.__fjAck = [];", Vec::new()).await?;
    for click in 0..CLICKS_IN_THE_PAGE {
        if click > 0 && click.is_multiple_of(4) {
            steps::next(kiosk, steps::question(kiosk).await?.number).await?;
        }
        kiosk.click(&format!("option-{}", click % 2)).await?;
        let begun = Instant::now();
        while marks(kiosk).await?.len() <= click {
            ensure!(
                begun.elapsed() < Duration::from_secs(20),
                "click {click} was never painted"
            );
        }
    }
    let mut painted = marks(kiosk).await?;
    line("answer.page.p50", percentile(&mut painted, 0.5), "ms");
    line("answer.page.p95", percentile(&mut painted, 0.95), "ms");
    on_screen.kiosk.close().await
}

/// Milliseconds from each click event until the frame after it was painted.
async fn marks(kiosk: &Kiosk) -> anyhow::Result<Vec<f64>> {
    let marks = kiosk
        .driver()
        .execute("return window.__fjAck;", Vec::new())
        .await?;
    serde_json::from_value(marks.json().clone()).context("the page's marks")
}
