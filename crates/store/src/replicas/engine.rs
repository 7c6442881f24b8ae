//! What the writer thread does with a group of requests. A request that is refused leaves nothing behind and the
//! others alone; a failure of the storage leaves nothing of the group.

use super::Cosigner;
use crate::change::LedgerId;
use crate::error::StoreError;
use crate::group::{self, Answer};
use crate::replica::{self, AppendOutcome, AppendRequest, Held, Taken};
use crate::rows::clamp;
use rusqlite::Connection;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many ledgers are remembered; a room has fewer, and what is forgotten is read again.
const REMEMBERED: usize = 2048;

pub(crate) enum Job {
    Append(AppendRequest),
    Forwarded { ledger_id: LedgerId, size: u64 },
}

pub(crate) enum Done {
    Taken(Taken),
    Marked,
}

/// The ledgers as the open transaction would leave them.
type Staged = HashMap<LedgerId, Held>;

/// The writer's connection and what it knows of the committed ledgers.
pub(crate) struct Engine {
    conn: Connection,
    file: PathBuf,
    cosign: Cosigner,
    ledgers: HashMap<LedgerId, Held>,
    /// Set while it is not known whether a failed `COMMIT` took place.
    unsure: bool,
    transactions: Arc<AtomicU64>,
}

impl group::Engine for Engine {
    type Job = Job;
    type Done = Done;

    fn transact(&mut self, group: &[Job]) -> Result<Vec<Answer<Done>>, StoreError> {
        let outcome = self.try_transact(group);
        if let Err(error) = &outcome {
            tracing::warn!(code = error.code(), %error, "a transaction of the replicas failed");
            self.unsure = true;
        }
        outcome.map_err(|error| error.at(&self.file))
    }

    fn weight(job: &Job) -> usize {
        match job {
            Job::Append(request) => request.entries.len().max(1),
            Job::Forwarded { .. } => 1,
        }
    }
}

impl Engine {
    pub(super) fn new(
        conn: Connection,
        file: PathBuf,
        cosign: Cosigner,
        transactions: Arc<AtomicU64>,
    ) -> Self {
        Self {
            conn,
            file,
            cosign,
            ledgers: HashMap::new(),
            unsure: false,
            transactions,
        }
    }

    fn try_transact(&mut self, group: &[Job]) -> Result<Vec<Answer<Done>>, StoreError> {
        self.settle()?;
        self.run("BEGIN IMMEDIATE")?;
        let mut staged = Staged::new();
        let mut answers = Vec::with_capacity(group.len());
        for job in group {
            answers.push(self.apply_alone(&mut staged, job)?);
        }
        self.run("COMMIT")?;
        self.transactions.fetch_add(1, Ordering::Relaxed);
        self.ledgers.extend(staged);
        if self.ledgers.len() > REMEMBERED {
            self.ledgers.clear();
        }
        Ok(answers)
    }

    /// After a failure: ends what is left of the transaction, and forgets what the database may not hold.
    fn settle(&mut self) -> Result<(), StoreError> {
        if !self.unsure {
            return Ok(());
        }
        if !self.conn.is_autocommit() {
            self.conn.execute_batch("ROLLBACK")?;
        }
        self.ledgers.clear();
        self.unsure = false;
        Ok(())
    }

    /// Does one job inside the group's transaction so that its refusal undoes what it wrote, and nothing else. The
    /// outer error breaks the transaction.
    fn apply_alone(&self, staged: &mut Staged, job: &Job) -> Result<Answer<Done>, StoreError> {
        self.run("SAVEPOINT request")?;
        let done = self.apply(staged, job);
        if let Err(error) = done {
            // SQLite has undone everything by itself where no transaction is left.
            if error.is_storage() || self.conn.is_autocommit() {
                return Err(error);
            }
            self.run("ROLLBACK TO request")?;
            self.run("RELEASE request")?;
            return Ok(Err(error.at(&self.file)));
        }
        self.run("RELEASE request")?;
        Ok(done)
    }

    /// Stages a ledger only when nothing can refuse the job any more.
    fn apply(&self, staged: &mut Staged, job: &Job) -> Result<Done, StoreError> {
        match job {
            Job::Append(request) => {
                let known = self.known(staged, &request.ledger_id)?;
                let cosign = |note: &str| self.cosigned(note, request.now_ms);
                let (held, taken) = replica::take(&self.conn, known, request, cosign)?;
                if let AppendOutcome::Fork { seq, .. } = taken.outcome {
                    tracing::warn!(device = request.identity.device, seq, "fork");
                }
                staged.insert(request.ledger_id, held);
                Ok(Done::Taken(taken))
            }
            Job::Forwarded { ledger_id, size } => {
                let held = self.known(staged, ledger_id)?;
                let no = held.ok_or(StoreError::UnknownLedger)?.no();
                let sql = "INSERT INTO replica_forwarded (ledger, size) VALUES (?1, ?2) \
                           ON CONFLICT (ledger) DO UPDATE SET size = excluded.size";
                self.conn.prepare_cached(sql)?.execute((no, clamp(*size)))?;
                Ok(Done::Marked)
            }
        }
    }

    fn known(&self, staged: &Staged, ledger_id: &LedgerId) -> Result<Option<Held>, StoreError> {
        match staged
            .get(ledger_id)
            .or_else(|| self.ledgers.get(ledger_id))
        {
            Some(held) => Ok(Some(held.clone())),
            None => replica::find(&self.conn, ledger_id),
        }
    }

    fn cosigned(&self, note: &str, now_ms: i64) -> Result<String, String> {
        // A panic in the caller's signer must not take the writer thread of the whole room with it.
        catch_unwind(AssertUnwindSafe(|| (self.cosign)(note, now_ms)))
            .unwrap_or_else(|_| Err("the cosigner panicked".to_owned()))
    }

    fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
