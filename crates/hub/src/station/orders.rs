//! Orders of the center find the decisions that wait for them, and a decision whose order is here already stands on it.

use super::Station;
use super::books::Books;
use fengjuan_core::draw;
use fengjuan_core::event::Hash32;
use fengjuan_core::room::command::{Authority, CommandBody, Scope};
use fengjuan_core::room::lease::AttemptId;
use fengjuan_core::room::rules::Deed;
use fengjuan_core::room::station::{Action, Awaited, Station as RoomStation};
use fengjuan_wire::order::{CreditScope, Order, OrderKind};

impl Station {
    pub(super) fn match_orders(&self) {
        let (found, postponed): (Option<(u64, Hash32)>, Option<Action>) = {
            let mut state = self.state();
            state.refresh(&self.hub);
            let orders = state.books.orders.clone();
            self.hub.room().read(|station| {
                // One order answers one decision: of two that wait for it the other waits on.
                let found = station.awaited().find_map(|(awaited_no, awaited)| {
                    let fits = orders.iter().find(|received| {
                        answers(&received.order, awaited) && !station.is_spoken_for(&received.hash)
                    })?;
                    Some((*awaited_no, fits.hash))
                });
                // The terminals carry the others out by themselves; the station must know when the sitting starts.
                let postponed = orders.iter().find_map(|received| {
                    let order = &received.order;
                    let OrderKind::Postpone { by_ms } = order.kind else {
                        return None;
                    };
                    let track = station.track(&order.sitting_no);
                    let ahead = track.held.is_some() && track.started.is_none() && !track.ended;
                    (ahead && !station.is_spoken_for(&received.hash)).then(|| Action::Ordered {
                        sitting_no: order.sitting_no.clone(),
                        by_ms,
                        order: received.hash,
                    })
                });
                let postponed = postponed.filter(|_| found.is_none());
                (found, postponed)
            })
        };
        if let Some(action) = postponed {
            self.by_itself(&action);
        }
        if let Some((awaited_no, order)) = found {
            self.by_itself(&Action::OrderArrived { awaited_no, order });
        }
    }
}

/// What would stand as pending stands on its order, where exactly that was ordered already. The terminals know the order
/// by its hash, and what they have done on it they do not do again.
pub(super) fn on_order(books: &Books, station: &RoomStation, action: Action) -> Action {
    let order = |about: &dyn Fn(&Order) -> bool| {
        let mut held = books.orders.iter();
        let held =
            held.find(|received| about(&received.order) && !station.is_spoken_for(&received.hash))?;
        Some(Authority::Order { order: held.hash })
    };
    match action {
        Action::Postpone {
            sitting_no,
            by_ms,
            authority,
        } if authority.is_pending() => {
            let same = |order: &Order| {
                order.sitting_no == sitting_no && order.kind == OrderKind::Postpone { by_ms }
            };
            let authority = order(&same).unwrap_or(authority);
            Action::Postpone {
                sitting_no,
                by_ms,
                authority,
            }
        }
        Action::Tell { mut body } => {
            let found = order(&|order| orders_this(order, &body));
            if let Some(authority) = body.authority_mut().filter(|now| now.is_pending())
                && let Some(found) = found
            {
                *authority = found;
            }
            Action::Tell { body }
        }
        other => other,
    }
}

fn orders_this(order: &Order, body: &CommandBody) -> bool {
    let sitting = &order.sitting_no;
    match (&order.kind, body) {
        (OrderKind::LateEntry { ticket_no }, CommandBody::LateEntry { ticket_hash, .. }) => {
            draw::ticket_hash(sitting, ticket_no) == *ticket_hash
        }
        (OrderKind::Reopen { ticket_no }, CommandBody::Reopen { attempt, .. }) => {
            is_attempt_of(sitting, ticket_no, attempt)
        }
        (
            OrderKind::Credit {
                scope: ordered,
                credit_ms: ordered_ms,
            },
            CommandBody::Credit {
                scope, credit_ms, ..
            },
        ) => ordered_ms == credit_ms && same_scope(sitting, ordered, scope),
        _ => false,
    }
}

fn same_scope(sitting: &str, ordered: &CreditScope, scope: &Scope) -> bool {
    match (ordered, scope) {
        (CreditScope::Room {}, Scope::Room { sitting_no }) => sitting_no == sitting,
        (
            CreditScope::ClassGroup { class_no: ordered },
            Scope::ClassGroup {
                sitting_no,
                class_no,
            },
        ) => sitting_no == sitting && class_no == ordered,
        (CreditScope::Candidate { ticket_no }, Scope::Attempt { attempt }) => {
            is_attempt_of(sitting, ticket_no, attempt)
        }
        _ => false,
    }
}

/// Which try it was is not in an order; a candidate has one attempt in a sitting.
fn is_attempt_of(sitting: &str, ticket_no: &str, attempt: &AttemptId) -> bool {
    let tries = 1..=9;
    tries
        .map(|no| draw::attempt_id(sitting, ticket_no, no))
        .any(|id| id == *attempt)
}

/// Whether this order of the center is about the decision that waits.
fn answers(order: &Order, awaited: &Awaited) -> bool {
    let ordered_ms = match order.kind {
        OrderKind::Postpone { by_ms } => Some(by_ms),
        OrderKind::Credit { credit_ms, .. } => Some(credit_ms),
        _ => None,
    };
    // Another amount is another decision.
    if awaited.ms.is_some() && awaited.ms != ordered_ms {
        return false;
    }
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
        (OrderKind::Reopen { ticket_no }, Deed::Reopen) => {
            let attempts = (1..=9).map(|no| draw::attempt_id(&order.sitting_no, ticket_no, no));
            let mut concerns = attempts.map(|id| format!("attempt:{}", hex(&id)));
            return concerns.any(|concern| concern == awaited.concern);
        }
        _ => return false,
    };
    concern == awaited.concern
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
