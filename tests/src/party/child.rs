//! A party's process as the test holds it: lines go in, pages come out, and it may be killed in the middle of a line.

use super::{Answer, Ask, Start};
use crate::process::program;
use anyhow::{Context, bail};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Slow machines, and Argon2id beside a build.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Party {
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<Answer>,
}

/// What became of something that was asked.
pub enum Asked {
    Answered(Answer),
    /// It was killed meanwhile, and nobody knows whether it was done.
    Killed,
}

impl Party {
    /// Starts it and waits until it has opened. Its log goes to the end of `log`.
    pub fn start(start: &Start, log: &Path) -> anyhow::Result<Party> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)?;
        let mut child = Command::new(program("party")?)
            .arg(serde_json::to_string(start)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("output")?;
        let (said, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Ok(answer) = serde_json::from_str(&line) else {
                    return;
                };
                if said.send(answer).is_err() {
                    return;
                }
            }
        });
        let party = Party {
            child,
            input,
            answers,
        };
        match party.answers.recv_timeout(PATIENCE) {
            Ok(Answer::Ready) => Ok(party),
            _ => bail!("a party did not open"),
        }
    }

    /// Asks, and waits for the answer, or kills it at that moment.
    pub fn ask(&mut self, ask: &Ask, doom: Option<Instant>) -> anyhow::Result<Asked> {
        let mut line = serde_json::to_vec(ask)?;
        line.push(b'\n');
        let input = self.input.as_mut().context("a party that is gone")?;
        input.write_all(&line)?;
        input.flush()?;
        let patience = doom.map_or(PATIENCE, |doom| {
            doom.saturating_duration_since(Instant::now())
        });
        match self.answers.recv_timeout(patience) {
            Ok(answer) => Ok(Asked::Answered(answer)),
            Err(RecvTimeoutError::Timeout) if doom.is_some() => {
                self.kill();
                Ok(Asked::Killed)
            }
            Err(error) => bail!("a party does not answer: {error}"),
        }
    }

    /// Kill −9, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// An orderly end.
    pub fn close(mut self) -> anyhow::Result<()> {
        self.input = None;
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() {
            if begun.elapsed() > PATIENCE {
                bail!("a party does not end");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        self.kill();
    }
}
