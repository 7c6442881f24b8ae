//! Pictures for the page, from memory: registered photos of the people who are on a held roster, and what the cameras
//! saw of them last.

use super::Station;
use super::seats::Seat;
use super::snapshot::Snapshot;
use crate::hub::Hub;
use crate::view::seat::PanelPicture;
use fengjuan_core::event::Hash32;
use fengjuan_core::room::Device;
use std::collections::BTreeSet;

/// The path of a registered photo, for the page's image protocol.
pub(super) fn photo_path(sitting_no: &str, ticket: &Hash32) -> String {
    format!("/photo/{sitting_no}/{}", ticket.hex())
}

/// The path of a small picture.
fn seen_path(no: u64) -> String {
    format!("/seen/{no}")
}

/// What the cameras saw of whoever sits here, newest first: this seat's machine, and those that held the attempt.
pub(super) fn seen(hub: &Hub, room: &Snapshot, seat: &Seat<'_>) -> Vec<PanelPicture> {
    let Some(attempt) = seat.attempt() else {
        return Vec::new();
    };
    let mut machines: BTreeSet<Device> = seat.device.into_iter().collect();
    let known = room.attempts.get(&attempt);
    machines.extend(known.iter().flat_map(|known| known.chain.devices()));
    let shown = machines
        .iter()
        .flat_map(|device| hub.pictures().of(device, &attempt));
    let mut pictures: Vec<PanelPicture> = shown
        .map(|shown| PanelPicture {
            path: seen_path(shown.no),
            usage: shown.usage,
            taken_ms: shown.taken_ms,
            pattern: shown.pattern,
        })
        .collect();
    pictures.sort_by_key(|picture| std::cmp::Reverse(picture.taken_ms));
    pictures
}

impl Station {
    /// A picture by its path: its type and bytes. None for everything else, and before anybody has logged in.
    pub fn resource(&self, path: &str) -> Option<(&'static str, Vec<u8>)> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = path.trim_start_matches('/');
        if let Some(no) = path.strip_prefix("seen/") {
            let bytes = self.hub.pictures().jpeg(no.parse().ok()?)?;
            let may_see = self.may_see_pictures();
            return may_see.then_some((picture_type(&bytes)?, bytes));
        }
        let rest = path.strip_prefix("photo/")?;
        let (sitting_no, ticket) = rest.split_once('/')?;
        let ticket = Hash32::from_hex(ticket)?;
        let book = {
            let may_see = self.may_see_pictures();
            may_see.then(|| self.state().books.of(sitting_no).cloned())??
        };
        let one = book.by_hash(&ticket)?;
        let candidate = &one.candidate;
        let papers = self.hub.papers();
        let photo = papers.photo(&book.held, &candidate.class_no, candidate.photo);
        let photo = photo.inspect_err(|error| tracing::warn!(code = error.code(), "no photo"));
        let bytes = photo.ok()?.to_vec();
        Some((picture_type(&bytes)?, bytes))
    }

    /// Somebody has logged in, and the page is theirs or locked.
    fn may_see_pictures(&self) -> bool {
        let state = self.state();
        state.desk.user.is_some() || state.desk.locked
    }
}

fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        _ => None,
    }
}
