use super::engine::{Done, Engine, Job};
use crate::change::LedgerId;
use crate::error::StoreError;
use crate::group::Queue;
use crate::replica::{AppendRequest, Taken};

/// A handle on the writer thread; clones share it. Every answer is given after the change is durable, or with the
/// reason why nothing of it is acknowledged. After a storage error the writer goes on with later requests.
///
/// The requests that wait share one transaction, some 256 entries at a time; a request with more has one nearly to itself,
/// and the others wait for it: who wants answers within milliseconds sends what was missed in slices of a few hundred.
/// What waits is held in memory, so the caller bounds how many requests each device may have under way.
///
/// All errors: [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Closed`], [`StoreError::Corrupted`], and
/// what the function itself names.
#[derive(Clone)]
pub struct ReplicaWriter {
    queue: Queue<Engine>,
}

impl ReplicaWriter {
    pub(super) fn new(queue: Queue<Engine>) -> Self {
        Self { queue }
    }

    /// Registers the ledger where it is new, takes over the entries and cosigns the checkpoint, all of it or nothing.
    /// A gap and a fork are answers, and a fork's evidence is kept. Idempotent by (ledger, seq, leaf).
    ///
    /// # Errors
    /// [`StoreError::LedgerTaken`]; [`StoreError::Checkpoint`] and [`StoreError::Sign`], after which the entries are
    /// not held either; and see [`ReplicaWriter`].
    pub fn append(&self, request: AppendRequest) -> Result<Taken, StoreError> {
        taken(self.queue.ask(Job::Append(request))?)
    }

    /// As [`ReplicaWriter::append`], queued at once (in the order of the calls), with a future of the answer. To drop
    /// the future takes nothing back.
    ///
    /// # Errors
    /// As [`ReplicaWriter::append`].
    pub fn append_async(
        &self,
        request: AppendRequest,
    ) -> impl Future<Output = Result<Taken, StoreError>> + Send + 'static + use<> {
        let answer = self.queue.ask_async(Job::Append(request));
        async move { taken(answer.await?) }
    }

    /// Notes how much of a ledger the witness above holds, as it said last; it may say less than before after it was
    /// restored.
    ///
    /// # Errors
    /// [`StoreError::UnknownLedger`], and see [`ReplicaWriter`].
    pub fn forwarded(&self, ledger_id: LedgerId, size: u64) -> Result<(), StoreError> {
        self.queue.ask(Job::Forwarded { ledger_id, size }).map(drop)
    }

    /// As [`ReplicaWriter::forwarded`], queued at once.
    ///
    /// # Errors
    /// As [`ReplicaWriter::forwarded`].
    pub fn forwarded_async(
        &self,
        ledger_id: LedgerId,
        size: u64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + 'static + use<> {
        let answer = self.queue.ask_async(Job::Forwarded { ledger_id, size });
        async move { answer.await.map(drop) }
    }

    pub(super) fn stop(&self) {
        self.queue.stop();
    }
}

fn taken(done: Done) -> Result<Taken, StoreError> {
    match done {
        Done::Taken(taken) => Ok(taken),
        Done::Marked => Err(StoreError::Closed),
    }
}
