//! One connection to the hub, from its handshake to its end.

use super::side::off_thread;
use super::socket::{Heard, Socket};
use super::task::Inner;
use super::{ChannelError, OpenedKeys, RoomSide, Taken, verify};
use crate::sync::{Exchange, Judged};
use crate::upstream::{DelegationError, HttpsUpstream, UpstreamError};
use fengjuan_core::event::Hash32;
use fengjuan_envelope::cbor;
use fengjuan_store::Projection;
use fengjuan_wire::delegation::HubDelegation;
use fengjuan_wire::room::{BEAT_EVERY_MS, EpochProof, FromHub, FromTerminal, Hello, RoomCommand};
use fengjuan_wire::upstream::{EntriesReply, EntriesRequest};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout, timeout_at};

/// Nothing heard for so long: connect anew. Also the longest wait for an answer to entries.
pub(super) const SILENCE: Duration = Duration::from_secs(15);
/// Commands, keys and looks that wait for the machine; a hub that sends more waits for it too.
const WAITING: usize = 64;
/// A command that could not be written down is tried again after this.
const AGAIN: Duration = Duration::from_millis(500);
const NS: &str = "channel";
const PROOF: &[u8] = b"epoch_proof";
/// Bytes of entries in one frame, so that it stays well below what a frame may hold.
const MOST_BYTES: usize = 256 * 1024;

/// What the machine is to do, one after the other.
enum Deed {
    Command(Box<RoomCommand>, Hash32),
    Keys(OpenedKeys),
    Look,
}

/// What is to be said, or why there is no more to say.
type Said = Result<FromTerminal, ChannelError>;

/// Entries that are on their way, and since when.
struct Flight {
    exchange: Exchange,
    request: EntriesRequest,
    late: Instant,
}

/// A welcomed connection.
pub(super) struct Session<'a> {
    channel: &'a Inner,
    socket: Socket,
    hub: HubDelegation,
    epoch: u64,
    flight: Option<Flight>,
    /// The last small picture that was said on this connection: a hub that starts anew gets them again.
    pictured: Arc<AtomicU64>,
    /// An entry from here on is too large for a frame: the uplink's calls bring it.
    stuck_at: Option<u64>,
}

