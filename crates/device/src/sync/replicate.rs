//! The ledger's way to its witness: entries in order, and a checkpoint over the last of them to be cosigned.

use super::{ENTRIES_EVERY_MS, SyncError, Uplink};
use crate::recorder::SYSTEM;
use crate::upstream::{Upstream, UpstreamError};
use fengjuan_core::event::Event;
use fengjuan_store::{Projection, StoredCheckpoint};
use fengjuan_wire::Hash32;
use fengjuan_wire::upstream::{EntriesReply, EntriesRequest};
use serde_bytes::ByteBuf;
use tokio::sync::OwnedMutexGuard;

const MOST_ENTRIES: usize = 500;
pub(super) const MOST_BYTES: usize = 1024 * 1024;
/// An upstream that asks to begin anew more often than this within one go does not know what it holds.
const MOST_GAPS: u32 = 4;

/// Entries on their way. While it lives, nobody else sends any.
pub(crate) struct Exchange {
    /// The next entry to send: the upstream holds all before it.
    pub(crate) from: u64,
    /// Times in a row that the upstream asked to begin earlier.
    gaps: u32,
    _alone: OwnedMutexGuard<()>,
}

/// What an answer to entries meant.
pub(crate) enum Judged {
    Stored {
        cosigned: Option<String>,
    },
    /// The upstream holds less: again, from where it says.
    Again,
}

impl<U: Upstream> Uplink<U> {
    pub(super) async fn replicate_when_due(&self) -> Result<(), SyncError> {
        let (last, nudged) = {
            let mut run = self.run();
            (run.replicated_boot_ms, std::mem::take(&mut run.nudged))
        };
        if !nudged && !self.due(last, ENTRIES_EVERY_MS) {
            return Ok(());
        }
        let now = self.boot_ms();
        let result = self.replicate().await;
        self.run().replicated_boot_ms = result.is_ok().then_some(now);
        result
    }

    /// Sends every entry that the upstream does not hold and gets the head cosigned. Once in a run of the program the
    /// head is shown even where nothing is new: an upstream that holds more then knows of a database that was put back.
    ///
    /// # Errors
    /// [`SyncError`]; entries that arrived are not sent again.
    pub async fn replicate(&self) -> Result<(), SyncError> {
        // Nobody else sends entries meanwhile, so that a receiver that holds more than the checkpoint covers has not
        // got it from this ledger.
        let mut exchange = self.exchange().await?;
        let size = self.read(|reader| reader.size())?;
        if size == self.witnessed_size()? && self.run().head_shown {
            return Ok(());
        }
        let checkpoint = self.checkpoint()?;
        exchange.from = exchange.from.min(checkpoint.size);
        loop {
            let request = self.request(exchange.from, Some(&checkpoint), MOST_BYTES)?;
            let reply = self.inner.upstream.post_entries(&request).await?;
            let whole = request.checkpoint.is_some();
            match self.judge(&mut exchange, &request, reply)? {
                Judged::Stored { cosigned } if whole => {
                    return self.take_answer(cosigned, &checkpoint);
                }
                Judged::Stored { .. } | Judged::Again => {}
            }
        }
    }

    /// Waits until nobody else exchanges entries with the upstream.
    pub(crate) async fn exchange(&self) -> Result<Exchange, SyncError> {
        let alone = self.inner.exchange.clone().lock_owned().await;
        self.look_whose()?;
        let sent = self.run().sent;
        let from = match sent {
            Some(sent) => sent,
            None => self.witnessed_size()?,
        };
        Ok(Exchange {
            from,
            gaps: 0,
            _alone: alone,
        })
    }

    fn witnessed_size(&self) -> Result<u64, SyncError> {
        let stored = self.read(|reader| reader.latest_cosigned())?;
        let witnessed = stored.and_then(|stored| self.witnessed(&stored));
        Ok(witnessed.map_or(0, |(size, _)| size))
    }

