//! The terminals of this hub (准入名单): who may speak to it, from where, and what was found about them. Those that people
//! have decided about are durable; whoever only asks is kept in memory, since a stranger must not fill the disk.

mod approval;
mod asking;
mod following;

use crate::keys::Keyring;
use crate::room::RoomRefusal;
use fengjuan_core::event::Hash32;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::Device;
use fengjuan_envelope::cbor;
use fengjuan_envelope::hpke::KemPublic;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_store::{Projection, Reader, StoreError};
use fengjuan_wire::WireError;
use fengjuan_wire::directory::device_fingerprint;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

const NS: &str = "devices";
const LONGEST_NAME: usize = 120;

/// How it stands with a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// Asks; two people have not compared the fingerprint yet.
    Asking,
    Approved,
    /// Was turned away when it asked. A person may take that back.
    Refused,
    /// Was approved, and is not any more, for good.
    Revoked,
}

/// A terminal as this hub knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terminal {
    pub name: String,
    pub sign: PublicKey,
    pub kem: KemPublic,
    /// Facts that tell two machines with one key apart.
    #[serde(with = "serde_bytes")]
    pub machine: Vec<u8>,
    /// From where it may speak.
    pub address: IpAddr,
    pub admission: Admission,
    pub first_ms: ExamMs,
    pub decided_ms: Option<ExamMs>,
    /// Staff ids of who decided.
    pub decided_by: String,
    /// Signed by this hub's issuer, and kept when it is revoked: what it sealed before is still its own.
    pub certificate: Option<ByteBuf>,
    /// Code of what a person should know before deciding, e.g. `enrol.key_on_two_machines`.
    pub warning: Option<String>,
}

impl Terminal {
    pub fn device(&self) -> Device {
        Hash32(*self.sign.as_bytes())
    }

    /// Two people compare it on both screens.
    pub fn fingerprint(&self) -> String {
        device_fingerprint(&self.sign, &self.kem)
    }
}

/// Why something was not done about a device.
#[derive(Debug, thiserror::Error)]
pub enum DeviceRefusal {
    #[error("no such device has asked")]
    Unknown,
    #[error("the device was approved already")]
    Approved,
    #[error("the device was revoked; its keys stay refused")]
    Revoked,
    #[error("the device was turned away")]
    Refused,
    #[error("the device was not turned away")]
    NotRefused,
    #[error("the device was not approved")]
    NotApproved,
    #[error(transparent)]
    Room(#[from] RoomRefusal),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DeviceRefusal {
    pub fn code(&self) -> &'static str {
        match self {
            DeviceRefusal::Unknown => "device.unknown",
            DeviceRefusal::Approved => "device.approved",
            DeviceRefusal::Revoked => "device.revoked",
            DeviceRefusal::Refused => "device.refused",
            DeviceRefusal::NotRefused => "device.not_refused",
            DeviceRefusal::NotApproved => "device.not_approved",
            DeviceRefusal::Room(cause) => cause.code(),
            DeviceRefusal::Wire(cause) => cause.code(),
            DeviceRefusal::Store(cause) => cause.code(),
        }
    }
}

/// All terminals. Clones share them.
#[derive(Clone)]
pub struct Devices {
    site: String,
    keys: Arc<Keyring>,
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    terminals: BTreeMap<Device, Arc<Terminal>>,
    /// From where a known one was refused last.
    elsewhere: BTreeMap<Device, IpAddr>,
    /// When each of those that ask was heard last.
    asked: BTreeMap<Device, ExamMs>,
    /// Rises with every change.
    revision: u64,
}

impl Devices {
    /// # Errors
    /// Storage errors; [`StoreError::Corrupted`] for a row that cannot be read.
    pub fn open(reader: &Reader, site: &str, keys: Arc<Keyring>) -> Result<Devices, StoreError> {
        let mut known = Known::default();
        for (_, value) in reader.scan(NS)? {
            let terminal: Terminal =
                cbor::from_slice(&value).map_err(|error| StoreError::Corrupted {
                    path: "devices".into(),
                    detail: error.to_string(),
                })?;
            known
                .terminals
                .insert(terminal.device(), Arc::new(terminal));
        }
        Ok(Devices {
            site: site.to_owned(),
            keys,
            known: Arc::new(RwLock::new(known)),
        })
    }

    /// Everybody, by name.
    pub fn list(&self) -> Vec<Arc<Terminal>> {
        let mut all: Vec<_> = self.known().terminals.values().cloned().collect();
        all.sort_by(|one, two| (&one.name, one.sign).cmp(&(&two.name, two.sign)));
        all
    }

    pub fn get(&self, device: &Device) -> Option<Arc<Terminal>> {
        self.known().terminals.get(device).cloned()
    }

    /// From where it was refused last because that is not its address; lost with the program.
    pub fn elsewhere(&self, device: &Device) -> Option<IpAddr> {
        self.known().elsewhere.get(device).copied()
    }

    pub fn approved(&self) -> Vec<Arc<Terminal>> {
        let mut all = self.list();
        all.retain(|terminal| terminal.admission == Admission::Approved);
        all
    }

    /// Everybody who was ever let in, with the certificate that says so.
    pub fn certified(&self) -> Vec<Arc<Terminal>> {
        let mut all = self.list();
        all.retain(|terminal| terminal.certificate.is_some());
        all
    }

    /// Rises with every change.
    pub fn revision(&self) -> u64 {
        self.known().revision
    }

    /// Whether whoever holds this key may speak from there.
    ///
    /// # Errors
    /// The refusal's code.
    pub fn judge(&self, sign: &PublicKey, from: IpAddr) -> Result<Arc<Terminal>, &'static str> {
        let terminal = self.get(&Hash32(*sign.as_bytes()));
        match terminal {
            None => Err("upstream.unknown_device"),
            Some(terminal) => match terminal.admission {
                Admission::Asking => Err("upstream.device_pending"),
                Admission::Refused => Err("upstream.device_refused"),
                Admission::Revoked => Err("upstream.device_revoked"),
                Admission::Approved if terminal.address != from => {
                    self.known_mut().elsewhere.insert(terminal.device(), from);
                    Err("upstream.other_address")
                }
                Admission::Approved => Ok(terminal),
            },
        }
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn put(&mut self, terminal: Terminal) {
        let device = terminal.device();
        let new = Arc::new(terminal);
        let before = self.terminals.insert(device, new.clone());
        self.revision += u64::from(before.is_none_or(|before| before != new));
    }

    fn forget(&mut self, device: &Device) {
        let known = self.terminals.remove(device).is_some();
        self.asked.remove(device);
        self.elsewhere.remove(device);
        self.revision += u64::from(known);
    }
}

fn row(terminal: &Terminal) -> Result<Projection, WireError> {
    let value = cbor::to_vec(terminal)?;
    Ok(Projection::put(
        NS,
        terminal.sign.as_bytes().to_vec(),
        value,
    ))
}

fn forgotten(device: &Device) -> Projection {
    Projection::remove(NS, device.0.to_vec())
}

#[cfg(test)]
mod tests;
