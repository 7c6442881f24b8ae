//! The room's hub under the load of its terminals: at the pace of an exam, as fast as they can, and by their number;
//! and how soon all have the keys, and begin.

use super::exam::{Bank, SITTING};
use super::hall::{Hall, HubProcess, Usage, load_average, proctors};
use super::terminal::Terminal;
use super::unlock::argon2_alone;
use super::{line, percentile};
use anyhow::Context;
use fengjuan_core::room::station::Action;
use fengjuan_hub::Hub;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const ROOM: usize = 60;
const FULL: usize = 200;
const CLOSED: usize = 50;
const CURVE: [usize; 5] = [25, 50, 100, 200, 400];
const ANSWER_EVERY: Duration = Duration::from_secs(6);
const SNAPSHOT_EVERY: Duration = Duration::from_secs(60);
const PACED_LASTS: Duration = Duration::from_secs(30);
const CURVE_LASTS: Duration = Duration::from_secs(12);
const CLOSED_LASTS: Duration = Duration::from_secs(8);
/// With `FJ_BENCH_LONG=1`: a room of usual size, for memory that must not grow.
const LONG_LASTS: Duration = Duration::from_secs(600);
/// As often as the app looks at its clock.
const TICK: Duration = Duration::from_millis(250);

pub fn run(folder: &Path, runtime: &Runtime) -> anyhow::Result<()> {
    let is_long = std::env::var_os("FJ_BENCH_LONG").is_some_and(|long| long == "1");
    load_average("room.before")?;
    let (mut hall, hub) = Hall::open(&folder.join("room"), &Bank::low_voltage(), runtime)?;
    hall.admit(&hub, ROOM, runtime)?;
    if is_long {
        runtime.block_on(hub.stop());
        return long(&hall, runtime);
    }
    opened(&hall, &hub, runtime)?;
    begun(&hall, &hub, runtime)?;
    hall.admit(&hub, CURVE[CURVE.len() - 1], runtime)?;
    hall.disconnect();
    runtime.block_on(hub.stop());
    let hub = hall.program()?;
    for count in CURVE {
        hall.connect(count, runtime)?;
        let lasts = match count {
            FULL => PACED_LASTS,
            _ => CURVE_LASTS,
        };
        let paced = Paced::run(&hall, &hub, count, lasts, runtime)?;
        line(&format!("room.cost.{count}"), paced.cost_ms(), "ms");
        if count == FULL {
            paced.print("room.paced");
            load_average("room.paced")?;
        }
    }
    hall.connect(CLOSED, runtime)?;
    closed(&hall, &hub, runtime)?;
    load_average("room.closed")
}

/// The code's last character is typed: when does the last terminal have the keys?
fn opened(hall: &Hall, hub: &Hub, runtime: &Runtime) -> anyhow::Result<()> {
    let code = hall.center.release(SITTING)?;
    let begun = Instant::now();
    let unlocked = hub.unlocks().unlock(SITTING, code, &proctors());
    unlocked.map_err(|refused| anyhow::anyhow!("unlock: {}", refused.code))?;
    let decided = begun.elapsed();
    let mut last = begun;
    for terminal in &hall.terminals {
        let keys = || terminal.side.keys_at();
        runtime.block_on(until("the keys", || keys().is_some()))?;
        last = last.max(keys().context("keys")?);
    }
    line("room.unlock.all", millis(last - begun), "ms");
    line("room.unlock.hub", millis(decided), "ms");
    line("room.unlock.argon2", argon2_alone()?, "ms");
    Ok(())
}

/// The station starts the sitting: between the first terminal that begins and the last, each by its own exam clock.
fn begun(hall: &Hall, hub: &Hub, runtime: &Runtime) -> anyhow::Result<()> {
    let anchored = || hall.terminals.iter().all(|one| one.is_anchored());
    runtime.block_on(until("the clocks", anchored))?;
    let action = Action::Start {
        sitting_no: SITTING.to_owned(),
    };
    hub.room().act(&action, &proctors())?;
    let moments = runtime.block_on(async {
        let mut waiting = Vec::new();
        for (number, terminal) in hall.terminals.iter().enumerate() {
            let terminal = terminal.clone();
            let phase = TICK.mul_f64(number as f64 / hall.terminals.len() as f64);
            waiting.push(tokio::spawn(async move {
                tokio::time::sleep(phase).await;
                let mut ticks = tokio::time::interval(TICK);
                let deadline = Instant::now() + Duration::from_secs(30);
                while Instant::now() < deadline {
                    ticks.tick().await;
                    let starts = terminal.side.starts_ms();
                    if starts.is_some_and(|starts| starts <= terminal.exam_now()) {
                        return Some(Instant::now());
                    }
                }
                None
            }));
        }
        let mut moments = Vec::new();
        for one in waiting {
            moments.push(one.await?.context("a terminal never began")?);
        }
        anyhow::Ok(moments)
    })?;
    let (first, last) = (moments.iter().min(), moments.iter().max());
    let spread = *last.context("terminals")? - *first.context("terminals")?;
    line("room.start.spread", millis(spread), "ms");
    Ok(())
}

/// What a time at the pace of an exam has shown.
struct Paced {
    acknowledged: Vec<f64>,
    committed: Vec<f64>,
    errors: usize,
    terminals: usize,
    hub_cpu: f64,
    load_cpu: f64,
    seconds: f64,
    memory_mb: f64,
}

