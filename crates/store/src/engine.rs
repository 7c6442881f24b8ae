//! What the writer thread does with a group of requests: one transaction, all or nothing, and no place is used up
//! by a write that failed.

use crate::change::{
    Appended, Change, Hash, LedgerId, NewObject, NewReceipt, Projection, Ready, encode_all,
};
use crate::error::StoreError;
use crate::group;
use crate::rows::{Head, StoredCheckpoint};
use crate::sum::{self, Columns};
use fengjuan_envelope::merkle::Frontier;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::path::PathBuf;
use tokio::sync::watch;

pub(crate) type Signer = Box<dyn Fn(u64, &Hash) -> Result<String, String> + Send>;

pub(crate) enum Job {
    Change(Change),
    Checkpoint(Signer),
    Cosigned(String),
}

/// What was made durable.
pub(crate) enum Done {
    Appended(Vec<Appended>),
    /// The object is registered already; nothing was written.
    AlreadyHeld,
    Checkpoint(StoredCheckpoint),
    Nothing,
}

type Answer = group::Answer<Done>;

/// The ledger as the open transaction would leave it.
struct Staged {
    frontier: Frontier,
    /// The next number of the attempts touched by this transaction.
    attempts: HashMap<[u8; 16], u64>,
}

/// The writer's connection and what it knows of the committed ledger.
pub(crate) struct Engine {
    conn: Connection,
    file: PathBuf,
    ledger_id: LedgerId,
    frontier: Frontier,
    attempts: HashMap<[u8; 16], u64>,
    /// Set while it is not known whether a failed `COMMIT` took place.
    unsure: bool,
    /// Told after every `COMMIT` that made the ledger longer.
    sizes: watch::Sender<u64>,
}

impl group::Engine for Engine {
    type Job = Job;
    type Done = Done;

    fn transact(&mut self, group: &[Job]) -> Result<Vec<Answer>, StoreError> {
        let outcome = self.try_transact(group);
        if let Err(error) = &outcome {
            tracing::warn!(code = error.code(), %error, "a ledger transaction failed");
            self.unsure = true;
        }
        outcome.map_err(|error| error.at(&self.file))
    }
}

impl Engine {
    pub(crate) fn new(
        conn: Connection,
        file: PathBuf,
        ledger_id: LedgerId,
        frontier: Frontier,
    ) -> Self {
        let (sizes, _) = watch::channel(frontier.size);
        Self {
            conn,
            file,
            ledger_id,
            frontier,
            attempts: HashMap::new(),
            unsure: false,
            sizes,
        }
    }

    /// The committed size, and every change of it.
    pub(crate) fn sizes(&self) -> watch::Receiver<u64> {
        self.sizes.subscribe()
    }

    fn try_transact(&mut self, group: &[Job]) -> Result<Vec<Answer>, StoreError> {
        self.settle()?;
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut staged = Staged {
            frontier: self.frontier.clone(),
            attempts: HashMap::new(),
        };
        let mut answers = Vec::with_capacity(group.len());
        for job in group {
            answers.push(self.apply(&mut staged, job)?);
        }
        if staged.frontier.size != self.frontier.size {
            self.conn
                .prepare_cached("UPDATE head SET size = ?1, root = ?2 WHERE id = 1")?
                .execute(params![staged.frontier.size, staged.frontier.root()])?;
        }
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        self.frontier = staged.frontier;
        self.attempts.extend(staged.attempts);
        self.tell_size();
        Ok(answers)
    }

    /// After a failure: ends what is left of the transaction, and learns from the database what it holds.
    fn settle(&mut self) -> Result<(), StoreError> {
        if !self.unsure {
            return Ok(());
        }
        if !self.conn.is_autocommit() {
            self.conn.execute_batch("ROLLBACK")?;
        }
        if Head::read(&self.conn)?.size != self.frontier.size {
            self.frontier = crate::database::check_tree(&self.conn, &self.file)?.1;
        }
        self.attempts.clear();
        self.unsure = false;
        self.tell_size();
        Ok(())
    }

    fn tell_size(&self) {
        let size = self.frontier.size;
        self.sizes
            .send_if_modified(|told| std::mem::replace(told, size) != size);
    }

    /// The outer error breaks the transaction; the inner one refuses this request alone, with nothing written.
    fn apply(&self, staged: &mut Staged, job: &Job) -> Result<Answer, StoreError> {
        match job {
            Job::Change(change) => self.apply_change(staged, change),
            Job::Checkpoint(sign) => self.apply_checkpoint(staged, sign),
            Job::Cosigned(note) => self.apply_cosigned(note),
        }
    }

    fn apply_change(&self, staged: &mut Staged, change: &Change) -> Result<Answer, StoreError> {
        if let Some(object) = &change.object
            && self.holds(&object.hash)?
        {
            return Ok(Ok(Done::AlreadyHeld));
        }
        if let Some(receipt) = &change.receipt
            && !self.holds(&receipt.hash)?
        {
            return Ok(Err(StoreError::UnknownObject));
        }
        let next = |attempt: &[u8; 16]| self.next_of_attempt(&staged.attempts, attempt);
        let ready = match encode_all(&change.entries, self.ledger_id, staged.frontier.size, next) {
            Ok(ready) => ready,
            Err(error @ StoreError::Encode { .. }) => return Ok(Err(error)),
            Err(error) => return Err(error),
        };
        let first = ready.first().map(|ready| ready.place.seq);
        let mut appended = Vec::with_capacity(ready.len());
        for (entry, ready) in change.entries.iter().zip(ready) {
            appended.push(self.insert(staged, entry.as_ref(), ready)?);
        }
        for projection in &change.projections {
            self.project(projection)?;
        }
        if let Some(object) = &change.object {
            self.register(object, first)?;
        }
        if let Some(receipt) = &change.receipt {
            self.receive(receipt)?;
        }
        Ok(Ok(Done::Appended(appended)))
    }

