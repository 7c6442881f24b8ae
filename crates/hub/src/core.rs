//! What every call and every task of the hub works on.

use crate::delegation::Delegations;
use crate::devices::{Admission, Devices, Terminal};
use crate::grants::Grants;
use crate::keys::Keyring;
use crate::peers::Peers;
use crate::pictures::Pictures;
use crate::pool::Pool;
use crate::received::Received;
use crate::room::{Outgoing, Raised, Room};
use crate::strangers::Strangers;
use crate::unlock::Unlocks;
use axum::http::StatusCode;
use fengjuan_core::event::Hash32;
use fengjuan_core::room::station::Fact;
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::papers::Papers;
use fengjuan_device::recorder::Recorder;
use fengjuan_device::site_kit::SiteKit;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_serve::{FAULT, Rates, Refused};
use fengjuan_store::{Database, Reader, ReplicaReader, ReplicaWriter, Replicas, StoreError};
use fengjuan_wire::room::Epoch;
use fengjuan_wire::{Signed, WireError};
use serde_bytes::ByteBuf;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use tokio::sync::Semaphore;

/// Answers with a piece of a package that are under way at once.
pub(crate) const MOST_FETCHES: usize = 48;

pub(crate) struct Core {
    pub(crate) data_dir: PathBuf,
    pub(crate) kit: SiteKit,
    pub(crate) identity: Arc<DeviceIdentity>,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) recorder: Recorder,
    pub(crate) room: Room,
    pub(crate) devices: Devices,
    pub(crate) peers: Peers,
    pub(crate) papers: Papers,
    pub(crate) grants: Grants,
    pub(crate) unlocks: Unlocks,
    pub(crate) received: Received,
    pub(crate) pictures: Pictures,
    pub(crate) delegation: Delegations,
    pub(crate) replicas: ReplicaWriter,
    /// For their reserves alone: whoever holds the hub closes the stores.
    pub(crate) database: Weak<Database>,
    pub(crate) replica_store: Weak<Replicas>,
    pub(crate) own_readers: Pool<Reader>,
    pub(crate) replica_readers: Pool<ReplicaReader>,
    pub(crate) rates: Rates,
    pub(crate) fetches: Arc<Semaphore>,
    /// Two parts of one upload must not be written at once; unrelated uploads need not wait for each other.
    pub(crate) uploads: [Mutex<()>; 64],
    /// The center's orders as they were signed.
    pub(crate) orders: RwLock<Vec<ByteBuf>>,
    pub(crate) strangers: Mutex<Strangers>,
    pub(crate) trouble: Mutex<BTreeSet<&'static str>>,
}

impl Core {
    /// Runs what blocks off the async threads. A panic inside is answered as a fault and harms no later request.
    pub(crate) async fn off_thread<T: Send + 'static>(
        self: &Arc<Core>,
        work: impl FnOnce(&Core) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let core = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&core)).await;
        done.unwrap_or_else(|error| {
            tracing::error!(%error, "a request's work was cut off");
            Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, FAULT, ""))
        })
    }

    /// The terminal behind a TLS key, if it may speak from there. Whoever may not is an alert.
    pub(crate) fn admitted(
        &self,
        sign: &PublicKey,
        from: IpAddr,
    ) -> Result<Arc<Terminal>, Refused> {
        self.devices.judge(sign, from).map_err(|code| {
            self.stranger(sign, code);
            Refused::forbidden(code)
        })
    }

    /// A device that may not speak here. One that waits for two people is no alert.
    pub(crate) fn stranger(&self, sign: &PublicKey, code: &'static str) {
        if code == "upstream.device_pending" {
            return;
        }
        if !self.is_news((*sign.as_bytes(), code)) {
            return;
        }
        tracing::warn!(device = sign.to_hex(), code, "a device was refused");
        self.room.observe(&Fact::Stranger {
            device: Hash32(*sign.as_bytes()),
            code: code.to_owned(),
        });
    }

    fn is_news(&self, stranger: ([u8; 32], &'static str)) -> bool {
        let known = self.devices.get(&Hash32(stranger.0));
        let decided = known.is_some_and(|known| known.admission != Admission::Asking);
        let mut strangers = self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        strangers.is_news(stranger, decided, self.room.now())
    }

    /// Something is wrong here that the station's page shows, by its code.
    pub(crate) fn trouble(&self, code: &'static str, is_the_case: bool) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = if is_the_case {
            trouble.insert(code)
        } else {
            trouble.remove(code)
        };
        drop(trouble);
        if changed {
            self.room.touch();
        }
    }

    /// The storage's refusal for a terminal, which keeps what it has and asks again.
    pub(crate) fn storage(&self, error: &StoreError) -> Refused {
        if *error == StoreError::Full {
            self.trouble("store.full", true);
            self.release_reserves();
            let code = "store.full";
            return Refused::new(
                StatusCode::INSUFFICIENT_STORAGE,
                code,
                "the hub's disk is full",
            );
        }
        Refused::fault(error)
    }

    /// So that what is begun can be finished on a full disk.
    fn release_reserves(&self) {
        let own = self.database.upgrade().map(|store| store.release_reserve());
        let replicas = self.replica_store.upgrade();
        let replicas = replicas.map(|store| store.release_reserve());
        for released in [own, replicas].into_iter().flatten() {
            match released {
                Ok(true) => tracing::warn!("the disk is full: the reserve is given free"),
                Ok(false) => {}
                Err(error) => tracing::error!(code = error.code(), "the reserve stays"),
            }
        }
    }

    /// Which station runs the room since when, for whoever asks.
    pub(crate) fn signed_epoch(&self, raised: &Raised) -> Result<Vec<u8>, WireError> {
        let held = self.delegation.held();
        let room_no = held.and_then(|held| held.delegation.room_no.clone());
        let epoch = Epoch {
            site: self.kit.site.clone(),
            room_no: room_no.unwrap_or_default(),
            epoch: raised.epoch,
            hub: self.identity.public(),
            raised_ms: raised.at_ms,
            raised_by: raised.by.clone(),
        };
        epoch.sign(&self.keys.issuer)
    }

    /// Everybody is told that something new is offered.
    pub(crate) fn look(&self) {
        self.room.lines().send_all(&Outgoing::Look);
    }
}
