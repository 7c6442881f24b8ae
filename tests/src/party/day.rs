//! The day of a room, step by step; the hub may be killed in each.

use super::Ask;
use super::room::{Dice, Room, second};
use crate::plan::{AnswerBook, SITTING};
use anyhow::{Context, ensure};
use fengjuan_device::view::{EnrolState, HeldState};
use fengjuan_hub::view::action::{ActionScope, StationAction};
use fengjuan_hub::view::room::SeatTile;
use fengjuan_hub::view::tabs::StationUnlock;
use fengjuan_hub::view::{SittingStepName, StationTab, StationView, TrackState};
use fengjuan_store::Database;
use fengjuan_terminal::view::Screen;
use fengjuan_terminal::view::action::{CandidateAction, DeskAction};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Every step of a day in which a hub may die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Enrolment,
    Pull,
    Seats,
    Unlock,
    Entry,
    Start,
    Answering,
    Swap,
    Credit,
    HandIn,
    Upload,
    End,
}

pub const STEPS: [Step; 12] = [
    Step::Enrolment,
    Step::Pull,
    Step::Seats,
    Step::Unlock,
    Step::Entry,
    Step::Start,
    Step::Answering,
    Step::Swap,
    Step::Credit,
    Step::HandIn,
    Step::Upload,
    Step::End,
];

/// A step is hit at its beginning, its end, or anywhere between.
const LATEST_KILL_MS: u64 = 600;

/// In which steps the hub is killed, and when.
pub struct Kills {
    steps: BTreeSet<Step>,
    dice: Dice,
}

impl Kills {
    pub fn none() -> Kills {
        Kills::of(&[], 0)
    }

    pub fn of(steps: &[Step], seed: u64) -> Kills {
        Kills {
            steps: steps.iter().copied().collect(),
            dice: Dice::new(seed),
        }
    }
}

pub fn tile(view: &StationView, seat_no: u32) -> anyhow::Result<&SeatTile> {
    let tile = view.room.tiles.iter().find(|tile| tile.seat_no == seat_no);
    tile.with_context(|| format!("no seat {seat_no}"))
}

fn is_done(view: &StationView, step: SittingStepName) -> bool {
    let of_day = { view.sittings.iter() }.find(|track| track.sitting_no == SITTING);
    let mut steps = of_day.into_iter().flat_map(|track| &track.steps);
    steps.any(|one| one.step == step && one.state == TrackState::Done)
}

impl Room {
    /// Does a step, in which the hub is killed where it is to be.
    pub fn step(
        &mut self,
        kills: &mut Kills,
        step: Step,
        work: impl FnOnce(&mut Room) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let before = self.kills;
        if kills.steps.contains(&step) {
            let after = Duration::from_millis(kills.dice.below(LATEST_KILL_MS));
            self.doom = Some(Instant::now() + after);
        }
        work(self).with_context(|| format!("{step:?}"))?;
        self.until("the kill", |room| Ok(room.doom.is_none().then_some(())))?;
        let killed = self.kills > before;
        ensure!(killed == kills.steps.contains(&step), "{step:?}: {killed}");
        Ok(())
    }

    /// The hub is known to the center, and holds the papers.
    pub fn pull(&mut self) -> anyhow::Result<()> {
        self.achieve_on_page("the papers", &StationAction::Pull {}, |view| {
            let held = &view.papers.own.held;
            let whole = { held.iter().flat_map(|one| &one.classes) }
                .all(|class| class.state == HeldState::Held);
            !held.is_empty() && whole
        })
    }

