//! What is asked of the ledger's writer thread.

use crate::change::{Appended, Change, EncodeEntry, Hash, NewObject, Projection};
use crate::engine::{Done, Engine, Job, Signer};
use crate::error::StoreError;
use crate::group::Queue;
use crate::objects;
use crate::rows::StoredCheckpoint;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// A handle on the writer thread; clones share it. Every function returns after the change is durable, or with
/// the reason why nothing of it was acknowledged. After a storage error the writer goes on with later requests.
///
/// All errors: [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Closed`], [`StoreError::Corrupted`], and
/// what the function itself names.
#[derive(Clone)]
pub struct Writer {
    queue: Queue<Engine>,
    objects: Arc<PathBuf>,
    sizes: watch::Receiver<u64>,
}

impl Writer {
    pub(crate) fn new(queue: Queue<Engine>, objects: PathBuf, sizes: watch::Receiver<u64>) -> Self {
        Self {
            queue,
            objects: Arc::new(objects),
            sizes,
        }
    }

    /// How many entries are durable; the receiver wakes as soon as there are more. It closes with the writer.
    pub fn sizes(&self) -> watch::Receiver<u64> {
        self.sizes.clone()
    }

    /// Appends one entry with its projections.
    ///
    /// # Errors
    /// [`StoreError::Encode`], and see [`Writer`].
    pub fn append(
        &self,
        entry: Box<dyn EncodeEntry>,
        projections: Vec<Projection>,
    ) -> Result<Appended, StoreError> {
        let appended = self.commit(Change {
            entries: vec![entry],
            projections,
            ..Change::default()
        })?;
        appended.into_iter().next().ok_or(StoreError::Closed)
    }

    /// Queues one entry at once (in the order of the calls) and gives a future of its acknowledgement.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn append_async(
        &self,
        entry: Box<dyn EncodeEntry>,
        projections: Vec<Projection>,
    ) -> impl Future<Output = Result<Appended, StoreError>> + Send + 'static + use<> {
        let done = self.commit_async(Change {
            entries: vec![entry],
            projections,
            ..Change::default()
        });
        async move { done.await?.into_iter().next().ok_or(StoreError::Closed) }
    }

    /// Makes a whole change durable: its entries in their order, its projections, its receipt.
    ///
    /// # Errors
    /// [`StoreError::Encode`], [`StoreError::UnknownObject`] for the receipt, and see [`Writer`].
    pub fn commit(&self, change: Change) -> Result<Vec<Appended>, StoreError> {
        match self.queue.ask(Job::Change(change))? {
            Done::Appended(appended) => Ok(appended),
            _ => Ok(Vec::new()),
        }
    }

    /// As [`Writer::commit`], queued at once.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    pub fn commit_async(
        &self,
        change: Change,
    ) -> impl Future<Output = Result<Vec<Appended>, StoreError>> + Send + 'static + use<> {
        let answer = self.queue.ask_async(Job::Change(change));
        async move {
            match answer.await? {
                Done::Appended(appended) => Ok(appended),
                _ => Ok(Vec::new()),
            }
        }
    }

    /// Changes only the small state.
    ///
    /// # Errors
    /// See [`Writer`].
    pub fn put(&self, projections: Vec<Projection>) -> Result<(), StoreError> {
        self.commit(Change {
            projections,
            ..Change::default()
        })
        .map(drop)
    }

    /// Stores a sealed object: its file first (in the calling thread, so that answers never wait for a picture),
    /// then its registration together with the entries and projections of `change`, in one transaction. An
    /// object that is registered already is left alone with all of `change` unwritten, and `Ok(None)` says so.
    ///
    /// # Errors
    /// [`StoreError::HashMismatch`] where `hash` is not the SHA-256 of `bytes`; else as [`Writer::commit`].
    pub fn put_object(
        &self,
        kind: &str,
        hash: Hash,
        bytes: &[u8],
        mut change: Change,
    ) -> Result<Option<Vec<Appended>>, StoreError> {
        objects::write(&self.objects, &hash, bytes)?;
        change.object = Some(NewObject {
            kind: kind.to_owned(),
            hash,
            size: bytes.len() as u64,
        });
        match self.queue.ask(Job::Change(change))? {
            Done::Appended(appended) => Ok(Some(appended)),
            _ => Ok(None),
        }
    }

    /// Sets an object's (verified) receipt, together with its entry where there is one.
    ///
    /// # Errors
    /// [`StoreError::UnknownObject`]; else as [`Writer::commit`].
    pub fn set_receipt(
        &self,
        hash: Hash,
        receipt: Vec<u8>,
        entry: Option<Box<dyn EncodeEntry>>,
    ) -> Result<Option<Appended>, StoreError> {
        let change = Change {
            entries: entry.into_iter().collect(),
            ..Change::default()
        };
        Ok(self
            .commit(change.receipt(hash, receipt))?
            .into_iter()
            .next())
    }

    /// Has the ledger's present size and root signed, and keeps the note. Signing the same state again with the
    /// same result keeps one note.
    ///
    /// # Errors
    /// [`StoreError::Sign`], and see [`Writer`].
    pub fn checkpoint(
        &self,
        sign: impl Fn(u64, &Hash) -> Result<String, String> + Send + 'static,
    ) -> Result<StoredCheckpoint, StoreError> {
        let sign: Signer = Box::new(sign);
        match self.queue.ask(Job::Checkpoint(sign))? {
            Done::Checkpoint(checkpoint) => Ok(checkpoint),
            _ => Err(StoreError::Closed),
        }
    }

    /// Keeps the witness's cosignature of a checkpoint: `note` is that checkpoint's note with the witness's line,
    /// verified by the caller.
    ///
    /// # Errors
    /// [`StoreError::UnknownCheckpoint`] where no stored checkpoint has the same body; and see [`Writer`].
    pub fn store_cosigned(&self, note: &str) -> Result<(), StoreError> {
        self.queue.ask(Job::Cosigned(note.to_owned())).map(drop)
    }

    pub(crate) fn stop(&self) {
        self.queue.stop();
    }
}
