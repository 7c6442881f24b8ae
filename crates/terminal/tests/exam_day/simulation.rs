//! Seeded days on which everything happens to one attempt. Whatever the terminal recorded, the center's own machine must
//! accept, with the answers that the candidate last saw.

use crate::center::*;
use crate::evidence::*;
use crate::outage::Dice;
use crate::room::*;
use fengjuan_camera::CameraFault;
use fengjuan_core::event::Event;
use fengjuan_core::snapshot;
use fengjuan_device::machine::Machine;
use fengjuan_terminal::controller::WindowEvent;
use fengjuan_terminal::view::Screen;
use fengjuan_terminal::view::action::*;
use fengjuan_terminal::view::candidate::SheetCell;
use fengjuan_wire::bundle::Bundle;

const TICKET: &str = "S1-01";

struct Day {
    room: Room,
    dice: Dice,
    seed: u64,
    last_sheet: Vec<SheetCell>,
}

impl Day {
    fn running(&self) -> bool {
        matches!(
            self.room.screen(),
            Screen::Exam(_)
                | Screen::HandInCheck(_)
                | Screen::HandInConfirm(_)
                | Screen::Suspended(_)
        )
    }

    fn look(&mut self) {
        match self.room.screen() {
            Screen::Exam(exam) => self.last_sheet = exam.sheet,
            Screen::HandInCheck(check) | Screen::HandInConfirm(check) => {
                self.last_sheet = check.sheet
            }
            _ => {}
        }
    }

    /// Whatever a refusal says, it must leave the terminal on its feet.
    fn candidate(&mut self) {
        let position = self.dice.below(13);
        let action = match self.dice.below(8) {
            0 => CandidateAction::Flag {
                position,
                on: self.dice.below(2) == 0,
            },
            1 => CandidateAction::Show { position },
            2 => CandidateAction::CheckHandIn {},
            3 => CandidateAction::BackToExam {},
            _ => CandidateAction::Choose {
                position,
                option: self.dice.below(5) as u8,
            },
        };
        self.room.candidate(action);
    }

    fn machine(&mut self) {
        let ms = i64::from(self.dice.below(120)) * 1_000;
        match self.dice.below(6) {
            0 => {
                self.room.machine.suspend(ms);
                self.room.terminal().tick();
            }
            1 => {
                let by_ms = (i64::from(self.dice.below(49)) - 24) * 60 * MINUTE;
                self.room
                    .machine
                    .set_wall(self.room.machine.wall_ms() + by_ms);
            }
            2 => {
                let broken = self.dice.below(2) == 0;
                *self.room.camera.fault.lock().unwrap() = broken.then_some(CameraFault::Stalled);
            }
            3 => {
                self.room.terminal().window_event(WindowEvent::FocusLost);
                self.room.terminal().window_event(WindowEvent::FocusBack);
            }
            _ => self.room.pass(ms),
        }
    }

    fn stop(&mut self) {
        self.look();
        self.room.kill();
        let ms = i64::from(self.dice.below(100)) * 1_000;
        if self.dice.below(2) == 0 {
            self.room.machine.reboot(ms);
        } else {
            self.room.machine.advance(ms);
        }
        self.room.open();
        if matches!(self.room.screen(), Screen::Suspended(_)) {
            self.room.unlock();
        }
    }

    fn proctor(&mut self) {
        let view = self.room.log_in(PROCTOR);
        for outage in desk_of(view).sitting.unwrap().outages {
            if outage.decided_ms.is_none() && self.dice.below(2) == 0 {
                let share = i64::from(self.dice.below(5));
                self.room.desk(DeskAction::DecideOutage {
                    ticket_no: TICKET.into(),
                    outage_no: outage.outage_no,
                    credit_ms: outage.proposed_ms * share / 4,
                    reason: "设备故障".into(),
                });
            }
        }
        if self.dice.below(4) == 0 {
            self.room.desk(DeskAction::CreditTime {
                ticket_no: TICKET.into(),
                minutes: 1 + self.dice.below(3),
                reason: "鼠标更换".into(),
            });
        }
        self.room.log_out();
    }

