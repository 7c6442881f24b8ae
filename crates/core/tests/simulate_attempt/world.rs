//! A terminal and what surrounds it, on simulated time.

use fengjuan_core::attempt::{Attempt, AttemptPlan, Effect, Input, Question};
use fengjuan_core::choice::Choice;
use fengjuan_core::clock::{ExamClock, Tick};
use fengjuan_core::event::{Event, Hash32, OutageCause};
use fengjuan_core::item::OptionSet;
use fengjuan_core::plan::ItemType;
use std::collections::BTreeMap;

pub const MINUTE: i64 = 60_000;
pub const START: i64 = 1_790_000_000_000;
pub const QUESTIONS: u32 = 12;
pub const HASH: Hash32 = Hash32([5; 32]);

/// What lies outside the program and survives it.
pub struct World {
    pub chance: Choice,
    /// The true time, which upstream tells.
    pub true_ms: i64,
    boots: u8,
    pub booted_ms: i64,
    /// Wall clock minus true time.
    pub wall_error_ms: i64,
    /// The wall clock has moved since the last durable tick, so that a reboot may be misled.
    pub wall_moved: bool,
    pub slept_ms: i64,
    pub disk_refuses: bool,
    pub ledger: Vec<(Event, i64)>,
    pub tick: Option<Tick>,
    /// The exam clock was right at that tick.
    pub tick_right: bool,
    /// Every answer that the candidate saw ticked.
    pub acknowledged: BTreeMap<u32, (OptionSet, bool)>,
    /// The exam clock was right when the program last looked, or has had no reason to be wrong since.
    pub clock_right: bool,
}

/// What dies with the program.
pub struct Program {
    pub clock: ExamClock,
    pub attempt: Attempt,
    pub warnings: Vec<u32>,
}

pub fn plan() -> AttemptPlan {
    let types = [
        ItemType::TrueFalse,
        ItemType::SingleChoice,
        ItemType::MultipleChoice,
    ];
    let question = |i: u32| Question {
        item_type: types[i as usize % 3],
        options: [2, 4, 5][i as usize % 3],
    };
    AttemptPlan {
        attempt_id: [1; 16],
        sitting_no: "S".to_owned(),
        class_no: "C".to_owned(),
        questions: (0..QUESTIONS).map(question).collect(),
        started_ms: START,
        ends_ms: START + 60 * MINUTE,
        earliest_leave_ms: START + 30 * MINUTE,
        outage_credit_cap_ms: 30 * MINUTE,
    }
}

impl World {
    pub fn new(seed: u64) -> World {
        World {
            chance: Choice::new(&[0; 32], &[b"simulate", &seed.to_be_bytes()]),
            true_ms: START,
            boots: 1,
            booted_ms: START - 10 * MINUTE,
            wall_error_ms: 0,
            wall_moved: false,
            slept_ms: 0,
            disk_refuses: false,
            ledger: Vec::new(),
            tick: None,
            tick_right: true,
            acknowledged: BTreeMap::new(),
            clock_right: true,
        }
    }

    fn below(&mut self, n: i64) -> i64 {
        i64::from(self.chance.below(n as u32))
    }
    pub fn boot_ms(&self) -> i64 {
        self.true_ms - self.booted_ms
    }
    fn wall_ms(&self) -> i64 {
        self.true_ms + self.wall_error_ms
    }

    fn persist_tick(&mut self, clock: &ExamClock) {
        if !self.disk_refuses {
            self.tick = Some(clock.tick(self.boot_ms(), self.wall_ms()));
            self.tick_right = self.clock_right;
            self.wall_moved = false;
        }
    }

    /// Starts the program: the first time, or after its end. A program whose first write is refused waits for the
    /// disk before it does anything else, so that no outage goes unrecorded; here the disk has come back.
    pub fn launch(&mut self) -> Program {
        self.disk_refuses = false;
        let (mut clock, found) = ExamClock::resume(
            self.tick.as_ref(),
            [self.boots; 16],
            self.boot_ms(),
            self.wall_ms(),
        );
        self.clock_right = self.tick_right && (found.same_boot || !self.wall_moved);
        if self.tick.is_none() {
            let _ = clock.anchor(self.true_ms, self.boot_ms(), self.boot_ms());
        }
        let attempt =
            Attempt::replay(plan(), self.ledger.iter().map(|(event, now)| (event, *now))).unwrap();
        let mut program = Program {
            clock,
            attempt,
            warnings: Vec::new(),
        };
        if let Some(tick) = self.tick {
            program.attempt.warned_until(tick.exam_ms);
            let doubt = found.doubt_for(program.attempt.ends_ms());
            let cause = match (found.same_boot, doubt) {
                (true, _) => OutageCause::Crash,
                (false, Some(_)) => OutageCause::Clock,
                (false, None) => OutageCause::Power,
            };
            let found = Input::OutageFound {
                cause,
                from_ms: tick.exam_ms,
                to_ms: found.now_ms,
            };
            self.input(&mut program, found);
        } else {
            let now = program.clock.now(self.boot_ms());
            self.perform(
                &mut program,
                vec![Effect::Record(plan().started_event(HASH, HASH))],
                now,
            );
        }
        self.persist_tick(&program.clock);
        program
    }

    fn input(&mut self, program: &mut Program, input: Input) {
        let now = program.clock.now(self.boot_ms());
        if let Ok(effects) = program.attempt.propose(input, now) {
            self.perform(program, effects, now);
        }
    }

