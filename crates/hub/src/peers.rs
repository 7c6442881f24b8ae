//! The other hubs of this site: each speaks by the center's delegation for the same site and room. One runs the room,
//! another may follow it ([`crate::follow`]).

use crate::devices::{Admission, Terminal};
use fengjuan_core::event::Hash32;
use fengjuan_core::plan::ExamMs;
use fengjuan_core::room::Device;
use fengjuan_core::room::follow::{Following, Follows};
use fengjuan_device::site_kit::SiteKit;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_store::{LedgerId, Projection, Reader, StoreError, Writer};
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::follow::Holds;
use fengjuan_wire::room::Epoch;
use fengjuan_wire::{Signed, WireError};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

const NS: &str = "peers";

/// The hubs that were ever heard.
pub struct Peers {
    kit: SiteKit,
    me: Device,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    peers: BTreeMap<Device, Peer>,
    revision: u64,
}

struct Peer {
    delegation: HubDelegation,
    bytes: Vec<u8>,
    /// It follows this hub.
    follower: Following,
    /// What it was told last, and when (boot time).
    told: Option<(i64, Told)>,
    /// This hub follows it.
    leader: Following,
    /// Under which it says that it runs the room; none where it does not.
    epoch: Option<u64>,
    /// Its list of terminals as it was taken over last.
    list: Option<Hash32>,
}

/// What a follower holds once it has taken over an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) ledgers: Vec<(LedgerId, u64)>,
    pub(crate) objects: u64,
    /// There was nothing more.
    pub(crate) whole: bool,
}

/// How it stands between this hub and another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStands {
    pub device: Device,
    pub hub_name: String,
    /// It runs the room, by what it said last.
    pub epoch: Option<u64>,
    /// How well it follows this hub.
    pub follower: Follows,
    /// How well this hub follows it.
    pub leader: Follows,
}

impl Peers {
    /// # Errors
    /// Storage errors. What the center's issuer has not signed is left out.
    pub fn open(reader: &Reader, kit: SiteKit, me: Device) -> Result<Peers, StoreError> {
        let mut known = Known::default();
        for (_, bytes) in reader.scan(NS)? {
            // An expired one still says whose ledger it was.
            match HubDelegation::verify(&kit.directory.issuer, &bytes) {
                Ok(delegation) => known.put(Peer::new(delegation, bytes)),
                Err(error) => tracing::error!(%error, "a kept hub is not known any more"),
            }
        }
        Ok(Peers {
            kit,
            me,
            known: RwLock::new(known),
        })
    }

    /// Devices that are hubs.
    pub fn devices(&self) -> BTreeSet<Device> {
        self.known().peers.keys().copied().collect()
    }

    /// Rises with every hub that is new or has another delegation.
    pub fn revision(&self) -> u64 {
        self.known().revision
    }

