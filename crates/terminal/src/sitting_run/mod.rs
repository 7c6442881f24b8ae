//! One running attempt on this terminal: the attempt machine, the paper that was drawn, and the keys to show it. Only
//! one question is decrypted at a time, and nothing of it is kept.

use crate::view::candidate::{Counts, OptionView, QuestionView, SheetCell, SheetSection};
use fengjuan_core::attempt::{Attempt, AttemptPlan, Question, ReplayError};
use fengjuan_core::draw::{self, DrawError, Paper};
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::grading::{Grade, GradeError, grade};
use fengjuan_core::item::{ItemIndexEntry, OptionSet};
use fengjuan_core::plan::{ClassGroup, ExamMs, ItemType, Sitting};
use fengjuan_core::roster::Candidate;
use fengjuan_core::snapshot::ScheduleOf;
use fengjuan_core::start::TerminalStart;
use fengjuan_device::unlock::{OpenClass, Unlocked};
use fengjuan_envelope::secret::SecretKey;
use fengjuan_store::StoredEntry;
use fengjuan_wire::WireError;
use fengjuan_wire::entry::{Entry, attempt_key};

/// Why an attempt could not be begun or taken up again.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("no package is open for class group {class_no}")]
    NotUnlocked { class_no: String },
    #[error("the paper cannot be drawn")]
    Draw(#[from] DrawError),
    #[error("the paper is not the one that was begun")]
    AnotherPaper,
    #[error("a stored entry cannot be read")]
    Entry(#[from] WireError),
    #[error("the stored entries are no attempt")]
    Replay(#[from] ReplayError),
    #[error("the site cannot grade")]
    Grade(#[from] GradeError),
}

impl RunError {
    pub fn code(&self) -> &'static str {
        match self {
            RunError::NotUnlocked { .. } => "run.not_unlocked",
            RunError::Draw(_) => "run.draw",
            RunError::AnotherPaper => "run.another_paper",
            RunError::Entry(_) => "run.entry",
            RunError::Replay(_) => "run.replay",
            RunError::Grade(_) => "run.grade",
        }
    }
}

/// A candidate's attempt while it runs.
#[derive(Clone)]
pub struct Run {
    pub ticket_no: String,
    pub class: ClassGroup,
    pub attempt: Attempt,
    pub paper: Paper,
    /// Key of the sealed entries.
    pub key: SecretKey,
    pub open: OpenClass,
    pub snapshot_seed: SecretKey,
    /// Minutes announced, and when.
    pub warned: Option<(u32, ExamMs)>,
    /// How far the end was moved last, and when.
    pub moved: Option<(i64, ExamMs)>,
}

/// What an attempt is begun from.
pub struct Basis<'a> {
    pub sitting: &'a Sitting,
    pub candidate: &'a Candidate,
    pub unlocked: &'a Unlocked,
    pub start: &'a TerminalStart,
}

impl Run {
    /// Draws the candidate's paper and makes the attempt ready; nothing is recorded yet.
    ///
    /// # Errors
    /// [`RunError::NotUnlocked`], [`RunError::Draw`].
    pub fn prepare(basis: &Basis<'_>, now: ExamMs) -> Result<Run, RunError> {
        let class_no = basis.candidate.class_no.as_str();
        let missing = || RunError::NotUnlocked {
            class_no: class_no.to_owned(),
        };
        let class = basis.sitting.class_group(class_no).ok_or_else(missing)?;
        let open = basis.unlocked.classes.get(class_no).ok_or_else(missing)?;
        let sitting_no = &basis.sitting.sitting_no;
        let ticket_no = &basis.candidate.ticket_no;
        let paper = draw::draw(
            &open.index,
            &class.blueprint,
            basis.unlocked.draw_seed.as_bytes(),
            sitting_no,
            ticket_no,
            class.attempt_no,
        )?;
        let questions = Question::of_paper(&paper, &open.index).ok_or(RunError::AnotherPaper)?;
        let attempt_id = draw::attempt_id(sitting_no, ticket_no, class.attempt_no);
        let accommodation = &basis.candidate.accommodation;
        let plan = AttemptPlan::new(
            attempt_id,
            basis.sitting,
            class,
            accommodation,
            basis.start,
            questions,
            now,
        );
        Ok(Run {
            ticket_no: ticket_no.clone(),
            class: class.clone(),
            key: attempt_key(&open.paper_key, &attempt_id),
            attempt: Attempt::start(plan),
            paper,
            open: open.clone(),
            snapshot_seed: basis.unlocked.snapshot_seed.clone(),
            warned: None,
            moved: None,
        })
    }

    /// Takes an attempt up again from its stored entries: same paper, same answers, same question.
    ///
    /// # Errors
    /// [`RunError`]: entries that this attempt cannot have written are not built upon.
    pub fn resume(
        basis: &Basis<'_>,
        started_ms: ExamMs,
        entries: &[StoredEntry],
    ) -> Result<Run, RunError> {
        let mut run = Run::prepare(basis, started_ms)?;
        let mut events = Vec::with_capacity(entries.len());
        for stored in entries {
            let entry = Entry::decode(&stored.bytes)?;
            let event = entry.event(Some(&run.key))?;
            if let Event::AttemptStarted { paper, .. } = &event
                && *paper != run.paper.hash()
            {
                return Err(RunError::AnotherPaper);
            }
            events.push((event, entry.exam_ms.unwrap_or_default()));
        }
        run.attempt = Attempt::replay(run.attempt.plan().clone(), events)?;
        Ok(run)
    }

    /// The event that begins the attempt.
    pub fn started_event(&self, package: Hash32) -> Event {
        self.attempt
            .plan()
            .started_event(package, self.paper.hash())
    }

    pub fn attempt_id(&self) -> [u8; 16] {
        self.attempt.plan().attempt_id
    }

    /// What the choice becomes when a place on the screen is clicked: multiple choice toggles, all else replaces.
    pub fn after_click(&self, position: u32, option: u8) -> Option<OptionSet> {
        let bank = self.paper.screen_to_bank(position, option)?;
        Some(match self.entry_at(position)?.item_type {
            ItemType::MultipleChoice => self.attempt.answer(position).chosen.toggled(bank),
            ItemType::TrueFalse | ItemType::SingleChoice => OptionSet::single(bank),
        })
    }

    fn entry_at(&self, position: u32) -> Option<&ItemIndexEntry> {
        let slot = self.paper.slots.get(position as usize)?;
        self.open.index.get(slot.item as usize)
    }

    /// The question on the screen, decrypted now. A picture's address names the attempt, so that the page neither
    /// shows another sitting's picture nor fetches the same one again at every click.
    ///
    /// # Errors
    /// The package's file was damaged after it was verified.
    pub fn question(&self) -> Result<QuestionView, WireError> {
        let position = self.attempt.current();
        let slot = self
            .paper
            .slots
            .get(position as usize)
            .ok_or(WireError::Damaged("no such question"))?;
        let item = self.open.package.item(slot.item, &self.open.paper_key)?;
        let answer = self.attempt.answer(position);
        let attempt = u64::from_be_bytes(std::array::from_fn(|place| self.attempt_id()[place]));
        let picture = |media: u32| format!("paper://localhost/media/{media}?of={attempt:016x}");
        let options = slot
            .option_order
            .iter()
            .filter_map(|bank| {
                let option = item.options.get(usize::from(*bank))?;
                Some(OptionView {
                    text: option.text.clone(),
                    picture: option.media.map(picture),
                    chosen: answer.chosen.contains(*bank),
                })
            })
            .collect();
        let part = self.class.blueprint.parts.get(slot.part as usize);
        Ok(QuestionView {
            position,
            item_type: item.item_type,
            half_points: part.map_or(0, |part| part.half_points_each),
            case_text: item.case_text.clone(),
            stem: item.stem.clone(),
            stem_picture: item.stem_media.map(picture),
            options,
            flagged: answer.flagged,
            saved: !answer.chosen.is_empty(),
        })
    }

    /// Whether the question on the screen uses this picture of the package.
    pub fn shows_media(&self, media: u32) -> bool {
        self.entry_at(self.attempt.current())
            .is_some_and(|entry| entry.media.contains(&media))
    }

    /// The answer sheet, in paper order.
    pub fn sheet(&self) -> Vec<SheetCell> {
        (0..self.paper.slots.len() as u32)
            .map(|position| {
                let answer = self.attempt.answer(position);
                SheetCell {
                    answered: !answer.chosen.is_empty(),
                    flagged: answer.flagged,
                }
            })
            .collect()
    }

    /// Runs of questions of one type.
    pub fn sections(&self) -> Vec<SheetSection> {
        let mut sections: Vec<SheetSection> = Vec::new();
        for (position, question) in (0u32..).zip(&self.attempt.plan().questions) {
            match sections.last_mut() {
                Some(last) if last.item_type == question.item_type => last.count += 1,
                _ => sections.push(SheetSection {
                    item_type: question.item_type,
                    first: position,
                    count: 1,
                }),
            }
        }
        sections
    }

    pub fn counts(&self) -> Counts {
        let counts = self.attempt.counts();
        Counts {
            answered: counts.answered,
            unanswered: counts.unanswered,
            flagged: counts.flagged,
        }
    }

    /// Where the moments of the snapshots come from.
    pub fn schedule<'a>(&'a self, sitting: &'a Sitting) -> ScheduleOf<'a> {
        let plan = self.attempt.plan();
        ScheduleOf {
            seed: self.snapshot_seed.as_bytes(),
            sitting_no: &plan.sitting_no,
            attempt_id: &plan.attempt_id,
            started_ms: plan.started_ms,
            policy: sitting.snapshots,
        }
    }

    /// The outages so far, as spans.
    pub fn outage_spans(&self) -> Vec<(ExamMs, ExamMs)> {
        let outages = self.attempt.outages();
        outages
            .iter()
            .map(|outage| (outage.from_ms, outage.to_ms))
            .collect()
    }

    /// Grades at the site, where the plan releases the answers there. The keys are opened here and nowhere else, after
    /// hand-in, and are gone when this returns. `None` where this terminal holds no key for them.
    ///
    /// # Errors
    /// [`RunError::Entry`], [`RunError::Grade`].
    pub fn grade(&self) -> Result<Option<Grade>, RunError> {
        let Some(answers_key) = &self.open.answers_key else {
            return Ok(None);
        };
        let keys = self.open.package.answers(answers_key)?;
        let chosen = self.attempt.chosen();
        let graded = grade(
            &self.paper,
            &self.open.index,
            &self.class.blueprint,
            &keys,
            &chosen,
        )?;
        Ok(Some(graded))
    }
}