    fn step(&mut self) {
        match self.dice.below(20) {
            0 => self.stop(),
            1 | 2 => self.proctor(),
            3..8 => self.machine(),
            _ => self.candidate(),
        }
        self.look();
    }

    fn end(&mut self) {
        if self.running() {
            self.look();
            self.room.log_in(PROCTOR);
            let forced = self.room.desk(DeskAction::ForceHandIn {
                ticket_no: TICKET.into(),
                reason: "考试结束".into(),
            });
            assert_eq!(forced.refused, None, "seed {}", self.seed);
        }
        self.room.log_in(PROCTOR);
        let ended = self.room.desk(DeskAction::EndSitting {
            reason: "考试结束".into(),
        });
        assert_eq!(ended.refused, None, "seed {}", self.seed);
        // Until nobody at the site can still run.
        for _ in 0..48 {
            if count(&self.room, "app.seed_revealed") > 0 {
                break;
            }
            self.room.pass(30 * MINUTE);
        }
    }
}

/// The center's machine takes every entry, and finds the answers that were on the screen.
fn invariant_the_center_sees_what_the_candidate_saw(day: &Day, bundle: &Bundle) {
    let attempt = replay(&day.room, &day.room.issued[0], bundle);
    for (position, cell) in (0u32..).zip(&day.last_sheet) {
        let answer = attempt.answer(position);
        let found = SheetCell {
            answered: !answer.chosen.is_empty(),
            flagged: answer.flagged,
        };
        assert_eq!(found, *cell, "seed {}, position {position}", day.seed);
    }
}

/// Every snapshot that was due is a picture or a recorded failure.
fn invariant_every_due_snapshot_is_accounted_for(day: &Day, bundle: &Bundle) {
    let attempt = replay(&day.room, &day.room.issued[0], bundle);
    let attempt_id: [u8; 16] = bundle.attempt_id.as_slice().try_into().unwrap();
    let events = events(&day.room);
    let handed_in = events.iter().find_map(|(event, ..)| match event {
        Event::HandedIn { at_ms, .. } => Some(*at_ms),
        _ => None,
    });
    let seed = events.iter().find_map(|(event, ..)| match event {
        Event::SeedRevealed { seed, .. } => Some(*seed),
        _ => None,
    });
    let seed = seed.unwrap_or_else(|| panic!("seed {}: nothing was revealed", day.seed));
    let of = snapshot::ScheduleOf {
        seed: &seed.0,
        sitting_no: "S1",
        attempt_id: &attempt_id,
        started_ms: attempt.plan().started_ms,
        policy: day.room.issued[0].sitting().snapshots,
    };
    let spans: Vec<(i64, i64)> = attempt
        .outages()
        .iter()
        .map(|o| (o.from_ms, o.to_ms))
        .collect();
    for due in snapshot::due(&of, handed_in.unwrap(), &spans) {
        let recorded = events.iter().any(|(event, ..)| match event {
            Event::PictureTaken { due_ms, .. } | Event::PictureFailed { due_ms, .. } => {
                *due_ms == Some(due.due_ms)
            }
            _ => false,
        });
        assert!(
            recorded,
            "seed {}: nothing of the snapshot due at {}",
            day.seed, due.due_ms
        );
    }
}

#[test]
fn whatever_happens_the_center_accepts_what_was_recorded() {
    let seeds = std::env::var("FJ_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(4);
    for seed in 1..=seeds {
        let room = Room::new();
        room.sit(TICKET);
        let mut day = Day {
            room,
            dice: Dice::new(seed),
            seed,
            last_sheet: Vec::new(),
        };
        for _ in 0..150 {
            day.step();
            if !day.running() {
                break;
            }
        }
        day.end();
        let bundle = bundles(&day.room).pop().unwrap();
        invariant_the_center_sees_what_the_candidate_saw(&day, &bundle);
        invariant_every_due_snapshot_is_accounted_for(&day, &bundle);
    }
}
