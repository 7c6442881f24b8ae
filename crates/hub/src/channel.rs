//! The room channel (`fengjuan_wire::room`): one task for each connected terminal. It never waits for another one; a
//! terminal that does not take what it is sent, or says nothing for long, is disconnected and connects again.

use crate::core::Core;
use crate::delegation::Delegated;
use crate::devices::Terminal;
use crate::entries;
use crate::inflow::Inflow;
use crate::pictures;
use crate::room::{Line, Outgoing};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use fengjuan_core::event::Hash32;
use fengjuan_core::room::contact::Life;
use fengjuan_core::room::post::{Acknowledgement, Mark, Numbered};
use fengjuan_core::room::station::Fact;
use fengjuan_device::papers::SittingKey;
use fengjuan_envelope::cbor;
use fengjuan_wire::Signed;
use fengjuan_wire::room::{
    Beat, Epoch, FromHub, FromTerminal, Hello, RoomCommand, UnlockedSitting,
};
use serde_bytes::ByteBuf;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Four heartbeats: nobody is there any more.
const SILENCE: Duration = Duration::from_secs(20);
const FIRST_WORD: Duration = Duration::from_secs(10);
/// One frame on its way out. A terminal that takes longer is stalled.
const SENDING: Duration = Duration::from_secs(10);

const UNPROVED: &str = "room.epoch_unproved";

/// Bytes of a refusal's or a fault's code.
const LONGEST_CODE: usize = 64;
/// Sittings that one machine can hold or have open.
const MOST_SITTINGS: usize = 256;

/// RFC 6455 §7.4.1.
const GOING_AWAY: u16 = 1001;
const POLICY: u16 = 1008;
const INTERNAL: u16 = 1011;

/// Why a channel ends. The code goes along in the close frame.
struct Ended {
    status: u16,
    code: String,
}

impl Ended {
    fn because(status: u16, code: &str) -> Ended {
        Ended {
            status,
            code: code.to_owned(),
        }
    }

    /// Nobody is there to be told.
    fn gone() -> Ended {
        Ended::because(GOING_AWAY, "")
    }
}

struct Channel {
    core: Arc<Core>,
    terminal: Arc<Terminal>,
    socket: WebSocket,
    line: Line,
    from: IpAddr,
    epoch: u64,
    life: Life,
    inflow: Inflow,
}

/// Serves one terminal until its connection ends.
pub(crate) async fn run(
    core: Arc<Core>,
    terminal: Arc<Terminal>,
    from: IpAddr,
    mut socket: WebSocket,
) {
    let device = terminal.device();
    // Read before its first word: what it held when it connected is at least this.
    let held = core.room.held_of(&device);
    let line = core.room.lines().connect(device);
    let name = terminal.name.clone();
    let mut inflow = Inflow::new(Instant::now());
    let ended = match first_word(&mut socket, &mut inflow).await {
        Ok(hello) => {
            let greeted = greet(&core, &terminal, from, &held, &hello).await;
            match greeted {
                Ok((epoch, life, waiting)) => {
                    let mut channel = Channel {
                        core,
                        terminal,
                        socket,
                        line,
                        from,
                        epoch,
                        life,
                        inflow,
                    };
                    let ended = channel.serve(&hello, waiting).await;
                    socket = channel.socket;
                    ended
                }
                Err(ended) => ended,
            }
        }
        Err(ended) => ended,
    };
    tracing::info!(
        terminal = name,
        code = ended.code,
        "a room channel has ended"
    );
    let close = Message::Close(Some(CloseFrame {
        code: ended.status,
        reason: ended.code.into(),
    }));
    // Best effort: whoever is gone hears nothing.
    let _ = tokio::time::timeout(SENDING, socket.send(close)).await;
}

async fn first_word(socket: &mut WebSocket, inflow: &mut Inflow) -> Result<Hello, Ended> {
    let first = tokio::time::timeout(FIRST_WORD, receive(socket, inflow)).await;
    match first.map_err(|_| Ended::because(POLICY, "room.silent"))?? {
        FromTerminal::Hello(hello) => Ok(hello),
        _ => Err(Ended::because(POLICY, "room.no_hello")),
    }
}

