//! From a data directory to a running hub.

use super::{Config, Hub, Serving, Stores, keep};
use crate::center::ToCenter;
use crate::core::{Core, MOST_FETCHES};
use crate::delegation::{Delegations, witness_name};
use crate::devices::Devices;
use crate::follow::Follower;
use crate::forward::Forward;
use crate::grants::Grants;
use crate::keys::{Keyring, KeysError};
use crate::peers::Peers;
use crate::pictures::Pictures;
use crate::pool::Pool;
use crate::received::{FOLDER, Received};
use crate::room::Room;
use crate::server;
use crate::unlock::{Unlocks, UnlocksParts};
use fengjuan_core::clock::Tick;
use fengjuan_core::event::{Event, Hash32};
use fengjuan_device::identity::{DeviceIdentity, IdentityError};
use fengjuan_device::machine::Machine;
use fengjuan_device::papers::{Papers, PapersError};
use fengjuan_device::recorder::{Recorder, SYSTEM, last_tick};
use fengjuan_device::site_kit::{KitError, SiteKit};
use fengjuan_device::sync::{ReceivedOrder, Uplink, UplinkParts};
use fengjuan_device::upstream::{self, SiteUpstream, SiteUpstreamParts};
use fengjuan_device::view::PullState;
use fengjuan_envelope::note;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_serve::{Rates, Running};
use fengjuan_store::{Change, Database, Opened, Reader, ReplicaReader, Replicas, StoreError};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, watch};

const LISTEN_AGAIN: Duration = Duration::from_secs(2);

