use crate::device::{self, Device, DeviceState};
use crate::keys::KeyRole;
use crate::{CenterError, Home};
use axum::http::StatusCode;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_serve::{FAULT, Peer, Rates, Refused};
use fengjuan_store::LedgerId;
use fengjuan_wire::Hash32;
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Milliseconds since the Unix epoch.
pub type Clock = fn() -> i64;

/// What every request works on.
pub struct Center {
    pub(super) home: Home,
    pub(super) receipt: SigningKey,
    pub(super) witness: SigningKey,
    clock: Clock,
    conn: Mutex<Connection>,
    rates: Rates,
    /// Two parts of one upload must not be written at once; unrelated uploads need not wait for each other.
    uploads: [Mutex<()>; 64],
    /// When the last request came in that reached the end of what is held of a ledger, by who sent it.
    heads: Mutex<HashMap<(LedgerId, PublicKey), Instant>>,
    /// What a hub has stated of a ledger at most.
    brought: Mutex<HashMap<(LedgerId, PublicKey), u64>>,
}

impl Center {
    pub fn open(home: Home) -> Result<Center, CenterError> {
        Center::open_by(home, crate::now_ms)
    }

    /// By another clock than this machine's: for rooms whose time a test moves.
    pub fn open_by(home: Home, clock: Clock) -> Result<Center, CenterError> {
        Ok(Center {
            clock,
            receipt: home.keys().signing(KeyRole::Receipt)?,
            witness: home.keys().signing(KeyRole::Witness)?,
            conn: Mutex::new(home.database()?),
            rates: Rates::default(),
            uploads: std::array::from_fn(|_| Mutex::new(())),
            heads: Mutex::default(),
            brought: Mutex::default(),
            home,
        })
    }

    /// What exam clocks follow.
    pub(crate) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// Runs database work off the async threads. A panic inside is answered as a fault and harms no later request:
    /// an unfinished transaction is rolled back when it is dropped.
    pub(super) async fn with_database<T: Send + 'static>(
        self: &Arc<Center>,
        work: impl FnOnce(&Center, &mut Connection) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let center = self.clone();
        center
            .clone()
            .off_thread(move |_| {
                let mut conn = center.conn.lock().unwrap_or_else(PoisonError::into_inner);
                work(&center, &mut conn)
            })
            .await
    }

    pub(super) async fn off_thread<T: Send + 'static>(
        self: Arc<Center>,
        work: impl FnOnce(&Center) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let done = tokio::task::spawn_blocking(move || work(&self)).await;
        done.unwrap_or_else(|error| {
            tracing::error!(%error, "a request's work was cut off");
            Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, FAULT, ""))
        })
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn receipt_key(&self) -> &SigningKey {
        &self.receipt
    }

    pub(crate) fn database(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn upload_lock(&self, hash: &Hash32) -> &Mutex<()> {
        &self.uploads[usize::from(hash.0[0]) % self.uploads.len()]
    }

    /// A request that came in at `arrived` showed that the device's ledger reaches as far as what is held of it.
    pub(super) fn head_reached(&self, by: (LedgerId, PublicKey), arrived: Instant) {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let last = heads.entry(by).or_insert(arrived);
        *last = arrived.max(*last);
    }

    /// How much of a ledger a hub has stated at most, this time included. Forgotten with the program.
    pub(super) fn brought(&self, ledger_id: &LedgerId, hub: &PublicKey, stated: u64) -> u64 {
        let mut brought = self.brought.lock().unwrap_or_else(PoisonError::into_inner);
        let most = brought.entry((*ledger_id, *hub)).or_insert(stated);
        *most = stated.max(*most);
        *most
    }

    /// Whether a request came in before the one that reached the present end: it then says nothing about the present,
    /// as when it was given up by the device and worked on late.
    pub(super) fn outrun(&self, by: &(LedgerId, PublicKey), arrived: Instant) -> bool {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.get(by).is_some_and(|last| arrived <= *last)
    }

    /// Whether a device keeps to a sane number of requests.
    pub(super) fn allows(&self, device: &Device) -> bool {
        self.rates.allows(&device.sign, Instant::now())
    }

    /// The device behind a TLS key, if two people have approved it.
    pub(super) async fn approved(
        self: &Arc<Center>,
        peer: Option<Peer>,
    ) -> Result<Arc<Device>, Refused> {
        let Some(Peer(sign)) = peer else {
            return Err(Refused::forbidden("upstream.unknown_device"));
        };
        let device = self
            .with_database(move |_, conn| Ok(device::find(conn, &sign)?))
            .await?;
        match device {
            None => Err(Refused::forbidden("upstream.unknown_device")),
            Some(device) => match device.state {
                DeviceState::Approved => Ok(Arc::new(device)),
                DeviceState::Pending | DeviceState::Vouched => {
                    Err(Refused::forbidden("upstream.device_pending"))
                }
                DeviceState::Revoked => Err(Refused::forbidden("upstream.device_revoked")),
            },
        }
    }
}
