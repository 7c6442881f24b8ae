//! The ledger's way to its witness: entries in order, and a checkpoint over the last of them to be cosigned.

use super::{ENTRIES_EVERY_MS, SyncError, Uplink};
use crate::recorder::SYSTEM;
use crate::upstream::{Upstream, UpstreamError};
use fengjuan_core::event::Event;
use fengjuan_store::{Projection, StoredCheckpoint};
use fengjuan_wire::Hash32;
use fengjuan_wire::upstream::{EntriesReply, EntriesRequest};
use serde_bytes::ByteBuf;

const MOST_ENTRIES: usize = 500;
const MOST_BYTES: usize = 1024 * 1024;
/// An upstream that asks to begin anew more often than this within one go does not know what it holds.
const MOST_GAPS: u32 = 4;

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
        let (size, witnessed) =
            self.read(|reader| Ok((reader.size()?, reader.latest_cosigned()?)))?;
        let witnessed = witnessed
            .and_then(|stored| self.witnessed(&stored))
            .map_or(0, |(size, _)| size);
        if size == witnessed && self.run().head_shown {
            return Ok(());
        }
        let checkpoint = self.checkpoint()?;
        let mut from = self.run().sent.unwrap_or(witnessed).min(checkpoint.size);
        let mut gaps = 0;
        loop {
            let request = self.request(from, &checkpoint)?;
            let sent = request.entries.len() as u64;
            let whole = request.checkpoint.is_some();
            match self.inner.upstream.post_entries(&request).await? {
                EntriesReply::Stored { size, .. } if size < from + sent => {
                    return Err(UpstreamError::malformed("fewer entries than were sent").into());
                }
                EntriesReply::Stored { size, .. } if whole && size > checkpoint.size => {
                    // The upstream holds entries that this ledger no longer has: it was put back.
                    return Err(self.forked(checkpoint.size, None)?);
                }
                EntriesReply::Stored { cosigned, .. } => {
                    from += sent;
                    self.run().sent = Some(from);
                    if whole {
                        return self.take_answer(cosigned, &checkpoint);
                    }
                }
                EntriesReply::Gap { have } if have < from && gaps < MOST_GAPS => {
                    gaps += 1;
                    from = have;
                }
                EntriesReply::Gap { .. } => {
                    return Err(UpstreamError::malformed("a gap where there is none").into());
                }
                EntriesReply::Fork { at_seq, held } => {
                    return Err(self.forked(at_seq, Some(held))?);
                }
            }
        }
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

    /// As many entries from `from` on as one call takes; the checkpoint goes with the last ones.
    pub(super) fn request(
        &self,
        from: u64,
        checkpoint: &StoredCheckpoint,
    ) -> Result<EntriesRequest, SyncError> {
        let limit = usize::try_from(checkpoint.size - from)
            .unwrap_or(usize::MAX)
            .min(MOST_ENTRIES);
        let stored = self.read(|reader| reader.entries(from, limit))?;
        let mut entries = Vec::with_capacity(stored.len());
        let mut bytes = 0;
        for entry in stored {
            bytes += entry.bytes.len();
            if bytes > MOST_BYTES && !entries.is_empty() {
                break;
            }
            entries.push(ByteBuf::from(entry.bytes));
        }
        let whole = from + entries.len() as u64 == checkpoint.size;
        Ok(EntriesRequest {
            ledger_id: self.inner.ledger_id.to_vec(),
            from_seq: from,
            entries,
            checkpoint: whole.then(|| checkpoint.note.clone()),
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
