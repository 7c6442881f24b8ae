//! A room of parties: a center, a station, machines with candidates, the switch between them, and the line outwards.

use super::child::{Asked, Party};
use super::sitter::Sitter;
use super::switch::Switch;
use super::world::{Boot, WorldClock};
use super::{Answer, Ask, Role, Start};
use crate::center::{Center, SITE};
use crate::plan::{self, PASSWORD, PROCTOR, SITTING, Seated, Terms};
use anyhow::{Context, bail, ensure};
use fengjuan_hub::view::action::{SecondPerson, StationAction};
use fengjuan_hub::view::{
    StationOutcome, StationPage, StationScreen, StationStanding, StationView,
};
use fengjuan_terminal::view::{Outcome, View};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// For anything that a room does by itself.
pub const PATIENCE: Duration = Duration::from_secs(180);
const AGAIN: Duration = Duration::from_millis(20);

/// Numbers that only look random: the same for the same seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// A computer of the room: its disk, its present boot, and its program while it runs.
pub struct Computer {
    pub name: String,
    pub data: PathBuf,
    boot: Boot,
    pub party: Option<Party>,
}

/// A management station, and what is between it and the terminals.
pub struct Station {
    pub computer: Computer,
    pub switch: Switch,
    listen: SocketAddr,
    /// It is switched on beside one that runs the room.
    standby: bool,
}

pub struct Room {
    pub folder: PathBuf,
    pub clock: WorldClock,
    pub center: Center,
    server: Option<Party>,
    /// From the hub to the center.
    pub line: Switch,
    /// The station that the proctor works at.
    pub station: Station,
    /// The other one, where the room has two.
    pub other: Option<Station>,
    pub machines: Vec<Computer>,
    pub sitters: Vec<Sitter>,
    /// Typed at the station once, and whenever its program begins again.
    pub code: Option<Vec<String>>,
    /// When the hub is killed.
    pub doom: Option<Instant>,
    pub kills: u32,
}

impl Station {
    fn new(folder: &Path, clock: &WorldClock, number: usize) -> anyhow::Result<Station> {
        let listen = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        Ok(Station {
            switch: Switch::new(listen)?,
            listen,
            computer: Computer {
                name: format!("H{number}"),
                data: folder.join(format!("station-{number}")),
                boot: clock.boot()?,
                party: None,
            },
            standby: number > 1,
        })
    }
}

impl Room {
    /// A center that has made its keys and serves, and a station that has been switched on for the first time.
    pub fn open(folder: &Path) -> anyhow::Result<Room> {
        Room::with_stations(folder, 1)
    }

    /// The same, with a second station that follows the first.
    pub fn open_with_standby(folder: &Path) -> anyhow::Result<Room> {
        Room::with_stations(folder, 2)
    }

    fn with_stations(folder: &Path, stations: usize) -> anyhow::Result<Room> {
        std::fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let clock = WorldClock::new(&folder)?;
        let center = Center::new(&folder)?;
        let line = Switch::new(SocketAddr::from(([127, 0, 0, 1], center.port())))?;
        let other = match stations {
            1 => None,
            _ => Some(Station::new(&folder, &clock, 2)?),
        };
        let mut room = Room {
            station: Station::new(&folder, &clock, 1)?,
            other,
            folder,
            clock,
            center,
            server: None,
            line,
            machines: Vec::new(),
            sitters: Vec::new(),
            code: None,
            doom: None,
            kills: 0,
        };
        room.kit("station-kit", None)?;
        room.serve()?;
        for _ in 0..stations {
            room.switch_on_station()?;
            room.trade_places();
        }
        Ok(room)
    }

    /// The proctor goes to the other station, where there is one.
    pub fn trade_places(&mut self) {
        if let Some(other) = &mut self.other {
            std::mem::swap(&mut self.station, other);
        }
    }

    /// The center's server runs, in the world's time.
    pub fn serve(&mut self) -> anyhow::Result<()> {
        let start = Start {
            role: Role::Center {
                listen: SocketAddr::from(([127, 0, 0, 1], self.center.port())),
            },
            data: self.center.home.clone(),
            clock: self.clock.file().to_owned(),
            boot: self.clock.boot()?,
        };
        self.server = Some(Party::start(&start, &self.folder.join("center.log"))?);
        Ok(())
    }

    /// A site kit of this name; with the hub's fingerprint, for terminals behind it.
    fn kit(&self, name: &str, hub: Option<&str>) -> anyhow::Result<PathBuf> {
        let kit = self.folder.join(name);
        let url = format!("https://{}", self.line.address);
        let folder = kit.display().to_string();
        let mut words = vec!["kit", "--url", &url, "--site", SITE];
        if let Some(hub) = hub {
            words.extend(["--hub", hub]);
        }
        let stations = || std::iter::once(&self.station).chain(&self.other);
        let hub_urls: Vec<String> = stations()
            .map(|station| format!("https://{}", station.switch.address))
            .collect();
        // A station alone in its room need not know where it is itself.
        if hub.is_some() || self.other.is_some() {
            words.extend(hub_urls.iter().flat_map(|url| ["--hub-url", url.as_str()]));
        }
        words.push(&folder);
        self.center.run(&words)?;
        Ok(kit)
    }

