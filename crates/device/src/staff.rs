//! Staff at this terminal: who may act, whether the password is right, and how wrong ones are slowed.

use crate::view::StaffName;
use fengjuan_core::plan::{ExamMs, Sitting, Staff};
use fengjuan_envelope::kdf;
use serde::{Deserialize, Serialize};

/// The first delay after a wrong try; each further one doubles it.
const FIRST_DELAY_MS: i64 = 5_000;
/// No delay is longer.
const LONGEST_DELAY_MS: i64 = 5 * 60_000;
/// Wrong passwords that cost nothing: people mistype.
pub const FREE_PASSWORDS: u32 = 2;

/// Wrong tries of one code or one person, kept over restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slowing {
    pub wrong: u32,
    /// No try is taken before this moment.
    pub wait_until_ms: ExamMs,
}

impl Slowing {
    /// Until when no try is taken; `None` when one may be made now.
    pub fn waits(&self, now: ExamMs) -> Option<ExamMs> {
        // A clock that was corrected backwards must not lock anybody out for longer than the longest delay.
        let ahead_ms = self.wait_until_ms.saturating_sub(now);
        (1..=LONGEST_DELAY_MS)
            .contains(&ahead_ms)
            .then_some(self.wait_until_ms)
    }

    /// After one more wrong try, the first `free` of which are not slowed: 5 s, doubling to 5 min.
    pub fn after_wrong(self, now: ExamMs, free: u32) -> Slowing {
        let wrong = self.wrong.saturating_add(1);
        let slowed = wrong.saturating_sub(free);
        let delay_ms = match slowed {
            0 => 0,
            _ => FIRST_DELAY_MS
                .saturating_mul(1 << (slowed - 1).min(16))
                .min(LONGEST_DELAY_MS),
        };
        Slowing {
            wrong,
            wait_until_ms: now.saturating_add(delay_ms),
        }
    }
}

/// The people who may act in a sitting: those whom it names, and the substitutes whom the center ordered.
pub fn everyone<'a>(
    sitting: &'a Sitting,
    substitutes: &'a [Staff],
) -> impl Iterator<Item = &'a Staff> {
    sitting.staff.iter().chain(substitutes)
}

/// One person by id.
pub fn find<'a>(
    sitting: &'a Sitting,
    substitutes: &'a [Staff],
    staff_id: &str,
) -> Option<&'a Staff> {
    everyone(sitting, substitutes).find(|person| person.staff_id == staff_id)
}

/// What a screen shows of a person.
pub fn name(person: &Staff) -> StaffName {
    StaffName {
        staff_id: person.staff_id.clone(),
        name: person.name.clone(),
        role: person.role,
    }
}

/// Whether the password is this person's. Takes some tens of milliseconds and 19 MiB: not under a lock.
pub fn password_fits(person: &Staff, password: &str) -> bool {
    kdf::verify_password(password, &person.password_verifier).unwrap_or_else(|error| {
        tracing::warn!(code = error.code(), "a password verifier cannot be used");
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_from_five_seconds_to_five_minutes() {
        let mut slowing = Slowing::default();
        let mut delays = Vec::new();
        for _ in 0..9 {
            slowing = slowing.after_wrong(1_000_000, 0);
            delays.push((slowing.wait_until_ms - 1_000_000) / 1000);
        }
        assert_eq!(delays, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(slowing.waits(1_000_000), Some(1_300_000));
        assert_eq!(slowing.waits(1_300_000), None);
        assert_eq!(
            slowing.waits(0),
            None,
            "a clock set back must not lock people out"
        );
    }

    #[test]
    fn the_first_mistypes_are_free() {
        let twice = Slowing::default().after_wrong(0, 2).after_wrong(0, 2);
        assert_eq!((twice.wrong, twice.waits(0)), (2, None));
        assert_eq!(twice.after_wrong(0, 2).waits(0), Some(5_000));
    }
}
