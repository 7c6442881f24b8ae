//! A terminal obeys.

use super::Terminal;
use crate::network::Message;
use crate::plan::{attempt_id, device};
use crate::world::SITTING;
use fengjuan_core::attempt::{AttemptState, Input};
use fengjuan_core::event::{Event, Hash32};
use fengjuan_core::room::command::{Command, CommandBody, Scope};
use fengjuan_core::room::lease::CarryPoint;
use fengjuan_core::room::post::{Acknowledgement, Incoming, Numbered};

impl Terminal {
    pub(super) fn command(&mut self, hub: usize, one: &Numbered, now: i64) -> Option<Message> {
        let program = self.program.as_ref()?;
        if program.epoch.station() != Some(device(100 + hub)) {
            return None;
        }
        let id = one.command.command_id;
        let how = match program.inbox.look(one.epoch, one.no, &id) {
            // Nothing about an attempt before all of it is here.
            Incoming::Next if program.wants.is_some() && !is_lease(&one.command.body) => {
                return None;
            }
            Incoming::Next => {
                let (events, refusal) = match self.obey(&one.command, now) {
                    Ok(events) => (events, None),
                    Err(code) => (Vec::new(), Some(code.to_owned())),
                };
                self.take(one, events, refusal, now)
            }
            Incoming::Known { refusal } => self.take(one, Vec::new(), refusal, now),
            Incoming::Again(how) => how,
            Incoming::AskFrom { .. } | Incoming::Stale { .. } | Incoming::Unraised { .. } => {
                return None;
            }
        };
        Some(Message::Acknowledge {
            terminal: self.no,
            how,
        })
    }

    fn take(
        &mut self,
        one: &Numbered,
        events: Vec<Event>,
        refusal: Option<String>,
        now: i64,
    ) -> Acknowledgement {
        let taken = Event::CommandTaken {
            epoch: one.epoch,
            no: one.no,
            command_id: one.command.command_id,
            command: Hash32([3; 32]),
            refusal: refusal.clone(),
        };
        let about_lease = is_lease(&one.command.body);
        if about_lease && !events.is_empty() {
            let attempt = one.command.body.attempt();
            self.write(attempt, events, now);
            self.write(None, vec![taken], now);
            let program = self.program.as_mut().unwrap();
            if attempt == program.sits.map(attempt_id) {
                program.attempt = None;
            }
        } else {
            let about_attempt = self.about_attempt(&one.command.body);
            self.carry_out(events, Some((about_attempt, taken)), now);
        }
        Acknowledgement {
            epoch: one.epoch,
            no: one.no,
            refusal,
        }
    }

    fn about_attempt(&self, body: &CommandBody) -> bool {
        let program = self.program.as_ref().unwrap();
        let Some(attempt) = program.sits.map(attempt_id) else {
            return false;
        };
        let fence = program.fences.get(&attempt).copied().unwrap_or_default();
        let concerned = body.attempt().is_none_or(|one| one == attempt);
        body.goes_along() && concerned && fence.may_write().is_ok()
    }

    /// The events that a command means here.
    fn obey(&mut self, command: &Command, now: i64) -> Result<Vec<Event>, &'static str> {
        let (staff_id, reason) = (command.by.clone(), format!("{:?}", command.command_id));
        let program = self.program.as_ref().unwrap();
        let here = program.sits.map(attempt_id);
        let about = command.body.attempt();
        if !is_lease(&command.body) && about.is_some() && about != here {
            return Err("lease.none");
        }
        let input = match &command.body {
            CommandBody::Start {
                sitting_no,
                planned_ms,
                at_ms,
            } => {
                return Ok(vec![Event::SittingStarted {
                    sitting_no: sitting_no.clone(),
                    staff_id,
                    planned_ms: *planned_ms,
                    started_ms: *at_ms,
                }]);
            }
            body if is_lease(body) => return self.obey_lease(body),
            CommandBody::Credit {
                scope, credit_ms, ..
            } => {
                if !scope.is_one() && !self.concerned(scope) {
                    return Ok(Vec::new());
                }
                Input::Credit {
                    credit_ms: *credit_ms,
                    by: staff_id,
                    reason,
                    order: None,
                }
            }
            CommandBody::Suspend { .. } => Input::StaffSuspend { staff_id, reason },
            CommandBody::Resume { .. } => Input::StaffResume { staff_id },
            CommandBody::ForceHandIn { .. } => Input::ForceHandIn { staff_id, reason },
            CommandBody::DecideOutage {
                outage_no,
                credit_ms,
                cause,
                ..
            } => Input::OutageDecided {
                outage_no: *outage_no,
                credit_ms: *credit_ms,
                cause: *cause,
                staff_id,
                reason,
            },
            CommandBody::End { .. } if !self.may_write() => return Ok(Vec::new()),
            CommandBody::End { .. } => Input::ForceHandIn { staff_id, reason },
            _ => return Ok(Vec::new()),
        };
        let events = self.means(input, now);
        let everybody = matches!(command.body, CommandBody::End { .. });
        if everybody {
            Ok(events.unwrap_or_default())
        } else {
            events
        }
    }

    fn obey_lease(&self, body: &CommandBody) -> Result<Vec<Event>, &'static str> {
        let program = self.program.as_ref().unwrap();
        let fence = |attempt| program.fences.get(&attempt).copied().unwrap_or_default();
        match body {
            CommandBody::Lease {
                attempt,
                lease,
                carry,
            }
            | CommandBody::Unfence {
                attempt,
                lease,
                carry,
            } => {
                if self.taken_by_another(attempt) {
                    return Err("lease.machine_taken");
                }
                if fence(*attempt).may_take(*lease) {
                    Ok(vec![lease_taken(*attempt, *lease, carry)])
                } else {
                    Err("lease.stale")
                }
            }
            CommandBody::Fence {
                attempt,
                lease,
                holder,
            } => {
                let fenced = Event::Fenced {
                    attempt: *attempt,
                    lease: *lease,
                    holder: *holder,
                };
                let news = fence(*attempt).may_fence(*lease);
                Ok(if news { vec![fenced] } else { Vec::new() })
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Somebody else sits here whose attempt goes on.
    fn taken_by_another(&self, attempt: &[u8; 16]) -> bool {
        let program = self.program.as_ref().unwrap();
        let other = program
            .sits
            .map(attempt_id)
            .filter(|other| other != attempt);
        let fence = other.and_then(|other| program.fences.get(&other));
        let over = program
            .attempt
            .as_ref()
            .is_some_and(|attempt| matches!(attempt.state(), AttemptState::HandedIn { .. }));
        fence.is_some_and(|fence| fence.may_write().is_ok()) && !over
    }

    /// A decision for many concerns whoever answers here.
    fn concerned(&self, scope: &Scope) -> bool {
        let program = self.program.as_ref().unwrap();
        let Some(candidate) = program.sits.filter(|_| self.may_write()) else {
            return false;
        };
        let answering = program
            .attempt
            .as_ref()
            .is_some_and(|attempt| !matches!(attempt.state(), AttemptState::HandedIn { .. }));
        answering && scope.holds(&attempt_id(candidate), SITTING, "C")
    }
}

fn is_lease(body: &CommandBody) -> bool {
    matches!(
        body,
        CommandBody::Lease { .. } | CommandBody::Unfence { .. } | CommandBody::Fence { .. }
    )
}

fn lease_taken(attempt: [u8; 16], lease: u64, carry: &[CarryPoint]) -> Event {
    Event::LeaseTaken {
        attempt,
        lease,
        carry: carry.to_vec(),
    }
}
