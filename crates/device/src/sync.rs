//! Keeping up with the upstream: the clock, the orders, the ledger's replica and witness, and the sealed objects until
//! each has its receipt. Nothing on a screen waits for any of this, everything may be repeated, and nothing is ever
//! deleted because it was sent.

mod anchor;
mod checkpoint;
mod courier;
mod enrol_courier;
mod enrolment;
mod error;
mod orders;
mod pace;
mod replicate;
mod state;
mod task;
mod upload;
mod whose;

pub use checkpoint::checkpoint;
pub use enrol_courier::{EnrolStickError, carried_delegations};
pub use error::SyncError;
pub use orders::{ReceivedOrder, held_order_bytes, held_orders};
pub use pace::Pace;
pub(crate) use replicate::{Exchange, Judged};
pub use state::{RoomLink, SyncState};
pub use task::SyncTask;

use crate::identity::DeviceIdentity;
use crate::recorder::Recorder;
use crate::site_kit::SiteKit;
use crate::upstream::{self, Enrolment, Upstream};
use crate::view::LinkState;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_store::{Reader, StoreError};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc, watch};

const NS: &str = "sync";
/// The exam clock is compared with upstream's this often.
const ANCHOR_EVERY_MS: i64 = 60_000;
/// New entries are replicated and witnessed this often, and at once when somebody nudges.
const ENTRIES_EVERY_MS: i64 = 20_000;

/// What an [`Uplink`] is made of.
pub struct UplinkParts<U> {
    pub upstream: U,
    pub kit: SiteKit,
    pub identity: Arc<DeviceIdentity>,
    pub recorder: Recorder,
    pub reader: Reader,
    pub data_dir: PathBuf,
}

/// The terminal's side of the upstream. Clones share everything.
pub struct Uplink<U> {
    inner: Arc<Inner<U>>,
}

impl<U> Clone for Uplink<U> {
    fn clone(&self) -> Self {
        Uplink {
            inner: self.inner.clone(),
        }
    }
}

struct Inner<U> {
    upstream: U,
    kit: SiteKit,
    identity: Arc<DeviceIdentity>,
    recorder: Recorder,
    reader: Mutex<Reader>,
    data_dir: PathBuf,
    ledger_id: [u8; 16],
    state: watch::Sender<SyncState>,
    orders: mpsc::UnboundedSender<ReceivedOrder>,
    run: Mutex<Run>,
    /// One pass at a time, whoever asks.
    busy: tokio::sync::Mutex<()>,
    /// Entries are sent by one at a time, over the channel or by a call.
    exchange: Arc<tokio::sync::Mutex<()>>,
    nudge: Arc<Notify>,
}

/// What is due, in the order in which it is done: the receipts of the objects are witnessed in the same pass.
enum Step {
    Orders,
    Entries,
    Objects,
}

/// What this run of the program has done already.
#[derive(Default)]
struct Run {
    enrolled: bool,
    anchored_boot_ms: Option<i64>,
    replicated_boot_ms: Option<i64>,
    /// Since the last replication began.
    nudged: bool,
    /// Entries that the upstream is known to hold.
    sent: Option<u64>,
    /// The upstream has seen, in this run, how far the ledger reaches.
    head_shown: bool,
    /// Whose answers all this was: another hub is told everything anew.
    of: Option<PublicKey>,
    /// When the hub was last asked for the center's receipts, and whether it says that there are new ones.
    asked_boot_ms: Option<i64>,
    looks: bool,
}

impl<U: Upstream> Uplink<U> {
    /// Nothing is sent yet. Orders come out of the channel once each, verified and recorded; those of earlier runs
    /// are in [`held_orders`].
    ///
    /// # Errors
    /// Storage errors.
    pub fn new(
        parts: UplinkParts<U>,
    ) -> Result<(Uplink<U>, mpsc::UnboundedReceiver<ReceivedOrder>), StoreError> {
        let UplinkParts {
            upstream,
            kit,
            identity,
            recorder,
            reader,
            data_dir,
        } = parts;
        let ledger_id = reader.head()?.ledger_id;
        let mut signers = upstream.certifiers();
        signers.push(kit.directory.device_ca);
        let certificate = upstream::certificate(&reader, &signers, &kit.site, &identity)?;
        let enrolment = match certificate {
            Some(certificate) => Some(Enrolment::Approved(Box::new(certificate))),
            None => enrol_courier::answered(&reader, &kit, &identity)?,
        };
        let (orders, received) = mpsc::unbounded_channel();
        let (state, _) = watch::channel(SyncState::new(enrolment));
        let inner = Inner {
            upstream,
            kit,
            identity,
            recorder,
            reader: Mutex::new(reader),
            data_dir,
            ledger_id,
            state,
            orders,
            run: Mutex::default(),
            busy: tokio::sync::Mutex::new(()),
            exchange: Arc::default(),
            nudge: Arc::new(Notify::new()),
        };
        let sync = Uplink {
            inner: Arc::new(inner),
        };
        sync.look()?;
        Ok((sync, received))
    }

