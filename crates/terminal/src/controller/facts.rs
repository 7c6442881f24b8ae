//! What the station is told of this terminal: who it is, where it stands, how it is. No name, question, answer or score.

use super::held::OutwardAct;
use super::state::State;
use super::terminal::Terminal;
use crate::view::candidate::CameraView;
use crate::view::desk::{PullState, Verdict};
use fengjuan_core::attempt::AttemptState;
use fengjuan_device::channel::Standing;
use fengjuan_device::refusal::Answer;
use fengjuan_device::sync::RoomLink;
use fengjuan_wire::room::{Beat, SeatBeat, UnlockedSitting};

impl State {
    fn unlocked_sittings(&self) -> Vec<UnlockedSitting> {
        let unlocked = self.unlocked.iter();
        unlocked
            .map(|unlocked| UnlockedSitting {
                sitting_no: unlocked.sitting_no.clone(),
                version: unlocked.version,
            })
            .collect()
    }

    fn standing(&self) -> Standing {
        Standing {
            mark: self.post.inbox.mark(),
            unlocked: self.unlocked_sittings(),
        }
    }

    fn beat(&self) -> Answer<Beat> {
        let outward = &self.shared.outward;
        let held = outward.held();
        let whole = held.iter().filter(|held| {
            let mut packages = held.packages.iter();
            packages.all(|package| package.state == crate::view::desk::HeldState::Held)
        });
        let checks = outward.equipment();
        let failed = checks.rows.iter();
        let failed = failed.filter(|row| row.verdict == Verdict::Fail).count();
        let pulling = match outward.pull_state() {
            PullState::Running {
                done_bytes,
                total_bytes,
                ..
            } => Some((done_bytes, total_bytes)),
            _ => None,
        };
        let unsent = self.reader.unsent_objects()?.len();
        Ok(Beat {
            exam_ms: Some(self.now()),
            ledger_size: self.reader.size()?,
            held: whole
                .map(|held| UnlockedSitting {
                    sitting_no: held.key.sitting_no.clone(),
                    version: held.key.version,
                })
                .collect(),
            unlocked: self.unlocked_sittings(),
            seat: self.seat_beat(),
            unsent: u32::try_from(unsent).unwrap_or(u32::MAX),
            storage: self
                .trouble
                .as_ref()
                .map(|trouble| trouble.cause.to_owned()),
            camera: self.camera_trouble(),
            pulling,
            failed_checks: checks
                .checked_ms
                .map(|_| u32::try_from(failed).unwrap_or(u32::MAX)),
        })
    }

    fn camera_trouble(&self) -> Option<String> {
        let visit = self.visit.as_ref()?;
        if let CameraView::Fault { code } = &visit.camera {
            return Some(code.clone());
        }
        let seat = self.active.as_ref()?.seats.get(&visit.ticket_no)?;
        seat.snapshots.trouble().map(str::to_owned)
    }

    fn seat_beat(&self) -> Option<SeatBeat> {
        let visit = self.visit.as_ref()?;
        let active = self.active.as_ref()?;
        let seat = active.seats.get(&visit.ticket_no)?;
        let run = self.run.as_ref();
        let stands =
            run.is_some_and(|run| matches!(run.attempt.state(), AttemptState::Suspended { .. }));
        let counts = run.map(|run| run.attempt.counts());
        let (answered, questions) = match (counts, seat.ended) {
            (Some(counts), _) => (counts.answered, counts.questions),
            (None, Some(ended)) => (ended.answered, ended.answered + ended.unanswered),
            (None, None) => (0, 0),
        };
        let undecided = seat.outages.iter();
        let undecided = undecided
            .filter(|outage| outage.decided_ms.is_none())
            .count();
        Some(SeatBeat {
            sitting_no: active.sitting_no().to_owned(),
            attempt_id: seat.attempt_id.to_vec(),
            ticket: active.ticket_hash(&visit.ticket_no),
            lease: seat.lease(),
            state: seat.seat.state(),
            suspended: stands || seat.is_fenced() || self.paused().is_some(),
            answered,
            questions,
            ends_ms: run.map(|run| run.attempt.ends_ms()).or(seat.ends_ms()),
            undecided: u32::try_from(undecided).unwrap_or(u32::MAX),
        })
    }

    /// The hub cannot be heard, and this terminal has one.
    pub(super) fn hub_away(&self) -> bool {
        matches!(
            self.shared.outward.room(),
            Some(RoomLink::Away { .. } | RoomLink::Refused { .. })
        )
    }
}

impl Terminal {
    /// Where this terminal stands when it reaches its hub.
    pub fn standing(&self) -> Standing {
        self.state().standing()
    }

    /// How this terminal is. Where storage cannot be read, that is all there is to say.
    pub fn beat(&self) -> Beat {
        let state = self.state();
        state.beat().unwrap_or_else(|refusal| Beat {
            exam_ms: Some(state.now()),
            storage: Some(refusal.code),
            ..silent_beat()
        })
    }

    /// The hub offers something new: papers are pulled, unless that goes on already.
    pub fn look(&self) {
        let outward = &self.shared.outward;
        let busy = matches!(outward.pull_state(), PullState::Running { .. });
        if !busy && let Err(refusal) = outward.act(OutwardAct::Pull) {
            tracing::warn!(code = refusal.code, "no pull");
        }
    }
}

/// Of a terminal that has nothing to say any more.
pub(super) fn silent_beat() -> Beat {
    Beat {
        exam_ms: None,
        ledger_size: 0,
        held: Vec::new(),
        unlocked: Vec::new(),
        seat: None,
        unsent: 0,
        storage: None,
        camera: None,
        pulling: None,
        failed_checks: None,
    }
}
