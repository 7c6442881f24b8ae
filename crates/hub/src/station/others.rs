//! The other stations of the room, and how well one follows the other.

use super::Station;
use crate::peers::PeerStands;
use crate::view::{CopyState, OtherStation};
use fengjuan_core::room::follow::Follows;

/// Seconds are told in these steps: a page that changes every second is not read.
const STEP_S: i64 = 5;

impl Station {
    /// Where this one commands, who follows it; else, whom it follows.
    pub(super) fn others(&self, commanding: bool) -> Vec<OtherStation> {
        let boot_ms = self.boot_ms();
        let stands = self.hub.peers().stand(boot_ms).into_iter();
        let other = |peer: PeerStands| {
            let follows = if commanding {
                peer.follower
            } else {
                peer.leader
            };
            let (copy, behind_ms, since_ms) = match follows {
                Follows::Never => return None,
                Follows::Current => (CopyState::Current, 0, None),
                Follows::Behind { ms } => (CopyState::Behind, ms, None),
                Follows::Lost { since_ms } => {
                    let ago_ms = boot_ms.saturating_sub(since_ms);
                    (CopyState::Lost, 0, Some(self.now() - ago_ms))
                }
            };
            let steps = behind_ms.saturating_add(STEP_S * 1000 - 1) / (STEP_S * 1000);
            Some(OtherStation {
                hub_name: peer.hub_name,
                commands: peer.epoch.is_some(),
                copy,
                behind_s: u32::try_from(steps * STEP_S).unwrap_or(u32::MAX),
                // A moment of the exam clock, to the second: the two clocks drift by milliseconds.
                since_ms: since_ms.map(|ms| ms - ms.rem_euclid(1000)),
            })
        };
        stands.filter_map(other).collect()
    }
}