    /// The sitting of these people is issued to hubs that the center certifies.
    pub fn issue(&mut self, terms: &Terms, people: &[Seated]) -> anyhow::Result<()> {
        let fingerprint = self.certified()?;
        if self.other.is_some() {
            self.trade_places();
            self.certified()?;
            self.trade_places();
        }
        plan::prepare(&self.center, &self.folder, terms, people)?;
        self.kit("terminal-kit", Some(&fingerprint))?;
        self.sitters = people.iter().cloned().map(Sitter::new).collect();
        Ok(())
    }

    /// The center certifies the station that the proctor is at.
    fn certified(&mut self) -> anyhow::Result<String> {
        let fingerprint = self.fingerprint()?;
        self.until("the hub at the center", |room| {
            let approve = ["hub", "approve", &fingerprint, "--by", "李明"];
            let done = room.center.try_run(&approve)?;
            Ok(done.status.success().then_some(()))
        })?;
        Ok(fingerprint)
    }

    fn fingerprint(&mut self) -> anyhow::Result<String> {
        self.until("the hub's first screen", |room| {
            Ok(match room.page()?.screen {
                StationScreen::Enrol(enrol) => Some(enrol.fingerprint),
                StationScreen::Station(view) => Some(view.devices.joining.fingerprint),
                _ => None,
            })
        })
    }

    pub fn switch_on_station(&mut self) -> anyhow::Result<()> {
        let station = &mut self.station;
        let name = &station.computer.name;
        let start = Start {
            role: Role::Station {
                kit: self.folder.join("station-kit"),
                listen: station.listen,
                name: name.clone(),
                standby: station.standby,
            },
            data: station.computer.data.clone(),
            clock: self.clock.file().to_owned(),
            boot: station.computer.boot,
        };
        let log = self.folder.join(format!("station-{name}.log"));
        station.computer.party = Some(Party::start(&start, &log)?);
        Ok(())
    }

    /// A new machine, switched on.
    pub fn add_machine(&mut self) -> anyhow::Result<usize> {
        let name = format!("考试机{}", self.machines.len() + 1);
        self.machines.push(Computer {
            data: self
                .folder
                .join(format!("terminal-{}", self.machines.len() + 1)),
            name,
            boot: self.clock.boot()?,
            party: None,
        });
        let place = self.machines.len() - 1;
        self.switch_on(place)?;
        Ok(place)
    }

    /// The program of a machine starts, in the boot that the machine is in.
    pub fn switch_on(&mut self, machine: usize) -> anyhow::Result<()> {
        let log = self.folder.join(format!("terminal-{}.log", machine + 1));
        let computer = &mut self.machines[machine];
        let start = Start {
            role: Role::Terminal {
                kit: self.folder.join("terminal-kit"),
            },
            data: computer.data.clone(),
            clock: self.clock.file().to_owned(),
            boot: computer.boot,
        };
        computer.party = Some(Party::start(&start, &log)?);
        Ok(())
    }

    /// Kill −9 of a machine's program.
    pub fn kill_machine(&mut self, machine: usize) {
        self.machines[machine].party = None;
    }

    /// Hub and all terminals lose their power at one moment, and get it back after so long.
    pub fn power_cut(&mut self, ms: i64) -> anyhow::Result<()> {
        self.station.computer.party = None;
        for machine in 0..self.machines.len() {
            self.kill_machine(machine);
        }
        self.clock.pass(ms)?;
        self.station.computer.boot = self.clock.boot()?;
        self.switch_on_station()?;
        for machine in 0..self.machines.len() {
            self.machines[machine].boot = self.clock.boot()?;
            self.switch_on(machine)?;
        }
        Ok(())
    }

    /// The hub is killed when its moment has come, and begins again.
    pub fn fate(&mut self) -> anyhow::Result<()> {
        if self.doom.is_some_and(|doom| doom <= Instant::now()) {
            if let Some(party) = &mut self.station.computer.party {
                party.kill();
            }
            self.revive()?;
        }
        Ok(())
    }

    fn revive(&mut self) -> anyhow::Result<()> {
        self.doom = None;
        self.kills += 1;
        self.station.computer.party = None;
        self.switch_on_station()
    }

    /// Asks the station; none where it was killed in the middle of it, and has begun again.
    fn ask_station(&mut self, ask: &Ask) -> anyhow::Result<Option<StationOutcome>> {
        self.fate()?;
        let party = self.station.computer.party.as_mut().context("no station")?;
        match party.ask(ask, self.doom)? {
            Asked::Answered(Answer::Station(outcome)) => Ok(Some(*outcome)),
            Asked::Answered(_) => bail!("no station"),
            Asked::Killed => {
                self.revive()?;
                Ok(None)
            }
        }
    }

    pub fn page(&mut self) -> anyhow::Result<StationPage> {
        loop {
            if let Some(outcome) = self.ask_station(&Ask::Look)? {
                return Ok(outcome.page);
            }
        }
    }

