//! From the received files to bundles of known devices.

use super::{Anomaly, Desk};
use crate::device::{self, Device};
use crate::{CenterError, hub};
use fengjuan_envelope::sign::PublicKey;
use fengjuan_wire::Hash32;
use fengjuan_wire::bundle::{Bundle, ObjectKind, SealedObject};
use std::fs;

/// A bundle that decrypted, was signed by a known device, and belongs where it says.
pub(super) struct Received {
    pub position: i64,
    pub device: Device,
    pub bundle: Bundle,
}

impl Desk<'_> {
    /// Every bundle of the sitting; what cannot be used is reported.
    pub(super) fn read_received(&mut self, sitting_no: &str) -> Result<Vec<Received>, CenterError> {
        let mut statement = self.conn.prepare(
            "SELECT position, hash FROM received WHERE sitting_no = ?1 AND kind = 'bundle' ORDER BY position",
        )?;
        let rows = statement.query_map([sitting_no], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?))
        })?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let mut all = Vec::new();
        for (position, hash) in rows {
            let place = format!("#{position}");
            match self.read_one(position, &Hash32(hash))? {
                Ok(received) => {
                    self.check_voucher(sitting_no, &received)?;
                    all.push(received);
                }
                Err(anomaly) => self.report(anomaly.detail(place)),
            }
        }
        Ok(all)
    }

    /// The object behind a hash, whole and unchanged since its receipt.
    pub(super) fn object(&self, hash: &Hash32) -> Option<SealedObject> {
        let bytes = fs::read(self.home.received(hash)).ok()?;
        if fengjuan_wire::hash(&bytes) != *hash {
            return None;
        }
        SealedObject::from_bytes(&bytes).ok()
    }

    fn read_one(
        &self,
        position: i64,
        hash: &Hash32,
    ) -> Result<Result<Received, Anomaly>, CenterError> {
        let Some(object) = self.object(hash) else {
            return Ok(Err(Anomaly::severe("results.object_lost")));
        };
        let Some(device) = self.signer(&object.device)? else {
            return Ok(Err(Anomaly::severe("results.unknown_device")));
        };
        let unfit = |code| Anomaly::severe(code).device(&device.name);
        let Ok(bundle) = object.open::<Bundle>(&self.results_key) else {
            return Ok(Err(unfit("results.unreadable")));
        };
        let outside = (
            ObjectKind::Bundle,
            object.site,
            object.sitting_no,
            object.version,
        );
        let inside = (
            object.kind,
            bundle.site.clone(),
            bundle.sitting_no.clone(),
            bundle.version,
        );
        if outside != inside || device.site != bundle.site {
            return Ok(Err(unfit("results.place").ticket(&bundle.ticket_no)));
        }
        let Some(book) = self.books.version(bundle.version) else {
            return Ok(Err(
                unfit("results.unknown_version").ticket(&bundle.ticket_no)
            ));
        };
        match book.packages.get(&bundle.class_no) {
            Some(package) if package.hash == bundle.package => {}
            _ => return Ok(Err(unfit("results.wrong_package").ticket(&bundle.ticket_no))),
        }
        Ok(Ok(Received {
            position,
            device,
            bundle,
        }))
    }

    /// A device that was approved once, here or by a hub; one that was revoked later has still signed what it signed.
    pub(super) fn signer(&self, sign: &PublicKey) -> Result<Option<Device>, CenterError> {
        let Some(device) = device::find(self.conn, sign)? else {
            return Ok(None);
        };
        let known =
            device.certificate.is_some() || !hub::vouchers(self.home, self.conn, sign)?.is_empty();
        Ok(known.then_some(device))
    }

    /// A device that only a hub vouches for is listed, and the hub's word must reach as far as the bundle.
    fn check_voucher(&mut self, sitting_no: &str, received: &Received) -> Result<(), CenterError> {
        let Received { device, bundle, .. } = received;
        if let Some((hub, revoked_ms)) = hub::revoked_by(self.conn, &device.sign)? {
            let found = match bundle.sealed_ms < revoked_ms {
                true => Anomaly::note("results.device_revoked"),
                false => Anomaly::severe("results.sealed_after_revoked").ticket(&bundle.ticket_no),
            };
            self.report(found.device(&device.name).detail(hub));
        }
        if device.certificate.is_some() {
            return Ok(());
        }
        let room_no = hub::room_of(self.conn, sitting_no)?;
        let vouchers = hub::vouchers(self.home, self.conn, &device.sign)?;
        let of_room: Vec<_> = vouchers
            .iter()
            .filter(|hub| {
                room_no
                    .as_deref()
                    .is_none_or(|room_no| hub.covers_room(room_no))
            })
            .collect();
        let in_time = of_room
            .iter()
            .find(|hub| bundle.sealed_ms < hub.not_after_ms);
        let anomaly = match in_time {
            Some(hub) => Anomaly::note("results.vouched_by_hub").detail(hub.hub_name.clone()),
            None if of_room.is_empty() => {
                Anomaly::severe("results.hub_other_room").ticket(&bundle.ticket_no)
            }
            None => Anomaly::severe("results.hub_expired").ticket(&bundle.ticket_no),
        };
        self.report(anomaly.device(&device.name));
        Ok(())
    }
}