    /// What the answer to a request means; the exchange goes on from where the upstream says.
    pub(crate) fn judge(
        &self,
        exchange: &mut Exchange,
        request: &EntriesRequest,
        reply: EntriesReply,
    ) -> Result<Judged, SyncError> {
        let end = request.from_seq + request.entries.len() as u64;
        match reply {
            EntriesReply::Stored { size, .. } if size < end => {
                Err(UpstreamError::malformed("fewer entries than were sent").into())
            }
            EntriesReply::Stored { size, cosigned } => {
                let most = match request.checkpoint {
                    Some(_) => end,
                    None => self.read(|reader| reader.size())?,
                };
                if size > most {
                    // The upstream holds entries that this ledger no longer has: it was put back.
                    return Err(self.forked(most, None)?);
                }
                self.arrived(exchange, end);
                Ok(Judged::Stored { cosigned })
            }
            EntriesReply::Gap { have } if have < request.from_seq && exchange.gaps < MOST_GAPS => {
                exchange.gaps += 1;
                self.arrived(exchange, have);
                Ok(Judged::Again)
            }
            EntriesReply::Gap { .. } => {
                Err(UpstreamError::malformed("a gap where there is none").into())
            }
            EntriesReply::Fork { at_seq, held } => Err(self.forked(at_seq, Some(held))?),
        }
    }

    fn arrived(&self, exchange: &mut Exchange, size: u64) {
        exchange.from = size;
        self.run().sent = Some(size);
        self.inner
            .state
            .send_if_modified(|state| std::mem::replace(&mut state.replicated, size) != size);
    }

    fn take_answer(
        &self,
        cosigned: Option<String>,
        checkpoint: &StoredCheckpoint,
    ) -> Result<(), SyncError> {
        let text = cosigned.ok_or_else(|| SyncError::Cosignature {
            detail: "not given".to_owned(),
        })?;
        if self.take_cosigned(&text)? != checkpoint.size {
            return Err(SyncError::Cosignature {
                detail: "of another checkpoint".to_owned(),
            });
        }
        self.run().head_shown = true;
        self.inner.state.send_modify(|state| {
            state.forked_at = None;
            state.head_confirmed = true;
        });
        Ok(())
    }

    /// As many entries from `from` on as one call takes; the checkpoint goes with the last ones that it covers.
    pub(crate) fn request(
        &self,
        from: u64,
        checkpoint: Option<&StoredCheckpoint>,
        most_bytes: usize,
    ) -> Result<EntriesRequest, SyncError> {
        let limit = checkpoint.map_or(MOST_ENTRIES, |checkpoint| {
            let covered = usize::try_from(checkpoint.size - from).unwrap_or(usize::MAX);
            covered.min(MOST_ENTRIES)
        });
        let stored = self.read(|reader| reader.entries(from, limit))?;
        let mut entries = Vec::with_capacity(stored.len());
        let mut bytes = 0;
        for entry in stored {
            bytes += entry.bytes.len();
            if bytes > most_bytes && !entries.is_empty() {
                break;
            }
            entries.push(ByteBuf::from(entry.bytes));
        }
        let end = from + entries.len() as u64;
        let whole = checkpoint.filter(|checkpoint| checkpoint.size == end);
        Ok(EntriesRequest {
            device: None,
            ledger_id: self.inner.ledger_id.to_vec(),
            from_seq: from,
            entries,
            checkpoint: whole.map(|checkpoint| checkpoint.note.clone()),
        })
    }

    /// Records a fork once. The upstream goes on being asked, since only people can settle it.
    fn forked(&self, at_seq: u64, theirs: Option<Hash32>) -> Result<SyncError, SyncError> {
        self.inner
            .state
            .send_modify(|state| state.forked_at = Some(at_seq));
        let key = [b"fork/".as_slice(), &at_seq.to_be_bytes()].concat();
        let (mine, told) = self.read(|reader| {
            Ok((
                reader.entry(at_seq)?,
                reader.get(super::NS, &key)?.is_some(),
            ))
        })?;
        if let (Some(mine), Some(theirs), false) = (mine, theirs, told) {
            tracing::error!(at_seq, "the upstream holds another entry at this place");
            let event = Event::ForkSeen {
                at_seq,
                mine: Hash32(mine.leaf),
                theirs,
            };
            let told = Projection::put(super::NS, key, theirs.0);
            self.inner
                .recorder
                .record_with(SYSTEM, None, event, vec![told])?;
        }
        Ok(SyncError::Forked { at_seq })
    }
}