    fn perform(&mut self, program: &mut Program, effects: Vec<Effect>, now: i64) {
        for effect in effects {
            match effect {
                Effect::Record(_) if self.disk_refuses => {
                    program.attempt.storage_failed(now);
                    return;
                }
                Effect::Record(event) => {
                    self.ledger.push((event.clone(), now));
                    program.attempt.commit(&event, now).unwrap();
                    if let Event::AnswerSaved {
                        position,
                        chosen,
                        flagged,
                    } = event
                    {
                        self.acknowledged.insert(position, (chosen, flagged));
                    }
                }
                Effect::WarnMinutes(minutes) => program.warnings.push(minutes),
                Effect::Show { .. }
                | Effect::EndsMoved { .. }
                | Effect::HandedIn { .. }
                | Effect::Reopened {} => {}
            }
        }
    }

    fn pass(&mut self, program: &mut Program, ms: i64) {
        self.true_ms += ms;
        let now = program.clock.now(self.boot_ms());
        let effects = program.attempt.tick(now);
        self.perform(program, effects, now);
        self.persist_tick(&program.clock);
    }

    pub fn step(&mut self, mut program: Program) -> Program {
        match self.below(100) {
            0..34 => {
                let position = self.below(i64::from(QUESTIONS)) as u32;
                let chosen = OptionSet(self.below(16) as u8);
                self.input(&mut program, Input::Choose { position, chosen });
            }
            34..42 => {
                let (position, on) = (self.below(i64::from(QUESTIONS)) as u32, self.below(2) == 0);
                self.input(&mut program, Input::Flag { position, on });
            }
            42..50 => {
                let position = self.below(i64::from(QUESTIONS) + 1) as u32;
                self.input(&mut program, Input::Show { position });
            }
            50..74 => {
                let ms = self.below(90_000);
                self.pass(&mut program, ms);
            }
            74..76 => self.disk_refuses = true,
            76..80 => {
                self.disk_refuses = false;
                self.input(&mut program, Input::StorageBack);
            }
            80..83 => {
                self.true_ms += self.below(MINUTE);
                return self.launch();
            }
            83..85 => return self.reboot(),
            85..87 => {
                let jump_ms = [
                    MINUTE * 60,
                    -MINUTE * 60,
                    MINUTE * 1440,
                    -MINUTE * 1440,
                    1_500,
                ][self.below(5) as usize];
                self.wall_error_ms += jump_ms;
                self.wall_moved = true;
                program.clock.observe_wall(self.boot_ms(), self.wall_ms());
            }
            87..88 => self.suspend(&mut program),
            88..91 => self.anchor(&mut program),
            91..98 => self.decide(&mut program),
            _ => self.staff(&mut program),
        }
        program
    }

    fn reboot(&mut self) -> Program {
        self.true_ms += self.below(15 * MINUTE);
        self.boots = self.boots.wrapping_add(1);
        self.booted_ms = self.true_ms - 20_000;
        self.slept_ms = 0;
        // Half of the machines restore another time from their clock battery.
        if self.below(2) == 0 {
            self.wall_error_ms = (self.below(121) - 60) * MINUTE;
            self.wall_moved = true;
        }
        self.launch()
    }

    fn suspend(&mut self, program: &mut Program) {
        let boot_ms = self.boot_ms();
        program
            .clock
            .observe_suspend(boot_ms, boot_ms - self.slept_ms);
        let for_ms = 2_000 + self.below(10 * MINUTE);
        let from_ms = program.clock.now(boot_ms);
        self.true_ms += for_ms;
        self.slept_ms += for_ms;
        let boot_ms = self.boot_ms();
        assert_eq!(
            program
                .clock
                .observe_suspend(boot_ms, boot_ms - self.slept_ms),
            Some(for_ms)
        );
        let to_ms = program.clock.now(boot_ms);
        self.input(
            program,
            Input::OutageFound {
                cause: OutageCause::Suspend,
                from_ms,
                to_ms,
            },
        );
    }

    fn anchor(&mut self, program: &mut Program) {
        let sent_ms = self.boot_ms();
        let (there_ms, back_ms) = (self.below(400), self.below(400));
        let upstream_ms = self.true_ms + there_ms;
        self.true_ms += there_ms + back_ms;
        if program
            .clock
            .anchor(upstream_ms, sent_ms, self.boot_ms())
            .is_ok()
        {
            self.clock_right = true;
            self.persist_tick(&program.clock);
        }
    }

    fn decide(&mut self, program: &mut Program) {
        let staff_id = "P1".to_owned();
        self.input(program, Input::StaffResume { staff_id });
        if let Some(outage) = program.attempt.undecided().copied() {
            let credit_ms = [0, outage.proposed_ms, outage.proposed_ms / 2][self.below(3) as usize];
            let (staff_id, reason) = ("P1".to_owned(), "checked".to_owned());
            self.input(
                program,
                Input::OutageDecided {
                    outage_no: outage.outage_no,
                    credit_ms,
                    cause: None,
                    staff_id,
                    reason,
                },
            );
        }
    }

    fn staff(&mut self, program: &mut Program) {
        let (by, reason, order) = ("P1".to_owned(), "mouse".to_owned(), None);
        let input = match self.below(12) {
            0..4 => Input::Credit {
                credit_ms: self.below(5 * MINUTE),
                by,
                reason,
                order,
            },
            4..6 => Input::Postpone {
                by_ms: self.below(5 * MINUTE),
                order,
            },
            6..9 => Input::HandIn,
            9 if self.below(2) == 0 => Input::ForceHandIn {
                staff_id: by,
                reason,
            },
            9 => Input::Reopen {
                staff_id: by.clone(),
                second: by,
                reason,
                order,
                score_shown: false,
            },
            10 => Input::SittingEnded {
                staff_id: by,
                reason,
            },
            _ => Input::StaffSuspend {
                staff_id: by,
                reason,
            },
        };
        self.input(program, input);
    }
}