    /// The proctor's page. Whoever finds nobody logged in, logs in; where the code is needed again, it is typed.
    pub fn proctor(&mut self) -> anyhow::Result<StationView> {
        use fengjuan_hub::view::tabs::StationUnlock;
        self.until("the proctor's page", |room| {
            let page = room.page()?;
            let commands = page.station.standing == StationStanding::Commanding;
            let view = match page.screen {
                StationScreen::Station(view) => view,
                StationScreen::Broken(broken) => bail!("the station cannot run: {}", broken.code),
                _ => return Ok(room.log_in()?.then_some(None).flatten()),
            };
            if view.user.is_none() && !view.log.staff.is_empty() {
                room.log_in()?;
                return Ok(None);
            }
            if commands
                && view.unlock.state == StationUnlock::NeededAgain
                && let Some(groups) = room.code.clone()
            {
                room.act(StationAction::Unlock {
                    groups,
                    second: None,
                })?;
                return Ok(None);
            }
            Ok(Some(view))
        })
    }

    fn log_in(&mut self) -> anyhow::Result<bool> {
        let action = StationAction::LogIn {
            staff_id: PROCTOR.to_owned(),
            password: PASSWORD.to_owned(),
        };
        Ok(self.act(action)?.is_some_and(|refused| refused.is_empty()))
    }

    /// What a person at the station does: the refusal's code, empty where it was done, none where the hub was killed.
    pub fn act(&mut self, action: StationAction) -> anyhow::Result<Option<String>> {
        let outcome = self.ask_station(&Ask::Station(action))?;
        Ok(outcome.map(|outcome| outcome.refused.map_or_else(String::new, |one| one.code)))
    }

    /// Does it until it is done, as a person does who was cut off in the middle of it: never where it shows already, and
    /// never again where the station has said that it is done. Waits until it shows.
    pub fn achieve(
        &mut self,
        what: &str,
        action: &StationAction,
        mut shows: impl FnMut(&mut Room) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let mut said = None;
        let done = self.until(what, |room| {
            room.proctor()?;
            if shows(room)? {
                return Ok(Some(()));
            }
            if said.as_deref() != Some("") {
                said = room.act(action.clone())?;
            }
            Ok(None)
        });
        done.with_context(|| format!("said at last: {said:?}"))
    }

    /// The same, where the proctor's page shows it.
    pub fn achieve_on_page(
        &mut self,
        what: &str,
        action: &StationAction,
        shows: impl Fn(&StationView) -> bool,
    ) -> anyhow::Result<()> {
        self.achieve(what, action, |room| Ok(shows(&room.proctor()?)))
    }

    /// Asks a machine, which must be there.
    pub fn ask(&mut self, machine: usize, ask: &Ask) -> anyhow::Result<Outcome> {
        self.fate()?;
        let computer = &mut self.machines[machine];
        let party = computer.party.as_mut();
        let party = party.with_context(|| format!("{} is off", computer.name))?;
        match party.ask(ask, None)? {
            Asked::Answered(Answer::Terminal(outcome)) => Ok(*outcome),
            _ => bail!("{} is no terminal", computer.name),
        }
    }

    /// Asks, and a refusal is an error.
    pub fn does(&mut self, machine: usize, ask: &Ask) -> anyhow::Result<View> {
        let outcome = self.ask(machine, ask)?;
        match outcome.refused {
            None => Ok(outcome.view),
            Some(refused) => bail!("{}: {}", self.machines[machine].name, refused.code),
        }
    }

    /// What is on a machine's screen.
    pub fn view(&mut self, machine: usize) -> anyhow::Result<View> {
        Ok(self.ask(machine, &Ask::Look)?.view)
    }

    /// Polls, while the hub may be killed.
    pub fn until<T>(
        &mut self,
        what: &str,
        mut so: impl FnMut(&mut Room) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        loop {
            self.fate()?;
            if let Some(found) = so(self)? {
                return Ok(found);
            }
            ensure!(begun.elapsed() < PATIENCE, "never: {what}");
            std::thread::park_timeout(AGAIN);
        }
    }

    /// Everybody ends in order: nothing is on its way any more.
    pub fn close(&mut self) -> anyhow::Result<()> {
        for machine in &mut self.machines {
            machine.party.take().map(Party::close).transpose()?;
        }
        for station in std::iter::once(&mut self.station).chain(&mut self.other) {
            let party = station.computer.party.take();
            party.map(Party::close).transpose()?;
        }
        self.server.take().map(Party::close).transpose()?;
        Ok(())
    }

    /// What the center exports for the sitting, in a folder.
    pub fn results(&self) -> anyhow::Result<PathBuf> {
        let out = self.folder.join("results");
        self.center
            .run(&["results", SITTING, "--out", &out.display().to_string()])?;
        Ok(out)
    }
}

/// The person who stands beside the proctor.
pub fn second() -> SecondPerson {
    SecondPerson {
        staff_id: "P002".to_owned(),
        password: PASSWORD.to_owned(),
    }
}
