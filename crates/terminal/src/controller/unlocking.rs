//! Unlocking at the desk, in three steps: may it be tried (under the lock), derive and open (outside it, slow on
//! purpose), take over or count (under the lock).

use super::day;
use super::state::{State, Surface};
use super::terminal::Terminal;
use crate::view::Refused;
use crate::view::action::SecondPerson;
use fengjuan_core::event::Event;
use fengjuan_core::plan::ExamMs;
use fengjuan_device::papers::HeldPapers;
use fengjuan_device::recorder::staff;
use fengjuan_device::refusal::{Answer, With, refused};
use fengjuan_device::staff::{Slowing, password_fits};
use fengjuan_device::unlock::{self, UnlockError, Unlocked};
use fengjuan_envelope::secret::SecretBytes;
use std::sync::Arc;
use zeroize::Zeroize;

struct Try {
    held: Arc<HeldPapers>,
    /// Other sittings, and earlier versions of this one: what else a code may be for.
    others: Vec<Arc<HeldPapers>>,
    code: SecretBytes,
}

/// Who has opened the papers.
pub(super) struct Unlocker {
    pub staff_id: String,
    /// Who typed the other half, where two persons have a code each.
    pub second: Option<String>,
}

fn slow_key(sitting_no: &str) -> String {
    format!("code/{sitting_no}")
}

impl State {
    /// Wrong codes so far for the active sitting.
    pub(super) fn code_slowing(&self) -> Slowing {
        let Some(active) = &self.active else {
            return Slowing::default();
        };
        day::slowing(&self.reader, &slow_key(active.sitting_no())).unwrap_or_default()
    }

    /// Unlocking is possible from entry opening until the end with credits, and as long as an attempt here is open, its
    /// seed not yet laid by to be revealed, or a score locked.
    pub(super) fn unlock_over(&self, now: ExamMs) -> bool {
        !self.score_needs_code(now)
            && self
                .active
                .as_ref()
                .is_some_and(|active| active.over(now) && !active.day.seed_wanted())
    }

    fn prepare_unlock(&mut self, mut groups: Vec<String>) -> Answer<Try> {
        // A version that has come since the last tick counts already: the one before must not open any more.
        if self.held_revision != self.shared.outward.held_revision() {
            self.choose_sitting()?;
        }
        let now = self.now();
        let code = {
            let two_person = self
                .active
                .as_ref()
                .is_some_and(|active| active.sitting().two_person_code);
            let code = unlock::parse_code(&groups, two_person);
            groups.zeroize();
            code
        };
        let active = self.active()?;
        if self.desk.unlocking {
            return Err(refused("unlock.busy"));
        }
        let opens_ms = active.entry_opens_ms();
        if now < opens_ms {
            return Err(UnlockError::TooEarly { opens_ms }.into());
        }
        if self.unlock_over(now) {
            return Err(UnlockError::Over.into());
        }
        let begun = active.open_ticket().is_some() || self.score_needs_code(now);
        if active.held.superseded && !begun {
            return Err(UnlockError::Superseded.into());
        }
        if active.held.grant.is_none() {
            return Err(UnlockError::NoGrant.into());
        }
        if let Some(until_ms) = self.code_slowing().waits(now) {
            return Err(refused("unlock.slowed").with("until_ms", until_ms));
        }
        let code = code?;
        let held = active.held.clone();
        let others = self
            .shared
            .outward
            .held()
            .into_iter()
            .filter(|other| {
                let same = other.document.sitting.sitting_no == held.document.sitting.sitting_no;
                same == other.superseded && other.key != held.key
            })
            .collect();
        self.desk.unlocking = true;
        self.desk.unlock_refused = None;
        Ok(Try { held, others, code })
    }

    fn unlock_failed(&mut self, error: UnlockError, staff_id: &str) -> Answer {
        let now = self.now();
        let sitting_no = self.active()?.sitting_no().to_owned();
        let wrong = matches!(
            error,
            UnlockError::WrongCode | UnlockError::OtherSitting { .. } | UnlockError::Superseded
        );
        let mut slowing = self.code_slowing();
        if wrong {
            slowing = slowing.after_wrong(now, 0);
        }
        let event = Event::CodeRefused {
            sitting_no: sitting_no.clone(),
            cause: error.code().to_owned(),
            wrong_so_far: slowing.wrong,
        };
        let projection = day::put_slowing(&slow_key(&sitting_no), &slowing)?;
        self.record(&staff(staff_id), event, vec![projection])?;
        let refusal: Refused = error.into();
        Err(refusal.with("wrong", slowing.wrong))
    }

