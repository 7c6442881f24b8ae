//! The snapshot seed after the last attempt here: laid by, sealed to this device, and written in clear once no attempt of
//! the sitting can still run at the whole site, so that everybody can compute which moments were due and nobody could
//! have foreseen a neighbour's.

use super::day::{OwedSeed, SittingDay};
use super::state::State;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::plan::ExamMs;
use fengjuan_device::recorder::SYSTEM;
use fengjuan_device::refusal::Answer;
use fengjuan_envelope::hpke;
use fengjuan_store::Change;
use fengjuan_wire::order::{Order, OrderKind};
use serde_bytes::ByteBuf;

/// What the sealing is for (RFC 9180 §5.1, info).
const INFO: &[u8] = b"fengjuan/owed-seed/1";

impl State {
    /// Lays the seed by where attempts here are over, and reveals what may be revealed. What storage refuses is tried
    /// again by the tick.
    pub(super) fn settle_seed(&mut self, now: ExamMs) {
        let done = self.lay_seed_by(now).and_then(|()| self.reveal_due(now));
        if let Err(refusal) = done {
            tracing::warn!(code = refusal.code, "a snapshot seed could not be settled");
        }
    }

    fn lay_seed_by(&mut self, now: ExamMs) -> Answer {
        let (Some(active), Some(unlocked)) = (&self.active, &self.unlocked) else {
            return Ok(());
        };
        let sitting_no = active.sitting_no().to_owned();
        let wanted = active.over(now) && active.day.seed_wanted();
        if !wanted || unlocked.sitting_no != sitting_no {
            return Ok(());
        }
        let me = self.shared.keys.kem.public();
        let seed = unlocked.snapshot_seed.as_bytes();
        let sealed = match hpke::seal_to(&me, INFO, sitting_no.as_bytes(), seed) {
            Ok(sealed) => sealed,
            Err(error) => {
                // The code, typed again, brings the seed back.
                tracing::error!(code = error.code(), "the seed could not be laid by");
                return Ok(());
            }
        };
        let mut owed = OwedSeed::all(&self.reader)?;
        owed.retain(|owed| owed.sitting_no != sitting_no);
        owed.push(OwedSeed {
            sitting_no: sitting_no.clone(),
            due_ms: active.site_runs_until_ms(),
            sealed: ByteBuf::from(sealed),
        });
        let mut day = active.day.clone();
        day.seed_kept = true;
        let change = Change::default()
            .project(day.put(&sitting_no)?)
            .project(OwedSeed::put_all(&owed)?);
        self.commit(change)?;
        self.active_mut()?.day = day;
        Ok(())
    }

    fn reveal_due(&mut self, now: ExamMs) -> Answer {
        let mut owed = OwedSeed::all(&self.reader)?;
        while let Some(place) = owed.iter().position(|owed| owed.due_ms <= now) {
            let due = owed.remove(place);
            self.reveal(&due, &owed)?;
        }
        Ok(())
    }

    /// Writes one seed in clear; `rest` is still owed.
    fn reveal(&mut self, due: &OwedSeed, rest: &[OwedSeed]) -> Answer {
        let sitting_no = &due.sitting_no;
        let mut day = match &self.active {
            Some(active) if active.sitting_no() == sitting_no => active.day.clone(),
            _ => SittingDay::load(&self.reader, sitting_no)?,
        };
        let kem = &self.shared.keys.kem;
        let opened = hpke::open_from(kem, INFO, sitting_no.as_bytes(), &due.sealed);
        let seed = opened
            .ok()
            .and_then(|seed| <[u8; 32]>::try_from(&*seed).ok());
        let rest = OwedSeed::put_all(rest)?;
        match seed {
            Some(seed) => {
                day.seed_revealed = true;
                let event = Event::SeedRevealed {
                    sitting_no: sitting_no.clone(),
                    seed: Hash32(seed),
                };
                self.record(SYSTEM, event, vec![day.put(sitting_no)?, rest])?;
            }
            None => {
                tracing::error!(sitting_no, "a seed that was laid by cannot be opened");
                // The code, typed again, brings it back.
                day.seed_kept = false;
                self.commit(
                    Change::default()
                        .project(day.put(sitting_no)?)
                        .project(rest),
                )?;
            }
        }
        if let Some(active) = &mut self.active
            && active.sitting_no() == sitting_no
        {
            active.day = day;
        }
        self.shared.outward.nudge();
        Ok(())
    }

    /// Time that the center orders for anybody moves the moment of a seed that is laid by already.
    pub(super) fn hold_seed_longer(&mut self, order: &Order) -> Answer {
        let by_ms = match &order.kind {
            OrderKind::Postpone { by_ms } => *by_ms,
            OrderKind::Credit { credit_ms, .. } => *credit_ms,
            _ => return Ok(()),
        };
        let mut owed = OwedSeed::all(&self.reader)?;
        let Some(held) = owed
            .iter_mut()
            .find(|owed| owed.sitting_no == order.sitting_no)
        else {
            return Ok(());
        };
        held.due_ms += by_ms.max(0);
        self.commit(Change::default().project(OwedSeed::put_all(&owed)?))
    }
}
