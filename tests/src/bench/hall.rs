//! A room for benchmarks: a real center, a hub that it certified, and terminals behind it over mutual TLS on loopback.
//! Whatever a person decides is decided on the hub's library in this process; load is carried by the hub's program, in
//! a process of its own on the same data directory, so that its processor time and memory are measured apart.
//!
//! The hub's data is on the disk. The terminals' is in memory where there is a memory disk: in a room each has a disk
//! of its own.

use super::exam::{Bank, SITTING, issue_at};
use super::terminal::Terminal;
use super::window::pss_mb;
use crate::center::{Center, SITE};
use crate::process::{Running, program, wait_for};
use anyhow::{Context, bail};
use fengjuan_core::plan::Role;
use fengjuan_core::room::rules::Person;
use fengjuan_core::room::station::Actor;
use fengjuan_device::machine::RealMachine;
use fengjuan_hub::{Config, Hub};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(180);
/// Linux counts processor time for user space in hundredths (USER_HZ).
const TICKS_A_SECOND: f64 = 100.0;
/// Terminals that ask to be let in at once; a hub hears no more than 200.
const AT_ONCE: usize = 50;

pub struct Hall {
    pub center: Center,
    address: SocketAddr,
    data: PathBuf,
    kit: PathBuf,
    pub terminals: Vec<Arc<Terminal>>,
    /// The terminals' disks; goes after them.
    disks: tempfile::TempDir,
}

/// Two people who may do everything that takes two.
pub fn proctors() -> Actor {
    let person = |staff_id: &str| Person {
        staff_id: staff_id.to_owned(),
        role: Role::Proctor,
    };
    Actor {
        person: person("S1"),
        second: Some(person("S2")),
        reason: "测量".to_owned(),
    }
}

impl Hall {
    /// A center that has issued a sitting of this bank to a hub, which holds it and runs.
    pub fn open(folder: &Path, bank: &Bank, runtime: &Runtime) -> anyhow::Result<(Hall, Hub)> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        raise_open_files()?;
        std::fs::create_dir_all(folder)?;
        let mut center = Center::new(folder)?;
        center.serve()?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let memory = Path::new("/dev/shm");
        let mut disks = tempfile::Builder::new();
        disks.prefix("bench-terminals-");
        let disks = match memory.is_dir() {
            true => disks.tempdir_in(memory)?,
            false => disks.tempdir_in(folder)?,
        };
        let hall = Hall {
            center,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            data: folder.join("hub"),
            kit: folder.join("terminal-kit"),
            terminals: Vec::new(),
            disks,
        };
        let hub = hall.hub(runtime)?;
        let fingerprint = hub.identity().fingerprint().to_string();
        wait_for("the hub at the center", PATIENCE, || {
            let approve = ["hub", "approve", &fingerprint, "--by", "李明"];
            let done = hall.center.try_run(&approve);
            done.is_ok_and(|output| output.status.success())
        })?;
        wait_for("the delegation", PATIENCE, || hub.delegation().is_some())?;
        issue_at(&hall.center, folder, bank)?;
        hub.pull();
        wait_for("the papers", PATIENCE, || {
            let room = hub.room();
            room.read(|station| station.track(SITTING).held).is_some()
        })?;
        let kit = hall.kit.display().to_string();
        let center_url = format!("https://127.0.0.1:{}", hall.center.port());
        let hub_url = format!("https://{}", hall.address);
        hall.center.run(&[
            "kit",
            "--url",
            &center_url,
            "--site",
            SITE,
            "--hub",
            &fingerprint,
            "--hub-url",
            &hub_url,
            &kit,
        ])?;
        Ok((hall, hub))
    }

    /// The hub in this process.
    fn hub(&self, runtime: &Runtime) -> anyhow::Result<Hub> {
        let config = Config {
            data_dir: self.data.clone(),
            site_kit: Some(self.center.site_kit()),
            listen: self.address,
            hub_name: "H1".to_owned(),
            standby: false,
        };
        let _in_runtime = runtime.enter();
        Ok(Hub::open(
            &config,
            Arc::new(RealMachine::new()?),
            runtime.handle(),
        )?)
    }

    /// An empty folder on the terminals' disks.
    pub fn disk(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.disks.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// So many terminals are there, approved and connected.
    pub fn admit(&mut self, hub: &Hub, count: usize, runtime: &Runtime) -> anyhow::Result<()> {
        while self.terminals.len() < count {
            let from = self.terminals.len();
            for number in from..count.min(from + AT_ONCE) {
                let name = format!("T{number:03}");
                let dir = self.disks.path().join(&name);
                let terminal = Arc::new(Terminal::open(&dir, &self.kit, &name)?);
                terminal.connect(runtime.handle())?;
                self.terminals.push(terminal);
            }
            for terminal in &self.terminals[from..] {
                let device = terminal.device();
                wait_for("a terminal that asks", PATIENCE, || {
                    hub.devices().get(&device).is_some()
                })?;
                hub.devices()
                    .approve(hub.room(), &device, false, &proctors())?;
            }
            runtime.block_on(settled(&self.terminals[from..]))?;
        }
        Ok(())
    }

    /// The hub's program on the data directory that the library has left.
    pub fn program(&self) -> anyhow::Result<HubProcess> {
        let log = std::fs::File::create(self.data.with_file_name("hub.log"))?;
        let mut command = Command::new(program("fengjuan-hub")?);
        command
            .arg("--data")
            .arg(&self.data)
            .args(["--listen", &self.address.to_string()])
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .stderr(log);
        let mut running = Running::start(&mut command)?;
        let address = self.address;
        wait_for("the hub's program", PATIENCE, || {
            std::net::TcpStream::connect(address).is_ok() || !running.is_running()
        })?;
        if !running.is_running() {
            bail!("the hub's program did not start; see hub.log");
        }
        Ok(HubProcess { running })
    }

    /// These terminals are connected and up to date; the others are away.
    pub fn connect(&self, count: usize, runtime: &Runtime) -> anyhow::Result<()> {
        for (number, terminal) in self.terminals.iter().enumerate() {
            terminal.disconnect();
            if number < count {
                terminal.connect(runtime.handle())?;
            }
        }
        runtime.block_on(settled(&self.terminals[..count]))
    }

    pub fn disconnect(&self) {
        for terminal in &self.terminals {
            terminal.disconnect();
        }
    }
}

