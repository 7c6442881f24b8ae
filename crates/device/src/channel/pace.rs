use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);

/// When to knock again: doubling waits, each spread over its second half, so that a room does not knock as one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// `random` is any number from a random source.
    pub(super) fn next(&mut self, random: u32) -> Duration {
        let wait = FIRST.saturating_mul(1 << self.failures.min(5)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        wait / 2 + (wait / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_fifth_of_a_second_to_five() {
        let mut pace = Backoff::default();
        let waits: Vec<u128> = (0..7).map(|_| pace.next(u32::MAX).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(pace.next(0), LONGEST / 2);
        pace.reset();
        assert_eq!(pace.next(u32::MAX), FIRST);
    }
}
