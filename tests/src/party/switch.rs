//! The room's switch, or the line to the center: a forwarder on loopback that can go silent, cut what it carries, or say
//! again what it once carried.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// What it does with what comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carries {
    #[default]
    Everything,
    /// Without power: connections stay as they are, and nothing comes through.
    Nothing,
    /// Unplugged, and the machines' own network cards notice: every connection ends, and none begins.
    Cut,
    /// A rogue: both ends of every new connection hear what was said on one that it has kept.
    Replays,
}

#[derive(Clone, Copy, Default)]
struct Now {
    carries: Carries,
    /// How many there were, so that none is too short to be noticed.
    outages: u64,
}

/// Of each direction of a connection no more than this is kept.
const KEPT_BYTES: usize = 1 << 20;

/// What was said on connections since a moment.
#[derive(Default)]
struct Kept {
    is_on: bool,
    connections: Vec<Said>,
    replayed: usize,
}

#[derive(Clone, Default)]
struct Said {
    up: Vec<u8>,
    down: Vec<u8>,
}

type Memory = Arc<Mutex<Kept>>;

fn lock(memory: &Memory) -> MutexGuard<'_, Kept> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

pub struct Switch {
    pub address: SocketAddr,
    carries: watch::Sender<Now>,
    memory: Memory,
    _runtime: Runtime,
}

impl Switch {
    /// In front of `to`.
    pub fn new(to: SocketAddr) -> anyhow::Result<Switch> {
        let listener = StdListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (carries, carried) = watch::channel(Now::default());
        let memory = Memory::default();
        let kept = memory.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        runtime.spawn(async move {
            let Ok(listener) = TcpListener::from_std(listener) else {
                return;
            };
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, to, carried.clone(), kept.clone()));
            }
        });
        Ok(Switch {
            address,
            carries,
            memory,
            _runtime: runtime,
        })
    }

    /// From now on. What was connected before an outage does not come back with it.
    pub fn set(&self, carries: Carries) {
        self.carries.send_modify(|now| {
            now.outages += u64::from(carries != Carries::Everything);
            now.carries = carries;
        });
    }

    /// Keeps what is said on every connection that begins from now on.
    pub fn keep(&self) {
        lock(&self.memory).is_on = true;
    }

    /// How many connections have heard what was said before.
    pub fn replayed(&self) -> usize {
        lock(&self.memory).replayed
    }
}

async fn carry(near: TcpStream, to: SocketAddr, mut carries: watch::Receiver<Now>, memory: Memory) {
    // Packets that nobody acknowledges are sent again: whoever connects now is heard once the power is back.
    let reached = carries
        .wait_for(|now| now.carries != Carries::Nothing)
        .await;
    let Ok(Now {
        carries: now,
        outages,
    }) = reached.map(|now| *now)
    else {
        return;
    };
    if now == Carries::Cut {
        return;
    }
    let Ok(far) = TcpStream::connect(to).await else {
        return;
    };
    if now == Carries::Replays {
        return replay(near, far, &memory).await;
    }
    let place = {
        let mut kept = lock(&memory);
        let is_on = kept.is_on;
        kept.connections.extend(is_on.then(Said::default));
        is_on.then(|| kept.connections.len() - 1)
    };
    let keep = |up: bool| {
        let memory = memory.clone();
        move |bytes: &[u8]| {
            let Some(place) = place else { return };
            let said = &mut lock(&memory).connections[place];
            let said = if up { &mut said.up } else { &mut said.down };
            if said.len() + bytes.len() <= KEPT_BYTES {
                said.extend_from_slice(bytes);
            }
        }
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let (up, down) = (
        pump(near_in, far_out, carries.clone(), keep(true)),
        pump(far_in, near_out, carries.clone(), keep(false)),
    );
    tokio::select! {
        () = async { tokio::join!(up, down); } => {}
        () = broken(carries, outages) => {}
    }
}

/// When this connection is over by the switch's doing: at once where it is cut, after the outage where it was silent.
async fn broken(mut carries: watch::Receiver<Now>, outages: u64) {
    let over = |now: &Now| now.outages > outages && now.carries != Carries::Nothing;
    let _ = carries.wait_for(over).await;
}

/// Each end hears one side of a connection that was kept, and is left to what it makes of it.
async fn replay(mut near: TcpStream, mut far: TcpStream, memory: &Memory) {
    let said = {
        let mut kept = lock(memory);
        let count = kept.connections.len().max(1);
        let said = kept.connections.get(kept.replayed % count).cloned();
        kept.replayed += 1;
        said.unwrap_or_default()
    };
    let mut rest = Vec::new();
    let _ = tokio::join!(near.write_all(&said.down), far.write_all(&said.up));
    let _ = (near.shutdown().await, far.shutdown().await);
    let _ = (
        near.read_to_end(&mut rest).await,
        far.read_to_end(&mut rest).await,
    );
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    carries: watch::Receiver<Now>,
    keep: impl Fn(&[u8]),
) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let Ok(length) = from.read(&mut bytes).await else {
            return;
        };
        if length == 0 {
            let _ = to.shutdown().await;
            return;
        }
        let silent = carries.borrow().carries == Carries::Nothing;
        if silent {
            // Held until the connection is given up.
            std::future::pending::<()>().await;
        }
        keep(&bytes[..length]);
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
