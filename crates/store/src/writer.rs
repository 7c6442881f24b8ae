//! The one writer: a thread that drains its queue into one transaction and answers after `COMMIT`.

use crate::change::{Appended, Change, EncodeEntry, Hash, NewObject, Projection};
use crate::engine::{Done, Engine, Job, Reply, Request, Signer};
use crate::error::StoreError;
use crate::objects;
use crate::rows::StoredCheckpoint;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

/// How many requests at most share one transaction: enough for a burst, few enough that none waits long.
const GROUP: usize = 256;

/// A handle on the writer thread; clones share it. Every function returns after the change is durable, or with
/// the reason why nothing of it was acknowledged. After a storage error the writer goes on with later requests.
///
/// All errors: [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Closed`], [`StoreError::Corrupted`], and
/// what the function itself names.
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::Sender<Request>,
    objects: Arc<PathBuf>,
}

/// Starts the thread of `engine`.
pub(crate) fn start(
    mut engine: Engine,
    objects: PathBuf,
) -> Result<(Writer, JoinHandle<()>), StoreError> {
    let (queue, requests) = mpsc::channel::<Request>();
    let thread = std::thread::Builder::new()
        .name("ledger-writer".to_owned())
        .spawn(move || {
            while let Ok(first) = requests.recv() {
                let mut group = vec![first];
                while group.len() < GROUP
                    && let Ok(next) = requests.try_recv()
                {
                    group.push(next);
                }
                let stops = group.iter().any(|request| matches!(request.job, Job::Stop));
                engine.commit_group(group);
                if stops {
                    break;
                }
            }
        })?;
    Ok((
        Writer {
            queue,
            objects: Arc::new(objects),
        },
        thread,
    ))
}

impl Writer {
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
        match self.ask(Job::Change(change))? {
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
        let (reply, answer) = tokio::sync::oneshot::channel();
        let sent = self.send(
            Job::Change(change),
            Box::new(move |done| drop(reply.send(done))),
        );
        async move {
            sent?;
            match answer.await.map_err(|_| StoreError::Closed)?? {
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
        match self.ask(Job::Change(change))? {
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
        match self.ask(Job::Checkpoint(sign))? {
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
        self.ask(Job::Cosigned(note.to_owned())).map(drop)
    }

    pub(crate) fn stop(&self) {
        // A writer that has stopped already is what was wanted.
        let _ = self.send(Job::Stop, Box::new(drop));
    }

    fn ask(&self, job: Job) -> Result<Done, StoreError> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.send(job, Box::new(move |done| drop(reply.send(done))))?;
        answer.recv().map_err(|_| StoreError::Closed)?
    }

    fn send(&self, job: Job, reply: Reply) -> Result<(), StoreError> {
        self.queue
            .send(Request { job, reply })
            .map_err(|_| StoreError::Closed)
    }
}
