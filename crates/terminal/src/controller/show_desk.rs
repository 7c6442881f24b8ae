//! What the desk shows. The records' tab reads the store, so it is made only while somebody looks at it.

use super::state::State;
use crate::view::candidate::StaffName;
use crate::view::desk::*;
use crate::view::{Notice, Refused, Tone};
use fengjuan_core::plan::{ExamMs, Role};
use fengjuan_core::seat::SeatState as Seat;
use fengjuan_device::papers::HeldPapers;
use fengjuan_device::refusal::{With, notice};
use fengjuan_wire::Hash32;

impl State {
    pub(super) fn desk_view(&self, now: ExamMs) -> DeskView {
        let outward = &self.shared.outward;
        let sitting = self.sitting_view(now);
        DeskView {
            tab: self.desk.tab,
            user: self.desk.user.clone(),
            track: self.track(now),
            next_blocked_by: sitting
                .as_ref()
                .and_then(|sitting| sitting.start_blocked_by.clone()),
            papers: self.papers_view(),
            equipment: outward.equipment(),
            unlock: self.unlock_view(now),
            sitting,
            records: self.records_view(),
        }
    }

    fn papers_view(&self) -> PapersView {
        let outward = &self.shared.outward;
        let active = self.active.as_ref();
        let view = |held: &std::sync::Arc<HeldPapers>| {
            let selected = active.is_some_and(|active| {
                active.sitting_no() == held.key.sitting_no
                    && active.sitting().version == held.key.version
            });
            let candidates = |class_no: &str| {
                let roster = active
                    .filter(|_| selected)
                    .map(|active| active.roster.as_slice());
                let of_class = roster
                    .unwrap_or_default()
                    .iter()
                    .filter(|candidate| candidate.class_no == class_no);
                of_class.count() as u32
            };
            held.view(candidates, selected)
        };
        PapersView {
            held: outward.held().iter().map(view).collect(),
            pull: outward.pull_state(),
            courier_folders: outward.courier_folders(),
        }
    }

    fn unlock_view(&self, now: ExamMs) -> UnlockView {
        let active = self.active.as_ref();
        let slowing = self.code_slowing();
        let state = match active {
            None => UnlockState::NothingHeld,
            Some(_) if self.desk.unlocking => UnlockState::Working,
            Some(_) if self.papers_open() => UnlockState::Unlocked,
            Some(active) if now < active.entry_opens_ms() => UnlockState::TooEarly,
            Some(_) if self.unlock_over(now) => UnlockState::Over,
            Some(_) if self.code_needed_again(now) => UnlockState::NeededAgain,
            Some(_) => UnlockState::Ready,
        };
        UnlockView {
            state,
            sitting_no: active.map(|active| active.sitting_no().to_owned()),
            wrong_so_far: slowing.wrong,
            wait_until_ms: slowing.waits(now),
            opens_ms: active.map(|active| active.entry_opens_ms()),
            two_person: active.is_some_and(|active| active.sitting().two_person_code),
            second_person: self.other_halves(),
            refused: self.desk.unlock_refused.clone(),
        }
    }

    /// Everybody who may unlock, but whoever is at the desk.
    fn other_halves(&self) -> Vec<StaffName> {
        let here = self.desk.user.as_ref().map(|user| &user.staff_id);
        let mut others = self.staff_where(Role::may_proctor);
        others.retain(|person| Some(&person.staff_id) != here);
        others
    }

    /// The papers of the sitting on the desk are open in this very process.
    fn papers_open(&self) -> bool {
        self.active.as_ref().is_some_and(|active| {
            self.unlocked
                .as_ref()
                .is_some_and(|unlocked| unlocked.sitting_no == active.sitting_no())
        })
    }

    /// The sitting was unlocked, the program has started anew, and something still needs the keys.
    fn code_needed_again(&self, now: ExamMs) -> bool {
        let unlocked_before = self
            .active
            .as_ref()
            .is_some_and(|active| active.day.unlocked);
        unlocked_before && !self.papers_open() && !self.unlock_over(now)
    }

    fn sitting_view(&self, now: ExamMs) -> Option<SittingView> {
        let active = self.active.as_ref()?;
        let blocked = self.start_blocked(now);
        let ended = active.day.ended_ms.is_some();
        Some(SittingView {
            sitting_no: active.sitting_no().to_owned(),
            plan_name: active.sitting().plan.name.clone(),
            start_ms: active.planned_start_ms(),
            late_limit_ms: active.late_limit_ms(),
            latest_start_ms: active.latest_start_ms(),
            candidates: self.candidate_rows(),
            may_start: blocked.is_none(),
            start_blocked_by: blocked.map(as_notice),
            outages: self.outage_rows(),
            // A terminal that can no longer be started is ended too, or it would wait for ever.
            may_end: !ended && (active.day.start.is_some() || now > active.latest_start_ms()),
            ended,
            pattern_camera_allowed: self.pattern_allowed(),
            second_person: self.staff_where(Role::may_co_approve),
        })
    }