    /// The delegation of another hub that may run the same room.
    ///
    /// # Errors
    /// The refusal's code.
    pub(crate) fn trusted(
        &self,
        own: &HubDelegation,
        bytes: &[u8],
        now: ExamMs,
    ) -> Result<HubDelegation, &'static str> {
        let (directory, site) = (&self.kit.directory, &self.kit.site);
        let (issuer, center) = (&directory.issuer, &directory.center_id);
        let theirs = HubDelegation::trusted(issuer, center, site, now, bytes);
        let theirs = theirs.map_err(|error| match error {
            WireError::Expired(_) => "hub.delegation_expired",
            WireError::Mismatch(_) => "hub.delegation_other_site",
            _ => "hub.delegation_false",
        })?;
        let same = match (&own.room_no, &theirs.room_no) {
            (Some(own), Some(theirs)) => own == theirs,
            _ => true,
        };
        if !same {
            return Err("hub.other_room");
        }
        Ok(theirs)
    }

    /// Remembers another hub, once. True where it is new, or has another delegation than before.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) fn keep(
        &self,
        delegation: HubDelegation,
        bytes: &[u8],
        writer: &Writer,
    ) -> Result<bool, StoreError> {
        let device = device_of(&delegation);
        let held = self.known().peers.get(&device).map(|one| one.bytes.clone());
        if device == self.me || held.as_deref() == Some(bytes) {
            return Ok(false);
        }
        writer.put(vec![Projection::put(NS, device.0, bytes)])?;
        self.known_mut().put(Peer::new(delegation, bytes.to_vec()));
        Ok(true)
    }

    /// The hub behind a TLS key, as somebody who may fetch what a terminal may.
    pub(crate) fn judge(&self, sign: &PublicKey, now: ExamMs) -> Option<Arc<Terminal>> {
        let known = self.known();
        let peer = known.peers.get(&Hash32(*sign.as_bytes()))?;
        let in_force = now < peer.delegation.not_after_ms;
        in_force.then(|| Arc::new(peer.as_terminal()))
    }

    /// Every other hub as a device for which grants are made.
    pub(crate) fn as_terminals(&self) -> Vec<Arc<Terminal>> {
        let known = self.known();
        let peers = known.peers.values();
        peers.map(|peer| Arc::new(peer.as_terminal())).collect()
    }

    /// The delegations of these hubs as they were signed.
    pub(crate) fn delegations(&self, of: &BTreeSet<Device>) -> Vec<Vec<u8>> {
        let known = self.known();
        let wanted = |(device, _): &(&Device, &Peer)| of.contains(device);
        let found = known.peers.iter().filter(wanted);
        found.map(|(_, peer)| peer.bytes.clone()).collect()
    }

    /// The issuer of a hub, which signs its epochs and its terminals' certificates.
    pub(crate) fn issuer(&self, device: &Device) -> Option<PublicKey> {
        let known = self.known();
        known.peers.get(device).map(|peer| peer.delegation.issuer)
    }

    /// A follower asks, and says what it holds.
    pub(crate) fn asked(&self, device: &Device, holds: &Holds, now_ms: i64) {
        let mut known = self.known_mut();
        let Some(peer) = known.peers.get_mut(device) else {
            return;
        };
        peer.follower.heard(now_ms);
        if let Some((then_ms, told)) = &peer.told
            && told.whole
            && told.is_held(holds)
        {
            peer.follower.whole(*then_ms);
        }
    }

    /// What a follower was answered.
    pub(crate) fn told(&self, device: &Device, told: Told, now_ms: i64) {
        if let Some(peer) = self.known_mut().peers.get_mut(device) {
            peer.told = Some((now_ms, told));
        }
    }

    /// Another hub says under which epoch it runs the room, or that it does not.
    pub(crate) fn says(&self, device: &Device, epoch: Option<u64>) {
        if let Some(peer) = self.known_mut().peers.get_mut(device) {
            peer.epoch = epoch;
        }
    }

    /// Another hub has answered.
    pub(crate) fn answered(&self, device: &Device, now_ms: i64) {
        if let Some(peer) = self.known_mut().peers.get_mut(device) {
            peer.leader.heard(now_ms);
        }
    }

    /// The list of terminals of another hub that was taken over last.
    pub(crate) fn list_of(&self, device: &Device) -> Option<Hash32> {
        self.known().peers.get(device)?.list
    }

    pub(crate) fn list_taken(&self, device: &Device, list: Hash32) {
        if let Some(peer) = self.known_mut().peers.get_mut(device) {
            peer.list = Some(list);
        }
    }

    /// Everything that another hub held then is here.
    pub(crate) fn whole(&self, device: &Device, then_ms: i64) {
        if let Some(peer) = self.known_mut().peers.get_mut(device) {
            peer.leader.whole(then_ms);
        }
    }

    /// How it stands with every hub that was heard in this run.
    pub fn stand(&self, now_ms: i64) -> Vec<PeerStands> {
        let known = self.known();
        let stands = known.peers.iter().map(|(device, peer)| PeerStands {
            device: *device,
            hub_name: peer.delegation.hub_name.clone(),
            epoch: peer.epoch,
            follower: peer.follower.stands(now_ms),
            leader: peer.leader.stands(now_ms),
        });
        stands.collect()
    }

    /// An epoch under which another hub says that it commands.
    ///
    /// # Errors
    /// The refusal's code.
    pub(crate) fn epoch_of(
        &self,
        hub: &HubDelegation,
        bytes: &[u8],
    ) -> Result<Epoch, &'static str> {
        let epoch = Epoch::verify(&hub.issuer, bytes).map_err(|_| "hub.epoch_false")?;
        let theirs = epoch.site == hub.site && epoch.hub == hub.device;
        if !theirs || !hub.covers_room(&epoch.room_no) {
            return Err("hub.epoch_false");
        }
        Ok(epoch)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn is_held(&self, holds: &Holds) -> bool {
        let held: BTreeMap<&[u8], u64> = holds
            .ledgers
            .iter()
            .map(|one| (one.ledger_id.as_slice(), one.size))
            .collect();
        let here =
            |(id, size): &(LedgerId, u64)| held.get(id.as_slice()).is_some_and(|held| held >= size);
        self.ledgers.iter().all(here) && holds.objects >= self.objects
    }
}

impl Known {
    /// What was heard of the same hub before stays.
    fn put(&mut self, mut peer: Peer) {
        let device = device_of(&peer.delegation);
        if let Some(before) = self.peers.remove(&device) {
            peer = Peer {
                delegation: peer.delegation,
                bytes: peer.bytes,
                ..before
            };
        }
        self.peers.insert(device, peer);
        self.revision += 1;
    }
}

impl Peer {
    fn new(delegation: HubDelegation, bytes: Vec<u8>) -> Peer {
        Peer {
            delegation,
            bytes,
            follower: Following::default(),
            told: None,
            leader: Following::default(),
            epoch: None,
            list: None,
        }
    }

    fn as_terminal(&self) -> Terminal {
        Terminal {
            name: self.delegation.hub_name.clone(),
            sign: self.delegation.device,
            kem: self.delegation.kem,
            machine: Vec::new(),
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            admission: Admission::Approved,
            first_ms: self.delegation.issued_ms,
            decided_ms: None,
            decided_by: String::new(),
            certificate: None,
            warning: None,
        }
    }
}

fn device_of(delegation: &HubDelegation) -> Device {
    Hash32(*delegation.device.as_bytes())
}