    /// A machine for each candidate, and a spare; two people compare the fingerprints.
    pub fn enrol_machines(&mut self) -> anyhow::Result<()> {
        for seat_no in 1..=self.sitters.len() as u32 + 1 {
            let machine = self.add_machine()?;
            let name = self.machines[machine].name.clone();
            let enrol = DeskAction::Enrol {
                device_name: name.clone(),
            };
            self.does(machine, &Ask::Desk(enrol))?;
            let shown = self.until("a machine that asks", |room| {
                Ok(match room.view(machine)?.screen {
                    Screen::Enrol(enrol) if enrol.state == EnrolState::Pending => {
                        Some(enrol.fingerprint)
                    }
                    _ => None,
                })
            })?;
            let is_spare = seat_no as usize > self.sitters.len();
            // A hub that begins again has forgotten who asked, and is asked again soon.
            self.until("a machine that is let in", |room| {
                let view = room.proctor()?;
                if view.devices.known.iter().any(|row| row.device_name == name) {
                    return Ok(Some(()));
                }
                let mut asking = view.devices.asking.into_iter();
                if let Some(one) = asking.find(|one| one.fingerprint == shown) {
                    let approve = StationAction::ApproveDevice {
                        device: one.device,
                        seat_no: (!is_spare).then_some(seat_no),
                        second: second(),
                    };
                    room.act(approve)?;
                }
                Ok(None)
            })?;
        }
        Ok(())
    }

    /// The machines hold the papers, the hub holds them too, and every seat has its number.
    pub fn publish(&mut self) -> anyhow::Result<()> {
        for seat_no in 1..=self.sitters.len() as u32 {
            let place = seat_no as usize - 1;
            let name = self.machines[place].name.clone();
            let device = self.device_of(&name)?;
            let number = StationAction::MoveNumber {
                seat_no,
                device,
                reason: "编号".to_owned(),
            };
            // Usually done with the approval; a hub that was killed between the two has not done it.
            self.achieve_on_page("a number", &number, |view| {
                tile(view, seat_no).is_ok_and(|tile| tile.device_name.as_ref() == Some(&name))
            })?;
        }
        self.achieve_on_page("the seats", &StationAction::PublishSeats {}, |view| {
            view.seating.published_ms.is_some()
        })?;
        let machines = self.machines.len() as u32;
        self.until("papers everywhere", |room| {
            Ok((room.proctor()?.papers.terminals_whole == machines).then_some(()))
        })
    }

    pub fn device_of(&mut self, name: &str) -> anyhow::Result<String> {
        let known = self.proctor()?.devices.known;
        let row = known.into_iter().find(|row| row.device_name == name);
        Ok(row.with_context(|| format!("{name} is not known"))?.device)
    }

    /// The code, typed once for everybody.
    pub fn unlock(&mut self) -> anyhow::Result<()> {
        let groups = self.center.release(SITTING)?;
        // Kept in the room, so that it is typed again where the hub dies after it was taken.
        self.code = Some(groups.clone());
        let typed = StationAction::Unlock {
            groups,
            second: None,
        };
        self.achieve_on_page("the code", &typed, |view| {
            view.unlock.state == StationUnlock::Unlocked
        })?;
        self.keys_everywhere()
    }

    pub fn keys_everywhere(&mut self) -> anyhow::Result<()> {
        let machines = self.machines.len() as u32;
        self.until("keys everywhere", |room| {
            Ok((room.proctor()?.unlock.opened == machines).then_some(()))
        })
    }

    /// Everybody checks in, the first at the station and the others at their seats.
    pub fn enter(&mut self) -> anyhow::Result<()> {
        for sitter in 0..self.sitters.len() {
            self.check_in(sitter, sitter == 0)?;
        }
        Ok(())
    }

    pub fn start(&mut self) -> anyhow::Result<()> {
        self.achieve_on_page("the start", &StationAction::Start {}, |view| {
            is_done(view, SittingStepName::Start)
        })?;
        for sitter in 0..self.sitters.len() {
            self.exam(sitter)?;
        }
        Ok(())
    }

    /// A few questions each.
    pub fn answer_some(&mut self, count: usize, book: &AnswerBook) -> anyhow::Result<()> {
        for sitter in 0..self.sitters.len() {
            self.answer(sitter, count, book)?;
        }
        Ok(())
    }

