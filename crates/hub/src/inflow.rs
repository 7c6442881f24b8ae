//! How fast one terminal is heard on its channel. Whoever sends faster is read more slowly, so that its own line holds it
//! back; nobody is cut off for it, and nobody else waits.

use std::time::{Duration, Instant};

/// Messages in a second that are read for long: several times what a terminal sends whose candidate saves as fast as the
/// machine can.
const STEADY: f64 = 1_000.0;
/// Messages that may come at once besides.
const BURST: f64 = 2_000.0;
/// Whoever is held back for this long without a break is no busy terminal.
const FLOOD: Duration = Duration::from_secs(5);

/// One channel's way in.
pub(crate) struct Inflow {
    /// What may still come at once; below nothing, it waits.
    left: f64,
    at: Instant,
    held_back_since: Option<Instant>,
    told: bool,
}

impl Inflow {
    pub(crate) fn new(now: Instant) -> Inflow {
        Inflow {
            left: BURST,
            at: now,
            held_back_since: None,
            told: false,
        }
    }

    /// How long the next message has to wait; none where it may come.
    pub(crate) fn wait(&mut self, now: Instant) -> Option<Duration> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.left = (self.left + passed * STEADY).min(BURST);
        if self.left >= BURST / 2.0 {
            self.held_back_since = None;
        }
        if self.left >= 0.0 {
            return None;
        }
        self.held_back_since.get_or_insert(now);
        Some(Duration::from_secs_f64(-self.left / STEADY))
    }

    /// A message was read.
    pub(crate) fn took(&mut self) {
        self.left -= 1.0;
    }

    /// Whether it floods, told once.
    pub(crate) fn floods(&mut self, now: Instant) -> bool {
        let held_back = self.held_back_since;
        let long = held_back.is_some_and(|since| now.saturating_duration_since(since) >= FLOOD);
        let news = long && !self.told;
        self.told |= long;
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads what comes in so many a second, for so many seconds: how many were read, and whether it was a flood.
    fn read(a_second: u32, seconds: u32) -> (u32, u32) {
        let mut now = Instant::now();
        let end = now + Duration::from_secs(u64::from(seconds));
        let mut inflow = Inflow::new(now);
        let (mut read, mut floods) = (0, 0);
        while now < end {
            now += inflow.wait(now).unwrap_or_default();
            now += Duration::from_secs(1) / a_second;
            inflow.took();
            read += 1;
            floods += u32::from(inflow.floods(now));
        }
        (read, floods)
    }

    #[test]
    fn a_busy_terminal_is_read_as_fast_as_it_sends() {
        let (read, floods) = read(900, 60);
        assert!((53_900..=54_001).contains(&read), "{read}");
        assert_eq!(floods, 0);
    }

    #[test]
    fn a_flood_is_read_more_slowly_and_told_once() {
        let (read, floods) = read(50_000, 60);
        assert!((61_000..=62_100).contains(&read), "{read}");
        assert_eq!(floods, 1);
    }
}