/// Why a hub cannot be opened. Nothing is changed that is there.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    #[error(transparent)]
    Kit(#[from] KitError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Papers(#[from] PapersError),
    #[error(transparent)]
    Tls(#[from] upstream::TlsError),
    #[error(transparent)]
    Room(#[from] crate::room::RoomRefusal),
    #[error("data directory: {0}")]
    Io(#[from] std::io::Error),
}

impl HubError {
    pub fn code(&self) -> &str {
        match self {
            HubError::Kit(error) => error.code(),
            HubError::Identity(error) => error.code(),
            HubError::Keys(error) => error.code(),
            HubError::Store(error) => error.code(),
            HubError::Papers(error) => error.code(),
            HubError::Tls(error) => error.code(),
            HubError::Room(error) => error.code(),
            HubError::Io(_) => "store.io",
        }
    }
}

struct Base {
    kit: SiteKit,
    identity: Arc<DeviceIdentity>,
    keys: Arc<Keyring>,
    recorder: Recorder,
    stores: Stores,
    last_tick: Option<Tick>,
    opened: Opened,
    reboot: bool,
}

impl Hub {
    /// Opens everything, serves the terminals, and goes on by itself. Blocks on the disk.
    ///
    /// # Errors
    /// [`HubError`]; nothing is running then.
    pub fn open(
        config: &Config,
        machine: Arc<dyn Machine>,
        runtime: &Handle,
    ) -> Result<Hub, HubError> {
        let base = base(config, machine.clone())?;
        record_start(&base)?;
        let center = ToCenter::new(&base.kit, &base.identity, &base.keys, machine)?;
        let (uplink, orders) = Uplink::new(UplinkParts {
            upstream: center,
            kit: base.kit.clone(),
            identity: base.identity.clone(),
            recorder: base.recorder.clone(),
            reader: base.stores.database.reader()?,
            data_dir: config.data_dir.clone(),
        })?;
        if uplink.asked_as()?.is_none() && !config.hub_name.is_empty() {
            uplink.ask_to_enrol(&config.hub_name)?;
        }
        let core = Arc::new(core(config, &base)?);
        if !config.standby {
            core.room.begin()?;
        }
        let (pull, _) = watch::channel(PullState::Idle {});
        let mut hub = Hub {
            sync: uplink.state(),
            core,
            uplink,
            pull,
            runtime: runtime.clone(),
            serving: Arc::default(),
            tasks: Vec::new(),
            stores: base.stores,
        };
        let others = SiteUpstream::new(SiteUpstreamParts {
            kit: base.kit,
            identity: base.identity,
            recorder: base.recorder,
            data_dir: config.data_dir.clone(),
        })?;
        let follower = Follower::new(hub.core.clone(), hub.uplink.clone(), others);
        keep::refresh(&hub.core);
        hub.start(config.listen, orders, follower);
        Ok(hub)
    }

    fn start(
        &mut self,
        listen: SocketAddr,
        orders: mpsc::UnboundedReceiver<ReceivedOrder>,
        follower: Follower,
    ) {
        let runtime = self.runtime.clone();
        let _entered = runtime.enter();
        let served = serve(&self.core, listen, &self.serving);
        self.serving().sync = Some(self.uplink.spawn(&runtime));
        let (core, uplink) = (self.core.clone(), self.uplink.clone());
        let forward = Forward::new(core.clone(), uplink.clone());
        self.tasks = vec![
            runtime.spawn(keep::clerk(core.clone())),
            runtime.spawn(keep::orders(core.clone(), orders)),
            runtime.spawn(keep::receipts(core, uplink.state())),
            runtime.spawn(keep::first_pull(
                self.core.clone(),
                uplink,
                self.pull.clone(),
            )),
            runtime.spawn(forward.go_on()),
            runtime.spawn(follower.go_on()),
            runtime.spawn(keep::announce(self.core.clone(), self.serving.clone())),
        ];
        if !served {
            let later = serve_later(self.core.clone(), listen, self.serving.clone());
            self.tasks.push(runtime.spawn(later));
        }
    }
}

/// Serves terminals, in the runtime's context. False where the address cannot be had now.
fn serve(core: &Arc<Core>, listen: SocketAddr, serving: &Mutex<Serving>) -> bool {
    let mut serving = serving.lock().unwrap_or_else(PoisonError::into_inner);
    if serving.ended || serving.running.is_some() {
        return true;
    }
    let served = (|| -> std::io::Result<Running> {
        let listener = TcpListener::bind(listen)?;
        let key = &core.identity.sign;
        let tls = fengjuan_serve::server_config(key).map_err(std::io::Error::other)?;
        fengjuan_serve::listen(server::router(core.clone()), listener, tls, server::LIMITS)
    })();
    core.trouble("hub.listen", served.is_err());
    match served {
        Ok(running) => {
            tracing::info!(address = %running.address, "serving the room");
            serving.address = Some(running.address);
            serving.running = Some(running);
            true
        }
        Err(error) => {
            tracing::error!(%error, address = %listen, "terminals cannot be served");
            false
        }
    }
}

/// Until the address can be had: another program may hold it, or the network card is not up yet.
async fn serve_later(core: Arc<Core>, listen: SocketAddr, serving: Arc<Mutex<Serving>>) {
    while !serve(&core, listen, &serving) {
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

fn base(config: &Config, machine: Arc<dyn Machine>) -> Result<Base, HubError> {
    let dir = config.data_dir.as_path();
    std::fs::create_dir_all(dir.join(FOLDER))?;
    let kit = SiteKit::adopt(dir, config.site_kit.as_deref())?;
    let identity = Arc::new(DeviceIdentity::open(dir)?);
    let keys = Arc::new(Keyring::open(dir)?);
    let (database, opened) = Database::open(dir)?;
    let reader = database.reader()?;
    let last_tick = last_tick(&reader)?;
    let (recorder, resumption) = Recorder::start(database.writer(), &reader, machine)?;
    let replicas = replicas(dir, witness_name(&kit, &identity), &keys.witness)?;
    Ok(Base {
        kit,
        identity,
        keys,
        recorder,
        stores: Stores {
            database: Arc::new(database),
            replicas: Arc::new(replicas),
        },
        last_tick,
        opened,
        reboot: !resumption.same_boot,
    })
}

fn replicas(dir: &Path, name: String, witness: &SigningKey) -> Result<Replicas, StoreError> {
    let witness = SigningKey::from_seed(&witness.seed());
    Replicas::open(dir, move |text, now_ms| {
        let seconds = u64::try_from(now_ms / 1000).unwrap_or(0);
        note::cosign(text, &name, &witness, seconds).map_err(|error| error.to_string())
    })
}

fn core(config: &Config, base: &Base) -> Result<Core, HubError> {
    let Base {
        kit,
        identity,
        keys,
        recorder,
        stores,
        ..
    } = base;
    let reader = stores.database.reader()?;
    let me = Hash32(*identity.public().as_bytes());
    let peers = Peers::open(&reader, kit.clone(), me)?;
    let room = Room::open(
        recorder.clone(),
        stores.database.reader()?,
        stores.replicas.reader()?,
        me,
        peers.devices(),
    )?;
    let papers = Papers::open(
        &config.data_dir,
        kit.clone(),
        identity.clone(),
        recorder.clone(),
        stores.database.reader()?,
    )?;
    let parts = UnlocksParts {
        room: room.clone(),
        papers: papers.clone(),
        identity: identity.clone(),
        keys: keys.clone(),
        issuer: kit.directory.issuer,
        site: kit.site.clone(),
    };
    let receiver = witness_name(kit, identity);
    let now = recorder.exam_now();
    Ok(Core {
        data_dir: config.data_dir.clone(),
        devices: Devices::open(&reader, &kit.site, keys.clone())?,
        peers,
        grants: Grants::open(&reader, keys.clone())?,
        unlocks: Unlocks::open(parts, &reader)?,
        received: Received::open(&reader, keys.clone(), receiver)?,
        delegation: Delegations::open(&reader, kit.clone(), identity.clone(), keys.clone(), now)?,
        replicas: stores.replicas.writer(),
        database: Arc::downgrade(&stores.database),
        replica_store: Arc::downgrade(&stores.replicas),
        own_readers: own_readers(&config.data_dir),
        replica_readers: replica_readers(&config.data_dir),
        rates: Rates::default(),
        fetches: Arc::new(Semaphore::new(MOST_FETCHES)),
        pictures: Pictures::default(),
        uploads: std::array::from_fn(|_| Mutex::new(())),
        orders: RwLock::default(),
        strangers: Mutex::default(),
        trouble: Mutex::default(),
        kit: kit.clone(),
        identity: identity.clone(),
        keys: keys.clone(),
        recorder: recorder.clone(),
        room,
        papers,
    })
}

fn own_readers(dir: &Path) -> Pool<Reader> {
    let dir = dir.to_owned();
    Pool::new(move || Database::read_only(&dir))
}

fn replica_readers(dir: &Path) -> Pool<ReplicaReader> {
    let dir = dir.to_owned();
    Pool::new(move || Replicas::read_only(&dir))
}

fn record_start(base: &Base) -> Result<(), StoreError> {
    let (recorder, opened) = (&base.recorder, &base.opened);
    let started = Event::Started {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sqlite: fengjuan_store::sqlite_version().to_owned(),
        reboot: base.reboot && base.last_tick.is_some(),
        last_tick_ms: base.last_tick.map(|tick| tick.exam_ms),
    };
    let database = Event::DatabaseOpened {
        schema: opened.schema,
        integrity: opened.integrity.clone(),
        entries: opened.entries,
    };
    let change = Change::default()
        .entry(recorder.entry(SYSTEM, None, started))
        .entry(recorder.entry(SYSTEM, None, database));
    recorder.writer().commit(change).map(drop)
}
