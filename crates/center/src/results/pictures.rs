//! Pictures: each recorded one has arrived, opens, and is the one whose salted hash stands in the ledger; each
//! snapshot that the revealed seed made due is there as a picture or as a recorded failure.

use super::incoming::Received;
use super::ledger::Recorded;
use super::{Anomaly, Desk};
use crate::CenterError;
use fengjuan_core::event::{Event, PictureUse};
use fengjuan_core::snapshot::{self, ScheduleOf};
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::Hash32;
use fengjuan_wire::bundle::{ObjectKind, Picture, PictureRef};

/// A snapshot that fell due this shortly before the hand-in may have been overtaken by it.
const OVERTAKEN_MS: i64 = 60_000;

impl Desk<'_> {
    pub(super) fn check_pictures(
        &mut self,
        received: &Received,
        events: &[Recorded],
    ) -> Result<(), CenterError> {
        let mut found = Vec::new();
        let devices = self.devices_of(received)?;
        for reference in &received.bundle.pictures {
            if let Some(code) = self.picture_fault(received, &devices, reference)? {
                found.push(Anomaly::severe(code));
            }
        }
        for recorded in events {
            let anomaly = match &recorded.event {
                Event::PictureTaken {
                    hash,
                    salted,
                    pattern,
                    ..
                } => {
                    let reference = PictureRef {
                        object: *hash,
                        salted: *salted,
                    };
                    if !received.bundle.pictures.contains(&reference) {
                        Anomaly::severe("results.picture_unlisted")
                    } else if *pattern {
                        Anomaly::note("results.picture_pattern")
                    } else {
                        continue;
                    }
                }
                Event::PictureFailed { cause, .. } => {
                    Anomaly::note("results.picture_failed").detail(cause.clone())
                }
                Event::PictureSkipped { reason, .. } => {
                    Anomaly::note("results.picture_skipped").detail(reason.clone())
                }
                _ => continue,
            };
            found.push(anomaly);
        }
        let missing = self.missing_snapshots(received, events);
        if missing > 0 {
            found.push(Anomaly::severe("results.snapshot_due").detail(missing.to_string()));
        }
        for anomaly in found {
            self.report(
                anomaly
                    .ticket(&received.bundle.ticket_no)
                    .device(&received.device.name),
            );
        }
        Ok(())
    }

    fn picture_fault(
        &self,
        received: &Received,
        devices: &[PublicKey],
        reference: &PictureRef,
    ) -> Result<Option<&'static str>, CenterError> {
        if !self.arrived(&reference.object)? {
            return Ok(Some("results.picture_missing"));
        }
        let Some(object) = self.object(&reference.object) else {
            return Ok(Some("results.object_lost"));
        };
        if object.kind != ObjectKind::Picture || !devices.contains(&object.device) {
            return Ok(Some("results.picture_differs"));
        }
        let Ok(picture) = object.open::<Picture>(&self.results_key) else {
            return Ok(Some("results.unreadable"));
        };
        let same = picture.salted_hash() == reference.salted
            && picture.attempt_id == received.bundle.attempt_id;
        Ok((!same).then_some("results.picture_differs"))
    }

    fn arrived(&self, hash: &Hash32) -> Result<bool, CenterError> {
        let sql = "SELECT count(*) FROM received WHERE hash = ?1";
        Ok(self
            .conn
            .query_row(sql, [hash.0], |row| row.get::<_, u32>(0))?
            > 0)
    }

    /// Snapshots that the seed made due and that the ledger does not account for.
    fn missing_snapshots(&self, received: &Received, events: &[Recorded]) -> usize {
        let bundle = &received.bundle;
        let Some(book) = self.books.version(bundle.version) else {
            return 0;
        };
        let Some(package) = book.packages.get(&bundle.class_no) else {
            return 0;
        };
        let Ok(attempt_id) = <[u8; 16]>::try_from(bundle.attempt_id.as_slice()) else {
            return 0;
        };
        let mut started = None;
        let mut handed_in = None;
        let mut outages = Vec::new();
        let mut accounted = Vec::new();
        for recorded in events {
            match &recorded.event {
                Event::AttemptStarted { started_ms, .. } => started = Some(*started_ms),
                Event::HandedIn { at_ms, .. } => handed_in = Some(*at_ms),
                Event::OutageRecorded { from_ms, to_ms, .. } => outages.push((*from_ms, *to_ms)),
                Event::PictureTaken {
                    usage: PictureUse::Snapshot,
                    due_ms: Some(due_ms),
                    ..
                }
                | Event::PictureFailed {
                    usage: PictureUse::Snapshot,
                    due_ms: Some(due_ms),
                    ..
                } => accounted.push(*due_ms),
                _ => {}
            }
        }
        let (Some(started_ms), Some(handed_in)) = (started, handed_in) else {
            return 0;
        };
        let of = ScheduleOf {
            seed: &package.keys.snapshot_seed,
            sitting_no: &bundle.sitting_no,
            attempt_id: &attempt_id,
            started_ms,
            policy: book.document.sitting.snapshots,
        };
        let due = snapshot::due(&of, handed_in - OVERTAKEN_MS, &outages);
        due.iter()
            .filter(|due| !accounted.contains(&due.due_ms) && !accounted.contains(&due.planned_ms))
            .count()
    }
}
