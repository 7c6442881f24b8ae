use std::time::Duration;

const BEAT: Duration = Duration::from_secs(10);
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// When to try again: a steady beat while all is well, doubling waits with jitter while it is not, so that a room of
/// terminals does not knock all at once when the center is back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    failures: u32,
}

impl Pace {
    /// The wait after a pass. `random` is any number from a random source.
    pub fn next(&mut self, succeeded: bool, random: u32) -> Duration {
        if succeeded {
            self.failures = 0;
            return spread(BEAT, random);
        }
        let wait = FIRST.saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        spread(wait, random)
    }
}

/// Between half of `wait` and all of it.
fn spread(wait: Duration, random: u32) -> Duration {
    wait / 2 + (wait / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_spread_over_half_of_it_and_begin_anew_after_success() {
        let mut pace = Pace::default();
        let longest: Vec<u64> = (0..8)
            .map(|_| pace.next(false, u32::MAX).as_secs())
            .collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pace.next(false, 0), LONGEST / 2);
        assert_eq!(pace.next(true, u32::MAX), BEAT);
        assert_eq!(pace.next(false, u32::MAX), FIRST);
    }
}
