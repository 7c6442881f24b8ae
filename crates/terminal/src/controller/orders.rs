//! Orders (考试机构指令): what only the center decides. Each is carried out once, by its number.

use super::active::Active;
use super::day::{OrderedTime, Pending, SittingDay, Whom};
use super::state::State;
use fengjuan_core::attempt::Input;
use fengjuan_core::draw;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::plan::ExamMs;
use fengjuan_device::recorder::CENTER;
use fengjuan_device::refusal::{Answer, refused};
use fengjuan_wire::order::{CreditScope, Order, OrderKind};

impl State {
    /// Carries out a verified order; its receipt is recorded by whoever fetched it. `hash` is that of the signed bytes.
    ///
    /// # Errors
    /// Why it cannot be carried out; it may be tried again.
    pub(super) fn carry_out(&mut self, order: &Order, hash: Hash32) -> Answer {
        let now = self.now();
        let active_here = self
            .active
            .as_ref()
            .is_some_and(|active| active.sitting_no() == order.sitting_no);
        let mut day = match &self.active {
            Some(active) if active_here => active.day.clone(),
            _ => SittingDay::load(&self.reader, &order.sitting_no)?,
        };
        if day.orders.contains(&order.order_no) {
            return Ok(());
        }
        if done_before(&mut day, order, hash) {
            day.orders.push(order.order_no.clone());
            day.orders_seen.push(hash);
            let projection = day.put(&order.sitting_no)?;
            self.commit(fengjuan_store::Change::default().project(projection))?;
            if active_here && let Some(active) = &mut self.active {
                active.day = day;
            }
            return Ok(());
        };
        self.hold_seed_longer(order)?;
        let live = self.note_order(&mut day, order, hash, now);
        day.orders.push(order.order_no.clone());
        day.orders_seen.push(hash);
        let projection = day.put(&order.sitting_no)?;
        let postponed = match order.kind {
            OrderKind::Postpone { by_ms } => Some(by_ms),
            _ => None,
        };
        match (postponed, live) {
            (_, Some((ticket_no, input))) if active_here => {
                // The decision and the memory of it are one transaction, so that a stop between cannot credit twice.
                self.drive_with(CENTER, &ticket_no, input, now, vec![projection])?;
            }
            (Some(by_ms), _) => {
                let event = Event::Postponed {
                    sitting_no: order.sitting_no.clone(),
                    by_ms,
                    order: Some(hash),
                    decision: None,
                };
                self.record(CENTER, event, vec![projection])?;
            }
            _ => self.commit(fengjuan_store::Change::default().project(projection))?,
        }
        if active_here && let Some(active) = &mut self.active {
            active.day = day;
            take_over(active, order);
        }
        Ok(())
    }

    /// Writes the order into the day, and says what it means for the running attempt.
    fn note_order(
        &self,
        day: &mut SittingDay,
        order: &Order,
        hash: Hash32,
        now: ExamMs,
    ) -> Option<(String, Input)> {
        let ticket_hash = |ticket_no: &str| draw::ticket_hash(&order.sitting_no, ticket_no);
        let timed = |day: &mut SittingDay, ms: i64, whom: Whom| {
            day.ordered.push(OrderedTime {
                order: hash,
                ms,
                reason: order.reason.clone(),
                by: order.approved_by.clone(),
                whom,
                pending: false,
                also: Vec::new(),
            });
        };
        match &order.kind {
            OrderKind::LateEntry { ticket_no } => {
                day.late_allowed.push(ticket_hash(ticket_no));
                None
            }
            OrderKind::SubstituteStaff { staff } => {
                day.substitutes.push(staff.clone());
                None
            }
            // Two people at the site open it again; the order is what they may do it by.
            OrderKind::Reopen { .. } => None,
            OrderKind::Postpone { by_ms } => {
                day.postpone(*by_ms, now, |whom| OrderedTime {
                    order: hash,
                    ms: *by_ms,
                    reason: order.reason.clone(),
                    by: order.approved_by.clone(),
                    whom,
                    pending: false,
                    also: Vec::new(),
                });
                let input = Input::Postpone {
                    by_ms: *by_ms,
                    order: Some(hash),
                    decision: None,
                };
                self.run.as_ref().map(|run| (run.ticket_no.clone(), input))
            }
            OrderKind::Credit { scope, credit_ms } => {
                let whom = whom(scope, &order.sitting_no);
                timed(day, *credit_ms, whom.clone());
                let run = self.run.as_ref()?;
                let meant = match &whom {
                    Whom::Ticket(hash) => *hash == ticket_hash(&run.ticket_no),
                    Whom::ClassGroup(class_no) => *class_no == run.class.class_no,
                    Whom::Room | Whom::Postponed => true,
                };
                let input = Input::Credit {
                    credit_ms: *credit_ms,
                    by: order.approved_by.clone(),
                    reason: order.reason.clone(),
                    order: Some(hash),
                    decision: None,
                };
                meant.then(|| (run.ticket_no.clone(), input))
            }
        }
    }

    /// As `drive`, with changes of the small state in the transaction of the one event.
    pub(super) fn drive_with(
        &mut self,
        actor: &str,
        ticket_no: &str,
        input: Input,
        now: ExamMs,
        projections: Vec<fengjuan_store::Projection>,
    ) -> Answer {
        use fengjuan_core::attempt::Effect;
        let run = self
            .run
            .as_ref()
            .ok_or_else(|| refused("attempt.not_started"))?;
        let effects = run.attempt.propose(input, now)?;
        let events: Vec<Event> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Record(event) => Some(event.clone()),
                _ => None,
            })
            .collect();
        self.record_seat(actor, ticket_no, &events, now, projections)?;
        if let Some(run) = &mut self.run {
            for event in &events {
                run.attempt.commit(event, now)?;
            }
        }
        let rest = effects
            .into_iter()
            .filter(|effect| !matches!(effect, Effect::Record(_)));
        self.perform(actor, rest.collect(), now)
    }
}

fn whom(scope: &CreditScope, sitting_no: &str) -> Whom {
    match scope {
        CreditScope::Candidate { ticket_no } => {
            Whom::Ticket(draw::ticket_hash(sitting_no, ticket_no))
        }
        CreditScope::ClassGroup { class_no } => Whom::ClassGroup(class_no.clone()),
        CreditScope::Room {} => Whom::Room,
    }
}

/// Whether the station has done an order already, on its own word or on this order's.
fn done_before(day: &mut SittingDay, order: &Order, hash: Hash32) -> bool {
    if day.orders_seen.contains(&hash) {
        return true;
    }
    let (whom, ms) = match &order.kind {
        OrderKind::Postpone { by_ms } => (Whom::Postponed, *by_ms),
        OrderKind::Credit { scope, credit_ms } => (whom(scope, &order.sitting_no), *credit_ms),
        _ => return false,
    };
    let cause = hash;
    !day.note_order(Pending { whom, ms, cause })
}

/// The seats follow the order.
fn take_over(active: &mut Active, order: &Order) {
    match &order.kind {
        OrderKind::LateEntry { ticket_no } => {
            if let Some(seat) = active.seats.get_mut(ticket_no) {
                seat.allow_late();
            }
        }
        OrderKind::Postpone { by_ms } => {
            for seat in active.seats.values_mut() {
                seat.postpone(*by_ms);
            }
        }
        _ => {}
    }
}