impl Paced {
    fn run(
        hall: &Hall,
        hub: &HubProcess,
        count: usize,
        lasts: Duration,
        runtime: &Runtime,
    ) -> anyhow::Result<Paced> {
        let (hub_before, load_before) = (hub.usage()?, Usage::of("self")?);
        let end = Instant::now() + lasts;
        let terminals = &hall.terminals[..count];
        let (mut acknowledged, mut committed, mut errors) = (Vec::new(), Vec::new(), 0);
        runtime.block_on(async {
            let mut running = Vec::new();
            for (number, terminal) in terminals.iter().enumerate() {
                let share = number as f64 / count as f64;
                running.push(tokio::spawn(paced(terminal.clone(), share, end)));
            }
            for one in running {
                let seen = one.await?;
                acknowledged.extend(seen.iter().flatten().map(|times| times.1));
                committed.extend(seen.iter().flatten().map(|times| times.0));
                errors += seen.iter().filter(|times| times.is_none()).count();
            }
            anyhow::Ok(())
        })?;
        errors += terminals.iter().filter(|one| one.is_in_trouble()).count();
        let (hub_cpu, seconds) = hub.usage()?.since(&hub_before);
        let (load_cpu, _) = Usage::of("self")?.since(&load_before);
        Ok(Paced {
            acknowledged,
            committed,
            errors,
            terminals: count,
            hub_cpu,
            load_cpu,
            seconds,
            memory_mb: hub.memory_mb()?,
        })
    }

    /// The hub's processor milliseconds for a terminal and a minute.
    fn cost_ms(&self) -> f64 {
        self.hub_cpu * 1000.0 / self.terminals as f64 / (self.seconds / 60.0)
    }

    fn print(mut self, name: &str) {
        let line =
            |what: &str, value: f64, unit: &str| line(&format!("{name}.{what}"), value, unit);
        line("terminals", self.terminals as f64, "terminals");
        line("answers", self.acknowledged.len() as f64, "answers");
        line("p50", percentile(&mut self.acknowledged, 0.5), "ms");
        line("p99", percentile(&mut self.acknowledged, 0.99), "ms");
        line("commit.p99", percentile(&mut self.committed, 0.99), "ms");
        line("errors", self.errors as f64, "errors");
        line("hub_cpu", self.hub_cpu / self.seconds, "cores");
        line("load_cpu", self.load_cpu / self.seconds, "cores");
        line("hub_memory", self.memory_mb, "MB");
    }
}

/// One terminal until the end, its answers and pictures in its own rhythm. None for each answer or picture that failed.
async fn paced(terminal: Arc<Terminal>, share: f64, end: Instant) -> Vec<Option<(f64, f64)>> {
    let begun = Instant::now();
    let mut answer_at = begun + ANSWER_EVERY.mul_f64(share);
    let mut snapshot_at = begun + SNAPSHOT_EVERY.mul_f64(share);
    let (mut seen, mut number) = (Vec::new(), 0);
    loop {
        let next = answer_at.min(snapshot_at);
        if next >= end {
            tokio::time::sleep_until(end.into()).await;
            return seen;
        }
        tokio::time::sleep_until(next.into()).await;
        if next == snapshot_at {
            snapshot_at += SNAPSHOT_EVERY;
            let one = terminal.clone();
            let kept = tokio::task::spawn_blocking(move || one.snapshot()).await;
            if !matches!(kept, Ok(Ok(()))) {
                seen.push(None);
            }
        } else {
            answer_at += ANSWER_EVERY;
            number += 1;
            seen.push(terminal.saved(number).await.ok());
        }
    }
}

/// Terminals that save as fast as they can, each waiting until the hub holds the last answer.
fn closed(hall: &Hall, hub: &HubProcess, runtime: &Runtime) -> anyhow::Result<()> {
    let before = hub.usage()?;
    let load_before = Usage::of("self")?;
    let end = Instant::now() + CLOSED_LASTS;
    let mut waits: Vec<f64> = Vec::new();
    runtime.block_on(async {
        let mut running = Vec::new();
        for terminal in &hall.terminals[..CLOSED] {
            let terminal = terminal.clone();
            running.push(tokio::spawn(async move {
                let (mut waits, mut number) = (Vec::new(), 0);
                while Instant::now() < end {
                    number += 1;
                    let (commit, held) = terminal.saved(number).await?;
                    waits.push(commit + held);
                }
                anyhow::Ok(waits)
            }));
        }
        for one in running {
            waits.extend(one.await??);
        }
        anyhow::Ok(())
    })?;
    let (cpu, seconds) = hub.usage()?.since(&before);
    let (load_cpu, _) = Usage::of("self")?.since(&load_before);
    line(
        "room.closed.rate",
        waits.len() as f64 / seconds,
        "answers/s",
    );
    line("room.closed.p50", percentile(&mut waits, 0.5), "ms");
    line("room.closed.p99", percentile(&mut waits, 0.99), "ms");
    line("room.closed.hub_cpu", cpu / seconds, "cores");
    line("room.closed.load_cpu", load_cpu / seconds, "cores");
    Ok(())
}

/// A room of usual size for ten minutes: its memory after the first minute and at the end.
fn long(hall: &Hall, runtime: &Runtime) -> anyhow::Result<()> {
    hall.disconnect();
    let hub = hall.program()?;
    hall.connect(ROOM, runtime)?;
    let minute = SNAPSHOT_EVERY;
    Paced::run(hall, &hub, ROOM, minute, runtime)?;
    line("room.long.hub_memory.start", hub.memory_mb()?, "MB");
    let paced = Paced::run(hall, &hub, ROOM, LONG_LASTS - minute, runtime)?;
    line("room.long.hub_memory.end", paced.memory_mb, "MB");
    paced.print("room.long");
    load_average("room.long")
}

async fn until(what: &str, so: impl Fn() -> bool) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !so() {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(120), "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
