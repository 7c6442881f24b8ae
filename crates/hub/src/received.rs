//! Sealed objects and reports from terminals: resumable, idempotent, and receipted "at hub" only when whole, checked and
//! durable. They lie in this hub's own store, from where they go up to the center as its own would; the center's receipt
//! takes the place of the hub's once it is here.

use crate::core::Core;
use crate::devices::Terminal;
use crate::keys::Keyring;
use fengjuan_core::event::Hash32;
use fengjuan_core::room::Device;
use fengjuan_envelope::cbor;
use fengjuan_serve::Refused;
use fengjuan_serve::parts::{Part, PartFile, Progress};
use fengjuan_store::{Change, Projection, Reader, StoreError};
use fengjuan_wire::Signed;
use fengjuan_wire::bundle::{ObjectKind, Receipt, SealedObject};
use fengjuan_wire::report::EquipmentReport;
use fengjuan_wire::upstream::UploadState;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const NS: &str = "received";
pub(crate) const FOLDER: &str = "incoming";

/// One object as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arrived {
    position: u64,
    device: Hash32,
    bytes: u64,
    receipt: ByteBuf,
}

/// An object that is here whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) hash: Hash32,
    pub(crate) device: Device,
    pub(crate) bytes: u64,
}

/// How far an object has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// Not here yet.
    Missing,
    Here,
    /// The center's receipt is here.
    AtCenter,
}

/// Everything in the order of arrival.
#[derive(Default)]
struct Order {
    last: u64,
    /// Places that were given to what is not durable yet: whoever reads in order waits before them.
    given: BTreeSet<u64>,
    all: BTreeMap<u64, Object>,
    hashes: BTreeSet<Hash32>,
}

/// A place in the order; given back where nothing took it.
struct Given<'a> {
    order: &'a Mutex<Order>,
    position: u64,
}

impl<'a> Given<'a> {
    fn next(order: &'a Mutex<Order>) -> Given<'a> {
        let mut now = order.lock().unwrap_or_else(PoisonError::into_inner);
        now.last += 1;
        let position = now.last;
        now.given.insert(position);
        Given { order, position }
    }

    fn taken(&self, object: Object) {
        let mut now = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        now.all.insert(self.position, object);
        now.hashes.insert(object.hash);
    }
}

impl Drop for Given<'_> {
    fn drop(&mut self) {
        let mut now = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        now.given.remove(&self.position);
    }
}

/// What has arrived.
pub struct Received {
    keys: Arc<Keyring>,
    receiver: String,
    order: Mutex<Order>,
    /// Objects without the center's receipt, and whose they are.
    here_only: Mutex<BTreeMap<Hash32, Device>>,
}

impl Received {
    /// # Errors
    /// Storage errors; [`StoreError::Corrupted`] for a row that cannot be read.
    pub fn open(
        reader: &Reader,
        keys: Arc<Keyring>,
        receiver: String,
    ) -> Result<Received, StoreError> {
        let unsent: BTreeMap<_, _> = reader
            .unsent_objects()?
            .into_iter()
            .map(|row| (row.hash.to_vec(), row.hash))
            .collect();
        let (mut order, mut here_only) = (Order::default(), BTreeMap::new());
        for (key, value) in reader.scan(NS)? {
            let arrived = read(&value)?;
            order.last = order.last.max(arrived.position);
            if let Ok(hash) = <[u8; 32]>::try_from(key.as_slice()) {
                let object = arrived.object(Hash32(hash));
                order.all.insert(arrived.position, object);
                order.hashes.insert(object.hash);
            }
            if let Some(hash) = unsent.get(&key) {
                here_only.insert(Hash32(*hash), arrived.device);
            }
        }
        Ok(Received {
            keys,
            receiver,
            order: Mutex::new(order),
            here_only: Mutex::new(here_only),
        })
    }

    /// At most so many objects that arrived after this place, and whether there are more.
    pub(crate) fn after(&self, position: u64, most: usize) -> (Vec<(u64, Object)>, bool) {
        let order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let end = order.given.first().copied().unwrap_or(u64::MAX);
        let from = position.saturating_add(1).min(end);
        let mut later = order.all.range(from..end);
        let some = later.by_ref().take(most);
        let some = some
            .map(|(position, object)| (*position, *object))
            .collect();
        (some, later.next().is_some())
    }

