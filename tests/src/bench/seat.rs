//! A terminal without its window, on the real disk and the real clock, driven by the actions that the page sends.

use super::exam::Exam;
use crate::plan::{PASSWORD, PROCTOR, STAFF};
use anyhow::{Context, bail};
use fengjuan_camera::PatternSource;
use fengjuan_device::machine::RealMachine;
use fengjuan_terminal::controller::{Config, DisplayPort, Ports};
use fengjuan_terminal::front::Front;
use fengjuan_terminal::view::action::{CandidateAction, DeskAction, SeatAction};
use fengjuan_terminal::view::candidate::ExamView;
use fengjuan_terminal::view::desk::{DeskTab, EnrolState, PullState};
use fengjuan_terminal::view::{Outcome, Screen, View};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(120);
/// As often as the app looks at its clocks.
const TICK: Duration = Duration::from_millis(250);

struct NoDisplays;

impl DisplayPort for NoDisplays {
    fn sizes(&self) -> Option<Vec<(u32, u32)>> {
        None
    }
}

pub struct Seat {
    front: Arc<Front>,
    stop: Arc<AtomicBool>,
    ticks: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(ticks) = self.ticks.take() {
            ticks.thread().unpark();
            let _ = ticks.join();
        }
        self.front.shutdown();
    }
}

impl Seat {
    /// Opens a new terminal, enrols it and pulls its papers.
    pub fn pulled(data: &Path, exam: &Exam, runtime: &Runtime) -> anyhow::Result<Seat> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = Config {
            data_dir: data.to_path_buf(),
            site_kit: Some(exam.center.site_kit()),
            seat_no: None,
        };
        let pattern = Arc::new(PatternSource::new());
        let ports = Ports {
            machine: Arc::new(RealMachine::new()?),
            camera: pattern.clone(),
            pattern,
            displays: Arc::new(NoDisplays),
        };
        let _in_runtime = runtime.enter();
        let front = Arc::new(Front::open(config, ports, runtime.handle()));
        let stop = Arc::new(AtomicBool::new(false));
        let (ticking, stopped) = (front.clone(), stop.clone());
        let ticks = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                ticking.tick();
                std::thread::park_timeout(TICK);
            }
        });
        let seat = Seat {
            front,
            stop,
            ticks: Some(ticks),
        };
        seat.enrol(exam)?;
        seat.pull()?;
        Ok(seat)
    }

    pub fn until<T>(&self, what: &str, pick: impl Fn(&View) -> Option<T>) -> anyhow::Result<T> {
        let begun = Instant::now();
        loop {
            let view = self.front.view();
            if let Some(found) = pick(&view) {
                return Ok(found);
            }
            if begun.elapsed() > PATIENCE {
                bail!("waited in vain for {what}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn enrol(&self, exam: &Exam) -> anyhow::Result<()> {
        self.until("enrolment", |view| {
            matches!(view.screen, Screen::Enrol(_)).then_some(())
        })?;
        ok(self.desk(DeskAction::Enrol {
            device_name: "考试机1".to_owned(),
        }))?;
        let fingerprint = self.until("a pending enrolment", |view| match &view.screen {
            Screen::Enrol(enrol) if enrol.state == EnrolState::Pending => {
                Some(enrol.fingerprint.clone())
            }
            _ => None,
        })?;
        exam.center.approve(&fingerprint)?;
        self.until("the approval", |view| {
            (!matches!(view.screen, Screen::Enrol(_))).then_some(())
        })
    }

    fn pull(&self) -> anyhow::Result<()> {
        if !matches!(self.front.view().screen, Screen::Desk(_)) {
            ok(self.seat(SeatAction::OpenDesk {}))?;
        }
        ok(self.desk(DeskAction::Pull {}))?;
        self.until("the papers", |view| match &view.screen {
            Screen::Desk(desk) => match &desk.papers.pull {
                PullState::Done { .. } => Some(Ok(())),
                PullState::Failed { code, .. } => Some(Err(anyhow::anyhow!("pull: {code}"))),
                _ => None,
            },
            _ => None,
        })??;
        ok(self.desk(DeskAction::LogOut {})).map(drop)
    }

    pub fn log_in(&self) -> anyhow::Result<()> {
        ok(self.seat(SeatAction::OpenDesk {}))?;
        ok(self.seat(SeatAction::LogIn {
            staff_id: PROCTOR.to_owned(),
            password: PASSWORD.to_owned(),
        }))
        .map(drop)
    }

    pub fn log_out(&self) -> anyhow::Result<()> {
        ok(self.desk(DeskAction::LogOut {})).map(drop)
    }

    /// Types the code; the desk must be open.
    pub fn unlock(&self, code: &[String]) -> anyhow::Result<()> {
        ok(self.desk(DeskAction::Unlock {
            groups: code.to_vec(),
            second: None,
        }))
        .map(drop)
    }

    /// From standby into the exam.
    pub fn sit(&self, exam: &Exam) -> anyhow::Result<ExamView> {
        ok(self.candidate(CandidateAction::Begin {}))?;
        ok(self.candidate(CandidateAction::Identify {
            number: exam.candidate.ticket_no.clone(),
        }))?;
        ok(self.candidate(CandidateAction::TakePicture {}))?;
        self.until("the check-in picture", |view| {
            matches!(view.screen, Screen::StaffConfirm(_)).then_some(())
        })?;
        ok(self.seat(SeatAction::ConfirmPerson {
            staff_id: STAFF.to_owned(),
            password: PASSWORD.to_owned(),
            id_document: true,
            person: true,
            ticket: true,
            contraband_clear: true,
        }))?;
        ok(self.candidate(CandidateAction::AgreeRules {}))?;
        ok(self.candidate(CandidateAction::TutorialDone { skipped: true }))?;
        self.log_in()?;
        ok(self.desk(DeskAction::Tab {
            tab: DeskTab::Sitting,
        }))?;
        let view = ok(self.desk(DeskAction::Start {}))?;
        if matches!(view.screen, Screen::Desk(_)) {
            self.log_out()?;
        }
        self.exam()
    }

    pub fn exam(&self) -> anyhow::Result<ExamView> {
        match self.front.view().screen {
            Screen::Exam(exam) => Ok(exam),
            _ => bail!("the exam is not on screen"),
        }
    }

    pub fn candidate(&self, action: CandidateAction) -> Outcome {
        self.front.candidate(action)
    }

    pub fn seat(&self, action: SeatAction) -> Outcome {
        self.front.seat(action)
    }

    pub fn desk(&self, action: DeskAction) -> Outcome {
        self.front.desk(action)
    }

    /// Bytes of a picture that the present screen shows.
    pub fn picture(&self, url: &str) -> anyhow::Result<usize> {
        let path = url
            .strip_prefix("paper://localhost")
            .context("a picture's address")?;
        let (_, bytes) = self.front.resource(path).context("the picture")?;
        Ok(bytes.len())
    }
}

pub fn ok(outcome: Outcome) -> anyhow::Result<View> {
    match outcome.refused {
        None => Ok(outcome.view),
        Some(refused) => bail!("refused: {}", refused.code),
    }
}