/// The next message, once it may come. Whatever is no message of a terminal ends the channel.
async fn receive(socket: &mut WebSocket, inflow: &mut Inflow) -> Result<FromTerminal, Ended> {
    loop {
        while let Some(wait) = inflow.wait(Instant::now()) {
            tokio::time::sleep(wait).await;
        }
        let received = socket.recv().await;
        inflow.took();
        match received {
            Some(Ok(Message::Binary(bytes))) => {
                let malformed = |_| Ended::because(POLICY, "upstream.malformed");
                return cbor::from_slice(&bytes).map_err(malformed);
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Text(_))) => return Err(Ended::because(POLICY, "upstream.malformed")),
            Some(Err(error)) => {
                tracing::debug!(%error, "a room channel broke");
                return Err(Ended::because(POLICY, "room.broken"));
            }
            Some(Ok(Message::Close(_))) | None => return Err(Ended::gone()),
        }
    }
}

/// Who it is, and what waits for it.
async fn greet(
    core: &Arc<Core>,
    terminal: &Arc<Terminal>,
    from: IpAddr,
    held: &[([u8; 16], u64)],
    hello: &Hello,
) -> Result<(u64, Life, Vec<Numbered>), Ended> {
    let malformed = || Ended::because(POLICY, "upstream.malformed");
    let id = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).map_err(|_| malformed());
    let ledger = id(&hello.ledger_id)?;
    let life = Life {
        boot_id: id(&hello.boot_id)?,
        run_id: id(&hello.run_id)?,
    };
    let device = terminal.device();
    superseded(core, terminal, hello).await?;
    core.room.heard(device, from, life, ledger, hello);
    if held
        .iter()
        .any(|(known, size)| *known == ledger && *size > hello.ledger_size)
    {
        tracing::error!(
            terminal = terminal.name,
            "a ledger is shorter than what is held of it"
        );
        core.room.observe(&Fact::WentBack { device });
    }
    let mark = Mark {
        epoch: hello.epoch,
        taken: hello.taken,
    };
    let room = core.room.clone();
    // It may have to record that another station is obeyed.
    let waiting = tokio::task::spawn_blocking(move || room.hello(&device, mark)).await;
    let waiting = waiting.map_err(|_| Ended::because(INTERNAL, "upstream.fault"))?;
    let waiting = waiting.map_err(|error| Ended::because(POLICY, error.code()))?;
    let raised = core.room.raised();
    let raised = raised.ok_or_else(|| Ended::because(GOING_AWAY, "room.not_commanding"))?;
    Ok((raised.epoch, life, waiting))
}

/// A terminal that obeys a higher epoch shows who raised it: then this hub commands no more. One that cannot show it is
/// refused, and the room goes on.
async fn superseded(
    core: &Arc<Core>,
    terminal: &Arc<Terminal>,
    hello: &Hello,
) -> Result<(), Ended> {
    if hello.epoch <= core.room.read(|station| station.standing().heard()) {
        return Ok(());
    }
    let directory = &core.kit.directory;
    let shown = hello.proof.as_ref().and_then(|proof| {
        let verified = proof.verified(&directory.issuer, &directory.center_id, &core.kit.site);
        verified
            .inspect_err(|error| tracing::warn!(%error, "an epoch that cannot be shown"))
            .ok()
    });
    let held = core.delegation.held();
    let own_room = held.and_then(|held| held.delegation.room_no.clone());
    let of_this_room = |epoch: &Epoch| own_room.is_none_or(|room_no| room_no == epoch.room_no);
    let Some(epoch) = shown
        .filter(|epoch| epoch.epoch == hello.epoch)
        .filter(of_this_room)
    else {
        core.stranger(&terminal.sign, UNPROVED);
        return Err(Ended::because(POLICY, UNPROVED));
    };
    let (room, station) = (core.room.clone(), Hash32(*epoch.hub.as_bytes()));
    let heard =
        tokio::task::spawn_blocking(move || room.hear_epoch(epoch.epoch, Some(station))).await;
    let heard = heard.map_err(|_| Ended::because(INTERNAL, "upstream.fault"))?;
    heard.map_err(|error| Ended::because(POLICY, error.code()))
}

