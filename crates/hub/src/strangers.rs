//! Who was refused, and when the room was told of it: whoever goes on trying is told of now and then only.

use fengjuan_core::plan::ExamMs;
use std::collections::BTreeMap;

/// More machines than this that nobody has decided about are one matter: their alerts would say nothing more.
const MOST_UNDECIDED: usize = 50;
/// The room hears no more often than this that a device was refused again.
const AGAIN_MS: i64 = 10_000;

/// A key, and the code with which it was refused.
type Stranger = ([u8; 32], &'static str);

#[derive(Default)]
pub(crate) struct Strangers {
    /// When each was told, and whether people had decided about it.
    told: BTreeMap<Stranger, (ExamMs, bool)>,
}

impl Strangers {
    /// Whether the room is to be told. A machine that people have decided about is told of however many others try.
    pub(crate) fn is_news(&mut self, stranger: Stranger, decided: bool, now: ExamMs) -> bool {
        let told = &mut self.told;
        told.retain(|_, (told_ms, _)| (0..AGAIN_MS).contains(&(now - *told_ms)));
        let undecided = told.values().filter(|(_, decided)| !decided).count();
        let place = decided || undecided < MOST_UNDECIDED;
        let news = place && !told.contains_key(&stranger);
        if news {
            told.insert(stranger, (now, decided));
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_unknown_keys_silence_no_known_machine() {
        let mut strangers = Strangers::default();
        let unknown = "upstream.unknown_device";
        let mut news =
            |key: u8, decided, now| strangers.is_news(([key; 32], unknown), decided, now);
        let told = (0..100).filter(|key| news(*key, false, 1)).count();
        assert_eq!(told, MOST_UNDECIDED);
        assert!(news(200, true, 2), "however many others try");
        assert!(!news(200, true, 3), "and not with every try");
        assert!(news(200, true, 2 + AGAIN_MS));
    }
}
