//! What the camera last saw of whoever sits here, small, for the station's page: in memory alone, and of one attempt at
//! a time.

use super::state::State;
use super::terminal::Terminal;
use fengjuan_core::event::PictureUse;
use fengjuan_wire::room::SmallPicture;
use std::collections::VecDeque;

/// Snapshots that are kept, beside the check-in picture.
const SNAPSHOTS: usize = 6;

/// Numbered from 1 as they are taken, in that order.
#[derive(Default)]
pub(crate) struct SmallPictures {
    last_no: u64,
    kept: VecDeque<(u64, SmallPicture)>,
}

impl SmallPictures {
    pub fn add(&mut self, picture: SmallPicture) {
        let of_other = |kept: &SmallPicture| kept.attempt_id != picture.attempt_id;
        self.kept.retain(|(_, kept)| !of_other(kept));
        let most = match picture.usage {
            PictureUse::CheckIn => 1,
            PictureUse::Snapshot => SNAPSHOTS,
        };
        let of_use = |kept: &&(u64, SmallPicture)| kept.1.usage == picture.usage;
        if self.kept.iter().filter(of_use).count() >= most {
            let oldest = self.kept.iter().position(|kept| of_use(&kept));
            oldest.and_then(|at| self.kept.remove(at));
        }
        self.last_no += 1;
        self.kept.push_back((self.last_no, picture));
    }

    fn after(&self, no: u64) -> Vec<(u64, SmallPicture)> {
        let later = self.kept.iter().filter(|(kept, _)| *kept > no);
        later.cloned().collect()
    }
}

impl State {
    /// Forgets what is of nobody who sits here now.
    fn forget_small_pictures(&mut self) {
        let here = self.visit.as_ref().and_then(|visit| {
            let seat = self.active.as_ref()?.seats.get(&visit.ticket_no)?;
            Some(seat.attempt_id.to_vec())
        });
        let pictures = &mut self.small.kept;
        pictures.retain(|(_, kept)| Some(&kept.attempt_id) == here.as_ref());
    }
}

impl Terminal {
    /// Small pictures of whoever sits here, after the one with this number.
    pub fn small_pictures(&self, after: u64) -> Vec<(u64, SmallPicture)> {
        self.change_quietly(|state| {
            state.forget_small_pictures();
            state.small.after(after)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(attempt: u8, usage: PictureUse, taken_ms: i64) -> SmallPicture {
        SmallPicture {
            sitting_no: "K1".to_owned(),
            attempt_id: vec![attempt; 16],
            usage,
            taken_ms,
            pattern: false,
            jpeg: Vec::new(),
        }
    }

    #[test]
    fn the_last_of_each_use_are_kept_and_only_of_one_attempt() {
        let mut small = SmallPictures::default();
        small.add(picture(1, PictureUse::CheckIn, 1));
        small.add(picture(1, PictureUse::CheckIn, 2));
        for at in 3..12 {
            small.add(picture(1, PictureUse::Snapshot, at));
        }
        let times = |small: &SmallPictures, after| -> Vec<i64> {
            let kept = small.after(after);
            kept.iter().map(|(_, kept)| kept.taken_ms).collect()
        };
        assert_eq!(times(&small, 0), [2, 6, 7, 8, 9, 10, 11]);
        assert_eq!(times(&small, 9), [10, 11], "numbers are never given twice");
        small.add(picture(2, PictureUse::CheckIn, 20));
        assert_eq!(times(&small, 0), [20]);
    }
}