    /// How far this object of a terminal has come.
    pub fn whereabouts(&self, object: &Hash32) -> Whereabouts {
        let order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let here = order.hashes.contains(object);
        drop(order);
        match here {
            false => Whereabouts::Missing,
            true if self.waiting().contains_key(object) => Whereabouts::Here,
            true => Whereabouts::AtCenter,
        }
    }

    /// Objects that the center has not receipted.
    pub fn here_only(&self) -> BTreeMap<Hash32, Device> {
        self.waiting().clone()
    }

    /// Whose objects have the center's receipt since the last time; each is told once.
    ///
    /// # Errors
    /// Storage errors.
    pub fn receipted(&self, reader: &Reader) -> Result<Vec<Device>, StoreError> {
        let mut done = Vec::new();
        for (hash, device) in self.here_only() {
            let row = reader.object(&hash.0)?;
            if row.is_some_and(|row| row.receipt.is_some()) {
                self.waiting().remove(&hash);
                done.push(device);
            }
        }
        done.sort();
        done.dedup();
        Ok(done)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Hash32, Device>> {
        self.here_only
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrived {
    fn object(&self, hash: Hash32) -> Object {
        Object {
            hash,
            device: self.device,
            bytes: self.bytes,
        }
    }
}

fn read(value: &[u8]) -> Result<Arrived, StoreError> {
    cbor::from_slice(value).map_err(|error| StoreError::Corrupted {
        path: NS.into(),
        detail: error.to_string(),
    })
}

/// One upload of one terminal. Blocks on the disk.
pub(crate) struct Upload<'a> {
    pub(crate) core: &'a Core,
    pub(crate) terminal: &'a Terminal,
    pub(crate) hash: Hash32,
}

impl Upload<'_> {
    /// Where the next part starts, or the receipt: the center's where it is here.
    pub(crate) fn state(&self) -> Result<UploadState, Refused> {
        if let Some(state) = self.held()? {
            return Ok(state);
        }
        Ok(UploadState {
            offset: self.part_file().durable(),
            receipt: None,
        })
    }

    pub(crate) fn put(&self, part: Part, body: &[u8]) -> Result<UploadState, Refused> {
        let lock = &self.core.uploads[usize::from(self.hash.0[0]) % self.core.uploads.len()];
        let _one = lock.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = self.held()? {
            return Ok(state);
        }
        let file = self.part_file();
        match file.take(&self.hash, part, body)? {
            Progress::Part(offset) => Ok(UploadState {
                offset,
                receipt: None,
            }),
            Progress::Whole(bytes) => self.complete(&file, &bytes),
        }
    }

    fn part_file(&self) -> PartFile {
        let name = format!("{}.{}", self.hash.hex(), self.terminal.device().hex());
        PartFile::at(self.core.data_dir.join(FOLDER).join(name))
    }

    fn held(&self) -> Result<Option<UploadState>, Refused> {
        let found = self.core.own_readers.read(|reader| {
            let arrived = reader.get(NS, &self.hash.0)?;
            let center = reader.object(&self.hash.0)?.and_then(|row| row.receipt);
            Ok((arrived, center))
        });
        let (arrived, center) = found.map_err(|error| self.core.storage(&error))?;
        let Some(arrived) = arrived else {
            return Ok(None);
        };
        let arrived = read(&arrived).map_err(|error| self.core.storage(&error))?;
        Ok(Some(UploadState {
            offset: arrived.bytes,
            receipt: Some(center.map_or(arrived.receipt, ByteBuf::from)),
        }))
    }

    fn complete(&self, file: &PartFile, bytes: &[u8]) -> Result<UploadState, Refused> {
        let Some((kind, site, device)) = outside(bytes) else {
            return Err(file.dropped("upload.not_an_object"));
        };
        if site != self.core.kit.site {
            return Err(file.dropped("upload.of_another_site"));
        }
        if device != self.terminal.device() {
            return Err(file.dropped("upload.of_another_device"));
        }
        let receipt = keep(self.core, kind, self.hash, device, bytes, Vec::new())?;
        // The object is registered: what is left of the upload is of no use, and a later sweep would find it.
        if let Err(refused) = file.remove() {
            tracing::warn!(code = refused.code(), "a finished upload's part stays");
        }
        Ok(UploadState {
            offset: bytes.len() as u64,
            receipt: Some(receipt),
        })
    }
}

/// An object of a terminal, whole and checked, becomes durable with this hub's receipt, and with what else changes.
fn keep(
    core: &Core,
    kind: &str,
    hash: Hash32,
    device: Device,
    bytes: &[u8],
    also: Vec<Projection>,
) -> Result<ByteBuf, Refused> {
    let received = &core.received;
    let (now, bytes_long) = (core.recorder.exam_now(), bytes.len() as u64);
    let given = Given::next(&received.order);
    let position = given.position;
    let receipt = Receipt {
        object: hash,
        bytes: bytes_long,
        received_ms: now,
        position,
        receiver: received.receiver.clone(),
    };
    let receipt = receipt.sign(&received.keys.receipt);
    let receipt = ByteBuf::from(receipt.map_err(|error| Refused::fault(&error))?);
    let arrived = Arrived {
        position,
        device,
        bytes: bytes_long,
        receipt: receipt.clone(),
    };
    let value = cbor::to_vec(&arrived).map_err(|error| Refused::fault(&error))?;
    let row = Projection::put(NS, hash.0, value);
    let change = also
        .into_iter()
        .chain([row])
        .fold(Change::default(), Change::project);
    let stored = core.recorder.store_object(kind, hash.0, bytes, change);
    stored.map_err(|error| core.storage(&error))?;
    received.waiting().insert(hash, device);
    given.taken(arrived.object(hash));
    core.room.touch();
    Ok(receipt)
}

/// An object that another hub holds of a terminal becomes this hub's too, together with `also`. One that is here
/// already, or is no object of this site and device, only brings `also`. Blocks on the disk.
pub(crate) fn copy(
    core: &Core,
    hash: Hash32,
    device: Device,
    bytes: &[u8],
    also: Vec<Projection>,
) -> Result<(), Refused> {
    let lock = &core.uploads[usize::from(hash.0[0]) % core.uploads.len()];
    let _one = lock.lock().unwrap_or_else(PoisonError::into_inner);
    let held = core.own_readers.read(|reader| reader.get(NS, &hash.0));
    let held = held.map_err(|error| core.storage(&error))?.is_some();
    let fits = |(_, site, whose): &(&str, String, Device)| {
        *site == core.kit.site && *whose == device && fengjuan_wire::hash(bytes) == hash
    };
    match outside(bytes).filter(fits) {
        Some((kind, _, _)) if !held => keep(core, kind, hash, device, bytes, also).map(drop),
        found => {
            if found.is_none() {
                tracing::error!(object = hash.hex(), "what another hub holds is no object");
            }
            let done = core.recorder.writer().put(also);
            done.map_err(|error| core.storage(&error))
        }
    }
}

/// The bytes of an object that has arrived; none for any other.
pub(crate) fn bytes_of(core: &Core, hash: &Hash32) -> Result<Option<Vec<u8>>, Refused> {
    let found = core.own_readers.read(|reader| {
        if reader.get(NS, &hash.0)?.is_none() {
            return Ok(None);
        }
        reader.object_bytes(&hash.0).map(Some)
    });
    found.map_err(|error| core.storage(&error))
}

/// Kind, site and device of an object, from its outside; none for bytes that are neither a sealed object nor a report
/// under its device's signature.
fn outside(bytes: &[u8]) -> Option<(&'static str, String, Device)> {
    if let Ok(object) = SealedObject::from_bytes(bytes) {
        let kind = match object.kind {
            ObjectKind::Bundle => "bundle",
            ObjectKind::Picture => "picture",
        };
        return Some((kind, object.site, Hash32(*object.device.as_bytes())));
    }
    let report = EquipmentReport::open(bytes).ok()?;
    Some(("report", report.site, Hash32(*report.device.as_bytes())))
}
