//! Upwards: sealed objects and ledger entries, with the same checks as over the line, and the answers for the way back.

use super::stick::Folder;
use super::{Imported, NotTaken, devices, enrolling, ledgers, root_of};
use crate::device::{self, DeviceState};
use crate::received::{self, Arrived, Outside};
use crate::server::Center;
use crate::{CenterError, Home, files};
use fengjuan_wire::Hash32;
use fengjuan_wire::courier::{DEVICES, ENTRIES, RECEIPTS, UP};
use fengjuan_wire::upstream::LARGEST_OBJECT_BYTES;
use std::collections::BTreeSet;
use std::path::Path;

/// Why one file was not taken, or why nothing more can be.
pub(super) enum Stop {
    File(&'static str),
    Center(CenterError),
}

impl From<CenterError> for Stop {
    fn from(error: CenterError) -> Stop {
        Stop::Center(error)
    }
}

/// Takes what terminals put into `up` and `entries`, requests to be enrolled first, and writes the receipts and cosigned checkpoints into `receipts`.
///
/// # Errors
/// [`CenterError::NothingOnStick`]; [`CenterError::NotAFolder`]; storage errors. What was taken before an error stays
/// taken. A file that is refused is an answer, not an error.
pub fn import(home: &Home, folder: &Path) -> Result<Imported, CenterError> {
    let root = root_of(folder);
    let none = || CenterError::NothingOnStick(root.clone());
    let stick = Folder::open(&root)?.ok_or_else(none)?;
    let (up, entries) = (stick.sub(UP)?, stick.sub(ENTRIES)?);
    let devices = stick.sub(DEVICES)?;
    if up.is_none() && entries.is_none() && devices.is_none() {
        return Err(none());
    }
    let center = Center::open(home.clone())?;
    let receipts = stick.sub_or_make(RECEIPTS)?;
    let mut done = Imported::default();
    // What follows is theirs.
    if let Some(devices) = devices {
        devices::import(&center, &devices, crate::now_ms(), &mut done)?;
    }
    if let Some(up) = up {
        let requests = enrolling::requests(&center, &up, &mut done)?;
        objects(&center, &up, &requests, &receipts, &mut done)?;
    }
    if let Some(entries) = entries {
        ledgers::import(&center, &entries, &receipts, &mut done)?;
    }
    receipts.sync()?;
    Ok(done)
}

fn objects(
    center: &Center,
    up: &Folder,
    requests: &BTreeSet<Hash32>,
    receipts: &Folder,
    done: &mut Imported,
) -> Result<(), CenterError> {
    for hash in up
        .hashes()?
        .into_iter()
        .filter(|hash| !requests.contains(hash))
    {
        match object(center, up, &hash) {
            Ok((receipt, new)) => {
                done.objects += 1;
                done.new_objects += usize::from(new);
                done.answer(receipts, &receipt)?;
            }
            Err(Stop::File(code)) => done.refuse(UP, &hash, code),
            Err(Stop::Center(error)) => return Err(error),
        }
    }
    Ok(())
}

/// The receipt, and whether it is new.
fn object(center: &Center, up: &Folder, hash: &Hash32) -> Result<(Vec<u8>, bool), Stop> {
    if let Some((_, receipt)) = received::held(&center.database(), hash)? {
        return Ok((receipt, false));
    }
    let bytes = up.read(hash, LARGEST_OBJECT_BYTES).map_err(Stop::File)?;
    let object = Outside::read(&bytes).ok_or(Stop::File("upload.not_an_object"))?;
    let conn = &mut *center.database();
    let known = device::find(conn, &object.device)?;
    match known.map(|device| (device.state, device.site == object.site)) {
        None => return Err(Stop::File("upstream.unknown_device")),
        Some((DeviceState::Pending, _)) => return Err(Stop::File("upstream.device_pending")),
        Some((DeviceState::Revoked, _)) => return Err(Stop::File("upstream.device_revoked")),
        Some((DeviceState::Approved | DeviceState::Vouched, false)) => {
            return Err(Stop::File("courier.other_site"));
        }
        Some((DeviceState::Approved | DeviceState::Vouched, true)) => {}
    }
    files::replace(&center.home().received(hash), &bytes)?;
    let arrived = Arrived {
        hash,
        bytes: bytes.len() as u64,
        object: &object,
        uploader: &object.device,
        now_ms: center.now_ms(),
    };
    let receipt = received::register(center.home(), conn, center.receipt_key(), &arrived)?;
    Ok((receipt, true))
}

impl Imported {
    pub(super) fn refuse(&mut self, folder: &str, hash: &Hash32, code: &'static str) {
        let file = format!("{folder}/{}", hash.hex());
        tracing::warn!(file, code, "not taken from the stick");
        self.refused.push(NotTaken { file, code });
    }

    pub(super) fn answer(&mut self, receipts: &Folder, bytes: &[u8]) -> Result<(), CenterError> {
        let new = receipts.put(&fengjuan_wire::hash(bytes), bytes)?;
        self.answers += usize::from(new);
        Ok(())
    }
}
