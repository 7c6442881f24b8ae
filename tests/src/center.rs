//! The exam center as its staff use it: the real program, its commands and its server.

use crate::process::{Running, output, program, run, text, wait_for};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

pub const SITE: &str = "S01";

pub struct Center {
    pub home: PathBuf,
    port: u16,
    server: Option<Running>,
}

impl Center {
    /// Makes a new center and its site kit.
    pub fn new(folder: &Path) -> anyhow::Result<Center> {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?
            .local_addr()?
            .port();
        let center = Center {
            home: folder.join("center"),
            port,
            server: None,
        };
        center.run(&["init", "--id", "jining", "--name", "济宁市安全生产考试中心"])?;
        center.write_kit(&center.site_kit(), &[])?;
        Ok(center)
    }

    /// A kit for the terminals of a room whose station this fingerprint is.
    pub fn room_kit(&self, hub: &str, hub_url: &str) -> anyhow::Result<PathBuf> {
        let kit = self.home.with_file_name("room-kit");
        self.write_kit(&kit, &["--hub", hub, "--hub-url", hub_url])?;
        Ok(kit)
    }

    fn write_kit(&self, kit: &Path, hub: &[&str]) -> anyhow::Result<()> {
        let url = format!("https://127.0.0.1:{}", self.port);
        let folder = kit.display().to_string();
        let mut args = vec!["kit", "--url", &url, "--site", SITE];
        args.extend(hub);
        args.push(&folder);
        self.run(&args)?;
        // A test sends nothing to the internet, not even to see whether it answers.
        let settings = kit.join("site.toml");
        let text = std::fs::read_to_string(&settings)?;
        let probes = "internet_probes = [\"127.0.0.1:1\"]\n";
        Ok(std::fs::write(&settings, format!("{probes}{text}"))?)
    }

    pub fn site_kit(&self) -> PathBuf {
        self.home.with_file_name("site-kit")
    }

    /// Where it serves on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn root_key(&self) -> PathBuf {
        self.home.join("root.pub")
    }

    fn command(&self, args: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(program("fengjuan-center")?);
        command.arg("--home").arg(&self.home).args(args);
        Ok(command)
    }

    /// A command that must succeed; returns what it printed.
    pub fn run(&self, args: &[&str]) -> anyhow::Result<String> {
        run(&mut self.command(args)?)
    }

    /// A command that may be refused.
    pub fn try_run(&self, args: &[&str]) -> anyhow::Result<Output> {
        output(&mut self.command(args)?)
    }

    pub fn serve(&mut self) -> anyhow::Result<()> {
        let listen = format!("127.0.0.1:{}", self.port);
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.home.with_file_name("center.log"))?;
        let mut command = self.command(&["serve", "--listen", &listen])?;
        command.stdout(log.try_clone()?).stderr(log);
        let server = self.server.insert(Running::start(&mut command)?);
        let port = self.port;
        wait_for("the center", Duration::from_secs(60), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() || !server.is_running()
        })?;
        if server.is_running() {
            Ok(())
        } else {
            bail!("the center did not start; see center.log")
        }
    }

    /// The line to the center is cut.
    pub fn cut(&mut self) {
        self.server = None;
    }

    pub fn stop(&mut self) -> anyhow::Result<()> {
        match self.server.take() {
            Some(mut server) => server.stop(),
            None => Ok(()),
        }
    }

    /// The second person at the center approves what the terminal's screen shows.
    pub fn approve(&self, fingerprint: &str) -> anyhow::Result<()> {
        self.run(&["device", "approve", fingerprint, "--by", "李明"])
            .map(drop)
    }

    /// The same for a room's station, which becomes the center's delegate.
    pub fn delegate(&self, fingerprint: &str) -> anyhow::Result<()> {
        self.run(&["hub", "approve", fingerprint, "--by", "李明"])
            .map(drop)
    }

    /// The code of a sitting, as the release officer reads it out: four groups of five symbols.
    pub fn release(&self, sitting: &str) -> anyhow::Result<Vec<String>> {
        let printed = self.run(&["release", sitting, "--to", "张海燕"])?;
        code_groups(&printed).with_context(|| format!("no code in what was printed for {sitting}"))
    }
}

/// Finds four groups of five Crockford symbols in a line.
fn code_groups(printed: &str) -> Option<Vec<String>> {
    let symbol = |c: char| c.is_ascii_digit() || (c.is_ascii_uppercase() && !"ILOU".contains(c));
    printed.lines().find_map(|line| {
        let words = line.split(|c: char| !c.is_ascii_alphanumeric());
        let groups: Vec<String> = words
            .filter(|word| word.len() == 5 && word.chars().all(symbol))
            .map(str::to_owned)
            .collect();
        (groups.len() == 4).then_some(groups)
    })
}

/// A staff password's verifier, as the plan carries it.
pub fn password_verifier(password: &str) -> anyhow::Result<String> {
    use std::io::Write;
    let mut child = Command::new(program("fengjuan-center")?)
        .args(["--home", "/nonexistent", "staff-password"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child
        .stdin
        .take()
        .context("input")?
        .write_all(password.as_bytes())?;
    let output = child.wait_with_output()?;
    let printed = text(&output.stdout);
    let verifier = printed
        .split_whitespace()
        .find(|word| word.starts_with("$argon2id$"));
    verifier
        .map(str::to_owned)
        .context("no verifier was printed")
}
