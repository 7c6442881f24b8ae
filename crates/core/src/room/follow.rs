//! How well one station follows another (备用跟随): judged by both, each by its own boot clock in milliseconds, so that no
//! clock that is set can make an old copy look fresh.

/// Nothing was heard for so long: the other is lost.
pub const LOST_AFTER_MS: i64 = 10_000;
/// A copy that is older than this is said to be behind.
pub const BEHIND_AFTER_MS: i64 = 5_000;

/// What is known of the following of one station by another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Following {
    first_ms: Option<i64>,
    heard_ms: Option<i64>,
    whole_ms: Option<i64>,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// Nobody was heard yet.
    Never,
    /// What the one wrote up to a moment ago is with the other.
    Current,
    /// What it wrote in the last so many milliseconds may not be.
    Behind { ms: i64 },
    /// The one does not hear the other, since then.
    Lost { since_ms: i64 },
}

impl Following {
    /// The other was heard.
    pub fn heard(&mut self, now_ms: i64) {
        self.first_ms.get_or_insert(now_ms);
        self.heard_ms = Some(now_ms);
    }

    /// Everything that was written by then is with the follower.
    pub fn whole(&mut self, then_ms: i64) {
        self.whole_ms = self.whole_ms.max(Some(then_ms));
    }

    pub fn stands(&self, now_ms: i64) -> Follows {
        let Some(heard_ms) = self.heard_ms else {
            return Follows::Never;
        };
        if now_ms.saturating_sub(heard_ms) > LOST_AFTER_MS {
            return Follows::Lost { since_ms: heard_ms };
        }
        let whole_ms = self.whole_ms.or(self.first_ms).unwrap_or(heard_ms);
        let ms = now_ms.saturating_sub(whole_ms);
        if self.whole_ms.is_some() && ms <= BEHIND_AFTER_MS {
            Follows::Current
        } else {
            Follows::Behind { ms }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_current_then_behind_then_lost() {
        let mut following = Following::default();
        assert_eq!(following.stands(0), Follows::Never);
        following.heard(1_000);
        assert_eq!(
            following.stands(1_500),
            Follows::Behind { ms: 500 },
            "nothing is whole yet"
        );
        following.whole(1_000);
        following.whole(900);
        assert_eq!(following.stands(1_500), Follows::Current);
        following.heard(9_000);
        assert_eq!(following.stands(9_000), Follows::Behind { ms: 8_000 });
        following.whole(9_000);
        assert_eq!(following.stands(9_000 + BEHIND_AFTER_MS), Follows::Current);
        let later = 9_001 + LOST_AFTER_MS;
        assert_eq!(following.stands(later), Follows::Lost { since_ms: 9_000 });
        following.heard(later);
        assert_eq!(
            following.stands(later),
            Follows::Behind { ms: later - 9_000 }
        );
    }
}
