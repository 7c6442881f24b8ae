//! What the terminals' cameras saw last, small: for the station's page, in memory alone, and gone with the sitting. The
//! pictures themselves pass through here sealed.

use crate::core::Core;
use fengjuan_core::event::PictureUse;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::Device;
use fengjuan_core::room::lease::AttemptId;
use fengjuan_wire::room::SmallPicture;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Snapshots of one machine, beside the check-in picture.
const SNAPSHOTS: usize = 6;

/// The last pictures of each machine, of one attempt at a time: a machine that says more than it should displaces
/// nothing but its own.
#[derive(Default)]
pub(crate) struct Pictures {
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    last_no: u64,
    strips: BTreeMap<Device, VecDeque<Kept>>,
}

struct Kept {
    no: u64,
    attempt: AttemptId,
    picture: SmallPicture,
}

/// A picture without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub no: u64,
    pub usage: PictureUse,
    pub taken_ms: ExamMs,
    pub pattern: bool,
}

/// A terminal says what its camera saw. False where no terminal of this system says such a thing; what comes after its
/// sitting is of no use to anybody, and is not kept.
pub(crate) fn take(core: &Core, device: Device, picture: SmallPicture) -> bool {
    let attempt = AttemptId::try_from(picture.attempt_id.as_slice());
    let (true, Ok(attempt)) = (picture.is_sound(), attempt) else {
        return false;
    };
    let shown = crate::hub::shows_pictures(core, &picture.sitting_no);
    if shown && core.pictures.take(device, attempt, picture) {
        core.room.touch();
    }
    true
}

impl Pictures {
    /// Keeps a sound picture; false where it is held already.
    pub fn take(&self, device: Device, attempt: AttemptId, picture: SmallPicture) -> bool {
        let mut all = self.all();
        let no = all.last_no + 1;
        let strip = all.strips.entry(device).or_default();
        strip.retain(|kept| kept.attempt == attempt);
        let of_use = |kept: &Kept| kept.picture.usage == picture.usage;
        let known = |kept: &Kept| of_use(kept) && kept.picture.taken_ms == picture.taken_ms;
        if strip.iter().any(known) {
            return false;
        }
        let most = match picture.usage {
            PictureUse::CheckIn => 1,
            PictureUse::Snapshot => SNAPSHOTS,
        };
        if strip.iter().filter(|kept| of_use(kept)).count() >= most {
            let oldest = strip.iter().position(of_use);
            oldest.and_then(|at| strip.remove(at));
        }
        strip.push_back(Kept {
            no,
            attempt,
            picture,
        });
        all.last_no = no;
        true
    }

    /// What this machine saw of an attempt, newest first.
    pub fn of(&self, device: &Device, attempt: &AttemptId) -> Vec<Shown> {
        let all = self.all();
        let kept = all.strips.get(device).into_iter().flatten().rev();
        let of_attempt = kept.filter(|kept| kept.attempt == *attempt);
        of_attempt
            .map(|kept| Shown {
                no: kept.no,
                usage: kept.picture.usage,
                taken_ms: kept.picture.taken_ms,
                pattern: kept.picture.pattern,
            })
            .collect()
    }

    pub fn jpeg(&self, no: u64) -> Option<Vec<u8>> {
        let all = self.all();
        let mut kept = all.strips.values().flatten();
        let found = kept.find(|kept| kept.no == no)?;
        Some(found.picture.jpeg.clone())
    }

    /// Forgets the pictures of every other sitting.
    pub fn keep(&self, goes_on: impl Fn(&str) -> bool) {
        let mut all = self.all();
        for strip in all.strips.values_mut() {
            strip.retain(|kept| goes_on(&kept.picture.sitting_no));
        }
        all.strips.retain(|_, strip| !strip.is_empty());
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fengjuan_core::event::Hash32;

    fn picture(sitting_no: &str, usage: PictureUse, taken_ms: i64) -> SmallPicture {
        SmallPicture {
            sitting_no: sitting_no.to_owned(),
            attempt_id: Vec::new(),
            usage,
            taken_ms,
            pattern: false,
            jpeg: vec![taken_ms as u8],
        }
    }

    #[test]
    fn the_last_ones_of_each_machine_are_kept_until_their_sitting_is_over() {
        let pictures = Pictures::default();
        let (one, other) = (Hash32([1; 32]), Hash32([2; 32]));
        let (first, second) = ([1; 16], [2; 16]);
        assert!(pictures.take(one, first, picture("K1", PictureUse::CheckIn, 1)));
        for at in 2..10 {
            assert!(pictures.take(one, first, picture("K1", PictureUse::Snapshot, at)));
        }
        let times = |device, attempt| -> Vec<i64> {
            let shown = pictures.of(device, attempt);
            shown.iter().map(|shown| shown.taken_ms).collect()
        };
        assert_eq!(times(&one, &first), [9, 8, 7, 6, 5, 4, 1]);
        let again = pictures.take(one, first, picture("K1", PictureUse::Snapshot, 9));
        assert!(!again, "said again after a lost connection");
        assert_eq!(times(&one, &first).len(), 7);
        // Another machine's word for the same attempt is kept apart.
        assert!(pictures.take(other, first, picture("K1", PictureUse::Snapshot, 99)));
        assert_eq!(
            (times(&one, &first)[0], times(&other, &first)),
            (9, vec![99])
        );
        let newest = pictures.of(&one, &first)[0];
        assert_eq!(pictures.jpeg(newest.no), Some(vec![9]));
        // Somebody else sits here now.
        assert!(pictures.take(one, second, picture("K2", PictureUse::CheckIn, 20)));
        assert!(times(&one, &first).is_empty() && pictures.jpeg(newest.no).is_none());
        pictures.keep(|sitting_no| sitting_no == "K2");
        assert_eq!(
            (times(&one, &second), times(&other, &first)),
            (vec![20], vec![])
        );
        pictures.keep(|_| false);
        assert!(pictures.all().strips.is_empty());
    }
}
