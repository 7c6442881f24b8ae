//! What happens at the station by the clock: people are locked out of a page that nobody touches, orders find the
//! decisions that wait for them, and a sitting whose bundles are all at the center is submitted.

use super::Station;
use super::snapshot::Snapshot;
use fengjuan_core::room::station::{Action, Actor, Step};

impl Station {
    /// To be called about four times a second.
    pub fn tick(&self) {
        self.idle_lock();
        self.end_lockouts();
        if self.look_again() {
            self.match_orders();
            self.submit_by_itself();
            let revision = self.state().revision;
            self.revision.send_replace(revision);
        }
    }

    fn submit_by_itself(&self) {
        let done: Vec<String> = {
            let mut state = self.state();
            let books = state.books.books.clone();
            let room = Snapshot::take(&self.hub, &books);
            let ended = books.iter().filter(|book| {
                let day = room.days.get(book.number());
                day.is_some_and(|day| day.step == Step::Ended && day.answering == 0)
            });
            ended
                .filter(|book| self.not_at_center(&mut state, &room, book) == 0)
                .map(|book| book.number().to_owned())
                .collect()
        };
        for sitting_no in done {
            self.by_itself(&Action::Submitted { sitting_no });
        }
    }

    pub(super) fn by_itself(&self, action: &Action) {
        if let Err(error) = self.hub.room().act(action, &Actor::system()) {
            tracing::debug!(code = error.code(), "not recorded now");
        }
    }
}
