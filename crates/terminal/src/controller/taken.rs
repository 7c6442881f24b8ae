//! Commands as an attempt's history tells them: which are written under its header, and which are known again where it
//! goes on.

use super::moved::damaged;
use super::owed::LOCKED;
use super::state::State;
use fengjuan_core::event::Event;
use fengjuan_core::room::command::CommandBody;
use fengjuan_core::room::lease::AttemptId;
use fengjuan_store::{StoreError, StoredEntry};
use fengjuan_wire::entry::Entry;

const TAKEN: &str = "app.command_taken";

/// A command that an entry of an attempt shows as taken.
struct TakenHere {
    leaf: [u8; 32],
    command_id: [u8; 16],
    refusal: Option<String>,
}

fn taken_in(entries: &[StoredEntry]) -> Result<Vec<TakenHere>, StoreError> {
    let mut found = Vec::new();
    for stored in entries.iter().filter(|stored| stored.kind == TAKEN) {
        let entry = Entry::decode(&stored.bytes).map_err(|error| damaged(&error))?;
        let event = entry.event(None).map_err(|error| damaged(&error))?;
        if let Event::CommandTaken {
            command_id,
            refusal,
            ..
        } = event
        {
            found.push(TakenHere {
                leaf: stored.leaf,
                command_id,
                refusal,
            });
        }
    }
    Ok(found)
}

impl State {
    /// The attempt, with its lease, under which it is written that this command was taken; none where its history does
    /// not have it.
    pub(super) fn written_under(
        &self,
        body: &CommandBody,
        refusal: Option<&str>,
    ) -> Option<(AttemptId, u64)> {
        let visit = self.visit.as_ref()?;
        let seat = self.active.as_ref()?.seats.get(&visit.ticket_no)?;
        // What waits for the papers here, and time that is kept for later, has not happened to the attempt yet.
        let waits = refusal == Some(LOCKED);
        let given = matches!(body, CommandBody::Credit { .. }) && refusal.is_none();
        let kept = given && self.run.is_none();
        let under = !waits && !kept && body.is_written_under(&seat.attempt_id, seat.fence());
        under.then(|| (seat.attempt_id, seat.lease()))
    }

    /// An attempt goes on here: the inbox knows what its history knows, and no more. `own`: this ledger's entries of it.
    pub(super) fn know_again(
        &mut self,
        own: &[StoredEntry],
        history: &[StoredEntry],
    ) -> Result<(), StoreError> {
        let (here, all) = (taken_in(own)?, taken_in(history)?);
        let carried = |one: &&TakenHere| all.iter().any(|known| known.leaf == one.leaf);
        let beyond = here.iter().filter(|one| !carried(one));
        let beyond: Vec<[u8; 16]> = beyond.map(|one| one.command_id).collect();
        let taken = all.into_iter().map(|one| (one.command_id, one.refusal));
        self.post.inbox.go_on(beyond, taken);
        Ok(())
    }
}
