//! Pictures for the page, from memory: registered photos of the people who are on a held roster.

use super::Station;
use fengjuan_core::event::Hash32;

/// The path of a registered photo, for the page's image protocol.
pub(super) fn photo_path(sitting_no: &str, ticket: &Hash32) -> String {
    format!("/photo/{sitting_no}/{}", ticket.hex())
}

impl Station {
    /// A picture by its path: its type and bytes. None for everything else, and before anybody has logged in.
    pub fn resource(&self, path: &str) -> Option<(&'static str, Vec<u8>)> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let rest = path.trim_start_matches('/').strip_prefix("photo/")?;
        let (sitting_no, ticket) = rest.split_once('/')?;
        let ticket = Hash32::from_hex(ticket)?;
        let book = {
            let state = self.state();
            let seen = state.desk.user.is_some() || state.desk.locked;
            seen.then(|| state.books.of(sitting_no).cloned())??
        };
        let one = book.by_hash(&ticket)?;
        let candidate = &one.candidate;
        let papers = self.hub.papers();
        let photo = papers.photo(&book.held, &candidate.class_no, candidate.photo);
        let photo = photo.inspect_err(|error| tracing::warn!(code = error.code(), "no photo"));
        let bytes = photo.ok()?.to_vec();
        Some((picture_type(&bytes)?, bytes))
    }
}

fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        _ => None,
    }
}
