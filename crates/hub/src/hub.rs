//! A whole hub: opened from its data directory, served, and kept going. Trouble while it runs is a state that the
//! station's page shows; it never ends the program.

mod keep;
mod open;

pub(crate) use keep::shows_pictures;
pub use open::HubError;

use crate::center::ToCenter;
use crate::core::Core;
use crate::courier::Courier;
use crate::delegation::Delegated;
use crate::devices::Devices;
use crate::entries;
use crate::peers::Peers;
use crate::pictures::{self, Pictures};
use crate::received::Whereabouts;
use crate::room::Room;
use crate::unlock::Unlocks;
use fengjuan_core::room::Device;
use fengjuan_device::identity::DeviceIdentity;
use fengjuan_device::papers::Papers;
use fengjuan_device::recorder::Recorder;
use fengjuan_device::site_kit::SiteKit;
use fengjuan_device::sync::{SyncState, SyncTask, Uplink};
use fengjuan_device::view::PullState;
use fengjuan_serve::Running;
use fengjuan_store::{Database, Reader, ReplicaReader, Replicas, StoreError};
use fengjuan_wire::Hash32;
use fengjuan_wire::room::SmallPicture;
use fengjuan_wire::upstream::{EntriesReply, EntriesRequest};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How a hub is set up.
#[derive(Clone, Debug)]
pub struct Config {
    pub data_dir: PathBuf,
    /// A kit folder to be taken over; none: the one of the data directory.
    pub site_kit: Option<PathBuf>,
    /// Where terminals connect.
    pub listen: SocketAddr,
    /// The name under which it asks to be enrolled at the center; empty: somebody types it at the station.
    pub hub_name: String,
    /// A second station, which runs the room only when somebody takes over there.
    pub standby: bool,
}

/// A running hub. Dropping it stops it; what was acknowledged is durable.
pub struct Hub {
    core: Arc<Core>,
    uplink: Uplink<ToCenter>,
    sync: watch::Receiver<SyncState>,
    pull: watch::Sender<PullState>,
    runtime: Handle,
    serving: Arc<Mutex<Serving>>,
    tasks: Vec<JoinHandle<()>>,
    /// Dropped last of all, after everything that writes.
    stores: Stores,
}

/// What ends with the hub. Once it has ended nothing is served any more.
#[derive(Default)]
struct Serving {
    address: Option<SocketAddr>,
    running: Option<Running>,
    sync: Option<SyncTask>,
    ended: bool,
}

struct Stores {
    database: Arc<Database>,
    replicas: Arc<Replicas>,
}

impl Hub {
    /// The station and its terminals.
    pub fn room(&self) -> &Room {
        &self.core.room
    }

    /// Who may speak, and who asks.
    pub fn devices(&self) -> &Devices {
        &self.core.devices
    }

    /// The other hubs of the room, and how it stands with them.
    pub fn peers(&self) -> &Peers {
        &self.core.peers
    }

    /// What this hub holds of the papers.
    pub fn papers(&self) -> &Papers {
        &self.core.papers
    }

    /// The sittings that are open, and the code.
    pub fn unlocks(&self) -> &Unlocks {
        &self.core.unlocks
    }

    /// A small picture that an admitted terminal says, kept in memory while its sitting goes on. False where it is out
    /// of its bounds.
    pub fn take_picture(&self, device: &Device, picture: SmallPicture) -> bool {
        pictures::take(&self.core, *device, picture)
    }

    /// What the cameras saw last.
    pub(crate) fn pictures(&self) -> &Pictures {
        &self.core.pictures
    }

    pub fn kit(&self) -> &SiteKit {
        &self.core.kit
    }

    pub fn identity(&self) -> &Arc<DeviceIdentity> {
        &self.core.identity
    }

    pub fn recorder(&self) -> &Recorder {
        &self.core.recorder
    }

