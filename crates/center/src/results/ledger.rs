//! A bundle against the ledger: its entries are whole, are the attempt's, are those that the device replicated, and
//! stand under its signed checkpoint.

use super::incoming::Received;
use super::{Anomaly, Desk};
use crate::CenterError;
use fengjuan_core::event::Event;
use fengjuan_core::plan::ExamMs;
use fengjuan_envelope::merkle::{self, Frontier};
use fengjuan_envelope::note;
use fengjuan_envelope::secret::SecretKey;
use fengjuan_store::replica::Replica;
use fengjuan_store::{LedgerReader, StoreError};
use fengjuan_wire::entry::{Entry, attempt_key};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// One readable entry of an attempt.
pub(super) struct Recorded {
    pub event: Event,
    pub exam_ms: Option<ExamMs>,
}

/// An entry's place and leaf: known even where its body cannot be read.
pub(super) type Leaf = (u64, merkle::Hash);

impl Desk<'_> {
    /// The attempt's events in order, with everything reported that does not fit.
    pub(super) fn check_ledger(
        &mut self,
        received: &Received,
    ) -> Result<Vec<Recorded>, CenterError> {
        let carried = self.check_carried(received)?;
        let (events, leaves) = self.decode(received, &carried);
        self.check_lease(received)?;
        let covered = self.check_checkpoint(received, leaves.last().map(|(seq, _)| *seq));
        self.compare_with_replica(received, &leaves, covered)?;
        Ok(events)
    }

    pub(super) fn severe(
        &mut self,
        received: &Received,
        code: &'static str,
        detail: impl Into<String>,
    ) {
        let anomaly = Anomaly::severe(code)
            .ticket(&received.bundle.ticket_no)
            .device(&received.device.name);
        self.report(anomaly.detail(detail));
    }

    pub(super) fn note(
        &mut self,
        received: &Received,
        code: &'static str,
        detail: impl Into<String>,
    ) {
        let anomaly = Anomaly::note(code)
            .ticket(&received.bundle.ticket_no)
            .device(&received.device.name);
        self.report(anomaly.detail(detail));
    }

    /// The events that are part of the attempt, in its order, and the leaves of the bundle's own ledger.
    fn decode(&mut self, received: &Received, carried: &[Vec<u8>]) -> (Vec<Recorded>, Vec<Leaf>) {
        let bundle = &received.bundle;
        let key = self.attempt_key(received);
        let chain = self.chain_of(received);
        let mut events: BTreeMap<(u64, u64), Recorded> = BTreeMap::new();
        for bytes in carried {
            let Ok(entry) = Entry::decode(bytes) else {
                continue;
            };
            let chain = chain.as_ref();
            let place =
                chain.and_then(|chain| chain.place(entry.lease, &entry.ledger_id, entry.seq));
            match (place, entry.event(key.as_ref())) {
                (Some(place), Ok(event)) => {
                    let exam_ms = entry.exam_ms;
                    events.insert(place, Recorded { event, exam_ms });
                }
                (Some(_), Err(_)) => self.severe(received, "results.entry_damaged", ""),
                (None, _) => {}
            }
        }
        let mut leaves: Vec<Leaf> = Vec::new();
        for (place, bytes) in bundle.entries.iter().enumerate() {
            let Ok(entry) = Entry::decode(bytes) else {
                self.severe(received, "results.entry_damaged", format!("{place}"));
                continue;
            };
            let own = entry.ledger_id.as_slice() == bundle.ledger_id
                && entry
                    .attempt
                    .is_some_and(|id| id.as_slice() == bundle.attempt_id);
            if !own {
                self.severe(received, "results.entry_foreign", format!("{place}"));
                continue;
            }
            let in_order = leaves.last().is_none_or(|(before, _)| *before < entry.seq);
            if entry.attempt_seq != place as u64 || !in_order {
                self.severe(received, "results.entries_gap", format!("{place}"));
            }
            leaves.push((entry.seq, merkle::leaf_hash(bytes)));
            // Where the leases make no chain, the whole ledger is looked at: a person has to judge it anyway.
            let counted = match &chain {
                Some(chain) => chain.place(entry.lease, &entry.ledger_id, entry.seq),
                None => Some((entry.lease, entry.seq)),
            };
            match (counted, entry.event(key.as_ref())) {
                (Some(at), Ok(event)) => {
                    let exam_ms = entry.exam_ms;
                    events.insert(at, Recorded { event, exam_ms });
                }
                (_, Err(_)) => self.severe(received, "results.entry_damaged", format!("{place}")),
                (None, _) => {}
            }
        }
        (events.into_values().collect(), leaves)
    }

    fn attempt_key(&self, received: &Received) -> Option<SecretKey> {
        let bundle = &received.bundle;
        let package = self
            .books
            .version(bundle.version)?
            .packages
            .get(&bundle.class_no)?;
        let id: [u8; 16] = bundle.attempt_id.as_slice().try_into().ok()?;
        Some(attempt_key(
            &SecretKey::from_bytes(package.keys.paper_key),
            &id,
        ))
    }

    /// The size and root that the device signed.
    fn check_checkpoint(
        &mut self,
        received: &Received,
        last: Option<u64>,
    ) -> Option<(u64, merkle::Hash)> {
        let directory = self.home.directory();
        let ledger_id: [u8; 16] = received.bundle.ledger_id.as_slice().try_into().ok()?;
        let origin = directory.ledger_origin(&ledger_id);
        let witness_name = directory.witness_name();
        let witness = Some((witness_name.as_str(), &directory.witness));
        let verified = note::verify(
            &received.bundle.checkpoint,
            &origin,
            &received.device.sign,
            witness,
        );
        let verified = verified
            .ok()
            .filter(|verified| verified.checkpoint.origin == origin);
        let Some(verified) = verified else {
            self.severe(received, "results.checkpoint", "");
            return None;
        };
        let size = verified.checkpoint.size;
        if last.is_some_and(|last| last >= size) {
            self.severe(received, "results.checkpoint_short", format!("{size}"));
        }
        Some((size, verified.checkpoint.root))
    }

    fn compare_with_replica(
        &mut self,
        received: &Received,
        found: &[Leaf],
        covered: Option<(u64, merkle::Hash)>,
    ) -> Result<(), CenterError> {
        let Ok(ledger_id) = <[u8; 16]>::try_from(received.bundle.ledger_id.as_slice()) else {
            return Ok(());
        };
        let Ok(attempt_id) = <[u8; 16]>::try_from(received.bundle.attempt_id.as_slice()) else {
            return Ok(());
        };
        let replica = Replica::new(self.conn);
        let have = match replica.frontier(&ledger_id) {
            Ok(frontier) => frontier.size,
            Err(StoreError::UnknownLedger) => 0,
            Err(error) => return Err(error.into()),
        };
        let held: Vec<_> = replica
            .entries_of_attempt(&attempt_id)?
            .into_iter()
            .filter_map(|(ledger, entry)| (ledger == ledger_id).then_some(entry))
            .collect();
        let witnessed = if have == 0 {
            0
        } else {
            self.witnessed(&ledger_id)?
        };
        let differs = found.iter().any(|(seq, leaf)| {
            *seq < have
                && !held
                    .iter()
                    .any(|entry| entry.seq == *seq && entry.leaf == *leaf)
        });
        if differs {
            self.severe(received, "results.ledger_differs", "");
        }
        if found.iter().any(|(seq, _)| *seq >= have) {
            self.note(received, "results.not_replicated", format!("{have}"));
        }
        if found.iter().any(|(seq, _)| *seq >= witnessed) {
            self.note(received, "results.unwitnessed", format!("{witnessed}"));
        }
        let Some((size, root)) = covered else {
            return Ok(());
        };
        if held
            .iter()
            .any(|entry| entry.seq < size && !found.iter().any(|(seq, _)| *seq == entry.seq))
        {
            self.severe(received, "results.entries_left_out", "");
        }
        let answers = [
            "exam.answer_saved",
            "exam.handed_in",
            "exam.attempt_started",
            "exam.reopened",
        ];
        if held
            .iter()
            .any(|entry| entry.seq >= size && answers.contains(&entry.kind.as_str()))
        {
            self.severe(received, "results.entries_after", "");
        }
        if size <= have && self.replica_root(&ledger_id, size)? != root {
            self.severe(received, "results.ledger_differs", format!("{size}"));
        }
        Ok(())
    }

    fn witnessed(&self, ledger_id: &[u8; 16]) -> Result<u64, CenterError> {
        let points = Replica::new(self.conn).checkpoints(ledger_id)?;
        Ok(points.iter().map(|point| point.size).max().unwrap_or(0))
    }

    fn replica_root(&self, ledger_id: &[u8; 16], size: u64) -> Result<merkle::Hash, CenterError> {
        let mut frontier = Frontier::new();
        Replica::new(self.conn).each_entry(ledger_id, 0, &mut |entry| {
            if frontier.size >= size {
                return ControlFlow::Break(());
            }
            frontier.append(entry.leaf);
            ControlFlow::Continue(())
        })?;
        Ok(frontier.root())
    }

    /// What terminals wrote of starts, postponements, ends and clocks, with the device's name and the exam time.
    fn decisions(&self) -> Result<Vec<(String, Event, Option<i64>)>, CenterError> {
        const KINDS: [&str; 4] = [
            "exam.sitting_started",
            "exam.postponed",
            "exam.sitting_ended",
            "system.wall_clock_jumped",
        ];
        let replica = Replica::new(self.conn);
        let mut found = Vec::new();
        for ledger in replica.ledgers()? {
            replica.each_entry(&ledger.ledger_id, 0, &mut |stored| {
                if KINDS.contains(&stored.kind.as_str())
                    && let Ok(entry) = Entry::decode(&stored.bytes)
                    && let Ok(event) = entry.event(None)
                {
                    found.push((ledger.identity.device.clone(), event, entry.exam_ms));
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(found)
    }

    /// Starts of the terminals against the plan, from the whole replicated ledgers.
    pub(super) fn sitting_deviations(&mut self, sitting_no: &str) -> Result<(), CenterError> {
        let found = self.decisions()?;
        let concerned: Vec<String> = found
            .iter()
            .filter(|(_, event, _)| matches!(event, Event::SittingStarted { sitting_no: no, .. } if no == sitting_no))
            .map(|(device, ..)| device.clone())
            .collect();
        let planned = &self.books.newest().document.sitting;
        let (planned_start_ms, planned_end_ms) = (planned.start_ms, planned.last_end_ms());
        for (device, event, exam_ms) in found {
            match event {
                Event::SittingStarted {
                    sitting_no: no,
                    started_ms,
                    ..
                } if no == sitting_no && started_ms != planned_start_ms => {
                    let seconds = (started_ms - planned_start_ms) / 1000;
                    self.report(
                        Anomaly::note("results.started_late")
                            .device(&device)
                            .detail(format!("{seconds} s")),
                    );
                }
                Event::Postponed {
                    sitting_no: no,
                    by_ms,
                    order,
                    ..
                } if no == sitting_no => {
                    let detail = format!("{} s · {}", by_ms / 1000, self.order_named(order));
                    self.report(
                        Anomaly::note("results.postponed")
                            .device(&device)
                            .detail(detail),
                    );
                    self.check_order(order, None, &device);
                }
                Event::SittingEnded {
                    sitting_no: no,
                    staff_id,
                    reason,
                } if no == sitting_no => {
                    let Some(from_plan_ms) = exam_ms.map(|at_ms| at_ms - planned_end_ms) else {
                        continue;
                    };
                    let seconds = from_plan_ms / 1000;
                    self.report(
                        Anomaly::note("results.ended_by_staff")
                            .device(&device)
                            .detail(format!("{seconds:+} s · {staff_id} · {reason}")),
                    );
                }
                Event::WallClockJumped { by_ms } if concerned.contains(&device) => {
                    self.report(
                        Anomaly::note("results.clock_jumped")
                            .device(&device)
                            .detail(format!("{} s", by_ms / 1000)),
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }
}