    /// The papers are open from now on; `actor` and `by` say by whom.
    pub(super) fn unlocked_now(
        &mut self,
        unlocked: Unlocked,
        actor: &str,
        by: &Unlocker,
        now: ExamMs,
    ) -> Answer {
        let active = self.active()?;
        if active.sitting_no() != unlocked.sitting_no
            || active.sitting().version != unlocked.version
        {
            return Err(refused("unlock.other_sitting").with("sitting_no", &unlocked.sitting_no));
        }
        let mut day = active.day.clone();
        day.unlocked = true;
        let sitting_no = unlocked.sitting_no.clone();
        let event = Event::Unlocked {
            sitting_no: sitting_no.clone(),
            version: unlocked.version,
            staff_id: by.staff_id.clone(),
            second: by.second.clone(),
        };
        let projections = vec![
            day.put(&sitting_no)?,
            day::put_slowing(&slow_key(&sitting_no), &Slowing::default())?,
        ];
        self.record(actor, event, projections)?;
        self.active_mut()?.day = day;
        let result_waited = self.score_needs_code(now);
        self.unlocked = Some(unlocked);
        if let Err(error) = self.shared.outward.checkpoint() {
            tracing::warn!(
                code = error.code(),
                "no checkpoint at unlock; the next one covers it"
            );
        }
        self.shared.outward.nudge();
        if self.paused().is_some() {
            let since = self.now();
            self.take_up(since)?;
            let clock_doubted = self
                .run
                .as_ref()
                .is_some_and(|run| run.attempt.undecided().is_some() && self.clock_suspended());
            if clock_doubted {
                // The proctor must decide before anybody goes on: stay where the decision is made.
                self.desk.tab = crate::view::desk::DeskTab::Sitting;
            } else {
                self.leave_desk();
            }
        } else if result_waited {
            self.restore_scores(now);
            self.leave_desk();
        } else if self.surface == Surface::Desk {
            self.desk.tab = crate::view::desk::DeskTab::Sitting;
        }
        self.carry_out_owed();
        self.settle_seed(now);
        Ok(())
    }

    pub(super) fn clock_suspended(&self) -> bool {
        use fengjuan_core::attempt::AttemptState;
        use fengjuan_core::event::OutageCause;
        self.run.as_ref().is_some_and(|run| {
            run.attempt.state()
                == AttemptState::Suspended {
                    cause: OutageCause::Clock,
                }
        })
    }
}

impl Terminal {
    /// The whole of an unlock. Blocks for as long as Argon2id takes.
    pub(super) fn unlock(
        &self,
        mut groups: Vec<String>,
        second: Option<SecondPerson>,
        staff_id: &str,
    ) -> Answer {
        let attempt = match self.other_half(second, staff_id) {
            Ok(second) => {
                let attempt = self.change_quietly(|state| state.prepare_unlock(groups));
                attempt.map(|attempt| (attempt, second))
            }
            Err(refusal) => {
                groups.zeroize();
                Err(refusal)
            }
        };
        let (attempt, second) = match attempt {
            Ok(attempt) => attempt,
            Err(refusal) => {
                self.change_quietly(|state| state.desk.unlock_refused = Some(refusal.clone()));
                return Err(refusal);
            }
        };
        // The page shows that something is at work.
        self.touch();
        let keys = &self.shared.keys;
        let me = keys.sign.public();
        let opened =
            unlock::open_sitting(&attempt.held, &keys.kem, &me, &keys.issuer, &attempt.code);
        let opened = opened.map_err(|error| match error {
            UnlockError::WrongCode => {
                unlock::other_sitting(&attempt.others, &keys.kem, &me, &attempt.code).map_or(
                    UnlockError::WrongCode,
                    |other| {
                        if other.sitting_no == attempt.held.key.sitting_no {
                            UnlockError::Superseded
                        } else {
                            UnlockError::OtherSitting {
                                sitting_no: other.sitting_no,
                            }
                        }
                    },
                )
            }
            other => other,
        });
        if let Err(UnlockError::DamagedPackage { class_no }) = &opened
            && let Some(package) = attempt.held.package(class_no)
        {
            self.shared.outward.package_damaged(&package.hash);
        }
        drop(attempt);
        self.change_quietly(|state| {
            state.desk.unlocking = false;
            let now = state.now();
            let done = match opened {
                Ok(unlocked) => {
                    let staff_id = staff_id.to_owned();
                    let (actor, by) = (staff(&staff_id), Unlocker { staff_id, second });
                    state.unlocked_now(unlocked, &actor, &by, now)
                }
                Err(error) => state.unlock_failed(error, staff_id),
            };
            state.desk.unlock_refused = done.as_ref().err().cloned();
            done
        })
    }

    /// Who types the other half, by their own password: somebody else, who may unlock as well.
    fn other_half(&self, second: Option<SecondPerson>, first: &str) -> Answer<Option<String>> {
        let two_person = self
            .state()
            .active
            .as_ref()
            .is_some_and(|active| active.sitting().two_person_code);
        if !two_person {
            return Ok(None);
        }
        let second = second.ok_or_else(|| refused("unlock.second_needed"))?;
        let SecondPerson {
            staff_id,
            mut password,
        } = second;
        if staff_id == first {
            password.zeroize();
            return Err(refused("unlock.same_person"));
        }
        let credentials = self.change_quietly(|state| state.credentials(&staff_id, password))?;
        if !credentials.person.role.may_proctor() {
            return Err(refused("unlock.second_role"));
        }
        let fits = password_fits(&credentials.person, &credentials.password);
        let known = self.change_quietly(|state| match fits {
            true => state.forgive(&staff_id),
            false => state.wrong_password(&staff_id),
        });
        known.map_err(|refusal| match refusal.code.as_str() {
            "staff.wrong_password" => {
                refused("unlock.second_wrong").with("name", &credentials.person.name)
            }
            _ => refusal,
        })?;
        Ok(Some(staff_id))
    }
}
