//! Up to the center, while the line is there: the delegation is asked for, terminals are vouched for, and their ledgers
//! follow as they were written, with their own checkpoints. Objects lie in this hub's store and go up with its own
//! ([`fengjuan_device::sync`]). Everything may be repeated, and nothing is deleted because it was sent.

use crate::center::ToCenter;
use crate::core::Core;
use crate::delegation::DelegationRefused;
use crate::devices::{Admission, Terminal};
use fengjuan_core::event::Hash32;
use fengjuan_core::room::station::Fact;
use fengjuan_device::sync::{Pace, Uplink};
use fengjuan_device::upstream::{Upstream, UpstreamError};
use fengjuan_device::view::LinkState;
use fengjuan_envelope::sign::PublicKey;
use fengjuan_store::replica::RollLine;
use fengjuan_store::{LedgerReader, ReplicaReader, StoreError, StoredCheckpoint};
use fengjuan_wire::upstream::{EntriesReply, EntriesRequest, RevokedDevice, VouchedDevices};
use serde_bytes::ByteBuf;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const MOST_ENTRIES: usize = 500;
const MOST_BYTES: usize = 1024 * 1024;
/// A center that asks to begin anew more often than this within one go does not know what it holds.
const MOST_GAPS: u32 = 4;
/// Certificates sent in one call.
const MOST_CERTIFICATES: usize = 200;
/// A delegation that is held is asked for again this often.
const DELEGATION_EVERY_MS: i64 = 10 * 60_000;
/// A ledger that the center refuses is left alone for this long.
const REFUSED_FOR_MS: i64 = 60_000;
/// A ledger of which little is new goes up this often: a room of terminals that all answer is few calls a second.
const LEDGER_EVERY_MS: i64 = 5_000;
const LITTLE: u64 = 200;

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Delegation(#[from] DelegationRefused),
}

impl ForwardError {
    pub fn code(&self) -> &str {
        match self {
            ForwardError::Upstream(cause) => cause.code(),
            ForwardError::Store(cause) => cause.code(),
            ForwardError::Delegation(cause) => cause.code(),
        }
    }

    fn is_link(&self) -> bool {
        matches!(self, ForwardError::Upstream(cause) if cause.is_link())
    }
}

/// The forwarding of one hub.
pub(crate) struct Forward {
    core: Arc<Core>,
    uplink: Uplink<ToCenter>,
    delegation_boot_ms: Option<i64>,
    /// What the center has heard of terminals in this run.
    vouched: BTreeSet<(Hash32, bool)>,
    /// By ledger, the size of the last checkpoint that the center was shown in this run.
    witnessed: BTreeMap<[u8; 16], u64>,
    /// Ledgers that are left alone until then (boot time).
    left_alone: BTreeMap<[u8; 16], i64>,
}

impl Forward {
    pub(crate) fn new(core: Arc<Core>, uplink: Uplink<ToCenter>) -> Forward {
        Forward {
            core,
            uplink,
            delegation_boot_ms: None,
            vouched: BTreeSet::new(),
            witnessed: BTreeMap::new(),
            left_alone: BTreeMap::new(),
        }
    }