impl Channel {
    async fn serve(&mut self, hello: &Hello, waiting: Vec<Numbered>) -> Ended {
        if let Err(ended) = self.welcome(hello, waiting).await {
            return ended;
        }
        loop {
            let done = tokio::select! {
                heard = tokio::time::timeout(SILENCE, receive(&mut self.socket, &mut self.inflow)) => match heard {
                    Err(_) => Err(Ended::because(POLICY, "room.silent")),
                    Ok(Err(ended)) => Err(ended),
                    Ok(Ok(message)) => {
                        self.flooding();
                        self.heard(message).await
                    }
                },
                next = self.line.next() => match next {
                    Some(next) => self.send_next(next).await,
                    None => Err(Ended::because(GOING_AWAY, "room.again")),
                },
            };
            if let Err(ended) = done {
                return ended;
            }
        }
    }

    fn flooding(&mut self) {
        if self.inflow.floods(Instant::now()) {
            let device = self.terminal.device();
            tracing::warn!(
                terminal = self.terminal.name,
                "a terminal floods its channel"
            );
            self.core.room.observe(&Fact::Flood { device });
        }
    }

    async fn welcome(&mut self, hello: &Hello, waiting: Vec<Numbered>) -> Result<(), Ended> {
        let epoch = self.signed_epoch()?;
        let held = self.in_force()?;
        let delegation = held.bytes.clone();
        self.send(&FromHub::Welcome { epoch, delegation }).await?;
        for command in waiting {
            self.command(command).await?;
        }
        self.lacking_keys(None, &hello.unlocked).await?;
        // What was new for it while it was away, or before it was let in.
        self.send(&FromHub::Look {}).await
    }

    /// The keys that this machine needs and has not; `sits_in`: where somebody sits at it.
    async fn lacking_keys(
        &mut self,
        sits_in: Option<&str>,
        has: &[UnlockedSitting],
    ) -> Result<(), Ended> {
        let device = self.terminal.device();
        for key in self.core.unlocks.for_machine(&device, sits_in) {
            let there = |one: &UnlockedSitting| {
                one.sitting_no == key.sitting_no && one.version == key.version
            };
            if !has.iter().any(there) {
                self.keys(&key).await?;
            }
        }
        Ok(())
    }

    fn signed_epoch(&self) -> Result<Vec<u8>, Ended> {
        let raised = self
            .core
            .room
            .raised()
            .filter(|raised| raised.epoch == self.epoch);
        let raised = raised.ok_or_else(|| Ended::because(GOING_AWAY, "room.again"))?;
        self.core.signed_epoch(&raised).map_err(fault)
    }

    async fn heard(&mut self, message: FromTerminal) -> Result<(), Ended> {
        let device = self.terminal.device();
        match message {
            FromTerminal::Hello(_) => Err(Ended::because(POLICY, "room.no_hello")),
            FromTerminal::Beat(beat) => {
                self.in_force()?;
                let codes = beat.storage.iter().chain(&beat.camera);
                let lists = beat.held.len().max(beat.unlocked.len());
                if codes.clone().any(|code| !is_code(code)) || lists > MOST_SITTINGS {
                    return Err(Ended::because(POLICY, "upstream.malformed"));
                }
                self.beat(beat).await
            }
            FromTerminal::Acknowledge { epoch, no, refusal } => {
                if refusal.as_ref().is_some_and(|code| !is_code(code)) {
                    return Err(Ended::because(POLICY, "upstream.malformed"));
                }
                let how = Acknowledgement { epoch, no, refusal };
                self.core.room.acknowledged(&device, how);
                Ok(())
            }
            FromTerminal::Entries(request) => {
                let reply = entries::take(&self.core, &self.terminal, request).await;
                let reply = reply.map_err(|refused| Ended::because(POLICY, refused.code()))?;
                self.send(&FromHub::Entries(reply)).await
            }
            FromTerminal::Picture(picture) => {
                let sound = pictures::take(&self.core, device, picture);
                let malformed = || Ended::because(POLICY, "upstream.malformed");
                sound.then_some(()).ok_or_else(malformed)
            }
        }
    }