async fn settled(terminals: &[Arc<Terminal>]) -> anyhow::Result<()> {
    for terminal in terminals {
        terminal.settled().await?;
    }
    Ok(())
}

/// The hub under load.
pub struct HubProcess {
    running: Running,
}

impl HubProcess {
    pub fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(&self.running.id().to_string())
    }

    pub fn memory_mb(&self) -> anyhow::Result<f64> {
        pss_mb(self.running.id())
    }
}

/// Processor time of a process up to a moment.
pub struct Usage {
    at: Instant,
    cpu_seconds: f64,
}

impl Usage {
    /// `pid` or `self` (proc(5), stat, fields 14 and 15).
    pub fn of(pid: &str) -> anyhow::Result<Usage> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name may hold anything, but no field after it holds a parenthesis.
        let (_, fields) = stat.rsplit_once(')').context("a process's stat")?;
        let mut fields = fields.split_whitespace().skip(11);
        let mut next = || -> anyhow::Result<f64> { Ok(fields.next().context("stat")?.parse()?) };
        Ok(Usage {
            at: Instant::now(),
            cpu_seconds: (next()? + next()?) / TICKS_A_SECOND,
        })
    }

    /// Processor seconds since then, and seconds.
    pub fn since(&self, before: &Usage) -> (f64, f64) {
        let seconds = self.at.duration_since(before.at).as_secs_f64();
        (self.cpu_seconds - before.cpu_seconds, seconds)
    }
}

/// What else the machine was doing, for whoever reads the numbers.
pub fn load_average(name: &str) -> anyhow::Result<()> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    let minute = text.split_whitespace().next().context("loadavg")?;
    super::line(&format!("{name}.load_average"), minute.parse()?, "runnable");
    Ok(())
}

/// Hundreds of terminals in one process have some files open each.
fn raise_open_files() -> anyhow::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let most = Rlimit {
        current: maximum,
        maximum,
    };
    Ok(setrlimit(Resource::Nofile, most)?)
}