    /// Rounds without end; it may be stopped anywhere.
    pub(crate) async fn go_on(mut self) {
        let mut pace = Pace::default();
        loop {
            let result = self.round().await;
            if let Err(error) = &result {
                tracing::debug!(code = error.code(), %error, "not forwarded");
            }
            let wait = match &result {
                Ok(true) => Duration::ZERO,
                Ok(false) => Duration::from_secs(1),
                Err(error) => pace.next(!error.is_link(), random()),
            };
            if result.is_ok() {
                pace = Pace::default();
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// One round. True where there is more to do at once.
    async fn round(&mut self) -> Result<bool, ForwardError> {
        if self.uplink.state().borrow().link != LinkState::Online {
            return Ok(false);
        }
        self.core.room.center_heard();
        self.delegation().await?;
        let now = self.core.recorder.exam_now();
        if self.core.delegation.in_force(now).is_err() {
            return Ok(false);
        }
        self.vouch().await?;
        // Whoever only follows holds nothing that the other does not bring.
        let course = self.core.room.course();
        if course.followed().is_some() && !course.ran {
            return Ok(false);
        }
        self.entries().await
    }

    fn boot_ms(&self) -> i64 {
        self.core.recorder.machine().boot_ms()
    }

    async fn delegation(&mut self) -> Result<(), ForwardError> {
        let now = self.boot_ms();
        let fresh = |last: i64| now.saturating_sub(last) < DELEGATION_EVERY_MS;
        let held = self.core.delegation.held().is_some();
        if held && self.delegation_boot_ms.is_some_and(fresh) {
            return Ok(());
        }
        let core = self.core.clone();
        let news = match self.uplink.upstream().https().delegation().await {
            Ok(bytes) => {
                let taken = move || {
                    let now = core.recorder.exam_now();
                    core.delegation.take(&bytes, now, core.recorder.writer())
                };
                blocking(taken).await?
            }
            Err(UpstreamError::Refused { code, .. })
                if code == "hub.delegation_revoked" || code == "hub.no_delegation" =>
            {
                let withdrawn = move || {
                    let writer = core.recorder.writer();
                    core.delegation
                        .withdrawn(writer)
                        .map_err(DelegationRefused::from)
                };
                blocking(withdrawn).await?
            }
            Err(error) => return Err(error.into()),
        };
        self.delegation_boot_ms = Some(now);
        if news {
            tracing::info!("the delegation has changed");
            // Every terminal judges this hub anew, by what it may do now.
            self.core.room.lines().close_all();
            self.core.room.touch();
        }
        Ok(())
    }

    /// The center must know a terminal before it takes its ledger, also where it is let in here no more: what it has left
    /// is evidence.
    async fn vouch(&mut self) -> Result<(), ForwardError> {
        let certified = self.core.devices.certified().into_iter();
        let words = certified.filter_map(|terminal| Word::of(&terminal));
        let words: Vec<Word> = words
            .filter(|word| !self.vouched.contains(&word.key()))
            .collect();
        for slice in words.chunks(MOST_CERTIFICATES) {
            let asked = VouchedDevices {
                certificates: slice.iter().map(|word| word.certificate.clone()).collect(),
                revoked: slice.iter().filter_map(|word| word.revoked).collect(),
            };
            let reply = self.uplink.upstream().https().vouch(&asked).await?;
            for (word, line) in slice.iter().zip(reply.devices) {
                if let Some(code) = &line.refused {
                    let device = &word.name;
                    tracing::warn!(code, device, "the center does not take a terminal");
                }
                // A refusal stands until this hub begins anew, or says something else of the terminal.
                self.vouched.insert(word.key());
            }
        }
        Ok(())
    }

    /// Every ledger one step further. True where any has more.
    async fn entries(&mut self) -> Result<bool, ForwardError> {
        let (core, now) = (self.core.clone(), self.boot_ms());
        let read = move || {
            core.replica_readers.read(|reader| {
                let behind = reader.to_forward()?.into_iter();
                let behind = behind.map(|one| (one.ledger_id, one.forwarded));
                Ok((reader.roll()?, behind.collect::<BTreeMap<_, _>>()))
            })
        };
        let (roll, behind) = blocking(read).await?;
        let mut more = false;
        for line in roll {
            let forwarded = behind.get(&line.ledger_id).copied().unwrap_or(line.size);
            let witnessed = self.witnessed.get(&line.ledger_id).copied().unwrap_or(0);
            let checkpoint = line.cosigned.map_or(0, |(size, _)| size);
            if forwarded == line.size && checkpoint <= witnessed {
                continue;
            }
            let left_alone = self.left_alone.get(&line.ledger_id);
            let much = line.size - forwarded > LITTLE;
            if left_alone.is_some_and(|until| now < until - i64::from(much) * LEDGER_EVERY_MS) {
                continue;
            }
            let until = match self.ledger(&line, forwarded, witnessed).await {
                Ok(further) => {
                    more |= further;
                    now + LEDGER_EVERY_MS
                }
                Err(error) if error.is_link() => return Err(error),
                Err(error) => {
                    tracing::warn!(code = error.code(), %error, "a ledger was not forwarded");
                    now + REFUSED_FOR_MS
                }
            };
            self.left_alone.insert(line.ledger_id, until);
        }
        Ok(more)
    }

    /// One request's worth of a ledger. True where there is much more of it.
    async fn ledger(
        &mut self,
        line: &RollLine,
        mut from: u64,
        witnessed: u64,
    ) -> Result<bool, ForwardError> {
        let device = PublicKey::from_bytes(line.identity.device_key);
        let mut gaps = 0;
        loop {
            let (core, id) = (self.core.clone(), line.ledger_id);
            let slice = move || {
                let readers = &core.replica_readers;
                readers.read(|reader| slice(reader, &id, from, witnessed))
            };
            let Some(slice) = blocking(slice).await? else {
                return Ok(false);
            };
            let end = from + slice.entries.len() as u64;
            let request = EntriesRequest {
                ledger_id: id.to_vec(),
                from_seq: from,
                entries: slice.entries,
                checkpoint: slice.checkpoint.as_ref().map(|one| one.note.clone()),
                device: Some(device),
            };
            match self.uplink.upstream().post_entries(&request).await? {
                EntriesReply::Stored { size, .. } if size < end => {
                    return Err(malformed("fewer entries than were sent"));
                }
                EntriesReply::Stored { size, .. } => {
                    // A terminal may have spoken to the center itself.
                    let size = size.min(line.size);
                    self.core.replicas.forwarded_async(id, size).await?;
                    if let Some(checkpoint) = slice.checkpoint {
                        self.witnessed.insert(id, checkpoint.size);
                    }
                    self.core.room.touch();
                    return Ok(line.size - size > LITTLE);
                }
                EntriesReply::Gap { have } if have < from && gaps < MOST_GAPS => {
                    gaps += 1;
                    from = have;
                }
                EntriesReply::Gap { .. } => return Err(malformed("a gap where there is none")),
                EntriesReply::Fork { at_seq, .. } => {
                    let device = Hash32(*device.as_bytes());
                    self.core.room.observe(&Fact::Fork { device, at_seq });
                    return Err(malformed("the center holds another entry"));
                }
            }
        }
    }
}

/// What this hub says of a terminal that it has let in once.
struct Word {
    name: String,
    certificate: ByteBuf,
    revoked: Option<RevokedDevice>,
}

impl Word {
    fn of(terminal: &Terminal) -> Option<Word> {
        let revoked = (terminal.admission == Admission::Revoked).then(|| RevokedDevice {
            device: terminal.sign,
            revoked_ms: terminal.decided_ms.unwrap_or(terminal.first_ms),
        });
        Some(Word {
            name: terminal.name.clone(),
            certificate: terminal.certificate.clone()?,
            revoked,
        })
    }

    fn key(&self) -> (Hash32, bool) {
        let certificate = fengjuan_wire::hash(&self.certificate);
        (certificate, self.revoked.is_some())
    }
}

/// A part of a ledger, and the device's own checkpoint where one covers entries up to its end.
struct Slice {
    entries: Vec<ByteBuf>,
    checkpoint: Option<StoredCheckpoint>,
}

/// The next entries of a ledger, up to its last checkpoint where there is one ahead; none where nothing is left that the
/// center has not seen.
fn slice(
    reader: &ReplicaReader,
    ledger: &[u8; 16],
    from: u64,
    witnessed: u64,
) -> Result<Option<Slice>, StoreError> {
    let checkpoints = reader.checkpoints(ledger)?.into_iter();
    let new = checkpoints.filter(|one| one.size > witnessed);
    let checkpoint = new.max_by_key(|one| one.size);
    let ahead = checkpoint
        .as_ref()
        .map(|one| one.size)
        .filter(|size| *size > from);
    let (mut bytes, mut entries) = (0, Vec::new());
    for entry in reader.entries_since(ledger, from, MOST_ENTRIES)? {
        bytes += entry.bytes.len();
        let beyond = ahead.is_some_and(|size| entry.seq >= size);
        if (bytes > MOST_BYTES && !entries.is_empty()) || beyond {
            break;
        }
        entries.push(ByteBuf::from(entry.bytes));
    }
    let end = from + entries.len() as u64;
    let checkpoint = checkpoint.filter(|one| one.size <= end);
    let nothing = entries.is_empty() && checkpoint.is_none();
    Ok((!nothing).then_some(Slice {
        entries,
        checkpoint,
    }))
}

async fn blocking<T: Send + 'static, E: Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, ForwardError>
where
    ForwardError: From<E>,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(error) => Err(StoreError::Io {
            detail: error.to_string(),
        }
        .into()),
    }
}

fn malformed(detail: &str) -> ForwardError {
    UpstreamError::Malformed {
        detail: detail.to_owned(),
    }
    .into()
}

fn random() -> u32 {
    fengjuan_envelope::random_bytes::<4>().map_or(u32::MAX / 2, u32::from_be_bytes)
}
