//! Terminals by hand: a hub without a line brings the certificates that it has given, as it would over the line.

use super::Imported;
use super::import::Stop;
use super::stick::Folder;
use crate::CenterError;
use crate::hub::{self, Standing};
use crate::server::Center;
use fengjuan_wire::Hash32;
use fengjuan_wire::courier::DEVICES;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::directory::DeviceCertificate;
use fengjuan_wire::{Signed, upstream::LARGEST_BODY_BYTES};

pub(super) fn import(
    center: &Center,
    devices: &Folder,
    now_ms: i64,
    done: &mut Imported,
) -> Result<(), CenterError> {
    let delegations: Vec<HubDelegation> = hub::list(center.home(), &center.database())?
        .into_iter()
        .filter_map(|hub| match hub.standing {
            Standing::Delegated(delegation) => Some(*delegation),
            _ => None,
        })
        .collect();
    for file in devices.hashes()? {
        match one(center, devices, &file, &delegations, now_ms) {
            Ok(()) => done.devices += 1,
            Err(Stop::File(code)) => done.refuse(DEVICES, &file, code),
            Err(Stop::Center(error)) => return Err(error),
        }
    }
    Ok(())
}

fn one(
    center: &Center,
    devices: &Folder,
    file: &Hash32,
    delegations: &[HubDelegation],
    now_ms: i64,
) -> Result<(), Stop> {
    let limit = LARGEST_BODY_BYTES as u64;
    let certificate = devices.read(file, limit).map_err(Stop::File)?;
    // The hub's word counts while it is a hub, as over the line.
    let by = |hub: &&HubDelegation| {
        now_ms < hub.not_after_ms && DeviceCertificate::verify(&hub.issuer, &certificate).is_ok()
    };
    let hub = delegations.iter().find(by);
    let hub = hub.ok_or(Stop::File("hub.certificate"))?;
    let conn = &*center.database();
    let vouched = hub::vouch(conn, hub, &certificate, now_ms)?;
    match vouched.refused {
        None => Ok(()),
        Some(code) => {
            tracing::warn!(code, "a terminal on the stick is not taken");
            Err(Stop::File("hub.device_refused"))
        }
    }
}
