//! Enrolment by stick. A request is registered exactly as one over the line, and waits for the same comparison of
//! fingerprints: nothing on a stick approves anything. Back go the certificates, and who was taken out of use.

use super::import::Stop;
use super::stick::Folder;
use super::{Asked, Imported};
use crate::device::{self, Device, DeviceState, Heard};
use crate::keys::KeyRole;
use crate::server::Center;
use crate::{CenterError, Home, hub, now_ms};
use fengjuan_envelope::cose;
use fengjuan_wire::courier::UP;
use fengjuan_wire::enrolment::{CarriedRequest, DeviceRevocation};
use fengjuan_wire::{Hash32, Signed};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// A request is far smaller; whatever is larger is something else.
const LARGEST_REQUEST: u64 = 16 * 1024;

/// Registers the requests in `up`. Returns the files that were requests, taken or not.
pub(super) fn requests(
    center: &Center,
    up: &Folder,
    done: &mut Imported,
) -> Result<BTreeSet<Hash32>, CenterError> {
    let mut seen = BTreeSet::new();
    for hash in up.hashes()? {
        let Ok(bytes) = up.read(&hash, LARGEST_REQUEST) else {
            continue;
        };
        let usage = cose::peek_payload(&bytes).map(|(usage, _, _)| usage);
        if usage.as_deref() != Ok(CarriedRequest::USAGE) {
            continue;
        }
        seen.insert(hash);
        match request(center, &bytes) {
            Ok(asked) => {
                let known = done.asked.iter();
                if known
                    .clone()
                    .all(|one| one.fingerprint != asked.fingerprint)
                {
                    done.asked.push(asked);
                }
            }
            Err(Stop::File(code)) => done.refuse(UP, &hash, code),
            Err(Stop::Center(error)) => return Err(error),
        }
    }
    Ok(seen)
}

fn request(center: &Center, bytes: &[u8]) -> Result<Asked, Stop> {
    let carried = CarriedRequest::open(bytes).map_err(|_| Stop::File("enrol.key_not_proven"))?;
    if carried.certifier != center.home().directory().device_ca {
        return Err(Stop::File("courier.other_center"));
    }
    let request = carried.request;
    if !device::may_ask(&request) {
        return Err(Stop::File("enrol.bad_request"));
    }
    let conn = &mut *center.database();
    if let Heard::Refused(code) = device::hear(conn, &request, now_ms())? {
        return Err(Stop::File(code));
    }
    let known = device::find(conn, &request.sign)?;
    let known = known.ok_or(CenterError::Damaged("device"))?;
    Ok(Asked {
        name: known.name,
        site: known.site,
        fingerprint: known.fingerprint,
        approved: known.state == DeviceState::Approved,
    })
}

/// What the line answers a device of the site when it asks how it stands, as files: whoever is approved its certificate
/// (and a hub its delegation), whoever is revoked the word of that, everybody the key directory.
pub(super) fn answers(
    home: &Home,
    conn: &Connection,
    site: &str,
) -> Result<Vec<Vec<u8>>, CenterError> {
    let of_site = |device: &Device| device.site == site;
    let mut answers = Vec::new();
    for device in device::list(conn)?.into_iter().filter(of_site) {
        match device.state {
            DeviceState::Approved => {
                answers.extend(device.certificate);
                let delegation = hub::signed_delegation(conn, &device.sign)?;
                answers.extend(
                    delegation
                        .filter(|(_, stands)| *stands)
                        .map(|(signed, _)| signed),
                );
            }
            DeviceState::Revoked => answers.push(revocation(home, &device)?),
            DeviceState::Pending | DeviceState::Vouched => {}
        }
    }
    if !answers.is_empty() {
        answers.push(home.directory_bytes()?);
    }
    Ok(answers)
}

fn revocation(home: &Home, device: &Device) -> Result<Vec<u8>, CenterError> {
    let word = DeviceRevocation {
        site: device.site.clone(),
        device: device.sign,
        revoked_ms: device.decided_ms.unwrap_or(device.first_seen_ms),
    };
    Ok(word.sign(&home.keys().signing(KeyRole::DeviceCa)?)?)
}