    /// All that a machine has written up to now is at the hub.
    pub fn replicated(&mut self, machine: usize) -> anyhow::Result<()> {
        let name = self.machines[machine].name.clone();
        let size = Database::read_only(&self.machines[machine].data)?.size()?;
        let mut last = None;
        let reached = self.until("everything at the hub", |room| {
            // Counted only while somebody looks at the machines.
            let tab = StationTab::Devices;
            room.act(StationAction::Tab { tab })?;
            let known = room.proctor()?.devices.known;
            let row = known.into_iter().find(|row| row.device_name == name);
            last = row.map(|row| row.replicated);
            Ok((last >= Some(size)).then_some(()))
        });
        reached.with_context(|| format!("{name}: {last:?} of {size} entries"))
    }

    /// The candidate's machine is dead; the candidate goes on at the spare, and the old one comes back read-only.
    pub fn swap(&mut self, sitter: usize, to: usize) -> anyhow::Result<()> {
        let (seat_no, from) = (
            self.sitters[sitter].person.seat_no,
            self.sitters[sitter].machine,
        );
        let name = self.machines[to].name.clone();
        let swap = StationAction::Swap {
            seat_no,
            device: self.device_of(&name)?,
            reason: "主机坏了".to_owned(),
        };
        self.achieve_on_page("the swap", &swap, |view| {
            tile(view, seat_no).is_ok_and(|tile| tile.device_name.as_ref() == Some(&name))
        })?;
        self.sitters[sitter].machine = to;
        self.look_over(sitter)?;
        self.switch_on(from)?;
        self.until("the old machine reads only", |room| {
            let screen = room.view(from)?.screen;
            Ok(matches!(screen, Screen::Suspended(view) if view.moved_away).then_some(()))
        })?;
        let refused = self.ask(
            from,
            &Ask::Candidate(CandidateAction::Choose {
                position: 0,
                option: 0,
            }),
        )?;
        ensure!(refused.refused.is_some(), "two machines write one attempt");
        Ok(())
    }

    /// How many decisions of this kind stand in the station's records.
    fn decisions(&mut self, code: &str) -> anyhow::Result<usize> {
        let tab = StationTab::Log;
        self.act(StationAction::Tab { tab })?;
        let rows = self.proctor()?.log.rows;
        Ok(rows.iter().filter(|row| row.notice.code == code).count())
    }

    /// Minutes for one seat, given once.
    pub fn credit(&mut self, sitter: usize, minutes: u32) -> anyhow::Result<()> {
        let seat_no = self.sitters[sitter].person.seat_no;
        let credit = StationAction::Credit {
            scope: ActionScope::Seat { seat_no },
            minutes,
            reason: "更换鼠标".to_owned(),
            phone: None,
            second: None,
        };
        let had = self.decisions("command.credit")?;
        self.achieve("the credit", &credit, |room| {
            Ok(room.decisions("command.credit")? > had)
        })?;
        self.credited(sitter, i64::from(minutes) * 60_000)
    }

    /// Everything is at the center and receipted, and the room says so.
    pub fn uploaded(&mut self) -> anyhow::Result<()> {
        let seats: Vec<u32> = { self.sitters.iter() }
            .map(|sitter| sitter.person.seat_no)
            .collect();
        self.until("everything at the center", |room| {
            let view = room.proctor()?;
            let all = seats
                .iter()
                .all(|seat_no| tile(&view, *seat_no).is_ok_and(|tile| tile.progress.at_center));
            Ok(all.then_some(()))
        })
    }

    pub fn end(&mut self) -> anyhow::Result<()> {
        let end = StationAction::End {
            class_no: None,
            forced: false,
            reason: String::new(),
        };
        self.achieve_on_page("the end", &end, |view| is_done(view, SittingStepName::End))?;
        self.achieve_on_page("the submission", &StationAction::Submit {}, |view| {
            is_done(view, SittingStepName::Submit)
        })
    }

    /// Nothing is on its way any more: every ledger and object is at the center.
    pub fn settle(&mut self) -> anyhow::Result<()> {
        for machine in 0..self.machines.len() {
            self.until("nothing unsent", |room| {
                Ok((room.view(machine)?.device.unsent == 0).then_some(()))
            })?;
        }
        Ok(())
    }
}
