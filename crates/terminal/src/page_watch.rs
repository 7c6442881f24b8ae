//! Whether the page is on the screen, and what to do when it is not. The page reports its first picture and then one
//! every few seconds; the window layer reports a drawing process that ended. A kiosk has nobody who would press "reload".
//!
//! No clock in here: moments are handed in, in milliseconds of any clock that only runs forward.

use fengjuan_core::event::{PageFault, PageRemedy};

/// How long the first picture may take, by the number of tries so far; the last one holds for all that follow. A
/// process that is up already loads the page in a moment even where starting it took longer than the first patience.
const PATIENCE_MS: [i64; 4] = [15_000, 15_000, 30_000, 60_000];
/// A page that has reported no picture for so long is stuck.
const STUCK_MS: i64 = 30_000;
/// Between two looks so far apart nothing ran, the page as little as the program: nothing is held against it.
const GAP_MS: i64 = 5_000;
/// A process that ends again and again is not started more often than this.
const PAUSE_MS: i64 = 5_000;

/// The page is gone, and this is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLost {
    pub fault: PageFault,
    pub remedy: PageRemedy,
    /// From 1, since the page was last on the screen.
    pub tries: u32,
}

/// Watches one page.
#[derive(Debug)]
pub struct PageWatch {
    /// Since when the first picture of a load has been waited for.
    awaited_ms: Option<i64>,
    ended_ms: Option<i64>,
    /// The last picture that was reported.
    painted_ms: i64,
    last_look_ms: i64,
    /// Since when there has been no page for whoever sits here.
    lost_ms: Option<i64>,
    last_remedy_ms: Option<i64>,
    tries: u32,
}

impl PageWatch {
    /// The window opens now.
    pub fn new(now_ms: i64) -> PageWatch {
        PageWatch {
            awaited_ms: Some(now_ms),
            ended_ms: None,
            painted_ms: now_ms,
            last_look_ms: now_ms,
            lost_ms: None,
            last_remedy_ms: None,
            tries: 0,
        }
    }

    /// The page is on the screen; for how long it was not, where it had been lost.
    pub fn painted(&mut self, now_ms: i64) -> Option<i64> {
        self.awaited_ms = None;
        self.ended_ms = None;
        self.painted_ms = now_ms;
        self.tries = 0;
        self.lost_ms.take().map(|since_ms| now_ms - since_ms)
    }

    /// The process that draws the page has ended by itself.
    pub fn process_ended(&mut self, now_ms: i64) {
        self.ended_ms.get_or_insert(now_ms);
    }

    /// What to do now; to be called several times a second. Whoever gets an answer carries it out.
    pub fn tick(&mut self, now_ms: i64) -> Option<PageLost> {
        let gap_ms = now_ms - self.last_look_ms;
        self.last_look_ms = now_ms;
        if gap_ms > GAP_MS {
            self.painted_ms += gap_ms;
            self.awaited_ms = self.awaited_ms.map(|since_ms| since_ms + gap_ms);
        }
        let (fault, since_ms) = self.fault(now_ms)?;
        let remedy = remedy(fault, self.tries);
        self.tries += 1;
        self.last_remedy_ms = Some(now_ms);
        self.awaited_ms = Some(now_ms);
        self.ended_ms = None;
        self.lost_ms.get_or_insert(since_ms);
        Some(PageLost {
            fault,
            remedy,
            tries: self.tries,
        })
    }

    /// The fault that has lasted long enough, with its beginning.
    fn fault(&self, now_ms: i64) -> Option<(PageFault, i64)> {
        let paused = self
            .last_remedy_ms
            .is_some_and(|last_ms| now_ms - last_ms < PAUSE_MS);
        if let Some(since_ms) = self.ended_ms {
            return (!paused).then_some((PageFault::ProcessEnded, since_ms));
        }
        if let Some(since_ms) = self.awaited_ms {
            let patience_ms = PATIENCE_MS[PATIENCE_MS.len().min(self.tries as usize + 1) - 1];
            let over = now_ms - since_ms >= patience_ms;
            return over.then_some((PageFault::NotPainted, since_ms));
        }
        let stuck = now_ms - self.painted_ms >= STUCK_MS;
        stuck.then_some((PageFault::NotAnswering, self.painted_ms))
    }
}