    async fn beat(&mut self, beat: Beat) -> Result<(), Ended> {
        let has = beat.unlocked.clone();
        let sits_in = beat.seat.as_ref().map(|seat| seat.sitting_no.clone());
        let lacks = beat.pulling.is_none() && self.lacks_papers(&beat.held);
        self.core
            .room
            .beat(&self.terminal.device(), self.life, beat);
        self.lacking_keys(sits_in.as_deref(), &has).await?;
        if lacks {
            self.send(&FromHub::Look {}).await?;
        }
        Ok(())
    }

    /// A sitting is held here, and the terminal does not say that it has it.
    fn lacks_papers(&self, held: &[UnlockedSitting]) -> bool {
        let held_here = self.core.papers.held();
        let mut current = held_here.iter().filter(|one| !one.superseded);
        current.any(|here| {
            let same = |one: &UnlockedSitting| {
                one.sitting_no == here.key.sitting_no && one.version == here.key.version
            };
            !held.iter().any(same)
        })
    }

    async fn send_next(&mut self, next: Outgoing) -> Result<(), Ended> {
        match next {
            Outgoing::Command(numbered) => self.command(*numbered).await,
            Outgoing::Keys(key) => {
                let device = self.terminal.device();
                let sits_in = self.core.room.sits_in(&device);
                let wanted = self.core.unlocks.for_machine(&device, sits_in.as_deref());
                match wanted.contains(&key) {
                    true => self.keys(&key).await,
                    false => Ok(()),
                }
            }
            Outgoing::Look => self.send(&FromHub::Look {}).await,
        }
    }

    async fn command(&mut self, numbered: Numbered) -> Result<(), Ended> {
        let command = RoomCommand {
            site: self.core.kit.site.clone(),
            device: self.terminal.sign,
            epoch: numbered.epoch,
            no: numbered.no,
            command: numbered.command,
        };
        let signed = command.sign(&self.core.keys.issuer).map_err(fault)?;
        self.send(&FromHub::Command(ByteBuf::from(signed))).await
    }

    /// Whoever is connected may have been revoked since, and so may this hub: both are asked before anything is said
    /// that only a room's terminal may hear.
    fn in_force(&self) -> Result<Arc<Delegated>, Ended> {
        let admitted = self.core.admitted(&self.terminal.sign, self.from);
        admitted.map_err(|refused| Ended::because(POLICY, refused.code()))?;
        let held = self.core.delegation.in_force(self.core.recorder.exam_now());
        held.map_err(|code| Ended::because(POLICY, code))
    }

    async fn keys(&mut self, key: &SittingKey) -> Result<(), Ended> {
        self.in_force()?;
        let sealed = self
            .core
            .unlocks
            .sealed_for(&self.terminal, key, self.epoch);
        match sealed.map_err(fault)? {
            Some(keys) => self.send(&FromHub::Keys(keys)).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, message: &FromHub) -> Result<(), Ended> {
        let bytes = cbor::to_vec(message).map_err(|error| fault(error.into()))?;
        let sending = self.socket.send(Message::Binary(bytes.into()));
        match tokio::time::timeout(SENDING, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ended::gone()),
            Err(_) => Err(Ended::because(POLICY, "room.stalled")),
        }
    }
}

/// What a terminal says goes into the station's ledger and onto its page: a code, and nothing longer.
fn is_code(code: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._".contains(&byte);
    (1..=LONGEST_CODE).contains(&code.len()) && code.bytes().all(plain)
}

fn fault(error: fengjuan_wire::WireError) -> Ended {
    tracing::error!(%error, "a message could not be made");
    Ended::because(INTERNAL, "upstream.fault")
}
