//! Programs under test: where they are, and processes that end with the value that started them.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The folder of the release build that demo, journeys and benchmarks share.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own
        .ancestors()
        .find(|dir| dir.ends_with("release"))
        .context("run me from the release build")?;
    let path = folder.join(name);
    if path.is_file() {
        Ok(path)
    } else {
        bail!(
            "{} is not built: cargo build --release --workspace",
            path.display()
        )
    }
}

/// The project's root folder.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A child process that is ended, by its id, when the value goes.
pub struct Running {
    child: Child,
}

impl Running {
    pub fn start(command: &mut Command) -> anyhow::Result<Running> {
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {command:?}"))?;
        Ok(Running { child })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kill −9, and wait until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks the process to stop (SIGTERM) and waits.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        signal(self.child.id(), rustix::process::Signal::TERM)?;
        wait_for("a stopped process", Duration::from_secs(60), || {
            matches!(self.child.try_wait(), Ok(Some(_)))
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal to a process that this run started.
pub fn signal(pid: u32, signal: rustix::process::Signal) -> anyhow::Result<()> {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid)?).context("process id")?;
    Ok(rustix::process::kill_process(pid, signal)?)
}

/// Runs a program to its end; a failure carries what it printed.
pub fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = output(command)?;
    if !output.status.success() {
        bail!(
            "{command:?} ended with {}:\n{}{}",
            output.status,
            text(&output.stdout),
            text(&output.stderr)
        );
    }
    Ok(text(&output.stdout))
}

/// Runs a program to its end, whatever its exit code.
pub fn output(command: &mut Command) -> anyhow::Result<Output> {
    command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {command:?}"))
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Polls a condition; the deadline is an error that names what was waited for.
pub fn wait_for(
    what: &str,
    deadline: Duration,
    mut ready: impl FnMut() -> bool,
) -> anyhow::Result<()> {
    let start = Instant::now();
    while !ready() {
        if start.elapsed() > deadline {
            bail!("waited {deadline:?} in vain for {what}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Processes whose command line holds `needle`, below `ancestor` in the process tree.
pub fn descendants(ancestor: u32, needle: &str) -> Vec<u32> {
    let mut family = vec![ancestor];
    let mut found = Vec::new();
    let mut at = 0;
    while at < family.len() {
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", family[at]))
            .unwrap_or_default();
        for child in children.split_whitespace().filter_map(|id| id.parse().ok()) {
            let line = std::fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
            if text(&line).contains(needle) {
                found.push(child);
            }
            family.push(child);
        }
        at += 1;
    }
    found
}
