//! What happens at the station by the clock: people are locked out of a page that nobody touches, orders find the
//! decisions that wait for them, and a sitting whose bundles are all at the center is submitted.

use super::Station;
use super::snapshot::Snapshot;
use fengjuan_core::draw;
use fengjuan_core::event::Hash32;
use fengjuan_core::room::rules::Deed;
use fengjuan_core::room::station::{Action, Actor, Awaited, Step};
use fengjuan_wire::order::{CreditScope, Order, OrderKind};

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

    fn match_orders(&self) {
        let found: Vec<(u64, Hash32)> = {
            let mut state = self.state();
            state.refresh(&self.hub);
            let (orders, matched) = (state.books.orders.clone(), &state.log.matched);
            self.hub.room().read(|station| {
                let waits = station.awaited().filter_map(|(awaited_no, awaited)| {
                    let fits = orders.iter().find(|received| {
                        !matched.contains(&received.hash) && answers(&received.order, awaited)
                    })?;
                    Some((*awaited_no, fits.hash))
                });
                // One order answers one decision: of two that wait for it the other waits on.
                waits.take(1).collect()
            })
        };
        for (awaited_no, order) in found {
            self.by_itself(&Action::OrderArrived { awaited_no, order });
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

    fn by_itself(&self, action: &Action) {
        if let Err(error) = self.hub.room().act(action, &Actor::system()) {
            tracing::debug!(code = error.code(), "not recorded now");
        }
    }
}

/// Whether this order of the center is about the decision that waits.
fn answers(order: &Order, awaited: &Awaited) -> bool {
    let room = format!("room:{}", order.sitting_no);
    let concern = match (&order.kind, awaited.deed) {
        (OrderKind::Postpone { .. }, Deed::Postpone) => room,
        (OrderKind::Credit { scope, .. }, Deed::CreditMany) => match scope {
            CreditScope::Room {} => room,
            CreditScope::ClassGroup { class_no } => {
                format!("class:{}/{class_no}", order.sitting_no)
            }
            CreditScope::Candidate { .. } => return false,
        },
        (OrderKind::LateEntry { ticket_no }, Deed::LateEntry) => {
            let ticket = draw::ticket_hash(&order.sitting_no, ticket_no);
            format!("ticket:{}", ticket.hex())
        }
        // Which try it was is not in the order; a candidate has one attempt in a sitting.
        (OrderKind::Reopen { ticket_no }, Deed::Reopen) => {
            let attempts = (1..=9).map(|no| draw::attempt_id(&order.sitting_no, ticket_no, no));
            let concerns = attempts.map(|id| format!("attempt:{}", hex(&id)));
            return concerns
                .into_iter()
                .any(|concern| concern == awaited.concern);
        }
        _ => return false,
    };
    concern == awaited.concern
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