    fn next_of_attempt(
        &self,
        staged: &HashMap<[u8; 16], u64>,
        attempt: &[u8; 16],
    ) -> Result<u64, StoreError> {
        if let Some(next) = staged.get(attempt).or_else(|| self.attempts.get(attempt)) {
            return Ok(*next);
        }
        let sql = "SELECT ifnull(max(attempt_seq) + 1, 0) FROM entries WHERE attempt = ?1";
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row([attempt], |row| row.get(0))?)
    }

    fn insert(
        &self,
        staged: &mut Staged,
        entry: &dyn crate::EncodeEntry,
        ready: Ready,
    ) -> Result<Appended, StoreError> {
        let Ready { place, bytes, leaf } = ready;
        let columns = Columns {
            class: entry.class(),
            kind: entry.kind(),
            attempt: entry.attempt(),
            attempt_seq: place.attempt_seq,
            exam_ms: entry.exam_ms(),
            wall_ms: entry.wall_ms(),
            leaf,
        };
        let sql = "INSERT INTO entries \
                   (seq, class, kind, attempt, attempt_seq, exam_ms, wall_ms, leaf, bytes, sum) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        self.conn.prepare_cached(sql)?.execute(params![
            place.seq,
            columns.class,
            columns.kind,
            columns.attempt,
            columns.attempt_seq,
            columns.exam_ms,
            columns.wall_ms,
            columns.leaf,
            bytes,
            columns.sum(),
        ])?;
        staged.frontier.append(leaf);
        if let Some(attempt) = entry.attempt() {
            staged.attempts.insert(attempt, place.attempt_seq + 1);
        }
        Ok(Appended {
            seq: place.seq,
            attempt_seq: place.attempt_seq,
            leaf,
        })
    }

    fn project(&self, projection: &Projection) -> Result<(), StoreError> {
        match projection {
            Projection::Put { ns, key, value } => self
                .conn
                .prepare_cached(
                    "INSERT INTO state (ns, key, value, sum) VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT (ns, key) DO UPDATE SET value = excluded.value, sum = excluded.sum",
                )?
                .execute(params![ns, key, value, sum::of_state(ns, key, value)])?,
            Projection::Remove { ns, key } => self
                .conn
                .prepare_cached("DELETE FROM state WHERE ns = ?1 AND key = ?2")?
                .execute(params![ns, key])?,
        };
        Ok(())
    }

    fn holds(&self, hash: &Hash) -> Result<bool, StoreError> {
        Ok(self
            .conn
            .prepare_cached("SELECT 1 FROM objects WHERE hash = ?1")?
            .exists([hash])?)
    }

    fn register(&self, object: &NewObject, seq: Option<u64>) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("INSERT INTO objects (hash, kind, size, seq) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![object.hash, object.kind, object.size, seq])?;
        Ok(())
    }

    fn receive(&self, receipt: &NewReceipt) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("UPDATE objects SET receipt = ?2 WHERE hash = ?1")?
            .execute(params![receipt.hash, receipt.receipt])?;
        Ok(())
    }

    fn apply_checkpoint(&self, staged: &Staged, sign: &Signer) -> Result<Answer, StoreError> {
        let (size, root) = (staged.frontier.size, staged.frontier.root());
        let signed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sign(size, &root)))
            .unwrap_or_else(|_| Err("the signer panicked".to_owned()));
        let note = match signed {
            Ok(note) => note,
            Err(detail) => return Ok(Err(StoreError::Sign { detail })),
        };
        let sql = "SELECT size, root, note, cosigned FROM checkpoints ORDER BY id DESC LIMIT 1";
        let latest = self
            .conn
            .prepare_cached(sql)?
            .query_row([], StoredCheckpoint::read)
            .optional()?;
        if let Some(latest) = latest
            && latest.note == note
        {
            return Ok(Ok(Done::Checkpoint(latest)));
        }
        self.conn
            .prepare_cached("INSERT INTO checkpoints (size, root, note) VALUES (?1, ?2, ?3)")?
            .execute(params![size, root, note])?;
        Ok(Ok(Done::Checkpoint(StoredCheckpoint {
            size,
            root,
            note,
            cosigned: None,
        })))
    }

    /// A note's body ends at the first empty line; a cosigned note has the body of the checkpoint it cosigns.
    fn apply_cosigned(&self, note: &str) -> Result<Answer, StoreError> {
        let body = |note: &str| note.split_once("\n\n").map(|(body, _)| body.to_owned());
        let Some(wanted) = body(note) else {
            return Ok(Err(StoreError::UnknownCheckpoint));
        };
        let size = wanted
            .lines()
            .nth(1)
            .and_then(|line| line.parse::<u64>().ok());
        let mut statement = self
            .conn
            .prepare_cached("SELECT id, note FROM checkpoints WHERE size = ?1")?;
        let mut rows = statement.query([size])?;
        while let Some(row) = rows.next()? {
            let (id, stored): (i64, String) = (row.get(0)?, row.get(1)?);
            if body(&stored).as_ref() == Some(&wanted) {
                self.conn
                    .prepare_cached("UPDATE checkpoints SET cosigned = ?2 WHERE id = ?1")?
                    .execute(params![id, note])?;
                return Ok(Ok(Done::Nothing));
            }
        }
        Ok(Err(StoreError::UnknownCheckpoint))
    }
}