impl<'a> Session<'a> {
    /// Connects, says where the machine stands, and has the hub's epoch accepted.
    pub(super) async fn open(
        channel: &'a Inner,
        client: &HttpsUpstream,
    ) -> Result<Session<'a>, ChannelError> {
        let hub = client
            .hub()
            .ok_or_else(|| ChannelError::malformed("no hub"))?;
        let mut socket = Socket::connect(client).await?;
        let hello = channel.hello().await?;
        socket.send(&FromTerminal::Hello(hello)).await?;
        let welcome = timeout(channel.silence, welcome(&mut socket));
        let proof = welcome.await.map_err(|_| ChannelError::Silent)??;
        let epoch = verify::epoch(&hub, &proof.epoch)?;
        let no = epoch.epoch;
        // Before it is obeyed, so that whoever obeys it can show it.
        channel.keep_proof(no, &proof)?;
        let shown = hub.clone();
        let accepted = off_thread(&channel.side, move |side| side.epoch(&epoch, &shown)).await;
        match accepted {
            Some(Ok(())) => {}
            Some(Err(refused)) => return Err(ChannelError::NotObeyed { code: refused.code }),
            None => return Err(ChannelError::Closed),
        }
        Ok(Session {
            channel,
            socket,
            hub,
            epoch: no,
            flight: None,
            pictured: Arc::default(),
            stuck_at: None,
        })
    }

    /// Goes on until the connection ends.
    pub(super) async fn run(mut self) -> ChannelError {
        let (deeds, waiting) = mpsc::channel(WAITING);
        let (say, said) = mpsc::channel(WAITING);
        let worker = tokio::spawn(work(self.channel.side.clone(), waiting, say.clone()));
        let ended = self.talk(deeds, say, said).await;
        // The deed that was begun ends before the next connection says where the machine stands.
        drop(self);
        if let Err(error) = worker.await {
            tracing::error!(%error, "the channel's worker");
        }
        ended.err().unwrap_or(ChannelError::Closed)
    }

    async fn talk(
        &mut self,
        deeds: mpsc::Sender<Deed>,
        say: mpsc::Sender<Said>,
        mut said: mpsc::Receiver<Said>,
    ) -> Result<(), ChannelError> {
        let channel = self.channel;
        let mut sizes = channel.recorder.writer().sizes();
        let mut beats = interval(Duration::from_millis(BEAT_EVERY_MS.unsigned_abs()));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut beating, mut heard_at) = (false, Instant::now());
        loop {
            let behind = self.flight.is_none() && self.is_behind(*sizes.borrow_and_update());
            let late = self.flight.as_ref().map(|flight| flight.late);
            let silent = heard_at + channel.silence;
            let silent = late.map_or(silent, |late| late.min(silent));
            tokio::select! {
                heard = timeout_at(silent, self.socket.next()) => {
                    let heard = heard.map_err(|_| ChannelError::Silent)??;
                    if let Heard::Message(message) = heard {
                        self.heard(*message, &deeds).await?;
                    }
                    heard_at = Instant::now();
                }
                Some(said) = said.recv() => {
                    let said = said?;
                    beating &= !matches!(said, FromTerminal::Beat(_));
                    self.socket.send(&said).await?;
                }
                exchange = channel.uplink.exchange(), if behind => self.push(exchange?).await?,
                grown = sizes.changed() => {
                    // The store is closing: so is this program.
                    grown.map_err(|_| ChannelError::Closed)?;
                }
                _ = beats.tick() => {
                    if channel.recorder.exam_now() >= self.hub.not_after_ms {
                        return Err(UpstreamError::Delegation(DelegationError::Expired).into());
                    }
                    self.socket.ping().await?;
                    beating |= self.beat(beating, &say);
                    self.stuck_at = None;
                }
                () = channel.beat_soon.notified(), if !beating => beating |= self.beat(beating, &say),
            }
        }
    }

    /// Has the machine say how it is and what its camera saw, unless it is being asked already.
    fn beat(&self, beating: bool, say: &mpsc::Sender<Said>) -> bool {
        if !beating {
            let (side, say) = (self.channel.side.clone(), say.clone());
            let pictured = self.pictured.clone();
            tokio::spawn(async move {
                // Before the beat, which ends this asking.
                let after = pictured.load(Ordering::Relaxed);
                let pictures = off_thread(&side, move |side| side.pictures(after)).await;
                for (no, picture) in pictures.into_iter().flatten() {
                    if say.send(Ok(FromTerminal::Picture(picture))).await.is_err() {
                        return;
                    }
                    pictured.store(no, Ordering::Relaxed);
                }
                if let Some(beat) = off_thread(&side, |side| side.beat()).await {
                    let _ = say.send(Ok(FromTerminal::Beat(beat))).await;
                }
            });
        }
        true
    }

    async fn heard(
        &mut self,
        message: FromHub,
        deeds: &mpsc::Sender<Deed>,
    ) -> Result<(), ChannelError> {
        let identity = &self.channel.identity;
        let deed = match message {
            FromHub::Command(bytes) => {
                let (command, hash) = verify::command(&self.hub, identity, &bytes)?;
                Deed::Command(Box::new(command), hash)
            }
            FromHub::Keys(keys) => {
                Deed::Keys(verify::keys(&self.hub, identity, self.epoch, &keys)?)
            }
            FromHub::Look {} => {
                self.channel.uplink.look_soon();
                Deed::Look
            }
            FromHub::Entries(reply) => return self.answered(reply).await,
            FromHub::Welcome { .. } => return Err(ChannelError::malformed("welcomed twice")),
        };
        deeds.send(deed).await.map_err(|_| ChannelError::Closed)
    }

    /// Are there entries of which the hub has not said that it holds them?
    fn is_behind(&self, size: u64) -> bool {
        let (sent, forked) = self.channel.uplink.sent();
        !forked && sent.is_none_or(|sent| sent < size && self.stuck_at != Some(sent))
    }

    /// Sends the entries that the hub does not hold, as many as one frame takes.
    async fn push(&mut self, exchange: Exchange) -> Result<(), ChannelError> {
        let uplink = &self.channel.uplink;
        let request = uplink.request(exchange.from, None, MOST_BYTES)?;
        match self
            .socket
            .send(&FromTerminal::Entries(request.clone()))
            .await
        {
            Ok(()) => {}
            Err(ChannelError::TooLarge) => {
                self.stuck_at = Some(exchange.from);
                uplink.nudge();
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        self.flight = Some(Flight {
            exchange,
            request,
            late: Instant::now() + self.channel.silence,
        });
        Ok(())
    }

    async fn answered(&mut self, reply: EntriesReply) -> Result<(), ChannelError> {
        let Some(mut flight) = self.flight.take() else {
            return Err(ChannelError::malformed("an answer to nothing"));
        };
        let uplink = &self.channel.uplink;
        match uplink.judge(&mut flight.exchange, &flight.request, reply) {
            Ok(Judged::Stored { .. }) => Ok(()),
            Ok(Judged::Again) => self.push(flight.exchange).await,
            // It is recorded, and people must settle it. The room is run all the same.
            Err(crate::sync::SyncError::Forked { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Inner {
    async fn hello(&self) -> Result<Hello, ChannelError> {
        let standing = off_thread(&self.side, |side| side.standing()).await;
        let standing = standing.ok_or(ChannelError::Closed)?;
        let (ledger_id, ledger_size) = self.uplink.ledger()?;
        Ok(Hello {
            ledger_id: ledger_id.to_vec(),
            ledger_size,
            boot_id: self.recorder.machine().boot_id().to_vec(),
            run_id: self.run_id.to_vec(),
            epoch: standing.mark.epoch,
            taken: standing.mark.taken,
            unlocked: standing.unlocked,
            proof: self.kept()?.map(|kept| kept.proof),
        })
    }

    /// Keeps what shows that this epoch was raised, unless that of a higher one is here.
    fn keep_proof(&self, epoch: u64, proof: &EpochProof) -> Result<(), ChannelError> {
        if self.kept()?.is_some_and(|kept| kept.epoch >= epoch) {
            return Ok(());
        }
        let kept = Kept {
            epoch,
            proof: proof.clone(),
        };
        let bytes = cbor::to_vec(&kept).map_err(ChannelError::malformed)?;
        let put = Projection::put(NS, PROOF, bytes);
        Ok(self.recorder.writer().put(vec![put])?)
    }

    fn kept(&self) -> Result<Option<Kept>, ChannelError> {
        let bytes = self.uplink.read(|reader| reader.get(NS, PROOF))?;
        Ok(bytes.and_then(|bytes| cbor::from_slice(&bytes).ok()))
    }
}

/// The highest epoch that any hub has shown, with what shows it.
#[derive(Serialize, Deserialize)]
struct Kept {
    epoch: u64,
    proof: EpochProof,
}

/// The signed epoch, with the delegation under which it is signed. Nothing else may come before it.
async fn welcome(socket: &mut Socket) -> Result<EpochProof, ChannelError> {
    loop {
        match socket.next().await? {
            Heard::Alive => {}
            Heard::Message(message) => match *message {
                FromHub::Welcome { epoch, delegation } => {
                    return Ok(EpochProof { epoch, delegation });
                }
                _ => return Err(ChannelError::malformed("no welcome")),
            },
        }
    }
}

/// Does one deed after the other, until nobody asks or listens any more.
async fn work(side: Arc<dyn RoomSide>, mut deeds: mpsc::Receiver<Deed>, say: mpsc::Sender<Said>) {
    while let Some(deed) = deeds.recv().await {
        let done = match deed {
            Deed::Command(command, hash) => take(&side, *command, hash, &say).await,
            Deed::Keys(keys) => off_thread(&side, move |side| side.keys(keys)).await,
            Deed::Look => off_thread(&side, |side| side.look()).await,
        };
        if done.is_none() {
            let _ = say.send(Err(ChannelError::Closed)).await;
            return;
        }
    }
}

/// Has the machine take a command, again and again where it cannot write it down. None: the connection has ended.
async fn take(
    side: &Arc<dyn RoomSide>,
    command: RoomCommand,
    hash: Hash32,
    say: &mpsc::Sender<Said>,
) -> Option<()> {
    let command = Arc::new(command);
    loop {
        let one = command.clone();
        let said = match off_thread(side, move |side| side.command(&one, hash)).await? {
            Taken::Acknowledged(done) => Ok(FromTerminal::Acknowledge {
                epoch: done.epoch,
                no: done.no,
                refusal: done.refusal,
            }),
            Taken::AskFrom { no } => Err(ChannelError::Missing { no }),
            Taken::NotObeyed { code } => Err(ChannelError::NotObeyed { code }),
            Taken::NotNow { code } => {
                tracing::warn!(code, no = command.no, "a command waits");
                tokio::select! {
                    () = sleep(AGAIN) => continue,
                    () = say.closed() => return None,
                }
            }
        };
        return say.send(said).await.ok();
    }
}