    /// This hub's own ledger and objects, on a connection of its own.
    ///
    /// # Errors
    /// Storage errors.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        self.stores.database.reader()
    }

    /// The terminals' ledgers as they are held here.
    ///
    /// # Errors
    /// Storage errors.
    pub fn replicas(&self) -> Result<ReplicaReader, StoreError> {
        self.stores.replicas.reader()
    }

    /// The line to the center, and what is not there yet.
    pub fn sync(&self) -> watch::Receiver<SyncState> {
        self.sync.clone()
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// This hub's delegation, where there is one; whether it is in force, its user asks.
    pub fn delegation(&self) -> Option<Arc<Delegated>> {
        self.core.delegation.held()
    }

    /// Objects of terminals that are here and have no receipt of the center yet, and whose they are.
    pub fn here_only(&self) -> BTreeMap<Hash32, Device> {
        self.core.received.here_only()
    }

    /// How far an object of a terminal has come.
    pub fn whereabouts(&self, object: &Hash32) -> Whereabouts {
        self.core.received.whereabouts(object)
    }

    /// Codes of what is wrong here, e.g. `store.full`, `hub.listen`.
    pub fn trouble(&self) -> Vec<&'static str> {
        let trouble = self.core.trouble.lock();
        let trouble = trouble.unwrap_or_else(PoisonError::into_inner);
        trouble.iter().copied().collect()
    }

    /// Where terminals connect; none while the address cannot be had.
    pub fn address(&self) -> Option<SocketAddr> {
        self.serving().address
    }

    /// Asks the center to be enrolled under this name.
    ///
    /// # Errors
    /// Storage errors.
    pub fn enrol(&self, hub_name: &str) -> Result<(), StoreError> {
        self.uplink.ask_to_enrol(hub_name)
    }

    /// The name under which enrolment was asked for.
    ///
    /// # Errors
    /// Storage errors.
    pub fn asked_as(&self) -> Result<Option<String>, StoreError> {
        self.uplink.asked_as()
    }

    /// The upstream's client, for the equipment check and the courier.
    pub fn uplink(&self) -> &Uplink<ToCenter> {
        &self.uplink
    }

    /// What is brought by hand.
    pub fn courier(&self) -> Courier {
        Courier {
            core: self.core.clone(),
            uplink: self.uplink.clone(),
        }
    }

    /// Pulls what the center offers, in the background.
    pub fn pull(&self) {
        let (papers, uplink) = (self.core.papers.clone(), self.uplink.clone());
        let (pull, room) = (self.pull.clone(), self.core.room.clone());
        self.runtime.spawn(async move {
            keep::pull(&papers, &uplink, &pull, &room).await;
        });
    }

    /// How the last pull went, or goes.
    pub fn pull_state(&self) -> PullState {
        self.pull.borrow().clone()
    }

    /// Papers, grants or orders have changed by hand (a courier's stick): what follows is done soon.
    pub fn papers_changed(&self) {
        keep::refresh(&self.core);
    }

    /// Takes entries of a terminal as its channel would: for whoever drives a room without a network. Blocks.
    ///
    /// # Errors
    /// The refusal's code.
    pub fn take_entries(
        &self,
        device: &Device,
        request: EntriesRequest,
    ) -> Result<EntriesReply, String> {
        let terminal = self.devices().get(device);
        let terminal = terminal.ok_or_else(|| "hub.unknown_device".to_owned())?;
        let taken = entries::take(&self.core, &terminal, request);
        let taken = self.runtime.block_on(taken);
        taken.map_err(|refused| refused.code().to_owned())
    }

    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Ends what is being answered, and stops. Keys in memory are erased.
    pub async fn stop(self) {
        let running = self.serving().end();
        self.core.room.lines().close_all();
        if let Some(running) = running {
            running.stop().await;
        }
        let stopped = fengjuan_core::event::Event::Stopped {};
        let recorded = self
            .core
            .recorder
            .record(fengjuan_device::recorder::SYSTEM, stopped);
        if let Err(error) = recorded {
            tracing::warn!(code = error.code(), "the stop was not recorded");
        }
    }

    fn serving(&self) -> MutexGuard<'_, Serving> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        // A channel outlives its server: it would go on saying that somebody is there.
        self.core.room.lines().close_all();
        if let Some(running) = self.serving().end() {
            running.stopper()();
        }
    }
}

impl Serving {
    fn end(&mut self) -> Option<Running> {
        self.ended = true;
        self.sync = None;
        self.running.take()
    }
}
