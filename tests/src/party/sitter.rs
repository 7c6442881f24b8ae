//! A candidate at a machine: what was acknowledged on screen, and how much time is due.

use super::Ask;
use super::room::Room;
use crate::plan::{AnswerBook, PASSWORD, STAFF, Seated};
use crate::steps::Skill;
use anyhow::{Context, bail, ensure};
use fengjuan_hub::view::action::StationAction;
use fengjuan_terminal::view::action::{CandidateAction, SeatAction};
use fengjuan_terminal::view::candidate::{ExamView, QuestionView};
use fengjuan_terminal::view::{Screen, View};
use std::collections::BTreeMap;

pub struct Sitter {
    pub person: Seated,
    /// Place of the machine that the candidate sits at.
    pub machine: usize,
    /// What the screen said is saved: words of the chosen options by position.
    pub acknowledged: BTreeMap<u32, Vec<String>>,
    /// When the time ends, credits included; none before the first question.
    pub ends_ms: Option<i64>,
}

impl Sitter {
    pub fn new(person: Seated) -> Sitter {
        let machine = person.seat_no as usize - 1;
        Sitter {
            person,
            machine,
            acknowledged: BTreeMap::new(),
            ends_ms: None,
        }
    }
}

fn chosen(question: &QuestionView) -> Vec<String> {
    let chosen = question.options.iter().filter(|option| option.chosen);
    chosen.map(|option| option.text.clone()).collect()
}

impl Room {
    fn of(&mut self, sitter: usize, action: CandidateAction) -> anyhow::Result<View> {
        let machine = self.sitters[sitter].machine;
        self.does(machine, &Ask::Candidate(action))
    }

    pub fn screen(&mut self, sitter: usize) -> anyhow::Result<Screen> {
        let machine = self.sitters[sitter].machine;
        Ok(self.view(machine)?.screen)
    }

    /// From standby to the waiting screen. Staff confirm at the station, or at the seat.
    pub fn check_in(&mut self, sitter: usize, at_station: bool) -> anyhow::Result<()> {
        let ticket_no = self.sitters[sitter].person.ticket_no.clone();
        self.of(sitter, CandidateAction::Begin {})?;
        let number = ticket_no.clone();
        self.of(sitter, CandidateAction::Identify { number })?;
        self.of(sitter, CandidateAction::TakePicture {})?;
        self.until("the picture", |room| {
            let there = matches!(room.screen(sitter)?, Screen::StaffConfirm(_));
            Ok(there.then_some(()))
        })?;
        if at_station {
            self.confirm_at_station(sitter, ticket_no)?;
        } else {
            let machine = self.sitters[sitter].machine;
            let confirm = SeatAction::ConfirmPerson {
                staff_id: STAFF.to_owned(),
                password: PASSWORD.to_owned(),
                id_document: true,
                person: true,
                ticket: true,
                contraband_clear: true,
            };
            self.does(machine, &Ask::Seat(confirm))?;
        }
        self.of(sitter, CandidateAction::AgreeRules {})?;
        self.of(sitter, CandidateAction::TutorialDone { skipped: true })?;
        Ok(())
    }

    fn confirm_at_station(&mut self, sitter: usize, ticket_no: String) -> anyhow::Result<()> {
        let confirm = StationAction::Confirm {
            ticket_no,
            id_document: true,
            person: true,
            ticket: true,
            contraband_clear: true,
        };
        self.achieve("the confirmation", &confirm, |room| {
            Ok(matches!(room.screen(sitter)?, Screen::Rules(_)))
        })
    }

    /// Waits for a question, and looks at the time: it must be what is due, to the millisecond.
    pub fn exam(&mut self, sitter: usize) -> anyhow::Result<ExamView> {
        let exam = self.until("a question", |room| {
            Ok(match room.screen(sitter)? {
                Screen::Exam(exam) => Some(exam),
                _ => None,
            })
        })?;
        let known = &mut self.sitters[sitter];
        let due = *known.ends_ms.get_or_insert(exam.ends_ms);
        let name = known.person.name;
        ensure!(
            exam.ends_ms == due,
            "{name}: {} ms that nobody gave",
            exam.ends_ms - due
        );
        Ok(exam)
    }

    fn question(&mut self, sitter: usize, position: u32) -> anyhow::Result<QuestionView> {
        let view = self.of(sitter, CandidateAction::Show { position })?;
        match view.screen {
            Screen::Exam(exam) if exam.question.position == position => Ok(exam.question),
            other => bail!("question {position} is not on {other:?}"),
        }
    }

    /// Answers so many questions that have no answer yet, rightly, and notes what was acknowledged.
    pub fn answer(&mut self, sitter: usize, count: usize, book: &AnswerBook) -> anyhow::Result<()> {
        let sheet = self.exam(sitter)?.sheet;
        let open = (0..).zip(&sheet).filter(|(_, cell)| !cell.answered);
        let open: Vec<u32> = open.map(|(position, _)| position).take(count).collect();
        for position in open {
            let question = self.question(sitter, position)?;
            let known = self.sitters[sitter].acknowledged.contains_key(&position);
            ensure!(!known, "the answer to question {position} is gone");
            let words: Vec<String> = { question.options.iter() }
                .map(|option| option.text.clone())
                .collect();
            for option in book.choices(question.stem.trim(), &words, Skill::KnowsEverything)? {
                let option = u8::try_from(option)?;
                let choose = CandidateAction::Choose { position, option };
                let Screen::Exam(exam) = self.of(sitter, choose)?.screen else {
                    bail!("an answer leaves the exam");
                };
                ensure!(exam.question.saved, "an answer that is not saved");
                let acknowledged = chosen(&exam.question);
                let known = &mut self.sitters[sitter].acknowledged;
                known.insert(position, acknowledged);
            }
        }
        Ok(())
    }

    /// Every acknowledged answer is on the screen as it was, and the time is what is due.
    pub fn look_over(&mut self, sitter: usize) -> anyhow::Result<()> {
        self.exam(sitter)?;
        for (position, words) in self.sitters[sitter].acknowledged.clone() {
            let now = chosen(&self.question(sitter, position)?);
            ensure!(now == words, "question {position}: {now:?}, not {words:?}");
        }
        Ok(())
    }

    /// Answers what is left, checks, and hands in.
    pub fn hand_in(&mut self, sitter: usize, book: &AnswerBook) -> anyhow::Result<()> {
        self.answer(sitter, usize::MAX, book)?;
        self.look_over(sitter)?;
        self.of(sitter, CandidateAction::CheckHandIn {})?;
        self.of(sitter, CandidateAction::ConfirmHandIn {})?;
        self.of(sitter, CandidateAction::HandIn {})?;
        self.until("the seal", |room| {
            let view = room.screen(sitter)?;
            Ok(matches!(view, Screen::HandedIn(view) if view.sealed).then_some(()))
        })
    }

    /// So much more is due from now on; the screen shows it soon.
    pub fn credited(&mut self, sitter: usize, ms: i64) -> anyhow::Result<()> {
        let ends_ms = &mut self.sitters[sitter].ends_ms;
        let due = ends_ms.context("nobody sits there")? + ms;
        *ends_ms = Some(due);
        self.until("the time that was given", |room| {
            let Screen::Exam(exam) = room.screen(sitter)? else {
                return Ok(None);
            };
            ensure!(exam.ends_ms <= due, "more than was given");
            Ok((exam.ends_ms == due).then_some(()))
        })
    }
}