    /// Everybody on the roster; on a terminal with a seat number only who belongs or sits there.
    fn candidate_rows(&self) -> Vec<CandidateRow> {
        let Some(active) = &self.active else {
            return Vec::new();
        };
        let here = self.seat_no();
        let mut rows = Vec::new();
        for candidate in &active.roster {
            let Some(seat) = active.seats.get(&candidate.ticket_no) else {
                continue;
            };
            let receipted = seat.bundle.is_some() && self.receipted(&candidate.ticket_no);
            let running = self
                .run
                .as_ref()
                .filter(|run| run.ticket_no == candidate.ticket_no);
            let suspended = seat.open() && (running.is_none() || self.clock_suspended());
            let state = seat.row_state(receipted, suspended);
            let elsewhere = here.is_some_and(|seat_no| seat_no != active.seat_of(candidate));
            if elsewhere && state == SeatState::Expected {
                continue;
            }
            let class = active.sitting().class_group(&candidate.class_no);
            rows.push(CandidateRow {
                ticket_no: candidate.ticket_no.clone(),
                name: candidate.name.clone(),
                masked_id: candidate.masked_id(),
                seat_no: active.seat_of(candidate),
                class_name: class.map_or_else(String::new, |class| class.name.clone()),
                state,
                arrival_ms: seat
                    .stamped()
                    .map(|(arrival_ms, _)| arrival_ms)
                    .or_else(|| seat.seat.arrival_ms()),
                answered: running
                    .map(|run| run.counts().answered)
                    .or_else(|| seat.ended.map(|ended| ended.answered)),
                ends_ms: seat.ends_ms(),
            });
        }
        rows
    }

    fn outage_rows(&self) -> Vec<OutageRow> {
        let Some(active) = &self.active else {
            return Vec::new();
        };
        let mut rows = Vec::new();
        for candidate in &active.roster {
            let Some(seat) = active.seats.get(&candidate.ticket_no) else {
                continue;
            };
            rows.extend(seat.outages.iter().map(|outage| OutageRow {
                outage_no: outage.outage_no,
                ticket_no: candidate.ticket_no.clone(),
                candidate_name: candidate.name.clone(),
                cause: outage.cause,
                from_ms: outage.from_ms,
                to_ms: outage.to_ms,
                proposed_ms: outage.proposed_ms,
                decided_ms: outage.decided_ms,
            }));
        }
        rows
    }

    fn records_view(&self) -> RecordsView {
        let objects = self.reader.objects().unwrap_or_default();
        let (witnessed_size, last_witnessed_ms) = self.shared.outward.witnessed();
        let rows = objects
            .into_iter()
            .map(|object| ObjectRow {
                kind: match object.kind.as_str() {
                    "bundle" => ObjectRowKind::Bundle,
                    "picture" => ObjectRowKind::Picture,
                    _ => ObjectRowKind::Report,
                },
                short_hash: fengjuan_device::papers::short_hash(&Hash32(object.hash)),
                bytes: object.size,
                receipted: object.receipt.is_some(),
                last_failure: self.shared.outward.last_failure(&Hash32(object.hash)),
            })
            .collect();
        RecordsView {
            objects: rows,
            ledger_size: self.reader.size().unwrap_or_default(),
            witnessed_size,
            last_witnessed_ms,
            exported_to: self.shared.outward.exported_to(),
            staff_roles: self.desk.user.iter().map(|user| user.role).collect(),
        }
    }

    /// The sitting's track (检查 拉取 入场 输密码开卷 开考 进行中 结束 上报成绩). Steps overlap where the day does.
    fn track(&self, now: ExamMs) -> Vec<TrackStep> {
        use StepState::*;
        let active = self.active.as_ref();
        let day = active.map(|active| &active.day);
        let when = |done: bool, current: bool| match (done, current) {
            (true, _) => Done,
            (_, true) => Current,
            _ => Ahead,
        };
        let held = active.is_some();
        let checked = self.shared.outward.equipment().checked_ms.is_some();
        let entry_open = active.is_some_and(|active| now >= active.entry_opens_ms());
        let entry_over = active.is_some_and(|active| now > active.late_limit_ms());
        let unlocked = day.is_some_and(|day| day.unlocked) && !self.code_needed_again(now);
        let started = day.is_some_and(|day| day.start.is_some());
        let over = active.is_some_and(|active| active.over(now));
        let ended = day.is_some_and(|day| day.ended_ms.is_some());
        let unsent = self
            .reader
            .unsent_objects()
            .map_or(0, |objects| objects.len());
        let sealed = active.is_some_and(|active| {
            let seats = active.seats.values();
            seats
                .filter(|seat| seat.seat.state() != Seat::Standby)
                .all(|seat| seat.bundle.is_some())
        });
        let steps = [
            (Step::Pull, when(held, true)),
            (Step::Check, when(checked, held)),
            (Step::Entry, when(entry_over, entry_open)),
            (Step::Unlock, when(unlocked, entry_open)),
            (Step::Start, when(started, unlocked)),
            (Step::Running, when(started && over, started)),
            (Step::End, when(ended, started && over)),
            (Step::Submit, when(ended && sealed && unsent == 0, ended)),
        ];
        steps
            .into_iter()
            .map(|(step, state)| TrackStep { step, state })
            .collect()
    }
}

fn as_notice(refused: Refused) -> Notice {
    let Refused { code, args } = refused;
    let mut blocked = notice(&code, Tone::Amber);
    for (key, value) in args {
        blocked = blocked.with(&key, value);
    }
    blocked
}