/// The mildest remedy that can help, and a stronger one after each that did not.
fn remedy(fault: PageFault, tries: u32) -> PageRemedy {
    use PageRemedy::*;
    let ladder = match fault {
        PageFault::NotPainted => [Reload, NewProcess, NewWindow],
        PageFault::ProcessEnded => [Reload, Reload, NewWindow],
        PageFault::NotAnswering => [NewProcess, NewProcess, NewWindow],
    };
    ladder[tries as usize % ladder.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a watch for so long and lists what it did, with the moments.
    fn until(watch: &mut PageWatch, from_ms: i64, to_ms: i64) -> Vec<(i64, PageRemedy)> {
        (from_ms..=to_ms)
            .step_by(250)
            .filter_map(|now_ms| Some((now_ms, watch.tick(now_ms)?.remedy)))
            .collect()
    }

    #[test]
    fn a_page_that_paints_is_left_alone() {
        let mut watch = PageWatch::new(0);
        assert_eq!(until(&mut watch, 0, 14_750), []);
        assert_eq!(watch.painted(14_900), None, "it was never lost");
        for beat in 3..1_000 {
            assert_eq!(until(&mut watch, beat * 5_000, beat * 5_000 + 4_750), []);
            assert_eq!(watch.painted(beat * 5_000 + 4_900), None);
        }
    }

    #[test]
    fn a_blank_page_gets_stronger_remedies_and_is_never_given_up() {
        use PageRemedy::*;
        let mut watch = PageWatch::new(0);
        let tried = until(&mut watch, 0, 300_000);
        assert_eq!(
            tried,
            [
                (15_000, Reload),
                (30_000, NewProcess),
                (60_000, NewWindow),
                (120_000, Reload),
                (180_000, NewProcess),
                (240_000, NewWindow),
                (300_000, Reload),
            ]
        );
        assert_eq!(watch.painted(301_000), Some(301_000));
        assert_eq!(until(&mut watch, 301_250, 330_000), []);
    }

    #[test]
    fn a_process_that_ended_is_replaced_at_once_and_then_not_too_often() {
        let mut watch = PageWatch::new(0);
        watch.painted(1_000);
        until(&mut watch, 1_000, 20_000);
        watch.process_ended(20_100);
        let lost = watch.tick(20_250).unwrap();
        assert_eq!(
            (lost.fault, lost.remedy, lost.tries),
            (PageFault::ProcessEnded, PageRemedy::Reload, 1)
        );
        assert_eq!(watch.painted(21_100), Some(1_000));
        // It paints and ends, over and over.
        let mut remedies = 0;
        for now_ms in (21_250..81_250).step_by(250) {
            watch.process_ended(now_ms);
            if watch.tick(now_ms).is_some() {
                remedies += 1;
                watch.painted(now_ms);
            }
        }
        assert!((10..=12).contains(&remedies), "{remedies} in a minute");
    }

    #[test]
    fn one_that_ends_before_it_paints_gets_a_new_window_in_the_end() {
        let mut watch = PageWatch::new(0);
        watch.painted(0);
        let mut remedies = Vec::new();
        for now_ms in (0..30_000).step_by(250) {
            watch.process_ended(now_ms);
            remedies.extend(watch.tick(now_ms).map(|lost| lost.remedy));
        }
        assert_eq!(
            remedies[..3],
            [
                PageRemedy::Reload,
                PageRemedy::Reload,
                PageRemedy::NewWindow
            ]
        );
    }

    #[test]
    fn a_stuck_page_gets_another_process() {
        let mut watch = PageWatch::new(0);
        watch.painted(1_000);
        assert_eq!(
            until(&mut watch, 1_000, 40_000),
            [(31_000, PageRemedy::NewProcess)]
        );
        assert_eq!(watch.painted(41_000), Some(40_000));
    }

    #[test]
    fn a_machine_that_stood_still_is_not_held_against_the_page() {
        let mut watch = PageWatch::new(0);
        watch.painted(1_000);
        until(&mut watch, 1_000, 10_000);
        assert_eq!(until(&mut watch, 100_000, 110_000), []);
        watch.painted(110_100);
        assert_eq!(until(&mut watch, 110_250, 140_000), []);
    }
}
