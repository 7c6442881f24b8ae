//! The witness of a room: fifty terminals save as fast as they can, each waiting for its acknowledgement, beside bare
//! SQLite transactions of as many rows on the same disk.

use super::answer::answer_entry;
use super::{line, percentile};
use anyhow::{Context, bail};
use fengjuan_envelope::note;
use fengjuan_envelope::sign::SigningKey;
use fengjuan_store::replica::{AppendOutcome, Incoming};
use fengjuan_store::{AppendRequest, LedgerIdentity, ReplicaWriter, Replicas};
use fengjuan_wire::entry::Entry;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const TERMINALS: u8 = 50;
/// Ledgers that the witness holds besides, as a room's does.
const OTHERS: u16 = 350;
const LASTS: Duration = Duration::from_secs(5);

pub fn run(folder: &Path, runtime: &Runtime) -> anyhow::Result<()> {
    let key = SigningKey::from_seed(&[9; 32]);
    let replicas = Replicas::open(&folder.join("replica"), move |text, now_ms| {
        let seconds = u64::try_from(now_ms / 1000).unwrap_or(0);
        note::cosign(text, "hub/witness", &key, seconds).map_err(|error| error.to_string())
    })?;
    for number in 0..OTHERS {
        let mut terminal = Terminal::new(number + u16::from(TERMINALS))?;
        let request = terminal.next();
        replicas.writer().append(request)?;
    }
    let (shared, begun) = (replicas.transactions(), Instant::now());
    let mut waits = runtime.block_on(closed_loop(&replicas.writer()))?;
    let seconds = begun.elapsed().as_secs_f64();
    let group = waits.len() as f64 / (replicas.transactions() - shared) as f64;
    line(
        "replica.append.rate",
        waits.len() as f64 / seconds,
        "answers/s",
    );
    line("replica.append.p50", percentile(&mut waits, 0.5), "ms");
    line("replica.append.p99", percentile(&mut waits, 0.99), "ms");
    line("replica.append.group", group, "answers/transaction");
    let mut bare = bare(folder, (group.round() as usize).max(1))?;
    let rows = bare.rows as f64 / bare.seconds;
    line("replica.sqlite.rate", rows, "rows/s");
    line(
        "replica.sqlite.p99",
        percentile(&mut bare.commits, 0.99),
        "ms",
    );
    Ok(())
}

/// Milliseconds that each append waited.
async fn closed_loop(writer: &ReplicaWriter) -> anyhow::Result<Vec<f64>> {
    let end = Instant::now() + LASTS;
    let mut running = Vec::new();
    for number in 0..u16::from(TERMINALS) {
        let (writer, mut terminal) = (writer.clone(), Terminal::new(number)?);
        running.push(tokio::spawn(async move {
            let mut waits = Vec::new();
            while Instant::now() < end {
                let request = terminal.next();
                let begun = Instant::now();
                let taken = writer.append_async(request).await?;
                waits.push(begun.elapsed().as_secs_f64() * 1000.0);
                if !matches!(taken.outcome, AppendOutcome::Appended { new: 1, .. }) {
                    bail!("{:?}", taken.outcome);
                }
            }
            Ok(waits)
        }));
    }
    let mut waits = Vec::new();
    for task in running {
        waits.extend(task.await.context("a terminal's task")??);
    }
    Ok(waits)
}

/// A terminal that saves one answer after the other.
struct Terminal {
    number: u16,
    entry: Incoming,
    seq: u64,
}

impl Terminal {
    fn new(number: u16) -> anyhow::Result<Terminal> {
        let bytes = answer_entry()?;
        let header = Entry::decode(&bytes)?;
        let entry = Incoming {
            class: header.class,
            kind: header.kind.to_owned(),
            attempt: header.attempt.map(|_| of_number(number)),
            attempt_seq: 0,
            exam_ms: header.exam_ms,
            wall_ms: header.wall_ms,
            bytes: bytes.clone(),
        };
        Ok(Terminal {
            number,
            entry,
            seq: 0,
        })
    }

    fn next(&mut self) -> AppendRequest {
        let mut entry = self.entry.clone();
        entry.attempt_seq = self.seq;
        // Every entry is another one, as it is in a ledger.
        let end = entry.bytes.len() - 8;
        entry.bytes[end..].copy_from_slice(&self.seq.to_be_bytes());
        let from_seq = self.seq;
        self.seq += 1;
        let mut device_key = [1; 32];
        device_key[..2].copy_from_slice(&self.number.to_be_bytes());
        AppendRequest {
            ledger_id: of_number(self.number),
            identity: LedgerIdentity {
                device: format!("{}", self.number),
                device_key,
                origin: format!("site/terminal-{}", self.number),
            },
            from_seq,
            entries: vec![entry],
            checkpoint: None,
            now_ms: self.entry.wall_ms,
        }
    }
}

fn of_number(number: u16) -> [u8; 16] {
    let mut id = [1; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    id
}

/// What a bare table does of the same.
struct Bare {
    rows: usize,
    seconds: f64,
    commits: Vec<f64>,
}

fn bare(folder: &Path, group: usize) -> anyhow::Result<Bare> {
    let mut connection = rusqlite::Connection::open(folder.join("replica-peer.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE row (no INTEGER PRIMARY KEY, bytes BLOB)")?;
    let row = answer_entry()?;
    let (begun, mut rows, mut commits) = (Instant::now(), 0, Vec::new());
    while begun.elapsed() < LASTS {
        let one = Instant::now();
        let transaction = connection.transaction()?;
        for _ in 0..group {
            transaction
                .prepare_cached("INSERT INTO row (bytes) VALUES (?1)")?
                .execute([&row])?;
        }
        transaction.commit()?;
        rows += group;
        commits.push(one.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(Bare {
        rows,
        seconds: begun.elapsed().as_secs_f64(),
        commits,
    })
}