    pub fn upstream(&self) -> &U {
        &self.inner.upstream
    }

    /// The present state; the receiver tells of changes.
    pub fn state(&self) -> watch::Receiver<SyncState> {
        self.inner.state.subscribe()
    }

    /// Something happened that should be sent or witnessed soon.
    pub fn nudge(&self) {
        self.run().nudged = true;
        self.inner.nudge.notify_one();
    }

    /// The upstream says that it offers something new.
    pub fn look_soon(&self) {
        self.run().looks = true;
        self.nudge();
    }

    /// Entries that the upstream holds, where this run knows; and whether it holds others than this ledger.
    pub(crate) fn sent(&self) -> (Option<u64>, bool) {
        let sent = self.run().sent;
        (sent, self.inner.state.borrow().forked_at.is_some())
    }

    /// The ledger's id, and how many entries of it are durable.
    pub(crate) fn ledger(&self) -> Result<([u8; 16], u64), StoreError> {
        Ok((self.inner.ledger_id, self.read(|reader| reader.size())?))
    }

    pub(crate) fn tell_room(&self, room: RoomLink) {
        self.inner
            .state
            .send_if_modified(|state| state.room.replace(room.clone()) != Some(room));
    }

    /// Does everything that is due, once. Ends early where the upstream cannot be heard.
    ///
    /// # Errors
    /// [`SyncError`]; the state says the same. What was done before the error stays done.
    pub async fn pass(&self) -> Result<(), SyncError> {
        let _one = self.inner.busy.lock().await;
        let result = self.pass_steps().await;
        let storage = self.look();
        self.inner.state.send_modify(|state| match &result {
            Ok(()) => state.last_error = None,
            Err(error) => {
                state.last_error = Some(error.code().to_owned());
                if error.is_link() {
                    state.link = LinkState::Offline;
                }
            }
        });
        if result.as_ref().is_err_and(SyncError::is_not_enrolled) {
            self.run().enrolled = false;
            self.inner
                .state
                .send_modify(|state| state.link = LinkState::NotEnrolled);
        }
        if result.as_ref().is_err_and(SyncError::is_link) {
            // Back on the line, the clock is looked at first.
            self.run().anchored_boot_ms = None;
        }
        result.and(storage.map_err(SyncError::from))
    }

    async fn pass_steps(&self) -> Result<(), SyncError> {
        self.look_whose()?;
        if !self.enrolled().await? {
            self.inner
                .state
                .send_modify(|state| state.link = LinkState::NotEnrolled);
            return Ok(());
        }
        self.anchor_when_due().await?;
        self.inner
            .state
            .send_modify(|state| state.link = LinkState::Online);
        // One thing that the upstream refuses does not hold the others back.
        let mut first = None;
        for step in [Step::Orders, Step::Entries, Step::Objects, Step::Entries] {
            let failed = match step {
                Step::Orders => self.pull_orders().await.err(),
                Step::Entries => self.replicate_when_due().await.err(),
                Step::Objects => self.upload_unsent().await.err(),
            };
            match failed {
                Some(error) if error.is_link() => return Err(error),
                Some(error) => first = first.or(Some(error)),
                None => {}
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Brings the state up to date with the store.
    fn look(&self) -> Result<(), StoreError> {
        let (size, witnessed, unsent) = self.read(|reader| {
            let witnessed = reader.latest_cosigned()?;
            Ok((reader.size()?, witnessed, reader.unsent_objects()?))
        })?;
        let witnessed = witnessed.and_then(|checkpoint| self.witnessed(&checkpoint));
        let at_hub = self.at_hub(&unsent)?;
        let unsent = unsent.len() - at_hub.len();
        self.inner.state.send_if_modified(|state| {
            let before = state.clone();
            state.ledger_size = size;
            state.unsent = u32::try_from(unsent).unwrap_or(u32::MAX);
            state.at_hub = at_hub;
            (state.witnessed_size, state.witnessed_ms) =
                witnessed.map_or((0, None), |(size, seconds)| (size, Some(seconds * 1000)));
            *state != before
        });
        Ok(())
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.inner
            .run
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn boot_ms(&self) -> i64 {
        self.inner.recorder.machine().boot_ms()
    }

    fn due(&self, last_boot_ms: Option<i64>, every_ms: i64) -> bool {
        last_boot_ms.is_none_or(|last| self.boot_ms().saturating_sub(last) >= every_ms)
    }

    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        read(
            &self
                .inner
                .reader
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

#[cfg(test)]
mod tests;
